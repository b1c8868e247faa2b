"""The world without a seed file: a fictive furniture shop with Spanish and English templates."""

WELCOME_DATE = 1788000000


def default_seed():
    """One portfolio, two accounts, three numbers, one token, the shop's templates."""
    return {
        "app": {"app_id": "300000000000001", "app_name": "Demo App"},
        "businesses": [{"id": "100000000000001", "name": "Demo Portfolio",
                        "messaging_limit": "TIER_250"}],
        "accounts": [
            {"id": "200000000000001", "business_id": "100000000000001", "name": "Demo Store",
             "numbers": [
                 {"id": "400000000000001", "display_phone_number": "+34 600 000 001",
                  "verified_name": "Demo Store ES"},
                 {"id": "400000000000002", "display_phone_number": "+52 55 1000 0002",
                  "verified_name": "Demo Store MX"}],
             "templates": _templates()},
            {"id": "200000000000002", "business_id": "100000000000001",
             "name": "Demo Store Outlet",
             "numbers": [
                 {"id": "400000000000003", "display_phone_number": "+34 600 000 003",
                  "verified_name": "Demo Store Outlet"}],
             "templates": _autumn_offer() + _order_update()}],
        "tokens": [{"token": "SIM-TOKEN"}],
    }


def _templates():
    found = (_autumn_offer() + _welcome_back() + _order_update() + [_season_sale(), _old_promo(),
                                                                   _rejected()])
    # With ids of their own, so that those above and those of the other account stay what they were.
    return found + [{"id": f"5100{number:014d}", **template}
                    for number, template in enumerate(_other_kinds(), start=1)]


def _other_kinds():
    """One template of each further kind."""
    return [_new_arrivals(), _weekend_offer(), _full_catalog(), _picked_for_you(), _book_visit(),
            _store_opening(), _price_list(), _share_number(), _loyalty_code(), _kitchen_tour()]


def _template(name, language, components, category="MARKETING", quality="GREEN", **more):
    return {"name": name, "language": language, "category": category, "components": components,
            "quality": quality, "quality_date": WELCOME_DATE, **more}


def _body(text, *examples):
    body = {"type": "BODY", "text": text}
    if examples:
        body["example"] = {"body_text": [list(examples)]}
    return body


def _named_body(text, **examples):
    return {"type": "BODY", "text": text, "example": {"body_text_named_params": [
        {"param_name": name, "example": example} for name, example in examples.items()]}}


def _header(text):
    return {"type": "HEADER", "format": "TEXT", "text": text}


def _footer(text):
    return {"type": "FOOTER", "text": text}


def _quick_reply(text):
    return {"type": "QUICK_REPLY", "text": text}


def _buttons(*buttons):
    return {"type": "BUTTONS", "buttons": list(buttons)}


def _shop_link(text, path):
    url = f"https://demo-store.example/{path}"
    return {"type": "URL", "text": text, "url": url + "{{1}}", "example": [url + "sofas?u=17"]}


def _autumn_offer():
    """Positional: first name, company; an opt-out button and a link with a variable end."""
    return [
        _template("autumn_offer", "es", [
            _header("Llega el otoño a tu salón"),
            _body("Hola {{1}}, en {{2}} tienes hasta el domingo un 20 % de descuento en sofás y "
                  "butacas. ¡Te esperamos!", "Ana", "Muebles Roble"),
            _footer("Pulsa Baja para no recibir más ofertas"),
            _buttons(_quick_reply("Baja"), _shop_link("Ver sofás", "otono/"))]),
        _template("autumn_offer", "en", [
            _header("Autumn has reached your living room"),
            _body("Hi {{1}}, until Sunday {{2}} takes 20% off every sofa and armchair. See you "
                  "soon!", "Emma", "Oak Furniture"),
            _footer("Tap Stop promotions to receive no more offers"),
            _buttons(_quick_reply("Stop promotions"), _shop_link("See sofas", "autumn/"))]),
    ]


def _welcome_back():
    """Named variables."""
    return [
        _template("welcome_back", "es", [
            _named_body("Hola {{first_name}}, soy {{salesperson}}, de la tienda. ¿Seguimos con "
                        "el proyecto de tu cocina?", first_name="Ana", salesperson="Marcos"),
            _buttons(_quick_reply("Sí, llámame"), _quick_reply("Baja"))],
            parameter_format="NAMED"),
        _template("welcome_back", "en", [
            _named_body("Hi {{first_name}}, this is {{salesperson}} from the store. Shall we go "
                        "on with your kitchen project?", first_name="Emma", salesperson="Mark"),
            _buttons(_quick_reply("Yes, call me"), _quick_reply("Stop promotions"))],
            parameter_format="NAMED", quality="UNKNOWN"),
    ]


def _order_update():
    return [
        _template("order_update", "es", [
            _body("Tu pedido {{1}} ha salido del almacén y llega mañana.", "S00042")],
            category="UTILITY"),
        _template("order_update", "en", [
            _body("Your order {{1}} has left our warehouse and arrives tomorrow.", "S00042")],
            category="UTILITY"),
    ]


def _season_sale():
    return _template("season_sale", "en", [
        {"type": "HEADER", "format": "IMAGE", "example": {
            "header_handle": ["https://demo-store.example/media/season-sale.jpg"]}},
        _body("Hi {{1}}, the season sale has begun: tables, lamps and shelves at half price.",
              "Emma"),
        _buttons(_quick_reply("Stop promotions"))], quality="YELLOW")


def _old_promo():
    return _template("old_promo", "en", [
        _body("Hi {{1}}, last days of our garden furniture offer.", "Emma"),
        _buttons(_quick_reply("Stop promotions"))], quality="RED", status="PAUSED", strikes=1)


def _rejected():
    return _template("rejected_one", "en", [_body("Win a free sofa, click now!")],
                     quality="UNKNOWN", status="REJECTED", rejected_reason="SCAM")


def _media_header(kind, name):
    return {"type": "HEADER", "format": kind, "example": {
        "header_handle": [f"https://demo-store.example/media/{name}"]}}


def _stop():
    return _quick_reply("Stop promotions")


def _new_arrivals():
    """Carousel: two cards with an image, a text with a variable, a link and a quick reply."""
    cards = [{"components": [
        _media_header("IMAGE", f"{name}.jpg"),
        _body(f"{title} now from {{{{1}}}}, delivery included.", price),
        _buttons(_quick_reply("More like this"), _shop_link("See it", f"{name}/"))]}
        for name, title, price in (("sofa", "Sofas", "€499"), ("lamp", "Lamps", "€59"))]
    return _template("new_arrivals", "en", [
        _body("Hi {{1}}, these have just arrived in our store:", "Emma"),
        {"type": "CAROUSEL", "cards": cards}])


def _weekend_offer():
    """Limited-time offer: named variables, a code and a link."""
    return _template("weekend_offer", "en", [
        _media_header("IMAGE", "weekend.jpg"),
        {"type": "LIMITED_TIME_OFFER",
         "limited_time_offer": {"text": "Weekend offer", "has_expiration": True}},
        _named_body("Hi {{first_name}}, this weekend every armchair costs a quarter less.",
                    first_name="Emma"),
        _buttons({"type": "COPY_CODE", "text": "Copy offer code", "example": "CHAIR25"},
                 _shop_link("See armchairs", "armchairs/"))], parameter_format="NAMED")


def _full_catalog():
    return _template("full_catalog", "en", [
        _body("Hi {{1}}, our whole catalog is now here on WhatsApp.", "Emma"),
        _footer("Reply STOP to receive no more offers"),
        _buttons({"type": "CATALOG", "text": "View catalog"})])


def _picked_for_you():
    """Multi-product message."""
    return _template("picked_for_you", "en", [
        _header("Picked for you"),
        _body("Hi {{1}}, these go well with what you bought from us.", "Emma"),
        _footer("Reply STOP to receive no more offers"),
        _buttons({"type": "MPM", "text": "View items"})])


def _book_visit():
    return _template("book_visit", "en", [
        _body("Hi {{1}}, choose a day for your visit to our kitchen studio.", "Emma"),
        _buttons({"type": "FLOW", "text": "Choose a day", "flow_id": "800000000000001",
                  "flow_action": "navigate", "navigate_screen": "DAYS"}, _stop())])


def _store_opening():
    return _template("store_opening", "en", [
        {"type": "HEADER", "format": "LOCATION"},
        _body("Hi {{1}}, our new store opens on Saturday. Come and see it.", "Emma"),
        _buttons(_stop())])


def _price_list():
    return _template("price_list", "en", [
        _media_header("DOCUMENT", "prices.pdf"),
        _body("Hi {{1}}, here is our new price list.", "Emma"), _buttons(_stop())])


def _share_number():
    return _template("share_number", "en", [
        _body("Hi {{1}}, may we call you about your order?", "Emma"),
        _buttons({"type": "REQUEST_CONTACT_INFO", "text": "Share contact info"})],
        category="UTILITY")


def _loyalty_code():
    return _template("loyalty_code", "en", [
        _body("Hi {{1}}, thank you for ten years with us: 10% off with your own code.", "Emma"),
        _buttons({"type": "COPY_CODE", "text": "Copy offer code", "example": "TENYEARS"},
                 _stop())])


def _kitchen_tour():
    return _template("kitchen_tour", "en", [
        _media_header("VIDEO", "kitchens.mp4"),
        _body("Hi {{1}}, take a one-minute tour of our new kitchen studio.", "Emma"),
        _buttons(_stop())])
