import json
from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import followup
from .waba_sequence_trigger import ENTER_CHUNK
from .waba_sequence_words import TIME_TRIGGERS


class WabaSequence(models.Model):
    """Coming in: who may, and the one row per lead, by a trigger or by a colleague's hand."""

    _inherit = "waba.sequence"

    def _find_matching(self, leads):
        """[(lead id, occasion)] of those whom the trigger would find in what is there now.

        :param leads: crm.lead in the environment whose rights decide
        """
        self.ensure_one()
        if self.trigger in TIME_TRIGGERS:
            now = fields.Datetime.now()
            since = now - timedelta(days=3650)
            return getattr(self, f"_due_by_{self.trigger}")(now, since, leads)
        if self.trigger == "manual":
            return []
        domain = {
            "stage": Domain("stage_id", "in", self.stage_ids.ids),
            "tag": Domain("tag_ids", "in", self.tag_ids.ids),
            "created": (
                (Domain("source_id", "in", self.source_ids.ids) if self.source_ids else Domain.TRUE)
                & (Domain("tag_ids", "in", self.tag_ids.ids) if self.tag_ids else Domain.TRUE)
            ),
        }[self.trigger]
        found = leads.search(domain & self._open_domain() & self._conditions_domain())
        return [(lead.id, False) for lead in found]

    def _enroll_matching(self):
        """Bring in everybody of `_find_matching`."""
        made = self.env["waba.sequence.enrollment"]
        while True:
            found = self._find_matching(self._reader_leads())
            keys = dict(found)
            new = self._enroll_leads(self.env["crm.lead"].browse(list(keys)), keys=keys)
            made |= new
            if len(found) < ENTER_CHUNK or not new or self.trigger not in TIME_TRIGGERS:
                return made

    def _open_domain(self):
        return (
            Domain("active", "=", True)
            & Domain("won_status", "=", "pending")
            & Domain("company_id", "in", (False, self.company_id.id))
        )

    def _enroll_leads(self, leads, keys=None, user=None):
        """Let these leads in, each once at a time; who may not is passed over.

        Entering twice is harmless: of two at once, the second makes nothing, or waits for the first
        and is repeated by whoever asked.

        :param keys: {lead id: occasion}, which counts once
        :param user: res.users who brings them in manually
        :return: the enrollments made
        """
        self.ensure_one()
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        if self.state != "active" or self._reader_refusal_reason():
            return enrollments
        leads = self._filter_eligible(self._reader_leads().browse(leads.ids)).sudo()
        if not leads:
            return enrollments
        now = fields.Datetime.now()
        step = self.step_ids[:1]
        due = step._due_times(leads, now)
        rows = [
            {
                "lead_id": lead.id,
                "lead_name": lead.name,
                "user_id": lead.user_id.id or None,
                "number": self.env["waba.recipient"]._number_of(lead) or None,
                "next_at": str(due[lead.id]),
                "trigger_key": (keys or {}).get(lead.id) or None,
            }
            for lead in leads
        ]
        made = enrollments.browse(self._insert_enrollments(rows, step, now, user))
        if made:
            enrollments._trigger_run(at=min(due.values()))
        return made

    def _insert_enrollments(self, rows, step, now, user):
        """Neither a lead nor a person is in it twice; the unique indexes keep that.

        :return: ids of the rows that were not there yet
        """
        enrollments = self.env["waba.sequence.enrollment"]
        enrollments.flush_model()
        found = self.env.execute_query(
            SQL(
                """INSERT INTO waba_sequence_enrollment
                          (sequence_id, company_id, state, version, step_id, steps_done,
                           waiting_since, entered_at, entered_by, entered_by_id, error_count,
                           is_to_plan, is_paused, create_date, write_date,
                           lead_id, lead_name, user_id, number, next_at, due_at, trigger_key)
                   SELECT %(sequence)s, %(company)s, 'running', %(version)s, %(step)s, 0,
                          %(now)s, %(now)s, %(by)s, %(user)s, 0,
                          FALSE, FALSE, %(now)s, %(now)s,
                          lead_id, lead_name, user_id, number, next_at, next_at, trigger_key
                     FROM jsonb_to_recordset(%(rows)s) AS v(lead_id integer, lead_name varchar,
                          user_id integer, number varchar, next_at timestamp, trigger_key varchar)
                 ORDER BY lead_id
                   ON CONFLICT DO NOTHING
                RETURNING id""",
                sequence=self.id,
                company=self.company_id.id,
                version=self.version,
                step=step.id,
                now=now,
                by="manual" if user else self.trigger,
                user=user.id if user else None,
                rows=json.dumps(rows),
            )
        )
        enrollments.invalidate_model()
        self.env["crm.lead"].invalidate_model(["waba_enrollment_ids"])
        return [row_id for (row_id,) in found]

    def _filter_eligible(self, leads):
        """Those of `leads` that may come in now: open, of the company, meeting the conditions, as
        the user of their environment reads them."""
        if not leads or not self.step_ids:
            return leads.browse()
        leads = leads.search(
            Domain("id", "in", leads.ids) & self._open_domain() & self._conditions_domain()
        )
        ended = self._last_ended(leads)
        now = fields.Datetime.now()
        return leads.filtered(
            lambda lead: followup.can_reenroll(
                self.reentry, self.reentry_days, ended.get(lead.id), now
            )
        )

    def _filter_not_enrolled(self, leads):
        """Those of `leads` that are not going through it now."""
        inside = (
            self.env["waba.sequence.enrollment"]
            .sudo()
            .search(
                [
                    ("sequence_id", "=", self.id),
                    ("lead_id", "in", leads.ids),
                    ("state", "=", "running"),
                ]
            )
        )
        return leads - inside.lead_id.with_env(leads.env)

    def _last_ended(self, leads):
        """{lead id: when it last went out}; a lead that is in has not."""
        groups = (
            self.env["waba.sequence.enrollment"]
            .sudo()
            ._read_group(
                [
                    ("sequence_id", "=", self.id),
                    ("lead_id", "in", leads.ids),
                    ("state", "!=", "running"),
                ],
                ["lead_id"],
                ["ended_at:max"],
            )
        )
        return {lead.id: ended_at for lead, ended_at in groups}

    def _enroll_manually(self, leads):
        """A colleague brings leads in, whatever the trigger.

        :return: the enrollments made
        """
        self.ensure_one()
        self.check_access("read")
        leads = leads.with_env(self.env)
        leads.check_access("write")
        if self.sudo().state != "active":
            raise UserError(
                self.env._("%s does not run: a manager starts it on its page.", self.display_name)
            )
        return self.sudo()._enroll_leads(leads, user=self.env.user)
