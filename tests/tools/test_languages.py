import re
from pathlib import Path

import polib

from ..common import WabaCase

PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|</?\w+")
TRANSLATIONS = Path(__file__).resolve().parents[2] / "i18n" / "es.po"


class TestSpanish(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("es_ES")
        cls.env["ir.module.module"]._load_module_terms(["waba_campaign"], ["es_ES"])

    def test_every_term_is_translated(self):
        terms = polib.pofile(str(TRANSLATIONS))
        self.assertGreater(len(terms), 700)
        self.assertEqual([term.msgid for term in terms.untranslated_entries()], [])
        self.assertEqual([term.msgid for term in terms.fuzzy_entries()], [])

    def test_translations_keep_placeholders_and_tags(self):
        for term in polib.pofile(str(TRANSLATIONS)):
            with self.subTest(term.msgid):
                self.assertEqual(
                    sorted(PLACEHOLDER.findall(term.msgstr)),
                    sorted(PLACEHOLDER.findall(term.msgid)),
                )

    def test_screens_speak_the_readers_language(self):
        labels = (
            self.env["waba.campaign"]
            .with_context(lang="es_ES")
            .fields_get(["skipped_count", "state"])
        )
        self.assertEqual(labels["skipped_count"]["string"], "Personas omitidas")
        self.assertIn(("paused", "En pausa"), labels["state"]["selection"])

    def test_reasons_are_written_in_the_language_of_whoever_launched(self):
        self.env.user.lang = "es_ES"
        campaign = self._launch(self._lead("n/a"))
        reason = self._rows(campaign, "skipped").failure_reason
        self.assertEqual(reason, "El número de teléfono no es válido: n/a.")

    def test_what_the_dispatcher_writes_is_in_the_companys_language(self):
        self.env.company.partner_id.lang = "es_ES"
        with self._fault(kind="error", code=190, count=1):
            self._launch(self._leads(1))
        self.assertEqual(self.account.state, "stopped")
        self.assertIn("WhatsApp rechaza el token de acceso", self.account.stop_reason)

    def test_what_a_webhook_brings_is_written_in_the_companys_language(self):
        self.env.company.partner_id.lang = "es_ES"
        value = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
        self._receive(self._change("account_update", value))
        self.assertIn("Meta ha desactivado esta cuenta", self.account.stop_reason)
