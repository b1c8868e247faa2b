"""Webhook: events of a number that others use too: the WhatsApp Business app, another sender.

Called by `_route_event` (waba_webhook_apply.py). Each handler returns None, a PendingSubject, or a
sentence why nothing was done.
"""

from odoo import models
from odoo.fields import Domain

from ...policy import numbers
from ..consent.waba_recipient import recipients_with_numbers
from .waba_webhook_event import PendingSubject


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    def _apply_echo(self, account, item):
        """What a colleague wrote in the app, or another sender on our number: each message once.

        It may be a message of ours whose result is not known yet; then it is looked at again.
        """
        sender = self._event_sender(account, item)
        if not sender:
            return self._wait_for_number(item)
        if self._is_known_message(account, item.wamid):
            return None
        if self._is_result_pending(sender, item):
            return PendingSubject(
                "message", self.env._("A message to this person is being sent: checked again.")
            )
        self.env["waba.message"]._receive_echo(sender, item, self._event_time(item))
        return None

    def _apply_handover(self, account, item):
        sender = self._event_sender(account, item)
        if not sender:
            return self._wait_for_number(item)
        person = self._find_stray_recipient(account, item)
        if not person:
            return self._wait_for_sync(account)
        conversation = self.env["waba.conversation"]._find_or_create_pair(sender, person)
        at = self._event_time(item)
        if item.is_ours:
            conversation._take_control(at)
        else:
            conversation._hold_standby(at)
        return None

    def _apply_history(self, account, item):
        """One chunk of old conversations, in any order; or that its owner does not share them."""
        sender = self._event_sender(account, item)
        if not sender:
            return self._wait_for_number(item)
        left = self.env["waba.conversation"]._import_history(sender, item.messages)
        sender._record_history(item)
        if item.messages and item.phase is None and len(left) == len(item.messages):
            return PendingSubject(
                "message", self.env._("A file came before the message that it belongs to.")
            )
        if not left:
            return None
        return self.env._(
            "%s earlier messages were not stored: Odoo does not know these people.", len(left)
        )

    def _apply_app_contact(self, account, item):
        """The name by which the phone knows a person; never consent, never a lead.

        Of people whom Odoo does not know only by the company's setting.
        """
        number = numbers.canonical_number(item.number)
        if not number or not account.portfolio_id:
            return self.env._("Not applied: %s is not a phone number.", item.number)
        people = self.env["waba.recipient"]
        person = people.search(
            recipients_with_numbers({number, item.number})
            & Domain("portfolio_id", "=", account.portfolio_id.id),
            limit=1,
        )
        if not person:
            if item.is_removed:
                return None
            if not account.company_id.waba_app_people:
                return self.env._("Not stored: a contact of the phone whom Odoo does not know.")
            person = people._find_or_create_by_number(account.portfolio_id, [number])[number]
        person._set_app_name("" if item.is_removed else item.name, self._event_time(item))
        return None

    # === Subjects ===

    def _event_sender(self, account, item):
        """The number of an event, archived or not, perhaps none."""
        return (
            self.env["waba.sender"]
            .with_context(active_test=False)
            .search(
                [
                    ("phone_number_uid", "=", item.phone_number_uid),
                    ("account_id", "=", account.id),
                ]
            )
        )

    def _wait_for_number(self, item):
        self._poll_soon()
        return PendingSubject(
            "number",
            self.env._("The number with the ID %s is not connected.", item.phone_number_uid),
        )

    def _is_known_message(self, account, wamid):
        reach = account._same_app_accounts().ids
        return bool(
            wamid
            and self.env["waba.message"].search_count(
                [("wamid", "=", wamid), ("account_id", "in", reach)], limit=1
            )
        )

    def _is_result_pending(self, sender, item):
        """Whether a message of ours to this person may be the one that is echoed."""
        if not item.number:
            return False
        person = self.env["waba.recipient"].search(
            recipients_with_numbers({item.number})
            & Domain("portfolio_id", "=", sender.portfolio_id.id)
        )
        return bool(
            person
            and self.env["waba.message"].search_count(
                [
                    ("recipient_id", "in", person.ids),
                    ("sender_id", "=", sender.id),
                    ("state", "in", ("reserved", "uncertain")),
                    ("wamid", "=", False),
                ],
                limit=1,
            )
        )
