"""Nobody is a person with one of our own numbers: every entrance where a recipient is created."""

from contextlib import contextmanager

from odoo.exceptions import UserError

from .test_consent import NUMBER, ConsentCase
from .test_consent_import import COLUMNS

# As typed, and in E.164: our number in Spain, and ours in Mexico in WhatsApp's older spelling.
OURS = (("600 000 001", "+34600000001"), ("+521 55 1000 0002", "+525510000002"))
REFUSED = "one of your own WhatsApp numbers"


class TestOwnNumbers(ConsentCase):
    def _records(self, typed):
        return (
            self._lead(typed),
            self.env["res.partner"].create({"name": "We ourselves", "phone": typed}),
        )

    @contextmanager
    def _nobody_new(self):
        before = self.env["waba.recipient"].search([])
        yield
        self.env.invalidate_all()
        new = self.env["waba.recipient"].search([]) - before
        self.assertFalse(new.filtered(self._is_ours), new.mapped("display_name"))

    def _is_ours(self, person):
        return self.env["waba.sender"]._filter_own_numbers([person.number, person.wa_number])

    def _each(self):
        for typed, number in OURS:
            for record in self._records(typed):
                with self._case(f"{number} of {record._name}"), self._nobody_new():
                    yield record, number

    # === By hand ===

    def test_consent_recorded_by_a_user(self):
        for record, number in self._each():
            for user in (self.salesperson, self.manager):
                for action in ("opt_in", "opt_out"):
                    dialog = self._opened(record.with_user(user).action_waba_record_consent(), user)
                    wizard = dialog.create(
                        {"action": action, "heard": "in_person",
                         "note": "On the phone today, they asked for the catalogue"}
                    )  # fmt: skip
                    with self.assertRaisesRegex(UserError, REFUSED) as caught:
                        wizard.action_confirm()
                    self.assertIn(number, str(caught.exception))

    def test_consent_on_a_recipient_from_before_it_was_ours(self):
        person = self._person(NUMBER)
        self.sender.display_phone_number = NUMBER
        wizard = self._opened(person.action_record_consent()).create(
            {"action": "opt_out", "note": "On the phone"}
        )
        with self.assertRaisesRegex(UserError, REFUSED):
            wizard.action_confirm()
        self.assertFalse(person.consent_ids)

    def test_a_block_reported_by_a_user(self):
        for record, number in self._each():
            wizard = self._opened(record.action_waba_log_block()).create({"note": "He said so"})
            with self.assertRaisesRegex(UserError, REFUSED) as caught:
                wizard.action_confirm()
            self.assertIn(number, str(caught.exception))

    def test_a_merge_of_records(self):
        """Neither does an opt-out come from it: our own number says nothing about a customer."""
        for name, (make, merge) in {
            "partners": (self._partner, self._merge_partners),
            "leads": (lambda number: self._lead(number, type="opportunity"), self._merge_leads),
        }.items():
            for typed, _number in OURS:
                with self._case(f"{name} {typed}"), self._nobody_new():
                    self._person(NUMBER)._set_consent("marketing", "opt_out", "reply", "BAJA")
                    merge(make(NUMBER), make(typed))
                    self.assertEqual(self._person(NUMBER).marketing_state, "opted_out")
                with self._case(f"{name} {typed}, opted out before it was ours"):
                    before = self._person("+34611000009")
                    before._set_consent("marketing", "opt_out", "reply", "BAJA")
                    self.sender.display_phone_number = before.number
                    merge(make(NUMBER), make(before.number))
                    self.assertEqual(self._person(NUMBER).marketing_state, "unknown")

    def _partner(self, number):
        return self.env["res.partner"].create({"name": "Ana", "phone": number})

    def _merge_partners(self, source, target):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source + target).ids, target)

    def _merge_leads(self, source, target):
        target.probability, source.probability = 90, 10
        (source + target).with_user(self.manager)._merge_opportunity()

    # === Lists and forms ===

    def test_a_row_of_a_list_is_named_kept_and_stops_no_other(self):
        ledger = self.env["waba.consent"].with_user(self.manager)
        for typed, number in OURS:
            for action in ("opt_in", "opt_out"):
                rows = [
                    [one, "marketing", action, "2026-01-15", "Fair in Madrid"]
                    for one in (typed, NUMBER)
                ]
                for skips in (False, True):
                    with self._case(f"{number} {action} {skips}"), self._nobody_new():
                        known = {"file": "fair.csv", "skipped": 0, "headings": 1}
                        answer = ledger.with_context(
                            import_file=True, import_skip_records=["person_id"] * skips,
                            waba_list=known,
                        ).load(list(COLUMNS), rows)  # fmt: skip
                        kept = self.env["waba.consent.rejected"].search([])
                        if not skips:
                            self.assertIn(REFUSED, answer["messages"][0]["message"])
                            self.assertEqual(answer["messages"][0]["record"], 2)
                            self.assertFalse(kept)
                            continue
                        self.assertEqual(len(answer["ids"]), 1)
                        self.assertEqual((kept.number, kept.origin),
                                         (typed, "Row 2 of “fair.csv”"))  # fmt: skip
                        self.assertIn(REFUSED, kept.fault)
                        kept.with_user(self.manager).action_retry_row()
                        self.assertTrue(kept.active)

    def test_a_form(self):
        for typed, _number in OURS:
            for action in ("opt_in", "opt_out"):
                with self._case(f"{typed} {action}"), self._nobody_new():
                    answer = self.env["waba.recipient"]._opt_in_from_form(
                        typed, "marketing", "Newsletter form, /contact", "I agree to promotions",
                        action=action,
                    )  # fmt: skip
                    self.assertFalse(answer.entry)
                    self.assertIn(REFUSED, answer.error)
                    self.assertEqual(self.env["waba.consent.rejected"].search([]).number, typed)

    # === Webhooks ===

    def test_webhooks_about_it(self):
        row = self._message(NUMBER)
        refused = [{"code": 131050, "title": "User has stopped marketing messages"}]
        self._person(NUMBER)
        for _typed, number in OURS:
            wa_id = number.lstrip("+")
            bodies = {
                "inbound": self._inbound(number, "BAJA"),
                "a status of its own": self._status(
                    row, "failed", id="wamid.X", biz_opaque_callback_data="x",
                    recipient_id=wa_id, errors=refused),
                "a status of ours": self._status(row, "delivered", recipient_id=wa_id),
                "a preference": self._preference_body("stop", wa_id=wa_id),
                "a new number": self._inbound(
                    NUMBER, "", type="system",
                    system={"type": "user_changed_number", "wa_id": wa_id, "body": "x"}),
            }  # fmt: skip
            for name, body in bodies.items():
                with self._case(f"{name} {number}"), self._nobody_new():
                    self._receive(body)

    def test_a_number_that_whatsapp_answers_with(self):
        row = self._message(NUMBER)
        result = type("Result", (), {"key": row.id, "wa_id": "34600000001"})
        with self._nobody_new():
            self.env["waba.message"]._store_wa_numbers([result])
        self.assertFalse(row.recipient_id.wa_number)

    # === The model itself ===

    def test_it_cannot_be_created_or_written(self):
        people, person = self.env["waba.recipient"], self._person(NUMBER)
        for typed, number in OURS:
            for given in (number, typed.replace(" ", "")) if typed[0] == "+" else (number,):
                for name in ("number", "wa_number"):
                    with self._case(f"{given} {name}"):
                        with self.assertRaisesRegex(UserError, REFUSED):
                            people.create({"portfolio_id": self.portfolio.id, name: given})
                        with self.assertRaisesRegex(UserError, REFUSED):
                            person.write({name: given})
        for user in (self.salesperson, self.manager):
            with self.assertRaises(UserError):
                people.with_user(user).create(
                    {"portfolio_id": self.portfolio.id, "number": "+34600000001"}
                )

    def test_a_recipient_from_before_it_was_ours_can_still_change(self):
        person = self._person("+525512345678")
        self.sender.display_phone_number = person.number
        person.write({"number": "+5215512345678", "name": "Ana"})
        self.assertEqual((person.number, person.name), ("+525512345678", "Ana"))

    def test_found_or_created_in_bulk(self):
        people = self.env["waba.recipient"]
        for _typed, number in OURS:
            with self._case(number), self._nobody_new():
                found = people._find_or_create_by_number(self.portfolio, [number, NUMBER])
                self.assertEqual([*found], [NUMBER])
                self.assertEqual(people._find_or_create_by_number(self.portfolio, [number]), {})
                people._create_missing(self.portfolio, [number, "+34611000005"])
                self.assertTrue(people.search([("number", "=", "+34611000005")]))
                self.assertFalse(people._find_or_create_person(self.portfolio, number))
                by_uid = people._find_or_create_person(self.portfolio, number, "ES.7", "Ana")
                self.assertEqual((by_uid.user_uid, by_uid.number, by_uid.wa_number),
                                 ("ES.7", False, False))  # fmt: skip
                with self.assertRaisesRegex(UserError, REFUSED):
                    people._company_recipient(number)
