from odoo import api, models
from odoo.tools import SQL

from .job_marks import MESSAGE_KEEP_DAYS, retention_start

LIMIT = 10_000
# Days; 0 keeps everything. System parameters of these names say otherwise.
WEBHOOK_KEEP_DAYS = ("waba_campaign.webhook_keep_days", 90)

ENDED_MESSAGE_SQL = SQL("m.state NOT IN ('queued', 'reserved', 'uncertain')")


class WabaWebhookEvent(models.Model):
    """How long webhook bodies are kept. Those that could not be applied stay."""

    _inherit = "waba.webhook.event"

    @api.autovacuum
    def _gc_applied(self):
        if not (since := retention_start(self.env, WEBHOOK_KEEP_DAYS)):
            return 0, False
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """DELETE FROM waba_webhook_event WHERE id IN (
                       SELECT id FROM waba_webhook_event
                        WHERE received_at < %s AND state IN ('applied', 'ignored')
                        ORDER BY received_at LIMIT %s)""",
                since,
                LIMIT,
            )
        )
        deleted = self.env.cr.rowcount
        self.invalidate_model()
        return deleted, deleted == LIMIT


class WabaMessage(models.Model):
    """How long messages are kept: for ever, unless a system parameter gives a number of days.

    What goes are messages nothing has happened to since: those of campaigns that are over, whose
    figures stay (`waba.campaign.trimmed_counts`), and those without a campaign. The consent ledger
    keeps its words; it only loses the link to the message.
    """

    _inherit = "waba.message"

    @api.autovacuum
    def _gc_old(self):
        if not (since := retention_start(self.env, MESSAGE_KEEP_DAYS)):
            return 0, False
        self.flush_model()
        campaign = self._campaign_to_trim(since)
        ids = self._ids_to_trim(campaign, since)
        if campaign:
            campaign.sender_id._on_trim(self.browse(ids), campaign)
        self.env.cr.execute(SQL("DELETE FROM waba_message WHERE id = ANY(%s)", ids))
        self.env.invalidate_all()
        # A campaign trimmed to its end may not have been the last.
        return len(ids), bool(campaign) or len(ids) == LIMIT

    @api.model
    def _campaign_to_trim(self, since):
        """The oldest campaign that is over and still has old rows, or none."""
        self.env["waba.campaign"].flush_model(["state", "launched_at"])
        # By EXISTS: a search over the campaign's messages would read all messages there are.
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id FROM waba_campaign c
                    WHERE c.state IN ('done', 'cancelled') AND c.launched_at < %(since)s
                      AND EXISTS (SELECT 1 FROM waba_message m
                                   WHERE m.campaign_id = c.id AND m.write_date < %(since)s
                                     AND %(is_over)s)
                    ORDER BY c.id LIMIT 1""",
                since=since,
                is_over=ENDED_MESSAGE_SQL,
            )
        )
        return self.env["waba.campaign"].browse([id_ for (id_,) in rows])

    @api.model
    def _ids_to_trim(self, campaign, since):
        """Up to LIMIT old rows of one campaign, or of none when it is empty."""
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM waba_message m
                    WHERE %s AND m.write_date < %s AND %s ORDER BY m.id LIMIT %s""",
                SQL("m.campaign_id = %s", campaign.id)
                if campaign
                else SQL("m.campaign_id IS NULL"),
                since,
                ENDED_MESSAGE_SQL,
                LIMIT,
            )
        )
        return [id_ for (id_,) in rows]
