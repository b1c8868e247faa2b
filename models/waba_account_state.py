from odoo import models


class WabaAccount(models.Model):
    """When an account sends nothing, and when it goes on; where Meta does not let it send."""

    _inherit = "waba.account"

    def _stop(self, reason, until=None):
        """Nothing more is sent from this account's numbers; rows wait, none is lost.

        :param reason: sentence for people: what happened and what to do.
        :param until: naive UTC datetime when it lifts by itself, or None: a person must act.
        """
        for account in self.filtered(lambda account: account.state != "draft"):
            if account.state == "stopped" and account.stop_reason == reason:
                account.resume_at = until
                continue
            if account.state == "stopped" and account._is_stopped_beyond(until):
                continue
            account.write({"state": "stopped", "stop_reason": reason, "resume_at": until})
            account._message_log(body=self.env._("Sending stopped: %s", reason))

    def _is_stopped_beyond(self, until):
        """Whether the stop in force ends later than `until`: a shorter one must not lift it."""
        self.ensure_one()
        return not self.resume_at or (until is not None and until < self.resume_at)

    def _resume(self, reason):
        """Lift a stop, say why, and wake the numbers."""
        for account in self.filtered(lambda account: account.state == "stopped"):
            account.write(
                {
                    "state": "connected",
                    "stop_reason": False,
                    "resume_at": False,
                    "restriction": False,
                    "restricted_until": False,
                }
            )
            account._message_log(body=self.env._("Sending goes on: %s", reason))
            account.sender_ids._wake()

    def _resume_if_due(self, now):
        """Lift the stops whose time has come."""
        self.filtered(
            lambda account: (
                account.state == "stopped" and account.resume_at and account.resume_at <= now
            )
        )._resume(self.env._("the waiting time is over."))

    def _blocked_countries(self):
        """ISO codes of the countries Meta refused to this account."""
        return frozenset((self.blocked_country_codes or "").split())

    def _block_country(self, code):
        for account in self:
            if code and code not in account._blocked_countries():
                account.blocked_country_codes = " ".join(
                    sorted({*account._blocked_countries(), code})
                )

    def _check_may_operate(self):
        """A manager reads, checks and releases accounts that only an administrator may write."""
        self.check_access("read")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            self.check_access("write")

    def action_resume(self):
        self._check_may_operate()
        self.sudo()._resume(self.env._("released by %s.", self.env.user.name))
