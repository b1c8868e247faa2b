"""The campaign's form: its statements agree in every state, and it opens with nothing chosen."""

from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from unittest.mock import patch

from lxml import etree
from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form
from odoo.tools.safe_eval import safe_eval

from ...models.campaign.waba_campaign import STATES
from ...models.campaign.waba_campaign_audience import EMPTY_DOMAIN
from ...models.tools.moments import moment_text
from ..common import WabaCase
from .test_canary import CanaryCase

FORM = "waba_campaign.waba_campaign_view_form"


class ScreenCase(WabaCase):
    def _arch(self, user=None):
        campaigns = self.env["waba.campaign"].with_user(user or self.manager).sudo(False)
        return etree.fromstring(campaigns.get_view(self.env.ref(FORM).id, "form")["arch"])


class TestOneScreen(CanaryCase):
    """Two statements on one screen never contradict each other."""

    def assertAgrees(self, campaign):
        campaign.invalidate_recordset()
        addressed = campaign.people_count - campaign.skipped_count
        parts = {
            "queued": campaign.queued_count, "sent": campaign.sent_count,
            "failed": campaign.failed_count, "uncertain": campaign.uncertain_count,
            "cancelled": campaign.cancelled_count,
        }  # fmt: skip
        self.assertEqual(sum(parts.values()), addressed, "everyone is in one of the figures")
        done = addressed - parts["queued"] - parts["cancelled"]
        self.assertAlmostEqual(campaign.progress, 100 * done / addressed if addressed else 0)
        self._check_line(campaign, parts, addressed)
        self._check_results(campaign, {**parts, "people": campaign.people_count,
                                       "skipped": campaign.skipped_count})  # fmt: skip
        self._check_hold(campaign)

    def _check_line(self, campaign, parts, addressed):
        line = campaign.progress_text or ""
        if campaign.state in ("running", "paused", "done", "cancelled") and campaign.people_count:
            self.assertIn(f"{parts['sent']} of {addressed} sent", line)
            for name, word in [("failed", "failed"), ("uncertain", "unconfirmed"),
                               ("cancelled", "cancelled")]:  # fmt: skip
                said = f"{parts[name]} {word}"
                (self.assertIn if parts[name] else self.assertNotIn)(said, line)
        if campaign.state == "draft":
            self.assertFalse(line)
        self.assertEqual(bool(campaign.ends_at), "done about" in line)
        if campaign.ends_at:
            self.assertGreaterEqual(campaign.ends_at, campaign.next_message_at)
            self.assertIn(moment_text(campaign.env, campaign.ends_at), line)
        if campaign.canary_state == "waiting" and campaign.state == "running":
            self.assertGreaterEqual(campaign.ends_at, campaign.canary_check_at)

    def _check_results(self, campaign, figures):
        data = campaign.results_data
        steps = {step["key"]: step["cells"] for step in data["steps"]}
        for name, count in figures.items():
            self.assertEqual(steps[name][0]["count"] if name in steps else 0, count, name)
        for cells in steps.values():
            if len(cells) > 1:
                self.assertEqual(sum(cell["count"] for cell in cells[1:]), cells[0]["count"])
        if campaign.people_count:
            rows = self.env["waba.message"]
            for name, [cell, *_variants] in steps.items():
                self.assertEqual(rows.search_count(cell["domain"]), cell["count"], name)

    def _check_hold(self, campaign):
        self.assertEqual(campaign.state == "paused", campaign.state == "paused" and bool(
            campaign.hold_reason
        ))  # fmt: skip
        if campaign.state in ("draft", "done", "cancelled"):
            self.assertFalse(campaign.hold_reason)
        if campaign.hold_reason and campaign.queued_count:
            self.assertIn(f"{campaign.queued_count} queued.", campaign.hold_action)

    def test_from_the_draft_to_the_end(self):
        campaign = self._campaign(self._leads(6))
        self.assertAgrees(campaign)
        campaign.scheduled_at = fields.Datetime.now() + timedelta(days=1)
        campaign._start_launch()
        self.assertAgrees(campaign)
        self.assertIn("Starts", campaign.progress_text)
        campaign.action_back_to_draft()
        campaign.scheduled_at = False
        campaign._start_launch()
        self.assertEqual(campaign.progress_text, "0 of 6 records prepared")
        self.assertAgrees(campaign)
        self._prepare()
        self.assertAgrees(campaign)
        campaign.action_pause()
        self.assertAgrees(campaign)
        self.assertEqual(campaign.hold_action, "6 queued. Resume to continue.")
        campaign.action_resume()
        self._dispatch()
        self.assertEqual(campaign.state, "done")
        self.assertAgrees(campaign)
        self._rows(campaign)[:2].write({"state": "failed", "failure_type": "undeliverable"})
        self._rows(campaign)[2].state = "uncertain"
        self.assertAgrees(campaign)

    def test_cancelled_before_and_while_it_is_sent(self):
        before = self._campaign(self._leads(6))
        before._start_launch()
        self._prepare()
        before.action_cancel()
        self.assertAgrees(before)
        self.assertEqual((before.progress, before.cancelled_count), (0, 6))
        self.assertEqual(before.progress_text, "0 of 6 sent · 6 cancelled")
        row = before.campaign_preview_data(before.id, {})
        self.assertEqual(row["notes"], [{"kind": "left_out", "text": "Cancelled"}])
        self.portfolio.daily_cap = 2
        halfway = self._launch(self._leads(6, start=50))
        halfway.action_cancel()
        self.assertAgrees(halfway)
        self.assertEqual((halfway.sent_count, halfway.cancelled_count), (2, 4))
        earlier = self.env["waba.campaign"].search(
            safe_eval(
                self.env["waba.campaign"]._fields["audience_campaign_id"].domain,
                {"company_id": self.env.company.id},
            )
        )
        self.assertIn(halfway, earlier)
        self.assertNotIn(before, earlier, "nothing of it was sent")

    def test_the_daily_limit_used_up_is_the_reason_that_is_given(self):
        self.portfolio.daily_cap = 2
        campaign = self._launch(self._leads(6))
        self.assertAgrees(campaign)
        self.assertRegex(campaign.hold_reason, r"Daily limit reached: 2 of 2 used \(last 24 h\)")
        self.assertIn("2 of 6 sent · 2 of 2 used (last 24 h) · next slot", campaign.progress_text)

    def test_the_pilot_batch_counts_itself_alone_and_its_wait_is_in_the_forecast(self):
        campaign = self._campaign(self._leads(25))
        self.assertIn("5 recipients first (20%)", campaign.canary_text)
        self.assertIn("Pilot batch of 5", campaign.options_text)
        campaign._start_launch()
        self._prepare()
        self.assertAgrees(campaign)
        wait = self.sender._response_settings().canary_wait
        self.assertGreaterEqual(campaign.ends_at, fields.Datetime.now() + wait)
        self._dispatch()
        self.assertEqual(campaign.canary_state, "waiting")
        self.assertAgrees(campaign)
        self.assertIn("Pilot batch of 5 sent", campaign.hold_reason)

    def test_a_pilot_batch_decided_under_way_does_not_claim_what_was_sent_before(self):
        self.sender.large_campaign = 100
        self.portfolio.daily_cap = 6
        campaign = self._launch(self._leads(30))
        self._rate("yellow")
        campaign._decide_canary()
        self.assertEqual((campaign.canary_state, campaign.canary_limit), ("sending", 11))
        self.assertAgrees(campaign)
        self.assertIn("6 of 30 sent", campaign.progress_text)
        self.assertIn("pilot batch: 0 of 5", campaign.progress_text)
        self.assertEqual(campaign.canary_text, "5 recipients after the first 6, then the rest.")

    def test_an_ab_test_and_too_few_for_one(self):
        self.sender.canary = False
        campaign = self._campaign(self._leads(160), ab_test=True, b_template_id=self.template.id)
        campaign.b_variable_ids.filtered(lambda line: not line._is_complete()).text = "otra"
        self.assertIn("get A,", campaign.ab_text)
        self.assertAgrees(campaign)
        campaign._start_launch()
        self._prepare()
        self.assertAgrees(campaign)
        for _run in range(5):
            self._dispatch()
        self.assertEqual(campaign.ab_state, "waiting")
        self.assertAgrees(campaign)
        self.assertGreaterEqual(campaign.ends_at, campaign.ab_decide_at)
        few = self._campaign(self._leads(6, start=900), ab_test=True)
        self.assertIn("Too few recipients for a result: 6 of 100", few.ab_text)


class TestForm(ScreenCase):
    def test_at_most_one_button_is_the_main_one(self):
        buttons = [
            (button.get("string"), button.get("invisible") or "False")
            for button in self._arch().findall("header/button")
            if "oe_highlight" in (button.get("class") or "")
        ]
        causes = [*dict(self.env["waba.campaign"]._fields["pause_cause"].selection), False]
        for state, cause, approves in product(dict(STATES), causes, (False, True)):
            released = (state, cause) == ("paused", "reputation") or state == "running"
            for releases in {False, released}:
                values = {"state": state, "pause_cause": cause, "can_approve": approves,
                          "can_release": releases, "retryable_count": 0}  # fmt: skip
                shown = [name for name, hidden in buttons if not safe_eval(hidden, dict(values))]
                self.assertLessEqual(len(shown), 1, values)

    def test_message_audience_schedule_then_what_is_rare_folded(self):
        arch = self._arch()
        groups = [group.get("name") for group in arch.iter("group") if group.get("name")]
        self.assertEqual(groups, ["message", "audience", "timing", "options"])
        [options] = arch.iter("details")
        self.assertIsNone(options.get("open"))
        folded = {field.get("name") for field in options.iter("field")}
        for name in ("ab_test", "holdout_percent", "canary_text", "priority", "utm_campaign_id"):
            self.assertIn(name, folded)

    def test_the_board_begins_with_the_drafts(self):
        self._campaign(self._leads(1)).action_cancel()
        campaigns = self.env["waba.campaign"].with_context(read_group_expand=True)
        groups = campaigns.web_read_group([], ["state"])["groups"]
        self.assertEqual([group["state"] for group in groups], [*dict(STATES)])

    def test_no_button_of_a_question_reads_like_its_refusal(self):
        for button in self._arch().iter("button"):
            if button.get("confirm"):
                with self.subTest(button.get("name")):
                    answers = (button.get("confirm-label"), button.get("cancel-label"))
                    self.assertTrue(all(answers))
                    self.assertNotIn("Cancel", answers)

    def test_no_context_of_a_button_outlives_it(self):
        """The web client drops these keys on the way to another action, and keeps all others."""
        for button in self._arch().iter("button"):
            for key in safe_eval(button.get("context") or "{}"):
                with self.subTest(button.get("name")):
                    self.assertRegex(key, "^(default_|search_default_|show_|waba_money$)")


class TestNewCampaign(ScreenCase):
    def test_it_has_no_audience_until_one_is_chosen(self):
        self._leads(3)
        form = Form(self.env["waba.campaign"].with_user(self.salesperson).sudo(False))
        self.assertFalse(form.audience_source)
        self.assertEqual((form.audience_count, form.audience_domain), (0, EMPTY_DOMAIN))
        self.assertEqual(form.audience_text, "Choose an audience.")
        form.audience_source = "domain"
        self.assertEqual(form.audience_count, 0, "a filter without a rule matches no one")
        form.audience_domain = "[('contact_name', 'like', 'Anabbaaaaaa')]"
        self.assertEqual(form.audience_count, 1)
        for value in (False, "", None):
            campaign = self._campaign(self.env["crm.lead"], audience_domain=value)
            self.assertEqual(campaign.audience_count, 0)
            with self.assertRaisesRegex(UserError, "Choose an audience"):
                campaign._check_launch()

    def test_its_figures_ask_for_no_record_that_is_not_there(self):
        """A manager's form shows the campaign's effect on the number that is filled in."""
        campaigns = self.env["waba.campaign"].with_user(self.manager).sudo(False)
        for campaign in (campaigns, campaigns.browse(self._campaign(self._leads(1)).id)):
            with self.assertNoLogs("odoo.domains", "WARNING"):
                Form(campaign, FORM).sender_id = self.sender_mx

    def test_a_campaign_made_with_conditions_has_them(self):
        lead = self._lead("+34611000001")
        campaign = self._campaign(lead)
        self.assertEqual((campaign.audience_source, campaign.audience_count), ("domain", 1))

    def test_the_only_connected_number_else_the_last_one_used(self):
        campaigns = self.env["waba.campaign"].with_user(self.salesperson)
        default = lambda: campaigns.default_get(["sender_id"]).get("sender_id")  # noqa: E731
        self.assertFalse(default(), "two numbers, and none was used")
        self._campaign(self._leads(1), sender_id=self.sender_mx.id, user_id=self.salesperson.id)
        self.assertEqual(default(), self.sender_mx.id)
        self._campaign(self._leads(1, start=9), user_id=self.salesperson.id)
        self.assertEqual(default(), self.sender.id)
        self._campaign(self._leads(1, start=19), sender_id=self.sender_mx.id)
        self.assertEqual(default(), self.sender.id, "another user's campaign")
        self.sender.active = False
        self.assertEqual(default(), self.sender_mx.id, "the only one left")
        self.account.state = "stopped"
        self.assertFalse(default(), "not connected")

    def test_excluded_records_get_no_row(self):
        leads = self._leads(4)
        team = self.env["crm.team"].create({"name": "Europe"})
        leads.team_id = team
        campaign = self._campaign(
            leads, audience_domain=False, audience_source="team", audience_team_id=team.id
        )
        mark = campaign._content_fingerprint()
        campaign._exclude_from_audience(leads[:1].ids)
        campaign._exclude_from_audience(leads[1:2].ids)
        self.assertEqual(campaign.audience_count, 2)
        self.assertEqual(campaign.audience_source, "team")
        self.assertNotEqual(campaign._content_fingerprint(), mark)
        campaign._start_launch()
        self._prepare()
        self.assertEqual(self._rows(campaign).mapped("res_id"), leads[2:].ids)
        with self.assertRaisesRegex(UserError, "after the launch"):
            campaign.audience_excluded_ids = False

    def test_whatever_a_form_sends_as_excluded_is_read_as_ids(self):
        leads = self._leads(2)
        for sent in (False, 7, "x", {"a": 1}, [leads[0].id, "1; DROP", None, True, [3]]):
            with self.subTest(sent=sent):
                campaign = self._campaign(leads, audience_excluded_ids=sent)
                self.assertEqual(campaign.audience_count, 1 if isinstance(sent, list) else 2)


class TestContext(ScreenCase):
    """The key of the action that opened the form is still there when its records are not."""

    def _contexts(self):
        lead = self._lead("+34611000001")
        for action in self.env["ir.actions.act_window"].search(
            [("res_model", "=", "waba.campaign"), ("binding_model_id", "!=", False)]
        ):
            own = safe_eval(action.context)
            self.assertTrue(own)
            model = action.binding_model_id.model
            for place in (
                {}, {"active_model": None}, {"active_model": "waba.campaign", "active_id": 1},
                {"active_model": "no.such.model", "active_id": 1},
                {"active_model": model}, {"active_model": model, "active_id": False},
                {"active_model": model, "active_ids": []},
                {"active_model": model, "active_id": lead.id + 1_000_000,
                 "active_ids": [lead.id + 1_000_000]},
            ):  # fmt: skip
                yield {**own, **place}

    def test_opening_creating_and_duplicating_work_without_them(self):
        campaign = self._campaign(self._leads(2), name="Autumn")
        campaigns = self.env["waba.campaign"].with_user(self.salesperson)
        campaign.user_id = self.salesperson
        for context in self._contexts():
            with self.subTest(context=context):
                form = Form(campaigns.with_context(**context))
                self.assertEqual(form.audience_count, 0)
                copy = campaign.with_user(self.salesperson).with_context(**context).copy()
                self.assertEqual(copy.name, "Autumn (copy)")
                self.assertEqual(copy.audience_domain, campaign.audience_domain)
                self.assertEqual(copy.audience_source, campaign.audience_source)

    def test_a_duplicate_takes_nothing_from_the_action_that_shows_it(self):
        team = self.env["crm.team"].create({"name": "Europe"})
        earlier = self._launch(self._leads(1))
        context = earlier.action_create_followup_campaign()["context"]
        campaign = self._campaign(
            self._leads(2, start=9), audience_domain=False, audience_source="team",
            audience_team_id=team.id,
        )  # fmt: skip
        copy = campaign.with_context(**context, default_scheduled_at="2030-01-01").copy()
        self.assertEqual((copy.audience_source, copy.audience_team_id), ("team", team))
        self.assertFalse(copy.audience_campaign_id)
        self.assertFalse(copy.scheduled_at)


class TestVariableSource(ScreenCase):
    def test_a_tracked_link_only_where_the_button_has_our_address(self):
        base = self.env["link.tracker"].get_base_url()
        campaign = self._campaign(self._leads(1))
        lines = campaign.variable_ids
        link = lines.filtered(lambda line: line.kind == "url")
        self.assertTrue(link)
        for address, can_track in [
            (f"{base}/r/{{{{1}}}}", True), ("https://shop.example/{{1}}", False), ("", False),
        ]:  # fmt: skip
            with self.subTest(address):
                components = [
                    {**part, "buttons": [{**one, "url": address} for one in part["buttons"]]}
                    if part["type"] == "BUTTONS"
                    else part
                    for part in self.template.components
                ]
                self.template.components = components
                lines.invalidate_recordset()
                self.assertEqual(link.can_track, can_track)
                self.assertFalse((lines - link).filtered("can_track"))


class TestLive(ScreenCase):
    def _heard(self):
        self.env.cr.precommit.run()
        found = self.env["bus.bus"].search([("channel", "like", "waba.campaign")])
        said = [row.message for row in found]
        found.unlink()
        return said

    def test_open_screens_hear_of_each_stage(self):
        campaign = self._campaign(self._leads(3))
        self._heard()
        campaign._start_launch()
        self.assertTrue(self._heard(), "launched")
        self._prepare()
        self.assertTrue(self._heard(), "prepared")
        self._dispatch()
        heard = self._heard()
        self.assertTrue(heard, "sent")
        self.assertLess(len(heard), 6, "not for every message")
        self.assertNotIn("Hola", str(heard), "no content goes over the bus")

    def test_while_it_is_sent_it_notifies_once_in_a_while(self):
        campaign = self._campaign(self._leads(1))
        self._heard()
        for _batch in range(20):
            campaign._notify_viewers_while_sending()
        self.assertEqual(len(self._heard()), 1)

    def test_a_channel_is_for_who_may_read(self):
        campaign = self._campaign(self._leads(1), user_id=self.manager.id)
        own_only = self._salesperson_of_own()
        for user, may in [(self.manager, True), (own_only, False)]:
            with self.subTest(user.login), self._as_user(user):
                websocket = self.env["ir.websocket"].with_user(user).sudo(False)
                channels = websocket._build_bus_channel_list([f"waba.campaign_{campaign.id}"])
                ours = [c for c in channels if getattr(c, "_name", "") == "waba.campaign"]
                self.assertEqual(ours, [campaign] if may else [])

    def _as_user(self, user):
        return patch(
            "odoo.addons.bus.models.ir_websocket.request",
            SimpleNamespace(session=SimpleNamespace(uid=user.id)),
        )
