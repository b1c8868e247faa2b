"""Rare webhooks, in the shapes of Meta's pages: caused by a person's app, a colleague's app or
another sender on the number.

Sources: webhook reference pages messages/system (2026-08-11), messages/group, history,
smb_message_echoes, smb_app_state_sync, standby (2026-08-04), user_preferences (2026-07-03),
messages/interactive (flow answers), messages/contacts.
"""

import json

from .webhook_bodies import Update, contact_element, metadata


class Rare:
    """One method per kind of ``POST /_control/rare``; each returns an Update.

    ``number`` is the business's, ``person`` and ``user_id`` who it is about, ``values`` the rest of
    the request; ``wamid`` is a new message id.
    """

    def __init__(self, number, person, user_id, wamid, now, values):
        self.number, self.person, self.user_id = number, person, user_id
        # `wamid` and `ago` (seconds): the same message again, or an older one.
        self.wamid = values.get("wamid") or wamid
        self.now, self.values = now - values.get("ago", 0), values

    # ---- changes of identity: no `contacts`, and of a user id no phone ---------------------------

    def user_changed_user_id(self):
        """``user_id``: the new one; ``previous_user_id`` if not the person's own."""
        return self._system({
            "type": "user_changed_user_id", "user_id": self.values["user_id"],
            "previous_user_id": self.values.get("previous_user_id", self.user_id),
            "parent_user_id": "ENT." + self.values["user_id"],
            "previous_parent_user_id": "ENT." + self.user_id}, {})

    def user_changed_number(self):
        """``new_number``; ``both`` true also names the old one, as recorded bodies do."""
        new = self.values["new_number"].lstrip("+")
        numbers = {"wa_id": new}
        if self.values.get("both"):
            numbers = {"wa_id": self.person.wa_id, "new_wa_id": new}
        system = {"type": "user_changed_number", **numbers,
                  "body": f"User {self.person.name} changed from {self.person.wa_id} to {new}"}
        if self.values.get("user_id"):
            system |= {"user_id": self.values["user_id"], "previous_user_id": self.user_id}
        return self._system(system, {"from": self.person.wa_id})

    def _system(self, system, sender):
        return self._message({**sender, "type": "system", "system": system}, contact=None)

    # ---- the WhatsApp Business app on the same number --------------------------------------------

    def history(self):
        """An old conversation: ``text`` written by the person long ago."""
        old = {"from": self.person.wa_id, "id": self.wamid, "timestamp": self._stamp(-90 * 86400),
               "type": "text", "text": {"body": self.values["text"]},
               "history_context": {"status": "READ"}}
        return self._value("history", {"history": [{
            "metadata": {"phase": 1, "chunk_order": 1, "progress": 60},
            "threads": [{"id": self.person.wa_id, "messages": [old]}]}]})

    def history_media(self):
        """A picture of an old conversation, with ``text`` as its caption."""
        image = {"caption": self.values["text"], "mime_type": "image/jpeg", "sha256": "c2hh",
                 "id": "24230790383178626"}
        return self._value("history", {"messages": [{
            "from": self.person.wa_id, "id": self.wamid, "timestamp": self._stamp(-90 * 86400),
            "type": "image", "image": image}]}, contacts=True)

    def history_declined(self):
        """The owner does not share the chats."""
        text = "History sync is turned off by the business from the WhatsApp Business App"
        return self._value("history", {"history": [{"errors": [
            {"code": 2593109, "title": text, "message": text,
             "error_data": {"details": "History sharing is turned off by the business"}}]}]})

    def history_chunk(self):
        """``messages`` [{id, ours, text, days, type?}] with the person; ``phase``, ``chunk``,
        ``progress``."""
        messages = [
            {"from": self.number.digits if m.get("ours") else self.person.wa_id, "id": m["id"],
             "timestamp": self._stamp(-86400 * m["days"]), "type": m.get("type", "text"),
             "history_context": {"status": "READ"},
             **({} if m.get("type") else {"text": {"body": m["text"]}})}
            for m in self.values["messages"]]
        return self._value("history", {"history": [{
            "metadata": {"phase": self.values.get("phase", 0),
                         "chunk_order": self.values.get("chunk", 1),
                         "progress": self.values.get("progress", 50)},
            "threads": [{"id": self.person.wa_id, "messages": messages}]}]})

    def echo(self):
        """A colleague wrote ``text`` in the app; or sent the file ``media`` of ``mime``."""
        return self._value("smb_message_echoes", {"message_echoes": [self._ours()]})

    def app_state(self):
        """The address book of the app: ``name`` (the person's) or ``removed`` true."""
        name = self.values.get("name", self.person.name)
        contact = {"phone_number": self.person.wa_id}
        if not self.values.get("removed"):
            contact |= {"full_name": name, "first_name": name.split()[0]}
        return self._value("smb_app_state_sync", {"state_sync": [
            {"type": "contact", "contact": contact,
             "action": "remove" if self.values.get("removed") else "add",
             "metadata": {"timestamp": self._stamp()}}]})

    # ---- other places to write -------------------------------------------------------------------

    def group(self):
        """The person writes ``text`` in ``group_id``."""
        return self._message({**self._text(), "group_id": self.values["group_id"]})

    def standby(self):
        """The person writes ``text`` while another sender on the number answers."""
        message = {"id": self.wamid, "timestamp": self._stamp(), "from_user_id": self.user_id,
                   **self._text()}
        return self._value("standby", {"messages": [message]}, contacts=True)

    def standby_echo(self):
        """The other sender answers ``text``; in the nested form that Meta really posts."""
        said = {"id": self.wamid, "timestamp": self._stamp(),
                "message": {"to": self.person.wa_id, "recipient_type": "individual",
                            "type": "text", "text": {"body": self.values["text"]}}}
        return self._value("standby", {"standby": {"message_echoes": [said]}})

    def handover(self):
        """Control of the conversation passes to us, or to Meta's agent (``to_agent`` true)."""
        roles = ("meta_business_agent", "ai_agent", "escalation")
        if self.values.get("to_agent"):
            roles = ("business_app", "escalation", "ai_agent")
        passed = dict(zip(("previous_owner_app_role", "previous_owner_role", "new_owner_role"),
                          roles, strict=True))
        # Without metadata, as recorded.
        value = {"messaging_product": "whatsapp", "recipient": metadata(self.number),
                 "sender": {"phone_number": self.person.wa_id}, "timestamp": self._stamp(),
                 "type": "control_passed", "control_passed": passed}
        return Update(self.number.account_id, "messaging_handovers", value, self.now)

    # ---- content ---------------------------------------------------------------------------------

    def referral(self):
        """The first message after an advertisement that opens the chat."""
        return self._message({**self._text(), "referral": {
            "source_url": "https://fb.me/3cr4Wqqkv", "source_id": "120226305854810726",
            "source_type": "ad", "headline": "Autumn sofas", "body": "Chat with us",
            "media_type": "image", "image_url": "https://example.com/ad.jpg",
            "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e"}})

    def flow_answer(self):
        """A form's answers, ``answers`` {name: value}."""
        reply = {"name": "flow", "body": "Sent",
                 "response_json": json.dumps({"flow_token": "unused", **self.values["answers"]})}
        return self._message({**self._sender(), "type": "interactive",
                              "interactive": {"type": "nfm_reply", "nfm_reply": reply}})

    def contact_request(self):
        """The person shares the own number by the button that asks for it."""
        card = {"name": {"formatted_name": self.person.name, "first_name": self.person.name},
                "phones": [{"phone": "+" + self.person.wa_id, "wa_id": self.person.wa_id,
                            "type": "CELL"}],
                "origin": "contact_request"}
        return self._message({**self._sender(), "type": "contacts", "contacts": [card]})

    def signup(self):
        """The person subscribed to the marketing by a link (In-App Signup)."""
        preference = {"wa_id": self.person.wa_id, "user_id": self.user_id, "value": "signup",
                      "category": "marketing_messages", "timestamp": int(self.now),
                      "detail": "User signed up for marketing messages",
                      "signup_id": "1002003004005006"}
        return self._value("user_preferences", {"user_preferences": [preference]}, contacts=True)

    # ---- pieces ----------------------------------------------------------------------------------

    def _stamp(self, offset=0):
        return str(int(self.now + offset))

    def _sender(self):
        return {} if self.person.hide_number else {"from": self.person.wa_id}

    def _text(self):
        return {**self._sender(), "type": "text", "text": {"body": self.values["text"]}}

    def _ours(self):
        content = {"type": "text", "text": {"body": self.values.get("text", "")}}
        if media := self.values.get("media"):
            content = {"type": "image", "image": {
                "id": media, "mime_type": self.values.get("mime", "image/png")}}
        return {"from": self.number.digits, "to": self.person.wa_id, "id": self.wamid,
                "timestamp": self._stamp(), **content}

    def _message(self, content, contact=True):
        value = {"id": self.wamid, "timestamp": self._stamp(), **content}
        return Update(self.number.account_id, "messages", value, self.now, "messages", self.number,
                      contact_element(self.person, self.user_id) if contact else None)

    def _value(self, field, value, contacts=False):
        shared = {"messaging_product": "whatsapp", "metadata": metadata(self.number)}
        if contacts:
            shared["contacts"] = [contact_element(self.person, self.user_id)]
        return Update(self.number.account_id, field, {**shared, **value}, self.now)


KINDS = tuple(name for name in vars(Rare) if not name.startswith("_"))
# What a person writes to us, which opens the service window.
WRITTEN = ("referral", "flow_answer", "contact_request")
