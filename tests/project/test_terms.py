"""Every term that a person can read, in every language: current, short, and by the glossary.

The words are those of docs/glossary.md, which has a table of what no screen says.
"""

import re
from collections import defaultdict

import polib
from odoo.tests import tagged

from .. import terms
from ..common import ROOT, WabaCase
from ..pure import PureCase

GLOSSARY = ROOT / "docs/glossary.md"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+|\{\{.*?\}\}")
TAG = re.compile(r"<[^>]+>|&\w+;|%\(\w+\)[sd]|%[sd]")
SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)[.!?](?=\s+[A-Z])")
# A unit or a period in brackets is no word of a label, and an A/B test is one thing.
UNIT = re.compile(r"\([^)]*\)")
LABEL_WORDS = 3
# A switch says what it does.
SWITCH_WORDS = 7
REASON_SENTENCES = 3
# Where a term is: the beginning of its occurrence in the template file.
CODE = ("code:addons/waba_campaign/models", "code:addons/waba_campaign/wizard")


def table_under(heading):
    """The rows of the table below a heading of the glossary, as lists of cells."""
    section = GLOSSARY.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("¦", "|") for cell in row] for row in rows[2:]]


def found_in(entry, kinds):
    return any(place.startswith(kinds) for place, _line in entry.occurrences)


def words(text):
    return TAG.sub(" ", text).replace("·", " ").replace("/", " ").replace("-", "").split()


class TermsCase(PureCase):
    def _fail_for(self, found):
        self.assertFalse(found, f"{len(found)} terms:\n" + "\n".join(map(str, found)))


class TestEnglishTerms(TermsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.terms = polib.pofile(str(terms.TEMPLATE))

    def test_no_term_says_what_the_glossary_forbids(self):
        forbidden = [
            (re.compile(rf"\b({pattern.strip('`')})\b", re.IGNORECASE), better)
            for pattern, better in table_under("Never on a screen")
        ]
        self.assertGreater(len(forbidden), 20)
        self._fail_for(
            [
                f"{entry.msgid!r} says {found[0]!r}: {better}"
                for entry in self.terms
                for pattern, better in forbidden
                if (found := pattern.search(TAG.sub(" ", entry.msgid)))
            ]
        )

    def test_a_reason_is_a_few_sentences(self):
        self._fail_for(
            [
                entry.msgid
                for entry in self.terms
                if found_in(entry, CODE)
                and len(SENTENCE_END.findall(entry.msgid)) >= REASON_SENTENCES
            ]
        )


class TestTranslations(TermsCase):
    def test_every_term_is_translated_in_every_language(self):
        english = {entry.msgid for entry in polib.pofile(str(terms.TEMPLATE))}
        for language in terms.LANGUAGES:
            with self.subTest(language):
                translated = polib.pofile(str(terms.I18N / f"{language}.po"))
                self.assertEqual({entry.msgid for entry in translated}, english)
                self._fail_for([entry.msgid for entry in translated.untranslated_entries()])
                self._fail_for([entry.msgid for entry in translated.fuzzy_entries()])

    def test_translations_keep_placeholders_and_tags(self):
        for language in terms.LANGUAGES:
            with self.subTest(language):
                self._fail_for(
                    [
                        (entry.msgid, entry.msgstr)
                        for entry in polib.pofile(str(terms.I18N / f"{language}.po"))
                        if sorted(PLACEHOLDER.findall(entry.msgid))
                        != sorted(PLACEHOLDER.findall(entry.msgstr))
                    ]
                )

    def test_a_translation_uses_the_glossarys_words(self):
        """The table has a column for each language: the word for each English one."""
        for row in table_under("Words of the screens"):
            for language, word in zip(("es", "pt_BR", "fr"), row[1:], strict=True):
                translated = {
                    entry.msgid: entry.msgstr
                    for entry in polib.pofile(str(terms.I18N / f"{language}.po"))
                }
                if row[0] in translated:
                    with self.subTest(language=language, term=row[0]):
                        self.assertEqual(translated[row[0]], word)

    def test_spanish_says_usted(self):
        informal = re.compile(
            r"\b(tú|tu|tus|puedes|tienes|debes|quieres|elige|haz|revisa tu)\b", re.I
        )
        self._fail_for(
            [
                (entry.msgid, entry.msgstr)
                for entry in polib.pofile(str(terms.I18N / "es.po"))
                if informal.search(entry.msgstr)
            ]
        )


@tagged("post_install", "-at_install")
class TestTermsOfTheCode(WabaCase):
    def test_the_template_file_is_what_the_code_says(self):
        written = {entry.msgid for entry in polib.pofile(str(terms.TEMPLATE))}
        current = {entry.msgid for entry in terms.export(self.env)}
        self.assertEqual(written, current, "run dev/translations")

    def _fields_of_ours(self):
        """Fields that this addon defines, on whatever model; those of the digest have its names."""
        for model in self.env.registry.models.values():
            for field in model._fields.values():
                is_new = "waba" in field.name or field.model_name.startswith("waba.")
                if (
                    field._module == "waba_campaign"
                    and is_new
                    and not field.name.startswith("kpi_")
                ):
                    yield field

    def test_a_label_is_short(self):
        long = {
            str(field): field.string
            for field in self._fields_of_ours()
            if len(words(UNIT.sub("", field.string.replace("A/B", "AB"))))
            > (SWITCH_WORDS if field.type == "boolean" else LABEL_WORDS)
        }
        self.assertEqual(long, {})

    def test_a_help_is_one_sentence(self):
        long = {
            str(field): field.help
            for field in self._fields_of_ours()
            if field.help and SENTENCE_END.search(field.help)
        }
        self.assertEqual(long, {})

    def test_one_thing_has_one_label(self):
        """Fields of one name have one label in all models."""
        labels = defaultdict(set)
        for model in self.env.registry.models.values():
            if model._name.startswith("waba.") and not model._abstract:
                for name, field in model._fields.items():
                    if field._module == "waba_campaign":
                        labels[name].add(field.string)
        several = {name: found for name, found in labels.items() if len(found) > 1}
        self.assertEqual({name: several[name] for name in sorted(several.keys() - SEVERAL)}, {})


# Fields of one name that mean different things in different models: a step's kind is not that of a
# message, a report's sum is not a message's figure, and a dialog asks what a record stores.
SEVERAL = {
    "action", "action_id", "activity_type_id", "amount", "at", "body", "clicked_count", "code",
    "company_id", "cost", "count", "day", "delivery_rate", "detail", "entered_by", "entered_count",
    "expires_at", "fallback", "file", "goes_to", "hold_reason", "hour", "is_ab_test", "kind",
    "last_at", "lead_count", "lead_ids", "level", "line_ids", "message_id", "message_ids", "name",
    "next_at", "note", "number", "opt_out_rate", "people_limit", "person_name", "phone", "position",
    "purpose", "read_rate", "recipient_id", "replied_count", "reply_rate", "res_id", "res_model",
    "retry_at", "sender_id", "sequence", "source", "stop_reason", "summary", "tag_ids", "text",
    "undeliverable_count", "url", "user_id", "variant", "verdict", "wait_kind", "won_count",
    "words",
}  # fmt: skip
