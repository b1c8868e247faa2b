"""Two records, one person: messages, conversations and the stricter word stay with them."""

from odoo.tests import tagged

from .test_consent import NUMBER, ConsentCase

OTHER = "+34611000002"


@tagged("post_install", "-at_install")
class TestMerge(ConsentCase):
    def _partner(self, number, **values):
        return self.env["res.partner"].create({"name": "Ana", "phone": number, **values})

    def _merge_partners(self, source, target):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((source + target).ids, target)
        return target

    def _merge_leads(self, source, target):
        # The surer one is kept.
        target.probability, source.probability = 90, 10
        merged = (source + target).with_user(self.manager)._merge_opportunity()
        self.assertEqual(merged.id, target.id)
        return target

    def _ways(self):
        return {
            "partners": (self._partner, self._merge_partners),
            "leads": (lambda number: self._lead(number, type="opportunity"), self._merge_leads),
        }

    def test_the_stricter_word_goes_for_both_numbers(self):
        for name, (make, merge) in self._ways().items():
            for out, purpose in ((NUMBER, "marketing"), (OTHER, "marketing"), (OTHER, "utility")):
                with self._case(f"{name} {out} {purpose}"):
                    state = f"{purpose}_state"
                    rest = "utility_state" if purpose == "marketing" else "marketing_state"
                    self._person(out)._set_consent(purpose, "opt_out", "reply", "BAJA")
                    merge(make(NUMBER), make(OTHER))
                    for number in (NUMBER, OTHER):
                        person = self._person(number)
                        self.assertEqual(person[state], "opted_out")
                        self.assertEqual(person[rest], "unknown")
                    entry = self._person({NUMBER: OTHER, OTHER: NUMBER}[out]).consent_ids
                    self.assertEqual((entry.source, entry.action), ("merge", "opt_out"))

    def test_a_later_opt_in_of_the_other_number_is_overruled_too(self):
        self._person(NUMBER)._set_consent("marketing", "opt_out", "reply", "BAJA")
        self._person(OTHER)._set_consent("marketing", "opt_in", "reply", "ALTA")
        self._merge_partners(self._partner(NUMBER), self._partner(OTHER))
        self.assertEqual(self._person(OTHER).marketing_state, "opted_out")

    def test_two_opt_ins_stay_opt_ins(self):
        for number in (NUMBER, OTHER):
            self._person(number)._set_consent("marketing", "opt_in", "reply", "ALTA")
        self._merge_partners(self._partner(NUMBER), self._partner(OTHER))
        self.assertEqual(self._person(NUMBER).marketing_state, "opted_in")
        self.assertEqual(self._person(OTHER).marketing_state, "opted_in")
        self.assertEqual(len(self.env["waba.consent"].search([])), 2)

    def test_messages_and_conversations_lead_to_the_record_that_stays(self):
        for name, (make, merge) in self._ways().items():
            with self._case(name):
                source, target = make(NUMBER), make(OTHER)
                self._launch(source)
                self._receive(self._inbound(NUMBER, "Hola"))
                self.assertEqual(source.waba_message_count, 2)
                merge(source, target)
                target.invalidate_recordset()
                self.assertEqual(target.waba_message_count, 2)
                messages = self.env["waba.message"].search([("number", "=", NUMBER)])
                self.assertEqual(set(messages.mapped("res_id")), set(target.ids))
                conversation = self.env["waba.conversation"].search([("res_id", "!=", False)])
                self.assertEqual(conversation.res_id, target.id)

    def test_a_person_keeps_the_contact_that_stays(self):
        source, target = self._partner(NUMBER), self._partner(OTHER)
        self._person(NUMBER).partner_id = source
        self._merge_partners(source, target)
        self.assertEqual(self._person(NUMBER).partner_id, target)

    def test_two_of_one_campaign_who_turn_out_to_be_one_get_it_once(self):
        for name, (make, merge) in self._ways().items():
            with self._case(name):
                source, target = make(NUMBER), make(OTHER)
                campaign = self._campaign(source + target)
                campaign.action_launch()
                self._prepare()
                merge(source, target)
                rows = self._rows(campaign)
                self.assertEqual(rows.mapped("res_id"), target.ids * 2)
                self._dispatch()
                by_number = {row.number: (row.state, row.failure_type) for row in rows}
                self.assertEqual(by_number[OTHER], ("accepted", False))
                self.assertEqual(by_number[NUMBER], ("skipped", "duplicate"))
                self.assertEqual(len(self.simulator.sends()), 1)

    def test_who_has_it_already_does_not_get_it_under_the_other_number(self):
        source, target = self._partner(NUMBER), self._partner(OTHER)
        self.portfolio.daily_cap = 1
        campaign = self._launch(source + target)
        self.assertEqual(self._rows(campaign).mapped("state"), ["accepted", "queued"])
        self._merge_partners(source, target)
        self.assertEqual(self._rows(campaign).mapped("state"), ["accepted", "skipped"])
