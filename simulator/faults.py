"""Scripted faults: rules that match requests and say what goes wrong.

A rule is a JSON object. Matching keys (all optional, all must hold): ``endpoint``, ``method``,
``phone``, ``number``, ``template``; ``skip`` lets that many matches pass first, ``count`` ends
the rule after that many strikes (null: never). ``kind`` and its own keys:

    latency               ms: number or [low, high]; delays the reply, other rules still apply
    timeout_after_accept  process, then never answer
    reset                 when: "before" or "after" processing; TCP reset, no reply
    status_5xx            when (default "before"), status (503), body: "graph", "text" or "html",
                          code (2)
    non_json              when (default "after"): 200 with an HTML page
    unreadable_200        when (default "after"): 200 with half of the JSON, or ``size`` bytes
    error                 code, subcode, details, http_status: refused with this Graph error
    failed                code: accepted, later a failed status with this code
"""

import asyncio
import json
import random
import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from .graph_errors import GraphError

KINDS = {
    "latency": {"ms"}, "timeout_after_accept": set(), "reset": {"when"},
    "status_5xx": {"when", "status", "body", "code"}, "non_json": {"when"},
    "unreadable_200": {"when", "size"},
    "error": {"code", "subcode", "details", "http_status"}, "failed": {"code"},
}
COMMON = {"kind", "endpoint", "method", "phone", "number", "template", "skip", "count"}
STRIKES_BEFORE_PROCESSING = ("status_5xx", "reset", "error")
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Fault:
    """One rule; ``rule`` is the JSON it came from, ``strikes`` how often it struck."""

    rule: dict
    skip: int
    left: int | None
    strikes: int = 0

    @property
    def kind(self):
        return self.rule["kind"]

    @property
    def before(self):
        """True when it strikes instead of the processing, not after it."""
        default = "before" if self.kind in STRIKES_BEFORE_PROCESSING else "after"
        return self.rule.get("when", default) == "before"

    def matches(self, call):
        seen = {"endpoint": call.endpoint, "method": call.method, "phone": call.node_id,
                "number": call.entry.recipient, "template": call.entry.template.split("/")[0]}
        return self.left != 0 and all(
            name not in self.rule or self.rule[name] in ("*", value)
            for name, value in seen.items())

    def strike(self):
        """Count a match; False while it is still being skipped."""
        if self.skip:
            self.skip -= 1
            return False
        if self.left:
            self.left -= 1
        self.strikes += 1
        return True


class Faults:
    """The rules in force, oldest first."""

    def __init__(self):
        self.rules = []
        self._random = random.Random(1)

    def add(self, rule):
        """Add a rule; raises ValueError for an unknown kind or key."""
        allowed = KINDS.get(rule.get("kind"))
        if allowed is None:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        unknown = set(rule) - COMMON - allowed
        if unknown:
            raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
        self.rules.append(Fault(rule, rule.get("skip", 0), rule.get("count", 1)))

    def clear(self):
        self.rules.clear()

    def strike(self, call):
        """(seconds of latency, the first other Fault that strikes this call or None)."""
        latency, outcome = 0.0, None
        for fault in self.rules:
            if outcome is not None and fault.kind != "latency":
                continue
            if not fault.matches(call) or not fault.strike():
                continue
            if fault.kind == "latency":
                latency += self._milliseconds(fault.rule.get("ms", 100)) / 1000
            else:
                outcome = fault
        return latency, outcome

    def _milliseconds(self, value):
        return self._random.uniform(*value) if isinstance(value, list) else value


async def replace_reply(fault, request, reply, status):
    """The HTTP response a fault puts in place of ``reply`` (a dict), or None: no reply at all.

    Raises GraphError for a refusal. ``reply`` is None when nothing was processed.
    """
    rule = fault.rule
    if fault.kind == "error":
        raise GraphError(rule.get("code", 131000), rule.get("details", ""),
                         subcode=rule.get("subcode"), http_status=rule.get("http_status"))
    if fault.kind == "timeout_after_accept":
        await _hang(request)
        return None
    if fault.kind == "reset":
        reset_connection(request)
        return None
    if fault.kind == "status_5xx":
        return _server_error(rule)
    if fault.kind == "non_json":
        return web.Response(text="<html><body>Welcome</body></html>", content_type="text/html")
    text = json.dumps(reply if reply is not None else {"messaging_product": "whatsapp"})
    size = rule.get("size")
    body = text[:len(text) // 2].encode() if size is None else b"[" + b" " * (size - 1)
    return web.Response(body=body, status=status or 200, content_type="application/json")


def _server_error(rule):
    status, kind = rule.get("status", 503), rule.get("body", "graph")
    if kind == "graph":
        raise GraphError(rule.get("code", 2), http_status=status)
    if kind == "html":
        return web.Response(status=status, content_type="text/html",
                            text="<html><body><h1>Sorry</h1></body></html>")
    return web.Response(status=status, text="upstream connect error")


async def _hang(request):
    """Wait until the client gives up."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(POLL_SECONDS)


def reset_connection(request):
    """Close with a TCP reset rather than a clean end."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
