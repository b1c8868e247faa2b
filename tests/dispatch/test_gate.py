"""Every origin of a message passes the same gate; what differs is listed with its reason."""

from datetime import timedelta

from odoo import fields
from odoo.addons.waba_campaign.models.base.waba_message import ORIGINS
from odoo.addons.waba_campaign.policy import frequency, gate, hours
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..common import NUMBER_ES, WabaCase
from ..pure import PureCase

NUMBER = "+34611000001"
CATEGORIES = ("marketing", "utility", "service")


class TestGatePolicy(PureCase):
    def test_the_table_is_what_the_rules_do(self):
        for origin, _label in ORIGINS:
            for category in CATEGORIES:
                with self.subTest(f"{origin} {category}"):
                    # Sequences, campaigns and rules send templates: never free words.
                    if category == "service" and hours.respects_quiet_hours(origin, None):
                        continue
                    self.assertEqual(
                        hours.respects_quiet_hours(origin, category),
                        not gate.difference("quiet_hours", origin, category),
                    )
                    self.assertEqual(
                        frequency.is_counted(origin, category),
                        not gate.difference("frequency", origin, category),
                    )

    def test_each_difference_has_its_reason_and_a_known_rule(self):
        origins = {"*", *(origin for origin, _label in ORIGINS)}
        for (rule, origin, category), reason in gate.DIFFERENCES.items():
            self.assertIn(rule, gate.RULES)
            self.assertIn(origin, origins)
            self.assertIn(category, {"*", *CATEGORIES})
            self.assertTrue(reason.strip())


@tagged("post_install", "-at_install")
class TestGate(WabaCase):
    """origin × category × rule, the rule set after the message was queued."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for template in cls.template | cls.utility_template:
            lines = template.variable_ids.filtered(lambda line: not line._is_complete())
            lines.write({"source": "text", "text": "prueba"})

    def setUp(self):
        super().setUp()
        self.partner = self.env["res.partner"].create(
            {"name": "Ana Prueba", "phone": NUMBER, "country_id": self.env.ref("base.es").id}
        )
        self.person = self.env["waba.recipient"]._find_or_create_by_number(
            self.portfolio, [NUMBER]
        )[NUMBER]

    # Origins: functions that queue one message to Ana

    def _of_category(self, category):
        return self.utility_template if category == "utility" else self.template

    def _campaign_row(self, category):
        campaign = self._campaign(self.partner, template_id=self._of_category(category).id)
        campaign._start_launch()
        self._prepare()
        return self._rows(campaign)

    def _retried(self, category):
        row = self._campaign_row(category)
        row.write({"state": "failed", "failure_type": "temporary", "attempt_count": 1,
                   "failed_at": fields.Datetime.now()})  # fmt: skip
        return row.action_retry()

    def _settled(self, category):
        row = self._campaign_row(category)
        row.write({"state": "uncertain", "attempt_count": 1})
        row.action_settle_resend()
        return row

    def _of_a_trial(self, category):
        row = self._campaign_row(category)
        row.write({"variant": "a", "is_ab_test": True})
        return row

    def _followed_campaign(self, category):
        """A campaign to the people of another one."""
        first = self._campaign_row(category)
        first.write({"state": "read", "read_at": fields.Datetime.now()})
        campaign = self._campaign(
            self.partner,
            template_id=self._of_category(category).id,
            audience_source="campaign",
            audience_campaign_id=first.campaign_id.id,
            audience_outcome="read_not_replied",
        )
        campaign._start_launch()
        self._prepare()
        return self._rows(campaign)

    def _direct(self, origin, category):
        queue = self.env["waba.message"]._queue_direct
        if category == "service":
            self.simulator.post(
                "inbound", phone_id=NUMBER_ES, number=NUMBER.lstrip("+"), text="Hola"
            )
            self._receive(self._inbound(NUMBER, "Hola", wamid="wamid.HOLA"))
            return queue(self.sender, self.partner, origin=origin, text="Hola")
        return queue(self.sender, self.partner, origin=origin, template=self._of_category(category))

    def _makers(self):
        """{name: (origin, category, function that makes the row)}"""
        makers = {}
        for category in ("marketing", "utility"):
            for name, make in (
                ("campaign", self._campaign_row), ("retry", self._retried),
                ("send again", self._settled), ("trial", self._of_a_trial),
                ("follow-up campaign", self._followed_campaign),
            ):  # fmt: skip
                makers[f"{name}, {category}"] = (
                    "campaign", category, lambda make=make, category=category: make(category)
                )  # fmt: skip
            for origin in ("sequence", "action", "manual", "reply", "test"):
                makers[f"{origin}, {category}"] = (
                    origin, category,
                    lambda origin=origin, category=category: self._direct(origin, category),
                )  # fmt: skip
        for origin in ("manual", "reply"):
            makers[f"{origin}, service"] = (
                origin, "service", lambda origin=origin: self._direct(origin, "service")
            )  # fmt: skip
        return makers

    # Rules: functions that set one up

    def _set_own_number(self, _row):
        self.sender_mx.write({"number": NUMBER, "display_phone_number": "+34 611 00 00 01"})

    def _set_opted_out(self, _row):
        self.person._set_consent("marketing", "opt_out", "person", "said so")

    def _set_opted_out_of_service_messages(self, _row):
        self.person._set_consent("utility", "opt_out", "person", "said so")

    def _set_blacklisted(self, _row):
        self.env["phone.blacklist"].create({"number": NUMBER})

    def _set_no_opt_in(self, _row):
        self.env.company.waba_opt_in_required = True

    def _set_frequency(self, _row):
        self.env.company.write({"waba_frequency_count": 1, "waba_frequency_days": 7})
        self._message(NUMBER, "delivered", promoted_at=fields.Datetime.now() - timedelta(days=1))

    def _set_repeated(self, row):
        """The same template has left, with other values."""
        self.env.company.waba_same_template_hours = 24
        self._message(
            NUMBER,
            "delivered",
            template_id=row.template_id.id,
            template_left_at=fields.Datetime.now() - timedelta(hours=1),
            parameters={"body": ["another order"]},
        )

    def _set_quiet_hours(self, _row):
        self.env.company.write(
            {"waba_quiet_hours": True, "waba_quiet_from": 0, "waba_quiet_until": 23.99}
        )

    def _set_daily_limit(self, _row):
        self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, ["+34611000077"])[
            "+34611000077"
        ].slot_at = fields.Datetime.now()
        self.portfolio.daily_cap = 1

    def _set_promotions_stopped(self, _row):
        self.account.marketing_disabled = True

    def _set_number_paused(self, _row):
        self.sender._pause("paused for this test")

    def _set_account_stopped(self, _row):
        self.account._add_stop("stopped for this test")

    def _set_template_paused(self, row):
        row.template_id._set_status("paused", "paused for this test")

    def _set_record_gone(self, _row):
        self.partner.unlink()

    def test_each_origin_against_each_rule(self):
        for rule in gate.RULES:
            for name, (origin, category, make) in self._makers().items():
                with self._case(f"{rule}: {name}"):
                    row = make()
                    self.assertEqual((row.state, row.origin), ("queued", origin))
                    self.assertEqual(row.category, category)
                    getattr(self, f"_set_{rule}")(row)
                    self.env.flush_all()
                    self._dispatch()
                    went = bool(self.simulator.sends())
                    self.assertEqual(went, row.state == "accepted")
                    self.assertEqual(
                        went,
                        bool(gate.difference(rule, origin, category)),
                        f"{row.state} {row.failure_reason} {row.wait_reason}",
                    )
                    if not went:
                        # Nobody is lost: whoever may still get it waits, the others have a reason.
                        self.assertIn(row.state, ("queued", "skipped"))
                        is_left_out = row.state == "skipped"
                        self.assertEqual(is_left_out, bool(row.failure_type and row.failure_reason))

    def test_no_message_is_made_by_rpc(self):
        row = self._direct("manual", "utility")
        for user in (self.salesperson, self.manager):
            rows = self.env["waba.message"].with_user(user)
            with self.assertRaises(AccessError):
                rows.create({"account_id": self.account.id, "sender_id": self.sender.id,
                             "number": NUMBER, "state": "queued"})  # fmt: skip
            for values in ({"state": "queued"}, {"number": "+34611999999"}, {"origin": "test"},
                           {"record_traits": False}):  # fmt: skip
                with self.assertRaises(AccessError):
                    rows.browse(row.id).write(values)
            with self.assertRaises(AccessError):
                rows.browse(row.id).copy()
