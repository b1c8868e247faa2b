"""Clean-up that Odoo does not do by itself when the addon is uninstalled."""

from odoo.tools import SQL

# Created manually: the ledger's trigger (waba_consent.py) and the index of
# `res.partner.phone_sanitized` on a table that stays (res_partner.py).
UNINSTALL_TABLES = (
    SQL("DROP FUNCTION IF EXISTS waba_consent_append_only() CASCADE"),
    SQL("DROP INDEX IF EXISTS res_partner__phone_sanitized_index"),
    # Progress of the jobs (job_marks.py), and our settings.
    SQL("DELETE FROM ir_config_parameter WHERE starts_with(key, 'waba_campaign.')"),
)


def uninstall_hook(env):
    """Remove what belongs to no model or record of ours; called before those are removed."""
    jobs = env["waba.sender"].with_context(active_test=False).search([]).cron_id
    # They belong to the numbers, which have no external id, so they would stay.
    actions = jobs.ir_actions_server_id
    jobs.unlink()
    actions.unlink()
    for statement in UNINSTALL_TABLES:
        env.cr.execute(statement)
