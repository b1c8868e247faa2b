from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import pacing

# Failures in a row that are counted over rows, not over one row's attempts (policy.retry).
CONSECUTIVE_FAILURES = ("bad_request", "pacing_drop")


class WabaMessage(models.Model):
    """What the API answered, and what becomes of places and rows by it."""

    _inherit = "waba.message"

    @api.model
    def _write_results(self, results, run):
        """Write down what the API answered. Safe to repeat; moves rows forward only.

        :param results: list of cloud_api.SendResult, keyed by message id
        :param run: the DispatchRun, for the counts in a row
        :return: True when something larger than a row must stop (number, account, template…)
        """
        self._write_accepted(
            [result for result in results if result.outcome in ("accepted", "held")]
        )
        self.browse(
            [result.key for result in results if result.outcome == "unknown"]
        )._mark_uncertain()
        self._requeue_unsent([result.key for result in results if result.outcome == "not_started"])
        stopped = False
        for result in results:
            if result.outcome in ("error", "not_sent"):
                stopped = self._apply_refusal(result, run) or stopped
            elif result.outcome == "accepted":
                run.bad_requests.clear()
        self._on_results(results)
        return stopped

    @api.model
    def _write_accepted(self, results):
        """Accepted or held, in one statement; a status that came first is not undone."""
        if not results:
            return
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET state = CASE WHEN m.state IN ('reserved', 'uncertain') THEN v.state
                                  ELSE m.state END,
                          wamid = COALESCE(v.wamid, m.wamid),
                          accepted_at = COALESCE(m.accepted_at, v.at), reserved_until = NULL,
                          failure_type = CASE WHEN m.state NOT IN ('failed', 'queued')
                                         THEN NULL ELSE m.failure_type END,
                          failure_reason = CASE WHEN m.state NOT IN ('failed', 'queued')
                                           THEN NULL ELSE m.failure_reason END,
                          error_code = CASE WHEN m.state NOT IN ('failed', 'queued')
                                       THEN NULL ELSE m.error_code END,
                          write_date = %(now)s
                     FROM unnest(%(ids)s, %(states)s::varchar[], %(wamids)s::varchar[],
                                 %(times)s::timestamp[])
                          AS v(id, state, wamid, at)
                    WHERE m.id = v.id""",
                now=fields.Datetime.now(),
                ids=[result.key for result in results],
                states=[result.outcome for result in results],
                wamids=[result.wamid for result in results],
                times=[epoch_to_datetime(result.finished_at) for result in results],
            )
        )
        self.invalidate_model()
        self._store_wa_numbers(results)

    @api.model
    def _store_wa_numbers(self, results):
        """Keep the number WhatsApp uses where it differs from ours: replies come from that one."""
        numbers = {row.id: row for row in self.browse([result.key for result in results])}
        for result in results:
            row = numbers[result.key]
            wa_number = f"+{result.wa_id}" if result.wa_id else None
            if wa_number and wa_number != row.number and row.recipient_id.wa_number != wa_number:
                row.recipient_id.wa_number = wa_number

    def _mark_uncertain(self):
        """On the wire without an answer: kept, never sent again by itself."""
        self.filtered(lambda row: row.state == "reserved")._update_state(
            ("reserved",),
            "uncertain",
            {
                "failure_reason": self.env._(
                    "The request left and no answer came. WhatsApp's next report on it settles it."
                )
            },
        )

    @api.model
    def _requeue_unsent(self, ids):
        """Reserved rows that certainly did not leave go back to the queue and free their places."""
        rows = self.browse(ids).filtered(lambda row: row.state == "reserved")
        rows._return_slots()
        rows._update_state(("reserved",), "queued", {"reserved_until": False, "is_unsent": False})
        rows._reopen_campaigns()

    def _reopen_campaigns(self):
        """Rows queued again: a finished campaign goes on, a cancelled one takes none back."""
        self.filtered(lambda row: row.campaign_id.state == "cancelled")._update_state(
            ("queued",), "cancelled"
        )
        self.sender_id._on_requeue(self)

    def _return_slots(self):
        """Uncount these rows' last attempt.

        A person stays counted by whatever else may have reached them: another row, or an earlier
        attempt of this one.
        """
        if not self:
            return
        for row in self:
            row.slot_at = row.kept_slot_at
        self.flush_model(["slot_at"])
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET slot_at = (SELECT max(o.slot_at) FROM waba_message o
                                      WHERE o.recipient_id = r.id AND o.slot_at IS NOT NULL)
                    WHERE r.id = ANY(%s)""",
                self.recipient_id.ids,
            )
        )
        self.env["waba.recipient"].invalidate_model(["slot_at"])

    def _apply_refusal(self, result, run):
        """The API's own answer was an error, or the request never reached it."""
        row = self.browse(result.key)
        if row.state not in ("reserved", "uncertain"):
            return False
        error = result.error
        in_a_row = 1
        if error.failure_type in CONSECUTIVE_FAILURES:
            key = (error.failure_type, row.template_id.id)
            in_a_row = run.bad_requests[key] = run.bad_requests.get(key, 0) + 1
        decision = row._apply_failure(
            error.failure_type,
            code=error.code,
            text=error.details or error.message,
            fbtrace_id=error.fbtrace_id,
            refused_at_once=True,
            in_a_row=in_a_row,
        )
        if decision.slow_down:
            run.halve_rate()
            row.sender_id.slowed_until = fields.Datetime.now() + pacing.SLOWED_PERIOD
        return decision.scope in ("template", "sender", "account", "campaign")


def epoch_to_datetime(epoch):
    """Naive UTC datetime, whole seconds as Odoo keeps them, from epoch seconds."""
    return datetime.fromtimestamp(int(epoch), timezone.utc).replace(tzinfo=None)
