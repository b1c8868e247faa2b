"""Times in sentences, in the conventions of the user's language."""

import re
from datetime import datetime, timedelta

from ...models.tools.moments import DAY, DAY_OF_YEAR, WEEKDAY, format_moment, moment_text
from ..architecture import ROOT
from ..common import WabaCase

MOMENT = datetime(2026, 11, 30, 20, 3, 7)


class TestMoments(WabaCase):
    def _env(self, code):
        self.env["res.lang"]._activate_lang(code)
        self.env.user.tz = "UTC"
        return self.env(context={"lang": code})

    def test_the_time_of_day_is_that_of_the_language(self):
        for code, day, text in (
            ("en_US", DAY, "30 Nov, 8:03 PM"),
            ("en_GB", DAY, "30 Nov, 20:03"),
            ("es_ES", DAY, "30 nov, 20:03"),
            ("es_MX", DAY, "30 nov, 8:03 p.m."),
            ("fr_FR", DAY_OF_YEAR, "30 nov. 2026, 20:03"),
            ("pt_BR", WEEKDAY, "segunda-feira 30 nov., 20:03"),
        ):
            with self.subTest(code):
                shown = format_moment(self._env(code), MOMENT, day)
                self.assertEqual(shown.replace("\xa0", " "), text)

    def test_time_zone_and_seconds(self):
        env = self._env("en_GB")
        env.user.tz = "Europe/Madrid"
        self.assertEqual(format_moment(env, MOMENT, ""), "21:03")
        self.assertEqual(format_moment(env, MOMENT, "", tz="America/Lima"), "15:03")
        self.assertEqual(format_moment(env, MOMENT, "", seconds=True), "21:03:07")

    def test_near_and_far(self):
        env = self._env("en_GB")
        now = datetime.now().replace(hour=12, minute=3, second=0, microsecond=0)
        self.assertEqual(moment_text(env, now), "12:03")
        self.assertEqual(moment_text(env, now + timedelta(days=1)), "tomorrow 12:03")
        self.assertRegex(moment_text(env, now + timedelta(days=9)), r"^\w{3} \d+ \w{3,4}, 12:03$")

    def test_no_sentence_has_a_format_of_its_own(self):
        """Reads the whole source: only this helper writes a time of day."""
        own_format = re.compile(r"HH:mm|%H:%M|dt_format=")
        found = [
            str(path.relative_to(ROOT))
            for folder in ("models", "wizard", "report", "controllers")
            for path in sorted((ROOT / folder).rglob("*.py"))
            if path.name != "moments.py" and own_format.search(path.read_text())
        ]
        self.assertEqual(found, [])
