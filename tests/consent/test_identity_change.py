"""Somebody gets another user id or number: who they are goes with them, in any order of arrival."""

import time
from datetime import datetime, timedelta
from itertools import permutations

from ..common import NUMBER_ES, PublicAddress, WabaCase

NUMBER, NEW_NUMBER = "+34611000001", "+34611000009"
OLD, NEW, NEWEST = "ES.OLD1", "ES.NEW2", "ES.NEW3"


class ChangeCase(WabaCase):
    def _person(self, number=NUMBER):
        return self.env["waba.recipient"].search([("number", "=", number)])

    def _by_uid(self, user_uid):
        return self.env["waba.recipient"].search([("user_uid", "=", user_uid)])

    def _written_by(self, user_uid, text="Hola", number="", ago=0):
        """A message of somebody known by a user id; they may show a number too."""
        at = int(time.time()) - ago
        contact = {"profile": {"name": "Ana"}, "user_id": user_uid}
        message = {"id": f"wamid.{user_uid}.{text}.{ago}", "timestamp": str(at), "type": "text",
                   "from_user_id": user_uid, "text": {"body": text}}  # fmt: skip
        if number:
            contact["wa_id"] = message["from"] = number[1:]
        return self._change("messages", {"metadata": {"phone_number_id": NUMBER_ES},
                            "contacts": [contact], "messages": [message]})  # fmt: skip

    def _stop_message(self, user_uid):
        """WhatsApp's own stop, by the user id alone."""
        told = {"user_id": user_uid, "value": "stop", "category": "marketing_messages",
                "timestamp": int(time.time())}  # fmt: skip
        return self._change("user_preferences", {"user_preferences": [told]})

    def _changed(self, old=OLD, new=NEW):
        """Meta's page of 2026-08-11: no `contacts`, no `from`."""
        system = {"type": "user_changed_user_id", "user_id": new, "previous_user_id": old,
                  "parent_user_id": f"P.{new}", "previous_parent_user_id": f"P.{old}"}  # fmt: skip
        message = {"id": f"wamid.{old}.{new}", "timestamp": str(int(time.time())),
                   "type": "system", "system": system}  # fmt: skip
        return self._change("messages", {"metadata": {"phone_number_id": NUMBER_ES},
                            "messages": [message]})  # fmt: skip


class TestNewUserId(ChangeCase):
    def test_every_order_of_what_they_said_and_the_change_ends_in_one_person(self):
        """Before the change, under the dead id after it, and under the new id before it."""
        bodies = {
            "old": self._written_by(OLD, ago=30),
            "stop": self._stop_message(OLD),
            "change": self._changed(),
            "new": self._written_by(NEW, "Sigo aquí"),
        }
        for index, order in enumerate(permutations(bodies)):
            is_numbered = bool(index % 2)
            with self._case(f"{order} {is_numbered}"):
                if is_numbered:
                    self._receive(self._written_by(OLD, "Soy Ana", NUMBER, ago=60))
                for name in order:
                    self._store_event(bodies[name])
                    if index % 3:
                        self._apply_webhooks()
                self._apply_webhooks()
                person = self._by_uid(NEW)
                self.assertEqual(len(person), 1)
                self.assertEqual(person.marketing_state, "opted_out")
                self.assertEqual(person.number, NUMBER if is_numbered else False)
                self.assertEqual(person.former_uids, f" {OLD} ")
                self.assertFalse(self._by_uid(OLD))
                inbound = self.env["waba.message"].search([("direction", "=", "in")])
                self.assertEqual(inbound.recipient_id, person)
                self.assertEqual(self.env["waba.conversation"].search([]).recipient_id, person)

    def test_a_chain_of_ids_leads_to_the_last(self):
        self._receive(self._written_by(OLD, number=NUMBER, ago=60))
        for change in permutations([self._changed(OLD, NEW), self._changed(NEW, NEWEST)]):
            with self._case(str(change)):
                for body in change:
                    self._receive(body)
                self._receive(self._stop_message(OLD))
                person = self._by_uid(NEWEST)
                self.assertEqual((person.number, person.marketing_state), (NUMBER, "opted_out"))
                self.assertEqual(set(person.former_uids.split()), {OLD, NEW})
                self.assertFalse(self._by_uid(OLD) | self._by_uid(NEW))

    def test_marks_and_window_go_along(self):
        self._receive(self._written_by(OLD, ago=60))
        nameless = self._by_uid(OLD)
        held = datetime.now().replace(microsecond=0) + timedelta(hours=5)
        nameless.write({"is_blocked": True, "marketing_held_until": held, "slot_at": held})
        self._receive(self._written_by(NEW, number=NUMBER))
        self._receive(self._changed())
        person = self._person()
        self.assertEqual(
            (person.is_blocked, person.marketing_held_until, person.slot_at), (True, held, held)
        )
        self.assertTrue(self.env["waba.conversation"].search([]).window_expires_at)

    def test_twice_is_once(self):
        self._receive(self._written_by(OLD, number=NUMBER, ago=60))
        for _time in range(2):
            self._receive(self._changed())
            self.assertEqual(self._person().user_uid, NEW)
            self.assertEqual(self._person().former_uids, f" {OLD} ")

    def test_an_id_is_compared_whole(self):
        self._receive(self._written_by(OLD, number=NUMBER, ago=60))
        self._receive(self._changed())
        for user_uid in ("ES.OLD", "S.OLD1", "ES.OLD11", "%", "_"):
            self._receive(self._written_by(user_uid, user_uid))
            self.assertNotEqual(self._by_uid(user_uid), self._person(), user_uid)

    def test_another_portfolio_keeps_its_own(self):
        elsewhere = self._portfolio_elsewhere()
        theirs = self.env["waba.recipient"].create(
            {"portfolio_id": elsewhere.id, "user_uid": OLD, "marketing_state": "opted_out"}
        )
        self._receive(self._changed())
        self.assertEqual((theirs.user_uid, theirs.former_uids), (OLD, False))
        self.assertEqual(self._by_uid(NEW).marketing_state, "unknown")

    def test_the_simulators_body_is_read(self):
        self._receive(self._inbound(NUMBER, "BAJA"))
        told = self.simulator.call("rare", {"kind": "user_changed_user_id", "phone_id": NUMBER_ES,
                                            "number": NUMBER, "user_id": NEW})  # fmt: skip
        self._person().user_uid = told["user_id"]
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self._apply_posted()
        self.assertEqual(self._by_uid(NEW), self._person())

    def test_dead_ids_are_erased_and_still_known_as_opted_out(self):
        self._receive(self._written_by(OLD, "BAJA", NUMBER, ago=60))
        self._receive(self._changed())
        person = self._person()
        person._erase_personal_data(self.env.company, True)
        self.assertFalse(person.former_uids)
        self._receive(self._written_by(OLD, "Hola de nuevo"))
        self.assertEqual(self._by_uid(OLD).marketing_state, "opted_out")


class TestNewNumber(ChangeCase):
    SHAPES = (
        {"wa_id": NEW_NUMBER[1:]},
        {"new_wa_id": NEW_NUMBER[1:]},
        {"wa_id": NUMBER[1:], "new_wa_id": NEW_NUMBER[1:]},
        {"wa_id": NEW_NUMBER[1:], "user_id": NEW, "previous_user_id": OLD},
    )

    def _moved(self, **system):
        message = {"id": "wamid.MOVED", "from": NUMBER[1:], "timestamp": str(int(time.time())),
                   "type": "system",
                   "system": {"type": "user_changed_number", **system}}  # fmt: skip
        return self._change("messages", {"metadata": {"phone_number_id": NUMBER_ES},
                            "messages": [message]})  # fmt: skip

    def test_opt_out_conversation_and_id_move_in_every_shape(self):
        for system in self.SHAPES:
            with self._case(str(system)):
                self._receive(self._written_by(OLD, "BAJA", NUMBER, ago=60))
                self._receive(self._moved(**system))
                before, now = self._person(), self._person(NEW_NUMBER)
                self.assertEqual(now.marketing_state, "opted_out")
                self.assertEqual(before.marketing_state, "opted_out", "and stays out")
                self.assertFalse(before.user_uid or before.former_uids)
                self.assertIn(OLD, now.former_uids)
                self.assertEqual(self.env["waba.conversation"].search([]).recipient_id, now)
                self.assertFalse(before.message_ids)
                self._receive(self._stop_message(OLD))
                self.assertFalse(self._by_uid(OLD))

    def test_what_waits_for_the_old_number_stays_there(self):
        waiting = self._message(NUMBER, state="queued")
        self._receive(self._moved(**self.SHAPES[0]))
        self.assertEqual(waiting.recipient_id, self._person())

    def test_the_old_number_says_nothing_more_of_who_had_it(self):
        self._receive(self._written_by(OLD, number=NUMBER, ago=60))
        self._receive(self._moved(**self.SHAPES[3]))
        self._receive(self._written_by("ES.SOMEBODY", "Hola", NUMBER))
        self.assertEqual(self._person().user_uid, "ES.SOMEBODY")
        self.assertEqual(len(self._person().message_ids), 1)

    def test_whoever_wrote_from_the_new_number_first_is_the_same(self):
        self._receive(self._written_by(OLD, "BAJA", NUMBER, ago=60))
        self._receive(self._written_by(NEW, "Hola", NEW_NUMBER))
        self._receive(self._moved(**self.SHAPES[3]))
        self.assertEqual(self._person(NEW_NUMBER).marketing_state, "opted_out")
        self.assertEqual(self._person(NEW_NUMBER).user_uid, NEW)
