from odoo import api, models
from odoo.tools import SQL

from ..policy import numbers
from .waba_recipient import NO_DOUBT


class WabaRecipient(models.Model):
    """Who a webhook tells about: by number, by the number WhatsApp writes, by user id."""

    _inherit = "waba.recipient"

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
