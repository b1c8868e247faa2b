"""The pre-flight: each line passes, warns and stops on real people, and names the right rows."""

import json
import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError

from ...models.campaign.preflight import waba_campaign_outlook as waba_campaign_dry_run
from ...models.campaign.preflight.preflight_texts import SENTENCES
from ...policy import preflight
from ..common import ROOT, WabaCase

PAYLOADS = ROOT / "tests" / "payloads"
CASES = {}


def case(line, level):
    """A method that makes a world in which `line` says `level`.

    It returns (campaign, records that the line names or None, what its sentence says).
    """

    def keep(function):
        CASES[line, level] = function
        return function

    return keep


class PreflightCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.env.company.waba_quiet_hours = False

    def _line(self, campaign, line, **more):
        """The Check of a line, the first of several."""
        found = [check for check in campaign._preflight_report().checks if check.line == line]
        self.assertTrue(found, f"no line {line}")
        return found[0]

    def _levels(self, campaign):
        return {check.line: check.level for check in campaign._preflight_report().checks}

    def _opt_in(self, leads):
        people = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, leads.mapped("phone_sanitized")
        )
        for person in people.values():
            person._set_marketing_state("opted_in", "person", "A form.")
        return people

    def _written_to(self, leads, days, **values):
        """These people got a message so many days ago."""
        at = fields.Datetime.now() - timedelta(days=days)
        for lead in leads:
            self._message(
                lead.phone_sanitized, "delivered", accepted_at=at, delivered_at=at, **values
            )

    def _past_campaign(self, delivered, opted_out, first=77_000_000):
        campaign = self._campaign(self._leads(1, start=900_000), name="Before")
        campaign._start_launch()
        numbers = [f"+346{index:08d}" for index in range(first, first + delivered)]
        people = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, numbers)
        now = fields.Datetime.now()
        self.env["waba.message"].create(
            [
                {
                    "account_id": self.account.id,
                    "sender_id": self.sender.id,
                    "company_id": self.env.company.id,
                    "campaign_id": campaign.id,
                    "recipient_id": people[number].id,
                    "number": number,
                    "template_id": self.template.id,
                    "category": "marketing",
                    "state": "delivered",
                    "opted_out_at": now if index < opted_out else False,
                }
                for index, number in enumerate(numbers)
            ]
        )
        campaign.sudo().state = "done"
        return campaign


class WorldCase(PreflightCase):
    """The worlds of `CASES`."""

    @case("reach", "pass")
    def _reach_pass(self):
        leads = self._leads(3)
        return self._campaign(leads), leads, "3 of 3 will receive it"

    @case("reach", "stop")
    def _reach_stop(self):
        return (
            self._campaign(self._lead("n/a")),
            None,
            "0 of 1 will receive it. Main reason for 1: Invalid phone number",
        )

    @case("left_out", "pass")
    def _left_out_pass(self):
        return self._campaign(self._leads(3)), None, "No one is excluded .0 of 3"

    @case("left_out", "warn")
    def _left_out_warn(self):
        leads, other = self._leads(2), self._lead("n/a")
        return (
            self._campaign(leads | other),
            other,
            "1 of 3 excluded",
        )

    @case("template", "pass")
    def _template_pass(self):
        return self._campaign(self._leads(1)), None, "approved, with a High quality rating"

    @case("template", "warn")
    def _template_warn(self):
        self.template.quality_score = "yellow"
        return self._campaign(self._leads(1)), None, "a Medium quality rating"

    @case("template", "stop")
    def _template_stop(self):
        campaign = self._campaign(self._leads(1))
        self.template._set_status("paused", "FIRST_PAUSE")
        return campaign, None, "Paused by Meta"

    @case("category", "pass")
    def _category_pass(self):
        return self._campaign(self._leads(1)), None, "Approved as a promotion"

    @case("category", "warn")
    def _category_warn(self):
        self._take_category_warning(self.utility_template)
        campaign = self._campaign(self._leads(1), template_id=self.utility_template.id)
        return campaign, None, "from Service message to Promotion"

    def _take_category_warning(self, template):
        body = json.loads((PAYLOADS / "template_category_warning.json").read_text())["body"]
        value = body["entry"][0]["changes"][0]["value"]
        value.update(
            message_template_id=int(template.template_uid),
            message_template_name=template.name,
            message_template_language=template.language,
        )
        self._receive(body)

    @case("way_out", "pass")
    def _way_out_pass(self):
        return self._campaign(self._leads(1)), None, "Has an opt-out button"

    @case("way_out", "warn")
    def _way_out_warn(self):
        self.utility_template.category = "marketing"
        campaign = self._campaign(self._leads(1), template_id=self.utility_template.id)
        return campaign, None, "no opt-out option"

    @case("sender", "pass")
    def _sender_pass(self):
        return self._campaign(self._leads(1)), None, "can send: quality rating High"

    @case("sender", "warn")
    def _sender_warn(self):
        self.sender.quality_rating = "yellow"
        return self._campaign(self._leads(1)), None, "has a Medium quality rating"

    @case("sender", "stop")
    def _sender_stop(self):
        self.sender.quality_rating = "red"
        return self._campaign(self._leads(1)), None, "rating is Low. They resume when"

    def _multilingual(self, leads):
        campaign = self._campaign(leads, by_language=True)
        for line in campaign.language_ids.variable_ids.filtered(lambda line: line.kind == "text"):
            line.text = "translated"
        return campaign

    @case("languages", "pass")
    def _languages_pass(self):
        campaign = self._multilingual(self._leads(2) | self._lead("+44 7400 123456"))
        return campaign, None, "Recipients by language: Spanish 2, English 1"

    @case("languages", "warn")
    def _languages_warn(self):
        campaign = self._multilingual(self._leads(2))
        campaign.variable_ids[1].text = campaign.language_ids.variable_ids[1].text
        return campaign, None, "same text in several languages"

    @case("personal", "pass")
    def _personal_pass(self):
        return self._campaign(self._leads(2)), None, "Personalised for all 2"

    def _by_city(self, leads):
        campaign = self._campaign(leads)
        campaign.variable_ids[:1].write({"source": "field", "field_path": "city"})
        return campaign

    @case("personal", "warn")
    def _personal_warn(self):
        leads = self._leads(20)
        leads[:10].city = "Madrid"
        campaign = self._by_city(leads)
        campaign.variable_ids[:1].fallback = "amigo"
        return campaign, leads[10:], "10 of 20 recipients see a fallback text"

    @case("personal", "stop")
    def _personal_stop(self):
        leads = self._leads(20)
        leads[:10].city = "Madrid"
        return (
            self._by_city(leads),
            leads[10:],
            r"10 of 20 are excluded because \{\{1\}\} is empty for them",
        )

    @case("consent", "pass")
    def _consent_pass(self):
        leads = self._leads(2)
        self._opt_in(leads)
        return self._campaign(leads), None, "All 2 recipients have an opt-in on record"

    @case("consent", "warn")
    def _consent_warn(self):
        leads = self._leads(3)
        self._opt_in(leads[:1])
        return self._campaign(leads), leads[1:], "2 of 3 recipients have no opt-in on record"

    @case("consent", "stop")
    def _consent_stop(self):
        self.env.company.waba_opt_in_required = True
        leads = self._leads(2)
        return self._campaign(leads), leads, "0 of 2 have an opt-in"

    def _topic(self, name="Offers"):
        return self.env["waba.topic"].create({"name": name})

    def _say_about(self, topic, lead, action):
        self.env["waba.recipient"]._opt_in_from_form(
            lead.phone, "marketing", "Form", "At the shop on Monday", action=action, topic=topic
        )

    @case("topic", "pass")
    def _topic_pass(self):
        topic, leads = self._topic(), self._leads(4)
        self._opt_in(leads[:1])
        self._say_about(topic, leads[1], "opt_out")
        self._say_about(topic, leads[2], "opt_in")
        words = "2 of 3 recipients opted in to Offers or .*, 1 did not. 1 of 4 opted out of it"
        return self._campaign(leads, topic_id=topic.id), None, words

    @case("topic", "warn")
    def _topic_warn(self):
        topic, leads = self._topic(), self._leads(3)
        self._say_about(topic, leads[1], "opt_out")
        return self._campaign(leads), leads[1], "1 of 3 recipients have opted out of a topic"

    @case("countries", "pass")
    def _countries_pass(self):
        return self._campaign(self._leads(2)), None, "countries of all 2 recipients"

    @case("countries", "warn")
    def _countries_warn(self):
        self.env.company.waba_us_marketing_left_out = False
        leads, other = self._leads(2), self._lead("+1 212 555 0123")
        return self._campaign(leads | other), other, "1 of 3 have a US number"

    @case("countries", "stop")
    def _countries_stop(self):
        cuba = self.env["crm.lead"].concat(
            *(self._lead(f"+53 5 234 56{index:02d}") for index in range(10))
        )
        return self._campaign(self._leads(2) | cuba), cuba, r"10 of 12 are in countries .*\(Cuba\)"

    @case("risk", "pass")
    def _risk_pass(self):
        past = self._past_campaign(200, 0)
        return self._campaign(self._leads(100)), past, "0–2 opt-outs .* 0% of 200 delivered"

    @case("risk", "warn")
    def _risk_warn(self):
        past = self._past_campaign(200, 3)
        return self._campaign(self._leads(10)), past, "1.5% of 200 delivered"

    @case("risk", "stop")
    def _risk_stop(self):
        past = self._past_campaign(200, 20)
        return self._campaign(self._leads(10)), past, "10% of 200 delivered"

    @case("start", "pass")
    def _start_pass(self):
        return self._campaign(self._leads(2)), None, "starts right away"

    @case("start", "warn")
    def _start_warn(self):
        self._use_limit(1)
        return self._campaign(self._leads(2)), None, r"before .*\. The daily limit is used: 1 of 1"

    def _use_limit(self, people, hours=9):
        """So many people fill the daily limit; their slots free in so many hours."""
        self.portfolio.daily_cap = people
        found = self._opt_in(self._leads(people, start=50_000))
        for person in found.values():
            person.slot_at = fields.Datetime.now() - timedelta(hours=24 - hours)

    @case("duration", "pass")
    def _duration_pass(self):
        return self._campaign(self._leads(2)), None, "All 2 messages are sent by"

    @case("duration", "warn")
    def _duration_warn(self):
        self.portfolio.daily_cap = 1
        return self._campaign(self._leads(3)), None, r"Sending takes 3 days, .*\(daily limit 1\)"

    @case("duration", "stop")
    def _duration_stop(self):
        self.portfolio.followup_share = 1.0
        return self._campaign(self._leads(2)), None, "2 recipients are never messaged"

    @case("new_contacts", "pass")
    def _new_contacts_pass(self):
        leads = self._leads(2)
        self._written_to(leads, 5)
        return self._campaign(leads), None, "All 2 recipients have been contacted before"

    @case("new_contacts", "warn")
    def _new_contacts_warn(self):
        leads = self._leads(3)
        self._written_to(leads[:1], 5)
        return self._campaign(leads), leads[1:], "2 of 3 recipients were never contacted"

    @case("new_contacts", "stop")
    def _new_contacts_stop(self):
        leads = self._leads(preflight.MANY_NEW_CONTACTS)
        return self._campaign(leads), leads, "1,000 of 1,000 recipients were never contacted"

    @case("hours", "pass")
    def _hours_pass(self):
        return self._campaign(self._leads(2)), None, r"No one is in quiet hours .*\(0 of 2\)"

    @case("hours", "warn")
    def _hours_warn(self):
        leads = self._leads(2)
        self.env.company.write(
            {"waba_quiet_hours": True, "waba_quiet_from": 0, "waba_quiet_until": 24}
        )
        # In Spain it is night, in Mexico, where the first one lives, it is not.
        return self._with_quiet_hours_in_spain(leads)

    def _with_quiet_hours_in_spain(self, leads):
        local = fields.Datetime.context_timestamp(
            self.env.user.with_context(tz="Europe/Madrid"), fields.Datetime.now()
        )
        hour = local.hour + local.minute / 60
        self.env.company.write(
            {"waba_quiet_from": (hour - 1) % 24, "waba_quiet_until": (hour + 1) % 24}
        )
        abroad = self._lead("+52 55 1234 5678", country_id=self.env.ref("base.mx").id)
        return self._campaign(leads | abroad), leads, "2 of 3 recipients are in quiet hours"

    @case("inactive", "pass")
    def _inactive_pass(self):
        leads = self._leads(2)
        self._written_to(leads[:1], 5)
        self._written_to(leads[1:], 400, read_at=fields.Datetime.now())
        return self._campaign(leads), None, "0 of 2"

    @case("inactive", "warn")
    def _inactive_warn(self):
        leads = self._leads(2)
        self._written_to(leads[:1], 181)
        return self._campaign(leads), leads[:1], "1 of 2 recipients inactive"

    def _priced(self, bid, **prices):
        """A campaign whose promotions go by the Marketing Messages API with these prices."""
        self.account.write({"promotions_by": "marketing_api", "marketing_onboarding": "ONBOARDED"})
        self.template.max_price_bid = bid
        campaign = self._campaign(self._leads(2))
        campaign.price_ids = [
            fields.Command.create(
                {"country_id": self.env.ref(f"base.{code}").id, "max_price": price}
            )
            for code, price in prices.items()
        ]
        return campaign

    @case("price", "pass")
    def _price_pass(self):
        campaign = self._priced(6000, es=0.05)
        campaign.price_ids._refresh_estimates(fields.Datetime.now())
        return campaign, None, r"At most Spain: 0\.05 EUR per message\. Meta's estimate: Spain: \d"

    @case("price", "warn")
    def _price_warn(self):
        return self._priced(4000, es=0.05), None, r"At most 0\.04 EUR per message"

    @case("price", "stop")
    def _price_stop(self):
        return self._priced(0, es=0.05), None, "has no maximum price at Meta"

    @case("cost", "pass")
    def _cost_pass(self):
        self.env["waba.rate"].create(
            {"market": "Spain", "amount": 0.05, "valid_from": "2026-01-01",
             "country_ids": self.env.ref("base.es").ids}
        )  # fmt: skip
        return self._campaign(self._leads(4)), None, r"About .*0\.20.* for 4 messages"

    @case("cost", "warn")
    def _cost_warn(self):
        return self._campaign(self._leads(4)), None, r"Cost unknown: .* 4 messages \(Spain\)"

    @case("budget", "pass")
    def _budget_pass(self):
        self._cost_pass()
        campaign = self._campaign(self._leads(4), budget=0.2)
        return campaign, None, r"covers all 4 messages: at most .*0\.20.* of .*0\.20.* left"

    @case("budget", "warn")
    def _budget_warn(self):
        self._cost_pass()
        return self._campaign(self._leads(4), budget=0.19), None, "covers about 3 of 4 messages"


class TestLines(WorldCase):
    def test_each_line_has_a_case_for_each_of_its_levels(self):
        declared = {(line, level) for line, known in preflight.LINES.items()
                    for level in known.levels}  # fmt: skip
        self.assertEqual(set(CASES), declared)

    def test_each_line_at_each_of_its_levels_names_the_right_rows(self):
        for (line, level), make in CASES.items():
            with self._case(f"{line}: {level}"):
                campaign, records, words = make(self)
                check = self._line(campaign, line)
                self.assertEqual((check.level, check.line), (level, line), check.sentence)
                self.assertRegex(check.sentence, words)
                if records is not None:
                    self.assertEqual(check.records, records)
                if level == "stop":
                    self.assertEqual(
                        check.can_be_overridden, preflight.can_be_overridden(line, check.case)
                    )
                    with self.assertRaisesRegex(UserError, re.escape(check.sentence[:40])):
                        campaign.action_launch()
                    self.assertEqual(campaign.state, "draft")


class TestDryRun(PreflightCase):
    def test_it_counts_what_the_preparation_makes_and_leaves_no_trace(self):
        leads = self._leads(4)
        self.env["phone.blacklist"]._add([leads[0].phone_sanitized])
        twin = self._lead(leads[1].phone)
        ours = self._lead(self.sender.number)
        campaign = self._campaign(leads | twin | ours | self._lead("n/a") | self._lead(False))
        before = self.env["waba.recipient"].search_count([])
        run = campaign._dry_run()
        self.assertEqual(self.env["waba.recipient"].search_count([]), before)
        self.assertFalse(self._rows(campaign))
        campaign._start_launch()
        self._prepare()
        made = {}
        for row in self._rows(campaign, "skipped"):
            made.setdefault(row.failure_type, []).append(row.res_id)
        self.assertEqual(run.left_out, made)
        self.assertEqual(
            set(made), {"blacklisted", "duplicate", "invalid_number", "no_number", "own_number"}
        )
        self.assertEqual(
            [one.record_id for one in run.receiving],
            [row.res_id for row in self._rows(campaign) if row.state != "skipped"],
        )

    def test_a_number_of_ours_is_told_before_the_launch(self):
        ours = self._lead("600 000 001")
        check = self._line(self._campaign(self._leads(2) | ours), "left_out")
        self.assertEqual((check.level, check.records), ("warn", ours))
        [part] = check.parts
        self.assertEqual((part.key, part.count, part.records), ("own_number", 1, ours))

    def test_an_opt_out_given_elsewhere_counts(self):
        lead = self._leads(2)
        other = self.env["waba.portfolio"].create({"name": "Other"})
        person = self.env["waba.recipient"]._find_or_create_by_number(
            other, [lead[0].phone_sanitized]
        )
        next(iter(person.values()))._set_marketing_state("opted_out", "person", "No.")
        self.assertEqual(self._campaign(lead)._dry_run().left_out, {"opted_out": lead[0].ids})

    def test_a_salesperson_counts_the_leads_they_see(self):
        own = self._salesperson_of_own()
        leads = self._leads(3)
        leads[0].user_id = own
        (leads - leads[0]).user_id = self.salesperson
        campaign = self._campaign(leads, user_id=own.id).with_user(own)
        self.assertEqual(self._line(campaign, "reach").records, leads[0].with_user(own))


class TestOutlook(PreflightCase):
    def test_other_campaigns_and_the_follow_ups_share_are_counted(self):
        self.portfolio.write({"daily_cap": 10, "followup_share": 0.2})
        self._campaign(self._leads(20, start=500))._start_launch()
        check = self._line(self._campaign(self._leads(8)), "duration")
        self.assertIn("daily limit 10, 2 kept for follow-ups, 20 messages of other", check.sentence)
        self.assertIn("Sending takes 4 days", check.sentence)

    def test_a_cost_in_another_currency_is_converted_when_its_rate_is_known(self):
        home = self.env.company.currency_id
        other = self.env.ref("base.USD") if home.name != "USD" else self.env.ref("base.EUR")
        other.active = True
        other.rate_ids.unlink()
        self.env["waba.rate"].create(
            {"market": "Rest", "amount": 0.05, "valid_from": "2026-01-01",
             "currency_id": other.id}
        )  # fmt: skip
        campaign = self._campaign(self._leads(4))
        self.assertNotIn("≈", self._line(campaign, "cost").sentence)
        self.env["res.currency.rate"].create(
            {"currency_id": other.id, "rate": 2.0, "name": "2026-01-01"}
        )
        self.assertRegex(self._line(campaign, "cost").sentence, r"0\.20.*≈.*0\.10")

    def test_what_the_same_people_made_of_it_says_most(self):
        past = self._past_campaign(200, 20)
        others = self._past_campaign(400, 0, first=78_000_000)
        again = self.env["crm.lead"].concat(
            *(self._lead(row.number) for row in self._rows(past, "delivered")[50:150])
        )
        cases = [
            ("the same people", again, past, "10% of 200 .*to these recipients: 1"),
            (
                "half of them",
                again[:30] | self._leads(30),
                past,
                "10% of 200 .*these recipients: 1",
            ),
            ("few of them", again[:30] | self._leads(40), past | others, "with this template: 2"),
        ]
        for what, leads, campaigns, words in cases:
            with self._case(what):
                check = self._line(self._campaign(leads), "risk")
                self.assertEqual(check.records, campaigns)
                self.assertRegex(check.sentence, words)

    def test_thin_data_foresees_nothing(self):
        self._past_campaign(199, 50)
        report = self._campaign(self._leads(10))._preflight_report()
        self.assertIsNone(report.expected)
        risk = next(check for check in report.checks if check.line == "risk")
        self.assertRegex(risk.sentence, "199 of 200 messages delivered")


class TestWords(PreflightCase):
    def test_each_case_has_a_sentence(self):
        from ..policy.test_policy_preflight import CASES as JUDGED

        self.assertEqual(set(SENTENCES), set(JUDGED))
        for line, cases in JUDGED.items():
            with self.subTest(line):
                self.assertEqual({known[3] for known in cases}, set(SENTENCES[line]))

    def test_a_sentence_says_it_in_two_at_most(self):
        for line, cases in SENTENCES.items():
            for case_, lazy in cases.items():
                with self.subTest(line=line, case=case_):
                    parts = [part for part in str(lazy).split(". ") if part]
                    self.assertLessEqual(len(parts), 2)

    def test_the_worst_comes_first(self):
        self.sender.quality_rating = "red"
        checks = self._campaign(self._leads(2))._preflight_report().checks
        levels = [check.level for check in checks]
        self.assertEqual(levels, sorted(levels, key=("stop", "warn", "pass").index))
        self.assertEqual(levels[0], "stop")


class DialogCase(WorldCase):
    def _open(self, campaign):
        action = campaign.action_preflight()
        self.assertEqual(action["target"], "new")
        return self.env["waba.preflight"].with_user(campaign.env.user).browse(action["res_id"])

    def _mine(self, records, **values):
        campaign = self._campaign(records, user_id=self.salesperson.id, **values)
        return campaign.with_user(self.salesperson)


class TestDialog(DialogCase):
    def test_show_opens_exactly_the_rows(self):
        leads, other = self._leads(2), self._lead("n/a")
        wizard = self._open(self._mine(leads | other))
        line = wizard.line_ids.filtered(lambda line: line.reason_key == "invalid_number")
        shown = line.action_show()["params"]
        self.assertEqual(self.env[shown["model"]].search(shown["domain"]), other)

    def test_exclude_takes_them_off_the_audience(self):
        leads = self._leads(3)
        self._opt_in(leads[:2])
        campaign = self._mine(leads)
        line = self._open(campaign).line_ids.filtered(lambda line: line.line == "consent")
        line.action_exclude()
        self.assertEqual(campaign._audience_records().search(campaign._audience_domain_list()),
                         leads[:2])  # fmt: skip
        self.assertEqual(self._levels(campaign)["consent"], "pass")

    def test_of_a_huge_audience_the_first_are_counted_and_that_is_said(self):
        wrong = self._lead("n/a")
        campaign = self._mine(wrong | self._leads(7))
        with patch.object(waba_campaign_dry_run, "DRY_RUN_RECORDS", 4):
            wizard = self._open(campaign)
        self.assertIn("6 of 8 will receive it", wizard.summary)
        self.assertIn("counted on the first 4 of 8", wizard.summary)
        reach = wizard.line_ids.filtered(lambda line: line.line == "reach")
        self.assertIn("3 of 4 will", reach.sentence)
        self.assertNotIn("counted on the first", self._open(campaign).summary)

    def test_the_summary_says_how_many_how_much_and_until_when(self):
        self._past_campaign(200, 3)
        self.env["waba.rate"].create({"market": "Rest", "amount": 0.05,
                                      "valid_from": "2026-01-01"})  # fmt: skip
        wizard = self._open(self._mine(self._leads(10) | self._lead("n/a")))
        self.assertRegex(
            wizard.summary,
            r"^10 of 11 will receive it · done by .* · about .*0\.50.* · 0–1 opt-outs expected$",
        )

    def test_launch_launches(self):
        campaign = self._mine(self._leads(2))
        wizard = self._open(campaign)
        self.assertTrue(wizard.can_launch)
        wizard.action_launch()
        self.assertEqual(campaign.state, "preparing")

    def test_a_dialog_opened_before_a_change_does_not_launch_over_a_stop(self):
        campaign = self._mine(self._leads(2))
        wizard = self._open(campaign)
        self.sender.quality_rating = "red"
        with self.assertRaisesRegex(UserError, "The pre-flight check blocks this campaign"):
            wizard.action_launch()
        self.assertEqual(campaign.state, "draft")

    def test_a_colleagues_dialog_is_not_read(self):
        wizard = self._open(self._mine(self._leads(2)))
        with self.assertRaises(AccessError):
            wizard.with_user(self.manager).read(["summary"])
        with self.assertRaises(AccessError):
            wizard.line_ids[0].with_user(self.manager).action_show()


class TestOverride(DialogCase):
    def _stopped(self):
        campaign = self._mine(self._leads(2))
        self.sender.quality_rating = "red"
        return campaign

    def _manager_opens(self, campaign):
        return self._open(campaign.with_user(self.manager))

    def test_a_manager_lets_it_go_with_a_reason_and_the_salesperson_launches(self):
        campaign = self._stopped()
        mine = self._open(campaign)
        self.assertEqual((mine.can_launch, mine.can_override, mine.can_ask), (False, False, True))
        wizard = self._manager_opens(campaign)
        self.assertTrue(wizard.can_override)
        with self.assertRaisesRegex(UserError, "Enter a reason"):
            wizard.action_override()
        wizard.reason = "The rating is being reviewed."
        wizard.action_override()
        self.assertEqual(campaign.state, "draft")
        self.assertEqual(campaign.override_by_id, self.manager)
        self.assertEqual(campaign.override_lines, "sender.held")
        chatter = self._chatter(campaign)
        self.assertIn("The rating is being reviewed.", chatter)
        self.assertIn("is Low", chatter)
        self._open(campaign).action_launch()
        self.assertEqual((campaign.state, campaign.launched_by_id),
                         ("preparing", self.salesperson))  # fmt: skip

    def test_a_managers_own_is_launched_with_the_reason(self):
        self.sender.quality_rating = "red"
        campaign = self._campaign(self._leads(2), user_id=self.manager.id)
        wizard = self._manager_opens(campaign)
        wizard.reason = "Agreed with Meta."
        wizard.action_override()
        self.assertEqual(campaign.state, "preparing")

    def test_a_salesperson_cannot_override_by_any_way(self):
        campaign = self._stopped()
        wizard = self._open(campaign)
        wizard.reason = "Please."
        with self.assertRaisesRegex(AccessError, "Only a manager"):
            wizard.action_override()
        for values in ({"override_reason": "x"}, {"launch_mark": "x"}, {"override_lines": "x"},
                       {"approval_state": "approved"}):  # fmt: skip
            with self.subTest(values), self.assertRaises(AccessError):
                campaign.write(values)
        with self.assertRaisesRegex(UserError, "pre-flight check blocks"):
            campaign.action_launch()

    def test_a_reason_covers_what_it_was_given_for_and_nothing_else(self):
        for name, change in {
            "audience": lambda one: one.write({"audience_domain": "[]"}),
            "time": lambda one: one.write({"scheduled_at": "2030-01-01 10:00:00"}),
            "number": lambda one: one.write({"sender_id": self.sender_mx.id}),
            "text": lambda one: one.variable_ids[:1].write({"fallback": "amigo"}),
            "template": lambda one: one.write({"template_id": self.utility_template.id}),
        }.items():
            with self._case(name):
                campaign = self._stopped()
                wizard = self._manager_opens(campaign)
                wizard.reason = "Agreed."
                wizard.action_override()
                self.assertTrue(campaign.override_reason)
                change(campaign)
                self.assertFalse(campaign.override_reason)
                self.assertIn("Override withdrawn", self._chatter(campaign))

    def test_another_stop_than_the_one_named_still_stops(self):
        campaign = self._stopped()
        wizard = self._manager_opens(campaign)
        wizard.reason = "Agreed."
        wizard.action_override()
        self.portfolio.followup_share = 1.0
        with self.assertRaisesRegex(UserError, "never messaged"):
            campaign.action_launch()

    def test_no_reason_overrides_what_cannot_work(self):
        campaign = self._stopped()
        self.template._set_status("paused")
        wizard = self._manager_opens(campaign)
        self.assertFalse(wizard.can_override)
        wizard.reason = "Whatever."
        with self.assertRaisesRegex(UserError, "This cannot be overridden"):
            wizard.action_override()


class TestSchedule(PreflightCase):
    def _scheduled(self):
        at = fields.Datetime.now() + timedelta(hours=2)
        campaign = self._campaign(self._leads(2), scheduled_at=at, user_id=self.salesperson.id)
        campaign.with_user(self.salesperson).action_launch()
        self.assertEqual(campaign.state, "scheduled")
        return campaign

    def test_a_new_stop_at_the_start_holds_it_until_it_is_mended(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            self.sender.quality_rating = "red"
            move(2 * 3600 + 1)
            self._prepare()
            self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "preflight"))
            self.assertIn("is Low", campaign.hold_reason)
            with self.assertRaisesRegex(UserError, "pre-flight check blocks"):
                campaign.with_user(self.salesperson).action_resume()
            self.sender.quality_rating = "green"
            campaign.with_user(self.salesperson).action_resume()
            self._prepare()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))

    def test_what_was_stopped_at_the_start_goes_back_to_draft(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            self.sender.quality_rating = "red"
            move(2 * 3600 + 1)
            self._prepare()
            campaign.with_user(self.salesperson).action_back_to_draft()
            self.assertEqual((campaign.state, campaign.pause_reason), ("draft", False))
            campaign.with_user(self.salesperson).audience_domain = "[]"

    def test_a_template_approved_again_after_the_time_does_not_skip_the_check(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            self.template._set_status("paused")
            move(2 * 3600 + 1)
            self._prepare()
            self.assertEqual(campaign.pause_cause, "template")
            self.portfolio.followup_share = 1.0
            self.template._set_status("approved")
            self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "preflight"))
