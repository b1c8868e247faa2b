"""Templates get their first version, the content they have now, and when they were last used."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
    env["waba.template"].search([])._record_version()
    env["waba.template"]._note_use()
