from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from ..policy import reputation_rates, reputation_score
from .labels import selection_label
from .waba_message_daily import MEASURES
from .waba_reputation_groups import json_domain
from .waba_reputation_kinds import CERTAINTIES
from .waba_reputation_words import format_number, format_percent

_lt = LazyTranslate(__name__)

MAX_ACTIONS = 20
MAX_MARKS = 40
# Each step of the funnel, and each loss, is a part of another count.
FUNNEL = {
    "sent": "sent",
    "delivered": "sent",
    "read": "delivered",
    "replied": "delivered",
    "opted_out": "delivered",
}
LOSSES = {
    "silent": "sent",
    "undeliverable": "sent",
    "limited": "sent",
    "spam_limited": "sent",
    "failed": "sent",
}
CERTAINTY_HELP = {
    "exact": _lt("It happened, as Meta or a person told us."),
    "inferred": _lt(
        "Our guess from what did not happen. A switched-off phone looks just like a block."
    ),
    "aggregate": _lt(
        "Meta's judgement of many people's reactions: neither who they were nor how many."
    ),
}


class WabaSender(models.Model):
    """The dashboard's charts and lists: time, funnel, evidence, what was done about it."""

    _inherit = "waba.sender"

    def _dashboard_timeline_data(self, history, category, first, last):
        period = [("sender_id", "in", self.ids), ("day", ">=", first), ("day", "<=", last)]
        if category:
            period.append(("category", "=", category))
        marks = self._campaign_marks(period)
        return [
            {
                "sender_id": sender.id,
                "name": sender.display_phone_number or sender.display_name,
                "days": [
                    {**day, "action": sender._day_action(day)}
                    for day in every_day(history[sender.id], first, last)
                ],
                "thresholds": [
                    {**level, "level": level["key"]}
                    for level in (
                        {
                            **sender._selection_value("reputation_level", "watch"),
                            "score": reputation_score.HEALTHY_THRESHOLD,
                        },
                        {
                            **sender._selection_value("reputation_level", "at_risk"),
                            "score": reputation_score.WATCH_THRESHOLD,
                        },
                    )
                ],
                "campaigns": marks.get(sender.id, []),
            }
            for sender in self
        ]

    def _day_action(self, day):
        if not day["sent"]:
            return False
        domain = [("sender_id", "=", self.id), ("day", ">=", day["day"]), ("day", "<=", day["day"])]
        return self._drilldown(day["day"], domain, "sent")

    def _campaign_marks(self, period):
        """{sender id: its campaigns of the period, by the day each began}; the largest ones."""
        sums = ["day:min", "sent_count:sum", "delivered_count:sum", "opted_out_count:sum"]
        marks = {}
        for sender, campaign, day, sent, delivered, opted_out in self.env[
            "waba.message.daily"
        ]._read_group(
            [*period, ("campaign_id", "!=", False), ("sent_count", ">", 0)],
            ["sender_id", "campaign_id"],
            sums,
            order="sent_count:sum desc, campaign_id",
        ):
            of_sender = marks.setdefault(sender.id, [])
            if len(of_sender) < MAX_MARKS:
                of_sender.append(
                    {
                        "id": campaign.id,
                        "name": campaign.name,
                        "day": fields.Date.to_string(day),
                        "sent": sent,
                        "delivered": delivered,
                        "opted_out": opted_out,
                        "text": self._share_text(opted_out, delivered, "delivered"),
                        "action": {
                            "type": "ir.actions.act_window",
                            "res_model": "waba.campaign",
                            "res_id": campaign.id,
                            "views": [[False, "form"]],
                            "target": "current",
                        },
                    }
                )
        return {
            sender_id: sorted(found, key=lambda mark: (mark["day"], mark["id"]))
            for sender_id, found in marks.items()
        }

    # ------------------------------------------------------------------
    # The outcome of the messages
    # ------------------------------------------------------------------

    def _dashboard_steps(self, steps, sums, period):
        """Figures of the period, each with what it is a part of.

        :param steps: FUNNEL or LOSSES
        :param sums: {measure: messages}
        """
        fields_ = self.env["waba.message.daily"]._fields
        return [
            {
                "key": step,
                "label": fields_[f"{step}_count"]._description_string(self.env),
                "count": sums[step],
                "base": sums[of],
                "rate": min(sums[step] / sums[of], 1.0) if sums[of] else False,
                "text": format_number(self.env, sums[step])
                if step == of
                else self._share_text(sums[step], sums[of], of),
                "share": False if step == of else self._rate_text(sums[step], sums[of], of),
                "action": self._drilldown(
                    fields_[f"{step}_count"]._description_string(self.env), period, step
                ),
            }
            for step, of in steps.items()
        ]

    def _share_text(self, count, base, of):
        """'2.1 % of 1,952 sent (41)'; of too few for a rate: '3 of 41 delivered'."""
        share = self._rate_text(count, base, of)
        return (
            share
            if base < reputation_rates.MIN_VOLUME
            else f"{share} ({format_number(self.env, count)})"
        )

    def _rate_text(self, count, base, of):
        """'96.8 % of 1,952 sent', beside the count; of too few for a rate: '3 of 41 delivered'."""
        is_thin = base < reputation_rates.MIN_VOLUME
        values = {
            "part": format_number(self.env, count)
            if is_thin
            else format_percent(self.env, count / base),
            "base": format_number(self.env, base),
        }
        if of == "delivered":
            return self.env._("%(part)s of %(base)s delivered", **values)
        return self.env._("%(part)s of %(base)s sent", **values)

    # ------------------------------------------------------------------
    # What we know, what was done
    # ------------------------------------------------------------------

    def _evidence_domain(self, first):
        """Evidence about these numbers, or about the accounts and portfolios they belong to."""
        return Domain("at", ">=", fields.Datetime.to_datetime(first)) & (
            Domain("sender_id", "in", self.ids)
            | Domain("sender_id", "=", False)
            & (
                Domain("account_id", "in", self.account_id.ids)
                | Domain("account_id", "=", False)
                & Domain("portfolio_id", "in", self.portfolio_id.ids)
            )
        )

    def _dashboard_evidence(self, first, category):
        """What is known of these numbers' reception, by how sure it is."""
        domain = self._evidence_domain(first) & ~Domain("kind", "=like", "response_%")
        if category:
            domain &= Domain("template_id", "=", False) | Domain(
                "template_id.category", "=", category
            )
        items = {certainty: [] for certainty, _label in CERTAINTIES}
        for certainty, kind, effect, count, last_at in self.env[
            "waba.reputation.event"
        ]._read_group(
            domain, ["certainty", "kind", "effect"], ["__count", "at:max"], order="__count desc"
        ):
            items[certainty].append(self._evidence_item(domain, kind, effect, count, last_at))
        return [
            {
                "certainty": certainty,
                "label": selection_label(self.env, "certainty", certainty, "waba.reputation.event"),
                "help": self.env._(CERTAINTY_HELP[certainty]),
                "count": sum(item["count"] for item in found),
                "items": found,
            }
            for certainty, found in items.items()
        ]

    def _evidence_item(self, domain, kind, effect, count, last_at):
        words = selection_label(self.env, "kind", kind, "waba.reputation.event")
        of_kind = domain & Domain("kind", "=", kind) & Domain("effect", "=", effect)
        return {
            "kind": kind,
            "label": words,
            "count": count,
            "effect": effect,
            "last_at": moment_text(last_at),
            "sentence": f"{format_number(self.env, count)} × {words}",
            "action": self._evidence_action(words, of_kind),
        }

    def _dashboard_actions(self, first):
        """What the system, or a manager, did about these numbers; newest first."""
        events = self.env["waba.reputation.event"].search(
            self._evidence_domain(first) & Domain("kind", "=like", "response_%"),
            limit=MAX_ACTIONS,
        )
        return [
            {
                "id": event.id,
                "at": moment_text(event.at),
                "sender_id": event.sender_id.id,
                "sender": event.sender_id.display_phone_number,
                "kind": event.kind,
                "label": selection_label(self.env, "kind", event.kind, event._name),
                "sentence": event.detail,
                "action": self._evidence_action(event.display_name, Domain("id", "=", event.id)),
            }
            for event in events
        ]

    def _evidence_action(self, name, domain):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "waba.reputation.event",
            "views": [[False, "list"], [False, "form"]],
            "domain": json_domain(domain),
            "target": "current",
        }


def every_day(history, first, last):
    """One dict for each day from `first` to `last`: what is known of it, or nothing.

    :param history: rows as waba.sender.reputation's `_daily_history` gives them
    """
    known = {row["day"]: row for row in history}
    days = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        row = known.get(day, {})
        score = row.get("score")
        days.append(
            {
                "day": fields.Date.to_string(day),
                "score": False if score is None else score,
                "level": row.get("level") or "unknown",
                "rating": row.get("quality_rating") or False,
                "base": row.get("base", 0),
                **{measure: row.get(f"{measure}_count", 0) for measure in MEASURES},
            }
        )
    return days


def moment_text(moment):
    """A moment as the web client reads it, or False."""
    return fields.Datetime.to_string(moment) if moment else False
