"""Somebody else sends with our keys: kept as evidence, an alarm, and no row looks sent by us."""

import time

from ..common import NUMBER_ES, WabaCase

FOREIGN = "f" * 32


class TestSecondSender(WabaCase):
    def _status(self, opaque, status="delivered", wamid="wamid.theirs", number=NUMBER_ES):
        self._receive(
            self._change(
                "messages",
                {
                    "messaging_product": "whatsapp",
                    "metadata": {"display_phone_number": "34600000001", "phone_number_id": number},
                    "statuses": [
                        {
                            "id": wamid,
                            "status": status,
                            "timestamp": str(int(time.time())),
                            "recipient_id": "34611000001",
                            "biz_opaque_callback_data": opaque,
                        }
                    ],
                },
            )
        )

    def _evidence(self):
        return self.env["waba.reputation.event"].search([("kind", "=", "second_sender")])

    def _activities(self):
        return self.sender.activity_ids.filtered(
            lambda activity: activity.summary == "Another system sends with this number"
        )

    def test_a_row_that_never_left_is_not_shown_as_sent(self):
        states = {
            # state, attempts made, what it is afterwards
            "queued": (0, "skipped"),
            "skipped": (0, "skipped"),
            "cancelled": (0, "cancelled"),
            "failed": (1, "failed"),
        }
        for state, (attempts, after) in states.items():
            for status in ("sent", "delivered", "read"):
                with self._case(f"{state}, {status}"):
                    row = self._message(state=state, attempt_count=attempts)
                    self._status(f"{row.uuid}/{attempts + 1}", status)
                    self.assertEqual(row.state, after)
                    self.assertFalse(row.wamid or row.sent_at or row.delivered_at or row.read_at)
                    [piece] = self._evidence()
                    self.assertEqual((piece.message_id, piece.sender_id), (row, self.sender))
                    self.assertEqual(piece.effect, "neutral", "it tells nothing of our reputation")
                    self.assertIn(self.manager, self._activities().user_id)

    def test_the_person_does_not_get_it_a_second_time(self):
        campaign = self._campaign(self._leads(2))
        campaign._start_launch()
        self._prepare()
        first, second = self._rows(campaign)
        self._status(f"{first.uuid}/1", "sent")
        self.assertEqual((first.state, first.failure_type), ("skipped", "second_sender"))
        self.assertIn("Not sent: already sent by another database", first.failure_reason)
        self._dispatch()
        [request] = self.simulator.sends()
        self.assertEqual(request["opaque"], f"{second.uuid}/1")

    def test_a_row_in_our_hands_goes_no_further(self):
        row = self._message(state="reserved", attempt_count=1, is_unsent=True)
        self._status(f"{row.uuid}/1")
        self.assertEqual((row.state, row.failure_type), ("skipped", "second_sender"))

    def test_what_the_other_one_could_not_deliver_may_still_leave(self):
        row = self._message(state="queued")
        self._status(f"{row.uuid}/1", "failed")
        self.assertEqual(row.state, "queued")
        self.assertEqual(len(self._evidence()), 1)

    def test_a_row_of_ours_sent_from_elsewhere_too_keeps_its_own_story(self):
        row = self._message(state="accepted", wamid="wamid.ours")
        self._status(f"{row.uuid}/1", "read")
        self.assertEqual((row.state, row.wamid), ("accepted", "wamid.ours"))
        self.assertEqual(len(self._evidence()), 1)
        self._status(f"{row.uuid}/1", "delivered", "wamid.ours")
        self.assertEqual(row.state, "delivered")

    def test_messages_made_after_the_copying_are_noticed(self):
        for _time in range(3):
            self._status(f"{FOREIGN}/1")
        self.assertEqual(len(self._evidence()), 1, "one a day and number")
        self.assertTrue(self.account.has_second_sender)
        self.assertEqual(len(self._activities().filtered(lambda a: a.user_id == self.manager)), 1)
        self.assertIn("did not send", self._chatter(self.sender))

    def test_what_is_nobodys_alarm(self):
        mine = self._message(state="accepted", wamid="wamid.mine")
        cases = {
            "another program's own tag": ("order-17", "wamid.x", NUMBER_ES),
            "no tag": ("", "wamid.x", NUMBER_ES),
            "a number that is not ours": (f"{FOREIGN}/1", "wamid.x", "499999999999999"),
            "our message": (f"{mine.uuid}/1", "wamid.mine", NUMBER_ES),
            "our message by its id": (f"{FOREIGN}/1", "wamid.mine", NUMBER_ES),
        }
        for name, (opaque, wamid, number) in cases.items():
            with self._case(name):
                self._status(opaque, "delivered", wamid, number)
                self.assertFalse(self._evidence())
                self.assertFalse(self._activities())
                self.assertFalse(self.account.has_second_sender)

    def test_late_news_of_trimmed_messages_are_no_alarm(self):
        self.env["ir.config_parameter"].set_param("waba_campaign.message_keep_days", "30")
        self._status(f"{FOREIGN}/1")
        self.assertFalse(self._evidence())
