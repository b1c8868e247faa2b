"""Reputation: the data of the reputation dashboard, read with the rights of the user.

Called by the dashboard of the web client and by report/waba_reputation_report.py.
"""

from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from ...policy import reputation, reputation_rates, reputation_score
from ..analytics.waba_message_daily import MEASURES
from ..base.waba_message import DEPARTURE_SQL
from ..tools.labels import selection_label
from ..tools.reputation_kinds import CERTAINTIES, RANKS
from ..tools.reputation_texts import base_text, format_number, format_percent, score_facts
from .waba_sender_score import json_domain

_lt = LazyTranslate(__name__)

PERIODS = (7, 30, 90)
SPARKLINE_DAYS = 14
# While a campaign runs there are always messages to count; a count reads two days of them.
COUNT_PAUSE = timedelta(minutes=1)
MAX_CAUSES = 8
MAX_ACTIONS = 20
MAX_MARKS = 40
MAX_SUBJECTS = 2

# Of evidence of a changed value.
CHANGES = {"good": _lt("improved"), "bad": _lt("worsened")}

# Worst first.
STATES_BY_RANK = ("locked", "paused", "slowed", "active")
LEVELS_BY_RANK = ("at_risk", "watch", "healthy", "unknown")

# Each step of the funnel, and each loss -> the count that it is a part of.
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
    "exact": _lt("Reported by Meta, a customer or a user."),
    "inferred": _lt(
        "Inferred from missing deliveries. A switched-off phone looks the same as a block."
    ),
    "aggregate": _lt("Meta's assessment of many recipients, without names or counts."),
}


class WabaSender(models.Model):
    _name = "waba.sender"
    _inherit = ["waba.sender", "waba.requirements.mixin"]

    daily_limit_text = fields.Char("Daily limit used", compute="_compute_daily_limit_text")

    @api.depends("slots_used", "people_limit", "is_unlimited")
    @api.depends_context("lang")
    def _compute_daily_limit_text(self):
        for sender in self:
            sender.daily_limit_text = sender._daily_limit_text()

    @api.model
    def reputation_dashboard_data(self, company_id=None, sender_id=None, days=7, category=None):
        """Return all data of the dashboard, with texts in the user's language.

        Counts belong to the UTC day on which their messages were sent. Datetimes are strings in
        UTC, missing values are False, and each figure has the action that opens its rows.

        :param company_id: only numbers of this company; by default of all selected companies
        :param sender_id: all but cards and timelines cover this number only: its id, or 'worst'
        :param days: the period up to today: 7, 30 or 90
        :param category: 'marketing' limits funnel, evidence, causes and breakdowns to promotions;
            scores and levels cover all messages of a number, as Meta's rating does
        :return: dict with the keys as_of, counted_at, polled_at, uncounted (messages sent after
            counted_at), state, empty_text, filters, cards, timelines, funnel, losses, evidence,
            suspects, actions, requirements, breakdowns
        :raise AccessError: if the user is not a manager
        """
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only managers can open the reputation dashboard."))
        days = days if days in PERIODS else PERIODS[0]
        known = self.search([])  # pylint: disable=no-search-all
        senders = known
        if company_id:
            senders = senders.filtered(lambda sender: sender.company_id.id == company_id)
        senders = senders.sorted(_worst_first)
        chosen = senders._select_senders(sender_id)
        now = fields.Datetime.now()
        first = now.date() - timedelta(days=days - 1)
        history = self.env["waba.sender.reputation"]._daily_history(
            senders, now.date() - timedelta(days=max(days, SPARKLINE_DAYS) - 1), now.date()
        )
        domain = [("sender_id", "in", chosen.ids)]
        if category:
            domain.append(("category", "=", category))
        period = [*domain, ("day", ">=", first), ("day", "<=", now.date())]
        sums = self.env["waba.message.daily"]._sums(period)
        uncounted = chosen._count_uncounted()
        state = _state(chosen, sums, uncounted)
        return {
            "as_of": moment_text(now),
            "counted_at": moment_text(self.env["waba.message.daily"]._last_counted_at()),
            "uncounted": uncounted,
            "polled_at": moment_text(max(filter(None, senders.mapped("rated_at")), default=False)),
            "state": state,
            "empty_text": self._empty_text(state),
            "filters": self._dashboard_filters(
                known, company_id, sender_id and chosen.id, days, category
            ),
            "cards": [sender._dashboard_card(history[sender.id], now) for sender in senders],
            "timelines": senders._dashboard_timeline_data(history, category, first, now.date()),
            "funnel": chosen._dashboard_steps(FUNNEL, sums, period),
            "losses": chosen._dashboard_steps(LOSSES, sums, period),
            "evidence": chosen._dashboard_evidence(first, category),
            "suspects": chosen._causes(days, category)[:MAX_CAUSES],
            "actions": chosen._dashboard_actions(first),
            "requirements": chosen._requirements(now),
            "breakdowns": chosen._breakdowns(domain, days),
        }

    def _select_senders(self, sender_id):
        """Return the selected number of these (worst first), or all if none is selected."""
        if sender_id == "worst":
            return self[:1]
        return self.filtered(lambda sender: sender.id == sender_id) if sender_id else self

    def _count_uncounted(self):
        """Return how many messages of these numbers left after the last count; trigger the next.

        Until then the figures are older than what the conversations and campaigns show.
        """
        counted_at = self.env["waba.message.daily"]._last_counted_at()
        self.env["waba.message"].flush_model()
        [(count,)] = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM waba_message m
                    WHERE m.direction = 'out' AND m.sender_id = ANY(%(senders)s)
                      AND %(left_at)s > %(since)s""",
                senders=self.ids,
                left_at=DEPARTURE_SQL,
                since=counted_at or datetime.min,
            )
        )
        if count and (not counted_at or fields.Datetime.now() - counted_at >= COUNT_PAUSE):
            cron = self.env.ref("waba_campaign.ir_cron_judge").sudo()
            triggers = self.env["ir.cron.trigger"].sudo()
            if not triggers.search_count([("cron_id", "=", cron.id)], limit=1):
                cron._trigger()
        return count

    @api.model
    def _empty_text(self, state):
        return {
            "no_sender": self.env._(
                "No number connected. An administrator connects a WhatsApp account under "
                "Configuration → Accounts."
            ),
            "counting": self.env._(
                "Messages of this period are being counted. The figures follow in a minute."
            ),
            "empty": self.env._(
                "No messages sent in this period. Choose a longer period or launch a campaign."
            ),
            "thin": self.env._(
                "Not enough data: the health score starts at %s delivered messages. With fewer, a "
                "single opt-out would decide it.",
                format_number(self.env, reputation_rates.MIN_VOLUME),
            ),
            "rich": False,
        }[state]

    @api.model
    def _dashboard_filters(self, known, company_id, sender_id, days, category):
        return {
            "company_id": company_id or False,
            "sender_id": sender_id or False,
            "days": days,
            "category": category or False,
            "companies": [{"id": company.id, "name": company.name} for company in known.company_id],
            "senders": [
                {
                    "id": sender.id,
                    "name": sender.display_phone_number or sender.display_name,
                    "company_id": sender.company_id.id,
                }
                for sender in known
            ],
            "periods": [
                {"days": period, "label": self.env._("%s days", period)} for period in PERIODS
            ],
            "categories": [
                {"key": "marketing", "label": self.env._("Promotions")},
                {"key": False, "label": self.env._("All")},
            ],
        }

    # === Cards ===

    def _dashboard_card(self, history, now):
        self.ensure_one()
        is_thin = self.reputation_level in (False, "unknown")
        first = now.date() - timedelta(days=SPARKLINE_DAYS - 1)
        return {
            "id": self.id,
            "name": self.display_phone_number or self.display_name,
            "verified_name": self.verified_name,
            "company": self.company_id.name,
            "rating": {
                "key": self.quality_rating or "unknown",
                "label": selection_label(
                    self.env, "quality_rating", self.quality_rating or "unknown"
                ),
                "read_at": moment_text(self.rated_at),
                "red_days": self.red_days,
            },
            "level": self._selection_value("reputation_level", self.reputation_level or "unknown"),
            "score": False if is_thin else self.reputation_score,
            "trend": self._selection_value("reputation_trend", self.reputation_trend or "unknown"),
            "reason": self.reputation_reason,
            "projection": self.reputation_projection,
            "base": {
                "count": self.reputation_base,
                "needed": reputation_rates.MIN_VOLUME,
                "text": self.reputation_base_text
                or base_text(self.env, score_facts(reputation.judge_reputation((), now))),
                "is_thin": is_thin,
            },
            "limit": self._dashboard_limit(),
            "state": self._dashboard_state(),
            "queued": self.queued_count,
            "fresh_start_at": moment_text(self.fresh_start_at),
            "sparkline": [
                {"day": day["day"], "score": day["score"], "level": day["level"]}
                for day in every_day(history, first, now.date())
            ],
            "action": self._open_form_action(),
        }

    def _selection_value(self, field, key):
        return {"key": key, "label": selection_label(self.env, field, key)}

    def _open_form_action(self):
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
            "target": "current",
        }

    def _dashboard_limit(self):
        """Return the use of the portfolio's daily limit, which all of its numbers share."""
        return {
            "key": self.messaging_limit,
            "people": False if self.is_unlimited else self.people_limit,
            "used": self.slots_used,
            "rate": self.usage_rate,
            "is_unlimited": self.is_unlimited,
            "frees_at": moment_text(self.next_slot_at),
            "text": self._daily_limit_text(),
        }

    def _daily_limit_text(self):
        """Return '250 of 250 used (last 24 h), shared by 2 numbers'."""
        used = format_number(self.env, self.slots_used)
        text = (
            self.env._("%s used in the last 24 h, unlimited", used)
            if self.is_unlimited
            else self.env._(
                "%(used)s of %(limit)s used (last 24 h)",
                used=used,
                limit=format_number(self.env, self.people_limit),
            )
        )
        # Numbers of other companies use the same limit.
        sharing = len(self.portfolio_id.sudo().sender_ids)
        if sharing < 2:
            return text
        return self.env._(
            "%(usage)s, shared by %(numbers)s numbers",
            usage=text,
            numbers=format_number(self.env, sharing),
        )

    def _dashboard_state(self):
        """Return the state of this number and the response in force, with its reason."""
        return {
            **self._selection_value("sending_state", self.sending_state),
            "reason": self.pause_reason or self._marketing_hold_reason() or self.response_reason,
            "resume_at": moment_text(self.resume_at),
            "marketing_held": self._is_marketing_held(),
            "can_release": self._can_be_released(),
        }

    # === Timelines ===

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
        """Return {sender id: its largest campaigns of the period, ordered by first day}."""
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
                        # Those that failed later included, unlike a campaign's sent messages
                        "accepted": sent,
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

    # === Funnel and losses ===

    def _dashboard_steps(self, steps, sums, period):
        """Return the figures of the period, each with its base.

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
        """Return '2.1% of 1,952 sent (41)', or '3 of 41 delivered' if too few for a rate."""
        share = self._rate_text(count, base, of)
        return (
            share
            if base < reputation_rates.MIN_VOLUME
            else f"{share} ({format_number(self.env, count)})"
        )

    def _rate_text(self, count, base, of):
        """Return '96.8% of 1,952 sent', or '3 of 41 delivered' if too few for a rate."""
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

    # === Evidence and actions ===

    def _evidence_domain(self, first):
        """Return the domain of evidence about these numbers, their accounts and portfolios."""
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
        """Return the evidence about these numbers by certainty."""
        domain = self._evidence_domain(first) & ~Domain("kind", "=like", "response_%")
        if category:
            domain &= Domain("template_id", "=", False) | Domain(
                "template_id.category", "=", category
            )
        items = {certainty: [] for certainty, _label in CERTAINTIES}
        for certainty, kind, effect, *figures in self.env["waba.reputation.event"]._read_group(
            domain,
            ["certainty", "kind", "effect"],
            ["__count", "at:max", "template_id:recordset", "sender_id:recordset"],
            order="__count desc",
        ):
            items[certainty].append(self._evidence_item(domain, kind, effect, *figures))
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

    def _evidence_item(self, domain, kind, effect, count, last_at, templates, senders):
        label = selection_label(self.env, "kind", kind, "waba.reputation.event")
        parts = [
            f"{format_number(self.env, count)} × {label}",
            self.env._(CHANGES[effect]) if kind in RANKS and effect in CHANGES else "",
            self._evidence_subject(kind, templates, senders),
        ]
        of_kind = domain & Domain("kind", "=", kind) & Domain("effect", "=", effect)
        return {
            "kind": kind,
            "label": label,
            "count": count,
            "effect": effect,
            "last_at": moment_text(last_at),
            "sentence": " · ".join(filter(None, parts)),
            "action": self._evidence_action(label, of_kind),
        }

    def _evidence_subject(self, kind, templates, senders):
        """Return the names of the templates or numbers that evidence is about, or ''."""
        subjects = {"template": templates, "number": senders}.get(kind.partition("_")[0])
        if not subjects or subjects == self:
            return ""
        names = ", ".join(subjects[:MAX_SUBJECTS].mapped("display_name"))
        if len(subjects) <= MAX_SUBJECTS:
            return names
        return self.env._("%(names)s +%(more)s", names=names, more=len(subjects) - MAX_SUBJECTS)

    def _dashboard_actions(self, first):
        """Return the responses of the system and of managers, newest first."""
        events = self.env["waba.reputation.event"].search(
            self._evidence_domain(first) & Domain("kind", "=like", "response_%"),
            limit=MAX_ACTIONS,
        )
        return [
            {
                "id": event.id,
                "at": moment_text(event.at),
                "sender_id": event.sender_id.id,
                "subject": event.campaign_id.display_name
                or event.template_id.display_name
                or (len(self) > 1 and event.sender_id.display_phone_number)
                or "",
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


def _state(senders, sums, uncounted):
    if not senders:
        return "no_sender"
    if not sums["sent"] and not sums["failed"]:
        return "counting" if uncounted else "empty"
    is_judged = any(sender.reputation_level not in (False, "unknown") for sender in senders)
    return "rich" if is_judged else "thin"


def _worst_first(sender):
    """Sort key: state, level, score, the worst first; without enough data last within a state."""
    return (
        STATES_BY_RANK.index(sender.state),
        LEVELS_BY_RANK.index(sender.reputation_level or "unknown"),
        sender.reputation_score,
        sender.id,
    )


def every_day(history, first, last):
    """Return a dict for each day from `first` to `last`, with empty values where no row exists.

    :param history: rows of one number from waba.sender.reputation's `_daily_history`
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
    """Return a datetime as the web client parses it, or False."""
    return fields.Datetime.to_string(moment) if moment else False
