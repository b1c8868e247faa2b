"""Line coverage of the whole suite, per package of the addon, against its floor."""

import json
import os
from collections import defaultdict

import coverage

# Percent of lines. The other packages have branches for Odoo's request and cron loops.
FLOORS = {"cloud_api": 95.0, "policy": 95.0}
OTHER_FLOOR = 85.0


def line_counts(data_files, target):
    """Return ``{room: {file: (lines, covered, missing line numbers)}}`` of several runs together.

    ``room`` is a top-level folder of the addon.

    :param data_files: paths of the runs' data, removed afterwards
    :param target: path of the data of all; its figures are stored next to it as JSON
    """
    measured = coverage.Coverage(data_file=str(target))
    measured.combine([str(path) for path in data_files], strict=True)
    measured.save()
    report = target.with_suffix(".json")
    measured.json_report(outfile=str(report))
    rooms = defaultdict(dict)
    for name, entry in json.loads(report.read_text())["files"].items():
        summary = entry["summary"]
        rooms[name.split(os.sep)[0]][name] = (
            summary["num_statements"],
            summary["covered_lines"],
            entry["missing_lines"],
        )
    return rooms


def percent(covered, lines):
    return 100.0 * covered / lines if lines else 100.0


def compare(rooms):
    """Return lines for a person and the shortfalls among them: ``([text], [text])``."""
    rows, shortfalls = [], []
    for room, files in sorted(rooms.items()):
        lines = sum(count for count, _covered, _missing in files.values())
        covered = sum(count for _lines, count, _missing in files.values())
        floor = FLOORS.get(room, OTHER_FLOOR)
        reached = percent(covered, lines)
        rows.append(f"{room:<12}{lines:>6} lines {reached:>6.1f} % (floor {floor:.0f} %)")
        if reached < floor:
            shortfalls.append(f"{room}: {reached:.1f} % of lines, {floor:.0f} % wanted")
            rows += [
                f"    {name}: {percent(count, total):.1f} %, lines {shorten(missing)}"
                for name, (total, count, missing) in sorted(files.items())
                if percent(count, total) < floor
            ]
    return rows, shortfalls


def shorten(numbers, shown=12):
    """Return the first line numbers as text: "3, 4, 9 and 5 more"."""
    text = ", ".join(str(number) for number in numbers[:shown])
    rest = len(numbers) - shown
    return f"{text} and {rest} more" if rest > 0 else text
