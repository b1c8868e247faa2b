"""What people do with a message: a function of (seed, number), or set by a test."""

from dataclasses import dataclass, field, fields

from . import webhook_bodies as bodies
from .free_entry import open_window
from .state import draws
from .template_analytics import product_of
from .template_parameters import button_payload

STOP_WORDS = frozenset({"baja", "stop", "alto", "unsubscribe", "cancelar", "darme de baja"})
BEHAVIOURS = ("undeliverable", "silent", "delivered", "read", "reply", "stop",
              "preferences_stop")
FREE_SERVICE_MESSAGES = 1000


@dataclass(slots=True)
class Behaviour:
    """Probabilities, each given that the step before happened; replies answer templates only."""

    seed: int = 1
    undeliverable_rate: float = 0.0
    undeliverable_error: int = 131026
    delivered_rate: float = 1.0
    read_rate: float = 1.0
    skip_delivered_rate: float = 0.0
    reply_rate: float = 0.0
    reply_texts: list = field(default_factory=lambda: [
        "¿Sigue disponible?", "Me interesa, ¿me llamáis?", "Is it still available?",
        "Thanks, tell me more"])
    stop_rate: float = 0.0
    block_rate: float = 0.0
    stop_texts: list = field(default_factory=lambda: ["BAJA", "STOP"])
    stop_kinds: list = field(default_factory=lambda: ["text", "button", "preferences"])

    def update(self, values):
        """Set known settings. Raises KeyError for an unknown name."""
        unknown = set(values) - {f.name for f in fields(self)}
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        for name, value in values.items():
            setattr(self, name, value)


@dataclass(slots=True)
class Message:
    """An accepted message on its way to a person."""

    wamid: str
    number: object
    person: object
    user_id: str
    category: str
    opaque: str = ""
    template: object = None
    components: list = field(default_factory=list)
    pricing: dict = field(default_factory=dict)
    priced_status: str = "delivered"
    cost: dict | None = None
    is_reaction: bool = False
    blocks: bool = False


@dataclass(slots=True)
class OutcomePlan:
    """The outcome of a message: an error code, or how far it gets and what comes back."""

    error: int = 0
    delivered: bool = True
    skip_delivered: bool = False
    read: bool = True
    answer: str = ""
    pick: float = 0.0
    blocks: bool = False


class People:
    """Plays the recipients: schedules statuses, replies and opt-outs on the timeline."""

    def __init__(self, world, timeline, delivery, ledger, growth):
        self.world = world
        self.timeline = timeline
        self.delivery = delivery
        self.ledger = ledger
        self.growth = growth
        self.behaviour = Behaviour()

    def play(self, message, code=0):
        """Schedule all consequences of an accepted message (failing with ``code``)."""
        fate = self.plan_outcome(message)
        if code:
            # -1: accepted and never delivered, without a report.
            fate = OutcomePlan(error=code) if code > 0 else OutcomePlan(delivered=False)
        if fate.error:
            self._later("failed", 0.0, message, fate.error)
            return
        message.blocks = fate.blocks
        wait = self._later("sent", 0.0, message)
        # Of a reaction Meta reports nothing further (Reaction messages, 2025-11).
        if not fate.delivered or message.is_reaction:
            return
        message.priced_status = "read" if fate.skip_delivered else "delivered"
        if not fate.skip_delivered:
            wait = self._later("delivered", wait, message)
        if not fate.read:
            return
        wait = self._later("read", wait, message)
        if fate.answer:
            self.timeline.after(wait + self.delivery.delay("inbound"), self._answer, message, fate)

    def plan_outcome(self, message):
        """The Fate of a message, from the person's own behaviour or the general one."""
        person, rules = message.person, self.behaviour
        business_id = self.world.find_account(message.number).business_id
        if message.category == "MARKETING" and business_id in person.opted_out:
            return OutcomePlan(error=131050)
        chance = draws(rules.seed, person.wa_id)
        fate = (_decided(person, rules) if person.behaviour or person.error
                else _drawn(chance, rules))
        fate.pick = chance[6]
        fate.blocks = chance[7] < rules.block_rate
        if message.template is None:
            fate.answer = ""
        return fate

    def inbound(self, number, person, content, context_wamid="", opt_out=None):
        """A person writes to a number: opens the service window; returns the new wamid."""
        now = self.world.clock.now()
        wamid = self.world.new_wamid()
        update = bodies.inbound_update(number, person, self._user_id(number, person), wamid,
                                       content, now, context_wamid)
        person.windows[number.id] = now
        if self.world.settings.inbound_counts:
            number.traffic.append(now)
        if _asks_to_stop(content) if opt_out is None else opt_out:
            self._asked(person, now)
            update.stopper = person
        self.delivery.enqueue_update(update)
        return wamid

    def set_preference(self, number, person, choice):
        """A person stops or resumes the portfolio's marketing in WhatsApp's own settings."""
        now = self.world.clock.now()
        business_id = self.world.find_account(number).business_id
        if choice == "stop":
            person.opted_out.add(business_id)
            self._asked(person, now)
        else:
            person.opted_out.discard(business_id)
            person.asked_stop_at = person.told_stop_at = None
        self.delivery.enqueue_update(bodies.preference_update(
            number, person, self._user_id(number, person), choice, now))

    # ---- steps --------------------------------------------------------------------------------

    def _later(self, status, wait, message, code=0):
        wait += self.delivery.delay(status)
        self.timeline.after(wait, self._status, message, status, code)
        return wait

    def _status(self, message, status, code):
        now = self.world.clock.now()
        if status == message.priced_status:
            self.ledger.charge(message, now)
            if message.template:
                self._count_reception(message)
            open_window(message, now)
        if message.template:
            message.template.tally(status, now, product_of(message))
        self.delivery.enqueue_update(bodies.status_update(message, status, now, code))

    def _count_reception(self, message):
        number, person = message.number, message.person
        self.growth.delivered(number, person, not self.world.window_open(number, person))
        if message.blocks:
            self.growth.blocked(number)

    def _answer(self, message, fate):
        rules, number, person = self.behaviour, message.number, message.person
        if fate.answer == "reply":
            self.inbound(number, person, text_content(_pick(rules.reply_texts, fate.pick)))
            return
        kind = fate.answer if fate.answer == "preferences" else _pick(rules.stop_kinds, fate.pick)
        button = _last_quick_reply(message.template)
        if kind == "preferences":
            self.set_preference(number, person, "stop")
        elif kind == "button" and button:
            index, text = button
            payload = button_payload(message.components, index, text)
            message.template.tally("clicked", self.world.clock.now(), product_of(message))
            self.inbound(number, person, button_content(payload, text), message.wamid, True)
        else:
            content = text_content(_pick(rules.stop_texts, fate.pick))
            self.inbound(number, person, content, opt_out=True)

    def _user_id(self, number, person):
        return self.world.bsuid(person.wa_id, self.world.find_account(number).business_id)

    @staticmethod
    def _asked(person, now):
        if person.asked_stop_at is None:
            person.asked_stop_at = now


def text_content(body):
    return {"type": "text", "text": {"body": body}}


def button_content(payload, text):
    """A tap on a template's quick reply."""
    return {"type": "button", "button": {"payload": payload, "text": text}}


def order_content(order):
    """A basket from a catalog (Meta, Webhooks › Messages › order): prices are numbers, the
    currency is ISO 4217."""
    return {
        "type": "order",
        "order": {
            "catalog_id": str(order["catalog_id"]),
            "text": order.get("text", ""),
            "product_items": [
                {
                    "product_retailer_id": str(item["sku"]),
                    "quantity": int(item["quantity"]),
                    "item_price": float(item["price"]),
                    "currency": item["currency"],
                }
                for item in order["items"]
            ],
        },
    }


def _pick(options, chance):
    return options[int(chance * len(options))]


def _asks_to_stop(content):
    text = content.get("text", {}).get("body") or content.get("button", {}).get("text") or ""
    return text.strip().lower() in STOP_WORDS


def _last_quick_reply(template):
    """(index, text) of the template's last quick reply, where opt-outs are put, or None."""
    buttons = next((c["buttons"] for c in template.components if c["type"] == "BUTTONS"), [])
    found = [(i, b["text"]) for i, b in enumerate(buttons) if b["type"] == "QUICK_REPLY"]
    return found[-1] if found else None


def _decided(person, rules):
    """The fate of a person whose behaviour a test fixed; an error alone means undeliverable."""
    kind = person.behaviour or "undeliverable"
    if kind == "undeliverable":
        return OutcomePlan(error=person.error or rules.undeliverable_error)
    answers = {"reply": "reply", "stop": "stop", "preferences_stop": "preferences"}
    return OutcomePlan(delivered=kind != "silent", read=kind not in ("silent", "delivered"),
                answer=answers.get(kind, ""))


def _drawn(chance, rules):
    if chance[0] < rules.undeliverable_rate:
        return OutcomePlan(error=rules.undeliverable_error)
    answer = ""
    if chance[3] < rules.stop_rate:
        answer = "stop"
    elif chance[4] < rules.reply_rate:
        answer = "reply"
    return OutcomePlan(delivered=chance[1] < rules.delivered_rate, read=chance[2] < rules.read_rate,
                skip_delivered=chance[5] < rules.skip_delivered_rate, answer=answer)
