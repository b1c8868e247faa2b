"""WhatsApp in the header and on the cards of leads, contacts and quotations."""

from lxml import etree
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..common import UNINVITED, WabaCase

NUMBER = "+34611000001"


@tagged("post_install", "-at_install")
class TestMessageButton(WabaCase):
    def _views(self):
        views = [("crm.lead", "form"), ("crm.lead", "kanban"), ("res.partner", "form"),
                 ("res.partner", "kanban")]  # fmt: skip
        return views + [("sale.order", "form")] * ("sale.order" in self.env)

    def test_it_is_on_every_screen_and_for_users_of_whatsapp_alone(self):
        groups = "sales_team.group_sale_salesman_all_leads"
        outsider = new_test_user(self.env, "waba_button_out", groups=groups, context=UNINVITED)
        for model, kind in self._views():
            for user, is_shown in ((self.salesperson, True), (outsider, False)):
                with self.subTest(model=model, kind=kind, user=user.login):
                    arch = self.env[model].with_user(user).get_view(view_type=kind)["arch"]
                    name = "action_waba_send" if kind == "kanban" else "action_waba_message"
                    found = etree.fromstring(arch).xpath(f"//*[@name='{name}']")
                    self.assertEqual(len(found), int(is_shown))

    def test_it_opens_the_conversation_of_the_record(self):
        lead = self._lead(NUMBER)
        partner = self.env["res.partner"].create({"name": "Ana", "phone": NUMBER})
        asked = [(lead, lead), (partner, partner)]
        if "sale.order" in self.env:
            asked.append((self.env["sale.order"].create({"partner_id": partner.id}), partner))
        for record, shown in asked:
            with self.subTest(record._name):
                action = record.action_waba_message()
                self.assertEqual(action["tag"], "waba_message")
                self.assertEqual(action["params"], {"model": shown._name, "id": shown.id})
                conversations = self.env["waba.conversation"].with_user(self.salesperson)
                data = conversations.conversation_data(False, [shown._name, shown.id])
                self.assertEqual(data["number"], NUMBER)

    def test_it_opens_no_record_that_one_may_not_read(self):
        lead = self._lead(NUMBER, user_id=self.manager.id)
        with self.assertRaises(AccessError):
            lead.with_user(self._salesperson_of_own()).action_waba_message()
