"""The Graph endpoint: reads a request, logs it, applies faults, dispatches, replies."""

import asyncio
import hashlib
import hmac
import inspect
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from . import library
from .endpoints import Endpoints, app_subscriptions, debug_token
from .faults import replace_reply
from .graph_errors import GraphError, missing_object
from .state import Account, Business, Number, Token

VERSION = re.compile(r"v(\d+\.\d)\Z")
BEARER = re.compile(r"(?:Bearer|OAuth)\s+(\S+)\Z", re.IGNORECASE)
UPLOAD_MAX = 110 * 1024 * 1024
HOUR = 3600.0
SEND_EDGES = ("messages", "marketing_messages")


@dataclass(slots=True)
class Call:
    """One parsed Graph request. ``version`` is a float, 0.0 when malformed."""

    method: str
    version: float
    node_id: str
    edge: str
    query: dict
    token: str
    body: object
    entry: object
    request: object
    base_url: str

    @property
    def endpoint(self):
        if self.node_id == "attachments":
            return "attachment"
        if self.node_id == "samples":
            return "sample"
        return self.edge or ("debug_token" if self.node_id == "debug_token" else "node")


class GraphApp:
    """Routes Graph calls onto the parts of the simulator (see ``runtime.Simulator``)."""

    def __init__(self, simulator):
        self.sim = simulator
        self.world = simulator.world
        self._edges = Endpoints(simulator).table()

    async def handle(self, request):
        """Answer one Graph request; everything about it is logged."""
        raw = b"" if request.content_type.startswith("multipart/") else await request.read()
        call = self._parse_request(request, raw)
        entry = call.entry
        latency, fault = self.sim.faults.strike(call)
        try:
            if call.endpoint == "sample":
                return self._sample(call)
            if call.endpoint == "attachment" and not (fault and fault.before):
                return self._file(call, fault)
            reply, status = await self._answer(call, fault)
            response = await self._route_call(fault, request, reply, status, entry)
        except GraphError as error:
            entry.code = error.code
            response = _json(error.envelope(), error.http_status)
        if latency:
            await asyncio.sleep(latency)
        entry.status = response.status if response else 0
        entry.answered = response is not None and request.transport is not None
        self.sim.log.write(entry, self.world.settings.keep_bodies)
        return response or web.Response()

    def _file(self, call, fault):
        """The bytes behind an address of GET /{media}: with a token, for some minutes."""
        entry, world = call.entry, self.world
        self._authenticate(call)
        file = world.file(call.query.get("mid", ""))
        until = call.query.get("ext", "")
        lives = until.isdigit() and int(until) > world.clock.now()
        entry.processed = True
        if file is None or not lives:
            response = web.Response(status=404)
        else:
            # A page instead of the file, as a captive portal might send.
            content = b"<html>" if fault else file.content
            response = web.Response(body=content, headers={"Content-Type": file.type})
        entry.status, entry.answered = response.status, True
        self.sim.log.write(entry, world.settings.keep_bodies)
        return response

    def _sample(self, call):
        """A template's sample, as Meta's own addresses serve it: without a token."""
        found = self.sim.uploads.sample(call.query.get("n", ""))
        call.entry.processed = call.entry.answered = True
        response = (web.Response(body=found[1], headers={"Content-Type": found[0]})
                    if found else web.Response(status=404))
        call.entry.status = response.status
        self.sim.log.write(call.entry, self.world.settings.keep_bodies)
        return response

    async def _answer(self, call, fault):
        """(reply, HTTP status) of the platform; (None, 0) when a fault applies before it."""
        if fault and fault.before:
            return None, 0
        failure = fault.rule.get("code", 131000) if fault and fault.kind == "failed" else 0
        call.entry.processed = True
        try:
            return await self._dispatch(call, failure), 200
        except GraphError as error:
            call.entry.code = error.code
            call.entry.outcome = "refused" if call.entry.is_send else ""
            return error.envelope(), error.http_status

    @staticmethod
    async def _route_call(fault, request, reply, status, entry):
        if fault:
            entry.fault = fault.kind
        if fault is None or fault.kind == "failed":
            return _json(reply, status)
        return await replace_reply(fault, request, reply, status)

    # ---- parsing ------------------------------------------------------------------------------

    def _parse_request(self, request, raw):
        parts = request.path.strip("/").split("/")
        version = VERSION.match(parts[0])
        query = dict(request.query)
        entry = self.sim.log.open(self.world.clock.now(), request.method, request.path, query,
                                  raw, self.sim.heartbeat.lateness())
        node_id = parts[1] if len(parts) > 1 else ""
        call = Call(request.method, float(version.group(1)) if version else 0.0, node_id,
                    "/".join(parts[2:]), query, _token(request, query), _parse(request, raw), entry,
                    request, f"{request.scheme}://{request.host}{request.path}")
        self._describe(call)
        return call

    def _describe(self, call):
        """Log the request before it is processed."""
        entry, node = call.entry, self.world.node(call.node_id)
        account = self.world.find_account(node) if node else None
        if account:
            entry.account_id, entry.business_id = account.id, account.business_id
        if not isinstance(node, Number):
            return
        entry.phone_id = node.id
        body = call.body
        entry.is_send = (call.endpoint in SEND_EDGES and call.method == "POST"
                         and not _is_report(body))
        entry.endpoint = call.endpoint if entry.is_send else ""
        if not entry.is_send or not isinstance(body, dict):
            return
        digits = self.sim.sender.parse_digits(node, body.get("to"))
        entry.recipient = f"+{digits}" if digits else str(body.get("to") or
                                                          body.get("recipient") or "")
        entry.opaque = str(body.get("biz_opaque_callback_data") or "")
        template = body.get("template")
        if isinstance(template, dict):
            language = template.get("language")
            code = language.get("code") if isinstance(language, dict) else ""
            entry.template = f"{template.get('name')}/{code}"

    # ---- dispatch -----------------------------------------------------------------------------

    async def _dispatch(self, call, failure):
        if not call.version:
            raise GraphError(2500, message="Unknown path components: /" + call.request.path)
        token = self._authenticate(call)
        if call.node_id == "debug_token":
            return debug_token(self.world, call)
        if call.node_id == self.world.app_id or call.node_id.startswith("upload:"):
            return await self._app_call(call, token)
        if (call.method, call.node_id) == ("GET", "message_template_library"):
            self._check_scope(token, call.edge)
            return library.browse(call.query, call.base_url)
        node = self.world.node(call.node_id)
        if node is None or not self._visible(token, node):
            raise missing_object(call.method, call.node_id)
        if isinstance(node, Account):
            self._charge_quota(node)
        self._check_scope(token, call.edge)
        edge = (call.method, type(node), call.edge)
        if edge == ("POST", Number, "messages") and _is_report(call.body):
            edge = ("POST", Number, "read")
        if call.edge.startswith("message_qrdls/"):
            edge = (call.method, type(node), "message_qrdls/code")
        if edge[:2] == ("POST", Number) and edge[2] in SEND_EDGES:
            return self.sim.sender.send(node, call.body, call.entry, failure,
                                        by_marketing=edge[2] == "marketing_messages")
        handler = self._edges.get(edge)
        if handler is None:
            raise GraphError(2500, message=f"Unknown path components: /{call.edge}")
        reply = handler(call, node)
        return await reply if inspect.isawaitable(reply) else reply

    async def _app_call(self, call, token):
        """What the app itself answers: its subscriptions, and sessions of uploads."""
        if (call.method, call.edge) == ("GET", "subscriptions"):
            return app_subscriptions(self.world, self.sim.delivery.settings.url, token)
        self._check_scope(token, call.edge)
        uploads = self.sim.uploads
        if (call.method, call.edge) == ("POST", "uploads"):
            return uploads.start(call)
        if call.node_id.startswith("upload:") and not call.edge:
            if call.method == "GET":
                return uploads.read(call)
            if call.method == "POST":
                return uploads.receive(call, await call.request.read())
        raise GraphError(2500, message=f"Unknown path components: /{call.edge}")

    def _authenticate(self, call):
        """The Token of the call. Without one: code 200 (Meta's error page, 2026-09)."""
        if not call.token:
            raise GraphError(200, http_status=401, message="(#200) An access token is required "
                                                           "to request this resource.")
        self._check_proof(call)
        if "|" in call.token:
            return self._app_token(call.token)
        token = self.world.tokens.get(call.token)
        if token is None:
            raise GraphError(190, message="Invalid OAuth access token - Cannot parse access token")
        if not token.usable(self.world.clock.now()):
            raise GraphError(190, subcode=463, message="Error validating access token: Session "
                                                       "has expired")
        return token

    def _check_proof(self, call):
        """`appsecret_proof`, on any call that carries one (Meta, Secure Graph API Calls)."""
        proof = call.query.get("appsecret_proof")
        secret = self.sim.delivery.settings.app_secret.encode()
        right = hmac.new(secret, call.token.encode(), hashlib.sha256).hexdigest()
        if proof is not None and not hmac.compare_digest(proof.encode(), right.encode()):
            raise GraphError(100, message="Invalid appsecret_proof provided in the API argument",
                             kind="GraphMethodException")

    def _app_token(self, text):
        """The app's own token, `app_id|app_secret` (Meta, Access tokens)."""
        app_id, _, secret = text.partition("|")
        if (app_id, secret) != (self.world.app_id, self.sim.delivery.settings.app_secret):
            raise GraphError(190, message="Invalid OAuth access token signature.")
        return Token(text, app_id=app_id, is_app=True)

    @staticmethod
    def _check_scope(token, edge):
        scope = ("whatsapp_business_messaging"
                 if edge in (*SEND_EDGES, "media", "attachment", "block_users")
                 else "whatsapp_business_management")
        if scope not in token.scopes:
            raise GraphError(200, f"The token lacks the permission {scope}.")

    def _visible(self, token, node):
        if token.account_ids is None:
            return True
        if isinstance(node, Business):
            return any(self.world.accounts[a].business_id == node.id for a in token.account_ids)
        return self.world.find_account(node).id in token.account_ids

    def _charge_quota(self, account):
        """Management calls per account in a sliding hour (Meta, "About the platform")."""
        now, calls = self.world.clock.now(), account.management_calls
        while calls and calls[0] <= now - HOUR:
            calls.popleft()
        quota = self.world.settings.management_quota
        if quota is not None and len(calls) >= quota:
            raise GraphError(80007, subcode=2446079)
        calls.append(now)


def _is_report(body):
    """Whether the body of a POST to `messages` reports that we have read a message."""
    return isinstance(body, dict) and "status" in body


def _token(request, query):
    match = BEARER.match(request.headers.get("Authorization", ""))
    return match.group(1) if match else query.get("access_token", "")


def _parse(request, raw):
    """The body as JSON or, as Graph also accepts, form fields; None when neither."""
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode(errors="replace")))
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _json(value, status):
    return web.Response(body=json.dumps(value).encode(), status=status,
                        content_type="application/json")
