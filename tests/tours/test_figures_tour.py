"""Graphs and pivots in the browser: unknown is a gap or "–", and scores are not added."""

from contextlib import nullcontext

from odoo.tests import HttpCase, tagged

from ..analytics.test_figures import FiguresCase

WHOLE_TOUR = 100_000


@tagged("post_install", "-at_install")
class TestFiguresTour(FiguresCase, HttpCase):
    browser_size = "1440x900"

    def enter_registry_test_mode(self):
        # An HttpCase is in this mode all along.
        return nullcontext()

    def test_a_manager_reads_graphs_and_pivots(self):
        self.start_tour(
            "/odoo/action-waba_campaign.waba_sender_reputation_action", "waba_figures",
            login="waba_manager", timeout=WHOLE_TOUR,
        )  # fmt: skip
