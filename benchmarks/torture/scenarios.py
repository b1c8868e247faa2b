"""The scenarios. Each acts on a fresh Stage; judging comes after it."""

import threading
import time
from dataclasses import dataclass
from functools import partial

import psycopg2
from demo_lib.processes import DemoError

from . import branches, conversions
from .servers import restart_postgres

# Fewer than Meta's 80 a second, so that jitter of arrivals on a busy machine does not look like a
# number that sends too fast; two runs at once would still be detected.
SPEED = 72
SLOW_REPLY_MS = 350
FOLLOWUPS_POINT = "follow-ups moved on, not committed"


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    :param act: called with the Stage; brings it to a settled state
    :param own_postgres: it restarts PostgreSQL, which must be the run's own
    :param errors_expected: Odoo's log may hold errors (broken connections, killed jobs)
    :param judge: called with the Stage; further checks, as `judge.judge` returns them
    """

    name: str
    act: object
    own_postgres: bool = False
    errors_expected: bool = False
    short: bool = False
    judge: object = None


# ---- kill -9 at named points -------------------------------------------------------------------


def kill_while_sending(point, stage, skip=0):
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(300))
    stage.wait_killed_at(point, times=2, skip=skip)
    stage.settle()


def kill_while_preparing(point, stage):
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(1300))
    stage.wait_killed_at(point, times=2 if "chunk" in point else 1)
    stage.settle()


def kill_while_settling(stage):
    """The rows of a killed run are being declared uncertain when the next run is killed."""
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(200))
    stage.wait_killed_at("requests in flight")
    stage.wait_killed_at("replies not written")
    stage.servers.arm("expired reservations being settled")
    stage.settle()
    stage.kills += stage.servers.kill_count() - stage.kills


def kill_while_pausing(stage):
    """Meta pauses the template while it is being sent, and releases it again."""
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(300))
    stage.wait_idle(1)
    stage.servers.arm("pause being written")
    stage.set_template("PAUSED")
    stage.wait_killed()
    stage.wait_paused()
    stage.set_template("APPROVED")
    stage.settle()


def kill_while_requeueing(stage):
    """A pause takes unsent rows back; the worker dies before that is committed."""
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    campaign_id = stage.campaign(stage.take_leads(400))
    stage.wait_idle(1)
    stage.servers.arm("taking back unsent rows")
    stage.fault("error", code=131057, count=1)
    stage.wait_killed()
    stage.settle()
    return campaign_id


def kill_webhook_server(stage):
    """The web server dies with a verified webhook stored but not committed; Meta sends it again."""
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(200))
    for _time in range(2):
        stage.wait_killed_at("webhook stored, not committed")
        stage.servers.start_web()
    stage.settle()


def kill_at_random(stage, people=5000, times=50):
    stage.fault("latency", ms=[20, 200], count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(people))
    stage.kill_at_random(times)
    stage.settle()


def kill_hosts(stage):
    """Whole hosts die with all their workers; others take over."""
    stage.fault("latency", ms=[20, 200], count=None)
    hosts = [stage.servers.start_host(1), stage.servers.start_host(1)]
    stage.campaign(stage.take_leads(1200))
    for turn in range(4):
        stage.wait_idle(stage.random.uniform(0.5, 3))
        hosts[turn % 2].kill()
        stage.kills += 1
        hosts[turn % 2] = stage.servers.start_host(1)
    stage.settle()


# ---- crowds ------------------------------------------------------------------------------------


def crowd_on_one_number(hosts, stage):
    """Several hosts, two campaigns and single sends, one number."""
    for _host in range(hosts):
        stage.servers.start_host(1)
    first, second = stage.take_leads(300), stage.take_leads(200)
    stage.campaign(first)
    stage.campaign(second + first[:50])
    for _time in range(5):
        stage.direct(stage.senders()[0], stage.take_leads(20) + first[:5])
        stage.wait_idle(0.5)
    stage.settle()


def crowd_on_one_portfolio(hosts, shared_count, stage):
    """Four numbers share a limit of 250 people; campaigns overlap, single sends compete.

    People in several campaigns are rows that reservations compete for; without them only the
    portfolio's lock separates two reservations. Then the day passes in uneven parts: slots free one
    by one, never more than the limit.
    """
    stage.limit_people("250")
    # Each reservation takes so long that those of the other numbers overlap with it.
    stage.servers.delay_at("reserved, not committed", 0.15)
    for _host in range(hosts):
        stage.servers.start_host(1)
    senders, shared = stage.senders(), stage.take_leads(shared_count)
    # All numbers begin at the same moment, with everything prepared.
    stage.pause_numbers()
    for sender_id in senders:
        stage.campaign(stage.take_leads(110) + shared, sender_id)
        stage.direct(sender_id, stage.take_leads(10))
    stage.wait_prepared()
    stage.resume_numbers()
    stage.settle()
    for part in (0.3, 0.45, 0.3):
        stage.pause_numbers()
        stage.pass_day(part)
        for sender_id in senders:
            stage.direct(sender_id, stage.take_leads(5))
        stage.resume_numbers()
        stage.settle()


def mixed_on_one_portfolio(hosts, number_count, people, followups, days, stage):
    """Campaigns, follow-ups, automation and users compete for the same 250 slots; workers die.

    The scheduler is killed while it moves leads on. Everything outside campaigns is requested
    twice, as after an interruption.
    """
    stage.limit_people("250")
    stage.keep_for_followups(0.2)
    stage.servers.delay_at("reserved, not committed", 0.15)
    for _host in range(hosts):
        stage.servers.start_host(1)
    senders, shared = stage.senders()[:number_count], stage.take_leads(10)
    wanted = [
        (origin, sender_id, stage.take_leads(followups) + shared[:3])
        for sender_id in senders
        for origin in ("action", "manual")
    ]
    followed = {
        stage.followup(sender_id): shared[:3] + stage.take_leads(followups) for sender_id in senders
    }
    stage.pause_numbers()
    for sender_id in senders:
        stage.campaign(stage.take_leads(people) + shared, sender_id)
    # A few exist when the campaigns begin, so that each kind gets slots; most come later.
    stage.servers.arm(FOLLOWUPS_POINT)
    for sequence_id, lead_ids in followed.items():
        stage.enroll(sequence_id, lead_ids[:8])
    stage.wait_killed()
    stage.wait_prepared()
    stage.wait_steps_processed()
    stage.resume_numbers()
    stage.wait_killed_at("reserved, not committed")
    # The others come while the campaigns are under way.
    stage.wait_accepted(60)
    stage.servers.arm("handed over, nothing sent")
    for occasion in wanted:
        stage.occasions(*occasion)
    stage.wait_killed()
    stage.servers.arm(FOLLOWUPS_POINT)
    for sequence_id, lead_ids in followed.items():
        stage.enroll(sequence_id, lead_ids)
    for occasion in wanted:
        stage.occasions(*occasion)
    stage.wait_killed()
    stage.settle()
    check_not_starved(stage, kept=50)
    for part in days:
        stage.pause_numbers()
        stage.pass_day(part)
        stage.wait_killed_at(FOLLOWUPS_POINT)
        stage.resume_numbers()
        stage.settle()
    if days and stage.second_steps() < _required_second_messages(followed):
        raise DemoError(f"only {stage.second_steps()} second steps of the follow-ups were sent")


def budgets(people, hosts, points, stage, has_auction=False):
    """Four campaigns with a budget each, all within one of the month; automation competes.

    Messages fail, answers are lost, workers die; what becomes free is spent, and no more. Then one
    budget is raised.
    """
    stage.set_prices(marketing=0.0615, utility=0.0213)
    price, share, senders, endpoint = 0.0615, 0.6, stage.senders(), "messages"
    if has_auction:
        # Three in ten cost more, and do not get it.
        price, share, endpoint = 0.0503, 0.5, "marketing_messages"
        stage.open_auction(template_price=0.07, price_cap=price, clearing_price=0.045)
    budget = round(people * price * share, 2)
    stage.limit_month(round(3.4 * budget, 2))
    stage.fault("latency", ms=[20, 200], count=None, endpoint=endpoint)
    stage.fault("reset", when="after", count=4, skip=30, endpoint=endpoint)
    stage.fault("status_5xx", body="graph", count=10, skip=80, endpoint=endpoint)
    stage.servers.delay_at("reserved, not committed", 0.15)
    for _host in range(hosts):
        stage.servers.start_host(4 // hosts)
    stage.pause_numbers()
    campaigns = [
        stage.campaign(stage.take_leads(people), sender_id, budget=budget) for sender_id in senders
    ]
    stage.wait_prepared()
    stage.resume_numbers()
    for origin, sender_id in zip(("action", "manual"), senders, strict=False):
        stage.occasions(origin, sender_id, stage.take_leads(people // 10))
    for point in points:
        stage.wait_killed_at(point)
    stage.servers.arm("prices written, not committed")
    stage.settle_budgets()
    stage.servers.disarm()
    stage.raise_budget(campaigns[0], round(budget * 1.1, 2))
    stage.settle_budgets()
    stage.kills = stage.servers.kill_count()


def outgoing_events(people, points, stage):
    """Another system is told what becomes of each message; it fails often, and workers die.

    Recorded exactly once, delivered at least once with the same ID; judged by the receiver's log.
    """
    log = stage.subscribe()
    stage.servers.start_host(4)
    stage.campaign(stage.take_leads(people))
    stage.wait_killed_at("statuses applied, not committed")
    for point in points:
        stage.hurry_events()
        stage.wait_killed_at(point)
    stage.settle()
    stage.drain_events()
    stage.check_events(log, least=people)


def _required_second_messages(followed):
    """The minimum number of second messages sent after days: people answer, a colleague writes,
    some cannot be reached."""
    return sum(len(lead_ids) for lead_ids in followed.values()) // 8


def check_not_starved(stage, kept):
    taken = stage.taken_outside_campaigns()
    # Those with only a reservation by a killed worker are not included.
    if sum(taken.values()) < kept / 2 or len(taken) < 3:
        raise DemoError(f"the campaigns starved the others: {taken} of {kept} kept places")


def serialization_failures(stage):
    """Another client keeps writing the rows that the engine locks and counts."""
    stage.limit_people("2000")
    stage.servers.start_host(1)
    stage.servers.start_host(1)
    senders = stage.senders()[:2]
    with Disturber(stage.place.database) as disturber:
        for sender_id in senders:
            stage.campaign(stage.take_leads(250), sender_id)
        stage.wait_idle(10)
    stage.settle()
    disturber.check()


def lost_lock(stage):
    """The scheduler loses its lock on a running job, so that two workers run the same number."""
    stage.fault("latency", ms=[100, 400], count=None)
    stage.servers.start_host(1)
    stage.servers.start_host(1)
    stage.campaign(stage.take_leads(1500))
    stage.wait_idle(2)
    lost = 0
    while lost < 3:
        if not stage.states()["queued"]:
            raise DemoError(f"everything was sent before the lock was lost {lost + 1} times")
        lost += stage.lose_lock()
        stage.wait_idle(1)
    stage.settle()


def red_while_sending(stage):
    """A poll reads that Meta rates the number red, in the middle of a campaign."""
    stage.fault("latency", ms=[100, 400], count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(900))
    stage.wait_idle(2)
    stage.set_rating_red()
    stage.direct(stage.senders()[0], stage.take_leads(20))
    stage.wait_idle(10)
    stage.settle()


def postgres_restarts(stage):
    """PostgreSQL crashes three times; a service manager keeps the hosts up, as in production."""
    stage.is_supervised = True
    # In a database just copied, PostgreSQL 15 does not log the first 32 values of a sequence: after
    # a crash it would give them out again. A checkpoint makes it log them.
    stage.database.rows("CHECKPOINT")
    stage.fault("latency", ms=[20, 200], count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(900))
    for _time in range(3):
        stage.wait_idle(stage.random.uniform(2, 4))
        restart_postgres()
    stage.settle()


def stalled_worker(stage):
    """A worker stops for longer than its rows may wait (a frozen host), then continues."""
    stage.fault("latency", ms=[20, 200], count=None)
    stage.servers.start_host(1)
    stage.servers.start_host(1)
    stage.campaign(stage.take_leads(400))
    for _time in range(2):
        stage.wait_sending()
        stage.freeze(25)
    stage.settle()


class Disturber(threading.Thread):
    """Writes recipients, conversations, the sender and the portfolio, all the time."""

    QUERIES = (
        "UPDATE waba_recipient SET name = name WHERE id IN"
        " (SELECT id FROM waba_recipient ORDER BY random() LIMIT 20)",
        "UPDATE waba_sender SET verified_name = verified_name",
        "UPDATE waba_message SET person_name = person_name WHERE id IN"
        " (SELECT id FROM waba_message WHERE state IN ('reserved', 'queued')"
        " ORDER BY random() LIMIT 20)",
        "UPDATE waba_portfolio SET reserve_count = reserve_count + 1",
    )
    HOLD_SECONDS = 0.03
    PAUSE_SECONDS = 0.07

    def __init__(self, database):
        super().__init__(daemon=True)
        self._database = database
        self._over = threading.Event()
        self._writes = 0
        self._fault = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        self.join()

    def run(self):
        try:
            connection = psycopg2.connect(dbname=self._database)
            while not self._over.is_set():
                self._disturb(connection)
                self._over.wait(self.PAUSE_SECONDS)
            connection.close()
        except psycopg2.Error as fault:
            self._fault = fault

    def _disturb(self, connection):
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(self.QUERIES[self._writes % len(self.QUERIES)])
                time.sleep(self.HOLD_SECONDS)
        except psycopg2.errors.DeadlockDetected:
            # PostgreSQL chose this transaction as the victim.
            pass
        self._writes += 1

    def check(self):
        """Raise the error that stopped it: without disturbance the scenario has no meaning."""
        if self._fault:
            raise self._fault


# ---- the platform misbehaves -------------------------------------------------------------------


def platform(faults, stage, people=300, settings=None):
    """A campaign while the simulator's faults strike.

    :param faults: list of (kind, keys of the rule)
    """
    if settings:
        stage.simulator.post("delivery", **settings)
    for kind, rule in faults:
        stage.fault(kind, **rule)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(people))
    stage.settle()


def statuses_an_hour_late(stage):
    """Killed runs leave rows without an answer, and their statuses come when they have expired."""
    delays = {"sent": [0, 3600], "delivered": [0, 3600], "read": [0, 3600], "failed": [0, 3600]}
    stage.simulator.post(
        "delivery", delays=delays, duplicate_rate=0.3, reorder_rate=0.5, reorder_window=30
    )
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    stage.campaign(stage.take_leads(300))
    stage.wait_killed_at("requests in flight", skip=20)
    stage.wait_killed_at("replies not written")
    stage.wait_no_queue()
    for _quarter in range(6):
        stage.pass_time(900)
        stage.simulator.post("flush", timeout=0.5, hurry=True)
        stage.wait_idle(1)
    stage.settle()


def odoo_is_down(stage):
    """Statuses come while none of our servers is up; Meta sends them again."""
    host = stage.servers.start_host(2)
    stage.campaign(stage.take_leads(400))
    stage.wait_idle(2.5)
    stage.servers.web.kill()
    host.kill()
    stage.kills += 1
    stage.wait_idle(6)
    stage.servers.start_web()
    stage.servers.start_host(2)
    stage.settle()


def chaos(stage, people=1500, kills=10):
    """Everything at once: four numbers, a limit, a bad platform, disturbed rows, random kills."""
    stage.limit_people("2000")
    stage.simulator.post("delivery", duplicate_rate=0.2, reorder_rate=0.2)
    stage.fault("latency", ms=[20, 400], count=None)
    for kind, rule in (
        ("reset", {"when": "after", "count": 20, "skip": 40}),
        ("status_5xx", {"body": "graph", "count": 30, "skip": 100}),
        ("non_json", {"count": 20, "skip": 200}),
        ("error", {"code": 130429, "count": 40, "skip": 300}),
    ):
        stage.fault(kind, **rule)
    stage.servers.start_host(2)
    stage.servers.start_host(2)
    with Disturber(stage.place.database):
        for sender_id in stage.senders():
            stage.campaign(stage.take_leads(people // 4), sender_id)
        stage.kill_at_random(kills, within=2.5)
    stage.settle()


# ---- the short run -----------------------------------------------------------------------------


def short_kills(stage):
    """The worst kill points, one by one, in one campaign."""
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    # So many new contacts that the pre-flight needs a manager's override.
    stage.campaign(stage.take_leads(1000))
    for point in (
        "audience prepared, not started",
        "reserved, not committed",
        "reserved, nothing handed over",
        "handed over, nothing sent",
        "requests in flight",
        "replies written, not committed",
        "statuses applied, not committed",
    ):
        stage.wait_killed_at(point)
    stage.kill_at_random(2, within=1)
    stage.settle()


def short_crowd(stage):
    """Two hosts, two numbers, one portfolio of 250 people."""
    stage.limit_people("250")
    stage.servers.delay_at("reserved, not committed", 0.4)
    stage.servers.start_host(1)
    stage.servers.start_host(1)
    stage.pause_numbers()
    for sender_id in stage.senders()[:2]:
        stage.campaign(stage.take_leads(170), sender_id)
        stage.direct(sender_id, stage.take_leads(5))
    stage.wait_prepared()
    stage.resume_numbers()
    stage.settle()
    stage.pass_day(1.01)
    stage.settle()


def recurring_runs(stage):
    """Two runs of a recurring campaign and their fallbacks on four workers, each killed once."""
    stage.simulator.post("behaviour", undeliverable_rate=0.3)
    stage.servers.start_host(2)
    stage.servers.start_host(2)
    recurring_id = stage.recurring(stage.take_leads(120))
    for _run in range(2):
        stage.reach_planned_time()
        stage.wait_killed_at("recurring run launched, not committed")
        # Armed first: the fallbacks may leave while the rest is still being sent.
        stage.servers.arm("fallback sent, not committed")
        stage.settle()
        stage.wait_killed()
        stage.run_fallbacks()
        stage.widen(recurring_id, stage.take_leads(60))
    stage.reach_planned_time()
    stage.wait_runs(3)
    stage.settle()
    stage.run_fallbacks()


def short_raw_copy(stage):
    """A raw copy in the middle of a campaign: it has the same queue, keys and jobs."""
    stage.connect()
    stage.servers.start_host(1)
    stage.pause_numbers()
    stage.campaign(stage.take_leads(120))
    stage.wait_prepared()
    copy = stage.copy_database()
    try:
        copy.rows("UPDATE waba_sender SET state = 'active', pause_cause = NULL")
        # Twice: a second run could send what the first one postponed.
        for sender_id in stage.senders()[:1] * 2:
            stage.wait_job_run(copy, sender_id)
        copied = copy.rows(
            "SELECT state, attempt_count, count(*) AS rows FROM waba_message GROUP BY 1, 2"
        )
    finally:
        copy.close()
    if copied != [{"state": "queued", "attempt_count": 0, "rows": 120}]:
        raise DemoError(f"the copy did something with its queue: {copied}")
    stage.servers.start_host(1)
    stage.resume_numbers()
    stage.settle()


FAST_FIRST = {"delays": {"sent": 0.0, "delivered": 0.05, "read": 0.1, "failed": 0.05},
              "batch_window": 0.0}  # fmt: skip

SENDING_POINTS = (
    ("reserved, not committed", 0),
    ("reserved, nothing handed over", 0),
    ("handed over, nothing sent", 0),
    ("requests in flight", 10),
    ("replies not written", 0),
    ("replies written, not committed", 0),
    ("between two batches of replies", 1),
    ("end of a run", 0),
    ("statuses applied, not committed", 1),
    ("between two batches of webhooks", 0),
)


def close_topics(stage, people=400, turns=6):
    """People close the campaign's topic while their message is queued, and workers die."""
    stage.fault("latency", ms=SLOW_REPLY_MS, count=None)
    stage.servers.start_host(2)
    stage.pause_numbers()
    campaign_id = stage.campaign(stage.take_leads(people), launch=False)
    topic_id = stage.set_topic(campaign_id)
    stage.launch(campaign_id)
    stage.wait_prepared()
    stage.close_topic(campaign_id, topic_id, people // 4)
    stage.servers.start_host(2)
    stage.resume_numbers()
    for _turn in range(turns):
        stage.wait_idle(0.3)
        stage.close_topic(campaign_id, topic_id, people // 40)
    stage.wait_killed_at("reserved, not committed")
    stage.close_topic(campaign_id, topic_id, people // 40)
    stage.settle()


SCENARIOS = [
    Scenario("short: kills", short_kills, short=True),
    Scenario("short: crowd", short_crowd, short=True),
    Scenario("short: mixed",
             partial(mixed_on_one_portfolio, 2, 2, 130, 35, ()), short=True),
    Scenario("short: recurring runs and fallbacks", recurring_runs, short=True),
    Scenario("short: raw copy", short_raw_copy, short=True),
    Scenario("short: budgets",
             partial(budgets, 60, 2, ("reserved, not committed", "handed over, nothing sent"),
                     has_auction=True), short=True),
    *(
        Scenario(f"kill: {point}", partial(kill_while_sending, point, skip=skip))
        for point, skip in SENDING_POINTS
    ),
    Scenario("kill: expired reservations being settled", kill_while_settling),
    *(
        Scenario(f"kill: {point}", partial(kill_while_preparing, point))
        for point in ("audience chunk not committed", "audience prepared, not started")
    ),
    Scenario("kill: pause being written", kill_while_pausing),
    Scenario("kill: taking back unsent rows", kill_while_requeueing),
    Scenario("kill: webhook stored, not committed", kill_webhook_server),
    Scenario("kill: whole hosts", kill_hosts),
    Scenario("consent: a topic closed between queue and reservation", close_topics),
    Scenario("kill: 50 random instants of 5,000", kill_at_random),
    Scenario("crowd: two hosts on one number", partial(crowd_on_one_number, 2)),
    Scenario("crowd: four hosts on one number", partial(crowd_on_one_number, 4)),
    Scenario("crowd: two hosts on one portfolio", partial(crowd_on_one_portfolio, 2, 40)),
    Scenario("crowd: four hosts on one portfolio", partial(crowd_on_one_portfolio, 4, 0)),
    Scenario("crowd: four hosts, shared people", partial(crowd_on_one_portfolio, 4, 40)),
    Scenario("crowd: campaigns, follow-ups, automation, colleagues",
             partial(mixed_on_one_portfolio, 3, 4, 110, 30, (0.4, 0.65, 0.15))),
    Scenario("crowd: budgets",
             partial(budgets, 250, 2, [point for point, _skip in SENDING_POINTS[:6]])),
    Scenario("crowd: budgets and a maximum price",
             partial(budgets, 250, 2, [point for point, _skip in SENDING_POINTS[:6]],
                     has_auction=True)),
    Scenario("events: workers die, the receiver fails",
             partial(outgoing_events, 300,
                     ("events claimed, not committed", "events sent, not recorded",
                      "events recorded, not committed", "events sent, not recorded"))),
    Scenario("crowd: serialization failures", serialization_failures),
    Scenario("crowd: the scheduler's lock lost", lost_lock, errors_expected=True),
    Scenario("crowd: a frozen worker", stalled_worker),
    Scenario("the number turns red", red_while_sending),
    Scenario("PostgreSQL restarted", postgres_restarts, own_postgres=True, errors_expected=True),
    Scenario("platform: time-outs after accepting",
             partial(platform, [("timeout_after_accept", {"count": 6, "skip": 20})])),
    Scenario("platform: resets before and after",
             partial(platform, [("reset", {"when": "before", "count": 20, "skip": 10}),
                                ("reset", {"when": "after", "count": 20, "skip": 40})])),
    Scenario("platform: bursts of 5xx",
             partial(platform, [("status_5xx", {"body": "graph", "count": 60, "skip": 20}),
                                ("status_5xx", {"body": "html", "count": 20, "skip": 60}),
                                ("status_5xx", {"body": "text", "count": 20, "when": "after"})])),
    Scenario("platform: no JSON",
             partial(platform, [("non_json", {"count": 20, "skip": 10}),
                                ("unreadable_200", {"count": 20, "skip": 40})])),
    Scenario("platform: slow replies",
             partial(platform, [("latency", {"ms": [500, 4000], "count": None})])),
    Scenario("platform: a storm of rate-limit refusals",
             partial(platform, [("error", {"code": 130429, "count": 400})])),
    Scenario("platform: statuses before the reply",
             partial(platform, [("latency", {"ms": [600, 900], "count": None})],
                     settings=FAST_FIRST)),
    Scenario("platform: statuses twice and in any order",
             partial(platform, [], settings={"duplicate_rate": 0.5, "reorder_rate": 0.5})),
    Scenario("platform: statuses an hour late", statuses_an_hour_late),
    Scenario("webhooks while Odoo is down", odoo_is_down),
    Scenario("ads: conversions", conversions.act, judge=conversions.judge),
    Scenario("follow-ups: branches", branches.act, judge=branches.judge),
    Scenario("everything at once", chaos),
]  # fmt: skip
