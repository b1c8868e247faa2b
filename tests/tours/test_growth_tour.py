"""The growth plan in the browser: what a manager reads, and the campaign made from it."""

from odoo import fields
from odoo.tests import tagged

from ..reputation.test_growth_plan import GrowthCase
from .test_tours import TourCase


class GrowthTourCase(TourCase, GrowthCase):
    def _story(self):
        """A started week at 2,000 a day, and more than enough opt-ins for half of it."""
        self._outside(1, delivered=30)
        _leads, people = self._opted_in(1200)
        for person in people[:2]:
            self._message(person.number, direction="in", state="received")
        for person in people[2:10]:
            self._message(person.number, state="read", read_at=fields.Datetime.now())


@tagged("post_install", "-at_install")
class TestGrowthTour(GrowthTourCase):
    browser_size = "1440x900"

    def test_a_manager_plans_the_next_level(self):
        self._story()
        self._tour("waba_plan_growth", "waba_manager")

    def test_without_a_portfolio_the_way_to_one_is_shown(self):
        self.account.company_id = self.env["res.company"].create({"name": "Elsewhere"})
        self._tour("waba_growth_without_portfolio", "waba_manager", "/odoo/whatsapp-growth")

    def test_quality_blocks_growth(self):
        self.sender.quality_rating = "red"
        self._tour("waba_growth_is_blocked", "waba_manager")


@tagged("post_install", "-at_install")
class TestGrowthTourOnAPhone(GrowthTourCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_quality_blocks_growth(self):
        self.sender.quality_rating = "yellow"
        self._tour("waba_growth_on_a_phone", "waba_manager", "/odoo/whatsapp-growth")
