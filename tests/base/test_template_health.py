"""Health of a template: our rates with their certainty, two templates compared, Meta's beside."""

from datetime import timedelta

from lxml import html
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form

from ..common import WabaCase


class TestTemplateHealth(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._template("welcome_back", "es")

    def _sent(self, template, count, **outcomes):
        """`count` delivered messages; `outcomes` is {field of the time: how many have it}."""
        at = fields.Datetime.now() - timedelta(days=2)
        person = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, ["+34611999999"]
        )["+34611999999"]
        self.env["waba.message"].create(
            [
                {
                    "account_id": self.account.id, "sender_id": self.sender.id,
                    "company_id": self.env.company.id, "recipient_id": person.id,
                    "number": person.number, "template_id": template.id, "state": "delivered",
                    "accepted_at": at, "delivered_at": at,
                    **{name: at for name, having in outcomes.items() if index < having},
                }
                for index in range(count)
            ]
        )  # fmt: skip

    def _health(self, **values):
        wizard = self.env["waba.template.health"].with_user(self.manager)
        return wizard.create({"template_id": self.template.id, **values})

    def _cells(self, wizard, table=0):
        found = html.fromstring(wizard.table).xpath("//table")[table]
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("td")]
            for row in found.xpath(".//tbody/tr")
        ]

    def test_each_rate_has_its_base_and_range(self):
        self._sent(self.template, 200, read_at=120, opted_out_at=2)
        cells = {row[0]: row[1] for row in self._cells(self._health())}
        self.assertEqual(cells["Delivery rate"], "100% 200 of 200 · 98.1% – 100%")
        self.assertEqual(cells["Read rate"], "60% 120 of 200 · 53.1% – 66.5%")
        self.assertEqual(cells["Opt-out rate"], "1% 2 of 200 · 0.3% – 3.6%")
        self.assertEqual(cells["Click rate"], "0% 0 of 200 · 0% – 1.9%")

    def test_few_messages_have_no_rate(self):
        self._sent(self.template, 99, read_at=60)
        cells = {row[0]: row[1] for row in self._cells(self._health())}
        self.assertEqual(cells["Read rate"], "– 60 of 99")

    def test_older_messages_and_those_of_others_do_not_count(self):
        self._sent(self.template, 120)
        self._sent(self.other, 150, read_at=150)
        with self.env.cr.savepoint():
            wizard = self._health(period="7")
            self.assertIn("120 of 120", self._cells(wizard)[0][1])
            rows = self.env["waba.message"].search([("template_id", "=", self.template.id)])
            rows.write({"accepted_at": fields.Datetime.now() - timedelta(days=8)})
            self.assertEqual(self._cells(self._health(period="7"))[0][1], "– 0 of 0")

    def test_two_templates_are_compared(self):
        self._sent(self.template, 200, read_at=150, replied_at=10)
        self._sent(self.other, 200, read_at=100, replied_at=9)
        cells = {row[0]: row[1:] for row in self._cells(self._health(other_id=self.other.id))}
        self.assertTrue(cells["Read rate"][0].startswith("75% 150 of 200"))
        self.assertTrue(cells["Read rate"][1].startswith("50% 100 of 200"))
        self.assertEqual(cells["Read rate"][2], "Higher")
        self.assertEqual(cells["Reply rate"][2], "No clear difference")

    def test_the_dialog_shows_another_period_and_template_at_once(self):
        self._sent(self.template, 120)
        action = self.template.with_user(self.manager).action_view_health()
        form = Form(
            self.env["waba.template.health"]
            .with_user(self.manager)
            .with_context(**action["context"])
        )
        self.assertIn("120 of 120", form.table)
        form.period = "90"
        form.other_id = self.other
        self.assertIn("Not enough data", form.table)
        self.assertIn("Paused by Meta: 0 in 90 days", form.summary)

    def test_pauses_of_the_period_are_counted(self):
        self.template._set_status("paused")
        self.env["waba.reputation.event"]._record_events(
            [{"kind": "template_paused", "source": "webhook", "at": fields.Datetime.now(),
              "template_id": self.template.id, "event_key": "a-pause"}]
        )  # fmt: skip
        self.assertIn("Paused by Meta: 1 in 30 days", self._health().summary)

    def test_meta_s_figures_stand_beside_ours(self):
        self.simulator.post("delivery", give_up_after=0)
        self._launch(self._leads(3))
        self._dispatch()
        self._apply_posted()
        wizard = self._health()
        wizard.action_read_meta()
        self.assertTrue(wizard.is_unconfirmed)
        self.assertIn("Meta gave no figures.", wizard.meta_problem)
        wizard.action_enable_insights()
        self.assertFalse(wizard.meta_problem)
        cells = {row[0]: row[1:] for row in self._cells(wizard, table=1)}
        self.assertEqual(cells["Sent"], ["3", "3"])
        self.assertEqual(cells["Delivered"], ["3", "3"])

    def test_meta_out_of_reach_is_said_and_loses_nothing(self):
        self.account.base_url = "http://127.0.0.1:9"
        wizard = self._health()
        wizard.action_read_meta()
        self.assertIn("Meta gave no figures.", wizard.meta_problem)
        self.assertFalse(wizard.is_unconfirmed)
        self.assertTrue(wizard.table)

    def test_it_is_for_managers_and_their_companies(self):
        with self.assertRaises(AccessError):
            self.template.with_user(self.salesperson).action_view_health()
        with self.assertRaises(AccessError):
            self.env["waba.template.health"].with_user(self.salesperson).create(
                {"template_id": self.template.id}
            )
