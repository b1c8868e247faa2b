"""Base: what the builder shows while a template is written: preview, findings, samples.

Called by the builder's screen (static/src/builder/), for drafts that are saved or not.
"""

from markupsafe import Markup
from odoo import Command, api, fields, models

from ....cloud_api import template_texts, template_variables, variable_names
from ....policy import variable_names as known_names
from ....policy.template_rule_list import limit_of
from ....policy.template_rules import judge_template
from ...tools.labels import language_name, selection_labels
from ...tools.template_rule_texts import finding_text, place_text
from .waba_template_draft import EDITED, MARK, SOURCE, is_opt_out

# Templates of an account and language that a draft is compared with; more would slow down typing.
MOST_COMPARED = 500
# Labels of an opt-out button by language, 25 characters at most.
OPT_OUT_TEXTS = {
    "ar": "إيقاف العروض",
    "de": "Keine Werbung mehr",
    "en": "Stop promotions",
    "es": "No recibir más",
    "fr": "Arrêter les promos",
    "he": "הפסקת מבצעים",
    "it": "Stop promozioni",
    "nl": "Geen aanbiedingen",
    "pt": "Parar promoções",
}
# Samples are taken from people that may be messaged, the newest first.
SAMPLE_MODEL = "crm.lead"


class WabaTemplateDraft(models.Model):
    _inherit = "waba.template.draft"

    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)

    @api.depends(*EDITED)
    def _compute_preview_html(self):
        for draft in self:
            draft.preview_html = draft._render_phone()

    @api.model
    def builder_data(self, draft_id, values):
        """What the builder shows of a draft, as it stands in the form.

        :param draft_id: the saved draft, or False
        :param values: of the form, fields of EDITED
        :return: {'html', 'variables': {place: [{'name', 'sample', 'source'…}]},
            'findings': [{'key', 'level', 'place', 'text'}], 'limits': {part: characters},
            'opt_out': {'text', 'index'}, 'origin': {place: text} or False, 'cost': sentence}
        """
        draft = self._read_form(draft_id, values)
        return {
            "html": draft._render_phone(),
            "variables": draft._variable_lines(),
            "findings": [
                {
                    "key": found.key,
                    "level": found.level,
                    "place": found.place,
                    "text": draft._finding_text(found),
                }
                for found in draft._findings()
            ],
            "limits": draft._limits(),
            "opt_out": draft._opt_out_button(),
            "origin": draft._origin_texts(),
            "cost": draft._cost_text(),
        }

    @api.model
    def builder_overwrite(self, draft_id):
        """Keep what someone else saved in the chatter, before the user's own version replaces it.

        :return: the version that the user's own may replace
        """
        draft = self.browse(draft_id)
        draft.check_access("write")
        texts = [
            Markup("<b>%s</b><br/>%s") % (place_text(self.env, place), text)
            for place, text in template_texts(draft._content())
            if text
        ]
        note = self.env._(
            "Version of %(user)s, replaced by %(other)s:",
            user=draft.write_uid.name,
            other=self.env.user.name,
        )
        draft._message_log(body=Markup("<br/>").join([note, *texts]))
        return draft.edit_version

    def _limits(self):
        """Most characters of each part, as the rules count them."""
        keys = {
            "header": "header_length",
            "body": "offer_body_length" if self.layout == "offer" else "body_length",
            "footer": "footer_length",
            "offer": "offer_length",
            "card": "card_body_length",
            "label": "label_length",
        }
        return {part: limit_of(key) for part, key in keys.items()}

    def _cost_text(self):
        """What a message costs in both categories, in the usual country; '' when unknown."""
        labels = selection_labels(self, "category")
        prices = self.account_id._prices([*labels])
        parts = [f"{labels[key]}: {prices[key]}" for key in labels if prices.get(key)]
        if not parts:
            return ""
        return self.env._(
            "Price per message in %(country)s: %(prices)s.",
            country=self.account_id._usual_country().name,
            prices=" · ".join(parts),
        )

    def _opt_out_button(self):
        """The text of an opt-out button in this language, and the position of the one there is."""
        texts = OPT_OUT_TEXTS.get(self.language.split("_")[0]) or OPT_OUT_TEXTS["en"]
        found = [index for index, one in enumerate(self.buttons or []) if is_opt_out(one)]
        return {"text": texts, "index": found[0] if found else -1}

    def _origin_texts(self):
        """The texts that are translated here: {place: text}; False for an original."""
        if not self.origin_id:
            return False
        return {
            "language": language_name(self.env, self.origin_id.language),
            "texts": dict(template_texts(self.origin_id._content())),
            "missing": self._missing_texts(),
        }

    @api.model
    def builder_samples(self, draft_id, values, record_id=0):
        """Samples of all variables from a real lead, the next one after `record_id`.

        :return: {'record_id', 'name', 'samples': {place: {variable name: text}}}; empty if the
            user has no lead
        """
        draft = self._read_form(draft_id, values)
        leads = self.env[SAMPLE_MODEL]
        # Only people with a name make good samples.
        domain = [("contact_name", "!=", False)]
        after = [("id", "<", record_id)] if record_id else []
        record = leads.search(domain + after, order="id desc", limit=1) or leads.search(
            domain, order="id desc", limit=1
        )
        if not record:
            return {}
        facts = record._waba_person_facts()
        samples = {
            place: {line["name"]: draft._sample_of(line, record, facts) for line in lines}
            for place, lines in draft._variable_lines().items()
        }
        return {"record_id": record.id, "name": record.display_name, "samples": samples}

    def _submission_problems(self):
        """What keeps this draft from being submitted: list of sentences."""
        problems = [
            f"{place_text(self.env, found.place)}: {self._finding_text(found)}"
            for found in self._findings()
            if found.level == "error"
        ]
        if self.template_id.status == "approved" and not self.is_changed:
            problems.append(self.env._("Nothing was changed since the last submission."))
        content = self._content()
        parts = (content, *content.get("cards", ()))
        if any((part.get("header_handle") or "").startswith("http") for part in parts):
            problems.append(
                self.env._(
                    "The header's file must be uploaded again: WhatsApp reviews every submission "
                    "with its sample."
                )
            )
        for record in self._sample_files():
            if (record.res_model, record.res_id) != (self._name, self.id):
                problems.append(self.env._("%s is not a file of this template.", record.name))
        return problems

    def _findings(self):
        """What the rules say about this draft: list of policy.template_findings.Finding."""
        template = self.template_id if self.template_id.status != "deleted" else None
        found = judge_template(
            self._components(),
            name=self.name or "",
            language=self.language,
            category=self.category,
            parameter_format=self.parameter_format,
            existing=[] if self.unconfirmed_at else self._other_templates(template),
            edit_history=[fields.Datetime.to_datetime(at) for at in self.edits or []],
            current=template and _as_listed(template),
            now=fields.Datetime.now(),
        )
        # The rules know the words of few languages; the editor knows what its button does. Before
        # there is a message, none is missing.
        has_way_out = not self.body or any(map(is_opt_out, self.buttons or []))
        return [one for one in found if one.key != "no_way_out" or not has_way_out]

    def _finding_text(self, found):
        """A finding as text; people write a title here, which the name follows."""
        if found.key == "name_missing":
            return self.env._("No title. Enter one, such as Spring offer.")
        return finding_text(self.env, found)

    def _other_templates(self, template):
        """The account's other templates in this language, as the rules read them."""
        domain = [
            ("account_id", "=", self.account_id.id),
            ("language", "=", self.language),
            ("status", "!=", "deleted"),
            ("id", "!=", template.id if template else 0),
        ]
        names = ["name", "language", "category", "status", "components"]
        return [
            _as_listed(other)
            for other in self.env["waba.template"].search_fetch(domain, names, limit=MOST_COMPARED)
        ]

    def _sample_files(self):
        """The files that Meta's review needs as samples, read with the user's rights."""
        content = self._content()
        marks = [part.get("header_handle") or "" for part in (content, *content.get("cards", ()))]
        ids = {int(mark[len(MARK) :]) for mark in marks if mark.startswith(MARK)}
        return self.env["ir.attachment"].browse(sorted(ids)).exists()

    @api.model
    def _read_form(self, draft_id, values):
        """A draft with the form's values, which need not be saved, for a user who may read it."""
        self.check_access("read")
        saved = self.browse(draft_id or [])
        saved.check_access("read")
        draft = self.new(
            {name: values[name] for name in EDITED if name in values},
            origin=saved or None,
        )
        if "account_id" in values:
            draft.account_id = values["account_id"]
        draft.account_id.check_access("read")
        return draft

    def _variable_lines(self):
        """{place: [{'name', 'sample', 'source', …}]} of the variables in the texts, in order."""
        content = self._content()
        texts = {"header": content["header_text"], "body": content["body"]}
        if content["header_type"] != "text":
            del texts["header"]
        for index, card in enumerate(content.get("cards", [])):
            texts[f"card:{index}.body"] = card.get("body")
        known = self._variable_places()
        return {
            place: [
                {"name": name, **self._variable_line(known.get(place, {}).get(name), name)}
                for name in names
            ]
            for place, text in texts.items()
            if (names := variable_names(text, self.parameter_format))
        }

    def _variable_line(self, line, name):
        line = line or {}
        guessed = known_names.guess_source(name)
        return {
            "sample": line.get("sample") or "",
            "source": line.get("source") or guessed or "text",
            **{key: line[key] for key in SOURCE[1:] if line.get(key)},
        }

    def _sample_of(self, line, record, facts):
        """What the variable says for `record`; its fallback or old sample when that is nothing."""
        variable = self.env["waba.template.variable"].new(
            {
                "name": line["name"],
                "component": "body",
                "template_id": self.env["waba.template"].new({"language": self.language}),
                **{key: line[key] for key in SOURCE if key in line},
            }
        )
        value = variable._value_without_fallback(record, facts)
        return value or line.get("fallback") or line["sample"]

    def _render_phone(self):
        """The message with its sample values as a phone shows it, as safe HTML."""
        self.ensure_one()
        components = self._components()
        template = self.env["waba.template"].new(
            {
                "components": components,
                "parameter_format": self.parameter_format,
                "language": self.language,
                "account_id": self.account_id.id,
                "variable_ids": [
                    Command.create(_preview_line(variable))
                    for variable in template_variables(components, self.parameter_format)
                ],
            }
        )
        samples = {f"{MARK}{file.id}": f"/web/image/{file.id}" for file in self._sample_files()}
        return template._render_phone(template._example_parameters(), samples)


def _preview_line(variable):
    """A variable's line with its sample; a text without one shows its placeholder."""
    placeholder = f"{{{{{variable.name}}}}}" if variable.kind == "text" else False
    return {
        "component": variable.component,
        "button_index": variable.button_index or 0,
        "card_number": 0 if variable.card_index is None else variable.card_index + 1,
        "name": variable.name,
        "kind": variable.kind,
        "example": variable.example or placeholder,
    }


def _as_listed(template):
    """A template as Meta lists it, as far as the rules read it."""
    names = ("name", "language", "category", "status", "components")
    return {name: template[name] for name in names}
