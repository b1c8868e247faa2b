"""The sentences by which people ask for no more promotions: which words play which part in them.

A part is one letter. A word that plays none is "x": whatever it is, it is about something else.
FILLERS play none either, but say nothing that changes the meaning, and are passed over.

Forms are written "stem:ending,ending;ending": those after ";" hold a "me" ("escrib:ir;irme"),
which is the part "e" too. Only forms that ask are listed: not "escribieron" (they did write), not
"recibo" (I do get). Written as `plain_text.letters_of` does, apostrophes being spaces.
"""

PARTS = {
    # to unsubscribe
    "U": {
        "en": "opt-out,unlist,unsubscription unsubscribe,unsubscribing,unsuscribe,unsub,optout,deregister",
        "es": "desuscrib:ir,irse,an,a,anse;irme,anme,eme desapunt:ar,en;arme,enme "
        "desapuntame desuscribeme",
        "pt": "descadastr:ar,e,em,a;ar-me descadastrem desinscrev:er,a,am,e descadastramento "
        "descadastro desinscricao",
        "fr": "desabonn:er,ez,e,ement desinscri:re,vez,ption,s,ve desabo",
    },
    # to stop doing something
    "C": {
        "en": "suspend,discontinue,refrain,turn,quitting,ceasing stop,stopping,quit,cease,end,halt",
        "es": "deten:er,gan,ga,ed suspend:er,an,a,e interrump:ir,an,a par:ar,e,en,ad,es,eis ces:ar,en,e,ad",
        "pt": "suspend:er,am,a cessar interromp:er,am,a par:em parem cesse,cessem interromp:a,am,er suspendam",
        "fr": "suspend:ez,re arretons arret:er,ez,e,es cess:er,ez,e stopp:er,ez,e",
    },
    # to write to somebody
    "T": {
        "en": "harass,pester,bug,annoy,annoying,bugging,pestering,recontact,ping,pinging,nag,nagging,solicit text,texting,messaging,contact,contacting,contacted,write,writing,txt,"
        "txting,msging,disturb,bother,bothering,spam,spamming",
        "es": "habl:ar,en,es,eis,ando;arme,andome busqu:en,es fastidi:ar,en,es,ando;arme,andome acos:ar,en,es,ando;arme,andome hostig:ar,ando;arme,andome hostiguen jod:er,an,as;erme ching:ar,ando;arme chinguen spame:ar,en,ando;arme cont:actarse recontact:ar,en;arme agobi:ar,en,ando;arme incordi:ar,en,ando;arme escrib:ir,a,an,as,ais,amos,iendo;irme,iendome,irnos,anme "
        "contact:ar,e,en,es,eis,ando;arme,arnos,andome "
        "molest:ar,e,en,es,eis,ando;arme,arnos,andome,enme "
        "comuniqu:en,e contactad:o,a",
        "pt": "cham:ar,em,e,ando import:unem,unar,unando assedi:ar,ando,em aborrec:er,am,endo contact:em,ar,ando recontat:em,ar fal:ar,em encher ench:am,endo spame:ar,ando escrev:er,a,am,as,endo contat:ar,e,em contact:em incomod:ar,e,em,ando "
        "perturb:e,em,ar,ando spammar",
        "fr": "recontact:er,ez,iez spamm:er,ez,iez harcel:er,ez,iez parl:er,ez emmerd:er,ez soul:er,ez saoul:er,ez gener embet:iez relanc:er,ez,iez ecri:re,vez,viez,ve,ves,s mecri:;re,vez,viez,ve,ves contact:er,ez,iez,e,ee,es derang:er,ez,iez,e "
        "embet:er,ez importun:er,ez solliciter sollicitez",
    },
    # to send something
    "S": {
        "en": "forward,forwarding,shoot send,sending,sent",
        "es": "remit:ir,an,a reenvi:ar,en,es envi:ar,e,en,es,eis,ando;arme,arnos,andome,enme "
        "mand:ar,e,en,es,eis,ando;arme,arnos,andome,enme remit:an,ir",
        "pt": "envi:ar,em,e,ando envi:em,ando mand:em,ar,e,ando encaminh:ar,em,e dispar:ar,em",
        "fr": "expedi:er,ez transmett:re,ez envo:yer,yez,yiez,ie,ies menvo:;yer,yez,yiez,ie adress:er,ez",
    },
    # what is sent, in the plural or as a mass
    "M": {
        "en": "msgs,mails,emails,spam,marketing,advertisements,alerts,updates messages,texts,msgs,sms,whatsapps,promos,promotions,offers,ads,adverts,marketing,"
        "advertising,newsletter,newsletters,notifications,campaigns,mailings,solicitations,"
        "promotional,commercials,stuff,communications",
        "es": "cosas,spam,whatsapps,alertas,novedades,correos,promos,sms,textos,avisos mensajes,msjs,mjs,msjes,promociones,publicidad,ofertas,propaganda,"
        "notificaciones,comunicaciones,boletin,boletines,envio,envios,anuncios,campanas,"
        "comerciales,difusion,newsletters",
        "pt": "coisas,ofertas,propaganda,propagandas,comunicados,promos,msgs,mensagen,alertas mensagens,promocoes,publicidade,anuncios,notificacoes,comunicacoes,envio,envios,"
        "campanhas,recebimento,divulgacao,divulgacoes",
        "fr": "messages,textos,sms,promos,promotions,spams,spam,emails,mails,campagnes,alertes pub,pubs,publicite,publicites,publicitaires,offres,annonces,envoi,envois,"
        "communications,sollicitations,prospection,demarchage",
    },
    # one of them: more often a certain one
    "m": {
        "en": "message,promo,promotion,offer,ad,msg",
        "es": "mensaje,mensage,msj,promocion,oferta,anuncio",
        "pt": "mensagem,promocao",
        "fr": "offre,annonce",
    },
    # no
    "N": {
        "en": "not,no,dont,never,nor,neither,without",
        "es": "prohibo,prohibido nunca,jamas,ni,sin,tampoco",
        "pt": "proibo nao,n,naum,num,sem",
        "fr": "interdis,oppose,aucunement ne,n,pas,jamais,sans",
    },
    # more, again, anything
    "P": {
        "en": "everything more,any,anymore,anything,again,ever,longer,another,further",
        "es": "seguir mas,nada,ningun,ninguna,ningunos,vuelvan,vuelva,vuelvas,volvais,sigan,sigas,siga",
        "pt": "nada,continuar mais,nenhum,nenhuma,voltem,volte",
        "fr": "rien,aucun,aucune,davantage",
    },
    # French "plus": more, or no more
    "p": {"fr": "plus"},
    # to want, to let
    "W": {
        "en": "prefer,rather,allow,request,desire want,wanna,wish,like,need,care,agree,authorise,authorize,needed",
        "es": "queria,querria,quisieramos deseamos,qisiera,kisiera quiero,kiero,qiero,kero,quisiera,queremos,deseo,deseamos,autorizo,autorizamos,"
        "consiento,pido,solicito,gustaria,prefiero,acepto,permito,necesito",
        "pt": "qro,quer quero,kero,queremos,gostaria,desejo,autorizo,aceito,permito,peco,solicito,preciso",
        "fr": "aimerais,aimerai,voudrai,desirons,acceptons,autorisons,permets veux,voudrais,voulons,souhaite,souhaitons,desire,accepte,autorise,demande,besoin",
    },
    # to get, where it is a wish; English says the same of a fact
    "V": {"es": "recib:ir,irlos,irlas", "pt": "receber", "fr": "recevoir"},
    "G": {
        "en": "received,seen,saw,read receive,receiving,get,getting,hear,hearing",
        "es": "recibi,recibido,recibimos,veo,encuentro,leido,llego,llegaron recibo,recibiendo,llegan,llega,lleguen,llegando",
        "pt": "recebi,recebemos,vejo,chegou,chegaram recebo,recebendo,chegam,cheguem,chegando",
        "fr": "recu,recus,vois,trouve recois,recevons,recoive",
    },
    # to take off, to erase
    "R": {
        "en": "removal,deletion,deleting,erasing,erasure exclude,drop,scrub,erase,wipe,unregister remove,delete,erase,removing",
        "es": "eliminacion,borrado exclu:ir,yan,ya;irme,yanme tach:ar,en;enme,arme borr:ar,en,e,ad,a;arme,enme,ame,adme elimin:ar,en,e,ad,a;arme,enme,ame,adme "
        "quit:ar,en,e,ad,a;arme,enme,ame,adme sac:ar,a,ad;arme,ame,adme saqu:en,e;enme,eme "
        "suprim:ir,an,a;anme retir:ar,en;enme,arme",
        "pt": "remocao,exclusao,retirada elimin:em,e,ar delet:em,e,ar tirem,retira,exclu:a remov:er,a,am apag:ar,ue,uem,a exclu:ir,am,a,i tir:ar,em,e,a retir:em,e",
        "fr": "suppression,retrait,radiation retirer,sort:ez,ir vir:er,ez otez exclu:re,ez desinscri retir:er,ez,e supprim:er,ez,e enlev:er,ez,e ray:er,ez effac:er,ez ot:ez,er radiez",
    },
    # taken off
    "Q": {
        "en": "removed,deleted,excluded,erased,dropped",
        "es": "borrado,borrada,eliminado,eliminada,quitado,quitada,excluido,excluida,dado",
        "pt": "removido,removida,excluido,retirado,retirada,apagado,eliminado",
    },
    # fed up
    "k": {
        "en": "tired,fed",
        "es": "harto,harta,cansado,cansada,canse,cansan,aburrido",
        "pt": "cansei,farto,farta,cheio",
        "fr": "marre,ras,lasse",
    },
    # where one is taken off
    "L": {
        "en": "group,channel,broadcast,chat directory,crm,file,files,system list,lists,database,db,mailing,contacts,subscribers,records",
        "es": "grupo,canal difusion,registro,registros,bbdd,fichero,archivos,sistema lista,listas,base,agenda,contactos,grupo,listado",
        "pt": "lista,listas,base,grupo,agenda,sistema,banco cadastro,contatos,transmissao",
        "fr": "groupe,canal base,bases,repertoire,registre,systeme liste,listes,fichier,fichiers,diffusion,contacts",
    },
    # whom one means by it
    "H": {
        "en": "name number,phone,person",
        "es": "nombre,num,tel,tlf,cel,celular,fono numero,telefono,movil,contacto,persona",
        "pt": "nome,num,cel,fone telefone,celular,zap,contato,pessoa",
        "fr": "nom,num,tel,numero telephone,portable,personne,coordonnees",
    },
    # to cancel, and what a contract may be as well as a mailing list
    "A": {
        "en": "cancel,cancelling,canceling,terminate",
        "es": "cancel:ar,en,e,a,o anul:ar,en",
        "pt": "cancelem",
        "fr": "annul:er,ez,e",
    },
    "B": {
        "en": "subscription,membership",
        "es": "suscripcion,subscripcion",
        "pt": "assinatura,inscricao",
        "fr": "abonnement,inscription",
    },
    # to take back a consent
    "Z": {
        "en": "revoke,withdraw,revoking,withdrawing",
        "es": "revoc:ar,o retir:o",
        "pt": "revog:ar,o",
        "fr": "retir:e,er revoqu:er,e",
    },
    "Y": {
        "en": "permission,consent,authorised,authorized",
        "es": "autorizo,autorizaron consentimiento,permiso,autorizacion,autorice,autorizado",
        "pt": "autorizou,autorizado consentimento,permissao,autorizacao,autorizei",
        "fr": "consentement,accord,autorisation",
    },
    # to go on
    "E": {
        "en": "keep,continue",
        "es": "sigan,continua seguid,sigue,continuen,segui",
        "pt": "continuem,continue,sigam",
        "fr": "continuez,continuer,continue",
    },
    # to phone
    "F": {
        "en": "email,emailing,calls,called,dial call,calling,phone,ring",
        "es": "llamadas,llamado,llamada,marquen,marques llam:ar,en,e,es,eis,ando;arme,andome,enme",
        "pt": "ligacao,chamadas lig:ar,ue,uem,ando ligacoes",
        "fr": "appel appels,appelee,appele,telephon:er,ez appel:er,ez,le,iez",
    },
    "i": {
        "en": "interested,interest",
        "es": "interesa,interesan,interesado,interesada,interesados,interesadas,interes",
        "pt": "interessa,interesse,interessado,interessada",
        "fr": "interesse,interessee,interessent,interessees",
    },
    # to be, to have
    "b": {
        "en": "have,has,had,got",
        "es": "hay,habia he,hemos estoy,estamos,tengo,tenemos",
        "pt": "tem estou,estamos,tenho,temos",
        "fr": "ai,avons suis,sommes",
    },
    # to lose a number, on purpose
    "r": {
        "en": "lose,forget,hesitate",
        "es": "olvid:en,a,e,ad,es pierd:an,e dud:e,en,es",
        "pt": "esquec:am,e,a hesit:e,em",
        "fr": "oubli:ez,e perd:ez,s hesit:ez,e",
    },
    # what is sold
    "o": {
        "en": "products,product,services",
        "es": "productos,producto,servicios",
        "pt": "produtos,produto,servicos",
        "fr": "produits,produit,services",
    },
    # stopped: they did
    "c": {
        "en": "stopped",
        "es": "pararon,paro,dejaron,dejasteis",
        "pt": "pararam,parou,deixaram,deixou",
    },
    # subscribed, asked for: I did
    "s": {
        "en": "subscribed,requested,asked,registered,enrolled",
        "es": "suscribi,inscribi,registre,apunte,pedi,solicite,suscrito,inscrito,apuntado",
        "pt": "cadastrei,inscrevi,pedi,solicitei,inscrito,cadastrado,assinei",
        "fr": "inscrit,inscrite,abonne,abonnee",
    },
    # so far
    "t": {"en": "yet", "es": "todavia,aun", "pt": "ainda"},
    # to end a contract
    "a": {"fr": "resili:er,ez,e"},
    # how, where, who: whoever asks how to leave wants to
    "J": {
        "en": "how,where,who",
        "es": "como,donde,quien,quienes",
        "pt": "onde,quem",
        "fr": "comment,ou,qui",
    },
    # when, what: a question about something else
    "D": {
        "en": "when,what,which",
        "es": "cuando,cual",
        "pt": "quando,qual",
        "fr": "quand,quel,quelle",
    },
    # why: about something else, or a complaint
    "q": {"en": "why", "es": "porque,porke", "fr": "pourquoi"},
    # gave, got
    "g": {
        "en": "gave,give,find,found",
        "es": "saco,tiene,saque dio,dieron,sacaron,sacaste,consiguieron,obtuvieron,tienen,tienes,teneis,paso,"
        "facilito,sacado,conseguido",
        "pt": "passou,deu,deram,conseguiram,conseguiu,pegaram,arrumaram",
        "fr": "tenez,avez donne,obtenu,trouve,communique,refile",
    },
    # too many, fewer
    "y": {
        "en": "often many,fewer,less,much",
        "es": "demasiado,demasiada demasiados,demasiada,demasiadas,muchos,muchas,menos,tantos,tantas,tanto",
        "pt": "muitas,muita,demais,tantas",
        "fr": "souvent trop,moins,tant",
    },
    # has left, or asked to
    "u": {
        "en": "unsubscribed",
        "es": "desuscribi,desuscrito",
        "pt": "descadastrei,descadastrado,descadastrada",
        "fr": "desabonnee,desinscrit,desinscrite",
    },
    # the wrong person
    "w": {
        "en": "wrong",
        "es": "equivocado,equivocan,equivoca,equivocais,equivocaste,erroneo",
        "pt": "errado,engano",
        "fr": "mauvaise mauvais,trompez,trompe,erreur",
    },
    "d": {
        "en": "data,information,info",
        "es": "datos,informacion,info",
        "pt": "dados,informacoes,informacao",
        "fr": "donnees,informations,infos",
    },
    # words of the law, and threats: a person reads them
    "!": {
        "en": "scam,fraud sue,ftc,fcc,ico gdpr,ccpa,tcpa,harassing,harassment,lawyer,blocking,reporting,erasure",
        "es": "estafa,fraude denuncia,denuncias,abogado,demandar denunciar,denunciare,bloquear,bloqueare,reportar,reportare,supresion,acoso,rgpd,"
        "lopd,aepd,profeco,condusef,denuncio,bloqueo",
        "pt": "golpe,fraude denuncia,advogado,processar denunciar,denunciarei,bloquear,bloquearei,lgpd,procon,assedio",
        "fr": "arnaque,escroquerie signaler,bloque,bloquer,cnil,effacement,harcelement,plainte",
    },
}

# Several words that play one part, and only together; "" is none, "%" restricts what is asked.
# Patterns as in `intent_words`.
PHRASES = {
    "U": (
        "opt|opting out",
        "opt me|us out",
        "dar|darme|darnos|darse|dame|dadme|deme|denme|den|deis|dadnos|dennos|date|doy|des|darte "
        "de baja|vaja",
        "me de de baja",
        "darle de baja",
        "quiero|quisiera|solicito|pido|deseo|tramitar|tramiten la|mi|una baja|vaja",
        "sair|saia da|dessa|desta|deste|desse|do lista|grupo|cadastro",
        "sair da|dessa|desta lista de transmissao|mensagens|contatos",
        "salir|salirme de la|esta|su|vuestra lista|grupo",
        "want|get out",
        "solicito|quiero|pido|deseo baja|vaja",
        "tramiten|tramiteis|procesen|gestionen|ejecuten|confirmen|hagan|hagais|procedan|procedais "
        "la|mi|a baja",
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
        "turn off",
        "basta ya de",
        "ja chega de",
        "ya esta bien de",
    ),
    "Te": ("message|msg|sms|whatsapp|wa me|us",),
    "NT": ("not|dont|never message|msg|sms|whatsapp",),
    "s": ("signed|sign|signing up", "ask for", "subscribing to"),
    "!": ("close|delete|terminate my account", "cerrar|cancelar|eliminar|borrar|dar mi cuenta",
          "encerrar|cancelar|excluir|fechar minha conta",
          "fermer|supprimer|cloturer mon compte", "report|block|blocking|reporting you|this|them|u", "reported|report|marking|marked as spam",
          "como|comme spam", "feels|looks like spam", "la policia", "porter plainte", "mon avocat"),
    "M": ("mala direta", "publicite ciblee"),
    "T": (
        "entre|entrem|entrar em contato|contacto",
        "entre|entrem|entrar mais em contato|contacto",
        "pongan|ponga|ponganse|pongais en contacto",
        "se pongan mas en contacto",
        "reach out",
        "get in touch",
    ),
    "W": ("interested in receiving", "me gustaria", "tenho interesse em"),
    "R": ("cross|strike off", "faites sortir"),
    "L": ("base|bases de datos|donnees|dados",),
    "D": ("what does", "que|o significa|significan|quiere", "que veut dire"),
    "q": ("por que|q", "how come", "xq", "pq", "why"),
    "J": ("de donde", "is there a way|option", "hay alguna|manera|forma", "comment je fais",
          "como faco|fazer|puedo|hago"),
    "%": (
        "if|unless|until|except|only",
        "hasta|salvo|excepto|solo|solamente|unicamente",
        "si no|bajan|tienen|hay|es",
        "se nao|tiver|for",
        "ate|exceto|somente|apenas",
        "sauf|seulement|uniquement|jusqu|si vous|tu|c",
    ),
    "i": ("for me", "have|ai|avons interest|interet"),
    "Ni": ("have no interest",),
    "w": ("esse|este numero no|nao es|e de", "aqui nao e"),
    "eH": (
        "my|mi|meu|mon number|numero|num|phone|telefono|telefone|telephone|movil|cel|celular|contact|"
        "contacto|contato",
    ),
    "l": (
        "your|su|sus|tu|vuestra|votre|vos|sua base|bases|banco de datos|donnees|dados",
        "your|ur|su|sus|tu|vuestra|votre|vos|sua|suas list|lists|lista|listas|liste|listes|base|"
        "database|contacts|contactos|contatos|fichier|fichiers|cadastro",
    ),
    "o": ("lo que venden|vendeis|ofrecen", "what you sell|offer"),
    "y": ("toda|a hora", "a cada rato", "todo el tiempo|dia", "all the time", "all day",
          "every single day", "too much"),
    "k": ("sick|tired of", "saco cheio de", "hasta la madre", "up to here"),
    "sN": ("rien|pas demande", "nada pedi"),
    "g": ("avez|as|ont eu|obtenu|trouve", "avez vous eu|obtenu|trouve"),
    "": ("est ce que", "at all", "right now", "in the future", "from now on", "a partir de ahora|agora",
         "dorenavant", "de ahora en adelante", "once and for all", "de una vez", "por este medio|canal|conducto", "par sms|mail", "by text",
         "por correo|sms", "wa|whats app"),
    "P": ("otra vez", "de nuevo|novo", "outra vez", "a nouveau"),
    "x": ("sair de casa", "estoy|esta de baja", "full|bus|non|the stop", "the|week end", "da|de tarde",
          "stop by"),
}  # fmt: skip

# Say nothing that changes what is asked.
FILLERS = frozenset(
    (
        "the a an your ur you u to of from for with this these those that i im id we my our its it "
        "is are be being am do does just really immediately now already kindly sir madam guys team "
        "anyone people all every everything so too also as on in via whatsapp "
        "will right future time times thing things bloody damn fucking "
        "hi hello hey dear ok okay please pls plz thanks thank thx ty well and oh sorry "
        "day morning afternoon good here am such contact address thanks regards "
        "el la los las lo un una unos unas de del al a y e o que q su sus vuestro vuestra vuestros "
        "vuestras mi mis este esta estos estas esa ese esos esas eso isso tu tus por favor porfavor porfa "
        "xfa xfavor x para ya le les se os ustedes uds usted vosotros en esto eso desde tipo "
        "aqui ahi k d en mil hola buenas buenos dias tardes noches gracias muchas vale bueno ok ahora inmediatamente "
        "seguir soy pues entonces asi saludo saludos cordial cordiales estimados senores nadie "
        "o os as da das do dos um uma seu sua seus suas meu minha este essa esse dessa desse desta "
        "deste voces voce vcs vc pra para por favor com em ja eu que e ai oi ola bom boa dia tarde "
        "noite obrigado obrigada obg grato grata agora entao estar sendo ser "
        "le la les l d un une des du de vos votre ton tes ta mon ma mes ce cet cette ces je j tu il "
        "vous on c ca s qu que a au aux et en y de svp sil plait stp merci bonjour bonsoir bonne "
        "journee soiree tout tous toute toutes veuillez faut est etre aussi deja donc ici "
        "beaucoup davance voila avec meus minhas teus procedan proceda sirvanse personal personales "
        "pessoais personnelles asap urgent urgente urgentemente forever siempre imediatamente bye adios chao tchau ciao "
        "adieu vlw valeu tks besos bjs abs siempre mismo cuanto antes agradezco agradeco else tonight hoy aujourd hui hoje mate bro dude man buddy love amigo amiga tio tia hermano mano wey guey chicos colega senor "
        "senora fucking damn bloody stupid pinche pinches putos puta mierda porra "
        "merda putain merde absolument definitivement immediatement totalement desde oye eh ey "
        " suite sur par"
        " na nas num numa nessa neste nesse nisso dele disso dos favor gentileza tudo bem sim"
    ).split()
)
ME = frozenset("me us nos moi m mim comigo conmigo mi".split())
COURTESIES = frozenset(
    (
        "please pls plz plis kindly porfa porfavor porfis porfi xfa xfavor favorcito svp stp "
        "gentileza obsequio"
    ).split()
)
# Whoever asks whether we can, asks us to.
REQUESTS = frozenset(
    (
        "can could would will may pueden puede podrian podria podeis podriais puedes podrias pode "
        "podem poderiam poderia podriamos pouvez pourriez peux pourrait possible"
    ).split()
)
# What stands between two sentences that mean different things.
BUT = frozenset("but pero porem however".split())

# Known words that are one letter from a word above: no slips of the finger.
NO_SLIPS = frozenset(
    (
        "habeis haber quiera puedes massage massages contract contracts testing quiere quieren manual removed deleted "
        "received contracte escribio messenger letting sending envies enviar recibi recibo mande "
        "mandar mandas mandan enviais contrato contratar contrate contraten cancelled canceled"
    ).split()
)

# What is asked, in parts (see PARTS); "e" is "me", which `intent` leaves out where it does not
# matter. The first that fits decides.
_MORE = "[Pp]*"
_NO = "[PpW]*N[PpWE]*"
# Whole sentences, with nothing in them that is about something else.
ASKS = (
    "[WC]*U[UMBLlHPm]*",
    "W*C[PpW]*S[PpMmBH]*",
    "W*CG?[PpW]*T[PpMmH]*",
    "W*C[PpW]*V?[Pp]*m*M+[PpL]*",
    f"{_NO}m*M+[Pp]*",
    f"W[PW]*N[PpW]*[VG]{_MORE}m*M+[Pp]*",
    f"W[PW]*N[PpW]*[VG][Pp]+",
    f"{_NO}V[Pp]+",
    f"N[Pp]*W[Pp]*G[Pp]*[PM]",
    f"{_NO}V{_MORE}m*M+[Pp]*",
    f"[PW]*N[Pp]*W[Pp]*G{_MORE}m*M+[Pp]*",
    f"{_NO}P[PpWE]*V[Pp]*m",
    f"{_NO}V[Pp]+m",
    f"{_NO}T[PpMH]*",
    f"{_NO}S{_MORE}m*M+[Pp]*",
    f"{_NO}Sm?[Pp]+m?[Pp]*",
    f"{_NO}S[Pp]+[Mm][Pp]*",
    "W*A[BM]+m*M+[Pp]*",
    f"{_NO}WM?S[Mm]+",
    "W+Q[LlH]+",
    f"{_NO}P[PpWE]*V",
    "N[PpWb]*l",
    "Nb[Pp]*l",
    "W*C[PpW]*V",
    "Wp[Pp]*V[Pp]*m*M+",
    "W*[ZR][Pp]*YM*",
    "N[Pp]*W[Pp]*HT?",
    "W*CG?[PpW]*V?[Pp]*m*M+[PpLH]*",
    f"{_NO}Ym*M+",
)
# The same, where "me" matters.
ASKS_ME = ("W*e?W*(eR|Re)e?[LlMHT]*", "W*e?W*[Rr]e?He?[Ll]*")
# Whole sentences that leave a doubt.
DOUBTS = (
    "W*AB[LB]*",
    "W*Am*M+",
    "N[Pp]*W*[Pp]*F[Pp]*",
    "W*C[PpW]*F[Pp]*",
    "W*pm*M+",
    f"{_NO}S",
    "[PW]*N[PpWb]*i[Pp]*[Mo]?[Pp]*",
    "N[Pp]*W[Pp]+",
    "p[Pp]*[mP]",
    "W*R[LlMH]+",
    "[^DqbGcEtxUi]*[CN][^DqbGcEtxUi]*[mSLV][^DqbGcEtxUi]*",
    "NH",
    "Nb*P+W",
    "JN?[PpW]*[VG][PpM]*",
    "N[Pp]*W?[Pp]*dW?",
    "N[Pp]+",
    "W[AC]",
    "J[WPp]*[AC]B?",
    "bu",
    "w+H?",
)
# Found in a sentence that is about something else as well.
HINTS = (
    "U",
    "u",
    "!",
    "(eR|Re)x*[Lld]",
    "Re?[HT]",
    "Cx{1,2}(M|eT|Te|eS|Se)",
    "C[Pp]*V",
    "N[Pp]*W[Pp]*x{1,2}[Pp]*M",
    "Nx(eT|Te)",
    "J[xe]{0,2}Y",
    "[NCRQUWx]e?[^S]{0,4}l",
    "Q[LlH]",
    "J.{0,4}(N[Pp]*[VG]|C[Pp]*[GVMTS])",
    "J.{0,3}eH",
    "NeH",
    "ky?x?[Mm]",
    "(T|S[mM]?|M)x{0,2}y|yx{0,2}[MmT]",
    "E?GMq",
    "^[^DqbGcEtU]*[CNkZ][^DqbGcEtUJi]*(M|l|Te|eT|V)",
    "C(xe|ex)",
    "JRL",
    "^W*Re",
    "N[^DqbGEtUT]{0,5}[Ll]",
    "%[xe]?.{0,2}Te",
    "[CRQAZ][^NDq]{0,3}M",
    "N[PpWEex]{0,4}M",
    "Re?x?d",
    "C[PpW]*S[Pp]*M",
    "C[PpW]*[Pp]*(eT|Te)",
    "C[PpW]*(eS|Se)[Pp]*[Mm]?",
    "C[Pp]*M",
    f"{_NO}(eT|Te)",
    f"{_NO}(S|eS|Se)[Pp]*(M|m?[Pp]+m)",
    f"{_NO}(eS|Se)m",
    f"{_NO}V?[Pp]*WV?[Pp]*M",
    f"N[Pp]*W[Pp]*G[Pp]*M",
    "y[PpS]*[Mm]|[Mm]S?y",
    "wH|Hw",
    "ZY",
    "Jx{0,2}[gG][ex]{0,2}H|Je[gG]?H",
    "N[xebPp]{0,3}s",
    "q[xEeb]{0,3}GM",
    "^[PW]*N[Pp]*M(?!t)",
    "a",
    "AB[xL]*M",
    "q[xE]{0,2}(eT|Te|eS|Se)",
    "N[xeg]{0,3}Y",
    "Nme",
    "A[BM]*BM",
)
# The contrary: somebody who wants to go on.
CONTRARY = ("N[PpWEe]*[CURr]", "E[e]*[STMm]", "EW*[VG]")
