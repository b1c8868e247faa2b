"""Consent: opt-out and opt-in keywords of each company, edited by managers.

Read by the webhook and inbound routing (`_company_keywords`); created by data/ at installation.
"""

from collections import defaultdict

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ...policy import intent


class WabaConsentWord(models.Model):
    """An opt-out keyword, or one by which people who opted out opt in again.

    `|` separates alternatives: "no more messages|offers" is two phrases. Case, accents and
    punctuation are ignored. The shipped ones are `policy.intent.SHIPPED`; a manager archives those
    that should not apply. `policy.intent` matches them against messages, and recognises whole
    sentences ("stop sending me messages") without them.
    """

    _name = "waba.consent.word"
    _description = "WhatsApp Opt-out Keyword"
    _inherit = ["waba.system.fields.mixin"]
    _order = "action desc, language, phrase"
    _rec_name = "phrase"

    active = fields.Boolean(default=True)
    phrase = fields.Char(
        required=True,
        help="Separate alternatives with |: no more messages|offers; case and accents are ignored.",
    )
    action = fields.Selection(
        [("opt_out", "Opt-out"), ("opt_in", "Opt-in")],
        required=True,
        default="opt_out",
        help="An opt-in keyword only applies to people who had opted out.",
    )
    strength = fields.Selection(
        [("strong", "Opts out immediately"), ("ambiguous", "Needs review")],
        "Effect",
        required=True,
        default="strong",
        help="Needs review: promotions are on hold until a user has read the message.",
    )
    language = fields.Selection(
        [("en", "English"), ("es", "Spanish"), ("pt", "Portuguese"), ("fr", "French"),
         ("other", "Other")],
        required=True,
        default="other",
        help="For sorting only: every keyword applies to all languages.",
    )  # fmt: skip
    match = fields.Selection(
        [("whole", "Whole message"), ("anywhere", "Anywhere in the message")],
        required=True,
        default="whole",
        help="Use “anywhere” only for phrases that always mean an opt-out.",
    )
    company_id = fields.Many2one(
        "res.company", ondelete="cascade", help="Leave empty for all companies."
    )

    @api.constrains("phrase", "action", "active", "company_id")
    def _check_phrase(self):
        self._check_readable()
        self._check_one_meaning()

    def _check_readable(self):
        """`policy.intent` can expand each phrase."""
        faults = {
            "empty": self.env._("each alternative needs a letter or digit"),
            "long": self.env._("a phrase has at most %s words", intent.MAX_WORDS),
            "many": self.env._("it has more than %s alternatives", intent.MAX_PHRASES),
        }
        for word in self:
            try:
                intent.expand(word.phrase)
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "“%(phrase)s” cannot be used: %(fault)s.",
                        phrase=word.phrase,
                        fault=faults[str(error)],
                    )
                ) from error

    def _check_one_meaning(self):
        """No phrase is both an opt-out and an opt-in for the same company."""
        for word in self.filtered("active"):
            phrases = intent.expand(word.phrase)
            companies = Domain("company_id", "in", (False, word.company_id.id))
            others = self.search(
                Domain("action", "!=", word.action)
                & (companies if word.company_id else Domain.TRUE)
            )
            for other in others:
                if both := phrases & intent.expand(other.phrase):
                    raise ValidationError(
                        self.env._(
                            "“%s” is already a keyword with the opposite meaning. Archive or "
                            "change that "
                            "one first.",
                            min(both),
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @tools.ormcache("company_id")
    def _company_keywords(self, company_id):
        """The keywords that apply to a company, as `policy.intent.RequestPhrases`."""
        phrases = defaultdict(frozenset)
        for word in self.sudo().search([("company_id", "in", (False, company_id))]):
            key = "ambiguous" if word._is_ambiguous() else word.action
            phrases[key, word.match] |= intent.expand(word.phrase)
        return intent.RequestPhrases(
            opt_out=phrases["opt_out", "whole"],
            ambiguous=phrases["ambiguous", "whole"],
            opt_in=phrases["opt_in", "whole"],
            opt_out_anywhere=phrases["opt_out", "anywhere"],
            ambiguous_anywhere=phrases["ambiguous", "anywhere"],
            opt_in_anywhere=phrases["opt_in", "anywhere"],
        )

    def _is_ambiguous(self):
        return (self.action, self.strength) == ("opt_out", "ambiguous")

    @api.model
    def _load_default_keywords(self):
        """Create the shipped keywords; those that exist keep the manager's changes."""
        self._load_records(
            [
                {
                    "xml_id": f"waba_campaign.consent_word_{action}_{language}_{_slug(pattern)}",
                    "noupdate": True,
                    "values": {
                        "phrase": pattern,
                        "action": action,
                        "strength": strength,
                        "language": language,
                    },
                }
                for action, by_strength in intent.SHIPPED.items()
                for strength, languages in by_strength.items()
                for language, patterns in languages.items()
                for pattern in patterns
            ],
            update=True,
        )


def _slug(pattern):
    return pattern.replace("|", "_or_").replace(" ", "_")
