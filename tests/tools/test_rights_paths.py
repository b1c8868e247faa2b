"""Paths of fields that people write: what they may name, and with whose rights they are read."""

from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user

from ..common import APP_SECRET, TOKEN, VERIFY_TOKEN, WabaCase
from ..conversation.test_auto_reply import AutoReplyCase
from ..conversation.test_inbound import NUMBER
from ..sequence_case import SequenceCase

# (path from a lead, what the refusal says)
REFUSED = [
    ("waba_message_ids.account_id.access_token", "not for everyone"),
    ("waba_message_ids", "not for everyone"),
    ("waba_enrollment_ids.sequence_id.name", "not for everyone"),
    ("user_id", "users, settings or internal notes"),
    ("user_id.name", "users, settings or internal notes"),
    ("user_id.password", "users, settings or internal notes"),
    ("user_id.partner_id.phone", "users, settings or internal notes"),
    (" user_id . login ", "users, settings or internal notes"),
    ("create_uid.login", "users, settings or internal notes"),
    ("team_id.user_id.email", "users, settings or internal notes"),
    ("partner_id.user_ids.login", "users, settings or internal notes"),
    ("company_id.partner_id.user_ids.login", "users, settings or internal notes"),
    ("message_ids.body", "users, settings or internal notes"),
    ("activity_ids.summary", "not for everyone"),
    ("company_id.external_report_layout_id.name", "users, settings or internal notes"),
    ("partner_id.signup_type", "not for everyone"),
    ("partner_id.image_1920", "holds no text"),
    ("lead_properties", "holds no text"),
    ("no_such", "has no field no_such"),
    ("partner_id.no_such", "has no field no_such"),
    ("city.name", "leads to no other record"),
]
ALLOWED = [
    "city", "stage_id", "stage_id.name", "partner_id.city", "partner_id.parent_id.name",
    "tag_ids", "company_id.name", "country_id.code", "expected_revenue", " city ",
    "partner_id.country_id.name", "team_id.name", "company_currency.name",
]  # fmt: skip


class PathCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.system = new_test_user(
            cls.env, "waba_path_system",
            groups="base.group_system,sales_team.group_sale_manager,"
            "waba_campaign.waba_group_manager",
        )  # fmt: skip

    def _value(self, line, record):
        return line._record_value(record, record._waba_person_facts())


class TestPathsWritten(PathCase):
    def _lines(self):
        """{owner: (users who may write it, line)}, of each model that keeps a path."""
        campaign = self._campaign(
            self._leads(1), user_id=self.salesperson.id, ab_test=True,
            b_template_id=self.utility_template.id,
        )  # fmt: skip
        sequence = self.env["waba.sequence"].create(
            {
                "name": "Offers", "trigger": "manual", "sender_id": self.sender.id,
                "step_ids": [Command.create({"template_id": self.utility_template.id})],
            }
        )  # fmt: skip
        action = self.env["ir.actions.server"].create(
            {
                "name": "Write", "state": "waba_template",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "waba_template_id": self.utility_template.id, "waba_sender_id": self.sender.id,
            }
        )  # fmt: skip
        everybody = self.salesperson, self.manager, self.system, self.env.user
        managers = self.manager, self.system, self.env.user
        return {
            "campaign": (everybody, campaign.variable_ids[0]),
            "message B": (everybody, campaign.b_variable_ids[0]),
            "template": (managers, self.template.variable_ids[0]),
            "follow-up": (managers, sequence.step_ids.variable_ids[0]),
            "action": ((self.system, self.env.user), action.waba_variable_ids[0]),
        }

    def test_what_nobody_may_show_is_refused_wherever_it_is_written(self):
        for owner, (users, line) in self._lines().items():
            for user, (path, words) in product(users, REFUSED):
                with (
                    self.subTest(owner, user=user.login, path=path),
                    self.assertRaisesRegex(ValidationError, words),
                ):
                    line.with_user(user).write({"source": "field", "field_path": path})

    def test_what_is_said_of_a_person_is_kept(self):
        for owner, (users, line) in self._lines().items():
            for user, path in product(users, ALLOWED):
                with self.subTest(owner, user=user.login, path=path):
                    line.with_user(user).write({"source": "field", "field_path": path})

    def test_the_same_holds_for_contacts(self):
        partner = self.env["res.partner"].create({"name": "Ana", "phone": "+34 611 000 003"})
        line = self._campaign(partner, user_id=self.salesperson.id).variable_ids[0]
        refused = ("user_id", "user_ids.password", "user_ids.login", "signup_type", "write_uid",
                   "waba_message_ids.account_id.app_secret", "image_128", "message_ids.body",
                   "company_id.user_ids.login", "parent_id.user_id.login",
                   "stage_id.name")  # fmt: skip
        for path, user in product(refused, (self.salesperson, self.manager, self.env.user)):
            with self.subTest(path, user=user.login), self.assertRaises(ValidationError):
                line.with_user(user).write({"source": "field", "field_path": path})
        for path in ("city", "parent_id.city", "category_id", "opportunity_ids.city", "email"):
            with self.subTest(path):
                line.with_user(self.salesperson).write({"source": "field", "field_path": path})
                template_line = self.template.variable_ids[0].with_user(self.manager)
                template_line.write({"source": "field", "field_path": path})

    def test_what_the_writer_may_not_read_is_refused(self):
        """Somebody else may: the path leads to a model that salespeople have no access to."""
        self.env["ir.model.access"].search(
            [("model_id.model", "=", "crm.tag"), ("perm_read", "=", True)]
        ).write({"group_id": self.env.ref("base.group_system").id})
        line = self._campaign(self._leads(1), user_id=self.salesperson.id).variable_ids[0]
        values = {"source": "field", "field_path": "tag_ids.name"}
        with self.assertRaisesRegex(ValidationError, "you may not read what tag_ids"):
            line.with_user(self.salesperson).write(values)
        line.with_user(self.system).write(values)

    def test_no_other_door_takes_it(self):
        bad = {"source": "field", "field_path": "waba_message_ids.account_id.access_token"}
        mine = self._campaign(self._leads(1), user_id=self.salesperson.id).with_user(
            self.salesperson
        )
        line = mine.variable_ids[0]
        lines = self.env["waba.campaign.variable"].with_user(self.salesperson)
        doors = {
            "create": lambda: lines.create(
                {"campaign_id": mine.id, "component": "body", "name": "9", **bad}
            ),
            "through the campaign": lambda: mine.write(
                {"variable_ids": [Command.update(line.id, bad)]}
            ),
            "web_save": lambda: mine.web_save(
                {"variable_ids": [Command.update(line.id, bad)]}, {"name": {}}
            ),
            "the source alone": lambda: (
                self._write_stale_path(line, bad["field_path"]),
                line.write({"source": "text"}),
                line.write({"source": "field"}),
            ),
        }
        for name, door in doors.items():
            with self._case(name), self.assertRaises(ValidationError):
                door()
        result = lines.load(
            ["campaign_id/.id", "component", "name", "source", "field_path"],
            [[str(mine.id), "Text", "9", "A field of the record", bad["field_path"]]],
        )
        self.assertFalse(result["ids"])

    def test_a_new_campaign_takes_no_path_its_maker_may_not_show(self):
        self._write_stale_path(self.template.variable_ids[0], "user_id.login")
        with self.assertRaises(ValidationError):
            self.env["waba.campaign"].with_user(self.salesperson).create(
                {"name": "Copy", "template_id": self.template.id, "sender_id": self.sender.id}
            )


class TestPathsRead(PathCase):
    """What was written before, in a form that is not saved, or before rights were taken."""

    def test_a_path_that_was_kept_shows_nothing_to_anybody(self):
        lead = self._lead("+34 611 000 001", user_id=self.salesperson.id)
        lead.partner_id = self.env["res.partner"].create({"name": "Ana", "city": "Sevilla"})
        self._message(res_model="crm.lead", res_id=lead.id)
        line = self.template.variable_ids[0]
        line.write({"source": "field", "field_path": "partner_id.city", "fallback": False})
        users = (self.salesperson, self.manager, self.system, self.env.user)
        for user in users:
            self.assertEqual(self._value(line, lead.with_user(user)), "Sevilla", user.login)
            self.assertEqual(self._value(line, lead.with_user(user).sudo()), "Sevilla", user.login)
        for user, (path, _words) in product(users, REFUSED):
            self._write_stale_path(line, path)
            for record in (lead.with_user(user), lead.with_user(user).sudo()):
                with self.subTest(path, user=user.login, su=record.env.su):
                    self.assertEqual(self._value(line, record), "")

    def test_nobodys_rights_read_nothing(self):
        lead = self._lead("+34 611 000 001", city="Sevilla")
        line = self.template.variable_ids[0]
        line.write({"source": "field", "field_path": "city", "fallback": False})
        archived = new_test_user(self.env, "waba_gone", groups="sales_team.group_sale_manager")
        archived.active = False
        for user in (self.env.ref("base.user_root"), archived):
            with self.subTest(user.login):
                self.assertEqual(self._value(line, lead.with_user(user)), "")

    def test_records_that_the_reader_may_not_read_are_empty_even_when_others_read_them_before(self):
        mine = self._salesperson_of_own()
        lead = self._lead("+34 611 000 001", user_id=mine.id)
        partner = self.env["res.partner"].create({"name": "Ana", "city": "Sevilla"})
        lead.partner_id = partner
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        paths = {"partner_id.city": "Sevilla", "partner_id": "Ana",
                 "partner_id.parent_id.name": "Group"}  # fmt: skip
        partner.parent_id = self.env["res.partner"].create({"name": "Group", "is_company": True})
        line = self.template.variable_ids[0]
        line.write({"source": "field", "fallback": False})
        for path, value in paths.items():
            line.field_path = path
            self.assertIn(value, self._value(line, lead.with_user(mine)))
        partner.write({"company_id": elsewhere.id, "parent_id": False})
        partner.parent_id = self.env["res.partner"].create(
            {"name": "Group", "is_company": True, "company_id": elsewhere.id}
        )
        for path in paths:
            with self.subTest(path):
                line.field_path = path
                self.assertEqual(len(lead.partner_id.city), 7, "somebody has read it")
                self.assertEqual(self._value(line, lead.with_user(mine)), "")

    def test_a_lead_that_is_not_the_readers_shows_nothing(self):
        other = self._salesperson_of_own()
        lead = self._lead("+34 611 000 001", user_id=self.salesperson.id, city="Sevilla")
        line = self.template.variable_ids[0]
        line.write({"source": "field", "field_path": "city", "fallback": False})
        self.assertEqual(self._value(line, lead.with_user(self.salesperson)), "Sevilla")
        self.assertEqual(self._value(line, lead.with_user(other)), "")

    def test_someone_known_by_number_alone_has_no_paths(self):
        self._message()
        person = self.env["waba.recipient"].search([("number", "=", "+34611000001")])
        line = self.template.variable_ids[0]
        for path in ("portfolio_id.account_ids.access_token", "number", "portfolio_id.name",
                     "partner_id.name", "create_uid.login"):  # fmt: skip
            self._write_stale_path(line, path)
            for record in (person, person.with_user(self.manager), person.with_user(self.system)):
                facts = self.env["waba.message"]._recipient_facts(person)
                with self.subTest(path, user=record.env.user.login):
                    self.assertEqual(line._record_value(record, facts), line.fallback or "")

    @settings(
        max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(st.data())
    def test_no_walk_ever_reaches_a_key(self, data):
        """Steps drawn from the fields that there are, as far as the walk may go."""
        self._message(res_model="crm.lead", res_id=self._lead("+34 611 000 001").id)
        lead = self.env["crm.lead"].search([("phone", "=", "+34 611 000 001")], limit=1)
        model, names = self.env["crm.lead"], []
        for _step in range(data.draw(st.integers(1, 5))):
            name = data.draw(st.sampled_from(sorted(model._fields)))
            names.append(name)
            if not model._fields[name].relational:
                break
            model = self.env[model._fields[name].comodel_name]
        self._write_stale_path(line := self.template.variable_ids[0], ".".join(names))
        shown = self._value(line, lead.with_user(self.system))
        for secret in (TOKEN, APP_SECRET, VERIFY_TOKEN, self.account.webhook_key):
            self.assertNotIn(secret, shown)
        if any(name.endswith("_uid") or "token" in name for name in names):
            self.assertEqual(shown, line.fallback or "", names)


class TestPathsInConversations(AutoReplyCase):
    """Templates that stand by: the screen of a conversation, and what answers by itself."""

    def setUp(self):
        super().setUp()
        self.line = self.utility_template.variable_ids.filtered(lambda one: one.component == "body")
        self.line = self.line[:1]
        self.line.fallback = "-"

    def _shown(self, user, **request):
        return self.env["waba.conversation"].with_user(user).conversation_template(
            {"template_id": self.utility_template.id, **request}
        )  # fmt: skip

    def test_a_template_for_someone_without_a_record_shows_no_key(self):
        """The first example: the manager's path, which a salesperson's screen answered."""
        self._write("hola", number="+34611009999", wamid="wamid.stranger")
        conversation = self.env["waba.conversation"].search(
            [("recipient_id.number", "=", "+34611009999")]
        )
        conversation.write({"res_model": False, "res_id": False, "responsible_id": False})
        for path in ("portfolio_id.account_ids.access_token", "number", "portfolio_id.name"):
            with self.assertRaises(ValidationError):
                self.line.with_user(self.manager).write({"source": "field", "field_path": path})
            self._write_stale_path(self.line, path)
            for user in (self.marta, self.manager):
                with self.subTest(path, user=user.login):
                    found = self._shown(user, conversation_id=conversation.id)
                    self.assertNotIn(TOKEN, str(found))
                    values = {one["id"]: one["value"] for one in found["variables"]}
                    self.assertEqual(values[self.line.id], "-")

    def test_a_template_for_a_lead_is_read_as_the_salesperson_who_looks(self):
        self._write("hola", wamid="wamid.lead")
        shown = ["crm.lead", self.lead.id]
        self.lead.city = "Sevilla"
        for path, value in {"city": "Sevilla", "user_id.login": "-",
                            "waba_message_ids.account_id.access_token": "-"}.items():  # fmt: skip
            self._write_stale_path(self.line, path)
            found = self._shown(self.marta, shown=shown, sender_id=self.sender.id)
            values = {one["id"]: one["value"] for one in found["variables"]}
            with self.subTest(path):
                self.assertEqual(values[self.line.id], value)

    def _rule_with(self, path, user):
        rule = self._rule(answer="template", template_id=self.utility_template.id)
        rule.with_user(user).write({"name": "Prices"})
        self.env.flush_all()
        self._write_stale_path(self.line, path)
        for line in self.utility_template.variable_ids - self.line:
            line.write({"source": "text", "text": "x"})
        return rule

    def _answered(self, number=NUMBER):
        self._write("precio", number=number, wamid=f"wamid.{number}")
        row = self.env["waba.message"].search([("origin", "=", "reply")], order="id desc", limit=1)
        self.assertEqual(row.state, "queued")
        return str(row.parameters)

    def test_an_automatic_reply_to_a_stranger_reads_no_path(self):
        for path in ("portfolio_id.account_ids.access_token", "portfolio_id.name", "number"):
            with self._case(path):
                self._rule_with(path, self.manager)
                self.env.company.waba_create_lead = False
                self.assertNotIn(TOKEN, self._answered("+34611009999"))

    def test_an_automatic_reply_about_a_lead_is_read_as_who_wrote_it_last(self):
        self.lead.city = "Sevilla"
        cases = {
            "a manager's": (self.manager, "city", "Sevilla"),
            "of a manager, a secret": (self.manager, "user_id.login", "'-'"),
            "of a user who left": (None, "city", "'-'"),
        }
        for name, (user, path, shown) in cases.items():
            with self._case(name):
                writer = user or new_test_user(
                    self.env, "waba_left",
                    groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
                )  # fmt: skip
                self._rule_with(path, writer)
                writer.active = bool(user)
                self.assertIn(shown, self._answered())


class TestPathsInFollowUps(SequenceCase):
    def _parameters(self, sequence, lead):
        self.env.flush_all()
        lead.stage_id = self.stage
        self._run_cron(self.env.ref("waba_campaign.ir_cron_run_followups"))
        row = self.env["waba.message"].search([("sequence_id", "=", sequence.id)], limit=1)
        return str(row.parameters)

    def test_a_steps_path_is_read_as_who_started_the_follow_up(self):
        other = new_test_user(
            self.env, "waba_own_manager",
            groups="sales_team.group_sale_salesman_all_leads,waba_campaign.waba_group_manager",
        )  # fmt: skip
        hidden = self.env["res.partner"].create({"name": "Ana", "city": "Sevilla"})
        cases = {
            "city": ("city", "Lugo"),
            "of the contact": ("partner_id.city", "Sevilla"),
            "a key": ("waba_message_ids.account_id.access_token", "'-'"),
            "a user": ("user_id.login", "'-'"),
        }
        for name, (path, shown) in cases.items():
            with self._case(name):
                sequence = self._sequence({"wait_amount": 0}, activate=False)
                line = sequence.step_ids.variable_ids[0]
                line.write({"source": "field", "field_path": "city", "fallback": "-"})
                self._write_stale_path(line, path)
                sequence.with_user(other)._activate()
                self.assertEqual(sequence.reader_id, other)
                lead = self._opportunity(city="Lugo", partner_id=hidden.id)
                found = self._parameters(sequence, lead)
                self.assertIn(shown, found)
                self.assertNotIn(TOKEN, found)


class TestPathsInActions(PathCase):
    def _action(self, path):
        action = self.env["ir.actions.server"].with_user(self.system).create(
            {
                "name": "Write", "state": "waba_template",
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "waba_template_id": self.utility_template.id, "waba_sender_id": self.sender.id,
            }
        )  # fmt: skip
        for line in action.waba_variable_ids:
            line.sudo().write({"source": "text", "text": "x", "fallback": "-"})
        self._write_stale_path(action.sudo().waba_variable_ids[0], path)
        return action

    def test_read_as_who_sets_it_off_or_for_a_job_as_who_wrote_it(self):
        lead = self._lead("+34 611 000 001", user_id=self.salesperson.id, city="Lugo")
        other = self._salesperson_of_own()
        root, public = self.env.ref("base.user_root"), self.env.ref("base.public_user")
        cases = [
            (self.salesperson, "city", "Lugo"),
            (other, "city", "'-'"),
            (root, "city", "Lugo"),
            (public, "city", "Lugo"),
            (root, "user_id.login", "'-'"),
            (self.system, "waba_message_ids.account_id.access_token", "'-'"),
        ]
        for user, path, shown in cases:
            with self._case(f"{user.login}, {path}"):
                action = self._action(path).with_user(user).sudo()
                action._run_action_waba_template_multi({"records": lead.with_user(user).sudo()})
                row = self.env["waba.message"].search([("action_id", "=", action.id)])
                self.assertIn(shown, str(row.parameters))
