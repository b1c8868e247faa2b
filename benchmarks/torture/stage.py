"""The stage of a scenario: a fresh database, servers that can be killed, one platform."""

import json
import os
import random
import re
import signal
import time

from demo_lib.clients import OdooUser
from demo_lib.processes import DemoError, wait_for

from .database import Database, server_command
from .place import LEADS
from .servers import APP_SECRET, WABA_UID, Servers

# The wait of a whole scenario's settling, and how much stored time may pass meanwhile.
SETTLE_SECONDS = 420
END = 10**9
STEP_SECONDS = 120
MAX_TIME_PASSED = 3600
QUIET_SECONDS = 2.0
DAY_SECONDS = 86400
POLL_SECONDS = 0.25

# About 4 in 100 can't be reached, 93 get it, 60 read it, a few answer.
BEHAVIOUR = {
    "undeliverable_rate": 0.04, "delivered_rate": 0.97, "read_rate": 0.65, "reply_rate": 0.05,
}  # fmt: skip
DELIVERY = {
    "delays": {"sent": [0.0, 0.3], "delivered": [0.1, 0.6], "read": [0.1, 1.0],
               "failed": [0.1, 0.5], "inbound": [0.2, 0.8]},
    "batch_window": 0.2, "batch_max": 50, "first_retry": 1.0, "longest_retry": 5.0,
}  # fmt: skip
# A user's message or a rule of automation; the engine treats both in the same way.
OCCASION = """
sender = env["waba.sender"].browse(env.context["occasion_sender"])
template = env["waba.template"].search(
    [("account_id", "=", sender.account_id.id), ("name", "=", "order_update"),
     ("language", "=", "es")]
)
origin = env.context["occasion_origin"]
for lead in env["crm.lead"].browse(env.context["occasion_leads"]):
    env["waba.message"]._queue_direct(
        sender, lead, origin=origin, template=template, origin_key="%s/%s" % (origin, lead.id)
    )
"""
# The addon's key of a limit, and Meta's.
TIERS = {"250": "TIER_250", "2000": "TIER_2K"}
STATES = """
SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
       count(*) FILTER (WHERE state = 'reserved') AS reserved,
       count(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       count(*) AS rows
  FROM waba_message WHERE direction = 'out'
"""
# Leads whose next step is due, and messages queued for people whose slot lasts long enough: no
# limit delays these.
FOLLOWUPS_DUE = """
SELECT (SELECT count(*) FROM waba_sequence_enrollment
         WHERE state = 'running' AND NOT is_paused AND next_at <= now() AT TIME ZONE 'UTC')
     + (SELECT count(*) FROM waba_message m JOIN waba_recipient r ON r.id = m.recipient_id
         WHERE m.origin = 'sequence' AND m.state = 'queued'
           AND r.slot_at > now() AT TIME ZONE 'UTC' - interval '23 hours')
"""
ENROLLMENTS_DUE = """
SELECT count(*) FROM waba_sequence_enrollment
 WHERE state = 'running' AND NOT is_paused AND next_at <= now() AT TIME ZONE 'UTC'
"""
# The scheduler's own session stands idle in the transaction that locks the job's row, while the
# job works in another session.
LOSE_LOCK = """
SELECT count(pg_terminate_backend(a.pid))
  FROM pg_stat_activity a
 WHERE a.datname = %(database)s AND a.state = 'idle in transaction' AND EXISTS (
       SELECT 1 FROM pg_locks l
        WHERE l.pid = a.pid AND l.relation = 'ir_cron'::regclass AND l.mode = 'RowShareLock')
   AND a.query ILIKE '%%ir_cron%%'
"""


class Stage:
    """The stage of one scenario. End it with `close()`.

    :param place: Place
    :param name: the scenario's
    :param speed: messages per second of each number
    """

    def __init__(self, place, name, seed, speed):
        self.place = place
        self.speed = speed
        self.random = random.Random(f"{seed} {name}")
        self.servers = Servers(place, name)
        self.database = Database(place.database)
        self.kills = 0
        self.passed = 0
        self.limit = None
        self.may_wait = False
        self.red = None
        # {campaign id, or None for the month of all: highest amount}, and the platform's prices.
        self.budgets = {}
        self.prices = {}
        # The most that a promotion may cost, None without a maximum price.
        self.price_cap = None
        # Numbers of the people who closed the campaigns' topic while their message was queued.
        self.closed = set()
        self.is_supervised = False
        self._seen = None
        self._quiet_since = 0.0
        self.audiences = {}
        self.followups = {}
        # {recurring campaign: leads in its filter}
        self.recurrings = {}
        self._admin = None
        self._occasion_action = None
        self._leads = []

    def open(self):
        server_command(self.place.root, "copy", self.place.base, self.place.database)
        # The account was connected in the base, and would treat this one as a copy.
        self.database.rows("UPDATE waba_account SET home = NULL")
        self.servers.forget_crashes()
        self.simulator = self.servers.start_simulator()
        self.servers.start_web()
        key = self.database.value("SELECT webhook_key FROM waba_account")
        self.simulator.post("behaviour", **BEHAVIOUR)
        self.simulator.post(
            "delivery", url=f"{self.place.web_address}/waba/webhook/{key}", app_secret=APP_SECRET,
            **DELIVERY,
        )  # fmt: skip
        # No canary and no pause for bad results: the judge checks that nothing is lost.
        self.database.rows(
            """UPDATE waba_sender SET own_throughput = %s, canary = FALSE, warm_up = FALSE,
                      failure_limit = 1, opt_out_limit = 1""",
            (self.speed,),
        )
        self._leads = self.database.lead_ids()

    def close(self):
        self.servers.close()
        self.database.close()

    # ---- copying ------------------------------------------------------------------------------

    def connect(self):
        """Press Connect, which stores the home database of the account."""
        [account] = self.admin.search("waba.account", [], ["id"])
        self.admin.call("waba.account", "action_connect", [account["id"]])

    def copy_database(self):
        """`createdb -T` unknown to Odoo, then a host for the copy and one for the original.

        :return: the Database of the copy, its jobs triggered
        """
        self.servers.end_odoo()
        self.database.close()
        server_command(self.place.root, "copy", self.place.database, self.place.copy)
        self._admin = None
        self.servers.start_web()
        copy = Database(self.place.copy)
        self.servers.start_host(1, database=self.place.copy)
        return copy

    def wait_job_run(self, database, sender_id):
        """A worker has run a number's job in `database` since it was triggered."""
        question = """SELECT count(*) FROM ir_cron_trigger t JOIN waba_sender s USING (cron_id)
                       WHERE s.id = %s AND t.call_at <= now() AT TIME ZONE 'UTC'"""
        database.trigger(sender_id)

        def has_run():
            database.wake()
            return not database.value(question, (sender_id,))

        wait_for("the copy's job", has_run, SETTLE_SECONDS)

    # ---- acting -------------------------------------------------------------------------------

    @property
    def admin(self):
        if self._admin is None:
            self._admin = OdooUser(self.place.web_address, self.place.database, "admin", "admin")
        return self._admin

    def senders(self):
        """Ids of the numbers, in the order of Meta's ids."""
        rows = self.database.rows("SELECT id FROM waba_sender ORDER BY phone_number_uid")
        return [row["id"] for row in rows]

    def limit_people(self, limit):
        """The portfolio's messaging limit, a key of the addon's MESSAGING_LIMITS."""
        self.limit = int(limit)
        self.simulator.post("limit", limit=TIERS[limit], webhook=False)
        self.database.rows("UPDATE waba_portfolio SET messaging_limit = %s", (limit,))

    def take_leads(self, count):
        """The next `count` leads that no campaign of this scenario has addressed."""
        taken, self._leads = self._leads[:count], self._leads[count:]
        if len(taken) < count:
            raise DemoError(f"the base database has only {LEADS} leads")
        return taken

    def lead_numbers(self, lead_ids):
        return [row["phone_sanitized"] for row in self.database.rows(
            "SELECT phone_sanitized FROM crm_lead WHERE id = ANY(%s)", (lead_ids,)
        )]  # fmt: skip

    def campaign(self, lead_ids, sender_id=None, launch=True, budget=0):
        """A campaign to these leads, created and launched by a user; returns its id."""
        [template] = self.admin.search(
            "waba.template", [("name", "=", "autumn_offer"), ("language", "=", "es")], ["id"]
        )
        values = {
            "name": f"Torture {len(self.audiences)}", "template_id": template["id"],
            "sender_id": sender_id or self.senders()[0], "res_model": "crm.lead",
            "audience_domain": repr([("id", "in", lead_ids)]), "budget": budget,
        }  # fmt: skip
        [campaign_id] = self.admin.call("waba.campaign", "create", [values])
        lines = self.admin.search(
            "waba.campaign.variable",
            [("campaign_id", "=", campaign_id), ("kind", "!=", "payload")],
            ["id"],
        )
        words = {"source": "text", "text": "sofas"}
        self.admin.call("waba.campaign.variable", "write", [row["id"] for row in lines], words)
        self.audiences[campaign_id] = set(lead_ids)
        if budget:
            self.budgets[campaign_id] = budget
        if self.price_cap:
            values = {"campaign_id": campaign_id, "max_price": self.price_cap}
            self.admin.call("waba.campaign.price", "create", [values])
        if launch:
            self._launch(campaign_id)
        return campaign_id

    def set_topic(self, campaign_id):
        """Give a campaign that is not launched a topic; returns the topic's id."""
        [topic_id] = self.admin.call("waba.topic", "create", [{"name": "Offers"}])
        self.admin.call("waba.campaign", "write", [campaign_id], {"topic_id": topic_id})
        return topic_id

    def close_topic(self, campaign_id, topic_id, people):
        """So many people whose message is still queued close its topic, in one transaction.

        The rows are changed with it, so no reservation can have read them before.
        """
        found = self.database.rows(
            """WITH queued AS (
                    UPDATE waba_message SET write_date = write_date
                     WHERE id IN (SELECT id FROM waba_message
                                   WHERE campaign_id = %s AND state = 'queued'
                                ORDER BY random() LIMIT %s FOR UPDATE SKIP LOCKED)
                 RETURNING recipient_id, number),
                    said AS (
                    INSERT INTO waba_topic_state (recipient_id, topic_id, out_at)
                    SELECT recipient_id, %s, now() AT TIME ZONE 'UTC' FROM queued
                        ON CONFLICT DO NOTHING)
               SELECT number FROM queued""",
            (campaign_id, people, topic_id),
        )
        self.closed.update(row["number"] for row in found)

    def recurring(self, lead_ids, fallback="activity"):
        """A campaign to who is new among these leads, every day; returns its id.

        Undelivered messages become a call.
        """
        campaign_id = self.campaign(lead_ids, launch=False)
        self.audiences.pop(campaign_id, None)
        self.admin.call("waba.campaign", "write", [campaign_id], {"fallback_kind": fallback})
        values = {"campaign_id": campaign_id, "unit": "day", "late_hours": 0}
        [recurring_id] = self.admin.call("waba.recurring", "create", [values])
        self.admin.call("waba.recurring", "action_start", [recurring_id])
        self.recurrings[recurring_id] = lead_ids
        return recurring_id

    def widen(self, recurring_id, lead_ids):
        """More leads come into the filter of a recurring campaign, whose owner confirms it."""
        leads = self.recurrings[recurring_id] = self.recurrings[recurring_id] + lead_ids
        [one] = self.admin.search("waba.recurring", [("id", "=", recurring_id)], ["campaign_id"])
        domain = {"audience_domain": repr([("id", "in", leads)])}
        self.admin.call("waba.recurring", "action_pause", [recurring_id])
        self.admin.call("waba.campaign", "write", [one["campaign_id"][0]], domain)
        self.admin.call("waba.recurring", "action_start", [recurring_id])

    def reach_planned_time(self):
        """Every recurring campaign is due, and so are the fallbacks."""
        self.database.rows(
            "UPDATE waba_recurring SET next_at = date_trunc('second', now() AT TIME ZONE 'UTC')"
        )
        self.database.run_job("ir_cron_recurring")
        self.database.wake()

    def wait_runs(self, count):
        """Wait until so many runs were launched."""
        self._wait_awake(
            "the runs",
            lambda: (
                self.database.value("SELECT count(*) FROM waba_recurring_run") == count
            ),
            SETTLE_SECONDS,
        )  # fmt: skip

    def run_fallbacks(self):
        """Wait until no fallback is queued any more."""
        self.database.run_job("ir_cron_fallback")
        self._wait_awake(
            "the fallbacks",
            lambda: (
                not self.database.value("SELECT count(*) FROM waba_fallback WHERE state = 'queued'")
            ),
            SETTLE_SECONDS,
        )

    def set_prices(self, marketing, utility):
        """The same prices on the platform's list and on our rate card; budgets may be used up."""
        self.prices = {"MARKETING": marketing, "UTILITY": utility}
        prices = {name.lower(): price for name, price in self.prices.items()}
        self.simulator.post("prices", prices={"*": prices})
        for category, amount in prices.items():
            values = {"market": "All", "category": category, "amount": amount,
                      "valid_from": "2026-01-01"}  # fmt: skip
            self.admin.call("waba.rate", "create", [values])
        self.may_wait = True

    def open_auction(self, template_price, price_cap, clearing_price):
        """Promotions go by the Marketing Messages API, where an auction finds their price.

        Campaigns of this stage may pay `price_cap`, less than the template's own maximum; some
        people cost more, and never get the message, of which nobody is told.
        """
        [currency] = self.database.rows(
            "SELECT r.name FROM res_company c JOIN res_currency r ON r.id = c.currency_id"
            " WHERE c.id = 1"
        )
        for values in (
            {"marketing_messages_onboarding_status": "ONBOARDED", "currency": currency["name"]},
            {"max_price_agreement": True},
        ):
            self.simulator.post("account", id=WABA_UID, **values)
        bid = round(template_price * 100_000)
        self.simulator.post("template", id=self._offer_uid(), bid=bid)
        self.simulator.post("auction", price=clearing_price, spread=0.3, lost="silent")
        [account] = self.admin.search("waba.account", [], ["id"])
        self.admin.call("waba.account", "write", [account["id"]], {
            "promotions_by": "marketing_api"})  # fmt: skip
        self.admin.call("waba.account", "action_sync", [account["id"]])
        self.price_cap = price_cap

    # ---- outgoing events ----------------------------------------------------------------------

    def subscribe(self):
        """Another system subscribes to all events of messages; returns the path of its log."""
        url, log = self.servers.start_receiver()
        parameter = ["waba_campaign.allowed_addresses", "127.0.0.1"]
        self.admin.call("ir.config_parameter", "set_param", *parameter)
        self.admin.call("waba.outgoing.webhook", "create", [{"name": "Torture", "url": url}])
        return log

    def hurry_events(self):
        """Make every event that waits for its next attempt due, and run the job."""
        self.database.rows(
            "UPDATE waba_outgoing_event SET next_attempt_at = now() AT TIME ZONE 'UTC'"
            " WHERE state = 'queued'"
        )
        self.database.run_job("ir_cron_outgoing")

    def drain_events(self):
        """Let the job try until the receiver has accepted every event."""

        def is_drained():
            self.hurry_events()
            return not self.database.value(
                "SELECT count(*) FROM waba_outgoing_event WHERE state = 'queued'"
            )

        self._wait_awake("the outgoing events", is_drained, SETTLE_SECONDS)

    def check_events(self, log, least):
        """Judge by the receiver's log: one ID per fact, and every fact of every message arrived.

        :param least: events without which the scenario showed nothing
        """
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        ids, accepted = {}, set()
        for line in lines:
            ids.setdefault((line["event"], line["message"]), set()).add(line["id"])
            if line["status"] == 200:
                accepted.add((line["event"], line["message"]))
        twice = [fact for fact, found in ids.items() if len(found) > 1]
        happened = {
            (kind, row["id"])
            for row in self.database.rows(
                """SELECT id, direction, delivered_at IS NOT NULL OR read_at IS NOT NULL AS arrived,
                          read_at IS NOT NULL AS was_read, state = 'failed' AS failed
                     FROM waba_message WHERE direction IN ('in', 'out')"""
            )
            for kind, is_so in (
                ("delivered", row["direction"] == "out" and row["arrived"] and not row["failed"]),
                ("read", row["was_read"]),
                ("failed", row["failed"]),
                ("replied", row["direction"] == "in"),
            )
            if is_so
        }
        of_messages = {fact for fact in accepted if fact[1]}
        problems = {
            "facts with several IDs": twice,
            "facts that never arrived": sorted(happened - of_messages),
            "events of what never happened": sorted(of_messages - happened),
        }
        found = {what: facts[:5] for what, facts in problems.items() if facts}
        if found or len(accepted) < least or len(lines) == len(accepted):
            raise DemoError(f"{len(lines)} requests, {len(accepted)} facts: {found}")

    def limit_month(self, amount):
        """The company's budget of the month, which its colleagues' templates keep too."""
        self.admin.call("res.company", "write", [1], {
            "waba_month_budget": amount, "waba_budget_direct": "hold"})  # fmt: skip
        self.budgets[None] = amount

    def raise_budget(self, campaign_id, amount):
        self.admin.call("waba.campaign", "write", [campaign_id], {"budget": amount})
        self.budgets[campaign_id] = amount

    def settle_budgets(self):
        """Settle; price what arrived and let what is free again be spent, until nothing moves."""
        accepted = None
        while accepted != (accepted := self.simulator.get("stats")["messages"]["accepted"]):
            self.settle()
            for job in ("ir_cron_money", "ir_cron_watch"):
                self.database.run_job(job)
                self._wait_awake(
                    f"the job {job}", lambda job=job: self.database.has_run(job), SETTLE_SECONDS
                )
            self.settle()

    def launch(self, campaign_id):
        """Launch a campaign that `campaign` has only created."""
        self._launch(campaign_id)

    def _launch(self, campaign_id):
        """As a manager does: thousands of new contacts need an override."""
        preflight_id = self.admin.call("waba.campaign", "action_preflight", [campaign_id])["res_id"]
        [preflight] = self.admin.search(
            "waba.preflight", [("id", "=", preflight_id)], ["can_override"]
        )
        if not preflight["can_override"]:
            self.admin.call("waba.preflight", "action_launch", [preflight_id])
            return
        self.admin.call("waba.preflight", "write", [preflight_id], {"reason": "Torture"})
        self.admin.call("waba.preflight", "action_override", [preflight_id])

    def direct(self, sender_id, lead_ids):
        """One service message to each of these people, outside any campaign."""
        self.database.queue_direct(sender_id, self.lead_numbers(lead_ids))

    def occasions(self, origin, sender_id, lead_ids):
        """Request a service message to each of these people by the engine's own method.

        A repeated request is the same occasion: no person gets another message.
        """
        if not self._occasion_action:
            self._create_occasion_action()
        context = {
            "occasion_sender": sender_id, "occasion_origin": origin, "occasion_leads": lead_ids,
        }  # fmt: skip
        self.admin.call("ir.actions.server", "run", [self._occasion_action], context=context)

    def followup(self, sender_id, steps=({"wait_amount": 0}, {"wait_amount": 2})):
        """A running follow-up of service messages: one immediately, one two hours after it.

        Created and started as by a manager; returns its id.
        """
        if not self._occasion_action:
            self._create_occasion_action()
        [template] = self.admin.search(
            "waba.template", [("name", "=", "order_update"), ("language", "=", "es")], ["id"]
        )
        step = {"kind": "template", "template_id": template["id"], "in_working_hours": False,
                "wait_unit": "hours"}  # fmt: skip
        values = {
            "name": f"Torture {sender_id}", "trigger": "manual", "sender_id": sender_id,
            "step_ids": [(0, 0, {**step, "sequence": place, **values})
                         for place, values in enumerate(steps)],
        }  # fmt: skip
        [sequence_id] = self.admin.call("waba.sequence", "create", [values])
        self._confirm("waba.sequence.activate", {"sequence_id": sequence_id})
        self.followups[sequence_id] = set()
        return sequence_id

    def enroll(self, sequence_id, lead_ids):
        """A user enrolls these leads; those already enrolled stay where they are."""
        values = {"sequence_id": sequence_id, "lead_ids": [(6, 0, lead_ids)]}
        self._confirm("waba.sequence.enroll", values)
        self.followups[sequence_id].update(lead_ids)

    def _confirm(self, wizard, values):
        self.admin.call(wizard, "action_confirm", self.admin.call(wizard, "create", [values]))

    def wait_steps_processed(self):
        """Wait until the job has processed every lead whose step is due."""
        self._wait_awake(
            "the follow-ups' job", lambda: not self.database.value(ENROLLMENTS_DUE), SETTLE_SECONDS
        )

    def second_steps(self):
        """Number of second messages of follow-ups that WhatsApp accepted."""
        return self.database.value(
            """SELECT count(*) FROM waba_message
                WHERE origin = 'sequence' AND accepted_at IS NOT NULL
                  AND sequence_step_id NOT IN (SELECT min(id) FROM waba_sequence_step
                                             GROUP BY sequence_id)"""
        )

    def _create_occasion_action(self):
        lines = self.admin.search(
            "waba.template.variable",
            [("template_id.name", "=", "order_update"), ("kind", "!=", "payload")],
            ["id"],
        )
        words = {"source": "text", "text": "S00042"}
        self.admin.call("waba.template.variable", "write", [row["id"] for row in lines], words)
        [model] = self.admin.search("ir.model", [("model", "=", "crm.lead")], ["id"])
        values = {
            "name": "Torture", "state": "code", "model_id": model["id"], "code": OCCASION.strip(),
        }  # fmt: skip
        [self._occasion_action] = self.admin.call("ir.actions.server", "create", [values])

    def keep_for_followups(self, share):
        """Set the share of the limit that is reserved for other messages than campaigns'."""
        self.database.rows("UPDATE waba_portfolio SET followup_share = %s", (share,))

    def taken_outside_campaigns(self):
        """{origin: messages outside campaigns that WhatsApp accepted}"""
        rows = self.database.rows(
            """SELECT origin, count(*) AS taken FROM waba_message
                WHERE campaign_id IS NULL AND direction = 'out' AND accepted_at IS NOT NULL
             GROUP BY origin"""
        )
        return {row["origin"]: row["taken"] for row in rows}

    def pause_numbers(self):
        self.database.rows("UPDATE waba_sender SET state = 'paused', pause_cause = 'person'")

    def resume_numbers(self):
        """All numbers at the same time."""
        self.database.rows("UPDATE waba_sender SET state = 'active', pause_cause = NULL")
        for sender_id in self.senders():
            self.database.trigger(sender_id)
        self.database.wake()

    def wait_prepared(self):
        """Wait until every audience has its rows."""
        self._wait_awake(
            "the audiences",
            lambda: (
                not self.database.value(
                    "SELECT count(*) FROM waba_campaign WHERE state IN ('scheduled', 'preparing')"
                )
            ),
            SETTLE_SECONDS,
        )

    def fault(self, kind, **rule):
        self.simulator.post("faults", kind=kind, **{"endpoint": "messages", **rule})

    def set_template(self, status):
        """Meta changes the status of the campaigns' template and reports it by webhook."""
        self.simulator.post("template", id=self._offer_uid(), status=status)

    def _offer_uid(self):
        """Meta's id of the campaigns' template."""
        return next(
            template["id"]
            for template in self.simulator.get("world")["templates"]
            if (template["name"], template["language"]) == ("autumn_offer", "es")
        )

    def set_rating_red(self):
        """Meta rates the first number red, and the next poll reads it.

        `red` keeps what was under way then: (place in the platform's log, uuids of reserved rows).
        """
        [sender] = self.database.rows(
            "SELECT id, phone_number_uid FROM waba_sender ORDER BY phone_number_uid LIMIT 1"
        )
        self.simulator.post("number", id=sender["phone_number_uid"], quality_rating="RED")
        self.database.poll_now()
        self._wait_awake("the poll", lambda: self.database.value(
            "SELECT quality_rating = 'red' FROM waba_sender WHERE id = %s", (sender["id"],)
        ), SETTLE_SECONDS)  # fmt: skip
        reserved = self.database.rows("SELECT uuid FROM waba_message WHERE state = 'reserved'")
        self.red = self.simulator.get("log", since=END)["next"], {row["uuid"] for row in reserved}
        self.may_wait = True

    # ---- killing ------------------------------------------------------------------------------

    def wait_killed_at(self, point, times=1, skip=0, seconds=120):
        """Wait until a process has been killed at this crash point, `times` times."""
        for _time in range(times):
            before = self.servers.kill_count()
            self.servers.arm(point, skip)
            try:
                self._wait_awake(
                    f"a process at the point '{point}'",
                    lambda before=before: self.servers.kill_count() > before,
                    seconds,
                )
            finally:
                self.servers.disarm()
            self.kills += 1

    def wait_killed(self, seconds=120):
        """The point armed before has killed one more process."""
        self._wait_awake("the armed crash", lambda: self.servers.kill_count() > self.kills, seconds)
        self.kills += 1

    def kill_at_random(self, times, within=4.0):
        """Kill a worker, one that is sending if any is, at random instants."""
        for _time in range(times):
            self.wait_idle(self.random.uniform(0.1, within))
            pids = self.servers.sending_pids() or self.servers.cron_pids()
            if pids:
                os.kill(self.random.choice(pids), signal.SIGKILL)
                self.kills += 1

    def freeze(self, seconds):
        """Stop a worker that is sending, as a machine that stands still does, and let it go on."""
        pids = self.servers.sending_pids()
        if not pids:
            raise DemoError("no worker is sending: nothing to freeze")
        os.kill(pids[0], signal.SIGSTOP)
        try:
            self.wait_idle(seconds)
        finally:
            os.kill(pids[0], signal.SIGCONT)

    def lose_lock(self):
        """End the database session in which the scheduler holds a running job; how many."""
        return self.database.value(LOSE_LOCK, {"database": self.place.database})

    def wait_idle(self, seconds):
        """Let the engine work with only the scheduler's own polling."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tend_processes()
            time.sleep(min(POLL_SECONDS, seconds))

    def _tend_processes(self):
        """Runs during every wait: the scheduler looks for jobs, dead hosts are restarted.

        When nothing moves, time passes: what waits for a moment (a reservation to expire, a retry,
        the space between two messages to one person, Odoo's own pause after three kills of a job)
        gets it. Alarms that the engine set are due then; one that it forgot stays forgotten.
        """
        if self.is_supervised:
            self.servers.restart_ended_hosts()
        self.database.wake()
        now, seen = time.monotonic(), (self.states(), self.simulator.get("log", since=END)["next"])
        if seen != self._seen:
            self._seen, self._quiet_since = seen, now
        elif now - self._quiet_since > QUIET_SECONDS and self.pass_time(STEP_SECONDS):
            self._quiet_since = now

    def _wait_awake(self, what, condition, seconds):
        def awake():
            self._tend_processes()
            return condition()

        return wait_for(what, awake, seconds)

    def wait_sending(self):
        """A worker is sending, and the platform accepts messages."""
        count = self.simulator.get("stats")["messages"]["accepted"]
        self.wait_accepted(count + 10)
        self._wait_awake("a worker that sends", self.servers.sending_pids, 60)

    def wait_paused(self):
        self._wait_awake(
            "the campaign's pause",
            lambda: self.database.value(
                "SELECT count(*) FROM waba_campaign WHERE state = 'paused'"
            ),
            60,
        )

    def wait_accepted(self, count):
        """Wait until the platform has accepted that many messages."""
        self._wait_awake(
            f"{count} accepted messages",
            lambda: self.simulator.get("stats")["messages"]["accepted"] >= count,
            SETTLE_SECONDS,
        )

    def wait_no_queue(self):
        """No message is queued and none is being sent."""

        def is_empty():
            states = self.states()
            return not states["queued"] and not states["reserved"]

        self._wait_awake("the end of sending", is_empty, SETTLE_SECONDS)

    # ---- waiting ------------------------------------------------------------------------------

    def states(self):
        """{'queued', 'reserved', 'uncertain', 'rows': counts of outgoing messages}"""
        [row] = self.database.rows(STATES)
        return row

    def pass_time(self, seconds):
        """Stored times and the platform's clock move together; False while a job runs."""
        if not self.database.pass_time(seconds):
            return False
        self.simulator.post("clock", advance=seconds)
        self.passed += seconds
        return True

    def pass_day(self, part):
        """Let that part of a day pass, as soon as no job runs."""
        self._wait_awake("a moment without a job", lambda: self.pass_time(part * DAY_SECONDS), 120)

    def settle(self):
        """Wait until everything possible is sent, reported and applied."""
        end, most = time.monotonic() + SETTLE_SECONDS, self.passed + MAX_TIME_PASSED
        while not self._is_settled():
            if time.monotonic() > end or self.passed > most:
                raise DemoError(f"not settled: {self.states()}, {self.passed} s passed")
            self._tend_processes()
            time.sleep(POLL_SECONDS)

    def _is_settled(self):
        """No request is in flight; rows are queued only where the scenario allows it."""
        states = self.states()
        preparing = self.database.value(
            "SELECT count(*) FROM waba_campaign WHERE state IN ('scheduled', 'preparing')"
        )
        if states["reserved"] or preparing or (states["queued"] and not self.at_limit()):
            return False
        if self.followups and self.database.value(FOLLOWUPS_DUE):
            return False
        if not self.simulator.post("flush", timeout=POLL_SECONDS)["flushed"]:
            return False
        return (
            not self.database.value("SELECT count(*) FROM waba_webhook_event WHERE state = 'new'")
            and not self.servers.sending_pids()
        )

    def at_limit(self):
        """Rows may wait if the scenario allows it, or if every slot of the limit is used."""
        if self.may_wait or self.limit is None:
            return self.may_wait
        return self.limit <= self.database.value(
            "SELECT count(*) FROM waba_recipient"
            " WHERE slot_at > now() AT TIME ZONE 'UTC' - interval '24 hours'"
        )

    def errors(self):
        """Lines of Odoo's logs at level ERROR or above, without those about workers that died."""
        died = re.compile(r"Worker \w+ \(|Job .* timed out")
        return [line for line in self.servers.errors() if not died.search(line)]
