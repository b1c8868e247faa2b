"""Which language version of a template a person gets.

Called when a campaign's rows are made, by its preview and its pre-flight check.
"""

# Languages whose regions are written differently: one cannot stand for the other.
_WRITTEN_DIFFERENTLY = {
    "zh": {"CN": "simplified", "SG": "simplified", "TW": "traditional", "HK": "traditional"}
}


def choose_language(wanted, available):
    """Return the version for a person, or None when none of their languages is there.

    The first wanted language with a version wins: in its own region, else without a region, else
    in another region (es_AR for es_MX), in alphabetical order.

    :param wanted: codes of the person's languages, the most likely first: 'es_MX', 'es', ''
    :param available: codes of the versions, as Meta names them: 'es', 'es_AR', 'pt_BR'
    """
    for code in filter(None, wanted):
        language = _base(code)
        close = [one for one in available if _base(one) == language and _reads(code, one)]
        if close:
            return min(close, key=lambda one: (one != code, one != language, one))
    return None


def _base(code):
    return code.split("_")[0].lower()


def _reads(code, other):
    """Whether who reads the one also reads the other, of two codes of the same language."""
    scripts = _WRITTEN_DIFFERENTLY.get(_base(code))
    if not scripts or code == other:
        return True
    mine = scripts.get(code.partition("_")[2])
    return bool(mine) and mine == scripts.get(other.partition("_")[2])
