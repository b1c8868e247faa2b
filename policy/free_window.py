"""The free window after an ad: how long Meta charges nothing.

Meta, Pricing, 2026-09-11: a person who writes by a click-to-WhatsApp ad or a Page's button and is
answered within 24 hours opens a free entry point window of 72 hours, in which no message is
charged. It begins when the answer is delivered (Meta's text as reproduced in partners' guides,
2025-2026; Meta's own page does not say). What a status says wins: its `pricing.type`, and the
expiry of its `conversation`. No webhook tells of the Page's button: such a window is known by
statuses alone.
"""

from datetime import datetime, timedelta

ANSWER_PERIOD = timedelta(hours=24)
FREE_PERIOD = timedelta(hours=72)


def window_end(
    clicked_at: datetime,
    free_until: datetime | None,
    left_at: datetime,
    arrived_at: datetime,
    pricing_type: str,
) -> datetime | None:
    """Return when the free window ends, after one of our messages arrived.

    Each click opens one window at most: `free_until` after the click is that of this click.

    :param clicked_at: when the person wrote by the ad
    :param free_until: the end as known so far
    :param left_at, arrived_at: of our message
    :param pricing_type: as in its status, '' when not told
    """
    if free_until and free_until >= clicked_at:
        opened_at = free_until - FREE_PERIOD
        is_charged = pricing_type == "regular" and opened_at < left_at < free_until
        return max(arrived_at, clicked_at) if is_charged else free_until
    is_answer = clicked_at <= left_at <= clicked_at + ANSWER_PERIOD
    return arrived_at + FREE_PERIOD if is_answer else free_until
