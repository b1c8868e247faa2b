"""Conversation: inbound messages, notes in the chatter, and messages as the screen shows them.

Called by waba_webhook_apply.py (`_receive_inbound`), waba_conversation_thread.py, hooks, and the
job ir_cron_notices. Salespeople are notified at once, or of several messages together.
"""

from datetime import timedelta

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import auto_reply, intent, landing, standby
from ...policy import media as media_policy
from ..base.waba_message import (
    ACCEPTED_STATES,
    CLOCK_TOLERANCE,
    KIND_ICONS,
    KIND_LABELS,
    OUR_DIRECTIONS,
    PAST_DIRECTIONS,
    POSSIBLE_OPT_OUT,
    REPLY_PERIOD,
    REPORTED_KINDS,
)
from ..tools.hooks import implements
from ..tools.labels import selection_labels, with_language
from ..tools.moments import format_moment
from .waba_conversation_thread import MARK_KINDS
from .waba_media import UPLOAD_LEAD_TIME

# A screen may be open on these. Screens poll campaigns and follow-ups: a notification for each of a
# hundred thousand messages would cost more than sending them.
WATCHED_ORIGINS = ("manual", "reply", "test")

# The first reply to a campaign, and the first message of a conversation, is notified at once; the
# next ones within this time, together at its end.
GATHER_PERIOD = timedelta(hours=1)

# Messages named in such a notification.
LISTED = 10

# Of our text, in a note in the chatter.
NOTE_LINES, NOTE_CHARACTERS = 4, 300

# Starts what a note of ours says while its message is not sent: a retry removes it again.
NOT_SENT_START = Markup('<div class="o_waba_note_not_sent text-danger">')

# Kinds whose text the sender chose or wrote: not the address of a location, the name of a shared
# contact, a reaction, or what WhatsApp reports.
CLASSIFIED_KINDS = frozenset(
    ("text", "button", "interactive", "image", "video", "audio", "document", "sticker", "order",
     "edit", "template", "unknown", "unsupported")
)  # fmt: skip


class WabaMessage(models.Model):
    _inherit = "waba.message"

    # Preference
    wish = fields.Selection(
        [("opt_out", "Opt-out"), (POSSIBLE_OPT_OUT, "Possible opt-out"), ("opt_in", "Opt-in")],
        "Detected as",
        readonly=True,
    )

    # Its lead was made of it, so it is no reply to what that starts.
    made_lead = fields.Boolean("Lead created", readonly=True)

    # Answer
    no_answer_at = fields.Datetime("Closed without answer", readonly=True)

    # The ad they came from
    ad_id = fields.Many2one(
        "waba.ad", readonly=True, ondelete="set null", index="btree_not_null"
    )
    ctwa_clid = fields.Char(
        "Ad click ID",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="waba_campaign.waba_group_manager",
        help="Meta's ID of the click on the ad.",
    )

    # Automatic reply
    auto_reply_id = fields.Many2one(
        "waba.auto.reply", "Automatic reply", readonly=True, ondelete="set null"
    )

    # Files
    media_ids = fields.One2many("waba.media", "message_id", "Files", readonly=True)

    # Notification of the salesperson
    notified_at = fields.Datetime("Notified on", readonly=True)
    notify_at = fields.Datetime("Notify on", readonly=True)

    _auto_reply_idx = models.Index("(recipient_id, id) WHERE auto_reply_id IS NOT NULL")
    _auto_reply_rule_idx = models.Index("(auto_reply_id) WHERE auto_reply_id IS NOT NULL")
    _notified_idx = models.Index("(user_id, notified_at) WHERE notified_at IS NOT NULL")
    _notify_idx = models.Index("(notify_at) WHERE notify_at IS NOT NULL")

    # === Inbound ===

    @api.model
    def _receive_inbound(self, sender, item, at):
        """Store an inbound message on its record, apply its preference, answer it.

        :param item: cloud_api.InboundMessage
        :param at: when it was written, naive UTC
        :return: the message
        """
        people = self.env["waba.recipient"]
        if item.kind == "system":
            person = people._apply_identity_change(sender.portfolio_id, item)
        else:
            person = people._find_or_create_person(
                sender.portfolio_id, item.number, item.user_uid, item.profile_name, item.username
            )
        answered = self._find_answered_message(sender, person, item, at)
        is_written = item.kind not in REPORTED_KINDS
        if is_written:
            answered._record_reply(at)
        rung, record = person._route_inbound(sender, item, answered)
        if record and not person.number:
            person._link_record(record)
        is_new = rung == landing.NEW_LEAD
        message = self._create_inbound(sender, person, item, at, answered, record, is_new)
        conversation = self.env["waba.conversation"]
        if is_written:
            conversation = conversation._register_inbound(sender, person, at, message)
            conversation._take_control(at)
            if item.kind != "reaction":
                conversation._reopen()
            if item.referral:
                conversation._on_click(message)
        message._create_inbound_media(item)
        message._post_inbound_note(conversation, is_new=is_new)
        message._apply_inbound_preference(at)
        if is_written:
            person._on_written(message)
            message._answer_automatically(conversation, at)
            conversation._notify_viewers()
            message._on_inbound()
            conversation._on_written(message)
        self.env["waba.account"]._on_message_changes(message.ids)
        return message

    # === Public API ===

    @api.model
    def send_template(self, record, template, key=None, language=None, sender=None, **parameters):
        """Send one template to the person of a lead or contact, with the rights of the user.

        Idempotent: a call with a key that the company has used returns that message and sends
        nothing. Quiet hours, limits and consent apply as to automation rules. See docs/api.md.

        :param record: crm.lead or res.partner, also as ["crm.lead", 7]
        :param template: waba.template, also its id or name
        :param key: names this message, up to 128 characters
        :param language: of a template given by name, if there are several
        :param sender: waba.sender, also its id; by default the one of the conversation
        :param parameters: {variable: text}; the others are filled from the record as usual
        :return: {'id', 'state', 'reason', 'text', 'is_new'}
        :raise UserError: nothing was queued; the key was used for another message
        :raise AccessError: the user may not write to this person
        """
        message, is_new = self.env["waba.conversation"]._send_for_api(
            record, template, key, language, sender, parameters
        )
        return {
            "id": message.id,
            "state": message.state,
            "reason": message.failure_type or message.wait_reason or False,
            "text": message._reason_text(),
            "is_new": is_new,
        }

    # === Written elsewhere ===
    # By another sender on our number or to it: a colleague's phone, Meta's agent, another app.

    @api.model
    def _receive_standby(self, sender, item, at):
        """Store a message of a person whom another sender answers: shown, and opt-outs are applied.

        It makes no lead, notifies nobody and gets no automatic reply.

        :param item: cloud_api.InboundMessage
        :param at: when it was written, naive UTC
        """
        person = self.env["waba.recipient"]._find_or_create_person(
            sender.portfolio_id, item.number, item.user_uid, item.profile_name
        )
        record = person._find_record(sender.company_id)
        message = self._create_inbound(sender, person, item, at, self.browse(), record)
        # Not ours to answer, so it counts in no answer time.
        message.no_answer_at = at
        conversation = self.env["waba.conversation"]._register_standby(sender, person, at, message)
        message._create_inbound_media(item)
        message._apply_inbound_preference(at)
        if item.kind not in REPORTED_KINDS:
            message._on_inbound()
        self.env["waba.account"]._on_message_changes(message.ids)
        conversation._notify_viewers()

    @api.model
    def _receive_echo(self, sender, item, at):
        """Store what another sender, or a colleague in the WhatsApp Business app, wrote.

        :param item: cloud_api.EchoMessage
        :param at: when it was written, naive UTC
        """
        person = self.env["waba.recipient"]._find_or_create_person(
            sender.portfolio_id, item.number, item.user_uid
        )
        record = person._find_record(sender.company_id)
        message = self.create(
            {
                **self._shared_values(sender, person, item, at, record),
                "direction": "app_out",
                "origin": "app" if item.is_app else "other_sender",
                "state": "sent",
            }
        )
        message._create_inbound_media(item)
        conversation = self.env["waba.conversation"]._find_or_create_pair(sender, person)
        if record is not None and not conversation.res_id:
            conversation.write({"res_model": record._name, "res_id": record.id})
        if not item.is_app:
            conversation._hold_standby(at)
            conversation._notify_viewers()
        elif item.kind not in ("reaction", *REPORTED_KINDS):
            conversation._record_app_answer(at)
            message._post_echo_note(conversation)
            message._on_app_message()

    def _post_echo_note(self, conversation):
        """Note in the chatter, without notifying anyone, that a colleague wrote in the app."""
        record = self._get_record()
        if record is not None:
            self.note_id = record._message_log(
                body=self._outbound_note(), author_id=self.env.ref("base.partner_root").id
            )
        self._close_reply_activities(
            {one for one in (record, conversation._get_record()) if one is not None}
        )

    def _describe_past(self, past):
        """Complete an old message whose content came later (a file), once.

        :param past: cloud_api.PastMessage
        """
        self.ensure_one()
        if self.kind != "media_placeholder" or past.kind == "media_placeholder":
            return
        self.write(
            {
                "kind": past.kind,
                "text": past.text or f"[{past.kind}]",
                "details": past.details or False,
            }
        )
        self._create_past_media(past)

    def _create_past_media(self, past):
        if past.media and past.media.uid:
            self.env["waba.media"]._create_past(self, past.media)

    @api.model
    @implements("_on_candidates")
    def _postpone_held(self, rows, now):
        """Postpone automatic messages to people whom another sender answers.

        :param rows: candidates, as dicts
        :return: ids of those postponed
        """
        ids = [row["id"] for row in rows if row["origin"] in standby.HELD_ORIGINS]
        if not ids:
            return set()
        self.env["waba.conversation"].flush_model()
        found = self.env.execute_query(
            SQL(
                """SELECT m.id, c.standby_at FROM waba_message m
                     JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = m.recipient_id
                    WHERE m.id = ANY(%s) AND c.standby_at > %s
                      AND (c.control_at IS NULL OR c.control_at < c.standby_at)""",
                ids,
                now - standby.HOLD_PERIOD,
            )
        )
        for message_id, standby_at in found:
            self.browse(message_id).write(
                {"retry_at": standby_at + standby.HOLD_PERIOD, "wait_reason": "standby"}
            )
        self.flush_model()
        return {message_id for message_id, _at in found}

    # === Inbound ===

    @api.model
    def _find_answered_message(self, sender, person, item, at):
        """Our message that this one answers: the quoted one, else the last within REPLY_PERIOD."""
        ours = Domain("recipient_id", "=", person.id) & Domain("direction", "in", OUR_DIRECTIONS)
        if item.context_wamid:
            # Only in accounts of the same app: the webhook's signature vouches for these alone.
            reach = Domain("account_id", "in", sender.account_id._same_app_accounts().ids)
            quoted = self.search(ours & reach & Domain("wamid", "=", item.context_wamid), limit=1)
            if quoted:
                return quoted
        # A message settled by its statuses alone has no `accepted_at`.
        on_its_way = Domain.OR(
            Domain(name, ">=", at - REPLY_PERIOD) & Domain(name, "<=", at + CLOCK_TOLERANCE)
            for name in ("accepted_at", "sent_at", "delivered_at", "read_at")
        )
        return self.search(
            ours
            & Domain("sender_id", "=", sender.id)
            & Domain("state", "in", ACCEPTED_STATES)
            & on_its_way,
            order="id desc",
            limit=1,
        )

    def _record_reply(self, at):
        for message in self:
            message.replied_at = min(message.replied_at or at, at)

    @api.model
    def _create_inbound(self, sender, person, item, at, answered, record, made_lead=False):
        return self.create(
            {
                **self._shared_values(sender, person, item, at, record),
                "direction": "in",
                "state": "received",
                "user_id": self._responsible_user(record, answered),
                "payload": item.payload or False,
                "reply_to_id": answered.id,
                "made_lead": made_lead,
                **person._referral_values(sender, item),
            }
        )

    @api.model
    def _shared_values(self, sender, person, item, at, record):
        """Field values of any message that a webhook contains, whoever wrote it."""
        return {
            "wamid": item.wamid or False,
            "account_id": sender.account_id.id,
            "sender_id": sender.id,
            "recipient_id": person.id,
            "company_id": sender.company_id.id,
            "number": person.number,
            "person_name": person.name or (record.display_name if record else False),
            "res_model": record._name if record else False,
            "res_id": record.id if record else False,
            "kind": item.kind,
            "category": "service",
            "text": item.text or f"[{item.kind}]",
            "about_wamid": item.context_wamid or False,
            "details": item.details or False,
            "sent_at": at,
        }

    @api.model
    def _responsible_user(self, record, answered):
        if record is not None and record.user_id:
            return record.user_id.id
        return answered.user_id.id

    def _create_inbound_media(self, item):
        """Create the row of an inbound file; the job downloads it.

        :param item: cloud_api.InboundMessage
        """
        self.ensure_one()
        if not item.media:
            return
        values = {
            "message_id": self.id,
            "media_uid": item.media.uid,
            "name": item.media.filename or self._file_name(item.media.mimetype),
            "mimetype": media_policy.base_type(item.media.mimetype),
            "sha256": item.media.sha256,
            "expires_at": (self.sent_at or self.create_date) + media_policy.INBOUND_LIFE,
        }
        if not item.media.uid:
            values.update(state="failed", reason=self.env._("WhatsApp did not identify the file."))
        self.env["waba.media"].create(values)
        self.env["waba.media"]._transfer_cron()._trigger()

    def _file_name(self, mimetype):
        """'image-2026-11-27.jpeg', for a file without a name."""
        extension = media_policy.base_type(mimetype).split("/")[-1] or "bin"
        day = fields.Date.to_string((self.sent_at or self.create_date).date())
        return f"{self.kind}-{day}.{extension[:10]}"

    # === Notification of the salesperson ===

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
            linked_line(message._get_record(), message.person_name or message.number or "",
                         message._summary())
            for message in messages[:LISTED]
        ]  # fmt: skip
        if count > LISTED:
            lines.append(
                Markup('<li><a href="/odoo/whatsapp-conversations">%s</a></li>')
                % messages.env._("%s more", count - LISTED)
            )
        notify_user(user, subject, lines)

    # === Preference ===

    def _apply_inbound_preference(self, at):
        """Apply an opt-out (STOP, BAJA, our button) or opt-in; flag a possible opt-out for review.

        :param at: when it was written, naive UTC: the preference applies from then on
        """
        self.ensure_one()
        person, self.wish = self.recipient_id, self._detect_preference()
        source = "button" if self.payload else "reply"
        evidence = self.env._('They wrote "%s".', self.text)
        if self.wish == "opt_out":
            person._set_marketing_state("opted_out", source, evidence, at=at, message=self)
        elif self.wish == POSSIBLE_OPT_OUT:
            person._flag_possible_opt_out(self, at)
        if any(person._on_inbound_text(self, at)):
            return
        if (
            self.wish == "opt_in"
            and person._consent_state("marketing", self.company_id) == "opted_out"
        ):
            person._set_marketing_state("opted_in", source, evidence, at=at, message=self)

    def _detect_preference(self):
        """The preference they wrote or chose, as a key of `wish`, or False."""
        self.ensure_one()
        if self.kind not in CLASSIFIED_KINDS:
            return False
        keywords = self.env["waba.consent.word"]._company_keywords(self.company_id.id)
        request = self._written_text(), self.payload or None, keywords
        strength = intent.opt_out_strength(*request)
        if strength == intent.STRONG:
            return "opt_out"
        if strength == intent.AMBIGUOUS:
            return POSSIBLE_OPT_OUT
        return "opt_in" if intent.opt_in_intent(*request) else False

    # === Automatic reply ===

    def _answer_automatically(self, conversation, at):
        """Queue an automatic reply or hand over to a user, as policy.auto_reply decides.

        :param conversation: the waba.conversation it belongs to
        :param at: when it was written, naive UTC
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
        """Automatic answers to this recipient that were or may still be sent, newest first."""
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

    # === Queued messages ===

    @implements("_on_queued")
    def _start_upload(self, media):
        """A message with a file waits until that is uploaded."""
        if not media:
            return
        message, attachment = self.sudo(), media["attachment"].sudo()
        message.retry_at = fields.Datetime.now() + UPLOAD_LEAD_TIME
        files = message.env["waba.media"]
        files.create(
            {
                "message_id": message.id,
                "name": attachment.name,
                "mimetype": media_policy.base_type(attachment.mimetype),
                "size": attachment.file_size,
                "attachment_id": attachment.id,
            }
        )
        files._transfer_cron()._trigger()

    @implements("_on_queued")
    def _record_answer_by_person(self, _media):
        """A message that a user wrote answers the conversation."""
        conversations = self.env["waba.conversation"].sudo()
        for mine in self.sudo():
            if mine.origin != "manual" or mine.kind == "reaction" or not mine.recipient_id:
                continue
            conversation = conversations._find_or_create_pair(mine.sender_id, mine.recipient_id)
            conversation._record_answer(mine.user_id)
            # Meta gives the conversation to whoever sends a message.
            conversation._take_control(fields.Datetime.now())
            conversation._notify_viewers()
            mine.with_env(self.env)._close_reply_activities(
                {record for record in (mine._get_record(), conversation._get_record()) if record}
            )

    # === Notes of our messages ===
    # One per message outside campaigns, in the same transaction. A hundred thousand notes of a
    # campaign would cost more than sending it, and the WhatsApp tab lists its messages.

    @implements("_on_queued")
    def _post_outbound_note(self, media):
        """Log a note, without notifying anyone, on the records that they were sent from."""
        noted = self.sudo().filtered(
            lambda one: one._note_target()[1] and one.origin != "test" and one.kind != "reaction"
        )
        name = media["attachment"].sudo().name if media else ""
        conversations = noted._find_conversations()
        for (model, author), messages in noted.grouped(
            lambda one: (
                one._note_target()[0], one.origin == "manual" and one.user_id.partner_id
            )
        ).items():  # fmt: skip
            ids = [one._note_target()[1] for one in messages]
            existing = messages.env[model].browse(ids).exists()
            messages = messages.filtered(
                lambda one, ids=existing._ids: one._note_target()[1] in ids
            )
            while messages:
                # Two messages about one record have a note each.
                first = {one._note_target()[1]: one for one in reversed(messages)}
                notes = existing.browse(first)._message_log_batch(
                    {
                        id_: one._outbound_note(name, conversations.get(one.id))
                        for id_, one in first.items()
                    },
                    author_id=(author or self.env.ref("base.partner_root")).id,
                )
                for one, note in zip(first.values(), notes, strict=True):
                    one.note_id = note
                    messages -= one

    def _note_target(self):
        """(model, id) of the record with the note: the document, else the lead or contact."""
        if self.document_model in self.env and self.document_id:
            return self.document_model, self.document_id
        return self.res_model, self.res_id

    def _find_conversations(self):
        """{message id: waba.conversation} of those messages that have one."""
        found = self.env["waba.conversation"].search(
            [("sender_id", "in", self.sender_id.ids), ("recipient_id", "in", self.recipient_id.ids)]
        )
        by_pair = {(one.sender_id, one.recipient_id): one for one in found}
        pairs = {one.id: by_pair.get((one.sender_id, one.recipient_id)) for one in self}
        return {id_: conversation for id_, conversation in pairs.items() if conversation}

    def _outbound_note(self, file_name="", conversation=None):
        """Body of the note, in its user's language."""
        message = with_language(self.user_id or self.company_id, self)
        text = message._written_text() or message.body or ""
        if message.kind in KIND_LABELS and not text:
            text = f"{message.env._(KIND_LABELS[message.kind])} {file_name}"
        sentence = message.env._(
            "WhatsApp to %(who)s from %(number)s: %(text)s",
            who=message.person_name or message.number or "",
            number=message.sender_id.display_phone_number or "",
            text=Markup("<br/>").join(first_lines(text)),
        )
        links = []
        if message.origin != "manual":
            links.append(selection_labels(message, "origin")[message.origin])
        if conversation:
            links.append(
                Markup('<a href="/odoo/whatsapp-conversations/%s">%s</a>')
                % (conversation.id, message.env._("Open conversation"))
            )
        return Markup("<br/>").join(filter(None, (sentence, Markup(" · ").join(links))))

    @api.model
    @implements("_on_results")
    def _update_notes_of_results(self, results):
        self.browse([result.key for result in results])._update_outbound_notes()

    @implements("_on_status")
    def _update_notes_of_statuses(self, _reported, _arrived):
        self._update_outbound_notes()

    @implements("_on_state_change")
    def _update_outbound_notes(self):
        """Add to the notes of these messages that they were not sent, or remove it."""
        if not self:
            return
        self.flush_model(["state", "note_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM waba_message m JOIN mail_message n ON n.id = m.note_id
                    WHERE m.id = ANY(%s) AND m.direction = 'out'
                      AND (m.state IN ('failed', 'skipped', 'cancelled')) <> (n.body LIKE %s)""",
                self.ids,
                f"%{NOT_SENT_START}%",
            )
        )
        for message in self.sudo().browse([id_ for (id_,) in rows]):
            body, mark, _reason = message.note_id.body.partition(NOT_SENT_START)
            message.note_id.body = body if mark else body + message._not_sent_mark()

    def _not_sent_mark(self):
        message = with_language(self.user_id or self.company_id, self)
        reason = message._reason_text() or selection_labels(message, "state")[message.state]
        return NOT_SENT_START + Markup("%s</div>") % reason

    # === Live updates ===
    # Open conversations show the outcome of the messages written in them.

    @api.model
    @implements("_on_results")
    def _notify_viewers_of_results(self, results):
        self._notify_message_viewers([result.key for result in results])

    @implements("_on_status")
    def _notify_viewers_of_statuses(self, _reported, _arrived):
        self._notify_message_viewers(self.ids)

    @api.model
    def _notify_message_viewers(self, ids):
        """:param ids: of messages that changed, most of them of campaigns"""
        if not ids:
            return
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT c.id FROM waba_message m
                     JOIN waba_conversation c
                       ON c.recipient_id = m.recipient_id AND c.sender_id = m.sender_id
                    WHERE m.id = ANY(%s) AND m.campaign_id IS NULL AND m.origin IN %s""",
                list(ids),
                WATCHED_ORIGINS,
            )
        )
        self.env["waba.conversation"].browse([id_ for (id_,) in rows])._notify_viewers()

    # === Format ===

    def _format_bubbles(self, record):
        """These messages as plain values, in the order they were written. All rights.

        :param self: a page; the caller has checked the user (`_check_reader`)
        :param record: the lead or contact they are shown on, or None
        """
        marks = self._change_marks()
        reactions = self._find_reactions()
        quotes = self._find_quotes()
        wamids = {message.wamid for message in self if message.wamid}
        shown = self.filtered(lambda m: m.kind not in MARK_KINDS or m.about_wamid not in wamids)
        bubbles = []
        for message in shown.sorted(lambda m: (m._written_at(), m.id)):
            bubbles.append(
                {
                    **message._format_bubble(record),
                    **marks.get(message.wamid, {}),
                    "reactions": list(reactions.get(message.wamid, {}).values()),
                    "our_reaction": reactions.get(message.wamid, {}).get("out", ""),
                    "quote": quotes.get(message.about_wamid, False),
                }
            )
        return bubbles

    def _format_bubble(self, record):
        self.ensure_one()
        text = self._written_text()
        is_template = bool(self.template_id)
        details = self.details or {}
        return {
            "id": self.id,
            "is_ours": self.direction in OUR_DIRECTIONS,
            "is_past": self.direction in PAST_DIRECTIONS,
            "kind": self.kind,
            "word": self._kind_word(),
            "icon": KIND_ICONS.get(self.kind, ""),
            "at": fields.Datetime.to_string(self._written_at()),
            "text": text if not is_template else "",
            "html": str(self.preview_html or "") if is_template else "",
            "is_button": self.direction == "in"
            and (bool(self.payload) or self.kind in ("button", "interactive")),
            "options": self._shown_options(),
            "may_react": self.direction == "in" and bool(self.wamid),
            "state": self.state,
            "state_text": self._state_text(),
            "reason": self._reason_text(),
            "by": self._author_label(),
            "place": self._format_location(details),
            "contacts": self.recipient_id._format_cards(self, record),
            "order": details.get("order", []),
            "quotation": self._quotation_state(),
            "is_forwarded": bool(details.get("forwarded")),
            "is_voice": bool(details.get("voice")),
            "files": [media._format_file(record) for media in self.media_ids],
            "edited": False,
            "is_revoked": False,
            "ad": self._format_ad(),
        }

    def _shown_options(self):
        """What can be pressed under an interactive message of ours."""
        parameters = self.parameters or {}
        if self.kind != "interactive":
            return []
        if parameters.get("asks_number"):
            return [self.env._("Share contact info")]
        return parameters.get("options", [])

    def _format_ad(self):
        """The ad that they came from; False without one."""
        ad = self.ad_id
        return bool(ad) and {
            "id": ad.id,
            "kind": ad.source_type or "ad",
            "headline": ad.headline or "",
            "text": ad.body or "",
            "url": ad.source_url or False,
            "is_video": ad.media_type == "video",
            "picture": f"/web/image/waba.ad/{ad.id}/picture" if ad.picture else False,
        }

    def _quotation_state(self):
        """What the card of an order offers: {'name', 'may_create'}; False for other messages."""
        if self.kind != "order":
            return False
        mine = self.env(su=False)
        quotation = self.sudo()._get_document()
        if quotation is not None:
            quotation = quotation.with_env(mine)
            is_readable = quotation.has_access("read")
            return {"name": is_readable and quotation.display_name, "may_create": False}
        may_create = "sale.order" in mine and mine["sale.order"].has_access("create")
        return {"name": False, "may_create": may_create}

    def _kind_word(self):
        """What a message without text is, '' for a text."""
        if self.kind in ("unsupported", "unknown") and self.sender_id.is_on_business_app:
            return self.env._(
                "Message that WhatsApp could not deliver to Odoo: open it in the phone app"
            )
        return self.env._(KIND_LABELS[self.kind]) if self.kind in KIND_LABELS else ""

    def _state_text(self):
        """'Read, 27 Nov 2026 14:02', for the ticks."""
        if self.direction not in ("out", "app_out"):
            return ""
        labels = selection_labels(self, "state")
        at = {
            "accepted": self.accepted_at, "held": self.accepted_at, "sent": self.sent_at,
            "delivered": self.delivered_at, "read": self.read_at, "failed": self.failed_at,
        }.get(self.state)  # fmt: skip
        if not at:
            return labels[self.state]
        return f"{labels[self.state]}, {format_moment(self.env, at)}"

    def _reason_text(self):
        """Why it was not sent, or not yet, as a sentence; False if there is no problem."""
        if self.state in ("failed", "skipped", "uncertain"):
            reasons = selection_labels(self, "failure_type")
            return self.failure_reason or reasons.get(self.failure_type, False)
        if self.state != "queued":
            return False
        if self.is_uploading:
            return self.env._("Uploading the file to WhatsApp.")
        return self._delay_text()

    def _author_label(self):
        """The salesperson, campaign or rule that it is from."""
        if self.direction not in OUR_DIRECTIONS:
            return ""
        if self.campaign_id:
            return self.env._("Campaign %s", self.campaign_id.name)
        if self.origin == "app":
            return self.env._("Sent from the WhatsApp Business app")
        if self.origin in ("manual", "test"):
            return self.user_id.name or ""
        return selection_labels(self, "origin").get(self.origin, "")

    def _format_location(self, details):
        if self.kind != "location":
            return False
        return {
            "name": details.get("name") or self.env._("Location"),
            "address": details.get("address", ""),
            "url": self._map_url(),
        }

    # === Edits, reactions and quotes ===

    def _related_messages(self, kinds):
        """Messages of these kinds about the messages of this page, in their order."""
        wamids = [message.wamid for message in self if message.wamid]
        if not wamids:
            return self.browse()
        return self.search(
            [
                ("recipient_id", "in", self.recipient_id.ids),
                ("account_id", "in", self.account_id.ids),
                ("kind", "in", kinds),
                ("about_wamid", "in", wamids),
                ("state", "not in", ("skipped", "failed", "cancelled")),
            ],
            order="id",
        )

    def _change_marks(self):
        """{wamid: {'edited': text} or {'is_revoked': True}, or both}."""
        marks = {}
        for mark in self._related_messages(list(MARK_KINDS)):
            values = marks.setdefault(mark.about_wamid, {})
            if mark.kind == "edit":
                values["edited"] = mark._written_text()
            else:
                values["is_revoked"] = True
        return marks

    def _find_reactions(self):
        """{wamid: {'in' or 'out': emoji}}: each side's last one; an empty one removes it."""
        last = {}
        for reaction in self._related_messages(["reaction"]):
            side = "out" if reaction.direction in OUR_DIRECTIONS else "in"
            last[reaction.about_wamid, side] = reaction._written_text()
        found = {}
        for (wamid, direction), emoji in last.items():
            if emoji:
                found.setdefault(wamid, {})[direction] = emoji
        return found

    def _find_quotes(self):
        """{wamid: {'is_ours', 'text'}} of the messages that these quote."""
        wamids = {m.about_wamid for m in self if m.about_wamid and m.kind not in MARK_KINDS}
        if not wamids:
            return {}
        quoted = self.search(
            [
                ("wamid", "in", list(wamids)),
                ("recipient_id", "in", self.recipient_id.ids),
                ("account_id", "in", self.account_id.ids),
            ]
        )
        return {
            m.wamid: {"is_ours": m.direction in OUR_DIRECTIONS, "text": m._summary()}
            for m in quoted
        }


def first_lines(text):
    """The first lines of a text that a note shows."""
    lines = [line for line in text[:NOTE_CHARACTERS].splitlines() if line.strip()]
    is_whole = len(text) <= NOTE_CHARACTERS and len(lines) <= NOTE_LINES
    return [*lines[:NOTE_LINES], *(() if is_whole else ("…",))]


def linked_line(record, name, text):
    """A line with the name, linked to its record if there is one, and a text."""
    if record is not None:
        name = Markup('<a href="/mail/view?model=%s&amp;res_id=%s">%s</a>') % (
            record._name, record.id, name,
        )  # fmt: skip
    return Markup("<li>%s: %s</li>") % (name, text or "")


def notify_user(user, subject, lines):
    """Notify a user in their inbox or by e-mail, as their Odoo preference says."""
    env = user.env
    env["mail.thread"].sudo().message_notify(
        partner_ids=user.partner_id.ids,
        author_id=env.ref("base.partner_root").id,
        subject=subject,
        body=Markup("<p>%s</p><ul>%s</ul>") % (subject, Markup("").join(lines)),
    )
