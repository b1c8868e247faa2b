from odoo import api, fields, models
from odoo.exceptions import UserError


class WabaConsent(models.Model):
    """One entry of the consent ledger: who may get what, by whose word. Never edited or deleted."""

    _name = "waba.consent"
    _description = "WhatsApp Consent"
    _order = "at desc, id desc"
    _rec_name = "recipient_id"

    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, readonly=True, ondelete="restrict", index=True
    )
    number = fields.Char(related="recipient_id.number", store=True, index=True)
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")], required=True, readonly=True
    )
    action = fields.Selection(
        [("opt_in", "Opt-in"), ("opt_out", "Opt-out")], required=True, readonly=True
    )
    source = fields.Selection(
        [
            ("reply", "Their message"),
            ("button", "A button in our message"),
            ("whatsapp", "WhatsApp's own control"),
            ("refused", "WhatsApp refused to deliver"),
            ("person", "A colleague"),
        ],
        required=True,
        readonly=True,
    )
    evidence = fields.Text(readonly=True)
    at = fields.Datetime("When", required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users", "Noted by", default=lambda self: self.env.user, readonly=True
    )
    message_id = fields.Many2one(
        "waba.message", readonly=True, ondelete="set null", index="btree_not_null"
    )

    def write(self, vals):
        if set(vals) - {"message_id"}:
            raise UserError(self.env._("The consent ledger is never changed: add a new entry."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The consent ledger is never deleted: add a new entry."))
