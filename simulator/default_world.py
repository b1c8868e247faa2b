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
    return (_autumn_offer() + _welcome_back() + _order_update() + [_season_sale(), _old_promo(),
                                                                  _rejected()])


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
