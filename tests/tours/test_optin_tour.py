"""From a page made by clicks, over the visitor's phone, to the confirmed consent on the screen."""

import re

from odoo.tests import tagged

from .test_tours import TourCase

FITS = """
    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth) {
        console.error(`${wide} pixels on a screen of ${window.innerWidth}`);
    } else if (document.querySelector("script")) {
        console.error("the page needs JavaScript");
    } else {
        console.log("test successful");
    }
"""


@tagged("post_install", "-at_install")
class TestOptinTour(TourCase):
    browser_size = "1440x900"

    def _show(self, path):
        """The visitor sees the page on a phone."""
        self.browser_size = "390x844"
        self.browser_js(path, FITS)
        self.browser_size = "1440x900"

    def test_from_a_page_to_confirmed_consent(self):
        self._tour("waba_create_optin_page", "waba_manager")
        source = self.env["waba.optin.source"].search([("name", "=", "Muebles club")])
        self.assertEqual((source.kind, source.sender_id.company_id), ("page", self.env.company))
        self._show(source._page_path())
        self.authenticate(None, None)
        page = self.url_open(source._page_path())
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
        values = {"csrf_token": token, "number": "611 000 001"}
        reply = self.url_open(source._page_path(), data=values)
        code = reply.url.rpartition("/")[2]
        self._show(source._page_path(f"/{code}"))
        self._receive(self._inbound("+34611000001", source._message_text(code)))
        person = self.env["waba.recipient"].search([("number", "=", "+34611000001")])
        self.assertEqual(person.consent_ids.optin_source_id, source)
        action = "/odoo/action-waba_campaign.waba_optin_source_action"
        self._tour("waba_optin_results", "waba_manager", f"{action}/{source.id}")
