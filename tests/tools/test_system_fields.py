"""Role × model × field: what each role can really write and create, against the table below.

A new field that nobody decided about fails here, as does one that somebody opened or closed.
"""

from itertools import chain

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..common import WabaCase
from ..rights import (
    GROUPS,
    MANAGER,
    SYSTEM,
    USER,
    fields_of_ours,
    is_kept,
    models_of_ours,
    writable,
)

BOTH = (USER, MANAGER)
OF_A_LINE = (
    "sequence component button_index card_number name kind example source field_path text file_id"
    " offer_ends_at hours in_recipient_zone fallback"
)
SETTINGS = (
    "waba_quiet_hours waba_quiet_from waba_quiet_until waba_frequency_count waba_frequency_days"
    " waba_same_template_hours"
    " waba_us_marketing_left_out waba_opt_in_required waba_feed_blacklist waba_attribution_days"
    " waba_test_numbers waba_approval_above waba_approval_own waba_notify waba_create_lead"
    " waba_app_people"
    " waba_order_to_quotation"
    " waba_lead_team_id waba_lead_user_id waba_hand_over_hours waba_presence"
    " waba_month_budget waba_unknown_price waba_budget_direct waba_consent_months"
    " waba_conversion_consent"
)
# {model: (roles, the fields of ours that they write)}. Nobody else writes one, and nobody any
# other: the rest is read from Meta or kept by a step of ours.
WRITABLE = {
    # What is planned
    "waba.campaign": (BOTH, (
        "name active company_id user_id priority template_id variable_ids res_model"
        " audience_domain sender_id scheduled_at utm_campaign_id audience_source"
        " audience_filter_id audience_team_id audience_tag_id audience_category_id"
        " audience_campaign_id audience_outcome audience_excluded_ids"
        " ab_test ab_share ab_hours ab_criterion"
        " b_template_id b_variable_ids holdout_percent by_language language_ids price_ids"
        " warmest_first budget topic_id fallback_kind fallback_hours fallback_template_id"
    )),
    "waba.recurring": (BOTH, (
        "campaign_id unit mon tue wed thu fri sat sun month_day hour tz until max_runs late_hours"
        " audience"
    )),
    "waba.campaign.variable": (BOTH, f"{OF_A_LINE} campaign_id variant language_id"),
    "waba.campaign.language": (BOTH, "campaign_id template_id variable_ids"),
    "waba.campaign.price": (BOTH, "campaign_id country_id max_price"),
    "waba.sequence": ((MANAGER,), (
        "name active company_id user_id trigger stage_ids source_ids tag_ids campaign_ids"
        " campaign_event trigger_amount trigger_unit domain reentry reentry_days step_ids"
        " sender_id calendar_id stop_on_reply stop_on_opt_out stop_on_won stop_on_lost"
        " stop_on_stage_left stop_on_own_message stop_on_own_contact when_red when_not_sent"
        " patience_days res_model general_trigger date_field date_side goal_kind goal_words"
        " goal_domain topic_id"
    )),
    "waba.sequence.step": ((MANAGER,), (
        "sequence_id active sequence kind wait_amount wait_unit in_working_hours template_id"
        " sender_id variable_ids activity_type_id summary note deadline_days key branch_ids goes_to"
        " decide_amount decide_unit wait_kind date_field date_days date_side date_hour stage_id"
        " tag_ids removed_tag_ids assigned_user_id field_name field_value action_id webhook_id"
        " fallback_kind fallback_hours fallback_template_id"
    )),
    "waba.sequence.branch": ((MANAGER,), "step_id sequence kind words domain goes_to"),
    "waba.sequence.variable": ((MANAGER,), f"{OF_A_LINE} step_id"),
    "waba.auto.reply": ((MANAGER,), (
        "name active sequence company_id sender_ids trigger calendar_id words is_whole answer"
        " text template_id cooldown_hours hand_over_user_id"
    )),
    "ir.actions.server": (
        (SYSTEM,),
        "waba_template_id waba_sender_id waba_variable_ids waba_repeat_hours waba_sequence_id"
    ),
    "waba.action.variable": ((SYSTEM,), f"{OF_A_LINE} action_id"),
    # Our own limits, words and prices
    "waba.portfolio": ((MANAGER,), "name active daily_cap followup_share"),
    "waba.sender": ((MANAGER,), (
        "active own_throughput slow_share slow_at_risk lock_red_days canary canary_share"
        " canary_minimum canary_maximum canary_wait_hours canary_longest_hours large_campaign"
        " failure_limit opt_out_limit threshold_volume warm_up warm_up_first warm_up_growth"
        " alert_email"
    )),
    "waba.template": ((MANAGER,), "variable_ids hold_at_warning topic_id"),
    "waba.template.draft": (BOTH, (
        "title name active account_id language category parameter_format layout header_type"
        " header_text header_media_id header_handle body footer buttons cards variables offer_text"
        " offer_expires extra origin_id"
    )),
    "waba.template.submit": ((MANAGER,), "draft_id"),
    "waba.template.variable": (
        (MANAGER,), "source field_path text file_id offer_ends_at hours in_recipient_zone fallback"
    ),
    "waba.consent.word": ((MANAGER,), "active phrase action strength language match company_id"),
    "waba.optin.source": ((MANAGER,), (
        "name active kind company_id sender_id topic_id text is_opt_in consent_text headline"
        " intro frequency is_indexed signup_uid"
    )),
    "waba.topic": ((MANAGER,), "name description company_id active sequence"),
    "waba.ad": ((MANAGER,), "utm_campaign_id"),
    "waba.rate": (
        (MANAGER,), "market country_ids category amount currency_id valid_from company_id active"
    ),
    "res.company": ((SYSTEM,), SETTINGS),
    "res.config.settings": ((SYSTEM,), SETTINGS),
    "res.users": ((SYSTEM,), "waba_notify"),
    "digest.digest": ((SYSTEM,), "kpi_waba_sent kpi_waba_replied kpi_waba_opted_out"),
    # The connection
    "waba.account": ((SYSTEM,), (
        "name active company_id waba_uid app_uid access_token app_secret verify_token base_url"
        " api_version promotions_by marketing_fallback activity_sharing"
        " conversions_on dataset_uid qualified_stage_id qualified_event conversion_test_code"
    )),
    "waba.outgoing.webhook": ((SYSTEM,), (
        "name active company_id url on_delivered on_read on_failed on_replied on_opted_out"
        " on_opted_in on_rating"
    )),
    # What came unreadable is corrected, then taken
    "waba.consent.rejected": (
        (MANAGER,), "active number purpose topic action at valid_until evidence"
    ),
    # Dialogs: what they are opened for, and what is entered in them
    "waba.audience.import": (
        BOTH,
        "file file_name res_model tag_name source consent optin_source_id evidence consent_date",
    ),
    "waba.consent.note": (
        BOTH, "res_model res_id at recipient_id purpose topic_id valid_until action note heard"
    ),
    "waba.report.block": (BOTH, "res_model res_id at message_id what note stop_promotions"),
    "waba.privacy": ((MANAGER,), "recipient_id keep_out is_sure"),
    "waba.home": ((SYSTEM,), "choice pause_campaigns"),
    "waba.reconfirm": (
        (MANAGER,), "sender_id template_id res_model people_limit answer_days"
    ),
    "waba.release": ((MANAGER,), "sender_id campaign_id template_id reason"),
    "waba.template.health": ((MANAGER,), "template_id other_id period"),
    "waba.template.act": ((MANAGER,), "template_id act"),
    "waba.template.gallery": (BOTH, "account_id source language search_words topic"),
    "waba.template.gallery.line": (BOTH, "name url url_example button_phone"),
    "waba.template.delivery": ((MANAGER,), (
        "template_id max_price ttl_hours image_brightness_and_contrast image_touchups"
        " add_text_overlay image_animation image_background_gen auto_promotion_tag"
        " text_extraction_for_headline text_extraction_for_tap_target product_extensions"
        " text_formatting_optimization"
    )),
    "waba.preflight": (BOTH, "reason"),
    "waba.test.send": (BOTH, "variant user_ids number to_test_numbers"),
    "waba.round.trip": (BOTH, "sender_id template_id phone"),
    "waba.sequence.activate": ((MANAGER,), "sequence_id who followup_share"),
    "waba.sequence.apply": ((MANAGER,), "sequence_id"),
    "waba.sequence.enroll": (BOTH, "res_model lead_ids partner_ids sequence_id"),
    "waba.sequence.starter": ((MANAGER,), ""),
    "waba.sequence.stop": (BOTH, "enrollment_ids reason"),
}  # fmt: skip


class SystemFieldsCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = {
            role: new_test_user(cls.env, f"waba_role_{role}", groups=groups)
            for role, groups in GROUPS.items()
        }

    def _is_open(self, step):
        """Whether rights let a step through; what it changes is undone, however it ends."""
        with mute_logger("odoo.sql_db", "odoo.orm.models"), self.cr.savepoint() as savepoint:
            try:
                step()
                self.env.flush_all()
            except AccessError:
                return False
            except Exception:
                return True
            finally:
                self.env.invalidate_all(flush=False)
                savepoint.rollback()
        return True


class TestWritableFields(SystemFieldsCase):
    def test_every_field_of_ours_is_open_to_those_in_the_table_alone(self):
        for name in models_of_ours(self.env):
            roles, names = WRITABLE.get(name, ((), ""))
            for role, user in self.people.items():
                with self.subTest(model=name, role=role):
                    expected = set(names.split()) if role in roles else set()
                    self.assertEqual(writable(self.env[name].with_user(user)), expected)

    def test_the_table_names_nothing_that_does_not_exist(self):
        self.assertEqual(set(WRITABLE) - set(models_of_ours(self.env)), set())

    def test_a_record_of_each_model_takes_what_the_table_says_and_nothing_else(self):
        """Really written, really created: with the record's own values, field by field."""
        wrong = []
        for name, record in self._records():
            roles, names = WRITABLE.get(name, ((), ""))
            for role, user in self.people.items():
                open_fields = set(names.split()) if role in roles else set()
                for field in filter(is_kept, fields_of_ours(record).values()):
                    is_open = field.name in open_fields
                    wrong += [
                        f"{role} {step} {field}: {'refused' if is_open else 'let through'}"
                        for step, found in self._ways_in(record, field, user, is_open)
                        if found != is_open
                    ]
        self.assertEqual(wrong, [])

    def _ways_in(self, record, field, user, is_open):
        """Yields (step, whether it was let through) of each way to write a field."""
        value = field.convert_to_write(record.sudo()[field.name], record)
        if field.type == "one2many":
            # As a form sends it; of no commands nothing would be asked.
            value = [(1, id_, {}) for id_ in record.sudo()[field.name].ids] or [(5, 0, 0)]
        mine = record.with_user(user)
        may = {right: mine.browse().has_access(right) for right in ("write", "create")}
        context = {f"default_{field.name}": value}
        needed = {"number": "+34611000002"} if record._name == "phone.blacklist" else {}
        steps = {
            "write": ("write", lambda: mine.write({field.name: value})),
            "create": ("create", lambda: mine.create({**needed, field.name: value})),
            "default": ("create", lambda: mine.with_context(**context).create(dict(needed))),
        }
        for step, (right, attempt) in steps.items():
            if is_open and (not may[right] or not mine.has_access("read")):
                continue
            yield step, self._is_open(attempt)

    def _records(self):
        """[(model, a record of it)] of the models that some role may write at all."""
        campaign = self._campaign(self._leads(1))
        row = self._message()
        sequence = self.env["waba.sequence"].create(
            {
                "name": "Offers",
                "trigger": "manual",
                "sender_id": self.sender.id,
                "step_ids": [(0, 0, {"template_id": self.utility_template.id})],
            }
        )
        action = self.env["ir.actions.server"].create(
            {
                "name": "Write",
                "state": "waba_template",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "waba_template_id": self.utility_template.id,
                "waba_sender_id": self.sender.id,
            }
        )
        made = {
            "waba.auto.reply": {"name": "Closed", "text": "We are closed."},
            "waba.rate": {"market": "Spain", "amount": 0.05},
            "waba.topic": {"name": "Offers"},
            "waba.outgoing.webhook": {"name": "Warehouse", "url": "https://1.1.1.1"},
            "waba.consent.rejected": {"source": "form", "company_id": self.env.company.id},
        }
        known = [
            campaign, campaign.variable_ids[0], sequence, sequence.step_ids[0],
            sequence.step_ids.variable_ids[0], action, action.waba_variable_ids[0],
            self.portfolio, self.sender, self.template, self.template.variable_ids[0],
            self.account, row, row.recipient_id, self._store_event({"object": "x"}),
            self.env["waba.consent.word"].search([], limit=1), self.env.company,
            *(self.env[name].create(values) for name, values in made.items()),
            self._lead("+34 611 00 00 77"), self.env.user.partner_id,
            self.env["phone.blacklist"].create({"number": "+34611000001"}),
        ]  # fmt: skip
        return [(record._name, record) for record in known]


class TestDoors(SystemFieldsCase):
    """The ways round `write` and `create`."""

    def setUp(self):
        super().setUp()
        self.manager = self.people[MANAGER]

    def _refused(self):
        return self.assertRaises(AccessError)

    def test_a_command_in_a_parents_list_is_refused(self):
        line = self.template.variable_ids[0]
        mine = self.template.with_user(self.manager)
        mine.write({"variable_ids": [(1, line.id, {"fallback": "friend"})]})
        for name, commands in {
            "another name": [(1, line.id, {"name": "other"})],
            "another template": [(1, line.id, {"template_id": self.utility_template.id})],
            "adopted": [(4, self.utility_template.variable_ids[0].id)],
        }.items():
            with self.subTest(name), self._refused(), self.cr.savepoint():
                mine.write({"variable_ids": commands})

    def test_a_default_of_ones_own_is_not_taken_for_the_campaigns(self):
        """Everybody may store defaults for themselves: rights of another would come with them."""
        campaigns = self.env["waba.campaign"].with_user(self.manager)
        defaults = self.env["ir.default"].with_user(self.manager)
        for name, value in {
            "launched_by_id": self.env.ref("base.user_admin").id,
            "state": "running",
            "approval_state": "approved",
            "prepared_until_id": 10**6,
        }.items():
            defaults.set("waba.campaign", name, value, user_id=True)
            with self.subTest(name):
                self.assertNotEqual(campaigns.default_get([name]).get(name), value)
                made = campaigns.create({"name": "Mine", "res_model": "crm.lead"})
                self.assertNotEqual(made.read([name], load=None)[0][name], value)
                self.assertEqual((made.state, made.launched_by_id.id), ("draft", False))

    def test_a_context_of_ones_own_does_not_fill_a_form(self):
        campaigns = self.env["waba.campaign"].with_user(self.manager)
        forged = {"default_launched_by_id": 1, "default_state": "running"}
        values = campaigns.with_context(**forged).default_get(["launched_by_id", "state"])
        self.assertEqual(values, {"state": "draft"})

    def test_an_import_is_refused(self):
        campaigns = self.env["waba.campaign"].with_user(self.manager)
        for name, text in {"state": "running", "launched_by_id/.id": "1"}.items():
            with self.subTest(name):
                found = campaigns.load(["name", "res_model", name], [["Mine", "crm.lead", text]])
                self.assertFalse(found["ids"])
                self.assertEqual(found["messages"][0]["type"], "error")

    def test_a_save_of_the_form_is_refused(self):
        sender = self.sender.with_user(self.manager)
        with self._refused():
            sender.web_save({"throughput": 1000}, {"throughput": {}})

    def test_a_copy_starts_anew(self):
        campaign = self._launch(self._leads(1), user_id=self.manager.id)
        campaign.sudo().trimmed_counts = {"sent": 5}
        mine = campaign.with_user(self.manager)
        copy = mine.copy()
        self.assertEqual((copy.state, copy.launched_by_id.id), ("draft", False))
        self.assertEqual(copy.variable_ids.mapped("name"), mine.variable_ids.mapped("name"))
        with self._refused():
            mine.copy({"state": "running"})

    def test_the_dialogs_of_ours_still_work(self):
        """As the web client opens and saves them, by people whose rights they need."""
        user = self.people[USER]
        country = self.env.ref("base.es")
        user.partner_id.write({"phone": "+34 611 777 001", "country_id": country.id})
        self.env.company.waba_test_numbers = "+34611777001"
        campaign = self._campaign(self._leads(1), user_id=user.id).with_user(user)
        test = self.env["waba.test.send"].with_user(user)
        test = test.browse(campaign.action_send_test()["res_id"])
        self.assertEqual((test.campaign_id, test.user_ids), (campaign, user))
        test.web_save({"user_ids": [(6, 0, user.ids)], "variant": "a"}, {"warning": {}})
        test.action_send()
        self.assertEqual(test.message_ids.number, "+34611777001")
        preflight = self.env["waba.preflight"].with_user(user)
        preflight = preflight.browse(campaign.action_preflight()["res_id"])
        self.assertTrue(preflight.line_ids.read(["sentence"]))
        preflight.web_save({"reason": "Because."}, {"can_launch": {}})
        for name in ("can_override", "can_approve", "can_launch", "is_mine"):
            with self.subTest(name), self._refused():
                preflight.write({name: True})
        person = self._message().recipient_id.with_user(self.manager)
        action = person.action_export_data()
        dialogs = self.env["waba.privacy"].with_user(self.manager).with_context(**action["context"])
        dialog = dialogs.create({})
        dialog.action_export()
        self.assertTrue(dialog.file)
        with self._refused():
            dialog.write({"file_name": "x.html"})

    def test_a_manager_starts_changes_and_pauses_a_follow_up(self):
        sequence = self.env["waba.sequence"].with_user(self.manager).create(
            {
                "name": "Offers", "trigger": "manual", "sender_id": self.sender.id,
                "step_ids": [(0, 0, {"template_id": self.utility_template.id})],
            }
        )  # fmt: skip
        sequence.step_ids.variable_ids.write({"source": "text", "text": "x"})
        action = sequence.action_activate()
        dialogs = self.env[action["res_model"]].with_user(self.manager)
        dialogs.with_context(**action["context"]).create({}).action_confirm()
        self.assertEqual((sequence.state, sequence.version), ("active", 1))
        sequence._enroll_manually(self._leads(1))
        sequence.write({"step_ids": [(1, sequence.step_ids.id, {"wait_amount": 5})]})
        self.assertEqual((sequence.version, sequence.step_ids.version), (2, 2))
        sequence.action_pause()
        sequence.action_resume()
        sequence.active = False
        self.assertEqual(sequence.state, "paused")
        with self._refused():
            sequence.write({"version": 1})

    def test_a_person_reads_what_happened(self):
        with self.assertRaisesRegex(AccessError, "Messages per second.*WhatsApp Number.*Meta"):
            self.sender.with_user(self.manager).write({"throughput": 1})

    def test_screens_are_told(self):
        told = self.env["waba.sender"].with_user(self.manager).fields_get(["throughput", "canary"])
        self.assertEqual([told[name]["readonly"] for name in told], [True, False])

    def test_what_is_closed_is_said_once_on_the_field(self):
        """No class of ours overrides what the field says, and other addons' fields are theirs."""
        campaigns = self.env["waba.campaign"]
        self.assertFalse(campaigns._is_system_field(campaigns._fields["message_ids"]))
        for model in filter(lambda name: name.startswith("waba."), self.env.registry.models):
            fields = fields_of_ours(self.env[model]).values()
            for field in fields:
                with self.subTest(str(field)):
                    # What is open by definition needs no word that says so.
                    self.assertTrue(getattr(field, "system", True) or field.readonly)


class TestDeletedNumbers(SystemFieldsCase):
    """A number takes its own job with it, and no other."""

    def test_odoos_own_jobs_stay(self):
        vacuum = self.env.ref("base.autovacuum_job")
        others = [vacuum, self.env.ref("waba_campaign.ir_cron_apply_webhooks"), self.sender.cron_id]
        for cron in others:
            with self.subTest(cron.name):
                sender = self.sender_mx.copy({"phone_number_uid": f"9{cron.id}"})
                own = sender.cron_id
                with self.assertRaises(AccessError):
                    sender.with_user(self.people[MANAGER]).cron_id = cron
                # However it came to name another's.
                sender.cron_id = cron
                sender.active = False
                self.assertTrue(cron.active)
                sender.with_user(self.people[MANAGER]).unlink()
                self.assertTrue(cron.exists())
                self.assertTrue(own.exists())

    def test_its_own_job_goes_with_it(self):
        sender = self.sender_mx.copy({"phone_number_uid": "98"})
        own = sender.cron_id
        sender.active = False
        self.assertFalse(own.active)
        sender.with_user(self.people[MANAGER]).unlink()
        self.assertFalse(own.exists())

    def test_an_accounts_numbers_go_the_same_way(self):
        account = self._create_account(waba_uid="77")
        senders = self.env["waba.sender"].create(
            [{"account_id": account.id, "phone_number_uid": uid} for uid in ("70", "71")]
        )
        own, vacuum = senders.cron_id, self.env.ref("base.autovacuum_job")
        senders[1].cron_id = vacuum
        account.unlink()
        self.assertEqual(set(chain(own.exists(), vacuum.exists())), {own[1], vacuum})
