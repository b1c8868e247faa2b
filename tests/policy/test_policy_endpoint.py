import itertools

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import endpoint
from odoo.addons.waba_campaign.policy.endpoint import (
    CLOUD_API,
    MARKETING_API,
    Route,
    Standing,
    choose_endpoint,
)

from ..pure import PureCase

CATEGORIES = ("marketing", "utility", "authentication", "unknown")
STANDINGS = [Standing(*flags) for flags in itertools.product((False, True), repeat=5)]
REFUSED = ("", CLOUD_API, MARKETING_API)


def prefers(**flags):
    return Standing(prefers_marketing_api=True, is_onboarded=True)._replace(**flags)


class TestRoutes(PureCase):
    def test_the_table(self):
        onboarded = Standing(is_onboarded=True)
        cases = [
            # standing, maximum price, refused by, endpoint, reason
            (Standing(), False, "", CLOUD_API, ""),
            (onboarded, False, "", CLOUD_API, ""),
            (Standing(is_strict=True), False, "", CLOUD_API, ""),
            (prefers(), False, "", MARKETING_API, ""),
            (prefers(), True, "", MARKETING_API, ""),
            (prefers(is_onboarded=False), False, "", CLOUD_API, ""),
            (prefers(is_onboarded=False, is_strict=True), False, "", None, "not_onboarded"),
            (prefers(is_onboarded=False), True, "", None, "not_onboarded"),
            (prefers(is_unavailable=True), False, "", CLOUD_API, ""),
            (prefers(is_unavailable=True, is_strict=True), False, "", None, "unavailable"),
            (prefers(is_unavailable=True), True, "", None, "unavailable"),
            (prefers(is_unavailable=True, is_cloud_api_off=True), False, "", None, "unavailable"),
            (onboarded._replace(is_cloud_api_off=True), False, "", MARKETING_API, ""),
            (Standing(is_cloud_api_off=True), False, "", None, "not_onboarded"),
            (onboarded, True, "", None, "not_chosen"),
            (Standing(), True, "", None, "not_chosen"),
            # After a refusal the other one, or none.
            (prefers(), False, MARKETING_API, CLOUD_API, ""),
            (prefers(), True, MARKETING_API, None, "refused"),
            (onboarded, False, CLOUD_API, MARKETING_API, ""),
            (Standing(), False, CLOUD_API, None, "not_onboarded"),
            (onboarded._replace(is_unavailable=True), False, CLOUD_API, None, "unavailable"),
        ]
        for standing, has_price, refused, wanted, reason in cases:
            with self.subTest(standing=standing, has_price=has_price, refused=refused):
                route = choose_endpoint("marketing", standing, has_price, refused)
                self.assertEqual(route, Route(wanted, reason))

    def test_nothing_but_a_promotion_goes_by_the_marketing_api(self):
        for category in CATEGORIES[1:]:
            for standing, has_price in itertools.product(STANDINGS, (False, True)):
                self.assertEqual(
                    choose_endpoint(category, standing, has_price), Route(CLOUD_API), category
                )

    def test_every_combination_has_an_endpoint_or_a_reason(self):
        for category, standing, has_price, refused in itertools.product(
            CATEGORIES, STANDINGS, (False, True), REFUSED
        ):
            with self.subTest(category=category, standing=standing, refused=refused):
                route = choose_endpoint(category, standing, has_price, refused)
                self.assertNotEqual(bool(route.endpoint), bool(route.reason))
                # The endpoint that refused it does not get it again.
                self.assertNotEqual(route.endpoint or "none", refused)
                is_promotion = category == "marketing" and not refused
                if route.endpoint == MARKETING_API:
                    self.assertTrue(standing.is_onboarded and not standing.is_unavailable)
                if is_promotion and route.endpoint == CLOUD_API:
                    self.assertFalse(has_price or standing.is_cloud_api_off)

    @given(
        st.sampled_from(STANDINGS), st.booleans(), st.lists(st.sampled_from(REFUSED), max_size=9)
    )
    def test_a_message_is_refused_by_each_endpoint_at_most_once(self, standing, has_price, turns):
        refused, tried = "", []
        for _turn in turns:
            found = choose_endpoint("marketing", standing, has_price, refused).endpoint
            if not found or (tried and endpoint.is_final_refusal(tried[-1], refused)):
                break
            tried.append(found)
            if endpoint.is_final_refusal(found, refused):
                break
            refused = refused or found
        self.assertLessEqual(len(tried), 2)
        self.assertEqual(len(set(tried)), len(tried))

    def test_a_bad_value_at_the_marketing_api_may_be_a_sync(self):
        cases = [
            (131009, MARKETING_API, False, "sync_pending"),
            (131009, MARKETING_API, True, "bad_request"),
            (131009, CLOUD_API, False, "bad_request"),
            (100, MARKETING_API, False, "bad_request"),
        ]
        for code, by, was_syncing, wanted in cases:
            with self.subTest(code=code, by=by):
                found = endpoint.refusal_type("bad_request", code, by, was_syncing)
                self.assertEqual(found, wanted)
