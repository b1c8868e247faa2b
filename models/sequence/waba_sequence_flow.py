"""Follow-ups: the picture of the flow, with figures on each step.

Drawn by static/src/sequence/flow.js on the form.
"""

from itertools import pairwise

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import followup

# Older versions that are shown besides the one in force: the latest with leads.
SHOWN_VERSIONS = 5


class WabaSequence(models.Model):
    _inherit = "waba.sequence"

    flow = fields.Json(compute="_compute_flow", compute_sudo=True)
    goal_count = fields.Integer("Goal reached", compute="_compute_goal_count", compute_sudo=True)

    @api.depends(
        "step_ids.sequence", "step_ids.kind", "step_ids.what_text", "step_ids.wait_text",
        "step_ids.goes_to", "step_ids.branch_ids.text", "step_ids.branch_ids.goes_to", "version",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_flow(self):
        for sequence in self:
            steps = sequence.step_ids.sorted("sequence")
            flow = [sequence._flow_version(sequence.version, steps)] if steps else []
            if older := sequence._origin._older_versions():
                all_steps = sequence._origin.step_ids.with_context(active_test=False).search(
                    [("sequence_id", "=", sequence._origin.id), ("version", "in", older)]
                )
                flow += [
                    sequence._flow_version(version, all_steps.filtered_domain(
                        [("version", "=", version)]
                    ).sorted("sequence"))
                    for version in older
                ]  # fmt: skip
            sequence.flow = flow

    def _compute_goal_count(self):
        groups = self.env["waba.sequence.enrollment"]._read_group(
            [("sequence_id", "in", self.ids), ("goal_reached", "=", True)],
            ["sequence_id"],
            ["__count"],
        )
        counts = {sequence.id: count for sequence, count in groups}
        for sequence in self:
            sequence.goal_count = counts.get(sequence.id, 0)

    def _older_versions(self):
        """Versions that leads went through, besides the one in force, latest first."""
        versions = {
            version for _id, version in self._executed_versions() if version != self.version
        }
        return sorted(versions, reverse=True)[:SHOWN_VERSIONS]

    def _flow_version(self, version, steps):
        """The boxes and arrows of one version, as JSON."""
        edges = steps._flow_edges(steps)
        places = followup.flow_layout(edges)
        passed, goals = self._origin._flow_counts(version)
        reached = self._origin._count_reached() if self._origin else {}
        return {
            "version": version,
            "boxes": [
                {
                    "key": step.key,
                    "row": places[step.key][0],
                    "column": places[step.key][1],
                    "number": number,
                    "kind": step.kind,
                    "wait": step.wait_text,
                    "what": step.what_text,
                    "reached": reached.get((version, step.key), 0),
                    "here": step._origin.here_count,
                    "sent": step._origin.sent_count,
                    "read": step._origin.read_count,
                    "replied": step._origin.answered_count,
                    "goal": goals.get(step.key, 0),
                }
                for number, step in enumerate(steps, 1)
            ],
            "arrows": [
                {"from": step.key, "to": to, "text": text, "count": passed.get((step.key, to), 0)}
                for step in steps
                if step.kind != "stop"
                for to, text in step._flow_arrows(list(edges))
            ],
        }

    def _flow_counts(self, version):
        """({(key, key of the step after it or END): leads}, {key of the last step: goals})."""
        if not self:
            return {}, {}
        self.env["waba.sequence.enrollment"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT e.path, e.state, e.goal_reached, s.key, count(*)
                     FROM waba_sequence_enrollment e
                LEFT JOIN waba_sequence_step s
                       ON s.id = e.step_id AND e.state = 'running' AND e.is_deciding IS NOT TRUE
                    WHERE e.sequence_id = %s AND e.version = %s AND e.path IS NOT NULL
                 GROUP BY e.path, e.state, e.goal_reached, s.key""",
                self.id,
                version,
            )
        )
        passed, goals = {}, {}
        for path, state, is_goal, waits_at, count in rows:
            ways = list(pairwise([*path, waits_at] if waits_at else path))
            if state == "done" and path and not is_goal:
                ways.append((path[-1], followup.END))
            for way in ways:
                passed[way] = passed.get(way, 0) + count
            if is_goal and path:
                goals[path[-1]] = goals.get(path[-1], 0) + count
        return passed, goals


class WabaSequenceStep(models.Model):
    _inherit = "waba.sequence.step"

    def _flow_arrows(self, order):
        """[(key or END, text)]: the arrows from this step; those to one step are one."""
        self.ensure_one()
        texts = {}
        place = order.index(self.key) + 1
        following = order[place] if place < len(order) else followup.END
        for branch in self.branch_ids:
            texts.setdefault(branch.goes_to or following, []).append(branch.text)
        otherwise = self.env._("Otherwise") if texts else ""
        texts.setdefault(self.goes_to or following, []).append(otherwise)
        return [(to, " · ".join(filter(None, found))) for to, found in texts.items()]
