"""How far a job has come, kept as a system parameter.

By SQL: `set_param` would make every process forget all it has cached, every ten minutes.
"""

from datetime import timedelta

from odoo import fields
from odoo.tools import SQL

MESSAGE_KEEP_DAYS = ("waba_campaign.message_keep_days", 0)


def read_checkpoint(env, key):
    """The text kept under `key`, or None."""
    rows = env.execute_query(SQL("SELECT value FROM ir_config_parameter WHERE key = %s", key))
    return rows[0][0] if rows else None


def write_checkpoint(env, key, value):
    env.cr.execute(
        SQL(
            """INSERT INTO ir_config_parameter (key, value) VALUES (%s, %s)
               ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value""",
            key,
            str(value),
        ),
        log_exceptions=False,
    )


def delete_checkpoint(env, key):
    env.cr.execute(SQL("DELETE FROM ir_config_parameter WHERE key = %s", key))


def retention_start(env, parameter):
    """The moment before which things go, from a system parameter in days; None: never.

    :param parameter: (name, days when it is not set or no number)
    """
    name, default = parameter
    value = env["ir.config_parameter"].sudo().get_param(name, "")
    days = int(value) if value.isdecimal() else default
    return fields.Datetime.now() - timedelta(days=days) if days else None
