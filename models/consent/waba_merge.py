"""Consent: consent and recipients when records merge, or an account joins a portfolio.

Called by Odoo's merge of leads, wizard/base_partner_merge.py and hooks of the portfolio.
"""

from odoo import models
from odoo.tools import SQL, format_date

from ..tools.hooks import hook, implements
from .waba_recipient import recipients_with_numbers

# Whether the aliases `ours` and `theirs` of waba_recipient are one person.
SAME_PERSON = SQL(
    "(ours.number = theirs.number OR (theirs.number IS NULL AND ours.user_uid = theirs.user_uid))"
)


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _apply_record_merge(self, records):
        """Merge the consent of leads or contacts that are one person: an opt-out applies to all.

        One of our own numbers on them is nobody's, and says nothing about the person.
        """
        numbers = {self.env["waba.recipient"]._number_of(record) for record in records} - {""}
        numbers -= self.env["waba.sender"]._filter_own_numbers(numbers)
        people = self.search(recipients_with_numbers(numbers))
        if records._name == "res.partner":
            people |= self.search([("partner_id", "in", records.ids)])
        else:
            people |= records.waba_recipient_id
        for purpose in ("marketing", "utility"):
            out = people.filtered(
                lambda person, purpose=purpose: person._has_standing_opt_out(purpose)
            )
            if not out:
                continue
            opt_out = out._same_person().consent_ids.filtered(
                lambda entry, purpose=purpose: (entry.purpose, entry.action) == (purpose, "opt_out")
            )[:1]
            unknown = numbers.difference(people._number_forms())
            if unknown:
                new = self._find_or_create_by_number(out.portfolio_id[:1], sorted(unknown))
                people |= self.union(*new.values())
            (people - out)._set_consent(purpose, "opt_out", "merge", self._merge_evidence(opt_out))
        for topic in people._closed_topics():
            self._merge_closed_topic(people, numbers, topic)

    def _merge_closed_topic(self, people, numbers, topic):
        """A topic that one of these rows of one person has closed is closed for all of them.

        :param numbers: E.164 numbers of their records, some perhaps without a row
        """
        closed = people.filtered(lambda person: topic in person._closed_topics())
        unknown = numbers.difference(people._number_forms())
        new = self._find_or_create_by_number(closed.portfolio_id[:1], sorted(unknown))
        entry = closed._same_person().consent_ids.filtered(
            lambda entry: (entry.topic_id, entry.action) == (topic, "opt_out")
        )[:1]
        (people.union(*new.values()) - closed)._set_consent(
            "marketing", "opt_out", "merge", self._merge_evidence(entry), topic=topic
        )

    def _merge_evidence(self, entry):
        """Evidence of an opt-out by merge. Without the number: this entry outlives its erasure."""
        if not entry:
            return self.env._("Merged with a record that had opted out.")
        return self.env._(
            "Merged with a record that had opted out on %s.", format_date(self.env, entry.at)
        )


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _merge_dependences(self, opportunities):
        """Odoo's merge of leads: merge our messages and the consent as well."""
        result = super()._merge_dependences(opportunities)
        env = self.env(su=True)
        env["waba.recipient"]._apply_record_merge((self + opportunities).with_env(env))
        env["waba.message"]._apply_record_merge("crm.lead", opportunities.ids, self.id)
        target = self.with_env(env)
        target.waba_recipient_id = (target + opportunities.with_env(env)).waba_recipient_id[:1]
        self._on_waba_merge(opportunities)
        return result

    @hook
    def _on_waba_merge(self, opportunities):
        """After messages and consent of these leads moved to this one, before they are deleted."""


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    @implements("_on_join")
    def _merge_account_recipients(self, other, account):
        """`account` joins this portfolio: copy the recipients that it messaged, with their slots.

        The recipients of `other`, the portfolio it leaves, stay: it may have further accounts.
        """
        self.ensure_one()
        self.env.flush_all()
        params = {"ours": self.id, "theirs": other.id, "account": account.id}
        self._merge_known_recipients(params)
        self._copy_unknown_recipients(params)
        self._copy_consent_states(params)
        for table, of_account in (
            ("waba_message", SQL("row.account_id = %(account)s", **params)),
            (
                "waba_conversation",
                SQL(
                    "row.sender_id IN (SELECT id FROM waba_sender WHERE account_id = %(account)s)",
                    **params,
                ),
            ),
        ):
            self.env.cr.execute(
                SQL(
                    """UPDATE %(table)s row SET recipient_id = ours.id
                         FROM waba_recipient theirs
                         JOIN waba_recipient ours ON %(same)s
                        WHERE ours.portfolio_id = %(ours)s AND theirs.portfolio_id = %(theirs)s
                          AND row.recipient_id = theirs.id AND %(of_account)s""",
                    **params,
                    table=SQL.identifier(table),
                    same=SAME_PERSON,
                    of_account=of_account,
                )
            )
        self.env.invalidate_all()

    def _merge_known_recipients(self, params):
        """Recipients of both portfolios: the later slot and the stricter consent apply."""
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient ours
                      SET slot_at = GREATEST(ours.slot_at, theirs.slot_at),
                          unreachable_until =
                              GREATEST(ours.unreachable_until, theirs.unreachable_until),
                          is_blocked = ours.is_blocked OR theirs.is_blocked,
                          marketing_state = CASE WHEN theirs.marketing_state = 'opted_out'
                                            THEN 'opted_out' ELSE ours.marketing_state END,
                          utility_state = CASE WHEN theirs.utility_state = 'opted_out'
                                          THEN 'opted_out' ELSE ours.utility_state END,
                          marketing_out_at = GREATEST(ours.marketing_out_at,
                                                      theirs.marketing_out_at),
                          utility_out_at = GREATEST(ours.utility_out_at, theirs.utility_out_at),
                          may_opt_out_message_id = CASE WHEN ours.may_opt_out_at IS NULL
                                                   THEN theirs.may_opt_out_message_id
                                                   ELSE ours.may_opt_out_message_id END,
                          may_opt_out_at = COALESCE(ours.may_opt_out_at, theirs.may_opt_out_at)
                     FROM waba_recipient theirs
                    WHERE ours.portfolio_id = %(ours)s AND theirs.portfolio_id = %(theirs)s
                      AND %(same)s""",
                **params,
                same=SAME_PERSON,
            )
        )

    def _copy_unknown_recipients(self, params):
        """Recipients of the account's messages that this portfolio does not have yet."""
        columns = [
            SQL.identifier(field.name)
            for field in self.env["waba.recipient"]._fields.values()
            if field.store
            and field.column_type
            and field.name not in ("id", "portfolio_id", "user_uid")
        ]
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_recipient (portfolio_id, user_uid, %(columns)s)
                   SELECT %(ours)s,
                          CASE WHEN NOT EXISTS (SELECT 1 FROM waba_recipient known
                                                 WHERE known.portfolio_id = %(ours)s
                                                   AND known.user_uid = theirs.user_uid)
                               THEN theirs.user_uid END,
                          %(columns)s
                     FROM waba_recipient theirs
                    WHERE portfolio_id = %(theirs)s
                      AND EXISTS (SELECT 1 FROM waba_message m
                                   WHERE m.recipient_id = theirs.id
                                     AND m.account_id = %(account)s)
                      AND NOT EXISTS (SELECT 1 FROM waba_recipient ours
                                       WHERE ours.portfolio_id = %(ours)s AND %(same)s)""",
                **params,
                columns=SQL(", ").join(columns),
                same=SAME_PERSON,
            )
        )

    def _copy_consent_states(self, params):
        """Opt-ins of the copied recipients, less those older than an opt-out of the other row."""
        people = self.env["waba.recipient"]
        people._copy_opt_ins(
            SQL(
                """SELECT theirs.id AS from_id, ours.id AS to_id
                     FROM waba_recipient theirs JOIN waba_recipient ours ON %(same)s
                    WHERE ours.portfolio_id = %(ours)s AND theirs.portfolio_id = %(theirs)s""",
                **params,
                same=SAME_PERSON,
            )
        )
        people.search([("portfolio_id", "=", self.id)])._revoke_older_opt_ins()

    @implements("_on_accounts_change")
    def _refresh_recipients(self):
        """The companies of the portfolio have changed: recalculate the shared states of recipients
        with an opt-in, which is valid for one company only."""
        given = (
            self.env["waba.opt.in"].sudo().search([("recipient_id.portfolio_id", "in", self.ids)])
        )
        given.recipient_id._refresh_consent_states()
