"""The outcome of each day's messages: counted once, counted right, judged by, and kept."""

from ast import literal_eval
from datetime import datetime, timedelta

from freezegun import freeze_time
from odoo import api, fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import SQL
from psycopg2.errors import SerializationFailure

from ...models.analytics.waba_message_daily import COUNTED_AT_PARAMETER, COUNTS, MEASURES
from ...models.tools.phone_countries import number_country
from ...policy import reputation
from ..reputation_case import ReputationCase

OUTCOMES = {"delivered": 30, "read": 20, "replied": 5, "opted_out": 3, "silent": 4,
            "undeliverable": 6, "limited": 2, "spam_limited": 1, "accepted": 7}  # fmt: skip
# Of these 50 messages, 49 were taken by Meta: a refusal was never sent.
COUNTED = {"sent": 49, "delivered": 30, "read": 20, "replied": 5, "opted_out": 3, "silent": 4,
           "undeliverable": 6, "limited": 2, "spam_limited": 1, "failed": 9}  # fmt: skip


class TestCounting(ReputationCase):
    def _counts(self, rows):
        return {measure: sum(rows.mapped(f"{measure}_count")) for measure in MEASURES}

    def test_a_campaign_through_the_platform_counts_as_its_own_figures_do(self):
        self.simulator.post(
            "behaviour",
            people=[
                {"number": "+34611000001", "behaviour": "stop"},
                {"number": "+34611000002", "behaviour": "undeliverable"},
            ],
        )
        self.simulator.post("delivery", give_up_after=0)
        campaign = self._launch(self._leads(6))
        self._apply_posted()
        self._run_judge()
        campaign.invalidate_recordset()
        rows = self._daily(campaign_id=campaign.id)
        counts = self._counts(rows)
        self.assertEqual(counts["delivered"], campaign.delivered_count)
        self.assertEqual(counts["read"], campaign.read_count)
        self.assertEqual(counts["replied"], campaign.replied_count)
        self.assertEqual(counts["failed"], campaign.failed_count)
        self.assertEqual((counts["opted_out"], counts["undeliverable"]), (1, 1))
        # What failed later was sent all the same.
        self.assertEqual(counts["sent"], 6)
        countries = self.env["waba.audience.daily"].search([]).country_id
        self.assertEqual(countries, self.env.ref("base.es"))
        self.assertEqual(rows.user_id, self._rows(campaign).user_id)
        self.assertEqual(set(rows.mapped("day")), {fields.Datetime.now().date()})

    def test_each_outcome_is_counted_where_it_belongs(self):
        campaign = self._bare_campaign()
        self._sent(3, campaign, **OUTCOMES)
        self._count()
        rows = self._daily(campaign_id=campaign.id)
        self.assertEqual(len(rows), 1)
        self.assertEqual(self._counts(rows), COUNTED)
        self.assertEqual(rows.day, fields.Datetime.now().date() - timedelta(days=3))

    def test_the_rows_behind_each_count_are_as_many(self):
        campaign = self._bare_campaign()
        self._sent(3, campaign, **OUTCOMES)
        self._count()
        of_campaign = [("campaign_id", "=", campaign.id)]
        # Only the analysis knows a message's contact source.
        domains = {
            "waba.message": of_campaign,
            "waba.message.report": [*of_campaign, ("source_id", "=", False)],
        }
        for measure, count in COUNTED.items():
            for model, domain in domains.items():
                with self.subTest(measure, model=model):
                    action = self.sender._drilldown("", domain, measure)
                    self.assertEqual(action["res_model"], model)
                    self.assertEqual(self.env[model].search_count(action["domain"]), count)

    def test_a_message_becomes_silent_with_time_and_stops_being_so_when_it_arrives(self):
        campaign = self._bare_campaign()
        self._sent(0, campaign, silent=3)
        counted = []
        with freeze_time(fields.Datetime.now()) as clock:
            for hours in (0, 47, 26):
                clock.tick(timedelta(hours=hours))
                self._count()
                counted.append(sum(self._daily(campaign_id=campaign.id).mapped("silent_count")))
            row = self._rows(campaign)[0]
            self._receive(self._status(row, "delivered", int(clock().timestamp())))
            clock.tick(timedelta(days=1))
            self._count()
            counted.append(sum(self._daily(campaign_id=campaign.id).mapped("silent_count")))
        self.assertEqual(counted[0], 0)
        self.assertEqual(counted[2:], [3, 2])

    def test_whatever_day_the_outcome_came_it_counts_to_the_day_of_sending(self):
        row = self._message(accepted_at=datetime.now() - timedelta(days=5), wamid="wamid.late")
        person = row.recipient_id
        person._set_marketing_state("opted_out", "whatsapp", "They stopped promotions.")
        self._receive(self._inbound(row.number, "Hola", context={"id": "wamid.late"}))
        self._receive(self._status(row, "read"))
        self._count()
        rows = self._daily(sender_id=self.sender.id)
        self.assertEqual(rows.mapped("day"), [(datetime.now() - timedelta(days=5)).date()])
        self.assertEqual((rows.read_count, rows.replied_count, rows.opted_out_count), (1, 1, 1))

    def test_messages_to_persons_of_other_countries_and_sources_are_told_apart(self):
        fair, web = self.env["utm.source"].create([{"name": "Fair"}, {"name": "Web form"}])
        self._sent(1, delivered=4, source=fair)
        self._sent(1, delivered=3, source=web)
        self._sent(1, delivered=2, prefix="+52")
        self._count()
        rows = self.env["waba.audience.daily"].search([])
        by = {(row.country_id.code, row.source_id): row.sent_count for row in rows}
        self.assertEqual(by, {("ES", fair): 4, ("ES", web): 3, ("MX", self.env["utm.source"]): 2})

    def test_counting_again_changes_nothing(self):
        self._sent(0, self._bare_campaign(), **OUTCOMES)
        self._sent(1, self._bare_campaign("Second"), **OUTCOMES)
        self._count()
        before = self._daily().read([*COUNTS, "day", "campaign_id"], load=None)
        self._count()
        after = self._daily().read([*COUNTS, "day", "campaign_id"], load=None)
        for row in before + after:
            row.pop("id")
        self.assertCountEqual(after, before)

    def test_of_two_counts_at_a_time_one_is_refused_and_none_counts_twice(self):
        database = db_connect(self.env.cr.dbname)
        now = fields.Datetime.now()

        def forget():
            with database.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM ir_config_parameter WHERE key = %s", (COUNTED_AT_PARAMETER,)
                )

        def count_on(cursor):
            api.Environment(cursor, self.env.uid, {})["waba.message.daily"]._claim_count(now)

        self.addCleanup(forget)
        with database.cursor() as late:
            late.execute("SELECT 1 FROM waba_message_daily LIMIT 1")
            with database.cursor() as first:
                count_on(first)
            with self.assertRaises(SerializationFailure):
                count_on(late)
            late.rollback()
            count_on(late)

    def test_once_a_day_the_open_days_are_counted_and_otherwise_today_and_yesterday(self):
        campaign = self._bare_campaign()
        with freeze_time("2026-11-20 00:05:00") as clock:
            for days_ago in (1, 2, 34, 36):
                self._sent(days_ago, campaign, accepted=1)
            self._count()
            self._arrive(campaign)
            clock.tick(timedelta(minutes=10))
            self._count()
            self.assertEqual(self._delivered_by_age("2026-11-20"), {1: 1, 2: 0, 34: 0, 36: 0})
            clock.move_to("2026-11-21 00:03:00")
            self._count()
            # The first day is now 37 days old: final.
            self.assertEqual(self._delivered_by_age("2026-11-20"), {1: 1, 2: 1, 34: 1, 36: 0})

    def _arrive(self, campaign):
        self.env.cr.execute(
            """UPDATE waba_message SET state = 'delivered', delivered_at = accepted_at
                WHERE campaign_id = %s""",
            (campaign.id,),
        )
        self.env.invalidate_all()

    def _delivered_by_age(self, today):
        today = fields.Date.to_date(today)
        return {(today - row.day).days: row.delivered_count for row in self._daily()}

    def test_figures_outlive_the_messages_that_are_no_longer_kept(self):
        campaign = self._bare_campaign()
        campaign.sudo().launched_at = fields.Datetime.now() - timedelta(days=30)
        for days_ago in (20, 3):
            self._sent(days_ago, campaign, **OUTCOMES)
        self._count()
        self.env["ir.config_parameter"].set_param("waba_campaign.message_keep_days", "10")
        self.assertEqual(self.env["waba.message"]._gc_old()[0], 50)
        with freeze_time(fields.Datetime.now() + timedelta(days=1)):
            self._count()
        self.assertEqual(self._counts(self._daily()), {k: 2 * v for k, v in COUNTED.items()})

    def test_the_day_of_a_message_can_be_searched(self):
        self._sent(2, delivered=1)
        self._sent(1, delivered=2)
        self._sent(0, spam_limited=3)
        queued = self._message(state="queued")
        messages = self.env["waba.message"]
        today = fields.Datetime.now().date()
        ours = [("sender_id", "=", self.sender.id)]
        for operator, days_ago, found in (
            (">=", 1, 5), (">", 1, 3), ("<=", 1, 3), ("<", 1, 1), ("<", 0, 3),
        ):  # fmt: skip
            with self.subTest(operator=operator, days_ago=days_ago):
                day = today - timedelta(days=days_ago)
                self.assertEqual(messages.search_count([*ours, ("day", operator, day)]), found)
        self.assertFalse(queued.day)
        with self.assertRaises(UserError):
            messages.search([("day", "like", "2026")])
        for message in messages.search([*ours, ("id", "!=", queued.id)]):
            self.assertIn(message, messages.search([("day", ">=", message.day)]))
            self.assertNotIn(message, messages.search([("day", ">", message.day)]))

    def test_first_digits_tell_the_country_as_the_phone_library_does(self):
        kept = self.env["waba.phone.prefix"]
        # As an update of the addon finds them: one is missing, one is wrong.
        kept.search([("prefix", "=", "3461")]).unlink()
        kept.search([("prefix", "=", "1212")]).country_id = self.env.ref("base.ca")
        self.env.flush_all()
        kept.init()
        kept.invalidate_model()
        prefixes = {prefix.prefix: prefix.country_id.code for prefix in kept.search([])}
        for number in (
            "+34611000001", "+525512345678", "+12125550123", "+14165550123", "+18095550123",
            "+17875550123", "+447400123456", "+77012345678", "+79161234567", "+5491123456789",
            "+5511987654321", "+61412345678", "+393123456789", "+212612345678", "+351912345678",
        ):  # fmt: skip
            with self.subTest(number):
                self.assertEqual(prefixes[number[1:5]], number_country(number))


class TestOptOuts(ReputationCase):
    """To which message an opt-out is the answer."""

    def setUp(self):
        super().setUp()
        self.now = fields.Datetime.now()
        self.older = self._ours(days_ago=3, wamid="wamid.older")
        self.last = self._ours(days_ago=1, wamid="wamid.last")
        self.person = self.last.recipient_id

    def _ours(self, days_ago, **values):
        return self._message(accepted_at=self.now - timedelta(days=days_ago), **values)

    def _stamped(self):
        self.env["waba.message"]._record_opt_outs(SQL("c.at >= %s", self.now - timedelta(days=10)))
        return self.env["waba.message"].search([("opted_out_at", "!=", False)])

    def test_who_answers_one_message_opts_out_after_that_one(self):
        self._receive(self._inbound(self.older.number, "BAJA", context={"id": "wamid.older"}))
        self.assertEqual(self._stamped(), self.older)

    def test_without_a_quotation_it_is_the_last_one(self):
        self._receive(self._inbound(self.last.number, "BAJA"))
        self.assertEqual(self._stamped(), self.last)

    def test_a_word_without_a_message_belongs_to_the_last_promotion_of_the_week(self):
        for source in ("whatsapp", "person"):
            with self._case(source):
                self.person._set_marketing_state("opted_out", source, "…")
                self.assertEqual(self._stamped(), self.last)

    def test_what_is_not_the_last_promotion_is_passed_over(self):
        cases = {
            "a service message": {"category": "utility"},
            "one that failed": {"state": "failed"},
            "one that was sent later": {"accepted_at": self.now + timedelta(hours=1)},
        }
        for name, values in cases.items():
            with self._case(name):
                self._ours(0, **values) if "accepted_at" not in values else self._message(**values)
                self.person._set_marketing_state("opted_out", "person", "…", at=self.now)
                self.assertEqual(self._stamped(), self.last)

    def test_after_more_than_a_week_it_is_nobodys(self):
        self.person._set_marketing_state(
            "opted_out", "person", "…", at=self.last.accepted_at + timedelta(days=7, minutes=2)
        )
        self.assertFalse(self._stamped())

    def test_a_refusal_because_of_an_opt_out_belongs_to_the_message_before(self):
        refused = self._ours(0, state="failed", failure_type="opted_out")
        self.person._set_marketing_state("opted_out", "refused", "131050", message=refused)
        self.assertEqual(self._stamped(), self.last)

    def test_of_two_words_the_first_one_counts(self):
        first = self.now - timedelta(hours=5)
        self.person._set_marketing_state("opted_out", "person", "…", at=self.now)
        self._stamped()
        self.person._set_marketing_state("opted_out", "whatsapp", "…", at=first)
        self.assertEqual(self._stamped().opted_out_at, first)

    def test_an_opt_in_is_none(self):
        self.person._set_marketing_state("opted_in", "person", "…")
        self.assertFalse(self._stamped())


class TestJudging(ReputationCase):
    def _week(self, per_day=100, days=range(7), **outcomes):
        for days_ago in days:
            self._sent(days_ago, self.campaign, delivered=per_day, **outcomes)

    def setUp(self):
        super().setUp()
        self.campaign = self._bare_campaign()
        self.history = self.env["waba.sender.reputation"]

    def _today(self):
        return self.history.search(
            [("sender_id", "=", self.sender.id), ("day", "=", fields.Datetime.now().date())]
        )

    def test_a_number_is_judged_by_the_policy(self):
        cases = {
            "healthy": ({}, "healthy"),
            "some opt out": ({"opted_out": 3}, "watch"),
            "many opt out": ({"opted_out": 6}, "at_risk"),
        }
        for name, (outcomes, level) in cases.items():
            with self._case(name):
                self._week(per_day=200, **outcomes)
                self._run_judge()
                self.assertEqual(self.sender.reputation_level, level)
                row = self._today()
                self.assertIn(self.sender.display_name, row.display_name)
                self.assertEqual((row.level, row.score), (level, self.sender.reputation_score))
                self.assertEqual(row.base, 1400)
                self.assertEqual(self.sender.reputation_base, 1400)
                self.assertAlmostEqual(row.opt_out_rate, outcomes.get("opted_out", 0) / 200)
                expected = reputation.judge_reputation(
                    self.env["waba.message.daily"]._day_counts([])[()], fields.Datetime.now()
                )
                self.assertEqual(row.score, expected.score)

    def test_thin_data_has_no_score_anywhere(self):
        self._sent(0, self.campaign, delivered=37, opted_out=20)
        self._run_judge()
        self.assertEqual(self.sender.reputation_level, "unknown")
        self.assertEqual(self.sender.reputation_base_text, "37 of 200 messages")
        self.assertIn("Not enough data", self.sender.reputation_reason)
        self.env.cr.execute(
            "SELECT score, opt_out_rate, level FROM waba_sender_reputation WHERE sender_id = %s",
            (self.sender.id,),
        )
        self.assertEqual(self.env.cr.fetchall(), [(None, None, "unknown")])
        [(average,)] = self.history._read_group([("sender_id", "=", self.sender.id)], [],
                                                ["score:avg"])  # fmt: skip
        self.assertFalse(average)

    def test_a_change_of_level_is_told_with_its_reason_and_base(self):
        self._week(per_day=200, opted_out=3)
        self._run_judge()
        told = self._chatter(self.sender)
        self.assertIn("Not enough data → Watch", told)
        self.assertIn("1.5% of 1,400 delivered opted out (21)", told)
        self.assertIn("last 7 days", told)
        self._run_judge()
        self.assertEqual(self._chatter(self.sender), told, "the same level was told twice")

    def test_its_texts_are_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self._week(per_day=200, opted_out=3)
        self._run_judge()
        for lang, rate, base in (("en_US", "1.5%", "1,400"), ("es_ES", "1,5 %", "1.400")):
            with self.subTest(lang):
                sender = self.sender.with_context(lang=lang)
                self.assertIn(base, sender.reputation_base_text)
                self.assertIn(base, sender.reputation_reason)
                self.assertIn(rate, sender.reputation_reason.replace("\N{NO-BREAK SPACE}", " "))

    def test_possible_blocks_are_called_so_and_never_blocks(self):
        self._week(days=range(3, 30), silent=12)
        self._run_judge()
        self.assertIn("never delivered: possible blocks", self.sender.reputation_reason)
        self.assertEqual(self.sender.reputation_level, "at_risk")

    def test_days_that_nobody_judged_are_judged_as_of_their_end(self):
        self._week(days=range(10, 20))
        self._week(days=(1,), opted_out=5)
        self._count()
        self._run_judge()
        rows = self.history.search([("sender_id", "=", self.sender.id)], order="day")
        self.assertEqual(len(rows), 12)
        self.assertEqual(rows.mapped("level")[:3], ["unknown", "healthy", "healthy"])
        self.assertNotIn(False, rows.mapped("level"))
        # What came later is not known yet on the day before.
        self.assertEqual(rows[9].level, "healthy")
        self.assertEqual(rows[-1].day, fields.Datetime.now().date())

    def test_a_day_already_judged_keeps_its_score_while_its_counts_go_on(self):
        with freeze_time(fields.Datetime.now().replace(hour=12)) as clock:
            self._week()
            self._run_judge()
            today = self._today()
            score = today.score
            self.assertEqual((score, today.opted_out_count), (100, 0))
            clock.tick(timedelta(days=1))
            self._sent(1, self.campaign, delivered=50, opted_out=40)
            self._run_judge()
            today.invalidate_recordset()
            self.assertEqual((today.score, today.opted_out_count), (score, 40))
            self.assertLess(self._today().score, score)

    def test_metas_rating_stands_beside_our_score_day_by_day(self):
        # Read as green when the account was connected, ten days before.
        now = fields.Datetime.now() + timedelta(days=10)
        with freeze_time(now):
            self._week(days=range(1, 9))
            self.env["waba.reputation.event"]._record_events(
                [
                    {"kind": "number_quality", "source": "poll", "event_key": f"test:{days_ago}",
                     "at": now - timedelta(days=days_ago), "value_after": rating,
                     "sender_id": self.sender.id}
                    for days_ago, rating in ((4, "yellow"), (2, "red"))
                ]
            )  # fmt: skip
            self.sender.write({"quality_rating": "red", "rated_at": now})
            self._run_judge()
        rows = self.history.search([("sender_id", "=", self.sender.id)], order="day desc")
        self.assertEqual(
            rows.mapped("quality_rating"),
            ["red", "red", "red", "yellow", "yellow", "green", "green", "green", "green"],
        )
        self.assertEqual(self.sender.red_days, 2)

    def test_a_number_that_was_only_polled_has_the_rating_that_was_read(self):
        self.sender.write({"quality_rating": "yellow", "rated_at": fields.Datetime.now()})
        self._run_judge()
        self.assertEqual(self._today().quality_rating, "yellow")

    def test_after_a_fresh_start_older_messages_do_not_count(self):
        self._week(opted_out=3)
        self._run_judge()
        self.assertEqual(self.sender.reputation_level, "at_risk")
        self.sender.fresh_start_at = fields.Datetime.now()
        self._run_judge()
        self.assertEqual((self.sender.reputation_level, self.sender.reputation_base),
                         ("unknown", 0))  # fmt: skip

    def test_a_fall_is_foreseen(self):
        with freeze_time("2026-11-01 12:00:00") as clock:
            for step in range(14):
                self._sent(0, self.campaign, delivered=200, opted_out=step // 4)
                self._run_judge()
                clock.tick(timedelta(days=1))
        self.assertEqual(self.sender.reputation_trend, "falling")
        self.assertRegex(self.sender.reputation_projection, r"^At this rate: .+ in about \d+ days")

    def test_one_numbers_trouble_does_not_stop_the_others(self):
        self._week()
        self._sent(1, sender=self.sender_mx, delivered=300)
        self.env.flush_all()
        self.env.cr.execute(
            "ALTER TABLE waba_sender_reputation ADD CONSTRAINT waba_test_trouble"
            " CHECK (level IS NULL OR sender_id <> %s)",
            (min(self.sender.id, self.sender_mx.id),),
        )
        other = max(self.sender, self.sender_mx, key=lambda sender: sender.id)
        with self.assertLogs(
            "odoo.addons.waba_campaign.models.reputation.waba_sender_score", "ERROR"
        ) as log:
            self._run_judge()
        self.assertEqual(other.reputation_level, "healthy")
        self.assertEqual((self.sender | self.sender_mx - other).mapped("reputation_level"),
                         ["unknown"])  # fmt: skip
        self.assertIn("could not be judged", log.output[0])

    def test_a_campaign_knows_what_it_cost(self):
        self._week(per_day=300)
        bad = self._bare_campaign("Bad")
        self._sent(1, bad, delivered=300, opted_out=60)
        self._run_judge()
        self.assertEqual(self.campaign.reputation_cost, 0)
        self.assertGreater(bad.reputation_cost, 20)
        self.assertIn("No effect on the number's health score", self.campaign.reputation_text)
        self.assertRegex(bad.reputation_text, r"Lowers .* by .* of 100 points\. .*20% of 300")
        unknown = self._bare_campaign(sender_id=self.sender_mx.id)
        self.assertIsNone(unknown._reputation_cost())
        self.assertIn("not enough data", unknown.reputation_text)


@tagged("post_install", "-at_install")
class TestReports(ReputationCase):
    def test_rates_of_any_group_are_those_of_its_counts(self):
        good, bad = self._bare_campaign("Good"), self._bare_campaign("Bad")
        self._sent(1, good, delivered=40, read=30, replied=10, accepted=10)
        self._sent(2, bad, delivered=20, read=5, opted_out=4, undeliverable=30, spam_limited=2)
        rates = ["delivery_rate", "read_rate", "reply_rate", "opt_out_rate", "failure_rate"]
        found = {
            campaign: [round(value, 4) for value in values]
            for campaign, *values in self.env["waba.message.report"]._read_group(
                [("campaign_id", "in", (good | bad).ids)],
                ["campaign_id"],
                [f"{rate}:avg" for rate in rates],
            )
        }
        self.assertEqual(
            found, {good: [0.8, 0.75, 0.25, 0, 0], bad: [0.4, 0.25, 0, 0.2, round(32 / 52, 4)]}
        )

    def test_every_group_by_and_measure_of_the_views_can_be_read(self):
        self._sent(1, self._bare_campaign(), **OUTCOMES)
        self._run_judge()
        for model in ("waba.message.report", "waba.message.daily", "waba.audience.daily",
                      "waba.sender.reputation"):  # fmt: skip
            arch = self.env[model].get_view(view_type="search")["arch"]
            groups = set()
            for part in arch.split("'group_by': '")[1:]:
                groups.add(part.split("'")[0])
            self.assertTrue(groups)
            records = self.env[model].with_user(self.manager)
            measures = [
                f"{name}:{field.aggregator}"
                for name, field in records._fields.items()
                if field.aggregator and field.type in ("integer", "float") and name != "id"
            ]
            for group in sorted(groups):
                with self.subTest(model=model, group=group):
                    self.assertTrue(records.formatted_read_group([], [group], measures))

    def test_the_saved_filters_can_be_used(self):
        self._sent(2, self._bare_campaign(), **OUTCOMES)
        self._run_judge()
        ours = ("waba.message.report", "waba.sender.reputation")
        filters = self.env["ir.filters"].search([("model_id", "in", ours)])
        self.assertEqual(len(filters), 6)
        for saved in filters:
            with self.subTest(saved.name):
                records = self.env[saved.model_id].with_user(self.manager)
                groups = fields_of(saved.context)
                self.assertIsInstance(
                    records.formatted_read_group(saved._get_eval_domain(), groups, ["__count"]),
                    list,
                )
                shared = self.env["ir.filters"].with_user(self.manager)
                names = [f["name"] for f in shared.get_filters(saved.model_id, saved.action_id.id)]
                self.assertIn(saved.name, names)

    def test_a_salesperson_analyses_the_own_messages_only(self):
        mine = self._bare_campaign("Mine")
        self._sent(1, mine, delivered=3)
        self._sent(1, self._bare_campaign("Other", user_id=self.manager.id), delivered=5)
        report = self.env["waba.message.report"]
        self.assertEqual(report.with_user(self.salesperson).search([]).campaign_id, mine)
        self.assertEqual(report.with_user(self.manager).search_count([]), 8)
        with self.assertRaises(AccessError):
            self.env["waba.message.daily"].with_user(self.salesperson).search([])

    def test_the_hour_is_the_companys(self):
        self.env.company.partner_id.tz = "Europe/Madrid"
        self._sent(1, self._bare_campaign(), delivered=1)
        local = fields.Datetime.context_timestamp(
            self.env["res.partner"].with_context(tz="Europe/Madrid"),
            self.env["waba.message"].search([]).accepted_at,
        )
        self.assertEqual(self.env["waba.message.report"].search([]).hour, local.hour)

    def test_a_row_opens_its_message(self):
        self._sent(1, self._bare_campaign(), delivered=1)
        message = self.env["waba.message"].search([])
        action = self.env["waba.message.report"].search([]).action_open_message()
        self.assertEqual((action["res_model"], action["res_id"]), ("waba.message", message.id))

    def test_the_digest_tells_sent_answered_and_opted_out(self):
        with freeze_time("2026-11-20 06:00:00"):
            self._sent(1, self._bare_campaign(), delivered=9, replied=4, opted_out=2)
            self._sent(0, self._bare_campaign("Today"), delivered=1)
            self._count()
        digest = self.env["digest.digest"].create(
            {"name": "Ours", "kpi_waba_sent": True, "kpi_waba_replied": True,
             "kpi_waba_opted_out": True}
        )  # fmt: skip
        period = {
            "start_datetime": datetime(2026, 11, 19, 6),
            "end_datetime": datetime(2026, 11, 20, 6),
        }
        values = digest.with_user(self.manager).sudo(False).with_context(**period)
        self.assertEqual(
            (values.kpi_waba_sent_value, values.kpi_waba_replied_value,
             values.kpi_waba_opted_out_value),
            (9, 4, 2),
        )  # fmt: skip
        actions = digest._compute_kpis_actions(self.env.company, self.manager)
        self.assertIn("waba_message_report_action", actions["kpi_waba_sent"])
        theirs = digest.with_user(self.salesperson).with_context(**period)
        theirs.invalidate_recordset()
        with self.assertRaises(AccessError):
            theirs._compute_kpi_waba_values()


def fields_of(context):
    """The group-bys of a saved filter's context."""
    return literal_eval(context)["group_by"]
