"""From the button on a quotation to the customer's phone, and around WhatsApp when it fails."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from .test_send_dialog import PDF, DocumentCase


@tagged("post_install", "-at_install")
class TestSendingJourney(DocumentCase):
    """With the simulator's own record of what it got, and what it reports of the person."""

    def _send_quotation(self):
        template = self._document_template()
        action = self.order.with_user(self.salesperson).action_waba_send()["params"]
        options = self.mine.send_options(action["shown"], action["document"])
        self.assertEqual(options["template_id"], template.id)
        [person] = options["people"]
        request = {
            "conversation_id": False, "shown": person["shown"], "document": action["document"],
            "sender_id": options["sender_id"], "template_id": options["template_id"],
            "key": "once", "fallback": {"kind": "activity"},
        }  # fmt: skip
        with self._pdf():
            self.assertEqual(self.mine.send_templates([request]), [{"refused": False}])
            self.mine.send_templates([request])
        self._dispatch()
        [entry] = self.simulator.sends()
        return self._sent_rows(), entry

    def test_delivered_with_its_document(self):
        row, entry = self._send_quotation()
        header = entry["body"]["template"]["components"][0]["parameters"][0]["document"]
        uploads = [one for one in self.simulator.get("log")["entries"] if "/media" in one["path"]]
        self.assertEqual(len(uploads), 1, "one upload")
        self.assertTrue(header["id"])
        self.assertEqual((row.state, self.order.state), ("accepted", "draft"), "not yet sent")
        self._receive(self._status(row, "delivered"))
        self.assertEqual((row.state, self.order.state), ("delivered", "sent"))
        self._run_cron(self.env["waba.fallback"]._cron())
        self.assertFalse(row.fallback_text)
        self.assertFalse(self.partner.activity_ids)

    def test_not_on_whatsapp_becomes_one_call(self):
        row, _entry = self._send_quotation()
        error = {"code": 131026, "title": "Message undeliverable"}
        for _time in range(2):
            self._receive(self._status(row, "failed", errors=[error]))
            self._run_cron(self.env["waba.fallback"]._cron())
        self.assertEqual((row.state, self.order.state), ("failed", "draft"))
        self.assertEqual(len(self.partner.activity_ids), 1)
        self.assertEqual(self.partner.activity_ids.user_id, self.salesperson)
        self.assertIn("Undeliverable", self._chatter(self.order), "its note says so")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_a_document_is_sent_when_its_pdf_is(self):
        invoice = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.partner.id}
        )
        pdf, picture = {"header": {"type": "document"}}, {"header": {"type": "image"}}
        cases = [
            (self.order.copy(), pdf, ["sent"], "sent"),
            (self.order.copy(), pdf, ["read", "sent"], "sent"),
            (self.order.copy(), pdf, ["failed"], "draft"),
            (self.order.copy(), picture, ["delivered"], "draft"),
            (self.order.copy(), {}, ["delivered"], "draft"),
            (self.order.copy({"state": "cancel"}), pdf, ["delivered"], "cancel"),
            (self.order.copy({"state": "sale"}), pdf, ["delivered"], "sale"),
            (invoice.copy(), pdf, ["sent"], True),
            (invoice.copy(), pdf, ["failed"], False),
            (invoice.copy(), {}, ["read"], False),
        ]
        for index, (document, parameters, statuses, expected) in enumerate(cases):
            with self._case(f"{document._name} {parameters} {statuses} {expected}"):
                row = self._message(
                    f"+3461100{index:04d}", state="accepted", wamid=f"wamid.DOC{index}",
                    parameters=parameters, document_model=document._name, document_id=document.id,
                )  # fmt: skip
                for status in statuses:
                    self._receive(self._status(row, status))
                is_order = document._name == "sale.order"
                self.assertEqual(document.state if is_order else document.is_move_sent, expected)

    def test_the_file_goes_after_its_time(self):
        self._send_quotation()
        file = self.env["waba.file"].search([])
        self.assertEqual(file.attachment_id.raw, PDF)
        later = fields.Datetime.now() + timedelta(days=31)
        with patch.object(fields.Datetime, "now", return_value=later):
            self.env["waba.file"]._gc_expired()
        self.assertFalse(file.exists())
