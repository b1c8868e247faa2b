"""What a template says: category, way out, wording that is often refused, in four languages."""

import subprocess
import sys
import time

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy.template_content import check_content, marketing_sentences
from odoo.addons.waba_campaign.policy.template_phrases import MARKETING, REFUSED
from odoo.addons.waba_campaign.policy.template_rule_list import RULES
from odoo.addons.waba_campaign.policy.template_rules import judge_template

from ..architecture import ROOT
from ..pure import PureCase
from ..template_samples import QUICK, URL, body, buttons, card, carousel, footer, header

PROMOTIONS = {
    "offer": ("Get 20% off until Sunday.", "Hoy tiene 15 % de descuento", "Frete grátis hoje!",
              "-30 % sur tout le site", "Use the coupon A1", "¡REBAJAS!", "Oferta especial"),
    "purchase": ("Shop now", "Compre ahora y reciba mañana", "Aproveite agora", "Commandez vite",
                 "No te lo pierdas", "Explore our catalog"),
    "urgency": ("Last chance", "¡Últimos días!", "Somente hoje", "Dernières places",
                "While stocks last"),
    "news": ("Our new collection is here", "Conoce… la nueva colección", "Novidades da loja",
             "Nouveautés", "Back in stock", "Lanzamiento"),
    "more": ("You may also like this", "Te puede interesar", "Recomendamos para você",
             "Vous aimerez aussi", "Tiene un crédito preaprobado"),
    "return": ("We miss you, {{1}}", "Te extrañamos", "Sentimos sua falta", "Vous nous manquez",
               "You left items in your cart"),
    "greeting": ("Happy birthday, {{1}}", "Feliz cumpleaños", "Boas festas", "Bonne année 2027"),
    "survey": ("Please rate us", "Responda nuestra encuesta", "Avalie-nos",
               "Donnez-nous votre avis"),
    "invitation": ("Join us on Friday", "Le invitamos al evento", "Inscreva-se",
                   "Téléchargez notre app"),
}  # fmt: skip
SERVICE = (
    "Your order 12 has been shipped.", "Your new card is ready for collection.",
    "Feel free to call us.", "Reminder: your appointment is tomorrow at 10:00.",
    "Your payment of 100% of the invoice was received.", "Interest rate: 3 %.",
    "Su pedido está en camino.", "Su oferta S00012 vence el lunes.",
    "Su nueva contraseña se guardó.",
    "Recordatorio de su cita.", "Hemos recibido su pago.", "Seu pedido saiu para entrega.",
    "Sua consulta é amanhã.", "Votre commande est prête.", "Votre rendez-vous est confirmé.",
    "Todo listo para su entrega.", "Your statement is now available.", "Sorry we missed you today.",
    "Vuelva a intentarlo.", "Que tenga un feliz día.", "We recommend arriving early.",
    "Thank you for your order today.", "Reset your password here.",
)  # fmt: skip
REFUSALS = {
    "content_threat": ("We will take legal action.", "Tomaremos acciones legales",
                       "Medidas judiciais",
                       "Des poursuites judiciaires"),
    "content_identity": ("Reply with your card number", "Envíe su DNI",
                         "Informe os dados do cartão",
                         "Envoyez le numéro de carte", "What is your PIN?"),
    "content_gambling": ("Play at our casino", "Apuestas en vivo", "Apostas online",
                         "Loterie de Noël"),
    "content_loans": ("Payday loans", "Préstamos rápidos", "Empréstimo na hora", "Crédit immédiat"),
    "content_restricted": ("Craft beer for you", "Los mejores vinos", "Cigarros", "Armes à feu"),
    "content_money": ("Make money online", "Gane dinero fácil", "Dinheiro fácil",
                      "Revenus garantis"),
    "content_health": ("Lose weight in a week", "Baje de peso", "Emagreça já", "Remède miracle"),
    "content_abuse": ("You idiot", "Es usted un moroso", "Seu caloteiro"),
}  # fmt: skip


def keys(components, category="marketing"):
    return {one.key for one in check_content(components, category)} - {"no_way_out"}


class TestCategory(PureCase):
    def test_sentences_that_make_it_marketing(self):
        self.assertEqual(set(PROMOTIONS), set(MARKETING))
        for reason, sentences in PROMOTIONS.items():
            for sentence in sentences:
                with self.subTest(reason=reason, sentence=sentence):
                    found = marketing_sentences(f"Hola {{{{1}}}}.\n{sentence}\nSaludos, Ana.")
                    self.assertEqual(len(found), 1)

    def test_service_is_no_marketing(self):
        for sentence in SERVICE:
            with self.subTest(sentence=sentence):
                self.assertEqual(marketing_sentences(sentence), [])

    def test_it_is_quoted_by_position_and_says_no_more_than_the_category(self):
        text = "Your order is ready. Get 20% off today!\nThanks"
        found = check_content([body(text), buttons({**URL, "text": "Shop now"})], "utility")
        self.assertEqual([one.place for one in found], ["body", "button:0"])
        figures = found[0].figures
        self.assertEqual(text[figures["start"] : figures["end"]], "Get 20% off today!")
        self.assertEqual(figures["quote"], "Get 20% off today!")
        self.assertEqual((figures["category"], found[0].level), ("marketing", "advice"))

    def test_a_marketing_template_is_not_told_what_it_is(self):
        self.assertEqual(keys([body("Get 20% off today!")]), set())

    def test_it_is_in_disguise_too(self):
        for sentence in ("G̲et 2O% OFF, DISCOUNT", "d i s c o u n t", "𝗗𝗶𝘀𝗰𝗼𝘂𝗻𝘁", "DESCUENTO!!!"):
            found = marketing_sentences(sentence)
            self.assertEqual(bool(found), sentence != "d i s c o u n t", sentence)

    @given(st.text(max_size=300))
    def test_any_text_is_read_and_quoted_as_it_is(self, text):
        for one in marketing_sentences(text):
            self.assertEqual(text[one.start : one.end], one.text)
        for one in check_content([body(text)], "utility"):
            if "quote" in one.figures:
                start, end = one.figures["start"], one.figures["end"]
                self.assertEqual(text[start:end], one.figures["quote"])


class TestLongTexts(PureCase):
    def test_no_text_takes_long(self):
        for piece in ("xa ", "<name", "_", "-", "a.", "{{", "😀\u200d", "1 ", "\n", "a\u0301"):
            text = piece * (100_000 // len(piece))
            started = time.monotonic()
            judge_template([header(text), body(text), footer(text), buttons({**URL, "url": text})])
            self.assertLess(time.monotonic() - started, 10, piece)


class TestWayOut(PureCase):
    def _is_missing(self, components, category="marketing"):
        return any(one.key == "no_way_out" for one in check_content(components, category))

    def test_by_a_button_or_a_word(self):
        text = body("Nothing about it")
        self.assertTrue(self._is_missing([text]))
        self.assertFalse(self._is_missing([text], "utility"))
        for label in (
            "Stop promotions",
            "No quiero más promociones",
            "Darme de baja",
            "Sair",
            "STOP",
        ):
            self.assertFalse(self._is_missing([text, buttons({**QUICK, "text": label})]), label)
        for word in ("Reply STOP", "Responda BAJA", "Envie SAIR", "Répondez ARRÊT"):
            self.assertFalse(self._is_missing([text, footer(word)]), word)
            self.assertFalse(self._is_missing([body(word)]), word)

    def test_what_is_none(self):
        text = body("Nothing about it")
        for part in (buttons({**URL, "text": "Stop"}), buttons({**QUICK, "text": "More"}),
                     footer("Shop Ltd")):  # fmt: skip
            self.assertTrue(self._is_missing([text, part]))

    def test_on_a_card(self):
        cards = carousel(card("x", QUICK), card("y", QUICK))
        self.assertFalse(self._is_missing([body("Nothing"), cards[1]]))


class TestWording(PureCase):
    def test_what_is_refused(self):
        self.assertEqual(set(REFUSALS), set(REFUSED))
        for key, sentences in REFUSALS.items():
            self.assertEqual(RULES[key].level, "warning")
            for sentence in sentences:
                self.assertIn(key, keys([body(f"Hello.\n{sentence}")]), sentence)

    def test_service_and_promotions_are_not(self):
        for sentence in (*SERVICE, *(one for some in PROMOTIONS.values() for one in some)):
            found = {key for key in keys([body(sentence)]) if key.startswith("content")}
            self.assertEqual(found, set(), sentence)

    def test_capitals(self):
        for text, expected in (
            ("DEAR CUSTOMER YOUR ORDER IS READY", {"text_capitals"}),
            ("УВАЖАЕМЫЙ КЛИЕНТ ВАШ ЗАКАЗ ГОТОВ", {"text_capitals"}),
            ("Reply STOP or BAJA", set()), ("ACME GMBH", set()),
            ("您的订单已准备好您的订单已准备好", set()),
            ("Dear customer, your ORDER is READY", set()),
        ):  # fmt: skip
            self.assertEqual(keys([body(text)]), expected, text)

    def test_what_is_left_from_writing(self):
        for text in ("Hello xxx", "Lorem ipsum dolor", "Hola [nombre]", "Hi <name>, welcome",
                     "Dear [Your Company]", "Precio: XXXX euros"):  # fmt: skip
            self.assertEqual(keys([body(text)]), {"text_placeholder"}, text)
        for text in ("Talla XXL", "Todo listo [1]", "a < b > c", "Hoy todo incluido"):
            self.assertEqual(keys([body(text)]), set(), text)
        for text in ("Hello {1}", "Hello {name}", "Hello [[1]]", "Hello %1,"):
            self.assertEqual(keys([body(text)]), {"text_braces"}, text)
        for text in ("50% 1 day", "100%", "{{1}} and {{name}}"):
            self.assertEqual(keys([body(text)]), set(), text)

    def test_links(self):
        for text, expected in (
            ("See https://bit.ly/abc", {"url_shortened"}), ("See tinyurl.com/x", {"url_shortened"}),
            ("See https://wa.me/346", {"text_whatsapp_link"}), ("See https://shop.example/a",
            set()),
            ("No rush.it is fine", set()), ("See bit.ly", set()),
        ):  # fmt: skip
            self.assertEqual(keys([body(text)]), expected, text)

    def test_every_text_is_read(self):
        bad = "You idiot"
        for components, place in (
            ([header(bad), body()], "header"), ([body(), footer(bad)], "footer"),
            ([body(), buttons({**QUICK, "text": bad})], "button:0"),
            (carousel(card(), card(bad)), "card:1.body"),
            (carousel(card("x", {**URL, "text": bad})), "card:0.button:0"),
        ):  # fmt: skip
            found = [one for one in check_content(components, "marketing") if "abuse" in one.key]
            self.assertEqual([one.place for one in found], [place])


class TestDocs(PureCase):
    def test_the_table_is_that_of_the_rules(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "dev" / "template-rules"), "--check"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
