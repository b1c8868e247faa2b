"""Messages that wait know what their lead or contact was when they were made.

For those made before this version nobody noted it: what it is now is taken for it. Whose record is
gone by now is noted as one that had no trait, so that it is left out.
"""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

# They are addressed by the record's number; other messages may go to a conversation's person.
ORIGINS = ["campaign", "sequence", "action"]
# What is sent, or may be queued again by a person.
STATES = ["queued", "reserved", "uncertain", "failed", "skipped"]


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    waiting = SQL(
        """m.record_traits IS NULL AND m.res_id IS NOT NULL AND m.direction = 'out'
           AND m.state = ANY(%s) AND m.origin = ANY(%s)""",
        STATES,
        ORIGINS,
    )
    models = env.execute_query(
        SQL("SELECT DISTINCT m.res_model, m.company_id FROM waba_message m WHERE %s", waiting)
    )
    for model, company_id in models:
        if model not in env or "waba_message_ids" not in env[model]._fields:
            continue
        records = env[model]
        env.execute_query(
            SQL(
                """UPDATE waba_message m SET record_traits = COALESCE(NULLIF(%s, ''), ' ')
                     FROM %s r
                    WHERE r.id = m.res_id AND m.res_model = %s
                      AND m.company_id IS NOT DISTINCT FROM %s AND %s RETURNING m.id""",
                records._waba_traits_sql(company_id or None),
                SQL.identifier(records._table),
                model,
                company_id,
                waiting,
            )
        )
    env.execute_query(
        SQL("UPDATE waba_message m SET record_traits = ' ' WHERE %s RETURNING m.id", waiting)
    )
