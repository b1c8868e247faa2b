from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.addons.waba_campaign.models.base.waba_template import STATUSES
from odoo.exceptions import UserError

from ..common import WabaCase

CHANGED = "The variables of template Autumn offer · Spanish changed at Meta"
THREE = (
    "Hola {{1}}, esta semana en {{2}} tienes un descuento especial si compras {{3}} con nosotros "
    "antes del domingo."
)
TWO = "Buenos días {{1}}, esta semana en {{2}} tienes un descuento especial en toda la tienda."
NOT_APPROVED = "Autumn offer · Spanish is not approved: Paused by Meta"


class TemplateCase(WabaCase):
    def _at_meta(self, **values):
        """Change the template at Meta, without a webhook, then read the account."""
        self._change_template("autumn_offer", language="es", **values)
        self.account._sync()

    def _edited(self, text, without=None):
        """Replace the body of the template at Meta, and leave one type of component out."""
        examples = ["Ana", "Roble", "un sofá"][: text.count("{{")]
        body = {"type": "BODY", "text": text, "example": {"body_text": [examples]}}
        components = [
            body if component["type"] == "BODY" else component
            for component in self.template.components
            if component["type"] != without
        ]
        client = self.account._client()
        client.edit_template(self.template.template_uid, {"components": components})

    def _seed(self, templates):
        """The same account with these templates only."""
        world = self.simulator.get("world")
        [account] = [a for a in world["accounts"] if a["id"] == self.account.waba_uid]
        numbers = [n for n in world["numbers"] if n["account_id"] == account["id"]]
        keys = ("id", "display_phone_number", "verified_name")
        self.simulator.post(
            "reset",
            seed={
                "businesses": [{"id": account["business_id"], "name": "Demo Portfolio"}],
                "accounts": [
                    {
                        "id": account["id"],
                        "business_id": account["business_id"],
                        "name": account["name"],
                        "numbers": [{key: number[key] for key in keys} for number in numbers],
                        "templates": templates,
                    }
                ],
                "tokens": [{"token": "SIM-TOKEN"}],
            },
        )

    def _waiting(self):
        """A running campaign whose two rows wait, because its number is paused."""
        self.sender.action_pause()
        campaign = self._launch(self._leads(2))
        self.sender.action_resume()
        return campaign

    def _said(self, record):
        return " ".join(record.message_ids.mapped("body"))


class TestReading(TemplateCase):
    def test_what_meta_lists_is_kept(self):
        template = self.template
        self.assertEqual(
            (template.display_name, template.category, template.status, template.quality_score),
            ("Autumn offer · Spanish", "marketing", "approved", "green"),
        )
        self.assertEqual(template.parameter_format, "positional")
        self.assertIn("hasta el domingo un 20 %", template.body)
        self.assertEqual(
            template.variable_ids.mapped(lambda v: (v.component, v.button_index, v.name, v.kind)),
            [
                ("body", 0, "1", "text"), ("body", 0, "2", "text"),
                ("button", 0, "payload", "payload"), ("button", 1, "1", "url"),
            ],
        )  # fmt: skip
        self.assertEqual(
            self._template("welcome_back", "es")
            .variable_ids.filtered(lambda v: v.component == "body")
            .mapped(lambda v: (v.name, v.source)),
            [("first_name", "first_name"), ("salesperson", "salesperson")],
        )
        rejected = self._template("rejected_one", "en")
        self.assertEqual((rejected.status, rejected.status_reason), ("rejected", "SCAM"))
        self.assertEqual(self._template("season_sale", "en").variable_ids[0].kind, "image")

    def test_reading_twice_changes_nothing(self):
        def rows():
            self.env.flush_all()
            self.env.cr.execute("SELECT to_jsonb(t) FROM waba_template t ORDER BY id")
            templates = self.env.cr.fetchall()
            self.env.cr.execute("SELECT to_jsonb(t) FROM waba_template_variable t ORDER BY id")
            return templates + self.env.cr.fetchall()

        before = rows()
        self.account._sync()
        self.assertEqual(rows(), before)

    def test_each_word_of_metas_is_understood(self):
        cases = [
            *[({"status": key.upper()}, "status", key) for key, _label in STATUSES
              if key not in ("unknown", "deleted")],
            ({"status": "SOMETHING_NEW"}, "status", "unknown"),
            ({"category": "UTILITY"}, "category", "utility"),
            ({"category": "AUTHENTICATION"}, "category", "authentication"),
            ({"category": "SOMETHING_NEW"}, "category", "unknown"),
            ({"quality": "YELLOW"}, "quality_score", "yellow"),
            ({"quality": "RED"}, "quality_score", "red"),
            ({"quality": "UNKNOWN"}, "quality_score", "unknown"),
        ]  # fmt: skip
        for values, name, expected in cases:
            with self._case(str(values)):
                self._at_meta(**values)
                self.assertEqual(self.template[name], expected)

    def test_a_new_template_appears_and_is_chosen_from_when_approved(self):
        body = {
            "type": "BODY",
            "text": "Hola {{1}}, ya llega la primavera.",
            "example": {"body_text": [["Ana"]]},
        }
        self.account._client().create_template(
            self.account.waba_uid,
            {"name": "spring", "language": "es", "category": "MARKETING", "components": [body]},
        )
        self.account._sync()
        new = self._template("spring", "es")
        self.assertEqual((new.status, new.variable_ids.name), ("pending", "1"))
        with self.assertRaisesRegex(UserError, "is not approved: In review"):
            self._campaign(self._leads(1), template_id=new.id).action_launch()
        self._change_template("spring", status="APPROVED")
        self.account._sync()
        self.assertEqual(self._launch(self._leads(1), template_id=new.id).sent_count, 1)

    def test_a_template_that_is_listed_no_longer_is_kept_as_deleted(self):
        campaign = self._waiting()
        self._seed([])
        self.account._sync()
        self.assertEqual(
            (self.template.status, self.template.status_reason),
            ("deleted", "no longer listed by Meta"),
        )
        self.assertEqual(campaign.state, "paused")
        self.assertIn("not approved: Deleted (no longer listed by Meta)", campaign.pause_reason)
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})

    def test_a_template_that_is_listed_again_goes_on(self):
        templates = [
            {"id": self.template.template_uid, "name": "autumn_offer", "language": "es",
             "category": "MARKETING", "components": self.template.components}
        ]  # fmt: skip
        campaign = self._waiting()
        self._seed([])
        self.account._sync()
        self._seed(templates)
        self.account._sync()
        self.assertEqual((self.template.status, self.template.active), ("approved", True))
        self.assertEqual(campaign.state, "running")

    def test_a_template_says_who_uses_it(self):
        self._campaign(self._leads(1))
        self.assertEqual(
            (self.template.campaign_count, self.utility_template.campaign_count), (1, 0)
        )
        action = self.template.action_view_campaigns()
        self.assertEqual(len(self.env[action["res_model"]].search(action["domain"])), 1)

    def test_the_preview_shows_the_examples_and_no_markup_of_others(self):
        self.template.components = [
            {"type": "BODY", "text": "Hola {{1}} <script>x</script>",
             "example": {"body_text": [["Ana & co"]]}}
        ]  # fmt: skip
        self.template._rebuild_variables()
        html = str(self.template.preview_html)
        self.assertIn("Hola Ana &amp; co &lt;script&gt;", html)
        self.assertNotIn("<script>", html)

    def test_a_template_with_parts_we_cannot_fill_is_not_sent(self):
        self._seed(
            [
                {
                    "name": "cards",
                    "language": "es",
                    "category": "MARKETING",
                    "components": [
                        {"type": "BODY", "text": "Hola"},
                        {"type": "CAROUSEL", "cards": []},
                    ],
                }
            ]
        )
        self.account._sync()
        cards = self._template("cards", "es")
        self.assertEqual(cards.status, "approved")
        with self.assertRaisesRegex(
            UserError, "has parts that are not supported yet: carousel"
        ):
            self._campaign(self._leads(1), template_id=cards.id).action_launch()


class TestVariablesChanged(TemplateCase):
    def test_the_running_campaign_waits_with_its_reason(self):
        campaign = self._waiting()
        self._edited(THREE)
        self._at_meta(status="APPROVED")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "failure"))
        self.assertIn(CHANGED, campaign.pause_reason)
        self.assertIn("launch a new one for the remaining recipients", campaign.pause_reason)
        self.assertIn(CHANGED, self._said(campaign))
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})

    def test_neither_an_approval_nor_a_person_sends_the_old_words(self):
        campaign = self._waiting()
        self._edited(THREE)
        self._at_meta(status="APPROVED")
        self.template._set_status("paused")
        self.template._set_status("approved")
        self.assertEqual(campaign.state, "paused")
        with self.assertRaisesRegex(UserError, "changed at Meta after the launch"):
            campaign.action_resume()

    def test_the_reason_follows_when_it_waited_for_the_approval(self):
        campaign = self._waiting()
        self.template._set_status("pending")
        self.assertEqual(campaign.pause_cause, "template")
        self._edited(THREE)
        self._at_meta(status="APPROVED")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "failure"))
        self.assertIn(CHANGED, campaign.pause_reason)

    def test_other_words_with_the_same_variables_change_no_campaign(self):
        campaign = self._waiting()
        self._edited(TWO)
        self._at_meta(status="APPROVED")
        self.assertEqual(campaign.state, "running")
        self.assertIn("Buenos días", self.template.body)

    def test_the_mapping_of_the_variables_that_stay_is_kept(self):
        line = self.template.variable_ids[1]
        line.write({"source": "field", "field_path": "city", "fallback": "tu ciudad"})
        gone = self.template.variable_ids.filtered(lambda v: v.kind == "url")
        self._edited(THREE, without="BUTTONS")
        self.account._sync()
        self.assertEqual(self.template.variable_ids.mapped("name"), ["1", "2", "3"])
        kept = self.template.variable_ids[1]
        self.assertEqual((kept, kept.field_path, kept.fallback), (line, "city", "tu ciudad"))
        self.assertFalse(gone.exists())

    def test_a_draft_asks_for_the_new_variables(self):
        draft = self._campaign(self._leads(1))
        self._edited(THREE)
        self._at_meta(status="APPROVED")
        self.assertEqual(draft.state, "draft")
        with self.assertRaisesRegex(UserError, "changed after they were filled in here"):
            draft.action_launch()


class TestStatusChanged(TemplateCase):
    def test_a_paused_template_holds_and_an_approved_one_releases(self):
        campaign = self._waiting()
        other = self._campaign(self._leads(1, start=5), template_id=self.utility_template.id)
        other.action_launch()
        self._at_meta(status="PAUSED")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self.assertIn(NOT_APPROVED, campaign.pause_reason)
        self.assertIn("Choose another template, or fix it", campaign.pause_reason)
        self.assertNotEqual(other.state, "paused")
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self._at_meta(status="APPROVED")
        self.assertEqual((campaign.state, campaign.pause_reason), ("running", False))
        self.assertIn("Meta approved the template again.", self._said(campaign))
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 2)

    def test_every_status_but_approved_holds(self):
        for status, _label in STATUSES:
            with self._case(status):
                campaign = self._waiting()
                self.template._set_status(status, "LOW_QUALITY")
                self.assertEqual(campaign.state, "running" if status == "approved" else "paused")
                if status != "approved":
                    self.assertIn("(LOW_QUALITY)", campaign.pause_reason)

    def test_an_approval_lifts_the_templates_pause_alone(self):
        soon = fields.Datetime.now() + timedelta(hours=1)
        for cause in ("person", "failure"):
            with self._case(cause):
                campaign = self._waiting()
                campaign._pause("Look first.", cause=cause, until=soon)
                self._at_meta(status="PAUSED")
                self._at_meta(status="APPROVED")
                self.assertEqual((campaign.state, campaign.pause_reason), ("paused", "Look first."))

    def test_a_pause_that_ends_does_not_send_a_paused_template(self):
        now = fields.Datetime.now()
        campaign = self._waiting()
        campaign._pause("The form is slowed.", until=now + timedelta(hours=1))
        self._at_meta(status="PAUSED")
        with freeze_time(now + timedelta(hours=2)):
            self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self.assertIn(NOT_APPROVED, campaign.pause_reason)
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])

    def test_a_person_cannot_resume_what_may_not_be_sent(self):
        campaign = self._waiting()
        self._at_meta(status="PAUSED")
        with self.assertRaisesRegex(UserError, "is not approved: Paused by Meta"):
            campaign.action_resume()

    def test_a_scheduled_campaign_looks_again_when_its_time_comes(self):
        now = fields.Datetime.now()
        campaign = self._campaign(self._leads(2), scheduled_at=now + timedelta(hours=1))
        campaign.action_launch()
        self._at_meta(status="PAUSED")
        self.assertEqual(campaign.state, "scheduled")
        with freeze_time(now + timedelta(hours=2)):
            self._prepare()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        self._at_meta(status="APPROVED")
        self._prepare()
        self._dispatch()
        self.assertEqual(campaign.sent_count, 2)

    def test_a_promotion_turned_service_message_asks_another_consent(self):
        campaign = self._waiting()
        self._at_meta(category="UTILITY")
        self.assertEqual(set(self._rows(campaign).mapped("category")), {"utility"})
