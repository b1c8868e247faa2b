"""What lists of consent hold: moments, and words for opt-in and opt-out."""

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import consent_lists, written_dates
from odoo.addons.waba_campaign.policy.written_dates import DAY_FIRST, MONTH_FIRST

from ..pure import PureCase

MOMENT = datetime(2026, 11, 3, 10, 30)
AT_10_30_UTC = (
    "2026-11-03T10:30:00Z", "2026-11-03T10:30Z", "2026-11-03 10:30:00 UTC", "2026-11-03T10:30:00z",
    "2026-11-03T12:30:00+02:00", "2026-11-03T12:30:00+0200", "2026-11-03 12:30 +02",
    "2026-11-03T10:30:00.000Z", "2026-11-03T10:30:00.123456+00:00", "2026-11-03T05:00:00-05:30",
    "20261103T103000Z", "1793701800", "1793701800000", "1793701800000000", "1793701800.25",
    "2026/11/03 10:30 GMT",
)  # fmt: skip
LOCAL = {
    "2026-11-03": datetime(2026, 11, 3), "2026-11-03 10:30": MOMENT, "2026-11-03T10:30": MOMENT,
    "2026-11-03 10:30:15": datetime(2026, 11, 3, 10, 30, 15), "2026/11/3": datetime(2026, 11, 3),
    "20261103T103000": MOMENT, " 2026-11-03  10:30 ": MOMENT, "2026-11-03, 10:30": MOMENT,
    "25/11/2026": datetime(2026, 11, 25), "11/25/2026": datetime(2026, 11, 25),
    "25-11-2026 10:30": datetime(2026, 11, 25, 10, 30), "3.11.2026": datetime(2026, 11, 3),
    "03.11.2026 10:30": MOMENT, "11/11/2026": datetime(2026, 11, 11),
    "25/11/2026, 10:30:00 p. m.": datetime(2026, 11, 25, 22, 30),
    "11/25/2026 12:05 AM": datetime(2026, 11, 25, 0, 5), "25/11/2026 12:05 pm":
    datetime(2026, 11, 25, 12, 5),
}  # fmt: skip
NONE = (
    "", " ", "last week", "2026", "2026-13-01", "2026-02-30", "31/02/2026", "00/11/2026",
    "25/25/2026", "3/11/26", "2026-11-03 25:00", "2026-11-03 10:61", "2026-11-03T10:30:00+99:00",
    "2026-11-03T10:30:00+02:75", "25/11/2026 13:00 pm", "0000000001", "9999999999999", "12345",
    "2026-11-03T", "nan", "03/11-2026", "0000-00-00", "20261399T103000Z",
)  # fmt: skip


class TestWrittenDates(PureCase):
    def test_moments_with_a_zone_or_in_seconds(self):
        for text in AT_10_30_UTC:
            with self.subTest(text):
                self.assertEqual(written_dates.parse_date(text)[:2], (MOMENT, True))

    def test_moments_by_the_clock_of_whoever_wrote_them(self):
        for text, moment in LOCAL.items():
            with self.subTest(text):
                self.assertEqual(
                    written_dates.parse_date(text), written_dates.Moment(moment, False, False, "")
                )

    def test_no_moments(self):
        for text in NONE:
            for order in ("", DAY_FIRST, MONTH_FIRST):
                with self.subTest(text, order=order):
                    self.assertEqual(
                        written_dates.parse_date(text, order)[:3], (None, False, False)
                    )

    def test_two_days_in_one_text(self):
        for text in ("03/11/2026", "3-11-2026", "03/11/2026 10:30", "12/01/2026"):
            with self.subTest(text):
                self.assertEqual(written_dates.parse_date(text)[:3], (None, False, True))
        self.assertEqual(
            written_dates.parse_date("03/11/2026", DAY_FIRST).at, datetime(2026, 11, 3)
        )
        self.assertEqual(
            written_dates.parse_date("03/11/2026", MONTH_FIRST).at, datetime(2026, 3, 11)
        )

    def test_what_proves_the_order(self):
        for texts, order in (
            (["03/11/2026", "13/11/2026"], DAY_FIRST), (["03/11/2026", "11/13/2026"], MONTH_FIRST),
            (["03/11/2026"], ""), ([], ""), (["13/11/2026", "11/13/2026"], ""),
            (["25.11.2026", "03/11/2026"], ""), (["2026-11-13", None, "x", 5], ""),
            (["13/11/2026 10:30", "", False], DAY_FIRST),
        ):  # fmt: skip
            with self.subTest(texts):
                self.assertEqual(written_dates.detect_order(texts), order)

    @given(st.datetimes(datetime(2002, 1, 1), datetime(2090, 1, 1)), st.integers(-720, 720))
    def test_every_iso_moment_is_read_as_meant(self, at, offset):
        at = at.replace(microsecond=0)
        zone = timezone(timedelta(minutes=offset))
        there = at.replace(tzinfo=timezone.utc).astimezone(zone)
        self.assertEqual(written_dates.parse_date(there.isoformat())[:2], (at, True))
        for text in (at.strftime("%d/%m/%Y %H:%M:%S"), at.strftime("%m/%d/%Y %H:%M:%S")):
            for order in ("", DAY_FIRST, MONTH_FIRST):
                read = written_dates.parse_date(text, order)
                self.assertTrue(read.at or read.is_ambiguous)
                self.assertFalse(read.at and read.is_ambiguous)

    @given(st.text("0123456789/-.:TZ+ apm", max_size=30), st.sampled_from(["", DAY_FIRST]))
    def test_any_text_is_read_or_not(self, text, order):
        read = written_dates.parse_date(text, order)
        self.assertTrue(read.at is None or isinstance(read.at, datetime))


class TestWords(PureCase):
    OUT = ("opt_out", "opt-out", "Opt out", "BAJA", "de baja", "unsubscribed", "Unsubscribe",
           "stop", "STOP", "opted out", "Opted-Out", "désinscrit", "desinscrito", "cancelado",
           "descadastrado", "désabonnée", "no autoriza", "Não aceita", "nao aceita",
           "do not contact", "DNC", "revocada", "excluído", "sair")  # fmt: skip
    IN = ("opt_in", "opt-in", "Opt in", "ALTA", "subscribed", "Subscribe", "opted in", "Suscrito",
          "suscripta", "inscrit", "abonné", "Aceita", "autorizado", "confirmed")  # fmt: skip
    NEITHER = ("", "yes", "no", "sí", "1", "0", "true", "x", "unknown", "pending", "maybe", "bajar",
               "unsubscribed?", "alta baja", "opt", "not subscribed yet", "n/a")  # fmt: skip

    def test_actions(self):
        for words, key in ((self.OUT, "opt_out"), (self.IN, "opt_in"), (self.NEITHER, "")):
            for word in words:
                with self.subTest(word):
                    expected = "opt_out" if word == "unsubscribed?" else key
                    self.assertEqual(consent_lists.parse_choice("action", word), expected)

    def test_purposes(self):
        for word, key in {
            "marketing": "marketing", "Promociones": "marketing", "publicité": "marketing",
            "utility": "utility", "Mensajes de servicio": "utility", "notificações": "utility",
            "": "", "all": "", "both": "",
        }.items():  # fmt: skip
            with self.subTest(word):
                self.assertEqual(consent_lists.parse_choice("purpose", word), key)

    def test_no_word_says_both(self):
        for table in (consent_lists.ACTIONS, consent_lists.PURPOSES):
            sides = [
                {consent_lists._normalize(word) for word in words.split("|")}
                for words in table.values()
            ]
            self.assertFalse(set.intersection(*sides))


class TestHeadings(PureCase):
    def test_headings_that_lists_have(self):
        for column, headings in {
            "number": ("Phone", "Teléfono", "MOBILE", "whatsapp_number", " Móvil "),
            "at": ("Date", "Fecha", "Opt-in date", "Timestamp"),
            "opt_in": ("Opt-in", "Consent", "Consentimiento", "opted_in"),
            "opt_out": ("Unsubscribed", "Baja", "Opt-out"),
            "evidence": ("Source", "Evidence", "Origen"),
            "name": ("Name", "Nombre"),
            "": ("", "Colour", "Price", None),
        }.items():
            for heading in headings:
                with self.subTest(heading):
                    self.assertEqual(consent_lists.parse_heading(heading), column)

    def test_each_heading_means_one_column(self):
        columns = [
            {consent_lists._normalize(word) for word in text.split("|")}
            for text in consent_lists.HEADINGS.values()
        ]
        self.assertEqual(sum(map(len, columns)), len(set.union(*columns)))

    def test_yes_and_no_have_the_heading_s_meaning(self):
        for heading, text, action in (
            ("Opt-in", "Yes", "opt_in"), ("Consent", "no", "opt_out"), ("Baja", "Sí", "opt_out"),
            ("Unsubscribed", "no", ""), ("Status", "yes", ""), ("", "yes", ""), ("Opt-in", "", ""),
            ("Opt-in", "perhaps", ""),
        ):  # fmt: skip
            with self.subTest(f"{heading}: {text}"):
                self.assertEqual(consent_lists.parse_yes_no(heading, text), action)
