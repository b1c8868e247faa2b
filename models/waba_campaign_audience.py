import logging

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..policy import attribution
from .languages import with_language
from .transactions import commit_step

_logger = logging.getLogger(__name__)

# Rows made in one transaction. What is read again for each of them then weighs little.
CHUNK = 2000
MAX_HOLDOUT_PERCENT = 50


class WabaCampaign(models.Model):
    """From records to rows, step by step (waba_campaign_rows.py makes the rows themselves).

    Rows are made in committed chunks in the order of the records' ids; `prepared_until_id` is
    committed with them, so an interrupted preparation goes on where it stopped. Everything is read
    with the rights of the user who launched the campaign (waba_campaign_rights.py).
    """

    _inherit = "waba.campaign"

    holdout_percent = fields.Integer(
        "Not written to, to compare (%)",
        copy=False,
        help="That part of the audience, drawn by chance, is left out. What becomes of them is "
        "what would have become of the others without this campaign.",
    )

    @api.constrains("holdout_percent")
    def _check_holdout_percent(self):
        for campaign in self:
            if not 0 <= campaign.holdout_percent <= MAX_HOLDOUT_PERCENT:
                raise ValidationError(
                    self.env._(
                        "Leave out 0 to %s %% of the audience: most of it must be written to.",
                        MAX_HOLDOUT_PERCENT,
                    )
                )

    @api.model
    def _prepare_cron(self):
        return self.env.ref("waba_campaign.ir_cron_prepare_audiences").sudo()

    @api.model
    def _cron_prepare(self):
        """Start what is due, then make the rows of every campaign in preparation."""
        commit_step(self.env, self._start_scheduled)
        for campaign in self.search([("state", "=", "preparing")], order="priority desc, id"):
            # The launcher's language: values are written as they were previewed.
            if not with_language(campaign.launched_by_id, campaign)._prepare_or_pause():
                self._prepare_cron()._trigger()
                return

    @api.model
    def _start_scheduled(self):
        now = fields.Datetime.now()
        scheduled = self.search([("state", "=", "scheduled")])
        due = scheduled.filtered(lambda c: not c.scheduled_at or c.scheduled_at <= now)
        for campaign in due:
            with_language(campaign.launched_by_id, campaign)._start_due()
        if later := (scheduled - due).mapped("scheduled_at"):
            self._prepare_cron()._trigger(at=min(later))

    def _start_due(self):
        """The scheduled time has come. What was checked at the launch may have changed since."""
        self.ensure_one()
        self._update_state(
            ("scheduled",), "preparing", {"template_signature": self.template_id.signature}
        )
        if reason := self._launch_refusal_reason():
            self._pause(reason, cause="launcher")
            return
        launchers = self._with_launcher()
        self.write({"to_prepare_count": launchers._audience_records_count()})
        self._start_ab_test()
        if reason := self._unusable_templates_reason():
            self._pause(reason, cause="template")
            return
        try:
            launchers._check_launch()
        except UserError as error:
            self._pause(str(error), cause="preflight")

    def _prepare_or_pause(self):
        """As `_prepare_all`; a campaign that cannot be prepared waits, and the others go on."""
        try:
            return self._prepare_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.campaign %s: the audience could not be prepared", self.id)
            reason = self.env._(
                "The audience could not be prepared: %s. Check the filter and the variables; if "
                "they cannot be mended here, cancel and duplicate the campaign.",
                error,
            )
            commit_step(self.env, lambda: self._pause(reason))
            return True

    def _prepare_all(self):
        """Prepare chunk by chunk; False when the job's time is over before the end."""
        while True:
            made = commit_step(self.env, self._prepare_chunk)
            if not made:
                return True
            # What was read for these people is not read again, and would fill the memory.
            self.env.invalidate_all()
            if not self.env["ir.cron"]._commit_progress(made):
                return False

    def _prepare_chunk(self):
        """Make the rows of the next CHUNK records. The caller commits.

        :return: records handled; 0 when the preparation is over (or no longer wanted)
        """
        self.ensure_one()
        if self.state != "preparing":
            return 0
        if reason := self._launcher_refusal_reason():
            self._pause(reason, cause="launcher")
            return 0
        records = self._launcher_records().search_fetch(
            Domain(self._audience_domain_list()) & Domain("id", ">", self.prepared_until_id),
            self._audience_field_names(self._launcher_records()),
            order="id",
            limit=CHUNK,
        )
        if not records:
            self._update_state(("preparing",), "running", {"to_prepare_count": self.prepared_count})
            self._clear_approved_fingerprints()
            self._finish_if_complete()
            self.sender_id._trigger_dispatch()
            return 0
        if reason := self._audience_changed_reason(records):
            self._pause(reason, cause="preflight")
            return 0
        self._insert_rows(self._row_values(records))
        self.write(
            {
                "prepared_until_id": records[-1].id,
                "prepared_count": self.prepared_count + len(records),
            }
        )
        return len(records)

    def _has_unprepared_records(self):
        """Whether records may still be missing from the rows."""
        self.ensure_one()
        if self.prepared_count >= self.to_prepare_count:
            return False
        if self._launcher_refusal_reason():
            return True
        return bool(
            self._launcher_records().search_count(
                Domain(self._audience_domain_list()) & Domain("id", ">", self.prepared_until_id),
                limit=1,
            )
        )

    def _is_in_holdout(self, number):
        """Whether the person with this number is excluded to compare."""
        share = self.holdout_percent / 100
        return bool(share) and attribution.is_in_holdout(f"{self.id}:{number}", share)

    def _audience_field_names(self, records):
        """Fields that each of `records` will be asked for, as far as their user may read them.

        Read together with the records: Odoo would fetch every field of the model instead.
        """
        names = {
            "phone_sanitized",
            *records._phone_get_number_fields(),
            records._phone_get_country_field(),
            *records._waba_person_fields(),
            *(self.variable_ids | self.b_variable_ids)._record_fields(),
        }
        return [
            name
            for name, field in records._fields.items()
            if name in names and field.store and records._has_field_access(field, "read")
        ]

    def _audience_records_count(self):
        self.ensure_one()
        if self.res_model not in dict(self.env["waba.person.mixin"]._waba_target_models()):
            return 0
        return self._audience_records().search_count(self._audience_domain_list())

    def _first_record(self):
        """A real person of the audience, for the preview."""
        return self._audience_records().search(self._audience_domain_list(), order="id", limit=1)
