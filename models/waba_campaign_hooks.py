from odoo import models

from .hooks import implements


class WabaMessage(models.Model):
    """What campaigns do when a lower package announces something (models/hooks.py)."""

    _inherit = "waba.message"

    @implements("_on_trim")
    def _remember_trimmed(self, campaign):
        campaign._remember_counts(self.ids)
