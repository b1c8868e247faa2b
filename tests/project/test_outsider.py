"""What two employees get to see and change of what is not theirs, by every way in there is.

Nothing is listed manually but the judgement of each public method: models, fields and methods are
found by introspection, so what is added later is tried too. Three things are planted that must
never show: keys (nobody but the administrator), another company's records in a portfolio that both
companies share, and a colleague's lead (for a salesperson with "own documents only").
"""

import inspect
import logging
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from odoo.exceptions import AccessDenied, AccessError, MissingError, UserError
from odoo.service.model import get_public_method
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from ..common import APP_SECRET, TOKEN, VERIFY_TOKEN, WabaCase

_logger = logging.getLogger(__name__)

ELSEWHERE = "zqelsewhere"
COLLEAGUE = "zqcolleague"
THEIR_NUMBER = "+34699000001"
THEIR_SECRETS = ("zqtoken", "zqsecret", "zqverify")
REFUSALS = (UserError, AccessError, AccessDenied, MissingError)

# What a public method asks before it does anything, judged one by one:
# orm      Odoo's own method, extended: Odoo's rights and rules apply
# reads    shows what the caller may read
# writes   changes what the caller may write, and says no to everybody else
# manager  for managers alone
# system   for administrators alone
METHODS = {
    "waba.account": {
        "action_connect": "system", "action_diagnose": "manager", "action_resume": "manager",
        "action_sync": "manager", "action_view_senders": "reads",
        "action_view_templates": "reads", "action_confirm_database": "system",
        "action_retry_marketing_api": "manager", "action_view_conversions": "reads",
        "action_create_dataset": "system", "action_test_conversion": "system",
    },
    "waba.ad": {
        "action_view_conversations": "reads", "action_view_leads": "reads",
        "action_view_won": "reads",
    },
    "waba.ad.report": {"action_open_lead": "reads"},
    "waba.conversion": {"action_open_lead": "reads", "action_send_again": "manager"},
    "waba.attribution": {"action_open_lead": "reads"},
    "waba.auto.reply": {"action_view_replies": "reads"},
    "waba.campaign": {
        "action_back_to_draft": "writes", "action_cancel": "writes", "action_choose_a": "writes",
        "action_choose_b": "writes", "action_export_recipients": "reads", "action_launch": "writes",
        "action_pause": "writes", "action_preflight": "writes", "action_release": "manager",
        "action_resume": "writes", "action_retry_failed": "writes",
        "action_retry_reason": "writes", "action_send_test": "writes",
        "action_view_audience": "reads", "action_view_evidence": "reads",
        "action_view_messages": "reads", "action_view_cost_report": "reads",
        "action_view_fallbacks": "reads", "action_repeat": "writes",
        "action_release_canary": "manager",
        "action_create_followup_campaign": "writes", "campaign_preview_data": "reads",
    },
    "waba.audience.import": {"action_create_campaign": "reads", "action_import": "writes"},
    "waba.consent.note": {"action_confirm": "writes"},
    "waba.consent.rejected": {"action_retry_row": "manager"},
    "waba.conversation": {
        "action_assign_to_me": "writes",
        "action_mark_read": "writes", "action_mark_unread": "writes",
        "action_open_record": "reads", "conversation_assign": "writes",
        "conversation_attach": "writes", "conversation_colleagues": "reads",
        "conversation_data": "reads", "conversation_detach": "writes",
        "conversation_older": "reads", "conversation_poll": "reads",
        "conversation_seen": "writes", "conversation_send": "writes",
        "conversation_template": "reads", "conversation_templates": "reads",
        "send_options": "reads", "send_previews": "reads", "send_templates": "writes",
        "conversation_quote": "writes",
        "conversation_typing": "writes", "conversation_snooze": "writes",
        "conversation_close": "writes", "conversation_reopen": "writes",
        "action_close": "writes", "action_reopen": "writes",
        "conversation_react": "writes", "conversation_signal": "writes",
        "conversation_link_number": "writes",
        "conversation_block": "writes", "conversation_unblock": "writes",
        "conversation_canned_answers": "reads", "conversation_canned_text": "reads",
        "action_confirm_opt_out": "writes",
        "action_keep_subscribed": "writes", "conversation_review_opt_out": "writes",
    },
    "waba.diagnosis": {"action_rerun": "manager", "action_test": "manager"},
    "waba.recurring": {
        "action_start": "writes", "action_pause": "writes", "action_stop": "writes",
        "action_view_runs": "reads",
    },
    "waba.recurring.run": {"action_open_campaign": "reads"},
    "waba.file": {"keep_upload": "writes"},
    "waba.getting.started": {
        "getting_started_data": "reads", "open_round_trip": "reads", "start_simulation": "system",
    },
    "waba.home": {"action_confirm": "system"},
    "waba.message": {
        "action_open_error_help": "reads", "action_open_record": "reads", "action_retry": "writes",
        "action_settle_arrived": "writes", "action_settle_resend": "writes",
        "action_waba_log_block": "writes", "send_template": "writes",
    },
    "waba.optin.source": {
        "action_delete_meta_code": "manager", "action_open_page": "reads",
        "action_download_png": "reads", "action_download_svg": "reads",
        "action_save_meta_code": "manager", "action_view_conversations": "reads",
        "action_view_leads": "reads", "action_view_opt_ins": "reads",
    },
    "waba.answer.report": {"action_open_conversation": "manager"},
    "waba.message.report": {"action_open_message": "reads"},
    "waba.portfolio": {
        "action_create_warmest_campaign": "manager", "action_open_growth_plan": "reads",
        "action_view_counted_recipients": "reads", "growth_plan_data": "manager",
    },
    "waba.price.check": {"action_view_differing": "manager"},
    "waba.price.check.line": {"action_view_messages": "manager"},
    "waba.preflight": {
        "action_approve": "manager", "action_request_approval": "writes", "action_launch": "writes",
        "action_override": "manager", "action_refresh": "reads", "action_refuse": "manager",
        "action_reschedule": "writes",
    },
    "waba.preflight.line": {
        "action_exclude": "writes", "action_fix": "writes", "action_show": "reads",
    },
    "waba.privacy": {"action_erase": "manager", "action_export": "manager"},
    "waba.recipient": {
        "action_erase_data": "manager", "action_export_data": "manager",
        "action_record_consent": "reads", "action_confirm_opt_out": "writes",
        "action_keep_subscribed": "writes",
    },
    "waba.reconfirm": {"action_create_campaign": "manager"},
    "waba.release": {"action_confirm": "manager"},
    "waba.report.block": {"action_confirm": "writes"},
    "waba.reputation.event": {"action_open_subject": "reads"},
    "waba.round.trip": {"action_again": "writes", "action_send": "writes"},
    "waba.sender": {
        "action_pause": "manager", "action_release": "manager", "action_resume": "manager",
        "action_sync": "manager", "action_view_campaigns": "reads",
        "action_request_app_data": "manager",
        "action_view_counted_recipients": "reads", "action_view_evidence": "reads",
        "reputation_dashboard_data": "manager",
    },
    "waba.sequence": {
        "action_activate": "manager", "action_confirm_apply": "manager", "action_pause": "manager",
        "action_resume": "manager", "action_view_enrollments": "reads",
        "action_view_messages": "reads", "action_view_cost_report": "reads",
    },
    "waba.sequence.activate": {"action_confirm": "manager"},
    "waba.sequence.apply": {"action_confirm": "manager"},
    "waba.sequence.enroll": {"action_confirm": "writes"},
    "waba.sequence.enrollment": {"action_open_lead": "reads", "action_stop": "writes"},
    "waba.sequence.report": {"action_open_lead": "reads"},
    "waba.sequence.starter": {"action_create": "manager", "action_save_filter": "manager"},
    "waba.sequence.stop": {"action_confirm": "writes"},
    "waba.topic": {"action_create_suggested": "manager"},
    "waba.template": {
        "action_release": "manager", "action_view_campaigns": "reads",
        "action_view_evidence": "reads", "action_view_cost_report": "reads",
        "action_edit_draft": "writes", "action_duplicate_draft": "writes",
        "action_add_language": "writes",
        "action_archive_at_meta": "manager", "action_delete_at_meta": "manager",
        "action_open_manager": "reads", "action_refresh": "manager",
        "action_unarchive_at_meta": "manager", "action_unpause": "manager",
        "action_view_versions": "reads",
        "action_new_draft": "reads",
        "action_delivery": "manager", "action_view_health": "manager",
    },
    "waba.template.act": {"action_confirm": "manager"},
    "waba.template.gallery": {
        "action_open": "writes", "action_search": "writes", "action_show_library": "writes",
        "action_show_starters": "writes",
    },
    "waba.template.gallery.line": {"action_choose": "writes", "action_create": "manager"},
    "waba.template.draft": {
        "action_add_language": "writes", "action_duplicate": "writes",
        "action_view_template": "reads",
        "action_open_submit": "manager", "builder_data": "reads", "builder_overwrite": "writes",
        "builder_samples": "reads",
    },
    "waba.template.submit": {"action_confirm": "manager"},
    "waba.template.delivery": {"action_confirm": "manager"},
    "waba.template.health": {
        "action_read_meta": "manager", "action_enable_insights": "manager",
    },
    "waba.test.send": {"action_refresh": "reads", "action_send": "writes"},
    "waba.webhook.event": {"action_reapply": "system"},
    "waba.outgoing.webhook": {
        "action_new_secret": "system", "action_resume": "system", "action_send_test": "system",
        "action_view_events": "manager",
    },
    "waba.outgoing.event": {"action_resend": "system"},
    # What leads and contacts get from us.
    "crm.lead": {"action_view_waba_followups": "reads"},
    "waba.person.mixin": {
        "action_view_waba_conversation": "reads", "action_view_waba_messages": "reads",
        "action_waba_log_block": "writes", "action_waba_record_consent": "reads",
        "action_waba_message": "reads", "action_waba_send": "reads",
        "action_waba_open_recipient": "reads", "action_waba_confirm_other_person": "writes",
        "action_waba_confirm_opt_out": "writes", "action_waba_keep_subscribed": "writes",
    },
    "waba.reputation.subject.mixin": {"action_view_evidence": "reads"},
}  # fmt: skip
OF_THE_ORM = {
    "create", "write", "unlink", "copy_data", "default_get", "load", "get_import_templates", "init",
    "execute_import", "onchange", "formatted_read_group", "copy",
}  # fmt: skip
# Texts of ours that are evaluated get these; keys and hidden records must not come of them.
HOSTILE_PATHS = (
    "access_token", "account_id.access_token", "sender_id.account_id.app_secret",
    "portfolio_id.account_ids.access_token", "waba_message_ids.account_id.access_token",
    "campaign_id.sender_id.account_id.access_token", "user_id.password", "user_id.api_key_ids.key",
    "company_id.partner_id.opportunity_ids.name", "create_uid.company_ids.name",
    "waba_message_ids.recipient_id.portfolio_id.account_ids.verify_token",
)  # fmt: skip
HOSTILE_DOMAINS = (
    "[('waba_message_ids.account_id.access_token', '=like', 'S%')]",
    "[('create_uid.password', '!=', False)]",
    "[('company_id.name', '!=', False), ('name', 'like', 'zq')]",
    "[('id', '>', 0)]",
)


def public_methods(env):
    """{model: {method}} of what this addon itself lets a client call, ORM methods aside."""
    found = {}
    for name, model in env.registry.models.items():
        for parent in model.__mro__:
            if not parent.__module__.startswith("odoo.addons.waba_campaign"):
                continue
            for method, value in vars(parent).items():
                is_open = callable(value) and not isinstance(value, type)
                if is_open and not method.startswith("_") and method not in OF_THE_ORM:
                    try:
                        get_public_method(env[name], method)
                    except AccessError:
                        continue
                    found.setdefault(name, set()).add(method)
    return found


class OutsiderCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = cls._salesperson_of_own()
        # One group for exports: `export_data` is a way in as well.
        export = cls.env.ref("base.group_allow_export")
        for user in (cls.own, cls.manager):
            user.group_ids += export
        cls.colleague = new_test_user(
            cls.env, "waba_colleague", name=f"Colleague {COLLEAGUE}"[:9],
            groups="sales_team.group_sale_salesman,waba_campaign.waba_group_user",
        )  # fmt: skip
        cls._make_own()
        cls.theirs = cls._make_elsewhere()
        cls._make_colleagues()
        cls.env.flush_all()

    @classmethod
    def _make_own(cls):
        """What the attackers have themselves, so that their calls have something to go by."""
        cls.my_lead = cls._lead("+34611000001", user_id=cls.own.id, name="Mine")
        cls.my_partner = cls.env["res.partner"].create(
            {"name": "Mine", "phone": "+34611000002", "user_id": cls.own.id}
        )
        cls.my_campaign = cls._campaign(cls.my_lead, user_id=cls.own.id, name="Mine")
        cls._with_traces(cls.my_lead, cls.my_campaign, cls.sender, "+34611000001", "hola")

    @classmethod
    def _make_colleagues(cls):
        lead = cls._lead(
            "+34622000001", user_id=cls.colleague.id, name=f"Lead {COLLEAGUE}",
            contact_name=COLLEAGUE, email_from=f"{COLLEAGUE}@example.com",
        )  # fmt: skip
        campaign = cls._campaign(lead, user_id=cls.colleague.id, name=f"Campaign {COLLEAGUE}")
        cls._with_traces(lead, campaign, cls.sender, "+34622000001", COLLEAGUE)

    @classmethod
    def _make_elsewhere(cls):
        """Another company, whose account is of the same portfolio: a person is one row for both."""
        company = cls.env["res.company"].create({"name": "Elsewhere"})
        env = cls.env(context={**cls.env.context, "allowed_company_ids": company.ids})
        account = env["waba.account"].create(
            {
                "name": f"Account {ELSEWHERE}", "waba_uid": "99", "app_uid": "98",
                "portfolio_id": cls.portfolio.id, "company_id": company.id,
                "access_token": THEIR_SECRETS[0], "app_secret": THEIR_SECRETS[1],
                "verify_token": THEIR_SECRETS[2], "base_url": cls.simulator.url,
            }
        )  # fmt: skip
        account.state = "connected"
        sender = env["waba.sender"].create(
            {
                "account_id": account.id, "phone_number_uid": "97",
                "display_phone_number": THEIR_NUMBER, "verified_name": f"Number {ELSEWHERE}",
            }
        )  # fmt: skip
        template = cls.template.copy(
            {"account_id": account.id, "template_uid": "96", "name": f"template_{ELSEWHERE}"}
        )
        lead = env["crm.lead"].create(
            {
                "name": f"Lead {ELSEWHERE}", "contact_name": ELSEWHERE, "company_id": company.id,
                "phone": "+34611000001", "email_from": f"{ELSEWHERE}@example.com", "user_id": False,
                "country_id": env.ref("base.es").id,
            }
        )  # fmt: skip
        campaign = env["waba.campaign"].create(
            {
                "name": f"Campaign {ELSEWHERE}", "template_id": template.id,
                "sender_id": sender.id, "company_id": company.id, "res_model": "crm.lead",
                "audience_domain": repr([("id", "in", lead.ids)]),
            }
        )  # fmt: skip
        cls._with_traces(lead, campaign, sender, "+34611000001", ELSEWHERE)
        env["waba.auto.reply"].create(
            {"name": f"Reply {ELSEWHERE}", "text": ELSEWHERE, "company_id": company.id}
        )
        cls._event_of(account)
        return company

    @classmethod
    def _event_of(cls, account):
        body = f'{{"object": "x", "note": "{ELSEWHERE}"}}'.encode()
        return cls.env["waba.webhook.event"]._store_body(account, body)

    @classmethod
    def _with_traces(cls, record, campaign, sender, number, words):
        """A row of the campaign, an inbound message, a conversation and an opt-out."""
        people = cls.env["waba.recipient"].sudo()
        person = people._find_or_create_by_number(sender.portfolio_id, [number])[number]
        if not person.name:
            person.name = words
        values = {
            "account_id": sender.account_id.id, "sender_id": sender.id,
            "company_id": sender.company_id.id, "recipient_id": person.id, "number": number,
            "user_id": campaign.user_id.id, "person_name": words,
            "res_model": record._name, "res_id": record.id,
        }  # fmt: skip
        rows = cls.env["waba.message"].sudo()
        rows.create(
            {**values, "campaign_id": campaign.id, "template_id": campaign.template_id.id,
             "category": campaign.template_id.category, "state": "delivered",
             "wamid": f"wamid.{words}.out"}
        )  # fmt: skip
        rows.create(
            {**values, "direction": "in", "state": "received", "kind": "text", "text": words,
             "wamid": f"wamid.{words}.in"}
        )  # fmt: skip
        conversation = cls.env["waba.conversation"].sudo()._find_or_create_pair(sender, person)
        conversation.write({"res_model": record._name, "res_id": record.id,
                            "responsible_id": record.user_id.id})  # fmt: skip

    # What must not show, by who looks

    def _attackers(self):
        secrets = (TOKEN, APP_SECRET, VERIFY_TOKEN, *THEIR_SECRETS)
        return {
            self.own: (*secrets, ELSEWHERE, COLLEAGUE),
            self.manager: (*secrets, ELSEWHERE),
        }

    def _assert_clean(self, result, markers, what):
        text = repr(result)
        for marker in markers:
            self.assertNotIn(marker, text, f"{what} shows {marker}")

    def _read(self, records, names):
        """Values of all fields; one that leads to a closed model says so, like the client."""
        try:
            return records.read(list(names))
        except AccessError:
            values = []
        for name in names:
            try:
                values.append(records.read([name]))
            except AccessError as error:
                values.append(str(error))
        return values

    def _assert_refused(self, what, attempt, markers):
        with self._undone():
            try:
                answer = attempt()
            except (*REFUSALS, ValueError) as error:
                self._assert_clean(str(error), markers, "the refusal")
            else:
                self.fail(f"{what} was let in: {answer!r}")

    @contextmanager
    def _undone(self):
        with self.cr.savepoint() as savepoint:
            try:
                yield
            finally:
                savepoint.rollback()
                self.env.invalidate_all()

    def _ours(self):
        """Names of the models to look at, without the abstract ones."""
        return sorted(
            name
            for name, model in self.env.registry.models.items()
            if name.startswith("waba.") and not model._abstract
        )

    def _ids(self, model):
        return self.env[model].sudo().with_context(active_test=False).search([], limit=40).ids


@tagged("post_install", "-at_install")
class TestWhatIsRead(OutsiderCase):
    def _names(self, records):
        """Fields as the client learns of them; all of ours on models of Odoo's."""
        names = records.fields_get(attributes=["type"])
        ours = records._name.startswith("waba.")
        return [name for name in names if ours or name.startswith("waba_")]

    def test_reading_everything_shows_nothing_hidden(self):
        for user, markers in self._attackers().items():
            for model in [*self._ours(), "crm.lead", "res.partner"]:
                records = self.env[model].with_user(user)
                if not records.has_access("read"):
                    continue
                with self.subTest(user=user.login, model=model):
                    self._look_at(records, markers)

    def _look_at(self, records, markers):
        found = records.with_context(active_test=False).search([])
        names = self._names(records)
        stored = [name for name in names if records._fields[name].store and name != "id"]
        self._assert_clean(found.mapped("display_name"), markers, "a list")
        for record in found:
            with self._undone():
                self._assert_clean(self._read(record, names), markers, f"{record} in a form")
        self._assert_clean(self._exported(found, stored), markers, "an export")
        for name in stored:
            if records._fields[name].type in ("char", "many2one", "selection"):
                groups = records.formatted_read_group([], [name], ["__count"])
                self._assert_clean(groups, markers, f"groups by {name}")
        self._assert_clean(records.name_search(""), markers, "a search by name")

    def _exported(self, records, names):
        """Cells of all fields; a link to a model that is closed to the user closes its column."""
        cells = []
        for name in names:
            try:
                cells.append(records.export_data([name])["datas"])
            except AccessError as error:
                cells.append(str(error))
        return cells

    def test_no_record_of_others_is_read_by_its_id(self):
        """What lists leave out stays closed to who guesses the id."""
        for user, markers in self._attackers().items():
            for model in self._ours():
                records = self.env[model].with_user(user)
                if not records.has_access("read"):
                    continue
                hidden = records.browse(self._ids(model)) - records.with_context(
                    active_test=False
                ).search([])
                for record in hidden:
                    with self.subTest(user=user.login, record=record):
                        for what, attempt in {
                            "read": lambda record=record: record.read(["display_name"]),
                            "export": lambda record=record: record.export_data(["display_name"]),
                            "copy": record.copy,
                        }.items():
                            self._assert_refused(what, attempt, markers)

    def test_no_condition_answers_about_a_key(self):
        """A yes or a no to 'does the token begin with S' is the token, letter by letter."""
        ways = {
            "waba.account": "", "waba.sender": "account_id.", "waba.template": "account_id.",
            "waba.campaign": "sender_id.account_id.", "waba.message": "account_id.",
            "waba.portfolio": "account_ids.", "waba.recipient": "portfolio_id.account_ids.",
            "crm.lead": "waba_message_ids.account_id.",
            "res.partner": "waba_message_ids.account_id.",
        }  # fmt: skip
        for user, markers in self._attackers().items():
            for model, path in ways.items():
                for name in ("access_token", "app_secret", "verify_token", "webhook_key"):
                    for operator in ("=like", "!=", "ilike"):
                        with self.subTest(user=user.login, model=model, name=name, op=operator):
                            records = self.env[model].with_user(user)
                            domain = [(f"{path}{name}", operator, "S%")]
                            count = partial(records.search_count, domain)
                            self._assert_refused("a condition", count, markers)
                    ordered = partial(
                        self.env[model].with_user(user).search, [], order=f"{path}{name}"
                    )
                    self._assert_refused("an order", ordered, markers)


@tagged("post_install", "-at_install")
class TestMethods(OutsiderCase):
    def test_every_public_method_is_judged(self):
        found = public_methods(self.env)
        mixed = {name for names in METHODS.values() for name in names}
        for model, names in found.items():
            own = set(METHODS.get(model, {}))
            with self.subTest(model):
                inherited = self._of_mixins(model)
                self.assertEqual(names - own - inherited, set(), "not judged")
                self.assertEqual(own - names, set(), "judged and gone")
        self.assertLessEqual({name for names in found.values() for name in names}, mixed)

    def _of_mixins(self, model):
        parents = {cls._name for cls in type(self.env[model]).__mro__ if getattr(cls, "_name", "")}
        return {name for parent in parents - {model} for name in METHODS.get(parent, {})}

    def _calls(self, records, name, ids):
        """Attempts at one method: for each id there is, with what a client would send along."""
        parameters = [
            parameter.name
            for parameter in inspect.signature(getattr(type(records), name)).parameters.values()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ][1:]
        if "request" in parameters:
            for id_ in ids:
                yield records, [self._request(id_)]
        elif "requests" in parameters:
            for id_ in ids:
                yield records, [[self._request(id_)]]
        elif name == "send_options":
            for lead in self.env["crm.lead"].sudo().search([], limit=12):
                yield records, [[[lead._name, lead.id]]]
        elif name == "send_template":
            template = self.env["waba.template"].sudo().search([], limit=1)
            for lead in self.env["crm.lead"].sudo().search([], limit=12):
                yield records, [[lead._name, lead.id], template.id]
        elif parameters and parameters[0] in ("conversation_id", "campaign_id"):
            for id_ in ids:
                yield records, [id_, *self._arguments(parameters[1:])]
        elif name == "growth_plan_data":
            for id_ in ids:
                yield records, [id_]
        elif name == "reputation_dashboard_data":
            for company in (None, self.env.company.id, self.theirs.id):
                yield records, [company]
        else:
            for id_ in ids:
                yield records.browse(id_), self._arguments(parameters)

    def _request(self, conversation_id):
        return {
            "conversation_id": conversation_id, "key": "k", "text": "x", "force": True,
            "template_id": self.template.id, "values": {},
        }  # fmt: skip

    def _arguments(self, names):
        known = {
            "values": {"template_id": self.template.id, "res_model": "crm.lead",
                       "company_id": self.env.company.id, "audience_domain": "[]"},
            "step": "same", "record_id": 0, "shown": False, "user_id": self.own.id,
            "before_id": 10**9, "attachment_id": 1, "name": "a.txt", "mimetype": "text/plain",
            "data": "eA==", "sender_id": self.sender.id, "language": "pt_BR", "draft_id": False,
        }  # fmt: skip
        return [known.get(name, False) for name in names]

    def _state_of_others(self, user):
        """Rows that `user` may not read, as they are: {model: [values]}."""
        state = {}
        for model in self._ours():
            records = self.env[model].with_user(user)
            if not self.env[model]._auto:
                continue
            ids = set(self._ids(model))
            if records.has_access("read"):
                ids -= set(records.with_context(active_test=False).search([]).ids)
            stored = [n for n, f in self.env[model]._fields.items() if f.store and f.column_type]
            state[model] = self.env[model].sudo().browse(sorted(ids)).read(stored, load=False)
        return state

    @mute_logger("odoo.addons.waba_campaign", "odoo.sql_db")
    def test_no_method_shows_or_changes_what_is_not_the_callers(self):
        tried = refused = 0
        for user, markers in self._attackers().items():
            before = self._state_of_others(user)
            for model, names in sorted(public_methods(self.env).items()):
                if model not in self.env or self.env[model]._abstract:
                    continue
                records, ids = self.env[model].with_user(user), self._ids(model)
                if not model.startswith("waba."):
                    ids = self.env[model].sudo().search([], order="id desc", limit=12).ids
                for name in sorted(names):
                    for target, arguments in self._calls(records, name, ids):
                        with self.subTest(user=user.login, model=model, name=name, on=target.ids):
                            tried += 1
                            refused += not self._attempt(target, name, arguments, markers)
            self.env.invalidate_all()
            self.assertEqual(self._state_of_others(user), before)
        self.assertGreater(tried, 200)
        self.assertGreater(refused, 50)
        _logger.info("an outsider's view: %s calls, %s refused", tried, refused)

    def _attempt(self, target, name, arguments, markers):
        """Call as a client would; whether it was let in."""
        what = f"{target._name}.{name}{tuple(arguments)}"
        answer = None
        with self.cr.savepoint() as savepoint:
            try:
                answer = getattr(target, name)(*arguments)
                self.env.flush_all()
            except REFUSALS as error:
                self._assert_clean(str(error), markers, f"the refusal of {what}")
                savepoint.rollback()
                self.env.invalidate_all()
                return False
            self._assert_clean(answer, markers, what)
            self._assert_clean(self._followed(answer, target), markers, f"what {what} opens")
            savepoint.rollback()
            self.env.invalidate_all()
        return True

    def _followed(self, answer, target):
        """What the client shows next: the wizard or list that an action opens."""
        if not isinstance(answer, dict) or answer.get("type") != "ir.actions.act_window":
            return ""
        context = answer.get("context") or {}
        if isinstance(context, str):
            context = safe_eval(context, {"uid": target.env.uid})
        model = target.env[answer["res_model"]].with_context(**context)
        if not model.has_access("read"):
            return ""
        if answer.get("res_id"):
            records = model.browse(answer["res_id"])
        elif answer.get("domain"):
            records = model.search(answer["domain"], limit=20)
        else:
            return ""
        if not model._name.startswith("waba."):
            return records.mapped("display_name")
        return self._read(records, records.fields_get(attributes=["type"]))


@tagged("post_install", "-at_install")
class TestWrittenTexts(OutsiderCase):
    """Paths, conditions and texts that people write are evaluated with their own rights."""

    def _texts(self, record):
        """Fields of a record that its reader may write and that hold text."""
        for name, field in record._fields.items():
            if field.type in ("char", "text", "html") and field.store:
                yield name

    @mute_logger("odoo.addons.waba_campaign", "odoo.sql_db", "odoo.domains")
    def test_no_text_that_is_evaluated_yields_a_key(self):
        tried = 0
        for user, markers in self._attackers().items():
            for model in self._ours():
                records = self.env[model].with_user(user)
                if not records.has_access("write"):
                    continue
                for record in records.search([], limit=3):
                    for name in self._texts(record):
                        for text in (*HOSTILE_PATHS, *HOSTILE_DOMAINS):
                            with self.subTest(user=user.login, field=f"{model}.{name}", text=text):
                                tried += 1
                                self._write_and_look(record, {name: text}, markers)
        self.assertGreater(tried, 200)

    def _write_and_look(self, record, values, markers):
        if "field_path" in values:
            values["source"] = "field"
        with self._undone():
            try:
                record.write(values)
                record.env.flush_all()
                self._assert_clean(self._shown(record), markers, f"{record} with {values}")
            except REFUSALS as error:
                self._assert_clean(str(error), markers, "a refusal")
            except ValueError as error:
                self._assert_clean(str(error), markers, "a refusal")

    def _shown(self, record):
        """Everything that the caller's screens make of a record, and of the campaign above it."""
        record.env.invalidate_all()
        shown = [self._read(record, record.fields_get(attributes=["type"]))]
        for parent in ("campaign_id", "template_id"):
            if parent in record._fields and record[parent]:
                above = record[parent]
                shown.append(self._read(above, above.fields_get(attributes=["type"])))
        return shown

    @mute_logger("odoo.addons.waba_campaign", "odoo.sql_db", "odoo.domains")
    def test_an_unsaved_form_decides_about_no_rights(self):
        """`onchange` and the preview take values of the client's: a launcher is none of them."""
        everybody = {
            "launched_by_id": self.env.ref("base.user_root").id,
            "user_id": self.env.ref("base.user_admin").id,
            "company_id": self.theirs.id,
        }
        for user, markers in self._attackers().items():
            campaigns = self.env["waba.campaign"].with_user(user)
            for saved in (campaigns, self.my_campaign.with_user(user)):
                for path in HOSTILE_PATHS:
                    line = {"name": "1", "component": "body", "kind": "text", "source": "field",
                            "field_path": path, "variant": "a", "sequence": 1}  # fmt: skip
                    for domain in ("[]", "[('name', 'like', 'zq')]"):
                        values = {
                            **everybody, "res_model": "crm.lead", "audience_domain": domain,
                            "template_id": self.template.id, "audience_source": "domain",
                            "variable_ids": [(0, 0, line)],
                        }  # fmt: skip
                        with self.subTest(user=user.login, saved=saved.ids, path=path, of=domain):
                            self._onchange(saved, values, markers)
                            self._preview(saved, {**values, "variables": [line]}, markers)

    def _onchange(self, records, values, markers):
        spec = {
            "preview_html": {}, "preview_name": {}, "audience_count": {}, "audience_text": {},
            "variable_ids": {"fields": {"field_path": {}}},
        }  # fmt: skip
        for changed in ([], ["audience_domain"], ["template_id"]):
            with self._undone():
                try:
                    answer = records.onchange(values, changed, spec)
                except (*REFUSALS, ValueError) as error:
                    answer = str(error)
                self._assert_clean(answer, markers, "onchange")

    def _preview(self, records, values, markers):
        for step in ("same", "first", "next", "last"):
            with self._undone():
                try:
                    answer = (
                        self.env["waba.campaign"]
                        .with_user(records.env.user)
                        .campaign_preview_data(records.id, values, step, 0)
                    )
                except (*REFUSALS, ValueError) as error:
                    answer = str(error)
                self._assert_clean(answer, markers, "the preview")


@tagged("post_install", "-at_install")
class TestJson2(OutsiderCase, HttpCase):
    """The same by HTTP with an API key, where the client also chooses the context."""

    def _key_of(self, user):
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        return keys._generate("rpc", "outsider", datetime.now() + timedelta(days=1))

    def _ask(self, key, model, method, **arguments):
        return self.url_open(
            f"/json/2/{model}/{method}", json=arguments,
            headers={"Authorization": f"bearer {key}"},
        )  # fmt: skip

    @mute_logger("odoo.http", "odoo.addons.waba_campaign")
    def test_nothing_hidden_comes_by_an_api_key(self):
        root = self.env.ref("base.user_root").id
        contexts = (
            {}, {"allowed_company_ids": [self.theirs.id]}, {"uid": root, "su": True},
            {"default_launched_by_id": root, "default_user_id": root},
        )  # fmt: skip
        conversations = self.env["waba.conversation"].search([]).ids
        line = {"name": "1", "component": "body", "kind": "text", "source": "field",
                "field_path": HOSTILE_PATHS[3], "variant": "a", "sequence": 1}  # fmt: skip
        values = {
            "res_model": "crm.lead", "audience_domain": "[]", "template_id": self.template.id,
            "launched_by_id": root, "variable_ids": [[0, 0, line]],
        }  # fmt: skip
        calls = [
            ("waba.campaign", "onchange",
             {"values": values, "field_names": [], "fields_spec": {"preview_html": {}}}),
            ("waba.campaign", "web_save", {"vals": values, "specification": {"preview_html": {}}}),
            ("waba.campaign", "campaign_preview_data", {"campaign_id": False, "values": values}),
            ("waba.account", "search_read", {"fields": ["name", "access_token"]}),
            ("waba.account", "search_read", {}),
            ("waba.message", "export_data", {"fields_to_export": ["account_id/access_token"]}),
            ("crm.lead", "export_data",
             {"fields_to_export": ["waba_message_ids/account_id/access_token"]}),
            ("waba.recipient", "web_search_read", {"domain": [], "specification": {"name": {}}}),
            *(("waba.conversation", "conversation_data", {"conversation_id": id_})
              for id_ in conversations),
            *(("waba.conversation", "conversation_template",
               {"request": {"conversation_id": id_, "template_id": self.template.id}})
              for id_ in conversations),
        ]  # fmt: skip
        for user, markers in self._attackers().items():
            key = self._key_of(user)
            for model, method, arguments in calls:
                for context in contexts:
                    with self.subTest(user=user.login, call=f"{model}.{method}", context=context):
                        answer = self._ask(key, model, method, context=context, **arguments)
                        self.assertNotIn(answer.status_code, (404, 415), "a call of that name")
                        self._assert_clean(answer.text, markers, f"{model}.{method}")

    @mute_logger("odoo.http")
    def test_private_steps_are_closed(self):
        key = self._key_of(self.manager)
        for model, method in [
            ("waba.account", "_client"), ("waba.campaign", "_begin"), ("waba.message", "create"),
            ("waba.recipient", "_set_consent"),
        ]:  # fmt: skip
            with self.subTest(f"{model}.{method}"):
                answer = self._ask(key, model, method)
                self.assertIn(answer.status_code, (403, 404, 422))
