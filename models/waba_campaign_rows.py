import json
from datetime import datetime
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

from ..cloud_api import payloads
from ..policy import eligibility, frequency, hours
from ..policy import numbers as policy_numbers
from .phone_countries import country_of
from .waba_failure import failure_sentence
from .waba_variable_mixin import freeze_parameters, new_link_token

# Columns of a new row that differ from person to person, with their types; `_insert_rows`.
ROW_COLUMNS = {
    "recipient_id": "integer",
    "number": "varchar",
    "person_name": "varchar",
    "res_id": "integer",
    "parameters": "jsonb",
    "link_token": "varchar",
    "retry_at": "timestamp",
    "wait_reason": "varchar",
    "time_zone": "varchar",
    "state": "varchar",
    "failure_type": "varchar",
    "failure_reason": "text",
}

# RFC 9562 version 7: milliseconds first, then 74 random bits. Wholly random ones fall on another
# page of their index each: with 1.5 million old messages seven times the write-ahead log.
UUID_OF_ROW = SQL(
    """lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')
       || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14)"""
)


class Known(NamedTuple):
    """What is known about the person behind a number: columns of waba.recipient."""

    id: int | None = None
    marketing_state: str = "unknown"
    utility_state: str | None = None
    unreachable_until: datetime | None = None
    marketing_held_until: datetime | None = None
    is_blocked: bool = False


NOBODY = Known()


class Preparation:
    """What is the same for everybody in a chunk, read once.

    :ivar people: {E.164 number: Known}
    :ivar blacklisted: E.164 numbers on Odoo's phone blacklist
    :ivar seen: ids of recipients who have a row in the campaign; extended as rows are made
    :ivar variables: [waba.variable.mixin.Variable]
    """

    def __init__(self, campaign, records, numbers):
        self.env = campaign.env
        self.now = fields.Datetime.now()
        self.purpose = "marketing" if campaign.category == "marketing" else "utility"
        self.blocked_countries = campaign.sender_id.account_id._blocked_countries()
        self.company = campaign.company_id.sudo()
        self.quiet = self.company._waba_quiet_span()
        self.us_marketing_blocked = self.company.waba_us_marketing_left_out
        self.category = campaign.category
        self.opt_in_required = self.company.waba_opt_in_required
        self.cap = self.company._waba_frequency_cap()
        self.promotions = (
            self.env["waba.message"]._recent_promotions(self.company, numbers, self.now)
            if self.purpose == "marketing"
            else {}
        )
        self.people = campaign._known_people(numbers)
        self.blacklisted = campaign._blacklisted_among(numbers)
        self.seen = campaign._recipient_ids_with_row([known.id for known in self.people.values()])
        self.variables = campaign.variable_ids._read_variables(records.env)
        self.has_links = any(variable.is_link for variable in self.variables)
        self.check = payloads.ParameterCheck(
            campaign.template_id.components or [], campaign.template_id.parameter_format
        )
        self._sentences, self._times = {}, {}

    def sentence(self, reason, detail):
        """As `failure_sentence`, each composed once: its labels are translated every time."""
        if (reason, detail) not in self._sentences:
            self._sentences[reason, detail] = failure_sentence(self.env, reason, text=detail)
        return self._sentences[reason, detail]

    def frequency_detail(self, number):
        return self.env["waba.message"]._frequency_detail(self.promotions[number], self.company)

    def leaves_at(self, time_zone, held_until):
        """(when a message may leave, why it waits or None), each worked out once."""
        key = time_zone, held_until
        if key not in self._times:
            self._times[key] = hours.leaves_at(
                self.now, "campaign", self.category, time_zone, self.quiet, held_until
            )
        return self._times[key]


class WabaCampaign(models.Model):
    """One row per record: to which number, with which words, or why not.

    A hundred thousand people pass here: what is the same for all is worked out once per chunk
    (`Preparation`), our own tables are read and written by SQL, the people's records by the ORM,
    whose rules and rights decide what the launcher may read.
    """

    _inherit = "waba.campaign"

    def _row_values(self, records):
        """What differs from row to row, one dict per record, exclusions included."""
        numbers = [self._number_of(record) for record in records]
        preparation = Preparation(self, records, {number for number in numbers if number})
        return [
            self._row_for(record, number, preparation)
            for record, number in zip(records, numbers, strict=True)
        ]

    def _row_for(self, record, number, preparation):
        """Values of ROW_COLUMNS for one record."""
        known = preparation.people.get(number, NOBODY)
        held_until = known.marketing_held_until if preparation.purpose == "marketing" else None
        time_zone = self.env["waba.recipient"]._timezone_of(number, record, preparation.company)
        retry_at, wait_reason = preparation.leaves_at(time_zone, held_until)
        typed = number or self._typed_number(record)
        verdict = eligibility.check(
            self._person(number, typed, known, preparation),
            preparation.purpose,
            retry_at,
            us_marketing_blocked=preparation.us_marketing_blocked,
            blocked_countries=preparation.blocked_countries,
            opt_in_required=preparation.opt_in_required,
        )
        reason, detail = verdict.reason_key, None
        parameters = {}
        facts = record._waba_person_facts()
        if reason in (None, "frequency"):
            if preparation.has_links:
                facts["link_token"] = new_link_token()
            parameters, unfit, detail = self._parameters_for(record, facts, preparation)
            if not unfit and self._is_held_out(number):
                unfit = "holdout"
            reason = unfit or reason
        if reason == "invalid_number":
            detail = typed
        elif reason == "frequency":
            # With its words: it may be queued again when the person may get another one.
            retry_at = verdict.retry_at
            detail = preparation.frequency_detail(number)
        if known.id:
            preparation.seen.add(known.id)
        return {
            "recipient_id": known.id,
            "number": typed or None,
            "person_name": facts["name"] or record.display_name,
            "res_id": record.id,
            "parameters": parameters,
            "link_token": facts.get("link_token"),
            "retry_at": str(retry_at),
            "wait_reason": None if reason else wait_reason,
            "time_zone": time_zone,
            "state": "skipped" if reason else "queued",
            "failure_type": reason,
            "failure_reason": preparation.sentence(reason, detail) if reason else None,
        }

    def _insert_rows(self, rows):
        """Make waba.message rows by one statement: a third of what the ORM's create costs.

        Nobody made them but a job, so `create_uid` and `write_uid` stay empty: PostgreSQL looks up
        every reference of every row, which is half the cost of this statement.

        :param rows: dicts with ROW_COLUMNS
        """
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_message
                          (uuid, direction, origin, kind, attempt_count, failed_attempt,
                           failure_streak, campaign_id, account_id, sender_id, company_id,
                           user_id, template_id, category, res_model, create_date, write_date,
                           %(columns)s)
                   SELECT %(uuid)s, 'out', 'campaign', 'template', 0, 0, 0,
                          %(campaign)s, %(account)s, %(sender)s, %(company)s, %(user)s,
                          %(template)s, %(category)s, %(res_model)s, %(now)s, %(now)s,
                          %(columns)s
                     FROM jsonb_to_recordset(%(rows)s) AS v(%(typed_columns)s)""",
                columns=SQL(", ").join(map(SQL.identifier, ROW_COLUMNS)),
                typed_columns=SQL(", ").join(
                    SQL("%s %s", SQL.identifier(name), SQL(type_))
                    for name, type_ in ROW_COLUMNS.items()
                ),
                campaign=self.id,
                account=self.sender_id.account_id.id,
                sender=self.sender_id.id,
                company=self.company_id.id,
                user=self.user_id.id,
                template=self.template_id.id,
                category=self.category or None,
                res_model=self.res_model,
                uuid=UUID_OF_ROW,
                now=self.env.cr.now(),
                rows=json.dumps(rows),
            )
        )
        self.env["waba.message"].invalidate_model()
        self.invalidate_recordset(["waba_message_ids"])

    # ------------------------------------------------------------------
    # Numbers and people
    # ------------------------------------------------------------------

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
    def _person(self, number, typed, known, preparation):
        return eligibility.Person(
            # Only what was formatted may look like a number: "+346125550" is none.
            number=number or typed.lstrip("+"),
            duplicate=known.id in preparation.seen,
            marketing_state=known.marketing_state,
            utility_state=known.utility_state,
            blacklisted=number in preparation.blacklisted,
            unreachable_until=known.unreachable_until,
            blocked=known.is_blocked,
            country_code=country_of(number),
            promotions_free_at=frequency.frees_at(
                preparation.promotions.get(number, ()), preparation.cap
            ),
        )

    def _known_people(self, numbers):
        """{E.164 number: Known}; who was not known is from now on."""
        portfolio = self.sender_id.portfolio_id
        self.env["waba.recipient"]._create_missing(portfolio, numbers)
        rows = self.env.execute_query(
            SQL(
                """SELECT number, %s FROM waba_recipient
                    WHERE portfolio_id = %s AND number = ANY(%s)""",
                SQL(", ").join(map(SQL.identifier, Known._fields)),
                portfolio.id,
                [*numbers],
            )
        )
        return {number: Known(*values) for number, *values in rows}

    @api.model
    def _blacklisted_among(self, numbers):
        """The numbers on Odoo's phone blacklist, in one query."""
        # In SQL: the model's own search parses every number again, which costs more than the rest.
        self.env["phone.blacklist"].flush_model(["number", "active"])
        rows = self.env.execute_query(
            SQL("SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)", [*numbers])
        )
        return {number for (number,) in rows}

    def _recipient_ids_with_row(self, recipient_ids):
        """Who of these people has a row in this campaign already."""
        self.env["waba.message"].flush_model()
        # The conditions of the index: whoever is a duplicate has a row that is none.
        rows = self.env.execute_query(
            SQL(
                """SELECT recipient_id FROM waba_message
                    WHERE campaign_id = %s AND recipient_id = ANY(%s) AND direction = 'out'
                      AND failure_type IS DISTINCT FROM 'duplicate'""",
                self.id,
                recipient_ids,
            )
        )
        return {recipient_id for (recipient_id,) in rows}

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

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
        given = {v.key: values[v.id] for v in variables if values[v.id]}
        problems = preparation.check.problems_of(given)
        return (
            freeze_parameters(variables, values),
            "bad_value" if problems else None,
            self._describe_problems(problems) if problems else None,
        )

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
