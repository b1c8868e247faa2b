"""Webhook: events about limits, numbers, accounts and templates.

Called by `_route_event` (waba_webhook_apply.py). Each handler returns None, a PendingSubject, or a
sentence why nothing was done.
"""

from functools import partial

from odoo import fields, models
from odoo.tools import format_datetime

from ..tools.platform_words import platform_word
from ..tools.stop_causes import TEMPLATE_EVENTS, causes_lifted_on_event, causes_started_on_event
from .waba_webhook_event import PendingSubject

RESTRICTIONS_STOPPING = (
    "RESTRICTED_BIZ_INITIATED_MESSAGING",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
)


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    def _poll_soon(self):
        """Trigger the job that reads our numbers and templates from Meta."""
        self.env.ref("waba_campaign.ir_cron_poll").sudo()._trigger()

    # === Limits and numbers ===

    def _apply_capability(self, account, item):
        account.portfolio_id._set_messaging_limit(item.messaging_limit, self.env._("webhook"))

    def _apply_number_update(self, account, item):
        """Since October 2025 this reports throughput and limit, no longer quality."""
        account.portfolio_id._set_messaging_limit(item.messaging_limit, self.env._("webhook"))
        if item.event == "THROUGHPUT_UPGRADE":
            self._poll_soon()
        note = self._post_on_number(
            account,
            item.display_number,
            self.env._("Meta reports on this number: %s", platform_word(self.env, item.event)),
        )
        return None if item.messaging_limit else note

    def _apply_number_name(self, account, item):
        decision = self.env._(
            "Meta's review of the display name %(name)s: %(decision)s",
            name=item.requested_name,
            decision=self._words(item.decision, item.rejection_reason),
        )
        note = self._post_on_number(account, item.display_number, decision)
        if not note:
            self._poll_soon()
        return note

    def _apply_security(self, account, item):
        return self._post_on_number(
            account,
            item.display_number,
            self.env._(
                "Meta reports a security change of this number: %s",
                platform_word(self.env, item.event),
            ),
        )

    def _post_on_number(self, account, display_number, text):
        """Post a text on the number.

        :return: None, or why it could not be posted
        """
        senders = self._senders_by_display(account, display_number)
        for sender in senders:
            sender._message_log(body=text)
        if senders:
            return None
        if not display_number:
            return self.env._("Not applied: the event names no number.")
        self._poll_soon()
        return PendingSubject(
            "number", self.env._("The number %s is not connected.", display_number)
        )

    def _senders_by_display(self, account, display_number):
        """In these events Meta names the number by its digits only."""
        return account.with_context(active_test=False).sender_ids.filtered(
            lambda sender: display_number and (sender.number or "").lstrip("+") == display_number
        )

    # === Accounts ===

    def _apply_account_update(self, account, item):
        if account.state == "draft" and self._account_standing(item):
            return PendingSubject(
                "account", self.env._("The account %s is not connected yet.", account.name)
            )
        account._message_log(
            body=self.env._(
                "Meta reports on this account: %s", self._describe_account_update(account, item)
            )
        )
        if item.volume_tier:
            self._apply_volume_tier(account, item.volume_tier)
        if stopping := self._stopping_restrictions(item):
            self._apply_restrictions(account, stopping)
        if item.event == "MM_LITE_TERMS_SIGNED":
            account._sign_marketing_terms()
            self._poll_soon()
        for value in (item.event, item.ban_state):
            for cause in causes_started_on_event(value):
                if cause != "restriction":
                    account._add_stop(self._stop_reason(cause), cause=cause)
            account._lift_stops(causes_lifted_on_event(value), self._lift_reason(value))
        return None

    def _apply_volume_tier(self, account, tier):
        """Keep the highest tier of each market and category in its latest month.

        It is lower in no event of one month, so that the order of events makes no difference.
        """
        key = f"{tier.market or '–'} {tier.category}"
        found = [tier.month, tier.first, tier.last]
        tiers = account.volume_tiers or {}
        if key not in tiers or found[:2] > tiers[key][:2]:
            account.volume_tiers = {**tiers, key: found}

    def _account_standing(self, item):
        """What part of an account's standing an AccountUpdate sets; falsy if none.

        Each part is independent: a newer restriction does not make an older ban outdated.
        """
        if any(restriction.type in RESTRICTIONS_STOPPING for restriction in item.restrictions):
            return "restriction"
        reported = (item.event, item.ban_state)
        causes = [
            cause
            for value in reported
            for cause in (*causes_started_on_event(value), *causes_lifted_on_event(value))
            if cause != "restriction"
        ]
        return causes and causes[0]

    def _stopping_restrictions(self, item):
        """The restrictions in force that stop sending."""
        now = fields.Datetime.now()
        return [
            restriction
            for restriction in item.restrictions
            if restriction.type in RESTRICTIONS_STOPPING
            and (restriction.until is None or restriction.until > now)
        ]

    def _apply_restrictions(self, account, stopping):
        ends = [restriction.until for restriction in stopping]
        until = None if None in ends else max(ends)
        account.write({"restriction": stopping[0].type, "restricted_until": until})
        account._add_stop(
            self.env._(
                "Meta restricted this account: %s. Request a review in WhatsApp Manager.",
                self._words(*(restriction.type for restriction in stopping)),
            ),
            until=until,
            cause="restriction",
        )

    def _stop_reason(self, cause):
        """Sentence on a stop that Meta's report alone starts: what happened and what to do."""
        return {
            "disabled": self.env._(
                "Meta disabled this account. Request a review in WhatsApp Manager."
            ),
            "deleted": self.env._(
                "This account was deleted at Meta and can no longer send. Connect another account."
            ),
            "offboarded": self.env._(
                "This account was disconnected, usually because the WhatsApp Business app moved to "
                "another phone. Sending resumes when Meta reconnects it; otherwise connect it "
                "again in the app."
            ),
        }[cause]

    def _lift_reason(self, value):
        if value == "ACCOUNT_RECONNECTED":
            return self.env._("Meta reconnected this account.")
        return self.env._("Meta reinstated this account.")

    def _describe_account_update(self, account, item):
        words = partial(platform_word, self.env)
        parts = [words(item.event)]
        if tier := item.volume_tier:
            parts.append(
                account._describe_tier(
                    tier.market, tier.category, tier.month, tier.first, tier.last
                )
            )
        if item.violation_type:
            parts.append(self.env._("violation: %s", words(item.violation_type)))
        if item.ban_state:
            parts.append(f"{words(item.ban_state)} {item.ban_date}".strip())
        parts += [
            self.env._(
                "%(restriction)s until %(moment)s",
                restriction=words(restriction.type),
                moment=format_datetime(self.env, restriction.until),
            )
            if restriction.until
            else words(restriction.type)
            for restriction in item.restrictions
        ]
        return ", ".join(filter(None, parts))

    def _words(self, *values):
        """Meta's raw states in plain words, with commas."""
        return ", ".join(filter(None, (platform_word(self.env, value) for value in values)))

    def _apply_account_review(self, account, item):
        account.review_status = item.decision

    def _apply_account_alert(self, account, item):
        account._message_log(
            body=self.env._(
                "Alert from Meta: %s",
                ". ".join(
                    filter(None, [platform_word(self.env, item.alert_type), item.description])
                ),
            )
        )

    def _apply_platform_error(self, account, item):
        """A problem of Meta's or of the app, not of one message."""
        error = item.error
        account._message_log(
            body=self.env._(
                "Meta reports a problem: %(text)s (error %(code)s).",
                text=error.details or error.message or error.title,
                code=error.code,
            )
        )

    # === Templates ===

    def _apply_template_status(self, account, item):
        template = self._event_template(account, item)
        if not template:
            return self._wait_for_template(item)
        reason = " ".join(filter(None, [item.title, item.reason if item.reason != "NONE" else ""]))
        if not self._is_template_newer(template, item):
            self._set_template_state(template, item, reason)
        text = ". ".join(
            filter(
                None,
                [
                    platform_word(self.env, item.event),
                    reason,
                    item.description,
                    item.rejection.rstrip("."),
                ],
            )
        )
        template._message_log(body=self.env._("Meta reports on this template: %s", text))
        return None

    def _set_template_state(self, template, item, reason):
        if status := self._template_state(item):
            template._set_status(status, reason or False, item.rejection)
        elif item.event == "FLAGGED":
            template._apply_flag()

    def _template_state(self, item):
        """The state that a TemplateStatus sets, None if it sets none."""
        return TEMPLATE_EVENTS.get(item.event)

    def _apply_template_quality(self, account, item):
        template = self._event_template(account, item)
        if not template:
            return self._wait_for_template(item)
        if self._is_template_newer(template, item):
            return None
        qualities = dict(template._fields["quality_score"].selection)
        template.quality_score = item.new if item.new in qualities else "unknown"
        return None

    def _apply_template_category(self, account, item):
        template = self._event_template(account, item)
        if not template:
            return self._wait_for_template(item)
        categories = dict(template._fields["category"].selection)
        if item.previous and item.new in categories and not self._is_template_newer(template, item):
            template.category = item.new
        if item.correct in categories and item.correct != template.category:
            template._announce_category(item.correct, item.changes_at)
        return None

    def _apply_template_components(self, account, item):
        """The event has texts without their examples, so the template is read from Meta."""
        self._event_template(account, item).write({"is_content_announced": True})
        self._poll_soon()

    def _event_template(self, account, item):
        """By Meta's id, else by name and language, the latest of that name; perhaps none."""
        templates = account.with_context(active_test=False).template_ids.sorted("id")
        return (
            templates.filtered(lambda template: template.template_uid == item.template_uid)
            or (
                templates.filtered(
                    lambda template: (
                        (template.name, template.language) == (item.name, item.language)
                    )
                )[-1:]
            )
        )

    def _wait_for_template(self, item):
        self._poll_soon()
        return PendingSubject(
            "template",
            self.env._(
                "The template %(name)s (%(language)s) is not in the account.",
                name=item.name,
                language=item.language,
            ),
        )

    def _is_template_newer(self, template, item):
        """Whether the template was first read from Meta after this waiting event happened.

        The template's state then includes it or is newer. Meta is polled once more for certainty.
        """
        if not self.waiting_items or not item.at or item.at >= template.create_date:
            return False
        self._poll_soon()
        return True
