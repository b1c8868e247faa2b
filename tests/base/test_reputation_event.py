"""Evidence: every webhook field, error code, reading, silence and word of a person, and its row."""

import json
import random
from ast import literal_eval
from datetime import datetime, timedelta, timezone

from freezegun import freeze_time
from lxml import etree
from odoo.addons.waba_campaign.cloud_api import (
    CODES,
    webhook_coexistence,
    webhook_fields,
    webhooks,
)
from odoo.addons.waba_campaign.models.base.waba_reputation_event import RAW_LENGTH, SILENCE_DELAY
from odoo.addons.waba_campaign.models.tools import reputation_kinds as kinds
from odoo.addons.waba_campaign.policy import reputation_rates
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger
from psycopg2.errors import CheckViolation, NotNullViolation

from ..common import NUMBER_ES
from ..webhook.test_webhook_apply import DISPLAY, EVENT, UNKNOWN_UID, ApplyCase, payloads

IDENTITY = ("event_key", "kind", "certainty", "source", "at", "value_after", "code",
            "company_id.id", "account_id.id", "sender_id.id", "template_id.id",
            "recipient_id.number", "message_id.wamid")  # fmt: skip


class EvidenceCase(ApplyCase):
    def setUp(self):
        super().setUp()
        self.seen = self.env["waba.reputation.event"].search([])

    def _new(self, **values):
        """Evidence noted since the test began (or since `_forget`), oldest first, without what our
        own rules did about it."""
        found = self.env["waba.reputation.event"].search([], order="at, id") - self.seen
        return found.filtered(
            lambda event: (
                event.source != "policy"
                and all(event[name] == value for name, value in values.items())
            )
        )

    def _forget(self):
        self.seen = self.env["waba.reputation.event"].search([])

    def _told(self, events=None):
        """[(kind, certainty, effect, source)] of the new evidence, sorted."""
        events = self._new() if events is None else events
        return sorted((e.kind, e.certainty, e.effect, e.source) for e in events)

    def _row(self, **values):
        return {
            "kind": "opt_out",
            "source": "person",
            "event_key": "test:1",
            "company_id": self.env.company.id,
            **values,
        }

    def _record(self, *vals_list):
        return self.env["waba.reputation.event"]._record_events(list(vals_list))

    def _failed(self, row, code, **values):
        return self._status(row, "failed", errors=[{"code": code, "title": "Said so"}], **values)

    def _silent(self, number="+34611000009", age=SILENCE_DELAY + timedelta(hours=1), **values):
        now = datetime.now().replace(microsecond=0)
        return self._message(
            number, "sent", sent_at=now - age, accepted_at=now - age, wamid=f"wamid.{number}",
            **values,
        )  # fmt: skip


class TestVocabulary(EvidenceCase):
    def test_only_a_person_or_a_provider_is_sure_of_a_block(self):
        telling = {
            key
            for key, kind in kinds.KINDS.items()
            if any(word in f"{key} {kind.label}".lower() for word in ("block", "report", "spam"))
        }
        self.assertEqual(
            telling, {*kinds.PERSON_REPORT_KINDS, *kinds.INFERRED_BLOCKS}, "no other kind"
        )
        for key in telling:
            with self.subTest(key):
                if kinds.KINDS[key].certainty == "exact":
                    self.assertIn(key, kinds.PERSON_REPORT_KINDS)
                for source in dict(kinds.SOURCES):
                    row = self._row(kind=key, source=source, event_key=f"{key}:{source}")
                    if key in kinds.PERSON_REPORT_KINDS and source not in kinds.WITNESSES:
                        with (
                            mute_logger("odoo.sql_db"),
                            self.assertRaises(CheckViolation),
                            self.cr.savepoint(),
                        ):
                            self._record(row)
                    else:
                        self.assertEqual(self._record(row).certainty, kinds.KINDS[key].certainty)

    def test_a_guess_cannot_be_stored_as_sure(self):
        for kind in kinds.INFERRED_BLOCKS:
            with self.subTest(kind):
                row = self._record(self._row(kind=kind, source="poll", event_key=kind))
                with (
                    mute_logger("odoo.sql_db"),
                    self.assertRaises(CheckViolation),
                    self.cr.savepoint(),
                ):
                    self.cr.execute(
                        "UPDATE waba_reputation_event SET certainty = 'exact' WHERE id = %s",
                        [row.id],
                    )

    def test_each_kind_is_whole(self):
        for key, kind in kinds.KINDS.items():
            with self.subTest(key):
                self.assertTrue(kind.label)
                self.assertIn(kind.certainty, dict(kinds.CERTAINTIES))
                self.assertIn(kind.effect, {*dict(kinds.EFFECTS), ""})
        self.assertLessEqual({*kinds.RANKS, *kinds.KIND_BY_FAILURE.values()}, {*kinds.KINDS})
        self.assertLessEqual(
            {*kinds.KIND_BY_FAILURE}, {rule.failure_type for rule in CODES.values()}
        )

    def test_what_is_noted_as_silent_is_silent_in_the_figures_too(self):
        self.assertGreater(SILENCE_DELAY, timedelta(days=reputation_rates.SILENT_AFTER_DAYS))

    def test_change_up_down_and_no_news(self):
        cases = [
            ("number_quality", "green", "red", "bad"),
            ("number_quality", "red", "yellow", "good"),
            ("number_quality", None, "yellow", "bad"),
            ("number_quality", None, "green", "neutral"),
            ("number_quality", "red", "unknown", "neutral"),
            ("number_quality", "unknown", "red", "bad"),
            ("messaging_limit", "2000", "250", "bad"),
            ("messaging_limit", "250", "unlimited", "good"),
            ("messaging_limit", None, "250", "neutral"),
            ("messaging_limit", "250", "250", "neutral"),
            ("number_status", "CONNECTED", "RESTRICTED", "bad"),
            ("number_status", "RESTRICTED", "CONNECTED", "good"),
            ("number_status", "CONNECTED", "BRAND_NEW", "neutral"),
            ("health", "available", "blocked", "bad"),
            ("throughput", "80", "1000", "good"),
        ]
        for kind, before, after, expected in cases:
            with self.subTest(kind=kind, before=before, after=after):
                self.assertEqual(kinds.change_effect(kind, before, after), expected)


class TestAppendOnly(EvidenceCase):
    def test_nobody_changes_or_deletes_evidence(self):
        event = self._record(self._row())
        for whose in (self.env["res.users"].browse(1), self.manager, self.salesperson):
            for what in (event.with_user(whose), event.with_user(whose).sudo()):
                with self.subTest(whose=whose.login, su=what.env.su):
                    for names in ({"detail": "x"}, {"kind": "opt_in"}, {"effect": "good"}):
                        with self.assertRaises(UserError):
                            what.write(names)
                    with self.assertRaises(UserError):
                        what.unlink()
        self.assertTrue(event.exists())
        self.assertEqual(event.kind, "opt_out")

    def test_uninstalling_may_delete_it(self):
        event = self._record(self._row())
        event.with_context(_force_unlink=True).unlink()
        self.assertFalse(event.exists())

    def test_it_goes_with_its_company(self):
        company = self.env["res.company"].create({"name": "Short-lived"})
        event = self._record(self._row(company_id=company.id))
        company.unlink()
        self.env.invalidate_all()
        self.assertFalse(event.exists())

    def test_it_outlives_the_message_it_was_about(self):
        row = self._message(campaign_id=self._campaign(self._leads(1)).id, res_id=1)
        event = self._record(self._row(message_id=row.id))
        self.cr.execute("DELETE FROM waba_message WHERE id = %s", [row.id])
        self.env.invalidate_all()
        self.assertFalse(event.message_id)
        self.assertEqual(event.campaign_id.name, "Test campaign")
        self.assertEqual(event.recipient_id.number, "+34611000001")

    def test_it_follows_a_person_who_turns_out_to_be_another(self):
        people = self.env["waba.recipient"]
        by_uid = people._find_or_create_person(self.portfolio, "", "ES.77")
        event = self._record(self._row(recipient_id=by_uid.id))
        person = people._find_or_create_person(self.portfolio, "+34611000077", "ES.77")
        self.assertFalse(by_uid.exists())
        self.assertEqual(event.recipient_id, person)

    def test_one_key_is_one_row(self):
        first = self._record(self._row(detail="first"), self._row(detail="second"))
        self.assertEqual(len(first), 1)
        self.assertFalse(self._record(self._row(detail="third")))
        self.assertEqual(len(self._new()), 1)

    def test_subjects_follow_from_the_narrowest(self):
        campaign = self._campaign(self._leads(1))
        row = self._message(campaign_id=campaign.id, res_id=1)
        given = self.env.company.id
        cases = [
            ({"message_id": row.id}, (row.recipient_id, campaign, self.template, self.sender)),
            ({"campaign_id": campaign.id}, (None, campaign, None, self.sender)),
            ({"template_id": self.template.id}, (None, None, self.template, None)),
            ({"sender_id": self.sender.id}, (None, None, None, self.sender)),
            ({"account_id": self.account.id}, (None, None, None, None)),
        ]
        for number, (subject, expected) in enumerate(cases):
            with self.subTest(subject):
                values = self._row(event_key=f"subject:{number}", **subject)
                del values["company_id"]
                event = self._record(values)
                found = (event.recipient_id, event.campaign_id, event.template_id, event.sender_id)
                self.assertEqual([e or None for e in found], [*expected])
                self.assertEqual(event.account_id, self.account)
                self.assertEqual(event.portfolio_id, self.portfolio)
                self.assertEqual(event.company_id.id, given)

    def test_nobodys_evidence_is_refused(self):
        row = self._row()
        del row["company_id"]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(NotNullViolation),
            self.cr.savepoint(),
        ):
            self._record(row)

    def test_what_the_database_cannot_keep_is_kept_as_far_as_it_can(self):
        raw = {"a\x00": ["x\x00y", "\ud800", float("nan"), {"deep": "\u0000"}], "n": 10**30}
        event = self._record(self._row(raw=raw, detail="a\x00b\ud83d"))
        self.assertEqual(event.detail, "ab?")
        self.assertEqual(event.raw, {"a": ["xy", "?", "nan", {"deep": ""}], "n": 10**30})
        long = self._record(self._row(event_key="long", raw={"text": "x" * 3 * RAW_LENGTH}))
        self.assertEqual([*long.raw], ["excerpt"])
        self.assertEqual(len(long.raw["excerpt"]), RAW_LENGTH)

    def test_any_number_is_one_statement(self):
        rows = [self._row(event_key=f"many:{index}") for index in range(1000)]
        self._record(self._row(event_key="warm"))
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.assertEqual(len(self._record(*rows)), 1000)


class TestAccess(EvidenceCase):
    def test_users_read_their_companies_and_write_nothing(self):
        other_company = self.env["res.company"].create({"name": "Elsewhere"})
        ours = self._record(self._row(event_key="ours"))
        theirs = self._record(self._row(event_key="theirs", company_id=other_company.id))
        events = self.env["waba.reputation.event"].with_user(self.salesperson)
        found = events.search([("id", "in", (ours + theirs).ids)])
        self.assertEqual(found.ids, ours.ids)
        with self.assertRaises(AccessError):
            events.browse(theirs.id).read(["kind"])
        with self.assertRaises(AccessError):
            events.create(self._row(event_key="mine"))

    def test_others_read_nothing(self):
        stranger = new_test_user(self.env, "waba_stranger", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.env["waba.reputation.event"].with_user(stranger).search([])

    def test_only_managers_see_the_body_as_it_came(self):
        event = self._record(self._row(raw={"wa_id": "34600000000"}))
        self.assertNotIn("raw", event.with_user(self.salesperson).fields_get())
        self.assertEqual(
            event.with_user(self.manager).read(["raw"])[0]["raw"], {"wa_id": "34600000000"}
        )

    def test_the_form_opens_for_who_may_not_read_the_message(self):
        row = self._message(user_id=self.manager.id)
        event = self._record(self._row(message_id=row.id)).with_user(self.salesperson)
        with self.assertRaises(AccessError):
            row.with_user(self.salesperson).read(["number"])
        [values] = event.web_read(
            {"kind": {}, "message_id": {"fields": {"display_name": {}}}, "detail": {}}
        )
        self.assertEqual(values["kind"], "opt_out")

    def test_every_filter_and_grouping_of_the_screen_works(self):
        row = self._message()
        self._record(self._row(message_id=row.id))
        events = self.env["waba.reputation.event"].with_user(self.salesperson)
        view = self.env.ref("waba_campaign.waba_reputation_event_view_search")
        filters = etree.fromstring(events.get_view(view.id, "search")["arch"]).iter("filter")
        found = {"domain": [], "group_by": []}
        for node in filters:
            with self.subTest(node.get("name")):
                if node.get("domain"):
                    matching = events.search(literal_eval(node.get("domain")))
                    found["domain"] += [node.get("name")] if matching else []
                elif node.get("context"):
                    group = literal_eval(node.get("context"))["group_by"]
                    self.assertTrue(events.formatted_read_group([], [group], ["__count"]))
                    found["group_by"].append(group)
        self.assertLessEqual({"bad", "exact", "last_7_days", "from_people"}, {*found["domain"]})
        self.assertNotIn("from_silence", found["domain"])
        self.assertIn("campaign_id", found["group_by"])

    def test_subjects_count_and_open_their_evidence(self):
        campaign = self._campaign(self._leads(1))
        row = self._message(campaign_id=campaign.id, res_id=1)
        before = {record: record.evidence_count for record in (self.sender, self.template)}
        self._record(
            self._row(message_id=row.id),
            self._row(event_key="old", message_id=row.id, at=datetime(2020, 1, 1)),
        )
        for subject in (campaign, self.sender, self.template):
            with self.subTest(subject._name):
                subject.invalidate_recordset(["evidence_count"])
                count = subject.with_user(self.manager).evidence_count
                self.assertEqual(count, before.get(subject, 0) + 1)
                action = subject.action_view_evidence()
                opened = self.env[action["res_model"]].search(action["domain"])
                self.assertIn("old", opened.mapped("event_key"))
        event = self._new(event_key="test:1")
        self.assertEqual(event.action_open_subject()["res_id"], row.id)
        self.assertFalse(self._record(self._row(event_key="alone")).action_open_subject())
        self.assertTrue(event.display_name)


@freeze_time(EVENT + timedelta(minutes=5), tick=True)
class TestWebhooks(EvidenceCase):
    """Each field of the platform, through the same steps as a real body."""

    def test_every_example_of_metas_gives_its_evidence_or_none(self):
        self.env["waba.template"].browse(self.template.id).name = "autumn_offer"
        cases = {
            "account_alert": [("account_alert", "exact", "bad", "webhook")],
            "account_ban": [("account_banned", "exact", "bad", "webhook")],
            "account_field_at_wrong_level": [],
            "account_restriction": [("account_restricted", "exact", "bad", "webhook")] * 2,
            "account_review": [("account_review", "exact", "good", "webhook")],
            "account_violation": [("account_violation", "exact", "bad", "webhook")],
            "capability": [("messaging_limit", "exact", "good", "webhook")],
            "capability_per_phone": [("messaging_limit", "exact", "good", "webhook")],
            "capability_tier": [("messaging_limit", "exact", "good", "webhook")],
            "number_flagged": [
                ("messaging_limit", "exact", "bad", "webhook"),
                ("number_flagged", "aggregate", "bad", "webhook"),
            ],
            "number_name": [("number_name", "exact", "bad", "webhook")],
            "number_throughput": [
                ("messaging_limit", "exact", "good", "webhook"),
                ("throughput", "exact", "good", "webhook"),
            ],
            "inbound_button": [("opt_out", "exact", "bad", "webhook")],
            # Its text is "Cancel", which people were taught to write.
            "inbound_button_reply": [("opt_out", "exact", "bad", "webhook")],
            "platform_error": [],
            "preferences_bsuid_only": [("opt_out", "exact", "bad", "webhook")],
            "preferences_resume": [("opt_in", "exact", "good", "webhook")],
            "preferences_signup": [("opt_in", "exact", "good", "webhook")],
            "preferences_stop": [("opt_out", "exact", "bad", "webhook")],
            "security": [("security", "exact", "neutral", "webhook")],
            "status_failed": [("marketing_limit", "exact", "bad", "status")],
            "template_category_done": [("template_category", "exact", "bad", "webhook")],
            "template_category_warning": [("template_category", "exact", "bad", "webhook")],
            "template_components": [],
            "template_disabled": [("template_disabled", "aggregate", "bad", "webhook")],
            "template_paused": [("template_paused", "aggregate", "bad", "webhook")],
            "template_paused_lower_case": [("template_paused", "aggregate", "bad", "webhook")],
            "template_quality": [("template_quality", "aggregate", "bad", "webhook")],
            "template_quality_wrong_field": [("template_quality", "aggregate", "bad", "webhook")],
            "template_rejected": [],
            "unknown_field": [],
        }  # fmt: skip
        # What people write without asking for anything, and the outcome of a message without fault.
        others = {name for name in payloads() if name.startswith(("inbound_", "status_"))}
        cases |= {name: [] for name in others - {*cases}}
        self.assertEqual({*cases}, {*payloads()}, "every example has its row here")
        for name, expected in cases.items():
            with self._case(name):
                self._record(self._row(kind="messaging_limit", source="poll", value_after="250",
                                       event_key="limit", account_id=self.account.id,
                                       at=EVENT - timedelta(days=1)))  # fmt: skip
                self._forget()
                self._receive(payloads()[name])
                self.assertEqual(self._told(), sorted(expected))
                for event in self._new():
                    self.assertEqual(event.company_id, self.env.company)
                    self.assertEqual(event.account_id, self.account)
                    self.assertTrue(event.detail)
                    later = {
                        "inbound_button": 100,
                        "inbound_button_reply": 100,
                        "preferences_stop": 200,
                        "preferences_resume": 200,
                        "preferences_signup": 200,
                        "preferences_bsuid_only": 200,
                    }
                    self.assertEqual(event.at, EVENT + timedelta(seconds=later.get(name, 0)))

    def test_the_table_of_examples_leaves_no_field_of_metas_out(self):
        told = {
            change.get("field") or change["value"].get("field")
            for body in payloads().values()
            for entry in body["entry"]
            for change in entry["changes"]
        }
        # What others write and read on the number is no evidence: see webhook/.
        self.assertEqual({*webhook_fields.READERS} - told, {*webhook_coexistence.READERS})

    def test_every_word_of_the_platform(self):
        template = "message_template_status_update"
        cases = [
            (self._template_event("FLAGGED"), "template_flagged", "FLAGGED"),
            (self._paused("FIRST_PAUSE"), "template_paused", "FIRST_PAUSE"),
            (self._paused("SECOND_PAUSE"), "template_paused", "SECOND_PAUSE"),
            (self._paused("RATE_LIMITING_PAUSE"), "template_paused", "RATE_LIMITING_PAUSE"),
            (self._template_event("LOCKED"), "template_disabled", "LOCKED"),
            (self._template_event("REINSTATED"), "template_reinstated", "REINSTATED"),
            (self._template_event("UNPAUSED"), "template_reinstated", "UNPAUSED"),
            (self._template_event("APPROVED", other_info={"title": "UNPAUSE"}),
             "template_reinstated", "UNPAUSE"),
            (self._template_event("APPROVED"), None, None),
            (self._template_event("PENDING"), None, None),
            (self._template_event("ARCHIVED"), None, None),
            (self._template_event("IN_APPEAL"), None, None),
            (self._template_event("DELETED"), None, None),
            (self._account_update("DISABLED_UPDATE", ban_info={"waba_ban_state": "DISABLE"}),
             "account_banned", "DISABLE"),
            (self._account_update("DISABLED_UPDATE", ban_info={"waba_ban_state": "REINSTATE"}),
             "account_reinstated", "REINSTATE"),
            (self._account_update("ACCOUNT_DELETED"), None, None),
            (self._account_update("PARTNER_ADDED"), None, None),
            (self._change("account_review_update", {"decision": "REJECTED"}),
             "account_review", "rejected"),
            (self._alert("OBA_APPROVED"), "account_alert", "OBA_APPROVED"),
            (self._alert("INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO"), "account_alert",
             "INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO"),
            (self._alert("INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"), "account_alert",
             "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"),
            (self._number("UNFLAGGED"), "number_unflagged", "UNFLAGGED"),
            (self._number("ONBOARDING"), None, None),
            (self._number("DOWNGRADE", old_limit="TIER_10K", current_limit="TIER_2K"),
             "messaging_limit", "2000"),
            (self._number("UPGRADE", old_limit="TIER_2K", current_limit="TIER_10K"),
             "messaging_limit", "10000"),
            (self._change("phone_number_name_update",
                          {"display_phone_number": DISPLAY, "decision": "APPROVED"}),
             "number_name", "APPROVED"),
            (self._platform_error(131031), "account_restricted", "131031"),
            (self._platform_error(368), "account_restricted", "368"),
            (self._platform_error(131064), "account_limited", "131064"),
            (self._platform_error(131048), "spam_rate", "131048"),
            (self._platform_error(131016), None, None),
            (self._change("message_template_components_update",
                          {"message_template_id": int(self.template.template_uid)}), None, None),
            (self._preference("stop", category="other_messages"), None, None),
            (self._preference("signup"), "opt_in", "whatsapp"),
            (self._template_event("FLAGGED", field=template.upper()), "template_flagged",
             "FLAGGED"),
        ]  # fmt: skip
        effects = {"OBA_APPROVED": "good", "rejected": "bad", "2000": "bad", "10000": "good",
                   "INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO": "neutral",
                   "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED": "bad",
                   "APPROVED": "neutral"}  # fmt: skip
        for body, kind, value in cases:
            with self._case(json.dumps(body["entry"][0]["changes"][0])[:150]):
                self._receive(body)
                events = self._new()
                self.assertEqual(events.mapped("kind"), [kind] if kind else [])
                if kind:
                    self.assertEqual(events.value_after, value)
                    expected = effects.get(value) or kinds.KINDS[kind].effect
                    self.assertEqual(events.effect, expected)
                    if kind.startswith("template"):
                        self.assertEqual(events.template_id, self.template)
                    if kind.startswith("number"):
                        self.assertEqual(events.sender_id, self.sender)

    def _paused(self, title):
        return self._template_event("PAUSED", other_info={"title": title})

    def _alert(self, alert_type):
        return self._change(
            "account_alerts",
            {"entity_type": "BUSINESS", "alert_info": {"alert_type": alert_type}},
        )

    def _number(self, event, **values):
        return self._change(
            "phone_number_quality_update",
            {"display_phone_number": DISPLAY, "event": event, **values},
        )

    def _platform_error(self, code):
        return self._change(
            "messages",
            {"metadata": {"phone_number_id": NUMBER_ES}, "errors": [{"code": code, "title": "No"}]},
        )

    def _preference(self, value, at=EVENT, **values):
        preference = {
            "wa_id": "34600000000",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(at.replace(tzinfo=timezone.utc).timestamp()),
            **values,
        }
        metadata = {"phone_number_id": NUMBER_ES}
        return self._change(
            "user_preferences", {"metadata": metadata, "user_preferences": [preference]}
        )

    def test_pauses_say_which_strike_it_is(self):
        for title, words in (
            ("FIRST_PAUSE", "first pause, 3 hours"),
            ("SECOND_PAUSE", "second pause, 6 hours"),
            ("RATE_LIMITING_PAUSE", "unpause it in WhatsApp Manager"),
        ):
            with self._case(title):
                self._receive(self._paused(title))
                self.assertIn(words, self._new().detail)

    def test_what_is_not_known_here_is_noted_on_the_account(self):
        body = self._template_event("FLAGGED", message_template_id=1,
                                    message_template_name="nobody_knows")  # fmt: skip
        waiting = self._receive(body)
        self.assertFalse(self._new(), "it may become known")
        while waiting.state == "waiting":
            waiting.look_at = datetime.now() - timedelta(seconds=1)
            self._apply_webhooks()
        event = self._new()
        self.assertFalse(event.template_id)
        self.assertEqual(event.account_id, self.account)
        self.assertIn("nobody_knows", event.detail)

    def test_another_businesss_account_leaves_no_evidence(self):
        body = self._template_event("FLAGGED")
        body["entry"][0]["id"] = UNKNOWN_UID
        self._receive(body)
        self.assertFalse(self._new())

    def test_an_opt_out_names_who_by_what_and_after_which_message(self):
        leads = self._leads(1)
        campaign = self._campaign(leads)
        row = self._message(
            "+34600000000", "delivered", campaign_id=campaign.id, res_id=leads.id,
            wamid="wamid.PROMO", accepted_at=EVENT - timedelta(hours=1),
        )  # fmt: skip
        for name, body, way in (
            ("reply", self._inbound("+34600000000", "BAJA", timestamp=1790000000), "reply"),
            ("button", self._pressed("STOP_ALL", "Unsubscribe"), "button"),
            ("own button", self._pressed("WABA_STOP", "No, gracias"), "button"),
            ("control", self._preference("stop"), "whatsapp"),
        ):
            with self._case(name):
                self._receive(body)
                event = self._new()
                self.assertEqual(event.kind, "opt_out")
                self.assertEqual(event.value_after, way)
                self.assertEqual(event.recipient_id, row.recipient_id)
                self.assertEqual(event.message_id, row)
                self.assertEqual(event.campaign_id, campaign)
                self.assertEqual(event.sender_id, self.sender)

    def _pressed(self, payload, text):
        return self._inbound(
            "+34600000000", text, timestamp=1790000000, type="button",
            button={"payload": payload, "text": text}, context={"id": "wamid.PROMO"},
        )  # fmt: skip

    def test_a_request_for_more_is_good_news_and_small_talk_is_none(self):
        self._receive(self._inbound("+34600000000", "ALTA", wamid="wamid.1"))
        self._receive(self._inbound("+34600000000", "¿Tienen sillas?", wamid="wamid.2"))
        self.assertEqual(self._told(), [("opt_in", "exact", "good", "webhook")])

    def test_nothing_metas_webhooks_say_is_a_sure_block(self):
        for name, body in payloads().items():
            with self._case(name):
                self._receive(body)
                told = self._new().filtered(lambda event: event.certainty == "exact")
                self.assertFalse(
                    {*told.mapped("kind")} & {*kinds.PERSON_REPORT_KINDS, *kinds.INFERRED_BLOCKS}
                )

    # Replays

    def _replayed(self):
        """Bodies on the same subjects, in Meta's order of time."""
        at = [EVENT + timedelta(minutes=minute) for minute in range(9)]
        row, other = self._message("+34611000031"), self._message("+34611000032")
        seconds = 1790000000
        return [
            self._limit(2000, at[0]),
            self._limit("TIER_10K", at[1]),
            self._template_event("FLAGGED", at[1]),
            self._template_event("PAUSED", at[2], other_info={"title": "FIRST_PAUSE"}),
            self._template_event("APPROVED", at[3], other_info={"title": "UNPAUSE"}),
            self._preference("stop", at[4]),
            self._preference("resume", at[5]),
            self._account_update("ACCOUNT_VIOLATION", at[6],
                                 violation_info={"violation_type": "SCAM"}),
            self._inbound("+34611000041", "BAJA", wamid="wamid.A", timestamp=seconds + 60),
            self._inbound("+34611000041", "ALTA", wamid="wamid.B", timestamp=seconds + 120),
            self._failed(row, 131026, timestamp=seconds + 5),
            self._status(row, "delivered", timestamp=seconds + 6),
            self._failed(other, 131049, timestamp=seconds + 7),
        ]  # fmt: skip

    def test_the_same_body_again_adds_nothing(self):
        bodies = self._replayed()
        events = [self._receive(body) for body in bodies]
        before = self._new()
        self.assertEqual(len(before), len(bodies), "delivered after a failure is one too")
        for body, event in zip(bodies, events, strict=True):
            self._receive(body)
            event.action_reapply()
        self._apply_webhooks()
        self.assertEqual(self._new(), before)

    def test_any_order_and_any_repetition_gives_the_same_rows(self):
        bodies = self._replayed()
        expected = None
        for seed in range(8):
            shuffled = [*bodies, *random.Random(seed).choices(bodies, k=4)]
            random.Random(seed).shuffle(shuffled)
            with self._case(f"seed {seed}"):
                for batch in _batched(shuffled, 1 + seed % 4):
                    for body in batch:
                        self._store_event(body)
                    self._apply_webhooks()
                found = sorted(
                    tuple(str(event.mapped(name)) for name in IDENTITY) for event in self._new()
                )
                expected = expected or found
                self.assertEqual(found, expected)
        self.assertEqual(len(expected), len(bodies))

    def test_an_event_that_was_overtaken_is_evidence_all_the_same(self):
        self._receive(self._limit(10000, EVENT + timedelta(minutes=2)))
        event = self._receive(self._limit(2000, EVENT + timedelta(minutes=1)))
        self.assertEqual(event.state, "ignored")
        self.assertEqual(self._new().mapped("value_after"), ["2000", "10000"])
        self.assertEqual(self.portfolio.messaging_limit, "10000")

    def test_limits_up_and_down_tell_what_they_were(self):
        self._record(
            self._row(
                kind="messaging_limit",
                source="poll",
                value_after="250",
                account_id=self.account.id,
                at=EVENT - timedelta(days=1),
            )
        )
        self._forget()
        for minute, limit in enumerate((2000, "TIER_10K", 2000)):
            self._receive(self._limit(limit, EVENT + timedelta(minutes=minute)))
        self.assertEqual(
            [(event.value_before, event.value_after, event.effect) for event in self._new()],
            [("250", "2000", "good"), ("2000", "10000", "good"), ("10000", "2000", "bad")],
        )


def _batched(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


class TestCodes(EvidenceCase):
    """Each error code of the platform: as an answer to a request, and as a status."""

    EXPECTED = {
        131048: ("spam_rate", "aggregate", "bad"),
        131049: ("marketing_limit", "exact", "bad"),
        131050: ("promotions_stopped", "exact", "bad"),
        130472: ("experiment", "exact", "neutral"),
        131026: ("undeliverable", "exact", "bad"),
        132015: ("template_drop", "aggregate", "bad"),
        132016: ("template_drop", "aggregate", "bad"),
        132007: ("template_policy", "exact", "bad"),
        135000: ("pacing_drop", "inferred", "bad"),
        368: ("account_restricted", "exact", "bad"),
        131031: ("account_restricted", "exact", "bad"),
        131064: ("account_limited", "exact", "bad"),
    }

    def test_every_code_as_a_failed_status(self):
        row = self._message()
        for code in [*CODES, 999999]:
            with self._case(str(code)):
                self._receive(self._failed(row, code))
                expected = self.EXPECTED.get(code)
                self.assertEqual(self._told(), [(*expected, "status")] if expected else [])
                if expected:
                    event = self._new()
                    self.assertEqual(event.code, code)
                    self.assertEqual(event.message_id, row)
                    self.assertIn(str(code), event.detail)
                    self.assertEqual(event.raw["errors"][0]["code"], code)
        self.assertLessEqual({*self.EXPECTED}, {*CODES})

    def test_every_code_as_an_answer_to_a_request(self):
        refused = [code for code in CODES if code in self.EXPECTED or code in (131056, 100, 190)]
        for code in refused:
            with self._case(str(code)):
                campaign = self._campaign(self._leads(1, start=code))
                campaign.action_launch()
                self._prepare()
                with self._fault(kind="error", code=code, count=1):
                    self._dispatch()
                expected = self.EXPECTED.get(code)
                found = self._new().filtered(lambda event: event.code)
                self.assertEqual(self._told(found), [(*expected, "send_reply")] if expected else [])
                if expected:
                    self.assertEqual(found.campaign_id, campaign)
                    self.assertEqual(found.code, code)

    def test_a_failure_applied_twice_is_one_and_another_attempts_is_another(self):
        row = self._message(wamid="wamid.FIRST")
        body = self._failed(row, 131049)
        self._receive(body)
        self._receive(body)
        self.assertEqual(len(self._new()), 1)
        row.write({"state": "accepted", "attempt_count": 2, "wamid": "wamid.SECOND"})
        self._receive(body)
        self.assertEqual(len(self._new()), 1)
        self._receive(self._failed(row, 131049))
        self.assertEqual(len(self._new()), 2)

    def test_a_status_of_a_message_that_is_not_ours_is_no_evidence(self):
        row = self._message()
        body = self._failed(row, 131048)
        status = body["entry"][0]["changes"][0]["value"]["statuses"][0]
        status.update(id="wamid.OTHER", biz_opaque_callback_data="somebody else's")
        self._receive(body)
        self.assertFalse(self._new())

    def test_a_device_that_failed_does_not_make_a_delivered_message_undeliverable(self):
        row = self._message()
        orders = (("failed", "delivered"), ("delivered", "failed"))
        bodies = {
            "failed": self._failed(row, 131026, timestamp=1790000005),
            "delivered": self._status(row, "delivered", timestamp=1790000006),
        }
        for order in orders:
            with self._case(" then ".join(order)):
                for name in order:
                    self._receive(bodies[name])
                self.assertEqual(
                    self._told(),
                    [
                        ("delivered_late", "exact", "good", "status"),
                        ("undeliverable", "exact", "bad", "status"),
                    ],
                )

    def test_a_thousand_failures_are_one_statement(self):
        people = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, [f"+346{index:08d}" for index in range(1000)]
        )
        rows = self.env["waba.message"].create(
            [
                {
                    "account_id": self.account.id,
                    "sender_id": self.sender.id,
                    "company_id": self.env.company.id,
                    "recipient_id": person.id,
                    "number": number,
                    "template_id": self.template.id,
                    "category": "marketing",
                    "state": "accepted",
                    "attempt_count": 1,
                    "wamid": f"wamid.{number}",
                }
                for number, person in people.items()
            ]
        )
        events = [
            event for row in rows for event in webhooks.parse_events(self._failed(row, 131026))
        ]
        reported = list(zip(rows.ids, events, strict=True))
        self.env.flush_all()
        # Who subscribed to outgoing events is read once for each process.
        self.env["waba.outgoing.webhook"]._subscriptions()
        with self.assertQueryCount(1):
            rows._record_reported_failures(reported)
        self.assertEqual(len(self._new(kind="undeliverable")), 1000)
        rows.delivered_at = EVENT
        self.env.flush_all()
        with self.assertQueryCount(2):
            rows._record_late_deliveries(rows.ids)
        self.assertEqual(len(self._new(kind="delivered_late")), 1000)

    def test_held_messages_are_noted_once_for_their_campaign(self):
        self._change_template("autumn_offer", hold_after=1)
        campaign = self._launch(self._leads(5))
        self.assertEqual(len(self._rows(campaign, "held")), 4)
        event = self._new(kind="held")
        self.assertEqual(len(event), 1)
        self.assertEqual(event.campaign_id, campaign)
        self.assertEqual((event.certainty, event.effect), ("aggregate", "neutral"))


class TestSilence(EvidenceCase):
    def _record_silence(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_note_silence"))

    def _hear(self):
        """Any webhook: our address can be reached."""
        self._store_event({"entry": []})

    def test_silence_is_a_possible_block_and_never_a_block(self):
        row = self._silent()
        self._hear()
        self._record_silence()
        event = self._new()
        self.assertEqual(self._told(), [("possible_block", "inferred", "bad", "silence")])
        self.assertEqual(event.message_id, row)
        self.assertEqual(event.recipient_id, row.recipient_id)
        self.assertEqual(event.at, row.sent_at + SILENCE_DELAY)
        self.assertIn("possible block", event.detail)

    def test_one_event_for_each_message_however_often_it_is_looked_at(self):
        self._silent("+34611000051")
        self._silent("+34611000052")
        self._hear()
        for _time in range(3):
            self._record_silence()
        self.assertEqual(len(self._new()), 2)

    def test_what_is_young_delivered_failed_or_never_sent_is_not_silent(self):
        self._silent("+34611000053", age=SILENCE_DELAY - timedelta(minutes=5))
        others = ("delivered", "read", "failed", "accepted", "held", "uncertain", "queued")
        for index, state in enumerate(others):
            self._silent(f"+3461100{1000 + index}").state = state
        self._message("+34611000054", "received", direction="in",
                      sent_at=datetime.now() - timedelta(days=5))  # fmt: skip
        self._silent("+34611000055", age=timedelta(days=40))
        self._hear()
        self._record_silence()
        self.assertFalse(self._new())

    def test_while_nothing_is_heard_at_all_nobody_is_suspected(self):
        row = self._silent(age=SILENCE_DELAY + timedelta(days=1))
        self.env["waba.webhook.event"].search([]).unlink()
        self._record_silence()
        self.assertFalse(self._new())
        self._hear()
        last = self.env["waba.webhook.event"].search([], limit=1)
        last.received_at = row.sent_at + SILENCE_DELAY - timedelta(minutes=1)
        self._record_silence()
        self.assertFalse(self._new())
        last.received_at = row.sent_at + SILENCE_DELAY + timedelta(minutes=1)
        self._record_silence()
        self.assertEqual(self._new().message_id, row)

    def test_a_late_delivery_corrects_the_guess(self):
        row, other = self._silent("+34611000056"), self._silent("+34611000057")
        self._hear()
        self._record_silence()
        self._forget()
        now = int(datetime.now().replace(tzinfo=timezone.utc).timestamp())
        for status in ("delivered", "read", "delivered"):
            self._receive(self._status(row, status, timestamp=now))
        event = self._new()
        self.assertEqual(self._told(), [("delivered_late", "exact", "good", "status")])
        self.assertEqual(event.message_id, row)
        self.assertEqual(event.at, row.delivered_at)
        self._record_silence()
        self.assertEqual(len(self._new()), 1)
        self.assertEqual(other.state, "sent")

    def test_an_ordinary_delivery_is_no_evidence(self):
        row = self._message()
        self._receive(self._status(row, "delivered"))
        self.assertFalse(self._new())

    def test_the_search_for_silence_reads_an_index(self):
        self.cr.execute("SET LOCAL enable_seqscan = off")
        self.cr.execute(
            """EXPLAIN SELECT id FROM waba_message
                WHERE state = 'sent' AND direction = 'out' AND sent_at < now()"""
        )
        plan = "\n".join(line for (line,) in self.cr.fetchall())
        self.assertIn("waba_message_silent_idx", plan)


class TestPeople(EvidenceCase):
    def _wizard(self, subject, user=None, **values):
        action = subject.with_user(user or self.salesperson).action_waba_log_block()
        form = Form(self._opened(action, user or self.salesperson))
        form.note = "I blocked you"
        for name, value in values.items():
            form[name] = value
        return form.save()

    def test_a_colleague_notes_it_on_a_lead_a_contact_or_a_message(self):
        lead = self._lead("+34 611 000 061", user_id=self.salesperson.id)
        partner = self.env["res.partner"].create({"name": "Eva", "phone": "+34 611 000 062"})
        message = self._message("+34611000063", "delivered", user_id=self.salesperson.id,
                                res_model="crm.lead", res_id=lead.id)  # fmt: skip
        cases = [
            (lead, "+34611000061", lead), (partner, "+34611000062", partner),
            (message, "+34611000063", lead),
        ]  # fmt: skip
        for subject, number, record in cases:
            with self._case(subject._name):
                if subject != message:
                    message.res_id = False
                wizard = self._wizard(subject)
                self.assertTrue(wizard.person_name)
                wizard.action_confirm()
                event = self._new(kind="customer_block")
                self.assertEqual((event.certainty, event.source), ("exact", "person"))
                self.assertEqual(event.recipient_id.number, number)
                self.assertEqual(event.user_id, self.salesperson)
                self.assertEqual(event.account_id, self.account)
                self.assertIn("I blocked you", event.detail)
                self.assertEqual(event.recipient_id.marketing_state, "opted_out")
                self.assertIn("Blocked us", self._chatter(record))

    def test_it_is_about_the_last_message_before_it(self):
        lead = self._lead("+34 611 000 064")
        campaign = self._campaign(lead)
        row = self._message("+34611000064", "sent", campaign_id=campaign.id, res_model="crm.lead",
                            res_id=lead.id)  # fmt: skip
        self._message("+34611000064", "sent", accepted_at=datetime.now() + timedelta(days=1))
        self._wizard(lead, what="both", stop_promotions=False).action_confirm()
        self.assertEqual(sorted(self._new().mapped("kind")), ["customer_block", "customer_report"])
        self.assertEqual(self._new().message_id, row)
        self.assertEqual(self._new().campaign_id, campaign)
        self.assertEqual(row.recipient_id.marketing_state, "unknown")

    def test_on_a_reply_it_is_about_what_was_replied_to(self):
        row = self._message("+34611000065", "read", user_id=self.salesperson.id)
        reply = self._message("+34611000065", "received", direction="in", reply_to_id=row.id,
                              user_id=self.salesperson.id)  # fmt: skip
        self._wizard(reply).action_confirm()
        self.assertEqual(self._new(kind="customer_block").message_id, row)

    def test_the_same_word_on_one_day_is_noted_once(self):
        lead = self._lead("+34 611 000 066")
        for user in (self.salesperson, self.manager):
            self._wizard(lead, user=user).action_confirm()
        self.assertEqual(len(self._new(kind="customer_block")), 1)

    def test_without_a_number_nobody_can_be_named(self):
        lead = self.env["crm.lead"].create({"name": "No phone"})
        with self.assertRaises(UserError):
            self._wizard(lead).action_confirm()

    def test_nobody_speaks_for_the_future(self):
        lead = self._lead("+34 611 000 067")
        with self.assertRaises(UserError):
            self._wizard(lead, at=datetime.now() + timedelta(days=1)).action_confirm()

    def test_only_who_may_read_the_person_notes_it(self):
        stranger = self._salesperson_of_own()
        lead = self._lead("+34 611 000 068", user_id=self.manager.id)
        row = self._message("+34611000068", user_id=self.manager.id)
        wizards = self.env["waba.report.block"].with_user(stranger)
        for values in (
            {"res_model": "crm.lead", "res_id": lead.id},
            {"message_id": row.id},
            {"res_model": "res.users", "res_id": self.manager.id},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                wizards.create({"what": "block", "note": "x", **values}).action_confirm()
        self.assertFalse(self._new())

    def test_what_a_colleague_notes_of_consent_is_evidence(self):
        person = self._message("+34611000069").recipient_id
        self._record_preference(person, "opt_out")
        self._lead(person.number)
        self._record_preference(person, "opt_in", self.manager)
        self.assertEqual(
            self._told(),
            [("opt_in", "exact", "good", "person"), ("opt_out", "exact", "bad", "person")],
        )
        self.assertEqual(self._new().user_id, self.salesperson | self.manager)
