from odoo import fields, models
from odoo.tools import format_datetime

from ..policy import media as media_policy
from .labels import labels_of
from .waba_message_talk import KIND_ICONS, KIND_WORDS

# These are shown at the message that they are about, not as one of their own.
MARKS = ("edit", "revoke")


class WabaMessage(models.Model):
    """Messages as plain values for the conversation's screen, many at once. All rights: whoever
    asks was checked (waba_conversation_view.py)."""

    _inherit = "waba.message"

    def _as_bubbles(self, record):
        """These messages in the order they were written.

        :param record: the lead or contact they are shown on, or None
        """
        marks = self._marks_on_them()
        reactions = self._reactions_to_them()
        quotes = self._quotes_in_them()
        wamids = {message.wamid for message in self if message.wamid}
        shown = self.filtered(lambda m: m.kind not in MARKS or m.about_wamid not in wamids)
        bubbles = []
        for message in shown.sorted(lambda m: (m._said_at(), m.id)):
            bubbles.append(
                {
                    **message._as_bubble(record),
                    **marks.get(message.wamid, {}),
                    "reactions": reactions.get(message.wamid, []),
                    "quote": quotes.get(message.about_wamid, False),
                }
            )
        return bubbles

    def _as_bubble(self, record):
        self.ensure_one()
        text = self._own_text()
        is_template = bool(self.template_id)
        details = self.details or {}
        return {
            "id": self.id,
            "is_ours": self.direction == "out",
            "kind": self.kind,
            "word": self.env._(KIND_WORDS[self.kind]) if self.kind in KIND_WORDS else "",
            "icon": KIND_ICONS.get(self.kind, ""),
            "at": fields.Datetime.to_string(self._said_at()),
            "text": text if not is_template else "",
            "html": str(self.preview_html or "") if is_template else "",
            "is_button": bool(self.payload) or self.kind in ("button", "interactive"),
            "state": self.state,
            "state_text": self._state_text(),
            "reason": self._reason_text(),
            "by": self._by_whom(),
            "place": self._as_place(details),
            "contacts": details.get("contacts", []),
            "order": details.get("order", []),
            "is_forwarded": bool(details.get("forwarded")),
            "is_voice": bool(details.get("voice")),
            "files": [media._as_file(record) for media in self.media_ids],
            "edited": False,
            "is_revoked": False,
        }

    def _state_text(self):
        """'Read, 27 Nov 2026 14:02', for the ticks."""
        if self.direction == "in":
            return ""
        labels = labels_of(self, "state")
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
            reasons = labels_of(self, "failure_type")
            return self.failure_reason or reasons.get(self.failure_type, False)
        if self.state != "queued":
            return False
        if self.is_uploading:
            return self.env._("The file is being handed to WhatsApp.")
        if self.retry_at and self.retry_at > fields.Datetime.now():
            when = format_datetime(self.env, self.retry_at, dt_format="short")
            return self.env._("It leaves after %s.", when)
        return self.sender_id._why_not_sending()

    def _by_whom(self):
        """Who of us wrote it: a colleague, a campaign, a rule."""
        if self.direction == "in":
            return ""
        if self.campaign_id:
            return self.env._("Campaign %s", self.campaign_id.name)
        if self.origin in ("manual", "test"):
            return self.user_id.name or ""
        return labels_of(self, "origin").get(self.origin, "")

    def _as_place(self, details):
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

    def _about_them(self, kinds):
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

    def _marks_on_them(self):
        """{wamid: what changed at that message}."""
        marks = {}
        for mark in self._about_them(list(MARKS)):
            values = marks.setdefault(mark.about_wamid, {})
            if mark.kind == "edit":
                values["edited"] = mark._own_text()
            else:
                values["is_revoked"] = True
        return marks

    def _reactions_to_them(self):
        """{wamid: [emoji]}: the last one counts, and taking it back removes it."""
        last = {}
        for reaction in self._about_them(["reaction"]):
            last[reaction.about_wamid, reaction.direction] = reaction._own_text()
        found = {}
        for (wamid, _direction), emoji in last.items():
            if emoji:
                found.setdefault(wamid, []).append(emoji)
        return found

    def _quotes_in_them(self):
        """{wamid: what these messages quote}."""
        wamids = {m.about_wamid for m in self if m.about_wamid and m.kind not in MARKS}
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

    def _as_file(self, record):
        """For the screen; `show` is how: a picture, a player, or a file to save."""
        self.ensure_one()
        mimetype = self.mimetype or ""
        show = "file"
        if mimetype in media_policy.SHOWN:
            show = "image"
        elif mimetype in media_policy.PLAYED:
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
