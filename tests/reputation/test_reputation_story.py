"""A number's rise, fall and return, as one story: every message really sent, every answer taken.

The simulator plays Meta and the people; time is moved forward for both. What left is judged by the
simulator's log, what was done by the rows, the evidence and the chatter.
"""

from odoo.tests import Form

from ..common import PublicAddress
from .test_response import DAY, HOUR, ResponseCase

CAP = 500
# On a working day the number's job and the judge run again and again.
ROUNDS = 3


class StoryCase(ResponseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meta_posts_to = PublicAddress()
        cls.addClassCleanup(cls.meta_posts_to.stop)
        cls.club = cls._template("welcome_back", "es")

    def setUp(self):
        super().setUp()
        self.simulator.post("delivery", url=self.meta_posts_to.url, batch_max=50, batch_window=0.1)
        self.simulator.post("limit", limit="TIER_2K", webhook=False)
        self.portfolio.write({"messaging_limit": "2000", "daily_cap": CAP})
        self.news_read = 0

    def _news(self):
        """What Meta posted since the last time, taken over."""
        self.simulator.post("flush", hurry=True)
        news = self.simulator.get("webhooks", since=self.news_read)
        self.news_read = news["next"]
        for attempt in news["entries"]:
            self._store_event(attempt["body"])
        self._apply_webhooks()

    def _work(self, rounds=ROUNDS):
        """A stretch of a day: messages leave, statuses come, the number is judged."""
        for _round in range(rounds):
            self._dispatch()
            self._news()
            self._run_judge()

    def _people(self, count, start, stop=0, undeliverable=0):
        """Leads, the first of whom react badly."""
        leads = self._leads(count, start=start)
        fates = ["stop"] * stop + ["undeliverable"] * undeliverable
        self.simulator.post(
            "behaviour",
            people=[
                {"number": lead.phone_sanitized, "behaviour": fate}
                for lead, fate in zip(leads, fates, strict=False)
            ],
        )
        return leads

    def _left(self, since=0):
        """{template: how many requests reached the platform} from this place of its log on."""
        names = [
            entry["body"]["template"]["name"]
            for entry in self.simulator.get("log", since=since)["entries"]
            if entry["is_send"]
        ]
        return {name: names.count(name) for name in sorted(set(names))}

    def _log_end(self):
        return self.simulator.get("log")["next"]

    def _template_rated(self, quality):
        self._change_template("autumn_offer", language="es", quality=quality.upper())
        self._news()


class TestStory(StoryCase):
    def test_a_bad_campaign_slows_then_stops_its_number_until_a_manager_releases_it(self):
        with self._moving_clock() as move:
            self._rate("green")
            self._becomes_healthy()
            move(DAY + HOUR)
            self._bad_campaign_starts()
            self._template_falls()
            move(DAY + HOUR)
            self._number_turns_yellow()
            move(DAY + HOUR)
            self._number_turns_red()
            move(DAY + HOUR)
            self._nothing_leaves_while_it_is_red()
            self._manager_releases()
            move(DAY + HOUR)
            self._number_recovers(move)

    def _becomes_healthy(self):
        self.assertEqual(self.sender.reputation_level, "unknown")
        self.good = self._waiting(
            self._people(300, 0, stop=1), name="Club: early access", template_id=self.club.id
        )
        self._work()
        self.assertEqual((self.good.sent_count, self.good.delivered_count), (300, 300))
        self.assertEqual(self.sender.reputation_level, "healthy")
        self.assertEqual(self._in_force(), ("full", "healthy", "active"))
        self.assertIn("Health: Not enough data → Healthy", self._chatter(self.sender))
        self.assertEqual(self.sender._causes(), [])

    def _bad_campaign_starts(self):
        self.bad = self._waiting(
            self._people(900, 10_000, stop=8, undeliverable=25), name="Last seats"
        )
        # On a busy machine one run, which gives way to the other jobs of that day, sends fewer.
        for _run in range(5):
            self._dispatch()
        self._work()
        self.assertEqual(len(self._rows(self.bad, "queued")), 900 - CAP)
        self.assertEqual(self.bad.opted_out_count, 8)
        self.assertEqual(self.sender.reputation_level, "watch")
        self.assertIn("Health: Healthy → Watch", self._chatter(self.sender))
        self.assertEqual(len(self._events("opt_out", campaign_id=self.bad.id)), 8)
        self.assertEqual(len(self._events("undeliverable", campaign_id=self.bad.id)), 25)
        self.assertGreater(self.bad._reputation_cost(), 20)
        self.assertEqual(self.good._reputation_cost(), 0)

    def _template_falls(self):
        self._template_rated("yellow")
        self.assertEqual(self.template.quality_score, "yellow")

        [event] = self._events(
            "template_quality", template_id=self.template.id, value_after="yellow"
        )
        self.assertEqual((event.value_after, event.effect, event.certainty),
                         ("yellow", "bad", "aggregate"))  # fmt: skip
        self.assertFalse(self.template.hold_key)

    def _number_turns_yellow(self):
        since = self._log_end()
        self._rate("yellow")
        self.assertEqual(self._in_force(), ("slow", "yellow", "slowed"))
        self.assertEqual(self.sender._own_daily_limit(), CAP // 2)
        self.assertTold(self.sender, "response_slow", "half")
        self.assertIn("half", self._chatter(self.bad))
        self._work()
        self.assertEqual(self._left(since), {"autumn_offer": self.bad.canary_size})
        self.assertLess(self.bad.canary_size, CAP // 2)
        self.assertEqual(self.bad.canary_state, "waiting")
        self.assertAccused()

    def assertAccused(self):
        """The first suspects of each kind are the campaign and what it sent."""
        first = {}
        for suspect in self.sender._causes():
            first.setdefault(suspect["kind"], suspect)
        self.assertEqual(
            (first["campaign"]["name"], first["template"]["id"]), ("Last seats", self.template.id)
        )
        self.assertGreater(first["campaign"]["ratio"], 2)
        self.assertIn("Last seats", first["campaign"]["sentence"])

    def _number_turns_red(self):
        self.waiting = self._waiting(
            self._people(300, 20_000), name="Club: winter", template_id=self.club.id
        )
        self._template_rated("red")
        self.assertEqual((self.bad.state, self.bad.pause_cause), ("paused", "template"))
        self.assertIn("Low", self._chatter(self.template))
        self._dispatch()
        self._news()
        self.red_since = self._log_end()
        self._rate("red")
        self.assertEqual(self._in_force(), ("hold_marketing", "red", "active"))
        self.assertIn("is Low", self._chatter(self.sender))
        self.assertIn("is Low", self._chatter(self.waiting))
        self.assertEqual(len(self._events("response_hold")), 1)
        ratings = [rating for _at, rating in self.sender._rating_history(self.sender.create_date)]
        self.assertEqual(ratings[-3:], ["green", "yellow", "red"])

    def _nothing_leaves_while_it_is_red(self):
        service = self._service(self._people(5, 30_000))
        self._poll()
        self._work()
        self.assertEqual(self._left(self.red_since), {"order_update": 5})
        self.assertEqual(service.state, "done")
        self.assertTrue(self._rows(self.waiting, "queued"))
        self.assertEqual(self.sender.red_days, 1)
        self.assertAccused()

    def _manager_releases(self):
        self.bad.with_user(self.manager).action_cancel()
        action = self.sender.with_user(self.manager).action_release()
        form = Form(self._opened(action, self.manager))
        form.reason = "The bought list is deleted."
        form.save().action_confirm()
        self.assertEqual(self._in_force(), ("slow", "released", "slowed"))
        [event] = self._events("response_release")
        self.assertEqual((event.source, event.user_id), ("person", self.manager))
        for record in (self.sender, self.waiting):
            self.assertIn("The bought list is deleted.", self._chatter(record))
        self.assertIsNone(self.sender._judgement(self.sender.fresh_start_at).score)

    def _number_recovers(self, move):
        since = self._log_end()
        self._work()
        self.assertEqual(set(self._left(since)), {"welcome_back"})
        self.assertLessEqual(self._left(since)["welcome_back"], CAP // 2)
        self._rate("green")
        self.assertEqual(self._in_force(), ("full", "healthy", "active"))
        self.assertIn("active again", self._chatter(self.sender))
        self.assertFalse(self._activities(self.sender))
        for _day in range(3):
            move(DAY + HOUR)
            self._work()
        self.assertEqual((self.waiting.state, self.waiting.sent_count), ("done", 300))
        self.assertEqual(self.sender.reputation_level, "healthy")
        self.assertIn("Health: Not enough data → Healthy", self._chatter(self.sender))
        # Of today nothing is suspected; the fall of this week keeps its explanation.
        self.assertEqual(self.sender.reputation_score, 100)
        self.assertAccused()
        self._the_past_is_kept()

    def _the_past_is_kept(self):
        """A release changes the reading from then on, and no day before."""
        kinds = [kind for kind in self._responses(self.sender) if kind != "response_canary"]
        self.assertEqual(kinds, [
            "response_slow", "response_hold", "response_release", "response_slow", "response_full",
        ])  # fmt: skip
        history = self.env["waba.sender.reputation"].search(
            [("sender_id", "=", self.sender.id)], order="day"
        )
        levels = [level for level in history.mapped("level") if level]
        self.assertEqual((levels[0], levels[-1]), ("healthy", "healthy"))
        self.assertIn("watch", levels)
        ratings = history.mapped("quality_rating")
        for rating in ("green", "yellow", "red"):
            self.assertIn(rating, ratings)
