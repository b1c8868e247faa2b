"""Campaign: its message in several languages, each recipient in theirs.

Called by the campaign's form, its rows and its launch checks.
"""

from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ...policy.template_language import choose_language
from ..tools.labels import language_name
from ..tools.phone_countries import number_languages

# Of a variable of the campaign's own message, what every language takes over.
SHARED_FIELDS = ("source", "field_path", "offer_ends_at", "hours", "in_recipient_zone")
# What a language keeps once it was translated.
TRANSLATED_FIELDS = ("text", "fallback", "file_id")


class WabaCampaignLanguage(models.Model):
    """One more language of a campaign's message: a version of its template, and its texts.

    The campaign's own template is the default language. A version has the same name, account and
    variables; its variables show the same fields, and only texts and fallbacks differ.
    """

    _name = "waba.campaign.language"
    _description = "WhatsApp Campaign Language"
    _inherit = ["waba.system.fields.mixin"]
    _order = "language, id"

    campaign_id = fields.Many2one("waba.campaign", required=True, ondelete="cascade", index=True)
    template_id = fields.Many2one(
        "waba.template", required=True, ondelete="restrict", index=True,
        domain="[('id', 'in', allowed_template_ids)]",
    )  # fmt: skip
    allowed_template_ids = fields.Many2many(
        "waba.template", compute="_compute_allowed_template_ids"
    )
    language = fields.Char(related="template_id.language", store=True)
    language_name = fields.Char("Name", compute="_compute_language_name")
    status = fields.Selection(related="template_id.status")
    body = fields.Text(related="template_id.body")
    variable_ids = fields.One2many(
        "waba.campaign.variable", "language_id", "Variables", copy=True,
        domain=[("variant", "=", "language")],
    )  # fmt: skip
    template_signature = fields.Char(readonly=True, copy=False)

    _template_uniq = models.Constraint(
        "UNIQUE(campaign_id, template_id)", "This language is already in the campaign."
    )

    @api.depends("language")
    @api.depends_context("lang")
    def _compute_language_name(self):
        for line in self:
            line.language_name = language_name(self.env, line.language)

    @api.depends("campaign_id.template_id")
    def _compute_allowed_template_ids(self):
        for line in self:
            line.allowed_template_ids = line.campaign_id.template_id._language_versions()

    @api.constrains("template_id", "campaign_id")
    def _check_version(self):
        for line in self:
            ours, version = line.campaign_id.template_id, line.template_id
            if version == ours or (version.account_id, version.name) != (
                ours.account_id,
                ours.name,
            ):
                raise ValidationError(
                    self.env._(
                        "%(version)s is not another language of %(template)s. Choose a template "
                        "with the same name and account.",
                        version=version.display_name,
                        template=ours.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.campaign_id._check_not_launched()
        for line in lines.filtered(lambda line: not line.variable_ids):
            line.variable_ids = line._variable_commands()
        lines.campaign_id._cancel_permissions_if_changed()
        return lines

    def write(self, vals):
        campaigns = self.campaign_id
        if {"campaign_id", "template_id"}.intersection(vals):
            campaigns._check_not_launched()
        result = super().write(vals)
        if "campaign_id" in vals:
            # A move to another campaign changes both.
            self.campaign_id._check_not_launched()
        if "template_id" in vals and "variable_ids" not in vals:
            for line in self:
                line.variable_ids = [Command.clear(), *line._variable_commands()]
        (campaigns | self.campaign_id)._cancel_permissions_if_changed()
        return result

    def unlink(self):
        campaigns = self.campaign_id
        campaigns._check_not_launched()
        # Not by the database's cascade: a variable's own checks and effects apply.
        self.variable_ids.unlink()
        result = super().unlink()
        campaigns._cancel_permissions_if_changed()
        return result

    def _variable_commands(self):
        """Commands that create this version's variables, filled as the campaign's own."""
        ours = {line._key(): line for line in self.campaign_id.variable_ids}
        commands = self.campaign_id._variable_commands(self.template_id)
        for command, variable in zip(commands, self.template_id.variable_ids, strict=True):
            command[2].update({"variant": "language", "campaign_id": self.campaign_id.id})
            if own := ours.get(variable._key()):
                command[2].update(own._plain_values((*SHARED_FIELDS, *TRANSLATED_FIELDS)))
        return commands

    def _check_sendable(self):
        """Check that this version can stand for the campaign's own message.

        :raise UserError: with the first problem
        """
        campaign = self.campaign_id
        if reason := self.template_id._not_sendable_reason():
            raise UserError(reason)
        if self.template_id.category != campaign.template_id.category:
            raise UserError(
                self.env._(
                    "%s has another category than the default language: exclusions and prices "
                    "differ. Remove this language, or correct its category at Meta.",
                    self.template_id.display_name,
                )
            )
        if self.template_id.signature != campaign.template_id.signature:
            raise UserError(
                self.env._(
                    "%s has other variables than the default language. Remove this language, or "
                    "align its variables.",
                    self.template_id.display_name,
                )
            )
        campaign._check_variant_variables(self.template_id, self.variable_ids)

    def _repeated_texts(self):
        """The variables whose fixed text is the same as in the default language."""
        ours = {line._key(): line for line in self.campaign_id.variable_ids}
        return self.variable_ids.filtered(
            lambda line: (
                line.kind == "text"
                and any(
                    line[name] and line[name] == ours[line._key()][name]
                    for name in (("text",) if line.source == "text" else ("fallback",))
                    if line._key() in ours
                )
            )
        )


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    def _language_versions(self):
        """The other approved languages of this template that have the same variables."""
        if not self.account_id:
            return self.browse()
        return self.search(
            [
                ("account_id", "=", self.account_id.id),
                ("name", "=", self.name),
                ("id", "not in", self._origin.ids),
                ("signature", "=", self.signature),
                ("status", "=", "approved"),
                ("unsupported", "=", False),
            ],
            order="language",
        )


class LanguageChoice:
    """Chooses the version of a campaign's message for many recipients.

    :param campaign: waba.campaign with `by_language`
    """

    def __init__(self, campaign):
        self._default = campaign.template_id.language
        self._versions = [self._default, *campaign.language_ids.mapped("language")]
        # With a single language in the database, every contact has it, and it says nothing.
        self._trusts_contacts = len(campaign.env["res.lang"].get_installed()) > 1
        self._choices = {}

    def key(self, address, record, facts):
        """The key in `_variant_messages` for one recipient: by the contact, then the country.

        :param address: E.164 number, Meta's user id, or ''
        :param facts: `record._waba_person_facts()`
        """
        wanted = (self._contact_language(record, facts), *number_languages(address))
        if wanted not in self._choices:
            chosen = choose_language(wanted, self._versions)
            self._choices[wanted] = "a" if chosen in (None, self._default) else chosen
        return self._choices[wanted]

    def _contact_language(self, record, facts):
        if not self._trusts_contacts:
            return ""
        own = record.lang_id.code if "lang_id" in record._fields else False
        return own or facts["partner"].lang or ""


def count_languages(campaign, keys):
    """[(language's name, recipients)] of these keys of `_variant_messages`, most first."""
    names = {"a": campaign.template_id.language}
    counts = Counter(names.get(key, key) for key in keys)
    return [(language_name(campaign.env, code), count) for code, count in counts.most_common()]
