from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import numbers
from ..tools.phone_countries import e164_sql
from .consent_sql import PURPOSES

NO_DOUBT = {"may_opt_out_at": False, "may_opt_out_message_id": False}

# What both rows of a person know: the later moment is the stricter one.
LATEST_WINS_FIELDS = ("slot_at", "last_marketing_at", "marketing_held_until", "unreachable_until")


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

    # Identity change
    former_uids = fields.Char(
        "Earlier WhatsApp user IDs",
        readonly=True,
        copy=False,
        help="Separated by blanks, one before and one behind.",
    )

    _number_uniq = models.UniqueIndex("(portfolio_id, number) WHERE number IS NOT NULL")
    _user_uid_uniq = models.UniqueIndex("(portfolio_id, user_uid) WHERE user_uid IS NOT NULL")
    # Counting the places taken reads only people seen in the last 24 hours.
    _slot_idx = models.Index("(portfolio_id, slot_at) WHERE slot_at IS NOT NULL")
    _number_idx = models.Index("(number) WHERE number IS NOT NULL")
    _wa_number_idx = models.Index("(wa_number) WHERE wa_number IS NOT NULL")
    # Few people ever change; an id is looked for here only when it is nobody's.
    _former_uids_idx = models.Index("(portfolio_id) WHERE former_uids IS NOT NULL")

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

    # === Identity ===
    # Who a webhook tells about: by number, by the number WhatsApp writes, by user id.

    @api.model
    def _find_or_create_person(self, portfolio, number, user_uid=None, name=None):
        """The person behind a webhook: by number, by Meta's user id, or by both.

        :param number: E.164 as WhatsApp writes it, or ''
        :param user_uid: Meta's business-scoped user id, or ''
        :param name: the name shown on WhatsApp, when it says one
        """
        by_uid = self._find_by_user_uid(portfolio, user_uid)
        person = by_uid
        if number and not by_uid.number:
            person = self.search(
                [("portfolio_id", "=", portfolio.id), ("wa_number", "=", number)], limit=1
            ) or self._find_by_e164(portfolio, number)
            # Known by user id alone until now: the number, and what we know of it, is theirs.
            if by_uid:
                person._merge_recipient(by_uid)
        if not person:
            person = self.create({"portfolio_id": portfolio.id, "user_uid": user_uid})
        person._apply_names(number, user_uid, name)
        return person

    @api.model
    def _find_by_e164(self, portfolio, number):
        """By the number a lead would have; WhatsApp writes some of Mexico and Brazil otherwise."""
        number = numbers.canonical_number(number)
        return self._find_or_create_by_number(portfolio, [number])[number]

    @api.model
    def _find_by_user_uid(self, portfolio, user_uid):
        if not user_uid:
            return self.browse()
        person = self.search([("portfolio_id", "=", portfolio.id), ("user_uid", "=", user_uid)])
        return person or self._find_by_former_uid(portfolio, user_uid)

    def _apply_names(self, number, user_uid, name):
        """Keep what a webhook calls a person beside what is known already."""
        values = {}
        if user_uid and not self.user_uid and not self._had_user_uid(user_uid):
            values["user_uid"] = user_uid
        if number and number not in (self.number, self.wa_number):
            values["wa_number"] = number
        if name and name != self.name:
            values["name"] = name
        if values:
            self.write(values)

    def _merge_recipient(self, other):
        """Two rows turn out to be one person: this one takes over the other, which has no number.

        Ledger entries never move: a row that has some stays for them, and what still counts of them
        is repeated here.
        """
        self.env["waba.reputation.event"]._move_events(other, self)
        doubt = other._possible_opt_out_values()
        user_uid = other.user_uid
        other.message_ids.write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        words = other._standing_entries()
        former = (other.former_uids or "").split()
        other.write({"user_uid": False, "former_uids": False, "name": other.name or user_uid})
        # Before our own row takes the id, which is unique.
        other.flush_recordset()
        self.user_uid = user_uid
        self._add_former_uids(*former)
        self._merge_send_history(other)
        self._copy_entries(words)
        if other.consent_ids:
            other.write(NO_DOUBT)
        else:
            other.unlink()
        self._merge_possible_opt_out(doubt)

    @api.model
    def _store_user_uids(self, uids):
        """Keep the user ids that statuses tell: a later opt-out may carry nothing else.

        :param uids: {waba.message id: Meta's user id}
        """
        if not uids:
            return
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (r.portfolio_id, v.user_uid) r.id, v.user_uid, o.id
                     FROM unnest(%s::int[], %s::varchar[]) AS v(id, user_uid)
                     JOIN waba_message m ON m.id = v.id
                     JOIN waba_recipient r ON r.id = m.recipient_id
                LEFT JOIN waba_recipient o
                       ON o.portfolio_id = r.portfolio_id AND o.user_uid = v.user_uid
                    WHERE r.user_uid IS NULL AND o.number IS NULL
                 ORDER BY r.portfolio_id, v.user_uid, r.id""",
                list(uids),
                list(uids.values()),
            )
        )
        free = [(id_, user_uid) for id_, user_uid, holder in rows if not holder]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r SET user_uid = v.user_uid
                     FROM unnest(%s::int[], %s::varchar[]) AS v(id, user_uid) WHERE r.id = v.id""",
                [id_ for id_, _user_uid in free],
                [user_uid for _id, user_uid in free],
            )
        )
        self.invalidate_model(["user_uid"])
        for id_, _user_uid, holder in rows:
            if holder:
                self.browse(id_)._merge_recipient(self.browse(holder))
        self._inherit_erased_uids(set(uids.values()))

    # === Identity change ===
    # A person gets another user id or another number: who they are goes with them.
    #
    # Bodies come in any order, so what still comes under an id that is no longer theirs is theirs:
    # each row keeps the ids it had. A number given up is given to somebody else one day, so its row
    # stays, with its own no, and without everything that was about the person.

    @api.model
    def _find_by_former_uid(self, portfolio, user_uid):
        """Whose id this was before they got another one."""
        self.flush_model(["portfolio_id", "former_uids"])
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_recipient
                    WHERE portfolio_id = %s AND former_uids IS NOT NULL
                      AND position(%s in former_uids) > 0
                 ORDER BY id LIMIT 1""",
                portfolio.id,
                f" {user_uid} ",
            )
        )
        return self.browse([id_ for (id_,) in rows])

    def _had_user_uid(self, user_uid):
        """Whether an id was this person's, and is no longer."""
        return user_uid in (self.former_uids or "").split()

    def _add_former_uids(self, *user_uids):
        """These ids were this person's, and are dead."""
        known = (self.former_uids or "").split()
        of_order = dict.fromkeys([*known, *user_uids])
        former = [uid for uid in of_order if uid and uid != self.user_uid]
        self.former_uids = f" {' '.join(former)} " if former else False

    @api.model
    def _apply_identity_change(self, portfolio, item):
        """A person changed number or user id; what is known of them goes with them.

        :param item: cloud_api.InboundMessage of kind 'system'
        :return: the person, as they are known from now on
        """
        person = self._find_or_create_person(
            portfolio, item.number, item.previous_user_uid or item.user_uid
        )
        user_uid = item.user_uid if item.user_uid != item.previous_user_uid else ""
        if item.new_number:
            return person._apply_new_number(portfolio, item, user_uid)
        return person._apply_new_user_uid(user_uid) if user_uid else person

    def _apply_new_user_uid(self, user_uid):
        """Another user id of this person; whoever wrote under it before is the same one.

        :return: the row that stays
        """
        known = self._find_by_user_uid(self.portfolio_id, user_uid)
        if known == self:
            return self
        # Of two rows the one with a number stays: it is what leads and campaigns know.
        stays, goes = (known, self) if known.number else (self, known)
        if stays.number and goes.number:
            stays._copy_opt_outs(
                goes, "whatsapp", self.env._("They had asked for it as %s.", goes.number)
            )
            stays._move_personal_data(goes)
        dead = [user_uid, self.user_uid]
        dead += f"{self.former_uids or ''} {goes.former_uids or ''}".split()
        # The change after this one may have come first.
        last_uid = known.user_uid or user_uid
        if goes and not goes.number:
            stays._merge_recipient(goes)
        elif goes:
            goes.write({"user_uid": False, "former_uids": False})
            goes.flush_recordset()
        stays.user_uid = last_uid
        stays._add_former_uids(*dead)
        return stays

    def _apply_new_number(self, portfolio, item, user_uid):
        """Another number of this person. Their row stays under the old one, with their no.

        :return: the row of the new number
        """
        dead = [item.previous_user_uid, self.user_uid, *(self.former_uids or "").split()]
        if self.user_uid == user_uid:
            dead.remove(self.user_uid)
        self.write({"user_uid": False, "former_uids": False})
        self.flush_recordset()
        successor = self._find_or_create_person(portfolio, item.new_number, user_uid)
        if successor == self:
            self._add_former_uids(*dead)
            return self
        successor._copy_opt_outs(
            self,
            "whatsapp",
            self.env._("They had asked for it with their number before, %s.", self.number),
            at=item.at,
        )
        successor._move_personal_data(self)
        successor._add_former_uids(*dead)
        return successor

    def _move_personal_data(self, other):
        """Past messages, conversations, contact and marks of another row of the same person.

        What still waits to be sent there stays there: it is written to that number.
        """
        other.message_ids.filtered(
            lambda message: message.state not in ("queued", "reserved", "uncertain")
        ).write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        self._merge_send_history(other)

    def _merge_send_history(self, other):
        """What is remembered of a person beside their words."""

        def later(name):
            return max(filter(None, [self[name], other[name]]), default=False)

        self.write(
            {
                "name": self.name or other.name,
                "partner_id": self.partner_id.id or other.partner_id.id,
                "is_blocked": self.is_blocked or other.is_blocked,
                **{
                    name: later(name)
                    for name in ("slot_at", "last_marketing_at", "marketing_held_until")
                },
            }
        )

    # === Number spellings ===
    # People whom a database knew twice before their country's spellings were known to be one.

    @api.model
    def _merge_spellings(self):
        """Bring every row under its person's one number (policy/numbers.py); for an upgrade.

        Where that number has a row already, it takes over the other's messages and conversations,
        and the stricter consent of the two holds. Ledger entries never move: a row that has some
        stays for them, and is found by its own spelling. A second time changes nothing.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM waba_recipient r WHERE number <> %s ORDER BY id",
                e164_sql(SQL("r.number")),
            )
        )
        for person in self.browse([id_ for (id_,) in rows]):
            known_as = numbers.canonical_number(person.number)
            twin = self.search(
                [("portfolio_id", "=", person.portfolio_id.id), ("number", "=", known_as)]
            )
            if twin:
                twin._merge_spelling(person)
            else:
                is_whatsapps = known_as[:4] in numbers.KEPT_IDS and not person.wa_number
                person.write(
                    {"number": known_as, **({"wa_number": person.number} if is_whatsapps else {})}
                )
        self.env["waba.sequence.enrollment"]._merge_spellings()

    def _merge_spelling(self, other):
        """`other` is the same person: what is known of them goes here, as far as it can move."""
        other.message_ids.write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        user_uid = other.user_uid
        values = {
            name: max(self[name], other[name])
            for name in LATEST_WINS_FIELDS
            if self[name] and other[name] and other[name] > self[name]
        } | {name: other[name] for name in LATEST_WINS_FIELDS if other[name] and not self[name]}
        values["is_blocked"] = self.is_blocked or other.is_blocked
        for name in ("partner_id", "name", "wa_number"):
            if not self[name] and other[name]:
                values[name] = other[name].id if name == "partner_id" else other[name]
        if user_uid:
            other.user_uid = False
            # Before our own row takes the id, which is unique.
            other.flush_recordset()
            if not self.user_uid:
                values["user_uid"] = user_uid
        self.write(values)
        self._merge_consent_entries(other)
        if not other.consent_ids:
            other.unlink()

    def _merge_consent_entries(self, other):
        """What was said under the other number is said here; an opt-out of either one holds."""
        said = other.consent_ids.sorted(lambda entry: (entry.at, entry.id))
        if said and self.consent_ids.filtered(lambda entry: entry.source == "merge"):
            return  # heard before
        outs = {
            purpose
            for purpose in PURPOSES
            if "opted_out" in (self[f"{purpose}_state"], other[f"{purpose}_state"])
        }
        self._copy_entries(said)
        for purpose in outs:
            if self[f"{purpose}_state"] != "opted_out":
                evidence = self.env._("Opted out under another spelling of the same number.")
                self._set_consent(purpose, "opt_out", "merge", evidence)


def recipients_with_numbers(wanted):
    """The Domain of people with one of these numbers, however we or WhatsApp write it."""
    forms = list(numbers.forms_by_number(wanted))
    return Domain("number", "in", forms) | Domain("wa_number", "in", forms)


def _identity_values(vals):
    """Values by which a person is found under their one number, whatever spelling is given."""
    if not vals.get("number"):
        return vals
    return {**vals, "number": numbers.canonical_number(vals["number"])}
