"""Reputation: the response to a number's reputation; its release, alerts and warm-up.

Called after each assessment (waba_sender_score.py), by hooks of waba.sender, waba.portfolio and
the webhook, by the release wizard and by the hourly job `_cron_alert`.
"""

from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain

from ...cloud_api import AccountUpdate
from ...policy import limits, response
from ...policy import warm_up as warm_up_policy
from ..base.waba_sender import FIELDS
from ..tools.hooks import implements
from ..tools.labels import selection_label, with_language
from ..tools.reputation_texts import format_number
from ..tools.response_texts import number_sentence, summary
from ..tools.transactions import commit_step
from ..webhook.waba_webhook_platform import RESTRICTIONS_STOPPING

EVIDENCE = {
    "full": "response_full",
    "warm_up": "response_warm_up",
    "slow": "response_slow",
    "hold_marketing": "response_hold",
    "lock": "response_lock",
}

BUSIEST_PERIOD = timedelta(days=7)

# What managers are alerted of, mildest first; an alert of the worse includes the milder.
ALERT_LEVELS = ("watch", "at_risk")
ALERT_HOLDS = ("held", "locked")

# The one state that screens show, of `state` and the response in force.
SENDING_STATES = [
    ("active", "Active"),
    ("warm_up", "Warming up"),
    ("slowed", "Slowed"),
    ("held", "Promotions on hold"),
    ("paused", "Paused"),
    ("locked", "Locked"),
]

# The fields that `_alert_states` and `_unalerted_states` depend on.
WATCHED_FIELDS = frozenset(
    ("state", "marketing_held", "red_released_at", "reputation_level", "quality_rating", "active")
)

ALERT_INTERVAL = timedelta(days=1)


class WabaSender(models.Model):
    """The response of a number: policy/response.py decides it, `_apply_response` applies it.

    It depends on Meta's rating, our health score, refusals and a manager's release, and is applied
    in the transaction that recorded the cause; a response in force is not applied again. `state`
    follows `response_action`, except that a pause by a failure or a user takes precedence.
    """

    _name = "waba.sender"
    _inherit = ["waba.sender", "waba.response.mixin"]

    sending_state = fields.Selection(SENDING_STATES, "Sending", compute="_compute_sending_state")

    # Release
    may_be_released = fields.Boolean(compute="_compute_can_be_released")

    # Alerts
    alert_email = fields.Boolean(
        "Email alerts",
        default=True,
        help="To managers: daily when health is Watch or At risk, at once when promotions are on "
        "hold or the number is locked.",
    )
    alerted_states = fields.Char(readonly=True, copy=False)

    # Warm-up
    warm_up_limit_now = fields.Integer("Warm-up limit", compute="_compute_warm_up_limit_now")

    @api.depends("state", "response_action", "marketing_held", "quality_rating", "red_released_at")
    def _compute_sending_state(self):
        """A pause or lock comes before a hold of promotions, a hold before the speed."""
        for sender in self:
            if sender.state in ("paused", "locked"):
                sender.sending_state = sender.state
            elif sender._is_marketing_held():
                sender.sending_state = "held"
            elif sender.state == "active" and sender.response_action == "warm_up":
                sender.sending_state = "warm_up"
            else:
                sender.sending_state = sender.state

    @api.depends("state", "marketing_held", "quality_rating", "red_released_at")
    def _compute_can_be_released(self):
        for sender in self:
            sender.may_be_released = sender._can_be_released()

    @api.depends("warm_up_people", "warm_up_step", "warm_up_growth", "portfolio_id.messaging_limit",
                 "portfolio_id.daily_cap")  # fmt: skip
    def _compute_warm_up_limit_now(self):
        for sender in self:
            warm_up = sender._current_warm_up()
            sender.warm_up_limit_now = warm_up and warm_up_policy.warm_up_limit(
                warm_up, sender.portfolio_id._people_limit(), sender._response_settings()
            )

    def action_release(self):
        """Open the wizard that asks for the reason."""
        self.ensure_one()
        return self.env["waba.release"]._open(sender_id=self.id)

    # === Decision ===

    @implements("_on_reading")
    def _respond_to_reading(self, is_first, rating_before):
        if is_first:
            self._start_warm_up_if_new()
        if self.quality_rating != rating_before:
            self._apply_current_response()

    @implements("_on_change")
    def _respond_to_settings(self, names):
        """Apply changed settings of the response immediately."""
        if not set(FIELDS).isdisjoint(names):
            for sender in self.sudo():
                sender._apply_current_response()
                sender._trigger_dispatch()

    def _apply_current_response(self):
        """Assess these numbers now and apply the response."""
        for sender in self:
            sender._apply_response(sender._judgement(fields.Datetime.now()))

    def _apply_response(self, judgement, refusal=None):
        """Apply the response to a judgement unless it is in force already. Safe to repeat.

        :param judgement: policy.reputation.Judgement
        :param refusal: sentence of Meta's refusal that locks the number at once
        """
        self.ensure_one()
        if self.red_released_at and judgement.rating in ("green", "yellow"):
            self.red_released_at = False
        self._advance_warm_up(judgement)
        found = response.plan_number_response(
            judgement.rating,
            judgement.level,
            judgement.red_days,
            is_restricted=bool(refusal) or self._is_restricted(),
            is_locked=self.response_action == "lock" or self.state == "locked",
            is_released=bool(self.red_released_at),
            is_warming_up=bool(self.warm_up_people),
            settings=self._response_settings(),
        )
        self._enforce_response(found, judgement.red_days, refusal)

    def _is_restricted(self):
        """Return whether Meta restricted the number or its account since the last release.

        A refusal of its messages as spam counts as a restriction.
        """
        events = self.env["waba.reputation.event"].sudo()
        # Events of the account before the number was added do not concern the number.
        start = self.fresh_start_at or self.create_date
        # Excludes both what was recorded before the release and earlier events reported late.
        since = Domain("at", ">", start) & Domain("recorded_at", ">", start)
        of_number = Domain("sender_id", "=", self.id) & (
            Domain("kind", "=", "spam_rate")
            | (Domain("kind", "=", "number_status") & Domain("value_after", "=", "RESTRICTED"))
        )
        # An error of a send names no type; a webhook also names types that do not stop sending.
        of_account = (
            Domain("account_id", "=", self.account_id.id)
            & Domain("kind", "=", "account_restricted")
            & (
                Domain("value_after", "=", False)
                | Domain("value_after", "in", RESTRICTIONS_STOPPING)
                | Domain("code", ">", 0)
            )
        )
        return any(
            events.search_count(since & domain, limit=1) for domain in (of_number, of_account)
        )

    # === Effect ===

    def _enforce_response(self, found, red_days, refusal=None):
        """Store a decision that is not in force yet and announce it.

        :param found: policy.response.Response
        """
        before = self.response_action
        if found.reason_key == "locked" and before == "lock":
            return
        decided = {
            "response_action": found.action,
            "response_key": found.reason_key,
            "response_share": found.share,
            "response_canary": found.canary,
            "marketing_held": found.hold_marketing,
        }
        if all(self[name] == value for name, value in decided.items()):
            return
        is_new, had_canary = found.action != before, self.response_canary
        if is_new:
            decided["response_since"] = fields.Datetime.now()
        if found.action == "slow" != before:
            decided["busiest_day"] = self._busiest_day()
        previous_reason = self.response_reason
        reason = self._response_text(found, red_days, refusal)
        self.write({**decided, **self._response_state_values(found, reason)})
        if found.canary and not had_canary:
            self._running_campaigns()._reconsider_canary()
        if is_new:
            self._announce_response(before, found, reason)
        elif reason and reason != previous_reason:
            self._message_log(body=reason)
        if found.action != "lock":
            self._trigger_dispatch()

    def _busiest_day(self):
        """Return the number of messages on the busiest of the last 7 days."""
        days = self.env["waba.message.daily"]._day_counts(
            [
                ("sender_id", "=", self.id),
                ("day", ">", fields.Datetime.now().date() - BUSIEST_PERIOD),
            ]
        )
        sums = {}
        for day in days.get((), []):
            sums[day.day] = sums.get(day.day, 0) + day.sent
        return max(sums.values(), default=0)

    def _response_text(self, found, red_days, refusal):
        """Return a decision as a sentence, False if nothing is held back."""
        if found.reason_key == "locked" and self.pause_reason:
            return self.pause_reason
        sentence = number_sentence(self.env, self, found.reason_key, found.share, red_days)
        return " ".join(filter(None, [refusal, sentence])) or False

    def _response_state_values(self, found, reason):
        """Return the values of `state` for a decision; a pause with another cause remains."""
        if found.action == "lock":
            return {
                "state": "locked",
                "pause_cause": "reputation",
                "pause_reason": reason,
                "resume_at": False,
            }
        if self.state == "paused":
            return {}
        return {"state": response.SENDER_STATE[found.action]}

    def _announce_response(self, before, found, reason):
        """Record evidence, post to the chatter of number and campaigns, and notify managers."""
        text = reason or self.env._(
            "%s is active again, at full speed.", self.display_phone_number or self.phone_number_uid
        )
        self._record_response(
            EVIDENCE[found.action], text, value_before=before, value_after=found.action
        )
        for campaign in self._running_campaigns():
            if found.action != "hold_marketing" or campaign.category == "marketing":
                campaign._message_log(body=text)
        if found.action == "full":
            self._close_manager_activities()
        else:
            self._notify_managers(summary(self.env, found.action), text)

    def _running_campaigns(self):
        return (
            self.env["waba.campaign"]
            .sudo()
            .search(
                [
                    ("sender_id", "in", self.ids),
                    ("state", "in", ("preparing", "running", "paused")),
                ]
            )
        )

    @implements("_on_spam_refusal")
    def _lock_after_refusal(self, refusal):
        """Lock these numbers, whose messages Meta refuses as spam (131048), until their release.

        Messages in flight are refused as well; the first refusal locks.

        :param refusal: Meta's refusal as a sentence
        """
        for sender in self.filtered(lambda sender: sender.state != "locked"):
            sender._apply_response(sender._judgement(fields.Datetime.now()), refusal=refusal)

    # === Release ===

    def _release(self, reason):
        """Release these numbers: events and messages until now no longer count against them.

        :param reason: the manager's reason
        """
        for sender in self.filtered(lambda sender: sender._can_be_released()):
            now = fields.Datetime.now()
            is_red = "red" in (sender.quality_rating, sender._judgement(now).rating)
            before = sender.response_action
            sender.write(
                {
                    "state": "paused" if sender.state == "paused" else "active",
                    "response_action": "full",
                    "response_key": "healthy",
                    "response_since": now,
                    "response_share": 1.0,
                    "response_canary": False,
                    "marketing_held": False,
                    "fresh_start_at": now,
                    "red_released_at": now if is_red else False,
                }
            )
            if sender.state == "active":
                sender.write({"pause_cause": False, "pause_reason": False, "resume_at": False})
            text = sender.env._(
                "%(manager)s resumed sending: %(reason)s",
                manager=self.env.user.name,
                reason=reason,
            )
            sender._record_response(
                "response_release",
                text,
                source="person",
                user_id=self.env.uid,
                value_before=before,
            )
            for campaign in sender._running_campaigns():
                campaign._message_log(body=text)
            sender._close_manager_activities()
            sender._apply_current_response()
            sender._apply_platform_status()
            sender._trigger_dispatch()

    # === Alerts ===
    # An e-mail to the managers when a number is Watch or At risk, held or locked: immediately for
    # a hold or a lock, otherwise at most once a day for each company. Each state is reported once
    # and kept in `alerted_states` for as long as it lasts.

    @implements("_on_change")
    def _update_alerts_on_change(self, names):
        if not WATCHED_FIELDS.isdisjoint(names):
            self.sudo()._update_alerts()

    def _alert_states(self):
        """Return the set of ALERT_LEVELS and ALERT_HOLDS that apply now, each with the milder."""
        self.ensure_one()
        found = set()
        if self.reputation_level in ALERT_LEVELS:
            found.update(ALERT_LEVELS[: ALERT_LEVELS.index(self.reputation_level) + 1])
        if self.state == "locked":
            found.update(ALERT_HOLDS)
        elif self._is_marketing_held():
            found.add("held")
        return found

    def _alerted_states(self):
        return set(filter(None, (self.alerted_states or "").split(",")))

    def _unalerted_states(self):
        """Return the states that managers were not alerted of; none if e-mail is switched off."""
        self.ensure_one()
        if not (self.active and self.alert_email):
            return set()
        return self._alert_states() - self._alerted_states()

    def _store_alerted_states(self, states):
        stored = ",".join(sorted(states)) or False
        if stored != self.alerted_states:
            self.alerted_states = stored

    def _update_alerts(self):
        """Remove states that ended; trigger the job for a new hold."""
        for sender in self:
            sender._store_alerted_states(sender._alerted_states() & sender._alert_states())
        if any(sender._unalerted_states().intersection(ALERT_HOLDS) for sender in self):
            self.env.ref("waba_campaign.ir_cron_alert")._trigger()

    @api.model
    def _cron_alert(self):
        """Alert the managers of each company; the numbers are written by other jobs meanwhile."""
        for company in self.search([]).company_id:  # pylint: disable=no-search-all
            commit_step(self.env, partial(self._alert_company, company))

    @api.model
    def _alert_company(self, company):
        """Send the company's managers the states of its numbers that they were not alerted of."""
        now = fields.Datetime.now()
        senders = self.search([("company_id", "=", company.id)])
        unalerted = senders.filtered(lambda sender: sender._unalerted_states())
        is_urgent = any(
            sender._unalerted_states().intersection(ALERT_HOLDS) for sender in unalerted
        )
        last = company.waba_alerted_at
        if unalerted and (is_urgent or not last or last <= now - ALERT_INTERVAL):
            unalerted._alert_managers()
            company.waba_alerted_at = now

    def _alert_managers(self):
        """Send one e-mail to each manager of these numbers' company, in the manager's language."""
        template = self.env.ref("waba_campaign.mail_template_reputation_alert")
        company = self.company_id
        for manager in self[:1]._find_managers().filtered("email"):
            senders = with_language(manager, self)
            template.with_context(
                lang=manager.lang, waba_alerts=[sender._describe_alert() for sender in senders]
            ).send_mail(
                company.id,
                email_values={"recipient_ids": [fields.Command.link(manager.partner_id.id)]},
            )
        for sender in self:
            sender._store_alerted_states(sender._alert_states())
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _describe_alert(self):
        """Return the texts of the e-mail about this number, as dict of str."""
        self.ensure_one()
        if self.state == "locked":
            state = selection_label(self.env, "sending_state", "locked")
        elif self._is_marketing_held():
            state = selection_label(self.env, "sending_state", "held")
        else:
            state = selection_label(self.env, "reputation_level", self.reputation_level)
        return {
            "name": self.display_phone_number or self.display_name,
            "state": state,
            "rating": selection_label(self.env, "quality_rating", self.quality_rating),
            "level": selection_label(self.env, "reputation_level", self.reputation_level),
            "reading": self.reputation_reason or self.reputation_base_text or "",
            "reason": self.pause_reason or self._marketing_hold_reason() or self.response_reason
            or "",
            "outlook": self.reputation_projection or "",
        }  # fmt: skip

    # === Warm-up ===
    # A new number, or one whose limit rose, gets a larger daily limit each healthy day. A number is
    # new if Meta has not rated it and no message of it is stored here: a number that was in use
    # elsewhere has a rating when it is connected.

    def _store_warm_up(self, warm_up):
        self.write(
            {
                "warm_up_people": warm_up.first if warm_up else 0,
                "warm_up_step": warm_up.step if warm_up else 0,
                "warm_up_stepped_at": warm_up.stepped_at if warm_up else False,
            }
        )

    def _start_warm_up(self, previous_limit=None, is_new=False):
        """Start the warm-up of numbers that need one; a running one continues with the new limit.

        :param previous_limit: recipients in 24 h before the limit rose; None: unlimited
        :param is_new: whether the number is new
        """
        for sender in self.filtered(lambda sender: sender.warm_up and not sender.warm_up_people):
            warm_up = warm_up_policy.start_warm_up(
                sender.portfolio_id._people_limit(),
                previous_limit,
                fields.Datetime.now(),
                sender._response_settings(),
                is_new=is_new,
            )
            if warm_up:
                sender._store_warm_up(warm_up)
                sender._apply_current_response()

    def _start_warm_up_if_new(self):
        """Start the warm-up of a new number, after its first sync."""
        is_used = self.env["waba.message"].search_count([("sender_id", "=", self.id)], limit=1)
        if self.quality_rating == "unknown" and not is_used:
            self._start_warm_up(is_new=True)

    def _advance_warm_up(self, judgement):
        """Move the warm-up a step up or back, or end it, by the number's health.

        :param judgement: policy.reputation.Judgement
        """
        before, now = self._current_warm_up(), fields.Datetime.now()
        if not before:
            return
        limit, settings = self.portfolio_id._people_limit(), self._response_settings()
        after = self.warm_up and warm_up_policy.advance_warm_up(
            before,
            limit,
            self._count_own_recipients(now),
            judgement.level,
            judgement.rating,
            now,
            settings,
        )
        if after == before:
            return
        people = warm_up_policy.warm_up_limit(before, limit, settings)
        self._store_warm_up(after or None)
        if not after:
            self._message_log(body=self.env._("Warm-up completed."))
        elif after.step != before.step:
            self._record_warm_up_step(people, self.warm_up_limit_now)

    def _record_warm_up_step(self, before, after):
        self._record_response(
            "response_warm_up",
            self.env._(
                "Warm-up: %(before)s → %(after)s recipients a day.",
                before=format_number(self.env, before),
                after=format_number(self.env, after),
            ),
            value_before=str(before),
            value_after=str(after),
        )
        self._trigger_dispatch()


class WabaReputationEvent(models.Model):
    _inherit = "waba.reputation.event"

    _restricted_idx = models.Index("(account_id, at) WHERE kind = 'account_restricted'")


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    def _apply_account_updates(self, items):
        """Apply the response to account updates in the transaction that applied them."""
        for item in items:
            if isinstance(item, AccountUpdate) and (account := self._event_account(item)):
                account.sender_ids._apply_current_response()


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    @implements("_on_limit_change")
    def _grow_into_limit(self, before):
        """Start a warm-up towards a limit that rose."""
        # The first sync of a limit is no rise.
        if before != "unknown":
            previous = limits.people_limit(before, self.daily_cap)
            self.sender_ids._start_warm_up(previous)
