from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import hours
from .phone_countries import zones_of

# Rows of one closed time zone that one reservation puts off; those behind them follow with the
# next, so that no transaction holds the portfolio for long.
PUT_OFF_AT_ONCE = 5000


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @api.model
    def _timezone_of(self, number, record, company):
        """Where a person is: one time zone, or several divided by commas (`policy.hours`).

        What is noted on the contact comes first, then what the number tells, then the company's.

        :param number: E.164, or ''
        :param record: the res.partner, crm.lead or waba.recipient written to; may be None
        """
        partner = record
        if record and record._name != "res.partner":
            partner = record.partner_id if "partner_id" in record._fields else None
        return (partner and partner.tz) or zones_of(number) or company._waba_time_zone()


class WabaMessage(models.Model):
    """The company's own rules for when a message may leave: quiet hours (docs/sending-rules.md).

    They are asked when a row is made, and again by the reservation for the time in which it would
    leave. A row that may not leave waits: `retry_at` tells until when, `wait_reason` why.
    """

    _inherit = "waba.message"

    time_zone = fields.Char(
        "Person's time zone",
        readonly=True,
        help="Several when the number does not tell which: then what suits all of them.",
    )
    not_before_at = fields.Datetime(
        "Planned for", readonly=True, help="Whoever asked for it wanted it no sooner."
    )

    @api.model
    def _ask_rules_again(self, companies):
        """The rules have changed: what waits because of them is looked at by the new ones."""
        self.flush_model()
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE waba_message m
                      SET wait_reason = NULL,
                          retry_at = GREATEST(%(now)s, m.not_before_at,
                                              CASE WHEN m.category = 'marketing'
                                              THEN r.marketing_held_until END)
                     FROM waba_recipient r
                    WHERE r.id = m.recipient_id AND m.state = 'queued'
                      AND m.wait_reason = ANY(%(reasons)s) AND m.company_id = ANY(%(companies)s)
                RETURNING m.sender_id""",
                now=fields.Datetime.now(),
                reasons=["hours"],
                companies=companies.ids,
            )
        )
        self.invalidate_model()
        self.env["waba.sender"].browse({sender_id for (sender_id,) in rows})._wake()


class WabaSender(models.Model):
    _inherit = "waba.sender"

    def _put_off(self, rows, campaign, now, leaves_by):
        """The rows that the company's rules let leave until `leaves_by`; the others wait.

        :param rows: dicts of CANDIDATE_COLUMNS
        :param campaign: the group they are of, False for direct messages
        """
        return self._put_off_until_their_hours(rows, campaign, now, leaves_by)

    def _put_off_until_their_hours(self, rows, campaign, now, leaves_by):
        quiet = self.company_id._waba_quiet_span()
        home = self.company_id._waba_time_zone()
        waits_until, ready = {}, []
        for row in rows:
            zone = row["time_zone"]
            if not hours.waits(row["origin"] or "campaign", row["category"]):
                ready.append(row)
                continue
            if zone not in waits_until:
                waits_until[zone] = hours.may_leave(now, leaves_by, zone or home, *quiet)
            if not waits_until[zone]:
                ready.append(row)
        for zone, until in waits_until.items():
            if until:
                self._put_zone_off(campaign, zone, now, until)
        return ready

    def _put_zone_off(self, campaign, zone, now, until):
        """Nobody of that zone is written to before `until`: all who are due wait, not only those at
        the head of the queue, who would be followed by the next of them again and again."""
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message SET retry_at = %(until)s, wait_reason = 'hours'
                    WHERE id IN (
                          SELECT m.id FROM waba_message m
                           WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                             AND m.time_zone IS NOT DISTINCT FROM %(zone)s
                             AND (COALESCE(m.origin, 'campaign') = ANY(%(automated)s)
                                  OR m.category = 'marketing' AND m.origin <> 'test')
                        ORDER BY m.retry_at, m.id LIMIT %(limit)s
                             FOR NO KEY UPDATE SKIP LOCKED)""",
                until=until,
                now=now,
                group=self._group_condition(campaign),
                zone=zone,
                automated=list(hours.AUTOMATED),
                limit=PUT_OFF_AT_ONCE,
            )
        )
        self.env["waba.message"].invalidate_model(["retry_at", "wait_reason"])
