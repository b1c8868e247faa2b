"""Consent: the public preference page, and the signed link to it.

Called by controllers/preferences.py; the link's token is a variable of templates.
"""

import ipaddress
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.tools.misc import hash_sign, verify_hash_signed

from ...policy.eligibility import topic_consent
from ..tools.phone_countries import number_language

# The scope of the signature, and the version of what is signed: a link of another version is
# refused, so that a later one can mean something else.
SCOPE = "waba_campaign.preferences"
VERSION = 1
# A link is valid for at least a year; those of one month are the same.
VALID_MONTHS = 13

# Changes that one person can make in an hour. A stop is never refused.
MAX_CHANGES = 20


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _preference_token(self, company):
        """The signed token of this person's link: names row and company, never the number."""
        self.ensure_one()
        month = fields.Datetime.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return hash_sign(
            self.sudo().env,
            SCOPE,
            [VERSION, self.id, company.id],
            expiration=month + relativedelta(months=VALID_MONTHS),
        )

    @api.model
    def _read_preference_token(self, token):
        """(recipient, company) of a token; both empty if it is unknown, expired or the person gone.

        A row without number and user id was erased, or merged into another: nothing said on it
        would reach the person's messages.
        """
        nobody = self.browse(), self.env["res.company"]
        try:
            version, recipient_id, company_id = verify_hash_signed(self.env, SCOPE, token)
        except (ValueError, TypeError, OverflowError):
            return nobody
        person = self.browse(recipient_id).exists()
        company = self.env["res.company"].browse(company_id).exists()
        is_known = person.number or person.user_uid
        return (person, company) if version == VERSION and is_known and company else nobody

    def _preference_url(self, company):
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url")
        return f"{base}/waba/preferences/{self._preference_token(company)}"

    # === The page ===

    def _preference_values(self, company):
        """What the page shows: no name, and of the number only its ends."""
        self.ensure_one()
        general = self._consent_state("marketing", company)
        topics = self.env["waba.topic"].search([("company_id", "=", company.id)])
        said = self._topic_states(topics)
        required = company.waba_opt_in_required

        def is_on(topic_state):
            consent = topic_consent(general, topic_state)
            return consent == "opted_in" or (consent == "unknown" and not required)

        switches = [(topic, is_on(said.get((topic.id, self.id)))) for topic in topics]
        return {
            "company": company.name,
            "number": _masked(self.number or self.wa_number or ""),
            "topics": switches,
            "can_stop": general != "opted_out" or any(on for _topic, on in switches),
            "is_out": general == "opted_out",
            "is_on": is_on(None),
        }

    def _preference_language(self, accepted):
        """The language of the page: what their browser asks for, else their contact's, else that
        of their number's country.

        :param accepted: language codes, the preferred one first
        """
        installed = [code for code, _name in self.env["res.lang"].get_installed()]
        known = [*accepted, self.partner_id.lang, number_language(self.number)]
        for wanted in filter(None, known):
            near = [code for code in installed if code.split("_")[0] == wanted.split("_")[0]]
            if near:
                return wanted if wanted in installed else near[0]
        return self.env.user.lang or installed[0]

    def _apply_preferences(self, company, act, changes, address):
        """Record what the person chose on the page.

        :param act: 'save', 'stop' or 'start'
        :param changes: {waba.topic id: bool}, of the switches that were moved
        :param address: their IP address, stored without its end
        :return: whether it was recorded; False after too many changes in an hour
        """
        self.ensure_one()
        evidence = self.env._("Preference page, network %s", _network(address))
        topics = self.env["waba.topic"].search([("company_id", "=", company.id)])
        if act == "stop":
            self._stop_by_preferences(company, topics, evidence)
            return True
        if self._recent_preferences() >= MAX_CHANGES:
            return False
        if act == "start" and self._consent_state("marketing", company) != "opted_in":
            self._set_consent("marketing", "opt_in", "preferences", evidence, company=company)
        said = self._topic_states(topics)
        for topic in topics.filtered(lambda topic: act == "save" and topic.id in changes):
            action = "opt_in" if changes[topic.id] else "opt_out"
            if said.get((topic.id, self.id)) != ("opted_in" if changes[topic.id] else "opted_out"):
                self._set_consent("marketing", action, "preferences", evidence, topic=topic)
        return True

    def _stop_by_preferences(self, company, topics, evidence):
        """Opt out of all promotions; pressing it twice adds nothing."""
        is_out = self._consent_state("marketing", company) == "opted_out"
        if not is_out or "opted_in" in self._topic_states(topics).values():
            self._set_consent("marketing", "opt_out", "preferences", evidence, company=company)

    def _recent_preferences(self):
        return self.env["waba.consent"].search_count(
            [
                ("recipient_id", "=", self.id),
                ("source", "=", "preferences"),
                ("at", ">", fields.Datetime.now() - timedelta(hours=1)),
            ]
        )


def form_token(env, token, now=None):
    """A token for the page's form, which another site cannot make: no session is needed for it."""
    end = (now or datetime.now()) + timedelta(days=1)
    return hash_sign(env, f"{SCOPE}.form", [token], expiration=end)


def is_form_token(env, token, given):
    """Whether `given` is the form token of this link, not older than a day."""
    try:
        return verify_hash_signed(env, f"{SCOPE}.form", given) == [token]
    except (ValueError, TypeError):
        return False


def _masked(number):
    """'+34 ••• 001'; '' without a number."""
    return f"{number[:3]} ••• {number[-3:]}" if len(number) > 7 else ""


def _network(address):
    """The network of an IP address, without what tells one connection from another."""
    try:
        size = 24 if ipaddress.ip_address(address).version == 4 else 48
        return str(ipaddress.ip_network(f"{address}/{size}", strict=False))
    except ValueError:
        return "?"
