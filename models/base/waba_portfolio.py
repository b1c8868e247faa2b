"""Base: a Meta business portfolio: the messaging limit and the slots in use.

Called by the sync and webhooks (limit), the reservation (lock, slots) and its form.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import limits
from ..tools.hooks import hook
from ..tools.labels import selection_labels

MESSAGING_LIMITS = [
    ("50", "50 recipients a day"),
    ("250", "250 recipients a day"),
    ("1000", "1,000 recipients a day"),
    ("2000", "2,000 recipients a day"),
    ("10000", "10,000 recipients a day"),
    ("100000", "100,000 recipients a day"),
    ("unlimited", "Unlimited"),
    ("unknown", "Unknown"),
]


class WabaPortfolio(models.Model):
    """A Meta business portfolio, which has the messaging limit of all its accounts.

    Since 2025-10-07 Meta counts recipients contacted outside a service window per portfolio, not
    per number, so every number locks this row before it uses slots of the rolling 24 hours
    (`_lock_for_reservation`).
    Entry points: `_lock_for_reservation`, `_slot_times`, `_set_messaging_limit`.
    Note: there is no counter that could drift; a used slot is `waba.recipient.slot_at`.
    """

    _name = "waba.portfolio"
    _description = "Meta Business Portfolio"
    _inherit = ["mail.thread", "waba.system.fields.mixin"]
    _order = "name, id"

    name = fields.Char(required=True)
    portfolio_uid = fields.Char("Portfolio ID", readonly=True, copy=False)
    active = fields.Boolean(default=True)
    # Limits
    messaging_limit = fields.Selection(
        MESSAGING_LIMITS,
        string="Meta limit",
        default="unknown",
        required=True,
        readonly=True,
        tracking=True,
        help="Recipients per 24 hours that Meta allows all numbers of the portfolio together; 250 "
        "while unknown.",
    )
    daily_cap = fields.Integer(
        "Own limit",
        tracking=True,
        help="Recipients per 24 hours, if lower than Meta's limit. 0: no own limit.",
    )
    followup_share = fields.Float(
        "Reserved for follow-ups",
        default=0.0,
        tracking=True,
        help="Share of the daily limit that campaigns leave to follow-ups.",
    )
    reserve_count = fields.Integer(
        default=0,
        required=True,
        readonly=True,
        copy=False,
        help="Written by each reservation, so that two reservations can never overlap.",
    )
    # Related records
    account_ids = fields.One2many(
        "waba.account", "portfolio_id", string="WhatsApp accounts", readonly=True
    )
    sender_ids = fields.One2many("waba.sender", "portfolio_id", string="Numbers", readonly=True)
    # Usage
    people_limit = fields.Integer("Daily limit", compute="_compute_usage")
    is_unlimited = fields.Boolean(compute="_compute_usage")
    slots_used = fields.Integer("Used (last 24 h)", compute="_compute_usage")
    usage_rate = fields.Float("Share used", compute="_compute_usage", aggregator=None)
    next_slot_at = fields.Datetime("Next slot", compute="_compute_usage")

    _portfolio_uid_uniq = models.Constraint(
        "UNIQUE(portfolio_uid)", "This Meta business portfolio is already known."
    )
    _daily_cap_positive = models.Constraint(
        "CHECK(daily_cap >= 0)",
        "The own limit must be 0 (none) or a number of recipients.",
    )
    _followup_share_range = models.Constraint(
        "CHECK(followup_share >= 0 AND followup_share <= 1)",
        "The share reserved for follow-ups must be between 0% and 100%.",
    )

    @api.depends("messaging_limit", "daily_cap")
    def _compute_usage(self):
        used = self._count_slots_used()
        for portfolio in self:
            limit = portfolio._people_limit()
            count, oldest = used.get(portfolio.id, (0, None))
            portfolio.slots_used = count
            portfolio.is_unlimited = limit is None
            portfolio.people_limit = limit or 0
            portfolio.usage_rate = count / limit if limit else 0.0
            portfolio.next_slot_at = oldest + limits.WINDOW if oldest else False

    def write(self, vals):
        result = super().write(vals)
        if "daily_cap" in vals or "followup_share" in vals:
            self.sender_ids._trigger_dispatch()
        return result

    def action_view_counted_recipients(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Recipients counted in the last 24 h"),
            "res_model": "waba.recipient",
            "view_mode": "list,form",
            "domain": [
                ("portfolio_id", "=", self.id),
                ("slot_at", ">", fields.Datetime.now() - timedelta(hours=24)),
            ],
        }

    # === Hooks ===

    @hook
    def _on_join(self, other, account):
        """Before `account` moves from the portfolio `other` to this one.

        :param other: waba.portfolio, which may keep other accounts
        """

    @hook
    def _on_accounts_change(self):
        """After accounts of these portfolios were created, or changed portfolio or company."""

    @hook
    def _on_limit_change(self, before):
        """After Meta's limit of this portfolio changed.

        :param before: the previous key of MESSAGING_LIMITS
        """

    # === Slots ===

    def _people_limit(self):
        """Recipients in 24 h, the smaller of Meta's limit and ours; None: no limit."""
        self.ensure_one()
        return limits.people_limit(self.messaging_limit, self.daily_cap)

    def _count_slots_used(self):
        """{portfolio id: (slots used in the last 24 h, time of the oldest)}; none if unused."""
        if not self.ids:
            return {}
        self.env["waba.recipient"].flush_model(["portfolio_id", "slot_at"])
        rows = self.env.execute_query(
            SQL(
                """SELECT portfolio_id, count(*), min(slot_at) FROM waba_recipient
                    WHERE portfolio_id IN %s AND slot_at > %s GROUP BY portfolio_id""",
                tuple(self.ids),
                fields.Datetime.now() - limits.WINDOW,
            )
        )
        return {portfolio_id: (count, oldest) for portfolio_id, count, oldest in rows}

    def _slot_times(self):
        """Times of the slots in use, oldest first; [] without a limit."""
        self.ensure_one()
        if self._people_limit() is None:
            return []
        rows = self.env.execute_query(
            SQL(
                """SELECT slot_at FROM waba_recipient
                    WHERE portfolio_id = %s AND slot_at > %s ORDER BY slot_at""",
                self.id,
                fields.Datetime.now() - limits.WINDOW,
            )
        )
        return [slot_at for (slot_at,) in rows]

    def _lock_for_reservation(self):
        """Lock this portfolio until the transaction ends.

        An UPDATE, not a SELECT … FOR UPDATE: under REPEATABLE READ the transaction that waited for
        a lock still reads its old snapshot, without the slots that the other number has used. An
        update makes PostgreSQL refuse that transaction instead (serialization failure), and the
        caller retries on a new snapshot.

        :raise psycopg2.errors.SerializationFailure: another reservation came first
        """
        self.ensure_one()
        self.env.cr.execute(
            SQL(
                "UPDATE waba_portfolio SET reserve_count = reserve_count + 1 WHERE id = %s", self.id
            ),
            # A conflict with another number's reservation is expected.
            log_exceptions=False,
        )
        self.invalidate_recordset(["reserve_count"])

    # === Messaging limit ===

    def _set_messaging_limit(self, messaging_limit, source):
        """Apply the limit that Meta reports, and trigger the jobs that may wait for it.

        :param messaging_limit: a key of MESSAGING_LIMITS; 'unknown', None and others change nothing
        :param source: where Meta reported it, as text for the chatter
        """
        labels = selection_labels(self, "messaging_limit")
        for portfolio in self:
            if messaging_limit not in labels or messaging_limit in (
                "unknown",
                portfolio.messaging_limit,
            ):
                continue
            before = portfolio.messaging_limit
            portfolio.messaging_limit = messaging_limit
            portfolio._message_log(
                body=self.env._(
                    "Meta limit changed: %(before)s → %(after)s (%(where)s).",
                    before=labels[before],
                    after=labels[messaging_limit],
                    where=source,
                )
            )
            portfolio.sender_ids._trigger_dispatch()
            portfolio._on_limit_change(before)

    def _limit_text(self, before, after):
        labels = selection_labels(self, "messaging_limit")
        return self.env._(
            "Daily limit: %(before)s → %(after)s",
            before=labels.get(before or "unknown"),
            after=labels.get(after, after),
        )

    def _apply_polled_limit(self, messaging_limit, where, subject):
        """Apply a limit from a sync, and record evidence of a change.

        :param where: as `source` of `_set_messaging_limit`
        :param subject: {field of the evidence: id} of the account or number it was read from
        """
        before = self.messaging_limit
        self._set_messaging_limit(messaging_limit, where)
        self.env["waba.reputation.event"]._record_changes(
            {**subject, "portfolio_id": self.id},
            {"messaging_limit": before if before != "unknown" else None},
            {"messaging_limit": self.messaging_limit},
            lambda _kind, old, new: self._limit_text(old, new),
        )
