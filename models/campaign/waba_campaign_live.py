"""Live updates: open screens of a campaign are notified when it changes.

Called by every change of state, each prepared chunk, and the hooks of dispatch and statuses.
"""

import re
import time

from odoo import models

from ..tools.hooks import implements

CHANNEL = re.compile(r"waba\.campaign_(\d+)")

# While it is sent, a campaign notifies once in so many seconds and process: a screen that reloads
# for every second's batch would read its figures all the time.
SENDING_INTERVAL_SECONDS = 3

# {(database, campaign id): monotonic time of the last notification while sending}
_notified = {}


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    def _notify_viewers(self):
        """Notify open screens that these campaigns changed; the bus carries no content."""
        for campaign in self:
            self.env["bus.bus"]._sendone(campaign, "waba.campaign", {"id": campaign.id})

    def _notify_viewers_while_sending(self):
        """As `_notify_viewers`, at most once in SENDING_INTERVAL_SECONDS."""
        now = time.monotonic()
        for campaign in self:
            key = (self.env.cr.dbname, campaign.id)
            if now - _notified.get(key, -SENDING_INTERVAL_SECONDS) >= SENDING_INTERVAL_SECONDS:
                _notified[key] = now
                campaign._notify_viewers()


class WabaSender(models.Model):
    _inherit = "waba.sender"

    @implements("_on_reserved")
    def _notify_campaign_viewers(self, campaign, _leaves_by):
        campaign._notify_viewers_while_sending()

    @implements("_on_dispatch_end")
    def _notify_running_viewers(self):
        self._find_campaigns("running")._notify_viewers()


class WabaMessage(models.Model):
    _inherit = "waba.message"

    @implements("_on_status")
    def _notify_campaign_viewers_of_statuses(self, _reported, _arrived):
        self.campaign_id._notify_viewers()


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    @implements("_on_subscribe")
    def _find_campaign_channel(self, name):
        """The campaign that "waba.campaign_7" stands for, if the user may read it."""
        if not (match := CHANNEL.fullmatch(name)):
            return None
        campaign = self.env["waba.campaign"].browse(int(match[1])).exists()
        return campaign if campaign and campaign.has_access("read") else None
