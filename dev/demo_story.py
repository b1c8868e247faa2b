"""Five weeks of the demo's second number: well received, a bad campaign, red, released, well again.

Run by demo_lib on the demo's database, once the account is connected. Messages are created by SQL;
counting, scoring, response and release are the addon's own, day by day with the clock set back.
"""

import sys
import time
from datetime import timedelta

from freezegun import freeze_time
from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tools import config
from psycopg2.errors import SerializationFailure
from reputation_history import GOOD, Company, _days_ago, _steady

NUMBER = "400000000000002"
DAYS = 35
BAD_DAYS = {14: 420, 13: 380, 12: 260}
YELLOW, RED, RELEASED, GREEN = 12, 10, 8, 5
REASON = "La lista comprada está borrada; desde hoy sólo se escribe a clientes."
ATTEMPTS, PAUSE_SECONDS = 5, 2


class Shop(Company):
    """The demo's connected account."""

    def __init__(self, sender):
        self.env = sender.env
        self.company = sender.company_id
        self.account = sender.account_id
        self.portfolio = sender.portfolio_id
        self.manager = sender.env.ref("base.user_admin")

    def template(self, name):
        return super().template(name)[:1]


def main(database):
    config.parse_config(["-d", database, "--log-level", "warn"], setup_logging=True)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with Registry(database).cursor() as cursor:
                build_story(api.Environment(cursor, SUPERUSER_ID, {}))
            return
        except SerializationFailure:
            # A scheduled job wrote the same row first.
            if attempt == ATTEMPTS:
                raise
            time.sleep(PAUSE_SECONDS)


def build_story(env):
    # The addon is found only after the configuration is read.
    from odoo.addons.waba_campaign.models.analytics.waba_message_daily import COUNTED_AT_PARAMETER

    sender = env["waba.sender"].search([("phone_number_uid", "=", NUMBER)])
    shop = Shop(sender)
    _send(shop, sender)
    # As on the first count of a day: every day that is still open.
    env["ir.config_parameter"].set_param(COUNTED_AT_PARAMETER, False)
    env["waba.message.daily"]._count_due_days()
    _run_daily_jobs(shop, sender)


def _send(shop, sender):
    shop.rated(sender, (DAYS - 1, "green"), (YELLOW, "yellow"), (RED, "red"), (GREEN, "green"))
    before = ["Terrazas", "Vuelta al cole", "Club: avance", "Comedores"]
    _steady(shop, sender, before, DAYS - 2, 15, 110, 190, 7)
    bad = shop.campaign(sender, "Últimas plazas", "season_sale")
    for days_ago, size in BAD_DAYS.items():
        shop.send(sender, bad, days_ago, size, silent=0.035, undeliverable=0.05, limited=0.05,
                  read=0.31, replied=0.02, opted_out=0.016)  # fmt: skip
    club = shop.campaign(sender, "Club: preventa", "welcome_back")
    for days_ago in range(RELEASED - 1, -1, -1):
        shop.send(sender, club, days_ago, 90, **GOOD)
    shop.add_evidence(sender)
    shop.rated(bad.template_id, (13, "yellow"), (11, "red"), before="green")


def _run_daily_jobs(shop, sender):
    """Run each day's jobs and the manager's actions."""
    now = fields.Datetime.now()
    ratings = sender._rating_history(now - timedelta(days=DAYS))
    with freeze_time(now) as clock:
        for days_ago in range(DAYS - 2, -1, -1):
            moment = now if days_ago == 0 else _days_ago(days_ago, hour=10, base=now)
            clock.move_to(moment)
            sender.write(
                {
                    "quality_rating": [value for at, value in ratings if at <= moment][-1],
                    "rated_at": moment,
                }
            )
            sender._judge_reputation()
            if days_ago == RELEASED:
                sender.with_user(shop.manager).sudo()._release(REASON)


if __name__ == "__main__":
    main(*sys.argv[1:])
