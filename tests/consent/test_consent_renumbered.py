"""A number that takes the place of one that had opted out: held until somebody confirms that it is
another person's."""

from datetime import timedelta

from odoo.exceptions import AccessError

from .test_consent import NUMBER
from .test_consent_company import OTHER, SharedCase

NEW = "+34611000077"


class TestRenumbered(SharedCase):
    def _out(self, purpose="marketing", number=NUMBER, **values):
        self._person(number)._set_consent(
            purpose, "opt_out", "reply", "BAJA", **{"company": self.a, **values}
        )

    def _partner(self, number, **values):
        return self.env["res.partner"].create({"name": "Ana Prueba", "phone": number, **values})

    def _held(self, record):
        self.env.invalidate_all()
        return record.waba_is_renumbered

    def _reason(self, record, template=None):
        """Why a campaign would leave this record out, or False."""
        campaign = self._launch(record, template_id=(template or self.template).id)
        return self._rows(campaign).failure_type

    def test_a_lead_or_contact_is_held_for_what_the_number_before_did_not_want(self):
        makers = {"lead": self._lead, "contact": self._partner}
        for name, make in makers.items():
            for purpose, other in (("marketing", "utility"), ("utility", "marketing")):
                with self._case(f"{name} {purpose}"):
                    self._out(purpose)
                    record = make(NUMBER)
                    self.assertFalse(self._held(record))
                    record.phone = NEW
                    self.assertTrue(self._held(record))
                    held = self.env["waba.renumbered"]._held_records(
                        record._name, record.ids, self.a
                    )
                    self.assertEqual(held, {(self.a.id, record.id, purpose)})
                    seen = record.with_user(self.salesperson)
                    why = {"marketing": "waba_promotion_why", "utility": "waba_service_why"}
                    self.assertIn("replaced one that had opted out", seen[why[purpose]])
                    self.assertNotIn("changed after", seen[why[other]])

    def test_changes_that_hold_and_changes_that_do_not(self):
        ours = "+5215512345678"
        cases = {
            "in two steps": (True, lambda lead: (lead.write({"phone": False}),
                                                 lead.write({"phone": NEW}))),
            "twice": (True, lambda lead: (lead.write({"phone": NEW}),
                                          lead.write({"phone": OTHER}))),
            "there and back": (False, lambda lead: (lead.write({"phone": NEW}),
                                                    lead.write({"phone": NUMBER}))),
            "written otherwise": (False, lambda lead: lead.write({"phone": "611 00 00 01"})),
            "the same": (False, lambda lead: lead.write({"phone": NUMBER})),
            "another field": (False, lambda lead: lead.write({"contact_name": "Bea"})),
            "another country": (True, lambda lead: (
                lead.write({"phone": "611000001"}),
                lead.write({"country_id": self.env.ref("base.fr").id}))),
            "another contact": (True, lambda lead: lead.write(
                {"partner_id": self._partner(NEW).id, "phone": NEW})),
            "by import": (True, lambda lead: lead.load([".id", "phone"], [[str(lead.id), NEW]])),
            "many at once": (True, lambda lead: (lead + self._lead(OTHER)).write({"phone": NEW})),
        }  # fmt: skip
        for name, (expected, change) in cases.items():
            with self._case(name):
                self._out()
                lead = self._lead(NUMBER)
                change(lead)
                self.assertEqual(self._held(lead), expected)
        with self._case("WhatsApp's own way of writing it"):
            self._person("+525512345678").wa_number = ours
            self._out(number="+525512345678")
            lead = self._lead("+525512345678", country_id=self.env.ref("base.mx").id)
            lead.phone = ours
            self.assertFalse(self._held(lead))

    def test_nobody_is_held_whose_number_had_not_opted_out(self):
        lead = self._lead(NUMBER)
        self._person()
        lead.phone = NEW
        self._out(number=OTHER)
        self.assertFalse(self.env["waba.renumbered"].search([]))
        self._out()
        self.assertFalse(self._held(lead), "the opt-out came after the change")

    def test_a_lead_that_follows_its_contact_is_held_too_and_one_click_settles_both(self):
        self._out()
        partner = self._partner(NUMBER)
        lead = self._lead(NUMBER, partner_id=partner.id)
        partner.phone = NEW
        self.assertEqual(lead.phone_sanitized, NEW)
        self.assertTrue(self._held(lead) and self._held(partner))
        lead.action_waba_confirm_other_person()
        self.assertFalse(self._held(lead) or self._held(partner))
        rows = self.env["waba.renumbered"].search([])
        self.assertEqual(rows.settled_by_id, self.env.user)
        self.assertTrue(all(rows.mapped("settled_at")))
        self.assertIn("belongs to someone other", self._chatter(lead))

    def test_it_is_left_out_when_the_rows_are_made(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        self.assertEqual(self._reason(lead), "renumbered")
        self.assertEqual(self._reason(lead, self.utility_template), False)
        lead.action_waba_confirm_other_person()
        self.assertEqual(self._reason(lead), False)

    def test_it_is_left_out_in_the_transaction_that_reserves(self):
        lead, other = self._lead(NEW), self._lead(OTHER)
        campaign = self._campaign(lead + other)
        campaign.action_launch()
        self._prepare()
        # Made while nothing stood in the way: what stands in it now has come since.
        self._out()
        self.env["waba.renumbered"]._hold_records(lead, self._person())
        self._dispatch()
        first, second = self._rows(campaign)
        self.assertEqual((first.state, first.failure_type), ("skipped", "renumbered"))
        self.assertEqual(second.state, "accepted")
        self.assertIn("changed after", first.failure_reason)

    def test_no_other_way_of_writing_passes_either_but_a_free_answer_does(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        queue = self.env["waba.message"]._queue_direct
        for origin in ("manual", "action", "sequence"):
            with self._case(origin):
                row = queue(self.sender, lead, origin=origin, template=self.template)
                self.assertEqual(row.failure_type, "renumbered")
        self._receive(self._inbound(NEW, "Hola"))
        row = queue(self.sender, lead, origin="manual", text="Hola")
        self.assertFalse(row.failure_type)

    def test_the_one_before_agreeing_again_lets_go(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        later = self.now + timedelta(minutes=5)
        word = ("marketing", "opt_in", "reply", "ALTA")
        self._person()._set_consent(*word, at=later, company=self.a)
        self.assertEqual(self._reason(lead), False)
        held = self.env["waba.renumbered"]._held_records("crm.lead", lead.ids, self.b)
        self.assertIn((self.b.id, lead.id, "marketing"), held, "not to B")

    def test_erasing_the_one_before_keeps_the_hold_and_no_number(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        self._person()._erase_personal_data(self.a | self.b)
        self.assertEqual(self._reason(lead), "renumbered")

    def test_only_who_may_change_the_record_confirms(self):
        self._out()
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        lead.phone = NEW
        stranger = self._salesperson_of_own()
        with self.assertRaises(AccessError):
            lead.with_user(stranger).action_waba_confirm_other_person()
        self.assertTrue(self._held(lead))
        for user in (self.salesperson, self.manager):
            with self.assertRaises(AccessError):
                self.env["waba.renumbered"].with_user(user).search([]).write(
                    {"settled_at": self.now}
                )
        lead.with_user(self.salesperson).action_waba_confirm_other_person()
        self.assertFalse(self._held(lead))
        self.assertIn(self.salesperson.name, self._chatter(lead))
        self.assertFalse(lead.action_waba_confirm_other_person())

    def test_what_was_confirmed_is_asked_again_after_another_change_from_such_a_number(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        lead.action_waba_confirm_other_person()
        lead.phone = NUMBER
        self.assertFalse(self._held(lead))
        lead.phone = OTHER
        self.assertTrue(self._held(lead))

    def test_a_merge_takes_the_hold_along(self):
        self._out()
        source, target = self._lead(NUMBER), self._lead(NEW)
        source.phone = NEW
        (source + target).merge_opportunity()
        stays = (source + target).exists()
        self.assertTrue(self._held(stays))

    def test_the_preflight_names_them(self):
        self._out()
        lead = self._lead(NUMBER)
        lead.phone = NEW
        checks = self._campaign(lead)._preflight_report().checks
        [excluded] = [check for check in checks if check.line == "left_out"]
        [part] = excluded.parts
        self.assertEqual((part.key, part.count), ("renumbered", 1))
