import json

from odoo import fields, models
from odoo.tools import SQL

from ..policy import eligibility, hours
from .waba_campaign_numbers import UNKNOWN_RECIPIENT
from .waba_failure import failure_text
from .waba_message import UUID_SQL
from .waba_variable_mixin import VariableSet, new_link_token

# Columns of a new row that differ from person to person, with their types; `_insert_rows`.
ROW_COLUMNS = {
    "recipient_id": "integer",
    "number": "varchar",
    "person_name": "varchar",
    "res_id": "integer",
    "record_traits": "varchar",
    "parameters": "jsonb",
    "link_token": "varchar",
    "retry_at": "timestamp",
    "wait_reason": "varchar",
    "time_zone": "varchar",
    "state": "varchar",
    "failure_type": "varchar",
    "failure_reason": "text",
    "variant": "varchar",
    "is_trial": "boolean",
    "variant_parameters": "jsonb",
}


class Preparation:
    """What is the same for everybody in a chunk, read once.

    :ivar ours: E.164 numbers that we write from
    :ivar people: {E.164 number: Known} of the others
    :ivar renumbered: ids of the records that wait for somebody to say that it is another person
    :ivar blacklisted: E.164 numbers on Odoo's phone blacklist
    :ivar seen: ids of recipients who have a row in the campaign; extended as rows are made
    :ivar words: {variant: Words} of the messages that may go to them
    """

    def __init__(self, campaign, records, numbers, dry_run=None):
        self.env = campaign.env
        self.now = dry_run.at if dry_run else fields.Datetime.now()
        self.purpose = "marketing" if campaign.category == "marketing" else "utility"
        self.blocked_countries = campaign.sender_id.account_id._blocked_countries()
        self.company = campaign.company_id.sudo()
        self.quiet = self.company._waba_quiet_period()
        self.us_marketing_blocked = self.company.waba_us_marketing_left_out
        self.category = campaign.category
        self.opt_in_required = self.company.waba_opt_in_required
        self.cap = self.company._waba_frequency_cap()
        self.promotions = (
            self.env["waba.message"]._recent_promotions(self.company, numbers, self.now)
            if self.purpose == "marketing"
            else {}
        )
        self.ours = self.env["waba.sender"]._filter_own_numbers(numbers)
        self.people = (dry_run or campaign)._recipients_by_number(numbers - self.ours)
        held = self.env["waba.renumbered"]._held_records(records._name, records.ids, self.company)
        self.renumbered = {id_ for _company, id_, purpose in held if purpose == self.purpose}
        self.blacklisted = self.env["waba.recipient"]._filter_blacklisted(numbers)
        self.seen = (dry_run or campaign)._recipient_ids_with_row(
            [known.id for known in self.people.values()]
        )
        self.words = {
            variant: VariableSet(template, lines, records.env, is_found=True)
            for variant, (template, lines) in campaign._variant_messages().items()
        }
        self.traits = (
            {}
            if dry_run
            else self.env["waba.message"]._read_record_traits(
                records._name, records.ids, self.company
            )
        )
        # A tracked address is made when it is first needed: not for a dry run.
        self.has_links = not dry_run and any(
            variable.is_link for words in self.words.values() for variable in words.variables
        )
        self._sentences, self._times = {}, {}

    def sentence(self, reason, detail):
        """As `failure_text`, each composed once: its labels are translated every time."""
        if (reason, detail) not in self._sentences:
            self._sentences[reason, detail] = failure_text(self.env, reason, text=detail)
        return self._sentences[reason, detail]

    def frequency_detail(self, number):
        return self.env["waba.message"]._frequency_detail(self.promotions[number], self.company)

    def earliest_departure(self, time_zone, held_until):
        """(when a message may leave, why it waits or None), each calculated once."""
        key = time_zone, held_until
        if key not in self._times:
            self._times[key] = hours.earliest_departure(
                self.now, "campaign", self.category, time_zone, self.quiet, held_until
            )
        return self._times[key]


class WabaCampaign(models.Model):
    """One row per record: to which number, with which words, or why not.

    A hundred thousand people pass here: what is the same for all is calculated once per chunk
    (`Preparation`), our own tables are read and written by SQL, the people's records by the ORM,
    whose rules and rights decide what the launcher may read.
    """

    _inherit = "waba.campaign"

    def _row_values(self, records, dry_run=None):
        """What differs from row to row, one dict per record, exclusions included.

        :param dry_run: a waba_campaign_dry_run.DryRun: nobody is made known, nothing is written
        """
        number_of = self.env["waba.recipient"]._number_of
        numbers = [number_of(record) for record in records]
        preparation = Preparation(self, records, {number for number in numbers if number}, dry_run)
        return [
            self._row_values_for_record(record, number, preparation)
            for record, number in zip(records, numbers, strict=True)
        ]

    def _row_values_for_record(self, record, number, preparation):
        """Values of ROW_COLUMNS for one record."""
        known = preparation.people.get(number, UNKNOWN_RECIPIENT)
        held_until = known.marketing_held_until if preparation.purpose == "marketing" else None
        time_zone = self.env["waba.recipient"]._recipient_time_zone(
            number, record, preparation.company
        )
        retry_at, wait_reason = preparation.earliest_departure(time_zone, held_until)
        typed = number or self.env["waba.recipient"]._raw_number(record)
        verdict = eligibility.check_eligibility(
            self._eligibility_person(record, number, typed, known, preparation),
            preparation.purpose,
            retry_at,
            us_marketing_blocked=preparation.us_marketing_blocked,
            blocked_countries=preparation.blocked_countries,
            opt_in_required=preparation.opt_in_required,
        )
        reason, waits, facts = verdict.reason_key, False, record._waba_person_facts()
        # Somebody must read what they wrote: the row is made, and waits for the answer.
        in_doubt = reason == "may_opt_out"
        reason = None if in_doubt else reason
        if reason in (None, "frequency"):
            if preparation.has_links:
                facts["link_token"] = new_link_token()
            said, waits = self._assign_variant(
                number,
                {
                    variant: self._variant_values(record, facts, words, preparation)
                    for variant, words in preparation.words.items()
                },
                is_later=bool(reason),
            )
            if not said.get("failure_type") and self._is_in_holdout(number):
                said, waits = _exclusion_values("holdout", preparation), False
            elif reason and not said.get("failure_type"):
                # With its words: it may be queued again when the person may get another one.
                retry_at = verdict.retry_at
                said |= {
                    "state": "skipped",
                    "failure_type": reason,
                    "failure_reason": preparation.sentence(
                        reason, preparation.frequency_detail(number)
                    ),
                }
        else:
            said = _exclusion_values(
                reason, preparation, detail=typed if reason == "invalid_number" else None
            )
        if said.get("failure_type"):
            wait_reason, in_doubt = None, False
        if known.id:
            preparation.seen.add(known.id)
        return {
            "recipient_id": known.id,
            "number": typed or None,
            "person_name": facts["name"] or record.display_name,
            "res_id": record.id,
            "record_traits": preparation.traits.get(record.id),
            "link_token": facts.get("link_token"),
            "retry_at": None if waits or in_doubt else str(retry_at),
            "wait_reason": "trial" if waits else "may_opt_out" if in_doubt else wait_reason,
            "time_zone": time_zone,
            "state": "queued",
            **said,
        }

    def _variant_values(self, record, facts, words, preparation):
        """One message for one person: {'parameters'}, or {'reason', 'sentence'} why not."""
        parameters, reason, detail = self.env["waba.variable.mixin"]._fill_parameters(
            record, facts, words
        )
        if reason:
            return {"reason": reason, "sentence": preparation.sentence(reason, detail)}
        return {"parameters": parameters}

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
                          CASE WHEN variant = 'b' THEN %(template_b)s ELSE %(template)s END,
                          CASE WHEN variant = 'b' THEN %(category_b)s ELSE %(category)s END,
                          %(res_model)s, %(now)s, %(now)s,
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
                category=self.template_id.category or None,
                template_b=self.b_template_id.id or self.template_id.id,
                category_b=self.b_template_id.category or None,
                res_model=self.res_model,
                uuid=UUID_SQL,
                now=self.env.cr.now(),
                rows=json.dumps(rows),
            )
        )
        self.env["waba.message"].invalidate_model()
        self.invalidate_recordset(["waba_message_ids"])


def _exclusion_values(reason, preparation, detail=None):
    """Values of a row that we decide not to send."""
    return {
        "parameters": {},
        "state": "skipped",
        "failure_type": reason,
        "failure_reason": preparation.sentence(reason, detail),
    }
