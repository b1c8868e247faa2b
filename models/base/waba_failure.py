"""Base: exclusion and failure reasons of messages, with their texts and advice.

Called by messages, campaigns, numbers and screens. The keys are those of `cloud_api.errors` and
`policy.retry`; a test compares the three.
"""

from odoo.tools import LazyTranslate

from ..tools.labels import selection_labels

_lt = LazyTranslate(__name__)

# Reasons of the state `skipped`: we decided not to send.
EXCLUSION_REASONS = [
    ("no_number", "There is no phone number"),
    ("invalid_number", "The phone number is not valid"),
    ("own_number", "The number is one of your own WhatsApp numbers"),
    ("duplicate", "The same person is already in this campaign"),
    ("blacklisted", "The number is on the phone blacklist"),
    ("opted_out", "The person asked not to receive promotions"),
    ("opted_out_utility", "The person asked not to receive service messages"),
    ("renumbered", "The number was changed after the person had opted out"),
    ("no_opt_in", "No opt-in to promotions is on record for this person"),
    ("unreachable", "WhatsApp could not reach this number lately"),
    ("blocked_by_us", "We have blocked this person"),
    ("country", "WhatsApp does not deliver this to the person's country"),
    ("frequency", "The person has had enough promotions lately"),
    (
        "may_opt_out",
        "They may want to opt out: read their message, then choose Opt out or Keep subscribed",
    ),
    ("missing_value", "A text of the message would be empty"),
    ("bad_value", "A text of the message cannot be sent as it is"),
    ("erased", "The person's data were erased"),
    ("record_gone", "The record no longer exists, or may not be read"),
    ("number_changed", "The record's phone number changed after the message was prepared"),
    ("number_removed", "The record's phone number was removed after the message was prepared"),
    ("company_changed", "The record moved to another company after the message was prepared"),
    ("lead_lost", "The lead was marked lost after the message was prepared"),
    ("record_archived", "The record was archived after the message was prepared"),
    ("lead_won", "The lead was won after the message was prepared"),
    ("contact_archived", "The lead's contact was archived after the message was prepared"),
    ("lead_reopened", "The lead was reopened after the message was prepared"),
    ("media", "The file could not be handed to WhatsApp"),
    ("second_sender", "Another database or system already sent it"),
    ("holdout", "Not written to on purpose, to compare with those who are"),
]

# Reasons of the state `failed`: Meta refused or could not deliver.
FAILURE_REASONS = [
    ("throughput", "Too many messages per second"),
    ("pair_rate", "Too many messages to the same person"),
    ("temporary", "WhatsApp had a passing problem"),
    ("maintenance", "The number is under maintenance"),
    ("app_rate", "Too many calls to WhatsApp"),
    ("token", "WhatsApp refuses the access token"),
    ("permission", "The access token lacks a permission"),
    ("account_restricted", "Meta has restricted the account"),
    ("account_misclassified", "Meta limits the account: templates in the wrong category"),
    ("billing", "Meta reports a payment problem"),
    ("marketing_disabled", "Promotions are switched off for this account at Meta"),
    ("sender_unavailable", "Our number is not ready to send"),
    ("spam_rate", "Meta limits our number: too many people blocked it or called it spam"),
    ("template_missing", "The template is missing or not approved in this language"),
    ("template_paused", "Meta paused the template"),
    ("template_disabled", "Meta disabled the template"),
    ("template_parameters", "The variables do not fit the template"),
    ("template_policy", "The template breaks a rule of WhatsApp"),
    ("flow_blocked", "The template's form is blocked"),
    ("flow_throttled", "The template's form is slowed by Meta"),
    ("bad_request", "WhatsApp does not accept this message"),
    ("undeliverable", "Not deliverable: perhaps not on WhatsApp"),
    ("not_test_number", "A test account writes only to its listed numbers"),
    ("same_number", "This is our own number"),
    ("experiment", "WhatsApp shows this person no promotions for now"),
    ("marketing_limit", "The person gets many promotions; WhatsApp held this one back"),
    ("window_closed", "The 24-hour window to answer freely is closed"),
    ("identity_changed", "The person's WhatsApp identity changed"),
    ("pacing_drop", "Meta dropped it after watching the first messages"),
    ("bsuid_unsupported", "This message needs a phone number"),
    ("sync_pending", "The template is still being prepared by Meta"),
    ("mm_unavailable", "Meta's marketing service is not available"),
    ("not_sent", "WhatsApp could not be reached"),
    ("unknown_error", "WhatsApp gave a reason we do not know"),
]

FAILURE_TYPES = EXCLUSION_REASONS + FAILURE_REASONS

# What to do about a failure that affects more than one message.
ADVICE = {
    "token": _lt("Enter a new access token on the account and connect again."),
    "permission": _lt(
        "Give the token the permissions whatsapp_business_messaging and "
        "whatsapp_business_management in Meta's Business settings, then connect again."
    ),
    "account_restricted": _lt(
        "Read the reason in WhatsApp Manager and ask for a review there; "
        "resume the account when Meta lifts the restriction."
    ),
    "account_misclassified": _lt(
        "Meta lifts this by itself. Check the category of your templates."
    ),
    "billing": _lt("Settle the payment method in WhatsApp Manager, then resume the account."),
    "marketing_disabled": _lt("Switch promotions on for the Cloud API in WhatsApp Manager."),
    "app_rate": _lt("Sending goes on by itself after the waiting time."),
    "maintenance": _lt("Sending goes on by itself after the waiting time."),
    "sender_unavailable": _lt(
        "Check the number's registration and name in WhatsApp Manager, then resume the number."
    ),
    "spam_rate": _lt("Send less, to people who asked for it, and look at the last campaigns."),
    "template_missing": _lt("Read the templates again and check the language of this one."),
    "template_paused": _lt("Meta lifts a pause by itself; the people still waiting are kept."),
    "template_disabled": _lt("Choose another template: Meta does not allow this one again."),
    "template_parameters": _lt("Read the templates again and check the variables of the campaign."),
    "template_policy": _lt("Change the template in WhatsApp Manager, or choose another one."),
    "flow_blocked": _lt("Check the template's form in WhatsApp Manager."),
    "flow_throttled": _lt("Sending goes on by itself after an hour."),
    "pacing_drop": _lt("Meta reviews the account: look at its health in WhatsApp Manager."),
    "bad_request": _lt(
        "Several people in a row met the same refusal: check the template and its "
        "variables before going on."
    ),
}


def failure_text(env, failure_type, code=None, text=None):
    """The reason, Meta's text and the advice as one sentence or several.

    :param failure_type: a key of FAILURE_TYPES
    :param code: Meta's error code
    :param text: Meta's text, quoted; without a code, a detail of ours
    """
    labels = selection_labels(env["waba.message"], "failure_type")
    sentence = labels.get(failure_type) or failure_type
    if text and code:
        sentence = env._(
            '%(label)s. Meta says: "%(text)s" (error %(code)s).',
            label=sentence,
            text=text,
            code=code,
        )
    elif text:
        sentence = env._("%(label)s: %(text)s.", label=sentence, text=text.rstrip("."))
    else:
        sentence = f"{sentence}."
    advice = env._(ADVICE[failure_type]) if failure_type in ADVICE else ""
    return f"{sentence} {advice}".strip()
