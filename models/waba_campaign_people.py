from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import retry
from .labels import selection_labels
from .waba_message import ACCEPTED_STATES, OPEN_STATES
from .waba_reputation_words import format_number, format_percent

# What the screen shows, from top to bottom: key -> (condition on the people, key of its base).
FUNNEL_STEPS = {
    "people": ([], None),
    "skipped": ([("state", "=", "skipped")], "people"),
    "queued": ([("state", "in", OPEN_STATES)], None),
    "uncertain": ([("state", "=", "uncertain")], None),
    "sent": ([("state", "in", ACCEPTED_STATES)], None),
    "delivered": ([("state", "in", ("delivered", "read"))], "sent"),
    "read": ([("state", "=", "read")], "delivered"),
    "replied": ([("replied_at", "!=", False)], "delivered"),
    "clicked": ([("clicked_at", "!=", False)], "delivered"),
    "opted_out": ([("opted_out_at", "!=", False)], "delivered"),
    "failed": ([("state", "=", "failed")], None),
}
# Steps that are only worth a line when somebody is there.
OPTIONAL_STEPS = ("uncertain", "queued", "clicked", "opted_out")

# Columns of the spreadsheet, after the record's name.
EXPORTED_FIELDS = (
    "person_name", "number", "state", "failure_type", "failure_reason", "template_id", "variant",
    "user_id", "sent_at", "delivered_at", "read_at", "replied_at", "clicked_at", "opted_out_at",
)  # fmt: skip


class WabaCampaign(models.Model):
    """The people behind every number: whom a figure counts, why the others stopped, what next."""

    _inherit = "waba.campaign"

    results_data = fields.Json("Results", compute="_compute_results_data")

    def _compute_results_data(self):
        for campaign in self:
            campaign.results_data = campaign._results_screen_data() if campaign.id else False

    def _results_screen_data(self):
        """{'columns', 'steps', 'skipped', 'failed'}; every count with the domain of its people."""
        columns = self._result_columns()
        return {
            "columns": [{"key": key, "label": label} for key, label, _domain, _counts in columns],
            "steps": [
                {
                    "key": key,
                    "label": label,
                    "cells": [self._result_cell(key, *column) for column in columns],
                }
                for key, label in self._step_labels().items()
                if key not in OPTIONAL_STEPS or any(column[3][key] for column in columns)
            ],
            "skipped": self._group_reasons("skipped"),
            "failed": self._group_reasons("failed"),
        }

    def _step_labels(self):
        return {
            "people": self.env._("People"),
            "skipped": self.env._("Left out"),
            "queued": self.env._("Waiting"),
            "uncertain": self.env._("Waiting for an answer"),
            "sent": self.env._("Sent"),
            "delivered": self.env._("Delivered"),
            "read": self.env._("Read"),
            "replied": self.env._("Replied"),
            "clicked": self.env._("Clicked the link"),
            "opted_out": self.env._("Opted out"),
            "failed": self.env._("Not delivered"),
        }

    def _result_columns(self):
        """[(key, label, domain, {step: people})]: the whole, and each message that was tried."""
        whole = {key: self[f"{key}_count"] for key in FUNNEL_STEPS}
        columns = [("all", self.env._("Everybody"), [], whole)]
        if not self.trial_state:
            return columns
        counts = self._count_variants()
        parts = [
            ("a", self.env._("Trial: A"), [("is_trial", "=", True), ("variant", "=", "a")]),
            ("b", self.env._("Trial: B"), [("is_trial", "=", True), ("variant", "=", "b")]),
            ("rest", self.env._("Others"), [("is_trial", "!=", True)]),
        ]
        nobody = dict.fromkeys(FUNNEL_STEPS, 0)
        return columns + [(*part, counts.get(part[0], nobody)) for part in parts]

    def _count_variants(self):
        """{'a' | 'b' | 'rest': {step: people}} in one pass over the campaign's rows."""
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT CASE WHEN is_trial THEN variant ELSE 'rest' END, count(*),
                          count(*) FILTER (WHERE state = 'skipped'),
                          count(*) FILTER (WHERE state IN %(open)s),
                          count(*) FILTER (WHERE state = 'uncertain'),
                          count(*) FILTER (WHERE state IN %(taken)s),
                          count(*) FILTER (WHERE state IN ('delivered', 'read')),
                          count(*) FILTER (WHERE state = 'read'),
                          count(replied_at), count(clicked_at), count(opted_out_at),
                          count(*) FILTER (WHERE state = 'failed')
                     FROM waba_message WHERE campaign_id = %(campaign)s GROUP BY 1""",
                open=tuple(OPEN_STATES),
                taken=tuple(ACCEPTED_STATES),
                campaign=self.id,
            )
        )
        return {key: dict(zip(FUNNEL_STEPS, counts, strict=True)) for key, *counts in rows}

    def _result_cell(self, key, _column, _label, domain, counts):
        conditions, base = FUNNEL_STEPS[key]
        share = (
            self.env._(
                "%(rate)s of %(base)s",
                rate=format_percent(self.env, counts[key] / counts[base]),
                base=format_number(self.env, counts[base]),
            )
            if base and counts[base]
            else ""
        )
        part = counts[key] / counts["people"] if counts["people"] else 0
        return {
            "count": counts[key],
            "share": share,
            "part": round(min(part, 1), 4),
            "domain": list(self._preview_rows_domain() & Domain(domain) & Domain(conditions)),
        }

    def _group_reasons(self, state):
        """Why people were excluded, or not reached: [{label, count, retryable, domain}]."""
        labels = selection_labels(self.env["waba.message"], "failure_type")
        groups = self.env["waba.message"]._read_group(
            [("campaign_id", "=", self.id), ("state", "=", state)],
            ["failure_type"],
            ["__count", "failed_at:max"],
            order="__count DESC",
        )
        return [
            {
                "key": reason or "",
                "label": labels.get(reason, self.env._("Not known")),
                "count": count,
                **(
                    self._retry_options(reason, count, last_at)
                    if state == "failed"
                    else self._count_messageable_again(reason)
                ),
                "domain": list(
                    self._preview_rows_domain()
                    & Domain([("state", "=", state), ("failure_type", "=", reason)])
                ),
            }
            for reason, count, last_at in groups
        ]

    def _retry_options(self, reason, count, last_at):
        """How many of these may be tried again now, and what to say of the others."""
        now = fields.Datetime.now()
        last_at = last_at or now
        from_ = retry.earliest_retry(reason or "", last_at)
        if not from_ or self.state == "cancelled":
            return {"retryable": 0, "hint": self.env._("Trying again would not change it."),
                    "passing": bool(from_)}  # fmt: skip
        if from_ <= now:
            return {"retryable": count, "hint": "", "passing": True}
        ready = self._count_earlier_failures(reason, now - (from_ - last_at))
        return {
            "retryable": ready,
            "hint": self.env._("All may be tried again %s.", self._format_datetime(from_)),
            "passing": True,
        }

    def _count_messageable_again(self, reason):
        """How many who had enough promotions may get another one now."""
        if reason != "frequency":
            return {}
        free = dict(self._count_messageable_by_campaign(fields.Datetime.now())).get(self, 0)
        hint = "" if free else self.env._("May be sent when the days of your rule are over.")
        return {"retryable": free, "hint": hint}

    # ------------------------------------------------------------------
    # What next
    # ------------------------------------------------------------------

    def action_retry_reason(self):
        """Queue again whom one reason stopped, as far as it may have passed."""
        self.ensure_one()
        self.check_access("write")
        failed = self.env["waba.message"].search(
            [
                ("campaign_id", "=", self.id),
                ("state", "in", ("failed", "skipped")),
                ("failure_type", "=", self.env.context.get("waba_reason")),
            ]
        )
        return self._retry_and_notify(failed)

    def action_create_followup_campaign(self):
        """A new campaign to these people; the screen's context may name which of them."""
        self.ensure_one()
        outcome = self.env.context.get("waba_outcome") or "read_not_replied"
        if self.state in ("draft", "scheduled"):
            raise UserError(self.env._("Nobody was written to yet. Launch this campaign first."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New campaign"),
            "res_model": "waba.campaign",
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {
                "default_name": self.env._("%s: once more", self.name),
                "default_company_id": self.company_id.id,
                "default_sender_id": self.sender_id.id,
                "default_utm_campaign_id": self.utm_campaign_id.id,
                "default_audience_source": "campaign",
                "default_audience_campaign_id": self.id,
                "default_audience_outcome": outcome,
            },
        }

    def action_export_recipients(self):
        """Every person with the outcome, as a spreadsheet."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/waba/campaign/{self.id}/people.xlsx",
            "target": "download",
        }

    # ------------------------------------------------------------------
    # The spreadsheet (controllers/export.py)
    # ------------------------------------------------------------------

    def _export_headings(self):
        rows = self.env["waba.message"]
        labels = [rows._fields[name]._description_string(self.env) for name in EXPORTED_FIELDS]
        return [self.env._("Record"), *labels]

    def _recipient_export_rows(self, chunk):
        """Values of one line after the other, as far as the user may read the messages."""
        rows, last_id = self.env["waba.message"], 0
        labels = {
            name: selection_labels(rows, name)
            for name in EXPORTED_FIELDS
            if rows._fields[name].type == "selection"
        }
        while found := rows.search(
            self._preview_rows_domain() & Domain("res_id", ">", last_id),
            order="res_id",
            limit=chunk,
        ):
            names = self._readable_record_names(found)
            for row in found:
                yield [names.get(row.res_id, ""), *(
                    self._export_value(row, name, labels) for name in EXPORTED_FIELDS
                )]  # fmt: skip
            last_id = found[-1].res_id
            self.env.invalidate_all()

    def _readable_record_names(self, rows):
        """{id: name} of the leads or contacts behind these rows that the user may still read."""
        records = self.env[self.res_model].search([("id", "in", rows.mapped("res_id"))])
        return {record.id: record.display_name for record in records}

    def _export_value(self, row, name, labels):
        value = row[name]
        if name in labels:
            return labels[name].get(value, "")
        if row._fields[name].type == "datetime":
            local = value and fields.Datetime.context_timestamp(self, value)
            return local.replace(tzinfo=None) if local else ""
        if row._fields[name].relational:
            return value.display_name or ""
        return value
