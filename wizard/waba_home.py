"""Home database: an administrator decides whether a moved or copied database is the real one.

Called by the account's form; all accounts at once, as a database is copied or moved as a whole.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class WabaHome(models.TransientModel):
    _name = "waba.home"
    _description = "Production Database or Copy"
    _inherit = ["waba.system.fields.mixin"]

    choice = fields.Selection(
        [
            ("real", "Production: it was renamed, moved or restored"),
            ("copy", "Copy: never send from it"),
        ],
        required=True,
    )
    pause_campaigns = fields.Boolean(
        "Pause campaigns and follow-ups",
        default=True,
        help="A restored backup would send again what was sent after it was made.",
    )
    difference_text = fields.Text("Differences", compute="_compute_texts")
    account_text = fields.Text("Accounts", compute="_compute_texts")

    @api.depends("choice")
    def _compute_texts(self):
        accounts = self.env["waba.account"]._accounts_elsewhere()
        here = accounts._current_database()._asdict()
        names = {
            "name": self.env._("Name"),
            "oid": self.env._("Database number"),
            "uuid": self.env._("Database ID"),
            "system": self.env._("Database server"),
        }
        lines = []
        for name in here:
            known = next((a.home[name] for a in accounts if name in a._home_differences()), None)
            if known:
                lines.append(
                    self.env._(
                        "%(what)s: %(before)s → %(after)s",
                        what=names[name],
                        before=known,
                        after=here[name] or self.env._("unknown"),
                    )
                )
        for wizard in self:
            wizard.difference_text = "\n".join(lines) or self.env._("No differences any more.")
            wizard.account_text = ", ".join(accounts.mapped("name"))

    def action_confirm(self):
        """Adopt this database for its accounts, or stop them in a copy.

        :raise AccessError: the user is not an administrator
        :raise UserError: a copy has an account that was connected here
        """
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator can confirm the production database.")
            )
        accounts = self.env["waba.account"].with_user(self.env.user)
        if self.choice == "copy":
            self._check_all_foreign()
            accounts.sudo()._neutralize_copy()
        else:
            if self.pause_campaigns:
                self._pause_campaigns_and_sequences()
            accounts.sudo()._adopt_database()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_all_foreign(self):
        """Check that no account was connected in this database: a copy is stopped as a whole.

        :raise UserError: one was
        """
        accounts = self.env["waba.account"].sudo().with_context(active_test=False)
        connected = accounts.search([("state", "!=", "draft"), ("home", "!=", False)])
        at_home = connected - accounts._accounts_elsewhere()
        if at_home:
            raise UserError(
                self.env._(
                    "%s was connected in this database, so it is no copy. Archive the other "
                    "accounts instead.",
                    ", ".join(at_home.mapped("name")),
                )
            )

    def _pause_campaigns_and_sequences(self):
        """Pause them: queued messages may have been sent after the backup was made."""
        accounts = self.env["waba.account"].sudo()._accounts_elsewhere()
        reason = self.env._(
            "Paused: this database was restored, renamed or moved. Check in WhatsApp Manager what "
            "was sent since the backup, then resume."
        )
        self.env["waba.campaign"].sudo().search(
            [
                ("sender_id.account_id", "in", accounts.ids),
                ("state", "in", ("preparing", "running")),
            ]
        )._pause(reason, cause="person")
        self.env["waba.sequence"].sudo().search(
            [("sender_id.account_id", "in", accounts.ids), ("state", "=", "active")]
        )._pause()
