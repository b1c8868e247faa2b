"""Block or report: a user records that a person blocked or reported us.

Called by leads, contacts and messages. The only confirmed source: Meta does not report who it was.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.tools.labels import dialog_action, selection_labels

# A report without a message is about the last one within this time.
REPORTED_PERIOD = timedelta(days=30)

KINDS = {
    "block": ("customer_block",),
    "report": ("customer_report",),
    "both": ("customer_block", "customer_report"),
}


class WabaReportBlock(models.TransientModel):
    _name = "waba.report.block"
    _description = "Report of a Block"
    _inherit = ["waba.person.word"]

    message_id = fields.Many2one("waba.message", readonly=True, system=False, ondelete="cascade")
    what = fields.Selection(
        [
            ("block", "Blocked us"),
            ("report", "Reported us to WhatsApp"),
            ("both", "Blocked and reported us"),
        ],
        required=True,
        default="block",
    )
    note = fields.Text("Details", required=True)
    stop_promotions = fields.Boolean("Opt out of promotions", default=True)

    @api.depends("message_id")
    def _compute_person_name(self):
        return super()._compute_person_name()

    @api.model
    def _open(self, **subject):
        """Return the action that asks what the person said.

        :param subject: `res_model` and `res_id`, or `message_id`
        """
        return dialog_action(self, self.env._("Report a block"), **subject)

    def action_confirm(self):
        """Record the evidence, and the opt-out if chosen."""
        self.ensure_one()
        self._check_date()
        if self.message_id:
            self.message_id.check_access("read")
        record = self._get_record()
        if record is None and self.message_id:
            record = self.message_id._get_record()
        person, account = self._find_person(record)
        about = self._variant_message(person, account)
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": kind,
                    "source": "person",
                    "at": self.at,
                    "user_id": self.env.uid,
                    "recipient_id": person.id,
                    "message_id": about.id,
                    "account_id": account.id,
                    "detail": self.env._(
                        'Reported by %(user)s: "%(note)s"', user=self.env.user.name, note=self.note
                    ),
                    # Two reports of one person on one day are one event.
                    "event_key": f"person:{kind}:{person.id}:{self.at.date()}",
                }
                for kind in KINDS[self.what]
            ]
        )
        if self.stop_promotions:
            person._set_marketing_state(
                "opted_out",
                "person",
                self.note,
                at=self.at,
                message=about,
                company=account.company_id,
            )
        text = self.env._(
            '%(what)s: "%(note)s" (recorded by %(user)s).',
            what=selection_labels(self, "what")[self.what],
            note=self.note,
            user=self.env.user.name,
        )
        self._post_note(record, text)
        return {"type": "ir.actions.act_window_close"}

    def _get_subject(self):
        return self.message_id or super()._get_subject()

    def _find_person(self, record):
        """Return the person, and the account with a row of them.

        :return: (waba.recipient, waba.account), both as superuser
        :raise UserError: there is no number, it is one of ours, or no account is connected
        """
        message = self.message_id.sudo()
        if not message and record is not None:
            message = (
                self.env["waba.message"]
                .sudo()
                .search(
                    [
                        ("res_model", "=", record._name),
                        ("res_id", "=", record.id),
                        ("company_id", "in", self.env.companies.ids),
                    ],
                    order="id desc",
                    limit=1,
                )
            )
        if message.recipient_id:
            return message.recipient_id, message.account_id
        accounts = self.env["waba.account"].sudo()
        account = accounts.search(
            [("company_id", "=", self.env.company.id), ("portfolio_id", "!=", False)], limit=1
        )
        linked = self.env["waba.recipient"]
        number = linked._number_of(record) if record is not None else ""
        if record is not None and not number:
            linked = record._waba_linked(account.portfolio_id)[record.id][:1]
        if linked:
            return linked, account
        if not (account and number):
            raise UserError(
                self.env._(
                    "Not recorded: no valid phone number, or no connected WhatsApp account."
                )
            )
        people = self.env["waba.recipient"].sudo()
        people._check_not_own([number])
        return people._find_or_create_by_number(account.portfolio_id, [number])[number], account

    def _variant_message(self, person, account):
        """Return the message it is about: that of the dialog, else the last one before."""
        message = self.message_id.sudo()
        if message.direction == "in":
            message = message.reply_to_id
        return message or message.search(
            [
                ("recipient_id", "=", person.id),
                ("company_id", "=", account.company_id.id),
                ("direction", "=", "out"),
                ("accepted_at", "<=", self.at),
                ("accepted_at", ">", self.at - REPORTED_PERIOD),
            ],
            order="accepted_at desc, id desc",
            limit=1,
        )


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    def action_waba_log_block(self):
        """Record that this person says they blocked or reported us."""
        self.ensure_one()
        return self.env["waba.report.block"]._open(res_model=self._name, res_id=self.id)


class WabaMessage(models.Model):
    _inherit = "waba.message"

    def action_waba_log_block(self):
        """Record that this person says they blocked or reported us."""
        self.ensure_one()
        return self.env["waba.report.block"]._open(message_id=self.id)
