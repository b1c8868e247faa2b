from odoo import api, fields, models


class PhoneBlacklist(models.Model):
    """Odoo's phone blacklist, fed by opt-outs from promotions where a company wants that.

    What somebody else put there, or put there too, is not ours to take off.
    """

    _name = "phone.blacklist"
    _inherit = ["phone.blacklist", "waba.system.fields.mixin"]

    waba_added = fields.Boolean(
        "Put here by a WhatsApp opt-out", readonly=True, copy=False, help="Taken off by an opt-in."
    )

    @api.model_create_multi
    def create(self, vals_list):
        numbers = super().create(vals_list)
        if not self.env.context.get("waba_feeds"):
            numbers.sudo().filtered("waba_added").waba_added = False
        return numbers

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals and not self.env.context.get("waba_feeds"):
            self.sudo().filtered("waba_added").waba_added = False
        return result


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _update_blacklist(self, action):
        """These people's state changed by a word on promotions: the blacklist follows."""
        if action == "opt_out":
            self._add_to_blacklist()
        else:
            self._remove_from_blacklist()

    def _blacklistable_numbers(self):
        """The E.164 numbers of these people that Odoo's blacklist can hold."""
        numbers = set(self._number_forms())
        formatted = (self.env.user._phone_format(number=number) for number in numbers)
        return list(filter(None, formatted))

    def _add_to_blacklist(self):
        companies = self.portfolio_id.sudo().account_ids.company_id
        if not any(companies.mapped("waba_feed_blacklist")):
            return
        blacklist = self.env["phone.blacklist"].sudo().with_context(waba_feeds=True)
        numbers = self._blacklistable_numbers()
        there = blacklist.search([("number", "in", numbers)]).mapped("number")
        if new := sorted(set(numbers) - set(there)):
            reason = self.env._("Opted out of WhatsApp promotions.")
            blacklist._add(new, message=reason).write({"waba_added": True})

    def _remove_from_blacklist(self):
        blacklist = self.env["phone.blacklist"].sudo().with_context(waba_feeds=True)
        ours = blacklist.search(
            [("number", "in", self._blacklistable_numbers()), ("waba_added", "=", True)]
        )
        if not ours:
            return
        # Another of our companies may still have their no.
        still_out = self._same_person().filtered(
            lambda person: person.marketing_state == "opted_out"
        )
        kept = still_out._blacklistable_numbers()
        if numbers := [entry.number for entry in ours if entry.number not in kept]:
            reason = self.env._("Opted in to WhatsApp promotions again.")
            blacklist._remove(numbers, message=reason).write({"waba_added": False})
