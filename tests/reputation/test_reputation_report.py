"""The printed report: the dashboard's figures on paper, with their bases, for managers."""

from datetime import timedelta
from itertools import pairwise

from lxml import html
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..reputation_case import ReputationCase

REPORT = "waba_campaign.action_report_reputation"


class TestReputationReport(ReputationCase):
    def _print(self, sender=None, user=None):
        user = user or self.manager
        report = self.env["ir.actions.report"].with_user(user).with_context(lang=user.lang)
        content, kind = report._render_qweb_html(REPORT, (sender or self.sender).ids)
        self.assertEqual(kind, "html")
        return " ".join(html.fromstring(content).text_content().split())

    def _rated(self, days_ago, rating):
        at = fields.Datetime.now() - timedelta(days=days_ago)
        self.env["waba.reputation.event"]._record_events(
            [{"kind": "number_quality", "source": "poll", "sender_id": self.sender.id, "at": at,
              "effect": "neutral", "value_after": rating, "event_key": f"rated:{at}"}]
        )  # fmt: skip

    def _story(self):
        good = self._bare_campaign("Good offer")
        for days_ago in range(3, 30):
            self._sent(days_ago, good, delivered=100, read=70, replied=10)
        self._sent(2, self._bare_campaign("Last seats"), delivered=300, read=60, opted_out=24,
                   undeliverable=10)  # fmt: skip
        self._rated(20, "green")
        self._rated(2, "yellow")
        self.sender.write({"quality_rating": "yellow", "rated_at": fields.Datetime.now()})
        self._run_judge()

    def test_it_says_what_the_dashboard_says(self):
        self._story()
        text = self._print()
        data = (
            self.env["waba.sender"]
            .with_user(self.manager)
            .reputation_dashboard_data(sender_id=self.sender.id, days=30)
        )
        [card] = [card for card in data["cards"] if card["id"] == self.sender.id]
        said = [card["rating"]["label"], card["level"]["label"], card["reason"],
                card["limit"]["text"], f"{card['score']} of 100"]  # fmt: skip
        said += [step["text"] for step in data["funnel"] + data["losses"]]
        said += [part["label"] for part in data["evidence"]]
        said += [item["sentence"] for part in data["evidence"] for item in part["items"]]
        said += [suspect["sentence"] for suspect in data["suspects"]]
        said += [action["sentence"] for action in data["actions"]]
        self.assertTrue(data["suspects"])
        self.assertTrue(data["actions"])
        for words in said:
            with self.subTest(words):
                self.assertIn(" ".join(words.split()), text)
        self.assertIn("Last seats", text)
        # No share without what it is of.
        self.assertIn("of 3,000 delivered", text)

    def test_meta_s_rating_is_told_by_periods(self):
        self._story()
        report = self.env["report.waba_campaign.reputation_report"].with_user(self.manager)
        values = report._get_report_values(self.sender.ids)
        periods = values["reports"][self.sender.id]["ratings"]
        self.assertEqual([period["key"] for period in periods][-2:], ["green", "yellow"])
        self.assertEqual(periods[-1]["last"], fields.Date.today())
        for before, after in pairwise(periods):
            self.assertEqual(after["first"], before["last"] + timedelta(days=1))

    def test_a_number_that_sent_nothing_says_so(self):
        text = self._print()
        self.assertIn("No messages sent in this period", text)
        self.assertIn("Not enough data", text)
        self.assertNotIn("of 100", text)
        self.assertIn("None in this period", text)

    def test_an_archived_number_can_still_be_printed(self):
        self.sender.active = False
        self.assertIn(self.sender.display_phone_number, self._print())

    def test_several_numbers_are_one_report_each(self):
        text = self._print(self.sender + self.sender_mx)
        self.assertEqual(text.count("Day by day"), 2)

    def test_it_is_for_managers_of_the_company(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(self.env, "waba_report_stranger", company_id=company.id,
                                 groups="waba_campaign.waba_group_manager")  # fmt: skip
        report = self.env["report.waba_campaign.reputation_report"]
        for user in (self.salesperson, stranger):
            with self.subTest(user.login), self.assertRaises(AccessError):
                report.with_user(user)._get_report_values(self.sender.ids)

    def test_it_is_in_the_print_menu_of_managers_alone(self):
        def printed(user):
            bindings = self.env["ir.actions.actions"].with_user(user).get_bindings("waba.sender")
            return [action["id"] for action in bindings.get("report", [])]

        action = self.env.ref(REPORT)
        self.assertIn(action.id, printed(self.manager))
        self.assertNotIn(action.id, printed(self.salesperson))
