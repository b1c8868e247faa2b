"""The main screens, read by axe-core and measured: contrast, names, keyboard, texts that fit.

One browser opens every screen in turn (static/tests/audit.js). A finding names its screen, its
rule and its element.
"""

import importlib.util
import json
from pathlib import Path

from odoo.tests import tagged

from ..common import ROOT
from .test_tours import WHOLE_TOUR, TourCase

AXE = Path(importlib.util.find_spec("axe_playwright_python").origin).parent / "axe.min.js"
AUDIT = ROOT / "static/tests/audit.js"
# What Odoo draws around every screen, and its own widgets: not ours to change.
ODOOS_OWN = [
    "^html-has-lang ",
    r"\.o_main_navbar",
    r"\.o_menu_systray",
    # Control panel and search bar
    r"\.o_control_panel(?!.*o_waba)",
    r"\.o_cp_",
    r"\.o_searchview",
    r"^button-name at .*(o_list_actions_header|o_button_more|o_clipboard_button)",
    # The chatter, avatars and activities
    r"\.o-mail-",
    r"^image-alt at .*o_avatar",
    # Tabs, checkboxes, drop-downs and progress bars of views
    r"^aria-required-parent at .*(o_notebook_headers|settings_tab)",
    r"^label at .*(o_list_record_selector|o_field_percentage|o_field_integer)",
    r"^(autocomplete-valid|aria-allowed-attr) at .*(o_select_menu|o-autocomplete)",
    r"^aria-allowed-attr at .*o_progressbar",
    r"^aria-required-parent at .*o_inline_mode",
    # Colours outside of our views: settings, a lead's own form
    r"^color-contrast at (?!.*\(ours\))",
]


class AuditCase(TourCase):
    allow_inherited_tests_method = True

    def setUp(self):
        super().setUp()
        self.world = self._make_world()

    def _make_world(self):
        """A draft, a campaign with every result, a conversation, a follow-up and a lead."""
        leads = self._opportunities("+34 611 000 001", "+34 611 000 002", "n/a")
        done = self._launch(leads, name="Autumn offer", user_id=self.salesperson.id)
        self._dispatch()
        draft = self._campaign(leads, name="Winter offer", user_id=self.salesperson.id)
        template = self.env["waba.template.draft"].create(
            {
                "title": "Winter offer", "account_id": self.account.id, "language": "es",
                "header_type": "image", "body": "Hola {{first_name}}, hay novedades esta semana.",
                "buttons": [{"kind": "url", "text": "Ver", "url": "https://www.example.com"}],
            }
        )  # fmt: skip
        return {"lead": leads[0], "done": done, "draft": draft, "template": template}

    def _screens(self):
        xmlid = "waba_campaign.{}".format

        def form(model, record):
            return {
                "type": "ir.actions.act_window",
                "res_model": model,
                "res_id": record.id,
                "views": [[False, "form"]],
            }

        draft = form("waba.campaign", self.world["draft"])
        return [
            {"name": "campaigns", "action": xmlid("waba_campaign_action")},
            {"name": "campaign, done", "action": form("waba.campaign", self.world["done"])},
            {"name": "campaign, draft", "action": draft},
            {
                "name": "pre-flight",
                "action": draft,
                "click": ["button[name=action_preflight]"],
            },
            {"name": "recipients", "action": xmlid("waba_message_action")},
            {"name": "reputation", "action": xmlid("waba_reputation_dashboard_action")},
            {"name": "number", "action": form("waba.sender", self.sender)},
            {"name": "conversations", "action": xmlid("waba_conversation_action")},
            {"name": "follow-ups", "action": xmlid("waba_sequence_action")},
            {"name": "builder", "action": form("waba.template.draft", self.world["template"])},
            {"name": "lead", "action": form("crm.lead", self.world["lead"])},
            {"name": "account", "action": form("waba.account", self.account)},
            {"name": "settings", "action": xmlid("waba_settings_action")},
        ]

    def _audit(self, login="admin", read=True):
        parts = [
            AXE.read_text(),
            f"const READ = {json.dumps(read)};",
            f"const SCREENS = {json.dumps(self._screens())};",
            f"const ODOOS_OWN = {json.dumps(ODOOS_OWN)};",
            AUDIT.read_text(),
        ]
        self.browser_js(
            "/odoo",
            "\n".join(parts),
            ready="odoo.isReady",
            login=login,
            timeout=WHOLE_TOUR,
            success_signal="audit passed",
        )


@tagged("post_install", "-at_install")
class TestAccessibility(AuditCase):
    browser_size = "1440x900"

    def test_the_main_screens_have_no_serious_finding(self):
        self._audit()


@tagged("post_install", "-at_install")
class TestAccessibilityOnAPhone(AuditCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_the_main_screens_have_no_serious_finding(self):
        self._audit()

    def test_no_text_is_cut_in_any_language(self):
        admin = self.env.ref("base.user_admin")
        for code in ("es_ES", "pt_BR", "fr_FR"):
            with self.subTest(code):
                self.env["res.lang"]._activate_lang(code)
                self.env["ir.module.module"]._load_module_terms(["waba_campaign"], [code])
                admin.lang = code
                self._audit(read=False)
