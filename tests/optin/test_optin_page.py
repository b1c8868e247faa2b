"""The public opt-in page over real HTTP: what it shows, what it takes, and what it never tells."""

import json
import re

from odoo.tests import HttpCase, tagged

from ..common import APP_SECRET, NO_WEBHOOK, NUMBER_ES, PublicAddress
from ..webhook.test_webhook_door import signature
from .test_optin_source import NUMBER, OTHER_NUMBER, OptinCase

BROWSER = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"


class PageCase(OptinCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.source = self._source(
            kind="page", headline="Muebles club", intro="New arrivals first",
            frequency="About twice a month",
        )  # fmt: skip
        self.path = self.source._page_path()
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.addCleanup(self.simulator.post, "delivery", url=NO_WEBHOOK)
        self.env.flush_all()

    def _get(self, path=None, **headers):
        headers = {"User-Agent": BROWSER, "Accept-Language": "en-US,en;q=0.8", **headers}
        return self.url_open(path or self.path, headers=headers)

    def _submit(self, number, page=None, **fields):
        token = re.search(r'name="csrf_token" value="([^"]+)"', (page or self._get()).text)[1]
        values = {"csrf_token": token, "number": number, **fields}
        return self.url_open(self.path, data=values, headers={"User-Agent": BROWSER})

    def _code(self, reply):
        return reply.url.rpartition("/")[2]

    def _write_by_webhook(self, number, text, wamid="wamid.PAGE"):
        """The person writes: through the simulator, the signed webhook and the job."""
        self.simulator.post("inbound", phone_id=NUMBER_ES, number=number, text=text)
        self.simulator.post("flush", hurry=True)
        for attempt in self.simulator.get("webhooks")["entries"]:
            raw = json.dumps(attempt["body"]).encode()
            reply = self.url_open(
                f"/waba/webhook/{self.account.webhook_key}", data=raw, method="POST",
                headers={"Content-Type": "application/json",
                         "X-Hub-Signature-256": signature(raw, APP_SECRET)},
            )  # fmt: skip
            self.assertEqual(reply.status_code, 200)
        self._apply_webhooks()


@tagged("post_install", "-at_install")
class TestPage(PageCase):
    def test_it_shows_what_people_agree_to_and_is_not_indexed(self):
        page = self._get()
        self.assertEqual(page.status_code, 200)
        for text in ("Muebles club", "New arrivals first", "About twice a month",
                     self.source.consent_text, self.env.company.name):  # fmt: skip
            self.assertIn(text, page.text)
        self.assertNotIn("<script", page.text, "it works without JavaScript")
        self.assertEqual(page.headers["X-Robots-Tag"], "noindex")
        self.assertIn("no-store", page.headers["Cache-Control"])
        self.source.is_indexed = True
        self.assertNotIn("X-Robots-Tag", self._get().headers)

    def test_views_of_people_are_counted(self):
        self._get()
        self._get(**{"User-Agent": "Googlebot/2.1"})
        self._get(**{"Purpose": "prefetch"})
        self.assertEqual(self.source.view_count, 1)

    def test_unknown_closed_and_other_addresses_are_not_found(self):
        link = self._source(kind="link")
        for path in ("/waba/optin/x.unknown", "/waba/optin/%00", link._page_path(),
                     f"{self.path}/ABC", f"{self.path}/qr/gif"):  # fmt: skip
            self.assertEqual(self._get(path).status_code, 404, path)
        self.source.active = False
        self.assertEqual(self._get().status_code, 404)

    def test_the_page_speaks_the_visitors_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.source.with_context(lang="es_ES").consent_text = "Acepto recibir ofertas"
        self.env.flush_all()
        page = self._get(**{"Accept-Language": "es-MX,es;q=0.9"})
        self.assertIn("Acepto recibir ofertas", page.text)
        self.assertIn('lang="es-ES"', page.text)

    def test_the_answer_is_the_same_for_known_and_unknown_people(self):
        self._lead(NUMBER)
        self._write("Hola")
        texts = []
        for number in (NUMBER, OTHER_NUMBER):
            reply = self._submit(number)
            texts.append(reply.text.replace(self._code(reply), "CODE"))
        self.assertEqual(texts[0], texts[1])
        self.assertNotIn(NUMBER, texts[0])

    def test_what_cannot_be_taken_says_why(self):
        reply = self._submit("12")
        self.assertEqual(reply.status_code, 422)
        self.assertIn("not a valid phone number", reply.text)
        self.assertEqual(self.source.form_count, 0)
        self.assertEqual(self._submit("\x00").status_code, 422)
        self.assertEqual(self.url_open(self.path, data={"number": NUMBER}).status_code, 400, "CSRF")
        self.env["waba.optin.visit"].search([]).unlink()
        page = self._get()
        replies = [self._submit(NUMBER, page).status_code for _form in range(31)]
        self.assertEqual(replies, [200] * 30 + [429])

    def test_a_program_that_fills_in_everything_gets_the_same_page_and_no_code(self):
        reply = self._submit(NUMBER, website="https://spam.example")
        self.assertEqual(reply.status_code, 200)
        self.assertEqual(self.source.form_count, 0)
        self._write_by_webhook(NUMBER, self._code(reply))
        self.assertFalse(self._entries())

    def test_qr_codes(self):
        for kind, start in (("png", b"\x89PNG"), ("svg", b"<svg")):
            reply = self._get(f"{self.path}/qr/{kind}?download=1")
            self.assertTrue(reply.content.startswith(start))
            self.assertIn("attachment", reply.headers["Content-Disposition"])
        code = self._code(self._submit(NUMBER))
        self.assertEqual(self._get(f"{self.path}/qr/svg?code={code}").status_code, 200)
        self.assertEqual(self._get(f"{self.path}/qr/svg?code=x").status_code, 404)


@tagged("post_install", "-at_install")
class TestOptinJourney(PageCase):
    def test_from_the_page_to_confirmed_consent(self):
        """Page → form → message in WhatsApp → signed webhook → consent, lead and counts."""
        reply = self._submit("611 000 001")
        self.assertEqual(reply.status_code, 200)
        message = self.source._message_text(self._code(reply))
        self.assertIn(message, reply.text)
        self.assertIn("https://wa.me/34600000001?text=", reply.text)
        self.assertEqual(self.simulator.sends(), [], "nothing is sent to a number that was typed")
        self.assertFalse(self.env["waba.consent"].search([]))
        self._write_by_webhook(NUMBER, message)
        entry = self._entries()
        self.assertEqual((entry.action, entry.source), ("opt_in", "form"))
        self.assertEqual(entry.optin_source_id, self.source)
        self.assertEqual(self._states(NUMBER), ["opted_in"])
        for _again in range(2):
            self._write_by_webhook(NUMBER, "Gracias")
        self.assertEqual(len(self._entries()), 1)
        source = self.source
        source.invalidate_recordset()
        self.assertEqual(
            (source.view_count, source.form_count, source.conversation_count, source.opt_in_count,
             source.lead_count), (1, 1, 1, 1, 1),
        )  # fmt: skip
