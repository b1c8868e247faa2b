"""Base: `waba.variable.mixin`: the variables of a template, their sources, frozen values and links.

Called by templates, campaigns, follow-ups and rules when they fill or preview a message.
"""

import secrets
from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...cloud_api import (
    GIVEN,
    ParameterCheck,
    clean_parameter,
    is_optional,
    parse_flow_data,
    parse_sections,
)
from ...policy import intent, links, variable_names
from ...policy.visible import visible_text
from ..tools.labels import selection_labels
from .value_text import format_value

SOURCES = [
    ("first_name", "First name"),
    ("name", "Full name"),
    ("company", "Customer's company"),
    ("salesperson", "Salesperson"),
    ("our_company", "Our company"),
    ("field", "Field"),
    ("text", "Fixed text"),
    ("link", "Tracked link"),
    ("preferences", "Preference page"),
    ("file", "Uploaded file"),
    ("date", "Date and time"),
    ("hours", "Hours after sending"),
    ("document", "Document number"),
    ("document_total", "Document total"),
    ("document_due", "Document due date"),
    ("document_link", "Document link"),
]
# Filled when a quotation or an invoice is sent (dispatch/waba_document.py); else without a value.
DOCUMENT_SOURCES = ("document", "document_total", "document_due", "document_link")
MEDIA_KINDS = ("image", "video", "document", "gif")
# Sources that only variables of these kinds can have, and what nothing else can fill.
SOURCE_KINDS = {
    "link": ("url",),
    "preferences": ("text", "url"),
    "file": MEDIA_KINDS,
    "date": ("expiry",),
    "hours": ("expiry",),
}
OFFER_SOURCES = ("date", "hours", "text")
# Values that are the same whoever receives the message, and are not read as text.
SET_SOURCES = ("link", "file", "date", "hours")

# In previews, which are nobody's: the page of this token says that the link is not valid.
PREFERENCE_EXAMPLE = "…"

# What identifies a line within its template; what a template says of it; a copy's fields.
KEY_FIELDS = ("component", "button_index", "name", "card_number")
READ_FIELDS = ("sequence", *KEY_FIELDS, "kind", "example")
COPIED_FIELDS = (*READ_FIELDS, "source", "field_path", "text", "file_id", "offer_ends_at", "hours",
             "in_recipient_zone", "fallback")  # fmt: skip
# Its content besides source, path, text and fallback, and whether that is set.
SET_FIELDS = ("file_id", "offer_ends_at", "hours", "in_recipient_zone")

# Shown in place of values when Meta gave no example.
EXAMPLES = {
    "latitude": "40.4168", "longitude": "-3.7038", "name": "Demo Store", "address": "Main Street 1",
    "thumbnail": "SKU-1", "product": "SKU-1", "catalog": "1234567890", "sections": "SKU-1, SKU-2",
    "link": "https://www.example.com/file", "data": "{}", "expires": "24",
}  # fmt: skip


class WabaVariableMixin(models.AbstractModel):
    """One variable of a template, and the source of its value for each recipient.

    Entry points: `_read_variables` and `_fill_parameters` for many recipients, `_record_value` for
    one; `_check_own_address` before a launch.
    """

    _name = "waba.variable.mixin"
    _description = "WhatsApp Template Variable"
    _inherit = ["waba.system.fields.mixin"]
    _order = "sequence, id"

    # Of the template: forms fill these in and send them with new lines
    sequence = fields.Integer(readonly=True, system=False)
    component = fields.Selection(
        [("header", "Header"), ("body", "Text"), ("button", "Button"), ("offer", "Offer")],
        required=True,
        readonly=True,
        system=False,
    )
    button_index = fields.Integer(readonly=True, system=False)
    # From 1, because an empty integer is 0: outside of a card.
    card_number = fields.Integer("Card", readonly=True, system=False)
    name = fields.Char(required=True, readonly=True, system=False)
    kind = fields.Selection(
        [
            ("text", "Text"),
            ("image", "Image"),
            ("video", "Video"),
            ("document", "Document"),
            ("gif", "GIF"),
            ("location", "Location"),
            ("product", "Product SKU"),
            ("thumbnail", "Thumbnail SKU"),
            ("catalog", "Catalog ID"),
            ("sections", "Product SKUs"),
            ("payload", "Button reply"),
            ("url", "Link ending"),
            ("coupon", "Coupon code"),
            ("flow_token", "Flow token"),
            ("flow_data", "Flow data"),
            ("expiry", "Offer end"),
        ],
        default="text",
        required=True,
        readonly=True,
        system=False,
    )
    example = fields.Char(readonly=True, system=False)
    # Source
    source = fields.Selection(SOURCES, default="text", required=True, string="Value")
    field_path = fields.Char(
        "Field", help="Field of the lead or contact, such as city or stage_id.name."
    )
    text = fields.Char()
    file_id = fields.Many2one("waba.file", ondelete="restrict", index="btree_not_null")
    offer_ends_at = fields.Datetime("Offer end")
    hours = fields.Integer("Hours after sending")
    in_recipient_zone = fields.Boolean("Recipient's time zone")
    can_track = fields.Boolean(compute="_compute_can_track")
    part_name = fields.Char("Part", compute="_compute_part_name")
    label = fields.Char("Variable", compute="_compute_part_name")
    fallback = fields.Char(
        help="Shown when the value is empty; without it, the recipient is excluded.",
    )

    @api.model
    def _default_source(self, variable):
        """Values of `source` and `text` for a variable just read from Meta.

        :param variable: cloud_api.TemplateVariable
        """
        if variable.kind == "payload":
            is_stop = intent.opt_out_intent(variable.label or "", None)
            return {
                "source": "text",
                "text": intent.STOP_PAYLOAD if is_stop else (variable.label or "")[:128],
            }
        if variable.kind == "expiry":
            return {"source": "hours", "hours": 24}
        if variable.kind in MEDIA_KINDS:
            return {"source": "file"}
        if variable.kind != "text":
            return {"source": "text"}
        if variable.component == "body" and variable.name == "1":
            return {"source": "first_name"}
        return {"source": variable_names.guess_source(variable.name) or "text"}

    @api.depends("kind", "button_index")
    def _compute_can_track(self):
        """Whether it can be a tracked link: the end of a button's address that is our own."""
        base = self.env["link.tracker"].get_base_url()
        for line in self:
            line.can_track = line.kind == "url" and links.is_own_address(
                line._template_button().get("url"), base
            )

    @api.depends("component", "button_index", "card_number", "name", "kind")
    @api.depends_context("lang")
    def _compute_part_name(self):
        """Where it is in the message ('Header', 'Card 2 › Text'), and what it is called there."""
        parts, kinds = selection_labels(self, "component"), selection_labels(self, "kind")
        places = self._location_labels()
        for line in self:
            part = parts.get(line.component) or ""
            if line.component == "button":
                part = line._template_button().get("text") or part
            if line.card_number:
                part = self.env._("Card %(number)s › %(part)s", number=line.card_number, part=part)
            line.part_name = part
            if line.kind in ("text", "url"):
                line.label = f"{{{{{line.name}}}}}"
            else:
                line.label = places.get(line.name) or kinds.get(line.kind)

    @api.model
    def _location_labels(self):
        return {
            "latitude": self.env._("Latitude"),
            "longitude": self.env._("Longitude"),
            "name": self.env._("Place name"),
            "address": self.env._("Address"),
        }

    @api.constrains("source", "field_path")
    def _check_field_path(self):
        """Refuse a path that the user may not show (waba.field.path)."""
        for line in self.filtered(lambda line: line.source == "field" and line.field_path):
            self.env["waba.field.path"]._check_path(line.field_path, line._path_models())

    @api.constrains("source", "kind", "text")
    def _check_link(self):
        for line in self.filtered(lambda line: line.source == "link"):
            if line.kind != "url":
                raise ValidationError(
                    self.env._(
                        "{{%s}} cannot be a tracked link. Only the URL of a button can.",
                        line.name,
                    )
                )
            if line.text and not links.is_allowed_target(line.text):
                raise ValidationError(
                    self.env._(
                        "%s is not a valid URL. Enter the full address, such as "
                        "https://www.example.com/offer.",
                        line.text,
                    )
                )

    @api.constrains("source", "kind", "file_id")
    def _check_source_kind(self):
        """Refuse a source that cannot fill this kind, and a file that it cannot show."""
        for line in self:
            fits = line.kind in SOURCE_KINDS.get(line.source, (line.kind,))
            if not fits or (line.kind == "expiry" and line.source not in OFFER_SOURCES):
                raise ValidationError(
                    self.env._(
                        "%(variable)s cannot be filled by “%(value)s”. Choose another value.",
                        variable=line._placeholder_label(),
                        value=selection_labels(line, "source")[line.source],
                    )
                )
            company = line._filled_template().company_id
            if line.file_id and company and line.sudo().file_id.company_id != company:
                raise ValidationError(
                    self.env._("This file belongs to another company. Upload it again.")
                )
            if line.file_id and line.kind in MEDIA_KINDS:
                line.sudo().file_id._check_kind(line.kind)

    @api.model
    def _copy_commands(self, lines):
        """One2many commands that create a copy of each of these lines.

        :param lines: records of any model with this mixin
        """
        return [fields.Command.create(line._plain_values(COPIED_FIELDS)) for line in lines]

    def _plain_values(self, names):
        """{name: value} of one line, records as ids."""
        return {name: self._fields[name].convert_to_write(self[name], self) for name in names}

    def _key(self):
        """What identifies one line within its template."""
        return tuple(self[name] for name in KEY_FIELDS)

    def _path_models(self):
        """Names of the models in which `field_path` may start."""
        raise NotImplementedError

    def _is_complete(self):
        """Whether the source is set, so that a value can exist."""
        self.ensure_one()
        if self.source == "text":
            return bool(visible_text(self.text or "")) or is_optional(self.kind, self.name)
        if self.source in SET_SOURCES:
            names = {"link": "text", "file": "file_id", "date": "offer_ends_at", "hours": "hours"}
            return bool(self[names[self.source]])
        if self.source in DOCUMENT_SOURCES:
            return False
        return self.source != "field" or bool(self.field_path)

    def _record_value(self, record, facts):
        """The value of this variable for `record`, cleaned as Meta demands; '' for none.

        :param facts: `record._waba_person_facts()`
        """
        [variable] = self._read_variables(record.env)
        return variable.record_value(record, facts)

    def _value_without_fallback(self, record, facts):
        """As `_record_value`, without the fallback."""
        self.ensure_one()
        if self.source in ("file", "date", "hours"):
            return self._record_value(record, facts)
        if self.source in ("text", "link"):
            value = self.text
        elif self.source == "our_company":
            value = record.env.company.name
        elif self.source == "preferences":
            value = PREFERENCE_EXAMPLE
        else:
            is_field = self.source == "field"
            value = self._field_value(record) if is_field else facts.get(self.source)
        return clean_parameter(visible_text(value or ""))

    def _placeholder_label(self):
        """'{{1}}', or '{{1}} of the button “See offer”': several parts can use the same name."""
        self.ensure_one()
        name = self.label if self.card_number or self.kind != "text" else f"{{{{{self.name}}}}}"
        if self.card_number:
            return f"{self.part_name} › {name}"
        if self.component == "button":
            if label := self._template_button().get("text"):
                return self.env._(
                    "%(variable)s of the button “%(button)s”", variable=name, button=label
                )
            return self.env._("%s of the button", name)
        return self.env._("%s of the header", name) if self.component == "header" else name

    def _template_button(self):
        """Meta's dict of the button of this variable; {} if it has none."""
        self.ensure_one()
        return self._filled_template()._button(self.button_index, self.card_number)

    def _filled_template(self):
        """The waba.template of this variable, perhaps empty."""
        has_template = "template_id" in self._fields
        return self.template_id if has_template else self.env["waba.template"]

    def _source_label(self, record):
        """The label of the source; for a field, the labels along its path.

        :param record: a recordset of the model in which the path starts
        """
        self.ensure_one()
        if self.source == "field" and self.field_path:
            labels, model = [], record.browse()
            for name in self.field_path.split("."):
                field = model._fields.get(name.strip())
                if field is None:
                    return self.field_path
                labels.append(field._description_string(self.env))
                model = self.env[field.comodel_name] if field.relational else model
            return " › ".join(labels)
        return selection_labels(self, "source")[self.source]

    def _read_variables(self, env, is_found=False):
        """These variables in their order, read once for many recipients: list of Variable.

        :param env: the environment in which the recipients' records are read
        :param is_found: as in `waba.field.path._resolve_path`
        """
        lines = self.sorted(lambda line: (line.sequence, line.id))
        return [Variable(line, env, is_found) for line in lines]

    def _record_fields(self):
        """Names of the records' fields in which the paths of these variables start."""
        paths = self.filtered(lambda line: line.source == "field").mapped("field_path")
        return {path.split(".")[0].strip() for path in paths if path}

    def _field_value(self, record, is_found=False):
        """The value at the end of `field_path`, formatted (`format_value`); '' for none."""
        found = self.env["waba.field.path"]._resolve_path(record, self.field_path, is_found)
        if found is None:
            return ""
        record, field, _value = found
        if self.kind != "text" and field.type in ("float", "monetary"):
            # A coordinate is no amount; Odoo stores 0 for an address that was not located.
            return str(record[field.name] or "")
        return format_value(record, field.name, self._language())

    def _language(self):
        """The template's language, as Meta names it: es_AR."""
        return self._filled_template().language or self.env.lang

    def _freeze_texts(self, values):
        """Frozen parameters, as cloud_api.parameters reads them, from {line id: text}."""
        return freeze_parameters(self._read_variables(self.env), values)

    @api.model
    def _fill_parameters(self, record, facts, words):
        """The values for one recipient, frozen: the preview shows exactly what is sent.

        :param facts: `record._waba_person_facts()`
        :param words: VariableSet
        :return: (parameters, exclusion reason or None, detail or None)
        """
        variables = words.variables
        values = {variable.id: variable.record_value(record, facts) for variable in variables}
        missing = [v.label for v in variables if not values[v.id] and not v.is_optional]
        if missing:
            return {}, "missing_value", ", ".join(missing)
        if over := [v.end_label(values[v.id]) for v in variables if v.is_over(values[v.id])]:
            return {}, "offer_over", over[0]
        given = {v.key: values[v.id] for v in variables if values[v.id]}
        problems = words.check.value_problems(given)
        return (
            freeze_parameters(variables, values),
            "bad_value" if problems else None,
            self._describe_problems(problems) if problems else None,
        )

    def _describe_problems(self, problems):
        """What Meta would refuse, as text.

        :param problems: list of cloud_api.ParameterProblem
        """
        words = {
            "missing": self.env._("is empty"),
            "newline": self.env._("has a line break"),
            "tab": self.env._("has a tab"),
            "spaces": self.env._("has too many spaces in a row"),
            "too_long": self.env._("is too long"),
            "unexpected": self.env._("is not part of the template"),
            "not_address": self.env._("is no address of a file: it must begin with https://"),
            "not_coordinate": self.env._("is no coordinate, such as 40.4168"),
            "not_sections": self.env._(
                "is no list of products, such as “Sofas: SKU1, SKU2; Lamps: SKU3”"
            ),
            "not_flow_data": self.env._("is no JSON object"),
            "not_time": self.env._("is no time"),
        }
        parts = dict(self._fields["component"].selection)
        named = [
            (f"{{{{{problem.name}}}}}" if problem.name else parts[problem.component], problem)
            for problem in problems
        ]
        cards = {
            problem: self.env._("Card %s", problem.card_index + 1)
            for problem in problems
            if problem.card_index is not None
        }
        return "; ".join(
            " ".join(filter(None, [cards.get(problem), name, words[problem.problem]]))
            for name, problem in named
        )

    def _example_text(self):
        """A value for previews and tests without a record: Meta's example, or one of its kind."""
        return self.example or EXAMPLES.get(self.name) or self.name

    def _preview_text(self):
        """A value for previews without a record: the file or time that is set, else an example."""
        if self.source not in ("file", "date", "hours"):
            return self._example_text()
        [variable] = self._read_variables(self.env)
        return variable.record_value(None, {})

    def _example_values(self):
        """Values of a line that shows the example, whoever receives it."""
        if self.source in SET_SOURCES and self._is_complete():
            return self._plain_values(COPIED_FIELDS)
        return {
            **self._plain_values(READ_FIELDS), "source": "text", "text": self._example_text()
        }  # fmt: skip

    # === Tracked link ===
    # `text` is the target. The template's button must have our own short address, because Meta
    # fixes all of it but the end. One link.tracker per campaign, target and button has the
    # campaign's UTM values.

    def _check_own_address(self, template):
        """Refuse tracked links, and links to the preference page, on buttons that do not have
        our address.

        :raise UserError: names both addresses and what to do
        """
        base = self.env["link.tracker"].get_base_url()
        for line in self.filtered(lambda one: (one.source, one.kind) == ("preferences", "url")):
            address = line._template_button().get("url") or ""
            if not links.is_own_address(address, base, links.PREFERENCE_PATHS):
                raise UserError(
                    self.env._(
                        "A button opens the preference page only with the URL %(ours)s. The button "
                        "of %(template)s has %(address)s: choose another value, or another "
                        "template.",
                        ours=f"{base}{links.PREFERENCE_PATHS[0]}",
                        template=template.display_name,
                        address=address or self.env._("no URL"),
                    )
                )
        for line in self.filtered(lambda line: line.source == "link"):
            address = line._template_button().get("url") or ""
            if not links.is_own_address(address, base):
                raise UserError(
                    self.env._(
                        "Clicks can only be tracked on a button with the URL %(ours)s. The button "
                        "of %(template)s has %(address)s: use a fixed text here, or another "
                        "template.",
                        ours=f"{base}/r/{{{{1}}}}",
                        template=template.display_name,
                        address=address or self.env._("no URL"),
                    )
                )

    def _tracked_link(self):
        """The link.tracker of this line, found or created."""
        self.ensure_one()
        target = self.text.strip()
        # With a title, because without one link_tracker fetches the page.
        values = {"url": target, "title": target, "label": self._link_label(), **self._link_utm()}
        return self.env["link.tracker"].sudo().search_or_create([values])

    def _link_label(self):
        # Not translated: it is part of the key of the link.
        card = f"Card {self.card_number}, button" if self.card_number else "Button"
        return f"{card} {self.button_index + 1}"

    def _link_utm(self):
        """UTM values of the link: {'medium_id', 'source_id', 'campaign_id'}, ids or False."""
        mixin = self.env["utm.mixin"].sudo()
        return {
            "medium_id": mixin._find_or_create_record("utm.medium", "WhatsApp").id,
            "source_id": False,
            "campaign_id": False,
        }


class Variable:
    """A line's plain values: reading fields for each of many recipients would cost the most.

    :param line: one record with waba.variable.mixin
    :param env, is_found: as in `_read_variables`
    """

    def __init__(self, line, env, is_found=False):
        self.id = line.id
        self.name = line.name
        self.kind = line.kind
        self.component = line.component
        self.button_index = line.button_index
        self.card_index = line.card_number - 1 if line.card_number else None
        # The key in cloud_api.ParameterCheck.
        index = line.button_index if line.component == "button" else None
        self.key = (line.component, index, line.name, self.card_index)
        self.is_optional = is_optional(line.kind, line.name)
        self.source = line.source
        self.file = None
        self._line = line
        self._is_found = is_found
        self._fallback = clean_parameter(visible_text(line.fallback or ""))
        self._same_for_all = None
        self.is_link = line.source == "link"
        self.is_preferences = line.source == "preferences"
        self._link_code = self._label = None
        if line.source in ("text", "our_company"):
            text = line.text if line.source == "text" else env.company.name
            self._same_for_all = clean_parameter(visible_text(text or "")) or self._fallback
        elif line.source == "file":
            file = line.sudo().file_id
            self.file = {"file": file.id, "filename": file.name} if file else None
            self._same_for_all = GIVEN if file else ""
        elif line.source == "hours":
            self._same_for_all = str(line.hours) if line.hours > 0 else ""
        elif line.source == "date" and not (line.in_recipient_zone and line.offer_ends_at):
            self._same_for_all = _milliseconds(line.offer_ends_at)

    def record_value(self, record, facts):
        """The value for one record, cleaned as Meta demands; '' for none.

        :param facts: `record._waba_person_facts()`, perhaps with `time_zone`, `link_token` and
            `preference_token`
        """
        if self._same_for_all is not None:
            return self._same_for_all
        if self.is_link:
            return self._link_suffix(facts.get("link_token"))
        if self.is_preferences:
            return self._preference_address(facts.get("preference_token") or PREFERENCE_EXAMPLE)
        if self.source == "date":
            return _milliseconds(self._end_in_zones(facts.get("time_zone")))
        if self.source == "field":
            value = self._line._field_value(record, self._is_found)
        else:
            value = facts.get(self.source)
        return clean_parameter(visible_text(value or "")) or self._fallback

    @property
    def label(self):
        """As `_placeholder_label`, composed once."""
        if self._label is None:
            self._label = self._line._placeholder_label()
        return self._label

    def is_over(self, value):
        """Whether this is an offer that has ended."""
        if self.source != "date" or not value:
            return False
        return int(value) <= int(_milliseconds(fields.Datetime.now()))

    def end_label(self, value):
        """When the offer ends, in the company's time zone."""
        ends_at = fields.Datetime.to_datetime("1970-01-01") + timedelta(milliseconds=int(value))
        return self._line._filled_template()._moment_text(ends_at)

    def _end_in_zones(self, time_zone):
        """The end by the recipient's clock: the first, if the number may be in several zones."""
        company = self._line._filled_template().company_id or self._line.env.company
        ours = ZoneInfo(company.sudo()._waba_time_zone())
        ends_at = self._line.offer_ends_at.replace(tzinfo=timezone.utc)
        clock = ends_at.astimezone(ours).replace(tzinfo=None)
        zones = [ZoneInfo(name) for name in (time_zone or "").split(",") if name] or [ours]
        ends = [clock.replace(tzinfo=zone).astimezone(timezone.utc) for zone in zones]
        return min(ends).replace(tzinfo=None)

    def _preference_address(self, token):
        """The end of a button's address, or the whole address in a text."""
        if self.kind == "url":
            return token
        base = self._line.env["link.tracker"].get_base_url()
        return base + links.PREFERENCE_PATHS[0].replace("{{1}}", token)

    def _link_suffix(self, token):
        """The end of the address for one message; '…' in a preview, which has no token."""
        if not token:
            return "…"
        if self._link_code is None:
            self._link_code = self._line._tracked_link().code
        return links.link_suffix(self._link_code, token)


def _milliseconds(moment):
    """Milliseconds since 1970 of a naive UTC datetime, as text; '' for none."""
    if not moment:
        return ""
    return str(int(moment.replace(tzinfo=timezone.utc).timestamp()) * 1000)


class VariableSet:
    """The variables of one template and Meta's checks of their values, for `_fill_parameters`.

    :param template: waba.template
    :param lines: records with waba.variable.mixin
    :param env, is_found: as in `_read_variables`
    """

    def __init__(self, template, lines, env, is_found=False):
        self.variables = lines._read_variables(env, is_found)
        self.check = ParameterCheck(template.components or [], template.parameter_format)


def new_link_token():
    """The token of a message in its tracked addresses: 96 random bits, no personal data."""
    return secrets.token_urlsafe(12)


def find_link_token(parameters):
    """The token in a message's frozen parameters, or None.

    :param parameters: as `freeze_parameters` returns them
    """
    parts = [parameters, *parameters.get("cards", ())]
    tokens = (
        links.split_suffix(button.get("value"))[1]
        for part in parts
        for button in part.get("buttons", ())
    )
    return next(filter(None, tokens), None)


def freeze_parameters(variables, values):
    """Frozen parameters, as cloud_api.parameters reads them.

    :param variables: list of Variable, in their order
    :param values: {variable id: text}
    :return: {'header', 'body', 'buttons', 'offer', 'cards'}, each only if used
    """
    parameters = {}
    for variable in variables:
        part, value = parameters, values[variable.id]
        if variable.card_index is not None:
            cards = parameters.setdefault("cards", [])
            cards += [{} for _missing in range(len(cards), variable.card_index + 1)]
            part = cards[variable.card_index]
        if variable.component == "body":
            part.setdefault("body", []).append({"name": variable.name, "value": value})
        elif variable.component == "button":
            _freeze_button(part.setdefault("buttons", []), variable, value)
        elif variable.component == "offer":
            if value.isdecimal():
                is_date = variable.source == "date"
                part["offer"] = {"expires_at_ms" if is_date else "hours": int(value)}
        else:
            _freeze_header(part, variable, value)
    return parameters


# {kind: the button's `sub_type`}; of the others it is the kind itself.
_SUB_TYPES = {
    "payload": "quick_reply", "coupon": "copy_code", "thumbnail": "catalog", "product": "mpm",
    "sections": "mpm", "flow_token": "flow", "flow_data": "flow",
}  # fmt: skip


def _freeze_button(buttons, variable, value):
    """Add a value to its button, which is one item whatever its number of values."""
    index = variable.button_index
    button = next((one for one in buttons if one["index"] == index), None)
    if button is None:
        sub_type = _SUB_TYPES.get(variable.kind, variable.kind)
        button = {"index": index, "sub_type": sub_type, "value": ""}
        buttons.append(button)
    if variable.kind == "sections":
        button["sections"] = _parsed(parse_sections, value, [])
    elif variable.kind == "flow_data":
        button["data"] = _parsed(parse_flow_data, value, {})
    else:
        button["value"] = value


def _parsed(parse, value, otherwise):
    """What the value says; the checks name one that says nothing."""
    try:
        return parse(value)
    except (ValueError, RecursionError):
        return otherwise


def _freeze_header(part, variable, value):
    kind = "product" if variable.kind == "catalog" else variable.kind
    if kind == "text":
        header = part.setdefault("header", {"type": "text", "values": []})
        header["values"].append({"name": variable.name, "value": value})
    elif kind in MEDIA_KINDS:
        part["header"] = {"type": kind, **(variable.file or {"link": value})}
    else:
        part.setdefault("header", {"type": kind})[variable.name] = value
