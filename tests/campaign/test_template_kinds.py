"""Every kind of template: created, approved, read, previewed, sent, and what went over the wire."""

from datetime import datetime, timedelta, timezone

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from ...cloud_api import unsupported_parts
from ...policy import links
from ..cloud_api.test_openapi import INDEX_PATTERN, LANGUAGE_POLICY, disagreements
from ..sequence_case import SequenceCase

IMAGE = "https://demo-store.example/media/sofa.jpg"
ENDS_AT = datetime(2031, 5, 6, 18, 0)
ENDS_MS = int(ENDS_AT.replace(tzinfo=timezone.utc).timestamp() * 1000)
# Parts that Meta's OpenAPI file (2025-11) does not cover.
UNCOVERED_TYPES = ("carousel", "limited_time_offer")
COVERED_BUTTONS = ("quick_reply", "url", "catalog")
COVERED_HEADERS = ("text", "image", "video", "document")


class Form:
    """How a template's texts are written: by number or by name."""

    def __init__(self, is_named):
        self.is_named = is_named
        self.place = "{{first_name}}" if is_named else "{{1}}"

    def text(self, component, text):
        """A header or body with one variable, and its sample."""
        key = f"{component.lower()}_text"
        sample = "Emma" if component == "HEADER" else ["Emma"]
        example = {key: [sample]}
        if self.is_named:
            example = {f"{key}_named_params": [{"param_name": "first_name", "example": "Emma"}]}
        part = {"type": component, "text": text % self.place, "example": example}
        return {**part, "format": "TEXT"} if component == "HEADER" else part

    def value(self, text):
        """The parameter of such a variable."""
        name = {"parameter_name": "first_name"} if self.is_named else {}
        return {"type": "text", "text": text, **name}

    @property
    def body(self):
        return self.text("BODY", "Hi %s, this is news from our shop.")

    @property
    def sent_body(self):
        return {"type": "body", "parameters": [self.value("Ana")]}


def media(kind):
    return {"type": "HEADER", "format": kind, "example": {"header_handle": [IMAGE]}}


def buttons(*found):
    return {"type": "BUTTONS", "buttons": list(found)}


def link(path="a/"):
    url = f"https://demo-store.example/{path}"
    return {"type": "URL", "text": "See it", "url": url + "{{1}}", "example": [url + "sofa"]}


def sent_header(kind, content):
    return {"type": "header", "parameters": [{"type": kind, kind: content}]}


def sent_button(sub_type, index, **parameter):
    return {
        "type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]
    }  # fmt: skip


def sent_action(sub_type, index, **action):
    return sent_button(sub_type, index, type="action", action=action)


def sent_payload(index, payload):
    return sent_button("quick_reply", index, type="payload", payload=payload)


def sent_link(index, text):
    return sent_button("url", index, type="text", text=text)


def card(form, title, *extra):
    return {"components": [media("IMAGE"), form.text("BODY", f"{title} for %s now."), *extra]}


def carousel(form):
    """Components, values and what is sent, of a carousel of two cards."""
    keys = buttons({"type": "QUICK_REPLY", "text": "More"}, link())
    name = "first_name" if form.is_named else "1"
    values = {}
    for number, price in ((1, "€499"), (2, "€59")):
        values |= {
            ("header", "link", number): f"{IMAGE}?{number}",
            ("body", name, number): price,
            ("button", "1", number): f"sofa-{number}",
        }
    cards = [
        {
            "card_index": index,
            "components": [
                sent_header("image", {"link": f"{IMAGE}?{index + 1}"}),
                {"type": "body", "parameters": [form.value(price)]},
                sent_payload(0, "More"),
                sent_link(1, f"sofa-{index + 1}"),
            ],
        }
        for index, price in enumerate(("€499", "€59"))
    ]
    return (
        [
            form.body,
            {"type": "CAROUSEL", "cards": [card(form, "Sofas", keys), card(form, "Lamps", keys)]},
        ],
        values,
        [form.sent_body, {"type": "carousel", "cards": cards}],
        ["Sofas for €499 now.", "Lamps for €59 now.", "See it"],
    )


def product_cards(form):
    cards = [
        {"components": [{"type": "HEADER", "format": "PRODUCT"},
                        buttons({"type": "SPM", "text": "View"})]}
        for _index in range(2)
    ]  # fmt: skip
    values = {}
    for number in (1, 2):
        values |= {
            ("header", "product", number): f"SKU-{number}", ("header", "catalog", number): "77",
        }  # fmt: skip
    sent = [
        {
            "card_index": index,
            "components": [
                sent_header(
                    "product", {"product_retailer_id": f"SKU-{index + 1}", "catalog_id": "77"}
                )
            ],
        }
        for index in range(2)
    ]
    return (
        [form.body, {"type": "CAROUSEL", "cards": cards}],
        values,
        [form.sent_body, {"type": "carousel", "cards": sent}],
        ["SKU-1", "SKU-2", "View"],
    )


def offer(form):
    return (
        [
            media("IMAGE"),
            {
                "type": "LIMITED_TIME_OFFER",
                "limited_time_offer": {"text": "Weekend offer", "has_expiration": True},
            },
            form.body,
            buttons({"type": "COPY_CODE", "example": "CHAIR25"}, link()),
        ],
        {
            ("header", "link", 0): IMAGE,
            ("offer", "expires", 0): {"source": "date", "offer_ends_at": ENDS_AT},
            ("button", "coupon", 0): "CHAIR25",
            ("button", "1", 0): "chairs",
        },
        [
            sent_header("image", {"link": IMAGE}),
            {
                "type": "limited_time_offer",
                "parameters": [
                    {
                        "type": "limited_time_offer",
                        "limited_time_offer": {"expiration_time_ms": ENDS_MS},
                    }
                ],
            },
            form.sent_body,
            sent_button("copy_code", 0, type="coupon_code", coupon_code="CHAIR25"),
            sent_link(1, "chairs"),
        ],
        ["Weekend offer", "CHAIR25", "2031", "Copy code"],
    )


def endless_offer(form):
    components, values, sent, shown = offer(form)
    components[1]["limited_time_offer"]["has_expiration"] = False
    values.pop(("offer", "expires", 0))
    return components, values, [sent[0], *sent[2:]], shown[:2]


def with_header(kind, content, values, shown=()):
    """A template whose header is media or a place."""

    def case(form):
        is_media = kind in ("IMAGE", "VIDEO", "DOCUMENT")
        header = media(kind) if is_media else {"type": "HEADER", "format": kind}
        return (
            [header, form.body],
            {("header", name, 0): value for name, value in values.items()},
            [sent_header(kind.lower(), content), form.sent_body],
            shown,
        )

    return case


def with_buttons(found, values, sent, shown=(), **more):
    """A template with these buttons."""

    def case(form):
        return (
            [form.body, buttons(*found)],
            {("button", name, 0): value for name, value in values.items()},
            [form.sent_body, *sent],
            shown,
        )

    case.more = more
    return case


def code(_form):
    """A one-time code: Meta writes the text, and lists the button as a link."""
    button = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}
    return (
        [{"type": "BODY", "add_security_recommendation": True}, buttons(button)],
        {("body", "1", 0): "123456", ("button", "1", 0): "123456"},
        [
            {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
            sent_link(0, "123456"),
        ],
        ["123456", "is your verification code", "Copy code"],
    )


code.more = {"category": "AUTHENTICATION"}


def texts(form):
    return (
        [form.text("HEADER", "For %s"), form.body, {"type": "FOOTER", "text": "Our shop"}],
        {("header", "first_name" if form.is_named else "1", 0): {"source": "first_name"}},
        [{"type": "header", "parameters": [form.value("Ana")]}, form.sent_body],
        ["For Ana", "Hi Ana, this is news", "Our shop"],
    )


def right_to_left(form):
    return (
        [form.text("BODY", "مرحبا %s، لدينا عرض جديد في المتجر.")],
        {},
        [form.sent_body],
        ["مرحبا Ana، لدينا عرض", 'dir="auto"'],
    )


PLACE = {"latitude": "40.4168", "longitude": "-3.7038"}
NAMED_PLACE = {**PLACE, "name": "Demo Store", "address": "Calle Mayor 1"}
QUICK = {"type": "QUICK_REPLY", "text": "Tell me more"}
SECTIONS = [
    {"title": "Sofas", "product_items": [{"product_retailer_id": "A"},
                                         {"product_retailer_id": "B"}]},
    {"title": "Lamps", "product_items": [{"product_retailer_id": "C"}]},
]  # fmt: skip
# {kind: form -> (components, values by (component, name, card), what is sent, what is shown)}
KINDS = {
    "texts": texts,
    "right-to-left text": right_to_left,
    "image": with_header("IMAGE", {"link": IMAGE}, {"link": IMAGE}),
    "video": with_header("VIDEO", {"link": IMAGE}, {"link": IMAGE}),
    "document": with_header("DOCUMENT", {"link": IMAGE}, {"link": IMAGE}),
    "location": with_header("LOCATION", NAMED_PLACE, NAMED_PLACE, ["Demo Store", "Calle Mayor 1"]),
    "location, coordinates alone": with_header("LOCATION", PLACE, PLACE),
    "quick reply": with_buttons([QUICK], {}, [sent_payload(0, "Tell me more")], ["Tell me more"]),
    "link": with_buttons([link()], {"1": "sofas"}, [sent_link(0, "sofas")]),
    "static link": with_buttons(
        [{"type": "URL", "text": "Our shop", "url": "https://demo-store.example"}], {}, [],
        ["Our shop"],
    ),
    "phone number": with_buttons(
        [{"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+34600000001"}], {}, [],
        ["Call us"],
    ),
    "copy code": with_buttons(
        [{"type": "COPY_CODE", "example": "TEN"}], {"coupon": "TEN"},
        [sent_button("copy_code", 0, type="coupon_code", coupon_code="TEN")], ["Copy code"],
    ),
    "catalog": with_buttons(
        [{"type": "CATALOG", "text": "View catalog"}], {"thumbnail": "SKU-9"},
        [sent_action("catalog", 0, thumbnail_product_retailer_id="SKU-9")], ["View catalog"],
    ),
    "catalog, first product": with_buttons([{"type": "CATALOG", "text": "View catalog"}], {}, []),
    "products": with_buttons(
        [{"type": "MPM", "text": "View items"}],
        {"thumbnail": "A", "sections": "Sofas: A, B; Lamps: C"},
        [sent_action("mpm", 0, thumbnail_product_retailer_id="A", sections=SECTIONS)],
    ),
    "flow": with_buttons(
        [{"type": "FLOW", "text": "Choose a day", "flow_id": "8", "flow_action": "navigate",
          "navigate_screen": "DAYS"}],
        {"token": "t-1", "data": '{"screen": "DAYS"}'},
        [sent_action("flow", 0, flow_token="t-1", flow_action_data={"screen": "DAYS"})],
        ["Choose a day"],
    ),
    "flow without data": with_buttons(
        [{"type": "FLOW", "text": "Choose a day", "flow_id": "8"}], {},
        [sent_action("flow", 0, flow_token="unused")],
    ),
    "request contact info": with_buttons(
        [{"type": "REQUEST_CONTACT_INFO", "text": "Share contact info"}], {}, [],
        ["Share contact info"],
    ),
    "voice call": with_buttons([{"type": "VOICE_CALL", "text": "Call now"}], {}, [], ["Call now"]),
    "authentication": code,
    "limited-time offer": offer,
    "limited-time offer without end": endless_offer,
    "carousel": carousel,
    "carousel of products": product_cards,
}  # fmt: skip


class KindCase(SequenceCase):
    def _created(self, components, form, name="every_kind", category="MARKETING"):
        """A template, written in a draft, submitted, approved by Meta's webhook, and read.

        Of codes Meta writes the text, so they are not written here.
        """
        named = form.is_named and category != "AUTHENTICATION"
        if category != "AUTHENTICATION":
            draft = self.env["waba.template.draft"]._create_from(
                self.account, components, "named" if named else "positional",
                title="Every kind", language="en", category=category.lower(),
            )  # fmt: skip
            components = draft._components()
            draft.unlink()
        # The samples here are addresses, not uploads.
        self.simulator.post("settings", check_samples=False)
        reply = self.account._client().create_template(
            self.account.waba_uid,
            {
                "name": name, "language": "en", "category": category, "components": components,
                "parameter_format": "NAMED" if named else "POSITIONAL",
            },
        )  # fmt: skip
        self.account._sync()
        template = self._template(name, "en")
        self.assertEqual((template.status, template.unsupported), ("pending", False))
        self._change_template(name, status="APPROVED")
        value = {
            "event": "APPROVED", "message_template_id": int(reply.template_uid), "reason": "NONE",
            "message_template_name": name, "message_template_language": "en",
        }  # fmt: skip
        self._receive(self._change("message_template_status_update", value))
        self.assertEqual(template.status, "approved")
        return template

    def _filled(self, records, template, values=(), **more):
        """A draft campaign with this template and these values."""
        campaign = self.env["waba.campaign"].create(
            {
                "name": "Every kind", "template_id": template.id, "sender_id": self.sender.id,
                "res_model": records._name, "audience_domain": repr([("id", "in", records.ids)]),
                **more,
            }
        )  # fmt: skip
        lines = {(one.component, one.name, one.card_number): one for one in campaign.variable_ids}
        for key, value in dict(values).items():
            values = value if isinstance(value, dict) else {"source": "text", "text": value}
            lines[key].write(values)
        return campaign

    def _sent(self, campaign):
        """The components of the last request."""
        campaign._check_message()
        campaign._start_launch()
        self._prepare()
        self._dispatch()
        row = self._rows(campaign)[:1]
        self.assertEqual(row.state, "accepted", row.failure_reason)
        return self.simulator.sends()[-1]["body"]


class TestKinds(KindCase):
    def test_each_kind_goes_its_whole_way(self):
        leads = self._lead("+34 611 000 001", contact_name="Ana Gil")
        for is_named in (False, True):
            for kind, case in KINDS.items():
                with self._case(f"{kind}, {'named' if is_named else 'positional'}"):
                    form = Form(is_named)
                    components, values, sent, shown = case(form)
                    template = self._created(components, form, **getattr(case, "more", {}))
                    campaign = self._filled(leads, template, values)
                    for text in shown:
                        self.assertIn(text, campaign.preview_html)
                    body = self._sent(campaign)
                    self.assertEqual(body["template"].get("components", []), sent)
                    self._check_schema(body)
                    self.assertNotIn("{{", self._rows(campaign).preview_html)

    def _check_schema(self, body):
        """Valid by Meta's published schema, where that covers it."""
        template = body["template"]
        covered = [part for part in template.get("components", []) if _is_covered(part)]
        found = disagreements(
            "POST /{Phone-Number-ID}/messages: template",
            {**body, "template": {**template, "components": covered}},
        )
        indexes = {one for one in found if one.endswith(INDEX_PATTERN)}
        self.assertEqual(found - indexes, {LANGUAGE_POLICY})

    def test_a_cards_button_carries_a_tracked_link(self):
        form = Form(is_named=False)
        base = self.env["link.tracker"].get_base_url()
        own = {
            "type": "URL",
            "text": "See it",
            "url": base + "/r/{{1}}",
            "example": [f"{base}/r/a"],
        }
        cards = [card(form, "Sofas", buttons(own)), card(form, "Lamps", buttons(own))]
        template = self._created([form.body, {"type": "CAROUSEL", "cards": cards}], form)
        values = {}
        for number in (1, 2):
            target = f"https://www.example.com/{number}"
            values |= {
                ("header", "link", number): IMAGE,
                ("body", "1", number): "€9",
                ("button", "1", number): {"source": "link", "text": target},
            }
        lead = self._lead("+34 611 000 001", contact_name="Ana Gil")
        campaign = self._filled(lead, template, values)
        body = self._sent(campaign)
        token = self._rows(campaign).link_token
        for number, sent in enumerate(body["template"]["components"][1]["cards"], start=1):
            text = sent["components"][-1]["parameters"][0]["text"]
            code, found = links.split_suffix(text)
            link = self.env["link.tracker.code"].search([("code", "=", code)]).link_id
            self.assertEqual((found, link.url), (token, f"https://www.example.com/{number}"))

    def test_the_shop_has_a_template_of_each_kind(self):
        """Each can be chosen, and its examples are sent as a test."""
        names = ("new_arrivals", "weekend_offer", "full_catalog", "picked_for_you", "book_visit",
                 "store_opening", "price_list", "share_number", "loyalty_code",
                 "kitchen_tour")  # fmt: skip
        for name in names:
            with self._case(name):
                template = self._template(name, "en")
                self.assertEqual((template.status, template.unsupported), ("approved", False))
                self.assertEqual(unsupported_parts(template.components), [])
                row = self.env["waba.message"]._queue_direct(
                    self.sender, self._lead("+34 611 000 001"), origin="manual",
                    template=template, variables=self._examples(template),
                )  # fmt: skip
                self._dispatch()
                self.assertEqual(row.state, "accepted", row.failure_reason)

    def _examples(self, template):
        lines = self.env["waba.template.variable"]
        for line in template.variable_ids:
            lines |= line.new({**line._example_values(), "template_id": template.id})
        return lines


class TestOtherWays(KindCase):
    """A template's default values, sent by hand, by a follow-up and by a server action."""

    FORM = Form(is_named=False)
    WAYS = ("carousel", "limited-time offer", "location", "products", "flow", "catalog")

    def test_a_templates_own_preview_shows_what_is_set(self):
        components, values, _sent, _shown = offer(self.FORM)
        template = self._created(components, self.FORM)
        self.assertIn("Ends 24 hours after sending", template.preview_html)
        self._set_defaults(template, values)
        template.invalidate_recordset(["preview_html"])
        self.assertRegex(template.preview_html, "Ends 6 May 2031, [0-9]{1,2}:00")
        line = template.variable_ids.filtered(lambda one: one.kind == "expiry")
        line.offer_ends_at = False
        template.invalidate_recordset(["preview_html"])
        self.assertNotIn("Ends", template.preview_html)

    def test_each_way_sends_what_a_campaign_sends(self):
        for kind in self.WAYS:
            with self._case(kind):
                components, values, sent, shown = KINDS[kind](self.FORM)
                template = self._created(components, self.FORM)
                self._set_defaults(template, values)
                bodies = [
                    self._by_hand(template, shown), self._by_followup(template, shown),
                    self._by_action(template),
                ]  # fmt: skip
                for body in bodies:
                    self.assertEqual(body["template"]["components"], sent)

    def _set_defaults(self, template, values):
        for line in template.variable_ids:
            value = values.get((line.component, line.name, line.card_number))
            if value:
                line.write(value if isinstance(value, dict) else {"source": "text", "text": value})

    def _last(self):
        self._dispatch()
        return self.simulator.sends()[-1]["body"]

    def _by_hand(self, template, shown):
        lead = self._lead("+34 611 000 001", contact_name="Ana Gil")
        request = {
            "shown": ["crm.lead", lead.id], "sender_id": self.sender.id, "key": "k",
            "template_id": template.id,
        }  # fmt: skip
        conversations = self.env["waba.conversation"].with_user(self.salesperson)
        preview = conversations.conversation_template(request)
        self.assertFalse(preview["problem"])
        for text in shown:
            self.assertIn(text, preview["html"])
        asked = [one for one in preview["variables"] if not one["is_hidden"]]
        self.assertTrue(all(one["label"] and "\x1e" not in one["value"] for one in asked))
        self.assertFalse(conversations.conversation_send(request)["refused"])
        return self._last()

    def _by_followup(self, template, shown):
        sequence = self._sequence({"template_id": template.id, "wait_amount": 0})
        for text in shown:
            self.assertIn(text, sequence.step_ids.preview_html)
        lead = self._opportunity("+34 611 000 002", contact_name="Ana Gil")
        self._run_due(self._enrolled(sequence, lead))
        return self._last()

    def _by_action(self, template):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Write", "state": "waba_template", "waba_template_id": template.id,
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "waba_sender_id": self.sender.id,
            }
        )  # fmt: skip
        self.assertFalse(action.warning)
        lead = self._lead("+34 611 000 003", contact_name="Ana Gil")
        action.with_context(
            active_model=lead._name, active_ids=lead.ids, active_id=lead.id
        ).run()  # fmt: skip
        return self._last()


def _is_covered(part):
    if part["type"] in UNCOVERED_TYPES or part.get("sub_type", "url") not in COVERED_BUTTONS:
        return False
    return part["type"] != "header" or part["parameters"][0]["type"] in COVERED_HEADERS


class TestBadInput(KindCase):
    FORM = Form(is_named=False)

    def setUp(self):
        super().setUp()
        self.lead = self._lead("+34 611 000 001", contact_name="Ana Gil")

    def _excluded(self, components, values, reason, text):
        template = self._created(components, self.FORM)
        campaign = self._filled(self.lead, template, values)
        campaign._start_launch()
        self._prepare()
        row = self._rows(campaign)
        self.assertEqual((row.state, row.failure_type), ("skipped", reason))
        self.assertIn(text, row.failure_reason)
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])

    def test_what_meta_would_refuse_is_named_and_not_sent(self):
        place = [{"type": "HEADER", "format": "LOCATION"}, self.FORM.body]
        flow = [self.FORM.body, buttons({"type": "FLOW", "text": "Go", "flow_id": "8"})]
        products = [self.FORM.body, buttons({"type": "MPM", "text": "View items"})]
        long_list = ", ".join(f"SKU-{number}" for number in range(31))
        cases = [
            ([media("IMAGE"), self.FORM.body], {("header", "link", 0): "www.shop.example/a.jpg"},
             "must begin with https://"),
            (place, {("header", "latitude", 0): "91", ("header", "longitude", 0): "0"},
             "{{latitude}} is no coordinate"),
            (place, {("header", "latitude", 0): "40,4", ("header", "longitude", 0): "0"},
             "{{latitude}} is no coordinate"),
            (flow, {("button", "data", 0): "[1]"}, "is no JSON object"),
            (flow, {("button", "data", 0): "{screen"}, "is no JSON object"),
            (products, {("button", "thumbnail", 0): "A", ("button", "sections", 0): long_list},
             "is no list of products"),
            (products, {("button", "thumbnail", 0): "A", ("button", "sections", 0): "A: ; B: C"},
             "is no list of products"),
            ([self.FORM.body, buttons({"type": "COPY_CODE", "example": "A"})],
             {("button", "coupon", 0): "x" * 21}, "is too long"),
            (*carousel(self.FORM)[:1], {**carousel(self.FORM)[1], ("body", "1", 2): "x" * 160},
             "Card 2 Text is too long"),
            ([self.FORM.body], {("body", "1", 0): "🛋️" * 600}, "Text is too long"),
        ]  # fmt: skip
        for components, values, text in cases:
            with self._case(text):
                self._excluded(components, values, "bad_value", text)

    def test_characters_are_counted_as_meta_counts_them(self):
        """Meta's pages say characters: an emoji of one code point is one, not two as in UTF-16."""
        fits = [self.FORM.text("BODY", "Hi %s " + "x" * 1004 + " bye.")]
        template = self._created(fits, self.FORM)
        emoji = "🛋" * 10
        campaign = self._filled(self.lead, template, {("body", "1", 0): emoji})
        body = self._sent(campaign)
        self.assertEqual(body["template"]["components"][0]["parameters"][0]["text"], emoji)

    def test_a_variable_without_value_stops_the_launch_and_is_named(self):
        components, values, _sent, _shown = carousel(self.FORM)
        template = self._created(components, self.FORM)
        campaign = self._filled(self.lead, template, values)
        line = campaign.variable_ids.filtered(lambda one: one.card_number == 2)[0]
        line.write({"source": "file", "text": False})
        with self.assertRaisesRegex(UserError, "Set a value for Card 2 › Header › Image"):
            campaign._check_message()

    def test_a_source_fills_only_what_it_can(self):
        components, values, _sent, _shown = offer(self.FORM)
        campaign = self._filled(self.lead, self._created(components, self.FORM), values)
        lines = {line.component + line.name: line for line in campaign.variable_ids}
        for key, source in [
            ("offerexpires", "file"), ("offerexpires", "name"), ("body1", "date"),
            ("body1", "file"), ("body1", "hours"), ("headerlink", "hours"),
        ]:  # fmt: skip
            with self.subTest(key, source=source), self.assertRaises(ValidationError):
                lines[key].source = source

    def test_an_offer_that_is_over_is_not_sent(self):
        components, values, _sent, _shown = offer(self.FORM)
        past = {"source": "date", "offer_ends_at": fields.Datetime.now() - timedelta(hours=1)}
        self._excluded(
            components, {**values, ("offer", "expires", 0): past}, "offer_over", "already over"
        )

    def test_an_offer_that_ends_in_the_queue_is_not_sent(self):
        components, values, _sent, _shown = offer(self.FORM)
        soon = {"source": "date", "offer_ends_at": fields.Datetime.now() + timedelta(hours=1)}
        template = self._created(components, self.FORM)
        campaign = self._filled(self.lead, template, {**values, ("offer", "expires", 0): soon})
        campaign._start_launch()
        self._prepare()
        with self._moving_clock() as move:
            move(3600)
            self._dispatch()
        row = self._rows(campaign)
        self.assertEqual((row.state, row.failure_type), ("skipped", "offer_over"))
        self.assertEqual(self.simulator.sends(), [])

    def test_hours_of_an_offer_count_from_the_sending(self):
        components, values, _sent, _shown = offer(self.FORM)
        hours = {"source": "hours", "hours": 48}
        template = self._created(components, self.FORM)
        campaign = self._filled(self.lead, template, {**values, ("offer", "expires", 0): hours})
        self.assertIn("Ends 48 hours after sending", campaign.preview_html)
        before = datetime.now(timezone.utc).timestamp()
        body = self._sent(campaign)
        [parameter] = body["template"]["components"][1]["parameters"]
        ends = parameter["limited_time_offer"]["expiration_time_ms"] / 1000
        self.assertTrue(0 <= ends - before - 48 * 3600 < 120, ends - before)

    def test_an_offer_ends_by_the_recipients_clock(self):
        """18:00 at the shop in Madrid is 18:00 in Mexico City for who lives there."""
        components, values, _sent, _shown = offer(self.FORM)
        mexican = self.env["res.partner"].create(
            {"name": "Eva Sol", "phone": "+52 55 1234 5678", "tz": "America/Mexico_City",
             "country_id": self.env.ref("base.mx").id}
        )  # fmt: skip
        self.env.company.partner_id.tz = "Europe/Madrid"
        zone = self.env.company._waba_time_zone()
        ends = {"source": "date", "offer_ends_at": ENDS_AT, "in_recipient_zone": True}
        template = self._created(components, self.FORM)
        campaign = self._filled(mexican, template, {**values, ("offer", "expires", 0): ends})
        body = self._sent(campaign)
        [parameter] = body["template"]["components"][1]["parameters"]
        shift = parameter["limited_time_offer"]["expiration_time_ms"] - ENDS_MS
        self.assertEqual((zone, shift / 3_600_000), ("Europe/Madrid", 8))

    def test_a_template_edited_between_preparation_and_sending_waits(self):
        components, values, _sent, _shown = carousel(self.FORM)
        template = self._created(components, self.FORM)
        campaign = self._filled(self.lead, template, values)
        campaign._start_launch()
        self._prepare()
        components[1]["cards"].append(components[1]["cards"][0])
        self.account._client().edit_template(template.template_uid, {"components": components})
        self._change_template("every_kind", status="APPROVED")
        self.account._sync()
        self._dispatch()
        self.assertEqual(campaign.state, "paused")
        self.assertIn("changed at Meta", campaign.pause_reason)
        self.assertEqual(self._rows(campaign).state, "queued")
        self.assertEqual(self.simulator.sends(), [])

    def test_a_location_is_read_from_the_record(self):
        partner = self.env["res.partner"].create(
            {"name": "Eva Sol", "phone": "+34 611 000 009", "partner_latitude": 40.4168,
             "partner_longitude": -3.7038, "lang": self.env.lang}
        )  # fmt: skip
        nowhere = self.env["res.partner"].create({"name": "Leo Mar", "phone": "+34 611 000 008"})
        template = self._created([{"type": "HEADER", "format": "LOCATION"}, self.FORM.body],
                                 self.FORM)  # fmt: skip
        values = {
            ("header", name, 0): {"source": "field", "field_path": f"partner_{name}"}
            for name in ("latitude", "longitude")
        }
        campaign = self._filled(partner | nowhere, template, values)
        body = self._sent(campaign)
        [parameter] = body["template"]["components"][0]["parameters"]
        self.assertEqual(parameter["location"], {"latitude": "40.4168", "longitude": "-3.7038"})
        row = self._rows(campaign, "skipped")
        self.assertEqual((row.res_id, row.failure_type), (nowhere.id, "missing_value"))
