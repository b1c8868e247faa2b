"""Campaign: reconfirmation, a small campaign that asks silent people whether their opt-in stands.

Created by wizard/waba_reconfirm.py; claimed when the rows are made, closed by an answer or the job.
"""

from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...policy import consent_lists
from ..base.waba_failure import exclusion_text
from ..consent.consent_sql import in_force_sql
from ..tools.hooks import implements

# Who has neither written, clicked nor opted in for this long is asked.
SILENCE = relativedelta(years=1)

# An attempt that Meta did not deliver by then ends nothing: the person was not asked.
UNREACHED_AFTER = timedelta(days=30)

STATES = [
    ("asked", "Asked"),
    ("confirmed", "Confirmed"),
    ("answered", "Answered otherwise"),
    ("stopped", "Opted out"),
    ("ended", "No answer: opt-in ended"),
    ("unreached", "Not delivered"),
]


class WabaReconfirmation(models.Model):
    """One attempt to have one opt-in confirmed.

    There is one for each opt-in, ever: the unique index holds it whatever campaigns run at once.
    The row is committed with the message that asks.
    """

    _name = "waba.reconfirmation"
    _description = "WhatsApp Reconfirmation"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "recipient_id"

    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    campaign_id = fields.Many2one(
        "waba.campaign", required=True, readonly=True, ondelete="restrict", index=True
    )
    given_at = fields.Datetime("Opt-in of", required=True, readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True, default="asked")
    closed_at = fields.Datetime("Closed on", readonly=True)

    _once_uniq = models.UniqueIndex("(recipient_id, company_id, given_at)")
    # Looked for with each message that arrives; nearly always empty.
    _open_idx = models.Index("(recipient_id) WHERE state = 'asked'")

    @api.model
    def _claim(self, campaign, rows):
        """Claim the attempt for each new row; exclude those whose opt-in was asked about before.

        :param rows: dicts with ROW_COLUMNS, changed in place
        """
        if not campaign.reconfirm_days:
            return
        queued = [row for row in rows if row["state"] == "queued"]
        claimed = self.env.execute_query(
            SQL(
                """INSERT INTO waba_reconfirmation
                          (recipient_id, company_id, campaign_id, given_at, state, create_date)
                   SELECT given.recipient_id, given.company_id, %(campaign)s, given.at, 'asked',
                          %(now)s
                     FROM waba_opt_in given
                    WHERE given.recipient_id = ANY(%(people)s) AND given.purpose = 'marketing'
                      AND given.company_id = %(company)s AND %(in_force)s
                 ORDER BY 1
              ON CONFLICT (recipient_id, company_id, given_at) DO NOTHING
                RETURNING recipient_id""",
                campaign=campaign.id,
                company=campaign.company_id.id,
                now=self.env.cr.now(),
                people=[row["recipient_id"] for row in queued],
                in_force=in_force_sql("given"),
            )
        )
        free = {id_ for (id_,) in claimed}
        for row in queued:
            if row["recipient_id"] not in free:
                row |= {
                    "parameters": {},
                    "state": "skipped",
                    "failure_type": "reconfirmed",
                    "failure_reason": exclusion_text(self.env, "reconfirmed"),
                    "wait_reason": None,
                }

    def _close(self, state):
        self.write({"state": state, "closed_at": fields.Datetime.now()})

    def _apply_answer(self, message):
        """Apply what the person wrote: a yes is a fresh opt-in, anything else ends the silence."""
        question = message.reply_to_id.campaign_id
        for asked in self:
            pressed = message.payload and question == asked.campaign_id
            if not message.wish and (pressed or consent_lists.is_yes(message._written_text())):
                message.recipient_id._set_consent(
                    "marketing",
                    "opt_in",
                    "reconfirmation",
                    self.env._(
                        "They answered “%(text)s” to “%(campaign)s”.",
                        text=message.text or "",
                        campaign=asked.campaign_id.name,
                    ),
                    at=max(filter(None, [message.sent_at, asked.create_date])),
                    message=message,
                    company=asked.company_id,
                )
        self.filtered(lambda asked: asked.state == "asked")._close("answered")

    @api.model
    def _end_unanswered(self):
        """Daily: end the opt-ins of those who got the question and did not answer in time."""
        self.flush_model()
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT asked.id, CASE WHEN m.clicked_at IS NOT NULL THEN 'answered'
                                         WHEN m.state IN ('delivered', 'read') THEN 'ended'
                                         ELSE 'unreached' END
                     FROM waba_reconfirmation asked
                     JOIN waba_campaign c ON c.id = asked.campaign_id
                     JOIN waba_message m ON m.campaign_id = c.id AND m.direction = 'out'
                                        AND m.recipient_id = asked.recipient_id
                    WHERE asked.state = 'asked'
                      AND CASE WHEN m.state IN ('delivered', 'read')
                          THEN COALESCE(m.delivered_at, m.read_at)
                               < %(now)s - c.reconfirm_days * interval '1 day'
                          ELSE m.state IN ('failed', 'skipped', 'cancelled')
                               AND m.write_date < %(now)s - %(unreached)s END
                      FOR NO KEY UPDATE OF asked SKIP LOCKED""",
                now=fields.Datetime.now(),
                unreached=UNREACHED_AFTER,
            )
        )
        for id_, state in rows:
            asked = self.browse(id_)
            if state == "ended":
                asked._end_opt_in()
            asked._close(state)

    def _end_opt_in(self):
        """End the opt-in that was asked about; a newer one stands."""
        given = self.env["waba.opt.in"].search(
            [
                ("recipient_id", "=", self.recipient_id.id),
                ("company_id", "=", self.company_id.id),
                ("purpose", "=", "marketing"),
                ("at", "=", self.given_at),
            ]
        )
        evidence = self.env._(
            "No answer to “%(campaign)s” within %(days)s days.",
            campaign=self.campaign_id.name,
            days=self.campaign_id.reconfirm_days,
        )
        given.recipient_id._end_opt_in(self.company_id, evidence)


class WabaConsent(models.Model):
    _inherit = "waba.consent"

    @implements("_on_consent")
    def _close_reconfirmations(self):
        """A statement about promotions, in whatever way, answers the question."""
        for action, state in (("opt_in", "confirmed"), ("opt_out", "stopped")):
            said = self.filtered(
                lambda entry, action=action: (
                    (entry.purpose, entry.action, entry.topic_id.id) == ("marketing", action, False)
                )
            )
            if said:
                self.env["waba.reconfirmation"].sudo().search(
                    [("recipient_id", "in", said.recipient_id.ids), ("state", "=", "asked")]
                )._close(state)


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @implements("_on_written")
    def _answer_reconfirmation(self, message):
        asked = self.env["waba.reconfirmation"].sudo().search(
            [("recipient_id", "=", self.id), ("state", "=", "asked")]
        )  # fmt: skip
        if asked:
            asked._apply_answer(message)

    is_silent = fields.Boolean(
        "Silent for a year",
        compute="_compute_is_silent",
        search="_search_is_silent",
        help="Opted in to promotions, and no message, click or opt-in since a year ago.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_silent(self):
        silent = self.sudo()._find_silent(self.env.companies)
        for person in self:
            person.is_silent = person._origin in silent

    @api.model
    def _search_is_silent(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain("id", "in", self.sudo()._find_silent(self.env.companies, limit=None).ids)

    def _find_silent(self, companies, portfolio=None, limit=None):
        """People whose opt-in to one of these companies nothing has confirmed for a year.

        Those who were asked about it are not found again. The longest silent come first.
        Of `self`, unless that is empty.
        """
        for model in ("waba.recipient", "waba.opt.in", "waba.message", "waba.reconfirmation"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT given.recipient_id FROM waba_opt_in given
                     JOIN waba_recipient r ON r.id = given.recipient_id
                    WHERE given.purpose = 'marketing' AND given.company_id = ANY(%(companies)s)
                      AND given.at < %(since)s AND %(in_force)s %(among)s %(of_portfolio)s
                      AND NOT EXISTS (SELECT 1 FROM waba_message m
                                       WHERE m.recipient_id = r.id
                                         AND GREATEST(m.clicked_at,
                                                      CASE m.direction WHEN 'in' THEN m.create_date
                                                      END) > %(since)s)
                      AND NOT EXISTS (SELECT 1 FROM waba_consent said
                                       WHERE said.recipient_id = r.id AND said.action = 'opt_in'
                                         AND said.at > %(since)s)
                      AND NOT EXISTS (SELECT 1 FROM waba_reconfirmation asked
                                       WHERE asked.recipient_id = r.id
                                         AND asked.company_id = given.company_id
                                         AND asked.given_at = given.at)
                 ORDER BY given.at, r.id %(limit)s""",
                companies=companies.ids,
                since=fields.Datetime.now() - SILENCE,
                in_force=in_force_sql("given"),
                among=SQL("AND r.id = ANY(%s)", self._origin.ids) if self else SQL(),
                of_portfolio=SQL("AND r.portfolio_id = %s", portfolio.id) if portfolio else SQL(),
                limit=SQL("LIMIT %s", limit) if limit else SQL(),
            )
        )
        return self.browse(dict.fromkeys(id_ for (id_,) in rows))
