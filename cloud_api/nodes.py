"""Graph API nodes as plain values: numbers, accounts, templates, tokens, files.

Every reader accepts any JSON value: a missing or invalid field becomes '' or 'unknown', never an
exception, and the reply itself is stored in `raw`. Meta still adds enumeration values.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime

from .health import Health
from .marketing import BID_STRATEGY
from .values import (
    as_amount,
    as_code,
    as_datetime,
    as_dict,
    as_list,
    as_number,
    as_quality,
    as_text,
    as_uid,
    as_word,
    digits,
    normalise_limit,
)

# Messages per second; Meta, Throughput page, 2026-09-11.
STANDARD_RATE = 80
HIGH_RATE = 1000
BUSINESS_APP_RATE = 20


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A business phone number. `status` is Meta's, in upper case: three enums are published."""

    phone_number_uid: str
    display_phone_number: str
    number: str
    verified_name: str
    quality_rating: str
    status: str
    throughput_level: str
    messages_per_second: int
    name_status: str
    is_on_biz_app: bool
    messaging_limit: str
    health: Health
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read a phone number node."""
        raw = as_dict(value)
        throughput = raw.get("throughput")
        level = throughput.get("level") if isinstance(throughput, dict) else throughput
        quality = as_quality(raw.get("quality_rating"))
        if quality == "unknown":
            quality = as_quality(raw.get("quality_score"))
        on_app = raw.get("is_on_biz_app") is True
        level = as_text(level).strip().upper()
        return cls(
            phone_number_uid=as_uid(raw.get("id")),
            display_phone_number=as_text(raw.get("display_phone_number")),
            number=as_number(raw.get("display_phone_number")),
            verified_name=as_text(raw.get("verified_name")),
            quality_rating=quality,
            status=as_text(raw.get("status")).strip().upper(),
            throughput_level=level,
            messages_per_second=_node_rate(level, on_app),
            name_status=as_text(raw.get("name_status")).strip().upper(),
            is_on_biz_app=on_app,
            messaging_limit=_node_limit(raw),
            health=Health.from_reply(raw.get("health_status")),
            raw=raw,
        )


def _node_limit(raw):
    """Return the portfolio limit of a node; `messaging_limit_tier` is the deprecated name (before
    v24.0)."""
    limit = normalise_limit(raw.get("whatsapp_business_manager_messaging_limit"))
    return limit if limit != "unknown" else normalise_limit(raw.get("messaging_limit_tier"))


def _node_rate(level, is_on_biz_app):
    # A number shared with the WhatsApp Business app is limited to 20 at any level.
    if is_on_biz_app:
        return BUSINESS_APP_RATE
    return HIGH_RATE if level == "HIGH" else STANDARD_RATE


@dataclass(frozen=True, slots=True)
class Account:
    """A WhatsApp Business Account and the portfolio that owns it ('' when Meta gives none).

    :param onboarding: to the Marketing Messages API: 'ELIGIBLE', 'ONBOARDED' or another word of
        Meta's, '' when not given.
    """

    waba_uid: str
    name: str
    currency: str
    review_status: str
    portfolio_uid: str
    portfolio_name: str
    messaging_limit: str
    health: Health
    marketing_disabled: bool
    onboarding: str
    verification: str
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read a WABA node."""
        raw = as_dict(value)
        owner = as_dict(raw.get("owner_business_info"))
        return cls(
            waba_uid=as_uid(raw.get("id")),
            name=as_text(raw.get("name")),
            currency=as_text(raw.get("currency")),
            review_status=as_word(raw.get("account_review_status")),
            portfolio_uid=as_uid(owner.get("id")),
            portfolio_name=as_text(owner.get("name")),
            messaging_limit=_node_limit(raw),
            health=Health.from_reply(raw.get("health_status")),
            marketing_disabled=raw.get("disable_marketing_messages_on_cloud_api") is True,
            onboarding=as_text(raw.get("marketing_messages_onboarding_status")).strip().upper(),
            verification=as_word(raw.get("business_verification_status")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Template:
    """One (name, language) of a WABA. `components` are Meta's own, see components.py."""

    template_uid: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    parameter_format: str
    components: list = field(hash=False)
    rejected_reason: str
    delivery: "TemplateDelivery | None"
    raw: dict = field(repr=False, hash=False)
    previous_category: str = ""
    library_name: str = ""

    @classmethod
    def from_reply(cls, value, has_delivery=False):
        """Read a template node.

        :param has_delivery: Meta was asked for what `TemplateDelivery` holds
        """
        raw = as_dict(value)
        named = as_word(raw.get("parameter_format")) == "named"
        reason = as_text(raw.get("rejected_reason"))
        return cls(
            template_uid=as_uid(raw.get("id")),
            name=as_text(raw.get("name")),
            language=as_text(raw.get("language")),
            category=as_word(raw.get("category")),
            status=as_word(raw.get("status")),
            quality=as_quality(raw.get("quality_score")),
            parameter_format="named" if named else "positional",
            components=[part for part in as_list(raw.get("components")) if isinstance(part, dict)],
            # Meta writes NONE on templates that were never rejected.
            rejected_reason="" if reason.upper() == "NONE" else reason,
            delivery=TemplateDelivery.from_reply(raw) if has_delivery else None,
            raw=raw,
            previous_category=as_word(raw.get("previous_category"))
            if raw.get("previous_category")
            else "",
            library_name=as_text(raw.get("library_template_name")),
        )


@dataclass(frozen=True, slots=True)
class TemplateDelivery:
    """What a marketing template says about its delivery; the Marketing Messages API's alone.

    :param ttl_seconds: for how long Meta tries to deliver; None: 30 days
    :param bid: maximum price of 1,000 deliveries in the currency's smallest unit; None: no maximum
    :param is_bid_clear: nothing else in Meta's object changes the price
    :param features: {creative optimization in lower case: whether it is on}
    """

    ttl_seconds: int | None
    bid: int | None
    is_bid_clear: bool
    features: dict = field(hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read the part of a template node."""
        raw = as_dict(value)
        spec = as_dict(raw.get("optimization_spec"))
        bid = as_code(spec.get("bid_amount"))
        ttl = as_code(raw.get("message_send_ttl_seconds"))
        known = spec.keys() <= {"bid_amount", "bid_strategy"}
        strategy = as_text(spec.get("bid_strategy")).upper()
        return cls(
            ttl_seconds=ttl if ttl and ttl > 0 else None,
            bid=bid if bid and bid > 0 else None,
            is_bid_clear=known and strategy in ("", BID_STRATEGY),
            features=_creative_features(raw.get("degrees_of_freedom_spec")),
        )


def _creative_features(value):
    """{name: is on} of `degrees_of_freedom_spec`: an object when written, a list when read."""
    found = as_dict(value).get("creative_features_spec")
    if isinstance(found, dict):
        pairs = list(found.items())
    else:
        pairs = [(as_dict(item).get("key"), as_dict(item).get("value")) for item in as_list(found)]
    return {
        as_text(name).lower(): as_text(as_dict(choice).get("enroll_status")).upper() == "OPT_IN"
        for name, choice in pairs
        if as_text(name)
    }


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code of Meta's and its short link, which open a chat with a prefilled text."""

    code_uid: str
    text: str
    url: str

    @classmethod
    def from_reply(cls, value):
        """Read a QR code; some replies wrap it in `data`."""
        raw = as_dict(value)
        raw = as_dict(next(iter(as_list(raw.get("data"))), raw))
        return cls(
            as_uid(raw.get("code")),
            as_text(raw.get("prefilled_message")),
            as_text(raw.get("deep_link_url")),
        )


@dataclass(frozen=True, slots=True)
class ReachPoint:
    """Meta's estimate at one maximum price, per `users` recipients.

    :param bid: maximum price of 1,000 deliveries, as in `TemplateDelivery`
    :param deliveries: (least, most)
    :param costs: (least, most) average cost of 1,000 deliveries, in the smallest unit
    """

    bid: int
    users: int
    deliveries: tuple[int, int]
    costs: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ReachEstimate:
    """Meta's estimate of deliveries and costs at several maximum prices, cheapest first."""

    currency: str
    points: tuple[ReachPoint, ...]

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `/reachestimate`; a point without its figures is left out."""
        raw = as_dict(value)
        points = [_reach_point(as_dict(point)) for point in as_list(raw.get("estimates"))]
        return cls(
            as_text(raw.get("waba_currency")).strip().upper(),
            tuple(sorted(filter(None, points), key=lambda point: point.bid)),
        )


def _reach_point(raw):
    # Until 2026-05 the names of the deliveries had their parts the other way round.
    deliveries = [
        as_code(raw.get(f"deliveries_{end}_bound", raw.get(f"{end}_bound_deliveries")))
        for end in ("lower", "upper")
    ]
    costs = [as_amount(raw.get(f"cost_{end}_bound")) for end in ("lower", "upper")]
    bid, users = as_code(raw.get("bid_amount")), as_code(raw.get("users"))
    if not bid or not users or None in deliveries or None in costs:
        return None
    return ReachPoint(bid, users, tuple(deliveries), tuple(costs))


@dataclass(frozen=True, slots=True)
class TemplateComparison:
    """Two templates side by side: the only figures about blocks that Meta publishes.

    :param block_rate_order: template ids in increasing block rate; an order, not a rate.
    :param sends: template id to number of messages sent in the window.
    :param top_block_reason: {template id: Meta's key of the commonest reason}.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-comparison
    """

    block_rate_order: tuple[str, ...]
    sends: dict = field(hash=False)
    top_block_reason: dict = field(hash=False)
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `/compare`."""
        raw = as_dict(value)
        metrics = {}
        for metric in as_list(raw.get("data")):
            if isinstance(metric, dict):
                metrics[as_text(metric.get("metric")).upper()] = metric
        order = as_dict(metrics.get("BLOCK_RATE")).get("order_by_relative_metric")
        return cls(
            tuple(uid for uid in map(as_uid, as_list(order)) if uid),
            _keyed(metrics.get("MESSAGE_SENDS"), "number_values"),
            _keyed(metrics.get("TOP_BLOCK_REASON"), "string_values"),
            raw,
        )


def _keyed(metric, name):
    pairs = as_list(as_dict(metric).get(name))
    return {as_uid(pair.get("key")): pair.get("value") for pair in pairs if isinstance(pair, dict)}


@dataclass(frozen=True, slots=True)
class PricePoint:
    """Delivered messages of one kind in a period, and what they cost by Meta's own account.

    :param number: the business phone number's digits
    :param country_code: ISO code of the recipients' country in upper case
    :param category, type: Meta's keys in lower case, as in a status's `pricing`
    :param cost: in the account's currency, None on a partner's credit line

    https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics
    """

    number: str
    country_code: str
    category: str
    type: str
    volume: int
    cost: float | None

    @classmethod
    def list_from_reply(cls, value):
        """Read the reply of `/pricing_analytics`."""
        return [
            cls(
                digits(as_text(point.get("phone_number"))),
                as_text(point.get("country")).upper(),
                as_text(point.get("pricing_category")).lower(),
                as_text(point.get("pricing_type")).lower(),
                int(_as_amount(point.get("volume")) or 0),
                _as_amount(point.get("cost")),
            )
            for part in as_list(as_dict(value).get("data"))
            for point in as_list(as_dict(part).get("data_points"))
            if isinstance(point, dict)
        ]


def _as_amount(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class SubscribedApp:
    """An app that receives the webhooks of a WABA; `callback_url` only when it is overridden."""

    app_uid: str
    name: str
    callback_url: str

    @classmethod
    def from_reply(cls, value):
        """Read one element of `subscribed_apps`."""
        raw = as_dict(value)
        app = as_dict(raw.get("whatsapp_business_api_data"))
        return cls(
            as_uid(app.get("id")),
            as_text(app.get("name")),
            as_text(raw.get("override_callback_uri")),
        )


@dataclass(frozen=True, slots=True)
class SubscribedFields:
    """The WhatsApp webhook fields that an app subscribes to in its dashboard.

    :param is_active: Meta posts them; False without a WhatsApp subscription
    """

    fields: frozenset[str]
    callback_url: str
    is_active: bool

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `/{app}/subscriptions`."""
        for entry in map(as_dict, as_list(as_dict(value).get("data"))):
            if as_text(entry.get("object")) == "whatsapp_business_account":
                parts = map(as_dict, as_list(entry.get("fields")))
                names = {as_text(part.get("name")) for part in parts}
                return cls(
                    frozenset(names - {""}),
                    as_text(entry.get("callback_url")),
                    entry.get("active") is not False,
                )
        return cls(frozenset(), "", False)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """Meta's data about our token. `expires_at` is naive UTC, None when it does not expire."""

    is_valid: bool
    app_uid: str
    type: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `/debug_token`."""
        raw = as_dict(as_dict(value).get("data"))
        return cls(
            is_valid=raw.get("is_valid") is True,
            app_uid=as_uid(raw.get("app_id")),
            type=as_text(raw.get("type")),
            scopes=tuple(text for text in as_list(raw.get("scopes")) if isinstance(text, str)),
            expires_at=as_datetime(raw.get("expires_at")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class SendReply:
    """Meta accepted the message; that is not a delivery.

    :param wamid: Meta's id of the message.
    :param message_status: 'accepted', 'held' (quality assessment) or 'paused'.
    :param wa_id: recipient's digits as Meta writes them ('' when sent to a BSUID); may differ from
        the number sent to (Brazil, Mexico).
    :param user_uid: recipient's business-scoped user id, '' when Meta does not give it.
    """

    wamid: str
    message_status: str = "accepted"
    wa_id: str = ""
    user_uid: str = ""

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `/messages`; None when it names no message."""
        raw = as_dict(value)
        message = as_dict(next(iter(as_list(raw.get("messages"))), None))
        contact = as_dict(next(iter(as_list(raw.get("contacts"))), None))
        wamid = as_uid(message.get("id"))
        if not wamid:
            return None
        status = as_text(message.get("message_status")).strip().lower()
        return cls(
            wamid,
            {"held_for_quality_assessment": "held", "paused": "paused"}.get(status, "accepted"),
            as_uid(contact.get("wa_id")),
            as_uid(contact.get("user_id")),
        )


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Where a file can be downloaded, for some minutes; `size` is None when Meta gives none.

    :param sha256: hexadecimal or base64, both used by Meta; '' when absent
    """

    media_uid: str
    url: str
    mimetype: str
    size: int | None
    sha256: str

    @classmethod
    def from_reply(cls, reply):
        """Read the reply of `/{media}`."""
        reply = as_dict(reply)
        return cls(
            media_uid=as_uid(reply.get("id")),
            url=as_text(reply.get("url")),
            mimetype=as_text(reply.get("mime_type")),
            size=as_code(reply.get("file_size")),
            sha256=as_text(reply.get("sha256")),
        )
