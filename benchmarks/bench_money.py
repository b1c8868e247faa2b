"""Costs and attribution over three months of sending: pricing, attribution, and the screens."""

from datetime import datetime, timedelta

from .bench_reputation import _fill, _lead_number, _screen, _timed
from .common import Bench

NAME = "money"


def run(bench, world):
    messages, people = bench.size((1_000_000, 200_000), (3_000, 600))
    world.forget_messages()
    with Bench(f"{bench.database}_money", bench.report, bench.smoke, copy_of=bench) as quarter:
        _fill(quarter, world.copy_to(quarter), messages, people)
        _create_sales(quarter)
        _measure_jobs(quarter)
        _measure_screens(quarter)
        quarter.disconnect()


def _create_sales(bench):
    """Set prices; one in fifty leads is won within days, one campaign has 50,000 people."""
    bench.sql(
        """UPDATE waba_message SET pricing_category = 'marketing', pricing_type = 'regular',
                                   pricing_billable = 'yes'
            WHERE delivered_at IS NOT NULL"""
    )
    bench.sql(
        """UPDATE crm_lead l SET won_status = 'won', probability = 100, expected_revenue = 1000,
                                 date_closed = (now() AT TIME ZONE 'UTC') - interval '1 day'
            WHERE l.name = 'Quarter' AND l.id %% 50 = 0"""
    )
    with bench.env() as env:
        spain = env.ref("base.es")
        env["waba.rate"].create(
            [
                {"market": "Spain", "country_ids": spain.ids, "amount": 0.06,
                 "category": "marketing", "valid_from": "2020-01-01"},
                {"market": "Others", "amount": 0.03, "category": "marketing",
                 "valid_from": "2020-01-01"},
            ]
        )  # fmt: skip
        campaign = env["waba.campaign"].search([("name", "like", "Quarter %")], limit=1)
        campaign.launched_at = env.cr.now()
        env.cr.execute(
            "UPDATE waba_campaign SET launched_at = (SELECT min(accepted_at) FROM waba_message "
            "WHERE campaign_id = %s) WHERE id = %s",
            (campaign.id, campaign.id),
        )
    bench.vacuum()


def _measure_jobs(bench):
    add = bench.report.add
    add(NAME, "pricing 5,000 messages", _timed(bench, _price), "s", must=("<=", 5))
    bench.sql(
        """UPDATE waba_message SET cost_state = 'charged', cost = 0.06, company_cost = 0.06
            WHERE delivered_at IS NOT NULL"""
    )
    bench.vacuum()
    add(NAME, "replies and clicks of 35 days", _timed(bench, _answers), "s")
    add(NAME, "200 leads attributed", _timed(bench, _leads), "s", must=("<=", 5))
    bench.sql("DELETE FROM waba_attribution WHERE kind = 'won'")
    bench.sql(
        """INSERT INTO waba_attribution
                  (event_key, kind, at, amount, currency_id, lead_id, message_id, day, company_id,
                   campaign_id, template_id, user_id)
           SELECT DISTINCT ON (l.id) 'won:' || l.id, 'won', l.date_closed, 1000, c.currency_id,
                  l.id, m.id, m.accepted_at::date, m.company_id, m.campaign_id, m.template_id,
                  m.user_id
             FROM crm_lead l JOIN waba_message m ON m.res_model = 'crm.lead' AND m.res_id = l.id
             JOIN res_company c ON c.id = m.company_id
            WHERE l.won_status = 'won' AND m.delivered_at IS NOT NULL
            ORDER BY l.id, m.accepted_at DESC"""
    )
    add(NAME, "events", _lead_number(bench, "waba_attribution"))
    add(NAME, "first count of 90 days", _timed(bench, _count), "s", must=("<=", 60))
    add(NAME, "rows of daily figures", _lead_number(bench, "waba_money_daily"))
    add(NAME, "count of every ten minutes", _timed(bench, _count), "s", must=("<=", 5))
    bench.vacuum()


def _price(env):
    env["waba.message"]._price_batch()


def _answers(env):
    env["waba.attribution"]._attribute_answers(datetime.now() - timedelta(days=35))


def _leads(env):
    env["waba.attribution"]._update_attributions(
        env["crm.lead"].search([("name", "=", "Quarter"), ("won_status", "=", "won")], limit=200)
    )


def _count(env):
    env["waba.money.daily"]._count_due_days()


def _measure_screens(bench):
    add = bench.report.add
    measures = ["delivered_count:sum", "cost:sum", "cost_per_reply:avg", "won_count:sum",
                "won_amount:sum", "cost_per_won:avg"]  # fmt: skip
    for group in ("campaign_id", "user_id", "country_id", "day:month"):
        took = _screen(bench, "waba.money.report", "formatted_read_group", [], [group], measures)
        add(NAME, f"results in money by {group}", took, "s", must=("<=", 2))
    with bench.env() as env:
        campaign = env["waba.campaign"].search([("launched_at", "!=", False)], limit=1).id
    for names in (["money_cost", "money_won", "money_return"], ["money_comparison"]):
        took = _measure_screen(bench, campaign, names)
        add(NAME, f"a campaign's tab: {', '.join(names)}", took, "s", must=("<=", 2))


def _measure_screen(bench, campaign_id, names):
    return _timed(bench, lambda env: env["waba.campaign"].browse(campaign_id).read(names))
