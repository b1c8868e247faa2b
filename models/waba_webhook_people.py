from odoo import models
from odoo.exceptions import UserError

from ..cloud_api import InboundMessage
from ..policy import intent, numbers, second_sender
from .waba_message import REPORTED_KINDS
from .waba_webhook_wait import PendingSubject

PREFERENCES = {"stop": "opted_out", "resume": "opted_in"}


class WabaWebhookEvent(models.Model):
    """What people write to us, and what they want.

    An opt-out request counts from the moment it comes in, by the account alone: whether its number
    is known already, whoever answers the conversation, and in a group too.
    """

    _inherit = "waba.webhook.event"

    def _apply_inbound(self, account, item):
        """Someone wrote: open the window, show it on their record, apply an opt-out request."""
        if not (item.number or item.user_uid or item.previous_user_uid):
            return self.env._("The message does not say who wrote it.")
        if why := self._not_conversation_reason(item):
            self._apply_stray_opt_out(account, item)
            return why
        messages = self.env["waba.message"]
        reach = account._same_app_accounts().ids
        if item.wamid and messages.search_count(
            [("wamid", "=", item.wamid), ("account_id", "in", reach)], limit=1
        ):
            return None
        # An archived number sends nothing, but what people write to it still counts.
        senders = self.env["waba.sender"].with_context(active_test=False)
        sender = senders.search(
            [("phone_number_uid", "=", item.phone_number_uid), ("account_id", "=", account.id)]
        )
        if not sender:
            self._poll_soon()
            self._apply_stray_opt_out(account, item)
            return PendingSubject(
                "number",
                self.env._("The number with the ID %s is not known here.", item.phone_number_uid),
            )
        self.env["waba.message"]._receive_inbound(sender, item, self._event_time(item))
        return None

    def _event_time(self, item):
        """When it happened; nobody can have said something after it came in."""
        return min(item.at or self.received_at, self.received_at + self._clock_skew())

    def _not_conversation_reason(self, item):
        """Why a message is none of a conversation between one person and us, or None.

        It opens no service window, makes no lead and is answered by no rule. Only a request to
        stop is heeded: who asks for that means all we send, wherever it is said, and who is left
        alone by mistake can ask again. A wish to go on is heard only where it was said to us.
        """
        if item.group_uid:
            return self.env._(
                "A message in a group: not kept; of those only a request to stop counts."
            )
        if item.field == "standby":
            return self.env._(
                "Another sender on this number answers them: not kept; of those only a request to "
                "stop counts."
            )
        return None

    def _apply_stray_opt_out(self, account, item):
        """An opt-out request in a message that is not kept, or not yet."""
        words = self.env["waba.consent.word"]._company_keywords(account.company_id.id)
        if item.kind in REPORTED_KINDS or not intent.opt_out_intent(
            item.text, item.payload or None, words
        ):
            return
        person = self._find_stray_recipient(account, item)
        if person:
            person._set_marketing_state(
                "opted_out",
                "button" if item.payload else "reply",
                self.env._('They wrote "%s".', item.text),
                at=self._event_time(item),
                company=account.company_id,
            )

    def _find_stray_recipient(self, account, item):
        """The person an event is about, perhaps none.

        Of an account that was never read, and has no portfolio yet, by its company's others.
        """
        people = self.env["waba.recipient"]
        if not (item.number or item.user_uid):
            return people
        if account.portfolio_id:
            return people._find_or_create_person(account.portfolio_id, item.number, item.user_uid)
        try:
            number = numbers.canonical_number(item.number)
            return people._company_recipient(number, account.company_id) if number else people
        except UserError:
            return people

    def _own_number_reason(self, item):
        """Why nothing follows from an event about one of our own numbers, or None.

        Echoes, tests from phone to phone and odd bodies name them; nobody is a person with our
        number, in whichever account of this database it is and however it is written.
        """
        named = [getattr(item, "number", "")]
        if isinstance(item, InboundMessage):
            named.append(item.new_number)
        ours = self.env["waba.sender"]._filter_own_numbers(named)
        if not ours:
            return None
        return self.env._("%s is a number of ours, and no person's.", ", ".join(sorted(ours)))

    def _apply_preference(self, account, item):
        """WhatsApp's own control: stop or resume promotions."""
        target = PREFERENCES.get(item.value)
        if not target or item.category not in ("marketing_messages", ""):
            return self.env._(
                "The preference %(category)s: %(value)s is not one that we follow.",
                category=item.category,
                value=item.value,
            )
        if not (item.number or item.user_uid):
            return self.env._("The preference does not say whose it is.")
        company = account.company_id
        if target == "opted_in" and not account.portfolio_id:
            # A yes is given to this account alone.
            return self._wait_for_sync(account)
        person = self._find_stray_recipient(account, item)
        if not person:
            return self._wait_for_sync(account)
        at = self._event_time(item)
        is_late = person._has_newer_consent(at, company=company)
        person._set_marketing_state(
            target, "whatsapp", item.detail or item.value, at=at, company=company
        )
        return self.env._("The person said something newer before.") if is_late else None

    def _wait_for_sync(self, account):
        return PendingSubject(
            "account", self.env._("The account %s has not been read from Meta yet.", account.name)
        )

    def _record_stray_status(self, item, stray):
        """A status that changed none of our messages.

        Where Meta refused a promotion because the person wants none, that counts whoever sent it.

        :param item: cloud_api.MessageStatus
        :param stray: as `waba.message._apply_statuses` tells it
        :return: Wait, or why it was not applied
        """
        self.ensure_one()
        if stray == "foreign":
            return self.env._(
                "The message %s is of an account that the app of this address does not speak for.",
                item.wamid or item.opaque,
            )
        is_refused = item.error and item.error.failure_type == "opted_out"
        if is_refused and not item.is_group and not self._own_number_reason(item):
            account = self._event_account(item)
            person = account and self._find_stray_recipient(account, item)
            if person:
                evidence = item.error.details or item.error.message or item.error.title
                account = self._event_account(item)
                person._set_marketing_state(
                    "opted_out", "refused", evidence, at=self._event_time(item),
                    company=account.company_id,
                )  # fmt: skip
        return PendingSubject(
            "message" if second_sender.is_tag(item.opaque) else "untagged",
            self.env._("The message %s is not known here.", item.wamid or item.opaque),
        )
