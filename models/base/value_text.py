"""Base: a field's value as the text of a message, in the template's language: `format_value`.

Called by the variables of a message (waba_variable_mixin.py).

- *Language*: the template's, for dates, amounts, names of records and labels. A label or name
  without a translation in Odoo stays unchanged.
- *Time zone*: that of the user who sends or launched, else the company's: a shop that writes "we
  open at 10:00" means its own clock, wherever the recipient is.
- Integers are never grouped: "2,026" is no year, and a reference is no amount. Amounts of money
  and decimals are.
- 0 is a value; `False` is none, except in a yes/no field, where it means no.
"""

import babel
import babel.dates
import babel.numbers
import lxml.html
import pytz
from lxml import etree

from ...policy.visible import visible_text

# The most frequent languages of templates; in others nothing is shown rather than English.
YES_NO = {
    "ar": ("نعم", "لا"), "bg": ("Да", "Не"), "bn": ("হ্যাঁ", "না"), "ca": ("Sí", "No"),
    "cs": ("Ano", "Ne"), "da": ("Ja", "Nej"), "de": ("Ja", "Nein"), "el": ("Ναι", "Όχι"),
    "en": ("Yes", "No"), "es": ("Sí", "No"), "et": ("Jah", "Ei"), "eu": ("Bai", "Ez"),
    "fi": ("Kyllä", "Ei"), "fil": ("Oo", "Hindi"), "fr": ("Oui", "Non"), "gl": ("Si", "Non"),
    "he": ("כן", "לא"), "hi": ("हाँ", "नहीं"), "hr": ("Da", "Ne"), "hu": ("Igen", "Nem"),
    "id": ("Ya", "Tidak"), "it": ("Sì", "No"), "ja": ("はい", "いいえ"), "ko": ("예", "아니요"),
    "lt": ("Taip", "Ne"), "lv": ("Jā", "Nē"), "ms": ("Ya", "Tidak"), "nb": ("Ja", "Nei"),
    "nl": ("Ja", "Nee"), "pl": ("Tak", "Nie"), "pt": ("Sim", "Não"), "ro": ("Da", "Nu"),
    "ru": ("Да", "Нет"), "sk": ("Áno", "Nie"), "sl": ("Da", "Ne"), "sr": ("Да", "Не"),
    "sv": ("Ja", "Nej"), "sw": ("Ndiyo", "Hapana"), "th": ("ใช่", "ไม่"), "tr": ("Evet", "Hayır"),
    "uk": ("Так", "Ні"), "ur": ("ہاں", "نہیں"), "vi": ("Có", "Không"), "zh": ("是", "否"),
}  # fmt: skip
# Tags around which the text breaks into lines.
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "div",
        "dl",
        "dt",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
_IGNORED_TAGS = frozenset(("script", "style", "head", "title", "template", "noscript"))


def format_value(record, name, language):
    """The value of `record[name]` as text for a message; '' for none.

    Read with the rights of `record`'s environment.

    :param record: one record
    :param name: one of its fields
    :param language: of the message, as Meta names it: es, es_AR
    :raise AccessError: the field may not be read
    """
    record = record.with_context(lang=_odoo_language(record.env, language))
    field, value = record._fields[name], record[name]
    if field.type == "boolean":
        return _format_boolean(value, language)
    if field.relational:
        # The cache also returns records that another user has read.
        value = value._origin._filtered_access("read")
    if value is None or value is False:
        return ""
    write = _FORMATTERS.get(field.type)
    return (
        visible_text(write(record, field, value, _locale(language, record.env.lang)))
        if write
        else ""
    )


def html_to_text(html):
    """The text of an HTML value as a browser shows it, with the addresses of links.

    A link whose text is not its address is followed by it: "our offer (https://shop.example)".
    """
    # The parser refuses control characters, and would apply a declared encoding.
    source = visible_text(str(html or ""))
    if not source:
        return ""
    try:
        tree = lxml.html.document_fromstring(
            source.encode(), parser=lxml.html.HTMLParser(encoding="utf-8")
        )
    except etree.ParserError:  # nothing but comments
        return ""
    parts = []
    _collect_texts(tree, parts)
    lines = (" ".join(line.split()) for line in visible_text("".join(parts)).split("\n"))
    return "\n".join(filter(None, lines))


def _collect_texts(node, parts):
    """Append the texts of a node to the list `parts`, in reading order."""
    if not isinstance(node.tag, str) or node.tag in _IGNORED_TAGS:
        return
    if node.tag == "br" or node.tag in _BLOCKS:
        parts.append("\n")
    start = len(parts)
    # Line breaks of the source are shown as blanks.
    parts.append(" ".join((node.text or "").split("\n")))
    for child in node:
        _collect_texts(child, parts)
        parts.append(" ".join((child.tail or "").split("\n")))
    if node.tag == "a" and (address := _link_address(node, "".join(parts[start:]).strip())):
        parts.append(address)
    if node.tag in _BLOCKS:
        parts.append("\n")


def _link_address(link, words):
    """The address to add to a link's text, '' if the text already contains it."""
    href = visible_text(link.get("href") or "")
    target = href.removeprefix("mailto:").removeprefix("tel:")
    if not href.lower().startswith(("http://", "https://", "mailto:", "tel:")):
        return ""
    bare = target.split("://")[-1].rstrip("/")
    if bare in words:
        return ""
    return f" ({target})" if words else target


# === By type ===


def _format_records(_record, _field, value, _locale):
    """Names of the records, in their order, without empty ones."""
    names = (visible_text(linked.display_name or "") for linked in value)
    return ", ".join(filter(None, names))


def _format_reference(record, field, value, _locale):
    """A many2one_reference: an id whose model another field names."""
    model = record[field.model_field]
    if not value or model not in record.env:
        return ""
    return record.env[model].browse(value).exists().display_name or ""


def _format_selection(record, field, value, _locale):
    return dict(field._description_selection(record.env)).get(value) or ""


def _format_day(_record, _field, value, locale):
    """With the name of the month: "11/12/2026" is a different day in Boston and in Madrid."""
    return babel.dates.format_date(value, format="medium", locale=locale)


def _format_datetime(record, _field, value, locale):
    local = pytz.utc.localize(value).astimezone(_time_zone(record.env))
    pattern = babel.dates.get_datetime_format("medium", locale=locale)
    clock = babel.dates.format_time(local, format="short", locale=locale)
    return pattern.replace("'", "").format(clock, _format_day(None, None, local, locale))


def _format_amount(record, field, value, locale):
    currency = record[field.get_currency_field(record)] or record.env.company.currency_id
    return babel.numbers.format_currency(value, currency.name, locale=locale)


def _format_decimal(_record, _field, value, locale):
    return babel.numbers.format_decimal(value, locale=locale)


_FORMATTERS = {
    "char": lambda _record, _field, value, _locale: value,
    "text": lambda _record, _field, value, _locale: value,
    "html": lambda _record, _field, value, _locale: html_to_text(value),
    "integer": lambda _record, _field, value, _locale: str(value),
    "float": _format_decimal,
    "monetary": _format_amount,
    "date": _format_day,
    "datetime": _format_datetime,
    "selection": _format_selection,
    "many2one": _format_records,
    "one2many": _format_records,
    "many2many": _format_records,
    "reference": _format_records,
    "many2one_reference": _format_reference,
}  # Files, JSON and properties have no text.


# === Language and time zone ===


def _format_boolean(value, language):
    words = YES_NO.get((language or "").replace("-", "_").split("_")[0].lower())
    return words[0 if value else 1] if words else ""


def _odoo_language(env, language):
    """The installed language closest to a template's: its own, a variant (es_MX for es), ours."""
    installed = [code for code, _name in env["res.lang"].get_installed()]
    spoken = (language or "").replace("-", "_").split("_")[0]
    sisters = [code for code in installed if code.split("_")[0] == spoken]
    for code in (language, env.lang):
        if code in sisters:
            return code
    return sisters[0] if sisters else env.lang


def _locale(language, ours):
    """The babel.Locale of the template's language, else of ours, else English."""
    for code in (language, ours):
        try:
            return babel.Locale.parse(code or "")
        except (ValueError, babel.UnknownLocaleError):
            continue
    return babel.Locale("en")


def _time_zone(env):
    name = env.context.get("tz") or env.user.tz or env.company._waba_time_zone()
    try:
        return pytz.timezone(name.split(",")[0])
    except (AttributeError, pytz.UnknownTimeZoneError):
        return pytz.utc
