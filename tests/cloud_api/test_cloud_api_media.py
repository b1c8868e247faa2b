"""Files at the border to Meta: bodies, replies, what inbound kinds tell, the simulator's rules."""

import base64

import requests
from odoo.addons.waba_campaign.cloud_api import (
    CloudApiClient,
    CloudApiError,
    MediaInfo,
    RequestRefused,
    media_message,
    parse_events,
)

from ..common import NUMBER_ES, TOKEN, Simulator
from ..pure import PureCase

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def inbound(kind, content, **values):
    message = {"from": "34600000000", "id": "wamid.1", "timestamp": "1790000000", "type": kind}
    message.update({kind: content, **values})
    value = {"metadata": {"phone_number_id": NUMBER_ES}, "messages": [message]}
    change = {"field": "messages", "value": value}
    return parse_events({"entry": [{"id": "1", "changes": [change]}]})


class TestBodies(PureCase):
    def test_table(self):
        for kind, values, expected in [
            ("image", {"caption": "Hola"}, {"id": "7", "caption": "Hola"}),
            ("image", {"filename": "a.png"}, {"id": "7"}),
            ("video", {}, {"id": "7"}),
            ("audio", {"caption": "no"}, {"id": "7"}),
            (
                "document",
                {"caption": "Plano", "filename": "a.pdf"},
                {"id": "7", "caption": "Plano", "filename": "a.pdf"},
            ),
        ]:
            with self.subTest(kind=kind, values=values):
                body = media_message("34600000000", kind, "7", opaque="x", **values)
                self.assertEqual((body["type"], body[kind]), (kind, expected))
                self.assertEqual(body["to"], "+34600000000")

    def test_what_meta_would_refuse_is_refused_here(self):
        for kind, uid, values in [
            ("sticker", "7", {}),
            ("image", "", {}),
            ("image", "7", {"caption": "x" * 1025}),
        ]:
            with self.subTest(kind=kind, uid=uid), self.assertRaises(ValueError):
                media_message("34600000000", kind, uid, **values)

    def test_a_reply_of_odd_shape_is_no_exception(self):
        for reply in (None, [], {"file_size": "x"}, {"url": 5, "sha256": None}):
            with self.subTest(reply=reply):
                self.assertEqual(MediaInfo.from_reply(reply).url, "")
        info = MediaInfo.from_reply({"id": "7", "file_size": "303833", "url": "https://x"})
        self.assertEqual((info.media_uid, info.size), ("7", 303833))


class TestDetails(PureCase):
    def test_table(self):
        for kind, content, values, expected in [
            ("text", {"body": "x"}, {}, None),
            ("text", {"body": "x"}, {"context": {"forwarded": True}}, {"forwarded": True}),
            ("audio", {"id": "1", "voice": True}, {}, {"voice": True}),
            ("audio", {"id": "1"}, {}, None),
            ("location", {"latitude": 1, "longitude": 2}, {}, {"latitude": 1.0, "longitude": 2.0}),
            ("location", {"latitude": "1", "longitude": True}, {}, None),
            ("location", {"latitude": 91, "longitude": 181}, {}, None),
            ("contacts", [], {}, None),
            (
                "contacts",
                ["odd", {"name": {"formatted_name": "Eva"}, "emails": [{"email": "e@x.test"}]}],
                {},
                {
                    "contacts": [
                        {"name": "", "phones": [], "emails": [], "company": ""},
                        {"name": "Eva", "phones": [], "emails": ["e@x.test"], "company": ""},
                    ]
                },
            ),
            (
                "order",
                {"product_items": [{"product_retailer_id": "A", "quantity": 2, "item_price": 9.5}]},
                {},
                {"order": [{"product": "A", "quantity": "2", "price": "9.5", "currency": ""}]},
            ),
            ("order", {"product_items": "odd"}, {}, {"order": [
                {"product": "", "quantity": "", "price": "", "currency": ""}]}),
        ]:  # fmt: skip
            with self.subTest(kind=kind, content=content):
                [event] = inbound(kind, content, **values)
                self.assertEqual(event.details, expected)


class TestSimulatedFiles(PureCase):
    """Our client against the simulator's own reading of Meta's pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulator = Simulator.shared()
        cls.client = CloudApiClient(cls.simulator.url, "v25.0", TOKEN)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        super().setUp()
        self.simulator.post("reset")

    def _upload(self):
        return self.client.upload_media(NUMBER_ES, "a.png", "image/png", PNG)

    def test_what_was_uploaded_can_be_read(self):
        uid = self._upload()
        info = self.client.get_media(uid, NUMBER_ES)
        self.assertEqual((info.size, info.mimetype), (len(PNG), "image/png"))
        self.assertEqual(self.client.download_media(info.url, 1000), PNG)

    def test_an_address_ends_after_five_minutes_and_a_file_after_its_days(self):
        info = self.client.get_media(self._upload())
        self.simulator.post("clock", advance=301)
        with self.assertRaises(RequestRefused) as caught:
            self.client.download_media(info.url, 1000)
        self.assertEqual(caught.exception.http_status, 404)
        again = self.client.get_media(info.media_uid)
        self.assertEqual(self.client.download_media(again.url, 1000), PNG)
        self.simulator.post("clock", advance=31 * 86400)
        with self.assertRaises(CloudApiError) as caught:
            self.client.get_media(info.media_uid)
        self.assertEqual((caught.exception.code, caught.exception.subcode), (100, 33))

    def test_another_numbers_file_and_a_stranger_are_refused(self):
        uid = self._upload()
        with self.assertRaises(CloudApiError):
            self.client.get_media(uid, "400000000000002")
        url = self.client.get_media(uid).url
        self.assertEqual(requests.get(url, timeout=10).status_code, 401)

    def test_no_more_bytes_are_taken_than_asked_for(self):
        info = self.client.get_media(self._upload())
        with self.assertRaisesRegex(Exception, "larger than 10 bytes"):
            self.client.download_media(info.url, 10)

    def test_a_file_is_sent_in_the_window_only_by_an_id_of_the_number(self):
        body = media_message("+34611000001", "image", self._upload())
        with self.assertRaises(Exception) as caught:
            self.client.send_message(NUMBER_ES, body)
        self.assertEqual(caught.exception.code, 131047)
        self.simulator.post("inbound", phone_id=NUMBER_ES, number="34611000001", text="Hola")
        self.assertTrue(self.client.send_message(NUMBER_ES, body).wamid)
        with self.assertRaises(RequestRefused) as caught:
            self.client.send_message(NUMBER_ES, media_message("+34611000001", "image", "1"))
        self.assertEqual(caught.exception.code, 131053)

    def test_a_person_sends_a_file(self):
        self.simulator.post("delivery", give_up_after=0)
        self.simulator.post(
            "inbound",
            phone_id=NUMBER_ES,
            number="34611000001",
            media={
                "kind": "image",
                "mime_type": "image/png",
                "content": base64.b64encode(PNG).decode(),
                "caption": "Mira",
            },
        )
        self.simulator.post("flush", hurry=True, timeout=10)
        [attempt] = self.simulator.get("webhooks")["entries"]
        [event] = parse_events(attempt["body"])
        self.assertEqual((event.kind, event.text), ("image", "Mira"))
        info = self.client.get_media(event.media.uid)
        self.assertEqual(self.client.download_media(info.url, 1000), PNG)
