"""Ads: the 72 hours after an answered click, in which Meta charges nothing (policy.free_window).

Called by the hooks of statuses. Prices ask `waba.conversation.free_until_at`.
"""

from odoo import fields, models
from odoo.tools import SQL

from ...policy import free_window
from ..tools.hooks import implements


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    _clicked_idx = models.Index("(ad_clicked_at) WHERE ad_clicked_at IS NOT NULL")

    def _set_free_until(self, until):
        """Store the end of the free window; one that opens is used first.

        :param until: naive UTC datetime
        """
        now = fields.Datetime.now()
        opens = until > now and (not self.free_until_at or self.free_until_at <= now)
        self.free_until_at = until
        if opens:
            self._advance_campaign_messages(now)
        self._notify_viewers()

    def _advance_campaign_messages(self, now):
        """Put the due messages of campaigns to this person at the head of their campaigns.

        Each is the same message, in its campaign's own turn: neither the order of campaigns nor a
        limit changes. It pays where a campaign takes days because of the daily limit.
        """
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET retry_at = (SELECT min(q.retry_at) FROM waba_message q
                                       WHERE q.campaign_id = m.campaign_id
                                         AND q.state = 'queued') - interval '1 second'
                    WHERE m.recipient_id = %s AND m.sender_id = %s AND m.state = 'queued'
                      AND m.campaign_id IS NOT NULL AND m.retry_at <= %s""",
                self.recipient_id.id,
                self.sender_id.id,
                now,
            )
        )
        self.env["waba.message"].invalidate_model(["retry_at"])

    # === Statuses ===

    @implements("_on_arrival")
    def _update_free_windows(self, message_ids):
        """An answer that arrived opens the window; Meta's price may end it."""
        since = fields.Datetime.now() - free_window.FREE_PERIOD - free_window.ANSWER_PERIOD
        if not self._is_any_clicked(since):
            return
        for conversation_id, *facts in self._find_clicked(message_ids, since):
            conversation = self.browse(conversation_id)
            clicked_at, left_at, arrived_at, pricing_type = facts
            known = conversation.free_until_at or None
            until = free_window.window_end(clicked_at, known, left_at, arrived_at, pricing_type)
            if until and until != known:
                conversation._set_free_until(until)

    def _is_any_clicked(self, since):
        """One entry of an index: most batches of statuses concern no ad."""
        self.flush_model(["ad_clicked_at"])
        return bool(
            self.env.execute_query(
                SQL("SELECT 1 FROM waba_conversation WHERE ad_clicked_at > %s LIMIT 1", since)
            )
        )

    def _find_clicked(self, message_ids, since):
        """[(conversation id, clicked, left and arrived at, pricing type)] of messages to people
        who came from an ad since then, oldest first. A post opens no window that we know of."""
        self.env["waba.message"].flush_model()
        return self.env.execute_query(
            SQL(
                """SELECT c.id, c.ad_clicked_at, COALESCE(m.accepted_at, m.sent_at,
                          m.delivered_at, m.read_at), COALESCE(m.delivered_at, m.read_at),
                          COALESCE(m.pricing_type, '')
                     FROM waba_message m
                     JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = m.recipient_id
                LEFT JOIN waba_ad a ON a.id = c.ad_id
                    WHERE m.id = ANY(%s) AND c.ad_clicked_at > %s AND m.kind <> 'reaction'
                      AND COALESCE(m.delivered_at, m.read_at) IS NOT NULL
                      AND a.source_type IS DISTINCT FROM 'post'
                 ORDER BY m.id""",
                list(message_ids),
                since,
            )
        )

    @implements("_on_free_window")
    def _apply_free_window(self, free):
        """Meta's own end of the window wins."""
        for message in self.env["waba.message"].browse(free):
            conversation = self._find_or_create_pair(message.sender_id, message.recipient_id)
            if conversation.free_until_at != free[message.id]:
                conversation._set_free_until(free[message.id])
