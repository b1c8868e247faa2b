"""Reputation over three months of sending: counting, scoring, and the manager's screens."""

import time

from .common import Bench
from .figures import median
from .history import without_indexes

NAME = "reputation"
DAYS = 90
CAMPAIGNS = 120
# As many at a time, each from another number.
AT_ONCE = 8
EVENT_SHARE = 0.05


def run(bench, world):
    messages, people = bench.size((1_000_000, 200_000), (3_000, 600))
    world.forget_messages()
    with Bench(f"{bench.database}_reputation", bench.report, bench.smoke, copy_of=bench) as quarter:
        quarter_world = world.copy_to(quarter)
        _fill(quarter, quarter_world, messages, people)
        _measure_jobs(quarter)
        _measure_screens(quarter)
        quarter.disconnect()


# ----------------------------------------------------------------------
# What was sent
# ----------------------------------------------------------------------


def _fill(bench, world, messages, people):
    """Messages of every outcome over DAYS days, from every number, to leads of several sources."""
    with bench.env() as env:
        env["waba.campaign"].create(
            [
                {
                    "name": f"Quarter {index}",
                    "template_id": world.template_id,
                    "sender_id": world.sender_ids[index % len(world.sender_ids)],
                    "company_id": world.company_id,
                }
                for index in range(CAMPAIGNS)
            ]
        ).write({"state": "done"})
        env["utm.source"].create([{"name": f"Source {index}"} for index in range(20)])
        users = env["res.users"].with_context(no_reset_password=True)
        users.create(
            [{"name": f"Seller {index}", "login": f"seller{index}"} for index in range(10)]
        )
    values = {"people": people, "messages": messages, "portfolio": world.portfolio_id,
              "account": world.account_id, "company": world.company_id,
              "template": world.template_id, "days": DAYS, "events": EVENT_SHARE,
              "campaigns": CAMPAIGNS, "at_once": AT_ONCE}  # fmt: skip
    bench.sql(PEOPLE, **values)
    bench.sql(LEADS, **values)
    with without_indexes(bench):
        bench.sql(MESSAGES, **values)
    bench.sql(EVENTS, **values)
    bench.vacuum()
    bench.report.add(NAME, "messages made", _lead_number(bench, "waba_message"))
    bench.report.add(NAME, "evidence made", _lead_number(bench, "waba_reputation_event"))


def _lead_number(bench, table):
    return bench.sql(f"SELECT count(*) FROM {table}")[0][0]


PEOPLE = """
INSERT INTO waba_recipient (portfolio_id, number, user_uid, marketing_state, create_date)
SELECT %(portfolio)s, (ARRAY['+34', '+52', '+1212', '+351', '+49'])[1 + n %% 5] || (60000000 + n),
       'quarter.' || n, 'opted_in', now()
  FROM generate_series(1, %(people)s) AS n"""

LEADS = """
INSERT INTO crm_lead (name, type, active, phone, source_id)
SELECT 'Quarter', 'lead', TRUE, r.number, sources.ids[1 + (hashint4(r.id) & 2147483647) %% 20]
  FROM waba_recipient r,
       (SELECT array_agg(id) AS ids FROM utm_source WHERE name LIKE 'Source %%') AS sources
 WHERE r.user_uid LIKE 'quarter.%%'"""

# Country, source, salesperson and outcome are independent of each other: as many groups a day as
# there can be. Of a hundred, 78 are delivered (50 read, 6 replied, 1 opted out), 8 are silent and
# 10 fail.
MESSAGES = """
WITH campaign AS (SELECT array_agg(id ORDER BY id) AS ids, array_agg(sender_id ORDER BY id) AS
                         sender_ids FROM waba_campaign WHERE name LIKE 'Quarter %%'),
     seller AS (SELECT array_agg(id) AS ids FROM res_users WHERE login LIKE 'seller%%'),
     person AS (SELECT l.id AS lead_id, r.id, r.number, row_number() OVER (ORDER BY r.id) AS i
                  FROM crm_lead l JOIN waba_recipient r ON r.number = l.phone
                 WHERE l.name = 'Quarter')
INSERT INTO waba_message
       (uuid, wamid, direction, kind, campaign_id, account_id, sender_id, company_id, user_id,
        template_id, category, recipient_id, number, res_model, res_id, attempt_count,
        failed_attempt, failure_streak, retry_at, create_date, write_date, accepted_at, sent_at,
        state, delivered_at, read_at, replied_at, opted_out_at, failed_at, failure_type)
SELECT md5('quarter' || n), 'old.quarter.' || n, 'out', 'template', campaign.ids[c],
       %(account)s, campaign.sender_ids[c], %(company)s, seller.ids[s], %(template)s,
       'marketing', p.id, p.number, 'crm.lead', p.lead_id, 1, 0, 0, at, at, at, at,
       CASE WHEN o < 90 THEN at END,
       CASE WHEN o < 50 THEN 'read' WHEN o < 78 THEN 'delivered' WHEN o < 86 THEN 'sent'
            WHEN o < 90 THEN 'accepted' ELSE 'failed' END,
       CASE WHEN o < 78 THEN at END, CASE WHEN o < 50 THEN at END, CASE WHEN o < 6 THEN at END,
       CASE WHEN o = 7 THEN at END, CASE WHEN o >= 90 THEN at END,
       CASE WHEN o >= 95 THEN 'undeliverable' WHEN o >= 90 THEN 'marketing_limit' END
  FROM campaign, seller, person p, (SELECT count(*) AS people FROM person) AS size,
       generate_series(0, %(messages)s - 1) AS n,
       LATERAL (SELECT 1 + n / ((1 + %(messages)s / %(campaigns)s) * %(at_once)s) * %(at_once)s
                         + n %% %(at_once)s AS c,
                       1 + (hashint8(n * 7) & 2147483647) %% 10 AS s,
                       (hashint8(n) & 2147483647) %% 100 AS o,
                       (now() AT TIME ZONE 'UTC')
                       - make_interval(secs => n::bigint * %(days)s * 86400 / %(messages)s) AS at)
           AS f
 WHERE p.i = 1 + n %% size.people"""

EVENTS = """
INSERT INTO waba_reputation_event
       (kind, certainty, source, effect, at, recorded_at, company_id, portfolio_id, account_id,
        sender_id, template_id, campaign_id, recipient_id, message_id, event_key)
SELECT CASE WHEN m.opted_out_at IS NOT NULL THEN 'opt_out' ELSE 'possible_block' END,
       CASE WHEN m.opted_out_at IS NOT NULL THEN 'exact' ELSE 'inferred' END,
       'status', 'bad', m.accepted_at, m.accepted_at, m.company_id, %(portfolio)s, m.account_id,
       m.sender_id, m.template_id, m.campaign_id, m.recipient_id, m.id, 'quarter:' || m.id
  FROM waba_message m
 WHERE m.opted_out_at IS NOT NULL OR m.state = 'sent' AND m.id %% 100 < 100 * %(events)s"""


# ----------------------------------------------------------------------
# What is measured
# ----------------------------------------------------------------------


def _measure_jobs(bench):
    """Counting and scoring by the job: the first run, the one every ten minutes, the daily one."""
    add = bench.report.add
    # Another benchmark's jobs may have counted messages in the original database.
    for table in ("waba_message_daily", "waba_audience_daily", "waba_sender_reputation"):
        bench.sql(f"DELETE FROM {table}")
    bench.sql("DELETE FROM ir_config_parameter WHERE key = %s", "waba_campaign.counted_at")
    add(NAME, "first count of 90 days", _timed(bench, _count), "s", must=("<=", 60))
    counted = bench.sql("SELECT sum(sent_count) FROM waba_message_daily")[0][0]
    add(NAME, "messages counted", counted)
    rows = _lead_number(bench, "waba_message_daily") + _lead_number(bench, "waba_audience_daily")
    add(NAME, "rows of daily figures", rows)
    add(NAME, "first judgement of every number and day", _timed(bench, _judge), "s")
    add(NAME, "count of every ten minutes", _timed(bench, _count), "s", must=("<=", 5))
    add(NAME, "judgement of every ten minutes", _timed(bench, _judge), "s", must=("<=", 5))
    bench.sql(
        "UPDATE ir_config_parameter SET value = '2000-01-01 00:00:00' WHERE key = %s",
        "waba_campaign.counted_at",
    )
    add(NAME, "count of once a day, 35 days", _timed(bench, _count), "s", must=("<=", 30))
    bench.vacuum()


def _count(env):
    env["waba.message.daily"]._count_due_days()


def _judge(env):
    for sender in env["waba.sender"].search([]):
        sender._judge_reputation()


def _timed(bench, work):
    with bench.env() as env:
        started = time.monotonic()
        work(env)
        env.cr.flush()
        return time.monotonic() - started


def _measure_screens(bench):
    """The dashboard and the analysis, each in a fresh transaction, under a manager's own rules."""
    for days in (7, 30, 90):
        took = _screen(bench, "waba.sender", "reputation_dashboard_data", days=days)
        bench.report.add(NAME, f"dashboard, {days} days", took, "s", must=("<=", 2))
    for group in ("campaign_id", "country_id", "source_id", "hour", "date:day"):
        took = _screen(
            bench,
            "waba.message.report",
            "formatted_read_group",
            [],
            [group],
            ["sent_count:sum", "delivery_rate:avg", "opt_out_rate:avg"],
        )
        bench.report.add(NAME, f"analysis by {group}", took, "s", must=("<=", 5))


def _screen(bench, model, method, *arguments, **options):
    took = []
    for _round in range(3):
        with bench.env() as env:
            records = env[model].with_user(env.ref("base.user_admin"))
            started = time.monotonic()
            getattr(records, method)(*arguments, **options)
            took.append(time.monotonic() - started)
    return median(took)
