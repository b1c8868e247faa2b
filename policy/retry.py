"""What to do after a failed message: with its row, and with what caused the failure.

The failure types group the Cloud API's error codes. What each code means is Meta's (Error codes,
2026-09-11, and the pages named below); what we do about it is ours. The file is one table, `RULES`
(failure type: consequence), with its building blocks above and the functions that read it below.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURE_TYPES = (
    "throughput",
    "pair_rate",
    "temporary",
    "maintenance",
    "app_rate",
    "token",
    "permission",
    "account_restricted",
    "account_misclassified",
    "billing",
    "marketing_disabled",
    "sender_unavailable",
    "spam_rate",
    "template_missing",
    "template_paused",
    "template_disabled",
    "template_parameters",
    "template_policy",
    "flow_blocked",
    "flow_throttled",
    "bad_request",
    "undeliverable",
    "not_test_number",
    "same_number",
    "experiment",
    "marketing_limit",
    "opted_out",
    "blocked_by_us",
    "country",
    "window_closed",
    "identity_changed",
    "pacing_drop",
    "bsuid_unsupported",
    "sync_pending",
    "mm_unavailable",
    "wrong_endpoint",
    "not_sent",
    "unknown_error",
)

# The limit for throughput refusals that never stop (ten minutes), and for a row whose failures
# alternate between types. The other plans below end sooner.
MAX_ATTEMPTS = 200

# As many failures in a row mean that the request itself is wrong, not one person's data.
FAILURES_TO_BLAME_REQUEST = 3

# "Wait at least 24 h" (Meta, Per-user marketing template message limits, 2026-04-29); the same
# for a mis-classified account (131064), for which Meta states no time.
ONE_DAY = timedelta(hours=24)

# The second undeliverable message within 30 days makes a number unreachable; ours, for 90 days.
UNREACHABLE_PERIOD = timedelta(days=90)

# By default Meta gives up delivering an authentication message after 10 min (Meta, Time-to-live,
# 2025-10-31): its code is useless by then.
AUTHENTICATION_LIFE = timedelta(minutes=10)

BAD_PARAMETER_MISSING = 131008

# "Wait 10 minutes" while a new template, or one idle for a week, is synced (Meta, Send marketing
# messages, 2026-03-20); after an hour something else is wrong.
SYNC_PERIOD = timedelta(minutes=10)
SYNC_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """The consequences of a failure.

    row: 'retry' (queued again, due at `retry_at`), 'hold' (queued again, due when `scope` is
        released), or 'fail' (final).
    scope: what must pause or change besides the row: None, 'person', 'template', 'sender',
        'account' or 'campaign'. For 'person': no other row of this campaign for them.
    scope_until: end of that pause; None until Meta or a user lifts it. For 'person': no message to
        them before this time, None if `person_effect` alone decides.
    person_effect: None, 'opted_out' (of marketing), 'blocked' (by us), 'undeliverable' (count
        it; unreachable until `scope_until` if set) or 'marketing_limit'.
    slow_down: send at half the rate for `pacing.SLOWED_PERIOD`.
    country_blocked: the account may not send to the person's country.
    marketing_only: the pause of `scope` concerns marketing messages alone.
    """

    row: str
    reason_key: str
    retry_at: datetime | None = None
    scope: str | None = None
    scope_until: datetime | None = None
    person_effect: str | None = None
    slow_down: bool = False
    country_blocked: bool = False
    marketing_only: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """The input of a decision; see `decide_retry` for the fields."""

    failure_type: str
    attempt: int
    now: datetime
    code: int | None
    consecutive: int
    previous_undeliverable_count: int
    jitter: float
    is_rerouted: bool = False


def _minutes(*values: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=value) for value in values)


# Meta's temporary errors, each with waits that suit its description; then the row fails.
TEMPORARY_WAITS = {
    1: _minutes(0.5, 2, 10),  # invalid request or server error
    2: _minutes(1, 5, 15, 60),  # temporary outage or overload
    131000: _minutes(1, 10, 60),  # something went wrong
    131016: _minutes(1, 5, 30),  # service unavailable
    133004: _minutes(1, 5, 30),  # server temporarily unavailable
}
OTHER_TEMPORARY_WAITS = TEMPORARY_WAITS[2]

# The request did not reach Meta, most likely because of our own network: retry for 24 h.
NOT_SENT_WAITS = _minutes(0.5, 2) + _minutes(10) * 143

# 4^X s, X from 0, one more after each failure (Meta, About the platform: rate limits, 2026-03);
# we stop after 4^6 s, an hour and a half in all.
PAIR_WAITS = tuple(timedelta(seconds=4**power) for power in range(7))

APP_RATE_PAUSES = _minutes(15, 30, 60)
# Maintenance, such as a throughput upgrade, takes about a minute (Meta, Throughput, 2026-09-11).
MAINTENANCE_PAUSES = _minutes(2, 5)


def _retry_delayed(waits: tuple[timedelta, ...], failure: Failure) -> Decision:
    if failure.attempt > len(waits):
        return Decision("fail", failure.failure_type)
    retry_at = failure.now + waits[failure.attempt - 1]
    return Decision("retry", failure.failure_type, retry_at=retry_at)


def _temporary(failure: Failure) -> Decision:
    return _retry_delayed(TEMPORARY_WAITS.get(failure.code, OTHER_TEMPORARY_WAITS), failure)


def _throughput(failure: Failure) -> Decision:
    wait = timedelta(seconds=1 + 4 * failure.jitter)
    return Decision("retry", failure.failure_type, retry_at=failure.now + wait, slow_down=True)


def _retries(*waits: timedelta) -> Callable[[Failure], Decision]:
    return lambda failure: _retry_delayed(waits, failure)


def _holds(
    scope: str, until: timedelta | None = None, marketing_only: bool = False
) -> Callable[[Failure], Decision]:
    def decision(failure: Failure) -> Decision:
        """Return the `Decision` that this rule makes of a `Failure`."""
        return Decision(
            "hold",
            failure.failure_type,
            scope=scope,
            scope_until=failure.now + until if until else None,
            marketing_only=marketing_only,
        )

    return decision


def _growing_pause(
    scope: str, pauses: tuple[timedelta, ...], slow_down: bool = False
) -> Callable[[Failure], Decision]:
    def decision(failure: Failure) -> Decision:
        """Return the `Decision` that this rule makes of a `Failure`."""
        pause = pauses[min(max(failure.consecutive, 1), len(pauses)) - 1]
        return Decision(
            "hold",
            failure.failure_type,
            scope=scope,
            scope_until=failure.now + pause,
            slow_down=slow_down,
        )

    return decision


def _fails(scope: str | None = None, **fields) -> Callable[[Failure], Decision]:
    return lambda failure: Decision("fail", failure.failure_type, scope=scope, **fields)


def _bad_request(failure: Failure) -> Decision:
    # A missing parameter is missing for all people; other refusals may be due to one person's data.
    campaign = (
        failure.code == BAD_PARAMETER_MISSING or failure.consecutive >= FAILURES_TO_BLAME_REQUEST
    )
    return Decision("fail", failure.failure_type, scope="campaign" if campaign else None)


def _pacing_drop(failure: Failure) -> Decision:
    # 135000 is a generic parameter error, and since May 2026 also Meta's code for each message
    # dropped when a whole portfolio has bad feedback (Meta, Business portfolio pacing, 2026-05-21).
    # Several in a row can only be the second.
    if failure.consecutive >= FAILURES_TO_BLAME_REQUEST:
        return Decision("hold", failure.failure_type, scope="account")
    return Decision("fail", failure.failure_type)


def _sync_pending(failure: Failure) -> Decision:
    # Every message of the template would be refused until Meta has synced it: it waits as a whole.
    if failure.attempt > SYNC_ATTEMPTS:
        return Decision("fail", failure.failure_type)
    return _holds("template", until=SYNC_PERIOD)(failure)


def _wrong_endpoint(failure: Failure) -> Decision:
    # The refusal proves that nothing was sent; the other endpoint gets it, once.
    if failure.is_rerouted:
        return Decision("fail", failure.failure_type, scope="template")
    return Decision("retry", failure.failure_type, retry_at=failure.now)


def _undeliverable(failure: Failure) -> Decision:
    again = failure.previous_undeliverable_count >= 1
    return Decision(
        "fail",
        failure.failure_type,
        scope="person",
        scope_until=failure.now + UNREACHABLE_PERIOD if again else None,
        person_effect="undeliverable",
    )


def _marketing_limit(failure: Failure) -> Decision:
    # At most one later attempt: repetition leads to more refusals (Meta, Per-user marketing
    # template message limits, 2026-04-29).
    later = failure.now + ONE_DAY
    once_more = failure.attempt <= 1
    return Decision(
        "retry" if once_more else "fail",
        failure.failure_type,
        retry_at=later if once_more else None,
        scope="person",
        scope_until=later,
        person_effect="marketing_limit",
    )


RULES: dict[str, Callable[[Failure], Decision]] = {
    # Our pace.
    "throughput": _throughput,
    "pair_rate": _retries(*PAIR_WAITS),
    "app_rate": _growing_pause("account", APP_RATE_PAUSES, slow_down=True),
    # Meta's side, or the network.
    "temporary": _temporary,
    "maintenance": _growing_pause("sender", MAINTENANCE_PAUSES),
    "sync_pending": _sync_pending,
    "wrong_endpoint": _wrong_endpoint,
    # The Marketing Messages API refuses the account: its promotions go by the Cloud API.
    "mm_unavailable": _holds("account", marketing_only=True),
    "not_sent": _retries(*NOT_SENT_WAITS),
    # The account.
    "token": _holds("account"),
    "permission": _holds("account"),
    "account_restricted": _holds("account"),
    "account_misclassified": _holds("account", until=ONE_DAY),
    "billing": _holds("account"),
    "marketing_disabled": _holds("account", marketing_only=True),
    "pacing_drop": _pacing_drop,
    # The number.
    "sender_unavailable": _holds("sender"),
    # Blocked or reported as spam by many (131048): a manager must release it, see policy.response.
    "spam_rate": _holds("sender"),
    # The template.
    "template_missing": _holds("template"),
    "template_paused": _holds("template"),
    "template_disabled": _holds("template"),
    "template_parameters": _holds("template"),
    "template_policy": _holds("template"),
    "flow_blocked": _holds("template"),
    # Ten messages an hour until the flow recovers (Meta, Error codes: 132069).
    "flow_throttled": _holds("template", until=timedelta(hours=1)),
    # This request.
    "bad_request": _bad_request,
    "bsuid_unsupported": _fails(),
    "window_closed": _fails(),
    "unknown_error": _fails(),
    # The person.
    "undeliverable": _undeliverable,
    "not_test_number": _fails("person"),
    "same_number": _fails("person"),
    # The answer never changes (Meta, Marketing template experiments, 2025-11-13).
    "experiment": _fails("person"),
    "marketing_limit": _marketing_limit,
    "opted_out": _fails("person", person_effect="opted_out"),
    "blocked_by_us": _fails("person", person_effect="blocked"),
    "country": _fails("person", country_blocked=True),
    "identity_changed": _fails("person"),
}

# Failures that "Retry failed" excludes: no fix by us or Meta would change the answer, or the person
# opted out.
NEVER_RETRIED_MANUALLY = frozenset(
    {
        "opted_out",
        "blocked_by_us",
        "country",
        "undeliverable",
        "experiment",
        "not_test_number",
        "same_number",
        "identity_changed",
        "window_closed",
        "bsuid_unsupported",
    }
)


def decide_retry(
    failure_type: str,
    attempt: int,
    now: datetime,
    category: str = "marketing",
    *,
    code: int | None = None,
    consecutive: int = 1,
    previous_undeliverable_count: int = 0,
    jitter: float = 0.0,
    attempts_in_all: int | None = None,
    is_rerouted: bool = False,
) -> Decision:
    """Return the `Decision` for a failed message.

    :param failure_type: one of `FAILURE_TYPES`; any other fails the row and nothing else
    :param attempt: consecutive failures of the row in this way, from 1. A caller may pass the total
        instead: rows then give up sooner, never later.
    :param category: the template's: 'marketing', 'utility' or 'authentication'
    :param code: the Cloud API's error code, where one failure type covers several
    :param consecutive: consecutive failures of this kind, this one included: rows of one template
        for bad_request, rows of one account for pacing_drop; for app_rate and maintenance pauses,
        not rows, since many requests under way fail together
    :param previous_undeliverable_count: earlier undeliverable messages to the person in 30 days
    :param jitter: random, 0 <= jitter < 1
    :param attempts_in_all: all attempts of the row so far, `attempt` if not given
    :param is_rerouted: the other endpoint refused it before
    """
    rule = RULES.get(failure_type)
    if rule is None:
        return Decision("fail", "unknown_error")
    failure = Failure(
        failure_type,
        max(attempt, 1),
        now,
        code,
        consecutive,
        previous_undeliverable_count,
        jitter,
        is_rerouted,
    )
    decision = rule(failure)
    tries = failure.attempt if attempts_in_all is None else attempts_in_all
    if decision.row == "retry" and tries >= MAX_ATTEMPTS:
        return _abandoned(decision)
    if category == "authentication" and _is_too_late(decision, now):
        return _abandoned(decision)
    return decision


def _is_too_late(decision: Decision, now: datetime) -> bool:
    due = decision.retry_at if decision.row == "retry" else decision.scope_until
    if decision.row == "fail":
        return False
    return due is None or due >= now + AUTHENTICATION_LIFE


def _abandoned(decision: Decision) -> Decision:
    return replace(decision, row="fail", retry_at=None)


def earliest_retry(failure_type: str, failed_at: datetime) -> datetime | None:
    """Return from when a failed row may be queued again manually; None: never.

    A row refused for the per-user marketing limit waits 24 h.
    """
    if not can_retry_manually(failure_type):
        return None
    return failed_at + ONE_DAY if failure_type == "marketing_limit" else failed_at


def can_retry_manually(failure_type: str) -> bool:
    """Return whether "Retry failed" may ever queue a row with this failure again.

    True for temporary causes and for those that an administrator can fix; see `earliest_retry` for
    when.
    """
    return failure_type in RULES and failure_type not in NEVER_RETRIED_MANUALLY
