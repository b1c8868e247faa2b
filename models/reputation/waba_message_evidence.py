"""Reputation: evidence from send results, message statuses and messages never delivered.

Called by the hooks `_on_results` and `_on_status`, and hourly by the job `_cron_note_silence`.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...cloud_api import storable
from ..base.waba_failure import failure_text
from ..base.waba_reputation_event import SILENCE_DELAY
from ..dispatch.waba_message_status import epoch_to_datetime
from ..tools.hooks import implements
from ..tools.reputation_kinds import KIND_BY_FAILURE

# Evidence that a later delivery corrects: an inferred block, and a failure on one of a recipient's
# devices (Meta, Support, 2025-11-19: one message can be reported both failed and delivered).
CORRECTABLE = ("possible_block", "undeliverable")
# Meta gives up after 30 days (Time-to-live, 2025-10-31) and retries a webhook for 7 more at most.
SILENCE_LOOKBACK = timedelta(days=37)
SILENT_ROWS = 10_000


class WabaMessage(models.Model):
    """Evidence is recorded in bulk: one campaign may bring a hundred thousand events."""

    _inherit = "waba.message"

    _silent_idx = models.Index("(sent_at) WHERE state = 'sent' AND direction = 'out'")

    @api.model
    @implements("_on_results")
    def _record_send_evidence(self, results):
        self._record_refusals([result for result in results if result.outcome == "error"])
        self._record_held([result for result in results if result.outcome == "held"])

    @implements("_on_status")
    def _record_status_evidence(self, reported, arrived):
        self._record_reported_failures(reported)
        # After the failures: the same batch may contain the failure that a delivery corrects.
        self._record_late_deliveries(arrived)

    @api.model
    def _record_refusals(self, results):
        """Record evidence from Meta's error responses to our requests.

        :param results: list of cloud_api.SendResult with the outcome 'error'
        """
        telling = [r for r in results if KIND_BY_FAILURE.get(r.error.failure_type)]
        rows = {row.id: row for row in self.browse([result.key for result in telling])}
        sentences = self._failure_sentences()
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": KIND_BY_FAILURE[result.error.failure_type],
                    "source": "send_reply",
                    "at": epoch_to_datetime(result.finished_at),
                    "message_id": result.key,
                    "code": result.error.code,
                    "detail": sentences(
                        result.error.failure_type,
                        result.error.code,
                        result.error.details or result.error.message,
                    ),
                    "event_key": f"reply:{rows[result.key].uuid}/"
                    f"{rows[result.key].attempt_count}:{result.error.code}",
                }
                for result in telling
            ]
        )

    @api.model
    def _record_held(self, results):
        """Record that Meta holds messages to assess the first reactions, once for each campaign.

        :param results: list of cloud_api.SendResult with the outcome 'held'
        """
        rows = self.browse([result.key for result in results])
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": "held",
                    "source": "send_reply",
                    "at": epoch_to_datetime(result.finished_at),
                    "sender_id": row.sender_id.id,
                    "campaign_id": row.campaign_id.id,
                    "template_id": row.template_id.id,
                    "detail": self.env._(
                        "Meta sends a first part, assesses the reactions, then sends or drops "
                        "the rest."
                    ),
                    "event_key": f"held:{row.campaign_id.id or row.uuid}:{row.template_id.id}",
                }
                for row, result in zip(rows, results, strict=True)
            ]
        )

    @api.model
    def _record_reported_failures(self, reported):
        """Record evidence from failed statuses, including those that change no state.

        :param reported: [(message id, cloud_api.MessageStatus)]
        """
        sentences = self._failure_sentences()
        telling = [
            (message_id, event)
            for message_id, event in reported
            if event.error and event.error.failure_type in KIND_BY_FAILURE
        ]
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": KIND_BY_FAILURE[event.error.failure_type],
                    "source": "status",
                    "at": event.at,
                    "message_id": message_id,
                    "code": event.error.code,
                    "raw": storable({"errors": event.raw.get("errors")}),
                    "detail": sentences(
                        event.error.failure_type,
                        event.error.code,
                        event.error.details or event.error.message or event.error.title,
                    ),
                    # Each attempt has its own wamid.
                    "event_key": f"status:{event.wamid or event.opaque}:{event.error.code}",
                }
                for message_id, event in telling
            ]
        )

    @api.model
    def _failure_sentences(self):
        """Return `failure_text` with a cache: a batch repeats few distinct failures."""
        known = {}

        def sentence(failure_type, code, text):
            key = (failure_type, code, text)
            if key not in known:
                known[key] = failure_text(self.env, failure_type, code, text)
            return known[key]

        return sentence

    @api.model
    def _record_late_deliveries(self, ids):
        """Correct evidence of silence or failure about messages that arrived after all.

        :param ids: ids of delivered messages
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT message_id FROM waba_reputation_event
                    WHERE message_id = ANY(%s) AND kind IN %s""",
                list(ids),
                CORRECTABLE,
            )
        )
        corrected = self.browse([id_ for (id_,) in rows])
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": "delivered_late",
                    "source": "status",
                    "at": message.delivered_at or message.read_at,
                    "message_id": message.id,
                    "detail": self.env._("Delivered after all: neither blocked nor unreachable."),
                    "event_key": f"delivered_late:{message.uuid}",
                }
                for message in corrected
            ]
        )

    @api.model
    def _cron_note_silence(self):
        """Record messages that were sent and never delivered, as inferred evidence."""
        cron = self.env["ir.cron"]
        noted = self._record_silence()
        cron._commit_progress(noted, remaining=SILENT_ROWS if noted == SILENT_ROWS else 0)

    @api.model
    def _record_silence(self):
        """Record one event for each message undelivered for longer than `SILENCE_DELAY`.

        The delay ends at the last webhook received: without any webhook, silence is evidence about
        our endpoint, not about recipients.

        :return: number of events recorded
        """
        now = fields.Datetime.now()
        heard_until = (
            self.env["waba.webhook.event"].search([], order="received_at desc", limit=1).received_at
        )
        if not heard_until:
            return 0
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id, m.uuid, m.sent_at FROM waba_message m
                    WHERE m.state = 'sent' AND m.direction = 'out' AND m.kind <> 'reaction'
                      AND m.sent_at > %(since)s
                      AND m.sent_at <= %(heard_until)s - %(silent_after)s
                      AND NOT EXISTS (SELECT 1 FROM waba_reputation_event e
                                       WHERE e.message_id = m.id AND e.kind = 'possible_block')
                    ORDER BY m.sent_at LIMIT %(limit)s""",
                heard_until=min(now, heard_until),
                since=now - SILENCE_LOOKBACK,
                silent_after=SILENCE_DELAY,
                limit=SILENT_ROWS,
            )
        )
        detail = self.env._(
            "Not delivered %s days after sending: a possible block, or an unreachable phone. "
            "WhatsApp does not say which.",
            SILENCE_DELAY.days,
        )
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": "possible_block",
                    "source": "silence",
                    "at": sent_at + SILENCE_DELAY,
                    "message_id": message_id,
                    "detail": detail,
                    "event_key": f"possible_block:{uuid}",
                }
                for message_id, uuid, sent_at in rows
            ]
        )
        return len(rows)
