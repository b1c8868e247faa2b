"""Consent: messages that may be an opt-out; promotions wait until they have been reviewed.

Flagged by inbound messages; settled by a user, on a conversation or panel, or by `_set_consent`.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..base.waba_message import POSSIBLE_OPT_OUT
from ..tools.phone_countries import e164_sql
from .waba_recipient import NO_POSSIBLE_OPT_OUT


class WabaRecipient(models.Model):
    """A possible opt-out holds in the companies it was written to; an opt-out applies to all."""

    _inherit = "waba.recipient"

    may_opt_out_at = fields.Datetime(
        "Possible opt-out since",
        readonly=True,
        help="Promotions are on hold until a user has read the message.",
    )
    may_opt_out_message_id = fields.Many2one(
        "waba.message",
        "Message to review",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    may_opt_out_text = fields.Char(
        "Possible opt-out", compute="_compute_possible_opt_out_text", compute_sudo=True
    )
    _may_opt_out_idx = models.Index("(may_opt_out_at) WHERE may_opt_out_at IS NOT NULL")

    @api.depends("may_opt_out_at", "may_opt_out_message_id")
    @api.depends_context("allowed_company_ids")
    def _compute_possible_opt_out_text(self):
        for person in self:
            # The message may have been deleted. Companies may share the recipient, but one must not
            # read what was written to another.
            message = person.may_opt_out_at and person.may_opt_out_message_id
            is_ours = message and message.company_id in self.env.companies
            person.may_opt_out_text = (is_ours and message._written_text()) or False

    # === Flagging ===

    def _flag_possible_opt_out(self, message, at):
        """Hold promotions to this person and ask for a review of their message.

        :param message: waba.message that may be an opt-out
        :param at: naive UTC datetime when they wrote it
        """
        people, company = self._same_person_in_companies(), message.company_id
        if self._consent_state("marketing", company) == "opted_out" or self._has_newer_consent(
            at, company=company
        ):
            return
        # The first such message remains the evidence; later ones are in the conversation.
        people.filtered(lambda person: not person.may_opt_out_at).write(
            {"may_opt_out_at": at, "may_opt_out_message_id": message.id}
        )
        message._create_review_activity()
        people._notify_conversations()

    def _same_person_in_companies(self):
        """Every row of these people in the portfolios of their companies."""
        companies = self._messaging_companies()
        return self._same_person().filtered(
            lambda person: person._messaging_companies() & companies
        )

    def _is_opted_out(self):
        """Whether the company that the message was written to may send no promotions now."""
        company = self.may_opt_out_message_id.company_id
        state = self._consent_state("marketing", company) if company else self.marketing_state
        return state == "opted_out"

    def _awaiting_review(self):
        """The rows of these people, in their companies' portfolios, that wait for a review."""
        return self._same_person_in_companies().filtered("may_opt_out_at")

    def _review_conversation(self):
        """The conversation that it was written in, with the rights of the current user."""
        self.ensure_one()
        mine = self.sudo()
        conversations = self.env["waba.conversation"].sudo()
        found = mine.may_opt_out_message_id._find_conversation() or conversations.search(
            [("recipient_id", "=", self.id)], limit=1
        )
        return found.with_env(self.env)

    # === Review ===

    def _apply_review(self, opts_out):
        """Record what the current user read in the message.

        "Keep subscribed" is no opt-in: the consent log records the review, the state is unchanged.

        :param opts_out: whether they read it as an opt-out
        """
        people = self._awaiting_review()
        if not people:
            raise UserError(
                self.env._("This was already decided, by a colleague or by the person.")
            )
        message = people.may_opt_out_message_id[:1]
        person = people.filtered(lambda one: one == message.recipient_id) or people[:1]
        evidence = person._review_evidence(opts_out)
        at = message.sent_at or person.may_opt_out_at
        if opts_out:
            person._set_consent("marketing", "opt_out", "person", evidence, at, message)
            # Possible opt-outs written after this message are settled with it.
            people = people.filtered("may_opt_out_at")
        else:
            person._record_subscription_kept(evidence, message)
        if people:
            people._resolve_possible_opt_out(opts_out, evidence)

    def _review_evidence(self, opts_out):
        sentence = (
            self.env._("“%(text)s”, confirmed as an opt-out by %(user)s.")
            if opts_out
            else self.env._("“%(text)s”, reviewed by %(user)s: not an opt-out.")
        )
        return sentence % {"text": self.may_opt_out_text or "", "user": self.env.user.name}

    def _record_subscription_kept(self, evidence, message):
        self.env["waba.consent"].create(
            {
                "recipient_id": self.id,
                "company_id": message.company_id.id,
                "purpose": "marketing",
                "action": "kept",
                "source": "person",
                "evidence": evidence,
                "at": fields.Datetime.now(),
                "message_id": message.id,
            }
        )

    def _resolve_by_consent(self, action, at, evidence):
        """Settle possible opt-outs by an opt-out, or by an opt-in given after them.

        :param action: 'opt_in' | 'opt_out', of promotions
        :param at: naive UTC datetime when it was given
        :param evidence: text for the review activities
        """
        everyone = self._same_person() if action == "opt_out" else self._same_person_in_companies()
        flagged = everyone.filtered("may_opt_out_at")
        # By the state, because an entry that arrived late may have changed nothing.
        out = flagged.filtered(lambda person: person._is_opted_out())
        kept = (flagged - out).filtered(lambda person: person.may_opt_out_at <= at)
        for people, opts_out in ((out, True), (kept, False)):
            if people:
                people._resolve_possible_opt_out(opts_out, evidence)

    def _resolve_possible_opt_out(self, opts_out, feedback):
        """End the review: held messages are sent, or excluded after an opt-out.

        :param opts_out: whether they opted out of promotions
        :param feedback: text for the review activities, which are closed
        """
        messages = self.may_opt_out_message_id
        self.write(NO_POSSIBLE_OPT_OUT)
        rows = self._held_messages()
        if opts_out:
            rows._exclude_message("opted_out")
        else:
            rows._resume_reviewed()
        rows.sender_id._trigger_dispatch()
        messages._close_review_activity(feedback)
        self._notify_conversations()

    def _held_messages(self):
        return self.env["waba.message"].search(
            [
                ("recipient_id", "in", self.ids),
                ("state", "=", "queued"),
                ("wait_reason", "=", POSSIBLE_OPT_OUT),
            ]
        )

    def _notify_conversations(self):
        self.env["waba.conversation"].search([("recipient_id", "in", self.ids)])._notify_viewers()

    # === Merging and copying rows ===

    def _possible_opt_out_values(self):
        return {
            "may_opt_out_at": self.may_opt_out_at,
            "may_opt_out_message_id": self.may_opt_out_message_id.id,
        }

    def _merge_possible_opt_out(self, values):
        """Apply the possible opt-out of a merged row, given as `_possible_opt_out_values`."""
        is_new = values["may_opt_out_at"] and not self.may_opt_out_at
        if is_new and self.marketing_state != "opted_out":
            self.write(values)

    @api.model
    def _copy_possible_opt_out(self, portfolio, numbers):
        """Copy a possible opt-out to new rows of the same numbers in the same companies."""
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET may_opt_out_at = o.may_opt_out_at,
                          may_opt_out_message_id = o.may_opt_out_message_id
                     FROM waba_recipient o
                    WHERE o.may_opt_out_at IS NOT NULL AND o.portfolio_id <> %(portfolio)s
                      AND (NOT EXISTS (SELECT 1 FROM waba_account ours
                                        WHERE ours.portfolio_id = %(portfolio)s)
                           OR EXISTS (SELECT 1 FROM waba_account ours
                                        JOIN waba_account theirs USING (company_id)
                                       WHERE theirs.portfolio_id = o.portfolio_id
                                         AND ours.portfolio_id = %(portfolio)s))
                      AND r.portfolio_id = %(portfolio)s AND r.number IN (o.number, %(wa_number)s)
                      AND r.number = ANY(%(numbers)s) AND r.may_opt_out_at IS NULL
                      AND r.marketing_state <> 'opted_out'""",
                wa_number=e164_sql(SQL("o.wa_number")),
                portfolio=portfolio.id,
                numbers=list(numbers),
            )
        )
        if self.env.cr.rowcount:
            self.invalidate_model(["may_opt_out_at", "may_opt_out_message_id"])
