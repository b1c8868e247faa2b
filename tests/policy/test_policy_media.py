"""Which files may go, as what they are kept, and when one is asked for again."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import media

from ..pure import PureCase

NOW = datetime(2026, 11, 27, 12)


class TestSending(PureCase):
    def test_table(self):
        for mimetype, size, kind, why in [
            ("image/jpeg", 10, "image", None),
            ("IMAGE/PNG", 5 * media.MIB, "image", None),
            ("image/png", 5 * media.MIB + 1, "image", "size"),
            ("image/webp", 10, None, "type"),
            ("image/svg+xml", 10, None, "type"),
            ("text/html", 10, None, "type"),
            ("audio/ogg; codecs=opus", 10, "audio", None),
            ("video/mp4", 17 * media.MIB, "video", "size"),
            ("application/pdf", 99 * media.MIB, "document", None),
            ("application/pdf", 0, "document", "empty"),
            ("", 10, None, "type"),
        ]:
            with self.subTest(mimetype=mimetype, size=size):
                self.assertEqual(media.message_kind(mimetype), kind)
                self.assertEqual(media.file_refusal(mimetype, size), why)


class TestKeeping(PureCase):
    def test_table(self):
        for kind, declared, sniffed, kept in [
            ("image", "image/jpeg", "image/jpeg", "image/jpeg"),
            ("image", "image/jpeg", "image/png", "image/jpeg"),
            ("image", "image/jpeg", "text/html", media.DOWNLOAD_TYPE),
            ("image", "image/svg+xml", "image/svg+xml", media.DOWNLOAD_TYPE),
            ("sticker", "image/webp", "image/webp", "image/webp"),
            ("audio", "audio/ogg; codecs=opus", "", "audio/ogg"),
            ("audio", "audio/ogg", "text/html", media.DOWNLOAD_TYPE),
            ("audio", "text/html", "", media.DOWNLOAD_TYPE),
            ("video", "video/mp4", "application/octet-stream", "video/mp4"),
            ("document", "application/pdf", "application/pdf", "application/pdf"),
            ("document", "text/html", "text/html", media.DOWNLOAD_TYPE),
            ("document", "application/zip", "application/zip", media.DOWNLOAD_TYPE),
            ("document", "application/pdf", "text/html", media.DOWNLOAD_TYPE),
            ("document", "application/pdf", "", media.DOWNLOAD_TYPE),
            ("document", "image/png", "image/png", "image/png"),
            ("document", "image/png", "text/html", media.DOWNLOAD_TYPE),
            ("document", "image/png", "image/svg+xml", media.DOWNLOAD_TYPE),
            ("document", "text/plain", "text/html", "text/plain"),
        ]:
            with self.subTest(kind=kind, declared=declared, sniffed=sniffed):
                self.assertEqual(media.stored_type(kind, declared, sniffed), kept)

    @given(st.sampled_from(media.KINDS), st.text(max_size=30), st.text(max_size=30))
    def test_nothing_a_browser_would_run_is_ever_kept_as_such(self, kind, declared, sniffed):
        kept = media.stored_type(kind, declared, sniffed)
        self.assertNotIn(kept, ("text/html", "image/svg+xml", "application/xhtml+xml"))


class TestTrying(PureCase):
    def test_waits_grow_and_end_before_the_file_is_forgotten(self):
        expires_at, at, waits = NOW + media.INBOUND_LIFE, NOW, []
        for attempt in range(1, 100):
            later = media.next_attempt(attempt, at, expires_at)
            if not later:
                break
            waits.append(later - at)
            at = later
        self.assertEqual(waits, sorted(waits))
        self.assertLess(at, expires_at)
        self.assertGreater(at, expires_at - timedelta(days=2))
        self.assertLess(len(waits), 20)

    @given(st.integers(1, 1000))
    def test_the_next_try_is_always_later(self, attempt):
        self.assertGreater(media.next_attempt(attempt, NOW, None), NOW)
