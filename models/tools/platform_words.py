"""Tools: plain words for Meta's raw states and for network errors, in the user's language.

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
