from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .waba_failure import failure_sentence
from .waba_message_notify import REPLY_ACTIVITY


class WabaRecipient(models.Model):
    """A person's data go; the figures they are part of stay, and so does their no.

    The row itself stays, without number, name and user id: messages and ledger lead to it, and it
    is counted against the daily limit.
    """

    _inherit = "waba.recipient"

    erased_at = fields.Datetime("Data erased at", readonly=True)

    @property
    def _erased_tables(self):
        """{table: (column that leads to the person, columns emptied)}."""
        return {
            "waba_message": ("recipient_id", self.env["waba.message"]._personal_columns()),
            "waba_conversation": ("recipient_id", ("res_model", "res_id")),
            "waba_reputation_event": ("recipient_id", ("detail", "raw")),
            "waba_consent": ("recipient_id", ("number", "evidence")),
        }

    def _compute_display_name(self):
        result = super()._compute_display_name()
        for person in self.filtered("erased_at"):
            if not (person.number or person.name or person.user_uid):
                person.display_name = self.env._("Erased person %s", person.id)
        return result

    def _erase(self, keep_out=True):
        """Erase all that tells their company who these people are.

        :param keep_out: keep that they get no promotions, also if they had not said so
        :return: how many rows of each kind were emptied, {model: count}
        """
        people = self._same_person_here()
        people._check_nothing_leaves()
        counts = people._count_personal()
        for person in people:
            self.env["waba.erased.person"]._remember(
                person._handles(),
                keep_out or person.marketing_state == "opted_out",
                person.utility_state == "opted_out",
            )
        people._cancel_what_waits()
        counts["waba.webhook.event"] = people._empty_webhooks()
        people._leave_blacklist()
        people._empty_rows()
        return {model: count for model, count in counts.items() if count}

    def _check_nothing_leaves(self):
        """A message on its way is told by its number when the answer comes."""
        if self.env["waba.message"].search_count(
            [("recipient_id", "in", self.ids), ("state", "=", "reserved")], limit=1
        ):
            raise UserError(
                self.env._("A message to this person is leaving right now. Try again in a minute.")
            )

    def _count_personal(self):
        """{model: rows that tell about these people}."""
        of_people = [("recipient_id", "in", self.ids)]
        models_of_rows = (
            "waba.message", "waba.consent", "waba.conversation", "waba.reputation.event",
        )  # fmt: skip
        return {name: self.env[name].search_count(of_people) for name in models_of_rows}

    def _cancel_what_waits(self):
        self.env["waba.message"].search(
            [("recipient_id", "in", self.ids), ("state", "=", "queued")]
        )._update_state(
            ("queued",),
            "skipped",
            {"failure_type": "erased", "failure_reason": failure_sentence(self.env, "erased")},
        )

    def _webhooks(self, *states):
        """Raw bodies that name these people: a search from end to end, for a rare errand."""
        handles = [handle.lstrip("+") for person in self for handle in person._handles()]
        if not handles:
            return self.env["waba.webhook.event"]
        self.env["waba.webhook.event"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_webhook_event
                    WHERE state IN %s AND body LIKE ANY(%s)""",
                tuple(states),
                [f"%{handle}%" for handle in handles],
            )
        )
        return self.env["waba.webhook.event"].browse([id_ for (id_,) in rows])

    def _empty_webhooks(self):
        """Bodies are evidence of what was applied; their hash still tells a repetition.

        :return: how many
        """
        bodies = self._webhooks("applied", "ignored", "waiting")
        bodies.write({"body": "{}"})
        return len(bodies)

    def _leave_blacklist(self):
        """What we put on the phone blacklist; the fingerprint takes its place."""
        self.env["phone.blacklist"].with_context(active_test=False).search(
            [("number", "in", self._numbers_to_list()), ("waba_added", "=", True)]
        ).unlink()

    def _empty_rows(self):
        messages = self.env["waba.message"].search([("recipient_id", "in", self.ids)])
        messages._unlink_copies()
        messages._forget_leads()
        self.env.flush_all()
        # The ledger's evidence is emptied by nothing else (waba_consent.py).
        self.env.cr.execute("SET LOCAL waba_campaign.erasing = 'on'")
        for table, (link, columns) in self._erased_tables.items():
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE %s = ANY(%s)",
                    SQL.identifier(table),
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in columns),
                    SQL.identifier(link),
                    self.ids,
                )
            )
        self.env.cr.execute("SET LOCAL waba_campaign.erasing = 'off'")
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient
                      SET number = NULL, wa_number = NULL, user_uid = NULL,
                          former_uids = NULL, name = NULL,
                          partner_id = NULL, erased_at = %s
                    WHERE id = ANY(%s)""",
                fields.Datetime.now(),
                self.ids,
            )
        )
        self.env.invalidate_all()


class WabaMessage(models.Model):
    _inherit = "waba.message"

    note_id = fields.Many2one(
        "mail.message", "Note in the chatter", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip

    def _personal_columns(self):
        """Columns that tell who a person is or what was said; figures and times stay.

        `wamid`: Meta writes the number into it. `failure_reason` may quote it.
        """
        columns = ["number", "person_name", "text", "payload", "parameters", "failure_reason",
                   "variant_parameters",
                   "wamid", "res_model", "res_id", "merged_res_id", "about_wamid",
                   "details"]  # fmt: skip
        stored = self._fields
        return [name for name in columns if name in stored and stored[name].store]

    def _unlink_planned_answers(self):
        """Activities to answer them quote them, and so does what is noted when one is done."""
        reply = self.env.ref(REPLY_ACTIVITY, raise_if_not_found=False)
        if not reply:
            return
        for model, rows in self.filtered("res_id").grouped("res_model").items():
            records = [("res_id", "in", rows.mapped("res_id"))]
            self.env["mail.activity"].with_context(active_test=False).search(
                [("res_model", "=", model), ("activity_type_id", "=", reply.id), *records]
            ).unlink()
            self.env["mail.message"].search(
                [("model", "=", model), ("mail_activity_type_id", "=", reply.id), *records]
            ).unlink()

    def _forget_leads(self):
        """The names that follow-ups keep of the leads these messages were for."""
        enrollments = self.enrollment_id
        self.env["waba.sequence.enrollment"].flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE waba_sequence_enrollment SET lead_name = NULL WHERE id = ANY(%s)",
                enrollments.ids,
            )
        )

    def _unlink_copies(self):
        """Their notes in the chatter, and what was sent and received as files."""
        self.note_id.unlink()
        self._unlink_planned_answers()
        if "waba.media" in self.env:
            media = self.env["waba.media"].search([("message_id", "in", self.ids)])
            media.attachment_id.unlink()
            media.unlink()
        self.env["ir.attachment"].search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        ).unlink()
