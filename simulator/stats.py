"""Exact figures over the log. Pure functions: times in seconds, ascending; no clock, no world.

A sliding window of length w ending at t holds the events in (t - w, t]: two events exactly w
apart are never in the same window.
"""

from collections import Counter, defaultdict, deque

DAY = 86400.0


def max_distinct(events, window):
    """(most distinct keys in any window, end of the first window that reaches it or None)."""
    inside, counts = deque(), Counter()
    best, best_at = 0, None
    for at, key in events:
        _expire(inside, counts, at - window)
        inside.append((at, key))
        counts[key] += 1
        if len(counts) > best:
            best, best_at = len(counts), at
    return best, best_at


def distinct_now(events, window, now):
    """How many distinct keys the window ending now contains."""
    return len({key for at, key in events if now - window < at <= now})


def _expire(inside, counts, limit):
    while inside and inside[0][0] <= limit:
        key = inside.popleft()[1]
        counts[key] -= 1
        if not counts[key]:
            del counts[key]


def max_count(times, window):
    """The most events in any window."""
    inside, best = deque(), 0
    for at in times:
        inside.append(at)
        while inside[0] <= at - window:
            inside.popleft()
        best = max(best, len(inside))
    return best


def shortest_intervals(events):
    """{key: shortest seconds between two consecutive events of that key}."""
    last, shortest = {}, {}
    for at, key in events:
        if key in last:
            gap = at - last[key]
            shortest[key] = min(gap, shortest.get(key, gap))
        last[key] = at
    return shortest


def duplicates(entries):
    """Opaque values that several sends carried, with how many of those were accepted."""
    by_opaque = defaultdict(list)
    for entry in entries:
        if entry.opaque:
            by_opaque[entry.opaque].append(entry)
    return [{"opaque": opaque, "requests": len(found),
             "accepted": sum(e.accepted for e in found),
             "recipients": sorted({e.recipient for e in found}),
             "indexes": [e.index for e in found]}
            for opaque, found in by_opaque.items() if len(found) > 1]


def summary(entries, now):
    """The body of ``GET /_control/stats`` but for the webhook figures."""
    sends = [e for e in entries if e.is_send]
    accepted = [e for e in sends if e.accepted]
    repeated = duplicates(sends)
    pairs = shortest_intervals((e.received_at, f"{e.phone_id}|{e.wa_id}") for e in accepted)
    return {
        "now": now,
        "requests": len(entries),
        "messages": {
            "requests": len(sends),
            "accepted": len(accepted),
            "counted": sum(e.counted for e in accepted),
            "unanswered": sum(not e.answered for e in sends),
            "by_outcome": dict(Counter(e.outcome or "unprocessed" for e in sends)),
            "by_status": _text_keys(Counter(e.status for e in sends)),
            "by_code": _text_keys(Counter(e.code for e in sends if e.code)),
        },
        "portfolios": _portfolios(accepted, now),
        "numbers": _numbers(sends, pairs),
        "pairs": pairs,
        "duplicates": repeated,
        "accepted_twice": [row for row in repeated if row["accepted"] > 1],
        "prices": _prices(accepted),
        "against_will": [{"index": e.index, "recipient": e.recipient, "opaque": e.opaque,
                          "seconds_after_told": e.since_told}
                         for e in accepted if e.since_told is not None],
    }


def _prices(accepted):
    """Promotions with a maximum price: what was charged, and every charge above the price."""
    priced = [e for e in accepted if e.auction]
    return {
        "won": sum(e.auction == "won" for e in priced),
        "lost": sum(e.auction == "lost" for e in priced),
        "charged": round(sum(e.charge or 0 for e in priced), 6),
        "highest": max((e.max_price for e in priced), default=None),
        "above": [{"index": e.index, "recipient": e.recipient, "opaque": e.opaque,
                   "max_price": e.max_price, "charge": e.charge}
                  for e in priced if e.charge is not None and e.charge > e.max_price + 1e-9],
    }


def _text_keys(counter):
    return {str(key): count for key, count in sorted(counter.items())}


def _group(entries, attribute):
    groups = defaultdict(list)
    for entry in entries:
        groups[getattr(entry, attribute)].append(entry)
    return groups


def _portfolios(accepted, now):
    figures = {}
    for business_id, entries in _group(accepted, "business_id").items():
        events = [(e.received_at, e.wa_id) for e in entries if e.counted]
        most, at = max_distinct(events, DAY)
        figures[business_id] = {
            "max_distinct_24h": most, "max_reached_at": at,
            "current_distinct_24h": distinct_now(events, DAY, now),
            "distinct_ever": len({key for _at, key in events}),
        }
    return figures


def _numbers(sends, pairs):
    figures = {}
    for phone_id, entries in _group(sends, "phone_id").items():
        accepted = [e.received_at for e in entries if e.accepted]
        own = [gap for pair, gap in pairs.items() if pair.startswith(phone_id + "|")]
        figures[phone_id] = {
            "requests": len(entries), "accepted": len(accepted),
            "max_requests_1s": max_count([e.received_at for e in entries], 1.0),
            "max_accepted_1s": max_count(accepted, 1.0),
            "shortest_pair_interval": min(own, default=None),
        }
    return figures
