from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from .hooks import implements

# Messages of a paused follow-up are looked at again after this.
PAUSED_RETRY = timedelta(hours=1)


class WabaMessage(models.Model):
    """Messages of follow-ups, asked about once more in the transaction that reserves them.

    What ended a follow-up has cancelled its messages in its own transaction. What happened while
    such a message was being queued, unseen by either, is found here.
    """

    _inherit = "waba.message"

    @api.model
    @implements("_on_candidates")
    def _stop_exited_sequences(self, rows, now):
        """Cancel the rows of follow-ups that ended, put off those of paused ones.

        :return: their ids
        """
        followed = self._filter_sequence_rows(rows)
        if not followed:
            return set()
        # A message may come back to the queue when its follow-up is through: refused by Meta after
        # it was accepted, or tried again manually.
        ended = followed.enrollment_id.filtered(lambda one: one.state == "done")._exit_reasons()
        over = followed.filtered(
            lambda row: row.enrollment_id.state == "stopped" or row.enrollment_id.id in ended
        )
        over._update_state(
            ("queued",),
            "cancelled",
            {"failure_reason": self.env._("The follow-up ended before it left.")},
        )
        (followed - over).enrollment_id.filtered(lambda one: one.state == "running")._stop_exited()
        paused = followed.filtered(
            lambda row: row.state == "queued" and row.sequence_id.state == "paused"
        )
        paused.write({"retry_at": now + PAUSED_RETRY})
        self.env["waba.message"].flush_model()
        return set(followed.filtered(lambda row: row.state != "queued").ids) | set(paused.ids)

    @api.model
    def _filter_sequence_rows(self, rows):
        """Those of the candidates that follow-ups queued. Campaigns' rows are not read for it."""
        messages = self.env["waba.message"]
        messages.flush_model(["enrollment_id"])
        found = self.env.execute_query(
            SQL(
                "SELECT id FROM waba_message WHERE id = ANY(%s) AND enrollment_id IS NOT NULL",
                [row["id"] for row in rows],
            )
        )
        return messages.browse([row_id for (row_id,) in found])
