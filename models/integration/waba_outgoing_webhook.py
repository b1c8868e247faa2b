"""Integration: webhooks to other systems: address, secret, kinds of events, pause after failures.

Asked for each event by `waba.outgoing.event._emit`; follow-ups post by `_post`.
"""

import secrets

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ...cloud_api import AddressRefused, check_receiver
from ...policy import outgoing
from ..base.waba_account import ALLOWED_ADDRESSES
from ..tools.labels import list_action, with_language

# {kind of event: the field that switches it on}.
KIND_FIELDS = {kind: f"on_{kind}" for kind in outgoing.KINDS}


class WabaOutgoingWebhook(models.Model):
    """An address of another system that is told what happens, each event signed with `secret`.

    Only system administrators create one: it sends personal data out of Odoo. After a day of
    failures it pauses by itself and tells the managers; its events wait.
    """

    _name = "waba.outgoing.webhook"
    _description = "WhatsApp Outgoing Webhook"
    _inherit = ["mail.thread", "mail.activity.mixin", "waba.response.mixin",
                "waba.system.fields.mixin"]  # fmt: skip
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    # Both are emptied in a neutralized copy; `_check_url` refuses none at all.
    url = fields.Char("URL", tracking=True)
    secret = fields.Char(
        "Signing secret",
        readonly=True,
        copy=False,
        groups="base.group_system",
        default=lambda self: secrets.token_urlsafe(32),
        help="The receiver verifies the signature of each event with it.",
    )
    state = fields.Selection(
        [("active", "Active"), ("paused", "Paused")],
        default="active",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    failing_since = fields.Datetime("Failing since", readonly=True, copy=False)
    away_reason = fields.Text("Sending blocked", compute="_compute_away_reason")
    # Events
    on_delivered = fields.Boolean("Delivered", default=True)
    on_read = fields.Boolean("Read", default=True)
    on_failed = fields.Boolean("Failed", default=True)
    on_replied = fields.Boolean("Replied", default=True)
    on_opted_out = fields.Boolean("Opted out", default=True)
    on_opted_in = fields.Boolean("Opted in", default=True)
    on_rating = fields.Boolean("Quality rating changed", default=True)
    # Figures
    queued_count = fields.Integer("Queued", compute="_compute_event_counts")
    given_up_count = fields.Integer("Given up", compute="_compute_event_counts")

    def _compute_event_counts(self):
        groups = self.env["waba.outgoing.event"]._read_group(
            [("webhook_id", "in", self.ids), ("state", "in", ("queued", "failed"))],
            ["webhook_id", "state"],
            ["__count"],
        )
        counts = {(webhook.id, state): count for webhook, state, count in groups}
        for webhook in self:
            webhook.queued_count = counts.get((webhook.id, "queued"), 0)
            webhook.given_up_count = counts.get((webhook.id, "failed"), 0)

    @api.depends("company_id")
    def _compute_away_reason(self):
        """A copy of the database must not report as if it were the original."""
        elsewhere = self.env["waba.account"]._accounts_elsewhere().grouped("company_id")
        for webhook in self:
            accounts = elsewhere.get(webhook.company_id)
            webhook.away_reason = accounts and accounts[0]._foreign_database_reason()

    @api.constrains("name", "url")
    def _check_url(self):
        allowed = self.env["waba.account"]._allowed_addresses()
        for webhook in self:
            try:
                check_receiver(webhook.url, allowed)
            except AddressRefused as refused:
                raise ValidationError(webhook._url_refusal_text(refused.reason)) from refused

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def action_resume(self):
        """Send again after a pause; what waited leaves first."""
        self.check_access("write")
        paused = self.sudo().filtered(lambda webhook: webhook.state == "paused")
        paused.write({"state": "active", "failing_since": False})
        paused._close_manager_activities()
        self.env["waba.outgoing.event"].sudo()._retry_now(Domain("webhook_id", "in", paused.ids))

    def action_send_test(self):
        """Queue a test event and open the deliveries, where its answer appears."""
        self.ensure_one()
        self.check_access("write")
        self.sudo()._post("test", None, {"message": "Test event"})
        return self.action_view_events()

    def action_new_secret(self):
        """Replace the secret; the receiver must know the new one before the next event."""
        self.check_access("write")
        for webhook in self.sudo():
            webhook.secret = secrets.token_urlsafe(32)
            webhook._message_log(body=self.env._("The signing secret was replaced."))

    def action_view_events(self):
        self.ensure_one()
        return list_action(self.env, "waba_outgoing_event_action", [("webhook_id", "=", self.id)])

    # === Events ===

    @api.model
    @tools.ormcache()
    def _subscriptions(self):
        """{kind: {company id: ids of its webhooks}}. Empty for nearly everybody, and then free."""
        found = {}
        for webhook in self.sudo().search([]):  # pylint: disable=no-search-all
            for kind, name in KIND_FIELDS.items():
                if webhook[name]:
                    companies = found.setdefault(kind, {})
                    companies.setdefault(webhook.company_id.id, []).append(webhook.id)
        return found

    def _post(self, kind, record, values, key=None):
        """Queue one event for each of these webhooks, whatever kinds they have switched on.

        :param kind: word that the receiver reads, such as 'step'
        :param record: the lead, contact or other record it is about, or None
        :param values: JSON values for the event's `data`
        :param key: names the occasion; a later call with the same key queues nothing
        :return: the waba.outgoing.event rows that were queued
        """
        facts = [self.env["waba.outgoing.event"]._fact(kind, record, values, key)]
        return self.env["waba.outgoing.event"]._queue_events(
            [(webhook.id, fact) for webhook in self if webhook.active for fact in facts]
        )

    # === Pause ===

    def _record_delivery(self, is_delivered, now):
        """Remember since when nothing is delivered; pause after `policy.outgoing.PAUSE_AFTER`."""
        self.ensure_one()
        if is_delivered:
            if self.failing_since:
                self.failing_since = False
            return
        if not self.failing_since:
            self.failing_since = now
        elif self.state == "active" and outgoing.must_pause(self.failing_since, now):
            self._pause_failing()

    def _pause_failing(self):
        webhook = with_language(self.company_id, self)
        words = webhook.env._(
            "Paused: %(name)s has accepted no event for 24 hours. Events are kept for 3 days. "
            "Repair the receiver, then choose Resume.",
            name=webhook.name,
        )
        webhook.state = "paused"
        webhook._message_log(body=words)
        webhook._notify_managers(webhook.env._("Outgoing webhook paused"), words)

    def _url_refusal_text(self, reason):
        """Why the address is refused, as a sentence."""
        return {
            "malformed": self.env._("The URL must begin with https:// and name a host."),
            "not_https": self.env._(
                "The URL must begin with https://: events contain personal data."
            ),
            "port": self.env._(
                "The URL has a non-standard port. Remove it, or add the host to the system "
                "parameter %s.",
                ALLOWED_ADDRESSES,
            ),
            "private": self.env._(
                "The URL is in a private network. To allow it, add the host to the system "
                "parameter %s.",
                ALLOWED_ADDRESSES,
            ),
        }[reason]
