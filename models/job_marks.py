"""How far a job has come, kept as a system parameter.

By SQL: `set_param` would make every process forget all it has cached, every ten minutes.
"""

from odoo.tools import SQL


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
