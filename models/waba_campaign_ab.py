from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..policy import ab_test
from .waba_reputation_words import format_number

CRITERIA = [("read", "Read most"), ("reply", "Answered most")]
AB_TEST_STATES = [
    ("sending", "Being tried"),
    ("waiting", "Waiting for reactions"),
    ("decided", "Decided"),
]


class WabaCampaign(models.Model):
    """A/B test: what is chosen before the launch, and what it means in words.

    Message A is the campaign's own template and variables, B a second pair beside it: another
    template, or the same one filled differently. Everything that asks for "the campaign's template"
    asks `_templates_in_use`: both until the winner is known, then the winner's alone.
    waba_campaign_trial.py runs the A/B test, policy/ab_test.py decides.
    """

    _inherit = "waba.campaign"

    ab_test = fields.Boolean("Try two messages", tracking=True)
    ab_share = fields.Float(
        "Try on", default=0.2, help="Part of the audience that is in the trial, half for each."
    )
    ab_hours = fields.Integer(
        "Decide after (hours)", default=24, help="Counted from when nearly all of the trial left."
    )
    ab_criterion = fields.Selection(CRITERIA, "Better is", default="read", required=True)
    b_template_id = fields.Many2one(
        "waba.template", "Template of B", check_company=True, ondelete="restrict",
        index="btree_not_null",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False),"
        " ('company_id', '=', company_id)]",
    )  # fmt: skip
    b_variable_ids = fields.One2many(
        "waba.campaign.variable", "campaign_id", "Variables of B",
        domain=[("variant", "=", "b")], copy=True,
    )  # fmt: skip
    category = fields.Selection(
        selection=lambda self: self.env["waba.template"]._fields["category"].selection,
        compute="_compute_category",
        store=True,
    )
    ab_text = fields.Char("The trial in words", compute="_compute_ab_text")

    _ab_share_check = models.Constraint(
        "CHECK(ab_share > 0 AND ab_share <= 1)", "The trial needs a part of the people: 1 to 100 %."
    )
    _ab_hours_check = models.Constraint(
        "CHECK(ab_hours >= 1 AND ab_hours <= 168)",
        "People need time to react: decide after 1 to 168 hours.",
    )

    @api.depends("template_id.category", "b_template_id.category", "ab_test", "winner")
    def _compute_category(self):
        """A promotion as long as one of the messages in use is one: the stricter rules hold."""
        for campaign in self:
            categories = set(campaign._templates_in_use().mapped("category"))
            campaign.category = "marketing" if "marketing" in categories else (
                next(iter(categories), False)
            )  # fmt: skip

    @api.onchange("ab_test")
    def _onchange_ab_test(self):
        if self.ab_test and not self.b_template_id:
            self.b_template_id = self.template_id
            self._onchange_b_template_id()

    @api.onchange("b_template_id")
    def _onchange_b_template_id(self):
        self.b_variable_ids = [Command.clear(), *self._variant_b_variable_commands()]

    def _variant_b_variable_commands(self):
        return [
            Command.create({**command[2], "variant": "b"})
            for command in self._variable_commands(self.b_template_id)
        ]

    # ------------------------------------------------------------------
    # The messages
    # ------------------------------------------------------------------

    def _variant_message(self, variant):
        """(template, variables) of message 'a' or 'b'."""
        if variant == "b":
            return self.b_template_id, self.b_variable_ids
        return self.template_id, self.variable_ids

    def _variant_messages(self):
        """{variant: (template, variables)} of the messages that are sent, or still may be."""
        self.ensure_one()
        variants = (self.winner,) if self.winner else ("a", "b") if self.ab_test else ("a",)
        return {variant: self._variant_message(variant) for variant in variants}

    def _templates_in_use(self):
        templates = self.env["waba.template"]
        for campaign in self:
            for template, _lines in campaign._variant_messages().values():
                templates |= template
        return templates

    def _signatures(self):
        """{variant: signature of the template as it was previewed}."""
        return {"a": self.template_signature, "b": self.b_template_signature}

    def _usable_variants(self):
        """The messages in use that may be sent now, and as they were previewed."""
        self.ensure_one()
        signatures = self._signatures()
        return [
            variant
            for variant, (template, _lines) in self._variant_messages().items()
            if not template._not_sendable_reason() and signatures[variant] == template.signature
        ]

    def _check_ab_test(self):
        """Whether the two messages can be tried, said before anything is sent."""
        if not self.ab_test:
            return
        if not self.b_template_id:
            raise UserError(
                self.env._("Choose the template of message B, or do not try two messages.")
            )
        if self.b_template_id.account_id != self.template_id.account_id:
            raise UserError(
                self.env._("Messages A and B must be templates of the same WhatsApp account.")
            )
        if self.b_template_id.category != self.template_id.category:
            raise UserError(
                self.env._(
                    "Messages A and B must be of the same category: other people may be left out "
                    "of a promotion than of a service message."
                )
            )
        if reason := self.b_template_id._not_sendable_reason():
            raise UserError(reason)
        if self._is_same_message():
            raise UserError(
                self.env._(
                    "Messages A and B are the same. Choose another template for B, or fill its "
                    "variables differently."
                )
            )

    def _is_same_message(self):
        def words(lines):
            names = ("component", "button_index", "name", "source", "field_path", "text",
                     "fallback")  # fmt: skip
            return {tuple(line[name] or "" for name in names) for line in lines}

        return self.template_id == self.b_template_id and words(self.variable_ids) == words(
            self.b_variable_ids
        )

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

    @api.depends(
        "ab_test", "ab_share", "ab_hours", "ab_criterion", "audience_count", "trial_state",
        "trial_until", "winner_reason", "state",
    )  # fmt: skip
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_ab_text(self):
        for campaign in self:
            campaign.ab_text = campaign.ab_test and campaign._describe_ab_test()

    def _describe_ab_test(self):
        if self.trial_state == "decided":
            return self.winner_reason
        if self.trial_state:
            return self._describe_running_ab_test()
        people = self.audience_count
        tried = round(ab_test.test_share(self.ab_share, people) * people)
        if tried >= people:
            return self.env._(
                "With %(people)s people everybody is in the trial: about half get A, half B, and "
                "you see which one was received better.",
                people=format_number(self.env, people),
            )
        names = {"half": format_number(self.env, tried // 2), "rest": format_number(self.env, people - tried),
                 "hours": self.ab_hours}  # fmt: skip
        if self.ab_criterion == "read":
            return self.env._(
                "About %(half)s people get A and %(half)s get B. After %(hours)s hours the one "
                "that was read by more of those whom it reached goes to the other %(rest)s.",
                **names,
            )
        return self.env._(
            "About %(half)s people get A and %(half)s get B. After %(hours)s hours the one that "
            "was answered by more of those whom it reached goes to the other %(rest)s.",
            **names,
        )

    def _describe_running_ab_test(self):
        rest = format_number(self.env, self._count_awaiting_winner())
        if self.trial_state == "sending":
            return self.env._(
                "A and B are being tried. The better one goes to the other %(rest)s people "
                "%(hours)s hours after the trial was sent.",
                rest=rest,
                hours=self.ab_hours,
            )
        return self.env._(
            "A and B were tried. The better one goes to the other %(rest)s people %(when)s.",
            rest=rest,
            when=self._format_datetime(self.trial_until),
        )
