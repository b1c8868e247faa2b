import hashlib
import hmac
import secrets

from odoo import api, fields, models
from odoo.tools import SQL

from .waba_recipient_consent import PURPOSES

# The key of the fingerprints. Ours, not Odoo's `database.secret`: that one is made anew in a copy,
# after which nobody's opt-out would be recognised.
SECRET = "waba_campaign.erasure_secret"


class WabaErasedPerson(models.Model):
    """That somebody whose data were erased had opted out, by a fingerprint of number or user id.

    A fingerprint is an HMAC: without the database's key nobody can try out numbers against it.
    Whoever comes back under the same number inherits the opt-out (`_inherit_erased`); whoever opts
    in again of their own will is forgotten here.
    """

    _name = "waba.erased.person"
    _description = "WhatsApp Opt-out of an Erased Person"
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
    def _among(self, handles):
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
    def _remember(self, handles, no_marketing, no_utility):
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

    @api.model_create_multi
    def create(self, vals_list):
        people = super().create(vals_list)
        people._inherit_erased()
        return people

    def write(self, vals):
        result = super().write(vals)
        if any(vals.get(name) for name in ("number", "wa_number", "user_uid")):
            self._inherit_erased()
        return result

    @api.model
    def _create_missing(self, portfolio, numbers):
        result = super()._create_missing(portfolio, numbers)
        if erased := self.env["waba.erased.person"].sudo()._among(numbers):
            self.search(
                [("portfolio_id", "=", portfolio.id), ("number", "in", list(erased))]
            )._inherit_erased()
            # Campaigns read the rows by SQL.
            self.flush_model()
        return result

    @api.model
    def _learn_user_uids(self, uids):
        result = super()._learn_user_uids(uids)
        if erased := self.env["waba.erased.person"].sudo()._among(set(uids.values())):
            self.search([("user_uid", "in", list(erased))])._inherit_erased()
        return result

    def _handles(self):
        """The numbers and user ids of these rows."""
        self.ensure_one()
        former = (self.former_uids or "").split()
        return set(filter(None, (self.number, self.wa_number, self.user_uid, *former)))

    def _inherit_erased(self):
        """Give these rows the opt-outs that people of their numbers and user ids had."""
        handles = {person: person._handles() for person in self}
        erased = self.env["waba.erased.person"].sudo()._among(set().union(*handles.values()))
        for person, own in handles.items() if erased else ():
            for row in {erased[handle] for handle in own if handle in erased}:
                for purpose in PURPOSES:
                    if not row[f"no_{purpose}"]:
                        continue
                    # What they said to another company is no word to this one.
                    if purpose not in person._same_person_here()._last_words():
                        person._set_consent(
                            purpose,
                            "opt_out",
                            "erased",
                            self.env._("Kept as a fingerprint alone when their data were erased."),
                            at=row.erased_at,
                        )

    def _set_consent(self, purpose, action, source, evidence, at=None, message=None):
        changed = super()._set_consent(purpose, action, source, evidence, at, message)
        back = self.filtered(lambda person: person[f"{purpose}_state"] == "opted_in")
        if action == "opt_in" and back:
            handles = set().union(*(person._handles() for person in back))
            erased = self.env["waba.erased.person"].sudo()._among(handles)
            for row in erased.values():
                row[f"no_{purpose}"] = False
        return changed
