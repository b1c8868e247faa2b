from odoo import models
from odoo.tools import format_datetime


class WabaDiagnosis(models.TransientModel):
    """Whether our own side works: the right database, its scheduler, nobody else with the keys."""

    _inherit = "waba.diagnosis"

    def _check_home(self, account):
        """Whether this is the database that the account was connected in, or a copy of it.

        :return: False when it is not; then nothing may be changed at Meta from here
        """
        topic = self.env._("Database")
        if account.has_second_sender:
            self._add(
                "warning",
                self.env._("Second sender"),
                self.env._(
                    "WhatsApp reported messages that this database did not send, last %s.",
                    self._moment(account.second_sender_at),
                ),
                self.env._(
                    "Stop the copy or the other system, then make a new access token in Meta's "
                    "Business settings."
                ),
            )
        if reason := account._why_away():
            self._add(
                "error",
                topic,
                reason,
                self.env._("Open the account and press “Say which is real”."),
            )
            return False
        if not account._here().system:
            self._add(
                "info",
                topic,
                self.env._(
                    "The database server does not tell its identity to Odoo's role: a copy on "
                    "another server that keeps the database's name and number is not recognized."
                ),
                self.env._("Allow the role to run pg_control_system(), then connect again."),
            )
        return True

    def _moment(self, moment):
        return format_datetime(self.env, moment, dt_format="d MMM y, HH:mm")
