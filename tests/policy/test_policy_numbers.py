"""One person, several spellings of one number; different people never become one."""

import re

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import numbers
from odoo.addons.waba_campaign.policy.numbers import (
    canonical_number,
    forms_by_number,
    number_forms,
    sending_number,
)

from ..pure import PureCase

# {the one number: ways to write it that may stand in an address book, a blacklist or a webhook}
PEOPLE = {
    "+525512345678": ["+5215512345678"],
    "+5511987654321": ["+551187654321"],
    "+5541987654321": ["+554187654321"],
    "+5491123456789": ["+541123456789", "+54111523456789", "+549111523456789"],
    "+5493511234567": ["+543511234567", "+54351151234567", "+549351151234567"],
    "+5492966123456": ["+542966123456", "+54296615123456"],
    "+2250102030405": ["+22502030405"],
    "+2250743123456": [],
    "+2250143123456": ["+22543123456"],
    "+2250544123456": ["+22544123456"],
    "+2250707123456": ["+22507123456"],
    "+2250797123456": ["+22597123456"],
    "+2290197123456": ["+22997123456"],
    "+2290161234567": ["+22961234567"],
}
ALONE = (
    "+34600000001", "+14155550123", "+551132654321", "+5511232654321", "+5255123456789",
    "+540800123456", "+5411234567", "+541123456789012", "+22520304050",
    "+2252720304050", "+225071234567", "+22913123456", "+229019712345", "+2290113123456",
    "+33612345678", "+2254", "+54", "+", "",
)  # fmt: skip
CODES = sorted(numbers.COUNTRIES)
DIGITS = st.text("0123456789", min_size=5, max_size=13)
STARTS = ["+52", "+521", "+54", "+549", "+5411", "+549351", "+55", "+225", "+22507"]
STARTS += ["+229", "+34", "+1"]
ANY = st.builds(str.__add__, st.sampled_from(STARTS), DIGITS)


def example_of(region):
    return phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)


# Some islands have no mobile numbers of their own.
REGIONS = sorted(region for region in phonenumbers.SUPPORTED_REGIONS if example_of(region))


def a_mobile(region):
    """A valid mobile number of a region, E.164."""
    example = example_of(region)
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


class TestNumbers(PureCase):
    def test_every_spelling_is_the_same_person(self):
        for number, others in PEOPLE.items():
            for form in (number, *others):
                with self.subTest(form):
                    self.assertEqual(canonical_number(form), number)
                    self.assertLessEqual({number, *others}, set(number_forms(form)))
                    self.assertEqual(number_forms(form)[0], number)

    def test_everybody_else_is_alone(self):
        for number in ALONE:
            with self.subTest(number):
                self.assertEqual(
                    (canonical_number(number), number_forms(number)), (number, (number,))
                )

    def test_people_are_not_confused(self):
        every = [form for number, others in PEOPLE.items() for form in (number, *others)]
        self.assertEqual(len(every), len(set(every)))
        self.assertEqual({canonical_number(form) for form in every}, set(PEOPLE))

    @given(ANY)
    def test_a_second_time_changes_nothing(self, number):
        self.assertEqual(canonical_number(canonical_number(number)), canonical_number(number))

    @given(ANY)
    def test_whoever_is_a_spelling_of_somebody_is_so_both_ways(self, number):
        forms = number_forms(number)
        self.assertIn(number, forms)
        for form in forms:
            self.assertEqual(set(number_forms(form)), set(forms))
            self.assertEqual(canonical_number(form), forms[0])

    @given(st.sampled_from(REGIONS), st.integers(0, 9999))
    def test_valid_numbers_of_other_countries_are_left_alone(self, region, ending):
        number = a_mobile(region)[:-4] + f"{ending:04d}"
        if not number.startswith(tuple(CODES)):
            self.assertEqual(number_forms(number), (number,))

    @given(
        st.sampled_from(["MX", "AR", "BR", "CI", "BJ"]),
        st.integers(0, 99999),
        st.integers(0, 99999),
    )
    def test_two_valid_mobiles_never_become_one(self, region, one, other):
        stem = a_mobile(region)[:-5]
        first, second = f"{stem}{one:05d}", f"{stem}{other:05d}"
        self.assertEqual(canonical_number(first) == canonical_number(second), first == second)
        self.assertEqual(
            canonical_number(first), first, "what phonenumbers calls mobile is the one form"
        )

    @given(st.sampled_from(CODES), st.text("0123456789", min_size=6, max_size=12))
    def test_the_one_number_is_longer_or_the_same_country(self, code, rest):
        self.assertTrue(canonical_number(code + rest).startswith(code))

    def test_all_forms_lead_back_to_what_was_asked(self):
        self.assertEqual(
            forms_by_number(["+541123456789", "+34600000001", "", None]),
            dict.fromkeys(number_forms("+541123456789"), "+541123456789")
            | {"+34600000001": "+34600000001"},
        )

    def test_the_number_that_is_written_to(self):
        cases = [
            ("+2250707123456", "+22507123456", "+22507123456"),
            ("+2290197123456", "+22997123456", "+22997123456"),
            ("+2250707123456", None, "+2250707123456"),
            ("+2250707123456", "+22508123456", "+2250707123456"),
            ("+5491123456789", "+541123456789", "+5491123456789"),
            ("+525512345678", "+5215512345678", "+525512345678"),
            ("+5511987654321", "+551187654321", "+5511987654321"),
            ("+34600000001", "+34600000002", "+34600000001"),
            ("", "+22507123456", ""),
        ]
        for number, wa_number, expected in cases:
            with self.subTest(number=number, wa_number=wa_number):
                self.assertEqual(sending_number(number, wa_number), expected)

    def test_old_spellings_as_people_type_them(self):
        for text, expected in {
            "+52 1 55 1234 5678": "+525512345678", "0052 1 (55) 1234-5678": "+525512345678",
            "+225 07 12 34 56": "+2250707123456", "+229 97.12.34.56": "+2290197123456",
            "+54 11 15 2345-6789": "+5491123456789", "+55 (11) 8765-4321": "+5511987654321",
            "+525512345678": "", "55 1234 5678": "", "+34 600 000 001": "", "": "",
            "ana": "", "+": "",
        }.items():  # fmt: skip
            with self.subTest(text):
                self.assertEqual(numbers.read_old_spelling(text), expected)

    def test_patterns_are_what_sql_reads_as_well(self):
        for code, country in numbers.COUNTRIES.items():
            for pattern, replacement in country.rewritten.items():
                with self.subTest(pattern):
                    self.assertTrue(pattern.startswith("\\" + code))
                    self.assertNotRegex(pattern, r"\(\?(?!:)")
                    self.assertNotRegex(re.sub(r"\\g<1>|\\[12]", "", replacement), r"\\")
