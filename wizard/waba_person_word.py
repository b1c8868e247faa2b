"""Base of the dialogs in which a user records what a person said: who, when, on which record.

Used by waba_consent_note.py and waba_report_block.py.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError


class WabaPersonWord(models.AbstractModel):
    _name = "waba.person.word"
    _description = "Statement of a person"
    _inherit = ["waba.system.fields.mixin"]

    # The person is that of the record for which the dialog was opened.
    res_model = fields.Char("Record's model", readonly=True, system=False)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", readonly=True, system=False
    )
    person_name = fields.Char("Person", compute="_compute_person_name")
    at = fields.Datetime("Date", required=True, default=fields.Datetime.now)

    @api.depends("res_model", "res_id")
    def _compute_person_name(self):
        for wizard in self:
            wizard.person_name = wizard._subject_name()

    def _subject_name(self):
        """The person's name; a lead is titled by what they want."""
        subject = self._get_subject()
        if not subject:
            return False
        facts = subject._waba_person_facts() if hasattr(subject, "_waba_person_facts") else {}
        return facts.get("name") or subject.display_name

    def _get_subject(self):
        """Return the record that represents the person on screen."""
        return self._get_record()

    def _get_record(self):
        """Return the lead or contact, or None.

        :raise AccessError: the user may not read it
        """
        self.ensure_one()
        models_of_people = dict(self.env["waba.person.mixin"]._waba_target_models())
        if not self.res_id or self.res_model not in models_of_people:
            return None
        record = self.env[self.res_model].browse(self.res_id)
        record.check_access("read")
        return record

    def _check_date(self):
        if self.at > fields.Datetime.now():
            raise UserError(self.env._("The date is in the future. Enter when it was said."))

    def _post_note(self, record, text):
        """Log a note on the record, if there is one."""
        if record is not None:
            author = self.env.user.partner_id
            record.sudo()._message_log(body=text, author_id=author.id)
