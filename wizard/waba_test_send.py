"""Test: send a campaign's message to users' phones, as the previewed recipient would get it.

Called by `action_send_test` of the campaign.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.base.waba_message import ACCEPTED_STATES
from ..models.tools.labels import form_action, selection_labels
from ..policy import numbers


class WabaTestSend(models.TransientModel):
    """Dialog to send a test.

    Only to numbers that an administrator listed for tests, a few a day
    (models/dispatch/waba_message_queue.py): a test never reaches a customer. The messages are sent
    and counted like all others.
    """

    _name = "waba.test.send"
    _description = "WhatsApp Test Message"
    _inherit = ["waba.system.fields.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, readonly=True)
    res_id = fields.Integer("Personalised for (ID)", readonly=True)
    person_name = fields.Char("Personalised for", readonly=True)
    variant = fields.Selection([("a", "Variant A"), ("b", "Variant B"), ("both", "Both")],
                               default="a", required=True)  # fmt: skip
    is_ab_test = fields.Boolean(related="campaign_id.ab_test")
    number = fields.Char(
        "Test number", help="One of the test numbers in Settings, with its country code."
    )
    user_ids = fields.Many2many(
        "res.users",
        string="Colleagues",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    company_id = fields.Many2one(related="campaign_id.company_id")
    test_numbers = fields.Char(related="campaign_id.company_id.waba_test_numbers")
    to_test_numbers = fields.Boolean("All test numbers")
    warning = fields.Text(compute="_compute_warning")
    delay = fields.Char("Departure", compute="_compute_warning")
    message_ids = fields.Many2many("waba.message", string="Messages", readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        """Start with the user's own phone, if it may receive tests."""
        wizards = super().create(vals_list)
        for wizard in wizards.filtered(lambda one: not one.user_ids):
            user = self.env.user
            number = self.env["waba.recipient"]._number_of(user.sudo().partner_id)
            company = wizard.campaign_id.company_id
            if not company._waba_test_refusals([(user.name, number, user)]):
                wizard.user_ids = user
        return wizards

    @api.depends("user_ids", "number", "to_test_numbers", "variant", "campaign_id")
    def _compute_warning(self):
        for wizard in self:
            lines, delay = [], False
            if wizard.campaign_id:
                lines = wizard.company_id._waba_test_refusals(wizard._chosen_people())
                lines += wizard._missing_values()
                delay = wizard._departure_text()
            wizard.warning = "\n".join(lines)
            wizard.delay = delay

    def _departure_text(self):
        """When a test leaves, and why later, as a text; False if it leaves at once."""
        numbers_ = [number for _name, number, _user in self._chosen_people() if number]
        sender = self.campaign_id.sudo().sender_id
        recipients = self.env["waba.recipient"].sudo().search(
            [("portfolio_id", "=", sender.portfolio_id.id), ("number", "in", numbers_)]
        )  # fmt: skip
        template, _lines = self._tested_message("b" if self.variant == "b" else "a")
        recipient = recipients[:1] if len(recipients) == len(set(numbers_)) else recipients.browse()
        delay = sender._direct_delay(template.sudo(), recipient)
        return delay and self.env["waba.message"]._format_delay(delay)

    def action_send(self):
        """Queue the test messages, once per dialog.

        :raise UserError: no recipient is allowed, or the template cannot be sent
        """
        self.ensure_one()
        self.campaign_id.check_access("write")
        # A second click waits for the first, and finds its messages.
        self.lock_for_update()
        if self.message_ids:
            return self._reopen()
        people = self._test_recipients()
        rows = self.env["waba.message"]
        for variant in ("a", "b") if self.variant == "both" else (self.variant,):
            template, lines = self._tested_message(variant)
            if reason := template._not_sendable_reason():
                raise UserError(reason)
            filled = self._filled_lines_for_preview(lines)
            for person in people:
                rows |= rows._queue_test(self.campaign_id.sender_id, person, template, filled)
        self.sudo().message_ids = rows
        return self._reopen()

    def action_refresh(self):
        """Show the current state of the test messages."""
        return self._reopen()

    def _reopen(self):
        return {
            **form_action(self),
            "name": self.env._("Send test"),
            "views": [(False, "form")],
            "target": "new",
        }

    # === Recipients ===

    def _colleagues(self):
        """Return [(name, E.164 number or '', res.users)] of the chosen internal users here."""
        colleagues = self.user_ids.sudo().filtered(
            lambda user: not user.share and self.company_id in user.company_ids
        )
        number_of = self.env["waba.recipient"]._number_of
        return [
            (user.name, number_of(user.partner_id), user.with_env(self.env)) for user in colleagues
        ]

    def _chosen_people(self):
        """Return [(name, E.164 number or '', res.users)] of everybody chosen.

        :raise ValidationError: the typed number is none
        """
        nobody = self.env["res.users"]
        typed = [(number, number, nobody) for number in self._typed_numbers()]
        return self._colleagues() + typed

    def _typed_numbers(self):
        """Return the test numbers typed and listed, as E.164."""
        company = self.company_id.sudo()
        found = company._waba_test_number_list() if self.to_test_numbers else []
        if self.number:
            number = self.env["res.partner"]._phone_format(
                number=self.number, country=company.country_id, force_format="E164"
            )
            # Not a phone number: refused as any other that is not listed.
            found.append(number or self.number)
        return list(dict.fromkeys(numbers.canonical_number(number) for number in found))

    def _test_recipients(self):
        """Return the recipients, each number once: users' contacts, recipients of listed numbers.

        :raise UserError: there is none, or one that is not allowed; then no test is sent
        """
        chosen = self._chosen_people()
        if not chosen:
            raise UserError(self.env._("Enter a test number, or choose a colleague."))
        if problems := self.company_id._waba_test_refusals(chosen):
            raise UserError("\n".join([self.env._("No test sent."), *problems]))
        people = {number: user.partner_id for _name, number, user in chosen if user}
        portfolio = self.campaign_id.sudo().sender_id.portfolio_id
        typed = [number for _name, number, user in chosen if not user and number not in people]
        found = self.env["waba.recipient"].sudo()._find_or_create_by_number(portfolio, typed)
        return [*people.values(), *found.values()]

    # === Message ===

    def _tested_message(self, variant):
        """Return (template, variables) of a variant, in the language of the previewed record."""
        campaign, record = self.campaign_id, self._previewed_record()
        if campaign.by_language and record:
            return campaign._message_for(record, record._waba_person_facts())
        return campaign._variant_message(variant)

    def _previewed_record(self):
        """Return the previewed record, or the first one if it no longer exists."""
        records = self.campaign_id._audience_records()
        return records.search([("id", "=", self.res_id)]) or self.campaign_id._first_record()

    def _missing_values(self):
        """Return the problems of the previewed recipient's message."""
        record = self._previewed_record()
        if not record:
            return []
        facts = record._waba_person_facts()
        _template, lines = self._tested_message("b" if self.variant == "b" else "a")
        notes = self.campaign_id._preview_notes(record, facts, lines)
        lacks = [note["text"] for note in notes if note["kind"] in ("left_out", "to_do")]
        return lacks and [*lacks, self.env._("The test shows the template's example instead.")]

    def _filled_lines_for_preview(self, lines):
        """Return lines that show every test recipient what the previewed recipient would see.

        Empty values show the template's example.
        """
        record = self._previewed_record()
        facts = record and record._waba_person_facts()
        filled = lines.browse()
        for line in lines:
            if line.source == "link":
                filled |= line
                continue
            values = line._example_values()
            if values["source"] == "text":
                value = record and line._record_value(record, facts)
                values["text"] = value or values["text"]
            own = {
                "campaign_id": self.campaign_id.id,
                "variant": line.variant,
                "language_id": line.language_id.id,
            }
            filled |= lines.new({**values, **own})
        return filled


class WabaMessageTest(models.Model):
    _inherit = "waba.message"

    result_text = fields.Char("Result", compute="_compute_result_text")

    @api.depends("state", "failure_reason")
    def _compute_result_text(self):
        states = selection_labels(self, "state")
        for row in self:
            if row.state in ACCEPTED_STATES:
                row.result_text = states[row.state]
            else:
                row.result_text = row.failure_reason or row._delay_text() or states[row.state]
