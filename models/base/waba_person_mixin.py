"""Base: `waba.person.mixin`, for models whose records can be messaged: leads and contacts.

Called by audiences, previews, conversations and panels; implemented in crm/.
"""

from odoo import api, fields, models

from ...policy import person_name
from ..tools.labels import list_action


class WabaPersonMixin(models.AbstractModel):
    """A record that can be messaged: a person's data, and its messages.

    To make another model a target of campaigns, inherit this mixin and `mail.thread.phone`,
    override `_waba_person_facts` (and `_waba_person_fields`, for speed) and list the model in
    `_waba_target_models`.
    """

    _name = "waba.person.mixin"
    _description = "WhatsApp Recipient Record"
    _inherit = ["waba.system.fields.mixin"]

    # For domains on the results of a campaign's messages.
    waba_message_ids = fields.One2many(
        "waba.message",
        "res_id",
        "WhatsApp messages",
        readonly=True,
        groups="waba_campaign.waba_group_user",
    )
    waba_message_count = fields.Integer(
        "WhatsApp message count", compute="_compute_waba_message_count"
    )

    @api.depends_context("uid")
    def _compute_waba_message_count(self):
        counts = {}
        if self.env["waba.message"].has_access("read"):
            groups = self.env["waba.message"]._read_group(
                [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                ["res_id"],
                ["__count"],
            )
            counts = dict(groups)
        for record in self:
            record.waba_message_count = counts.get(record.id, 0)

    @api.model
    def _waba_target_models(self):
        """[(model name, label)] of the models whose records can be messaged."""
        return [
            ("crm.lead", self.env._("Leads and opportunities")),
            ("res.partner", self.env._("Contacts")),
        ]

    def _waba_person_facts(self):
        """Values that template variables can show.

        :return: {'name', 'first_name', 'company', 'salesperson', 'partner'}: str each, '' for
            none; `partner` is a res.partner recordset, which may be empty
        """
        self.ensure_one()
        raise NotImplementedError

    @api.model
    def _waba_person_fields(self):
        """Names of the fields that `_waba_person_facts` reads, to fetch them for many records.

        A missing one is still read, but then all other fields are fetched with it.
        """
        return []

    @api.model
    def _waba_first_name(self, name):
        """The first name in a person's name, '' if it is not certain."""
        return person_name.first_name(name or "")

    def action_view_waba_messages(self):
        self.ensure_one()
        domain = [("res_model", "=", self._name), ("res_id", "=", self.id)]
        return list_action(self.env, "waba_message_action", domain)


def linked_record(row):
    """The record that a row names by `res_model` and `res_id`, or None if it does not exist."""
    row.ensure_one()
    if row.res_model not in row.env or not row.res_id:
        return None
    return row.env[row.res_model].browse(row.res_id).exists() or None
