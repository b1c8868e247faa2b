"""The words of opt-out sentences, and the part that each plays.

A part is one letter. A word without a part is "x": it is about something else. `intent_phrases` has
the parts of several words together, and the words that are ignored.

A form is a word or "stem:ending,ending;ending". Endings after ";" include "me" ("escrib:ir;irme"),
which is also the part "e". Only forms of requests are listed: not "escribieron" (they did write),
not "recibo" (I do get). They are normalized as by `plain_text.plain_letters`, with spaces for
apostrophes. A word has the first part that lists it, in any language: people mix them.
"""

PARTS = {
    # to unsubscribe
    "U": {
        "en": (
            "deregister opt-out optout unlist unsub unsubscribe unsubscribing unsubscription "
            "unsuscribe"
        ),
        "es": (
            "desapunt:ar,en;arme,enme desapuntame desuscrib:a,an,anse,ir,irse;anme,eme,irme "
            "desuscribeme"
        ),
        "pt": (
            "descadastr:a,ar,e,em;ar-me descadastramento descadastro desinscrev:a,am,e,er "
            "desinscricao"
        ),
        "fr": "desabo desabonn:e,ement,er,ez desinscri:ption,re,s,ve,vez",
    },
    # to stop doing something
    "C": {
        "en": "cease ceasing discontinue end halt quit quitting refrain stop stopping suspend",
        "es": (
            "ces:ad,ar,e,en deten:ed,er,ga,gan interrump:a,an,ir par:ad,ar,e,eis,en,es "
            "suspend:a,an,e,er"
        ),
        "pt": "cessar cesse cessem interromp:a,am,er par:em suspend:a,am,er",
        "fr": "arret:e,er,es,ez arretons cess:e,er,ez stopp:e,er,ez suspend:ez,re",
    },
    # to write to somebody
    "T": {
        "en": (
            "contact contacted contacting messaging msging ping pinging recontact solicit spam "
            "spamming text texting txt txting write writing"
        ),
        "es": (
            "busqu:en,es comuniqu:e,en cont:actarse "
            "contact:ando,ar,e,eis,en,es;andome,arme,arnos contactad:a,o "
            "escrib:a,ais,amos,an,as,iendo,ir;anme,iendome,irme,irnos "
            "habl:ando,ar,eis,en,es;andome,arme recontact:ar,en;arme spame:ando,ar,en;arme"
        ),
        "pt": (
            "cham:ando,ar,e,em contact:ando,ar,em contat:ar,e,em escrev:a,am,as,endo,er "
            "fal:ar,em recontat:ar,em spame:ando,ar spammar"
        ),
        "fr": (
            "contact:e,ee,er,es,ez,iez ecri:re,ve,ves,vez,viez mecri:;re,ve,ves,vez,viez "
            "parl:er,ez recontact:er,ez,iez relanc:er,ez,iez solliciter sollicitez "
            "spamm:er,ez,iez"
        ),
    },
    # to send something
    "S": {
        "en": "forward forwarding send sending sent shoot",
        "es": (
            "envi:ando,ar,e,eis,en,es;andome,arme,arnos,enme "
            "mand:ando,ar,e,eis,en,es;andome,arme,arnos,enme reenvi:ar,en,es remit:a,an,ir"
        ),
        "pt": "dispar:ar,em encaminh:ar,e,em envi:ando,ar,e,em mand:ando,ar,e,em",
        "fr": (
            "adress:er,ez envo:ie,ies,yer,yez,yiez expedi:er,ez menvo:;ie,yer,yez,yiez "
            "transmett:ez,re"
        ),
    },
    # what is sent, in the plural or as a mass
    "M": {
        "en": (
            "ads advertisements advertising adverts campaigns commercials communications "
            "mailings marketing messages msgs newsletter newsletters notifications offers promos "
            "promotional promotions sms solicitations spam texts whatsapps"
        ),
        "es": (
            "anuncios boletin boletines campanas comerciales comunicaciones difusion envio "
            "envios mensajes mjs msjes msjs newsletters notificaciones ofertas promociones "
            "promos propaganda publicidad sms spam whatsapps"
        ),
        "pt": (
            "anuncios campanhas comunicacoes comunicados divulgacao divulgacoes envio envios "
            "mensagen mensagens msgs notificacoes ofertas promocoes promos propaganda "
            "propagandas publicidade recebimento"
        ),
        "fr": (
            "annonces campagnes communications demarchage envoi envois messages offres promos "
            "promotions prospection pub publicitaires publicite publicites pubs sms "
            "sollicitations spam spams textos"
        ),
    },
    # one of them: more often a certain one
    "m": {
        "en": "ad alerts emails mails message msg offer promo promotion stuff updates",
        "es": (
            "alertas anuncio avisos correos cosas mensage mensaje msj novedades oferta promocion "
            "textos"
        ),
        "pt": "alertas coisas mensagem promocao",
        "fr": "alertes annonce emails mails offre",
    },
    # no
    "N": {
        "en": "dont neither never no nor not without",
        "es": "jamas ni nunca prohibido prohibo sin tampoco",
        "pt": "n nao naum num proibo sem",
        "fr": "aucunement interdis jamais n ne oppose pas sans",
    },
    # more, again, anything
    "P": {
        "en": "again another any anymore anything ever everything further longer more",
        "es": (
            "mas nada ningun ninguna ningunos seguir siga sigan sigas volvais vuelva vuelvan "
            "vuelvas"
        ),
        "pt": "continuar mais nada nenhum nenhuma volte voltem",
        "fr": "aucun aucune davantage rien",
    },
    # French "plus": more, or no more
    "p": {
        "fr": "plus",
    },
    # to want, to let
    "W": {
        "en": (
            "agree allow authorise authorize care desire like need needed prefer rather request "
            "wanna want wish"
        ),
        "es": (
            "acepto autorizamos autorizo consiento deseamos deseo gustaria kero kiero kisiera "
            "necesito permito pido prefiero qiero qisiera queremos queria querria quiero "
            "quisiera quisieramos solicito"
        ),
        "pt": (
            "aceito autorizo desejo gostaria kero peco permito preciso qro quer queremos quero "
            "solicito"
        ),
        "fr": (
            "accepte acceptons aimerai aimerais autorise autorisons besoin demande desire "
            "desirons permets souhaite souhaitons veux voudrai voudrais voulons"
        ),
    },
    # to get, as a request; in English the same form is also a statement
    "V": {
        "es": "recib:ir,irlas,irlos",
        "pt": "receber",
        "fr": "recevoir",
    },
    "G": {
        "en": "get getting hear hearing read receive received receiving saw seen",
        "es": (
            "encuentro leido llega llegan llegando llegaron llego lleguen recibi recibido "
            "recibiendo recibimos recibo veo"
        ),
        "pt": "chegam chegando chegaram chegou cheguem recebemos recebendo recebi recebo vejo",
        "fr": "recevons recois recoive recu recus trouve vois",
    },
    # to take off, to erase
    "R": {
        "en": (
            "delete deleting deletion drop erase erasing erasure exclude removal remove removing "
            "scrub unregister wipe"
        ),
        "es": (
            "borr:a,ad,ar,e,en;adme,ame,arme,enme borrado elimin:a,ad,ar,e,en;adme,ame,arme,enme "
            "eliminacion exclu:ir,ya,yan;irme,yanme quit:a,ad,ar,e,en;adme,ame,arme,enme "
            "retir:ar,en;arme,enme sac:a,ad,ar;adme,ame,arme saqu:e,en;eme,enme "
            "suprim:a,an,ir;anme tach:ar,en;arme,enme"
        ),
        "pt": (
            "apag:a,ar,ue,uem delet:ar,e,em elimin:ar,e,em exclu:a,am,i,ir exclusao remocao "
            "remov:a,am,er retir:e,em retirada tir:a,ar,e,em tirem,retira,exclu:a"
        ),
        "fr": (
            "desinscri effac:er,ez enlev:e,er,ez exclu:ez,re ot:er,ez radiation radiez ray:er,ez "
            "retir:e,er,ez retirer,sort:ez,ir retrait suppression supprim:e,er,ez vir:er,ez"
        ),
    },
    # taken off
    "Q": {
        "en": "deleted dropped erased excluded removed",
        "es": "borrada borrado dado eliminada eliminado excluida excluido quitada quitado",
        "pt": "apagado eliminado excluido removida removido retirada retirado",
    },
    # fed up
    "k": {
        "en": "fed tired",
        "es": "aburrido cansada cansado cansan canse harta harto",
        "pt": "cansei cheio farta farto",
        "fr": "lasse marre ras",
    },
    # where one is taken off
    "L": {
        "en": (
            "broadcast channel chat contacts crm database db directory file files group list "
            "lists mailing records subscribers system"
        ),
        "es": (
            "agenda archivos base bbdd canal contactos difusion fichero grupo lista listado "
            "listas registro registros sistema"
        ),
        "pt": "agenda banco base cadastro contatos grupo lista listas sistema transmissao",
        "fr": (
            "base bases canal contacts diffusion fichier fichiers groupe liste listes registre "
            "repertoire systeme"
        ),
    },
    # a number, or its owner
    "H": {
        "en": "name number person phone",
        "es": "cel celular contacto fono movil nombre num numero persona tel telefono tlf",
        "pt": "cel celular contato fone nome num pessoa telefone zap",
        "fr": "coordonnees nom num numero personne portable tel telephone",
    },
    # to cancel, and what a contract may be as well as a mailing list
    "A": {
        "en": "cancel canceling cancelling terminate",
        "es": "anul:ar,en cancel:a,ar,e,en,o",
        "pt": "cancelem",
        "fr": "annul:e,er,ez",
    },
    "B": {
        "en": "membership subscription",
        "es": "subscripcion suscripcion",
        "pt": "assinatura inscricao",
        "fr": "abonnement inscription",
    },
    # to take back a consent
    "Z": {
        "en": "revoke revoking withdraw withdrawing",
        "es": "retir:o revoc:ar,o",
        "pt": "revog:ar,o",
        "fr": "retir:e,er revoqu:e,er",
    },
    "Y": {
        "en": "authorised authorized consent permission",
        "es": "autorice autorizacion autorizado autorizaron autorizo consentimiento permiso",
        "pt": "autorizacao autorizado autorizei autorizou consentimento permissao",
        "fr": "accord autorisation consentement",
    },
    # to continue
    "E": {
        "en": "continue keep",
        "es": "continua continuen segui seguid sigan sigue",
        "pt": "continue continuem sigam",
        "fr": "continue continuer continuez",
    },
    # to phone
    "F": {
        "en": "call called calling calls dial email emailing phone ring",
        "es": (
            "llam:ando,ar,e,eis,en,es;andome,arme,enme llamada llamadas llamado marquen marques"
        ),
        "pt": "chamadas lig:ando,ar,ue,uem ligacao ligacoes",
        "fr": "appel appel:er,ez,iez,le appels,appelee,appele,telephon:er,ez",
    },
    # interest
    "i": {
        "en": "interest interested",
        "es": "interes interesa interesada interesadas interesado interesados interesan",
        "pt": "interessa interessada interessado interesse",
        "fr": "interesse interessee interessees interessent",
    },
    # to be, to have
    "b": {
        "en": "got had has have",
        "es": "estamos estoy habia hay he hemos tenemos tengo",
        "pt": "estamos estou tem temos tenho",
        "fr": "ai avons sommes suis",
    },
    # to lose a number, on purpose
    "r": {
        "en": "forget hesitate lose",
        "es": "dud:e,en,es olvid:a,ad,e,en,es pierd:an,e",
        "pt": "esquec:a,am,e hesit:e,em",
        "fr": "hesit:e,ez oubli:e,ez perd:ez,s",
    },
    # what is sold
    "o": {
        "en": "product products services",
        "es": "producto productos servicios",
        "pt": "produto produtos servicos",
        "fr": "produit produits services",
    },
    # stopped: they did
    "c": {
        "en": "stopped",
        "es": "dejaron dejasteis pararon paro",
        "pt": "deixaram deixou pararam parou",
    },
    # subscribed, asked for: I did
    "s": {
        "en": "asked enrolled registered requested subscribed",
        "es": "apuntado apunte inscribi inscrito pedi registre solicite suscribi suscrito",
        "pt": "assinei cadastrado cadastrei inscrevi inscrito pedi solicitei",
        "fr": "abonne abonnee inscrit inscrite",
    },
    # so far
    "t": {
        "en": "yet",
        "es": "aun todavia",
        "pt": "ainda",
    },
    # to end a contract
    "a": {
        "fr": "resili:e,er,ez",
    },
    # how, where, who: a question how to unsubscribe is a request
    "J": {
        "en": "how where who",
        "es": "como donde quien quienes",
        "pt": "onde quem",
        "fr": "comment ou qui",
    },
    # when, what: a question about something else
    "D": {
        "en": "what when which",
        "es": "cual cuando",
        "pt": "qual quando",
        "fr": "quand quel quelle",
    },
    # why: about something else, or a complaint
    "q": {
        "en": "why",
        "es": "porke porque",
        "fr": "pourquoi",
    },
    # gave, got
    "g": {
        "en": "find found gave give",
        "es": (
            "conseguido consiguieron dieron dio facilito obtuvieron paso sacado sacaron sacaste "
            "saco saque teneis tiene tienen tienes"
        ),
        "pt": "arrumaram conseguiram conseguiu deram deu passou pegaram",
        "fr": "avez communique donne obtenu refile tenez trouve",
    },
    # too many, fewer
    "y": {
        "en": "fewer less many much often",
        "es": ("demasiada demasiadas demasiado demasiados menos muchas muchos tantas tanto tantos"),
        "pt": "demais muita muitas tantas",
        "fr": "moins souvent tant trop",
    },
    # has left, or asked to
    "u": {
        "en": "unsubscribed",
        "es": "desuscribi desuscrito",
        "pt": "descadastrada descadastrado descadastrei",
        "fr": "desabonnee desinscrit desinscrite",
    },
    # the wrong person
    "w": {
        "en": "wrong",
        "es": "equivoca equivocado equivocais equivocan equivocaste erroneo",
        "pt": "engano errado",
        "fr": "erreur mauvais mauvaise trompe trompez",
    },
    "d": {
        "en": "data info information",
        "es": "datos info informacion",
        "pt": "dados informacao informacoes",
        "fr": "donnees informations infos",
    },
    # legal terms and threats, which a user reviews
    "!": {
        "en": (
            "blocking ccpa erasure fcc fraud ftc gdpr harassing harassment ico lawyer reporting "
            "scam sue tcpa"
        ),
        "es": (
            "abogado acoso aepd bloquear bloqueare bloqueo condusef demandar denuncia denunciar "
            "denunciare denuncias denuncio estafa fraude lopd profeco reportar reportare rgpd "
            "supresion"
        ),
        "pt": (
            "advogado assedio bloquear bloquearei denuncia denunciar denunciarei fraude golpe "
            "lgpd processar procon"
        ),
        "fr": "arnaque bloque bloquer cnil effacement escroquerie harcelement plainte signaler",
    },
    # to bother somebody: an idiom where it is not "me"
    "v": {
        "en": (
            "annoy annoying bother bothering bug bugging disturb harass nag nagging pester "
            "pestering"
        ),
        "es": (
            "acos:ando,ar,en,es;andome,arme agobi:ando,ar,en;arme ching:ando,ar;arme chinguen "
            "fastidi:ando,ar,en,es;andome,arme hostig:ando,ar;andome,arme hostiguen "
            "incordi:ando,ar,en;arme jod:er;erme "
            "molest:ando,ar,e,eis,en,es;andome,arme,arnos,enme"
        ),
        "pt": (
            "aborrec:am,endo,er assedi:ando,ar,em ench:am,endo encher import:unando,unar,unem "
            "incomod:ando,ar,e,em perturb:ando,ar,e,em"
        ),
        "fr": (
            "derang:e,er,ez,iez embet:er,ez,iez emmerd:er,ez gener harcel:er,ez,iez "
            "importun:er,ez saoul:er,ez soul:er,ez"
        ),
    },
}
