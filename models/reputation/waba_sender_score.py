"""Reputation: the health score of each number, its breakdowns and likely causes.

Called every ten minutes by the job `_cron_judge`, and by the dashboard (waba_sender_dashboard.py).
"""

import logging
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate, formatLang

from ...policy import reputation, reputation_causes, reputation_rates
from ..base.waba_message import SILENCE_DELAY
from ..tools.labels import selection_label, with_language
from ..tools.reputation_texts import (
    GROUP_LABELS,
    LEVELS,
    MEASURE_LABELS,
    TRENDS,
    base_text,
    format_percent,
    projection_text,
    rate_text,
    reason_text,
    score_facts,
)
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__)

# Evidence of Meta's ratings is this old at most; no rule needs more red days than that.
RATING_HISTORY = timedelta(days=90)

# Kind of a group of messages -> its field.
GROUP_FIELDS = {
    "campaign": "campaign_id",
    "template": "template_id",
    "source": "source_id",
    "salesperson": "user_id",
    "country": "country_id",
}

BREAKDOWNS = ("template", "campaign", "salesperson", "country")
SHOWN_RATES = ("opt_out", "possible_block", "undeliverable", "limited", "read", "reply")
MAX_ROWS = 10

# Fields of waba.message.report that waba.message lacks.
REPORT_ONLY_FIELDS = ("country_id", "source_id")

BREAKDOWN_LABELS = {
    "template": _lt("Templates"),
    "campaign": _lt("Campaigns"),
    "salesperson": _lt("Salespeople"),
    "country": _lt("Countries"),
}

# Best first; unknown is in neither.
LEVEL_ORDER = ("healthy", "watch", "at_risk")
RATING_ORDER = ("green", "yellow", "red")


class WabaSender(models.Model):
    """`quality_rating` is Meta's, `reputation_*` is ours, calculated by policy/reputation.py."""

    _inherit = "waba.sender"

    reputation_score = fields.Integer(
        "Health score",
        readonly=True,
        aggregator=None,
        help="0 to 100, independent of Meta's rating.",
    )
    reputation_level = fields.Selection(LEVELS, "Health", default="unknown", readonly=True)
    reputation_trend = fields.Selection(TRENDS, "Trend", default="unknown", readonly=True)
    reputation_base = fields.Integer(
        "Score base", readonly=True, aggregator=None, help="Messages delivered in the period."
    )
    # What the texts say: each is made for its reader (`tools.reputation_texts.score_facts`).
    reputation_facts = fields.Json(readonly=True)
    reputation_base_text = fields.Char("Based on", compute="_compute_reputation_texts")
    reputation_reason = fields.Text("Health details", compute="_compute_reputation_texts")
    reputation_projection = fields.Text("Forecast", compute="_compute_reputation_texts")
    red_days = fields.Integer(
        "Days rated Low", readonly=True, aggregator=None, help="Consecutive days, until today."
    )
    fresh_start_at = fields.Datetime(
        "Score reset",
        readonly=True,
        help="When a manager last resumed it: messages of that day and before no longer count.",
    )

    @api.depends_context("lang")
    @api.depends("reputation_facts")
    def _compute_reputation_texts(self):
        for sender in self:
            facts = sender.reputation_facts
            sender.reputation_base_text = facts and base_text(self.env, facts)
            sender.reputation_reason = facts and reason_text(self.env, facts)
            sender.reputation_projection = facts and projection_text(self.env, facts)

    # === Score ===

    @api.model
    def _cron_judge(self):
        """Recount the days that are due, then assess every number."""
        commit_step(self.env, self.env["waba.message.daily"]._count_due_days)
        numbers = self.search([])  # pylint: disable=no-search-all
        for sender in numbers:
            try:
                commit_step(self.env, with_language(sender.company_id, sender)._judge_reputation)
            except Exception:
                # An error of one number must not stop the others.
                _logger.exception("waba.sender %s could not be judged", sender.id)

    def _judge_reputation(self, now=None):
        """Assess this number now and at the end of each day missed, and apply the response.

        :param now: naive UTC datetime, by default the current time
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
        """Return the days before today with messages and without a judgement, oldest first."""
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
        """Return the policy.reputation.Judgement of this number at `moment` (naive UTC)."""
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
        """Return [(datetime, rating)] of Meta's: the recorded changes and the last sync."""
        ratings = self._rating_history(moment - RATING_HISTORY)
        if self.rated_at and (not ratings or ratings[-1][1] != self.quality_rating):
            ratings.append((self.rated_at, self.quality_rating))
        return sorted(ratings, key=lambda rating: rating[0])

    def _store_judgement(self, judgement):
        """Write the judgement on the number and post a change of level in its chatter.

        Unchanged values are not written: the number's job may be writing the same row.
        """
        before = self.reputation_level
        values = {
            "reputation_score": judgement.score or 0,
            "reputation_level": judgement.level,
            "reputation_trend": judgement.trend,
            "reputation_base": judgement.base,
            "reputation_facts": score_facts(judgement),
            "red_days": judgement.red_days,
        }
        if changed := {name: value for name, value in values.items() if self[name] != value}:
            self.write(changed)
        if judgement.level != before:
            self._message_log(body=self._describe_change(before, judgement))

    def _describe_change(self, before, judgement):
        """Return 'Health: Healthy → Watch, 61 of 100. 2.1% of 1,952 delivered opted out.'"""
        before = selection_label(self.env, "reputation_level", before or "unknown")
        after = selection_label(self.env, "reputation_level", judgement.level)
        reason = reason_text(self.env, score_facts(judgement))
        if judgement.score is None:
            return self.env._(
                "Health: %(before)s → %(after)s. %(reason)s",
                before=before,
                after=after,
                reason=reason,
            )
        return self.env._(
            "Health: %(before)s → %(after)s, %(score)s of 100. %(reason)s",
            before=before,
            after=after,
            score=judgement.score,
            reason=reason,
        )

    # === Breakdowns ===

    @api.model
    def _group_counts(self, kind, domain, by_sender=False):
        """Return the counts of each group by day; messages without a group are excluded.

        :param kind: a key of GROUP_FIELDS
        :return: {record: [DayCounts]}, or {(sender, record): [DayCounts]} if `by_sender`
        """
        field = GROUP_FIELDS[kind]
        names = ["sender_id", field] if by_sender else [field]
        daily = self.env["waba.message.daily"]
        if field not in daily._fields:
            daily = self.env["waba.audience.daily"]
        found = daily._day_counts(Domain(domain) & Domain(field, "!=", False), names)
        return found if by_sender else {key: days for (key,), days in found.items()}

    def _breakdowns(self, domain, days):
        """Assess each template, campaign, salesperson and country in the same way as a number.

        :param domain: domain of waba.message.daily without days
        :param days: period of the rates
        :return: list of dict as in `reputation_dashboard_data`
        """
        now = fields.Datetime.now()
        begins = now.date() - timedelta(days=days - 1)
        first = now.date() - timedelta(days=max(days, reputation_rates.MONTH) - 1)
        found = []
        for kind in BREAKDOWNS:
            groups = [
                (record, rows, reputation.judge_reputation(rows, now))
                for record, rows in self._group_counts(
                    kind, [*domain, ("day", ">=", first)]
                ).items()
            ]
            groups = [group for group in groups if _messages_sent(group[1], begins)]
            groups.sort(key=lambda group: _worst_first(group[2], _messages_sent(group[1], begins)))
            found.append(
                {
                    "kind": kind,
                    "label": self.env._(BREAKDOWN_LABELS[kind]),
                    "rows": [
                        self._describe_group(kind, *group, begins, now.date())
                        for group in groups[:MAX_ROWS]
                    ],
                }
            )
        return found

    def _describe_group(self, kind, record, rows, judgement, first, last):
        """Return one row of a breakdown, with the rates of the days `first` to `last`."""
        measured = reputation_rates.rates(rows, last, (last - first).days + 1)
        period = [("sender_id", "in", self.ids), ("day", ">=", first), ("day", "<=", last)]
        of_group = [*period, (GROUP_FIELDS[kind], "=", record.id)]
        return {
            "id": record.id,
            "name": record.display_name,
            "level": {
                "key": judgement.level,
                "label": selection_label(self.env, "reputation_level", judgement.level),
            },
            "score": False if judgement.score is None else judgement.score,
            "base": judgement.base,
            "base_text": base_text(self.env, score_facts(judgement)),
            "sent": _messages_sent(rows, first),
            **{
                measure: self._describe_rate(getattr(measured, measure), of_group, measure)
                for measure in SHOWN_RATES
            },
            "action": self._drilldown(record.display_name, of_group, "sent"),
        }

    def _describe_rate(self, rate, domain, measure):
        return {
            "rate": False if rate.value is None else rate.value,
            "count": rate.count,
            "base": rate.base,
            "text": rate_text(self.env, rate),
            "action": self._drilldown(False, domain, measure),
        }

    # === Messages behind a figure ===

    @api.model
    def _drilldown(self, name, domain, measure):
        """Return the action that opens the messages behind a figure.

        :param domain: domain in fields of waba.message.report
        :param measure: a measure of policy.reputation_rates, or one of its counts
        """
        count = reputation_rates.RATE_PARTS.get(measure, (measure,))[0]
        in_report = any(term[0] in REPORT_ONLY_FIELDS for term in domain)
        counted = [(f"{count}_count", "=", 1)] if in_report else self._drilldown_domain(count)
        return {
            "type": "ir.actions.act_window",
            "name": name or self.env._("Messages"),
            "res_model": "waba.message.report" if in_report else "waba.message",
            "views": [[False, "list"], [False, "form"]],
            "domain": json_domain([*domain, *counted]),
            "target": "current",
        }

    @api.model
    def _drilldown_domain(self, count):
        """Return the domain of the messages in a count, as `measure_conditions` has it in SQL."""
        silent_before = fields.Datetime.now() - SILENCE_DELAY
        return {
            "sent": [
                ("kind", "!=", "reaction"),
                *("|", "|", "|"),
                ("accepted_at", "!=", False),
                ("sent_at", "!=", False),
                ("delivered_at", "!=", False),
                ("read_at", "!=", False),
            ],
            "delivered": ["|", ("delivered_at", "!=", False), ("read_at", "!=", False)],
            "read": [("read_at", "!=", False)],
            "replied": [("replied_at", "!=", False)],
            "opted_out": [("opted_out_at", "!=", False)],
            "silent": [
                ("state", "=", "sent"),
                ("sent_at", "<", silent_before),
                ("kind", "!=", "reaction"),
            ],
            "undeliverable": [("failure_type", "=", "undeliverable")],
            "limited": [("failure_type", "in", ["marketing_limit", "experiment"])],
            "spam_limited": [("failure_type", "=", "spam_rate")],
            "failed": [("state", "=", "failed"), ("kind", "!=", "reaction")],
        }[count]

    # === Likely causes ===

    @api.model
    def _audience_counts(self, campaigns):
        """Return the counts of audiences that at least two campaigns share.

        :param campaigns: {campaign: [DayCounts]}
        :return: {tuple of campaign ids: [DayCounts]}
        """
        shared = {}
        for campaign in campaigns:
            shared.setdefault((campaign.res_model, campaign.audience_domain), []).append(campaign)
        return {
            tuple(campaign.id for campaign in of_one): [
                row for campaign in of_one for row in campaigns[campaign]
            ]
            for of_one in shared.values()
            if len(of_one) > 1
        }

    def _causes(self, days=reputation_rates.WEEK, category=None):
        """Return the groups received worse than the rest, before today and before the last fall.

        :param days: days in which a fall of a number is explained
        :param category: 'marketing', or None for all messages
        :return: list of dict as in `reputation_dashboard_data`, worst first
        """
        today = fields.Datetime.now().date()
        last_days = self._days_to_explain(days)
        in_category = Domain("category", "=", category) if category else Domain.TRUE
        week = in_category & self._explained_days_domain(last_days, reputation_rates.WEEK)
        month = in_category & self._explained_days_domain(last_days, reputation_rates.MONTH)
        groups = {kind: self._group_counts(kind, week, by_sender=True) for kind in GROUP_FIELDS}
        everything = self.env["waba.message.daily"]._day_counts(month, ["sender_id"])
        found = {}
        for sender in self:
            for day in last_days[sender.id]:
                for cause in reputation_causes.rank_causes(
                    sender._cause_groups(groups),
                    everything.get((sender,), []),
                    day,
                    today,
                    sender._last_fresh_start(day),
                ):
                    known = found.setdefault((sender, cause.kind, cause.key), (cause, day))
                    if cause.contribution > known[0].contribution:
                        found[sender, cause.kind, cause.key] = (cause, day)
        worst_first = sorted(found.items(), key=lambda item: -item[1][0].contribution)
        return [
            sender._describe_cause(cause, day)
            for (sender, _kind, _key), (cause, day) in worst_first
        ]

    def _last_fresh_start(self, day):
        """Return the day of the last release if it is before `day`.

        The fall that a release ended is still explained by the messages before it.
        """
        start = self.fresh_start_at and self.fresh_start_at.date()
        return start if start and start < day else None

    def _explained_days_domain(self, last_days, days):
        """Return the domain of each number's messages in the `days` up to each of its last days.

        :param last_days: {sender id: {day}}
        """
        return Domain.OR(
            Domain("sender_id", "=", sender.id)
            & Domain("day", ">", day - timedelta(days=days))
            & Domain("day", "<=", day)
            for sender in self
            for day in last_days[sender.id]
        )

    def _cause_groups(self, groups):
        """Return a policy.reputation_causes.Group for each group of this number's messages.

        :param groups: {kind: {(sender, record): [DayCounts]}}
        """
        self.ensure_one()
        found = []
        for kind, of_kind in groups.items():
            mine = {record: rows for (sender, record), rows in of_kind.items() if sender == self}
            if kind in ("salesperson", "country") and len(mine) == 1:
                # The only one explains nothing: all of the number's messages are in it.
                continue
            found += [
                reputation_causes.Group(kind, (record._name, record.id), rows)
                for record, rows in mine.items()
            ]
            if kind == "campaign":
                audiences = self._audience_counts(mine)
                found += [
                    reputation_causes.Group("audience", ("waba.campaign", *ids), rows)
                    for ids, rows in audiences.items()
                ]
        return found

    def _days_to_explain(self, days):
        """Return {sender id: {today, the last of `days` when its level or rating fell}}."""
        today = fields.Datetime.now().date()
        history = self.env["waba.sender.reputation"]._daily_history(
            self, today - timedelta(days=days), today
        )
        found = {}
        for sender_id, rows in history.items():
            falls = [after["day"] for before, after in pairwise(rows) if _has_fallen(before, after)]
            found[sender_id] = {today, *falls[-1:]}
        return found

    def _describe_cause(self, cause, last):
        """Return a cause as the dashboard shows it; see `reputation_dashboard_data`."""
        self.ensure_one()
        env = self.env
        model, *ids = cause.key
        records = env[model].browse(ids)
        kind_label = env._(GROUP_LABELS[cause.kind])
        name = ", ".join(records.mapped("display_name"))
        if cause.kind == "audience":
            name = env._("of %s", name)
        detail = self._cause_detail(cause)
        return {
            "kind": cause.kind,
            "kind_label": kind_label,
            "id": ids[0],
            "name": name,
            "sender_id": self.id,
            "measure": cause.measure,
            "measure_label": env._(MEASURE_LABELS[cause.measure]),
            "rate": cause.rate.value,
            "count": cause.rate.count,
            "base": cause.rate.base,
            "usual": cause.usual,
            "ratio": cause.ratio or False,
            "sentence": f"{kind_label} {name}: {detail}",
            "detail": detail,
            "action": self._drilldown(
                name,
                [
                    ("sender_id", "=", self.id),
                    ("day", ">", last - timedelta(days=reputation_rates.WEEK)),
                    ("day", "<=", last),
                    (GROUP_FIELDS.get(cause.kind, "campaign_id"), "in", ids),
                ],
                cause.measure,
            ),
        }

    def _cause_detail(self, cause):
        """Return 'opt-outs 2.1% of 1,952, 6 times the usual 0.3%.'"""
        values = {
            "what": self.env._(MEASURE_LABELS[cause.measure]),
            "rate": rate_text(self.env, cause.rate),
            "usual": format_percent(self.env, cause.usual),
        }
        if not cause.usual_base:
            return self.env._(
                "%(what)s %(rate)s; up to %(usual)s is normal, no other messages to compare.",
                **values,
            )
        if not cause.ratio:
            return self.env._("%(what)s %(rate)s; none in other messages.", **values)
        return self.env._(
            "%(what)s %(rate)s, %(times)s times the usual %(usual)s.",
            times=_times_text(self.env, cause.ratio),
            **values,
        )


def json_domain(domain):
    """Return a domain as JSON values: lists, and dates as text."""
    return [
        term if isinstance(term, str) else [term[0], term[1], _json_value(term[2])]
        for term in domain
    ]


def _json_value(value):
    if isinstance(value, datetime):
        return fields.Datetime.to_string(value)
    if isinstance(value, date):
        return fields.Date.to_string(value)
    return value if isinstance(value, (str, int, float)) else list(value)


def _messages_sent(rows, first):
    return sum(row.sent for row in rows if row.day >= first)


def _worst_first(judgement, sent):
    """Sort key: groups with a score by score, then the others by size."""
    return (judgement.score is None, judgement.score or 0, -sent)


def _times_text(env, ratio):
    """Return the multiple of the usual rate: '1.8', '6', '14'."""
    has_part = ratio < 10 and round(ratio, 1) % 1
    return formatLang(env, ratio, digits=1 if has_part else 0)


def _has_fallen(before, after):
    """Return whether level or rating fell from one day to the next; unknown is no fall."""
    return any(
        {before[name], after[name]} <= set(order)
        and order.index(after[name]) > order.index(before[name])
        for name, order in (("level", LEVEL_ORDER), ("quality_rating", RATING_ORDER))
    )
