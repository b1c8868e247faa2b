"""Who may note what: attacks on every door of consent, as a salesperson and as another company's
manager."""

from datetime import timedelta

from odoo.addons.waba_campaign.policy.evidence import is_verifiable
from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method

from .test_consent import NUMBER, ConsentCase
from .test_consent_company import OTHER, SharedCase
from .test_consent_import import COLUMNS, GOOD

MANAGER = "waba_campaign.waba_group_manager"
EMPTY = ["x", " ", ".", "...", "ok", "OK OK OK", "sí", "aaaaaaaa", "aaaa aaaa", "1", "\u200b\u200b",
         "👍👍👍", "- - -", "yes", "\n\t", "xxxxxx x", "12"]  # fmt: skip
TELLING = ["They said so today", "Am Telefon, heute", "Por teléfono el 3 de noviembre",
           "Form /contact 2026", "展会上口头同意", "вчера по телефону", "معرض أمس"]  # fmt: skip


class TestEvidence(ConsentCase):
    def test_what_tells_something_and_what_does_not(self):
        for text in EMPTY:
            self.assertFalse(is_verifiable(text), text)
        for text in TELLING:
            self.assertTrue(is_verifiable(text), text)
        self.assertFalse(is_verifiable(None))


class NoteCase(SharedCase):
    def _note(self, user, action="opt_in", context=None, **values):
        wizards = self.env["waba.consent.note"].with_user(user).with_context(**(context or {}))
        return wizards.create(
            {"action": action, "note": "They said so today", "heard": "call", **values}
        )

    def _about(self, record):
        return {"res_model": record._name, "res_id": record.id}

    def _opted_out(self, hours_ago=1, company=None):
        self._person()._set_consent(
            "marketing", "opt_out", "reply", "BAJA",
            at=self.now - timedelta(hours=hours_ago), company=company or self.a,
        )  # fmt: skip

    def _refused(self, *args, words="", error=AccessError, **values):
        with self.assertRaisesRegex(error, words):
            self._note(*args, **values).action_confirm()
        self.env.invalidate_all()


class TestTakingBack(NoteCase):
    def test_no_salesperson_takes_back_an_opt_out_whatever_the_client_sends(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        self._opted_out()
        flags = {"default_is_reversal": False, "default_action": "opt_in", "su": True}
        for values in (self._about(lead), {"recipient_id": self._person().id}):
            with self._case(str(values)):
                self._refused(self.salesperson, context=flags, **values)
                self.assertEqual(self._states()[0], "opted_out")

    def test_nobody_takes_back_an_opt_out_from_before_by_a_row_that_is_not_there_yet(self):
        elsewhere = self._person(portfolio=self.foreign)
        elsewhere._set_consent("marketing", "opt_out", "reply", "BAJA")
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        self._refused(self.salesperson, **self._about(lead))

    def test_nor_of_somebody_erased(self):
        self._opted_out()
        self._person()._erase_personal_data(self.a | self.b)
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        self._refused(self.salesperson, **self._about(lead))

    def test_a_manager_needs_a_record_of_theirs_that_may_be_changed(self):
        self._opted_out()
        person = self._person()
        self._refused(self.manager, recipient_id=person.id, words="lead or contact")
        stranger = self._lead(OTHER)
        mixed = {"recipient_id": person.id, **self._about(stranger)}
        self._refused(self.manager, **mixed, words="lead or contact")
        self._lead(NUMBER)
        self._note(self.manager, recipient_id=person.id).action_confirm()
        self.assertEqual(self._states(), ("opted_in", "opted_out", "opted_out"))

    def test_a_manager_who_may_only_read_the_record_may_not(self):
        lead = self._lead(NUMBER)
        self._opted_out()
        self.env["ir.rule"].create(
            {
                "name": "Nobody changes leads",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "domain_force": "[(0, '=', 1)]",
                "perm_read": False,
            }
        )
        self._refused(self.manager, **self._about(lead))
        self._refused(self.manager, recipient_id=self._person().id, words="lead or contact")

    def test_a_manager_of_another_company_may_not_even_by_naming_ours(self):
        lead = self._lead(NUMBER, company_id=self.a.id)
        self._opted_out()
        foreigner = self._user_of(self.b, "b_manager", MANAGER)
        self._refused(foreigner, **self._about(lead))
        theirs = self._lead(NUMBER, company_id=self.b.id, user_id=foreigner.id)
        forged = {"allowed_company_ids": self.a.ids}
        self._refused(foreigner, context=forged, recipient_id=self._person().id)
        self._refused(foreigner, context=forged, **self._about(theirs))
        self._note(foreigner, **self._about(theirs)).action_confirm()
        self.assertEqual(self._states(), ("opted_out", "opted_in", "opted_out"))

    def test_b_s_salesperson_opts_in_for_b_alone(self):
        seller = self._user_of(self.b, "b_seller")
        lead = self._lead(NUMBER, company_id=self.b.id, user_id=seller.id)
        self._note(seller, **self._about(lead)).action_confirm()
        self.assertEqual(self._states(), ("unknown", "opted_in", "unknown"))

    def test_a_note_that_tells_nothing_is_refused_for_an_opt_in_and_taken_for_an_opt_out(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        for note in EMPTY:
            self._refused(
                self.salesperson, **self._about(lead), note=note, error=UserError, words="evidence"
            )
        self._refused(
            self.salesperson, **self._about(lead), heard=False, error=UserError, words="channel"
        )
        self.assertEqual(self._states()[0], "unknown")
        self._note(self.salesperson, "opt_out", **self._about(lead), note="x").action_confirm()
        self.assertEqual(self._states()[0], "opted_out")

    def test_a_word_on_whatsapp_is_one_that_is_here_and_newer_than_the_opt_out(self):
        lead = self._lead(NUMBER)
        said = {"heard": "whatsapp", **self._about(lead)}
        self._refused(self.manager, **said, error=UserError, words="no message from them")
        self._write("Hola", hours_ago=3)
        self._opted_out(hours_ago=2)
        self._refused(self.manager, **said, error=UserError, words="since their opt-out")
        self._write("Sí, escribidme", hours_ago=1)
        self._note(self.manager, **said).action_confirm()
        entry = self.env["waba.consent"].search([("action", "=", "opt_in")])
        self.assertEqual(entry.message_id.text, "Sí, escribidme")


class TestOtherDoors(NoteCase):
    def test_nobody_makes_or_changes_an_entry_or_an_opt_in_directly(self):
        person = self._person()
        values = {
            "waba.consent": {"recipient_id": person.id, "purpose": "marketing",
                             "action": "opt_in", "source": "form", "at": self.now},
            "waba.opt.in": {"recipient_id": person.id, "purpose": "marketing",
                            "company_id": self.a.id, "at": self.now},
        }  # fmt: skip
        for user in (self.salesperson, self.manager):
            for model, row in values.items():
                with self.subTest(f"{user.login} {model}"):
                    with self.assertRaises(AccessError):
                        self.env[model].with_user(user).create(row)
                    answer = self.env[model].with_user(user).load(
                        ["recipient_id/.id", "purpose"], [[str(person.id), "marketing"]]
                    )  # fmt: skip
                    self.assertIs(answer["ids"], False)
        self.assertEqual(self._states(), ("unknown",) * 3)

    def test_what_engines_call_is_not_to_be_called_from_outside(self):
        names = ("_set_consent", "_set_marketing_state", "_opt_in_from_form", "_apply_opt_in",
                 "_apply_opt_out", "_copy_opt_ins", "_copy_entries")  # fmt: skip
        for name in names:
            with self.subTest(name), self.assertRaises(AccessError):
                get_public_method(self.env["waba.recipient"], name)
        with self.assertRaises(AccessError):
            get_public_method(self.env["waba.consent"], "_record_rows")

    def _load(self, user, *rows, context=None, skips=False):
        ledger = self.env["waba.consent"].with_user(user)
        context = {
            "import_file": True,
            "import_skip_records": ["person_id"] if skips else [],
            "waba_list": {"file": "fair.csv", "skipped": 0, "headings": 1},
            **(context or {}),
        }
        return ledger.with_context(**context).load(list(COLUMNS), [list(row) for row in rows])

    def test_a_list_is_taken_for_the_manager_s_own_company(self):
        foreigner = self._user_of(self.b, "b_manager", MANAGER)
        row = [NUMBER, *GOOD[1:4], "Form at the fair in May"]
        with self.assertRaises(AccessError):
            self._load(foreigner, row, context={"allowed_company_ids": self.a.ids})
        with self.assertRaises(AccessError):
            self._load(self.salesperson, row)
        self._load(foreigner, row)
        self.assertEqual(self._states(), ("unknown", "opted_in", "unknown"))

    def test_an_imported_opt_in_needs_evidence_and_an_opt_out_none(self):
        good = [NUMBER, *GOOD[1:4], "Form at the fair in May"]
        for index, text in enumerate(["", *EMPTY]):
            with self._case(repr(text)):
                bad = [OTHER, *GOOD[1:4], text]
                answer = self._load(self.manager, good, bad)
                self.assertIs(answer["ids"], False)
                self.assertIn("needs evidence", answer["messages"][0]["message"])
                answer = self._load(self.manager, good, bad, skips=True)
                self.assertEqual(len(answer["ids"]), 1)
                kept = self.env["waba.consent.rejected"].search([])
                self.assertEqual((kept.number, kept.action), (OTHER, "opt_in"), index)
                kept = kept.with_user(self.manager)
                kept.action_retry_row()
                self.assertTrue(kept.active)
                kept.evidence = "Form at the fair in May"
                kept.action_retry_row()
                self.assertFalse(kept.active)
        self._load(self.manager, [OTHER, "marketing", "opt_out", "2026-01-15", ""])
        self.assertEqual(self._states(self._person(OTHER)), ("opted_out",) * 3)

    def test_a_list_takes_back_only_what_its_importer_could_take_back_by_hand(self):
        today = self.now.strftime("%Y-%m-%d %H:%M:%S")
        row = [NUMBER, "marketing", "opt_in", today, "Form at the fair in May"]
        other = [OTHER, "marketing", "opt_in", today, "Form at the fair in May"]
        self._opted_out()
        answer = self._load(self.manager, row, other)
        self.assertIn(f"{NUMBER} has opted out", answer["messages"][0]["message"])
        self._load(self.manager, row, other, skips=True)
        self.assertEqual(self._states()[0], "opted_out")
        self.assertEqual(self._states(self._person(OTHER))[0], "opted_in")
        kept = self.env["waba.consent.rejected"].with_user(self.manager).search([])
        kept.action_retry_row()
        self.assertEqual(self._states()[0], "opted_out")
        self._lead(NUMBER)
        kept.action_retry_row()
        self.assertEqual(self._states()[0], "opted_in")

    def test_a_form_without_a_word_of_evidence_is_kept_to_be_asked_about(self):
        answer = self.env["waba.recipient"]._opt_in_from_form(NUMBER, "marketing", "", "x")
        self.assertIn("needs evidence", answer.error)
        self.assertFalse(self.env["waba.consent"].search([]))
