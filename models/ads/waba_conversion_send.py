"""Ads: the job that sends conversions to Meta, with retries, each event at most once.

Run by the job ir_cron_conversions. An attempt is committed before its request: a killed worker's
event is sent again with the same id, which Meta recognises.
"""

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...cloud_api import CloudApiError, NotSent, RetryLater, UnknownOutcome, conversion_event
from ...cloud_api.conversions import CLICK_REFUSED, NAME_REFUSED, TOO_OLD
from ...policy import conversions as policy
from ..tools.job_turns import TimeSlice
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

RUN_SECONDS = 45
BLOCKED_RETRY_HOURS = 1


class WabaConversion(models.Model):
    _inherit = "waba.conversion"

    @api.model
    def _send_cron(self):
        return self.env.ref("waba_campaign.ir_cron_conversions").sudo()

    @api.model
    def _cron_send(self):
        """Send what is due, one event at a time; then schedule the next run."""
        turn = TimeSlice(self._send_cron(), RUN_SECONDS)
        while not turn.is_used_up:
            claimed = commit_step(self.env, self._claim_next)
            if claimed is None:
                break
            row, event, was_unknown = claimed
            if event:
                trace, error = row._request(event)
                commit_step(
                    self.env,
                    lambda row=row, t=trace, e=error, u=was_unknown: row._end_attempt(t, e, u),
                    processed=1,
                )
        waiting = self.search([("state", "=", "queued")], order="retry_at, id", limit=1)
        if waiting:
            self._send_cron()._trigger(at=max(waiting.retry_at, fields.Datetime.now()))

    @api.model
    def _claim_next(self):
        """Take the next event that is due and count the attempt.

        :return: (row, event or None if it is not sent now, whether Meta may have it already), or
            None without any
        """
        now = fields.Datetime.now()
        due = self.search(
            [("state", "=", "queued"), ("retry_at", "<=", now)], order="retry_at, id", limit=20
        )
        row = due.try_lock_for_update(allow_referencing=True, limit=1)
        if not row:
            return None
        row.invalidate_recordset()
        if row.state != "queued" or row._is_refused(now) or row._is_postponed(now):
            return row, None, False
        was_unknown = row.is_unknown
        if not row.attempt_count:
            row.write(self._lead_value(row.lead_id, row.kind))
        attempt = row.attempt_count + 1
        row.write(
            {
                "attempt_count": attempt,
                "first_attempt_at": row.first_attempt_at or now,
                "retry_at": policy.next_attempt(attempt, now),
                "is_unknown": True,
            }
        )
        return row, row._format_event(), was_unknown

    def _format_event(self):
        has_value = self.kind != "qualified"
        return conversion_event(
            self.event_name,
            self.event_at,
            self.event_uid,
            self.account_id.waba_uid,
            self.ctwa_clid,
            value=self.value if has_value else None,
            currency=self.currency_id.name or "",
            order_uid=f"lead-{self.lead_id.id}" if has_value else "",
        )

    def _is_refused(self, now):
        """Whether this event is not sent for good; its row says why."""
        cause = self._refusal_cause(now)
        if not cause:
            return False
        if cause == "unconfirmed":
            self.write({"state": "failed", "reason": self._cause_text(cause)})
        else:
            self._cancel(cause, self._cause_text(cause))
        return True

    def _refusal_cause(self, now):
        account, company = self.account_id, self.company_id
        if not self.lead_id:
            return "gone"
        if not self.ctwa_clid or not self.recipient_id:
            return "erased"
        if not account._reports_conversions():
            return "off"
        state = self.recipient_id._consent_state("marketing", company)
        if cause := policy.consent_refusal(company.waba_conversion_consent, state):
            return cause
        won = self.search([("lead_id", "=", self.lead_id.id), ("kind", "=", "won")], limit=1)
        if self.kind == "unwon" and won.state != "queued" and not won._may_be_known():
            return "never_won"
        return policy.refusal(self._attempts(), now)

    def _is_postponed(self, now):
        """Whether nothing leaves from this database now, or the win itself is still on its way."""
        account = self.account_id
        reason = account._foreign_database_reason()
        if not reason and account.state == "draft":
            reason = self.env._("Waiting: the account is not connected.")
        won = self.search([("lead_id", "=", self.lead_id.id), ("kind", "=", "won")], limit=1)
        if not reason and self.kind == "unwon" and won.state == "queued":
            reason = self.env._("Waiting until Meta has confirmed the win.")
        if reason:
            self.write(
                {"reason": reason, "retry_at": fields.Datetime.add(now, hours=BLOCKED_RETRY_HOURS)}
            )
        return bool(reason)

    def _request(self, event):
        """(Meta's trace id, None) or (None, exception); writes nothing."""
        try:
            with self.account_id._client() as client:
                return client.send_conversion(self.account_id.dataset_uid, event), None
        except (CloudApiError, UserError) as error:
            return None, error

    def _end_attempt(self, trace, error, was_unknown):
        """Store the outcome.

        :param was_unknown: Meta may have received an earlier attempt
        """
        if error is None:
            # Even when it was cancelled meanwhile: Meta has it.
            self.write(
                {"state": "sent", "sent_at": fields.Datetime.now(), "fbtrace_id": trace,
                 "reason": False, "cancel_cause": False, "is_unknown": False, "error_code": False}
            )  # fmt: skip
            return
        values = {
            "error_code": getattr(error, "code", None) or False,
            "fbtrace_id": getattr(error, "fbtrace_id", None) or False,
            "reason": self._refusal_text(error, self.account_id),
        }
        if not isinstance(error, UnknownOutcome):
            values["is_unknown"] = was_unknown
        if self.state == "queued" and not isinstance(
            error, (UnknownOutcome, RetryLater, NotSent, UserError)
        ):
            values["state"] = "failed"
        self.write(values)

    @api.model
    def _refusal_text(self, error, account):
        """What happened, what it means, what to do.

        :param error: CloudApiError or UserError
        """
        if isinstance(error, UserError):
            return str(error)
        if isinstance(error, (UnknownOutcome, RetryLater, NotSent)):
            return self.env._(
                "Meta did not take the event yet: %s. It is tried again.", str(error)[:200]
            )
        subcode = error.subcode
        if subcode == CLICK_REFUSED:
            return self.env._(
                "Meta does not know this ad click, so it cannot count the event. Check that the ad "
                "and the dataset belong to the same business."
            )
        if subcode == NAME_REFUSED:
            return self.env._(
                "Meta does not take this event name from the account. Choose another event for "
                "qualified on the account, then send again."
            )
        if subcode == TOO_OLD:
            return self._cause_text("too_old")
        if error.code == 190:
            return self.env._(
                "Meta no longer accepts the access token. An administrator enters a new one on the "
                "account; then send again."
            )
        if error.code in (10, 200):
            return self.env._(
                "The access token may not send events. Add the permission "
                "whatsapp_business_manage_events in Meta's Business settings, then send again."
            )
        if error.code == 100 and subcode == 33:
            return self.env._(
                "Meta does not know dataset %s, or the token may not use it. Click Create dataset "
                "on the account, then send again.",
                account.dataset_uid,
            )
        return account._error_text(error)
