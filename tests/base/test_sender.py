from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.addons.waba_campaign.models.base.waba_sender import STATUS_SENDING, STATUS_STOPPING
from odoo.addons.waba_campaign.models.tools.platform_words import platform_word
from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..common import NUMBER_ES, NUMBER_MX, WABA_UID, WabaCase


class SenderCase(WabaCase):
    def _at_meta(self, **values):
        """Change the number at Meta, then read the account."""
        self.simulator.post("number", id=NUMBER_ES, **values)
        self.account._sync()

    def _said(self, record):
        return " ".join(record.message_ids.mapped("body"))

    def _utility_campaign(self, records):
        return self._launch(records, template_id=self.utility_template.id)


class TestFacts(SenderCase):
    def test_what_meta_says_of_a_number_is_kept(self):
        before = fields.Datetime.now()
        self._at_meta(
            quality_rating="YELLOW", throughput_level="HIGH", name_status="PENDING_REVIEW"
        )
        sender = self.sender
        self.assertEqual(
            (sender.phone_number_uid, sender.display_phone_number, sender.number),
            (NUMBER_ES, "+34 600 000 001", "+34600000001"),
        )
        self.assertEqual(
            (sender.verified_name, sender.name_status), ("Demo Store ES", "PENDING_REVIEW")
        )
        self.assertEqual((sender.quality_rating, sender.throughput), ("yellow", 1000))
        self.assertEqual(sender.platform_status, "CONNECTED")
        self.assertEqual(sender.health_status["can_send_message"], "LIMITED")
        self.assertGreaterEqual(sender.rated_at, before)
        self.assertEqual(sender.display_name, "+34 600 000 001 · Demo Store ES")

    def test_each_rating_and_speed_of_metas_is_understood(self):
        cases = [
            ({"quality_rating": "GREEN"}, "quality_rating", "green"),
            ({"quality_rating": "YELLOW"}, "quality_rating", "yellow"),
            ({"quality_rating": "RED"}, "quality_rating", "red"),
            ({"quality_rating": "NA"}, "quality_rating", "unknown"),
            ({"quality_rating": "SOMETHING_NEW"}, "quality_rating", "unknown"),
            ({"throughput_level": "STANDARD"}, "throughput", 80),
            ({"throughput_level": "HIGH"}, "throughput", 1000),
            ({"throughput_level": "HIGH", "is_on_biz_app": True}, "throughput", 20),
        ]
        for values, name, expected in cases:
            with self._case(str(values)):
                self._at_meta(**values)
                self.assertEqual(self.sender[name], expected)

    def test_a_change_of_rating_is_in_the_chatter(self):
        self.sender.message_ids.unlink()
        self._at_meta(quality_rating="RED")
        self.env.flush_all()
        self.env.cr.precommit.run()
        tracked = self.sender.message_ids.tracking_value_ids
        self.assertEqual(
            [(value.old_value_char, value.new_value_char) for value in tracked], [("High", "Low")]
        )

    def test_a_number_keeps_what_a_poorer_answer_leaves_out(self):
        with self._fault(kind="error", code=100, endpoint="phone_numbers"):
            self.account._sync()
        self.assertEqual(self.sender.verified_name, "Demo Store ES")
        self.assertEqual(self.sender.platform_status, "CONNECTED")
        self.assertEqual(self.sender.state, "active")

    def test_own_speed_limit_is_the_smaller(self):
        for throughput, own, expected in [(80, 0, 80), (80, 10, 10), (80, 500, 80), (0, 0, 80),
                                          (0, 10, 10), (1000, 0, 1000), (20, 80, 20)]:  # fmt: skip
            with self.subTest(throughput=throughput, own=own):
                self.sender.write({"throughput": throughput, "own_throughput": own})
                self.assertEqual(self.sender._messages_per_second(), expected)

    def test_own_speed_limit_is_never_negative(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(Exception, "own_throughput_positive"),
        ):
            self.sender.own_throughput = -1
            self.env.flush_all()

    def test_a_new_own_speed_wakes_the_number(self):
        before = len(self._alarms())
        self.sender.own_throughput = 10
        self.assertEqual(len(self._alarms()), before + 1)

    def test_figures_count_what_waits_and_who_uses_it(self):
        self.sender.action_pause()
        self._launch(self._leads(3))
        self._launch(self._leads(2, start=10), sender_id=self.sender_mx.id)
        self.assertEqual((self.sender.queued_count, self.sender.campaign_count), (3, 1))
        self.assertEqual((self.sender_mx.queued_count, self.sender_mx.campaign_count), (0, 1))
        action = self.sender.action_view_campaigns()
        self.assertEqual(len(self.env[action["res_model"]].search(action["domain"])), 1)
        people = self.sender.action_view_counted_recipients()
        self.assertEqual(len(self.env[people["res_model"]].search(people["domain"])), 2)


class TestPlatformStatus(SenderCase):
    def test_each_status_of_metas_sends_stops_or_changes_nothing(self):
        cases = [
            *[(status, "paused") for status in STATUS_STOPPING if status != "MISSING"],
            *[(status, "active") for status in STATUS_SENDING],
            *[(status, "active") for status in ("RATE_LIMITED", "SOMETHING_NEW", "")],
        ]
        for status, state in cases:
            with self._case(status or "empty"):
                self._at_meta(status=status)
                self.assertEqual(self.sender.state, state)
                if state == "paused":
                    self.assertIn(
                        f"reports this number as “{platform_word(self.env, status)}”.",
                        self.sender.pause_reason,
                    )
                    self.assertIn("WhatsApp Manager", self.sender.pause_reason)
                    self.assertFalse(self.sender.resume_at)
                    self.assertIn(self.sender.pause_reason, self._said(self.sender))
                    self.assertEqual(self.sender._not_sending_reason(), self.sender.pause_reason)
                campaign = self._launch(self._leads(1))
                self.assertEqual(
                    self._rows(campaign).state, "queued" if state == "paused" else "accepted"
                )

    def test_a_number_goes_on_when_meta_lets_it(self):
        self._at_meta(status="FLAGGED")
        campaign = self._launch(self._leads(2))
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(campaign.hold_reason, self.sender.pause_reason)
        self._at_meta(status="SOMETHING_NEW")
        self.assertEqual(self.sender.state, "paused", "only a sending status lifts it")
        self._at_meta(status="CONNECTED")
        self.assertEqual((self.sender.state, self.sender.pause_reason), ("active", False))
        self.assertIn("Meta reports the number as “Connected”.", self._said(self.sender))
        self._dispatch()
        self.assertEqual(len(self.simulator.sends()), 2)

    def test_another_stopping_status_replaces_the_reason(self):
        self._at_meta(status="FLAGGED")
        self._at_meta(status="BANNED")
        self.assertIn("Banned", self.sender.pause_reason)

    def test_metas_status_lifts_no_pause_but_its_own(self):
        soon = fields.Datetime.now() + timedelta(hours=1)
        cases = [
            ("a person's", self.sender.action_pause, "person", False),
            ("an error's with an end",
             lambda: self.sender._pause("Spam.", until=soon), "failure", soon),
            ("an error's without an end",
             lambda: self.sender._pause("Not ready."), "failure", False),
        ]  # fmt: skip
        for name, pause, cause, resume_at in cases:
            for status_first in (False, True):
                with self._case(f"{name}, Meta's status first: {status_first}"):
                    if status_first:
                        self._at_meta(status="FLAGGED")
                        pause()
                    else:
                        pause()
                        self._at_meta(status="FLAGGED")
                    self._at_meta(status="CONNECTED")
                    self.assertEqual(self.sender.state, "paused")
                    self.assertEqual(
                        (self.sender.pause_cause, self.sender.resume_at), (cause, resume_at)
                    )

    def test_no_other_pauses_end_lets_a_stopped_number_send(self):
        now = fields.Datetime.now()
        cases = [
            ("a person resumes", self.sender.action_resume),
            ("the waiting time ends",
             lambda: self.sender._resume_if_due(now + timedelta(hours=2))),
        ]  # fmt: skip
        for name, resume in cases:
            with self._case(name):
                self.sender._pause("Spam.", until=now + timedelta(hours=1))
                self._at_meta(status="RESTRICTED")
                resume()
                self.assertEqual(
                    (self.sender.state, self.sender.pause_cause), ("paused", "platform")
                )
                self.assertIn("Restricted", self.sender.pause_reason)
                campaign = self._launch(self._leads(1))
                self.assertEqual(self._rows(campaign).state, "queued")

    def test_a_number_that_is_listed_no_longer_sends_no_more(self):
        self.sender_mx.unlink()
        self.simulator.post("reset", seed=_world_without(NUMBER_ES))
        self.account._sync()
        self.assertEqual((self.sender.platform_status, self.sender.state), ("MISSING", "paused"))
        count = len(self.sender.message_ids)
        self.account._sync()
        self.assertEqual(len(self.sender.message_ids), count, "told once")
        self.simulator.post("reset")
        self.account._sync()
        self.assertEqual((self.sender.platform_status, self.sender.state), ("CONNECTED", "active"))

    def test_a_new_number_gets_its_job(self):
        self.sender_mx.unlink()
        self.account._sync()
        new = self.account.sender_ids - self.sender
        self.assertEqual(new.phone_number_uid, NUMBER_MX)
        self.assertTrue(new.cron_id.active)
        self.assertEqual(new.cron_id.code, f"model.browse({new.id})._cron_dispatch()")
        self.assertEqual(new.cron_id.user_id, self.env.ref("base.user_root"))
        self.assertNotEqual(new.cron_id, self.sender.cron_id)

    def test_an_archived_number_is_read_and_stays_archived(self):
        self.sender.active = False
        self._at_meta(quality_rating="RED")
        self.assertEqual((self.sender.active, self.sender.quality_rating), (False, "red"))
        self.assertEqual(len(self.account.with_context(active_test=False).sender_ids), 2)


def _world_without(number_uid):
    """The simulator's own world reduced to one account, without one of its numbers."""
    return {
        "businesses": [{"id": "100000000000001", "name": "Demo Portfolio"}],
        "accounts": [
            {
                "id": WABA_UID,
                "business_id": "100000000000001",
                "name": "Demo Store",
                "numbers": [
                    {
                        "id": uid,
                        "display_phone_number": f"+34 600 000 00{index}",
                        "verified_name": "Demo Store",
                    }
                    for index, uid in enumerate((NUMBER_ES, NUMBER_MX))
                    if uid != number_uid
                ],
                "templates": [],
            }
        ],
        "tokens": [{"token": "SIM-TOKEN"}],
    }


class TestPauses(SenderCase):
    def test_a_person_pauses_and_resumes(self):
        self.sender.action_pause()
        self.assertEqual((self.sender.state, self.sender.pause_cause), ("paused", "person"))
        self.assertEqual(self.sender.pause_reason, f"Paused by {self.env.user.name}.")
        campaign = self._launch(self._leads(1))
        self.assertEqual(campaign.hold_reason, self.sender.pause_reason)
        self.assertEqual(self._rows(campaign).state, "queued")
        before = len(self._alarms())
        self.sender.action_resume()
        self.assertEqual(
            (self.sender.state, self.sender.pause_cause, self.sender.pause_reason),
            ("active", False, False),
        )
        self.assertEqual(len(self._alarms()), before + 1)
        self._dispatch()
        self.assertEqual(self._rows(campaign).state, "accepted")

    def test_an_end_lifts_the_pause_by_itself(self):
        now = fields.Datetime.now()
        until = now + timedelta(hours=24)
        self.sender._pause("Meta limits our number.", until=until)
        self.assertIn(until, self._alarms(), "the job is woken at that moment")
        campaign = self._launch(self._leads(1))
        with freeze_time(until - timedelta(seconds=1)):
            self._dispatch()
            self.assertEqual(self.sender.state, "paused")
        with freeze_time(until + timedelta(seconds=1)):
            self._dispatch()
        self.assertEqual(self.sender.state, "active")
        self.assertIn("the waiting time has passed.", self._said(self.sender))
        self.assertEqual(self._rows(campaign).state, "accepted")

    def test_a_pause_without_end_waits_for_a_person(self):
        self.sender._pause("The number is not ready.")
        self.sender._resume_if_due(fields.Datetime.now() + timedelta(days=365))
        self.assertEqual(self.sender.state, "paused")

    def test_the_stronger_and_the_later_pause_stays(self):
        now = fields.Datetime.now()
        hour, day = now + timedelta(hours=1), now + timedelta(days=1)
        cases = [
            # first pause, second pause, which is in force afterwards
            (("failure", day), ("failure", hour), 0),
            (("failure", hour), ("failure", day), 1),
            (("failure", None), ("failure", hour), 0),
            (("failure", hour), ("failure", None), 1),
            (("person", None), ("failure", hour), 0),
            (("person", None), ("platform", None), 0),
            (("failure", hour), ("person", None), 1),
            (("failure", hour), ("platform", None), 0),
            (("platform", None), ("failure", hour), 1),
            (("platform", None), ("person", None), 1),
            (("platform", None), ("platform", None), 1),
        ]
        for first, second, winner in cases:
            with self._case(f"{first} {second}"):
                self.sender._pause("First.", cause=first[0], until=first[1])
                self.sender._pause("Second.", cause=second[0], until=second[1])
                cause, until = (first, second)[winner]
                self.assertEqual(self.sender.pause_reason, ("First.", "Second.")[winner])
                self.assertEqual(
                    (self.sender.pause_cause, self.sender.resume_at), (cause, until or False)
                )

    def test_the_same_pause_is_told_once_and_takes_the_new_end(self):
        self.sender._pause("Maintenance.")
        count = len(self.sender.message_ids)
        until = fields.Datetime.now() + timedelta(minutes=5)
        self.sender._pause("Maintenance.", until=until)
        self.assertEqual(len(self.sender.message_ids), count)
        self.assertEqual(self.sender.resume_at, until)

    def test_a_locked_number_is_released_by_a_managers_word_only(self):
        self.sender.write({"state": "locked", "pause_reason": "Too many blocks."})
        self.sender._pause("Maintenance.", until=fields.Datetime.now())
        self.assertEqual(
            (self.sender.state, self.sender.pause_reason), ("locked", "Too many blocks.")
        )
        self.sender._resume_if_due(fields.Datetime.now() + timedelta(days=365))
        campaign = self._launch(self._leads(1))
        self.assertEqual(
            (campaign.hold_reason, self._rows(campaign).state), ("Too many blocks.", "queued")
        )
        asked = self.sender.action_resume()
        self.assertEqual((asked["res_model"], self.sender.state), ("waba.release", "locked"))
        self.sender._release("Looked at.")
        self.assertEqual(self.sender.state, "active")

    def test_an_active_number_has_nothing_to_resume(self):
        count, alarms = len(self.sender.message_ids), len(self._alarms())
        self.sender.action_resume()
        self.assertEqual((len(self.sender.message_ids), len(self._alarms())), (count, alarms))

    def test_a_slowed_number_sends(self):
        self.sender.state = "slowed"
        self.assertFalse(self.sender._not_sending_reason())
        campaign = self._launch(self._leads(2))
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"accepted"})

    def test_pausing_one_number_leaves_the_other(self):
        self.sender.action_pause()
        campaign = self._launch(self._leads(1), sender_id=self.sender_mx.id)
        self.assertEqual(self._rows(campaign).state, "accepted")


class TestRedNumber(SenderCase):
    def test_promotions_wait_and_service_messages_leave(self):
        self._at_meta(quality_rating="RED")
        marketing = self._launch(self._leads(2))
        utility = self._utility_campaign(self._leads(2, start=10))
        self.assertEqual(set(self._rows(marketing).mapped("state")), {"queued"})
        self.assertEqual(set(self._rows(utility).mapped("state")), {"accepted"})
        self.assertIn("rating is Low. They resume when", marketing.hold_reason)
        self.assertFalse(utility.hold_reason)
        self.assertEqual(self.sender.state, "active")

    def test_promotions_leave_when_the_rating_rises(self):
        self._at_meta(quality_rating="RED")
        campaign = self._launch(self._leads(2))
        for rating, state in [("RED", "queued"), ("YELLOW", "accepted")]:
            before = len(self._alarms())
            self._at_meta(quality_rating=rating)
            self.assertEqual(len(self._alarms()) > before, rating != "RED", "woken by the rise")
            self._dispatch()
            self.assertEqual(set(self._rows(campaign).mapped("state")), {state})

    def test_a_rating_that_falls_under_way_stops_the_rest(self):
        self.sender.action_pause()
        campaign = self._launch(self._leads(2))
        self.sender.action_resume()
        self._at_meta(quality_rating="RED")
        self._dispatch()
        self.assertEqual(set(self._rows(campaign).mapped("state")), {"queued"})
        self.assertEqual(self.simulator.sends(), [])


class TestJobOfANumber(SenderCase):
    def test_the_job_is_archived_and_restored_with_the_number(self):
        self.sender.active = False
        self.assertFalse(self.sender.cron_id.active)
        before = len(self._alarms())
        self.sender.active = True
        self.assertTrue(self.sender.cron_id.active)
        self.assertGreater(len(self._alarms()), before)

    def test_an_archived_number_tells_its_campaigns_why_they_wait(self):
        self.sender.action_pause()
        campaign = self._launch(self._leads(1))
        self.sender.action_resume()
        self.sender.active = False
        self.assertIn("is archived", campaign.hold_reason)
        self._dispatch()
        self.assertEqual(self._rows(campaign).state, "queued")

    def test_the_job_goes_with_an_unused_number(self):
        cron = self.sender_mx.cron_id
        self.sender_mx.unlink()
        self.assertFalse(cron.exists())

    def test_a_used_number_is_kept(self):
        campaign = self._campaign(self._leads(1), name="Spring")
        with self.assertRaises(UserError) as caught:
            self.sender.unlink()
        self.assertIn("it is used by Spring", str(caught.exception))
        self.assertIn("Archive it instead", str(caught.exception))
        campaign.unlink()
        self._receive(self._inbound("+34611000001", "Hola"))
        with self.assertRaisesRegex(UserError, r"used by messages"):
            self.sender.unlink()
        self.assertTrue(self.sender.cron_id.exists())

    def test_a_number_is_connected_once(self):
        with mute_logger("odoo.sql_db"), self.assertRaisesRegex(Exception, "phone_number_uid_uniq"):
            self.env["waba.sender"].create(
                {"account_id": self.account.id, "phone_number_uid": NUMBER_ES}
            )
            self.env.flush_all()

    def test_a_number_without_texts_is_called_by_its_id(self):
        sender = self.env["waba.sender"].create(
            {"account_id": self.account.id, "phone_number_uid": "499"}
        )
        self.assertEqual(sender.display_name, "499")
