"""The pre-flight: the cause comes first, every fix fixes, nothing counts on an empty base."""

import re
from datetime import timedelta

from odoo import fields
from odoo.tests import Form

from ...policy import preflight
from ...wizard.waba_preflight import DIALOG_VIEWS, FIXES, PAGES
from .test_preflight import CASES, DialogCase

RANK = preflight.LEVELS.index


class FixCase(DialogCase):
    def _checks(self, campaign):
        return campaign._preflight_report().checks

    def _rank(self, campaign, line, key=""):
        """How bad this line, or this part of it, is now; -1 if it is gone."""
        checks = self._checks(campaign)
        checks += [part for check in checks for part in check.parts]
        found = [one for one in checks if (one.line, one.key) == (line, key)]
        return max((RANK(one.level) for one in found), default=-1)

    def _apply(self, line):
        """Do what the fix offers, as its user would."""
        action, campaign = line.action_fix(), line.preflight_id.campaign_id
        if line.mend in PAGES:
            self.assertEqual((action["type"], action["target"]), ("ir.actions.act_url", "new"))
            return self._change_page(line)
        params = action["params"]
        self.assertEqual(params["campaign_id"], campaign.id)
        record = self.env[params["model"]].browse(params["id"])
        with Form(record, view=self.env["ir.ui.view"].browse(params["view_id"])) as form:
            self._fill(form, line)
        return None

    def _fill(self, form, line):
        campaign = line.preflight_id.campaign_id
        if line.mend == "template":
            other = self.template if campaign.template_id != self.template else self.good
            form.template_id = other
        elif line.mend == "sender":
            form.sender_id = self.sender_mx if campaign.sender_id != self.sender_mx else self.sender
        elif line.mend == "topic":
            form.topic_id = self.env["waba.topic"].search([], limit=1)
        elif line.mend == "plan":
            form.scheduled_at = campaign._preflight_report().delay.at
        elif form.source in ("text", "link"):
            form.text = "sofas"
        else:
            form.fallback = "amigo"

    def _change_page(self, line):
        company = self.env.company
        if line.mend == "number":
            self.env["waba.sender"].browse(line.mend_id)._release("Reviewed.")
        elif line.mend == "limits":
            self.env["waba.portfolio"].browse(line.mend_id).followup_share = 0
        elif line.mend == "rates":
            category = line.preflight_id.campaign_id.category
            self.env["waba.rate"].create(
                {"market": "All", "amount": 1, "valid_from": "2026-01-01", "category": category}
            )
        elif line.reason_key == "frequency":
            company.waba_frequency_count = 0
        else:
            company.waba_us_marketing_left_out = True

    @property
    def good(self):
        """An approved template with an opt-out button and a High rating."""
        template = self._template("welcome_back", "es")
        template.quality_score = "green"
        return template


class TestEveryFixFixes(FixCase):
    def _lines(self, campaign):
        wizard = self._open(campaign)
        return wizard.line_ids.filtered(lambda line: line.level != "pass")

    def test_every_fix_of_every_line_lifts_what_it_is_offered_for(self):
        offered = set()
        for (name, level), make in {**CASES, **self._more_worlds()}.items():
            campaign = None
            with self._case(f"{name}: {level}"):
                campaign = make(self)[0]
                offered |= self._try_fixes(campaign)
        self.assertEqual(offered, set(dict(FIXES)))
        self.assertEqual(set(dict(FIXES)), set(DIALOG_VIEWS) | set(PAGES))

    def _try_fixes(self, campaign):
        offered = set()
        for line in self._lines(campaign).filtered("mend"):
            offered.add(line.mend)
            before = self._rank(campaign, line.line, line.reason_key or "")
            with self.subTest(line=line.line, fix=line.mend), self.cr.savepoint() as point:
                self._apply(line)
                after = self._rank(campaign, line.line, line.reason_key or "")
                self.assertLess(after, before, line.sentence)
                point.rollback()
            self.env.invalidate_all()
        return offered

    def _more_worlds(self):
        def frequency(self):
            self.env.company.write({"waba_frequency_count": 1, "waba_frequency_days": 7})
            leads = self._leads(2)
            at = fields.Datetime.now() - timedelta(days=1)
            self._written_to(leads[:1], 1, promoted_at=at)
            return (self._campaign(leads),)

        def missing(self):
            leads = self._leads(3)
            leads[0].city = "Madrid"
            return (self._by_city(leads),)

        def locked(self):
            (self.portfolio.account_ids.sender_ids - self.sender).active = False
            self.sender.quality_rating = "red"
            return (self._campaign(self._leads(1)),)

        return {
            ("frequency", "warn"): frequency,
            ("missing", "warn"): missing,
            ("only number", "stop"): locked,
            ("no template", "stop"): lambda self: (
                self._campaign(self._leads(1), template_id=False),
            ),
            ("no number", "stop"): lambda self: (self._campaign(self._leads(1), sender_id=False),),
            ("button", "stop"): lambda self: (self._without_button_text(self._leads(1)),),
        }

    def _without_button_text(self, leads):
        campaign = self._campaign(leads)
        campaign.variable_ids.filtered(lambda line: line.kind == "url").text = False
        return campaign

    def test_whom_exclude_excludes_no_longer_stands_there(self):
        for (name, level), make in CASES.items():
            if level == "pass":
                continue
            with self._case(f"{name}: {level}"):
                campaign = make(self)[0]
                for line in self._lines(campaign).filtered("leaves_out"):
                    before = self._rank(campaign, line.line)
                    with self.subTest(line=line.line), self.cr.savepoint() as point:
                        line.action_exclude()
                        self.assertLess(self._rank(campaign, line.line), before)
                        self.assertTrue(campaign._preflight_report().receiving)
                        point.rollback()
                    self.env.invalidate_all()

    def test_a_fix_that_a_user_may_not_do_is_not_offered(self):
        campaign = self._mine(self._leads(4))
        self.sender.quality_rating = "red"
        (self.portfolio.account_ids.sender_ids - self.sender).active = False
        mends = set(self._open(campaign).line_ids.mapped("mend"))
        self.assertFalse(mends & set(PAGES), mends)
        mends = set(self._open(campaign.with_user(self.manager)).line_ids.mapped("mend"))
        self.assertLessEqual({"number", "rates"}, mends)
        self.assertNotIn("settings", mends)


class TestCauseFirst(FixCase):
    def test_an_empty_variable_is_the_only_cause_and_its_fix_opens_it(self):
        leads = self._leads(6)
        campaign = self._campaign(leads)
        label = self.template._button(0)["text"]
        for line in campaign.variable_ids.filtered(lambda line: line.kind != "payload"):
            with self.subTest(line._placeholder_label()), self.cr.savepoint() as point:
                line.write({"source": "text", "text": False})
                stops = campaign._preflight_report().blockers
                self.assertEqual([stop.name for stop in stops], ["personal.incomplete"])
                self.assertIn(line._placeholder_label(), stops[0].sentence)
                wizard = self._open(campaign)
                self.assertEqual(wizard.summary, "6 in the audience")
                params = wizard.line_ids[0].action_fix()["params"]
                self.assertEqual((params["model"], params["id"]), (line._name, line.id))
                point.rollback()
        button = campaign.variable_ids.filtered(lambda line: line.kind == "url")
        self.assertTrue(label)
        self.assertRegex(button._placeholder_label(), r"^\{\{1\}\} of the button “.+”$")

    def test_nothing_is_counted_on_an_empty_base(self):
        worlds = {
            "all excluded": self._campaign(self._lead("n/a") | self._lead("n/a too")),
            "nobody chosen": self._campaign(self.env["crm.lead"]),
            "no template": self._campaign(self._leads(2), template_id=False),
            "no number": self._campaign(self._leads(2), sender_id=False),
        }
        unfinished = worlds["unfinished"] = self._campaign(self._leads(2))
        unfinished.variable_ids.filtered(lambda line: line.kind == "url").text = False
        for name, campaign in worlds.items():
            with self.subTest(name):
                checks = self._checks(campaign)
                self.assertEqual(checks[0].level, "stop")
                for check in checks:
                    self.assertNotRegex(check.sentence, r"\b0 of 0\b|[Aa]ll 0\b|\b0 recipients")

    def test_the_excluded_are_one_line_that_opens_by_size(self):
        leads = self._leads(6)
        self.env["phone.blacklist"]._add([leads[0].phone_sanitized])
        self._lead(leads[1].phone)
        twins = self.env["crm.lead"].search([("phone", "=", leads[1].phone)])
        wrong = self._lead("n/a") | self._lead("n/a too") | self._lead("n/a 3")
        checks = self._checks(self._campaign(leads | twins | wrong))
        [excluded] = [check for check in checks if check.line == "left_out"]
        self.assertEqual(excluded.sentence, "5 of 10 excluded")
        counts = [(part.key, part.count) for part in excluded.parts]
        self.assertEqual(counts, [("invalid_number", 3), ("duplicate", 1), ("blacklisted", 1)])
        self.assertEqual(
            [check.line for check in checks if re.search("excluded", check.sentence)], ["left_out"]
        )

    def test_passed_lines_are_the_last_group_and_only_the_first_is_blocking(self):
        self.sender.quality_rating = "red"
        content = self._open(self._campaign(self._leads(2))).content
        self.assertEqual(
            [(group["level"], group["label"]) for group in content],
            [("stop", "Blocking"), ("warn", "To review"), ("pass", "Passed")],
        )
        self.assertEqual([line["line"] for line in content[0]["lines"]], ["sender"])


class TestDeparture(FixCase):
    def _summary(self, campaign):
        wizard = self._open(campaign)
        return wizard.summary, wizard.delay

    def test_a_used_limit_is_said_at_the_button(self):
        self._use_limit(1)
        summary, delay = self._summary(self._campaign(self._leads(1)))
        self.assertRegex(delay, r"^Nothing leaves before .*\. The daily limit is used: 1 of 1 rec")
        self.assertIn("done by", summary)
        self.portfolio.daily_cap = 5
        self.assertFalse(self._summary(self._campaign(self._leads(1)))[1])

    def test_who_needs_no_slot_leaves_at_once_and_the_rest_later(self):
        leads = self._leads(3)
        self._receive(self._inbound(leads[0].phone_sanitized, "Hola"))
        self._use_limit(1)
        delay = self._summary(self._campaign(leads))[1]
        self.assertRegex(delay, r"^1 of 3 leave right away, the rest not before .*The daily limit")

    def test_a_stopped_number_says_why_and_promises_no_end(self):
        self.sender._pause("Marta paused it.")
        summary, delay = self._summary(self._campaign(self._leads(1)))
        self.assertEqual(delay, "Nothing leaves for now. Marta paused it.")
        self.assertNotIn("done by", summary)

    def test_a_pause_that_ends_says_when(self):
        until = fields.Datetime.now() + timedelta(hours=30)
        self.sender._pause("Maintenance.", until=until)
        report = self._campaign(self._leads(1))._preflight_report()
        self.assertEqual((report.delay.at, report.delay.reason), (until, "Maintenance."))
        self.assertGreaterEqual(report.forecast.ends_at, until)

    def test_everybody_in_quiet_hours(self):
        self.env.company.waba_quiet_hours = True
        campaign = self._with_quiet_hours_in_spain(self._leads(2))[0]
        self.assertFalse(campaign._preflight_report().delay)
        campaign.audience_domain = repr([("id", "in", self._leads(2, start=300).ids)])
        report = campaign._preflight_report()
        self.assertIn("All recipients are in quiet hours", report.delay.reason)

    def test_other_campaigns_first(self):
        self._campaign(self._leads(3000, start=5000))._start_launch()
        self.sender.own_throughput = 1
        report = self._campaign(self._leads(1))._preflight_report()
        self.assertIn("Messages of other campaigns go first", report.delay.reason)

    def test_the_pilot_batch_counts_into_the_end(self):
        campaign = self._campaign(self._leads(2))
        before = campaign._preflight_report().forecast.ends_at
        self.sender.canary_wait_hours = 4
        self.patch(type(campaign), "_planned_canary_size", lambda _self, _people: 1)
        report = campaign._preflight_report()
        self.assertGreaterEqual(report.forecast.ends_at, before + timedelta(hours=4))
        duration = next(check for check in report.checks if check.line == "duration")
        self.assertIn("pilot batch of 1 first", duration.sentence)
