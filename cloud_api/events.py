"""The contents of webhooks as plain values: the types that `webhooks.parse_events` returns.

Empty text means that Meta gives none. Numbers are '+digits', ids are text, times are naive UTC.
"""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime

from .referral import Referral


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """One element of an `errors` list; `failure_type` as in `errors.CODES`."""

    code: int | None
    title: str = ""
    message: str = ""
    details: str = ""
    failure_type: str = "unknown_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share.

    :param waba_uid: account the event is about, from `entry.id`.
    :param field: Meta's name of the subscription, lower case.
    :param at: when it happened, naive UTC; the entry's own time when the event has none.
    :param raw: the smallest piece of the body that shows the event.
    """

    waba_uid: str = ""
    field: str = ""
    at: datetime | None = None
    raw: dict = dataclass_field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStatus(Event):
    """Progress of one of our messages: 'sent', 'delivered', 'read', 'played', 'failed' or a new
    value.

    :param opaque: our `biz_opaque_callback_data`.
    :param is_group: progress of a message in a group, at one of its members.
    :param billable: None when Meta gives no pricing.
    :param cost: what Meta charges, as it reports it under a maximum price; None otherwise.
    :param free_until: the end of the free window after an ad; None where the status names none.
    """

    phone_number_uid: str = ""
    wamid: str = ""
    status: str = ""
    number: str = ""
    user_uid: str = ""
    opaque: str = ""
    is_group: bool = False
    pricing_category: str = ""
    pricing_type: str = ""
    billable: bool | None = None
    cost: float | None = None
    cost_currency: str = ""
    free_until: datetime | None = None
    profile_name: str = ""
    username: str = ""
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A file in an inbound message; its id is valid for 7 days."""

    uid: str
    mimetype: str
    filename: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage(Event):
    """A message from a person.

    :param kind: Meta's `type`, e.g. 'text', 'button', 'interactive', 'image', 'system'.
    :param text: best readable text of any kind, may be empty.
    :param payload: id of the button or list row, ours to define.
    :param context_wamid: our message that this one answers, reacts to, edits or revokes.
    :param referral: the ad or post they came from, None elsewhere.
    :param new_number: number after a change (system message `user_changed_number`).
    :param previous_user_uid: business-scoped id before a change.
    :param group_uid: the group it was written in, '' between one person and us.
    :param details: what a kind has in addition to its text, as plain values: a place (`latitude`,
        `longitude`, `name`, `address`, `url`), `contacts` [{`name`, `phones`, `emails`, `company`,
        `is_own` of the sender's own number, shared by WhatsApp's button}], `order` [{`product`,
        `quantity`, `price`, `currency`}], `voice`, `animated`,
        `forwarded`.
    :param error: why Meta could not deliver the content (kind 'unsupported').
    """

    phone_number_uid: str = ""
    wamid: str = ""
    kind: str = ""
    number: str = ""
    user_uid: str = ""
    profile_name: str = ""
    username: str = ""
    text: str = ""
    payload: str = ""
    context_wamid: str = ""
    referral: Referral | None = None
    media: Media | None = None
    details: dict | None = dataclass_field(default=None, hash=False)
    new_number: str = ""
    previous_user_uid: str = ""
    group_uid: str = ""
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoMessage(Event):
    """What somebody else wrote from our number to the person `number`.

    The other fields are those of `InboundMessage`.

    :param is_app: a colleague in the WhatsApp Business app; otherwise another sender, such as
        Meta's own agent
    """

    phone_number_uid: str = ""
    wamid: str = ""
    kind: str = ""
    number: str = ""
    user_uid: str = ""
    text: str = ""
    context_wamid: str = ""
    media: Media | None = None
    details: dict | None = dataclass_field(default=None, hash=False)
    is_app: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMessage:
    """One message from before the number was connected, to or from the person `number`.

    :param kind: 'media_placeholder' while its file is not described yet
    """

    wamid: str
    kind: str
    number: str
    user_uid: str
    is_ours: bool
    at: datetime
    text: str = ""
    context_wamid: str = ""
    media: Media | None = None
    details: dict | None = dataclass_field(default=None, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryChunk(Event):
    """A part of the old conversations of the WhatsApp Business app.

    :param phase: 0 (the last day), 1 (to day 90), 2 (to day 180), None where Meta gives none
    :param progress: percent of the whole, None where Meta gives none
    :param error_code: why there is no history; 2593109: its owner does not share it
    """

    phone_number_uid: str = ""
    messages: tuple[PastMessage, ...] = dataclass_field(default=(), hash=False)
    phase: int | None = None
    progress: int | None = None
    error_code: int | None = None
    error_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContact(Event):
    """An entry of the address book of the WhatsApp Business app: added, edited or removed."""

    phone_number_uid: str = ""
    number: str = ""
    name: str = ""
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover(Event):
    """Who answers a person from now on: we (`is_ours`), or another sender on our number."""

    phone_number_uid: str = ""
    number: str = ""
    user_uid: str = ""
    is_ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChange(Event):
    """A person's choice on marketing: `value` is 'stop', 'resume', 'signup' or a new value.

    :param signup_uid: the In-App Signup by which they subscribed
    """

    phone_number_uid: str = ""
    number: str = ""
    user_uid: str = ""
    category: str = ""
    value: str = ""
    detail: str = ""
    signup_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityChange(Event):
    """New limits of the portfolio or account; None where Meta gives none."""

    messaging_limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberUpdate(Event):
    """Throughput of a number (despite the field's name); `display_number` is digits only."""

    display_number: str = ""
    event: str = ""
    messaging_limit: str | None = None
    old_limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAlert(Event):
    """Meta's notice to the owner, e.g. an increase denied; keys in upper case."""

    status: str = ""
    alert_type: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Restriction:
    """One restriction of the account, until a time or (None) permanently."""

    type: str
    until: datetime | None
    remediation: str = ""


@dataclass(frozen=True, slots=True)
class VolumeTier:
    """The price tier that the portfolio's messages of a category in a market have reached.

    :ivar market: as on Meta's rate card, in upper case
    :ivar category: Meta's key in lower case
    :ivar first, last: the tier's messages of the month; `last` is None without an end
    :ivar month: 'YYYY-MM' in which it is in force
    """

    market: str
    category: str
    first: int
    last: int | None
    month: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate(Event):
    """Violation, restriction, ban, deletion…; keys in upper case, `ban_date` is English prose."""

    event: str = ""
    violation_type: str = ""
    restrictions: tuple[Restriction, ...] = ()
    ban_state: str = ""
    ban_date: str = ""
    volume_tier: VolumeTier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReview(Event):
    """`decision` is 'approved', 'rejected', 'pending', 'deferred' or 'unknown'."""

    decision: str = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateEvent(Event):
    """What the four events about a template share."""

    template_uid: str = ""
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateStatus(TemplateEvent):
    """`event` in upper case: APPROVED, PAUSED, DISABLED, FLAGGED…; `title` names the pause.

    :param category: lower case, '' if Meta does not give it.
    :param rejection: Meta's explanation of a rejection and its recommendation, '' without one.
    """

    event: str = ""
    reason: str = ""
    title: str = ""
    description: str = ""
    category: str = ""
    rejection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateQuality(TemplateEvent):
    """Scores are 'green', 'yellow', 'red' or 'unknown'."""

    previous: str = "unknown"
    new: str = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCategory(TemplateEvent):
    """Categories in lower case; with `correct` it announces a change.

    :param changes_at: when an announced change happens, naive UTC, or None
    """

    previous: str = ""
    new: str = ""
    correct: str = ""
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateComponents(TemplateEvent):
    """The template's texts or buttons were edited: read it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberName(Event):
    """Review of a display name; `decision` in lower case."""

    display_number: str = ""
    decision: str = "unknown"
    requested_name: str = ""
    rejection_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent(Event):
    """Two-step PIN changed, reset requested…; `event` in upper case."""

    display_number: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformError(Event):
    """`value.errors`: a problem of system, app or account, not of one message."""

    phone_number_uid: str = ""
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """An unreadable event (`why`); stored, never dropped."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFollowed(UnknownEvent):
    """A known field that is not used here, for the reason `why`."""
