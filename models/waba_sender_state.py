from odoo import models

from ..policy import response

# A pause is only replaced by one of the same or a higher rank. Meta's status comes last: it is
# looked at again whenever another pause ends.
CAUSE_RANK = {"platform": 0, "failure": 1, "person": 2}


class WabaSender(models.Model):
    """Why nothing leaves a number, until when, and who lets it go on."""

    _inherit = "waba.sender"

    def _pause(self, reason, until=None, cause="failure"):
        """Nothing leaves this number until `until` (naive UTC) or, without it, a person acts.

        :param cause: who may lift it: 'platform' (Meta's status), 'failure' (an error's waiting
            time or a person), 'person'.
        """
        for sender in self.filtered(lambda sender: sender.state != "locked"):
            if sender.state == "paused" and sender.pause_reason == reason:
                sender.resume_at = until
                continue
            if sender.state == "paused" and sender._is_pause_stronger(cause, until):
                continue
            sender.write(
                {
                    "state": "paused",
                    "pause_cause": cause,
                    "pause_reason": reason,
                    "resume_at": until,
                }
            )
            sender._message_log(body=self.env._("Sending paused: %s", reason))
            if until:
                sender.sudo().cron_id._trigger(at=until)

    def _is_pause_stronger(self, cause, until):
        """Whether the pause in force ranks above a new one, or ends later."""
        self.ensure_one()
        rank, new_rank = CAUSE_RANK.get(self.pause_cause, 1), CAUSE_RANK[cause]
        if rank != new_rank or cause != "failure":
            return rank > new_rank
        return not self.resume_at or (until is not None and until < self.resume_at)

    def _resume(self, reason):
        """Lift a pause; what follows from the reputation stays in force.

        A number that Meta does not let send is paused again at once. A locked one is not paused:
        see `_release`.
        """
        for sender in self.filtered(lambda sender: sender.state == "paused"):
            sender.write(
                {
                    "state": response.SENDER_STATE[sender.response_action],
                    "pause_cause": False,
                    "pause_reason": False,
                    "resume_at": False,
                }
            )
            sender._message_log(body=self.env._("Sending goes on: %s", reason))
            sender._trigger_dispatch()
            sender._apply_platform_status()

    def _resume_if_due(self, now):
        self.filtered(
            lambda sender: sender.state == "paused" and sender.resume_at and sender.resume_at <= now
        )._resume(self.env._("the waiting time is over."))

    def action_pause(self):
        self.check_access("write")
        self.sudo()._pause(self.env._("%s paused this number.", self.env.user.name), cause="person")

    def action_resume(self):
        """Lift a pause; a locked number asks for the reason of its release."""
        self.check_access("write")
        self.sudo()._resume(self.env._("released by %s.", self.env.user.name))
        locked = self.filtered(lambda sender: sender.state == "locked")
        return locked[:1].action_release() if locked else None

    def _trigger_dispatch(self):
        """Run the dispatcher as soon as a cron worker is free."""
        for cron in self.sudo().cron_id:
            cron._trigger()

    def _can_be_released(self):
        """Whether a manager's word changes anything: it is locked, or its promotions are held."""
        self.ensure_one()
        return self.state == "locked" or self._is_marketing_held()

    def _messages_per_second(self):
        """Meta's speed or ours, whichever is smaller."""
        self.ensure_one()
        return min(self.throughput or 80, self.own_throughput or self.throughput or 80)

    def _not_sending_reason(self):
        """Sentence that names why nothing leaves this number now, or False."""
        self.ensure_one()
        account = self.account_id
        for record in (account, self):
            if not record.active:
                return self.env._(
                    "%s is archived: nothing is sent until it is restored.", record.display_name
                )
        if reason := account._foreign_database_reason():
            return reason
        if account.state != "connected":
            return account.stop_reason or self.env._(
                "The account %s is not connected.", account.name
            )
        if self.state in ("paused", "locked"):
            return self.pause_reason or self.env._("%s is paused.", self.display_name)
        return False
