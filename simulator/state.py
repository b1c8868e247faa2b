"""The world behind the Graph: businesses, accounts, numbers, templates and people.

Ids are strings. Times are Unix seconds as float, read from one Clock that never runs backwards.
"""

import hashlib
import itertools
import re
import secrets
import struct
import time
from collections import deque
from dataclasses import dataclass, field

DAY = 86400.0

# Dialling code to ISO 3166 code, longest first at look-up; enough for the prefix of a BSUID.
COUNTRIES = {
    "1": "US", "33": "FR", "34": "ES", "39": "IT", "44": "GB", "49": "DE", "351": "PT",
    "51": "PE", "52": "MX", "54": "AR", "55": "BR", "56": "CL", "57": "CO", "58": "VE",
    "91": "IN", "593": "EC", "598": "UY",
}

# The webhook fields an app can subscribe for its accounts (Meta, Webhooks overview, 2026-09).
WEBHOOK_FIELDS = (
    "account_alerts", "account_review_update", "account_settings_update", "account_update",
    "business_capability_update", "history", "message_template_components_update",
    "message_template_quality_update", "message_template_status_update", "messages",
    "phone_number_name_update", "phone_number_quality_update", "security",
    "smb_app_state_sync", "smb_message_echoes", "template_category_update", "user_preferences",
)

FIRST_NAMES = ("Ana", "Luis", "Marta", "Diego", "Sofía", "Emma", "Oliver", "Carmen", "Pablo",
               "Grace", "Elena", "Hugo")


class Clock:
    """Wall-clock seconds that only move forward; ``advance`` lets a test jump over a day."""

    def __init__(self):
        self._epoch = time.time() - time.monotonic()

    def now(self):
        return time.monotonic() + self._epoch

    def advance(self, seconds):
        self._epoch += seconds


@dataclass(slots=True)
class Business:
    id: str
    name: str
    messaging_limit: str = "TIER_250"
    verification_status: str = "verified"


@dataclass(slots=True)
class Account:
    """A WhatsApp Business Account (WABA)."""

    id: str
    business_id: str
    name: str
    currency: str = "EUR"
    timezone_id: str = "312"
    message_template_namespace: str = "a1b2c3d4_0000_4000_8000_000000000001"
    account_review_status: str = "APPROVED"
    marketing_messages_onboarding_status: str = "ELIGIBLE"
    disable_marketing_messages_on_cloud_api: bool = False
    marketing_unavailable: bool = False
    max_price_agreement: bool = True
    restrictions: list = field(default_factory=list)
    ban_state: str = ""
    billing_problem: bool = False
    misclassified: bool = False
    subscribed: bool = True
    override_callback_uri: str = ""
    is_enabled_for_insights: bool = False
    management_calls: deque = field(default_factory=deque)
    creations: deque = field(default_factory=deque)

    def restricted(self, kind, now):
        """True while a restriction of this type is in force."""
        return any(r["restriction_type"] == kind and r.get("expiration", now + 1) > now
                   for r in self.restrictions)


@dataclass(slots=True)
class Number:
    """A business phone number. ``messages_per_second`` overrides what the level implies."""

    id: str
    account_id: str
    display_phone_number: str
    verified_name: str
    country_dial_code: str = ""
    quality_rating: str = "GREEN"
    status: str = "CONNECTED"
    name_status: str = "APPROVED"
    code_verification_status: str = "VERIFIED"
    platform_type: str = "CLOUD_API"
    account_mode: str = "LIVE"
    throughput_level: str = "STANDARD"
    is_on_biz_app: bool = False
    app_data_asked: list = field(default_factory=list)
    registered: bool = True
    maintenance: bool = False
    messages_per_second: int = 0
    digits: str = ""
    traffic: deque = field(default_factory=deque)
    service_count: int = 0
    blocked: set = field(default_factory=set)
    # {code of `message_qrdls`: prefilled text}, oldest first
    qr_codes: dict = field(default_factory=dict)

    def __post_init__(self):
        self.digits = re.sub(r"\D", "", self.display_phone_number)
        self.country_dial_code = self.country_dial_code or dial_code(self.digits)

    @property
    def rate(self):
        """Messages per second: 20 with the Business app, 80 by default, 1,000 when HIGH."""
        if self.messages_per_second:
            return self.messages_per_second
        if self.is_on_biz_app:
            return 20
        return 1000 if self.throughput_level == "HIGH" else 80


@dataclass(slots=True)
class Template:
    id: str
    account_id: str
    name: str
    language: str
    category: str
    components: list
    status: str = "APPROVED"
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"
    quality_date: int = 0
    rejected_reason: str = "NONE"
    previous_category: str = ""
    hold_after: int | None = None
    accepted_count: int = 0
    held: list = field(default_factory=list)
    strikes: int = 0
    block_rate: float = 0.0
    top_block_reason: str = "NO_REASON_GIVEN"
    edited_at: list = field(default_factory=list)
    expected: object = None
    rejection_info: dict = field(default_factory=dict)
    library_template_name: str = ""
    before_archive: str = ""
    archived_at: float = 0.0
    days: dict = field(default_factory=dict)
    bid: int = 0
    bid_extra: dict = field(default_factory=dict)
    ttl_seconds: int = 0
    features: dict = field(default_factory=dict)
    delivery_edits: list = field(default_factory=list)
    marketing_ready_at: float = 0.0
    marketing_used_at: float = 0.0

    def tally(self, metric, now, product="CLOUD_API"):
        """Count one sent, delivered, read or clicked for the day of ``now`` (UTC) and product."""
        counts = self.days.setdefault(product, {}).setdefault(int(now // DAY), {})
        counts[metric] = counts.get(metric, 0) + 1


@dataclass(slots=True)
class MediaFile:
    """A file of a number: uploaded by the business, or sent by a person (it then ends sooner)."""

    id: str
    phone_id: str
    type: str
    size: int
    content: bytes
    sha256: str
    expires_at: float
    filename: str = ""


@dataclass(slots=True)
class Upload:
    """A session of the resumable upload: complete when ``received`` is as long as announced."""

    id: str
    name: str
    type: str
    size: int
    received: bytes = b""


@dataclass(slots=True)
class Token:
    token: str
    app_id: str = "300000000000001"
    valid: bool = True
    expires_at: int = 0
    account_ids: list | None = None
    is_app: bool = False
    scopes: list = field(default_factory=lambda: [
        "whatsapp_business_management", "whatsapp_business_messaging"])

    def usable(self, now):
        return self.valid and (not self.expires_at or self.expires_at > now)


@dataclass(slots=True)
class Person:
    """One WhatsApp user. ``windows`` holds the last inbound time per phone number id."""

    wa_id: str
    name: str = ""
    username: str = ""
    hide_number: bool = False
    behaviour: str = ""
    error: int = 0
    opted_out: set = field(default_factory=set)
    windows: dict = field(default_factory=dict)
    ad_clicks: dict = field(default_factory=dict)
    free_until: dict = field(default_factory=dict)
    asked_stop_at: float | None = None
    told_stop_at: float | None = None
    # {business id: user id} where it is no longer the first one.
    new_user_ids: dict = field(default_factory=dict)


@dataclass(slots=True)
class Settings:
    """What a test may change. Quotas are calls per hour; ``None`` switches a rule off."""

    management_quota: int | None = 5000
    enforce_throughput: bool = True
    enforce_pair_rate: bool = True
    inbound_counts: bool = True
    window_error: str = "reply"
    template_review_seconds: float | None = None
    review_by_rules: bool = False
    creations_per_hour: int | None = 100
    templates_most: int | None = None
    check_samples: bool = True
    template_prices: dict = field(default_factory=lambda: {
        "MARKETING": 0.06, "UTILITY": 0.02, "AUTHENTICATION": 0.02})
    compare_minimum: int = 1000
    tell_owner: bool = True
    keep_bodies: bool = True
    media_origin: str = ""
    marketing_sync_seconds: float = 600.0
    not_marketing_code: int = 134100
    syncing_code: int = 134101
    app_fields: list = field(default_factory=lambda: list(WEBHOOK_FIELDS))


def dial_code(digits):
    """The longest known dialling code that starts ``digits``, else its first two digits."""
    return next((digits[:n] for n in (3, 2, 1) if digits[:n] in COUNTRIES), digits[:2])


def whatsapp_id(digits):
    """The WhatsApp id of E.164 digits: Mexico gains a 1, parts of Brazil lose the mobile 9.

    Meta says wa_id may differ from the input in these two countries ("Send messages" page).
    """
    if len(digits) == 12 and digits.startswith("52"):
        return "521" + digits[2:]
    if len(digits) == 13 and digits.startswith("55") and digits[4] == "9" and digits[2:4] > "30":
        return digits[:4] + digits[5:]
    return digits


def draws(seed, wa_id):
    """Eight numbers in [0, 1) that depend on nothing but the seed and the person."""
    digest = hashlib.blake2b(f"{seed}:{wa_id}".encode(), digest_size=32).digest()
    return [value / 2**32 for value in struct.unpack("8I", digest)]


class World:
    """Everything the platform knows; built by ``seed.build_world``."""

    def __init__(self, app_id="300000000000001", app_name="Demo App"):
        self.app_id = app_id
        self.app_name = app_name
        self.clock = Clock()
        self.settings = Settings()
        self.businesses = {}
        self.accounts = {}
        self.numbers = {}
        self.templates = {}
        self.tokens = {}
        self.people = {}
        self.people_by_bsuid = {}
        self.pairs = {}
        self.media = {}
        self.locked_names = {}
        self.uploads = {}
        self.samples = {}
        self.reviews = []
        # Of conversions.py: {dataset id: Dataset}, {click id: account id}, events received.
        self.datasets = {}
        self.clicks = {}
        self.conversions = []
        self._ids = itertools.count(1)
        self._run = secrets.token_hex(4)

    def add(self, thing):
        """Register a Business, Account, Number, Template or Token under its id."""
        shelf = {Business: self.businesses, Account: self.accounts, Number: self.numbers,
                 Template: self.templates, Token: self.tokens}[type(thing)]
        shelf[thing.token if isinstance(thing, Token) else thing.id] = thing
        return thing

    def next_id(self, prefix):
        """A fresh numeric id, as long as Meta's."""
        return f"{prefix}{next(self._ids):014d}"

    def node(self, object_id):
        """The Number, Account, Business, Template, Dataset or live file of this id, or None."""
        return (self.numbers.get(object_id) or self.accounts.get(object_id)
                or self.businesses.get(object_id) or self.templates.get(object_id)
                or self.datasets.get(object_id) or self.file(object_id))

    def file(self, media_id):
        """The MediaFile of this id unless it has ended, or None."""
        found = self.media.get(media_id)
        return found if found and found.expires_at > self.clock.now() else None

    def keep_file(self, number, mimetype, content, days, filename=""):
        """Keep a file of a number for some days; returns the MediaFile."""
        media_id = self.next_id("7")
        self.media[media_id] = MediaFile(
            media_id, number.id, mimetype, len(content), content,
            hashlib.sha256(content).hexdigest(), self.clock.now() + days * DAY, filename)
        return self.media[media_id]

    def find_account(self, node):
        """The account a number or template belongs to; an account is its own."""
        if isinstance(node, MediaFile):
            node = self.numbers.get(node.phone_id)
        return node if isinstance(node, Account) else self.accounts.get(
            getattr(node, "account_id", ""))

    def account_templates(self, account_id):
        return [t for t in self.templates.values() if t.account_id == account_id]

    def find_template(self, account_id, name, language):
        """The template of this name and language, deleted ones excepted."""
        return next((t for t in self.templates.values()
                     if t.name == name and t.language == language
                     and t.account_id == account_id and t.status != "DELETED"), None)

    def person(self, wa_id):
        """The person with this WhatsApp id, created when new."""
        person = self.people.get(wa_id)
        if person is None:
            index = int(draws("name", wa_id)[0] * len(FIRST_NAMES))
            person = self.people[wa_id] = Person(wa_id, FIRST_NAMES[index])
            for business_id in self.businesses:
                self.people_by_bsuid[self.bsuid(wa_id, business_id)] = person
        return person

    def bsuid(self, wa_id, business_id):
        """The business-scoped user id: country code, dot, an id unique per user x portfolio."""
        person = self.people.get(wa_id)
        if person and business_id in person.new_user_ids:
            return person.new_user_ids[business_id]
        digest = hashlib.blake2b(f"{business_id}:{wa_id}".encode(), digest_size=8).digest()
        country = COUNTRIES.get(dial_code(wa_id), "ZZ")
        return f"{country}.{int.from_bytes(digest, 'big')}"

    def rename(self, person, business_id, user_id):
        """The person gets another user id; messages to the old one are refused from now on."""
        self.people_by_bsuid.pop(self.bsuid(person.wa_id, business_id), None)
        person.new_user_ids[business_id] = user_id
        self.people_by_bsuid[user_id] = person

    def new_wamid(self):
        return f"wamid.HBgLMTU1NTAxMDAwMDEVAgARGBI{self._run}{next(self._ids):012X}AA=="

    def window_open(self, number, person):
        """True while the person wrote to this number less than 24 h ago."""
        last = person.windows.get(number.id)
        return last is not None and self.clock.now() - last < DAY
