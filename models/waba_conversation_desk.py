from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .window_actions import form_action

# Not yet urgent, and late enough that whoever looks after lunch still finds it open.
CLOSING_SOON = timedelta(hours=4)
WINDOW_STATES = [
    ("open", "Open"),
    ("closing", "Closing soon"),
    ("closed", "Closed"),
]
# Rows that are no part of what was said: withdrawn, or left out of a campaign. A message that a
# person wrote and that could not go is shown, with the reason.
SHOWN_MESSAGES_SQL = SQL(
    "m.kind <> 'reaction' AND m.state <> 'cancelled'"
    " AND (m.state <> 'skipped' OR m.campaign_id IS NULL)"
)


class WabaConversation(models.Model):
    """The desk: whose turn it is, who is on it, how long it can be answered freely."""

    _inherit = "waba.conversation"

    last_message_id = fields.Many2one(
        "waba.message", "Last message", compute="_compute_last_message", compute_sudo=True
    )
    last_text = fields.Char("Last words", compute="_compute_last_message", compute_sudo=True)
    last_at = fields.Datetime("Last at", compute="_compute_last_message", compute_sudo=True)
    last_is_ours = fields.Boolean(compute="_compute_last_message", compute_sudo=True)
    window_state = fields.Selection(
        WINDOW_STATES,
        "Can be answered",
        compute="_compute_window_state",
        search="_search_window_state",
    )
    window_text = fields.Char("Time left", compute="_compute_window_state")
    person_number = fields.Char("Their number", related="recipient_id.number")
    record_name = fields.Char("About", compute="_compute_record_name")

    @api.depends("recipient_id", "sender_id")
    def _compute_last_message(self):
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id, m.id FROM waba_conversation c
                    CROSS JOIN LATERAL (
                          SELECT m.id FROM waba_message m
                           WHERE m.recipient_id = c.recipient_id AND m.sender_id = c.sender_id
                             AND %s
                           ORDER BY m.id DESC LIMIT 1) m
                    WHERE c.id = ANY(%s)""",
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
            conversation.last_is_ours = message.direction == "out"

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
    def _time_left(self, left):
        """'3 h 20 min', or False when nothing is left."""
        minutes = int(left.total_seconds() // 60)
        if left <= timedelta():
            return False
        if minutes < 60:
            return self.env._("%s min", minutes)
        return self.env._("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)

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

    def _readable_linked_record(self):
        """Their record when the current user may read it, else None."""
        record = self._get_record()
        if record is None or not record.has_access("read"):
            return None
        return record

    # ------------------------------------------------------------------
    # Who is on it
    # ------------------------------------------------------------------

    def _assign(self, user):
        self.responsible_id = user
        self._notify_viewers()

    def _mark_seen(self):
        """Whoever opened it has read what is there."""
        now = fields.Datetime.now()
        self.filtered("unread_count").write(
            {"unread_count": 0, "seen_at": now, "seen_by_id": self.env.uid}
        )

    def _record_answer(self, user):
        """A person answered: nobody waits any more, and an unassigned one becomes theirs."""
        self._restart_automatic_replies()
        for conversation in self:
            values = {"waiting_since": False, "unread_count": 0}
            if not conversation.responsible_id:
                values["responsible_id"] = user.id
            conversation.write(values)

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
