from ast import literal_eval

from odoo import api, fields, models
from odoo.tools import format_date

from ..policy import retry
from .labels import selection_labels
from .waba_campaign import SOURCE_FIELDS
from .waba_failure import FAILURE_REASONS

SOURCES = [
    ("records", "Records marked by hand"),
    ("filter", "A saved filter"),
    ("team", "A sales team"),
    ("tag", "A tag"),
    ("campaign", "People of an earlier campaign"),
    ("domain", "Conditions of my own"),
]
OUTCOMES = [
    ("written", "who were written to"),
    ("delivered", "whom it reached"),
    ("read_not_replied", "who read it and did not answer"),
    ("not_replied", "whom it reached and who did not answer"),
    ("replied", "who answered"),
    ("failed_passing", "whom it did not reach for a passing reason"),
    ("skipped", "who were left out"),
]
# Nobody: a source that is not chosen yet must never stand for everybody.
EMPTY_DOMAIN = "[(0, '=', 1)]"


class WabaCampaign(models.Model):
    """Where a campaign's people come from.

    `audience_domain` alone decides who is written to; a source only writes it. The people of an
    earlier campaign are named by a condition on their messages, never by their ids: it stays short
    for a hundred thousand, and PostgreSQL answers it from the index of that campaign's rows.
    """

    _inherit = "waba.campaign"

    res_model = fields.Selection(
        compute="_compute_res_model", store=True, readonly=False, precompute=True
    )
    audience_domain = fields.Char(
        compute="_compute_audience_domain", store=True, readonly=False, precompute=True
    )
    audience_source = fields.Selection(SOURCES, "Audience", default="domain", required=True)
    audience_filter_id = fields.Many2one(
        "ir.filters", "Saved filter", ondelete="set null",
        domain="[('model_id', '=', res_model), '|', ('user_ids', '=', False),"
        " ('user_ids', 'in', uid)]",
    )  # fmt: skip
    audience_team_id = fields.Many2one("crm.team", "Sales team", ondelete="set null")
    audience_tag_id = fields.Many2one("crm.tag", "Tag", ondelete="set null")
    audience_category_id = fields.Many2one(
        "res.partner.category", "Contact tag", ondelete="set null"
    )
    audience_campaign_id = fields.Many2one(
        "waba.campaign", "Earlier campaign", ondelete="set null", check_company=True,
        index="btree_not_null",
        domain="[('company_id', '=', company_id), ('state', 'not in', ('draft', 'scheduled'))]",
    )  # fmt: skip
    audience_outcome = fields.Selection(OUTCOMES, "Those", default="read_not_replied")
    audience_text = fields.Char("Audience in words", compute="_compute_audience_text")
    audience_note = fields.Char("Fixed or looked up", compute="_compute_audience_text")

    # ------------------------------------------------------------------
    # Starting from a screen of Odoo's
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields_list):
        """Started from records, a team or a tag: that is the audience."""
        values = super().default_get(fields_list)
        context = self.env.context
        if not context.get("waba_from_records"):
            return values
        model = context.get("active_model")
        labels = dict(self.env["waba.person.mixin"]._waba_target_models())
        if model in labels:
            values |= self._values_for_records(model, labels[model])
        else:
            values |= self._source_values(self.env[model].browse(context.get("active_id")))
        return values

    @api.model
    def _values_for_records(self, model, label):
        """Values that make the records marked in a list, or the one that is open, the audience."""
        context = self.env.context
        marked = context.get("active_ids") or []
        ids = marked or [context.get("active_id")]
        values = {
            "res_model": model,
            "audience_source": "records",
            "audience_domain": repr([("id", "in", [id_ for id_ in ids if id_])]),
            "name": self.env._(
                "%(count)s %(label)s, %(date)s",
                count=len(ids),
                label=label.lower(),
                date=format_date(self.env, fields.Date.context_today(self)),
            ),
        }
        if len(marked) >= self._max_list_size() and context.get("active_domain"):
            # The list hands over no more: its own filter names all that were marked.
            values["audience_source"] = "domain"
            values["audience_domain"] = repr(context["active_domain"])
        return values

    @api.model
    def _max_list_size(self):
        # As `web.active_ids_limit` reaches the browser (ir.http.session_info).
        return int(
            self.env["ir.config_parameter"].sudo().get_param("web.active_ids_limit", "20000")
        )

    @api.model
    def _source_values(self, record):
        """Values that make `record`, a team or a tag, the audience."""
        sources = {
            "crm.team": ("team", "audience_team_id", "crm.lead"),
            "crm.tag": ("tag", "audience_tag_id", "crm.lead"),
            "res.partner.category": ("tag", "audience_category_id", "res.partner"),
        }
        if not record or record._name not in sources:
            return {}
        source, field, model = sources[record._name]
        values = {"audience_source": source, field: record.id, "res_model": model}
        return {**values, "name": record.display_name}

    # ------------------------------------------------------------------
    # The source writes the domain
    # ------------------------------------------------------------------

    @api.depends("audience_source", "audience_campaign_id")
    def _compute_res_model(self):
        for campaign in self:
            model = campaign.res_model or "crm.lead"
            if campaign.audience_source == "team":
                model = "crm.lead"
            elif campaign.audience_source == "campaign" and campaign.audience_campaign_id:
                model = campaign.audience_campaign_id.res_model
            campaign.res_model = model

    @api.depends("res_model", *SOURCE_FIELDS)
    def _compute_audience_domain(self):
        for campaign in self:
            domain = campaign.audience_domain or ""
            if campaign.audience_source == "domain":
                campaign.audience_domain = "[]" if domain in ("", EMPTY_DOMAIN) else domain
            elif campaign.audience_source == "records":
                campaign.audience_domain = domain if _domain_ids(domain) else EMPTY_DOMAIN
            else:
                campaign.audience_domain = campaign._source_domain() or EMPTY_DOMAIN

    def _source_domain(self):
        """The domain that the source stands for, as text; None while it is not chosen."""
        self.ensure_one()
        if self.audience_source == "filter":
            # Computed with all rights, as what is stored is: whoever chooses it must read it.
            chosen = self.audience_filter_id._origin.with_user(self.env.user)
            is_fit = chosen.has_access("read") and chosen.model_id == self.res_model
            return chosen.domain if is_fit else None
        if self.audience_source == "campaign":
            return self.audience_campaign_id and repr(
                [("waba_message_ids", "any", self._outcome_domain())]
            )
        field, chosen = self._source_field_and_record()
        return chosen and repr([(field, "=", chosen.id or chosen._origin.id)])

    def _source_field_and_record(self):
        """(field of the records, the team or tag it must be)."""
        if self.audience_source == "team":
            return "team_id", self.audience_team_id
        if self.res_model == "res.partner":
            return "category_id", self.audience_category_id
        return "tag_ids", self.audience_tag_id

    def _outcome_domain(self):
        """Messages of the earlier campaign with the chosen outcome."""
        earlier = self.audience_campaign_id
        outcomes = {
            "delivered": [("state", "in", ("delivered", "read"))],
            "read_not_replied": [("state", "=", "read"), ("replied_at", "=", False)],
            "not_replied": [("state", "in", ("delivered", "read")), ("replied_at", "=", False)],
            "replied": [("replied_at", "!=", False)],
            "failed_passing": [
                ("state", "=", "failed"),
                ("failure_type", "in", _passing_failures()),
            ],
            "skipped": [("state", "=", "skipped")],
        }
        wanted = outcomes.get(
            self.audience_outcome,
            [("state", "not in", ("queued", "reserved", "skipped", "cancelled"))],
        )
        return [
            ("campaign_id", "=", earlier.id or earlier._origin.id),
            ("direction", "=", "out"),
            *wanted,
        ]

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

    @api.depends("audience_count", "audience_domain", *SOURCE_FIELDS)
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_audience_text(self):
        for campaign in self:
            missing = campaign._missing_source_text()
            campaign.audience_text = missing or campaign._describe_audience()
            campaign.audience_note = not missing and campaign._audience_timing_text()

    def _missing_source_text(self):
        if self.audience_domain != EMPTY_DOMAIN:
            return False
        return {
            "records": self.env._(
                "Mark leads in the pipeline, or contacts, and choose WhatsApp campaign in their "
                "Actions menu."
            ),
            "filter": self.env._("Choose a filter that was saved in the list of records."),
            "team": self.env._("Choose the sales team."),
            "tag": self.env._("Choose the tag."),
            "campaign": self.env._("Choose the campaign."),
        }.get(self.audience_source, False)

    def _describe_audience(self):
        """842 leads from "Dormant > 90 days"."""
        people, source = self._count_records(), self.audience_source
        if source == "records":
            return self.env._("%s, marked by hand", people)
        if source == "filter":
            return self.env._("%(people)s from “%(name)s”", people=people,
                              name=self.audience_filter_id.name)  # fmt: skip
        if source == "team":
            return self.env._("%(people)s of the team “%(name)s”", people=people,
                              name=self.audience_team_id.name)  # fmt: skip
        if source == "tag":
            return self.env._("%(people)s with the tag “%(name)s”", people=people,
                              name=self._source_field_and_record()[1].name)  # fmt: skip
        if source == "campaign":
            outcomes = selection_labels(self, "audience_outcome")
            return self.env._(
                "%(people)s of “%(name)s” %(outcome)s",
                people=people,
                name=self.audience_campaign_id.name,
                outcome=outcomes.get(self.audience_outcome, ""),
            )
        if self.audience_domain == "[]":
            return self.env._("%s: everybody you may see", people)
        return self.env._("%s that match the conditions", people)

    def _count_records(self):
        one = {"crm.lead": self.env._("1 lead or opportunity"),
               "res.partner": self.env._("1 contact")}  # fmt: skip
        labels = dict(self.env["waba.person.mixin"]._waba_target_models())
        count, label = self.audience_count, labels.get(self.res_model, "")
        if count == 1 and self.res_model in one:
            return one[self.res_model]
        return self.env._("%(count)s %(label)s", count=count, label=label.lower())

    def _audience_timing_text(self):
        if self.audience_source == "records":
            return self.env._("Fixed: exactly these.")
        return self.env._(
            "Looked up when the campaign starts: who matches then is written to, nobody twice."
        )


def _domain_ids(domain):
    """Ids that a domain of marked records names, or None."""
    try:
        [[field, operator, ids]] = literal_eval(domain)
    except (ValueError, SyntaxError, TypeError):
        return None
    return ids if (field, operator) == ("id", "in") else None


def _passing_failures():
    return [name for name, _label in FAILURE_REASONS if retry.can_retry_manually(name)]
