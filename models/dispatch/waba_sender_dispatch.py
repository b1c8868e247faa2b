"""Dispatch: the job of a number, from its queue to the API, and when it must run next.

Called by one scheduled action per number (`_cron_dispatch`); the Delay section by messages
(waba_message_status.py), conversations and the pre-flight; the Scheduler section by the campaign's
progress and the diagnosis (wizard/waba_diagnosis_engine.py).

A run reserves rows in a short transaction under the portfolio's lock and commits. It submits them,
a few at a time and committed too, to threads that know plain values only. Answers are written in
small committed batches. A kill at any instruction leaves rows `reserved`: those not submitted
(`is_unsent`) go back to the queue with the next run; the others, past `reserved_until`, become
`uncertain` and are never sent again automatically.
"""

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
from ..tools.reputation_texts import format_number
from ..tools.transactions import commit_step
from .waba_sender_reserve import CONNECT_TIMEOUT, READ_TIMEOUT, datetime_to_epoch

_logger = logging.getLogger(__name__)

# One run of the job sends for this long, then drains and ends; the scheduler starts the next. Far
# below limit_time_real_cron (120 s by default), after which Odoo kills the worker with requests in
# flight.
RUN_SECONDS = 45

# Rows reserved ahead, and those of them submitted to the pool, in seconds of sending. After a kill
# the submitted ones have no known result; the others go back to the queue.
AHEAD_SECONDS, SUBMITTED_SECONDS = 2.0, 0.5

MAX_RESERVATION = 500
MAX_CONNECTIONS = 320
RESULTS_PER_COMMIT = 200

# Assumed seconds of a request until the first answers (Meta states no figure), and the weight of
# each batch of answers against those before.
FIRST_LATENCY, LATENCY_WEIGHT = 0.3, 0.5

# The scheduler is exact to the minute.
STALL_RETRY = timedelta(minutes=1)

# Workers look for jobs once a minute, and one job may occupy a worker for two.
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


class DispatchRun:
    """What one run of a number's job knows besides the database: plain values only.

    :param number: the sender's `run_count` as this run set it (`_start_run`)
    :param turn: job_turns.TimeSlice, how long it continues while other jobs wait
    """

    def __init__(self, pool, rate, number=0, turn=None):
        self.pool = pool
        self.rate = rate
        self.number = number
        self.latency = FIRST_LATENCY
        self.turn = turn
        # Reserved and not submitted to the pool yet: (message id, body, epoch seconds, endpoint).
        self.waiting = deque()
        self.bad_requests = {}
        self.exhausted = False

    @property
    def pending(self):
        """Rows of this run whose result is not written yet."""
        return self.pool.pending + len(self.waiting)

    @property
    def speed(self):
        """Messages per second that can really be sent: the pace, or less if answers are slow."""
        return pacing.sustainable_rate(self.rate, connection_count(self.rate), self.latency)

    def update_latency(self, results):
        """Update how long the API takes to answer.

        :param results: [cloud_api.SendResult]
        """
        times = [r.finished_at - r.started_at for r in results if r.started_at]
        if times:
            self.latency += LATENCY_WEIGHT * (sum(times) / len(times) - self.latency)

    def halve_rate(self):
        """Halve the pace for the rest of the run; `slowed_until` does so for the next ones."""
        self.pool.set_rate(
            self.rate * pacing.RATE_MARGIN / 2, pacing.catch_up_window(self.rate / 2)
        )


class Job(NamedTuple):
    """One scheduled action, as the scheduler sees it.

    :ivar due_at: naive UTC datetime at which it is to run, or was to
    """

    id: int
    name: str
    is_active: bool
    last_at: object
    failure_count: int
    due_at: object

    def is_late(self, now):
        """Whether it should have run LATE_THRESHOLD ago."""
        return self.is_active and self.due_at <= now - LATE_THRESHOLD


class Delay(NamedTuple):
    """Why a message does not leave at once.

    at: naive UTC datetime, None if nobody knows when; reason: a sentence
    """

    at: datetime | None
    reason: str


class WabaSender(models.Model):
    _inherit = "waba.sender"

    # === Run of the job ===

    def _cron_dispatch(self):
        """Send from this number's queue, then schedule the next run."""
        self.ensure_one()
        sender = with_language(self.company_id, self)
        now = fields.Datetime.now()
        number = commit_step(self.env, sender._start_run)
        commit_step(self.env, lambda: sender._prepare_dispatch(now))
        exhausted = sender._not_sending_reason() or sender._dispatch_queue(number)
        commit_step(self.env, lambda: sender._finish_dispatch(bool(exhausted), number))

    def _start_run(self):
        """Number this run, so that an earlier one that is still alive reserves nothing more.

        The scheduler runs a job once at a time, but only while the database session that locks the
        job is alive. That can be lost while the job's own session is not (a time limit on idle
        transactions, a broken connection), and two runs would double the pace. For the same reason
        this run starts a second later if the one before did not end normally: that may just have
        sent its full number of messages.

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
        """Clean up after interrupted runs, and end the pauses that are over."""
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

    def _release_unsent(self):
        """Requeue what an earlier run reserved and never submitted.

        If that run is still alive, having lost the scheduler's lock, it finds these rows no longer
        reserved when it submits them.
        """
        unsent = self.env["waba.message"].search(
            [("sender_id", "=", self.id), ("state", "=", "reserved"), ("is_unsent", "=", True)]
        )
        self.env["waba.message"]._requeue_unsent(unsent.ids)

    def _settle_expired(self, now):
        """Reservations past their end become uncertain: the request may have been sent."""
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

    # === Send loop ===

    def _dispatch_queue(self, number):
        """Send until no more message can be sent or the run's time is used up.

        :param number: from `_start_run`
        :return: True if no more message can be sent now
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

    def _send_loop(self, run):
        """Reserve, submit and write results until all rows of the run have a result."""
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
        """Reserve up to `room` rows for the next seconds."""
        jobs, dropped = commit_step(self.env, lambda: self._reserve_rows(room, run), processed=0)
        run.exhausted = not jobs and not dropped
        run.waiting.extend(jobs)

    def _submit_batch(self, run):
        """Submit the next few rows to the pool; from this commit on they may have been sent."""
        in_hand = max(run.speed * SUBMITTED_SECONDS, 5)
        room = int(in_hand - run.pool.unstarted)
        if not run.waiting or room <= in_hand / 2:
            return
        jobs = [run.waiting.popleft() for _index in range(min(room, len(run.waiting)))]
        ours = commit_step(self.env, lambda: self._mark_submitted(jobs))
        for key, body, send_before, endpoint in jobs:
            if key in ours:
                run.pool.submit(key, self.phone_number_uid, body, send_before, endpoint)
        if len(ours) < len(jobs):
            _logger.warning(
                "waba.sender %s: another run or another database has taken over; this run ends",
                self.id,
            )
            run.waiting.clear()
            run.exhausted = True

    def _mark_submitted(self, jobs):
        """Record that these attempts may have been sent from now on.

        :param jobs: [(message id, body, epoch seconds of the latest send time, endpoint)]
        :return: ids of the rows that are still reserved for exactly these attempts; none if this is
            no longer the account's home database (the next run requeues them)
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
                ids=[job[0] for job in jobs],
                tags=[job[1]["biz_opaque_callback_data"] for job in jobs],
            )
        )
        self.env["waba.message"].invalidate_model(["is_unsent"])
        return {row_id for (row_id,) in rows}

    def _write_results(self, run, results):
        """Commit what the API answered; stop if the number, account or template must."""
        messages = self.env["waba.message"]
        stopped = commit_step(
            self.env, lambda: messages._write_results(results, run), processed=len(results)
        )
        if stopped:
            self._requeue_unstarted(run)
            run.exhausted = bool(self._not_sending_reason())

    def _requeue_unstarted(self, run):
        """Requeue the rows that were certainly not sent."""
        keys, waiting = run.pool.drain_unstarted(), [*run.waiting]
        run.waiting.clear()
        if not keys and not waiting:
            return

        def release():
            ours = self._mark_submitted(waiting) if waiting else ()
            self.env["waba.message"]._requeue_unsent([*keys, *ours])

        commit_step(self.env, release)

    def _pace_start(self):
        """Epoch seconds before which no message can be sent: the pace survives a kill."""
        return datetime_to_epoch(self.next_dispatch_at) if self.next_dispatch_at else None

    def _store_pace(self, run):
        """The next run starts at least one interval after this one's last request."""
        if run.number == self.run_count:
            self.next_dispatch_at = datetime.fromtimestamp(
                run.pool.next_start_time, timezone.utc
            ).replace(tzinfo=None)

    # === End of a run and next check ===

    def _finish_dispatch(self, exhausted, number):
        """Record that the run has ended, and schedule the next one if messages wait.

        :param exhausted: False if the run's time was used up with messages left
        :param number: this run's
        """
        self.ended_run = number
        self._on_dispatch_end()
        check_at = min(
            filter(None, [self._next_check_at(exhausted), self._next_expiry()]), default=None
        )
        if check_at:
            self.cron_id._trigger(at=check_at if check_at > fields.Datetime.now() else None)

    @hook
    def _on_dispatch_end(self):
        """At the end of a run of this number's job, before its next one is scheduled."""

    def _next_check_at(self, exhausted):
        """When this number's queue must be checked again; None if no message waits for a time.

        Messages that are due and could not be sent wait for a slot, or for the pace between two
        messages to one person; checking again immediately would only spin.
        """
        now = fields.Datetime.now()
        if self.account_id.state == "draft":
            return None
        if self._not_sending_reason():
            return max(filter(None, [self.resume_at, self.account_id.resume_at]), default=None)
        is_due, direct_is_due, next_retry_at = self._inspect_queue(now)
        # Direct messages may use the slots that campaigns must leave free.
        parts = self._campaign_shares(now, share=0.0 if direct_is_due else None)
        free = [part.limit - len(part.slots) for part in parts if part.limit is not None]
        check_at = pacing.next_check(
            now,
            queued_now=int(is_due),
            allowance=max(0, min(free)) if free else None,
            # A slot must be available within each limit.
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
        check_at = min(filter(None, [check_at, paced_at, *self._on_alarm()]), default=None)
        if check_at and exhausted and check_at <= now:
            return now + STALL_RETRY
        return check_at

    def _inspect_queue(self, now):
        """(whether any row is due, whether a direct one is, when the next one becomes due)."""
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

    def _campaign_shares(self, now, share=None):
        """[limits.CampaignShare] of the portfolio's limit, and of the number's own if it has one.

        :param share: part kept for follow-ups, 0 to 1; the portfolio's if not given
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
        """When a direct message that needs no slot may follow the one before it to its recipient.

        A full limit does not affect it, so it must not wait for a slot with the others.
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
        """When the job's next run is calculated.

        :return: naive UTC datetime at which a run is needed, or None
        """

    def _next_expiry(self):
        """When a reservation that an interrupted run left expires, or None.

        At its end, this run has settled all of its own.
        """
        [[reserved_until]] = self.env.execute_query(
            SQL(
                "SELECT min(reserved_until) FROM waba_message"
                " WHERE sender_id = %s AND state = 'reserved'",
                self.id,
            )
        )
        return reserved_until and reserved_until + timedelta(seconds=1)

    # === Delay ===
    # When a message leaves that does not leave at once, and why. An estimate: the reservation
    # (waba_sender_reserve.py) decides.

    def _stop_delay(self, category):
        """`Delay` while this number sends nothing, or no promotions; None if it sends."""
        self.ensure_one()
        if reason := self._not_sending_reason():
            ends = filter(None, (self.resume_at, self.account_id.resume_at))
            return Delay(max(ends, default=None), reason)
        if category == "marketing" and (reason := self._marketing_hold_reason()):
            return Delay(None, reason)
        return None

    def _limit_delay(self, now, share=0.0, ahead=0):
        """`Delay` of the next person who needs a slot; None if one is free.

        :param share: part of the limits kept for follow-ups, 0 to 1; None for the portfolio's
        :param ahead: messages that are sent first
        """
        self.ensure_one()
        rate, late = self._messages_per_second(), []
        for part in self._campaign_shares(now, share):
            found = pacing.forecast(now, 1, rate, part.limit, part.slots, ahead=ahead)
            if found.next_at is None or found.next_at > now + pacing.SLOWED_PERIOD:
                late.append(found.next_at)
        if not late:
            return None
        at = None if None in late else max(late)
        return Delay(at, self._limit_text(now))

    def _limit_text(self, now):
        """'The daily limit is used: 250 of 250 recipients in the last 24 h, shared by 2 numbers.'

        Of the number's own limit, if that is the smaller one.
        """
        portfolio, own_limit = self.portfolio_id, self._own_daily_limit()
        values = {
            "used": format_number(self.env, portfolio.slots_used),
            "limit": format_number(self.env, portfolio.people_limit),
            "numbers": format_number(self.env, len(portfolio.sender_ids)),
        }
        if own_limit is not None:
            values.update(
                used=format_number(self.env, self._count_own_recipients(now)),
                limit=format_number(self.env, own_limit),
            )
            return self.env._(
                "This number's daily limit is used: %(used)s of %(limit)s recipients in the last "
                "24 h.",
                **values,
            )
        if len(portfolio.sender_ids) > 1:
            return self.env._(
                "The daily limit is used: %(used)s of %(limit)s recipients in the last 24 h, "
                "shared by %(numbers)s numbers.",
                **values,
            )
        return self.env._(
            "The daily limit is used: %(used)s of %(limit)s recipients in the last 24 h.", **values
        )

    def _direct_delay(self, template, recipient, ahead=0):
        """`Delay` of a message to one person if it were queued now; None if it leaves at once.

        :param template: waba.template, perhaps empty
        :param recipient: waba.recipient, empty for somebody new
        :param ahead: direct messages that are sent first
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if delay := self._stop_delay(template.category):
            return delay
        if template and (reason := template._hold_explanation_text()):
            return Delay(None, reason)
        conversation = self.env["waba.conversation"].search(
            [("sender_id", "=", self.id), ("recipient_id", "=", recipient.id)], limit=1
        )
        if not limits.needs_slot(recipient.slot_at, conversation.window_expires_at, now):
            return None
        return self._limit_delay(now, ahead=ahead)

    # === Scheduler ===
    # Whether the scheduler works: a job that does not run reports nothing.

    def _delay_reason(self, now):
        """Reason why due messages are not sent although nothing holds them; False if none."""
        self.ensure_one()
        [job] = self.sudo()._jobs(self) or [None]
        if job is None or not job.is_active:
            return self.env._(
                "Sending is off: this number's scheduled action is archived. An administrator can "
                "turn it on under Settings → Technical → Scheduled Actions."
            )
        if not job.is_late(now):
            return False
        if self._is_scheduler_stopped(now):
            return self._no_worker_text()
        return self.env._(
            "Sending is late: this number's scheduled action was due %(due)s. The scheduler is "
            "busy or needs more workers (max_cron_threads).",
            due=self._datetime_text(job.due_at),
        )

    @api.model
    def _jobs(self, senders, others=False):
        """[Job] of these numbers.

        :param others: the addon's other scheduled actions too
        """
        senders.flush_recordset(["cron_id"])
        self.env["ir.cron"].flush_model()
        rows = self.env.execute_query(SQL(JOBS_QUERY, senders=senders.ids, others=others))
        return [Job(*row) for row in rows]

    @api.model
    def _is_scheduler_stopped(self, now):
        """Whether no job of this database runs: one is long due and none has ended since."""
        last_at = self._last_job_at()
        if last_at and last_at > now - LATE_THRESHOLD:
            return False
        self.env["ir.cron"].flush_model()
        return bool(self.env.execute_query(SQL(OVERDUE_JOB_QUERY, since=now - LATE_THRESHOLD)))

    @api.model
    def _last_job_at(self):
        """When any job of this database last ended; None if never."""
        [[last_at]] = self.env.execute_query(SQL("SELECT max(lastcall) FROM ir_cron"))
        return last_at

    @api.model
    def _no_worker_text(self):
        """Sentence that no job runs at all, and since when."""
        last_at = self._last_job_at()
        if not last_at:
            return self.env._(
                "Sending is off: no scheduled action has ever run in this database. Check "
                "max_cron_threads and db_name in Odoo's configuration."
            )
        return self.env._(
            "Sending is off: no scheduled action has run since %s. Check that Odoo runs with "
            "max_cron_threads above 0.",
            self._datetime_text(last_at),
        )

    @api.model
    def _datetime_text(self, moment):
        return format_datetime(self.env, moment, dt_format="d MMM y, HH:mm")

    @api.model
    def _oldest_due_row_at(self, senders):
        """Since when the oldest message of these numbers that can be sent waits, or None.

        It may also wait for a slot of the daily limit, which is no error of the scheduler.
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
        """When the oldest webhook that is not applied yet was received, or None."""
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
        """Notify managers and administrators: two senders do not know each other's messages."""
        for sender in self:
            text = self.env._(
                "Another system sends from %(number)s: WhatsApp reports messages that this "
                "database did not send. Stop that system or the copy of this database, then create "
                "a new access token in Meta's Business settings.",
                number=sender.display_phone_number or sender.display_name,
            )
            sender.account_id.second_sender_at = fields.Datetime.now()
            sender._notify_managers(self.env._("Another system sends with this number"), text)
            sender._message_log(body=text)


def connection_count(rate):
    """How many connections are needed to send `rate` messages a second."""
    return min(MAX_CONNECTIONS, max(4, math.ceil(rate / 2)))
