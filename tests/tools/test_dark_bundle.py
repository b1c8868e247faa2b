"""The dark style sheets, which other modules switch on: they compile with ours, and our colours
follow them."""

import re

from odoo.tests import tagged

from ..common import ROOT, WabaCase

SCSS = ROOT / "static/src"
LITERAL = re.compile(r"(?<![\w&])#[0-9a-f]{3,8}\b|\brgba?\(\d", re.IGNORECASE)
# A message as WhatsApp shows it, light in both.
LIKE_A_PHONE = {"waba.scss", "conversation.scss"}
# What a dark theme does: the greys are turned round, before Odoo's own variables.
DARK = """
$o-webclient-color-scheme: dark;
$o-white: #000;
$o-black: #fff;
$o-gray-100: #1b1d26;
$o-gray-200: #262a36;
$o-gray-300: #3c3e4b;
$o-gray-400: #5a5e6b;
$o-gray-500: #6b707f;
$o-gray-600: #7e8290;
$o-gray-700: #b1b3bc;
$o-gray-800: #d1d1d8;
$o-gray-900: #e4e4e4;
"""


@tagged("post_install", "-at_install")
class TestDarkBundle(WabaCase):
    def _css(self):
        bundle = self.env["ir.qweb"]._get_asset_bundle("web.assets_web_dark", js=False, css=True)
        css = bundle.css().raw.decode()
        self.assertEqual(bundle.css_errors, [])
        return css

    def test_it_compiles_with_our_style_sheets(self):
        self.assertIn(".o_waba_phone", self._css())

    def test_our_text_follows_the_theme(self):
        light = self._muted(self._css())
        attachment = self.env["ir.attachment"].create(
            {
                "name": "dark.scss",
                "type": "binary",
                "raw": DARK.encode(),
                "mimetype": "text/scss",
                "url": "/waba_campaign/dark.scss",
            }
        )
        self.env["ir.asset"].create(
            {
                "name": "dark",
                "bundle": "web.assets_web_dark",
                "directive": "prepend",
                "path": attachment.url,
            }
        )
        self.assertNotEqual(self._muted(self._css()), light)
        self.assertEqual(self._muted(self._css()).lower(), "#b1b3bc")

    def _muted(self, css):
        return re.search(r"\.o_waba \.text-muted[^{]*\{\s*color:\s*(#\w+)", css)[1]

    def test_colours_come_from_odoos_variables(self):
        for path in SCSS.rglob("*.scss"):
            if path.name not in LIKE_A_PHONE:
                with self.subTest(path.name):
                    self.assertEqual(LITERAL.findall(path.read_text()), [])
