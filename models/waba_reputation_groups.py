from datetime import date, datetime, timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from ..policy import reputation, reputation_rates
from .labels import selection_label
from .waba_message_day import SILENCE_DELAY
from .waba_reputation_words import (
    base_text,
    rate_text,
)

_lt = LazyTranslate(__name__)

# What a number's messages are told apart by; an audience is the filter that campaigns share.
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
# What a message itself does not say, and the report does.
REPORT_ONLY_FIELDS = ("country_id", "source_id")
BREAKDOWN_LABELS = {
    "template": _lt("Templates"),
    "campaign": _lt("Campaigns"),
    "salesperson": _lt("Salespeople"),
    "country": _lt("Countries"),
}


class WabaSender(models.Model):
    """A number's messages by campaign, template, salesperson…, and the rows behind each figure."""

    _inherit = "waba.sender"

    @api.model
    def _group_counts(self, kind, domain, by_sender=False):
        """{key: [DayCounts]}, keyed (number, group) when `by_sender`; without a group: left out.

        :param kind: a key of GROUP_FIELDS
        :return: groups are records
        """
        field = GROUP_FIELDS[kind]
        names = ["sender_id", field] if by_sender else [field]
        daily = self.env["waba.message.daily"]
        if field not in daily._fields:
            daily = self.env["waba.audience.daily"]
        found = daily._day_counts(Domain(domain) & Domain(field, "!=", False), names)
        return found if by_sender else {key: days for (key,), days in found.items()}

    def _breakdowns(self, domain, days):
        """Each template, campaign, salesperson and country of these numbers, judged alike.

        :param domain: which rows of waba.message.daily, their days aside
        :param days: the period that the rates are of
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
        """One row of a breakdown; its rates are those of the days `first` to `last`."""
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
            "base_text": base_text(self.env, judgement),
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

    # ------------------------------------------------------------------
    # The rows behind a figure
    # ------------------------------------------------------------------

    @api.model
    def _drilldown(self, name, domain, measure):
        """Open the messages that a figure counts.

        :param domain: which messages, in fields that waba.message.report has
        :param measure: a measure of policy.reputation_rates, or one of its counts
        """
        domain = [
            *domain,
            *self._drilldown_domain(reputation_rates.RATE_PARTS.get(measure, (measure,))[0]),
        ]
        in_report = any(term[0] in REPORT_ONLY_FIELDS for term in domain)
        return {
            "type": "ir.actions.act_window",
            "name": name or self.env._("Messages"),
            "res_model": "waba.message.report" if in_report else "waba.message",
            "views": [[False, "list"], [False, "form"]],
            "domain": json_domain(domain),
            "target": "current",
        }

    @api.model
    def _drilldown_domain(self, count):
        """The domain of the messages of some days that one of their counts is of.

        The same conditions as `waba_message_day.conditions`, as a person may search for them.
        """
        silent_before = fields.Datetime.now() - SILENCE_DELAY
        return {
            "sent": [
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
            "silent": [("state", "=", "sent"), ("sent_at", "<", silent_before)],
            "undeliverable": [("failure_type", "=", "undeliverable")],
            "limited": [("failure_type", "in", ["marketing_limit", "experiment"])],
            "spam_limited": [("failure_type", "=", "spam_rate")],
            "failed": [("state", "=", "failed")],
        }[count]


def json_domain(domain):
    """A domain as the web client takes it: lists, and times as text."""
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
    """Judged ones by score, then the others by size."""
    return (judgement.score is None, judgement.score or 0, -sent)
