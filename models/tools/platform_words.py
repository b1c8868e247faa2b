"""Tools: plain words for Meta's raw states, rejections and network errors, in the user's language.

Called by accounts, numbers, webhooks, messages and the diagnosis, wherever a value of Meta's is
shown.
"""

import re

from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

# Meta publishes several enumerations for each of these; a word means the same in all of them.
STATES = {
    # Of a number
    "CONNECTED": _lt("Connected"),
    "LINKED": _lt("Connected"),
    "DISCONNECTED": _lt("Disconnected"),
    "UNLINKED": _lt("Disconnected"),
    "BANNED": _lt("Banned"),
    "RESTRICTED": _lt("Restricted"),
    "FLAGGED": _lt("Flagged for low quality"),
    "RATE_LIMITED": _lt("Rate limited"),
    "DELETED": _lt("Deleted"),
    "MIGRATED": _lt("Moved to another account"),
    "UNVERIFIED": _lt("Not verified"),
    "MISSING": _lt("No longer in the account"),
    # Of a review: display name, account, business
    "APPROVED": _lt("Approved"),
    "AVAILABLE_WITHOUT_REVIEW": _lt("Approved without review"),
    "PENDING": _lt("Pending"),
    "PENDING_REVIEW": _lt("In review"),
    "IN_REVIEW": _lt("In review"),
    "PENDING_SUBMISSION": _lt("Not submitted"),
    "DECLINED": _lt("Declined"),
    "REJECTED": _lt("Rejected"),
    "EXPIRED": _lt("Expired"),
    "FAILED": _lt("Failed"),
    "NONE": _lt("Not submitted"),
    "VERIFIED": _lt("Verified"),
    "NOT_VERIFIED": _lt("Not verified"),
    "REVOKED": _lt("Revoked"),
    # Whether something can send
    "AVAILABLE": _lt("Can send"),
    "LIMITED": _lt("Limited"),
    "BLOCKED": _lt("Cannot send"),
    # Onboarding to the Marketing Messages API
    "ELIGIBLE": _lt("Terms not accepted"),
    "ONBOARDED": _lt("Terms accepted"),
    "MM_LITE_TERMS_SIGNED": _lt("Terms of the Marketing Messages API accepted"),
    # Restrictions of an account
    "RESTRICTED_BIZ_INITIATED_MESSAGING": _lt("no campaigns or templates"),
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING": _lt("no replies to customers"),
    "RESTRICTED_ADD_PHONE_NUMBER_ACTION": _lt("no new numbers"),
    "RESTRICTION_ON_ADD_PHONE_NUMBER_ACTION": _lt("no new numbers"),
    # What happened to an account
    "ACCOUNT_RESTRICTION": _lt("Account restricted"),
    "ACCOUNT_VIOLATION": _lt("Policy violation"),
    "ACCOUNT_DELETED": _lt("Account deleted"),
    "ACCOUNT_OFFBOARDED": _lt("Account disconnected from the platform"),
    "ACCOUNT_RECONNECTED": _lt("Account connected again"),
    "ACCOUNT_UPDATE": _lt("Account updated"),
    "VERIFIED_ACCOUNT": _lt("Account verified"),
    "DISABLED_UPDATE": _lt("Account disabled"),
    "VOLUME_BASED_PRICING_TIER_UPDATE": _lt("Lower price from now on"),
    "SCHEDULE_FOR_DISABLE": _lt("Account will be disabled"),
    "DISABLE": _lt("Disabled"),
    "REINSTATE": _lt("Reinstated"),
    # … a number or a template
    "THROUGHPUT_UPGRADE": _lt("Higher speed"),
    "ONBOARDING": _lt("Registered"),
    "UPGRADE": _lt("Higher limit"),
    "DOWNGRADE": _lt("Lower limit"),
    "UNFLAGGED": _lt("No longer flagged"),
    "PIN_CHANGED": _lt("PIN changed"),
    "PIN_RESET_REQUEST": _lt("PIN reset requested"),
    "PIN_RESET_SUCCESS": _lt("PIN reset"),
    "PAUSED": _lt("Paused"),
    "UNPAUSED": _lt("Active again"),
    "DISABLED": _lt("Disabled"),
    "REINSTATED": _lt("Reinstated"),
    "IN_APPEAL": _lt("In appeal"),
    "PENDING_DELETION": _lt("Being deleted"),
}

# Why a template was rejected and what to change (Meta, message_template_status_update, 2026-09-11).
REJECTIONS = {
    "ABUSIVE_CONTENT": _lt(
        "Rejected: the text can read as a threat, or asks for sensitive data such as a card "
        "number. Remove that and submit it again."
    ),
    "CATEGORY_NOT_AVAILABLE": _lt(
        "Rejected: its category is no longer offered. Choose Promotion or Service message and "
        "submit it again."
    ),
    "INCORRECT_CATEGORY": _lt(
        "Rejected: the text does not fit its category. Submit it as a promotion, or remove "
        "everything that promotes."
    ),
    "INVALID_FORMAT": _lt(
        "Rejected: its format is not valid, usually a variable, a sample or a link. Correct it "
        "and submit it again."
    ),
    "PROMOTIONAL": _lt(
        "Rejected: Meta reads it as a promotion. Submit it in the category Promotion."
    ),
    "SCAM": _lt(
        "Rejected as a possible scam. Name your company, link to your own website only, remove "
        "prizes and urgent requests for money, and submit it again."
    ),
    "TAG_CONTENT_MISMATCH": _lt(
        "Rejected: the text does not match its language or category. Correct either and submit it "
        "again."
    ),
    "NONE": _lt(
        "Rejected: Meta gave no reason. Simplify the text and submit it again, or request a "
        "review in WhatsApp Manager."
    ),
}
UNKNOWN_REJECTION = _lt(
    "Rejected by Meta: %s. Change the text and submit it again, or request a review in WhatsApp "
    "Manager."
)
# By the `title` that Meta gives a pause (Template pausing, 2025-10-22).
PAUSES = {
    "FIRST_PAUSE": _lt(
        "Paused by Meta for 3 hours because of negative feedback. It resumes by itself; a third "
        "pause disables it."
    ),
    "SECOND_PAUSE": _lt(
        "Paused by Meta for 6 hours because of negative feedback, for the second time. It resumes "
        "by itself; the next pause disables it."
    ),
    "RATE_LIMITING_PAUSE": _lt(
        "Paused by Meta while it was tested with its first recipients. Improve the text, then "
        "unpause it."
    ),
}
# Archiving: Template archival, 2026-06-02.
STATUS_SENTENCES = {
    "pending": _lt("In review by Meta, usually for minutes, at most 24 hours."),
    "in_appeal": _lt("Meta is reviewing your request."),
    "paused": _lt("Paused by Meta because of negative feedback."),
    "disabled": _lt(
        "Disabled by Meta because of repeated negative feedback. Create another template."
    ),
    "archived": _lt("Archived. Meta deletes it 28 days after that; unarchive it to keep it."),
    "limit_exceeded": _lt(
        "Not created: the account has its maximum of templates. Delete unused ones."
    ),
    "pending_deletion": _lt("Being deleted by Meta."),
    "deleted": _lt("Deleted at Meta. Its messages and versions are kept here."),
}

NETWORK_CAUSES = {
    "dns": _lt("the host name could not be found"),
    "refused": _lt("the server did not accept the connection"),
    "private": _lt("the host is in a private network"),
    "certificate": _lt("the server's certificate is not valid"),
    "tls": _lt("no secure connection was possible"),
    "proxy": _lt("the proxy did not answer"),
    "timeout": _lt("no answer in time"),
    "broken": _lt("the connection was interrupted"),
}


def platform_word(env, value):
    """Meta's raw state in plain words; '' for none.

    A state that we do not know is shown as Meta's word without capitals and underscores.
    """
    known = STATES.get((value or "").strip().upper())
    if known:
        return env._(known)
    return (value or "").strip().replace("_", " ").capitalize()


def plain_sentence(env, text):
    """A sentence of Meta's with its raw states (`RESTRICTED_ADD_…`) in plain words."""
    return re.sub(r"\b[A-Z]+(?:_[A-Z]+)+\b", lambda match: platform_word(env, match[0]), text)


def error_detail(env, error):
    """Why a request failed: Meta's own text, else the network's cause in plain words.

    :param error: CloudApiError
    :return: text without a point at its end, perhaps ''
    """
    if cause := NETWORK_CAUSES.get(error.cause):
        return env._(cause)
    if error.code is None and error.http_status:
        return env._("its answer could not be read (HTTP %s)", error.http_status)
    return (error.details or error.message or "").rstrip(".")


def rejection_sentence(env, reason):
    """Why a template was rejected and what to change.

    :param reason: Meta's key, or False
    """
    key = (reason or "NONE").strip().upper()
    if key in REJECTIONS:
        return env._(REJECTIONS[key])
    # A lazy text gets its value after the translation, not with it.
    pattern = env._(UNKNOWN_REJECTION)
    return pattern % platform_word(env, reason)


def status_sentence(env, status, reason):
    """What a status means, what happens next; '' for those that need no words.

    :param status: key of `waba.template.status`
    :param reason: Meta's title or key, or False
    """
    if status == "paused":
        title = next((key for key in PAUSES if key in (reason or "").upper()), None)
        return env._(PAUSES[title] if title else STATUS_SENTENCES[status])
    return env._(STATUS_SENTENCES[status]) if status in STATUS_SENTENCES else ""
