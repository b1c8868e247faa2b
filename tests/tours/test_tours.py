"""What people do in the browser: connect an account, launch from the pipeline, follow to the end.

Chromium drives the real screens; jobs run between two tours, because a scheduler cannot run inside
a test's single cursor; statuses are posted by the simulator to the real webhook address.
"""

from contextlib import nullcontext

from odoo.tests import HttpCase, tagged

from ..common import PublicAddress, WabaCase, first_name_for, scheduler_has_run

# Odoo gives a tour 60 seconds as a whole; each step has a limit of its own, which is enough.
WHOLE_TOUR = 100_000


class TourCase(WabaCase, HttpCase):
    def enter_registry_test_mode(self):
        # An HttpCase is in this mode all along.
        return nullcontext()

    def _tour(self, name, login, url="/odoo"):
        self.start_tour(url, name, login=login, timeout=WHOLE_TOUR)
        self.env.invalidate_all()

    def _opportunities(self, *numbers):
        """Cards of the salesperson's pipeline, one per number."""
        return self.env["crm.lead"].concat(
            *(
                self._lead(
                    number,
                    name=f"Sofa for room {index}",
                    contact_name=f"{first_name_for(index)} Prueba",
                    type="opportunity",
                    user_id=self.salesperson.id,
                )
                for index, number in enumerate(numbers, start=1)
            )
        )


@tagged("post_install", "-at_install")
class TestTours(TourCase):
    browser_size = "1440x900"

    def _statuses_come_in(self):
        """The simulator posts what happened, and a reply, to our webhook address over HTTP."""
        self.simulator.post("delivery", url=self.account.webhook_url)
        self.simulator.post(
            "inbound",
            phone_id=self.sender.phone_number_uid,
            number="34611000001",
            text="¿Abren hoy?",
        )
        with self.allow_requests(all_requests=True):
            self.simulator.post("flush", hurry=True)
        self._apply_webhooks()

    def test_an_administrator_connects_an_account(self):
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.env["ir.config_parameter"].set_param("web.base.url", address.url)
        self.env["ir.default"].set("waba.account", "base_url", self.simulator.url)
        scheduler_has_run(self.env)
        self._tour("waba_connect_account", "admin")
        account = (
            self.env["waba.account"].search([("app_uid", "=", "300000000000001")]) - self.account
        )
        self.assertEqual(account.state, "connected")
        self.assertEqual(account.name, "Demo Store Outlet")
        self.assertEqual(account.sender_ids.number, "+34600000003")
        self.assertEqual(len(account.template_ids), 4)
        self.assertEqual(account.portfolio_id, self.portfolio)

    def test_a_salesperson_launches_from_the_pipeline_and_follows_it_to_the_end(self):
        leads = self._opportunities("+34 611 000 001", "612 00 00 02", "n/a")
        self._tour("waba_launch_from_pipeline", "waba_salesperson")
        campaign = self.env["waba.campaign"].search([("user_id", "=", self.salesperson.id)])
        self.assertEqual(campaign.state, "preparing")
        self.assertEqual(campaign.audience_count, 3)

        self._prepare()
        self._tour("waba_follow_running", "waba_salesperson", f"/odoo/waba.campaign/{campaign.id}")
        self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertEqual(len(self.simulator.sends()), 2)
        self._statuses_come_in()
        self.assertEqual(campaign.read_count, 2)
        self.assertEqual(leads[0].waba_message_count, 2)
        self._tour("waba_follow_to_the_end", "waba_salesperson")

    def test_a_salesperson_launches_from_the_list(self):
        self._opportunities("+34 611 000 001", "+34 611 000 002")
        self._tour("waba_launch_from_list", "waba_salesperson")
        campaign = self.env["waba.campaign"].search([("user_id", "=", self.salesperson.id)])
        self.assertEqual(campaign.state, "draft")
        self.assertEqual(campaign.audience_count, 2)


@tagged("post_install", "-at_install")
class TestPhoneTours(TourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone_the_people_of_a_campaign_are_cards(self):
        leads = self._opportunities("+34 611 000 001", "n/a")
        self._launch(leads, user_id=self.salesperson.id)
        self._tour(
            "waba_read_on_a_phone",
            "waba_salesperson",
            "/odoo/action-waba_campaign.waba_message_action",
        )
