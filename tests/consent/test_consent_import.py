"""Consent from a list or a form: stored by one method, or named and kept."""

from datetime import datetime, timedelta

from freezegun import freeze_time
from odoo.exceptions import AccessError

from ..common import ROOT
from .test_consent import NUMBER, ConsentCase

COLUMNS = ("person_id", "purpose", "action", "said_at", "evidence")
GOOD = [NUMBER, "marketing", "opt_in", "2026-01-15", "Fair in Madrid"]
OTHER = "+34611000002"


class TestImport(ConsentCase):
    def _load(self, *rows, columns=COLUMNS, user=None, skips=False, **known):
        ledger = self.env["waba.consent"].with_user(user or self.manager)
        context = {
            "import_file": True,
            "import_skip_records": ["person_id"] if skips else [],
            "waba_list": {"file": "fair.csv", "skipped": 0, "headings": 1, **known},
        }
        return ledger.with_context(**context).load(list(columns), [list(row) for row in rows])

    def _entry(self, number=NUMBER):
        return self.env["waba.consent"].search([("number", "=", number)], limit=1)

    def test_a_row_makes_the_person_the_entry_and_the_state(self):
        answer = self._load(
            ["611 00 00 01", "Promotions", "Opt-in", "2026-01-15 10:30", "Fair in Madrid"]
        )
        entry = self._entry()
        self.assertEqual(answer, {"ids": entry.ids, "messages": [], "nextrow": 0})
        self.assertEqual(
            (entry.purpose, entry.action, entry.source, entry.at, entry.user_id),
            ("marketing", "opt_in", "import", datetime(2026, 1, 15, 10, 30), self.manager),
        )
        self.assertEqual(entry.evidence, "Row 2 of “fair.csv”: Fair in Madrid")
        self.assertEqual(entry.recipient_id.marketing_state, "opted_in")
        self.assertEqual(entry.recipient_id.utility_state, "unknown")

    def test_odoo_s_import_tells_which_file_and_row_an_entry_comes_from(self):
        wizard = self.env["base_import.import"].with_user(self.manager)
        wizard = wizard.create(
            {
                "res_model": "waba.consent",
                "file": ",".join(COLUMNS) + "\n" + ",".join(GOOD) + "\n",
                "file_name": "fair.csv",
                "file_type": "text/csv",
            }
        )
        options = {"quoting": '"', "separator": ",", "has_headers": True, "encoding": "utf-8"}
        answer = wizard.execute_import(list(COLUMNS), list(COLUMNS), options)
        self.assertEqual(answer["messages"], [])
        self.assertEqual(self._entry().evidence, "Row 2 of “fair.csv”: Fair in Madrid")

    def _import_file(self, lines, skips=False, encoding=None):
        """As Odoo's screen does: headings matched by the preview, then the import.

        :param encoding: of the file, which the preview has to find out; UTF-8 is given
        """
        wizard = self.env["base_import.import"].with_user(self.manager)
        content = ("\n".join(lines) + "\n").encode(encoding or "utf-8")
        wizard = wizard.create(
            {"res_model": "waba.consent", "file": content, "file_name": "a.csv",
             "file_type": "text/csv"}
        )  # fmt: skip
        options = {"quoting": '"', "separator": ",", "has_headers": True,
                   "encoding": "" if encoding else "utf-8"}  # fmt: skip
        preview = wizard.parse_preview(dict(options))
        options["encoding"] = preview["options"]["encoding"]
        columns = preview["headers"]
        names = [(preview["matches"].get(i) or [False])[0] for i in range(len(columns))]
        if skips:
            options["import_skip_records"] = ["person_id"]
        return names, wizard.execute_import(names, columns, options)

    def test_common_headings_are_matched(self):
        data = [NUMBER, "opt-in", "2026-01-15", "Fair in Madrid, form"]
        for headings in (
            ("Phone", "Action", "Date", "Source"), ("Mobile", "Status", "Opt-in date", "Evidence"),
            ("Teléfono", "Acción", "Fecha", "Origen"), ("Telefone", "Ação", "Data", "Fonte"),
            ("WhatsApp number", "Opt-in", "Timestamp", "Notes"),
            ("Móvil", "Consentimiento", "Fecha de alta", "Evidencia"),
        ):  # fmt: skip
            with self._case(headings):
                names, answer = self._import_file(
                    [",".join(headings), ",".join(f'"{d}"' for d in data)]
                )
                self.assertEqual(names, ["person_id", "action", "said_at", "evidence"])
                self.assertEqual(answer["messages"], [])
                entry = self._entry()
                self.assertEqual((entry.action, entry.purpose), ("opt_in", "marketing"))

    def test_a_short_file_in_any_common_encoding(self):
        lines = ["Teléfono,Acción,Fecha,Origen", f'{NUMBER},opt-in,2026-01-15,"Fair in Madrid"']
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            for used in (lines, [lines[0].replace("Acción", "Action"), lines[1]]):
                with self._case(f"{encoding} {used[0]}"):
                    _names, answer = self._import_file(used, encoding=encoding)
                    self.assertEqual(answer["messages"], [])
                    self.assertEqual(self._entry().action, "opt_in")

    def test_yes_and_no_mean_what_their_heading_asks(self):
        for heading, text, action in (
            ("Opt-in", "yes", "opt_in"), ("Consentimiento", "sí", "opt_in"),
            ("Subscribed", "no", "opt_out"), ("Unsubscribed", "1", "opt_out"),
            ("Baja", "x", "opt_out"), ("Unsubscribed", "no", None), ("Status", "yes", None),
        ):  # fmt: skip
            with self._case(f"{heading}: {text}"):
                _names, answer = self._import_file(
                    [f"Phone,{heading},Date,Source", f'{NUMBER},{text},2026-01-15,"Fair, a form"']
                )
                self.assertEqual(self._entry().action or None, action)
                self.assertEqual(bool(answer["messages"]), action is None)

    def test_row_numbers_are_the_file_s_with_its_blank_rows(self):
        _names, answer = self._import_file(
            ["Phone,Action,Date,Source", "", f"{NUMBER},opt_out,2026-01-15,x", ",,,",
             "12,opt_out,2026-01-15,x"], skips=True,
        )  # fmt: skip
        self.assertEqual(answer["messages"], [])
        self.assertIn("Row 3 of", self._entry().evidence)
        self.assertEqual(self.env["waba.consent.rejected"].search([]).origin, "Row 5 of “a.csv”")

    def test_the_templates_can_be_imported_as_they_are(self):
        for template in self.env["waba.consent"].get_import_templates():
            path = ROOT / template["template"].removeprefix("/waba_campaign/")
            with self._case(path.name):
                self.assertTrue(path.exists())
                if path.suffix == ".csv":
                    lines = path.read_text(encoding="utf-8-sig").splitlines()
                    _names, answer = self._import_file(lines)
                    self.assertEqual(answer["messages"], [])
                    self.assertEqual(len(answer["ids"]), 2)

    def test_each_purpose_and_word_in_any_order_of_columns(self):
        for purpose in ("marketing", "utility"):
            for action, state in (("opt_in", "opted_in"), ("opt_out", "opted_out")):
                with self._case(f"{purpose} {action}"):
                    self._load([action, "2026-01-15", "Fair in Madrid", NUMBER, purpose],
                               columns=["action", "said_at", "evidence", "person_id", "purpose"],
                               )  # fmt: skip
                    self.assertEqual(self._person()[f"{purpose}_state"], state)

    def test_times_without_a_zone_are_the_manager_s(self):
        self.manager.tz = "Europe/Madrid"
        for text, moment in (
            ("2026-07-01 10:30:15", datetime(2026, 7, 1, 8, 30, 15)),
            ("2026-07-01", datetime(2026, 6, 30, 22, 0)),
            ("31/07/2026 00:30", datetime(2026, 7, 30, 22, 30)),
            ("07/31/2026", datetime(2026, 7, 30, 22, 0)),
            ("2026-07-01T10:30:00Z", datetime(2026, 7, 1, 10, 30)),
            ("2026-07-01T10:30:00.123+05:30", datetime(2026, 7, 1, 5, 0)),
            ("1782901800", datetime(2026, 7, 1, 10, 30)),
            ("1782901800000", datetime(2026, 7, 1, 10, 30)),
        ):
            with self._case(text):
                answer = self._load([NUMBER, "marketing", "opt_out", text, ""])
                self.assertEqual(answer["messages"], [])
                self.assertEqual(self._entry().at, moment)

    def test_the_order_of_day_and_month_is_the_list_s_and_never_the_manager_s_language(self):
        self.manager.tz = "UTC"
        self.env["res.lang"]._activate_lang("es_ES")
        doubtful = [NUMBER, "marketing", "opt_out", "03/02/2026", "Fair"]
        for language in ("en_US", "es_ES"):
            self.manager.lang = language
            for proof, moment, order in (
                ("25/01/2026", datetime(2026, 2, 3), "day/month/year"),
                ("01/25/2026", datetime(2026, 3, 2), "month/day/year"),
            ):
                with self._case(f"{language} {proof}"):
                    other = [OTHER, "marketing", "opt_out", proof, ""]
                    answer = self._load(doubtful, other)
                    self.assertEqual(answer["messages"], [])
                    self.assertEqual(self._entry().at, moment)
                    self.assertIn(f"“03/02/2026” read as {order}", self._entry().evidence)
                    self.assertNotIn("read as", self._entry(OTHER).evidence)
            for others in ([], ["25/01/2026", "01/25/2026"], ["2026-01-25"], ["25.01.2026"]):
                with self._case(f"{language} {others}"):
                    rows = [[OTHER, "marketing", "opt_out", text, ""] for text in others]
                    answer = self._load(doubtful, *rows)
                    self.assertIs(answer["ids"], False)
                    first = answer["messages"][0]
                    self.assertIn("“03/02/2026” is ambiguous", first["message"])
                    self.assertEqual(first["record"], 2)

    def test_a_long_list_has_one_order_in_all_its_parts(self):
        self.manager.tz = "UTC"
        rows = [[f"+3461100001{i}", "marketing", "opt_out", "03/02/2026", ""] for i in range(4)]
        rows.append([OTHER, "marketing", "opt_out", "25/01/2026", ""])
        lines = [",".join(row) for row in (COLUMNS, *rows)]
        wizard = self.env["base_import.import"].with_user(self.manager)
        wizard = wizard.create(
            {"res_model": "waba.consent", "file": "\n".join(lines) + "\n", "file_name": "a.csv",
             "file_type": "text/csv"}
        )  # fmt: skip
        options = {"quoting": '"', "separator": ",", "has_headers": True, "encoding": "utf-8"}
        for skip in (0, 2, 4):
            answer = wizard.execute_import(
                list(COLUMNS), list(COLUMNS), {**options, "limit": 2, "skip": skip}
            )
            self.assertEqual(answer["messages"], [])
        self.assertEqual(self._entry("+34611000013").at, datetime(2026, 2, 3))

    def test_what_is_kept_keeps_its_time_as_the_list_told_it(self):
        self.manager.tz = "UTC"
        bad = ["12", "marketing", "opt_out", "03/02/2026", ""]
        good = [OTHER, "marketing", "opt_out", "25/01/2026", ""]
        self._load(bad, good, skips=True)
        kept = self.env["waba.consent.rejected"].search([])
        self.assertEqual(kept.at, "2026-02-03 00:00:00 UTC")
        kept.number = NUMBER
        kept.with_user(self.manager).action_retry_row()
        self.assertEqual(self._entry().at, datetime(2026, 2, 3))

    def test_words_that_lists_use(self):
        for text, action in {
            "baja": "opt_out", "Unsubscribed": "opt_out", "STOP": "opt_out", "Opted out": "opt_out",
            "désinscrit": "opt_out", "Cancelado": "opt_out", "alta": "opt_in",
            "Subscribed": "opt_in", "suscrita": "opt_in", "abonné": "opt_in",
        }.items():  # fmt: skip
            with self._case(text):
                row = [NUMBER, "publicidad", text, "2026-01-15", "Form at the spring fair"]
                self.assertEqual(self._load(row)["messages"], [])
                entry = self._entry()
                self.assertEqual((entry.action, entry.purpose), (action, "marketing"))
        for text in ("yes", "no", "1", "true", "sí", "maybe", "", "subscribed?no", "n/a"):
            with self._case(text):
                row = [NUMBER, "marketing", text, "2026-01-15", ""]
                answer = self._load(row)
                self.assertIn(f"“{text}” is not a valid", answer["messages"][0]["message"])
                other = [OTHER, "marketing", "baja", "2026-01-15", ""]
                answer = self._load(row, other, skips=True)
                self.assertEqual(answer["ids"], self._entry(OTHER).ids)
                kept = self.env["waba.consent.rejected"].search([])
                self.assertEqual(kept.action or "", text)

    def test_every_row_that_cannot_be_read_is_named_and_nothing_is_taken(self):
        tomorrow = (datetime.now() + timedelta(days=2)).strftime("%Y-%m-%d")
        answer = self._load(
            GOOD,
            ["12", *GOOD[1:]],
            ["", *GOOD[1:]],
            [NUMBER, "ads", *GOOD[2:]],
            [NUMBER, "marketing", "maybe", *GOOD[3:]],
            [NUMBER, "marketing", "opt_in", "last week", "Fair in Madrid"],
            [NUMBER, "marketing", "opt_in", "", "Fair in Madrid"],
            [NUMBER, "marketing", "opt_in", tomorrow, "Fair in Madrid"],
            ["13", "x", "y", "z", ""],
        )
        self.assertIs(answer["ids"], False)
        words = ["“12” is not", "phone number is missing", "“ads” is not a valid",
                 "“maybe” is not a valid",
                 "“last week” is not a date", "date is missing", "in the future",
                 "“13” is not"]  # fmt: skip
        *messages, choice = answer["messages"]
        self.assertEqual(choice["field"], "person_id", "where Odoo's import offers to skip")
        self.assertIn("Rows with errors: 8 of 9.", choice["message"])
        self.assertEqual(len(messages), len(words))
        for index, (message, word) in enumerate(zip(messages, words, strict=True)):
            with self.subTest(word):
                self.assertIn(word, message["message"])
                self.assertEqual(message["record"], index + 3)
                self.assertEqual(message["rows"], {"from": index + 1, "to": index + 1})
                self.assertEqual((message["type"], message["field"]), ("error", False))
        self.assertIn("“y” is not a valid", messages[-1]["message"])
        self.assertFalse(self.env["waba.consent"].search([]))
        self.assertFalse(self.env["waba.consent.rejected"].search([]))

    def test_rows_are_left_out_where_the_manager_chooses_so_and_kept_to_be_corrected(self):
        answer = self._load(["12", *GOOD[1:]], GOOD, skips=True, skipped=10)
        self.assertEqual(answer["ids"], self._entry().ids)
        self.assertEqual(answer["messages"], [])
        kept = self.env["waba.consent.rejected"].search([])
        self.assertEqual((kept.number, kept.origin), ("12", "Row 12 of “fair.csv”"))
        self.assertIn("“12” is not", kept.fault)
        self._load(["12", *GOOD[1:]], GOOD, skips=True, skipped=10)
        self.assertEqual(len(self.env["waba.consent.rejected"].search([])), 1)

        mine = kept.with_user(self.manager)
        mine.action_retry_row()
        self.assertTrue(mine.active)
        mine.number = OTHER
        mine.action_retry_row()
        self.assertFalse(mine.active)
        self.assertEqual(mine.consent_id, self._entry(OTHER))
        self.assertEqual(self._person(OTHER).marketing_state, "opted_in")
        self.assertIn("Row 12", self._entry(OTHER).evidence)

    def test_a_list_of_nothing_but_wrong_rows_is_refused_even_so(self):
        answer = self._load(["12", *GOOD[1:]], skips=True)
        self.assertIs(answer["ids"], False)
        self.assertIn("“12” is not", answer["messages"][0]["message"])

    def test_columns_that_are_missing_are_named(self):
        answer = self._load([NUMBER, "opt_in"], columns=["person_id", "action"])
        self.assertIs(answer["ids"], False)
        self.assertIn(": Consent date", answer["messages"][0]["message"])

    def test_the_same_list_again_changes_nothing(self):
        first, again = self._load(GOOD), self._load(GOOD)
        self.assertEqual(first["ids"], again["ids"])
        self.assertEqual(len(self.env["waba.consent"].search([])), 1)

    def test_an_old_list_undoes_no_newer_word_whatever_the_order_of_its_rows(self):
        self._write("BAJA")
        self._load(GOOD)
        self.assertEqual(self._person().marketing_state, "opted_out")
        early = [OTHER, "marketing", "opt_in", "2026-01-01", "Fair in Madrid"]
        late = [OTHER, "marketing", "opt_out", "2026-02-01", ""]
        for rows in ((early, late), (late, early)):
            with self._case(str(rows)):
                self._load(*rows)
                self.assertEqual(self._person(OTHER).marketing_state, "opted_out")

    def test_a_long_list_comes_in_parts(self):
        ledger = self.env["waba.consent"].with_context(_import_limit=2)
        self.env = ledger.env
        rows = [[f"+3461100000{i}", *GOOD[1:]] for i in range(5)]
        self.assertEqual(self._load(*rows)["nextrow"], 2)
        self.assertEqual(self._load(*rows[4:], skipped=4)["nextrow"], 0)
        self.assertIn("Row 6 of", self._entry("+34611000004").evidence)
        self.assertFalse(self._entry("+34611000002"))

    def test_only_a_manager_imports(self):
        for user in (self.salesperson, self.env.ref("base.user_admin")):
            user.group_ids -= self.env.ref("waba_campaign.waba_group_manager")
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._load(GOOD, user=user)
        self.assertFalse(self.env["waba.consent"].search([]))

    def test_without_odoo_s_import_nobody_loads_entries(self):
        ledger = self.env["waba.consent"].with_user(self.manager)
        answer = ledger.load(list(COLUMNS[1:3]), [GOOD[1:3]])
        self.assertIs(answer["ids"], False)
        self.assertFalse(self.env["waba.consent"].search([]))


class TestForm(ConsentCase):
    SAID = ("marketing", "Newsletter form, /contact", "“Write to me on WhatsApp.” IP 192.0.2.1")

    def _submit(self, number=NUMBER, **values):
        return self.env["waba.recipient"]._opt_in_from_form(number, *self.SAID, **values)

    def test_a_form_is_an_opt_in_with_its_evidence(self):
        answer = self._submit("611 00 00 01")
        entry = answer.entry
        self.assertEqual(answer.error, "")
        self.assertEqual((entry.source, entry.action, entry.number), ("form", "opt_in", NUMBER))
        self.assertEqual(entry.evidence, f"{self.SAID[1]}: {self.SAID[2]}")
        self.assertEqual(self._person().marketing_state, "opted_in")

    def test_submitting_twice_is_harmless(self):
        first = self._submit()
        with freeze_time(datetime.now() + timedelta(minutes=1)):
            self.assertEqual(self._submit().entry, first.entry)
        self.assertEqual(len(self._person().consent_ids), 1)

    def test_a_form_after_an_opt_out_is_a_new_word(self):
        first = self._submit().entry
        with freeze_time(datetime.now() + timedelta(minutes=1)):
            self._person()._set_consent("marketing", "opt_out", "person", "no")
        with freeze_time(datetime.now() + timedelta(minutes=2)):
            self.assertNotEqual(self._submit().entry, first)
        self.assertEqual(self._person().marketing_state, "opted_in")

    def test_a_bad_number_is_said_and_kept(self):
        for number in ("12", "", None, "ana@example.com"):
            with self._case(repr(number)):
                answer = self._submit(number)
                self.assertFalse(answer.entry)
                self.assertIn("phone number", answer.error)
                self._submit(number)
                kept = self.env["waba.consent.rejected"].search([])
                self.assertEqual(kept.number or None, number or None)
                self.assertEqual((kept.source, kept.origin), ("form", self.SAID[1]))
                kept.number = NUMBER
                kept.with_user(self.manager).action_retry_row()
                self.assertEqual(self._person().marketing_state, "opted_in")

    def test_a_form_that_is_taken_later_keeps_its_own_time_wherever_the_manager_is(self):
        self.manager.tz = "America/Mexico_City"
        self.env.user.tz = "Asia/Tokyo"
        with freeze_time("2026-11-02 10:20:30"):
            self._submit("12")
        kept = self.env["waba.consent.rejected"].search([])
        kept.number = NUMBER
        kept.with_user(self.manager).action_retry_row()
        self.assertEqual(self._person().consent_ids.at, datetime(2026, 11, 2, 10, 20, 30))

    def test_it_goes_to_the_company_that_was_asked(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        portfolio = self.env["waba.portfolio"].create({"name": "Its own", "portfolio_uid": "778"})
        self._create_account(waba_uid="99", portfolio_id=portfolio.id, company_id=company.id)
        entry = self._submit(company=company).entry
        self.assertEqual(entry.recipient_id.portfolio_id, portfolio)
        self.assertEqual(self._person().marketing_state, "unknown")


class TestBlacklist(ConsentCase):
    def _listed(self, number=NUMBER):
        return number in self.env["phone.blacklist"].search([]).mapped("number")

    def _later(self, minutes):
        return self.now + timedelta(minutes=minutes)

    def test_it_is_fed_only_where_a_company_wants_it(self):
        self._write("BAJA")
        self.assertFalse(self._listed())

    def test_an_opt_out_from_promotions_by_any_source_puts_on_and_an_opt_in_takes_off(self):
        self.env.company.waba_feed_blacklist = True
        for source in ("reply", "form", "import", "whatsapp", "refused", "person"):
            with self._case(source):
                person = self._person()
                person._set_consent("marketing", "opt_out", source, "no", at=self.now)
                self.assertTrue(self._listed())
                person._set_consent("marketing", "opt_in", "reply", "yes", at=self._later(1))
                self.assertFalse(self._listed())

    def test_service_messages_and_late_words_do_not_feed_it(self):
        self.env.company.waba_feed_blacklist = True
        person = self._person()
        person._set_consent("utility", "opt_out", "person", "no")
        person._set_consent("marketing", "opt_in", "person", "yes", at=self.now)
        person._set_consent("marketing", "opt_out", "reply", "no", at=self._later(-9))
        self.assertFalse(self._listed())

    def test_what_somebody_else_listed_stays(self):
        self.env.company.waba_feed_blacklist = True
        blacklist = self.env["phone.blacklist"]
        cases = {
            "before us": (lambda: blacklist.add(NUMBER), lambda: None),
            "after us": (lambda: None, lambda: blacklist.add(NUMBER)),
            "taken off and put on again": (
                lambda: None, lambda: (blacklist.remove(NUMBER), blacklist.add(NUMBER)),
            ),
        }  # fmt: skip
        for name, (before, after) in cases.items():
            with self._case(name):
                before()
                person = self._person()
                person._set_consent("marketing", "opt_out", "person", "no", at=self.now)
                after()
                person._set_consent("marketing", "opt_in", "person", "yes", at=self._later(1))
                self.assertTrue(self._listed())

    def test_a_number_that_odoo_cannot_list_stops_nothing(self):
        self.env.company.waba_feed_blacklist = True
        person = self._person("+3499")
        person._set_consent("marketing", "opt_out", "person", "no")
        self.assertEqual(person.marketing_state, "opted_out")
        self.assertFalse(self._listed("+3499"))
