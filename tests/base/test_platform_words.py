"""Meta's raw states and the network's errors, as people read them."""

import re

from odoo.addons.waba_campaign.cloud_api import NotSent, RequestRefused, UnknownOutcome, events
from odoo.addons.waba_campaign.cloud_api.transport import NETWORK_CAUSES as CAUSES
from odoo.addons.waba_campaign.models.base.waba_sender import STATUS_SENDING, STATUS_STOPPING
from odoo.addons.waba_campaign.models.tools.platform_words import (
    NETWORK_CAUSES,
    STATES,
    error_detail,
    plain_sentence,
    platform_word,
)
from odoo.addons.waba_campaign.models.webhook.waba_webhook_event import CONTENTS
from odoo.addons.waba_campaign.wizard.waba_diagnosis_account import UNAPPROVED_NAME_STATUSES
from odoo.tests import TransactionCase

RAW = re.compile(r"[A-Z]{3,}|_|urllib3|Pool|object at")


class TestPlatformWords(TransactionCase):
    def test_every_state_we_know_of_has_plain_words(self):
        for state in (*STATES, *STATUS_SENDING, *STATUS_STOPPING, *UNAPPROVED_NAME_STATUSES):
            self.assertIn(state, STATES)
            word = platform_word(self.env, state)
            known = word.replace("PIN", "").replace("Marketing Messages API", "")
            self.assertNotRegex(known, RAW)
            self.assertEqual(platform_word(self.env, state.lower()), word)

    def test_a_state_we_do_not_know_is_readable_too(self):
        for state, word in (("SOME_NEW_STATE", "Some new state"), ("", ""), (None, ""),
                            (False, "")):  # fmt: skip
            self.assertEqual(platform_word(self.env, state), word)

    def test_every_kind_of_event_has_words(self):
        kinds = {
            name
            for name, kind in vars(events).items()
            if isinstance(kind, type) and issubclass(kind, events.Event)
        } - {"Event", "TemplateEvent"}
        self.assertEqual(kinds, set(CONTENTS))

    def test_a_sentence_of_meta_s(self):
        text = "Restricted: RESTRICTED_ADD_PHONE_NUMBER_ACTION, until 2026-12-01."
        self.assertEqual(
            plain_sentence(self.env, text), "Restricted: no new numbers, until 2026-12-01."
        )
        self.assertEqual(plain_sentence(self.env, "The WABA can send."), "The WABA can send.")

    def test_each_network_error(self):
        raw = "ConnectionError: HTTPSConnectionPool(host='graph.facebook.com', port=443): Max"
        for cause in (*(cause for cause, _kinds in CAUSES), "broken"):
            for kind in (NotSent, UnknownOutcome):
                text = error_detail(self.env, kind(message=raw, cause=cause))
                self.assertIn(cause, NETWORK_CAUSES)
                self.assertNotRegex(text, RAW)
                self.assertTrue(text)

    def test_meta_s_own_text_stays(self):
        error = RequestRefused(code=100, message="Invalid parameter", details="Unknown field x.")
        self.assertEqual(error_detail(self.env, error), "Unknown field x")
        html = UnknownOutcome(message="HTTP 503 without a Graph API answer: <html>",
                              http_status=503)  # fmt: skip
        self.assertEqual(error_detail(self.env, html), "its answer could not be read (HTTP 503)")
