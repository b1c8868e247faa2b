"""What Odoo does not do by itself when the addon is installed or uninstalled."""

from odoo.tools import SQL

# Made by hand: the ledger's guard (waba_consent.py) and the index that this addon's declaration of
# `res.partner.phone_sanitized` makes on a table that stays (res_partner.py).
LEFT_BEHIND = (
    SQL("DROP FUNCTION IF EXISTS waba_consent_append_only() CASCADE"),
    SQL("DROP INDEX IF EXISTS res_partner__phone_sanitized_index"),
    # How far the jobs have come (job_marks.py), and our settings.
    SQL("DELETE FROM ir_config_parameter WHERE starts_with(key, 'waba_campaign.')"),
)


def uninstall_hook(env):
    """Remove what hangs on no model and no record of ours; called before those go."""
    jobs = env["waba.sender"].with_context(active_test=False).search([]).cron_id
    # They hang on the numbers, which have no external id: the numbers' table goes without them.
    actions = jobs.ir_actions_server_id
    jobs.unlink()
    actions.unlink()
    for statement in LEFT_BEHIND:
        env.cr.execute(statement)
