"""Automatic answers through the whole way: webhook, rule, queue, window, person."""

from datetime import datetime, timedelta

from freezegun import freeze_time
from odoo.exceptions import AccessError, ValidationError

from ..common import PublicAddress
from .test_conversation_view import ViewCase
from .test_inbound import NUMBER

CLOSED = "Estamos cerrados. Le contestamos mañana a las 9."


class AutoReplyCase(ViewCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead(NUMBER, user_id=self.marta.id)
        self.lead.team_id = False

    def _rule(self, **values):
        return self.env["waba.auto.reply"].create(
            {
                "name": "Keyword",
                "trigger": "keyword",
                "words": "precio",
                "text": "Desde 490 €.",
                **values,
            }
        )

    def _says(self, text, wamid, **values):
        self._write(text, wamid=wamid, **values)
        return self._answers()

    def _answers(self):
        return (
            self.env["waba.message"].search([("origin", "=", "reply")], order="id").mapped("text")
        )


class TestAnswering(AutoReplyCase):
    def test_nothing_is_answered_unless_somebody_wants_it(self):
        self.assertFalse(self._says("precio", "wamid.1"))

    def test_a_keyword_is_answered_once_and_then_it_is_a_persons_turn(self):
        rule = self._rule(hand_over_user_id=self.pedro.id)
        self.assertEqual(self._says("¿PRECIO?", "wamid.1"), ["Desde 490 €."])
        conversation = self._conversation()
        self.assertTrue(conversation.waiting_since, "a machine's answer is none")
        self.assertEqual(len(self._says("precio", "wamid.2")), 1)
        self.assertEqual(conversation.responsible_id, self.pedro)
        self.assertTrue(conversation.handed_over_at)
        activity = self.lead.activity_ids
        self.assertEqual(activity.activity_type_id.name, "WhatsApp: reply")
        self.assertEqual(len(self._says("precio", "wamid.3")), 1)
        self._send(conversation, user=self.pedro, shown=False, text="Hola, soy Pedro")
        self.assertFalse(conversation.auto_replied_at or conversation.handed_over_at)
        rule.cooldown_hours = 0
        self.assertEqual(len(self._says("precio", "wamid.4")), 2, "a person has answered")
        self.assertEqual(rule.reply_count, 2)

    def test_the_answer_leaves_inside_the_window_whatever_the_hour(self):
        self._rule()
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.simulator.post(
            "inbound", phone_id=self.sender.phone_number_uid, number=NUMBER, text="precio"
        )
        self._apply_posted()
        self._dispatch()
        [sent] = self.simulator.sends()
        self.assertTrue(sent["in_window"])
        self.assertEqual(sent["body"]["text"]["body"], "Desde 490 €.")

    def test_a_template_may_be_the_answer(self):
        line = self.utility_template.variable_ids
        line.write({"source": "text", "text": "7"})
        self._rule(answer="template", template_id=self.utility_template.id, text=False)
        self._says("precio", "wamid.1")
        row = self.env["waba.message"].search([("origin", "=", "reply")])
        self.assertEqual((row.state, row.template_id), ("queued", self.utility_template))

    def test_closed_by_the_calendar_of_the_rule(self):
        calendar = self.env["resource.calendar"].create(
            {"name": "Mornings", "tz": "Europe/Madrid", "attendance_ids": [
                (5, 0, 0),
                *((0, 0, {"name": str(day), "dayofweek": str(day), "hour_from": 9, "hour_to": 14})
                  for day in range(5)),
            ]}
        )  # fmt: skip
        rule = self._rule(trigger="out_of_hours", calendar_id=calendar.id, text=CLOSED, words=False)
        for moment, closed in [
            (datetime(2026, 11, 26, 8, 30), False),  # Thursday 9:30 in Madrid
            (datetime(2026, 11, 26, 13, 30), True),  # 14:30
            (datetime(2026, 11, 26, 7, 30), True),  # 8:30
            (datetime(2026, 11, 28, 10, 0), True),  # Saturday
            (datetime(2026, 7, 2, 7, 30), False),  # Thursday 9:30 in summer
        ]:
            with self.subTest(str(moment)):
                self.assertEqual(rule._is_closed(moment), closed)
        self.env["resource.calendar.leaves"].create(
            {"name": "Fiesta", "calendar_id": calendar.id, "date_from": "2026-11-26 00:00:00",
             "date_to": "2026-11-26 23:00:00"}
        )  # fmt: skip
        self.assertTrue(rule._is_closed(datetime(2026, 11, 26, 8, 30)))

    def test_a_message_that_comes_late_is_not_answered(self):
        self._rule()
        self.assertFalse(self._says("precio", "wamid.1", ago=timedelta(hours=2)))

    def test_only_the_numbers_of_the_rule_answer(self):
        self._rule(sender_ids=[(6, 0, self.sender_mx.ids)])
        self.assertFalse(self._says("precio", "wamid.1"))

    def test_a_webhook_applied_twice_answers_once(self):
        self._rule(cooldown_hours=0)
        body = self._inbound(NUMBER, "precio", wamid="wamid.1")
        self._receive(body)
        body["entry"][0]["time"] += 60
        self._receive(body)
        self.assertEqual(len(self._answers()), 1)


class TestStop(AutoReplyCase):
    def test_who_asks_to_stop_is_not_sold_anything(self):
        self._rule(words="baja", text="¡Baja de precios!")
        self._rule(trigger="out_of_hours", text=CLOSED, words=False,
                   calendar_id=self._never_open().id)  # fmt: skip
        self.assertFalse(self._says("BAJA", "wamid.1"))

    def _never_open(self):
        return self.env["resource.calendar"].create(
            {"name": "Never", "attendance_ids": [(5, 0, 0)]}
        )

    def test_it_may_be_confirmed_once(self):
        self._rule(trigger="stop", words=False, text="Hecho: sin promociones.")
        self.assertEqual(self._says("BAJA", "wamid.1"), ["Hecho: sin promociones."])
        self.assertEqual(len(self._says("BAJA", "wamid.2")), 1)
        [row] = self.env["waba.message"].search([("origin", "=", "reply")])
        self.assertEqual(row.state, "queued")
        self.assertEqual(row.recipient_id.marketing_state, "opted_out")

    def test_the_confirmation_is_no_promotion(self):
        with self.assertRaises(ValidationError):
            self._rule(trigger="stop", answer="template", template_id=self.template.id)


class TestMachines(AutoReplyCase):
    def test_two_machines_do_not_talk_to_each_other(self):
        """The other one answers each message of ours within a second, for two days."""
        self._rule(words="hola", is_whole=False, cooldown_hours=0)
        start = self.now
        for minute in range(0, 48 * 60, 90):
            moment = start + timedelta(minutes=minute)
            with freeze_time(moment, tick=True):
                self.now = moment
                self._write("Hola, soy un asistente", wamid=f"wamid.{minute}")
        self.assertLessEqual(len(self._answers()), 2, "one per 24 hours that nobody took over")
        self.assertTrue(self.lead.activity_ids, "and a person was asked for")


class TestRules(AutoReplyCase):
    def test_what_is_missing_is_named(self):
        for values, words in [
            ({"text": " "}, "has no text"),
            ({"answer": "template"}, "has no template"),
            ({"words": "\n"}, "has no keywords"),
            ({"text": "x" * 4097}, "too long"),
        ]:
            with self.subTest(words), self.assertRaisesRegex(ValidationError, words):
                self._rule(**values)

    def test_managers_make_them_and_salespeople_read_them(self):
        rule = self._rule()
        self.assertTrue(rule.with_user(self.marta).text)
        with self.assertRaises(AccessError):
            rule.with_user(self.marta).text = "x"
        rule.with_user(self.manager).text = "y"
