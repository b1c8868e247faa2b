import json
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..cloud_api import payloads
from ..policy import eligibility
from ..policy import numbers as policy_numbers
from .languages import in_language_of
from .phone_countries import country_of
from .transactions import commit_step
from .waba_failure import failure_sentence
from .waba_variable_mixin import freeze_parameters

_logger = logging.getLogger(__name__)

CHUNK = 1000

# Columns of a new row that differ from person to person; `_insert_rows`.
ROW_COLUMNS = ("recipient_id", "number", "person_name", "res_id", "parameters", "retry_at", "state",
               "failure_type", "failure_reason")  # fmt: skip


class Preparation:
    """What is the same for everybody in a chunk, read once.

    :ivar variables: [waba.variable.mixin.Variable]
    :ivar blacklisted: E.164 numbers on Odoo's phone blacklist
    :ivar seen: ids of recipients who have a row in the campaign; extended as rows are made
    """

    def __init__(self, campaign, records, people, numbers):
        self.now = fields.Datetime.now()
        self.purpose = "marketing" if campaign.category == "marketing" else "utility"
        self.blocked_countries = campaign.sender_id.account_id._blocked_countries()
        self.blacklisted = campaign._blacklisted_among(numbers)
        self.seen = campaign._recipient_ids_with_row(people)
        self.variables = campaign.variable_ids._read_variables(records.env)
        self.check = payloads.ParameterCheck(
            campaign.template_id.components or [], campaign.template_id.parameter_format
        )


class WabaCampaign(models.Model):
    """From records to rows: who is written to, who is left out and why, and with which words.

    Rows are made in committed chunks in the order of the records' ids; `prepared_until_id` is
    committed with them, so an interrupted preparation goes on where it stopped. Everything is read
    with the rights of whoever launched the campaign.
    """

    _inherit = "waba.campaign"

    @api.model
    def _prepare_cron(self):
        return self.env.ref("waba_campaign.ir_cron_prepare_audiences").sudo()

    @api.model
    def _cron_prepare(self):
        """Start what is due, then make the rows of every campaign in preparation."""
        commit_step(self.env, self._start_scheduled)
        for campaign in self.search([("state", "=", "preparing")], order="priority desc, id"):
            # The launcher's language: values are written as they were previewed.
            if not in_language_of(campaign.launched_by_id, campaign)._prepare_or_pause():
                self._prepare_cron()._trigger()
                return

    @api.model
    def _start_scheduled(self):
        now = fields.Datetime.now()
        scheduled = self.search([("state", "=", "scheduled")])
        due = scheduled.filtered(lambda c: not c.scheduled_at or c.scheduled_at <= now)
        for campaign in due:
            in_language_of(campaign.launched_by_id, campaign)._start_now()
        if later := (scheduled - due).mapped("scheduled_at"):
            self._prepare_cron()._trigger(at=min(later))

    def _start_now(self):
        """The scheduled time has come. What was checked at the launch may have changed since."""
        self.ensure_one()
        self._update_state(
            ("scheduled",),
            "preparing",
            {
                "template_signature": self.template_id.signature,
                "to_prepare_count": self._audience_records_count(),
            },
        )
        if reason := self.template_id._why_not_sendable():
            self._pause(reason, cause="template")
            return
        try:
            self._check_launch()
        except UserError as error:
            self._pause(str(error))

    def _prepare_or_pause(self):
        """As `_prepare_all`; a campaign that cannot be prepared waits, and the others go on."""
        try:
            return self._prepare_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("waba.campaign %s: the audience could not be prepared", self.id)
            reason = self.env._(
                "The audience could not be prepared: %s. Check the filter and the variables; if "
                "they cannot be mended here, cancel and duplicate the campaign.",
                error,
            )
            commit_step(self.env, lambda: self._pause(reason))
            return True

    def _prepare_all(self):
        """Prepare chunk by chunk; False when the job's time is over before the end."""
        while True:
            made = commit_step(self.env, self._prepare_chunk)
            if not made:
                return True
            # What was read for these people is not read again, and would fill the memory.
            self.env.invalidate_all()
            if not self.env["ir.cron"]._commit_progress(made):
                return False

    def _prepare_chunk(self):
        """Make the rows of the next CHUNK records. The caller commits.

        :return: records handled; 0 when the preparation is over (or no longer wanted)
        """
        self.ensure_one()
        if self.state != "preparing":
            return 0
        records = self._audience_records().search(
            Domain(self._audience_domain_list()) & Domain("id", ">", self.prepared_until_id),
            order="id",
            limit=CHUNK,
        )
        if not records:
            self._update_state(("preparing",), "running", {"to_prepare_count": self.prepared_count})
            self._finish_if_through()
            self.sender_id._wake()
            return 0
        self._insert_rows(self._row_values(records))
        self.write(
            {
                "prepared_until_id": records[-1].id,
                "prepared_count": self.prepared_count + len(records),
            }
        )
        return len(records)

    def _is_unprepared(self):
        """Whether records may still be missing from the rows."""
        self.ensure_one()
        return (
            bool(
                self._audience_records().search_count(
                    Domain(self._audience_domain_list())
                    & Domain("id", ">", self.prepared_until_id),
                    limit=1,
                )
            )
            and self.prepared_count < self.to_prepare_count
        )

    def _audience_records(self):
        """The target model, with the rights and company that the launch has."""
        self.ensure_one()
        user = self.launched_by_id or self.env.user
        return (
            self.env[self.res_model]
            .with_user(user)
            .with_context(allowed_company_ids=self.company_id.ids, lang=user.lang)
        )

    def _audience_records_count(self):
        self.ensure_one()
        if self.res_model not in self.env:
            return 0
        return self._audience_records().search_count(self._audience_domain_list())

    def _first_record(self):
        """A real person of the audience, for the preview."""
        return self._audience_records().search(self._audience_domain_list(), order="id", limit=1)

    # ------------------------------------------------------------------
    # Rows
    # ------------------------------------------------------------------

    def _row_values(self, records):
        """What differs from row to row, one dict per record, exclusions included."""
        numbers = {record.id: self._number_of(record) for record in records}
        valid = {number for number in numbers.values() if number}
        people = self.env["waba.recipient"]._find_or_create_by_number(
            self.sender_id.portfolio_id, valid
        )
        preparation = Preparation(self, records, people, valid)
        rows = []
        for record in records:
            number = numbers[record.id]
            recipient = people.get(number, self.env["waba.recipient"])
            rows.append(self._row_for(record, number, recipient, preparation))
            preparation.seen.add(recipient.id)
        return rows

    def _row_for(self, record, number, recipient, preparation):
        """Values of ROW_COLUMNS for one record."""
        now = preparation.now
        held_until = recipient.marketing_held_until if preparation.purpose == "marketing" else False
        typed = number or self._typed_number(record)
        verdict = eligibility.check(
            self._person(number, typed, recipient, preparation),
            preparation.purpose,
            now,
            blocked_countries=preparation.blocked_countries,
        )
        reason, detail = verdict.reason_key, None
        parameters = {}
        facts = record._waba_person_facts()
        if verdict.allowed:
            parameters, reason, detail = self._parameters_for(record, facts, preparation)
        elif reason == "invalid_number":
            detail = typed
        return {
            "recipient_id": recipient.id or None,
            "number": typed or None,
            "person_name": facts["name"] or record.display_name,
            "res_id": record.id,
            "parameters": json.dumps(parameters),
            "retry_at": max(now, held_until or now),
            "state": "skipped" if reason else "queued",
            "failure_type": reason,
            "failure_reason": failure_sentence(self.env, reason, text=detail) if reason else None,
        }

    def _insert_rows(self, rows):
        """Make waba.message rows by one statement: a third of what the ORM's create costs.

        :param rows: dicts with ROW_COLUMNS
        """
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_message
                          (uuid, direction, kind, attempt_count, failed_attempt, failure_streak,
                           campaign_id, account_id, sender_id, company_id, user_id, template_id,
                           category, res_model, create_uid, create_date, write_uid, write_date,
                           %(columns)s)
                   SELECT replace(gen_random_uuid()::text, '-', ''), 'out', 'template', 0, 0, 0,
                          %(campaign)s, %(account)s, %(sender)s, %(company)s, %(user)s,
                          %(template)s, %(category)s, %(res_model)s, %(uid)s, %(now)s, %(uid)s,
                          %(now)s, v.*
                     FROM unnest(%(recipient_id)s::int[], %(number)s::varchar[],
                                 %(person_name)s::varchar[], %(res_id)s::int[],
                                 %(parameters)s::jsonb[], %(retry_at)s::timestamp[],
                                 %(state)s::varchar[], %(failure_type)s::varchar[],
                                 %(failure_reason)s::varchar[]) AS v""",
                columns=SQL(", ").join(SQL.identifier(name) for name in ROW_COLUMNS),
                campaign=self.id,
                account=self.sender_id.account_id.id,
                sender=self.sender_id.id,
                company=self.company_id.id,
                user=self.user_id.id,
                template=self.template_id.id,
                category=self.category or None,
                res_model=self.res_model,
                uid=self.env.uid,
                now=self.env.cr.now(),
                **{name: [row[name] for row in rows] for name in ROW_COLUMNS},
            )
        )
        self.env["waba.message"].invalidate_model()
        self.invalidate_recordset(["waba_message_ids"])

    @api.model
    def _number_of(self, record):
        """E.164 by the record's own country, one form for one person; '' when there is none."""
        # Odoo keeps what `_phone_format` gives; reading the number anew would cost as much again.
        return policy_numbers.e164_of(record.phone_sanitized or record._phone_format() or "")

    @api.model
    def _typed_number(self, record):
        """The number as it stands on the record, to name what is not valid; ''."""
        typed = (record[name] for name in record._phone_get_number_fields())
        return next((text.strip() for text in typed if text and text.strip()), "")

    @api.model
    def _person(self, number, typed, recipient, preparation):
        return eligibility.Person(
            # Only what was formatted may look like a number: "+346125550" is none.
            number=number or typed.lstrip("+"),
            duplicate=bool(recipient) and recipient.id in preparation.seen,
            marketing_state=recipient.marketing_state or "unknown",
            blacklisted=number in preparation.blacklisted,
            unreachable_until=recipient.unreachable_until or None,
            blocked=recipient.is_blocked,
            country_code=country_of(number),
        )

    @api.model
    def _blacklisted_among(self, numbers):
        """The numbers on Odoo's phone blacklist, in one query."""
        # In SQL: the model's own search parses every number again, which costs more than the rest.
        self.env["phone.blacklist"].flush_model(["number", "active"])
        rows = self.env.execute_query(
            SQL("SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)", [*numbers])
        )
        return {number for (number,) in rows}

    def _recipient_ids_with_row(self, people):
        """Who of these people has a row in this campaign already."""
        groups = self.env["waba.message"]._read_group(
            [
                ("campaign_id", "=", self.id),
                ("recipient_id", "in", [person.id for person in people.values()]),
            ],
            ["recipient_id"],
        )
        return {recipient.id for (recipient,) in groups}

    def _parameters_for(self, record, facts, preparation):
        """The words for one person, frozen: what is previewed is what is sent.

        :param facts: `record._waba_person_facts()`
        :return: (parameters, reason key or None, detail or None)
        """
        variables = preparation.variables
        values = {variable.id: variable.value_for(record, facts) for variable in variables}
        missing = [v.name for v in variables if not values[v.id] and v.kind != "payload"]
        if missing:
            return {}, "missing_value", ", ".join(f"{{{{{name}}}}}" for name in missing)
        parameters = freeze_parameters(variables, values)
        if problems := preparation.check.problems(parameters):
            return parameters, "bad_value", self._describe_problems(problems)
        return parameters, None, None

    def _describe_problems(self, problems):
        """What Meta would refuse, in words: `cloud_api.payloads.ParameterProblem` each."""
        words = {
            "missing": self.env._("is empty"),
            "newline": self.env._("has a line break"),
            "tab": self.env._("has a tab"),
            "spaces": self.env._("has too many blanks in a row"),
            "too_long": self.env._("is too long"),
            "unexpected": self.env._("is not part of the template"),
        }
        parts = dict(self.env["waba.campaign.variable"]._fields["component"].selection)
        named = [
            (f"{{{{{problem.name}}}}}" if problem.name else parts[problem.component], problem)
            for problem in problems
        ]
        return "; ".join(f"{name} {words[problem.problem]}" for name, problem in named)
