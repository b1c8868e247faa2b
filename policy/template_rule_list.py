"""What Meta asks of a template, as data: each rule with its limit, its source and the date.

`level` says how sure the rule is: an **error** is refused (documented, or an error code that many
have met; those with source "Ours" are mistakes in any case); a **warning** may be refused (sources
differ, or the rule is old or a third party's); an **advice** is our own reading.
docs/template-rules.md is written from these rows.
"""

from typing import NamedTuple

ERROR, WARNING, ADVICE = "error", "warning", "advice"

_META = "https://developers.facebook.com/documentation/business-messaging/whatsapp"


class Source(NamedTuple):
    """A page, and the date it was updated or, for one without a date, read."""

    page: str
    date: str
    address: str

    def __str__(self):
        return f"{self.page} ({self.date})"


SOURCES = {
    source.page: source
    for source in (
        Source("Meta, Template components", "2025-11-21", f"{_META}/templates/components"),
        Source("Meta, Template fundamentals", "2026-05-21", f"{_META}/templates/overview"),
        Source("Meta, Template review", "2025-10-31", f"{_META}/templates/template-review"),
        Source("Meta, Template management", "2026-05-21", f"{_META}/templates/template-management"),
        Source("Meta, Supported languages", "2026-05-21", f"{_META}/templates/supported-languages"),
        Source(
            "Meta, Template categorization",
            "2026-03-10",
            f"{_META}/templates/template-categorization",
        ),
        Source(
            "Meta, Media card carousel templates",
            "2026-06-24",
            f"{_META}/templates/marketing-templates/media-card-carousel-templates",
        ),
        Source(
            "Meta, Product card carousel templates",
            "2026-06-18",
            f"{_META}/catalogs/product-card-carousel-template-messages",
        ),
        Source(
            "Meta, Limited-time offer templates",
            "2026-06-17",
            f"{_META}/templates/marketing-templates/limited-time-offer-templates",
        ),
        Source(
            "Meta, Coupon code templates",
            "2026-05-28",
            f"{_META}/templates/marketing-templates/coupon-templates",
        ),
        Source(
            "Meta, Catalog templates",
            "2026-11-29",
            f"{_META}/catalogs/catalog-template-messages",
        ),
        Source("Meta, Flows templates", "2026-06-16", f"{_META}/flows/guides/flows-templates"),
        Source(
            "Meta, Copy code authentication templates",
            "2026-06-24",
            f"{_META}/templates/authentication-templates/copy-code-button-authentication-templates",
        ),
        Source("Meta, WhatsApp changelog", "2026-08-11", f"{_META}/changelog"),
        Source(
            "Meta, Business Messaging Policy",
            "2026-11-29",
            "https://business.whatsapp.com/policy",
        ),
        Source(
            "Meta, error 2388060",
            "2026-11-29",
            "https://github.com/glific/glific/issues/4383",
        ),
        Source("Meta, error 2388072", "2026-11-29", f"{_META}/support/error-codes"),
        Source("Meta, error 2388043", "2026-08-19", f"{_META}/support/error-codes"),
        Source(
            "Meta, error 2388081",
            "2026-06-24",
            "https://help.spurnow.com/en/articles/11999432",
        ),
        Source(
            "Syniverse, Too many parameters",
            "2026-11-29",
            "https://sdcsupport.syniverse.com/hc/en-us/articles/30569685832471",
        ),
        Source(
            "Maqsam, Templates with variables",
            "2026-11-29",
            "https://support.maqsam.com/creating-whatsapp-templates-with-variables",
        ),
        Source(
            "Twilio, error 63040",
            "2026-05-04",
            "https://www.twilio.com/docs/api/errors/63040",
        ),
        Source(
            "Bird, Guidelines and restrictions",
            "2026-11-29",
            "https://docs.bird.com/applications/content/message-templates/concepts/"
            "whatsapp-message-templates/whatsapp-business-template-guidelines-and-restrictions",
        ),
        Source(
            "Gupshup, Template buttons",
            "2025-11-03",
            "https://docs.gupshup.io/docs/template-button-list",
        ),
        Source(
            "Gupshup, Request contact info",
            "2026-09-10",
            "https://partner-docs.gupshup.io/reference/createrequestcontactinfotemplate-1",
        ),
        Source(
            "360dialog, Media carousel",
            "2026-11-29",
            "https://docs.360dialog.com/docs/waba-messaging/interactive-messages/"
            "interactive-media-carousel-messages",
        ),
        Source(
            "EasySocial, Guidelines",
            "2026-11-29",
            "https://easysocial.io/docs/guidelines",
        ),
        Source("Ours", "2026-11-29", ""),
    )
}


class Rule(NamedTuple):
    """One rule. `limit` is the figure it holds a template to, None without one.

    :param text: what it says, for the table in docs
    """

    key: str
    level: str
    source: Source
    text: str
    limit: int | None = None


def _rules(page: str, *rows) -> list[Rule]:
    source = SOURCES[page]
    return [Rule(key, level, source, text, *limit) for key, level, text, *limit in rows]


_OF_NAMES = (
    *_rules(
        "Meta, Template fundamentals",
        ("name_missing", ERROR, "A template has a name."),
        ("name_characters", ERROR, "A name has lower-case letters a-z, digits and underscores."),
        ("name_length", ERROR, "Longest name.", 512),
        ("name_taken", ERROR, "A name is used once per language."),
        ("format_unknown", ERROR, "Variables are positional or named."),
        ("category_unknown", ERROR, "A template is marketing, utility or authentication."),
    ),
    *_rules(
        "Meta, Supported languages",
        ("language_missing", ERROR, "A template has a language."),
        ("language_unknown", ERROR, "The language is one of Meta's list."),
    ),
    *_rules(
        "Meta, Template management",
        ("name_locked", ERROR, "Days for which a deleted template locks its name.", 30),
        ("name_fixed", ERROR, "The name of a template cannot be edited."),
        ("language_fixed", ERROR, "The language of a template cannot be edited."),
        ("category_fixed", ERROR, "The category of an approved template cannot be edited."),
        ("status_not_editable", ERROR, "Only approved, rejected or paused ones can be edited."),
        ("edits_per_day", ERROR, "Edits of an approved template in 24 hours.", 1),
        ("edits_per_month", ERROR, "Edits of an approved template in 30 days.", 10),
    ),
    *_rules(
        "Meta, Template review",
        (
            "duplicate_content",
            ERROR,
            "Body and footer are not those of another template in the same language.",
        ),
    ),
)  # fmt: skip
_OF_TEXTS = (
    *_rules(
        "Meta, Template components",
        ("component_unknown", ERROR, "Only components of Meta's list."),
        ("component_repeated", ERROR, "Each component once."),
        ("body_missing", ERROR, "A template has a body with text."),
        ("text_missing", ERROR, "A text header, a footer and an offer have text."),
        ("body_length", ERROR, "Longest body.", 1024),
        ("header_length", ERROR, "Longest text header.", 60),
        ("footer_length", ERROR, "Longest footer.", 60),
        ("header_format", ERROR, "Header: text, image, video, GIF, document or location."),
        ("header_variables", ERROR, "Variables in a text header.", 1),
        ("header_sample", ERROR, "A header with media has a sample."),
        ("footer_variables", ERROR, "A footer has no variables."),
        ("sample_missing", ERROR, "Each variable has a sample."),
        ("header_gif", WARNING, "A GIF is sent by the Marketing Messages API only."),
        ("header_product", ERROR, "A product header and the button View go together."),
    ),
    *_rules(
        "Meta, error 2388043",
        ("sample_unexpected", ERROR, "As many samples as variables: none without variables."),
    ),
    *_rules(
        "Meta, Template review",
        ("variable_malformed", ERROR, "Braces in pairs, nothing but the name in between: {{1}}."),
        ("variable_mixed", ERROR, "Variables are numbers (positional) or names (named)."),
        ("variable_skipped", ERROR, "Numbers run from {{1}} without a gap."),
        ("variable_edge", ERROR, "A body neither starts nor ends with a variable (2388299)."),
    ),
    *_rules(
        "Ours",
        ("variable_name", ERROR, "A name of a variable has a-z, digits and _, no digit first."),
    ),
    *_rules(
        "Syniverse, Too many parameters",
        (
            "variable_ratio",
            ERROR,
            "Words needed for each variable, besides one more (2388293). Meta gives no figure; "
            "three providers measured this one.",
            2,
        ),
    ),
    *_rules(
        "Maqsam, Templates with variables",
        ("variable_edge_mark", WARNING, "A variable at the edge of a body but for punctuation."),
        ("variable_adjacent", WARNING, "Two variables with nothing but blanks in between."),
    ),
    *_rules(
        "Meta, error 2388072",
        ("header_break", ERROR, "A text header is one line."),
        ("header_emoji", ERROR, "A text header has no emoji."),
        ("header_markup", ERROR, "A text header has no formatting characters: * _ ~ `."),
    ),
    *_rules(
        "Twilio, error 63040",
        ("footer_break", ERROR, "A footer is one line."),
        ("footer_emoji", WARNING, "A footer has no emoji."),
    ),
    *_rules(
        "Bird, Guidelines and restrictions",
        ("body_long", WARNING, "Length of a body from which Meta refuses some accounts.", 550),
        ("body_emoji", WARNING, "Most emoji in a body.", 10),
        ("header_edge", WARNING, "A text header neither starts nor ends with a variable."),
    ),
    *_rules(
        "EasySocial, Guidelines",
        ("body_blanks", WARNING, "Line breaks, tabs or blanks in a row: refused from.", 4),
    ),
)  # fmt: skip
_OF_BUTTONS = (
    *_rules(
        "Meta, Template components",
        ("buttons_missing", ERROR, "The component for buttons has some."),
        ("buttons_count", ERROR, "Most buttons.", 10),
        ("button_unknown", ERROR, "Only types of Meta's list."),
        ("button_urls", ERROR, "Most website buttons.", 2),
        ("button_phones", ERROR, "Most call buttons.", 1),
        ("button_codes", ERROR, "Most copy code buttons.", 1),
        ("quick_replies_split", ERROR, "Quick replies stand together."),
        ("label_missing", ERROR, "A button has a label."),
        ("label_length", ERROR, "Longest label.", 25),
        ("url_missing", ERROR, "A website button has an address."),
        ("url_length", ERROR, "Longest address.", 2000),
        ("url_variable", ERROR, "An address has one variable at most, at its end."),
        ("url_variable_name", WARNING, "The variable of an address is {{1}}."),
        ("phone_missing", ERROR, "A call button has a phone number."),
        ("phone_length", ERROR, "Longest phone number.", 20),
        ("phone_format", WARNING, "A phone number has + and the country code."),
    ),
    *_rules(
        "Meta, error 2388060",
        ("label_variables", ERROR, "A label has no variables."),
        ("label_break", ERROR, "A label is one line."),
        ("label_emoji", ERROR, "A label has no emoji."),
        ("label_markup", ERROR, "A label has no formatting characters: * _ ~ `."),
    ),
    *_rules(
        "Ours",
        ("url_invalid", ERROR, "An address starts with https:// or http:// and has a domain."),
        ("phone_invalid", ERROR, "A phone number has digits and separators, five digits or more."),
        ("label_duplicate", ERROR, "No two buttons have the same label."),
        ("button_flows", ERROR, "Most flow buttons.", 1),
    ),
    *_rules(
        "Meta, error 2388081",
        ("url_whatsapp", ERROR, "A website button does not lead to WhatsApp (wa.me)."),
    ),
    *_rules(
        "Meta, WhatsApp changelog",
        ("code_length", ERROR, "Longest code to copy (since 2025-12-03).", 20),
    ),
    *_rules(
        "Meta, Coupon code templates",
        ("code_missing", ERROR, "A copy code button has a sample code."),
        ("code_long", WARNING, "Longest code by Meta's older pages.", 15),
        ("code_category", WARNING, "Codes to copy belong to marketing."),
    ),
    *_rules(
        "Meta, Flows templates",
        ("flow_missing", ERROR, "A flow button names its flow, in one way."),
        ("flow_label", WARNING, "Length from which labels of flows are cut.", 20),
    ),
    *_rules(
        "Gupshup, Template buttons",
        ("button_alone", ERROR, "A button for a catalog, products or a sign-in code is alone."),
        ("button_category", ERROR, "Catalogs, products: marketing. Codes: authentication."),
    ),
    *_rules(
        "Gupshup, Request contact info",
        ("contact_alone", ERROR, "A button that asks for contact info is the only one."),
    ),
)  # fmt: skip
_OF_KINDS = (
    *_rules(
        "Meta, Media card carousel templates",
        ("carousel_category", ERROR, "Carousels are marketing."),
        ("carousel_extra", ERROR, "A carousel has a body before it and nothing else."),
        ("cards_few", ERROR, "Fewest cards.", 2),
        ("cards_many", ERROR, "Most cards.", 10),
        ("card_parts", ERROR, "A card has a header, a body and buttons."),
        ("card_structure", ERROR, "All cards have the same components and buttons."),
        ("card_header", ERROR, "Each card has an image or a video with a sample, or a product."),
        ("card_body_length", ERROR, "Longest body of a card.", 160),
        ("card_buttons", ERROR, "Most buttons of a card.", 2),
        ("card_button_type", ERROR, "Buttons of a card: quick reply, website or call."),
        ("card_no_buttons", WARNING, "A card has a button (Meta's older page)."),
        ("card_variable", WARNING, "Variables of a card as those of a body."),
    ),
    *_rules(
        "Meta, Product card carousel templates",
        ("product_card", ERROR, "A product card has one button, View or a website, and no body."),
    ),
    *_rules(
        "360dialog, Media carousel",
        ("card_breaks", WARNING, "Most line breaks in a body of a card.", 2),
    ),
    *_rules(
        "Meta, Limited-time offer templates",
        ("offer_category", ERROR, "Limited-time offers are marketing."),
        ("offer_length", ERROR, "Longest text of an offer.", 16),
        ("offer_variables", ERROR, "The text of an offer has no variables."),
        ("offer_body_length", ERROR, "Longest body with an offer.", 600),
        ("offer_footer", ERROR, "No footer with an offer."),
        ("offer_header", ERROR, "Header with an offer: image or video."),
        ("offer_buttons", ERROR, "With an offer: a copy code button or none, then a website."),
        ("offer_code", WARNING, "An offer that expires has a copy code button."),
    ),
    *_rules(
        "Meta, Catalog templates",
        ("catalog_header", WARNING, "The header of a catalog message is Meta's own."),
    ),
    *_rules(
        "Ours",
        ("products_header", WARNING, "A message with products has a text header."),
    ),
    *_rules(
        "Meta, Copy code authentication templates",
        ("auth_text", ERROR, "The texts of an authentication template are Meta's own."),
        ("auth_header", ERROR, "No header, media, links or emoji in an authentication template."),
        ("auth_button", ERROR, "An authentication template has one button, for the code."),
        ("auth_app", ERROR, "Autofill names the app: package_name and signature_hash."),
        ("auth_terms", ERROR, "For zero-tap codes the terms are accepted."),
        ("auth_expiry", ERROR, "Most minutes until a code expires (at least 1).", 90),
    ),
)  # fmt: skip
_OF_CONTENT = (
    *_rules(
        "Meta, Template categorization",
        ("category_marketing", ADVICE, "A sentence that makes a template marketing."),
    ),
    *_rules(
        "Meta, Business Messaging Policy",
        ("no_way_out", WARNING, "A promotion says how to opt out."),
        ("content_threat", WARNING, "No threats, such as of legal action."),
        ("content_identity", WARNING, "No request for card numbers, ids or passwords."),
        ("content_gambling", WARNING, "No lotteries, casinos or bets."),
        ("content_loans", WARNING, "No quick loans."),
        ("content_restricted", WARNING, "No alcohol, tobacco, drugs, weapons or adult content."),
        ("content_money", WARNING, "No promises of easy money, no cryptocurrencies."),
        ("content_health", WARNING, "No medicines or promises of weight loss."),
        ("content_abuse", WARNING, "No insults."),
    ),
    *_rules(
        "Meta, Template review",
        ("url_shortened", WARNING, "No shortened links: nobody sees where they lead."),
        ("text_whatsapp_link", WARNING, "No links to WhatsApp (wa.me) in the text."),
        ("text_placeholder", WARNING, "No placeholder text left, such as xxx."),
        ("text_braces", WARNING, "A variable is {{1}}, not {1}, [1] or %1."),
    ),
    *_rules(
        "Ours",
        ("text_capitals", ADVICE, "A sentence in capitals is reported more often."),
        ("filled_empty", ERROR, "A variable is never empty when it is sent (131008)."),
        ("filled_value", ERROR, "A value has no line break, tab or row of blanks (132018)."),
    ),
)  # fmt: skip

RULES = {
    rule.key: rule for rule in (*_OF_NAMES, *_OF_TEXTS, *_OF_BUTTONS, *_OF_KINDS, *_OF_CONTENT)
}


def limit_of(key: str) -> int:
    """Return the figure of a rule that has one."""
    return RULES[key].limit
