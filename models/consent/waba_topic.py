"""Consent: topics, the kinds of promotions that a person can close one by one.

Managed under Configuration; named by campaigns, follow-ups, replies and consent entries.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, LazyTranslate

from .consent_sql import in_force_sql

_lt = LazyTranslate(__name__)

# Offered by the empty list; nothing is created at installation.
SUGGESTED = [
    (_lt("Offers"), _lt("Discounts and special prices")),
    (_lt("Events"), _lt("Invitations to events and openings")),
    (_lt("News"), _lt("New products and company news")),
]


class WabaTopic(models.Model):
    """A topic under promotions: "Offers", "Events". One company's own.

    A promotion names one topic or none. What a person said about a topic is `waba.topic.state`;
    docs/consent.md says how it combines with their consent to promotions.
    """

    _name = "waba.topic"
    _description = "WhatsApp Topic"
    _inherit = ["waba.system.fields.mixin"]
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    description = fields.Char(
        translate=True, help="Shown to customers on the preference page, below the name."
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    opted_in_count = fields.Integer("Opted in", compute="_compute_counts")
    closed_count = fields.Integer("Opted out", compute="_compute_counts")

    def _compute_counts(self):
        """People who chose or closed these topics themselves."""
        counts = {
            topic_id: figures
            for topic_id, *figures in self.env.execute_query(
                SQL(
                    """SELECT said.topic_id, count(*) FILTER (WHERE %(is_in)s),
                              count(*) FILTER (WHERE said.out_at IS NOT NULL AND NOT %(is_in)s)
                         FROM waba_topic_state said
                        WHERE said.topic_id = ANY(%(ids)s) GROUP BY 1""",
                    is_in=SQL("(said.in_at IS NOT NULL AND %s)", in_force_sql("said")),
                    ids=self.ids,
                )
            )
        }
        for topic in self:
            topic.opted_in_count, topic.closed_count = counts.get(topic.id, (0, 0))

    def write(self, vals):
        # People spoke to that company: their statements do not move to another.
        if "company_id" in vals:
            moved = self.filtered(lambda topic: topic.company_id.id != vals["company_id"])
            moved._check_unused()
        return super().write(vals)

    def _check_unused(self):
        """:raise UserError: the consent log has entries about one of these topics"""
        used = self.env["waba.consent"].sudo().search([("topic_id", "in", self.ids)], limit=1)
        if used:
            raise UserError(
                self.env._(
                    "Not changed: the consent log has entries about “%s”. Create a topic in the "
                    "other company and archive this one.",
                    used.topic_id.name,
                )
            )

    @api.model
    def _find_by_name(self, name, company):
        """The topic of the company with this name in any of its languages; empty if none."""
        wanted = (name or "").strip().casefold()
        if not wanted:
            return self.browse()
        topics = self.sudo().search([("company_id", "=", company.id)])
        languages = [code for code, _name in self.env["res.lang"].get_installed()]
        return topics.filtered(
            lambda topic: (
                wanted
                in {topic.with_context(lang=code).name.strip().casefold() for code in languages}
            )
        )[:1]

    @api.model
    def action_create_suggested(self):
        """Button of the empty list: create the suggested topics for the current company.

        Pressed by two users, it creates them once.
        """
        topics = self.with_context(active_test=False)
        taken = topics.search([("company_id", "=", self.env.company.id)]).mapped("name")
        self.create(
            [
                {
                    "name": self.env._(name),
                    "description": self.env._(description),
                    "sequence": 10 * place,
                }
                for place, (name, description) in enumerate(SUGGESTED, start=1)
                if self.env._(name) not in taken
            ]
        )
        return {"type": "ir.actions.client", "tag": "soft_reload"}
