from odoo import api, fields, models
from odoo.tools import SQL


class WabaRecipient(models.Model):
    """One person, as one portfolio knows them: an E.164 number and/or Meta's user id (BSUID).

    `slot_at` is the whole of the ledger behind the daily limit: the last time this person was
    counted. The people counted now are the rows with `slot_at` in the last 24 hours, so the count
    costs one index range and nothing has to be decremented.
    """

    _name = "waba.recipient"
    _description = "WhatsApp Recipient"
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
    partner_id = fields.Many2one("res.partner", ondelete="set null", index="btree_not_null")
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
    message_ids = fields.One2many("waba.message", "recipient_id")
    consent_ids = fields.One2many("waba.consent", "recipient_id")

    _number_uniq = models.UniqueIndex("(portfolio_id, number) WHERE number IS NOT NULL")
    _user_uid_uniq = models.UniqueIndex("(portfolio_id, user_uid) WHERE user_uid IS NOT NULL")
    # Counting the places taken reads only people seen in the last 24 hours.
    _slot_idx = models.Index("(portfolio_id, slot_at) WHERE slot_at IS NOT NULL")
    _number_idx = models.Index("(number) WHERE number IS NOT NULL")
    _wa_number_idx = models.Index("(wa_number) WHERE wa_number IS NOT NULL")

    @api.depends("number", "user_uid", "name")
    def _compute_display_name(self):
        for recipient in self:
            handle = recipient.number or recipient.user_uid or ""
            recipient.display_name = f"{recipient.name} · {handle}" if recipient.name else handle

    @api.model
    def _find_or_create_by_number(self, portfolio, numbers):
        """{E.164 number: recipient} for all `numbers`, creating who is missing."""
        self._create_missing(portfolio, numbers)
        recipients = self.search([("portfolio_id", "=", portfolio.id), ("number", "in", numbers)])
        return {recipient.number: recipient for recipient in recipients}

    @api.model
    def _create_missing(self, portfolio, numbers):
        """A row of `portfolio` for each of these E.164 numbers that has none.

        A person who asked one portfolio for no promotions asked the company: Meta leaves the scope
        of a stop open, so a new row inherits the opt-out of the same number elsewhere.
        """
        # A job or a webhook makes people, no user: create_uid and write_uid stay empty.
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_recipient
                          (portfolio_id, number, marketing_state, create_date, write_date)
                   SELECT %(portfolio)s, n,
                          CASE WHEN EXISTS (SELECT 1 FROM waba_recipient o
                                             WHERE (o.number = n OR o.wa_number = n)
                                               AND o.marketing_state = 'opted_out')
                               THEN 'opted_out' ELSE 'unknown' END,
                          %(now)s, %(now)s
                     FROM unnest(%(numbers)s::varchar[]) AS n
                   ON CONFLICT (portfolio_id, number) WHERE number IS NOT NULL DO NOTHING""",
                portfolio=portfolio.id,
                # In order, so that two preparations cannot wait for each other in a circle.
                numbers=sorted(set(numbers)),
                now=self.env.cr.now(),
            )
        )

    # ------------------------------------------------------------------
    # Consent
    # ------------------------------------------------------------------

    def _same_person(self):
        """Every row of these people, in any portfolio: consent is the company's, not Meta's."""
        numbers = {number for person in self for number in (person.number, person.wa_number)}
        numbers = list(numbers - {False})
        return self | self.search(["|", ("number", "in", numbers), ("wa_number", "in", numbers)])

    def _set_marketing_state(self, state, source, evidence, at=None, message=None):
        """The one door for consent: writes the ledger, then the state that sending reads.

        A word that changes nothing is noted too: it is what makes an older one, come later, old.

        :param state: 'opted_in' | 'opted_out'
        :param source: a key of waba.consent's `source`
        :param evidence: what shows it, in words or a quotation
        :param at: naive UTC datetime when the person said so
        """
        action = "opt_out" if state == "opted_out" else "opt_in"
        at = at or fields.Datetime.now()
        changed = self._same_person().filtered(lambda person: person.marketing_state != state)
        words = self.env["waba.consent"].create(
            [
                {
                    "recipient_id": person.id,
                    "purpose": "marketing",
                    "action": action,
                    "source": source,
                    "evidence": evidence,
                    "at": at,
                    "message_id": message.id if message else False,
                }
                for person in self
                if not person._is_noted(action, source, at)
            ]
        )
        changed.write({"marketing_state": state})
        if action == "opt_out" and words:
            self.env["waba.message"]._stamp_opt_outs(SQL("c.id IN %s", tuple(words.ids)))
        return changed

    def _is_noted(self, action, source, at):
        """Whether the ledger holds this very word: a webhook may be applied twice."""
        return bool(
            self.env["waba.consent"].search_count(
                [
                    ("recipient_id", "=", self.id),
                    ("action", "=", action),
                    ("source", "=", source),
                    ("at", "=", at),
                ],
                limit=1,
            )
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

    def _has_newer_consent(self, at):
        """Whether the ledger already holds a word said after `at` (events may arrive late)."""
        self.ensure_one()
        return bool(
            at
            and self.env["waba.consent"].search_count(
                [("recipient_id", "in", self._same_person().ids), ("at", ">", at)], limit=1
            )
        )

    def action_opt_out(self):
        self._note_by_hand("opted_out")

    def action_opt_in(self):
        self._note_by_hand("opted_in")

    def _note_by_hand(self, state):
        self.check_access("read")
        self.sudo()._set_marketing_state(
            state, "person", self.env._("Noted by %s.", self.env.user.name)
        )
