"""Reconfirmation: silent people are asked once; a yes is a fresh opt-in, silence ends it."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form

from ..common import WabaCase

LONG_AGO = timedelta(days=500)


class ReconfirmCase(WabaCase):
    def setUp(self):
        super().setUp()
        self.env.company.write({"waba_frequency_count": 0, "waba_same_template_hours": 0})
        self.leads = self._leads(3)
        self.people = self.env["waba.recipient"].concat(
            *(self._person(lead.phone_sanitized) for lead in self.leads)
        )
        self.given_at = fields.Datetime.now() - LONG_AGO
        self.people._set_consent(
            "marketing", "opt_in", "form", "At the fair", at=self.given_at,
            company=self.env.company,
        )  # fmt: skip

    def _person(self, number):
        return self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [number])[
            number
        ]

    def _silent(self):
        return self.env["waba.recipient"]._find_silent(self.env.company)

    def _wizard(self, **values):
        return self.env["waba.reconfirm"].with_user(self.manager).create(
            {"template_id": self._question.id, "sender_id": self.sender.id,
             "res_model": "crm.lead", **values}
        )  # fmt: skip

    @property
    def _question(self):
        """A template with a button to say yes."""
        return self._template("welcome_back", "es")

    def _ask(self, **values):
        action = self._wizard(**values).action_create_campaign()
        campaign = self.env["waba.campaign"].browse(action["res_id"])
        for line in campaign.variable_ids.filtered(lambda line: not line._is_complete()):
            line.write({"source": "text", "text": "x"})
        campaign.with_user(self.manager)._start_launch()
        self._prepare()
        return campaign

    def _arrive(self, campaign, days_ago=0):
        at = fields.Datetime.now() - timedelta(days=days_ago)
        self._rows(campaign, "queued").write(
            {"state": "delivered", "accepted_at": at, "delivered_at": at}
        )

    def _state(self, index=0):
        return self.people[index]._consent_state("marketing", self.env.company)


class TestSilence(ReconfirmCase):
    def test_who_wrote_clicked_or_opted_in_within_the_year_is_not_silent(self):
        self.assertEqual(self._silent(), self.people)
        numbers = self.leads.mapped("phone_sanitized")
        self._receive(self._inbound(numbers[0], "Hola"))
        self._message(numbers[1], "read", clicked_at=fields.Datetime.now())
        self.assertEqual(self._silent(), self.people[2])
        self.people[2]._set_consent(
            "marketing", "opt_in", "form", "Again", company=self.env.company
        )
        self.assertFalse(self._silent())
        found = self.env["waba.recipient"].search([("is_silent", "=", True)])
        self.assertFalse(found & self.people)

    def test_who_opted_out_or_never_opted_in_is_not_asked(self):
        self.people[0]._set_consent("marketing", "opt_out", "reply", "BAJA")
        self.assertEqual(self._silent(), self.people[1:])


class TestReconfirmation(ReconfirmCase):
    def test_the_dialog_makes_a_small_campaign_of_the_longest_silent(self):
        with Form(self._wizard()) as form:
            self.assertEqual(form.quiet_count, 3)
        campaign = self._ask(people_limit=2)
        self.assertEqual(len(self._rows(campaign, "queued")), 2)
        self.assertEqual(campaign.reconfirmation_ids.recipient_id, self.people[:2])
        self.assertEqual(self._silent(), self.people[2])

    def test_people_who_hide_their_number_are_asked_too(self):
        hidden = self.people[:2]
        for index, person in enumerate(hidden):
            person.write({"number": False, "user_uid": f"ES.90{index}"})
        self.leads[0].write({"phone": False, "waba_recipient_id": hidden[0].id})
        # Through the contact; and a record with a number is a message to that number.
        contact = self.env["res.partner"].create({"name": "Ana"})
        hidden[1].partner_id = contact
        self.leads[1].write({"phone": False, "partner_id": contact.id})
        numbered = self._lead("+34611777001")
        numbered.waba_recipient_id = hidden[0]
        campaign = self._ask()
        self.assertEqual(campaign.reconfirmation_ids.recipient_id, self.people)
        self.assertEqual(set(self._rows(campaign, "queued").mapped("res_id")), set(self.leads.ids))
        self.assertEqual(self._wizard(res_model="res.partner").quiet_count, 0, "asked already")

    def test_a_template_without_a_button_to_answer_is_refused(self):
        with self.assertRaisesRegex(UserError, "no reply button"):
            self._wizard(template_id=self.template.id).action_create_campaign()

    def test_one_attempt_for_each_opt_in_whatever_asks(self):
        self._ask()
        with self.assertRaisesRegex(UserError, "No one to ask"):
            self._wizard().action_create_campaign()
        again = self._campaign(self.leads, template_id=self._question.id)
        again.reconfirm_days = 14
        again._start_launch()
        self._prepare()
        self.assertEqual(set(self._rows(again).mapped("failure_type")), {"reconfirmed"})

    def test_a_yes_is_a_fresh_opt_in(self):
        campaign = self._ask()
        self._arrive(campaign)
        row = self._rows(campaign)[0]
        row.wamid = "wamid.ASK"
        number = row.number
        button = {
            "type": "button", "button": {"payload": "Sí, llámame", "text": "Sí, llámame"},
            "context": {"id": "wamid.ASK"},
        }  # fmt: skip
        self._receive(self._inbound(number, "", wamid="wamid.Y1", **button))
        self._receive(self._inbound(self._rows(campaign)[1].number, "Sí!", wamid="wamid.Y2"))
        self._receive(self._inbound(self._rows(campaign)[2].number, "Hola", wamid="wamid.Y3"))
        states = campaign.reconfirmation_ids.sorted("id").mapped("state")
        self.assertEqual(states, ["confirmed", "confirmed", "answered"])
        for index in range(2):
            [entry, _old] = self.people[index].consent_ids.sorted("id", reverse=True)
            self.assertEqual((entry.action, entry.source), ("opt_in", "reconfirmation"))
        self.env["waba.reconfirmation"]._end_unanswered()
        self.assertEqual([self._state(index) for index in range(3)], ["opted_in"] * 3)

    def test_a_stop_is_an_opt_out(self):
        campaign = self._ask()
        self._arrive(campaign)
        self._receive(self._inbound(self._rows(campaign)[0].number, "BAJA"))
        self.assertEqual(campaign.reconfirmation_ids.sorted("id")[0].state, "stopped")
        self.assertEqual(self._state(), "opted_out")

    def test_silence_ends_the_opt_in_once_the_question_was_delivered(self):
        campaign = self._ask(answer_days=10)
        rows = self._rows(campaign)
        self._arrive(campaign, days_ago=9)
        self.env["waba.reconfirmation"]._end_unanswered()
        self.assertEqual(self._state(), "opted_in")
        self._receive(self._inbound(rows[2].number, "Hola"))
        rows.write({"delivered_at": fields.Datetime.now() - timedelta(days=11)})
        rows[1].clicked_at = fields.Datetime.now()
        self._run_cron(self.env.ref("waba_campaign.ir_cron_end_consent"))
        states = campaign.reconfirmation_ids.sorted("id").mapped("state")
        self.assertEqual(states, ["ended", "answered", "answered"])
        found = [self._state(index) for index in range(3)]
        self.assertEqual(found, ["unknown", "opted_in", "opted_in"])
        entry = self.people[0].consent_ids.sorted("id")[-1]
        self.assertEqual((entry.action, entry.source), ("ended", "reconfirmation"))
        self.assertIn("within 10 days", entry.evidence)

    def test_a_question_that_was_not_delivered_ends_nothing(self):
        campaign = self._ask(answer_days=1)
        self._rows(campaign).write({"state": "failed"})
        self.env.flush_all()
        self.env.cr.execute("UPDATE waba_message SET write_date = write_date - interval '40 days'")
        self.env["waba.reconfirmation"]._end_unanswered()
        self.assertEqual(set(campaign.reconfirmation_ids.mapped("state")), {"unreached"})
        self.assertEqual(self._state(), "opted_in")

    def test_an_opt_in_given_meanwhile_stands(self):
        campaign = self._ask(answer_days=1)
        self._arrive(campaign, days_ago=5)
        self.people[0]._set_consent(
            "marketing", "opt_in", "form", "At the shop", company=self.env.company
        )
        self.env["waba.reconfirmation"]._end_unanswered()
        self.assertEqual([self._state(0), self._state(1)], ["opted_in", "unknown"])
