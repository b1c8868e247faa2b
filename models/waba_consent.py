from odoo import api, fields, models
from odoo.exceptions import UserError

from .hooks import hook

APPEND_ONLY = """
CREATE OR REPLACE FUNCTION waba_consent_append_only() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('waba_campaign.erasing', TRUE) = 'on'
       AND (OLD.recipient_id, OLD.company_id, OLD.purpose, OLD.action, OLD.source, OLD.at)
           IS NOT DISTINCT FROM
           (NEW.recipient_id, NEW.company_id, NEW.purpose, NEW.action, NEW.source, NEW.at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The consent ledger is never changed nor deleted: add a new entry.';
END $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS waba_consent_never_changed ON waba_consent;
CREATE TRIGGER waba_consent_never_changed BEFORE UPDATE ON waba_consent FOR EACH ROW
    WHEN ((OLD.recipient_id, OLD.company_id, OLD.purpose, OLD.action, OLD.source, OLD.at,
           OLD.evidence)
          IS DISTINCT FROM
          (NEW.recipient_id, NEW.company_id, NEW.purpose, NEW.action, NEW.source, NEW.at,
           NEW.evidence))
    EXECUTE FUNCTION waba_consent_append_only();
DROP TRIGGER IF EXISTS waba_consent_never_deleted ON waba_consent;
CREATE TRIGGER waba_consent_never_deleted BEFORE DELETE ON waba_consent FOR EACH ROW
    EXECUTE FUNCTION waba_consent_append_only();
"""


class WabaConsent(models.Model):
    """One entry of the consent ledger: who may get what, by whose word. Never edited or deleted."""

    _name = "waba.consent"
    _description = "WhatsApp Consent"
    _inherit = ["waba.system.fields.mixin"]
    _order = "at desc, id desc"
    _rec_name = "recipient_id"

    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(
        "res.company",
        "Said to",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
        help="An opt-in holds for this company alone, an opt-out for all of them. Empty where "
        "companies share a portfolio and nothing tells which one heard it: such an opt-in "
        "holds for none.",
    )
    number = fields.Char(related="recipient_id.number", store=True, index=True)
    # Not read-only, or Odoo's import would not offer them; `write` refuses every change.
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")], required=True
    )
    # "kept": a message that might have been an opt-out was read, and was none. No yes, no no.
    action = fields.Selection(
        [("opt_in", "Opt-in"), ("opt_out", "Opt-out"), ("kept", "Kept subscribed")], required=True
    )
    source = fields.Selection(
        [
            ("form", "A form"),
            ("import", "An imported list"),
            ("reply", "Their message"),
            ("button", "A button in our message"),
            ("whatsapp", "WhatsApp's own control"),
            ("refused", "WhatsApp refused to deliver"),
            ("person", "A colleague"),
            ("provider", "A provider"),
            ("merge", "A contact merged with theirs"),
            ("erased", "An opt-out from before their data was erased"),
        ],
        required=True,
        readonly=True,
    )
    evidence = fields.Text("In words")
    at = fields.Datetime("When", required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users", "Noted by", default=lambda self: self.env.user, readonly=True
    )
    message_id = fields.Many2one(
        "waba.message", readonly=True, ondelete="set null", index="btree_not_null"
    )

    def init(self):
        """Append only for whoever reaches the table another way, too.

        The link to a message may go with the message, the evidence with a person's data.
        """
        self.env.cr.execute(APPEND_ONLY)

    @api.model_create_multi
    def create(self, vals_list):
        entries = super().create(vals_list)
        entries._record_evidence_entries()
        entries._on_consent()
        return entries

    @hook
    def _on_consent(self):
        """After these entries were added to the ledger, before the state follows from them."""

    def _record_evidence_entries(self):
        """What a colleague noted is evidence too; the other sources bring theirs themselves."""
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": entry.action,
                    "source": "person",
                    "at": entry.at,
                    "recipient_id": entry.recipient_id.id,
                    "message_id": entry.message_id.id,
                    "user_id": entry.user_id.id,
                    "account_id": entry._sending_account().id,
                    "value_after": "person",
                    "detail": entry.evidence,
                    "event_key": f"consent:{entry.id}",
                }
                for entry in self
                if (entry.source, entry.purpose) == ("person", "marketing")
                and entry.action != "kept"
                and entry._sending_account()
            ]
        )

    def _sending_account(self):
        """The company's account that the person is known by: the one they were last written to
        from, else any."""
        accounts = self.recipient_id.portfolio_id.account_ids
        if self.company_id:
            accounts = accounts.filtered(lambda account: account.company_id == self.company_id)
        last = self.env["waba.message"].search(
            [("recipient_id", "=", self.recipient_id.id), ("account_id", "in", accounts.ids)],
            order="id desc",
            limit=1,
        )
        return last.account_id or accounts[:1]

    def _company_evidence(self, companies):
        """What shows it, for these companies: what was said to another one is that one's."""
        self.ensure_one()
        return (self.evidence or "") if self.company_id in companies else ""

    def write(self, vals):
        if set(vals) - {"message_id"}:
            raise UserError(self.env._("The consent ledger is never changed: add a new entry."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The consent ledger is never deleted: add a new entry."))
