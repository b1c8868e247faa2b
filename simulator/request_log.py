"""The log of every request that reached the server, for the assertions of tests."""

import json
from dataclasses import dataclass


@dataclass(slots=True)
class Request:
    """One request. ``received_at`` is Unix seconds, taken once the whole body had arrived;
    ``waited`` the seconds for which it may have lain in the socket before that (``heartbeat``).

    ``processed`` is whether the platform acted on it, ``answered`` whether a reply left;
    ``counted`` whether the person counts against the messaging limit; ``outcome`` is accepted,
    held, refused or "" (not a send, or a fault struck before processing); ``since_told`` the
    seconds since the business was informed that this person wants no marketing.

    Of a promotion with a maximum price: ``auction`` (won or lost), ``max_price`` (what the request
    allowed), ``clearing_price`` and ``charge``, per message in the account's currency.
    """

    index: int
    received_at: float
    method: str
    path: str
    query: dict
    raw: bytes
    waited: float = 0.0
    phone_id: str = ""
    account_id: str = ""
    business_id: str = ""
    recipient: str = ""
    wa_id: str = ""
    opaque: str = ""
    template: str = ""
    category: str = ""
    wamid: str = ""
    status: int = 0
    code: int = 0
    outcome: str = ""
    fault: str = ""
    is_send: bool = False
    endpoint: str = ""
    auction: str = ""
    max_price: float | None = None
    clearing_price: float | None = None
    charge: float | None = None
    in_window: bool = False
    counted: bool = False
    since_told: float | None = None
    processed: bool = False
    answered: bool = False

    @property
    def accepted(self):
        return self.outcome in ("accepted", "held")

    def as_dict(self):
        """A JSON-ready copy, the body parsed where it is JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "raw"}
        fields["query"] = {k: v for k, v in self.query.items() if k != "access_token"}
        fields["body"] = readable(self.raw)
        return fields


def readable(raw):
    """The JSON value of these bytes, else their text, else a note of their size."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return f"<{len(raw)} bytes>"


class RequestLog:
    """The requests in order of arrival, optionally copied to a JSON-lines file."""

    def __init__(self, path=None):
        self.entries = []
        self._file = open(path, "a", 1, encoding="utf-8") if path else None  # noqa: SIM115

    def open(self, now, method, path, query, raw, waited):
        """Register a request that has fully arrived."""
        entry = Request(len(self.entries), now, method, path, query, raw, waited)
        self.entries.append(entry)
        return entry

    def write(self, entry, keep_body=True):
        """Copy a finished entry to the file; drop its body from memory when not kept."""
        if self._file:
            self._file.write(json.dumps(entry.as_dict()) + "\n")
        if not keep_body:
            entry.raw = b""

    def clear(self):
        self.entries.clear()

    def close(self):
        if self._file:
            self._file.close()
