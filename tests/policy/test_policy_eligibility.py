from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import eligibility
from odoo.addons.waba_campaign.policy.eligibility import Eligibility, Person

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 20, 10, 0, 0)
LATER = NOW + timedelta(days=3)
ANA = Person(number="+34600000000", marketing_state="opted_in", country_code="ES")

# What each reason looks like, in the order in which they are shown.
SYMPTOMS = {
    "no_number": {"number": ""},
    "invalid_number": {"number": "600 00"},
    "own_number": {"is_ours": True},
    "duplicate": {"duplicate": True},
    "blacklisted": {"blacklisted": True},
    "opted_out": {"marketing_state": "opted_out"},
    "topic_closed": {"topic_state": "opted_out"},
    "opted_out_utility": {"utility_state": "opted_out"},
    "renumbered": {"renumbered": True},
    "no_opt_in": {"marketing_state": "unknown"},
    "unreachable": {"unreachable_until": LATER},
    "blocked_by_us": {"blocked": True},
    "country": {"country_code": "CU"},
}
# What does not stand in the way of a purpose.
OF_OTHERS = {
    "marketing": {"opted_out_utility"},
    "utility": {"opted_out", "topic_closed", "no_opt_in"},
    "service": {
        "opted_out",
        "topic_closed",
        "opted_out_utility",
        "renumbered",
        "no_opt_in",
        "blacklisted",
        "unreachable",
    },
}
# What everybody has who is not being answered.
OPEN = replace(ANA, window_expires_at=NOW + timedelta(minutes=1))


class TestCheck(PureCase):
    def test_one_symptom(self):
        cases = [
            # changes, marketing verdict, utility verdict
            ({}, None, None),
            ({"marketing_state": "unknown"}, None, None),
            ({"marketing_state": "opted_out"}, "opted_out", None),
            ({"utility_state": "opted_out"}, None, "opted_out_utility"),
            ({"utility_state": None, "marketing_state": None}, None, None),
            ({"number": ""}, "no_number", "no_number"),
            ({"number": "", "user_uid": "ES.9A1B2C"}, None, None),
            ({"number": "600 000 000"}, "invalid_number", "invalid_number"),
            ({"number": "+0600000000"}, "invalid_number", "invalid_number"),
            ({"number": "+1234567890123456"}, "invalid_number", "invalid_number"),
            ({"number": "+34600000000 "}, "invalid_number", "invalid_number"),
            ({"number": "+346000000\u0663"}, "invalid_number", "invalid_number"),
            ({"is_ours": True}, "own_number", "own_number"),
            ({"is_ours": True, "duplicate": True, "blacklisted": True}, "own_number", "own_number"),
            ({"is_ours": True, "number": "600 00"}, "invalid_number", "invalid_number"),
            ({"duplicate": True}, "duplicate", "duplicate"),
            ({"blacklisted": True}, "blacklisted", "blacklisted"),
            ({"unreachable_until": LATER}, "unreachable", "unreachable"),
            ({"unreachable_until": NOW}, None, None),
            ({"unreachable_until": False, "country_code": False}, None, None),
            ({"blocked": True}, "blocked_by_us", "blocked_by_us"),
            ({"country_code": ""}, None, None),
            ({"country_code": "KP"}, "country", "country"),
            ({"country_code": "ir"}, "country", "country"),
            ({"country_code": "SY"}, "country", "country"),
            ({"country_code": "US"}, "country", None),
            ({"promotions_free_at": LATER}, "frequency", None),
            ({"repeats_free_at": LATER}, "repeated", "repeated"),
            ({"promotions_free_at": NOW}, None, None),
            ({"country_code": "CA"}, None, None),
        ]
        for changes, *expected in cases:
            person = replace(ANA, **changes)
            for purpose, reason_key in zip(("marketing", "utility"), expected, strict=True):
                with self.subTest(purpose, **changes):
                    verdict = eligibility.check_eligibility(person, purpose, NOW)
                    self.assertEqual(verdict.reason_key, reason_key)
                    self.assertIs(verdict.allowed, reason_key is None)

    def test_an_unreachable_person_may_be_tried_again_later(self):
        person = replace(ANA, unreachable_until=LATER)
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", NOW),
            Eligibility(False, "unreachable", LATER),
        )
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", LATER), Eligibility(True)
        )

    def test_who_had_enough_promotions_may_get_one_later(self):
        person = replace(ANA, promotions_free_at=LATER)
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", NOW),
            Eligibility(False, "frequency", LATER),
        )

    def test_who_has_just_received_a_template_may_get_it_later(self):
        person = replace(ANA, repeats_free_at=LATER, promotions_free_at=LATER)
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", NOW),
            Eligibility(False, "repeated", LATER),
        )
        self.assertEqual(eligibility.check_eligibility(person, "utility", LATER), Eligibility(True))

    def test_a_date_does_not_end_a_reason_that_has_none(self):
        person = replace(ANA, blacklisted=True, unreachable_until=LATER)
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", NOW),
            Eligibility(False, "blacklisted", None),
        )

    def test_countries_the_account_may_not_write_to(self):
        american = replace(ANA, country_code="US")
        blocked = frozenset({"ES"})
        cases = [
            (american, {"us_marketing_blocked": False}, None),
            (ANA, {"blocked_countries": blocked}, "country"),
            (american, {"us_marketing_blocked": False, "blocked_countries": blocked}, None),
        ]
        for person, rules, expected in cases:
            with self.subTest(person.country_code, **rules):
                verdict = eligibility.check_eligibility(person, "marketing", NOW, **rules)
                self.assertEqual(verdict.reason_key, expected)

    def test_where_an_opt_in_is_required_only_those_who_gave_it_get_promotions(self):
        cases = [
            # state, marketing, utility
            ("opted_in", None, None),
            ("unknown", "no_opt_in", None),
            (None, "no_opt_in", None),
            ("opted_out", "opted_out", None),
        ]
        for state, *expected in cases:
            person = replace(ANA, marketing_state=state)
            for purpose, reason_key in zip(("marketing", "utility"), expected, strict=True):
                with self.subTest(purpose, state=state):
                    verdict = eligibility.check_eligibility(
                        person, purpose, NOW, opt_in_required=True
                    )
                    self.assertEqual(verdict.reason_key, reason_key)

    def test_an_opt_in_to_promotions_is_none_to_service_messages_and_the_reverse(self):
        person = replace(ANA, marketing_state="opted_out", utility_state="opted_in")
        self.assertEqual(
            eligibility.check_eligibility(person, "marketing", NOW).reason_key, "opted_out"
        )
        self.assertTrue(eligibility.check_eligibility(person, "utility", NOW).allowed)
        person = replace(ANA, marketing_state="opted_in", utility_state="opted_out")
        self.assertTrue(eligibility.check_eligibility(person, "marketing", NOW).allowed)
        self.assertEqual(
            eligibility.check_eligibility(person, "utility", NOW).reason_key, "opted_out_utility"
        )

    def test_a_topic_closes_itself_and_opens_no_other(self):
        cases = [
            # promotions in general, topic, marketing verdict, the same where an opt-in is required
            ("unknown", None, None, "no_opt_in"),
            ("unknown", "opted_in", None, None),
            ("unknown", "opted_out", "topic_closed", "topic_closed"),
            ("opted_in", None, None, None),
            ("opted_in", "opted_in", None, None),
            ("opted_in", "opted_out", "topic_closed", "topic_closed"),
            ("opted_out", None, "opted_out", "opted_out"),
            ("opted_out", "opted_in", None, None),
            ("opted_out", "opted_out", "opted_out", "opted_out"),
        ]
        for general, topic, *expected in cases:
            person = replace(ANA, marketing_state=general, topic_state=topic)
            for required, reason in zip((False, True), expected, strict=True):
                with self.subTest(general=general, topic=topic, required=required):
                    verdict = eligibility.check_eligibility(
                        person, "marketing", NOW, opt_in_required=required
                    )
                    self.assertEqual(verdict.reason_key, reason)
                    self.assertTrue(eligibility.check_eligibility(person, "utility", NOW).allowed)

    @untimed
    @given(
        general=st.sampled_from(["unknown", "opted_in", "opted_out"]),
        topic=st.sampled_from([None, "opted_in", "opted_out"]),
        required=st.booleans(),
    )
    def test_nobody_gets_a_promotion_against_what_they_said_about_its_topic(
        self, general, topic, required
    ):
        person = replace(ANA, marketing_state=general, topic_state=topic)
        allowed = eligibility.check_eligibility(
            person, "marketing", NOW, opt_in_required=required
        ).allowed
        consent = eligibility.topic_consent(general, topic)
        self.assertEqual(allowed, consent == "opted_in" or (consent == "unknown" and not required))
        if topic == "opted_out" or (general == "opted_out" and topic is None):
            self.assertFalse(allowed)

    def test_an_answer_is_for_who_wrote_to_us(self):
        cases = [
            # changes, verdict
            ({}, None),
            ({"marketing_state": "opted_out"}, None),
            ({"utility_state": "opted_out"}, None),
            ({"blacklisted": True}, None),
            ({"unreachable_until": LATER}, None),
            ({"country_code": "US"}, None),
            ({"number": "", "user_uid": "ES.9A1B2C"}, None),
            ({"number": ""}, "no_number"),
            ({"number": "600 000 000"}, "invalid_number"),
            ({"is_ours": True}, "own_number"),
            ({"is_ours": True, "window_expires_at": None}, "own_number"),
            ({"blocked": True}, "blocked_by_us"),
            ({"country_code": "SY"}, "country"),
            ({"window_expires_at": None}, "window_closed"),
            ({"window_expires_at": NOW}, "window_closed"),
            ({"window_expires_at": NOW, "blocked": True}, "blocked_by_us"),
        ]
        for changes, reason_key in cases:
            with self.subTest(**changes):
                verdict = eligibility.check_eligibility(replace(OPEN, **changes), "service", NOW)
                self.assertEqual(verdict.reason_key, reason_key)

    def test_the_window_must_be_open_until_the_last_moment(self):
        for seconds, reason_key in [(59, None), (60, "window_closed"), (61, "window_closed")]:
            with self.subTest(seconds=seconds):
                leaves_by = NOW + timedelta(seconds=seconds)
                verdict = eligibility.check_eligibility(OPEN, "service", NOW, leaves_by=leaves_by)
                self.assertEqual(verdict.reason_key, reason_key)

    def test_only_an_answer_needs_a_window(self):
        for purpose in ("marketing", "utility"):
            self.assertEqual(eligibility.check_eligibility(ANA, purpose, NOW), Eligibility(True))

    def test_an_unknown_purpose_is_an_error(self):
        with self.assertRaises(ValueError):
            eligibility.check_eligibility(ANA, "newsletter", NOW)

    @untimed
    @given(st.sets(st.sampled_from(tuple(SYMPTOMS))), st.sampled_from(tuple(OF_OTHERS)))
    def test_the_first_reason_is_shown(self, reasons, purpose):
        changes = {}
        for reason in reversed(SYMPTOMS):
            if reason in reasons:
                changes |= SYMPTOMS[reason]
        verdict = eligibility.check_eligibility(
            replace(OPEN, **changes), purpose, NOW, opt_in_required=True
        )
        expected = reasons - OF_OTHERS[purpose]
        self.assertEqual(verdict.reason_key, next((k for k in SYMPTOMS if k in expected), None))

    def test_the_reasons_and_their_order(self):
        waiting = ("window_closed", "may_opt_out", "repeated", "frequency")
        self.assertEqual(eligibility.REASONS, (*SYMPTOMS, *waiting))

    def test_a_possible_opt_out_holds_promotions_alone_and_after_what_excludes(self):
        doubtful = replace(OPEN, may_opt_out=True)
        later = {"promotions_free_at": LATER}
        cases = [
            # changes, marketing, utility, service
            ({}, "may_opt_out", None, None),
            ({"marketing_state": "opted_in"}, "may_opt_out", None, None),
            ({"marketing_state": "opted_out"}, "opted_out", None, None),
            ({"blacklisted": True}, "blacklisted", "blacklisted", None),
            (later, "may_opt_out", None, None),
        ]
        for changes, *verdicts in cases:
            for purpose, reason in zip(eligibility.PURPOSES, verdicts, strict=True):
                with self.subTest(changes, purpose=purpose):
                    verdict = eligibility.check_eligibility(
                        replace(doubtful, **changes), purpose, NOW
                    )
                    self.assertEqual((verdict.reason_key, verdict.retry_at), (reason, None))
