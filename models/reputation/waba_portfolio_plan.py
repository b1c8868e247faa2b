"""Reputation: the growth plan of a portfolio, as the growth screen shows it.

Called by the growth plan of the web client. Dates and numbers come from policy/growth.py.
"""

from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from ...policy import growth, warmth
from ..campaign.waba_campaign_audience import FROM_RECORDS
from ..consent.consent_sql import consent_sql
from ..tools.labels import selection_label
from ..tools.reputation_texts import format_number
from .waba_sender_dashboard import moment_text

_lt = LazyTranslate(__name__)

CHART_DAYS = 7
# Worst first: how Meta rates the numbers of a portfolio together.
RATINGS_BY_RANK = ("red", "yellow", "unknown", "green")
# More people than this are not scored for one screen: the newest are.
MOST_SCORED = 50_000
# A campaign of selected records; larger ones are better made from a filter.
MOST_SELECTED = 20_000
# Records of a campaign for the warmest, in the order in which an equal count is decided.
AUDIENCE_MODELS = {
    "crm.lead": [("active", "=", True), ("won_status", "=", "pending")],
    "res.partner": [("active", "=", True)],
}

HAS_NUMBER = Domain("phone_sanitized", "!=", False)

LEVEL_REASONS = {
    "quality": _lt("Not before quality is high"),
    "unrated": _lt("Likely date after Meta's first rating"),
    "review": _lt("Likely date unknown: Meta reviews, without a stated time"),
    "cap": _lt("Out of reach with your own limits"),
    "audience": _lt("Out of reach: too few opt-ins"),
}
SIGNAL_LABELS = {
    "inbound": _lt("Sent a message"),
    "clicked": _lt("Clicked"),
    "read": _lt("Read"),
    "opted_in": _lt("Opted in recently"),
    "none": _lt("No reaction in 90 days"),
}
# State -> headline, and two sentences: what it means, what to do.
STATE_TEXTS = {
    "unknown": (
        _lt("Limit not known yet"),
        _lt("Meta has not reported a limit. Sync the account to read it."),
    ),
    "unlisted": (
        _lt("No documented next level"),
        _lt(
            "Meta no longer documents this level, so no date can be given. Sync the account to see "
            "whether Meta has replaced it."
        ),
    ),
    "unlimited": (
        _lt("Highest level reached"),
        _lt("There is no further level. Your own limit still applies."),
    ),
    "blocked": (
        _lt("Growth is blocked by quality"),
        _lt(
            "Meta raises a limit only at high quality; %(subject)s has the rating %(rating)s. Send "
            "less, and to the warmest people only, until it is high again."
        ),
    ),
    "reached": (
        _lt("Enough people reached: Meta decides next"),
        _lt(
            "Meta raises the limit within 6 hours if it rates quality high. No increase? Send to "
            "%(needed)s people within one day, in case Meta counts one day."
        ),
    ),
    "audience": (
        _lt("Too few opt-ins for the next level"),
        _lt(
            "%(missing)s more people are needed within %(days)s days, and %(audience)s who opted "
            "in can be messaged. Collect opt-ins."
        ),
    ),
    "capped": (
        _lt("Your own limits are below the next level"),
        _lt(
            "%(least)s people a day are needed, and your own limit and warm-up allow %(most)s. "
            "Raise your own limit, or wait for the warm-up."
        ),
    ),
    "growing": (
        _lt("Write to %(least)s–%(most)s people a day"),
        _lt(
            "%(missing)s more people within %(days)s days reach the next level. Meta then raises "
            "the limit within 6 hours if it rates quality high."
        ),
    ),
}
# The first level ends with a review, for which Meta states no time.
FIRST_STEP_TEXTS = {
    "reached": (
        _lt("Enough people reached: Meta reviews next"),
        _lt(
            "Meta reviews quality and states no time for it. Business verification raises the "
            "limit too."
        ),
    ),
    "growing": (
        STATE_TEXTS["growing"][0],
        _lt(
            "%(missing)s more people within %(days)s days, or business verification, open the next "
            "level. Meta then reviews quality, and states no time for it."
        ),
    ),
}


class Audience(NamedTuple):
    """People who may be written to next, with a record each.

    :ivar model: the model of the records
    :ivar records: {recipient id: record id}
    """

    model: str = "res.partner"
    records: dict = {}


class Outlook(NamedTuple):
    """A portfolio's situation and plan, and what they were read from.

    :ivar sender: number of the user's companies to send from, empty without one
    :ivar subject: name of the number or template with the worst rating
    """

    situation: growth.Situation
    plan: growth.Plan
    sender: object
    audience: Audience
    subject: str


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    @api.model
    def growth_plan_data(self, portfolio_id=False):
        """Return all data of the growth plan, with texts in the user's language.

        Counts and limits are those of the whole portfolio; the audience is that of the user's
        company. Datetimes are strings in UTC, missing values are False.

        :param portfolio_id: by default the first of the user's companies
        :return: dict with the keys portfolios [{id, name}] and plan, False without a portfolio
        :raise AccessError: if the user is not a manager
        """
        self._check_planner()
        known = self.search([("account_ids", "!=", False)])
        chosen = known.filtered(lambda one: one.id == portfolio_id) or known[:1]
        return {
            "portfolios": [{"id": one.id, "name": one.name} for one in known],
            "plan": chosen._growth_plan_screen() if chosen else False,
        }

    def action_open_growth_plan(self):
        self.ensure_one()
        action = self.env["ir.actions.client"]._for_xml_id("waba_campaign.waba_growth_plan_action")
        return {**action, "params": {"portfolio_id": self.id}}

    def action_create_warmest_campaign(self, count):
        """Open a new campaign for the `count` warmest people who may be written to.

        :raise UserError: if there are none
        """
        self.ensure_one()
        self._check_planner()
        outlook = self._growth_outlook(fields.Datetime.now())
        sender, audience = outlook.sender, outlook.audience
        most = MOST_SELECTED if outlook.plan.most is None else outlook.plan.most
        found = self._read_growth_warmth(outlook)
        warmest = sorted(found, key=lambda id_: (-found[id_].score, id_))
        warmest = warmest[: max(0, min(int(count), most, MOST_SELECTED))]
        if not warmest:
            raise UserError(
                self.env._(
                    "No campaign created: no one who opted in can be messaged now. Collect "
                    "opt-ins first."
                )
            )
        ids = [audience.records[id_] for id_ in warmest]
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "waba_campaign.waba_campaign_action_from_leads"
        )
        context = {
            FROM_RECORDS: True, "active_model": audience.model, "active_ids": ids,
            "active_id": ids[0], "default_warmest_first": True, "default_sender_id": sender.id,
            "default_company_id": sender.company_id.id,
            "default_name": self.env._("Warmest %s", format_number(self.env, len(ids))),
        }  # fmt: skip
        return {**action, "context": context}

    def _check_planner(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only managers can open the growth plan."))
        self.check_access("read")

    # === Situation ===

    def _growth_outlook(self, now):
        senders = self.sudo().sender_ids
        mine = senders.filtered(lambda one: one.company_id in self.env.companies)
        sender = (mine.filtered(lambda one: one.company_id == self.env.company) or mine)[:1]
        sender = sender.with_env(self.env)
        audience = self._growth_audience(sender)
        quality, subject = self._growth_rating()
        own = [one._own_daily_limit() for one in senders]
        growing = senders.filtered("warm_up")[:1]
        situation = growth.Situation(
            messaging_limit=self.messaging_limit,
            quality=quality,
            people_by_age=[people for _day, people in self._people_by_age(now)],
            most=None if None in own else sum(own),
            daily_cap=self.daily_cap,
            growth=growing._response_settings().warm_up_growth if growing else None,
            audience=len(audience.records),
        )
        plan = growth.make_plan(situation, now)
        return Outlook(situation, plan, sender, audience, subject)

    def _growth_rating(self):
        """(key of the worst rating, name of the number or template that has it)."""
        senders = self.sudo().sender_ids
        rated = [(one.quality_rating or "unknown", one) for one in senders]
        templates = senders.account_id.template_ids.filtered(
            lambda one: one.status == "approved" and one.quality_score in ("yellow", "red")
        )
        rated += [(one.quality_score, one) for one in self._used_lately(templates)]
        if not rated:
            return "unknown", ""
        rating, subject = min(rated, key=lambda one: RATINGS_BY_RANK.index(one[0]))
        if subject.company_id in self.env.companies:
            return rating, subject.display_name
        return rating, self.env._("another company's number or template")

    def _used_lately(self, templates):
        """Those of these templates that were sent in the last days that Meta looks at."""
        since = fields.Datetime.now() - growth.USED_DAYS * growth.DAY
        rows = self.env["waba.message"].sudo()._read_group(
            [("sender_id", "in", self.sudo().sender_ids.ids), ("slot_at", ">", since),
             ("template_id", "in", templates.ids)],
            ["template_id"],
        ) if templates else []  # fmt: skip
        return templates.browse(template.id for [template] in rows)

    def _people_by_age(self, now):
        """[(people of that day, people whose last message was that day)] by age in days.

        Unique people to whom a message outside a service window was delivered.
        """
        days = growth.window_days(self.messaging_limit)
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT age, count(*), count(*) FILTER (WHERE age = latest)
                     FROM (SELECT age, min(age) OVER (PARTITION BY recipient_id) AS latest
                             FROM (SELECT DISTINCT recipient_id,
                                          GREATEST(0, floor(extract(epoch FROM %(now)s - slot_at)
                                                            / 86400))::int AS age
                                     FROM waba_message
                                    WHERE sender_id = ANY(%(senders)s) AND slot_at > %(since)s
                                      AND COALESCE(delivered_at, read_at) IS NOT NULL) d) p
                    GROUP BY age""",
                now=now,
                senders=self.sudo().sender_ids.ids,
                since=now - timedelta(days=days),
            )
        )
        found = {age: (people, latest) for age, people, latest in rows}
        return [found.get(age, (0, 0)) for age in range(days)]

    # === Audience ===

    def _growth_audience(self, sender):
        """`Audience`: opted in, reachable, and not contacted in the days of the next step.

        Leads or contacts, whichever reach more people; read with the user's rights.
        """
        if not sender:
            return Audience()
        found = [
            Audience(model, self._records_of_people(model, domain, sender.company_id))
            for model, domain in AUDIENCE_MODELS.items()
            if self.env[model].has_access("read")
        ]
        return max(found, key=lambda one: len(one.records), default=Audience())

    def _records_of_people(self, model, domain, company):
        """{recipient id: record id} of this model's records that the user may read."""
        records = self.env[model]
        scope = Domain(domain) & Domain("company_id", "in", [False, company.id])
        self.env.flush_all()
        found = self._numbered_records(records, scope & HAS_NUMBER, company)
        hidden = self.env["waba.recipient"].sudo().browse(self._hidden_people_ids(company))
        # A record with a number is a message to that number.
        linked = records.search(
            scope & ~HAS_NUMBER & records._waba_link_domain(hidden), order="id DESC"
        )
        for record_id, people in linked._waba_linked(self).items():
            for person in people & hidden:
                found.setdefault(person.id, record_id)
        return found

    def _numbered_records(self, records, domain, company):
        """{recipient id: newest record id} by the records' numbers."""
        query = records._search(domain)
        if query.is_empty():
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (r.id) r.id, t.id
                     FROM waba_recipient r
                     JOIN %(table)s t
                       ON t.phone_sanitized = r.number OR t.phone_sanitized = r.wa_number
                    WHERE %(free)s AND t.id IN %(readable)s
                 ORDER BY r.id, t.id DESC""",
                table=SQL.identifier(records._table),
                free=self._free_person_sql(company),
                readable=query.subselect(),
            )
        )
        return dict(rows)

    def _hidden_people_ids(self, company):
        """Recipients who hide their number."""
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id FROM waba_recipient r"
                " WHERE r.number IS NULL AND r.user_uid IS NOT NULL AND %s",
                self._free_person_sql(company),
            )
        )
        return [id_ for (id_,) in rows]

    def _free_person_sql(self, company):
        """Condition on waba_recipient r, as in `_growth_audience`."""
        now = fields.Datetime.now()
        return SQL(
            """(r.portfolio_id = %(portfolio)s AND %(consent)s = 'opted_in'
                AND r.is_blocked IS NOT TRUE AND r.may_opt_out_at IS NULL
                AND (r.unreachable_until IS NULL OR r.unreachable_until <= %(now)s)
                AND (r.marketing_held_until IS NULL OR r.marketing_held_until <= %(now)s)
                AND (r.slot_at IS NULL OR r.slot_at <= %(since)s)
                AND NOT EXISTS (SELECT 1 FROM phone_blacklist b
                                 WHERE b.active AND b.number = r.number))""",
            portfolio=self.id,
            consent=consent_sql("marketing", company.id),
            now=now,
            since=now - growth.window_days(self.messaging_limit) * growth.DAY,
        )

    def _read_growth_warmth(self, outlook):
        """{recipient id: Warmth} of the audience, of its newest people if it is large."""
        ids = sorted(outlook.audience.records, reverse=True)[:MOST_SCORED]
        company = outlook.sender.company_id
        return self.env["waba.recipient"]._read_warmth(ids, company) if ids else {}

    # === Screen ===

    def _growth_plan_screen(self):
        now = fields.Datetime.now()
        outlook = self._growth_outlook(now)
        plan, rating = outlook.plan, outlook.situation.quality
        count = len(outlook.audience.records)
        headline, explanation = self._growth_texts(outlook)
        return {
            "id": self.id,
            "name": self.name,
            "state": plan.state,
            "sharing": len(self.sudo().sender_ids),
            "limit": selection_label(self.env, "messaging_limit", self.messaging_limit, self._name),
            "rating": {
                "key": rating,
                "label": selection_label(self.env, "quality_rating", rating),
                "subject": outlook.subject,
            },
            "headline": headline,
            "explanation": explanation,
            "progress": self._growth_progress(plan),
            "least": plan.least,
            "most": plan.most if plan.most is not None else False,
            "audience": self._growth_audience_data(outlook),
            "campaign_size": min(plan.most, count, MOST_SELECTED) if plan.step else 0,
            "ladder": [self._growth_level(forecast) for forecast in plan.forecasts],
            "days": self._growth_days(plan, now),
        }

    def _growth_texts(self, outlook):
        """(headline, explanation of two sentences) of the plan's state."""
        plan, step = outlook.plan, outlook.plan.step or growth.Step(0, 0)
        values = {
            name: format_number(self.env, count or 0)
            for name, count in (
                ("missing", plan.missing), ("days", step.days), ("needed", step.people),
                ("least", plan.least), ("most", plan.most),
                ("audience", len(outlook.audience.records)),
            )
        } | {
            "subject": outlook.subject,
            "rating": selection_label(self.env, "quality_rating", outlook.situation.quality),
        }  # fmt: skip
        is_first = step.days == growth.FIRST_STEP_DAYS and plan.state in ("reached", "growing")
        headline, text = (FIRST_STEP_TEXTS if is_first else STATE_TEXTS)[plan.state]
        headline, text = self.env._(headline), self.env._(text)
        return headline % values, text % values

    def _growth_progress(self, plan):
        if not plan.step:
            return False
        return {
            "used": plan.used,
            "needed": plan.step.people,
            "rate": min(1.0, plan.used / plan.step.people),
            "text": self.env._(
                "%(used)s of %(needed)s people delivered to, last %(days)s days",
                used=format_number(self.env, plan.used),
                needed=format_number(self.env, plan.step.people),
                days=format_number(self.env, plan.step.days),
            ),
        }

    def _growth_audience_data(self, outlook):
        found = self._read_growth_warmth(outlook)
        signals = Counter(next(iter(one.reasons), "none") for one in found.values())
        return {
            "count": len(outlook.audience.records),
            "scored": len(found),
            "signals": [
                {"key": key, "label": self.env._(SIGNAL_LABELS[key]), "count": signals[key]}
                for key in (*warmth.WEIGHTS, "none")
            ],
        }

    def _growth_level(self, forecast):
        first, last = forecast.likely or (None, None)
        return {
            "limit": forecast.limit or False,
            "label": format_number(self.env, forecast.limit)
            if forecast.limit
            else self.env._("Unlimited"),
            "status": forecast.status,
            "earliest": moment_text(forecast.earliest),
            "likely_from": moment_text(first),
            "likely_until": moment_text(last),
            "reason": self.env._(LEVEL_REASONS[forecast.reason]) if forecast.reason else False,
        }

    def _growth_days(self, plan, now):
        """The last days with their people, and the next ones with the plan's."""
        past = self._people_by_age(now)[:CHART_DAYS]
        days = [
            {"day": str((now - age * growth.DAY).date()), "people": people, "planned": False}
            for age, (people, _latest) in reversed(list(enumerate(past)))
        ]
        if plan.state in ("growing", "reached"):
            days += [
                {"day": str((now + ahead * growth.DAY).date()), "people": False,
                 "planned": plan.least}
                for ahead in range(1, CHART_DAYS + 1)
            ]  # fmt: skip
        return days
