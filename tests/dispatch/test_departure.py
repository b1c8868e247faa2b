"""When a message leaves that does not leave at once: said with its reason."""

from datetime import timedelta

from odoo import fields

from ..common import WabaCase


class TestDeparture(WabaCase):
    def setUp(self):
        super().setUp()
        lines = self.template.variable_ids
        lines.filtered(lambda line: not line._is_complete()).write({"text": "sofas"})

    def _queued(self, lead=None, template=None):
        return self.env["waba.message"]._queue_direct(
            self.sender, lead or self._leads(1), origin="manual",
            template=template or self.utility_template,
        )  # fmt: skip

    def _use_limit(self, people, hours):
        """So many people fill the daily limit; the first slot frees in so many hours."""
        self.portfolio.daily_cap = people
        found = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, [f"+346110555{index:02d}" for index in range(people)]
        )
        for index, person in enumerate(found.values()):
            person.slot_at = fields.Datetime.now() - timedelta(hours=24 - hours - index)

    def test_it_leaves_at_once_unless_something_delays_it(self):
        self.assertFalse(self._queued()._delay_text())

    def test_a_used_limit(self):
        self._use_limit(2, 5)
        row = self._queued()
        self.assertRegex(
            row._delay_text(),
            r"^Leaves .*\d:\d\d\s[AP]M\. The daily limit is used: 2 of 2 recipients",
        )
        self.assertEqual(row._reason_text(), row._delay_text())
        delay = row._queue_delay()
        five = fields.Datetime.now() + timedelta(hours=5)
        self.assertAlmostEqual(delay.at, five, delta=timedelta(minutes=2))

    def test_who_was_queued_before_goes_first(self):
        self._use_limit(2, 5)
        leads = self._leads(2)
        first, second = self._queued(leads[0]), self._queued(leads[1])
        self.assertAlmostEqual(
            second._queue_delay().at - first._queue_delay().at,
            timedelta(hours=1),
            delta=timedelta(minutes=2),
        )

    def test_who_needs_no_slot_waits_for_none(self):
        lead = self._leads(1)
        row = self._queued(lead)
        self._use_limit(2, 5)
        row.recipient_id.slot_at = fields.Datetime.now() - timedelta(hours=1)
        self.assertFalse(row._delay_text())

    def test_what_stops_the_number_the_template_or_the_message(self):
        hour = fields.Datetime.now() + timedelta(hours=1)
        cases = {
            "a paused number": (lambda row: self.sender._pause("By Marta."), "^By Marta"),
            "a pause that ends": (
                lambda row: self.sender._pause("Maintenance.", until=hour),
                r"^Leaves .*\. Maintenance\.$",
            ),
            "promotions held": (
                lambda row: self.sender.write({"quality_rating": "red"}), "Low"
            ),
            "a held template": (
                lambda row: self.template.write({"quality_score": "red"}), "Autumn offer · Spanish"
            ),
            "quiet hours": (
                lambda row: row.write({"retry_at": hour, "wait_reason": "hours"}),
                r"^Leaves .*\. Quiet hours until then\.$",
            ),
            "frequency": (
                lambda row: row.write({"retry_at": hour, "wait_reason": "frequency"}),
                "Frequency cap reached",
            ),
            "a planned time": (lambda row: row.write({"retry_at": hour}), r"^Leaves [^.]*\.$"),
            "a possible opt-out": (
                lambda row: row.write({"retry_at": False, "wait_reason": "may_opt_out"}),
                "possible opt-out",
            ),
        }  # fmt: skip
        for name, (change, words) in cases.items():
            with self.subTest(name), self.cr.savepoint() as point:
                row = self._queued(template=self.template)
                self.assertEqual(row.state, "queued", row.failure_reason)
                change(row)
                self.assertRegex(row._delay_text(), words)
                point.rollback()
            self.env.invalidate_all()

    def test_of_what_is_no_longer_queued_nothing_is_said(self):
        row = self._queued()
        self._use_limit(2, 5)
        for state in ("accepted", "delivered", "failed", "skipped"):
            row.state = state
            self.assertFalse(row._delay_text())
