"""The dialog *Send WhatsApp*: proposal, preview, reasons, documents; each dialog sends once."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..campaign.test_template_kinds import Form, KindCase, buttons, media

PDF = b"%PDF-1.4 the quotation %%EOF"
FIRST, SECOND = "+34611000001", "+34611000002"
DOCUMENT_BODY = {
    "type": "BODY",
    "text": "Hi {{first_name}}, thank you for your visit to our store. Here is your quotation "
    "{{order_number}} with a total of {{order_total}}. The prices in it are valid until "
    "{{due_date}}, and you can ask us about them here at any time.",
    "example": {
        "body_text_named_params": [
            {"param_name": "first_name", "example": "Emma"},
            {"param_name": "order_number", "example": "S1"},
            {"param_name": "order_total", "example": "10 EUR"},
            {"param_name": "due_date", "example": "1 May"},
        ]
    },
}


class SendCase(KindCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_same_template_hours = 24
        lines = self.utility_template.variable_ids.filtered(lambda line: not line._is_complete())
        lines.write({"source": "text", "text": "4711"})
        self.mine = self.env["waba.conversation"].with_user(self.salesperson)

    def _request(self, record, template=None, **more):
        return {
            "conversation_id": False, "shown": [record._name, record.id],
            "sender_id": self.sender.id, "key": f"k-{record.id}",
            "template_id": (template or self.utility_template).id, **more,
        }  # fmt: skip

    def _options(self, *records, document=None):
        shown = [[record._name, record.id] for record in records]
        return self.mine.send_options(shown, document and [document._name, document.id])

    def _sent_rows(self):
        return self.env["waba.message"].search([("direction", "=", "out")], order="id")


@tagged("post_install", "-at_install")
class TestSendDialog(SendCase):
    def test_the_action_names_the_marked_records(self):
        leads = self._lead(FIRST) + self._lead(SECOND)
        action = leads.with_user(self.salesperson).action_waba_send()
        self.assertEqual(action["tag"], "waba_send")
        self.assertEqual(action["params"]["shown"], [["crm.lead", id_] for id_ in leads.ids])
        theirs = self._lead(FIRST, user_id=self.manager.id)
        with self.assertRaises(AccessError):
            theirs.with_user(self._salesperson_of_own()).action_waba_send()

    def test_a_double_click_and_a_second_tab_send_once(self):
        lead = self._lead(FIRST)
        request = self._request(lead)
        self.assertEqual(self.mine.send_templates([request]), [{"refused": False}])
        self.assertEqual(self.mine.send_templates([request]), [{"refused": False}])
        [answer] = self.mine.send_templates([{**request, "key": "another tab"}])
        self.assertIn("same template", answer["refused"])
        self.assertEqual(self._sent_rows().mapped("state"), ["queued", "skipped"])
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)
        self.assertEqual(self._sent_rows()[0].res_id, lead.id)

    def test_several_get_theirs_and_each_refusal_is_said(self):
        first, second, silent = self._lead(FIRST), self._lead(SECOND), self._lead(False)
        self.mine.conversation_template(self._request(second))
        self.env["phone.blacklist"].add(SECOND)
        leads = first + second + silent
        requests = [self._request(lead) for lead in leads]
        previews = self.mine.send_previews(requests)
        self.assertFalse(previews[0]["problem"])
        self.assertIn("blacklist", previews[1]["problem"])
        self.assertIn("no valid phone number", previews[2]["problem"])
        answers = self.mine.send_templates(requests)
        self.assertEqual([bool(one["refused"]) for one in answers], [False, True, True])
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_the_template_used_last_in_this_stage_is_proposed(self):
        stages = self.env["crm.stage"].search([], limit=2)
        one, other, elsewhere = (
            self._lead(f"+3461100001{index}", type="opportunity", stage_id=stage.id)
            for index, stage in enumerate((stages[0], stages[0], stages[1]))
        )
        self.assertFalse(self._options(one)["template_id"], "nothing was sent yet")
        self.mine.send_templates([self._request(one)])
        self.assertEqual(self._options(other)["template_id"], self.utility_template.id)
        self.assertFalse(self._options(elsewhere)["template_id"])
        self.utility_template.sudo().status = "paused"
        self.assertFalse(self._options(other)["template_id"], "no longer allowed")

    def test_more_than_a_few_are_a_campaign(self):
        with self.assertRaisesRegex(UserError, "campaign"):
            self._options(*self._leads(21))


class DocumentCase(SendCase):
    def setUp(self):
        super().setUp()
        if "sale.order" not in self.env:
            self.skipTest("sales are not installed")
        self.partner = self.env["res.partner"].create({"name": "Ana Gil", "phone": FIRST})
        product = self.env["product.product"].create({"name": "Sofa", "list_price": 950})
        self.order = self.env["sale.order"].create(
            {
                "partner_id": self.partner.id, "user_id": self.salesperson.id,
                "validity_date": fields.Date.today() + timedelta(days=30),
                "order_line": [(0, 0, {"product_id": product.id, "tax_ids": False})],
            }
        )  # fmt: skip
        self.salesperson.group_ids |= self.env.ref("account.group_account_invoice")

    def _document_template(self, *parts):
        components = [media("DOCUMENT"), DOCUMENT_BODY, *parts]
        template = self._created(components, Form(is_named=True), "the_order", "UTILITY")
        template.sudo().variable_ids.filtered(
            lambda line: line.name == "first_name"
        ).source = "first_name"
        return template

    def _pdf(self, content=PDF):
        report = type(self.env["ir.actions.report"])
        return patch.object(report, "_render_qweb_pdf", return_value=(content, "pdf"))

    def _of(self, document, template, **more):
        return self._request(self.partner, template, document=[document._name, document.id], **more)


@tagged("post_install", "-at_install")
class TestSendDocument(DocumentCase):
    def test_a_quotation_leaves_with_its_pdf_and_its_values(self):
        link = {
            "type": "URL", "text": "View", "url": f"{self.order.get_base_url()}/{{{{1}}}}",
            "example": [f"{self.order.get_base_url()}/my"],
        }  # fmt: skip
        template = self._document_template(buttons(link))
        button = template.variable_ids.filtered(lambda line: line.kind == "url")
        button.sudo().source = "document_link"
        action = self.order.with_user(self.salesperson).action_waba_send()["params"]
        self.assertEqual(action["document"], ["sale.order", self.order.id])
        self.assertEqual(action["shown"], [["res.partner", self.partner.id]])
        options = self._options(self.partner, document=self.order)
        self.assertEqual(options["template_id"], template.id, "it shows the document")
        request = self._of(self.order, template)
        preview = self.mine.conversation_template(request)
        self.assertFalse(preview["problem"])
        for text in (self.order.name, "950", f"{self.order.name}.pdf"):
            self.assertIn(text, preview["html"])
        with self._pdf() as made:
            self.assertEqual(self.mine.send_templates([request]), [{"refused": False}])
            self.mine.send_templates([request])
            self.assertEqual(made.call_count, 1)
        self._dispatch()
        [entry] = self.simulator.sends()
        header, body, view = entry["body"]["template"]["components"]
        document = header["parameters"][0]["document"]
        self.assertIn(self.order.name, document["filename"])
        self.assertTrue(document["filename"].endswith(".pdf"))
        self.assertIn("950", str(body))
        self.assertIn(self.order.access_token, str(view))
        row = self._sent_rows()
        self.assertEqual((row.document_model, row.document_id), ("sale.order", self.order.id))
        self.assertEqual((row.res_model, row.res_id), ("res.partner", self.partner.id))
        self.assertIn("WhatsApp to Ana Gil", self._chatter(self.order))
        file = self.env["waba.file"].search([])
        self.assertEqual((len(file), file.attachment_id.raw), (1, PDF))
        file.expires_at = fields.Datetime.now() - timedelta(days=1)
        file._gc_expired()
        self.assertFalse(file.exists())
        row.invalidate_recordset()
        self.assertIn(self.order.name, row.preview_html, "the message still shows its name")

    def test_what_must_not_leave_is_refused_with_the_reason(self):
        template = self._document_template()
        invoice = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.partner.id}
        )
        with self._pdf():
            [draft] = self.mine.send_templates([self._of(invoice, template)])
        self.assertIn("draft", draft["refused"])
        with self._pdf(b"<html/>"):
            [broken] = self.mine.send_templates([self._of(self.order, template)])
        self.assertIn("wkhtmltopdf", broken["refused"])
        limit = "odoo.addons.waba_campaign.policy.media.MAX_BYTES"
        with self._pdf(), patch.dict(limit, document=3):
            [large] = self.mine.send_templates([self._of(self.order, template)])
        self.assertIn("too large", large["refused"])
        self.order._action_cancel()
        self.assertIn("cancelled", self._options(self.partner, document=self.order)["problem"])
        self.assertFalse(self._sent_rows())

    def test_nobody_sends_what_they_may_not_read(self):
        template = self._document_template()
        outsider = self._salesperson_of_own()
        self.order.user_id = self.manager
        theirs = self.env["waba.conversation"].with_user(outsider)
        for call in (theirs.conversation_template, lambda one: theirs.send_templates([one])):
            with self.assertRaises(AccessError):
                call(self._of(self.order, template))
        with self.assertRaises(AccessError):
            theirs.send_templates([self._of(self.env.user, template)])

    def test_a_campaign_has_no_value_for_a_document(self):
        template = self._document_template()
        line = template.variable_ids.filtered(lambda line: line.name == "due_date")
        line.sudo().source = "document_due"
        campaign = self._filled(self._lead(FIRST), template)
        with self.assertRaisesRegex(UserError, "due_date"):
            campaign._check_message()
