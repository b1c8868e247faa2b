"""The first name in what address books hold."""

from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.waba_campaign.policy import person_name

from ..pure import PureCase

# What stands in the field "name": the first name to write to; "" where it is not certain.
CASES = {
    "Ana Prueba": "Ana",
    "Prueba": "",
    "Test Test": "",
    "Ana Casa": "Ana",
    "Farmacia Ruiz": "",
    "Sr. Pérez": "",
    "PÉREZ, Juan": "Juan",
    "Dña. María José García": "María José",
    "-": "",
    "ana@x.com": "",
    "Sr.": "",
    "PÉREZ,": "",
    "Ing. Luis": "Luis",
    "Muebles Pérez S.L.": "",
    "MARIA": "Maria",
    "juan carlos": "Juan Carlos",
    "García López, Ana María": "Ana María",
    "Ana María Gil": "Ana María",
    "María del Carmen Ruiz": "María del Carmen",
    "MARÍA DE LOS ÁNGELES PÉREZ": "María de los Ángeles",
    "de la Cruz": "",
    "Juan de la Cruz": "Juan",
    "Dr. Juan": "Juan",
    "Mr. Smith": "",
    "Mme Dupont": "",
    "Mme Claire Dupont": "Claire",
    "Jean-Luc Picard": "Jean-Luc",
    "JEAN-LUC PICARD": "Jean-Luc",
    "O'Brien, Conor": "Conor",
    "Ronald McDonald": "Ronald",
    "123": "",
    "Ana \U0001f338": "Ana",
    "\U0001f338 Ana \U0001f338": "Ana",
    "\U0001f338": "",
    "Sra. de Gómez": "",
    "D. Luis Gil": "Luis",
    "D. Luis": "Luis",
    "Van Gogh": "",
    "José Luis": "José Luis",
    "John Smith Jr.": "John",
    "Smith, John, Jr.": "John",
    "DUPONT Jean": "Jean",
    "Juan PÉREZ": "Juan",
    "Sr. y Sra. Pérez": "",
    "Juan y María": "",
    "Ana & Luis": "",
    "Mª José Ruiz": "María José",
    "Ma. Fernanda López": "María Fernanda",
    "M. Dupont": "",
    "M. Jean Dupont": "Jean",
    "J. Pérez": "",
    "J. R. R. Tolkien": "",
    "\U0001d4d0\U0001d4f7\U0001d4ea": "Ana",
    "\u200bAna": "Ana",
    "\u200b": "",
    "\u738b\u5c0f\u660e": "",
    "+34 600 111 222": "",
    "Familia Pérez": "",
    "Hotel Sol": "",
    "Cliente": "",
    "García": "",
    "Ana (taller)": "Ana",
    "Juan Pérez - Acme": "Juan",
    "Acme Ltd": "",
    "Srta. LUCÍA gómez": "Lucía",
    "Sr. Juan Pérez": "Juan",
    "Prof. Dr. Hans Müller": "Hans",
    "anne-marie": "Anne-Marie",
    "Saoirse O'Neill": "Saoirse",
    "Zoë": "Zoë",
    "ÇAĞLA": "Çağla",
    "Иван Петров": "Иван",
    "محمد علي": "محمد",
    "Sir Elton John": "Elton",
    "Dona Maria": "Maria",
    "Don Johnson": "",
    "Don Luis": "Luis",
    "Sr. García López": "",
    "Eng. Paulo Souza": "Paulo",
    "N/A": "",
    "s/n": "",
    "xx": "",
    "JL": "",
    "Jo": "Jo",
    "LU": "Lu",
    "Perez Juan": "",
    "Lic. Ana Sofía Ruiz": "Ana Sofía",
    "Ana Silva Ltda.": "",
    "Ana Gil": "Ana",
    "Blanca Sá": "Blanca",
    "Gómez e Hijos": "",
    "Sa Carneiro": "",
    "ZUBIZARRETA,": "",
    "Ana Sá": "Ana",
    "Marco Antonio": "Marco Antonio",
    "SAS Dubois": "",
    "CONOR O'BRIEN": "Conor",
    "D’Angelo Russell": "D’Angelo",
    "www.x.com": "",
    "Luis Gómez y Asociados": "",
    "José Ortega y Gasset": "José",
    "Gómez, ": "",
    "Mr": "",
    "Ana, ": "",
    "Dr. Who": "",
    "Carlos Gil, MD": "Carlos",
    "Pérez García, M.ª Carmen": "María Carmen",
    "Rev. Martin Luther King": "Martin",
    "Casa Pepe": "",
    "Sr Juan": "Juan",
    "SRA. ANA": "Ana",
    "None": "",
    "Ana.": "Ana",
    "'Ana'": "Ana",
    "*Ana*": "Ana",
    "~ana~": "Ana",
    "Ana\nGil": "Ana",
    "Luis\tGil": "Luis",
    "Le Goff Yann": "",
    "Al Pacino": "",
    "SANTOS": "",
    "Dr. Pérez": "",
    "Ing Luis": "Luis",
    "Ana 5": "Ana",
    "ana1985": "",
    "Juan 600 111 222": "Juan",
    "Lead 12": "",
    "3M": "",
}


class TestFirstName(PureCase):
    def test_table(self):
        for name, expected in CASES.items():
            with self.subTest(name):
                self.assertEqual(person_name.first_name(name), expected)

    def test_nothing_is_nobody(self):
        for name in ("", " ", None, False, "\n", "\u00a0", "\u3164"):
            with self.subTest(name=name):
                self.assertEqual(person_name.first_name(name), "")

    def test_a_title_never_becomes_a_name(self):
        for title in (
            "Sr.", "Sra", "SRTA.", "Dr", "Dra.", "Ing.", "Lic", "D.", "Dña.", "Mr", "Mrs.", "Ms",
            "M.", "Mme", "Mlle", "Eng.", "Prof", "Dona", "Arq.", "Abg.",
        ):  # fmt: skip
            with self.subTest(title):
                self.assertEqual(person_name.first_name(title), "")
                self.assertEqual(person_name.first_name(f"{title} Lucía Vega Sanz"), "Lucía")
                self.assertEqual(person_name.first_name(f"{title} Sánchez"), "")

    def test_a_surname_first_is_told_by_its_comma_or_its_capitals(self):
        for surname in ("Zubizarreta", "de la Cruz", "García López", "O'Neill", "Sáenz de Miera"):
            with self.subTest(surname):
                self.assertEqual(person_name.first_name(f"{surname}, Lucía"), "Lucía")
                self.assertEqual(person_name.first_name(f"{surname.upper()}, LUCÍA"), "Lucía")
                self.assertEqual(person_name.first_name(f"{surname},"), "")
                self.assertEqual(person_name.first_name(f"Lucía {surname}"), "Lucía")
        self.assertEqual(person_name.first_name("ZUBIZARRETA Lucía"), "Lucía")

    @given(st.text(max_size=80))
    def test_whatever_it_is_given_it_answers_with_a_part_of_it_or_nothing(self, text):
        found = person_name.first_name(text)
        self.assertEqual(found, found.strip())
        self.assertFalse(set(found) & set("@#<>=,()[]{}/&\n\t0123456789"))

    @given(st.sampled_from(["Lucía", "Marta", "Jean-Luc", "José Luis", "María del Carmen"]))
    def test_capitals_make_no_difference(self, name):
        for form in (name, name.upper(), name.lower()):
            self.assertEqual(person_name.first_name(f"{form}"), name)
