from datetime import timedelta

from odoo import api, fields, models, tools
from odoo.tools import SQL

from .sale_orders import has_orders
from .waba_sequence_words import TIME_TRIGGERS

# Leads that one look of the job brings in, per follow-up.
ENTER_CHUNK = 500
# Quotations older than this are no news, whatever was written on them since.
QUOTATION_PERIOD = timedelta(days=180)


class WabaSequence(models.Model):
    """Whom to let in: what happens to leads, and what time brings (waba_sequence_enter.py)."""

    _inherit = "waba.sequence"

    # ------------------------------------------------------------------
    # What happens to leads
    # ------------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _running_ids_by_trigger(self):
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
    def _running_with_trigger(self, trigger):
        return self.sudo().browse(self._running_ids_by_trigger().get(trigger, ()))

    @api.model
    def _enroll_created(self, leads):
        """Leads were created."""
        watched = self._running_ids_by_trigger()
        if not {"created", "stage", "tag"}.intersection(watched):
            return
        for sequence in self._running_with_trigger("created"):
            sequence._enroll_leads(leads.filtered(sequence._matches_created_lead))
        self._enroll_stage_changed(leads)
        self._enroll_tagged({lead: lead.tag_ids for lead in leads if lead.tag_ids})

    @api.model
    def _enroll_stage_changed(self, leads):
        """Leads came to the stage they are in."""
        for sequence in self._running_with_trigger("stage"):
            sequence._enroll_leads(
                leads.filtered(lambda lead, s=sequence: lead.stage_id in s.stage_ids)
            )

    @api.model
    def _enroll_tagged(self, added):
        """:param added: {lead: crm.tag records it got}"""
        for sequence in self._running_with_trigger("tag"):
            leads = [lead for lead, tags in added.items() if tags & sequence.tag_ids]
            sequence._enroll_leads(self.env["crm.lead"].concat(*leads))

    def _matches_created_lead(self, lead):
        if self.source_ids and lead.source_id not in self.source_ids:
            return False
        return not self.tag_ids or bool(lead.tag_ids & self.tag_ids)

    # ------------------------------------------------------------------
    # What time brings
    # ------------------------------------------------------------------

    def _enroll_due(self):
        """Bring in who became due since the follow-up runs.

        :return: whether there may be more
        """
        self.ensure_one()
        if self.state != "active" or self.trigger not in TIME_TRIGGERS:
            return False
        now = fields.Datetime.now()
        if self._reader_refusal_reason():
            return False
        found = getattr(self, f"_due_by_{self.trigger}")(
            now, self.trigger_from, self._reader_leads()
        )
        keys = dict(found)
        self._enroll_leads(self.env["crm.lead"].browse(list(keys)), keys=keys)
        return len(found) >= ENTER_CHUNK

    def _trigger_delay(self):
        unit = "hours" if self.trigger_unit == "hours" else "days"
        return timedelta(**{unit: self.trigger_amount})

    def _eligible_lead_sql(self, lead_id, now, leads):
        """SQL condition on a lead's id that says what `_filter_eligible` says: whoever may not come in
        would otherwise be found again by each look, and fill it before those who may.

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
                       WHERE p.sequence_id = %(sequence)s AND p.lead_id = %(lead)s
                         AND (p.state = 'running' OR %(back)s))""",
            lead=lead_id,
            may=may.subselect(),
            sequence=self.id,
            back=SQL("p.ended_at > %s", gone_by) if self.reentry == "after" else SQL("TRUE"),
        )

    def _due_by_stage_days(self, now, since, leads):
        """[(lead id, occasion)]: in one of the stages for so long, one occasion per stay."""
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
