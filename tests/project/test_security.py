import logging
from functools import partial
from importlib.machinery import SourceFileLoader

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import get_public_method
from odoo.tests import new_test_user
from odoo.tools import file_path, mute_logger
from psycopg2 import IntegrityError

from ..common import APP_SECRET, TOKEN, VERIFY_TOKEN, WABA_UID, WabaCase
from ..rights import MANAGER, OPERATIONS, SYSTEM, USER, writable

SECRETS = ("access_token", "app_secret", "verify_token", "webhook_key")
SECRET_FIELDS = (*SECRETS, "webhook_url")
# What each group may do with each model: read, write, create, delete. Nobody else may anything.
RIGHTS = {
    "waba.account": {USER: "r", MANAGER: "r", SYSTEM: "rwcd"},
    "waba.portfolio": {USER: "r", MANAGER: "rw", SYSTEM: ""},
    "waba.sender": {USER: "r", MANAGER: "rwd", SYSTEM: ""},
    "waba.template": {USER: "r", MANAGER: "rw", SYSTEM: "rd"},
    "waba.template.variable": {USER: "r", MANAGER: "rw", SYSTEM: ""},
    "waba.template.draft": {USER: "rwc", MANAGER: "rwcd", SYSTEM: ""},
    "waba.template.submit": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.template.version": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.template.act": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.template.gallery": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.template.gallery.line": {USER: "rw", MANAGER: "rw", SYSTEM: ""},
    "waba.recipient": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.conversation": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.ad.report": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.conversion": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.ad": {USER: "r", MANAGER: "rw", SYSTEM: ""},
    "waba.auto.reply": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.media": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.recurring": {USER: "rwcd", MANAGER: "rwcd", SYSTEM: ""},
    "waba.recurring.run": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.fallback": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.file": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.file.upload": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.consent": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.opt.in": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.optin.source": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.optin.visit": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.optin.report": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.topic": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.topic.state": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.reconfirmation": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.reconfirm": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.renumbered": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.webhook.refusal": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.home": {USER: "", MANAGER: "", SYSTEM: "rwc"},
    "waba.audience.import": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.consent.note": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.privacy": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.erased.person": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.consent.rejected": {USER: "", MANAGER: "rwd", SYSTEM: ""},
    "waba.consent.word": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.campaign": {USER: "rwcd", MANAGER: "rwcd", SYSTEM: ""},
    "waba.campaign.language": {USER: "rwcd", MANAGER: "rwcd", SYSTEM: ""},
    "waba.campaign.variable": {USER: "rwcd", MANAGER: "rwcd", SYSTEM: ""},
    "waba.campaign.price": {USER: "rwcd", MANAGER: "rwcd", SYSTEM: ""},
    "waba.message": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.message.daily": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.audience.daily": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.answer.report": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.message.report": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.attribution": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.budget.total": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.price.check": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.price.check.line": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.money.daily": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.money.report": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.sender.reputation": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.reputation.event": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.webhook.event": {USER: "", MANAGER: "r", SYSTEM: "rw"},
    "waba.rate": {USER: "", MANAGER: "rwcd", SYSTEM: ""},
    "waba.test.send": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.round.trip": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.release": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.template.health": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.template.delivery": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.preflight": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.preflight.line": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.diagnosis": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.diagnosis.line": {USER: "", MANAGER: "r", SYSTEM: ""},
}
# What every company needs to know, and nothing of a person or of a key. {model: why}
OF_NO_COMPANY = {
    "waba.consent.word": "those shipped are every company's",
    "waba.erased.person": "fingerprints, so that nobody is written to again by any company",
    "waba.phone.prefix": "which prefix is which country's",
    "waba.attribution.due": "ids of leads for a job, without anything of theirs",
}
RIGHTS |= {
    "waba.outgoing.webhook": {USER: "", MANAGER: "r", SYSTEM: "rwcd"},
    "waba.outgoing.event": {USER: "", MANAGER: "r", SYSTEM: "rw"},
    "waba.sequence": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.sequence.step": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.sequence.branch": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.sequence.variable": {USER: "r", MANAGER: "rwcd", SYSTEM: ""},
    "waba.sequence.enrollment": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.sequence.report": {USER: "r", MANAGER: "r", SYSTEM: ""},
    "waba.action.variable": {USER: "", MANAGER: "", SYSTEM: "rwcd"},
    "waba.attribution.due": {USER: "", MANAGER: "", SYSTEM: "r"},
    "waba.phone.prefix": {USER: "", MANAGER: "r", SYSTEM: ""},
    "waba.report.block": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.sequence.activate": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.sequence.apply": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.sequence.enroll": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
    "waba.sequence.starter": {USER: "", MANAGER: "rwc", SYSTEM: ""},
    "waba.sequence.stop": {USER: "rwc", MANAGER: "rwc", SYSTEM: ""},
}


class SecurityCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.system = new_test_user(cls.env, "waba_system", groups="base.group_system")
        cls.colleague = new_test_user(
            cls.env, "waba_colleague",
            groups="sales_team.group_sale_salesman_all_leads,waba_campaign.waba_group_user",
        )  # fmt: skip
        cls.outsider = new_test_user(cls.env, "waba_outsider", groups="base.group_user")
        cls.portal = new_test_user(cls.env, "waba_portal", groups="base.group_portal")

    def _refused(self):
        return self.assertRaises(AccessError)

    def _people(self):
        return {USER: self.salesperson, MANAGER: self.manager, SYSTEM: self.system}


class TestRights(SecurityCase):
    def test_each_group_may_do_what_the_table_says_and_nothing_else(self):
        for model, rights in RIGHTS.items():
            everybody = {
                **{self._people()[group]: allowed for group, allowed in rights.items()},
                self.outsider: "",
                self.portal: "",
            }
            for user, allowed in everybody.items():
                for letter, operation in OPERATIONS.items():
                    with self.subTest(model=model, user=user.login, operation=operation):
                        may = self.env[model].with_user(user).has_access(operation)
                        self.assertEqual(may, letter in allowed)

    def test_the_table_names_every_model_of_the_addon(self):
        ours = {
            name
            for name, model in self.env.registry.models.items()
            if name.startswith("waba.") and not model._abstract
        }
        self.assertEqual(ours, set(RIGHTS))

    def test_nobody_writes_a_message_by_hand(self):
        row = self._rows(self._launch(self._leads(1)))
        for user in (self.salesperson, self.manager, self.system):
            mine = row.with_user(user)
            for name, attempt in {
                "write": partial(mine.write, {"state": "queued"}),
                "copy": mine.copy,
                "delete": mine.unlink,
            }.items():
                with self.subTest(name, user=user.login), self._refused():
                    attempt()


class TestOwn(SecurityCase):
    def _of(self, user, records, **values):
        """A campaign of `user`, written by them."""
        campaign = self._campaign(records, user_id=user.id, name=f"Of {user.login}", **values)
        return campaign.with_user(user)

    def test_a_user_sees_the_own_campaigns_and_a_manager_all(self):
        mine = self._of(self.salesperson, self._leads(1))
        theirs = self._of(self.colleague, self._leads(1, start=5))
        campaigns = self.env["waba.campaign"]
        self.assertEqual(campaigns.with_user(self.salesperson).search([]), mine)
        self.assertEqual(campaigns.with_user(self.colleague).search([]), theirs)
        self.assertEqual(campaigns.with_user(self.manager).search([]), mine | theirs)

    def test_a_colleagues_campaign_can_neither_be_read_nor_touched(self):
        theirs = self._of(self.colleague, self._leads(1)).with_user(self.salesperson)
        attempts = {
            "read": lambda: theirs.read(["name"]),
            "write": lambda: theirs.write({"name": "Mine"}),
            "take over": lambda: theirs.write({"user_id": self.salesperson.id}),
            "delete": theirs.unlink,
            "copy": theirs.copy,
            **{
                name: getattr(theirs, name)
                for name in (
                    "action_launch", "action_pause", "action_resume", "action_cancel",
                    "action_back_to_draft",
                )
            },
        }  # fmt: skip
        for name, attempt in attempts.items():
            with self.subTest(name), self._refused():
                attempt()
        self.assertEqual(theirs.sudo().state, "draft")

    def test_a_colleagues_variables_can_neither_be_read_nor_touched(self):
        theirs = self._of(self.colleague, self._leads(1))
        lines = theirs.sudo().variable_ids.with_user(self.salesperson)
        for name, attempt in {
            "read": lambda: lines.read(["text"]),
            "write": lambda: lines.write({"text": "x"}),
            "delete": lines.unlink,
            "add": lambda: lines.create(
                {"campaign_id": theirs.id, "component": "body", "name": "9", "source": "text"}
            ),
        }.items():
            with self.subTest(name), self._refused():
                attempt()
        self.assertFalse(lines.search([]))
        self.assertEqual(
            theirs.variable_ids.with_user(self.manager).mapped("source")[0], "first_name"
        )

    def test_the_words_of_a_campaign_under_way_are_fixed(self):
        campaign = self._of(self.salesperson, self._leads(1))
        line = campaign.variable_ids[0]
        campaign.action_launch()
        for name, attempt in {
            "write": lambda: line.write({"source": "text", "text": "other"}),
            "delete": line.unlink,
            "add": line.copy,
            "through the campaign": lambda: campaign.write(
                {"variable_ids": [(1, line.id, {"text": "other"})]}
            ),
        }.items():
            with self.subTest(name), self.assertRaisesRegex(UserError, "after the launch"):
                attempt()

    def test_a_user_sees_the_own_messages_and_a_manager_all(self):
        mine = self._launch(self._leads(2), user_id=self.salesperson.id)
        theirs = self._launch(self._leads(3, start=10), user_id=self.colleague.id)
        messages = self.env["waba.message"]
        for user, expected in [
            (self.salesperson, self._rows(mine)),
            (self.colleague, self._rows(theirs)),
            (self.manager, self._rows(mine) | self._rows(theirs)),
        ]:
            with self.subTest(user.login):
                self.assertEqual(set(messages.with_user(user).search([])), set(expected))
        with self._refused():
            self._rows(theirs)[0].with_user(self.salesperson).read(["number"])

    def test_a_salesperson_runs_a_campaign_from_launch_to_figures(self):
        campaign = self._of(self.salesperson, self._leads(3))
        campaign.action_launch()
        campaign.action_pause()
        campaign.action_resume()
        self._prepare()
        self._dispatch()
        self.assertEqual((campaign.state, campaign.sent_count), ("done", 3))
        self.assertEqual(campaign.launched_by_id, self.salesperson)

    def test_what_the_campaign_keeps_itself_cannot_be_forged(self):
        """Who launched it decides whose rights choose the people: a user could see everybody."""
        campaign = self._of(self.salesperson, self._leads(1))
        forged = {
            "launched_by_id": self.env.ref("base.user_admin").id, "state": "running",
            "template_signature": "x", "prepared_until_id": 10**6, "pause_cause": "person",
            "done_at": "2026-01-01",
        }  # fmt: skip
        for name, value in forged.items():
            with self.subTest(name), self._refused():
                campaign.write({name: value})
            with self.subTest(name, step="create"), self._refused():
                campaign.create({"name": "Forged", name: value})
            with self.subTest(name, step="default"), self._refused():
                campaign.with_context(**{f"default_{name}": value}).create({"name": "Forged"})
        self.assertEqual(campaign.state, "draft")
        self.assertFalse(campaign.launched_by_id)

    def test_a_salesperson_writes_to_no_lead_of_another(self):
        own_only = self._salesperson_of_own()
        leads = self._leads(3)
        leads[0].user_id = own_only
        (leads - leads[0]).user_id = self.colleague
        campaign = self._of(own_only, leads)
        self.assertEqual(campaign.audience_count, 1)
        campaign.action_launch()
        self._prepare()
        self._dispatch()
        self.assertEqual(self._rows(campaign).mapped("res_id"), leads[0].ids)


class TestManagers(SecurityCase):
    def test_a_manager_pauses_and_resumes_what_a_user_cannot(self):
        steps = {
            "pause a number": lambda user: self.sender.with_user(user).action_pause(),
            "resume a number": lambda user: self.sender.with_user(user).action_resume(),
            "limit a number": lambda user: self.sender.with_user(user).write({"own_throughput": 5}),
            "limit a portfolio": lambda user: self.portfolio.with_user(user).write(
                {"daily_cap": 9}
            ),
            "map a variable": lambda user: self.template.variable_ids.with_user(user)[0].write(
                {"fallback": "x"}
            ),
            "stop waiting": lambda user: self.account.with_user(user).action_resume(),
            "read from Meta": lambda user: self.account.with_user(user).action_sync(),
            "read by the number": lambda user: self.sender.with_user(user).action_sync(),
            "diagnose": lambda user: self.account.with_user(user).action_diagnose(),
        }
        for name, step in steps.items():
            with self._case(name):
                self.account._add_stop("Restricted.")
                self.sender._pause("Too fast.")
                with self._refused():
                    step(self.salesperson)
                step(self.manager)

    def test_a_manager_lifts_a_stop(self):
        self.account._add_stop("Restricted.")
        self.account.with_user(self.manager).action_resume()
        self.assertEqual(self.account.state, "connected")
        self.assertIn(self.manager.name, " ".join(self.account.message_ids.mapped("body")))

    def test_an_administrator_alone_connects_and_enters_keys(self):
        for user in (self.salesperson, self.manager):
            account = self.account.with_user(user)
            for name, attempt in {
                "connect": account.action_connect,
                "rename": partial(account.write, {"name": "x"}),
                "enter a token": partial(account.write, {"access_token": "x"}),
                "redirect": partial(account.write, {"base_url": "https://x.test"}),
                "create": partial(account.create, {"waba_uid": "1"}),
                "delete": account.unlink,
            }.items():
                with self.subTest(name, user=user.login), self._refused():
                    attempt()
        self.account.with_user(self.system).write({"access_token": "NEW"})
        self.assertEqual(self.account.access_token, "NEW")

    def test_an_administrator_without_the_group_may_resume(self):
        self.account._add_stop("Restricted.")
        self.account.with_user(self.system).action_resume()
        self.assertEqual(self.account.state, "connected")

    def test_a_diagnosis_is_its_askers_alone(self):
        action = self.account.action_diagnose()
        mine = self.env["waba.diagnosis"].browse(action["res_id"])
        self.assertTrue(mine.line_ids)
        for records in (mine, mine.line_ids):
            theirs = records.with_user(self.manager)
            self.assertFalse(theirs.search([("id", "in", records.ids)]))
            with self._refused():
                theirs.read(["display_name"])

    def test_raw_webhooks_are_for_managers_and_applying_them_for_administrators(self):
        event = self._store_event({"object": "x"})
        self.assertTrue(event.with_user(self.manager).body)
        with self._refused():
            event.with_user(self.salesperson).read(["body"])
        with self._refused():
            event.with_user(self.manager).write({"body": "{}"})
        event.with_user(self.system).action_reapply()


class TestCompanies(SecurityCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.stranger = new_test_user(
            cls.env, "waba_stranger", company_id=cls.company.id,
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager,base.group_system",
        )  # fmt: skip

    def test_nothing_of_another_company_is_seen(self):
        campaign = self._launch(self._leads(1), by_language=True)
        priced = self._campaign(self._leads(1, start=60))
        self.env["waba.campaign.price"].create({"campaign_id": priced.id, "max_price": 0.05})
        self._receive(self._inbound("+34611000000", "BAJA"))
        self._receive(
            self._inbound("+34611000000", "", "wamid.IN2", type="image", image={"id": "1"})
        )
        self._run_cron(self.env.ref("waba_campaign.ir_cron_judge"))
        self._run_cron(self.env.ref("waba_campaign.ir_cron_money"))
        self.assertTrue(self.env["waba.consent"].search([]))
        self.env["waba.recipient"]._opt_in_from_form("12", "marketing", "A form", "Yes")
        self.env["waba.erased.person"]._record_opted_out(["+34611000099"], True, False)
        self.env["waba.rate"].create({"market": "Spain", "amount": 0.05})
        self.env["waba.template.draft"].create({"account_id": self.account.id})
        self.env["waba.auto.reply"].create({"name": "Closed", "text": "We are closed."})
        self._follow_up()
        self._header_file()
        self.env["waba.attribution.due"]._add_leads([1])
        check = self.env["waba.price.check"].create(
            {"account_id": self.account.id, "month": "2026-11-01"}
        )
        self.env["waba.price.check.line"].create({"check_id": check.id})
        self.env["waba.budget.total"].create({"company_id": self.env.company.id, "amount": 1})
        self._what_sending_asks()
        self._what_an_ad_brings()
        self._what_comes_again(priced)
        self._an_opt_in_page()
        for model in RIGHTS:
            # Theirs alone who asked for them.
            if self.env[model]._transient:
                continue
            with self.subTest(model):
                records = self.env[model].search([])
                self.assertTrue(records, "there is something to hide")
                theirs = self.env[model].with_user(self.stranger)
                if model not in OF_NO_COMPANY:
                    self.assertFalse(theirs.search([]))
        with self._refused():
            campaign.with_user(self.stranger).read(["name"])

    def _what_an_ad_brings(self):
        ad = self.env["waba.ad"].create({"account_id": self.account.id, "ad_uid": "1"})
        lead = self._lead("+34611000088")
        lead.write({"waba_ad_id": ad.id, "waba_ctwa_clid": "Af-1"})
        self.env["waba.conversion"].create(
            {"lead_id": lead.id, "kind": "won", "event_name": "Purchase", "ad_id": ad.id,
             "event_at": fields.Datetime.now(), "account_id": self.account.id,
             "company_id": self.env.company.id}
        )  # fmt: skip

    def _what_comes_again(self, campaign):
        """A recurring campaign with a run, and a call instead of a message."""
        recurring = self.env["waba.recurring"].create({"campaign_id": campaign.id, "unit": "day"})
        self.env["waba.recurring.run"].create(
            {"recurring_id": recurring.id, "planned_at": fields.Datetime.now(), "state": "empty"}
        )
        self.env["waba.fallback"].create(
            {"message_id": self._message("+34611000066").id, "kind": "activity",
             "cause": "failed", "company_id": self.env.company.id}
        )  # fmt: skip

    def _an_opt_in_page(self):
        source = self.env["waba.optin.source"].create({"name": "Fair", "kind": "page"})
        self.env["waba.optin.visit"].create({"optin_source_id": source.id})

    def _header_file(self):
        """A file of a template's header, uploaded for a number."""
        attachment = self.env["ir.attachment"].create({"name": "a.pdf", "raw": b"%PDF-1.4"})
        file = self.env["waba.file"].keep_upload(attachment.id, "document")
        self.env["waba.file.upload"]._find_due(
            self.sender, self.env["waba.file"].browse(file["id"])
        )

    def _what_sending_asks(self):
        """An opt-in, a number changed after an opt-out, refused webhooks."""
        person = self._message("+34611000077").recipient_id
        person._set_marketing_state("opted_in", "person", "At the fair", company=self.env.company)
        now = fields.Datetime.now()
        topic = self.env["waba.topic"].create({"name": "Offers"})
        person._set_consent("marketing", "opt_out", "form", "At the fair", topic=topic)
        self.env["waba.reconfirmation"].create(
            {"recipient_id": person.id, "company_id": self.env.company.id, "given_at": now,
             "campaign_id": self._campaign(self._leads(1, start=80)).id}
        )  # fmt: skip
        self.env["waba.renumbered"].create(
            {"res_model": "crm.lead", "res_id": 1, "recipient_id": person.id, "changed_at": now}
        )
        self.env["waba.webhook.refusal"].create(
            {"account_id": self.account.id, "count": 1, "first_at": now, "last_at": now}
        )
        webhook = self.env["waba.outgoing.webhook"].create({"name": "A", "url": "https://1.1.1.1"})
        webhook._post("test", None, {})

    def _follow_up(self):
        """A lead in a follow-up, and an automation that writes."""
        template = self.utility_template.id
        sequence = self.env["waba.sequence"].create(
            {
                "name": "Offers",
                "trigger": "manual",
                "sender_id": self.sender.id,
                "step_ids": [
                    (0, 0, {"template_id": template, "branch_ids": [(0, 0, {"kind": "answered"})]})
                ],
            }
        )
        sequence.step_ids.variable_ids.write({"source": "text", "text": "x"})
        sequence._activate()
        sequence._enroll_manually(self._leads(1, start=70))
        self.env["ir.actions.server"].create(
            {
                "name": "Write",
                "state": "waba_template",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "waba_template_id": template,
                "waba_sender_id": self.sender.id,
            }
        )

    def test_nothing_of_another_company_is_touched(self):
        """By its id, which anybody can guess: read, written, deleted or taken over."""
        campaign = self._launch(self._leads(1), by_language=True)
        self._follow_up()
        template = self.template
        known = [
            campaign, campaign.variable_ids[0], campaign.language_ids[0], self._rows(campaign),
            self._rows(campaign).recipient_id, self.account, self.portfolio, self.sender,
            template, template.variable_ids[0],
            self.env["waba.sequence"].search([], limit=1),
            self.env["waba.sequence.step"].search([], limit=1),
            self.env["waba.sequence.variable"].search([], limit=1),
            self.env["waba.sequence.enrollment"].search([], limit=1),
            self.env["waba.action.variable"].search([], limit=1),
            self.env["waba.auto.reply"].create({"name": "Closed", "text": "We are closed."}),
            self._store_event({"object": "x"}),
        ]  # fmt: skip
        for record in known:
            theirs = record.with_user(self.stranger)
            for name, attempt in {
                "read": lambda one=theirs: one.read(["display_name"]),
                "write": lambda one=theirs: one.write({}),
                "delete": theirs.unlink,
            }.items():
                with self.subTest(record._name, way=name), self._refused():
                    attempt()
            self.assertFalse(theirs.search([("id", "in", record.ids)]))

    def test_a_user_of_both_sees_the_company_chosen(self):
        self.manager.company_ids += self.company
        for companies, seen in [(self.env.company, True), (self.company, False)]:
            accounts = self.env["waba.account"].with_user(self.manager)
            found = accounts.with_context(allowed_company_ids=companies.ids).search([])
            self.assertEqual(bool(found), seen)

    def test_a_campaign_takes_number_and_template_of_its_company(self):
        with self.assertRaises(UserError):
            self._campaign(self._leads(1), company_id=self.company.id)


class TestRules(SecurityCase):
    """By introspection: whatever leads to a model with a rule has one too."""

    def _rules(self, model):
        return self.env["ir.rule"].search([("model_id.model", "=", model)])

    def _models(self, transient=False):
        return [
            name
            for name in sorted(self.env.registry.models)
            if name.startswith("waba.")
            and not self.env[name]._abstract
            and self.env[name]._transient == transient
        ]

    def _is_of_companies(self, model):
        """Whether a rule for everybody limits its rows to the user's companies."""
        domains = self._rules(model).filtered(lambda rule: not rule.groups).mapped("domain_force")
        return any("company_id" in domain for domain in domains)

    def test_every_model_has_a_rule_of_companies(self):
        for name in self._models():
            with self.subTest(name):
                if name in OF_NO_COMPANY and "company_id" not in self.env[name]._fields:
                    links = [
                        field.comodel_name
                        for field in self.env[name]._fields.values()
                        if field.type == "many2one" and self._is_of_companies(field.comodel_name)
                    ]
                    self.assertEqual(set(links) - {"res.users"}, set())
                else:
                    self.assertTrue(self._is_of_companies(name))

    def test_what_a_company_chooses_is_its_own(self):
        """A record of another company cannot be named by its id, which anybody can guess."""
        for name in self._models():
            model = self.env[name]
            if "company_id" not in model._fields:
                continue
            for field_name in writable(model.with_user(self.manager)):
                field = model._fields[field_name]
                if field.type not in ("many2one", "many2many"):
                    continue
                comodel = self.env[field.comodel_name]
                # A line's parent is reached through the parent, whose rule holds.
                is_parent = field.type == "many2one" and field.ondelete == "cascade"
                if field.comodel_name.startswith("waba.") and "company_id" in comodel._fields:
                    with self.subTest(str(field)):
                        self.assertTrue(is_parent or field.check_company)
                        self.assertTrue(is_parent or model._check_company_auto)
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, "waba_elsewhere", company_id=company.id,
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
        )  # fmt: skip
        theirs = {"company_id": company.id, "name": "Theirs"}
        template, sender = {"template_id": self.template.id}, {"sender_id": self.sender.id}
        sequence = self.env["waba.sequence"].create({**theirs, "trigger": "manual"})
        step = {"sequence_id": sequence.id, "kind": "activity"}
        for name, values in [
            ("waba.auto.reply", {**theirs, **template, "answer": "template"}),
            ("waba.sequence", {**theirs, **sender, "trigger": "manual"}),
            ("waba.sequence.step", {**step, **template}),
            ("waba.sequence.step", {**step, **sender}),
            ("waba.campaign", {**theirs, **template, "res_model": "crm.lead"}),
            ("waba.campaign", {**theirs, **sender, "res_model": "crm.lead"}),
        ]:
            with self.subTest(name, values=values), self.assertRaises(UserError):
                self.env[name].with_user(stranger).create(values)

    def test_a_dialog_is_its_openers_alone(self):
        for name in self._models(transient=True):
            with self.subTest(name):
                rules = self._rules(name)
                self.assertIn("create_uid', '=', user.id", rules.domain_force)
                self.assertFalse(rules.groups)
        dialogs = {
            "waba.release": {"reason": "x", "sender_id": self.sender.id},
            "waba.report.block": {"note": "x"},
            "waba.audience.import": {"file": b"eA==", "consent": "none"},
            "waba.consent.note": {"note": "x"},
            "waba.sequence.stop": {"reason": "x"},
        }
        for name, values in dialogs.items():
            confirm = "action_import" if name == "waba.audience.import" else "action_confirm"
            mine = self.env[name].with_user(self.manager).create(values)
            self.assertTrue(mine.read(["display_name"]))
            theirs = mine.with_user(self.colleague)
            for way, attempt in {
                "read": lambda one=theirs: one.read(["display_name"]),
                "write": lambda one=theirs: one.write({}),
                "confirm": getattr(theirs, confirm),
            }.items():
                with self.subTest(name, way=way), self._refused():
                    attempt()

    def test_a_child_follows_its_parents_own_or_all(self):
        """Where a role sees some rows alone, it sees no more of what belongs to them."""
        user = self.env.ref("waba_campaign.waba_group_user")
        limited = {name for name in self._models() if user in self._rules(name).groups}
        self.assertLessEqual({"waba.campaign", "waba.recipient", "waba.message"}, limited)
        for name in self._models():
            if RIGHTS[name][USER] == "":
                continue
            parents = {
                field.comodel_name
                for field in self.env[name]._fields.values()
                if field.type == "many2one" and field.store and field.comodel_name in limited
            }
            if parents:
                with self.subTest(name, parents=parents):
                    self.assertIn(name, limited)

    def test_what_an_upgrade_leaves_alone_is_migrated(self):
        """Rules stay as they are in an upgrade; those that changed since are written manually."""
        path = file_path("waba_campaign/migrations/19.0.1.1.0/post-rules.py")
        migration = SourceFileLoader("post_rules", path).load_module()
        for name, (before, now) in migration.CHANGED.items():
            rule = self.env.ref(f"waba_campaign.{name}")
            for found, expected in [(before, now), (now, now), ("[('id', '>', 7)]", None)]:
                with self.subTest(name, found=found):
                    rule.domain_force = found
                    migration.migrate(self.cr, "19.0.1.0.0")
                    self.assertEqual(rule.domain_force, expected or found)


class TestSecrets(SecurityCase):
    def test_no_key_can_be_read_by_any_way(self):
        for user in (self.salesperson, self.manager):
            user.group_ids += self.env.ref("base.group_allow_export")
            for name in SECRET_FIELDS:
                for way, step in self._ways_to(user, name).items():
                    with self.subTest(user=user.login, name=name, way=way), self._refused():
                        step()

    def _ways_to(self, user, name):
        """{what: function} of all that might reveal or change a field of the account."""
        account, sender = self.account.with_user(user), self.sender.with_user(user)
        guess = [(name, "=like", "S%")]
        ways = {
            "read": lambda: account.read([name]),
            "attribute": lambda: account[name],
            "mapped": lambda: account.mapped(name),
            "web_read": lambda: account.web_read({name: {}}),
            "export": lambda: account.export_data([name]),
            "write": lambda: account.write({name: "x"}),
        }
        if name not in SECRETS:
            return ways
        return ways | {
            "search": lambda: account.search(guess),
            "search through the number": lambda: sender.search(
                [(f"account_id.{name}", "=like", "S%")]
            ),
            "count": lambda: account.search_count(guess),
            "order": lambda: account.search([], order=name),
            "group": lambda: account.formatted_read_group([], [name], ["__count"]),
            "filter": lambda: account.filtered_domain(guess),
            "name_search": lambda: account.name_search("x", domain=guess),
        }

    def test_no_key_is_offered_on_screens_or_for_export(self):
        for user in (self.salesperson, self.manager):
            offered = self.env["waba.account"].with_user(user).fields_get()
            self.assertEqual(set(SECRET_FIELDS) & set(offered), set())
            arch = (
                self.env["waba.account"]
                .with_user(user)
                .get_view(self.env.ref("waba_campaign.waba_account_view_form").id)["arch"]
            )
            for name in SECRET_FIELDS:
                self.assertNotIn(f'name="{name}"', arch)
        offered = (
            self.env["waba.account"].with_user(self.system).fields_get(attributes=["exportable"])
        )
        for name in SECRET_FIELDS:
            self.assertIs(offered[name]["exportable"], False, name)

    def test_an_administrator_reads_the_keys(self):
        account = self.account.with_user(self.system)
        self.assertEqual(account.access_token, TOKEN)
        self.assertIn(account.webhook_key, account.webhook_url)

    def test_no_key_is_in_the_chatter(self):
        self.account.write({"access_token": "OTHER-TOKEN", "app_secret": "other-secret"})
        self.account.write({"access_token": TOKEN, "app_secret": APP_SECRET})
        self.account._add_stop("Restricted.")
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.assertTrue(self.account.message_ids.tracking_value_ids)
        tracked = self.account.message_ids.tracking_value_ids
        self.assertEqual(set(tracked.field_id.mapped("name")) & set(SECRET_FIELDS), set())
        said = " ".join(self.account.message_ids.mapped("body"))
        said += " ".join(map(str, tracked.read(["old_value_char", "new_value_char"])))
        self._assert_no_secret(said, "OTHER-TOKEN", "other-secret")

    def _assert_no_secret(self, text, *more):
        for secret in (TOKEN, APP_SECRET, VERIFY_TOKEN, self.account.webhook_key, *more):
            self.assertNotIn(secret, text)

    def _echo(self, endpoint):
        """A refusal in which Meta repeats the token, as it does with malformed ones."""
        details = f"Malformed access token {TOKEN}; Bearer {TOKEN}; access_token={TOKEN}"
        return self._fault(kind="error", code=190, endpoint=endpoint, details=details, count=None)

    def test_no_key_is_in_an_error_shown(self):
        with self._echo("node"):
            with self.assertRaises(UserError) as caught:
                self.account.action_sync()
            self.assertIn("Malformed access token", str(caught.exception))
            self._assert_no_secret(str(caught.exception))
            chain = [caught.exception.__cause__, caught.exception.__context__]
            self._assert_no_secret(repr(chain))
        with self._echo("debug_token"):
            diagnosis = self.env["waba.diagnosis"].browse(self.account.action_diagnose()["res_id"])
            texts = diagnosis.line_ids.mapped(lambda line: f"{line.text} {line.advice}")
            self.assertIn("Malformed access token", " ".join(texts))
            self._assert_no_secret(" ".join(texts))

    def test_no_key_is_kept_with_a_failure(self):
        with self._echo("messages"):
            campaign = self._launch(self._leads(1))
        self.assertIn("Malformed access token", self.account.stop_reason)
        kept = " ".join(
            [self.account.stop_reason, self._rows(campaign).failure_reason or "",
             *self.account.message_ids.mapped("body")]
        )  # fmt: skip
        self._assert_no_secret(kept)
        self._assert_no_secret(campaign.hold_reason)

    def test_no_key_is_logged_while_calls_fail(self):
        """Also at the most talkative level: the token travels in the query of one call."""
        with (
            self.assertLogs("odoo.addons.waba_campaign", logging.DEBUG) as ours,
            self.assertLogs("urllib3", logging.DEBUG) as theirs,
        ):
            self.account.action_diagnose()
            with self._echo("*"):
                self._run_cron(self.env.ref("waba_campaign.ir_cron_poll"))
                self.account.state = "connected"
                self._launch(self._leads(1))
            self.account.base_url = "http://127.0.0.1:9"
            self.account.action_diagnose()
            with self.assertRaises(UserError):
                self.account.action_sync()
        text = "\n".join(ours.output + theirs.output)
        self.assertIn("debug_token", text)
        self.assertIn("reading from Meta failed", text)
        self._assert_no_secret(text)

    def test_no_key_is_in_a_stored_webhook(self):
        event = self._receive(self._inbound("+34611000001", "Hola"))
        self._assert_no_secret(str(event.read()))


class TestRemoteCalls(SecurityCase):
    def test_what_takes_tokens_or_sends_cannot_be_called_from_outside(self):
        cases = [
            ("waba.account", "_client"), ("waba.account", "_sync"), ("waba.account", "_add_stop"),
            ("waba.webhook.event", "_store_body"), ("waba.diagnosis", "_run_checks"),
            ("waba.sender", "_cron_dispatch"), ("waba.sender", "_pause"),
            ("waba.message", "_write_results"), ("waba.recipient", "_set_marketing_state"),
            ("waba.recipient", "_set_consent"), ("waba.recipient", "_company_recipient"),
            ("waba.campaign", "_update_state"),
        ]  # fmt: skip
        for model, name in cases:
            with self.subTest(model=model, name=name):
                self.assertTrue(hasattr(self.env[model], name))
                with self._refused():
                    get_public_method(self.env[model], name)

    def test_three_doors_stay_private_under_any_name(self):
        for model, name in [
            ("waba.account", "_client"),
            ("waba.webhook.event", "_store_body"),
            ("waba.diagnosis", "_run_checks"),
        ]:
            with self.subTest(model=model, name=name):
                self.assertTrue(getattr(type(self.env[model]), name)._api_private)


class TestConsentLedger(SecurityCase):
    def test_an_entry_is_neither_changed_nor_deleted_by_anybody(self):
        self._receive(self._inbound("+34611000001", "BAJA"))
        entry = self.env["waba.consent"].search([], limit=1)
        self.assertEqual(entry.action, "opt_out")
        before = entry.read()
        for user in (self.env.user, self.salesperson, self.manager, self.system):
            mine = entry.with_user(user)
            for name, attempt in {
                "change": partial(mine.write, {"action": "opt_in"}),
                "date back": partial(mine.write, {"at": "2020-01-01"}),
                "delete": mine.unlink,
            }.items():
                with self.subTest(name, user=user.login), self.assertRaises(UserError):
                    attempt()
        self.assertEqual(entry.read(), before)

    def test_a_person_with_entries_stays(self):
        self._receive(self._inbound("+34611000001", "BAJA"))
        entry = self.env["waba.consent"].search([], limit=1)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            entry.recipient_id.unlink()
        self.assertTrue(entry.exists())

    def test_an_entry_cannot_be_invented(self):
        person = self.env["waba.recipient"].create(
            {"portfolio_id": self.portfolio.id, "number": "+34611000009"}
        )
        values = {"recipient_id": person.id, "purpose": "marketing", "action": "opt_in",
                  "source": "reply", "at": "2026-01-01"}  # fmt: skip
        for user in (self.salesperson, self.manager, self.system):
            with self.subTest(user.login), self._refused():
                self.env["waba.consent"].with_user(user).create(values)


class TestIds(SecurityCase):
    def test_an_id_of_metas_never_leaves_its_place_in_the_address(self):
        """The path of a call is built of what was entered: `..` must not lead elsewhere."""
        with self.assertRaises(UserError):
            self.account.waba_uid = "../me"
        self.assertEqual(self.account.waba_uid, WABA_UID)
