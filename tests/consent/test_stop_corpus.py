"""Labelled sentences of four languages: how well opt-outs are read, measured."""

from collections import Counter

from odoo.addons.waba_campaign.policy import intent

from ..pure import PureCase
from ..stop_figures import FILES, LABELS, LANGUAGES, figures, is_to_judge, sentences, table

# Opting somebody out who did not ask is bad; sending on to somebody who did is worse.
MIN_PRECISION, MIN_RECALL = 0.995, 0.99
# What is no request is not to fill anybody's list of questions.
MAX_FLAGGED = 0.05


class TestStopCorpus(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = {name: sentences(name) for name in FILES}
        cls.together = [sentence for found in cls.files.values() for sentence in found]

    def test_precision_and_recall(self):
        # The figures are the point.
        print(f"\n{table(intent.opt_out_strength)}")  # noqa: T201 pylint: disable=print-used
        parts = dict(self.files)
        for language in LANGUAGES:
            parts[language] = [one for one in self.together if one.language == language]
        for name, found in parts.items():
            with self.subTest(name):
                measured = figures(found, intent.opt_out_strength)
                self.assertGreaterEqual(measured.precision, MIN_PRECISION)
                self.assertGreaterEqual(measured.recall, MIN_RECALL)
        measured = figures(self.together, intent.opt_out_strength)
        self.assertLessEqual(measured.flagged, MAX_FLAGGED)

    def test_nobody_is_opted_in_by_a_sentence_that_asks_for_no_more(self):
        for sentence in self.together:
            if sentence.label != "none":
                with self.subTest(sentence.raw):
                    self.assertFalse(intent.opt_in_intent(sentence.text))

    def test_the_corpus_is_balanced_and_split_by_a_rule(self):
        self.assertGreaterEqual(len(self.together), 600)
        for name in ("build", "judge"):
            with self.subTest(name):
                self.assertEqual(
                    {is_to_judge(sentence.raw) for sentence in self.files[name]},
                    {name == "judge"},
                )
        for name, found in self.files.items():
            count = Counter((sentence.language, sentence.label) for sentence in found)
            with self.subTest(name):
                self.assertEqual(len(count), len(LANGUAGES) * len(LABELS))
                self.assertEqual(len({(one.language, one.raw) for one in found}), len(found))
        count = Counter((sentence.language, sentence.label) for sentence in self.together)
        self.assertGreaterEqual(min(count.values()), 60)

    def test_what_judges_is_not_what_was_built_by(self):
        built = {(one.language, one.raw) for one in self.files["build"]}
        for name in FILES[1:]:
            with self.subTest(name):
                judging = {(one.language, one.raw) for one in self.files[name]}
                self.assertFalse(built & judging)

    def test_in_capitals_a_request_is_still_heard(self):
        for sentence in self.together:
            if sentence.label == "strong":
                with self.subTest(sentence.raw):
                    read = intent.opt_out_strength(sentence.text.upper())
                    self.assertNotEqual(read, intent.NONE)
