"""Template gallery: starters of our own and Meta's library, to begin a template with.

Called by the menu and buttons of templates. A starter becomes a draft in the builder; a template of
Meta's library is created at once, because Meta has already approved it.
"""

import json
import re

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import LazyTranslate, file_open

from ..cloud_api import CloudApiError, NotSent, UnknownOutcome
from ..models.tools.labels import form_action, language_name

_lt = LazyTranslate(__name__)

STARTERS_FILE = "waba_campaign/data/template_starters.json"
STARTERS = {
    "reactivate": _lt("Reactivate a customer"),
    "quotation": _lt("Follow up a quotation"),
    "offer": _lt("Announce an offer"),
    "event": _lt("Invite to an event"),
    "reminder": _lt("Remind of an appointment"),
    "opt_in": _lt("Ask for opt-in"),
}
# Meta's library: its topics (Template library, 2026-04-09).
TOPICS = [
    ("ACCOUNT_UPDATE", "Account update"),
    ("CUSTOMER_FEEDBACK", "Customer feedback"),
    ("ORDER_MANAGEMENT", "Orders"),
    ("PAYMENTS", "Payments"),
    ("IDENTITY_VERIFICATION", "One-time codes"),
]
NAME = re.compile(r"[a-z0-9_]{1,512}")
MOST_LINES = 60


class WabaTemplateGallery(models.TransientModel):
    """One search: a source, a language, words and a topic; its results are lines."""

    _name = "waba.template.gallery"
    _description = "Template Gallery"
    _inherit = ["waba.system.fields.mixin"]

    account_id = fields.Many2one(
        "waba.account",
        required=True,
        ondelete="cascade",
        default=lambda self: self._default_account(),
    )
    source = fields.Selection(
        [("starters", "Sales starters"), ("library", "WhatsApp library")],
        required=True,
        default="starters",
    )
    language = fields.Selection("_language_selection", default=lambda self: self._user_language())
    search_words = fields.Char("Search")
    topic = fields.Selection(TOPICS)
    line_ids = fields.One2many(
        "waba.template.gallery.line", "gallery_id", "Templates", readonly=True
    )

    @api.model
    def _default_account(self):
        accounts = self.env["waba.account"].search([("company_id", "=", self.env.company.id)])
        return accounts.filtered(lambda account: account.state == "connected")[:1] or accounts[:1]

    @api.model
    def _language_selection(self):
        codes = ("en", "en_US", "es", "es_MX", "pt_BR", "pt_PT", "fr", "de", "it")
        return [(code, language_name(self.env, code)) for code in codes]

    @api.model
    def _user_language(self):
        code = (self.env.user.lang or "en").replace("@", "_")
        if code.startswith("pt"):
            return "pt_BR"
        return "es" if code.startswith("es") else "en"

    @api.model
    def action_open(self):
        """Open the gallery on our starters."""
        gallery = self.create({})
        gallery._fill()
        return gallery._reopen()

    def action_search(self):
        """Show what fits the search.

        :raise UserError: Meta's library could not be read
        """
        self.ensure_one()
        self._fill()
        return self._reopen()

    def action_show_library(self):
        self.source = "library"
        return self.action_search()

    def action_show_starters(self):
        self.source = "starters"
        return self.action_search()

    def _reopen(self):
        return {
            **form_action(self),
            "name": self.env._("Template gallery"),
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

    def _fill(self):
        found = self._library_lines() if self.source == "library" else self._starter_lines()
        lines = self.line_ids.sudo()
        lines.unlink()
        lines.create([{"gallery_id": self.id, **values} for values in found[:MOST_LINES]])

    # === Our starters ===

    def _starter_lines(self):
        language = self._starter_language()
        words = (self.search_words or "").lower()
        lines = []
        for starter in self._starters():
            values = self._starter_values(starter["key"], language)
            title = self.env._(STARTERS[starter["key"]])
            text = f"{title} {values['components'][0]['text']}".lower()
            if words in text:
                lines.append({"key": starter["key"], "title": title, **values})
        return lines

    def _starter_language(self):
        code = (self.language or "en").split("_")[0]
        return {"es": "es", "pt": "pt_BR"}.get(code, "en")

    @api.model
    def _starter_values(self, key, language):
        """What a draft of a starter begins with.

        :param key: a key of STARTERS
        :param language: 'en', 'es' or 'pt_BR'
        :return: {'language', 'category', 'parameter_format', 'components'}
        """
        for starter in self._starters():
            if starter["key"] == key and language in starter["languages"]:
                return {
                    "language": language,
                    "category": starter["category"],
                    "parameter_format": "named",
                    "components": starter["languages"][language],
                }
        raise UserError(self.env._("This starter does not exist in this language."))

    @api.model
    def _starters(self):
        with file_open(STARTERS_FILE) as file:
            return json.load(file)

    # === Meta's library ===

    def _library_lines(self):
        try:
            with self.account_id.sudo()._client() as client:
                found = list(
                    client.list_library(
                        search=self.search_words, topic=self.topic, language=self._library_code()
                    )
                )
        except CloudApiError as error:
            raise UserError(self.account_id._error_text(error)) from error
        return [
            {
                "key": template.name,
                "title": template.name.replace("_", " ").capitalize(),
                "language": template.language,
                "category": template.category,
                "parameter_format": "positional",
                "components": template.components,
                "inputs": " ".join(template.inputs),
                "is_form": any(
                    button.get("type") == "FLOW"
                    for button in template.raw.get("buttons") or []
                    if isinstance(button, dict)
                ),
            }
            for template in found
        ]

    def _library_code(self):
        """Meta's library has English as en_US only."""
        return "en_US" if self.language == "en" else self.language


class WabaTemplateGalleryLine(models.TransientModel):
    """One template that can be begun with, with what has to be filled in."""

    _name = "waba.template.gallery.line"
    _description = "Template Gallery Entry"
    _inherit = ["waba.system.fields.mixin"]

    gallery_id = fields.Many2one(
        "waba.template.gallery", required=True, readonly=True, ondelete="cascade"
    )
    source = fields.Selection(related="gallery_id.source")
    key = fields.Char(readonly=True)
    title = fields.Char(readonly=True)
    language = fields.Char(readonly=True)
    category = fields.Selection(
        selection=lambda self: (
            self.env["waba.template"]._fields["category"]._description_selection(self.env)
        ),
        readonly=True,
    )
    parameter_format = fields.Char("Variable format", readonly=True)
    components = fields.Json(readonly=True)
    inputs = fields.Char(readonly=True)
    is_form = fields.Boolean("Form", readonly=True)
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    # To fill in
    name = fields.Char(
        compute="_compute_name", store=True, readonly=False, help="Lowercase letters, digits and _."
    )
    url = fields.Char("Website", help="For its button, e.g. https://example.com/orders/{{1}}")
    url_example = fields.Char("Website sample", help="The whole address with a sample value.")
    button_phone = fields.Char("Phone")
    needs_url = fields.Boolean(compute="_compute_needs")
    needs_phone = fields.Boolean(compute="_compute_needs")

    @api.depends("key")
    def _compute_name(self):
        for line in self:
            line.name = line.key

    @api.depends("inputs")
    def _compute_needs(self):
        for line in self:
            kinds = (line.inputs or "").split()
            line.needs_url = "url" in kinds
            line.needs_phone = "phone_number" in kinds

    @api.depends("components")
    def _compute_preview_html(self):
        for line in self:
            template = self.env["waba.template"].new(
                {"components": line.components, "parameter_format": line.parameter_format}
            )
            line.preview_html = template._render_phone(
                template._samples_of(line.components, line.parameter_format)
            )

    def action_choose(self):
        """Open a starter in the builder, or ask for what a template of the library needs."""
        self.ensure_one()
        if self.source == "starters":
            return self._create_draft()
        self._check_manager()
        return {**form_action(self), "name": self.title, "target": "new"}

    def _create_draft(self):
        draft = self.env["waba.template.draft"]._create_from(
            self.gallery_id.account_id,
            self.components,
            self.parameter_format,
            title=self.title,
            language=self.language,
            category=self.category,
        )
        return form_action(draft)

    def action_create(self):
        """Create the template at Meta from its library, and open it: it is approved at once.

        :raise UserError: an input is missing, Meta refused or does not answer
        """
        self.ensure_one()
        self._check_manager()
        self._check_inputs()
        account = self.gallery_id.account_id
        account.check_access("read")
        body = {
            "name": self.name,
            "language": self.language,
            "category": self.category.upper(),
            "library_template_name": self.key,
            "library_template_button_inputs": self._button_inputs(),
        }
        with account.sudo()._client() as client:
            facts = self._create_at_meta(client, account, body)
        return form_action(account.sudo()._apply_one_template(facts).sudo(False))

    def _create_at_meta(self, client, account, body):
        """`cloud_api.Template` as Meta lists it after its creation."""
        try:
            created = client.create_from_library(account.waba_uid, body)
        except (NotSent, UnknownOutcome) as error:
            # It may have been created: look before saying anything.
            try:
                created = client.find_template(account.waba_uid, self.name, self.language)
            except CloudApiError:
                created = None
            if not created:
                raise UserError(
                    self.env._(
                        "WhatsApp did not answer, and the template is not listed. Wait a minute, "
                        "then try again."
                    )
                ) from error
        except CloudApiError as error:
            raise UserError(account._error_text(error)) from error
        try:
            return client.get_template(created.template_uid)
        except CloudApiError:
            return created

    def _check_inputs(self):
        if not NAME.fullmatch(self.name or ""):
            raise UserError(
                self.env._("Enter a name with lowercase letters, digits and underscores only.")
            )
        if self.needs_url and not re.match(r"https?://[^\s/]", self.url or ""):
            raise UserError(self.env._("Enter the website for the button, with https://."))
        if self.needs_url and "{{" in self.url and not self.url_example:
            raise UserError(self.env._("Enter a sample of the whole website address."))
        if self.needs_phone and not re.fullmatch(r"\+?[0-9 ]{5,20}", self.button_phone or ""):
            raise UserError(self.env._("Enter the phone number for the button, with +."))

    def _button_inputs(self):
        """Meta's inputs, in the order of the buttons."""
        link = {"base_url": self.url}
        if "{{" in (self.url or ""):
            link["url_suffix_example"] = self.url_example
        known = {
            "url": {"type": "URL", "url": link},
            "phone_number": {
                "type": "PHONE_NUMBER",
                "phone_number": (self.button_phone or "").replace(" ", ""),
            },
        }
        return [known[kind] for kind in (self.inputs or "").split()]

    def _check_manager(self):
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            raise AccessError(self.env._("Only a manager can create templates at WhatsApp."))
