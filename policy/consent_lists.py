"""Words that imported lists use for headings, opt-in, opt-out and purpose, mapped to our keys.

`parse_choice` knows only words that mean the same under every heading. "yes", "1" and "true" mean
the opposite below "unsubscribed" of what they mean below "subscribed": `parse_yes_no` reads them
with the heading's own meaning.
"""

import re

from .plain_text import without_accents

ACTIONS = {
    "opt_in": """
        opt_in|opt in|optin|opted in|subscribe|subscribed|resubscribed|active|consented
        |consent given|agreed|accepted|allowed|granted|start|confirmed
        |alta|de alta|dado de alta|suscrito|suscrita|suscripto|suscripta|suscribir|acepta|acepto
        |aceptado|aceptada|autoriza|autorizado|autorizada|consiente|consentimiento dado|activo
        |activa
        |inscrito|inscrita|assinante|aceita|aceito|aceite|consentido|ativo|ativa|subscrito
        |subscrita
        |inscrit|inscrite|abonné|abonnée|accepte|accepté|acceptée|autorisé|autorisée|consenti|actif
    """,
    "opt_out": """
        opt_out|opt out|optout|opted out|unsubscribe|unsubscribed|stop|stopped|inactive|revoked
        |withdrawn|declined|refused|denied|do not contact|do not message|dnc|cancelled|canceled
        |blocked|cleaned|complained
        |baja|de baja|dado de baja|dada de baja|desuscrito|desuscrita|desuscripto|desuscripta
        |no suscrito|no suscrita|no acepta|no autoriza|no contactar|no molestar|cancelado|cancelada
        |rechazado|rechazada|revocado|revocada|inactivo|inactiva|excluido|excluida
        |descadastrado|descadastrada|desinscrito|desinscrita|não aceita|não autoriza|não contatar
        |não contactar|recusado|recusada|revogado|revogada|inativo|inativa|excluído|excluída|sair
        |désinscrit|désinscrite|désabonné|désabonnée|désinscription|refusé|refusée|refuse|retiré
        |retirée|ne pas contacter|inactif|annulé|annulée
    """,
}
PURPOSES = {
    "marketing": """
        marketing|promotion|promotions|promotional|promo|promos|offers|newsletter|advertising
        |promoción|promociones|ofertas|publicidad|comercial|boletín
        |promoção|promoções|publicidade|comerciais
        |promotions|offres|publicité|publicités
    """,
    "utility": """
        utility|utilities|service|service message|service messages|transactional|notification
        |notifications|updates
        |utilidad|servicio|mensaje de servicio|mensajes de servicio|transaccional|notificación
        |notificaciones|avisos
        |utilidade|serviço|mensagem de serviço|mensagens de serviço|transacional|notificações
        |utilité|message de service|messages de service|transactionnel|notifications
    """,
}

# {column: headings}
HEADINGS = {
    "number": """
        phone|phone number|telephone|mobile|mobile phone|mobile number|cell|cell phone|cellphone
        |whatsapp|whatsapp number|wa number|number|contact number|msisdn|tel
        |teléfono|número de teléfono|teléfono móvil|móvil|celular|número|número de whatsapp
        |telefone|telemóvel|número de telefone|téléphone|portable|numéro|numéro de téléphone
    """,
    "action": """
        action|status|consent status|subscription|subscription status|acción|estado|situação|ação
        |statut|estado de suscripción
    """,
    "opt_in": """
        opt in|optin|consent|opted in|subscribed|subscriber|marketing consent|agreed|accepted
        |consentimiento|suscrito|suscripción|acepta|alta|consentimento|inscrito|aceita
        |consentement|inscrit|accepte
    """,
    "opt_out": """
        opt out|optout|opted out|unsubscribed|unsubscribe|do not contact|baja|no contactar
        |descadastrado|désinscrit|désabonné
    """,
    "at": """
        date|datetime|timestamp|date of consent|consent date|opt in date|opt out date|opted in at
        |opted in on|subscribed at|subscribed on|signup date|sign up date|created at|created on|when
        |fecha|fecha de alta|fecha de baja|fecha de consentimiento|fecha y hora|data
        |data de consentimento|date d inscription|date de consentement
    """,
    "evidence": """
        evidence|source|consent source|opt in source|origin|proof|note|notes|comment|comments
        |evidencia|origen|fuente|prueba|nota|notas|comentarios|evidência|origem|fonte|preuve
        |origine|remarques
    """,
    "purpose": """
        purpose|category|type|list|propósito|categoría|tipo|lista|catégorie
    """,
    "topic": """
        topic|topics|topic name|interest|interests|tema|temas|interés|intereses|tópico|assunto
        |interesse|sujet|thème|centre d intérêt
    """,
    "valid_until": """
        valid until|last day|expires|expires on|expiry date|expiration date|consent ends
        |válido hasta|caduca|caducidad|fecha de caducidad|vence|válido até|validade
        |expira em|valable jusqu au|date d expiration
    """,
    "name": """
        name|full name|contact|contact name|customer|customer name|first name|nombre
        |nombre completo|nombre y apellidos|contacto|cliente|nome|nome completo|contato|nom
        |nom complet|prénom
    """,
    "company": """
        company|company name|organization|organisation|business|empresa|compañía|razón social
        |entreprise|société
    """,
    "email": """
        email|e mail|email address|mail|correo|correo electrónico|courriel|adresse email
    """,
}
# Written in a column whose heading is the question.
YES = "yes|y|true|1|x|ok|sí|si|s|verdadero|sim|verdadeiro|oui|o|vrai"
NO = "no|n|false|0|falso|não|nao|non|faux"


def _normalize(text):
    """For comparing: no accents or capitals; hyphens, underscores and dots are blanks."""
    return " ".join(re.sub(r"[\W_]+", " ", without_accents(text.casefold())).split())


def _table(words):
    return {_normalize(word): key for key, text in words.items() for word in text.split("|")}


_TABLES = {"action": _table(ACTIONS), "purpose": _table(PURPOSES)}
_HEADINGS = _table(HEADINGS)
_YES_NO = _table({"yes": YES, "no": NO})


def parse_choice(column: str, text: str) -> str:
    """Return the key of a word: 'opt_in' or 'opt_out' in the column "action", 'marketing' or
    'utility' in "purpose", '' when unknown."""
    return _TABLES[column].get(_normalize(text or ""), "")


def parse_heading(text: str) -> str:
    """Return the key of HEADINGS that a column's heading means, '' when unknown."""
    return _HEADINGS.get(_normalize(text or ""), "")


def is_yes(text: str) -> bool:
    """Return whether a whole message is a yes, in one of our languages."""
    return _YES_NO.get(_normalize(text or "")) == "yes"


def parse_yes_no(heading: str, text: str) -> str:
    """Return 'opt_in', 'opt_out' or '' for a "yes" or "no" below this heading.

    "no" below "subscribed" is an opt-out; "no" below "unsubscribed" is no opt-in: nobody said so.
    """
    means, answer = parse_heading(heading), _YES_NO.get(_normalize(text or ""))
    if means in ACTIONS and answer == "yes":
        return means
    return "opt_out" if (means, answer) == ("opt_in", "no") else ""
