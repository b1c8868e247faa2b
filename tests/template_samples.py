"""Templates for tests: parts as Meta creates them, and one valid template of every kind."""

BODY_TEXT = "Hello {{1}}, your order {{2}} is on its way to you. Reply STOP to opt out."
NAMED_TEXT = BODY_TEXT.replace("{{1}}", "{{first_name}}").replace("{{2}}", "{{order}}")
IMAGE = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}}
URL = {"type": "URL", "text": "See more", "url": "https://shop.example/more"}
QUICK = {"type": "QUICK_REPLY", "text": "Stop promotions"}
CODE = {"type": "COPY_CODE", "example": "SPRING20"}
PHONE = {"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+34600000000"}


def body(text="A few words for everybody. Reply STOP to opt out.", *samples):
    part = {"type": "BODY", "text": text}
    return {**part, "example": {"body_text": [list(samples)]}} if samples else part


def named_body(text=NAMED_TEXT, **samples):
    samples = samples or {"first_name": "Ana", "order": "A12"}
    pairs = [{"param_name": name, "example": value} for name, value in samples.items()]
    return {"type": "BODY", "text": text, "example": {"body_text_named_params": pairs}}


def header(text, *samples):
    part = {"type": "HEADER", "format": "TEXT", "text": text}
    return {**part, "example": {"header_text": list(samples)}} if samples else part


def footer(text):
    return {"type": "FOOTER", "text": text}


def buttons(*some):
    return {"type": "BUTTONS", "buttons": list(some)}


def card(text="A card with a few words", *some, media="IMAGE"):
    parts = [{**IMAGE, "format": media}, buttons(*(some or (URL, {**QUICK, "text": "Stop"})))]
    return {"components": parts[:1] + ([body(text)] if text else []) + parts[1:]}


def carousel(*cards):
    return [body(), {"type": "CAROUSEL", "cards": list(cards or (card(), card("Another card")))}]


def offer(text="Ends soon", *others, expires=True):
    part = {"text": text, "has_expiration": expires}
    return [
        IMAGE,
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": part},
        body(BODY_TEXT, "Ana", "A12"),
        buttons(*(others or (CODE, URL))),
    ]


def product_card(button):
    return {"components": [{"type": "HEADER", "format": "PRODUCT"}, buttons(button)]}


def authentication(**button):
    return [
        {"type": "BODY", "add_security_recommendation": True},
        {"type": "FOOTER", "code_expiration_minutes": 10},
        buttons({"type": "OTP", "otp_type": "COPY_CODE", **button}),
    ]


MARKETING_KINDS = {
    "text": [body(BODY_TEXT, "Ana", "A12")],
    "text header": [header("Our {{1}} is on!", "sale"), body(), footer("Shop Ltd")],
    "image": [IMAGE, body()],
    "video": [{**IMAGE, "format": "VIDEO"}, body()],
    "document": [{**IMAGE, "format": "DOCUMENT"}, body()],
    "location": [{"type": "HEADER", "format": "LOCATION"}, body()],
    "quick replies": [body(), buttons(QUICK, {**QUICK, "text": "More"})],
    "website": [body(), buttons({**URL, "url": "https://shop.example/{{1}}", "example": ["a"]})],
    "all buttons": [body(), buttons(QUICK, URL, {**URL, "text": "Also"}, PHONE, CODE)],
    "flow": [body(), buttons({"type": "FLOW", "text": "Book", "flow_id": "123"})],
    "contact info": [
        body(),
        buttons({"type": "REQUEST_CONTACT_INFO", "text": "Share Contact Info"}),
    ],
    "catalog": [body(), buttons({"type": "CATALOG", "text": "View catalog"})],
    "products": [header("For you"), body(), buttons({"type": "MPM", "text": "View items"})],
    "carousel": carousel(),
    "product carousel": carousel(*[product_card({"type": "SPM", "text": "View"})] * 2),
    "offer": offer(),
}
