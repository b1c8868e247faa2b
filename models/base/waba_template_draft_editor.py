"""Base: what the builder shows while a template is written: preview, findings, samples.

Called by the builder's screen (static/src/builder/), for drafts that are saved or not.
"""

from dataclasses import asdict
from types import SimpleNamespace

from odoo import api, models

from ...cloud_api import render_preview, template_variables, variable_names
from ...policy import variable_names as known_names
from .waba_template_draft import EDITED, MARK, SOURCE
from .waba_variable_mixin import freeze_parameters

# Samples are taken from people that may be messaged, the newest first.
SAMPLE_MODEL = "crm.lead"


class WabaTemplateDraft(models.Model):
    _inherit = "waba.template.draft"

    @api.model
    def builder_data(self, draft_id, values):
        """What the builder shows of a draft, as it stands in the form.

        :param draft_id: the saved draft, or False
        :param values: of the form, fields of EDITED
        :return: {'html', 'variables': {place: [{'name', 'sample', 'source'…}]}}
        """
        draft = self._read_form(draft_id, values)
        return {"html": draft._render_phone(), "variables": draft._variable_lines()}

    @api.model
    def builder_samples(self, draft_id, values, record_id=0):
        """Samples of all variables from a real lead, the next one after `record_id`.

        :return: {'record_id', 'name', 'samples': {place: {variable name: text}}}; empty if the
            user has no lead
        """
        draft = self._read_form(draft_id, values)
        leads = self.env[SAMPLE_MODEL]
        # Only people with a name make good samples.
        domain = [("partner_name", "!=", False), ("contact_name", "!=", False)]
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
        problems = []
        if not self.name:
            problems.append(self.env._("The title is missing."))
        for draft_text in self._missing_texts():
            problems.append(self.env._("A text is not translated: %s.", draft_text))
        for record in self._sample_files():
            if (record.res_model, record.res_id) != (self._name, self.id):
                problems.append(self.env._("%s is not a file of this template.", record.name))
        return problems

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
        variables = [
            SimpleNamespace(id=number, **asdict(variable))
            for number, variable in enumerate(template_variables(components, self.parameter_format))
        ]
        samples = {
            variable.id: variable.example or f"{{{{{variable.name}}}}}" for variable in variables
        }
        preview = render_preview(
            components, freeze_parameters(variables, samples), self.parameter_format
        )
        return self.env["ir.qweb"]._render("waba_campaign.phone_preview", {"preview": preview})
