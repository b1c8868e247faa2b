"""The pages that explain error codes, in English and Spanish, list what the code knows."""

import re
from pathlib import Path

from odoo.addons.waba_campaign.cloud_api import errors
from odoo.addons.waba_campaign.models.base.waba_failure import (
    ADVICE,
    EXCLUSION_REASONS,
    FAILURE_REASONS,
    FAILURE_TYPES,
)

from ..pure import PureCase

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "error-codes.md", "es": DOCS / "es" / "error-codes.md"}
ROW = re.compile(
    r'^\| <a id="(\w+)"></a>([^|]+?) \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$', re.MULTILINE
)


def listed_codes(text):
    """The codes of a cell; '200–299' is a range."""
    found = set()
    for part in text.replace("—", "").split(","):
        if part.strip():
            first, _dash, last = part.strip().partition("–")
            found.update(range(int(first), int(last or first) + 1))
    return found


class TestErrorCodes(PureCase):
    def _rows(self, language):
        return ROW.findall(PAGES[language].read_text())

    def test_every_reason_is_listed_once_in_order_with_its_codes(self):
        keys = [key for key, _label in FAILURE_REASONS + EXCLUSION_REASONS]
        for language in PAGES:
            with self.subTest(language=language):
                rows = self._rows(language)
                self.assertEqual([key for key, *_rest in rows], keys)
                for key, _label, codes, meaning, _advice in rows:
                    known = {
                        code for code, rule in errors.CODES.items() if rule.failure_type == key
                    }
                    self.assertEqual(listed_codes(codes), known, key)
                    self.assertTrue(meaning.endswith("."), key)

    def test_reasons_and_advice_are_those_of_the_screens(self):
        labels = dict(FAILURE_TYPES)
        for key, label, _codes, _meaning, advice in self._rows("en"):
            with self.subTest(key=key):
                self.assertEqual(label, labels[key])
                self.assertEqual(advice, str(ADVICE.get(key, "—")))

    def test_the_spanish_page_advises_where_the_english_one_does(self):
        silent = {
            language: [row[0] for row in self._rows(language) if row[4] == "—"]
            for language in PAGES
        }
        self.assertEqual(silent["es"], silent["en"])
