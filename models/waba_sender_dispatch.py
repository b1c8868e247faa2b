import logging
import math
import time
from collections import deque
from datetime import datetime, timedelta, timezone

from odoo import fields, models
from odoo.tools import SQL

from ..cloud_api import SendPool, payloads
from ..policy import eligibility, limits, pacing
from .phone_countries import country_of
from .transactions import commit_step

_logger = logging.getLogger(__name__)

# One run of the job sends for this long, then drains and ends; the scheduler calls again. Far below
# limit_time_real_cron (120 s by default), which would kill the worker with requests in flight.
RUN_SECONDS = 45
# Seconds to connect plus to read, and slack to get a job from the queue to the wire.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
LEASE_MARGIN = 10
# Rows reserved ahead, and of these handed to the connections, in seconds of sending. A kill leaves
# the second lot without a known outcome; the first goes back to the queue.
AHEAD_SECONDS, IN_HAND_SECONDS = 2.0, 0.5
MAX_RESERVATION = 500
MAX_CONNECTIONS = 64
RESULTS_PER_COMMIT = 200
# The scheduler is exact to the minute.
STALLED_AGAIN = timedelta(minutes=1)

CANDIDATE_COLUMNS = (
    "id", "uuid", "attempt_count", "recipient_id", "number", "parameters", "template_id", "kind",
    "text", "category", "user_uid", "marketing_state", "is_blocked", "unreachable_until", "slot_at",
    "window_expires_at", "is_blacklisted",
)  # fmt: skip


class DispatchRun:
    """What one run of a number's job knows besides the database: plain values only.

    :param number: the sender's `run_count` as this run left it (`_claim_run`)
    """

    def __init__(self, pool, rate, number=0):
        self.pool = pool
        self.rate = rate
        self.number = number
        self.stop_at = time.monotonic() + RUN_SECONDS
        # Reserved jobs that are not handed to the pool yet: (message id, body, epoch seconds).
        self.waiting = deque()
        self.bad_requests = {}
        self.exhausted = False

    @property
    def pending(self):
        """Rows of this run whose outcome is not written yet."""
        return self.pool.pending + len(self.waiting)

    @property
    def time_left(self):
        return time.monotonic() < self.stop_at

    def slow_down(self):
        """Half the speed for the rest of the run; `slowed_until` tells the next one."""
        self.pool.set_rate(self.rate * pacing.SAFETY / 2)


class WabaSender(models.Model):
    """From the queue to the wire: reserve, send, write down, look again.

    `_cron_dispatch` reserves rows in a short transaction under the portfolio's lock and commits;
    it hands them over, a few at a time and committed too, to threads that hold plain values; answers
    are written in small committed batches. A kill at any instruction leaves rows `reserved`. Those
    not handed over (`is_unsent`) go back to the queue with the next run; the others, past
    `reserved_until`, become `uncertain`, never sent again by themselves.
    """

    _inherit = "waba.sender"

    def _cron_dispatch(self):
        self.ensure_one()
        now = fields.Datetime.now()
        number = commit_step(self.env, self._claim_run)
        commit_step(self.env, lambda: self._prepare_dispatch(now))
        exhausted = self._why_not_sending() or self._dispatch(number)
        commit_step(self.env, lambda: self._finish_dispatch(bool(exhausted)))

    def _claim_run(self):
        """Number this run; an earlier one that still lives reserves nothing more.

        The scheduler runs a job once at a time as long as the database session that locks the job
        lives. It can be lost while the job's own session is not (a time limit on idle transactions,
        a connection cut on the way): two runs would double the pace.

        :return: this run's number
        """
        [[number]] = self.env.execute_query(
            SQL(
                "UPDATE waba_sender SET run_count = run_count + 1 WHERE id = %s RETURNING run_count",
                self.id,
            )
        )
        self.invalidate_recordset(["run_count"])
        return number

    def _prepare_dispatch(self, now):
        self._release_unsent()
        self._settle_expired(now)
        self.account_id._resume_if_due(now)
        self._resume_if_due(now)
        self.env["waba.campaign"].search(
            [("sender_id", "=", self.id), ("state", "=", "paused")]
        )._resume_if_due(now)

    def _finish_dispatch(self, exhausted):
        """Close the campaigns that are through and set the alarm for what still waits.

        :param exhausted: False when the run ended by the clock with work left
        """
        self.env["waba.campaign"].search(
            [("sender_id", "=", self.id), ("state", "=", "running")]
        )._finish_if_through()
        look_at = min(
            filter(None, [self._next_look_at(exhausted), self._next_expiry()]), default=None
        )
        if look_at:
            self.cron_id._trigger(at=look_at if look_at > fields.Datetime.now() else None)

    def _next_expiry(self):
        """When the outcome of a row that an interrupted run left becomes unknown, or None.

        At the end of a run it has settled all of its own.
        """
        [[reserved_until]] = self.env.execute_query(
            SQL(
                "SELECT min(reserved_until) FROM waba_message"
                " WHERE sender_id = %s AND state = 'reserved'",
                self.id,
            )
        )
        return reserved_until and reserved_until + timedelta(seconds=1)

    def _release_unsent(self):
        """What an earlier run reserved and never handed over: a run starts with nothing of its own.

        Should that run still live, having lost the scheduler's lock, its hand-over finds them gone.
        """
        unsent = self.env["waba.message"].search(
            [("sender_id", "=", self.id), ("state", "=", "reserved"), ("is_unsent", "=", True)]
        )
        self.env["waba.message"]._release(unsent.ids)

    def _settle_expired(self, now):
        """Reservations whose last moment has passed: nobody knows whether the request left."""
        expired = self.env["waba.message"].search(
            [("sender_id", "=", self.id), ("state", "=", "reserved"), ("reserved_until", "<", now)]
        )
        if expired:
            _logger.warning(
                "waba.sender %s: %s messages wait for an answer after an interrupted run",
                self.id,
                len(expired),
            )
            expired._mark_uncertain()

    # ------------------------------------------------------------------
    # The pump
    # ------------------------------------------------------------------

    def _dispatch(self, number):
        """Keep the connections busy until nothing may leave or the run's time is over.

        :param number: from `_claim_run`
        :return: True when nothing more may leave now
        """
        rate = pacing.slowed_rate(
            self._messages_per_second(), self.slowed_until, fields.Datetime.now()
        )
        if self.state == "slowed":
            rate /= 2
        connections = min(MAX_CONNECTIONS, max(4, math.ceil(rate / 2)))
        client = self.account_id._client(
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), pool_size=connections
        )
        with SendPool(
            client, rate * pacing.SAFETY, connections, start_at=self._pace_start()
        ) as pool:
            run = DispatchRun(pool, rate, number)
            try:
                self._pump(run)
            finally:
                self._take_back(run)
                commit_step(self.env, lambda: self._keep_pace(run))
            return run.exhausted

    def _pace_start(self):
        """Epoch seconds before which nothing may leave: the pace survives a kill."""
        return _epoch(self.next_dispatch_at) if self.next_dispatch_at else None

    def _keep_pace(self, run):
        """The next run starts no sooner than one interval after this one's last request."""
        if run.number == self.run_count:
            self.next_dispatch_at = datetime.fromtimestamp(
                run.pool.next_start_at, timezone.utc
            ).replace(tzinfo=None)

    def _pump(self, run):
        ahead = max(run.rate * AHEAD_SECONDS, 10)
        while True:
            room = int(ahead - run.pending)
            if not run.exhausted and run.time_left and room > ahead / 2:
                self._reserve_ahead(run, min(room, MAX_RESERVATION))
            self._hand_over(run)
            if not run.pending and (run.exhausted or not run.time_left):
                return
            results = run.pool.results(
                max_items=RESULTS_PER_COMMIT, timeout=0.2, min_items=RESULTS_PER_COMMIT // 4
            )
            if results:
                self._write_results(run, results)

    def _reserve_ahead(self, run, room):
        jobs, left_out = commit_step(self.env, lambda: self._reserve(room, run), processed=0)
        run.exhausted = not jobs and not left_out
        run.waiting.extend(jobs)

    def _hand_over(self, run):
        """Give the connections their next few rows; from this commit on they may have left."""
        in_hand = max(run.rate * IN_HAND_SECONDS, 5)
        room = int(in_hand - run.pool.unstarted)
        if not run.waiting or room <= in_hand / 2:
            return
        jobs = [run.waiting.popleft() for _index in range(min(room, len(run.waiting)))]
        ours = commit_step(self.env, lambda: self._mark_handed_over(jobs))
        for key, body, send_before in jobs:
            if key in ours:
                run.pool.submit(key, self.phone_number_uid, body, send_before)
        if len(ours) < len(jobs):
            _logger.warning("waba.sender %s: another run has taken over; this one ends", self.id)
            run.waiting.clear()
            run.exhausted = True

    def _mark_handed_over(self, jobs):
        """Note that these attempts may leave now.

        :param jobs: [(message id, body, epoch seconds before which it must leave)]
        :return: ids of the rows that are still reserved for these very attempts
        """
        rows = self.env.execute_query(
            SQL(
                """UPDATE waba_message m SET is_unsent = FALSE
                     FROM unnest(%(ids)s, %(tags)s) AS v(id, tag)
                    WHERE m.id = v.id AND m.uuid || '/' || m.attempt_count = v.tag
                      AND m.state = 'reserved' AND m.is_unsent
                RETURNING m.id""",
                ids=[key for key, _body, _send_before in jobs],
                tags=[body["biz_opaque_callback_data"] for _key, body, _send_before in jobs],
            )
        )
        self.env["waba.message"].invalidate_model(["is_unsent"])
        return {row_id for (row_id,) in rows}

    def _write_results(self, run, results):
        """Commit what the API answered; stop at once when the number, account or template must."""
        messages = self.env["waba.message"]
        stopped = commit_step(
            self.env, lambda: messages._write_results(results, run), processed=len(results)
        )
        if stopped:
            self._take_back(run)
            run.exhausted = bool(self._why_not_sending())

    def _take_back(self, run):
        """Rows that certainly have not left go back to the queue."""
        keys, waiting = run.pool.drain_unstarted(), [*run.waiting]
        run.waiting.clear()
        if not keys and not waiting:
            return

        def release():
            ours = self._mark_handed_over(waiting) if waiting else ()
            self.env["waba.message"]._release([*keys, *ours])

        commit_step(self.env, release)

    # ------------------------------------------------------------------
    # Reserve
    # ------------------------------------------------------------------

    def _sendable_groups(self):
        """Campaigns that may send now, first come first; False stands for direct messages."""
        campaigns = self.env["waba.campaign"].search(
            [("sender_id", "=", self.id), ("state", "=", "running")], order="priority desc, id"
        )
        if self.quality_rating == "red" or self.account_id.marketing_disabled:
            campaigns = campaigns.filtered(lambda campaign: campaign.category != "marketing")
        return [False, *campaigns]

    def _reserve(self, room, run):
        """Claim up to `room` rows, take their places, mark them reserved. The caller commits.

        Everything that decides is read in this transaction, after the portfolio's lock: limit,
        places taken, consent, pauses.

        :return: ([(message id, body for the wire, epoch seconds before which it must leave)],
            how many were left out: others may stand behind them)
        """
        portfolio = self.portfolio_id
        portfolio._lock_for_reservation()
        if self._why_not_sending() or run.number != self.run_count:
            return [], 0
        now = fields.Datetime.now()
        leaves_by = pacing.send_before(now, run.pending + room, run.rate, LEASE_MARGIN)
        deadline = pacing.lease_until(
            now, run.pending + room, run.rate, CONNECT_TIMEOUT + READ_TIMEOUT, LEASE_MARGIN
        )
        limit = portfolio._people_limit()
        used = portfolio._count_slots_used().get(portfolio.id, (0, None))[0]
        jobs, seen, left_out = [], set(), 0
        for campaign in self._sendable_groups():
            free = limits.allowance(
                limit, used, 0, portfolio.followup_share, "campaign" if campaign else "followup"
            )
            rows = self._candidates(campaign, room - len(jobs), now, leaves_by, free == 0)
            allowed = self._leave_out_unwilling(rows, now)
            left_out += len(rows) - len(allowed)
            taken, costs = self._choose(allowed, free, seen, now, leaves_by)
            used += costs
            jobs += self._mark_reserved(taken, now, leaves_by, deadline)
            if len(jobs) >= room:
                break
        if jobs:
            self._advance_pace(len(jobs), run.rate)
        return [(key, body, _epoch(leaves_by)) for key, body in jobs], left_out

    def _candidates(self, campaign, count, now, leaves_by, only_free):
        """Head of one campaign's queue with all that decides over each row.

        :param only_free: take only people who cost no new place
        :return: list of dicts with CANDIDATE_COLUMNS
        """
        if count <= 0:
            return []
        self.env["waba.message"].flush_model()
        self.env["waba.recipient"].flush_model()
        free_people = SQL(
            "AND (r.slot_at > %s OR c.window_expires_at > %s)", now - limits.WINDOW, leaves_by
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id, m.uuid, m.attempt_count, m.recipient_id, m.number, m.parameters,
                          m.template_id, m.kind, m.text, m.category, r.user_uid, r.marketing_state,
                          r.is_blocked, r.unreachable_until, r.slot_at, c.window_expires_at,
                          EXISTS (SELECT 1 FROM phone_blacklist b
                                   WHERE b.number = m.number AND b.active)
                     FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                LEFT JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = r.id
                    WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                      AND (c.pair_free_at IS NULL OR c.pair_free_at <= %(now)s) %(free_people)s
                 ORDER BY m.retry_at, m.id LIMIT %(count)s
                      FOR NO KEY UPDATE OF m SKIP LOCKED""",
                now=now,
                group=SQL("m.campaign_id = %s", campaign.id)
                if campaign
                else SQL("m.sender_id = %s AND m.campaign_id IS NULL", self.id),
                free_people=free_people if only_free else SQL(),
                count=count,
            )
        )
        return [dict(zip(CANDIDATE_COLUMNS, row, strict=True)) for row in rows]

    def _leave_out_unwilling(self, rows, now):
        """Consent and reach once more, in the transaction that reserves: who may be written to."""
        allowed = []
        blocked_countries = self.account_id._blocked_countries()
        for row in rows:
            verdict = eligibility.check(
                _person(row),
                "marketing" if row["category"] == "marketing" else "utility",
                now,
                blocked_countries=blocked_countries,
            )
            if verdict.allowed:
                allowed.append(row)
            else:
                self.env["waba.message"].browse(row["id"])._leave_out(verdict.reason_key)
        return allowed

    def _choose(self, rows, free, seen, now, leaves_by):
        """Who of the candidates is reserved: one row per person, within the places.

        :param free: places free, None without limit
        :param seen: recipient ids already chosen in this reservation; extended
        :return: (rows chosen, places they cost)
        """
        chosen, costs = [], 0
        for row in rows:
            if row["recipient_id"] in seen:
                continue
            row["in_window"] = limits.in_service_window(row["window_expires_at"], leaves_by)
            if limits.needs_slot(row["slot_at"], row["window_expires_at"], now, leaves_by):
                if free is not None and costs >= free:
                    continue
                costs += 1
            seen.add(row["recipient_id"])
            chosen.append(row)
        return chosen, costs

    def _mark_reserved(self, rows, now, leaves_by, deadline):
        """Write reservation, places and pair pace of the chosen rows in three statements.

        :return: [(message id, body for the wire)]
        """
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        slot_at = limits.reserve_slot_at(now, leaves_by)
        counted = [row["id"] for row in rows if not row["in_window"]]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET state = 'reserved', is_unsent = TRUE, attempt_count = attempt_count + 1,
                          reserved_until = %(deadline)s, write_date = %(now)s,
                          slot_at = CASE WHEN m.id = ANY(%(counted)s) THEN %(slot)s END
                    WHERE m.id = ANY(%(ids)s)""",
                deadline=deadline,
                now=now,
                counted=counted,
                slot=slot_at,
                ids=ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET slot_at = GREATEST(r.slot_at, m.slot_at),
                          last_marketing_at = CASE WHEN m.category = 'marketing'
                                              THEN %(now)s ELSE r.last_marketing_at END
                     FROM waba_message m
                    WHERE m.recipient_id = r.id AND m.id = ANY(%(ids)s)""",
                now=now,
                ids=ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_conversation
                          (sender_id, recipient_id, pair_free_at, create_date)
                   SELECT sender_id, recipient_id, %(pair_free)s, %(now)s
                     FROM waba_message WHERE id = ANY(%(ids)s)
                   ON CONFLICT (sender_id, recipient_id)
                   DO UPDATE SET pair_free_at = EXCLUDED.pair_free_at""",
                pair_free=pacing.next_pair_at(leaves_by),
                now=now,
                ids=ids,
            )
        )
        for model in ("waba.message", "waba.recipient", "waba.conversation"):
            self.env[model].invalidate_model()
        return [(row["id"], self._wire_body(row)) for row in rows]

    def _wire_body(self, row):
        """The request's body; its tag names row and attempt, so echoes settle the right one."""
        opaque = f"{row['uuid']}/{row['attempt_count'] + 1}"
        address = {"to": row["number"] or "", "user_uid": "" if row["number"] else row["user_uid"]}
        if row["kind"] == "text":
            return payloads.text_message(body=row["text"], opaque=opaque, **address)
        template = self.env["waba.template"].browse(row["template_id"])
        return payloads.template_message(
            name=template.name,
            language=template.language,
            parameters=row["parameters"] or {},
            parameter_format=template.parameter_format,
            opaque=opaque,
            **address,
        )

    def _advance_pace(self, count, rate):
        """Keep the pace in the database: after a kill nobody sends before the last batch's time.

        The moment is exact: Odoo's own `now` drops the fraction, and with it up to a second.
        """
        self.env.cr.execute(
            SQL(
                """UPDATE waba_sender
                      SET next_dispatch_at = GREATEST(next_dispatch_at, %(now)s) + %(span)s
                    WHERE id = %(id)s""",
                now=datetime.now(timezone.utc).replace(tzinfo=None),
                span=timedelta(seconds=count * pacing.spacing(rate)),
                id=self.id,
            )
        )
        self.invalidate_recordset(["next_dispatch_at"])

    # ------------------------------------------------------------------
    # When to look again
    # ------------------------------------------------------------------

    def _next_look_at(self, exhausted):
        """When this number's queue must be looked at again, or None when nothing waits for time.

        What is due and still could not leave waits for a place, or for the pace between two
        messages to one person; asking again at once would only spin.
        """
        now = fields.Datetime.now()
        if self.account_id.state == "draft":
            return None
        if self._why_not_sending():
            return max(filter(None, [self.resume_at, self.account_id.resume_at]), default=None)
        is_due, next_retry_at = self._look_at_queue(now)
        portfolio = self.portfolio_id
        part = limits.campaign_part(
            portfolio._people_limit(), portfolio.followup_share, portfolio._slot_times(), [], now
        )
        look_at = pacing.next_look(
            now,
            queued_now=int(is_due),
            allowance=None if part.limit is None else max(0, part.limit - len(part.slots)),
            frees_at=limits.frees_at(part.slots, part.limit, now),
            next_retry_at=next_retry_at,
            resume_at=None,
            next_dispatch_at=None,
        )
        if look_at and exhausted and look_at <= now:
            return now + STALLED_AGAIN
        return look_at

    def _look_at_queue(self, now):
        """(whether any row is due, when the first row that is not becomes due)."""
        is_due, later = False, []
        for campaign in self._sendable_groups():
            group = (
                SQL("campaign_id = %s", campaign.id)
                if campaign
                else SQL("sender_id = %s AND campaign_id IS NULL", self.id)
            )
            for (retry_at,) in self.env.execute_query(
                SQL(
                    """(SELECT retry_at FROM waba_message
                         WHERE state = 'queued' AND %(group)s ORDER BY retry_at LIMIT 1)
                       UNION ALL
                       (SELECT retry_at FROM waba_message
                         WHERE state = 'queued' AND %(group)s AND retry_at > %(now)s
                         ORDER BY retry_at LIMIT 1)""",
                    group=group,
                    now=now,
                )
            ):
                if retry_at <= now:
                    is_due = True
                else:
                    later.append(retry_at)
        return is_due, min(later, default=None)


def _epoch(moment):
    """Epoch seconds of a naive UTC datetime."""
    return (moment - _EPOCH).total_seconds()


_EPOCH = fields.Datetime.to_datetime("1970-01-01 00:00:00")


def _person(row):
    return eligibility.Person(
        number=row["number"] or "",
        user_uid=row["user_uid"] or "",
        country_code=country_of(row["number"]),
        marketing_state=row["marketing_state"],
        blacklisted=row["is_blacklisted"],
        unreachable_until=row["unreachable_until"],
        blocked=row["is_blocked"],
    )
