"""Whose rights read a campaign's audience: on screen the reader's, in the jobs the launcher's."""

from itertools import product

from odoo import Command, fields
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import new_test_user

from ..common import TOKEN, WabaCase
from ..sequence_case import SequenceCase

SPEC = {
    "name": {}, "state": {}, "preview_html": {}, "preview_name": {}, "audience_count": {},
    "audience_text": {}, "approval_text": {}, "hold_reason": {}, "canary_text": {},
    "can_approve": {},
    "sender_id": {"fields": {"display_name": {}}},
    "launched_by_id": {"fields": {"display_name": {}}},
    "variable_ids": {"fields": {"name": {}, "source": {}, "field_path": {}, "text": {}}},
}  # fmt: skip


class CampaignRightsCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_only = cls._salesperson_of_own()
        cls.mine = cls._lead("+34 611 000 001", user_id=cls.own_only.id, contact_name="Mía Propia")
        cls.hidden = cls._lead(
            "+34 611 000 002", user_id=cls.salesperson.id, contact_name="Oculta Ajena"
        )
        cls.everybody = repr([("id", "in", (cls.mine | cls.hidden).ids)])
        cls.system = new_test_user(
            cls.env, "waba_rights_system",
            groups="base.group_system,sales_team.group_sale_manager,"
            "waba_campaign.waba_group_manager",
        )  # fmt: skip

    def _own(self, **values):
        return self._campaign(
            self.mine,
            **{"user_id": self.own_only.id, "audience_domain": self.everybody, **values},
        )


class TestFormsNotSaved(CampaignRightsCase):
    """What a client fills in decides about nobody's rights."""

    def _line(self, path):
        line = self.template.variable_ids[0]
        return {"component": line.component, "name": line.name, "button_index": 0,
                "kind": "text", "source": "field", "field_path": path}  # fmt: skip

    def _seen(self, user, values, record_id=False, **context):
        """What a form answers, opened with these values or with its conditions changed."""
        campaigns = self.env["waba.campaign"].with_user(user).with_context(**context)
        values = {
            "name": "x", "template_id": self.template.id, "sender_id": self.sender.id,
            "company_id": self.env.company.id, "res_model": "crm.lead",
            "audience_source": "domain", **values,
        }  # fmt: skip
        campaign = campaigns.browse(record_id or [])
        changed = [name for name in ("audience_domain", "sender_id") if name in values]
        return str(
            [campaign.onchange({**values}, names, SPEC) for names in (changed, [])]
        )  # fmt: skip

    def test_a_launcher_of_ones_own_choice_reads_nothing(self):
        """The second example: one call by any salesperson gave the token."""
        launchers = (1, 2, self.manager.id, self.system.id, self.salesperson.id)
        self._message(res_model="crm.lead", res_id=self.mine.id)
        self._message(number="+34611000002", res_model="crm.lead", res_id=self.hidden.id)
        paths = ("contact_name", "waba_message_ids.account_id.access_token", "user_id.login")
        for launcher, path in product(launchers, paths):
            for state in ("draft", "preparing", "running"):
                values = {
                    "launched_by_id": launcher, "state": state, "user_id": self.manager.id,
                    "audience_domain": repr([("id", "=", self.hidden.id)]),
                    "variable_ids": [Command.create(self._line(path))],
                }  # fmt: skip
                defaults = {f"default_{name}": value for name, value in values.items()}
                with self.subTest(launcher=launcher, path=path, state=state):
                    for seen in (
                        self._seen(self.own_only, values),
                        self._seen(self.own_only, values, record_id=self._own().id),
                        self._seen(self.own_only, {}, **defaults),
                    ):
                        self.assertNotIn("Oculta", seen)
                        self.assertNotIn(TOKEN, seen)
                        self.assertNotIn("'audience_count': 2", seen)
                    self.assertNotIn("'audience_count': 1", self._seen(self.own_only, values))

    def test_ones_own_leads_are_still_shown(self):
        seen = self._seen(
            self.own_only,
            {"audience_domain": self.everybody,
             "variable_ids": [Command.create(self._line("contact_name"))]},
        )  # fmt: skip
        self.assertIn("Mía Propia", seen)
        self.assertIn("'audience_count': 1", seen)

    def test_a_condition_answers_no_question_about_what_may_not_be_read(self):
        self._message(res_model="crm.lead", res_id=self.mine.id)
        domains = [
            [("id", "=", self.hidden.id)],
            [("waba_message_ids.account_id.access_token", "=like", f"{TOKEN[:3]}%")],
        ]
        for domain in domains:
            values = {"audience_domain": repr(domain), "launched_by_id": self.system.id}
            with self.subTest(domain):
                try:
                    seen = self._seen(self.own_only, values)
                except AccessError:
                    continue
                self.assertNotIn("'audience_count': 1", seen)

    def _told_by_line(self, user, model, parent, value):
        """{field: what a line's form answers, or by which exception it refuses to} of the line and
        of the record above it, as `value` names that."""
        lines = self.env[model].with_user(user)
        above = self.env[lines._fields[parent].comodel_name].with_user(user)
        texts = ("char", "text", "html", "selection")
        specs = {
            name: {name: {}}
            for name, field in lines.fields_get(attributes=["type"]).items()
            if field["type"] in texts
        } | {
            f"{parent}.{name}": {parent: {"fields": {name: {}}}}
            for name, field in above.fields_get(attributes=["type"]).items()
            if field["type"] in texts
        }
        values = {"component": "body", "name": "1", "source": "text", "text": "x", parent: value}
        values = {name: value for name, value in values.items() if name in lines._fields}
        told = {}
        for name, spec in specs.items():
            try:
                told[name] = str(lines.onchange({**values}, [parent], spec))
            except (AccessError, MissingError) as refusal:
                told[name] = type(refusal).__name__
        return told

    def test_a_line_names_no_parent_that_may_not_be_read(self):
        """A line's form sends the record above it as a dict, which says whose values they are: one
        that may not be read tells as much as one that there is not."""
        self._portfolio_elsewhere()
        theirs = self.env["waba.account"].search([("waba_uid", "=", "99")])
        template = self.env["waba.template"].create(
            {"account_id": theirs.id, "template_uid": "5", "name": "secret_plan", "language": "es",
             "status": "approved", "category": "marketing",
             "components": [{"type": "BODY", "text": "Secret {{1}}"}]}
        )  # fmt: skip
        sender = self.env["waba.sender"].create({"account_id": theirs.id, "phone_number_uid": "4"})
        sequence = self.env["waba.sequence"].create(
            {"name": "Secret follow-up", "trigger": "manual", "sender_id": sender.id,
             "company_id": theirs.company_id.id,
             "step_ids": [Command.create(
                 {"kind": "template", "template_id": template.id, "wait_amount": 0})]}
        )  # fmt: skip
        campaign = self._campaign(
            self.hidden, name="Secret plan", user_id=self.salesperson.id,
            approval_state="refused", approval_note="Secret", override_reason="Secret",
        )  # fmt: skip
        mine = self._own()
        variable, step = "waba.campaign.variable", "waba.sequence.step"
        above = {variable: "campaign_id", step: "sequence_id", "waba.sequence.variable": "step_id"}
        cases = [
            # line, what its form sends of the record above, what may not be read, by whom
            (variable, lambda id_: id_, campaign, self.own_only),
            (variable, lambda id_: {"id": id_}, campaign, self.own_only),
            (variable, lambda id_: {"id": id_, "name": "y"}, campaign, self.own_only),
            (variable, lambda id_: {"id": id_, "state": "draft", "user_id": self.own_only.id},
             campaign, self.own_only),
            (variable, lambda id_: {"id": mine.id, "audience_campaign_id": {"id": id_}},
             campaign, self.own_only),
            (variable, lambda id_: {"name": "y", "template_id": {"id": id_}},
             template, self.own_only),
            (step, lambda id_: {"id": id_}, sequence, self.manager),
            (step, lambda id_: {"id": id_, "name": "y"}, sequence, self.manager),
            (step, lambda id_: {"name": "y", "sender_id": {"id": id_}}, sender, self.manager),
            ("waba.sequence.variable", lambda id_: {"id": id_}, sequence.step_ids, self.manager),
            ("waba.sequence.variable", lambda id_: {"kind": "template", "template_id": {"id": id_}},
             template, self.manager),
            ("waba.sequence.variable", lambda id_: {"kind": "template", "sequence_id": {"id": id_}},
             sequence, self.manager),
        ]  # fmt: skip
        for model, shape, hidden, user in cases:
            self.assertFalse(hidden.with_user(user).has_access("read"), hidden)
            with self.subTest(model, shape=shape(hidden.id)):
                told = self._told_by_line(user, model, above[model], shape(hidden.id))
                nobodys = self._told_by_line(user, model, above[model], shape(2**31 - 1))
                self.assertEqual(told, nobodys)
                self.assertNotIn("secret", str(told).lower())
        for shape in (mine.id, {"id": mine.id}):
            told = self._told_by_line(self.own_only, variable, "campaign_id", shape)
            self.assertIn("crm.lead", told["res_model"])

    def test_a_number_of_another_company_is_not_told_of(self):
        self._portfolio_elsewhere()
        account = self.env["waba.account"].search([("waba_uid", "=", "99")])
        sender = self.env["waba.sender"].create(
            {"account_id": account.id, "verified_name": "Secret number",
             "display_phone_number": "+1 555 SECRET", "phone_number_uid": "4999"}
        )  # fmt: skip
        for seen in (
            self._seen(self.own_only, {"sender_id": sender.id}),
            self._seen(self.own_only, {"name": "y"}, default_sender_id=sender.id),
        ):
            self.assertNotIn("secret", seen.lower())

    def test_the_preview_takes_nothing_but_the_message_from_the_form(self):
        for launcher in (1, self.manager.id, self.system.id):
            found = self.env["waba.campaign"].with_user(self.own_only).campaign_preview_data(
                False,
                {
                    "template_id": self.template.id, "company_id": self.env.company.id,
                    "res_model": "crm.lead", "launched_by_id": launcher,
                    "audience_domain": repr([("id", "=", self.hidden.id)]),
                    "variables": [self._line("contact_name")],
                },
            )  # fmt: skip
            self.assertEqual((found["count"], found["name"]), (0, ""))
            self.assertNotIn("Oculta", found["html"])

    def test_a_preview_of_another_model_shows_nobody(self):
        campaigns = self.env["waba.campaign"].with_user(self.own_only)
        for model in ("res.users", "waba.account", "ir.config_parameter", "no.such", "", False):
            with self.subTest(model):
                found = campaigns.campaign_preview_data(
                    False, {"template_id": self.template.id, "res_model": model,
                            "audience_domain": "[]"},
                )  # fmt: skip
                self.assertEqual((found["count"], found["name"]), (0, ""))

    def test_a_colleagues_own_filter_is_not_told_of(self):
        """What is stored is computed with all rights; who chooses a filter must read it."""
        theirs = self.env["ir.filters"].create(
            {"name": "Plan", "model_id": "crm.lead", "domain": "[('name', '=', 'Plan X')]",
             "user_ids": self.manager.ids}
        )  # fmt: skip
        values = {"audience_source": "filter", "audience_filter_id": theirs.id}
        for user, told in ((self.own_only, False), (self.manager, True)):
            campaign = self._own(user_id=user.id).with_user(user)
            campaign.write(values)
            made = campaign.create({"name": "x", "template_id": self.template.id, **values})
            for one in (campaign, made):
                with self.subTest(user.login):
                    self.assertEqual("Plan X" in one.audience_domain, told)

    def test_what_the_steps_keep_enters_by_no_door(self):
        names = {
            "launched_by_id": self.system.id, "launched_mark": "x", "approval_people": ["x"],
            "override_people": ["x"], "state": "running", "approval_state": "approved",
        }  # fmt: skip
        campaigns = self.env["waba.campaign"].with_user(self.own_only)
        base = {"name": "x", "res_model": "crm.lead", "template_id": self.template.id}
        campaign = self._own().with_user(self.own_only)
        for name, value in names.items():
            doors = {
                "create": lambda n=name, v=value: campaigns.create({**base, n: v}),
                "default": lambda n=name, v=value: campaigns.with_context(
                    **{f"default_{n}": v}
                ).create(base),
                "write": lambda n=name, v=value: campaign.write({n: v}),
                "web_save": lambda n=name, v=value: campaign.web_save({n: v}, {"name": {}}),
            }
            for door, attempt in doors.items():
                with self.subTest(name, door=door), self.assertRaises(AccessError):
                    attempt()
        for name, value in names.items():
            with self._case(f"{name}, a default of one's own"):
                self.env["ir.default"].with_user(self.own_only).set(
                    "waba.campaign", name, value, user_id=True
                )
                made = campaigns.create(base).sudo()
                self.assertEqual((made.state, made.launched_by_id.id, made.approval_state,
                                  made.launched_mark), ("draft", False, False, False))  # fmt: skip
        column = campaigns.load(["name", "launched_by_id/.id"], [["x", str(self.system.id)]])
        self.assertFalse(column["ids"])

    def test_a_dialog_names_no_lead_that_may_not_be_read(self):
        sequence = self.env["waba.sequence"].create(
            {"name": "x", "trigger": "manual", "sender_id": self.sender.id,
             "domain": repr([("contact_name", "=", "Oculta Ajena")]),
             "step_ids": [Command.create({"kind": "stop"})]}
        )  # fmt: skip
        sequence.with_user(self.manager)._activate()
        wizards = self.env["waba.sequence.enroll"].with_user(self.own_only)
        spec = {"lead_ids": {}, "lead_count": {}, "may_count": {}, "sequence_id": {}, "why_not": {}}
        for found in (
            wizards.onchange(
                {"sequence_id": sequence.id, "lead_ids": [Command.set(self.hidden.ids)]},
                ["sequence_id"], spec,
            ),
            wizards.with_context(
                active_model="crm.lead", active_ids=self.hidden.ids,
                default_sequence_id=sequence.id,
            ).onchange({}, [], spec),
        ):  # fmt: skip
            self.assertFalse(found["value"].get("may_count"))
            self.assertFalse(found["value"].get("lead_count"))


class TestDialogsNotSaved(CampaignRightsCase):
    """No dialog of ours tells of what another company has, whatever its browser names."""

    WORD = "theirsecret"

    def _theirs(self):
        """{model: a record of another company}, each with WORD in what it would show."""
        portfolio = self._portfolio_elsewhere()
        account = self.env["waba.account"].search([("waba_uid", "=", "99")])
        company, word = account.company_id, self.WORD
        sender = self.env["waba.sender"].create(
            {"account_id": account.id, "verified_name": word, "display_phone_number": word,
             "phone_number_uid": "4999"}
        )  # fmt: skip
        template = self.template.copy(
            {"account_id": account.id, "name": word, "template_uid": "77"}
        )
        campaign = self.env["waba.campaign"].create(
            {"name": word, "company_id": company.id, "sender_id": sender.id,
             "template_id": template.id, "res_model": "crm.lead", "pause_reason": word,
             "override_reason": word, "user_id": self.env.user.id}
        )  # fmt: skip
        sequence = self.env["waba.sequence"].create(
            {"name": word, "company_id": company.id, "sender_id": sender.id, "trigger": "manual"}
        )
        person = self.env["waba.recipient"].create(
            {"portfolio_id": portfolio.id, "number": "+34699999999", "name": word}
        )
        message = self._message(
            "+34611000001", account_id=account.id, sender_id=sender.id, company_id=company.id,
            person_name=word, text=word,
        )  # fmt: skip
        found = (account, sender, template, campaign, sequence, person, message, portfolio)
        return {record._name: record for record in found}

    def test_what_another_company_has(self):
        theirs, tried = self._theirs(), 0
        for model in filter(lambda name: name.startswith("waba."), sorted(self.env.registry)):
            for user in (self.salesperson, self.manager):
                forms = self.env[model].with_user(user)
                if forms._abstract or not forms.has_access("create"):
                    continue
                spec = {name: {} for name, field in forms._fields.items()
                        if forms._has_field_access(field, "read")}  # fmt: skip
                for name, field in forms._fields.items():
                    record = theirs.get(field.comodel_name)
                    if field.type not in ("many2one", "many2many") or not record:
                        continue
                    value = record.id if field.type == "many2one" else [Command.set(record.ids)]
                    tried += 1
                    with self.subTest(model, field=name, user=user.login):
                        for seen in (
                            forms.onchange({name: value}, [name], spec),
                            forms.with_context(**{f"default_{name}": value}).onchange({}, [], spec),
                        ):
                            self.assertNotIn(self.WORD, str(seen).casefold())
        self.assertGreater(tried, 20)


class TestReadersOwnRights(CampaignRightsCase):
    def test_count_and_preview_are_the_readers_whoever_launched_it(self):
        """The third example: after a manager's launch the owner saw what the manager sees."""
        campaign = self._own(scheduled_at="2099-01-01 10:00:00")
        campaign.with_user(self.manager)._start_launch()
        self.assertEqual(campaign.launched_by_id, self.manager)
        mine, theirs = campaign.with_user(self.own_only), campaign.with_user(self.manager)
        self.assertEqual((mine.audience_count, theirs.audience_count), (1, 2))
        self.assertIn("1 lead", mine.audience_text)
        self.assertEqual(mine.preview_name, "Mía Propia")
        form = {"template_id": self.template.id, "company_id": campaign.company_id.id,
                "res_model": "crm.lead", "audience_domain": self.everybody}  # fmt: skip
        last = mine.campaign_preview_data(campaign.id, form, "last")
        self.assertEqual((last["name"], last["record_id"]), ("Mía Propia", self.mine.id))
        [read] = mine.web_read({"audience_count": {}, "preview_html": {}})
        self.assertEqual(read["audience_count"], 1)

    def test_the_job_reads_as_the_launcher(self):
        for user, count in ((self.own_only, 1), (self.manager, 2)):
            with self._case(user.login):
                campaign = self._own()
                campaign.with_user(user)._start_launch()
                self._prepare()
                self.assertEqual(campaign.people_count, count)


class TestChangedAfterTheLaunch(CampaignRightsCase):
    def _scheduled(self, **values):
        campaign = self._own(scheduled_at="2099-01-01 10:00:00", **values)
        campaign.with_user(self.manager)._start_launch()
        self.assertEqual(campaign.state, "scheduled")
        return campaign

    def _changes(self, campaign):
        line, line_b = campaign.variable_ids[:1], campaign.b_variable_ids[:1]
        return {
            "template": lambda: campaign.write({"template_id": self.utility_template.id}),
            "number": lambda: campaign.write({"sender_id": self.sender_mx.id}),
            "condition": lambda: campaign.write({"audience_domain": "[]"}),
            "source": lambda: campaign.write({"audience_source": "team"}),
            "tag": lambda: campaign.write(
                {"audience_source": "tag", "audience_tag_id": self.env["crm.tag"].create(
                    {"name": "Sofa"}).id}
            ),
            "kind of record": lambda: campaign.write({"res_model": "res.partner"}),
            "variable": lambda: line.write({"source": "field", "field_path": "city"}),
            "variable of B": lambda: line_b.write({"text": "another"}),
            "variable through the campaign": lambda: campaign.write(
                {"variable_ids": [Command.update(line.id, {"fallback": "y"})]}
            ),
            "web_save": lambda: campaign.web_save(
                {"variable_ids": [Command.update(line.id, {"fallback": "z"})]}, {"name": {}}
            ),
            "variable gone": line.unlink,
            "message B": lambda: campaign.write({"b_template_id": self.template.id}),
            "no message B": lambda: campaign.write({"ab_test": False}),
            "share": lambda: campaign.write({"ab_share": 0.5}),
        }  # fmt: skip

    def test_any_change_makes_it_a_draft_that_nobody_launched(self):
        names = list(self._changes(self._own()))
        for name, user in product(names, (self.own_only, self.manager)):
            with self._case(f"{name}, {user.login}"):
                campaign = self._scheduled(
                    ab_test=True, b_template_id=self.utility_template.id
                ).with_user(user)
                self._changes(campaign)[name]()
                stored = campaign.sudo()
                self.assertEqual(stored.state, "draft")
                self.assertFalse(
                    stored.launched_by_id or stored.launched_at or stored.launched_mark
                )
                self.assertIn(f"{user.name} changed the message", self._chatter(stored))
                self._prepare()
                self.assertEqual(stored.people_count, 0)

    def test_what_is_not_launched_keeps_it(self):
        for name, values in {
            "name": {"name": "Another"}, "priority": {"priority": "1"},
            "time": {"scheduled_at": "2099-02-01 10:00:00"},
            "UTM": {"utm_campaign_id": self.env["utm.campaign"].create({"title": "x"}).id},
            "the same": {"audience_domain": self.everybody},
        }.items():  # fmt: skip
            with self._case(name):
                campaign = self._scheduled()
                campaign.with_user(self.own_only).write(values)
                self.assertEqual((campaign.state, campaign.launched_by_id),
                                 ("scheduled", self.manager))  # fmt: skip

    def test_a_line_moves_into_no_campaign_under_way(self):
        running = self._own()
        running.with_user(self.own_only)._start_launch()
        draft = self._own()
        with self.assertRaisesRegex(UserError, "after the launch"):
            draft.variable_ids[:1].with_user(self.own_only).write({"campaign_id": running.id})


class TestWithoutLauncher(CampaignRightsCase):
    def _left(self, how):
        user = new_test_user(
            self.env, "waba_leaving",
            groups="sales_team.group_sale_salesman_all_leads,waba_campaign.waba_group_user",
        )  # fmt: skip
        campaign = self._own(user_id=user.id, **how.pop("values", {}))
        campaign.with_user(user)._start_launch()
        campaign.user_id = self.own_only
        how["leave"](user, campaign)
        self.env.flush_all()
        self.env.invalidate_all()
        return campaign

    def test_the_campaign_waits_and_says_so(self):
        """The fifth example: a deleted launcher made the job read as OdooBot."""
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        ways = {
            "deleted before this rule": (
                lambda user, campaign: campaign.sudo().write({"launched_by_id": False}),
                "is unknown",
            ),
            "launched by a job, before this rule": (
                lambda user, campaign: campaign.sudo().write({"launched_by_id": 1}),
                "is unknown",
            ),
            "archived": (lambda user, campaign: user.write({"active": False}), "no longer active"),
            "lost the right": (
                lambda user, campaign: user.write(
                    {"group_ids": [Command.set(self.env.ref("base.group_user").ids)]}
                ),
                "can no longer read",
            ),
            "left the company": (
                lambda user, campaign: user.write(
                    {"company_id": elsewhere.id, "company_ids": [Command.set(elsewhere.ids)]}
                ),
                "no longer belongs",
            ),
        }
        for scheduled in (False, True):
            for name, (leave, words) in ways.items():
                with self._case(f"{name}, scheduled: {scheduled}"):
                    values = {"scheduled_at": "2099-01-01 10:00:00"} if scheduled else {}
                    campaign = self._left({"leave": leave, "values": values})
                    campaign.sudo().scheduled_at = False
                    self._prepare()
                    self.assertEqual(
                        (campaign.state, campaign.pause_cause, campaign.people_count),
                        ("paused", "launcher", 0),
                    )
                    self.assertIn(words, campaign.pause_reason)
                    self.assertIn(words, self._chatter(campaign))
                    self._resumed_with_own_rights(campaign)

    def _resumed_with_own_rights(self, campaign):
        self.assertEqual(campaign.user_id, self.own_only)
        campaign.with_user(self.own_only).action_resume()
        self.assertEqual((campaign.state, campaign.launched_by_id), ("preparing", self.own_only))
        self._prepare()
        self.assertEqual(campaign.waba_message_ids.mapped("res_id"), self.mine.ids)

    def test_who_launched_a_campaign_is_archived_not_deleted(self):
        user = self.own_only.copy({"login": "waba_deleted"})
        self._own(user_id=user.id).with_user(user)._start_launch()
        with self.assertRaises(Exception), self.cr.savepoint():  # noqa: B017
            user.unlink()

    def test_odoobot_launches_nothing(self):
        root = self.env.ref("base.user_root")
        with self.assertRaisesRegex(UserError, "launched by a user"):
            self._own().with_user(root).action_launch()

    def test_a_scheduled_campaign_handed_over_waits_for_its_new_owner(self):
        campaign = self._own(scheduled_at="2099-01-01 10:00:00")
        campaign.with_user(self.own_only)._start_launch()
        campaign.user_id = self.salesperson
        campaign.scheduled_at = False
        self._prepare()
        self.assertEqual((campaign.state, campaign.pause_cause), ("paused", "launcher"))
        self.assertIn("another responsible", campaign.pause_reason)


class TestFollowUpRights(SequenceCase):
    def _manager(self, login="waba_starter"):
        return new_test_user(
            self.env, login,
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
        )  # fmt: skip

    def _job(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_run_followups"))

    def test_without_who_started_it_nobody_comes_in_and_it_waits(self):
        starter = self._manager()
        sequence = self._sequence(activate=False)
        sequence.with_user(starter)._activate()
        starter.active = False
        lead = self._opportunity()
        lead.stage_id = self.stage
        self.assertFalse(self._enrollments(lead))
        self._job()
        self.assertEqual(sequence.state, "paused")
        self.assertIn("is archived", self._chatter(sequence))
        sequence.with_user(self.manager).action_resume()
        self.assertEqual((sequence.state, sequence.reader_id), ("active", self.manager))

    def test_conditions_are_read_as_who_started_it(self):
        """They were read with all rights: a count told of what the manager may not read."""
        own = new_test_user(
            self.env, "waba_own_starter",
            groups="sales_team.group_sale_salesman,waba_campaign.waba_group_manager",
        )  # fmt: skip
        seen, unseen = self._opportunity(), self._opportunity("+34 611 000 002")
        seen.user_id = own
        sequence = self._sequence(activate=False)
        (seen | unseen).stage_id = self.stage
        wizard = self.env["waba.sequence.activate"].with_user(own).create(
            {"sequence_id": sequence.id, "who": "all"}
        )  # fmt: skip
        self.assertEqual(wizard.matching_count, 1)
        wizard.action_confirm()
        self.assertTrue(self._enrollments(seen))
        self.assertFalse(self._enrollments(unseen))

    def test_who_changes_what_is_read_stands_for_it(self):
        starter, other = self._manager(), self._manager("waba_changer")
        changes = {
            "conditions": lambda one: one.write({"domain": "[('city', '=', 'Lugo')]"}),
            "a step": lambda one: one.write(
                {"step_ids": [Command.update(one.step_ids[0].id, {"wait_amount": 5})]}
            ),
            "a variable": lambda one: one.step_ids.variable_ids[0].write({"text": "other"}),
            "a step by itself": lambda one: one.step_ids[0].write({"wait_amount": 4}),
        }
        for name, change in changes.items():
            with self._case(name):
                sequence = self._sequence(activate=False)
                sequence.with_user(starter)._activate()
                change(sequence.with_user(other))
                self.assertEqual(sequence.reader_id, other)

    def test_the_reader_enters_by_no_door(self):
        sequence = self._sequence(activate=False).with_user(self.manager)
        base = {"name": "x", "trigger": "manual", "sender_id": self.sender.id}
        for name, value in {
            "reader_id": 2,
            "state": "active",
            "trigger_from": "2020-01-01",
        }.items():
            for door in (
                lambda n=name, v=value: sequence.write({n: v}),
                lambda n=name, v=value: sequence.create({**base, n: v}),
                lambda n=name, v=value: sequence.with_context(**{f"default_{n}": v}).create(base),
                lambda n=name, v=value: sequence.web_save({n: v}, {"name": {}}),
            ):
                with self.subTest(name), self.assertRaises(AccessError):
                    door()

    def test_an_activity_without_anybody_to_do_it_waits(self):
        sequence = self._sequence(
            {"kind": "activity", "template_id": False, "wait_amount": 0}, user_id=False
        )
        lead = self._opportunity()
        lead.user_id = False
        lead.stage_id = self.stage
        self._job()
        self.assertFalse(lead.activity_ids)
        self.assertIn("No one can be assigned the activity", self._enrollments(lead).hold_reason)
        sequence.user_id = self.manager
        self._enrollments(lead).next_at = fields.Datetime.now()
        self._job()
        self.assertEqual(lead.activity_ids.user_id, self.manager)
