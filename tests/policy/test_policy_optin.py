"""Which source a message names, and whether it is an opt-in: examples of each kind."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ...policy import intent_words, optin
from ..pure import PureCase

CODE = "K7M4QX"
ONE_TIME = "K7M4QX29"
YES = "Yes, send me offers"
SI = "Sí, quiero recibir ofertas"


class TestCodes(PureCase):
    def test_codes_are_read_however_they_are_written(self):
        for text in (
            f"{YES} ({CODE})", f"{YES} ({CODE.lower()})", f"{CODE} hola", f"[{CODE}]", f"*{CODE}*",
            "K7M 4QX", "k7m-4qx", "Ｋ７Ｍ４ＱＸ", f"«{CODE}».", f"ref:{CODE}\nhola", f"🙂{CODE}🙂",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertIn(CODE, optin.find_codes(text))

    def test_words_and_numbers_are_no_codes(self):
        for text in ("", None, "thanks", "rhythm", "234567", "K7M4QXA", "K7M4Q", "K7M4Q0", "crwths",
                     "612345678", "+34 612 34 56 78", "Mm 23 4"):  # fmt: skip
            with self.subTest(text):
                self.assertFalse(optin.find_codes(text))

    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(st.text())
    def test_any_text_is_read(self, text):
        self.assertTrue(all(optin.is_code(code) for code in optin.find_codes(text)))
        optin.counts_as_opt_in(text, (YES, text), (CODE,), True)

    def test_two_sources_named_is_none(self):
        self.assertEqual(optin.choose_source({1}, set()), 1)
        self.assertEqual(optin.choose_source({1}, {2}), 1, "the code before the text")
        self.assertEqual(optin.choose_source(set(), {2}), 2)
        for none in ((set(), set()), ({1, 2}, set()), (set(), {1, 2}), ({1, 2}, {1})):
            self.assertIsNone(optin.choose_source(*none))


class TestAgreement(PureCase):
    def test_texts_that_agree(self):
        for text in (
            YES, SI, "Sim, quero receber novidades", "Oui, je veux recevoir vos offres",
            "I agree to receive news", "Please send me your offers", "¡Me apunto a las ofertas!",
            "J'accepte de recevoir vos offres", "Ja, gerne Angebote", "Aceito receber ofertas",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertTrue(optin.states_agreement(text))

    def test_texts_that_do_not(self):
        for text in (
            "", None, "Hello", "I have a question about a sofa", "Quiero información", "Hola",
            "No, thanks", "Do not send me offers", "Yes, but only by e-mail", "STOP", "BAJA",
            "Non, je ne veux pas", "Sí, pero no más", "Yes, stop", "How much is it?",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertFalse(optin.states_agreement(text))

    def test_what_asks_to_stop_is_never_an_agreement(self):
        for words in intent_words.STRONG.values():
            for pattern in words:
                text = pattern.replace("|", " ")
                with self.subTest(text):
                    self.assertFalse(optin.counts_as_opt_in(text, (text,), (CODE,), True))


class TestOptIn(PureCase):
    def _counts(self, text, agreement=YES, codes=(CODE,), **values):
        return optin.counts_as_opt_in(text, (agreement,), codes, **values)

    def test_opt_ins(self):
        for text, agreement in (
            (f"{YES} ({CODE})", YES), (f"yes send me OFFERS {CODE}", YES), (YES, YES),
            (f"Hola! {SI} ({CODE}). Gracias", SI), (f"si quiero recibir ofertas {CODE}", SI),
            (f"{CODE} {YES}, my name is Ana", YES), (f"{YES} (k7m 4qx)", YES),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertTrue(self._counts(text, agreement))

    def test_conversations(self):
        for text in (
            CODE, f"Hello ({CODE})", f"What is this? ({CODE})", f"No. {YES} ({CODE})",
            f"I do not want this: {YES} ({CODE})", f"{YES} ({CODE}) but only on Sundays",
            f"{YES} ({CODE}) STOP", f"Yes ({CODE})", f"Nunca. {YES} {CODE}",
            f"{YES} ({CODE})" + " word" * (optin.MAX_OTHER_WORDS + 1),
            f"Please unsubscribe me ({CODE})", "",
        ):  # fmt: skip
            with self.subTest(text):
                self.assertFalse(self._counts(text))

    def test_a_text_that_does_not_agree_is_never_an_opt_in(self):
        self.assertFalse(self._counts(f"Hello ({CODE})", "Hello"))

    def test_the_one_time_code_alone_confirms(self):
        for text, counts in (
            (ONE_TIME, True), (f"({ONE_TIME.lower()})", True), (f"Sí {ONE_TIME}", True),
            (f"{YES} ({ONE_TIME})", True), (f"What is this? {ONE_TIME}", False),
            (f"No {ONE_TIME}", False), (f"STOP {ONE_TIME}", False), (f"Baja {ONE_TIME}", False),
        ):  # fmt: skip
            with self.subTest(text):
                found = self._counts(text, codes=(ONE_TIME,), is_confirmation=True)
                self.assertEqual(found, counts)
