"""Diagnosis of an account: Meta's data about health, limit, numbers and templates.

Called by `_run_checks` (waba_diagnosis.py).
"""

from odoo import models
from odoo.tools import LazyTranslate

from ..cloud_api import CloudApiError, classify
from ..models.base.waba_account_marketing import ONBOARDED
from ..models.base.waba_failure import ADVICE
from ..models.base.waba_sender import STATUS_SENDING
from ..models.tools.labels import selection_labels
from ..models.tools.platform_words import plain_sentence, platform_word
from ..policy import endpoint

_lt = LazyTranslate(__name__)

# Meta's values for a display name that was refused, has expired or waits (Phone numbers, 2026-03).
UNAPPROVED_NAME_STATUSES = ("DECLINED", "EXPIRED", "PENDING_REVIEW", "NONE")

# Codes that only `health_status` uses (Health status, 2025-10-22).
HEALTH_ADVICE = {
    141000: _lt("Register the number again in WhatsApp Manager."),
    141002: _lt("Choose an approved template, or wait for its review."),
    141006: _lt("Add a payment method in WhatsApp Manager."),
}


class WabaDiagnosis(models.TransientModel):
    _inherit = "waba.diagnosis"

    def _check_account(self, client, connect):
        account = self.account_id.sudo()
        try:
            if connect:
                account._sync()
                self._subscribe_webhook(client)
            facts = client.get_account(account.waba_uid)
            numbers = list(client.list_phone_numbers(account.waba_uid))
        except CloudApiError as error:
            self._add_line(
                "error",
                self.env._("WhatsApp Business Account"),
                account._error_text(error),
                self._error_advice(
                    error,
                    self.env._("Check the account ID and the token's access to the account."),
                ),
            )
            return
        self._report_account(facts)
        self._report_verification(facts.verification)
        self._report_promotions(facts)
        self._report_health(facts.health)
        self._check_numbers(numbers)
        self._check_templates()
        self._check_subscription(client)

    def _report_account(self, facts):
        limits = selection_labels(self.env["waba.portfolio"], "messaging_limit")
        self._add_line("ok", self.env._("WhatsApp Business Account"), facts.name or facts.waba_uid)
        if facts.portfolio_uid:
            self._add_line(
                "ok",
                self.env._("Business portfolio"),
                f"{facts.portfolio_name or facts.portfolio_uid}",
            )
        else:
            self._add_line(
                "warning",
                self.env._("Business portfolio"),
                self.env._("Meta does not name the portfolio for this token."),
                self.env._(
                    "The daily limit is counted for this account only. If other accounts share the "
                    "portfolio, set an own limit on it."
                ),
            )
        limit = facts.messaging_limit
        portfolio = self.account_id.portfolio_id
        if limit == "unknown" and portfolio:
            limit = portfolio.messaging_limit
        self._add_line(
            "ok" if limit != "unknown" else "warning",
            self.env._("Daily limit"),
            limits.get(limit, limit),
            False
            if limit != "unknown"
            else self.env._("Until Meta reports it, the limit is 250 recipients a day."),
        )

    def _report_verification(self, verification):
        """Report a business that Meta has not verified: its daily limit stays at 250."""
        if verification in ("", "unknown", "verified"):
            return
        self._add_line(
            "info",
            self.env._("Business verification"),
            platform_word(self.env, verification),
            self.env._("Verify the business in Meta's Security Center for a higher daily limit."),
        )

    def _report_promotions(self, facts):
        """Report which endpoint promotions go by, and what keeps them from the chosen one."""
        account = self.account_id.sudo()
        standing = account._promotion_standing()._replace(
            is_onboarded=facts.onboarding == ONBOARDED,
            is_cloud_api_off=facts.marketing_disabled,
        )
        by = endpoint.choose_endpoint("marketing", standing).endpoint
        is_as_chosen = by and (by == endpoint.MARKETING_API or not standing.goes_by_marketing_api)
        if is_as_chosen:
            text = {
                endpoint.MARKETING_API: self.env._("Go by the Marketing Messages API."),
                endpoint.CLOUD_API: self.env._("Go by the Cloud API."),
            }[by]
            self._add_line("ok", self.env._("Promotions"), text)
            return
        what = self.env._("Go by the Cloud API.") if by else self.env._("Not sent.")
        if standing.missing == "unavailable":
            why = self.env._("Meta refuses the Marketing Messages API for this account.")
            advice = self.env._("Ask Meta's support, then choose Use it again on the account.")
        else:
            why = self.env._("The terms of the Marketing Messages API are not accepted.")
            advice = self.env._("Accept them in WhatsApp Manager under Overview, then sync.")
        level = "warning" if by else "error"
        self._add_line(level, self.env._("Promotions"), f"{what} {why}", advice)

    def _report_health(self, health):
        """Report whether each entity of Meta's health status can send, and why not."""
        labels = {
            "waba": self.env._("account"),
            "business": self.env._("portfolio"),
            "app": self.env._("app"),
            "phone_number": self.env._("number"),
            "message_template": self.env._("template"),
        }
        for entity in health.entities if health else ():
            topic = self.env._("Meta status: %s", labels.get(entity.type, entity.type))
            if entity.can_send == "available":
                self._add_line("ok", topic, self.env._("Can send."))
                continue
            level = "error" if entity.can_send == "blocked" else "warning"
            details = [error.description for error in entity.errors]
            details += [plain_sentence(self.env, text) for text in entity.additional_info]
            solutions = [self._health_advice(entity, error) for error in entity.errors]
            self._add_line(
                level,
                topic,
                "; ".join(details) or platform_word(self.env, entity.can_send),
                "; ".join(filter(None, solutions)),
            )

    def _health_advice(self, entity, error):
        """Return what to do about a health error: Meta's own text, or ours for its code."""
        if error.solution:
            return error.solution
        if error.code in HEALTH_ADVICE:
            return self.env._(HEALTH_ADVICE[error.code])
        failure_type = classify(error.code).failure_type if error.code else None
        if failure_type in ADVICE:
            return self.env._(ADVICE[failure_type])
        if entity.type == "app":
            return self.env._("Open the app dashboard and switch the app to Live mode.")
        return self.env._("Open WhatsApp Manager and follow its steps.")

    def _check_numbers(self, numbers):
        if not numbers:
            self._add_line(
                "error",
                self.env._("Numbers"),
                self.env._("The account has no number."),
                self.env._("Add a number in WhatsApp Manager."),
            )
        ratings = selection_labels(self.env["waba.sender"], "quality_rating")
        for number in numbers:
            can_send = number.status in STATUS_SENDING
            self._add_line(
                "ok" if can_send and number.quality_rating != "red" else "warning",
                self.env._("Number %s", number.display_phone_number),
                self.env._(
                    "%(status)s · Quality rating: %(rating)s · %(rate)s messages per second",
                    status=platform_word(self.env, number.status) or self.env._("Status unknown"),
                    rating=ratings[number.quality_rating],
                    rate=number.messages_per_second,
                ),
                False
                if can_send
                else self.env._("Resolve the number's status in WhatsApp Manager."),
            )
            self._report_name(number)

    def _report_name(self, number):
        """Report the display name's review: until it is approved, Meta may limit the number."""
        if number.name_status not in UNAPPROVED_NAME_STATUSES:
            return
        self._add_line(
            "warning",
            self.env._("Display name of %s", number.display_phone_number),
            self.env._(
                "“%(name)s”: %(status)s.",
                name=number.verified_name,
                status=platform_word(self.env, number.name_status),
            ),
            self.env._("Wait for Meta's review.")
            if number.name_status == "PENDING_REVIEW"
            else self.env._("Submit a display name for review in WhatsApp Manager."),
        )

    def _check_templates(self):
        approved = self.env["waba.template"].search_count(
            [("account_id", "=", self.account_id.id), ("status", "=", "approved")]
        )
        self._add_line(
            "ok" if approved else "warning",
            self.env._("Templates"),
            self.env._("%s approved.", approved),
            False if approved else self.env._("Create a template in WhatsApp Manager, then sync."),
        )
