"""Ads that open a chat, the free window after them, and the conversions told about them.

Sources: Meta, Messages webhooks (`referral`, 2026-03), Pricing (free entry point, 2026-09-11),
Conversions API for business messaging and its server event parameters
(developers.facebook.com/docs/marketing-api/conversions-api/business-messaging and
…/parameters/server-event, consulted 2026-11-29); subcodes as integrators report them (2026):
2804003 event too old, 2804063 no channel, 2804066 event name, 2804087 click id.

Chosen where Meta is silent: the order of the checks, that a click is known to its own account only,
that value and currency are checked for purchases, that an answer which opens the free window is
itself free. The permission of the token is not checked.
"""

import secrets
import struct
import zlib
from dataclasses import dataclass

from .graph_errors import GraphError, missing_parameter
from .people import text_content
from .uploads import SAMPLE_PATH

EVENT_NAMES = frozenset({
    "Purchase", "LeadSubmitted", "InitiateCheckout", "AddToCart", "ViewContent", "OrderCreated",
    "OrderShipped", "OrderDelivered", "OrderCanceled", "OrderReturned", "CartAbandoned",
    "QualifiedLead", "RatingProvided", "ReviewProvided"})
EVENT_KEYS = frozenset({
    "event_name", "event_time", "event_id", "action_source", "messaging_channel", "user_data",
    "custom_data", "opt_out", "data_processing_options"})
BODY_KEYS = frozenset({"data", "test_event_code", "partner_agent"})
DAY = 86400
OLDEST, SAME_EVENT = 7 * DAY, 2 * DAY
EVENTS_MAX = 1000
AD_PICTURE = "picture of an ad"


@dataclass(slots=True)
class Dataset:
    """Where an account's events go."""

    id: str
    account_id: str


def invalid(title, subcode):
    return GraphError(100, subcode=subcode, message=f"Invalid parameter: {title}")


class Conversions:
    """Clicks, free windows and events; their state is the world's, so that a reset forgets it."""

    def __init__(self, world, people):
        self.world = world
        # Scheme, host and port of this process, once it listens.
        self.origin = ""
        self.people = people

    # ---- clicks -------------------------------------------------------------------------------

    def click(self, number, person, values):
        """A person taps an ad and writes ``text``; ``referral`` overrides what Meta tells."""
        now = self.world.clock.now()
        self.world.samples.setdefault(AD_PICTURE, ("image/png", picture()))
        at = list(self.world.samples).index(AD_PICTURE)
        click = values.get("click") or "Af" + secrets.token_urlsafe(60)
        referral = {
            "source_url": "https://fb.me/3cr4Wqqkv", "source_id": "120226305854810726",
            "source_type": "ad", "headline": "Autumn sofas", "body": "Chat with us about our sofas",
            "media_type": "image", "image_url": f"{self.origin}{SAMPLE_PATH}?n={at}",
            "ctwa_clid": click, "welcome_message": {"text": "Hi there! How can we help?"}}
        referral |= values.get("referral") or {}
        referral = {name: value for name, value in referral.items() if value is not None}
        self.world.clicks[referral.get("ctwa_clid", "")] = number.account_id
        person.ad_clicks[number.id] = now
        content = {**text_content(values.get("text", "Can I get more info?")),
                   "referral": referral}
        return {"wamid": self.people.inbound(number, person, content),
                "click": referral.get("ctwa_clid", "")}

    # ---- endpoints ----------------------------------------------------------------------------

    def dataset(self, call, account):
        """GET and POST /{account}/dataset: an account has one."""
        found = [d for d in self.world.datasets.values() if d.account_id == account.id]
        if not found and call.method == "GET":
            return {"data": []}
        if not found:
            found = [Dataset(self.world.next_id("5"), account.id)]
            self.world.datasets[found[0].id] = found[0]
        return {"id": found[0].id}

    def receive(self, call, dataset):
        """POST /{dataset}/events: all events of a request, or none."""
        body = call.body
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            raise missing_parameter("data")
        unknown = set(body) - BODY_KEYS - {"access_token"}
        if unknown or not 0 < len(body["data"]) <= EVENTS_MAX:
            raise invalid(f"data or {sorted(unknown)}", None)
        for event in body["data"]:
            self._check(event, dataset)
        for event in body["data"]:
            self._keep(event, dataset, body.get("test_event_code", ""))
        return {"events_received": len(body["data"]), "messages": [],
                "fbtrace_id": "A" + secrets.token_urlsafe(16)}

    def _check(self, event, dataset):
        now = self.world.clock.now()
        if not isinstance(event, dict) or set(event) - EVENT_KEYS:
            raise invalid("an event has unknown parameters", None)
        moment = event.get("event_time")
        if not isinstance(moment, int) or isinstance(moment, bool):
            raise missing_parameter("event_time")
        if moment < now - OLDEST:
            raise invalid("Event Timestamp Too Old", 2804003)
        if moment > now + 60:
            raise invalid("Event Timestamp In The Future", 2804004)
        if event.get("action_source") != "business_messaging":
            raise missing_parameter("action_source")
        if event.get("messaging_channel") != "whatsapp":
            raise invalid("Missing Messaging Channel", 2804063)
        if event.get("event_name") not in EVENT_NAMES:
            raise invalid("Messaging Event Invalid Event Type", 2804066)
        user = event.get("user_data")
        if not isinstance(user, dict):
            raise missing_parameter("user_data")
        if user.get("whatsapp_business_account_id") != dataset.account_id:
            raise invalid("Messaging Event Invalid WhatsApp Business Account", None)
        if self.world.clicks.get(user.get("ctwa_clid") or "-") != dataset.account_id:
            raise invalid("Messaging Event Invalid Ctwa Clid", 2804087)
        custom = event.get("custom_data") or {}
        if event["event_name"] == "Purchase" and not (
                isinstance(custom.get("value"), (int, float)) and custom.get("currency")):
            raise missing_parameter("custom_data['value'], custom_data['currency']")

    def _keep(self, event, dataset, test_code):
        now = self.world.clock.now()
        same = [entry for entry in self.world.conversions
                if event.get("event_id") and entry["event_id"] == event["event_id"]
                and entry["event_name"] == event["event_name"] and now - entry["at"] < SAME_EVENT]
        self.world.conversions.append({
            "at": now, "dataset_id": dataset.id, "test_event_code": test_code,
            "event_name": event["event_name"], "event_id": event.get("event_id", ""),
            "event_time": event["event_time"], "ctwa_clid": event["user_data"]["ctwa_clid"],
            "custom_data": event.get("custom_data") or {}, "is_duplicate": bool(same)})


def picture(width=480, height=252):
    """A PNG that stands for an ad's picture: a sofa's colours, from light to dark."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            is_sofa = (150 < y < 215 and 60 < x < 420) or (105 < y < 160 and 90 < x < 390)
            rows += bytes((198, 96, 64) if is_sofa else (235 - y // 6, 224 - y // 8, 205))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks)
