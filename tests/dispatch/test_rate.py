"""The rate card: what a message costs, and its import."""

import csv
from datetime import datetime

from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase

from ..common import ROOT

NOW = datetime(2026, 11, 27, 12)
COLUMNS = ["market", "country_ids", "category", "amount", "currency_id", "valid_from"]


class TestRate(TransactionCase):
    def setUp(self):
        super().setUp()
        self.rates = self.env["waba.rate"]

    def _rate(self, market, amount, countries=(), **values):
        return self.rates.create(
            {
                "market": market,
                "amount": amount,
                "valid_from": "2026-10-01",
                "country_ids": self.env["res.country"].search([("code", "in", countries)]).ids,
                **values,
            }
        )

    def _price(self, country, category="marketing", at=NOW, company=None):
        amount, currency = self.rates._rate_card(company or self.env.company)(country, category, at)
        return amount, currency and currency.name

    def test_without_a_card_there_is_no_price(self):
        self.assertEqual(self._price("ES"), (None, None))

    def test_a_price_is_the_countrys_or_the_regions_or_the_rests(self):
        usd = self.env.ref("base.USD")
        self._rate("Spain", 0.06, ["ES"], currency_id=usd.id)
        self._rate("Iberia", 0.07, ["ES", "PT"], currency_id=usd.id)
        self._rate("Everywhere else", 0.08, currency_id=usd.id)
        for country, amount in [("ES", 0.06), ("PT", 0.07), ("FR", 0.08), ("", 0.08)]:
            with self.subTest(country):
                self.assertEqual(self._price(country), (amount, "USD"))

    def test_a_new_price_counts_from_its_day_on(self):
        self._rate("Spain", 0.06, ["ES"])
        self._rate("Spain", 0.09, ["ES"], valid_from="2027-01-01")
        self.assertEqual(self._price("ES")[0], 0.06)
        self.assertEqual(self._price("ES", at=datetime(2027, 1, 1))[0], 0.09)
        self.assertEqual(self._price("ES", at=datetime(2026, 9, 30))[0], None)

    def test_a_companys_card_is_not_anothers_and_a_shared_one_is_everybodys(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._rate("Spain", 0.06, ["ES"])
        self.assertEqual(self._price("ES", company=other), (None, None))
        self._rate("Spain", 0.05, ["ES"], company_id=False)
        self.assertEqual(self._price("ES", company=other)[0], 0.05)
        self.assertEqual(self._price("ES")[0], 0.06)

    def test_six_digits_behind_the_point_are_kept(self):
        self._rate("Colombia", 0.000812, ["CO"])
        self.env.invalidate_all()
        self.assertEqual(self._price("CO")[0], 0.000812)

    def test_a_price_must_be_one_and_not_twice(self):
        words = "Spain: the price must be above 0"
        with self.assertRaisesRegex(ValidationError, words), self.cr.savepoint():
            self._rate("Spain", 0, ["ES"])
        self._rate("Spain", 0.06, ["ES"])
        with self.assertRaisesRegex(ValidationError, "already has a rate for this category"):
            self._rate("España", 0.07, ["ES"])


class TestImport(TransactionCase):
    def _load(self, *rows):
        return self.env["waba.rate"].load(COLUMNS, [list(row) for row in rows])

    def test_a_card_in_several_currencies_is_imported(self):
        inactive = self.env["res.currency"].with_context(active_test=False)
        inactive = inactive.search([("name", "=", "INR")])
        inactive.active = False
        found = self._load(
            ("Spain", "ES", "Promotion", "0.0615", "EUR", "2026-10-01"),
            ("Iberia", "ES, Portugal", "utility", "0.02", "USD", "2026-10-01"),
            ("India", "IN", "Code", "0.1153", "INR", "2026-10-01"),
            ("Everywhere else", "", "Promotion", "0.06", "USD", "2026-10-01"),
        )
        self.assertFalse(found["messages"])
        spain, iberia, india, rest = self.env["waba.rate"].browse(found["ids"])
        self.assertEqual(spain.currency_id.name, "EUR")
        self.assertEqual(sorted(iberia.country_ids.mapped("code")), ["ES", "PT"])
        self.assertEqual((india.category, india.currency_id), ("authentication", inactive))
        self.assertFalse(rest.country_ids)

    def test_bad_rows_are_named(self):
        good = ("Spain", "ES", "Promotion", "0.0615", "EUR", "2026-10-01")
        for name, bad in {
            "country": ("X", "Nowhere land", "Promotion", "0.06", "EUR", "2026-10-01"),
            "category": ("X", "PT", "Party", "0.06", "EUR", "2026-10-01"),
            "amount": ("X", "PT", "Promotion", "six", "EUR", "2026-10-01"),
            "currency": ("X", "PT", "Promotion", "0.06", "Taler", "2026-10-01"),
            "date": ("X", "PT", "Promotion", "0.06", "EUR", "soon"),
            "nothing to pay": ("X", "PT", "Promotion", "0", "EUR", "2026-10-01"),
        }.items():
            with self.subTest(name):
                found = self._load(good, bad)
                self.assertFalse(found["ids"])
                told = found["messages"]
                self.assertEqual({message["type"] for message in told}, {"error"})
                self.assertEqual(told[-1]["record"], 1)
                self.assertTrue(name != "nothing to pay" or told[-1]["message"].startswith("X:"))

    def test_a_day_that_may_be_two_is_named_and_one_that_the_list_proves_is_read(self):
        columns = ["market", "country_ids", "category", "amount", "currency_id", "valid_from"]
        spain = ["Spain", "ES", "Promotion", "0.05", "EUR"]
        kenya = ["Kenya", "KE", "Promotion", "0.06", "EUR"]
        for dates, expected in (
            (["01/10/2026", "01/10/2026"], None),
            (["01/10/2026", "25/10/2026"], "2026-10-01"),
            (["01/10/2026", "10/25/2026"], "2026-01-10"),
            (["2026-10-01", "2026-10-25"], "2026-10-01"),
        ):
            with self.subTest(dates):
                lines = [columns, [*spain, dates[0]], [*kenya, dates[1]]]
                wizard = self.env["base_import.import"].create(
                    {"res_model": "waba.rate", "file_name": "card.csv", "file_type": "text/csv",
                     "file": "\n".join(",".join(line) for line in lines) + "\n"}
                )  # fmt: skip
                options = {"quoting": '"', "separator": ",", "has_headers": True,
                           "encoding": "utf-8", "float_decimal_separator": ".",
                           "float_thousand_separator": ","}  # fmt: skip
                # As the import screen does: it looks for a format that fits all rows.
                wizard._try_match_date_time(dates, options)
                answer = wizard.execute_import(list(columns), list(columns), options)
                if expected:
                    self.assertEqual(answer["messages"], [])
                    [rate] = self.env["waba.rate"].browse(answer["ids"])[0]
                    self.assertEqual(str(rate.valid_from), expected)
                    self.env["waba.rate"].browse(answer["ids"]).unlink()
                else:
                    [message] = answer["messages"]
                    self.assertIn("“01/10/2026” may be two days", message["message"])
                    self.assertFalse(answer.get("ids"))

    def test_the_template_has_our_columns_and_no_prices(self):
        [template] = self.env["waba.rate"].get_import_templates()
        path = template["template"].removeprefix("/waba_campaign/")
        with (ROOT / path).open(newline="") as file:
            rows = list(csv.DictReader(file))
        labels = {field.string for field in self.env["waba.rate"]._fields.values()}
        self.assertLessEqual(set(rows[0]), labels)
        self.assertEqual({row["Price per message"] for row in rows}, {"0"})
