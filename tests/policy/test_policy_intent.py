import sys
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import intent, intent_words
from odoo.addons.waba_campaign.policy.intent_clauses import MAX_CHARACTERS

from ..pure import PureCase

untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
STOPS = """
STOP
stop.
Stop!!!
Stop 🙏
\uff33\uff34\uff2f\uff30
stop stop stop
STOP please
please stop
Hi, please stop
Stop it
Stop promotions
Stop sending me messages
I want to unsubscribe
Unsubscribe
unsubscribe me please
Unsubscribe from Promos
opt-out
Cancel
No more messages!
I don't want any more messages
I don\u2019t want more promos, thanks
Don't text me
remove me from your list
BAJA
Baja por favor
¡Baja!
dar de baja
Darme de baja
Hola, quiero darme de baja de la lista, gracias
Buenos días, quiero la baja
baja de la lista
CANCELAR
Detener promociones
no quiero más mensajes
No quiero recibir publicidad
ya no quiero recibir más promociones
No más publicidad por favor
no me escriban más
No me envíen más mensajes
Dejen de enviarme promociones
dejen de molestar ya
Bórrenme de la lista
PARAR
parar promoções
Pare
SAIR
sair da lista, obrigado
Não quero mais receber mensagens
pare de enviar mensagens
ARRET
Arrêt
Arrêter les promotions
Arrêtez svp
Désabonner
me désabonner s'il vous plaît
Je ne veux plus recevoir de messages
Ne m'écrivez plus
""".strip().splitlines()

NOT_STOPS = """
I can't stop loving it
la baja de precios
Don't stop
please don't stop
Stop the music
When does the offer stop?
I stopped by the shop yesterday
bus stop
baja el precio
baja un poco
La calidad baja
¿Cancelar mi pedido?
Cancel my order
cancel it
cancelar todo
cancelar la cita
no
No gracias
no quiero más sillas
quiero más mensajes
me da de baja la presión
para mañana
vou sair agora
sair de casa
quero parar na loja
l'arrêt de bus
plus de messages
the end
alta
hola
.
quiero cancelar la oferta
cancel the message
no quiero darme de baja
Sin novedades
No updates
Don't bother
No te molestes
Ne vous dérangez pas
Get out!
No tengo su lista
I don't need a phone
I don't text
Quita el nombre
Olvide el número
end of messages
no me manden la factura
please do not unsubscribe me
""".strip().splitlines()

STARTS = """
START
start!
Resume
subscribe please
opt in
unstop
ALTA
Alta por favor
darme de alta
Hola, quiero darme de alta
quiero volver a recibir promociones
Reanudar
retomar
quero receber promoções
Je veux recevoir vos offres
""".strip().splitlines()

NOT_STARTS = """
When do you start?
start it
la temporada alta
alta costura
no quiero recibir promociones
yes
sí
ok
voltar
quiero recibir mi pedido
""".strip().splitlines()


# Clean requests of one word, and ways of writing that change no word.
KEYWORDS = ("STOP", "BAJA", "SAIR", "ARRET", "UNSUBSCRIBE", "END", "CANCEL", "QUIT", "REVOKE")
CYRILLIC = str.maketrans("ABEKMHOPCTX", "АВЕКМНОРСТХ")


def _as_forwarded(word):
    return f"*Ana:* {word}"


DRESSES = (
    str.lower,
    str.title,
    lambda word: word.translate(CYRILLIC),
    lambda word: f"*{word}*",
    lambda word: f"_{word}_",
    lambda word: f"{word}!!!",
    lambda word: f" {word} 🙏",
    lambda word: f"{word}, please",
    lambda word: f"Hola, {word} gracias",
    "\u200b".join,
    lambda word: f"\u202e{word}\u202c",
    lambda word: f"1. {word}",
    lambda word: f"{word}\n\nSaludos,\nAna Pérez",
    _as_forwarded,
    lambda word: "".join(
        chr(ord(char) + 0xFEE0) if char.isascii() and char.isalpha() else char for char in word
    ),
)
HOSTILE = ("no ", "no me mandes ", "S.T.O.P. ", "[1] ", "Ana: ", "a\n", "*", "x,", "stop ", "b ")


def _steps(text):
    """Lines of Python run to read `text`."""
    count = 0

    def trace(*_event):
        nonlocal count
        count += 1
        return trace

    def read():
        sys.settrace(trace)
        intent.opt_out_strength(text)

    # A trace is its thread's own: in this one it would end the measuring of coverage.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(read).result()
    return count


class TestIntent(PureCase):
    def test_requests_to_stop(self):
        for text in STOPS:
            with self.subTest(text):
                self.assertTrue(intent.opt_out_intent(text))
                self.assertFalse(intent.opt_in_intent(text))

    def test_sentences_with_such_a_word(self):
        for text in ["", None, "   ", *NOT_STOPS, *STARTS]:
            with self.subTest(text):
                self.assertFalse(intent.opt_out_intent(text))

    def test_requests_to_resume(self):
        for text in STARTS:
            with self.subTest(text):
                self.assertTrue(intent.opt_in_intent(text))

    def test_a_consent_is_not_read_into_other_words(self):
        for text in ["", None, *NOT_STARTS]:
            with self.subTest(text):
                self.assertFalse(intent.opt_in_intent(text))

    def test_our_payload_wins(self):
        cases = [
            (intent.STOP_PAYLOAD, "Alta", True, False),
            (intent.STOP_PAYLOAD, None, True, False),
            (intent.RESUME_PAYLOAD, "Baja", False, True),
            ("ORDER_17", "Baja", True, False),
            ("ORDER_17", "Alta", False, True),
            ("ORDER_17", "Ver oferta", False, False),
            ("WABA_STOP_2", "Ver oferta", False, False),
        ]
        for payload, text, stops, resumes in cases:
            with self.subTest(payload, text=text):
                self.assertIs(intent.opt_out_intent(text, payload), stops)
                self.assertIs(intent.opt_in_intent(text, payload), resumes)

    def test_a_request_in_a_long_text_is_heard_and_what_is_too_long_is_not_read(self):
        story = "Compré el sofá en otra tienda y no estoy contento. " * 20
        self.assertTrue(intent.opt_out_intent(f"{story}No me manden más publicidad."))
        self.assertTrue(intent.opt_out_intent(f"Stop sending me messages. {story}"))
        self.assertFalse(intent.opt_out_intent("a" * MAX_CHARACTERS + " stop"))
        self.assertTrue(intent.opt_out_intent("stop" + " " * MAX_CHARACTERS))

    def test_reading_takes_no_longer_for_hostile_texts(self):
        """Twice the length, about twice the steps: counted, not timed."""
        for unit in HOSTILE:
            with self.subTest(unit):
                half, whole = (_steps(unit * (size // len(unit))) for size in (1024, 2048))
                self.assertLess(whole, 3 * half + 2000)

    @untimed
    @given(st.text(max_size=60), st.text(max_size=60))
    def test_no_text_breaks_it(self, before, after):
        for text in (before, f"{before} stop {after}", f"{before}\n{after}", before * 40):
            self.assertIn(
                intent.opt_out_strength(text), (intent.STRONG, intent.AMBIGUOUS, intent.NONE)
            )

    @untimed
    @given(st.sampled_from(KEYWORDS), st.data())
    def test_a_word_is_the_same_in_any_dress(self, word, data):
        dressed = word
        chosen = data.draw(st.lists(st.sampled_from(DRESSES), max_size=3, unique=True))
        # A program that forwards a message puts the name before all of it.
        for dress in sorted(chosen, key=lambda dress: dress is _as_forwarded):
            dressed = dress(dressed)
        self.assertEqual(intent.opt_out_strength(dressed), intent.STRONG, ascii(dressed))

    phrases = st.sampled_from(
        sorted(
            intent.OPT_OUT_WORDS
            | intent.OPT_IN_WORDS
            | intent.AMBIGUOUS_WORDS
            | intent_words.OPENINGS
            | intent_words.TOPIC
        )
    )

    @untimed
    @given(st.text() | st.lists(phrases, max_size=5).map(" ".join))
    def test_any_text_has_one_meaning_at_most(self, text):
        self.assertFalse(intent.opt_out_intent(text) and intent.opt_in_intent(text))

    def test_the_lists_are_written_as_texts_are_read(self):
        for phrase in intent.OPT_OUT_WORDS | intent.OPT_IN_WORDS | intent.AMBIGUOUS_WORDS:
            with self.subTest(phrase):
                self.assertEqual(intent.normalize_text(phrase), phrase)
                self.assertLessEqual(len(phrase.split()), intent.MAX_WORDS)
        asked = intent.OPT_OUT_WORDS | intent.AMBIGUOUS_WORDS
        self.assertFalse(asked & intent.OPT_IN_WORDS)

    def test_patterns_stand_for_their_alternatives_in_any_writing(self):
        cases = {
            "Stop": {"stop"},
            "¡BASTA!": {"basta"},
            "No quiero|deseo más": {"no quiero mas", "no deseo mas"},
            "Ne m'écrivez plus": {"ne mecrivez plus"},
            "Стоп": {"стоп"},
            "opt-out": {"opt out"},
        }
        for pattern, phrases in cases.items():
            with self.subTest(pattern):
                self.assertEqual(intent.expand(pattern), phrases)

    def test_patterns_that_say_nothing_or_too_much(self):
        many = " ".join(["a|b|c|d|e|f"] * 5)
        cases = {"": "empty", "  ": "empty", "🛑": "empty", "stop|": "empty", "stop !": "empty",
                 " ".join("a" * 10): "long", "a-b-c-d-e f-g-h-i-j": "long",
                 many: "many"}  # fmt: skip
        for pattern, fault in cases.items():
            with self.subTest(pattern):
                with self.assertRaises(ValueError) as caught:
                    intent.expand(pattern)
                self.assertEqual(str(caught.exception), fault)

    def test_a_company_listens_to_its_own_words(self):
        words = intent.RequestPhrases(
            opt_out=frozenset({"basta", "no me interesa"}),
            opt_in=frozenset({"me apunto"}),
            opt_out_anywhere=frozenset({"proteccion de datos"}),
        )
        cases = [
            # text, stops, resumes
            ("¡Basta!", True, False),
            ("Hola, no me interesa, gracias", True, False),
            ("No me interesa el sofá azul", False, False),
            ("Basta con dos sillas", False, False),
            ("Me apunto", False, True),
            ("STOP", False, False),
            ("Voy a escribir a Protección de Datos si siguen así, que ya está bien", True, False),
            ("proteccion de datosX", False, False),
            ("proteccion\nde  datos", True, False),
            ("Me apunto a protección de datos", True, False),
        ]
        for text, stops, resumes in cases:
            with self.subTest(text):
                self.assertIs(intent.opt_out_intent(text, words=words), stops)
                self.assertIs(intent.opt_in_intent(text, words=words), resumes)
        self.assertTrue(intent.opt_out_intent("Hola", intent.STOP_PAYLOAD, words))
        self.assertFalse(intent.opt_out_intent("Basta", intent.RESUME_PAYLOAD, words))

    @untimed
    @given(st.text(), st.sampled_from(sorted(intent.OPT_OUT_WORDS)), st.text())
    def test_a_sentence_that_contains_a_word_is_read_where_the_rule_says_so(self, a, word, b):
        words = intent.RequestPhrases(opt_out=frozenset(), opt_out_anywhere=frozenset({word}))
        self.assertTrue(intent.opt_out_intent(f"{a} {word} {b}", words=words))
