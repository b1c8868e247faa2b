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
    _description = "WhatsApp test message"
    _inherit = ["waba.system.fields.mixin"]

    campaign_id = fields.Many2one("waba.campaign", required=True, readonly=True)
    res_id = fields.Integer("Filled as for (ID)", readonly=True)
    person_name = fields.Char("Filled as for", readonly=True)
    variant = fields.Selection([("a", "Message A"), ("b", "Message B"), ("both", "Both")],
                               "Message", default="a", required=True)  # fmt: skip
    is_ab_test = fields.Boolean(related="campaign_id.ab_test")
    user_ids = fields.Many2many(
        "res.users",
        string="Send to",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        default=lambda self: self.env.user,
    )
    company_id = fields.Many2one(related="campaign_id.company_id")
    test_numbers = fields.Char(related="campaign_id.company_id.waba_test_numbers")
    to_test_numbers = fields.Boolean("Also to the numbers for tests")
    warning = fields.Text(compute="_compute_warning")
    message_ids = fields.Many2many("waba.message", string="Messages", readonly=True)

    @api.depends("user_ids", "to_test_numbers", "campaign_id")
    def _compute_warning(self):
        for wizard in self:
            lines = []
            if wizard.campaign_id:
                lines = wizard.company_id._waba_test_refusals(wizard._colleagues())
                lines += wizard._missing_values()
            wizard.warning = "\n".join(lines)

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
            template, lines = self.campaign_id._variant_message(variant)
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

    def _test_recipients(self):
        """Return the recipients, each number once: users' contacts, recipients of listed numbers.

        :raise UserError: there is none, or one that is not allowed; then no test is sent
        """
        colleagues = self._colleagues()
        listed = self.company_id.sudo()._waba_test_number_list() if self.to_test_numbers else []
        listed = [numbers.canonical_number(number) for number in listed]
        if not colleagues and not listed:
            raise UserError(
                self.env._("Choose who gets the test. Colleagues need a phone in their contact.")
            )
        nobody = self.env["res.users"]
        problems = self.company_id._waba_test_refusals(
            colleagues + [(number, number, nobody) for number in listed]
        )
        if problems:
            raise UserError("\n".join([self.env._("No test was sent."), *problems]))
        people = {number: user.partner_id for _name, number, user in colleagues}
        portfolio = self.campaign_id.sudo().sender_id.portfolio_id
        found = self.env["waba.recipient"].sudo()._find_or_create_by_number(
            portfolio, [number for number in listed if number not in people]
        )  # fmt: skip
        return [*people.values(), *found.values()]

    # === Message ===

    def _previewed_record(self):
        """Return the previewed record, or the first one if it no longer exists."""
        records = self.campaign_id._audience_records()
        return records.search([("id", "=", self.res_id)]) or self.campaign_id._first_record()

    def _missing_values(self):
        """Return the problems of the previewed recipient's message."""
        record = self._previewed_record()
        if not record:
            return []
        notes = self.campaign_id._preview_notes(record, record._waba_person_facts())
        lacks = [note["text"] for note in notes if note["kind"] in ("left_out", "to_do")]
        return lacks and [*lacks, self.env._("The test shows Meta's example there.")]

    def _filled_lines_for_preview(self, lines):
        """Return lines that show every test recipient what the previewed recipient would see.

        Empty values show Meta's example.
        """
        record = self._previewed_record()
        facts = record and record._waba_person_facts()
        filled = lines.browse()
        for line in lines:
            if line.source == "link":
                filled |= line
                continue
            value = record and line._record_value(record, facts)
            filled |= lines.new(
                {
                    **{name: line[name] for name in ("sequence", "component", "button_index",
                                                     "name", "kind", "example")},
                    "campaign_id": self.campaign_id.id,
                    "variant": line.variant,
                    "source": "text",
                    "text": value or line.example or line.name,
                }
            )  # fmt: skip
        return filled


class WabaMessageTest(models.Model):
    _inherit = "waba.message"

    result_text = fields.Char("What became of it", compute="_compute_result_text")

    @api.depends("state", "failure_reason")
    def _compute_result_text(self):
        states = selection_labels(self, "state")
        for row in self:
            if row.state in ACCEPTED_STATES:
                row.result_text = states[row.state]
            else:
                row.result_text = row.failure_reason or states[row.state]
