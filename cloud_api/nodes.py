"""Graph API nodes as plain values: what Meta lists about a number, an account, a template.

Every reader takes any JSON value: a missing or odd field becomes '' or 'unknown', never an
exception, and the reply itself is kept in `raw`. Enumerations of Meta's are still growing.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .errors import as_code

# Messages per second; Meta, Throughput page, 2026-09-11.
STANDARD_RATE = 80
HIGH_RATE = 1000
BUSINESS_APP_RATE = 20

_EPOCH = datetime(1970, 1, 1)
# Seconds reach 1e11 in the year 5138, milliseconds reached it in 1973.
_FIRST_MILLISECONDS = 100_000_000_000

_LIMITS = {
    "50": "50",
    "250": "250",
    "1000": "1000",
    "1k": "1000",
    "2000": "2000",
    "2k": "2000",
    "10000": "10000",
    "10k": "10000",
    "100000": "100000",
    "100k": "100000",
    "-1": "unlimited",
    "unlimited": "unlimited",
}


def normalise_limit(value):
    """A messaging limit in Meta's many spellings, as people per rolling 24 h.

    Accepts int, numeric text, -1, 'UNLIMITED', 'TIER_*' (SDK v25.0.2; OpenAPI v23 keeps TIER_1K).
    'UNTIERED', 'TIER_NOT_SET', None and everything else are 'unknown'.

    :return: '50', '250', '1000', '2000', '10000', '100000', 'unlimited' or 'unknown'
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return "unknown"
    if isinstance(value, float):
        value = int(value) if value.is_integer() else ""
    word = str(value).strip().lower().removeprefix("tier_").replace(",", "")
    return _LIMITS.get(word, "unknown")


def as_moment(value):
    """Unix time as naive UTC; None for what is not a time.

    Meta sends text in statuses, integers in preferences, and seconds in both; a value too large
    for seconds is taken as milliseconds.
    """
    try:
        seconds = int(float(value)) if not isinstance(value, bool) else 0
        if seconds >= _FIRST_MILLISECONDS:
            seconds //= 1000
        in_range = 0 < seconds < _FIRST_MILLISECONDS
        return _EPOCH + timedelta(seconds=seconds) if in_range else None
    except (TypeError, ValueError, OverflowError):
        return None


def as_uid(value):
    """An id of Meta's as text. Ids exceed what a float holds exactly, so a float is refused."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**40 else ""
    return as_text(value).strip()


def as_text(value):
    """The text itself, '' for anything that is not text.

    JSON can spell what no database keeps, a NUL or half of a surrogate pair: the first is dropped,
    the second becomes '?'.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def as_dict(value):
    """The object itself, {} for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value):
    """A list: the list itself, an object alone as a list of one, [] for nothing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def as_word(value, known=None):
    """A word of Meta's in lower case; 'unknown' when it is missing or not in `known`."""
    word = as_text(value).strip().lower()
    if not word or (known is not None and word not in known):
        return "unknown"
    return word


def digits(value):
    """The digits of a phone number, '' when the value holds anything but digits and separators."""
    text = as_uid(value)
    if not re.fullmatch(r"\+?[0-9\s().\-\u2010-\u2015\u00a0]+", text):
        return ""
    return re.sub(r"[^0-9]", "", text)


def as_number(value):
    """A phone number as '+digits', '' when there is none (a BSUID is not one)."""
    found = digits(value)
    return f"+{found}" if found else ""


def as_quality(value):
    """'green', 'yellow', 'red' or 'unknown' (Meta: NA, UNKNOWN, empty), from text or {'score'}."""
    if isinstance(value, dict):
        value = value.get("score")
    return as_word(value, ("green", "yellow", "red"))


@dataclass(frozen=True, slots=True)
class HealthError:
    """Why something cannot send: Meta's code, what it is, what to do."""

    code: int | None
    description: str
    solution: str


@dataclass(frozen=True, slots=True)
class HealthEntity:
    """One link of the chain number, template, WABA, business, app."""

    type: str
    uid: str
    can_send: str
    additional_info: tuple[str, ...] = ()
    errors: tuple[HealthError, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Meta's `health_status`; `can_send` is 'available', 'limited', 'blocked' or 'unknown'.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status
    """

    can_send: str = "unknown"
    entities: tuple[HealthEntity, ...] = ()
    raw: dict = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read a `health_status` object."""
        raw = as_dict(value)
        entities = tuple(
            _health_entity(entity)
            for entity in as_list(raw.get("entities"))
            if isinstance(entity, dict)
        )
        return cls(_can_send(raw), entities, raw)


def _can_send(value):
    return as_word(value.get("can_send_message"), ("available", "limited", "blocked"))


def _health_entity(value):
    errors = tuple(
        HealthError(
            as_code(error.get("error_code")),
            as_text(error.get("error_description")),
            as_text(error.get("possible_solution")),
        )
        for error in as_list(value.get("errors"))
        if isinstance(error, dict)
    )
    info = tuple(text for text in as_list(value.get("additional_info")) if isinstance(text, str))
    return HealthEntity(
        as_word(value.get("entity_type")), as_uid(value.get("id")), _can_send(value), info, errors
    )


def _limit_of(raw):
    """Portfolio limit of a node; `messaging_limit_tier` is the deprecated name (before v24.0)."""
    limit = normalise_limit(raw.get("whatsapp_business_manager_messaging_limit"))
    return limit if limit != "unknown" else normalise_limit(raw.get("messaging_limit_tier"))


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A business phone number. `status` is Meta's word in upper case: three enums are published."""

    phone_number_uid: str
    display_phone_number: str
    number: str
    verified_name: str
    quality_rating: str
    status: str
    throughput_level: str
    messages_per_second: int
    name_status: str
    platform_type: str
    account_mode: str
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
            messages_per_second=_rate_of(level, on_app),
            name_status=as_text(raw.get("name_status")).strip().upper(),
            platform_type=as_text(raw.get("platform_type")).strip().upper(),
            account_mode=as_text(raw.get("account_mode")).strip().upper(),
            is_on_biz_app=on_app,
            messaging_limit=_limit_of(raw),
            health=Health.from_reply(raw.get("health_status")),
            raw=raw,
        )


def _rate_of(level, is_on_biz_app):
    # A number shared with the WhatsApp Business app stays at 20 whatever its level.
    if is_on_biz_app:
        return BUSINESS_APP_RATE
    return HIGH_RATE if level == "HIGH" else STANDARD_RATE


@dataclass(frozen=True, slots=True)
class Account:
    """A WhatsApp Business Account and the portfolio that owns it ('' when Meta does not tell)."""

    waba_uid: str
    name: str
    currency: str
    timezone_id: str
    review_status: str
    portfolio_uid: str
    portfolio_name: str
    messaging_limit: str
    health: Health
    marketing_disabled: bool
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
            timezone_id=as_uid(raw.get("timezone_id")),
            review_status=as_word(raw.get("account_review_status")),
            portfolio_uid=as_uid(owner.get("id")),
            portfolio_name=as_text(owner.get("name")),
            messaging_limit=_limit_of(raw),
            health=Health.from_reply(raw.get("health_status")),
            marketing_disabled=raw.get("disable_marketing_messages_on_cloud_api") is True,
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Template:
    """One (name, language) of a WABA. `components` are Meta's own, see `payloads`."""

    template_uid: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    parameter_format: str
    components: list = field(hash=False)
    rejected_reason: str
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read a template node."""
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
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class TemplateComparison:
    """Two templates side by side: the only figures about blocks that Meta publishes.

    :param block_rate_order: template ids in increasing block rate; an order, not a rate.
    :param sends: template id to number of messages sent in the window.
    :param top_block_reason: template id to Meta's word for the commonest reason.

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
class TokenInfo:
    """What Meta says of our token. `expires_at` is naive UTC, None when it does not expire."""

    is_valid: bool
    app_uid: str
    application: str
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
            application=as_text(raw.get("application")),
            type=as_text(raw.get("type")),
            scopes=tuple(text for text in as_list(raw.get("scopes")) if isinstance(text, str)),
            expires_at=as_moment(raw.get("expires_at")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class SendReply:
    """Meta took the message over; that is not a delivery.

    :param wamid: Meta's id of the message.
    :param message_status: 'accepted', 'held' (quality assessment) or 'paused'.
    :param wa_id: recipient's digits as Meta writes them ('' when sent to a BSUID); may differ
        from the number written to (Brazil, Mexico).
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
    """Where a file can be fetched, for some minutes; `size` is None when Meta does not say.

    :param sha256: hexadecimal or base64 as Meta happens to write it, '' when it does not
    """

    media_uid: str
    url: str
    mimetype: str
    size: int | None
    sha256: str

    @classmethod
    def from_reply(cls, reply):
        reply = as_dict(reply)
        return cls(
            media_uid=as_uid(reply.get("id")),
            url=as_text(reply.get("url")),
            mimetype=as_text(reply.get("mime_type")),
            size=as_code(reply.get("file_size")),
            sha256=as_text(reply.get("sha256")),
        )
