from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, formatLang

from ..policy import attribution
from .waba_reputation_words import format_number, format_percent


class WabaCampaign(models.Model):
    """Did those written to fare better than those not?

    With a share held out by chance the answer is an experiment's. Without one the campaign's leads
    are set beside leads of the same teams that nobody wrote to, and it is said that this proves
    nothing. Both groups are counted in the same way: won in the days after the launch, whatever it
    is attributed to.
    """

    _inherit = "waba.campaign"

    money_comparison = fields.Text(compute="_compute_money_comparison")

    @api.depends("state")
    def _compute_money_comparison(self):
        for campaign in self:
            campaign.money_comparison = campaign._comparison_text()

    def _comparison_text(self):
        """The comparison in sentences, or False when there is nothing to compare."""
        if not self.launched_at or self.res_model != "crm.lead":
            return False
        is_experiment = bool(self.holdout_percent)
        written, others = self._comparison_groups(is_experiment)
        if not written.people:
            return False
        found = attribution.compare_groups(written, others)
        return " ".join(
            [
                self._groups_text(written, others, is_experiment),
                self._verdict_text(found),
                "" if is_experiment else self.env._(
                    "This is no experiment: whom to write to was chosen. Leave out a share of the "
                    "next audience by chance to know."
                ),
                self._maturity_text(),
            ]
        ).strip()  # fmt: skip

    def _comparison_groups(self, is_experiment):
        """(those written to, the others) as policy.attribution.Group, counted alike."""
        days = timedelta(days=self.company_id.waba_attribution_days)
        self.env.flush_all()
        values = {
            "campaign": self.id,
            "company": self.company_id.id,
            "start": self.launched_at,
            "end": self.launched_at + days,
            "before": self.launched_at - days,
        }
        query = HOLDOUT_QUERY if is_experiment else NOT_CONTACTED_QUERY
        rows = {
            is_written: attribution.ComparisonGroup(people, won)
            for is_written, people, won in self.env.execute_query(SQL(query, **values))
        }
        nobody = attribution.ComparisonGroup(0, 0)
        return rows.get(True, nobody), rows.get(False, nobody)

    def _groups_text(self, written, others, is_experiment):
        env = self.env
        values = {
            "rate": format_percent(env, written.rate),
            "people": format_number(env, written.people),
            "other_rate": format_percent(env, others.rate),
            "others": format_number(env, others.people),
            "days": self.company_id.waba_attribution_days,
        }
        if is_experiment:
            return env._(
                "Won in the %(days)s days after the launch: %(rate)s of %(people)s leads written "
                "to, %(other_rate)s of %(others)s left out by chance.",
                **values,
            )
        return env._(
            "Won in the %(days)s days after the launch, of leads open at the time: %(rate)s of "
            "%(people)s in this campaign, %(other_rate)s of %(others)s of the same sales teams "
            "that nobody wrote to on WhatsApp around it.",
            **values,
        )

    def _verdict_text(self, found):
        env = self.env
        if found.verdict == "thin":
            return env._(
                "Too few to tell: each group needs %s leads.",
                format_number(env, attribution.MIN_COMPARED),
            )
        if found.verdict == "chance":
            return env._("The difference is no larger than chance makes.")
        values = {
            "low": formatLang(env, 100 * found.low, digits=1),
            "high": formatLang(env, 100 * found.high, digits=1),
        }
        return env._(
            "The difference is more than chance: between %(low)s and %(high)s percentage points "
            "(95 %% sure).",
            **values,
        )

    def _maturity_text(self):
        end = self.launched_at + timedelta(days=self.company_id.waba_attribution_days)
        if end <= fields.Datetime.now():
            return ""
        return self.env._("So far: the days are over %s.", self._format_datetime(end))


WON_SQL = "l.won_status = 'won' AND l.date_closed >= %(start)s AND l.date_closed < %(end)s"
WON_EARLIER_SQL = "(l.won_status = 'won' AND l.date_closed < %(start)s)"
# Held out or meant to be written to, whatever became of the message: else those whom it did not
# reach would be missing on one side alone.
HOLDOUT_QUERY = f"""
SELECT m.failure_type IS DISTINCT FROM 'holdout', count(*), count(*) FILTER (WHERE {WON_SQL})
  FROM waba_message m JOIN crm_lead l ON l.id = m.res_id
 WHERE m.campaign_id = %(campaign)s AND m.direction = 'out' AND m.res_model = 'crm.lead'
   AND (m.state NOT IN ('skipped', 'cancelled') OR m.failure_type = 'holdout')
   AND NOT COALESCE({WON_EARLIER_SQL}, FALSE)
 GROUP BY 1"""
NOT_CONTACTED_QUERY = f"""
WITH mine AS (SELECT l.id, l.team_id, l.date_closed, l.won_status, l.create_date
                FROM waba_message m JOIN crm_lead l ON l.id = m.res_id
               WHERE m.campaign_id = %(campaign)s AND m.direction = 'out'
                 AND m.res_model = 'crm.lead' AND m.state NOT IN ('skipped', 'cancelled')),
     others AS (SELECT l.date_closed, l.won_status FROM crm_lead l
                 WHERE (l.company_id = %(company)s OR l.company_id IS NULL)
                   AND COALESCE(l.team_id, 0) IN (SELECT COALESCE(team_id, 0) FROM mine)
                   AND l.create_date <= %(start)s
                   AND (l.date_closed IS NULL OR l.date_closed >= %(start)s)
                   AND NOT EXISTS (SELECT 1 FROM waba_message w
                                    WHERE w.res_model = 'crm.lead' AND w.res_id = l.id
                                      AND w.direction = 'out'
                                      AND (w.campaign_id = %(campaign)s
                                           OR w.accepted_at BETWEEN %(before)s AND %(end)s)))
SELECT TRUE, count(*), count(*) FILTER (WHERE {WON_SQL}) FROM mine l
 WHERE l.date_closed IS NULL OR l.date_closed >= %(start)s
 UNION ALL
SELECT FALSE, count(*), count(*) FILTER (WHERE {WON_SQL}) FROM others l"""
