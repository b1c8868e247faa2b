"""Base: a template in the making: what people write, and what becomes of it at Meta.

Called by its form (the builder), by templates and campaigns that open it, by the dialog that
submits it (wizard/waba_template_submit.py) and by the sync, which finds templates again.
"""

import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ....cloud_api import (
    build_components,
    is_content,
    read_components,
    same_texts,
    template_texts,
)
from ....policy import intent
from ....policy.plain_text import without_accents
from ....policy.template_languages import LANGUAGES
from ...tools.hooks import implements
from ...tools.labels import NO_TEMPLATE, dialog_action, form_action, language_name
from ...tools.moments import format_moment
from ..waba_template import STATUSES
from ..waba_variable_mixin import MEDIA_KINDS

# Kinds of messages, and the parts of a content that only some of them have.
LAYOUTS = [
    ("standard", "Message"),
    ("carousel", "Carousel"),
    ("offer", "Limited-time offer"),
]
HEADERS = [
    ("none", "None"),
    ("text", "Text"),
    ("image", "Image"),
    ("video", "Video"),
    ("document", "Document"),
    ("location", "Location"),
    ("product", "Product"),
]
# Fields that make up the message: a change of one is an edit.
CONTENT = (
    "layout", "header_type", "header_text", "header_media_id", "header_handle", "body", "footer",
    "buttons", "cards", "variables", "offer_text", "offer_expires", "extra",
)  # fmt: skip
EDITED = (*CONTENT, "title", "name", "language", "category", "parameter_format")
# What the builder remembers of a variable beside its sample, for campaigns.
SOURCE = ("source", "field_path", "text", "fallback")


class EditConflict(UserError):
    """Someone else saved the draft since this user opened it."""


class WabaTemplateDraft(models.Model):
    """One template of one account in one language, as it is being written.

    Drafts with the same account and name are the languages of one template. A draft is linked to
    its `template_id` once submitted; `waba.template` stays what Meta says. Users write drafts,
    managers submit and delete them.
    Entry points: `_create_from`, `_find_or_create_for`, `_components`, `_apply_template`.
    """

    _name = "waba.template.draft"
    _description = "WhatsApp Template Draft"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
    _order = "write_date desc, id desc"
    _rec_name = "title"
    _check_company_auto = True

    title = fields.Char()
    name = fields.Char(
        "Name at Meta",
        compute="_compute_name",
        store=True,
        readonly=False,
        copy=False,
        index=True,
        falsy_value_label=NO_TEMPLATE,
    )
    is_name_locked = fields.Boolean(compute="_compute_family")
    active = fields.Boolean(default=True)
    account_id = fields.Many2one(
        "waba.account",
        required=True,
        ondelete="cascade",
        index=True,
        check_company=True,
        default=lambda self: self._default_account(),
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    language = fields.Selection(
        selection="_language_selection", required=True, default=lambda self: self._user_language()
    )
    category = fields.Selection(
        [("marketing", "Promotion"), ("utility", "Service message")],
        required=True,
        default="marketing",
        tracking=True,
    )
    parameter_format = fields.Selection(
        [("named", "By name"), ("positional", "By number")],
        string="Variable format",
        required=True,
        default="named",
    )
    # Content
    layout = fields.Selection(LAYOUTS, string="Format", required=True, default="standard")
    header_type = fields.Selection(HEADERS, string="Header", required=True, default="none")
    header_text = fields.Char()
    header_media_id = fields.Many2one("ir.attachment", "Header file", ondelete="set null")
    header_handle = fields.Char("Header sample")
    body = fields.Text("Message")
    footer = fields.Char()
    buttons = fields.Json()
    cards = fields.Json()
    variables = fields.Json()
    offer_text = fields.Char("Offer")
    offer_expires = fields.Boolean("Has expiration", default=True)
    extra = fields.Json("Other parts")
    # Editing
    origin_id = fields.Many2one(
        "waba.template.draft",
        "Translated from",
        ondelete="set null",
        copy=False,
        check_company=True,
    )
    edit_version = fields.Integer(readonly=True, copy=False)
    # At Meta
    template_id = fields.Many2one(
        "waba.template", readonly=True, copy=False, ondelete="set null", index="btree_not_null"
    )
    state = fields.Selection(
        [("draft", "Draft"), ("unconfirmed", "Unconfirmed"), *STATUSES],
        compute="_compute_state",
        store=True,
        tracking=True,
    )
    status_reason = fields.Char("Reason", compute="_compute_status_reason")
    submitted = fields.Json("Submitted content", readonly=True, copy=False)
    submitted_at = fields.Datetime("Submitted on", readonly=True, copy=False)
    unconfirmed_at = fields.Datetime("Unconfirmed since", readonly=True, copy=False)
    edits = fields.Json("Edits at Meta", readonly=True, copy=False)
    is_changed = fields.Boolean("Not submitted", compute="_compute_is_changed")
    family = fields.Json("Languages", compute="_compute_family")

    _template_uniq = models.Constraint(
        "UNIQUE(template_id)", "This template is already open in another draft."
    )

    # === Fields ===

    @api.model
    def _default_account(self):
        accounts = self.env["waba.account"].search([("company_id", "=", self.env.company.id)])
        return accounts.filtered(lambda account: account.state == "connected")[:1] or accounts[:1]

    @api.model
    def _language_selection(self):
        """Meta's languages by their names in the user's, sorted."""
        named = [(code, language_name(self.env, code)) for code in LANGUAGES]
        return sorted(named, key=lambda pair: without_accents(pair[1]).casefold())

    @api.model
    def _user_language(self):
        code = self.env.company.partner_id.lang or self.env.user.lang or "en"
        return next((known for known in (code.split("_")[0], code) if known in LANGUAGES), "en")

    @api.depends("title")
    def _compute_name(self):
        for draft in self:
            if not draft.title or (draft.name and draft._is_name_locked()):
                draft.name = draft.name
                continue
            wanted = _slug(draft.title)
            if not re.fullmatch(rf"{re.escape(wanted)}(_\d+)?", draft.name or ""):
                draft.name = draft._free_name(wanted)

    def _is_name_locked(self):
        """Whether Meta knows the name: it can never be changed there."""
        family = self._family() | self
        known = self.env["waba.template"].sudo().with_context(active_test=False)
        return bool(
            family.template_id
            or known.search_count([*self._family_domain(), ("status", "!=", "deleted")], limit=1)
        )

    def _family_domain(self):
        return [("account_id", "=", self.account_id.id), ("name", "=", self.name or "/")]

    def _family(self):
        """The drafts of this template in all languages, without the one that is not saved."""
        return self.search(self._family_domain())

    def _free_name(self, wanted):
        """`wanted`, or with a number behind it when the account has a template of that name."""
        account = [("account_id", "=", self.account_id.id), ("name", "=like", f"{wanted}%")]
        taken = {
            record.name
            for model in ("waba.template.draft", "waba.template")
            for record in self.env[model].sudo().with_context(active_test=False).search(account)
            if model == "waba.template" or record != self._origin
        }
        number, name = 1, wanted
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        return name

    @api.depends("title", "name", "language")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for draft in self:
            title = draft.title or (draft.name or "").replace("_", " ").capitalize()
            title = title or self.env._("New template")
            draft.display_name = f"{title} · {language_name(self.env, draft.language)}"

    @api.depends("template_id.status", "unconfirmed_at")
    def _compute_state(self):
        for draft in self:
            if draft.unconfirmed_at:
                draft.state = "unconfirmed"
            else:
                draft.state = draft.template_id.status or "draft"

    @api.depends("template_id.status_text")
    def _compute_status_reason(self):
        for draft in self:
            draft.status_reason = draft.template_id.status_text

    @api.depends("submitted", *CONTENT)
    def _compute_is_changed(self):
        for draft in self:
            draft.is_changed = bool(draft.submitted) and draft.submitted != draft._comparable()

    @api.depends("name", "account_id", "language", "state")
    def _compute_family(self):
        for draft in self:
            family = (draft._family() | draft._origin) if draft.name else draft._origin
            templates = self.env["waba.template"]
            if draft.name:
                domain = [*draft._family_domain(), ("status", "!=", "deleted")]
                templates = templates.search(domain) - family.template_id
            draft.is_name_locked = bool(draft.name) and draft._is_name_locked()
            lines = [*map(_family_line, family), *map(_family_line, templates)]
            draft.family = sorted(lines, key=lambda line: line["label"])

    @api.constrains("buttons", "cards", "variables")
    def _check_parts(self):
        for draft in self:
            parts = {name: draft[name] for name in ("buttons", "cards", "variables")}
            if not is_content(parts):
                raise ValidationError(
                    self.env._("The buttons or cards of %s are unreadable.", draft.display_name)
                )
            draft._check_field_paths()

    def _check_field_paths(self):
        """Refuse sources that a campaign could not show either."""
        models_ = list(dict(self.env["waba.person.mixin"]._waba_target_models()))
        for lines in self._variable_places().values():
            for line in lines.values():
                if line.get("source") == "field" and line.get("field_path"):
                    self.env["waba.field.path"]._check_path(line["field_path"], models_)

    @api.constrains("name")
    def _check_name(self):
        for draft in self.filtered("name"):
            if not re.fullmatch(r"[a-z0-9_]{1,512}", draft.name):
                raise ValidationError(
                    self.env._(
                        "%s is not a valid name. WhatsApp accepts lower-case letters, digits and "
                        "underscores.",
                        draft.name,
                    )
                )

    # === Writing ===

    def write(self, vals):
        """Save, unless someone else has saved since the version that `vals` names."""
        vals = dict(vals)
        known = vals.pop("edit_version", None)
        if known is not None:
            self._check_version(known)
        families = {draft: (draft.name, draft._family()) for draft in self if "title" in vals}
        result = super().write(vals)
        if not set(EDITED).isdisjoint(vals):
            for draft in self:
                super(WabaTemplateDraft, draft.sudo()).write(
                    {"edit_version": draft.edit_version + 1}
                )
            self._notify_builders()
        for draft, (name, family) in families.items():
            if name and name != draft.name:
                (family - self).write({"name": draft.name, "title": draft.title})
        return result

    def _check_version(self, known):
        for draft in self:
            if known != draft.edit_version:
                raise EditConflict(
                    self.env._(
                        "%(user)s saved this template at %(time)s. Your text is still on this "
                        "page.",
                        user=draft.write_uid.name,
                        time=format_moment(self.env, draft.write_date),
                    )
                )

    def _notify_builders(self):
        """Open forms show the new version, or say who saved it."""
        for draft in self:
            self.env["bus.bus"]._sendone(
                draft,
                "waba.template.draft",
                {
                    "id": draft.id,
                    "version": draft.edit_version,
                    "user_id": self.env.uid,
                    "user": self.env.user.name,
                    "state": draft.state,
                },
            )

    # === Content ===

    @api.model
    def _own_address(self):
        """Our short address as Meta approves it on a tracked button."""
        return f"{self.env['link.tracker'].get_base_url()}/r/{{{{1}}}}"

    def _variable_places(self):
        """{place: {variable name: line}} of header, body and every card."""
        places = dict(self.variables or {})
        for index, card in enumerate(self.cards or []):
            for place, lines in (card.get("variables") or {}).items():
                places[f"card:{index}.{place}"] = lines
        return places

    def _content(self):
        """The content as cloud_api/template_content.py describes it."""
        self.ensure_one()
        content = {
            **_with_samples(self.variables),
            "header_type": self.header_type,
            "header_text": self.header_text or "",
            "header_handle": _handle(self.header_media_id.id, self.header_handle),
            "body": self.body or "",
            "buttons": self.buttons or [],
            "extra": self.extra or {},
        }
        if self.layout == "carousel":
            content |= {"header_type": "none", "buttons": [], "cards": self._card_contents()}
        elif self.layout == "offer":
            content["offer"] = {"text": self.offer_text or "", "has_expiration": self.offer_expires}
        else:
            content["footer"] = self.footer or ""
        return content

    def _card_contents(self):
        return [
            {
                **card,
                **_with_samples(card.get("variables")),
                "header_handle": _handle(card.get("media_id"), card.get("header_handle")),
            }
            for card in self.cards or []
        ]

    def _components(self, handles=None):
        """Meta's components of this draft.

        :param handles: {attachment id: handle of the uploaded sample}; else marks stand for them
        """
        content = self._content()
        for part in (content, *content.get("cards", ())):
            mark = part.get("header_handle") or ""
            if handles and mark.startswith(MARK):
                part["header_handle"] = handles[int(mark[len(MARK) :])]
        return build_components(content, self.parameter_format, self._own_address())

    def _comparable(self):
        """What an edit at Meta would change."""
        return [self._components(), self.category]

    @api.model
    def _from_components(self, components, parameter_format="positional"):
        """Field values of a draft with these components.

        :param components: as Meta lists them
        """
        content = read_components(components, parameter_format, self._own_address())
        cards = [self._card_values(card) for card in content.get("cards", [])]
        layout = "carousel" if cards else "offer" if content.get("offer") else "standard"
        offer = content.get("offer") or {}
        return {
            "parameter_format": "named" if parameter_format == "named" else "positional",
            "layout": layout,
            "header_type": content.get("header_type", "none"),
            "header_text": content.get("header_text"),
            "header_handle": content.get("header_handle"),
            "body": content.get("body"),
            "footer": content.get("footer"),
            "buttons": content.get("buttons") or [],
            "cards": cards,
            "variables": _as_variables(content),
            "offer_text": offer.get("text"),
            "offer_expires": offer.get("has_expiration", True),
            "extra": content.get("extra") or {},
        }

    @api.model
    def _card_values(self, card):
        kept = {key: value for key, value in card.items() if not key.endswith("_samples")}
        return {**kept, "variables": _as_variables(card)}

    # === Entrances ===

    @api.model
    def _create_from(self, account, components, parameter_format="positional", **values):
        """A new draft with these components: a copy, a starter, an example of Meta's library.

        :param values: title, language, category…
        """
        content = self._from_components(components, parameter_format)
        return self.create({"account_id": account.id, **content, **values})

    @api.model
    def _find_or_create_for(self, template):
        """The draft in which a template of Meta's is edited."""
        known = self.with_context(active_test=False).search([("template_id", "=", template.id)])
        if known:
            known.active = True
            return known
        if template.category not in dict(self._fields["category"].selection):
            raise UserError(
                self.env._(
                    "%s cannot be edited here: it is neither a promotion nor a service message.",
                    template.display_name,
                )
            )
        draft = self._create_from(
            template.account_id,
            template.components or [],
            template.parameter_format,
            title=template.name.replace("_", " ").capitalize(),
            name=template.name,
            language=template.language,
            category=template.category,
        )
        draft._take_sources(template)
        system = draft.sudo()
        system.template_id = template
        system.submitted = draft._comparable()
        return draft

    def _take_sources(self, template):
        """Remember where campaigns take the values of the template's variables from."""
        variables, cards = self.variables or {}, self.cards or []
        for line in template.variable_ids:
            part = {"variables": variables}
            if line.card_number:
                part = cards[line.card_number - 1] if line.card_number <= len(cards) else {}
            known = (part.get("variables") or {}).get(line.component, {}).get(line.name)
            if known is not None:
                known |= {name: line[name] for name in SOURCE if line[name]}
        self.write({"variables": variables, "cards": cards})

    def action_open_submit(self):
        """Open the dialog in which a manager submits the draft."""
        self.ensure_one()
        self.check_access("write")
        return dialog_action(
            self.env["waba.template.submit"],
            self.env._("Submit to WhatsApp"),
            draft_id=self.id,
        )

    def action_view_template(self):
        """Open what Meta has."""
        return form_action(self.template_id)

    def action_duplicate(self):
        """Open a copy under a name of its own."""
        self.ensure_one()
        title = self.env._("%s (copy)", self.title or self.name or self.env._("New template"))
        return form_action(self.copy({"title": title}))

    def action_add_language(self, language):
        """Open a new language of this template: its structure, and its texts to be translated.

        :param language: one of Meta's codes
        """
        self.ensure_one()
        known = (self._family() | self).filtered(lambda draft: draft.language == language)
        if known:
            return form_action(known[:1])
        values = {name: self[name] for name in CONTENT if name != "header_media_id"}
        content = {
            **values,
            "header_text": False,
            "body": False,
            "footer": False,
            "offer_text": False,
            "buttons": _untranslated(self.buttons),
            "cards": [
                {**card, "body": "", "buttons": _untranslated(card.get("buttons"))}
                for card in self.cards or []
            ],
        }
        variant = self.create(
            {
                **content,
                "title": self.title,
                "name": self.name,
                "account_id": self.account_id.id,
                "header_media_id": self.header_media_id.id,
                "language": language,
                "category": self.category,
                "parameter_format": self.parameter_format,
                "origin_id": (self.origin_id or self).id,
            }
        )
        return form_action(variant)

    def _missing_texts(self):
        """Places whose text is translated from `origin_id` and still empty here."""
        if not self.origin_id:
            return []
        mine = dict(template_texts(self._content()))
        return [
            place
            for place, text in template_texts(self.origin_id._content())
            if text and not mine.get(place)
        ]

    # === Meta ===

    def _apply_template(self, template):
        """Link the template that Meta has for this draft, and pass it the variables' sources."""
        self.ensure_one()
        system = self.sudo()
        system.write({"template_id": template.id, "unconfirmed_at": False, "name": template.name})
        if self._is_same(template.components):
            system.submitted = self._comparable()
        elif not system.submitted:
            system.submitted = [template.components, template.category]
        self._give_sources()

    def _give_sources(self):
        """Campaigns start with the sources that were chosen here, and with the sample's file."""
        for line in self.template_id.sudo().variable_ids:
            part = self._part_of(line)
            if values := self._source_values(line, part):
                line.write(values)

    def _part_of(self, line):
        """What the editor knows of the message, or of the card, that a variable belongs to."""
        cards = self.cards or []
        if not line.card_number:
            media = self.header_media_id.id
            return {"variables": self.variables, "buttons": self.buttons, "media_id": media}
        return cards[line.card_number - 1] if line.card_number <= len(cards) else {}

    def _source_values(self, line, part):
        """Values of `waba.template.variable` for one of its lines; {} to leave it as it is."""
        if line.component == "button":
            buttons = part.get("buttons") or []
            button = buttons[line.button_index] if line.button_index < len(buttons) else {}
            if button.get("kind") == "tracked" and button.get("target"):
                return {"source": "link", "text": button["target"]}
            return {"source": "text", "text": intent.STOP_PAYLOAD} if is_opt_out(button) else {}
        if line.kind in MEDIA_KINDS:
            files = self.env["ir.attachment"].sudo().browse(part.get("media_id") or []).exists()
            if not files:
                return {}
            kept = self.env["waba.file"]._find_or_create(files, line.kind, self.company_id)
            return {"source": "file", "file_id": kept.id}
        places = part.get("variables") or {}
        known = places.get(line.component, {}).get(line.name) or {}
        return {name: known.get(name) or False for name in SOURCE} if known.get("source") else {}

    def _is_same(self, components):
        """Whether Meta's components say what this draft says."""
        return same_texts(components or [], self._components(), self.parameter_format)


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    draft_ids = fields.One2many("waba.template.draft", "template_id", "Drafts", readonly=True)

    @implements("_on_status_change")
    def _notify_builders_of_status(self):
        """Forms that show the draft of these templates say what Meta decided."""
        self.sudo().draft_ids._notify_builders()

    @implements("_on_create")
    def _link_drafts(self):
        """Link drafts whose submission was not answered, or not recorded."""
        drafts = self.env["waba.template.draft"].sudo()
        for template in self:
            waiting = drafts.search(
                [
                    ("account_id", "=", template.account_id.id),
                    ("name", "=", template.name),
                    ("language", "=", template.language),
                    ("template_id", "=", False),
                ],
                limit=1,
            )
            if waiting and (waiting.unconfirmed_at or waiting._is_same(template.components)):
                waiting._apply_template(template)

    def action_edit_draft(self):
        """Open the template in the builder."""
        self.ensure_one()
        return form_action(self.env["waba.template.draft"]._find_or_create_for(self))

    def action_add_language(self):
        """Open the template in the builder, at the choice of another language."""
        return {**self.action_edit_draft(), "context": {"show_language_menu": True}}

    def action_duplicate_draft(self):
        """Open a copy of the template in the builder."""
        self.ensure_one()
        draft = self.env["waba.template.draft"]._create_from(
            self.account_id,
            self.components or [],
            self.parameter_format,
            title=self.env._("%s (copy)", self.name.replace("_", " ").capitalize()),
            language=self.language,
            category="utility" if self.category == "utility" else "marketing",
        )
        draft._take_sources(self)
        return form_action(draft)

    def action_new_draft(self):
        """Open an empty builder."""
        return self.env["ir.actions.act_window"]._for_xml_id(
            "waba_campaign.waba_template_draft_action_new"
        )


# Stands for the sample of a file that is not uploaded yet.
MARK = "attachment:"


def _handle(media_id, handle):
    return f"{MARK}{media_id}" if media_id else handle or ""


def _with_samples(variables):
    """{'body_samples': {name: sample}, …} of the editor's variables."""
    return {
        f"{place}_samples": {
            name: line["sample"] for name, line in lines.items() if line.get("sample")
        }
        for place, lines in (variables or {}).items()
    }


def _as_variables(content):
    return {
        place: {name: {"sample": sample} for name, sample in samples.items()}
        for place in ("header", "body")
        if (samples := content.get(f"{place}_samples"))
    }


def _untranslated(buttons):
    """Copies of buttons without their texts; a code is the same in every language."""
    return [
        button if button.get("kind") == "copy_code" else {**button, "text": ""}
        for button in buttons or []
    ]


def is_opt_out(button):
    """Whether a button of the editor is a quick reply by which people opt out."""
    return button.get("kind") == "quick_reply" and bool(
        button.get("is_opt_out") or intent.opt_out_intent(button.get("text") or "", None)
    )


def _slug(title):
    """The name at Meta for a title: lower case with underscores."""
    words = re.findall(r"[a-z0-9]+", without_accents(title).lower())
    return "_".join(words)[:500] or "template"


def _family_line(record):
    is_draft = record._name == "waba.template.draft"
    return {
        "id": record.id,
        "model": record._name,
        "language": record.language,
        "label": language_name(record.env, record.language),
        "state": record.state if is_draft else record.status,
        "missing": len(record._missing_texts()) if is_draft else 0,
    }
