"""What benchmarks need in the database: an account read from the simulator, people, queued rows.

Bulk rows are created by SQL, as the addon itself would create them.
"""

import copy
import json

from simulator.default_world import default_seed

from .common import APP_SECRET, TOKEN

WABA_UID = "200000000000001"
SENDER_COUNT = 8
# A number's throughput when the pacer must not be what limits.
UNLIMITED_RATE = 5000


def seed():
    """The simulator's own world with eight numbers and no daily limit."""
    world = default_seed()
    world["businesses"][0]["messaging_limit"] = "TIER_UNLIMITED"
    account = world["accounts"][0]
    account["numbers"] = [
        {
            "id": f"4000000000001{index:02d}",
            "display_phone_number": f"+34 600 000 1{index:02d}",
            "verified_name": f"Bench {index}",
        }
        for index in range(SENDER_COUNT)
    ]
    world["accounts"] = [account]
    return world


def write_seed(bench):
    """The seed as a file for the simulator's command line."""
    path = bench.dev / "log" / f"{bench.database}-seed.json"
    path.write_text(json.dumps(seed()), encoding="utf-8")
    return str(path)


class World:
    """One connected account with `SENDER_COUNT` numbers, read from a simulator once.

    Everything is kept as plain ids: environments come and go.
    """

    def __init__(self, bench):
        self.bench = bench
        with bench.simulator("--seed-file", write_seed(bench)) as simulator, bench.env() as env:
            # Benchmarks run at any time of day and message the same people repeatedly.
            env.company.write(
                {
                    "country_id": env.ref("base.es").id,
                    "waba_quiet_hours": False,
                    "waba_frequency_count": 0,
                    "waba_same_template_hours": 0,
                }
            )
            account = env["waba.account"].create(
                {
                    "name": "Bench",
                    "waba_uid": WABA_UID,
                    "app_uid": "300000000000001",
                    "access_token": TOKEN,
                    "app_secret": APP_SECRET,
                    "base_url": simulator.address,
                }
            )
            account._sync()
            account.state = "connected"
            self.account_id = account.id
            self.portfolio_id = account.portfolio_id.id
            self.company_id = account.company_id.id
            self.webhook_key = account.webhook_key
            self.sender_ids = account.sender_ids.sorted("phone_number_uid").ids
            self.phone_number_uids = account.sender_ids.sorted("phone_number_uid").mapped(
                "phone_number_uid"
            )
            self.template_id = account.template_ids.filtered(
                lambda template: (template.name, template.language) == ("autumn_offer", "es")
            ).id

    def copy_to(self, bench):
        """The same world in the copy of its database that `bench` holds."""
        other = copy.copy(self)
        other.bench = bench
        return other

    def connect(self, base_url, rate=UNLIMITED_RATE):
        """Point the account at a server and set every number's messages per second."""
        self.bench.sql("UPDATE waba_account SET base_url = %s", base_url)
        self.bench.sql(
            """UPDATE waba_sender SET throughput = %s, state = 'active', slowed_until = NULL,
                      next_dispatch_at = NULL, canary = FALSE, warm_up = FALSE,
                      failure_limit = 1, opt_out_limit = 1""",
            rate,
        )

    def forget_messages(self):
        """No message, person or event that a benchmark has made; history stays (see history.py).

        Every number pauses until `wake`: a job that has just sent its last message looks once more
        and would begin with what is queued next, before anybody measures.
        """
        self.bench.sql("UPDATE waba_sender SET state = 'paused', pause_cause = 'person'")
        self.bench.sql(
            """DELETE FROM waba_message
                WHERE id > (SELECT COALESCE(max(id), 0) FROM waba_message
                             WHERE wamid LIKE 'old.%%')"""
        )
        self.bench.sql(
            """DELETE FROM waba_conversation c USING waba_recipient r
                WHERE r.id = c.recipient_id AND COALESCE(r.user_uid, '') NOT LIKE 'ES.old%%'"""
        )
        self.bench.sql("DELETE FROM waba_webhook_event WHERE body_hash NOT LIKE 'old.%%'")
        self.bench.sql("UPDATE waba_campaign SET state = 'done' WHERE state <> 'done'")
        self.bench.sql("DELETE FROM ir_cron_trigger")

    def queue(self, count, sender_index=0, first=0):
        """A running campaign of one number with `count` people in the queue; its id.

        :param first: number of the first person; the same people may be in several campaigns
        """
        sender_id = self.sender_ids[sender_index]
        with self.bench.env() as env:
            campaign = env["waba.campaign"].create(
                {
                    "name": "Bench",
                    "template_id": self.template_id,
                    "sender_id": sender_id,
                    "company_id": self.company_id,
                }
            )
            # As after a preparation; the states in between are the audience benchmark's.
            campaign.write({"state": "running", "launched_by_id": env.uid})
            env.flush_all()
            self._insert_people(env.cr, count, first)
            self._insert_rows(env.cr, campaign.id, sender_id, count, first)
            return campaign.id

    def _insert_people(self, cr, count, first):
        cr.execute(
            """INSERT INTO waba_recipient (portfolio_id, number, marketing_state, create_date)
               SELECT %s, '+34' || (610000000 + n), 'opted_in', now()
                 FROM generate_series(%s, %s) AS n
                   ON CONFLICT (portfolio_id, number) WHERE number IS NOT NULL DO NOTHING""",
            (self.portfolio_id, first, first + count - 1),
        )

    def _insert_rows(self, cr, campaign_id, sender_id, count, first):
        parameters = {
            "body": [{"name": "1", "value": "Ana"}, {"name": "2", "value": "Muebles Prueba"}],
            "buttons": [
                {"index": 0, "sub_type": "quick_reply", "value": "waba:stop"},
                {"index": 1, "sub_type": "url", "value": "sofas?u=17"},
            ],
        }
        cr.execute(
            """INSERT INTO waba_message
                      (uuid, direction, campaign_id, account_id, sender_id, recipient_id,
                       company_id, number, person_name, template_id, category, kind, parameters,
                       state, attempt_count, failed_attempt, failure_streak, retry_at, create_date)
               SELECT md5(random()::text || r.id), 'out', %(campaign)s, %(account)s, %(sender)s,
                      r.id, %(company)s, r.number, 'Ana Prueba', %(template)s, 'marketing',
                      'template', %(parameters)s, 'queued', 0, 0, 0,
                      now() AT TIME ZONE 'UTC' - interval '1 minute', now() AT TIME ZONE 'UTC'
                 FROM waba_recipient r
                WHERE r.portfolio_id = %(portfolio)s
                  AND r.number BETWEEN '+34' || (610000000 + %(first)s)
                                   AND '+34' || (610000000 + %(last)s)""",
            {
                "campaign": campaign_id,
                "account": self.account_id,
                "sender": sender_id,
                "company": self.company_id,
                "template": self.template_id,
                "parameters": json.dumps(parameters),
                "portfolio": self.portfolio_id,
                "first": first,
                "last": first + count - 1,
            },
        )

    def wake(self, *sender_indexes):
        """Have the numbers' jobs run, as when a person resumes them."""
        with self.bench.env() as env:
            senders = env["waba.sender"].browse(
                [self.sender_ids[i] for i in sender_indexes or (0,)]
            )
            senders.write({"state": "active", "pause_cause": False, "next_dispatch_at": False})
            senders._trigger_dispatch()

    def waiting(self):
        """Whether rows are still to be sent or answered."""
        return self.bench.sql(
            "SELECT 1 FROM waba_message WHERE state IN ('queued', 'reserved') LIMIT 1"
        )
