"""Meta's library of ready-made templates: the list, and a template made from one of them.

Source: Meta's "Template library" page (2026-04-09). The texts here are our own, in the shape of
Meta's: fixed wording, parameters with a type, buttons that take an address or a phone number.
"""

import json

from .graph_errors import GraphError, missing_parameter
from .paging import page
from .template_parts import VARIABLE, invalid

FILTERS = ("topic", "usecase", "language", "name")
INPUT_TYPES = ("URL", "PHONE_NUMBER")

_LINK = {"type": "URL", "url": "https://www.example.com/"}
_CALL = {"type": "PHONE_NUMBER", "phone_number": "+18005551234"}


def _row(name, topic, usecase, texts, params=(), types=(), industry=("E_COMMERCE",)):
    """One template in its languages; ``texts`` is {language: (header, body, buttons)}."""
    return [{"name": name, "language": language, "category": "UTILITY", "topic": topic,
             "usecase": usecase, "industry": list(industry), "header": header, "body": body,
             "body_params": list(params), "body_param_types": list(types), "buttons": buttons}
            for language, (header, body, buttons) in texts.items()]


TEMPLATES = (
    _row("delivery_update_1", "ORDER_MANAGEMENT", "DELIVERY_UPDATE", {
        "en_US": ("Delivery update", "Hi {{1}}, your order {{2}} is on its way and should arrive "
                  "on {{3}}.", [{**_LINK, "text": "Track order"}]),
        "es": ("Su pedido está en camino", "Hola {{1}}: su pedido {{2}} va en camino y llegará el "
               "{{3}}, según lo previsto.", [{**_LINK, "text": "Seguir pedido"}]),
        "pt_BR": ("Atualização da entrega", "Olá {{1}}, o seu pedido {{2}} está a caminho e deve "
                  "chegar em {{3}}.", [{**_LINK, "text": "Acompanhar pedido"}]),
    }, ("Jim", "#12345", "January 1st, 2024"), ("TEXT", "NUMBER", "DATE"))
    + _row("order_confirmation_1", "ORDER_MANAGEMENT", "ORDER_CONFIRMATION", {
        "en_US": ("", "Thank you, {{1}}. We have received your order {{2}} for {{3}} and will tell "
                  "you when it ships.", [{**_LINK, "text": "View order"}]),
        "es": ("", "Gracias, {{1}}. Hemos recibido su pedido {{2}} por {{3}} y le avisaremos "
               "cuando salga.", [{**_LINK, "text": "Ver pedido"}]),
    }, ("Jim", "#12345", "$75.00"), ("TEXT", "NUMBER", "AMOUNT"))
    + _row("account_creation_confirmation_3", "ACCOUNT_UPDATE", "ACCOUNT_CREATION_CONFIRMATION", {
        "en_US": ("", "Hello {{1}}, your account at {{2}} is ready to use.", []),
        "es": ("", "Hola {{1}}: su cuenta en {{2}} ya está lista para usar.", []),
    }, ("Jim", "CS Mutual"), ("TEXT", "TEXT"))
    + _row("payment_due_reminder_1", "PAYMENTS", "PAYMENT_DUE_REMINDER", {
        "en_US": ("Your payment is due", "Hi {{1}}, your invoice {{2}} of {{3}} is due on {{4}}. "
                  "Ignore this message if you have already paid.",
                  [{**_LINK, "text": "Pay now"}, {**_CALL, "text": "Call us"}]),
        "es": ("Su pago vence pronto", "Hola {{1}}: su factura {{2}} de {{3}} vence el {{4}}. Si "
               "ya ha pagado, no haga caso de este mensaje.",
               [{**_LINK, "text": "Pagar"}, {**_CALL, "text": "Llamar"}]),
    }, ("Jim", "INV-001", "$75.00", "2024-04-19"), ("TEXT", "TEXT", "AMOUNT", "DATE"),
        ("E_COMMERCE", "FINANCIAL_SERVICES"))
    + _row("low_balance_warning_1", "PAYMENTS", "LOW_BALANCE_WARNING", {
        "en_US": ("Your account balance is low", "Hi {{1}}, the balance of your account ending in "
                  "{{2}} is below {{3}}.", [{**_LINK, "text": "Make a deposit"},
                                            {**_CALL, "text": "Call us"}]),
    }, ("Jim", "1234", "$75.00"), ("TEXT", "NUMBER", "AMOUNT"), ("FINANCIAL_SERVICES",))
    + _row("delivery_failed_2_form", "ORDER_MANAGEMENT", "DELIVERY_FAILED", {
        "en_US": ("", "We were unable to deliver order {{1}} today. Please {{2}} to schedule "
                  "another delivery attempt.", [{"type": "FLOW", "text": "Reschedule"}]),
    }, ("#12345", "try a redelivery"), ("TEXT", "TEXT"))
    + _row("feedback_survey_1", "CUSTOMER_FEEDBACK", "FEEDBACK_SURVEY", {
        "en_US": ("", "Hi {{1}}, how was your visit to {{2}}? Your answer helps us to improve.",
                  [{"type": "QUICK_REPLY", "text": "Good"},
                   {"type": "QUICK_REPLY", "text": "Bad"}]),
        "es": ("", "Hola {{1}}: ¿qué le pareció su visita a {{2}}? Su respuesta nos ayuda a "
               "mejorar.", [{"type": "QUICK_REPLY", "text": "Bien"},
                            {"type": "QUICK_REPLY", "text": "Mal"}]),
        "pt_BR": ("", "Olá {{1}}, como foi a sua visita a {{2}}? A sua resposta nos ajuda a "
                  "melhorar.", [{"type": "QUICK_REPLY", "text": "Boa"},
                                {"type": "QUICK_REPLY", "text": "Ruim"}]),
    }, ("Jim", "our store"), ("TEXT", "TEXT")))
for _number, _template in enumerate(TEMPLATES):
    _template["id"] = str(7138055039625600 + _number)


def browse(query, base_url):
    """GET /message_template_library with its filters and cursors."""
    found = [t for t in TEMPLATES if all(t[key] == query[key] for key in FILTERS if query.get(key))]
    if query.get("industry"):
        found = [t for t in found if query["industry"] in t["industry"]]
    wanted = query.get("search", "").strip('"').lower()
    found = [t for t in found if wanted in " ".join((t["name"], t["header"], t["body"])).lower()]
    found = page(found, query, base_url, 100)
    found["data"] = [{key: value for key, value in t.items() if value not in ("", [])}
                     for t in found["data"]]
    return found


def components_of(body):
    """The components of a template that is created from the library, and the template itself."""
    name, language = body["library_template_name"], body["language"]
    chosen = next((t for t in TEMPLATES if (t["name"], t["language"]) == (name, language)), None)
    if chosen is None:
        raise invalid(f"The library has no template {name!r} in {language}")
    if str(body.get("category")).upper() != chosen["category"]:
        raise invalid(f"category: the library's template is of category {chosen['category']}")
    components = []
    if chosen["header"]:
        components.append({"type": "HEADER", "format": "TEXT", "text": chosen["header"]})
    text = {"type": "BODY", "text": chosen["body"]}
    if chosen["body_params"]:
        text["example"] = {"body_text": [chosen["body_params"]]}
    components.append(text)
    if chosen["buttons"]:
        inputs = _inputs(body.get("library_template_button_inputs"))
        components.append({"type": "BUTTONS", "buttons": _filled(chosen["buttons"], inputs)})
    return components, chosen


def _inputs(value):
    """The inputs, as JSON or as a text of it (Meta's page shows a text)."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise GraphError(100, "library_template_button_inputs must be JSON.") from None
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise GraphError(100, "library_template_button_inputs must be an array of objects.")
    return value


def _filled(buttons, inputs):
    """The buttons with our addresses; each URL and phone button needs its input, in order."""
    inputs, filled = list(inputs), []
    for button in buttons:
        if button["type"] not in INPUT_TYPES:
            filled.append(button)
            continue
        given = inputs.pop(0) if inputs else {}
        if given.get("type") != button["type"]:
            raise missing_parameter("library_template_button_inputs")
        filled.append({**button, **_input(given)})
    if inputs:
        raise invalid("library_template_button_inputs: more inputs than buttons")
    return filled


def _input(given):
    if given["type"] == "PHONE_NUMBER":
        if not str(given.get("phone_number", "")).lstrip("+").isdigit():
            raise invalid("library_template_button_inputs: phone_number is required")
        return {"phone_number": given["phone_number"]}
    url = given.get("url")
    base = url.get("base_url", "") if isinstance(url, dict) else ""
    if not base.startswith(("http://", "https://")):
        raise invalid("library_template_button_inputs: url.base_url is required")
    if not VARIABLE.search(base):
        return {"url": base}
    if not str(url.get("url_suffix_example", "")).startswith(("http://", "https://")):
        raise invalid("library_template_button_inputs: url.url_suffix_example is required")
    return {"url": base, "example": [url["url_suffix_example"]]}
