"""Whole messages by which people opt out or in again, by language.

Patterns for `intent.expand`, with `|` between alternatives, normalized as by
`plain_text.normalize_text`: lower case, no accents, no punctuation, no apostrophes. They are
shipped as records of waba.consent.word; sentences are matched by `intent_sentences`.
"""

from .plain_text import word_set

# The single words are those that carriers, regulators and mailing tools use: STOP, QUIT, END,
# REVOKE, OPT OUT, CANCEL, UNSUBSCRIBE are the FCC's (47 CFR 64.1200(a)(10), in force since
# 2025-04-11); the promotions buttons are those that WhatsApp Manager proposes. Opt-ins are fewer
# and plainer: a menu word must not be taken for a consent.
STRONG = {
    "en": (
        "stop|stopall|unsubscribe|unsuscribe|optout|cancel|quit",
        "end|revoke",
        "opt out",
        "opt me out",
        "stop sending|messaging|texting|contacting",
        "stop sending|messaging|texting|contacting me",
        "no more messages|texts|promotions|promos|offers|ads|marketing|spam",
        "remove me",
        "take me off",
        "i dont want more|any messages|texts|promotions|promos|offers",
        "i dont want any more messages|texts|promotions|promos|offers",
        "dont|never message|text|contact|write me",
    ),
    "es": (
        "baja|cancelar|parar|detener|desuscribir|desuscribirme|desuscribirse",
        "salir|revocar|revoco|bajas|desuscripcion",
        "baja definitiva|inmediata|total",
        "dar|darme|darse|dame|deme|denme|dadme de baja",
        "quiero|solicito|pido|deseo la baja",
        "no mas mensajes|promociones|promos|publicidad|ofertas|whatsapps|spam",
        "no quiero|deseo mas|recibir mensajes|promociones|promos|publicidad|ofertas|whatsapps",
        "no quiero|deseo recibir mas mensajes|promociones|promos|publicidad|ofertas|whatsapps",
        "no me escriba|escriban|escribas|envie|envien|envies|mande|manden|mandes mas",
        "no me envie|envien|envies|mande|manden|mandes mas mensajes|promociones|publicidad",
        "dejen|deje|deja de escribirme|molestar|molestarme",
        "dejen|deje|deja de enviarme|mandarme mensajes|promociones|publicidad",
        "borrenme|quitenme|eliminenme|borrame|quitame|eliminame",
    ),
    "pt": (
        "parar|pare|sair|interromper|descadastrar|desinscrever|remover",
        "parem|cancelamento|descadastro|descadastramento|revogar|desinscricao",
        "descadastre|remova me",
        "nao quero mais|receber mensagens|promocoes|ofertas|publicidade",
        "nao quero mais receber mensagens|promocoes|ofertas|publicidade",
        "nao quero receber mais mensagens|promocoes|ofertas|publicidade",
        "nao envie|enviem|mande|mandem mais mensagens|promocoes",
        "parar|pare|parem de enviar|mandar mensagens|promocoes",
        "chega de mensagens|promocoes",
    ),
    # Not "plus de messages": in writing it may ask for more as well as for none.
    "fr": (
        "arret|arreter|arretez|desabonner|desinscrire|desinscription|desabonnement|stopper",
        "stoppez|resilier|resiliation|revoquer",
        "me desabonner|desinscrire",
        "se desabonner|desinscrire",
        "je veux me desabonner|desinscrire",
        "je ne veux plus de messages|promotions|promos|publicite|pub",
        "je ne veux plus recevoir de messages|promotions|promos|publicite|pub",
        "ne mecrivez|menvoyez plus",
        "ne menvoyez plus de messages|promotions|promos|publicite|pub",
    ),
}

# Possible opt-outs, which a user reviews.
AMBIGUOUS = {
    "en": (
        "spam|harassment|enough|remove|delete|unwanted",
        "this|its|thats is|a spam",
        "go away",
        "leave me alone",
        "no more",
        "not anymore",
        "not for me",
        "enough already",
        "i never|didnt signed|sign up for this",
        "i didnt|never subscribe|subscribed to this",
        "stop calling|bothering me",
    ),
    "es": (
        "basta|para|paren|parad|pare|dejadme|dejenme|acoso|fin|eliminar|borrar|suprimir",
        "ya basta",
        "no mas",
        "ya no mas",
        "no insista|insistan|insistas|insistais",
        "dejame|dejadme|dejenme|deje|deja en|tranquilo|tranquila paz",
        "dejame|dejadme|dejenme tranquilo|tranquila",
        "esto|eso es spam",
        "es spam",
        "que pesados|pesado|pesada",
        "que pesados sois|son",
        "no me suscribi a esto",
        "no me interesa",
        "no quiero saber nada",
    ),
    "pt": (
        "chega|basta|para|fim|excluir|apagar|assedio",
        "para|pare|parem com isso",
        "ja chega|basta",
        "nao mais",
        "nao insista|insistam",
        "me deixa|deixe|deixem em paz",
        "isso|isto e spam",
        "e spam",
        "que chato|chatos|chatice",
        "nao me interessa",
        "sem interesse",
    ),
    "fr": (
        "assez|fin|supprimer|effacer|harcelement",
        "ca suffit",
        "ca suffit maintenant",
        "nen plus jamais",
        "laissez|laisse moi tranquille",
        "fichez|foutez|fiche|fous moi la paix",
        "cest du|un spam",
        "ninsistez|insistez pas",
        "ne minteresse pas|plus",
        "plus jamais",
    ),
}

OPT_IN = {
    "en": (
        "start|resume|subscribe|resubscribe|unstop|optin",
        "opt in",
        "sign me up",
    ),
    "es": (
        "alta|suscribir|suscribirme|reanudar",
        "dar|darme|dame|deme|denme de alta",
        "quiero|solicito|pido|deseo el alta",
        "quiero|deseo recibir mensajes|promociones|promos|ofertas",
        "quiero|deseo volver a recibir mensajes|promociones|promos|ofertas",
    ),
    "pt": (
        "inscrever|retomar",
        "quero receber mensagens|promocoes|ofertas",
        "quero voltar a receber mensagens|promocoes|ofertas",
    ),
    "fr": (
        "reprendre|abonner|mabonner",
        "je veux recevoir les|vos messages|promotions|promos|offres",
    ),
}

# Emoji that may mean an opt-out; a user reviews a message of these alone.
SIGNS = frozenset("🛑🚫⛔🔕📵")

# Words that may also be about an order, an appointment or a road: only polite words may accompany
# them, not "cancel it", "the end" or "sair de casa".
ORDINARY_WORDS = word_set(
    "cancel cancelar cancelamento quit start resume detener end revoke revocar revoco sair salir "
    "parar pare parem interromper remover revogar resilier resiliation revoquer"
)

# Allowed before a request. With a wish, ordinary words are about something that is not mentioned.
WISHES = word_set(
    "want would like wish quiero quisiera deseo quero gostaria desejo veux voudrais souhaite"
)
OPENINGS = WISHES | word_set(
    "hi hello hey ok okay okey pls plz please just i to well "
    "hola buenas buenos dias tardes noches por favor porfavor porfa xfa xfavor x fa ya vale bueno "
    "pues ola oi bom boa dia tarde noite entao "
    "bonjour bonsoir salut svp stp merci je daccord"
)
COURTESIES = word_set(
    "please pls plz plis thanks thank you u thx ty tks asap cheers bye sir madam "
    "por favor porfavor porfa porfis porfi xfa xfavor x gracias muchas mil un saludo saludos "
    "cordial atte urgente adios chao inmediatamente amable amables agradezco "
    "obrigado obrigada obg brigado muito grato grata valeu vlw gentileza tchau imediatamente "
    "svp stp sil vous te plait merci beaucoup davance cordialement bonne journee immediatement"
)
TOPIC = word_set(
    "msg msgs msj msjs number sms numero telefono base datos listas list "
    "message messages text texts promotion promotions promo promos ads marketing newsletter spam "
    "subscription list the your my from of "
    "mensaje mensajes promocion promociones publicidad oferta ofertas boletin suscripcion lista "
    "de la las los el del su sus mi whatsapp whatsapps "
    "mensagem mensagens promocoes publicidade da das do dos assinatura inscricao "
    "pub publicite abonnement liste des les vos le mon a aux"
)
POINTERS = word_set("me it this all now to todo todos ya mas esta este ahora ja agora ici tout")

# Words that are not typos, however close they are to a request.
NOT_KEYWORDS = word_set(
    "from form sari sir stay shop step spot post tops pots cancelled canceled end and"
)

# Words that name the subject before a colon: "Subject: unsubscribe".
LEADS = word_set(
    "subject re reply answer asunto respuesta ref assunto resposta objet sujet reponse"
)
# What a signature begins with, as `normalize_text` writes it: the lines from there on are not read.
SIGNATURES = (
    "sent from", "get outlook", "kind regards", "best regards", "best wishes", "regards",
    "sincerely", "yours", "cheers", "enviado desde", "enviado do", "enviado de", "un saludo",
    "saludos", "atentamente", "atte", "cordialmente", "un abrazo", "atenciosamente", "att",
    "abracos", "abs", "cordialement", "bien a vous", "salutations", "envoye de", "envoye depuis",
    "bonne journee", "obtenir outlook", "obtener outlook",
)  # fmt: skip
