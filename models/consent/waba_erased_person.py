"""Consent: opt-outs of erased people, kept as fingerprints and applied when they return.

Written by erasure (privacy/waba_recipient_erase.py), read when recipients are created or renamed.
"""

import hashlib
import hmac
import secrets

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL

from ...policy.numbers import canonical_number, forms_by_number
from .consent_sql import PURPOSES

# System parameter with the key of the fingerprints. Not Odoo's `database.secret`, which changes
# when a database is copied: no fingerprint would match any more.
SECRET = "waba_campaign.erasure_secret"


class WabaErasedPerson(models.Model):
    """The opt-out of a person whose data were erased, as a fingerprint of a number or user id.

    A fingerprint is an HMAC: numbers cannot be tried against it without the database's key. A new
    recipient with the same number or user id gets the opt-out (`_apply_erased_opt_outs`); their
    opt-in clears it (`_delete_erased_entries`).
    """

    _name = "waba.erased.person"
    _description = "WhatsApp Opt-out of an Erased Person"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "erased_at"

    fingerprint = fields.Char(required=True, readonly=True)
    no_marketing = fields.Boolean("No promotions", readonly=True)
    no_utility = fields.Boolean("No service messages", readonly=True)
    topic_ids = fields.Many2many("waba.topic", string="Closed topics", readonly=True)
    erased_at = fields.Datetime("Erased on", required=True, readonly=True)
    user_id = fields.Many2one("res.users", "Erased by", readonly=True, ondelete="set null")

    _fingerprint_uniq = models.UniqueIndex("(fingerprint)")

    @api.model
    def _fingerprints(self, handles):
        """{number or user id: HMAC in hex}; creates the key on the first call."""
        parameters = self.env["ir.config_parameter"].sudo()
        key = parameters.get_param(SECRET)
        if not key:
            key = secrets.token_hex(32)
            parameters.set_param(SECRET, key)
        return {
            handle: hmac.new(key.encode(), handle.encode(), hashlib.sha256).hexdigest()
            for handle in handles
            if handle
        }

    @api.model
    def _find_erased(self, handles):
        """{number or user id: waba.erased.person} of those erased with an opt-out."""
        # The table is nearly always empty, and a campaign passes thousands of numbers.
        if not self.env.execute_query(SQL("SELECT 1 FROM waba_erased_person LIMIT 1")):
            return {}
        fingerprints = self._fingerprints(handles)
        erased = self.search([("fingerprint", "in", list(fingerprints.values()))])
        known = {row.fingerprint: row for row in erased}
        return {
            handle: known[fingerprint]
            for handle, fingerprint in fingerprints.items()
            if fingerprint in known
        }

    @api.model
    def _record_opted_out(self, handles, no_marketing, no_utility, topics=()):
        """Store the fingerprints of a person who had opted out; what is once set stays set."""
        self.flush_model()
        fingerprints = list(self._fingerprints(handles).values())
        for fingerprint in fingerprints:
            self.env.cr.execute(
                SQL(
                    """INSERT INTO waba_erased_person AS e
                              (fingerprint, no_marketing, no_utility, erased_at, user_id,
                               create_uid, create_date, write_uid, write_date)
                       VALUES (%(fingerprint)s, %(no_marketing)s, %(no_utility)s, %(now)s, %(uid)s,
                               %(uid)s, %(now)s, %(uid)s, %(now)s)
                       ON CONFLICT (fingerprint) DO UPDATE
                          SET no_marketing = e.no_marketing OR EXCLUDED.no_marketing,
                              no_utility = e.no_utility OR EXCLUDED.no_utility""",
                    fingerprint=fingerprint,
                    no_marketing=no_marketing,
                    no_utility=no_utility,
                    now=fields.Datetime.now(),
                    uid=self.env.uid,
                )
            )
        self.invalidate_model()
        if topics:
            rows = self.search([("fingerprint", "in", fingerprints)])
            rows.topic_ids = [Command.link(topic.id) for topic in topics]


class WabaRecipient(models.Model):
    """Applies the opt-outs of erased people to recipients, whichever way the row is created."""

    _inherit = "waba.recipient"

    erased_at = fields.Datetime("Erased on", readonly=True)

    @api.model
    def _inherit_erased_numbers(self, portfolio, numbers):
        """Apply erased opt-outs to the portfolio's rows with these E.164 numbers."""
        forms = forms_by_number(numbers)
        if erased := self.env["waba.erased.person"].sudo()._find_erased(forms):
            found = [canonical_number(handle) for handle in erased]
            self.search(
                [("portfolio_id", "=", portfolio.id), ("number", "in", found)]
            )._apply_erased_opt_outs()
            # Campaigns read the rows by SQL.
            self.flush_model()

    @api.model
    def _inherit_erased_uids(self, user_uids):
        """Apply erased opt-outs to the rows with these user ids."""
        if erased := self.env["waba.erased.person"].sudo()._find_erased(user_uids):
            self.search([("user_uid", "in", list(erased))])._apply_erased_opt_outs()

    def _identifiers(self):
        """The current and former user ids of this row, and its numbers in every spelling."""
        self.ensure_one()
        former = (self.former_uids or "").split()
        return {*self._number_forms(), *filter(None, [self.user_uid]), *former}

    def _find_erased_entries(self):
        """{number or user id of these rows: waba.erased.person} of those erased with an opt-out."""
        handles = set().union(*(person._identifiers() for person in self))
        return self.env["waba.erased.person"].sudo()._find_erased(handles)

    def _apply_erased_opt_outs(self):
        """Give these rows the opt-outs recorded for their numbers and user ids."""
        handles = {person: person._identifiers() for person in self}
        erased = self._find_erased_entries()
        for person, own in handles.items() if erased else ():
            for row in {erased[handle] for handle in own if handle in erased}:
                person._apply_erased_opt_out(row)

    def _apply_erased_opt_out(self, row):
        """Give this recipient what a waba.erased.person says, unless they said otherwise since."""
        evidence = self.env._("Kept as an anonymous fingerprint when the data was erased.")
        for purpose in PURPOSES:
            if not row[f"no_{purpose}"]:
                continue
            # An opt-in given to another company does not replace the opt-out.
            if purpose not in self._last_entries(self._messaging_companies()):
                self._set_consent(purpose, "opt_out", "erased", evidence, at=row.erased_at)
        for topic in row.topic_ids - self.consent_ids.topic_id:
            self._set_consent(
                "marketing", "opt_out", "erased", evidence, at=row.erased_at, topic=topic
            )

    def _delete_erased_entries(self, purpose):
        """Clear the erased opt-outs of recipients who opted in again."""
        # A company without their opt-in still needs the opt-out.
        back = self.filtered(lambda person: person._has_all_opt_ins(purpose))
        for row in back._find_erased_entries().values():
            row[f"no_{purpose}"] = False

    def _delete_erased_topic(self, topic):
        """Clear the erased closing of a topic that these people have opened again."""
        for row in self._find_erased_entries().values():
            row.topic_ids -= topic
