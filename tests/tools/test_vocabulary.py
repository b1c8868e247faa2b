"""One word for one thing: the vocabularies of the rooms, which import nothing of each other."""

from odoo.addons.waba_campaign.cloud_api import errors, values
from odoo.addons.waba_campaign.models.base import (
    waba_failure,
    waba_message,
    waba_portfolio,
    waba_sender,
    waba_template,
)
from odoo.addons.waba_campaign.models.dispatch import (
    waba_message_status,
)
from odoo.addons.waba_campaign.models.dispatch import (
    waba_message_status as waba_message_failure,
)
from odoo.addons.waba_campaign.models.dispatch import (
    waba_message_status as waba_message_results,
)
from odoo.addons.waba_campaign.models.tools import reputation_texts as waba_reputation_words
from odoo.addons.waba_campaign.models.webhook import waba_webhook_platform
from odoo.addons.waba_campaign.policy import eligibility, retry, status
from odoo.tests import TransactionCase

from ..pure import PureCase

ERROR_CLASSES = (
    errors.CloudApiError,
    errors.RetryLater,
    errors.RecipientError,
    errors.RequestRefused,
    errors.TemplateError,
    errors.SenderError,
    errors.AccountError,
    errors.NotSent,
    errors.UnknownOutcome,
)


def words(selection):
    return [key for key, _label in selection]


class TestFailureWords(PureCase):
    def test_each_word_is_listed_once(self):
        for name in ("EXCLUSION_REASONS", "FAILURE_REASONS", "FAILURE_TYPES"):
            with self.subTest(name=name):
                found = words(getattr(waba_failure, name))
                self.assertEqual(len(found), len(set(found)))

    def test_every_word_of_the_api_has_a_rule_and_a_sentence(self):
        said = {rule.failure_type for rule in errors.CODES.values()}
        said |= {kind.default_failure_type for kind in ERROR_CLASSES}
        said |= {errors.classify(None).failure_type, errors.classify(100, subcode=33).failure_type}
        self.assertLessEqual(said, set(retry.FAILURE_TYPES))
        self.assertLessEqual(said, set(words(waba_failure.FAILURE_TYPES)))

    def test_every_rule_has_a_sentence_and_every_sentence_a_rule(self):
        known = set(words(waba_failure.FAILURE_TYPES))
        self.assertEqual(set(retry.RULES), set(retry.FAILURE_TYPES))
        self.assertLessEqual(set(retry.FAILURE_TYPES), known)
        self.assertEqual(
            known - set(retry.FAILURE_TYPES) - set(words(waba_failure.EXCLUSION_REASONS)), set()
        )

    def test_every_reason_to_leave_out_has_a_sentence(self):
        # A closed window is found by us, or by WhatsApp when it closed on the way.
        self.assertLessEqual(
            set(eligibility.REASONS) - {"window_closed"}, set(words(waba_failure.EXCLUSION_REASONS))
        )
        self.assertLessEqual(set(eligibility.REASONS), set(words(waba_failure.FAILURE_TYPES)))

    def test_lists_name_known_words_only(self):
        known = set(retry.FAILURE_TYPES)
        for name, found in [
            ("never by hand", retry.NEVER_RETRIED_MANUALLY),
            ("template states", waba_message_failure.STATUS_FROM_FAILURE),
            ("counted in a row", waba_message_results.CONSECUTIVE_FAILURES),
        ]:
            with self.subTest(name=name):
                self.assertEqual(set(found) - known, set())

    def test_advice_names_known_words_only(self):
        self.assertLessEqual(set(waba_failure.ADVICE), set(words(waba_failure.FAILURE_TYPES)))
        self.assertLessEqual(
            {*waba_failure.TEMPORARY_EXCLUSIONS, *waba_failure.DATED_REASONS},
            set(words(waba_failure.EXCLUSION_REASONS)),
        )

    def test_whatever_stops_more_than_one_message_says_what_to_do(self):
        stopping = {"campaign", "template", "sender", "account"}
        for failure_type in retry.FAILURE_TYPES:
            for in_a_row in (1, retry.FAILURES_TO_BLAME_REQUEST):
                decision = retry.decide_retry(
                    failure_type, 1, values.as_datetime(1790000000), consecutive=in_a_row
                )
                if decision.scope in stopping:
                    with self.subTest(failure_type=failure_type):
                        self.assertIn(failure_type, waba_failure.ADVICE)


class TestStateWords(PureCase):
    def test_a_messages_states_are_those_of_the_policy(self):
        self.assertEqual(set(words(waba_message.STATES)) - {"received"}, set(status.STATES))
        self.assertLessEqual(set(waba_message.ACCEPTED_STATES), set(status.STATES))
        self.assertLessEqual(set(waba_message.OPEN_STATES), set(status.STATES))

    def test_each_time_kept_belongs_to_a_status_of_metas(self):
        for word, column in waba_message_status.TIME_FIELDS.items():
            with self.subTest(word=word):
                self.assertIn(word, status.STATE_OF_STATUS)
                self.assertEqual(column, f"{word}_at")

    def test_a_numbers_status_either_sends_or_stops(self):
        sending, stopping = set(waba_sender.STATUS_SENDING), set(waba_sender.STATUS_STOPPING)
        self.assertEqual(sending & stopping, set())
        self.assertEqual({word.upper() for word in sending | stopping}, sending | stopping)

    def test_a_template_event_leads_to_a_known_status(self):
        self.assertLessEqual(
            set(waba_webhook_platform.TEMPLATE_EVENTS.values()), set(words(waba_template.STATUSES))
        )

    def test_each_limit_the_api_can_tell_is_one_the_portfolio_can_keep(self):
        told = {values.normalise_limit(word) for word in values._LIMITS} | {
            values.normalise_limit(None)
        }
        self.assertEqual(told, set(words(waba_portfolio.MESSAGING_LIMITS)))

    def test_each_colour_the_api_can_tell_is_one_we_can_keep(self):
        told = {values.as_quality(word) for word in ("GREEN", "YELLOW", "RED", "NA", "UNKNOWN", "")}
        self.assertEqual(told, set(words(waba_reputation_words.RATINGS)))


class TestWordsOnScreen(TransactionCase):
    def test_the_fields_offer_the_vocabulary(self):
        for model, name, expected in [
            ("waba.message", "state", waba_message.STATES),
            ("waba.message", "failure_type", waba_failure.FAILURE_TYPES),
            ("waba.template", "status", waba_template.STATUSES),
            ("waba.portfolio", "messaging_limit", waba_portfolio.MESSAGING_LIMITS),
        ]:
            with self.subTest(model=model, name=name):
                field = self.env[model]._fields[name]
                self.assertEqual(words(field.selection), words(expected))

    def test_a_failure_is_told_with_metas_words_and_what_to_do(self):
        cases = [
            (("undeliverable",), "Undeliverable. Check the number: it may not be on WhatsApp."),
            (("no_number", None, "00 12"), "No phone number: 00 12."),
            (
                ("token", 190, "Session has expired"),
                "Access token rejected. Meta: “Session has expired” (code 190). "
                "Enter a new access token on the account and connect again.",
            ),
            (("a_word_added_later",), "a_word_added_later."),
        ]
        for arguments, sentence in cases:
            with self.subTest(arguments=arguments):
                self.assertEqual(waba_failure.failure_text(self.env, *arguments), sentence)
