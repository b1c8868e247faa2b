"""Consent: recipients by number and user id; how they are found, created, changed and merged.

Called by campaigns and direct sends (by number), webhooks (by person) and statuses (user ids).
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import numbers
from ..tools.hooks import hook
from ..tools.phone_countries import e164_sql
from .consent_sql import PURPOSES

NO_POSSIBLE_OPT_OUT = {"may_opt_out_at": False, "may_opt_out_message_id": False}

NUMBER_FIELDS = ("number", "wa_number")

# Of two rows of one person the later datetime applies: it is the stricter one.
LATEST_WINS_FIELDS = ("slot_at", "last_marketing_at", "marketing_held_until", "unreachable_until")


class WabaRecipient(models.Model):
    """A person as one portfolio knows them: an E.164 number and/or Meta's user id (BSUID).

    - Found or created by `_find_or_create_by_number` (sending), `_find_or_create_person` and
      `_apply_identity_change` (webhooks); `_create_missing` in bulk. None of them creates a row for
      one of our own numbers. A row from before a number became ours stays for its messages.
    - `marketing_state` and `utility_state` are the consent that every company of the portfolio may
      rely on; changed by `_set_consent` only.
    - `slot_at` is all there is behind the daily limit: when the recipient was last counted. Those
      counted now have it in the last 24 hours, so counting reads one index range and nothing is
      ever decremented.
    - Consent entries never move. Of two rows that turn out to be one person, the row that has
      entries stays, without what identified it.
    """

    _name = "waba.recipient"
    _description = "WhatsApp Recipient"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    portfolio_id = fields.Many2one(
        "waba.portfolio", required=True, ondelete="cascade", readonly=True
    )

    # Identity
    number = fields.Char(readonly=True)
    wa_number = fields.Char(
        "WhatsApp number",
        readonly=True,
        help="Set when WhatsApp spells the number differently, as in Brazil and Mexico.",
    )
    user_uid = fields.Char(
        "WhatsApp user ID",
        readonly=True,
        help="Meta's business-scoped ID, for people whose number is hidden by a user name.",
    )
    former_uids = fields.Char(
        "Former user IDs",
        readonly=True,
        copy=False,
    )
    name = fields.Char("WhatsApp name", readonly=True)
    app_name = fields.Char(
        "Phone book name", readonly=True,
        help="In the address book of the WhatsApp Business app.",
    )  # fmt: skip
    app_named_at = fields.Datetime(readonly=True)
    partner_id = fields.Many2one(
        "res.partner", ondelete="set null", index="btree_not_null", readonly=True
    )

    # Consent
    marketing_state = fields.Selection(
        [
            ("unknown", "Not asked"),
            ("opted_in", "Opted in"),
            ("opted_out", "Opted out"),
        ],
        string="Promotions",
        default="unknown",
        required=True,
        readonly=True,
    )
    consent_ids = fields.One2many("waba.consent", "recipient_id", readonly=True)
    is_blocked = fields.Boolean("Blocked", readonly=True)

    # Sending
    slot_at = fields.Datetime("Counted at", readonly=True)
    last_marketing_at = fields.Datetime("Last promotion", readonly=True)
    marketing_held_until = fields.Datetime(
        "Promotions held until",
        readonly=True,
        help="WhatsApp limits promotions to this person.",
    )
    unreachable_until = fields.Datetime("Unreachable until", readonly=True)
    undeliverable_count = fields.Integer("Consecutive failures", readonly=True)
    message_ids = fields.One2many("waba.message", "recipient_id", readonly=True)

    _number_uniq = models.UniqueIndex("(portfolio_id, number) WHERE number IS NOT NULL")
    _user_uid_uniq = models.UniqueIndex("(portfolio_id, user_uid) WHERE user_uid IS NOT NULL")
    # Used slots are counted from the recipients of the last 24 hours only.
    _slot_idx = models.Index("(portfolio_id, slot_at) WHERE slot_at IS NOT NULL")
    _number_idx = models.Index("(number) WHERE number IS NOT NULL")
    _wa_number_idx = models.Index("(wa_number) WHERE wa_number IS NOT NULL")
    # Few recipients have any; searched only for an id that no row has now.
    _former_uids_idx = models.Index("(portfolio_id) WHERE former_uids IS NOT NULL")

    @api.depends("number", "user_uid", "username", "name", "erased_at")
    def _compute_display_name(self):
        for recipient in self:
            handle = recipient._handle()
            if recipient.erased_at and not (handle or recipient.name):
                handle = self.env._("Erased person %s", recipient.id)
            recipient.display_name = f"{recipient.name} · {handle}" if recipient.name else handle

    @api.model_create_multi
    def create(self, vals_list):
        self._check_not_own(vals.get(name) for vals in vals_list for name in NUMBER_FIELDS)
        people = super().create([_identity_values(vals) for vals in vals_list])
        people._apply_erased_opt_outs()
        return people

    def write(self, vals):
        if written := {vals[name] for name in NUMBER_FIELDS if vals.get(name)}:
            self._check_not_own(written.difference(self._number_forms()))
        result = super().write(_identity_values(vals))
        if any(vals.get(name) for name in ("number", "wa_number", "user_uid")):
            self._apply_erased_opt_outs()
        return result

    def _person_forms(self):
        """[key] under which rows of these people may be found: numbers, and ids as text."""
        return [*self._number_forms(), *map(str, self.ids)]

    def _number_forms(self):
        """[number]: the numbers of these recipients in every spelling (policy/numbers.py)."""
        written = (number for person in self for number in (person.number, person.wa_number))
        return list(numbers.forms_by_number(written))

    # === Our own numbers ===

    @api.model
    def _check_not_own(self, wanted):
        """:raise UserError: one of these numbers is ours, so it is nobody's"""
        if ours := self.env["waba.sender"]._filter_own_numbers(wanted):
            raise UserError(self._own_number_text(", ".join(sorted(ours))))

    @api.model
    def _own_number_text(self, number):
        return self.env._(
            "Not recorded: %s is one of your own WhatsApp numbers. Enter the customer's number.",
            number,
        )

    # === From a lead or contact to a number ===

    @api.model
    def _number_of(self, record):
        """The record's E.164 number in its canonical spelling; '' if there is none."""
        # `phone_sanitized` is the stored result of `_phone_format`: it saves parsing again.
        number = record.phone_sanitized or record._phone_format()
        if not number and (old := numbers.read_old_spelling(self._raw_number(record))):
            number = record._phone_format(number=old)
        return numbers.canonical_number(number or "")

    @api.model
    def _person_key(self, record, portfolio):
        """The record's number, else that of its linked person, else their id as text, or ''."""
        if number := self._number_of(record):
            return number
        person = record._waba_linked(portfolio)[record.id][:1]
        return person.number or (str(person.id) if person else "")

    @api.model
    def _raw_number(self, record):
        """The number as typed on the record, to name an invalid one; '' if there is none."""
        typed = (record[name] for name in record._phone_get_number_fields())
        return next((text.strip() for text in typed if text and text.strip()), "")

    @api.model
    def _filter_blacklisted(self, wanted):
        """{number}: those of `wanted` that are on Odoo's phone blacklist, in any spelling."""
        # In SQL: the model's search parses every number again, which costs more than the query.
        forms = numbers.forms_by_number(wanted)
        self.env["phone.blacklist"].flush_model(["number", "active"])
        rows = self.env.execute_query(
            SQL("SELECT number FROM phone_blacklist WHERE active AND number = ANY(%s)", [*forms])
        )
        return {forms[number] for (number,) in rows}

    # === From a number to a row ===

    @api.model
    def _find_or_create_by_number(self, portfolio, wanted):
        """{number: recipient} for all these numbers but our own; missing rows are created.

        :param wanted: numbers in any spelling; the row gets the canonical E.164 one
        """
        wanted = {number for number in wanted if number}
        wanted -= self.env["waba.sender"]._filter_own_numbers(wanted)
        known_as = {number: numbers.canonical_number(number) for number in wanted}
        rows = [*set(known_as.values())]
        self._create_missing(portfolio, rows)
        recipients = self.search([("portfolio_id", "=", portfolio.id), ("number", "in", rows)])
        people = {recipient.number: recipient for recipient in recipients}
        return {number: people[known] for number, known in known_as.items()}

    @api.model
    def _create_missing(self, portfolio, numbers):
        """Create a row of `portfolio` for each of these E.164 numbers that has none; none for ours.

        A new row inherits the consent of the same number in other portfolios: any opt-out (Meta
        leaves the scope of a stop open), and opt-ins with the company they were given to.
        """
        numbers = set(numbers)
        numbers -= self.env["waba.sender"]._filter_own_numbers(numbers)
        # Created by a job or a webhook, not by a user: create_uid and write_uid stay empty.
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
        """SQL: (number, marketing_state, utility_state, marketing_out_at, utility_out_at) of new
        rows; opt-ins are copied afterwards (`_copy_opt_ins`)."""
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
            # Sorted, so that two campaigns in preparation cannot deadlock.
            numbers=sorted(numbers),
        )

    # === From a webhook to a row ===

    @api.model
    def _find_or_create_person(self, portfolio, number, user_uid=None, name=None, username=None):
        """The recipient of a webhook, found by number, by Meta's user id, or by both.

        :param number: E.164 as WhatsApp writes it, or ''
        :param user_uid: Meta's business-scoped user id, or ''
        :param name: the name on WhatsApp, if the webhook contains one; `username` likewise
        :return: waba.recipient, one row; none for one of our numbers without a user id
        """
        if self.env["waba.sender"]._filter_own_numbers([number]):
            number = ""
            if not user_uid:
                return self.browse()
        by_uid = self._find_by_user_uid(portfolio, user_uid)
        person = by_uid
        if number and not by_uid.number:
            person = self.search(
                [("portfolio_id", "=", portfolio.id), ("wa_number", "=", number)], limit=1
            ) or self._find_by_e164(portfolio, number)
            # The row known by user id only and the one of the number are the same person.
            if by_uid:
                person._merge_recipient(by_uid)
        if not person:
            person = self.create({"portfolio_id": portfolio.id, "user_uid": user_uid})
        person._apply_names(number, user_uid, name, username)
        return person

    def _set_app_name(self, name, at):
        """Set the name of the app's address book, '' removes it; an older report changes nothing.

        :param at: naive UTC datetime
        """
        if not self.app_named_at or self.app_named_at <= at:
            self.write({"app_name": name or False, "app_named_at": at})

    @api.model
    def _find_by_e164(self, portfolio, number):
        """By the canonical number: WhatsApp spells some of Mexico and Brazil differently."""
        number = numbers.canonical_number(number)
        return self._find_or_create_by_number(portfolio, [number])[number]

    @api.model
    def _find_by_user_uid(self, portfolio, user_uid):
        if not user_uid:
            return self.browse()
        person = self.search([("portfolio_id", "=", portfolio.id), ("user_uid", "=", user_uid)])
        return person or self._find_by_former_uid(portfolio, user_uid)

    @api.model
    def _find_by_former_uid(self, portfolio, user_uid):
        """The row that had this user id before its person got another one; may be empty."""
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

    def _apply_names(self, number, user_uid, name, username=None):
        """Store the number, user id and names of a webhook where they are new."""
        values = {}
        if user_uid and not self.user_uid and not self._had_user_uid(user_uid):
            values["user_uid"] = user_uid
        if number and number not in (self.number, self.wa_number):
            values["wa_number"] = number
        for field, given in (("name", name), ("username", username)):
            if given and given != self[field]:
                values[field] = given
        if values:
            self.write(values)

    @api.model
    def _store_user_uids(self, uids):
        """Store the user ids in statuses: a later opt-out may contain nothing else.

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

    # === Inbound messages ===

    @hook
    def _on_lead_from_message(self, sender, item):
        """Before a message of this person, of whom there is no record, becomes a lead.

        :param sender: waba.sender it was written to
        :param item: cloud_api.InboundMessage
        :return: values of the lead
        """

    @hook
    def _on_inbound_text(self, message, at):
        """After a message of this person was stored and its preference detected (`wish`).

        :param at: when it was written, naive UTC
        :return: whether an opt-in was recorded
        """

    # === Change of number or user id ===
    # Webhooks arrive in any order, so each row keeps its former user ids: what still arrives under
    # one belongs to it. A number that was given up is assigned to another person one day, so its
    # row stays, with its opt-out, but without the data of the person who had it.

    def _had_user_uid(self, user_uid):
        """Whether this is a former user id of the recipient."""
        return user_uid in (self.former_uids or "").split()

    def _add_former_uids(self, *user_uids):
        """Add user ids that are no longer valid."""
        known = (self.former_uids or "").split()
        of_order = dict.fromkeys([*known, *user_uids])
        former = [uid for uid in of_order if uid and uid != self.user_uid]
        self.former_uids = f" {' '.join(former)} " if former else False

    @api.model
    def _apply_identity_change(self, portfolio, item):
        """Apply a change of number or user id; the person's data move to the row that stays.

        :param item: cloud_api.InboundMessage of kind 'system'
        :return: the person's row from now on
        """
        person = self._find_or_create_person(
            portfolio, item.number, item.previous_user_uid or item.user_uid
        )
        user_uid = item.user_uid if item.user_uid != item.previous_user_uid else ""
        if item.new_number:
            return person._apply_new_number(portfolio, item, user_uid)
        return person._apply_new_user_uid(user_uid) if user_uid else person

    def _apply_new_user_uid(self, user_uid):
        """Set another user id; a row that has it already is the same person.

        :return: the row that stays
        """
        known = self._find_by_user_uid(self.portfolio_id, user_uid)
        if known == self:
            return self
        # The row with a number stays: leads and campaigns know it by that.
        stays, goes = (known, self) if known.number else (self, known)
        if stays.number and goes.number:
            stays._copy_opt_outs(goes, "whatsapp", self.env._("Opted out as %s.", goes.number))
            stays._move_personal_data(goes)
        dead = [user_uid, self.user_uid]
        dead += f"{self.former_uids or ''} {goes.former_uids or ''}".split()
        # The change that follows this one may have been applied before it.
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
        """Move the person to their new number; this row keeps the old one, with its opt-out.

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
            self.env._("Opted out under their former number, %s.", self.number),
            at=item.at,
        )
        successor._move_personal_data(self)
        successor._add_former_uids(*dead)
        return successor

    # === Merging two rows of one person ===

    def _merge_recipient(self, other):
        """Merge `other`, a row of the same person without a number, into this one.

        Consent entries never move: if `other` has some it stays for them, and those in force are
        copied to this row.
        """
        self.env["waba.reputation.event"]._move_events(other, self)
        possible_opt_out = other._possible_opt_out_values()
        user_uid = other.user_uid
        # With the number: promotions, repeats and changes of the record are compared by it.
        unnumbered = other.message_ids.filtered(lambda message: not message.number)
        unnumbered.number = self.number
        (other.message_ids - self._double_rows(other)).write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        self._move_links(other)
        self._on_person_merge(other)
        entries = other._standing_entries()
        former = (other.former_uids or "").split()
        other.write({"user_uid": False, "former_uids": False, "name": other.name or user_uid})
        # The id is unique: it has to leave the other row in the database first.
        other.flush_recordset()
        self.user_uid = user_uid
        self._add_former_uids(*former)
        self._merge_send_history(other)
        self._copy_entries(entries)
        if other.consent_ids or other.message_ids:
            other.write(NO_POSSIBLE_OPT_OUT)
        else:
            other.unlink()
        self._merge_possible_opt_out(possible_opt_out)

    def _double_rows(self, other):
        """Messages of `other` in campaigns that have one to this row too: they stay with it.

        Of two that are one person's only the first to leave is sent.
        """
        rows = (self | other).message_ids.filtered(
            lambda row: row.campaign_id and row.direction == "out"
        )
        double = rows.browse()
        for same in rows.grouped("campaign_id").values():
            if len(same.recipient_id) < 2:
                continue
            queued = same.filtered(lambda row: row.state == "queued")
            left = same - queued - same.filtered(lambda row: row.state in ("skipped", "cancelled"))
            (queued if left else queued.sorted("id")[1:])._exclude_message("duplicate")
            double |= same & other.message_ids
        return double

    @hook
    def _on_person_merge(self, other):
        """After messages and conversations of `other`, the same person's row, moved to this one."""

    def _move_personal_data(self, other):
        """Move past messages, conversations and send history from another row of the same person.

        Messages not yet sent stay with the other row: they are addressed to its number.
        """
        other.message_ids.filtered(
            lambda message: message.state not in ("queued", "reserved", "uncertain")
        ).write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        self._move_links(other)
        self._on_person_merge(other)
        self._merge_send_history(other)

    def _merge_send_history(self, other):
        """Merge name, contact, block and limits of another row; consent entries stay there."""

        def later(name):
            return max(filter(None, [self[name], other[name]]), default=False)

        self.write(
            {
                "name": self.name or other.name,
                "username": self.username or other.username,
                "is_blocked": self.is_blocked or other.is_blocked,
                **{
                    name: later(name)
                    for name in ("slot_at", "last_marketing_at", "marketing_held_until")
                },
            }
        )

    # === Results of sending ===

    def _hold_marketing(self, until):
        """WhatsApp held a promotion back: postpone all to these recipients to `until` (naive UTC).

        Further attempts in that time fail as well (Meta, Per-user marketing template message
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

    # === Number spellings, for an upgrade ===
    # Older versions made one row for each spelling of a number.

    @api.model
    def _merge_spellings(self):
        """Give every row the canonical spelling of its number (policy/numbers.py).

        If that number has a row, the other row's messages and conversations move to it, and the
        stricter consent applies. A row with consent entries stays, and is found by its own
        spelling. A second run changes nothing.
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
        """Merge `other`, a row of the same person; it is deleted unless it has consent entries."""
        other.message_ids.write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        self._move_links(other)
        user_uid = other.user_uid
        values = {
            name: max(self[name], other[name])
            for name in LATEST_WINS_FIELDS
            if self[name] and other[name] and other[name] > self[name]
        } | {name: other[name] for name in LATEST_WINS_FIELDS if other[name] and not self[name]}
        values["is_blocked"] = self.is_blocked or other.is_blocked
        for name in ("name", "username", "wa_number"):
            if not self[name] and other[name]:
                values[name] = other[name]
        if user_uid:
            other.user_uid = False
            # The id is unique: it has to leave the other row in the database first.
            other.flush_recordset()
            if not self.user_uid:
                values["user_uid"] = user_uid
        self.write(values)
        self._merge_consent_entries(other)
        if not other.consent_ids:
            other.unlink()

    def _merge_consent_entries(self, other):
        """Copy the consent entries of `other`; an opt-out of either row applies."""
        entries = other.consent_ids.sorted(lambda entry: (entry.at, entry.id))
        if entries and self.consent_ids.filtered(lambda entry: entry.source == "merge"):
            return  # copied by an earlier run
        outs = {
            purpose
            for purpose in PURPOSES
            if "opted_out" in (self[f"{purpose}_state"], other[f"{purpose}_state"])
        }
        self._copy_entries(entries)
        for purpose in outs:
            if self[f"{purpose}_state"] != "opted_out":
                evidence = self.env._("Opted out under another spelling of the same number.")
                self._set_consent(purpose, "opt_out", "merge", evidence)


def recipients_with_numbers(wanted):
    """The Domain of recipients with one of these numbers, in our or WhatsApp's spelling."""
    forms = list(numbers.forms_by_number(wanted))
    return Domain("number", "in", forms) | Domain("wa_number", "in", forms)


def _identity_values(vals):
    """`vals` with the number in its canonical spelling."""
    if not vals.get("number"):
        return vals
    return {**vals, "number": numbers.canonical_number(vals["number"])}
