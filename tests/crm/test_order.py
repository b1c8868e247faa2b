"""An order sent in WhatsApp: its card, and the quotation that it becomes, once."""

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..common import NUMBER_ES, PublicAddress
from ..conversation.test_conversation_view import ViewCase
from ..conversation.test_inbound import NUMBER


def item(sku, quantity=1, price=100.0, currency="EUR"):
    return {"sku": sku, "quantity": quantity, "price": price, "currency": currency}


@tagged("post_install", "-at_install")
class TestOrder(ViewCase):
    def setUp(self):
        super().setUp()
        self.lead = self._lead(NUMBER, user_id=self.marta.id, email_from="ana@example.com")
        self.has_sales = "sale.order" in self.env
        if not self.has_sales:
            return
        self.marta.group_ids |= self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.sofa, self.table = self.env["product.product"].create(
            [
                {"name": "Sofa", "default_code": "SOFA", "list_price": 100, "taxes_id": False},
                {"name": "Table", "barcode": "4006381333931", "list_price": 50, "taxes_id": False},
            ]
        )

    def _order(self, *items, text="", number=NUMBER):
        """The message of a person who sends a basket."""
        address = PublicAddress()
        self.addCleanup(address.stop)
        self.simulator.post("delivery", url=address.url)
        self.simulator.post(
            "inbound", phone_id=NUMBER_ES, number=number,
            order={"catalog_id": "194836987003835", "text": text, "items": list(items)},
        )  # fmt: skip
        self._apply_posted()
        return self.env["waba.message"].search([("kind", "=", "order")], limit=1)

    def _quote(self, message, user=None):
        conversation = message._find_conversation()
        action = self._as(user or self.marta).conversation_quote(conversation.id, message.id)
        return self.env["sale.order"].browse(action["res_id"])

    def _card(self, message):
        data = self._data(message._find_conversation())
        return next(bubble for bubble in data["messages"] if bubble["id"] == message.id)

    def test_the_card_shows_the_lines(self):
        message = self._order(item("SOFA", 2, 90.5), text="Para el sábado")
        card = self._card(message)
        self.assertEqual(message.details["catalog"], "194836987003835")
        line = {"product": "SOFA", "quantity": "2", "price": "90.5", "currency": "EUR"}
        self.assertEqual(message.details["order"], [line])
        [shown] = card["order"]
        self.assertEqual(shown["price_text"], "90.50\N{NO-BREAK SPACE}€")
        self.assertEqual(card["text"], "Para el sábado")
        self.assertEqual(card["quotation"]["may_create"], self.has_sales)

    def test_it_becomes_a_quotation_once(self):
        if not self.has_sales:
            self.skipTest("sales are not installed")
        message = self._order(item("SOFA", 2), item("4006381333931", 1, 50), text="El sábado")
        order = self._quote(message)
        self.assertEqual(self._quote(message), order)
        self.assertEqual(self.env["sale.order"].search_count([("id", ">=", order.id)]), 1)
        self.assertEqual((order.state, order.company_id), ("draft", message.company_id))
        self.assertEqual(order.partner_id, self.lead.partner_id, "created now")
        self.assertEqual(order.opportunity_id, self.lead)
        self.assertEqual(order.order_line.product_id, self.sofa | self.table)
        self.assertEqual(order.amount_total, 250)
        self.assertIn("El sábado", order.note)
        self.assertEqual(self._card(message)["quotation"]["name"], order.display_name)

    def test_what_is_not_certain_is_a_note(self):
        if not self.has_sales:
            self.skipTest("sales are not installed")
        self.table.copy({"default_code": "TWICE"})
        self.table.copy({"default_code": "TWICE"})
        message = self._order(
            item("UNKNOWN", 3, 7), item("TWICE"), item("SOFA", 1, 90), item("SOFA", 1, 95, "USD"),
            item("SOFA", 1, 100),
        )  # fmt: skip
        order = self._quote(message)
        products = order.order_line.filtered("product_id")
        self.assertEqual(products.mapped("price_unit"), [100] * 3, "the pricelist's")
        notes = order.order_line.filtered(lambda line: line.display_type == "line_note")
        unknown, twice, foreign, ours, dearer = notes.mapped("name")
        self.assertIn("UNKNOWN, quantity 3, 7.00\N{NO-BREAK SPACE}€ each", unknown)
        self.assertIn("TWICE", twice)
        self.assertIn("90.00\N{NO-BREAK SPACE}€. This quotation is in USD", foreign)
        self.assertEqual(ours, "Shown in WhatsApp: $\N{NO-BREAK SPACE}95.00.")
        self.assertIn("100.00\N{NO-BREAK SPACE}€", dearer)

    def test_without_being_asked_where_the_company_wants_it(self):
        if not self.has_sales:
            self.skipTest("sales are not installed")
        self.env.company.waba_order_to_quotation = True
        message = self._order(item("SOFA"))
        order = message._get_document()
        self.assertEqual((order.state, order.create_uid), ("draft", self.marta))
        self.assertEqual(self._quote(message), order)

    def test_the_message_is_stored_whatever_happens(self):
        if not self.has_sales:
            self.skipTest("sales are not installed")
        self.env.company.waba_order_to_quotation = True
        self.marta.group_ids -= self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.lead.user_id = self._salesperson_of_own()
        message = self._order(item("SOFA"))
        self.assertEqual(message.state, "received")

    def test_nobody_quotes_in_a_strangers_conversation(self):
        if not self.has_sales:
            self.skipTest("sales are not installed")
        message = self._order(item("SOFA"))
        with self.assertRaises(AccessError):
            self._quote(message, self._salesperson_of_own("waba_other"))
