import hashlib

from odoo import api, fields, models
from odoo.tools import SQL
from psycopg2.errors import SerializationFailure


class WabaWebhookEvent(models.Model):
    """One verified webhook body, exactly as it came: the inbox between Meta and us.

    The controller only inserts; `_cron_apply` (waba_webhook_apply.py) applies. The body stays, so
    an event that could not be applied loses nothing and can be applied again.
    """

    _name = "waba.webhook.event"
    _description = "WhatsApp Webhook Event"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _log_access = False

    account_id = fields.Many2one("waba.account", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="account_id.company_id")
    body = fields.Text(readonly=True)
    body_hash = fields.Char(readonly=True)
    received_at = fields.Datetime("Received at", readonly=True, required=True)
    applied_at = fields.Datetime("Applied at", readonly=True)
    state = fields.Selection(
        [
            ("new", "To apply"),
            ("waiting", "Waiting"),
            ("applied", "Applied"),
            ("ignored", "Nothing to apply"),
            ("failed", "Could not be applied"),
        ],
        default="new",
        required=True,
        readonly=True,
    )
    summary = fields.Char("What it says", readonly=True)
    error = fields.Text(readonly=True)

    _new_idx = models.Index("(id) WHERE state = 'new'")
    _account_idx = models.Index("(account_id, received_at)")
    # Statuses are nine bodies in ten and are never asked for by their hash; the door pays nothing.
    _repeated_idx = models.Index(
        "(body_hash) WHERE state = 'applied' AND summary <> 'MessageStatus'"
    )
    _received_idx = models.Index("(received_at)")

    @api.depends("received_at", "summary")
    def _compute_display_name(self):
        for event in self:
            event.display_name = f"{event.summary or event.state} · {event.received_at}"

    @api.model
    @api.private
    def _store_body(self, account, raw_body):
        """Keep a verified body, to be committed by the request before its 200; then wake the job.

        :param account: waba.account the webhook key belongs to
        :param raw_body: bytes as received; kept even when they are no JSON
        """
        # One statement, where the ORM's create would cost more than the rest of the request.
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_webhook_event
                          (account_id, body, body_hash, received_at, state)
                   VALUES (%s, %s, %s, %s, 'new') RETURNING id""",
                account.id,
                # A NUL can't be stored in PostgreSQL's text; Meta sends none.
                raw_body.decode("utf-8", "replace").replace("\x00", ""),
                hashlib.sha256(raw_body).hexdigest(),
                fields.Datetime.now(),
            )
        )
        self.env.cr.postcommit.add(self._trigger_apply)
        return self.browse(self.env.cr.fetchone()[0])

    @api.model
    def _trigger_apply(self):
        """Have the applying job run once more, unless that is asked for already.

        Each trigger costs a row, a notification and two commits: at hundreds of webhooks a second
        one per webhook would cost more than all the rest.
        """
        if not self._is_apply_pending():
            self.env["ir.cron"].browse(self._apply_cron_id())._trigger()
            self.env["ir.cron"]._commit_progress()

    @api.model
    def _is_apply_pending(self):
        """Whether a run of the applying job is asked for that has not begun. Ends the transaction.

        A run begins by deleting the triggers it answers to, and holds them locked until it ends.
        One that is not locked therefore belongs to a run still to come, which will see everything
        committed before this moment.
        """
        cr = self.env.cr
        try:
            cr.execute(
                SQL(
                    """SELECT 1 FROM ir_cron_trigger WHERE cron_id = %s AND call_at <= %s
                        LIMIT 1 FOR KEY SHARE SKIP LOCKED""",
                    self._apply_cron_id(),
                    fields.Datetime.now(),
                ),
                log_exceptions=False,
            )
            is_pending = bool(cr.fetchone())
        except SerializationFailure:
            # The run it belonged to ended between our snapshot and this look: it is none to come.
            is_pending = False
        # Nothing was written: committing would release the lock only after the disk answered.
        cr.rollback()
        return is_pending

    @api.model
    def _apply_cron_id(self):
        return self.env["ir.model.data"]._xmlid_to_res_id(
            "waba_campaign.ir_cron_apply_webhooks", raise_if_not_found=True
        )

    def action_reapply(self):
        """Apply once more, which gives the same rows; then ask Meta how things stand today.

        What an old event says of a limit or a template may have changed since without a webhook.
        """
        self.check_access("write")
        applied = self.sudo().filtered(lambda event: event.state != "new")
        applied.write({"state": "new", "error": False, "look_count": 0, "waiting_items": False})
        self.env.ref("waba_campaign.ir_cron_apply_webhooks").sudo()._trigger()
        self._poll_soon()
