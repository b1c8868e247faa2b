"""From a tracked link on a template's button to the click of one person, over real HTTP."""

from contextlib import nullcontext
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged

from ..common import WabaCase

TARGET = "https://www.muebles-roble.example/sofas?color=azul"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile"


class LinkCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._lead_button_to(f"{cls.env['link.tracker'].get_base_url()}/r/{{{{1}}}}")

    @classmethod
    def _lead_button_to(cls, address):
        """The template's button leads to `address`, as Meta approved it."""
        components = [dict(component) for component in cls.template.components]
        for component in components:
            if component["type"] == "BUTTONS":
                component["buttons"] = [
                    {**button, "url": address} if button["type"] == "URL" else button
                    for button in component["buttons"]
                ]
        cls.template.components = components

    def _tracked(self, records, target=TARGET, **values):
        """A draft campaign whose button is a tracked link."""
        campaign = self._campaign(records, **values)
        campaign.variable_ids.filtered(lambda v: v.kind == "url").write(
            {"source": "link", "text": target}
        )
        return campaign

    def _launch_tracked(self, records, **values):
        campaign = self._tracked(records, **values)
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        return campaign

    def _suffix(self, row):
        [value] = [b["value"] for b in row.parameters["buttons"] if b["sub_type"] == "url"]
        return value


class TestTrackedLink(LinkCase):
    def test_each_person_gets_an_address_of_their_own_that_tells_nothing(self):
        campaign = self._launch_tracked(self._leads(3))
        rows = self._rows(campaign)
        self.assertEqual(set(rows.mapped("state")), {"accepted"})
        suffixes = [self._suffix(row) for row in rows]
        self.assertEqual(len(set(suffixes)), 3)
        for row, suffix in zip(rows, suffixes, strict=True):
            code, token = suffix[: -len(row.link_token) - 1], row.link_token
            self.assertEqual(suffix, f"{code}-{token}")
            for private in (row.number.lstrip("+"), row.uuid):
                self.assertNotIn(private, suffix)
        sent = [
            component["parameters"][0]["text"]
            for entry in self.simulator.sends()
            for component in entry["body"]["template"]["components"]
            if component.get("sub_type") == "url"
        ]
        self.assertEqual(set(sent), set(suffixes))

    def test_the_link_carries_the_campaign_s_utm(self):
        campaign = self._launch_tracked(self._leads(2))
        link = self.env["link.tracker"].search([("source_id", "=", campaign.utm_source_id.id)])
        self.assertEqual(len(link), 1)
        self.assertEqual(link.url, TARGET)
        self.assertEqual(link.campaign_id, campaign.utm_campaign_id)
        self.assertEqual(link.medium_id.name, "WhatsApp")

    def test_two_campaigns_to_one_target_are_told_apart(self):
        one = self._launch_tracked(self._leads(1))
        other = self._launch_tracked(self._leads(1, start=5))
        codes = {self._suffix(self._rows(c)).split("-")[0] for c in (one, other)}
        self.assertEqual(len(codes), 2)

    def test_outside_campaigns_the_template_is_the_source(self):
        button = self.template.variable_ids.filtered(lambda v: v.kind == "url")
        button.write({"source": "link", "text": TARGET})
        (self.template.variable_ids - button).filtered(lambda v: not v._is_complete()).text = "x"
        row = self.env["waba.message"]._queue_direct(
            self.sender, self._lead("+34611000001"), origin="manual", template=self.template
        )
        self.assertEqual(row.state, "queued")
        self.assertTrue(self._suffix(row).endswith(row.link_token))
        code = self._suffix(row).split("-")[0]
        link = self.env["link.tracker.code"].search([("code", "=", code)]).link_id
        self.assertEqual((link.source_id.name, link.url), (self.template.name, TARGET))

    def test_a_template_s_own_link_needs_our_address_too(self):
        self._lead_button_to("https://elsewhere.example/r/{{1}}")
        button = self.template.variable_ids.filtered(lambda v: v.kind == "url")
        with self.assertRaisesRegex(UserError, "elsewhere"):
            button.write({"source": "link", "text": TARGET})

    def test_each_step_of_a_follow_up_has_a_link_of_its_own(self):
        sequence = self.env["waba.sequence"].create({"name": "Offers", "sender_id": self.sender.id})
        steps = self.env["waba.sequence.step"].create(
            [
                {"sequence_id": sequence.id, "kind": "template", "template_id": self.template.id}
                for _step in range(2)
            ]
        )
        buttons = steps.variable_ids.filtered(lambda v: v.kind == "url")
        self.assertEqual(len(buttons), 2)
        buttons.write({"source": "link", "text": TARGET})
        links = [button._tracked_link() for button in buttons]
        self.assertNotEqual(links[0], links[1])
        self.assertEqual([link.source_id.name for link in links], ["Offers", "Offers"])
        self._lead_button_to("https://elsewhere.example/r/{{1}}")
        with self.assertRaisesRegex(UserError, "elsewhere"):
            buttons[0].write({"source": "link"})

    def test_messages_without_tracked_link_have_no_token(self):
        row = self._rows(self._launch(self._leads(1)))
        self.assertFalse(row.link_token)

    def test_looking_at_a_draft_makes_no_link(self):
        before = self.env["link.tracker"].search_count([])
        campaign = self._tracked(self._leads(1))
        self.assertIn("Anabbaaaaaa", campaign.preview_html)
        self.assertEqual(self.env["link.tracker"].search_count([]), before)

    def test_what_cannot_be_tracked_is_said_before_the_launch(self):
        self._lead_button_to("https://elsewhere.example/r/{{1}}")
        campaign = self._tracked(self._leads(1))
        with self.assertRaisesRegex(UserError, r"https://elsewhere.example/r/\{\{1\}\}"):
            campaign.action_launch()
        self.assertEqual(campaign.state, "draft")

    def test_only_the_end_of_an_address_can_be_a_link_and_it_leads_somewhere(self):
        campaign = self._campaign(self._leads(1))
        body = campaign.variable_ids.filtered(lambda v: v.component == "body")[0]
        with self.assertRaisesRegex(ValidationError, "Only the URL of a button"):
            body.write({"source": "link", "text": TARGET})
        body.write({"source": "first_name", "text": False})
        button = campaign.variable_ids.filtered(lambda v: v.kind == "url")
        with self.assertRaisesRegex(ValidationError, "javascript:alert"):
            button.write({"source": "link", "text": "javascript:alert(1)"})
        button.write({"source": "link", "text": False})
        with self.assertRaisesRegex(UserError, "Set a value for"):
            campaign.action_launch()


@tagged("post_install", "-at_install")
class TestClicks(LinkCase, HttpCase):
    def enter_registry_test_mode(self):
        # An HttpCase is in this mode all along.
        return nullcontext()

    def _open(self, path, agent=PHONE, method="GET", **headers):
        self.env.flush_all()
        reply = self.url_open(
            path, method=method, allow_redirects=False,
            headers={"User-Agent": agent, **headers},
        )  # fmt: skip
        self.env.invalidate_all()
        return reply

    def _clicks(self, campaign):
        return self.env["link.tracker.click"].search(
            [("link_id.source_id", "=", campaign.utm_source_id.id)]
        )

    def _assert_leads_on(self, reply):
        self.assertEqual(reply.status_code, 302)
        where = urlsplit(reply.headers["Location"])
        self.assertEqual(f"{where.scheme}://{where.netloc}{where.path}", TARGET.split("?")[0])
        return parse_qs(where.query)

    def test_a_click_is_the_person_s_and_carries_the_utm_values(self):
        campaign = self._launch_tracked(self._leads(2), name="Sofas in autumn")
        first, second = self._rows(campaign)
        values = self._assert_leads_on(self._open(f"/r/{self._suffix(first)}"))
        self.assertEqual(values["color"], ["azul"])
        self.assertEqual(values["utm_medium"], ["WhatsApp"])
        self.assertEqual(values["utm_source"], [campaign.utm_source_id.name])
        self.assertEqual(values["utm_campaign"], [campaign.utm_campaign_id.name])
        self.assertTrue(first.clicked_at)
        self.assertFalse(second.clicked_at)
        click = self._clicks(campaign)
        self.assertEqual(click.waba_message_id, first)
        self.assertFalse(click.ip)

    def test_the_first_click_keeps_its_time_and_every_click_is_kept(self):
        campaign = self._launch_tracked(self._leads(1))
        row = self._rows(campaign)
        self._open(f"/r/{self._suffix(row)}")
        row.clicked_at = first = row.clicked_at.replace(year=2025)
        self._open(f"/waba/r/{self._suffix(row)}")
        self.assertEqual(row.clicked_at, first)
        self.assertEqual(len(self._clicks(campaign)), 2)
        link = self._clicks(campaign).link_id
        self.env["waba.message"]._count_link_clicks()
        self.assertEqual(link.count, 2)
        self._open(f"/r/{self._suffix(row)}")
        self.env["waba.message"]._count_link_clicks()
        self.assertEqual(link.count, 3)
        self.assertEqual(campaign.clicked_count, 1)

    def test_previews_and_bots_are_led_on_and_not_counted(self):
        campaign = self._launch_tracked(self._leads(1))
        row = self._rows(campaign)
        for agent in ("WhatsApp/2.26.40.70 A", "facebookexternalhit/1.1", "Googlebot/2.1"):
            with self.subTest(agent):
                self._assert_leads_on(self._open(f"/r/{self._suffix(row)}", agent))
        self._assert_leads_on(self._open(f"/r/{self._suffix(row)}", **{"Sec-Purpose": "prefetch"}))
        self._assert_leads_on(self._open(f"/r/{self._suffix(row)}", method="HEAD"))
        self.assertFalse(row.clicked_at)
        self.assertFalse(self._clicks(campaign))

    def test_an_erased_message_still_leads_on(self):
        campaign = self._launch_tracked(self._leads(1))
        row = self._rows(campaign)
        suffix = self._suffix(row)
        row.unlink()
        self._assert_leads_on(self._open(f"/r/{suffix}"))
        click = self._clicks(campaign)
        self.assertEqual(len(click), 1)
        self.assertFalse(click.waba_message_id)

    def test_a_guessed_token_is_nobody_s_click(self):
        campaign = self._launch_tracked(self._leads(1))
        row = self._rows(campaign)
        code = self._suffix(row).split("-")[0]
        self._assert_leads_on(self._open(f"/r/{code}-{'A' * 16}"))
        self.assertFalse(row.clicked_at)

    def test_odoo_s_own_links_work_as_before(self):
        with patch.object(type(self.env["link.tracker"]), "_get_title_from_url", lambda *_: "x"):
            link = self.env["link.tracker"].create({"url": TARGET})
        reply = self._open(f"/r/{link.code}")
        self.assertEqual(reply.status_code, 301)
        self.assertEqual(reply.headers["Location"], TARGET)
        self.assertEqual(link.count, 1)
        link.code = "autumn-offer"
        self.assertEqual(self._open("/r/autumn-offer").status_code, 301)

    def test_an_address_that_never_was_is_not_found(self):
        for path in ("/r/none", f"/r/none-{'A' * 16}", "/waba/r/none"):
            with self.subTest(path):
                self.assertEqual(self._open(path).status_code, 404)
