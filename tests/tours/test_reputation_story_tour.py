"""A number's rise, fall and return as a manager sees it: the dashboard at the story's moments."""

from odoo.tests import tagged

from .test_reputation_tour import DashboardTourCase


@tagged("post_install", "-at_install")
class TestStoryTour(DashboardTourCase):
    browser_size = "1440x900"

    def _template_rated(self, quality):
        """Meta's webhook, posted to our address over HTTP."""
        self.simulator.post("delivery", url=self.account.webhook_url)
        self._change_template("autumn_offer", language="es", quality=quality.upper())
        with self.allow_requests(all_requests=True):
            self.simulator.post("flush", hurry=True)
        self._apply_webhooks()
        self.assertEqual(self.template.quality_score, quality)

    def test_the_dashboard_follows_a_number_down_and_up_again(self):
        club = self._bare_campaign(
            "Club: early access", template_id=self._template("welcome_back", "es").id
        )
        for days_ago in range(3, 25):
            self._sent(days_ago, club, delivered=60, read=40, replied=5)
        self._rate("green")
        self._run_judge()
        self._tour("waba_story_healthy", "waba_manager")

        bad = self._bare_campaign("Last seats")
        self._sent(1, bad, delivered=700, read=150, opted_out=12)
        self._run_judge()
        self._template_rated("yellow")
        self._rate("yellow")
        self._run_judge()
        self._tour("waba_story_slowed", "waba_manager")

        self._template_rated("red")
        self._rate("red")
        self._run_judge()
        self._tour("waba_story_released", "waba_manager")
        self.assertEqual(self.sender.response_key, "released")

        self._rate("green")
        self._template_rated("green")
        self._run_judge()
        self._tour("waba_story_recovered", "waba_manager")
