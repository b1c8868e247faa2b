"""Conversation: which users may subscribe to the live updates of a conversation or a draft.

Called by the bus when a screen subscribes (static/src/conversation/, static/src/builder/).
"""

import re

from odoo import models

from ..tools.hooks import hook, implements

DRAFT_CHANNEL = re.compile(r"waba\.template\.draft_(\d+)")
CHANNEL = re.compile(r"waba\.conversation_(\d+)(?:_(crm\.lead|res\.partner)_(\d+))?")


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        """Replace "waba.conversation_7" by that conversation, if the user may read it.

        The name may end in the record that the screen shows ("…_7_crm.lead_12"), which can give
        access.
        """
        channels = list(channels)
        for name in [name for name in channels if isinstance(name, str)]:
            if not (match := CHANNEL.fullmatch(name)):
                channels += filter(None, self._on_subscribe(name))
                continue
            channels.remove(name)
            conversation = self.env["waba.conversation"].browse(int(match[1])).exists()
            shown = (match[2], int(match[3])) if match[2] else False
            is_user = self.env.user.has_group("waba_campaign.waba_group_user")
            if conversation and is_user and conversation._is_readable(shown):
                channels.append(conversation)
        return super()._build_bus_channel_list(channels)

    @hook
    def _on_subscribe(self, name):
        """A screen subscribes to the channel `name`.

        :return: the record that it stands for if the user may read it, else None
        """

    @implements("_on_subscribe")
    def _find_draft_channel(self, name):
        """The draft that "waba.template.draft_7" stands for, if the user may read it."""
        if not (match := DRAFT_CHANNEL.fullmatch(name)):
            return None
        draft = self.env["waba.template.draft"].browse(int(match[1])).exists()
        return draft if draft and draft.has_access("read") else None
