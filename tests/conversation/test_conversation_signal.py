"""What WhatsApp is told outside of messages: read, typing, blocked; and reactions and options."""

from datetime import timedelta

from odoo.exceptions import AccessError, UserError

from .test_conversation_view import ViewCase
from .test_inbound import NUMBER


class SignalCase(ViewCase):
    def _requests(self, path):
        return [
            entry for entry in self.simulator.get("log")["entries"]
            if entry["path"].endswith(path) and entry["method"] != "GET"
        ]  # fmt: skip

    def _signal(self, conversation, is_typing=False, user=None):
        return self._as(user or self.marta).conversation_signal(conversation.id, is_typing)

    def _reports(self):
        return [entry["body"] for entry in self._requests("/messages") if "status" in entry["body"]]


class TestPresence(SignalCase):
    def test_as_the_company_has_set_it(self):
        for presence, reads, typing in (
            ("none", False, False), ("read", True, False), ("typing", True, True),
        ):  # fmt: skip
            with self._case(presence):
                self.env.company.waba_presence = presence
                conversation = self._open()
                self.assertEqual(self._signal(conversation), reads)
                self.assertEqual(self._signal(conversation, True), typing)
                reports = self._reports()
                self.assertEqual(len(reports), reads + typing)
                if typing:
                    self.assertEqual(reports[1]["typing_indicator"], {"type": "text"})
                    self.assertEqual(reports[0]["message_id"], conversation._last_inbound().wamid)

    def test_nothing_is_reported_that_must_not_leave(self):
        self.env.company.waba_presence = "typing"
        for name, values in {
            "disconnected": ("account", {"state": "stopped"}),
            "another database": ("account", {"home": {"name": "elsewhere"}}),
            "no token": ("account", {"access_token": False}),
        }.items():
            with self._case(name):
                conversation = self._open()
                self.account.write(values[1])
                self.assertFalse(self._signal(conversation))
                self.assertFalse(self._reports())

    def test_a_closed_window_and_a_stranger(self):
        self.env.company.waba_presence = "typing"
        conversation = self._open(ago=timedelta(hours=25))
        self.assertFalse(self._signal(conversation))
        with self.assertRaises(AccessError):
            self._signal(conversation, user=self.pedro)
        self.assertFalse(self._reports())

    def test_a_refusal_does_not_disturb(self):
        self.env.company.waba_presence = "read"
        conversation = self._open()
        self.account.access_token = "wrong"
        self.assertFalse(self._signal(conversation))


class TestBlock(SignalCase):
    def _block(self, conversation, user=None):
        return self._as(user or self.marta).conversation_block(conversation.id)

    def test_blocked_and_unblocked(self):
        conversation = self._open()
        state = self._block(conversation)
        self.assertEqual((state["is_blocked"], state["inbox_state"]), (True, "closed"))
        [request] = self._requests("/block_users")
        self.assertEqual(request["body"]["block_users"], [{"user": NUMBER}])
        self.assertIn(
            "Blocked on WhatsApp by Marta", str(self._chatter(conversation._get_record()))
        )
        self.assertTrue(self._send(conversation, text="Hola")["refused"])
        state = self._as(self.marta).conversation_unblock(conversation.id)
        self.assertFalse(state["is_blocked"])
        self.assertEqual(self._requests("/block_users")[-1]["method"], "DELETE")
        self.assertFalse(self._send(conversation, text="Hola", key="again")["refused"])

    def test_what_waits_for_a_blocked_person_does_not_leave(self):
        conversation = self._open()
        self._send(conversation, text="Hola")
        self._block(conversation)
        self._dispatch()
        self.assertEqual(self._outgoing().state, "skipped")
        self.assertFalse(self.simulator.sends())

    def test_meta_refuses_and_nothing_is_said_to_be_blocked(self):
        conversation = self._write_to(self.marta)
        with self.assertRaisesRegex(UserError, "did not change the block"):
            self._block(conversation)
        self.assertFalse(conversation.recipient_id.is_blocked)

    def test_only_within_24_hours_by_who_may_read_it_and_from_the_home_database(self):
        conversation = self._open(ago=timedelta(hours=25))
        with self.assertRaisesRegex(UserError, "24 hours"):
            self._block(conversation)
        conversation = self._open()
        with self.assertRaises(AccessError):
            self._block(conversation, self.pedro)
        self.account.home = {"name": "elsewhere"}
        with self.assertRaises(UserError):
            self._block(conversation)
        self.assertFalse(self._requests("/block_users"))


class TestReactions(SignalCase):
    def _react(self, conversation, emoji, key, user=None):
        message = conversation._last_inbound()
        return self._as(user or self.marta).conversation_react(
            conversation.id, message.id, emoji, key
        )

    def _shown(self, answer):
        [bubble] = [b for b in answer["data"]["messages"] if not b["is_ours"]]
        return bubble["reactions"], bubble["our_reaction"]

    def test_a_reaction_is_sent_shown_and_removed(self):
        conversation = self._open()
        answer = self._react(conversation, "👍", "r1")
        self.assertEqual(self._shown(answer), (["👍"], "👍"))
        self._react(conversation, "👍", "r1")
        self.assertEqual(len(self._outgoing()), 1, "pressed twice")
        self._dispatch()
        [sent] = self.simulator.sends()
        wamid = conversation._last_inbound().wamid
        self.assertEqual(sent["body"]["reaction"], {"message_id": wamid, "emoji": "👍"})
        conversation.pair_free_at = False
        answer = self._react(conversation, "", "r2")
        self.assertEqual(self._shown(answer), ([], ""))
        self._dispatch()
        self.assertEqual(self.simulator.sends()[-1]["body"]["reaction"]["emoji"], "")

    def test_it_is_no_answer_and_in_no_count(self):
        conversation = self._open()
        self._react(conversation, "👍", "r1")
        self.assertTrue(conversation.waiting_since)
        self._dispatch()
        self._apply_posted()
        row = self._outgoing()
        self.assertEqual(row.state, "sent", "WhatsApp reports no more of a reaction")
        self.env.flush_all()
        report = self.env["waba.message.report"].search([("id", "=", row.id)])
        self.assertFalse(report.sent_count)

    def test_outside_the_window_it_is_refused(self):
        conversation = self._open(ago=timedelta(hours=25))
        answer = self._react(conversation, "👍", "r1")
        self.assertIn("reply window closed", answer["refused"])
        self.assertEqual(self._shown(answer), ([], ""))

    def test_only_an_emoji_to_a_message_of_this_conversation(self):
        conversation = self._open()
        for emoji in ("OK", "👍" * 20, "<b>", "7", ":)"):
            with self.subTest(emoji), self.assertRaises(UserError):
                self._react(conversation, emoji, "r1")
        other = self._write("Hola", number="+34611000002", wamid="wamid.OTHER")
        with self.assertRaises(UserError):
            self._as(self.marta).conversation_react(conversation.id, other.id, "👍", "r2")
        with self.assertRaises(AccessError):
            self._react(conversation, "👍", "r3", self.pedro)
        self.assertFalse(self._outgoing())


class TestOptions(SignalCase):
    def test_buttons_and_a_list(self):
        for options, kind in (
            (["Sí", "No"], "button"),
            (["Uno", "Dos", "Tres", "Cuatro"], "list"),
            (["Recogida en la tienda"], "list"),
        ):
            with self._case(kind):
                conversation = self._open()
                self._send(conversation, text="¿Le viene bien?", options=options)
                [row] = self._outgoing()
                self.assertEqual((row.kind, row.category), ("interactive", "service"))
                self._dispatch()
                [sent] = self.simulator.sends()
                self.assertEqual(sent["body"]["interactive"]["type"], kind)
                [bubble] = [b for b in self._data(conversation)["messages"] if b["is_ours"]]
                self.assertEqual((bubble["options"], bubble["is_button"]), (options, False))

    def test_the_chosen_option_comes_back_as_a_button(self):
        conversation = self._open()
        reply = {"type": "list_reply", "list_reply": {"id": "option-2", "title": "Dos"}}
        self._write(wamid="wamid.CHOSEN", type="interactive", interactive=reply)
        [bubble] = [b for b in self._data(conversation)["messages"] if b["kind"] == "interactive"]
        self.assertEqual(
            (bubble["text"], bubble["is_button"], bubble["options"]), ("Dos", True, [])
        )

    def test_what_whatsapp_does_not_take_is_said_at_once(self):
        conversation = self._open()
        for options, text in (
            (["Uno"] * 2, "¿Qué?"), ([str(index) for index in range(11)], "¿Qué?"),
            (["x" * 25], "¿Qué?"), ([" "], "¿Qué?"), (["Uno"], ""), (["Uno"], "x" * 1025),
        ):  # fmt: skip
            with self.subTest(options=options), self.assertRaises(UserError):
                self._send(conversation, text=text, options=options)
        with self.assertRaises(UserError):
            self._send(conversation, text="¿Qué?", options=["Uno"], attachment_ids=[1])
        self.assertFalse(self._outgoing())

    def test_outside_the_window_it_is_refused(self):
        conversation = self._open(ago=timedelta(hours=25))
        answer = self._send(conversation, text="¿Qué?", options=["Uno"])
        self.assertIn("reply window closed", answer["refused"])
