from markupsafe import Markup
from odoo import models

REPLY_ACTIVITY = "waba_campaign.activity_type_reply"


class WabaMessage(models.Model):
    """An inbound message on its lead or partner: a note in the chatter, and who is told how."""

    _inherit = "waba.message"

    def _post_inbound_note(self, is_new=False):
        """A note in the chatter; the salesperson is told as they, or the company, wish.

        :param is_new: the record was made for this message
        """
        self.ensure_one()
        record = self._get_record()
        if record is None:
            return
        channel = self.user_id._waba_notification_channel(self.company_id)
        if self.kind == "reaction":
            channel = "none"
        self._post_record_note(
            record, self.user_id if channel == "inbox" else self.user_id.browse()
        )
        if channel == "activity" and self.user_id:
            self._schedule_reply_activity(record)
        if is_new and not self.user_id:
            record._message_log(
                body=self.env._("Made from a message of somebody we did not know, on WhatsApp.")
            )

    def _post_record_note(self, record, users):
        """A note; `users` find it in their inbox."""
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

    def _schedule_reply_activity(self, record):
        """One open activity per record and salesperson, whatever the number of messages."""
        activity_type = self.env.ref(REPLY_ACTIVITY)
        open_ones = self.env["mail.activity"].search_count(
            [
                ("res_model", "=", record._name),
                ("res_id", "=", record.id),
                ("activity_type_id", "=", activity_type.id),
                ("user_id", "=", self.user_id.id),
            ],
            limit=1,
        )
        if not open_ones:
            record.activity_schedule(
                REPLY_ACTIVITY,
                user_id=self.user_id.id,
                summary=self.env._("Answer on WhatsApp"),
                note=Markup("%s") % self._summary(),
            )

    def _close_reply_activities(self, records):
        """Somebody answered: what was planned for it is done."""
        for record in records:
            record.sudo().activity_ids.filtered(
                lambda activity: activity.activity_type_id == self.env.ref(REPLY_ACTIVITY)
            ).action_feedback(feedback=self.env._("Answered on WhatsApp."))
