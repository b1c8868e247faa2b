"""Where a person came from: the `referral` of a message."""

from ...cloud_api import AddressRefused, RequestRefused, fetch_picture, parse_events
from ...cloud_api.referral import MAX_TEXT, read_referral
from ..pure import PureCase

AD = {
    "source_url": "https://fb.me/3cr4Wqqkv",
    "source_id": "120226305854810726",
    "source_type": "ad",
    "headline": "Chat with us",
    "body": "Sofas\nfrom 299 €",
    "media_type": "video",
    "video_url": "https://scontent.xx.fbcdn.net/v.mp4",
    "thumbnail_url": "https://scontent.xx.fbcdn.net/t.jpg",
    "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e",
    "welcome_message": {"text": "Hi there!"},
}


class TestReadReferral(PureCase):
    def test_everything(self):
        found = read_referral(AD)
        self.assertEqual((found.source_type, found.source_uid), ("ad", "120226305854810726"))
        self.assertEqual(found.click_uid, "Aff-n8ZTODiE79d22KtAwQKj9e")
        self.assertEqual((found.headline, found.body), ("Chat with us", "Sofas\nfrom 299 €"))
        self.assertEqual(found.picture_url, AD["thumbnail_url"])
        self.assertEqual((found.media_type, found.video_url), ("video", AD["video_url"]))
        self.assertEqual(found.welcome_text, "Hi there!")

    def test_an_ad_id_is_never_a_click_id(self):
        found = read_referral({**AD, "ctwa_clid": AD["source_id"]})
        self.assertEqual((found.source_uid, found.click_uid), (AD["source_id"], ""))
        # Ads in WhatsApp Status have no click id.
        self.assertEqual(read_referral({"source_id": "1"}).click_uid, "")

    def test_what_is_no_text_or_address_is_left_out(self):
        for value in (None, 7, ["x"], {"text": "x"}, "javascript:alert(1)", "ftp://x", "\x00"):
            found = read_referral({**AD, "source_url": value, "thumbnail_url": value})
            self.assertEqual((found.source_url, found.picture_url), ("", ""), value)
        found = read_referral({**AD, "headline": {"a": 1}, "body": 3, "welcome_message": "x"})
        self.assertEqual((found.headline, found.body, found.welcome_text), ("", "", ""))
        self.assertEqual(read_referral({**AD, "source_type": "story"}).source_type, "")
        self.assertEqual(len(read_referral({**AD, "body": "x" * 9999}).body), MAX_TEXT)

    def test_malformed_ones_are_none_and_the_message_stays(self):
        for value in (None, "ad", [AD], {}, {"source_type": "ad"}, {"source_id": 1.5}):
            self.assertIsNone(read_referral(value), value)
            message = {"from": "34600000000", "id": "wamid.1", "timestamp": "1790000100",
                       "type": "text", "text": {"body": "Hi"}, "referral": value}  # fmt: skip
            body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
                {"field": "messages", "value": {"metadata": {"phone_number_id": "4"},
                                                "messages": [message]}}]}]}  # fmt: skip
            (event,) = parse_events(body)
            self.assertEqual((event.text, event.referral), ("Hi", None))

    def test_the_window_of_a_status(self):
        def status(**values):
            value = {"id": "wamid.1", "status": "delivered", "timestamp": "1790000100", **values}
            body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
                {"field": "messages", "value": {"metadata": {"phone_number_id": "4"},
                                                "statuses": [value]}}]}]}  # fmt: skip
            (event,) = parse_events(body)
            return event.free_until

        conversation = {"id": "c", "expiration_timestamp": "1790259300"}
        entry = {"type": "free_entry_point", "category": "referral_conversion"}
        self.assertEqual(str(status(conversation=conversation, pricing=entry))[:4], "2026")
        origin = {**conversation, "origin": {"type": "referral_conversion"}}
        self.assertTrue(status(conversation=origin))
        self.assertIsNone(status(conversation=conversation))
        self.assertIsNone(status(conversation="x", pricing=entry))
        self.assertIsNone(status(pricing=entry))


class TestFetchPicture(PureCase):
    def test_addresses_of_our_own_network_are_refused(self):
        for url in ("http://10.0.0.1/x.png", "https://192.168.1.1/x", "ftp://x", "https://[::ffff:10.0.0.1]/",
                    "http://169.254.169.254/latest", "file:///etc/passwd"):  # fmt: skip
            with self.assertRaises(AddressRefused):
                fetch_picture(url, 100)
        for url in ("http://127.0.0.1:9/x.png", "http://localhost/x", "http://[::1]/x"):
            with self.assertRaises(RequestRefused):
                fetch_picture(url, 100)
