"""Follow-ups: which leads are enrolled, by an event, by time, or by a user.

Called by crm_lead.py (events), the job in waba_sequence_enrollment.py (time), and wizards (users).
"""

import json
from datetime import timedelta

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import followup
from ..tools.labels import has_orders
from .waba_sequence_step import TIME_TRIGGERS

# Leads that one pass of the job enrolls, per follow-up.
ENTER_CHUNK = 500

# Quotations older than this are not new, whatever was changed on them since.
QUOTATION_PERIOD = timedelta(days=180)


class WabaSequence(models.Model):
    _inherit = "waba.sequence"

    # === By an event ===

    @api.model
    @tools.ormcache()
    def _running_ids_by_trigger(self):
        """{trigger: ids of active follow-ups}; cached, as each change of a lead reads it."""
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
    def _running_with_trigger(self, trigger):
        return self.sudo().browse(self._running_ids_by_trigger().get(trigger, ()))

    @api.model
    def _enroll_created(self, leads):
        """Enroll leads that were created."""
        watched = self._running_ids_by_trigger()
        if not {"created", "stage", "tag"}.intersection(watched):
            return
        for sequence in self._running_with_trigger("created"):
            sequence._enroll_leads(leads.filtered(sequence._matches_created_lead))
        self._enroll_stage_changed(leads)
        self._enroll_tagged({lead: lead.tag_ids for lead in leads if lead.tag_ids})

    @api.model
    def _enroll_stage_changed(self, leads):
        """Enroll leads that entered the stage they are in."""
        for sequence in self._running_with_trigger("stage"):
            sequence._enroll_leads(
                leads.filtered(lambda lead, s=sequence: lead.stage_id in s.stage_ids)
            )

    @api.model
    def _enroll_tagged(self, added):
        """Enroll leads that got tags.

        :param added: {lead: the crm.tag records it got}
        """
        for sequence in self._running_with_trigger("tag"):
            leads = [lead for lead, tags in added.items() if tags & sequence.tag_ids]
            sequence._enroll_leads(self.env["crm.lead"].concat(*leads))

    def _matches_created_lead(self, lead):
        if self.source_ids and lead.source_id not in self.source_ids:
            return False
        return not self.tag_ids or bool(lead.tag_ids & self.tag_ids)

    # === By time ===

    def _enroll_due(self):
        """Enroll leads that became due since the follow-up was activated.

        :return: whether there may be more
        """
        self.ensure_one()
        if self.state != "active" or self.trigger not in TIME_TRIGGERS:
            return False
        now = fields.Datetime.now()
        if self._reader_refusal_reason():
            return False
        found = getattr(self, f"_due_by_{self.trigger}")(
            now, self.trigger_from, self._reader_records()
        )
        keys = dict(found)
        self._enroll_leads(self._browse_records(keys), keys=keys)
        return len(found) >= ENTER_CHUNK

    def _browse_records(self, ids):
        return self.env[self._record_model()].browse(list(ids))

    def _trigger_delay(self):
        is_hours = self.trigger_unit == "hours" and self.trigger != "date"
        unit = "hours" if is_hours else "days"
        return timedelta(**{unit: self.trigger_amount})

    def _eligible_lead_sql(self, lead_id, now, leads):
        """SQL condition on a lead's id, equivalent to `_filter_eligible`.

        Without it, each pass would find leads again that cannot be enrolled, and use up its chunk.

        :param lead_id: SQL of the column
        :param leads: crm.lead in the environment whose rights decide
        """
        may = leads._search(self._open_domain() & self._conditions_domain())
        leads.flush_model()
        self.env["waba.sequence.enrollment"].flush_model()
        gone_by = now - timedelta(days=self.reentry_days)
        return SQL(
            """%(lead)s IN %(may)s AND NOT EXISTS (
                      SELECT 1 FROM waba_sequence_enrollment p
                       WHERE p.sequence_id = %(sequence)s AND p.%(column)s = %(lead)s
                         AND (p.state = 'running' OR %(back)s))""",
            lead=lead_id,
            may=may.subselect(),
            sequence=self.id,
            column=SQL.identifier(self._record_column()),
            back=SQL("p.ended_at > %s", gone_by) if self.reentry == "after" else SQL("TRUE"),
        )

    def _due_by_stage_days(self, now, since, leads):
        """[(lead id, occasion)]: in one of the stages for the delay, one occasion per stay."""
        return self.env.execute_query(
            SQL(
                """SELECT l.id, 'stage:' || l.stage_id || ':' || l.date_last_stage_update
                     FROM crm_lead l
                    WHERE l.stage_id = ANY(%(stages)s) AND l.active
                      AND l.date_last_stage_update <= %(until)s
                      AND l.date_last_stage_update > %(since)s
                      AND (l.company_id IS NULL OR l.company_id = %(company)s)
                      AND %(may_come_in)s
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s AND e.lead_id = l.id
                             AND e.entered_at >= l.date_last_stage_update)
                 ORDER BY l.date_last_stage_update LIMIT %(limit)s""",
                stages=self.stage_ids.ids,
                until=now - self._trigger_delay(),
                since=(since or now) - self._trigger_delay(),
                company=self.company_id.id,
                may_come_in=self._eligible_lead_sql(SQL("l.id"), now, leads),
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    def _due_by_campaign(self, now, since, leads):
        """[(lead id, occasion)]: a message was delivered or read long enough ago, unanswered.

        Meta does not report every read: people can hide it.
        """
        moment = SQL.identifier("m", f"{self.campaign_event or 'read'}_at")
        return self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (m.res_id) m.res_id, 'message:' || m.id
                     FROM waba_message m
                    WHERE m.campaign_id = ANY(%(campaigns)s) AND m.direction = 'out'
                      AND m.state IN ('delivered', 'read') AND m.replied_at IS NULL
                      AND m.res_model = 'crm.lead' AND %(may_come_in)s
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
                may_come_in=self._eligible_lead_sql(SQL("m.res_id"), now, leads),
                until=now - self._trigger_delay(),
                since=(since or now) - self._trigger_delay(),
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    def _due_by_quotation(self, now, since, leads):
        """[(lead id, occasion)]: a quotation of the opportunity was sent."""
        if not has_orders(self.env):
            return []
        orders = self.env["sale.order"].sudo()
        orders.flush_model()
        return self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (o.opportunity_id) o.opportunity_id, 'order:' || o.id
                     FROM sale_order o
                    WHERE o.state = 'sent' AND o.opportunity_id IS NOT NULL
                      AND o.date_order >= %(recent)s AND o.write_date > %(since)s
                      AND o.company_id = %(company)s AND %(may_come_in)s
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s
                             AND e.trigger_key = 'order:' || o.id)
                 ORDER BY o.opportunity_id, o.id LIMIT %(limit)s""",
                recent=now - QUOTATION_PERIOD,
                since=since or now,
                company=self.company_id.id,
                may_come_in=self._eligible_lead_sql(SQL("o.opportunity_id"), now, leads),
                sequence=self.id,
                limit=ENTER_CHUNK,
            )
        )

    def _due_by_match(self, now, since, records):
        """[(record id, occasion)]: changed since, and matching the filter by now."""
        return self._due_records(
            SQL("r.write_date > %s", since or now), SQL("'match'"), SQL("r.id"), now, records
        )

    def _due_by_date(self, now, since, records):
        """[(record id, occasion)]: the date, with the days before or after it, has come. Each date
        enrolls once, so that one that was renewed is another occasion."""
        if self.date_field not in records._fields:
            return []
        day = SQL("r.%s", SQL.identifier(self.date_field))
        delay = self._trigger_delay() * (-1 if self.date_side == "before" else 1)
        is_due = SQL(
            "%(day)s <= %(until)s AND %(day)s > %(since)s",
            day=day,
            until=now - delay,
            since=(since or now) - delay,
        )
        if records._fields[self.date_field].type == "date":
            is_due = SQL(
                "%(day)s <= %(until)s AND %(day)s > %(since)s",
                day=day,
                until=(now - delay).date(),
                since=((since or now) - delay).date(),
            )
        return self._due_records(is_due, SQL("'date:' || %s", day), day, now, records)

    def _due_records(self, condition, occasion, order, now, records):
        """[(record id, occasion)] of records that meet a condition and can be enrolled.

        :param condition, occasion, order: SQL on the table `r`
        """
        may_come_in = self._eligible_lead_sql(SQL("r.id"), now, records)
        return self.env.execute_query(
            SQL(
                """SELECT r.id, %(occasion)s FROM %(table)s r
                    WHERE %(condition)s AND %(may_come_in)s
                      AND NOT EXISTS (
                          SELECT 1 FROM waba_sequence_enrollment e
                           WHERE e.sequence_id = %(sequence)s AND e.%(column)s = r.id
                             AND e.trigger_key = %(occasion)s AND %(is_once)s)
                 ORDER BY %(order)s LIMIT %(limit)s""",
                occasion=occasion,
                table=SQL.identifier(records._table),
                condition=condition,
                may_come_in=may_come_in,
                sequence=self.id,
                column=SQL.identifier(self._record_column()),
                is_once=SQL("%s", self.trigger == "date"),
                order=order,
                limit=ENTER_CHUNK,
            )
        )

    # === By a user ===

    def _enroll_matching(self):
        """Enroll all leads of `_find_matching`.

        :return: the enrollments created
        """
        made = self.env["waba.sequence.enrollment"]
        while True:
            found = self._find_matching(self._reader_records())
            keys = dict(found)
            new = self._enroll_leads(self._browse_records(keys), keys=keys)
            made |= new
            if len(found) < ENTER_CHUNK or not new or self.trigger not in TIME_TRIGGERS:
                return made

    def _find_matching(self, leads):
        """[(lead id, occasion)] of existing leads that the trigger matches.

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

    def _enroll_manually(self, leads):
        """Enroll leads for the current user, whatever the trigger.

        :return: the enrollments created
        :raise UserError: the follow-up is not active
        """
        self.ensure_one()
        self.check_access("read")
        leads = leads.with_env(self.env)
        leads.check_access("write")
        if self.sudo().state != "active":
            raise UserError(
                self.env._("%s is not running. A manager can start it.", self.display_name)
            )
        return self.sudo()._enroll_leads(leads, user=self.env.user)

    def _filter_not_enrolled(self, leads):
        """Those of `leads` that are not under way in it."""
        inside = (
            self.env["waba.sequence.enrollment"]
            .sudo()
            .search(
                [
                    ("sequence_id", "=", self.id),
                    (self._record_column(), "in", leads.ids),
                    ("state", "=", "running"),
                ]
            )
        )
        return leads - leads.browse(record.id for record in inside._records().values())

    # === Enrollment ===

    def _enroll_leads(self, leads, keys=None, user=None):
        """Enroll these leads or other records of its model, each once at a time; those that are not
        eligible are ignored.

        Enrolling twice is harmless: the second of two transactions inserts nothing, or waits for
        the first and is retried by its caller.

        :param keys: {lead id: occasion}, each of which enrolls once
        :param user: res.users who enrolls them manually
        :return: the enrollments created
        """
        self.ensure_one()
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        if self.state != "active" or self._reader_refusal_reason():
            return enrollments
        if leads._name != self._record_model():
            return enrollments
        leads = self._filter_eligible(self._reader_records().browse(leads.ids)).sudo()
        if not leads:
            return enrollments
        now = fields.Datetime.now()
        step = self.step_ids[:1]
        due = step._due_times({lead: lead for lead in leads}, now)
        portfolios = self.env["waba.portfolio"].search([])  # pylint: disable=no-search-all
        recipients, column = self.env["waba.recipient"].sudo(), self._record_column()
        numbers = {
            lead: recipients._person_key(person, portfolios)
            for lead in leads
            if (person := recipients._person_record(lead))
        }
        rows = [
            {
                "lead_id": None,
                "res_id": None,
                column: lead.id,
                "lead_name": lead.display_name,
                "user_id": self._record_user(lead).id or None,
                "number": numbers[lead] or None,
                "next_at": str(step._look_at(due[lead] or now, now)),
                "due_at": str(due[lead]) if due[lead] else None,
                "trigger_key": (keys or {}).get(lead.id) or None,
            }
            for lead in leads
            if lead in numbers
        ]
        made = enrollments.browse(self._insert_enrollments(rows, step, now, user))
        if made:
            enrollments._trigger_run(at=min(one or now for one in due.values()))
        return made

    def _filter_eligible(self, leads):
        """Those of `leads` that can be enrolled now: open, of the company, meeting the conditions.

        They are read with the rights of their environment's user.
        """
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

    def _open_domain(self):
        """Records that can be in a follow-up; of leads, those that are open."""
        model = self.env[self._record_model()]
        if model._name != "crm.lead":
            has_company = "company_id" in model._fields
            domain = Domain("company_id", "in", (False, self.company_id.id))
            return domain if has_company else Domain.TRUE
        return (
            Domain("active", "=", True)
            & Domain("won_status", "=", "pending")
            & Domain("company_id", "in", (False, self.company_id.id))
        )

    def _last_ended(self, leads):
        """{lead id: when its last enrollment ended}, of leads whose enrollments have ended."""
        column = self._record_column()
        groups = (
            self.env["waba.sequence.enrollment"]
            .sudo()
            ._read_group(
                [
                    ("sequence_id", "=", self.id),
                    (column, "in", leads.ids),
                    ("state", "!=", "running"),
                ],
                [column],
                ["ended_at:max"],
            )
        )
        return {lead.id if column == "lead_id" else lead: ended_at for lead, ended_at in groups}

    def _insert_enrollments(self, rows, step, now, user):
        """Insert rows; unique indexes keep each lead and each number from being in it twice.

        :param rows: dicts of the lead's columns
        :return: ids of the rows that were inserted
        """
        enrollments = self.env["waba.sequence.enrollment"]
        enrollments.flush_model()
        found = self.env.execute_query(
            SQL(
                """INSERT INTO waba_sequence_enrollment
                          (sequence_id, company_id, state, version, step_id, steps_done,
                           waiting_since, entered_at, entered_by, entered_by_id, error_count,
                           is_to_plan, is_paused, path, create_date, write_date,
                           lead_id, res_id, lead_name, user_id, number, next_at, due_at,
                           trigger_key)
                   SELECT %(sequence)s, %(company)s, 'running', %(version)s, %(step)s, 0,
                          %(now)s, %(now)s, %(by)s, %(user)s, 0,
                          FALSE, FALSE, '[]', %(now)s, %(now)s,
                          lead_id, res_id, lead_name, user_id, number, next_at, due_at,
                          trigger_key
                     FROM jsonb_to_recordset(%(rows)s) AS v(lead_id integer, res_id integer,
                          lead_name varchar, user_id integer, number varchar, next_at timestamp,
                          due_at timestamp, trigger_key varchar)
                 ORDER BY lead_id, res_id
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
