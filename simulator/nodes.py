"""GET on a node: the fields Meta documents for numbers, accounts, portfolios and templates.

Source: Meta's "Manage phone numbers", "Health status", "Messaging limits" and "Template quality"
pages (2025-10 to 2026-09) and the OpenAPI file v23.0.
"""

import re

from .graph_errors import GraphError
from .marketing import DELIVERY_KEYS, read_delivery
from .state import Account, Business, Number, Template

FIELD = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(\{[^{}]*\})?\s*(,|\Z)")
KIND_NAMES = {Number: "WhatsAppBusinessPhoneNumber", Account: "WhatsAppBusinessAccount",
              Business: "Business", Template: "WhatsAppMessageTemplate"}
DEFAULTS = {
    Number: ["display_phone_number", "verified_name", "quality_rating"],
    Account: ["name", "currency", "timezone_id", "message_template_namespace"],
    Business: ["name"],
    Template: ["name", "status", "category", "language", "components", "parameter_format"],
}
NUMBER_LIST = ["display_phone_number", "verified_name", "quality_rating", "status",
               "code_verification_status", "platform_type", "throughput"]
LIMIT_FIELD_VERSION = 24


class Nodes:
    """Reads fields. ``version`` is the Graph version as a float, e.g. 25.0."""

    def __init__(self, world, delivery):
        self.world = world
        self.delivery = delivery
        self._readers = {Number: self._number, Account: self._account,
                         Business: self._business, Template: self._template}

    def read(self, node, fields, version, default=None):
        """{field: value} for a ``fields=`` text (None: the default set), always with the id."""
        kind = type(node)
        wanted = parse_fields(fields) if fields else [(name, None)
                                                      for name in default or DEFAULTS[kind]]
        values = {}
        for name, inner in wanted:
            if name == "id":
                continue
            value = self._field(node, kind, name, version)
            if value is not None:
                values[name] = _narrow(value, inner)
        values["id"] = node.id
        return values

    def _field(self, node, kind, name, version):
        if name == "whatsapp_business_manager_messaging_limit" and kind is not Template:
            if version >= LIMIT_FIELD_VERSION:
                return self._portfolio(node).messaging_limit
            raise nonexisting(name, kind)
        if name == "health_status" and kind is not Business:
            return self._health(node)
        return self._readers[kind](node, name)

    def _portfolio(self, node):
        if isinstance(node, Business):
            return node
        return self.world.businesses[self.world.find_account(node).business_id]

    def _number(self, number, name):
        if name in ("display_phone_number", "verified_name", "quality_rating", "status",
                    "name_status", "code_verification_status", "platform_type", "account_mode",
                    "is_on_biz_app", "country_dial_code"):
            return getattr(number, name)
        if name == "throughput":
            return {"level": number.throughput_level}
        if name == "quality_score":
            return {"score": number.quality_rating}
        if name == "messaging_limit_tier":
            return self._portfolio(number).messaging_limit
        if name == "is_official_business_account":
            return False
        if name == "webhook_configuration":
            return self._webhook_configuration(number)
        raise nonexisting(name, Number)

    def _webhook_configuration(self, number):
        override = self.world.find_account(number).override_callback_uri
        urls = {"whatsapp_business_account": override, "application": self.delivery.settings.url}
        return {key: url for key, url in urls.items() if url}

    def _account(self, account, name):
        if name in ("name", "currency", "timezone_id", "message_template_namespace",
                    "account_review_status", "marketing_messages_onboarding_status",
                    "disable_marketing_messages_on_cloud_api"):
            return getattr(account, name)
        business = self.world.businesses[account.business_id]
        if name in ("owner_business_info", "owner_business"):
            if not self.world.settings.tell_owner:
                return None
            return {"id": business.id, "name": business.name}
        if name == "on_behalf_of_business_info":
            return {"id": business.id, "name": business.name, "status": "APPROVED",
                    "type": "SELF"}
        if name == "business_verification_status":
            return business.verification_status
        if name == "status":
            return "BANNED" if account.ban_state == "DISABLE" else "ACTIVE"
        if name == "ownership_type":
            return "SELF"
        raise nonexisting(name, Account)

    @staticmethod
    def _business(business, name):
        if name in ("name", "verification_status"):
            return getattr(business, name)
        raise nonexisting(name, Business)

    @staticmethod
    def _template(template, name):
        if name in ("name", "language", "category", "status", "components", "parameter_format",
                    "rejected_reason"):
            return getattr(template, name)
        if name == "previous_category":
            return template.previous_category or None
        if name == "quality_score":
            return {"score": template.quality, "date": template.quality_date}
        if name in DELIVERY_KEYS:
            return read_delivery(template, name)
        if name in ("sub_category", "library_template_name"):
            return None
        raise nonexisting(name, Template)

    # ---- health -------------------------------------------------------------------------------

    def _health(self, node):
        """Worst of the entities a send through this node would involve."""
        account = self.world.find_account(node)
        entities = [self._account_health(account),
                    _entity("BUSINESS", account.business_id), _entity("APP", self.world.app_id)]
        if isinstance(node, Number):
            entities.insert(0, _number_health(node))
        elif isinstance(node, Template):
            entities.insert(0, _template_health(node))
        states = {entity["can_send_message"] for entity in entities}
        overall = next((s for s in ("BLOCKED", "LIMITED") if s in states), "AVAILABLE")
        return {"can_send_message": overall, "entities": entities}

    def _account_health(self, account):
        now = self.world.clock.now()
        restricted = [r["restriction_type"] for r in account.restrictions
                      if account.restricted(r["restriction_type"], now)]
        if account.ban_state == "DISABLE" or account.billing_problem or any(
                "INITIATED_MESSAGING" in kind for kind in restricted):
            code = 141006 if account.billing_problem else 141010
            return _entity("WABA", account.id, error=code)
        return _entity("WABA", account.id, info=restricted)


def _entity(kind, object_id, info=(), error=0):
    entity = {"entity_type": kind, "id": object_id, "can_send_message": "AVAILABLE"}
    if error:
        entity["can_send_message"] = "BLOCKED"
        entity["errors"] = [{
            "error_code": error, "error_description": f"The {kind} cannot send messages.",
            "possible_solution": "Open WhatsApp Manager and follow the steps shown there."}]
    elif info:
        entity["can_send_message"] = "LIMITED"
        entity["additional_info"] = list(info)
    return entity


def _number_health(number):
    if number.status != "CONNECTED" or not number.registered:
        return _entity("PHONE_NUMBER", number.id, error=141000)
    info = [] if number.name_status in ("APPROVED", "AVAILABLE_WITHOUT_REVIEW") else [
        "The display name has not been approved yet."]
    return _entity("PHONE_NUMBER", number.id, info=info)


def _template_health(template):
    if template.status != "APPROVED":
        return _entity("MESSAGE_TEMPLATE", template.id, error=141002)
    return _entity("MESSAGE_TEMPLATE", template.id)


def nonexisting(name, kind):
    """Error 100 for a field the node type does not have."""
    return GraphError(100, message=f"(#100) Tried accessing nonexisting field ({name}) on node "
                                   f"type ({KIND_NAMES[kind]})")


def parse_fields(text):
    """``a,b{c,d}`` as [(name, [inner names] or None)]; one level of braces, as the API is used."""
    wanted, position = [], 0
    text = text.rstrip(", ")
    while position < len(text):
        match = FIELD.match(text, position)
        if not match:
            raise GraphError(2500, message=f"Syntax error in fields: {text[position:]!r}")
        inner = match.group(2)
        wanted.append((match.group(1), inner[1:-1].split(",") if inner else None))
        position = match.end()
    return wanted


def _narrow(value, inner):
    """Only the requested keys of an object, plus its id."""
    if inner is None or not isinstance(value, dict):
        return value
    names = {name.strip() for name in inner} | {"id"}
    return {key: value[key] for key in value if key in names}
