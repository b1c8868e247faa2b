"""The preview: one real person after the other, saved or not, and what each of them lacks."""

from odoo.exceptions import AccessError
from odoo.tools import mute_logger

from ..common import WabaCase

READ = ("sequence", "component", "button_index", "name", "kind", "example", "source", "field_path",
        "text", "fallback")  # fmt: skip


class TestPreview(WabaCase):
    def setUp(self):
        super().setUp()
        self.leads = self._leads(3)
        self.campaign = self._campaign(self.leads)

    def _values(self, **values):
        """As the form sends them, before anything is saved."""
        return {
            "template_id": self.template.id,
            "company_id": self.env.company.id,
            "res_model": "crm.lead",
            "audience_domain": self.campaign.audience_domain,
            "variables": [
                {name: line[name] for name in READ} for line in self.campaign.variable_ids
            ],
            **values,
        }

    def _preview(self, step="same", record_id=0, campaign=None, user=None, **values):
        campaigns = self.env["waba.campaign"].with_user(user or self.salesperson)
        return campaigns.campaign_preview_data(
            campaign and campaign.id, self._values(**values), step, record_id
        )

    def test_the_arrows_lead_through_everybody_in_order_and_stop_at_the_ends(self):
        first = self._preview()
        self.assertEqual((first["position"], first["count"]), (1, 3))
        self.assertIn("Hola Anabbaaaaaa", first["html"])
        seen = [first["record_id"]]
        for _step in range(2):
            seen.append(self._preview("next", seen[-1])["record_id"])
        self.assertEqual(seen, self.leads.ids)
        for step, start, there in [
            ("next", 2, 2), ("previous", 2, 1), ("previous", 0, 0), ("last", 0, 2), ("first", 2, 0),
        ]:  # fmt: skip
            with self.subTest(step=step, start=start):
                answer = self._preview(step, self.leads[start].id)
                self.assertEqual(answer["record_id"], self.leads[there].id)
        here = self._preview("same", self.leads[1].id)
        self.assertEqual((here["position"], here["record_id"]), (2, self.leads[1].id))

    def test_nothing_is_saved_by_looking(self):
        before = self.env["waba.campaign"].search_count([])
        self._preview("next", self.leads[0].id)
        self.assertEqual(self.env["waba.campaign"].search_count([]), before)

    def test_an_empty_value_is_named_with_what_it_means(self):
        line = self.campaign.variable_ids.filtered(lambda line: line.component == "body")[1]
        self.leads[1].write({"contact_name": False, "partner_name": False})
        cases = [
            ({"source": "company"}, "left_out", "Excluded"),
            ({"source": "company", "fallback": "su empresa"}, "fallback", "shows “su empresa”"),
            ({"source": "field", "field_path": "partner_id.city"}, "left_out", "City"),
            ({"source": "text", "text": False, "fallback": False}, "to_do", "Set a value"),
        ]
        for values, kind, words in cases:
            with self.subTest(words):
                line.write({"fallback": False, "field_path": False, **values})
                notes = self._preview("same", self.leads[1].id)["notes"]
                found = [note["text"] for note in notes if note["kind"] == kind]
                self.assertIn(words, " ".join(found))

    def test_a_number_that_cannot_be_written_to_is_named(self):
        self.leads[0].phone = False
        self.leads[1].phone = "123"
        self.assertIn("no phone number", self._preview()["notes"][0]["text"])
        notes = self._preview("next", self.leads[0].id)["notes"]
        self.assertIn("the number 123 is not valid", notes[0]["text"])

    def test_nobody_to_show_shows_metas_examples(self):
        answer = self._preview(audience_domain="[('id', '=', 0)]")
        self.assertEqual((answer["count"], answer["name"]), (0, ""))
        self.assertIn("o_waba_bubble", answer["html"])
        broken = self._preview(audience_domain="nonsense(")
        self.assertIn("not valid", broken["notes"][0]["text"])

    def test_after_the_launch_the_frozen_words_and_what_became_of_them_are_shown(self):
        self.leads[1].phone = "n/a"
        campaign = self._launch(self.leads, user_id=self.salesperson.id)
        self.leads[0].contact_name = "Changed Since"
        first = self._preview(campaign=campaign)
        self.assertIn("Hola Anabbaaaaaa", first["html"])
        self.assertEqual((first["position"], first["count"]), (1, 3))
        self.assertEqual(first["notes"][0]["text"], "Accepted")
        second = self._preview("next", first["record_id"], campaign=campaign)
        self.assertIn("invalid phone number", second["notes"][0]["text"])

    @mute_logger("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")
    def test_only_who_may_see_the_campaign_and_its_people(self):
        campaign = self._launch(self.leads)
        with self.assertRaises(AccessError):
            self._preview(campaign=campaign)
        outsider = self.env["res.users"].create(
            {"name": "Out", "login": "waba_out", "group_ids": self.env.ref("base.group_user").ids}
        )
        with self.assertRaises(AccessError):
            self._preview(user=outsider)
