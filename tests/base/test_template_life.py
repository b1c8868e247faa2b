"""The life of a template: versions, rejections, changes of category, actions at Meta."""

from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.addons.waba_campaign.policy import intent
from odoo.exceptions import AccessError, UserError

from ..common import WabaCase
from .test_template import TWO, TemplateCase

INFO = {"reason": "A brace is missing", "recommendation": "Write {{1}}."}


class LifeCase(TemplateCase):
    def _webhook(self, template, field, **values):
        named = {
            "message_template_id": int(template.template_uid),
            "message_template_name": template.name,
            "message_template_language": template.language,
        }
        self._receive(self._change(field, {**named, **values}))

    def _activities(self, template):
        return template.activity_ids.filtered(lambda one: one.user_id == self.manager)

    def _act(self, template, act, user=None):
        action = getattr(template.with_user(user or self.manager), act)()
        wizard = self.env[action["res_model"]].with_user(user or self.manager)
        wizard = wizard.with_context(**action["context"]).create({})
        wizard.action_confirm()
        return wizard


class TestVersions(LifeCase):
    def test_a_content_is_stored_once_and_a_new_one_ends_it(self):
        first = self.template.version_ids
        self.assertEqual((len(first), first.number, first.last_seen_at), (1, 1, False))
        self.account._sync()
        self.assertEqual(self.template.version_ids, first)
        self._edited(TWO)
        self._at_meta(status="APPROVED")
        second = self.template.version_ids - first
        self.assertEqual((second.number, second.source, second.last_seen_at), (2, "sync", False))
        self.assertEqual(first.last_seen_at, second.first_seen_at)
        self.assertIn("Buenos días", second.body)
        self.assertIn("<ins>", second.changes_html)
        self.assertIn("Message", second.changes_html)
        self.assertFalse(first.changes_html)

    def test_new_addresses_of_samples_are_no_new_content(self):
        header = self._template("season_sale", "en")
        components = [dict(part) for part in header.components]
        components[0]["example"] = {"header_handle": ["https://scontent.example/other?sig=2"]}
        header.components = components
        header._record_version()
        self.assertEqual(len(header.version_ids), 1)

    def test_a_content_that_returns_is_a_version_of_its_own(self):
        before = self.template.components
        self._edited(TWO)
        self._at_meta(status="APPROVED")
        self.template._apply_facts(
            {"components": before, "status": "approved", "signature": self.template.signature}
        )
        self.assertEqual(sorted(self.template.version_ids.mapped("number")), [1, 2, 3])

    def test_each_message_keeps_the_text_it_was_sent_with(self):
        now = fields.Datetime.now()
        self.template.version_ids.first_seen_at = now - timedelta(days=30)
        old = self._rows(self._launch(self._leads(2)))
        self.assertIn("hasta el domingo", old[0].body)
        with freeze_time(now + timedelta(hours=1)):
            self._edited(TWO)
            self._at_meta(status="APPROVED")
        new = self._message(
            "+34611000099",
            template_id=self.template.id,
            parameters=old[0].parameters,
            accepted_at=now + timedelta(hours=2),
        )
        waiting = self._message(
            "+34611000098",
            "queued",
            template_id=self.template.id,
            parameters=old[0].parameters,
        )
        self.env.invalidate_all()
        self.assertIn("hasta el domingo", old[0].body)
        self.assertIn("hasta el domingo", str(old[0].preview_html))
        for message in (new, waiting):
            self.assertIn("esta semana", message.body)
        first, second = self.template.version_ids.sorted("number")
        self.assertEqual((old[0].template_version_id, new.template_version_id), (first, second))
        self.assertEqual((first.message_count, second.message_count), (2, 1))

    def test_an_edit_told_by_a_webhook_says_so(self):
        self._webhook(self.template, "message_template_components_update")
        self._edited(TWO)
        self._at_meta(status="APPROVED")
        self.assertEqual(self.template.version_ids.sorted("number")[-1].source, "webhook")
        self.assertFalse(self.template.is_content_announced)

    def test_a_deleted_template_is_archived_once_with_its_versions(self):
        self._seed([])
        self.account._sync()
        self.assertEqual((self.template.status, self.template.active), ("deleted", False))
        said = len(self.template.message_ids)
        self.account._sync()
        self.assertEqual((len(self.template.message_ids), self.template.version_count), (said, 1))

    def test_all_pages_languages_and_formats_are_read(self):
        body = {"type": "BODY", "text": "Hola a todos los clientes"}
        self._seed(
            [
                {"name": f"page_{number}", "language": ("es", "pt_BR", "zh_CN")[number % 3],
                 "category": "MARKETING", "components": [body],
                 "parameter_format": ("POSITIONAL", "NAMED")[number % 2]}
                for number in range(230)
            ]
        )  # fmt: skip
        self.account._sync()
        found = self.account.template_ids.filtered(lambda one: one.name.startswith("page_"))
        self.assertEqual(len(found), 230)
        self.assertEqual(set(found.mapped("parameter_format")), {"positional", "named"})

    def test_a_code_is_known_by_its_link(self):
        self.account._client().create_template(
            self.account.waba_uid,
            {
                "name": "code",
                "language": "es",
                "category": "AUTHENTICATION",
                "components": [
                    {"type": "BODY", "add_security_recommendation": True},
                    {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
                ],
            },
        )
        self.account._sync()
        code = self._template("code", "es")
        self.assertEqual((code.is_code, code.category), (True, "authentication"))
        self.assertFalse(self.template.is_code)


class TestRejections(LifeCase):
    def test_each_reason_says_what_to_change(self):
        expected = {
            "ABUSIVE_CONTENT": "threat",
            "CATEGORY_NOT_AVAILABLE": "no longer offered",
            "INCORRECT_CATEGORY": "does not fit its category",
            "INVALID_FORMAT": "format is not valid",
            "PROMOTIONAL": "category Promotion",
            "SCAM": "as a possible scam",
            "TAG_CONTENT_MISMATCH": "language or category",
            "NONE": "gave no reason",
            None: "gave no reason",
            "SOMETHING_NEW": "Rejected by Meta: Something new",
        }
        for reason, words in expected.items():
            with self._case(str(reason)):
                self._webhook(
                    self.template, "message_template_status_update", event="REJECTED", reason=reason
                )
                self.assertEqual(self.template.status, "rejected")
                self.assertIn(words, self.template.status_text)
                self.assertIn(words, self._activities(self.template).note)

    def test_metas_explanation_is_shown_and_ends_with_the_approval(self):
        self._webhook(
            self.template,
            "message_template_status_update",
            event="REJECTED",
            reason="INVALID_FORMAT",
            rejection_info=INFO,
        )
        self.assertIn("A brace is missing. Write {{1}}.", self.template.status_text)
        self.account._sync()
        self._at_meta(status="REJECTED", reason="INVALID_FORMAT")
        self.template._set_status("approved")
        self.assertFalse(self.template.status_text)
        self.assertFalse(self.template.rejection_info)

    def test_pauses_in_plain_words(self):
        for title, words in {
            "FIRST_PAUSE": "3 hours",
            "SECOND_PAUSE": "6 hours",
            "RATE_LIMITING_PAUSE": "unpause it",
            "SOMETHING": "negative feedback",
        }.items():
            with self._case(title):
                self._webhook(
                    self.template,
                    "message_template_status_update",
                    event="PAUSED",
                    reason="NONE",
                    other_info={"title": title},
                )
                self.assertIn(words, self.template.status_text)


class TestCategory(LifeCase):
    def _rates(self):
        for category, amount in (("marketing", 0.0615), ("utility", 0.02)):
            self.env["waba.rate"].create(
                {
                    "market": "Spain",
                    "country_ids": self.env.ref("base.es").ids,
                    "category": category,
                    "amount": amount,
                    "currency_id": self.env.ref("base.EUR").id,
                    "company_id": self.account.company_id.id,
                    "valid_from": "2020-01-01",
                }
            )

    def _utility_campaign(self):
        campaign = self._campaign(self._leads(2), template_id=self.utility_template.id)
        campaign.action_launch()
        self._prepare()
        return campaign

    def _move(self, **values):
        self._webhook(self.utility_template, "template_category_update", **values)

    def test_an_announced_change_warns_with_its_price_and_holds_nothing(self):
        self._rates()
        campaign = self._utility_campaign()
        moment = fields.Datetime.now().replace(microsecond=0) + timedelta(days=1)
        self._move(
            new_category="UTILITY",
            correct_category="MARKETING",
            category_update_timestamp=int(moment.timestamp()),
        )
        text = self.utility_template.category_text
        for words in ("will change the category", "0.0615 EUR", "0.0200 EUR", campaign.name):
            self.assertIn(words, text)
        self.assertTrue(self.utility_template.category_next_at)
        self.assertEqual(campaign.state, "running")
        self.assertTrue(self._activities(self.utility_template))

    def test_what_became_a_promotion_waits_for_a_manager(self):
        campaign = self._utility_campaign()
        self._move(new_category="UTILITY", correct_category="MARKETING")
        self._move(previous_category="UTILITY", new_category="MARKETING")
        template = self.utility_template
        self.assertEqual((template.category, template.category_next), ("marketing", False))
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self.assertIn("made it a promotion", campaign.pause_reason)
        self.assertIn("unknown, no rates imported", template.category_text)
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        with self.assertRaises(AccessError):
            template.with_user(self.salesperson).action_release()
        action = template.with_user(self.manager).action_release()
        wizard = self.env["waba.release"].with_user(self.manager)
        wizard = wizard.with_context(**action["context"]).create({"reason": "Opt-ins checked."})
        self.assertIn("as promotions", wizard.explanation)
        wizard.action_confirm()
        self.assertEqual((campaign.state, template.is_held), ("running", False))
        self.assertFalse(template.category_text)

    def test_a_sync_that_finds_the_change_holds_too(self):
        campaign = self._utility_campaign()
        self._change_template(
            self.utility_template.name,
            language=self.utility_template.language,
            category="MARKETING",
        )
        self.account._sync()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))

    def test_cheaper_or_unused_holds_nothing(self):
        self._move(previous_category="UTILITY", new_category="MARKETING")
        self.assertFalse(self.utility_template.is_held)
        campaign = self._launch(self._leads(1))
        self._webhook(
            self.template,
            "template_category_update",
            previous_category="MARKETING",
            new_category="UTILITY",
        )
        self.assertEqual((self.template.is_held, self.template.category), (False, "utility"))
        self.assertNotEqual(campaign.state, "paused")

    def test_an_approval_does_not_release_it(self):
        campaign = self._utility_campaign()
        self._move(previous_category="UTILITY", new_category="MARKETING")
        self.utility_template._set_status("pending")
        self.utility_template._set_status("approved")
        self.assertTrue(self.utility_template.is_held)
        self.assertEqual(campaign.state, "paused")


class TestActions(LifeCase):
    def test_unpause(self):
        self._at_meta(pause=0)
        self._act(self.template, "action_unpause")
        self.assertEqual(self.template.status, "approved")
        self.assertIn(f"Unpaused by {self.manager.name}", self._said(self.template))

    def test_a_pause_for_quality_is_explained(self):
        self._at_meta(pause=1, pause_seconds=3600)
        with self.assertRaisesRegex(UserError, "others end by themselves"):
            self._act(self.template, "action_unpause")
        self.assertEqual(self.template.status, "paused")

    def test_archive_and_back(self):
        self._act(self.template, "action_archive_at_meta")
        self.assertEqual(self.template.status, "archived")
        self.assertIn("28 days", self.template.status_text)
        self._act(self.template, "action_unarchive_at_meta")
        self.assertEqual(self.template.status, "approved")
        self._at_meta(status="PENDING")
        with self.assertRaisesRegex(UserError, "Only approved or rejected"):
            self._act(self.template, "action_archive_at_meta")

    def test_delete_says_what_is_lost_and_keeps_the_history(self):
        campaign = self._waiting()
        action = self.template.with_user(self.manager).action_delete_at_meta()
        wizard = self.env[action["res_model"]].with_user(self.manager)
        wizard = wizard.with_context(**action["context"]).create({})
        self.assertIn("30 days", wizard.explanation)
        self.assertIn(campaign.name, wizard.uses)
        wizard.action_confirm()
        self.assertEqual((self.template.status, self.template.active), ("deleted", False))
        self.assertEqual(campaign.state, "paused")
        self.assertTrue(self.template.version_ids)
        other = self._template("autumn_offer", "en")
        self.account._sync()
        self.assertEqual(other.status, "approved")

    def test_only_managers(self):
        for act in ("action_unpause", "action_archive_at_meta", "action_delete_at_meta"):
            with self._case(act), self.assertRaises(AccessError):
                self._act(self.template, act, self.salesperson)

    def test_without_an_answer_the_state_is_read_first(self):
        path = "message_templates/archive"
        # Done, and the answer was lost.
        self.simulator.post("faults", kind="reset", when="after", endpoint=path, count=1)
        self._act(self.template, "action_archive_at_meta")
        self.assertEqual(self.template.status, "archived")
        # Not done.
        path = "message_templates/unarchive"
        self.simulator.post("faults", kind="reset", when="before", endpoint=path, count=1)
        with self.assertRaisesRegex(UserError, "Nothing changed"):
            self._act(self.template, "action_unarchive_at_meta")
        # Nobody knows.
        self.simulator.post("faults", kind="reset", when="after", endpoint=path, count=1)
        self.simulator.post("faults", kind="reset", when="before", endpoint="node", count=1)
        with self.assertRaisesRegex(UserError, "unknown whether this was done"):
            self._act(self.template, "action_unarchive_at_meta")

    def test_refresh_reads_one_template_and_marks_a_deleted_one(self):
        self._change_template("autumn_offer", language="es", quality="YELLOW")
        self.template.with_user(self.manager).action_refresh()
        self.assertEqual(self.template.quality_score, "yellow")
        self._seed([])
        self.template.with_user(self.manager).action_refresh()
        self.assertEqual(self.template.status, "deleted")
        with self.assertRaises(AccessError):
            self.template.with_user(self.salesperson).action_refresh()

    def test_a_review_is_requested_in_whatsapp_manager(self):
        action = self.template.action_open_manager()
        self.assertIn(self.template.template_uid, action["url"])


class TestGallery(WabaCase):
    def _gallery(self, user=None, **values):
        user = user or self.manager
        action = self.env["waba.template.gallery"].with_user(user).action_open()
        gallery = self.env["waba.template.gallery"].with_user(user).browse(action["res_id"])
        gallery.write(values)
        gallery.action_search()
        return gallery

    def _line(self, key, **values):
        gallery = self._gallery(source="library", **values)
        return gallery.line_ids.filtered(lambda line: line.key == key)

    def test_every_starter_passes_metas_rules_and_offers_a_way_out(self):
        client = self.account._client()
        for language in ("en", "es", "pt_BR"):
            gallery = self._gallery(language=language)
            self.assertEqual(len(gallery.line_ids), 6)
            for line in gallery.line_ids:
                with self._case(f"{line.key} {language}"):
                    client.create_template(
                        self.account.waba_uid,
                        {
                            "name": f"starter_{line.key}",
                            "language": language,
                            "category": line.category.upper(),
                            "parameter_format": "NAMED",
                            "components": line.components,
                        },
                    )
                    last = line.components[-1]["buttons"][-1]["text"]
                    self.assertTrue(intent.opt_out_intent(last, None))
                    self.assertNotIn("{{", str(line.preview_html))

    def test_a_starter_opens_in_the_builder(self):
        line = self._gallery(self.salesperson, language="es").line_ids[0]
        action = line.action_choose()
        draft = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual((draft.language, draft.parameter_format), ("es", "named"))
        self.assertEqual(draft._components()[0]["text"], line.components[0]["text"])

    def test_the_search(self):
        self.assertEqual(
            self._gallery(search_words="quotation", language="en").line_ids.mapped("key"),
            ["quotation"],
        )
        gallery = self._gallery(source="library", topic="PAYMENTS", language="es")
        self.assertEqual(gallery.line_ids.mapped("key"), ["payment_due_reminder_1"])
        self.assertFalse(self._gallery(source="library", search_words="zz").line_ids)

    def test_a_template_of_the_library_is_approved_at_once(self):
        line = self._line("payment_due_reminder_1", language="es")
        with self.assertRaisesRegex(UserError, "Enter the website"):
            line.action_create()
        line.url = "https://example.com/pay/{{1}}"
        with self.assertRaisesRegex(UserError, "Enter a sample"):
            line.action_create()
        line.url_example = "https://example.com/pay/7"
        with self.assertRaisesRegex(UserError, "Enter the phone number"):
            line.action_create()
        line.write({"button_phone": "+34 600 000 001", "name": "Pago!"})
        with self.assertRaisesRegex(UserError, "lowercase letters"):
            line.action_create()
        line.name = "pago"
        action = line.action_create()
        template = self.env["waba.template"].browse(action["res_id"])
        self.assertEqual((template.status, template.library_name), ("approved", line.key))
        self.assertTrue(template.variable_ids)
        with self.assertRaisesRegex(UserError, "already exists"):
            line.action_create()

    def test_without_an_answer_it_looks_before_it_speaks(self):
        line = self._line("feedback_survey_1", language="es")
        fault = {"kind": "reset", "endpoint": "message_templates", "method": "POST", "count": 1}
        self.simulator.post("faults", **fault, when="before")
        with self.assertRaisesRegex(UserError, "is not listed"):
            line.action_create()
        self.simulator.post("faults", **fault, when="after")
        action = line.action_create()
        self.assertEqual(self.env["waba.template"].browse(action["res_id"]).status, "approved")

    def test_a_salesperson_cannot_create_at_meta(self):
        line = self._gallery(self.salesperson, source="library", language="es").line_ids[0]
        with self.assertRaises(AccessError):
            line.action_choose()
        with self.assertRaises(AccessError):
            line.action_create()
