"""A manager reads what a campaign cost and its outcome, in the browser."""

from contextlib import nullcontext

from odoo.tests import HttpCase, tagged

from ..analytics.test_money_tab import TabCase

WHOLE_TOUR = 100_000


@tagged("post_install", "-at_install")
class TestMoneyTour(TabCase, HttpCase):
    browser_size = "1440x900"

    def enter_registry_test_mode(self):
        # An HttpCase is in this mode all along.
        return nullcontext()

    def test_a_manager_reads_the_money(self):
        self._rate(0.05)
        campaign = self._campaign_of(6, replied=3, won=2)
        self._count()
        self.start_tour(
            f"/odoo/waba.campaign/{campaign.id}", "waba_money", login="waba_manager",
            timeout=WHOLE_TOUR,
        )  # fmt: skip
