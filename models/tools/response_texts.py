"""Tools: our responses to bad reception as text: the cause, the effect, what lifts it.

Called by numbers, campaigns and templates when they slow down, hold, pause or lock.
"""

from odoo.tools import LazyTranslate

from .reputation_texts import format_number, format_percent

_lt = LazyTranslate(__name__)

ACTIONS = [
    ("full", "Full speed"),
    ("warm_up", "Warming up"),
    ("slow", "Slowed"),
    ("hold_marketing", "Promotions held"),
    ("lock", "Locked"),
]
SUMMARIES = {
    "warm_up": _lt("The number warms up"),
    "slow": _lt("The number is slowed: find out why"),
    "hold_marketing": _lt("Promotions are held: find out why"),
    "lock": _lt("The number is locked: find out why, then release it"),
    "canary": _lt("First wave sent: look at its results"),
    "campaign": _lt("The campaign was paused for its results: look, then release it"),
    "template": _lt("The template's messages are held: find out why"),
}
SLOWED = _lt(
    "The number goes at half its speed and writes to %(share)s of the daily limit; campaigns "
    "start with a first wave."
)
NUMBER_SENTENCES = {
    "restricted": _lt(
        "Meta restricted the number %(number)s, or refused its messages because people block them "
        "or call them spam. Nothing leaves until a manager releases it with a reason."
    ),
    "red_too_long": _lt(
        "Meta's rating of %(number)s has been Low for %(days)s days. Nothing leaves until a "
        "manager releases it with a reason."
    ),
    "locked": _lt("%(number)s is locked until a manager releases it with a reason."),
    "red": _lt(
        "Meta's rating of %(number)s is Low. Promotions wait until it rises; service messages "
        "go on. A manager may release them before, with a reason."
    ),
    "released": _lt(
        "Meta's rating of %(number)s is still Low, and a manager released it. %(slowed)s It goes "
        "back to full speed when the rating is High."
    ),
    "yellow": _lt(
        "Meta's rating of %(number)s is Medium. %(slowed)s It goes back to full speed by itself "
        "when the rating is High."
    ),
    "at_risk": _lt(
        "Our own reading of %(number)s is At risk. %(slowed)s It goes back to full speed by itself "
        "when the reading is better."
    ),
    "warm_up": _lt(
        "%(number)s warms up: %(people)s people a day for now, more each day while it stays "
        "healthy and most of them are written to."
    ),
}
CAMPAIGN_SENTENCES = {
    "failures": _lt(
        "%(rate)s of %(base)s messages could not be delivered, more than the %(limit)s set for "
        "this number. Look at where these numbers come from. A manager releases the campaign, "
        "with a reason."
    ),
    "opt_outs": _lt(
        "%(rate)s of %(base)s people who got it opted out, more than the %(limit)s set for this "
        "number. Look at whom it is for and what it says. A manager releases the campaign, with "
        "a reason."
    ),
    "silence": _lt(
        "Of the first wave of %(wave)s only %(count)s have arrived or failed after %(hours)s "
        "hours: nothing can be said of how it is received. Look at the number in WhatsApp Manager. "
        "A manager releases the campaign, with a reason."
    ),
}
TEMPLATE_SENTENCES = {
    "template_flagged": _lt(
        "Meta warns that people react badly to the template %s, and may disable it. Its messages "
        "wait until Meta lifts the warning, or a manager releases them with a reason."
    ),
    "template_red": _lt(
        "Meta rates the template %s Low and is about to pause it. Its messages wait until the "
        "rating rises, or a manager releases them with a reason."
    ),
    "template_paused": _lt(
        "Meta paused the template %s. Its messages wait, and go on by themselves when Meta "
        "allows it again."
    ),
    "template_disabled": _lt(
        "Meta disabled the template %s. Its messages wait until Meta allows it again; a campaign "
        "with another template reaches these people sooner."
    ),
}


def summary(env, key):
    """Title of the managers' activity.

    :param key: a key of SUMMARIES
    """
    return env._(SUMMARIES[key])


def number_sentence(env, sender, found, red_days):
    """Why a number is slowed, held or locked, the effect and what ends it; '' if it is not.

    :param sender: waba.sender
    :param found: policy.response.Response
    :param red_days: days for which Meta has rated it Low
    """
    if found.reason_key not in NUMBER_SENTENCES:
        return ""
    sentence, slowed = env._(NUMBER_SENTENCES[found.reason_key]), env._(SLOWED)
    return sentence % {
        "number": sender.display_phone_number or sender.phone_number_uid,
        "days": red_days,
        "slowed": slowed % {"share": format_percent(env, found.share)},
        "people": format_number(env, sender.warm_up_limit_now),
    }


def campaign_sentence(env, reason_key, counts, settings, wave=0):
    """Why a campaign pauses for its own results.

    :param reason_key: a key of CAMPAIGN_SENTENCES
    :param counts: policy.reputation_rates.DayCounts
    :param settings: policy.response.Settings
    :param wave: messages of the canary
    """
    failed = max(counts.failed - counts.limited, 0)
    count, base, limit = {
        "failures": (failed, counts.delivered + failed, settings.failure_limit),
        "opt_outs": (counts.opted_out, counts.delivered, settings.opt_out_limit),
        "silence": (counts.delivered + counts.failed, wave, 0),
    }[reason_key]
    sentence = env._(CAMPAIGN_SENTENCES[reason_key])
    return sentence % {
        "rate": format_percent(env, count / base if base else 0),
        "base": format_number(env, base),
        "count": format_number(env, count),
        "limit": format_percent(env, limit),
        "wave": format_number(env, wave),
        "hours": format_number(env, settings.canary_longest_wait.total_seconds() / 3600),
    }
