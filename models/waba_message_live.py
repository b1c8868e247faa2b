from odoo import api, models
from odoo.tools import SQL

from .hooks import implements

# Somebody may be looking at these. Screens ask by themselves about campaigns and follow-ups: a
# notification for each of a hundred thousand would cost more than the messages.
WATCHED_ORIGINS = ("manual", "reply", "test")


class WabaMessage(models.Model):
    """Ticks as they come: open conversations hear the outcome of the messages written in them."""

    _inherit = "waba.message"

    @api.model
    @implements("_on_results")
    def _notify_viewers_of_results(self, results):
        self._notify_message_viewers([result.key for result in results])

    @implements("_on_status")
    def _notify_viewers_of_statuses(self, _reported, _arrived):
        self._notify_message_viewers(self.ids)

    @api.model
    def _notify_message_viewers(self, ids):
        """:param ids: of messages that changed, most of them a campaign's"""
        if not ids:
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT c.id FROM waba_message m
                     JOIN waba_conversation c
                       ON c.recipient_id = m.recipient_id AND c.sender_id = m.sender_id
                    WHERE m.id = ANY(%s) AND m.campaign_id IS NULL AND m.origin IN %s""",
                list(ids),
                WATCHED_ORIGINS,
            )
        )
        self.env["waba.conversation"].browse([id_ for (id_,) in rows])._notify_viewers()
