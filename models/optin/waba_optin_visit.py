"""Opt-in: views of a source's page and forms sent on it, each with a one-time code.

Called by the public page (controllers/optin.py), the webhook and the daily clean-up.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...policy import optin
from .waba_optin_source import new_code

# How long a person has to confirm in WhatsApp, and the forms that one address may send in an hour.
FORM_LIFE = timedelta(hours=24)
FORMS_PER_HOUR = 30


class WabaOptinVisit(models.Model):
    """A view of a source's page, or a form sent on it, which a message in WhatsApp confirms.

    Only inserted by the page: nobody waits for a counter. Views of past days become one row a day,
    with their number. Neither the number that was typed nor the visitor's address is stored, only
    an HMAC of each.
    """

    _name = "waba.optin.visit"
    _description = "WhatsApp Opt-in Page Visit"
    _inherit = ["waba.system.fields.mixin"]
    _order = "id desc"
    _rec_name = "at"
    _log_access = False

    optin_source_id = fields.Many2one(
        "waba.optin.source", "Opt-in source", required=True, readonly=True, ondelete="cascade"
    )
    at = fields.Datetime("Date", required=True, readonly=True, default=fields.Datetime.now)
    view_count = fields.Integer("Page views", readonly=True)
    # A form
    code = fields.Char(readonly=True)
    lang = fields.Char(readonly=True)
    wording = fields.Text("Consent wording", readonly=True)
    number_key = fields.Char(readonly=True)
    address_key = fields.Char(readonly=True)
    message_id = fields.Many2one(
        "waba.message", "Confirmed by", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _code_uniq = models.UniqueIndex("(code) WHERE code IS NOT NULL")
    _address_idx = models.Index("(address_key, at) WHERE address_key IS NOT NULL")
    _source_idx = models.Index("(optin_source_id, at)")

    @api.model
    @api.private
    def _record_view(self, source):
        self.create({"optin_source_id": source.id, "view_count": 1})

    @api.model
    @api.private
    def _record_form(self, source, number, address):
        """Record a form; None if this address has sent too many.

        :param number: E.164
        :param address: the visitor's IP address
        """
        keys = self.env["waba.erased.person"]._fingerprints([number, address])
        since = fields.Datetime.now() - timedelta(hours=1)
        if address and self.search_count(
            [("address_key", "=", keys[address]), ("at", ">", since)], limit=FORMS_PER_HOUR
        ) >= FORMS_PER_HOUR:  # fmt: skip
            return None
        return self.create(
            {
                "optin_source_id": source.id,
                "code": new_code(optin.ONE_TIME_CODE),
                "lang": source.env.lang or False,
                "wording": source.consent_text,
                "number_key": keys[number],
                "address_key": keys.get(address) or False,
            }
        )

    @api.model
    def _find_forms(self, codes, company):
        """The forms of these one-time codes that can still be confirmed."""
        return self.search(
            [
                ("code", "in", codes),
                ("message_id", "=", False),
                ("at", ">", fields.Datetime.now() - FORM_LIFE),
                ("optin_source_id.company_id", "=", company.id),
            ]
        )

    def _is_number(self, person):
        """Whether the form was sent with a number of this person."""
        keys = self.env["waba.erased.person"]._fingerprints(person._number_forms())
        return self.number_key in keys.values()

    @api.autovacuum
    def _gc_visits(self):
        """Keep of past forms and views what is counted."""
        self.flush_model()
        over = fields.Datetime.now() - FORM_LIFE
        self.env.cr.execute(
            SQL(
                """UPDATE waba_optin_visit
                      SET wording = NULL, number_key = NULL, address_key = NULL
                    WHERE at < %s AND (wording, number_key, address_key) IS DISTINCT FROM
                          (NULL, NULL, NULL)""",
                over,
            )
        )
        self.env.cr.execute(
            SQL(
                """WITH old AS (DELETE FROM waba_optin_visit
                                 WHERE code IS NULL AND view_count = 1 AND at < %s
                             RETURNING optin_source_id, at::date AS day, view_count)
                   INSERT INTO waba_optin_visit (optin_source_id, at, view_count)
                   SELECT optin_source_id, day, sum(view_count) FROM old
                    GROUP BY optin_source_id, day""",
                over,
            )
        )
        self.invalidate_model()
