"""Dispatch: `waba.fallback`: another way to a person whom WhatsApp does not reach, once a message.

Settings: `waba.fallback.mixin`, of campaigns and follow-up steps; of a message sent by hand they
are on the message. `_queue_failed` is called in the transaction that learns of the failure
(waba_message_status.py), the rest by the job `_cron_run`. Which failures count: policy/fallback.py.
"""

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, email_normalize

from ...policy import fallback as policy
from ..base.waba_failure import failure_text
from ..tools.labels import selection_labels, with_language
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

KINDS = [("sms", "SMS"), ("email", "E-mail"), ("activity", "Call activity")]
STATES = [
    ("queued", "Queued"),
    ("sent", "Sent"),
    ("skipped", "Excluded"),
    ("failed", "Failed"),
]
CAUSES = [("failed", "Not delivered"), ("late", "Overdue")]

CHUNK = 200

# How long a campaign's messages are looked at after its launch.
LOOKED_AT = 12 * policy.LATEST


class WabaFallbackMixin(models.AbstractModel):
    """What happens when a message is not delivered, as its campaign or follow-up step says."""

    _name = "waba.fallback.mixin"
    _description = "WhatsApp Fallback Settings"

    fallback_kind = fields.Selection(
        selection=lambda self: self.env["waba.fallback"]._kind_choices(),
        string="If not delivered",
        help="Once for each message that WhatsApp cannot deliver.",
    )
    fallback_hours = fields.Integer(
        "Wait (hours)", default=24, help="0: only when WhatsApp reports a failure."
    )
    fallback_template_id = fields.Many2one(
        "mail.template", "E-mail template", ondelete="set null", copy=True
    )

    @api.constrains("fallback_kind", "fallback_hours", "fallback_template_id")
    def _check_fallback(self):
        for record in self:
            if record.fallback_kind == "email" and not record.fallback_template_id:
                raise ValidationError(self.env._("Choose the e-mail template for the fallback."))
            if not 0 <= record.fallback_hours <= policy.MAX_HOURS:
                raise ValidationError(
                    self.env._("Wait 0 to %s hours for the delivery.", policy.MAX_HOURS)
                )

    def _fallback_values(self):
        """Value of `waba.message.fallback`; False for none."""
        if not self.fallback_kind:
            return False
        return {
            "kind": self.fallback_kind,
            "hours": self.fallback_hours,
            "template": self.fallback_template_id.id,
        }


class WabaFallback(models.Model):
    """One message's other way: queued, then sent, excluded or failed; never a second one.

    What is sent is a row of Odoo's own queue of SMS or e-mails, or an activity, created in the
    transaction that marks this as sent: after a crash neither exists, and it is tried again.
    """

    _name = "waba.fallback"
    _description = "WhatsApp Fallback"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"

    message_id = fields.Many2one(
        "waba.message", required=True, readonly=True, ondelete="cascade"
    )
    campaign_id = fields.Many2one("waba.campaign", readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    template_id = fields.Many2one("mail.template", readonly=True, ondelete="set null")
    cause = fields.Selection(CAUSES, required=True, readonly=True)
    state = fields.Selection(STATES, default="queued", required=True, readonly=True)
    reason = fields.Char(readonly=True)
    sent_at = fields.Datetime("Sent at", readonly=True)
    mail_message_id = fields.Many2one("mail.message", "Text", readonly=True, ondelete="set null")

    _message_uniq = models.UniqueIndex("(message_id)")
    _queue_idx = models.Index("(id) WHERE state = 'queued'")

    @api.model
    def _kind_choices(self):
        """KINDS that this database can send."""
        labels = selection_labels(self, "kind")
        return [one for one in labels.items() if one[0] != "sms" or "sms.sms" in self.env]

    @api.model
    def _checked_values(self, values, record):
        """Settings that a user chose for one message, as `waba.message.fallback`.

        :param values: {'kind', 'template'} or False
        :param record: the lead or contact
        :raise UserError: the e-mail template is missing
        """
        kind = (values or {}).get("kind")
        if kind not in dict(self._kind_choices()):
            return False
        chosen = self.env["mail.template"]
        if kind == "email":
            chosen = chosen.search(
                [("id", "=", values.get("template")), ("model", "=", record._name)]
            )
            if not chosen:
                raise UserError(self.env._("Choose the e-mail template for the fallback."))
        return {"kind": kind, "hours": 24, "template": chosen.id}

    # === Queue ===

    @api.model
    def _queue_failed(self, message):
        """Queue the other way of a message that has just failed, if it has one."""
        if message.state != "failed" or not policy.may_fall_back(message.failure_type):
            return
        settings = message.fallback or (
            message.campaign_id and message.campaign_id._fallback_values()
        )
        if settings:
            self._insert(settings, "failed", SQL("m.id = %s", message.id))
            self._cron()._trigger()

    @api.model
    def _queue_overdue(self):
        """Queue the other way of messages that were not delivered in time."""
        self.env["waba.message"].flush_model()
        now = fields.Datetime.now()
        campaigns = self.env["waba.campaign"].search(
            [
                ("fallback_kind", "!=", False),
                ("launched_at", ">", now - LOOKED_AT),
            ]
        )
        for campaign in campaigns:
            settings = campaign._fallback_values()
            unreachable = SQL(
                "m.campaign_id = %s AND m.state = 'skipped' AND m.failure_type = %s"
                " AND m.create_date > %s",
                campaign.id, policy.UNREACHABLE, now - policy.LATEST,
            )  # fmt: skip
            self._insert(settings, "failed", unreachable)
            if not settings["hours"]:
                continue
            after, before = policy.overdue_period(now, settings["hours"])
            late = SQL(
                "m.campaign_id = %s AND m.state IN %s AND m.accepted_at BETWEEN %s AND %s",
                campaign.id, policy.WAITING_STATES, after, before,
            )  # fmt: skip
            self._insert(settings, "late", late)
        overdue = self.env["waba.message"].search(
            [
                ("fallback", "!=", False),
                ("state", "in", policy.WAITING_STATES),
                ("accepted_at", ">", now - 2 * policy.LATEST),
            ]
        )
        for message in overdue.filtered(lambda one: one.fallback["hours"] > 0):
            after, before = policy.overdue_period(now, message.fallback["hours"])
            if after <= message.accepted_at <= before:
                self._insert(message.fallback, "late", SQL("m.id = %s", message.id))

    @api.model
    def _insert(self, settings, cause, condition):
        """Insert a row for each message `m` of the condition that has none."""
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_fallback
                          (message_id, campaign_id, company_id, kind, template_id, cause, state,
                           create_date, write_date)
                   SELECT m.id, m.campaign_id, m.company_id, %(kind)s, t.id, %(cause)s, 'queued',
                          %(now)s, %(now)s
                     FROM waba_message m LEFT JOIN mail_template t ON t.id = %(template)s
                    WHERE m.direction = 'out' AND m.origin <> 'test' AND %(condition)s
              ON CONFLICT (message_id) DO NOTHING""",
                kind=settings["kind"],
                template=settings.get("template") or None,
                cause=cause,
                now=fields.Datetime.now(),
                condition=condition,
            )
        )

    # === Job ===

    @api.model
    def _cron(self):
        return self.env.ref("waba_campaign.ir_cron_fallback").sudo()

    @api.model
    def _cron_run(self):
        """Queue what is overdue, then send what is queued, each in its own transaction."""
        commit_step(self.env, self._queue_overdue)
        ids = self.search([("state", "=", "queued")], order="id", limit=CHUNK).ids
        for id_ in ids:
            try:
                commit_step(self.env, self.browse(id_)._run_one, processed=1)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                _logger.exception("waba.fallback %s could not be sent", id_)
                why = str(error)
                commit_step(self.env, lambda id_=id_, why=why: self.browse(id_)._fail(why))
        if len(ids) == CHUNK:
            self._cron()._trigger()

    def _fail(self, reason):
        self.write({"state": "failed", "reason": reason[:200]})

    def _run_one(self):
        """Send or exclude this one, unless another worker has it."""
        if not self.exists().try_lock_for_update() or self.state != "queued":
            return
        # A status that arrived since our snapshot fails this transaction, which is then repeated.
        message = self.message_id.try_lock_for_update(allow_referencing=True)
        if not message:
            return
        message = with_language(message.user_id or message.company_id, message)
        record = message._get_record()
        if reason := self._exclusion_reason(message, record):
            self.write({"state": "skipped", "reason": reason})
            return
        post = getattr(self.with_env(message.env), f"_send_{self.kind}")(message, record)
        self.write(
            {"state": "sent", "sent_at": fields.Datetime.now(), "mail_message_id": post.id}
        )  # fmt: skip

    def _exclusion_reason(self, message, record):
        """Reason why this must not be sent now, as a sentence; False if it may.

        What holds for WhatsApp holds here, except that the person is unreachable on it.
        """
        env = message.env
        if message.state in policy.ARRIVED_STATES or message.replied_at:
            return env._("Delivered on WhatsApp meanwhile.")
        if not policy.is_unreached(message.state, message.failure_type):
            return env._("The message is being sent on WhatsApp again.")
        if message.account_id._foreign_database_reason():
            return env._("This database is a copy: nothing is sent from it.")
        if record is None or ("active" in record._fields and not record.active):
            return env._("The record was deleted or archived.")
        to = {name: message[name] for name in ("number", "res_model", "res_id")}
        content = {
            "kind": message.kind, "category": message.category, "topic_id": message.topic_id.id,
        }  # fmt: skip
        reason, sentence = env["waba.message"]._exclusion_reason(
            message.sender_id, message.recipient_id.with_env(env), to, content,
            fields.Datetime.now(), None, by_whatsapp=False,
        )  # fmt: skip
        return sentence if reason else self._channel_refusal(message, record)

    def _channel_refusal(self, message, record):
        env = message.env
        if self.kind == "sms" and "sms.sms" not in env:
            return env._("Odoo's SMS app is not installed.")
        if self.kind == "sms" and not message.number:
            return env._("No phone number.")
        if self.kind != "email":
            return False
        if not self.template_id or self.template_id.model != record._name:
            return env._("The e-mail template is missing, or is for other records.")
        address = email_normalize(_email_of(record))
        if not address:
            return env._("No e-mail address.")
        if env["mail.blacklist"].sudo().search_count([("email", "=", address)], limit=1):
            return env._("The e-mail address is on the blacklist.")
        return False

    # === Ways ===
    # Each returns the mail.message that a user can read on the record.

    def _send_sms(self, message, record):
        """An SMS with the message's own text, in Odoo's queue."""
        text = " ".join((message._written_text() or message.body or "").split())
        return record._message_sms(
            text, partner_ids=[], sms_numbers=[message.number], put_in_queue=True,
            author_id=(message.user_id.partner_id or message.company_id.partner_id).id,
        )  # fmt: skip

    def _send_email(self, message, record):
        """An e-mail from the chosen template, in Odoo's queue."""
        template = self.template_id.with_context(lang=record.env.lang)
        mail = self.env["mail.mail"].sudo().browse(template.send_mail(record.id))
        return mail.mail_message_id

    def _send_activity(self, message, record):
        """A call for the salesperson."""
        user = (
            message.user_id or message.campaign_id.user_id or message.company_id.waba_lead_user_id
        )
        why = failure_text(message.env, message.failure_type) if message.failure_type else ""
        note = " ".join(
            filter(None, [message.env._("WhatsApp did not deliver “%s”.", message._summary()), why])
        )
        record.activity_schedule(
            "mail.mail_activity_data_call",
            user_id=(user or message.env.user).id,
            summary=message.env._("Call: WhatsApp not delivered"),
            note=note,
        )
        return self.env["mail.message"]

    # === Texts ===

    def _describe(self):
        """'SMS sent on 12 Nov. Delivered on WhatsApp afterwards.'"""
        self.ensure_one()
        kind = selection_labels(self, "kind")[self.kind]
        state = selection_labels(self, "state")[self.state].lower()
        text = self.env._("%(kind)s: %(state)s.", kind=kind, state=state)
        is_late = self.state == "sent" and self.message_id.state in policy.ARRIVED_STATES
        late = is_late and self.env._("WhatsApp delivered the message afterwards.")
        return " ".join(filter(None, [text, self.reason, self._queue_failure(), late]))

    def _queue_failure(self):
        """What Odoo's own queue reports: an SMS or e-mail that could not be sent."""
        found = self.sudo().mail_message_id.notification_ids.filtered(
            lambda one: one.notification_status in ("exception", "bounce")
        )[:1]
        return found and self.env._("Odoo could not send it: %s.", found.format_failure_reason())


def _email_of(record):
    """Of a lead or contact; '' for none."""
    own = record["email_from" if "email_from" in record._fields else "email"]
    partner = record.partner_id.email if "partner_id" in record._fields else ""
    return own or partner or ""
