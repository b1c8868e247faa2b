from odoo.modules.neutralize import get_neutralization_queries, neutralize_database
from odoo.tests import TransactionCase
from odoo.tools import mute_logger
from odoo.tools.misc import file_open

from ..common import WabaCase

TABLES = ("waba_account", "waba_sender", "waba_campaign", "waba_message", "waba_webhook_event",
          "waba_reputation_event", "waba_auto_reply", "waba_sequence", "waba_sequence_enrollment",
          "res_company")  # fmt: skip
TEXT_TYPES = ("char", "text", "html", "json", "binary", "reference")
# Every column of ours that holds words, and what becomes of it in a copy for testing.
KEYS = "a copy must not speak for the original"
RAW = "as it came over the wire: evidence for the original, of no use to a copy"
EMPTIED = {
    KEYS: {
        "waba_account": "access_token app_secret verify_token webhook_key",
        "waba_outgoing_webhook": "url secret",
    },
    RAW: {
        "waba_account": "health_status",
        "waba_sender": "health_status",
        "waba_webhook_event": "body summary error waiting_items",
        "waba_reputation_event": "raw",
        "waba_outgoing_event": "body error",
        "waba_privacy": "file",
        "waba_audience_import": "file rejected",
    },
}
PEOPLE = (
    "whom the company writes to and what was said: as Odoo keeps contacts, leads and e-mails in a "
    "copy, or there would be nothing to test with"
)
OURS = "what the company wrote or decided itself"
META = "what Meta calls things, and says of them; opens nothing without a key"
WORDS = "sentences, marks and keys of the addon itself"
STAYS = {
    PEOPLE: {
        "waba_message": "number person_name parameters variant_parameters text payload details"
        " ctwa_clid",
        "waba_conversation": "ctwa_clid",
        "waba_recipient": "number wa_number user_uid username former_uids name app_name",
        "waba_consent": "number evidence",
        "waba_audience_import": "evidence summary",
        "waba_consent_note": "note",
        "waba_consent_rejected": "number purpose topic action at valid_until evidence origin",
        "waba_report_block": "note",
        "waba_reputation_event": "value_before value_after detail",
        "waba_sequence_enrollment": "lead_name number",
        "waba_test_send": "person_name number",
        "waba_round_trip": "phone",
        "waba_media": "name",
        "waba_erased_person": "fingerprint",
        "waba_optin_visit": "code lang wording number_key address_key",
        "waba_privacy": "file_name",
        "waba_attribution": "detail",
    },
    OURS: {
        "waba_account": "name",
        "waba_action_variable": "name field_path text fallback",
        "waba_audience_import": "file_name rejected_name tag_name source",
        "waba_auto_reply": "name words text",
        "waba_campaign": "name audience_domain override_reason approval_note",
        "waba_campaign_variable": "name field_path text fallback",
        "waba_consent_word": "phrase",
        "waba_file": "name",
        "waba_optin_source": "name text consent_text headline intro frequency",
        "waba_outgoing_webhook": "name",
        "waba_portfolio": "name",
        "waba_preflight": "reason",
        "waba_rate": "market",
        "waba_release": "reason",
        "waba_sequence": "name domain date_field goal_words goal_domain",
        "waba_sequence_branch": "words domain goes_to",
        "waba_sequence_step": "summary note key goes_to date_field field_name field_value",
        "waba_sequence_stop": "reason",
        "waba_sequence_variable": "name field_path text fallback",
        "waba_topic": "name description",
        "waba_template_draft": "title name header_text body footer buttons cards variables"
        " offer_text submitted",
        "waba_template_gallery": "search_words",
        "waba_template_gallery_line": "name url url_example button_phone",
        "waba_template_variable": "name field_path text fallback",
    },
    META: {
        "waba_account": "waba_uid app_uid api_version restriction review_status"
        " blocked_country_codes missing_webhook_fields volume_tiers"
        " marketing_onboarding dataset_uid conversion_test_code",
        "waba_action_variable": "example",
        "waba_ad": "ad_uid headline body welcome_text source_url video_url picture_url",
        "waba_conversion": "event_name ctwa_clid fbtrace_id",
        "waba_campaign_language": "language",
        "waba_campaign_price": "estimate estimate_problem",
        "waba_campaign_variable": "example",
        "waba_file": "mimetype sha256",
        "waba_file_upload": "media_uid sha256",
        "waba_media": "media_uid mimetype sha256",
        "waba_message": "wamid kind fbtrace_id pricing_category pricing_type about_wamid"
        " charge_currency",
        "waba_optin_source": "signup_uid meta_code_uid meta_url meta_text meta_failure",
        "waba_portfolio": "portfolio_uid",
        "waba_sender": "phone_number_uid display_phone_number number verified_name platform_status"
        " name_status",
        "waba_sequence_variable": "example",
        "waba_template": "template_uid name language status_reason components unsupported"
        " rejection_info library_name creative_features refused_endpoint",
        "waba_template_draft": "header_handle extra edits",
        "waba_template_health": "meta_problem meta_figures",
        "waba_template_gallery_line": "key title language components parameter_format inputs",
        "waba_template_variable": "example",
        "waba_template_version": "components parameter_format",
    },
    WORDS: {
        "waba_account": "base_url stop_reason stops home",
        "waba_ad": "picture_reason",
        "waba_attribution": "event_key",
        "waba_audience_import": "record_ids",
        "waba_campaign": "template_signature pause_reason trimmed_counts winner_reason"
        " b_template_signature override_lines launch_mark launched_mark approval_people"
        " override_people audience_excluded_ids",
        "waba_campaign_language": "template_signature",
        "waba_consent_note": "res_model",
        "waba_consent_rejected": "fault",
        "waba_conversation": "res_model",
        "waba_conversion": "event_uid reason cancel_cause",
        "waba_diagnosis_line": "topic text advice",
        "waba_fallback": "reason",
        "waba_file_upload": "reason",
        "waba_media": "reason",
        "waba_message": "uuid origin_key res_model record_traits streak_type failure_reason"
        " time_zone link_token request_digest document_model fallback",
        "waba_optin_source": "code page_key",
        "waba_outgoing_event": "uuid kind event_key res_model",
        "waba_phone_prefix": "prefix",
        "waba_preflight": "summary verdict delay",
        "waba_preflight_line": "line reason_key sentence record_model record_ids",
        "waba_recurring": "pause_reason content_mark",
        "waba_recurring_run": "reason",
        "waba_renumbered": "res_model",
        "waba_report_block": "res_model",
        "waba_reputation_event": "event_key",
        "waba_sender": "pause_reason reputation_facts response_key alerted_states",
        "waba_sequence_enroll": "res_model",
        "waba_sequence_enrollment": "hold_reason trigger_key stop_text path",
        "waba_template": "signature hold_key category_before",
        "waba_template_version": "content_key",
        "waba_webhook_event": "body_hash",
    },
}


def columns_in(decided):
    """{(table, column)} of a table above."""
    return [
        (table, name)
        for tables in decided.values()
        for table, names in tables.items()
        for name in names.split()
    ]


def neutralize(env):
    """What Odoo runs on a copied database, all installed modules in their order."""
    env.flush_all()
    neutralize_database(env.cr)
    env.invalidate_all()


class TestNeutralizedCopy(WabaCase):
    def setUp(self):
        super().setUp()
        self.sender.action_pause()
        self.waiting = self._launch(self._leads(3))
        self.sender.action_resume()
        self.scheduled = self._campaign(self._leads(1, start=10), scheduled_at="2100-01-01")
        self.scheduled.action_launch()
        self.draft = self._campaign(self._leads(1, start=20))
        self.done = self._launch(self._leads(1, start=30), sender_id=self.sender_mx.id)
        self.leaving = self._launch(self._leads(1, start=40), sender_id=self.sender_mx.id)
        self._rows(self.leaving).write({"state": "reserved"})
        self.jobs = self.account.sender_ids.cron_id | self.env["ir.cron"].search(
            [("cron_name", "like", "WhatsApp:")]
        )
        self.sends = len(self.simulator.sends())
        neutralize(self.env)

    def test_no_key_and_no_address_is_left(self):
        for name in ("access_token", "app_secret", "verify_token", "webhook_key"):
            self.assertFalse(self.account[name], name)
        self.assertEqual(self.account.base_url, "https://neutralized.invalid")
        self.assertEqual(self.account.state, "draft")
        self.env.cr.execute("SELECT to_jsonb(t)::text FROM waba_account t")
        rows = " ".join(row for (row,) in self.env.cr.fetchall())
        for word in ("SIM-TOKEN", "test-app-secret", "test-verify-token", self.simulator.url):
            self.assertNotIn(word, rows)

    def test_no_job_runs(self):
        self.assertGreaterEqual(len(self.jobs), 6)
        self.assertFalse(self.jobs.filtered("active"))

    def test_no_row_waits_and_none_is_about_to_leave(self):
        self.env.cr.execute("SELECT DISTINCT state FROM waba_message WHERE direction = 'out'")
        states = {state for (state,) in self.env.cr.fetchall()}
        self.assertEqual(states & {"queued", "reserved"}, set())
        self.assertEqual(set(self._rows(self.waiting).mapped("state")), {"cancelled"})
        self.assertEqual(self._rows(self.done).state, "accepted", "what was sent is still told")

    def test_an_interrupted_send_of_the_original_stays_without_answer(self):
        self.assertEqual(self._rows(self.leaving).state, "uncertain")

    def test_no_campaign_goes_on(self):
        self.assertEqual(
            (self.waiting.state, self.scheduled.state, self.draft.state, self.done.state),
            ("cancelled", "cancelled", "draft", "done"),
        )

    def test_the_numbers_are_locked_and_say_why(self):
        self.assertEqual(set(self.account.sender_ids.mapped("state")), {"locked"})
        self.assertIn("neutralized copy", self.sender.pause_reason)
        self.assertFalse(self.sender.resume_at)

    def test_nothing_is_sent_even_when_the_jobs_are_run(self):
        self._dispatch()
        self._dispatch(self.sender_mx)
        self._prepare()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))
        self.assertEqual(len(self.simulator.sends()), self.sends)

    def test_nothing_is_sent_even_when_a_person_tries(self):
        self.sender.action_resume()
        campaign = self._campaign(self._leads(1, start=60))
        with (
            mute_logger("odoo.addons.waba_campaign"),
            self.assertRaisesRegex(Exception, "is not connected"),
        ):
            campaign.action_launch()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), self.sends)

    def test_a_second_time_changes_nothing_more(self):
        def rows():
            self.env.flush_all()
            found = []
            for table in (*TABLES, "ir_cron"):
                self.env.cr.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")
                found.append(self.env.cr.fetchall())
            return found

        before = rows()
        neutralize(self.env)
        self.assertEqual(rows(), before)


class TestWords(WabaCase):
    """What a copy still tells, column by column."""

    def _table_rows(self, table):
        self.env.cr.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY id")
        return [row for (row,) in self.env.cr.fetchall()]

    def test_every_column_of_words_is_decided_about(self):
        ours = {
            (model._table, name)
            for model in (self.env[name] for name in self.env.registry.models)
            if model._name.startswith("waba.") and model._auto and not model._abstract
            for name, field in model._fields.items()
            if field.store and field.column_type and field.type in TEXT_TYPES
        }
        decided = columns_in(EMPTIED) + columns_in(STAYS)
        self.assertEqual(set(decided), ours)
        self.assertEqual(len(decided), len(ours), "one word on each")

    def test_raw_bodies_go_and_what_was_said_stays(self):
        campaign = self._launch(self._leads(1))
        person = self._rows(campaign).recipient_id
        self._receive(self._inbound(person.number, "Hola"))
        waiting = self._store_event({"object": "waiting", "entry": []})
        waiting.write({"error": f"of {person.number}", "waiting_items": {"notes": person.number}})
        for record in (self.account, self.sender):
            record.health_status = {"raw": person.number}
        self.env["waba.reputation.event"]._record_events(
            [{"kind": "opt_out", "source": "webhook", "recipient_id": person.id,
              "account_id": self.account.id, "raw": {"from": person.number},
              "event_key": "test:raw"}]
        )  # fmt: skip
        webhook = self.env["waba.outgoing.webhook"].create({"name": "A", "url": "https://1.1.1.1"})
        webhook._post("test", None, {"number": person.number}).error = "HTTP 500"
        self.env["waba.privacy"].create({"recipient_id": person.id, "file": b"UEsDBA=="})
        self.env["waba.audience.import"].create(
            {"file": b"UEsDBA==", "rejected": b"UEsDBA==", "consent": "none"}
        )
        self.env.flush_all()
        tables = {table for table, _column in columns_in(EMPTIED) + columns_in(STAYS)}
        before = {table: self._table_rows(table) for table in tables}
        neutralize(self.env)
        after = {table: self._table_rows(table) for table in tables}
        for table, name in columns_in(EMPTIED):
            with self.subTest(table=table, column=name, emptied=True):
                self.assertTrue(any(row[name] for row in before[table]), "there was something")
                left = {row[name] for row in after[table]}
                self.assertEqual(left - {None, "{}", r"\x"}, set())
        changed = {("waba_account", "base_url"), ("waba_sender", "pause_reason")}
        for table, name in set(columns_in(STAYS)) - changed:
            with self.subTest(table=table, column=name):
                self.assertEqual(
                    [row[name] for row in after[table]], [row[name] for row in before[table]]
                )
        self.assertNotIn("new", {row["state"] for row in after["waba_webhook_event"]})


class TestNothingAnswers(WabaCase):
    """What would write to somebody, or answer, without a person who wants it."""

    def test_rules_and_automations_are_switched_off(self):
        reply = self.env["waba.auto.reply"].create({"name": "Closed", "text": "We are closed."})
        self.env.company.waba_create_lead = True
        values = {
            "name": "Write", "state": "waba_template",
            "model_id": self.env["ir.model"]._get_id("crm.lead"),
            "waba_template_id": self.utility_template.id, "waba_sender_id": self.sender.id,
        }  # fmt: skip
        job = self.env["ir.cron"].create({**values, "interval_type": "days"})
        other = self.env.ref("base.autovacuum_job")
        automations = self.env["base.automation"].create(
            [
                {
                    "name": name, "model_id": values["model_id"], "trigger": "on_create_or_write",
                    "action_server_ids": [(0, 0, action)],
                }
                for name, action in {
                    "Writes": values,
                    "Does not": {**values, "state": "code", "code": "pass"},
                }.items()
            ]
        )  # fmt: skip
        [script] = get_neutralization_queries(["waba_campaign"])
        self.env.flush_all()
        self.env.cr.execute(script)
        self.env.invalidate_all()
        self.assertFalse(reply.active)
        self.assertFalse(self.env.company.waba_create_lead)
        self.assertEqual([job.active, other.active], [False, True])
        self.assertEqual(automations.mapped("active"), [False, True])

    def test_a_message_that_comes_in_is_answered_by_nobody(self):
        """As if a stranger wrote to the copy: it is kept, and nothing follows."""
        self.env["waba.auto.reply"].create(
            {"name": "Thanks", "text": "Thank you.", "trigger": "keyword", "words": "Hola"}
        )
        self.env.company.waba_create_lead = True
        messages, leads = self.env["waba.message"], self.env["crm.lead"]
        for is_copy, answers in [(False, 1), (True, 0)]:
            with self._case(f"copy: {is_copy}"):
                if is_copy:
                    neutralize(self.env)
                there = leads.search_count([])
                self._store_event(self._inbound("+34611999999", "Hola"))._apply_bodies()
                received = messages.search([("direction", "=", "in")])
                self.assertEqual(received.mapped("text"), ["Hola"])
                self.assertEqual(messages.search_count([("origin", "=", "reply")]), answers)
                self.assertEqual(leads.search_count([]), there + answers)


class TestScript(TransactionCase):
    def test_it_is_found_by_odoo_and_names_nothing_outside_the_addon(self):
        [script] = get_neutralization_queries(["waba_campaign"])
        with file_open("waba_campaign/data/neutralize.sql") as file:
            self.assertEqual(script, file.read().strip())

    def test_it_is_valid_on_empty_tables_in_any_order(self):
        self.env.cr.execute("SELECT count(*) FROM waba_account")
        self.assertEqual(self.env.cr.fetchone(), (0,))
        for modules in (["waba_campaign", "base"], ["base", "waba_campaign"]):
            for script in get_neutralization_queries(modules):
                self.env.cr.execute(script)
        self.env.cr.execute(
            """SELECT count(*) FROM ir_cron c JOIN ir_model_data d ON d.res_id = c.id
                WHERE d.model = 'ir.cron' AND d.module = 'waba_campaign' AND c.active"""
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_our_jobs_stop_without_the_scripts_of_others(self):
        [script] = get_neutralization_queries(["waba_campaign"])
        self.env.cr.execute(script)
        jobs = (
            self.env["ir.cron"]
            .with_context(active_test=False)
            .search([("cron_name", "like", "WhatsApp:")])
        )
        self.assertTrue(jobs)
        self.assertFalse(jobs.filtered("active"))
