"""Tracked addresses: what they look like, and which requests are a person's."""

import string
import unittest

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import links

TOKEN = "abcdEFGH0123_-xy"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile"
CODES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=32)
TOKENS = st.text(string.ascii_letters + string.digits + "_-", min_size=16, max_size=16)


class TestSuffix(unittest.TestCase):
    @given(CODES, TOKENS)
    def test_what_is_joined_comes_apart_again(self, code, token):
        self.assertEqual(links.split_suffix(links.suffix(code, token)), (code, token))

    @given(st.text(max_size=60))
    def test_any_text_comes_apart_or_is_none_of_ours(self, text):
        code, token = links.split_suffix(text)
        self.assertIn(text, (f"{code}-{token}",) if code else (text,))
        self.assertEqual(bool(code), bool(token))

    def test_none_of_ours(self):
        for text in ("", None, "abc", "autumn-offer", f"a/b-{TOKEN}", f"-{TOKEN}", f"abc-{TOKEN}x",
                     f"abc-{TOKEN}\n", "abc-" + "ñ" * 16):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(links.split_suffix(text), ("", ""))

    def test_what_would_not_come_apart_is_refused(self):
        for code, token in [("a-b", TOKEN), ("", TOKEN), ("abc", "short"), ("abc", TOKEN + "x")]:
            with self.subTest(code=code, token=token), self.assertRaises(ValueError):
                links.suffix(code, token)


class TestIsClick(unittest.TestCase):
    PEOPLE = (
        PHONE,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        # A page opened inside the app.
        PHONE + " [FBAN/WhatsApp;FBAV/2.26] WhatsApp/2.26.40",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        # "Cubot" makes phones.
        "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/140.0 Mobile",
    )
    PREVIEWS = (
        "WhatsApp/2.26.40.70 A", "WhatsApp/2.23.18.78 i", "facebookexternalhit/1.1",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "meta-externalagent/1.1", "meta-externalfetcher/1.1", "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (X11) HeadlessChrome/140.0", "curl/8.5.0", "python-requests/2.32", "",
    )  # fmt: skip

    def test_people(self):
        for agent in self.PEOPLE:
            with self.subTest(agent):
                self.assertTrue(links.is_click("GET", agent, ["", None]))

    def test_previews(self):
        for agent in self.PREVIEWS:
            with self.subTest(agent):
                self.assertFalse(links.is_click("GET", agent))

    def test_a_browser_that_only_looks_ahead(self):
        for purpose in ("prefetch", "prefetch;prerender", "preview", "Prefetch"):
            with self.subTest(purpose):
                self.assertFalse(links.is_click("GET", PHONE, ["", purpose]))
        for method in ("HEAD", "OPTIONS", "POST"):
            with self.subTest(method):
                self.assertFalse(links.is_click(method, PHONE))


class TestAddresses(unittest.TestCase):
    def test_our_own_short_address(self):
        ours = "https://shop.example"
        for address, expected in {
            "https://shop.example/r/{{1}}": True,
            "https://shop.example/waba/r/{{1}}": True,
            "https://SHOP.example/r/{{ 1 }}": True,
            "http://shop.example/r/{{1}}": True,
            "https://shop.example:8069/r/{{1}}": False,
            "https://other.example/r/{{1}}": False,
            "https://shop.example.evil.example/r/{{1}}": False,
            "https://shop.example/r/x{{1}}": False,
            "https://shop.example/r/{{1}}/more": False,
            "https://shop.example/{{1}}": False,
            "/r/{{1}}": False,
            "": False,
            None: False,
        }.items():
            with self.subTest(address):
                self.assertEqual(links.leads_to_us(address, ours), expected)
        self.assertTrue(links.leads_to_us("https://localhost:8069/r/{{1}}", "http://localhost:8069"))
        self.assertFalse(links.leads_to_us("https://shop.example/r/{{1}}", ""))

    def test_targets(self):
        for address, expected in {
            "https://shop.example/sofas?u=1#top": True,
            "http://shop.example": True,
            " https://shop.example ": True,
            "shop.example": False,
            "javascript:alert(1)": False,
            "https://": False,
            "https://localhost/x": False,
            "http://[": False,
            "": False,
            None: False,
        }.items():
            with self.subTest(address):
                self.assertEqual(links.is_target(address), expected)
