"""The preference page: without login, without scripts, and nothing changes by reading it."""

import re
from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.tests import HttpCase, tagged

from ...models.consent.waba_preference import MAX_CHANGES, _network
from .test_consent import NUMBER
from .test_topics import TopicCase

PATH = "/waba/preferences/"


class TestToken(TopicCase):
    def test_a_token_names_its_person_and_company_and_not_the_number(self):
        person = self._person()
        token = person._preference_token(self.env.company)
        self.assertEqual(person._read_preference_token(token), (person, self.env.company))
        self.assertEqual(token, person._preference_token(self.env.company))
        self.assertNotIn("611000001", token)
        self.assertLess(len(token), 120)

    def test_a_token_that_is_changed_old_or_nobody_s_opens_nothing(self):
        person = self._person()
        token = person._preference_token(self.env.company)
        other = self._person("+34611000002")._preference_token(self.env.company)
        for text in ("", "x", "…", "a" * 90, token[:-20] + other[-20:], token[:60], token[1:]):
            with self.subTest(text):
                self.assertFalse(person._read_preference_token(text)[0])
        with freeze_time(fields.Datetime.now() + timedelta(days=365)):
            self.assertTrue(person._read_preference_token(token)[0])
        with freeze_time(fields.Datetime.now() + timedelta(days=400)):
            self.assertFalse(person._read_preference_token(token)[0])
        person._erase_personal_data(self.env.company, keep_out=False)
        self.assertFalse(person._read_preference_token(token)[0])

    def test_only_the_network_of_an_address_is_kept(self):
        cases = {
            "203.0.113.77": "203.0.113.0/24",
            "2001:db8:aaaa:bbbb::1": "2001:db8:aaaa::/48",
            "": "?",
        }
        for address, network in cases.items():
            self.assertEqual(_network(address), network)

    def test_a_template_carries_the_link_in_its_text_and_in_a_button(self):
        lead = self._lead(NUMBER)
        campaign = self._campaign(lead)
        line = campaign.variable_ids.filtered(lambda line: line.kind == "text")[:1]
        line.write({"source": "preferences", "text": False})
        campaign._start_launch()
        self._prepare()
        text = str(self._rows(campaign).parameters)
        token = self._person()._preference_token(self.env.company)
        self.assertIn(f"{PATH}{token}", text)
        self.assertIn(f"{PATH}…", str(campaign.preview_html))


@tagged("-at_install", "post_install")
class TestPage(TopicCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.offers.description = "Discounts"
        self.url = PATH + self._person()._preference_token(self.env.company)

    def _get(self, url=None, **headers):
        return self.url_open(url or self.url, headers=headers)

    def _post(self, act, on=None, url=None, form=None, **headers):
        """Send the form as the browser does: the page's hidden values, and these topics on."""
        text = form or self._get(url).text
        hidden = re.findall(r'name="((?:was_\d+)|form_token)" value="([^"]*)"', text)
        checked = re.findall(r'name="topic_(\d+)"[^>]*checked', text)
        topics = [int(id_) for id_ in checked] if on is None else [topic.id for topic in on]
        data = {**dict(hidden), "act": act, **{f"topic_{id_}": "1" for id_ in topics}}
        return self.url_open(url or self.url, data=data, headers=headers)

    def _entries(self):
        return self._person().consent_ids.filtered(lambda entry: entry.source == "preferences")

    def test_the_page_shows_topics_and_nobody_s_data(self):
        answer = self._get()
        self.assertEqual(answer.status_code, 200)
        for text in ("Offers", "Discounts", "Events", self.env.company.name, "+34 ••• 001"):
            self.assertIn(text, answer.text)
        self.assertNotIn("611000001", answer.text)
        self.assertNotIn("<script", answer.text)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertIn("noindex", answer.headers["X-Robots-Tag"])
        self.assertNotIn("session_id", answer.headers.get("Set-Cookie", ""))

    def test_reading_changes_nothing_whatever_the_address_says(self):
        for suffix in ("", "?act=stop", f"?act=save&was_{self.offers.id}=1"):
            self._get(self.url + suffix)
        self.assertFalse(self._entries())

    def test_switches_close_and_open_topics_with_evidence(self):
        answer = self._post("save", on=self.events)
        self.assertIn("Your preferences are saved", answer.text)
        [entry] = self._entries()
        self.assertEqual((entry.topic_id, entry.action), (self.offers, "opt_out"))
        self.assertIn("127.0.0.0/24", entry.evidence)
        self.assertEqual(self._states(), ("unknown", "opted_out", "unknown"))
        self._post("save", on=self.offers | self.events)
        self.assertEqual(self._states(), ("unknown", "opted_in", "unknown"))
        self._post("save")
        self.assertEqual(len(self._entries()), 2)

    def test_stop_closes_everything_and_single_topics_can_be_chosen_after_it(self):
        self.assertIn("opted out of all promotions", self._post("stop").text)
        self.assertIn("You can turn on single topics", self._post("stop").text)
        self.assertEqual(len(self._entries()), 1)
        self.assertEqual(self._states(), ("opted_out",) * 3)
        chosen = self._post("save", on=self.offers).text
        self.assertIn("You only get promotions about the topics that are on", chosen)
        self.assertEqual(self._states(), ("opted_out", "opted_in", "opted_out"))
        self._post("start")
        self.assertEqual(self._states(), ("opted_in",) * 3)

    def test_an_old_page_moves_only_what_was_moved_on_it(self):
        old = self._get().text
        self._post("stop")
        self._post("save", on=self.events, form=old)
        self.assertEqual(self._states(), ("opted_out",) * 3)

    def test_another_site_s_form_is_refused(self):
        forged = re.sub(r'name="form_token" value="[^"]*"', 'name="form_token" value="x"',
                        self._get().text)  # fmt: skip
        self.assertEqual(self._post("stop", form=forged).status_code, 400)
        foreign = {"Sec-Fetch-Site": "cross-site"}
        self.assertEqual(self._post("stop", **foreign).status_code, 400)
        self.assertFalse(self._entries())

    def test_too_many_changes_are_refused_but_a_stop_never(self):
        for index in range(MAX_CHANGES):
            self._person()._set_consent(
                "marketing", "opt_out", "preferences", "x", topic=self.offers,
                at=self.now - timedelta(seconds=index + 1),
            )  # fmt: skip
        answer = self._post("save", on=self.offers | self.events)
        self.assertEqual(answer.status_code, 429)
        self.assertIn("too many changes", answer.text)
        self._post("stop")
        self.assertEqual(self._state(), "opted_out")

    def test_where_an_opt_in_is_required_nobody_s_switch_is_on(self):
        self.env.company.waba_opt_in_required = True
        self.assertNotIn(" checked", self._get().text)

    def test_a_link_that_is_not_valid_says_what_to_do(self):
        for token in ("x", "a" * 600, "%00", "…", "1"):
            with self.subTest(token):
                answer = self._get(PATH + token)
                self.assertEqual(answer.status_code, 404)
                self.assertIn("reply STOP", answer.text)

    def test_the_page_speaks_the_person_s_language(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.assertIn('lang="es-ES"', self._get(**{"Accept-Language": "es-MX,es;q=0.9"}).text)
