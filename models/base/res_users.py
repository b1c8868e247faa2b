"""Base: how a user is notified of inbound messages.

Called by conversations when a message is received; users set it in their preferences.
"""

from odoo import fields, models

from .res_company import NOTIFICATION_CHANNELS


class ResUsers(models.Model):
    _inherit = "res.users"

    waba_notify = fields.Selection(
        NOTIFICATION_CHANNELS,
        "WhatsApp notifications",
        help="How you are notified of WhatsApp messages; empty: as set by the company.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "waba_notify"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "waba_notify"]

    def _waba_notification_channel(self, company):
        """A key of NOTIFICATION_CHANNELS: the user's own choice, else the company's."""
        return self.sudo().waba_notify or company.waba_notify or "inbox"
