"""What an upgrade makes of consent from before companies were told apart."""

import importlib.util
from datetime import timedelta
from pathlib import Path

from .test_consent import NUMBER
from .test_consent_company import OTHER, SharedCase

SCRIPTS = Path(__file__).resolve().parents[2] / "migrations" / "19.0.1.1.0"


def _script(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestMigration(SharedCase):
    def _say(self, number, action, portfolio=None, hours_ago=1, user=None, **values):
        """An entry as the version before kept it."""
        entry = self.env["waba.consent"].create(
            {
                "recipient_id": self._person(number, portfolio=portfolio).id,
                "purpose": "marketing",
                "action": action,
                "source": "form",
                "evidence": "Their words",
                "at": self.now - timedelta(hours=hours_ago),
                "user_id": (user or self.env.user).id,
                **values,
            }
        )
        entry.recipient_id.marketing_state = {"opt_in": "opted_in"}.get(action, "opted_out")
        return entry

    def _migrate(self):
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL waba_campaign.erasing = 'on'")
        for name in ("pre-consent", "post-consent"):
            for version in ("", "19.0.1.0.0", "19.0.1.0.0"):
                _script(name).migrate(self.env.cr, version)
        self.env["waba.consent"].init()
        self.env.invalidate_all()

    def test_each_word_goes_to_the_company_that_it_tells_and_an_unknown_opt_in_to_none(self):
        seller_b = self._user_of(self.b, "b_seller")
        both = self._user_of(self.b, "both_seller")
        both.company_ids = self.a | self.b
        message = self._message(NUMBER, company_id=self.b.id)
        cases = [
            # entry, company afterwards
            (self._say(NUMBER, "opt_in", message_id=message.id), self.b),
            (self._say(OTHER, "opt_in", user=seller_b), self.b),
            (self._say("+34611000003", "opt_in", user=both), None),
            (self._say("+34611000004", "opt_in"), None),
            (self._say("+34611000005", "opt_out", user=both), None),
            (self._say("+34611000006", "opt_in", portfolio=self.foreign, user=both), self.c),
        ]
        self._migrate()
        for entry, company in cases:
            with self.subTest(entry.number):
                self.assertEqual(entry.company_id or None, company)
                states = self._states(entry.recipient_id)
                for each, state in zip((self.a, self.b, self.c), states, strict=True):
                    expected = "opted_in" if company == each else "unknown"
                    if entry.action == "opt_out":
                        expected = "opted_out"
                    self.assertEqual(state, expected, each.name)

    def test_the_last_word_counts_on_every_row_of_the_person(self):
        elsewhere = self._person(portfolio=self.foreign)
        self._say(NUMBER, "opt_in", hours_ago=9, portfolio=self.foreign)
        self._say(NUMBER, "opt_out", hours_ago=5)
        self._say(NUMBER, "opt_in", hours_ago=2, user=self._user_of(self.b, "b_seller"))
        self._migrate()
        for person in (self._person(), elsewhere):
            self.assertEqual(self._states(person), ("opted_out", "opted_in", "opted_out"))
        self.assertEqual(self._person().marketing_state, "opted_out")

    def test_an_opt_out_without_a_word_stays(self):
        person = self._person()
        person.marketing_state = "opted_out"
        self._migrate()
        self.assertEqual(self._states(person), ("opted_out",) * 3)
        self.assertTrue(person.marketing_out_at)

    def test_a_rule_is_taken_over_unless_the_manager_changed_it(self):
        rule = self.env.ref("waba_campaign.waba_consent_rule_company")
        script = _script("post-consent")
        for before, after in (
            (script.OLD_RULE, script.NEW_RULE), ("[(1, '=', 1)]", "[(1, '=', 1)]")
        ):  # fmt: skip
            rule.domain_force = before
            self._migrate()
            self.assertEqual(rule.domain_force, after)
