"""Follow-ups: exit conditions, checked at each event, before each step and at each reservation.

Called by hooks, crm_lead.py, waba_recipient_erase.py and the job in waba_sequence_enrollment.py.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import auto_reply, followup
from ..base.waba_message import ACCEPTED_STATES
from ..consent.consent_sql import consent_sql, topic_sql
from ..tools.hooks import implements
from ..tools.labels import has_orders
from .waba_sequence_enrollment import BEHIND_SQL, REPLY_SQL

# Messages of a paused follow-up are checked again after this.
PAUSED_RETRY = timedelta(hours=1)


class WabaSequenceEnrollment(models.Model):
    _inherit = "waba.sequence.enrollment"

    # === Conditions ===
    # `_exit_facts` reads the facts of many leads in a few queries; `policy.followup.exit_reason`
    # decides by what the follow-up has switched on. Events in the same second as the enrollment are
    # counted: better one message too few.

    def _stop_exited(self):
        """Stop those that meet an exit condition.

        :return: those stopped
        """
        found = {}
        for one_id, reason in self._exit_reasons().items():
            found.setdefault(reason, []).append(one_id)
        stopped = self.browse()
        for reason, ids in found.items():
            ending = self.browse(ids)
            is_goal = reason == "goal"
            stopped |= ending._reach_goal() if is_goal else ending._stop_enrollments(reason)
        return stopped

    def _exit_reasons(self):
        """{enrollment id: reason} of those that meet an exit condition, running or not."""
        facts = self._exit_facts() if self else {}
        reasons = {
            one.id: followup.exit_reason(facts[one.id], one.sequence_id._active_exit_conditions())
            for one in self
        }
        return {one_id: reason for one_id, reason in reasons.items() if reason}

    def _exit_facts(self):
        """{enrollment id: policy.followup.Facts}."""
        replied, opted_out = self._ids_replied(), self._ids_opted_out()
        own_message, own_contact = self._ids_own_message(), self._ids_own_contact()
        meeting, goal = self._ids_meeting_conditions(), self._ids_with_goal()
        records = self._records()
        return {
            one.id: followup.ExitFacts(
                gone=not records[one],
                goal=one.id in goal,
                replied=one.id in replied,
                opted_out=one.id in opted_out,
                won=one.lead_id.won_status == "won",
                lost=bool(one.lead_id)
                and (one.lead_id.won_status == "lost" or not one.lead_id.active),
                stage_left=bool(one.sequence_id.stage_ids)
                and one.entered_by != "manual"
                and one.lead_id.stage_id not in one.sequence_id.stage_ids,
                own_message=one.id in own_message,
                own_contact=one.id in own_contact,
                unmet=one.id not in meeting
                or _is_of_other_company(records[one], one.sequence_id.company_id),
            )
            for one in self
        }

    def _ids_meeting_conditions(self):
        """Those whose leads meet the conditions; won and lost leads are separate facts."""
        found = set()
        for sequence, group in self.grouped("sequence_id").items():
            condition = sequence._conditions_domain()
            if condition.is_true():
                found.update(group.ids)
                continue
            if sequence._reader_refusal_reason():
                # The job pauses the follow-up; that is no reason to exit.
                found.update(group.ids)
                continue
            met = group._ids_matching(condition)
            records = group._records()
            found.update(one.id for one in group if not records[one] or one.id in met)
        return found

    def _ids_with_goal(self):
        """Those that reached the goal of their follow-up."""
        found = set()
        for sequence, group in self.grouped("sequence_id").items():
            if sequence.goal_kind and not sequence._reader_refusal_reason():
                found |= getattr(group, f"_ids_goal_{sequence.goal_kind}")()
        return found

    def _ids_goal_won(self):
        return {one.id for one in self if one.lead_id.won_status == "won"}

    def _ids_goal_domain(self):
        return self._ids_matching(self.sequence_id._goal_domain())

    def _ids_goal_word(self):
        replies = self._replies_since({one.id: one.entered_at for one in self})
        goal = self.sequence_id._goal_branch()
        return {
            one_id
            for one_id, texts in replies.items()
            if any(followup.matches_reply(goal, text) for text in texts)
        }

    def _ids_goal_order(self):
        """Those with an order confirmed: of the opportunity, of the contact, or the record."""
        if not has_orders(self.env):
            return set()
        field, records = self.sequence_id._order_field(), self._records()
        ids = [record.id for record in records.values()]
        confirmed = {}
        for order in (
            self.env["sale.order"]
            .sudo()
            .search(Domain(field, "in", ids) & Domain("state", "=", "sale"), order="date_order")
        ):
            confirmed[order.id if field == "id" else order[field].id] = order.date_order
        return {
            one.id
            for one, record in records.items()
            if record.id in confirmed and (field == "id" or confirmed[record.id] >= one.entered_at)
        }

    def _ids_replied(self):
        """Those who wrote since, from their number or about the lead, to any of our numbers."""
        self.env["waba.message"].flush_model()
        return self._matching_ids(
            SQL(
                """SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_recipient r ON %(behind)s
                     JOIN waba_message m ON m.recipient_id = r.id
                    WHERE e.id = ANY(%(ids)s) AND %(is_reply)s
                      AND m.id > COALESCE(e.heard_id, 0)
                      AND GREATEST(m.sent_at, m.create_date) >= e.entered_at
                    UNION
                   SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_message m ON m.res_model = 'crm.lead' AND m.res_id = e.lead_id
                    WHERE e.id = ANY(%(ids)s) AND %(is_reply)s
                      AND m.id > COALESCE(e.heard_id, 0)
                      AND GREATEST(m.sent_at, m.create_date) >= e.entered_at
                    UNION
                   SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_sequence s ON s.id = e.sequence_id
                     JOIN mail_message t ON t.model = s.res_model
                      AND t.res_id = COALESCE(e.lead_id, e.res_id)
                LEFT JOIN res_users u ON u.partner_id = t.author_id AND NOT u.share
                    WHERE e.id = ANY(%(ids)s) AND t.message_type = 'email' AND u.id IS NULL
                      AND t.date >= e.entered_at""",
                ids=self.ids,
                behind=BEHIND_SQL,
                is_reply=REPLY_SQL,
            )
        )

    def _ids_opted_out(self):
        """Those whose person opted out of promotions, or is on the phone blacklist."""
        return (
            self._matching_ids(
                SQL(
                    """SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_sequence s ON s.id = e.sequence_id
                     JOIN waba_recipient r ON %(behind)s
                    WHERE e.id = ANY(%(ids)s) AND COALESCE(%(topic)s, %(state)s) = 'opted_out'""",
                    behind=BEHIND_SQL,
                    ids=self.ids,
                    topic=topic_sql(SQL("s.topic_id")),
                    state=consent_sql("marketing", SQL("s.company_id")),
                )
            )
            | self._ids_blacklisted()
        )

    def _ids_blacklisted(self):
        numbers = set(filter(None, self.mapped("number")))
        listed = self.env["waba.recipient"]._filter_blacklisted(numbers)
        return {one.id for one in self if one.number in listed}

    def _ids_own_message(self):
        """Those whom a user messaged on WhatsApp since."""
        return self._matching_ids(
            SQL(
                """SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_recipient r ON %(behind)s
                     JOIN waba_message m ON m.recipient_id = r.id
                    WHERE e.id = ANY(%(ids)s)
                      AND (m.direction = 'out' AND m.origin = 'manual'
                           AND m.state NOT IN ('skipped', 'cancelled')
                           AND m.create_date >= e.entered_at
                           OR m.direction = 'app_out' AND m.origin = 'app'
                           AND m.sent_at >= e.entered_at)""",
                behind=BEHIND_SQL,
                ids=self.ids,
            )
        )

    def _ids_own_contact(self):
        """Those about whose lead a user sent an e-mail or logged a call since."""
        self.env["mail.message"].flush_model()
        return self._matching_ids(
            SQL(
                """SELECT e.id FROM waba_sequence_enrollment e
                     JOIN waba_sequence s ON s.id = e.sequence_id
                     JOIN mail_message t ON t.model = s.res_model
                      AND t.res_id = COALESCE(e.lead_id, e.res_id)
                LEFT JOIN mail_activity_type a ON a.id = t.mail_activity_type_id
                     JOIN res_users u ON u.partner_id = t.author_id AND NOT u.share AND u.id > 1
                    WHERE e.id = ANY(%(ids)s) AND t.date >= e.entered_at
                      AND (t.message_type IN ('comment', 'email_outgoing')
                           AND t.subtype_id = %(public)s
                           OR a.category = 'phonecall')""",
                ids=self.ids,
                public=self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_comment"),
            )
        )

    def _matching_ids(self, query):
        self.flush_model()
        return {row_id for (row_id,) in self.env.execute_query(query)}

    # === Events ===

    @api.model
    def _find_running(self, numbers=(), leads=None):
        """Those under way with one of these numbers, or ids of recipients as text, or leads."""
        domain = Domain("number", "in", [number for number in numbers if number])
        if leads:
            domain |= Domain("lead_id", "in", leads.ids)
        return self.search(Domain("state", "=", "running") & domain)

    @api.model
    def _find_running_for_message(self, message, *numbers):
        """Those under way with the message's lead, its number or one of these."""
        is_of_lead = message.res_model == "crm.lead"
        lead = self.env["crm.lead"].browse(message.res_id if is_of_lead else [])
        return self._find_running((message.number, *numbers), lead)

    @api.model
    def _stop_on_reply(self, message):
        """The person wrote: their follow-ups stop."""
        running = self._find_running_for_message(message, *message.recipient_id._person_forms())
        running |= message.reply_to_id.enrollment_id.filtered(lambda one: one.state == "running")
        if message.made_lead:
            running = running.filtered(lambda one: one.lead_id.id != message.res_id)
        text = self.env._("Replied on WhatsApp: %s", (message.text or "")[:200])
        running -= running.filtered(lambda one: one._reaches_goal_by(message))._reach_goal()
        # The condition of a branch: it decides, and stops nothing.
        expected = running.filtered(lambda one: one._is_expected(message))
        if expected:
            expected.write({"heard_id": message.id, "next_at": fields.Datetime.now()})
            expected._trigger_run()
        running -= expected
        running.filtered("sequence_id.stop_on_reply")._stop_for_company(
            "replied", text, message.company_id
        )

    def _reaches_goal_by(self, message):
        sequence = self.sequence_id
        return sequence.goal_kind == "word" and followup.matches_reply(
            sequence._goal_branch(), message._reply_text()
        )

    @api.model
    def _stop_on_own_message(self, message):
        """A user, or a colleague in the app, wrote to the person: messages from both would
        confuse."""
        person = message.recipient_id
        running = self._find_running_for_message(message, person.wa_number, str(person.id))
        running = running.filtered(lambda one: one.company_id == message.company_id)
        if message.origin == "app":
            # It may be reported late, after an enrollment that knew of it.
            running = running.filtered(lambda one: one.entered_at <= message.sent_at)
            text = self.env._("A colleague wrote in the WhatsApp Business app.")
        else:
            text = self.env._("%s sent a WhatsApp message.", self.env.user.name)
        running.filtered("sequence_id.stop_on_own_message")._stop_enrollments(
            "own_message", text, user=message.user_id
        )

    def _stop_for_company(self, reason, text, company):
        """Stop them; `text` is known to `company`, and only its follow-ups show it."""
        own = self.filtered(lambda one: one.company_id == company)
        own._stop_enrollments(reason, text)
        (self - own)._stop_enrollments(reason)


def _is_of_other_company(record, company):
    return "company_id" in record._fields and bool(record.company_id - company)


class WabaConsent(models.Model):
    _inherit = "waba.consent"

    @implements("_on_consent")
    def _stop_sequences(self):
        """Stop the follow-ups of recipients who opted out, where that is an exit condition."""
        for entry in self.filtered(lambda entry: entry.action == "opt_out"):
            numbers = entry.recipient_id._person_forms()
            running = self.env["waba.sequence.enrollment"].sudo()._find_running(numbers)
            running.filtered("sequence_id.stop_on_opt_out")._stop_for_company(
                "opted_out", entry.evidence, entry.company_id
            )


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @implements("_on_person_merge")
    def _merge_enrollments(self, other):
        """A person's enrollments go on under the key of the row that stays."""
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        for one in enrollments._find_running([str(other.id)]):
            one._set_person_key(self.number or str(self.id))

    def _erase_from_sequences(self, companies):
        """Stop the follow-ups of recipients whose data are erased, and clear their data there."""
        enrollments = self.env["waba.sequence.enrollment"].sudo()
        found = enrollments.search(
            (
                Domain("number", "in", self._person_forms())
                | Domain("message_ids.recipient_id", "in", self.ids)
            )
            & Domain("company_id", "in", companies.ids)
        )
        found._stop_enrollments("erased")
        found.write({"number": False, "lead_name": False, "stop_text": False})


class WabaMessage(models.Model):
    _inherit = "waba.message"

    sequence_id = fields.Many2one("waba.sequence", "Follow-up", readonly=True, ondelete="restrict")
    sequence_step_id = fields.Many2one(
        "waba.sequence.step", "Follow-up step", readonly=True, ondelete="restrict"
    )
    enrollment_id = fields.Many2one("waba.sequence.enrollment", readonly=True, ondelete="set null")
    action_id = fields.Many2one(
        "ir.actions.server", "Automation", readonly=True, ondelete="set null"
    )

    _action_idx = models.Index("(action_id) WHERE action_id IS NOT NULL")
    _sequence_idx = models.Index("(sequence_id, sequence_step_id) WHERE sequence_id IS NOT NULL")
    _sequence_step_idx = models.Index("(sequence_step_id) WHERE sequence_step_id IS NOT NULL")
    _enrollment_idx = models.Index("(enrollment_id) WHERE enrollment_id IS NOT NULL")

    def _reply_text(self):
        """An inbound message as policy.auto_reply.InboundText."""
        return auto_reply.InboundText(
            kind=self.kind,
            text=self._written_text(),
            payload=self.payload or "",
            at=self.sent_at or self.create_date,
            wants_stop=self.wish == "opt_out",
        )

    # === Events ===

    @implements("_on_inbound")
    def _stop_sequences_on_reply(self):
        self.env["waba.sequence.enrollment"]._stop_on_reply(self)

    @implements("_on_queued")
    def _stop_sequences_on_own_message(self, _media):
        for message in self.sudo().filtered(lambda one: one.origin == "manual"):
            self.env["waba.sequence.enrollment"].sudo()._stop_on_own_message(message)

    @implements("_on_app_message")
    def _stop_sequences_on_app_message(self):
        self.env["waba.sequence.enrollment"]._stop_on_own_message(self)

    # === Reservation ===
    # Checked once more in the transaction that reserves. An exit cancels queued messages in its own
    # transaction; one that happened while a message was being queued, unseen by either, is found
    # here.

    @api.model
    @implements("_on_candidates")
    def _stop_exited_sequences(self, rows, now):
        """Cancel the rows of follow-ups that ended, postpone those of paused ones.

        :param rows: candidates, as dicts
        :return: ids of both
        """
        followed = self._filter_sequence_rows(rows)
        if not followed:
            return set()
        # A message may be queued again after its follow-up was completed: refused by Meta after it
        # was accepted, or tried again by a user.
        ended = followed.enrollment_id.filtered(lambda one: one.state == "done")._exit_reasons()
        over = followed.filtered(
            lambda row: row.enrollment_id.state == "stopped" or row.enrollment_id.id in ended
        )
        over._update_state(
            ("queued",),
            "cancelled",
            {"failure_reason": self.env._("Cancelled: the follow-up ended.")},
        )
        (followed - over).enrollment_id.filtered(lambda one: one.state == "running")._stop_exited()
        paused = followed.filtered(
            lambda row: row.state == "queued" and row.sequence_id.state == "paused"
        )
        paused.write({"retry_at": now + PAUSED_RETRY})
        self.env["waba.message"].flush_model()
        return set(followed.filtered(lambda row: row.state != "queued").ids) | set(paused.ids)

    @api.model
    def _filter_sequence_rows(self, rows):
        """The candidates that follow-ups queued; rows of campaigns are not read for it."""
        messages = self.env["waba.message"]
        messages.flush_model(["enrollment_id"])
        found = self.env.execute_query(
            SQL(
                "SELECT id FROM waba_message WHERE id = ANY(%s) AND enrollment_id IS NOT NULL",
                [row["id"] for row in rows],
            )
        )
        return messages.browse([row_id for (row_id,) in found])

    # === Figures ===

    @api.model
    def _sequence_figures_sql(self, step_ids):
        """SQL for (step id, sent, read, answered, not sent) of the messages of these steps."""
        return SQL(
            """SELECT sequence_step_id,
                      count(*) FILTER (WHERE state IN %(taken)s),
                      count(*) FILTER (WHERE read_at IS NOT NULL OR state = 'read'),
                      count(*) FILTER (WHERE replied_at IS NOT NULL),
                      count(*) FILTER (WHERE state IN ('skipped', 'failed'))
                 FROM waba_message
                WHERE sequence_step_id IN %(steps)s
             GROUP BY sequence_step_id""",
            taken=ACCEPTED_STATES,
            steps=step_ids,
        )
