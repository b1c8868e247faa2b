"""Who reads what in which language: screens, reasons, and what jobs write."""

from ..common import WabaCase


class TestSpanish(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("es_ES")
        cls.env["ir.module.module"]._load_module_terms(["waba_campaign"], ["es_ES"])

    def test_screens_speak_the_readers_language(self):
        labels = (
            self.env["waba.campaign"]
            .with_context(lang="es_ES")
            .fields_get(["skipped_count", "state"])
        )
        self.assertEqual(labels["skipped_count"]["string"], "Excluidos")
        self.assertIn(("paused", "En pausa"), labels["state"]["selection"])

    def test_reasons_are_written_in_the_language_of_whoever_launched(self):
        self.env.user.lang = "es_ES"
        campaign = self._launch(self._lead("n/a"))
        reason = self._rows(campaign, "skipped").failure_reason
        self.assertEqual(reason, "No enviado: número de teléfono no válido: n/a.")

    def test_what_the_dispatcher_writes_is_in_the_companys_language(self):
        self.env.company.partner_id.lang = "es_ES"
        with self._fault(kind="error", code=190, count=1):
            self._launch(self._leads(1))
        self.assertEqual(self.account.state, "stopped")
        self.assertIn("Token de acceso rechazado", self.account.stop_reason)

    def test_what_a_webhook_brings_is_written_in_the_companys_language(self):
        self.env.company.partner_id.lang = "es_ES"
        value = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
        self._receive(self._change("account_update", value))
        self.assertIn("Meta desactivó esta cuenta", self.account.stop_reason)
