"""A phone number as WhatsApp writes it, and as E.164 does.

Two countries changed their mobile numbers and WhatsApp did not follow for everybody (Meta, Send
messages, 2026-03: `wa_id` may differ from the input in Brazil and Mexico). One person must have
one number here, or an opt-out would be kept for one and the promotion sent to the other.
"""

import re

# By country code: what WhatsApp writes, and the E.164 number it stands for.
REWRITTEN = {
    # Mexico gave up the mobile 1 after the country code in 2019.
    "+52": (re.compile(r"\+521(\d{10})"), r"+52\1"),
    # Brazil added a mobile 9 until 2016; landlines begin with 2 to 5.
    "+55": (re.compile(r"\+55(\d{2})([6-9]\d{7})"), r"+55\g<1>9\2"),
}


def e164_of(number: str) -> str:
    """Return the E.164 number of a person whom WhatsApp calls `number` (with its plus)."""
    if number[:3] not in REWRITTEN:
        return number
    pattern, replacement = REWRITTEN[number[:3]]
    rewritten = pattern.fullmatch(number)
    return rewritten.expand(replacement) if rewritten else number
