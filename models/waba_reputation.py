import logging
from datetime import datetime, time, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import reputation, reputation_causes, reputation_rates
from .labels import selection_label
from .languages import with_language
from .transactions import commit_step
from .waba_reputation_words import (
    LEVELS,
    TRENDS,
    base_text,
    projection_text,
    reason_text,
)

_logger = logging.getLogger(__name__)

# Meta's rating is kept for as long; a run of red days that began before is longer than any rule
# asks for.
RATING_HISTORY = timedelta(days=90)


class WabaSender(models.Model):
    """What we think of a number, judged every ten minutes from the counts of its messages.

    `quality_rating` is Meta's word, `reputation_*` is ours; policy/reputation.py says how it is
    made. Entry points: `_cron_judge`, `_judge_reputation`; what follows from a judgement is `_apply_response`.
    """

    _inherit = "waba.sender"

    reputation_score = fields.Integer(
        "Our score", readonly=True, aggregator=None, help="0 to 100; without meaning while there "
        "is not enough data.",
    )  # fmt: skip
    reputation_level = fields.Selection(LEVELS, "Our reading", default="unknown", readonly=True)
    reputation_trend = fields.Selection(TRENDS, "Trend", default="unknown", readonly=True)
    reputation_base = fields.Integer(
        "Messages judged by", readonly=True, aggregator=None, help="Delivered in the days judged."
    )
    reputation_base_text = fields.Char("Judged by", readonly=True)
    reputation_reason = fields.Text("Why this reading", readonly=True)
    reputation_projection = fields.Text("Outlook", readonly=True)
    red_days = fields.Integer(
        "Days rated Low", readonly=True, aggregator=None, help="Whole days of Meta's lowest rating "
        "without a break.",
    )  # fmt: skip
    fresh_start_at = fields.Datetime(
        "Fresh start",
        readonly=True,
        help="When a manager released the number: messages of that day and before no longer count.",
    )

    # ------------------------------------------------------------------
    # Judging
    # ------------------------------------------------------------------

    @api.model
    def _cron_judge(self):
        """Count the outcome of the messages, then judge every number by it."""
        commit_step(self.env, self.env["waba.message.daily"]._count_due_days)
        numbers = self.search([])  # pylint: disable=no-search-all
        for sender in numbers:
            try:
                commit_step(self.env, with_language(sender.company_id, sender)._judge_reputation)
            except Exception:
                # One number's trouble is its own and does not stop the others.
                _logger.exception("waba.sender %s could not be judged", sender.id)

    def _judge_reputation(self, now=None):
        """Judge this number in the current state, and the outcome of days that nobody judged.

        :param now: naive UTC datetime; the present when not given
        :return: policy.reputation.Judgement
        """
        self.ensure_one()
        now = now or fields.Datetime.now()
        history = self.env["waba.sender.reputation"]
        for day in self._unjudged_days(now.date()):
            ending = datetime.combine(day, time.max.replace(microsecond=0))
            history._store_judgement(self, day, self._judgement(ending))
        judgement = self._judgement(now)
        history._store_judgement(self, now.date(), judgement)
        self._store_judgement(judgement)
        self._apply_response(judgement)
        return judgement

    def _unjudged_days(self, today):
        """Days before today with messages and without a judgement, oldest first."""
        rows = self.env.execute_query(
            SQL(
                """SELECT day FROM waba_sender_reputation
                    WHERE sender_id = %s AND level IS NULL AND day < %s ORDER BY day""",
                self.id,
                today,
            )
        )
        return [day for (day,) in rows]

    def _judgement(self, moment):
        """What policy.reputation thinks of this number at `moment` (naive UTC)."""
        self.ensure_one()
        today = moment.date()
        days = self.env["waba.message.daily"]._day_counts(
            [
                ("sender_id", "=", self.id),
                ("day", ">", today - timedelta(days=reputation_rates.MONTH)),
                ("day", "<=", today),
            ]
        )
        history = self.env["waba.sender.reputation"]._daily_history(
            self, today - timedelta(days=reputation_rates.MONTH), today
        )[self.id]
        judged = [row for row in history if row["level"]]
        return reputation.judge_reputation(
            days.get((), []),
            moment,
            previous_level=judged[-1]["level"] if judged else None,
            scores=[(row["day"], row["score"]) for row in judged],
            ratings=self._rating_history_values(moment),
            released_at=self.fresh_start_at or None,
        )

    def _rating_history_values(self, moment):
        """Meta's rating over time up to now: the changes noted, and what was read last."""
        ratings = self._rating_history(moment - RATING_HISTORY)
        if self.rated_at and (not ratings or ratings[-1][1] != self.quality_rating):
            ratings.append((self.rated_at, self.quality_rating))
        return sorted(ratings, key=lambda rating: rating[0])

    def _store_judgement(self, judgement):
        """Write the judgement on the number; a change of level is posted in its chatter.

        What did not change is not written: the number's job may be writing the same row.
        """
        before = self.reputation_level
        values = {
            "reputation_score": judgement.score or 0,
            "reputation_level": judgement.level,
            "reputation_trend": judgement.trend,
            "reputation_base": judgement.base,
            "reputation_base_text": base_text(self.env, judgement),
            "reputation_reason": reason_text(self.env, judgement),
            "reputation_projection": projection_text(self.env, judgement.projection),
            "red_days": judgement.red_days,
        }
        if changed := {name: value for name, value in values.items() if self[name] != value}:
            self.write(changed)
        if judgement.level != before:
            self._message_log(body=self._describe_change(before, judgement))

    def _describe_change(self, before, judgement):
        """'Our reading: Healthy → Watch, 61 of 100. 2.1 % of 1,952 delivered opted out. …'"""
        before = selection_label(self.env, "reputation_level", before or "unknown")
        after = selection_label(self.env, "reputation_level", judgement.level)
        reason = reason_text(self.env, judgement)
        if judgement.score is None:
            return self.env._(
                "Our reading: %(before)s → %(after)s. %(reason)s",
                before=before,
                after=after,
                reason=reason,
            )
        return self.env._(
            "Our reading: %(before)s → %(after)s, %(score)s of 100. %(reason)s",
            before=before,
            after=after,
            score=judgement.score,
            reason=reason,
        )


class WabaCampaign(models.Model):
    """What a campaign cost the reputation of its number."""

    _inherit = "waba.campaign"

    reputation_cost = fields.Integer(
        "Reputation cost",
        compute="_compute_reputation_cost",
        help="Points of 100 that the number's score would be higher without this campaign's "
        "messages of the last 7 days.",
    )

    reputation_text = fields.Text("How it is received", compute="_compute_reputation_cost")

    def _compute_reputation_cost(self):
        for campaign in self:
            cost = campaign._reputation_cost()
            campaign.reputation_cost = cost or 0
            campaign.reputation_text = campaign._reputation_text(cost)

    def _reputation_text(self, cost):
        """What the campaign costs its number now, and how its own messages were received."""
        if cost is None:
            said = self.env._("Too few messages of the number were delivered to tell its cost.")
        elif not cost:
            said = self.env._("It costs the number's score nothing now.")
        else:
            said = self.env._("It costs the number's score %s of 100 points now.", cost)
        days = (
            self.env["waba.message.daily"].sudo()._day_counts([("campaign_id", "=", self.id)])
        ).get((), [])
        judged = reputation.judge_reputation(days, fields.Datetime.now())
        return f"{said} {reason_text(self.env, judged)}"

    def _reputation_cost(self):
        """Score points of its number that this campaign costs now; None: not enough data."""
        self.ensure_one()
        sender = self.sudo().sender_id
        today = fields.Datetime.now().date()
        of_number = [
            ("sender_id", "=", sender.id),
            ("day", ">", today - timedelta(days=reputation_rates.WEEK)),
        ]
        daily = self.env["waba.message.daily"].sudo()
        everything = daily._day_counts(of_number).get((), [])
        mine = daily._day_counts([*of_number, ("campaign_id", "=", self.id)]).get((), [])
        fresh_start = sender.fresh_start_at.date() if sender.fresh_start_at else None
        return reputation_causes.score_cost(mine, everything, today, fresh_start)
