"""A/B test: two messages on a test share, the winner for the rest.

Called by the launch, the rows (`_assign_variant`), a number's job and the watch, and the form.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from ...policy import ab_test
from ..base.waba_failure import TEMPORARY_EXCLUSIONS
from ..base.waba_message import VARIANTS
from ..base.waba_variable_mixin import KEY_FIELDS, SET_FIELDS
from ..tools.labels import with_language
from ..tools.reputation_texts import format_number, format_percent

CRITERIA = [("read", "Read rate"), ("reply", "Reply rate")]

AB_TEST_STATES = [
    ("sending", "Sending test"),
    ("waiting", "Waiting for results"),
    ("decided", "Winner chosen"),
]


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    ab_test = fields.Boolean("A/B test", tracking=True)
    ab_share = fields.Float(
        "Test share", default=0.2, help="Share of the audience in the test, half for each variant."
    )
    ab_hours = fields.Integer(
        "Decide after (hours)", default=24, help="Hours after 90% of the test has been sent."
    )
    ab_criterion = fields.Selection(CRITERIA, "Winner by", default="read", required=True)
    b_template_id = fields.Many2one(
        "waba.template", "Template B", check_company=True, ondelete="restrict",
        index="btree_not_null",
        domain="[('status', '=', 'approved'), ('unsupported', '=', False),"
        " ('company_id', '=', company_id)]",
    )  # fmt: skip
    b_variable_ids = fields.One2many(
        "waba.campaign.variable", "campaign_id", "Variables B",
        domain=[("variant", "=", "b")], copy=True,
    )  # fmt: skip
    category = fields.Selection(
        selection=lambda self: self.env["waba.template"]._fields["category"].selection,
        compute="_compute_category",
        store=True,
    )
    ab_text = fields.Char("A/B test summary", compute="_compute_ab_text")

    # While it runs
    ab_state = fields.Selection(AB_TEST_STATES, "A/B test status", readonly=True, copy=False)
    ab_applied_share = fields.Float(
        readonly=True, copy=False, help="Share of the recipients in the test."
    )
    ab_decide_at = fields.Datetime("Winner chosen at", readonly=True, copy=False)
    winner = fields.Selection(VARIANTS, readonly=True, copy=False, tracking=True)
    winner_reason = fields.Text("Winner reason", readonly=True, copy=False)
    b_template_signature = fields.Char(readonly=True, copy=False)

    _ab_share_check = models.Constraint(
        "CHECK(ab_share > 0 AND ab_share <= 1)", "The test share must be 1 to 100%."
    )
    _ab_hours_check = models.Constraint(
        "CHECK(ab_hours >= 1 AND ab_hours <= 168)",
        "Choose the winner after 1 to 168 hours.",
    )

    @api.depends("template_id.category", "b_template_id.category", "ab_test", "winner")
    def _compute_category(self):
        """Marketing while a message in use is marketing: the stricter rules apply."""
        for campaign in self:
            categories = set(campaign._templates_in_use().mapped("category"))
            campaign.category = "marketing" if "marketing" in categories else (
                next(iter(categories), False)
            )  # fmt: skip

    @api.depends(
        "ab_test", "ab_share", "ab_hours", "ab_criterion", "audience_count", "ab_state",
        "ab_decide_at", "winner_reason", "state",
    )  # fmt: skip
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_ab_text(self):
        for campaign in self:
            campaign.ab_text = campaign.ab_test and campaign._describe_ab_test()

    @api.onchange("ab_test")
    def _onchange_ab_test(self):
        if self.ab_test and not self.b_template_id:
            self.b_template_id = self.template_id
            self._onchange_b_template_id()

    @api.onchange("b_template_id")
    def _onchange_b_template_id(self):
        self.b_variable_ids = [Command.clear(), *self._variant_b_variable_commands()]

    def action_choose_a(self):
        """Make message A the winner now."""
        self._set_winner_by_hand("a")

    def action_choose_b(self):
        """Make message B the winner now."""
        self._set_winner_by_hand("b")

    # === Messages ===
    # Message A is the campaign's own template and variables, B a second pair: another template, or
    # the same one filled differently. Both are in use until the winner is known, then the winner
    # alone.

    def _variant_message(self, variant):
        """(template, variables) of message 'a' or 'b'."""
        if variant == "b":
            return self.b_template_id, self.b_variable_ids
        return self.template_id, self.variable_ids

    def _variant_messages(self):
        """{key: (template, variables)} of the messages in use.

        The key is a variant or, of the message in another language, that language's code.
        """
        self.ensure_one()
        variants = (self.winner,) if self.winner else ("a", "b") if self.ab_test else ("a",)
        messages = {variant: self._variant_message(variant) for variant in variants}
        for line in self._languages_in_use():
            messages[line.language] = line.template_id, line.variable_ids
        return messages

    def _templates_in_use(self):
        """Templates of the messages in use, of all these campaigns."""
        templates = self.env["waba.template"]
        for campaign in self:
            for template, _lines in campaign._variant_messages().values():
                templates |= template
        return templates

    def _signatures(self):
        """{key of a message: signature of its template when it was previewed}."""
        return {
            "a": self.template_signature,
            "b": self.b_template_signature,
            **{line.language: line.template_signature for line in self._languages_in_use()},
        }

    def _usable_variants(self):
        """Keys of the messages in use whose template can be sent now, as it was previewed."""
        self.ensure_one()
        signatures = self._signatures()
        return [
            variant
            for variant, (template, _lines) in self._variant_messages().items()
            if not template._not_sendable_reason() and signatures[variant] == template.signature
        ]

    def _variant_b_variable_commands(self):
        return [
            Command.create({**command[2], "variant": "b"})
            for command in self._variable_commands(self.b_template_id)
        ]

    # === Launch ===

    def _check_ab_test(self):
        """Check that the two messages can be compared.

        :raise UserError: with the first problem
        """
        if not self.ab_test:
            return
        if self.by_language:
            raise UserError(
                self.env._(
                    "An A/B test has one language: a difference in results could come from the "
                    "language. Turn off one of the two under Options."
                )
            )
        if not self.b_template_id:
            raise UserError(
                self.env._("Choose the template of variant B, or turn off the A/B test.")
            )
        if self.b_template_id.account_id != self.template_id.account_id:
            raise UserError(
                self.env._("Variants A and B must be templates of the same WhatsApp account.")
            )
        if self.b_template_id.category != self.template_id.category:
            raise UserError(
                self.env._(
                    "Variants A and B must have the same category: exclusions differ between "
                    "promotions and service messages."
                )
            )
        if reason := self.b_template_id._not_sendable_reason():
            raise UserError(reason)
        if self._is_same_message():
            raise UserError(
                self.env._(
                    "Variants A and B are the same. Choose another template for B, or other values "
                    "for its variables."
                )
            )

    def _is_same_message(self):
        def contents(lines):
            names = (*KEY_FIELDS, "source", "field_path", "text", "fallback", *SET_FIELDS)
            return {tuple(line[name] or "" for name in names) for line in lines}

        return self.template_id == self.b_template_id and contents(self.variable_ids) == contents(
            self.b_variable_ids
        )

    def _start_ab_test(self):
        """At the launch, and when a scheduled one starts: fix the test share."""
        for campaign in self.filtered("ab_test"):
            campaign.write(
                {
                    "ab_state": "sending",
                    "ab_applied_share": ab_test.test_share(
                        campaign.ab_share, campaign.to_prepare_count
                    ),
                    "b_template_signature": campaign.b_template_id.signature,
                }
            )

    # === Rows ===
    # Every recipient gets a row when the audience is prepared, with the texts of both messages in
    # `variant_parameters`: the previewed texts are sent even to records that leave the audience in
    # the meantime, and the figures are complete. A row of the test share has a `variant` and is
    # sent right away; a row of the rest has neither `variant` nor `retry_at`, so no reservation
    # claims it. Dispatch needs no special case, and canary, pauses, consent and limits apply as to
    # all messages.

    def _assign_variant(self, person, sides, is_later=False):
        """Values of one row for the A/B test.

        :param person: E.164 number, so that two records of one person get the same variant
        :param sides: {variant: {'parameters'} or {'reason', 'sentence'}} of the messages in use
        :param is_later: excluded for now: not in the test share, but with texts to be sent later
        :return: (values of the row, whether it waits for the winner)
        """
        if len(sides) == 1:
            [(key, side)] = sides.items()
            return {"variant": key if self.ab_test else None, **_side_values(side)}, False
        fit = [variant for variant, side in sides.items() if "parameters" in side]
        if not fit:
            return _side_values(sides["a"]), False
        if is_later:
            return {
                "variant": fit[0], "variant_parameters": sides, **_side_values(sides[fit[0]]),
            }, False  # fmt: skip
        # A recipient whom only one message can address would make the groups differ: not tested.
        variant = (
            ab_test.assign_variant(str(self.id), person, self.ab_applied_share)
            if len(fit) == 2
            else None
        )
        return {
            "variant": variant,
            "is_ab_test": bool(variant),
            "variant_parameters": sides,
            **(_side_values(sides[variant]) if variant else {}),
        }, not variant

    # === Winner ===
    # Only `_apply_winner` ends a test: campaign and rows change in one transaction, so after a kill
    # either nothing has happened and the watch decides again, or all of it has. Queued rows of the
    # test share then get the winner too. A row is one message to one recipient all along: no
    # recipient can get both.

    @api.model
    def _running_ab_tests(self):
        return self.search(
            [
                ("ab_state", "in", ("sending", "waiting")),
                ("state", "in", ("running", "done")),
            ]
        )

    def _advance_ab_test(self, now):
        """Start the wait when the test share was sent; decide when the wait has ended."""
        for campaign in self:
            if campaign._is_ab_test_sent():
                until = now + timedelta(hours=campaign.ab_hours)
                campaign.write({"ab_state": "waiting", "ab_decide_at": until})
                campaign.sudo().sender_id.cron_id._trigger(at=until)
            if campaign.ab_state == "waiting" and campaign.ab_decide_at <= now:
                with_language(campaign.launched_by_id, campaign)._decide_ab_test()

    def _is_ab_test_sent(self):
        return (
            self.ab_state == "sending"
            and self.state in ("running", "done")
            and ab_test.is_fully_sent(self._ab_test_results())
        )

    def _ab_test_results(self):
        """{variant: policy.ab_test.VariantResult} so far, by one scan of its rows."""
        self.ensure_one()
        self.env["waba.message"].flush_model()
        usable = self._usable_variants()
        parts = {
            variant: ab_test.VariantResult(may_be_sent=variant in usable) for variant in ("a", "b")
        }
        for variant, *counts in self.env.execute_query(
            SQL(
                """SELECT variant, count(*),
                          count(*) FILTER (WHERE state IN ('queued', 'reserved')),
                          count(*) FILTER (WHERE state IN ('delivered', 'read')),
                          count(*) FILTER (WHERE state = 'read'),
                          count(*) FILTER (WHERE replied_at IS NOT NULL AND opted_out_at IS NULL
                                             AND state IN ('delivered', 'read')),
                          count(*) FILTER (WHERE opted_out_at IS NOT NULL)
                     FROM waba_message
                    WHERE campaign_id = %s AND is_ab_test GROUP BY variant""",
                self.id,
            )
        ):
            parts[variant] = ab_test.VariantResult(*counts, variant in usable)
        return parts

    def _decide_ab_test(self):
        """Apply the winner; while neither message can be sent, the campaign waits for Meta."""
        parts = self._ab_test_results()
        verdict = ab_test.choose_winner(parts, self.ab_criterion)
        if verdict:
            self._apply_winner(verdict.winner, self._winner_explanation(verdict, parts))

    def _apply_winner(self, winner, reason):
        """Send `winner` to the rest, and to the test share still queued."""
        for campaign in self.filtered(lambda c: c.ab_state in ("sending", "waiting")):
            campaign.write(
                {
                    "ab_state": "decided",
                    "ab_decide_at": False,
                    "winner": winner,
                    "winner_reason": reason,
                }
            )
            campaign._fill_rest_with_winner()
            campaign._message_log(body=reason)
            campaign.sender_id._trigger_dispatch()

    def _fill_rest_with_winner(self):
        """Fill the waiting rows with the winner's texts, or its exclusion reason, in one statement.

        Also rows excluded by the frequency cap, which may be queued again. A row already attempted
        with the other message keeps it for another attempt, unless it can no longer be sent.
        """
        template = self._templates_in_use()
        other = (self.template_id | self.b_template_id) - template
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET variant = %(winner)s, is_ab_test = FALSE, template_id = %(template)s,
                          category = %(category)s,
                          parameters = COALESCE(side->'parameters', '{}'::jsonb),
                          state = CASE WHEN side ? 'reason' THEN 'skipped' ELSE m.state END,
                          failure_type = COALESCE(side->>'reason', m.failure_type),
                          failure_reason = COALESCE(side->>'sentence', m.failure_reason),
                          retry_at = CASE WHEN m.state = 'skipped' THEN m.retry_at ELSE
                                     GREATEST(%(now)s, m.retry_at,
                                              CASE WHEN %(category)s = 'marketing'
                                                   THEN r.marketing_held_until END) END,
                          wait_reason = NULL, variant_parameters = NULL, write_date = %(now)s
                     FROM (SELECT id, recipient_id, variant_parameters->%(winner)s AS side
                             FROM waba_message
                            WHERE campaign_id = %(campaign)s
                              AND (state = 'queued' OR failure_type = ANY(%(temporary)s))
                              AND variant IS DISTINCT FROM %(winner)s
                              AND (attempt_count = 0 OR %(other_is_stopped)s)
                              AND variant_parameters IS NOT NULL) w
                     JOIN waba_recipient r ON r.id = w.recipient_id
                    WHERE m.id = w.id""",
                winner=self.winner,
                template=template.id,
                category=template.category,
                now=fields.Datetime.now(),
                campaign=self.id,
                temporary=list(TEMPORARY_EXCLUSIONS),
                other_is_stopped=bool(other and other._not_sendable_reason()),
            )
        )
        # The texts of the other message are no longer needed.
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message SET variant_parameters = NULL
                    WHERE campaign_id = %s AND variant_parameters IS NOT NULL""",
                self.id,
            )
        )
        self.env["waba.message"].invalidate_model()

    def _count_awaiting_winner(self):
        """Number of messages that wait for the winner."""
        return self.env["waba.message"].search_count(self._awaiting_winner_domain())

    def _awaiting_winner_domain(self):
        return [("campaign_id", "=", self.id), ("state", "=", "queued"), ("variant", "=", False),
                ("retry_at", "=", False)]  # fmt: skip

    # === Early end ===

    def _is_ab_test_running(self):
        return self.ab_state in ("sending", "waiting") and self.state in (
            "preparing", "running", "paused",
        )  # fmt: skip

    def _continue_with_usable_variant(self):
        """In running A/B tests where only one message can still be sent, make that one the winner.

        A campaign in several languages continues with the others; the rows of one that stopped
        wait (`_group_condition`).

        :return: the campaigns that continue
        """
        continuing = self.filtered(
            lambda campaign: campaign.by_language and campaign._usable_variants()
        )
        for campaign in self.sudo():
            if (
                not campaign._is_ab_test_running()
                or len(usable := campaign._usable_variants()) != 1
            ):
                continue
            [winner] = usable
            other = campaign._variant_messages()["b" if winner == "a" else "a"][0]
            campaign._apply_winner(
                winner,
                campaign.env._(
                    "Variant %(winner)s goes to the rest: the other one can no longer be sent. "
                    "%(reason)s",
                    winner=winner.upper(),
                    reason=other._not_sendable_reason()
                    or campaign.env._("Its variables changed after the launch."),
                ),
            )
            continuing |= self.browse(campaign.id)
        return continuing

    def _set_winner_by_hand(self, variant):
        """Make `variant` the winner for the user.

        :raise UserError: no test is running, or the message cannot be sent
        """
        self.ensure_one()
        self._lock_campaigns()
        if not self._is_ab_test_running():
            raise UserError(self.env._("The A/B test of this campaign has ended."))
        template = self._variant_messages()[variant][0]
        if variant not in self._usable_variants():
            raise UserError(template._not_sendable_reason() or self._changed_template_reason())
        self.sudo()._apply_winner(
            variant,
            self.env._(
                "Variant %(winner)s goes to the rest: chosen by %(who)s. %(figures)s",
                winner=variant.upper(),
                who=self.env.user.name,
                figures=self._ab_test_figures(self.sudo()._ab_test_results()),
            ),
        )

    # === Texts ===

    def _describe_ab_test(self):
        if self.ab_state == "decided":
            return self.winner_reason
        if self.ab_state:
            return self._describe_running_ab_test()
        people = self.audience_count
        if not people:
            return False
        tried = round(ab_test.test_share(self.ab_share, people) * people)
        if people < 2 * ab_test.MIN_TEST_RECIPIENTS:
            return self.env._(
                "Too few recipients for a result: %(people)s of %(least)s. About half get A, half "
                "get B.",
                people=format_number(self.env, people),
                least=format_number(self.env, 2 * ab_test.MIN_TEST_RECIPIENTS),
            )
        if tried >= people:
            return self.env._(
                "All %(people)s recipients are in the test: about half get A, half get B.",
                people=format_number(self.env, people),
            )
        names = {
            "half": format_number(self.env, tried // 2),
            "rest": format_number(self.env, people - tried),
            "hours": self.ab_hours,
        }
        if self.ab_criterion == "read":
            return self.env._(
                "About %(half)s get A, %(half)s get B. After %(hours)s h the variant with the "
                "higher read rate goes to the other %(rest)s.",
                **names,
            )
        return self.env._(
            "About %(half)s get A, %(half)s get B. After %(hours)s h the variant with the higher "
            "reply rate goes to the other %(rest)s.",
            **names,
        )

    def _describe_running_ab_test(self):
        rest = format_number(self.env, self._count_awaiting_winner())
        if self.ab_state == "sending":
            return self.env._(
                "A/B test: sending. The winner goes to the other %(rest)s %(hours)s h after the "
                "test has been sent.",
                rest=rest,
                hours=self.ab_hours,
            )
        return self.env._(
            "A/B test: waiting for results. The winner goes to the other %(rest)s %(when)s.",
            rest=rest,
            when=self._format_datetime(self.ab_decide_at),
        )

    def _ab_test_wait_reason(self):
        """The banner while only the rest is queued, or False."""
        if self.state != "running" or self.ab_state not in ("sending", "waiting"):
            return False
        waiting = self.env["waba.message"].search_count(
            [("campaign_id", "=", self.id), ("state", "in", ("queued", "reserved")),
             ("retry_at", "!=", False)],
            limit=1,
        )  # fmt: skip
        return False if waiting else self._describe_running_ab_test()

    def _winner_explanation(self, verdict, parts):
        """Why the winner was chosen, with the figures of both."""
        env, winner = self.env, verdict.winner.upper()
        sentences = {
            "stopped": env._("Variant %s goes to the rest: the other one can no longer be sent.",
                             winner),
            "opt_outs": env._("Variant %s goes to the rest: the other one had significantly more "
                              "opt-outs.", winner),
            "better": env._("Variant %s goes to the rest: significantly better.", winner),
            "slightly": env._("Variant %s goes to the rest: better, but not significantly.",
                              winner),
            "equal": env._("Variant %s goes to the rest: both had the same result.", winner),
            "thin": env._("Variant %(winner)s goes to the rest. Too few messages delivered to tell "
                          "(%(least)s of each needed).",
                          winner=winner, least=ab_test.MIN_TEST_RECIPIENTS),
        }  # fmt: skip
        return f"{sentences[verdict.ground]} {self._ab_test_figures(parts)}"

    def _ab_test_figures(self, parts):
        """'Read: A 41.0% of 195, B 38.2% of 199.'"""
        pattern = {
            "read": self.env._("Read: A %(a)s, B %(b)s."),
            "reply": self.env._("Replied: A %(a)s, B %(b)s."),
        }[self.ab_criterion]
        return pattern % {
            variant: self.env._(
                "%(rate)s of %(base)s",
                rate=format_percent(self.env, part.rate(self.ab_criterion) or 0),
                base=format_number(self.env, part.delivered),
            )
            for variant, part in parts.items()
        }


def _side_values(side):
    """Values of a row with this message, or excluded with its reason."""
    reason = side.get("reason")
    return {
        "parameters": side.get("parameters", {}),
        "state": "skipped" if reason else "queued",
        "failure_type": reason,
        "failure_reason": side.get("sentence"),
    }
