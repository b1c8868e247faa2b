"""Tools: what is wrong with a template, as text: what happened, what it means, what to do.

Called by the template editor for the findings of policy.template_rules. The rules are ours as read
from Meta's pages; no text says that Meta decided something.
"""

import re

from odoo.tools import LazyTranslate

from .moments import moment_text
from .reputation_texts import format_number

_lt = LazyTranslate(__name__)

_TOO_LONG = _lt(
    "%(length)s of %(limit)s characters. Meta refuses longer texts: shorten it by %(over)s."
)
_NO_VARIABLES = _lt("Variables are not possible here. Write plain text.")
_ONE_LINE = _lt("A line break is not possible here. Write one line.")
_NO_EMOJI = _lt("Emoji are not possible here. Move them to the body.")
_NO_MARKUP = _lt("Formatting characters are not possible here. Remove * _ ~ and `.")
_ALONE = _lt("This button must be the only one. Remove the others.")
_MARKETING_ONLY = _lt("Possible in marketing templates only. Change the category or remove it.")
_REFUSED_TOPIC = _lt("“%(quote)s” may be rejected: %(topic)s. Rewrite it.")

FINDING_TEXTS = {
    # Name, language, category
    "name_missing": _lt("No name. Enter one, such as spring_offer."),
    "name_characters": _lt("The name can have lower-case letters, digits and underscores only."),
    "name_length": _TOO_LONG,
    "name_taken": _lt("A template with this name and language exists. Choose another name."),
    "name_locked": _lt(
        "This name is locked until %(until)s: an approved template with it was deleted. Choose "
        "another name."
    ),
    "name_fixed": _lt(
        "A template cannot be renamed. Keep “%(name)s” or create a new template."
    ),
    "language_missing": _lt("No language. Choose the language of the text."),
    "language_unknown": _lt("WhatsApp has no templates in “%(name)s”. Choose another language."),
    "language_fixed": _lt(
        "The language cannot be changed. Keep “%(name)s” or add a language variant."
    ),
    "category_unknown": _lt("No category. Choose Promotion or Service message."),
    "category_fixed": _lt(
        "The category of an approved template cannot be changed. Create a new template."
    ),
    "format_unknown": _lt("Variables are numbered or named. Choose one of the two."),
    "status_not_editable": _lt(
        "Not editable now: only approved, rejected and paused templates are. Wait for the review "
        "or create a new template."
    ),
    "edits_per_day": _lt(
        "Already edited in the last 24 hours. Next edit: %(until)s."
    ),
    "edits_per_month": _lt(
        "Edited %(count)s times in the last 30 days, of %(limit)s. Next edit: %(until)s."
    ),
    "duplicate_content": _lt(
        "Body and footer are the same as in “%(name)s”. Meta rejects duplicates: change the text "
        "or use that template."
    ),
    # Texts
    "component_unknown": _lt("“%(name)s” is no part of a template. Remove it."),
    "component_repeated": _lt("Only one is possible. Remove the second."),
    "body_missing": _lt("No body. Write the message."),
    "text_missing": _lt("No text. Write one or remove this part."),
    "body_length": _TOO_LONG,
    "header_length": _TOO_LONG,
    "footer_length": _TOO_LONG,
    "header_format": _lt("Not a header. Choose text, image, video, document or location."),
    "header_variables": _lt("A header can have one variable. Remove the others."),
    "header_sample": _lt("No sample file. Upload one: Meta reviews the template with it."),
    "header_gif": _lt(
        "GIFs are sent by the Marketing Messages API only. Choose an image or a video otherwise."
    ),
    "header_markup": _NO_MARKUP,
    "label_markup": _NO_MARKUP,
    "header_product": _lt(
        "A product as header needs the button View, and the button needs it. Add or remove both."
    ),
    "header_edge": _lt("The header starts or ends with a variable. Add a word around it."),
    "footer_variables": _NO_VARIABLES,
    "sample_missing": _lt("No sample for {{%(name)s}}. Enter one: Meta reviews the text with it."),
    "sample_unexpected": _lt("More samples than variables. Remove those without a variable."),
    "variable_malformed": _lt("Braces do not match. Write variables as {{1}}, without blanks."),
    "variable_name": _lt(
        "{{%(name)s}} is not a valid name. Use lower-case letters, underscores and digits after "
        "them."
    ),
    "variable_mixed": _lt(
        "{{%(name)s}} does not fit: use either numbers or names in the whole template."
    ),
    "variable_skipped": _lt("{{%(name)s}} is missing. Number the variables without a gap."),
    "variable_edge": _lt(
        "The body starts or ends with a variable, which Meta refuses. Add text around it."
    ),
    "variable_edge_mark": _lt(
        "Only punctuation stands beside the first or last variable. Meta may refuse it: add a word."
    ),
    "variable_adjacent": _lt(
        "Two variables stand side by side. Meta may refuse them: put a word in between."
    ),
    "variable_ratio": _lt(
        "Too few words beside the variables: %(missing)s missing. Add text, or remove a variable."
    ),
    "header_break": _ONE_LINE,
    "footer_break": _ONE_LINE,
    "label_break": _ONE_LINE,
    "header_emoji": _NO_EMOJI,
    "label_emoji": _NO_EMOJI,
    "footer_emoji": _lt("Meta may refuse emoji here. Move them to the body."),
    "body_long": _lt(
        "%(length)s characters. Meta refuses more than %(limit)s on some accounts: shorten it if "
        "this one is rejected."
    ),
    "body_emoji": _lt("%(count)s emoji. Meta may reject more than %(limit)s: remove some."),
    "body_blanks": _lt("Too many blank lines or spaces in a row. Remove some."),
    # Buttons
    "buttons_missing": _lt("No buttons. Add one or remove this part."),
    "buttons_count": _lt("%(count)s of %(limit)s buttons. Remove some."),
    "button_unknown": _lt("Not a button that is possible here. Choose another type."),
    "button_urls": _lt("%(count)s of %(limit)s website buttons. Remove some."),
    "button_phones": _lt("Only one call button is possible. Remove the others."),
    "button_codes": _lt("Only one copy code button is possible. Remove the others."),
    "button_flows": _lt("Only one flow button is possible. Remove the others."),
    "quick_replies_split": _lt("Quick replies must be next to each other. Move them together."),
    "label_missing": _lt("No label. Enter one."),
    "label_length": _TOO_LONG,
    "label_variables": _NO_VARIABLES,
    "label_duplicate": _lt("Two buttons are called “%(name)s”. Rename one."),
    "url_missing": _lt("No address. Enter one that starts with https://."),
    "url_invalid": _lt("Not a web address. Enter one such as https://www.example.com/offer."),
    "url_length": _TOO_LONG,
    "url_variable": _lt("An address can have one variable, at its end. Move or remove it."),
    "url_variable_name": _lt("The variable of an address is usually {{1}}. Rename it."),
    "url_whatsapp": _lt(
        "Meta refuses buttons that lead to WhatsApp. Use a quick reply or your own website."
    ),
    "url_shortened": _lt(
        "%(name)s hides where the link leads. Meta may reject it: use your own domain."
    ),
    "phone_missing": _lt("No phone number. Enter one with its country code."),
    "phone_length": _TOO_LONG,
    "phone_invalid": _lt("Not a phone number. Enter digits with the country code."),
    "phone_format": _lt("The number may not work. Write + and the country code first."),
    "code_missing": _lt("No sample code. Enter one, such as SPRING20."),
    "code_length": _TOO_LONG,
    "code_long": _lt(
        "%(length)s characters. Some of Meta's pages allow %(limit)s only: shorten it if the "
        "template is rejected."
    ),
    "code_category": _lt("Codes to copy belong to marketing. Change the category or remove it."),
    "flow_missing": _lt("No flow, or more than one. Enter the ID of one flow."),
    "flow_label": _lt("%(length)s characters. Phones may cut labels after %(limit)s: shorten it."),
    "button_alone": _ALONE,
    "contact_alone": _ALONE,
    "button_category": _lt("Not possible in this category. Change the category or the button."),
    # Kinds
    "carousel_category": _MARKETING_ONLY,
    "carousel_extra": _lt("A carousel has a body and cards only. Remove this part."),
    "cards_few": _lt("%(count)s cards. A carousel has at least %(limit)s: add some."),
    "cards_many": _lt("%(count)s of %(limit)s cards. Remove some."),
    "card_parts": _lt("A card has an image or video, a text and buttons. Remove the rest."),
    "card_structure": _lt(
        "This card differs from the first. All cards need the same parts and button types."
    ),
    "card_header": _lt("No image or video. Upload one: every card needs it."),
    "card_body_length": _TOO_LONG,
    "card_buttons": _lt("%(count)s of %(limit)s buttons. Remove some."),
    "card_button_type": _lt("Cards can have quick replies, websites and calls. Choose one."),
    "card_no_buttons": _lt("No button. Meta may refuse cards without one: add it to every card."),
    "card_variable": _lt(
        "A variable stands at the edge, or the text is too short for it. Add words around it."
    ),
    "card_breaks": _lt("More than %(limit)s line breaks. Cards may be cut: remove some."),
    "product_card": _lt("A product card has one button and no text. Remove the rest."),
    "offer_category": _MARKETING_ONLY,
    "offer_length": _TOO_LONG,
    "offer_variables": _NO_VARIABLES,
    "offer_body_length": _TOO_LONG,
    "offer_footer": _lt("A limited-time offer has no footer. Remove it."),
    "offer_header": _lt("A limited-time offer has an image or a video. Change the header."),
    "offer_buttons": _lt(
        "An offer has a copy code button or none, then a website. Change the buttons."
    ),
    "offer_code": _lt("No copy code button. Offers that expire usually have one: add it."),
    "catalog_header": _lt("Catalog messages have a header of their own. Remove this one."),
    "products_header": _lt("No text header. Messages with products usually need one: add it."),
    "auth_text": _lt("WhatsApp writes the text of authentication templates. Remove it."),
    "auth_header": _lt("Authentication templates have no header or media. Remove it."),
    "auth_button": _lt("An authentication template has one button, for the code. Add only that."),
    "auth_app": _lt("Autofill needs the app. Enter its package name and signature hash."),
    "auth_terms": _lt("Zero-tap codes need Meta's terms. Accept them first."),
    "auth_expiry": _lt("A code expires after 1 to %(limit)s minutes. Enter a whole number."),
    # What it says
    "category_marketing": _lt(
        "“%(quote)s” reads like marketing. Meta decides the category: remove the sentence, or "
        "choose Promotion."
    ),
    "no_way_out": _lt(
        "No way to opt out. Add a quick reply such as “Stop promotions”: recipients who cannot "
        "opt out block the number."
    ),
    "text_whatsapp_link": _lt("Meta may reject links to WhatsApp. Use your own website."),
    "text_placeholder": _lt("“%(quote)s” looks unfinished. Replace it."),
    "text_braces": _lt("“%(quote)s” is sent as it is. Write variables as {{1}}."),
    "text_capitals": _lt("“%(quote)s” is in capitals, which is reported more often. Rewrite it."),
    # With data
    "filled_empty": _lt("{{%(name)s}} is empty. Meta refuses the message: set a fallback."),
    "filled_value": _lt(
        "{{%(name)s}} has a line break, a tab or many blanks. Meta refuses the message: clean "
        "the field."
    ),
}  # fmt: skip
TOPICS = {
    "content_threat": _lt("threats are not allowed"),
    "content_identity": _lt("asking for card numbers, IDs or passwords is not allowed"),
    "content_gambling": _lt("gambling and lotteries are restricted"),
    "content_loans": _lt("quick loans are restricted"),
    "content_restricted": _lt("alcohol, tobacco, drugs, weapons and adult content are restricted"),
    "content_money": _lt("promises of easy money and cryptocurrencies are restricted"),
    "content_health": _lt("medicines and weight loss are restricted"),
    "content_abuse": _lt("insults are not allowed"),
}
PLACES = {
    "template": _lt("Template"),
    "name": _lt("Name"),
    "language": _lt("Language"),
    "category": _lt("Category"),
    "header": _lt("Header"),
    "body": _lt("Body"),
    "footer": _lt("Footer"),
    "offer": _lt("Offer"),
    "buttons": _lt("Buttons"),
    "carousel": _lt("Carousel"),
}
_LONGEST_QUOTE = 80


def finding_text(env, finding):
    """Return what happened, what it means and what to do, in the user's language.

    :param finding: policy.template_findings.Finding
    """
    figures = {key: _figure(env, value) for key, value in finding.figures.items()}
    sentence = env._(FINDING_TEXTS.get(finding.key, _REFUSED_TOPIC))
    if finding.key in TOPICS:
        figures["topic"] = env._(TOPICS[finding.key])
    return sentence % figures


def _figure(env, value):
    if isinstance(value, int):
        return format_number(env, value)
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_QUOTE else value[: _LONGEST_QUOTE - 1] + "…"
    return moment_text(env, value)


def place_text(env, place):
    """'Header', 'Button 2', 'Card 1: Body': a finding's place, counted from 1.

    :param place: of policy.template_findings.Finding
    """
    card, _, rest = place.rpartition(".")
    if card:
        return f"{place_text(env, card)}: {place_text(env, rest)}"
    numbered = re.fullmatch(r"(card|button):(\d+)", place)
    if not numbered:
        return env._(PLACES[place])
    number = int(numbered[2]) + 1
    if numbered[1] == "card":
        return env._("Card %(number)s", number=number)
    return env._("Button %(number)s", number=number)
