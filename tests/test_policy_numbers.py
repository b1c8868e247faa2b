import unittest

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy.numbers import e164_of


class TestNumbers(unittest.TestCase):
    def test_whatsapp_and_e164_forms_meet(self):
        cases = [
            ("+5215512345678", "+525512345678", "Mexico with the old mobile 1"),
            ("+525512345678", "+525512345678", "Mexico as it is now"),
            ("+551187654321", "+5511987654321", "Brazil without the mobile 9"),
            ("+5511987654321", "+5511987654321", "Brazil as it is now"),
            ("+551132654321", "+551132654321", "a Brazilian landline"),
            ("+34600000001", "+34600000001", "anywhere else"),
            ("+521551234567", "+521551234567", "too short for the old form"),
            ("", "", "no number"),
        ]
        for number, expected, why in cases:
            with self.subTest(why):
                self.assertEqual(e164_of(number), expected)

    @given(st.from_regex(r"\+(52|55|34)\d{6,12}", fullmatch=True))
    def test_a_second_time_changes_nothing(self, number):
        self.assertEqual(e164_of(e164_of(number)), e164_of(number))
