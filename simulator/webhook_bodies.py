"""Webhook bodies as Meta documents them (pages of 2025-10 to 2026-09; see README.md).

An Update is one change of one account. ``merge`` packs several into one body the way Meta
batches: one entry per account, statuses and messages of one number side by side.
"""

from dataclasses import dataclass

from .free_entry import conversation_of
from .graph_errors import status_error

STOP_DETAIL = "User requested to stop marketing messages"
RESUME_DETAIL = "User requested to resume marketing messages"


@dataclass(slots=True)
class Update:
    """``items`` is the list key of a ``messages`` value ("statuses", "messages") or "".

    ``value`` is then one element of that list and ``contact`` goes with it; for any other field
    ``value`` is the whole value. ``at`` is Unix seconds. ``stopper`` is the Person who opts out by
    this update.
    """

    account_id: str
    field: str
    value: dict
    at: float
    items: str = ""
    number: object = None
    contact: dict | None = None
    stopper: object = None


def metadata(number):
    return {"display_phone_number": number.digits, "phone_number_id": number.id}


def contact_element(person, user_id):
    """The contacts[] element; the phone is left out for a person who hides it."""
    profile = {"name": person.name}
    if person.username:
        profile["username"] = person.username
    contact = {"profile": profile, "user_id": user_id}
    if not person.hide_number:
        contact["wa_id"] = person.wa_id
    return contact


def status_update(message, status, at, code=0, details=""):
    """A status of one of our messages: sent, delivered, read or failed."""
    person = message.person
    value = {"id": message.wamid, "status": status, "timestamp": str(int(at)),
             "recipient_user_id": message.user_id}
    if not person.hide_number:
        value["recipient_id"] = person.wa_id
    if message.opaque:
        value["biz_opaque_callback_data"] = message.opaque
    if status == "failed":
        value["errors"] = [status_error(code, details)]
        contact = None
    else:
        contact = contact_element(person, message.user_id)
        if status == "sent" or status == message.priced_status:
            value["pricing"] = message.pricing
        if conversation := conversation_of(message):
            value["conversation"] = conversation
        if message.cost and status in ("delivered", "read"):
            value["pricing"] = {**message.pricing, "cost": message.cost}
    return Update(message.number.account_id, "messages", value, at, "statuses", message.number,
                  contact)


def inbound_update(number, person, user_id, wamid, content, at, context_wamid=""):
    """A message from a person; ``content`` is ``{"type": kind, kind: {...}}``."""
    value = {"id": wamid, "timestamp": str(int(at)), "from_user_id": user_id, **content}
    if not person.hide_number:
        value["from"] = person.wa_id
    if context_wamid:
        value["context"] = {"from": number.digits, "id": context_wamid}
    return Update(number.account_id, "messages", value, at, "messages", number,
                  contact_element(person, user_id))


def preference_update(number, person, user_id, choice, at):
    """A person stopped or resumed our marketing. The timestamp is an integer here."""
    contact = contact_element(person, user_id)
    preference = {key: contact[key] for key in ("wa_id", "user_id") if key in contact}
    preference.update(detail=STOP_DETAIL if choice == "stop" else RESUME_DETAIL,
                      category="marketing_messages", value=choice, timestamp=int(at))
    value = {"messaging_product": "whatsapp", "metadata": metadata(number),
             "contacts": [contact], "user_preferences": [preference]}
    return Update(number.account_id, "user_preferences", value, at,
                  stopper=person if choice == "stop" else None)


def template_status_update(template, event, at, reason="NONE", title="", description="",
                           disable_date=0):
    """The template id travels as a JSON number, as Meta sends it."""
    value = {"event": event, **_template_keys(template), "reason": reason,
             "message_template_category": template.category}
    if title:
        value["other_info"] = {"title": title, "description": description or title}
    if disable_date:
        value["disable_info"] = {"disable_date": disable_date}
    if event == "REJECTED" and template.rejection_info:
        value["rejection_info"] = template.rejection_info
    return Update(template.account_id, "message_template_status_update", value, at)


def template_quality_update(template, previous, at):
    value = {"previous_quality_score": previous, "new_quality_score": template.quality,
             **_template_keys(template)}
    return Update(template.account_id, "message_template_quality_update", value, at)


def template_category_update(template, at, correct=""):
    """The warning form when ``correct`` is given, else the done form."""
    value = _template_keys(template)
    if correct:
        value.update(new_category=template.category, correct_category=correct,
                     category_update_timestamp=int(at) + 86400)
    else:
        value.update(previous_category=template.previous_category, new_category=template.category)
    return Update(template.account_id, "template_category_update", value, at)


def template_components_update(template, at):
    """The new texts and those buttons that lead somewhere."""
    parts = {component["type"]: component for component in template.components}
    value = {**_template_keys(template),
             "message_template_element": parts.get("BODY", {}).get("text", "")}
    for key, part in (("title", "HEADER"), ("footer", "FOOTER")):
        if parts.get(part, {}).get("text"):
            value[f"message_template_{key}"] = parts[part]["text"]
    buttons = [{f"message_template_button_{key}": button[key]
                for key in ("type", "text", "url", "phone_number") if button.get(key)}
               for button in parts.get("BUTTONS", {}).get("buttons", [])
               if button["type"] in ("URL", "PHONE_NUMBER")]
    if buttons:
        value["message_template_buttons"] = buttons
    return Update(template.account_id, "message_template_components_update", value, at)


def _template_keys(template):
    return {"message_template_id": int(template.id), "message_template_name": template.name,
            "message_template_language": template.language}


def merge(updates):
    """One webhook body for these updates, in their order."""
    entries = {}
    for update in updates:
        entry = entries.setdefault(update.account_id, {
            "id": update.account_id, "time": int(update.at), "changes": [], "open": {}})
        if not update.items:
            entry["changes"].append({"value": update.value, "field": update.field})
            continue
        key = (update.number.id, update.items)
        value = entry["open"].get(key)
        if value is None:
            value = entry["open"][key] = {"messaging_product": "whatsapp",
                                          "metadata": metadata(update.number)}
            entry["changes"].append({"value": value, "field": update.field})
        if update.contact and update.contact not in value.get("contacts", ()):
            value.setdefault("contacts", []).append(update.contact)
        value.setdefault(update.items, []).append(update.value)
    for entry in entries.values():
        del entry["open"]
    return {"object": "whatsapp_business_account", "entry": list(entries.values())}
