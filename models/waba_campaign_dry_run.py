from datetime import datetime
from typing import NamedTuple

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import preflight
from .consent_sql import consent_sql, strongest_consent
from .phone_countries import number_country
from .waba_campaign_audience import CHUNK
from .waba_campaign_numbers import KnownRecipient

# Records counted before a launch; of a larger audience the first so many, which is said. At
# 10,000 people a second that is what somebody waits for without wondering.
DRY_RUN_RECORDS = 20_000


class DryRunRecipient(NamedTuple):
    """Someone who would get the message."""

    record_id: int
    recipient_id: int
    country_code: str
    not_before: datetime | None
    shows_fallback: bool


class RecipientHistory(NamedTuple):
    """What is known of a receiver, read from their messages."""

    opted_in: bool = False
    in_window: bool = False
    written_at: datetime | None = None
    active_at: datetime | None = None


NO_HISTORY = RecipientHistory()


class DryRun:
    """What making the rows would give, by the code that makes them, without making any.

    :ivar chosen: records that match the audience; counted: those looked at, at most
        DRY_RUN_RECORDS
    :ivar receiving: [Receiver]
    :ivar left_out: {reason: [record ids]}
    """

    def __init__(self, campaign):
        self.campaign = campaign
        self.now = fields.Datetime.now()
        # When it begins: until then an opt-out may come, a quiet hour pass.
        self.at = max(self.now, campaign.scheduled_at or self.now)
        self.chosen = self.counted = 0
        self.receiving, self.left_out = [], {}
        self._strangers, self._seen = {}, set()
        self._daily_history = None

    # Asked by `waba_campaign_rows.Preparation`

    def _recipients_by_number(self, numbers):
        """{E.164 number: Known}; who has no row yet gets an id below 0, for this run alone."""
        people = self.campaign._read_recipients(numbers)
        missing = [number for number in numbers if number not in people]
        inherited = self.campaign._inherited_state_values(missing)
        for number in missing:
            id_ = self._strangers.setdefault(number, -len(self._strangers) - 1)
            people[number] = KnownRecipient(id=id_, **inherited.get(number, {}))
        return people

    def _recipient_ids_with_row(self, recipient_ids):
        return self._seen

    # Counting

    def add_rows(self, rows, variables):
        """Count the values of `_row_values`.

        :param variables: {variant: [waba.variable.mixin.Variable]}
        """
        self.counted += len(rows)
        for row in rows:
            if row["state"] == "skipped":
                self.left_out.setdefault(row["failure_type"], []).append(row["res_id"])
                continue
            self.receiving.append(
                DryRunRecipient(
                    row["res_id"],
                    row["recipient_id"],
                    number_country(row["number"]),
                    self._quiet_hours_end(row),
                    _shows_fallback(
                        row.get("parameters") or {}, variables[row.get("variant") or "a"]
                    ),
                )
            )

    def _quiet_hours_end(self, row):
        """The end of a person's quiet hours, or None."""
        if row.get("wait_reason") != "hours" or not row["retry_at"]:
            return None
        return fields.Datetime.from_string(row["retry_at"][:19])

    @property
    def is_whole(self):
        return self.counted >= self.chosen

    def scale_count(self, count):
        """What `count` of the records looked at are of all that were chosen."""
        return count if self.is_whole else round(count * self.chosen / self.counted)

    def history(self, receiver):
        """`RecipientHistory` of a receiver."""
        if self._daily_history is None:
            self._daily_history = self.campaign._read_histories(
                [one.recipient_id for one in self.receiving if one.recipient_id > 0], self.at
            )
        return self._daily_history.get(receiver.recipient_id, NO_HISTORY)

    def record_ids(self, condition):
        """Ids of the records whose receiver and history fulfil `condition(receiver, history)`."""
        return [
            receiver.record_id
            for receiver in self.receiving
            if condition(receiver, self.history(receiver))
        ]

    def is_silent(self, history):
        """Whether someone was written to long ago and has given no sign of life since."""
        before = self.now - preflight.INACTIVITY_PERIOD
        return bool(
            history.written_at
            and history.written_at < before
            and not (history.active_at and history.active_at >= before)
        )


def _shows_fallback(parameters, variables):
    """Whether one of the texts is the one for people without a value."""
    fallbacks = {
        (variable.component, variable.name): variable._fallback
        for variable in variables
        if variable._fallback and variable._same_for_all is None
    }
    if not fallbacks:
        return False
    texts = {("body", part["name"]): part["value"] for part in parameters.get("body", ())}
    for part in parameters.get("header", {}).get("values", ()):
        texts["header", part["name"]] = part["value"]
    return any(texts.get(key) == fallback for key, fallback in fallbacks.items())


class WabaCampaign(models.Model):
    """Who would get the message and who not, before anybody is written to."""

    _inherit = "waba.campaign"

    def _dry_run(self):
        """`DryRun` of the audience, with the rights of the current user; it leaves no trace."""
        self.ensure_one()
        campaign = self.sudo()
        run = DryRun(campaign)
        run.chosen = campaign._audience_records_count()
        domain, last = Domain(campaign._audience_domain_list()), 0
        env = campaign._audience_records().env
        variables = {
            variant: lines._read_variables(env)
            for variant, (_template, lines) in campaign._variant_messages().items()
        }
        while room := min(CHUNK, DRY_RUN_RECORDS - run.counted):
            records = campaign._audience_records().search_fetch(
                domain & Domain("id", ">", last),
                campaign._audience_field_names(campaign._audience_records()),
                order="id",
                limit=room,
            )
            if not records:
                break
            run.add_rows(campaign._row_values(records, run), variables)
            last = records[-1].id
        return run

    def _inherited_state_values(self, numbers):
        """{number: {field: value}} that new rows of these people would begin with."""
        if not numbers:
            return {}
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT n, array_agg(%s), array_agg(%s) FROM unnest(%s::varchar[]) AS n
                     JOIN waba_recipient r ON r.number = n OR r.wa_number = n
                 GROUP BY n""",
                consent_sql("marketing", self.company_id.id),
                consent_sql("utility", self.company_id.id),
                list(numbers),
            )
        )
        return {
            number: {
                "marketing_state": strongest_consent(marketing),
                "utility_state": strongest_consent(utility),
            }
            for number, marketing, utility in rows
        }

    def _read_histories(self, recipient_ids, at):
        """{recipient id: History}: consent, window and the last signs of life, in one pass."""
        for model in ("waba.message", "waba.recipient", "waba.conversation"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT r.id, %(state)s = 'opted_in',
                          EXISTS (SELECT 1 FROM waba_conversation c
                                   WHERE c.sender_id = %(sender)s AND c.recipient_id = r.id
                                     AND c.window_expires_at > %(at)s),
                          m.written_at, GREATEST(m.read_at, m.inbound_at)
                     FROM waba_recipient r
                LEFT JOIN LATERAL (
                          SELECT min(accepted_at) FILTER (WHERE direction = 'out') AS written_at,
                                 max(read_at) AS read_at,
                                 max(create_date) FILTER (WHERE direction = 'in') AS inbound_at
                            FROM waba_message
                           WHERE recipient_id = r.id AND company_id = %(company)s) m ON TRUE
                    WHERE r.id = ANY(%(ids)s)""",
                state=consent_sql("marketing", self.company_id.id),
                sender=self.sender_id.id,
                company=self.company_id.id,
                at=at,
                ids=recipient_ids,
            )
        )
        return {id_: RecipientHistory(*values) for id_, *values in rows}
