"""Files in messages: fetched from WhatsApp by a job, uploaded before a message leaves."""

import base64
from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.cloud_api.transport import may_carry_token
from odoo.addons.waba_campaign.policy import media as media_policy
from odoo.exceptions import UserError

from ..common import TOKEN, PublicAddress
from .test_conversation import ConversationCase
from .test_inbound import NUMBER

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
PAGE = b"<html><script>alert(1)</script></html>"


class MediaCase(ConversationCase):
    def _send_file(self, kind="image", mimetype="image/png", content=PNG, number=NUMBER, **values):
        """Somebody sends a file through the simulator; our message row."""
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.simulator.post(
            "inbound",
            phone_id=self.sender.phone_number_uid,
            number=number,
            media={
                "kind": kind,
                "mime_type": mimetype,
                "content": base64.b64encode(content).decode(),
                **values,
            },
        )
        self._apply_posted()
        return self.env["waba.message"].search([("direction", "=", "in")], order="id desc", limit=1)

    def _transfer(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_media"))

    def _due(self, media):
        media.retry_at = fields.Datetime.now()

    def _file_requests(self):
        return [e for e in self.simulator.get("log")["entries"] if "attachments" in e["path"]]


class TestFetching(MediaCase):
    def test_a_picture_is_fetched_by_the_job_and_never_by_the_webhook(self):
        lead = self._lead(NUMBER, user_id=self.marta.id)
        message = self._send_file(caption="Mi salón")
        media = message.media_ids
        self.assertEqual((message.text, media.state), ("Mi salón", "pending"))
        self.assertFalse(self._file_requests())
        self._transfer()
        self.assertEqual((media.state, media.mimetype, media.size), ("done", "image/png", len(PNG)))
        attachment = media.attachment_id
        self.assertEqual(attachment.raw, PNG)
        self.assertEqual((attachment.res_model, attachment.res_id), ("crm.lead", lead.id))
        self.assertTrue(attachment.with_user(self.marta).has_access("read"))
        self.assertFalse(attachment.with_user(self.pedro).has_access("read"))

    def test_without_a_record_it_is_the_conversations(self):
        message = self._send_file(number="+34699000222")
        self._transfer()
        attachment = message.media_ids.attachment_id
        self.assertEqual(attachment.res_model, "waba.conversation")
        self.assertEqual(attachment.res_id, self._conversation().id)

    def test_every_kind_of_file_is_kept_as_what_it_is(self):
        pdf = b"%PDF-1.4 test"
        for kind, mimetype, content, values, kept in [
            ("audio", "audio/ogg; codecs=opus", b"OggS\x00\xff", {"voice": True}, "audio/ogg"),
            ("video", "video/mp4", b"\x00\x00\x00\x18ftypmp42", {}, "video/mp4"),
            ("sticker", "image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", {}, None),
            ("document", "application/pdf", pdf, {"filename": "plano.pdf"}, "application/pdf"),
            ("document", "text/html", PAGE, {"filename": "x.html"}, media_policy.DOWNLOAD_TYPE),
            ("image", "image/png", PAGE, {}, media_policy.DOWNLOAD_TYPE),
        ]:
            with self._case(f"{kind} {mimetype}"):
                message = self._send_file(kind, mimetype, content, **values)
                self._transfer()
                media = message.media_ids
                self.assertEqual(media.state, "done")
                self.assertEqual(media.attachment_id.raw, content)
                if kept:
                    self.assertEqual(media.mimetype, kept)
                if "filename" in values:
                    self.assertEqual(media.name, values["filename"])
                self.assertNotIn("html", media.attachment_id.mimetype)

    def test_what_fails_is_tried_again_with_growing_waits(self):
        media = self._send_file().media_ids
        with self._fault(kind="error", code=131000, endpoint="*", count=None):
            waits = []
            for _index in range(3):
                self._due(media)
                self._transfer()
                self.assertEqual(media.state, "pending")
                self.assertIn("131000", media.reason)
                waits.append(media.retry_at - self.env.cr.now().replace(tzinfo=None))
        self.assertEqual(waits, sorted(waits))
        self.assertEqual(media.attempt_count, 3)
        self._due(media)
        self._transfer()
        self.assertEqual((media.state, media.reason), ("done", False))

    def test_what_whatsapp_no_longer_has_is_said_in_words(self):
        media = self._send_file().media_ids
        self.simulator.post("media", id=media.media_uid, expires_at=1)
        self._transfer()
        self.assertEqual(media.state, "failed")
        self.assertIn("no longer has this file", media.reason)

    def test_after_seven_days_it_is_given_up(self):
        media = self._send_file().media_ids
        media.expires_at = self.now + timedelta(seconds=10)
        with self._fault(kind="error", code=131000, endpoint="*", count=None):
            self._transfer()
        self.assertEqual(media.state, "failed")
        self.assertIn("7 days", media.reason)

    def test_a_file_that_is_larger_than_announced_kinds_is_not_taken(self):
        media = self._send_file("sticker", "image/webp", b"x" * (media_policy.MIB)).media_ids
        self._transfer()
        self.assertEqual(media.state, "failed")
        self.assertIn("too large", media.reason)
        self.assertFalse(self._file_requests(), "its size is known before")

    def test_other_bytes_than_announced_are_not_kept(self):
        media = self._send_file().media_ids
        self.simulator.post(
            "media", id=media.media_uid, content=base64.b64encode(b"other").decode()
        )
        self._transfer()
        self.assertEqual(media.state, "pending")
        self.assertIn("damaged", media.reason)
        self.assertFalse(media.attachment_id)

    def test_the_token_is_sent_to_no_other_server(self):
        stranger = PublicAddress()
        self.addCleanup(stranger.stop)
        media = self._send_file().media_ids
        self.simulator.post("settings", media_origin=stranger.url)
        self._transfer()
        self.assertEqual(media.state, "pending")
        self.assertIn("neither Meta's nor the account's", media.reason)
        self.assertFalse(stranger.handshakes)

    def test_addresses(self):
        ours = "http://127.0.0.1:8090"
        metas = "https://graph.facebook.com"
        for url, base, may in [
            ("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", metas, True),
            ("https://graph.facebook.com/x", metas, True),
            ("https://scontent.whatsapp.net:443/x", metas, True),
            ("http://127.0.0.1:8090/x?mid=1", ours, True),
            ("https://lookaside.fbsbx.com/x", ours, True),
            ("http://lookaside.fbsbx.com/x", metas, False),
            ("https://lookaside.fbsbx.com:8443/x", metas, False),
            ("https://fbsbx.com.evil.test/x", metas, False),
            ("https://evilfbsbx.com/x", metas, False),
            ("https://lookaside.fbsbx.com@evil.test/x", metas, False),
            ("https://evil.test/#.fbsbx.com/", metas, False),
            ("https://evil.test\\.fbsbx.com/", metas, False),
            ("http://127.0.0.1:8091/x", ours, False),
            ("https://127.0.0.1:8090/x", ours, False),
            ("http://169.254.169.254/latest/meta-data", metas, False),
            ("file:///etc/passwd", ours, False),
            ("https://lookaside.fbsbx.com/ x", metas, False),
            ("", metas, False),
            (None, metas, False),
        ]:
            with self.subTest(url=url, base=base):
                self.assertIs(may_carry_token(url, base), may)


class TestSending(MediaCase):
    def _attachment(self, name="sofa.png", mimetype="image/png", content=PNG):
        return self.env["ir.attachment"].create(
            {"name": name, "raw": content, "mimetype": mimetype}
        )

    def _queue(self, **values):
        lead = self._lead(NUMBER, user_id=self.marta.id)
        self._send_file("image")
        return self.env["waba.message"]._queue_direct(
            self.sender,
            lead,
            origin="manual",
            user=self.marta,
            **{"media": {"attachment": self._attachment()}, **values},
        )

    def _sent(self):
        return [entry["body"] for entry in self.simulator.sends()]

    def test_a_file_is_uploaded_and_then_sent_by_its_id(self):
        row = self._queue(text="Este es")
        self.assertEqual((row.state, row.kind, row.is_uploading), ("queued", "image", True))
        self._dispatch()
        self.assertFalse(self._sent(), "it waits for its file")
        self._transfer()
        self.assertFalse(row.is_uploading)
        self._dispatch()
        [body] = self._sent()
        uid = row.media_ids.filtered(lambda m: m.message_id == row).media_uid
        self.assertEqual(body["type"], "image")
        self.assertEqual(body["image"], {"id": uid, "caption": "Este es"})
        self.assertEqual(row.state, "accepted")

    def test_a_document_keeps_its_name(self):
        pdf = self._attachment("plano.pdf", "application/pdf", b"%PDF-1.4 x")
        row = self._queue(media={"attachment": pdf})
        self._transfer()
        self._dispatch()
        self.assertEqual(self._sent()[0]["document"]["filename"], "plano.pdf")
        self.assertEqual(row.kind, "document")

    def test_a_file_that_whatsapp_does_not_take_is_named(self):
        for name, mimetype, content, words in [
            ("x.svg", "image/svg+xml", b"<svg/>", "cannot be sent. WhatsApp accepts"),
            ("x.png", "image/png", PNG + b"0" * (5 * media_policy.MIB), "up to 5 MB"),
        ]:
            with self.subTest(name), self.assertRaisesRegex(UserError, words):
                self._queue(media={"attachment": self._attachment(name, mimetype, content)})

    def test_an_upload_that_is_refused_leaves_the_message_out_with_the_reason(self):
        row = self._queue()
        with self._fault(kind="error", code=131053, endpoint="media", count=None):
            self._transfer()
        self.assertEqual((row.state, row.failure_type), ("skipped", "media"))
        self.assertIn("131053", row.failure_reason)

    def test_an_upload_that_breaks_is_tried_again(self):
        row = self._queue()
        with self._fault(kind="error", code=131000, endpoint="media", count=1):
            self._transfer()
        self.assertEqual(row.state, "queued")
        self._due(row.media_ids)
        self._transfer()
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_the_same_key_uploads_once(self):
        first = self._queue(origin_key="manual/1/a")
        again = self.env["waba.message"]._queue_direct(
            self.sender, first._get_record(), origin="manual", origin_key="manual/1/a",
            media={"attachment": self._attachment()},
        )  # fmt: skip
        self.assertEqual((first, len(first.media_ids)), (again, 1))

    def test_no_token_in_what_is_kept(self):
        media = self._send_file().media_ids
        with self._fault(kind="error", code=190, endpoint="*", details=TOKEN, count=None):
            self._transfer()
        self.assertNotIn(TOKEN, str(media.read()))
