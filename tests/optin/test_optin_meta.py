"""QR codes that Meta keeps: made on demand, their text kept the same, refusals named."""

import json

from ...cloud_api.client import CloudApiClient
from ..common import NUMBER_ES, TOKEN
from .test_optin_source import OptinCase


class TestMetaCodes(OptinCase):
    def setUp(self):
        super().setUp()
        self.source = self._source()

    def _at_meta(self):
        world = self.simulator.get("world")
        return next(n for n in world["numbers"] if n["id"] == NUMBER_ES)["qr_codes"]

    def test_nothing_is_made_at_meta_until_a_manager_asks(self):
        self.assertEqual(self._at_meta(), {})
        own = self.source.chat_url
        self.source.with_user(self.manager).action_save_meta_code()
        [(code, text)] = self._at_meta().items()
        self.assertEqual((self.source.meta_code_uid, text), (code, self.source.message_text))
        self.assertEqual(self.source.chat_url, f"https://wa.me/message/{code}")
        self.assertFalse(self.source.meta_problem)
        self.source.with_user(self.manager).action_delete_meta_code()
        self.assertEqual(self._at_meta(), {})
        self.assertEqual(self.source.chat_url, own)

    def test_a_changed_text_is_named_until_it_is_updated_and_stays_one_code(self):
        self.source.action_save_meta_code()
        code = self.source.meta_code_uid
        self.source.text = "Yes, send me news"
        self.assertIn("still has the text", self.source.meta_problem)
        self.source.action_save_meta_code()
        self.assertFalse(self.source.meta_problem)
        self.assertEqual(self._at_meta(), {code: self.source.message_text})

    def test_another_number_gets_a_code_of_its_own(self):
        self.source.action_save_meta_code()
        self.source.sender_id = self.sender_mx
        self.assertIn("still opens a chat", self.source.meta_problem)
        self.source.action_save_meta_code()
        self.assertEqual(self._at_meta(), {})
        self.assertEqual(self.source.meta_sender_id, self.sender_mx)
        self.assertFalse(self.source.meta_problem)

    def test_a_refusal_is_shown_and_changes_nothing(self):
        own = self.source.chat_url
        with self._fault(kind="error", endpoint="message_qrdls", code=200):
            self.source.action_save_meta_code()
        self.assertIn("error 200", self.source.meta_problem)
        self.assertEqual(self.source.chat_url, own)
        self.source.action_save_meta_code()
        self.assertFalse(self.source.meta_problem)

    def test_a_code_that_is_gone_at_meta_can_be_deleted_here(self):
        self.source.action_save_meta_code()
        self.simulator.post("reset")
        self.source.action_delete_meta_code()
        self.assertFalse(self.source.meta_code_uid or self.source.meta_problem)

    def test_the_client_lists_creates_changes_and_deletes(self):
        with CloudApiClient(self.simulator.url, "v25.0", TOKEN,
                            allowed=self.account._allowed_addresses()) as client:  # fmt: skip
            made = [client.save_qr_code(NUMBER_ES, f"Text {index}") for index in range(30)]
            found = list(client.list_qr_codes(NUMBER_ES))
            self.assertEqual([code.text for code in found][:2], ["Text 29", "Text 28"])
            self.assertEqual({code.code_uid for code in found}, {code.code_uid for code in made})
            changed = client.save_qr_code(NUMBER_ES, "New", made[0].code_uid)
            self.assertEqual((changed.code_uid, changed.text), (made[0].code_uid, "New"))
            self.assertTrue(client.delete_qr_code(NUMBER_ES, made[0].code_uid))
        self.assertEqual(len(self._at_meta()), 29, json.dumps(self._at_meta()))
