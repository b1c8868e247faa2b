"""Conversation: its screen and the inbox: who may read it, what it shows, who answers.

Called by the conversation's screen and the inbox; `_check_reader` also by controllers/media.py.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import media as media_policy
from ..base.waba_message import OUR_DIRECTIONS, PAST_DIRECTIONS
from ..tools.labels import form_action
from ..tools.system_fields import USER_GROUP

PAGE = 50

PERSON_MODELS = ("crm.lead", "res.partner")

# Shown at the message that they are about, not as messages of their own.
MARK_KINDS = ("edit", "revoke")

# Long enough that a user who looks again after lunch still finds the window open.
CLOSING_SOON = timedelta(hours=4)

WINDOW_STATES = [
    ("open", "Open"),
    ("closing", "Closing soon"),
    ("closed", "Closed"),
]

# Not part of a conversation: cancelled messages and those excluded from a campaign. A message that
# a user wrote and that could not be sent is shown, with the reason.
SHOWN_MESSAGES_SQL = SQL(
    "m.kind <> 'reaction' AND m.state <> 'cancelled'"
    " AND (m.state <> 'skipped' OR m.campaign_id IS NULL)"
)


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    # Inbox
    last_message_id = fields.Many2one(
        "waba.message", "Last entry", compute="_compute_last_message", compute_sudo=True
    )
    last_text = fields.Char("Last message", compute="_compute_last_message", compute_sudo=True)
    last_at = fields.Datetime("Last message on", compute="_compute_last_message", compute_sudo=True)
    last_is_ours = fields.Boolean(compute="_compute_last_message", compute_sudo=True)
    window_state = fields.Selection(
        WINDOW_STATES,
        "Reply window",
        compute="_compute_window_state",
        search="_search_window_state",
    )
    window_text = fields.Char("Time left", compute="_compute_window_state")
    person_number = fields.Char("Phone", related="recipient_id.number")
    record_name = fields.Char("Lead or contact", compute="_compute_record_name")

    # Possible opt-out
    may_opt_out_at = fields.Datetime(
        related="recipient_id.may_opt_out_at", related_sudo=True, string="Possible opt-out since"
    )

    @api.depends("recipient_id", "sender_id")
    def _compute_last_message(self):
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id, m.id FROM waba_conversation c
                    CROSS JOIN LATERAL (
                          SELECT m.id FROM waba_message m
                           WHERE m.recipient_id = c.recipient_id AND m.sender_id = c.sender_id
                             AND m.direction NOT IN %s AND %s
                           ORDER BY m.id DESC LIMIT 1) m
                    WHERE c.id = ANY(%s)""",
                PAST_DIRECTIONS,
                SHOWN_MESSAGES_SQL,
                self.ids,
            )
        )
        last = dict(rows)
        for conversation in self:
            message = self.env["waba.message"].browse(last.get(conversation.id))
            conversation.last_message_id = message
            conversation.last_text = message._summary() if message else False
            conversation.last_at = message and message._written_at()
            conversation.last_is_ours = message.direction in OUR_DIRECTIONS

    @api.depends("window_expires_at")
    def _compute_window_state(self):
        now = fields.Datetime.now()
        for conversation in self:
            left = (conversation.window_expires_at or now) - now
            conversation.window_state = (
                "closed" if left <= timedelta() else "closing" if left < CLOSING_SOON else "open"
            )
            conversation.window_text = conversation._time_left(left)

    @api.model
    def _search_window_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = fields.Datetime.now()
        by_state = {
            "open": Domain("window_expires_at", ">=", now + CLOSING_SOON),
            "closing": Domain("window_expires_at", ">", now)
            & Domain("window_expires_at", "<", now + CLOSING_SOON),
            "closed": Domain("window_expires_at", "<=", now)
            | Domain("window_expires_at", "=", False),
        }
        return Domain.OR(by_state[state] for state in value if state in by_state)

    @api.depends("res_model", "res_id")
    @api.depends_context("uid")
    def _compute_record_name(self):
        for conversation in self:
            record = conversation._readable_linked_record()
            conversation.record_name = record is not None and record.display_name

    def action_assign_to_me(self):
        self.check_access("read")
        self.sudo()._assign(self.env.user)

    def action_mark_read(self):
        self.check_access("read")
        self.sudo()._mark_seen()

    def action_mark_unread(self):
        self.check_access("read")
        self.sudo().filtered(lambda c: not c.unread_count).unread_count = 1

    def action_open_record(self):
        self.ensure_one()
        record = self._readable_linked_record()
        if record is None:
            return False
        return {**form_action(record), "views": [(False, "form")]}

    def action_confirm_opt_out(self):
        self._review_as_reader(True)

    def action_keep_subscribed(self):
        self._review_as_reader(False)

    # === Access ===
    # Each public method checks the user itself. A conversation is readable by the record rules, and
    # for a user who may read the lead or contact that something was said about; a number typed on
    # a record does not make it readable. `shown` is the record that the screen is opened from,
    # ('crm.lead', 7), or False.

    @api.model
    def _check_user(self):
        if not self.env.user.has_group(USER_GROUP):
            raise AccessError(
                self.env._(
                    "You do not have access to WhatsApp conversations. Ask your administrator."
                )
            )

    def _check_reader(self, shown=False):
        """Return this conversation with all rights, if the user may read it.

        :param shown: the record that the screen shows, or False
        :raise AccessError: they may not
        :raise UserError: it no longer exists
        """
        self._check_user()
        conversation = self.exists()
        if not conversation:
            raise UserError(self.env._("This conversation no longer exists."))
        if not conversation._is_readable(shown):
            raise AccessError(
                self.env._(
                    "This conversation is assigned to another salesperson. They or a manager can "
                    "reassign it."
                )
            )
        return conversation.sudo()

    def _is_readable(self, shown=False):
        self.ensure_one()
        if self.has_access("read"):
            return True
        mine = self.sudo()
        if mine.sender_id.company_id not in self.env.companies:
            return False
        if self._readable_record(mine.res_model, mine.res_id) is not None:
            return True
        record = self._readable_record(*shown) if shown else None
        return record is not None and bool(
            self.env["waba.message"]
            .sudo()
            .search_count(
                [
                    ("res_model", "=", record._name),
                    ("res_id", "=", record.id),
                    ("recipient_id", "=", mine.recipient_id.id),
                    ("sender_id", "=", mine.sender_id.id),
                ],
                limit=1,
            )
        )

    @api.model
    def _check_record(self, shown):
        """The record that a screen shows.

        :raise AccessError: the user may not read it
        """
        self._check_user()
        record = self._readable_record(*shown)
        if record is None:
            raise AccessError(
                self.env._("This record does not exist, or you do not have access to it.")
            )
        return record

    @api.model
    def _readable_record(self, res_model, res_id):
        """The lead or contact, if the user may read it, else None."""
        if res_model not in PERSON_MODELS or not res_id:
            return None
        record = self.env[res_model].browse(res_id).exists()
        return record if record and record.has_access("read") else None

    def _readable_linked_record(self):
        """The conversation's record, if the user may read it, else None."""
        record = self._get_record()
        if record is None or not record.has_access("read"):
            return None
        return record

    # === Screen ===

    @api.model
    def conversation_data(self, conversation_id=False, shown=False, sender_id=False):
        """All that the screen needs to open.

        :param conversation_id: or, without one, `shown`: the last active one of that record
        :param sender_id: of these, the one with this number
        :return: `_screen_data`, or {'locked': sentence} when another salesperson has it
        """
        if conversation_id:
            conversation = self.browse(conversation_id)._check_reader(shown)
            return conversation._screen_data(self._shown_record(conversation, shown), conversation)
        record = self._check_record(shown)
        there = self._find_by_record(record)
        mine = there.filtered(lambda c: c.with_env(self.env)._is_readable(shown))
        if there and not mine:
            names = ", ".join(there.responsible_id.mapped("name"))
            return {
                "locked": self.env._(
                    "This conversation is assigned to %s. They or a manager can reassign it.",
                    names or self.env._("another salesperson"),
                )
            }
        chosen = mine.filtered(lambda c: c.sender_id.id == sender_id)[:1] if sender_id else mine[:1]
        return chosen._screen_data(record, mine, sender_id)

    @api.model
    def _find_by_record(self, record):
        """Conversations with the recipients behind a record, the last active first. All rights."""
        messages, people = self.env["waba.message"].sudo(), self.env["waba.recipient"].sudo()
        portfolios = self.env["waba.portfolio"].sudo().search([])  # pylint: disable=no-search-all
        written = messages._read_group(
            [("res_model", "=", record._name), ("res_id", "=", record.id)], ["recipient_id"]
        )
        found = people.concat(*(person for (person,) in written))
        found |= record._waba_people(portfolios)[record.id]
        return self.sudo().search(
            [
                ("recipient_id", "in", found.ids),
                ("sender_id.company_id", "in", self.env.companies.ids),
            ],
            order="last_inbound_at desc nulls last, id desc",
        )

    def _shown_record(self, conversation, shown):
        """The record to write about: the one shown, else the one last written about."""
        record = self._readable_record(*shown) if shown else None
        if record is None:
            record = self._readable_record(conversation.res_model, conversation.res_id)
        return record

    def _screen_data(self, record, all_of_record, sender_id=False):
        """Everything that the screen shows.

        :param self: one conversation with all rights, or none before the first message
        :param all_of_record: the record's conversations, whose numbers are offered first
        """
        senders = self._available_senders(all_of_record)
        sender = self.sender_id or senders.filtered(lambda s: s.id == sender_id) or senders[:1]
        person = self.recipient_id
        known = record._waba_person_facts()["name"] if record is not None else ""
        name = self._display_person_name() if self else known
        if known and name == person.number:
            name = known
        return {
            "locked": False,
            "id": self.id,
            "uid": self.env.uid,
            "name": name or (record.display_name if record else ""),
            "number": person.number or person._handle() or self._shown_number(record),
            "may_ask_number": bool(self) and not person.number,
            "record": record is not None
            and {"model": record._name, "id": record.id, "name": record.display_name},
            "sender": _id_and_name(sender),
            "senders": [_id_and_name(option) for option in senders],
            "presence": sender.company_id.waba_presence if sender else "none",
            "why_not_sending": sender._not_sending_reason() if sender else False,
            "limits": {kind: list(types) for kind, types in media_policy.TYPES.items()},
            "accept": ",".join(
                sorted(t for kind in media_policy.TYPES for t in media_policy.TYPES[kind]
                       if kind != "sticker")
            ),
            **self._state_data(),
            **self._page_data(record),
        }  # fmt: skip

    def _shown_number(self, record):
        if record is None:
            return False
        people = self.env["waba.recipient"]
        shown = people._number_of(record) or record.sudo().waba_identity
        return shown or people._raw_number(record) or False

    def _available_senders(self, conversations):
        """Numbers that can write to this recipient: those that have, then the others."""
        others = (
            self.env["waba.sender"].sudo().search([("company_id", "in", self.env.companies.ids)])
        )
        return conversations.sender_id | others

    def _state_data(self):
        """What changes without a new message: window, salesperson, reader, possible opt-out."""
        person = self.recipient_id
        return {
            "now": fields.Datetime.to_string(fields.Datetime.now()),
            "window_until": _format_datetime(self.window_expires_at),
            "free_until": _format_datetime(self.free_until_at),
            "waiting_since": _format_datetime(self.waiting_since),
            "unread": self.unread_count,
            "responsible": _id_and_name(self.responsible_id),
            "is_mine": bool(self) and self.responsible_id.id == self.env.uid,
            "inbox_state": self.inbox_state,
            "is_blocked": self.is_blocked,
            "held_text": self._held_text(),
            "snoozed_until": _format_datetime(self.snoozed_until),
            "seen": {
                "by": self.seen_by_id.name,
                "uid": self.seen_by_id.id,
                "at": _format_datetime(self.seen_at),
            }
            if self.seen_by_id
            else False,
            "may_opt_out": bool(person.may_opt_out_at),
            "may_opt_out_text": person.may_opt_out_text or "",
        }

    @api.model
    def _time_left(self, left):
        """'3 h 20 min', or False when no time is left."""
        minutes = int(left.total_seconds() // 60)
        if left <= timedelta():
            return False
        if minutes < 60:
            return self.env._("%s min", minutes)
        return self.env._("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)

    # === Messages ===

    @api.model
    def conversation_older(self, conversation_id, before_id, shown=False):
        """The page of messages before one."""
        conversation = self.browse(conversation_id)._check_reader(shown)
        return conversation._page_data(self._shown_record(conversation, shown), before_id)

    @api.model
    def conversation_poll(self, conversation_id, shown=False):
        """What a screen without a bus compares."""
        return self.browse(conversation_id)._check_reader(shown)._fingerprint()

    def _page_data(self, record, before_id=False):
        ids = self._page_ids(before_id) if self else self._record_message_ids(record)
        messages = self.env["waba.message"].sudo().browse(sorted(ids[:PAGE]))
        return {
            "messages": messages._format_bubbles(record),
            "has_older": len(ids) > PAGE,
            "oldest_id": ids[:PAGE][-1] if ids else False,
            "last_id": max(ids, default=False) if not before_id else False,
            "fingerprint": self._fingerprint() if self else "",
        }

    @api.model
    def _record_message_ids(self, record):
        """Ids of the newest messages about a record that has no conversation yet, a campaign's for
        instance: those that its button counts, with the rights of the user."""
        if record is None:
            return []
        about = [("res_model", "=", record._name), ("res_id", "=", record.id)]
        return record.env["waba.message"].search(about, order="id desc", limit=PAGE).ids

    def _page_ids(self, before_id=False):
        """Ids of the newest PAGE messages before one, and one more when there are older ones.

        Those from before the number was connected come last, by when they were written: they were
        stored later than newer ones.
        """
        self.env["waba.message"].flush_model()
        before = self.env["waba.message"].sudo().browse(before_id or [])
        ids = []
        if before.direction not in PAST_DIRECTIONS:
            condition = SQL("AND m.id < %s", before_id) if before_id else SQL()
            ids = self._select_ids(SQL("NOT IN"), condition, SQL("m.id DESC"), PAGE + 1)
            before_id = False
        if len(ids) <= PAGE:
            condition = SQL()
            if before_id:
                condition = SQL("AND (m.sent_at, m.id) < (%s, %s)", before.sent_at, before_id)
            order = SQL("m.sent_at DESC, m.id DESC")
            ids += self._select_ids(SQL("IN"), condition, order, PAGE + 1 - len(ids))
        return ids

    def _select_ids(self, is_past, condition, order, count):
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM waba_message m
                    WHERE m.recipient_id = %s AND m.sender_id = %s AND m.direction %s %s AND %s %s
                    ORDER BY %s LIMIT %s""",
                self.recipient_id.id,
                self.sender_id.id,
                is_past,
                PAST_DIRECTIONS,
                SHOWN_MESSAGES_SQL,
                condition,
                order,
                count,
            )
        )
        return [id_ for (id_,) in rows]

    def _fingerprint(self):
        """Changes when anything on the newest page does; polled by screens without a bus."""
        self.env["waba.message"].flush_model()
        self.env["waba.media"].flush_model()
        self.flush_recordset()
        [[found]] = self.env.execute_query(
            SQL(
                """SELECT md5(string_agg(CONCAT_WS('/', p.id, p.state, p.failure_type,
                                                   p.retry_at, p.files), ','))
                     FROM (SELECT m.id, m.state, m.failure_type, m.retry_at,
                                  (SELECT string_agg(CONCAT(f.state, f.reason), '+')
                                     FROM waba_media f WHERE f.message_id = m.id) AS files
                             FROM waba_message m
                            WHERE m.recipient_id = %s AND m.sender_id = %s
                            ORDER BY m.id DESC LIMIT %s) p""",
                self.recipient_id.id,
                self.sender_id.id,
                PAGE,
            )
        )
        shown = (
            self.responsible_id.id, self.unread_count, self.window_expires_at, self.inbox_state,
            self.is_blocked, self.free_until_at, self._held_until(),
        )  # fmt: skip
        return "/".join(map(str, (found, *shown, self.recipient_id.may_opt_out_at)))

    # === Read, answer, assign ===

    @api.model
    def conversation_seen(self, conversation_id, shown=False):
        """Mark it as read by the user.

        :return: `_state_data`
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        if conversation.unread_count:
            conversation._mark_seen()
            conversation._notify_viewers()
        return conversation._state_data()

    def _mark_seen(self):
        now = fields.Datetime.now()
        self.filtered("unread_count").write(
            {"unread_count": 0, "seen_at": now, "seen_by_id": self.env.uid}
        )

    @api.model
    def conversation_typing(self, conversation_id, shown=False):
        """Show other users who have it open that this one is answering."""
        conversation = self.browse(conversation_id)._check_reader(shown)
        conversation._notify_viewers("typing", uid=self.env.uid, name=self.env.user.name)
        return True

    def _record_answer(self, user):
        """A user answered: nothing waits, and an unassigned conversation becomes theirs."""
        self._restart_automatic_replies()
        for conversation in self:
            values = {"waiting_since": False, "unread_count": 0}
            if not conversation.responsible_id:
                values["responsible_id"] = user.id
            conversation.write(values)

    @api.model
    def conversation_colleagues(self, conversation_id, shown=False):
        """Users whom it can be assigned to: [{'id', 'name'}]."""
        conversation = self.browse(conversation_id)._check_reader(shown)
        users = self.env.ref(USER_GROUP).sudo().all_user_ids.filtered(
            lambda user: user.active and not user.share
            and conversation.sender_id.company_id in user.company_ids
        )  # fmt: skip
        return [_id_and_name(user) for user in users.sorted("name")[:100]]

    @api.model
    def conversation_assign(self, conversation_id, user_id=False, shown=False):
        """Assign it to a user, or to nobody.

        :return: `_state_data`
        :raise UserError: conversations of this number cannot be assigned to the user
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        allowed = {user["id"] for user in self.conversation_colleagues(conversation_id, shown)}
        if user_id and user_id not in allowed:
            raise UserError(
                self.env._("This user cannot be assigned conversations of this number.")
            )
        conversation._assign(self.env["res.users"].browse(user_id))
        return conversation._state_data()

    def _assign(self, user):
        self.responsible_id = user
        self._notify_viewers()

    # === Possible opt-out ===

    @api.model
    def conversation_review_opt_out(self, conversation_id, opts_out, shown=False):
        """Review a possible opt-out.

        :param opts_out: whether what they wrote was an opt-out
        :return: `_state_data`
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        conversation.recipient_id._apply_review(bool(opts_out))
        return conversation._state_data()

    def _review_as_reader(self, opts_out):
        for conversation in self:
            conversation._check_reader().recipient_id._apply_review(opts_out)


class WabaMedia(models.Model):
    _inherit = "waba.media"

    def _format_file(self, record):
        """For the screen; `show` is how: an image, a player, or a file to save."""
        self.ensure_one()
        mimetype = self.mimetype or ""
        show = "file"
        if mimetype in media_policy.INLINE_TYPES:
            show = "image"
        elif mimetype in media_policy.PLAYER_TYPES:
            show = mimetype.split("/")[0]
        is_here = bool(self.attachment_id) and (self.state == "done" or self.direction == "out")
        shown = f"?res_model={record._name}&res_id={record.id}" if record else ""
        return {
            "id": self.id,
            "name": self.name or "",
            "size": self.size,
            "show": show,
            "state": self.state,
            "reason": self.reason or "",
            "url": f"/waba/media/{self.id}{shown}" if is_here else False,
        }


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def action_confirm_opt_out(self):
        self._review_as_reader(True)

    def action_keep_subscribed(self):
        self._review_as_reader(False)

    def _review_as_reader(self, opts_out):
        """Any user who may read what they wrote may review it."""
        self.check_access("read")
        for person in self:
            if conversation := person._review_conversation():
                conversation._check_reader()
            person.sudo()._apply_review(opts_out)


def _id_and_name(record):
    """{'id', 'name'} of a record, or False."""
    return {"id": record.id, "name": record.display_name} if record else False


def _format_datetime(value):
    return fields.Datetime.to_string(value) if value else False
