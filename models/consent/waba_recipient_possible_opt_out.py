from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..base.waba_message import POSSIBLE_OPT_OUT
from ..tools.phone_countries import e164_sql
from .waba_recipient import NO_DOUBT


class WabaRecipient(models.Model):
    """Somebody wrote what may be an opt-out: promotions wait until a person of ours has read it.

    `may_opt_out_at` is set by the message and emptied by whatever settles it: a colleague's click,
    or a plain word of the person. The doubt holds in the companies it was told to; an opt-out that
    comes of it holds everywhere, as any other.
    """

    _inherit = "waba.recipient"

    may_opt_out_at = fields.Datetime(
        "May want to opt out since",
        readonly=True,
        help="Promotions to them wait until somebody has read the message.",
    )
    may_opt_out_message_id = fields.Many2one(
        "waba.message",
        "Message that may be an opt-out",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    may_opt_out_text = fields.Char(
        "Opt-out to confirm", compute="_compute_possible_opt_out_text", compute_sudo=True
    )
    _may_opt_out_idx = models.Index("(may_opt_out_at) WHERE may_opt_out_at IS NOT NULL")

    @api.depends("may_opt_out_at", "may_opt_out_message_id")
    @api.depends_context("allowed_company_ids")
    def _compute_possible_opt_out_text(self):
        for person in self:
            # The message may have been cleared away; companies may share the person, and what was
            # written to one is not the others' to read.
            message = person.may_opt_out_at and person.may_opt_out_message_id
            is_ours = message and message.company_id in self.env.companies
            person.may_opt_out_text = (is_ours and message._written_text()) or False

    # ------------------------------------------------------------------
    # The doubt
    # ------------------------------------------------------------------

    def _flag_possible_opt_out(self, message, at):
        """This person may want no more promotions: those wait, and somebody is asked.

        :param message: what they wrote
        :param at: naive UTC datetime when they wrote it
        """
        people, company = self._same_person_in_companies(), message.company_id
        if self._consent_state("marketing", company) == "opted_out" or self._has_newer_consent(
            at, company=company
        ):
            return
        # The first such message stays the evidence; those after it are in the conversation.
        people.filtered(lambda person: not person.may_opt_out_at).write(
            {"may_opt_out_at": at, "may_opt_out_message_id": message.id}
        )
        message._create_review_activity()
        people._notify_conversations()

    def _same_person_in_companies(self):
        """The rows of these people that their companies know: those with an account beside them."""
        companies = self._messaging_companies()
        return self._same_person().filtered(
            lambda person: person._messaging_companies() & companies
        )

    def _is_opted_out(self):
        """Whether the company that was in doubt may write no promotions by now."""
        company = self.may_opt_out_message_id.company_id
        state = self._consent_state("marketing", company) if company else self.marketing_state
        return state == "opted_out"

    def _awaiting_review(self):
        """The rows of these people that wait for an answer, as far as their companies know them."""
        return self._same_person_in_companies().filtered("may_opt_out_at")

    def _resolve_possible_opt_out(self, opts_out, feedback):
        """Somebody, or the person, said which it is: what waited goes on, or is excluded.

        :param opts_out: whether they do not want promotions
        :param feedback: what is noted on the activities that asked
        """
        messages = self.may_opt_out_message_id
        self.write(NO_DOUBT)
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

    def _resolve_by_consent(self, action, at, evidence):
        """A plain word on promotions settles what was in doubt before it was said (`at`)."""
        everyone = self._same_person() if action == "opt_out" else self._same_person_in_companies()
        heard = everyone.filtered("may_opt_out_at")
        # A word that came late may have changed nothing: the state tells. Whoever is out is asked
        # about no more; a yes settles what was in doubt before it.
        out = heard.filtered(lambda person: person._is_opted_out())
        kept = (heard - out).filtered(lambda person: person.may_opt_out_at <= at)
        for people, opts_out in ((out, True), (kept, False)):
            if people:
                people._resolve_possible_opt_out(opts_out, evidence)

    # ------------------------------------------------------------------
    # The answer
    # ------------------------------------------------------------------

    def _apply_review(self, opts_out):
        """What a colleague read in the message, with their name in the ledger.

        "Keep subscribed" is no opt-in: the ledger says that a message was read as none, and the
        state stays what it was.
        """
        people = self._awaiting_review()
        if not people:
            raise UserError(
                self.env._("Somebody has answered this already, or they said it themselves.")
            )
        message = people.may_opt_out_message_id[:1]
        person = people.filtered(lambda one: one == message.recipient_id) or people[:1]
        evidence = person._review_evidence(opts_out)
        at = message.sent_at or person.may_opt_out_at
        if opts_out:
            person._set_consent("marketing", "opt_out", "person", evidence, at, message)
            # What was in doubt later than this message is settled with it.
            people = people.filtered("may_opt_out_at")
        else:
            person._record_subscription_kept(evidence, message)
        if people:
            people._resolve_possible_opt_out(opts_out, evidence)

    def _review_evidence(self, opts_out):
        sentence = (
            self.env._('They wrote "%(text)s". %(user)s read it as an opt-out.')
            if opts_out
            else self.env._('They wrote "%(text)s". %(user)s read it: no opt-out was meant.')
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

    def _review_conversation(self):
        """Where it was written; with the rights of the current user."""
        self.ensure_one()
        mine = self.sudo()
        conversations = self.env["waba.conversation"].sudo()
        found = mine.may_opt_out_message_id._find_conversation() or conversations.search(
            [("recipient_id", "=", self.id)], limit=1
        )
        return found.with_env(self.env)

    # ------------------------------------------------------------------
    # Two rows of one person
    # ------------------------------------------------------------------

    def _possible_opt_out_values(self):
        return {
            "may_opt_out_at": self.may_opt_out_at,
            "may_opt_out_message_id": self.may_opt_out_message_id.id,
        }

    def _merge_possible_opt_out(self, doubt):
        """Another row of this person goes: its doubt (`_possible_opt_out_values`) is about this one."""
        is_new = doubt["may_opt_out_at"] and not self.may_opt_out_at
        if is_new and self.marketing_state != "opted_out":
            self.write(doubt)

    @api.model
    def _copy_possible_opt_out(self, portfolio, numbers):
        """A new row of somebody in doubt is in doubt as well."""
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
