from odoo import fields, models

from ..policy import intent
from .waba_message import POSSIBLE_OPT_OUT

# Kinds whose text a person chose or wrote. Not a place's address, a shared contact's name, a
# reaction, or what WhatsApp reports.
CLASSIFIED_KINDS = frozenset(
    ("text", "button", "interactive", "image", "video", "audio", "document", "sticker", "order",
     "edit", "template", "unknown", "unsupported")
)  # fmt: skip


class WabaMessage(models.Model):
    """What a message asks of us: an opt-out, one that a person must confirm, an opt-in."""

    _inherit = "waba.message"

    wish = fields.Selection(
        [("opt_out", "Opt-out"), (POSSIBLE_OPT_OUT, "May be an opt-out"), ("opt_in", "Opt-in")],
        "Read as",
        readonly=True,
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
