from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ..policy import pacing, retry
from .labels import selection_labels


class WabaCampaign(models.Model):
    """How far, how fast, why not, until when: counted when someone looks, never incremented."""

    _inherit = "waba.campaign"

    trimmed_counts = fields.Json(
        readonly=True,
        copy=False,
        help="Figures of messages that are no longer kept: {'states': {state: rows}, "
        "'replied': rows, 'opted_out': people, 'clicked': rows}.",
    )

    def _compute_figures(self):
        counts = self._count_states()
        replied = self._count_replied()
        opted_out = self._count_opted_out()
        clicked = self._count_clicked()
        for campaign in self:
            by_state = counts.get(campaign.id, {})
            campaign.people_count = sum(by_state.values())
            campaign.queued_count = by_state.get("queued", 0) + by_state.get("reserved", 0)
            campaign.skipped_count = by_state.get("skipped", 0)
            campaign.failed_count = by_state.get("failed", 0)
            campaign.uncertain_count = by_state.get("uncertain", 0)
            campaign.read_count = by_state.get("read", 0)
            campaign.delivered_count = by_state.get("delivered", 0) + campaign.read_count
            campaign.sent_count = campaign.delivered_count + sum(
                by_state.get(state, 0) for state in ("accepted", "held", "sent")
            )
            campaign.replied_count = replied.get(campaign.id, 0)
            campaign.opted_out_count = opted_out.get(campaign.id, 0)
            campaign.clicked_count = clicked.get(campaign.id, 0)
            addressed = campaign.people_count - campaign.skipped_count
            campaign.progress = (
                100 * (addressed - campaign.queued_count) / addressed if addressed else 0.0
            )

    def _count_states(self):
        """{campaign id: {state: rows}} from the index (campaign, state) alone, and of what is no
        longer kept.

        Answers have no campaign; a condition on the direction would read every row for it.
        """
        groups = self.env["waba.message"]._read_group(
            [("campaign_id", "in", self.ids)],
            ["campaign_id", "state"],
            ["__count"],
        )
        counts = {}
        for campaign, state, count in groups:
            counts.setdefault(campaign.id, {})[state] = count
        for campaign in self.filtered("trimmed_counts"):
            by_state = counts.setdefault(campaign.id, {})
            for state, count in campaign.trimmed_counts["states"].items():
                by_state[state] = by_state.get(state, 0) + count
        return counts

    def _count_messages_by_event(self, name, moment, aggregate="__count"):
        """{campaign id: messages to which this happened}, with those no longer kept.

        :param name: as `trimmed_counts` calls it
        """
        groups = self.env["waba.message"]._read_group(
            [("campaign_id", "in", self.ids), (moment, "!=", False)], ["campaign_id"], [aggregate]
        )
        counts = {campaign.id: count for campaign, count in groups}
        for campaign in self.filtered("trimmed_counts"):
            trimmed = campaign.trimmed_counts.get(name, 0)
            counts[campaign.id] = counts.get(campaign.id, 0) + trimmed
        return counts

    def _count_replied(self):
        """{campaign id: messages that were answered}."""
        return self._count_messages_by_event("replied", "replied_at")

    def _count_clicked(self):
        """{campaign id: messages whose link was followed}."""
        return self._count_messages_by_event("clicked", "clicked_at")

    def _count_opted_out(self):
        """{campaign id: people who opted out after one of its messages} (`_record_opt_outs`)."""
        return self._count_messages_by_event(
            "opted_out", "opted_out_at", "recipient_id:count_distinct"
        )

    def _store_trimmed_counts(self, message_ids):
        """Add the figures of these messages, about to go, to the campaign's own."""
        self.ensure_one()
        counts = self.trimmed_counts or {"states": {}, "replied": 0, "opted_out": 0}
        for state, count, replied, opted_out, clicked in self.env.execute_query(
            SQL(
                """SELECT state, count(*), count(replied_at), count(opted_out_at),
                          count(clicked_at) FROM waba_message
                    WHERE id = ANY(%s) AND direction = 'out' GROUP BY state""",
                message_ids,
            )
        ):
            counts["states"][state] = counts["states"].get(state, 0) + count
            counts["replied"] += replied
            counts["opted_out"] += opted_out
            counts["clicked"] = counts.get("clicked", 0) + clicked
        self.trimmed_counts = counts
        self.flush_recordset(["trimmed_counts"])

    @api.depends("state", "pause_reason")
    def _compute_progress(self):
        now = fields.Datetime.now()
        for campaign in self:
            campaign.hold_reason = campaign._hold_explanation() or campaign._delay_reason()
            forecast = campaign._forecast_sending(now)
            campaign.next_message_at = forecast.next_at if forecast else False
            campaign.ends_at = forecast.ends_at if forecast else False
            campaign.progress_text = campaign._describe_progress(forecast, now)
            campaign.hold_reason = campaign.hold_reason or campaign._quiet_hours_reason(now)

    def _compute_retryable_count(self):
        now = fields.Datetime.now()
        groups = self.env["waba.message"]._read_group(
            [("campaign_id", "in", self.ids), ("state", "=", "failed")],
            ["campaign_id", "failure_type"],
            ["__count", "failed_at:max"],
        )
        counts = {}
        for campaign, failure_type, count, last_at in groups:
            last_at = last_at or now
            from_ = retry.earliest_retry(failure_type or "", last_at)
            if not from_ or campaign.state == "cancelled":
                continue
            if from_ > now:
                count = campaign._count_earlier_failures(failure_type, now - (from_ - last_at))
            counts[campaign.id] = counts.get(campaign.id, 0) + count
        for campaign, count in self._count_messageable_by_campaign(now):
            counts[campaign.id] = counts.get(campaign.id, 0) + count
        for campaign in self:
            campaign.retryable_count = counts.get(campaign.id, 0)

    def _count_messageable_by_campaign(self, now):
        """[(campaign, people excluded for having had enough promotions, who may get one again)]."""
        return self.env["waba.message"]._read_group(
            [
                ("campaign_id", "in", self.filtered(lambda c: c.state != "cancelled").ids),
                ("state", "=", "skipped"),
                ("failure_type", "=", "frequency"),
                ("retry_at", "<=", now),
            ],
            ["campaign_id"],
            ["__count"],
        )

    def _count_earlier_failures(self, failure_type, moment):
        self.ensure_one()
        return self.env["waba.message"].search_count(
            [
                ("campaign_id", "=", self.id),
                ("state", "=", "failed"),
                ("failure_type", "=", failure_type),
                ("failed_at", "<=", moment),
            ]
        )

    def _forecast_sending(self, now):
        """When the next message leaves and when the last one does; None when nobody waits."""
        forecast = self._forecast_from(now)
        if not forecast or self.trial_state not in ("sending", "waiting"):
            return forecast
        # While the better message is not known the rest waits; then it goes as any other.
        known_at = self.trial_until or now + timedelta(hours=self.ab_hours)
        return replace(forecast, ends_at=self._forecast_from(max(known_at, now)).ends_at)

    def _forecast_from(self, now):
        """As `_forecast_sending`, as if no trial held anybody back."""
        return self._delay_for_hours(self._forecast_by_limits(now), now)

    def _forecast_by_limits(self, now):
        """As `_forecast_sending`, by pace and daily limits alone."""
        self.ensure_one()
        if self.state != "running" or self.hold_reason or not self.queued_count:
            return None
        sender, ahead = self.sudo().sender_id, self._count_queued_ahead()
        rate = sender._messages_per_second() / (2 if sender.state == "slowed" else 1)
        # Every limit must let it go: the one that lasts longest decides.
        return _latest_forecast(
            pacing.forecast(now, self.queued_count, rate, part.limit, part.slots, ahead=ahead)
            for part in sender._campaign_shares(now)
        )

    def _count_queued_ahead(self):
        """People of other running campaigns of the same number that go first."""
        return (
            self.env["waba.message"]
            .sudo()
            .search_count(
                [
                    ("campaign_id.sender_id", "=", self.sender_id.id),
                    ("campaign_id.state", "=", "running"),
                    ("campaign_id", "<", self.id),
                    ("state", "=", "queued"),
                ]
            )
        )

    def _describe_progress(self, forecast, now):
        """One line under the progress bar: how far, how fast, when it goes on, when it ends."""
        if self.state not in ("running", "paused"):
            return False
        addressed = self.people_count - self.skipped_count
        parts = [
            self.env._("%(done)s of %(all)s", done=addressed - self.queued_count, all=addressed)
        ]
        portfolio = self.sudo().sender_id.portfolio_id
        if not portfolio.is_unlimited:
            parts.append(
                self.env._(
                    "%(used)s of %(limit)s people used in the last 24 hours",
                    used=portfolio.slots_used,
                    limit=portfolio.people_limit,
                )
            )
        parts += self._own_limits_text(now)
        if forecast and forecast.next_at:
            if forecast.next_at > now + pacing.SLOWED_PERIOD:
                parts.append(
                    self.env._("next messages %s", self._format_datetime(forecast.next_at))
                )
            parts.append(
                self.env._(
                    "at today's limit this campaign ends %s",
                    self._format_datetime(forecast.ends_at),
                )
            )
        return " · ".join(parts)

    def _own_limits_text(self, now):
        """What besides the portfolio's limit slows the campaign down, in words."""
        sender = self.sudo().sender_id
        own_limit, parts = sender._own_daily_limit(), []
        if own_limit is not None:
            labels = selection_labels(sender, "response_action")
            parts.append(
                self.env._(
                    "%(used)s of %(limit)s for this number (%(why)s)",
                    used=sender._count_own_recipients(now),
                    limit=own_limit,
                    why=labels[sender.response_action].lower(),
                )
            )
        if self.wave_state == "sending":
            parts.append(self.env._("first wave of %s people", self.wave_size))
        return parts + self._describe_people_waiting(now)

    def _format_datetime(self, moment):
        """'at 14:32' today, 'on Thursday, 26 Nov, about 11:00' later; the reader's time zone."""
        local = fields.Datetime.context_timestamp(self, moment)
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).date()
        if local.date() == today:
            return self.env._("at %s", format_datetime(self.env, moment, dt_format="HH:mm"))
        return self.env._("on %s", format_datetime(self.env, moment, dt_format="EEEE d MMM, HH:mm"))

    def _hold_explanation(self):
        """The banner: why nothing goes out, or False. Always ends with the way on."""
        self.ensure_one()
        if self.state == "paused":
            return self._pause_explanation()
        if self.state != "running":
            return False
        return (
            self._number_wait_reason() or self._canary_wait_reason() or self._ab_test_wait_reason()
        )

    def _pause_explanation(self):
        if self.resume_at:
            return self.env._(
                "%(reason)s It goes on by itself %(when)s.",
                reason=self.pause_reason,
                when=self._format_datetime(self.resume_at),
            )
        return self.pause_reason

    def _number_wait_reason(self):
        """Why nothing of this campaign leaves its number, or False."""
        sender = self.sudo().sender_id
        if reason := sender._not_sending_reason():
            return reason
        if self.category == "marketing" and (reason := sender._marketing_hold_reason()):
            return reason
        return False

    def _delay_reason(self):
        """That nobody works off what waits, after all reasons that somebody wants."""
        self.ensure_one()
        if self.state != "running" or not self.queued_count:
            return False
        return self.sudo().sender_id._delay_reason(fields.Datetime.now())


def _latest_forecast(forecasts):
    """The forecast of what must wait for all of these; None in one means never."""
    forecasts = list(forecasts)

    def latest(name):
        values = [getattr(forecast, name) for forecast in forecasts]
        return None if None in values else max(values)

    return pacing.Forecast(latest("next_at"), latest("ends_at"), latest("days"))
