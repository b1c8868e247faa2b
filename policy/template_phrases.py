"""Phrases of promotions, and of texts that Meta's reviewers refuse.

In English, Spanish, Portuguese and French, separated by semicolons, as `intent.expand` reads them:
"shop|buy now" is two phrases. Only those that say it alone are here: "new" is in "your new card"
too, and "oferta" is a quote in Spain. What they say follows Meta's guidelines for categories
(Template categorization, 2025-11-11) and its Business Messaging and Commerce Policies.
"""

# Why a sentence is marketing, by Meta's own kinds of marketing.
MARKETING = {
    "offer": """
        discount|discounts|coupon|coupons|voucher|promo|promotion|promotions|sale|sales|deal|deals;
        special|exclusive|limited offer|offers; promo code; half price; flash sale; black
        friday; cyber monday; free shipping|delivery|gift|trial; for free; cashback; percent
        off; on us;
        descuento|descuentos|cupon|cupones|rebaja|rebajas|promo|promocion|promociones|ofertas|gratis;
        oferta especial|exclusiva|limitada|unica|imperdible; en oferta; mitad de precio;
        precio|precios especial|especiales; dos|2 por uno|1; 2x1; meses sin intereses; envio
        gratis|gratuito; de regalo;
        desconto|descontos|cupom|cupons|promocao|promocoes|liquidacao|gratis|brinde; oferta
        especial|exclusiva|imperdivel; frete gratis; metade do preco; condicao especial;
        remise|remises|reduction|reductions|promotion|promotions|soldes|promo|gratuit|gratuite;
        offre|offres speciale|exclusive|limitee|exceptionnelle; code promo; bon de reduction;
        livraison offerte|gratuite; moitie prix
    """,
    "purchase": """
        buy|shop|subscribe|upgrade now|today; order|book|purchase now; get yours; add to cart;
        shop|explore|browse|discover our|the; start shopping; check out our;
        compre|compra|compralo|pidelo|ordene|reserve|reserva|suscribete|suscribase|adquiere
        ahora|hoy|ya; conoce|conozca|descubre|descubra
        nuestra|nuestro|nuestras|nuestros|la|las|los; aproveche|aprovecha; no te|se lo
        pierdas|pierda; haz tu pedido; visita|visite nuestra tienda;
        compre|peca|garanta|reserve|assine|aproveite agora|hoje|ja; aproveite; nao perca;
        conheca|descubra|confira nossa|nosso|nossas|nossos|as|os; garanta o|a seu|sua;
        achetez|commandez|reservez|profitez maintenant|vite|des; profitez en|de; decouvrez
        nos|notre|la|le|les; ne manquez|ratez pas
    """,
    "urgency": """
        last chance; hurry up; limited time; ends today|tonight|soon|tomorrow; while stocks
        last; only today; ultima|ultimas oportunidad|oportunidades|horas|unidades|plazas;
        ultimos dias|cupos; solo|unicamente por hoy; solo hoy; tiempo limitado; hasta agotar
        existencias; por tiempo limitado; ultima|ultimas chance|horas|unidades|vagas; ultimos
        dias; so|somente|apenas hoje; tempo limitado; derniere|dernieres
        chance|heures|places|pieces; derniers jours; duree limitee; seulement aujourdhui
    """,
    "news": """
        new arrival|arrivals|collection|product|products|season|menu|store|branch|range|release;
        just launched|arrived|landed; we have launched; introducing our|the; back in stock;
        coming soon; newsletter; nueva coleccion|temporada|tienda|sucursal|linea|carta; nuevo
        catalogo|producto|menu|local; nuevos productos|modelos|cursos;
        novedad|novedades|lanzamiento|lanzamientos|estrenamos; boletin; nova
        colecao|loja|linha|temporada; novo catalogo|produto|cardapio; novos produtos|modelos;
        novidade|novidades|lancamento|lancamentos; nouvelle collection|boutique|saison|gamme;
        nouveau produit|catalogue|menu; nouveaux produits|modeles;
        nouveaute|nouveautes|lancement; infolettre
    """,
    "more": """
        you may|might also like; recommended for you; complete your look; upgrade your|to; add
        on; customers also bought; refer a friend; loyalty points|program|programme; te|le
        podria|puede interesar; tambien te|le puede|podria gustar|interesar;
        recomendado|recomendados para ti|usted; mejora|mejore tu|su plan; invita|recomienda a un
        amigo; programa de puntos|lealtad; voce tambien pode gostar; recomendamos para voce;
        recomendado|recomendados para voce; indique um amigo; melhore seu plano; vous aimerez
        aussi; recommande|recommandes pour vous; parrainez un ami;
        preapproved|preaprobado|preaprobada; pre approved|aprobado|aprobada|aprovado|aprovada
    """,
    "return": """
        we miss you; come back soon; long time no see; left in your cart; left items|something
        in your cart; left something behind; still interested; still thinking about; its been a
        while; complete your purchase; te|le|lo|la extranamos; te|le echamos de menos; hace
        tiempo que no; dejaste|dejo en tu|su carrito; sigue|sigues interesado|interesada;
        termina|termine tu|su compra; carrito abandonado; sentimos sua falta; sentimos a sua
        falta; faz tempo que; esqueceu no carrinho; ainda tem interesse; finalize sua compra;
        vous nous manquez; cela fait longtemps; oublie dans votre panier; toujours
        interesse|interessee; finalisez votre achat
    """,
    "greeting": """
        happy birthday|anniversary|holidays|easter|thanksgiving; happy new year; merry
        christmas; seasons greetings; feliz cumpleanos|navidad|aniversario; felices fiestas;
        feliz ano nuevo; prospero ano; feliz aniversario|natal|pascoa; boas festas; feliz ano
        novo; joyeux anniversaire|noel; joyeuses fetes|paques; bonne annee
    """,
    "survey": """
        take our survey; short|quick|brief survey; rate us; leave us a review; tell us what you
        think; share your opinion; nuestra encuesta; breve|corta encuesta;
        califiquenos|calificanos; deje|deja tu|su resena|opinion; cuentanos|cuentenos que te|le
        parecio; nossa pesquisa; pesquisa rapida; avalie nos; deixe sua avaliacao|opiniao; notre
        enquete|sondage; donnez nous votre avis; laissez un avis
    """,
    "invitation": """
        join us; you are invited; youre invited; register now|today|here; sign up
        now|today|here; open house; webinar; download|install our|the app; follow us; te|le
        invitamos; estas|esta invitado|invitada; inscribete|inscribase|registrate|registrese
        ahora|hoy|ya|aqui; descarga|descargue nuestra|la app|aplicacion; siguenos|siganos;
        convidamos voce; voce esta convidado|convidada; inscreva se; cadastre se; baixe nosso|o
        app|aplicativo; siga nos; nous vous invitons; vous etes invite|invitee|invites;
        inscrivez vous; rejoignez nous; telechargez notre app|application|appli; telechargez
        lapplication|lappli; suivez nous
    """,
}
# What WhatsApp's policies forbid, by the key of the rule.
REFUSED = {
    "content_threat": """
        legal action|proceedings; take you to court; our lawyers; debt
        collection|collector|collectors; you will be sued|arrested|prosecuted; public shame;
        accion|acciones legal|legales; proceso judicial; via judicial; demanda judicial;
        nuestros abogados; embargo de bienes; sera|seras demandado|demandada|embargado; juicio
        en su contra; buro de credito; acao|acoes judicial|judiciais; medidas legais|judiciais;
        nossos advogados; protesto em cartorio; sera processado|processada; poursuites
        judiciaires; action en justice; nos avocats; huissier; saisie de vos biens
    """,
    "content_identity": """
        card number; credit card details; cvv; cvc; social security number; passport number;
        what is your password|pin; send|share|enter|confirm your id|password|pin; numero de
        tarjeta|pasaporte; numero de su|tu tarjeta|pasaporte|dni|cedula; datos de su|tu tarjeta;
        foto|copia de su|tu dni|ine|cedula|pasaporte|identificacion;
        envie|envia|comparta|comparte|confirme|confirma|indique|indica su|tu
        contrasena|clave|nip|pin|dni|ine|cedula; numero do cartao; numero do seu
        cpf|rg|cartao|passaporte; dados do cartao; envie|informe|confirme sua senha; foto do seu
        rg|cpf|documento; envie seu cpf|rg; numero de carte|passeport; numero de votre
        carte|passeport; envoyez|indiquez|confirmez votre mot de passe; copie de votre
        piece|carte didentite
    """,
    "content_gambling": """
        lottery; casino; betting; jackpot; poker; slot machine|machines; place your bet|bets;
        loteria; apuesta|apuestas|apueste; tragamonedas; tragaperras; aposta|apostas|aposte;
        cassino; jogo do bicho; loterie; pari|paris sportif|sportifs; machine|machines a sous
    """,
    "content_loans": """
        payday loan|loans; instant loan|loans|cash; quick loan|loans; fast cash; loan without
        credit check; prestamo|prestamos
        rapido|rapidos|inmediato|inmediatos|personal|personales; credito|creditos
        rapido|rapidos|inmediato|inmediatos; dinero rapido; sin buro; emprestimo|emprestimos
        rapido|rapidos|imediato|pessoal; emprestimo|emprestimos na hora; dinheiro rapido;
        dinheiro na hora; pret|prets rapide|rapides|immediat; credit rapide|immediat
    """,
    "content_restricted": """
        alcohol; whisky|whiskey|vodka|tequila; beer|beers|wine|wines;
        tobacco|cigarettes|cigars|vape|vapes; cannabis|marijuana|cbd;
        firearm|firearms|ammunition|weapons; escorts; adult content; porn;
        cerveza|cervezas|vinos|licor|licores; tabaco|cigarrillos|cigarros|vapeador|vapeadores;
        marihuana; arma|armas de fuego; municion|municiones; contenido para adultos;
        cerveja|cervejas|vinhos|cachaca; cigarro|cigarros|vaper; maconha; arma|armas de fogo;
        conteudo adulto; alcool; biere|bieres|vin|vins;
        tabac|cigarette|cigarettes|cigares|vapoteuse; armes a feu; contenu pour adultes
    """,
    "content_money": """
        make money fast|online|now; easy money; get rich; guaranteed returns|income|profit;
        double your money; crypto|cryptocurrency|bitcoin|forex; work from home and earn;
        gane|gana dinero; dinero facil; ingresos|ganancias garantizados|garantizadas;
        duplique|duplica su|tu dinero; criptomoneda|criptomonedas; ganhe dinheiro; dinheiro
        facil; renda|lucro garantida|garantido|garantidos; dobre seu dinheiro;
        criptomoeda|criptomoedas; gagnez de largent; argent facile; revenus garantis; doublez
        votre argent; cryptomonnaie|cryptomonnaies
    """,
    "content_health": """
        lose weight; weight loss; miracle cure; prescription drug|drugs; viagra; diet
        pill|pills; baje|baja|bajar de peso; adelgace|adelgaza|adelgazar; cura milagrosa;
        medicamentos con receta; pastillas para adelgazar; perca|perder peso;
        emagreca|emagrecer; cura milagrosa; perdre du poids; perdez du poids;
        maigrir|maigrissez; remede miracle
    """,
    "content_abuse": """
        idiot|stupid|moron|loser|bitch|bastard|asshole; shut up;
        idiota|imbecil|estupido|estupida|pendejo|pendeja|cabron|moroso|morosa|morosos;
        caloteiro|caloteira|otario|burro; imbecile|connard|connasse|salaud
    """,
}
