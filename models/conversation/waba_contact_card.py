"""Conversation: contact cards that people send, and the number they share when asked for it.

Called by the conversation's screen; the cards come with `_format_bubble`.
"""

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..consent.consent_sql import PURPOSES
from ..consent.waba_reach import PERSON_MODELS

# Other leads and contacts with the number that a question names.
NAMED = 3


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @api.model
    def _format_cards(self, message, record):
        """The contact cards of a message; `numbers` are those that can be linked to the record."""
        cards = (message.details or {}).get("contacts", [])
        if message.direction != "in" or record is None:
            return cards
        known = self._number_of(record)
        return [
            {**card, "numbers": [one for one in self._card_numbers(message, card) if one != known]}
            for card in cards
        ]

    @api.model
    def _card_numbers(self, message, card):
        """[E.164 number] of a card."""
        company = message.company_id
        formatted = (
            company._phone_format(number=phone, country=company.country_id)
            for phone in card.get("phones", [])
        )
        return list(dict.fromkeys(filter(None, formatted)))

    def _join_number(self, number):
        """Make this person, known by user id alone, and the recipient of a number one person.

        Consent of both is kept; an opt-out of either applies.

        :return: the row that stays, the number's
        """
        self.ensure_one()
        known = self._find_or_create_by_number(self.portfolio_id, [number])[number]
        if known == self:
            return self
        out = [
            purpose
            for purpose in PURPOSES
            if self._has_standing_opt_out(purpose) or known._has_standing_opt_out(purpose)
        ]
        known._merge_recipient(self)
        for purpose in out:
            if not known._has_standing_opt_out(purpose):
                evidence = self.env._("Opted out before the number was linked.")
                known._set_consent(purpose, "opt_out", "merge", evidence)
        return known


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def conversation_link_number(
        self, conversation_id, message_id, number, shown=False, confirmed=False
    ):
        """Link a number from a contact card to the lead or contact of the conversation.

        A number that the person shared when asked is their own: from then on both are one person.
        Any other card may be somebody else's, so its number is only written on the record.

        :param number: E.164, one of the card's
        :param confirmed: the user has read the question
        :return: {'question': sentences}, or {'data'} of `conversation_data` once it is linked
        :raise UserError: there is no such card or no record, or the number is another person's
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        message, card = conversation._find_card(message_id, number)
        record = self._shown_record(conversation, shown)
        if record is None:
            raise UserError(
                self.env._("Not linked: there is no lead or contact. Create one first.")
            )
        record = record.with_env(self.env)
        record.check_access("write")
        self.env["waba.recipient"]._check_not_own([number])
        person, sender = message.recipient_id, message.sender_id
        is_own = bool(card.get("is_own")) and not person.number
        if is_own:
            conversation._check_free_number(person, number)
        if not confirmed:
            return {"question": conversation._link_question(record, number, is_own)}
        if is_own:
            person = person._join_number(number)
        record.phone = number
        record.sudo()._message_log(
            body=self.env._(
                "WhatsApp: %(user)s linked %(number)s, from a contact card.",
                user=self.env.user.name,
                number=number,
            ),
            author_id=self.env.user.partner_id.id,
        )
        kept = self.sudo()._find_or_create_pair(sender, person)
        return {"data": self.conversation_data(kept.id, shown or [record._name, record.id])}

    def _find_card(self, message_id, number):
        """(message, card) of this conversation with the number.

        :raise UserError: there is none
        """
        message = self.env["waba.message"].sudo().search(
            [
                ("id", "=", message_id),
                ("recipient_id", "=", self.recipient_id.id),
                ("sender_id", "=", self.sender_id.id),
                ("direction", "=", "in"),
            ]
        )  # fmt: skip
        for card in (message.details or {}).get("contacts", []):
            if number in message.recipient_id._card_numbers(message, card):
                return message, card
        raise UserError(self.env._("This message is no longer available."))

    def _check_free_number(self, person, number):
        """:raise UserError: WhatsApp knows another person by this number"""
        other = person.search(
            [
                ("portfolio_id", "=", person.portfolio_id.id),
                ("number", "=", number),
                ("user_uid", "not in", (False, person.user_uid)),
            ]
        )
        if other:
            raise UserError(
                self.env._(
                    "Not linked: %(number)s belongs to %(name)s on WhatsApp. Ask both which number "
                    "is theirs.",
                    number=number,
                    name=other.name or other._handle(),
                )
            )

    def _link_question(self, record, number, is_own):
        """What linking changes and who else has the number, as sentences."""
        record = record.sudo()
        sentences = [
            self.env._("Link %(number)s to %(name)s?", number=number, name=record.display_name)
        ]
        if record.phone and self.env["waba.recipient"]._number_of(record) != number:
            sentences.append(self.env._("It replaces %s.", record.phone))
        if others := self._records_with_number(number, record):
            names = ", ".join(one.display_name for one in others[:NAMED])
            sentences.append(
                self.env._(
                    "%(count)s more with this number: %(names)s.", count=len(others), names=names
                )
            )
        if is_own:
            sentences.append(self.env._("Consent and messages of both are joined."))
        return " ".join(sentences)

    def _records_with_number(self, number, record):
        """[lead or contact] that the user may read with this number, but `record`."""
        found = []
        for model in PERSON_MODELS:
            readable = self.sudo(False).env[model]
            domain = Domain("phone_sanitized", "=", number)
            if model == record._name:
                domain &= Domain("id", "!=", record.id)
            if readable.has_access("read"):
                found += readable.search(domain)
        return found
