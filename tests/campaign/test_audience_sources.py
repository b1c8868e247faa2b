"""Where a campaign's people come from: each source names exactly them, and says so."""

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form

from ...models.campaign.waba_campaign_audience import EMPTY_DOMAIN
from ..common import WabaCase, first_name_for


class SourcesCase(WabaCase):
    def _draft(self, **values):
        return self.env["waba.campaign"].create(
            {
                "name": "Autumn again",
                "template_id": self.template.id,
                "sender_id": self.sender.id,
                **values,
            }
        )

    def _people(self, campaign):
        return self.env[campaign.res_model].search(campaign._audience_domain_list())


class TestSources(SourcesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team = cls.env["crm.team"].create({"name": "Europe"})
        cls.tag = cls.env["crm.tag"].create({"name": "VIP"})
        cls.leads = cls._leads(4)
        cls.leads[:2].team_id = cls.team
        cls.leads[2:].team_id = False
        cls.leads[1].tag_ids = cls.tag
        cls.filter = cls.env["ir.filters"].create(
            {
                "name": "Dormant > 90 days",
                "model_id": "crm.lead",
                "domain": repr([("id", "in", cls.leads[2:].ids)]),
                "user_ids": False,
            }
        )

    def test_a_campaign_without_a_number_tells_nothing_of_its_pace(self):
        self.assertIs(self.env["waba.campaign"].new({}).canary_text, False)

    def test_each_source_names_its_people_in_words(self):
        cases = {
            "team": ({"audience_team_id": self.team.id}, self.leads[:2], "of the team “Europe”"),
            "tag": ({"audience_tag_id": self.tag.id}, self.leads[1], "tagged “VIP”"),
            "filter": (
                {"audience_filter_id": self.filter.id}, self.leads[2:], "in “Dormant > 90 days”",
            ),
        }  # fmt: skip
        for source, (values, people, words) in cases.items():
            with self.subTest(source):
                campaign = self._draft(audience_source=source, **values)
                self.assertEqual(self._people(campaign), people.sorted("id", reverse=True))
                self.assertEqual(campaign.audience_count, len(people))
                label = "lead or opportunity" if len(people) == 1 else "leads and opportunities"
                self.assertIn(f"{len(people)} {label} {words}", campaign.audience_text)
                self.assertIn("Updated when", campaign.audience_note)

    def test_a_contact_tag_addresses_contacts(self):
        category = self.env["res.partner.category"].create({"name": "Press"})
        partner = self.env["res.partner"].create(
            {"name": "Eva", "phone": "+34611000009", "category_id": category.ids}
        )
        campaign = self._draft(
            audience_source="tag", res_model="res.partner", audience_category_id=category.id
        )
        self.assertEqual(self._people(campaign), partner)

    def test_a_source_not_chosen_yet_stands_for_nobody(self):
        for source in ("team", "tag", "filter", "campaign", "records"):
            with self.subTest(source):
                campaign = self._draft(audience_source=source)
                self.assertEqual(campaign.audience_count, 0)
                self.assertFalse(campaign.audience_note)
                self.assertRegex(campaign.audience_text, "Choose|Add")
                with self.assertRaises(UserError):
                    campaign.action_launch()

    def test_a_filter_of_another_kind_of_record_stands_for_nobody(self):
        campaign = self._draft(audience_source="filter", audience_filter_id=self.filter.id)
        campaign.res_model = "res.partner"
        self.assertEqual(campaign.audience_count, 0)

    def test_in_the_form_the_choice_counts_at_once_and_own_conditions_start_from_it(self):
        with Form(self.env["waba.campaign"]) as form:
            form.name = "To the team"
            form.template_id, form.sender_id = self.template, self.sender
            self.assertEqual(form.audience_domain, EMPTY_DOMAIN)
            form.audience_source = "team"
            self.assertIn("Choose a sales team", form.audience_text)
            form.audience_team_id = self.team
            self.assertEqual(form.audience_count, 2)
            form.audience_source = "domain"
            self.assertEqual(form.audience_domain, repr([("team_id", "=", self.team.id)]))
        self.assertEqual(form.record.audience_count, 2)

    def test_started_from_a_team_a_tag_or_marked_records(self):
        create = self.env["waba.campaign"]
        cases = [
            (self.team, self.leads[:2], "team"),
            (self.tag, self.leads[1], "tag"),
            (self.leads[:3], self.leads[:3], "records"),
        ]
        for records, people, source in cases:
            with self.subTest(source):
                context = {
                    "default_from_records": True,
                    "active_model": records._name,
                    "active_id": records[:1].id,
                    "active_ids": records.ids,
                }
                form = Form(create.with_context(**context))
                form.template_id, form.sender_id = self.template, self.sender
                campaign = form.save()
                self.assertEqual(campaign.audience_source, source)
                self.assertEqual(set(self._people(campaign)), set(people))
                self.assertTrue(campaign.name)

    def test_more_marked_records_than_the_list_hands_over_are_named_by_its_filter(self):
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", "2")
        form = Form(
            self.env["waba.campaign"].with_context(
                default_from_records=True,
                active_model="crm.lead",
                active_ids=self.leads[:2].ids,
                active_domain=[["id", "in", self.leads[:3].ids]],
            )
        )
        self.assertEqual(form.audience_count, 3)
        self.assertEqual(form.audience_source, "domain")

    def test_the_choice_is_fixed_once_under_way(self):
        campaign = self._draft(audience_source="team", audience_team_id=self.team.id)
        for line in campaign.variable_ids.filtered(lambda line: not line._is_complete()):
            line.text = "prueba"
        campaign.action_launch()
        with self.assertRaisesRegex(UserError, "after the launch"):
            campaign.audience_team_id = self.env["crm.team"].create({"name": "Asia"})


class TestEarlierCampaign(SourcesCase):
    def _earlier(self):
        leads = self._leads(6)
        campaign = self._launch(leads)
        now = fields.Datetime.now()
        ends = [
            {"state": "delivered"},
            {"state": "read"},
            {"state": "read", "replied_at": now},
            {"state": "failed", "failure_type": "temporary"},
            {"state": "failed", "failure_type": "undeliverable"},
            {"state": "skipped", "failure_type": "missing_value"},
        ]
        for row, values in zip(self._rows(campaign), ends, strict=True):
            row.write(values)
        return campaign, leads

    def test_its_people_by_what_became_of_them(self):
        earlier, leads = self._earlier()
        cases = {
            "written": leads[:5],
            "delivered": leads[:3],
            "read_not_replied": leads[1],
            "not_replied": leads[:2],
            "replied": leads[2],
            "failed_passing": leads[3],
            "skipped": leads[5],
        }
        for outcome, people in cases.items():
            with self.subTest(outcome):
                campaign = self._draft(
                    audience_source="campaign",
                    audience_campaign_id=earlier.id,
                    audience_outcome=outcome,
                )
                self.assertEqual(set(self._people(campaign)), set(people))
                self.assertIn("from “Test campaign”", campaign.audience_text)

    def test_its_domain_stays_short_and_names_the_kind_of_record(self):
        partners = self.env["res.partner"].create(
            [{"name": first_name_for(i), "phone": f"+3461100{i:04d}"} for i in range(3)]
        )
        earlier = self._launch(partners)
        lead = self._leads(1)
        campaign = self._draft(
            audience_source="campaign", audience_campaign_id=earlier.id, audience_outcome="written"
        )
        self.assertEqual(campaign.res_model, "res.partner")
        self.assertEqual(set(self._people(campaign)), set(partners))
        self.assertLess(len(campaign.audience_domain), 200)
        self.assertTrue(lead)

    def test_a_salesperson_reaches_only_the_people_of_own_campaigns(self):
        earlier, _leads = self._earlier()
        campaign = self._draft(
            audience_source="campaign", audience_campaign_id=earlier.id, audience_outcome="written"
        )
        mine = campaign.with_user(self.salesperson).sudo(False)
        found = (
            self.env["crm.lead"]
            .with_user(self.salesperson)
            .search(campaign._audience_domain_list())
        )
        self.assertFalse(found)
        self.assertTrue(mine)

    def test_launched_it_writes_to_them_and_nobody_twice(self):
        earlier, leads = self._earlier()
        campaign = self._draft(
            audience_source="campaign",
            audience_campaign_id=earlier.id,
            audience_outcome="delivered",
        )
        for line in campaign.variable_ids.filtered(lambda line: not line._is_complete()):
            line.text = "prueba"
        campaign.action_launch()
        self._prepare()
        self._prepare()
        self.assertEqual(set(self._rows(campaign).mapped("res_id")), set(leads[:3].ids))
