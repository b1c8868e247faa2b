"""Why was this person sent this message at that moment? Told on every message, from the record."""

from datetime import timedelta

from freezegun import freeze_time
from lxml import html
from odoo import fields
from odoo.addons.waba_campaign.models.privacy.waba_message_privacy import (
    CHECK_LABELS,
    CHECKS_BY_PURPOSE,
)
from odoo.addons.waba_campaign.policy import eligibility

from ..consent.test_consent import NUMBER, ConsentCase


class TestWhy(ConsentCase):
    def _why(self, row, user=None):
        """{title: sentences} as they stand on the form."""
        row.invalidate_recordset(["why_html"])
        text = row.with_user(user or self.salesperson).why_html
        parts = html.fromstring(text)
        titles = [node.text_content() for node in parts.iter("dt")]
        answers = [" ".join(node.itertext()) for node in parts.iter("dd")]
        return dict(zip(titles, answers, strict=True))

    def _row(self, records=None, **values):
        lead = records or self._lead(NUMBER)
        campaign = self._campaign(lead, user_id=self.salesperson.id, **values)
        campaign.with_user(self.salesperson)._start_launch()
        self._prepare()
        self._dispatch()
        return self._rows(campaign)

    def test_who_launched_it_for_whom_and_when_it_left(self):
        row = self._row()
        why = self._why(row)
        self.assertIn("The campaign “Test campaign”, launched by", why["Who wanted it"])
        self.assertIn(self.salesperson.name, why["Who wanted it"])
        self.assertIn(f"“{row._get_record().display_name}”", why["Why this person"])
        self.assertIn("People in it: 1", why["Why this person"])
        self.assertIn("and again right before it left", why["What was checked"])
        self.assertIn("no opt-out from promotions", why["What was checked"])
        self.assertIn("WhatsApp took it on", why["When it left"])
        self.assertIn("one of the day's places", why["When it left"])

    def test_the_word_on_record_at_that_time_and_what_was_said_since(self):
        with freeze_time(fields.Datetime.now() - timedelta(days=2)):
            self._person()._set_consent("marketing", "opt_in", "form", "The form on /contact")
        row = self._row()
        self.assertIn("Opt-in of", self._why(row)["Consent"])
        self.assertIn("(A form). The form on /contact", self._why(row)["Consent"])
        self.assertNotIn("Since then", self._why(row)["Consent"])
        self._write("BAJA", hours_ago=-1)
        consent = self._why(row)["Consent"]
        self.assertIn("On record at that time: Opt-in", consent)
        self.assertNotIn("Since then", consent, "an hour from now is not yet")
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self.assertIn("Since then: Opt-out", self._why(row)["Consent"])

    def test_a_word_noted_later_was_not_on_record_then(self):
        row = self._row()
        row.accepted_at = fields.Datetime.now() - timedelta(hours=5)
        yesterday = fields.Datetime.now() - timedelta(days=1)
        self._person()._set_consent("marketing", "opt_in", "import", "A list", at=yesterday)
        # Not in the second in which the word was entered: the clock read knows no parts of one.
        with freeze_time(fields.Datetime.now() + timedelta(seconds=1)):
            consent = self._why(row)["Consent"]
        self.assertIn("No word of theirs on promotions was on record at that time.", consent)
        self.assertIn("Since then: Opt-in", consent)

    def test_a_word_on_the_other_purpose_is_no_word(self):
        self._person()._set_consent("utility", "opt_in", "person", "For the order")
        self.assertIn("No word of theirs on promotions", self._why(self._row())["Consent"])

    def test_what_it_waits_for_and_what_it_waited_for(self):
        self.sender.action_pause()
        row = self._row()
        row.write({"wait_reason": "hours", "retry_at": fields.Datetime.now() + timedelta(hours=9)})
        why = self._why(row)
        self.assertIn("quiet hours", why["What it waited for"])
        self.assertIn("again right before it leaves", why["What was checked"])
        self.assertNotIn("When it left", why)
        row.retry_at = fields.Datetime.now()
        self.sender.action_resume()
        self._dispatch()
        self.assertEqual((row.state, row.waited_for), ("accepted", "hours"))
        waited = self._why(row)["What it waited for"]
        self.assertIn("It waited: quiet hours.", waited)

    def test_who_was_left_out_and_why(self):
        self._write("BAJA")
        why = self._why(self._row())
        self.assertIn("opted out", why["What was checked"])
        self.assertNotIn("When it left", why)

    def test_an_open_window_costs_no_place(self):
        self._receive(self._inbound(NUMBER, "Hola"))
        why = self._why(self._row())
        self.assertIn("none of the day's places", why["When it left"])

    def test_each_origin_says_whose_word_it_was(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        messages = self.env["waba.message"].with_user(self.salesperson)
        for origin, words in (
            ("manual", "sent it on"),
            ("test", "A test that"),
            ("action", "An automation"),
            ("reply", "An automatic reply"),
            ("sequence", "follow-up"),
        ):
            with self.subTest(origin):
                row = messages._queue_direct(
                    self.sender, lead.with_user(self.salesperson), origin=origin,
                    template=self.utility_template, user=self.salesperson,
                )  # fmt: skip
                why = self._why(row)
                self.assertIn(words, why["Who wanted it"])
                if origin in ("manual", "test"):
                    self.assertIn(self.salesperson.name, why["Who wanted it"])
                self.assertIn("service messages", why["Consent"])
        with self.subTest("nobody knows"):
            row = self._message(NUMBER, user_id=self.salesperson.id)
            self.assertIn("not on record", self._why(row)["Who wanted it"])

    def test_a_record_that_is_gone_is_said_to_be(self):
        row = self._row()
        row._get_record().unlink()
        self.assertIn("no longer exists", self._why(row)["Why this person"])

    def test_what_people_wrote_is_no_markup(self):
        row = self._row(self._lead(NUMBER, name="<b>Sofa</b>"))
        self.assertIn("&lt;b&gt;Sofa", row.why_html)

    def test_messages_to_us_have_no_such_question(self):
        message = self._receive(self._inbound(NUMBER, "Hola")) and self._person().message_ids
        self.assertFalse(message.why_html)

    def test_every_check_has_its_words(self):
        self.assertEqual(set(eligibility.REASONS), set(CHECK_LABELS))
        for asked in CHECKS_BY_PURPOSE.values():
            self.assertTrue(all(CHECK_LABELS[key] for key in asked))
