"""The opt-in block: put on a page in the builder, seen by a visitor, and sent."""

import re

from odoo.tests import HttpCase, new_test_user, tagged

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36"}


@tagged("post_install", "-at_install")
class TestOptinBlock(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website = cls.env["website"].get_current_website()
        cls.company = cls.website.company_id
        cls.company.country_id = cls.env.ref("base.es")
        cls.first = cls._source(cls.company, "First", consent_text="I agree to the first.")
        cls.second = cls._source(
            cls.company, "Second", kind="snippet", consent_text="I agree to the second."
        )
        cls.link = cls._source(cls.company, "Third", kind="link")
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.theirs = cls._source(cls.elsewhere, "Their")
        cls.their_website = cls.env["website"].create(
            {"name": "Theirs", "domain": "http://theirs.example", "company_id": cls.elsewhere.id}
        )

    @classmethod
    def _source(cls, company, name, **values):
        uid = str(1000 + cls.env["waba.account"].search_count([]))
        account = cls.env["waba.account"].create({"waba_uid": uid, "company_id": company.id})
        sender = cls.env["waba.sender"].create(
            {"account_id": account.id, "phone_number_uid": uid, "number": f"+3460000{uid}"}
        )
        return cls.env["waba.optin.source"].create(
            {
                "name": f"{name} page", "kind": "page", "headline": f"{name} club",
                "company_id": company.id, "sender_id": sender.id,
                "text": "Yes, send me your offers", "consent_text": "I agree.", **values,
            }
        )  # fmt: skip

    def _call(self, path, headers=None, **params):
        return self.url_open(
            path, json={"jsonrpc": "2.0", "params": params}, headers={**BROWSER, **(headers or {})}
        ).json()

    def _form(self, source, **headers):
        return self._call("/waba/website/form", key=source.page_key, headers=headers)["result"]

    def _submit(self, html, number):
        token, path = (
            re.search(pattern, html)[1]
            for pattern in (r'name="csrf_token" value="([^"]+)"', r'action="([^"]+)"')
        )
        values = {"csrf_token": token, "number": number}
        return self.url_open(path, data=values, headers=BROWSER)

    def test_from_the_builder_to_the_confirmation(self):
        self.start_tour(
            self.website.get_client_action_url("/"), "waba_optin_block_edit", login="admin",
            timeout=300,
        )  # fmt: skip
        [view] = self.env["ir.ui.view"].search([("arch_db", "ilike", "data-source=")])
        self.assertIn(f'data-source="{self.second.page_key}"', view.arch_db)
        for text in ("csrf_token", "Second club", "I agree", "600 000 000", "pe-none"):
            self.assertNotIn(text, view.arch_db, "the form is not saved with the page")
        self.start_tour("/", "waba_optin_block_visit", login=None, timeout=180)
        reply = self._submit(self._form(self.second), "600 111 222")
        self.assertEqual(reply.status_code, 200)
        self.assertIn("One step left: confirm in WhatsApp", reply.text)
        self.assertIn("https://wa.me/34600001", reply.text)
        self.assertEqual(self.second.form_count, 1)
        self.assertFalse(self.second.view_count, "a view of a page with the block is none")

    def test_a_number_that_is_none_is_said(self):
        reply = self._submit(self._form(self.first), "12")
        self.assertEqual(reply.status_code, 422)
        self.assertIn("This is not a valid phone number.", reply.text)

    def test_a_website_shows_the_sources_of_its_company(self):
        self.assertIn("First club", self._form(self.first))
        self.assertEqual(self._form(self.theirs), "")
        self.assertIn("Their club", self._form(self.theirs, Host="theirs.example"))
        self.assertEqual(self._form(self.first, Host="theirs.example"), "")

    def test_visitors_see_nothing_without_a_source_and_editors_why(self):
        self.second.active = False
        for source in (self.second, self.link, self.first.browse()):
            self.assertEqual(self._form(source), "")
        self.assertEqual(self._call("/waba/website/form", key="\0")["result"], "")
        self.authenticate("admin", "admin")
        self.assertIn("visitors see nothing here", self._form(self.second))

    def test_editors_choose_among_the_sources_of_the_website(self):
        self.assertIn("error", self._call("/waba/website/sources"))
        new_test_user(self.env, "employee", groups="base.group_user")
        self.authenticate("employee", "employee")
        self.assertIn("error", self._call("/waba/website/sources"))
        editor = new_test_user(
            self.env, "editor", groups="base.group_user,website.group_website_designer"
        )
        self.authenticate("editor", "editor")
        found = self._call("/waba/website/sources")["result"]
        self.assertEqual(
            found,
            [{"key": source.page_key, "name": source.name} for source in self.second + self.first],
        )
        self.website.company_id = self.elsewhere
        self.assertIn("error", self._call("/waba/website/sources"))
        editor.company_ids += self.elsewhere
        [found] = self._call("/waba/website/sources")["result"]
        self.assertEqual(found["name"], "Their page")

    def test_what_is_kept_is_what_was_shown(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.website.language_ids += self.env.ref("base.lang_es")
        self.first.with_context(lang="es_ES").consent_text = "Acepto."
        self.opener.cookies["frontend_lang"] = "es_ES"
        html = self._form(self.first, **{"Accept-Language": "en"})
        self.assertIn("Acepto.", html)
        self._submit(html, "600 111 222")
        form = self.env["waba.optin.visit"].search([("optin_source_id", "=", self.first.id)])
        self.assertEqual((form.wording, form.lang), ("Acepto.", "es_ES"))
