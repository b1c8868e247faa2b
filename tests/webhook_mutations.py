"""Mutations of valid webhook bodies, drawn by hypothesis: what a fuzz test throws at the border.

A mutated body holds valid neighbours at every level (entry, change, message), so that what is lost
beside a broken piece shows.
"""

import copy
import functools
import json
from pathlib import Path

from hypothesis import strategies as st

PAYLOADS = Path(__file__).parent / "payloads"
# Stands for text that `json.dumps` does not write.
SPLICES = {
    '"@DEEP@"': "[" * 5000 + "]" * 5000,
    '"@DEEP OBJECT@"': '{"a":' * 900 + "1" + "}" * 900,
    '"@LONG NUMBER@"': "9" * 5000,
    '"@1E400@"': "1e400",
}
EVIL = (
    None, True, False, 0, -1, 2**31, 2**63, 10**30, 1.5, -0.0, float("nan"), float("inf"),
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "²", "٣", "７", "9" * 60, "x" * 9000,
    "+34 600", "+" + "9" * 400, "-1", "1e9", "99999999999999999999", "NaN", "%s", "%(x)s", "{0}",
    "<script>alert(1)</script>", "=1+1", "'; DROP TABLE waba_message; --", "stop", "BAJA", "sent",
    "failed", "system", "edit", "group", "\u202e", "🙂" * 50, "\n" * 50, [], {}, [[]], [None],
    [{}], {"id": []}, {"id": {"id": "x"}}, {"type": "edit", "edit": {"message": {"type": "edit"}}},
    {"\x00": "\x00"}, ["\x00"], {"errors": [{"code": "²"}, {"code": 10**12}]},
    *(splice.strip('"') for splice in SPLICES),
)  # fmt: skip


@functools.cache
def payloads():
    """{name: body} of every recorded body."""
    files = {path.stem: json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json"))}
    return {name: content["body"] for name, content in files.items() if "body" in content}


def _places(value):
    """[(container, key)] of everything inside a JSON value, outermost first."""
    found, heap = [], [value]
    while heap:
        inner = heap.pop()
        pairs = inner.items() if isinstance(inner, dict) else enumerate(inner)
        for key, child in list(pairs):
            found.append((inner, key))
            if isinstance(child, (dict, list)):
                heap.append(child)
    return found


def _mutate(value, index, operation, evil):
    places = _places(value)
    if not places:
        return
    container, key = places[index % len(places)]
    if operation == "remove":
        del container[key]
    elif operation == "replace":
        container[key] = copy.deepcopy(evil)
    elif operation == "wrap":
        container[key] = [container[key]]
    elif operation == "double" and isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    elif operation == "rename" and isinstance(container, dict):
        name = evil[:30] if isinstance(evil, str) and "@" not in evil else "x"
        container[name] = container.pop(key)
    elif operation == "move":
        other, other_key = places[(index * 7 + 3) % len(places)]
        if other_key in other if isinstance(other, dict) else other_key < len(other):
            other[other_key] = copy.deepcopy(evil)


_EDITS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(("remove", "replace", "replace", "wrap", "double", "rename", "move")),
        st.sampled_from(EVIL),
    ),
    min_size=1,
    max_size=4,
)


@st.composite
def mutated_entries(draw):
    """One entry of a recorded body with a few things wrong in it."""
    bodies = payloads()
    body = copy.deepcopy(bodies[draw(st.sampled_from(sorted(bodies)))])
    entry = body["entry"][0]
    for index, operation, evil in draw(_EDITS):
        _mutate(entry, index, operation, evil)
    return entry


def with_neighbours(entry, account, number, name):
    """A body of a broken entry and valid messages of one person beside it.

    :param name: what tells this body's messages from those of others
    :return: (body, wamids of the valid messages)
    """

    def message(place):
        return {"from": "34611000001", "id": f"wamid.{name}.{place}", "timestamp": "1790000000",
                "type": "text", "text": {"body": "Hola"}}  # fmt: skip

    def change(*messages):
        return {"field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {"phone_number_id": number},
            "messages": list(messages)}}  # fmt: skip

    changes = entry.get("changes") if isinstance(entry, dict) else None
    broken = [change for change in changes if change] if isinstance(changes, list) else []
    # A broken piece of an element, as an element among valid ones.
    piece = broken[0].get("value") if broken and isinstance(broken[0], dict) else entry
    first = piece.get("messages") if isinstance(piece, dict) else piece
    element = first[0] if isinstance(first, list) and first else piece
    body = {"object": "whatsapp_business_account", "entry": [
        entry,
        {"id": account, "time": 1790000000, "changes": [
            *broken,
            change(message("before"), element, message("after")),
            change(message("next"))]},
    ]}  # fmt: skip
    return body, [f"wamid.{name}.{place}" for place in ("before", "after", "next")]


def as_bytes(body):
    """The body as Meta would post it, with what `json.dumps` cannot write spliced in."""
    text = json.dumps(body)
    for mark, splice in SPLICES.items():
        text = text.replace(mark, splice)
    return text.encode()
