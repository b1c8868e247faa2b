from datetime import timedelta

from odoo import api, fields, models

from .job_marks import MESSAGE_KEEP_DAYS, retention_start
from .waba_failure import failure_text

# How long a message of somebody else's is news on the account and in its diagnosis.
REMINDER_INTERVAL = timedelta(days=7)


class WabaMessage(models.Model):
    """Statuses of messages that this database never handed over: somebody else sends.

    A raw copy of the database, or a program that has the same keys. Such a status is kept as
    evidence and raises an alarm; it moves no row, or the row would look sent by us. A row that
    waits for what the other one has just sent is excluded: the person has it.
    """

    _inherit = "waba.message"

    @api.model
    def _record_second_sender(self, of_others):
        """Keep the evidence, stop what would come twice, call the managers.

        :param of_others: [(row as `_rows_for_statuses` reads it, or None where the tag is no row's
            of ours, cloud_api.MessageStatus)]
        """
        if not of_others:
            return
        of_known = [(row, event) for row, event in of_others if row]
        of_unknown = [event for row, event in of_others if not row]
        pieces = [
            self._second_sender_evidence(event, f"message:{row['id']}", message_id=row["id"])
            for row, event in of_known
        ]
        senders = self._senders_by_uid(of_unknown)
        for event in of_unknown:
            if sender := senders.get(event.phone_number_uid):
                # One a day is enough: a copy may send a hundred thousand.
                key = f"number:{sender.id}:{(event.at or fields.Datetime.now()).date()}"
                pieces.append(self._second_sender_evidence(event, key, sender_id=sender.id))
        noted = self.env["waba.reputation.event"]._record_events(pieces)
        self._cancel_sent_elsewhere(of_known)
        noted.sender_id._notify_second_sender()

    @api.model
    def _second_sender_evidence(self, event, key, **subject):
        return {
            "kind": "second_sender",
            "source": "status",
            "at": event.at,
            "value_after": event.status,
            "raw": event.raw,
            "event_key": f"second_sender:{key}",
            **subject,
        }

    @api.model
    def _senders_by_uid(self, events):
        """{Meta's id of the number: waba.sender}; only numbers of ours."""
        uids = {event.phone_number_uid for event in events} - {""}
        senders = self.env["waba.sender"].with_context(active_test=False)
        found = senders.search([("phone_number_uid", "in", list(uids))]) if uids else senders
        # After somebody trimmed old messages, their late statuses are nobody else's.
        if found and retention_start(self.env, MESSAGE_KEEP_DAYS):
            return {}
        return {sender.phone_number_uid: sender for sender in found}

    @api.model
    def _cancel_sent_elsewhere(self, of_known):
        """What waits here and has reached the person, or is about to, is not sent again."""
        ids = {row["id"] for row, event in of_known if event.status != "failed"}
        rows = self.browse(ids)
        rows._requeue_unsent(rows.filtered("is_unsent").ids)
        rows.filtered(lambda row: row.state == "queued")._update_state(
            ("queued",),
            "skipped",
            {
                "failure_type": "second_sender",
                "failure_reason": failure_text(self.env, "second_sender"),
            },
        )


class WabaSender(models.Model):
    _inherit = "waba.sender"

    def _notify_second_sender(self):
        """Call managers and administrators: two senders cannot know of each other."""
        for sender in self:
            words = self.env._(
                "WhatsApp reports messages of %(number)s that this database did not send. A copy "
                "of this database, or another system with the same keys, is sending. Stop it, then "
                "make a new access token in Meta's Business settings.",
                number=sender.display_phone_number or sender.display_name,
            )
            sender.account_id.second_sender_at = fields.Datetime.now()
            sender._notify_managers(self.env._("Another system sends with this number"), words)
            sender._message_log(body=words)


class WabaAccount(models.Model):
    _inherit = "waba.account"

    second_sender_at = fields.Datetime(
        "Last message of another system",
        readonly=True,
        copy=False,
        help="When WhatsApp last reported a message that this database did not send.",
    )
    has_second_sender = fields.Boolean(compute="_compute_has_second_sender")

    @api.depends("second_sender_at")
    def _compute_has_second_sender(self):
        since = fields.Datetime.now() - REMINDER_INTERVAL
        for account in self:
            account.has_second_sender = bool(
                account.second_sender_at and account.second_sender_at > since
            )
