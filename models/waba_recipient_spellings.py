from odoo import api, models
from odoo.tools import SQL

from ..policy import numbers
from .consent_sql import PURPOSES
from .number_sql import e164_sql

# What both rows of a person know: the later moment is the stricter one.
LATEST_WINS_FIELDS = ("slot_at", "last_marketing_at", "marketing_held_until", "unreachable_until")


class WabaRecipient(models.Model):
    """People whom a database knew twice before their country's spellings were known to be one."""

    _inherit = "waba.recipient"

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


class WabaSequenceEnrollment(models.Model):
    _inherit = "waba.sequence.enrollment"

    @api.model
    def _merge_spellings(self):
        """Running follow-ups know their person by the one number; of two in one, the later ends."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_sequence_enrollment e
                    WHERE state = 'running' AND number <> %s ORDER BY id""",
                e164_sql(SQL("e.number")),
            )
        )
        for one in self.browse([id_ for (id_,) in rows]):
            known_as = numbers.canonical_number(one.number)
            twin = self.search(
                [
                    ("sequence_id", "=", one.sequence_id.id),
                    ("state", "=", "running"),
                    ("number", "=", known_as),
                ],
                limit=1,
            )
            if twin:
                text = self.env._("Another lead with the same person's number is already in it.")
                (one | twin).sorted("id")[1:]._stop_enrollments("gone", text)
                # Before the other takes the number, which one running row has.
                self.flush_model()
            if one.state == "running":
                one.number = known_as
