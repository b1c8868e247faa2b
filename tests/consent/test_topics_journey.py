"""A journey through Odoo, the simulator and a browser without scripts: from a campaign with a topic
to the preference page, and to what the next campaigns send."""

import re

from odoo.tests import HttpCase, tagged

from .test_consent import NUMBER
from .test_topics import TopicCase

OTHER = "+34611000002"


@tagged("-at_install", "post_install")
class TestTopicsJourney(TopicCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.env.company.write({"waba_frequency_count": 0, "waba_same_template_hours": 0})
        self.leads = self._lead(NUMBER) | self._lead(OTHER)

    def _send(self, topic):
        """A campaign about a topic, whose text carries the link: {number it went to}."""
        # The next campaign comes much later: neither the pair nor the number has to wait.
        self.env["waba.conversation"].search([]).write({"pair_free_at": False})
        self.sender.next_dispatch_at = False
        sent_before = len(self.simulator.sends())
        campaign = self._campaign(self.leads, topic_id=topic and topic.id)
        campaign.variable_ids.filtered(lambda line: line.kind == "text")[:1].source = "preferences"
        campaign._start_launch()
        self._prepare()
        self._dispatch()
        self.sent = self.simulator.sends()[sent_before:]
        return {f"+{entry['body']['to'].lstrip('+')}" for entry in self.sent}

    def _link_to(self, number):
        """The path of the link in the message that went over the wire to this number."""
        [body] = [
            str(entry["body"])
            for entry in self.sent
            if entry["body"]["to"].lstrip("+") == number.lstrip("+")
        ]
        return re.search(r"/waba/preferences/[\w-]+", body).group()

    def _submit(self, path, act, off=()):
        page = self.url_open(path).text
        data = dict(re.findall(r'name="((?:was_\d+)|form_token)" value="([^"]*)"', page))
        for id_ in re.findall(r'name="topic_(\d+)"[^>]*checked', page):
            if int(id_) not in [topic.id for topic in off]:
                data[f"topic_{id_}"] = "1"
        return self.url_open(path, data={**data, "act": act})

    def test_a_topic_turned_off_on_the_page_is_sent_no_more(self):
        both = {NUMBER, OTHER}
        self.assertEqual(self._send(self.offers), both)
        path = self._link_to(NUMBER)
        # WhatsApp's preview and a scanner read the link before the person does.
        for agent in ("facebookexternalhit/1.1", "WhatsApp/2.23.20.0"):
            self.url_open(path, headers={"User-Agent": agent})
        self.assertEqual(self._send(self.offers), both)
        self._submit(path, "save", off=[self.offers])
        self.assertEqual(self._send(self.offers), {OTHER})
        self.assertEqual(self._send(self.events), both)
        self.assertEqual(self._send(None), both)
        self._receive(self._inbound(NUMBER, "STOP"))
        for topic in (self.offers, self.events, None):
            self.assertEqual(self._send(topic), {OTHER})
        # START opens what was not closed by itself.
        self._receive(self._inbound(NUMBER, "START", wamid="wamid.IN2"))
        self.assertEqual(self._send(self.offers), {OTHER})
        self.assertEqual(self._send(self.events), both)
        self._submit(self._link_to(NUMBER), "stop")
        self.assertEqual(self._send(self.events), {OTHER})
