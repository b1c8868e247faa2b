import hashlib
import logging
from datetime import timedelta

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

# Meta keeps no copy of a webhook: bodies are kept this long, applied or not.
KEEP_DAYS = 90


class WabaWebhookEvent(models.Model):
    """One verified webhook body, exactly as it came: the inbox between Meta and us.

    The controller only inserts; `_cron_apply` (waba_webhook_apply.py) applies. The body stays, so
    an event that could not be applied loses nothing and can be applied again.
    """

    _name = "waba.webhook.event"
    _description = "WhatsApp Webhook Event"
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
    _hash_idx = models.Index("(body_hash)")
    _received_idx = models.Index("(received_at)")

    @api.depends("received_at", "summary")
    def _compute_display_name(self):
        for event in self:
            event.display_name = f"{event.summary or event.state} · {event.received_at}"

    @api.model
    @api.private
    def _store(self, account, raw_body):
        """Keep a verified body and wake the applying job. Committed by the request before its 200.

        :param account: waba.account the webhook key belongs to
        :param raw_body: bytes as received; kept even when they are no JSON
        """
        event = self.create(
            {
                "account_id": account.id,
                # A NUL can't be stored in PostgreSQL's text; Meta sends none.
                "body": raw_body.decode("utf-8", "replace").replace("\x00", ""),
                "body_hash": hashlib.sha256(raw_body).hexdigest(),
                "received_at": fields.Datetime.now(),
            }
        )
        self.env.ref("waba_campaign.ir_cron_apply_webhooks")._trigger()
        return event

    def action_apply_again(self):
        """Apply once more, which gives the same rows; then ask Meta how things stand today.

        What an old event says of a limit or a template may have changed since without a webhook.
        """
        self.filtered(lambda event: event.state != "new").write({"state": "new", "error": False})
        self.env.ref("waba_campaign.ir_cron_apply_webhooks").sudo()._trigger()
        self._poll_soon()

    @api.autovacuum
    def _gc_applied(self):
        limit = 10_000
        old = self.search(
            [
                ("received_at", "<", fields.Datetime.now() - timedelta(days=KEEP_DAYS)),
                ("state", "in", ("applied", "ignored")),
            ],
            limit=limit,
        )
        old.unlink()
        return len(old), len(old) == limit
