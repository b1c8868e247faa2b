"""What stops an account, a number or a template by itself, and what lets it go on."""

from datetime import datetime, timedelta

from odoo.addons.waba_campaign.models.base import waba_sender as waba_sender_state
from odoo.addons.waba_campaign.models.base.waba_template import STATUSES
from odoo.addons.waba_campaign.models.tools.platform_words import platform_word
from odoo.addons.waba_campaign.models.tools.stop_causes import (
    ACCOUNT_STOPS,
    TEMPLATE_EVENTS,
    TEMPLATE_STOPS,
)

from ..common import TOKEN, WabaCase


class StopCase(WabaCase):
    def _update(self, word, **values):
        """An account_update that says a word: an event, or the state of a ban."""
        if word in ("DISABLE", "REINSTATE", "SCHEDULE_FOR_DISABLE"):
            values["ban_info"] = {"waba_ban_state": word}
            word = "DISABLED_UPDATE"
        if word == "ACCOUNT_RESTRICTION":
            values["restriction_info"] = [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", **values}
            ]
        body = self._change("account_update", {"event": word, **values})
        self.moment = getattr(self, "moment", 1790000000) + 1
        body["entry"][0]["time"] = self.moment
        return self._receive(body)

    def _begin(self, cause):
        """Have an account stop for a cause, as it really comes about."""
        if words := ACCOUNT_STOPS[cause].begun_by:
            self._update(words[0])
        elif cause == "access":
            self.simulator.call("token", {"token": TOKEN, "valid": False})
            self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))
        else:
            row = self._message(state="reserved")
            row._apply_failure("billing", code=131042, text="Payment", refused_at_once=True)
        self.assertEqual(list(self.account._active_stops()), [cause])


class TestAccount(StopCase):
    def test_each_cause_says_something_true_of_its_own_and_is_lifted_by_its_counterpart(self):
        said = {
            "restriction": "restricted", "disabled": "meta disabled", "deleted": "was deleted",
            "offboarded": "was disconnected", "access": "token", "refused": "payment",
        }  # fmt: skip
        self.assertEqual(set(said), set(ACCOUNT_STOPS))
        for cause, stop in ACCOUNT_STOPS.items():
            with self._case(cause):
                self._begin(cause)
                self.assertEqual(self.account.state, "stopped")
                self.assertIn(said[cause], self.account.stop_reason.lower())
                others = set(ACCOUNT_STOPS) - {cause}
                self.account._lift_stops(others, "Of another cause.")
                self.assertEqual(self.account.state, "stopped")
                self._end(cause, stop)
                self.assertEqual((self.account.state, self.account.stop_reason),
                                 ("connected", False))  # fmt: skip
                self.assertFalse(self.account.restriction)
                self.assertTrue(self._alarms(self.sender), "its numbers are woken")

    def _end(self, cause, stop):
        self.env["ir.cron.trigger"].search([]).unlink()
        if stop.lifted_by:
            self._update(stop.lifted_by[0])
        elif stop.by_reading:
            self.simulator.call("token", {"token": TOKEN, "valid": True})
            self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))
        elif stop.by_time:
            soon = datetime.now() + timedelta(hours=1)
            reason = self.account._active_stops()[cause]["reason"]
            self.account._add_stop(reason, until=soon, cause=cause)
            self.account._resume_if_due(soon - timedelta(minutes=1))
            self.assertEqual(self.account.state, "stopped")
            self.account._resume_if_due(soon)
        else:
            self.account.with_user(self.manager).action_resume()

    def test_a_person_lifts_any_cause(self):
        for cause in ACCOUNT_STOPS:
            with self._case(cause):
                self._begin(cause)
                self.account.with_user(self.manager).action_resume()
                self.assertEqual((self.account.state, self.account.stops), ("connected", False))

    def test_what_lifts_one_cause_leaves_another_in_force(self):
        self._update("ACCOUNT_OFFBOARDED")
        self._update("DISABLE")
        self._update("ACCOUNT_RECONNECTED")
        self.assertEqual(self.account.state, "stopped")
        self.assertIn("disabled this account", self.account.stop_reason)
        self.assertIn("Still stopped", self._chatter(self.account))
        self._update("REINSTATE")
        self.assertEqual(self.account.state, "connected")

    def test_reconnected_alone_lifts_no_restriction_and_says_nothing_of_sending(self):
        self._update("ACCOUNT_RESTRICTION")
        self._update("ACCOUNT_RECONNECTED")
        self.assertEqual(self.account.state, "stopped")
        self.assertNotIn("Sending resumed", self._chatter(self.account))

    def test_an_older_disconnection_that_comes_late_stops_nothing_and_hides_no_ban(self):
        late = self._change("account_update", {"event": "ACCOUNT_OFFBOARDED"})
        late["entry"][0]["time"] = 1790000000
        ban = self._change("account_update", {
            "event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}})  # fmt: skip
        ban["entry"][0]["time"] = 1790000000
        self.moment = 1790000100
        self._update("ACCOUNT_RECONNECTED")
        self._receive(late)
        self.assertEqual(self.account.state, "connected")
        self._receive(ban)
        self.assertEqual(list(self.account._active_stops()), ["disabled"])

    def test_of_several_the_one_that_ends_last_is_shown(self):
        soon, later = (datetime.now().replace(microsecond=0) + timedelta(hours=h) for h in (1, 2))
        self.account._add_stop("Short.", until=soon, cause="refused")
        self.account._add_stop("Long.", until=later, cause="restriction")
        self.assertEqual((self.account.stop_reason, self.account.resume_at), ("Long.", later))
        self.account._add_stop("For good.", cause="deleted")
        self.assertEqual((self.account.stop_reason, self.account.resume_at), ("For good.", False))
        self.account._resume_if_due(later)
        self.assertEqual(list(self.account._active_stops()), ["deleted"])

    def test_a_stop_of_an_earlier_version_is_known_by_its_reason(self):
        until = datetime.now().replace(microsecond=0) + timedelta(hours=1)
        self.account.write({"state": "stopped", "stop_reason": "Billing.", "resume_at": until})
        self.account._add_stop("Deleted.", cause="deleted")
        self.account._lift_stops(["deleted"], "x")
        self.assertEqual((self.account.stop_reason, self.account.resume_at), ("Billing.", until))


class TestNumber(StopCase):
    def test_each_ranked_cause_of_a_pause_exists(self):
        causes = dict(self.sender._fields["pause_cause"]._description_selection(self.env))
        self.assertLessEqual(set(waba_sender_state.CAUSE_RANK), set(causes))

    def test_a_status_of_metas_that_passes_lifts_its_pause(self):
        self.sender.platform_status = "FLAGGED"
        for status in ("BANNED", "RESTRICTED", "DISCONNECTED"):
            with self._case(status):
                self.sender.platform_status = status
                self.sender._apply_platform_status()
                if self.sender.state != "paused":
                    continue
                self.assertIn(platform_word(self.env, status), self.sender.pause_reason)
                self.sender.platform_status = "CONNECTED"
                self.sender._apply_platform_status()
                self.assertNotEqual(self.sender.state, "paused")


class TestTemplate(StopCase):
    def test_each_status_that_stops_has_its_events_and_its_counterpart(self):
        stopping = {status for status, _label in STATUSES} - {"approved", "unknown"}
        self.assertEqual(set(TEMPLATE_STOPS), stopping)
        for status, stop in TEMPLATE_STOPS.items():
            for begun in stop.begun_by:
                for lifted in stop.lifted_by:
                    with self._case(f"{begun} {lifted}"):
                        campaign = self._campaign(self._leads(1))
                        campaign._start_launch()
                        self._prepare()
                        self._told(begun, 1)
                        self.assertEqual(self.template.status, status)
                        self.assertEqual(campaign.state, "paused")
                        self.assertIn(self.template.display_name, campaign.pause_reason)
                        self._told(lifted, 2)
                        self.assertEqual(self.template.status, "approved")
                        self.assertEqual(campaign.state, "running")

    def _told(self, event, second):
        self.assertIn(event, TEMPLATE_EVENTS)
        body = self._change("message_template_status_update", {
            "event": event, "message_template_id": int(self.template.template_uid),
            "message_template_name": self.template.name,
            "message_template_language": self.template.language, "reason": "NONE"})  # fmt: skip
        body["entry"][0]["time"] = 1790000000 + second
        self._receive(body)
