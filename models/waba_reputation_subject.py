from datetime import timedelta

from odoo import fields, models

from .window_actions import list_action

RECENT_DAYS = 30
# The field of the evidence that names a record of this model.
EVIDENCE_FIELDS = {
    "waba.sender": "sender_id",
    "waba.template": "template_id",
    "waba.campaign": "campaign_id",
}
# What Meta said of a template itself, not of single messages.
QUALITY_KINDS = (
    "template_quality", "template_flagged", "template_paused", "template_disabled",
    "template_reinstated",
)  # fmt: skip


class WabaReputationSubjectMixin(models.AbstractModel):
    """What evidence can be about: a number, a template, a campaign. A count and the way there."""

    _name = "waba.reputation.subject.mixin"
    _description = "Subject of reputation evidence"

    evidence_count = fields.Integer(
        "Evidence of the last 30 days", compute="_compute_evidence_count"
    )

    def _compute_evidence_count(self):
        field = EVIDENCE_FIELDS[self._name]
        since = fields.Datetime.now() - timedelta(days=RECENT_DAYS)
        groups = self.env["waba.reputation.event"]._read_group(
            [(field, "in", self.ids), ("at", ">=", since)], [field], ["__count"]
        )
        counts = {subject.id: count for subject, count in groups}
        for subject in self:
            subject.evidence_count = counts.get(subject.id, 0)

    def action_view_evidence(self):
        self.ensure_one()
        domain = [(EVIDENCE_FIELDS[self._name], "=", self.id)]
        context = {"search_default_last_30_days": 1}
        return list_action(self.env, "waba_reputation_event_action", domain, context)


class WabaTemplate(models.Model):
    _name = "waba.template"
    _inherit = ["waba.template", "waba.reputation.subject.mixin"]

    quality_event_ids = fields.One2many(
        "waba.reputation.event",
        "template_id",
        "Meta's word over time",
        domain=[("kind", "in", QUALITY_KINDS)],
        readonly=True,
    )


class WabaCampaign(models.Model):
    _name = "waba.campaign"
    _inherit = ["waba.campaign", "waba.reputation.subject.mixin"]

    template_quality_event_ids = fields.One2many(related="template_id.quality_event_ids")


class WabaSender(models.Model):
    _name = "waba.sender"
    _inherit = ["waba.sender", "waba.reputation.subject.mixin"]

    def _rating_history(self, since):
        """Meta's rating of this number over time, from the changes noted.

        :param since: naive UTC datetime
        :return: [(naive UTC datetime, 'green'|'yellow'|'red'|'unknown')] ascending; the first is
            the rating in force at `since`, which may be older, if one was known then
        """
        self.ensure_one()
        events = self.env["waba.reputation.event"]
        of_number = [("kind", "=", "number_quality"), ("sender_id", "=", self.id)]
        before = events.search([*of_number, ("at", "<=", since)], order="at desc, id desc", limit=1)
        after = events.search([*of_number, ("at", ">", since)], order="at, id")
        return [(event.at, event.value_after) for event in before + after]
