"""CRM: leads and contacts as campaign records, and the changes that enroll leads in follow-ups.

Called by Odoo on create, write, unlink and posted messages of leads; the form shows the counts.
"""

from odoo import api, fields, models

from ..tools.labels import list_action
from ..tools.system_fields import USER_GROUP

# A change of one of these may enroll a lead in a follow-up, or end one.
FOLLOWUP_FIELDS = frozenset(
    ("stage_id", "tag_ids", "active", "probability", "team_id", "phone", "country_id", "partner_id",
     "user_id", "type", "company_id", "waba_recipient_id")
)  # fmt: skip

CONTACT_SUBTYPES = ("email", "comment", "email_outgoing")


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "waba.person.mixin"]

    # Follow-ups
    waba_enrollment_ids = fields.One2many(
        "waba.sequence.enrollment", "lead_id", "Follow-ups", readonly=True, groups=USER_GROUP
    )
    waba_followup_count = fields.Integer(
        "Active follow-ups", compute="_compute_waba_followup", groups=USER_GROUP
    )
    waba_followup_text = fields.Char(
        "Follow-up", compute="_compute_waba_followup", groups=USER_GROUP
    )

    @api.depends("waba_enrollment_ids.state", "waba_enrollment_ids.step_id")
    def _compute_waba_followup(self):
        running = self.env["waba.sequence.enrollment"].search(
            [("lead_id", "in", self.ids), ("state", "=", "running")]
        )
        by_lead = running.grouped("lead_id")
        for lead in self:
            found = by_lead.get(lead, running.browse())
            lead.waba_followup_count = len(found)
            lead.waba_followup_text = ", ".join(found.sequence_id.mapped("name"))

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        self.env["waba.attribution.due"]._queue_new_leads(leads)
        self.env["waba.conversion"]._record_changes(
            leads, {name for vals in vals_list for name in vals}
        )
        if self.env["waba.sequence"]._running_ids_by_trigger():
            self.env["waba.sequence"]._enroll_created(leads.sudo())
        return leads

    def write(self, vals):
        is_followed = FOLLOWUP_FIELDS.intersection(vals) and self.env["waba.sequence"]._is_used()
        before = is_followed and {lead: (lead.stage_id, lead.tag_ids) for lead in self.sudo()}
        result = super().write(vals)
        if vals.get("partner_id"):
            self._waba_link_contacts()
        self.env["waba.attribution.due"]._queue_changed_leads_now(self, vals.keys())
        self.env["waba.conversion"]._record_changes(self, vals.keys())
        if is_followed:
            self.sudo()._update_followups(before)
        return result

    def _waba_link_contacts(self):
        """A contact made of a lead without a number is the same person."""
        for lead in self.sudo():
            person, contact = lead.waba_recipient_id, lead.partner_id
            has_number = contact.is_company or person._number_of(contact)
            if person and not has_number:
                person._link_record(contact)

    def unlink(self):
        running = self.env["waba.sequence.enrollment"].sudo()._find_running(leads=self)
        running._stop_enrollments("gone")
        return super().unlink()

    def action_view_waba_followups(self):
        self.ensure_one()
        return list_action(self.env, "waba_sequence_enrollment_action", [("lead_id", "=", self.id)])

    @api.model
    def _waba_person_fields(self):
        return ["contact_name", "partner_name", "partner_id", "user_id", "waba_recipient_id"]

    def _waba_person_facts(self):
        self.ensure_one()
        partner, user = self.partner_id, self.user_id
        name = self.contact_name or ("" if partner.is_company else partner.name) or ""
        return {
            "name": name or self.partner_name or partner.name or "",
            "first_name": self._waba_first_name(name),
            "company": self.partner_name or partner.commercial_company_name or "",
            "salesperson": user.name if user else "",
            "partner": partner,
        }

    # === Follow-ups ===
    # Without an active follow-up a change costs a read from a cache.

    def _update_followups(self, before):
        """Update, exit and start follow-ups after a change of these leads.

        :param before: {lead: (stage, tags)} before the change
        """
        sequences = self.env["waba.sequence"]
        running = self.env["waba.sequence.enrollment"]._find_running(leads=self)
        if running:
            people = self.env["waba.recipient"].sudo()
            portfolios = self.env["waba.portfolio"].sudo().search([])  # pylint: disable=no-search-all
            for one in running:
                number = people._person_key(one.lead_id, portfolios) or False
                if one.user_id != one.lead_id.user_id:
                    one.user_id = one.lead_id.user_id
                if one.number != number:
                    one._set_person_key(number)
            running._stop_exited()
        watched = sequences._running_ids_by_trigger()
        if "stage" in watched:
            sequences._enroll_stage_changed(
                self.filtered(lambda lead: lead.stage_id != before[lead][0])
            )
        if "tag" in watched:
            added = {lead: lead.tag_ids - before[lead][1] for lead in self}
            sequences._enroll_tagged({lead: tags for lead, tags in added.items() if tags})

    def _message_post_after_hook(self, message, msg_values):
        """An e-mail from or to the person, or a completed activity, may end follow-ups."""
        result = super()._message_post_after_hook(message, msg_values)
        is_note = message.subtype_id == self.env.ref("mail.mt_note")
        if message.mail_activity_type_id or (
            message.message_type in CONTACT_SUBTYPES and not is_note
        ):
            self.env["waba.sequence.enrollment"].sudo()._find_running(leads=self)._stop_exited()
        return result


class ResPartner(models.Model):
    """A contact as `waba.person.mixin` asks for it: names, company and salesperson."""

    _name = "res.partner"
    _inherit = ["res.partner", "waba.person.mixin"]

    # `phone_validation` stores it without an index; inbound messages search the contact by it.
    phone_sanitized = fields.Char(index="btree_not_null")

    @api.model
    def _waba_person_fields(self):
        return ["name", "is_company", "commercial_company_name", "user_id", "tz", "create_uid"]

    def _waba_person_facts(self):
        self.ensure_one()
        return {
            "name": self.name or "",
            "first_name": "" if self.is_company else self._waba_first_name(self.name),
            "company": self.commercial_company_name or (self.name if self.is_company else "") or "",
            "salesperson": self.user_id.name or "",
            "partner": self,
        }
