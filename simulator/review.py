"""The review of a template: by a script that a test gives, or by a few rules that can be told.

Source: Meta's "Template review" and "Template categorization" pages and the webhook reference of
message_template_status_update (2026-09): its reasons, and ``rejection_info`` with a
recommendation for INVALID_FORMAT. Which words Meta's reviewers refuse is not published: the
words here only stand for each reason.
"""

import re
from dataclasses import dataclass, field

REASONS = ("ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "INVALID_FORMAT", "NONE", "PROMOTIONAL",
           "SCAM", "TAG_CONTENT_MISMATCH")
SCAM = re.compile(r"you have won|free prize|has ganado|premio gratis|voc[eê] ganhou", re.I)
ABUSIVE = re.compile(r"legal action|acciones legales|processo judicial", re.I)
PERSONAL = re.compile(r"card number|n[uú]mero de (su |tu )?tarjeta|n[uú]mero do (seu )?cart", re.I)
PROMOTION = re.compile(r"\d\s?%|discount|offer\b|sale\b|descuento|oferta|rebajas|promo", re.I)
VAGUE = re.compile(r"\{\{\s*\w+\s*\}\}")
# Meta's page: a text of little more than variables does not say what it is for.
FEWEST_WORDS = 3


@dataclass
class Verdict:
    """``category`` is "" when Meta keeps the one that was chosen."""

    outcome: str = "APPROVED"
    reason: str = "NONE"
    info: dict = field(default_factory=dict)
    category: str = ""


def scripted(world, template):
    """The Verdict a test prepared for this template, used up; None without one."""
    for script in world.reviews:
        if script.get("name") in (None, template.name):
            if script.get("once", True):
                world.reviews.remove(script)
            return Verdict(script.get("outcome", "APPROVED"), script.get("reason", "NONE"),
                           script.get("rejection_info", {}), script.get("category", ""))
    return None


def judged(world, template):
    """The Verdict by the rules of this file."""
    text = all_text(template.components)
    if SCAM.search(text):
        return Verdict("REJECTED", "SCAM")
    if ABUSIVE.search(text) or PERSONAL.search(text):
        return Verdict("REJECTED", "ABUSIVE_CONTENT")
    if len(VAGUE.sub(" ", text).split()) < FEWEST_WORDS:
        return Verdict("REJECTED", "INVALID_FORMAT", {
            "reason": "The template has too little text to tell what it is for.",
            "recommendation": "Add words that say why the customer gets the message."})
    if _has_twin(world, template):
        return Verdict("REJECTED", "INVALID_FORMAT", {
            "reason": "Another template has the same body and footer.",
            "recommendation": "Use the existing template or change the wording."})
    if template.category == "UTILITY" and PROMOTION.search(text):
        return Verdict(category="MARKETING")
    return Verdict()


def all_text(components):
    """Every text of the components and their cards and buttons."""
    texts = []
    for component in components:
        texts.append(component.get("text", ""))
        texts += [button.get("text", "") for button in component.get("buttons", [])]
        texts += [all_text(card["components"]) for card in component.get("cards", [])]
    return "\n".join(text for text in texts if text)


def _has_twin(world, template):
    """Meta's overview: "same wording in body and footer as an existing template"."""
    def wording(one):
        return [c.get("text") for c in one.components if c["type"] in ("BODY", "FOOTER")]

    return any(other is not template and other.language == template.language
               and other.status not in ("DELETED", "REJECTED")
               and wording(other) == wording(template)
               for other in world.account_templates(template.account_id))
