"""Follow-ups: branches of steps, what they are decided by, and where each step leads.

Decided by the job in waba_sequence_run.py; edited in the dialog of a step.
"""

import secrets
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ...policy import followup
from ..base.waba_message import ACCEPTED_STATES
from ..tools.field_paths import parse_domain
from ..tools.labels import selection_labels
from .waba_sequence_enrollment import BEHIND_SQL, REPLY_SQL

KINDS = [
    ("button", "Button pressed"),
    ("word", "Reply contains"),
    ("answered", "Replied"),
    ("not_answered", "Not replied"),
    ("clicked", "Link clicked"),
    ("not_clicked", "Link not clicked"),
    ("read", "Read"),
    ("not_read", "Not read"),
    ("delivered", "Delivered"),
    ("not_delivered", "Not delivered"),
    ("field", "Record matches"),
]

# Copied to the branches of a new version.
BRANCH_FIELDS = ("sequence", "kind", "words", "domain", "goes_to")

# Seen by looking again: what no event reports to follow-ups.
POLLED = frozenset(followup.EARLY_BRANCHES).difference(followup.REPLY_BRANCHES)


class WabaSequenceBranch(models.Model):
    """A condition after a step and where it leads; the first that matches is taken.

    `goes_to` names a step by its `key`, which stays the same in all versions and copies.
    """

    _name = "waba.sequence.branch"
    _description = "WhatsApp Follow-up Branch"
    _inherit = ["waba.system.fields.mixin"]
    _order = "sequence, id"

    step_id = fields.Many2one("waba.sequence.step", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer("Order", default=10)
    kind = fields.Selection(KINDS, "Condition", default="answered", required=True)
    words = fields.Char(help="Several words or buttons are separated by commas.")
    domain = fields.Char("Filter", default="[]")
    res_model = fields.Char(compute="_compute_res_model")
    goes_to = fields.Char("Go to", default="")
    text = fields.Char("Branch", compute="_compute_text")

    @api.depends("step_id.sequence_id")
    def _compute_res_model(self):
        for branch in self:
            branch.res_model = branch.step_id.sequence_id._record_model()

    @api.depends("kind", "words")
    @api.depends_context("lang")
    def _compute_text(self):
        labels = selection_labels(self, "kind")
        for branch in self:
            text = labels.get(branch.kind)
            words = format_words(branch.words)
            has_words = branch.kind in ("button", "word") and words
            branch.text = f"{text}: {words}" if has_words else text

    @api.constrains("domain", "kind")
    def _check_domain(self):
        for branch in self.filtered(lambda one: one.kind == "field"):
            try:
                parse_domain(branch.domain, self.env[branch.step_id.sequence_id._record_model()])
            except ValueError as error:
                raise ValidationError(
                    self.env._("The filter is not valid: %s", branch.domain)
                ) from error

    @api.model_create_multi
    def create(self, vals_list):
        branches = super().create(vals_list)
        branches.step_id._check_not_executed()
        branches.step_id.sequence_id._update_reader()
        return branches

    def write(self, vals):
        self.step_id._check_not_executed()
        result = super().write(vals)
        if "step_id" in vals:
            self.step_id._check_not_executed()
        self.step_id.sequence_id._update_reader()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_executed(self):
        self.step_id._check_not_executed()

    @api.model
    def _copy_commands(self, branches):
        return [
            Command.create({name: branch[name] for name in BRANCH_FIELDS}) for branch in branches
        ]

    def _not_ready_reason(self):
        """What is missing, as a sentence, or False."""
        if self.kind in ("button", "word") and not followup.split_words(self.words):
            return self.env._("Enter the words of the condition “%s”.", self.text)
        if self.kind == "field" and self._field_domain().is_true():
            return self.env._("Set the filter of the condition “%s”.", self.text)
        return False

    def _field_domain(self):
        """The Domain of a 'field' branch; none matches one that cannot be parsed any more."""
        try:
            return parse_domain(self.domain, self.env[self.step_id.sequence_id._record_model()])
        except ValueError:
            return Domain.FALSE

    def _policy_branches(self):
        """These as policy.followup.Branch, in their order."""
        return [
            followup.Branch(one.id, one.kind, one.goes_to or "", followup.split_words(one.words))
            for one in self
        ]


class WabaSequenceStep(models.Model):
    _inherit = "waba.sequence.step"

    key = fields.Char(
        default=lambda self: secrets.token_hex(4),
        required=True,
        help="Names the step in branches, in all versions.",
    )
    branch_ids = fields.One2many("waba.sequence.branch", "step_id", string="Branches")
    goes_to = fields.Char("Then go to", default="")
    decide_amount = fields.Integer("Decide within", default=2)
    decide_unit = fields.Selection(
        [("hours", "hours"), ("days", "days")], "Time unit", default="days", required=True
    )
    ways_text = fields.Text("Then", compute="_compute_ways_text")

    _decide_not_negative = models.Constraint(
        "CHECK(decide_amount >= 0)", "A wait cannot be negative."
    )

    @api.depends(
        "goes_to", "branch_ids.text", "branch_ids.goes_to", "sequence_id.step_ids.sequence"
    )
    @api.depends_context("lang")
    def _compute_ways_text(self):
        for step in self:
            lines = [f"{one.text} → {step._target_label(one.goes_to)}" for one in step.branch_ids]
            if lines:
                otherwise = self.env._("Otherwise → %s", step._target_label(step.goes_to))
                lines.append(otherwise)
            elif step.goes_to and step.kind != "stop":
                lines.append(self.env._("Then → %s", step._target_label(step.goes_to)))
            step.ways_text = "\n".join(lines)

    def _target_label(self, goes_to):
        """'3. Send “Offer”', 'Next step' or 'End'."""
        if not goes_to:
            return self.env._("Next step")
        if goes_to == followup.END:
            return self.env._("End")
        target = self._target(goes_to)
        if not target:
            return self.env._("Deleted step")
        return f"{target.position}. {target.what_text}"

    def _target(self, goes_to):
        """The step of this version that `goes_to` names; empty for the end."""
        steps = self._siblings()
        if goes_to:
            return steps.filtered(lambda step: step.key == goes_to)[:1]
        # On a form the step itself may not be among them yet: it is the last.
        place = list(steps).index(self) + 1 if self in steps else len(steps)
        return steps[place : place + 1]

    def _siblings(self):
        """The steps of this version in order; on a form those that it shows."""
        self.ensure_one()
        if self.active:
            return self.sequence_id.step_ids.sorted("sequence")
        return self._version_steps()

    def _decide_until(self, since):
        return since + timedelta(**{self.decide_unit: self.decide_amount})

    @api.model
    def _flow_edges(self, steps):
        """`policy.followup.flow_edges` of these steps, which are all of one version."""
        ways = {
            step.key: [followup.END]
            if step.kind == "stop"
            else [*(one.goes_to or "" for one in step.branch_ids), step.goes_to or ""]
            for step in steps
        }
        return followup.flow_edges([step.key for step in steps], ways)

    @api.model
    def _flow_problems(self, steps):
        """[sentence]: what is wrong with the ways between these steps."""
        numbers = {step.key: number for number, step in enumerate(steps, start=1)}
        sentences = {
            "missing": self.env._("Step %s leads to a step that was deleted. Choose another one."),
            "loop": self.env._(
                "Step %s leads back to an earlier step, which would repeat messages. Lead it on, "
                "or use re-enrollment."
            ),
            "unreachable": self.env._(
                "Step %s is never reached. Lead a branch to it, or delete it."
            ),
        }
        return [
            sentences[problem] % numbers[key]
            for problem, key in followup.flow_problems(self._flow_edges(steps))
        ]


class WabaSequenceEnrollment(models.Model):
    _inherit = "waba.sequence.enrollment"

    is_deciding = fields.Boolean(readonly=True, help="The step is done; its branches are awaited.")
    heard_id = fields.Integer(
        readonly=True, help="Inbound messages up to this one decided a branch and stop nothing."
    )

    def _branch_facts(self):
        """{enrollment id: policy.followup.BranchFacts}, in a few queries."""
        last = self._last_messages()
        replies = self._replies_since({one_id: message[0] for one_id, message in last.items()})
        met = self._met_field_branches()
        messages = self.env["waba.message"].browse(
            [message_id for _since, message_id in last.values() if message_id]
        )
        by_id = {message.id: message for message in messages}
        facts = {}
        for one in self:
            message = by_id.get(last[one.id][1], messages.browse())
            facts[one.id] = followup.BranchFacts(
                replies=tuple(replies.get(one.id, ())),
                delivered=bool(message.delivered_at) or message.state in ("delivered", "read"),
                read=bool(message.read_at) or message.state == "read",
                clicked=bool(message.clicked_at),
                failed=followup.step_outcome(message.state) == "not_sent" if message else False,
                met=met.get(one.id, frozenset()),
            )
        return facts

    def _last_messages(self):
        """{enrollment id: (since when it counts what happens, id of its last message or None)}."""
        self.env["waba.message"].flush_model()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT e.id, COALESCE(m.left_at, e.entered_at), m.id
                     FROM waba_sequence_enrollment e
                LEFT JOIN LATERAL (
                          SELECT id, CASE WHEN state IN %(taken)s
                                     THEN COALESCE(accepted_at, sent_at, create_date)
                                     ELSE create_date END AS left_at
                            FROM waba_message WHERE enrollment_id = e.id
                        ORDER BY id DESC LIMIT 1) m ON TRUE
                    WHERE e.id = ANY(%(ids)s)""",
                taken=ACCEPTED_STATES,
                ids=self.ids,
            )
        )
        return {one_id: (since, message_id) for one_id, since, message_id in rows}

    def _replies_since(self, since):
        """{enrollment id: [policy.auto_reply.InboundText]} of the person's messages."""
        if not since:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT e.id, m.id
                     FROM unnest(%(ids)s::int[], %(since)s::timestamp[]) AS given(id, since)
                     JOIN waba_sequence_enrollment e ON e.id = given.id
                     JOIN waba_recipient r ON %(behind)s
                     JOIN waba_message m ON m.recipient_id = r.id
                    WHERE %(is_reply)s
                      AND GREATEST(m.sent_at, m.create_date) >= given.since
                    UNION
                   SELECT e.id, m.id
                     FROM unnest(%(ids)s::int[], %(since)s::timestamp[]) AS given(id, since)
                     JOIN waba_sequence_enrollment e ON e.id = given.id
                     JOIN waba_message m ON m.res_model = 'crm.lead' AND m.res_id = e.lead_id
                    WHERE %(is_reply)s
                      AND GREATEST(m.sent_at, m.create_date) >= given.since
                 ORDER BY 2""",
                ids=list(since),
                since=list(since.values()),
                behind=BEHIND_SQL,
                is_reply=REPLY_SQL,
            )
        )
        messages = self.env["waba.message"].browse({message_id for _one, message_id in rows})
        texts = {message.id: message._reply_text() for message in messages}
        replies = {}
        for one_id, message_id in rows:
            replies.setdefault(one_id, []).append(texts[message_id])
        return replies

    def _met_field_branches(self):
        """{enrollment id: ids of the 'field' branches whose filter its record matches}."""
        met = {}
        for step, group in self.grouped("step_id").items():
            for branch in step.branch_ids.filtered(lambda one: one.kind == "field"):
                for one_id in group._ids_matching(branch._field_domain()):
                    met[one_id] = met.get(one_id, frozenset()) | {branch.id}
        return met

    def _decide_branches(self, now):
        """Take the first branch that matches, or wait for it."""
        facts, ways = self._branch_facts(), {}
        for step, group in self.grouped("step_id").items():
            branches = step.branch_ids._policy_branches()
            looks_again = POLLED.intersection(one.kind for one in branches)
            for one in group:
                fact, until = facts[one.id], step._decide_until(one.waiting_since)
                is_over = fact.failed or now >= until
                is_certain, branch = followup.choose_branch(branches, fact, is_over)
                if is_certain:
                    way = branch.goes_to if branch else step.goes_to or ""
                    ways.setdefault((step, way), self.browse())
                    ways[step, way] |= one
                else:
                    soon = now + timedelta(minutes=10)
                    next_at = min(soon, until) if looks_again else until
                    one.write({"next_at": next_at, "due_at": until, "hold_reason": False})
        for (step, way), group in ways.items():
            group._go_to(step._target(way), now)

    def _is_expected(self, message):
        """Whether this reply is the condition of a branch that is decided now or next."""
        self.ensure_one()
        step = self.step_id
        if not step.branch_ids or not (self.is_deciding or step.kind == "branch"):
            return False
        return followup.is_expected_reply(step.branch_ids._policy_branches(), message._reply_text())


def format_words(text):
    return ", ".join(f"“{word}”" for word in followup.split_words(text))
