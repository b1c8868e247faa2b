from odoo import api, models
from odoo.exceptions import UserError, ValidationError

from ..policy import links


class WabaVariableMixin(models.AbstractModel):
    """A variable that is the end of a tracked link: `text` is where the link leads.

    The template's button must lead to our own short address, for Meta fixes all of it but the end.
    One link.tracker per campaign, target and button carries the campaign's UTM values.
    """

    _inherit = "waba.variable.mixin"

    @api.constrains("source", "kind", "text")
    def _check_link(self):
        for line in self.filtered(lambda line: line.source == "link"):
            if line.kind != "url":
                raise ValidationError(
                    self.env._(
                        "A tracked link can only be the end of a button's address; {{%s}} is not.",
                        line.name,
                    )
                )
            if line.text and not links.is_allowed_target(line.text):
                raise ValidationError(
                    self.env._(
                        "%s is no address that people can be led to. Write it whole, such as "
                        "https://www.example.com/offer.",
                        line.text,
                    )
                )

    def _check_own_address(self, template):
        """Refuse tracked links on buttons that lead elsewhere.

        :raise UserError: naming the button, our address and the way on
        """
        base = self.env["link.tracker"].get_base_url()
        for line in self.filtered(lambda line: line.source == "link"):
            address = template._button_address(line.button_index)
            if not links.is_own_address(address, base):
                raise UserError(
                    self.env._(
                        "Clicks can only be counted on a button whose address is %(ours)s; in the "
                        "template %(template)s it is %(address)s. Choose a fixed text for this "
                        "variable, or a template with our address.",
                        ours=f"{base}/r/{{{{1}}}}",
                        template=template.display_name,
                        address=address or self.env._("missing"),
                    )
                )

    def _tracked_link(self):
        """The link.tracker of this line, made when first needed."""
        self.ensure_one()
        target = self.text.strip()
        # With a title: without one link_tracker would read the page while people wait.
        values = {"url": target, "title": target, "label": self._link_label(), **self._link_utm()}
        return self.env["link.tracker"].sudo().search_or_create([values])

    def _link_label(self):
        # In no one's language: it tells links apart.
        return f"Button {self.button_index + 1}"

    def _link_utm(self):
        """UTM values of the link: records' ids of campaign, source and medium."""
        mixin = self.env["utm.mixin"].sudo()
        return {
            "medium_id": mixin._find_or_create_record("utm.medium", "WhatsApp").id,
            "source_id": False,
            "campaign_id": False,
        }


class WabaTemplateVariable(models.Model):
    _inherit = "waba.template.variable"

    @api.constrains("source")
    def _check_button_address(self):
        for line in self:
            line._check_own_address(line.template_id)

    def _link_utm(self):
        """Outside campaigns the template is the source."""
        source = (
            self.env["utm.mixin"].sudo()._find_or_create_record("utm.source", self.template_id.name)
        )
        return {**super()._link_utm(), "source_id": source.id}


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    def _button_address(self, index):
        """The address of the template's button, with its placeholder; ''."""
        for component in self.components or []:
            if (component.get("type") or "").upper() == "BUTTONS":
                buttons = component.get("buttons") or []
                if index < len(buttons):
                    return buttons[index].get("url") or ""
        return ""
