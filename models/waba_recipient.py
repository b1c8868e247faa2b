from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import numbers

NO_DOUBT = {"may_opt_out_at": False, "may_opt_out_message_id": False}


class WabaRecipient(models.Model):
    """One person, as one portfolio knows them: an E.164 number and/or Meta's user id (BSUID).

    `slot_at` is the whole of the ledger behind the daily limit: the last time this person was
    counted. The people counted now are the rows with `slot_at` in the last 24 hours, so the count
    costs one index range and nothing has to be decremented.
    """

    _name = "waba.recipient"
    _description = "WhatsApp Recipient"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    portfolio_id = fields.Many2one(
        "waba.portfolio", required=True, ondelete="cascade", readonly=True
    )
    number = fields.Char(readonly=True)
    wa_number = fields.Char(
        "Number at WhatsApp",
        readonly=True,
        help="When it differs: WhatsApp rewrites some Brazilian and Mexican numbers.",
    )
    user_uid = fields.Char(
        "WhatsApp user ID",
        readonly=True,
        help="Meta's business-scoped id. Someone with a user name may show no number at all.",
    )
    name = fields.Char("Name on WhatsApp", readonly=True)
    partner_id = fields.Many2one(
        "res.partner", ondelete="set null", index="btree_not_null", readonly=True
    )
    marketing_state = fields.Selection(
        [
            ("unknown", "Not asked"),
            ("opted_in", "Agreed to promotions"),
            ("opted_out", "No promotions"),
        ],
        string="Promotions",
        default="unknown",
        required=True,
        readonly=True,
    )
    is_blocked = fields.Boolean("Blocked by us", readonly=True)
    slot_at = fields.Datetime("Counted at", readonly=True)
    last_marketing_at = fields.Datetime("Last promotion", readonly=True)
    marketing_held_until = fields.Datetime(
        "No promotions before",
        readonly=True,
        help="WhatsApp holds promotions to this person back: none before.",
    )
    unreachable_until = fields.Datetime("Not reachable until", readonly=True)
    undeliverable_count = fields.Integer("Undeliverable in a row", readonly=True)
    message_ids = fields.One2many("waba.message", "recipient_id", readonly=True)
    consent_ids = fields.One2many("waba.consent", "recipient_id", readonly=True)

    _number_uniq = models.UniqueIndex("(portfolio_id, number) WHERE number IS NOT NULL")
    _user_uid_uniq = models.UniqueIndex("(portfolio_id, user_uid) WHERE user_uid IS NOT NULL")
    # Counting the places taken reads only people seen in the last 24 hours.
    _slot_idx = models.Index("(portfolio_id, slot_at) WHERE slot_at IS NOT NULL")
    _number_idx = models.Index("(number) WHERE number IS NOT NULL")
    _wa_number_idx = models.Index("(wa_number) WHERE wa_number IS NOT NULL")

    @api.depends("number", "user_uid", "name", "erased_at")
    def _compute_display_name(self):
        for recipient in self:
            handle = recipient.number or recipient.user_uid or ""
            if recipient.erased_at and not (handle or recipient.name):
                handle = self.env._("Erased person %s", recipient.id)
            recipient.display_name = f"{recipient.name} · {handle}" if recipient.name else handle

    @api.model_create_multi
    def create(self, vals_list):
        people = super().create([_identity_values(vals) for vals in vals_list])
        people._apply_erased_opt_outs()
        return people

    def write(self, vals):
        result = super().write(_identity_values(vals))
        if any(vals.get(name) for name in ("number", "wa_number", "user_uid")):
            self._apply_erased_opt_outs()
        return result

    def _number_forms(self):
        """The numbers of these people, in every way of writing them (policy/numbers.py)."""
        written = (number for person in self for number in (person.number, person.wa_number))
        return list(numbers.forms_by_number(written))

    # ------------------------------------------------------------------
    # From a lead or contact to a number
    # ------------------------------------------------------------------

    @api.model
    def _number_of(self, record):
        """E.164 by the record's own country, one form for one person; '' when there is none."""
        # Odoo keeps what `_phone_format` gives; reading the number anew would cost as much again.
        number = record.phone_sanitized or record._phone_format()
        if not number and (old := numbers.read_old_spelling(self._raw_number(record))):
            number = record._phone_format(number=old)
        return numbers.canonical_number(number or "")

    @api.model
    def _raw_number(self, record):
        """The number as it stands on the record, to name what is not valid; ''."""
        typed = (record[name] for name in record._phone_get_number_fields())
        return next((text.strip() for text in typed if text and text.strip()), "")

    @api.model
    def _filter_blacklisted(self, wanted):
        """Which of these numbers are on Odoo's phone blacklist, in any way of writing them."""
        # In SQL: the model's own search parses every number again, which costs more than the rest.
        forms = numbers.forms_by_number(wanted)
        self.env["phone.blacklist"].flush_model(["number", "active"])
        rows = self.env.execute_query(
            SQL("SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)", [*forms])
        )
        return {forms[number] for (number,) in rows}

    # ------------------------------------------------------------------
    # From a number to a row
    # ------------------------------------------------------------------

    @api.model
    def _find_or_create_by_number(self, portfolio, wanted):
        """{number: recipient} for all these numbers, creating who is missing.

        :param wanted: numbers in any way of writing them; the row has the E.164 one
        """
        known_as = {number: numbers.canonical_number(number) for number in wanted if number}
        rows = [*set(known_as.values())]
        self._create_missing(portfolio, rows)
        recipients = self.search([("portfolio_id", "=", portfolio.id), ("number", "in", rows)])
        people = {recipient.number: recipient for recipient in recipients}
        return {number: people[known] for number, known in known_as.items()}

    @api.model
    def _create_missing(self, portfolio, numbers):
        """A row of `portfolio` for each of these E.164 numbers that has none.

        A new row inherits what the same number said elsewhere: an opt-out from everywhere (Meta
        leaves the scope of a stop open), an opt-in with the company it was given to.
        """
        # A job or a webhook makes people, no user: create_uid and write_uid stay empty.
        self.flush_model()
        made = self.env.execute_query(
            SQL(
                """INSERT INTO waba_recipient
                          (portfolio_id, number, marketing_state, utility_state, marketing_out_at,
                           utility_out_at, create_date, write_date)
                   SELECT %(portfolio)s, begun.*, %(now)s, %(now)s FROM (%(inherited)s) begun
                   ON CONFLICT (portfolio_id, number) WHERE number IS NOT NULL DO NOTHING
                RETURNING id""",
                portfolio=portfolio.id,
                inherited=self._inherited_states(numbers),
                now=self.env.cr.now(),
            )
        )
        if made:
            self._copy_opt_ins(
                SQL(
                    """SELECT o.id AS from_id, n.id AS to_id FROM waba_recipient n
                         JOIN waba_recipient o ON o.number = n.number OR o.wa_number = n.number
                        WHERE n.id = ANY(%s)""",
                    [id_ for (id_,) in made],
                )
            )
        self._copy_possible_opt_out(portfolio, numbers)
        self._inherit_erased_numbers(portfolio, numbers)

    @api.model
    def _inherited_states(self, numbers):
        """SQL: (number, marketing_state, utility_state, marketing_out_at, utility_out_at) that new
        rows begin with, but for opt-ins (`_copy_opt_ins`)."""
        return SQL(
            """SELECT n,
                      CASE WHEN said.no_marketing THEN 'opted_out' ELSE 'unknown' END,
                      CASE WHEN said.no_utility THEN 'opted_out' ELSE 'unknown' END,
                      said.marketing_out_at, said.utility_out_at
                 FROM unnest(%(numbers)s::varchar[]) AS n
           CROSS JOIN LATERAL (
                      SELECT bool_or(o.marketing_state = 'opted_out'
                                     OR o.marketing_out_at IS NOT NULL) AS no_marketing,
                             bool_or(o.utility_state = 'opted_out'
                                     OR o.utility_out_at IS NOT NULL) AS no_utility,
                             max(o.marketing_out_at) AS marketing_out_at,
                             max(o.utility_out_at) AS utility_out_at
                        FROM waba_recipient o
                       WHERE o.number = n OR o.wa_number = n) said""",
            # In order, so that two preparations cannot wait for each other in a circle.
            numbers=sorted(set(numbers)),
        )

    def _hold_marketing(self, until):
        """WhatsApp held a promotion back: no other one before `until` (naive UTC).

        Whoever goes on trying loses further attempts (Meta, Per-user marketing template message
        limits, 2026-04-29).
        """
        self.write({"marketing_held_until": until})
        self.env["waba.message"].search(
            [
                ("recipient_id", "in", self.ids),
                ("state", "=", "queued"),
                ("category", "=", "marketing"),
                ("retry_at", "<", until),
            ]
        ).write({"retry_at": until, "wait_reason": "held"})


def recipients_with_numbers(wanted):
    """The Domain of people with one of these numbers, however we or WhatsApp write it."""
    forms = list(numbers.forms_by_number(wanted))
    return Domain("number", "in", forms) | Domain("wa_number", "in", forms)


def _identity_values(vals):
    """Values by which a person is found under their one number, whatever spelling is given."""
    if not vals.get("number"):
        return vals
    return {**vals, "number": numbers.canonical_number(vals["number"])}
