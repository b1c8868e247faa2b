"""Home database: an administrator decides whether a moved or copied database is the real one.

Called by the account's form; all accounts at once, as a database is copied or moved as a whole.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class WabaHome(models.TransientModel):
    _name = "waba.home"
    _description = "Real Database or Copy"
    _inherit = ["waba.system.fields.mixin"]

    choice = fields.Selection(
        [
            ("real", "This is the real database. It was renamed, moved or restored."),
            ("copy", "This is a copy. Stop sending from it for good."),
        ],
        required=True,
    )
    pause_campaigns = fields.Boolean(
        "Pause running campaigns and follow-ups",
        default=True,
        help="A restored backup does not know what was sent after it was made, and would send it "
        "again. Compare with WhatsApp Manager, then resume.",
    )
    difference_text = fields.Text("What differs", compute="_compute_texts")
    account_text = fields.Text("Accounts", compute="_compute_texts")

    @api.depends("choice")
    def _compute_texts(self):
        accounts = self.env["waba.account"]._accounts_elsewhere()
        here = accounts._current_database()._asdict()
        names = {
            "name": self.env._("Name"),
            "oid": self.env._("Number on the database server"),
            "uuid": self.env._("Odoo's database ID"),
            "system": self.env._("Database server"),
        }
        lines = []
        for name in here:
            known = next((a.home[name] for a in accounts if name in a._home_differences()), None)
            if known:
                lines.append(
                    self.env._(
                        "%(what)s: was %(before)s, is %(after)s.",
                        what=names[name],
                        before=known,
                        after=here[name] or self.env._("unknown"),
                    )
                )
        for wizard in self:
            wizard.difference_text = "\n".join(lines) or self.env._("Nothing differs any more.")
            wizard.account_text = ", ".join(accounts.mapped("name"))

    def action_confirm(self):
        """Adopt this database for its accounts, or stop them in a copy.

        :raise AccessError: the user is not an administrator
        :raise UserError: a copy has an account that was connected here
        """
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only an administrator can say which database is the real one.")
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
                    "%s was connected in this database. Archive the other accounts instead.",
                    ", ".join(at_home.mapped("name")),
                )
            )

    def _pause_campaigns_and_sequences(self):
        """Pause them: queued messages may have been sent after the backup was made."""
        accounts = self.env["waba.account"].sudo()._accounts_elsewhere()
        reason = self.env._(
            "This database was restored, renamed or moved. If it is a backup, compare with "
            "WhatsApp Manager what was sent since; then resume."
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
