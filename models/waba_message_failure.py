import random

from odoo import fields, models

from ..policy import limits, retry
from .phone_countries import number_country
from .waba_failure import failure_text

# Template states that a failure tells us before any webhook does.
STATUS_FROM_FAILURE = {"template_paused": "paused", "template_disabled": "disabled"}


class WabaMessage(models.Model):
    """What follows from a failure: for the row, the person, and whatever is at fault."""

    _inherit = "waba.message"

    def _apply_failure(
        self,
        failure_type,
        *,
        code=None,
        text=None,
        fbtrace_id=None,
        refused_at_once,
        in_a_row=1,
        at=None,
    ):
        """Do with this row, and with what is at fault, what `policy.retry` decides.

        :return: the policy.retry.Decision
        """
        self.ensure_one()
        now = fields.Datetime.now()
        streak = self.failure_streak + 1 if self.streak_type == failure_type else 1
        decision = retry.decide_retry(
            failure_type,
            streak,
            now,
            self.category
            if self.category in ("marketing", "utility", "authentication")
            else "utility",
            code=code,
            consecutive=in_a_row,
            previous_undeliverable_count=self.recipient_id.undeliverable_count,
            jitter=random.random(),
            attempts_in_all=self.attempt_count,
        )
        reason = failure_text(self.env, failure_type, code, text)
        if limits.returns_slot(failure_type, refused_at_once):
            self._return_slots()
        self.write(
            {
                "state": "failed" if decision.row == "fail" else "queued",
                "kept_slot_at": self.slot_at,
                "retry_at": decision.retry_at or now,
                "reserved_until": False,
                "failed_at": at or now,
                "failed_attempt": self.attempt_count,
                "failure_streak": streak,
                "streak_type": failure_type,
                "failure_type": failure_type,
                "failure_reason": reason,
                "error_code": code or False,
                "fbtrace_id": fbtrace_id or self.fbtrace_id,
            }
        )
        if decision.row != "fail":
            self._reopen_campaigns()
        self._apply_person_effect(decision, reason, at or now)
        template = self.template_id
        self._apply_scope_effect(decision, failure_type, reason)
        if decision.row == "hold" and decision.scope == "template" and self.template_id == template:
            self._hold_template_message(decision.scope_until)
        return decision

    def _hold_template_message(self, until):
        """A row blamed on its template waits while that, or its campaign, is held.

        Where nothing holds it (a message outside campaigns; the message of an A/B test that lost) it
        waits until `until`, or ends: due at once, it would be refused again and again.
        """
        campaign = self.campaign_id
        is_held = campaign.state != "running" if campaign else self.template_id.hold_key
        if is_held or self.state != "queued":
            return
        self.write({"retry_at": until} if until else {"state": "failed"})

    def _apply_person_effect(self, decision, reason, at):
        """What a failure tells about the person, for every later campaign.

        :param at: naive UTC datetime of the failure
        """
        person = self.recipient_id
        if decision.country_blocked:
            self.account_id._block_country(number_country(self.number))
        if decision.person_effect == "opted_out":
            person._set_marketing_state("opted_out", "refused", reason, at=at, message=self)
        elif decision.person_effect == "blocked":
            person.is_blocked = True
        elif decision.person_effect == "undeliverable":
            person.write(
                {
                    "undeliverable_count": person.undeliverable_count + 1,
                    "unreachable_until": decision.scope_until or person.unreachable_until,
                }
            )
        elif decision.person_effect == "marketing_limit":
            person._hold_marketing(decision.scope_until)

    def _apply_scope_effect(self, decision, failure_type, reason):
        """Stop what is at fault: the campaign, the template, the number or the account."""
        if decision.scope == "campaign":
            self.sender_id._on_campaign_failure(self, reason)
        elif decision.scope == "template" and failure_type in STATUS_FROM_FAILURE:
            self.template_id._set_status(STATUS_FROM_FAILURE[failure_type], reason)
        elif decision.scope == "template":
            self.sender_id._on_campaign_failure(self, reason, decision.scope_until)
        elif failure_type == "spam_rate":
            self.sender_id._on_spam_refusal(reason)
        elif decision.scope == "sender":
            self.sender_id._pause(reason, until=decision.scope_until)
        elif decision.scope == "account" and decision.marketing_only:
            self.account_id.marketing_disabled = True
        elif decision.scope == "account":
            self.account_id._add_stop(reason, until=decision.scope_until)
