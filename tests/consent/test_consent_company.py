"""An opt-out goes wide, an opt-in stays with the company it was given to, also where companies
share a portfolio and so one row is one person for both."""

from datetime import timedelta
from itertools import permutations, product

from odoo.addons.waba_campaign.cloud_api import webhooks
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from .test_consent import NUMBER, ConsentCase

OTHER = "+34611000002"
GIVEN = {"opt_in": "opted_in", "opt_out": "opted_out"}


class SharedCase(ConsentCase):
    """Two companies, A and B, with an account each in one portfolio, and C with one of its own."""

    def setUp(self):
        super().setUp()
        self.a = self.env.company
        self.b = self.env["res.company"].create({"name": "Company B"})
        self.account_b = self._create_account(
            name="B's account", waba_uid="98", portfolio_id=self.portfolio.id,
            company_id=self.b.id,
        )  # fmt: skip
        self.foreign = self._portfolio_elsewhere()
        self.c = self.foreign.account_ids.company_id

    def _user_of(self, company, login, groups="waba_campaign.waba_group_user"):
        return new_test_user(
            self.env,
            login,
            groups=f"sales_team.group_sale_salesman_all_leads,{groups}",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )

    def _states(self, person=None, purpose="marketing"):
        person = person or self._person()
        return tuple(person._consent_state(purpose, each) for each in (self.a, self.b, self.c))


class TestWhoseWord(SharedCase):
    def test_an_opt_out_holds_for_all_and_an_opt_in_for_one(self):
        for purpose in ("marketing", "utility"):
            for index, company in enumerate((self.a, self.b, self.c)):
                with self._case(f"{purpose} {company.name}"):
                    person = self._person()
                    person._set_consent(purpose, "opt_in", "person", "yes", company=company)
                    expected = ["unknown"] * 3
                    expected[index] = "opted_in"
                    self.assertEqual(self._states(person, purpose), tuple(expected))
                    person._set_consent(purpose, "opt_out", "person", "no", company=company)
                    self.assertEqual(self._states(person, purpose), ("opted_out",) * 3)
                    person._set_consent(purpose, "opt_in", "person", "yes", company=company)
                    expected = ["opted_out"] * 3
                    expected[index] = "opted_in"
                    self.assertEqual(self._states(person, purpose), tuple(expected))

    def test_whatever_was_said_in_whatever_order_it_came_the_last_word_for_each_counts(self):
        kinds = [(action, company) for action in GIVEN for company in (self.a, self.b)]
        for said in product(kinds, repeat=3):
            expected = []
            for company in (self.a, self.b, self.c):
                heard = [
                    action for action, whose in said if action == "opt_out" or whose == company
                ]
                expected.append(GIVEN[heard[-1]] if heard else "unknown")
            for order in list(permutations(range(3)))[::2]:
                with self._case(f"{[(a, c.name) for a, c in said]} {order}"):
                    elsewhere = self._person(portfolio=self.foreign)
                    for index in order:
                        action, company = said[index]
                        self._person()._set_consent(
                            "marketing", action, "person", "said so",
                            at=self.now - timedelta(hours=9 - index), company=company,
                        )  # fmt: skip
                    self.assertEqual(self._states(), tuple(expected))
                    self.assertEqual(self._states(elsewhere), tuple(expected))

    def test_a_row_made_later_knows_what_was_said_to_each(self):
        person = self._person()
        person._set_consent("marketing", "opt_out", "reply", "no", company=self.a)
        person._set_consent("marketing", "opt_in", "form", "yes", company=self.b)
        person._set_consent("utility", "opt_in", "form", "yes", company=self.c)
        later = self._person(portfolio=self.foreign)
        self.assertEqual(self._states(later), ("opted_out", "opted_in", "opted_out"))
        self.assertEqual(self._states(later, "utility"), ("unknown", "unknown", "opted_in"))

    def test_what_all_of_a_portfolio_may_go_by_is_the_least_that_each_may(self):
        person = self._person()
        person._set_consent("marketing", "opt_in", "form", "yes", company=self.b)
        self.assertEqual(person.marketing_state, "unknown")
        person._set_consent("marketing", "opt_in", "form", "yes", company=self.a)
        self.assertEqual(person.marketing_state, "opted_in")
        person._set_consent("marketing", "opt_out", "form", "no", company=self.b)
        person._set_consent("marketing", "opt_in", "form", "yes", company=self.a)
        self.assertEqual(person.marketing_state, "opted_out")

    def test_a_company_that_joins_a_portfolio_has_nobody_s_opt_in(self):
        person = self._person(portfolio=self.foreign)
        person._set_consent("marketing", "opt_in", "form", "yes")
        self.assertEqual(person.marketing_state, "opted_in")
        self.account_b.portfolio_id = self.foreign
        self.assertEqual(person.marketing_state, "unknown")
        self.assertEqual(self._states(person), ("unknown", "unknown", "opted_in"))

    def test_an_account_that_moves_takes_what_people_said_along(self):
        theirs = self._person(portfolio=self.foreign)
        stranger = self._person(OTHER, portfolio=self.foreign)
        for person in (theirs, stranger):
            person.user_uid = f"ES.{person.id}"
            person._set_consent("marketing", "opt_in", "form", "yes")
        self._message(OTHER, account_id=self.foreign.account_ids.id, recipient_id=stranger.id)
        self.portfolio._on_join(self.foreign, self.foreign.account_ids)
        self.assertEqual(self._states(), ("unknown", "unknown", "opted_in"))
        self.assertEqual(self._states(self._person(OTHER)), ("unknown", "unknown", "opted_in"))

    def test_each_way_of_saying_it_is_said_to_one_company(self):
        self._write("BAJA", hours_ago=5)
        self._prefer("resume", hours_ago=4)
        self._receive(self._inbound(OTHER, "BAJA", timestamp=self._hours_ago(3)))
        self._receive(self._inbound(OTHER, "ALTA", wamid="w2", timestamp=self._hours_ago(2)))
        self.env["waba.recipient"]._opt_in_from_form(
            "+34611000003", "marketing", "Form of B", "Yes, write to me", company=self.b
        )
        entries = {
            number: self.env["waba.consent"].search([("number", "=", number)]).company_id
            for number in (NUMBER, OTHER, "+34611000003")
        }
        self.assertEqual(entries, {NUMBER: self.a, OTHER: self.a, "+34611000003": self.b})
        self.assertEqual(self._states(), ("opted_in", "opted_out", "opted_out"))
        self.assertEqual(self._states(self._person(OTHER)), ("opted_in", "opted_out", "opted_out"))

    def test_an_opt_in_that_tells_no_company_is_refused(self):
        with self.assertRaises(ValueError):
            self._person()._set_consent("marketing", "opt_in", "person", "yes")
        self._person()._set_consent("marketing", "opt_out", "person", "no")
        self.assertEqual(self._states(), ("opted_out",) * 3)

    def test_an_erased_opt_out_outlives_another_company_s_opt_in(self):
        ours = self._person()
        ours._set_consent("marketing", "opt_out", "reply", "no", company=self.a)
        theirs = self._person(portfolio=self.foreign)
        ours._erase_personal_data(self.a | self.b)
        theirs._set_consent("marketing", "opt_in", "form", "yes", company=self.c)
        theirs._erase_personal_data(self.c, keep_out=False)
        self.assertEqual(self._states(), ("opted_out",) * 3)

    def _hours_ago(self, hours):
        return int((self.now - timedelta(hours=hours)).timestamp())


class TestSendingByOneCompany(SharedCase):
    def test_b_s_opt_in_makes_a_write_to_nobody(self):
        self.a.waba_opt_in_required = True
        self._person()._set_consent("marketing", "opt_in", "person", "yes", company=self.b)
        lead = self._lead(NUMBER)
        row = self._rows(self._launch(lead))
        self.assertEqual((row.state, row.failure_type), ("skipped", "no_opt_in"))
        self._person()._set_consent("marketing", "opt_in", "person", "yes", company=self.a)
        self.assertEqual(self._rows(self._launch(lead)).state, "accepted")

    def test_b_s_opt_in_lifts_no_opt_out_for_a_when_made_nor_when_reserved(self):
        person, lead = self._person(), self._lead(NUMBER)
        campaign = self._campaign(lead)
        campaign.action_launch()
        self._prepare()
        person._set_consent("marketing", "opt_out", "reply", "no", company=self.a)
        person._set_consent("marketing", "opt_in", "person", "yes", company=self.b)
        self._dispatch()
        self.assertEqual(self._rows(campaign).failure_type, "opted_out")
        self.assertEqual(self._rows(self._launch(lead)).failure_type, "opted_out")
        direct = self.env["waba.message"]._queue_direct(
            self.sender, lead, origin="action", template=self.template
        )
        self.assertEqual(direct.failure_type, "opted_out")
        self.assertFalse(self.simulator.sends())

    def test_the_panel_and_the_preflight_tell_each_company_its_own(self):
        self._person()._set_consent("marketing", "opt_in", "person", "yes", company=self.b)
        lead = self._lead(NUMBER)
        seller = lead.with_user(self.salesperson)
        self.assertEqual(seller.waba_marketing_state, "unknown")
        self.assertNotIn("agreed", seller.waba_promotion_why)
        run = self._campaign(lead)._dry_run()
        self.assertFalse(run.history(run.receiving[0]).opted_in)

    def test_the_screens_show_each_company_its_own(self):
        self._person()._set_consent("marketing", "opt_in", "person", "yes", company=self.b)
        seller_b = self._user_of(self.b, "b_seller")
        for user, state in ((self.salesperson, "unknown"), (seller_b, "opted_in")):
            self.assertEqual(self._person().with_user(user).own_marketing_state, state)
        self.assertEqual(self._person().with_user(seller_b).own_utility_state, "unknown")

    def test_whatsapp_s_own_resume_is_given_to_the_company_of_the_account(self):
        self._prefer("stop", hours_ago=2)
        [item] = webhooks.parse_events(self._preference_body("resume", hours_ago=1))
        event = self._store_event({"object": "x"}, self.account_b)
        event._apply_preference(self.account_b, item)
        self.assertEqual(self._states(), ("opted_out", "opted_in", "opted_out"))

    def test_what_was_said_to_b_is_no_word_of_why_a_wrote(self):
        person = self._person()
        person._set_consent("marketing", "opt_in", "person", "Secret of B", company=self.b)
        person._set_consent("marketing", "opt_out", "person", "Words to B", company=self.b)
        row = self._rows(self._launch(self._lead(NUMBER)))
        self.assertIn("Opt-out of", row.why_html)
        self.assertNotIn("Secret of B", row.why_html)
        self.assertNotIn("Words to B", row.why_html)

    def test_a_user_of_a_reads_no_entry_of_b_but_that_there_was_an_opt_out(self):
        lead = self._lead(NUMBER)
        self._person()._set_consent("marketing", "opt_out", "person", "Words to B", company=self.b)
        wizard = self.env["waba.consent.note"].with_user(self.salesperson)
        wizard = wizard.create({"res_model": "crm.lead", "res_id": lead.id, "note": "x"})
        self.assertIn("Opt-out", wizard.on_record)
        self.assertNotIn("Words to B", wizard.on_record)
        with self.assertRaises(AccessError):
            self.env["waba.opt.in"].with_user(self.salesperson).search([])
