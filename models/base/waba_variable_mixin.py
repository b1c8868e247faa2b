"""Base: `waba.variable.mixin`: the variables of a template, their sources, frozen values and links.

Called by templates, campaigns, follow-ups and rules when they fill or preview a message.
"""

import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...cloud_api import ParameterCheck, clean_parameter
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
]

# Fields of a copy of a line.
COPIED_FIELDS = ("sequence", "component", "button_index", "name", "kind", "example", "source",
             "field_path", "text", "fallback")  # fmt: skip


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
        [("header", "Header"), ("body", "Text"), ("button", "Button")],
        required=True,
        readonly=True,
        system=False,
    )
    button_index = fields.Integer(readonly=True, system=False)
    name = fields.Char("Variable", required=True, readonly=True, system=False)
    kind = fields.Selection(
        [
            ("text", "Text"),
            ("image", "Image URL"),
            ("video", "Video URL"),
            ("document", "Document URL"),
            ("location", "Location"),
            ("payload", "Button reply"),
            ("url", "Link ending"),
            ("coupon", "Coupon code"),
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
    can_track = fields.Boolean(compute="_compute_can_track")
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
                line._filled_template()._button_address(line.button_index), base
            )

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

    @api.model
    def _copy_commands(self, lines):
        """One2many commands that create a copy of each of these lines.

        :param lines: records of any model with this mixin
        """
        return [
            fields.Command.create({name: line[name] for name in COPIED_FIELDS}) for line in lines
        ]

    def _variable_key(self):
        """What tells this variable from the others of its template."""
        return self.component, self.button_index, self.name

    def _path_models(self):
        """Names of the models in which `field_path` may start."""
        raise NotImplementedError

    def _is_complete(self):
        """Whether the source is set, so that a value can exist."""
        self.ensure_one()
        if self.source == "text":
            return bool(visible_text(self.text or "")) or self.kind == "payload"
        if self.source == "link":
            return bool(self.text)
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
        if self.source in ("text", "link"):
            value = self.text
        elif self.source == "our_company":
            value = record.env.company.name
        else:
            value = self._field_value(record) if self.source == "field" else facts[self.source]
        return clean_parameter(visible_text(value or ""))

    def _placeholder_label(self):
        """'{{1}}', or '{{1}} of the button “See offer”': several parts can use the same name."""
        self.ensure_one()
        name = f"{{{{{self.name}}}}}"
        if self.component == "button":
            label = self._filled_template()._button_label(self.button_index)
            if label:
                return self.env._(
                    "%(variable)s of the button “%(button)s”", variable=name, button=label
                )
            return self.env._("%s of the button", name)
        return self.env._("%s of the header", name) if self.component == "header" else name

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
        missing = [v.label for v in variables if not values[v.id] and v.kind != "payload"]
        if missing:
            return {}, "missing_value", ", ".join(missing)
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
        }
        parts = dict(self._fields["component"].selection)
        named = [
            (f"{{{{{problem.name}}}}}" if problem.name else parts[problem.component], problem)
            for problem in problems
        ]
        return "; ".join(f"{name} {words[problem.problem]}" for name, problem in named)

    # === Tracked link ===
    # `text` is the target. The template's button must have our own short address, because Meta
    # fixes all of it but the end. One link.tracker per campaign, target and button has the
    # campaign's UTM values.

    def _check_own_address(self, template):
        """Refuse tracked links on buttons that do not have our address.

        :raise UserError: names both addresses and what to do
        """
        base = self.env["link.tracker"].get_base_url()
        for line in self.filtered(lambda line: line.source == "link"):
            address = template._button_address(line.button_index)
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
        return f"Button {self.button_index + 1}"

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
        # The key in cloud_api.ParameterCheck.
        index = line.button_index if line.component == "button" else None
        self.key = (line.component, index, line.name)
        self._line = line
        self._source = line.source
        self._is_found = is_found
        self._fallback = clean_parameter(visible_text(line.fallback or ""))
        self._same_for_all = None
        self.is_link = line.source == "link"
        self._link_code = self._label = None
        if line.source in ("text", "our_company"):
            text = line.text if line.source == "text" else env.company.name
            self._same_for_all = clean_parameter(visible_text(text or "")) or self._fallback

    def record_value(self, record, facts):
        """The value for one record, cleaned as Meta demands; '' for none.

        :param facts: `record._waba_person_facts()`
        """
        if self._same_for_all is not None:
            return self._same_for_all
        if self.is_link:
            return self._link_suffix(facts.get("link_token"))
        if self._source == "field":
            value = self._line._field_value(record, self._is_found)
        else:
            value = facts[self._source]
        return clean_parameter(visible_text(value or "")) or self._fallback

    @property
    def label(self):
        """As `_placeholder_label`, composed once."""
        if self._label is None:
            self._label = self._line._placeholder_label()
        return self._label

    def _link_suffix(self, token):
        """The end of the address for one message; '…' in a preview, which has no token."""
        if not token:
            return "…"
        if self._link_code is None:
            self._link_code = self._line._tracked_link().code
        return links.link_suffix(self._link_code, token)


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
    tokens = (links.split_suffix(button["value"])[1] for button in parameters.get("buttons", ()))
    return next(filter(None, tokens), None)


def freeze_parameters(variables, values):
    """Frozen parameters, as cloud_api.parameters reads them.

    :param variables: list of Variable, in their order
    :param values: {variable id: text}
    :return: {'header', 'body', 'buttons'}, each only if used
    """
    parameters = {}
    for variable in variables:
        value = values[variable.id]
        if variable.component == "body":
            parameters.setdefault("body", []).append({"name": variable.name, "value": value})
        elif variable.component == "button":
            sub_type = {"payload": "quick_reply", "coupon": "copy_code"}.get(
                variable.kind, variable.kind
            )
            parameters.setdefault("buttons", []).append(
                {"index": variable.button_index, "sub_type": sub_type, "value": value}
            )
        elif variable.kind == "text":
            header = parameters.setdefault("header", {"type": "text", "values": []})
            header["values"].append({"name": variable.name, "value": value})
        else:
            parameters["header"] = {"type": variable.kind, "link": value}
    return parameters
