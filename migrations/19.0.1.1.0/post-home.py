"""Accounts that were connected before belong to the database that is upgraded."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    accounts = env["waba.account"].with_context(active_test=False)
    accounts.search([("state", "!=", "draft"), ("home", "=", False)])._record_home_database()
