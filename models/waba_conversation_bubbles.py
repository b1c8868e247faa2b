from odoo import fields, models
from odoo.tools import format_datetime

from ..policy import media as media_policy
from .labels import selection_labels
from .waba_message_talk import KIND_ICONS, KIND_LABELS

# These are shown at the message that they are about, not as one of their own.
MARK_KINDS = ("edit", "revoke")


class WabaMessage(models.Model):
    """Messages as plain values for the conversation's screen, many at once. All rights: whoever
    asks was checked (waba_conversation_view.py)."""

    _inherit = "waba.message"

    def _format_bubbles(self, record):
        """These messages in the order they were written.

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
                    "reactions": reactions.get(message.wamid, []),
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
            "is_ours": self.direction == "out",
            "kind": self.kind,
            "word": self.env._(KIND_LABELS[self.kind]) if self.kind in KIND_LABELS else "",
            "icon": KIND_ICONS.get(self.kind, ""),
            "at": fields.Datetime.to_string(self._written_at()),
            "text": text if not is_template else "",
            "html": str(self.preview_html or "") if is_template else "",
            "is_button": bool(self.payload) or self.kind in ("button", "interactive"),
            "state": self.state,
            "state_text": self._state_text(),
            "reason": self._reason_text(),
            "by": self._author_label(),
            "place": self._format_location(details),
            "contacts": details.get("contacts", []),
            "order": details.get("order", []),
            "is_forwarded": bool(details.get("forwarded")),
            "is_voice": bool(details.get("voice")),
            "files": [media._format_file(record) for media in self.media_ids],
            "edited": False,
            "is_revoked": False,
        }

    def _state_text(self):
        """'Read, 27 Nov 2026 14:02', for the ticks."""
        if self.direction == "in":
            return ""
        labels = selection_labels(self, "state")
        at = {
            "accepted": self.accepted_at, "held": self.accepted_at, "sent": self.sent_at,
            "delivered": self.delivered_at, "read": self.read_at, "failed": self.failed_at,
        }.get(self.state)  # fmt: skip
        if not at:
            return labels[self.state]
        return f"{labels[self.state]}, {format_datetime(self.env, at, dt_format='short')}"

    def _reason_text(self):
        """Why it did not go, or does not go yet, in words; False when all is well."""
        if self.state in ("failed", "skipped", "uncertain"):
            reasons = selection_labels(self, "failure_type")
            return self.failure_reason or reasons.get(self.failure_type, False)
        if self.state != "queued":
            return False
        if self.is_uploading:
            return self.env._("The file is being handed to WhatsApp.")
        if self.retry_at and self.retry_at > fields.Datetime.now():
            when = format_datetime(self.env, self.retry_at, dt_format="short")
            return self.env._("It leaves after %s.", when)
        return self.sender_id._not_sending_reason()

    def _author_label(self):
        """Who of us wrote it: a colleague, a campaign, a rule."""
        if self.direction == "in":
            return ""
        if self.campaign_id:
            return self.env._("Campaign %s", self.campaign_id.name)
        if self.origin in ("manual", "test"):
            return self.user_id.name or ""
        return selection_labels(self, "origin").get(self.origin, "")

    def _format_location(self, details):
        if self.kind != "location":
            return False
        return {
            "name": details.get("name") or self.env._("Place"),
            "address": details.get("address", ""),
            "url": self._map_url(),
        }

    # ------------------------------------------------------------------
    # What other messages say of these
    # ------------------------------------------------------------------

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
            ],
            order="sent_at, id",
        )

    def _change_marks(self):
        """{wamid: what changed at that message}."""
        marks = {}
        for mark in self._related_messages(list(MARK_KINDS)):
            values = marks.setdefault(mark.about_wamid, {})
            if mark.kind == "edit":
                values["edited"] = mark._written_text()
            else:
                values["is_revoked"] = True
        return marks

    def _find_reactions(self):
        """{wamid: [emoji]}: the last one counts, and taking it back removes it."""
        last = {}
        for reaction in self._related_messages(["reaction"]):
            last[reaction.about_wamid, reaction.direction] = reaction._written_text()
        found = {}
        for (wamid, _direction), emoji in last.items():
            if emoji:
                found.setdefault(wamid, []).append(emoji)
        return found

    def _find_quotes(self):
        """{wamid: what these messages quote}."""
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
        return {m.wamid: {"is_ours": m.direction == "out", "text": m._summary()} for m in quoted}


class WabaMedia(models.Model):
    _inherit = "waba.media"

    def _format_file(self, record):
        """For the screen; `show` is how: a picture, a player, or a file to save."""
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
