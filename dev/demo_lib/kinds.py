"""A draft of each further kind of campaign: carousel, limited-time offer, products, places…

Drafts, because the big campaign has used up the daily limit: their preview and their values are
what there is to see. The templates are those of the simulator (simulator/default_world.py).
"""

import base64
import io

from PIL import Image, ImageDraw

from .journey import PHONE_UID, print_step

AUDIENCE = "[('tag_ids.name', '=', 'Dormant')]"
NAME = {("body", "1", 0): {"source": "first_name", "fallback": "there"}}
NAMED = {("body", "first_name", 0): {"source": "first_name", "fallback": "there"}}


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
        {**NAME, **card(1, "#8a5a44", "€499", "sofa"), **card(2, "#d9b44a", "€49", "lamp")},
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
)  # fmt: skip


def draft(demo):
    """Make one draft of each kind."""
    print_step(f"drafts of {len(DRAFTS)} other kinds: carousel, offer, catalog, place, document…")
    [sender] = demo.sales.search("waba.sender", [("phone_number_uid", "=", PHONE_UID)], ["id"])
    for name, template, values in DRAFTS:
        [found] = demo.sales.search(
            "waba.template",
            [("name", "=", template), ("account_id.sender_ids", "=", sender["id"])],
            ["id"],
        )
        [campaign_id] = demo.sales.call(
            "waba.campaign",
            "create",
            [{
                "name": name, "template_id": found["id"], "sender_id": sender["id"],
                "res_model": "crm.lead", "audience_domain": AUDIENCE,
            }],
        )  # fmt: skip
        for line in demo.sales.search(
            "waba.campaign.variable",
            [("campaign_id", "=", campaign_id)],
            ["component", "name", "card_number"],
        ):
            key = line["component"], line["name"], line["card_number"]
            if given := values.get(key):
                demo.sales.call(
                    "waba.campaign.variable", "write", [line["id"]], _line_values(demo, given)
                )


def _line_values(demo, given):
    if picture := given.get("picture"):
        name, colour = picture
        return _file(demo, name, _picture(colour), "image")
    if name := given.get("document"):
        return _file(demo, name, b"%PDF-1.4\n%%EOF", "document")
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
