"""Companies that share a portfolio share the row of a person, and nothing of what each knows."""

import base64
import io
import json
import zipfile

from odoo.exceptions import AccessError

from ..consent.test_consent import NUMBER
from ..consent.test_consent_company import SharedCase
from ..consent.test_consent_rights import MANAGER

OF_A, OF_B = ("Ana Secreta", "A's own form"), ("Bea Privada", "B's own form")


class TestShared(SharedCase):
    def setUp(self):
        super().setUp()
        self.manager_b = self._user_of(self.b, "b_manager", MANAGER)
        self.sender_b = self.env["waba.sender"].create(
            {"account_id": self.account_b.id, "phone_number_uid": "499", "verified_name": "B"}
        )
        self.person = self._person()
        for company, sender, (text, form) in (
            (self.a, self.sender, OF_A), (self.b, self.sender_b, OF_B)
        ):  # fmt: skip
            self._message(
                account_id=sender.account_id.id, sender_id=sender.id, company_id=company.id,
                text=text, person_name=text, direction="in", state="received",
            )  # fmt: skip
            self.person._set_consent("utility", "opt_in", "form", form, company=company)
            self.env["waba.conversation"].create(
                {"sender_id": sender.id, "recipient_id": self.person.id,
                 "res_model": "crm.lead", "res_id": 4711}
            )  # fmt: skip
            body = self._inbound(NUMBER, text, wamid=f"w.{text}")
            self._store_event(body, sender.account_id).write({"state": "applied"})

    def _wizard(self, user, **values):
        wizards = self.env["waba.privacy"].with_user(user)
        return wizards.create({"recipient_id": self.person.id, "is_sure": True, **values})

    def _texts(self, company):
        """What is on record of the person with one company, as one text."""
        self.env.invalidate_all()
        messages = self.env["waba.message"].search([("company_id", "=", company.id)])
        entries = self.env["waba.consent"].search([("company_id", "=", company.id)])
        events = self.env["waba.webhook.event"].search([("account_id.company_id", "=", company.id)])
        conversations = self.env["waba.conversation"].search(
            [("sender_id.company_id", "=", company.id)]
        )
        return json.dumps([
            messages.mapped("text"), messages.mapped("number"), entries.mapped("evidence"),
            events.mapped("body"), conversations.mapped("res_id"),
        ])  # fmt: skip

    def test_an_export_holds_what_the_chosen_companies_know(self):
        both = self._user_of(self.a, "both_manager", MANAGER)
        both.company_ids = self.a | self.b
        cases = [
            (self.manager, self.a, OF_A, OF_B),
            (self.manager_b, self.b, OF_B, OF_A),
            (both, self.a, OF_A, OF_B),
            (both, self.a | self.b, OF_A + OF_B, ()),
        ]
        for user, companies, there, not_there in cases:
            with self._case(f"{user.login} {companies.mapped('name')}"):
                wizard = self._wizard(user).with_context(allowed_company_ids=companies.ids)
                wizard.action_export()
                with zipfile.ZipFile(io.BytesIO(base64.b64decode(wizard.file))) as archive:
                    text = archive.read("all.json").decode()
                for secret in there:
                    self.assertIn(secret, text)
                for secret in not_there:
                    self.assertNotIn(secret, text)

    def test_an_erasure_takes_what_the_company_holds_and_leaves_the_other_s(self):
        for user, own, other, kept in (
            (self.manager_b, self.b, self.a, OF_A), (self.manager, self.a, self.b, OF_B)
        ):  # fmt: skip
            with self._case(user.login):
                before = self._texts(other)
                self._wizard(user, keep_out=False).action_erase()
                self.assertEqual(self._texts(other), before)
                self.assertIn(kept[0], before)
                own_text = self._texts(own)
                for secret in (*OF_A, *OF_B, NUMBER.lstrip("+"), "4711"):
                    self.assertNotIn(secret, own_text)
                self.assertEqual(self.person.number, NUMBER, "the other company needs it")
                self.assertFalse(self.env["waba.erased.person"].search([]))
                expected = {own: "unknown", other: "opted_in"}
                for company, state in expected.items():
                    self.assertEqual(self.person._consent_state("utility", company), state)

    def test_the_number_goes_with_the_last_company_that_holds_anything(self):
        self._wizard(self.manager_b, keep_out=False).action_erase()
        self.assertTrue(self.person.number)
        self._wizard(self.manager, keep_out=True).action_erase()
        self.assertFalse(self.person.number)
        self.assertEqual(self._person().marketing_state, "opted_out")

    def test_who_is_to_be_kept_out_is_so_though_the_row_stays(self):
        self._wizard(self.manager_b, keep_out=True).action_erase()
        self.assertEqual(self._states(), ("opted_out",) * 3)

    def test_it_says_who_else_holds_rows_and_nothing_of_these(self):
        theirs = self._person(portfolio=self.foreign)
        theirs._set_consent("utility", "opt_in", "form", "C's own form")
        wizard = self._wizard(self.manager_b)
        for name in (self.a.name, self.c.name):
            self.assertIn(name, wizard.others_text)
        for secret in (*OF_A, "C's own form"):
            self.assertNotIn(secret, wizard.others_text + wizard.summary)
        self.assertIn("1 messages", wizard.summary)
        self.assertIn("1 consent entries", wizard.summary)
        self.assertIn("1 conversations", wizard.summary)
        self._wizard(self.manager).action_erase()
        self._wizard(self.manager_b).action_erase()
        self.assertEqual(theirs.number, NUMBER)

    def test_a_client_that_names_another_company_gets_nothing(self):
        forged = {"allowed_company_ids": (self.a | self.b).ids}
        wizard = self._wizard(self.manager_b)
        for name in ("action_export", "action_erase"):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(wizard.with_context(**forged), name)()
        with self.assertRaises(AccessError):
            wizard.with_context(**forged).read(["summary", "others_text"])
        self.assertIn(OF_A[0], self._texts(self.a))

    def test_another_company_s_reserved_message_does_not_stop_an_erasure(self):
        self._message(state="reserved")
        self._wizard(self.manager_b).action_erase()
        self.assertNotIn(OF_B[0], self._texts(self.b))

    def test_the_blacklist_keeps_whom_another_row_still_needs(self):
        self.a.waba_feed_blacklist = True
        self._person(portfolio=self.foreign)
        self.person._set_consent("marketing", "opt_out", "reply", "no", company=self.a)
        self.person._erase_personal_data(self.a | self.b)
        self.assertTrue(self.env["phone.blacklist"].search([("number", "=", NUMBER)]))

    def test_what_people_say_to_one_company_is_told_to_no_other(self):
        lead = self._lead(NUMBER)
        own, other = (
            self.env["waba.sequence.enrollment"].create(
                {
                    "sequence_id": self.env["waba.sequence"].create(
                        {"name": company.name, "company_id": company.id,
                         "sender_id": sender.id}
                    ).id,
                    "lead_id": lead.id, "number": NUMBER, "state": "running", "version": 1,
                    "company_id": company.id,
                }
            )
            for company, sender in ((self.a, self.sender), (self.b, self.sender_b))
        )  # fmt: skip
        self.env["waba.sequence"].search([]).write({"stop_on_opt_out": True})
        self.person._set_consent("marketing", "opt_out", "reply", "They wrote no", company=self.a)
        self.assertEqual((own.state, other.state), ("stopped", "stopped"))
        self.assertEqual((own.stop_text, other.stop_text), ("They wrote no", False))
