"""Template health: our figures of a template, beside another one's and Meta's own.

Opened by *Health* on a template.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from ..cloud_api import CloudApiError
from ..models.base.waba_message import DEPARTURE_SQL, measure_conditions
from ..models.tools.labels import dialog_action
from ..models.tools.moments import moment_text
from ..models.tools.reputation_texts import format_number, format_percent
from ..policy.template_health import MEASURES, MIN_BASE, compare_rates, measure_rate

# Meta keeps the figures of templates for 90 days (Analytics, 2026-02-12).
PERIODS = [("7", "7 days"), ("30", "30 days"), ("60", "60 days"), ("90", "90 days")]
NOT_CONFIRMED = 100
META_PRODUCTS = ("CLOUD_API", "MARKETING_MESSAGES_LITE_API")
META_COUNTS = ("sent", "delivered", "read", "clicked")


class WabaTemplateHealth(models.TransientModel):
    _name = "waba.template.health"
    _description = "Template Health"
    _inherit = ["waba.system.fields.mixin"]

    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, system=False, ondelete="cascade"
    )
    company_id = fields.Many2one(related="template_id.company_id")
    account_id = fields.Many2one(related="template_id.account_id")
    other_id = fields.Many2one(
        "waba.template", "Compare with", ondelete="cascade",
        domain="[('company_id', '=', company_id), ('id', '!=', template_id)]",
    )  # fmt: skip
    period = fields.Selection(PERIODS, default="30", required=True)
    summary = fields.Char(compute="_compute_table")
    table = fields.Html(compute="_compute_table", sanitize=False)
    meta_figures = fields.Json(readonly=True)
    meta_problem = fields.Text(readonly=True)
    is_unconfirmed = fields.Boolean(readonly=True)

    @api.model
    def _open(self, template):
        """Return the action that shows the health of a template.

        :raise AccessError: the user is not a manager
        """
        self.check_access("create")
        return dialog_action(self, self.env._("Template health"), template_id=template.id)

    @api.depends("template_id", "other_id", "period", "meta_figures")
    @api.depends_context("uid", "lang")
    def _compute_table(self):
        for wizard in self:
            ours = wizard._our_counts()
            templates = wizard.template_id | wizard.other_id
            wizard.summary = wizard._describe_history()
            wizard.table = self.env["ir.qweb"]._render(
                "waba_campaign.template_health_table",
                {
                    "templates": templates,
                    "rows": wizard._table_rows(ours),
                    "minimum": format_number(self.env, MIN_BASE),
                    "meta": wizard._meta_rows(templates, ours),
                },
            )

    # === Our figures ===

    def _our_counts(self):
        """{template id: {outcome: messages}} of the messages sent in the period."""
        templates = (self.template_id | self.other_id)._origin
        # Nobody sees the figures of a template that they may not read.
        templates.check_access("read")
        is_ = measure_conditions(SQL("(now() AT TIME ZONE 'UTC')"))
        is_["clicked"] = SQL("m.clicked_at IS NOT NULL")
        names = ("sent", *dict.fromkeys(counted for counted, _of in MEASURES.values()))
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT m.template_id, %s FROM waba_message m
                    WHERE m.template_id = ANY(%s) AND m.direction = 'out' AND %s >= %s
                 GROUP BY m.template_id""",
                SQL(", ").join(SQL("count(*) FILTER (WHERE %s)", is_[name]) for name in names),
                templates.ids,
                DEPARTURE_SQL,
                self._start(),
            )
        )
        return {id_: dict(zip(names, counts, strict=True)) for id_, *counts in rows}

    def _start(self):
        return fields.Datetime.now() - timedelta(days=int(self.period))

    def _table_rows(self, counts):
        """[{'label', 'rates': [text], 'verdict': text}] for each of `MEASURES`."""
        env = self.env
        labels = {
            "delivery": env._("Delivery rate"),
            "read": env._("Read rate"),
            "reply": env._("Reply rate"),
            "click": env._("Click rate"),
            "opt_out": env._("Opt-out rate"),
        }
        verdicts = {
            "higher": env._("Higher"),
            "lower": env._("Lower"),
            "unclear": env._("No clear difference"),
            "thin": env._("Not enough data"),
        }
        rows = []
        for measure, label in labels.items():
            rates = [
                measure_rate(measure, counts.get(template.id, {}))
                for template in (self.template_id | self.other_id)._origin
            ]
            verdict = compare_rates(*rates) if len(rates) == 2 else ""
            rows.append(
                {
                    "label": label,
                    "rates": [self._describe_rate(rate) for rate in rates],
                    "verdict": verdicts.get(verdict, ""),
                    "is_certain": verdict in ("higher", "lower"),
                }
            )
        return rows

    def _describe_rate(self, rate):
        """{'value', 'base', 'range'} of a `Measured` as texts."""
        base = self.env._(
            "%(count)s of %(base)s",
            count=format_number(self.env, rate.count),
            base=format_number(self.env, rate.base),
        )
        if rate.value is None:
            return {"value": "–", "base": base, "range": ""}
        low, high = (format_percent(self.env, bound) for bound in (rate.low, rate.high))
        return {
            "value": format_percent(self.env, rate.value),
            "base": base,
            "range": f"{low} – {high}",
        }

    def _describe_history(self):
        """Meta's rating and its pauses, as one line."""
        template = self.template_id
        rating = dict(template._fields["quality_score"]._description_selection(self.env))
        pauses = self.env["waba.reputation.event"].search_count(
            [
                ("template_id", "=", template.id),
                ("kind", "=", "template_paused"),
                ("at", ">=", self._start()),
            ]
        )
        return self.env._(
            "Quality rating: %(rating)s. Paused by Meta: %(count)s in %(days)s days; the third "
            "pause disables a template.",
            rating=rating[template.quality_score or "unknown"],
            count=pauses,
            days=self.period,
        )

    # === Meta's figures ===

    def action_read_meta(self):
        """Read Meta's own figures of the period."""
        self.ensure_one()
        self.check_access("write")
        templates = self.template_id | self.other_id.filtered(
            lambda other: other.account_id == self.template_id.account_id
        )
        now = fields.Datetime.now()
        values = {"meta_figures": False, "meta_problem": False, "is_unconfirmed": False}
        try:
            values["meta_figures"] = {
                "at": str(now),
                "counts": self._read_meta_counts(templates, self._start(), now),
            }
        except CloudApiError as error:
            values["is_unconfirmed"] = getattr(error, "code", None) == NOT_CONFIRMED
            values["meta_problem"] = self.env._(
                "Meta gave no figures. %s", self.account_id._error_text(error)
            )
        self.sudo().write(values)
        return self._reopen()

    def action_enable_insights(self):
        """Confirm template analytics at Meta, for good, then read them.

        :raise UserError: Meta refused, as for accounts in the EU and Japan
        """
        self.ensure_one()
        self.check_access("write")
        account = self.account_id.sudo()
        try:
            with account._client() as client:
                client.enable_insights(account.waba_uid)
        except CloudApiError as error:
            raise UserError(account._error_text(error)) from error
        return self.action_read_meta()

    def _read_meta_counts(self, templates, start, end):
        """{template id as text: {count or 'spent': number or None}} as Meta counts them."""
        account = self.account_id.sudo()
        known = {template.template_uid: str(template.id) for template in templates}
        found = {id_: {**dict.fromkeys(META_COUNTS, 0), "spent": None} for id_ in known.values()}
        with account._client() as client:
            for product in META_PRODUCTS:
                days = client.template_analytics(
                    account.waba_uid,
                    [*known],
                    fields.Datetime.to_datetime(start).timestamp(),
                    fields.Datetime.to_datetime(end).timestamp(),
                    product,
                )
                for day in days:
                    if day.template_uid in known:
                        _add_day(found[known[day.template_uid]], day)
        return found

    def _meta_rows(self, templates, ours):
        """Meta's counts beside ours: {'at', 'rows': [{'label', 'pairs': [(Meta's, ours)]}]}."""
        if not self.meta_figures:
            return None
        labels = {
            "sent": self.env._("Sent"),
            "delivered": self.env._("Delivered"),
            "read": self.env._("Read"),
            "clicked": self.env._("Clicked"),
        }
        rows = []
        for name, label in labels.items():
            pairs = []
            for template in templates._origin:
                meta = self.meta_figures["counts"].get(str(template.id))
                mine = ours.get(template.id, {}).get(name, 0)
                pairs.append((self._format_count(meta and meta[name]), self._format_count(mine)))
            rows.append({"label": label, "pairs": pairs})
        at = moment_text(self.env, fields.Datetime.to_datetime(self.meta_figures["at"]))
        return {"at": at, "rows": rows, "spent": self._describe_spent(templates)}

    def _describe_spent(self, templates):
        """Meta's costs in the account's currency, one text each; '–' where Meta tells none."""
        spent = [
            (self.meta_figures["counts"].get(str(template.id)) or {}).get("spent")
            for template in templates._origin
        ]
        return ["–" if value is None else formatLang(self.env, value) for value in spent]

    def _format_count(self, count):
        return "–" if count is None else format_number(self.env, count)

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Template health"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    def action_view_health(self):
        """Open the template's figures, beside another template's and Meta's."""
        self.ensure_one()
        return self.env["waba.template.health"]._open(self)


def _add_day(counts, day):
    """Add a `cloud_api` day to the counts of its template."""
    counts["sent"] += day.sent
    counts["delivered"] += day.delivered
    counts["read"] += day.read
    counts["clicked"] += sum(day.clicks.values())
    if day.spent is not None:
        counts["spent"] = (counts["spent"] or 0) + float(day.spent)
