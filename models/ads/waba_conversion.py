"""Ads: conversions: one row per lead and event, written with the lead's change.

Called by crm_lead.py (`_record_changes`), the consent log and the erasure of personal data; sent by
waba_conversion_send.py.
"""

import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...cloud_api.conversions import UNWON_NAME, WON_NAME
from ...policy import conversions as policy
from ..tools.figures import UnknownMonetary
from ..tools.hooks import implements
from ..tools.labels import NO_AD, has_orders, selection_labels

KINDS = [("qualified", "Qualified"), ("won", "Won"), ("unwon", "Won taken back")]
STATES = [
    ("queued", "Queued"),
    ("sent", "Sent"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]

# Fields of a lead that decide whether it is qualified or won, and what that is worth.
LEAD_FIELDS = frozenset(("stage_id", "probability", "active", "waba_ctwa_clid"))


class WabaConversion(models.Model):
    """One event of one lead: qualified, won, or a reported win taken back.

    `queued → sent | failed | cancelled`. A row is written in the transaction of the lead's change
    and exists once, so the event is reported once; `event_uid` is the same in each attempt, by
    which Meta recognises a repetition. A win that is undone cancels its row before the first
    attempt. Later Meta offers nothing that takes an event back: an `unwon` row reports the order as
    cancelled. Entry points: `_record_changes`, `_cancel_for_people`, `_cron_send`.
    """

    _name = "waba.conversion"
    _description = "WhatsApp Conversion"
    _inherit = ["waba.system.fields.mixin"]
    _order = "event_at desc, id desc"
    _rec_name = "kind"

    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="set null")
    kind = fields.Selection(KINDS, "Event", required=True, readonly=True)
    event_name = fields.Char("Meta event", required=True, readonly=True)
    event_uid = fields.Char(
        "Event ID", required=True, readonly=True, default=lambda self: uuid.uuid4().hex
    )
    event_at = fields.Datetime("Happened on", required=True, readonly=True)
    account_id = fields.Many2one(
        "waba.account", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    recipient_id = fields.Many2one(
        "waba.recipient", "Person", readonly=True, ondelete="set null", index="btree_not_null"
    )
    ad_id = fields.Many2one(
        "waba.ad", readonly=True, ondelete="set null", index=True, falsy_value_label=NO_AD
    )
    ctwa_clid = fields.Char("Ad click ID", readonly=True)
    value = UnknownMonetary(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    # Sending
    state = fields.Selection(STATES, default="queued", required=True, readonly=True)
    reason = fields.Char(readonly=True)
    cancel_cause = fields.Char(readonly=True)
    attempt_count = fields.Integer("Attempts", default=0, readonly=True, aggregator=None)
    first_attempt_at = fields.Datetime("First attempt", readonly=True)
    retry_at = fields.Datetime("Next attempt", default=fields.Datetime.now, readonly=True)
    is_unknown = fields.Boolean(
        "Unconfirmed", readonly=True, help="An attempt had no answer: Meta may have received it."
    )
    sent_at = fields.Datetime("Sent at", readonly=True)
    error_code = fields.Integer("Meta error code", readonly=True, aggregator=None)
    fbtrace_id = fields.Char("Meta trace ID", readonly=True)

    _one_per_lead = models.UniqueIndex("(lead_id, kind) WHERE lead_id IS NOT NULL")
    # A merged lead does not report again what one of its parts has reported.
    _one_per_click = models.UniqueIndex("(ctwa_clid, kind) WHERE ctwa_clid IS NOT NULL")
    _event_uid_uniq = models.UniqueIndex("(event_uid)")
    _due_idx = models.Index("(retry_at, id) WHERE state = 'queued'")

    @api.depends("kind", "lead_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = selection_labels(self, "kind")
        for row in self:
            label = labels.get(row.kind, "")
            name = row.sudo().lead_id.display_name
            row.display_name = f"{label}: {name}" if name else label

    # === Changes of leads ===

    @api.model
    def _record_changes(self, leads, names):
        """Record what a change of these leads means, in its transaction.

        :param names: the fields that were written
        """
        if LEAD_FIELDS.isdisjoint(names):
            return
        for lead in leads.sudo().filtered("waba_ctwa_clid"):
            click = self.sudo()._find_click(lead)
            if click.account_id._reports_conversions():
                self.sudo()._record_lead(lead, click)

    @api.model
    def _find_click(self, lead):
        """The message with which the person came from the ad."""
        return self.env["waba.message"].search(
            [("ctwa_clid", "=", lead.waba_ctwa_clid), ("direction", "=", "in")],
            order="id",
            limit=1,
        )

    def _record_lead(self, lead, click):
        is_won = lead.won_status == "won"
        account = click.account_id
        is_qualified = account._is_qualified(lead) or (is_won and bool(account.qualified_stage_id))
        self._record_fact(lead, click, "qualified", account.qualified_event, is_qualified)
        won = self._record_fact(lead, click, "won", WON_NAME, is_won)
        if won._may_be_known() or self._find_row(lead, "unwon"):
            self._record_fact(lead, click, "unwon", UNWON_NAME, not is_won)
        self._send_cron()._trigger()

    @api.model
    def _find_row(self, lead, kind):
        return self.search(
            [
                ("kind", "=", kind),
                "|",
                ("lead_id", "=", lead.id),
                ("ctwa_clid", "=", lead.waba_ctwa_clid),
            ],
            limit=1,
        )

    def _record_fact(self, lead, click, kind, event_name, is_true):
        """Create the row of a fact, or cancel it while Meta does not know of it.

        :return: the row, perhaps none
        """
        row, now = self._find_row(lead, kind), fields.Datetime.now()
        if not row:
            return self._create_row(lead, click, kind, event_name) if is_true else row
        if not is_true and not row._may_be_known() and row.state in ("queued", "failed"):
            row._cancel("undone", self.env._("Not sent: the lead changed back before."))
        elif is_true and row.state == "cancelled" and row.cancel_cause == "undone":
            row.write(
                {"state": "queued", "event_at": now, "retry_at": now, "reason": False,
                 "cancel_cause": False}
            )  # fmt: skip
        return row

    def _create_row(self, lead, click, kind, event_name):
        return self.create(
            {
                "lead_id": lead.id,
                "kind": kind,
                "event_name": event_name,
                "event_at": fields.Datetime.now(),
                "account_id": click.account_id.id,
                "company_id": click.company_id.id,
                "recipient_id": click.recipient_id.id,
                "ad_id": lead.waba_ad_id.id,
                "ctwa_clid": lead.waba_ctwa_clid,
                **self._lead_value(lead, kind),
            }
        )

    @api.model
    def _lead_value(self, lead, kind):
        """Confirmed orders, else the expected revenue, in the currency of the lead's company; a
        qualified lead has no value yet."""
        amount = (has_orders(self.env) and lead.sale_amount_total) or lead.expected_revenue or 0.0
        value = False if kind == "qualified" else amount
        return {"value": value, "currency_id": lead.company_currency.id}

    def _may_be_known(self):
        """Whether Meta has received this event, or may have."""
        return bool(self) and (self.state == "sent" or self.is_unknown)

    def _attempts(self):
        return policy.Attempts(self.event_at, self.first_attempt_at or None, bool(self.is_unknown))

    # === End ===

    def _cancel(self, cause, reason):
        self.write({"state": "cancelled", "cancel_cause": cause, "reason": reason})

    @api.model
    def _cancel_for_people(self, people, cause, companies=None):
        """Cancel what is not sent yet about these people.

        :param cause: 'opted_out' or 'erased'
        :param companies: whose events, by default all companies'
        """
        rows = self.search([("recipient_id", "in", people.ids), ("state", "=", "queued")])
        if companies:
            rows = rows.filtered(lambda row: row.company_id in companies)
        rows._cancel(cause, self._cause_text(cause))

    @api.model
    def _cause_text(self, cause):
        return {
            "opted_out": self.env._("Not sent: the person opted out."),
            "no_consent": self.env._("Not sent: the person has not opted in to promotions."),
            "erased": self.env._("Not sent: the person's data was erased."),
            "too_old": self.env._("Not sent: Meta accepts events of the last 7 days only."),
            "gone": self.env._("Not sent: the lead was deleted."),
            "off": self.env._("Not sent: reporting conversions was switched off."),
            "unconfirmed": self.env._(
                "Unconfirmed: Meta did not answer for 2 days. It is not sent again, since Meta "
                "could count it twice."
            ),
            "never_won": self.env._("Not sent: Meta does not know of the win."),
        }[cause]

    def action_send_again(self):
        """Queue failed events again; managers only.

        :raise UserError: Meta no longer takes one of them, or could count it twice
        """
        self.check_access("read")
        failed, now = self.sudo().filtered(lambda row: row.state == "failed"), fields.Datetime.now()
        if not failed:
            raise UserError(self.env._("Only failed events can be sent again."))
        for row in failed:
            if cause := policy.refusal(row._attempts(), now):
                raise UserError(self._cause_text(cause))
        failed.write({"state": "queued", "retry_at": now, "reason": False})
        self._send_cron()._trigger()

    def action_open_lead(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.lead",
            "res_id": self.lead_id.id,
            "views": [(False, "form")],
        }


class CrmLead(models.Model):
    _inherit = "crm.lead"

    @implements("_on_waba_merge")
    def _keep_merged_conversions(self, opportunities):
        """What a part of the merged lead has reported is not reported again."""
        rows = self.env["waba.conversion"].sudo()
        kept = rows.search([("lead_id", "=", self.id)])
        for row in rows.search([("lead_id", "in", opportunities.ids)], order="id"):
            if row.kind not in kept.mapped("kind"):
                row.lead_id = self
                kept |= row


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @implements("_on_person_merge")
    def _move_conversions(self, other):
        rows = self.env["waba.conversion"].sudo().search([("recipient_id", "=", other.id)])
        rows.recipient_id = self


class WabaConsent(models.Model):
    _inherit = "waba.consent"

    @implements("_on_consent")
    def _cancel_conversions(self):
        """An opt-out of one topic alone is none from promotions."""
        out = self.filtered(
            lambda entry: (
                (entry.purpose, entry.action) == ("marketing", "opt_out") and not entry.topic_id
            )
        )
        if out:
            self.env["waba.conversion"].sudo()._cancel_for_people(out.recipient_id, "opted_out")
