from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import retry

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)


def decide(failure_type, attempt=1, **given):
    return retry.decide_retry(failure_type, attempt, NOW, **given)


def waits(failure_type, **given):
    """The waits of a row that fails again and again, in seconds, until it is given up."""
    seconds = []
    while True:
        decision = decide(failure_type, len(seconds) + 1, **given)
        if decision.row != "retry":
            return seconds, decision.row
        seconds.append((decision.retry_at - NOW).total_seconds())


class TestRetries(PureCase):
    def test_waits_until_given_up(self):
        cases = [
            ("temporary", {"code": 1}, [30, 120, 600]),
            ("temporary", {"code": 2}, [60, 300, 900, 3600]),
            ("temporary", {"code": 131000}, [60, 600, 3600]),
            ("temporary", {"code": 131016}, [60, 300, 1800]),
            ("temporary", {"code": 133004}, [60, 300, 1800]),
            ("temporary", {"code": 999}, [60, 300, 900, 3600]),
            ("temporary", {}, [60, 300, 900, 3600]),
            ("pair_rate", {}, [1, 4, 16, 64, 256, 1024, 4096]),
            ("marketing_limit", {}, [86400]),
        ]
        for failure_type, given_values, expected in cases:
            with self.subTest(failure_type, **given_values):
                self.assertEqual(waits(failure_type, **given_values), (expected, "fail"))

    def test_a_network_down_is_retried_for_a_day(self):
        seconds, end = waits("not_sent")
        self.assertEqual(end, "fail")
        self.assertEqual(seconds[:4], [30, 120, 600, 600])
        self.assertEqual(set(seconds[2:]), {600})
        self.assertLess(86400 - 600, sum(seconds))
        self.assertLessEqual(sum(seconds), 86400)

    def test_throughput_waits_a_little_and_slows_down(self):
        for jitter, expected in [(0.0, 1), (0.25, 2), (0.999999, 5)]:
            with self.subTest(jitter):
                decision = decide("throughput", jitter=jitter)
                self.assertEqual(decision.row, "retry")
                self.assertTrue(decision.slow_down)
                self.assertIsNone(decision.scope)
                wait = (decision.retry_at - NOW).total_seconds()
                self.assertAlmostEqual(wait, expected, places=4)

    def test_no_row_is_retried_for_ever(self):
        last = retry.MAX_ATTEMPTS
        self.assertEqual(decide("throughput", last - 1).row, "retry")
        given_up = decide("throughput", last)
        self.assertEqual((given_up.row, given_up.retry_at), ("fail", None))
        self.assertEqual(decide("pair_rate", 1, attempts_in_all=last - 1).row, "retry")
        self.assertEqual(decide("pair_rate", 1, attempts_in_all=last).row, "fail")
        self.assertEqual(decide("token", last + 1).row, "hold")

    def test_a_code_for_signing_in_does_not_wait(self):
        cases = [
            ("temporary", {}, "retry"),
            ("temporary", {"attempt": 3}, "fail"),
            ("maintenance", {}, "hold"),
            ("app_rate", {}, "fail"),
            ("token", {}, "fail"),
            ("undeliverable", {}, "fail"),
        ]
        for failure_type, given_values, row in cases:
            with self.subTest(failure_type, **given_values):
                decision = decide(failure_type, category="authentication", **given_values)
                self.assertEqual(decision.row, row)
                self.assertEqual(decision.retry_at is None, row != "retry")
                usual = decide(failure_type, **given_values)
                self.assertEqual(decision.scope, usual.scope)


class TestScopes(PureCase):
    def test_what_stops_and_until_when(self):
        cases = [
            # failure type, given, row, scope, scope ends after
            ("token", {}, "hold", "account", None),
            ("permission", {}, "hold", "account", None),
            ("account_restricted", {}, "hold", "account", None),
            ("account_misclassified", {}, "hold", "account", DAY),
            ("billing", {}, "hold", "account", None),
            ("marketing_disabled", {}, "hold", "account", None),
            ("app_rate", {}, "hold", "account", 15 * MINUTE),
            ("app_rate", {"consecutive": 2}, "hold", "account", 30 * MINUTE),
            ("app_rate", {"consecutive": 3}, "hold", "account", 60 * MINUTE),
            ("app_rate", {"consecutive": 30}, "hold", "account", 60 * MINUTE),
            ("sender_unavailable", {}, "hold", "sender", None),
            ("spam_rate", {}, "hold", "sender", None),
            ("maintenance", {}, "hold", "sender", 2 * MINUTE),
            ("maintenance", {"consecutive": 2}, "hold", "sender", 5 * MINUTE),
            ("maintenance", {"consecutive": 9}, "hold", "sender", 5 * MINUTE),
            ("template_missing", {}, "hold", "template", None),
            ("template_paused", {}, "hold", "template", None),
            ("template_disabled", {}, "hold", "template", None),
            ("template_parameters", {}, "hold", "template", None),
            ("template_policy", {}, "hold", "template", None),
            ("flow_blocked", {}, "hold", "template", None),
            ("flow_throttled", {}, "hold", "template", 60 * MINUTE),
            ("bad_request", {}, "fail", None, None),
            ("bad_request", {"consecutive": 2}, "fail", None, None),
            ("bad_request", {"consecutive": 3}, "fail", "campaign", None),
            ("bad_request", {"code": 131008}, "fail", "campaign", None),
            ("bad_request", {"code": 132005}, "fail", None, None),
            ("pacing_drop", {}, "fail", None, None),
            ("pacing_drop", {"consecutive": 3}, "hold", "account", None),
            ("window_closed", {}, "fail", None, None),
            ("bsuid_unsupported", {}, "fail", None, None),
            ("unknown_error", {}, "fail", None, None),
            ("a type of next year", {}, "fail", None, None),
            ("not_test_number", {}, "fail", "person", None),
            ("same_number", {}, "fail", "person", None),
            ("experiment", {}, "fail", "person", None),
            ("identity_changed", {}, "fail", "person", None),
            ("country", {}, "fail", "person", None),
            ("opted_out", {}, "fail", "person", None),
            ("blocked_by_us", {}, "fail", "person", None),
            ("undeliverable", {}, "fail", "person", None),
            (
                "undeliverable",
                {"previous_undeliverable_count": 1},
                "fail",
                "person",
                retry.UNREACHABLE_PERIOD,
            ),
            ("marketing_limit", {}, "retry", "person", DAY),
            ("marketing_limit", {"attempt": 2}, "fail", "person", DAY),
            ("throughput", {}, "retry", None, None),
            ("pair_rate", {}, "retry", None, None),
            ("temporary", {}, "retry", None, None),
            ("not_sent", {}, "retry", None, None),
            ("sync_pending", {}, "hold", "template", 10 * MINUTE),
            ("sync_pending", {"attempt": 6}, "hold", "template", 10 * MINUTE),
            ("sync_pending", {"attempt": 7}, "fail", None, None),
            ("mm_unavailable", {}, "hold", "account", None),
            ("wrong_endpoint", {}, "retry", None, None),
            ("wrong_endpoint", {"is_rerouted": True}, "fail", "template", None),
        ]
        for failure_type, given_values, row, scope, ends_after in cases:
            with self.subTest(failure_type, **given_values):
                decision = decide(failure_type, **given_values)
                scope_until = NOW + ends_after if ends_after else None
                self.assertEqual(
                    (decision.row, decision.scope, decision.scope_until),
                    (row, scope, scope_until),
                )
        self.assertEqual(
            {case[0] for case in cases} - {"a type of next year"}, set(retry.FAILURE_TYPES)
        )

    def test_rare_effects_belong_to_one_failure_each(self):
        effects = {
            name: {
                failure_type
                for failure_type in retry.FAILURE_TYPES
                if getattr(decide(failure_type), name)
            }
            for name in ("slow_down", "country_blocked", "marketing_only")
        }
        self.assertEqual(effects["slow_down"], {"throughput", "app_rate"})
        self.assertEqual(effects["country_blocked"], {"country"})
        self.assertEqual(effects["marketing_only"], {"marketing_disabled", "mm_unavailable"})
        person_effects = {
            failure_type: decide(failure_type).person_effect
            for failure_type in retry.FAILURE_TYPES
            if decide(failure_type).person_effect
        }
        self.assertEqual(
            person_effects,
            {
                "opted_out": "opted_out",
                "blocked_by_us": "blocked",
                "undeliverable": "undeliverable",
                "marketing_limit": "marketing_limit",
            },
        )

    def test_the_reason_is_the_failure(self):
        for failure_type in retry.FAILURE_TYPES:
            with self.subTest(failure_type):
                self.assertEqual(decide(failure_type).reason_key, failure_type)
        self.assertEqual(decide("a type of next year").reason_key, "unknown_error")


class TestShape(PureCase):
    def test_every_failure_type_has_one_rule(self):
        self.assertEqual(len(set(retry.FAILURE_TYPES)), len(retry.FAILURE_TYPES))
        self.assertEqual(set(retry.RULES), set(retry.FAILURE_TYPES))
        self.assertLessEqual(retry.NEVER_RETRIED_MANUALLY, set(retry.FAILURE_TYPES))

    @untimed
    @given(
        failure_type=st.sampled_from(retry.FAILURE_TYPES) | st.text(max_size=5),
        attempt=st.integers(0, 400),
        category=st.sampled_from(["marketing", "utility", "authentication"]),
        code=st.none() | st.sampled_from([1, 2, 131000, 131008, 131016, 133004, 7]),
        consecutive=st.integers(0, 10),
        previous_undeliverable_count=st.integers(0, 3),
        jitter=st.floats(0, 1, exclude_max=True),
    )
    def test_every_decision_can_be_carried_out(self, failure_type, attempt, **values):
        decision = decide(failure_type, attempt, **values)
        self.assertIn(decision.row, ("retry", "hold", "fail"))
        self.assertEqual(decision.row == "retry", decision.retry_at is not None)
        self.assertTrue(decision.retry_at is None or decision.retry_at >= NOW)
        self.assertTrue(decision.scope_until is None or decision.scope_until > NOW)
        self.assertTrue(decision.scope_until is None or decision.scope is not None)
        self.assertTrue(decision.person_effect is None or decision.scope == "person")
        # A held row needs something that will be released one day.
        self.assertTrue(
            decision.row != "hold" or decision.scope in ("account", "sender", "template")
        )


class TestByHand(PureCase):
    def test_which_rows_a_person_may_queue_again(self):
        never = {
            "opted_out",
            "blocked_by_us",
            "country",
            "undeliverable",
            "experiment",
            "not_test_number",
            "same_number",
            "identity_changed",
            "window_closed",
            "bsuid_unsupported",
        }
        for failure_type in retry.FAILURE_TYPES:
            with self.subTest(failure_type):
                self.assertIs(retry.can_retry_manually(failure_type), failure_type not in never)
                starts = retry.earliest_retry(failure_type, NOW)
                if failure_type in never:
                    self.assertIsNone(starts)
                elif failure_type == "marketing_limit":
                    self.assertEqual(starts, NOW + DAY)
                else:
                    self.assertEqual(starts, NOW)

    def test_an_unknown_failure_is_left_alone(self):
        self.assertFalse(retry.can_retry_manually("a type of next year"))
        self.assertIsNone(retry.earliest_retry("a type of next year", NOW))
