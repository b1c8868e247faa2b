"""Does an inbound message ask us to stop sending promotions, or to resume?"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from math import prod

# The payloads of our own "stop" and "resume" quick-reply buttons.
STOP_PAYLOAD = "WABA_STOP"
RESUME_PAYLOAD = "WABA_RESUME"

# A request to stop is a short message of its own: [polite opening] request [about what] [polite
# ending]. A longer one is a sentence that happens to contain such a word: a person reads it.
MAX_WORDS = 9
MAX_CHARACTERS = 120
# Phrases that one pattern may stand for.
MAX_PHRASES = 1000

_DROPPED = str.maketrans("", "", "'`\u2018\u2019\u00b4\u02bc")
_NOT_A_WORD = re.compile(r"[\W_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def normalise(text: str) -> str:
    """Return `text` in lower case, without accents, punctuation and emoji, single spaces."""
    unmarked = unicodedata.normalize("NFKD", text.translate(_DROPPED).casefold())
    letters = "".join(char for char in unmarked if not unicodedata.combining(char))
    return _NOT_A_WORD.sub(" ", letters).strip()


def expand(pattern: str) -> frozenset[str]:
    """Return the phrases of "No quiero|deseo más mensajes": the alternatives of each word.

    :raise ValueError: 'empty' when a word has no letter or digit, 'long' when a phrase has more
        words than a request, 'many' when there are more than MAX_PHRASES
    """
    words = [word.split("|") for word in pattern.split()]
    alternatives = [[normalise(one) for one in word] for word in words]
    if not words or not all(one for word in alternatives for one in word):
        raise ValueError("empty")
    if prod(map(len, alternatives)) > MAX_PHRASES:
        raise ValueError("many")
    phrases = frozenset(" ".join(phrase) for phrase in product(*alternatives))
    if any(len(phrase.split()) > MAX_WORDS for phrase in phrases):
        raise ValueError("long")
    return phrases


def _expand_all(languages: dict[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(
        phrase
        for patterns in languages.values()
        for pattern in patterns
        for phrase in expand(pattern)
    )


# The requests we know, as patterns (see `expand`), by language. Written as `normalise` does: lower
# case, no accents, no punctuation, apostrophes dropped. The single words are those that carriers
# and mailing tools have taught people; the promotions buttons are those that WhatsApp Manager
# proposes. Opt-ins are fewer and plainer: a consent must not be read into a menu word.
SHIPPED = {
    "opt_out": {
        "en": (
            "stop|stopall|unsubscribe|unsuscribe|optout|cancel|quit",
            "opt out",
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
            "me desabonner|desinscrire",
            "je veux me desabonner|desinscrire",
            "je ne veux plus de messages|promotions|promos|publicite|pub",
            "je ne veux plus recevoir de messages|promotions|promos|publicite|pub",
            "ne mecrivez|menvoyez plus",
            "ne menvoyez plus de messages|promotions|promos|publicite|pub",
        ),
    },
    "opt_in": {
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
    },
}

# Also said of an order or an appointment: with these only the words of TOPIC may follow, not
# "cancel it" or "cancelar todo".
ORDINARY_WORDS = frozenset({"cancel", "cancelar", "quit", "start", "resume", "detener"})

OPENINGS = _words(
    "hi hello hey please pls just i want to would like wish "
    "hola buenas buenos dias tardes noches por favor porfavor ya quiero quisiera deseo "
    "ola bom boa dia tarde noite quero gostaria desejo "
    "bonjour bonsoir salut svp merci je veux voudrais souhaite"
)
COURTESIES = _words(
    "please pls thanks thank you thx por favor porfavor gracias muchas saludos "
    "obrigado obrigada svp sil vous te plait merci"
)
TOPIC = _words(
    "message messages text texts promotion promotions promo promos ads marketing newsletter spam "
    "subscription list the your my from of "
    "mensaje mensajes promocion promociones publicidad oferta ofertas boletin suscripcion lista "
    "de la las los el del su sus mi whatsapp whatsapps "
    "mensagem mensagens promocoes publicidade da das do dos assinatura inscricao "
    "pub publicite abonnement liste des les vos le mon"
)
POINTERS = _words("me it this all now to todo todos ya mas esta este ahora ja ici")

OPT_OUT_WORDS = _expand_all(SHIPPED["opt_out"])
OPT_IN_WORDS = _expand_all(SHIPPED["opt_in"])


@dataclass(frozen=True, slots=True)
class Words:
    """Requests, as `normalise` writes them.

    opt_out, opt_in: the whole message must be one, with polite words around it.
    opt_out_anywhere, opt_in_anywhere: read anywhere in a message, however long it is.
    """

    opt_out: frozenset[str] = OPT_OUT_WORDS
    opt_in: frozenset[str] = OPT_IN_WORDS
    opt_out_anywhere: frozenset[str] = frozenset()
    opt_in_anywhere: frozenset[str] = frozenset()


SHIPPED_WORDS = Words()


def opt_out_intent(
    text: str | None, payload: str | None = None, words: Words = SHIPPED_WORDS
) -> bool:
    """Tell whether an inbound message asks us to stop sending promotions.

    People must be taken off the list whichever way they ask (WhatsApp Business Messaging Policy).
    Our own button's payload decides first; otherwise the whole text must be such a request, in
    English, Spanish, Portuguese or French, with no more than a few polite words around it.

    :param text: what the person wrote, or the label of the button pressed
    :param payload: the payload of the button pressed, if any
    :param words: the requests that a company listens to
    """
    if payload == STOP_PAYLOAD:
        return True
    if payload == RESUME_PAYLOAD:
        return False
    return _is_request(text, words.opt_out) or _contains(text, words.opt_out_anywhere)


def opt_in_intent(
    text: str | None, payload: str | None = None, words: Words = SHIPPED_WORDS
) -> bool:
    """Tell whether an inbound message asks us to resume sending promotions.

    As strict as `opt_out_intent`, which wins when a text could be read as both.
    """
    if payload == RESUME_PAYLOAD:
        return True
    if opt_out_intent(text, payload, words):
        return False
    return _is_request(text, words.opt_in) or _contains(text, words.opt_in_anywhere)


def _contains(text: str | None, phrases: frozenset[str]) -> bool:
    if not text or not phrases:
        return False
    said = f" {normalise(text)} "
    return any(f" {phrase} " in said for phrase in phrases)


def _is_request(text: str | None, requests: frozenset[str]) -> bool:
    if not text or len(text) > MAX_CHARACTERS:
        return False
    words = normalise(text).split()
    if len(words) > MAX_WORDS:
        return False
    for start in range(len(words)):
        if _starts_with_request(words[start:], requests):
            return True
        if words[start] not in OPENINGS:
            return False
    return False


def _starts_with_request(words: list[str], requests: frozenset[str]) -> bool:
    """Tell whether `words` are a request, once or repeated, then nothing but an ending."""
    for length in range(1, len(words) + 1):
        request, rest = " ".join(words[:length]), words[length:]
        if request not in requests:
            continue
        ending = COURTESIES | TOPIC
        if request not in ORDINARY_WORDS:
            ending |= POINTERS
        if ending.issuperset(rest) or _starts_with_request(rest, requests):
            return True
    return False
