"""Phrases of several words that play one part, and words that are ignored."""

from .plain_text import word_set

# Part -> phrases that play it only as a whole. "" is no part, "%" restricts a request, a longer key
# means several parts. Patterns as in `intent_words`; the longest that matches counts.
PHRASES = {
    "U": (
        "opt|opting out",
        "opt me|us out",
        "dar|darme|darnos|darse|dame|dadme|deme|denme|den|deis|dadnos|dennos|date|doy|"
        "des|darte de baja|vaja",
        "me de de baja",
        "darle de baja",
        "quiero|quisiera|solicito|pido|deseo|tramitar|tramiten la|mi|una baja|vaja",
        "sair|saia da|dessa|desta|deste|desse|do lista|grupo|cadastro",
        "sair da|dessa|desta lista de transmissao|mensagens|contatos",
        "salir|salirme de la|esta|su|vuestra lista|grupo",
        "want out",
        "solicito|quiero|pido|deseo baja|vaja",
        "tramiten|tramiteis|procesen|gestionen|ejecuten|confirmen|hagan|hagais|procedan|"
        "procedais la|mi|a baja",
        "procedan|procedais|proceda a mi|la baja",
    ),
    "u": (
        "opted out",
        "di|dio|dieron|dado|dada de baja",
        "pedi|solicite la|mi baja",
        "pedi para|pra sair",
        "suis|ete desabonne|desinscrit",
        "deja desabonne|desinscrit|desabonnee|desinscrite",
        "etre desabonne|desinscrit|desabonnee|desinscrite",
        "ja sai da lista",
        "sai da lista",
    ),
    "C": (
        "deja|deje|dejen|dejes|dejad|dejar|dejeis|dejo|para|basta de",
        "deixe|deixem|deixar|chega|pare|parem|parar|para de",
        "fini les|la",
        "done with",
        "para|pare|parem|parar|parando com",
        "mettez|mettre fin a|aux",
        "basta ya de",
        "ja chega de",
        "ya esta bien de",
    ),
    "Te": ("message|msg|sms|whatsapp|wa me|us",),
    "NT": ("not|dont|never message|msg|sms|whatsapp",),
    "s": (
        "signed|sign|signing up",
        "ask for",
        "subscribing to",
    ),
    "!": (
        "close|delete|terminate my account",
        "cerrar|cancelar|eliminar|borrar|dar mi cuenta",
        "encerrar|cancelar|excluir|fechar minha conta",
        "fermer|supprimer|cloturer mon compte",
        "report|block|blocking|reporting you|this|them|u",
        "reported|report|marking|marked as spam",
        "como|comme spam",
        "feels|looks like spam",
        "la policia",
        "porter plainte",
        "mon avocat",
    ),
    "M": (
        "mala direta",
        "publicite ciblee",
    ),
    "T": (
        "entre|entrem|entrar em contato|contacto",
        "entre|entrem|entrar mais em contato|contacto",
        "pongan|ponga|ponganse|pongais en contacto",
        "se pongan mas en contacto",
        "reach out",
        "get in touch",
    ),
    "W": (
        "interested in receiving",
        "me gustaria",
        "tenho interesse em",
    ),
    "R": (
        "cross|strike off",
        "faites sortir",
    ),
    "L": ("base|bases de datos|donnees|dados",),
    "D": (
        "what does",
        "que|o significa|significan|quiere",
        "que veut dire",
    ),
    "q": (
        "por que|q",
        "how come",
        "xq",
        "pq",
        "why",
    ),
    "J": (
        "de donde",
        "is there a way|option",
        "hay alguna|manera|forma",
        "comment je fais",
        "como faco|fazer|puedo|hago",
    ),
    "%": (
        "if|unless|until|except|only",
        "hasta|salvo|excepto|solo|solamente|unicamente",
        "si no|bajan|tienen|hay|es",
        "se nao|tiver|for",
        "ate|exceto|somente|apenas",
        "sauf|seulement|uniquement|jusqu|si vous|tu|c",
    ),
    "i": (
        "for me",
        "have|ai|avons interest|interet",
    ),
    "Ni": ("have no interest",),
    "w": (
        "esse|este numero no|nao es|e de",
        "aqui nao e",
    ),
    "eH": (
        "my|mi|meu|mon|this|este|esse|ce number|numero|num|phone|telefono|telefone|"
        "telephone|movil|cel|celular|contact|contacto|contato",
    ),
    "l": (
        "your|su|sus|tu|vuestra|votre|vos|sua base|bases|banco de datos|donnees|dados",
        "your|ur|su|sus|tu|vuestra|votre|vos|sua|suas list|lists|lista|listas|liste|"
        "listes|base|database|contacts|contactos|contatos|fichier|fichiers|cadastro",
    ),
    "o": (
        "lo que venden|vendeis|ofrecen",
        "what you sell|offer",
    ),
    "y": (
        "toda|a hora",
        "a cada rato",
        "todo el tiempo|dia",
        "all the time",
        "all day",
        "every single day",
        "too much",
    ),
    "k": (
        "sick|tired of",
        "saco cheio de",
        "hasta la madre",
        "up to here",
    ),
    "sN": (
        "rien|pas demande",
        "nada pedi",
    ),
    "g": (
        "avez|as|ont eu|obtenu|trouve",
        "avez vous eu|obtenu|trouve",
    ),
    "": (
        "est ce que",
        "at all",
        "right now",
        "in the future",
        "from now on",
        "a partir de ahora|agora",
        "dorenavant",
        "de ahora en adelante",
        "once and for all",
        "de una vez",
        "por este medio|canal|conducto",
        "par sms|mail",
        "by text",
        "por correo|sms",
        "wa|whats app",
    ),
    "P": (
        "otra vez",
        "de nuevo|novo",
        "outra vez",
        "a nouveau",
    ),
    "x": (
        "sair de casa",
        "estoy|esta de baja",
        "full|bus|non|the stop",
        "the|week end",
        "da|de tarde",
        "stop by",
        "end of",
        "i do not text|message|write|contact|send",
        "i never|dont text|message|write|contact|send",
    ),
    "xN": (
        "can|could|will|would not",
        "can|could|will|would never",
    ),
}

# Do not change the request, and are ignored.
FILLERS = word_set(
    "a abs absolument address adieu adios afternoon agora agradeco agradezco ahi ahora ai al all "
    "already also am amiga amigo an and antes anyone aqui are as asap asi au aujourd aussi aux "
    "avec be beaucoup being bem besos bjs bloody boa bom bonjour bonne bonsoir bro buddy buenas "
    "bueno buenos bye c ca ce ces cet cette chao chicos ciao colega com contact cordial cordiales "
    "cuanto d da damn das davance day de dear definitivement deja del dele des desde dessa desse "
    "desta deste dia dias disso do does donc dos du dude e eh el else em en entao entonces esa "
    "esas ese eso esos essa esse est esta estar estas este estimados esto estos et etre eu every "
    "everything ey faut favor for forever from fucking future gentileza good gracias grata grato "
    "guey guys hello here hermano hey hi hoje hola hoy hui i ici id il im imediatamente "
    "immediately immediatement in inmediatamente is isso it its j ja je journee just k kindly l "
    "la las le les lo los love ma madam man mano mate merci merda merde mes meu meus mi mierda "
    "mil minha minhas mis mismo mon morning muchas my na nadie nas nessa nesse neste nisso noches "
    "noite now num numa o obg obrigada obrigado of oh oi ok okay ola on os our oye par para "
    "people personal personales personnelles pessoais pinche pinches plait please pls plz por "
    "porfa porfavor porra pra proceda procedan pues puta putain putos q qu que really regards "
    "right s saludo saludos se seguir sendo senor senora senores ser seu seus siempre sil sim sir "
    "sirvanse so soiree sorry soy stp stupid su sua suas such suite sur sus svp ta tarde tardes "
    "tchau team tes teus thank thanks that the these thing things this those thx tia time times "
    "tio tipo tks to ton tonight too totalement tous tout toute toutes tu tudo tus ty u uds um "
    "uma un una unas une unos ur urgent urgente urgentemente usted ustedes vale valeu vc vcs "
    "veuillez via vlw voce voces voila vos vosotros votre vous vuestra vuestras vuestro vuestros "
    "we well wey whatsapp will with x xfa xfavor y ya you your"
)
# Allowed anywhere, also inside a phrase.
COURTESIES = word_set(
    "favorcito gentileza kindly obsequio please plis pls plz porfa porfavor porfi porfis stp svp "
    "xfa xfavor"
)
# The person who writes: the part "e".
ME = word_set("comigo conmigo m me mi mim moi nos us")
# A question whether we can do it is a request.
REQUESTS = word_set(
    "can could may peux pode podeis podem poderia poderiam podria podriais podriamos podrian "
    "podrias possible pourrait pourriez pouvez puede pueden puedes will would"
)
# One letter different from a known word, but not a typo.
NO_SLIPS = word_set(
    "canceled cancelled contract contracte contracts contratar contrate contraten contrato "
    "deleted enviais enviar envies escribio habeis haber letting mandan mandar mandas mande "
    "manual massage massages messenger puedes quiera quiere quieren received recibi recibo "
    "removed sending testing"
)
