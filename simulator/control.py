"""``/_control/…``: how a test inspects, changes the world and scripts faults. No auth."""

import asyncio
import base64
import json
from dataclasses import fields

from aiohttp import web

from . import webhook_bodies as bodies
from .delivery import sign
from .endpoints import RECEIVED_DAYS
from .people import BEHAVIOURS, button_content, order_content, text_content
from .rare_bodies import KINDS, WRITTEN, Rare
from .request_log import readable
from .review import REASONS
from .state import Person, Token, whatsapp_id
from .stats import summary

PAGE = 10000


class BadControl(Exception):
    """An invalid control request; answered with 400 and this text."""


class Control:
    """One method per path: ``get_log`` answers GET /_control/log, ``post_reset`` POST …/reset."""

    def __init__(self, simulator):
        self.sim = simulator
        self.world = simulator.world
        self.events = simulator.events

    async def handle(self, request):
        """Answer one control request with JSON; 400 with {"error"} when it makes no sense."""
        name = request.path.removeprefix("/_control/").strip("/")
        handler = getattr(self, f"{request.method.lower()}_{name}", None)
        if handler is None:
            return _json({"error": f"no control {request.method} {name}"}, 404)
        try:
            raw = await request.read()
            values = json.loads(raw) if raw else {}
            if request.method == "GET":
                values = dict(request.query)
            reply = handler(values)
            return _json(await reply if asyncio.iscoroutine(reply) else reply)
        except (BadControl, KeyError, TypeError, ValueError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)

    # ---- reading ------------------------------------------------------------------------------

    def get_log(self, query):
        """``since`` and ``limit``: requests from that index on."""
        entries = self.sim.log.entries
        since, end = _slice(query, len(entries))
        return {"entries": [e.as_dict() for e in entries[since:end]], "next": end}

    def get_webhooks(self, query):
        """``since`` and ``limit``: delivery attempts from that index on."""
        attempts = self.sim.delivery.attempts
        since, end = _slice(query, len(attempts))
        return {"entries": [_readable_attempt(a) for a in attempts[since:end]], "next": end}

    def get_stats(self, _query):
        """Exact figures: see stats.summary; plus webhook counts and what is pending."""
        delivery = self.sim.delivery
        figures = summary(self.sim.log.entries, self.world.clock.now())
        figures["webhooks"] = {
            **delivery.counts, "attempts": len(delivery.attempts),
            "ok": sum(a["status"] == 200 for a in delivery.attempts),
            "pending": self.sim.pending}
        return figures

    def get_world(self, _query):
        """The current state of businesses, accounts, numbers, templates and known people."""
        world = self.world
        shelves = {"businesses": world.businesses, "accounts": world.accounts,
                   "numbers": world.numbers, "templates": world.templates,
                   "people": world.people}
        return {name: [_public(thing) for thing in shelf.values()]
                for name, shelf in shelves.items()}

    def get_charges(self, _query):
        """Every charge so far: see ledger.Charge."""
        return {"charges": self.sim.ledger.as_dicts()}

    def get_faults(self, _query):
        return {"faults": [{**f.rule, "left": f.left, "strikes": f.strikes}
                           for f in self.sim.faults.rules]}

    # ---- running ------------------------------------------------------------------------------

    def post_reset(self, values):
        """``seed``: a new world (see README), else the one of the start; ``settings``: true sets
        those of the webhooks back too."""
        self.sim.reset(values.get("seed"), values.get("settings", False))
        return {"ok": True}

    async def post_flush(self, values):
        """``timeout`` (none), ``hurry`` (false): wait until every webhook is settled."""
        flushed = await self.sim.flush(values.get("timeout"), values.get("hurry", False))
        return {"flushed": flushed, "pending": self.sim.pending}

    def post_clock(self, values):
        """``advance``: seconds by which the simulator's clock jumps forward."""
        if values["advance"] < 0:
            raise BadControl("the clock only moves forward")
        self.world.clock.advance(values["advance"])
        self.sim.growth.check()
        return {"now": self.world.clock.now()}

    def get_growth(self, _query):
        """{portfolio: limit, people used and needed for the next, when a raise is due}."""
        return self.sim.growth.status()

    def post_growth(self, values):
        """Any field of growth.Rules; ``enabled`` true lets limits and ratings move."""
        self.sim.growth.rules.update(values)
        self.sim.growth.check()
        return _public(self.sim.growth.rules)

    def post_settings(self, values):
        """Any field of state.Settings."""
        _assign(self.world.settings, values)
        return _public(self.world.settings)

    def post_prices(self, values):
        """``prices`` {country or "*": {category: price}}, ``extra_volume``, ``extra_cost``,
        ``credit_line``: see ledger.Ledger."""
        unknown = set(values) - {"prices", "extra_volume", "extra_cost", "credit_line"}
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        for name, value in values.items():
            setattr(self.sim.ledger, name, value)
        return {"ok": True}

    def post_faults(self, values):
        """One rule or a list of rules (see faults.py)."""
        for rule in values if isinstance(values, list) else [values]:
            self.sim.faults.add(rule)
        return self.get_faults({})

    def delete_faults(self, _values):
        self.sim.faults.clear()
        return {"ok": True}

    async def post_delivery(self, values):
        """Any field of DeliverySettings; ``handshake`` true also verifies the url first."""
        values = dict(values)
        verify = values.pop("handshake", False)
        self.sim.delivery.settings.update(values)
        settings = self.sim.delivery.settings
        problem = ""
        if verify:
            problem = await self.sim.delivery.handshake(settings.url, settings.verify_token)
        return {"ok": not problem, "problem": problem}

    async def post_webhook(self, values):
        """Post ``body`` (JSON, or a string sent as it is) now; ``signature``: good, bad, missing
        or the header's whole value; ``url`` if not the app's."""
        body = values["body"]
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        settings = self.sim.delivery.settings
        kind = values.get("signature", "good")
        signature = {"good": sign(raw, settings.app_secret), "missing": "",
                     "bad": sign(raw, settings.app_secret + "x")}.get(kind, kind)
        status = await self.sim.delivery.post(values.get("url", settings.url), raw, signature)
        return {"status": status}

    # ---- people -------------------------------------------------------------------------------

    def post_behaviour(self, values):
        """Any field of people.Behaviour; ``people``: [{number, behaviour, error, name, username,
        hide_number}]."""
        values = dict(values)
        people = values.pop("people", [])
        self.sim.people.behaviour.update(values)
        for wanted in people:
            if wanted.get("behaviour", "") not in ("", *BEHAVIOURS):
                raise BadControl(f"behaviour must be one of {', '.join(BEHAVIOURS)}")
            _assign(self._person(wanted["number"]),
                    {key: value for key, value in wanted.items() if key != "number"})
        return _public(self.sim.people.behaviour)

    def post_inbound(self, values):
        """``number`` writes to ``phone_id``: ``text``, ``button`` {payload, text}, ``media`` {kind,
        mime_type, content (base64), filename?, caption?, voice?}, ``order`` {catalog_id, text?,
        items [{sku, quantity, price, currency}]} or ``message`` (raw, with its type);
        ``context_wamid``; ``opt_out`` true or false overrides the guess."""
        content = values.get("message")
        if "order" in values:
            content = order_content(values["order"])
        elif "media" in values:
            content = self._file_content(values["phone_id"], values["media"])
        elif "text" in values:
            content = text_content(values["text"])
        elif "button" in values:
            button = values["button"]
            content = button_content(button["payload"], button.get("text", button["payload"]))
        if not content:
            raise BadControl("text, button, media, order or message is required")
        context = values.get("context_wamid", "")
        if "button" in values:
            self.sim.analytics.count_click(self.sim.log, context)
        wamid = self.sim.people.inbound(
            self.world.numbers[values["phone_id"]], self._person(values["number"]), content,
            context, values.get("opt_out"))
        return {"wamid": wamid}

    def post_ad(self, values):
        """``number`` taps an ad and writes ``text`` to ``phone_id``: ``referral`` overrides what
        Meta tells of the ad (null omits), ``click`` the id of the click."""
        number = self.world.numbers[values["phone_id"]]
        return self.sim.conversions.click(
            number, self._person(values["number"]), values)

    def get_conversions(self, _query):
        """Every event received, with whether it repeats one of the last 48 hours."""
        return {"events": self.world.conversions}

    def _file_content(self, phone_id, values):
        """The message of a person who sends a file; the platform stores it for a week."""
        content = base64.b64decode(values["content"], validate=True)
        file = self.world.keep_file(self.world.numbers[phone_id], values["mime_type"], content,
                                    RECEIVED_DAYS, values.get("filename", ""))
        digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        part = {"id": file.id, "mime_type": file.type, "sha256": digest}
        part |= {key: values[key] for key in ("filename", "caption", "voice") if key in values}
        return {"type": values["kind"], values["kind"]: part}

    def post_media(self, values):
        """``id`` with ``content`` (base64: other bytes than announced) or ``expires_at``."""
        file = self.world.media[values["id"]]
        if "content" in values:
            file.content = base64.b64decode(values["content"], validate=True)
        if "expires_at" in values:
            file.expires_at = values["expires_at"]
        return {"id": file.id, "size": len(file.content)}

    def post_preferences(self, values):
        """``number`` chooses ``value`` (stop or resume) towards ``phone_id``'s portfolio."""
        if values["value"] not in ("stop", "resume"):
            raise BadControl("value must be stop or resume")
        self.sim.people.set_preference(self.world.numbers[values["phone_id"]],
                               self._person(values["number"]), values["value"])
        return {"ok": True}

    def post_rare(self, values):
        """``kind`` (see rare_bodies.Rare) about ``number`` and ``phone_id``, with what it takes."""
        if values["kind"] not in KINDS:
            raise BadControl(f"kind must be one of {', '.join(KINDS)}")
        number, person = self.world.numbers[values["phone_id"]], self._person(values["number"])
        wamid = self.world.new_wamid()
        business_id = self.world.find_account(number).business_id
        user_id = self.world.bsuid(person.wa_id, business_id)
        rare = Rare(number, person, user_id, wamid, self.world.clock.now(), values)
        self.sim.delivery.enqueue_update(getattr(rare, values["kind"])())
        if values["kind"] in WRITTEN:
            person.windows[number.id] = self.world.clock.now()
        if values["kind"] == "user_changed_user_id" and "previous_user_id" not in values:
            self.world.rename(person, business_id, values["user_id"])
        return {"wamid": wamid, "user_id": user_id}

    def _person(self, number):
        digits = "".join(c for c in number if c.isdigit())
        return self.world.person(whatsapp_id(digits))

    # ---- the platform -------------------------------------------------------------------------

    def post_token(self, values):
        """``token`` with ``valid`` and/or ``expires_at``; a new one is created."""
        token = self.world.tokens.get(values["token"])
        if token is None:
            token = self.world.add(Token(values["token"]))
        _assign(token, {k: v for k, v in values.items() if k != "token"})
        return _public(token)

    def post_number(self, values):
        return self.events.number(values)

    def post_limit(self, values):
        return self.events.limit(values)

    def post_account(self, values):
        return self.events.account(values)

    def post_review(self, values):
        """Script the next review of ``name`` (any template without one): ``outcome`` (APPROVED,
        REJECTED), ``reason``, ``rejection_info`` {reason, recommendation}, ``category``; ``once``
        false keeps it. It is used when a template's review is due or asked for."""
        if values.get("reason", "NONE") not in REASONS:
            raise BadControl(f"reason must be one of {', '.join(REASONS)}")
        self.world.reviews.append(values)
        return {"reviews": self.world.reviews}

    def post_auction(self, values):
        """Any field of marketing.Auction."""
        self.sim.marketing.auction.update(values)
        return _public(self.sim.marketing.auction)

    def post_template(self, values):
        """``id`` (or ``name``, narrowed by ``language`` and ``account_id``): ``status`` +
        ``reason`` + ``rejection_info``, ``quality``, ``category``, ``correct_category``,
        ``components`` (edited elsewhere), ``appeal`` and ``review`` (true), ``pause`` (strike
        0-3) + ``pause_seconds``, ``hold_after``, ``release``, ``drop`` (code), ``block_rate``,
        ``top_block_reason``, ``bid``, ``bid_extra`` (silent, as in WhatsApp Manager),
        ``sync_seconds`` (the Marketing Messages API takes it after so long)."""
        found = [t for t in self.world.templates.values()
                 if values.get("id", t.id) == t.id and values.get("name", t.name) == t.name
                 and values.get("language", t.language) == t.language
                 and values.get("account_id", t.account_id) == t.account_id]
        if not found or not {"id", "name"} & set(values):
            raise BadControl("no such template")
        for template in found:
            self._change_template(template, values)
        return {"templates": [_public(t) for t in found]}

    def _change_template(self, template, values):
        templates = self.sim.templates
        _assign(template, {k: values[k] for k in ("hold_after", "block_rate", "top_block_reason",
                                                  "bid", "bid_extra") if k in values})
        if "sync_seconds" in values:
            template.marketing_ready_at = self.world.clock.now() + values["sync_seconds"]
        if "quality" in values:
            templates.set_quality(template, values["quality"])
        if "status" in values:
            templates.set_status(template, values["status"], values.get("reason", "NONE"),
                                 values.get("rejection_info"))
        if values.get("appeal"):
            templates.set_status(template, "IN_APPEAL")
        if "components" in values:
            templates.set_components(template, values["components"])
        if "pause" in values:
            templates.pause(template, values["pause"], values.get("pause_seconds"))
        if "correct_category" in values:
            self.sim.delivery.enqueue_update(bodies.template_category_update(
                template, self.world.clock.now(), values["correct_category"]))
        if "category" in values:
            templates.set_category(template, values["category"])
        if values.get("review"):
            templates.review(template)
        if values.get("release"):
            self.sim.sender.release(template)
        if "drop" in values:
            templates.set_quality(template, "RED")
            templates.pause(template, 0)
            self.sim.sender.drop(template, values["drop"])


def _slice(query, length):
    since = int(query.get("since", 0))
    return since, min(length, since + int(query.get("limit", PAGE)))


def _assign(target, values):
    """Set known fields of a dataclass; KeyError names the first unknown one."""
    known = {f.name for f in fields(target)}
    for name, value in values.items():
        if name not in known:
            raise KeyError(name)
        setattr(target, name, value)


def _public(thing):
    """A JSON-ready view of a dataclass: plain values and sets, no queues, no secrets."""
    view = {}
    for f in fields(thing):
        value = getattr(thing, f.name)
        if isinstance(value, set):
            view[f.name] = sorted(value)
        elif value is None or isinstance(value, (str, int, float, bool, dict)):
            view[f.name] = value
        elif f.name == "held":
            view[f.name] = len(value)
        elif isinstance(value, list):
            view[f.name] = value
    if isinstance(thing, Person):
        view["number"] = "+" + thing.wa_id
    return view


def _readable_attempt(attempt):
    view = {key: value for key, value in attempt.items() if key != "raw"}
    view["body"] = readable(attempt["raw"])
    return view


def _json(value, status=200):
    return web.Response(body=json.dumps(value).encode(), status=status,
                        content_type="application/json")
