"""Ready-made follow-ups: drafts and saved filters to start from."""

from odoo.addons.waba_campaign.wizard.waba_sequence_starter import TEMPLATE_NAMES
from odoo.exceptions import AccessError, UserError

from ..sequence_case import SequenceCase


class TestStarter(SequenceCase):
    def _starter(self, key, user=None):
        starters = self.env["waba.sequence.starter"].with_user(user or self.manager)
        return starters.with_context(show_starter=key).create({})

    def _created(self, key):
        return self.env["waba.sequence"].browse(self._starter(key).action_create()["res_id"])

    def test_each_card_creates_a_draft_with_steps(self):
        for key in TEMPLATE_NAMES:
            with self._case(key):
                sequence = self._created(key)
                self.assertEqual((sequence.state, sequence.create_uid), ("draft", self.manager))
                self.assertIn("template", sequence.step_ids.mapped("kind"))
                self.assertIn("activity", sequence.step_ids.mapped("kind"))
                self.assertTrue(sequence.story)
                # Nothing fits in this account: the manager chooses the template.
                self.assertFalse(sequence.step_ids.template_id)
                shown = sequence.with_user(self.salesperson)
                self.assertIn("Choose a template", shown.todo_text)

    def test_with_a_template_that_fits_it_is_ready(self):
        templates = self.utility_template.copy(
            {"name": "feria_2026", "language": "es", "template_uid": "t-es"}
        )
        templates |= self.utility_template.copy(
            {"name": "fair_2026", "language": "en", "template_uid": "t-en"}
        )
        templates.variable_ids.filtered(lambda line: not line._is_complete()).write(
            {"source": "text", "text": "prueba"}
        )
        sequence = self._created("fair")
        self.assertEqual(sequence.step_ids.template_id.name, "fair_2026")
        self.assertEqual(sequence.tag_ids.name, "Trade fair")
        self.assertFalse(sequence.todo_text)
        # A second one has the same tag.
        self.assertEqual(self._created("fair").tag_ids, sequence.tag_ids)

    def test_inactive_leads(self):
        sequence = self._created("reactivate")
        self.assertEqual((sequence.trigger, sequence.trigger_amount), ("stage_days", 90))
        self.assertFalse(sequence.stage_ids.filtered("is_won"))
        self.assertTrue(sequence.stage_ids)

    def test_filters_are_saved_once_and_campaigns_can_use_them(self):
        for key in TEMPLATE_NAMES:
            with self._case(key):
                for _time in range(2):
                    self._starter(key).action_save_filter()
                saved = self.env["ir.filters"].search(
                    [("user_ids", "in", self.manager.id), ("model_id", "=", "crm.lead")]
                )
                self.assertEqual(len(saved), 1)
                campaign = self.env["waba.campaign"].with_user(self.manager).create(
                    {
                        "name": "From a filter",
                        "res_model": "crm.lead",
                        "audience_source": "filter",
                        "audience_filter_id": saved.id,
                    }
                )  # fmt: skip
                self.assertGreaterEqual(campaign.audience_count, 0)
                self.assertEqual(campaign.audience_domain, saved.domain)

    def test_salespeople_create_none(self):
        with self.assertRaises(AccessError):
            self._starter("fair", self.salesperson)

    def test_a_card_is_needed(self):
        for key in (None, "", "unlink", "values"):
            with self._case(str(key)), self.assertRaises(UserError):
                self._starter(key).action_create()
