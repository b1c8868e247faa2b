"""The source of a template's variable by its name; only unambiguous names.

"name" inside a longer name is not enough: a `product_name` or `nombre_evento` prefilled with the
person's first name might be sent like that. Other variables are filled in by a person.
"""

import re

from .plain_text import without_accents

# Sources of waba.variable.mixin by whole names, as English, Spanish, Portuguese and French
# templates have them; underscores, capitals and accents make no difference.
KNOWN = {
    "first_name": """
        name first_name firstname fname given_name forename person_name contact_name
        contact_first_name customer customer_name customer_first_name client client_name
        client_first_name user_name username user_first_name recipient recipient_name lead_name
        member_name guest_name your_name
        nombre primer_nombre nombre_pila nombre_de_pila nombre_cliente nombre_del_cliente
        nombre_usuario nombre_contacto nombre_persona cliente nombre_de_cliente tu_nombre su_nombre
        nombre_destinatario nombre_paciente nombre_alumno
        nome primeiro_nome nome_cliente nome_do_cliente nome_da_cliente nome_usuario nome_contato
        nome_contacto seu_nome nome_pessoa nome_destinatario
        prenom prenom_client prenom_du_client nom_client nom_du_client votre_prenom
        prenom_contact prenom_destinataire prenom_utilisateur
    """,
    "name": """
        full_name fullname complete_name customer_full_name client_full_name contact_full_name
        nombre_completo nombre_y_apellido nombre_y_apellidos nombre_apellido nombre_apellidos
        nome_completo nome_e_sobrenome nome_sobrenome
        nom_complet nom_prenom prenom_nom nom_et_prenom prenom_et_nom
    """,
    "company": """
        company company_name customer_company client_company company_of_customer
        empresa nombre_empresa nombre_de_empresa nombre_de_la_empresa nombre_compania compania
        empresa_cliente empresa_del_cliente razon_social
        nome_empresa nome_da_empresa razao_social
        societe nom_societe nom_de_la_societe entreprise nom_entreprise nom_de_l_entreprise
        raison_sociale
    """,
    "salesperson": """
        salesperson sales_person salesperson_name sales_person_name sales_rep sales_rep_name
        salesrep agent agent_name sales_agent sales_agent_name seller seller_name advisor
        advisor_name account_manager account_manager_name rep_name sales_name
        vendedor vendedora nombre_vendedor nombre_del_vendedor nombre_vendedora asesor asesora
        nombre_asesor nombre_del_asesor nombre_asesora comercial nombre_comercial_asignado agente
        nombre_agente nombre_del_agente ejecutivo nombre_ejecutivo
        nome_vendedor nome_do_vendedor nome_vendedora consultor consultora nome_consultor
        nome_do_consultor atendente nome_atendente nome_agente
        vendeur vendeuse nom_vendeur nom_du_vendeur conseiller conseillere nom_conseiller
        nom_du_conseiller commercial nom_commercial nom_du_commercial
    """,
}
# Of a quotation or an invoice: only where one is sent.
DOCUMENT = {
    "document": """
        order_name order_number order_reference quotation_number quote_number invoice_number
        document_number
        numero_pedido numero_de_pedido numero_presupuesto numero_de_presupuesto numero_factura
        numero_de_factura numero_cotizacion
        numero_do_pedido numero_fatura numero_orcamento
        numero_commande numero_de_commande numero_devis numero_facture numero_de_facture
    """,
    "document_total": """
        order_total total_amount amount_total invoice_total quotation_total amount_due
        importe_total total_pedido total_factura valor_total montant_total
    """,
    "document_due": """
        due_date invoice_due_date valid_until expiration_date
        fecha_vencimiento fecha_de_vencimiento valido_hasta data_vencimento data_de_vencimento
        date_echeance date_d_echeance
    """,
    "document_link": """
        document_link document_url order_link order_url invoice_link invoice_url quotation_link
        enlace_pedido enlace_factura enlace_presupuesto
    """,
}
_SOURCE_BY_NAME = {name: source for source, names in KNOWN.items() for name in names.split()}
_DOCUMENT_SOURCE = {name: source for source, names in DOCUMENT.items() for name in names.split()}


def guess_source(name: str) -> str:
    """Return the key of KNOWN for a variable of this name; '' when unknown."""
    return _SOURCE_BY_NAME.get(_plain_name(name), "")


def guess_document_source(name: str) -> str:
    """Return the key of DOCUMENT for a variable of this name; '' when unknown."""
    return _DOCUMENT_SOURCE.get(_plain_name(name), "")


def _plain_name(name: str) -> str:
    # firstName and FirstName, first-name, first name.
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", without_accents(name or "")).casefold()
    return re.sub(r"[\W_]+", "_", plain).strip("_")
