"""The judge held against the simulator, which reads Meta's rules by itself.

What the judge accepts, the simulator creates; what it refuses, the simulator refuses.
"""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api.preview import render_preview
from odoo.addons.waba_campaign.policy import template_rules
from odoo.addons.waba_campaign.simulator.graph_errors import GraphError
from odoo.addons.waba_campaign.simulator.state import Account, Business, World
from odoo.addons.waba_campaign.simulator.template_rules import check_template
from odoo.addons.waba_campaign.simulator.templates import Templates

from ..pure import PureCase
from ..template_samples import BODY_TEXT, MARKETING_KINDS, authentication, body, footer
from ..template_strategies import any_templates, broken_templates, mutations, templates, variable

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def errors(template, **options):
    found = template_rules.judge_template(**template, **options)
    return [one for one in found if one.level == "error"]


def refusal(template):
    """What the simulator says to a creation; '' when it accepts."""
    try:
        check_template(template)
    except GraphError as error:
        return str(error.details or error)
    return ""


class TestAgainstTheSimulator(PureCase):
    @SLOW
    @given(templates())
    def test_what_is_well_made_is_accepted_by_both(self, template):
        self.assertEqual(errors(template), [])
        self.assertEqual(refusal(template), "")

    @SLOW
    @given(broken_templates())
    def test_what_is_broken_in_one_way_is_refused_by_both(self, broken):
        name, template = broken
        self.assertNotEqual(errors(template), [], name)
        self.assertNotEqual(refusal(template), "", name)

    @SLOW
    @given(any_templates())
    def test_anything_is_judged_alike(self, template):
        self.assertEqual(bool(errors(template)), bool(refusal(template)), refusal(template))

    def test_every_mutation_of_every_kind(self):
        kinds = {**MARKETING_KINDS, "authentication": authentication()}
        for kind, components in kinds.items():
            template = {
                "name": "offer", "language": "es", "parameter_format": "POSITIONAL",
                "category": "AUTHENTICATION" if kind == "authentication" else "MARKETING",
                "components": components,
            }  # fmt: skip
            self.assertEqual((errors(template), refusal(template)), ([], ""), kind)
            for name in mutations(template):
                broken = {**template, "components": _copied(components)}
                mutations(broken)[name](broken)
                with self.subTest(kind=kind, mutation=name):
                    self.assertNotEqual(errors(broken), [])
                    self.assertNotEqual(refusal(broken), "")


def _copied(value):
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


class TestRendering(PureCase):
    """A text that is accepted renders back to itself."""

    @SLOW
    @given(templates())
    def test_as_it_is_and_with_its_samples(self, template):
        parts = {one["type"]: one for one in template["components"]}
        if "text" not in parts["BODY"]:
            return
        named = template["parameter_format"].lower() == "named"
        text = parts["BODY"]["text"]
        shown = render_preview(template["components"], {}, template["parameter_format"])
        self.assertEqual(shown.body, text)
        self.assertEqual(shown.footer, parts.get("FOOTER", {}).get("text", ""))
        values = _samples(parts["BODY"], "body", named)
        given_values = {"body": [{"name": name, "value": one} for name, one in values.items()]}
        shown = render_preview(template["components"], given_values, template["parameter_format"])
        for name, value in values.items():
            text = text.replace(variable(name), value)
        self.assertEqual(shown.body, text)
        filled = template_rules.judge_filled(
            template["components"], template["parameter_format"], {"body": values}
        )
        self.assertEqual([one for one in filled if one.place == "body"], self._expected(text))

    def _expected(self, text):
        """Warnings by the length or form of the text itself are the only ones."""
        one = [{"type": "BODY", "text": text}]
        return template_rules.judge_filled(one, "positional", {})


def _samples(part, kind, named):
    example = part.get("example", {})
    if named:
        pairs = example.get(f"{kind}_text_named_params", [])
        return {pair["param_name"]: pair["example"] for pair in pairs}
    values = example.get(f"{kind}_text", [[]])[0]
    return {str(index + 1): value for index, value in enumerate(values)}


class TestInTime(PureCase):
    """Names, duplicates and edits: what depends on the account and the clock."""

    def setUp(self):
        super().setUp()
        self.world = World()
        self.world.add(Business("2", "Shop"))
        self.account = Account("1", "2", "Shop")
        self.world.add(self.account)
        self.edits = []
        self.simulator = Templates(
            self.world,
            None,
            SimpleNamespace(handles=lambda *_args: None, address=lambda *_args: str),
            SimpleNamespace(after=lambda *_args: None),
            SimpleNamespace(enqueue_update=lambda *_args: None),
            None,
        )

    def _now(self):
        return datetime.fromtimestamp(self.world.clock.now(), timezone.utc)

    def _template(self, text=BODY_TEXT, **changes):
        template = {
            "name": "offer", "language": "es", "category": "MARKETING",
            "parameter_format": "POSITIONAL", "components": [body(text, "Ana", "A1")],
        }  # fmt: skip
        return {**template, **changes}

    def _existing(self):
        rows = []
        for one in self.world.templates.values():
            row = {"name": one.name, "language": one.language, "components": one.components}
            locked = self.world.locked_names.get((self.account.id, one.name))
            if one.status == "DELETED" and locked:
                at = datetime.fromtimestamp(locked, timezone.utc) - timedelta(days=30)
                row["deleted_at"] = at
            if one.status != "DELETED" or locked:
                rows.append(row)
        return rows

    def _create(self, template):
        """Both answers to a creation must be the same; returns it."""
        judged = errors(template, existing=self._existing(), now=self._now())
        judged = [one for one in judged if one.key != "duplicate_content"]
        try:
            self.simulator.create(self.account, template)
            accepted = True
        except GraphError:
            accepted = False
        self.assertEqual(not judged, accepted, judged)
        return accepted

    def test_a_name_is_used_once_per_language(self):
        self.assertTrue(self._create(self._template()))
        self.assertFalse(self._create(self._template()))
        self.assertTrue(self._create(self._template(language="fr")))
        self.assertTrue(self._create(self._template(name="other")))

    def test_a_deleted_name_is_locked(self):
        self._create(self._template())
        next(iter(self.world.templates.values())).status = "APPROVED"
        self.simulator.delete(self.account, {"name": "offer"})
        self.assertFalse(self._create(self._template()))
        self.world.clock.advance(30 * 86400 - 60)
        self.assertFalse(self._create(self._template()))
        self.world.clock.advance(120)
        self.assertTrue(self._create(self._template()))

    def _edit(self, template, **changes):
        wanted = {**self._template(), **changes}
        current = {
            "name": template.name, "language": template.language, "status": template.status,
            "category": template.category, "components": template.components,
        }  # fmt: skip
        judged = errors(wanted, current=current, edit_history=self.edits, now=self._now())
        try:
            self.simulator.edit(template, {key: wanted[key] for key in ("components", "category")})
            accepted = True
        except GraphError:
            accepted = False
        self.assertEqual(not judged, accepted, judged)
        if accepted:
            self.edits.append(self._now())
            template.status = "APPROVED"
        return accepted

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.sampled_from((1, 12, 23, 25, 49, 24 * 9)), min_size=1, max_size=30))
    def test_edits_of_an_approved_one(self, hours):
        self.setUp()
        self._create(self._template())
        template = next(iter(self.world.templates.values()))
        template.status = "APPROVED"
        for one in hours:
            self._edit(template)
            self.world.clock.advance(one * 3600)

    def test_what_cannot_be_edited(self):
        self._create(self._template())
        template = next(iter(self.world.templates.values()))
        for status in ("PENDING", "IN_APPEAL", "DISABLED"):
            template.status = status
            self.assertFalse(self._edit(template))
        template.status = "APPROVED"
        self.assertFalse(self._edit(template, category="UTILITY"))
        template.status = "REJECTED"
        self.assertTrue(self._edit(template, category="UTILITY"))

    def test_the_same_wording_is_rejected_in_review(self):
        first = [body(BODY_TEXT, "Ana", "A1"), footer("Shop")]
        self._create(self._template(components=first))
        existing = self._existing()
        twin = self._template(name="other", components=first)
        self.assertEqual(
            [one.key for one in errors(twin, existing=existing)], ["duplicate_content"]
        )
        self.assertEqual(errors({**twin, "language": "fr"}, existing=existing), [])
