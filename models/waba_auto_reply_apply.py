from datetime import timedelta

from odoo import fields, models

from ..policy import auto_reply
from .waba_message import POSSIBLE_OPT_OUT

DAY = timedelta(hours=24)


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    auto_replied_at = fields.Datetime(
        "Answered automatically at", readonly=True,
        help="The last automatic answer that no colleague's has followed.",
    )  # fmt: skip
    handed_over_at = fields.Datetime(
        "Handed over at", readonly=True,
        help="Since then no automatic answer, until a colleague has answered or some hours passed.",
    )  # fmt: skip

    def _thread_state(self, answers):
        """As policy.auto_reply reads it.

        :param answers: the automatic answers to this person, newest first
        """
        since = fields.Datetime.now() - DAY
        return auto_reply.ThreadState(
            window_expires_at=self.window_expires_at or None,
            answered_at=self.auto_replied_at or None,
            handed_over_at=self.handed_over_at or None,
            hand_over_for=timedelta(hours=self.sender_id.company_id.waba_hand_over_hours or 24),
            count_today=len(answers.filtered(lambda m: m.create_date >= since)),
            last_answer=answers[:1].text or "",
        )

    def _assign_to_person(self, rule, message):
        """From now on a colleague answers: theirs, planned, and named on the record."""
        user = rule.hand_over_user_id or self.responsible_id or message.user_id
        user = user or self.sender_id.company_id.waba_lead_user_id
        self.handed_over_at = fields.Datetime.now()
        if user:
            self.responsible_id = user
            if not message.user_id:
                message.user_id = user
        record = message._get_record()
        if record is not None and user:
            message._schedule_reply_activity(record)
        self._notify_viewers()

    def _restart_automatic_replies(self):
        """A colleague answered: machines begin anew."""
        self.filtered(lambda c: c.auto_replied_at or c.handed_over_at).write(
            {"auto_replied_at": False, "handed_over_at": False}
        )


class WabaMessage(models.Model):
    """Whether a machine answers what just came in."""

    _inherit = "waba.message"

    auto_reply_id = fields.Many2one(
        "waba.auto.reply", "Automatic reply", readonly=True, ondelete="set null"
    )
    _auto_reply_idx = models.Index("(recipient_id, id) WHERE auto_reply_id IS NOT NULL")
    _auto_reply_rule_idx = models.Index("(auto_reply_id) WHERE auto_reply_id IS NOT NULL")

    def _answer_automatically(self, conversation, at):
        """Decide with policy.auto_reply; queue the answer, ask for a person.

        :param conversation: the waba.conversation it belongs to
        :param at: naive UTC datetime when it was written
        """
        self.ensure_one()
        rules = self.env["waba.auto.reply"]._sender_rules(self.sender_id)
        if not rules:
            return
        answers = self._automatic_answers()
        rested = {}
        for answer in answers:
            rested.setdefault(answer.auto_reply_id.id, answer.create_date)
        decision = auto_reply.decide_reply(
            auto_reply.InboundText(
                kind=self.kind,
                text=self._written_text(),
                payload=self.payload or "",
                at=at,
                wants_stop=self.wish == "opt_out",
                may_want_stop=self.wish == POSSIBLE_OPT_OUT,
            ),
            conversation._thread_state(answers),
            rules._policy_rules(at, rested),
            fields.Datetime.now(),
        )
        if decision.rule:
            self._send_automatic(decision.rule, conversation)
        if decision.hands_over:
            conversation._assign_to_person(answers[:1].auto_reply_id, self)

    def _automatic_answers(self):
        """Automatic answers to this person that went or may still go, newest first."""
        return self.search(
            [
                ("recipient_id", "in", self.recipient_id._same_person().ids),
                ("company_id", "=", self.company_id.id),
                ("auto_reply_id", "!=", False),
                ("state", "not in", ("skipped", "cancelled", "failed")),
            ],
            order="id desc",
            limit=50,
        )

    def _send_automatic(self, rule, conversation):
        record = self._get_record()
        target, values = conversation._target_values(record)
        content = (
            {"template": rule.template_id}
            if rule.answer == "template"
            else {"text": rule.text.strip()}
        )
        row = self._queue_direct(
            self.sender_id,
            target,
            origin="reply",
            user=self.user_id or None,
            reader=rule._reading_user(),
            origin_key=f"reply/{self.id}",
            values={**values, "auto_reply_id": rule.id},
            **content,
        )
        if row.state == "queued":
            conversation.auto_replied_at = fields.Datetime.now()
            conversation.handed_over_at = False
