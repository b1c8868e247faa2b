"""What the conversation's screen reads and sends, for whom, and that nothing is sent twice."""

import base64
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from .test_inbound import NUMBER
from .test_media import PNG, MediaCase


class ViewCase(MediaCase):
    def _as(self, user):
        return self.env["waba.conversation"].with_user(user)

    def _data(self, conversation, user=None, shown=False):
        return self._as(user or self.marta).conversation_data(conversation.id, shown)

    def _send(self, conversation, user=None, **request):
        request = {"conversation_id": conversation.id, "key": "k1", **request}
        return self._as(user or self.marta).conversation_send(request)

    def _outgoing(self):
        return self.env["waba.message"].search([("direction", "=", "out")], order="id")

    def _open(self, ago=None):
        """Ana writes to Marta, through the simulator so that it opens the window there too."""
        lead = self._lead(NUMBER, user_id=self.marta.id)
        lead.team_id = False
        self._send_file("document", "application/pdf", b"%PDF-1.4", filename="plano.pdf")
        conversation = self._conversation()
        if ago:
            at = self.now - ago
            conversation.write(
                {"last_inbound_at": at, "window_expires_at": at + timedelta(hours=24)}
            )
        return conversation


class TestReading(ViewCase):
    def test_bubbles_in_the_order_in_which_they_were_written(self):
        conversation = self._write_to(self.marta, text="Uno", ago=timedelta(minutes=9))
        self._message(
            NUMBER, accepted_at=self.now - timedelta(minutes=5), wamid="wamid.OUT",
            parameters={"body": [{"name": "1", "value": "Ana"}, {"name": "2", "value": "20 %"}]},
        )  # fmt: skip
        self._write("Cero", wamid="wamid.0", ago=timedelta(minutes=12))
        data = self._data(conversation)
        said = [b["text"] or b["html"] for b in data["messages"]]
        self.assertEqual(said[:2], ["Cero", "Uno"])
        self.assertIn("Ana", said[2])
        self.assertIn("20 %", said[2])
        self.assertEqual([b["is_ours"] for b in data["messages"]], [False, False, True])
        self.assertEqual(data["responsible"]["id"], self.marta.id)
        self.assertEqual(data["name"], "Ana Prueba")

    def test_who_has_seen_it_is_said_once_somebody_has(self):
        conversation = self._write_to(self.marta, text="Uno")
        self.assertIs(self._data(conversation)["seen"], False)
        self._as(self.marta).conversation_seen(conversation.id)
        seen = self._data(conversation)["seen"]
        self.assertEqual((seen["by"], seen["uid"]), (self.marta.name, self.marta.id))

    def test_a_reaction_is_shown_at_its_message_and_taken_back(self):
        conversation = self._write_to(self.marta)
        row = self._message(NUMBER, wamid="wamid.OUT", text="Hola Ana", template_id=False)

        def reactions():
            [bubble] = [b for b in self._data(conversation)["messages"] if b["id"] == row.id]
            return bubble["reactions"]

        for index, (emoji, expected) in enumerate([("👍", ["👍"]), ("❤️", ["❤️"]), ("", [])]):
            reaction = {"message_id": "wamid.OUT", **({"emoji": emoji} if emoji else {})}
            self._write(wamid=f"wamid.R{index}", type="reaction", reaction=reaction)
            self.assertEqual(reactions(), expected)
        self.assertEqual(len(self._data(conversation)["messages"]), 2)

    def test_what_they_changed_or_deleted_is_said_at_the_message(self):
        conversation = self._write_to(self.marta, text="Dos sillas", wamid="wamid.A")
        self._write(
            wamid="wamid.B", type="edit",
            edit={"original_message_id": "wamid.A",
                  "message": {"type": "text", "text": {"body": "Tres sillas"}}},
        )  # fmt: skip
        [bubble] = self._data(conversation)["messages"]
        self.assertEqual((bubble["text"], bubble["edited"]), ("Dos sillas", "Tres sillas"))
        self._write(wamid="wamid.C", type="revoke", revoke={"original_message_id": "wamid.A"})
        [bubble] = self._data(conversation)["messages"]
        self.assertTrue(bubble["is_revoked"])

    def test_places_contacts_orders_and_what_whatsapp_keeps_to_itself(self):
        conversation = self._write_to(
            self.marta, type="location", location={"latitude": 1.5, "longitude": 2, "name": "Aquí"}
        )
        self._write(
            wamid="wamid.2", type="contacts",
            contacts=[{"name": {"formatted_name": "Luis"}, "phones": [{"phone": "+34600"}]}],
        )  # fmt: skip
        self._write(wamid="wamid.3", type="unsupported", errors=[{"code": 131051}])
        place, card, unsupported = self._data(conversation)["messages"]
        self.assertIn("query=1.500000,2.000000", place["place"]["url"])
        self.assertEqual(card["contacts"][0]["phones"], ["+34600"])
        self.assertIn("Unsupported message", unsupported["word"])
        self.assertFalse(unsupported["text"])

    def test_a_quotation_shows_what_it_quotes(self):
        conversation = self._write_to(self.marta, text="¿Precio?", wamid="wamid.A")
        self._write("¿Y bien?", wamid="wamid.B", context={"id": "wamid.A"})
        quote = self._data(conversation)["messages"][1]["quote"]
        self.assertEqual(quote, {"is_ours": False, "text": "¿Precio?"})

    def test_fifty_at_a_time(self):
        conversation = self._write_to(self.marta)
        for index in range(60):
            self._message(NUMBER, text=f"n{index}", template_id=False, kind="text")
        data = self._data(conversation)
        self.assertEqual((len(data["messages"]), data["has_older"]), (50, True))
        older = self._as(self.marta).conversation_older(conversation.id, data["oldest_id"])
        self.assertEqual((len(older["messages"]), older["has_older"]), (11, False))
        ids = {b["id"] for b in data["messages"]} | {b["id"] for b in older["messages"]}
        self.assertEqual(len(ids), 61)

    def test_the_screen_hears_of_changes_by_a_fingerprint(self):
        conversation = self._write_to(self.marta)
        row = self._message(NUMBER, wamid="wamid.OUT")
        poll = self._as(self.marta).conversation_poll

        def changes(step):
            before = poll(conversation.id)
            step()
            return poll(conversation.id) != before

        self.assertFalse(changes(lambda: None))
        self.assertTrue(changes(lambda: self._receive(self._status(row, "delivered"))))
        self.assertTrue(changes(lambda: self._write(wamid="wamid.2")))
        self.assertTrue(changes(lambda: conversation._assign(self.env["res.users"])))


class TestWhoReads(ViewCase):
    def test_whose_it_is_or_who_may_read_what_it_is_about(self):
        conversation = self._write_to(self.marta)
        lead = conversation._get_record()
        for user, may in [
            (self.marta, True), (self.pedro, False), (self.salesperson, True), (self.manager, True),
        ]:  # fmt: skip
            with self.subTest(user.login):
                if may:
                    self.assertTrue(self._data(conversation, user)["messages"])
                else:
                    for call in self._calls(conversation, user):
                        with self.assertRaises(AccessError):
                            call()
        conversation.responsible_id = self.pedro
        self.assertTrue(self._data(conversation, self.pedro)["messages"])
        self.assertTrue(self._data(conversation, self.marta)["messages"], "it is about her lead")
        lead.user_id = self.salesperson
        with self.assertRaises(AccessError):
            self._data(conversation, self.marta)

    def _calls(self, conversation, user, shown=False):
        mine, id_ = self._as(user), conversation.id
        return [
            lambda: mine.conversation_data(id_, shown),
            lambda: mine.conversation_older(id_, 10**9, shown),
            lambda: mine.conversation_poll(id_, shown),
            lambda: mine.conversation_seen(id_, shown),
            lambda: mine.conversation_typing(id_, shown),
            lambda: mine.conversation_colleagues(id_, shown),
            lambda: mine.conversation_assign(id_, user.id, shown),
            lambda: mine.conversation_attach(id_, "a.png", "image/png", "", shown),
            lambda: mine.conversation_detach(id_, 1, shown),
            lambda: mine.conversation_templates(id_, shown),
            lambda: mine.conversation_template({"conversation_id": id_, "shown": shown}),
            lambda: mine.conversation_send(
                {"conversation_id": id_, "shown": shown, "key": "x", "text": "x"}
            ),
        ]

    def test_a_number_typed_on_a_lead_of_ones_own_opens_nobody_elses_words(self):
        conversation = self._write_to(self.marta)
        bait = self._lead(NUMBER, user_id=self.pedro.id)
        shown = ["crm.lead", bait.id]
        data = self._as(self.pedro).conversation_data(False, shown)
        self.assertIn("Marta", data["locked"])
        self.assertEqual(set(data), {"locked"})
        for call in self._calls(conversation, self.pedro, shown):
            with self.assertRaises(AccessError):
                call()

    def test_nor_does_it_when_what_they_wrote_is_about_no_record(self):
        conversation = self._write_to(self.marta)
        conversation.write({"res_model": False, "res_id": False})
        bait = self._lead(NUMBER, user_id=self.pedro.id)
        request = {"shown": ["crm.lead", bait.id], "sender_id": self.sender.id, "key": "x",
                   "text": "x", "template_id": self.utility_template.id}  # fmt: skip
        for name in ("conversation_send", "conversation_template"):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(self._as(self.pedro), name)(request)

    def test_somebody_without_the_group_reads_nothing(self):
        conversation = self._write_to(False)
        outsider = new_test_user(self.env, "waba_out", groups="sales_team.group_sale_salesman")
        for call in self._calls(conversation, outsider):
            with self.assertRaises(AccessError):
                call()

    def test_a_lead_without_messages_offers_to_begin(self):
        lead = self._lead("+34611555555", user_id=self.marta.id)
        data = self._as(self.marta).conversation_data(False, ["crm.lead", lead.id])
        self.assertFalse(data["id"] or data["window_until"] or data["messages"])
        self.assertEqual(data["number"], "+34611555555")
        self.assertTrue(data["sender"])


class TestSendingWords(ViewCase):
    def test_inside_the_window_words_are_sent_once_however_often_enter_is_pressed(self):
        conversation = self._open()
        for _press in range(3):
            answer = self._send(conversation, text="Claro que sí")
        self.assertFalse(answer["refused"])
        [row] = self._outgoing()
        self.assertEqual(
            (row.origin, row.user_id, row.text), ("manual", self.marta, "Claro que sí")
        )
        self.assertEqual(row._get_record(), conversation._get_record())
        self._dispatch()
        [sent] = self.simulator.sends()
        self.assertEqual(sent["body"]["text"]["body"], "Claro que sí")
        self._apply_posted()
        bubble = self._data(conversation)["messages"][-1]
        self.assertEqual((bubble["state"], bubble["by"]), ("read", "Marta"))
        self.assertIn("Read, ", bubble["state_text"])

    def test_an_answer_is_somebodys_turn_no_more(self):
        self.env.company.waba_notify = "activity"
        conversation = self._open()
        lead = conversation._get_record()
        self.assertTrue(lead.activity_ids)
        conversation.responsible_id = False
        self._send(conversation, user=self.marta, text="Voy")
        self.assertFalse(conversation.waiting_since or conversation.unread_count)
        self.assertEqual(conversation.responsible_id, self.marta)
        self.assertFalse(lead.activity_ids)

    def test_outside_the_window_words_are_kept_back_with_the_reason(self):
        conversation = self._open(ago=timedelta(hours=25))
        answer = self._send(conversation, text="Hola")
        self.assertIn("reply window closed", answer["refused"])
        [bubble] = [b for b in answer["data"]["messages"] if b["is_ours"]]
        self.assertEqual(bubble["state"], "skipped")
        self.assertTrue(bubble["reason"])

    def test_somebody_else_answered_in_between(self):
        conversation = self._open()
        conversation.responsible_id = False
        conversation._get_record().user_id = False
        known = self._data(conversation, self.marta)["last_id"]
        self._send(conversation, user=self.pedro, text="Ya le digo", key="p")
        first = self._send(conversation, text="Buenas", known_id=known)
        self.assertIn("Pedro answered at", first["conflict"])
        self.assertIn("Ya le digo", first["conflict"])
        self.assertEqual(len(self._outgoing()), 1)
        self.assertNotIn("conflict", self._send(conversation, text="Buenas", known_id=known,
                                                force=True))  # fmt: skip
        self.assertEqual(len(self._outgoing()), 2)
        known = self._data(conversation, self.marta)["last_id"]
        self.assertNotIn("conflict", self._send(conversation, text="!", known_id=known, key="k2"))

    def test_files_go_with_the_words_as_their_caption(self):
        conversation = self._open()
        data = base64.b64encode(PNG).decode()
        attach = self._as(self.marta).conversation_attach
        files = [attach(conversation.id, name, "image/png", data)["id"] for name in ("a", "b")]
        self._send(conversation, text="Estos dos", attachment_ids=files)
        rows = self._outgoing()
        self.assertEqual(rows.mapped("text"), ["Estos dos", ""])
        self._transfer()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1, "the pair rate lets one leave at a time")

    def test_a_text_longer_than_whatsapp_takes_never_reaches_the_queue(self):
        conversation = self._open()
        with self.assertRaisesRegex(UserError, "too long"):
            self._send(conversation, text="x" * 4097)
        self.assertFalse(self._outgoing())

    def test_a_file_of_somebody_else_is_not_sent(self):
        conversation = self._open()
        secret = self.env["ir.attachment"].create({"name": "secret.png", "raw": PNG})
        with self.assertRaises(UserError):
            self._send(conversation, attachment_ids=secret.ids)
        self.assertFalse(self._outgoing())

    def test_what_whatsapp_does_not_take_is_said_at_once(self):
        conversation = self._open()
        with self.assertRaisesRegex(UserError, "cannot be sent"):
            self._as(self.marta).conversation_attach(
                conversation.id, "x.exe", "application/x-msdownload", "TVo="
            )

    def test_a_person_known_by_another_number_than_the_record_shows(self):
        conversation = self._open()
        lead = conversation._get_record()
        lead.phone = "+34611000099"
        self._send(conversation, text="Hola")
        [row] = self._outgoing()
        self.assertEqual((row.number, row.res_id), (NUMBER, lead.id))


class TestTemplates(ViewCase):
    def test_a_template_begins_a_conversation_from_a_lead(self):
        lead = self._lead("+34611555555", user_id=self.marta.id)
        shown = ["crm.lead", lead.id]
        request = {"shown": shown, "sender_id": self.sender.id}
        mine = self._as(self.marta)
        offered = mine.conversation_templates(False, shown, self.sender.id)
        self.assertIn(self.utility_template.id, [t["id"] for t in offered])
        self.assertNotIn("old_promo", [t["name"] for t in offered], "paused by Meta")
        request["template_id"] = self.utility_template.id
        line = self.utility_template.variable_ids[:1]
        preview = mine.conversation_template({**request, "values": {str(line.id): "Pedido 7"}})
        self.assertIn("Pedido 7", preview["html"])
        self.assertFalse(preview["problem"])
        answer = mine.conversation_send(
            {**request, "key": "t", "values": {str(line.id): "Pedido 7"}}
        )
        self.assertFalse(answer["refused"])
        self._dispatch()
        [sent] = self.simulator.sends()
        self.assertIn("Pedido 7", str(sent["body"]["template"]["components"]))
        self.assertEqual(answer["data"]["messages"][0]["by"], "Marta")
        self.assertEqual(self._outgoing().origin, "manual")

    def test_an_empty_variable_is_named_before_it_is_sent(self):
        conversation = self._open()
        line = self.utility_template.variable_ids[:1]
        request = {
            "conversation_id": conversation.id,
            "template_id": self.utility_template.id,
            "values": {str(line.id): " "},
        }
        self.assertIn("{{", self._as(self.marta).conversation_template(request)["problem"])

    def test_whoever_said_no_gets_no_promotion_from_here_either(self):
        conversation = self._open()
        conversation.recipient_id._set_marketing_state("opted_out", "person", "x")
        request = {
            "conversation_id": conversation.id,
            "template_id": self.template.id,
            "values": {str(line.id): "x" for line in self.template.variable_ids},
        }
        problem = self._as(self.marta).conversation_template(request)["problem"]
        self.assertIn("Opted out", problem)

    def test_a_template_of_another_account_is_refused(self):
        conversation = self._open()
        other = self.env["waba.template"].create(
            {"account_id": self._create_account(waba_uid="200000000000009").id, "name": "x",
             "language": "es", "template_uid": "9"}
        )  # fmt: skip
        with self.assertRaises(UserError):
            self._send(conversation, template_id=other.id)


@tagged("post_install", "-at_install")
class TestMediaController(ViewCase, HttpCase):
    def test_a_file_is_for_who_may_read_the_conversation(self):
        conversation = self._open()
        media = self.env["waba.media"].search([])
        url = f"/waba/media/{media.id}"
        self.authenticate("waba_marta", "waba_marta")
        self.assertEqual(self.url_open(url).status_code, 404, "it is not here yet")
        with self.allow_requests(all_requests=True):
            self.env.ref("waba_campaign.ir_cron_media").method_direct_trigger()
        reply = self.url_open(url)
        self.assertEqual((reply.status_code, reply.content), (200, b"%PDF-1.4"))
        self.assertIn("attachment", reply.headers["Content-Disposition"])
        self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        self.authenticate("waba_pedro", "waba_pedro")
        self.assertEqual(self.url_open(url).status_code, 404)
        conversation._get_record().user_id = self.pedro
        self.assertEqual(self.url_open(url).status_code, 200)
        self.authenticate(None, None)
        self.assertNotIn(b"%PDF", self.url_open(url).content)


class TestStatButton(ViewCase):
    def test_from_a_lead_to_its_conversation(self):
        conversation = self._write_to(self.marta)
        lead = conversation._get_record().with_user(self.marta)
        self.assertEqual(lead.waba_conversation_text, "1 unread")
        action = lead.action_view_waba_conversation()
        self.assertEqual((action["res_id"], action["views"]), (conversation.id, [(False, "form")]))
        self._as(self.marta).conversation_seen(conversation.id)
        lead.invalidate_recordset()
        self.assertEqual(lead.waba_conversation_text, "Waiting")
        self._send(conversation, text="Hola")
        lead.invalidate_recordset()
        self.assertEqual(lead.waba_conversation_text, "Answered")


class TestLive(ViewCase):
    def setUp(self):
        super().setUp()
        self._heard()

    def _heard(self):
        """What went over the bus to conversations since the last call, forgotten."""
        self.env.cr.precommit.run()
        found = self.env["bus.bus"].search([("channel", "like", "waba.conversation")])
        said = [row.message for row in found]
        found.unlink()
        return said

    def test_a_screen_hears_what_comes_in_and_the_ticks_of_what_was_written(self):
        conversation = self._open()
        self.assertTrue(self._heard())
        self._send(conversation, text="Hola")
        self.assertTrue(self._heard())
        self._dispatch()
        self.assertTrue(self._heard(), "accepted")
        self._apply_posted()
        heard = self._heard()
        self.assertTrue(heard, "read")
        self.assertNotIn("Hola", str(heard), "no content goes over the bus")

    def test_campaigns_do_not_fill_the_bus(self):
        rows = self._rows(self._launch(self._leads(3)))
        for row in rows:
            self._receive(self._status(row, "read"))
        self.assertEqual(set(rows.mapped("state")), {"read"})
        self.assertFalse(self._heard())

    def test_a_channel_is_for_who_may_read(self):
        conversation = self._write_to(self.marta)
        channel = f"waba.conversation_{conversation.id}"
        for user, may in [(self.marta, True), (self.pedro, False)]:
            with self.subTest(user.login), self._as_user(user):
                websocket = self.env["ir.websocket"].with_user(user)
                channels = websocket._build_bus_channel_list([channel])
                ours = [c for c in channels if getattr(c, "_name", "") == conversation._name]
                self.assertEqual(ours, [conversation] if may else [])
                self.assertFalse([c for c in channels if isinstance(c, str) and c == channel])

    def _as_user(self, user):
        return patch(
            "odoo.addons.bus.models.ir_websocket.request",
            SimpleNamespace(session=SimpleNamespace(uid=user.id)),
        )

    def test_who_is_answering_is_said_to_who_has_it_open(self):
        conversation = self._write_to(self.marta)
        self._heard()
        self._as(self.marta).conversation_typing(conversation.id)
        self.assertIn("Marta", str(self._heard()))
