"""Delivery settings: a manager changes at Meta how a template's promotions are delivered.

Called by `action_delivery` of the template. Only what is changed in the dialog is sent to Meta.
"""

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare

from ..cloud_api import CREATIVE_FEATURES
from ..models.tools.labels import dialog_action

PRICE_DIGITS = 6


class WabaTemplateDelivery(models.TransientModel):
    _name = "waba.template.delivery"
    _description = "WhatsApp Delivery Settings"
    _inherit = ["waba.system.fields.mixin"]

    template_id = fields.Many2one(
        "waba.template", required=True, readonly=True, system=False, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="template_id.price_currency_id")
    max_price = fields.Float(
        "Maximum price",
        digits=(16, PRICE_DIGITS),
        help="The most that Meta may charge for one delivery.",
    )
    ttl_hours = fields.Integer(
        "Time to live", help="12 to 720 hours; 0 leaves Meta's default of 30 days."
    )
    # Creative optimizations, by Meta's names
    image_brightness_and_contrast = fields.Boolean("Brightness and contrast")
    image_touchups = fields.Boolean("Image touch-ups")
    add_text_overlay = fields.Boolean("Text overlay")
    image_animation = fields.Boolean("Animated image")
    image_background_gen = fields.Boolean("Generated background")
    auto_promotion_tag = fields.Boolean("Promotion tag")
    text_extraction_for_headline = fields.Boolean("Headline from text")
    text_extraction_for_tap_target = fields.Boolean("Link title")
    product_extensions = fields.Boolean("Related products")
    text_formatting_optimization = fields.Boolean("Text formatting")
    warning = fields.Text(compute="_compute_warning")

    @api.depends("max_price")
    def _compute_warning(self):
        for wizard in self:
            wizard.warning = bool(wizard.max_price) and self.env._(
                "With a maximum price, Meta takes this template only by the Marketing Messages "
                "API, and only for recipients with a phone number."
            )

    @api.model
    def _open(self, template):
        """Return the action that shows a template's settings to a manager.

        :raise AccessError: the user may not change templates
        :raise UserError: the template is no promotion
        """
        template.check_access("write")
        self._check_promotion(template)
        features = template.creative_features or {}
        known = {name: features.get(name, False) for name in CREATIVE_FEATURES}
        return dialog_action(
            self,
            self.env._("Delivery settings"),
            template_id=template.id,
            max_price=template.max_price,
            ttl_hours=template.ttl_hours,
            **known,
        )

    def action_confirm(self):
        """Change at Meta what differs from the template.

        :raise UserError: not possible, or refused by Meta
        """
        self.ensure_one()
        template = self.template_id
        template.check_access("write")
        self._check_promotion(template)
        features = template.creative_features or {}
        changed = {
            name: self[name]
            for name in CREATIVE_FEATURES
            if self[name] != features.get(name, False)
        }
        template._change_delivery(self._new_price(), self._new_ttl_hours(), changed)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_promotion(self, template):
        if template.category != "marketing":
            raise UserError(
                self.env._("These settings are for promotions. Choose a marketing template.")
            )

    def _new_price(self):
        """The price to set as a Decimal, None if it stays."""
        before = self.template_id.max_price
        if not float_compare(self.max_price, before, precision_digits=PRICE_DIGITS):
            return None
        if self.max_price <= 0:
            raise UserError(
                self.env._(
                    "Meta documents no way to remove a template's maximum price. Set another one, "
                    "or use a template without."
                )
            )
        return Decimal(str(round(self.max_price, PRICE_DIGITS)))

    def _new_ttl_hours(self):
        """The hours to set, None if they stay."""
        before = self.template_id.ttl_hours
        return None if self.ttl_hours in (0, before) else self.ttl_hours
