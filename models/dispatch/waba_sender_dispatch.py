import logging
import math
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ...cloud_api import SendPool
from ...policy import limits, pacing
from ..tools.hooks import hook
from ..tools.job_turns import SENDING_SLICE_SECONDS, TimeSlice
from ..tools.labels import with_language
from ..tools.transactions import commit_step
from .waba_sender_reserve import CONNECT_TIMEOUT, READ_TIMEOUT, datetime_to_epoch

_logger = logging.getLogger(__name__)

# One run of the job sends for this long, then drains and ends; the scheduler calls again. Far below
# limit_time_real_cron (120 s by default), which would kill the worker with requests in flight.
RUN_SECONDS = 45

# Rows reserved ahead, and of these handed to the connections, in seconds of sending. A kill leaves
# the second lot without a known outcome; the first goes back to the queue.
AHEAD_SECONDS, SUBMITTED_SECONDS = 2.0, 0.5

MAX_RESERVATION = 500

MAX_CONNECTIONS = 320

RESULTS_PER_COMMIT = 200

# Seconds an answer is taken to last until the first ones have come (Meta states no figure), and how
# much each batch of answers weighs against those before.
FIRST_LATENCY, LATENCY_WEIGHT = 0.3, 0.5


class DispatchRun:
    """What one run of a number's job knows besides the database: plain values only.

    :param number: the sender's `run_count` as this run left it (`_start_run`)
    :param turn: how long it goes on while other jobs wait (job_turns.Turn)
    """

    def __init__(self, pool, rate, number=0, turn=None):
        self.pool = pool
        self.rate = rate
        self.number = number
        self.latency = FIRST_LATENCY
        self.turn = turn
        # Reserved jobs that are not handed to the pool yet: (message id, body, epoch seconds).
        self.waiting = deque()
        self.bad_requests = {}
        self.exhausted = False

    @property
    def pending(self):
        """Rows of this run whose outcome is not written yet."""
        return self.pool.pending + len(self.waiting)

    @property
    def speed(self):
        """Messages per second that really leave: the pace, or less when answers are slow."""
        return pacing.sustainable_rate(self.rate, connection_count(self.rate), self.latency)

    def update_latency(self, results):
        """Follow how long the platform takes to answer.

        :param results: [cloud_api.SendResult]
        """
        times = [r.finished_at - r.started_at for r in results if r.started_at]
        if times:
            self.latency += LATENCY_WEIGHT * (sum(times) / len(times) - self.latency)

    def halve_rate(self):
        """Half the speed for the rest of the run; `slowed_until` tells the next one."""
        self.pool.set_rate(
            self.rate * pacing.RATE_MARGIN / 2, pacing.catch_up_window(self.rate / 2)
        )


def connection_count(rate):
    """How many connections keep `rate` messages a second under way."""
    return min(MAX_CONNECTIONS, max(4, math.ceil(rate / 2)))


# The scheduler is exact to the minute.
STALL_RETRY = timedelta(minutes=1)

# Workers look for jobs once a minute, and a job may hold one for two.
LATE_THRESHOLD = timedelta(minutes=10)

JOBS_QUERY = """
    SELECT c.id, c.cron_name, c.active, c.lastcall, c.failure_count,
           LEAST(c.nextcall, (SELECT min(t.call_at) FROM ir_cron_trigger t WHERE t.cron_id = c.id))
      FROM ir_cron c
     WHERE c.id IN (SELECT cron_id FROM waba_sender WHERE id = ANY(%(senders)s))
        OR %(others)s AND c.id IN (SELECT res_id FROM ir_model_data
                                    WHERE model = 'ir.cron' AND module = 'waba_campaign')
     ORDER BY c.priority, c.id"""

OVERDUE_JOB_QUERY = """
    SELECT 1 FROM ir_cron c
     WHERE c.active
       AND (c.nextcall <= %(since)s
            OR EXISTS (SELECT 1 FROM ir_cron_trigger t
                        WHERE t.cron_id = c.id AND t.call_at <= %(since)s))
     LIMIT 1"""


class Job(NamedTuple):
    """What the scheduler knows of one job.

    :ivar due_at: naive UTC datetime at which it is to run, or was to
    """

    id: int
    name: str
    is_active: bool
    last_at: object
    failure_count: int
    due_at: object

    def is_late(self, now):
        return self.is_active and self.due_at <= now - LATE_THRESHOLD


class WabaSender(models.Model):
    """From the queue to the wire: reserve, send, write down, look again.

    `_cron_dispatch` reserves rows in a short transaction under the portfolio's lock and commits;
    it hands them over, a few at a time, committed too, to threads that hold plain values; answers
    are written in small committed batches. A kill at any instruction leaves rows `reserved`. Those
    not handed over (`is_unsent`) go back to the queue with the next run; the others, past
    `reserved_until`, become `uncertain`, never sent again by themselves.
    """

    _inherit = "waba.sender"

    def _cron_dispatch(self):
        self.ensure_one()
        sender = with_language(self.company_id, self)
        now = fields.Datetime.now()
        number = commit_step(self.env, sender._start_run)
        commit_step(self.env, lambda: sender._prepare_dispatch(now))
        exhausted = sender._not_sending_reason() or sender._dispatch_queue(number)
        commit_step(self.env, lambda: sender._finish_dispatch(bool(exhausted), number))

    def _start_run(self):
        """Number this run; an earlier one that still lives reserves nothing more.

        The scheduler runs a job once at a time as long as the database session that locks the job
        lives. It can be lost while the job's own session is not (a time limit on idle transactions,
        a connection cut on the way): two runs would double the pace. For the same reason this one
        begins a second later when the one before did not end by itself: that may have sent its full
        number of messages a moment ago.

        :return: this run's number
        """
        [[number]] = self.env.execute_query(
            SQL(
                """UPDATE waba_sender
                      SET run_count = run_count + 1,
                          next_dispatch_at = CASE WHEN ended_run = run_count THEN next_dispatch_at
                                             ELSE GREATEST(next_dispatch_at, %s) END
                    WHERE id = %s RETURNING run_count""",
                datetime.now(timezone.utc).replace(tzinfo=None) + pacing.RESTART_DELAY,
                self.id,
            )
        )
        self.invalidate_recordset(["run_count", "next_dispatch_at"])
        return number

    def _prepare_dispatch(self, now):
        self._release_unsent()
        self._settle_expired(now)
        self.account_id._resume_if_due(now)
        self._resume_if_due(now)
        self._on_dispatch_start(now)

    @hook
    def _on_dispatch_start(self, now):
        """Before a run of this number's job reserves anything, in the transaction that prepares it.

        :param now: naive UTC datetime
        """

    @hook
    def _on_dispatch_end(self):
        """When a run of this number's job is over, before its next one is set."""

    def _finish_dispatch(self, exhausted, number):
        """Say that the run is over and set the alarm for what still waits.

        :param exhausted: False when the run ended by the clock with work left
        :param number: this run's
        """
        self.ended_run = number
        self._on_dispatch_end()
        look_at = min(
            filter(None, [self._next_check_at(exhausted), self._next_expiry()]), default=None
        )
        if look_at:
            self.cron_id._trigger(at=look_at if look_at > fields.Datetime.now() else None)

    def _release_unsent(self):
        """What an earlier run reserved and never handed over: a run starts with nothing of its own.

        Should that run still live, having lost the scheduler's lock, its hand-over finds them gone.
        """
        unsent = self.env["waba.message"].search(
            [("sender_id", "=", self.id), ("state", "=", "reserved"), ("is_unsent", "=", True)]
        )
        self.env["waba.message"]._requeue_unsent(unsent.ids)

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
    def _dispatch_queue(self, number):
        """Keep the connections busy until nothing may leave or the run's time is over.

        :param number: from `_start_run`
        :return: True when nothing more may leave now
        """
        rate = pacing.slowed_rate(
            self._messages_per_second(), self.slowed_until, fields.Datetime.now()
        )
        if self.state == "slowed":
            rate /= 2
        connections = connection_count(rate)
        client = self.account_id._client(
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), pool_size=connections
        )
        with SendPool(
            client,
            rate * pacing.RATE_MARGIN,
            connections,
            start_at=self._pace_start(),
            window=pacing.catch_up_window(rate),
        ) as pool:
            turn = TimeSlice(self.cron_id, RUN_SECONDS, SENDING_SLICE_SECONDS)
            run = DispatchRun(pool, rate, number, turn)
            try:
                self._send_loop(run)
            finally:
                self._requeue_unstarted(run)
                commit_step(self.env, lambda: self._store_pace(run))
            return run.exhausted

    def _pace_start(self):
        """Epoch seconds before which nothing may leave: the pace survives a kill."""
        return datetime_to_epoch(self.next_dispatch_at) if self.next_dispatch_at else None

    def _store_pace(self, run):
        """The next run starts no sooner than one interval after this one's last request."""
        if run.number == self.run_count:
            self.next_dispatch_at = datetime.fromtimestamp(
                run.pool.next_start_time, timezone.utc
            ).replace(tzinfo=None)

    def _send_loop(self, run):
        while True:
            is_over = run.turn.is_used_up
            ahead = max(run.speed * AHEAD_SECONDS, 10)
            room = int(ahead - run.pending)
            if not run.exhausted and not is_over and room > ahead / 2:
                self._reserve_ahead(run, min(room, MAX_RESERVATION))
            self._submit_batch(run)
            if not run.pending and (run.exhausted or is_over):
                return
            results = run.pool.results(
                max_items=RESULTS_PER_COMMIT, timeout=0.2, min_items=RESULTS_PER_COMMIT // 4
            )
            if results:
                run.update_latency(results)
                self._write_results(run, results)

    def _reserve_ahead(self, run, room):
        jobs, left_out = commit_step(self.env, lambda: self._reserve_rows(room, run), processed=0)
        run.exhausted = not jobs and not left_out
        run.waiting.extend(jobs)

    def _submit_batch(self, run):
        """Give the connections their next few rows; from this commit on they may have left."""
        in_hand = max(run.speed * SUBMITTED_SECONDS, 5)
        room = int(in_hand - run.pool.unstarted)
        if not run.waiting or room <= in_hand / 2:
            return
        jobs = [run.waiting.popleft() for _index in range(min(room, len(run.waiting)))]
        ours = commit_step(self.env, lambda: self._mark_submitted(jobs))
        for key, body, send_before in jobs:
            if key in ours:
                run.pool.submit(key, self.phone_number_uid, body, send_before)
        if len(ours) < len(jobs):
            _logger.warning(
                "waba.sender %s: another run or another database has taken over; this run ends",
                self.id,
            )
            run.waiting.clear()
            run.exhausted = True

    def _mark_submitted(self, jobs):
        """Note that these attempts may leave now.

        :param jobs: [(message id, body, epoch seconds before which it must leave)]
        :return: ids of the rows that are still reserved for these very attempts; none when this
            database is no longer the account's (the next run puts them back into the queue)
        """
        if self.account_id._home_differences():
            return set()
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
            self._requeue_unstarted(run)
            run.exhausted = bool(self._not_sending_reason())

    def _requeue_unstarted(self, run):
        """Rows that certainly have not left go back to the queue."""
        keys, waiting = run.pool.drain_unstarted(), [*run.waiting]
        run.waiting.clear()
        if not keys and not waiting:
            return

        def release():
            ours = self._mark_submitted(waiting) if waiting else ()
            self.env["waba.message"]._requeue_unsent([*keys, *ours])

        commit_step(self.env, release)

    # === Dispatch schedule ===
    # When a number's job looks at its queue again: a queue that waits sets an alarm.

    def _next_check_at(self, exhausted):
        """When this number's queue must be looked at again, or None when nothing waits for time.

        What is due and still could not leave waits for a place, or for the pace between two
        messages to one person; asking again at once would only spin.
        """
        now = fields.Datetime.now()
        if self.account_id.state == "draft":
            return None
        if self._not_sending_reason():
            return max(filter(None, [self.resume_at, self.account_id.resume_at]), default=None)
        is_due, direct_is_due, next_retry_at = self._inspect_queue(now)
        # Direct messages may take the places that campaigns leave to them.
        parts = self._campaign_shares(now, share=0.0 if direct_is_due else None)
        free = [part.limit - len(part.slots) for part in parts if part.limit is not None]
        look_at = pacing.next_check(
            now,
            queued_now=int(is_due),
            allowance=max(0, min(free)) if free else None,
            # A place must be free of every limit.
            frees_at=max(
                filter(
                    None, (limits.next_slot_time(part.slots, part.limit, now) for part in parts)
                ),
                default=None,
            ),
            next_retry_at=next_retry_at,
            resume_at=None,
            next_dispatch_at=None,
        )
        paced_at = self._next_pair_slot_at(now) if direct_is_due else None
        look_at = min(filter(None, [look_at, paced_at, *self._on_alarm()]), default=None)
        if look_at and exhausted and look_at <= now:
            return now + STALL_RETRY
        return look_at

    def _campaign_shares(self, now, share=None):
        """`limits.CampaignPart` of the portfolio's limit, and of the number's own if it has one.

        :param share: kept for follow-ups; the portfolio's if not given
        """
        portfolio, own_limit = self.portfolio_id, self._own_daily_limit()
        share = portfolio.followup_share if share is None else share
        parts = [
            limits.campaign_share(
                portfolio._people_limit(), share, portfolio._slot_times(), [], now
            )
        ]
        if own_limit is not None:
            parts.append(
                limits.campaign_share(own_limit, share, self._own_slot_times(now), [], now)
            )
        return parts

    def _next_pair_slot_at(self, now):
        """When a direct message that costs no place may follow the one before it to its person.

        A full limit does not hold it: it must not wait, with those that it does, for a place.
        """
        [[free_at]] = self.env.execute_query(
            SQL(
                """SELECT min(c.pair_free_at)
                     FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                     JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = r.id
                    WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                      AND c.pair_free_at > %(now)s
                      AND (r.slot_at > %(since)s OR c.window_expires_at > c.pair_free_at)""",
                group=self._group_condition(campaign=False),
                now=now,
                since=now - limits.WINDOW,
            )
        )
        return free_at

    @hook
    def _on_alarm(self):
        """When the job's next run is calculated: each returns when it wants one, or None."""

    def _inspect_queue(self, now):
        """(whether any row is due, any direct one, when the first that is not becomes due)."""
        is_due, direct_is_due, later = False, False, []
        for campaign in self._sendable_groups():
            if campaign and not min(self._on_claim(campaign, 1), default=1):
                continue
            for (retry_at,) in self.env.execute_query(
                SQL(
                    """(SELECT m.retry_at FROM waba_message m
                         WHERE m.state = 'queued' AND %(group)s AND m.retry_at IS NOT NULL
                         ORDER BY m.retry_at LIMIT 1)
                       UNION ALL
                       (SELECT m.retry_at FROM waba_message m
                         WHERE m.state = 'queued' AND %(group)s AND m.retry_at > %(now)s
                         ORDER BY m.retry_at LIMIT 1)""",
                    group=self._group_condition(campaign),
                    now=now,
                )
            ):
                if retry_at <= now:
                    is_due = True
                    direct_is_due = direct_is_due or not campaign
                else:
                    later.append(retry_at)
        return is_due, direct_is_due, min(later, default=None)

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

    # === Scheduler ===
    # Whether the scheduler does its part: a job that does not run says nothing by itself.

    @api.model
    def _jobs(self, senders, others=False):
        """[Job] of these numbers, and of the addon's other jobs when asked."""
        senders.flush_recordset(["cron_id"])
        self.env["ir.cron"].flush_model()
        rows = self.env.execute_query(SQL(JOBS_QUERY, senders=senders.ids, others=others))
        return [Job(*row) for row in rows]

    @api.model
    def _last_job_at(self):
        """When any job of this database last ended, None for never."""
        [[last_at]] = self.env.execute_query(SQL("SELECT max(lastcall) FROM ir_cron"))
        return last_at

    @api.model
    def _is_scheduler_stopped(self, now):
        """Whether nothing runs any job of this database: one is long due, none has ended since."""
        last_at = self._last_job_at()
        if last_at and last_at > now - LATE_THRESHOLD:
            return False
        self.env["ir.cron"].flush_model()
        return bool(self.env.execute_query(SQL(OVERDUE_JOB_QUERY, since=now - LATE_THRESHOLD)))

    def _delay_reason(self, now):
        """Sentence that says why what waits is not sent although nothing holds it, or False."""
        self.ensure_one()
        [job] = self.sudo()._jobs(self) or [None]
        if job is None or not job.is_active:
            return self.env._(
                "The job that sends for this number is switched off. An administrator switches it "
                "on under Settings → Technical → Scheduled Actions."
            )
        if not job.is_late(now):
            return False
        if self._is_scheduler_stopped(now):
            return self._no_worker_text()
        return self.env._(
            "The job that sends for this number should have run %(due)s and has not. The scheduler "
            "is busy with other jobs, or needs more workers (max_cron_threads).",
            due=self._datetime_text(job.due_at),
        )

    @api.model
    def _no_worker_text(self):
        """Sentence that says that no job runs at all, and since when."""
        last_at = self._last_job_at()
        if not last_at:
            return self.env._(
                "No scheduled job has ever run in this database: no cron worker is up. Check "
                "max_cron_threads and the db_name of Odoo's configuration."
            )
        return self.env._(
            "No scheduled job has run since %s: no cron worker is up. Check that Odoo's service "
            "runs with max_cron_threads above 0.",
            self._datetime_text(last_at),
        )

    @api.model
    def _datetime_text(self, moment):
        return format_datetime(self.env, moment, dt_format="d MMM y, HH:mm")

    @api.model
    def _oldest_due_row_at(self, senders):
        """Since when the oldest message of these numbers that may leave waits, or None.

        It may also wait for a place within the daily limit, which is no fault of the scheduler's.
        """
        self.env["waba.message"].flush_model(["state", "retry_at", "sender_id"])
        [[oldest]] = self.env.execute_query(
            SQL(
                """SELECT min(m.retry_at) FROM waba_message m
                LEFT JOIN waba_campaign c ON c.id = m.campaign_id
                    WHERE m.state = 'queued' AND m.retry_at <= %s AND m.sender_id = ANY(%s)
                      AND (c.id IS NULL OR c.state = 'running')""",
                fields.Datetime.now(),
                senders.ids,
            )
        )
        return oldest

    @api.model
    def _oldest_unapplied_at(self, accounts):
        """When the oldest webhook came in that nobody has applied yet, or None."""
        return (
            self.env["waba.webhook.event"]
            .sudo()
            .search(
                [("state", "=", "new"), ("account_id", "in", accounts.ids)], order="id", limit=1
            )
            .received_at
            or None
        )

    # === Second sender ===
    def _notify_second_sender(self):
        """Call managers and administrators: two senders cannot know of each other."""
        for sender in self:
            words = self.env._(
                "WhatsApp reports messages of %(number)s that this database did not send. A copy "
                "of this database, or another system with the same keys, is sending. Stop it, then "
                "make a new access token in Meta's Business settings.",
                number=sender.display_phone_number or sender.display_name,
            )
            sender.account_id.second_sender_at = fields.Datetime.now()
            sender._notify_managers(self.env._("Another system sends with this number"), words)
            sender._message_log(body=words)
