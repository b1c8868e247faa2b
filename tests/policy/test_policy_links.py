"""Tracked addresses: what they look like, and which requests are a person's."""

import string

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import links

from ..pure import PureCase

TOKEN = "abcdEFGH0123_-xy"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
CODES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=32)
TOKENS = st.text(string.ascii_letters + string.digits + "_-", min_size=16, max_size=16)


class TestSuffix(PureCase):
    @given(CODES, TOKENS)
    def test_what_is_joined_comes_apart_again(self, code, token):
        self.assertEqual(links.split_suffix(links.link_suffix(code, token)), (code, token))

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
                links.link_suffix(code, token)


class TestIsClick(PureCase):
    PEOPLE = (
        PHONE,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        # A page opened inside WhatsApp, Facebook, Instagram, Google's app, LinkedIn.
        PHONE + " [FBAN/WhatsApp;FBAV/2.26] WhatsApp/2.26.40",
        PHONE + " WhatsApp/2.26.40.70 A",
        IPHONE + " [FBAN/FBIOS;FBAV/465.0.0.38;FBDV/iPhone14,5;FBLC/es_ES]",
        "Mozilla/5.0 (Linux; Android 12; moto g(60)s Build/S3RLS32; wv) AppleWebKit/537.36 "
        "Version/4.0 Chrome/125.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/465.0.0.0;]",
        IPHONE + " Instagram 331.0.0.37.90 (iPhone14,5; iOS 17_5; es_ES; scale=3.00)",
        IPHONE + " GSA/280.3.557627866 Safari/604.1", IPHONE + " LinkedInApp",
        IPHONE + " Snapchat/12.4 (like Safari/8613)", IPHONE + " CriOS/140 Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 "
        "Edg/140.0",
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/138.0 Safari/537.36",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)",
        # Old and small phones, and makers whose names sound like machines.
        "Mozilla/5.0 (Linux; U; Android 2.3.6; en-us; GT-S5360 Build/GINGERBREAD) "
        "AppleWebKit/533.1 Version/4.0 Mobile Safari/533.1",
        "Mozilla/5.0 (Linux; Android 4.4.2; SM-G900F Build/KOT49H) AppleWebKit/537.36 Chrome/30.0",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        "UCWEB/2.0 (MIDP-2.0; U; Adr 9; en-US; RMX1945) U2/1.0.0 UCBrowser/10.9 U2/1.0.0 Mobile",
        "Mozilla/5.0 (Mobile; LYF/F90M/LYF-F90M; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        "BlackBerry9700/5.0.0.862 Profile/MIDP-2.1", "Nokia6100/1.0 (04.01) Profile/MIDP-1.0",
        "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/140.0 Mobile",
        "Mozilla/5.0 (Linux; Android 9; Cubot_X19) AppleWebKit/537.36 Chrome/99 Mobile",
    )  # fmt: skip
    MACHINES = (
        # Previews.
        "WhatsApp/2.26.40.70 A", "WhatsApp/2.23.18.78 i", "WhatsApp/2.2401.2 W", "WhatsApp",
        "facebookexternalhit/1.1", "facebookcatalog/1.0",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "meta-externalagent/1.1", "meta-externalfetcher/1.1", "TelegramBot (like TwitterBot)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Twitterbot/1.0",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient)", "Signal/7.1",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", "Iframely/1.3.1",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ BingPreview/1.0b",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 (Applebot/0.1)",
        # HTTP libraries.
        "okhttp/4.12.0", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "node", "undici",
        "axios/1.6.0", "got (https://github.com/sindresorhus/got)", "python-requests/2.32",
        "Python-urllib/3.11", "python-httpx/0.27", "Python/3.11 aiohttp/3.9.1", "curl/8.5.0",
        "Wget/1.21", "Go-http-client/2.0", "Java/17.0.2", "Apache-HttpClient/4.5.14 (Java/17)",
        "libwww-perl/6.67", "Ruby", "Faraday v2.7", "GuzzleHttp/7", "PHP/8.2", "Dart/3.2 (dart:io)",
        "PostmanRuntime/7.36", "HTTPie/3.2", "MyApp/1 CFNetwork/1410.0.3 Darwin/22.6.0",
        "reqwest/0.11", "Deno/1.40", "Bun/1.0", "RestSharp/106", "urllib3/2.0.7", "Scrapy/2.11",
        "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)", "Dalvik/2.1.0 (Linux; U)",
        # Mail and address scanners.
        "Barracuda Sentinel (EE)", "Mozilla/5.0 (compatible; ProofPoint URL Defense)", "Mimecast",
        "Microsoft Office/16.0 (Microsoft Outlook 16.0)", "YahooMailProxy", "VirusTotalCloud",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120 urlscan.io",
        "Expanse, a Palo Alto Networks company", "masscan/1.3", "Mozilla/5.0 zgrab/0.x",
        "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
        # Browsers that nobody sits at, and what hides.
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 PhantomJS/1.9 Safari/534.34",
        "Mozilla/5.0 (Linux; Android 11; moto g) AppleWebKit/537.36 Chrome/119 Chrome-Lighthouse",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://o.ai)",
        "Mozilla/5.0", "Mozilla/5.0 (compatible)", "-", "", " ", "x",
    )  # fmt: skip

    def test_people(self):
        for agent in self.PEOPLE:
            with self.subTest(agent):
                self.assertTrue(links.is_click("GET", agent, ["", None]))

    def test_machines(self):
        for agent in self.MACHINES:
            with self.subTest(agent):
                self.assertFalse(links.is_click("GET", agent))

    def test_a_browser_that_only_looks_ahead(self):
        for purpose in ("prefetch", "prefetch;prerender", "preview", "Prefetch"):
            with self.subTest(purpose):
                self.assertFalse(links.is_click("GET", PHONE, ["", purpose]))
        for method in ("HEAD", "OPTIONS", "POST"):
            with self.subTest(method):
                self.assertFalse(links.is_click(method, PHONE))


class TestAddresses(PureCase):
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
                self.assertEqual(links.is_own_address(address, ours), expected)
        self.assertTrue(
            links.is_own_address("https://localhost:8069/r/{{1}}", "http://localhost:8069")
        )
        self.assertFalse(links.is_own_address("https://shop.example/r/{{1}}", ""))

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
                self.assertEqual(links.is_allowed_target(address), expected)
