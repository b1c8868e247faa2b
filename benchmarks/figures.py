"""The figures of a benchmark: JSON lines while it runs, one table at the end."""

import json
import math
import sys
from dataclasses import dataclass
from heapq import heappop, heappush


@dataclass(frozen=True)
class Figure:
    """One measured value and its target.

    :param benchmark: name of the benchmark, as `dev/bench` takes it
    :param must: ('>=' | '<=', limit), or None when the value only explains another
    """

    benchmark: str
    name: str
    value: float
    unit: str = ""
    must: tuple | None = None

    @property
    def reached(self):
        """True or False; None without a target."""
        if self.must is None:
            return None
        sign, limit = self.must
        return self.value >= limit if sign == ">=" else self.value <= limit


class Report:
    """Collects figures and prints each immediately, so that an interrupted run has its figures."""

    def __init__(self, out=sys.stdout):
        self.figures = []
        self._out = out

    def add(self, benchmark, name, value, unit="", must=None):
        figure = Figure(benchmark, name, value, unit, must)
        self.figures.append(figure)
        line = {"benchmark": benchmark, "figure": name, "value": round(value, 4), "unit": unit}
        if must:
            line |= {"must": f"{must[0]} {must[1]}", "reached": figure.reached}
        print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)
        return value

    def print_table(self):
        """Measured, must reach, reached? for every figure with a target."""
        rows = [("figure", "measured", "must reach", "reached")]
        rows += [
            (
                f"{figure.benchmark}: {figure.name}",
                f"{_short(figure.value)} {figure.unit}".strip(),
                f"{figure.must[0]} {_short(figure.must[1])} {figure.unit}".strip(),
                "yes" if figure.reached else "NO",
            )
            for figure in self.figures
            if figure.must
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        print(file=self._out)
        for row in rows:
            print(
                "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)),
                file=self._out,
            )


def _short(value):
    if value != value or math.isinf(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percentile(values, share):
    """The value that `share` (0–1) of `values` do not exceed.

    :raise ValueError: when there are no values
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values to take a percentile of")
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def median(values):
    return percentile(values, 0.5)


def max_per_second(arrivals):
    """Most messages that certainly arrived within one second (t - 1, t].

    :param arrivals: pairs (stamped at, seconds the message may have waited for its stamp). A
        starved simulator stamps together what came one by one, so only a message that cannot have
        come before the second is counted into it.
    """
    earliest, most = [], 0
    for stamped_at, waited in sorted(arrivals):
        heappush(earliest, stamped_at - waited)
        while earliest and earliest[0] <= stamped_at - 1.0:
            heappop(earliest)
        most = max(most, len(earliest))
    return most
