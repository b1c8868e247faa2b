"""Outlook: the dry run, and the pre-flight lines on start, duration, cost and expected opt-outs.

Called by `_preflight_report` (waba_campaign_preflight.py).
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount

from ....policy import budget, limits, max_price, pacing, preflight, preflight_outlook, rates
from ....policy.reputation_rates import MIN_VOLUME
from ...base.waba_message import ACCEPTED_STATES
from ...consent.consent_sql import consent_sql, in_force_sql, strongest_consent, topic_sql
from ...dispatch.waba_budget import Purse
from ...dispatch.waba_sender_dispatch import Delay
from ...tools.figures import amount_text
from ...tools.moments import moment_text
from ...tools.phone_countries import number_country
from ...tools.reputation_texts import format_number, format_percent
from ..waba_campaign_audience import CHUNK, KnownRecipient
from ..waba_campaign_price import price_text
from ..waba_campaign_progress import _latest_forecast
from .preflight_texts import LIMITS, POOLS

# Past campaigns from which the opt-outs of this one are estimated.
PAST_PERIOD = timedelta(days=180)

PAST_CAMPAIGNS = 50

# Records counted before a launch; of a larger audience only the first, which the screen states. At
# 10,000 records a second the user waits two seconds.
DRY_RUN_RECORDS = 20_000


class Costs(NamedTuple):
    """amounts: {res.currency: sum}; priced, free: messages; unpriced: {country code: messages};
    capped: those of `priced` that cost at most their maximum price."""

    amounts: dict
    priced: int
    free: int
    unpriced: Counter
    capped: int = 0


class DryRunRecipient(NamedTuple):
    """A recipient who would get the message."""

    record_id: int
    recipient_id: int
    country_code: str
    not_before: datetime | None
    shows_fallback: bool
    message: str


class RecipientHistory(NamedTuple):
    """What their messages show about a recipient."""

    opted_in: bool = False
    in_window: bool = False
    in_free_window: bool = False
    written_at: datetime | None = None
    active_at: datetime | None = None
    closed_a_topic: bool = False


NO_HISTORY = RecipientHistory()


class DryRun:
    """Result of the code that creates the rows, without creating any.

    `Preparation` calls it instead of the campaign for the data about recipients.

    :ivar chosen: records that match the audience
    :ivar counted: those that were read, at most DRY_RUN_RECORDS
    :ivar receiving: [DryRunRecipient]
    :ivar left_out: {reason: [record ids]}
    """

    def __init__(self, campaign):
        self.campaign = campaign
        self.now = fields.Datetime.now()
        # The start: until then quiet hours and frequency caps may end.
        self.at = max(self.now, campaign.scheduled_at or self.now)
        self.chosen = self.counted = 0
        self.receiving, self.left_out = [], {}
        self._strangers, self._seen = {}, set()
        self._daily_history = None

    def _recipients_by_number(self, numbers):
        """{E.164 number: KnownRecipient}; those without a row get an id below 0, for this run."""
        people = self.campaign._read_recipients(numbers)
        missing = [number for number in numbers if number not in people]
        inherited = self.campaign._inherited_state_values(missing)
        for number in missing:
            id_ = self._strangers.setdefault(number, -len(self._strangers) - 1)
            people[number] = KnownRecipient(id=id_, **inherited.get(number, {}))
        return people

    def _recipient_ids_with_row(self, recipient_ids):
        self._seen |= self.campaign._recipients_of_runs(recipient_ids)
        return self._seen

    def add_rows(self, rows, variables):
        """Count the values of `_row_values`.

        :param variables: {key of a message: [waba.variable.mixin.Variable]}
        """
        self.counted += len(rows)
        for row in rows:
            if row["state"] == "skipped":
                self.left_out.setdefault(row["failure_type"], []).append(row["res_id"])
                continue
            self.receiving.append(
                DryRunRecipient(
                    row["res_id"],
                    row["recipient_id"],
                    number_country(row["address"]),
                    self._quiet_hours_end(row),
                    _shows_fallback(row.get("parameters") or {}, variables[row["message"]]),
                    row["message"],
                )
            )

    def _quiet_hours_end(self, row):
        """The end of a recipient's quiet hours, or None."""
        if row.get("wait_reason") != "hours" or not row["retry_at"]:
            return None
        return fields.Datetime.from_string(row["retry_at"][:19])

    @property
    def is_whole(self):
        """Whether all records of the audience were counted."""
        return self.counted >= self.chosen

    def scale_count(self, count):
        """Extrapolate `count` of the counted records to the whole audience."""
        return count if self.is_whole else round(count * self.chosen / self.counted)

    def history(self, receiver):
        """`RecipientHistory` of a recipient of the dry run."""
        if self._daily_history is None:
            self._daily_history = self.campaign._read_histories(
                [one.recipient_id for one in self.receiving if one.recipient_id > 0], self.at
            )
        return self._daily_history.get(receiver.recipient_id, NO_HISTORY)

    def record_ids(self, condition):
        """Ids of the records with `condition(recipient, history)`."""
        return [
            receiver.record_id
            for receiver in self.receiving
            if condition(receiver, self.history(receiver))
        ]

    def is_silent(self, history):
        """Whether they were messaged long ago and have neither read nor written since."""
        before = self.now - preflight.INACTIVITY_PERIOD
        return bool(
            history.written_at
            and history.written_at < before
            and not (history.active_at and history.active_at >= before)
        )


def _is_free(category, history, at):
    """Whether Meta charges nothing for a message to a recipient with this `RecipientHistory`."""
    return history.in_free_window or rates.is_free(category, history.in_window, at)


def _shows_fallback(parameters, variables):
    """Whether one of the texts is the fallback for an empty value."""
    fallbacks = {
        (variable.component, variable.name): variable._fallback
        for variable in variables
        if variable._fallback and variable._same_for_all is None
    }
    if not fallbacks:
        return False
    texts = {("body", part["name"]): part["value"] for part in parameters.get("body", ())}
    for part in parameters.get("header", {}).get("values", ()):
        texts["header", part["name"]] = part["value"]
    return any(texts.get(key) == fallback for key, fallback in fallbacks.items())


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    # === Dry run ===

    def _dry_run(self):
        """`DryRun` of the audience with the current user's rights; it writes nothing."""
        self.ensure_one()
        campaign = self.sudo()
        run = DryRun(campaign)
        run.chosen = campaign._audience_records_count()
        domain, last = Domain(campaign._audience_domain_list()), 0
        env = campaign._audience_records().env
        variables = {
            key: lines._read_variables(env)
            for key, (_template, lines) in campaign._variant_messages().items()
        }
        while limit := min(CHUNK, DRY_RUN_RECORDS - run.counted):
            records = campaign._audience_records().search_fetch(
                domain & Domain("id", ">", last),
                campaign._audience_field_names(campaign._audience_records()),
                order="id",
                limit=limit,
            )
            if not records:
                break
            run.add_rows(campaign._row_values(records, run), variables)
            last = records[-1].id
        return run

    def _inherited_state_values(self, numbers):
        """{number: {field: value}} that new rows of these recipients would start with."""
        if not numbers:
            return {}
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT n, array_agg(%s), array_agg(%s), array_remove(array_agg(%s), NULL)
                     FROM unnest(%s::varchar[]) AS n
                     JOIN waba_recipient r ON r.number = n OR r.wa_number = n
                 GROUP BY n""",
                consent_sql("marketing", self.company_id.id),
                consent_sql("utility", self.company_id.id),
                topic_sql(self.topic_id.id or None),
                list(numbers),
            )
        )
        return {
            number: {
                "marketing_state": strongest_consent(marketing),
                "utility_state": strongest_consent(utility),
                "topic_state": strongest_consent(topic) if topic else None,
            }
            for number, marketing, utility, topic in rows
        }

    def _read_histories(self, recipient_ids, at):
        """{recipient id: RecipientHistory}: consent, window, last activity; in one query."""
        for model in ("waba.message", "waba.recipient", "waba.conversation"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, COALESCE(%(topic)s, %(state)s) = 'opted_in',
                          EXISTS (SELECT 1 FROM waba_conversation c
                                   WHERE c.sender_id = %(sender)s AND c.recipient_id = r.id
                                     AND c.window_expires_at > %(at)s),
                          EXISTS (SELECT 1 FROM waba_conversation c
                                   WHERE c.sender_id = %(sender)s AND c.recipient_id = r.id
                                     AND c.free_until_at > %(at)s),
                          m.written_at, GREATEST(m.read_at, m.inbound_at),
                          EXISTS (SELECT 1 FROM waba_topic_state said
                                    JOIN waba_topic topic ON topic.id = said.topic_id
                                   WHERE said.recipient_id = r.id AND said.out_at IS NOT NULL
                                     AND topic.company_id = %(company)s AND topic.active
                                     AND (said.in_at IS NULL OR NOT %(in_force)s))
                     FROM waba_recipient r
                LEFT JOIN LATERAL (
                          SELECT min(accepted_at) FILTER (WHERE direction = 'out') AS written_at,
                                 max(read_at) AS read_at,
                                 max(create_date) FILTER (WHERE direction = 'in') AS inbound_at
                            FROM waba_message
                           WHERE recipient_id = r.id AND company_id = %(company)s) m ON TRUE
                    WHERE r.id = ANY(%(ids)s)""",
                state=consent_sql("marketing", self.company_id.id),
                topic=topic_sql(self.topic_id.id or None),
                in_force=in_force_sql("said"),
                sender=self.sender_id.id,
                company=self.company_id.id,
                at=at,
                ids=recipient_ids,
            )
        )
        return {id_: RecipientHistory(*values) for id_, *values in rows}

    # === Start and duration ===

    def _preflight_start(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        start = self._planned_start(report)
        stop = self.sudo().sender_id._stop_delay(self.category)
        if stop and (not stop.at or stop.at > start):
            # The line about the number says why.
            report.delay = stop
            return []
        delay = self._first_departure(report, start)
        # Those in an open service window need no slot.
        audience = report.audience
        report.leaving_now = audience.scale_count(
            len(audience.record_ids(lambda one, past: past.in_window and not one.not_before))
        )
        verdict = preflight_outlook.assess_start(
            bool(self.scheduled_at), delay.at - start if delay else timedelta()
        )
        report.delay = delay if verdict.case == "later" else None
        return [
            self._preflight_check(
                "start",
                verdict,
                when=moment_text(self.env, start),
                why=self._describe_delay(report) if report.delay else "",
                mend="plan" if report.delay else "",
            )
        ]

    def _planned_start(self, report):
        return max(report.now, self.scheduled_at or report.now)

    def _first_departure(self, report, start):
        """`Delay` of the first message by slots and quiet hours; None if it leaves at once."""
        forecast = self._report_forecast(report)
        if not forecast.next_at:
            return None
        waits = [one.not_before for one in report.audience.receiving]
        if all(waits) and min(waits) > forecast.next_at:
            reason = self.env._("All recipients are in quiet hours until then.")
            return Delay(min(waits), reason)
        ahead, sender = self._count_recipients_ahead(start), self.sudo().sender_id
        if ahead and not sender._limit_delay(report.now, None):
            reason = self.env._(
                "Messages of other campaigns go first (%s).", format_number(self.env, ahead)
            )
            return Delay(forecast.next_at, reason)
        return Delay(forecast.next_at, sender._limit_text(report.now))

    def _describe_delay(self, report):
        """'Nothing leaves before tomorrow 07:21. The daily limit is used: …'."""
        delay, now = report.delay, report.leaving_now
        if not delay.at:
            return self.env._("Nothing leaves for now. %s", delay.reason)
        values = {
            "when": moment_text(self.env, delay.at),
            "reason": delay.reason,
            "now": format_number(self.env, now),
            "all": format_number(self.env, report.receiving),
        }
        if now:
            return self.env._(
                "%(now)s of %(all)s leave right away, the rest not before %(when)s. %(reason)s",
                **values,
            )
        return self.env._("Nothing leaves before %(when)s. %(reason)s", **values)

    def _preflight_duration(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        forecast = self._report_forecast(report)
        verdict = preflight_outlook.assess_duration(forecast.days)
        return [
            self._preflight_check(
                "duration",
                verdict,
                receiving=report.receiving,
                days=forecast.days,
                limits=self._describe_limits(report),
                when=moment_text(self.env, forecast.ends_at) if forecast.ends_at else "",
                mend="limits" if verdict.case == "never" else "",
                mend_id=self.sudo().sender_id.portfolio_id.id,
            )
        ]

    def _count_in_window(self, report):
        """Counted recipients in an open service window: they need no slot."""
        return len(report.audience.record_ids(lambda _one, history: history.in_window))

    def _report_forecast(self, report):
        """The report's forecast, calculated once."""
        if not report.forecast:
            stop = self.sudo().sender_id._stop_delay(self.category)
            start = max(self._planned_start(report), (stop and stop.at) or report.now)
            report.forecast = self._forecast_launch(report, start)
        return report.forecast

    def _forecast_launch(self, report, start):
        """`pacing.Forecast` of the whole campaign, at today's limits and pace."""
        sender, ahead = self.sudo().sender_id, self._count_recipients_ahead(start)
        in_window = self._count_in_window(report)
        rate = sender._messages_per_second() / (2 if sender.state == "slowed" else 1)
        needing = report.receiving - report.audience.scale_count(in_window)
        forecasts = [pacing.forecast(start, report.receiving, rate, None, [], ahead=ahead)]
        if needing:
            forecasts += [
                self._forecast_part(report.now, start, needing, rate, part, ahead)
                for part in sender._campaign_shares(report.now)
            ]
        latest = _latest_forecast(forecasts)
        ends = [one.not_before for one in report.audience.receiving if one.not_before]
        if latest.ends_at and (held := self._longest_hold(report, start)):
            # The rest leaves after the hold, as fast as without it.
            ends.append(latest.ends_at + held)
        if latest.ends_at and ends:
            ends_at = max(latest.ends_at, *ends)
            days = max(latest.days, (ends_at - start) // limits.WINDOW + 1)
            latest = pacing.Forecast(latest.next_at, ends_at, days)
        return latest

    def _longest_hold(self, report, start):
        """How long the rest waits for the pilot batch or the winner, None if for nothing."""
        sender = self.sudo().sender_id
        if self.ab_test:
            return timedelta(hours=self.ab_hours)
        is_piloted = self._planned_canary_size(report.receiving)
        return timedelta(hours=sender.canary_wait_hours) if is_piloted else None

    def _forecast_part(self, now, start, people, rate, part, ahead):
        """Forecast by one limit.

        Campaigns that are sent before a later start have used their slots by then.
        """
        if start > now and ahead:
            others = pacing.forecast(now, ahead, rate, part.limit, part.slots)
            if others.ends_at and others.ends_at < start:
                ahead = 0
        return pacing.forecast(start, people, rate, part.limit, part.slots, ahead=ahead)

    def _count_recipients_ahead(self, start):
        """Messages of the portfolio's other campaigns that are sent first, queued or not yet."""
        campaigns = (
            self.env["waba.campaign"]
            .sudo()
            .search(
                [
                    ("id", "!=", self.id or 0),
                    ("sender_id.portfolio_id", "=", self.sudo().sender_id.portfolio_id.id),
                    ("priority", ">=", self.priority),
                    "|",
                    ("state", "in", ("running", "preparing")),
                    "&",
                    ("state", "=", "scheduled"),
                    ("scheduled_at", "<=", start),
                ]
            )
        )
        queued = self.env["waba.message"].sudo().search_count(
            [("campaign_id", "in", campaigns.ids), ("state", "=", "queued")]
        )  # fmt: skip
        unmade = sum(
            max(campaign.to_prepare_count - campaign.prepared_count, 0)
            for campaign in campaigns
            if campaign.state in ("preparing", "scheduled")
        )
        return queued + unmade

    def _describe_limits(self, report):
        """'daily limit 250, 60 kept for follow-ups', of the smaller limit."""
        sender = self.sudo().sender_id
        portfolio_limit, own_limit = (
            sender.portfolio_id._people_limit(), sender._own_daily_limit()
        )  # fmt: skip
        limit = min(filter(lambda one: one is not None, (portfolio_limit, own_limit)), default=None)
        counts = {
            "a_day": limit,
            "followups": limit
            and limits.followup_reserve(limit, sender.portfolio_id.followup_share),
            "ahead": self._count_recipients_ahead(self._planned_start(report)),
            "in_window": limit and self._count_in_window(report),
            "pilot": not self.ab_test and self._planned_canary_size(report.receiving),
        }
        parts = [self._plural_text(LIMITS[name], count) for name, count in counts.items() if count]
        return ", ".join(parts) or self.env._("no daily limit")

    # === Cost ===

    def _preflight_cost(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        costs = report.costs = self._estimate_cost(report)
        unpriced = sum(costs.unpriced.values())
        verdict = preflight_outlook.assess_cost(costs.priced, unpriced, costs.free, costs.capped)
        return [
            self._preflight_check(
                "cost",
                verdict,
                amount=self._describe_amount(costs.amounts),
                count=costs.priced + costs.free,
                receiving=report.receiving,
                countries=self._country_names([code for code, _n in costs.unpriced.most_common()]),
                mend="rates" if unpriced else "",
            )
        ]

    def _estimate_cost(self, report):
        """`Costs` at the prices of the day on which it starts."""
        audience = report.audience
        at = max(report.now, self.scheduled_at or report.now)
        price_of = self.env["waba.rate"]._rate_card(self.company_id)
        category = self.category or "marketing"
        kinds = Counter(
            (one.country_code, _is_free(category, audience.history(one), at))
            for one in audience.receiving
        )
        amounts, unpriced, priced, free, capped = Counter(), Counter(), 0, 0, 0
        most = self._price_bounds()
        for (country, is_free), people in kinds.items():
            count = audience.scale_count(people)
            amount, currency = (0, None) if is_free else price_of(country, category, at)
            if most and not is_free:
                amount, currency = most(country)
                capped += count
            if is_free:
                free += count
            elif amount is None:
                unpriced[country] += count
            else:
                priced += count
                amounts[currency] += amount * count
        return Costs(dict(amounts), priced, free, unpriced, capped)

    def _price_bounds(self):
        """Function of a country code that returns (most that a message costs, its currency); None
        if Meta keeps to no price."""
        templates = self._templates_in_use()
        account = self.sudo().sender_id.account_id
        currency, caps = account.currency_id, account._read_price_caps(self)
        bids = templates.mapped("max_price_bid")
        if not bids or not all(bids) or not max_price.is_supported(currency.name or ""):
            return None
        return lambda country: (
            float(
                max_price.effective_price(
                    max_price.country_cap(caps, country), max(bids), currency.name
                )
            ),
            currency,
        )

    def _preflight_price(self, report):
        account = self.sudo().sender_id.account_id
        templates, caps = self._templates_in_use(), account._read_price_caps(self)
        if not templates or not account or not (caps or any(templates.mapped("max_price_bid"))):
            return []
        why = next(filter(None, (account._price_blocker(one, caps) for one in templates)), "")
        lines = self.price_ids
        lowest, highest = min(templates.mapped("max_price")), lines.sorted("max_price")[-1:]
        template_price = price_text(self.env, lowest, account.currency_id)
        estimates = [line.estimate_text for line in lines if line.estimate]
        verdict = preflight_outlook.assess_price(
            bool(why),
            bool(highest) and highest.max_price > lowest > 0,
            bool(estimates) and len(estimates) == len(lines),
        )
        return [
            self._preflight_check(
                "price",
                verdict,
                why=why,
                prices=", ".join(lines.mapped("display_name")) or template_price,
                template_price=template_price,
                estimate=" ".join(
                    f"{line._country_text()}: {line.estimate_text}" for line in lines
                ),
            )
        ]

    def _preflight_budget(self, report):
        audience = report.audience
        if not audience or not audience.receiving:
            return []
        account = self.sudo().sender_id.account_id
        purse = Purse(account, self._planned_start(report), self)
        budgets = purse.binding_budgets(None, self).values()
        if not budgets:
            return []
        price_of = self._price_bounds()
        bounds = [self._highest_price(one, purse, report, price_of) for one in audience.receiving]
        unpriced = {
            one.country_code
            for one, bound in zip(audience.receiving, bounds, strict=True)
            if bound is None
        }
        left = min(max(one.left, budget.ZERO) for one in budgets)
        covered = 0 if unpriced else self._count_covered(bounds, budgets, left, report)
        verdict = preflight_outlook.assess_budget(covered, report.receiving, len(unpriced))
        total = budget.ZERO if unpriced else sum(bounds) * report.receiving / len(bounds)
        home = self.company_id.currency_id
        return [
            self._preflight_check(
                "budget",
                verdict,
                count=covered,
                receiving=report.receiving,
                amount=amount_text(self.env, float(total), home),
                left=amount_text(self.env, float(left), home),
                countries=self._country_names(sorted(unpriced)),
                mend="rates" if unpriced else "",
            )
        ]

    def _highest_price(self, receiver, purse, report, price_of):
        """What the message to a `DryRunRecipient` costs at most, None if that is unknown.

        :param price_of: of `_price_bounds`
        """
        history = report.audience.history(receiver)
        if history.in_free_window:
            return budget.ZERO
        if price_of:
            return purse.capped(price_of(receiver.country_code)[0]).amount
        category = self.category if self.category in rates.CATEGORIES else "marketing"
        return purse.bound_in(receiver.country_code, category, history.in_window).amount

    def _count_covered(self, bounds, budgets, left, report):
        """Messages that the budgets cover; of a large audience by the average of those counted."""
        covered = budget.count_affordable(bounds, budgets)
        if report.audience.is_whole or covered < len(bounds):
            return covered
        total = sum(bounds)
        return min(report.receiving, int(left * len(bounds) / total) if total else report.receiving)

    def _describe_amount(self, amounts):
        """'41.20 €', with the sum in the company's currency if that differs and has a rate."""
        if not amounts:
            return ""
        home = self.company_id.currency_id
        text = " + ".join(
            format_amount(self.env, amount, currency) for currency, amount in amounts.items()
        )
        known = all(currency == home or currency.sudo().rate_ids for currency in amounts)
        if set(amounts) == {home} or not known:
            return text
        today = self.env.cr.now().date()
        total = sum(
            currency._convert(amount, home, self.company_id, today)
            for currency, amount in amounts.items()
        )
        return f"{text} (≈ {format_amount(self.env, total, home)})"

    # === Expected opt-outs ===

    def _preflight_risk(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        campaigns, pool, opted_out, delivered = self._similar_campaign_results(report)
        verdict = preflight_outlook.assess_risk(opted_out, delivered)
        report.expected = preflight_outlook.expected_opt_outs(
            opted_out, delivered, report.receiving
        )
        least, most = report.expected or (0, 0)
        return [
            self._preflight_check(
                "risk",
                verdict,
                records=campaigns.with_env(self.env) if delivered else None,
                least=least,
                most=most,
                base=delivered,
                needed=MIN_VOLUME,
                rate=format_percent(self.env, opted_out / delivered) if delivered else "",
                safe=format_percent(self.env, preflight_outlook.OPT_OUT_WARN),
                pool=self._plural_text(POOLS[pool], len(campaigns)),
            )
        ]

    def _plural_text(self, lazy, count):
        """A lazy text with its number, in the reader's format."""
        pattern = self.env._(lazy)
        return pattern % format_number(self.env, count)

    def _similar_campaign_results(self, report):
        """(campaigns, key of POOLS, opted out, delivered) of the past campaigns most like this one.

        Promotions to the same recipients are the best predictor, then this template to others.
        """
        past = self.env["waba.campaign"].sudo().with_context(active_test=False)
        of_ours = (
            Domain("id", "!=", self.id or 0)
            & Domain("company_id", "=", self.company_id.id)
            & Domain("launched_at", ">=", report.now - PAST_PERIOD)
            # One that was cancelled before anything was sent has no results.
            & (
                Domain("state", "!=", "cancelled")
                | Domain("waba_message_ids", "any", [("state", "in", ACCEPTED_STATES)])
            )
        )
        of_kind = of_ours & Domain("category", "=", self.category)
        of_model = of_ours & Domain("res_model", "=", self.res_model)
        found = past, "template", 0, 0
        for pool, domain in (
            (
                "audience",
                of_kind & Domain("id", "in", self._campaigns_with_same_audience(report, of_kind)),
            ),
            ("template", of_model & Domain("template_id", "=", self.template_id.id)),
            ("category", of_model & of_kind),
        ):
            campaigns = past.search(domain, limit=PAST_CAMPAIGNS)
            states = campaigns._count_states().values()
            delivered = sum(by.get("delivered", 0) + by.get("read", 0) for by in states)
            found = campaigns, pool, sum(campaigns._count_opted_out().values()), delivered
            if delivered >= MIN_VOLUME:
                break
        return found

    def _campaigns_with_same_audience(self, report, of_kind):
        """Ids of the latest campaigns of `of_kind` with a similar audience."""
        receiving = report.audience.receiving
        past = self.env["waba.campaign"].sudo().with_context(active_test=False)
        past = past.search(of_kind, order="launched_at desc", limit=PAST_CAMPAIGNS)
        messages = self.env["waba.message"].sudo()
        shared = messages._read_group(
            [
                ("campaign_id", "in", past.ids),
                ("recipient_id", "in", [one.recipient_id for one in receiving]),
                ("state", "in", ACCEPTED_STATES),
            ],
            ["campaign_id"],
            ["__count"],
        )
        states = past._count_states()
        return [
            campaign.id
            for campaign, count in shared
            if preflight_outlook.is_similar_audience(
                count,
                len(receiving),
                sum(states[campaign.id].get(state, 0) for state in ACCEPTED_STATES),
            )
        ]
