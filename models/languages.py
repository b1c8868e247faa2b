"""The language of what scheduled jobs write for people: their own user has none to speak of."""


def with_language(whose, records):
    """`records` in an environment that speaks that company's or user's language.

    :param whose: res.company or res.users; of several, the first decides
    """
    return records.with_context(lang=whose[:1].partner_id.lang)
