"""Conversation: how salespeople are notified of inbound messages: at once, or gathered.

Called by `_receive_inbound` (waba_message_inbound.py), by waba_conversation_state.py and by the job
ir_cron_notices.
"""

from datetime import timedelta

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.labels import with_language

# The first reply to a campaign, and the first message of a conversation, is notified at once; the
# next ones within this time, together at its end.
GATHER_PERIOD = timedelta(hours=1)

LISTED = 10


class WabaMessage(models.Model):
    _inherit = "waba.message"

    # Notification of the salesperson
    notified_at = fields.Datetime("Notified on", readonly=True)
    notify_at = fields.Datetime("Notify on", readonly=True)

    _notified_idx = models.Index("(user_id, notified_at) WHERE notified_at IS NOT NULL")
    _notify_idx = models.Index("(notify_at) WHERE notify_at IS NOT NULL")

    def _post_inbound_note(self, conversation, is_new=False):
        """Post a note in the chatter; notify the salesperson as they, or the company, chose.

        :param conversation: the waba.conversation it belongs to, perhaps empty
        :param is_new: the record was created for this message
        """
        self.ensure_one()
        record = self._get_record()
        if record is None:
            return
        user = self.user_id
        channel = user._waba_notification_channel(self.company_id)
        if not user or self.kind == "reaction":
            channel = "none"
        is_notified = channel == "inbox" and self._is_notified_at_once(conversation)
        self._post_record_note(record, user if is_notified else user.browse())
        if channel == "activity":
            self._schedule_reply_activity(record)
        if is_new and not user:
            record._message_log(
                body=self.env._("Created from a WhatsApp message of an unknown contact.")
            )

    def _post_record_note(self, record, users):
        """Post the note; `users` get it in their Odoo inbox."""
        facts = record._waba_person_facts()
        sentence = self.env._(
            "WhatsApp from %(who)s to %(number)s: %(text)s",
            who=self.person_name or self.number or "",
            number=self.sender_id.display_phone_number or "",
            text=self.text,
        )
        details = self._details_html()
        self.note_id = record.message_post(
            body=Markup("%s<br/>%s") % (sentence, details) if details else sentence,
            author_id=facts["partner"].id or self.env.ref("base.partner_root").id,
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            partner_ids=users.partner_id.ids,
        )

    # === Gathering ===

    def _is_notified_at_once(self, conversation):
        """Whether its user is notified now; if not, it is scheduled to be gathered."""
        now = fields.Datetime.now()
        last = self._last_notified(conversation, now - GATHER_PERIOD)
        if not last:
            self.notified_at = now
            return True
        self.notify_at = last.notified_at + GATHER_PERIOD
        self._notice_cron()._trigger(at=self.notify_at)
        return False

    def _last_notified(self, conversation, since):
        """The last message of the same group that the user was notified of, since a time.

        A group is the replies to one campaign, else the unread messages of one conversation.
        """
        notified = Domain("user_id", "=", self.user_id.id) & Domain("notified_at", ">", since)
        campaign = self.reply_to_id.campaign_id
        if campaign:
            group = Domain("reply_to_id.campaign_id", "=", campaign.id)
        elif conversation.unread_count > 1:
            group = Domain("recipient_id", "=", self.recipient_id.id) & Domain(
                "sender_id", "=", self.sender_id.id
            )
        else:
            return self.browse()
        return self.search(notified & group, order="notified_at desc", limit=1)

    @api.model
    def _notice_cron(self):
        return self.env.ref("waba_campaign.ir_cron_notices").sudo()

    @api.model
    def _cron_notify_gathered(self):
        """One notification per user and campaign of the messages whose time has come."""
        due = self.search([("notify_at", "<=", fields.Datetime.now())], order="id")
        unread = due.filtered(lambda message: message._find_conversation().unread_count)
        for (user, campaign), messages in unread.grouped(
            lambda message: (message.user_id, message.reply_to_id.campaign_id)
        ).items():
            messages._notify_gathered(user, campaign)
        unread.notified_at = fields.Datetime.now()
        due.notify_at = False

    def _notify_gathered(self, user, campaign):
        messages = with_language(user, self)
        count = len(messages)
        subject = (
            messages.env._("Replies to %(name)s: %(count)s more", name=campaign.name, count=count)
            if campaign
            else messages.env._("WhatsApp messages: %s more", count)
        )
        lines = [
            _linked_line(message._get_record(), message.person_name or message.number or "",
                         message._summary())
            for message in messages[:LISTED]
        ]  # fmt: skip
        if count > LISTED:
            lines.append(
                Markup('<li><a href="/odoo/whatsapp-conversations">%s</a></li>')
                % messages.env._("%s more", count - LISTED)
            )
        _notify_user(user, subject, lines)


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    def _notify_ended_snoozes(self):
        """Notify each conversation's salesperson, as they chose, that it is back."""
        for user, conversations in self.grouped("responsible_id").items():
            ours = with_language(user, conversations)
            for conversation in ours if user else ():
                channel = user._waba_notification_channel(conversation.sender_id.company_id)
                record = conversation._get_record()
                if channel == "activity" and record is not None:
                    conversation.last_message_id._schedule_reply_activity(record, user)
                elif channel != "none":
                    line = _linked_line(record, conversation.display_name, conversation.last_text)
                    _notify_user(user, ours.env._("Snooze ended"), [line])


def _linked_line(record, name, text):
    """A line with the name, linked to its record if there is one, and a text."""
    if record is not None:
        name = Markup('<a href="/mail/view?model=%s&amp;res_id=%s">%s</a>') % (
            record._name, record.id, name,
        )  # fmt: skip
    return Markup("<li>%s: %s</li>") % (name, text or "")


def _notify_user(user, subject, lines):
    """Notify a user in their inbox or by e-mail, as their Odoo preference says."""
    env = user.env
    env["mail.thread"].sudo().message_notify(
        partner_ids=user.partner_id.ids,
        author_id=env.ref("base.partner_root").id,
        subject=subject,
        body=Markup("<p>%s</p><ul>%s</ul>") % (subject, Markup("").join(lines)),
    )
