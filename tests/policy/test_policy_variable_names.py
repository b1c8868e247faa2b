"""Which names of variables are guessed, and which a person has to fill in."""

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import variable_names

from ..pure import PureCase

TOLD = {
    "first_name": "first_name firstName First-Name FIRST_NAME name nombre Nombre nome prénom "
    "prenom customer_name client_name customer cliente nombre_cliente nombre_del_cliente "
    "nome_do_cliente nom_du_client primeiro_nome primer_nombre contact_name",
    "name": "full_name fullName nombre_completo nombre_y_apellidos nome_completo nom_complet",
    "company": "company company_name companyName empresa nombre_empresa nombre_de_la_empresa "
    "nome_da_empresa société nom_de_la_société entreprise razón_social",
    "salesperson": "salesperson sales_rep_name agent agent_name vendedor asesor nombre_del_asesor "
    "nome_do_vendedor conseiller vendeur",
}
UNREPORTED = [
    "product_name",
    "event_name",
    "hotel_name",
    "store_name",
    "shop_name",
    "brand_name",
    "course_name",
    "plan_name",
    "city_name",
    "pet_name",
    "doctor_name",
    "school_name",
    "bank_name",
    "street_name",
    "file_name",
    "campaign_name",
    "nickname",
    "rename",
    "first_payment",
    "first_date",
    "first_visit",
    "last_name",
    "surname",
    "business_name",
    "business_hours",
    "company_city",
    "company_phone",
    "sales_total",
    "sales_date",
    "agent_phone",
    "agency",
    "agencia",
    "agenda",
    "wholesale_price",
    "nombre_producto",
    "nombre_evento",
    "nombre_del_evento",
    "nombre_curso",
    "nombre_tienda",
    "nombre_hotel",
    "nombre_mascota",
    "sobrenombre",
    "apellido",
    "apellidos",
    "empresa_de_envio",
    "comercial_url",
    "fecha",
    "nome_produto",
    "nome_do_evento",
    "nome_da_loja",
    "nome_curso",
    "sobrenome",
    "nom_produit",
    "nom_de_l_evenement",
    "nom_evenement",
    "nom_du_magasin",
    "prenom_enfant",
    "nombre_de_jours",
    "economics",
    "amount",
    "discount",
    "date",
    "time",
    "code",
    "link",
    "order_number",
    "1",
    "2",
    "10",
    "x",
]


class TestSourceFor(PureCase):
    def test_whole_known_names(self):
        for source, names in TOLD.items():
            for name in names.split():
                with self.subTest(name):
                    self.assertEqual(variable_names.guess_source(name), source)

    def test_names_that_only_contain_a_known_one(self):
        for name in UNREPORTED:
            with self.subTest(name):
                self.assertEqual(variable_names.guess_source(name), "")

    def test_no_name_is_two_things(self):
        names = [name for names in variable_names.KNOWN.values() for name in names.split()]
        self.assertEqual(sorted(names), sorted(set(names)))

    @given(st.text(max_size=30))
    def test_any_text(self, text):
        self.assertIn(variable_names.guess_source(text), ("", *variable_names.KNOWN))
