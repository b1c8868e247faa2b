"""A draft of each further kind of campaign: carousel, limited-time offer, products, places…

Drafts, because the big campaign has used up the daily limit: their preview and their values are
what there is to see. The templates are those of the simulator (simulator/default_world.py).
One is in two languages; one goes by the Marketing Messages API, with maximum prices and a budget.
"""

import base64
import io

from PIL import Image, ImageDraw

from .journey import PHONE_UID, WABA_UID, print_step

AUDIENCE = "[('tag_ids.name', '=', 'Dormant')]"
NAME = {("body", "1", 0): {"source": "first_name", "fallback": "there"}}
NAMED = {("body", "first_name", 0): {"source": "first_name", "fallback": "there"}}
# The smallest file that counts as MP4: nobody plays it.
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
PRICED = "season_sale"
# The template's price is of 1,000 deliveries, in cents: 0.08 € each.
BID, MARKET_PRICE = 8000, 0.05
MAX_PRICES, BUDGET = (("es", 0.055), (None, 0.03)), 25


def text(value):
    return {"source": "text", "text": value}


def card(number, colour, price, path):
    """Values of one card; a shape of this colour stands for the product."""
    return {
        ("header", "link", number): {"picture": (f"{path}.png", colour)},
        ("body", "1", number): text(price),
        ("button", "1", number): text(path),
    }


# (campaign, template, values by (component, name, card))
DRAFTS = (
    (
        "New arrivals", "new_arrivals",
        {**NAME, **card(1, "#8a5a44", "€499", "sofa"), **card(2, "#d9b44a", "€59", "lamp")},
    ),
    (
        "Weekend offer", "weekend_offer",
        {
            **NAMED,
            ("header", "link", 0): {"picture": ("armchair.png", "#5d7a5b")},
            ("offer", "expires", 0): {"source": "hours", "hours": 48},
            ("button", "coupon", 0): text("CHAIR25"),
            ("button", "1", 0): text("armchairs"),
        },
    ),
    ("Our catalog", "full_catalog", {**NAME, ("button", "thumbnail", 0): text("SOFA-3")}),
    (
        "Picked for you", "picked_for_you",
        {
            **NAME,
            ("button", "thumbnail", 0): text("SOFA-3"),
            ("button", "sections", 0): text("Sofas: SOFA-3, SOFA-2; Lamps: LAMP-1"),
        },
    ),
    ("Kitchen visits", "book_visit", {**NAME, ("button", "token", 0): text("kitchen-visit")}),
    (
        "Store opening", "store_opening",
        {
            **NAME,
            ("header", "latitude", 0): text("40.4168"),
            ("header", "longitude", 0): text("-3.7038"),
            ("header", "name", 0): text("Demo Store Centro"),
            ("header", "address", 0): text("Calle Mayor 1, Madrid"),
        },
    ),
    ("Price list", "price_list", {**NAME, ("header", "link", 0): {"document": "Prices 2027.pdf"}}),
    ("Kitchen tour", "kitchen_tour", {**NAME, ("header", "link", 0): {"video": "kitchens.mp4"}}),
    ("Ten years with us", "loyalty_code", {**NAME, ("button", "coupon", 0): text("TENYEARS")}),
    ("A call about your order", "share_number", NAME),
    (
        "Season sale", PRICED,
        {**NAME, ("header", "link", 0): {"picture": ("table.png", "#4f6d8a")}},
    ),
)  # fmt: skip
LANGUAGES = "Autumn in two languages"


def draft(demo):
    """Make one draft of each kind."""
    print_step(f"drafts of {len(DRAFTS) + 1} kinds: carousel, offer, catalog, place, languages…")
    for name, template, values in DRAFTS:
        _draft_one(demo, name, template, values)
    _draft_languages(demo)
    _set_prices(demo)


def _draft_one(demo, name, template, values, language="en", **more):
    """The id of a new campaign whose variables have these values."""
    [sender] = demo.sales.search("waba.sender", [("phone_number_uid", "=", PHONE_UID)], ["id"])
    [found] = demo.sales.search(
        "waba.template",
        [
            ("name", "=", template),
            ("language", "=", language),
            ("account_id.sender_ids", "=", sender["id"]),
        ],
        ["id"],
    )
    [campaign_id] = demo.sales.call(
        "waba.campaign",
        "create",
        [{
            "name": name, "template_id": found["id"], "sender_id": sender["id"],
            "res_model": "crm.lead", "audience_domain": AUDIENCE, **more,
        }],
    )  # fmt: skip
    _fill(demo, [("campaign_id", "=", campaign_id), ("variant", "=", "a")], values)
    return campaign_id


def _fill(demo, domain, values):
    lines = demo.sales.search(
        "waba.campaign.variable", domain, ["component", "name", "card_number"]
    )
    for line in lines:
        if given := values.get((line["component"], line["name"], line["card_number"])):
            demo.sales.call(
                "waba.campaign.variable", "write", [line["id"]], _line_values(demo, given)
            )


def _draft_languages(demo):
    """Spanish for most, English for who speaks it; the English fallback is its own."""
    company = {("body", "2", 0): {"source": "our_company"}, ("button", "1", 0): text("sofas")}
    first_name = {"source": "first_name", "fallback": "cliente"}
    campaign_id = _draft_one(
        demo, LANGUAGES, "autumn_offer", {("body", "1", 0): first_name, **company}, "es",
        by_language=True,
    )  # fmt: skip
    _fill(
        demo,
        [("campaign_id", "=", campaign_id), ("variant", "=", "language")],
        {("body", "1", 0): {"fallback": "there"}},
    )


def _set_prices(demo):
    """The account's promotions go by the Marketing Messages API; one campaign has prices."""
    demo.simulator.post("account", id=WABA_UID, marketing_messages_onboarding_status="ONBOARDED")
    demo.simulator.post("template", name=PRICED, bid=BID)
    demo.simulator.post("auction", price=MARKET_PRICE, spread=0.3)
    account_ids = demo.admin.call("waba.account", "search", [("waba_uid", "=", WABA_UID)])
    demo.admin.call("waba.account", "write", account_ids, {"promotions_by": "marketing_api"})
    demo.admin.call("waba.account", "action_sync", account_ids)
    [campaign] = demo.sales.search(
        "waba.campaign", [("template_id.name", "=", PRICED)], ["id"], limit=1
    )
    lines = []
    for code, price in MAX_PRICES:
        country = code and demo.sales.call("res.country", "search", [("code", "=", code.upper())])
        lines.append((0, 0, {"country_id": country[0] if country else False, "max_price": price}))
    demo.sales.call(
        "waba.campaign", "write", [campaign["id"]], {"price_ids": lines, "budget": BUDGET}
    )


def _line_values(demo, given):
    if picture := given.get("picture"):
        name, colour = picture
        return _file(demo, name, _picture(colour), "image")
    if name := given.get("document"):
        return _file(demo, name, b"%PDF-1.4\n%%EOF", "document")
    if name := given.get("video"):
        return _file(demo, name, MP4, "video")
    return given


def _file(demo, name, content, kind):
    """As the browser does: upload, then keep."""
    [attachment_id] = demo.sales.call(
        "ir.attachment",
        "create",
        [{"name": name, "datas": base64.b64encode(content).decode(), "res_model": "waba.file"}],
    )
    kept = demo.sales.call("waba.file", "keep_upload", attachment_id, kind)
    return {"source": "file", "file_id": kept["id"]}


def _picture(colour):
    image = Image.new("RGB", (640, 360), "#f4f1ec")
    ImageDraw.Draw(image).rounded_rectangle((120, 110, 520, 300), 40, fill=colour)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
