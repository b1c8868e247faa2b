"""The builder in the browser: every kind of template, repair, languages, two editors."""

from odoo.tests import tagged

from .test_tours import TourCase

BODY = "Hola, esta semana hay descuento en toda la tienda de muebles."


@tagged("post_install", "-at_install")
class TestBuilderTours(TourCase):
    browser_size = "1440x900"

    def setUp(self):
        super().setUp()
        self.env.company.partner_id.lang = False
        self.manager.lang = "en_US"

    def _draft(self, **values):
        return self.env["waba.template.draft"].create(
            {
                "title": "Winter offer", "account_id": self.account.id, "language": "es",
                "body": BODY, "buttons": [{"kind": "quick_reply", "text": "OK"}], **values,
            }
        )  # fmt: skip

    def _written(self, title):
        return self.env["waba.template.draft"].search([("title", "=", title)])

    def test_an_image_and_buttons(self):
        self._opportunities("+34 611 000 001")
        self._tour("waba_builder_image_and_buttons", "waba_manager")
        draft = self._written("Sofas in winter")
        header, body, footer, buttons = draft.template_id.components
        self.assertTrue(header["example"]["header_handle"][0].startswith("4:"))
        self.assertIn("{{first_name}}", body["text"])
        self.assertEqual(footer["text"], "Muebles Roble")
        kinds = [one["type"] for one in buttons["buttons"]]
        self.assertEqual(kinds, ["URL", "PHONE_NUMBER", "QUICK_REPLY"])
        line = draft.template_id.variable_ids.filtered(lambda one: one.kind == "payload")
        self.assertEqual(line.text, "WABA_STOP")

    def test_a_carousel(self):
        self._tour("waba_builder_carousel", "waba_manager")
        draft = self._written("Three rooms")
        self.assertEqual(
            [part["type"] for part in draft.template_id.components], ["BODY", "CAROUSEL"]
        )

    def test_a_limited_time_offer(self):
        self._tour("waba_builder_offer", "waba_manager")
        draft = self._written("Two days only")
        [offer, *_rest] = draft.template_id.components
        self.assertEqual(offer["limited_time_offer"]["text"], "¡Solo dos días!")

    def test_right_to_left(self):
        self.env["ir.default"].set("waba.template.draft", "language", "he")
        self._tour("waba_builder_right_to_left", "waba_salesperson")
        self.assertEqual(self._written("Winter in Hebrew").language, "he")

    def test_a_rejected_one_is_repaired(self):
        draft = self._draft()
        dialog = self.env["waba.template.submit"].with_user(self.manager)
        dialog.create({"draft_id": draft.id}).action_confirm()
        self._change_template("winter_offer", status="REJECTED", reason="PROMOTIONAL")
        self.account._sync()
        self._tour("waba_builder_repair", "waba_manager")
        self.assertIn("un descuento", draft.template_id.body)

    def test_languages(self):
        self._draft()
        self._tour("waba_builder_languages", "waba_salesperson")
        self.assertEqual(len(self._written("Winter offer")), 2)

    def test_a_form_left_as_it_was_makes_no_draft(self):
        self._tour("waba_builder_untouched", "waba_salesperson")
        self.assertFalse(self.env["waba.template.draft"].search([]))

    def test_two_editors(self):
        draft = self._draft()
        self._tour("waba_builder_two_editors", "waba_salesperson")
        self.assertEqual(draft.body, "Hola, mi otro texto.")
