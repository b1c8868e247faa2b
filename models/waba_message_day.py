from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..policy import reputation_rates
from .waba_message import ACCEPTED_STATES, CLOCK_TOLERANCE, REPLY_PERIOD

SILENCE_DELAY = timedelta(days=reputation_rates.SILENT_AFTER_DAYS)
# When a message left: Meta's acceptance, else the first that was heard of it, else its refusal.
DEPARTURE_SQL = SQL("COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)")


def measure_conditions(now):
    """{measure: SQL condition on a message `m`}, one for each of policy.reputation_rates.COUNTS.

    :param now: SQL expression of the present moment, naive UTC
    """
    return {
        "sent": SQL("COALESCE(m.accepted_at, m.sent_at, m.delivered_at, m.read_at) IS NOT NULL"),
        # WhatsApp may leave out "delivered" when the message is read at once.
        "delivered": SQL("COALESCE(m.delivered_at, m.read_at) IS NOT NULL"),
        "read": SQL("m.read_at IS NOT NULL"),
        "replied": SQL("m.replied_at IS NOT NULL"),
        "opted_out": SQL("m.opted_out_at IS NOT NULL"),
        "silent": SQL("m.state = 'sent' AND m.sent_at < %s - %s", now, SILENCE_DELAY),
        "undeliverable": SQL("m.failure_type = 'undeliverable'"),
        "limited": SQL("m.failure_type IN ('marketing_limit', 'experiment')"),
        "spam_limited": SQL("m.failure_type = 'spam_rate'"),
        "failed": SQL("m.state = 'failed'"),
    }


class WabaMessage(models.Model):
    """The day to which a message counts, and whether its person had enough of us after it."""

    _inherit = "waba.message"

    opted_out_at = fields.Datetime(
        "Opted out at",
        readonly=True,
        help="When the person asked for no more promotions in answer to this message, or within a "
        "week of it when they did not say to which.",
    )
    day = fields.Date(
        compute="_compute_day", search="_search_day",
        help="The UTC day on which it left; replies, failures and opt-outs count to it.",
    )  # fmt: skip

    _day_idx = models.Index(
        "(COALESCE(accepted_at, sent_at, delivered_at, read_at, failed_at))"
        " WHERE direction = 'out'"
        " AND COALESCE(accepted_at, sent_at, delivered_at, read_at, failed_at) IS NOT NULL"
    )
    _opted_out_idx = models.Index("(opted_out_at) WHERE opted_out_at IS NOT NULL")

    @api.depends("accepted_at", "sent_at", "delivered_at", "read_at", "failed_at", "direction")
    def _compute_day(self):
        for message in self:
            left_at = (
                message.accepted_at or message.sent_at or message.delivered_at
                or message.read_at or message.failed_at
            )  # fmt: skip
            message.day = message.direction == "out" and left_at and left_at.date()

    @api.model
    def _search_day(self, operator, value):
        if operator not in ("<", "<=", ">", ">="):
            return NotImplemented
        day = fields.Date.to_date(value)
        if operator in (">", "<="):
            day += timedelta(days=1)
        sign = SQL("<" if operator[0] == "<" else ">=")

        def to_sql(_model, alias, _query):
            return SQL(
                "(%(m)s.direction = 'out' AND COALESCE(%(m)s.accepted_at, %(m)s.sent_at,"
                " %(m)s.delivered_at, %(m)s.read_at, %(m)s.failed_at) %(sign)s %(day)s)",
                m=SQL.identifier(alias),
                sign=sign,
                day=fields.Datetime.to_datetime(day),
            )

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _record_opt_outs(self, said):
        """Write on each message that somebody answered it with "no more".

        A word that names no message of ours (WhatsApp's own control, a colleague who heard it,
        a refusal because it was said before) belongs to the last promotion of the week before.

        :param said: SQL condition on the ledger's words `c` to look at
        """
        self.env["waba.consent"].flush_model()
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """WITH said AS (
                       SELECT c.at, c.recipient_id, c.company_id,
                              CASE WHEN c.source IN ('reply', 'button')
                                   THEN COALESCE(i.reply_to_id,
                                                 CASE WHEN i.direction = 'out' THEN i.id END)
                              END AS message_id
                         FROM waba_consent c LEFT JOIN waba_message i ON i.id = c.message_id
                        WHERE c.action = 'opt_out' AND c.purpose = 'marketing'
                          AND c.source NOT IN ('merge', 'erased') AND %(said)s
                   ), answered AS (
                       SELECT COALESCE(said.message_id, last.id) AS id, min(said.at) AS at
                         FROM said LEFT JOIN LATERAL (
                              SELECT m.id FROM waba_message m
                               WHERE said.message_id IS NULL
                                 AND m.recipient_id = said.recipient_id AND m.direction = 'out'
                                 AND m.company_id = COALESCE(said.company_id, m.company_id)
                                 AND m.category = 'marketing' AND m.state IN %(taken)s
                                 AND %(left_at)s >= said.at - %(within)s
                                 AND %(left_at)s <= said.at + %(ahead)s
                               ORDER BY %(left_at)s DESC, m.id DESC LIMIT 1) last ON TRUE
                        GROUP BY 1
                   )
                   UPDATE waba_message m SET opted_out_at = answered.at
                     FROM answered
                    WHERE m.id = answered.id
                      AND (m.opted_out_at IS NULL OR m.opted_out_at > answered.at)""",
                said=said,
                taken=ACCEPTED_STATES,
                left_at=DEPARTURE_SQL,
                within=REPLY_PERIOD,
                ahead=CLOCK_TOLERANCE,
            )
        )
        self.invalidate_model(["opted_out_at"])
