"""No query on a hot path reads a big table from end to end.

The history is made by SQL; then a campaign is prepared, sent and answered by the jobs themselves,
every statement they run is kept, and PostgreSQL is asked how it would run each of them.
"""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import Cursor
from odoo.tests import tagged

from ..common import WabaCase
from ..policy.test_policy_links import PHONE

PEOPLE = 20_000
BIG_TABLES = frozenset(
    ("waba_message", "waba_recipient", "waba_conversation", "waba_webhook_event",
     "phone_blacklist", "crm_lead", "waba_sequence_enrollment")
)  # fmt: skip


class Statements:
    """Every statement run while the block runs, once per text, with one set of its values.

    :ivar texts: {statement with placeholders: statement with values}
    """

    def __init__(self):
        self.texts = {}

    def __enter__(self):
        execute = Cursor.execute

        def keep_and_execute(cursor, query, params=None, log_exceptions=True):
            code, values = (query, params) if isinstance(query, str) else (query.code, query.params)
            if any(table in code for table in BIG_TABLES):
                self.texts.setdefault(code, cursor._obj.mogrify(code, values or None).decode())
            return execute(cursor, query, params, log_exceptions)

        self._patch = patch.object(Cursor, "execute", keep_and_execute)
        self._patch.start()
        return self

    def __exit__(self, *_error):
        self._patch.stop()


def scanned_tables(plan):
    """Names of the tables that a plan, as EXPLAIN (FORMAT JSON) gives it, reads sequentially."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    for part in plan.get("Plans", ()):
        found |= scanned_tables(part)
    return found


@tagged("post_install", "-at_install")
class TestQueryPlans(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._fill()

    @classmethod
    def _fill(cls):
        """A year of use: people, their messages, conversations and webhooks, all of it over."""
        cls.old_campaign = cls._campaign(cls._leads(1))
        cls.sequence = cls.env["waba.sequence"].create(
            {
                "name": "Old",
                "trigger": "manual",
                "sender_id": cls.sender.id,
                "step_ids": [(0, 0, {"template_id": cls.utility_template.id, "wait_amount": 0,
                                     "in_working_hours": False})],
            }
        )  # fmt: skip
        cls.sequence._activate()
        cls.env.flush_all()
        values = {
            "people": PEOPLE,
            "portfolio": cls.portfolio.id,
            "account": cls.account.id,
            "sender": cls.sender.id,
            "campaign": cls.old_campaign.id,
            "template": cls.template.id,
            "company": cls.account.company_id.id,
            "country": cls.env.ref("base.es").id,
            "sequence": cls.sequence.id,
            "step": cls.sequence.step_ids.id,
        }
        for statement in (PEOPLE_SQL, CONVERSATIONS_SQL, MESSAGES_SQL, INBOUND_SQL, EVENTS_SQL,
                          BLACKLIST_SQL, LEADS_SQL, ENROLLMENTS_SQL):  # fmt: skip
            cls.env.cr.execute(statement, values)
        for table in BIG_TABLES:
            cls.env.cr.execute(f"ANALYZE {table}")  # pylint: disable=sql-injection
        cls.env.invalidate_all()

    def setUp(self):
        super().setUp()
        # Nobody listens: one attempt to post each webhook is enough.
        self.simulator.post("delivery", give_up_after=0)

    def _check(self, statements):
        """Fail for each statement that would read a big table from end to end."""
        self.assertTrue(statements.texts)
        for code, text in statements.texts.items():
            if text.lstrip(" (\n").split(None, 1)[0].upper() not in (
                "SELECT", "INSERT", "UPDATE", "DELETE", "WITH",
            ):  # fmt: skip
                continue
            self.env.cr.execute(f"EXPLAIN (FORMAT JSON) {text}".replace("%", "%%"), ())
            [[found]] = self.env.cr.fetchall()
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            with self.subTest(code[:60]):
                self.assertFalse(
                    scanned_tables(plan) & BIG_TABLES, f"{text}\n{json.dumps(plan, indent=1)}"
                )

    def test_a_plan_that_scans_is_noticed(self):
        with Statements() as statements:
            self.env.cr.execute("SELECT count(*) FROM waba_message WHERE person_name = 'Nobody'")
        # Without its subtests: theirs would be counted as failures of this test.
        no_subtests = patch.object(type(self), "subTest", lambda *_args: patch.dict({}))
        with self.assertRaises(AssertionError), no_subtests:
            self._check(statements)

    def test_figures_of_campaigns_need_no_row_of_their_messages(self):
        """Of 5,000,000 messages the list of campaigns would read every row; the index is enough."""
        with Statements() as statements:
            self.old_campaign._count_states()
        [text] = statements.texts.values()
        for other_way in ("seqscan", "indexscan", "bitmapscan"):
            self.env.cr.execute(f"SET LOCAL enable_{other_way} = off")
        self.env.cr.execute(f"EXPLAIN {text}")
        plan = "\n".join(line for (line,) in self.env.cr.fetchall())
        self.assertIn("Index Only Scan using waba_message_campaign_state_idx", plan)

    def test_preparing(self):
        leads = self._leads(5, start=1000)
        campaign = self._campaign(leads)
        campaign.action_launch()
        with Statements() as statements:
            self._prepare()
        self.assertEqual(campaign.people_count, 5)
        self._check(statements)

    def test_sending(self):
        campaign = self._campaign(self._leads(5, start=2000))
        campaign.action_launch()
        self._prepare()
        with Statements() as statements:
            self._dispatch()
        self.assertEqual(len(self._rows(campaign, "accepted")), 5)
        self._check(statements)

    def test_sending_within_budgets(self):
        # The history is in the totals.
        self.env.cr.execute(
            """UPDATE waba_message SET held_charge = 0.05, charge_bound = 0.05,
                      counted_charge = 0.05, counted_month = '2026-01-01',
                      charge_month = '2026-01-01', cost_state = 'charged', company_cost = 0.05
                WHERE direction = 'out'"""
        )
        self.env.cr.execute("ANALYZE waba_message")
        company, totals = self.env.company, self.env["waba.budget.total"]
        company.write({"waba_month_budget": 100, "waba_unknown_price": 0.05})
        campaign = self._campaign(self._leads(5, start=2200), budget=10)
        campaign.action_launch()
        self._prepare()
        with Statements() as statements:
            self._dispatch()
            campaign.invalidate_recordset()
            self.assertEqual(campaign.budget_reserved, 0.25)
            totals._fold_batch(company)
            totals._expire_charges()
            self.env["waba.message"]._count_free_service(self.sender.id, "2026-11-01")
        self.assertEqual(len(self._rows(campaign, "accepted")), 5)
        self.assertTrue([text for text in statements.texts if "counted_charge" in text])
        self._check(statements)

    def test_sending_a_first_wave_with_part_of_the_limit_and_looking_at_it(self):
        self.portfolio.daily_cap = 100
        self.sender.canary_minimum = 2
        self.sender.write(
            {"response_action": "slow", "response_share": 0.5, "response_canary": True}
        )
        campaign = self._campaign(self._leads(5, start=2500))
        campaign.action_launch()
        self._prepare()
        with Statements() as statements:
            self._dispatch()
            self._dispatch()
            self.sender._own_slot_times(fields.Datetime.now())
            campaign.watched_from = campaign.launched_at
            campaign._check_campaign()
        self.assertEqual((campaign.sent_count, campaign.canary_state), (2, "waiting"))
        self.assertTrue([text for text in statements.texts if "count(DISTINCT" in text])
        self._check(statements)

    def test_waiting_for_quiet_hours_to_end(self):
        campaign = self._campaign(self._leads(5, start=2700))
        campaign.action_launch()
        self._prepare()
        self.env.company.write(
            {"waba_quiet_hours": True, "waba_quiet_from": 0, "waba_quiet_until": 23.99}
        )
        with Statements() as statements:
            self._dispatch()
            campaign.read(["hold_reason", "progress_text", "ends_at"])
            self.env.company.waba_quiet_hours = False
        self.assertTrue([text for text in statements.texts if "time_zone IS NOT" in text])
        self.assertEqual(campaign.queued_count, 5)
        self._check(statements)

    def test_direct_messages_are_read_from_the_heads_of_their_queues(self):
        self.env.cr.execute(DIRECT_SQL, {"sender": self.sender.id})
        self.env.cr.execute("ANALYZE waba_message")
        with Statements() as statements:
            self._dispatch()
        queues = [
            text
            for text in statements.texts.values()
            if "m.campaign_id IS NULL" in text and "JOIN waba_recipient" in text
        ]
        self.assertEqual(len(queues), 2)
        for text, index in zip(queues, ("awaited_queue", "direct_queue"), strict=True):
            self.env.cr.execute(f"EXPLAIN {text}".replace("%", "%%"), ())
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertIn(f"waba_message_{index}_idx", plan)
        self._check(statements)

    def test_counting_promotions(self):
        self.env.company.write({"waba_frequency_count": 2, "waba_frequency_days": 7})
        leads = self._leads(5, start=2800)
        campaign = self._campaign(leads)
        campaign.action_launch()
        with Statements() as statements:
            self._prepare()
            self._dispatch()
            self.env["waba.message"]._queue_direct(
                self.sender, leads[0], origin="sequence", template=self.template,
                variables=campaign.variable_ids,
            )  # fmt: skip
            campaign.read(["retryable_count"])
        self.assertEqual(campaign.sent_count, 5)
        texts = [text for text in statements.texts.values() if "array_agg(m.promoted_at" in text]
        self.assertTrue(texts)
        # What is counted is read from its index, not from the person's or the company's history.
        for text in texts:
            self.env.cr.execute(f"EXPLAIN {text}".replace("%", "%%"), ())
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertIn("waba_message_promoted_idx", plan)
        self._check(statements)

    def test_counting_repeats(self):
        self.env.company.waba_same_template_hours = 24
        leads = self._leads(5, start=2900)
        campaign = self._campaign(leads)
        campaign.action_launch()
        with Statements() as statements:
            self._prepare()
            self._dispatch()
            self.env["waba.message"]._queue_direct(
                self.sender, leads[0], origin="manual", template=self.template,
                variables=campaign.variable_ids,
            )  # fmt: skip
        self.assertEqual(campaign.sent_count, 5)
        texts = [text for text in statements.texts.values() if "AS use(index" in text]
        self.assertTrue(texts)
        for text in texts:
            self.env.cr.execute(f"EXPLAIN {text}".replace("%", "%%"), ())
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertIn("waba_message_template_left_idx", plan)
        self._check(statements)

    def test_sending_again_and_settling(self):
        campaign = self._campaign(self._leads(3, start=3000))
        campaign.action_launch()
        self._prepare()
        with self._fault(kind="error", code=130429), Statements() as statements:
            self._dispatch()
        self.assertTrue(self._rows(campaign, "queued"))
        self._check(statements)

    def test_applying_webhooks(self):
        self.simulator.post("behaviour", reply_rate=1.0, reply_texts=["Gracias", "BAJA"])
        campaign = self._launch(self._leads(4, start=4000))
        with Statements() as statements:
            self._apply_posted()
        self.assertEqual(campaign.read_count, 4)
        self.assertEqual(campaign.replied_count, 4)
        self._check(statements)

    def test_the_desk(self):
        """The list of conversations, one conversation, its record's, and what it polls."""
        lead = self._lead("+34700000001", user_id=self.salesperson.id)
        self._receive(self._inbound("+34700000001", "Hola", wamid="wamid.DESK"))
        conversations = self.env["waba.conversation"].with_user(self.salesperson)
        with Statements() as statements:
            found = conversations.web_search_read(
                [("last_inbound_at", "!=", False)],
                {"display_name": {}, "last_text": {}, "last_at": {}, "window_state": {},
                 "record_name": {}, "unread_count": {}},
                limit=80,
            )["records"]  # fmt: skip
            [chosen] = [row["id"] for row in found if row["last_text"] == "Hola"]
            data = conversations.conversation_data(chosen)
            conversations.conversation_older(chosen, data["last_id"])
            conversations.conversation_poll(chosen)
            conversations.conversation_seen(chosen)
            conversations.conversation_data(False, ["crm.lead", lead.id])
            conversations.conversation_send(
                {"conversation_id": chosen, "key": "k", "text": "Hola", "known_id": 1}
            )
        self._check(statements)

    def test_an_automatic_reply(self):
        self.env["waba.auto.reply"].create(
            {"name": "Hola", "trigger": "keyword", "words": "hola", "text": "Hola"}
        )
        with Statements() as statements:
            for index in range(2):
                self._receive(self._inbound("+34700000002", "Hola", wamid=f"wamid.AUTO{index}"))
        replies = self.env["waba.message"].search_count([("origin", "=", "reply")])
        self.assertEqual(replies, 1)
        self._check(statements)

    def test_follow_ups(self):
        """Entering, sending, an answer, a change of stage, beside 40,000 that wait or are over."""
        leads = self._leads(4, start=5000)
        with Statements() as statements:
            self.sequence._enroll_leads(leads)
            self._run_cron(self.env.ref("waba_campaign.ir_cron_run_followups"))
            self._dispatch()
            made = self.sequence.enrollment_ids.filtered(lambda one: one.lead_id in leads)
            made.write({"next_at": fields.Datetime.now()})
            leads[0].stage_id = self.env["crm.stage"].search([], limit=1)
            self._receive(self._inbound(leads[1].phone_sanitized, "Hola"))
            self._run_cron(self.env.ref("waba_campaign.ir_cron_run_followups"))
        self.assertEqual(made.mapped("steps_done"), [1] * 4)
        self.assertEqual(made.filtered(lambda one: one.lead_id == leads[1]).state, "stopped")
        self._check(statements)

    def test_screens(self):
        with Statements() as statements:
            self.old_campaign.invalidate_recordset()
            self.old_campaign.read(
                ["people_count", "read_count", "replied_count", "opted_out_count", "progress_text",
                 "retryable_count"]
            )  # fmt: skip
            self.portfolio.read(["slots_used", "next_slot_at"])
            self.sender.read(["queued_count", "campaign_count"])
            self.account.read(["last_event_at"])
        # A campaign's own figures read all of its rows: here they are the whole table.
        for code in [text for text in statements.texts if '"campaign_id" IN' in text]:
            del statements.texts[code]
        self._check(statements)

    def test_clicks_cost_and_what_came_of_messages(self):
        lead = self._lead("+34611000001", type="opportunity")
        at = fields.Datetime.now()
        row = self._message(
            state="delivered", delivered_at=at, sent_at=at, link_token="A" * 16, replied_at=at,
            res_model="crm.lead", res_id=lead.id, pricing_type="regular",
            pricing_category="marketing",
        )  # fmt: skip
        link = self.env["link.tracker"].create({"url": "https://a.example", "title": "A"})
        # The history is priced.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE waba_message SET cost_state = 'charged' WHERE id <> %s", (row.id,)
        )
        self.env.cr.execute("ANALYZE waba_message")
        lead.action_set_won()
        self.env.flush_all()
        messages, results = self.env["waba.message"], self.env["waba.attribution"]
        with Statements() as statements:
            messages._resolve_link(f"{link.code}-{'A' * 16}", "GET", PHONE)
            messages._price_batch()
            results._attribute_answers(at - timedelta(days=2))
            results._update_attributions(lead)
            self.env["waba.money.daily"]._recount_days(at.date(), at)
        self.assertTrue(row.clicked_at)
        self.assertEqual(row.cost_state, "no_rate")
        self.assertEqual(results.search_count([("message_id", "=", row.id)]), 3)
        self._check(statements)


PEOPLE_SQL = """
INSERT INTO waba_recipient (portfolio_id, number, user_uid, marketing_state, slot_at)
SELECT %(portfolio)s, '+34' || (700000000 + n), 'ES.' || n, 'opted_in',
       now() AT TIME ZONE 'UTC' - make_interval(hours => 25 + n %% 8000)
  FROM generate_series(1, %(people)s) AS n"""

CONVERSATIONS_SQL = """
INSERT INTO waba_conversation (sender_id, recipient_id, last_inbound_at)
SELECT %(sender)s, id, CASE WHEN id %% 10 = 0 THEN slot_at END
  FROM waba_recipient WHERE number LIKE '+347%%'"""

MESSAGES_SQL = """
INSERT INTO waba_message
       (uuid, wamid, direction, kind, campaign_id, account_id, sender_id, company_id, template_id,
        category, recipient_id, number, res_model, res_id, state, attempt_count, failed_attempt,
        failure_streak, retry_at, slot_at, accepted_at, promoted_at, template_left_at)
SELECT md5('old' || id), 'old.' || id, 'out', 'template', %(campaign)s, %(account)s, %(sender)s,
       %(company)s, %(template)s, 'marketing', id, number, 'crm.lead', 1000000 + id,
       (ARRAY['read', 'delivered', 'sent', 'failed'])[1 + id %% 4], 1, 0, 0, slot_at, slot_at,
       slot_at, slot_at, slot_at
  FROM waba_recipient WHERE number LIKE '+347%%'"""

# Follow-ups that wait until tomorrow.
DIRECT_SQL = """
INSERT INTO waba_message
       (uuid, direction, origin, kind, account_id, sender_id, company_id, template_id,
        category, recipient_id, number, state, attempt_count, failed_attempt,
        failure_streak, retry_at)
SELECT md5('direct' || id), 'out', (ARRAY['sequence', 'action', 'manual'])[1 + id %% 3], 'template',
       account_id, sender_id, company_id, template_id, 'utility', recipient_id, number, 'queued', 0,
       0, 0, now() AT TIME ZONE 'UTC' + interval '1 day'
  FROM waba_message WHERE sender_id = %(sender)s AND direction = 'out'"""

INBOUND_SQL = """
INSERT INTO waba_message
       (uuid, wamid, direction, kind, account_id, sender_id, company_id, recipient_id, state,
        attempt_count, failed_attempt, failure_streak)
SELECT md5('in' || id), 'in.' || id, 'in', 'text', %(account)s, %(sender)s, %(company)s, id,
       'received', 0, 0, 0
  FROM waba_recipient WHERE number LIKE '+347%%'"""

EVENTS_SQL = """
INSERT INTO waba_webhook_event
       (account_id, body, body_hash, received_at, applied_at, state, summary)
SELECT %(account)s, '{}', md5('event' || n), old, old, 'applied',
       CASE n %% 10 WHEN 0 THEN 'InboundMessage' ELSE 'MessageStatus' END
  FROM generate_series(1, %(people)s) AS n,
       LATERAL (SELECT now() AT TIME ZONE 'UTC' - make_interval(hours => 25 + n %% 2000))
           AS o(old)"""

BLACKLIST_SQL = """
INSERT INTO phone_blacklist (number, active)
SELECT '+34' || (750000000 + n), TRUE FROM generate_series(1, %(people)s) AS n"""

LEADS_SQL = """
INSERT INTO crm_lead (name, type, active, phone, phone_sanitized, country_id, company_id)
SELECT 'Old ' || n, 'opportunity', TRUE, '+34' || (700000000 + n), '+34' || (700000000 + n),
       %(country)s, %(company)s
  FROM generate_series(1, %(people)s) AS n"""

ENROLLMENTS_SQL = """
INSERT INTO waba_sequence_enrollment
       (sequence_id, company_id, lead_id, number, state, version, step_id, steps_done, error_count,
        is_to_plan, is_paused, entered_at, waiting_since, next_at, ended_at)
SELECT %(sequence)s, %(company)s, l.id, l.phone_sanitized, s.state, 1,
       CASE s.state WHEN 'running' THEN %(step)s END, 0, 0, FALSE, FALSE, old, old,
       CASE s.state WHEN 'running' THEN now() AT TIME ZONE 'UTC' + interval '9 days' END,
       CASE s.state WHEN 'done' THEN old END
  FROM crm_lead l, (VALUES ('running'), ('done')) AS s(state),
       LATERAL (SELECT now() AT TIME ZONE 'UTC' - interval '30 days') AS o(old)
 WHERE l.name LIKE 'Old %%'"""
