from odoo import fields, models

from ..policy import intent
from .waba_recipient_doubt import POSSIBLE_OPT_OUT

ACTIVITY = "waba_campaign.activity_type_may_opt_out"
# Kinds whose text a person chose or wrote. Not a place's address, a shared contact's name, a
# reaction, or what WhatsApp reports.
CLASSIFIED_KINDS = frozenset(
    ("text", "button", "interactive", "image", "video", "audio", "document", "sticker", "order",
     "edit", "template", "unknown", "unsupported")
)  # fmt: skip


class WabaMessage(models.Model):
    """The message that is in doubt, and those that wait because of it."""

    _inherit = "waba.message"

    wish = fields.Selection(
        [("opt_out", "Opt-out"), (POSSIBLE_OPT_OUT, "May be an opt-out"), ("opt_in", "Opt-in")],
        "Read as",
        readonly=True,
    )

    def _create_review_activity(self):
        """Whoever is on it finds it among their activities: one per record, until it is settled."""
        self.ensure_one()
        record = self._get_record()
        user = self.user_id or self._find_conversation().responsible_id
        user = user or self.company_id.waba_lead_user_id
        if record is None or not user or self._open_review_activities(record):
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

    def _find_conversation(self):
        if not self:
            return self.env["waba.conversation"]
        return self.env["waba.conversation"].search(
            [
                ("sender_id", "=", self.sender_id.id),
                ("recipient_id", "=", self.recipient_id.id),
            ],
            limit=1,
        )

    def _open_review_activities(self, record):
        activity_type = self.env.ref(ACTIVITY)
        return record.sudo().activity_ids.filtered(
            lambda activity: activity.activity_type_id == activity_type
        )

    def _close_review_activity(self, feedback):
        for message in self:
            record = message._get_record()
            if record is not None:
                message._open_review_activities(record).action_feedback(feedback=feedback)

    def _hold_for_review(self):
        """Not before somebody has read what the person wrote: no time brings it back by itself."""
        self.write({"retry_at": False, "wait_reason": POSSIBLE_OPT_OUT})

    def _resume_reviewed(self):
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

    def _detect_preference(self):
        """What the person asks for, as a key of `wish`, or False. Only of what they wrote."""
        self.ensure_one()
        if self.kind not in CLASSIFIED_KINDS:
            return False
        words = self.env["waba.consent.word"]._company_keywords(self.company_id.id)
        said = self._written_text(), self.payload or None, words
        strength = intent.opt_out_strength(*said)
        if strength == intent.STRONG:
            return "opt_out"
        if strength == intent.AMBIGUOUS:
            return POSSIBLE_OPT_OUT
        return "opt_in" if intent.opt_in_intent(*said) else False
