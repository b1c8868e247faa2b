import hashlib
import hmac
import secrets

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy.numbers import canonical_number, forms_by_number
from .consent_sql import PURPOSES

# The key of the fingerprints. Ours, not Odoo's `database.secret`: that one is made anew in a copy,
# after which nobody's opt-out would be recognised.
SECRET = "waba_campaign.erasure_secret"


class WabaErasedPerson(models.Model):
    """That somebody whose data were erased had opted out, by a fingerprint of number or user id.

    A fingerprint is an HMAC: without the database's key nobody can try out numbers against it.
    Whoever comes back under the same number inherits the opt-out (`_apply_erased_opt_outs`); whoever opts
    in again of their own will is forgotten here.
    """

    _name = "waba.erased.person"
    _description = "WhatsApp Opt-out of an Erased Person"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "erased_at"

    fingerprint = fields.Char(required=True, readonly=True)
    no_marketing = fields.Boolean("No promotions", readonly=True)
    no_utility = fields.Boolean("No service messages", readonly=True)
    erased_at = fields.Datetime(required=True, readonly=True)
    user_id = fields.Many2one("res.users", "Erased by", readonly=True, ondelete="set null")

    _fingerprint_uniq = models.UniqueIndex("(fingerprint)")

    @api.model
    def _fingerprints(self, handles):
        """{number or user id: fingerprint}."""
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
        """{number or user id: waba.erased.person} of those that were erased with an opt-out."""
        # Nearly always nobody was, and a campaign asks for thousands.
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
    def _record_opted_out(self, handles, no_marketing, no_utility):
        """Keep the fingerprints of somebody who wants no more of it."""
        self.flush_model()
        for fingerprint in self._fingerprints(handles).values():
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


class WabaRecipient(models.Model):
    """Whoever was erased with an opt-out has it again with their first row, however it is made."""

    _inherit = "waba.recipient"

    erased_at = fields.Datetime("Data erased at", readonly=True)

    @api.model
    def _inherit_erased_numbers(self, portfolio, numbers):
        """Of the rows that a portfolio has by now for these E.164 numbers."""
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
        """Of whoever has one of these user ids by now."""
        if erased := self.env["waba.erased.person"].sudo()._find_erased(user_uids):
            self.search([("user_uid", "in", list(erased))])._apply_erased_opt_outs()

    def _identifiers(self):
        """The user ids of this row, and its numbers in every way of writing them."""
        self.ensure_one()
        former = (self.former_uids or "").split()
        return {*self._number_forms(), *filter(None, [self.user_uid]), *former}

    def _find_erased_entries(self):
        """{number or user id of these rows: waba.erased.person} of those erased with an opt-out."""
        handles = set().union(*(person._identifiers() for person in self))
        return self.env["waba.erased.person"].sudo()._find_erased(handles)

    def _apply_erased_opt_outs(self):
        """Give these rows the opt-outs that people of their numbers and user ids had."""
        handles = {person: person._identifiers() for person in self}
        erased = self._find_erased_entries()
        for person, own in handles.items() if erased else ():
            for row in {erased[handle] for handle in own if handle in erased}:
                for purpose in PURPOSES:
                    if not row[f"no_{purpose}"]:
                        continue
                    # What they said to another company is no word to this one.
                    if purpose not in person._last_entries(person._messaging_companies()):
                        person._set_consent(
                            purpose,
                            "opt_out",
                            "erased",
                            self.env._("Kept as a fingerprint alone when their data were erased."),
                            at=row.erased_at,
                        )

    def _delete_erased_entries(self, purpose):
        """These people opted in: their fingerprints say no more that they had opted out."""
        # As long as one of our companies has no opt-in of theirs, it needs to know them again.
        back = self.filtered(lambda person: person._has_all_opt_ins(purpose))
        for row in back._find_erased_entries().values():
            row[f"no_{purpose}"] = False
