"""Amounts and their bases in words, for the Money tab."""

from odoo.tools import format_amount, formatLang

from ..policy import attribution
from .waba_reputation_words import format_number, format_percent

# Below ten of the currency's smallest coins two digits say nothing: 0.0051, not 0.01.
SMALL_COINS = 10


def amount_text(env, value, currency):
    """An amount as people write it; small ones with four digits behind the point."""
    if value and abs(value) < SMALL_COINS * currency.rounding:
        text = formatLang(env, value, digits=4)
        parts = [text, currency.symbol]
        return "\N{NO-BREAK SPACE}".join(parts[:: -1 if currency.position == "before" else 1])
    return format_amount(env, value, currency)


def unit_price_text(env, cost, count, currency):
    """What one of `count` cost, or that there are too few to tell."""
    if count < attribution.MIN_PRICED:
        return env._("too few for a price each")
    return env._("%s each", amount_text(env, cost / count, currency))


def share_text(env, part, whole):
    """'8 % of 510', or None without a base."""
    if not whole:
        return None
    return env._(
        "%(percent)s of %(whole)s",
        percent=format_percent(env, part / whole),
        whole=format_number(env, whole),
    )
