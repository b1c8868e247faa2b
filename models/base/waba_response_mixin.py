"""Base: `waba.response.mixin`: evidence, chatter and managers' activities about our responses.

Called by numbers, campaigns and templates when they slow down, hold, pause, lock or release.
"""

from odoo import fields, models
from odoo.tools import html_escape

ACTIVITY_TYPE = "waba_campaign.activity_type_reputation"


class WabaResponseMixin(models.AbstractModel):
    """For models with a chatter and activities that are subjects of evidence."""

    _name = "waba.response.mixin"
    _description = "Subject of an Automatic Response"

    def _record_response(self, kind, words, **values):
        """Record a response, as evidence and in the chatter.

        :param kind: one of KINDS that begin with 'response_'
        :param words: sentence: the cause, the effect, what lifts it
        :param values: further values of the evidence, such as `value_before`
        """
        self.ensure_one()
        now = fields.Datetime.now()
        subject = {"waba.sender": "sender_id", "waba.campaign": "campaign_id",
                   "waba.template": "template_id"}[self._name]  # fmt: skip
        # The key must differ for two responses of one kind within a second.
        number = (
            self.env["waba.reputation.event"]
            .sudo()
            .search_count([("kind", "=", kind), (subject, "=", self.id), ("at", "=", now)])
        )
        self.env["waba.reputation.event"]._record_events(
            [
                {
                    "kind": kind,
                    "source": "policy",
                    "at": now,
                    subject: self.id,
                    "detail": words,
                    "event_key": f"{kind}:{subject}:{self.id}:{now.isoformat()}:{number}",
                    **values,
                }
            ]
        )
        self._message_log(body=words)

    def _notify_managers(self, summary, words):
        """Schedule an activity for each manager of the company, or update the open one."""
        self.ensure_one()
        values = {"summary": summary, "note": html_escape(words)}
        for manager in self._find_managers():
            known = self.activity_search([ACTIVITY_TYPE], user_id=manager.id)
            if known:
                known.write(values)
            else:
                self.activity_schedule(ACTIVITY_TYPE, user_id=manager.id, **values)

    def _close_manager_activities(self):
        """Delete the managers' activities: their cause has ended."""
        self.activity_unlink([ACTIVITY_TYPE])

    def _find_managers(self):
        group = self.env.ref("waba_campaign.waba_group_manager").sudo()
        return group.all_user_ids.filtered(
            lambda user: user.active and self.company_id in user.company_ids
        )
