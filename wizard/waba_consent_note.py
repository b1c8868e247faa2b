from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date

from ..models.labels import label
from ..models.waba_recipient import known_by
from ..models.waba_recipient_consent import STATE_OF
from ..models.window_actions import dialog_of
from ..policy import numbers

# What a button may choose beforehand.
ASKED = ("default_purpose", "default_action")


class WabaConsentNote(models.TransientModel):
    """ "This customer told me that they want it, or do not": noted by whoever heard it."""

    _name = "waba.consent.note"
    _description = "Note what a person wants"
    _inherit = ["waba.person.word"]

    recipient_id = fields.Many2one(
        "waba.recipient", readonly=True, system=False, ondelete="cascade"
    )
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")],
        "About",
        required=True,
        default="marketing",
    )
    action = fields.Selection(
        [("opt_out", "They do not want them"), ("opt_in", "They agreed to receive them")],
        "What they said",
        required=True,
        default="opt_out",
    )
    note = fields.Text(
        "How you know", required=True, help="Kept as evidence, with your name: how and where."
    )
    on_record = fields.Text("On record now", compute="_compute_on_record")
    is_reversal = fields.Boolean(compute="_compute_on_record")
    is_confirmed = fields.Boolean("They asked for it themselves, after their opt-out")

    @api.model
    def _open(self, **subject):
        """The action that asks what a person said.

        :param subject: `res_model` and `res_id`, or `recipient_id`
        """
        dialog = dialog_of(self, self.env._("What they want"), **subject)
        asked = {name: self.env.context[name] for name in ASKED if name in self.env.context}
        return {**dialog, "context": {**asked, **dialog["context"]}}

    @api.depends("recipient_id")
    def _compute_person_name(self):
        return super()._compute_person_name()

    def _get_subject(self):
        return self.recipient_id or super()._get_subject()

    @api.depends("res_model", "res_id", "recipient_id", "purpose", "action")
    def _compute_on_record(self):
        for wizard in self:
            people = wizard._known_people()
            states = set(people.mapped(f"{wizard.purpose}_state")) if wizard.purpose else set()
            entry = people._same_person_here()._last_words().get(wizard.purpose)
            wizard.is_reversal = wizard.action == "opt_in" and "opted_out" in states
            wizard.on_record = wizard._words_on_record(entry)

    def _words_on_record(self, entry):
        if not entry:
            return self.env._("Nothing: they were never asked.")
        return self.env._(
            "%(action)s on %(date)s (%(whose_word)s). %(evidence)s",
            action=label(self.env, "action", entry.action, "waba.consent"),
            date=format_date(self.env, entry.at),
            whose_word=label(self.env, "source", entry.source, "waba.consent"),
            evidence=entry.evidence or "",
        ).strip()

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def _number(self):
        record = self._get_record()
        return self.env["waba.campaign"]._number_of(record) if record is not None else ""

    def _known_people(self):
        """The rows of the person as far as there are any, with all rights."""
        if self.recipient_id:
            self.recipient_id.check_access("read")
            return self.recipient_id.sudo()
        people, number = self.env["waba.recipient"].sudo(), self._number()
        if not number:
            return people
        of_ours = Domain("portfolio_id.account_ids.company_id", "in", self.env.companies.ids)
        return people.search(of_ours & known_by([number]))

    def _people(self):
        """The rows to note it on; whoever was not known is from now on."""
        record = self._get_record()
        if self.recipient_id or record is None:
            return self._known_people()
        number = self._number()
        if not number:
            typed = self.env["waba.campaign"]._typed_number(record)
            raise UserError(
                self.env._(
                    "“%s” is not a phone number that can be written to. Correct it on the record, "
                    "then note this again.",
                    typed,
                )
                if typed
                else self.env._("There is no phone number here to note it for. Enter it first.")
            )
        return self.env["waba.recipient"].sudo()._of_company(numbers.e164_of(number))

    # ------------------------------------------------------------------
    # Confirming
    # ------------------------------------------------------------------

    def action_confirm(self):
        self.ensure_one()
        self._check_was_said()
        if not (self.note or "").strip():
            raise UserError(self.env._("Say how you know: whoever doubts it later looks for it."))
        if self.is_reversal and not self.is_confirmed:
            raise UserError(
                self.env._(
                    "This person had opted out. Note an opt-in only when they asked for it "
                    "themselves after that, and confirm it here."
                )
            )
        people = self._people()
        people._set_consent(self.purpose, self.action, "person", self.note.strip(), at=self.at)
        if set(people.mapped(f"{self.purpose}_state")) != {STATE_OF[self.action]}:
            raise UserError(
                self.env._(
                    "Nothing changes: the person said something newer. %s",
                    self._words_on_record(people._same_person_here()._last_words().get(self.purpose)),
                )
            )
        words = self.env._(
            "WhatsApp, %(purpose)s: %(action)s. “%(note)s” – noted by %(user)s.",
            purpose=label(self.env, "purpose", self.purpose, self._name),
            action=label(self.env, "action", self.action, self._name),
            note=self.note.strip(),
            user=self.env.user.name,
        )
        self._tell(self._get_record(), words)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
