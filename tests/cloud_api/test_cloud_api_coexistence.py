"""Webhooks of a number that others use too, in the shapes of Meta's pages and as recorded."""

from datetime import datetime

from ...cloud_api import (
    AppContact,
    EchoMessage,
    Handover,
    HistoryChunk,
    InboundMessage,
    UnknownEvent,
    parse_events,
)
from ..pure import PureCase

OURS, PERSON, STAMP = "15550783881", "16505551234", "1739230955"
AT = datetime(2025, 2, 10, 23, 42, 35)
METADATA = {"display_phone_number": OURS, "phone_number_id": "106540352242922"}
TEXT = {"type": "text", "text": {"body": "Hi"}}


def events(field, **value):
    """The events of one value of a field."""
    value = {"messaging_product": "whatsapp", "metadata": METADATA, **value}
    return parse_events({"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]})


class TestEchoes(PureCase):
    def test_of_a_colleague_and_of_another_sender(self):
        echo = {"from": OURS, "to": PERSON, "id": "wamid.E", "timestamp": STAMP, **TEXT}
        nested = {"id": "wamid.E", "timestamp": STAMP, "message": {"recipient": PERSON, **TEXT}}
        for field, value, is_app in (
            ("smb_message_echoes", {"message_echoes": [echo]}, True),
            ("message_echoes", {"message_echoes": [echo]}, False),
            ("standby", {"message_echoes": [echo]}, False),
            ("standby", {"standby": {"message_echoes": [nested]}}, False),
        ):
            with self.subTest(field):
                [event] = events(field, **value)
                self.assertIsInstance(event, EchoMessage)
                self.assertEqual(
                    (event.wamid, event.number, event.text, event.at, event.is_app),
                    ("wamid.E", f"+{PERSON}", "Hi", AT, is_app),
                )

    def test_a_message_in_standby_is_a_persons(self):
        said = {"from": PERSON, "id": "wamid.I", "timestamp": STAMP, **TEXT}
        for value in ({"messages": [said]}, {"standby": {"messages": [said]}}):
            [event] = events("standby", **value)
            self.assertIsInstance(event, InboundMessage)
            self.assertEqual((event.number, event.field), (f"+{PERSON}", "standby"))

    def test_statuses_of_the_other_sender_are_not_ours(self):
        [event] = events("standby", standby={"statuses": [{"id": "w", "status": "read"}]})
        self.assertIsInstance(event, UnknownEvent)


class TestHandovers(PureCase):
    def test_who_has_the_conversation_now(self):
        person = {"recipient": METADATA, "sender": {"phone_number": PERSON}, "timestamp": STAMP}
        for passed, is_ours in (
            ({"previous_owner_app_role": "meta_business_agent"}, True),
            ({"previous_owner_role": "ai_agent", "new_owner_role": "escalation"}, True),
            ({"previous_owner_role": "escalation", "new_owner_role": "ai_agent"}, False),
        ):
            with self.subTest(str(passed)):
                [event] = events(
                    "messaging_handovers", **person, metadata=None, control_passed=passed
                )
                self.assertIsInstance(event, Handover)
                self.assertEqual(
                    (event.is_ours, event.number, event.phone_number_uid, event.at),
                    (is_ours, f"+{PERSON}", "106540352242922", AT),
                )


class TestHistory(PureCase):
    def test_a_chunk(self):
        messages = [
            {"from": OURS, "id": "wamid.1", "timestamp": STAMP, **TEXT},
            {"from": PERSON, "id": "wamid.2", "timestamp": STAMP, "type": "media_placeholder"},
            {"from": PERSON, "timestamp": STAMP, **TEXT}, "nonsense",
        ]  # fmt: skip
        [chunk] = events(
            "history",
            history=[{"metadata": {"phase": 0, "chunk_order": 1, "progress": 55},
                      "threads": [{"id": PERSON, "messages": messages}]}],
        )  # fmt: skip
        self.assertIsInstance(chunk, HistoryChunk)
        self.assertEqual((chunk.phase, chunk.progress, chunk.error_code), (0, 55, None))
        self.assertEqual(
            [(m.wamid, m.is_ours, m.kind, m.number) for m in chunk.messages],
            [("wamid.1", True, "text", f"+{PERSON}"),
             ("wamid.2", False, "media_placeholder", f"+{PERSON}")],
        )  # fmt: skip

    def test_a_file_that_is_described_later_and_a_refusal(self):
        image = {"from": PERSON, "id": "wamid.2", "timestamp": STAMP, "type": "image",
                 "image": {"id": "24230790383178626", "mime_type": "image/jpeg"}}  # fmt: skip
        [chunk] = events("history", messages=[image])
        self.assertEqual((chunk.messages[0].media.uid, chunk.progress), ("24230790383178626", None))
        [refused] = events("history", history=[{"errors": [{"code": 2593109, "title": "Off"}]}])
        self.assertEqual((refused.error_code, refused.error_text, refused.messages),
                         (2593109, "Off", ()))  # fmt: skip


class TestContacts(PureCase):
    def test_added_removed_and_nonsense(self):
        contact = {"full_name": "Pablo Morales", "first_name": "Pablo", "phone_number": PERSON}
        added = {"type": "contact", "contact": contact, "action": "add",
                 "metadata": {"timestamp": STAMP}}  # fmt: skip
        removed = {**added, "contact": {"phone_number": PERSON}, "action": "remove"}
        found = events("smb_app_state_sync", state_sync=[added, removed, {"type": "label"}])
        self.assertEqual(
            [(e.name, e.is_removed, e.at) for e in found[:2]],
            [("Pablo Morales", False, AT), ("", True, AT)],
        )
        self.assertIsInstance(found[0], AppContact)
        self.assertIsInstance(found[2], UnknownEvent)
