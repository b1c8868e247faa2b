"""The reputation dashboard in the browser: what a manager reads, where each figure leads."""

from unittest.mock import patch

from odoo.tests import tagged

from ..common import NUMBER_ES
from ..reputation_case import ReputationCase
from .test_tours import TourCase


class DashboardTourCase(TourCase, ReputationCase):
    def setUp(self):
        super().setUp()
        # The MX number stays in sight beside it, without enough data.
        self.assertEqual(len(self.env["waba.sender"].search([])), 2)

    def _story(self):
        """Weeks of a well received offer; then a campaign that many leave, and Meta's Medium."""
        good = self._bare_campaign("Good offer")
        bad = self._bare_campaign("Last seats", audience_domain="[('id', '>', 0)]")
        for days_ago in range(3, 25):
            self._sent(days_ago, good, delivered=60, read=40, replied=5)
        self._sent(2, bad, delivered=700, read=200, opted_out=12)
        self._sent(1, good, sender=self.sender_mx, delivered=37, read=20)
        self._rate("yellow")
        messages = self.env["waba.message"].search([("opted_out_at", "!=", False)])
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": "opt_out",
                    "source": "webhook",
                    "message_id": message.id,
                    "at": message.opted_out_at,
                    "event_key": f"tour:{message.id}",
                }
                for message in messages
            ]
        )
        self._run_judge()

    def _rate(self, rating):
        """Meta changes its mind, and we ask."""
        self.simulator.post("number", id=NUMBER_ES, quality_rating=rating.upper())
        self.account._sync()


@tagged("post_install", "-at_install")
class TestReputationTour(DashboardTourCase):
    browser_size = "1440x900"

    def test_a_manager_reads_the_dashboard_and_follows_its_figures(self):
        self._story()
        self._tour("waba_read_reputation", "waba_manager")

    def test_a_manager_releases_a_number_from_it(self):
        self._story()
        self._rate("red")
        self._run_judge()
        self.assertTrue(self.sender.marketing_held)
        self._tour("waba_release_from_dashboard", "waba_manager")
        self.assertFalse(self.sender.marketing_held)
        self.assertIn("The bought list is deleted.", self._chatter(self.sender))

    def test_a_manager_fixes_what_needs_work(self):
        self._story()
        self.sender.alert_email = False
        self._tour("waba_fix_requirement", "waba_manager")
        self.assertTrue(self.sender.alert_email)

    def test_without_a_pdf_it_is_printed_from_a_page(self):
        reports = type(self.env["ir.actions.report"])
        with patch.object(reports, "get_wkhtmltopdf_state", lambda self: "install"):
            self._tour("waba_print_reputation", "waba_manager")

    def test_before_anything_was_sent_it_teaches_the_first_step(self):
        self._tour("waba_first_reputation", "waba_manager")

    def test_before_anything_is_connected_it_leads_there(self):
        self.env["waba.sender"].search([]).active = False
        self._tour("waba_connect_from_reputation", "admin")

    def test_a_salesperson_has_no_menu_to_it(self):
        self._tour("waba_no_reputation_for_salespeople", "waba_salesperson")


@tagged("post_install", "-at_install")
class TestReputationPhoneTour(DashboardTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone_it_stacks_and_nothing_hangs_over(self):
        self._story()
        self._tour("waba_reputation_on_a_phone", "waba_manager", "/odoo/whatsapp-reputation")
