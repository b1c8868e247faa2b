from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain

from ..cloud_api import AccountUpdate
from ..policy import response
from .hooks import implements
from .waba_response_settings import FIELDS
from .waba_response_words import number_sentence, summary
from .waba_webhook_platform import RESTRICTIONS_STOPPING

EVIDENCE = {
    "full": "response_full",
    "warm_up": "response_warm_up",
    "slow": "response_slow",
    "hold_marketing": "response_hold",
    "lock": "response_lock",
}
BUSIEST_PERIOD = timedelta(days=7)


class WabaSender(models.Model):
    """What follows from a number's reputation, and how it ends.

    policy/response.py decides, from Meta's rating, our own reading, refusals and what a manager
    released; `_apply_response` carries it out, in the transaction that learned of the cause. What is in
    force already is not done again. `state` follows `response_action`, but a failure's or a
    person's pause stands above it until it ends. What is in force, and what the queue asks of it,
    is in waba_response_settings.py.
    Entry points: `_apply_response`, `_apply_current_response`; a manager's release is in waba_sender_release.py.
    """

    _name = "waba.sender"
    _inherit = ["waba.sender", "waba.response.mixin"]

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    @implements("_on_reading")
    def _respond_to_reading(self, is_first, rating_before):
        if is_first:
            self._start_warm_up_if_new()
        if self.quality_rating != rating_before:
            self._apply_current_response()

    @implements("_on_change")
    def _respond_to_settings(self, names):
        """The manager wants another answer: it is in force at once."""
        if not set(FIELDS).isdisjoint(names):
            for sender in self.sudo():
                sender._apply_current_response()
                sender._trigger_dispatch()

    def _apply_current_response(self):
        """Respond to how things stand."""
        for sender in self:
            sender._apply_response(sender._judgement(fields.Datetime.now()))

    def _apply_response(self, judgement, refusal=None):
        """Do what follows from a judgement, if it is not in force already. Safe to repeat.

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
        """Whether Meta restricted the number or its account, or called its messages spam, since a
        manager last released it."""
        events = self.env["waba.reputation.event"].sudo()
        # What an account did before a number joined it is not the number's.
        start = self.fresh_start_at or self.create_date
        # Neither what was known at the release, nor what happened before and came late.
        since = Domain("at", ">", start) & Domain("recorded_at", ">", start)
        of_number = Domain("sender_id", "=", self.id) & (
            Domain("kind", "=", "spam_rate")
            | (Domain("kind", "=", "number_status") & Domain("value_after", "=", "RESTRICTED"))
        )
        # An answer to a message names no type; a webhook names those that do not stop sending too.
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

    # ------------------------------------------------------------------
    # Doing
    # ------------------------------------------------------------------

    def _enforce_response(self, found, red_days, refusal=None):
        """Carry out a decision that is not in force yet; say it where people look.

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
        is_new, needed_wave = found.action != before, self.response_canary
        if is_new:
            decided["response_since"] = fields.Datetime.now()
        if found.action == "slow" != before:
            decided["busiest_day"] = self._busiest_day()
        said = self.response_reason
        words = self._response_text(found, red_days, refusal)
        self.write(
            {**decided, **self._response_state_values(found, words), "response_reason": words}
        )
        if found.canary and not needed_wave:
            self._running_campaigns()._reconsider_canary()
        if is_new:
            self._announce_response(before, found, words)
        elif words and words != said:
            self._message_log(body=words)
        if found.action != "lock":
            self._trigger_dispatch()

    def _busiest_day(self):
        """Messages of the busiest of the last 7 days."""
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
        """The sentence of a decision, False when nothing is held back."""
        if found.reason_key == "locked" and self.pause_reason:
            return self.pause_reason
        words = number_sentence(self.env, self, found, red_days)
        return " ".join(filter(None, [refusal, words])) or False

    def _response_state_values(self, found, words):
        """`state` as it follows from a decision; a pause of another cause stays."""
        if found.action == "lock":
            return {
                "state": "locked",
                "pause_cause": "reputation",
                "pause_reason": words,
                "resume_at": False,
            }
        if self.state == "paused":
            return {}
        return {"state": response.SENDER_STATE[found.action]}

    def _announce_response(self, before, found, words):
        """Evidence, chatter of the number and of its campaigns, and the managers' activity."""
        said = words or self.env._(
            "%s is at full speed again.", self.display_phone_number or self.phone_number_uid
        )
        self._record_response(
            EVIDENCE[found.action], said, value_before=before, value_after=found.action
        )
        for campaign in self._running_campaigns():
            if found.action != "hold_marketing" or campaign.category == "marketing":
                campaign._message_log(body=said)
        if found.action == "full":
            self._close_manager_activities()
        else:
            self._notify_managers(summary(self.env, found.action), said)

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
        """Meta refuses this number's messages as spam (131048): nothing leaves until a manager
        releases it. Rows under way meet the same refusal; the first one locks.

        :param refusal: sentence of what Meta said
        """
        for sender in self.filtered(lambda sender: sender.state != "locked"):
            sender._apply_response(sender._judgement(fields.Datetime.now()), refusal=refusal)


class WabaReputationEvent(models.Model):
    _inherit = "waba.reputation.event"

    _restricted_idx = models.Index("(account_id, at) WHERE kind = 'account_restricted'")


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    def _apply_account_updates(self, items):
        """What Meta does to an account is answered in the transaction that took it over."""
        for item in items:
            if isinstance(item, AccountUpdate) and (account := self._event_account(item)):
                account.sender_ids._apply_current_response()
