"""Opt-in sources: who is recognized by what they write, what is an opt-in, what is counted."""

import base64
from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError

from ...models.optin.waba_optin_visit import FORM_LIFE
from ..common import epoch
from ..conversation.test_inbound import NUMBER, OTHER_NUMBER, InboundCase

YES = "Yes, send me your offers"


class OptinCase(InboundCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_create_lead = True

    def _source(self, **values):
        return self.env["waba.optin.source"].create(
            {
                "name": "Counter",
                "kind": "qr",
                "sender_id": self.sender.id,
                "text": YES,
                "consent_text": "I agree to receive offers from Muebles Prueba on WhatsApp.",
                **values,
            }
        )

    def _entries(self, number=NUMBER):
        return self._person(number).consent_ids.sorted("id")

    def _states(self, *numbers):
        return [self._person(number)._consent_state("marketing", self.env.company)
                for number in numbers]  # fmt: skip


class TestSource(OptinCase):
    def test_each_source_has_a_code_of_its_own_in_its_text_and_link(self):
        first, second = self._source(), self._source(name="Fair")
        self.assertNotEqual(first.code, second.code)
        self.assertEqual(first.message_text, f"{YES} ({first.code})")
        self.assertEqual(
            first.chat_url,
            f"https://wa.me/34600000001?text=Yes%2C%20send%20me%20your%20offers%20%28{first.code}%29",
        )
        self.assertFalse(first.page_url)
        copy = first.copy()
        self.assertNotIn(copy.code, (False, first.code))

    def test_a_page_has_an_address_that_cannot_be_guessed(self):
        page = self._source(kind="page", headline="Offers & más")
        self.assertRegex(page.page_url, r"/waba/optin/offers-mas\.[\w-]{12}$")
        self.assertFalse(page.chat_url, "a message without a one-time code would skip the wording")
        self.assertIn(f'href="{page.page_url}"', page.embed_code)

    def test_what_cannot_work_is_refused_with_the_reason(self):
        for why, values in {
            "does not say that the person agrees": {"text": "Hello"},
            "does not say": {"text": "STOP"},
            "Choose the number": {"sender_id": False},
            "consent wording": {"consent_text": " "},
            "too long": {"text": f"{YES} {'x' * 140}"},
            "Enter the text": {"text": "…"},
        }.items():
            with self.subTest(why), self.assertRaisesRegex(ValidationError, why):
                self._source(**values)
        self._source(text="Hello, I have a question", is_opt_in=False)
        self._source(kind="file", text=False, sender_id=False)

    def test_qr_images(self):
        source = self._source()
        self.assertTrue(source._qr_image("png").startswith(b"\x89PNG"))
        self.assertIn(b"<svg", source._qr_image("svg"))

    def test_only_managers_change_sources(self):
        source = self._source()
        self.assertEqual(source.with_user(self.salesperson).name, "Counter")
        for act in (
            lambda: source.with_user(self.salesperson).write({"name": "x"}),
            lambda: source.with_user(self.salesperson).action_save_meta_code(),
            lambda: source.with_user(self.manager).write({"code": "K7M4QX"}),
        ):
            with self.assertRaises(AccessError):
                act()
        source.with_user(self.manager).name = "Counter 2"

    def test_a_source_with_opt_ins_stays(self):
        source = self._source()
        self._write(source.message_text)
        with self.assertRaises(ValidationError):
            source.unlink()
        self._source().unlink()


class TestMessages(OptinCase):
    def test_the_text_as_it_opens_is_an_opt_in_with_its_evidence(self):
        source = self._source()
        message = self._write(source.message_text)
        entry = self._entries()
        self.assertEqual(message.optin_source_id, source)
        self.assertEqual(message.wish, "opt_in")
        self.assertEqual((entry.action, entry.source), ("opt_in", "reply"))
        self.assertEqual((entry.optin_source_id, entry.message_id), (source, message))
        self.assertEqual(entry.company_id, self.env.company)
        for part in (source.message_text, "Counter", source.consent_text):
            self.assertIn(part, entry.evidence)
        self.assertEqual(self._states(NUMBER), ["opted_in"])

    def test_the_evidence_keeps_the_wording_of_that_time(self):
        source = self._source()
        self.cr.flush()
        self._write(source.message_text, wamid="wamid.1")
        source.consent_text = "Another wording"
        self.cr.flush()
        self._write(source.message_text, number=OTHER_NUMBER, wamid="wamid.2")
        self.assertIn("Muebles Prueba", self._entries().evidence)
        self.assertIn("Another wording", self._entries(OTHER_NUMBER).evidence)
        tracked = source.message_ids.sudo().tracking_value_ids
        self.assertEqual(tracked.mapped("new_value_text"), ["Another wording"])

    def test_edited_texts_are_read_and_what_is_no_agreement_only_counts(self):
        source = self._source()
        code = source.code
        for index, (text, is_named, is_opt_in) in enumerate(
            (
                (f"hola! {YES.upper()} {code.lower()}", True, True),
                (YES, True, True),
                (f"{code}", True, False),
                (f"How much is the sofa? ({code})", True, False),
                (f"No. {YES} ({code})", True, False),
                (f"STOP ({code})", True, False),
                ("Hello", False, False),
                (f"{YES} please", False, False),
            )
        ):
            with self._case(text):
                message = self._write(text, wamid=f"wamid.{index}")
                self.assertEqual(bool(message.optin_source_id), is_named)
                entries = self._entries().filtered(lambda entry: entry.action == "opt_in")
                self.assertEqual(bool(entries), is_opt_in)

    def test_two_sources_with_one_text_or_in_one_message_are_never_guessed(self):
        first, second = self._source(), self._source(name="Fair")
        for index, text in enumerate((YES, f"{first.code} {second.code} {YES}")):
            with self._case(text):
                message = self._write(text, wamid=f"wamid.{index}")
                self.assertFalse(message.optin_source_id)
                self.assertFalse(self._entries())
        self.assertEqual(self._write(second.message_text).optin_source_id, second)

    def test_a_source_that_only_counts_records_no_opt_in(self):
        source = self._source(is_opt_in=False)
        self.assertEqual(self._write(source.message_text).optin_source_id, source)
        self.assertFalse(self._entries())

    def test_who_opted_out_and_scans_again_opts_in_again(self):
        source = self._source()
        self._write("BAJA", wamid="wamid.OUT", ago=timedelta(hours=2))
        self.assertEqual(self._states(NUMBER), ["opted_out"])
        self._write(source.message_text, wamid="wamid.IN", ago=timedelta(hours=1))
        self.assertEqual(self._states(NUMBER), ["opted_in"])
        self.assertEqual(self._entries()[-1].optin_source_id, source)

    def test_a_late_message_does_not_take_a_newer_stop_back(self):
        source = self._source()
        self._write("BAJA", wamid="wamid.OUT", ago=timedelta(hours=1))
        self._write(source.message_text, wamid="wamid.IN", ago=timedelta(hours=2))
        self.assertEqual(self._states(NUMBER), ["opted_out"])

    def test_an_archived_source_is_still_recognized(self):
        source = self._source()
        source.active = False
        self.assertEqual(self._write(source.message_text).optin_source_id, source)
        self.assertEqual(self._states(NUMBER), ["opted_in"])

    def test_another_companys_code_names_nothing_here(self):
        self._portfolio_elsewhere()
        company = self.env["res.company"].search([("name", "=", "Elsewhere")])
        account = self.env["waba.account"].search([("company_id", "=", company.id)])
        sender = self.env["waba.sender"].create(
            {"account_id": account.id, "phone_number_uid": "9", "number": "+34600000999"}
        )
        theirs = self._source(company_id=company.id, sender_id=sender.id)
        self.assertFalse(self._write(theirs.message_text).optin_source_id)
        self.assertFalse(self._entries())

    def test_a_person_without_number_opts_in_too(self):
        source = self._source()
        body = self._inbound("", source.message_text, timestamp=epoch(self.now))
        value = body["entry"][0]["changes"][0]["value"]
        value["contacts"] = [{"profile": {"name": "Ana"}, "user_id": "ES.77"}]
        del value["messages"][0]["from"]
        self._receive(body)
        person = self.env["waba.recipient"].search([("user_uid", "=", "ES.77")])
        self.assertEqual(person.consent_ids.optin_source_id, source)
        self.assertEqual(person._consent_state("marketing", self.env.company), "opted_in")

    def test_the_lead_keeps_the_source_and_its_utm_values(self):
        utm = {
            "campaign_id": self.env["utm.campaign"].create({"name": "Autumn"}).id,
            "source_id": self.env["utm.source"].create({"name": "Shop"}).id,
            "medium_id": self.env["utm.medium"].create({"name": "Poster"}).id,
        }
        source = self._source(**utm)
        lead = self._write(source.message_text)._get_record()
        self.assertEqual(lead.waba_optin_source_id, source)
        self.assertEqual({name: lead[name].id for name in utm}, utm)
        plain = self._write("Hola", number=OTHER_NUMBER, wamid="wamid.2")._get_record()
        self.assertFalse(plain.waba_optin_source_id)


class TestForms(OptinCase):
    def _form(self, source, number=NUMBER):
        return self.env["waba.optin.visit"]._record_form(source, number, "192.0.2.7")

    def test_only_the_message_with_the_one_time_code_is_consent(self):
        source = self._source(kind="page")
        form = self._form(source)
        self.assertFalse(self._person(), "nobody is known by a form")
        source.consent_text = "A later wording"
        message = self._write(source._message_text(form.code))
        entry = self._entries()
        self.assertEqual((entry.action, entry.source), ("opt_in", "form"))
        self.assertEqual((message.optin_source_id, form.message_id), (source, message))
        self.assertIn("Muebles Prueba", entry.evidence, "the wording they saw")
        self.assertIn("from the number entered", entry.evidence)

    def test_who_confirms_is_who_wrote_whatever_number_was_typed(self):
        source = self._source(kind="page")
        form = self._form(source)
        self._write(source._message_text(form.code), number=OTHER_NUMBER)
        self.assertEqual(self._states(OTHER_NUMBER), ["opted_in"])
        self.assertFalse(self._person(), "the typed number stays unknown")
        self.assertIn("another number", self._entries(OTHER_NUMBER).evidence)

    def test_a_code_is_used_once_and_not_after_its_time(self):
        source = self._source(kind="page")
        form = self._form(source)
        self._write(form.code, wamid="wamid.1")
        self.assertEqual(self._states(NUMBER), ["opted_in"])
        self._write(form.code, number=OTHER_NUMBER, wamid="wamid.2")
        self.assertFalse(self._entries(OTHER_NUMBER))
        late = self._form(source, OTHER_NUMBER)
        late.at -= FORM_LIFE
        self._write(late.code, number=OTHER_NUMBER, wamid="wamid.3")
        self.assertFalse(self._entries(OTHER_NUMBER))

    def test_neither_number_nor_address_is_stored_and_old_forms_are_cleared(self):
        source = self._source(kind="page")
        form = self._form(source)
        self.env.flush_all()
        self.env.cr.execute("SELECT v::text FROM waba_optin_visit v WHERE id = %s", (form.id,))
        row = self.env.cr.fetchone()[0]
        self.assertNotIn(NUMBER[1:], row)
        self.assertNotIn("192.0.2.7", row)
        for _view in range(3):
            self.env["waba.optin.visit"]._record_view(source)
        self.env["waba.optin.visit"].search([]).write({"at": self.now - timedelta(days=3)})
        for _run in range(2):
            self.env["waba.optin.visit"]._gc_visits()
            self.assertFalse(form.wording or form.number_key or form.address_key)
            source.invalidate_recordset()
            self.assertEqual((source.view_count, source.form_count), (3, 1))
        self.assertEqual(self.env["waba.optin.visit"].search_count([]), 2)

    def test_one_address_sends_so_many_forms(self):
        source = self._source(kind="page")
        sent = [bool(self._form(source, f"+346110001{index:02d}")) for index in range(32)]
        self.assertEqual(sent, [True] * 30 + [False] * 2)


class TestCounts(OptinCase):
    def test_down_to_won(self):
        source, other = self._source(), self._source(name="Fair", is_opt_in=False)
        self.env["waba.optin.visit"]._record_view(source)
        for index in range(3):
            number = f"+3461100010{index}"
            self._write(source.message_text, number=number, wamid=f"wamid.A{index}",
                        ago=timedelta(hours=3))  # fmt: skip
            self._write(source.message_text, number=number, wamid=f"wamid.B{index}",
                        ago=timedelta(hours=2))  # fmt: skip
        self._write("BAJA", number="+34611000100", wamid="wamid.OUT")
        self._write(other.message_text, number="+34611000109", wamid="wamid.C")
        lead = self.env["crm.lead"].search([("waba_optin_source_id", "=", source.id)], limit=1)
        lead.write({"type": "opportunity", "expected_revenue": 500})
        lead.action_set_won()
        self.env.flush_all()
        self.env.invalidate_all()
        found = [source[name] for name in (
            "view_count", "conversation_count", "opt_in_count", "opt_out_count", "lead_count",
            "won_count", "revenue")]  # fmt: skip
        self.assertEqual(found, [1, 3, 3, 1, 3, 1, 500])
        self.assertEqual([other.conversation_count, other.opt_in_count], [1, 0])
        for action in ("opt_ins", "conversations", "leads"):
            opened = getattr(source, f"action_view_{action}")()
            self.assertTrue(self.env[opened["res_model"]].search_count(opened["domain"]))

    def test_the_same_webhook_twice_or_late_is_one_entry_and_one_count(self):
        source = self._source()
        body = self._inbound(NUMBER, source.message_text, timestamp=epoch(self.now))
        for _time in range(2):
            self._receive(body)
        again = {**body, "entry": [{**body["entry"][0], "time": 1790000001}]}
        self._receive(again)
        self.assertEqual(len(self._entries()), 1)
        self.assertEqual((source.conversation_count, source.opt_in_count, source.lead_count),
                         (1, 1, 1))  # fmt: skip


class TestSignup(OptinCase):
    def _sign_up(self, signup_id="551", **values):
        return self._receive(
            self._change(
                "user_preferences",
                {
                    "metadata": {"phone_number_id": self.sender.phone_number_uid},
                    "user_preferences": [
                        {
                            "category": "marketing_messages", "value": "signup",
                            "timestamp": epoch(self.now), "detail": "User signed up",
                            "signup_id": signup_id, **values,
                        }
                    ],
                },
            )
        )  # fmt: skip

    def test_a_signup_is_an_opt_in_with_metas_id_as_evidence(self):
        known = self._source(kind="signup", name="Profile", signup_uid="551", sender_id=False)
        self._sign_up(wa_id=NUMBER[1:])
        entry = self._entries()
        self.assertEqual((entry.action, entry.source), ("opt_in", "whatsapp"))
        self.assertEqual(entry.optin_source_id, known)
        self.assertIn("551", entry.evidence)
        self._sign_up("777", wa_id=OTHER_NUMBER[1:])
        default = self._entries(OTHER_NUMBER).optin_source_id
        self.assertEqual((default.kind, default.signup_uid), ("signup", False))
        self._sign_up("778", user_id="ES.5")
        person = self.env["waba.recipient"].search([("user_uid", "=", "ES.5")])
        self.assertEqual(person.consent_ids.optin_source_id, default, "one default")
        self.assertEqual(default.opt_in_count, 2)

    def test_a_signup_twice_is_one_entry_and_one_without_a_person_of_ours_is_none(self):
        for _time in range(2):
            self._sign_up(wa_id=NUMBER[1:], input=str(_time))
        self.assertEqual(len(self._entries()), 1)
        event = self._sign_up(parent_user_id="ES.PARENT")
        self.assertEqual(event.state, "ignored")
        self.assertFalse(self.env["waba.recipient"].search([("user_uid", "=", "ES.PARENT")]))


class TestLists(OptinCase):
    def test_a_list_names_its_source_and_a_new_name_makes_one(self):
        known = self._source(kind="file", name="Fair", sender_id=False)
        ledger = self.env["waba.consent"].with_user(self.manager).with_context(import_file=True)
        columns = ["person_id", "action", "said_at", "evidence", "source_name"]
        answer = ledger.load(
            columns,
            [
                [NUMBER, "opt_in", "2026-01-15", "Fair form for offers", "Fair"],
                [OTHER_NUMBER, "opt_in", "2026-01-15", "Shop form for offers", "Shop"],
                ["+34611000003", "opt_out", "2026-01-15", "", "Shop"],
                ["+34611000004", "opt_in", "2026-01-15", "Letter of January", ""],
            ],
        )
        self.assertFalse(answer["messages"])
        self.assertEqual(self._entries().optin_source_id, known)
        shop = self._entries(OTHER_NUMBER).optin_source_id
        self.assertEqual((shop.name, shop.kind), ("Shop", "file"))
        self.assertFalse(self._entries("+34611000003").optin_source_id, "an opt-out has none")
        self.assertFalse(self._entries("+34611000004").optin_source_id)
        self.assertEqual((known.opt_in_count, shop.opt_in_count), (1, 1))

    def test_an_audience_from_a_file_names_its_source(self):
        source = self._source(kind="file", name="Fair", sender_id=False)
        dialog = self.env["waba.audience.import"].with_user(self.manager).create(
            {
                "file": base64.b64encode(f"Phone\n{NUMBER}\n".encode()), "file_name": "fair.csv",
                "consent": "opt_in", "consent_date": self.now - timedelta(days=1),
                "evidence": "Fair, signup form for offers", "optin_source_id": source.id,
            }
        )  # fmt: skip
        dialog.action_import()
        self.assertEqual(self._entries().optin_source_id, source)
        self.assertEqual((source.opt_in_count, source.lead_count), (1, 1))


class TestTopic(OptinCase):
    def test_a_source_with_a_topic_opts_in_to_that_topic(self):
        topic = self.env["waba.topic"].create({"name": "Events"})
        source = self._source(topic_id=topic.id)
        self._write("BAJA", wamid="wamid.OUT", ago=timedelta(hours=2))
        self._write(source.message_text, wamid="wamid.IN", ago=timedelta(hours=1))
        entry = self._entries()[-1]
        self.assertEqual((entry.action, entry.topic_id), ("opt_in", topic))
        self.assertEqual(self._states(NUMBER), ["opted_out"], "other promotions stay closed")
        self.assertEqual(source.opt_in_count, 1)
