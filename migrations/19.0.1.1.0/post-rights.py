"""Whose rights are used is stored from now on, and paths may no longer lead to users."""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

# The only path to a user that campaigns had a use for has had a source of its own all along.
SALESPERSON_PATHS = ("user_id", "user_id.name", "user_id.display_name")
LINES = ("waba_template_variable", "waba_campaign_variable", "waba_sequence_variable",
         "waba_action_variable")  # fmt: skip


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    for table in LINES:
        cr.execute(
            SQL(
                """UPDATE %s SET source = 'salesperson', field_path = NULL
                    WHERE source = 'field' AND replace(field_path, ' ', '') IN %s""",
                SQL.identifier(table),
                SALESPERSON_PATHS,
            )
        )
    # Whoever changed a follow-up last stands for it; where nobody is left the job pauses it.
    cr.execute(
        SQL(
            """UPDATE waba_sequence s SET reader_id = u.id
                 FROM res_users u
                WHERE u.id = s.write_uid AND u.active AND u.id != %s
                  AND s.reader_id IS NULL AND s.state != 'draft'""",
            SUPERUSER_ID,
        )
    )
    env.invalidate_all()
    for campaign in env["waba.campaign"].search(
        [("state", "=", "scheduled"), ("launched_mark", "=", False)]
    ):
        campaign.launched_mark = campaign._content_fingerprint()
