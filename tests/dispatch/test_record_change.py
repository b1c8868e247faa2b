"""The lead or contact of a message is looked at again before it leaves."""

import importlib.util
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from odoo import fields
from odoo.addons.waba_campaign.models.base import waba_failure
from odoo.addons.waba_campaign.policy import numbers, record_change
from odoo.addons.waba_campaign.policy.record_change import MessageOrigin, RecordState
from odoo.tests import tagged

from ..common import NUMBER_ES, ROOT, WabaCase
from ..pure import PureCase

NUMBER, OTHER = "+34611000001", "+34611000002"
TRAITS = ("elsewhere", "lost", "archived", "won", "contact_archived", "open")
ORIGINS = ("campaign", "sequence", "action", "manual", "reply", "test")
CATEGORIES = ("marketing", "utility", "service", None)


def some(*traits):
    return frozenset(traits)


class TestRecordChangePolicy(PureCase):
    def test_what_is_newly_so_and_only_that_excludes(self):
        cases = [
            # then, now, reason of a campaign's message
            (some("open"), some("open"), None),
            (some("open"), some("lost"), "lead_lost"),
            (some("open"), some("archived"), "record_archived"),
            (some("open"), some("won"), "lead_won"),
            (some("open"), some("open", "contact_archived"), "contact_archived"),
            (some("open"), some("open", "elsewhere"), "company_changed"),
            (some("won"), some("won"), None),
            (some("won"), some("won", "archived"), "record_archived"),
            (some("won"), some("open"), "lead_reopened"),
            (some("won"), some("lost"), "lead_lost"),
            (some("lost"), some("lost"), None),
            (some("lost"), some("archived"), None),
            (some("archived"), some("lost"), None),
            (some("lost"), some("open"), "lead_reopened"),
            (some("lost"), some("won"), "lead_won"),
            (some("open", "contact_archived"), some("open", "contact_archived"), None),
            (some("open", "contact_archived"), some("open"), None),
            (some("elsewhere", "open"), some("open"), None),
            (some(), some("archived"), "record_archived"),
            (some("archived"), some(), None),
            (some("open"), some("lost", "elsewhere", "contact_archived"), "company_changed"),
        ]
        for then, now, reason in cases:
            with self.subTest(f"{set(then)} -> {set(now)}"):
                message = MessageOrigin(NUMBER, then, "campaign", "marketing")
                self.assertEqual(
                    record_change.change_reason(message, RecordState(NUMBER, now)), reason
                )

    def test_what_each_origin_heeds(self):
        everything = {"elsewhere", "lost", "archived", "won", "contact_archived", "open"}
        own_affairs = everything - {"won", "open"}
        cases = {
            ("campaign", "marketing"): everything,
            ("campaign", "utility"): everything,
            ("action", "marketing"): everything,
            ("action", "utility"): own_affairs,
            ("manual", "marketing"): everything,
            ("manual", "utility"): set(),
            ("reply", "marketing"): everything,
            ("reply", "utility"): set(),
            ("test", "marketing"): set(),
            ("sequence", "marketing"): {"elsewhere", "contact_archived"},
            ("sequence", "utility"): {"elsewhere", "contact_archived"},
        }
        for (origin, category), heeded in cases.items():
            message = MessageOrigin(NUMBER, some(), origin, category)
            self.assertEqual(record_change.relevant_traits(message), heeded, (origin, category))
        ends = MessageOrigin(NUMBER, some(), "sequence", "utility", some("won"))
        self.assertEqual(
            record_change.change_reason(ends, RecordState(NUMBER, some("won"))), "lead_won"
        )

    @given(
        st.sets(st.sampled_from(TRAITS)), st.sets(st.sampled_from(TRAITS)),
        st.sampled_from(ORIGINS), st.sampled_from(CATEGORIES),
    )  # fmt: skip
    @settings(max_examples=300, deadline=None)
    def test_invariants(self, then, now, origin, category):
        message = MessageOrigin(NUMBER, frozenset(then), origin, category)
        same = record_change.change_reason(message, RecordState(NUMBER, frozenset(then)))
        self.assertIsNone(same, "what was so already excludes nobody")
        reason = record_change.change_reason(message, RecordState(NUMBER, frozenset(now)))
        self.assertIn(reason, (None, *record_change.REASONS))
        if category != "service":
            for record in (
                None,
                RecordState("", frozenset(now)),
                RecordState(OTHER, frozenset(now)),
            ):
                self.assertIsNotNone(record_change.change_reason(message, record))

    def test_spellings_of_one_number_are_no_change(self):
        for then, now in (("+5215512345678", "+525512345678"), ("+525512345678", "+5215512345678"),
                          ("+551187654321", "+5511987654321")):  # fmt: skip
            message = MessageOrigin(then, some("open"), "campaign", "marketing")
            record = RecordState(now, some("open"))
            self.assertIsNone(
                record_change.change_reason(message, record, numbers.canonical_number), then
            )

    def test_every_reason_has_its_words(self):
        self.assertLessEqual(
            set(record_change.REASONS), {key for key, _label in waba_failure.EXCLUSION_REASONS}
        )


def _won(lead):
    lead.action_set_won()


def _won_by_stage(lead):
    lead.stage_id = lead.env["crm.stage"].search([("is_won", "=", True)], limit=1)


def _lost(lead):
    lead.action_set_lost(lost_reason_id=lead.env["crm.lost.reason"].create({"name": "Price"}).id)


def _company_of_others(record):
    return record.env["res.company"].create({"name": "Others"})


def _merged_into_other(lead):
    other = lead.copy({"phone": OTHER, "type": "opportunity"})
    (other + lead)._merge_opportunity(auto_unlink=False)
    # Odoo keeps the one with most on it: what matters is which number the record has now.
    kept = (other + lead).exists().filtered("active")[:1]
    kept.phone = OTHER
    return kept


LEAD_CHANGES = {
    # name: (what happens, reason of a promotion, whether a utility message of automation goes)
    "nothing": (lambda lead: None, None),
    "renamed": (lambda lead: lead.write({"name": "Another name"}), None),
    "reassigned": (lambda lead: lead.write({"user_id": lead.env.ref("base.user_admin").id}), None),
    "reformatted": (lambda lead: lead.write({"phone": "0034 611-000-001"}), None),
    "next stage": (
        lambda lead: lead.write(
            {"stage_id": lead.env["crm.stage"].search([("is_won", "=", False)])[-1].id}
        ),
        None,
    ),
    "deleted": (lambda lead: lead.unlink(), "record_gone"),
    "archived": (lambda lead: lead.write({"active": False, "probability": 10}), "record_archived"),
    "lost": (_lost, "lead_lost"),
    "won": (_won, "lead_won"),
    "won by its stage": (_won_by_stage, "lead_won"),
    "renumbered": (lambda lead: lead.write({"phone": OTHER}), "number_changed"),
    "renumbered in the contact": (
        lambda lead: lead.partner_id.write({"phone": OTHER}), "number_changed",
    ),
    "number emptied": (lambda lead: lead.write({"phone": False}), "number_removed"),
    "number made nonsense": (lambda lead: lead.write({"phone": "none"}), "number_removed"),
    "contact archived": (lambda lead: lead.partner_id.action_archive(), "contact_archived"),
    "merged into another": (_merged_into_other, "number_changed"),
    "to another company": (
        lambda lead: lead.write(
            {"company_id": _company_of_others(lead).id, "team_id": False, "user_id": False}
        ),
        "company_changed",
    ),
}  # fmt: skip

PARTNER_CHANGES = {
    "nothing": (lambda partner: None, None),
    "renamed": (lambda partner: partner.write({"name": "Another"}), None),
    "deleted": (lambda partner: partner.unlink(), "record_gone"),
    "archived": (lambda partner: partner.action_archive(), "record_archived"),
    "renumbered": (lambda partner: partner.write({"phone": OTHER}), "number_changed"),
    "number emptied": (lambda partner: partner.write({"phone": False}), "number_removed"),
    "to another company": (
        lambda partner: partner.write({"company_id": _company_of_others(partner).id}),
        "company_changed",
    ),
    "merged into another": (
        lambda partner: partner.env["base.partner.merge.automatic.wizard"]._merge(
            (partner + partner.copy({"phone": OTHER})).ids, partner.copy({"phone": OTHER})
        ),
        "number_changed",
    ),
}


@tagged("post_install", "-at_install")
class TestRecordChange(WabaCase):
    """change × origin × model; a change before the message was made excludes nobody."""

    def _lead_with_contact(self, **values):
        partner = self.env["res.partner"].create({"name": "Ana Prueba", "phone": NUMBER})
        return self._lead(NUMBER, partner_id=partner.id, type="opportunity", **values)

    def _partner(self):
        return self.env["res.partner"].create(
            {"name": "Ana Prueba", "phone": NUMBER, "country_id": self.env.ref("base.es").id}
        )

    # Ways to make a row that waits

    def _by_campaign(self, record, template):
        campaign = self._campaign(record, template_id=template.id)
        if not record.active:
            campaign.audience_domain = repr(
                [("id", "=", record.id), ("active", "in", (True, False))]
            )
        campaign._start_launch()
        self._prepare()
        return self._rows(campaign)

    def _by_retry(self, record, template):
        row = self._by_campaign(record, template)
        with self._fault(kind="error", code=131026):
            self._dispatch()
        self.assertEqual(row.state, "failed", row.failure_reason)
        row.write({"failure_type": "temporary"})
        # One message in six seconds to one person: those are over.
        self.env["waba.conversation"].search([]).write({"pair_free_at": False})
        return row.action_retry()

    def _by_settling(self, record, template):
        row = self._by_campaign(record, template)
        row.write({"state": "uncertain", "attempt_count": 1})
        row.action_settle_resend()
        return row

    def _by_winner(self, record, template):
        """Of the part of an A/B test that waits for its end."""
        row = self._by_campaign(record, template)
        row.write({"retry_at": False, "wait_reason": "trial"})
        row.write({"retry_at": fields.Datetime.now(), "wait_reason": False, "variant": "a"})
        return row

    def _direct(self, record, template, origin, **options):
        lines = template.variable_ids
        for line in lines.filtered(lambda line: not line._is_complete()):
            line.write({"source": "text", "text": "prueba"})
        return self.env["waba.message"]._queue_direct(
            self.sender, record, origin=origin, template=template, variables=lines, **options
        )

    def _by_action(self, record, template):
        return self._direct(record, template, "action")

    def _by_sequence(self, record, template):
        return self._direct(record, template, "sequence")

    def _by_hand(self, record, template):
        return self._direct(record, template, "manual")

    def _check(self, row, reason):
        self.assertEqual(row.state, "queued", row.failure_reason)
        self._dispatch()
        sent = [entry["body"]["to"] for entry in self.simulator.sends()][-1:]
        if reason:
            self.assertEqual((row.state, row.failure_type), ("skipped", reason))
            self.assertTrue(row.failure_reason)
            self.assertFalse(self.simulator.sends()[self.sent_before :])
            self.assertFalse(row.slot_at, "who is left out takes no place")
        else:
            self.assertEqual((row.state, row.failure_reason), ("accepted", False))
            self.assertEqual(sent, [NUMBER], "nobody is written to at another number")

    def _run_table(self, make, records, changes, template, forgives=()):
        for name, (change, reason) in changes.items():
            with self._case(name):
                record = records()
                row = make(record, template)
                self.env.flush_all()
                self.sent_before = len(self.simulator.sends())
                change(record)
                self._check(row, None if reason in forgives else reason)

    def test_campaign_to_leads(self):
        self._run_table(self._by_campaign, self._lead_with_contact, LEAD_CHANGES, self.template)

    def test_campaign_to_contacts(self):
        self._run_table(self._by_campaign, self._partner, PARTNER_CHANGES, self.template)

    def test_retries(self):
        self._run_table(self._by_retry, self._lead_with_contact, LEAD_CHANGES, self.template)

    def test_settled_and_sent_again(self):
        self._run_table(self._by_settling, self._lead_with_contact, LEAD_CHANGES, self.template)

    def test_the_rest_of_a_trial(self):
        self._run_table(self._by_winner, self._lead_with_contact, LEAD_CHANGES, self.template)

    def test_promotions_of_automation_rules(self):
        self._run_table(self._by_action, self._lead_with_contact, LEAD_CHANGES, self.template)
        self._run_table(self._by_action, self._partner, PARTNER_CHANGES, self.template)

    def test_service_messages_of_automation_rules_go_to_won_leads(self):
        self._run_table(
            self._by_action, self._lead_with_contact, LEAD_CHANGES, self.utility_template,
            forgives=("lead_won",),
        )  # fmt: skip

    def test_follow_ups_heed_their_own_conditions(self):
        self._run_table(
            self._by_sequence, self._lead_with_contact, LEAD_CHANGES, self.utility_template,
            forgives=("lead_won", "lead_lost", "record_archived"),
        )  # fmt: skip

    def test_a_colleague_writes_to_whom_they_see(self):
        self._run_table(self._by_hand, self._lead_with_contact, LEAD_CHANGES, self.template)
        self._run_table(
            self._by_hand, self._lead_with_contact, LEAD_CHANGES, self.utility_template,
            forgives=("lead_won", "lead_lost", "record_archived", "contact_archived",
                      "company_changed"),
        )  # fmt: skip

    def test_what_was_so_before_was_meant(self):
        for name in ("won", "lost", "archived", "contact archived", "won by its stage"):
            for make in (self._by_campaign, self._by_action, self._by_sequence):
                with self._case(f"{name}, {make.__name__}"):
                    lead = self._lead_with_contact()
                    LEAD_CHANGES[name][0](lead)
                    self._check(make(lead, self.template), None)

    def test_what_was_undone_has_not_happened(self):
        undo = {
            "archived": lambda lead: lead.action_unarchive(),
            "lost": lambda lead: lead.action_restore(),
            "won": lambda lead: lead.write(
                {"stage_id": self.env["crm.stage"].search([("is_won", "=", False)])[0].id,
                 "probability": 20}
            ),
            "renumbered": lambda lead: lead.write({"phone": NUMBER}),
            "number emptied": lambda lead: lead.write({"phone": NUMBER}),
            "contact archived": lambda lead: lead.partner_id.action_unarchive(),
        }  # fmt: skip
        for name, back in undo.items():
            with self._case(name):
                lead = self._lead_with_contact()
                row = self._by_campaign(lead, self.template)
                LEAD_CHANGES[name][0](lead)
                self.env.flush_all()
                back(lead)
                self._check(row, None)

    def test_a_campaign_to_won_leads_leaves_out_one_that_is_won_no_more(self):
        lead = self._lead_with_contact()
        lead.action_set_won()
        row = self._by_campaign(lead, self.template)
        lead.write({"stage_id": self.env["crm.stage"].search([("is_won", "=", False)])[0].id,
                    "probability": 20})  # fmt: skip
        self.sent_before = 0
        self._check(row, "lead_reopened")

    def test_lost_in_two_steps_while_the_rule_runs(self):
        """Odoo archives first and notes the loss after: a rule in between sees neither wrongly."""
        lead = self._lead_with_contact()
        lead.write({"active": False, "probability": 10})
        row = self._by_action(lead, self.template)
        lead.write({"probability": 0})
        self.assertEqual(lead.won_status, "lost")
        self._check(row, None)

    def test_a_running_sequence_that_ends_with_a_won_lead_sends_it_nothing(self):
        for ends in (True, False):
            with self._case(f"ends={ends}"):
                lead = self._lead_with_contact()
                sequence = self.env["waba.sequence"].create(
                    {"name": "S", "trigger": "manual", "sender_id": self.sender.id,
                     "stop_on_won": ends, "step_ids": [(0, 0, {
                         "template_id": self.utility_template.id, "wait_amount": 0})]}
                )  # fmt: skip
                row = self._direct(
                    lead, self.utility_template, "sequence", values={"sequence_id": sequence.id}
                )
                self.env.flush_all()
                self.sent_before = 0
                # As an import by SQL would: no write of ours notices it.
                self.env.cr.execute(
                    "UPDATE crm_lead SET won_status = 'won' WHERE id = %s", (lead.id,)
                )
                self._check(row, "lead_won" if ends else None)

    def test_answers_and_people_without_a_record_are_left_alone(self):
        """Who wrote to us is answered at the number they wrote from, whatever the lead says."""
        lead = self._lead_with_contact()
        people = self.env["waba.recipient"]
        person = people._find_or_create_by_number(self.portfolio, [NUMBER])[NUMBER]
        for name, target in (("lead", lead), ("person", person)):
            with self._case(name):
                # Here and at the simulator: it keeps to the 24-hour window too.
                self.simulator.post(
                    "inbound", phone_id=NUMBER_ES, number=NUMBER.lstrip("+"), text="Hola"
                )
                self._receive(self._inbound(NUMBER, "Hola", wamid="wamid.HOLA"))
                row = self.env["waba.message"]._queue_direct(
                    self.sender, target, origin="manual", text="Hola"
                )
                lead.phone = OTHER
                self._check(row, None)

    def test_a_message_made_for_a_record_of_another_company_was_meant(self):
        other = self.env["res.company"].create({"name": "Others"})
        partner = self._partner()
        partner.company_id = other
        self._check(self._by_action(partner, self.template), None)

    def test_two_companies_each_look_at_the_record_as_theirs(self):
        """A record without company is everybody's; once it is the other's, ours is left out."""
        partner = self._partner()
        row = self._by_campaign(partner, self.template)
        partner.company_id = self.account.company_id
        self.sent_before = 0
        self._check(row, None)

    def test_one_question_per_model_whatever_the_number_of_candidates(self):
        def statements(count):
            leads = self._leads(count, start=count * 100)
            campaign = self._campaign(leads)
            campaign._start_launch()
            self._prepare()
            candidates = self.sender._find_candidates(
                campaign, 100, fields.Datetime.now(), fields.Datetime.now(), False
            )
            self.assertEqual(len(candidates), count)
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertEqual(len(self.sender._exclude_changed(candidates)), count)
            return self.cr.sql_log_count - before

        self.assertEqual(statements(3), statements(30))

    def test_a_crowd_of_changed_leads_does_not_keep_others_waiting(self):
        leads = self._leads(40)
        campaign = self._campaign(leads)
        campaign._start_launch()
        self._prepare()
        leads[:35].write({"active": False})
        self._dispatch()
        rows = self._rows(campaign)
        self.assertEqual(sorted(rows.mapped("state")), ["accepted"] * 5 + ["skipped"] * 35)
        self.assertEqual(campaign.state, "done")

    def test_nobody_is_ever_written_to_at_an_old_number(self):
        """Any order of renumbering, swapping, emptying and sending."""
        steps = (
            lambda a, b: a.write({"phone": "+34611000009"}),
            lambda a, b: a.write({"phone": b.phone}),
            lambda a, b: b.write({"phone": False}),
            lambda a, b: b.write({"phone": NUMBER}),
        )
        for order in itertools.permutations(range(len(steps)), 2):
            with self._case(str(order)):
                leads = self._lead(NUMBER) + self._lead(OTHER)
                campaign = self._campaign(leads)
                campaign._start_launch()
                self._prepare()
                for step in order:
                    steps[step](*leads)
                    self.env.flush_all()
                self._dispatch()
                own = {lead.id: lead.phone_sanitized for lead in leads}
                for row in self._rows(campaign, "accepted"):
                    self.assertEqual(row.number, own[row.res_id])
                sent = [entry["body"]["to"] for entry in self.simulator.sends()]
                self.assertLessEqual(set(sent), set(own.values()))
                self.assertEqual(len(sent), len(set(sent)))

    def test_rows_of_before_this_version(self):
        """They take what their record is now for what it was; who has none any more is left out."""
        leads = self._leads(3)
        leads[1].action_set_won()
        campaign = self._campaign(leads)
        campaign._start_launch()
        self._prepare()
        rows = self._rows(campaign)
        self.env.flush_all()
        self.cr.execute(
            "UPDATE waba_message SET record_traits = NULL WHERE id = ANY(%s)", (rows.ids,)
        )
        leads[2].unlink()
        path = ROOT / "migrations" / "19.0.1.1.0" / "post-record_traits.py"
        spec = importlib.util.spec_from_file_location("post_record_traits", path)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        for _again in range(2):
            script.migrate(self.cr, "19.0.1.0.0")
        self.env.invalidate_all()
        self.assertEqual(rows.sorted("res_id").mapped("record_traits"), ["open", "won", " "])
        leads[0].action_set_won()
        self._dispatch()
        self.assertEqual(
            rows.sorted("res_id").mapped("failure_type"), ["lead_won", False, "record_gone"]
        )
