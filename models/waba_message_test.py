from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..policy import numbers
from .waba_recipient import recipients_with_numbers

# System parameters, with what holds where they are not set: tests that leave in one day (UTC).
TESTS_PER_USER_AND_DAY = ("waba_campaign.tests_a_day_per_user", 10)
TESTS_PER_COMPANY_AND_DAY = ("waba_campaign.tests_a_day_per_company", 50)


class ResCompany(models.Model):
    """Whom test messages may go to.

    Only to numbers that an administrator listed. A phone in a colleague's own contact is no proof:
    everybody may write any number there, a customer's too. Nor to a listed number that turns out to
    be a customer's, or whose owner wants no messages.
    """

    _inherit = "res.company"

    def _waba_test_refusals(self, people):
        """[sentence] for each of these whom no test may go to.

        :param people: [(name, number or '', the colleague's res.users, perhaps empty)]
        """
        self.ensure_one()
        company = self.sudo()
        listed = set(map(numbers.canonical_number, company._waba_test_number_list()))
        found = {number for _name, number, _user in people if number}
        customers = company._waba_filter_customer_numbers(found)
        unwilling = company._waba_filter_opted_out_numbers(found)
        ours = self.env["waba.sender"]._filter_own_numbers(found)
        problems = []
        for name, number, user in people:
            who = {"name": name, "number": number}
            if not number:
                problems.append(
                    self.env._("%s has no valid phone number in the own contact.", name)
                )
            elif number in ours:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is one of your own WhatsApp numbers. Choose a phone "
                        "that somebody reads.",
                        **who,
                    )
                )
            elif number not in listed and not self._waba_is_administrator_number(user):
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is not on the list of test numbers. Ask an "
                        "administrator to add it under WhatsApp → Configuration → Settings → "
                        "Tests.",
                        **who,
                    )
                )
            elif number in customers:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is also the number of a lead or contact. Tests go to "
                        "colleagues only; choose another number, or set the colleague as the "
                        "lead's contact.",
                        **who,
                    )
                )
            elif number in unwilling:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s opted out or is on the phone blacklist, so it gets "
                        "no tests either.",
                        **who,
                    )
                )
        return problems

    def _waba_is_administrator_number(self, user):
        """Whoever may write the list need not write themselves into it."""
        return bool(user) and user == self.env.user and user._is_system()

    def _waba_filter_customer_numbers(self, found):
        """Those of the numbers that a lead or contact has who is not of the house, whoever may
        see it, in whatever company."""
        having = Domain("phone_sanitized", "in", list(found))
        everybody = {"active_test": False}
        house = self.env["res.users"].sudo().with_context(**everybody).search(
            [("share", "=", False), ("partner_id.phone_sanitized", "in", list(found))]
        ).partner_id  # fmt: skip
        # Companies are few.
        house |= self.env["res.company"].sudo().search([]).partner_id  # pylint: disable=no-search-all
        contacts = self.env["res.partner"].sudo().with_context(**everybody).search(having)
        leads = self.env["crm.lead"].sudo().with_context(**everybody).search(having)
        strangers = [
            *contacts.filtered(
                lambda one: not (one | one.commercial_partner_id) & house
            ),
            *leads.filtered(
                lambda lead: not (lead.partner_id | lead.partner_id.commercial_partner_id) & house
            ),
        ]  # fmt: skip
        return {numbers.canonical_number(one.phone_sanitized) for one in strangers}

    def _waba_filter_opted_out_numbers(self, found):
        people = self.env["waba.recipient"].sudo().search(
            recipients_with_numbers(found)
            & (Domain("marketing_state", "=", "opted_out")
               | Domain("utility_state", "=", "opted_out"))
        )  # fmt: skip
        blacklisted = self.env["waba.recipient"]._filter_blacklisted(found)
        return set(people._number_forms()) | blacklisted


class WabaMessage(models.Model):
    _inherit = "waba.message"

    @api.model
    def _queue_test(self, sender, person, template, lines):
        """One test message. The caller has asked `_waba_test_refusals`.

        Its `origin_key` is one of the day's places of the company: of two that take the same place
        at once the second is repeated with the next, so that no number of windows gives more.

        :raise UserError: when today's places are taken
        """
        return self._queue_direct(
            sender,
            person,
            origin="test",
            template=template,
            variables=lines,
            origin_key=self._free_test_key(sender.sudo().company_id),
        )

    @api.model
    def _free_test_key(self, company):
        per_user, per_company = (
            self._check_test_limits(TESTS_PER_USER_AND_DAY),
            self._check_test_limits(TESTS_PER_COMPANY_AND_DAY),
        )
        day = fields.Datetime.now().date()
        keys = [f"test/{company.id}/{day}/{place}" for place in range(per_company)]
        taken = self.sudo().search([("origin_key", "in", keys)])
        if len(taken.filtered(lambda row: row.user_id == self.env.user)) >= per_user:
            raise UserError(
                self.env._(
                    "You have sent %s test messages today, as many as one person may. Send more "
                    "tomorrow, or look at the preview instead.",
                    per_user,
                )
            )
        free = [key for key in keys if key not in set(taken.mapped("origin_key"))]
        if not free:
            raise UserError(
                self.env._(
                    "Your company has sent %s test messages today, as many as it may. Send more "
                    "tomorrow, or look at the preview instead.",
                    per_company,
                )
            )
        return free[0]

    @api.model
    def _check_test_limits(self, parameter):
        key, default = parameter
        written = self.env["ir.config_parameter"].sudo().get_param(key, "")
        return int(written) if written.isascii() and written.isdigit() else default
