import json
import logging
from datetime import timedelta

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import followup
from .waba_sequence_words import TIME_TRIGGERS

_logger = logging.getLogger(__name__)

# Leads that one look of the job brings in, per follow-up.
ENTER_CHUNK = 500
# Quotations older than this are no news, whatever was written on them since.
QUOTATIONS_OF = timedelta(days=180)


class WabaSequence(models.Model):
    """Who comes in: what happens to leads, what time brings, and who is brought by hand."""

    _inherit = "waba.sequence"

    # ------------------------------------------------------------------
    # What happens to leads
    # ------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _watched(self):
        """{trigger: ids of the running follow-ups it starts}: read at every change of a lead."""
        found = {}
        for sequence in self.sudo().search([("state", "=", "active")], order="id"):
            found.setdefault(sequence.trigger, []).append(sequence.id)
        return {trigger: tuple(ids) for trigger, ids in found.items()}

    @api.model
    @tools.ormcache()
    def _is_used(self):
        """Whether there is any follow-up that a lead could be in."""
        return bool(self.sudo().search_count([("state", "!=", "draft")], limit=1))

    @api.model
    def _of_trigger(self, trigger):
        return self.sudo().browse(self._watched().get(trigger, ()))

    @api.model
    def _follow_new(self, leads):
        """Leads were created."""
        watched = self._watched()
        if not {"created", "stage", "tag"}.intersection(watched):
            return
        for sequence in self._of_trigger("created"):
            sequence._enter(leads.filtered(sequence._is_created_for))
        self._follow_stage(leads)
        self._follow_tags({lead: lead.tag_ids for lead in leads if lead.tag_ids})

    @api.model
    def _follow_stage(self, leads):
        """Leads came to the stage they are in."""
        for sequence in self._of_trigger("stage"):
            sequence._enter(leads.filtered(lambda lead, s=sequence: lead.stage_id in s.stage_ids))

    @api.model
    def _follow_tags(self, added):
        """:param added: {lead: crm.tag records it got}"""
        for sequence in self._of_trigger("tag"):
            leads = [lead for lead, tags in added.items() if tags & sequence.tag_ids]
            sequence._enter(self.env["crm.lead"].concat(*leads))

    def _is_created_for(self, lead):
        if self.source_ids and lead.source_id not in self.source_ids:
            return False
        return not self.tag_ids or bool(lead.tag_ids & self.tag_ids)

    # ------------------------------------------------------------------
    # What time brings
    # ------------------------------------------------------------------

    def _enter_by_time(self):
        """Bring in who became due since the follow-up runs.

        :return: whether there may be more
        """
        self.ensure_one()
        if self.state != "active" or self.trigger not in TIME_TRIGGERS:
            return False
        now = fields.Datetime.now()
        found = getattr(self, f"_due_by_{self.trigger}")(now, self.trigger_from)
        keys = dict(found)
        self._enter(self.env["crm.lead"].browse(list(keys)), keys=keys)
        return len(found) >= ENTER_CHUNK

    def _delay(self):
        unit = "hours" if self.trigger_unit == "hours" else "days"
        return timedelta(**{unit: self.trigger_amount})

    def _due_by_stage_days(self, now, since):
        """[(lead id, occasion)]: in one of the stages for so long, one occasion per stay."""
        return self.env.execute_query(
            SQL(
                """SELECT l.id, 'stage:' || l.stage_id || ':' || l.date_last_stage_update
                     FROM crm_lead l
                    WHERE l.stage_id = ANY(%(stages)s) AND l.active
                      AND l.date_last_stage_update <= %(until)s
                      AND l.date_last_stage_update > %(since)s
                      AND (l.company_id IS NULL OR l.company_id = %(company)s)
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s AND e.lead_id = l.id
                             AND e.entered_at >= l.date_last_stage_update)
                 ORDER BY l.date_last_stage_update LIMIT %(limit)s""",
                stages=self.stage_ids.ids,
                until=now - self._delay(),
                since=(since or now) - self._delay(),
                company=self.company_id.id,
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    def _due_by_campaign(self, now, since):
        """[(lead id, occasion)]: their message was delivered or read so long ago, unanswered.

        Meta does not report every reading: people may hide it.
        """
        moment = SQL.identifier("m", f"{self.campaign_event or 'read'}_at")
        return self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (m.res_id) m.res_id, 'message:' || m.id
                     FROM waba_message m
                    WHERE m.campaign_id = ANY(%(campaigns)s) AND m.direction = 'out'
                      AND m.state IN ('delivered', 'read') AND m.replied_at IS NULL
                      AND m.res_model = 'crm.lead'
                      AND %(moment)s <= %(until)s AND %(moment)s > %(since)s
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s
                             AND e.trigger_key = 'message:' || m.id)
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_message a
                           WHERE a.recipient_id = m.recipient_id AND a.direction = 'in'
                             AND COALESCE(a.sent_at, a.create_date) >= %(moment)s)
                 ORDER BY m.res_id, m.id LIMIT %(limit)s""",
                campaigns=self.campaign_ids.ids,
                moment=moment,
                until=now - self._delay(),
                since=(since or now) - self._delay(),
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    def _due_by_quotation(self, now, since):
        """[(lead id, occasion)]: a quotation of the opportunity was sent."""
        if not self._knows_quotations():
            return []
        orders = self.env["sale.order"].sudo()
        orders.flush_model()
        return self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (o.opportunity_id) o.opportunity_id, 'order:' || o.id
                     FROM sale_order o
                    WHERE o.state = 'sent' AND o.opportunity_id IS NOT NULL
                      AND o.date_order >= %(recent)s AND o.write_date > %(since)s
                      AND o.company_id = %(company)s
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s
                             AND e.trigger_key = 'order:' || o.id)
                 ORDER BY o.opportunity_id, o.id LIMIT %(limit)s""",
                recent=now - QUOTATIONS_OF,
                since=since or now,
                company=self.company_id.id,
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    # ------------------------------------------------------------------
    # Coming in
    # ------------------------------------------------------------------

    def _matching(self):
        """[(lead id, occasion)] of those whom the trigger would find in what is there now."""
        self.ensure_one()
        leads = self.env["crm.lead"].sudo()
        if self.trigger in TIME_TRIGGERS:
            now = fields.Datetime.now()
            return getattr(self, f"_due_by_{self.trigger}")(now, now - timedelta(days=3650))
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
        found = leads.search(domain & self._open_domain() & self._condition())
        return [(lead.id, False) for lead in found]

    def _enter_matching(self):
        """Bring in everybody of `_matching`."""
        made = self.env["waba.sequence.enrollment"]
        while True:
            found = self._matching()
            keys = dict(found)
            new = self._enter(self.env["crm.lead"].browse(list(keys)), keys=keys)
            made |= new
            if len(found) < ENTER_CHUNK or not new or self.trigger not in TIME_TRIGGERS:
                return made

    def _open_domain(self):
        return (
            Domain("active", "=", True)
            & Domain("won_status", "=", "pending")
            & Domain("company_id", "in", (False, self.company_id.id))
        )

    def _enter(self, leads, keys=None, user=None):
        """Let these leads in, each once at a time; who may not is passed over.

        Entering twice is harmless: of two at once, the second makes nothing, or waits for the first
        and is repeated by whoever asked.

        :param keys: {lead id: occasion}, which counts once
        :param user: res.users who brings them in by hand
        :return: the enrollments made
        """
        self.ensure_one()
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        leads = self._eligible(leads.sudo())
        if not leads or self.state != "active":
            return enrollments
        now = fields.Datetime.now()
        step = self.step_ids[:1]
        due = step._due_for(leads, now)
        rows = [
            {
                "lead_id": lead.id,
                "lead_name": lead.name,
                "user_id": lead.user_id.id or None,
                "number": self.env["waba.campaign"]._number_of(lead) or None,
                "next_at": str(due[lead.id]),
                "trigger_key": (keys or {}).get(lead.id) or None,
            }
            for lead in leads
        ]
        made = enrollments.browse(self._insert_enrollments(rows, step, now, user))
        if made:
            enrollments._wake(at=min(due.values()))
        return made

    def _insert_enrollments(self, rows, step, now, user):
        """:return: ids of the rows that were not there yet"""
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
                   ON CONFLICT (sequence_id, lead_id) WHERE state = 'running' DO NOTHING
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

    def _eligible(self, leads):
        """Those of `leads` that may come in now: open, of the company, meeting the conditions."""
        if not leads or not self.step_ids:
            return leads.browse()
        leads = leads.search(
            Domain("id", "in", leads.ids) & self._open_domain() & self._condition()
        )
        ended = self._last_ended(leads)
        now = fields.Datetime.now()
        return leads.filtered(
            lambda lead: followup.may_enter_again(
                self.reentry, self.reentry_days, ended.get(lead.id), now
            )
        )

    def _not_in(self, leads):
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

    def _enroll_by_hand(self, leads):
        """A colleague brings leads in, whatever the trigger.

        :return: the enrollments made
        """
        self.ensure_one()
        self.check_access("read")
        leads.check_access("write")
        if self.sudo().state != "active":
            raise UserError(
                self.env._("%s does not run: a manager starts it on its page.", self.display_name)
            )
        return self.sudo()._enter(leads, user=self.env.user)
