"""Audience: from the chosen source to a domain, and from its records to chunks of rows.

Called by the form, by `default_get` from a list of records, and by the job `_cron_prepare`.
"""

import logging
from ast import literal_eval
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date

from ...policy import attribution, eligibility, frequency, retry
from ..base.waba_failure import FAILURE_REASONS
from ..consent.consent_sql import PURPOSES, consent_sql, topic_sql
from ..tools.labels import selection_labels, with_language
from ..tools.phone_countries import number_country
from ..tools.transactions import commit_step
from .waba_campaign import CHOICE_FIELDS, EMPTY_DOMAIN, SOURCE_FIELDS

_logger = logging.getLogger(__name__)

# Rows created in one transaction: enough that the data read once per chunk costs little.
CHUNK = 2000

# Records whose language is looked at: that of most of them is needed, not of all.
LANGUAGE_SAMPLE = 20

MAX_HOLDOUT_PERCENT = 50

SOURCES = [
    ("records", "Selected records"),
    ("domain", "Filter"),
    ("filter", "Saved filter"),
    ("team", "Sales team"),
    ("tag", "Tag"),
    ("campaign", "Earlier campaign"),
]

OUTCOMES = [
    ("written", "Sent"),
    ("delivered", "Delivered"),
    ("read_not_replied", "Read, no reply"),
    ("not_replied", "Delivered, no reply"),
    ("replied", "Replied"),
    ("failed_passing", "Failed, worth retrying"),
    ("skipped", "Excluded"),
]

# Where each source's leads or contacts come from: a record of this model stands for them.
SOURCE_MODELS = {
    "crm.team": ("team", "audience_team_id", "crm.lead"),
    "crm.tag": ("tag", "audience_tag_id", "crm.lead"),
    "res.partner.category": ("tag", "audience_category_id", "res.partner"),
}

# Context key of the Actions menu's entry. The web client drops keys that begin like this on the way
# to another action, so it ends with its own.
FROM_RECORDS = "default_from_records"


class KnownRecipient(NamedTuple):
    """Data about the recipient behind a number: columns of waba.recipient, and the consent states
    that apply to the campaign's company.
    """

    id: int | None = None
    marketing_state: str = "unknown"
    utility_state: str | None = None
    topic_state: str | None = None
    unreachable_until: datetime | None = None
    marketing_held_until: datetime | None = None
    is_blocked: bool = False
    may_opt_out_at: datetime | None = None
    user_uid: str | None = None


UNKNOWN_RECIPIENT = KnownRecipient()


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    audience_language = fields.Char(compute="_compute_audience_language")

    @api.depends("res_model", "audience_domain")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_audience_language(self):
        """The language that most of the audience reads: templates in it are offered first."""
        for campaign in self:
            records = campaign._audience_records().search(
                campaign._audience_domain_list(), order="id", limit=LANGUAGE_SAMPLE
            ) if campaign.res_model else ()  # fmt: skip
            languages = Counter(filter(None, (record._waba_language() for record in records)))
            campaign.audience_language = next(iter(dict(languages.most_common(1))), False)

    @api.model
    def default_get(self, fields_list):
        """Opened from records, a team or a tag: those become the audience.

        The key of the action may still be there when the records are not: after a reload of the
        page, or when the campaign is duplicated. Then nothing is chosen.
        """
        values = super().default_get(fields_list)
        if self.env.context.get(FROM_RECORDS):
            chosen = self._values_from_context()
            values |= {name: chosen[name] for name in fields_list if name in chosen}
        return values

    @api.model
    def _values_from_context(self):
        """Values for an audience of the records behind the action; {} if there are none."""
        context = self.env.context
        model = context.get("active_model")
        labels = dict(self.env["waba.person.mixin"]._waba_target_models())
        if model in labels:
            return self._values_for_records(model, labels[model])
        if model in SOURCE_MODELS:
            return self._source_values(self.env[model].browse(context.get("active_id")).exists())
        return {}

    holdout_percent = fields.Integer(
        "Hold-out group (%)",
        copy=False,
        help="Random share of the audience that gets no message, to compare results.",
    )

    # Source
    res_model = fields.Selection(
        compute="_compute_res_model", store=True, readonly=False, precompute=True
    )
    audience_domain = fields.Char(
        compute="_compute_audience_domain", store=True, readonly=False, precompute=True
    )
    audience_source = fields.Selection(SOURCES, "Source")
    audience_excluded_ids = fields.Json(
        "Excluded records", help="Ids of records of the source that are not part of the audience."
    )
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
        # One that was cancelled before anything was sent is no earlier campaign.
        domain="[('company_id', '=', company_id), '|',"
        " ('state', 'in', ('preparing', 'running', 'paused', 'done')),"
        " '&', ('state', '=', 'cancelled'), ('waba_message_ids', 'any', [('state', 'not in',"
        " ('queued', 'reserved', 'skipped', 'cancelled'))])]",
    )  # fmt: skip
    audience_outcome = fields.Selection(OUTCOMES, "Outcome", default="read_not_replied")
    audience_text = fields.Char("Audience summary", compute="_compute_audience_text")
    audience_note = fields.Char("Audience timing", compute="_compute_audience_text")

    @api.depends("audience_source", "audience_campaign_id")
    def _compute_res_model(self):
        for campaign in self:
            model = campaign.res_model or "crm.lead"
            if campaign.audience_source == "team":
                model = "crm.lead"
            elif campaign.audience_source == "campaign" and campaign.audience_campaign_id:
                model = campaign.audience_campaign_id.res_model
            campaign.res_model = model

    @api.depends("res_model", *CHOICE_FIELDS)
    def _compute_audience_domain(self):
        for campaign in self:
            domain = campaign.audience_domain or ""
            if not campaign.audience_source:
                campaign.audience_domain = EMPTY_DOMAIN
            elif campaign.audience_source == "domain":
                campaign.audience_domain = domain or EMPTY_DOMAIN
            elif campaign.audience_source == "records":
                campaign.audience_domain = domain if _domain_ids(domain) else EMPTY_DOMAIN
            else:
                campaign.audience_domain = campaign._source_domain() or EMPTY_DOMAIN

    @api.depends("audience_count", "audience_domain", *SOURCE_FIELDS)
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_audience_text(self):
        for campaign in self:
            missing = campaign._missing_source_text()
            campaign.audience_text = missing or campaign._describe_audience()
            campaign.audience_note = not missing and campaign._audience_timing_text()

    @api.constrains("holdout_percent")
    def _check_holdout_percent(self):
        for campaign in self:
            if not 0 <= campaign.holdout_percent <= MAX_HOLDOUT_PERCENT:
                raise ValidationError(
                    self.env._(
                        "Choose a hold-out group of 0 to %s%% of the audience.",
                        MAX_HOLDOUT_PERCENT,
                    )
                )

    # === Source ===
    # `audience_domain` alone decides which records are chosen; a source only writes it. The
    # recipients of an earlier campaign are a condition on its messages, not a list of ids: it stays
    # short for a hundred thousand, and PostgreSQL answers it from the index of that campaign's
    # rows.

    @api.model
    def _values_for_records(self, model, label):
        """Values for an audience of the records marked in a list, or of the one that is open."""
        context = self.env.context
        marked = context.get("active_ids") or []
        ids = [id_ for id_ in marked or [context.get("active_id")] if id_]
        if not ids:
            return {}
        values = {
            "res_model": model,
            "audience_source": "records",
            "audience_domain": repr([("id", "in", ids)]),
            "name": context.get("default_name")
            or self.env._(
                "%(records)s, %(date)s",
                records=self._count_text(len(ids), model, label),
                date=format_date(self.env, fields.Date.context_today(self)),
            ),
        }
        if len(marked) >= self._max_list_size() and context.get("active_domain"):
            # The list passes no more ids than this; its filter covers all that were marked.
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
        """Values for an audience of the leads or contacts of `record`, a team or a tag."""
        if not record:
            return {}
        source, field, model = SOURCE_MODELS[record._name]
        values = {"audience_source": source, field: record.id, "res_model": model}
        return {**values, "name": record.display_name}

    def _source_domain(self):
        """The source's domain as text; None or empty while the source is not chosen."""
        self.ensure_one()
        if self.audience_source == "filter":
            # Stored fields are computed as superuser; the user must have access to the filter.
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
        """(field of the records, team or tag that it must contain)."""
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

    def _missing_source_text(self):
        """What the user has to choose first, or False."""
        if self.audience_domain not in (False, EMPTY_DOMAIN):
            return False
        return {
            "records": self.env._("Add the records to send to."),
            "domain": self.env._("Add a rule to the filter."),
            "filter": self.env._("Choose a saved filter."),
            "team": self.env._("Choose a sales team."),
            "tag": self.env._("Choose a tag."),
            "campaign": self.env._("Choose an earlier campaign."),
        }.get(self.audience_source, self.env._("Choose an audience."))

    def _describe_audience(self):
        """The audience as text: 842 leads from "Dormant > 90 days"."""
        people, source = self._count_records(), self.audience_source
        if source == "records":
            return self.env._("%s selected", people)
        if source == "filter":
            return self.env._("%(people)s in “%(name)s”", people=people,
                              name=self.audience_filter_id.name)  # fmt: skip
        if source == "team":
            return self.env._("%(people)s of the team “%(name)s”", people=people,
                              name=self.audience_team_id.name)  # fmt: skip
        if source == "tag":
            return self.env._("%(people)s tagged “%(name)s”", people=people,
                              name=self._source_field_and_record()[1].name)  # fmt: skip
        if source == "campaign":
            outcomes = selection_labels(self, "audience_outcome")
            return self.env._(
                "%(people)s from “%(name)s” (%(outcome)s)",
                people=people,
                name=self.audience_campaign_id.name,
                outcome=outcomes.get(self.audience_outcome, "").lower(),
            )
        if self.audience_domain == "[]":
            return self.env._("%s: all you have access to", people)
        return self.env._("%s matching the filter", people)

    def _count_records(self):
        labels = dict(self.env["waba.person.mixin"]._waba_target_models())
        return self._count_text(self.audience_count, self.res_model, labels.get(self.res_model, ""))

    def _count_text(self, count, model, label):
        """'1 lead or opportunity', '30 leads and opportunities'."""
        one = {"crm.lead": self.env._("1 lead or opportunity"),
               "res.partner": self.env._("1 contact")}  # fmt: skip
        if count == 1 and model in one:
            return one[model]
        return self.env._("%(count)s %(label)s", count=count, label=label.lower())

    def _audience_timing_text(self):
        if self.audience_source == "records":
            return self.env._("A fixed list.")
        return self.env._("Updated when the campaign starts.")

    # === Excluded records ===
    # Records that the user took out of the source one by one. Of selected records they are removed
    # from the list instead, and of a filter they stay outside it: its rules remain as they were
    # written.

    def _excluded_ids(self):
        """Ids of the excluded records; a form that is not saved may contain anything."""
        ids = self.audience_excluded_ids
        return [id_ for id_ in ids if type(id_) is int] if isinstance(ids, list) else []

    def _exclude_from_audience(self, record_ids):
        """Exclude these records: from the list of selected ones, or from what the source finds."""
        gone = set(record_ids)
        if self.audience_source == "records":
            ids = _domain_ids(self.audience_domain) or []
            kept = [id_ for id_ in ids if id_ not in gone]
            self.audience_domain = repr([("id", "in", kept)]) if kept else EMPTY_DOMAIN
        else:
            self.audience_excluded_ids = sorted(gone.union(self._excluded_ids()))

    # === Records ===

    def _first_record(self):
        """The first record of the audience, for the preview."""
        return self._audience_records().search(self._audience_domain_list(), order="id", limit=1)

    def _audience_records_count(self):
        self.ensure_one()
        if self.res_model not in dict(self.env["waba.person.mixin"]._waba_target_models()):
            return 0
        return self._audience_records().search_count(self._audience_domain_list())

    def _audience_field_names(self, records):
        """Fields of `records` that the preparation reads, as far as their user has access.

        They are read together with the records: Odoo would fetch every field of the model instead.
        """
        names = {
            "phone_sanitized",
            *records._phone_get_number_fields(),
            records._phone_get_country_field(),
            *records._waba_person_fields(),
            *(self.variable_ids | self.b_variable_ids)._record_fields(),
        }
        return [
            name
            for name, field in records._fields.items()
            if name in names and field.store and records._has_field_access(field, "read")
        ]

    # === Preparation ===
    # Rows are created in committed chunks, in the order of the records' ids. `prepared_until_id` is
    # committed with them, so an interrupted preparation resumes where it stopped. Records are read
    # with the rights of the user who launched the campaign (`_launcher_records`).

    @api.model
    def _prepare_cron(self):
        return self.env.ref("waba_campaign.ir_cron_prepare_audiences").sudo()

    @api.model
    def _cron_prepare(self):
        """Start scheduled campaigns that are due, then create the rows of all in preparation."""
        commit_step(self.env, self._start_scheduled)
        for campaign in self.search([("state", "=", "preparing")], order="priority desc, id"):
            # The launcher's language: values are formatted as they were previewed.
            if not with_language(campaign.launched_by_id, campaign)._prepare_or_pause():
                self._prepare_cron()._trigger()
                return

    @api.model
    def _start_scheduled(self):
        now = fields.Datetime.now()
        scheduled = self.search([("state", "=", "scheduled")])
        due = scheduled.filtered(lambda c: not c.scheduled_at or c.scheduled_at <= now)
        for campaign in due:
            with_language(campaign.launched_by_id, campaign)._start_due()
        if later := (scheduled - due).mapped("scheduled_at"):
            self._prepare_cron()._trigger(at=min(later))

    def _start_due(self):
        """Start a scheduled campaign; what was checked at the launch may have changed since."""
        self.ensure_one()
        self._update_state(
            ("scheduled",), "preparing", {"template_signature": self.template_id.signature}
        )
        if reason := self._launch_refusal_reason():
            self._pause(reason, cause="launcher")
            return
        launchers = self._with_launcher()
        self.write({"to_prepare_count": launchers._audience_records_count()})
        self._start_languages()
        self._start_ab_test()
        if reason := self._unusable_templates_reason():
            self._pause(reason, cause="template")
            return
        try:
            launchers._check_launch()
        except UserError as error:
            self._pause(str(error), cause="preflight")

    def _prepare_or_pause(self):
        """As `_prepare_all`; an error pauses this campaign and the others continue."""
        try:
            return self._prepare_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.campaign %s: the audience could not be prepared", self.id)
            reason = self.env._(
                "The audience could not be prepared: %s. Cancel the campaign, fix the filter or "
                "variable in a duplicate, and launch that.",
                error,
            )
            commit_step(self.env, lambda: self._pause(reason))
            return True

    def _prepare_all(self):
        """Prepare chunk by chunk; False if the job's time ends before the preparation."""
        while True:
            made = commit_step(self.env, self._prepare_chunk)
            if not made:
                return True
            # The cached records of this chunk are not needed again and would fill the memory.
            self.env.invalidate_all()
            if not self.env["ir.cron"]._commit_progress(made):
                return False

    def _prepare_chunk(self):
        """Create the rows of the next CHUNK records. The caller commits.

        :return: number of records handled; 0 when the preparation is complete or has stopped
        """
        self.ensure_one()
        if self.state != "preparing":
            return 0
        if reason := self._launcher_refusal_reason():
            self._pause(reason, cause="launcher")
            return 0
        records = self._launcher_records().search_fetch(
            Domain(self._audience_domain_list()) & Domain("id", ">", self.prepared_until_id),
            self._audience_field_names(self._launcher_records()),
            order="id",
            limit=CHUNK,
        )
        if not records:
            self._update_state(("preparing",), "running", {"to_prepare_count": self.prepared_count})
            self._clear_approved_fingerprints()
            self._finish_if_complete()
            self.sender_id._trigger_dispatch()
            return 0
        if reason := self._audience_changed_reason(records):
            self._pause(reason, cause="preflight")
            return 0
        rows = self._row_values(records)
        self.env["waba.reconfirmation"]._claim(self, rows)
        self._insert_rows(rows)
        self.write(
            {
                "prepared_until_id": records[-1].id,
                "prepared_count": self.prepared_count + len(records),
            }
        )
        self._notify_viewers()
        return len(records)

    def _has_unprepared_records(self):
        """Whether records of the audience may still be without a row."""
        self.ensure_one()
        if self.prepared_count >= self.to_prepare_count:
            return False
        if self._launcher_refusal_reason():
            return True
        return bool(
            self._launcher_records().search_count(
                Domain(self._audience_domain_list()) & Domain("id", ">", self.prepared_until_id),
                limit=1,
            )
        )

    # === Recipients behind numbers ===

    def _recipients_by_number(self, numbers):
        """{E.164 number: KnownRecipient}; recipients without a row get one."""
        self.env["waba.recipient"]._create_missing(self.sender_id.portfolio_id, numbers)
        return self._read_recipients(numbers)

    def _read_recipients(self, numbers):
        """{E.164 number: KnownRecipient} of the numbers that have a row."""
        rows = self.env.execute_query(
            SQL(
                """SELECT r.number, %s FROM waba_recipient r
                    WHERE r.portfolio_id = %s AND r.number = ANY(%s)""",
                SQL(", ").join(self._known_column(name) for name in KnownRecipient._fields),
                self.sender_id.portfolio_id.id,
                [*numbers],
            )
        )
        return {number: KnownRecipient(*values) for number, *values in rows}

    def _read_linked_recipients(self, keys):
        """{key: KnownRecipient} of linked people without a number, by their ids as texts."""
        if not keys:
            return {}
        rows = self.env.execute_query(
            SQL(
                "SELECT %s FROM waba_recipient r WHERE r.id = ANY(%s)",
                SQL(", ").join(self._known_column(name) for name in KnownRecipient._fields),
                [int(key) for key in keys],
            )
        )
        return {str(known.id): known for known in (KnownRecipient(*values) for values in rows)}

    def _known_column(self, name):
        """SQL of a field of `KnownRecipient`."""
        if name == "topic_state":
            return topic_sql(self.topic_id.id or None)
        purpose = name.removesuffix("_state")
        if purpose in PURPOSES:
            return consent_sql(purpose, self.company_id.id)
        return SQL("r.%s", SQL.identifier(name))

    def _recipient_ids_with_row(self, recipient_ids):
        """Set of those recipients that already have a row in this campaign."""
        self.env["waba.message"].flush_model()
        # The conditions of the unique index: rows of duplicates do not count.
        rows = self.env.execute_query(
            SQL(
                """SELECT recipient_id FROM waba_message
                    WHERE campaign_id = %s AND recipient_id = ANY(%s) AND direction = 'out'
                      AND failure_type IS DISTINCT FROM 'duplicate'""",
                self.id,
                recipient_ids,
            )
        )
        found = {recipient_id for (recipient_id,) in rows}
        return found | self._recipients_of_runs(recipient_ids)

    @api.model
    def _eligibility_person(self, record, key, typed, known, preparation):
        number = key if key[:1] == "+" else ""
        return eligibility.Person(
            # Only a formatted number has a "+": "+346125550", as typed, is not valid.
            number=number or typed.lstrip("+"),
            user_uid=known.user_uid or "",
            is_ours=number in preparation.ours,
            duplicate=known.id in preparation.seen,
            renumbered=record.id in preparation.renumbered,
            marketing_state=known.marketing_state,
            utility_state=known.utility_state,
            topic_state=known.topic_state,
            blacklisted=number in preparation.blacklisted,
            unreachable_until=known.unreachable_until,
            blocked=known.is_blocked,
            country_code=number_country(number or known.user_uid),
            promotions_free_at=frequency.next_promotion_time(
                preparation.promotions.get(key, ()), preparation.cap
            ),
            repeats_free_at=self.env["waba.message"]._repeats_free_at(
                preparation.company, preparation.repeats.get(key)
            ),
            may_opt_out=bool(known.may_opt_out_at),
        )

    @api.model
    def _record_country_code(self, record):
        return number_country(record._waba_address())

    def _is_in_holdout(self, key):
        """Whether the recipient with this number or id is in the hold-out group."""
        share = self.holdout_percent / 100
        return bool(share) and attribution.is_in_holdout(f"{self.id}:{key}", share)


def _domain_ids(domain):
    """The ids in a domain of marked records, or None."""
    try:
        [[field, operator, ids]] = literal_eval(domain)
    except (ValueError, SyntaxError, TypeError):
        return None
    return ids if (field, operator) == ("id", "in") else None


def _passing_failures():
    return [name for name, _label in FAILURE_REASONS if retry.can_retry_manually(name)]
