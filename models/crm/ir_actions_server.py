"""CRM: the server actions "Send WhatsApp template" and "Start a WhatsApp follow-up", for automation
rules, jobs and buttons.

Called by Odoo when the action runs; queues messages through `waba.message._queue_direct`, or
enrolls the records.
"""

import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

# Models with a phone number; records of other models need a contact.
PERSON_MODELS = ("crm.lead", "res.partner")


class IrActionsServer(models.Model):
    """An action only queues messages: limits, pace, quiet hours and consent apply as to all others.

    One action messages one record once in `waba_repeat_hours`, however often it is run. Records are
    enrolled as by the follow-up's own triggers: who cannot be enrolled is ignored.
    """

    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[
            ("waba_template", "Send WhatsApp template"),
            ("waba_followup", "Start a WhatsApp follow-up"),
            ("followers",),
        ],
        ondelete={"waba_template": "cascade", "waba_followup": "cascade"},
    )
    waba_sequence_id = fields.Many2one(
        "waba.sequence", "WhatsApp follow-up", ondelete="restrict", index="btree_not_null",
        domain="[('res_model', '=', model_name)]",
    )  # fmt: skip
    waba_template_id = fields.Many2one(
        "waba.template", "WhatsApp template", ondelete="restrict", index="btree_not_null",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False)]",
    )  # fmt: skip
    waba_sender_id = fields.Many2one(
        "waba.sender", "WhatsApp number", ondelete="restrict", index="btree_not_null",
        domain="[('account_id', '=', waba_account_id)]",
    )  # fmt: skip
    waba_account_id = fields.Many2one(related="waba_template_id.account_id")
    waba_variable_ids = fields.One2many(
        "waba.action.variable", "action_id", string="Template variables", copy=True
    )
    waba_repeat_hours = fields.Integer(
        "Frequency",
        default=24,
        help="0: every time the action runs.",
    )

    @api.model
    def _warning_depends(self):
        return [
            *super()._warning_depends(),
            "model_id", "state", "waba_template_id", "waba_sender_id", "waba_variable_ids",
            "waba_sequence_id",
        ]  # fmt: skip

    def _name_depends(self):
        return [*super()._name_depends(), "waba_template_id", "waba_sequence_id"]

    def _generate_action_name(self):
        self.ensure_one()
        if self.state == "waba_template" and self.waba_template_id:
            return self.env._("Send WhatsApp %s", self.waba_template_id.display_name)
        if self.state == "waba_followup" and self.waba_sequence_id:
            return self.env._("Start WhatsApp follow-up %s", self.waba_sequence_id.name)
        return super()._generate_action_name()

    def _get_warning_messages(self):
        self.ensure_one()
        warnings = super()._get_warning_messages()
        if self.state == "waba_template":
            warnings += self._waba_configuration_errors()
        if self.state == "waba_followup" and self.waba_sequence_id:
            warnings += self._waba_followup_errors()
        return warnings

    def _waba_followup_errors(self):
        """[sentence]: why the action would enroll nobody."""
        sequence = self.waba_sequence_id.sudo()
        if self.model_id.model != sequence.res_model:
            return [self.env._("The follow-up is for other records. Choose another one.")]
        if sequence.state != "active":
            return [self.env._("%s is not running. Start it first.", sequence.name)]
        return []

    def _waba_configuration_errors(self):
        """[sentence]: errors in the configuration that keep the action from being run."""
        problems = []
        if self.model_id and self._waba_contact_field() is None:
            problems.append(
                self.env._(
                    "%s has no contact. Choose leads, contacts or a model with a contact.",
                    self.model_id.name,
                )
            )
        sender, template = self.waba_sender_id, self.waba_template_id
        if sender and template and sender.account_id != template.account_id:
            problems.append(
                self.env._(
                    "Template %(template)s and number %(number)s belong to different accounts. "
                    "Choose a number of the template's account.",
                    template=template.display_name,
                    number=sender.display_name,
                )
            )
        if missing := self.waba_variable_ids.filtered(lambda line: not line._is_complete()):
            problems.append(
                self.env._(
                    "Set a value for %s.", ", ".join(line._placeholder_label() for line in missing)
                )
            )
        return problems

    @api.onchange("waba_template_id")
    def _onchange_waba_template_id(self):
        lines = self.env["waba.action.variable"]
        self.waba_variable_ids = [
            fields.Command.clear(), *lines._copy_commands(self.waba_template_id.variable_ids)
        ]  # fmt: skip
        senders = self.waba_template_id.account_id.sender_ids
        if self.waba_sender_id not in senders:
            self.waba_sender_id = senders if len(senders) == 1 else False

    @api.model_create_multi
    def create(self, vals_list):
        actions = super().create(vals_list)
        actions.filtered(lambda one: not one.waba_variable_ids)._waba_load_variables()
        return actions

    def write(self, vals):
        result = super().write(vals)
        if "waba_template_id" in vals and "waba_variable_ids" not in vals:
            self._waba_load_variables()
        return result

    def _waba_load_variables(self):
        """Replace the variables by those of the template, with its default mapping."""
        for action in self.filtered(lambda one: one.waba_template_id or one.waba_variable_ids):
            lines = action.waba_variable_ids
            action.waba_variable_ids = [
                fields.Command.clear(),
                *lines._copy_commands(action.waba_template_id.sudo().variable_ids),
            ]

    # === Recipient ===

    def _waba_contact_field(self):
        """Name of the field with the contact; '' for a lead or contact itself; None without one."""
        name = self.model_id.model
        if name in PERSON_MODELS:
            return ""
        if name not in self.env:
            return None
        model = self.env[name]
        candidates = [*model._mail_get_partner_fields(), "partner_id"]
        return next(
            (
                field
                for field in candidates
                if field in model._fields and model._fields[field].comodel_name == "res.partner"
            ),
            None,
        )

    def _waba_read_model(self):
        """The model that variables of kind 'a field of the record' are read from."""
        return self.model_id.model if self.model_id.model in PERSON_MODELS else "res.partner"

    def _waba_contact_record(self, record):
        way = self._waba_contact_field()
        return record[way][:1] if way else record

    # === Running ===

    def _run_action_waba_template_multi(self, eval_context=None):
        """Queue one message per record; an error is logged on its record and stops no other."""
        records = eval_context.get("records") or eval_context.get("record")
        if not records or not self.waba_template_id or self._is_recompute():
            return False
        for record in records:
            try:
                with self.env.cr.savepoint():
                    self._waba_queue_message(record.sudo())
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception:
                _logger.exception(
                    "ir.actions.server %s: no WhatsApp message for %s", self.id, record
                )
                self._waba_log_failure(record)
        return False

    def _run_action_waba_followup_multi(self, eval_context=None):
        """Enroll the records; an event, so a follow-up that is paused enrolls none."""
        records = eval_context.get("records") or eval_context.get("record")
        if records and self.waba_sequence_id:
            self.waba_sequence_id.sudo()._enroll_leads(records.sudo())
        return False

    def _waba_queue_message(self, record):
        """Queue the message of one record, or log on it why there is none."""
        person = self._waba_contact_record(record)
        if not person:
            self._waba_log_note(record, self.env._("no contact is set. Add one to the record."))
            return
        if self._waba_messaged_recently(record):
            return
        row = self.env["waba.message"]._queue_direct(
            self.waba_sender_id or self.waba_template_id.account_id.sender_ids[:1],
            person,
            origin="action",
            template=self.waba_template_id,
            variables=self.waba_variable_ids,
            user=record.user_id if "user_id" in record._fields else None,
            reader=self._waba_reading_user(),
            origin_key=self._waba_origin_key(record),
            values={"action_id": self.id},
        )
        if row.state == "skipped":
            self._waba_log_note(record, row.failure_reason)

    def _waba_reading_user(self):
        """The user with whose rights fields are read for the text: an internal user who caused the
        run; otherwise, for a job or a visitor, the administrator who last changed the action."""
        user = self.env.user
        if user._is_internal() and user.id != SUPERUSER_ID:
            return user
        return self.sudo().write_uid.filtered("active")

    def _waba_repeat_period(self):
        """Number of the current period of `waba_repeat_hours`."""
        span = self.waba_repeat_hours * 3600
        now = int(fields.Datetime.now().timestamp())
        return now // span

    def _waba_origin_key(self, record, period=None):
        """Key of action, record and period, which at most one message has; None without a period.

        Concurrent runs, whose transactions do not see each other, have the same key. Runs on both
        sides of the end of a period do not: `_waba_messaged_recently` covers those.
        """
        if not self.waba_repeat_hours:
            return None
        if period is None:
            period = self._waba_repeat_period()
        return f"action:{self.id}:{record._name},{record.id}:{period}"

    def _waba_messaged_recently(self, record):
        """Whether the action messaged the record in the period before, within the hours set."""
        if not self.waba_repeat_hours:
            return False
        before = self.env["waba.message"]._find_by_origin_key(
            [self._waba_origin_key(record, self._waba_repeat_period() - 1)]
        )
        since = fields.Datetime.now() - timedelta(hours=self.waba_repeat_hours)
        return bool(before) and before.sudo().create_date > since

    def _waba_log_failure(self, record):
        try:
            with self.env.cr.savepoint():
                self._waba_log_note(record, self.env._("an error occurred. See the server log."))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("ir.actions.server %s: nor a note on %s", self.id, record)

    def _waba_log_note(self, record, why):
        """Log on the record why it got no message."""
        if hasattr(record, "_message_log"):
            record.sudo()._message_log(
                body=self.env._(
                    "WhatsApp template %(template)s not sent: %(why)s",
                    template=self.waba_template_id.display_name,
                    why=why or "",
                )
            )


class WabaActionVariable(models.Model):
    """A variable as one server action fills it."""

    _name = "waba.action.variable"
    _description = "WhatsApp Action Variable"
    _inherit = ["waba.variable.mixin"]

    action_id = fields.Many2one("ir.actions.server", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="action_id.waba_template_id.company_id")

    def _path_models(self):
        return [self.action_id._waba_read_model()] if self.action_id.model_id else []

    def _filled_template(self):
        return self.action_id.waba_template_id
