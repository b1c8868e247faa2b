"""Remakes the pictures of the growth plan from a running `make demo`, on a desk and on a phone.

    dev/growth_pictures [ADDRESS [DATABASE]]

It first adds people who opted in, by SQL, and then moves the limit and the rating through the
simulator, so it runs once per demo.
"""

import argparse
import time

import psycopg2
from demo_lib.clients import OdooUser, SimulatorControl
from demo_lib.journey import WABA_UID
from sales_pictures import ADMIN, PHONE, ZONE
from screenshots import ROOT, Browser

DESK = (1440, 1200)
READY = """
    !!document.querySelector('.o_waba_growth .o_waba_headline, .o_waba_growth .o_waba_empty')
    && !document.querySelector('.o_loading_indicator')
"""
# 2,400 leads who opted in: every fourth has read a message, every twelfth has written.
PEOPLE = """
    INSERT INTO crm_lead (name, contact_name, phone, phone_sanitized, type, active, company_id,
                          won_status, create_date, write_date)
    SELECT 'Showroom visitor ' || n, 'Ana Prueba', '+34' || n, '+34' || n, 'lead', TRUE, c.id,
           'pending', now(), now()
      FROM generate_series(655000001, 655002400) n,
           (SELECT min(id) AS id FROM res_company) c;
    INSERT INTO waba_recipient (portfolio_id, number, marketing_state, utility_state)
    SELECT (SELECT portfolio_id FROM waba_account WHERE waba_uid = %(waba)s), '+34' || n,
           'opted_in', 'unknown'
      FROM generate_series(655000001, 655002400) n;
    INSERT INTO waba_opt_in (recipient_id, company_id, purpose, at)
    SELECT r.id, c.id, 'marketing', (now() AT TIME ZONE 'UTC') - r.id %% 300 * interval '1 day'
      FROM waba_recipient r, (SELECT min(id) AS id FROM res_company) c
     WHERE r.number BETWEEN '+34655000001' AND '+34655002400';
    INSERT INTO waba_message (uuid, direction, kind, account_id, sender_id, company_id,
                              recipient_id, number, state, attempt_count, failed_attempt,
                              failure_streak, create_date, write_date, read_at)
    SELECT 'growth-' || r.id, CASE WHEN r.id %% 12 = 0 THEN 'in' ELSE 'out' END, 'text', a.id,
           s.id, a.company_id, r.id, r.number,
           CASE WHEN r.id %% 12 = 0 THEN 'received' ELSE 'read' END, 1, 0, 0,
           now() AT TIME ZONE 'UTC' - r.id %% 80 * interval '1 day', now() AT TIME ZONE 'UTC',
           CASE WHEN r.id %% 12 <> 0
                THEN now() AT TIME ZONE 'UTC' - r.id %% 80 * interval '1 day' END
      FROM waba_recipient r, waba_account a,
           LATERAL (SELECT min(id) AS id FROM waba_sender WHERE account_id = a.id) s
     WHERE r.number BETWEEN '+34655000001' AND '+34655002400' AND r.id %% 4 = 0
       AND a.waba_uid = %(waba)s;
"""
# Name of the picture -> limit and rating at Meta.
STATES = {
    "first": ("TIER_250", "GREEN"),
    "plan": ("TIER_2K", "GREEN"),
    "few": ("TIER_10K", "GREEN"),
    "blocked": ("TIER_2K", "YELLOW"),
    "unlimited": ("TIER_UNLIMITED", "GREEN"),
}


class Story:
    """Moves the demo's portfolio from state to state, as Meta would."""

    def __init__(self, user, database):
        self.user, self.database = user, database
        [self.account] = user.search(
            "waba.account", [("waba_uid", "=", WABA_UID)], ["base_url", "portfolio_id"]
        )
        self.simulator = SimulatorControl(self.account["base_url"])
        self.numbers = user.search(
            "waba.sender", [("account_id", "=", self.account["id"])], ["phone_number_uid"]
        )

    def add_people(self):
        with psycopg2.connect(dbname=self.database) as connection, connection.cursor() as cursor:
            cursor.execute(PEOPLE, {"waba": WABA_UID})

    def move(self, limit, rating):
        self.simulator.post("limit", limit=limit, webhook=False)
        for number in self.numbers:
            self.simulator.post("number", id=number["phone_number_uid"], quality_rating=rating)
        self.user.call("waba.account", "action_sync", [self.account["id"]])


def main():
    parser = argparse.ArgumentParser(prog="dev/growth_pictures")
    parser.add_argument("address", nargs="?", default="http://localhost:8069")
    parser.add_argument("database", nargs="?", default="waba_demo")
    options = parser.parse_args()
    story = Story(OdooUser(options.address, options.database, *ADMIN), options.database)
    story.add_people()
    with Browser() as browser:
        browser.resize(*DESK)
        browser.command("Emulation.setTimezoneOverride", timezoneId=ZONE)
        browser.log_in(options.address, *ADMIN)
        for name, (limit, rating) in STATES.items():
            story.move(limit, rating)
            time.sleep(1)
            for width, height in (DESK, PHONE):
                browser.resize(width, height)
                browser.open(f"{options.address}/odoo/whatsapp-growth", READY)
                ending = "_phone" if (width, height) == PHONE else ""
                browser.save(ROOT / f"docs/images/reach/growth_{name}{ending}.png")


if __name__ == "__main__":
    main()
