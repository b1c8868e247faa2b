import itertools
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import canary as canary_policy
from odoo.addons.waba_campaign.policy import reputation_score, response
from odoo.addons.waba_campaign.policy import warm_up as warm_up_policy
from odoo.addons.waba_campaign.policy.reputation_rates import DayCounts
from odoo.addons.waba_campaign.policy.response import Settings
from odoo.addons.waba_campaign.policy.warm_up import WarmUp

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
SECOND = timedelta(seconds=1)

COLOURS = ("unknown", "green", "yellow", "red")
# From the mildest to the hardest.
ACTIONS = ("full", "warm_up", "slow", "hold_marketing", "lock")
people = st.integers(1, 200_000)


def counts(**values):
    return DayCounts(date(2026, 11, 20), **values)


class TestPlan(PureCase):
    def test_what_follows_from_what(self):
        restricted, locked = {"is_restricted": True}, {"is_locked": True}
        released, warming = {"is_released": True}, {"is_warming_up": True}
        cases = [
            # rating, level, red days, more, action, canary, reason
            ("green", "healthy", 0, {}, "full", False, "healthy"),
            ("unknown", "unknown", 0, {}, "full", False, "healthy"),
            ("green", "unknown", 0, {}, "full", False, "healthy"),
            ("green", "watch", 0, {}, "full", True, "watch"),
            ("green", "at_risk", 0, {}, "slow", True, "at_risk"),
            ("green", "healthy", 0, warming, "warm_up", False, "warm_up"),
            ("green", "unknown", 0, warming, "warm_up", False, "warm_up"),
            ("green", "watch", 0, warming, "warm_up", True, "warm_up"),
            ("green", "at_risk", 0, warming, "slow", True, "at_risk"),
            ("yellow", "healthy", 0, {}, "slow", True, "yellow"),
            ("yellow", "at_risk", 0, warming, "slow", True, "yellow"),
            ("yellow", "healthy", 0, released, "slow", True, "yellow"),
            ("red", "healthy", 0, {}, "hold_marketing", True, "red"),
            ("red", "at_risk", 6, warming, "hold_marketing", True, "red"),
            ("red", "healthy", 7, {}, "lock", True, "red_too_long"),
            ("red", "healthy", 8, {}, "lock", True, "red_too_long"),
            ("red", "at_risk", 6, released, "slow", True, "released"),
            ("red", "at_risk", 7, released, "lock", True, "red_too_long"),
            ("green", "healthy", 0, restricted, "lock", True, "restricted"),
            ("red", "at_risk", 9, restricted, "lock", True, "restricted"),
            ("green", "healthy", 0, locked, "lock", True, "locked"),
            ("yellow", "watch", 0, locked, "lock", True, "locked"),
            ("red", "watch", 9, locked, "lock", True, "red_too_long"),
            # Red days are of an unbroken red; a caller that passes stale ones locks nobody.
            ("yellow", "healthy", 9, {}, "slow", True, "yellow"),
        ]
        for rating, level, red_days, more, action, canary, reason in cases:
            with self.subTest(rating=rating, level=level, red_days=red_days, **more):
                found = response.plan_number_response(rating, level, red_days, **more)
                self.assertEqual(
                    (found.action, found.canary, found.reason_key), (action, canary, reason)
                )

    def test_what_an_action_means(self):
        cases = [
            # how it comes about, share, marketing held
            (response.plan_number_response("green", "healthy"), 1.0, False),
            (response.plan_number_response("green", "watch"), 1.0, False),
            (response.plan_number_response("green", "healthy", is_warming_up=True), 1.0, False),
            (response.plan_number_response("yellow", "healthy"), 0.5, False),
            (response.plan_number_response("green", "at_risk"), 0.5, False),
            (response.plan_number_response("red", "at_risk", is_released=True), 0.5, False),
            (response.plan_number_response("red", "healthy"), 1.0, True),
            (response.plan_number_response("green", "healthy", is_restricted=True), 0.0, True),
        ]
        for found, share, held in cases:
            with self.subTest(found.action, reason=found.reason_key):
                self.assertEqual((found.share, found.hold_marketing), (share, held))

    def test_a_manager_may_set_it_otherwise(self):
        mild = Settings(yellow_share=0.8, lock_red_days=0, slow_at_risk=False)
        self.assertEqual(response.plan_number_response("yellow", "watch", settings=mild).share, 0.8)
        self.assertEqual(
            response.plan_number_response("red", "watch", is_released=True, settings=mild).share,
            0.8,
        )
        self.assertEqual(
            response.plan_number_response("red", "watch", 99, settings=mild).action,
            "hold_marketing",
        )
        found = response.plan_number_response("green", "at_risk", settings=mild)
        self.assertEqual((found.action, found.reason_key, found.canary), ("full", "at_risk", True))
        found = response.plan_number_response("green", "at_risk", is_warming_up=True, settings=mild)
        self.assertEqual((found.action, found.canary), ("warm_up", True))
        strict = Settings(lock_red_days=1)
        self.assertEqual(
            response.plan_number_response("red", "healthy", 0, settings=strict).action,
            "hold_marketing",
        )
        self.assertEqual(
            response.plan_number_response("red", "healthy", 1, settings=strict).action, "lock"
        )

    def test_every_situation(self):
        flags = ("is_restricted", "is_locked", "is_released", "is_warming_up")
        rank = ACTIONS.index
        reasons = set()
        for level, red_days in itertools.product(reputation_score.LEVELS, (0, 6, 7)):
            for values in itertools.product((False, True), repeat=4):
                situation = dict(zip(flags, values, strict=True))
                found = {
                    rating: response.plan_number_response(rating, level, red_days, **situation)
                    for rating in COLOURS
                }
                with self.subTest(level=level, red_days=red_days, **situation):
                    ranks = [rank(found[rating].action) for rating in COLOURS]
                    self.assertEqual(ranks, sorted(ranks), "a worse colour is never treated better")
                    self.assertNotIn(
                        found["red"].action, ("full", "warm_up"), "a red number never goes on as is"
                    )
                    if not situation["is_released"]:
                        self.assertTrue(found["red"].hold_marketing)
                for answer in found.values():
                    reasons.add(answer.reason_key)
                    self.assertIn(answer.action, response.SENDER_STATE)
        self.assertEqual(
            reasons, {key for key in response.REASONS if not key.startswith("template_")}
        )

    def test_who_has_no_red_days_to_tell_is_not_locked(self):
        found = response.plan_number_response("red", "healthy", settings=Settings(lock_red_days=1))
        self.assertEqual(found.action, "hold_marketing")

    def test_states_of_the_number(self):
        self.assertEqual(
            [response.SENDER_STATE[action] for action in ACTIONS],
            ["active", "active", "slowed", "active", "locked"],
        )

    def test_templates(self):
        cases = [
            ("APPROVED", "green", "full", False, "healthy"),
            ("APPROVED", "unknown", "full", False, "healthy"),
            ("APPROVED", "yellow", "full", True, "template_yellow"),
            ("APPROVED", "red", "hold_marketing", True, "template_red"),
            ("FLAGGED", "green", "hold_marketing", True, "template_flagged"),
            ("PAUSED", "red", "hold_marketing", True, "template_paused"),
            ("paused", "unknown", "hold_marketing", True, "template_paused"),
            ("DISABLED", "red", "hold_marketing", True, "template_disabled"),
        ]
        for status, quality, action, canary, reason in cases:
            with self.subTest(status=status, quality=quality):
                found = response.plan_template_response(status, quality)
                self.assertEqual(
                    (found.action, found.canary, found.reason_key), (action, canary, reason)
                )
                self.assertIs(found.hold_marketing, action == "hold_marketing")


class TestSettings(PureCase):
    def test_defaults_are_the_rule_of_the_house(self):
        self.assertEqual(
            response.DEFAULTS,
            Settings(
                yellow_share=0.5,
                lock_red_days=7,
                slow_at_risk=True,
                canary_share=0.1,
                canary_minimum=100,
                canary_maximum=1000,
                large_campaign=1000,
                canary_wait=2 * HOUR,
                canary_longest_wait=24 * HOUR,
                failure_limit=0.1,
                opt_out_limit=0.02,
                threshold_volume=100,
                warm_up_first=100,
                warm_up_growth=1.5,
                warm_up_every=24 * HOUR,
            ),
        )

    def test_what_makes_no_sense_is_refused(self):
        cases = [
            *({name: value} for name in (
                "yellow_share", "canary_share", "failure_limit", "opt_out_limit"
            ) for value in (0, -0.1, 1.01)),
            *({name: 0} for name in ("canary_minimum", "threshold_volume", "warm_up_first")),
            {"lock_red_days": -1},
            {"warm_up_growth": 1},
            {"canary_maximum": 99},
            {"canary_wait": 25 * HOUR},
        ]  # fmt: skip
        for values in cases:
            with self.subTest(**values), self.assertRaises(ValueError):
                Settings(**values)

    def test_the_edges_of_sense_are_accepted(self):
        cases = [
            {"yellow_share": 1, "canary_share": 1, "failure_limit": 1, "opt_out_limit": 1},
            {"canary_minimum": 1, "threshold_volume": 1, "warm_up_first": 1},
            {"lock_red_days": 0},
            {"warm_up_growth": 1.01},
            {"canary_maximum": 100},
            {"canary_wait": 24 * HOUR},
        ]
        for values in cases:
            with self.subTest(**values):
                made = Settings(**values)
                self.assertEqual({name: getattr(made, name) for name in values}, values)


class TestDailyLimit(PureCase):
    def test_share_and_warm_up(self):
        full = response.plan_number_response("green", "healthy")
        slow = response.plan_number_response("yellow", "healthy")
        hold = response.plan_number_response("red", "healthy")
        lock = response.plan_number_response("red", "healthy", 7)
        warm = WarmUp(100, 1, NOW)
        cases = [
            # response, limit, warm-up, busiest day, expected
            (full, 2000, None, 0, 2000),
            (full, None, None, 500, None),
            (full, 2000, warm, 0, 150),
            (full, None, warm, 0, 150),
            (full, 120, warm, 0, 120),
            (slow, 2000, None, 0, 1000),
            (slow, 251, None, 0, 125),
            (slow, 1, None, 0, 1),
            (slow, 0, None, 0, 0),
            (slow, 2000, warm, 0, 75),
            (slow, None, warm, 900, 75),
            (slow, 2000, None, 10, 1000),
            (slow, None, None, 30_001, 15_000),
            (slow, None, None, 0, 50_000),
            (hold, 2000, None, 0, 2000),
            (hold, None, None, 0, None),
            (lock, 2000, None, 0, 0),
            (lock, None, None, 0, 0),
            (lock, 1, warm, 9, 0),
        ]
        for answer, limit, warm_up, busiest, expected in cases:
            with self.subTest(answer.action, limit=limit, warm_up=warm_up, busiest=busiest):
                self.assertEqual(
                    warm_up_policy.daily_limit(answer, limit, warm_up, busiest), expected
                )

    def test_half_of_unlimited_without_a_busy_day(self):
        slow = response.plan_number_response("yellow", "healthy")
        self.assertEqual(warm_up_policy.daily_limit(slow, None), 50_000)

    @untimed
    @given(
        limit=people, first=people, step=st.integers(0, 40), busiest=people,
        share=st.floats(0.01, 1), rating=st.sampled_from(COLOURS), red_days=st.integers(0, 9),
    )  # fmt: skip
    def test_never_more_than_metas_limit_nor_less_when_better(
        self, limit, first, step, busiest, share, rating, red_days
    ):
        own = Settings(yellow_share=share)
        warm_up = WarmUp(first, step, NOW)
        answer = response.plan_number_response(rating, "healthy", red_days, settings=own)
        found = warm_up_policy.daily_limit(answer, limit, None, busiest, own)
        warming = warm_up_policy.daily_limit(answer, limit, warm_up, busiest, own)
        self.assertLessEqual(0, warming)
        self.assertLessEqual(warming, found)
        self.assertLessEqual(found, limit)
        self.assertEqual(found > 0, answer.action != "lock")


class TestWarmUp(PureCase):
    def test_who_warms_up(self):
        cases = [
            # limit, limit before, new, first step (None: no warm-up)
            (250, None, True, 100),
            (None, None, True, 100),
            (2000, 2000, True, 100),
            (100, None, True, None),
            (101, None, True, 100),
            (2000, 250, False, 250),
            (None, 100_000, False, 100_000),
            (2000, 2000, False, None),
            (250, 2000, False, None),
            (2000, None, False, None),
            (None, None, False, None),
            (2000, 0, False, None),
        ]
        for limit, previous, is_new, first in cases:
            with self.subTest(limit=limit, previous=previous, is_new=is_new):
                found = warm_up_policy.start_warm_up(limit, previous, NOW, is_new=is_new)
                self.assertEqual(found, WarmUp(first, 0, NOW) if first else None)
        self.assertIsNone(warm_up_policy.start_warm_up(2000, 2000, NOW))
        own = Settings(warm_up_first=40)
        self.assertEqual(warm_up_policy.start_warm_up(250, None, NOW, own, is_new=True).first, 40)

    def test_steps(self):
        cases = [
            # first, step, limit, expected
            (100, 0, 250, 100),
            (100, 1, 250, 150),
            (100, 2, 250, 225),
            (100, 3, 250, 250),
            (100, 3, 2000, 337),
            (100, 5, None, 759),
            (100, 6, None, None),
            (2000, 4, 10_000, 10_000),
        ]
        for first, step, limit, expected in cases:
            with self.subTest(first=first, step=step, limit=limit):
                self.assertEqual(
                    warm_up_policy.warm_up_limit(WarmUp(first, step, NOW), limit), expected
                )
        doubling = Settings(warm_up_growth=2, warm_up_first=10)
        self.assertEqual(warm_up_policy.warm_up_limit(WarmUp(10, 3, NOW), None, doubling), 80)
        nearly = Settings(warm_up_growth=9.5, warm_up_first=100)
        self.assertEqual(warm_up_policy.warm_up_limit(WarmUp(100, 1, NOW), None, nearly), 950)
        tenfold = Settings(warm_up_growth=10, warm_up_first=10)
        self.assertIsNone(warm_up_policy.warm_up_limit(WarmUp(10, 1, NOW), None, tenfold))

    def test_what_a_look_changes(self):
        before = WarmUp(100, 2, NOW - DAY)
        up, same = before._replace(step=3, stepped_at=NOW), before
        anew, back = before._replace(stepped_at=NOW), before._replace(step=1, stepped_at=NOW)
        cases = [
            # used, level, rating, since the last step, expected
            (113, "healthy", "green", DAY, up),
            (113, "healthy", "unknown", DAY, up),
            (112, "healthy", "green", DAY, same),
            (225, "healthy", "green", DAY - SECOND, same),
            (225, "unknown", "green", DAY, same),
            (225, "watch", "green", DAY, anew),
            (225, "watch", "green", HOUR, anew),
            (225, "healthy", "yellow", DAY, anew),
            (225, "healthy", "yellow", HOUR, anew),
            (225, "at_risk", "green", DAY, back),
            (225, "at_risk", "yellow", DAY, back),
            (225, "at_risk", "green", DAY - SECOND, same),
            (225, "healthy", "red", DAY, back),
            (225, "watch", "red", DAY, back),
            (225, "watch", "red", HOUR, same),
        ]
        for used, level, rating, since, expected in cases:
            with self.subTest(used=used, level=level, rating=rating, since=since):
                warm_up = before._replace(stepped_at=NOW - since)
                found = warm_up_policy.advance_warm_up(warm_up, 2000, used, level, rating, NOW)
                self.assertEqual(found, warm_up if expected is same else expected)
        first = WarmUp(100, 0, NOW - DAY)
        self.assertEqual(
            warm_up_policy.advance_warm_up(first, 2000, 9, "at_risk", "red", NOW),
            first._replace(stepped_at=NOW),
        )

    def test_when_it_is_over(self):
        cases = [
            # step, limit, level, used, is over
            (2, 250, "healthy", 225, True),
            (1, 250, "healthy", 150, False),
            (3, 250, "healthy", 0, True),
            (3, 250, "at_risk", 0, True),
            (5, None, "healthy", 759, True),
            (4, None, "healthy", 759, False),
            (6, None, "healthy", 0, True),
            (0, 100, "watch", 0, True),
            (0, 50, "watch", 0, True),
        ]
        for step, limit, level, used, over in cases:
            with self.subTest(step=step, limit=limit, level=level):
                warm_up = WarmUp(100, step, NOW - DAY)
                found = warm_up_policy.advance_warm_up(warm_up, limit, used, level, "green", NOW)
                self.assertIs(found is None, over)

    def test_a_manager_may_set_pace_and_growth(self):
        own = Settings(warm_up_every=2 * DAY, warm_up_growth=3)
        warm_up = WarmUp(100, 0, NOW - 2 * DAY)
        look = (300, 100, "healthy", "green")
        self.assertIsNone(warm_up_policy.advance_warm_up(warm_up, *look, NOW, own))
        warm_up = warm_up._replace(stepped_at=NOW - DAY)
        self.assertEqual(warm_up_policy.advance_warm_up(warm_up, *look, NOW, own), warm_up)
        warm_up = WarmUp(100, 1, NOW - 2 * DAY)
        self.assertEqual(
            warm_up_policy.advance_warm_up(warm_up, 2000, 149, "healthy", "green", NOW, own),
            warm_up,
        )
        self.assertEqual(
            warm_up_policy.advance_warm_up(warm_up, 2000, 150, "healthy", "green", NOW, own).step, 2
        )

    @untimed
    @given(
        limit=st.one_of(st.none(), people),
        first=people,
        looks=st.lists(
            st.tuples(
                st.integers(1, 60),
                st.sampled_from(reputation_score.LEVELS),
                st.sampled_from(COLOURS),
                st.floats(0, 1),
            ),
            max_size=60,
        ),
    )
    def test_it_grows_only_while_healthy_and_once_a_day(self, limit, first, looks):
        warm_up, now = warm_up_policy.start_warm_up(limit, first, NOW), NOW
        for hours, level, rating, used_part in looks:
            if warm_up is None:
                break
            now += hours * HOUR
            allowed = warm_up_policy.warm_up_limit(warm_up, limit)
            used = int(used_part * allowed)
            after = warm_up_policy.advance_warm_up(warm_up, limit, used, level, rating, now)
            if after is None or after.step > warm_up.step:
                self.assertEqual(level, "healthy")
                self.assertIn(rating, ("green", "unknown"))
                self.assertGreaterEqual(now - warm_up.stepped_at, DAY)
                self.assertGreaterEqual(2 * used, allowed)
            if after is not None:
                self.assertLessEqual(abs(after.step - warm_up.step), 1)
                self.assertGreaterEqual(after.step, 0)
            warm_up = after

    @untimed
    @given(first=st.integers(1, 3000), limit=people)
    def test_a_healthy_number_that_uses_its_steps_gets_warm(self, first, limit):
        warm_up, now, last = warm_up_policy.start_warm_up(limit, first, NOW), NOW, 0
        # 1.5 ** 32 is more than any limit.
        for _day in range(32):
            if warm_up is None:
                break
            allowed = warm_up_policy.warm_up_limit(warm_up, limit)
            self.assertGreaterEqual(allowed, last)
            now, last = now + DAY, allowed
            warm_up = warm_up_policy.advance_warm_up(
                warm_up, limit, allowed, "healthy", "green", now
            )
        self.assertIsNone(warm_up)


class TestCanary(PureCase):
    def test_young_portfolios(self):
        for sent, young in ((0, True), (499_999, True), (500_000, False)):
            with self.subTest(sent=sent):
                self.assertIs(canary_policy.is_paced_portfolio(sent), young)

    def test_size_of_the_first_wave(self):
        cases = [
            # people, needed, young portfolio, canary
            (5000, True, False, 500),
            (5000, True, True, 500),
            (5001, True, False, 501),
            (50_000, True, False, 1000),
            (500, True, False, 100),
            (101, True, False, 100),
            (100, True, False, None),
            (0, True, False, None),
            (1000, False, True, 100),
            (999, False, True, None),
            (50_000, False, False, None),
        ]
        for size, needed, young, expected in cases:
            with self.subTest(size=size, needed=needed, young=young):
                self.assertEqual(canary_policy.canary_size(size, needed, young), expected)
        own = Settings(canary_share=0.07, canary_minimum=3, canary_maximum=40, large_campaign=100)
        # 0.07 * 100 is a hair above 7 in binary.
        for size, expected in ((100, 7), (101, 8), (9000, 40), (20, None), (99, None)):
            with self.subTest(size=size):
                self.assertEqual(canary_policy.canary_size(size, False, True, own), expected)
        self.assertEqual(canary_policy.canary_size(20, True, False, own), 3)

    def test_what_the_first_wave_says(self):
        wave, wait, longest = 200, 2 * HOUR, 24 * HOUR
        cases = [
            # counts, waited, verdict
            ({"delivered": 160}, wait, "widen"),
            ({"delivered": 160}, wait - SECOND, "wait"),
            ({"delivered": 159}, wait, "wait"),
            ({"delivered": 150, "failed": 10}, wait, "widen"),
            ({"delivered": 159}, longest - SECOND, "wait"),
            ({"delivered": 159}, longest, "silence"),
            ({}, longest, "silence"),
            ({"delivered": 160}, longest, "widen"),
            ({"delivered": 200, "opted_out": 4}, wait, "widen"),
            ({"delivered": 200, "opted_out": 5}, wait, "opt_outs"),
            ({"delivered": 200, "opted_out": 5}, timedelta(0), "opt_outs"),
            ({"delivered": 144, "failed": 16}, wait, "widen"),
            ({"delivered": 143, "failed": 17}, wait, "failures"),
            # A hundred decide, less the fifth that may still be under way.
            ({"delivered": 80, "opted_out": 3}, timedelta(0), "opt_outs"),
            ({"delivered": 79, "opted_out": 3}, timedelta(0), "wait"),
        ]
        for values, waited, verdict in cases:
            with self.subTest(waited=waited, **values):
                self.assertEqual(
                    canary_policy.canary_verdict(wave, counts(**values), waited), verdict
                )

    def test_a_small_wave_decides_by_its_own_size(self):
        cases = [
            # wave, counts, verdict
            (10, {"delivered": 8, "opted_out": 3}, "opt_outs"),
            (10, {"delivered": 7, "opted_out": 3}, "wait"),
            (10, {"delivered": 8, "opted_out": 2}, "widen"),
            (11, {"delivered": 8, "opted_out": 3}, "wait"),
            (11, {"delivered": 9, "opted_out": 3}, "opt_outs"),
        ]
        for wave, values, verdict in cases:
            with self.subTest(wave=wave, **values):
                found = canary_policy.canary_verdict(wave, counts(**values), 2 * HOUR)
                self.assertEqual(found, verdict)

    def test_a_manager_may_set_the_waits(self):
        own = Settings(canary_wait=HOUR, canary_longest_wait=3 * HOUR, opt_out_limit=0.05)
        for values, waited, verdict in (
            ({"delivered": 90}, HOUR, "widen"),
            ({"delivered": 9}, 3 * HOUR, "silence"),
            ({"delivered": 100, "opted_out": 5}, HOUR, "widen"),
            ({"delivered": 100, "opted_out": 6}, HOUR, "opt_outs"),
        ):
            with self.subTest(waited=waited, **values):
                found = canary_policy.canary_verdict(100, counts(**values), waited, own)
                self.assertEqual(found, verdict)


class TestCampaignThreshold(PureCase):
    def test_failures_and_opt_outs(self):
        cases = [
            ({}, None),
            ({"delivered": 90, "failed": 10}, None),
            ({"delivered": 89, "failed": 11}, "failures"),
            ({"delivered": 88, "failed": 11}, None),
            ({"delivered": 0, "failed": 100}, "failures"),
            ({"delivered": 0, "failed": 99}, None),
            ({"delivered": 100, "opted_out": 2}, None),
            ({"delivered": 100, "opted_out": 3}, "opt_outs"),
            ({"delivered": 99, "opted_out": 30}, None),
            ({"delivered": 1000, "opted_out": 20}, None),
            ({"delivered": 1000, "opted_out": 21}, "opt_outs"),
            ({"delivered": 500, "failed": 500, "limited": 500}, None),
            ({"delivered": 500, "failed": 500, "limited": 440}, "failures"),
            ({"delivered": 500, "failed": 3, "limited": 500}, None),
            ({"delivered": 800, "failed": 200, "opted_out": 50}, "failures"),
            ({"delivered": 100, "silent": 90}, None),
        ]
        for values, expected in cases:
            with self.subTest(**values):
                self.assertEqual(canary_policy.campaign_threshold(counts(**values)), expected)

    def test_a_manager_may_set_the_limits_but_two_people_never_stop_a_campaign(self):
        own = Settings(failure_limit=0.3, opt_out_limit=0.1, threshold_volume=10)
        cases = [
            ({"delivered": 70, "failed": 30}, None),
            ({"delivered": 69, "failed": 31}, "failures"),
            ({"delivered": 10, "opted_out": 2}, None),
            ({"delivered": 10, "opted_out": 3}, "opt_outs"),
            ({"delivered": 9, "opted_out": 3}, None),
        ]
        for values, expected in cases:
            with self.subTest(**values):
                self.assertEqual(canary_policy.campaign_threshold(counts(**values), own), expected)

    def test_every_reason_is_known(self):
        self.assertEqual(canary_policy.CAMPAIGN_REASONS, ("failures", "opt_outs", "silence"))

    @untimed
    @given(
        delivered=st.integers(0, 3000), failed=st.integers(0, 500), opted_out=st.integers(0, 300),
        more=st.integers(1, 300), sign=st.sampled_from(["failed", "opted_out"]),
    )  # fmt: skip
    def test_more_bad_ends_never_let_a_campaign_go_on(
        self, delivered, failed, opted_out, more, sign
    ):
        values = {"delivered": delivered, "failed": failed, "opted_out": opted_out}
        before = canary_policy.campaign_threshold(counts(**values))
        values[sign] += more
        if before:
            self.assertIsNotNone(canary_policy.campaign_threshold(counts(**values)))
