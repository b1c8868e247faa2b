import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..cloud_api import payloads
from ..policy import eligibility
from ..policy import numbers as policy_numbers
from .phone_countries import country_of
from .transactions import commit_step
from .waba_failure import failure_sentence

_logger = logging.getLogger(__name__)

CHUNK = 500


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
            if not campaign._prepare_or_pause():
                self._prepare_cron()._trigger()
                return

    @api.model
    def _start_scheduled(self):
        now = fields.Datetime.now()
        scheduled = self.search([("state", "=", "scheduled")])
        due = scheduled.filtered(lambda c: not c.scheduled_at or c.scheduled_at <= now)
        for campaign in due:
            campaign._start_now()
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
            self._update_state(
                ("preparing",), "running", {"to_prepare_count": self.prepared_count}
            )
            self._finish_if_through()
            self.sender_id._wake()
            return 0
        self.env["waba.message"].create(self._row_values(records))
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
        """Field values of one waba.message per record, exclusions included."""
        numbers = {record.id: self._number_of(record) for record in records}
        valid = {number for number in numbers.values() if number}
        portfolio = self.sender_id.portfolio_id
        people = self.env["waba.recipient"]._find_or_create_by_number(portfolio, valid)
        blacklisted = self._blacklisted_among(valid)
        seen = self._recipient_ids_with_row(people)
        rows = []
        for record in records:
            recipient = people.get(numbers[record.id], self.env["waba.recipient"])
            typed = numbers[record.id] or self._typed_number(record)
            person = self._person(numbers[record.id], typed, recipient, blacklisted, seen)
            rows.append(self._row_for(record, typed, recipient, person))
            seen.add(recipient.id)
        return rows

    def _row_for(self, record, number, recipient, person):
        now = fields.Datetime.now()
        purpose = "marketing" if self.category == "marketing" else "utility"
        held_until = recipient.marketing_held_until if purpose == "marketing" else False
        verdict = eligibility.check(
            person,
            purpose,
            now,
            blocked_countries=self.sender_id.account_id._blocked_countries(),
        )
        reason, detail = verdict.reason_key, None
        parameters = {}
        if verdict.allowed:
            parameters, reason, detail = self._parameters_for(record)
        elif reason == "invalid_number":
            detail = number
        facts = record._waba_person_facts()
        return {
            "campaign_id": self.id,
            "account_id": self.sender_id.account_id.id,
            "sender_id": self.sender_id.id,
            "recipient_id": recipient.id,
            "company_id": self.company_id.id,
            "user_id": self.user_id.id,
            "number": number or False,
            "person_name": facts["name"] or record.display_name,
            "res_model": record._name,
            "res_id": record.id,
            "template_id": self.template_id.id,
            "category": self.category,
            "parameters": parameters,
            "retry_at": max(now, held_until or now),
            "state": "skipped" if reason else "queued",
            "failure_type": reason or False,
            "failure_reason": failure_sentence(self.env, reason, text=detail) if reason else False,
        }

    @api.model
    def _number_of(self, record):
        """E.164 by the record's own country, one form for one person; '' when there is none."""
        return policy_numbers.e164_of(record._phone_format() or "")

    @api.model
    def _typed_number(self, record):
        """The number as it stands on the record, to name what is not valid; ''."""
        typed = (record[name] for name in record._phone_get_number_fields())
        return next((text.strip() for text in typed if text and text.strip()), "")

    @api.model
    def _person(self, number, typed, recipient, blacklisted, seen):
        return eligibility.Person(
            # Only what was formatted may look like a number: "+346125550" is none.
            number=number or typed.lstrip("+"),
            duplicate=bool(recipient) and recipient.id in seen,
            marketing_state=recipient.marketing_state or "unknown",
            blacklisted=number in blacklisted,
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

    def _parameters_for(self, record):
        """The words for one person, frozen: what is previewed is what is sent.

        :return: (parameters, reason key or None, detail or None)
        """
        self.ensure_one()
        facts = record._waba_person_facts()
        lines = self.variable_ids
        values = {line.id: line._value_for(record, facts) for line in lines}
        missing = [line.name for line in lines if not values[line.id] and line.kind != "payload"]
        if missing:
            return {}, "missing_value", ", ".join(f"{{{{{name}}}}}" for name in missing)
        parameters = lines._as_parameters(values)
        problems = payloads.validate_parameters(
            self.template_id.components or [], parameters, self.template_id.parameter_format
        )
        if problems:
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
