"""CRM: an order that a person sends in WhatsApp becomes a draft quotation, once, where Odoo's sales
are installed.

Called by the button on the order's card, and after an inbound order if the company wants it so.
Products are found by their internal reference, else by their barcode; prices are the pricelist's.
"""

import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..dispatch.waba_document import ORDER
from ..tools.figures import finite_number, stated_price_text
from ..tools.hooks import implements
from ..tools.labels import form_action

_logger = logging.getLogger(__name__)

# Prices that differ by less are the same, rounded.
PRICE_STEP = 0.005


class ResCompany(models.Model):
    _inherit = "res.company"

    waba_order_to_quotation = fields.Boolean("Quotations from WhatsApp orders")


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waba_order_to_quotation = fields.Boolean(
        related="company_id.waba_order_to_quotation", readonly=False
    )


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def conversation_quote(self, conversation_id, message_id, shown=False):
        """Create the quotation of an order in this conversation, or find it.

        :return: the action that opens it
        :raise UserError: there is no such order, or nobody to quote to
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        message = self.env["waba.message"].sudo().search(
            [
                ("id", "=", message_id),
                ("recipient_id", "=", conversation.recipient_id.id),
                ("sender_id", "=", conversation.sender_id.id),
                ("kind", "=", "order"),
            ]
        )  # fmt: skip
        if not message or ORDER not in self.env:
            raise UserError(self.env._("This order is no longer available."))
        record = self._shown_record(conversation.with_env(self.env), shown)
        return form_action(self.env["waba.order"]._quote(message, record))

    @implements("_on_written")
    def _quote_order(self, message):
        if message.kind == "order" and message.company_id.waba_order_to_quotation:
            self.env["waba.order"]._quote_inbound(message.sudo())


class WabaOrder(models.AbstractModel):
    """Quotations of orders. The message names its quotation as its document."""

    _name = "waba.order"
    _description = "WhatsApp Order"

    @api.model
    def _quote(self, message, record):
        """The quotation of this order, with the rights of the current user.

        :param message: waba.message with all rights
        :param record: the lead or contact, or None
        """
        # A second click waits for the first, whose quotation the repeated request then finds.
        self.env.cr.execute(
            SQL("SELECT FROM waba_message WHERE id = %s FOR NO KEY UPDATE", message.id)
        )
        if (known := message._get_document()) is not None:
            return known.with_env(self.env)
        partner = self._customer(message, record)
        company = message.company_id
        orders = self.env[ORDER].with_company(company)
        values = {
            "partner_id": partner.id,
            "company_id": company.id,
            "origin": self.env._("WhatsApp order"),
            "note": message._written_text() or False,
        }
        if record is not None and record._name == "crm.lead":
            values |= {
                name: value
                for name, value in (
                    ("opportunity_id", record.id), ("team_id", record.team_id.id),
                    ("user_id", record.user_id.id), ("source_id", record.source_id.id),
                )
                if name in orders._fields and value
            }  # fmt: skip
        order = orders.create(values)
        for item in (message.details or {}).get("order", []):
            self._add_line(order, item)
        message.write({"document_model": ORDER, "document_id": order.id})
        order._message_log(
            body=self.env._("Created from an order in WhatsApp: %s", message._summary())
        )
        return order

    @api.model
    def _quote_inbound(self, message):
        """The quotation of an order that has just come in, for whoever answers for it."""
        record = message._get_record()
        user = (record is not None and record.user_id) or message.company_id.waba_lead_user_id
        if record is None or not user or ORDER not in self.env:
            return
        try:
            with self.env.cr.savepoint():
                orders = self.with_user(user).with_context(lang=user.lang)
                orders._quote(message, record.with_user(user))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except (AccessError, UserError) as error:
            # The message is stored in any case, and its card has the button.
            _logger.info("waba.message %s: no quotation: %s", message.id, error)

    def _customer(self, message, record):
        """The contact to quote to; a lead without one gets it now, as Odoo's button does."""
        if record is None:
            record = message.recipient_id.partner_id
        if record and record._name == "crm.lead":
            if not record.partner_id:
                record._handle_partner_assignment(create_missing=True)
            record = record.partner_id
        if not record:
            raise UserError(
                self.env._(
                    "No customer to quote. Create a lead or a contact for this person first."
                )
            )
        return record

    def _add_line(self, order, item):
        """One product of the order; what it does not say for certain is a note below."""
        lines, quantity = self.env[f"{ORDER}.line"], finite_number(item.get("quantity")) or 1
        product = self._find_product(item.get("product") or "", order.company_id)
        if not product:
            note = self.env._(
                "Not found: %(product)s, quantity %(quantity)s, %(price)s each.",
                product=item.get("product") or "?",
                quantity=item.get("quantity") or "?",
                price=stated_price_text(self.env, item.get("price"), item.get("currency")),
            )
            return self._add_note(order, note)
        line = lines.create(
            {"order_id": order.id, "product_id": product.id, "product_uom_qty": quantity}
        )
        if note := self._price_note(line, item):
            self._add_note(order, note)
        return line

    def _add_note(self, order, text):
        values = {"order_id": order.id, "display_type": "line_note", "name": text}
        return self.env[f"{ORDER}.line"].create(values)

    def _price_note(self, line, item):
        """What the person saw in WhatsApp, if it is another price or currency."""
        price, ours = finite_number(item.get("price")), line.order_id.currency_id.name
        if price is None:
            return False
        currency = item.get("currency") or ours
        text = stated_price_text(self.env, item["price"], currency)
        if currency != ours:
            return self.env._(
                "Shown in WhatsApp: %(price)s. This quotation is in %(ours)s.",
                price=text,
                ours=ours,
            )
        if abs(price - line.price_unit) < PRICE_STEP:
            return False
        return self.env._("Shown in WhatsApp: %s.", text)

    def _find_product(self, retailer_id, company):
        """The only product with this internal reference or barcode; empty if there is none."""
        products = self.env["product.product"]
        for name in ("default_code", "barcode"):
            found = retailer_id and products.search(
                [
                    (name, "=", retailer_id),
                    ("sale_ok", "=", True),
                    ("company_id", "in", (False, company.id)),
                ],
                limit=2,
            )
            if found and len(found) == 1:
                return found
        return products
