"""The server action Send WhatsApp template: by rules, by the scheduler, by a button."""

from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.addons.base.models.ir_actions import ServerActionWithWarningsError
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import WabaCase


# Automation rules listen once the registry is complete.
@tagged("post_install", "-at_install")
class TestServerAction(WabaCase):
    @classmethod
    def _action(cls, model="crm.lead", **values):
        action = cls.env["ir.actions.server"].create(
            {
                "name": "Write",
                "state": "waba_template",
                "model_id": cls.env["ir.model"]._get_id(model),
                "waba_template_id": cls.utility_template.id,
                "waba_sender_id": cls.sender.id,
                **values,
            }
        )
        for line in action.waba_variable_ids:
            if not line._is_complete():
                line.text = "prueba"
        return action

    def _run_on(self, action, records, user=None):
        action.with_user(user or self.env.user).with_context(
            active_model=records._name, active_ids=records.ids, active_id=records[:1].id
        ).run()
        return self._written(records)

    def _written(self, records):
        return self.env["waba.message"].search(
            [("res_model", "=", records._name), ("res_id", "in", records.ids)], order="id"
        )

    def test_leads_chosen_get_it_through_the_queue(self):
        leads = self._leads(3)
        leads[0].user_id = self.salesperson
        rows = self._run_on(self._action(), leads)
        self.assertEqual(rows.mapped("state"), ["queued"] * 3)
        self.assertEqual(set(rows.mapped("origin")), {"action"})
        self.assertEqual(len(self.simulator.sends()), 0, "queued only")
        self.assertEqual(rows[0].user_id, self.salesperson)
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 3)

    def test_a_number_of_ours_is_left_out(self):
        lead, ours = self._leads(1), self._lead("600 000 001")
        rows = self._run_on(self._action(), lead | ours)
        self.assertEqual(rows.mapped("failure_type"), [False, "own_number"])
        partner = self.env["res.partner"].create({"name": "We", "phone": "+52 1 55 1000 0002"})
        self.assertEqual(
            self._run_on(self._action("res.partner"), partner).failure_type, "own_number"
        )
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 1)

    def test_the_variables_are_the_actions_own(self):
        action = self._action()
        line = action.waba_variable_ids[0]
        line.write({"source": "field", "field_path": "city", "fallback": "su ciudad"})
        leads = self._leads(2)
        leads[0].city = "Sevilla"
        texts = [str(row.parameters) for row in self._run_on(action, leads)]
        self.assertIn("Sevilla", texts[0])
        self.assertIn("su ciudad", texts[1])
        with self.assertRaises(ValidationError):
            line.field_path = "no_such_field"

    def test_a_real_automation_rule(self):
        if "base.automation" not in self.env:
            self.skipTest("base_automation is not installed")
        stage = self.env["crm.stage"].create({"name": "Offer", "sequence": 50})
        action = self._action(usage="base_automation")
        field = self.env["ir.model.fields"]._get("crm.lead", "stage_id")
        self.env["base.automation"].create(
            {
                "name": "Write at the offer",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "trigger": "on_create_or_write",
                "trigger_field_ids": [(6, 0, field.ids)],
                "filter_domain": f"[('stage_id', '=', {stage.id})]",
                "action_server_ids": [(6, 0, action.ids)],
            }
        )
        lead = self._lead("+34 611 000 001", user_id=self.salesperson.id)
        lead.with_user(self.salesperson).stage_id = stage
        self.assertEqual(self._written(lead).mapped("state"), ["queued"])

    def test_a_scheduled_action(self):
        leads = self._leads(1)
        action = self._action()
        cron = self.env["ir.cron"].create(
            {
                "name": "Write daily",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "state": "code",
                "code": f"""
action = env['ir.actions.server'].browse({action.id})
action.with_context(active_model='crm.lead', active_ids={leads.ids}).run()""",
            }
        )
        self._run_cron(cron)
        self.assertEqual(self._written(leads).mapped("state"), ["queued"])

    def test_the_same_action_writes_to_a_record_once_in_its_hours(self):
        action, lead = self._action(waba_repeat_hours=24), self._leads(1)
        # An hour before a period ends, so that the next begins in between.
        start = fields.Datetime.now()
        period = 24 * 3600
        edge = (int(start.timestamp()) // period + 1) * period
        before = fields.Datetime.now() + timedelta(seconds=edge - int(start.timestamp()) - 3600)
        with freeze_time(before):
            self.assertEqual(len(self._run_on(action, lead)), 1)
            self.env.cr.execute(
                "UPDATE waba_message SET create_date = %s WHERE id IN %s",
                (before, self._written(lead)._ids),
            )
            self._written(lead).invalidate_recordset(["create_date"])
            self.assertEqual(len(self._run_on(action, lead)), 1, "once more, same period")
        with freeze_time(before + timedelta(hours=2)):
            self.assertEqual(len(self._run_on(action, lead)), 1, "next period, two hours later")
        with freeze_time(before + timedelta(hours=25)):
            self.assertEqual(len(self._run_on(action, lead)), 2)
        other = self._action()
        with freeze_time(before + timedelta(hours=25)):
            self.assertEqual(len(self._run_on(other, lead)), 3, "another action")

    def test_every_time_when_told_so(self):
        action, lead = self._action(waba_repeat_hours=0), self._leads(1)
        self._run_on(action, lead)
        self.assertEqual(len(self._run_on(action, lead)), 2)

    def test_contacts_and_models_with_a_contact(self):
        partner = self.env["res.partner"].create(
            {"name": "Ana", "phone": "+34611000001", "country_id": self.env.ref("base.es").id}
        )
        self.assertEqual(len(self._run_on(self._action("res.partner"), partner)), 1)
        if "sale.order" in self.env:
            order = self.env["sale.order"].create({"partner_id": partner.id})
            self._run_on(self._action("sale.order"), order)
            self.assertEqual(len(self._written(partner)), 2)
        with self.assertRaises(ServerActionWithWarningsError):
            self._run_on(self._action("crm.stage"), self.env["crm.stage"].search([], limit=1))

    def test_what_cannot_be_sent_is_said_on_the_record_and_stops_no_other(self):
        leads = self._lead("n/a") | self._leads(1)
        rows = self._run_on(self._action(), leads)
        self.assertEqual(rows.sorted("res_id").mapped("state"), ["skipped", "queued"])
        self.assertIn("not sent:", self._chatter(leads[0]))
        self.assertNotIn("not sent:", self._chatter(leads[1]))

    def test_an_error_with_one_record_stops_no_other(self):
        leads = self._leads(3)
        self.env.cr.execute(
            "ALTER TABLE waba_message ADD CONSTRAINT refused"
            f" CHECK (res_id IS DISTINCT FROM {leads[1].id})"
        )
        with mute_logger("odoo.addons.waba_campaign.models.crm.ir_actions_server", "odoo.sql_db"):
            rows = self._run_on(self._action(), leads)
        self.assertEqual(rows.mapped("res_id"), [leads[0].id, leads[2].id])
        self.assertIn("an error occurred", self._chatter(leads[1]))

    def test_consent_is_asked(self):
        lead = self._leads(1)
        person = self._message(number=lead.phone_sanitized, state="skipped").recipient_id
        person._set_marketing_state("opted_out", "person", "x")
        action = self._action(waba_template_id=self.template.id)
        rows = self._run_on(action, lead)
        self.assertEqual((rows[-1].state, rows[-1].failure_type), ("skipped", "opted_out"))

    def test_what_does_not_fit_is_a_warning(self):
        action = self._action()
        self.assertFalse(action.warning)
        action.waba_variable_ids[0].write({"source": "text", "text": False})
        action.invalidate_recordset(["warning"])
        self.assertIn("Set a value for", action.warning)
        self.assertIn("no contact", self._action(model="crm.stage").warning)

    def test_another_template_brings_its_own_variables_and_a_copy_keeps_them(self):
        action = self._action()
        action.waba_template_id = self.template
        self.assertEqual(
            action.waba_variable_ids.mapped("name"), self.template.variable_ids.mapped("name")
        )
        action.waba_variable_ids[0].write({"source": "text", "text": "mine"})
        self.assertEqual(action.copy().waba_variable_ids[0].text, "mine")

    def test_its_name_says_what_it_sends(self):
        self.assertIn(self.utility_template.display_name, self._action()._generate_action_name())
