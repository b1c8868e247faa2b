from odoo import models
from odoo.exceptions import UserError

from ..cloud_api import InboundMessage
from ..policy import intent, numbers, second_sender
from .hooks import hook
from .waba_message import REPORTED_KINDS
from .waba_webhook_wait import Wait

PREFERENCES = {"stop": "opted_out", "resume": "opted_in"}


class WabaWebhookEvent(models.Model):
    """What people write to us, and what they want.

    A request to stop counts from the moment it comes in, by the account alone: whether its number
    is known already, whoever answers the conversation, and in a group too.
    """

    _inherit = "waba.webhook.event"

    def _apply_inbound(self, account, item):
        """Someone wrote: open the window, show it on their record, honour a wish to stop."""
        if not (item.number or item.user_uid or item.previous_user_uid):
            return self.env._("The message does not say who wrote it.")
        if why := self._why_not_to_us(item):
            self._heed_stop(account, item)
            return why
        messages = self.env["waba.message"]
        reach = account._of_same_app().ids
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
            self._heed_stop(account, item)
            return Wait(
                "number",
                self.env._("The number with the ID %s is not known here.", item.phone_number_uid),
            )
        self._on_person_wrote(sender, item, self._moment_of(item))
        return None

    @hook
    def _on_person_wrote(self, sender, item, at):
        """After a message to `sender`, known here and not received before, was read from this body.

        :param sender: waba.sender
        :param item: cloud_api.InboundMessage
        :param at: naive UTC datetime when it was written
        """

    def _moment_of(self, item):
        """When it happened; nobody can have said something after it came in."""
        return min(item.at or self.received_at, self.received_at + self._clock_skew())

    def _why_not_to_us(self, item):
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

    def _heed_stop(self, account, item):
        """A request to stop in a message that is not kept, or not yet."""
        words = self.env["waba.consent.word"]._words_of(account.company_id.id)
        if item.kind in REPORTED_KINDS or not intent.opt_out_intent(
            item.text, item.payload or None, words
        ):
            return
        person = self._person_to_heed(account, item)
        if person:
            person._set_marketing_state(
                "opted_out",
                "button" if item.payload else "reply",
                self.env._('They wrote "%s".', item.text),
                at=self._moment_of(item),
                company=account.company_id,
            )

    def _person_to_heed(self, account, item):
        """The person an event is about, perhaps none.

        Of an account that was never read, and has no portfolio yet, by its company's others.
        """
        people = self.env["waba.recipient"]
        if not (item.number or item.user_uid):
            return people
        if account.portfolio_id:
            return people._find_or_create_person(
                account.portfolio_id, item.number, item.user_uid
            )
        try:
            number = numbers.e164_of(item.number)
            return people._of_company(number, account.company_id) if number else people
        except UserError:
            return people

    def _names_own_number(self, item):
        """Why nothing follows from an event about one of our own numbers, or None.

        Echoes, tests from phone to phone and odd bodies name them; nobody is a person with our
        number, in whichever account of this database it is and however it is written.
        """
        named = [getattr(item, "number", "")]
        if isinstance(item, InboundMessage):
            named.append(item.new_number)
        ours = self.env["waba.sender"]._own_among(named)
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
            return self._not_read_yet(account)
        person = self._person_to_heed(account, item)
        if not person:
            return self._not_read_yet(account)
        at = self._moment_of(item)
        is_late = person._has_newer_consent(at, company=company)
        person._set_marketing_state(
            target, "whatsapp", item.detail or item.value, at=at, company=company
        )
        return self.env._("The person said something newer before.") if is_late else None

    def _not_read_yet(self, account):
        return Wait(
            "account", self.env._("The account %s has not been read from Meta yet.", account.name)
        )

    def _note_stray_status(self, item, stray):
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
        if is_refused and not item.is_group and not self._names_own_number(item):
            account = self._account_of(item)
            person = account and self._person_to_heed(account, item)
            if person:
                evidence = item.error.details or item.error.message or item.error.title
                account = self._account_of(item)
                person._set_marketing_state(
                    "opted_out", "refused", evidence, at=self._moment_of(item),
                    company=account.company_id,
                )  # fmt: skip
        return Wait(
            "message" if second_sender.is_tag(item.opaque) else "untagged",
            self.env._("The message %s is not known here.", item.wamid or item.opaque),
        )
