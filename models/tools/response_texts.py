"""Tools: our responses to bad reception as text: the cause, the effect, what lifts it.

Called by numbers, campaigns and templates when they slow down, hold, pause or lock.
"""

from odoo.tools import LazyTranslate

from .reputation_texts import format_number, format_percent

_lt = LazyTranslate(__name__)

ACTIONS = [
    ("full", "Active"),
    ("warm_up", "Warming up"),
    ("slow", "Slowed"),
    ("hold_marketing", "Promotions on hold"),
    ("lock", "Locked"),
]
SUMMARIES = {
    "warm_up": _lt("Number is warming up"),
    "slow": _lt("Number slowed: check the likely causes"),
    "hold_marketing": _lt("Promotions on hold: check the likely causes"),
    "lock": _lt("Number locked: fix the cause, then resume sending"),
    "canary": _lt("Pilot batch sent: check its results"),
    "campaign": _lt("Campaign paused by its results: review, then resume it"),
    "template": _lt("Template on hold: check the likely causes"),
}
SLOWED = _lt("half speed, %(share)s of the daily limit, campaigns start with a pilot batch")
NUMBER_SENTENCES = {
    "restricted": _lt(
        "%(number)s is locked: Meta restricted it, or refused its messages because recipients "
        "blocked or reported them. A manager can resume sending, with a reason."
    ),
    "red_too_long": _lt(
        "%(number)s is locked: Meta has rated it Low for %(days)s days. A manager can resume "
        "sending, with a reason."
    ),
    "locked": _lt("%(number)s is locked. A manager can resume sending, with a reason."),
    "red": _lt(
        "Promotions from %(number)s are on hold: Meta's quality rating is Low. They resume when "
        "the rating rises or a manager resumes them; service messages are still sent."
    ),
    "released": _lt(
        "%(number)s is slowed (%(slowed)s): a manager resumed it at a Low rating. Full speed "
        "returns when the rating is High."
    ),
    "yellow": _lt(
        "%(number)s is slowed (%(slowed)s): Meta's quality rating is Medium. Full speed returns "
        "when the rating is High."
    ),
    "at_risk": _lt(
        "%(number)s is slowed (%(slowed)s): its health score is At risk. Full speed returns when "
        "the score improves."
    ),
    "warm_up": _lt(
        "%(number)s is warming up: %(people)s recipients a day for now. The limit grows each day "
        "while the number stays healthy and uses at least half of it."
    ),
}
CAMPAIGN_SENTENCES = {
    "failures": _lt(
        "Paused: %(rate)s of %(base)s messages failed, above the threshold of %(limit)s. Check "
        "the phone numbers of this audience; a manager can resume the campaign, with a reason."
    ),
    "opt_outs": _lt(
        "Paused: %(rate)s of %(base)s delivered opted out, above the threshold of %(limit)s. Check "
        "audience and message; a manager can resume the campaign, with a reason."
    ),
    "silence": _lt(
        "Paused: only %(count)s of the %(wave)s messages in the pilot batch were delivered or "
        "failed after %(hours)s hours. Check the number in WhatsApp Manager; a manager can resume "
        "the campaign, with a reason."
    ),
}
TEMPLATE_SENTENCES = {
    "template_flagged": _lt(
        "Messages with the template %s are on hold: Meta warned about its quality and may disable "
        "it. They resume when Meta lifts the warning or a manager resumes them, with a reason."
    ),
    "template_red": _lt(
        "Messages with the template %s are on hold: Meta rates it Low and may pause it. They "
        "resume when the rating rises or a manager resumes them, with a reason."
    ),
    "template_paused": _lt(
        "Messages with the template %s are on hold: Meta paused it. They resume automatically "
        "when Meta reinstates it."
    ),
    "template_disabled": _lt(
        "Messages with the template %s are on hold: Meta disabled it. Use another template, or "
        "wait until Meta reinstates this one."
    ),
    "template_category": _lt(
        "Messages with the template %s are on hold: Meta made it a promotion, which costs more and "
        "needs an opt-in. A manager can resume them, with a reason."
    ),
}


def summary(env, key):
    """Title of the managers' activity.

    :param key: a key of SUMMARIES
    """
    return env._(SUMMARIES[key])


def number_sentence(env, sender, reason_key, share, red_days=0):
    """Why a number is slowed, held or locked, the effect and what ends it; '' if it is not.

    :param sender: waba.sender
    :param reason_key, share: of policy.response.Response
    :param red_days: days for which Meta has rated it Low
    """
    if reason_key not in NUMBER_SENTENCES:
        return ""
    sentence, slowed = env._(NUMBER_SENTENCES[reason_key]), env._(SLOWED)
    return sentence % {
        "number": sender.display_phone_number or sender.phone_number_uid,
        "days": red_days,
        "slowed": slowed % {"share": format_percent(env, share)},
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
