"""Analytics: the job that prices messages and attributes events, and its queue of changed leads.

Called every ten minutes by the job `_cron_money`; leads are queued by crm/crm_lead.py, by done
activities and by a changed attribution window.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.hooks import implements
from ..tools.job_turns import delete_checkpoint, read_checkpoint, write_checkpoint
from ..tools.labels import has_orders
from ..tools.transactions import commit_step

BATCH = 200
# Each run attributes answers again this far back, since webhooks may be late; once a day further.
LOOKBACK = timedelta(days=2)
LONG_LOOKBACK = timedelta(days=35)
ATTRIBUTED_AT_PARAMETER = "waba_campaign.attributed_at"
# Fields of a lead that decide its events, their amounts and its messages.
WATCHED_FIELDS = frozenset(
    ("active", "company_id", "date_closed", "expected_revenue", "lost_reason_id", "partner_id",
     "phone", "probability", "stage_id")
)  # fmt: skip


class WabaAttributionDue(models.Model):
    """Queue of leads whose events must be attributed again, one row for each change.

    Changes of leads only append, so that they never wait for each other or for the job, which
    deletes the rows. There is no foreign key, so that leads can be deleted.
    """

    _name = "waba.attribution.due"
    _description = "WhatsApp Attribution Queue"
    _inherit = ["waba.system.fields.mixin"]
    _log_access = False

    lead_id = fields.Integer(required=True, readonly=True)

    @api.model
    def _add_leads(self, lead_ids):
        if lead_ids:
            self.env.cr.execute(
                SQL(
                    "INSERT INTO waba_attribution_due (lead_id) SELECT unnest(%s::int[])",
                    list(lead_ids),
                )
            )

    @api.model
    def _queue_new_leads(self, leads):
        """Queue created leads that are won or lost already."""
        self._add_leads(leads.filtered(lambda lead: lead.won_status != "pending").ids)

    @api.model
    def _queue_changed_leads_now(self, leads, names):
        """Queue written leads if a field in `WATCHED_FIELDS` changed.

        :param names: the written fields
        """
        if not WATCHED_FIELDS.isdisjoint(names):
            self._add_leads(leads.ids)

    @api.model
    def _process_batch(self):
        """Attribute the events of the leads queued first. The caller commits.

        :return: number of rows processed
        """
        rows = self.env.execute_query(
            SQL(
                """DELETE FROM waba_attribution_due WHERE id IN
                          (SELECT id FROM waba_attribution_due ORDER BY id LIMIT %s)
                   RETURNING lead_id""",
                BATCH,
            )
        )
        if rows:
            leads = self.env["crm.lead"].browse({lead_id for (lead_id,) in rows})
            self.env["waba.attribution"]._update_attributions(leads)
        return len(rows)


class WabaAttribution(models.Model):
    _inherit = "waba.attribution"

    @api.model
    def _cron_money(self):
        """Price delivered messages, fold charges, count clicks, attribute events, count by day."""
        messages = self.env["waba.message"]
        first = messages._price_delivered()
        self.env["waba.budget.total"]._fold_charges()
        commit_step(self.env, messages._count_link_clicks)
        self._attribute_events()
        commit_step(self.env, lambda: self.env["waba.money.daily"]._count_due_days(first))

    @api.model
    def _attribute_events(self):
        """Attribute events since the last run, in committed batches."""
        now = fields.Datetime.now()
        since = self._attributed_at()
        is_new_day = not since or since.date() != now.date()
        back = LONG_LOOKBACK if is_new_day else LOOKBACK
        commit_step(self.env, lambda: self._queue_answered_leads(now - back))
        commit_step(
            self.env, lambda: self._queue_changed_leads(since or now - LONG_LOOKBACK, is_new_day)
        )
        while commit_step(self.env, self.env["waba.attribution.due"]._process_batch, processed=1):
            self.env.invalidate_all()
        commit_step(
            self.env,
            lambda: write_checkpoint(self.env, ATTRIBUTED_AT_PARAMETER, now.replace(microsecond=0)),
        )

    @api.model
    def _attributed_at(self):
        """Return when events were last attributed (naive UTC), None if never."""
        return fields.Datetime.to_datetime(read_checkpoint(self.env, ATTRIBUTED_AT_PARAMETER))

    @api.model
    def _queue_answered_leads(self, since):
        self.env["waba.attribution.due"]._add_leads(self._attribute_answers(since).ids)

    @api.model
    def _queue_changed_leads(self, since, is_new_day):
        """Queue leads whose change was not queued by `crm.lead`.

        Always those with new invoices; once a day also those with a recent change of stage, since
        a delivery may be reported after the event that is attributed to it.
        """
        due = self.env["waba.attribution.due"]
        if has_orders(self.env):
            due._add_leads(self._recently_invoiced_leads(since - timedelta(minutes=10)))
        if is_new_day:
            rows = self.env.execute_query(
                SQL(
                    """SELECT id FROM crm_lead
                        WHERE date_last_stage_update >= %(since)s OR date_closed >= %(since)s""",
                    since=fields.Datetime.now() - 3 * timedelta(days=1),
                )
            )
            due._add_leads([lead_id for (lead_id,) in rows])

    @api.model
    def _recently_invoiced_leads(self, since):
        rows = self.env.execute_query(
            SQL(
                """SELECT o.opportunity_id FROM account_move i
                     JOIN account_move_line l ON l.move_id = i.id
                     JOIN sale_order_line_invoice_rel r ON r.invoice_line_id = l.id
                     JOIN sale_order_line ol ON ol.id = r.order_line_id
                     JOIN sale_order o ON o.id = ol.order_id
                    WHERE i.write_date >= %(since)s AND o.opportunity_id IS NOT NULL
                    UNION
                   SELECT opportunity_id FROM sale_order
                    WHERE write_date >= %(since)s AND opportunity_id IS NOT NULL""",
                since=since,
            )
        )
        return [lead_id for (lead_id,) in rows]


class MailActivity(models.Model):
    _inherit = "mail.activity"

    def _action_done(self, feedback=False, attachment_ids=None):
        lead_ids = self.filtered(lambda a: a.res_model == "crm.lead").mapped("res_id")
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        self.env["waba.attribution.due"]._add_leads(lead_ids)
        return result


class ResCompany(models.Model):
    _inherit = "res.company"

    @implements("_on_waba_change")
    def _waba_requeue_attributions(self, names):
        """Attribute again when the attribution window changed.

        Queues leads messaged within `LONG_LOOKBACK` and all leads with attributed events.
        """
        if "waba_attribution_days" not in names:
            return
        since = fields.Datetime.now() - LONG_LOOKBACK
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """DELETE FROM waba_attribution
                    WHERE company_id = ANY(%(companies)s) AND kind IN ('reply', 'click')
                      AND at >= %(since)s AND message_id IS NOT NULL""",
                companies=self.ids,
                since=since,
            )
        )
        rows = self.env.execute_query(
            SQL(
                """SELECT m.res_id FROM waba_message m
                    WHERE m.company_id = ANY(%(companies)s) AND m.res_model = 'crm.lead'
                      AND m.direction = 'out'
                      AND COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at,
                                   m.failed_at) >= %(since)s
                    UNION
                   SELECT lead_id FROM waba_attribution
                    WHERE company_id = ANY(%(companies)s) AND lead_id IS NOT NULL""",
                companies=self.ids,
                since=since,
            )
        )
        self.env["waba.attribution.due"]._add_leads([lead_id for (lead_id,) in rows])
        self.env["waba.attribution"].invalidate_model()
        delete_checkpoint(self.env, ATTRIBUTED_AT_PARAMETER)
