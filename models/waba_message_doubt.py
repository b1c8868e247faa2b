from odoo import fields, models

from ..policy import intent
from .waba_recipient_doubt import MAY_OPT_OUT

ACTIVITY = "waba_campaign.activity_type_may_opt_out"
# Kinds whose text a person chose or wrote. Not a place's address, a shared contact's name, a
# reaction, or what WhatsApp reports.
READ_KINDS = frozenset(
    ("text", "button", "interactive", "image", "video", "audio", "document", "sticker", "order",
     "edit", "template", "unknown", "unsupported")
)  # fmt: skip


class WabaMessage(models.Model):
    """The message that is in doubt, and those that wait because of it."""

    _inherit = "waba.message"

    wish = fields.Selection(
        [("opt_out", "Opt-out"), (MAY_OPT_OUT, "May be an opt-out"), ("opt_in", "Opt-in")],
        "Read as",
        readonly=True,
    )

    def _ask_whether_they_opt_out(self):
        """Whoever is on it finds it among their activities: one per record, until it is settled."""
        self.ensure_one()
        record = self._get_record()
        user = self.user_id or self._conversation().responsible_id
        user = user or self.company_id.waba_lead_user_id
        if record is None or not user or self._open_questions(record):
            return
        record.activity_schedule(
            ACTIVITY,
            user_id=user.id,
            summary=self.env._("May want to opt out: confirm"),
            note=self.env._(
                "They wrote “%s”. Promotions to them wait until you choose “Opt out” or “Keep "
                "subscribed” on the WhatsApp tab.",
                self._summary(),
            ),
        )

    def _conversation(self):
        if not self:
            return self.env["waba.conversation"]
        return self.env["waba.conversation"].search(
            [
                ("sender_id", "=", self.sender_id.id),
                ("recipient_id", "=", self.recipient_id.id),
            ],
            limit=1,
        )

    def _open_questions(self, record):
        activity_type = self.env.ref(ACTIVITY)
        return record.sudo().activity_ids.filtered(
            lambda activity: activity.activity_type_id == activity_type
        )

    def _close_question(self, feedback):
        for message in self:
            record = message._get_record()
            if record is not None:
                message._open_questions(record).action_feedback(feedback=feedback)

    def _wait_for_answer(self):
        """Not before somebody has read what the person wrote: no time brings it back by itself."""
        self.write({"retry_at": False, "wait_reason": MAY_OPT_OUT})

    def _go_on_after_doubt(self):
        now = fields.Datetime.now()
        for row in self:
            row.write(
                {
                    "retry_at": max(
                        filter(
                            None, (now, row.not_before_at, row.recipient_id.marketing_held_until)
                        )
                    ),
                    "wait_reason": False,
                }
            )

    def _read_wish(self):
        """What the person asks for, as a key of `wish`, or False. Only of what they wrote."""
        self.ensure_one()
        if self.kind not in READ_KINDS:
            return False
        words = self.env["waba.consent.word"]._words_of(self.company_id.id)
        said = self._own_text(), self.payload or None, words
        strength = intent.opt_out_strength(*said)
        if strength == intent.STRONG:
            return "opt_out"
        if strength == intent.AMBIGUOUS:
            return MAY_OPT_OUT
        return "opt_in" if intent.opt_in_intent(*said) else False
