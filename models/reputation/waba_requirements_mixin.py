"""Reputation: `waba.requirements.mixin`: the requirements list of numbers, with each one's fix.

Called by the dashboard (waba_sender_dashboard.py) when it is opened; policy/requirements.py judges.
"""

from datetime import timedelta

from odoo import models
from odoo.tools import SQL, LazyTranslate

from ...cloud_api import Health
from ...policy import preflight, reputation_rates, requirements
from ..base.waba_message import DEPARTURE_SQL
from ..consent.consent_sql import any_topic_sql, consent_sql
from ..tools.labels import selection_label
from ..tools.moments import format_moment
from ..tools.reputation_kinds import RANKS
from ..tools.reputation_texts import format_number, format_percent

_lt = LazyTranslate(__name__)

WHATSAPP_MANAGER = "https://business.facebook.com/wa/manage/phone-numbers/"
SWITCHES = {"pilot_batch": "canary", "email_alerts": "alert_email"}

# key -> (rate of policy.reputation_rates.Rates, its count)
RATES = {
    "opt_out_rate": ("opt_out", "opted_out"),
    "invalid_numbers": ("undeliverable", "undeliverable"),
    "undelivered": ("possible_block", "silent"),
}

STATUS_LABELS = {
    "compliant": _lt("Compliant"),
    "needs_work": _lt("Needs work"),
    "unknown": _lt("Not enough data"),
}
SOURCE_LABELS = {"meta": _lt("Meta's rule"), "ours": _lt("Our advice")}
LABELS = {
    "opt_ins": _lt("Opt-ins on record"),
    "opt_out_way": _lt("Opt-out in every promotion"),
    "frequency_cap": _lt("Frequency cap"),
    "quiet_hours": _lt("Quiet hours"),
    "pilot_batch": _lt("Pilot batches"),
    "quality_rating": _lt("Quality rating"),
    "template_quality": _lt("Template quality"),
    "opt_out_rate": _lt("Opt-out rate"),
    "invalid_numbers": _lt("Invalid numbers"),
    "undelivered": _lt("Never delivered"),
    "display_name": _lt("Display name"),
    "account_status": _lt("Account status"),
    "webhook": _lt("Webhook"),
    "email_alerts": _lt("Email alerts"),
}
REASONS = {
    "opt_ins": _lt("Meta allows promotions only to people who opted in."),
    "opt_out_way": _lt("People who can opt out block and report less."),
    "frequency_cap": _lt("More than one promotion a day to one person leads to blocks."),
    "quiet_hours": _lt("Messages at night lead to reports."),
    "pilot_batch": _lt("A pilot batch stops a bad campaign before most recipients get it."),
    "quality_rating": _lt("Below High, Meta does not raise the daily limit."),
    "template_quality": _lt("Meta pauses templates rated Low, and the third time disables them."),
    "opt_out_rate": _lt("Up to this rate the health score loses no points."),
    "invalid_numbers": _lt("Up to this rate the health score loses no points."),
    "undelivered": _lt("Possible blocks: up to this rate the health score loses no points."),
    "display_name": _lt("Without an approved name, Meta may refuse messages."),
    "account_status": _lt("Meta's health check decides whether messages are sent."),
    "webhook": _lt("Deliveries, replies and opt-outs arrive by webhook."),
    "email_alerts": _lt("A rating can fall within minutes."),
}


class WabaRequirementsMixin(models.AbstractModel):
    """For waba.sender: the figures of each requirement, as text, and what opens its fix."""

    _name = "waba.requirements.mixin"
    _description = "Requirements for Good Sending"

    def _requirements(self, now):
        """Return what these numbers and their companies should do, worst first.

        :param now: naive UTC datetime
        :return: list of dict: key, label, status, status_label, source, source_label, detail (the
            figure with its base), reason, fix (False, or dict: label, and action or anchor)
        """
        first = now.date() - timedelta(days=requirements.PERIOD_DAYS - 1)
        if not self:
            return []
        found = [
            *self._consent_requirements(first, now),
            *self._setting_requirements(),
            *self._rating_requirements(),
            *self._result_requirements(first, now),
            *self._platform_requirements(now),
        ]
        found.sort(key=lambda each: requirements.requirement_order(each["key"], each["status"]))
        return found

    def _requirement(self, key, status, detail, fix=False):
        source = requirements.REQUIREMENTS[key].source
        return {
            "key": key,
            "label": self.env._(LABELS[key]),
            "status": status,
            "status_label": self.env._(STATUS_LABELS[status]),
            "source": source,
            "source_label": self.env._(SOURCE_LABELS[source]),
            "detail": detail,
            "reason": self.env._(REASONS[key]),
            "fix": fix if status == "needs_work" else False,
        }

    def _figures_text(self, text, met, base):
        return text % {"met": format_number(self.env, met), "base": format_number(self.env, base),
                       "days": requirements.PERIOD_DAYS}  # fmt: skip

    # === Consent ===

    def _consent_requirements(self, first, now):
        with_opt_in, everybody = self._count_promoted(now)
        templates = self._promotions_sent(first)
        without_way = templates.filtered(lambda template: not template._has_opt_out_way())
        return [
            self._requirement(
                "opt_ins",
                requirements.assess_all(with_opt_in, everybody - with_opt_in),
                self._figures_text(
                    self.env._("%(met)s of %(base)s recipients of promotions, last %(days)s days"),
                    with_opt_in,
                    everybody,
                )
                if everybody
                else self.env._("No promotions, last %s days", requirements.PERIOD_DAYS),
                self._fix(
                    self.env._("Import opt-ins"),
                    self.env["ir.actions.actions"]._for_xml_id(
                        "waba_campaign.waba_consent_action_import"
                    ),
                ),
            ),
            self._requirement(
                "opt_out_way",
                requirements.assess_all(len(templates - without_way), len(without_way)),
                self._figures_text(
                    self.env._("In %(met)s of %(base)s promotion templates, last %(days)s days"),
                    len(templates - without_way),
                    len(templates),
                )
                if templates
                else self.env._("No promotions, last %s days", requirements.PERIOD_DAYS),
                self._fix(self.env._("Open templates"), self._records_action(without_way)),
            ),
        ]

    def _count_promoted(self, now):
        """Return how many recipients of promotions have an opt-in, and how many there are.

        Those who have opted out since are in neither: their opt-in has ended.
        """
        states = SQL(", ").join(
            [
                *(consent_sql("marketing", company.id) for company in self.company_id.sorted("id")),
                any_topic_sql(self.company_id.ids),
            ]
        )
        if not self.portfolio_id:
            return 0, 0
        self.env["waba.recipient"].flush_model()
        self.env["waba.opt.in"].flush_model()
        self.env["waba.topic.state"].flush_model()
        [(with_opt_in, without)] = self.env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE 'opted_in' = ANY(states)),
                          count(*) FILTER (WHERE 'unknown' = ALL(states))
                     FROM (SELECT ARRAY[%(states)s] AS states FROM waba_recipient r
                            WHERE r.portfolio_id IN %(portfolios)s
                              AND r.last_marketing_at > %(since)s) AS promoted""",
                states=states,
                portfolios=tuple(self.portfolio_id.ids),
                since=now - timedelta(days=requirements.PERIOD_DAYS),
            )
        )
        return with_opt_in, with_opt_in + without

    def _promotions_sent(self, first):
        """Return the templates of the promotions sent since `first`."""
        groups = self.env["waba.message.daily"]._read_group(
            [("sender_id", "in", self.ids), ("day", ">=", first), ("category", "=", "marketing"),
             ("sent_count", ">", 0), ("template_id", "!=", False)],
            ["template_id"],
        )  # fmt: skip
        return self.env["waba.template"].concat(*(template for (template,) in groups))

    # === Settings ===

    def _setting_requirements(self):
        companies = self.company_id
        capped = companies.filtered(
            lambda company: requirements.is_capped(
                company.waba_frequency_count, company.waba_frequency_days
            )
        )
        quiet = companies.filtered(lambda company: len(set(company._waba_quiet_period())) > 1)
        found = [
            self._requirement(
                key,
                requirements.assess_all(len(with_it), len(companies - with_it)),
                self._company_text(key, with_it),
                self._settings_fix(),
            )
            for key, with_it in (("frequency_cap", capped), ("quiet_hours", quiet))
        ]
        for key, name in SWITCHES.items():
            with_it = self.filtered(name)
            found.append(
                self._requirement(
                    key,
                    requirements.assess_all(len(with_it), len(self - with_it)),
                    self._switch_text(len(with_it)),
                    self._fix(self.env._("Open number"), self._records_action(self - with_it)),
                )
            )
        return found

    def _switch_text(self, switched_on):
        if len(self) == 1:
            return self.env._("On") if switched_on else self.env._("Off")
        text = self.env._("On for %(met)s of %(base)s numbers")
        return self._figures_text(text, switched_on, len(self))

    def _company_text(self, key, with_it):
        """Return the setting of one company, or how many of several have it."""
        companies = self.company_id
        if len(companies) > 1:
            text = self.env._("On for %(met)s of %(base)s companies")
            return self._figures_text(text, len(with_it), len(companies))
        if key == "frequency_cap" and companies.waba_frequency_count:
            return self.env._(
                "%(count)s promotions per person in %(days)s days",
                count=companies.waba_frequency_count,
                days=companies.waba_frequency_days,
            )
        if key == "quiet_hours" and with_it:
            start, end = (_clock(hour) for hour in companies._waba_quiet_period())
            return self.env._("%(start)s to %(end)s, recipient's time", start=start, end=end)
        return self.env._("Off")

    def _settings_fix(self):
        """Return the fix by the settings, which only administrators may change."""
        if not self.env.user.has_group("base.group_system"):
            return self._fix(self.env._("An administrator can change this in Settings."), False)
        return self._fix(
            self.env._("Open settings"),
            self.env["ir.actions.actions"]._for_xml_id("waba_campaign.waba_settings_action"),
        )

    # === Ratings ===

    def _rating_requirements(self):
        templates, low = _split(
            self.account_id.template_ids.filtered("active"), "template_quality", "quality_score"
        )
        numbers, bad = _split(self, "number_quality", "quality_rating")
        return [
            self._requirement(
                "quality_rating",
                requirements.assess_all(len(numbers), len(bad)),
                self._ratings_text(numbers, bad),
                self._causes_fix(),
            ),
            self._requirement(
                "template_quality",
                requirements.assess_all(len(templates), len(low)),
                self._figures_text(
                    self.env._("High for %(met)s of %(base)s rated templates"),
                    len(templates),
                    len(templates + low),
                )
                if templates + low
                else self.env._("No template rated by Meta yet"),
                self._fix(self.env._("Open templates"), self._records_action(low)),
            ),
        ]

    def _ratings_text(self, high, others):
        """Return the rating of one number, or how many of several are High."""
        if len(self) == 1:
            return selection_label(self.env, "quality_rating", self.quality_rating)
        text = self.env._("High for %(met)s of %(base)s rated numbers")
        return self._figures_text(text, len(high), len(high + others))

    # === Results ===

    def _result_requirements(self, first, now):
        domain = [("sender_id", "in", self.ids), ("day", ">=", first), ("day", "<=", now.date())]
        days = self.env["waba.message.daily"]._day_counts(domain).get((), [])
        rates = reputation_rates.rates(days, now.date(), requirements.PERIOD_DAYS)
        found = []
        for key, (measure, counted) in RATES.items():
            rate = getattr(rates, measure)
            fix = (
                self._causes_fix()
                if key == "opt_out_rate"
                else self._fix(
                    self.env._("Show messages"),
                    self._drilldown(self.env._(LABELS[key]), domain, counted),
                )
            )
            status = requirements.assess_rate(key, rate.count, rate.base)
            text = self._rate_requirement_text(key, status, rate)
            found.append(self._requirement(key, status, text, fix))
        return found

    def _rate_requirement_text(self, key, status, rate):
        """Return '2.9% of 1,952 messages, last 30 days (limit 2.5%)'."""
        values = {
            "count": format_number(self.env, rate.count),
            "base": format_number(self.env, rate.base),
            "days": requirements.PERIOD_DAYS,
        }
        if status == "unknown":
            needed = format_number(self.env, reputation_rates.MIN_VOLUME)
            return self.env._(
                "%(count)s of %(base)s messages, last %(days)s days (at least %(needed)s needed)",
                needed=needed,
                **values,
            )
        limit = requirements.REQUIREMENTS[key].limit
        return self.env._(
            "%(rate)s of %(base)s messages, last %(days)s days (limit %(limit)s)",
            rate=format_percent(self.env, rate.count / rate.base, limit),
            limit=format_percent(self.env, limit),
            **values,
        )

    # === Platform ===

    def _platform_requirements(self, now):
        approved, declined = _split(self, "number_name", "name_status")
        accounts = self.account_id
        stopped = accounts.filtered(lambda account: not account._may_send())
        return [
            self._requirement(
                "display_name",
                requirements.assess_all(len(approved), len(declined)),
                self._names_text(approved, declined),
                self._fix(
                    self.env._("Open WhatsApp Manager"),
                    {"type": "ir.actions.act_url", "url": WHATSAPP_MANAGER, "target": "new"},
                ),
            ),
            self._requirement(
                "account_status",
                requirements.assess_all(len(accounts - stopped), len(stopped)),
                stopped[:1]._standing_text() or self.env._("Sending is allowed"),
                self._fix(self.env._("Open account"), self._records_action(stopped)),
            ),
            self._webhook_requirement(now),
        ]

    def _names_text(self, approved, declined):
        if not approved + declined:
            return self.env._("Not reviewed")
        if len(self) == 1:
            return self.env._("Approved") if approved else self.env._("Declined or expired")
        return self._figures_text(
            self.env._("Approved for %(met)s of %(base)s numbers"), len(approved), len(self)
        )

    def _webhook_requirement(self, now):
        """Return the requirement of the account that meets it least."""
        judged = {
            account: requirements.assess_webhook(
                account._last_sent_at(), account.last_event_at or None, now
            )
            for account in self.account_id
        }
        account = min(judged, key=lambda each: requirements.STATUSES.index(judged[each]))
        heard_at = account.last_event_at
        return self._requirement(
            "webhook",
            judged[account],
            self.env._("Last event: %s", format_moment(self.env, heard_at))
            if heard_at
            else self.env._("No event received yet"),
            self._fix(self.env._("Open account"), self._records_action(account)),
        )

    # === Fixes ===

    def _fix(self, label, action):
        return {"label": label, "action": action, "anchor": False}

    def _causes_fix(self):
        return {"label": self.env._("Show likely causes"), "action": False,
                "anchor": "waba_suspects"}  # fmt: skip

    def _records_action(self, records):
        """Return the action that opens one record's form, or the list of several."""
        action = {
            "type": "ir.actions.act_window",
            "name": records._description,
            "res_model": records._name,
            "target": "current",
        }
        if len(records) == 1:
            return {**action, "res_id": records.id, "views": [[False, "form"]]}
        return {
            **action,
            "views": [[False, "list"], [False, "form"]],
            "domain": [["id", "in", records.ids]],
        }


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    def _has_opt_out_way(self):
        """Return whether its text or a button says how to opt out."""
        self.ensure_one()
        preview = self._render_preview({})
        payloads = self.variable_ids.filtered(lambda line: line.kind == "payload").mapped("text")
        return preflight.has_opt_out_button(
            [text for _type, text in preview.buttons], payloads
        ) or preflight.mentions_opt_out(f"{preview.body}\n{preview.footer}")


class WabaAccount(models.Model):
    _inherit = "waba.account"

    def _may_send(self):
        """Return whether it is connected and Meta's health check does not limit it."""
        self.ensure_one()
        health = Health.from_reply(self.health_status).can_send
        return self.state == "connected" and RANKS["health"].get(health, 0) == 0

    def _standing_text(self):
        """Return why it may not send, or may only send in part; '' for an empty recordset."""
        if not self:
            return ""
        return self.stop_reason or (
            self.env._("Limited or blocked by Meta's health check")
            if self.state == "connected"
            else self.env._("Not connected")
        )

    def _last_sent_at(self):
        """Return when the last message of its numbers left (naive UTC), or None."""
        self.ensure_one()
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT max(last.at) FROM waba_sender s CROSS JOIN LATERAL (
                       SELECT %(left_at)s AS at FROM waba_message m
                        WHERE m.sender_id = s.id AND m.direction = 'out'
                          AND %(left_at)s IS NOT NULL
                     ORDER BY m.id DESC LIMIT 1) AS last
                    WHERE s.account_id = %(account)s""",
                left_at=DEPARTURE_SQL,
                account=self.id,
            )
        )
        return rows[0][0]


def _split(records, kind, field):
    """Return those in order and those not, by Meta's value in `field`; unknown ones in neither.

    :param kind: a key of RANKS
    """
    ranks = {record: RANKS[kind].get(record[field]) for record in records}
    known = records.filtered(lambda record: ranks[record] is not None)
    bad = known.filtered(lambda record: ranks[record] < 0)
    return known - bad, bad


def _clock(hour):
    """Return '21:00' for 21.0."""
    minutes = round(hour * 60)
    return f"{minutes // 60}:{minutes % 60:02}"
