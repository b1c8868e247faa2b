"""Write the demo data's tables: demo/res.partner.csv, demo/phone.blacklist.csv, demo/crm.lead.csv.

Usage: ``.dev/venv/bin/python dev/make_demo_data.py``. The seed is fixed, so the files change only
when this script does. The people and firms are invented: the customers of a furniture shop that
sells to Spain and Latin America. The middle part of a lead's external id says what is special about
its number, ``demo_lead_<kind>_<nnn>``; the kinds are the keys of ``COUNTS``.
"""

import csv
import random
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumberFormat
from phonenumbers import format_number as written

DEMO = Path(__file__).resolve().parent.parent / "demo"
SEED = 20260914

# How many leads of each kind there are. All but `fresh` carry the tag Dormant.
COUNTS = {
    "regular": 408,
    "customer": 40,  # of a contact in res.partner.csv, with that contact's number
    "invalid": 12,  # no number at all, or one that cannot exist
    "nonumber": 10,
    "duplicate": 15,  # of a regular lead above it, its number spelt otherwise
    "blacklisted": 6,  # on the phone blacklist
    "stopper": 6,  # people who write BAJA before the campaign
    "abroad": 8,  # no country, but an international number
    "stray": 3,  # no country, and a number that only its own country can read
    "us": 6,  # no promotions are delivered there
    "cuba": 2,  # not served
    "unnamed": 4,  # a firm without a contact: no first name for the greeting
    "fresh": 12,  # wrote last week
}

# Country code: (language, weight among regular leads, cities, national numbers, # for a digit).
# Ranges kept for fiction where there are some that phonenumbers accepts (DE: BNetzA 0171-39200;
# FR: ARCEP 01 99 00 and others; GB: Ofcom 020 7946 0; US: 555-01); elsewhere the number has 555.
COUNTRIES = {
    "ES": ("es", 150, "Madrid Barcelona Valencia Sevilla Zaragoza Bilbao", "6##555### 7#5550###"),
    "MX": ("es", 70, "Guadalajara Monterrey Puebla Mérida", "555550#### 333555#### 818555####"),
    "CO": ("es", 45, "Bogotá Medellín Cali", "300555#### 310555#### 320555####"),
    "AR": ("es", 40, "Rosario Córdoba Mendoza", "91155550### 9351555#### 9341555####"),
    "CL": ("es", 28, "Santiago Valparaíso Concepción", "95555#### 98555####"),
    "PE": ("es", 25, "Lima Arequipa Cusco", "955555### 985555###"),
    "BR": ("pt", 20, "Curitiba Recife Salvador", "1198555#### 2198555#### 4198555####"),
    "FR": ("fr", 14, "Lyon Toulouse Nantes", "199001### 261911### 353011### 465711###"),
    "PT": ("pt", 12, "Lisboa Porto Braga", "91#555### 96#555###"),
    "IT": ("it", 12, "Milano Torino Bologna", "320555#### 328555####"),
    "DE": ("de", 8, "Hamburg Leipzig Bremen", "17139200##"),
    "GB": ("en", 8, "Bristol Leeds York", "2079460###"),
    "EC": ("es", 6, "Quito Guayaquil", "99555####"),
    "UY": ("es", 6, "Montevideo", "99555### 94555###"),
    "US": ("en", 0, "Miami", "30555501##"),
    "CU": ("es", 0, "Trinidad", "5555####"),
}

# Language: first names, family names, firms, wishes; '|' between entries.
LANGUAGES = {
    "es": (
        "Ana|Lucía|Carmen|Elena|Marta|Rosa|Pilar|Sofía|Julia|Inés|Diego|Luis|Javier|Pablo|Andrés|"
        "Hugo|Óscar|Tomás|Raúl|Iván|Valentina|Camila|Mateo|Joaquín",
        "García|Ruiz|Molina|Ortega|Navarro|Serrano|Castro|Vidal|Peña|Iglesias|Rojas|Quiroga|Salas|"
        "Fuentes|Cárdenas|Montoya|Acosta|Herrera|Ibarra|Lozano|Pardo|Soler|Tovar|Zamora",
        "Hotel Mirador|Restaurante La Higuera|Estudio Patio|Clínica Alameda|Café Central|"
        "Apartamentos Brisa|Librería Faro|Academia Nova|Hostal del Puerto|Bodega Santa Eulalia",
        "Sofá de tres plazas|Mesa de comedor extensible|Cocina a medida|Armario empotrado|"
        "Dormitorio juvenil|Butacas para la recepción|Sillas de terraza|Estanterías de roble|"
        "Amueblar piso de alquiler|Mobiliario de oficina|Cama con canapé|Mueble de televisión",
    ),
    "pt": (
        "Beatriz|Mariana|Inês|Joana|Tiago|Rui|Bruno|Rafael|Larissa|Gustavo",
        "Silva|Almeida|Moreira|Pires|Teixeira|Barbosa|Cardoso|Freitas|Ramos|Nunes",
        "Pousada do Sol|Padaria Avenida|Escritório Norte",
        "Sofá de três lugares|Mesa de jantar|Cozinha planejada|Cadeiras para a varanda",
    ),
    "fr": (
        "Camille|Léa|Manon|Hugo|Louis|Nathan|Chloé|Théo",
        "Martin|Bernard|Petit|Moreau|Garnier|Roussel|Faure|Blanc",
        "Gîte des Tilleuls|Café de la Place",
        "Canapé d'angle|Table de salle à manger|Bibliothèque en chêne|Bureau pour chambre",
    ),
    "it": (
        "Giulia|Chiara|Martina|Luca|Marco|Matteo|Elisa|Davide",
        "Rossi|Ferrari|Bianchi|Romano|Greco|Conti|Marino|Rizzo",
        "Agriturismo Le Querce|Bar Centrale",
        "Divano a tre posti|Tavolo allungabile|Armadio a muro|Sedie da giardino",
    ),
    "de": (
        "Lena|Jonas|Mia|Felix|Clara|Paul",
        "Becker|Wagner|Hoffmann|Krüger|Vogel|Brandt",
        "Pension Seeblick|Büro Elbe",
        "Ecksofa|Esstisch aus Eiche|Kleiderschrank|Bürostühle",
    ),
    "en": (
        "Emma|Oliver|Grace|Harry|Ruby|Jack|Alice|George",
        "Taylor|Walker|Hughes|Bennett|Foster|Palmer|Dixon|Webb",
        "Harbour Inn|Corner Coffee",
        "Three-seat sofa|Oak dining table|Fitted wardrobe|Garden chairs",
    ),
}

INVALID = (
    ("n/a", "ES"), ("pendiente", "ES"), ("612 55", "ES"), ("+34 12", "ES"), ("+346125550", "ES"),
    ("0000", "MX"), ("no tiene teléfono", "MX"), ("55 5550", "MX"), ("preguntar a Rosa", "CO"),
    ("9 5555 01", "CL"), ("(011) 15", "AR"), ("----", "PE"),
)  # fmt: skip

# National numbers of DE, FR and GB that the countries a company is likely to have can't read.
STRAY = ("0171 3920077", "01 99 00 17 77", "020 7946 0777")
COMPANY_COUNTRIES = ("ES", "US", "MX", "BE")

USERS = ("waba_user_sales", "waba_user_sales_2", "waba_user_sales_3")
STAGES = ("crm.stage_lead1", "crm.stage_lead2", "crm.stage_lead3")
PARTNER_FIELDS = (
    "id", "name", "company_name", "is_company", "function", "email", "phone", "city",
    "country_id/id", "user_id/id", "category_id/id",
)  # fmt: skip
LEAD_FIELDS = (
    "id", "name", "type", "contact_name", "partner_name", "email_from", "phone", "city",
    "country_id/id", "partner_id/id", "user_id/id", "stage_id/id", "expected_revenue", "tag_ids/id",
)  # fmt: skip


def read_number(text, country):
    """Return `text` in E.164 when phonenumbers finds it valid, else None."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return written(number, PhoneNumberFormat.E164) if valid else None


def spellings(number):
    """The ways people write an E.164 number, the likelier ones more than once."""
    parsed = phonenumbers.parse(number, None)
    national = written(parsed, PhoneNumberFormat.NATIONAL)
    international = written(parsed, PhoneNumberFormat.INTERNATIONAL)
    prefix, _, rest = international.partition(" ")
    return [
        national, national, national, international, international, number,
        national.replace(" ", ""), national.replace(" ", "-"), national.replace(" ", "."),
        f"00{international[1:]}", f"({prefix}) {rest}", f"{prefix} {rest.replace(' ', '')}",
    ]  # fmt: skip


def plain(text):
    """Lower-case ASCII letters only, for an e-mail address."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in letters if char.isascii() and char.isalpha())


@dataclass
class Person:
    """Someone with a number, in a country (ISO code)."""

    country: str
    language: str
    city: str
    name: str
    email: str
    number: str


@dataclass
class Generator:
    """Draws people; no number and no e-mail address is drawn twice."""

    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    numbers: set = field(default_factory=set)
    emails: set = field(default_factory=set)

    def pick(self, options):
        return self.chance.choice(options.split("|") if isinstance(options, str) else options)

    def country(self):
        weights = [values[1] for values in COUNTRIES.values()]
        return self.chance.choices(list(COUNTRIES), weights)[0]

    def person(self, country=None):
        country = country or self.country()
        language, _weight, cities, _patterns = COUNTRIES[country]
        first_names, family_names, _firms, _wishes = LANGUAGES[language]
        first, family = self.pick(first_names), self.pick(family_names)
        email = self.email(f"{plain(first)}.{plain(family)}")
        city = self.pick(cities.split())
        return Person(country, language, city, f"{first} {family}", email, self.number(country))

    def email(self, stem):
        count = 1
        while (email := f"{stem}{count if count > 1 else ''}@example.com") in self.emails:
            count += 1
        self.emails.add(email)
        return email

    def number(self, country):
        dial = phonenumbers.country_code_for_region(country)
        while True:
            pattern = self.pick(COUNTRIES[country][3].split())
            digits = "".join(
                str(self.chance.randrange(10)) if char == "#" else char for char in pattern
            )
            number = f"+{dial}{digits}"
            if number not in self.numbers and read_number(number, country) == number:
                self.numbers.add(number)
                return number

    def spell(self, number, country, unlike=""):
        """One of the spellings from which `number` can be read where `country` is known."""
        digits = "".join(filter(str.isdigit, unlike))
        options = [
            text
            for text in spellings(number)
            if read_number(text, country) == number
            and (not unlike or "".join(filter(str.isdigit, text)) != digits)
        ]
        return self.pick(options)


def check_unreadable():
    """Raise ValueError when a number meant to be invalid is not."""
    stray = [(text, country) for text in STRAY for country in COMPANY_COUNTRIES]
    for text, country in (*INVALID, *stray):
        if read_number(text, country):
            raise ValueError(f"valid in {country}: {text}")


def country_ref(country):
    # Odoo names the United Kingdom's record after the domain, not after the ISO code.
    return f"base.{'uk' if country == 'GB' else country.lower()}" if country else ""


def make_partners(draw):
    """Twenty firms and forty contacts: (rows of res.partner.csv, [(row, Person)] of contacts)."""
    rows, contacts = [], []
    for index in range(60):
        person = draw.person()
        firm = draw.pick(LANGUAGES[person.language][2])
        is_firm = index < 20
        row = {
            "id": f"demo_{'firm' if is_firm else 'contact'}_{index:03d}",
            "name": f"{firm} {person.city}" if is_firm else person.name,
            "company_name": "" if is_firm else draw.pick(("", "", f"{firm} {person.city}")),
            "is_company": int(is_firm),
            "function": "" if is_firm else draw.pick(("", "Interiorista", "Gerente", "Compras")),
            "email": draw.email(plain(firm)) if is_firm else person.email,
            "phone": draw.spell(person.number, person.country),
            "city": person.city,
            "country_id/id": country_ref(person.country),
            "user_id/id": draw.pick(USERS),
            "category_id/id": "waba_partner_category_dormant",
        }
        rows.append(row)
        if not is_firm:
            contacts.append((row, person))
    return rows, contacts


def lead_row(draw, kind, index, person, **changes):
    """A row of crm.lead.csv; `changes` replace what the person implies."""
    _first, _family, firms, wishes = LANGUAGES[person.language]
    is_opportunity = draw.chance.random() < 0.6
    row = {
        "id": f"demo_lead_{kind}_{index + 1:03d}",
        "name": draw.pick(wishes),
        "type": "opportunity" if is_opportunity else "lead",
        "contact_name": person.name,
        "partner_name": f"{draw.pick(firms)} {person.city}" if draw.chance.random() < 0.2 else "",
        "email_from": person.email,
        "phone": draw.spell(person.number, person.country),
        "city": person.city,
        "country_id/id": country_ref(person.country),
        "partner_id/id": "",
        "user_id/id": draw.pick(USERS),
        "stage_id/id": draw.pick(STAGES) if is_opportunity else STAGES[0],
        "expected_revenue": draw.chance.randrange(3, 90) * 100 if is_opportunity else 0,
        "tag_ids/id": "" if kind == "fresh" else "waba_tag_dormant",
    }
    return {**row, **changes}


# Where the people of a kind live; None: anywhere. Stoppers include a Mexican and a Brazilian: in
# both countries WhatsApp writes some numbers otherwise than E.164.
HOMES = {
    "us": "US",
    "cuba": "CU",
    "unnamed": "ES",
    "stray": ("DE", "FR", "GB"),
    "stopper": ("ES", "ES", "ES", "MX", "BR", "CO"),
    "blacklisted": ("ES", "ES", "MX", "AR", "PT", "FR"),
}


def home(kind, index):
    homes = HOMES.get(kind)
    return homes[index % len(homes)] if isinstance(homes, tuple) else homes


def make_lead(draw, kind, index, contacts):
    """One lead of any kind but `duplicate`: (row, Person)."""
    if kind == "customer":
        partner, person = contacts[index]
        firm = {"partner_name": partner["company_name"], "partner_id/id": partner["id"]}
        return lead_row(draw, kind, index, person, phone=partner["phone"], **firm), person
    if kind == "invalid":
        text, country = INVALID[index]
        person = draw.person(country)
        return lead_row(draw, kind, index, person, phone=text), person
    person = draw.person(home(kind, index))
    changes = {}
    if kind == "nonumber":
        changes = {"phone": ""}
    elif kind == "abroad":
        changes = {"phone": draw.spell(person.number, None), "country_id/id": ""}
    elif kind == "stray":
        changes = {"phone": STRAY[index], "country_id/id": ""}
    elif kind == "unnamed":
        firm = draw.pick(LANGUAGES[person.language][2])
        changes = {"contact_name": "", "partner_name": f"{firm} {person.city}"}
    return lead_row(draw, kind, index, person, **changes), person


def make_duplicates(draw, regular):
    """Leads of people who are there already: [(row of the original, row)]."""
    pairs = []
    for index, (original, person) in enumerate(draw.chance.sample(regular, COUNTS["duplicate"])):
        phone = draw.spell(person.number, person.country, unlike=original["phone"])
        pairs.append((original, lead_row(draw, "duplicate", index, person, phone=phone)))
    return pairs


def make_leads(draw, contacts):
    """(rows of crm.lead.csv in the order of loading, numbers for the blacklist)."""
    made = {
        kind: [make_lead(draw, kind, index, contacts) for index in range(count)]
        for kind, count in COUNTS.items()
        if kind != "duplicate"
    }
    duplicates = make_duplicates(draw, made["regular"])
    rows = [row for leads in made.values() for row, _person in leads]
    rows += [row for _original, row in duplicates]
    draw.chance.shuffle(rows)
    for original, row in duplicates:
        first, second = sorted((rows.index(original), rows.index(row)))
        rows[first], rows[second] = original, row
    return rows, [person.number for _row, person in made["blacklisted"]]


def write_table(name, columns, rows):
    with open(DEMO / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    check_unreadable()
    draw = Generator()
    partners, contacts = make_partners(draw)
    leads, blacklist = make_leads(draw, contacts)
    write_table("res.partner.csv", PARTNER_FIELDS, partners)
    write_table("crm.lead.csv", LEAD_FIELDS, leads)
    numbered = enumerate(sorted(blacklist), start=1)
    write_table(
        "phone.blacklist.csv",
        ("id", "number"),
        [{"id": f"demo_blacklist_{index}", "number": number} for index, number in numbered],
    )


if __name__ == "__main__":
    main()
