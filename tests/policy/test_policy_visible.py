"""What of a text can be seen; emoji are made with the same characters."""

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy.visible import visible_text

from ..pure import PureCase

NOTHING = {
    "zero-width space": "\u200b", "non-joiner": "\u200c", "joiner": "\u200d",
    "word joiner": "\u2060", "byte order mark": "\ufeff", "soft hyphen": "\u00ad",
    "no-break space": "\u00a0", "narrow no-break space": "\u202f",
    "ideographic space": "\u3000", "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f", "embedding": "\u202a\u202c", "override": "\u202e",
    "isolate": "\u2066\u2069", "Arabic letter mark": "\u061c", "Hangul filler": "\u3164",
    "half-width filler": "\uffa0", "jamo fillers": "\u115f\u1160", "blank Braille": "\u2800",
    "grapheme joiner": "\u034f", "Khmer vowels": "\u17b4\u17b5",
    "Mongolian separator": "\u180e", "selectors alone": "\ufe0e\ufe0f",
    "tags alone": "\U000e0067\U000e007f", "language tag": "\U000e0001", "null": "\x00",
    "bell and escape": "\x07\x1b", "C1 controls": "\x81\x9d", "private use": "\ue000",
    "lone surrogate": "\ud83d", "non-character": "\uffff", "combining mark alone": "\u0301",
    "blanks": " \t\r\n", "line separators": "\u2028\u2029",
    "object replacement ends": "\ufff9\ufffb",
}  # fmt: skip
KEPT = (
    "Ana", "María José", "0", "-", "¿?", "日本", "한글", "e\u0301", "❤\ufe0f", "☺\ufe0f", "👍🏽",
    "👩\u200d👩\u200d👧\u200d👦", "👩🏽\u200d🚀", "🏳\ufe0f\u200d🌈", "🏴\u200d☠\ufe0f", "🇪🇸🇲🇽",
    "1\ufe0f⃣", "#\ufe0f⃣", "©\ufe0f", "‼\ufe0f", "↔\ufe0f", "🫨", "🧑\u200d🧑\u200d🧒",
    "❤\ufe0f\u200d🔥", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می\u200cخواهم", "क्\u200dष", "שלום", "مرحبا", "ไทย", "Ελλάδα",
)  # fmt: skip


class TestVisible(PureCase):
    def test_what_nobody_sees_is_no_value(self):
        for name, text in NOTHING.items():
            with self.subTest(name):
                self.assertEqual(visible_text(text), "")
                self.assertEqual(visible_text(text * 3 + " " + text), "")

    def test_what_nobody_sees_leaves_the_rest(self):
        for name, text in NOTHING.items():
            if text.strip() and name not in ("combining mark alone",):
                with self.subTest(name):
                    self.assertEqual(
                        " ".join(visible_text(f"{text}Ana{text} Gil{text}").split()), "Ana Gil"
                    )

    def test_emoji_and_the_scripts_that_need_joiners_stay_as_they_are(self):
        for text in KEPT:
            with self.subTest(text):
                self.assertEqual(visible_text(text), text)
                self.assertEqual(visible_text(f"\ufeff Hola {text}\u200b"), f"Hola {text}")

    @given(st.text(max_size=60))
    def test_what_is_seen_stays_seen_and_once_is_enough(self, text):
        shown = visible_text(text)
        self.assertEqual(visible_text(shown), shown)
        letters = [
            letter
            for letter in text
            if letter.isalnum() and letter not in "\u115f\u1160\u3164\uffa0"
        ]
        self.assertEqual([letter for letter in shown if letter.isalnum()], letters if shown else [])
        self.assertFalse(set(shown) & set("\x00\u200b\ufeff\u202e\u00a0\u3164"))
