"""Hostile and broken webhook bodies, drawn anew: at the parser, at the job and at the door.

`WABA_FUZZ_SECONDS` is how long each of them goes on (20 if not given, `make fuzz`: 200). A run is
told by its seed: the same seeds come in the same order, a longer run only goes further.
"""

import hashlib
import hmac
import os
import sys
import time
import tracemalloc

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from odoo.addons.waba_campaign.cloud_api import Event, parse_events
from odoo.tests import BaseCase, HttpCase, tagged
from odoo.tools import mute_logger

from ..common import NUMBER_ES, WABA_UID, WabaCase
from ..webhook_mutations import as_bytes, mutated_entries, with_neighbours

SECONDS = float(os.environ.get("WABA_FUZZ_SECONDS", "20"))
ROUND = 50
APPLY = "odoo.addons.waba_campaign.models.webhook.waba_webhook_apply"
# Python keeps a dict of a small JSON object in some 30 times its text.
BYTES_PER_BYTE, BYTES_AT_LEAST = 60, 4_000_000


def rounds(strategy, check, count=ROUND):
    """Call `check` with drawn values until the time is over, at least once; how many they were."""
    drawn, number, until = 0, 0, time.monotonic() + SECONDS
    while not number or time.monotonic() < until:

        @seed(number)
        @settings(
            max_examples=count, deadline=None, database=None, print_blob=False,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def one_round(value):
            nonlocal drawn
            drawn += 1
            check(value)

        one_round()
        number += 1
    return drawn, number


def report(name, drawn, number):
    """The figures, beside what the test runner catches."""
    told = f"fuzz {name}: {drawn} bodies in {number} rounds of seeds, {SECONDS:.0f} s: no finding"
    sys.__stderr__.write(f"\n{told}\n")


class TestParser(BaseCase):
    def test_no_body_breaks_the_parser_or_hides_a_valid_neighbour(self):
        def check(entry):
            body, wamids = with_neighbours(entry, WABA_UID, NUMBER_ES, "N")
            events = parse_events(as_bytes(body))
            self.assertTrue(events)
            self.assertTrue(all(isinstance(event, Event) for event in events))
            found = {getattr(event, "wamid", "") for event in events}
            self.assertLessEqual(set(wamids), found)

        report("parser", *rounds(mutated_entries(), check, 500))

    def test_memory_and_time_grow_with_the_body_and_no_faster(self):
        shapes = {
            "nested lists": lambda n: b"[" * n,
            "nested objects": lambda n: b'{"entry":' * (n // 9),
            "empty entries": lambda n: b'{"entry":[' + b"{}," * (n // 3) + b"{}]}",
            "empty messages": lambda n: (
                b'{"entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":['
                + b"{}," * (n // 3) + b"{}]}}]}]}"
            ),
            "contacts": lambda n: (
                b'{"entry":[{"changes":[{"field":"messages","value":{"contacts":['
                + b'{"wa_id":"1"},' * (n // 28) + b'{}],"messages":['
                + b'{"from":"2"},' * (n // 26) + b"{}]}}]}]}"
            ),
            "one long text": lambda n: b'{"entry":"' + b"x" * n + b'"}',
            "deep and wide": lambda n: b'{"entry":[' + (b"[" * 900 + b"]" * 900 + b",") * (
                n // 1801) + b"1]}",
            "a long number": lambda n: b'{"entry":[' + b"9" * n + b"]}",
            "quotes": lambda n: b'{"entry":["' + b'\\"' * (n // 2) + b'"]}',
        }  # fmt: skip
        for name, shape in shapes.items():
            with self.subTest(name):
                peaks = []
                for size in (100_000, 400_000):
                    body = shape(size)
                    tracemalloc.start()
                    parse_events(body)
                    peaks.append(tracemalloc.get_traced_memory()[1])
                    tracemalloc.stop()
                    self.assertLess(peaks[-1], BYTES_AT_LEAST + BYTES_PER_BYTE * len(body))
                # Four times as much in, less than six times as much used.
                self.assertLess(peaks[1], BYTES_AT_LEAST + 6 * peaks[0])


class TestJob(WabaCase):
    @mute_logger("odoo.sql_db")
    def test_every_body_is_applied_beside_its_broken_pieces(self):
        events, expected, number = self.env["waba.webhook.event"], {}, 0

        def keep(entry):
            nonlocal events, number
            number += 1
            body, wamids = with_neighbours(entry, WABA_UID, NUMBER_ES, f"J{number}")
            event = self._store_event(as_bytes(body))
            events += event
            expected[event.id] = wamids

        drawn, number_of_rounds, until = 0, 0, time.monotonic() + SECONDS
        while not number_of_rounds or time.monotonic() < until:
            events, expected = self.env["waba.webhook.event"], {}
            self._draw(number_of_rounds, keep)
            with self._case(f"seed {number_of_rounds}"):
                events = self.env["waba.webhook.event"].browse(expected)
                self._apply_all(events)
                for event in events:
                    self.assertNotEqual(event.state, "failed", f"{event.error}\n{event.body}")
                    kept = self.env["waba.message"].search_count(
                        [("wamid", "in", expected[event.id]), ("direction", "=", "in")]
                    )
                    self.assertEqual(kept, 3, f"{event.error}\n{event.body[:3000]}")
            drawn += len(expected)
            number_of_rounds += 1
            events.unlink()
        report("job", drawn, number_of_rounds)

    def _draw(self, number, keep):
        @seed(number)
        @settings(max_examples=ROUND, deadline=None, database=None,
                  phases=(Phase.generate,), suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(mutated_entries())
        def draw(entry):
            keep(entry)

        draw()

    def _apply_all(self, events):
        """As the job does: together, and one by one where something breaks."""
        self._apply_webhooks()
        self.assertFalse(events.filtered(lambda event: event.state == "new"))


@tagged("post_install", "-at_install")
class TestDoor(HttpCase):
    SECRET = "fuzz-secret"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.env["waba.account"].create(
            {"name": "Fuzz", "waba_uid": "200000000000079", "app_secret": cls.SECRET}
        )
        cls.path = f"/waba/webhook/{cls.account.webhook_key}"

    def _post(self, body, secret):
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
        return self.url_open(self.path, data=body, headers=headers, method="POST").status_code

    @mute_logger("odoo.addons.waba_campaign.controllers.webhook")
    def test_every_signed_body_is_taken_and_every_other_refused(self):
        whole = mutated_entries().map(lambda entry: as_bytes({"entry": [entry]}))
        places = st.integers(0, 10_000)
        shortened = st.builds(lambda body, at: body[: at % len(body)], whole, places)
        spoilt = st.builds(lambda body, at, piece: body[:at] + piece + body[at + 1 :],
                           whole, places, st.binary(max_size=6))  # fmt: skip

        def check(body):
            before = self.env["waba.webhook.event"].search_count([])
            self.assertEqual(self._post(body, self.SECRET), 200)
            self.assertEqual(self._post(body, "another"), 403)
            self.assertEqual(self.env["waba.webhook.event"].search_count([]), before + 1)

        report("door", *rounds(whole | spoilt | shortened | st.binary(max_size=200), check, 100))
