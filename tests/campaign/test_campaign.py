"""A campaign's life: what a launch asks for, who may do what, and what the figures say."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form
from odoo.tools import mute_logger

from ..common import WabaCase


class TestLaunch(WabaCase):
    def _refused(self, campaign, words):
        with self.assertRaisesRegex(UserError, words):
            campaign.action_launch()
        self.assertEqual(campaign.state, "draft")

    def test_each_thing_missing_or_wrong_is_named(self):
        leads = self._leads(2)
        other = self._other_account()
        cases = [
            ({"template_id": False}, "Choose a template"),
            ({"sender_id": False}, "Choose the number to send from"),
            ({"template_id": self._template("old_promo", "en").id}, "not approved: Paused by Meta"),
            ({"template_id": self._template("rejected_one", "en").id}, "not approved: Rejected"),
            ({"sender_id": other.sender_ids[:1].id}, "belongs to another WhatsApp account"),
            ({"audience_domain": "[('id', '=', 0)]"}, "audience is empty"),
        ]
        for values, words in cases:
            with self.subTest(words):
                self._refused(self._campaign(leads, **values), words)
        self.assertEqual(self.env["waba.message"].search_count([]), 0)

    def _other_account(self, **values):
        account = self._create_account(name="Outlet", waba_uid="200000000000002", **values)
        account._sync()
        account.state = "connected"
        return account

    def test_a_template_with_parts_we_cannot_fill_is_refused(self):
        campaign = self._campaign(self._leads(1))
        self.template.unsupported = "carousel"
        self._refused(campaign, "parts that are not supported yet: carousel")

    def test_an_account_never_connected_is_refused_but_a_stopped_one_may_be_launched_on(self):
        campaign = self._campaign(self._leads(1))
        self.account.state = "draft"
        self._refused(campaign, "not connected yet")
        self.account.state = "connected"
        self.account._add_stop("Because of the test.")
        campaign.action_launch()
        self.assertEqual(campaign.state, "preparing")

    def test_variables_must_be_filled_and_still_be_those_of_the_template(self):
        campaign = self._campaign(self._leads(1))
        line = campaign.variable_ids.filtered(lambda line: line.component == "body")[1]
        line.write({"source": "text", "text": False})
        self._refused(campaign, r"Set a value for \{\{2\}\}")
        line.write({"source": "field", "field_path": False})
        self._refused(campaign, r"Set a value for \{\{2\}\}")
        line.unlink()
        self._refused(campaign, "changed after they were filled in")

    def test_a_field_that_the_other_kind_of_record_lacks_is_named(self):
        campaign = self._campaign(self._leads(1))
        campaign.variable_ids[:1].write({"source": "field", "field_path": "stage_id.name"})
        campaign.res_model = "res.partner"
        self._refused(campaign, "no field stage_id")

    def test_a_filter_that_cannot_be_read_is_shown(self):
        lead = self._leads(1)
        for broken in ("nonsense(", "[('no_such_field', '=', 1)]", "['and']", "42", "[(1, 2)]"):
            with self.subTest(broken), self.assertRaises(UserError) as caught:
                campaign = self._campaign(lead, audience_domain=broken)
                campaign.action_launch()
            self.assertIn(broken, str(caught.exception))

    def test_a_second_launch_changes_nothing_and_one_preparation_is_made(self):
        campaign = self._campaign(self._leads(3))
        campaign.action_launch()
        before = campaign.read(["state", "launched_at", "template_signature", "utm_source_id"])
        campaign.action_launch()
        self.assertEqual(
            campaign.read(["state", "launched_at", "template_signature", "utm_source_id"]), before
        )
        self._prepare()
        self._prepare()
        campaign.action_launch()
        self._prepare()
        self.assertEqual(campaign.people_count, 3)
        self._dispatch()
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 3)

    def test_a_launch_is_traced_as_a_source_and_a_campaign(self):
        campaign = self._campaign(self._leads(1))
        campaign.with_user(self.manager).action_launch()
        self.assertEqual(campaign.utm_source_id.name, campaign.name)
        self.assertEqual(campaign.utm_campaign_id.title, campaign.name)
        self.assertEqual(campaign.launched_by_id, self.manager)

    def test_the_only_number_is_chosen_by_itself(self):
        create = self.env["waba.campaign"].create
        self.assertFalse(create({"name": "Two numbers"}).sender_id)
        self.sender_mx.active = False
        self.assertEqual(create({"name": "One number"}).sender_id, self.sender)


class TestSchedule(WabaCase):
    def _scheduled(self, hours=2, **values):
        leads = self._leads(2)
        at = fields.Datetime.now() + timedelta(hours=hours)
        campaign = self._campaign(leads, scheduled_at=at, **values)
        campaign.action_launch()
        return campaign

    def test_a_scheduled_launch_starts_at_its_time(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            self.assertEqual(campaign.state, "scheduled")
            cron = self.env.ref("waba_campaign.ir_cron_prepare_audiences")
            alarms = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
            self.assertIn(campaign.scheduled_at, alarms.mapped("call_at"))
            self._prepare()
            self.assertEqual((campaign.state, campaign.people_count), ("scheduled", 0))
            move(2 * 3600 + 1)
            self._prepare()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))

    def test_a_time_in_the_past_means_now(self):
        self.assertEqual(self._scheduled(hours=-1).state, "preparing")

    def test_a_scheduled_launch_may_be_taken_back_moved_or_cancelled(self):
        campaign = self._scheduled()
        campaign.action_back_to_draft()
        self.assertEqual((campaign.state, campaign.launched_at), ("draft", False))
        campaign.action_launch()
        campaign.scheduled_at = fields.Datetime.now() - timedelta(minutes=1)
        self._prepare()
        self.assertEqual(campaign.state, "running")
        cancelled = self._scheduled()
        cancelled.action_cancel()
        self._prepare()
        self.assertEqual((cancelled.state, cancelled.people_count), ("cancelled", 0))

    def test_without_a_time_a_scheduled_campaign_starts_at_once(self):
        campaign = self._scheduled()
        campaign.scheduled_at = False
        self._prepare()
        self.assertEqual((campaign.state, campaign.people_count), ("running", 2))

    def test_a_template_paused_meanwhile_holds_the_start_until_it_is_approved_again(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            self.template._set_status("paused", "FIRST_PAUSE")
            move(2 * 3600 + 1)
            self._prepare()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
            self.assertEqual(self.simulator.sends(), [])
            self.template._set_status("approved")
            self._prepare()
            self._dispatch()
            self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))

    def test_variables_emptied_meanwhile_take_the_launch_back(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            line = campaign.variable_ids.filtered(lambda line: line.component == "body")[:1]
            line.write({"source": "text", "text": False})
            self.assertEqual(campaign.state, "draft")
            move(2 * 3600 + 1)
            self._prepare()
        self.assertEqual((campaign.state, campaign.people_count), ("draft", 0))

    def test_another_template_chosen_meanwhile_is_sent_when_it_is_launched_again(self):
        with self._moving_clock() as move:
            campaign = self._scheduled()
            campaign.write(
                {"template_id": self.utility_template.id, "variable_ids": [Command.clear()]}
            )
            campaign.variable_ids = campaign._variable_commands()
            campaign.variable_ids.write({"source": "text", "text": "S7"})
            campaign.action_launch()
            move(2 * 3600 + 1)
            self._prepare()
            self.template._set_status("paused")
            self._dispatch()
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))
        self.assertEqual(
            {entry["template"] for entry in self.simulator.sends()}, {"order_update/es"}
        )


class TestUnderWay(WabaCase):
    def test_what_is_sent_to_whom_and_from_where_is_fixed_after_the_launch(self):
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        changes = {
            "template_id": self.utility_template.id,
            "sender_id": self.sender_mx.id,
            "res_model": "res.partner",
            "audience_domain": "[]",
            "variable_ids": [Command.clear()],
        }
        for name, value in changes.items():
            with self.subTest(name), self.assertRaisesRegex(UserError, "after the launch"):
                campaign.write({name: value})
        with self.assertRaisesRegex(UserError, "after the launch"):
            campaign.variable_ids[:1].text = "Another"
        campaign.name = "A name may change"

    def test_pause_and_resume_say_who_and_why_in_the_chatter(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        self._prepare()
        campaign.with_user(self.manager).action_pause()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "person"))
        self.assertIn(self.manager.name, campaign.hold_reason)
        self.assertIn("Paused", campaign.message_ids[:1].body)
        campaign.action_resume()
        self.assertEqual((campaign.state, campaign.pause_reason), ("running", False))
        self.assertIn("Resumed by", campaign.message_ids[:1].body)

    def test_a_campaign_paused_while_preparing_goes_on_preparing(self):
        campaign = self._campaign(self._leads(2))
        campaign.action_launch()
        campaign.action_pause()
        self._prepare()
        self.assertEqual((campaign.state, campaign.people_count), ("paused", 0))
        campaign.action_resume()
        self.assertEqual(campaign.state, "preparing")
        self._prepare()
        self.assertEqual((campaign.state, campaign.people_count), ("running", 2))

    def test_people_who_join_the_audience_after_preparing_are_not_written_to(self):
        leads = self._leads(3)
        campaign = self._campaign(leads, audience_domain="[('name', 'like', 'Lead 11')]")
        campaign.action_launch()
        leads[0].active = False
        self._prepare()
        self.assertEqual((campaign.people_count, campaign.to_prepare_count), (2, 2))
        self._leads(2, start=500)
        campaign.action_pause()
        campaign.action_resume()
        self._prepare()
        self.assertEqual((campaign.state, campaign.people_count), ("running", 2))

    def test_a_campaign_whose_template_may_not_be_sent_cannot_be_resumed(self):
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        self._prepare()
        self.template._set_status("disabled", "SECOND_PAUSE")
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "template"))
        with self.assertRaisesRegex(UserError, "Disabled by Meta"):
            campaign.action_resume()
        self.template._set_status("approved")
        self.assertEqual(campaign.state, "running")

    def test_a_persons_pause_is_not_lifted_by_the_template(self):
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        self._prepare()
        campaign.action_pause()
        self.template._set_status("paused")
        self.template._set_status("approved")
        self.assertEqual(campaign.state, "paused")

    def test_a_template_whose_variables_changed_holds_the_campaign_for_good(self):
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        self._prepare()
        components = [{"type": "BODY", "text": "Hola {{1}}, {{2}} y {{3}}."}]
        facts = {"components": components, "signature": "another", "status": "approved"}
        self.template._apply_facts(facts)
        self.assertEqual(campaign.state, "paused")
        self.assertIn("changed at Meta after the launch", campaign.hold_reason)
        with self.assertRaisesRegex(UserError, "changed at Meta after the launch"):
            campaign.action_resume()
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])

    def test_the_watch_lifts_pauses_that_are_over_and_closes_what_is_through(self):
        campaign = self._campaign(self._leads(1))
        campaign.action_launch()
        self._prepare()
        campaign._pause("A while.", until=fields.Datetime.now() - timedelta(seconds=1))
        through = self._campaign(self._leads(1, start=50))
        through.action_launch()
        self._prepare()
        self._rows(through)._exclude_message("opted_out")
        self._run_cron(self.env.ref("waba_campaign.ir_cron_watch"))
        self.assertEqual((campaign.state, through.state), ("running", "done"))
        self.assertTrue(through.done_at)
        self.assertTrue(self._alarms())

    def test_cancelling_in_each_state_leaves_nobody_waiting(self):
        def preparing(campaign):
            campaign.action_launch()

        def running(campaign):
            campaign.action_launch()
            self._prepare()

        def paused(campaign):
            running(campaign)
            campaign.action_pause()

        for index, reach in enumerate((preparing, running, paused)):
            with self.subTest(reach.__name__):
                campaign = self._campaign(self._leads(2, start=index * 100))
                reach(campaign)
                campaign.action_cancel()
                self._prepare()
                self._dispatch()
                self.assertEqual((campaign.state, campaign.queued_count), ("cancelled", 0))
                self.assertFalse(campaign.hold_reason)
        self.assertEqual(self.simulator.sends(), [])

    def test_a_campaign_that_is_done_cannot_be_cancelled_or_paused(self):
        campaign = self._launch(self._leads(1))
        campaign.action_cancel()
        campaign.action_pause()
        self.assertEqual(campaign.state, "done")

    def test_an_audience_with_nobody_to_write_to_is_done_at_once(self):
        campaign = self._launch(self._lead("no number"))
        self.assertEqual((campaign.state, campaign.skipped_count), ("done", 1))

    def test_a_copy_is_a_draft_with_the_same_words_and_no_history(self):
        campaign = self._launch(self._leads(1))
        campaign.variable_ids[:1]
        copy = campaign.copy()
        self.assertEqual(copy.state, "draft")
        self.assertIn("copy", copy.name)
        names = ["component", "name", "source", "text", "field_path", "fallback"]
        self.assertEqual(
            [line.read(names, load=None)[0] | {"id": 0} for line in copy.variable_ids],
            [line.read(names, load=None)[0] | {"id": 0} for line in campaign.variable_ids],
        )
        for name in ("launched_at", "launched_by_id", "prepared_until_id", "utm_source_id"):
            self.assertFalse(copy[name], name)
        self.assertEqual(copy.people_count, 0)
        copy.action_launch()
        self._prepare()
        self.assertEqual(copy.people_count, 1)

    def test_a_launched_campaign_is_kept_and_a_draft_may_go(self):
        launched = self._launch(self._leads(1))
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            launched.unlink()
        cancelled = self._campaign(self._leads(1, start=50))
        cancelled.action_launch()
        self._prepare()
        cancelled.action_cancel()
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            cancelled.unlink()
        never = self._campaign(self._leads(1, start=90))
        never.unlink()
        self.assertFalse(never.exists())


class TestWhoMayDoWhat(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_only = cls._salesperson_of_own()

    def test_from_the_action_menu_the_chosen_records_are_the_audience(self):
        leads = self._leads(3)
        partners = self.env["res.partner"].create([{"name": "Ana"}, {"name": "Eva"}])
        for records, label in ((leads, "leads and opportunities"), (partners, "contacts")):
            with self.subTest(records._name):
                context = {
                    "default_from_records": True,
                    "active_model": records._name,
                    "active_ids": records.ids,
                    "active_id": records[0].id,
                }
                values = (
                    self.env["waba.campaign"]
                    .with_context(**context)
                    .default_get(["name", "res_model", "audience_domain"])
                )
                self.assertEqual(values["res_model"], records._name)
                self.assertIn(f"{len(records)} {label}", values["name"])
                campaign = self.env["waba.campaign"].create(values)
                self.assertEqual(campaign.audience_count, len(records))
                self.assertEqual(
                    self.env[campaign.res_model].search(campaign.action_view_audience()["domain"]),
                    records,
                )

    def test_other_records_chosen_elsewhere_are_not_taken_for_an_audience(self):
        values = (
            self.env["waba.campaign"]
            .with_context(default_from_records=True, active_model="res.users", active_ids=[1])
            .default_get(["res_model", "audience_domain"])
        )
        self.assertNotIn("res_model", values)
        self.assertNotIn("audience_domain", values)

    def test_a_salesperson_makes_launches_and_follows_a_campaign_in_the_form(self):
        leads = self._leads(2)
        leads.user_id = self.salesperson
        action = self.env["waba.campaign"].with_user(self.salesperson)
        context = {
            "default_from_records": True,
            "active_model": "crm.lead",
            "active_ids": leads.ids,
        }
        with Form(action.with_context(**context)) as form:
            form.template_id = self.template.with_user(self.salesperson)
            form.sender_id = self.sender.with_user(self.salesperson)
            self.assertEqual(len(form.variable_ids), 4)
            with form.variable_ids.edit(1) as line:
                line.source = "company"
            with form.variable_ids.edit(3) as line:
                line.text = "sofas"
        campaign = form.save()
        self.assertIn("Hola Anabbaaaaaa, en Muebles Prueba", campaign.preview_html)
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        campaign.invalidate_recordset()
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 2))
        messages = self.env["waba.message"].with_user(self.salesperson)
        self.assertEqual(messages.search_count(campaign.action_view_messages()["domain"]), 2)

    def test_a_salesperson_who_sees_own_leads_only_writes_to_no_other(self):
        own, others = self._leads(2), self._leads(3, start=100)
        own.user_id = self.own_only
        others.user_id = self.manager
        campaign = self._campaign(own | others, user_id=self.own_only.id)
        mine = campaign.with_user(self.own_only)
        self.assertEqual(mine.audience_count, 2)
        mine.action_launch()
        self._prepare()
        self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("res_id")), set(own.ids))
        self.assertEqual(len(self.simulator.sends()), 2)

    def test_a_lead_taken_away_before_preparing_is_not_written_to(self):
        own = self._leads(3)
        own.user_id = self.own_only
        campaign = self._campaign(own, user_id=self.own_only.id)
        campaign.with_user(self.own_only).action_launch()
        own[0].user_id = self.manager
        self._prepare()
        self.assertEqual(set(self._rows(campaign).mapped("res_id")), set(own[1:].ids))

    def test_a_salesperson_sees_and_changes_own_campaigns_only(self):
        campaign = self._campaign(self._leads(1), user_id=self.manager.id)
        as_other = campaign.with_user(self.own_only)
        for action in ("action_launch", "action_pause", "action_cancel", "action_retry_failed"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(as_other, action)()
        self.assertFalse(self.env["waba.campaign"].with_user(self.own_only).search([]))

    def test_another_companys_numbers_and_templates_cannot_be_used(self):
        company = self.env["res.company"].create(
            {"name": "Outlet SL", "country_id": self.env.ref("base.es").id}
        )
        account = self._create_account(
            name="Outlet", waba_uid="200000000000002", company_id=company.id
        )
        account._sync()
        account.state = "connected"
        with self.assertRaises(UserError):
            self._campaign(self._leads(1), sender_id=account.sender_ids[:1].id)

    def test_a_campaign_reaches_its_own_companys_records_and_speaks_in_its_name(self):
        company = self.env["res.company"].create(
            {"name": "Outlet SL", "country_id": self.env.ref("base.es").id}
        )
        self.manager.company_ids += company
        account = self._create_account(
            name="Outlet", waba_uid="200000000000002", company_id=company.id
        )
        account._sync()
        account.state = "connected"
        template = account.template_ids.filtered(
            lambda template: (template.name, template.language) == ("order_update", "es")
        )
        leads = self._leads(2)
        leads[0].company_id = self.env.company
        leads[1].company_id = company
        campaign = self._campaign(
            leads,
            company_id=company.id,
            template_id=template.id,
            sender_id=account.sender_ids[:1].id,
        )
        campaign.variable_ids.source = "our_company"
        companies = self.env.company | company
        as_manager = campaign.with_user(self.manager).with_context(
            allowed_company_ids=companies.ids
        )
        as_manager.action_launch()
        self._prepare()
        self._dispatch(campaign.sender_id)
        self.assertEqual(self._rows(campaign).mapped("res_id"), leads[1].ids)
        [entry] = self.simulator.sends()
        [body] = entry["body"]["template"]["components"]
        self.assertEqual(body["parameters"][0]["text"], "Outlet SL")


class TestPreparingGoesWrong(WabaCase):
    def test_one_campaign_that_cannot_be_prepared_waits_and_the_others_go_on(self):
        broken, good = self._campaign(self._leads(1)), self._campaign(self._leads(1, start=50))
        (broken | good).action_launch()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE waba_campaign SET audience_domain = %s WHERE id = %s",
            ["[('no_such_field', '=', 1)]", broken.id],
        )
        broken.invalidate_recordset()
        with mute_logger("odoo.addons.waba_campaign.models.campaign.waba_campaign_audience"):
            self._prepare()
        self.assertEqual((broken.state, broken.pause_cause), ("paused", "failure"))
        self.assertIn("no_such_field", broken.hold_reason)
        self.assertEqual((good.state, good.people_count), ("running", 1))


class TestFigures(WabaCase):
    STATES = {
        "queued": 3, "reserved": 1, "uncertain": 2, "accepted": 4, "held": 1, "sent": 2,
        "delivered": 5, "read": 3, "failed": 2, "skipped": 6,
    }  # fmt: skip

    def _campaign_in(self, states, **values):
        """A running campaign with so many rows in each state."""
        leads = self._leads(sum(states.values()))
        campaign = self._campaign(leads, **values)
        campaign.action_launch()
        self._prepare()
        rows = iter(self._rows(campaign))
        for state, count in states.items():
            for _index in range(count):
                next(rows).write({"state": state})
        campaign.invalidate_recordset()
        return campaign

    def test_every_figure_counts_its_states(self):
        campaign = self._campaign_in(self.STATES)
        figures = {
            "people_count": 29, "queued_count": 4, "uncertain_count": 2, "skipped_count": 6,
            "failed_count": 2, "sent_count": 15, "delivered_count": 8, "read_count": 3,
            "replied_count": 0, "opted_out_count": 0,
        }  # fmt: skip
        for name, expected in figures.items():
            with self.subTest(name):
                self.assertEqual(campaign[name], expected)
        self.assertAlmostEqual(campaign.progress, 100 * 19 / 23)
        self.assertIn("15 of 23 sent · 2 failed · 2 unconfirmed", campaign.progress_text)
        self.assertIn("0 of 250 used (last 24 h)", campaign.progress_text)

    def test_figures_of_a_campaign_without_rows_are_zero(self):
        campaign = self._campaign(self._leads(1))
        self.assertEqual((campaign.people_count, campaign.progress), (0, 0.0))
        self.assertFalse(campaign.progress_text)
        self.assertFalse(campaign.next_message_at)

    def test_replies_and_opt_outs_are_counted_for_the_campaign_they_answer(self):
        leads = self._leads(3)
        campaign = self._launch(leads)
        rows = self._rows(campaign)
        at = int(fields.Datetime.now().timestamp()) + 5
        self._receive(self._inbound(rows[0].number, "Gracias", wamid="wamid.A", timestamp=at))
        self._receive(self._inbound(rows[1].number, "BAJA", wamid="wamid.B", timestamp=at))
        self._receive(self._inbound(rows[1].number, "Baja!", wamid="wamid.C", timestamp=at + 9))
        campaign.invalidate_recordset()
        self.assertEqual(campaign.replied_count, 2)
        self.assertEqual(campaign.opted_out_count, 1)

    def test_the_forecast_tells_the_next_message_and_the_end_at_todays_limit(self):
        self.portfolio.daily_cap = 2
        campaign = self._launch(self._leads(6))
        self.assertEqual(campaign.queued_count, 4)
        slots = self.portfolio._slot_times()
        self.assertEqual(campaign.next_message_at, slots[0] + timedelta(hours=24))
        self.assertAlmostEqual(
            campaign.ends_at, slots[1] + timedelta(hours=48), delta=timedelta(minutes=1)
        )
        self.assertIn("next slot ", campaign.progress_text)
        self.assertIn("done about ", campaign.progress_text)

    def test_campaigns_that_go_first_are_foreseen(self):
        self.portfolio.daily_cap = 2
        first = self._launch(self._leads(4))
        second = self._launch(self._leads(2, start=100))
        self.assertEqual((first.queued_count, second.queued_count), (2, 2))
        self.assertGreaterEqual(second.next_message_at - first.next_message_at, timedelta(hours=23))

    def test_while_something_holds_the_campaign_no_end_is_promised(self):
        campaign = self._campaign_in({"queued": 3})
        self.assertTrue(campaign.ends_at)
        self.sender._pause("Because of the test.")
        campaign.invalidate_recordset()
        self.assertFalse(campaign.ends_at)
        self.assertEqual(campaign.hold_reason, "Because of the test.")

    def test_a_pause_with_an_end_says_when_it_goes_on(self):
        campaign = self._campaign_in({"queued": 1})
        campaign._pause("Slowed by Meta.", until=fields.Datetime.now() + timedelta(days=2))
        self.assertRegex(campaign.hold_reason, r"^Slowed by Meta\. Resumes automatically on \w+ ")

    def test_the_list_behind_a_figure_uses_the_filter_of_its_button(self):
        campaign = self._campaign(self._leads(1))
        action = campaign._messages_action("failed")
        self.assertEqual(action["context"], {"show_one_campaign": True, "search_default_failed": 1})
        self.assertIn(("campaign_id", "=", campaign.id), action["domain"])

    def test_the_preview_is_the_first_persons_message(self):
        leads = self._leads(2)
        campaign = self._campaign(leads)
        self.assertIn("Anabbaaaaaa", campaign.preview_html)
        self.assertIn("en prueba tienes", campaign.preview_html)
        self.assertTrue(campaign.preview_name)
        campaign.audience_domain = "[('id', '=', 0)]"
        self.assertFalse(campaign.preview_name)
        campaign.template_id = False
        self.assertFalse(campaign.preview_html)
