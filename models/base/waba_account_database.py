"""Base: the home database of an account: only the database it was connected in sends.

Called before reserving and submitting (`_not_sending_reason`), and by the dialog `waba.home`.
"""

from typing import NamedTuple

from odoo import api, fields, models
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tools import SQL

from ..tools.labels import dialog_action


class DatabaseIdentity(NamedTuple):
    """What distinguishes a database from its copies.

    :ivar name: of the database; a copy in the same cluster has another
    :ivar oid: PostgreSQL's number of the database, as text: a restored dump has another
    :ivar uuid: `database.uuid`: Odoo's own "duplicate" changes it, `createdb -T` does not
    :ivar system: the cluster's system identifier, as text; None if the role may not read it
    """

    name: str
    oid: str
    uuid: str | None
    system: str | None


class WabaAccount(models.Model):
    """A copied database contains the keys, the queue and the jobs of its original, and would send
    the same messages again. So `_foreign_database_reason` is checked in the transaction that
    reserves and in the one that submits; an administrator decides in the dialog `waba.home`. A
    byte-for-byte copy of the whole server cannot be detected: what it sends is recorded as sent by
    a second sender (`waba.message._record_second_sender`).
    """

    _inherit = "waba.account"

    home = fields.Json(
        readonly=True,
        copy=False,
        exportable=False,
        groups="base.group_system",
        help="The database this account was connected in: a `DatabaseIdentity`, by name.",
    )
    away_reason = fields.Text("Sending blocked", compute="_compute_away_reason")

    @api.depends("home")
    def _compute_away_reason(self):
        for account in self:
            account.away_reason = account._foreign_database_reason()

    def action_confirm_database(self):
        """Open the dialog that decides whether this is the real database."""
        self.check_access("write")
        return dialog_action(self.env["waba.home"], self.env._("Production database or copy?"))

    @api.model
    def _current_database(self):
        """`DatabaseIdentity` of this database, not cached: reading takes some 0.1 ms."""
        [row] = self.env.execute_query(
            SQL(
                """SELECT d.datname, d.oid::text, p.value,
                          has_function_privilege('pg_control_system()', 'EXECUTE')
                     FROM pg_database d
                LEFT JOIN ir_config_parameter p ON p.key = 'database.uuid'
                    WHERE d.datname = current_database()"""
            )
        )
        system = None
        # In a separate query: PostgreSQL checks the right before it evaluates a condition.
        if row[3]:
            [[system]] = self.env.execute_query(
                SQL("SELECT system_identifier::text FROM pg_control_system()")
            )
        return DatabaseIdentity(*row[:3], system)

    def _record_home_database(self):
        """Make this database the home of these accounts."""
        self.sudo().write({"home": self._current_database()._asdict()})

    def _home_differences(self):
        """Where this database differs from the account's home.

        :return: names of fields of `DatabaseIdentity`; unknown values are no difference
        """
        self.ensure_one()
        noted = self.sudo().home
        if not noted:
            return []
        here = self._current_database()._asdict()
        return [
            name for name in here if noted.get(name) and here[name] and here[name] != noted[name]
        ]

    def _foreign_database_reason(self):
        """Why this database may not send for the account, as a sentence; False if it may."""
        self.ensure_one()
        differences = self._home_differences()
        if not differences:
            return False
        noted = self.sudo().home
        if "name" in differences:
            return self.env._(
                "Nothing is sent: the account was connected in the database %(there)s, and this "
                "one is %(here)s. An administrator confirms the production database under "
                "WhatsApp → Configuration → Accounts.",
                here=self._current_database().name,
                there=noted["name"],
            )
        return self.env._(
            "Nothing is sent: this database is a copy, a restored backup, or was moved to another "
            "server. An administrator confirms the production database under WhatsApp → "
            "Configuration → Accounts."
        )

    @api.model
    def _accounts_elsewhere(self):
        """Accounts of all companies whose home is another database, archived ones too."""
        accounts = self.sudo().with_context(active_test=False).search([("state", "!=", "draft")])
        return accounts.filtered(lambda account: account._home_differences())

    @api.model
    def _adopt_database(self):
        """This database is the real one: its accounts send from here."""
        for account in (accounts := self._accounts_elsewhere()):
            account._record_home_database()
            account._message_log(
                body=self.env._("%s confirmed this as the production database.", self.env.user.name)
            )
        accounts.sender_ids._trigger_dispatch()

    @api.model
    def _neutralize_copy(self):
        """This database is a copy: neutralize our part of it permanently, as Odoo would."""
        accounts = self._accounts_elsewhere()
        self.env.flush_all()
        for query in get_neutralization_queries(["waba_campaign"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        accounts.home = False
        for account in accounts:
            account._message_log(
                body=self.env._(
                    "%s marked this database as a copy. Keys and queued messages were deleted.",
                    self.env.user.name,
                )
            )
