"""Base: what Meta decides about a template, in plain words, and what we do about it: rejections,
pauses, changes of category.

Called by the sync, by webhooks and by the template's form and actions.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ....cloud_api import CloudApiError, is_code_template
from ...tools.hooks import hook, implements
from ...tools.labels import selection_labels
from ...tools.moments import format_moment
from ...tools.phone_countries import number_country
from ...tools.platform_words import rejection_sentence, status_sentence

MANAGER_URL = "https://business.facebook.com/wa/manage/message-templates/?waba_id=%s&id=%s"
SUBCODE_MISSING = 33


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    rejection_info = fields.Text("Meta's explanation", readonly=True)
    is_rejection_told = fields.Boolean("Rejection notified", readonly=True)
    status_text = fields.Text("Explanation", compute="_compute_status_text")
    library_name = fields.Char("Library template", readonly=True)
    is_code = fields.Boolean("One-time code", compute="_compute_is_code")
    # A change of category by Meta: announced, or made and not yet looked at by a manager
    category_next = fields.Selection(
        selection=lambda self: self._fields["category"]._description_selection(self.env),
        string="Next category",
        readonly=True,
    )
    category_next_at = fields.Datetime("Category changes on", readonly=True)
    category_before = fields.Char("Category before", readonly=True)
    category_held = fields.Boolean("Category to review", readonly=True)
    category_text = fields.Text("Category change", compute="_compute_category_text")

    @api.depends("status", "status_reason", "rejection_info")
    @api.depends_context("lang")
    def _compute_status_text(self):
        for template in self:
            if template.status == "rejected":
                text = rejection_sentence(self.env, template.status_reason)
                if template.rejection_info:
                    text = self.env._(
                        "%(sentence)s Meta adds: %(info)s",
                        sentence=text,
                        info=template.rejection_info,
                    )
            else:
                text = status_sentence(self.env, template.status, template.status_reason)
            template.status_text = text or False

    @api.depends("components")
    def _compute_is_code(self):
        for template in self:
            template.is_code = is_code_template(template.components)

    @api.depends("category", "category_next", "category_next_at", "category_held")
    @api.depends_context("lang")
    def _compute_category_text(self):
        for template in self:
            if template.category_next:
                template.category_text = template._category_warning_text()
            elif template.category_held:
                template.category_text = template._category_change_text()
            else:
                template.category_text = False

    # === Hooks ===

    @hook
    def _find_uses(self):
        """What sends this template now: a list of names.

        :return: names, in the user's language
        """

    # === Rejections ===

    @implements("_on_status_change")
    def _notify_rejection(self):
        """Tell author and managers of a rejection what to change; close it when it is over."""
        for template in self:
            is_rejected = template.status == "rejected"
            if is_rejected:
                template._notify_managers(
                    self.env._("Template rejected: change it, then submit it again"),
                    template.status_text,
                )
            if is_rejected and not template.is_rejection_told:
                template._notify_authors()
            elif template.is_rejection_told and not is_rejected:
                template._close_manager_activities()
            template.is_rejection_told = is_rejected

    def _notify_authors(self):
        """Post the explanation to those who wrote the template and are no managers."""
        authors = self.sudo().draft_ids.create_uid - self._find_managers()
        if authors:
            self.message_notify(
                partner_ids=authors.partner_id.ids,
                subject=self.env._("Template rejected: %s", self.display_name),
                body=self.status_text,
            )

    # === Category ===

    def _announce_category(self, category, moment):
        """Meta will change the category: shown on the template, managers are notified.

        :param category: key of `category`
        :param moment: naive UTC datetime or None
        """
        self.ensure_one()
        self.write({"category_next": category, "category_next_at": moment})
        words = self._category_warning_text()
        self._message_log(body=words)
        self._notify_managers(self.env._("Meta will change a template's category"), words)

    def _apply_category_move(self, before):
        """Meta changed the category: what sends a template that became a promotion waits.

        :param before: key of `category`
        """
        self.ensure_one()
        became_promotion = self.category == "marketing" and before in ("utility", "authentication")
        self.write(
            {
                "category_next": False,
                "category_next_at": False,
                "category_before": before,
                "category_held": became_promotion and bool(self._use_names()),
            }
        )
        if became_promotion:
            words = self._category_change_text()
            self._message_log(body=words)
            self._notify_managers(self.env._("Meta made a template a promotion"), words)

    def _use_names(self):
        return sorted({name for names in self._find_uses() for name in names})

    def _category_warning_text(self):
        """That the category will change, when, what it costs and who uses the template."""
        labels = selection_labels(self, "category")
        moment = self.category_next_at and format_moment(self.env, self.category_next_at)
        sentence = self.env._(
            "Meta will change the category from %(before)s to %(after)s%(moment)s.",
            before=labels.get(self.category),
            after=labels.get(self.category_next),
            moment=self.env._(" on %s", moment) if moment else self.env._(" within 24 hours"),
        )
        return self._with_costs(sentence, self.category, self.category_next)

    def _category_change_text(self):
        labels = selection_labels(self, "category")
        sentence = self.env._(
            "Meta changed the category from %(before)s to %(after)s.",
            before=labels.get(self.category_before, self.category_before),
            after=labels.get(self.category),
        )
        return self._with_costs(sentence, self.category_before, self.category)

    def _with_costs(self, sentence, before, after):
        """A sentence, followed by the prices of two categories and by who uses the template."""
        parts = [sentence]
        prices = self.account_id._prices([before, after])
        country = self.account_id._usual_country().name
        if country:
            prices = {category: f"{price} ({country})" for category, price in prices.items()}
        if prices.get(after):
            parts.append(
                self.env._(
                    "Price per recipient: %(after)s instead of %(before)s.",
                    after=prices[after],
                    before=prices.get(before) or self.env._("an unknown price"),
                )
            )
        else:
            parts.append(self.env._("Price per recipient: unknown, no rates imported."))
        if names := self._use_names():
            parts.append(self.env._("Used by: %s.", ", ".join(names)))
        if after == "marketing":
            parts.append(
                self.env._(
                    "Check the recipients' opt-in. If the text is no promotion, change it or "
                    "request a review in WhatsApp Manager."
                )
            )
        return " ".join(parts)

    # === Meta ===

    def action_refresh(self):
        """Read this template from Meta again."""
        self.ensure_one()
        self.account_id._check_operator()
        try:
            self._reread()
        except CloudApiError as error:
            raise UserError(self.account_id._error_text(error)) from error
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_unpause(self):
        return self.env["waba.template.act"]._open(self, "unpause")

    def action_archive_at_meta(self):
        return self.env["waba.template.act"]._open(self, "archive")

    def action_unarchive_at_meta(self):
        return self.env["waba.template.act"]._open(self, "unarchive")

    def action_delete_at_meta(self):
        return self.env["waba.template.act"]._open(self, "delete")

    def action_open_manager(self):
        """Open the template in WhatsApp Manager, the only place where Meta takes appeals."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": MANAGER_URL % (self.account_id.waba_uid, self.template_uid),
            "target": "new",
        }

    def _reread(self):
        """Read this template from Meta and apply it; one that is gone is marked as deleted.

        :raise CloudApiError: Meta refused or could not be reached
        """
        template = self.sudo()
        try:
            with template.account_id._client() as client:
                facts = client.get_template(template.template_uid)
        except CloudApiError as error:
            if error.code != 100 or error.subcode != SUBCODE_MISSING:
                raise
            template._mark_missing()
        else:
            template._apply_facts(template._facts_to_values(facts))


class WabaAccount(models.Model):
    _inherit = "waba.account"

    def _apply_one_template(self, facts):
        """The row of one template as Meta lists it, created or updated.

        :param facts: cloud_api.Template
        """
        self.ensure_one()
        templates = self.env["waba.template"].with_context(active_test=False)
        values = templates._facts_to_values(facts)
        known = templates.search(
            [("account_id", "=", self.id), ("template_uid", "=", facts.template_uid)]
        )
        if known:
            known._apply_facts(values)
            return known
        return templates.create({**values, "account_id": self.id})

    def _prices(self, categories):
        """{category: what a message costs, as text}, for those whose price is known."""
        return {key: text for found in self._find_price_texts(categories) for key, text in
                found.items()}  # fmt: skip

    @hook
    def _find_price_texts(self, categories):
        """What a message costs by category in the account's usual country, as text.

        :param categories: keys of `waba.template.category`
        :return: {category: text}, without those whose price is not known
        """

    def _usual_country(self):
        """The country of the account's first number, where most recipients are; else the
        company's."""
        code = number_country(self.sender_ids[:1].number or "")
        found = self.env["res.country"].search([("code", "=", code)], limit=1)
        return found or self.company_id.country_id
