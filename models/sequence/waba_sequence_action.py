"""Follow-ups: what the steps of each kind do, with the rights of the follow-up's reader.

Called by the job in waba_sequence_run.py: `_do_<kind>` for all enrollments at one step.
"""

from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import plaintext2html

from ..dispatch.waba_message_queue import Addressee
from ..tools.field_paths import SECRET_NAMES, TECHNICAL_MODELS

# Types of fields that a text can be written to.
WRITABLE_TYPES = ("char", "text", "integer", "float", "monetary", "boolean", "date", "datetime",
                  "selection", "many2one")  # fmt: skip

# Kinds of steps that only leads have.
LEAD_KINDS = ("stage", "tags")


class WabaSequenceStep(models.Model):
    _inherit = "waba.sequence.step"

    stage_id = fields.Many2one("crm.stage", ondelete="restrict", index="btree_not_null")
    tag_ids = fields.Many2many("crm.tag", "waba_sequence_step_tag_rel", string="Add tags")
    removed_tag_ids = fields.Many2many(
        "crm.tag", "waba_sequence_step_removed_tag_rel", string="Remove tags"
    )
    assigned_user_id = fields.Many2one(
        "res.users", "Salesperson", ondelete="restrict", index="btree_not_null",
        domain="[('share', '=', False)]",
    )  # fmt: skip
    field_name = fields.Char("Field")
    field_value = fields.Char("Value", help="Empty: the field is cleared.")
    action_id = fields.Many2one(
        "ir.actions.server", "Server action", ondelete="restrict", index="btree_not_null",
        domain="[('model_id.model', '=', res_model), ('usage', '=', 'ir_actions_server')]",
    )  # fmt: skip
    webhook_id = fields.Many2one(
        "waba.outgoing.webhook", check_company=True, ondelete="restrict",
        index="btree_not_null", domain="[('company_id', '=', company_id)]",
    )  # fmt: skip
    res_model = fields.Selection(related="sequence_id.res_model")

    def _action_missing_text(self):
        """What an action step lacks, or may not do, as a sentence; False if nothing."""
        self.ensure_one()
        record = self.sequence_id._reader_records()
        if self.kind in LEAD_KINDS and self.sequence_id._record_model() != "crm.lead":
            return self.env._("Only leads have stages and tags. Choose another action.")
        if self.kind == "stage":
            return not self.stage_id and self.env._("Choose a stage.")
        if self.kind == "tags":
            return not (self.tag_ids | self.removed_tag_ids) and self.env._("Choose tags.")
        if self.kind == "salesperson":
            if "user_id" not in record._fields:
                return self.env._("These records have no salesperson. Choose another action.")
            return not self.assigned_user_id and self.env._("Choose a salesperson.")
        if self.kind == "field":
            return self._field_refusal(record)
        if self.kind == "webhook":
            return not self.webhook_id and self.env._("Choose a webhook.")
        if self.kind == "action":
            return self._server_action_refusal(record)
        return False

    def _field_refusal(self, record):
        """Why the field cannot be set with the rights of the record's environment, or False."""
        field = record._fields.get(self.field_name or "")
        if field is None:
            return self.env._("Choose a field.")
        refused = (
            field.readonly
            or field.type not in WRITABLE_TYPES
            or bool(SECRET_NAMES.search(field.name))
            or (field.relational and TECHNICAL_MODELS.match(field.comodel_name))
            or not record._has_field_access(field, "write")
        )  # fmt: skip
        if refused:
            return self.env._(
                "The field %s cannot be set by a follow-up. Choose another one.",
                field._description_string(self.env),
            )
        try:
            self._parsed_value(record)
        except (ValueError, TypeError):
            return self.env._(
                "“%(value)s” is no value of %(field)s. Enter another one.",
                value=self.field_value,
                field=field._description_string(self.env),
            )
        return False

    def _parsed_value(self, record):
        """The value to write.

        :raise ValueError: it is none of this field
        """
        field, text = record._fields[self.field_name], (self.field_value or "").strip()
        if field.type == "boolean":
            return text.lower() in ("1", "true", "yes", "x")
        if not text:
            return False
        if field.type == "integer":
            return int(text)
        if field.type in ("float", "monetary"):
            return float(text)
        if field.type in ("date", "datetime"):
            return field.to_date(text) if field.type == "date" else field.to_datetime(text)
        if field.type == "selection":
            choices = field._description_selection(self.env)
            found = [key for key, label in choices if text in (key, label)]
            if not found:
                raise ValueError(text)
            return found[0]
        if field.type == "many2one":
            found = record.env[field.comodel_name].search([("display_name", "=", text)], limit=2)
            if len(found) != 1:
                raise ValueError(text)
            return found.id
        return text

    def _server_action_refusal(self, record):
        """Why the reader may not run the server action, or False."""
        action = self.action_id.sudo()
        if not action or action.model_name != record._name:
            return self.env._("Choose a server action for these records.")
        user = record.env.user
        is_allowed = (
            bool(action.group_ids & user.all_group_ids)
            if action.group_ids
            else record.has_access("write")
        )
        if not is_allowed:
            return self.env._(
                "%(user)s may not run “%(action)s”. Choose another action.",
                user=user.name,
                action=action.name,
            )
        return False


class WabaSequenceEnrollment(models.Model):
    _inherit = "waba.sequence.enrollment"

    def _reader_targets(self):
        """The records of these, at one step, with the reader's rights.

        :raise UserError: the reader's rights cannot be used
        """
        sequence = self.sequence_id
        if why := sequence._reader_refusal_reason():
            raise UserError(why)
        return sequence._reader_records().browse([record.id for record in self._records().values()])

    def _do_template(self, step):
        """Queue the step's messages, at most one per enrollment and position.

        :return: {enrollment: waba.message}
        """
        sequence, people = step.sequence_id, self._people()
        addressees = [
            Addressee(
                people[one],
                one.user_id or sequence.user_id,
                f"sequence:{one.id}:{one.steps_done + 1}",
                {
                    "sequence_id": sequence.id,
                    "sequence_step_id": step.id,
                    "enrollment_id": one.id,
                    "fallback": step._fallback_values(),
                },
            )
            for one in self
        ]
        messages = self.env["waba.message"]._queue_many(
            step._sending_number(),
            addressees,
            origin="sequence",
            template=step.template_id,
            variables=step.variable_ids,
            reader=sequence.reader_id,
            topic=sequence.topic_id,
        )
        return dict(zip(self, messages, strict=True))

    def _do_activity(self, step):
        for one, record in self._records().items():
            user = one._activity_user()
            record.activity_schedule(
                activity_type_id=step.activity_type_id.id,
                summary=step.summary or step.sequence_id.name,
                note=plaintext2html(step.note) if step.note else False,
                date_deadline=fields.Date.context_today(record.with_user(user))
                + timedelta(days=step.deadline_days),
                user_id=user.id,
            )

    def _activity_user(self):
        """The user for its activities: an active salesperson or responsible, else none."""
        users = (self.user_id, self.sequence_id.user_id)
        return next((user for user in users if user.active), self.env["res.users"])

    def _do_branch(self, step):
        """Nothing: its branches are decided."""

    def _do_stop(self, step):
        """Nothing: no step follows."""

    def _do_stage(self, step):
        self._reader_targets().stage_id = step.stage_id

    def _do_tags(self, step):
        commands = [fields.Command.link(tag.id) for tag in step.tag_ids]
        commands += [fields.Command.unlink(tag.id) for tag in step.removed_tag_ids]
        self._reader_targets().write({"tag_ids": commands})

    def _do_salesperson(self, step):
        self._reader_targets().user_id = step.assigned_user_id

    def _do_field(self, step):
        records = self._reader_targets()
        if why := step._field_refusal(records):
            raise UserError(why)
        records.write({step.field_name: step._parsed_value(records)})

    def _do_action(self, step):
        records = self._reader_targets()
        if why := step._server_action_refusal(records):
            raise AccessError(why)
        for record in records:
            step.action_id.with_env(records.env).with_context(
                active_model=record._name, active_id=record.id, active_ids=record.ids
            ).run()

    def _do_webhook(self, step):
        """Queue one event for each; a job sends it."""
        for one, record in self._records().items():
            step.sudo().webhook_id._post(
                "step",
                record,
                {"follow_up": step.sequence_id.name, "step": step.position, "enrollment": one.id},
                key=f"sequence:{one.id}:{one.steps_done + 1}",
            )
