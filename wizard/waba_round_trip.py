"""Round trip test: one message to a phone of ours, followed until it is reported as delivered.

Opened by the diagnosis and by *Getting started*. The screen reloads it while a step is open
(static/src/setup/round_trip_steps.js).
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.base.waba_message import ACCEPTED_STATES
from ..models.tools.labels import dialog_action, form_action
from ..models.tools.moments import format_moment
from ..policy import numbers

# How long each step takes at most while everything works.
PATIENCE = timedelta(seconds=60)
# States that a webhook alone reports.
REPORTED_STATES = ("sent", "delivered", "read")


class WabaRoundTrip(models.TransientModel):
    """Dialog that sends a test and shows its way: to WhatsApp, back by webhook, on the phone.

    A test goes to listed test numbers only, as every test (`_waba_test_refusals`); an
    administrator, who edits the list, adds the number by entering it here.
    """

    _name = "waba.round.trip"
    _description = "WhatsApp Round Trip Test"
    _inherit = ["waba.system.fields.mixin"]

    company_id = fields.Many2one("res.company", compute="_compute_company_id")
    sender_id = fields.Many2one(
        "waba.sender", "From", required=True, domain="[('company_id', 'in', allowed_company_ids)]"
    )
    account_id = fields.Many2one(related="sender_id.account_id")
    template_id = fields.Many2one(
        "waba.template",
        required=True,
        compute="_compute_template_id",
        store=True,
        precompute=True,
        readonly=False,
        domain="[('account_id', '=', account_id), ('status', '=', 'approved')]",
    )
    phone = fields.Char("To", required=True, help="Your own mobile number with its country code.")
    is_listed = fields.Boolean(compute="_compute_is_listed")
    is_simulated = fields.Boolean(related="account_id.is_simulated")
    message_id = fields.Many2one("waba.message", readonly=True)
    steps = fields.Json(compute="_compute_steps")
    is_finished = fields.Boolean(compute="_compute_steps")

    @api.depends("sender_id")
    def _compute_company_id(self):
        for test in self:
            test.company_id = test.sender_id.company_id or self.env.company

    @api.depends("sender_id")
    def _compute_template_id(self):
        for test in self:
            if test.template_id.account_id != test.account_id:
                test.template_id = test._default_template()

    @api.depends("phone", "sender_id")
    def _compute_is_listed(self):
        """Whether a test may go to the number, or the user may enter it as a test number."""
        for test in self:
            number = test._number()
            test.is_listed = (
                not number or self.env.user._is_system() or number in test._listed_numbers()
            )

    @api.model
    def _open(self, account):
        """Action that opens the dialog for an account's first number that can send."""
        senders = account.sender_ids
        sender = senders.filtered(lambda one: not one._not_sending_reason())[:1] or senders[:1]
        name = self.env._("Test round trip")
        phone = self.env.user.partner_id.phone or False
        return dialog_action(self, name, sender_id=sender.id, phone=phone)

    def _default_template(self):
        """An approved template without a file, a service message and the user's language first."""
        templates = self.env["waba.template"].search(
            [("account_id", "=", self.account_id.id), ("status", "=", "approved")], order="name"
        )
        usable = templates.filtered(lambda one: not one._not_sendable_reason())
        language = (self.env.lang or "en")[:2]
        return usable.sorted(lambda one: (one.category != "utility", one.language[:2] != language))[
            :1
        ]

    def _number(self):
        """The entered number as recipients have it; False if it is none."""
        self.ensure_one()
        number = self.phone and self.env["res.partner"]._phone_format(
            number=self.phone, country=self.company_id.country_id, force_format="E164"
        )
        return number and numbers.canonical_number(number)

    def _listed_numbers(self):
        """The company's test numbers, as recipients have them."""
        listed = self.company_id.sudo()._waba_test_number_list()
        return [numbers.canonical_number(number) for number in listed]

    def action_send(self):
        """Queue the test, once per dialog.

        :raise UserError: the number is not valid or not allowed, or the template cannot be sent
        """
        self.ensure_one()
        self.lock_for_update()
        if self.message_id:
            return self._reopen()
        self.sender_id.check_access("read")
        number = self._number()
        if not number:
            raise UserError(
                self.env._(
                    "%s is not a valid phone number. Check it and its country code.", self.phone
                )
            )
        if reason := self.template_id._not_sendable_reason():
            raise UserError(reason)
        company = self.company_id
        self._list_number(number)
        if problems := company._waba_test_refusals([(number, number, self.env["res.users"])]):
            raise UserError("\n".join(problems))
        [person] = (
            self.env["waba.recipient"]
            .sudo()
            ._find_or_create_by_number(self.sender_id.sudo().portfolio_id, [number])
            .values()
        )
        row = self.env["waba.message"]._queue_test(
            self.sender_id, person.with_env(self.env), self.template_id, self._example_lines()
        )
        self.sudo().message_id = row
        return self._reopen()

    def action_again(self):
        """Open the dialog for another test with the same values."""
        values = {"sender_id": self.sender_id.id, "phone": self.phone}
        values["template_id"] = self.template_id.id
        return dialog_action(self, self.env._("Test round trip"), **values)

    def _list_number(self, number):
        """Add a number that an administrator entered to the company's test numbers."""
        company = self.company_id.sudo()
        if self.env.user._is_system() and number not in self._listed_numbers():
            company.waba_test_numbers = ", ".join(filter(None, [company.waba_test_numbers, number]))

    def _example_lines(self):
        """Variables that show Meta's examples."""
        lines = self.env["waba.template.variable"]
        for line in self.template_id.sudo().variable_ids:
            if line.source == "link":
                lines |= line
                continue
            lines |= line.new({**line._example_values(), "template_id": self.template_id.id})
        return lines

    def _reopen(self):
        return {
            **form_action(self),
            "name": self.env._("Test round trip"),
            "views": [(False, "form")],
            "target": "new",
        }

    # === Steps ===

    @api.depends("message_id.state", "message_id.failure_reason")
    def _compute_steps(self):
        for test in self:
            steps = test._list_steps() if test.message_id else []
            test.steps = steps
            test.is_finished = bool(steps) and (
                steps[-1]["state"] == "done" or any(step["state"] == "failed" for step in steps)
            )

    def _list_steps(self):
        """The three steps: [{'key', 'label', 'state': done|failed|late|waiting, 'text'}]."""
        row = self.message_id.sudo()
        labels = {
            "sent": self.env._("Sent to WhatsApp"),
            "webhook": self.env._("Reported by webhook"),
            "delivered": self.env._("Delivered to the phone"),
        }
        results = [self._sent_step(row), self._webhook_step(row), self._delivered_step(row)]
        steps, is_open = [], True
        for (key, label), (state, text) in zip(labels.items(), results, strict=True):
            # A step whose forerunner is open has nothing to say yet.
            if not is_open:
                state, text = "waiting", ""
            steps.append({"key": key, "label": label, "state": state, "text": text})
            is_open = state == "done"
        return steps

    def _sent_step(self, row):
        if row.state in ACCEPTED_STATES or row.accepted_at:
            moment = row.accepted_at and format_moment(self.env, row.accepted_at, "", seconds=True)
            return "done", moment or ""
        if row.state == "uncertain":
            text = self.env._("Unconfirmed: WhatsApp did not answer. It is not sent again.")
            return "failed", text
        if row.state not in ("queued", "reserved"):
            return "failed", row.failure_reason or ""
        sender = row.sender_id
        if reason := sender._not_sending_reason():
            return "failed", reason
        if sender._is_scheduler_stopped(fields.Datetime.now()):
            return "late", sender._no_worker_text()
        if text := row._delay_text():
            return "late", text
        if self._is_late(row.create_date):
            return "late", self.env._(
                "Still queued. Check the scheduled jobs and the daily limit in the Diagnosis."
            )
        return "waiting", self.env._("Queued.")

    def _webhook_step(self, row):
        """Whether a signed event came back: what proves callback URL, secret and Live mode."""
        if row.state in REPORTED_STATES or (row.state == "failed" and row.accepted_at):
            return "done", ""
        account = row.account_id
        if account.refused_at and account.refused_at >= row.create_date:
            return "failed", self.env._(
                "Event rejected: wrong signature. Copy the app secret again from the app "
                "dashboard: App settings → Basic."
            )
        if account.last_event_at and account.last_event_at >= row.create_date:
            if self._is_late(account.last_event_at):
                return "late", self.env._(
                    "An event was received but not applied. Check the scheduled jobs in the "
                    "Diagnosis."
                )
            return "waiting", self.env._("Event received.")
        if self._is_late(row.accepted_at or row.create_date):
            return "late", self.env._(
                "No event received. Check in the app dashboard: Live mode, callback URL, and the "
                "webhook field “messages”."
            )
        return "waiting", self.env._("Waiting for the first event.")

    def _delivered_step(self, row):
        if row.state in ("delivered", "read"):
            return "done", self.env._("Read.") if row.state == "read" else ""
        if row.state == "failed":
            return "failed", row.failure_reason or ""
        if self._is_late(row.sent_at or row.accepted_at):
            return "late", self.env._(
                "Not delivered yet. Check that the phone is online and uses WhatsApp."
            )
        return "waiting", self.env._("On its way.")

    def _is_late(self, since):
        return bool(since) and fields.Datetime.now() - since > PATIENCE
