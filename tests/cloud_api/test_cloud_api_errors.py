from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    CODES,
    AccountError,
    CloudApiError,
    NotSent,
    RecipientError,
    RequestRefused,
    RetryLater,
    SenderError,
    TemplateError,
    UnknownOutcome,
    classify,
)
from odoo.addons.waba_campaign.cloud_api.errors import graph_error

from ..pure import PureCase

# A slow machine must not fail a test.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Meta, Error codes, 2026-09-11, and the pages named in the module: each code, its remedy, its word.
DOCUMENTED = [
    (RetryLater, "throughput", [130429]),
    (RetryLater, "pair_rate", [131056]),
    (RetryLater, "temporary", [1, 2, 131000, 131016, 133004]),
    (RetryLater, "maintenance", [131057]),
    (RetryLater, "app_rate", [4, 613, 80007, 80008]),
    (RetryLater, "flow_throttled", [132069]),
    (RetryLater, "sync_pending", [134101]),
    (AccountError, "token", [0, 190]),
    (AccountError, "permission", [3, 10, 200, 230, 299, 131005]),
    (AccountError, "account_restricted", [368, 131031]),
    (AccountError, "account_misclassified", [131064]),
    (AccountError, "billing", [131042]),
    (AccountError, "marketing_disabled", [131063]),
    (AccountError, "mm_unavailable", [134102]),
    (SenderError, "sender_unavailable", [33, 131037, 131045, 133010]),
    (SenderError, "spam_rate", [131048]),
    (TemplateError, "template_missing", [132001]),
    (TemplateError, "template_paused", [132015]),
    (TemplateError, "template_disabled", [132016]),
    (TemplateError, "template_parameters", [132000, 132012]),
    (TemplateError, "template_policy", [132007]),
    (TemplateError, "flow_blocked", [132068]),
    (TemplateError, "wrong_endpoint", [131055, 131061, 134100]),
    (RequestRefused, "bad_request", [100, 131008, 131009, 131051, 131053]),
    (RequestRefused, "bad_request", [132005, 132008, 132018]),
    (RequestRefused, "window_closed", [131047]),
    (RequestRefused, "bsuid_unsupported", [131062]),
    (RequestRefused, "pacing_drop", [135000]),
    (RecipientError, "undeliverable", [131026]),
    (RecipientError, "not_test_number", [131030]),
    (RecipientError, "same_number", [131021]),
    (RecipientError, "experiment", [130472]),
    (RecipientError, "marketing_limit", [131049]),
    (RecipientError, "opted_out", [131050]),
    (RecipientError, "blocked_by_us", [130403]),
    (RecipientError, "country", [130497]),
    (RecipientError, "identity_changed", [137000]),
]
# Setup, inbound and block-list codes: never an answer to a send, but they must not be unknown.
ELSEWHERE = [
    *(131052, 131059, 133000, 133005, 133006, 133007, 133008, 133009, 133015, 133016),
    *(134011, 139100, 139101, 139102, 139103, 803, 2200),
]


class TestCodes(PureCase):
    def test_documented_codes(self):
        for exception, failure_type, codes in DOCUMENTED:
            for code in codes:
                with self.subTest(code=code):
                    rule = classify(code)
                    self.assertIs(rule.exception, exception)
                    self.assertEqual(rule.failure_type, failure_type)
                    self.assertEqual(classify(str(code)), rule)

    def test_every_rule_has_a_source_and_nothing_else_is_in_the_table(self):
        known = {code for _exception, _type, codes in DOCUMENTED for code in codes}
        for code, rule in CODES.items():
            with self.subTest(code=code):
                self.assertTrue(rule.source)
                self.assertNotEqual(rule.failure_type, "unknown_error")
                self.assertTrue(code in known or code in ELSEWHERE or 200 <= code <= 299)
        self.assertLessEqual(set(ELSEWHERE), set(CODES))

    def test_missing_object(self):
        gone = "Unsupported post request. Object with ID '1' does not exist, cannot be loaded"
        cases = [
            (dict(code=100, subcode=33), "sender_unavailable"),
            (dict(code="100", subcode="33"), "sender_unavailable"),
            (dict(code=100, details=gone), "sender_unavailable"),
            (dict(code=100, details="Invalid parameter"), "bad_request"),
            (dict(code=100, subcode=2494010), "bad_request"),
            (dict(code=131009, subcode=33), "bad_request"),
        ]
        for arguments, failure_type in cases:
            with self.subTest(arguments):
                self.assertEqual(classify(**arguments).failure_type, failure_type)

    def test_unknown_codes_fail_the_row_unless_meta_says_transient(self):
        for code in (999999, -1, None, True, 1.0, "", "x", [], 10**30):
            with self.subTest(code=code):
                rule = classify(code)
                self.assertEqual(
                    (rule.exception, rule.failure_type), (RequestRefused, "unknown_error")
                )
                rule = classify(code, is_transient=True)
                self.assertEqual((rule.exception, rule.failure_type), (RetryLater, "temporary"))
        self.assertEqual(classify(999999, is_transient="yes").failure_type, "unknown_error")
        self.assertEqual(classify(131050, is_transient=True).failure_type, "opted_out")

    @unhurried
    @given(
        st.none() | st.integers() | st.text() | st.floats(),
        st.none() | st.text(),
        st.none() | st.booleans(),
    )
    def test_never_raises(self, code, details, is_transient):
        rule = classify(code, details, is_transient)
        self.assertTrue(issubclass(rule.exception, CloudApiError))


class TestExceptions(PureCase):
    def test_graph_error_texts(self):
        cases = [
            ({"error_data": {"details": "d"}, "message": "m"}, "m", "d"),
            ({"error_data": "plain", "message": "m"}, "m", "plain"),
            ({"error_user_title": "t", "error_user_msg": "u"}, "t", "u"),
            ({"message": None, "error_data": []}, "", ""),
        ]
        for error, message, details in cases:
            with self.subTest(error):
                found = graph_error(error)
                self.assertEqual((found.message, found.details), (message, details))

    def test_graph_error_keeps_an_unknown_number(self):
        found = graph_error({"code": "424242", "error_subcode": "7"}, 400)
        self.assertEqual((found.code, found.subcode, found.http_status), (424242, 7, 400))

    def test_graph_error_masks(self):
        found = graph_error({"message": "a", "error_data": {"details": "b"}}, mask=str.upper)
        self.assertEqual((found.message, found.details), ("A", "B"))

    def test_default_failure_types(self):
        cases = [
            (RetryLater, "temporary"),
            (NotSent, "not_sent"),
            (UnknownOutcome, "unknown_error"),
            (SenderError, "sender_unavailable"),
        ]
        for kind, failure_type in cases:
            self.assertEqual(kind().failure_type, failure_type)
        self.assertEqual(RetryLater(failure_type="pair_rate").failure_type, "pair_rate")

    def test_text(self):
        self.assertEqual(str(NotSent(message="refused")), "NotSent: refused")
        self.assertEqual(str(AccountError(190)), "error 190: account_restricted")
        self.assertEqual(str(RetryLater(4, 5, "m", "d", "T")), "error 4/5: m: d (fbtrace_id T)")
