"""Tools: a number's health score as text; every rate is shown with its base.

Called by the score, the responses, the dashboard and reports.
"""

from odoo.tools import LazyTranslate, formatLang
from odoo.tools.misc import babel_locale_parse, get_lang

from ...policy import reputation_rates
from .labels import selection_label

_lt = LazyTranslate(__name__)

# Meta's quality rating of numbers and templates.
RATINGS = [("green", "High"), ("yellow", "Medium"), ("red", "Low"), ("unknown", "Not rated")]
LEVELS = [
    ("healthy", "Healthy"),
    ("watch", "Watch"),
    ("at_risk", "At risk"),
    ("unknown", "Not enough data"),
]
TRENDS = [
    ("rising", "Rising"),
    ("steady", "Steady"),
    ("falling", "Falling"),
    ("unknown", "No trend yet"),
]

MEASURE_LABELS = {
    "opt_out": _lt("opt-outs"),
    "possible_block": _lt("never delivered"),
    "undeliverable": _lt("undeliverable"),
    "limited": _lt("limited by WhatsApp"),
}
RATE_SENTENCES = {
    "opt_out": _lt("%(rate)s of %(base)s delivered opted out (%(count)s)"),
    "possible_block": _lt("%(rate)s of %(base)s never delivered: possible blocks (%(count)s)"),
    "undeliverable": _lt("%(rate)s of %(base)s undeliverable (%(count)s)"),
    "limited": _lt("%(rate)s of %(base)s limited by WhatsApp (%(count)s)"),
}
SPAM_LIMITED = _lt("Meta refused messages: recipients blocked or reported earlier ones")
GROUP_LABELS = {
    "campaign": _lt("Campaign"),
    "template": _lt("Template"),
    "audience": _lt("Audience"),
    "source": _lt("Lead source"),
    "salesperson": _lt("Salesperson"),
    "country": _lt("Country"),
}


def format_number(env, count):
    """'1,952', in the user's format."""
    return formatLang(env, count, digits=0)


def format_percent(env, value, apart_from=None):
    """'2.1%' for a rate of 0 to 1, as the language writes it ('2,1 %'); '50%' has no zero.

    :param apart_from: another rate, from which it differs in its text too: '0.53%' beside '0.5%'
    """
    rate = round(100 * value, 6)
    digits = 1 if rate % 1 else 0
    if apart_from is not None and round(rate, 1) == round(100 * apart_from, 1):
        digits = 2
    locale = babel_locale_parse(get_lang(env).code)
    # CLDR: English and Portuguese write no space before the sign, Spanish and French do.
    space = " " if locale.percent_formats[None].pattern.endswith("\N{NO-BREAK SPACE}%") else ""
    return f"{formatLang(env, rate, digits=digits)}{space}%"


def rate_text(env, rate):
    """'2.1% of 1,952', or '3 of 41' when the base is too small for a rate.

    :param rate: policy.reputation_rates.Rate
    """
    if rate.value is None:
        return env._("%(count)s of %(base)s", count=format_number(env, rate.count),
                     base=format_number(env, rate.base))  # fmt: skip
    return env._(
        "%(rate)s of %(base)s",
        rate=format_percent(env, rate.value),
        base=format_number(env, rate.base),
    )


def rate_sentence(env, measure, rate):
    """Sentence for a rate that lowers the score: how many of which messages.

    :param measure: a key of RATE_SENTENCES
    :param rate: policy.reputation_rates.Rate with a value
    """
    sentence = env._(RATE_SENTENCES[measure])
    return sentence % {
        "rate": format_percent(env, rate.value),
        "base": format_number(env, rate.base),
        "count": format_number(env, rate.count),
    }


def score_facts(judgement):
    """What the texts about a score are made from, as it is stored: for readers of any language.

    :param judgement: policy.reputation.Judgement
    :return: dict of 'score', 'base', 'window', 'costs' [{'measure', 'count', 'base', 'value'}], the
        most costly first, and 'projection' {'level', 'in_days', 'error_days'} or None
    """
    used = judgement.week if judgement.window == reputation_rates.WEEK else judgement.month
    projection = judgement.projection
    return {
        "score": judgement.score,
        "base": judgement.base,
        "window": judgement.window,
        "costs": [_cost_facts(cost.measure, used) for cost in judgement.costs],
        # As exact as the texts: a figure that changes nothing in them is not written again.
        "projection": projection
        and {
            "level": projection.level,
            "in_days": round(projection.in_days, 1),
            "error_days": round(projection.error_days, 1),
        },
    }


def _cost_facts(measure, used):
    if measure == "spam_limited":
        return {"measure": measure}
    rate = getattr(used, measure)
    return {
        "measure": measure,
        "count": rate.count,
        "base": rate.base,
        "value": round(rate.value, 4),
    }


def base_text(env, facts):
    """The base of a score: '37 of 200 messages', or '1,952 delivered in 7 days'.

    :param facts: of `score_facts`
    """
    if facts["score"] is None:
        return env._(
            "%(count)s of %(needed)s messages",
            count=format_number(env, facts["base"]),
            needed=format_number(env, reputation_rates.MIN_VOLUME),
        )
    return env._(
        "%(count)s delivered in %(days)s days",
        count=format_number(env, facts["base"]),
        days=facts["window"],
    )


def reason_text(env, facts):
    """Reasons for the score, the most costly first, and its base.

    :param facts: of `score_facts`
    """
    parts = [
        env._(SPAM_LIMITED)
        if cost["measure"] == "spam_limited"
        else rate_sentence(
            env,
            cost["measure"],
            reputation_rates.Rate(cost["count"], cost["base"], cost["value"]),
        )
        for cost in facts["costs"]
    ]
    if facts["score"] is not None and parts:
        return env._(
            "%(reasons)s, last %(days)s days.", reasons="; ".join(parts), days=facts["window"]
        )
    parts.append(env._("Not enough data") if facts["score"] is None else env._("No warning signs"))
    return f"{'; '.join(parts)}. {base_text(env, facts)}."


def projection_text(env, facts):
    """'At this rate: Watch in about 2 days (±1).', or False.

    :param facts: of `score_facts`
    """
    projection = facts["projection"]
    if not projection:
        return False
    level = selection_label(env, "reputation_level", projection["level"])
    if projection["in_days"] < 1:
        return env._("At this rate: %s within a day.", level)
    error = projection["error_days"]
    return env._(
        "At this rate: %(level)s in about %(days)s days (±%(error)s).",
        level=level,
        days=formatLang(env, projection["in_days"], digits=0),
        error=formatLang(env, error, digits=0 if error >= 1 else 1),
    )
