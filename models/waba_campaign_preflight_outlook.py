from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from odoo import models
from odoo.fields import Domain
from odoo.tools import format_amount

from ..policy import limits, pacing, preflight_outlook, rates
from ..policy.reputation_rates import MIN_VOLUME
from .waba_campaign_preflight_words import LIMITS, POOLS
from .waba_campaign_progress import _latest_forecast
from .waba_message import ACCEPTED_STATES
from .waba_reputation_words import format_number, format_percent

# Campaigns looked at to foresee how this one is received.
PAST_PERIOD = timedelta(days=180)
PAST_CAMPAIGNS = 50


class Costs(NamedTuple):
    """amounts: {res.currency: sum}; priced, free: messages; unpriced: {country code: messages}."""

    amounts: dict
    priced: int
    free: int
    unpriced: Counter


class WabaCampaign(models.Model):
    """The lines about its outcome: until when it takes, what it costs, how it is received."""

    _inherit = "waba.campaign"

    # ------------------------------------------------------------------
    # How long
    # ------------------------------------------------------------------

    def _preflight_duration(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        start = max(report.now, self.scheduled_at or report.now)
        in_window = len(report.audience.record_ids(lambda _one, history: history.in_window))
        ahead = self._count_recipients_ahead(start)
        report.forecast = self._forecast_launch(report, start, in_window, ahead)
        days = report.forecast.days
        verdict = preflight_outlook.assess_duration(days)
        return [
            self._preflight_check(
                "duration",
                verdict,
                receiving=report.receiving,
                days=days,
                limits=self._describe_limits(in_window, ahead),
                when=self._format_datetime(report.forecast.ends_at)
                if report.forecast.ends_at
                else "",
                mend="plan" if verdict.level != "pass" else "",
            )
        ]

    def _forecast_launch(self, report, start, in_window, ahead):
        """`pacing.Forecast` of the whole campaign, at today's limits and pace."""
        sender = self.sudo().sender_id
        rate = sender._messages_per_second() / (2 if sender.state == "slowed" else 1)
        needing = report.receiving - report.audience.scale_count(in_window)
        forecasts = [pacing.forecast(start, report.receiving, rate, None, [], ahead=ahead)]
        if needing:
            forecasts += [
                self._forecast_part(report.now, start, needing, rate, part, ahead)
                for part in sender._campaign_shares(report.now)
            ]
        latest = _latest_forecast(forecasts)
        waits = [one.not_before for one in report.audience.receiving if one.not_before]
        if latest.ends_at and waits:
            ends_at = max(latest.ends_at, *waits)
            days = max(latest.days, (ends_at - start) // limits.WINDOW + 1)
            latest = pacing.Forecast(latest.next_at, ends_at, days)
        return latest

    def _forecast_part(self, now, start, people, rate, part, ahead):
        """Of one limit. Who goes before a later start has used their slots by then."""
        if start > now and ahead:
            others = pacing.forecast(now, ahead, rate, part.limit, part.slots)
            if others.ends_at and others.ends_at < start:
                ahead = 0
        return pacing.forecast(start, people, rate, part.limit, part.slots, ahead=ahead)

    def _count_recipients_ahead(self, start):
        """People of other campaigns of the portfolio who go first: queued, or to be."""
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

    def _describe_limits(self, in_window, ahead):
        """'250 people a day, 60 kept for follow-ups', of the limit that is the smaller."""
        sender = self.sudo().sender_id
        portfolio_limit, own_limit = (
            sender.portfolio_id._people_limit(), sender._own_daily_limit()
        )  # fmt: skip
        limit = min(filter(lambda one: one is not None, (portfolio_limit, own_limit)), default=None)
        if limit is None:
            return self.env._("no daily limit")
        kept = limits.followup_reserve(limit, sender.portfolio_id.followup_share)
        counts = {"a_day": limit, "followups": kept, "ahead": ahead, "in_window": in_window}
        return ", ".join(
            self._plural_text(LIMITS[name], count)
            for name, count in counts.items()
            if count or name == "a_day"
        )

    # ------------------------------------------------------------------
    # How much
    # ------------------------------------------------------------------

    def _preflight_cost(self, report):
        if not report.audience or not report.audience.receiving:
            return []
        costs = report.costs = self._estimate_cost(report)
        unpriced = sum(costs.unpriced.values())
        verdict = preflight_outlook.assess_cost(costs.priced, unpriced, costs.free)
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
            (one.country_code, rates.is_free(category, audience.history(one).in_window, at))
            for one in audience.receiving
        )
        amounts, unpriced, priced, free = Counter(), Counter(), 0, 0
        for (country, is_free), people in kinds.items():
            count = audience.scale_count(people)
            amount, currency = (0, None) if is_free else price_of(country, category, at)
            if is_free:
                free += count
            elif amount is None:
                unpriced[country] += count
            else:
                priced += count
                amounts[currency] += amount * count
        return Costs(dict(amounts), priced, free, unpriced)

    def _describe_amount(self, amounts):
        """'41.20 €', and what that is in the company's currency when that differs and is known."""
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

    # ------------------------------------------------------------------
    # How it is received
    # ------------------------------------------------------------------

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
                pool=self._plural_text(POOLS[pool], len(campaigns)),
            )
        ]

    def _plural_text(self, lazy, count):
        """A lazy text with its number, in the reader's format."""
        pattern = self.env._(lazy)
        return pattern % format_number(self.env, count)

    def _similar_campaign_results(self, report):
        """(campaigns, key of POOLS, opted out, delivered): of what is most like this one.

        What the same people made of promotions says most, then what others made of this template.
        """
        past = self.env["waba.campaign"].sudo().with_context(active_test=False)
        of_ours = (
            Domain("id", "!=", self.id or 0)
            & Domain("company_id", "=", self.company_id.id)
            & Domain("launched_at", ">=", report.now - PAST_PERIOD)
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
        """Ids of the latest campaigns of this kind whose audience was like this one."""
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
