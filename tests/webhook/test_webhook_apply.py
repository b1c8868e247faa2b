"""From stored webhook bodies to rows: what Meta says of limits, numbers, accounts and templates."""

import json
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path

from freezegun import freeze_time
from odoo.addons.waba_campaign.models.tools.platform_words import platform_word
from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..common import WabaCase

PAYLOADS = Path(__file__).parents[1] / "payloads"
EVENT = datetime(2026, 9, 21, 14, 13, 20)  # 1790000000, the time of every body in payloads/
DISPLAY = "15550100001"
UNKNOWN_UID = "999000000000009"
APPLY = "odoo.addons.waba_campaign.models.webhook.waba_webhook_apply"


def payloads():
    """{name: body} of every webhook body in payloads/."""
    files = {path.stem: json.loads(path.read_text()) for path in PAYLOADS.glob("*.json")}
    return {name: content["body"] for name, content in files.items() if "body" in content}


class ApplyCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sender.write({"number": f"+{DISPLAY}", "display_phone_number": "+1 555-010-0001"})
        cls.sent = cls._message(
            cls, "+34600000000", wamid="wamid.OUT1", uuid="0f8fad5b-d9cb-469f-a165-70867728950e"
        )
        cls.polls = cls.env.ref("waba_campaign.ir_cron_poll")

    def _polls_waiting(self):
        return self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.polls.id)])

    def _template_event(self, event, at=None, field="message_template_status_update", **values):
        return self._at(
            at,
            self._change(
                field,
                {
                    "event": event,
                    "message_template_id": int(self.template.template_uid),
                    "message_template_name": self.template.name,
                    "message_template_language": self.template.language,
                    "reason": "NONE",
                    **values,
                },
            ),
        )

    def _limit(self, value, at=None):
        return self._at(
            at,
            self._change(
                "business_capability_update", {"max_daily_conversations_per_business": value}
            ),
        )

    @staticmethod
    def _at(moment, body):
        """The body, with a time of its own; `moment` is naive UTC."""
        if moment:
            body["entry"][0]["time"] = int(moment.replace(tzinfo=timezone.utc).timestamp())
        return body

    def _account_update(self, event, at=None, **values):
        return self._at(at, self._change("account_update", {"event": event, **values}))

    def _running_campaign(self):
        """A launched campaign whose rows wait."""
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        return campaign


@freeze_time(EVENT + timedelta(minutes=5), tick=True)
class TestPayloads(ApplyCase):
    """Meta's own examples, through the same two steps as a real body."""

    def _person(self):
        return self.env["waba.recipient"].search([("number", "=", "+34600000000")])

    def _written(self):
        """The last message a person wrote: (kind, text, payload)."""
        message = self.env["waba.message"].search([("direction", "=", "in")], limit=1)
        return message.kind, message.text, message.payload or ""

    def test_every_example_of_metas_gives_its_state_and_its_rows(self):
        said = lambda record, text: lambda: text in self._chatter(record)  # noqa: E731
        state = lambda: self.sent.state  # noqa: E731
        limit = lambda: self.portfolio.messaging_limit  # noqa: E731
        status = lambda: self.template.status  # noqa: E731
        consent = lambda: self._person().marketing_state  # noqa: E731
        polled = lambda: self._polls_waiting() > 0  # noqa: E731
        applied, ignored = "applied", "ignored"
        cases = {
            "account_alert": (applied, said(self.account, "Message quality was too low."), True),
            "account_ban": (applied, said(self.account, "Account will be disabled April 17"), True),
            "account_field_at_wrong_level": (
                applied, said(self.account, "Partner app uninstalled"), True,
            ),
            "account_restriction": (applied, lambda: self.account.state, "stopped"),
            "account_review": (applied, lambda: self.account.review_status, "approved"),
            "account_violation": (applied, said(self.account, "violation: Scam"), True),
            "capability": (applied, limit, "2000"),
            "capability_per_phone": (applied, limit, "unlimited"),
            "capability_tier": (applied, limit, "unlimited"),
            "inbound_button": (
                applied, self._written, ("button", "Stop promotions", "STOP_PROMO"),
            ),
            "inbound_button_reply": (
                applied, self._written, ("interactive", "Cancel", "cancel-button"),
            ),
            "inbound_changed_number": (
                applied,
                self._written,
                ("system", "User Ana changed from 34600000000 to 34600000009", ""),
            ),
            "inbound_changed_user_id": (applied, self._written, ("system", "[system]", "")),
            "inbound_contacts": (applied, self._written, ("contacts", "Leo Ruiz, Eva Sanz", "")),
            "inbound_document": (applied, self._written, ("document", "[document]", "")),
            "inbound_edit": (applied, self._written, ("edit", "Two, please", "")),
            "inbound_form_reply": (applied, self._written, ("interactive", "Sent", "")),
            "inbound_image": (applied, self._written, ("image", "Taj Mahal", "")),
            "inbound_list_reply": (applied, self._written, ("interactive", "Oak table", "row-1")),
            "inbound_location": (applied, self._written, ("location", "Philz Coffee", "")),
            "inbound_reaction": (applied, self._written, ("reaction", "👍", "")),
            "inbound_referral": (applied, self._written, ("text", "Can I get more info?", "")),
            "inbound_revoke": (applied, self._written, ("revoke", "[revoke]", "")),
            "inbound_text": (
                applied, self._written, ("text", "Does it come in another color?", ""),
            ),
            "inbound_unsupported": (applied, self._written, ("unsupported", "[unsupported]", "")),
            "number_flagged": (applied, limit, "1000"),
            "number_name": (
                applied, said(self.sender, "Demo Store: Rejected, Name guidelines"), True,
            ),
            "number_throughput": (applied, limit, "unlimited"),
            "platform_error": (
                applied, said(self.account, "temporarily unavailable. (error 131016)"), True,
            ),
            "preferences_bsuid_only": (
                applied,
                lambda: self.env["waba.recipient"]
                .search([("user_uid", "=", "ES.9A1B2C")])
                .marketing_state,
                "opted_out",
            ),
            "preferences_resume": (applied, consent, "opted_in"),
            "preferences_signup": (applied, consent, "opted_in"),
            "preferences_stop": (applied, consent, "opted_out"),
            "security": (applied, said(self.sender, "PIN changed"), True),
            "status_batch": (applied, state, "read"),
            "status_bsuid_only": (applied, lambda: self._person().user_uid, "ES.9A1B2C"),
            "status_delivered": (applied, state, "delivered"),
            "status_failed": (applied, lambda: self.sent.error_code, 131049),
            "status_read": (applied, state, "read"),
            "status_sent": (applied, state, "sent"),
            "template_category_done": (applied, lambda: self.template.category, "marketing"),
            "template_category_warning": (
                applied, said(self.template, "will change the category"), True,
            ),
            "template_components": (applied, polled, True),
            "template_disabled": (applied, status, "disabled"),
            "template_paused": (applied, status, "paused"),
            "template_paused_lower_case": (applied, status, "paused"),
            "template_quality": (applied, lambda: self.template.quality_score, "yellow"),
            "template_quality_wrong_field": (applied, lambda: self.template.quality_score, "red"),
            "template_rejected": (applied, lambda: self.template.status_reason, "INVALID_FORMAT"),
            "unknown_field": (ignored, self._changed_rows, []),
        }  # fmt: skip
        self.assertEqual(set(cases), set(payloads()), "every example has its row here")
        for name, (expected_state, fact, expected) in cases.items():
            with self._case(name):
                self.template.category = "utility" if "category" in name else "marketing"
                self.account.review_status = "pending"
                before = fact()
                event = self._receive(payloads()[name])
                self.assertEqual(event.state, expected_state, event.error)
                self.assertTrue(event.summary and event.applied_at)
                self.assertEqual(fact(), expected)
                if expected_state == "applied":
                    self.assertNotEqual(before, expected, "the case would show nothing")

    def _changed_rows(self):
        return self.env["waba.message"].search([("direction", "=", "in")]).ids

    def test_every_example_applied_again_changes_no_row(self):
        for name, body in payloads().items():
            with self._case(name):
                event = self._receive(body)
                before = self._rows_of_everything()
                for again in (self._receive(body), event):
                    again.action_reapply()
                    self._apply_webhooks()
                    self.assertEqual(again.state, event.state)
                    self.assertEqual(self._rows_of_everything(), before)

    def _rows_of_everything(self):
        """What the webhooks write, without the times of writing and the chatter."""
        self.env.flush_all()
        self.env.invalidate_all()
        names = {
            "waba.message": ["state", "sent_at", "delivered_at", "read_at", "failed_at",
                             "replied_at", "failure_type", "error_code", "wamid", "text"],
            "waba.recipient": ["number", "wa_number", "user_uid", "marketing_state", "name",
                               "undeliverable_count", "unreachable_until"],
            "waba.conversation": ["last_inbound_at", "window_expires_at", "unread_count"],
            "waba.consent": ["recipient_id", "action", "source", "at"],
            "waba.account": ["state", "stop_reason", "restriction", "restricted_until"],
            "waba.portfolio": ["messaging_limit"],
            "waba.sender": ["state", "quality_rating"],
            "waba.template": ["status", "status_reason", "quality_score", "category"],
        }  # fmt: skip
        return {
            model: self.env[model]
            .with_context(active_test=False)
            .search([], order="id")
            .read(fields)
            for model, fields in names.items()
        }


class TestBatches(ApplyCase):
    """Bodies together: mixed, broken, repeated, about other accounts."""

    def test_one_body_may_mix_events_of_all_kinds(self):
        body = self._limit(2000)
        body["entry"][0]["changes"] += [
            self._inbound("+34611000001", "Hola")["entry"][0]["changes"][0],
            self._status(self.sent, "read")["entry"][0]["changes"][0],
            {"field": "brand_new", "value": {"a": 1}},
        ]
        event = self._receive(body)
        self.assertEqual(event.state, "applied")
        self.assertEqual(event.error, "brand_new: unknown field")
        self.assertEqual(
            event.summary, "CapabilityChange, InboundMessage, MessageStatus, UnknownEvent"
        )
        self.assertEqual(self.portfolio.messaging_limit, "2000")
        self.assertEqual(self.sent.state, "read")
        self.assertTrue(self.env["waba.message"].search([("wamid", "=", "wamid.IN1")]))

    @contextmanager
    def _broken_template(self):
        """Whatever sets this template's status meets an error of the database."""
        self.env.cr.execute(
            "ALTER TABLE waba_template ADD CONSTRAINT broken "
            "CHECK (status != 'disabled' OR id != %s) NOT VALID",
            [self.template.id],
        )
        yield
        self.env.cr.execute("ALTER TABLE waba_template DROP CONSTRAINT broken")

    def test_a_body_that_cannot_be_applied_is_named_and_kept_and_stops_no_other(self):
        with self._broken_template(), mute_logger("odoo.sql_db", APPLY):
            first = self._store_event(self._status(self.sent, "delivered"))
            broken = self._store_event(self._template_event("DISABLED"))
            last = self._store_event(self._limit(10000))
            self._apply_webhooks()
        self.assertEqual((first + broken + last).mapped("state"), ["applied", "failed", "applied"])
        self.assertIn("CheckViolation", broken.error)
        self.assertTrue(broken.applied_at)
        self.assertEqual(self.sent.state, "delivered")
        self.assertEqual(self.portfolio.messaging_limit, "10000")
        self.assertEqual(self.template.status, "approved")
        broken.action_reapply()
        self.assertEqual((broken.state, broken.error), ("new", False))
        self._apply_webhooks()
        self.assertEqual((broken.state, broken.error), ("applied", False))
        self.assertEqual(self.template.status, "disabled")

    def test_apply_again_wakes_the_job_and_asks_meta_how_things_stand_now(self):
        event = self._receive(self._limit(2000))
        cron = self.env.ref("waba_campaign.ir_cron_apply_webhooks")
        self.env["ir.cron.trigger"].search([]).unlink()
        event.with_user(self.env.ref("base.user_admin")).action_reapply()
        waiting = self.env["ir.cron.trigger"].search([]).cron_id
        self.assertEqual(waiting, cron | self.polls)

    def test_only_an_administrator_may_apply_again(self):
        event = self._receive(self._limit(2000))
        event.with_user(self.manager).read(["body"])
        with self.assertRaises(AccessError):
            event.with_user(self.manager).action_reapply()
        with self.assertRaises(AccessError):
            event.with_user(self.salesperson).read(["body"])

    def test_a_body_that_meta_repeats_is_not_said_twice(self):
        body = self._account_update("ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
        for _time in range(3):
            self.assertEqual(self._receive(body).state, "applied")
        self.assertEqual(self._chatter(self.account).count("violation: Scam"), 1)
        week_ago = datetime.now() - timedelta(days=8)
        self.env["waba.webhook.event"].search([]).received_at = week_ago
        self._receive(body)
        self.assertEqual(self._chatter(self.account).count("violation: Scam"), 2)

    def test_volume_tiers_are_kept_and_shown(self):
        def reach(tier, month="2026-11", region="INDIA"):
            info = {"tier_update_time": 1743451903, "pricing_category": "UTILITY",
                    "tier": tier, "effective_month": month, "region": region}  # fmt: skip
            event = "VOLUME_BASED_PRICING_TIER_UPDATE"
            self._receive(self._account_update(event, volume_tier_info=info))

        reach("750001:25000000")
        self.assertEqual(
            self.account.volume_tier_text,
            "India, Service message, 2026-11: messages 750,001 to 25,000,000",
        )
        self.assertIn("Lower price from now on", self._chatter(self.account))
        for tier, month, expected in (
            ("25000001:", "2026-11", "from message 25,000,001"),
            ("750001:25000000", "2026-11", "from message 25,000,001"),
            ("0:750000", "2026-12", "2026-12: messages 0 to 750,000"),
            ("many", "2026-12", "2026-12: messages 0 to 750,000"),
            ("1:2", "soon", "2026-12: messages 0 to 750,000"),
        ):
            reach(tier, month)
            self.assertIn(expected, self.account.volume_tier_text)
        reach("1:2", region="SPAIN")
        self.assertEqual(len(self.account.volume_tier_text.splitlines()), 2)

    def test_two_bodies_alike_in_one_batch_are_said_once(self):
        body = self._account_update("ACCOUNT_VIOLATION", violation_info={"violation_type": "SCAM"})
        events = self._store_event(body) + self._store_event(body)
        self._apply_webhooks()
        self.assertEqual(events.mapped("state"), ["applied", "applied"])
        self.assertEqual(self._chatter(self.account).count("violation: Scam"), 1)

    def test_bodies_too_long_for_one_transaction_are_all_applied_in_their_order(self):
        rows = [self._message(f"+34612{index:06d}") for index in range(6)]
        lengths = (600_000, 600_000, 1_200_000, 10, 900_000, 900_000)
        for row, length in zip(rows, lengths, strict=True):
            self._store_event({**self._status(row, "delivered"), "filler": "x" * length})
        for value in (2000, 10000):
            self._store_event({**self._limit(value), "filler": "x" * 600_000})
        self._apply_webhooks()
        self.assertEqual(self.portfolio.messaging_limit, "10000")
        self.assertFalse(self.env["waba.webhook.event"].search([("state", "=", "new")]))
        self.assertEqual({row.state for row in rows}, {"delivered"})

    def test_an_event_reaches_the_account_it_names_whichever_address_it_came_to(self):
        # One app has one address for all fields but `messages`, and may serve several accounts.
        other = self._create_account(name="Other", waba_uid="200000000000002")
        other._sync()
        other.state = "connected"
        about_other = self._change(
            "account_review_update", {"decision": "REJECTED"}, waba_uid=other.waba_uid
        )
        self.account.review_status = "approved"
        self.assertEqual(self._receive(about_other, self.account).state, "applied")
        self.assertEqual(
            (self.account.review_status, other.review_status), ("approved", "rejected")
        )
        written = self._inbound("+34611000001", "Hola")
        written["entry"][0]["id"] = other.waba_uid
        value = written["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = other.sender_ids.phone_number_uid
        self._receive(written, self.account)
        message = self.env["waba.message"].search([("wamid", "=", "wamid.IN1")])
        self.assertEqual(message.account_id, other)

    def test_an_event_about_an_account_of_another_app_changes_nothing(self):
        other = self._create_account(
            name="Other", waba_uid="200000000000002", app_secret="another-secret"
        )
        cases = {other.waba_uid: other, UNKNOWN_UID: self.account, "0": self.account}
        for waba_uid, account in cases.items():
            with self._case(waba_uid):
                event = self._receive(
                    self._change(
                        "account_update",
                        {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
                        waba_uid=waba_uid,
                    )
                )
                # What may still be connected waits; another app's account never is.
                self.assertEqual(event.state, "ignored" if account == other else "waiting")
                self.assertIn(waba_uid, event.error)
                self.assertNotEqual(account.state, "stopped")

    def test_what_is_unknown_here_is_named_and_read_from_meta(self):
        number = self._inbound("+34611000001", "Hola")
        value = number["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = UNKNOWN_UID
        template = self._template_event("PAUSED")
        value = template["entry"][0]["changes"][0]["value"]
        value.update(message_template_id=int(UNKNOWN_UID), message_template_name="unheard_of")
        quality = json.loads(json.dumps(template))
        quality["entry"][0]["changes"][0]["value"]["new_quality_score"] = "RED"
        category = json.loads(json.dumps(template))
        category["entry"][0]["changes"][0]["field"] = "template_category_update"
        name = self._change(
            "phone_number_name_update", {"display_phone_number": "34999", "decision": "APPROVED"}
        )
        cases = {
            "number": (number, UNKNOWN_UID),
            "template status": (template, "unheard_of"),
            "template quality": (quality, "unheard_of"),
            "template category": (category, "unheard_of"),
            "number's name": (name, "34999"),
        }
        for case, (body, named) in cases.items():
            with self._case(case):
                before = self._polls_waiting()
                event = self._receive(body)
                self.assertEqual(event.state, "waiting")
                self.assertIn(named, event.error)
                self.assertEqual(self._polls_waiting(), before + 1)

    def test_a_message_without_a_sender_is_named(self):
        body = self._inbound("+34611000001", "Hola")
        value = body["entry"][0]["changes"][0]["value"]
        value["contacts"] = [{"profile": {"name": "Ana"}}]
        value["messages"][0].pop("from")
        event = self._receive(body)
        self.assertEqual(event.state, "ignored")
        self.assertIn("names no sender", event.error)

    def test_a_preference_of_nobody_or_of_another_kind_is_named(self):
        for values in (
            {"value": "stop", "category": "marketing_messages"},
            {"value": "stop", "category": "newsletters", "wa_id": "34611000001"},
            {"value": "snooze", "category": "marketing_messages", "wa_id": "34611000001"},
        ):
            with self._case(str(values)):
                event = self._receive(
                    self._change("user_preferences", {"user_preferences": [values]})
                )
                self.assertEqual(event.state, "ignored")
                self.assertIn("preference", event.error)
                self.assertFalse(
                    self.env["waba.recipient"].search([("marketing_state", "=", "opted_out")])
                )

    def test_bodies_applied_are_deleted_after_ninety_days_and_failed_ones_never(self):
        events = self._receive(self._limit(2000))
        events += self._receive(self._change("brand_new", {"a": 1}))
        events += self._receive(self._limit(10000))
        events[2].state = "failed"
        recent = self._receive(self._limit(100000))
        events.received_at = datetime.now() - timedelta(days=91)
        recent.received_at = datetime.now() - timedelta(days=89)
        self.env["waba.webhook.event"]._gc_applied()
        self.assertEqual((events + recent).exists(), events[2] + recent)


class TestLimits(ApplyCase):
    def test_a_new_limit_holds_at_once_and_wakes_every_number(self):
        cases = [
            (2000, "2000"), ("TIER_10K", "10000"), ("100000", "100000"), (-1, "unlimited"),
            ("UNLIMITED", "unlimited"), ("TIER_250", "250"), (50, "50"), ("TIER_1K", "1000"),
        ]  # fmt: skip
        for given, expected in cases:
            with self._case(str(given)):
                self.portfolio.messaging_limit = "unknown"
                self.env["ir.cron.trigger"].search([]).unlink()
                self._receive(self._limit(given))
                self.assertEqual(self.portfolio.messaging_limit, expected)
                self.assertTrue(self._alarms(self.sender))
                self.assertTrue(self._alarms(self.sender_mx), "the limit is the portfolio's")

    def test_a_limit_lowered_is_written_down_and_holds(self):
        self.portfolio.messaging_limit = "10000"
        self._receive(self._limit(250))
        self.assertEqual(self.portfolio.people_limit, 250)
        self.assertIn("10,000 recipients a day → 250 recipients", self._chatter(self.portfolio))

    def test_a_limit_that_says_nothing_changes_nothing(self):
        self.portfolio.messaging_limit = "2000"
        for given in ("TIER_NOT_SET", "UNTIERED", None, "many", 777, "2000"):
            with self._case(str(given)):
                said = self._chatter(self.portfolio)
                self._receive(self._limit(given))
                self.assertEqual(self.portfolio.messaging_limit, "2000")
                self.assertEqual(self._chatter(self.portfolio), said)

    def test_limits_end_the_same_in_whatever_order_they_arrive(self):
        now = datetime.now().replace(microsecond=0)
        bodies = [
            self._limit(2000, at=now - timedelta(hours=3)),
            self._limit(10000, at=now - timedelta(hours=2)),
            self._limit(250, at=now - timedelta(hours=1)),
        ]
        for together in (True, False):
            for order in permutations(range(3)):
                with self._case(f"{order} {together}"):
                    for index in order:
                        self._store_event(bodies[index])
                        if not together:
                            self._apply_webhooks()
                    self._apply_webhooks()
                    self.assertEqual(self.portfolio.messaging_limit, "250")

    def test_a_numbers_update_counts_among_the_limits(self):
        now = datetime.now().replace(microsecond=0)
        self._receive(self._limit(250, at=now))
        late = self._change(
            "phone_number_quality_update",
            {"display_phone_number": DISPLAY, "event": "UPGRADE", "current_limit": "TIER_10K"},
        )
        event = self._receive(self._at(now - timedelta(hours=1), late))
        self.assertEqual(self.portfolio.messaging_limit, "250")
        self.assertEqual(event.state, "ignored")
        self.assertIn("newer", event.error)

    def test_a_throughput_upgrade_is_read_from_meta(self):
        before = self._polls_waiting()
        self._receive(
            self._change(
                "phone_number_quality_update",
                {"display_phone_number": DISPLAY, "event": "THROUGHPUT_UPGRADE"},
            )
        )
        self.assertEqual(self._polls_waiting(), before + 1)
        self.assertIn("Higher speed", self._chatter(self.sender))


class TestAccountEvents(ApplyCase):
    def _restrict(self, *restrictions, at=None):
        return self._receive(
            self._account_update("ACCOUNT_RESTRICTION", at, restriction_info=list(restrictions))
        )

    @staticmethod
    def _restriction(kind, hours=None):
        """A restriction that ends in `hours`, or without an end."""
        end = int(datetime.now(timezone.utc).timestamp() + 3600 * hours) if hours else None
        return {"restriction_type": kind, **({"expiration": end} if end else {})}

    def test_a_restriction_of_sending_stops_the_account_until_it_ends(self):
        sending, answering = (
            "RESTRICTED_BIZ_INITIATED_MESSAGING",
            "RESTRICTED_CUSTOMER_INITIATED_MESSAGING",
        )
        cases = {
            "one, with its end": ([(sending, 24)], 24),
            "one without end": ([(sending, None)], None),
            "the later of two": ([(sending, 24), (answering, 48)], 48),
            "one of two without end": ([(sending, 24), (answering, None)], None),
            "beside one that does not matter": (
                [("RESTRICTED_ADD_PHONE_NUMBER_ACTION", None), (sending, 24)], 24,
            ),
            "one that is over and one that is not": ([(sending, -1), (answering, 24)], 24),
        }  # fmt: skip
        for name, (restrictions, hours) in cases.items():
            with self._case(name):
                self._restrict(*(self._restriction(*one) for one in restrictions))
                self.assertEqual(self.account.state, "stopped")
                self.assertIn("Meta restricted this account", self.account.stop_reason)
                end = self.account.resume_at
                self.assertEqual(self.account.restricted_until, end)
                if hours is None:
                    self.assertFalse(end)
                else:
                    expected = datetime.now() + timedelta(hours=hours)
                    self.assertLess(abs(end - expected), timedelta(minutes=5))

    def test_other_restrictions_and_those_that_are_over_stop_nothing(self):
        for name, restriction in {
            "adding numbers": self._restriction("RESTRICTED_ADD_PHONE_NUMBER_ACTION", 24),
            "its older spelling": self._restriction("RESTRICTION_ADD_PHONE_NUMBER_ACTION"),
            "over": self._restriction("RESTRICTED_BIZ_INITIATED_MESSAGING", -1),
        }.items():
            with self._case(name):
                self._restrict(restriction)
                self.assertEqual(self.account.state, "connected")
                self.assertFalse(self.account.restriction)
                self.assertIn("Account restricted", self._chatter(self.account))

    def test_nothing_leaves_a_restricted_account_until_it_ends_and_a_manager_releases(self):
        campaign = self._running_campaign()
        self._restrict(
            self._restriction("RESTRICTED_BIZ_INITIATED_MESSAGING", 24),
            at=datetime.now(timezone.utc) + timedelta(seconds=1),
        )
        self._dispatch()
        self.assertFalse(self.simulator.sends())
        self.assertEqual(campaign.queued_count, 2)
        self.assertIn("Meta restricted", campaign.hold_reason)
        self.account._resume_if_due(self.account.resume_at)
        self._dispatch()
        self.assertEqual((self.account.state, self.sender.state), ("connected", "locked"))
        self.assertFalse(self.simulator.sends())
        self.sender._release("Meta has lifted it, the list is gone.")
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 2)
        self.assertFalse(self.account.restriction or self.account.restricted_until)

    def test_a_ban_stops_and_a_reinstatement_lifts_it(self):
        for values in (
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
            {"event": "ACCOUNT_DELETED"},
            {"event": "ACCOUNT_OFFBOARDED"},
        ):
            with self._case(values["event"]):
                self._receive(self._account_update(**values))
                self.assertEqual(self.account.state, "stopped")
                self.assertFalse(self.account.resume_at, "only a person or Meta lifts it")
                self._receive(
                    self._account_update(
                        "DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"}
                    )
                )
                # Of the ban alone: see test_account_stops.py for the others' counterparts.
                is_banned = "ban_info" in values
                self.assertEqual(self.account.state, "connected" if is_banned else "stopped")
                self.assertEqual("reinstated" in self._chatter(self.account), is_banned)

    def test_a_ban_announced_stops_nothing_yet(self):
        self._receive(
            self._account_update(
                "DISABLED_UPDATE",
                ban_info={"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "May 1, 2027"},
            )
        )
        self.assertEqual(self.account.state, "connected")
        self.assertIn("Account will be disabled May 1, 2027", self._chatter(self.account))

    def test_a_ban_and_its_end_come_out_the_same_in_both_orders(self):
        now = datetime.now().replace(microsecond=0)
        ban = self._account_update(
            "DISABLED_UPDATE", now - timedelta(hours=2), ban_info={"waba_ban_state": "DISABLE"}
        )
        other = self._account_update("PARTNER_ADDED", now)
        end = self._account_update(
            "DISABLED_UPDATE", now - timedelta(hours=1), ban_info={"waba_ban_state": "REINSTATE"}
        )
        for order in permutations((ban, end, other)):
            with self._case(str([body["entry"][0]["time"] for body in order])):
                for body in order:
                    self._receive(body)
                self.assertEqual(self.account.state, "connected")

    def test_an_event_of_no_consequence_does_not_hide_an_older_ban(self):
        now = datetime.now().replace(microsecond=0)
        self._receive(self._account_update("PARTNER_ADDED", now))
        self._receive(
            self._account_update(
                "DISABLED_UPDATE", now - timedelta(hours=1), ban_info={"waba_ban_state": "DISABLE"}
            )
        )
        self.assertEqual(self.account.state, "stopped")


class TestTemplateEvents(ApplyCase):
    def test_every_event_of_a_template_leaves_it_and_its_campaigns_in_the_right_state(self):
        running, paused = "running", "paused"
        cases = [
            ("APPROVED", "approved", running),
            ("REINSTATED", "approved", running),
            ("UNPAUSED", "approved", running),
            ("UNARCHIVED", "approved", running),
            ("PENDING", "pending", paused),
            ("IN_APPEAL", "in_appeal", paused),
            ("REJECTED", "rejected", paused),
            ("PAUSED", "paused", paused),
            ("paused", "paused", paused),
            ("DISABLED", "disabled", paused),
            ("LOCKED", "disabled", paused),
            ("ARCHIVED", "archived", paused),
            ("PENDING_DELETION", "pending_deletion", paused),
            ("DELETED", "deleted", paused),
            ("LIMIT_EXCEEDED", "limit_exceeded", paused),
            ("FLAGGED", "approved", paused),
            ("SOMETHING_NEW", "approved", running),
        ]
        for event, status, state in cases:
            with self._case(event):
                campaign = self._running_campaign()
                self._receive(self._template_event(event))
                self.assertEqual(self.template.status, status)
                self.assertEqual(campaign.state, state)
                self.assertIn(platform_word(self.env, event), self._chatter(self.template))
                if state == paused:
                    why = "is not approved" if status != "approved" else "Meta warned"
                    self.assertIn(why, campaign.pause_reason)
                    self.assertIn("Autumn offer · Spanish", campaign.pause_reason)
                    self._dispatch()
                    self.assertFalse(self.simulator.sends())

    def test_a_campaign_goes_on_by_itself_when_its_template_may_be_sent_again(self):
        for event in ("UNPAUSED", "APPROVED", "REINSTATED", "UNARCHIVED"):
            with self._case(event):
                campaign = self._running_campaign()
                self._receive(
                    self._template_event("PAUSED", other_info={"title": "FIRST_PAUSE"}, reason=None)
                )
                self.assertEqual(self.template.status_reason, "FIRST_PAUSE")
                self.assertIn("FIRST_PAUSE", campaign.pause_reason)
                self._receive(self._template_event(event))
                self.assertEqual(campaign.state, "running")
                self.assertFalse(campaign.pause_reason or self.template.status_reason)
                self._dispatch()
                self.assertEqual(len(self.simulator.sends()), 2)

    def test_a_campaign_that_a_person_paused_stays_paused(self):
        campaign = self._running_campaign()
        campaign.action_pause()
        self._receive(self._template_event("PAUSED"))
        self._receive(self._template_event("UNPAUSED"))
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "person"))

    def test_template_events_end_the_same_in_whatever_order_they_arrive(self):
        now = datetime.now().replace(microsecond=0)
        bodies = [
            self._template_event("PAUSED", now - timedelta(hours=3)),
            self._template_event("UNPAUSED", now - timedelta(hours=2)),
            self._template_event("FLAGGED", now - timedelta(hours=1)),
        ]
        for order in permutations(range(3)):
            with self._case(str(order)):
                for index in order:
                    self._receive(bodies[index])
                self.assertEqual(self.template.status, "approved")

    def test_an_event_of_another_template_overtakes_nothing(self):
        now = datetime.now().replace(microsecond=0)
        other = self._template_event("APPROVED", now)
        value = other["entry"][0]["changes"][0]["value"]
        value["message_template_id"] = int(self.utility_template.template_uid)
        self._receive(other)
        self._receive(self._template_event("PAUSED", now - timedelta(hours=1)))
        self.assertEqual(self.template.status, "paused")

    def _quality(self, score, at=None):
        return self._template_event(
            "", at, "message_template_quality_update", new_quality_score=score
        )

    def test_metas_rating_of_a_template_is_taken_over(self):
        for given, expected in {
            "GREEN": "green", "yellow": "yellow", "RED": "red", "UNKNOWN": "unknown",
            "NA": "unknown", "PURPLE": "unknown",
        }.items():  # fmt: skip
            with self._case(given):
                self.template.quality_score = "yellow" if expected != "yellow" else "red"
                self._receive(self._quality(given))
                self.assertEqual(self.template.quality_score, expected)
                self.assertEqual(self.template.status, "approved")

    def test_ratings_end_the_same_in_both_orders(self):
        now = datetime.now().replace(microsecond=0)
        bodies = [self._quality("RED", now - timedelta(hours=2)), self._quality("GREEN", now)]
        for order in permutations(bodies):
            with self._case(str(order[0]["entry"][0]["time"])):
                for body in order:
                    self._receive(body)
                self.assertEqual(self.template.quality_score, "green")

    def _category(self, at=None, **values):
        return self._template_event("", at, "template_category_update", **values)

    def test_a_template_made_a_promotion_asks_for_consent_to_the_rows_that_wait(self):
        leads = self._leads(2)
        campaign = self._campaign(leads, template_id=self.utility_template.id)
        campaign.action_launch()
        self._prepare()
        rows = self._rows(campaign)
        rows[0].recipient_id._set_marketing_state("opted_out", "person", "said so")
        body = self._category(previous_category="UTILITY", new_category="MARKETING")
        value = body["entry"][0]["changes"][0]["value"]
        value["message_template_id"] = int(self.utility_template.template_uid)
        self._receive(body)
        self.assertEqual(self.utility_template.category, "marketing")
        self.utility_template._release("The opt-ins were checked.")
        self._dispatch()
        self.assertEqual(rows.mapped("state")[0], "skipped")
        self.assertEqual(rows[0].failure_type, "opted_out")
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_a_category_that_is_only_announced_or_unheard_of_changes_nothing(self):
        for name, values in {
            "announced": {"new_category": "MARKETING", "correct_category": "UTILITY"},
            "unheard of": {"previous_category": "MARKETING", "new_category": "GREETING"},
        }.items():
            with self._case(name):
                self._receive(self._category(**values))
                self.assertEqual(self.template.category, "marketing")
        self._receive(self._category(new_category="MARKETING", correct_category="UTILITY"))
        self.assertIn("within 24 hours", self._chatter(self.template))

    def test_the_latest_template_of_a_name_is_meant_when_its_id_is_new(self):
        again = self.template.copy({"template_uid": "555", "status": "approved"})
        self.template.status = "deleted"
        body = self._template_event("PAUSED")
        body["entry"][0]["changes"][0]["value"]["message_template_id"] = int(UNKNOWN_UID)
        self._receive(body)
        self.assertEqual((self.template.status, again.status), ("deleted", "paused"))


class TestNumberEvents(ApplyCase):
    def test_a_number_is_found_by_its_digits(self):
        for display in (DISPLAY, f"+{DISPLAY}", "+1 555-010-0001", "1 (555) 010 0001"):
            with self._case(display):
                self._receive(
                    self._change(
                        "security", {"display_phone_number": display, "event": "PIN_CHANGED"}
                    )
                )
                self.assertIn("PIN changed", self._chatter(self.sender))
                self.assertNotIn("PIN changed", self._chatter(self.sender_mx))

    def test_a_decision_on_a_name_is_noted_and_read(self):
        before = self._polls_waiting()
        self._receive(
            self._change(
                "phone_number_name_update",
                {
                    "display_phone_number": DISPLAY,
                    "decision": "APPROVED",
                    "requested_verified_name": "Muebles Roble",
                },
            )
        )
        self.assertIn("Muebles Roble: Approved", self._chatter(self.sender))
        self.assertEqual(self._polls_waiting(), before + 1)

    def test_no_number_is_meant_by_no_digits(self):
        self.sender.number = False
        event = self._receive(self._change("security", {"event": "PIN_CHANGED"}))
        self.assertEqual(event.state, "ignored")
        self.assertNotIn("PIN changed", self._chatter(self.sender))


class TestWhoSeesEvents(ApplyCase):
    def test_events_of_another_company_are_not_seen(self):
        event = self._receive(self._limit(2000))
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "waba_elsewhere",
            groups="waba_campaign.waba_group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        events = self.env["waba.webhook.event"]
        self.assertIn(event, events.with_user(self.manager).search([]))
        self.assertNotIn(event, events.with_user(stranger).search([]))
