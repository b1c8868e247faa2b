"""Privacy: why a message was sent, how long messages are kept, and erasing their personal data.

Called by the message form (`why_html`), Odoo's autovacuum, and waba_recipient_erase.py.
"""

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate

from ..base.waba_failure import failure_text
from ..base.waba_message import ACCEPTED_STATES, REVIEW_ACTIVITY, WAIT_REASONS
from ..dispatch.waba_message_status import REPLY_ACTIVITY
from ..tools.job_turns import MESSAGE_KEEP_DAYS, retention_start
from ..tools.labels import selection_label
from ..tools.moments import DAY_OF_YEAR, format_moment

_lt = LazyTranslate(__name__)

# {reason of `policy.eligibility`: text of the check that was passed}. None is not listed: not worth
# it, or, where a comment gives a version, not known for certain.
CHECK_LABELS = {
    "no_number": None,
    "invalid_number": _lt("valid phone number"),
    # Checked since 19.0.1.1.0 only.
    "own_number": None,
    "duplicate": _lt("no duplicate in the campaign"),
    "blacklisted": _lt("not on the phone blacklist"),
    "opted_out": _lt("no opt-out from promotions"),
    "topic_closed": _lt("no opt-out from the topic"),
    "opted_out_utility": _lt("no opt-out from service messages"),
    # Rare; shown where it does exclude a recipient.
    "renumbered": None,
    "no_opt_in": None,
    "unreachable": _lt("reachable on WhatsApp"),
    "blocked_by_us": _lt("not blocked by us"),
    "country": _lt("country served by WhatsApp"),
    # A company may have no such rule; a wait for it is shown in `waited_for`.
    "frequency": None,
    # Checked since 19.0.2.1.0 only.
    "repeated": None,
    # Checked since 19.0.1.1.0 only; a wait for it is shown in `waited_for`.
    "may_opt_out": None,
    "window_closed": _lt("reply window open"),
}

# The checks of free answers ("service"), promotions and other templates.
CHECKS_BY_PURPOSE = {
    "service": ("invalid_number", "blocked_by_us", "country", "window_closed"),
    "marketing": ("invalid_number", "duplicate", "blacklisted", "opted_out", "unreachable",
                  "blocked_by_us", "country"),
    "utility": ("invalid_number", "duplicate", "blacklisted", "opted_out_utility", "unreachable",
                "blocked_by_us", "country"),
}  # fmt: skip

# Rows per run of a clean-up.
LIMIT = 10_000

# System parameter and its default, in days; 0 keeps everything.
WEBHOOK_KEEP_DAYS = ("waba_campaign.webhook_keep_days", 90)

ENDED_MESSAGE_SQL = SQL("m.state NOT IN ('queued', 'reserved', 'uncertain')")


class WabaMessage(models.Model):
    """Explains a message from records of its time only; states what is not on record."""

    _inherit = "waba.message"

    waited_for = fields.Selection(
        WAIT_REASONS, "Waited for", readonly=True, help="The last reason it was on hold."
    )
    why_html = fields.Html("Why this message", compute="_compute_explanation_html", sanitize=False)

    note_id = fields.Many2one(
        "mail.message", "Chatter note", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip

    @api.depends_context("uid", "lang", "tz")
    @api.depends("state", "origin", "recipient_id", "retry_at", "accepted_at")
    def _compute_explanation_html(self):
        for message in self:
            # Anyone with read access to the message may read why it was sent.
            parts = message.sudo()._explanation_sections() if message.direction == "out" else []
            message.why_html = Markup("").join(
                Markup("<dt>%s</dt><dd>%s</dd>") % (title, Markup("<br/>").join(sentences))
                for title, sentences in parts
                if sentences
            )
            if message.why_html:
                message.why_html = Markup('<dl class="o_waba_why">%s</dl>') % message.why_html

    def _explanation_sections(self):
        """[(title, [sentence])], for `why_html`."""
        self.ensure_one()
        return [
            (self.env._("Sent by"), self._explain_origin()),
            (self.env._("Audience"), self._explain_person()),
            (self.env._("Consent"), self._explain_consent()),
            (self.env._("Checks"), self._explain_checks()),
            (self.env._("Waiting time"), self._explain_wait()),
            (self.env._("Sending"), self._explain_departure()),
        ]

    def _explained_purpose(self):
        """A key of CHECKS_BY_PURPOSE."""
        if self.kind != "template":
            return "service"
        return "marketing" if self.category == "marketing" else "utility"

    def _format_datetime(self, at):
        return format_moment(self.env, at, DAY_OF_YEAR)

    # === Explanation: origin and recipient ===

    def _explain_origin(self):
        origin = self.origin or ("campaign" if self.campaign_id else "")
        explain = getattr(self, f"_explain_{origin}", None) if origin else None
        return explain() if explain else [self.env._("The origin is not on record.")]

    def _explain_campaign(self):
        campaign = self.campaign_id
        sentences = [
            self.env._(
                "The campaign “%(campaign)s”, launched by %(user)s on %(date)s.",
                campaign=campaign.name,
                user=campaign.launched_by_id.name,
                date=self._format_datetime(campaign.launched_at),
            )
            if campaign.launched_by_id and campaign.launched_at
            else self.env._("The campaign “%s”.", campaign.name)
        ]
        if "approval_decided_by_id" in campaign._fields and campaign.approval_decided_by_id:
            sentences.append(
                self.env._(
                    "Approval decided by %(user)s on %(date)s.",
                    user=campaign.approval_decided_by_id.name,
                    date=self._format_datetime(campaign.approval_decided_at),
                )
            )
        return sentences

    def _explain_sequence(self):
        if not self.sequence_id:
            return [self.env._("A follow-up that was deleted.")]
        return [
            self.env._(
                "The follow-up “%(sequence)s”, step “%(step)s”, due on %(date)s.",
                sequence=self.sequence_id.display_name,
                step=self.sequence_step_id.display_name,
                date=self._format_datetime(self.create_date),
            )
        ]

    def _explain_manual(self):
        return [self._requester_text(self.env._("Sent by %(user)s on %(date)s."))]

    def _explain_test(self):
        return [self._requester_text(self.env._("Test message, sent by %(user)s on %(date)s."))]

    def _explain_action(self):
        text = self.env._("Automation or button, run by %(user)s on %(date)s.")
        if self.action_id:
            return [
                self.env._("The automation “%s”.", self.action_id.name),
                self._requester_text(text),
            ]
        return [self._requester_text(text)]

    def _explain_reply(self):
        if not self.reply_to_id:
            return [self.env._("Automatic reply to their message.")]
        return [
            self.env._(
                "Automatic reply to their message of %s.",
                self._format_datetime(self.reply_to_id.sent_at or self.reply_to_id.create_date),
            )
        ]

    def _requester_text(self, text):
        return text % {
            "user": (self.create_uid or self.user_id).name or self.env._("the system"),
            "date": self._format_datetime(self.create_date),
        }

    def _explain_person(self):
        record, sentences = self._get_record(), []
        if record is not None:
            sentences.append(
                self.env._(
                    "Record: %(kind)s “%(name)s”.",
                    kind=self.env["ir.model"]._get(record._name).name.lower(),
                    name=record.display_name,
                )
            )
        elif self.res_model:
            sentences.append(self.env._("The record was deleted."))
        if self.campaign_id:
            sentences.append(
                self.env._(
                    "Audience: %(audience)s. %(count)s recipients.",
                    count=self.campaign_id.people_count,
                    audience=(self.campaign_id.audience_text or "").rstrip("."),
                )
            )
        return sentences

    # === Explanation: consent and checks ===

    def _decision_time(self):
        """Naive UTC datetime of the last eligibility check: before it was sent, or excluded it."""
        if self.state in ("queued", "reserved"):
            return fields.Datetime.now()
        left = self.accepted_at or self.sent_at or self.delivered_at or self.failed_at
        return left or self.write_date if self.state != "skipped" else self.write_date

    def _entries_at_decision(self, at):
        """Consent entries on this message's topic on record at this time, newest first."""
        applicable = self.recipient_id._company_entries_domain(self.company_id, self.topic_id)
        entries = self.env["waba.consent"].search(
            applicable & Domain("purpose", "=", self._explained_purpose()), order="at desc, id desc"
        ).filtered(lambda entry: entry.at <= at and entry.create_date <= at)  # fmt: skip
        out = entries.filtered(lambda entry: not entry.topic_id and entry.action == "opt_out")[:1]
        # What was said about the topic itself counts, unless everything was closed later.
        own = entries.filtered(lambda entry: entry.topic_id and (not out or entry.at > out.at))
        return own + (entries - own)

    def _explain_consent(self):
        purpose = self._explained_purpose()
        if purpose == "service":
            return [self.env._("No consent needed: a reply within the reply window.")]
        if not self.recipient_id:
            return []
        about = selection_label(self.env, "purpose", purpose, "waba.consent").lower()
        then = self._entries_at_decision(self._decision_time())[:1]
        sentences = [
            self.env._("On record at that time: %s", self._entry_sentence(then))
            if then
            else self.env._("No entry on %s was on record at that time.", about)
        ]
        now = self._entries_at_decision(fields.Datetime.now())[:1]
        if now and now != then:
            sentences.append(self.env._("Since then: %s", self._entry_sentence(now)))
        return sentences

    def _entry_sentence(self, entry):
        return self.env._(
            "%(action)s of %(date)s (%(whose_word)s). %(evidence)s",
            action=entry._action_text(),
            date=self._format_datetime(entry.at),
            whose_word=selection_label(self.env, "source", entry.source, "waba.consent"),
            evidence=entry._company_evidence(self.company_id),
        ).strip()

    def _explain_checks(self):
        if self.state == "skipped":
            reason = self.failure_reason or failure_text(self.env, self.failure_type)
            return [self.env._("Excluded on %s.", self._format_datetime(self.write_date)), reason]
        keys = CHECKS_BY_PURPOSE[self._explained_purpose()]
        if not self.campaign_id:
            keys = [key for key in keys if key != "duplicate"]
        found = ", ".join(str(self.env._(CHECK_LABELS[key])) for key in keys)
        if self.state == "queued":
            return [
                self.env._("Passed when queued: %s.", found),
                self.env._("Checked again right before sending."),
            ]
        if not self.attempt_count:
            return [self.env._("Passed when queued: %s.", found)]
        return [self.env._("Passed when queued and again right before sending: %s.", found)]

    # === Explanation: waiting and sending ===

    def _explain_wait(self):
        sentences = [self.env._("Queued on %s.", self._format_datetime(self.create_date))]
        scheduled = self.campaign_id.scheduled_at
        if scheduled and self.campaign_id.launched_at and scheduled > self.campaign_id.launched_at:
            sentences.append(
                self.env._("Campaign scheduled for %s.", self._format_datetime(scheduled))
            )
        if self.state == "queued":
            sentences.append(self._wait_sentence())
        elif self.waited_for:
            reason = selection_label(self.env, "waited_for", self.waited_for, self._name)
            sentences.append(self.env._("Was on hold: %s.", reason.lower()))
        if self.attempt_count > 1:
            sentences.append(self.env._("Sending attempts: %s.", self.attempt_count))
        return sentences

    def _wait_sentence(self):
        if self.wait_reason and not self.retry_at:
            reason = selection_label(self.env, "wait_reason", self.wait_reason, self._name)
            return self.env._("On hold: %s.", reason.lower())
        if self.wait_reason:
            return self.env._(
                "On hold until %(date)s: %(reason)s.",
                date=self._format_datetime(self.retry_at),
                reason=selection_label(
                    self.env, "wait_reason", self.wait_reason, self._name
                ).lower(),
            )
        if self.retry_at and self.retry_at > fields.Datetime.now():
            return self.env._("Next attempt: %s.", self._format_datetime(self.retry_at))
        return self.campaign_id.hold_reason or self.env._("Queued.")

    def _explain_departure(self):
        left = self.accepted_at or self.sent_at or self.delivered_at
        if self.state == "uncertain":
            return [
                self.env._("Unconfirmed: sent, but WhatsApp did not answer. It may have arrived.")
            ]
        if self.state not in ACCEPTED_STATES or not left:
            return []
        sentences = [
            self.env._(
                "Accepted by WhatsApp on %(date)s, from %(number)s.",
                date=self._format_datetime(left),
                number=self.sender_id.display_phone_number or self.sender_id.display_name,
            )
        ]
        if self.slot_at:
            sentences.append(self.env._("Counted in the daily limit."))
        elif self.attempt_count:
            sentences.append(
                self.env._("Not counted in the daily limit: sent within the reply window.")
            )
        return sentences

    # === Retention ===
    # Messages are kept for ever unless MESSAGE_KEEP_DAYS is set. Then those unchanged for that time
    # are deleted, if they belong to a finished campaign, whose figures stay
    # (`waba.campaign.trimmed_counts`), or to none. Consent entries lose only the link to them.

    @api.autovacuum
    def _gc_old(self):
        """Delete up to LIMIT old messages.

        :return: (deleted, whether to continue), as Odoo's autovacuum expects
        """
        if not (since := retention_start(self.env, MESSAGE_KEEP_DAYS)):
            return 0, False
        self.flush_model()
        campaign = self._campaign_to_trim(since)
        ids = self._ids_to_trim(campaign, since)
        if campaign:
            campaign.sender_id._on_trim(self.browse(ids), campaign)
        self.env.cr.execute(SQL("DELETE FROM waba_message WHERE id = ANY(%s)", ids))
        self.env.invalidate_all()
        # After a campaign without further old messages there may be another one.
        return len(ids), bool(campaign) or len(ids) == LIMIT

    @api.model
    def _campaign_to_trim(self, since):
        """The oldest finished campaign that still has old messages; may be empty."""
        self.env["waba.campaign"].flush_model(["state", "launched_at"])
        # By EXISTS: a search on `message_ids` would read the whole table of messages.
        rows = self.env.execute_query(
            SQL(
                """SELECT c.id FROM waba_campaign c
                    WHERE c.state IN ('done', 'cancelled') AND c.launched_at < %(since)s
                      AND EXISTS (SELECT 1 FROM waba_message m
                                   WHERE m.campaign_id = c.id AND m.write_date < %(since)s
                                     AND %(is_over)s)
                    ORDER BY c.id LIMIT 1""",
                since=since,
                is_over=ENDED_MESSAGE_SQL,
            )
        )
        return self.env["waba.campaign"].browse([id_ for (id_,) in rows])

    @api.model
    def _ids_to_trim(self, campaign, since):
        """[id] of up to LIMIT old messages of this campaign; if empty, without a campaign."""
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM waba_message m
                    WHERE %s AND m.write_date < %s AND %s ORDER BY m.id LIMIT %s""",
                SQL("m.campaign_id = %s", campaign.id)
                if campaign
                else SQL("m.campaign_id IS NULL"),
                since,
                ENDED_MESSAGE_SQL,
                LIMIT,
            )
        )
        return [id_ for (id_,) in rows]

    # === Erasure ===

    def _personal_columns(self):
        """[column] that identify a person or contain what was written; figures and times stay.

        `wamid` is encoded from the number by Meta. `failure_reason` may quote the number.
        """
        columns = ["number", "person_name", "text", "payload", "parameters", "failure_reason",
                   "variant_parameters",
                   "wamid", "res_model", "res_id", "merged_res_id", "about_wamid",
                   "details", "link_token", "ctwa_clid"]  # fmt: skip
        stored = self._fields
        return [name for name in columns if name in stored and stored[name].store]

    def _unlink_copies(self):
        """Delete notes in the chatter, activities, media and attachments of these messages."""
        self.note_id.unlink()
        self._unlink_reply_activities()
        if "waba.media" in self.env:
            media = self.env["waba.media"].search([("message_id", "in", self.ids)])
            media.attachment_id.unlink()
            media.unlink()
        self.env["ir.attachment"].search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        ).unlink()

    def _unlink_reply_activities(self):
        """Delete reply and review activities and the notes of completed ones: they quote it."""
        types = self.env["mail.activity.type"]
        for xml_id in (REPLY_ACTIVITY, REVIEW_ACTIVITY):
            types |= self.env.ref(xml_id, raise_if_not_found=False) or types
        for model, rows in self.filtered("res_id").grouped("res_model").items():
            of_others = self.search(
                [
                    ("res_model", "=", model),
                    ("res_id", "in", rows.mapped("res_id")),
                    ("company_id", "not in", self.company_id.ids),
                ]
            )
            shared = set(of_others.mapped("res_id"))
            alone = Domain("res_id", "in", set(rows.mapped("res_id")) - shared)
            theirs = Domain("res_id", "in", shared)
            # On a record with messages of other companies too, only those of this company's users.
            activities = alone | (theirs & Domain("user_id", "in", rows.user_id.ids))
            self.env["mail.activity"].with_context(active_test=False).search(
                Domain("res_model", "=", model)
                & Domain("activity_type_id", "in", types.ids)
                & activities
            ).unlink()
            notes = alone | (theirs & Domain("author_id", "in", rows.user_id.partner_id.ids))
            self.env["mail.message"].search(
                Domain("model", "=", model)
                & Domain("mail_activity_type_id", "in", types.ids)
                & notes
            ).unlink()

    def _clear_lead_names(self):
        """Clear the lead's name in the follow-ups that these messages belong to."""
        enrollments = self.enrollment_id
        self.env["waba.sequence.enrollment"].flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE waba_sequence_enrollment SET lead_name = NULL WHERE id = ANY(%s)",
                enrollments.ids,
            )
        )

    def _clear_clicks(self):
        """Clear the ad clicks of the leads that these messages began."""
        leads = self.env["crm.lead"].with_context(active_test=False)
        clicks = [click for click in self.mapped("ctwa_clid") if click]
        leads.search([("waba_ctwa_clid", "in", clicks)]).waba_ctwa_clid = False


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    @api.autovacuum
    def _gc_applied(self):
        """Delete old bodies (WEBHOOK_KEEP_DAYS), except those that could not be applied."""
        if not (since := retention_start(self.env, WEBHOOK_KEEP_DAYS)):
            return 0, False
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """DELETE FROM waba_webhook_event WHERE id IN (
                       SELECT id FROM waba_webhook_event
                        WHERE received_at < %s AND state IN ('applied', 'ignored')
                        ORDER BY received_at LIMIT %s)""",
                since,
                LIMIT,
            )
        )
        deleted = self.env.cr.rowcount
        self.invalidate_model()
        return deleted, deleted == LIMIT
