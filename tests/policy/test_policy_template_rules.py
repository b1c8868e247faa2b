"""The rules for templates: both sides of each, in any script."""

from datetime import datetime, timedelta

from odoo.addons.waba_campaign.policy import template_rules
from odoo.addons.waba_campaign.policy.template_rule_list import RULES, SOURCES, limit_of

from ..pure import PureCase
from ..template_samples import (
    BODY_TEXT,
    CODE,
    IMAGE,
    MARKETING_KINDS,
    PHONE,
    QUICK,
    URL,
    authentication,
    body,
    buttons,
    card,
    carousel,
    footer,
    header,
    named_body,
    offer,
    product_card,
)

NOW = datetime(2026, 11, 29, 12)
# One character of each script, and the UTF-16 units it counts.
CHARACTERS = {
    "a": 1,
    "1": 1,
    "ñ": 1,
    "م": 1,
    "ש": 1,
    "ไ": 1,
    "漢": 1,
    "한": 1,
    "\u0301": 1,
    "😀": 2,
    "𠀋": 2,
}
FAMILY = "👨‍👩‍👧"


def judge(components, **options):
    return template_rules.judge_template(
        components, **{"name": "spring_offer", "language": "es", **options}
    )


def keys(components, level=None, **options):
    found = judge(components, **options)
    return {one.key for one in found if level in (None, one.level)}


def url(address, **others):
    return [body(), buttons({**URL, "url": address, **others})]


class TestKinds(PureCase):
    def test_every_kind_that_is_well_made_has_nothing_to_say(self):
        for kind, components in MARKETING_KINDS.items():
            with self.subTest(kind=kind):
                self.assertEqual(judge(components), [])
        self.assertEqual(judge(authentication(), category="AUTHENTICATION"), [])
        self.assertEqual(judge([named_body()], parameter_format="NAMED", category="utility"), [])

    def test_every_finding_has_its_rule_its_level_and_its_source(self):
        for one in judge([body("{{1}}"), footer(""), header("*x*\n"), buttons()], name=""):
            self.assertEqual(one.level, RULES[one.key].level)
            self.assertRegex(one.source, r"\(\d{4}-\d\d-\d\d\)$")

    def test_any_json_is_judged(self):
        for components in (
            None, [], {}, "x", [None, 1, "x", {}], [{"type": 1}], [{"type": "BODY", "text": {}}],
            [{"type": "BODY", "text": "a {{1}} b c d", "example": {"body_text": [[1]]}}],
            [{"type": "BUTTONS", "buttons": [1, {}, {"type": "URL", "url": 2, "example": 3}]}],
            [{"type": "CAROUSEL", "cards": [1, {"components": [2]}]}],
            [{"type": "LIMITED_TIME_OFFER", "limited_time_offer": 1}],
            [{"type": "HEADER", "format": "TEXT", "text": None, "example": []}],
        ):  # fmt: skip
            for category in ("marketing", "utility", "authentication", None):
                with self.subTest(components=components, category=category):
                    self.assertTrue(template_rules.is_refused(judge(components, category=category)))


class TestLengths(PureCase):
    """The longest text passes, one more UTF-16 unit does not."""

    def _filler(self, character, length):
        units = CHARACTERS[character]
        return character * (length // units) + "x" * (length % units)

    def _check(self, key, build, characters=None):
        limit = limit_of(key)
        for character in characters or CHARACTERS:
            for length in (limit, limit + 1):
                with self.subTest(key=key, character=character, length=length):
                    found = keys(build(self._filler(character, length)), level="error")
                    self.assertEqual(found, {key} if length > limit else set())

    def test_of_each_text(self):
        self._check("body_length", lambda text: [body(text)])
        plain = [character for character in CHARACTERS if character != "😀"]
        self._check("header_length", lambda text: [header(text), body()], plain)
        self._check("footer_length", lambda text: [body(), footer(text)])
        self._check("label_length", lambda text: [body(), buttons({**QUICK, "text": text})], plain)
        self._check("card_body_length", lambda text: carousel(card(text), card(text)))
        self._check("offer_length", offer)
        self._check(
            "offer_body_length",
            lambda text: [part if part["type"] != "BODY" else body(text) for part in offer()],
        )
        self._check("code_length", lambda text: [body(), buttons({**CODE, "example": text})])

    def test_of_addresses_numbers_and_names(self):
        start = "https://a.example/"
        self._check("url_length", lambda text: url(start + text[len(start) :]), "a")
        self._check(
            "phone_length", lambda text: [body(), buttons({**PHONE, "phone_number": text})], "1"
        )
        for length, expected in ((512, set()), (513, {"name_length"})):
            self.assertEqual(keys([body()], name="a" * length), expected)

    def test_what_an_emoji_counts(self):
        text = FAMILY * 8 + "abcd"
        self.assertLess(len(text), 60)
        self.assertEqual(keys([body(), footer(text)], level="error"), {"footer_length"})

    def test_longer_than_some_accounts_may(self):
        self.assertNotIn("body_long", keys([body("a" * 550)]))
        self.assertIn("body_long", keys([body("a" * 551)]))
        self.assertNotIn("body_long", keys([body("a" * 1025)]))
        self.assertEqual(keys([body(f"{FAMILY} stop" * 10)]), set())
        self.assertEqual(keys([body(f"{FAMILY} stop" * 11)]), {"body_emoji"})
        self.assertNotIn("code_long", keys([body(), buttons({**CODE, "example": "A" * 15})]))
        self.assertIn("code_long", keys([body(), buttons({**CODE, "example": "A" * 16})]))


class TestNames(PureCase):
    def test_name(self):
        for name in ("a", "spring_2026", "_", "9"):
            self.assertEqual(keys([body()], name=name), set())
        for name in ("A", "spring offer", "año", "a-b", "a.b", "a\n", "é", "١", "ａ"):
            self.assertEqual(keys([body()], name=name), {"name_characters"})
        for name in ("", None):
            self.assertEqual(keys([body()], name=name), {"name_missing"})

    def test_language(self):
        for language in ("es", "es_MX", "pt_BR", "fil", "zh_HK", "prs_AF"):
            self.assertEqual(keys([body()], language=language), set())
        for language in ("ES", "es-MX", "es_AN", "xx", "en_us", "es "):
            self.assertEqual(keys([body()], language=language), {"language_unknown"})
        self.assertEqual(keys([body()], language=""), {"language_missing"})

    def test_category_and_format(self):
        for category in ("marketing", "UTILITY"):
            self.assertEqual(keys([body()], category=category), set())
        self.assertEqual(keys([body()], category="otp"), {"category_unknown"})
        self.assertEqual(keys([body()], parameter_format="x"), {"format_unknown"})

    def test_other_templates_of_the_account(self):
        other = {"name": "spring_offer", "language": "es", "components": [body("Other words")]}
        self.assertEqual(keys([body()], existing=[other]), {"name_taken"})
        self.assertEqual(keys([body()], existing=[{**other, "language": "fr"}]), set())
        self.assertEqual(keys([body()], existing=[{**other, "name": "other"}]), set())
        # The same words in the same language, under any name.
        same = {"name": "other", "language": "es", "components": [body(), footer("Shop")]}
        self.assertEqual(keys([body(), footer("Shop")], existing=[same]), {"duplicate_content"})
        self.assertEqual(keys([body(), footer("Store")], existing=[same]), set())
        self.assertEqual(keys([body()], existing=[same]), set())
        french = {**same, "language": "fr"}
        self.assertEqual(keys([body(), footer("Shop")], existing=[french]), set())

    def test_a_deleted_name_is_locked_for_thirty_days(self):
        for days, expected in ((0, {"name_locked"}), (29, {"name_locked"}), (30, set())):
            gone = {
                "name": "spring_offer", "language": "fr", "deleted_at": NOW - timedelta(days=days),
            }  # fmt: skip
            self.assertEqual(keys([body()], existing=[gone], now=NOW), expected)


class TestEdits(PureCase):
    CURRENT = {"name": "spring_offer", "language": "es", "category": "MARKETING",
               "status": "APPROVED", "components": [body()]}  # fmt: skip

    def _keys(self, **options):
        current = {**self.CURRENT, **options.pop("current", {})}
        return keys([body()], **{"current": current, "existing": [current], "now": NOW, **options})

    def test_what_stays(self):
        self.assertEqual(self._keys(), set())
        self.assertEqual(self._keys(name="other"), {"name_fixed"})
        self.assertEqual(self._keys(language="fr"), {"language_fixed"})
        self.assertEqual(self._keys(category="utility"), {"category_fixed"})
        for status in ("REJECTED", "PAUSED"):
            self.assertEqual(self._keys(category="utility", current={"status": status}), set())

    def test_only_in_these_states(self):
        for status in ("PENDING", "IN_APPEAL", "DISABLED", "DELETED", ""):
            found = self._keys(current={"status": status})
            self.assertEqual(found, {"status_not_editable"})

    def test_limits(self):
        def edited(*hours):
            return [NOW - timedelta(hours=one) for one in hours]

        day, month = 24, 30 * 24
        self.assertEqual(self._keys(edit_history=edited(day)), set())
        self.assertEqual(self._keys(edit_history=edited(day - 1)), {"edits_per_day"})
        ten = [day * (one + 1) for one in range(10)]
        self.assertEqual(self._keys(edit_history=edited(*ten[:9])), set())
        self.assertEqual(self._keys(edit_history=edited(*ten)), {"edits_per_month"})
        self.assertEqual(self._keys(edit_history=edited(*ten[:9], month)), set())
        rejected = {"status": "REJECTED"}
        self.assertEqual(self._keys(edit_history=edited(1, *ten), current=rejected), set())

    def test_when_it_can_be_edited_again(self):
        history = [NOW - timedelta(hours=5)]
        found = judge([body()], current=self.CURRENT, edit_history=history, now=NOW)
        self.assertEqual(found[0].figures["until"], NOW + timedelta(hours=19))


class TestVariables(PureCase):
    def _body(self, text, *samples):
        return keys([body(text, *(samples or ("a", "b", "c")[: text.count("{{")]))])

    def test_edges(self):
        around = "Dear {} we have good news for you, STOP ends it"
        self.assertEqual(self._body(around.format("{{1}}")), set())
        for text in ("{{1}} is what we have for you, STOP", " \n{{1}} is what we have, STOP",
                     "STOP or what we have is {{1}}", "STOP or we have {{1}} \n"):  # fmt: skip
            self.assertEqual(self._body(text), {"variable_edge"}, text)
        for text in ("STOP or what we have is {{1}}.", "¡{{1}}, this is for you, STOP!",
                     "\u200f{{1}}, this is for you, STOP!"):  # fmt: skip
            self.assertEqual(self._body(text), {"variable_edge_mark"}, text)

    def test_side_by_side(self):
        text = "Dear {{1}}%s{{2}}, we have very good news for you today, STOP"
        for between in ("", " ", "\n"):
            self.assertEqual(self._body(text % between), {"variable_adjacent"})
        self.assertEqual(self._body(text % " and "), set())

    def test_numbers(self):
        text = "One {{%s}} two three {{%s}} four five six {{%s}} seven eight STOP"
        for numbers in ((1, 2, 3), (3, 1, 2)):
            self.assertEqual(self._body(text % numbers), set())
        for numbers, missing in (
            ((1, 2, 4), "3"),
            ((2, 3, 4), "1"),
            ((0, 1, 2), "3"),
            (("01", 2, 3), "1"),
        ):
            found = judge([body(text % numbers, "a", "b", "c")])
            self.assertEqual([one.key for one in found], ["variable_skipped"])
            self.assertEqual(found[0].figures["name"], missing)

    def test_names(self):
        def named(name):
            text = f"Dear {{{{{name}}}}}, this is for you today, STOP"
            return keys([named_body(text, **{name: "Ana"})], parameter_format="named")

        for name in ("first_name", "a", "x1", "_"):
            self.assertEqual(named(name), set(), name)
        for name in ("firstName", "NAME", "1a"):
            self.assertEqual(named(name), {"variable_name"}, name)
        self.assertEqual(named("1"), {"variable_mixed"})
        for name in ("first-name", "año", "first name", "a.b", "price$"):
            self.assertIn("variable_malformed", named(name), name)
        self.assertIn("variable_mixed", self._body("Dear {{name}}, this is for you, STOP"))

    def test_braces(self):
        for broken in ("{{ 1 }}", "{{1}", "{1}}", "{{}}", "{{１}}", "{{1", "{{{1}}}}"):
            found = keys([body(f"Dear {broken}, this is for you today, STOP", "a")])
            self.assertIn("variable_malformed", found, broken)
        for other in ("{1}", "[[name]]", "%1"):
            found = self._body(f"Dear {other}, this is for you today, STOP")
            self.assertEqual(found, {"text_braces"}, other)

    def test_words_for_each(self):
        for text, expected in (
            ("STOP a {{1}} b", set()),
            ("a {{1}} STOP", {"variable_ratio"}),
            ("STOP a {{1}} b {{2}} c d", set()),
            ("STOP a {{1}} b {{2}} c", {"variable_ratio"}),
            # A mark or an emoji is no word; a sign is one where words have no blanks.
            ("STOP - {{1}} ! 😀 b", {"variable_ratio"}),
            ("您好{{1}}，您的订单{{2}}已发货。STOP", set()),
            ("สวัสดี {{1}} ครับ STOP", set()),
            ("مرحبا {{1}} لديك طلب جديد STOP", set()),
        ):
            self.assertEqual(self._body(text), expected, text)

    def test_samples(self):
        def judged(example, text=BODY_TEXT, **options):
            return keys([{"type": "BODY", "text": text, "example": example}], **options)

        self.assertEqual(judged({"body_text": [["Ana", "A1"]]}), set())
        for example in ({}, None, {"body_text": []}, {"body_text": ["Ana", "A1"]},
                        {"body_text": [["Ana"]]}, {"body_text": [["Ana", " "]]}):  # fmt: skip
            self.assertEqual(judged(example), {"sample_missing"}, example)
        self.assertEqual(judged({"body_text": [["Ana", "A1", "x"]]}), {"sample_unexpected"})
        one = "Dear {{1}}, this is for you today, STOP"
        self.assertEqual(judged({"body_text": ["Ana"]}, one), set())
        self.assertEqual(judged({"body_text": "Ana"}, one), {"sample_missing"})
        found = judge([body("Uno {{2}} dos tres {{1}} cuatro cinco STOP", "a", "")])
        self.assertEqual(found[0].figures["name"], "2")
        self.assertEqual(judged({"body_text": [["x"]]}, "No variable, STOP"), {"sample_unexpected"})
        self.assertEqual(keys([header("Our {{1}} is on!"), body()]), {"sample_missing"})
        self.assertEqual(keys([header("Our {{1}} is on!", "sale"), body()]), set())
        one = named_body(first_name="Ana")
        self.assertEqual(keys([one], parameter_format="named"), {"sample_missing"})


class TestTexts(PureCase):
    def test_header(self):
        for text, expected in (
            ("Our {{1}} is on", set()),
            ("Our {{1}} is {{2}} on", {"header_variables"}),
            ("{{1}} is on", {"header_edge"}),
            ("Our\n{{1}} is on", {"header_break"}),
            ("Our {{1}} is on 😀", {"header_emoji"}),
            ("Our *{{1}}* is on", {"header_markup"}),
            ("Our _great_ {{1}} is on", {"header_markup"}),
            ("Our snake_case {{1}} is on", {"header_markup"}),
        ):
            samples = ("a", "b")[: text.count("{{")]
            self.assertEqual(keys([header(text, *samples), body()]), expected, text)
        self.assertEqual(keys([header(" "), body()]), {"text_missing"})
        self.assertEqual(keys([{**IMAGE, "format": "GIF"}, body()]), {"header_gif"})
        self.assertEqual(keys([{**IMAGE, "format": "AUDIO"}, body()]), {"header_format"})
        for example in ({}, {"header_handle": []}, {"header_handle": [""]}, None):
            self.assertEqual(keys([{**IMAGE, "example": example}, body()]), {"header_sample"})

    def test_body_and_footer(self):
        for text in ("", " \n", None):
            self.assertEqual(keys([{"type": "BODY", "text": text}], "error"), {"body_missing"})
        self.assertEqual(keys([footer("x")], "error"), {"body_missing"})
        self.assertEqual(keys([body(), footer("")]), {"text_missing"})
        self.assertEqual(keys([body(), footer("a {{1}}")]), {"footer_variables"})
        self.assertEqual(keys([body(), footer("a {{ 1 }}")]), {"variable_malformed"})
        self.assertEqual(keys([body(), footer("a\nb")]), {"footer_break"})
        self.assertEqual(keys([body(), footer("a 😀")]), {"footer_emoji"})
        for blanks in ("\n", "\r\n", " ", "\t"):
            self.assertEqual(keys([body(f"STOP{blanks * 3}x")]), set())
            self.assertEqual(keys([body(f"STOP{blanks * 4}x")]), {"body_blanks"})

    def test_components(self):
        self.assertEqual(keys([body(), body()]), {"component_repeated"})
        self.assertEqual(keys([body(), {"type": "SIDEBAR"}]), {"component_unknown"})


class TestButtons(PureCase):
    def _keys(self, *some, **options):
        return keys([body(), buttons(*some)], **options)

    def test_how_many(self):
        def several(count):
            return [{**QUICK, "text": f"Stop {number}"} for number in range(count)]

        self.assertEqual(self._keys(*several(10)), set())
        self.assertEqual(self._keys(*several(11)), {"buttons_count"})
        self.assertEqual(self._keys(), {"buttons_missing"})
        for button, most, key in (
            (URL, 2, "button_urls"), (PHONE, 1, "button_phones"), (CODE, 1, "button_codes"),
        ):  # fmt: skip
            some = [{**button, "text": f"Label {number}"} for number in range(most + 1)]
            self.assertEqual(self._keys(*some[:-1]), set())
            self.assertEqual(self._keys(*some), {key})

    def test_quick_replies_together(self):
        other = {**QUICK, "text": "Other"}
        for some in ((QUICK, other, URL), (URL, QUICK, other), (PHONE, QUICK, other, URL)):
            self.assertEqual(self._keys(*some), set())
        self.assertEqual(self._keys(QUICK, URL, other), {"quick_replies_split"})

    def test_labels(self):
        for label, expected in (
            ("", {"label_missing"}), ("  ", {"label_missing"}), ("Stop {{1}}", {"label_variables"}),
            ("Stop\nit", {"label_break"}), ("Stop 😀", {"label_emoji"}), ("إيقاف", set()),
            ("*Stop*", {"label_markup"}),
        ):  # fmt: skip
            self.assertEqual(self._keys({**QUICK, "text": label}), expected, label)
        self.assertEqual(self._keys(QUICK, QUICK), {"label_duplicate"})
        flow = {"type": "FLOW", "flow_id": "1", "text": "y" * 20}
        self.assertEqual(self._keys(flow), set())
        self.assertEqual(self._keys({**flow, "text": "y" * 21}), {"flow_label"})
        self.assertEqual(self._keys({**flow, "flow_id": ""}), {"flow_missing"})

    def test_addresses(self):
        for address in ("https://a.example", "http://a.example/x?y=1#z", "HTTPS://A.EXAMPLE:8443/",
                        "https://пример.рф/x", "https://192.0.2.1/x"):  # fmt: skip
            self.assertEqual(keys(url(address)), set(), address)
        for address in ("a.example", "ftp://a.example", "https://", "https://a",
                        "https://a b.example", "https://a.example/a b", "javascript:alert(1)", "https://.example",
                        "https://{{1}}", "https://{{1}}.example"):  # fmt: skip
            found = keys(url(address, example=["x"]))
            self.assertTrue(found & {"url_invalid", "url_variable"}, address)
        self.assertEqual(keys(url("")), {"url_missing"})
        for address in (
            "https://wa.me/34600000000",
            "https://WA.me/x",
            "https://api.whatsapp.com/send",
        ):
            self.assertEqual(keys(url(address)), {"url_whatsapp"})
        self.assertEqual(keys(url("https://bit.ly/x")), {"url_shortened"})
        self.assertEqual(keys(url("https://rabbit.ly/x")), set())

    def test_variable_of_an_address(self):
        base = "https://a.example/"
        self.assertEqual(keys(url(base + "{{1}}", example=["x"])), set())
        self.assertEqual(keys(url(base + "{{1}}", example="x")), set())
        self.assertEqual(keys(url(base + "{{1}}")), {"sample_missing"})
        self.assertEqual(keys(url(base + "{{1}}/x", example=["x"])), {"url_variable"})
        self.assertEqual(keys(url(base + "{{1}}{{2}}", example=["x"])), {"url_variable"})
        self.assertEqual(keys(url(base + "{{2}}", example=["x"])), {"url_variable_name"})
        self.assertEqual(keys(url(base + "{{ 1 }}", example=["x"])), {"variable_malformed"})
        named = [named_body(), buttons({**URL, "url": base + "{{code}}", "example": ["x"]})]
        self.assertEqual(keys(named, parameter_format="named"), set())

    def test_phones_and_codes(self):
        for number in ("+34600000000", "+1 (555) 123-4567", "+49 30 1234567"):
            self.assertEqual(self._keys({**PHONE, "phone_number": number}), set())
        self.assertEqual(self._keys({**PHONE, "phone_number": "600000000"}), {"phone_format"})
        for number in ("+34", "call us", "+34 600 x", "+٣٤٦٠٠٠"):
            self.assertEqual(self._keys({**PHONE, "phone_number": number}), {"phone_invalid"})
        self.assertEqual(self._keys({**PHONE, "phone_number": ""}), {"phone_missing"})
        self.assertEqual(self._keys({**CODE, "example": ""}), {"code_missing"})
        self.assertEqual(self._keys({**CODE, "example": ["SPRING20"]}), set())
        self.assertEqual(self._keys(CODE, category="utility"), {"code_category"})

    def test_company(self):
        for kind, key in (("CATALOG", "button_alone"), ("MPM", "button_alone"),
                          ("REQUEST_CONTACT_INFO", "contact_alone")):  # fmt: skip
            self.assertIn(key, self._keys({"type": kind, "text": "View"}, QUICK))
        for kind in ("CATALOG", "OTP"):
            self.assertIn("button_category", self._keys({"type": kind}, category="utility"))
        for kind in ("PAYMENT", "", None):
            self.assertEqual(self._keys({"type": kind, "text": "x"}), {"button_unknown"})


class TestCarousel(PureCase):
    def test_cards(self):
        for count, expected in (
            (1, {"cards_few"}), (2, set()), (10, set()), (11, {"cards_many"}),
        ):  # fmt: skip
            self.assertEqual(keys(carousel(*[card()] * count)), expected)
        self.assertEqual(keys(carousel(), category="utility"), {"carousel_category"})
        for extra in (header("x"), footer("x"), buttons(QUICK)):
            self.assertEqual(keys([*carousel(), extra]), {"carousel_extra"})

    def test_a_card(self):
        first = card()
        for other in (card(None), card("x", URL), card("x", QUICK, URL), card(media="VIDEO")):
            self.assertEqual(keys(carousel(first, other)), {"card_structure"})
        for broken, expected in (
            (card(media="TEXT"), "card_header"), (card(media="DOCUMENT"), "card_header"),
            (card("x", CODE), "card_button_type"), (card("x", URL, URL), "label_duplicate"),
            (card("x", URL, {**URL, "text": "2"}, {**URL, "text": "3"}), "card_buttons"),
            (card(" "), "text_missing"), (card("a\nb\nc\nd"), "card_breaks"),
            ({"components": [*card()["components"], footer("x")]}, "card_parts"),
            ({"components": card()["components"][:2]}, "card_no_buttons"),
            ({"components": card()["components"][1:]}, "card_header"),
        ):  # fmt: skip
            self.assertEqual(keys(carousel(broken, broken)), {expected})

    def test_variables_of_a_card(self):
        def judged(text, *samples):
            one = {"components": [IMAGE, body(text, *samples), buttons(QUICK)]}
            return keys(carousel(one, one))

        self.assertEqual(judged("Only {{1}} for a week", "9"), set())
        self.assertEqual(judged("Only {{1}} for a week"), {"sample_missing"})
        self.assertEqual(judged("Only {{2}} for a week", "9"), {"variable_skipped"})
        self.assertEqual(judged("Only for a week {{1}}", "9"), {"card_variable"})

    def test_product_cards(self):
        view = {"type": "SPM", "text": "View"}
        self.assertEqual(keys(carousel(*[product_card(URL)] * 2)), set())
        one = product_card(view)
        one["components"][1] = buttons(view, URL)
        for broken in (one, product_card(QUICK)):
            self.assertEqual(keys(carousel(broken, broken)), {"product_card"})


class TestOffersAndOthers(PureCase):
    def test_offer(self):
        self.assertEqual(keys(offer("x", URL, expires=False)), set())
        for components, expected in (
            (offer(""), "text_missing"), (offer("Ends {{1}}"), "offer_variables"),
            ([*offer(), footer("x")], "offer_footer"), (offer("x", CODE), "offer_buttons"),
            (offer("x", URL), "offer_code"), ([header("x"), *offer()[1:]], "offer_header"),
            ([{**IMAGE, "format": "DOCUMENT"}, *offer()[1:]], "offer_header"),
        ):  # fmt: skip
            self.assertEqual(keys(components), {expected})
        self.assertIn("offer_category", keys(offer(), category="utility"))
        self.assertEqual(keys(offer()[1:]), set())

    def test_catalogs_and_products(self):
        catalog, products = MARKETING_KINDS["catalog"], MARKETING_KINDS["products"]
        self.assertEqual(keys([header("x"), *catalog]), {"catalog_header"})
        self.assertEqual(keys(products[1:]), {"products_header"})

    def _auth(self, *changes):
        components = authentication()
        for index, change in changes:
            components[index] = change
        return keys(components, category="authentication")

    def test_authentication(self):
        for minutes in (1, 90, 0, 91, "10", True):
            is_right = minutes in (1, 90) and minutes is not True
            expected = set() if is_right else {"auth_expiry"}
            change = {"type": "FOOTER", "code_expiration_minutes": minutes}
            self.assertEqual(self._auth((1, change)), expected)
        self.assertEqual(self._auth((0, body("Your code is {{1}} today", "1"))), {"auth_text"})
        self.assertEqual(self._auth((0, IMAGE)), {"auth_header", "body_missing"})
        for some in ((), (QUICK,), ({"type": "OTP", "otp_type": "X"},)):
            self.assertEqual(self._auth((2, buttons(*some))), {"auth_button"})


class TestFilled(PureCase):
    def _keys(self, components, parameter_format="positional", **values):
        found = template_rules.judge_filled(components, parameter_format, values)
        return {(one.key, one.place) for one in found}

    def test_with_real_data(self):
        text = [body(BODY_TEXT, "Ana", "A1")]
        rest = len(BODY_TEXT) - len("{{1}}{{2}}")
        for extra in (0, 1):
            values = {"1": "😀" * 400, "2": "x" * (1024 - rest - 800 + extra)}
            found = self._keys(text, body=values)
            self.assertEqual(("body_length", "body") in found, bool(extra))
        self.assertEqual(self._keys(text, body={"1": "Ana", "2": "A1"}), set())
        for value in ("", " ", None, 5):
            found = self._keys(text, body={"1": "Ana", "2": value})
            self.assertEqual(found, {("filled_empty", "body")})
        for value in ("a\nb", "a\tb", "a     b"):
            found = self._keys(text, body={"1": "Ana", "2": value})
            self.assertIn(("filled_value", "body"), found)

    def test_every_place(self):
        components = [
            header("Our {{1}} is on"), body(),
            buttons(QUICK, {**URL, "url": "https://a.example/{{1}}"}, CODE),
        ]  # fmt: skip
        fine = {"header": {"1": "x"}, "button:1": {"1": "x"}, "button:2": {"code": "x"}}
        self.assertEqual(self._keys(components, **fine), set())
        long = {
            "header": {"1": "x" * 60},
            "button:1": {"1": "x" * 2000},
            "button:2": {"code": "x" * 21},
        }
        self.assertEqual(
            self._keys(components, **long),
            {("header_length", "header"), ("url_length", "button:1"), ("code_length", "button:2")},
        )
        self.assertEqual(
            self._keys(components),
            {("filled_empty", place) for place in ("header", "button:1", "button:2")},
        )

    def test_cards_and_offers(self):
        one = card("Only {{1}} for you", {**URL, "url": "https://a.example/{{1}}"})
        values = {"card:0.body": {"1": "x" * 160}, "card:0.button:0": {"1": "a"},
                  "card:1.body": {"1": "x"}, "card:1.button:0": {"1": "a"}}  # fmt: skip
        self.assertEqual(
            self._keys(carousel(one, one), **values), {("card_body_length", "card:0.body")}
        )
        values = {"body": {"1": "x" * 600, "2": "y"}, "button:0": {"code": "A"}}
        self.assertIn(("offer_body_length", "body"), self._keys(offer(), **values))

    def test_names(self):
        self.assertEqual(
            self._keys([named_body()], "named", body={"first_name": "Ana", "order": "1"}), set()
        )


class TestTheList(PureCase):
    def test_every_rule_has_a_source_of_the_list(self):
        for rule in RULES.values():
            with self.subTest(rule=rule.key):
                self.assertIs(SOURCES[rule.source.page], rule.source)
                self.assertIn(rule.level, ("error", "warning", "advice"))
                self.assertTrue(rule.text.endswith("."))
        used = {rule.source.page for rule in RULES.values()}
        self.assertEqual(used, set(SOURCES))
