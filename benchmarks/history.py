"""Years of use, created by SQL: people and finished messages with everything stored about them."""

import contextlib

FIRST_NUMBER = 700_000_000
MAX_PER_CAMPAIGN = 50_000


def fill(bench, world, messages, people):
    """`messages` old messages to `people` people in campaigns that are done.

    Indexes are dropped for the insert and recreated after it, which is faster.
    """
    _insert_people(bench, world, people)
    per_campaign = min(MAX_PER_CAMPAIGN, people)
    _insert_campaigns(bench, world, -(-messages // per_campaign))
    with without_indexes(bench):
        _insert_messages(bench, world, messages, people, per_campaign)
    bench.vacuum()


@contextlib.contextmanager
def without_indexes(bench):
    """For inserting messages: their indexes are recreated after the block."""
    definitions = bench.sql(
        """SELECT indexname, indexdef FROM pg_indexes
            WHERE tablename = 'waba_message' AND indexname <> 'waba_message_pkey'"""
    )
    for name, _definition in definitions:
        bench.sql(f'DROP INDEX "{name}"')
    yield
    for _name, definition in definitions:
        # The conditions of some have a "%", which `sql` reads as the start of a value.
        bench.sql(definition.replace("%", "%%"))


def _insert_people(bench, world, people):
    bench.sql(
        """INSERT INTO waba_recipient
                  (portfolio_id, number, user_uid, marketing_state, slot_at, last_marketing_at,
                   create_date, write_date)
           SELECT %s, '+34' || (%s + n), 'ES.old' || n, 'opted_in', old, old, old, old
             FROM generate_series(0, %s - 1) AS n,
                  LATERAL (SELECT (now() AT TIME ZONE 'UTC')
                                  - make_interval(days => 2 + n %% 700)) AS o(old)""",
        world.portfolio_id, FIRST_NUMBER, people,
    )  # fmt: skip
    bench.sql(
        """INSERT INTO waba_conversation (sender_id, recipient_id, create_date)
           SELECT %s, id, create_date FROM waba_recipient WHERE user_uid LIKE 'ES.old%%'""",
        world.sender_ids[0],
    )


def _insert_campaigns(bench, world, count):
    with bench.env() as env:
        env["waba.campaign"].create(
            [
                {
                    "name": f"Old {index}",
                    "template_id": world.template_id,
                    "sender_id": world.sender_ids[0],
                    "company_id": world.company_id,
                }
                for index in range(count)
            ]
        ).write({"state": "done"})


def _insert_messages(bench, world, messages, people, per_campaign):
    bench.sql(
        """WITH campaign AS (SELECT array_agg(id ORDER BY id) AS ids FROM waba_campaign
                              WHERE name LIKE 'Old %%')
           INSERT INTO waba_message
                  (uuid, wamid, direction, campaign_id, account_id, sender_id, recipient_id,
                   company_id, number, person_name, res_model, res_id, template_id, category, kind,
                   parameters, state, attempt_count, failed_attempt, failure_streak, retry_at,
                   slot_at, accepted_at, sent_at, delivered_at, read_at, create_date, write_date)
           SELECT md5('old' || n), 'old.' || n, 'out', campaign.ids[1 + n / %(per_campaign)s],
                  %(account)s, %(sender)s, r.id, %(company)s, r.number, 'Ana Prueba', 'crm.lead',
                  1000000000 + n, %(template)s, 'marketing', 'template',
                  '{"body": [{"name": "1", "value": "Ana"}, {"name": "2", "value": "Prueba"}]}',
                  (ARRAY['read', 'read', 'delivered', 'sent', 'failed'])[1 + n %% 5], 1, 0, 0, old,
                  old, old, old, old, CASE WHEN n %% 5 < 2 THEN old END, old, old
             FROM campaign, generate_series(0, %(messages)s - 1) AS n
             JOIN waba_recipient r
               ON r.portfolio_id = %(portfolio)s
              AND r.number = '+34' || (%(numbers_from)s + n %% %(people)s),
                  LATERAL (SELECT (now() AT TIME ZONE 'UTC')
                                  - make_interval(hours => 48 + n %% 16800)) AS o(old)""",
        per_campaign=per_campaign,
        account=world.account_id,
        sender=world.sender_ids[0],
        company=world.company_id,
        template=world.template_id,
        messages=messages,
        portfolio=world.portfolio_id,
        numbers_from=FIRST_NUMBER,
        people=people,
    )
