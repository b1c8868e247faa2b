"""Messages outside campaigns: what is queued, what is left out, and that they keep every rule."""

import time
from contextlib import contextmanager
from datetime import timedelta

from odoo import fields
from odoo.tests import new_test_user
from psycopg2.errors import SerializationFailure

from ..common import NUMBER_ES
from .test_dispatch import DispatchCase

ANA = "+34611000001"


@contextmanager
def committed_world(test, portfolios=1, **rules):
    """Numbers, each of a portfolio of its own, that other transactions see; gone at the end.

    :param rules: field values of the company meanwhile
    :return: (function that opens a cursor, [{model: id} of a number, a template and Ana])
    """
    cursors = []

    def open_cursor():
        cursors.append(test.registry.cursor())
        # Rather an error than a test that never ends.
        cursors[-1].execute("SET lock_timeout = '20s'")
        cursors[-1].commit()
        return cursors[-1]

    cursor = open_cursor()
    env = test.env(cr=cursor)
    company = env.company
    before = {name: company[name] for name in rules}
    if rules:
        company.write(rules)
    worlds = [_commit_number(env, index) for index in range(portfolios)]
    cursor.commit()
    try:
        yield open_cursor, [{one._name: one.id for one in world} for world in worlds]
    finally:
        for one in cursors:
            one.rollback()
        env.invalidate_all()
        if rules:
            company.write(before)
        for world in worlds:
            account, portfolio, sender, template, person = world
            cron = sender.cron_id
            cursor.execute("DELETE FROM waba_message WHERE sender_id = %s", [sender.id])
            env.invalidate_all()
            person.unlink()
            template.unlink()
            sender.unlink()
            cron.exists().unlink()
            account.unlink()
            portfolio.unlink()
        cursor.commit()
        for one in cursors:
            one.close()


def _commit_number(env, index):
    """An account with a portfolio, a number, a template and Ana, of env's company."""
    account = env["waba.account"].create(
        {"name": f"Committed {index}", "waba_uid": f"299{index}", "state": "connected"}
    )
    portfolio = env["waba.portfolio"].create(
        {"name": f"Committed {index}", "portfolio_uid": f"199{index}"}
    )
    account.portfolio_id = portfolio
    sender = env["waba.sender"].create(
        {
            "account_id": account.id,
            "phone_number_uid": f"499{index}",
            "display_phone_number": f"+34 9{index}",
        }
    )
    template = env["waba.template"].create(
        {
            "account_id": account.id,
            "template_uid": f"599{index}",
            "name": "t",
            "language": "es",
            "category": "marketing",
            "status": "approved",
            "components": [{"type": "BODY", "text": "Hola"}],
        }
    )
    person = env["waba.recipient"].create({"portfolio_id": portfolio.id, "number": ANA})
    return account, portfolio, sender, template, person


class DirectCase(DispatchCase):
    def _queue(self, record, *, origin="sequence", template=None, sender=None, **values):
        if not values.get("text") and not values.get("media"):
            template = template or self.utility_template
        return self.env["waba.message"]._queue_direct(
            sender or self.sender, record, origin=origin, template=template, **values
        )

    def _person(self, number=ANA):
        people = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [number])
        return people[number]

    def _open_window(self, number=ANA, text="Hola"):
        """The person writes to us, here and at the platform."""
        self.simulator.post("inbound", phone_id=NUMBER_ES, number=number, text=text)
        self._receive(self._inbound(number, text, wamid=f"wamid.IN{time.time_ns()}"))
        return self.env["waba.conversation"].search(
            [("recipient_id.number", "=", number), ("sender_id", "=", self.sender.id)]
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for line in cls.utility_template.variable_ids | cls.template.variable_ids:
            if not line._is_complete():
                line.text = "prueba"


class TestQueueing(DirectCase):
    def test_a_message_to_a_lead_is_queued_with_its_words_and_leaves(self):
        lead = self._lead(ANA, user_id=self.salesperson.id)
        before = len(self._alarms())
        row = self._queue(lead)
        self.assertEqual(
            (row.state, row.origin, row.number, row.kind, row.category),
            ("queued", "sequence", ANA, "template", "utility"),
        )
        self.assertEqual((row.res_model, row.res_id), ("crm.lead", lead.id))
        self.assertEqual((row.user_id, row.person_name), (self.salesperson, "Ana Prueba"))
        self.assertEqual(row.company_id, self.account.company_id)
        self.assertFalse(row.campaign_id)
        self.assertEqual(row.body, self.utility_template._render_preview(row.parameters).body)
        self.assertNotIn("{{", row.body)
        self.assertGreater(len(self._alarms()), before, "the number was not woken")
        self._dispatch()
        self.assertEqual(row.state, "accepted")
        self.assertEqual(self._sent_by_number(), [ANA])
        self.assertEqual(self.portfolio.slots_used, 1)

    def test_a_partner_and_someone_known_by_number_alone(self):
        partner = self.env["res.partner"].create({"name": "Eva Prueba", "phone": ANA})
        person = self._person("+34611000002")
        person.name = "Luis Prueba"
        rows = self._queue(partner) | self._queue(person, origin="manual")
        self.assertEqual(rows.mapped("state"), ["queued", "queued"])
        self.assertEqual(rows.mapped("person_name"), ["Eva Prueba", "Luis Prueba"])
        self.assertEqual(rows.mapped("res_model"), ["res.partner", False])
        self.assertEqual(rows[1].recipient_id, person)

    def test_someone_who_shows_no_number_is_written_to_by_user_id(self):
        person = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "user_uid": "ES.9A1B2C", "name": "Eva"}
        )
        row = self._queue(person)
        self.assertEqual((row.state, row.number), ("queued", False))

    def test_for_whom_it_is_sent(self):
        lead = self._lead(ANA, user_id=self.salesperson.id)
        cases = [
            ({"origin": "sequence"}, self.salesperson),
            ({"origin": "manual"}, self.env.user),
            ({"origin": "action", "user": self.manager}, self.manager),
        ]
        for values, expected in cases:
            with self.subTest(values["origin"]):
                self.assertEqual(self._queue(lead, **values).user_id, expected)

    def test_a_salesperson_queues_without_rights_on_messages(self):
        seller = new_test_user(
            self.env, "waba_seller", groups="sales_team.group_sale_salesman_all_leads"
        )
        lead = self._lead(ANA).with_user(seller)
        row = (
            self.env["waba.message"]
            .with_user(seller)
            ._queue_direct(
                self.sender.with_user(seller),
                lead,
                origin="action",
                template=self.utility_template.with_user(seller),
            )
        )
        self.assertEqual(row.sudo().state, "queued")

    def test_further_values_and_time_and_words(self):
        later = fields.Datetime.now() + timedelta(days=2)
        lines = self.utility_template.variable_ids
        row = self._queue(
            self._lead(ANA), not_before=later, variables=lines, values={"payload": "X"}
        )
        self.assertEqual((row.retry_at, row.payload), (later, "X"))
        self._dispatch()
        self.assertEqual(row.state, "queued")
        self.assertIn(later, self._alarms())

    def test_a_promotion_waits_while_whatsapp_holds_them_back(self):
        later = fields.Datetime.now() + timedelta(hours=30)
        self._person().marketing_held_until = later
        lead = self._lead(ANA)
        self.assertEqual(self._queue(lead, template=self.template).retry_at, later)
        self.assertLess(self._queue(lead).retry_at, later)

    def test_it_stays_out_of_campaign_figures_and_counts_its_place(self):
        campaign = self._launch(self._leads(1))
        self._queue(self._lead(ANA), origin="test")
        self._dispatch()
        self.assertEqual((campaign.people_count, campaign.sent_count), (1, 1))
        self.assertEqual(self.portfolio.slots_used, 2)
        self.assertEqual(set(self._rows(campaign).mapped("origin")), {"campaign"})


class TestExcluded(DirectCase):
    def assertLeftOut(self, row, reason):
        self.assertEqual((row.state, row.failure_type), ("skipped", reason))
        self.assertTrue(row.failure_reason)
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])

    def test_what_forbids_it_is_a_row_with_a_reason(self):
        later = fields.Datetime.now() + timedelta(days=3)
        cases = [
            ("opted_out", lambda: self._person().write({"marketing_state": "opted_out"})),
            ("blocked_by_us", lambda: self._person().write({"is_blocked": True})),
            ("unreachable", lambda: self._person().write({"unreachable_until": later})),
            ("blacklisted", lambda: self.env["phone.blacklist"].create({"number": ANA})),
            ("country", lambda: self.account._block_country("ES")),
        ]
        for reason, prepare in cases:
            with self._case(reason):
                prepare()
                row = self._queue(self._lead(ANA), template=self.template)
                self.assertLeftOut(row, reason)

    def test_no_number_and_no_valid_number(self):
        for number, reason in [(False, "no_number"), ("+34 12", "invalid_number")]:
            with self._case(reason):
                row = self._queue(self._lead(number))
                self.assertLeftOut(row, reason)
                self.assertFalse(row.recipient_id)

    def test_words_that_are_missing_or_that_meta_refuses(self):
        line = self.utility_template.variable_ids.filtered(lambda v: v.kind == "text")[0]
        line.write({"source": "field", "field_path": "city", "fallback": False})
        self.assertLeftOut(self._queue(self._lead(ANA)), "missing_value")
        line.write({"source": "text", "text": "x" * 2000})
        self.assertLeftOut(self._queue(self._lead(ANA)), "bad_value")

    def test_a_template_that_can_never_be_sent(self):
        self.utility_template._set_status("rejected", "Because of the test.")
        self.assertLeftOut(self._queue(self._lead(ANA)), "template_missing")

    def test_a_template_of_another_account(self):
        other = self._create_account(name="Other", waba_uid="200000000000002")
        other._sync()
        template = other.template_ids.filtered(lambda t: t.status == "approved")[:1]
        self.assertLeftOut(self._queue(self._lead(ANA), template=template), "template_missing")

    def test_a_template_that_meta_paused_waits(self):
        self.utility_template._set_status("paused", "Because of the test.")
        row = self._queue(self._lead(ANA))
        self._dispatch()
        self.assertEqual(row.state, "queued")
        self.utility_template._set_status("approved")
        self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_a_template_that_meta_refuses_is_not_asked_for_again_and_again(self):
        for code, failure_type in ((132001, "template_missing"), (132007, "template_policy")):
            with self._case(failure_type), self._fault(kind="error", code=code, details="No."):
                row = self._queue(self._lead(ANA))
                self._dispatch()
                self.assertEqual((row.state, row.failure_type), ("failed", failure_type))
                self.assertEqual(row.attempt_count, 1)
        with self._fault(kind="error", code=132069, details="Throttled."):
            row = self._queue(self._lead(ANA))
            self._dispatch()
        self.assertEqual((row.state, row.attempt_count), ("queued", 1))
        self.assertGreater(row.retry_at, fields.Datetime.now() + timedelta(minutes=59))

    def test_a_wish_uttered_while_it_waits_is_honoured(self):
        row = self._queue(self._lead(ANA), template=self.template)
        self._person()._set_marketing_state("opted_out", "person", "Said so.")
        self._dispatch()
        self.assertEqual((row.state, row.failure_type), ("skipped", "opted_out"))


class TestFreeText(DirectCase):
    def test_inside_the_window_it_leaves_and_costs_no_place(self):
        self._open_window()
        row = self._queue(self._lead(ANA), origin="manual", text="¡Hola, Ana!")
        self.assertEqual((row.kind, row.category, row.state), ("text", "service", "queued"))
        self._dispatch()
        self.assertEqual(row.state, "accepted")
        [entry] = self.simulator.sends()
        self.assertEqual(entry["body"]["text"]["body"], "¡Hola, Ana!")
        self.assertEqual(self.portfolio.slots_used, 0)

    def test_neither_blacklist_nor_opt_out_forbids_an_answer(self):
        self._open_window(text="BAJA")
        self.env["phone.blacklist"].create({"number": ANA})
        self.assertEqual(self._person().marketing_state, "opted_out")
        row = self._queue(self._lead(ANA), origin="manual", text="De acuerdo.")
        self.assertEqual(row.state, "queued")
        # The next one leaves six seconds after whatever was said before.
        with self._moving_clock() as move:
            move(10)
            self._dispatch()
        self.assertEqual(row.state, "accepted")

    def test_without_a_window_it_is_left_out(self):
        row = self._queue(self._lead(ANA), origin="manual", text="Hola")
        self.assertEqual((row.state, row.failure_type), ("skipped", "window_closed"))

    def test_a_window_of_another_number_does_not_help(self):
        self._open_window()
        row = self._queue(self._lead(ANA), origin="manual", text="Hola", sender=self.sender_mx)
        self.assertEqual(row.failure_type, "window_closed")

    def test_a_window_that_closes_before_it_may_leave(self):
        conversation = self._open_window()
        row = self._queue(
            self._lead(ANA), origin="manual", text="Hola",
            not_before=conversation.window_expires_at,
        )  # fmt: skip
        self.assertEqual(row.failure_type, "window_closed")

    def test_a_window_that_closed_while_it_waited(self):
        self._open_window()
        row = self._queue(self._lead(ANA), origin="reply", text="Hola")
        self.sender._pause("Because of the test.")
        with self._moving_clock() as move:
            move(25 * 3600)
            self.sender._resume("the test is over.")
            self._dispatch()
        self.assertEqual((row.state, row.failure_type), ("skipped", "window_closed"))
        self.assertEqual(self.simulator.sends(), [])

    def test_a_window_must_still_be_open_when_it_leaves_at_the_latest(self):
        """Open now, and closed before the reservation's last moment."""
        conversation = self._open_window()
        row = self._queue(self._lead(ANA), origin="reply", text="Hola")
        conversation.window_expires_at = fields.Datetime.now() + timedelta(seconds=5)
        self._dispatch()
        self.assertEqual((row.state, row.failure_type), ("skipped", "window_closed"))


class TestShare(DirectCase):
    """Follow-ups have places of their own; who waits for an answer comes first."""

    def test_a_big_campaign_leaves_the_follow_ups_their_share(self):
        self.portfolio.write({"daily_cap": 10, "followup_share": 0.3})
        campaign = self._launch(self._leads(20))
        self.assertEqual((campaign.sent_count, campaign.queued_count), (7, 13))
        origins = ("sequence", "action", "manual", "sequence")
        rows = self.env["waba.message"].union(
            *(
                self._queue(lead, origin=origin)
                for lead, origin in zip(self._leads(4, start=100), origins, strict=True)
            )
        )
        self._dispatch()
        self.assertEqual(sorted(rows.mapped("state")), ["accepted"] * 3 + ["queued"])
        self.assertEqual(rows.filtered(lambda row: row.origin == "manual").state, "accepted")
        self.assertEqual(campaign.sent_count, 7)
        self.assertEqual(self.portfolio.slots_used, 10)

    def test_a_follow_up_that_came_too_late_gets_the_first_place_that_frees(self):
        self.portfolio.write({"daily_cap": 4, "followup_share": 0.5})
        with self._moving_clock() as move:
            first = self._queue(self._leads(1, start=100))
            self._dispatch()
            frees_at = first.slot_at + timedelta(days=1)
            move(600)
            campaign = self._launch(self._leads(9))
            late = [self._queue(lead) for lead in self._leads(3, start=200)]
            self._dispatch()
            self.assertEqual([row.state for row in late], ["accepted", "accepted", "queued"])
            self.assertEqual(campaign.sent_count, 1)
            later = [alarm for alarm in self._alarms() if alarm > fields.Datetime.now()]
            self.assertLessEqual(abs(min(later) - frees_at), timedelta(minutes=2))
            move((frees_at - fields.Datetime.now()).total_seconds() + 5)
            self._dispatch()
            self.assertEqual((late[-1].state, campaign.sent_count), ("accepted", 1))

    def test_a_second_answer_waits_for_the_pace_and_not_for_a_place(self):
        """With the limit used up, somebody in an open window still costs no place."""
        self.portfolio.daily_cap = 1
        with self._moving_clock() as move:
            self._queue(self._leads(1, start=100))
            self._dispatch()
            self._open_window()
            first = self._queue(self._person(), origin="manual", text="Sí.")
            second = self._queue(self._person(), origin="manual", text="¿Cuándo pasa?")
            self._queue(self._leads(1, start=200))
            self._dispatch()
            self.assertEqual((first.state, second.state), ("accepted", "queued"))
            later = [alarm for alarm in self._alarms() if alarm > fields.Datetime.now()]
            wait = (min(later) - fields.Datetime.now()).total_seconds()
            self.assertLessEqual(wait, 60, "not until a place frees")
            move(wait + 1)
            self._dispatch()
            self.assertEqual(second.state, "accepted")

    def test_what_a_person_waits_for_goes_before_what_is_older(self):
        self.portfolio.daily_cap = 3
        leads = self._leads(5)
        origins = ("sequence", "action", "manual", "reply", "test")
        rows = [
            self._queue(lead, origin=origin) for lead, origin in zip(leads, origins, strict=True)
        ]
        self._dispatch()
        self.assertEqual(
            [row.state for row in rows],
            ["queued", "queued", "accepted", "accepted", "accepted"],
        )


class TestOccasion(DirectCase):
    def test_the_same_occasion_gives_the_same_row(self):
        lead = self._lead(ANA)
        row = self._queue(lead, origin_key="sequence/7/1")
        again = self._queue(lead, origin_key="sequence/7/1", template=self.template)
        other = self._queue(lead, origin_key="sequence/7/2")
        self.assertEqual(again, row)
        self.assertNotEqual(other, row)
        self.assertEqual(row.template_id, self.utility_template)

    def test_a_left_out_row_is_kept_for_its_occasion_too(self):
        lead = self._lead(False)
        row = self._queue(lead, origin_key="sequence/7/1")
        lead.phone = ANA
        self.assertEqual(self._queue(lead, origin_key="sequence/7/1"), row)
        self.assertEqual(row.failure_type, "no_number")

    def test_without_a_key_each_call_is_an_occasion(self):
        lead = self._lead(ANA)
        self.assertNotEqual(self._queue(lead), self._queue(lead))

    def test_two_transactions_at_the_same_moment_make_one_row(self):
        """In real transactions: the later one is refused as to be repeated, then finds the row."""
        with committed_world(self) as (open_cursor, [ids]):
            first, second = open_cursor(), open_cursor()
            second.execute("SELECT 1 FROM waba_message LIMIT 1")
            row = self._queue_in(first, ids)
            first.commit()
            with self.assertRaises(SerializationFailure):
                self._queue_in(second, ids)
            second.rollback()
            self.assertEqual(self._queue_in(second, ids).id, row.id)
            second.commit()
            second.execute(
                "SELECT count(*) FROM waba_message WHERE sender_id = %s", [ids["waba.sender"]]
            )
            self.assertEqual(second.fetchone(), (1,))

    def _queue_in(self, cursor, ids):
        env = self.env(cr=cursor)
        return env["waba.message"]._queue_direct(
            env["waba.sender"].browse(ids["waba.sender"]),
            env["waba.recipient"].browse(ids["waba.recipient"]),
            origin="sequence",
            template=env["waba.template"].browse(ids["waba.template"]),
            origin_key="together",
        )
