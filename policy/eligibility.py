"""Whether a person may get a message now, and if not, the reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .limits import in_service_window

# 'utility' is about the person's own affairs; 'service' is free-form, inside the service window
# that the person opened by writing to us.
PURPOSES = ("marketing", "utility", "service")

# WhatsApp Business serves neither businesses nor people in Cuba, Iran, North Korea and Syria (Meta,
# Support: country restrictions, 2025-11-19). Crimea, Donetsk and Luhansk have no own code.
UNSERVED_COUNTRIES = frozenset({"CU", "IR", "KP", "SY"})

# ITU-T E.164: at most 15 digits, the first of them not zero.
E164 = re.compile(r"\+[1-9][0-9]{5,14}")


@dataclass(frozen=True, slots=True)
class Person:
    """The data about a person in one portfolio.

    number: E.164 with its plus; the text of the record when that could not be formatted; or ''.
    user_uid: Meta's business-scoped user id, which reaches a person without a number.
    is_ours: the number is one of our own senders.
    duplicate: another row of the same campaign is for the same person.
    marketing_state: 'unknown', 'opted_in' or 'opted_out'; `utility_state` the same, of messages
        about the person's own affairs.
    topic_state: what the person said about the message's topic, 'opted_in' or 'opted_out'; None if
        nothing, or if it has no topic.
    blacklisted: on Odoo's phone blacklist.
    unreachable_until: until when the person is assumed not to be on WhatsApp.
    blocked: we blocked the person at Meta.
    country_code: ISO 3166-1 alpha-2 of the number, '' if unknown. For +1 by area code.
    window_expires_at: when the service window of this person and the sending number closes.
    promotions_free_at: from when the person may get another promotion (`policy.frequency`).
    repeats_free_at: from when the person may get this template again (`policy.repeats`).
    renumbered: the record's number replaced one that had opted out, and no user has confirmed that
        it is another person's.
    may_opt_out: the person sent a possible opt-out that no user has reviewed yet.
    """

    number: str = ""
    user_uid: str = ""
    is_ours: bool = False
    duplicate: bool = False
    marketing_state: str = "unknown"
    utility_state: str = "unknown"
    topic_state: str | None = None
    blacklisted: bool = False
    unreachable_until: datetime | None = None
    blocked: bool = False
    country_code: str = ""
    window_expires_at: datetime | None = None
    promotions_free_at: datetime | None = None
    repeats_free_at: datetime | None = None
    renumbered: bool = False
    may_opt_out: bool = False


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether the message may be sent; if not, the first reason, and when it ends if known."""

    allowed: bool
    reason_key: str | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EligibilityQuestion:
    """One message to one person; see `check_eligibility` for the fields."""

    person: Person
    purpose: str
    now: datetime
    leaves_by: datetime
    us_marketing_blocked: bool
    blocked_countries: frozenset[str]
    opt_in_required: bool

    @property
    def marketing(self) -> bool:
        """Whether it is a promotion."""
        return self.purpose == "marketing"

    @property
    def answers(self) -> bool:
        """Whether it answers a person who wrote to us."""
        return self.purpose == "service"


def _without_number(question: EligibilityQuestion) -> bool:
    return not question.person.number and not question.person.user_uid


def _invalid_number(question: EligibilityQuestion) -> bool:
    number = question.person.number
    return bool(number) and not E164.fullmatch(number)


def _opted_out_of_utility(question: EligibilityQuestion) -> bool:
    return question.purpose == "utility" and question.person.utility_state == "opted_out"


def topic_consent(marketing_state: str, topic_state: str | None) -> str:
    """Return the consent to a promotion: what was said about its topic, else about promotions.

    An opt-in to a topic from before an opt-out of all promotions is not stored any more, so the
    topic's own is always the later or the narrower statement.

    :param marketing_state: 'unknown', 'opted_in' or 'opted_out', of promotions in general
    :param topic_state: 'opted_in', 'opted_out', or None for nothing
    """
    return topic_state or marketing_state


def _opted_out(question: EligibilityQuestion) -> bool:
    person = question.person
    return (
        question.marketing
        and person.marketing_state == "opted_out"
        and person.topic_state != "opted_in"
    )


def _topic_closed(question: EligibilityQuestion) -> bool:
    return question.marketing and question.person.topic_state == "opted_out"


def _no_opt_in(question: EligibilityQuestion) -> bool:
    asked = question.marketing and question.opt_in_required
    person = question.person
    return asked and topic_consent(person.marketing_state, person.topic_state) != "opted_in"


def _unreachable(question: EligibilityQuestion) -> bool:
    until = question.person.unreachable_until
    return bool(until) and question.now < until and not question.answers


def _frequency(question: EligibilityQuestion) -> bool:
    free_at = question.person.promotions_free_at
    return question.marketing and bool(free_at) and question.now < free_at


def _repeated(question: EligibilityQuestion) -> bool:
    free_at = question.person.repeats_free_at
    return bool(free_at) and question.now < free_at


def _window_closed(question: EligibilityQuestion) -> bool:
    expires_at = question.person.window_expires_at
    return question.answers and not in_service_window(expires_at, question.leaves_by)


def _country(question: EligibilityQuestion) -> bool:
    country = (question.person.country_code or "").upper()
    # Marketing is not delivered to +1 numbers with an area code of the United States (Meta,
    # Per-user marketing template message limits, since 2025-04-01, still so 2026-04-29).
    if country == "US" and question.marketing and question.us_marketing_blocked:
        return True
    return country in UNSERVED_COUNTRIES or country in question.blocked_countries


# In order of precedence: the first reason that applies is shown.
RULES: tuple[tuple[str, Callable[[EligibilityQuestion], bool]], ...] = (
    ("no_number", _without_number),
    ("invalid_number", _invalid_number),
    # Answers too: two of our numbers could answer each other endlessly.
    ("own_number", lambda question: question.person.is_ours),
    ("duplicate", lambda question: question.person.duplicate),
    ("blacklisted", lambda question: question.person.blacklisted and not question.answers),
    ("opted_out", _opted_out),
    ("topic_closed", _topic_closed),
    ("opted_out_utility", _opted_out_of_utility),
    ("renumbered", lambda question: question.person.renumbered and not question.answers),
    ("no_opt_in", _no_opt_in),
    ("unreachable", _unreachable),
    ("blocked_by_us", lambda question: question.person.blocked),
    ("country", _country),
    ("window_closed", _window_closed),
    ("may_opt_out", lambda question: question.marketing and question.person.may_opt_out),
    ("repeated", _repeated),
    ("frequency", _frequency),
)
REASONS = tuple(reason for reason, _applies in RULES)


def check_eligibility(
    person: Person,
    purpose: str,
    now: datetime,
    *,
    us_marketing_blocked: bool = True,
    blocked_countries: frozenset[str] = frozenset(),
    opt_in_required: bool = False,
    leaves_by: datetime | None = None,
) -> Eligibility:
    """Return whether a message for `purpose` may be sent to `person` at `now`.

    :param purpose: one of `PURPOSES`
    :param us_marketing_blocked: Meta delivers no marketing to numbers of the United States
    :param blocked_countries: ISO codes to which the account may not send (error 130497)
    :param opt_in_required: promotions are sent only to people whose opt-in is on record
    :param leaves_by: latest send time, by default `now`: a window must be open until then
    :return: `reason_key` is None or one of `REASONS`
    :raise ValueError: unknown purpose
    """
    if purpose not in PURPOSES:
        raise ValueError(f"a purpose is one of {PURPOSES}: {purpose!r}")
    question = EligibilityQuestion(
        person,
        purpose,
        now,
        leaves_by or now,
        us_marketing_blocked,
        blocked_countries,
        opt_in_required,
    )
    for reason_key, applies in RULES:
        if applies(question):
            ends_at = {
                "unreachable": person.unreachable_until,
                "frequency": person.promotions_free_at,
                "repeated": person.repeats_free_at,
            }
            return Eligibility(False, reason_key, ends_at.get(reason_key))
    return Eligibility(True)
