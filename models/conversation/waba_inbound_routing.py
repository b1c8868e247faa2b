"""Conversation: inbound routing: which lead or contact an inbound message belongs to.

Called by `_receive_inbound` (waba_message_inbound.py); policy.landing has the order.
"""

from datetime import datetime

from odoo import api, models
from odoo.fields import Domain

from ...policy import intent, landing
from ..tools.hooks import hook

# A number has a handful of leads and contacts at most; only the newest can be chosen.
CANDIDATES = 20


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _route_inbound(self, sender, item, answered):
        """Find the record of an inbound message, or create a lead for it.

        :param item: cloud_api.InboundMessage
        :param answered: our message that it answers, possibly none
        :return: (one of policy.landing.ROUTES, partner or lead or None)
        """
        company = sender.company_id
        makes_lead = landing.creates_lead(
            company.waba_create_lead,
            item.kind,
            intent.opt_out_intent(
                item.text,
                item.payload or None,
                self.env["waba.consent.word"]._company_keywords(company.id),
            ),
            self.is_blocked,
            sender.is_on_business_app,
        )
        return landing.choose_route(
            {
                landing.ANSWERED: lambda: answered and answered._company_record(company),
                landing.LAST_WRITTEN: lambda: self._last_written_record(company),
                landing.OPEN_LEAD: lambda: self._open_lead(company),
                landing.PARTNER: lambda: self._company_partner(company),
                landing.NEW_LEAD: lambda: makes_lead and self._new_lead(sender, item, answered),
            }
        )

    def _find_record(self, company):
        """The record of this person, as `_route_inbound`, but never a new one; or None."""
        self.ensure_one()
        return landing.choose_route(
            {
                landing.LAST_WRITTEN: lambda: self._last_written_record(company),
                landing.OPEN_LEAD: lambda: self._open_lead(company),
                landing.PARTNER: lambda: self._company_partner(company),
            }
        )[1]

    def _last_written_record(self, company):
        last = self.env["waba.message"].search(
            [
                ("recipient_id", "=", self.id),
                ("company_id", "=", company.id),
                ("res_id", "!=", False),
            ],
            order="id desc",
            limit=1,
        )
        return last and last._get_record()

    def _open_lead(self, company):
        leads = self.env["crm.lead"]
        leads = leads.search(
            leads._waba_people_domain(self) & Domain("company_id", "in", (False, company.id)),
            order="id desc",
            limit=CANDIDATES,
        )
        return landing.newest_open_lead(
            [
                landing.RoutingCandidate(
                    key=lead,
                    company=lead.company_id.id or None,
                    is_open=lead.active and not lead.stage_id.is_won,
                    at=lead.create_date or datetime.min,
                )
                for lead in leads
            ],
            company.id,
        )

    def _company_partner(self, company):
        numbers = self._number_forms()
        partners = self.env["res.partner"]
        if numbers:
            partners = partners.search(
                [("phone_sanitized", "in", numbers), ("company_id", "in", (False, company.id))],
                order="write_date desc",
                limit=CANDIDATES,
            )
        linked = self.partner_id and self._routing_candidate(self.partner_id)
        return landing.routed_partner(
            linked, [self._routing_candidate(p) for p in partners], company.id
        )

    @api.model
    def _routing_candidate(self, partner):
        return landing.RoutingCandidate(
            key=partner,
            company=partner.company_id.id or None,
            is_person=not partner.is_company,
            at=partner.write_date or datetime.min,
        )

    def _new_lead(self, sender, item, answered):
        """Create a lead for an unknown contact, with the company's settings.

        It is attributed to the ad they came from, else to the campaign whose message is answered,
        else to the opt-in source that it names.
        """
        company = sender.company_id
        leads = self.env["crm.lead"].with_company(company)
        attribution = self._on_lead_from_message(sender, item)
        if answered:
            attribution += answered.sender_id._on_new_lead(answered)
        if item.referral:
            attribution += self._on_referred_lead(sender, item)
        known_name = self.app_name or item.profile_name or self.name
        name = known_name or self._handle()
        team = company.waba_lead_team_id
        # Without a team, or with one that qualifies leads, Odoo's default applies.
        as_opportunity = {"type": "opportunity"} if team and not team.use_leads else {}
        return leads.create(
            {
                **as_opportunity,
                "name": self.env._("WhatsApp: %s", name),
                "contact_name": known_name or False,
                "phone": self.number or False,
                "waba_recipient_id": False if self.number else self.id,
                "company_id": company.id,
                "user_id": company.waba_lead_user_id.id,
                "team_id": team.id,
                "source_id": leads._find_or_create_record("utm.source", "WhatsApp").id,
                "medium_id": leads._find_or_create_record("utm.medium", "WhatsApp").id,
                **{name: value for values in attribution for name, value in values.items()},
            }
        )

    def _referral_values(self, sender, item):
        """Values of a message by the ad it came from."""
        found = self._on_referral(sender, item) if item.referral else ()
        return {name: value for values in found for name, value in values.items()}

    @hook
    def _on_referral(self, sender, item):
        """Before a message that came from an ad is stored.

        :param item: cloud_api.InboundMessage
        :return: {field: value} of the message
        """

    @hook
    def _on_referred_lead(self, sender, item):
        """Before a message from an unknown contact who came from an ad becomes a lead.

        :param item: cloud_api.InboundMessage
        :return: {field: value} of the lead
        """
