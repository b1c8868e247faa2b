"""Opt-in: what arrives for a source: a message with its code or text, or an in-app signup.

Called by hooks of inbound messages, of new leads and of webhooks.
"""

from odoo import api, fields, models
from odoo.fields import Domain

from ...policy import optin
from ..base.waba_message import POSSIBLE_OPT_OUT
from ..tools.hooks import implements
from .waba_optin_source import CONSENT_SOURCES


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @implements("_on_lead_from_message")
    def _lead_from_source(self, sender, item):
        """A lead made by a message to a source keeps the source and its UTM values."""
        source, _visit = self.env["waba.optin.source"]._find_named(sender, item.text)
        utm = {name: source[name].id for name in ("campaign_id", "source_id", "medium_id")}
        return {
            **({"waba_optin_source_id": source.id} if source else {}),
            **{name: id_ for name, id_ in utm.items() if id_},
        }

    @implements("_on_inbound_text")
    def _apply_optin_source(self, message, at):
        """Count the message for its source, and record the opt-in that it is.

        :return: whether it is an opt-in
        """
        sources = self.env["waba.optin.source"]
        source, visit = sources._find_named(message.sender_id, message._written_text())
        if not source:
            return False
        message.optin_source_id = source
        if message.wish in ("opt_out", POSSIBLE_OPT_OUT) or not source._is_opt_in(message, visit):
            return False
        source._record_message_opt_in(self, message, visit, at)
        message.wish = "opt_in"
        return True


class WabaOptinSource(models.Model):
    _inherit = "waba.optin.source"

    def _is_opt_in(self, message, visit):
        """Whether a message that names this source is an opt-in (policy/optin.py)."""
        words = self.env["waba.consent.word"]._company_keywords(self.company_id.id)
        return self.is_opt_in and optin.counts_as_opt_in(
            message._written_text(),
            self._texts()[self.id],
            tuple(filter(None, (self.code, visit.code))),
            bool(visit),
            words,
        )

    def _record_message_opt_in(self, person, message, visit, at):
        wording = visit.wording or self.consent_text or ""
        lines = [
            self.env._('They wrote "%s".', message._written_text()),
            self.env._("Source: %s", self.name),
            self.env._("Consent wording: %s", wording) if wording else "",
        ]
        if visit:
            visit.message_id = message
            lines.append(
                self.env._("Confirmed from the number entered on the page.")
                if visit._is_number(person)
                else self.env._("Confirmed from another number than entered on the page.")
            )
        self._record_opt_in(person, "\n".join(filter(None, lines)), at, message)

    def _record_opt_in(self, person, evidence, at, message=None):
        """Add the opt-in to the consent log, for this source's company and topic."""
        person._set_consent(
            "marketing",
            "opt_in",
            CONSENT_SOURCES[self.kind],
            evidence,
            at=at,
            message=message,
            company=self.company_id,
            topic=self.topic_id,
            optin_source=self,
        )

    # === In-app signup ===

    @api.model
    def _find_or_create_signup(self, company, signup_uid):
        """The source of an in-app signup: by Meta's id, else the company's for all others."""
        signups = self.with_context(active_test=False).search(
            Domain("kind", "=", "signup") & Domain("company_id", "=", company.id)
            & Domain("signup_uid", "in", [signup_uid, False, ""]),
        )  # fmt: skip
        found = signups.filtered(lambda source: source.signup_uid == signup_uid) or signups
        return found[:1] or self.create(
            {"name": self.env._("In-app signup"), "kind": "signup", "company_id": company.id}
        )


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    @implements("_on_signup")
    def _record_signup(self, account, person, item, at):
        """An explicit opt-in that Meta reports; its id is the evidence."""
        sources = self.env["waba.optin.source"]
        source = sources._find_or_create_signup(account.company_id, item.signup_uid)
        lines = [
            self.env._("In-app signup %s", item.signup_uid or "–"),
            item.detail,
            self.env._("Source: %s", source.name),
        ]
        source._record_opt_in(person, "\n".join(filter(None, lines)), at)


class CrmLead(models.Model):
    _inherit = "crm.lead"

    waba_optin_source_id = fields.Many2one(
        "waba.optin.source",
        "Opt-in source",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
