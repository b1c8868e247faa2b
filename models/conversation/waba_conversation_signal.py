"""Conversation: what WhatsApp is told outside of messages: read, typing, blocked.

Called by the conversation's screen. These calls are made in the user's request, once and with a
short timeout: nothing is lost if one fails.
"""

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...cloud_api import CloudApiError, payloads

_logger = logging.getLogger(__name__)

TIMEOUT = (2, 4)


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    is_blocked = fields.Boolean(related="recipient_id.is_blocked", related_sudo=True)

    # === Read and typing ===

    @api.model
    def conversation_signal(self, conversation_id, is_typing=False, shown=False):
        """Show the person that their messages were read, or that the user is typing.

        As the company has set it (`waba_presence`); WhatsApp shows typing with the read receipt.

        :return: whether WhatsApp accepted it
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        presence = conversation.sender_id.company_id.waba_presence
        if presence == "none" or (is_typing and presence != "typing"):
            return False
        last = conversation._last_inbound()
        if not last or conversation.window_state == "closed":
            return False
        account = conversation.sender_id.account_id
        if account.state != "connected" or account._foreign_database_reason():
            return False
        try:
            with account._client(timeout=TIMEOUT) as client:
                return client.report_read(
                    conversation.sender_id.phone_number_uid,
                    payloads.read_report(last.wamid, bool(is_typing)),
                )
        except (CloudApiError, UserError) as error:
            _logger.info("waba.conversation %s: not reported as read: %s", conversation.id, error)
            return False

    def _last_inbound(self):
        """The last message that the person wrote here, or an empty recordset."""
        return self.env["waba.message"].search(
            [
                ("recipient_id", "=", self.recipient_id.id),
                ("sender_id", "=", self.sender_id.id),
                ("direction", "=", "in"),
                ("kind", "!=", "reaction"),
                ("wamid", "!=", False),
            ],
            order="id desc",
            limit=1,
        )

    # === Block ===

    @api.model
    def conversation_block(self, conversation_id, shown=False):
        """Block the person at WhatsApp, and close the conversation.

        :return: `_state_data`
        :raise UserError: WhatsApp did not block them
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        if conversation.window_state == "closed":
            raise UserError(
                self.env._("WhatsApp only blocks people who wrote in the last 24 hours.")
            )
        conversation._change_block(conversation.sender_id, True)
        conversation._close()
        return conversation._state_data()

    @api.model
    def conversation_unblock(self, conversation_id, shown=False):
        """Unblock the person on every number of the company that they wrote to.

        :return: `_state_data`
        :raise UserError: WhatsApp did not unblock them
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        theirs = conversation.search(
            [
                ("recipient_id", "=", conversation.recipient_id.id),
                ("company_id", "=", conversation.company_id.id),
            ]
        )
        conversation._change_block(theirs.sender_id, False)
        conversation._notify_viewers()
        return conversation._state_data()

    def _change_block(self, senders, is_blocked):
        person = self.recipient_id
        body = payloads.block_list(person.number or "", person.user_uid or "")
        for sender in senders:
            account = sender.account_id
            if why := account._foreign_database_reason():
                raise UserError(why)
            try:
                with account._client(timeout=TIMEOUT) as client:
                    change = client.block_user if is_blocked else client.unblock_user
                    change(sender.phone_number_uid, body)
            except CloudApiError as error:
                raise UserError(
                    self.env._("WhatsApp did not change the block: %s", error)
                ) from error
        person.is_blocked = is_blocked
        self._log_block(is_blocked)

    def _log_block(self, is_blocked):
        record = self._get_record()
        if record is not None:
            name = self.env.user.name
            record._message_log(
                body=self.env._("Blocked on WhatsApp by %s.", name)
                if is_blocked
                else self.env._("Unblocked on WhatsApp by %s.", name)
            )
