"""The dashboard's figures: true, with their base, with the rows behind them, and for managers."""

import json
from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from ..reputation_case import ReputationCase
from ..tools.test_query_plans import Statements


def actions_in(data):
    """Every action in a piece of the dashboard's data."""
    if isinstance(data, dict):
        if data.get("type") == "ir.actions.act_window":
            yield data
        else:
            for value in data.values():
                yield from actions_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from actions_in(value)


class DashboardCase(ReputationCase):
    def setUp(self):
        super().setUp()
        self.good = self._bare_campaign("Good offer")
        self.today = fields.Datetime.now().date()

    def _data(self, user=None, **filters):
        user = user or self.manager
        senders = self.env["waba.sender"].with_user(user).with_context(lang=user.lang)
        data = senders.reputation_dashboard_data(**filters)
        # What the web client is sent.
        return json.loads(json.dumps(data))

    def _card(self, data, sender=None):
        [card] = [card for card in data["cards"] if card["id"] == (sender or self.sender).id]
        return card

    def _story(self):
        """Four good weeks, then a bad campaign to bought contacts two days ago."""
        for days_ago in range(3, 30):
            self._sent(days_ago, self.good, delivered=100, read=70, replied=10)
        self.bought = self.env["utm.source"].create({"name": "Bought list"})
        self.bad = self._bare_campaign("Last seats", template_id=self._template(
            "summer_news", "es").id or self.template.id)  # fmt: skip
        self._sent(2, self.bad, source=self.bought, delivered=300, read=60, opted_out=24,
                   undeliverable=10)  # fmt: skip
        self._sent(1, self.good, delivered=100, read=70)
        self._run_judge()


class TestAccess(DashboardCase):
    def test_it_is_for_managers(self):
        for user in (self.salesperson, new_test_user(self.env, "waba_nobody_here")):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._data(user)

    def test_a_manager_sees_the_companies_chosen_and_nothing_else(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "waba_stranger", company_id=company.id,
            groups="waba_campaign.waba_group_manager",
        )  # fmt: skip
        self._story()
        data = self._data(stranger)
        self.assertEqual(data["state"], "no_sender")
        self.assertEqual((data["cards"], data["suspects"], data["actions"]), ([], [], []))
        self.assertEqual(data["filters"]["senders"], [])
        self.assertEqual({step["count"] for step in data["funnel"]}, {0})
        self.assertEqual({part["count"] for part in data["evidence"]}, {0})
        # Naming what one may not see shows no more.
        named = self._data(stranger, company_id=self.env.company.id, sender_id=self.sender.id)
        self.assertEqual(named["cards"], [])
        self.manager.company_ids += company
        both = self._data(self.manager, company_id=self.env.company.id)
        self.assertEqual(len(both["cards"]), 2)
        self.assertEqual(self._data(self.manager, company_id=company.id)["cards"], [])


class TestStates(DashboardCase):
    def test_nothing_sent(self):
        data = self._data()
        self.assertEqual(data["state"], "empty")
        self.assertIn("No messages sent", data["empty_text"])
        self.assertFalse(data["counted_at"])
        self.assertEqual(self._card(data)["level"]["label"], "Not enough data")
        self.assertEqual(self._card(data)["base"]["text"], "0 of 200 messages")
        self.assertIs(self._card(data)["score"], False)
        self.assertEqual(len(self._card(data)["sparkline"]), 14)

    def test_nothing_connected(self):
        self.env["waba.sender"].search([]).active = False
        data = self._data()
        self.assertEqual(data["state"], "no_sender")
        self.assertIn("No number connected", data["empty_text"])

    def test_thin_data_is_said_and_not_coloured(self):
        self._sent(1, self.good, delivered=37, opted_out=9)
        self._run_judge()
        data = self._data()
        card = self._card(data)
        self.assertEqual(data["state"], "thin")
        self.assertIn("200", data["empty_text"])
        self.assertEqual(card["base"], {"count": 37, "needed": 200, "is_thin": True,
                                        "text": "37 of 200 messages"})  # fmt: skip
        self.assertIs(card["score"], False)
        self.assertEqual({day["score"] for day in data["timelines"][0]["days"]}, {False})
        opted_out = {step["key"]: step for step in data["funnel"]}["opted_out"]
        self.assertEqual(opted_out["text"], "9 of 37 delivered")
        for part in data["breakdowns"]:
            for row in part["rows"]:
                self.assertEqual((row["score"], row["opt_out"]["rate"]), (False, False))
                self.assertEqual(row["opt_out"]["text"], "9 of 37")

    def test_rich(self):
        self._story()
        data = self._data()
        self.assertEqual((data["state"], data["empty_text"]), ("rich", False))
        self.assertTrue(data["counted_at"])
        self.assertTrue(data["polled_at"])


class TestFreshness(DashboardCase):
    """Figures are as new as their time says; what is not in them yet is called so."""

    def setUp(self):
        super().setUp()
        self.judge = self.env.ref("waba_campaign.ir_cron_judge")
        self.env["ir.cron.trigger"].search([]).unlink()

    def _triggers(self):
        return self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.judge.id)])

    def test_messages_not_counted_yet_are_said_and_counted_next(self):
        self._sent(1, self.good, delivered=6, read=6)
        data = self._data()
        self.assertEqual((data["state"], data["uncounted"]), ("counting", 6))
        self.assertIn("being counted", data["empty_text"])
        self.assertEqual(self._triggers(), 1)
        # Each open page asks again; the job is called once.
        self._data()
        self.assertEqual(self._triggers(), 1)
        self._run_judge()
        data = self._data()
        self.assertEqual((data["state"], data["uncounted"]), ("thin", 0))
        self.assertEqual(data["funnel"][2]["count"], 6)

    def test_later_messages_are_said_beside_older_figures(self):
        self._sent(1, self.good, delivered=300)
        self._run_judge()
        with freeze_time(fields.Datetime.now() + timedelta(days=1, hours=2)):
            self._sent(0, self.good, delivered=4)
            data = self._data()
            self.assertEqual((data["uncounted"], data["funnel"][0]["count"]), (4, 300))
            self.assertEqual(data["state"], "rich")
            self.assertLess(data["counted_at"], data["as_of"])

    def test_a_running_campaign_is_not_counted_all_the_time(self):
        self._sent(1, self.good, delivered=300)
        self._run_judge()
        self.env["ir.cron.trigger"].search([]).unlink()
        start = (fields.Datetime.now() + timedelta(days=1)).replace(hour=12)
        for seconds, triggers in ((59, 0), (61, 1)):
            with freeze_time(start) as clock:
                self._count()
                self._sent(0, self.good, delivered=2)
                self.env.cr.execute("UPDATE waba_message SET accepted_at = %s WHERE id = ("
                                    "SELECT max(id) FROM waba_message)",
                                    [start + timedelta(seconds=5)])  # fmt: skip
                clock.tick(timedelta(seconds=seconds))
                self.assertTrue(self._data()["uncounted"])
                self.assertEqual(self._triggers(), triggers)

    def test_of_another_number_nothing_is_said(self):
        self._sent(1, sender=self.sender_mx, delivered=6)
        self.assertEqual(self._data(sender_id=self.sender.id)["uncounted"], 0)
        self.assertEqual(self._data(sender_id=self.sender.id)["state"], "empty")
        self.assertFalse(self._triggers())

    def test_without_messages_no_job_is_called(self):
        self.assertEqual((self._data()["state"], self._data()["uncounted"]), ("empty", 0))
        self.assertFalse(self._triggers())


class TestFigures(DashboardCase):
    def test_one_state_has_one_word(self):
        """On the card, in the report, on the number's form and lists."""
        sender = self.sender
        cases = {
            "Active": {},
            "Warming up": {"response_action": "warm_up"},
            "Slowed": {"response_action": "slow", "state": "slowed"},
            "Promotions on hold": {"response_action": "hold_marketing", "marketing_held": True},
            "Paused": {"state": "paused"},
            "Locked": {"response_action": "lock", "state": "locked", "marketing_held": True},
        }
        responses = dict(sender._fields["response_action"].selection)
        states = dict(sender._fields["state"].selection)
        for word, values in cases.items():
            with self._case(word):
                sender.write({"quality_rating": "green", **values})
                self.assertEqual(self._card(self._data())["state"]["label"], word)
                shown = dict(sender._fields["sending_state"].selection)[sender.sending_state]
                self.assertEqual(shown, word)
                self.assertIn(word, {*responses.values(), *states.values()})
                report = self.env["ir.actions.report"].with_user(self.manager)
                content, _kind = report._render_qweb_html(
                    "waba_campaign.action_report_reputation", sender.ids
                )
                self.assertIn(f"<strong>{word}</strong>", content.decode())

    def test_the_limit_says_whose_it_is(self):
        self.portfolio.messaging_limit = "250"
        shared = "0 of 250 used (last 24 h), shared by 2 numbers"
        for card in self._data()["cards"]:
            self.assertEqual(card["limit"]["text"], shared)
        self.sender_mx.active = False
        [card] = self._data()["cards"]
        self.assertEqual(card["limit"]["text"], "0 of 250 used (last 24 h)")

    def test_the_number_s_form_says_the_limit_as_the_card_does(self):
        sender = self.sender.with_user(self.salesperson)
        cases = {
            "250": "0 of 250 used (last 24 h), shared by 2 numbers",
            "unlimited": "0 used in the last 24 h, unlimited, shared by 2 numbers",
        }
        for limit, words in cases.items():
            with self.subTest(limit):
                self.portfolio.messaging_limit = limit
                self.assertEqual(sender.daily_limit_text, words)
                self.assertEqual(self._card(self._data())["limit"]["text"], sender.daily_limit_text)

    def test_the_card_of_a_number(self):
        self._story()
        self.portfolio.messaging_limit = "2000"
        self.env["waba.recipient"].search([], limit=30).slot_at = fields.Datetime.now()
        self.sender._pause("Slow down, please.")
        data = self._data()
        self.assertEqual(data["cards"][0]["id"], self.sender.id, "the worst one comes first")
        card = self._card(data)
        self.assertEqual(card["score"], self.sender.reputation_score)
        self.assertEqual(card["level"]["key"], self.sender.reputation_level)
        self.assertNotEqual(card["level"]["key"], "healthy")
        self.assertIn("opted out", card["reason"])
        self.assertEqual(card["limit"]["text"], "30 of 2,000 used (last 24 h), shared by 2 numbers")
        self.assertTrue(card["limit"]["frees_at"])
        self.assertEqual((card["state"]["key"], card["state"]["reason"]),
                         ("paused", "Slow down, please."))  # fmt: skip
        self.assertEqual(card["rating"]["label"], "High")
        self.assertEqual(card["sparkline"][-1]["day"], str(self.today))
        self.assertEqual(card["sparkline"][-1]["score"], self.sender.reputation_score)
        self.assertEqual(card["action"]["res_id"], self.sender.id)
        self.portfolio.messaging_limit = "unlimited"
        limit = self._card(self._data())["limit"]
        self.assertEqual((limit["is_unlimited"], limit["people"]), (True, False))
        self.assertIn("unlimited", limit["text"])

    def test_every_figure_opens_as_many_rows_as_it_says(self):
        self._story()
        for days in (7, 30, 90):
            data = self._data(days=days)
            figures = [*data["funnel"], *data["losses"]]
            for part in data["breakdowns"]:
                for row in part["rows"]:
                    figures += [row[name] for name in ("opt_out", "undeliverable", "read", "reply")]
                    figures.append({"count": row["sent"], "action": row["action"]})
            figures += data["suspects"]
            for timeline in data["timelines"]:
                figures += [{"count": day["sent"], "action": day["action"]}
                            for day in timeline["days"] if day["action"]]  # fmt: skip
            figures += [item for part in data["evidence"] for item in part["items"]]
            self.assertGreater(len(figures), 20)
            for figure in figures:
                action = figure["action"]
                with self.subTest(days=days, action=action["name"], domain=action["domain"]):
                    records = self.env[action["res_model"]].with_user(self.manager)
                    self.assertEqual(records.search_count(action["domain"]), figure["count"])

    def test_every_action_opens(self):
        self._story()
        actions = list(actions_in(self._data()))
        self.assertTrue(actions)
        for action in actions:
            self.assertIn(action["res_model"], self.env)
            if action.get("res_id"):
                record = self.env[action["res_model"]].with_user(self.manager)
                self.assertTrue(record.browse(action["res_id"]).display_name)

    def test_the_funnel_says_what_each_step_is_a_part_of(self):
        self._sent(1, self.good, delivered=300, read=150, replied=30, opted_out=6, accepted=100)
        self._run_judge()
        funnel = self._data()["funnel"]
        texts = {step["key"]: step["text"] for step in funnel}
        self.assertEqual(
            texts,
            {
                "sent": "400",
                "delivered": "75% of 400 sent (300)",
                "read": "50% of 300 delivered (150)",
                "replied": "10% of 300 delivered (30)",
                "opted_out": "2% of 300 delivered (6)",
            },
        )
        shares = [step["share"] for step in funnel]
        self.assertEqual(shares[:2], [False, "75% of 400 sent"])

    def test_the_timeline_has_every_day_and_marks_the_campaigns(self):
        self._story()
        for days in (7, 30, 90):
            [timeline] = [line for line in self._data(days=days)["timelines"]
                          if line["sender_id"] == self.sender.id]  # fmt: skip
            self.assertEqual(len(timeline["days"]), days)
            self.assertEqual(timeline["days"][-1]["day"], str(self.today))
            marks = {mark["name"]: mark for mark in timeline["campaigns"]}
            bad = marks["Last seats"]
            self.assertEqual(bad["day"], str(self.today - timedelta(days=2)))
            self.assertEqual(bad["text"], "8% of 300 delivered (24)")
            self.assertEqual((bad["accepted"], bad["action"]["res_id"]), (310, self.bad.id))
            # The campaign's form counts those that failed later apart.
            self.assertEqual(bad["accepted"], self.bad.sent_count + self.bad.failed_count)
            self.assertEqual((self.bad.sent_count, self.bad.failed_count), (300, 10))
            begins = self.today - timedelta(days=min(days - 1, 29))
            self.assertEqual(marks["Good offer"]["day"], str(begins))
            self.assertEqual(
                [(line["level"], line["score"]) for line in timeline["thresholds"]],
                [("watch", 80), ("at_risk", 40)],
            )
        scores = {day["day"]: day["score"] for day in timeline["days"]}
        self.assertEqual(scores[str(self.today - timedelta(days=3))], 100)
        self.assertLess(scores[str(self.today - timedelta(days=2))], 80)

    def test_suspects_name_the_bad_campaign_and_its_contacts(self):
        self._story()
        suspects = self._data()["suspects"]
        self.assertEqual((suspects[0]["kind"], suspects[0]["name"]), ("campaign", "Last seats"))
        self.assertEqual(suspects[0]["measure"], "opt_out")
        self.assertEqual((suspects[0]["count"], suspects[0]["base"]), (24, 300))
        self.assertTrue(suspects[0]["detail"].startswith("opt-outs 8% of 300"))
        self.assertEqual(suspects[0]["sentence"], f"Campaign Last seats: {suspects[0]['detail']}")
        # One salesperson sends from this number, to one country: nobody to compare them with.
        self.assertFalse({"salesperson", "country"} & {suspect["kind"] for suspect in suspects})
        named = {(suspect["kind"], suspect["name"]) for suspect in suspects}
        self.assertIn(("source", "Bought list"), named)
        self.assertNotIn(("campaign", "Good offer"), named)

    def test_campaigns_of_one_audience_are_suspected_together(self):
        self._story()
        audience = {"res_model": "crm.lead", "audience_domain": "[('tag_ids', '=', 7)]"}
        for name in ("First", "Second"):
            self._sent(1, self._bare_campaign(name, **audience), delivered=200, opted_out=30)
        self._run_judge()
        found = {suspect["name"]: suspect for suspect in self.sender._causes()}
        suspect = found["of First, Second"]
        self.assertEqual((suspect["kind"], suspect["count"], suspect["base"]),
                         ("audience", 60, 400))  # fmt: skip

    def test_without_anything_to_compare_with_the_usual_is_the_normal(self):
        self._sent(0, self.good, delivered=400, opted_out=40)
        self._run_judge()
        self.assertIn("no other messages to compare", self._data()["suspects"][0]["sentence"])

    def test_a_fall_some_days_ago_is_explained_by_what_was_sent_before_it(self):
        self._story()
        with freeze_time(fields.Datetime.now() + timedelta(days=20)):
            for days_ago in range(18):
                self._sent(days_ago, self.good, delivered=100)
            self._run_judge()
            self.assertEqual(self.sender.reputation_level, "healthy")
            suspects = self._data(days=30)["suspects"]
            self.assertEqual(suspects[0]["name"], "Last seats")
            self.assertEqual(self._data(days=7)["suspects"], [])

    def test_evidence_stands_under_how_sure_it_is(self):
        self._record(
            ("opt_out", "status", {}), ("opt_out", "status", {}), ("possible_block", "silence", {}),
            ("spam_rate", "status", {}), ("customer_block", "person", {"user_id": self.env.uid}),
        )  # fmt: skip
        evidence = {part["certainty"]: part for part in self._data()["evidence"]}
        self.assertEqual(list(evidence), ["exact", "inferred", "aggregate"])
        counts = {kind: {item["kind"]: item["count"] for item in part["items"]}
                  for kind, part in evidence.items()}  # fmt: skip
        self.assertEqual((counts["exact"]["opt_out"], counts["exact"]["customer_block"]), (2, 1))
        self.assertEqual(counts["inferred"], {"possible_block": 1})
        self.assertEqual(counts["aggregate"]["spam_rate"], 1)
        self.assertEqual(evidence["inferred"]["label"], "Likely")
        self.assertIn("switched-off phone", evidence["inferred"]["help"])
        self.assertRegex(evidence["inferred"]["items"][0]["sentence"], r"^1 × ")

    def test_what_was_done_is_listed_newest_first_and_is_no_evidence(self):
        now = fields.Datetime.now()
        self._record(
            ("response_slow", "policy", {"at": now - timedelta(hours=5), "detail": "Slowed."}),
            ("response_lock", "policy", {"at": now - timedelta(hours=1), "detail": "Locked."}),
            ("response_release", "person", {"at": now, "detail": "Released."}),
        )
        data = self._data()
        self.assertEqual([action["sentence"] for action in data["actions"]],
                         ["Released.", "Locked.", "Slowed."])  # fmt: skip
        self.assertEqual(data["actions"][0]["sender_id"], self.sender.id)
        kinds = {item["kind"] for part in data["evidence"] for item in part["items"]}
        self.assertFalse([kind for kind in kinds if kind.startswith("response_")])

    def test_the_same_label_says_what_it_is_about(self):
        other = self.utility_template
        self.env.cr.execute("DELETE FROM waba_reputation_event")
        self._record(
            ("template_quality", "webhook", {"template_id": self.template.id, "effect": "bad"}),
            ("template_quality", "webhook", {"template_id": other.id, "effect": "good"}),
            (
                "response_template",
                "policy",
                {"template_id": self.template.id},
            ),
            ("response_template", "policy", {"template_id": other.id}),
        )
        data = self._data()
        sentences = [item["sentence"] for part in data["evidence"] for item in part["items"]]
        for name, change in ((self.template.display_name, "worsened"),
                             (other.display_name, "improved")):  # fmt: skip
            self.assertIn(f"1 × Template quality rating · {change} · {name}", sentences)
        subjects = {action["subject"] for action in data["actions"]}
        self.assertEqual(subjects, {self.template.display_name, other.display_name})

    def _record(self, *events):
        self.env["waba.reputation.event"]._record_events(
            [
                {"kind": kind, "source": source, "event_key": f"test:{index}",
                 "sender_id": self.sender.id, **values}
                for index, (kind, source, values) in enumerate(events)
            ]
        )  # fmt: skip

    def test_promotions_alone(self):
        service = self._bare_campaign("Your order", template_id=self.utility_template.id)
        self._sent(1, self.good, delivered=300)
        self._sent(1, service, delivered=250, opted_out=50)
        self._run_judge()
        sent = {category: self._data(category=category)["funnel"][0]["count"]
                for category in (None, "marketing")}  # fmt: skip
        self.assertEqual(sent, {None: 550, "marketing": 300})
        data = self._data(category="marketing")
        self.assertEqual(data["suspects"], [])
        self.assertEqual([row["name"] for row in data["breakdowns"][1]["rows"]], ["Good offer"])
        # The number itself is judged by everything, as Meta judges it.
        self.assertEqual(self._card(data)["base"]["count"], 550)

    def test_breakdowns_judge_alike_and_put_the_worst_first(self):
        self._story()
        parts = {part["kind"]: part["rows"] for part in self._data(days=30)["breakdowns"]}
        self.assertEqual(list(parts), ["template", "campaign", "salesperson", "country"])
        worst, other = parts["campaign"]
        self.assertEqual((worst["name"], worst["level"]["key"]), ("Last seats", "at_risk"))
        self.assertEqual((other["name"], other["score"]), ("Good offer", 100))
        self.assertEqual(worst["opt_out"]["text"], "8% of 300")
        self.assertEqual(parts["country"][0]["name"], "Spain")

    def test_one_number(self):
        self._sent(1, self.good, delivered=300)
        self._sent(1, sender=self.sender_mx, delivered=10)
        self._run_judge()
        data = self._data(sender_id=self.sender_mx.id)
        self.assertEqual(data["filters"]["sender_id"], self.sender_mx.id)
        self.assertEqual(data["state"], "thin")
        self.assertEqual(data["funnel"][0]["count"], 10)
        # The others stay in sight, to be chosen.
        both = [self.sender.id, self.sender_mx.id]
        self.assertEqual([card["id"] for card in data["cards"]], both)
        self.assertEqual([line["sender_id"] for line in data["timelines"]], both)

    def test_the_number_to_look_at_first(self):
        self._sent(1, self.good, delivered=300)
        self._sent(1, sender=self.sender_mx, delivered=300, opted_out=30)
        self._run_judge()
        data = self._data(sender_id="worst")
        self.assertEqual(data["filters"]["sender_id"], self.sender_mx.id)
        self.assertEqual(data["funnel"][0]["count"], 300)
        everything = self._data()
        self.assertIs(everything["filters"]["sender_id"], False)
        self.assertEqual(everything["funnel"][0]["count"], 600)

    def test_words_are_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.manager.lang = "es_ES"
        self._sent(1, self.good, delivered=1500, opted_out=3)
        self._run_judge()
        texts = [step["text"] for step in self._data()["funnel"]]
        self.assertIn("1.500", texts[0])

    def test_no_figure_is_counted_from_the_messages_themselves(self):
        self._story()
        with Statements() as statements:
            self._data(days=90)
        on_messages = [code for code in statements.texts if 'FROM "waba_message"' in code]
        # Who still waits is asked of the queue's own index.
        self.assertEqual(len(on_messages), 1)
        self.assertIn('"state"', on_messages[0])
