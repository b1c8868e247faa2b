"""The first name of a person, from the "name" of an address book.

A message that begins "Hola PÉREZ," or "Hi Sr.," or "Hello ana@x.com," is worse than one that names
nobody: where the first name is not certain it is empty, and the text for empty values is shown.

nameparser handles commas, nicknames and English titles. What it does not know is here, as data:
titles of Spanish, Portuguese and French, first names of two words, surnames in place of a first
name, and what is not a person at all.
"""

import re
import unicodedata
from functools import lru_cache

from nameparser import HumanName
from nameparser.config import Constants

from .plain_text import without_accents, word_set
from .visible import visible_text

# Compared without accents, dots and capitals.
TITLES = word_set(
    """sr sra sra srta srto sres sras senor senora senorita senhor senhora senhorita don dona d dna
    dn dr dra drs doctor doctora doutor doutora docteur docteure ing inge enga eng engo ingeniero
    ingeniera engenheiro engenheira lic licdo licda lcdo lcda ldo lda licenciado licenciada arq
    arquitecto arquitecta prof profa profe profesor profesora professor professora professeur abg
    abog abogado abogada advogado advogada adv mtro mtra maestro maestra econ psic cpa cp notario
    rvdo rev padre fray sor excmo excma exmo exma ilmo ilma cap capt gral cnel sgto mr mrs ms miss
    mx sir madam dame lord lady m mm mme mmes mlle mlles monsieur madame mademoiselle me maitre pr
    mestre dom"""
)
# Before a word that stands alone: these go with first names, "Mr" and the others with surnames.
FIRST_NAME_TITLES = word_set("""d dn dna dona fray sor""")
PARTICLES = word_set(
    """de del della delle di da do dos das du des van von der den ter la las los le el al bin ibn st
    y i"""
)
CONJUNCTIONS = word_set("""y e i and et und ou o u or con with""")

# First names of two words that nobody shortens to the first: {first word: second words}.
COMPOUNDS = {
    "maria": "jose jesus carmen teresa luisa isabel elena eugenia fernanda victoria angeles pilar "
    "dolores cristina antonia rosa paz mercedes concepcion soledad ines laura clara rosario sol "
    "angelica alejandra guadalupe paula eduarda luiza luiza helena beatriz julia aparecida belen "
    "amparo nieves begona",
    "ana": "maria isabel belen rosa luisa teresa cristina lucia sofia paula julia clara carolina "
    "beatriz victoria vitoria luiza laura karen",
    "jose": "maria luis antonio manuel miguel angel carlos francisco ramon ignacio javier juan "
    "vicente joaquin alberto enrique eduardo fernando pedro roberto julio jesus andres alejandro "
    "augusto",
    "juan": "carlos jose antonio manuel luis pablo francisco miguel ramon ignacio jesus diego "
    "martin sebastian andres pedro david camilo felipe",
    "luis": "miguel alberto fernando antonio carlos angel eduardo enrique felipe manuel alfonso "
    "javier maria francisco alejandro ricardo gustavo",
    "luiz": "antonio carlos eduardo felipe fernando gustavo henrique miguel",
    "miguel": "angel antonio alejandro",
    "francisco": "javier jose antonio manuel jesus",
    "carlos": "alberto eduardo andres antonio manuel enrique javier miguel daniel augusto henrique "
    "roberto",
    "rosa": "maria elena isabel ana",
    "jesus": "maria manuel antonio angel",
    "victor": "manuel hugo",
    "marco": "antonio",
    "marcos": "antonio",
    "pedro": "pablo antonio luis jose henrique",
    "joao": "pedro paulo carlos vitor gabriel miguel antonio luis",
    "jorge": "luis alberto andres enrique eduardo",
    "andres": "felipe",
    "cesar": "augusto",
    "luz": "maria marina elena adriana stella",
    "martha": "lucia elena isabel cecilia",
    "marta": "lucia elena isabel cecilia",
    "jean": "pierre paul luc claude marie philippe michel jacques louis francois marc baptiste "
    "christophe yves noel charles",
    "marie": "claire claude pierre france louise christine therese laure helene anne josee",
    "anne": "marie sophie laure claire",
    "mary": "ann anne jane kate lou beth",
}
COMPOUNDS = {first: frozenset(seconds.split()) for first, seconds in COMPOUNDS.items()}
# Those of Mary that are spelt with their article.
OF_MARIA = re.compile(
    r"(?:del (?:carmen|pilar|mar|rosario|rocio|sol|valle|rosal)"
    r"|de los (?:angeles|dolores|remedios)|de las (?:mercedes|nieves)"
    r"|da (?:conceicao|gloria|graca|luz)|das (?:gracas|dores|neves)|do (?:carmo|rosario|socorro)"
    r"|de (?:lourdes|fatima|jesus))\b"
)
GIVEN = frozenset(COMPOUNDS).union(*COMPOUNDS.values()) - {"paz", "rosario", "sol", "pilar"}
ABBREVIATIONS = (
    (re.compile(r"\b[Mm]\.?ª\.?"), "María"),
    (re.compile(r"\b(?:Ma|MA|ma)\.(?= )"), "María"),
    (re.compile(r"\b(?:Fco|FCO|fco)\b\.?"), "Francisco"),
)

# Surnames that are not first names, among the most frequent of Spain, Latin America, Portugal,
# Brazil, France and the English-speaking countries (the statistical offices' lists).
SURNAMES = (
    word_set(
        """garcia gonzalez rodriguez fernandez lopez martinez sanchez perez gomez jimenez ruiz
        hernandez diaz moreno munoz alvarez romero gutierrez alonso navarro torres dominguez
        vazquez ramos gil ramirez serrano blanco molina morales suarez ortega delgado castro
        ortiz rubio marin sanz nunez medina garrido cortes castillo lozano cano mendez calvo
        vidal prieto cruz flores herrera pena cabrera campos vega fuentes carrasco caballero
        reyes aguilar rojas mendoza vargas chavez rivera guzman salazar contreras ramos silva
        santos oliveira souza sousa rodrigues ferreira alves pereira lima gomes costa ribeiro
        martins carvalho almeida lopes soares fernandes vieira barbosa rocha dias nunes marques
        machado araujo nascimento dupont durand dubois moreau lefebvre leroy roux fournier
        girard bonnet lambert smith johnson williams brown jones davis miller wilson anderson
        taylor thompson white harris robinson"""
    )
    - GIVEN
    - {"blanco", "vidal", "gil", "taylor", "harris", "silva", "wilson", "davis"}
)

_NO_FIRST_NAME = PARTICLES | SURNAMES | TITLES

# Not a person: legal forms, words that shops and offices are called by, fillers of forms.
_LEGAL = re.compile(
    r"(?<![\w.])(?:s\.? ?l\.? ?(?:u|l|p|n\.?e)?\.?|s\.? ?a\.? ?(?:u|s|r\.?l|b|\.? de c\.? ?v)?\.?"
    r"|s\.? ?r\.? ?l\.?|s\.? de r\.? ?l\.?.*|s\.? ?c\.? ?(?:p|l|s)?\.?|c\.? ?b\.?|ltda\.?|lda\.?"
    r"|e\.?i\.?r\.?l\.?|eireli|sarl|eurl|sasu|snc|gmbh|kg|ag|b\.?v\.?|n\.?v\.?|plc|ltd\.?|limited"
    r"|inc\.?|llc|llp|corp\.?|co\.|company|cia\.?|e\.?u\.?r\.?l\.?|mei|epp"
    r"|(?:y|e|et|and|und) (?:asociados|associados|associ[eé]s|associates|hijos|filhos|fils|sons"
    r"|hermanos|irm[aã]os|fr[eè]res|partners|c[ií]a|co))(?![\w.])(?:\s|,|$)",
)
BUSINESS = word_set(
    """muebles hotel hostal restaurante restaurant bar cafe cafeteria taller talleres tienda grupo
    group groupe clinica clinique farmacia farmacias pharmacie panaderia pasteleria peluqueria
    inmobiliaria construcciones transportes servicios servicos services solutions soluciones
    consulting consultores asesoria gestoria abogados asociados associates hermanos hijos irmaos
    freres fundacion fundacao fondation asociacion associacao association ayuntamiento prefeitura
    mairie colegio escola ecole escuela universidad universidade universite instituto centro
    centre center distribuciones comercial comercializadora industrias industria importaciones
    agencia agence agency estudio studio academia gimnasio supermercado autoescuela carpinteria
    ferreteria floristeria libreria imprenta joyeria optica bodega bodegas finca casa loja mercado
    empresa empresas compania societe sociedad sociedade cooperativa sindicato parroquia iglesia
    hospital laboratorio laboratorios boutique store shop team equipo equipe departamento
    department soporte support ventas vendas sales compras administracion administracao
    contabilidad facturacion recepcion recepcao info contacto contact contato office oficina
    escritorio gerencia direccion recursos marketing familia famille family comunidad condominio
    cliente clientes customer client user usuario usuaria proveedor anonimo anonymous unknown
    desconocido desconocida inconnu prueba test teste testing demo ejemplo exemple example none
    null nan nombre name nom nome apellido sin no na nada particular propietario propietaria
    whatsapp telefono movil lead guest invitado admin administrador administrator"""
)
# An address, a formula, a user name such as "ana1985".
_NOBODY = re.compile(
    r"[@_#<>=%$€{}\[\]\\]|https?:|www\.|\.(?:com|net|org|es)\b|…|[^\W\d_]\d|\d[^\W\d_]",
    re.IGNORECASE,
)
# The second Ana of an address book, or the phone number behind the name.
_NUMBER = re.compile(r"(?<!\S)\+?\d[\d().-]*(?!\S)")
_ASIDE = re.compile(r"\([^)]*\)|\"[^\"]*\"|“[^”]*”|«[^»]*»")
_DIVIDER = re.compile(r"\s+[-–—|·•]\s+|\s*[|]\s*")
_SIMPLE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*(?: [^\W\d_]+(?:['’-][^\W\d_]+)*)*")
# Nearly every name: words of Latin letters alone. "Fco" is an abbreviation.
_PLAIN = re.compile(r"(?![Ff][Cc][Oo]\b)[A-Za-zÀ-ÖØ-öø-ɏ]+(?: [A-Za-zÀ-ÖØ-öø-ɏ]+)*")
# Written without spaces, or with the surname first: it is not known which part it is.
_SURNAME_FIRST = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff]")

_CONSTANTS = Constants(titles=sorted(TITLES))


def first_name(name: str) -> str:
    """Return the first name of a person with its capitals fixed; '' when it is not certain.

    :param name: as in the address book, possibly with titles, surname first or in capitals
    """
    return _first_name(name) if name else ""


@lru_cache(maxsize=4096)
def _first_name(name):
    if _PLAIN.fullmatch(name):
        return "" if _is_business(name) else _compose(_givenword_set(name))
    text = _readable_name(name)
    if not text or _NOBODY.search(text) or _SURNAME_FIRST.search(text):
        return ""
    text = _NUMBER.sub(" ", text)
    text = " ".join(_DIVIDER.split(text)[0].split()).strip(" -–—.;:*~'’")
    if (
        not text
        or text[0] == ","
        or text[-1] == ","
        or "/" in text
        or "&" in text
        or _is_business(text)
    ):
        return ""
    return _compose(_givenword_set(text))


def _givenword_set(text):
    return _surname_in_capitals(text) or _drop_titles(text)


def _readable_name(name):
    """Return one line in plain letters, without emoji and asides."""
    text = " ".join(visible_text(name).split())
    for short, whole in ABBREVIATIONS:
        text = short.sub(whole, text)
    text = unicodedata.normalize("NFKC", text)
    text = _ASIDE.sub(" ", text)
    text = "".join(
        " " if unicodedata.category(letter)[0] == "S" and letter not in "+<>=$€&|" else letter
        for letter in text
    )
    return " ".join(visible_text(text).split())


def _is_business(text):
    first = _fold(text).replace(",", " ").split()[:1]
    return bool(_LEGAL.search(text.casefold())) or not BUSINESS.isdisjoint(first)


def _surname_in_capitals(text):
    """["Jean"] of "DUPONT Jean": capitals set the surname apart; [] when they do not."""
    words = text.split()
    if "," in text or len(words) < 2 or _fold(words[0]) in TITLES:
        return []
    shouted = [word.isupper() and len(word) > 1 and "." not in word for word in words]
    if shouted[0] and not shouted[-1]:
        return [word for word, loud in zip(words, shouted, strict=True) if not loud]
    return []


def _drop_titles(text):
    """Return the words of a name from the first name on, [] without one."""
    words = text.split()
    if _SIMPLE.fullmatch(text) and _fold(words[0]) not in TITLES:
        return words
    if text.endswith(",") or text.count(",") > 2:
        return []
    titles = []
    # nameparser takes "D." for a first name, and "M." too: initials in English.
    while words and _fold(words[0]) in TITLES and (len(words[0]) > 1 or len(words) == 1):
        titles.append(_fold(words.pop(0)))
    if words and _fold(words[0]) in CONJUNCTIONS:
        return []  # Sr. y Sra.
    if titles and len(words) == 1:
        lonely = _fold(words[0])
        return words if lonely in GIVEN or titles[-1] in FIRST_NAME_TITLES else []
    parsed = HumanName(" ".join(words), constants=_CONSTANTS)
    if not parsed.first:
        return []
    rest = f"{parsed.middle} {parsed.last}" if "," not in text else parsed.middle
    return [*parsed.first.split(), *rest.split()]


def _compose(words):
    """Return the first name at the beginning of these words."""
    if not words:
        return ""
    first = words[0].strip("'’-")
    folded = _fold(first)
    second = _fold(words[1]) if len(words) > 1 else ""
    letters = sum(letter.isalpha() for letter in first)
    if (
        letters < 2
        or not _is_word(first)
        or folded in _NO_FIRST_NAME
        or second in CONJUNCTIONS
        or (folded.isascii() and not re.search("[aeiouy]", folded))
    ):
        return ""
    if second in COMPOUNDS.get(folded, ()):
        return f"{_fix_capitals(first)} {_fix_capitals(words[1])}"
    if folded == "maria" and (found := OF_MARIA.match(_fold(" ".join(words[1:])))):
        return " ".join(map(_fix_capitals, [first, *words[1 : 1 + len(found.group().split())]]))
    return _fix_capitals(first)


def _is_word(text):
    """Letters and their marks alone, joined by hyphens or apostrophes."""
    return all(unicodedata.category(one)[0] in "LM" or one in "'’-" for one in text)


def _fix_capitals(word):
    """Fix the capitals of a word that is all capitals or none; "McDonald" stays as it is."""
    if _fold(word) in PARTICLES:
        return word.lower()
    if not (word.isupper() or word.islower()):
        return word
    parts = re.split(r"(['’-])", word.lower())
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _fold(text):
    """For comparing: no accents, no capitals, no dots."""
    return without_accents(text.casefold()).replace(".", "").replace("’", "'")
