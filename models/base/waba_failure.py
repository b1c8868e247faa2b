"""Base: exclusion and failure reasons of messages, with their texts and advice.

Called by messages, campaigns, numbers and screens. The keys are those of `cloud_api.errors` and
`policy.retry`; a test compares the three.
"""

from odoo.tools import LazyTranslate

from ..tools.labels import selection_labels

_lt = LazyTranslate(__name__)

# Reasons of the state `skipped`: we decided not to send.
EXCLUSION_REASONS = [
    ("no_number", "No phone number"),
    ("invalid_number", "Invalid phone number"),
    ("own_number", "One of your own WhatsApp numbers"),
    ("duplicate", "Duplicate in this campaign"),
    ("blacklisted", "On the phone blacklist"),
    ("opted_out", "Opted out"),
    ("topic_closed", "Opted out of the topic"),
    ("opted_out_utility", "Opted out of service messages"),
    ("renumbered", "Number changed after an opt-out"),
    ("no_opt_in", "No opt-in on record"),
    ("unreachable", "Unreachable on WhatsApp"),
    ("blocked_by_us", "Blocked by us"),
    ("country", "Country not served"),
    ("frequency", "Frequency cap reached"),
    ("repeated", "Same template sent recently"),
    ("may_opt_out", "Possible opt-out to review"),
    ("missing_value", "Empty variable"),
    ("bad_value", "Invalid variable value"),
    ("offer_over", "Offer already over"),
    ("erased", "Personal data erased"),
    ("record_gone", "Record deleted or not accessible"),
    ("number_changed", "Phone number changed"),
    ("number_removed", "Phone number removed"),
    ("company_changed", "Moved to another company"),
    ("lead_lost", "Lead lost"),
    ("record_archived", "Record archived"),
    ("lead_won", "Lead won"),
    ("contact_archived", "Contact archived"),
    ("lead_reopened", "Lead reopened"),
    ("media", "File upload failed"),
    ("second_sender", "Already sent by another database"),
    ("reconfirmed", "Already asked to reconfirm"),
    ("holdout", "Hold-out group"),
]

# Exclusions that end by themselves: `retry_at` of the message says when.
TEMPORARY_EXCLUSIONS = ("frequency", "repeated")

# Capitalised within a sentence too.
NAMES = ("Meta", "WhatsApp")

# Reasons whose detail begins with a date.
DATED_REASONS = ("opted_out", "topic_closed", "opted_out_utility")

# Reasons of the state `failed`: Meta refused or could not deliver.
FAILURE_REASONS = [
    ("throughput", "Sending rate exceeded"),
    ("pair_rate", "Too many messages to one person"),
    ("temporary", "Temporary error at WhatsApp"),
    ("maintenance", "Number under maintenance"),
    ("app_rate", "API rate limit reached"),
    ("token", "Access token rejected"),
    ("permission", "Missing token permission"),
    ("account_restricted", "Account restricted by Meta"),
    ("account_misclassified", "Account limited for template categories"),
    ("billing", "Payment problem at Meta"),
    ("marketing_disabled", "Promotions disabled at Meta"),
    ("sender_unavailable", "Number not ready to send"),
    ("spam_rate", "Number limited for blocks and spam reports"),
    ("template_missing", "Template missing or not approved"),
    ("template_paused", "Template paused by Meta"),
    ("template_disabled", "Template disabled by Meta"),
    ("template_parameters", "Variables do not match the template"),
    ("template_policy", "Template violates a WhatsApp policy"),
    ("flow_blocked", "Template form blocked"),
    ("flow_throttled", "Template form slowed down by Meta"),
    ("bad_request", "Message rejected as invalid"),
    ("undeliverable", "Undeliverable"),
    ("not_test_number", "Not on the account's test list"),
    ("same_number", "Sent to the sending number itself"),
    ("experiment", "Excluded by a WhatsApp experiment"),
    ("marketing_limit", "Promotion limit of WhatsApp reached"),
    ("window_closed", "Reply window closed"),
    ("identity_changed", "WhatsApp identity changed"),
    ("pacing_drop", "Dropped by Meta's pacing"),
    ("bsuid_unsupported", "Phone number required"),
    ("sync_pending", "Template not ready yet"),
    ("mm_unavailable", "Marketing API unavailable"),
    ("wrong_endpoint", "Refused for its endpoint"),
    ("not_sent", "No connection to WhatsApp"),
    ("unknown_error", "Unknown error"),
]

FAILURE_TYPES = EXCLUSION_REASONS + FAILURE_REASONS

# What to do. Failures that affect more than one message all have an entry; docs/error-codes.md
# lists them with Meta's codes.
ADVICE = {
    "no_opt_in": _lt("Record an opt-in to include this person."),
    "renumbered": _lt("Confirm the new number on the record."),
    "may_opt_out": _lt("Read the message, then choose Opt out or Keep subscribed."),
    "throughput": _lt("It is retried automatically at a slower rate."),
    "pair_rate": _lt("It is retried automatically."),
    "temporary": _lt("It is retried automatically."),
    "not_sent": _lt("It is retried automatically for 24 hours."),
    "sync_pending": _lt("It is retried automatically."),
    "mm_unavailable": _lt("Promotions go by the Cloud API for 24 hours."),
    "wrong_endpoint": _lt("Sync the templates: Meta may have changed the template's category."),
    "maintenance": _lt("Sending resumes automatically."),
    "app_rate": _lt("Sending resumes automatically."),
    "token": _lt("Enter a new access token on the account and connect again."),
    "permission": _lt(
        "Give the token the permissions whatsapp_business_messaging and "
        "whatsapp_business_management in Meta's Business settings, then connect again."
    ),
    "account_restricted": _lt(
        "Request a review in WhatsApp Manager; resume the account when Meta lifts the restriction."
    ),
    "account_misclassified": _lt(
        "Check the categories of your templates. Meta lifts this limit by itself."
    ),
    "billing": _lt("Fix the payment method in WhatsApp Manager, then resume the account."),
    "marketing_disabled": _lt(
        "Accept the terms of the Marketing Messages API in WhatsApp Manager, then sync the account."
    ),
    "sender_unavailable": _lt(
        "Check the number's registration and display name in WhatsApp Manager, then resume the "
        "number."
    ),
    "spam_rate": _lt("Send less, only to people who opted in, and review the last campaigns."),
    "template_missing": _lt("Sync the templates and check this one's language and status."),
    "template_paused": _lt("Queued messages wait until Meta lifts the pause."),
    "template_disabled": _lt("Choose another template."),
    "template_parameters": _lt("Sync the templates and check the campaign's variables."),
    "template_policy": _lt("Edit the template in WhatsApp Manager, or choose another one."),
    "flow_blocked": _lt("Check the template's form in WhatsApp Manager."),
    "flow_throttled": _lt("Sending resumes automatically after an hour."),
    "pacing_drop": _lt("Check the account's status in WhatsApp Manager."),
    "bad_request": _lt("Check the template and its variables."),
    "undeliverable": _lt("Check the number: it may not be on WhatsApp."),
    "not_test_number": _lt("Add the number to the test numbers at Meta, or use a live account."),
    "same_number": _lt("Correct the number on the record."),
    "experiment": _lt("Contact this person another way."),
    "marketing_limit": _lt("WhatsApp limits promotions per person; retry after 24 hours."),
    "window_closed": _lt("Send a template instead."),
    "identity_changed": _lt("Confirm with the person that the number is still theirs."),
    "bsuid_unsupported": _lt("Add the person's phone number."),
    "unknown_error": _lt("Look up the code at Meta, or contact Meta's support with the trace ID."),
}


def failure_text(env, failure_type, code=None, text=None):
    """The reason, Meta's text and the advice as one sentence or several.

    :param failure_type: a key of FAILURE_TYPES
    :param code: Meta's error code
    :param text: Meta's text, quoted; without a code, a detail of ours
    """
    # What a library says about a connection helps only in the log.
    text = None if failure_type == "not_sent" else text
    labels = selection_labels(env["waba.message"], "failure_type")
    sentence = labels.get(failure_type) or failure_type
    if text and code:
        sentence = env._(
            "%(label)s. Meta: “%(text)s” (code %(code)s).",
            label=sentence,
            text=text,
            code=code,
        )
    elif text and failure_type in DATED_REASONS:
        sentence = env._("%(label)s on %(text)s.", label=sentence, text=text.rstrip("."))
    elif text:
        sentence = env._("%(label)s: %(text)s.", label=sentence, text=text.rstrip("."))
    else:
        sentence = f"{sentence}."
    advice = env._(ADVICE[failure_type]) if failure_type in ADVICE else ""
    return f"{sentence} {advice}".strip()


def exclusion_text(env, reason, text=None):
    """As `failure_text`, of a message that was not sent: 'Not sent: opted out on 12 Nov.'"""
    return not_sent_text(env, failure_text(env, reason, text=text))


def not_sent_text(env, sentence):
    """'Not sent: …' of a sentence with its reason."""
    if not sentence.startswith(NAMES):
        sentence = sentence[:1].lower() + sentence[1:]
    return env._("Not sent: %s", sentence)
