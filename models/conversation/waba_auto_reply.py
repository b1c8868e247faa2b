"""Conversation: the rules of automatic replies, and when a user takes over.

Called by `_answer_automatically` (waba_message_inbound.py); rules are edited on their own form.
"""

from datetime import timedelta, timezone

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import ValidationError

from ...cloud_api.payloads import TEXT_LENGTH
from ...policy import auto_reply
from ..tools.labels import list_action

TRIGGERS = [
    ("out_of_hours", "Message outside working hours"),
    ("keyword", "Keyword in a message"),
    ("button", "Button pressed"),
    ("stop", "Opt-out"),
]

DAY = timedelta(hours=24)


class WabaAutoReply(models.Model):
    """A rule for an automatic reply: its trigger, its answer, and the user who takes over.

    Rules are tried by `sequence`; the first that matches answers, once. What the recipient writes
    next is for a user (policy.auto_reply decides). Without rules there are no automatic replies.
    """

    _name = "waba.auto.reply"
    _description = "WhatsApp Automatic Reply"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    sender_ids = fields.Many2many(
        "waba.sender", string="Numbers", check_company=True,
        help="Empty: all numbers.",
    )  # fmt: skip
    # Trigger
    trigger = fields.Selection(TRIGGERS, required=True, default="out_of_hours")
    calendar_id = fields.Many2one(
        "resource.calendar",
        "Working hours",
        check_company=True,
        help="Empty: the company's working hours.",
    )
    words = fields.Text(
        "Keywords",
        help="One keyword or button per line; case, accents and punctuation are ignored.",
    )
    is_whole = fields.Boolean(
        "Exact match", default=True,
        help="Off: the keyword may appear anywhere in the message.",
    )  # fmt: skip
    # Answer
    answer = fields.Selection(
        [("text", "Text"), ("template", "Template")], "Reply", required=True, default="text"
    )
    text = fields.Text(tracking=True)
    template_id = fields.Many2one(
        "waba.template", domain="[('status', '=', 'approved')]", check_company=True
    )
    cooldown_hours = fields.Integer(
        "Repeat after", default=24, help="Hours before the same person gets this reply again."
    )
    # Hand-over
    hand_over_user_id = fields.Many2one(
        "res.users",
        "Hand over to",
        domain="[('share', '=', False)]",
        help="Answers the person's next message.",
    )
    reply_count = fields.Integer("Replies (30 days)", compute="_compute_reply_count")

    _cooldown_positive = models.Constraint(
        "CHECK(cooldown_hours >= 0)", "Repeat after must be 0 hours or more."
    )

    def _compute_reply_count(self):
        since = fields.Datetime.now() - timedelta(days=30)
        groups = self.env["waba.message"].sudo()._read_group(
            [("auto_reply_id", "in", self.ids), ("create_date", ">=", since)],
            ["auto_reply_id"],
            ["__count"],
        )  # fmt: skip
        counts = {rule.id: count for rule, count in groups}
        for rule in self:
            rule.reply_count = counts.get(rule.id, 0)

    @api.constrains("answer", "text", "template_id", "trigger", "words")
    def _check_complete(self):
        for rule in self:
            if why := rule._incomplete_reason():
                raise ValidationError(why)

    def action_view_replies(self):
        self.ensure_one()
        return list_action(self.env, "waba_message_action", [("auto_reply_id", "=", self.id)])

    def _incomplete_reason(self):
        """Reason why the rule cannot work, as a sentence, or False."""
        text = (self.text or "").strip()
        if self.answer == "text" and not text:
            return self.env._("%s has no text. Enter one.", self.name)
        if self.answer == "text" and len(text) > TEXT_LENGTH:
            return self.env._(
                "The text of %(rule)s is too long: WhatsApp accepts %(limit)s characters.",
                rule=self.name,
                limit=TEXT_LENGTH,
            )
        if self.answer == "template" and not self.template_id:
            return self.env._("%s has no template. Choose one.", self.name)
        if self.trigger in ("keyword", "button") and not self._keyword_list():
            return self.env._("%s has no keywords. Enter one per line.", self.name)
        is_promotion = self.answer == "template" and self.template_id.category == "marketing"
        if self.trigger == "stop" and is_promotion:
            return self.env._(
                "%s would answer an opt-out with a promotion. Choose a text.",
                self.name,
            )
        return False

    def _keyword_list(self):
        return tuple(filter(None, (line.strip() for line in (self.words or "").splitlines())))

    # === Values for policy.auto_reply ===

    @api.model
    def _sender_rules(self, sender):
        """Rules of the number's company that apply to this number, in order."""
        return self.search(
            [
                ("company_id", "=", sender.company_id.id),
                "|", ("sender_ids", "=", False), ("sender_ids", "in", sender.ids),
            ]
        )  # fmt: skip

    def _policy_rules(self, at, rested):
        """These rules as `policy.auto_reply.ReplyRule`.

        :param at: when the message was written, naive UTC
        :param rested: {rule id: when this recipient last got its answer}
        """
        return [
            auto_reply.ReplyRule(
                key=rule,
                trigger=rule.trigger,
                words=rule._keyword_list(),
                whole=rule.is_whole,
                is_closed=rule.trigger == auto_reply.OUT_OF_HOURS and rule._is_closed(at),
                rested_since=rested.get(rule.id),
                cooldown=timedelta(hours=rule.cooldown_hours),
            )
            for rule in self
        ]

    def _is_closed(self, at):
        """Whether `at` (naive UTC) is outside working hours, holidays included."""
        self.ensure_one()
        calendar = self.calendar_id or self.company_id.resource_calendar_id
        if not calendar:
            return False
        moment = at.replace(tzinfo=timezone.utc)
        worked = calendar._work_intervals_batch(moment, moment + timedelta(minutes=1))
        return not worked[False]

    def _reading_user(self):
        """The user whose rights read fields of the lead or contact: the last to change the rule.

        Empty when that user is inactive: such fields then show nothing.
        """
        rule = self.sudo()
        # OdooBot writes when a module loads data; that does not make it the author.
        writer = rule.create_uid if rule.write_uid.id == SUPERUSER_ID else rule.write_uid
        return writer.filtered("active")


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    auto_replied_at = fields.Datetime(
        "Automatic reply on", readonly=True,
        help="Last automatic reply that no user has followed up.",
    )  # fmt: skip
    handed_over_at = fields.Datetime(
        "Handed over on", readonly=True,
        help="Automatic replies pause until a user answers or the hand-over period ends.",
    )  # fmt: skip

    def _thread_state(self, answers):
        """This conversation as `policy.auto_reply.ThreadState`.

        :param answers: the automatic answers to this recipient, newest first
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
        """Hand over to a user, with an activity on the record: automatic replies pause.

        :param rule: the rule that answered last, possibly none
        :param message: the inbound message
        """
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
        """A user answered: automatic replies may be sent again."""
        self.filtered(lambda c: c.auto_replied_at or c.handed_over_at).write(
            {"auto_replied_at": False, "handed_over_at": False}
        )
