"""Consent by word of mouth: a user records an opt-in or opt-out that a person gave them.

Called by leads, contacts and recipients.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..models.consent.consent_sql import strictest_consent
from ..models.consent.waba_recipient_consent import STATE_BY_ACTION
from ..models.tools.labels import dialog_action, selection_label
from ..policy import evidence, numbers
from ..policy.eligibility import topic_consent

# Fields that a button may preset.
ASKED_DEFAULTS = ("default_purpose", "default_action")


class WabaConsentNote(models.TransientModel):
    """Dialog to record consent.

    A user who may read the lead or contact may record an opt-out. An opt-in needs evidence of how
    it was given; only a manager may revert an opt-out, on a lead or contact with write access. The
    consent log is read again for this: values sent by the screen are not trusted.
    """

    _name = "waba.consent.note"
    _description = "Record consent"
    _inherit = ["waba.person.word"]

    recipient_id = fields.Many2one(
        "waba.recipient", readonly=True, system=False, ondelete="cascade"
    )
    purpose = fields.Selection(
        [("marketing", "Promotions"), ("utility", "Service messages")],
        required=True,
        default="marketing",
    )
    topic_id = fields.Many2one("waba.topic", ondelete="cascade", help="Empty: all promotions.")
    allowed_topic_ids = fields.Many2many("waba.topic", compute="_compute_allowed_topic_ids")
    valid_until = fields.Date(
        help="The last day on which the opt-in counts; when empty, your settings decide."
    )
    action = fields.Selection(
        [("opt_out", "Opt-out"), ("opt_in", "Opt-in")],
        "What they said",
        required=True,
        default="opt_out",
    )
    heard = fields.Selection(
        [
            ("call", "Phone"),
            ("in_person", "In person"),
            ("writing", "Email or letter"),
            ("form", "Form or contract"),
            ("whatsapp", "WhatsApp"),
        ],
        "Channel",
        help="On WhatsApp: their last message is kept as evidence.",
    )
    note = fields.Text("Source", required=True, help="Saved as evidence, with your name.")
    on_record = fields.Text("On record", compute="_compute_on_record")
    is_reversal = fields.Boolean(compute="_compute_on_record")

    @api.depends("recipient_id")
    def _compute_person_name(self):
        return super()._compute_person_name()

    @api.depends("res_model", "res_id", "recipient_id")
    def _compute_allowed_topic_ids(self):
        for wizard in self:
            wizard.allowed_topic_ids = self.env["waba.topic"].search(
                [("company_id", "=", wizard._company().id)]
            )

    @api.depends("res_model", "res_id", "recipient_id", "purpose", "topic_id", "action")
    def _compute_on_record(self):
        for wizard in self:
            people = wizard._find_recipients()
            wizard.is_reversal = wizard._is_opt_out_reversal(people)
            wizard.on_record = wizard._recorded_consent_text(wizard._last_entry(people))

    @api.model
    def _open(self, **subject):
        """Return the action that asks what a person said.

        :param subject: `res_model` and `res_id`, or `recipient_id`
        """
        dialog = dialog_action(self, self.env._("Record consent"), **subject)
        asked = {
            name: self.env.context[name] for name in ASKED_DEFAULTS if name in self.env.context
        }
        return {**dialog, "context": {**asked, **dialog["context"]}}

    def action_confirm(self):
        """Record the consent entry, and a note on the record.

        :raise AccessError: only a manager may revert this opt-out
        :raise UserError: evidence is missing, or a newer entry applies
        """
        self.ensure_one()
        self._check_date()
        self._check_topic()
        self._check_evidence()
        people = self._find_or_create_recipients()
        people._check_not_own(people._number_forms())
        self._check_reversal_rights(people)
        people._set_consent(
            self.purpose,
            self.action,
            "person",
            self._evidence(),
            at=self.at,
            message=self._evidence_message(people),
            company=self._company(),
            topic=self._topic(),
            valid_until=self.valid_until or None,
        )
        if self._recorded_state(people) != STATE_BY_ACTION[self.action]:
            raise UserError(
                self.env._(
                    "Not recorded: a newer entry applies. %s",
                    self._recorded_consent_text(self._last_entry(people)),
                )
            )
        text = self.env._(
            "WhatsApp %(purpose)s: %(action)s, recorded by %(user)s. “%(note)s”",
            purpose=self._topic().name
            or selection_label(self.env, "purpose", self.purpose, self._name),
            action=selection_label(self.env, "action", self.action, self._name),
            note=self._evidence(),
            user=self.env.user.name,
        )
        self._post_note(self._get_record(), text)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    # === Person and company ===

    def _get_subject(self):
        return self.recipient_id or super()._get_subject()

    def _get_record(self):
        # With both, a record of the user's own would give access to another person's recipient.
        return None if self.recipient_id else super()._get_record()

    def _company(self):
        """Return the company that the consent is given to: the record's, else the current one."""
        record = self._get_record()
        own = record.company_id if record is not None else self.env["res.company"]
        return own if own in self.env.companies else self.env.company

    def _topic(self):
        """Return the topic, as superuser; service messages have none."""
        return self.topic_id.sudo() if self.purpose == "marketing" else self.topic_id.browse()

    def _check_topic(self):
        if self._topic() - self.allowed_topic_ids.sudo():
            raise UserError(
                self.env._("This topic belongs to another company. Choose another one.")
            )
        if self.valid_until and self.valid_until < fields.Date.today():
            raise UserError(self.env._("The opt-in has already ended. Enter a later date."))

    def _find_recipients(self):
        """Return the existing rows of the person, as superuser."""
        if self.recipient_id:
            self.recipient_id.check_access("read")
            return self.recipient_id.sudo()
        record = self._get_record()
        if record is None:
            return self.env["waba.recipient"].sudo()
        accounts = self.env["waba.account"].sudo()
        ours = accounts.search([("company_id", "in", self.env.companies.ids)])
        return record._waba_people(ours.portfolio_id)[record.id]

    def _find_or_create_recipients(self):
        """Return the rows to record it on, created when missing.

        :raise UserError: there is no valid number
        """
        record = self._get_record()
        if self.recipient_id or record is None:
            return self._find_recipients()
        number = self.env["waba.recipient"]._number_of(record)
        if not number and (linked := self._find_recipients()):
            return linked[:1]
        if not number:
            typed = self.env["waba.recipient"]._raw_number(record)
            raise UserError(
                self.env._(
                    "Not recorded: “%s” is not a valid phone number. Correct it on the record "
                    "and try "
                    "again.",
                    typed,
                )
                if typed
                else self.env._("Not recorded: there is no phone number. Enter one and try again.")
            )
        people = self.env["waba.recipient"].sudo()
        return people._company_recipient(numbers.canonical_number(number), self._company())

    # === Consent on record ===

    def _is_opt_out_reversal(self, people):
        """Return whether this opt-in would revert an opt-out on record."""
        return self.action == "opt_in" and self._recorded_state(people) == "opted_out"

    def _recorded_state(self, people):
        """Return the consent state for the company and the topic."""
        states, topic = people._consent_states(self._company()), self._topic()
        said = people._topic_states(topic)
        return strictest_consent(
            {
                topic_consent(state, said.get((topic.id, person_id)))
                for (_company, person_id, about), state in states.items()
                if about == self.purpose
            }
        )

    def _last_entry(self, people):
        return people._last_entries(self._company(), self._topic()).get(self.purpose)

    def _recorded_consent_text(self, entry):
        if not entry:
            return self.env._("No entry: never asked.")
        return self.env._(
            "%(action)s on %(date)s (%(whose_word)s). %(evidence)s",
            action=entry._action_text(),
            date=format_date(self.env, entry.at),
            whose_word=selection_label(self.env, "source", entry.source, "waba.consent"),
            evidence=entry._company_evidence(self.env.companies),
        ).strip()

    # === Evidence and rights ===

    def _check_evidence(self):
        if not (self.note or "").strip():
            raise UserError(self.env._("Enter the source: it is the evidence for this entry."))
        if self.action != "opt_in":
            return
        if not self.heard:
            raise UserError(self.env._("Choose the channel: an opt-in needs evidence."))
        if not evidence.is_verifiable(self.note):
            raise UserError(
                self.env._(
                    "“%s” is not enough evidence. Enter when, where and to what they agreed.",
                    self.note.strip(),
                )
            )

    def _check_reversal_rights(self, people):
        """Check the rights to revert an opt-out: a manager, on a record with write access.

        :raise AccessError: one of them is missing
        """
        if not self._is_opt_out_reversal(people):
            return
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(
                self.env._(
                    "This person has opted out, so only a manager can record a new opt-in. Send "
                    "your "
                    "manager the evidence."
                )
            )
        record = self._get_record()
        if record is not None:
            record.check_access("write")
        elif not self.env["waba.recipient"]._numbers_on_own_records(people._number_forms()):
            raise AccessError(
                self.env._(
                    "This person has opted out. Record the new opt-in on a lead or contact with "
                    "this "
                    "number that you can edit."
                )
            )

    def _evidence_message(self, people):
        """Return the person's last message to the company as evidence; after their opt-out, if any.

        :raise UserError: there is no such message
        """
        if self.action != "opt_in" or self.heard != "whatsapp":
            return None
        entry = self._last_entry(people)
        since = entry.at if entry and self._is_opt_out_reversal(people) else False
        message = self.env["waba.message"].sudo().search(
            [
                ("recipient_id", "in", people._same_person().ids),
                ("direction", "=", "in"),
                ("company_id", "=", self._company().id),
                *([("sent_at", ">", since)] if since else []),
            ],
            order="id desc",
            limit=1,
        )  # fmt: skip
        if not message:
            raise UserError(
                self.env._("There is no message from them since their opt-out.")
                if since
                else self.env._("There is no message from them. Choose another channel.")
            )
        return message

    def _evidence(self):
        note = self.note.strip()
        if self.action != "opt_in":
            return note
        return f"{selection_label(self.env, 'heard', self.heard, self._name)}: {note}"
