from datetime import timedelta
from itertools import pairwise

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import formatLang

from ..policy import reputation_causes, reputation_rates
from .waba_reputation_groups import GROUP_FIELDS
from .waba_reputation_words import GROUP_LABELS, MEASURE_LABELS, format_percent, rate_text

# From best to worst; what is not known is in neither.
LEVEL_ORDER = ("healthy", "watch", "at_risk")
RATING_ORDER = ("green", "yellow", "red")


class WabaSender(models.Model):
    """What of a number's messages may explain how it is received."""

    _inherit = "waba.sender"

    @api.model
    def _audience_counts(self, campaigns):
        """{audience: [DayCounts]} of those that at least two campaigns were sent to.

        :param campaigns: {campaign: [DayCounts]}
        :return: an audience is the tuple of its campaigns' ids
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
        """What was received worse than the rest, of the week up to now and up to the last fall.

        :param days: how far back to look for the fall of a number
        :param category: 'marketing', or None for all messages
        :return: list of dict as in `reputation_dashboard_data`, worst first
        """
        today = fields.Datetime.now().date()
        looked_at = self._days_to_explain(days)
        in_category = Domain("category", "=", category) if category else Domain.TRUE
        week = in_category & self._explained_days_domain(looked_at, reputation_rates.WEEK)
        month = in_category & self._explained_days_domain(looked_at, reputation_rates.MONTH)
        groups = {kind: self._group_counts(kind, week, by_sender=True) for kind in GROUP_FIELDS}
        everything = self.env["waba.message.daily"]._day_counts(month, ["sender_id"])
        found = {}
        for sender in self:
            for day in looked_at[sender.id]:
                for suspect in reputation_causes.rank_causes(
                    sender._cause_groups(groups),
                    everything.get((sender,), []),
                    day,
                    today,
                    sender._last_fresh_start(day),
                ):
                    known = found.setdefault((sender, suspect.kind, suspect.key), (suspect, day))
                    if suspect.contribution > known[0].contribution:
                        found[sender, suspect.kind, suspect.key] = (suspect, day)
        worst_first = sorted(found.items(), key=lambda item: -item[1][0].contribution)
        return [
            sender._describe_cause(suspect, day)
            for (sender, _kind, _key), (suspect, day) in worst_first
        ]

    def _last_fresh_start(self, day):
        """The day of the last release, if it came before `day`: a fall that it ended is still
        explained by what was sent before it."""
        start = self.fresh_start_at and self.fresh_start_at.date()
        return start if start and start < day else None

    def _explained_days_domain(self, looked_at, days):
        """The domain of each number's messages of the `days` up to what is to be explained.

        :param looked_at: {sender id: {day}}
        """
        return Domain.OR(
            Domain("sender_id", "=", sender.id)
            & Domain("day", ">", day - timedelta(days=days))
            & Domain("day", "<=", day)
            for sender in self
            for day in looked_at[sender.id]
        )

    def _cause_groups(self, groups):
        """policy.reputation_causes.Group of each part of this number's messages.

        :param groups: {kind: {(sender, record): [DayCounts]}}
        """
        self.ensure_one()
        found = []
        for kind, of_kind in groups.items():
            mine = {record: rows for (sender, record), rows in of_kind.items() if sender == self}
            if kind in ("salesperson", "country") and len(mine) == 1:
                # Behind all that the number sends, so behind nothing in particular.
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
        """{sender id: {today, the last of `days` on which its level or Meta's rating fell}}."""
        today = fields.Datetime.now().date()
        history = self.env["waba.sender.reputation"]._daily_history(
            self, today - timedelta(days=days), today
        )
        found = {}
        for sender_id, rows in history.items():
            falls = [after["day"] for before, after in pairwise(rows) if _has_fallen(before, after)]
            found[sender_id] = {today, *falls[-1:]}
        return found

    def _describe_cause(self, suspect, last):
        """One suspect as the dashboard shows it; see `reputation_dashboard_data`."""
        self.ensure_one()
        env = self.env
        model, *ids = suspect.key
        records = env[model].browse(ids)
        kind_label = env._(GROUP_LABELS[suspect.kind])
        name = ", ".join(records.mapped("display_name"))
        if suspect.kind == "audience":
            name = env._("of %s", name)
        detail = self._cause_detail(suspect)
        return {
            "kind": suspect.kind,
            "kind_label": kind_label,
            "id": ids[0],
            "name": name,
            "sender_id": self.id,
            "measure": suspect.measure,
            "measure_label": env._(MEASURE_LABELS[suspect.measure]),
            "rate": suspect.rate.value,
            "count": suspect.rate.count,
            "base": suspect.rate.base,
            "usual": suspect.usual,
            "ratio": suspect.ratio or False,
            "sentence": f"{kind_label} {name}: {detail}",
            "detail": detail,
            "action": self._drilldown(
                name,
                [
                    ("sender_id", "=", self.id),
                    ("day", ">", last - timedelta(days=reputation_rates.WEEK)),
                    ("day", "<=", last),
                    (GROUP_FIELDS.get(suspect.kind, "campaign_id"), "in", ids),
                ],
                suspect.measure,
            ),
        }

    def _cause_detail(self, suspect):
        """'opt-outs 2.1 % of 1,952, 6 times the usual 0.3 %.'"""
        values = {
            "what": self.env._(MEASURE_LABELS[suspect.measure]),
            "rate": rate_text(self.env, suspect.rate),
            "usual": format_percent(self.env, suspect.usual),
        }
        if not suspect.usual_base:
            return self.env._(
                "%(what)s %(rate)s; up to %(usual)s is normal, and nothing else was "
                "sent to compare with.",
                **values,
            )
        if not suspect.ratio:
            return self.env._("%(what)s %(rate)s; elsewhere there were none.", **values)
        return self.env._(
            "%(what)s %(rate)s, %(times)s times the usual %(usual)s.",
            times=_times_text(self.env, suspect.ratio),
            **values,
        )


def _times_text(env, ratio):
    """'1.8', '6', '14': how many times the usual."""
    has_part = ratio < 10 and round(ratio, 1) % 1
    return formatLang(env, ratio, digits=1 if has_part else 0)


def _has_fallen(before, after):
    """Whether our level or Meta's rating fell from one day to the next; unknown is no fall."""
    return any(
        {before[name], after[name]} <= set(order)
        and order.index(after[name]) > order.index(before[name])
        for name, order in (("level", LEVEL_ORDER), ("quality_rating", RATING_ORDER))
    )
