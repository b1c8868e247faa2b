"""The free window of 72 hours after an ad (Meta, Pricing, 2026-09-11; Status webhooks, 2025-11-20).

Where Meta is silent: the window begins when the answer is delivered, and the answer that opens it
is itself free.
"""

ANSWERED_WITHIN, FREE = 86400, 3 * 86400


def is_free_entry(number, person, now):
    """Whether a message that leaves now is free because the person came from an ad."""
    if person.free_until.get(number.id, 0) > now:
        return True
    clicked = person.ad_clicks.get(number.id)
    return clicked is not None and now - clicked <= ANSWERED_WITHIN


def open_window(message, now):
    """Our message was delivered: the first one after a click opens the free window."""
    number, person = message.number, message.person
    clicked = person.ad_clicks.get(number.id)
    if clicked is not None and message.pricing.get("type") == "free_entry_point":
        del person.ad_clicks[number.id]
        person.free_until[number.id] = now + FREE


def conversation_of(message):
    """The status's `conversation`, which comes in a free window only (v24.0)."""
    until = message.person.free_until.get(message.number.id)
    if message.pricing.get("type") != "free_entry_point" or not until:
        return None
    return {"id": message.wamid[-32:], "expiration_timestamp": str(int(until)),
            "origin": {"type": "referral_conversion"}}
