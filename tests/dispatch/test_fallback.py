"""Another way to whom WhatsApp does not reach: after which failures, once, and never after a no."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ...policy import fallback as policy
from ..common import WabaCase

NUMBER = "+34611000001"
UNDELIVERABLE = {"errors": [{"code": 131026, "title": "Message undeliverable"}]}


@tagged("post_install", "-at_install")
class TestFallback(WabaCase):
    def _sent(self, lead=None, **values):
        """A campaign's message that WhatsApp has accepted."""
        lead = lead or self._lead(NUMBER, email_from="ana@example.com")
        campaign = self._launch(lead, **{"fallback_kind": "activity", **values})
        row = self._rows(campaign)
        self.assertEqual(row.state, "accepted", row.failure_reason)
        return row

    def _fails(self, row, **values):
        self._receive(self._status(row, "failed", **{**UNDELIVERABLE, **values}))
        self.assertEqual(row.state, "failed")

    def _fallback(self, row):
        return self.env["waba.fallback"].search([("message_id", "=", row.id)])

    def _run(self):
        self._run_cron(self.env["waba.fallback"]._cron())

    def _mail_template(self):
        return self.env["mail.template"].create(
            {
                "name": "Not on WhatsApp", "subject": "News", "body_html": "<p>News</p>",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "email_to": "{{ object.email_from }}",
            }
        )  # fmt: skip

    def test_a_call_is_planned_once(self):
        row = self._sent()
        self._fails(row)
        self.assertEqual(self._fallback(row).state, "queued", "in the same transaction")
        self._run()
        self._run()
        self._receive(self._status(row, "failed", **UNDELIVERABLE))
        self._run()
        [found] = self._fallback(row)
        self.assertEqual(found.state, "sent")
        activity = row._get_record().activity_ids
        self.assertEqual(len(activity), 1)
        self.assertIn("Undeliverable", activity.note)
        self.assertEqual(row.campaign_id.fallback_count, 1)
        self.assertIn("sent", row.fallback_text)
        # The report was wrong: nobody is told that it was not delivered.
        row.state = "delivered"
        row.invalidate_recordset(["fallback_text"])
        self.assertIn("afterwards", row.fallback_text)

    def test_an_email_from_the_template(self):
        template = self._mail_template()
        row = self._sent(fallback_kind="email", fallback_template_id=template.id)
        self._fails(row)
        self._run()
        found = self._fallback(row)
        self.assertEqual((found.state, found.mail_message_id.subject), ("sent", "News"))
        mails = self.env["mail.mail"].search([("mail_message_id", "=", found.mail_message_id.id)])
        self.assertEqual(mails.mapped("email_to"), ["ana@example.com"])

    def test_an_sms_with_the_messages_own_text(self):
        if "sms.sms" not in self.env:
            self.skipTest("SMS are not installed")
        row = self._sent(fallback_kind="sms")
        self._fails(row)
        self._run()
        sms = self.env["sms.sms"].search([("number", "=", NUMBER)])
        self.assertEqual(len(sms), 1)
        self.assertEqual(sms.body, " ".join(row.body.split()))
        self.assertEqual(sms.state, "outgoing", "Odoo's own queue sends it")

    def test_no_way_around_a_no(self):
        """Between the failure and the fallback the person said no, by whichever channel."""
        noes = {
            "opt-out": lambda row: row.recipient_id._set_marketing_state(
                "opted_out", "person", "x"
            ),
            "phone blacklist": lambda row: self.env["phone.blacklist"].add(row.number),
            "blocked": lambda row: row.recipient_id.write({"is_blocked": True}),
            "archived": lambda row: row._get_record().write({"active": False}),
            "to review": lambda row: row.recipient_id.write(
                {"may_opt_out_at": fields.Datetime.now()}
            ),
        }
        for name, says_no in noes.items():
            with self._case(name):
                row = self._sent()
                self._fails(row)
                says_no(row)
                self._run()
                found = self._fallback(row)
                self.assertEqual(found.state, "skipped", name)
                self.assertTrue(found.reason)
                self.assertFalse(row._get_record().activity_ids)

    def test_an_opt_out_of_the_topic_is_one(self):
        topic = self.env["waba.topic"].create({"name": "Offers", "company_id": self.env.company.id})
        row = self._sent(topic_id=topic.id)
        self._fails(row)
        row.recipient_id._set_consent("marketing", "opt_out", "person", "x", topic=topic)
        self._run()
        self.assertEqual(self._fallback(row).state, "skipped")

    def test_the_email_blacklist_is_obeyed(self):
        self.env["mail.blacklist"]._add("ana@example.com")
        template = self._mail_template()
        row = self._sent(fallback_kind="email", fallback_template_id=template.id)
        self._fails(row)
        self._run()
        self.assertIn("blacklist", self._fallback(row).reason)

    def test_failures_that_are_no_reason(self):
        for code in (131050, 131049, 132015, 131000):
            with self._case(code):
                row = self._sent()
                self._receive(self._status(row, "failed", errors=[{"code": code, "title": "x"}]))
                self._run()
                self.assertFalse(self._fallback(row))

    def test_not_delivered_in_time(self):
        row = self._sent(fallback_hours=5)
        self._run()
        self.assertFalse(self._fallback(row))
        row.accepted_at -= timedelta(hours=6)
        self._run()
        self._run()
        self.assertEqual(self._fallback(row).mapped("cause"), ["late"])
        self.assertEqual(self._fallback(row).state, "sent")

    def test_not_after_what_arrived_or_is_unknown(self):
        for state in ("delivered", "read", "held", "uncertain", "cancelled"):
            with self._case(state):
                row = self._sent(fallback_hours=5)
                row.write({"state": state, "accepted_at": row.accepted_at - timedelta(hours=6)})
                self._run()
                self.assertFalse(self._fallback(row))

    def test_delivered_between_the_queue_and_the_job(self):
        row = self._sent()
        self._fails(row)
        row.state = "delivered"
        self._run()
        found = self._fallback(row)
        self.assertEqual((found.state, found.sent_at), ("skipped", False))
        self.assertIn("meanwhile", found.reason)

    def test_nothing_is_the_default_and_a_template_is_needed(self):
        row = self._sent(fallback_kind=False)
        self._fails(row)
        self._run()
        self.assertFalse(self._fallback(row))
        with self.assertRaises(ValidationError):
            self._campaign(self._lead(NUMBER), fallback_kind="email")

    def test_of_a_message_sent_by_hand(self):
        lead = self._lead(NUMBER, user_id=self.salesperson.id)
        row = self.env["waba.message"].with_user(self.salesperson)._queue_direct(
            self.sender, lead, origin="manual", template=self.template,
            variables=self._campaign(lead).variable_ids,
            values={"fallback": {"kind": "activity", "hours": 24, "template": False}},
        ).sudo()  # fmt: skip
        self._dispatch()
        self._fails(row)
        self._run()
        self.assertEqual(lead.activity_ids.user_id, self.salesperson)

    def test_others_do_not_read_it(self):
        row = self._sent()
        self._fails(row)
        found = self._fallback(row).with_user(self._salesperson_of_own())
        with self.assertRaises(AccessError):
            found.read(["state"])

    def test_every_reason_is_one_of_metas(self):
        keys = dict(self.env["waba.message"]._fields["failure_type"].selection)
        self.assertLessEqual({*policy.REASONS, policy.UNREACHABLE}, set(keys))
        self.assertFalse(policy.is_unreached("skipped", "opted_out"))
        self.assertFalse(policy.is_unreached("failed", "marketing_limit"))
