"""Findings about templates as people read them: short, and what to do."""

import re
from datetime import datetime

from odoo.addons.waba_campaign.models.tools.template_rule_texts import (
    FINDING_TEXTS,
    TOPICS,
    finding_text,
    place_text,
)
from odoo.addons.waba_campaign.policy.template_findings import finding
from odoo.addons.waba_campaign.policy.template_rule_list import RULES
from odoo.tests import TransactionCase

FIGURES = {
    "length": 1050, "over": 26, "count": 3, "words": 4, "missing": 2, "name": "spring_offer",
    "quote": "Buy now, today only!", "until": datetime(2026, 11, 29, 12), "format": "",
}  # fmt: skip


class TestTemplateRuleTexts(TransactionCase):
    def test_every_rule_has_a_text_and_every_text_a_rule(self):
        self.assertEqual({*FINDING_TEXTS, *TOPICS}, set(RULES))

    def test_a_text_is_short_and_says_what_to_do(self):
        for key in RULES:
            text = finding_text(self.env, finding(key, "body", **FIGURES))
            with self.subTest(key=key, text=text):
                self.assertNotRegex(text, r"%\(|None|False")
                sentences = re.findall(r"[^.]+[.](?=\s|$)", text)
                self.assertLessEqual(len(sentences), 2)
                self.assertLessEqual(len(text), 200)

    def test_figures_are_in_it(self):
        text = finding_text(self.env, finding("body_length", "body", length=1050, over=26))
        self.assertIn("1,050 of 1,024 characters", text)
        self.assertIn("26", text)

    def test_nothing_is_said_in_metas_name_about_the_category(self):
        text = finding_text(self.env, finding("category_marketing", "body", quote="Buy now!"))
        self.assertIn("“Buy now!” reads like marketing. Meta decides", text)

    def test_a_long_quote_is_cut(self):
        text = finding_text(self.env, finding("text_capitals", "body", quote="A" * 500))
        self.assertLess(len(text), 200)
        self.assertIn("…", text)

    def test_places_are_counted_from_one(self):
        for place, text in (
            ("body", "Body"), ("button:0", "Button 1"), ("card:2", "Card 3"),
            ("card:0.body", "Card 1: Body"), ("card:1.button:0", "Card 2: Button 1"),
        ):  # fmt: skip
            self.assertEqual(place_text(self.env, place), text)
