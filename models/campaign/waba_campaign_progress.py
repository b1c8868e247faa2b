"""Progress: figures, forecast, why nothing is sent, and the recipients behind each figure.

Called by the campaign's forms and lists (computed fields) and by controllers/export.py.
"""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import limits, pacing, retry
from ..base.waba_failure import TEMPORARY_EXCLUSIONS
from ..base.waba_message import ACCEPTED_STATES, OPEN_STATES, POSSIBLE_OPT_OUT
from ..dispatch.waba_budget import Purse, refusal_text
from ..tools.figures import amount_text
from ..tools.labels import selection_labels
from ..tools.moments import WEEKDAY, format_moment, moment_text
from ..tools.phone_countries import number_country
from ..tools.reputation_texts import format_number, format_percent


class QuietHoursWait(NamedTuple):
    """Queued recipients outside their hours.

    count: how many; next_at, last_at: when the first and the last can be messaged; due: whether
    messages are queued that do not wait for quiet hours
    """

    count: int
    next_at: object
    last_at: object
    due: bool


# Funnel, top to bottom: key -> (condition on the messages, key of the step it is a share of).
FUNNEL_STEPS = {
    "people": ([], None),
    "skipped": ([("state", "=", "skipped")], "people"),
    "queued": ([("state", "in", OPEN_STATES)], None),
    "uncertain": ([("state", "=", "uncertain")], None),
    "sent": ([("state", "in", ACCEPTED_STATES)], None),
    "delivered": ([("state", "in", ("delivered", "read"))], "sent"),
    "read": ([("state", "=", "read")], "delivered"),
    "replied": ([("replied_at", "!=", False)], "delivered"),
    "clicked": ([("clicked_at", "!=", False)], "delivered"),
    "opted_out": ([("opted_out_at", "!=", False)], "delivered"),
    "failed": ([("state", "=", "failed")], None),
    "cancelled": ([("state", "=", "cancelled")], None),
}

# Steps shown only when they are not empty.
OPTIONAL_STEPS = ("uncertain", "queued", "clicked", "opted_out", "cancelled")

# Columns of the spreadsheet, after the record's name.
EXPORTED_FIELDS = (
    "person_name", "number", "state", "failure_type", "failure_reason", "template_id", "variant",
    "user_id", "sent_at", "delivered_at", "read_at", "replied_at", "clicked_at", "opted_out_at",
)  # fmt: skip


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    trimmed_counts = fields.Json(
        readonly=True,
        copy=False,
        help="Figures of messages that are no longer kept: {'states': {state: rows}, "
        "'replied': rows, 'opted_out': people, 'clicked': rows}.",
    )

    canary_text = fields.Char("Pilot batch plan", compute="_compute_canary_text")
    options_text = fields.Char("Options in use", compute="_compute_options_text")

    results_data = fields.Json("Results", compute="_compute_results_data")

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
            campaign.cancelled_count = by_state.get("cancelled", 0)
            campaign.read_count = by_state.get("read", 0)
            campaign.delivered_count = by_state.get("delivered", 0) + campaign.read_count
            campaign.sent_count = campaign.delivered_count + sum(
                by_state.get(state, 0) for state in ("accepted", "held", "sent")
            )
            campaign.replied_count = replied.get(campaign.id, 0)
            campaign.opted_out_count = opted_out.get(campaign.id, 0)
            campaign.clicked_count = clicked.get(campaign.id, 0)
            addressed = campaign._count_addressed()
            done = addressed - campaign.queued_count - campaign.cancelled_count
            campaign.progress = 100 * done / addressed if addressed else 0.0

    def _count_addressed(self):
        """Recipients who were to get a message: all but the excluded ones."""
        return self.people_count - self.skipped_count

    @api.depends("state", "pause_reason")
    @api.depends_context("uid", "lang", "tz")
    def _compute_progress(self):
        now = fields.Datetime.now()
        for campaign in self:
            forecast = campaign._forecast_sending(now)
            campaign.next_message_at = forecast.next_at if forecast else False
            campaign.ends_at = forecast.ends_at if forecast else False
            campaign.progress_text = campaign._describe_progress(forecast, now)
            campaign.hold_reason = (
                campaign._hold_explanation()
                or campaign._stopped_languages_reason()
                or campaign._delay_reason()
                or campaign._quiet_hours_reason(now)
                or campaign._limit_reason(forecast, now)
            )
            campaign.hold_action = campaign.hold_reason and campaign._describe_way_on()

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

    @api.depends("sender_id", "template_id", "audience_count", "canary_state", "ab_test")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_canary_text(self):
        for campaign in self:
            campaign.canary_text = campaign._describe_canary() if campaign.sender_id else False

    @api.depends(
        "ab_test", "holdout_percent", "priority", "canary_state", "canary_text", "budget",
        "price_ids", "warmest_first",
    )  # fmt: skip
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_options_text(self):
        for campaign in self:
            campaign.options_text = campaign._describe_options()

    def _compute_results_data(self):
        for campaign in self:
            campaign.results_data = campaign._results_screen_data() if campaign.id else False

    def action_retry_reason(self):
        """Queue again the messages stopped for one reason, if it may have passed."""
        self.ensure_one()
        self.check_access("write")
        failed = self.env["waba.message"].search(
            [
                ("campaign_id", "=", self.id),
                ("state", "in", ("failed", "skipped")),
                ("failure_type", "=", self.env.context.get("waba_reason")),
            ]
        )
        return self._retry_and_notify(failed)

    def action_create_followup_campaign(self):
        """Open a new campaign to its recipients; the context may name an outcome."""
        self.ensure_one()
        outcome = self.env.context.get("waba_outcome") or "read_not_replied"
        if self.state in ("draft", "scheduled"):
            raise UserError(self.env._("Nothing has been sent yet. Launch this campaign first."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New campaign"),
            "res_model": "waba.campaign",
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {
                "default_name": self.env._("%s: follow-up", self.name),
                "default_company_id": self.company_id.id,
                "default_sender_id": self.sender_id.id,
                "default_topic_id": self.topic_id.id,
                "default_utm_campaign_id": self.utm_campaign_id.id,
                "default_audience_source": "campaign",
                "default_audience_campaign_id": self.id,
                "default_audience_outcome": outcome,
            },
        }

    def action_export_recipients(self):
        """Download all recipients with their outcome as a spreadsheet."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/waba/campaign/{self.id}/people.xlsx",
            "target": "download",
        }

    # === Figures ===
    # Counted when read, never incremented; `trimmed_counts` has those of deleted messages.

    def _count_states(self):
        """{campaign id: {state: messages}}, deleted messages included.

        Read from the index (campaign, state) alone: inbound messages have no campaign, and a
        condition on the direction would read every row.
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
        """{campaign id: messages with the event}, deleted messages included.

        :param name: key of the event in `trimmed_counts`
        :param moment: name of the datetime field of the event
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
        """{campaign id: answered messages}."""
        return self._count_messages_by_event("replied", "replied_at")

    def _count_clicked(self):
        """{campaign id: messages whose link was clicked}."""
        return self._count_messages_by_event("clicked", "clicked_at")

    def _count_opted_out(self):
        """{campaign id: recipients who opted out after a message of it} (`_record_opt_outs`)."""
        return self._count_messages_by_event(
            "opted_out", "opted_out_at", "recipient_id:count_distinct"
        )

    def _store_trimmed_counts(self, message_ids):
        """Add the figures of these messages to `trimmed_counts` before they are deleted."""
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

    def _count_messageable_by_campaign(self, now, reasons=TEMPORARY_EXCLUSIONS):
        """[(campaign, recipients excluded for a time, for one of `reasons`, that is over)]."""
        return self.env["waba.message"]._read_group(
            [
                ("campaign_id", "in", self.filtered(lambda c: c.state != "cancelled").ids),
                ("state", "=", "skipped"),
                ("failure_type", "in", reasons),
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

    # === Forecast ===

    def _forecast_sending(self, now):
        """`pacing.Forecast` of the queued messages; None if nothing is queued, or if something
        holds them whose end is not known.
        """
        self.ensure_one()
        if self.state != "running" or not self.queued_count:
            return None
        if self._number_wait_reason() or self._delay_reason():
            return None
        forecast = self._forecast_from(now)
        if rest_at := self._rest_starts_at(forecast, now):
            rest = self._forecast_from(max(rest_at, now))
            is_only_rest = self._canary_wait_reason() or self._ab_test_wait_reason()
            forecast = rest if is_only_rest else replace(forecast, ends_at=rest.ends_at)
        return forecast

    def _rest_starts_at(self, forecast, now):
        """When the messages leave that wait for the pilot batch, or for the winner; None if none.

        :param forecast: of all messages, as if none waited
        """
        moments = []
        if self.ab_state in ("sending", "waiting"):
            moments.append(self.ab_decide_at or now + timedelta(hours=self.ab_hours))
        if self.canary_state == "waiting":
            moments.append(self.canary_check_at)
        elif self._pending_canary_size():
            moments.append((forecast.next_at or now) + self._canary_wait())
        return max(filter(None, moments), default=None)

    def _canary_wait(self):
        return self.sudo().sender_id._response_settings().canary_wait

    def _pending_canary_size(self):
        """Recipients of the pilot batch that is being sent, or will be; 0 for none."""
        if self.canary_state:
            return self.canary_size if self.canary_state == "sending" else 0
        is_running = self.state == "running"
        return self._planned_canary_size(self.queued_count if is_running else self.audience_count)

    def _forecast_from(self, now):
        """As `_forecast_sending`, as if no message waited for a pilot batch or a winner."""
        return self._delay_for_hours(self._forecast_by_limits(now), now)

    def _forecast_by_limits(self, now):
        """As `_forecast_from`, by pace and daily limits alone."""
        sender, ahead = self.sudo().sender_id, self._count_queued_ahead()
        rate = sender._messages_per_second() / (2 if sender.state == "slowed" else 1)
        # All limits apply: the one that takes longest decides.
        return _latest_forecast(
            pacing.forecast(now, self.queued_count, rate, part.limit, part.slots, ahead=ahead)
            for part in sender._campaign_shares(now)
        )

    def _count_queued_ahead(self):
        """Queued messages of other running campaigns of the number that are sent first."""
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

    # === Progress as text ===

    def _describe_progress(self, forecast, now):
        """The line under the progress bar; False before the launch.

        Its counts are the figures of the results: sent, failed, unconfirmed, queued and cancelled
        are together what was addressed.
        """
        if self.state == "scheduled":
            return self.env._("Starts %s", moment_text(self.env, self.scheduled_at or now))
        if self.state == "preparing":
            return self.env._(
                "%(done)s of %(all)s records prepared",
                done=format_number(self.env, self.prepared_count),
                all=format_number(self.env, self.to_prepare_count),
            )
        if self.state == "draft" or not self.people_count:
            return False
        parts = self._describe_counts()
        if self.state in ("running", "paused"):
            parts += self._describe_limits_used(now)
        if self.state == "running":
            parts += [*self._describe_canary_progress(), *self._describe_people_waiting(now)]
        if forecast and forecast.next_at:
            if forecast.next_at > now + pacing.SLOWED_PERIOD:
                parts.append(
                    self.env._("next slot %s", moment_text(self.env, forecast.next_at))
                    if self._is_limit_reached()
                    else self.env._("next message %s", moment_text(self.env, forecast.next_at))
                )
            parts.append(self.env._("done about %s", moment_text(self.env, forecast.ends_at)))
        return " · ".join(parts)

    def _describe_counts(self):
        """['510 of 811 sent', '2 failed', …]: where the recipients are who are not excluded."""
        parts = [
            self.env._(
                "%(sent)s of %(all)s sent",
                sent=format_number(self.env, self.sent_count),
                all=format_number(self.env, self._count_addressed()),
            )
        ]
        if self.failed_count:
            parts.append(self.env._("%s failed", format_number(self.env, self.failed_count)))
        if self.uncertain_count:
            count = format_number(self.env, self.uncertain_count)
            parts.append(self.env._("%s unconfirmed", count))
        if self.cancelled_count:
            count = format_number(self.env, self.cancelled_count)
            parts.append(self.env._("%s cancelled", count))
        return parts

    def _describe_limits_used(self, now):
        """['250 of 250 used (last 24 h)', …]: of the portfolio's limit and the number's own."""
        sender, parts = self.sudo().sender_id, []
        portfolio, own_limit = sender.portfolio_id, sender._own_daily_limit()
        if not portfolio.is_unlimited:
            parts.append(
                self.env._(
                    "%(used)s of %(limit)s used (last 24 h)",
                    used=format_number(self.env, portfolio.slots_used),
                    limit=format_number(self.env, portfolio.people_limit),
                )
            )
        if own_limit is not None:
            labels = selection_labels(sender, "response_action")
            parts.append(
                self.env._(
                    "%(used)s of %(limit)s for this number (%(why)s)",
                    used=format_number(self.env, sender._count_own_recipients(now)),
                    limit=format_number(self.env, own_limit),
                    why=labels[sender.response_action].lower(),
                )
            )
        return parts

    def _describe_canary_progress(self):
        """['pilot batch: 40 of 100'] while it is sent: of the batch alone, not of the campaign."""
        if self.canary_state != "sending":
            return []
        left = max(self.canary_limit - self._count_left(), 0)
        return [
            self.env._(
                "pilot batch: %(sent)s of %(size)s",
                sent=format_number(self.env, self.canary_size - min(left, self.canary_size)),
                size=format_number(self.env, self.canary_size),
            )
        ]

    def _describe_canary(self):
        """Whether a pilot batch goes first, its size, and when the rest is sent; or False."""
        sender, size = self.sudo().sender_id, self._pending_canary_size()
        if self.canary_state in ("sending", "waiting", "widened"):
            before = self.canary_limit - self.canary_size
            if before > 0:
                return self.env._(
                    "%(size)s recipients after the first %(before)s, then the rest.",
                    size=format_number(self.env, self.canary_size),
                    before=format_number(self.env, before),
                )
            return self.env._(
                "%s recipients first, then the rest.", format_number(self.env, self.canary_size)
            )
        if not size:
            return False if self.ab_test else self.env._("None: all recipients at once.")
        return self.env._(
            "%(wave)s recipients first (%(share)s). The rest follows %(hours)s h later if results "
            "are good.",
            wave=format_number(self.env, size),
            share=format_percent(self.env, round(size / self.audience_count, 3)),
            hours=format_number(self.env, sender.canary_wait_hours),
        )

    def _format_datetime(self, moment):
        """'at 14:32' today, 'on Thursday, 26 Nov, 11:00' later; in the reader's time zone."""
        local = fields.Datetime.context_timestamp(self, moment)
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).date()
        if local.date() == today:
            return self.env._("at %s", format_moment(self.env, moment, ""))
        return self.env._("on %s", format_moment(self.env, moment, WEEKDAY))

    def _describe_options(self):
        """'A/B test · Pilot batch of 100': what is set under Options, while they are folded."""
        parts = [
            self.ab_test and self.env._("A/B test"),
            self.holdout_percent and self.env._("Hold-out group %s%%", self.holdout_percent),
            self._sends_warmest_first() and self.env._("Warmest first"),
            self.priority == "1" and self.env._("High priority"),
            self.budget
            and self.env._("Budget %s", amount_text(self.env, self.budget, self.currency_id)),
            self.price_ids and self.env._("Maximum price"),
            self.fallback_kind and self.env._("Fallback"),
        ]
        size = self.sender_id and (self.canary_size or self._pending_canary_size())
        if size:
            parts.append(self.env._("Pilot batch of %s", format_number(self.env, size)))
        return " · ".join(filter(None, parts)) or False

    # === Budget ===

    @api.depends("budget")
    @api.depends_context("lang")
    def _compute_budget_use(self):
        now = fields.Datetime.now()
        for company, campaigns in self.grouped("company_id").items():
            ids = [id_ for id_ in campaigns._origin.ids if id_]
            charges = company.sudo()._waba_charges(ids, company._waba_month(now)) if ids else {}
            for campaign in campaigns:
                spent, reserved = map(float, charges.get(campaign._origin.id, (0, 0)))
                campaign.budget_spent, campaign.budget_reserved = spent, reserved
                used = spent + reserved
                campaign.budget_share = 100 * used / campaign.budget if campaign.budget else 0.0
                campaign.budget_text = campaign._describe_budget(spent, reserved)

    def _describe_budget(self, spent, reserved):
        """'12.30 € of 50.00 € spent, 1.20 € reserved', or False."""
        if not self.budget or not (spent or reserved):
            return False
        return self.env._(
            "%(spent)s of %(limit)s spent, %(reserved)s reserved",
            spent=amount_text(self.env, spent, self.currency_id),
            limit=amount_text(self.env, self.budget, self.currency_id),
            reserved=amount_text(self.env, reserved, self.currency_id),
        )

    def _pause_for_budget(self, refusal, now):
        """Pause until the budget is raised; for that of the month, until the next one begins."""
        until = self.company_id._waba_next_month(now) if refusal.kind == "month" else None
        self._pause(
            refusal_text(self.env, self.company_id, refusal, now), cause="budget", until=until
        )

    def _resume_within_budget(self):
        """Resume those that a budget paused and that may send again."""
        now = fields.Datetime.now()
        for campaign in self.filtered(lambda c: c.state == "paused" and c.pause_cause == "budget"):
            purse = Purse(campaign.sudo().sender_id.account_id, now, campaign)
            row = campaign._next_row()
            if not row or purse.can_resume(row, campaign):
                campaign._resume(self.env._("Resumed: the budget covers more messages."))

    def _next_row(self):
        """What decides about the price of the message that leaves next, None without one."""
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT m.kind, m.category, m.number, m.origin, r.user_uid FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                    WHERE m.campaign_id = %s AND m.state = 'queued'
                 ORDER BY m.retry_at, m.id LIMIT 1""",
                self.id,
            )
        )
        for row in rows:
            if price_of := self._price_bounds():
                row["max_price"] = price_of(number_country(row["number"] or row["user_uid"]))[0]
        return rows[0] if rows else None

    # === Why nothing is sent ===

    def _hold_explanation(self):
        """The banner: why nothing is sent, or False."""
        self.ensure_one()
        if self.state == "paused":
            return self._pause_explanation()
        if self.state != "running":
            return False
        return (
            self._number_wait_reason() or self._canary_wait_reason() or self._ab_test_wait_reason()
        )

    def _pause_explanation(self):
        parts = [self.pause_reason]
        if self.resume_at:
            parts.append(
                self.env._("Resumes automatically %s.", self._format_datetime(self.resume_at))
            )
        if self._is_paused_at_start() and self.approval_state:
            parts.append(self._describe_approval_state())
        return " ".join(filter(None, parts))

    def _describe_way_on(self):
        """Second part of the banner: how many wait, and what lifts the hold; or False."""
        waiting = self.queued_count and self.env._(
            "%s queued.", format_number(self.env, self.queued_count)
        )
        return " ".join(filter(None, [waiting, self._release_text()])) or False

    def _release_text(self):
        """What the reader can do about the hold; False if it ends by itself or elsewhere."""
        if self.can_release:
            return self.env._("Resume sending to continue.")
        if self.state != "paused" or self.resume_at:
            return False
        if self._is_every_template_changed():
            return False
        return {
            "person": self.env._("Resume to continue."),
            "failure": self.env._("Fix it, then resume."),
            "template": self.env._("Resumes when Meta approves the template."),
            "budget": self.env._("Raise the budget to continue."),
            "preflight": self.env._("Open the pre-flight check to see what to fix."),
        }.get(self.pause_cause, False)

    def _number_wait_reason(self):
        """Reason why its number sends nothing of this campaign, or False."""
        sender = self.sudo().sender_id
        if reason := sender._not_sending_reason():
            return reason
        if self.category == "marketing" and (reason := sender._marketing_hold_reason()):
            return reason
        return False

    def _delay_reason(self):
        """Reason why queued messages are late, such as a stopped scheduler, or False."""
        self.ensure_one()
        if self.state != "running" or not self.queued_count:
            return False
        return self.sudo().sender_id._delay_reason(fields.Datetime.now())

    def _is_limit_reached(self):
        """Whether the number has no slot left now."""
        return any(
            part.limit is not None and len(part.slots) >= part.limit
            for part in self.sudo().sender_id._campaign_shares(fields.Datetime.now())
        )

    def _limit_reason(self, forecast, now):
        """The banner while the daily limit is used up, or False."""
        is_later = forecast and forecast.next_at and forecast.next_at > now + pacing.SLOWED_PERIOD
        if not is_later or not self._is_limit_reached():
            return False
        portfolio = self.sudo().sender_id.portfolio_id
        values = {
            "used": ", ".join(self._describe_limits_used(now)),
            "when": self._format_datetime(forecast.next_at),
        }
        if portfolio.followup_share and portfolio.slots_used < portfolio.people_limit:
            return self.env._(
                "Daily limit for campaigns reached: %(used)s, the rest is reserved for follow-ups. "
                "Next slot %(when)s.",
                **values,
            )
        return self.env._("Daily limit reached: %(used)s. Next slot %(when)s.", **values)

    # === Quiet hours and possible opt-outs ===

    def _quiet_hours_wait(self, now):
        """`QuietHoursWait` at `now`."""
        self.ensure_one()
        self.env["waba.message"].flush_model()
        [row] = self.env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE outside), min(retry_at) FILTER (WHERE outside),
                          max(retry_at) FILTER (WHERE outside),
                          COALESCE(bool_or(NOT outside), FALSE)
                     FROM (SELECT retry_at,
                                  retry_at > %s AND wait_reason IS NOT DISTINCT FROM 'hours'
                                  AS outside
                             FROM waba_message WHERE campaign_id = %s AND state = 'queued'
                              AND retry_at IS NOT NULL) m""",
                now,
                self.id,
            )
        )
        return QuietHoursWait(*row)

    def _delay_for_hours(self, forecast, now):
        """The forecast, extended by the recipients in their quiet hours."""
        if not forecast or not forecast.next_at:
            return forecast
        waits = self._quiet_hours_wait(now)
        if not waits.count:
            return forecast
        ends_at = max(forecast.ends_at, waits.last_at)
        return pacing.Forecast(
            forecast.next_at if waits.due else max(forecast.next_at, waits.next_at),
            ends_at,
            max(forecast.days, -((now - ends_at) // limits.WINDOW)),
        )

    def _quiet_hours_reason(self, now):
        """The banner while all queued recipients are in their quiet hours, or False."""
        if self.state != "running":
            return False
        waits = self._quiet_hours_wait(now)
        if not waits.count or waits.due:
            return False
        return self.env._(
            "Quiet hours for all %(people)s remaining recipients. Resumes %(when)s.",
            people=format_number(self.env, waits.count),
            when=self._format_datetime(waits.next_at),
        )

    def _describe_people_waiting(self, now):
        """Parts of the progress line about quiet hours and possible opt-outs."""
        parts = []
        if (waits := self._quiet_hours_wait(now)).count:
            parts.append(
                self.env._(
                    "%(people)s in quiet hours until %(when)s",
                    people=format_number(self.env, waits.count),
                    when=moment_text(self.env, waits.next_at),
                )
            )
        if count := self._count_possible_opt_outs():
            parts.append(
                self.env._(
                    "%s on hold (possible opt-out)",
                    format_number(self.env, count),
                )
            )
        return parts

    def _count_possible_opt_outs(self):
        return self.env["waba.message"].search_count(
            [
                ("campaign_id", "=", self.id),
                ("state", "=", "queued"),
                ("wait_reason", "=", POSSIBLE_OPT_OUT),
            ]
        )

    # === Results screen ===

    def _results_screen_data(self):
        """{'columns', 'steps', 'skipped', 'failed'}; each count with the domain of its messages."""
        columns = self._result_columns()
        return {
            "columns": [{"key": key, "label": label} for key, label, _domain, _counts in columns],
            "steps": [
                {
                    "key": key,
                    "label": label,
                    "cells": [self._result_cell(key, *column) for column in columns],
                }
                for key, label in self._step_labels().items()
                if key not in OPTIONAL_STEPS or any(column[3][key] for column in columns)
            ],
            "skipped": self._group_reasons("skipped"),
            "failed": self._group_reasons("failed"),
        }

    def _step_labels(self):
        return {
            "people": self.env._("Recipients"),
            "skipped": self.env._("Excluded"),
            "queued": self.env._("Queued"),
            "uncertain": self.env._("Unconfirmed"),
            "sent": self.env._("Sent"),
            "delivered": self.env._("Delivered"),
            "read": self.env._("Read"),
            "replied": self.env._("Replied"),
            "clicked": self.env._("Clicked"),
            "opted_out": self.env._("Opted out"),
            "failed": self.env._("Failed"),
            "cancelled": self.env._("Cancelled"),
        }

    def _result_columns(self):
        """[(key, label, domain, {step: count})]: all, and each variant of an A/B test."""
        whole = {key: self[f"{key}_count"] for key in FUNNEL_STEPS}
        columns = [("all", self.env._("All"), [], whole)]
        if not self.ab_state:
            return columns
        counts = self._count_variants()
        parts = [
            ("a", self.env._("Variant A"), [("is_ab_test", "=", True), ("variant", "=", "a")]),
            ("b", self.env._("Variant B"), [("is_ab_test", "=", True), ("variant", "=", "b")]),
            ("rest", self.env._("Rest"), [("is_ab_test", "!=", True)]),
        ]
        nobody = dict.fromkeys(FUNNEL_STEPS, 0)
        return columns + [(*part, counts.get(part[0], nobody)) for part in parts]

    def _count_variants(self):
        """{'a' | 'b' | 'rest': {step: count}}, by one scan of the campaign's rows."""
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT CASE WHEN is_ab_test THEN variant ELSE 'rest' END, count(*),
                          count(*) FILTER (WHERE state = 'skipped'),
                          count(*) FILTER (WHERE state IN %(open)s),
                          count(*) FILTER (WHERE state = 'uncertain'),
                          count(*) FILTER (WHERE state IN %(taken)s),
                          count(*) FILTER (WHERE state IN ('delivered', 'read')),
                          count(*) FILTER (WHERE state = 'read'),
                          count(replied_at), count(clicked_at), count(opted_out_at),
                          count(*) FILTER (WHERE state = 'failed'),
                          count(*) FILTER (WHERE state = 'cancelled')
                     FROM waba_message WHERE campaign_id = %(campaign)s GROUP BY 1""",
                open=tuple(OPEN_STATES),
                taken=tuple(ACCEPTED_STATES),
                campaign=self.id,
            )
        )
        return {key: dict(zip(FUNNEL_STEPS, counts, strict=True)) for key, *counts in rows}

    def _result_cell(self, key, _column, _label, domain, counts):
        conditions, base = FUNNEL_STEPS[key]
        share = (
            self.env._(
                "%(rate)s of %(base)s",
                rate=format_percent(self.env, counts[key] / counts[base]),
                base=format_number(self.env, counts[base]),
            )
            if base and counts[base]
            else ""
        )
        part = counts[key] / counts["people"] if counts["people"] else 0
        return {
            "count": counts[key],
            "share": share,
            "part": round(min(part, 1), 4),
            "domain": list(self._preview_rows_domain() & Domain(domain) & Domain(conditions)),
        }

    def _group_reasons(self, state):
        """Exclusion or failure reasons: [{key, label, count, retryable, hint, domain}]."""
        labels = selection_labels(self.env["waba.message"], "failure_type")
        groups = self.env["waba.message"]._read_group(
            [("campaign_id", "=", self.id), ("state", "=", state)],
            ["failure_type"],
            ["__count", "failed_at:max"],
            order="__count DESC",
        )
        return [
            {
                "key": reason or "",
                "label": labels.get(reason, self.env._("Unknown")),
                "count": count,
                **(
                    self._retry_options(reason, count, last_at)
                    if state == "failed"
                    else self._count_messageable_again(reason)
                ),
                "domain": list(
                    self._preview_rows_domain()
                    & Domain([("state", "=", state), ("failure_type", "=", reason)])
                ),
            }
            for reason, count, last_at in groups
        ]

    def _retry_options(self, reason, count, last_at):
        """{'retryable', 'hint', 'passing'} of these failures: how many can be tried again now."""
        now = fields.Datetime.now()
        last_at = last_at or now
        from_ = retry.earliest_retry(reason or "", last_at)
        if not from_ or self.state == "cancelled":
            return {"retryable": 0, "hint": self.env._("Retrying would not help."),
                    "passing": bool(from_)}  # fmt: skip
        if from_ <= now:
            return {"retryable": count, "hint": "", "passing": True}
        ready = self._count_earlier_failures(reason, now - (from_ - last_at))
        return {
            "retryable": ready,
            "hint": self.env._("All can be retried %s.", self._format_datetime(from_)),
            "passing": True,
        }

    def _count_messageable_again(self, reason):
        """{'retryable', 'hint'} of those excluded for a time; {} for another reason."""
        if reason not in TEMPORARY_EXCLUSIONS:
            return {}
        now = fields.Datetime.now()
        free = dict(self._count_messageable_by_campaign(now, [reason])).get(self, 0)
        hint = "" if free else self.env._("Can be sent again when the period is over.")
        return {"retryable": free, "hint": hint}

    # === Export ===

    def _export_headings(self):
        rows = self.env["waba.message"]
        labels = [rows._fields[name]._description_string(self.env) for name in EXPORTED_FIELDS]
        return [self.env._("Record"), *labels]

    def _recipient_export_rows(self, chunk):
        """Yield the values of each line, for the messages that the user may read."""
        rows, last_id = self.env["waba.message"], 0
        labels = {
            name: selection_labels(rows, name)
            for name in EXPORTED_FIELDS
            if rows._fields[name].type == "selection"
        }
        while found := rows.search(
            self._preview_rows_domain() & Domain("res_id", ">", last_id),
            order="res_id",
            limit=chunk,
        ):
            names = self._readable_record_names(found)
            for row in found:
                yield [names.get(row.res_id, ""), *(
                    self._export_value(row, name, labels) for name in EXPORTED_FIELDS
                )]  # fmt: skip
            last_id = found[-1].res_id
            self.env.invalidate_all()

    def _readable_record_names(self, rows):
        """{id: name} of the leads or contacts of these rows that the user may still read."""
        records = self.env[self.res_model].search([("id", "in", rows.mapped("res_id"))])
        return {record.id: record.display_name for record in records}

    def _export_value(self, row, name, labels):
        value = row[name]
        if name in labels:
            return labels[name].get(value, "")
        if row._fields[name].type == "datetime":
            local = value and fields.Datetime.context_timestamp(self, value)
            return local.replace(tzinfo=None) if local else ""
        if row._fields[name].relational:
            return value.display_name or ""
        return value


def _latest_forecast(forecasts):
    """The forecast when all of these apply; None in one of them means never."""
    forecasts = list(forecasts)

    def latest(name):
        values = [getattr(forecast, name) for forecast in forecasts]
        return None if None in values else max(values)

    return pacing.Forecast(latest("next_at"), latest("ends_at"), latest("days"))
