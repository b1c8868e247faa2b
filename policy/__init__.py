"""What we decide: pure functions over plain values.

No Odoo, no network and no clock in here. Every function that depends on the moment takes it as
`now`. All datetimes are naive and in UTC, as Odoo stores them; a missing one may be None or, as
Odoo's records read it, False.
"""

from . import (
    auto_reply,
    ab_test,
    attribution,
    canary,
    cost,
    eligibility,
    followup,
    frequency,
    hours,
    intent,
    landing,
    limits,
    links,
    media,
    numbers,
    pacing,
    quality_rating,
    reputation,
    reputation_causes,
    reputation_rates,
    reputation_score,
    reputation_trend,
    response,
    retry,
    status,
    warm_up,
)

__all__ = [
    "auto_reply",
    "ab_test",
    "attribution",
    "canary",
    "cost",
    "eligibility",
    "followup",
    "frequency",
    "hours",
    "intent",
    "landing",
    "limits",
    "links",
    "media",
    "numbers",
    "pacing",
    "quality_rating",
    "reputation",
    "reputation_causes",
    "reputation_rates",
    "reputation_score",
    "reputation_trend",
    "response",
    "retry",
    "status",
    "warm_up",
]
