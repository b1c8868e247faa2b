"""Files of templates: kept once, uploaded once per number, renewed, and what a failure does."""

import io
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from PIL import Image

from ...cloud_api import CloudApiClient, RequestRefused, RetryLater
from ...policy import media as media_policy
from ..common import WabaCase

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def picture(colour="red", kind="JPEG"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, kind)
    return buffer.getvalue()


class FileCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pictured = cls._template("season_sale", "en")

    def _uploaded(self, content, name="sofa.jpg", user=None):
        """The attachment that the browser's upload leaves."""
        attachments = self.env["ir.attachment"].with_user(user or self.salesperson).sudo(False)
        return attachments.create(
            {"name": name, "raw": content, "res_model": "waba.file", "res_id": 0}
        )

    def _file(self, content=None, name="sofa.jpg", kind="image", user=None):
        user = user or self.salesperson
        attachment = self._uploaded(picture() if content is None else content, name, user)
        files = self.env["waba.file"].with_user(user).sudo(False)
        return self.env["waba.file"].browse(files.keep_upload(attachment.id, kind)["id"])

    def _pictured_campaign(self, records, file=None, **values):
        campaign = self._campaign(records, template_id=self.pictured.id, **values)
        line = campaign.variable_ids.filtered(lambda one: one.kind == "image")
        line.write({"source": "file", "file_id": (file or self._file()).id})
        return campaign

    def _prepared(self, campaign):
        campaign._start_launch()
        self._prepare()
        return campaign

    def _requests(self, edge):
        entries = self.simulator.get("log")["entries"]
        return [one for one in entries if one["path"].endswith(f"/{edge}")]

    def _sent_media(self):
        return [
            send["body"]["template"]["components"][0]["parameters"][0]["image"]["id"]
            for send in self.simulator.sends()
        ]

    def _refusing(self, error):
        return patch.object(CloudApiClient, "upload_media", side_effect=error)


class TestKeeping(FileCase):
    def test_one_content_is_kept_once(self):
        first, again = self._file(), self._file()
        self.assertEqual(first, again)
        self.assertNotEqual(first, self._file(picture("blue")))
        self.assertEqual(first.mimetype, "image/jpeg")
        self.assertEqual(first.company_id, self.env.company)

    def test_what_whatsapp_does_not_show_is_refused_at_the_form(self):
        too_large = media_policy.MAX_BYTES
        cases = [
            ("image", "a.gif", picture(kind="GIF"), "choose a JPEG or PNG image"),
            ("image", "a.jpg", PDF, "choose a JPEG or PNG image"),
            ("image", "a.jpg", b"", "is empty"),
            ("image", "a.png", picture(kind="PNG") + b"\0" * too_large["image"], "up to 5 MB"),
            ("video", "a.jpg", picture(), "choose an MP4 video"),
            ("video", "a.mp4", MP4 + b"\0" * too_large["video"], "up to 16 MB"),
            ("document", "a.jpg", picture(), "choose a PDF, text or Office file"),
            ("document", "a.html", b"<html><script>1</script></html>", "choose a PDF"),
        ]
        for kind, name, content, words in cases:
            with self.subTest(kind=kind, name=name), self.assertRaisesRegex(UserError, words):
                self._file(content, name, kind)
        for kind, name, content in [
            ("image", "a.png", picture(kind="PNG")), ("video", "a.mp4", MP4),
            ("document", "a.pdf", PDF), ("document", "a.txt", b"hello there"),
        ]:  # fmt: skip
            with self.subTest(kind=kind, name=name):
                self.assertTrue(self._file(content, name, kind))

    def test_a_file_of_the_wrong_kind_cannot_be_chosen(self):
        campaign = self._campaign(self._leads(1), template_id=self.pictured.id)
        line = campaign.variable_ids.filtered(lambda one: one.kind == "image")
        with self.assertRaisesRegex(UserError, "choose a JPEG or PNG image"):
            line.write({"source": "file", "file_id": self._file(PDF, "a.pdf", "document").id})

    def test_nobody_keeps_what_another_uploaded(self):
        attachment = self._uploaded(picture(), user=self.manager)
        files = self.env["waba.file"].with_user(self.salesperson).sudo(False)
        for wrong in (attachment.id, 999_999_999, self.env.company.partner_id.id):
            with self.subTest(wrong), self.assertRaises(AccessError):
                files.keep_upload(wrong, "image")
        bound = self._uploaded(picture())
        bound.sudo().write({"res_model": "res.partner", "res_id": self.env.user.partner_id.id})
        with self.assertRaises(AccessError):
            files.keep_upload(bound.id, "image")

    def test_a_file_of_another_company_cannot_be_chosen(self):
        file = self._file()
        file.sudo().company_id = self.env["res.company"].create({"name": "Elsewhere"})
        campaign = self._campaign(self._leads(1), template_id=self.pictured.id)
        line = campaign.variable_ids.filtered(lambda one: one.kind == "image")
        with self.assertRaisesRegex(ValidationError, "belongs to another company"):
            line.write({"source": "file", "file_id": file.id})


class TestUploading(FileCase):
    def test_a_campaign_uploads_its_file_once(self):
        campaign = self._prepared(self._pictured_campaign(self._leads(3)))
        self.assertEqual(self._requests("media"), [], "not in the request, not while preparing")
        self._dispatch()
        self.assertEqual(len(self._requests("media")), 1)
        self.assertEqual(len(self._sent_media()), 3)
        self.assertEqual(len(set(self._sent_media())), 1)
        self.assertEqual(campaign.state, "done")
        row = self._rows(campaign)[0]
        self.assertEqual(row.parameters["header"]["filename"], "sofa.jpg")
        self.assertIn('alt="sofa.jpg"', row.preview_html)
        self.assertIn("/web/image/", row.preview_html)
        # Another campaign of the number uses the same upload; another number has its own.
        self._prepared(self._pictured_campaign(self._leads(1, start=50)))
        self._dispatch()
        self.assertEqual(len(self._requests("media")), 1)
        mexican = self._pictured_campaign(self._leads(1, start=60), sender_id=self.sender_mx.id)
        self._prepared(mexican)
        self._dispatch(self.sender_mx)
        self.assertEqual(len(self._requests("media")), 2)
        self.assertEqual(len(set(self._sent_media())), 2)

    def test_a_direct_message_waits_for_its_file(self):
        line = self.pictured.variable_ids.filtered(lambda one: one.kind == "image")
        line.write({"source": "file", "file_id": self._file().id})
        row = self.env["waba.message"]._queue_direct(
            self.sender, self._lead("+34 611 000 001"), origin="manual", template=self.pictured
        )
        self.assertEqual((row.state, row.is_uploading), ("queued", True))
        self._dispatch()
        self.assertEqual((row.state, row.is_uploading), ("accepted", False))
        self.assertEqual(len(self._requests("media")), 1)

    def test_an_upload_is_renewed_before_it_ends(self):
        self._prepared(self._pictured_campaign(self._leads(1)))
        self._dispatch()
        upload = self.env["waba.file.upload"].search([])
        known = upload.media_uid
        now = fields.Datetime.now()
        self.assertTrue(28 <= (upload.expires_at - now).days < 30)
        for left, is_renewed in ((timedelta(days=3), False), (timedelta(days=1), True)):
            with self.subTest(left):
                upload.expires_at = now + left
                self._prepared(
                    self._pictured_campaign(self._leads(1, start=10 + left.days), self._file())
                )
                self._dispatch()
                self.assertEqual(upload.media_uid != known, is_renewed)
        self.assertEqual(self._sent_media()[-1], upload.media_uid)

    def test_an_upload_that_ended_in_the_queue_is_repeated(self):
        line = self.pictured.variable_ids.filtered(lambda one: one.kind == "image")
        line.write({"source": "file", "file_id": self._file().id})
        row = self.env["waba.message"]._queue_direct(
            self.sender, self._lead("+34 611 000 001"), origin="manual", template=self.pictured
        )
        row.is_uploading = False
        self._dispatch()
        self.assertEqual((row.state, row.is_uploading), ("queued", True))
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_a_temporary_failure_pauses_and_loses_nothing(self):
        campaign = self._prepared(self._pictured_campaign(self._leads(2)))
        with self._refusing(RetryLater(message="Meta is busy", code=2)):
            self._dispatch()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "failure"))
        self.assertIn("sofa.jpg could not be uploaded to WhatsApp", campaign.pause_reason)
        self.assertIn("Retrying automatically", campaign.pause_reason)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertGreater(campaign.resume_at, fields.Datetime.now())
        with self._moving_clock() as move:
            move(60)
            self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted"})

    def test_a_refused_file_pauses_until_somebody_resumes(self):
        campaign = self._prepared(self._pictured_campaign(self._leads(2)))
        with self._refusing(RequestRefused(message="Unreadable file", code=131053)):
            self._dispatch()
        self.assertEqual(campaign.state, "paused")
        self.assertFalse(campaign.resume_at)
        self.assertIn("WhatsApp refused the file sofa.jpg", campaign.pause_reason)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        campaign.action_resume()
        self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted"})

    def test_a_refused_file_excludes_a_direct_message(self):
        line = self.pictured.variable_ids.filtered(lambda one: one.kind == "image")
        line.write({"source": "file", "file_id": self._file().id})
        row = self.env["waba.message"]._queue_direct(
            self.sender, self._lead("+34 611 000 001"), origin="manual", template=self.pictured
        )
        with self._refusing(RequestRefused(message="Unreadable file", code=131053)):
            self._dispatch()
        self.assertEqual((row.state, row.failure_type), ("skipped", "media"))
        self.assertIn("Unreadable file", row.failure_reason)

    def test_a_failed_renewal_stops_nothing_while_the_old_one_lives(self):
        self._prepared(self._pictured_campaign(self._leads(1)))
        self._dispatch()
        upload = self.env["waba.file.upload"].search([])
        upload.expires_at = fields.Datetime.now() + timedelta(hours=20)
        campaign = self._prepared(self._pictured_campaign(self._leads(1, start=9)))
        with self._refusing(RetryLater(message="Meta is busy", code=2)):
            self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(self._rows(campaign).state, "accepted")

    def test_the_form_shows_the_file_and_the_preview_its_name(self):
        campaign = self._pictured_campaign(self._leads(1))
        self.assertIn("sofa.jpg", campaign.preview_html)
        line = campaign.variable_ids.filtered(lambda one: one.kind == "image")
        self.assertEqual((line.part_name, line.label), ("Header", "Image"))
