"""Follow-ups: a follow-up as a text, its figures, and its comparison with other leads.

Shown on its form; `_count_reached` is called by waba_sequence_step.py.
"""

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_list

from ..base.waba_message import ACCEPTED_STATES
from ..tools.labels import has_orders, selection_labels
from .waba_sequence_step import SWITCHES

# With fewer leads than this, a difference may be chance.
MIN_COMPARED_LEADS = 30


class WabaSequence(models.Model):
    _inherit = "waba.sequence"

    story = fields.Html("Summary", compute="_compute_story", sanitize=False)
    # Figures
    entered_count = fields.Integer("Enrolled", compute="_compute_figures", compute_sudo=True)
    running_count = fields.Integer("Active leads", compute="_compute_figures", compute_sudo=True)
    done_count = fields.Integer("Completed", compute="_compute_figures", compute_sudo=True)
    stopped_count = fields.Integer("Stopped", compute="_compute_figures", compute_sudo=True)
    written_count = fields.Integer("Messaged", compute="_compute_figures", compute_sudo=True)
    answered_count = fields.Integer("Replied", compute="_compute_figures", compute_sudo=True)
    won_count = fields.Integer("Won", compute="_compute_figures", compute_sudo=True)
    answer_rate = fields.Float("Reply rate", compute="_compute_figures",
                               compute_sudo=True)  # fmt: skip
    won_rate = fields.Float("Win rate", compute="_compute_figures",
                            compute_sudo=True)  # fmt: skip
    # Comparison
    others_count = fields.Integer("Not enrolled", compute="_compute_others", compute_sudo=True)
    others_won_count = fields.Integer("Not enrolled: won", compute="_compute_others",
                                      compute_sudo=True)  # fmt: skip
    others_won_rate = fields.Float("Non-enrolled win rate", compute="_compute_others",
                                   compute_sudo=True)  # fmt: skip
    comparison_text = fields.Text("Comparison", compute="_compute_others", compute_sudo=True)

    @api.depends(
        "trigger", "stage_ids", "source_ids", "tag_ids", "campaign_ids", "campaign_event",
        "trigger_amount", "trigger_unit", "domain", "stop_on_reply", "stop_on_opt_out",
        "stop_on_won", "stop_on_lost", "stop_on_stage_left", "stop_on_own_message",
        "stop_on_own_contact", "step_ids.wait_text", "step_ids.what_text", "res_model",
        "date_field", "date_side", "goal_kind",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_story(self):
        for sequence in self:
            steps = Markup("").join(
                Markup("<li>{}: <strong>{}</strong></li>").format(step.wait_text, step.what_text)
                for step in sequence.step_ids
            )
            sequence.story = Markup(
                "<p class='mb-1'>{}</p><ol class='mb-1'>{}</ol><p class='mb-0 text-muted'>{}</p>"
            ).format(sequence._start_sentence(), steps, sequence._end_sentence())

    @api.depends_context("uid")
    def _compute_figures(self):
        self.env["waba.sequence.enrollment"].flush_model()
        self.env["waba.message"].flush_model()
        self.env["crm.lead"].flush_model(["won_status"])
        rows = self.env.execute_query(
            SQL(
                """SELECT e.sequence_id, count(*),
                          count(*) FILTER (WHERE e.state = 'running'),
                          count(*) FILTER (WHERE e.state = 'done'),
                          count(*) FILTER (WHERE e.state = 'stopped'),
                          count(*) FILTER (WHERE m.is_sent),
                          count(*) FILTER (WHERE m.is_answered OR e.stop_reason = 'replied'),
                          count(*) FILTER (WHERE l.won_status = 'won')
                     FROM waba_sequence_enrollment e
                LEFT JOIN crm_lead l ON l.id = e.lead_id
                LEFT JOIN (SELECT enrollment_id, bool_or(state IN %(taken)s) AS is_sent,
                                  bool_or(replied_at IS NOT NULL) AS is_answered
                             FROM waba_message WHERE sequence_id = ANY(%(ids)s)
                         GROUP BY enrollment_id) m ON m.enrollment_id = e.id
                    WHERE e.sequence_id = ANY(%(ids)s)
                 GROUP BY e.sequence_id""",
                ids=self.ids,
                taken=ACCEPTED_STATES,
            )
        )
        names = ("entered", "running", "done", "stopped", "written", "answered", "won")
        found = {sequence_id: figures for sequence_id, *figures in rows}
        for sequence in self:
            figures = dict(zip(names, found.get(sequence.id, [0] * len(names)), strict=True))
            for name, value in figures.items():
                sequence[f"{name}_count"] = value
            sequence.answer_rate = _rate(figures["answered"], figures["written"])
            sequence.won_rate = _rate(figures["won"], figures["entered"])

    def _compute_others(self):
        for sequence in self:
            domain, rule = sequence._comparison()
            groups = (
                self.env["crm.lead"]
                .with_context(active_test=False)
                ._read_group(domain, ["won_status"], ["__count"])
                if domain
                else []
            )
            counts = dict(groups)
            sequence.others_count = sum(counts.values())
            sequence.others_won_count = counts.get("won", 0)
            sequence.others_won_rate = _rate(sequence.others_won_count, sequence.others_count)
            sequence.comparison_text = sequence._comparison_sentence(rule)

    # === Story ===

    def _start_sentence(self):
        """'A lead enters the stage Proposition.'"""
        names = {
            name: format_list(self.env, self[name].mapped("display_name"), style="or") or "…"
            for name in ("stage_ids", "source_ids", "tag_ids", "campaign_ids")
        }
        units = selection_labels(self, "trigger_unit")
        wait = f"{self.trigger_amount} {units.get(self.trigger_unit, '')}"
        sentences = {
            "manual": self.env._("Leads are enrolled manually.")
            if self._record_model() == "crm.lead"
            else self.env._("Records are enrolled manually or by automation rules."),
            "stage": self.env._("A lead enters the stage %s.", names["stage_ids"]),
            "stage_days": self.env._(
                "A lead stays in the stage %(stage)s for %(wait)s.",
                stage=names["stage_ids"], wait=wait,
            ),
            "created": self._created_sentence(names),
            "tag": self.env._("A lead gets the tag %s.", names["tag_ids"]),
            "campaign": self.env._(
                "No reply to %(campaign)s within %(wait)s after the message was %(event)s.",
                campaign=names["campaign_ids"],
                event=self.env._("read") if self.campaign_event == "read"
                else self.env._("delivered"),
                wait=wait,
            ),
            "quotation": self.env._("A quotation is sent for the opportunity."),
            "match": self.env._("A record starts to match the filter."),
            "date": self._date_sentence(),
        }  # fmt: skip
        # Nothing chosen yet: "A lead enters the stage …", without a fourth dot.
        return sentences[self.trigger or "manual"].replace("….", "…")

    def _date_sentence(self):
        """'3 days before Expiration.'"""
        field = self.env[self._record_model()]._fields.get(self.date_field or "")
        words = {
            "date": field._description_string(self.env) if field else "…",
            "days": self.trigger_amount,
        }
        if self.date_side == "before":
            return self.env._("%(days)s days before %(date)s.", **words)
        return self.env._("%(days)s days after %(date)s.", **words)

    def _created_sentence(self, names):
        if self.source_ids and self.tag_ids:
            return self.env._(
                "A lead is created from %(source)s with the tag %(tag)s.",
                source=names["source_ids"],
                tag=names["tag_ids"],
            )
        if self.source_ids:
            return self.env._("A lead is created from %s.", names["source_ids"])
        if self.tag_ids:
            return self.env._("A lead is created with the tag %s.", names["tag_ids"])
        return self.env._("A lead is created.")

    def _end_sentence(self):
        """'Exit conditions: Person replies · Lead won', by the labels of their switches."""
        conditions = self._active_exit_conditions()
        labels = [
            self._fields[name]._description_string(self.env)
            for reason, name in SWITCHES.items()
            if reason in conditions
        ]
        goal = ""
        if self.goal_kind:
            goal = self.env._("Goal: %s.", selection_labels(self, "goal_kind")[self.goal_kind])
        if not labels:
            return goal or self.env._("Ends after the last step.")
        return f"{goal} {self.env._('Exit conditions: %s.', ' · '.join(labels))}".strip()

    # === Figures ===

    def _count_reached(self):
        """{(version, key of a step): number of leads that it was done for}."""
        self.ensure_one()
        self.env["waba.sequence.enrollment"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT version, key, count(*)
                     FROM (SELECT e.version, jsonb_array_elements_text(e.path) AS key
                             FROM waba_sequence_enrollment e
                            WHERE e.sequence_id = %(id)s AND e.path IS NOT NULL
                        UNION ALL
                           SELECT e.version, s.key
                             FROM waba_sequence_enrollment e
                             JOIN (%(steps)s) s ON s.version = e.version
                                               AND s.position <= e.steps_done
                            WHERE e.sequence_id = %(id)s AND e.path IS NULL) done
                 GROUP BY version, key""",
                id=self.id,
                # Those enrolled before there were branches went from step to step in order.
                steps=SQL(
                    """SELECT version, key, row_number() OVER (PARTITION BY version
                                                               ORDER BY sequence, id) AS position
                         FROM waba_sequence_step WHERE sequence_id = %s""",
                    self.id,
                ),
            )
        )
        return {(version, key): count for version, key, count in rows}

    # === Comparison with leads that were not followed up ===

    def _comparison(self):
        """(domain of the leads compared with, the rule as text); (None, "") before activation."""
        self.ensure_one()
        if not self.activated_at or self._record_model() != "crm.lead":
            return None, ""
        since = self.activated_at
        base = Domain("company_id", "in", (False, self.company_id.id)) & ~Domain(
            "waba_enrollment_ids", "any", [("sequence_id", "=", self.id)]
        )
        created = Domain("create_date", ">=", since)
        if self.trigger in ("stage", "stage_days"):
            came = Domain("id", "in", self._ids_entered_stage(since))
            return base & came, self.env._("leads that entered the same stage since the start")
        if self.trigger == "tag":
            rule = self.env._("leads with the same tag, created since the start")
            return base & created & Domain("tag_ids", "in", self.tag_ids.ids), rule
        if self.trigger == "created":
            domain = base & created
            if self.source_ids:
                domain &= Domain("source_id", "in", self.source_ids.ids)
            if self.tag_ids:
                domain &= Domain("tag_ids", "in", self.tag_ids.ids)
            return domain, self.env._("leads with the same source or tag, created since the start")
        if self.trigger == "campaign":
            rows = self.env["waba.message"]._read_group(
                [("campaign_id", "in", self.campaign_ids.ids), ("res_model", "=", "crm.lead"),
                 ("state", "in", ("delivered", "read"))], ["res_id"]
            )  # fmt: skip
            ids = [res_id for (res_id,) in rows]
            rule = self.env._("leads reached by the same campaigns")
            return base & Domain("id", "in", ids), rule
        if self.trigger == "quotation" and has_orders(self.env):
            orders = self.env["sale.order"].search(
                [("opportunity_id", "!=", False), ("create_date", ">=", since),
                 ("state", "!=", "draft"), ("company_id", "=", self.company_id.id)]
            )  # fmt: skip
            rule = self.env._("opportunities with a quotation created and sent since the start")
            return base & Domain("id", "in", orders.opportunity_id.ids), rule
        return base & created, self.env._("leads created since the start")

    def _ids_entered_stage(self, since):
        """Ids of leads that entered one of the stages since then, or were created in it."""
        self.env["mail.tracking.value"].flush_model()
        field = self.env["ir.model.fields"]._get("crm.lead", "stage_id")
        rows = self.env.execute_query(
            SQL(
                """SELECT t.res_id FROM mail_tracking_value v
                     JOIN mail_message t ON t.id = v.mail_message_id AND t.model = 'crm.lead'
                    WHERE v.field_id = %(field)s AND v.new_value_integer = ANY(%(stages)s)
                      AND t.date >= %(since)s
                    UNION
                   SELECT id FROM crm_lead
                    WHERE stage_id = ANY(%(stages)s) AND create_date >= %(since)s""",
                field=field.id,
                stages=self.stage_ids.ids,
                since=since,
            )
        )
        return [lead_id for (lead_id,) in rows]

    def _comparison_sentence(self, rule):
        if not rule:
            return False
        if not self.others_count:
            return self.env._("No comparison yet: no %s.", rule)
        caution = self.env._("Not a random sample: the difference is an indication, not proof.")
        few = ""
        if min(self.others_count, self.entered_count) < MIN_COMPARED_LEADS:
            few = self.env._("Not enough data: fewer than %s leads in a group.", MIN_COMPARED_LEADS)
        return " ".join(
            filter(None, [
                self.env._("Compared with leads that were not enrolled: %s.", rule), caution, few
            ])
        )  # fmt: skip


def _rate(part, whole):
    return part / whole if whole else 0
