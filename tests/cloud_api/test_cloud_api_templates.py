"""Templates at the border to Meta: our calls against the simulator's own reading of its rules."""

import time
from decimal import Decimal

from odoo.addons.waba_campaign.cloud_api import (
    ArchiveReply,
    CloudApiClient,
    LibraryTemplate,
    RequestRefused,
    RetryLater,
    TemplateDay,
    UnknownOutcome,
    template_calls,
)

from ..common import APP_UID, NUMBER_ES, TOKEN, WABA_UID, Simulator
from ..pure import PureCase
from .test_cloud_api_client import ClientCase, reply, reset

DAY = 86400
JPEG = b"\xff\xd8\xff" + b"0" * 200
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"0" * 200
BODY = {"type": "BODY", "text": "The autumn collection is in the store."}
STOP = {"type": "QUICK_REPLY", "text": "Stop promotions"}
LINK = {"type": "URL", "text": "See sofas", "url": "https://demo-store.example/sofas"}
TRACKED = {**LINK, "url": LINK["url"] + "?u={{1}}", "example": [LINK["url"] + "?u=17"]}
PHONE = {"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+34600000001"}
COUPON = {"type": "COPY_CODE", "example": "AUTUMN25"}
OTP = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}
OFFER = {
    "type": "LIMITED_TIME_OFFER",
    "limited_time_offer": {"text": "Ends soon", "has_expiration": True},
}


def body(text, **example):
    return {"type": "BODY", "text": text, "example": example}


def buttons(*chosen):
    return {"type": "BUTTONS", "buttons": list(chosen)}


def media(kind, handle):
    return {"type": "HEADER", "format": kind, "example": {"header_handle": [handle]}}


def card(header, *chosen, text="Sofa Roble, now 20% off."):
    parts = [header, *([{"type": "BODY", "text": text}] if text else [])]
    return {"components": [*parts, *([buttons(*chosen)] if chosen else [])]}


def carousel(*cards):
    return [BODY, {"type": "CAROUSEL", "cards": list(cards)}]


PRODUCT = {"type": "HEADER", "format": "PRODUCT"}
SPM = {"type": "SPM", "text": "View"}


class TemplateCallsCase(PureCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulator = Simulator.shared()
        cls.client = CloudApiClient(cls.simulator.url, "v25.0", TOKEN)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        super().setUp()
        self.simulator.post("reset", settings=True)
        self.made = 0

    def upload(self, mimetype="image/jpeg", content=JPEG):
        return self.client.upload_sample(APP_UID, "sofa", mimetype, content)

    def create_kind(self, components, category="MARKETING", **values):
        self.made += 1
        return self.client.create_template(
            WABA_UID,
            {
                "name": f"kind_{self.made}",
                "language": "en",
                "category": category,
                "components": components,
                **values,
            },
        )

    def refused(self, components, category="MARKETING", **values):
        with self.assertRaises(RequestRefused) as caught:
            self.create_kind(components, category, **values)
        self.assertEqual(caught.exception.code, 100)
        return caught.exception

    def control(self, template, **values):
        return self.simulator.post("template", id=template.template_uid, **values)

    def approved(self, *args, **values):
        template = self.create_kind(*args, **values)
        self.control(template, status="APPROVED")
        return template

    def events(self, field):
        """The values of the webhooks of a field that the simulator tried to post."""
        self.simulator.post("flush", hurry=True, timeout=5)
        return [
            change["value"]
            for attempt in self.simulator.get("webhooks")["entries"]
            for entry in attempt["body"]["entry"]
            for change in entry["changes"]
            if change["field"] == field and attempt["attempt"] == 1
        ]


class TestCreation(TemplateCallsCase):
    def test_every_kind_is_created_and_listed(self):
        image, video = self.upload(), self.upload("video/mp4", MP4)
        paper = self.upload("application/pdf", b"%PDF-1.7 " + b"0" * 50)
        named = body(
            "Hi {{first_name}}, your sofa is here.",
            body_text_named_params=[{"param_name": "first_name", "example": "Ana"}],
        )
        kinds = {
            "body": [BODY],
            "positional": [body("Hi {{1}}, this is {{2}} from the store.", body_text=[["A", "B"]])],
            "one example": [body("Hi {{1}}, the sale is on.", body_text=["Ana"])],
            "text header": [
                {
                    "type": "header",
                    "format": "text",
                    "text": "Sale for {{1}}",
                    "example": {"header_text": ["Ana"]},
                },
                BODY,
                {"type": "FOOTER", "text": "Reply STOP to opt out"},
            ],
            "image": [media("IMAGE", image), BODY],
            "video": [media("VIDEO", video), BODY],
            "document": [media("DOCUMENT", paper), BODY],
            "location": [{"type": "HEADER", "format": "LOCATION"}, BODY],
            "buttons": [BODY, buttons(STOP, {**STOP, "text": "Tell me more"}, TRACKED, PHONE)],
            "coupon": [BODY, buttons(STOP, COUPON)],
            "flow": [BODY, buttons({"type": "FLOW", "text": "Book a visit", "flow_id": "77"})],
            "catalog": [BODY, buttons({"type": "CATALOG", "text": "View catalog"})],
            "products": [BODY, buttons({"type": "MPM", "text": "View items"})],
            "product": [PRODUCT, BODY, buttons(SPM)],
            "contact": [BODY, buttons({"type": "REQUEST_CONTACT_INFO"})],
            "carousel": carousel(
                card(media("IMAGE", image), STOP, TRACKED),
                card(media("IMAGE", image), STOP, TRACKED),
            ),
            "cards without text": carousel(
                *[card(media("VIDEO", video), text=None) for _number in range(10)]
            ),
            "product cards": carousel(*[card(PRODUCT, SPM, text=None)] * 2),
            "offer": [media("IMAGE", image), BODY, OFFER, buttons(COUPON, TRACKED)],
            "offer without code": [BODY, OFFER, buttons(LINK)],
        }
        for kind, components in kinds.items():
            with self.subTest(kind):
                template = self.create_kind(components)
                self.assertEqual(template.status, "pending")
                listed = self.client.get_template(template.template_uid)
                self.assertEqual(
                    [part["type"] for part in listed.components],
                    [part["type"].upper() for part in components],
                )
        template = self.create_kind([named], parameter_format="NAMED")
        self.assertEqual(self.client.get_template(template.template_uid).parameter_format, "named")

    def test_a_code_is_listed_with_a_text_and_a_link(self):
        """As Meta does: what was created with a button OTP is listed with one of type URL."""
        template = self.create_kind(
            [
                {"type": "BODY", "add_security_recommendation": True},
                {"type": "FOOTER", "code_expiration_minutes": 10},
                buttons(OTP),
            ],
            "AUTHENTICATION",
        )
        listed = self.client.get_template(template.template_uid)
        text, footer, [button] = (
            listed.components[0]["text"],
            listed.components[1]["text"],
            listed.components[2]["buttons"],
        )
        self.assertIn("{{1}}", text)
        self.assertEqual(footer, "This code expires in 10 minutes.")
        self.assertEqual(button["type"], "URL")
        self.assertIn("otp/code", button["url"])

    def test_a_media_sample_is_served_at_the_listed_address(self):
        template = self.create_kind([media("IMAGE", self.upload()), BODY])
        [url] = self.client.get_template(template.template_uid).components[0]["example"][
            "header_handle"
        ]
        self.assertEqual(self.simulator.session.get(url, timeout=5).content, JPEG)

    def test_what_breaks_a_rule_is_refused(self):
        image, video = self.upload(), self.upload("video/mp4", MP4)
        first = card(media("IMAGE", image), STOP)
        cases = {
            "two bodies": [BODY, BODY],
            "no body": [{"type": "FOOTER", "text": "x"}],
            "blank body": [{"type": "BODY", "text": " \n"}],
            "body 1025": [{"type": "BODY", "text": "x" * 1025}],
            "emojis count twice": [{"type": "BODY", "text": "😀" * 513}],
            "starts": [body("{{1}} is here for you today.", body_text=[["x"]])],
            "ends": [body("A sofa is waiting for {{1}} ", body_text=[["x"]])],
            "gap": [body("Hi {{2}}, the sale is on.", body_text=[["x"]])],
            "ratio": [body("Hi {{1}} {{2}} {{3}} now.", body_text=[["x", "y", "z"]])],
            "braces": [{"type": "BODY", "text": "Hi {{1 }}}, the {{first name}} sale is on."}],
            "no example": [{"type": "BODY", "text": "Hi {{1}}, the sale is on."}],
            "one example of two": [body("Hi {{1}}, your sofa {{2}} is in.", body_text=[["x"]])],
            "blank example": [body("Hi {{1}}, the sale is on.", body_text=[[" "]])],
            "name": [body("Hi {{name}}, the sale is on.", body_text=[["x"]])],
            "header 61": [{"type": "HEADER", "format": "TEXT", "text": "x" * 61}, BODY],
            "header star": [{"type": "HEADER", "format": "TEXT", "text": "*Sale*"}, BODY],
            "header emoji": [{"type": "HEADER", "format": "TEXT", "text": "Sale 🎉"}, BODY],
            "header line": [{"type": "HEADER", "format": "TEXT", "text": "Sale\nnow"}, BODY],
            "header variables": [
                {
                    "type": "HEADER",
                    "format": "TEXT",
                    "text": "{{1}} and {{2}}",
                    "example": {"header_text": ["x", "y"]},
                },
                BODY,
            ],
            "unknown handle": [media("IMAGE", "4::abc"), BODY],
            "another medium": [media("IMAGE", video), BODY],
            "footer variable": [BODY, {"type": "FOOTER", "text": "For {{1}}"}],
            "footer line": [BODY, {"type": "FOOTER", "text": "Bye\nnow"}],
            "label emoji": [BODY, buttons({**STOP, "text": "Stop 👋"})],
            "label 26": [BODY, buttons({**STOP, "text": "x" * 26})],
            "label variable": [BODY, buttons({**STOP, "text": "Hi {{1}}"})],
            "eleven": [BODY, buttons(*[STOP] * 11)],
            "split": [BODY, buttons(STOP, PHONE, STOP)],
            "two phones": [BODY, buttons(PHONE, PHONE)],
            "two codes": [BODY, buttons(COUPON, COUPON)],
            "three links": [BODY, buttons(LINK, LINK, LINK)],
            "two flows": [BODY, buttons(*[{"type": "FLOW", "text": "x", "flow_id": "7"}] * 2)],
            "flow of nothing": [BODY, buttons({"type": "FLOW", "text": "x"})],
            "link middle": [BODY, buttons({**TRACKED, "url": "https://a.example/{{1}}/b"})],
            "link scheme": [BODY, buttons({**LINK, "url": "javascript:alert(1)"})],
            "link blank": [BODY, buttons({**LINK, "url": "https://a.example/a b"})],
            "link example": [BODY, buttons({**TRACKED, "example": []})],
            "code 21": [BODY, buttons({**COUPON, "example": "x" * 21})],
            "phone": [BODY, buttons({**PHONE, "phone_number": "call me"})],
            "catalog and more": [BODY, buttons({"type": "CATALOG", "text": "View"}, STOP)],
            "contact and more": [BODY, buttons({"type": "REQUEST_CONTACT_INFO"}, STOP)],
            "product without header": [BODY, buttons(SPM)],
            "header without product": [PRODUCT, BODY],
            "code in a promotion": [BODY, buttons(OTP)],
            "one card": carousel(first),
            "eleven cards": carousel(*[first] * 11),
            "different buttons": carousel(first, card(media("IMAGE", image), LINK)),
            "different media": carousel(first, card(media("VIDEO", video), STOP)),
            "different text": carousel(first, card(media("IMAGE", image), STOP, text=None)),
            "card text": carousel(*[card(media("IMAGE", image), STOP, text="x" * 161)] * 2),
            "card buttons": carousel(*[card(media("IMAGE", image), STOP, STOP, LINK)] * 2),
            "card coupon": carousel(*[card(media("IMAGE", image), COUPON)] * 2),
            "card document": carousel(*[card(media("DOCUMENT", image), STOP)] * 2),
            "card without header": carousel(*[{"components": [BODY, buttons(STOP)]}] * 2),
            "carousel and footer": [*carousel(first, first), {"type": "FOOTER", "text": "x"}],
            "offer 17": [
                BODY,
                {**OFFER, "limited_time_offer": {"text": "x" * 17}},
                buttons(LINK),
            ],
            "offer without link": [BODY, OFFER, buttons(COUPON)],
            "offer order": [BODY, OFFER, buttons(LINK, COUPON)],
            "offer footer": [BODY, OFFER, buttons(LINK), {"type": "FOOTER", "text": "x"}],
            "offer body": [{"type": "BODY", "text": "x" * 601}, OFFER, buttons(LINK)],
            "offer document": [media("DOCUMENT", image), BODY, OFFER, buttons(LINK)],
        }
        for name, components in cases.items():
            with self.subTest(name):
                self.refused(components)
        for name, components in {
            "utility carousel": carousel(first, first),
            "utility offer": [BODY, OFFER, buttons(LINK)],
            "utility catalog": [BODY, buttons({"type": "CATALOG", "text": "View"})],
        }.items():
            with self.subTest(name):
                self.refused(components, "UTILITY")
        for name, components in {
            "own text": [BODY, buttons(OTP)],
            "no button": [{"type": "BODY"}],
            "minutes": [
                {"type": "BODY"},
                {"type": "FOOTER", "code_expiration_minutes": 91},
                buttons(OTP),
            ],
            "one tap of no app": [{"type": "BODY"}, buttons({**OTP, "otp_type": "ONE_TAP"})],
        }.items():
            with self.subTest(name):
                self.refused(components, "AUTHENTICATION")
        self.refused(
            [body("Hi {{Name}}, the sale is on.", body_text_named_params=[
                {"param_name": "Name", "example": "x"}])],
            parameter_format="NAMED",
        )  # fmt: skip

    def test_scripts_without_spaces_are_counted_by_letter(self):
        for text in ("你好{{1}}，我们的秋季促销已经开始了。", "สวัสดี {{1}} ร้านของเราลดราคาแล้ว"):
            with self.subTest(text):
                self.create_kind([body(text, body_text=[["Ana"]])], language="zh_CN")

    def test_amounts(self):
        self.simulator.post("settings", creations_per_hour=2)
        for _number in range(2):
            self.create_kind([BODY])
        with self.assertRaises(RetryLater) as caught:
            self.create_kind([BODY])
        self.assertEqual(caught.exception.code, 80008)
        self.simulator.post("clock", advance=3601)
        self.create_kind([BODY])
        self.simulator.post("settings", creations_per_hour=None, templates_most=13)
        with self.assertRaises(RequestRefused):
            for _number in range(20):
                self.create_kind([BODY])

    def test_after_a_call_without_an_answer_the_template_can_be_found(self):
        template = self.create_kind([BODY])
        found = self.client.find_template(WABA_UID, "kind_1", "en")
        self.assertEqual(found.template_uid, template.template_uid)
        self.assertIsNone(self.client.find_template(WABA_UID, "kind_1", "es"))


class TestUpload(TemplateCallsCase):
    def test_types_and_sizes(self):
        for mimetype, content in (("image/gif", JPEG), ("image/png", b"0" * (5 * 2**20 + 1))):
            with self.subTest(mimetype), self.assertRaises(RequestRefused):
                self.upload(mimetype, content)
        self.assertTrue(self.upload().startswith("4::"))


class TestUploadOnTheWire(ClientCase):
    """What a simulator that behaves does not show."""

    session = {"id": "upload:MTphdHRhY2htZW50?sig=ARb_1-x"}

    def upload(self, *script):
        server, client = self.start(*script)
        return server, lambda: client.upload_sample("9", "señal.jpg", "image/jpeg", b"0123456789")

    def test_it_goes_on_where_meta_says_it_stopped(self):
        server, upload = self.upload(
            reply(self.session), reset, reply({"id": "x", "file_offset": 4}), reply({"h": "4::a"})
        )
        self.assertEqual(upload(), "4::a")
        session, first, question, rest = server.requests
        self.assertEqual(
            session["query"],
            {"file_name": "señal.jpg", "file_length": "10", "file_type": "image/jpeg"},
        )
        self.assertEqual((first["body"], first["headers"]["file_offset"]), (b"0123456789", "0"))
        self.assertEqual((question["method"], question["query"]), ("GET", {"sig": "ARb_1-x"}))
        self.assertEqual((rest["body"], rest["headers"]["file_offset"]), (b"456789", "4"))
        self.assertTrue(rest["headers"]["Authorization"].startswith("OAuth "))

    def test_odd_replies_never_become_a_path(self):
        for odd in ({}, {"id": 5}, {"id": "upload:../me"}, {"id": "me/x"}, {"id": "upload:a?b=c"}):
            with self.subTest(odd):
                server, upload = self.upload(reply(odd))
                with self.assertRaises(UnknownOutcome):
                    upload()
                self.assertEqual(len(server.requests), 1)
        _server, upload = self.upload(reply(self.session), reply({"h": 7}))
        with self.assertRaises(UnknownOutcome):
            upload()

    def test_archiving_goes_to_the_host_meta_documents(self):
        client = CloudApiClient(template_calls.META_GRAPH, "v25.0", TOKEN)
        calls = []
        client._request = lambda *args, **kwargs: calls.append((args, kwargs)) or {}
        client.archive_templates("20", ["77"])
        self.assertEqual(calls[0][1], {"root": "https://api.facebook.com/"})
        client.close()


class TestLifeOfATemplate(TemplateCallsCase):
    def test_edit_limits(self):
        template = self.approved([BODY])
        changed = {"components": [{"type": "BODY", "text": "The winter collection is here."}]}
        self.assertIs(self.client.edit_template(template.template_uid, changed), True)
        for _number in range(9):
            self.control(template, status="APPROVED")
            with self.assertRaises(RequestRefused):
                self.client.edit_template(template.template_uid, changed)
            self.simulator.post("clock", advance=DAY)
            self.client.edit_template(template.template_uid, changed)
        self.control(template, status="APPROVED")
        self.simulator.post("clock", advance=DAY)
        with self.assertRaises(RequestRefused) as caught:
            self.client.edit_template(template.template_uid, changed)
        self.assertIn("10 times a month", caught.exception.details)
        with self.assertRaises(RequestRefused):
            self.client.edit_template(template.template_uid, {"category": "UTILITY"})

    def test_an_edit_may_keep_the_listed_sample(self):
        template = self.approved([media("IMAGE", self.upload()), BODY])
        listed = self.client.get_template(template.template_uid).components
        listed[1]["text"] = "The winter collection is in the store."
        self.client.edit_template(template.template_uid, {"components": listed})

    def test_a_deleted_name_is_locked_for_30_days(self):
        self.approved([BODY], name="winter")
        self.client.delete_template(WABA_UID, "winter")
        for days, subcode in ((0, 2388023), (29, 2388023)):
            self.simulator.post("clock", advance=days * DAY)
            self.assertEqual(self.refused([BODY], name="winter").subcode, subcode)
        self.simulator.post("clock", advance=DAY + 60)
        self.create_kind([BODY], name="winter")

    def test_pauses(self):
        template = self.approved([BODY])
        self.control(template, pause=0)
        self.assertIs(self.client.unpause_template(template.template_uid), True)
        self.control(template, pause=1, pause_seconds=3600)
        with self.assertRaises(RequestRefused):
            self.client.unpause_template(template.template_uid)

    def test_archive_and_back(self):
        good, waiting = self.approved([BODY]), self.create_kind([BODY])
        uids = [good.template_uid, waiting.template_uid, "5"]
        answer = self.client.archive_templates(WABA_UID, uids)
        self.assertEqual(answer.done, (good.template_uid,))
        self.assertEqual(set(answer.failed), {waiting.template_uid, "5"})
        self.assertEqual(self.client.get_template(good.template_uid).status, "archived")
        answer = self.client.unarchive_templates(WABA_UID, uids[:1])
        self.assertEqual((answer.done, answer.failed), (tuple(uids[:1]), {}))
        self.assertEqual(self.client.get_template(good.template_uid).status, "approved")
        self.client.archive_templates(WABA_UID, uids[:1])
        self.simulator.post("clock", advance=29 * DAY)
        self.assertIn(uids[0], self.client.unarchive_templates(WABA_UID, uids[:1]).failed)
        self.assertEqual(ArchiveReply.from_reply("odd"), ArchiveReply((), {}))

    def test_review_by_script_and_by_rule(self):
        info = {"reason": "Wrong braces", "recommendation": "Write {{1}}"}
        self.simulator.call(
            "review",
            {
                "name": "scripted",
                "outcome": "REJECTED",
                "reason": "INVALID_FORMAT",
                "rejection_info": info,
            },
        )
        self.simulator.post("settings", review_by_rules=True)
        expected = {
            "scripted": ([BODY], "MARKETING", "rejected", "INVALID_FORMAT"),
            "good": ([{**BODY, "text": "Come and see the new sofas."}], "UTILITY", "approved", ""),
            "scam": ([{**BODY, "text": "You have won a free sofa."}], "MARKETING", "rejected",
                     "SCAM"),
            "promotion": ([{**BODY, "text": "Your order ships with 20% off."}], "UTILITY",
                          "approved", ""),
            "vague": ([{**BODY, "text": "Hello there"}], "UTILITY", "rejected", "INVALID_FORMAT"),
        }  # fmt: skip
        for name, (components, category, status, reason) in expected.items():
            with self.subTest(name):
                template = self.create_kind(components, category, name=name)
                self.control(template, review=True)
                listed = self.client.get_template(template.template_uid)
                self.assertEqual((listed.status, listed.rejected_reason), (status, reason))
        self.assertEqual(listed.previous_category, "")
        moved = self.client.find_template(WABA_UID, "promotion", "en")
        self.assertEqual(moved.category, "marketing")
        values = self.events("message_template_status_update")
        self.assertEqual(values[0]["rejection_info"], info)
        [value] = self.events("template_category_update")
        self.assertEqual(
            (value["previous_category"], value["new_category"]), ("UTILITY", "MARKETING")
        )

    def test_an_appeal_in_whatsapp_manager_ends_with_a_review(self):
        template = self.create_kind([BODY])
        self.control(template, status="REJECTED", reason="SCAM")
        self.control(template, appeal=True)
        self.assertEqual(self.client.get_template(template.template_uid).status, "in_appeal")
        self.control(template, review=True)
        self.assertEqual(self.client.get_template(template.template_uid).status, "approved")

    def test_an_edit_elsewhere_is_told_by_webhook(self):
        template = self.approved([BODY, buttons(STOP, LINK)])
        changed = [{"type": "BODY", "text": "Changed in WhatsApp Manager."}, buttons(STOP, LINK)]
        self.control(template, components=changed)
        [value] = self.events("message_template_components_update")
        self.assertEqual(value["message_template_element"], changed[0]["text"])
        self.assertEqual(
            value["message_template_buttons"],
            [
                {
                    "message_template_button_type": "URL",
                    "message_template_button_text": LINK["text"],
                    "message_template_button_url": LINK["url"],
                }
            ],
        )


class TestLibrary(TemplateCallsCase):
    def test_browse(self):
        rows = list(self.client.list_library())
        self.assertGreater(len(rows), 10)
        self.assertEqual(len({(row.name, row.language) for row in rows}), len(rows))
        for filters, expected in (
            ({"language": "es", "topic": "PAYMENTS"}, {"payment_due_reminder_1"}),
            ({"search": "account balance"}, {"low_balance_warning_1"}),
            ({"usecase": "FEEDBACK_SURVEY", "language": ""}, {"feedback_survey_1"}),
            ({"name": "nothing"}, set()),
        ):
            with self.subTest(filters):
                found = {row.name for row in self.client.list_library(**filters)}
                self.assertEqual(found, expected)

    def test_created_at_once_with_our_addresses(self):
        [row] = self.client.list_library(name="payment_due_reminder_1", language="es")
        self.assertEqual(row.inputs, ("url", "phone_number"))
        self.assertEqual(row.parameter_types, ("TEXT", "TEXT", "AMOUNT", "DATE"))
        wanted = {
            "name": "pago",
            "language": "es",
            "category": "UTILITY",
            "library_template_name": row.name,
        }
        link = {"base_url": "https://a.example/{{1}}", "url_suffix_example": "https://a.example/7"}
        inputs = [
            {"type": "URL", "url": link},
            {"type": "PHONE_NUMBER", "phone_number": "+34600000001"},
        ]
        for lacking in (None, inputs[:1], inputs[::-1], [*inputs, inputs[0]]):
            with self.subTest(lacking), self.assertRaises(RequestRefused):
                self.client.create_from_library(
                    WABA_UID, {**wanted, "library_template_button_inputs": lacking}
                )
        template = self.client.create_from_library(
            WABA_UID, {**wanted, "library_template_button_inputs": inputs}
        )
        self.assertEqual(template.status, "approved")
        listed = self.client.get_template(template.template_uid)
        self.assertEqual(listed.library_name, row.name)
        self.assertEqual(listed.components[-1]["buttons"][0]["url"], link["base_url"])
        with self.assertRaises(RequestRefused):
            self.client.edit_template(template.template_uid, {"components": [BODY]})

    def test_any_reply_is_read(self):
        for odd in (None, [], {"buttons": ["x", {"type": 5}], "industry": 3, "body_params": 1}):
            with self.subTest(odd):
                self.assertEqual(LibraryTemplate.from_reply(odd).inputs, ())


class TestAnalytics(TemplateCallsCase):
    def test_figures_per_day(self):
        template = self.client.find_template(WABA_UID, "order_update", "es")
        window = (time.time() - DAY, time.time() + DAY)
        with self.assertRaises(RequestRefused):
            list(self.client.template_analytics(WABA_UID, [template.template_uid], *window))
        self.assertIs(self.client.enable_insights(WABA_UID), True)
        for number in range(3):
            self.client.send_message(
                NUMBER_ES,
                {
                    "messaging_product": "whatsapp",
                    "to": f"+3461100000{number}",
                    "type": "template",
                    "template": {
                        "name": "order_update",
                        "language": {"code": "es"},
                        "components": [
                            {"type": "body", "parameters": [{"type": "text", "text": "S1"}]}
                        ],
                    },
                },
            )
        self.simulator.post("flush", hurry=True, timeout=5)
        [day] = self.client.template_analytics(WABA_UID, [template.template_uid], *window)
        self.assertEqual((day.sent, day.delivered, day.read), (3, 3, 3))
        self.assertEqual(day.spent, Decimal("0.06"))
        old = time.time() - 95 * DAY
        with self.assertRaises(RequestRefused):
            list(self.client.template_analytics(WABA_UID, [template.template_uid], old, old + 1))

    def test_any_reply_is_read(self):
        point = {
            "template_id": 7,
            "start": 1718064000,
            "sent": 4,
            "read": -1,
            "clicked": [
                {"type": "url_button", "button_content": "See", "count": 3},
                {"type": "unique_url_button", "button_content": "See", "count": 2},
                "odd",
            ],
            "cost": [{"type": "amount_spent", "value": "x"}],
        }
        [day] = TemplateDay.all_from_reply({"data_points": [point]})
        self.assertEqual((day.template_uid, day.sent, day.read), ("7", 4, 0))
        self.assertEqual((day.clicks, day.spent), ({"See": 3}, None))
        for odd in (None, [], {"data_points": 5}, {"data_points": ["x"]}):
            with self.subTest(odd):
                self.assertLessEqual(len(list(TemplateDay.all_from_reply(odd))), 1)
