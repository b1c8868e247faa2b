"""POST /{phone}/messages and /marketing_messages: what Meta checks, in which order, its reply."""

import re

from .free_entry import is_free_entry
from .graph_errors import GraphError, missing_parameter
from .marketing import OPTION_KEYS
from .people import FREE_SERVICE_MESSAGES, Message
from .state import whatsapp_id
from .template_parameters import check_send

KNOWN_KEYS = frozenset({
    "messaging_product", "recipient_type", "to", "recipient", "type", "template", "text",
    "image", "video", "audio", "document", "interactive", "reaction", "context",
    "biz_opaque_callback_data",
    "recipient_identity_key_hash"})
PHONE = re.compile(r"\+?[0-9 ()./-]+\Z")
BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}\Z")
OPAQUE_MAX = 512
TEXT_MAX = 4096
CAPTION_MAX = 1024
FILE_TYPES = {"image": ("image/jpeg", "image/png"), "video": ("video/",), "audio": ("audio/",),
              "document": ("application/", "text/plain")}
FILE_KEYS = {"image": {"id", "link", "caption"}, "video": {"id", "link", "caption"},
             "audio": {"id", "link"}, "document": {"id", "link", "caption", "filename"}}
# Interactive messages (Meta, 2025-11): reply buttons, list rows, and their longest titles.
OPTIONS = {"button": (3, 20), "list": (10, 24)}
OPTION_BODY_MAX = {"button": 1024, "list": 4096}
# The message that asks for the person's number has one fixed button.
CONTACT_REQUEST = "request_contact_info"
# Pair rate (Meta, "About the platform", 2026-03): one message per 6 s to the same person, a burst
# of up to 45 borrowing from the time to come.
PAIR_INTERVAL = 6.0
PAIR_BURST = 45
UNREGISTERED = ("UNVERIFIED", "PENDING", "DISCONNECTED", "UNLINKED", "DELETED", "MIGRATED")


class Sender:
    """Accepts or refuses messages; ``people`` does the rest."""

    def __init__(self, world, people, marketing):
        self.world = world
        self.people = people
        self.marketing = marketing

    def send(self, number, body, entry, forced_failure=0, by_marketing=False):
        """The reply to one send; raises GraphError. The log ``entry`` records what was done.

        Rates are measured by its time of arrival, so that the log proves them. ``forced_failure``
        is a code with which the accepted message will fail later; ``by_marketing`` whether it came
        to /marketing_messages.
        """
        now = entry.received_at
        account = self.world.find_account(number)
        _check_envelope(body, OPTION_KEYS if by_marketing else frozenset())
        by_marketing = by_marketing and not self.marketing.check_request(account, body)
        self._check_number(number, account, now)
        person, address = self._recipient(number, account, body)
        entry.wa_id = person.wa_id
        if person.wa_id in number.blocked:
            raise GraphError(130403, "The business has blocked this user.")
        entry.in_window = self.world.window_open(number, person)
        self._check_throughput(number, now)
        message, code = self._compose(number, account, person, body, entry, by_marketing)
        self._check_pair(number, person, now)
        number.traffic.append(now)
        held = self._deliver_or_hold(message, forced_failure or code)
        entry.outcome = "held" if held else "accepted"
        entry.wamid = message.wamid
        entry.counted = not entry.in_window
        if message.category == "MARKETING" and person.told_stop_at is not None:
            entry.since_told = now - person.told_stop_at
        return _reply(message, address, held)

    def release(self, template):
        """Release the held messages of a paced template."""
        held, template.held = template.held, []
        template.hold_after = None
        for message in held:
            self.people.play(message)

    def drop(self, template, code):
        """Fail the held messages of a paced template with ``code``; the caller pauses it."""
        held, template.held = template.held, []
        for message in held:
            self.people.play(message, code)

    # ---- checks -------------------------------------------------------------------------------

    def _check_number(self, number, account, now):
        if not number.registered:
            raise GraphError(133010, "The account is not registered.")
        if number.maintenance:
            raise GraphError(131057, "The number is being upgraded; try again in a few minutes.")
        if number.status in UNREGISTERED:
            raise GraphError(131045, f"The phone number is {number.status}.")
        if number.status == "BANNED" or account.ban_state == "DISABLE":
            raise GraphError(131031, "The account has been locked for a policy violation.")
        if number.status == "RESTRICTED":
            raise GraphError(131048, "Too many messages from this number were blocked or flagged "
                                     "as spam.")
        if account.restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", now):
            raise GraphError(368, "The account is restricted from sending messages.")
        if account.billing_problem:
            raise GraphError(131042, "The payment method of the account needs attention.")

    def _recipient(self, number, account, body):
        """(person, {"input", "wa_id" or "user_id"}); the phone wins when both are given."""
        if body.get("to"):
            digits = self.parse_digits(number, body["to"])
            if digits is None:
                raise GraphError(131009, "'to' is not a valid phone number.")
            if digits == number.digits:
                raise GraphError(131021, "Sender and recipient are the same number.")
            wa_id = whatsapp_id(digits)
            return self.world.person(wa_id), {"input": body["to"], "wa_id": wa_id}
        user_id = body["recipient"]
        well_formed = isinstance(user_id, str) and BSUID.match(user_id)
        person = self.world.people_by_bsuid.get(user_id) if well_formed else None
        if person is None or self.world.bsuid(person.wa_id, account.business_id) != user_id:
            raise GraphError(131009, "'recipient' is not a known business-scoped user id.")
        return person, {"input": user_id, "user_id": user_id}

    @staticmethod
    def parse_digits(number, to):
        """E.164 digits, or None when malformed. Without a plus sign Meta puts the sender's own
        country code in front ("Send messages" page, 2025-11)."""
        if not isinstance(to, str) or not PHONE.match(to):
            return None
        digits = re.sub(r"\D", "", to)
        if not to.startswith("+"):
            digits = number.country_dial_code + digits
        return digits if 7 <= len(digits) <= 15 and digits[0] != "0" else None

    def _check_throughput(self, number, now):
        """At most ``rate`` messages in any second, (now - 1 s, now]."""
        traffic = number.traffic
        while traffic and traffic[0] <= now - 1.0:
            traffic.popleft()
        if self.world.settings.enforce_throughput and len(traffic) >= number.rate:
            raise GraphError(130429, "Cloud API message throughput has been reached.")

    def _check_pair(self, number, person, now):
        """A token bucket of PAIR_BURST per pair, kept as the time at which it is full again."""
        key = (number.id, person.wa_id)
        full_at = max(self.world.pairs.get(key, 0.0), now)
        if (self.world.settings.enforce_pair_rate
                and full_at - now > (PAIR_BURST - 1) * PAIR_INTERVAL):
            raise GraphError(131056, "Too many messages to this recipient from this number in a "
                                     "short time.")
        self.world.pairs[key] = full_at + PAIR_INTERVAL

    # ---- composing ----------------------------------------------------------------------------

    def _compose(self, number, account, person, body, entry, by_marketing):
        """(message, code with which it will fail or 0)."""
        user_id = self.world.bsuid(person.wa_id, account.business_id)
        message = Message("", number, person, user_id, "SERVICE",
                          body.get("biz_opaque_callback_data") or "")
        code = 0
        if body["type"] == "template":
            template = self._template(account, body.get("template"), entry, by_marketing)
            components = body["template"].get("components", [])
            check_send(template, components, lambda media_id: self._file(number, media_id))
            message.template, message.components = template, components
            message.category = entry.category = template.category
            message.pricing = _pricing(template.category.lower(), True)
            if by_marketing:
                self.marketing.check_template(template, body)
                message.pricing, message.cost, code = self.marketing.settle(
                    account, template, person, body, entry)
        else:
            check = {"text": self._check_text, "interactive": self._check_interactive,
                     "reaction": self._check_reaction}.get(body["type"], self._check_file)
            code = check(number, body, entry)
            number.service_count += 1
            message.pricing = _pricing("service", number.service_count > FREE_SERVICE_MESSAGES)
        if is_free_entry(number, person, self.world.clock.now()):
            message.pricing = {**message.pricing, "billable": False, "type": "free_entry_point"}
            message.cost = None
        message.is_reaction = body["type"] == "reaction"
        message.wamid = self.world.new_wamid()
        return message, code

    def _file(self, number, media_id):
        """The live file of this number, or None."""
        file = self.world.file(media_id)
        return file if file and file.phone_id == number.id else None

    def _template(self, account, wanted, entry, by_marketing):
        if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
            raise missing_parameter("template['name']")
        language = wanted.get("language")
        if not isinstance(language, dict) or not isinstance(language.get("code"), str):
            raise missing_parameter("template['language']['code']")
        template = self.world.find_template(account.id, wanted["name"], language["code"])
        if template is None or template.status not in ("APPROVED", "PAUSED", "DISABLED"):
            raise GraphError(132001, f"template name ({wanted['name']}) does not exist in "
                                     f"{language['code']}")
        if template.status == "PAUSED":
            raise GraphError(132015, "The template is paused because of its low quality.")
        if template.status == "DISABLED":
            raise GraphError(132016, "The template was paused too often and is disabled.")
        now = self.world.clock.now()
        if (account.restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", now)
                and not entry.in_window):
            raise GraphError(368, "The account may not start conversations.")
        if by_marketing:
            return template
        if template.category == "MARKETING" and account.disable_marketing_messages_on_cloud_api:
            raise GraphError(131063, "Use the Marketing Messages API for this template.")
        if template.bid:
            raise GraphError(131061, "Marketing templates containing bid_spec are not supported by "
                                     "the Cloud API.")
        if template.category == "UTILITY" and (
                account.misclassified
                or account.restricted("RESTRICTED_UTILITY_TEMPLATES", now)):
            raise GraphError(131064, "Templates of this account were categorised wrongly.")
        return template

    def _check_file(self, number, body, entry):
        kind = body["type"]
        content = body.get(kind)
        if not isinstance(content, dict) or not (content.get("id") or content.get("link")):
            raise missing_parameter(f"{kind}['id']")
        unknown = set(content) - FILE_KEYS[kind]
        if unknown:
            raise GraphError(100, f"Unexpected key {sorted(unknown)[0]!r} on param {kind}.")
        if len(content.get("caption") or "") > CAPTION_MAX:
            raise GraphError(100, f"{kind}.caption is longer than {CAPTION_MAX} characters.")
        if content.get("id"):
            file = self._file(number, str(content["id"]))
            if file is None:
                raise GraphError(131053, f"The file {content['id']} does not exist.")
            if not file.type.startswith(FILE_TYPES[kind]):
                raise GraphError(131053, f"{file.type} cannot be sent as {kind}.")
        return self._check_window(entry)

    def _check_text(self, _number, body, entry):
        text = body.get("text")
        content = text.get("body") if isinstance(text, dict) else None
        if not isinstance(content, str) or not content:
            raise missing_parameter("text['body']")
        if len(content) > TEXT_MAX:
            raise GraphError(100, f"text.body is longer than {TEXT_MAX} characters.")
        return self._check_window(entry)

    def _check_reaction(self, _number, body, entry):
        reaction = body.get("reaction")
        if not isinstance(reaction, dict) or not isinstance(reaction.get("emoji"), str):
            raise missing_parameter("reaction['emoji']")
        if not str(reaction.get("message_id", "")).startswith("wamid."):
            raise missing_parameter("reaction['message_id']")
        return self._check_window(entry)

    def _check_interactive(self, _number, body, entry):
        content = body.get("interactive")
        kind = content.get("type") if isinstance(content, dict) else None
        if kind not in OPTIONS and kind != CONTACT_REQUEST:
            raise missing_parameter("interactive['type']")
        text = content.get("body", {}).get("text", "")
        if not 1 <= len(text) <= OPTION_BODY_MAX.get(kind, 1024):
            raise GraphError(131009, "Interactive message: the body's text is missing or too long.")
        action = content.get("action", {})
        if kind == CONTACT_REQUEST:
            if action != {"name": CONTACT_REQUEST}:
                raise missing_parameter("interactive['action']['name']")
            return self._check_window(entry)
        if kind == "button":
            titles = [button["reply"] for button in action.get("buttons", [])]
        else:
            if not 1 <= len(action.get("button", "")) <= OPTIONS["button"][1]:
                raise GraphError(131009, "Interactive list: the button's text is missing.")
            titles = [row for part in action.get("sections", []) for row in part.get("rows", [])]
        count, length = OPTIONS[kind]
        if not 1 <= len(titles) <= count:
            raise GraphError(131009, f"Interactive message: 1 to {count} options.")
        if any(not 1 <= len(title.get("title", "")) <= length for title in titles):
            raise GraphError(131009, f"Interactive message: titles of 1 to {length} characters.")
        for key in ("id", "title"):
            if len({title.get(key) for title in titles}) < len(titles):
                raise GraphError(131009, f"Interactive message: each {key} must be unique.")
        return self._check_window(entry)

    def _check_window(self, entry):
        if entry.in_window:
            return 0
        if self.world.settings.window_error == "status":
            return 131047
        raise GraphError(131047, "More than 24 hours have passed since the recipient last replied.")

    def _deliver_or_hold(self, message, code):
        """Deliver the message, or hold it while its template is being assessed."""
        template = message.template
        if template:
            template.accepted_count += 1
            if template.hold_after is not None and template.accepted_count > template.hold_after:
                template.held.append(message)
                return True
        self.people.play(message, code)
        return False


def _check_envelope(body, options):
    if not isinstance(body, dict):
        raise GraphError(100, "The request body must be a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        raise missing_parameter("messaging_product")
    unknown = set(body) - KNOWN_KEYS - options
    if unknown:
        raise GraphError(100, f"Unexpected key {sorted(unknown)[0]!r} on param.")
    if body.get("recipient_type", "individual") != "individual":
        raise GraphError(100, "recipient_type must be individual.")
    if not body.get("to") and not body.get("recipient"):
        raise missing_parameter("to")
    opaque = body.get("biz_opaque_callback_data", "")
    if not isinstance(opaque, str) or len(opaque) > OPAQUE_MAX:
        raise GraphError(100, f"biz_opaque_callback_data must be a string of at most {OPAQUE_MAX} "
                              "characters.")
    body.setdefault("type", "text")
    if body["type"] not in ("text", "template", "interactive", "reaction", *FILE_KEYS):
        raise GraphError(131051, f"Message type {body['type']!r} is not supported.")


def _pricing(category, billable):
    return {"billable": billable, "pricing_model": "PMP", "category": category,
            "type": "regular" if billable else "free_customer_service"}


def _reply(message, address, held):
    status = "held_for_quality_assessment" if held else "accepted"
    return {"messaging_product": "whatsapp", "contacts": [address],
            "messages": [{"id": message.wamid, "message_status": status}]}
