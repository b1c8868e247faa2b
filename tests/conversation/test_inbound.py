"""What people write to us: the service window, the chatter, who wrote, and what it answers."""

from datetime import datetime, timedelta

from odoo.tests import new_test_user

from ..common import NO_WEBHOOK, NUMBER_ES, PublicAddress, WabaCase, epoch

NUMBER = "+34611000001"
OTHER_NUMBER = "+34611000002"


class InboundCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.now = datetime.now().replace(microsecond=0)

    def _write(self, text="Hola", number=NUMBER, wamid="wamid.IN1", ago=None, **values):
        """Someone writes `ago` (timedelta) before now; the message row, perhaps none."""
        moment = self.now - (ago or timedelta())
        body = self._inbound(number, text, wamid=wamid, timestamp=epoch(moment), **values)
        self.event = self._receive(body)
        return self.env["waba.message"].search([("wamid", "=", wamid)])

    def _write_as(self, user_uid, number="", text="Hola", wamid="wamid.UID", name="Ana", **values):
        """Someone with a business-scoped user id writes, perhaps without showing a number."""
        message = {
            "id": wamid,
            "timestamp": str(epoch(self.now)),
            "type": "text",
            "text": {"body": text},
            **({"from": number.lstrip("+")} if number else {}),
            **values,
        }
        contact = {"profile": {"name": name}, "user_id": user_uid}
        if number:
            contact["wa_id"] = number.lstrip("+")
        self.event = self._receive(
            self._change(
                "messages",
                {
                    "metadata": {"phone_number_id": NUMBER_ES},
                    "contacts": [contact],
                    "messages": [message],
                },
            )
        )
        return self.env["waba.message"].search([("wamid", "=", wamid)])

    def _system(self, **system):
        """WhatsApp reports on a person."""
        return self._change(
            "messages",
            {
                "metadata": {"phone_number_id": NUMBER_ES},
                "messages": [
                    {
                        "id": "wamid.SYSTEM",
                        "from": system.pop("number", ""),
                        "timestamp": str(epoch(self.now)),
                        "type": "system",
                        "system": system,
                    }
                ],
            },
        )

    def _conversation(self):
        return self.env["waba.conversation"].search([])

    def _person(self, number=NUMBER):
        return self.env["waba.recipient"].search([("number", "=", number)])

    def _posts(self, record):
        return record.message_ids.filtered(lambda message: "WhatsApp from" in (message.body or ""))


class TestServiceWindow(InboundCase):
    def test_a_message_opens_the_window_for_24_hours_from_when_it_was_written(self):
        self._write(ago=timedelta(hours=3))
        conversation = self._conversation()
        self.assertEqual(conversation.sender_id, self.sender)
        self.assertEqual(conversation.recipient_id.number, NUMBER)
        self.assertEqual(conversation.last_inbound_at, self.now - timedelta(hours=3))
        self.assertEqual(conversation.window_expires_at, self.now + timedelta(hours=21))
        self.assertEqual(conversation.unread_count, 1)

    def test_a_newer_message_renews_the_window_and_an_older_one_never_shortens_it(self):
        for hours in ((5, 2, 9), (9, 5, 2), (2, 9, 5)):
            with self._case(str(hours)):
                for hour in hours:
                    self._write(wamid=f"wamid.{hour}", ago=timedelta(hours=hour))
                conversation = self._conversation()
                self.assertEqual(conversation.last_inbound_at, self.now - timedelta(hours=2))
                self.assertEqual(conversation.window_expires_at, self.now + timedelta(hours=22))
                self.assertEqual(conversation.unread_count, 3)

    def test_each_of_our_numbers_has_its_own_window(self):
        self._write()
        body = self._inbound(NUMBER, "Hola", wamid="wamid.MX")
        value = body["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = self.sender_mx.phone_number_uid
        self._receive(body)
        self.assertEqual(self._conversation().sender_id, self.sender | self.sender_mx)
        self.assertEqual(len(self._conversation().recipient_id), 1)

    def test_what_whatsapp_reports_opens_no_window_and_answers_nothing(self):
        row = self._message(wamid="wamid.OUT")
        cases = {
            "system": {"type": "system", "system": {"body": "Ana changed", "type": "other"}},
            "edit": {
                "type": "edit",
                "edit": {"original_message_id": "wamid.IN0", "message": {"type": "text"}},
            },
            "revoke": {"type": "revoke", "revoke": {"original_message_id": "wamid.OUT"}},
        }
        for kind, values in cases.items():
            with self._case(kind):
                message = self._write(**values)
                self.assertEqual(message.kind, kind)
                self.assertFalse(self._conversation())
                self.assertFalse(row.replied_at)

    def test_any_kind_that_a_person_sends_opens_the_window(self):
        for kind in ("image", "reaction", "location", "unsupported", "sticker", "brand_new"):
            with self._case(kind):
                self._write(type=kind, **{kind: {}})
                self.assertTrue(self._conversation().window_expires_at)

    def test_a_message_to_a_number_put_away_still_counts(self):
        self.sender.active = False
        self.assertTrue(self._write("BAJA"))
        self.assertEqual(self._person().marketing_state, "opted_out")


class TestText(InboundCase):
    def test_every_kind_keeps_a_text_that_can_be_read(self):
        cases = {
            "text": ({}, "Hola"),
            "image": ({"image": {"caption": "Mi salón", "id": "1"}}, "Mi salón"),
            "video": ({"video": {"id": "1"}}, "[video]"),
            "audio": ({"audio": {"id": "1", "voice": True}}, "[audio]"),
            "sticker": ({"sticker": {"id": "1"}}, "[sticker]"),
            "document": ({"document": {"caption": "Plano", "filename": "a.pdf"}}, "Plano"),
            "location": ({"location": {"address": "Calle 1"}}, "Calle 1"),
            "reaction": ({"reaction": {"emoji": "❤️", "message_id": "wamid.X"}}, "❤️"),
            "button": ({"button": {"payload": "P", "text": "Sí, llámame"}}, "Sí, llámame"),
            "interactive": (
                {"interactive": {"type": "button_reply", "button_reply": {"title": "Mañana"}}},
                "Mañana",
            ),
            "order": ({"order": {"text": "Dos sillas"}}, "Dos sillas"),
            "unsupported": ({"errors": [{"code": 131051}]}, "[unsupported]"),
        }
        for kind, (values, text) in cases.items():
            with self._case(kind):
                lead = self._lead(NUMBER)
                message = self._write(**{"type": kind, **values})
                self.assertEqual((message.kind, message.text, message.body), (kind, text, text))
                self.assertIn(text, self._posts(lead).body)

    def test_markup_in_a_text_is_shown_as_text(self):
        lead = self._lead(NUMBER)
        self._write("<script>alert(1)</script><b>x</b>")
        self.assertIn("&lt;script&gt;", self._posts(lead).body)
        self.assertNotIn("<script>", self._posts(lead).body)

    def test_what_a_database_cannot_keep_does_not_lose_the_message(self):
        message = self._write("Ana\x00 \ud83d")
        self.assertEqual(message.text, "Ana ?")
        self.assertEqual(self.event.state, "applied")


class TestChatter(InboundCase):
    def test_a_reply_is_shown_on_the_record_and_its_salesperson_is_told(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        message = self._write("¿Hay en azul?")
        post = self._posts(lead)
        self.assertEqual(len(post), 1)
        self.assertIn("WhatsApp from Ana to +34 600 000 001: ¿Hay en azul?", post.body)
        self.assertEqual(post.notified_partner_ids, self.salesperson.partner_id)
        self.assertEqual((message.res_model, message.res_id), ("crm.lead", lead.id))
        self.assertEqual(message.user_id, self.salesperson)
        self.assertEqual(message.person_name, "Ana")

    def test_a_lead_without_salesperson_tells_nobody(self):
        lead = self._lead(NUMBER, user_id=False)
        message = self._write()
        self.assertFalse(self._posts(lead).notified_partner_ids)
        self.assertFalse(message.user_id)

    def test_a_contact_speaks_in_their_own_name(self):
        partner = self.env["res.partner"].create(
            {"name": "Ana Prueba", "phone": NUMBER, "user_id": self.salesperson.id}
        )
        self._write()
        post = self._posts(partner)
        self.assertEqual(post.author_id, partner)
        self.assertEqual(post.notified_partner_ids, self.salesperson.partner_id)
        lead = self._lead(OTHER_NUMBER, partner_id=False)
        self._write(number=OTHER_NUMBER, wamid="wamid.IN2")
        self.assertEqual(self._posts(lead).author_id, self.env.ref("base.partner_root"))

    def test_the_record_last_written_to_comes_first(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        older, newer = self._lead(NUMBER), self._lead(NUMBER)
        self._message(NUMBER, res_model="crm.lead", res_id=newer.id)
        self._message(
            NUMBER,
            res_model="crm.lead",
            res_id=older.id,
            accepted_at=self.now - timedelta(days=30),
        )
        # The last row is the older lead's; nothing of the last week is answered but the newer's.
        message = self._write()
        self.assertEqual(message.reply_to_id.res_id, newer.id)
        self.assertEqual(message.res_id, newer.id)
        self.assertFalse(self._posts(partner) or self._posts(older))
        again = self._write(wamid="wamid.IN2", context={"id": "wamid.UNKNOWN"})
        self.assertEqual(again.res_id, newer.id)

    def test_without_a_message_of_ours_the_record_is_found_by_its_number(self):
        other_company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.env["res.partner"].create(
            {"name": "Theirs", "phone": NUMBER, "company_id": other_company.id}
        )
        lead = self._lead(NUMBER)
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        self.assertEqual(self._write(wamid="wamid.1").res_id, lead.id)
        self.env["waba.message"].search([("direction", "=", "in")]).unlink()
        lead.action_set_lost()
        message = self._write(wamid="wamid.2")
        self.assertEqual((message.res_model, message.res_id), ("res.partner", partner.id))
        self.assertFalse(self._posts(stranger))

    def test_a_person_linked_to_a_contact_is_that_contact(self):
        linked = self.env["res.partner"].create({"name": "Linked"})
        self.env["res.partner"].create({"name": "Same number", "phone": NUMBER})
        people = self.env["waba.recipient"]
        people._find_or_create_by_number(self.portfolio, [NUMBER])[NUMBER].partner_id = linked
        self.assertEqual(self._write().res_id, linked.id)

    def test_the_record_of_another_company_is_not_shown_what_people_write_to_ours(self):
        # One portfolio may hold accounts of several companies.
        company = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self._lead(NUMBER, company_id=company.id)
        self._message(
            NUMBER,
            res_model="crm.lead",
            res_id=theirs.id,
            company_id=company.id,
            sender_id=self.sender_mx.id,
        )
        message = self._write()
        self.assertFalse(message.res_id)
        self.assertFalse(self._posts(theirs))

    def test_someone_we_do_not_know_is_kept_in_messages(self):
        message = self._write("¿Quién sois?", number="+34699999999")
        self.assertEqual(message.state, "received")
        self.assertEqual(message.direction, "in")
        self.assertFalse(message.res_model or message.res_id or message.user_id)
        self.assertEqual(message.display_name, "Ana · +34699999999")
        self.assertIn(message, self.env["waba.message"].with_user(self.manager).search([]))
        self.assertNotIn(message, self.env["waba.message"].with_user(self.salesperson).search([]))

    def test_a_deleted_record_does_not_stop_a_message(self):
        lead = self._lead(NUMBER)
        self._message(NUMBER, res_model="crm.lead", res_id=lead.id)
        lead.unlink()
        self.assertFalse(self._write().res_id)
        self.assertEqual(self.event.state, "applied")

    def test_a_message_delivered_twice_is_shown_once(self):
        lead = self._lead(NUMBER)
        self._write()
        body = self._inbound(NUMBER, "Hola", timestamp=epoch(self.now))
        body["entry"][0]["time"] += 60
        self._receive(body)
        self.assertEqual(len(self._posts(lead)), 1)
        self.assertEqual(self._conversation().unread_count, 1)
        self.assertEqual(self.env["waba.message"].search_count([("direction", "=", "in")]), 1)


class TestWhoWrote(InboundCase):
    def test_a_person_who_shows_no_number_is_known_by_user_id(self):
        message = self._write_as("ES.1A", name="Ana Sin Número")
        person = message.recipient_id
        self.assertEqual((person.user_uid, person.number), ("ES.1A", False))
        self.assertEqual(person.display_name, "Ana Sin Número · ES.1A")
        again = self._write_as("ES.1A", wamid="wamid.2", name="Ana")
        self.assertEqual(again.recipient_id, person)
        self.assertEqual(person.name, "Ana")

    def test_a_user_id_is_learned_from_a_message_that_shows_both(self):
        first = self._write()
        both = self._write_as("ES.1A", NUMBER)
        self.assertEqual(both.recipient_id, first.recipient_id)
        alone = self._write_as("ES.1A", wamid="wamid.3")
        self.assertEqual(alone.recipient_id, first.recipient_id)
        self.assertEqual(alone.number, NUMBER)

    def test_two_rows_that_turn_out_to_be_one_person_become_one(self):
        for hours in (5, -1):
            with self._case(str(hours)):
                self._check_merge(timedelta(hours=hours))

    def _check_merge(self, ago):
        alone = self._write_as("ES.1A", wamid="wamid.1")
        nameless = alone.recipient_id
        by_number = self._write(wamid="wamid.2", ago=ago).recipient_id
        self.assertNotEqual(nameless, by_number)
        both = self._write_as("ES.1A", NUMBER, wamid="wamid.3")
        self.assertEqual(both.recipient_id, by_number)
        self.assertFalse(nameless.exists())
        self.assertEqual(by_number.user_uid, "ES.1A")
        self.assertEqual(alone.recipient_id, by_number)
        self.assertEqual(self._conversation().recipient_id, by_number)
        last = max(self.now, self.now - ago)
        self.assertEqual(self._conversation().last_inbound_at, last)
        self.assertEqual(self._conversation().window_expires_at, last + timedelta(hours=24))
        self.assertEqual(self._conversation().unread_count, 3)

    def test_whoever_asked_to_stop_without_a_number_stays_asked_when_the_number_shows(self):
        for known_before in (True, False):
            with self._case(str(known_before)):
                if known_before:
                    self._message(NUMBER, state="queued")
                stop = self._write_as("ES.1A", text="STOP", wamid="wamid.1")
                kept = stop.recipient_id
                entry = kept.consent_ids
                self._write_as("ES.1A", NUMBER, wamid="wamid.2")
                person = self._person()
                self.assertEqual(person.marketing_state, "opted_out")
                self.assertEqual(person.consent_ids.evidence, entry.evidence)
                self.assertEqual(entry.recipient_id, kept, "the ledger is never changed")
                self.assertEqual(kept.exists(), kept)

    def test_the_last_word_of_two_rows_that_become_one_counts(self):
        self._write_as("ES.1A", text="STOP", wamid="wamid.1")
        self._message(NUMBER)
        self._person()._set_marketing_state(
            "opted_in", "person", "On the phone", at=self.now + timedelta(hours=1)
        )
        self._write_as("ES.1A", NUMBER, wamid="wamid.2")
        self.assertEqual(self._person().marketing_state, "opted_in")

    def test_a_number_that_whatsapp_writes_differently_is_the_same_person(self):
        # WhatsApp drops the 1 of Mexican and adds or drops the 9 of Brazilian numbers.
        for ours, theirs in (
            ("+525512345678", "+5215512345678"),
            ("+5541987654321", "+554187654321"),
        ):
            with self._case(ours):
                row = self._message(ours)
                row.recipient_id.wa_number = theirs
                message = self._write(number=theirs)
                self.assertEqual(message.recipient_id, row.recipient_id)
                self.assertEqual((message.number, message.reply_to_id), (ours, row))
                self.assertTrue(row.replied_at)

    def test_the_number_whatsapp_answers_with_is_kept_when_a_campaign_is_sent(self):
        cases = {
            "MX": ("55 1234 5678", "+525512345678", "+5215512345678"),
            "BR": ("41 98765-4321", "+5541987654321", "+554187654321"),
        }
        for code, (phone, ours, theirs) in cases.items():
            with self._case(code):
                country = self.env.ref(f"base.{code.lower()}")
                lead = self._lead(phone, country_id=country.id)
                person = self._rows(self._launch(lead)).recipient_id
                self.assertEqual((person.number, person.wa_number), (ours, theirs))
                message = self._write(number=theirs)
                self.assertEqual(message.recipient_id, person)
                self.assertEqual(len(self._posts(lead)), 1)

    def test_a_user_id_seen_with_another_number_shows_both_numbers_are_one_person(self):
        row = self._message("+525512345678")
        row.recipient_id.user_uid = "MX.1A"
        message = self._write_as("MX.1A", "+5215512345678", text="BAJA")
        self.assertEqual(message.recipient_id, row.recipient_id)
        self.assertEqual(row.recipient_id.wa_number, "+5215512345678")
        people = self.env["waba.recipient"]
        other = people._find_or_create_by_number(self.portfolio, ["+525512345678"])
        self.assertEqual(other["+525512345678"].marketing_state, "opted_out")

    def test_a_record_is_found_by_the_number_whatsapp_writes(self):
        partner = self.env["res.partner"].create(
            {"name": "Ana", "phone": "+525512345678", "country_id": self.env.ref("base.mx").id}
        )
        people = self.env["waba.recipient"]
        person = people._find_or_create_by_number(self.portfolio, ["+5215512345678"])
        person["+5215512345678"].wa_number = "+525512345678"
        self.assertEqual(self._write(number="+525512345678").res_id, partner.id)


class TestChanges(InboundCase):
    """Someone changes number or user id."""

    def test_an_opt_out_goes_with_the_new_number(self):
        self._write("BAJA", number="+34600000000")
        self._receive(
            self._system(
                number="34600000000",
                type="user_changed_number",
                body="Ana changed number",
                wa_id="34600000009",
                previous_user_id="ES.OLD1",
            )
        )
        person = self._person("+34600000009")
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertIn("+34600000000", person.consent_ids.evidence)
        self.assertEqual(person.former_uids, " ES.OLD1 ")
        self.assertFalse(self._person("+34600000000").user_uid)

    def test_a_new_number_says_nothing_of_someone_who_never_asked(self):
        self._receive(
            self._system(number="34600000000", type="user_changed_number", wa_id="34600000009")
        )
        self.assertEqual(self._person("+34600000009").marketing_state, "unknown")
        self.assertFalse(self._person("+34600000009").consent_ids)

    def test_a_new_user_id_is_the_same_person(self):
        person = self._write_as("ES.OLD").recipient_id
        body = self._system(type="user_changed_user_id", previous_user_id="ES.OLD")
        body["entry"][0]["changes"][0]["value"]["contacts"] = [{"user_id": "ES.NEW"}]
        self._receive(body)
        self.assertEqual(person.user_uid, "ES.NEW")
        self.assertEqual(self._write_as("ES.NEW", wamid="wamid.2").recipient_id, person)

    def test_a_new_user_id_that_wrote_before_its_change_was_reported_is_the_same_person(self):
        person = self._write_as("ES.OLD", NUMBER).recipient_id
        early = self._write_as("ES.NEW", text="STOP", wamid="wamid.2")
        self.assertNotEqual(early.recipient_id, person)
        body = self._system(type="user_changed_user_id", previous_user_id="ES.OLD")
        body["entry"][0]["changes"][0]["value"]["contacts"] = [{"user_id": "ES.NEW"}]
        self._receive(body)
        self.assertEqual(early.recipient_id, person)
        self.assertEqual((person.user_uid, person.marketing_state), ("ES.NEW", "opted_out"))


class TestReplies(InboundCase):
    def _sent(self, ago, number=NUMBER, **values):
        return self._message(number, accepted_at=self.now - ago, **values)

    def test_a_quotation_tells_which_message_is_answered(self):
        quoted = self._sent(timedelta(days=20), wamid="wamid.OUT1")
        self._sent(timedelta(days=1), wamid="wamid.OUT2")
        message = self._write(context={"id": "wamid.OUT1"})
        self.assertEqual(message.reply_to_id, quoted)
        self.assertEqual(quoted.replied_at, self.now)

    def test_without_a_quotation_it_is_the_last_message_of_the_seven_days_before(self):
        days = timedelta(days=1)
        self._sent(6 * days)
        last = self._sent(2 * days)
        self._sent(timedelta(hours=1), number=OTHER_NUMBER)
        self._sent(timedelta(hours=1), sender_id=self.sender_mx.id)
        self._sent(timedelta(hours=1), state="failed")
        self._sent(-timedelta(hours=1))
        self.assertEqual(self._write().reply_to_id, last)

    def test_nothing_is_answered_after_seven_days_or_before_anything_was_sent(self):
        cases = {
            timedelta(days=7, seconds=1): False,
            timedelta(days=7): True,
            timedelta(): True,
            -timedelta(minutes=1): True,
            -timedelta(minutes=1, seconds=1): False,
        }
        for ago, expected in cases.items():
            with self._case(str(ago)):
                row = self._sent(ago)
                self._write()
                self.assertEqual(bool(row.replied_at), expected)

    def test_a_message_whose_answer_was_lost_is_answered_once_a_status_shows_it_arrived(self):
        row = self._message(NUMBER, state="uncertain")
        told = self._status(row, "delivered", timestamp=epoch(self.now - timedelta(hours=1)))
        self._receive(told)
        self.assertFalse(row.accepted_at)
        self.assertEqual(self._write().reply_to_id, row)

    def test_a_quotation_of_their_own_words_or_of_another_person_is_none_of_ours(self):
        row = self._sent(timedelta(hours=1))
        other = self._sent(timedelta(hours=1), number=OTHER_NUMBER, wamid="wamid.OTHER")
        self._write(wamid="wamid.1", ago=timedelta(minutes=5))
        for index, quoted in enumerate(("wamid.1", "wamid.OTHER")):
            message = self._write(wamid=f"wamid.2{index}", context={"id": quoted})
            self.assertEqual(message.reply_to_id, row)
        self.assertFalse(other.replied_at)

    def test_the_first_reply_is_the_one_that_counts(self):
        row = self._sent(timedelta(days=2))
        for hours in (5, 9, 2):
            self._write(wamid=f"wamid.{hours}", ago=timedelta(hours=hours))
        self.assertEqual(row.replied_at, self.now - timedelta(hours=9))

    def test_replies_are_counted_by_people_on_the_campaign(self):
        leads = self._leads(3)
        campaign = self._launch(leads)
        rows = self._rows(campaign)
        for index, number in enumerate((rows[0].number, rows[0].number, rows[2].number)):
            self._receive(self._inbound(number, "Hola", wamid=f"wamid.R{index}"))
        self.assertEqual(campaign.replied_count, 2)
        self.assertEqual(rows.filtered("replied_at"), rows[0] + rows[2])
        self.assertEqual(self._posts(leads[0]).mapped("body")[0].count("Hola"), 1)
        self.assertEqual(len(self._posts(leads[0])), 2)

    def test_a_reply_in_the_simulator_reaches_the_lead_whole(self):
        lead = self._leads(1)
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.addCleanup(self.simulator.post, "delivery", url=NO_WEBHOOK)
        number = lead.phone_sanitized.lstrip("+")
        self.simulator.post("behaviour", people=[{"number": number, "behaviour": "reply"}])
        campaign = self._launch(lead)
        self._apply_posted()
        self.assertEqual(campaign.replied_count, 1)
        self.assertEqual(campaign.read_count, 1)
        self.assertEqual(len(self._posts(lead)), 1)

    def test_the_sender_of_the_message_answered_sees_the_reply(self):
        lead = self._lead(NUMBER, user_id=False)
        self._sent(
            timedelta(hours=1), res_model="crm.lead", res_id=lead.id, user_id=self.salesperson.id
        )
        message = self._write()
        self.assertEqual(message.user_id, self.salesperson)
        self.assertEqual(self._posts(lead).notified_partner_ids, self.salesperson.partner_id)
        colleague = self._salesperson_of_own()
        messages = self.env["waba.message"]
        self.assertIn(message, messages.with_user(self.salesperson).search([]))
        self.assertNotIn(message, messages.with_user(colleague).search([]))

    def test_the_salesperson_of_the_record_comes_before_that_of_the_campaign(self):
        owner = new_test_user(
            self.env, "waba_owner", groups="sales_team.group_sale_salesman_all_leads"
        )
        lead = self._lead(NUMBER, user_id=owner.id)
        lead.team_id = False
        self._sent(
            timedelta(hours=1), res_model="crm.lead", res_id=lead.id, user_id=self.salesperson.id
        )
        self.assertEqual(self._write().user_id, owner)

    def test_followers_are_not_all_told(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        lead.message_subscribe(self.manager.partner_id.ids)
        self._write()
        self.assertEqual(self._posts(lead).notified_partner_ids, self.salesperson.partner_id)
