"""Quiet hours of the person's own day: what waits, until when, and that nothing slips through.

When a message left is judged by the simulator's log.
"""

from datetime import datetime, timedelta, timezone

import pytz
from odoo import fields
from odoo.tests import Form, tagged

from ...models.tools.phone_countries import number_time_zones
from .test_message_direct import DirectCase

# One number of each of twelve time zones that a number tells.
PLACES = [
    ("America/Los_Angeles", "+1 213 555", "us"),
    ("America/New_York", "+1 212 555", "us"),
    ("America/Mexico_City", "+52 55 1234", "mx"),
    ("America/Bogota", "+57 310 555", "co"),
    ("America/Sao_Paulo", "+55 11 98765", "br"),
    ("Europe/Paris", "+33 6 12 34", "fr"),
    ("Europe/Athens", "+30 691 234", "gr"),
    ("Africa/Lagos", "+234 803 123", "ng"),
    ("Asia/Dubai", "+971 50 123", "ae"),
    ("Asia/Calcutta", "+91 98765 4", "in"),
    ("Asia/Tokyo", "+81 90 1234", "jp"),
    ("Pacific/Auckland,Pacific/Chatham", "+64 21 123", "nz"),
]


class HoursCase(DirectCase):
    def setUp(self):
        super().setUp()
        self.company = self.env.company
        self.company.waba_quiet_hours = True
        self.portfolio.messaging_limit = "unlimited"

    def _quiet_now(self, zone="Europe/Madrid"):
        """The company's quiet hours begin an hour ago and end in one, there."""
        local = pytz.utc.localize(datetime.now(timezone.utc).replace(tzinfo=None)).astimezone(
            pytz.timezone(zone)
        )
        self.company.write(
            {
                "waba_quiet_from": (local.hour - 1) % 24,
                "waba_quiet_until": (local.hour + 1) % 24 or 24,
            }
        )
        until = (local + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        return until.astimezone(pytz.utc).replace(tzinfo=None)

    def _in_madrid(self, records):
        """The contact says so: a Spanish number alone might be in the Canary Islands."""
        for record in records:
            record.partner_id = self.env["res.partner"].create(
                {"name": "Eva Prueba", "tz": "Europe/Madrid"}
            )
        return records


class TestZone(HoursCase):
    def test_what_a_number_tells(self):
        cases = [
            ("+34611000001", "Atlantic/Canary,Europe/Madrid"),
            ("+4915112345678", "Europe/Berlin"),
            ("+12125550123", "America/New_York"),
            ("+525512345678", "America/Mexico_City"),
            ("+5511987654321", "America/Sao_Paulo"),
            ("+351912345678", "Atlantic/Azores,Europe/Lisbon"),
            ("", ""),
            (False, ""),
            ("+999123", ""),
            ("600 00", ""),
        ]
        for number, zones in cases:
            with self.subTest(number):
                self.assertEqual(number_time_zones(number), zones)
        # A Russian mobile number may be anywhere in its country; so may a freephone number.
        self.assertIn("Asia/Kamchatka", number_time_zones("+79161234567"))
        self.assertIn("Pacific/Honolulu", number_time_zones("+18005550123"))

    def test_contact_then_number_then_company(self):
        self.company.partner_id.tz = "Atlantic/Canary"
        partner = self.env["res.partner"].create({"name": "Eva", "tz": "Asia/Tokyo"})
        nowhere = self.env["res.partner"].create({"name": "Eva", "tz": False})
        people = self.env["waba.recipient"]
        person = people.create(
            {"portfolio_id": self.portfolio.id, "user_uid": "ES.1", "partner_id": partner.id}
        )
        lead = self._lead("+34611000001")
        cases = [
            (partner, "+4915112345678", "Asia/Tokyo"),
            (nowhere, "+4915112345678", "Europe/Berlin"),
            (nowhere, "", "Atlantic/Canary"),
            (person, "+4915112345678", "Asia/Tokyo"),
            (lead, "+4915112345678", "Europe/Berlin"),
            (None, "+4915112345678", "Europe/Berlin"),
        ]
        for record, number, zone in cases:
            with self.subTest(record=record, number=number):
                self.assertEqual(people._recipient_time_zone(number, record, self.company), zone)
        lead.partner_id = partner
        self.assertEqual(
            people._recipient_time_zone("+4915112345678", lead, self.company), "Asia/Tokyo"
        )

    def test_what_odoo_filled_in_from_the_creator_is_nobodys_word(self):
        self.salesperson.tz = "Europe/Madrid"
        mexico, spain = "+525512345678", "+34611000001"
        cases = [
            ("filled in, of another country", "Europe/Madrid", mexico, "America/Mexico_City"),
            ("filled in, of the number's country", "Europe/Madrid", spain, "Europe/Madrid"),
            ("filled in, a number of nowhere", "Europe/Madrid", "", "Europe/Madrid"),
            ("noted by somebody", "Asia/Tokyo", mexico, "Asia/Tokyo"),
        ]
        people = self.env["waba.recipient"]
        for what, zone, number, expected in cases:
            with self.subTest(what):
                as_creator = self.env["res.partner"].with_user(self.salesperson)
                partner = as_creator.with_context(tz=zone).sudo().create({"name": "Eva"})
                self.assertEqual((partner.tz, partner.create_uid), (zone, self.salesperson))
                found = people._recipient_time_zone(number, partner, self.company)
                self.assertEqual(found, expected)


class TestWaiting(HoursCase):
    def test_a_campaign_waits_and_goes_on_by_itself(self):
        with self._moving_clock() as move:
            until = self._quiet_now()
            campaign = self._launch(self._in_madrid(self._leads(3)))
            rows = self._rows(campaign)
            self.assertEqual(set(rows.mapped("retry_at")), {until})
            self.assertEqual(set(rows.mapped("wait_reason")), {"hours"})
            self.assertEqual(self.simulator.sends(), [])
            self.assertIn(until, self._alarms())
            self.assertEqual(campaign.state, "running")
            self.assertIn("Quiet hours for all 3 remaining recipients", campaign.hold_reason)
            self.assertGreaterEqual(campaign.next_message_at, until)
            self.assertGreaterEqual(campaign.ends_at, until)
            move((until - fields.Datetime.now()).total_seconds() + 5)
            self._dispatch()
            self.assertEqual((campaign.sent_count, campaign.state), (3, "done"))
            self.assertFalse(any(rows.mapped("wait_reason")))

    def test_who_waits_does_not_hold_up_the_others(self):
        until = self._quiet_now()
        madrid = self._in_madrid(self._leads(2))
        elsewhere = self._leads(2, start=100)
        self.company.partner_id.tz = "Europe/Madrid"
        for lead in elsewhere:
            lead.partner_id = self.env["res.partner"].create({"name": "Aiko", "tz": "Asia/Tokyo"})
        campaign = self._launch(madrid | elsewhere)
        self.assertEqual((campaign.sent_count, campaign.queued_count), (2, 2))
        self.assertFalse(campaign.hold_reason and campaign.sent_count == 0)
        self.assertIn("2 in quiet hours until", campaign.progress_text)
        self.assertGreaterEqual(campaign.ends_at, until)

    def test_what_became_due_late_waits_again(self):
        """Queued in time, kept by a pause of the number, due in the quiet hours."""
        self.company.write({"waba_quiet_from": 0, "waba_quiet_until": 0})
        campaign = self._campaign(self._in_madrid(self._leads(12)))
        campaign.action_launch()
        self._prepare()
        rows = self._rows(campaign)
        self.assertLessEqual(max(rows.mapped("retry_at")), fields.Datetime.now())
        self.env.flush_all()
        until = self._quiet_now()
        self._dispatch()
        self.assertEqual(self.simulator.sends(), [])
        self.assertEqual(set(rows.mapped("retry_at")), {until})
        self.assertEqual(set(rows.mapped("wait_reason")), {"hours"})
        self.assertIn(until, self._alarms())

    def test_what_would_leave_when_they_have_begun_waits(self):
        """Allowed now, and not any more at the reservation's last moment."""
        with self._moving_clock() as move:
            now = fields.Datetime.now()
            self.company.write({"waba_quiet_from": 0, "waba_quiet_until": 0})
            campaign = self._campaign(self._in_madrid(self._leads(2)))
            campaign.action_launch()
            self._prepare()
            local = pytz.utc.localize(now).astimezone(pytz.timezone("Europe/Madrid"))
            begins = (local + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
            self.company.write(
                {"waba_quiet_from": begins.hour, "waba_quiet_until": (begins.hour + 3) % 24}
            )
            begins = begins.astimezone(pytz.utc).replace(tzinfo=None)
            move((begins - now).total_seconds() - 5)
            self._dispatch()
            self.assertEqual(self.simulator.sends(), [])
            self.assertEqual(
                set(self._rows(campaign).mapped("retry_at")), {begins + timedelta(hours=3)}
            )

    def test_who_waits_and_who_does_not(self):
        self._quiet_now()
        partner = self.env["res.partner"].create(
            {"name": "Eva", "phone": "+34611000001", "tz": "Europe/Madrid"}
        )
        self._open_window()
        cases = [
            # origin, template or text, waits
            ("sequence", self.template, True),
            ("sequence", self.utility_template, True),
            ("action", self.utility_template, True),
            ("manual", self.template, True),
            ("manual", self.utility_template, False),
            ("manual", "Hola", False),
            ("reply", "Hola", False),
            ("test", self.template, False),
        ]
        for origin, what, waits in cases:
            with self.subTest(origin=origin, what=what):
                words = {"text": what} if isinstance(what, str) else {"template": what}
                row = self._queue(partner, origin=origin, **words)
                self.assertEqual(row.wait_reason, "hours" if waits else False)
                self.assertIs(row.retry_at > fields.Datetime.now(), waits)
        self.assertEqual(row.time_zone, "Europe/Madrid")

    def test_direct_messages_are_asked_again_too(self):
        lead = self._in_madrid(self._lead("+34611000001"))
        self.company.waba_quiet_hours = False
        waiting = self._queue(lead) | self._queue(self._lead("+34611000002"), origin="manual")
        self.company.waba_quiet_hours = True
        until = self._quiet_now()
        waiting.write({"wait_reason": False, "retry_at": fields.Datetime.now()})
        self._dispatch()
        self.assertEqual(waiting.mapped("state"), ["queued", "accepted"])
        self.assertEqual((waiting[0].retry_at, waiting[0].wait_reason), (until, "hours"))

    def test_a_change_of_the_rules_is_heard_at_once(self):
        self._quiet_now()
        campaign = self._launch(self._in_madrid(self._leads(2)))
        later = fields.Datetime.now() + timedelta(days=3)
        lead = self._in_madrid(self._lead("+34611000001"))
        planned = self._queue(lead, not_before=later)
        held = self._queue(self._in_madrid(self._lead("+34611000002")), template=self.template)
        held.recipient_id.marketing_held_until = later
        planned.write({"wait_reason": "hours", "retry_at": later + timedelta(hours=5)})
        alarms = len(self._alarms())
        self.company.waba_quiet_hours = False
        self.assertEqual((planned.retry_at, held.retry_at), (later, later))
        self.assertGreater(len(self._alarms()), alarms)
        self._dispatch()
        self.assertEqual(campaign.sent_count, 2)

    def test_another_companys_rules_are_its_own(self):
        until = self._quiet_now()
        row = self._queue(self._in_madrid(self._lead("+34611000001")))
        other = self.env["res.company"].create({"name": "Other"})
        other.waba_quiet_hours = False
        self.assertEqual(row.retry_at, until)

    def test_impossible_hours_are_refused(self):
        for values in ({"waba_quiet_from": 25}, {"waba_quiet_until": -1}):
            with self._case(str(values)), self.assertRaises(Exception) as caught:
                self.company.write(values)
                self.env.flush_all()
            self.assertIn("quiet", str(caught.exception))


class TestTwelveTimeZones(HoursCase):
    """200 leads, quiet from 21:00 to 9:00: for two days every message leaves in its hours."""

    def test_every_message_leaves_inside_its_persons_hours(self):
        self.company.write({"waba_quiet_from": 21, "waba_quiet_until": 9})
        leads = self.env["crm.lead"].create(
            [
                {
                    "name": f"Lead {index}",
                    "contact_name": "Ana Prueba",
                    "partner_name": "Muebles Prueba",
                    "phone": f"{start}{index:04d}"[: len(start) + 4],
                    "country_id": self.env.ref(f"base.{country}").id,
                }
                for index in range(200)
                for _zone, start, country in [PLACES[index % len(PLACES)]]
            ]
        )
        campaign = self._campaign(leads, template_id=self.utility_template.id)
        zones = {}
        with self._moving_clock() as move:
            campaign.action_launch()
            self._prepare()
            rows = self._rows(campaign)
            self.assertEqual(set(rows.mapped("state")), {"queued"}, rows.mapped("failure_type"))
            zones = {row.number: row.time_zone for row in rows}
            self.assertEqual(set(zones.values()), {zone for zone, _start, _country in PLACES})
            for _run in range(40):
                self._dispatch()
                if campaign.state == "done":
                    break
                now = fields.Datetime.now()
                alarm = next(at for at in self._alarms() if at > now)
                move((alarm - now).total_seconds() + 1)
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 200))
        sends = self.simulator.sends()
        self.assertEqual(len(sends), 200)
        for entry in sends:
            for zone in zones[entry["recipient"]].split(","):
                local = datetime.fromtimestamp(entry["received_at"], pytz.timezone(zone))
                self.assertTrue(9 <= local.hour < 21, f"{entry['recipient']}: {local}")


@tagged("post_install", "-at_install")
class TestSettings(HoursCase):
    def test_the_page_keeps_the_companys_rules(self):
        with Form(self.env["res.config.settings"]) as page:
            page.waba_quiet_hours = True
            page.waba_quiet_from = 20.5
            page.waba_us_marketing_left_out = False
        page.save().execute()
        self.assertEqual(self.company._waba_quiet_period(), (20.5, self.company.waba_quiet_until))
        self.assertFalse(self.company.waba_us_marketing_left_out)

    def test_promotions_to_the_united_states_are_left_out_unless_switched_off(self):
        lead = self._lead("+12125550123", country_id=self.env.ref("base.us").id)
        campaign = self._launch(lead)
        self.assertEqual(self._rows(campaign).failure_type, "country")
        self.assertEqual(self._queue(lead, template=self.template).failure_type, "country")
        self.company.write({"waba_us_marketing_left_out": False, "waba_quiet_hours": False})
        campaign = self._launch(lead)
        self.assertEqual(self._rows(campaign).state, "accepted")
        self.assertEqual(self._queue(lead, template=self.template).state, "queued")
        self.company.waba_us_marketing_left_out = True
        self.env["waba.conversation"].search([]).write({"pair_free_at": False})
        self._dispatch()
        self.assertFalse(
            self.env["waba.message"].search_count(
                [("recipient_id.number", "=", "+12125550123"), ("state", "=", "queued")]
            ),
        )
