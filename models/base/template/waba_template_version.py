"""Base: the versions of a template: every content it had, from when until when, and its messages.

Called by the sync, webhooks and drafts when a content is new, and by messages, which are shown with
the text they were sent with.
"""

import difflib
from datetime import timedelta

from markupsafe import Markup, escape
from odoo import api, fields, models
from odoo.tools import SQL

from ....cloud_api import content_key, content_places, template_variables
from ...tools.hooks import implements
from ..waba_message import DEPARTURE_SQL

# Looked at by each poll for the last use of templates; polls are an hour apart at most.
USE_PERIOD = timedelta(days=2)
SOURCES = [("sync", "Sync"), ("webhook", "Webhook"), ("edit", "Edited here")]


class WabaTemplateVersion(models.Model):
    """A content of a template for the time in which Meta had it.

    Versions follow each other without a gap, so the version of a message is that of the moment at
    which it was sent. A content that returns is a new version.
    Entry points: `waba.template._record_version`, `waba.template._version_at`.
    """

    _name = "waba.template.version"
    _description = "WhatsApp Template Version"
    _inherit = ["waba.system.fields.mixin"]
    _order = "template_id, number desc"

    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="template_id.company_id", store=True, index=True)
    number = fields.Integer("Version", required=True, readonly=True, aggregator=None)
    components = fields.Json(readonly=True)
    parameter_format = fields.Char("Variable format", readonly=True)
    content_key = fields.Char(required=True, readonly=True)
    first_seen_at = fields.Datetime("In use from", required=True, readonly=True)
    last_seen_at = fields.Datetime("Until", readonly=True)
    source = fields.Selection(SOURCES, required=True, readonly=True)
    body = fields.Text("Message", compute="_compute_body")
    preview_html = fields.Html("Preview", compute="_compute_preview_html", sanitize=False)
    changes_html = fields.Html("Changes", compute="_compute_changes_html", sanitize=False)
    message_count = fields.Integer("Messages", compute="_compute_message_count")

    _number_uniq = models.Constraint("UNIQUE(template_id, number)", "This version already exists.")

    @api.depends("number", "template_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for version in self:
            version.display_name = self.env._(
                "%(template)s, version %(number)s",
                template=version.template_id.display_name,
                number=version.number,
            )

    @api.depends("components")
    def _compute_body(self):
        for version in self:
            version.body = content_places(version.components).get(("body", None, None), "")

    @api.depends("components")
    def _compute_preview_html(self):
        for version in self:
            template = version.template_id.with_context(waba_content_at=version.first_seen_at)
            samples = template._samples_of(version.components, version.parameter_format)
            version.preview_html = template._render_phone(samples)

    @api.depends("components", "number")
    @api.depends_context("lang")
    def _compute_changes_html(self):
        for version in self:
            earlier = version.template_id.version_ids.filtered(
                lambda one, version=version: one.number == version.number - 1
            )
            version.changes_html = version._describe_changes(earlier) if earlier else False

    def _compute_message_count(self):
        counts = dict(
            self.env.execute_query(
                SQL(
                    """SELECT v.id, count(m.id)
                         FROM waba_template_version v
                         JOIN waba_message m ON m.template_id = v.template_id
                          AND m.direction = 'out'
                          AND COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at)
                              IS NOT NULL
                        WHERE v.id = ANY(%s)
                          AND (v.number = 1 OR %s >= v.first_seen_at)
                          AND (v.last_seen_at IS NULL OR %s < v.last_seen_at)
                        GROUP BY v.id""",
                    list(self._ids), DEPARTURE_SQL, DEPARTURE_SQL,
                )
            )
        )  # fmt: skip
        for version in self:
            version.message_count = counts.get(version.id, 0)

    def _describe_changes(self, earlier):
        """What differs from an earlier version, as safe HTML: one line per changed place."""
        before, after = content_places(earlier.components), content_places(self.components)
        lines = [
            Markup("<p><strong>%s</strong><br/>%s</p>")
            % (self._place_label(place), _marked(before.get(place, ""), after.get(place, "")))
            for place in dict.fromkeys([*before, *after])
            if before.get(place) != after.get(place)
        ]
        return Markup("").join(lines) or Markup("<p>%s</p>") % self.env._(
            "Only samples or variable formats changed."
        )

    def _place_label(self, place):
        """'Card 2 · Button 1'."""
        kind, card, button = place
        label = {
            "header": self.env._("Header"),
            "body": self.env._("Message"),
            "footer": self.env._("Footer"),
            "offer": self.env._("Offer"),
            "button": self.env._("Button %s", (button or 0) + 1),
        }[kind]
        if card is None:
            return label
        return f"{self.env._('Card %s', card + 1)} · {label}"


def _marked(before, after):
    """Two texts in one, with what was taken out and put in, word by word."""
    old, new = before.split(" "), after.split(" ")
    parts = []
    for act, a_from, a_to, b_from, b_to in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if act == "equal":
            parts.append(escape(" ".join(new[b_from:b_to])))
            continue
        for words, tag in ((old[a_from:a_to], "del"), (new[b_from:b_to], "ins")):
            if text := " ".join(words):
                parts.append(Markup("<%s>%s</%s>") % (Markup(tag), text, Markup(tag)))
    return Markup(" ").join(parts).replace("\n", Markup("<br/>"))


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @implements("_on_poll")
    def _note_template_use(self, now):
        self.env["waba.template"]._note_use(now - USE_PERIOD)


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    version_ids = fields.One2many(
        "waba.template.version", "template_id", "Version history", readonly=True
    )
    last_used_at = fields.Datetime("Last used", readonly=True)
    version_count = fields.Integer("Versions", compute="_compute_version_count")
    is_content_announced = fields.Boolean(readonly=True)

    @api.depends("version_ids")
    def _compute_version_count(self):
        for template in self:
            template.version_count = len(template.version_ids)

    def action_view_versions(self):
        """Open every content this template had, with what was sent with each."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Versions"),
            "res_model": "waba.template.version",
            "view_mode": "list,form",
            "domain": [("template_id", "=", self.id)],
        }

    @api.model
    def _note_use(self, since=None):
        """Store when templates were last sent, from the messages since then.

        :param since: naive UTC datetime; None: of all messages
        """
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_template t SET last_used_at = used.at
                     FROM (SELECT m.template_id, max(%s) AS at
                             FROM waba_message m
                            WHERE m.direction = 'out' AND m.template_id IS NOT NULL AND %s
                            GROUP BY m.template_id) used
                    WHERE t.id = used.template_id
                      AND (t.last_used_at IS NULL OR t.last_used_at < used.at)""",
                DEPARTURE_SQL,
                SQL("%s >= %s", DEPARTURE_SQL, since) if since else SQL("TRUE"),
            )
        )
        self.invalidate_model(["last_used_at"])

    def _record_version(self):
        """Store the present content of these templates where it is a new one.

        Its source, a key of SOURCES, is the sync unless the context says otherwise.
        """
        source, now = self.env.context.get("waba_version_source", "sync"), fields.Datetime.now()
        for template in self:
            key = content_key(template.components, template.parameter_format)
            latest = template.version_ids.sorted("number")[-1:]
            if latest.content_key == key:
                continue
            latest.last_seen_at = now
            self.env["waba.template.version"].create(
                {
                    "template_id": template.id,
                    "number": latest.number + 1,
                    "components": template.components,
                    "parameter_format": template.parameter_format,
                    "content_key": key,
                    "first_seen_at": now if latest else template.create_date or now,
                    "source": "webhook" if template.is_content_announced else source,
                }
            )
            template.is_content_announced = False

    def _version_at(self, moment):
        """The version that was in use at a moment; the latest for False, none if none is stored."""
        self.ensure_one()
        versions = self.sudo().version_ids.sorted("number")
        past = versions.filtered(lambda one: not moment or one.first_seen_at <= moment)
        return (past[-1:] or versions[:1]).sudo(False)

    @api.model
    def _samples_of(self, components, parameter_format):
        """Frozen parameters of the samples in the texts of a content."""
        found = template_variables(components or [], parameter_format)
        values = {
            place: [
                {"name": variable.name, "value": variable.example}
                for variable in found
                if (variable.component, variable.card_index) == (place, None)
                and variable.kind == "text"
            ]
            for place in ("header", "body")
        }
        header = {"type": "text", "values": values["header"]} if values["header"] else {}
        return {"header": header, "body": values["body"]}

    def _content_at(self, moment):
        """(components, parameter format) that were in use at a moment; the present ones for
        False."""
        version = self._version_at(moment).sudo() if moment else self.version_ids.browse()
        source = version or self
        return source.components or [], source.parameter_format
