import hashlib
import hmac
import json
import pathlib
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import (
    AccountAlert,
    AccountReview,
    AccountUpdate,
    CapabilityChange,
    Event,
    InboundMessage,
    Media,
    MessageStatus,
    NumberName,
    NumberUpdate,
    PlatformError,
    PreferenceChange,
    Restriction,
    SecurityEvent,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
    UnknownEvent,
    answer_challenge,
    parse_events,
    verify_signature,
)
from odoo.addons.waba_campaign.cloud_api.values import as_datetime

from ..pure import PureCase

# A slow machine must not fail a test.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAYLOADS = pathlib.Path(__file__).parents[1] / "payloads"
WABA = "200000000000001"
SENDER = "400000000000001"
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ENTRY_AT = datetime(2026, 9, 21, 14, 13, 20)

STATUS = dict(
    phone_number_uid=SENDER,
    wamid="wamid.OUT1",
    number="+34600000000",
    user_uid="ES.9A1B2C",
    opaque=UUID,
    at=ENTRY_AT,
)
PRICED = dict(pricing_category="marketing", pricing_type="regular", billable=True)
INBOUND = dict(
    phone_number_uid=SENDER,
    wamid="wamid.IN1",
    number="+34600000000",
    user_uid="ES.9A1B2C",
    profile_name="Ana",
    username="ana",
    at=datetime(2026, 9, 21, 14, 15),
    error=None,
)
PREFERENCE = dict(
    phone_number_uid=SENDER,
    number="+34600000000",
    user_uid="ES.9A1B2C",
    category="marketing_messages",
    at=datetime(2026, 9, 21, 14, 16, 40),
)
TEMPLATE = dict(
    template_uid="12345678901234567890", name="autumn_offer", language="es", at=ENTRY_AT
)

EXPECTED = {
    "status_sent": [
        (MessageStatus, {**STATUS, **PRICED, "status": "sent", "profile_name": "Ana"}),
    ],
    "status_delivered": [(MessageStatus, {**STATUS, **PRICED, "status": "delivered"})],
    "status_read": [
        (MessageStatus, {**STATUS, "status": "read", "billable": None, "pricing_type": ""}),
    ],
    "status_failed": [(MessageStatus, {**STATUS, "status": "failed", "profile_name": ""})],
    "status_bsuid_only": [
        (
            MessageStatus,
            {**STATUS, "status": "sent", "number": ""},
        ),
    ],
    "status_batch": [
        (MessageStatus, {**STATUS, "status": "sent"}),
        (
            MessageStatus,
            {"wamid": "wamid.OUT2", "status": "delivered", "at": datetime(2026, 9, 21, 14, 13, 21)},
        ),
        (InboundMessage, {"text": "Hola", "at": datetime(2026, 9, 21, 14, 13, 22)}),
        (
            MessageStatus,
            {
                "wamid": "wamid.OUT3",
                "waba_uid": "200000000000002",
                "phone_number_uid": "400000000000003",
                "at": datetime(2026, 9, 21, 14, 13, 23),
            },
        ),
    ],
    "platform_error": [(PlatformError, {"phone_number_uid": SENDER, "at": ENTRY_AT})],
    "inbound_text": [
        (InboundMessage, {**INBOUND, "kind": "text", "text": "Does it come in another color?"}),
    ],
    "inbound_button": [
        (
            InboundMessage,
            {
                **INBOUND,
                "kind": "button",
                "text": "Stop promotions",
                "payload": "STOP_PROMO",
                "context_wamid": "wamid.OUT1",
            },
        ),
    ],
    "inbound_button_reply": [
        (
            InboundMessage,
            {
                **INBOUND,
                "kind": "interactive",
                "text": "Cancel",
                "payload": "cancel-button",
                "context_wamid": "wamid.OUT1",
            },
        ),
    ],
    "inbound_list_reply": [
        (InboundMessage, {**INBOUND, "text": "Oak table", "payload": "row-1"}),
    ],
    "inbound_form_reply": [(InboundMessage, {**INBOUND, "text": "Sent", "payload": ""})],
    "inbound_image": [
        (
            InboundMessage,
            {
                **INBOUND,
                "kind": "image",
                "text": "Taj Mahal",
                "media": Media(
                    "1003383421387256",
                    "image/jpeg",
                    "",
                    "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
                ),
            },
        ),
    ],
    "inbound_document": [
        (
            InboundMessage,
            {
                **INBOUND,
                "text": "",
                "media": Media("1003383421387257", "application/pdf", "order.pdf"),
            },
        ),
    ],
    "inbound_location": [
        (
            InboundMessage,
            {
                **INBOUND,
                "text": "Philz Coffee",
                "media": None,
                "details": {
                    "name": "Philz Coffee",
                    "address": "101 Forest Ave",
                    "latitude": 37.44221496582,
                    "longitude": -122.16165924072,
                },
            },
        ),
    ],
    "inbound_contacts": [
        (
            InboundMessage,
            {
                **INBOUND,
                "text": "Leo Ruiz, Eva Sanz",
                "details": {
                    "contacts": [
                        {"name": "Leo Ruiz", "phones": [], "emails": [], "company": ""},
                        {"name": "Eva Sanz", "phones": [], "emails": [], "company": ""},
                    ]
                },
            },
        ),
    ],
    "inbound_reaction": [
        (InboundMessage, {**INBOUND, "text": "👍", "context_wamid": "wamid.OUT1"}),
    ],
    "inbound_referral": [(InboundMessage, {**INBOUND, "text": "Can I get more info?"})],
    "inbound_edit": [
        (InboundMessage, {**INBOUND, "text": "Two, please", "context_wamid": "wamid.IN0"}),
    ],
    "inbound_revoke": [
        (InboundMessage, {**INBOUND, "kind": "revoke", "text": "", "context_wamid": "wamid.IN0"}),
    ],
    "inbound_unsupported": [
        (
            InboundMessage,
            {key: value for key, value in INBOUND.items() if key != "error"}
            | {"kind": "unsupported", "text": ""},
        ),
    ],
    "inbound_changed_number": [
        (
            InboundMessage,
            {
                "kind": "system",
                "number": "+34600000000",
                "new_number": "+34600000009",
                "previous_user_uid": "ES.OLD1",
                "text": "User Ana changed from 34600000000 to 34600000009",
            },
        ),
    ],
    "inbound_changed_user_id": [
        (
            InboundMessage,
            {"number": "", "user_uid": "ES.NEW2", "previous_user_uid": "ES.9A1B2C"},
        ),
    ],
    "preferences_stop": [
        (
            PreferenceChange,
            {**PREFERENCE, "value": "stop", "detail": "User requested to stop marketing messages"},
        ),
    ],
    "preferences_resume": [(PreferenceChange, {**PREFERENCE, "value": "resume"})],
    "preferences_bsuid_only": [(PreferenceChange, {**PREFERENCE, "number": "", "value": "stop"})],
    "preferences_signup": [
        (PreferenceChange, {**PREFERENCE, "value": "signup", "signup_uid": "551"})
    ],
    "capability": [
        (CapabilityChange, {"messaging_limit": "2000", "at": ENTRY_AT}),
    ],
    "capability_tier": [
        (CapabilityChange, {"messaging_limit": "unlimited"}),
    ],
    "capability_per_phone": [
        (CapabilityChange, {"messaging_limit": "unlimited"}),
    ],
    "number_throughput": [
        (
            NumberUpdate,
            {
                "display_number": "15550100001",
                "event": "THROUGHPUT_UPGRADE",
                "messaging_limit": "unlimited",
                "old_limit": None,
            },
        ),
    ],
    "number_flagged": [
        (
            NumberUpdate,
            {
                "display_number": "15550100001",
                "event": "FLAGGED",
                "messaging_limit": "1000",
                "old_limit": "10000",
            },
        ),
    ],
    "account_alert": [
        (
            AccountAlert,
            {
                "status": "NONE",
                "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
                "description": "Message quality was too low.",
            },
        ),
    ],
    "account_violation": [
        (
            AccountUpdate,
            {"event": "ACCOUNT_VIOLATION", "violation_type": "SCAM", "restrictions": ()},
        ),
    ],
    "account_restriction": [
        (
            AccountUpdate,
            {
                "event": "ACCOUNT_RESTRICTION",
                "restrictions": (
                    Restriction(
                        "RESTRICTED_BIZ_INITIATED_MESSAGING",
                        datetime(2026, 9, 28, 12, 53, 20),
                        "Improve your messages.",
                    ),
                    Restriction("RESTRICTED_ADD_PHONE_NUMBER_ACTION", None),
                ),
            },
        ),
    ],
    "account_ban": [
        (
            AccountUpdate,
            {
                "event": "DISABLED_UPDATE",
                "ban_state": "SCHEDULE_FOR_DISABLE",
                "ban_date": "April 17, 2025",
            },
        ),
    ],
    "account_field_at_wrong_level": [
        (AccountUpdate, {"event": "PARTNER_APP_UNINSTALLED", "field": "account_update"}),
    ],
    "account_review": [(AccountReview, {"decision": "approved"})],
    "template_paused": [
        (
            TemplateStatus,
            {
                **TEMPLATE,
                "event": "PAUSED",
                "reason": "NONE",
                "title": "FIRST_PAUSE",
                "description": "Recipients did not like it.",
                "category": "marketing",
            },
        ),
    ],
    "template_paused_lower_case": [
        (TemplateStatus, {**TEMPLATE, "event": "PAUSED", "reason": "", "category": ""}),
    ],
    "template_rejected": [
        (
            TemplateStatus,
            {
                **TEMPLATE,
                "event": "REJECTED",
                "reason": "INVALID_FORMAT",
                "description": "",
                "rejection": "Do not end with a variable.",
            },
        ),
    ],
    "template_disabled": [
        (TemplateStatus, {**TEMPLATE, "event": "DISABLED"}),
    ],
    "template_quality": [(TemplateQuality, {**TEMPLATE, "previous": "green", "new": "yellow"})],
    "template_quality_wrong_field": [
        (TemplateQuality, {**TEMPLATE, "previous": "yellow", "new": "red"}),
    ],
    "template_category_warning": [
        (
            TemplateCategory,
            {
                **TEMPLATE,
                "previous": "",
                "new": "utility",
                "correct": "marketing",
                "changes_at": datetime(2026, 9, 22, 14, 13, 20),
            },
        ),
    ],
    "template_category_done": [
        (
            TemplateCategory,
            {**TEMPLATE, "previous": "utility", "new": "marketing"},
        ),
    ],
    "template_components": [(TemplateComponents, TEMPLATE)],
    "number_name": [
        (
            NumberName,
            {
                "display_number": "15550100001",
                "decision": "rejected",
                "requested_name": "Demo Store",
                "rejection_reason": "NAME_GUIDELINES",
            },
        ),
    ],
    "security": [
        (
            SecurityEvent,
            {
                "display_number": "15550100001",
                "event": "PIN_CHANGED",
            },
        ),
    ],
    "unknown_field": [(UnknownEvent, {"field": "some_new_field", "why": "unknown field"})],
}


def payload(name):
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


def value_of(name):
    return payload(name)["body"]["entry"][0]["changes"][0]["value"]


def change(field, value):
    return {
        "entry": [{"id": WABA, "time": 1790000000, "changes": [{"field": field, "value": value}]}]
    }


def summary(body):
    return [type(event).__name__ for event in parse_events(body)]


class TestPayloads(PureCase):
    def test_every_file_is_expected_and_names_its_source(self):
        names = {path.stem for path in PAYLOADS.glob("*.json")}
        self.assertEqual(names, set(EXPECTED))
        for name in names:
            self.assertTrue(payload(name)["source"].startswith("https://"), name)

    def test_every_file_is_read(self):
        for name, expected in EXPECTED.items():
            body = payload(name)["body"]
            for given_as, form in (("object", body), ("bytes", json.dumps(body).encode())):
                with self.subTest(name, given_as=given_as):
                    events = parse_events(form)
                    self.assertEqual(len(events), len(expected))
                    for event, (kind, fields) in zip(events, expected, strict=True):
                        self.assertIs(type(event), kind)
                        found = {field: getattr(event, field) for field in fields}
                        self.assertEqual(found, fields)
                        self.assertEqual(event.waba_uid, fields.get("waba_uid", WABA))
                        self.assertTrue(event.raw)
                        hash(event)

    def test_errors(self):
        (failed,) = parse_events(payload("status_failed")["body"])
        self.assertEqual(
            (failed.error.code, failed.error.failure_type), (131049, "marketing_limit")
        )
        self.assertIn("healthy ecosystem", failed.error.details)
        (unsupported,) = parse_events(payload("inbound_unsupported")["body"])
        self.assertEqual(unsupported.error.code, 131051)
        (platform,) = parse_events(payload("platform_error")["body"])
        self.assertEqual(platform.error.failure_type, "temporary")

    def test_referral(self):
        (event,) = parse_events(payload("inbound_referral")["body"])
        self.assertEqual(event.referral.source_type, "ad")
        self.assertEqual(event.referral.source_uid, "120226305854810726")
        self.assertEqual(event.referral.click_uid, "Aff-n8ZTODiE79d22KtAwQKj9e")
        (event,) = parse_events(payload("inbound_text")["body"])
        self.assertIsNone(event.referral)

    def test_raw_is_the_smallest_piece(self):
        body = payload("status_batch")["body"]
        first = body["entry"][0]["changes"][0]["value"]["statuses"]
        self.assertEqual([event.raw for event in parse_events(body)][:2], first)


class TestOddities(PureCase):
    def test_not_an_object(self):
        for body in (
            b"",
            b"\xff\xfe",
            b"[1]",
            b"null",
            "x",
            b"[" * 100_000,
            None,
            5,
            [],
            "9" * 5000,
        ):
            with self.subTest(body=str(body)[:20]):
                (event,) = parse_events(body)
                self.assertIsInstance(event, UnknownEvent)
                self.assertTrue(event.why)
                self.assertTrue(event.raw)

    def test_unreadable_pieces_do_not_hide_their_neighbours(self):
        status = value_of("status_sent")["statuses"][0]
        cases = [
            (
                change(
                    "messages", {"statuses": [None, status, {"status": "sent"}, {"id": "w"}, 5]}
                ),
                ["UnknownEvent", "MessageStatus", "UnknownEvent", "UnknownEvent", "UnknownEvent"],
            ),
            (
                {"entry": [None, *change("messages", {"statuses": [status]})["entry"]]},
                ["UnknownEvent", "MessageStatus"],
            ),
            (
                {"entry": [{"id": WABA, "changes": ["x", {"field": "messages", "value": None}]}]},
                ["UnknownEvent", "UnknownEvent"],
            ),
            ({"entry": [{"id": WABA}]}, ["UnknownEvent"]),
            ({"entry": []}, ["UnknownEvent"]),
            ({}, ["UnknownEvent"]),
            (change("messages", {"metadata": {}}), ["UnknownEvent"]),
            (
                change("messages", {"messages": [{"id": "w"}, {"from": "34600000000"}]}),
                ["UnknownEvent", "UnknownEvent"],
            ),
            (
                change("user_preferences", {"user_preferences": [7, {"wa_id": "346"}]}),
                ["UnknownEvent", "UnknownEvent"],
            ),
            (change("user_preferences", {"x": 1}), ["UnknownEvent"]),
        ]
        for body, kinds in cases:
            with self.subTest(body=json.dumps(body)[:80]):
                self.assertEqual(summary(body), kinds)

    def test_an_element_that_breaks_its_reader_is_kept(self):
        deep = {"type": "text", "text": {"body": "end"}}
        for _level in range(5000):
            deep = {"type": "edit", "edit": {"message": deep}}
        broken = {"from": "34600000000", "id": "wamid.B", **deep}
        good = {"from": "34600000000", "id": "wamid.G", "type": "text", "text": {"body": "Hola"}}
        first, second = parse_events(change("messages", {"messages": [broken, good]}))
        self.assertEqual((type(first), first.why), (UnknownEvent, "unreadable: RecursionError"))
        self.assertIs(first.raw, broken)
        self.assertEqual(second.text, "Hola")

    def test_objects_instead_of_lists_and_back(self):
        status = value_of("status_sent")["statuses"][0]
        entry = change("messages", {"statuses": status})["entry"][0]
        entry["changes"] = entry["changes"][0]
        self.assertEqual(summary({"entry": entry}), ["MessageStatus"])
        self.assertEqual(
            summary(change("messages", [{"statuses": [status]}, {"statuses": [status]}])),
            ["MessageStatus", "MessageStatus"],
        )
        restricted = {"event": "ACCOUNT_RESTRICTION", "restriction_info": {"restriction_type": "A"}}
        (event,) = parse_events(change("account_update", restricted))
        self.assertEqual(event.restrictions, (Restriction("A", None),))

    def test_field_in_odd_places(self):
        value = value_of("account_review")
        bodies = [
            {"field": "account_review_update", "value": value},
            {"entry": [{"id": WABA, "field": "account_review_update", "value": value}]},
            {"entry": [{"changes": [{"value": {**value, "field": "account_review_update"}}]}]},
            {"field": "account_review_update", "entry": [{"changes": [{"value": value}]}]},
            change(" Account_Review_Update ", value),
        ]
        for body in bodies:
            with self.subTest(body):
                self.assertEqual(summary(body), ["AccountReview"])

    def test_lists_tell_the_field(self):
        self.assertEqual(summary(change("", value_of("status_sent"))), ["MessageStatus"])
        # Only what cannot be mistaken for something else is read without its field's name.
        for field in ("", "new_name"):
            self.assertEqual(summary(change(field, value_of("inbound_text"))), ["UnknownEvent"])
        self.assertEqual(summary(change("new_name", value_of("status_sent"))), ["UnknownEvent"])
        self.assertEqual(summary(change("", value_of("preferences_stop"))), ["PreferenceChange"])
        both = {**value_of("status_sent"), **value_of("preferences_stop")}
        self.assertEqual(summary(change("messages", both)), ["MessageStatus", "PreferenceChange"])

    def test_recipient_of_a_status(self):
        one = {"profile": {"name": "Ana"}, "wa_id": "34600000000", "user_id": "ES.1"}
        two = {"profile": {"name": "Leo"}, "wa_id": "34600000002", "user_id": "ES.2"}
        cases = [
            ({"recipient_id": "+34 600-000-000"}, [one], ("+34600000000", "ES.1", "Ana")),
            ({"recipient_id": 34600000000}, [two, one], ("+34600000000", "ES.1", "Ana")),
            ({"recipient_id": "34600000000"}, [two], ("+34600000000", "", "")),
            ({"recipient_user_id": "ES.2"}, [one, two], ("+34600000002", "ES.2", "Leo")),
            ({"recipient_id": "ES.9A"}, [], ("", "ES.9A", "")),
            ({"recipient_id": "ES.1"}, [one, two], ("+34600000000", "ES.1", "Ana")),
            ({}, [one], ("+34600000000", "ES.1", "Ana")),
            ({}, [one, two], ("", "", "")),
            ({"recipient_id": None}, [], ("", "", "")),
            (
                {
                    "recipient_type": "group",
                    "recipient_id": "120363000000000001@g.us",
                    "recipient_participant_id": "34600000000",
                },
                [],
                ("+34600000000", "", ""),
            ),
        ]
        for fields, contacts, expected in cases:
            with self.subTest(fields):
                status = {"id": "w", "status": "SENT", **fields}
                value = {"contacts": contacts, "statuses": [status]}
                (event,) = parse_events(change("messages", value))
                self.assertEqual((event.number, event.user_uid, event.profile_name), expected)
                self.assertEqual(event.status, "sent")

    def test_odd_errors(self):
        cases = [
            ({"code": "131050"}, 131050, "opted_out", ""),
            ({"code": 987654}, 987654, "unknown_error", ""),
            ({"code": 987654, "is_transient": True}, 987654, "temporary", ""),
            ({"error_data": "text"}, None, "unknown_error", "text"),
        ]
        for error, code, failure_type, details in cases:
            for errors in (error, [None, error]):
                with self.subTest(error):
                    status = {"id": "w", "status": "failed", "errors": errors}
                    (event,) = parse_events(change("messages", {"statuses": [status]}))
                    found = event.error
                    self.assertEqual(
                        (found.code, found.failure_type, found.details),
                        (code, failure_type, details),
                    )

    def test_template_ids(self):
        cases = [
            (9007199254740993, "9007199254740993"),
            ("9007199254740993", "9007199254740993"),
            (9007199254740992.0, ""),
            (None, ""),
            (True, ""),
            ({}, ""),
        ]
        for uid, expected in cases:
            with self.subTest(uid=uid):
                value = {"event": "APPROVED", "message_template_id": uid}
                (event,) = parse_events(change("message_template_status_update", value))
                self.assertEqual(event.template_uid, expected)

    def test_times(self):
        cases = {
            "1790000000": ENTRY_AT,
            1790000000: ENTRY_AT,
            1790000000.9: ENTRY_AT,
            1790000000123: ENTRY_AT,
            "1790000000123": ENTRY_AT,
            0: None,
            -5: None,
            True: None,
            None: None,
            "": None,
            "soon": None,
            "nan": None,
            "inf": None,
            10**400: None,
            10**18: None,
        }
        for value, expected in cases.items():
            with self.subTest(value=str(value)[:20]):
                self.assertEqual(as_datetime(value), expected)
        self.assertIsNone(as_datetime([]))

    def test_time_of_the_entry_where_the_element_has_none(self):
        status = {"id": "w", "status": "sent", "timestamp": "odd"}
        (event,) = parse_events(change("messages", {"statuses": [status]}))
        self.assertEqual(event.at, ENTRY_AT)
        (event,) = parse_events(
            {"entry": [{"changes": [{"field": "security", "value": {"a": 1}}]}]}
        )
        self.assertIsNone(event.at)

    def test_alert_info_at_the_value_level(self):
        (event,) = parse_events(change("account_alerts", {"alert_type": "OBA_REJECTED"}))
        self.assertEqual(event.alert_type, "OBA_REJECTED")


_WORDS = sorted(
    {
        *("entry", "changes", "value", "field", "id", "time", "object", "metadata", "contacts"),
        *("phone_number_id", "statuses", "messages", "errors", "user_preferences", "status"),
        *(
            "timestamp",
            "recipient_id",
            "recipient_user_id",
            "from",
            "type",
            "text",
            "body",
            "wa_id",
        ),
        *("user_id", "profile", "name", "code", "error_data", "pricing", "category", "billable"),
        *("context", "interactive", "button", "button_reply", "edit", "message", "system"),
        *("restriction_info", "expiration", "ban_info", "new_quality_score", "event", "image"),
        *("message_template_id", "other_info", "alert_info", "display_phone_number"),
        *("max_daily_conversations_per_business", "max_phone_numbers_per_waba"),
        *("message_echoes", "to", "history", "threads", "messages", "state_sync", "contact"),
        *("phone_number", "action", "sender", "recipient", "control_passed", "standby"),
    }
)
_FIELDS = sorted(
    {
        *("messages", "user_preferences", "account_update", "account_alerts", "security"),
        *("account_review_update", "business_capability_update", "phone_number_quality_update"),
        *("message_template_status_update", "message_template_quality_update"),
        *("template_category_update", "message_template_components_update"),
        *("phone_number_name_update", "history", "standby", "messaging_handovers"),
        *("smb_message_echoes", "smb_app_state_sync"),
    }
)
_any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(_WORDS + _FIELDS + ["1790000000", "34600000000", "sent", "edit"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5)
    ),
    max_leaves=25,
)
_changes = st.builds(change, st.sampled_from(_FIELDS), _any_json)


class TestAnyBody(PureCase):
    @unhurried
    @given(_any_json | _changes)
    def test_any_json_gives_events_and_always_the_same(self, body):
        events = parse_events(body)
        self.assertTrue(events)
        for event in events:
            self.assertIsInstance(event, Event)
            self.assertIsInstance(event.raw, dict)
            self.assertTrue(event.at is None or event.at.tzinfo is None)
            hash(event)
        # NaN differs from itself, so the texts are compared.
        self.assertEqual(repr(events), repr(parse_events(body)))

    @unhurried
    @given(st.binary() | st.text())
    def test_any_bytes_give_events(self, body):
        self.assertTrue(parse_events(body))

    @unhurried
    @given(st.lists(st.sampled_from(sorted(EXPECTED)), min_size=1, max_size=4))
    def test_bodies_joined_give_the_events_joined(self, names):
        entries = [entry for name in names for entry in payload(name)["body"]["entry"]]
        apart = [event for name in names for event in parse_events(payload(name)["body"])]
        joined = parse_events({"object": "whatsapp_business_account", "entry": entries})
        self.assertEqual(joined, apart)


class TestSignature(PureCase):
    SECRET = "0123456789abcdef"
    BODY = b'{"entry": []}'

    def header(self, secret=SECRET, body=BODY):
        return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

    def test_true_signature(self):
        self.assertIs(verify_signature(self.BODY, self.header(), self.SECRET), True)
        upper = "sha256=" + self.header()[7:].upper()
        self.assertIs(verify_signature(self.BODY, upper, self.SECRET), True)

    def test_known_vector(self):
        # RFC 4231, test case 2.
        digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        self.assertIs(
            verify_signature(b"what do ya want for nothing?", f"sha256={digest}", "Jefe"), True
        )

    def test_everything_else_is_false(self):
        good = self.header()
        cases = [
            (self.BODY, None, self.SECRET),
            (self.BODY, "", self.SECRET),
            (self.BODY, good[7:], self.SECRET),
            (self.BODY, good.replace("sha256", "sha1"), self.SECRET),
            (self.BODY, good[:-1], self.SECRET),
            (self.BODY, good + "0", self.SECRET),
            (self.BODY, good + "\n", self.SECRET),
            (self.BODY, good[:-1] + "g", self.SECRET),
            (self.BODY, good[:-1] + "é", self.SECRET),
            (self.BODY, good.encode(), self.SECRET),
            (self.BODY, good, "another"),
            (self.BODY, self.header(secret=""), ""),
            (self.BODY, self.header(secret=""), None),
            (self.BODY, self.header(secret=""), False),
            (self.BODY + b" ", good, self.SECRET),
            (self.BODY.decode(), good, self.SECRET),
            (None, good, self.SECRET),
        ]
        for body, header, secret in cases:
            with self.subTest(header=header, secret=secret):
                self.assertIs(verify_signature(body, header, secret), False)

    @unhurried
    @given(st.binary(), st.text(), st.text())
    def test_never_raises(self, body, header, secret):
        self.assertIs(verify_signature(body, header, secret), False)


class TestChallenge(PureCase):
    GOOD = {"hub.mode": "subscribe", "hub.verify_token": "word", "hub.challenge": "1158201444"}

    def test_answer(self):
        self.assertEqual(answer_challenge(self.GOOD, "word"), "1158201444")

    def test_refusals(self):
        cases = [
            ({}, "word"),
            ({**self.GOOD, "hub.mode": "unsubscribe"}, "word"),
            ({**self.GOOD, "hub.verify_token": "Word"}, "word"),
            ({**self.GOOD, "hub.verify_token": "\ud800"}, "word"),
            ({**self.GOOD, "hub.verify_token": ""}, ""),
            ({**self.GOOD, "hub.verify_token": None}, None),
            (self.GOOD, False),
            ({**self.GOOD, "hub.challenge": ""}, "word"),
            ({**self.GOOD, "hub.challenge": None}, "word"),
            ({**self.GOOD, "hub.challenge": "<script>alert(1)</script>"}, "word"),
            ({**self.GOOD, "hub.challenge": "1" * 257}, "word"),
        ]
        for params, verify_token in cases:
            with self.subTest(params):
                self.assertIsNone(answer_challenge(params, verify_token))
