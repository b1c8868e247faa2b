"""Cost by Meta's pricing and the rate card, and what is attributed to which message."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError

from ..common import WabaCase

NUMBER = "+34611000001"
REGULAR = {"category": "marketing", "type": "regular", "billable": True, "pricing_model": "PMP"}


class MoneyCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.now = fields.Datetime.now()

    def _count(self):
        self.env.cr.precommit.run()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_money"))

    def _rate(self, amount=0.05, country="base.es", **values):
        country = country and self.env.ref(country)
        return self.env["waba.rate"].create(
            {
                "market": country.name if country else "Elsewhere",
                "country_ids": country.ids if country else [],
                "amount": amount,
                "category": "marketing",
                "valid_from": "2026-01-01",
                "currency_id": self.env.company.currency_id.id,
                "company_id": self.env.company.id,
                **values,
            }
        )

    def _currency_of_half(self):
        """A currency of which two are worth one of the company's."""
        company = self.env.company
        other = self.env["res.currency"].with_context(active_test=False).search(
            [("id", "!=", company.currency_id.id)], limit=1
        )  # fmt: skip
        other.active = True
        other.rate_ids.unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": other.id, "name": "2026-01-01", "rate": 2, "company_id": company.id}
        )
        return other

    def _delivered(self, lead=None, days_ago=1.0, **values):
        """A message that arrived so many days ago, about `lead` if there is one."""
        at = self.now - timedelta(days=days_ago)
        if lead:
            about = {"res_model": lead._name, "res_id": lead.id, "number": lead.phone_sanitized}
            values = {**about, **values}
        return self._message(
            state="delivered", accepted_at=at, sent_at=at, delivered_at=at, **values
        )

    def _rows(self, *kinds, **where):
        domain = [(name, "=", value) for name, value in where.items()]
        if kinds:
            domain.append(("kind", "in", kinds))
        return self.env["waba.attribution"].search(domain)

    def _win(self, lead, revenue=1000, days_ago=0.0):
        lead.expected_revenue = revenue
        lead.action_set_won()
        lead.date_closed = self.now - timedelta(days=days_ago)
        return lead


class TestCost(MoneyCase):
    def _told(self, pricing, days_ago=0, number=NUMBER, **values):
        """A message of which the webhook told the price."""
        row = self._message(number=number, **values)
        at = self.now - timedelta(days=days_ago)
        self._receive(
            self._status(row, "delivered", timestamp=int(at.timestamp()), pricing=pricing)
        )
        return row

    def test_a_charged_message_costs_what_the_card_says(self):
        self._rate()
        row = self._told(REGULAR)
        self.assertEqual((row.pricing_type, row.pricing_billable), ("regular", "yes"))
        self.assertFalse(row.cost_state)
        self._count()
        self.assertEqual((row.cost_state, row.cost), ("charged", 0.05))
        self.assertEqual(row.cost_currency_id, self.env.company.currency_id)

    def test_from_launch_to_price_through_the_platform_s_webhooks(self):
        self._rate(0.06)
        # Nobody listens: one attempt to post each webhook is enough.
        self.simulator.post("delivery", give_up_after=0)
        campaign = self._launch(self._leads(3))
        self._apply_posted()
        self._count()
        rows = self.env["waba.message"].search([("campaign_id", "=", campaign.id)])
        self.assertEqual(set(rows.mapped("cost_state")), {"charged"})
        self.assertEqual(set(rows.mapped("cost")), {0.06})
        self.assertIn("0.18", campaign.money_cost)

    def test_what_whatsapp_does_not_charge_is_free_for_a_reason(self):
        self._rate()
        for type_, state in [("free_customer_service", "free_window"),
                             ("free_entry_point", "free_entry")]:  # fmt: skip
            with self._case(type_):
                row = self._told({"category": "utility", "type": type_, "billable": False})
                self._count()
                self.assertEqual((row.cost_state, row.cost), (state, 0))
                self.assertFalse(row.cost_currency_id)

    def test_without_a_rate_there_is_no_price_and_not_0(self):
        row = self._told(REGULAR)
        self._count()
        self.assertEqual(row.cost_state, "no_rate")
        self.env.cr.execute("SELECT cost, company_cost FROM waba_message WHERE id = %s", (row.id,))
        self.assertEqual(self.env.cr.fetchone(), (None, None))
        report = self.env["waba.money.daily"].search([("template_id", "=", row.template_id.id)])
        self.assertEqual((report.delivered_count, report.unpriced_count), (1, 1))

    def test_a_card_imported_later_prices_what_had_no_rate(self):
        row = self._told(REGULAR)
        self._count()
        self._rate(0.07)
        self.env.flush_all()
        # The import's transaction is not the one that looked for rates.
        self.env.cr.execute("UPDATE waba_rate SET write_date = now() + interval '1 minute'")
        self._count()
        self.assertEqual((row.cost_state, row.cost), ("charged", 0.07))

    def test_what_has_a_price_keeps_it(self):
        rate = self._rate(0.05)
        row = self._told(REGULAR)
        self._count()
        rate.amount = 0.09
        self._count()
        self.assertEqual(row.cost, 0.05)

    def test_the_rate_of_the_day_of_delivery_counts(self):
        self._rate(0.05)
        self._rate(0.08, valid_from=self.now.date() - timedelta(days=3))
        old, new = self._told(REGULAR, days_ago=5), self._told(REGULAR, number="+34611000002")
        self._count()
        self.assertEqual((old.cost, new.cost), (0.05, 0.08))

    def test_each_country_has_its_price(self):
        self._rate(0.05)
        self._rate(0.03, country=None)
        spanish, mexican = self._told(REGULAR), self._told(REGULAR, number="+525512345678")
        self._count()
        self.assertEqual((spanish.cost, mexican.cost), (0.05, 0.03))

    def test_a_card_in_another_currency_is_kept_in_it_and_converted(self):
        other = self._currency_of_half()
        self._rate(0.05, currency_id=other.id)
        row = self._told(REGULAR)
        self._count()
        self.assertEqual((row.cost, row.cost_currency_id), (0.05, other))
        self.assertAlmostEqual(row.company_cost, 0.025, places=6)

    def test_no_word_of_a_price_is_waited_for_and_then_said(self):
        self._rate()
        fresh = self._delivered(days_ago=0.5)
        old = self._delivered(days_ago=1.5, number="+34611000002")
        self._count()
        self.assertFalse(fresh.cost_state)
        self.assertEqual(old.cost_state, "not_told")
        self._receive(self._status(old, "read", timestamp=int(self.now.timestamp()),
                                   pricing=REGULAR))  # fmt: skip
        self._count()
        self.assertEqual(old.cost_state, "charged")

    def test_what_never_arrived_costs_nothing_and_is_not_asked(self):
        self._rate()
        row = self._message()
        self._receive(self._status(row, "sent", pricing=REGULAR))
        self._count()
        self.assertFalse(row.cost_state)


class TestAttribution(MoneyCase):
    def test_a_won_lead_is_put_down_to_the_last_message_before_it(self):
        lead = self._lead(NUMBER, type="opportunity")
        older, last = self._delivered(lead, 5), self._delivered(lead, 2)
        self._win(lead, 1500)
        self._count()
        row = self._rows("won")
        self.assertEqual((row.message_id, row.lead_id, row.amount), (last, lead, 1500))
        self.assertEqual(row.currency_id, self.env.company.currency_id)
        self.assertEqual(row.day, last.day)
        self.assertFalse(older in self._rows().message_id)

    def test_counting_again_gives_the_same_rows(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"))
        self._delivered(lead, 2)
        self._count()
        before = self._rows().read()
        self.assertTrue(before)
        self.env["waba.attribution.due"]._add_leads(lead.ids * 3)
        self._count()
        self.assertEqual(self._rows().read(), before)

    def test_not_to_what_is_too_old_came_later_or_never_arrived(self):
        lead = self._lead(NUMBER, type="opportunity")
        self._delivered(lead, 15)
        self._message(number=NUMBER, res_model="crm.lead", res_id=lead.id)
        self._delivered(lead, -0.01)
        self._win(lead)
        self._count()
        self.assertFalse(self._rows("won"))

    def test_the_window_is_the_company_s(self):
        lead = self._lead(NUMBER, type="opportunity")
        self._delivered(lead, 15)
        self._win(lead)
        self.env.company.waba_attribution_days = 30
        self._count()
        self.assertEqual(len(self._rows("won")), 1)
        self.env.company.waba_attribution_days = 14
        self._count()
        self.assertFalse(self._rows("won"))
        for days in (0, 91):
            with self.assertRaises(ValidationError):
                self.env.company.waba_attribution_days = days

    def test_the_lead_of_the_person_written_to(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        other_number = self._lead("+34611000009", type="opportunity", partner_id=partner.id)
        same_number = self._lead(NUMBER, type="opportunity")
        stranger = self._lead("+34611000003", type="opportunity")
        message = self._delivered(partner, 1, number=NUMBER)
        self.assertEqual(other_number.phone_sanitized, "+34611000009")
        for lead in (other_number, same_number, stranger):
            self._win(lead)
        self._count()
        self.assertEqual(self._rows("won").lead_id, other_number | same_number)
        self.assertEqual(self._rows("won").message_id, message)

    def test_a_lead_no_longer_won_loses_it_and_a_lost_one_is_told(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"))
        self._delivered(lead, 1)
        self._count()
        self.assertTrue(self._rows("won"))
        stage = self.env["crm.stage"].search([("is_won", "=", False)], limit=1)
        lead.stage_id = stage
        self._count()
        self.assertFalse(self._rows("won"))
        reason = self.env["crm.lost.reason"].create({"name": "Too dear"})
        lead.action_set_lost(lost_reason_id=reason.id)
        self._count()
        row = self._rows("lost")
        self.assertEqual((row.lead_id, row.detail, row.amount), (lead, "Too dear", 0))

    def test_revenue_follows_the_lead(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"), 100)
        self._delivered(lead, 1)
        self._count()
        lead.expected_revenue = 250
        self._count()
        self.assertEqual(self._rows("won").amount, 250)

    def test_a_deleted_lead_takes_its_rows_with_it(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"))
        self._delivered(lead, 1)
        self._count()
        lead.unlink()
        self.assertFalse(self._rows("won"))

    def test_stage_moves_and_activities(self):
        stages = self.env["crm.stage"].search([("is_won", "=", False)], limit=2)
        lead = self._lead(NUMBER, type="opportunity", stage_id=stages[0].id)
        self.env.cr.precommit.run()
        message = self._delivered(lead, 1)
        lead.stage_id = stages[1]
        activity = lead.activity_schedule("mail.mail_activity_data_call", user_id=self.env.uid)
        activity.action_feedback("They want a sofa")
        self._count()
        stage, call = self._rows("stage"), self._rows("activity")
        self.assertEqual(stage.detail, f"{stages[0].name} → {stages[1].name}")
        self.assertEqual(call.detail, activity.activity_type_id.name)
        self.assertEqual((stage | call).message_id, message)

    def test_an_answer_belongs_to_the_message_it_answers(self):
        lead = self._lead(NUMBER)
        older, last = self._delivered(lead, 3, wamid="wamid.A"), self._delivered(lead, 1)
        self._receive(self._inbound(NUMBER, "Sí", context={"id": "wamid.A"}))
        last.clicked_at = self.now
        self._count()
        self.assertEqual(self._rows("reply").message_id, older)
        self.assertEqual(self._rows("reply").lead_id, lead)
        self.assertEqual(self._rows("click").message_id, last)

    def test_an_answer_to_a_message_that_is_too_old_is_put_down_to_none(self):
        lead = self._lead(NUMBER)
        self._delivered(lead, 20, wamid="wamid.A")
        self._delivered(lead, 1)
        self._receive(self._inbound(NUMBER, "Sí", context={"id": "wamid.A"}))
        self._count()
        self.assertFalse(self._rows("reply"))

    def test_what_came_of_a_message_outlives_it(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"), 100)
        self._delivered(lead, 1).campaign_id = campaign = self._campaign(lead)
        self._count()
        self._rows().message_id.unlink()
        lead.expected_revenue = 300
        self._count()
        row = self._rows("won")
        self.assertEqual((row.amount, row.campaign_id), (300, campaign))
        lead.stage_id = self.env["crm.stage"].search([("is_won", "=", False)], limit=1)
        self._count()
        self.assertFalse(self._rows("won"))

    def test_leads_carry_the_utm_values_when_they_have_none(self):
        bare = self._win(self._lead(NUMBER, type="opportunity"))
        source = self.env["utm.source"].create({"name": "Fair"})
        known = self._win(self._lead("+34611000002", type="opportunity", source_id=source.id))
        campaign = self._campaign(bare | known)
        campaign._set_utm()
        for lead in (bare, known):
            self._delivered(lead, 1, campaign_id=campaign.id)
        self._count()
        self.assertEqual(bare.source_id, campaign.utm_source_id)
        self.assertEqual(bare.campaign_id, campaign.utm_campaign_id)
        self.assertEqual(bare.medium_id.name, "WhatsApp")
        self.assertEqual(known.source_id, source)
        self.assertFalse(known.campaign_id)

    def test_an_erased_person_stays_a_figure(self):
        lead = self._win(self._lead(NUMBER, type="opportunity"), 700)
        message = self._delivered(lead, 1, link_token="A" * 16, clicked_at=self.now)
        self._count()
        message.recipient_id._erase_personal_data(self.env.company)
        self.assertFalse(message.link_token)
        rows = self._rows("won", "click")
        self.assertEqual(len(rows), 2)
        self.assertFalse(rows.lead_id or rows.message_id)
        lead.expected_revenue = 900
        self._count()
        self.assertEqual(self._rows("won").amount, 700)

    def test_messages_of_another_company_are_not_its_leads_affair(self):
        lead = self._win(self._lead(NUMBER, type="opportunity", company_id=self.env.company.id))
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self._delivered(lead, 1).company_id = other
        self._count()
        self.assertFalse(self._rows("won"))


class TestInvoices(MoneyCase):
    def setUp(self):
        super().setUp()
        if "sale.order" not in self.env:
            self.skipTest("sales orders are not installed")
        self.env["account.chart.template"].try_loading("generic_coa", self.env.company)

    def _order(self, lead, price=200, **values):
        order = self.env["sale.order"].create(
            {
                "partner_id": lead.partner_id.id,
                "opportunity_id": lead.id,
                "order_line": [
                    fields.Command.create(
                        {
                            "product_id": self.env["product.product"]
                            .create({"name": "Sofa", "invoice_policy": "order", "taxes_id": False})
                            .id,
                            "price_unit": price,
                        }
                    )
                ],
                **values,
            }
        )
        order.action_confirm()
        return order

    def _invoice(self, orders):
        invoice = orders._create_invoices()
        invoice.action_post()
        return invoice

    def _customer(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        return self._lead(NUMBER, type="opportunity", partner_id=partner.id)

    def test_invoices_and_credit_notes_without_taxes(self):
        lead = self._customer()
        message = self._delivered(lead, 1)
        invoice = self._invoice(self._order(lead))
        self._count()
        row = self._rows("revenue")
        self.assertEqual((row.amount, row.lead_id, row.message_id), (200, lead, message))
        self.assertEqual(row.detail, invoice.name)
        refund = invoice._reverse_moves([{"invoice_date": fields.Date.today()}])
        refund.action_post()
        self._count()
        self.assertEqual(sorted(self._rows("revenue").mapped("amount")), [-200, 200])

    def test_an_invoice_set_back_to_draft_counts_no_more(self):
        lead = self._customer()
        self._delivered(lead, 1)
        invoice = self._invoice(self._order(lead))
        self._count()
        self.assertTrue(self._rows("revenue"))
        invoice.button_draft()
        self._count()
        self.assertFalse(self._rows("revenue"))

    def test_each_lead_has_its_part_of_a_common_invoice(self):
        lead = self._customer()
        other = self._lead(NUMBER, type="opportunity", partner_id=lead.partner_id.id)
        self._delivered(lead, 1)
        self._invoice(self._order(lead, 200) | self._order(other, 50))
        self._count()
        rows = self._rows("revenue")
        self.assertEqual({row.lead_id: row.amount for row in rows}, {lead: 200, other: 50})

    def test_the_order_decides_and_not_the_invoice(self):
        lead = self._customer()
        order = self._order(lead)
        order.date_order = self.now - timedelta(days=3)
        self._delivered(lead, 1)
        self._invoice(order)
        self._count()
        self.assertFalse(self._rows("revenue"))

    def test_another_currency_counts_in_the_company_s(self):
        other = self._currency_of_half()
        pricelist = self.env["product.pricelist"].create({"name": "X", "currency_id": other.id})
        lead = self._customer()
        self._delivered(lead, 1)
        self._invoice(self._order(lead, 200, pricelist_id=pricelist.id))
        self._count()
        self.assertEqual(self._rows("revenue").amount, 100)


class TestReport(MoneyCase):
    def _group(self, groupby=(), domain=(), user=None, **kinds):
        report = self.env["waba.money.report"].with_user(user or self.manager)
        return report._read_group(list(domain), list(groupby), list(kinds))

    def _sums(self, *aggregates, domain=(), user=None):
        report = self.env["waba.money.report"].with_user(user or self.manager)
        [values] = report._read_group(list(domain), [], list(aggregates))
        return values

    def _campaign_with(self, count, won=0, replied=0, revenue=100, **values):
        """A campaign of `count` messages delivered yesterday at 0.05 each."""
        leads = self._leads(count)
        leads.type = "opportunity"
        campaign = self._campaign(leads, **values)
        for index, lead in enumerate(leads):
            row = self._delivered(
                lead, 1, campaign_id=campaign.id, pricing_type="regular",
                pricing_category="marketing", pricing_billable="yes",
                user_id=campaign.user_id.id,
            )  # fmt: skip
            if index < replied:
                row.replied_at = self.now
        for lead in leads[:won]:
            self._win(lead, revenue)
        return campaign

    def test_cost_and_results_stand_side_by_side(self):
        self._rate(0.05)
        campaign = self._campaign_with(4, won=1, replied=2)
        self._count()
        self.assertEqual(
            self._sums(
                "sent_count:sum", "delivered_count:sum", "replied_count:sum", "won_count:sum",
                "won_amount:sum", "reply_rate:avg", domain=[("campaign_id", "=", campaign.id)],
            ),
            (4, 4, 2, 1, 100, 0.5),
        )  # fmt: skip
        costs = self._sums("cost:sum", "cost_per_reply:avg", "cost_per_won:avg", "return_rate:avg")
        for found, expected in zip(costs, (0.2, 0.1, 0.2, 500), strict=True):
            self.assertAlmostEqual(found, expected, places=6)

    def test_a_price_is_not_told_where_a_part_has_none(self):
        self._campaign_with(2, won=1, replied=1)
        self._count()
        self.assertEqual(
            self._sums("unpriced_count:sum", "cost:sum", "cost_per_reply:avg", "return_rate:avg"),
            (2, False, False, False),
        )
        self._rate(0.05)
        self._delivered(
            None, 1, number="+34611000002", pricing_type="regular",
            pricing_category="marketing", pricing_billable="yes",
        )  # fmt: skip
        self.env["waba.message"].search([("campaign_id", "=", False)])._price_batch()
        self.env["waba.money.daily"]._count_due_days()
        unpriced, cost, per_reply = self._sums(
            "unpriced_count:sum", "cost:sum", "cost_per_reply:avg"
        )
        self.assertEqual((unpriced, per_reply), (2, False))
        self.assertAlmostEqual(cost, 0.05)

    def test_what_came_later_stands_with_the_day_of_its_message(self):
        self._rate()
        lead = self._lead(NUMBER, type="opportunity")
        message = self._delivered(lead, 10)
        self._win(lead)
        self._count()
        report = self.env["waba.money.report"].with_user(self.manager)
        self.assertEqual(
            report._read_group([], ["day:day"], ["sent_count:sum", "won_count:sum"]),
            [(message.day, 1, 1)],
        )

    def test_a_salesperson_sees_their_own(self):
        self._rate()
        self._campaign_with(2, won=1, user_id=self.salesperson.id)
        self._delivered(self._lead("+34611000077"), 1, user_id=self.manager.id)
        self._count()
        self.assertEqual(self._sums("sent_count:sum", "won_count:sum"), (3, 1))
        self.assertEqual(
            self._sums("sent_count:sum", "won_count:sum", user=self.salesperson), (2, 1)
        )

    def test_a_later_price_counts_to_an_old_day(self):
        row = self._delivered(
            None, 20, pricing_type="regular", pricing_category="marketing", pricing_billable="yes"
        )
        self._count()
        self.assertEqual(self._sums("unpriced_count:sum", "cost:sum"), (1, False))
        self._rate(0.05)
        self.env.cr.execute("UPDATE waba_rate SET write_date = now() + interval '1 minute'")
        self._count()
        self.assertEqual(row.cost_state, "charged")
        unpriced, cost = self._sums("unpriced_count:sum", "cost:sum")
        self.assertEqual(unpriced, 0)
        self.assertAlmostEqual(cost, 0.05)
