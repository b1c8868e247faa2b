from datetime import datetime

from markupsafe import Markup
from odoo import fields, models
from odoo.tools import LazyTranslate

from .waba_message import POSSIBLE_OPT_OUT

_lt = LazyTranslate(__name__)

REVIEW_ACTIVITY = "waba_campaign.activity_type_may_opt_out"

# What a message is called where its text alone says nothing.
KIND_LABELS = {
    "image": _lt("Photo"),
    "video": _lt("Video"),
    "audio": _lt("Voice message"),
    "document": _lt("Document"),
    "sticker": _lt("Sticker"),
    "location": _lt("Place"),
    "contacts": _lt("Contact"),
    "order": _lt("Order"),
    "reaction": _lt("Reaction"),
    "template": _lt("Template"),
    "system": _lt("Notice from WhatsApp"),
    "edit": _lt("They changed a message"),
    "revoke": _lt("They deleted a message"),
    "unsupported": _lt("A kind of message that WhatsApp does not hand over; see it on the phone"),
    "unknown": _lt("A kind of message that WhatsApp does not hand over; see it on the phone"),
}
KIND_ICONS = {
    "image": "fa-camera", "video": "fa-video-camera", "audio": "fa-microphone",
    "document": "fa-file-text-o", "sticker": "fa-smile-o", "location": "fa-map-marker",
    "contacts": "fa-user", "order": "fa-shopping-cart", "template": "fa-file-text",
    "unsupported": "fa-question-circle-o", "unknown": "fa-question-circle-o",
}  # fmt: skip


class WabaMessage(models.Model):
    """What a message says, whatever its kind."""

    _inherit = "waba.message"

    about_wamid = fields.Char(
        "Message it is about",
        readonly=True,
        help="WhatsApp's id of the message that this one quotes, reacts to, changes or deletes.",
    )
    details = fields.Json(readonly=True, help="A place, contact cards, an order: see cloud_api.")

    def _company_record(self, company):
        """The record of this message, None when it is another company's."""
        self.ensure_one()
        return self._get_record() if self.company_id in (company, company.browse()) else None

    def _written_text(self):
        """What was written, '' where the row keeps only '[image]'."""
        self.ensure_one()
        return "" if self.text == f"[{self.kind}]" else self.text or ""

    def _summary(self):
        """One line for lists: the text, else what it is."""
        self.ensure_one()
        text = self._written_text() if self.text else self.body
        word = self.env._(KIND_LABELS[self.kind]) if self.kind in KIND_LABELS else ""
        if self.kind == "document" and self.media_ids:
            word = self.media_ids[0].name or word
        return " ".join((text or word or self.kind or "").split())[:160]

    def _written_at(self):
        """When it was written: theirs as WhatsApp says, ours when it left, else was made."""
        self.ensure_one()
        left_at = self.sent_at if self.direction == "in" else self.accepted_at or self.sent_at
        # What was written to the table manually may have neither.
        return left_at or self.create_date or datetime(2009, 1, 1)

    def _map_url(self):
        """Where a place is on a map, or False."""
        place = self.details or {}
        if "latitude" not in place or "longitude" not in place:
            return False
        point = f"{place['latitude']:.6f},{place['longitude']:.6f}"
        return f"https://www.google.com/maps/search/?api=1&query={point}"

    def _details_html(self):
        """Place and contacts for the chatter, as safe HTML."""
        self.ensure_one()
        parts = []
        if url := self._map_url():
            words = (self.details or {}).get("address") or self.env._("Show on the map")
            parts.append(
                Markup('<a href="%s" target="_blank" rel="noreferrer">%s</a>') % (url, words)
            )
        for card in (self.details or {}).get("contacts", []):
            reach = ", ".join([*card.get("phones", []), *card.get("emails", [])])
            parts.append(Markup("%s: %s") % (card.get("name", ""), reach))
        for line in (self.details or {}).get("order", []):
            words = f"{line['quantity']} × {line['product']} ({line['price']} {line['currency']})"
            parts.append(Markup("%s") % words)
        return Markup("<br/>").join(parts)

    # ------------------------------------------------------------------
    # Possible opt-outs
    # ------------------------------------------------------------------

    def _create_review_activity(self):
        """Whoever is on it finds it among their activities: one per record, until it is settled."""
        self.ensure_one()
        record = self._get_record()
        user = self.user_id or self._find_conversation().responsible_id
        user = user or self.company_id.waba_lead_user_id
        if record is None or not user or self._open_review_activities(record):
            return
        record.activity_schedule(
            REVIEW_ACTIVITY,
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
        activity_type = self.env.ref(REVIEW_ACTIVITY)
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
