"""Templates in the making: their content, their languages, two editors, submission and repair."""

from odoo.addons.waba_campaign.models.base.template.waba_template_draft import EditConflict
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import mute_logger

from ..common import WabaCase

SUBMIT_LOGGER = "odoo.addons.waba_campaign.wizard.waba_template_submit"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BODY = "Hola {{first_name}}, esta semana hay descuento en toda la tienda de {{city}}."
VARIABLES = {
    "body": {
        "first_name": {"sample": "Ana", "source": "first_name"},
        "city": {
            "sample": "Lugo",
            "source": "field",
            "field_path": "city",
            "fallback": "tu ciudad",
        },
    }
}


class DraftCase(WabaCase):
    def _draft(self, **values):
        return self.env["waba.template.draft"].create(
            {
                "title": "Winter offer", "account_id": self.account.id, "language": "es",
                "body": BODY, "variables": VARIABLES, **values,
            }
        )  # fmt: skip

    def _dialog(self, draft, user=None):
        user = user or self.manager
        return self.env["waba.template.submit"].with_user(user).create({"draft_id": draft.id})

    def _submit(self, draft, user=None):
        return self._dialog(draft, user).action_confirm()

    def _at_meta(self, name="winter_offer"):
        world = self.simulator.get("world")
        return [
            one for one in world["templates"] if one["name"] == name and one["status"] != "DELETED"
        ]


class TestContent(DraftCase):
    def test_what_is_written_is_what_meta_gets(self):
        draft = self._draft(
            header_type="text", header_text="¡Hola!", footer="Responda BAJA",
            buttons=[{"kind": "tracked", "text": "Ver", "target": "https://a.example", "example": "https://x/r/a"}],
        )  # fmt: skip
        header, body, footer, buttons = draft._components()
        self.assertEqual(header, {"type": "HEADER", "format": "TEXT", "text": "¡Hola!"})
        self.assertEqual(body["text"], BODY)
        self.assertEqual(
            body["example"]["body_text_named_params"],
            [
                {"param_name": "first_name", "example": "Ana"},
                {"param_name": "city", "example": "Lugo"},
            ],
        )
        self.assertEqual(footer["text"], "Responda BAJA")
        self.assertTrue(buttons["buttons"][0]["url"].endswith("/r/{{1}}"))

    def test_a_template_of_metas_comes_back_as_it_was(self):
        for template in self.account.template_ids:
            if template.category in ("authentication", "unknown"):
                continue
            with self.subTest(template.name):
                draft = self.env["waba.template.draft"]._find_or_create_for(template)
                self.assertEqual(draft._components(), template.components)
                self.assertEqual((draft.name, draft.state), (template.name, template.status))
                self.assertFalse(draft.is_changed)
                draft.body += " Hasta pronto."
                self.assertTrue(draft.is_changed)

    def test_a_copy_has_a_name_of_its_own(self):
        draft = self._draft()
        self._submit(draft)
        copy = self.env["waba.template.draft"].browse(draft.action_duplicate()["res_id"])
        self.assertEqual((copy.name, copy.state), ("winter_offer_copy", "draft"))
        self.assertEqual(copy._components(), draft._components())
        action = self.template.action_duplicate_draft()
        copy = self.env["waba.template.draft"].browse(action["res_id"])
        self.assertEqual((copy.name, copy.template_id.id), ("autumn_offer_copy", False))

    def test_an_edit_needs_the_file_again(self):
        draft = self.env["waba.template.draft"]._find_or_create_for(
            self._template("season_sale", "en")
        )
        draft.body += " Hurry!"
        with self.assertRaisesRegex(UserError, "must be uploaded again"):
            self._submit(draft)

    def test_a_layout_hides_what_it_does_not_have(self):
        draft = self._draft(
            footer="Adiós", offer_text="Solo hoy", cards=[{"body": "x"}, {"body": "y"}]
        )
        kinds = {
            "standard": ["BODY", "FOOTER"],
            "offer": ["LIMITED_TIME_OFFER", "BODY"],
            "carousel": ["BODY", "CAROUSEL"],
        }
        for layout, expected in kinds.items():
            draft.layout = layout
            self.assertEqual([part["type"] for part in draft._components()], expected)

    def test_bad_parts_are_refused(self):
        draft = self._draft()
        for values in ({"buttons": "x"}, {"cards": [1]}, {"name": "Ñandú"}):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                draft.write(values)

    def test_a_source_that_no_campaign_may_show_is_refused(self):
        source = {"sample": "x", "source": "field", "field_path": "user_id.password"}
        with self.assertRaises(ValidationError):
            self._draft(variables={"body": {"first_name": source}})


class TestNames(DraftCase):
    def test_the_name_follows_the_title(self):
        for title, name in {
            "Oferta de otoño!": "oferta_de_otono",
            "  Sofás -20 % ": "sofas_20",
            "Autumn offer": "autumn_offer_2",
            "عرض": "template",
        }.items():
            with self.subTest(title):
                self.assertEqual(self._draft(title=title).name, name)
        draft = self._draft()
        draft.title = "Spring offer"
        self.assertEqual(draft.name, "spring_offer")
        self.assertEqual(self._draft().name, "winter_offer")
        self.assertEqual(self._draft().name, "winter_offer_2")

    def test_a_name_that_meta_knows_stays(self):
        draft = self._draft()
        self._submit(draft)
        draft.title = "Another title"
        self.assertEqual(draft.name, "winter_offer")
        self.assertTrue(draft.is_name_locked)

    def test_all_languages_are_renamed_together(self):
        draft = self._draft()
        variant = self.env["waba.template.draft"].browse(draft.action_add_language("en")["res_id"])
        draft.title = "Spring offer"
        self.assertEqual((variant.name, variant.title), ("spring_offer", "Spring offer"))


class TestLanguages(DraftCase):
    def test_a_new_language_has_the_structure_and_no_texts(self):
        draft = self._draft(
            footer="Adiós",
            buttons=[{"kind": "url", "text": "Ver", "url": "https://a.example"}],
        )
        variant = self.env["waba.template.draft"].browse(draft.action_add_language("en")["res_id"])
        self.assertEqual(
            (variant.name, variant.language, variant.body), ("winter_offer", "en", False)
        )
        self.assertEqual(variant.buttons, [{"kind": "url", "text": "", "url": "https://a.example"}])
        self.assertEqual(variant._missing_texts(), ["body", "footer", "button:0"])
        variant.write({"body": "Hello", "footer": "Bye"})
        self.assertEqual(variant._missing_texts(), ["button:0"])
        lines = {line["language"]: line for line in draft.family}
        self.assertEqual(set(lines), {"es", "en"})
        self.assertEqual(lines["en"]["missing"], 1)
        self.assertEqual(draft.action_add_language("en")["res_id"], variant.id)


class TestTwoEditors(DraftCase):
    def test_the_second_is_told_and_loses_nothing(self):
        draft = self._draft()
        version = draft.edit_version
        draft.with_user(self.salesperson).write({"body": BODY + " A", "edit_version": version})
        with self.assertRaisesRegex(EditConflict, "waba_salesperson"):
            draft.with_user(self.manager).write({"body": BODY + " B", "edit_version": version})
        self.assertTrue(draft.body.endswith(" A"))
        draft.with_user(self.manager).write({"body": BODY + " B", "edit_version": version + 1})
        self.assertTrue(draft.body.endswith(" B"))


class TestRights(DraftCase):
    def test_users_write_and_managers_submit(self):
        draft = self._draft()
        mine = draft.with_user(self.salesperson)
        mine.body = BODY + " Gracias."
        with self.assertRaises(AccessError):
            mine.unlink()
        with self.assertRaises(AccessError):
            self._submit(draft, self.salesperson)
        self.assertFalse(self._at_meta())

    def test_another_companys_draft_is_closed(self):
        self._portfolio_elsewhere()
        account = self.env["waba.account"].search([("waba_uid", "=", "99")])
        draft = self.env["waba.template.draft"].create({"account_id": account.id, "body": "Secret"})
        drafts = self.env["waba.template.draft"].with_user(self.salesperson)
        with self.assertRaises(AccessError):
            drafts.builder_data(draft.id, {})
        with self.assertRaises(AccessError):
            drafts.builder_data(False, {"account_id": account.id})


class TestEditor(DraftCase):
    def test_the_preview_shows_what_is_typed(self):
        drafts = self.env["waba.template.draft"].with_user(self.salesperson)
        values = {
            "body": BODY,
            "variables": VARIABLES,
            "account_id": self.account.id,
            "layout": "standard",
        }
        data = drafts.builder_data(False, values)
        self.assertIn("Hola Ana, esta semana", data["html"])
        self.assertEqual(
            [line["name"] for line in data["variables"]["body"]], ["first_name", "city"]
        )

    def test_findings_and_prices_stand_beside_the_text(self):
        rates = {"marketing": 0.0509, "utility": 0.0166}
        for category, amount in rates.items():
            country = self.env.ref("base.es")
            self.env["waba.rate"].create(
                {
                    "market": "Spain", "category": category, "amount": amount,
                    "country_ids": country.ids,
                }
            )  # fmt: skip
        values = {
            "account_id": self.account.id, "layout": "standard", "language": "es", "name": "x",
            "category": "utility", "parameter_format": "named", "body": "{{name}}",
        }  # fmt: skip
        drafts = self.env["waba.template.draft"].with_user(self.salesperson)
        data = drafts.builder_data(False, values)
        found = {(one["place"], one["key"]) for one in data["findings"]}
        self.assertIn(("body", "variable_edge"), found)
        self.assertTrue(all(one["text"] for one in data["findings"]))
        self.assertIn("Promotion: 0.0509", data["cost"])
        self.assertIn("Service message: 0.0166", data["cost"])
        self.assertEqual(data["limits"]["body"], 1024)
        data = drafts.builder_data(False, {**values, "layout": "offer"})
        self.assertEqual(data["limits"]["body"], 600)

    def test_samples_come_from_a_real_lead(self):
        self._lead("+34611000001", contact_name="Zoe Vidal", city="Vigo")
        values = {
            "body": BODY,
            "variables": VARIABLES,
            "account_id": self.account.id,
            "layout": "standard",
        }
        found = self.env["waba.template.draft"].builder_samples(False, values)
        self.assertEqual(found["samples"]["body"], {"first_name": "Zoe", "city": "Vigo"})


class TestSubmission(DraftCase):
    def test_submitted_reviewed_and_used(self):
        draft = self._draft()
        self._submit(draft)
        [there] = self._at_meta()
        self.assertEqual((there["status"], there["category"]), ("PENDING", "MARKETING"))
        self.assertEqual((draft.state, draft.template_id.name), ("pending", "winter_offer"))
        sources = {line.name: line for line in draft.template_id.variable_ids}
        self.assertEqual(sources["first_name"].source, "first_name")
        self.assertEqual((sources["city"].source, sources["city"].field_path), ("field", "city"))
        self.assertEqual(sources["city"].fallback, "tu ciudad")
        draft.template_id._set_status("approved")
        self.assertEqual(draft.state, "approved")
        self.assertFalse(draft.is_changed)

    def test_sources_of_cards_and_the_samples_file_are_those_of_campaigns(self):
        self.env["ir.config_parameter"].set_param("web.base.url", "https://crm.example.com")
        draft = self._draft()
        picture = self.env["ir.attachment"].create(
            {
                "name": "sofa.png", "datas": PIXEL, "mimetype": "image/png",
                "res_model": draft._name, "res_id": draft.id,
            }
        )  # fmt: skip
        card = {
            "header_type": "image", "media_id": picture.id,
            "body": "Para {{name}}, un 20 % menos en el salón de la tienda.",
            "variables": {"body": {"name": {"sample": "Ana", "source": "name"}}},
            "buttons": [
                {"kind": "tracked", "text": "Ver", "target": "https://a.example", "example": "https://x.example/r/a"},
                {"kind": "quick_reply", "text": "Sin promociones", "is_opt_out": True},
            ],
        }  # fmt: skip
        draft.write({"layout": "carousel", "cards": [card, card]})
        self._submit(draft)
        lines = draft.template_id.variable_ids.filtered(lambda line: line.card_number == 2)
        found = {(line.kind, line.source): line for line in lines}
        self.assertEqual(found["image", "file"].file_id.name, "sofa.png")
        self.assertTrue(found["text", "name"])
        self.assertEqual(found["url", "link"].text, "https://a.example")
        self.assertEqual(found["payload", "text"].text, "WABA_STOP")
        draft.unlink()
        self.assertTrue(found["image", "file"].file_id.attachment_id.raw)

    def _lose(self, **rule):
        self.simulator.post("faults", kind="reset", endpoint="message_templates", **rule)

    def test_a_lost_answer_is_looked_up_at_once(self):
        draft = self._draft()
        self._lose(method="POST", when="after")
        with mute_logger(SUBMIT_LOGGER):
            self._submit(draft)
        self.assertEqual((draft.state, len(self._at_meta())), ("pending", 1))

    def test_an_unconfirmed_one_is_looked_up_before_it_is_sent_again(self):
        for name, when, there in (("created", "after", 1), ("not created", "before", 0)):
            with self._case(name):
                draft = self._draft()
                self._lose(method="POST", when=when, count=1)
                self._lose(method="GET", when="before", skip=1, count=1)
                with mute_logger(SUBMIT_LOGGER):
                    action = self._submit(draft)
                self.assertEqual(draft.state, "unconfirmed")
                self.assertIn("Unconfirmed", action["params"]["message"])
                self.assertEqual(len(self._at_meta()), there)
                self._submit(draft)
                self.assertEqual((draft.state, len(self._at_meta())), ("pending", 1))

    def test_a_name_that_meta_has_with_another_text_is_refused(self):
        draft = self._draft(name="autumn_offer", title="Autumn offer")
        draft.name = "autumn_offer"
        with self.assertRaisesRegex(UserError, "name and language exists"):
            self._submit(draft)
        # Not yet known here.
        self._create_at_meta(self._draft(body="Otro texto.", variables={}, title="Elsewhere"))
        draft = self._draft(title="Elsewhere", name="elsewhere")
        with self.assertRaisesRegex(UserError, "already has a template"):
            self._submit(draft)

    def _create_at_meta(self, draft):
        """Submit behind our back: its answer is not recorded here."""
        body = {
            "name": draft.name, "language": draft.language, "category": "MARKETING",
            "parameter_format": "NAMED", "components": draft._components(),
        }  # fmt: skip
        self.account._client().create_template(self.account.waba_uid, body)

    def test_an_answer_that_was_never_recorded_is_found_again(self):
        draft = self._draft()
        self._create_at_meta(draft)
        self._submit(draft)
        self.assertEqual(len(self._at_meta()), 1)
        self.assertEqual(draft.state, "pending")

    def test_the_sync_links_what_was_not_recorded(self):
        draft = self._draft()
        self._create_at_meta(draft)
        self.account._sync()
        self.assertEqual(draft.state, "pending")

    def test_rejected_repaired_and_resubmitted(self):
        draft = self._draft()
        self._submit(draft)
        [there] = self._at_meta()
        self.simulator.post("template", id=there["id"], status="REJECTED", reason="PROMOTIONAL")
        self.account._sync()
        self.assertEqual(draft.state, "rejected")
        draft.body = BODY + " Gracias."
        self._submit(draft)
        self.assertEqual(draft.state, "pending")
        self.assertEqual(draft.template_id.body.count("Gracias"), 1)

    def test_an_approved_one_is_edited_once_a_day(self):
        draft = self.env["waba.template.draft"]._find_or_create_for(self.template)
        draft.body = draft.body.replace("hasta el domingo", "hasta el lunes")
        self._submit(draft)
        self.assertEqual(draft.state, "pending")
        draft.template_id._set_status("approved")
        draft.body = draft.body.replace("hasta el lunes", "hasta el martes")
        with self.assertRaisesRegex(UserError, "24 hours"):
            self._submit(draft)
