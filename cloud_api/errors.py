"""Meta's refusals, grouped by what the caller must do, and the table of their codes.

Three questions matter after a request: did Meta refuse it (a subclass per remedy), did it never
reach Meta (`NotSent`: sending again is safe), or is it unknown (`UnknownOutcome`: sending again may
message a person twice, because the Cloud API has no idempotency key).
"""

from dataclasses import dataclass

from .values import as_code


class CloudApiError(Exception):
    """A request without a usable reply.

    :param code: Meta's `error.code`, None when no Graph error was read.
    :param subcode: Meta's `error.error_subcode` or None.
    :param message: Meta's sentence, or ours when Meta gave none. Secrets are already masked.
    :param details: `error.error_data.details`, Meta's most specific text; may be empty.
    :param fbtrace_id: id that Meta's support requires; may be empty.
    :param http_status: None when no status line was read.
    :param failure_type: one of the failure types of `CODES`; by default that of the class.
    :param cause: why the network failed, a key of `transport.NETWORK_CAUSES`; '' otherwise.
    """

    default_failure_type = "unknown_error"

    def __init__(
        self,
        code=None,
        subcode=None,
        message="",
        details="",
        fbtrace_id="",
        http_status=None,
        failure_type=None,
        cause="",
    ):
        self.code = code
        self.subcode = subcode
        self.message = message
        self.details = details
        self.fbtrace_id = fbtrace_id
        self.http_status = http_status
        self.cause = cause
        self.failure_type = failure_type or self.default_failure_type
        super().__init__(message)

    def __str__(self):
        head = f"error {self.code}" if self.code is not None else type(self).__name__
        if self.subcode is not None:
            head = f"{head}/{self.subcode}"
        text = ": ".join(part for part in (self.message, self.details) if part)
        trace = f" (fbtrace_id {self.fbtrace_id})" if self.fbtrace_id else ""
        return f"{head}: {text or self.failure_type}{trace}"


class RetryLater(CloudApiError):
    """Refused for now: the same request may be accepted after a wait."""

    default_failure_type = "temporary"


class RecipientError(CloudApiError):
    """Refused because of this person; other recipients are not affected."""

    default_failure_type = "undeliverable"


class RequestRefused(CloudApiError):
    """Refused because of what we sent: fail the row, check the data."""

    default_failure_type = "bad_request"


class TemplateError(CloudApiError):
    """Refused because of the template: every row that uses it would be refused."""

    default_failure_type = "template_missing"


class SenderError(CloudApiError):
    """Refused because of the business phone number: stop that number."""

    default_failure_type = "sender_unavailable"


class AccountError(CloudApiError):
    """Refused because of token, permission, restriction, billing or a setting: stop the account."""

    default_failure_type = "account_restricted"


class NotSent(CloudApiError):
    """The request provably never reached Meta: sending it again cannot duplicate anything."""

    default_failure_type = "not_sent"


class UnknownOutcome(CloudApiError):
    """The request was sent without a usable reply: it may or may not have been executed."""


@dataclass(frozen=True, slots=True)
class CodeRule:
    """What one error code means for us.

    :param exception: subclass of CloudApiError to raise.
    :param failure_type: key stored on the message row.
    :param source: where Meta (or otherwise a third party) documents the code.
    """

    exception: type[CloudApiError]
    failure_type: str
    source: str


_CODES_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
    " (2026-09-11)"
)
_GRAPH_PAGE = "https://developers.facebook.com/docs/graph-api/guides/error-handling"
_BSUID_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/"
    "business-scoped-user-ids (2026-05-07)"
)
_PACING_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/"
    "portfolio-pacing (2026-05-21)"
)
_LIMITS_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/"
    "marketing-templates/per-user-limits (2026-04-29)"
)
_BLOCK_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/block-users/"
    " (2026-05-21)"
)
_PRICE_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/marketing-messages/"
    "pricing (2026-10-01)"
)
_CHANGELOG = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/changelog"
    " (2025-10-08)"
)
_OPENAPI = "https://github.com/facebook/openapi business-messaging-api v23.0 (2025-11-21)"
_PYWA = "https://github.com/david-lev/pywa 4.4.0 (third party; not on Meta's page of 2026-09-11)"


def _rules(exception, failure_type, codes, source=_CODES_PAGE):
    return dict.fromkeys(codes, CodeRule(exception, failure_type, source))


CODES: dict[int, CodeRule] = {
    # Our pace, or Meta's health: wait.
    **_rules(RetryLater, "throughput", [130429]),
    **_rules(RetryLater, "pair_rate", [131056]),
    # 1 is "invalid request or server fault": Meta does not document which, so it is retried.
    **_rules(RetryLater, "temporary", [1, 2, 131000, 131016, 133004]),
    **_rules(RetryLater, "maintenance", [131057]),
    **_rules(RetryLater, "app_rate", [4, 80007]),
    **_rules(RetryLater, "app_rate", [613, 80008], _GRAPH_PAGE),
    **_rules(RetryLater, "flow_throttled", [132069]),
    **_rules(RetryLater, "sync_pending", [134101]),
    # Number registration too often: Meta requires a wait of minutes.
    **_rules(RetryLater, "temporary", [133009, 133015]),
    # Block list: concurrent update, internal error.
    **_rules(RetryLater, "temporary", [139102, 139103], _BLOCK_PAGE),
    # The account: token, permission, restriction, billing, settings.
    **_rules(AccountError, "token", [0, 190]),
    **_rules(AccountError, "permission", [3, 10, 131005]),
    **_rules(AccountError, "permission", range(200, 300)),
    **_rules(AccountError, "account_restricted", [368, 131031]),
    # Added 2026-04-17; ends automatically.
    **_rules(AccountError, "account_misclassified", [131064]),
    **_rules(AccountError, "billing", [131042, 134011]),
    **_rules(AccountError, "marketing_disabled", [131063]),
    **_rules(AccountError, "mm_unavailable", [134102]),
    # The business phone number.
    **_rules(SenderError, "sender_unavailable", [33, 131037, 131045, 133010]),
    **_rules(SenderError, "sender_unavailable", [133000, 133005, 133006, 133007, 133008, 133016]),
    # Graph answers 803 for an object that does not exist.
    **_rules(SenderError, "sender_unavailable", [803], _OPENAPI),
    # Meta: probably too many earlier messages were blocked or flagged as spam.
    **_rules(SenderError, "spam_rate", [131048]),
    # The template.
    **_rules(TemplateError, "template_missing", [132001]),
    **_rules(TemplateError, "template_paused", [132015]),
    **_rules(TemplateError, "template_disabled", [132016]),
    **_rules(TemplateError, "template_parameters", [132000, 132012]),
    **_rules(TemplateError, "template_policy", [132007]),
    **_rules(TemplateError, "flow_blocked", [132068]),
    # What we sent. 131059 is a bad paging cursor on the template list (v24+).
    **_rules(RequestRefused, "bad_request", [100, 131008, 131009, 131051, 131053]),
    **_rules(RequestRefused, "bad_request", [132005, 132018]),
    **_rules(RequestRefused, "bad_request", [132008], _PYWA),
    **_rules(RequestRefused, "bad_request", [131059], _CHANGELOG),
    # Webhook errors[] of an inbound message only: its media cannot be fetched.
    **_rules(RequestRefused, "bad_request", [131052]),
    # The callback address did not answer Meta's handshake.
    **_rules(RequestRefused, "bad_request", [2200], _GRAPH_PAGE),
    **_rules(RequestRefused, "bad_request", [139100, 139101], _BLOCK_PAGE),
    **_rules(RequestRefused, "window_closed", [131047]),
    **_rules(RequestRefused, "bsuid_unsupported", [131062], _BSUID_PAGE),
    # Generic parameter error until 2026-05; since then also a message dropped by portfolio pacing.
    **_rules(RequestRefused, "pacing_drop", [135000], _PACING_PAGE),
    # The endpoint: only marketing templates here, or no template with a maximum price there.
    **_rules(TemplateError, "wrong_endpoint", [131055, 134100]),
    **_rules(TemplateError, "wrong_endpoint", [131061], _PRICE_PAGE),
    # The recipient.
    **_rules(RecipientError, "undeliverable", [131026]),
    **_rules(RecipientError, "not_test_number", [131030], _PYWA),
    **_rules(RecipientError, "same_number", [131021]),
    **_rules(RecipientError, "experiment", [130472]),
    **_rules(RecipientError, "marketing_limit", [131049], _LIMITS_PAGE),
    **_rules(RecipientError, "opted_out", [131050]),
    **_rules(RecipientError, "blocked_by_us", [130403], _BLOCK_PAGE),
    **_rules(RecipientError, "country", [130497]),
    **_rules(RecipientError, "identity_changed", [137000]),
}

_OBJECT_MISSING = CodeRule(SenderError, "sender_unavailable", _GRAPH_PAGE)
_TRANSIENT = CodeRule(RetryLater, "temporary", _OPENAPI)
# An undocumented refusal is not retried: a retry that Meta counts against us costs more than a row.
_UNKNOWN = CodeRule(RequestRefused, "unknown_error", "")


def classify(code, details=None, is_transient=None, subcode=None):
    """Return the `CodeRule` of one Graph error, from a reply or from a webhook's `errors[]`.

    :param code: Meta's number, also as text; anything else counts as unknown.
    :param details: `error_data.details` or the message; webhooks carry no subcode, only this text.
    :param is_transient: Meta's own flag; decides for unknown codes.
    :param subcode: `error_subcode`; 33 with code 100: the object in the path does not exist.
    """
    number = as_code(code)
    if number == 100 and (as_code(subcode) == 33 or _is_missing_object(details)):
        return _OBJECT_MISSING
    if number in CODES:
        return CODES[number]
    return _TRANSIENT if is_transient is True else _UNKNOWN


def _is_missing_object(details):
    """Graph's fixed wording for subcode 33: "Object with ID '…' does not exist, cannot be …"."""
    return isinstance(details, str) and "Object with ID" in details and "not exist" in details


def graph_error(error, http_status=None, mask=str):
    """Return the exception for a reply's `error` object with any contents.

    :param mask: function applied to every text, because Meta echoes malformed tokens.
    """
    data = error.get("error_data")
    details = _text(data.get("details") if isinstance(data, dict) else data)
    details = details or _text(error.get("error_user_msg"))
    message = _text(error.get("message")) or _text(error.get("error_user_title"))
    code = as_code(error.get("code"))
    subcode = as_code(error.get("error_subcode"))
    rule = classify(code, details or message, error.get("is_transient"), subcode)
    return rule.exception(
        code=code,
        subcode=subcode,
        message=mask(message),
        details=mask(details),
        fbtrace_id=_text(error.get("fbtrace_id")),
        http_status=http_status,
        failure_type=rule.failure_type,
    )


def _text(value):
    return value if isinstance(value, str) else ""
