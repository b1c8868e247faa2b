"""Words that imported lists use for opt-in, opt-out and purpose, mapped to our keys.

Only words that mean the same under every heading. Not "yes", "1" or "true": below "unsubscribed"
they mean the opposite of what they mean below "subscribed", and consent is never inferred.
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


def _normalize(text):
    """For comparing: no accents or capitals; hyphens, underscores and dots are blanks."""
    return " ".join(re.sub(r"[\W_]+", " ", without_accents(text.casefold())).split())


def _table(words):
    return {_normalize(word): key for key, text in words.items() for word in text.split("|")}


_TABLES = {"action": _table(ACTIONS), "purpose": _table(PURPOSES)}


def parse_choice(column: str, text: str) -> str:
    """Return the key of a word: 'opt_in' or 'opt_out' in the column "action", 'marketing' or
    'utility' in "purpose", '' when unknown."""
    return _TABLES[column].get(_normalize(text or ""), "")
