"""One person, several spellings of their number: rows of before are brought together."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["waba.recipient"]._merge_spellings()
