"""Which address leads to a tracked link, what its end looks like, and whose request is a click."""

import re
from functools import lru_cache

from crawleruseragents import is_crawler

# A link's code and a message's token in one segment: Meta appends the variable to the address as
# it is, and what it does to a slash is written nowhere.
SUFFIX = re.compile(r"(?P<code>[A-Za-z0-9]{1,32})-(?P<token>[A-Za-z0-9_-]{16})")
# Odoo's own short address and ours; a template is approved for one of them.
PATHS = ("/r/{{1}}", "/waba/r/{{1}}")

# How browsers have introduced themselves since 1994, and the few phones that do not do as others:
# Opera Mini, UC Browser, the browsers of feature phones. HTTP libraries give their own name.
_BROWSER = re.compile(
    r"Mozilla/\d\.\d \((?!compatible\))[^)]{3,}|Opera/\d|UCWEB/|(?:BlackBerry|Nokia|SonyEricsson"
    r"|SAMSUNG-|LG-|LGE-|MOT-|Alcatel|ZTE|HUAWEI|JUC)[\w-]*[ /]"
)
# What a page opened inside WhatsApp ends with; its preview fetcher begins with it, and has nothing
# else (crawler-user-agents takes both for the fetcher).
_INSIDE_WHATSAPP = re.compile(r"(?<=.)[ \[;](?:FBAN/)?WhatsApp\b[^ \]]*")
# Not in crawler-user-agents 1.67: what calls itself a browser and says further on what it is. Mail
# and address scanners (Proofpoint, Barracuda, VirusTotal, urlscan), Windows' HTTP library, Meta's
# agents (developers.facebook.com/docs/sharing/webmasters/web-crawlers, 2026-09), and the words by
# which most others go. "Cubot" makes phones.
_OTHER_MACHINES = re.compile(
    r"proofpoint|barracuda|mimecast|virustotal|urlscan|safelinks|trendmicro|sophos|fortinet"
    r"|WinHttpRequest|meta-external|facebookcatalog|Lighthouse"
    r"|(?<!cu)bot\b|\b(?:crawler|spider|preview|scanner)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#\s]+)(?P<rest>[/?#]\S*(?: \S+)*)?", re.I)
PREFETCH_WORDS = ("prefetch", "preview", "prerender")


def suffix(code, token):
    """The end of a tracked address: which link, and for which message."""
    text = f"{code}-{token}"
    if not SUFFIX.fullmatch(text):
        raise ValueError(f"not the parts of a tracked address: {text!r}")
    return text


def split_suffix(text):
    """(code, token) of the end of a tracked address; ('', '') when it is none of ours."""
    found = SUFFIX.fullmatch(text or "")
    return (found["code"], found["token"]) if found else ("", "")


def is_click(method, user_agent, purposes=()):
    """Whether a request for a tracked address is a person's.

    :param purposes: values of the headers Purpose, Sec-Purpose and X-Moz, as far as given
    """
    if method != "GET" or not user_agent:
        return False
    if any(word in (purpose or "").lower() for purpose in purposes for word in PREFETCH_WORDS):
        return False
    return is_browser(user_agent)


@lru_cache(maxsize=1024)
def is_browser(user_agent):
    """Whether a person looks through this: no HTTP library, link preview, crawler or scanner."""
    if not _BROWSER.match(user_agent):
        return False
    known_as = _INSIDE_WHATSAPP.sub("", user_agent)
    return not is_crawler(known_as) and not _OTHER_MACHINES.search(known_as)


def leads_to_us(address, our_base):
    """Whether a button's address, as the template holds it, is our own short address.

    :param address: such as 'https://shop.example/r/{{1}}'
    :param our_base: such as 'https://shop.example'; the scheme is not compared
    """
    theirs, ours = ADDRESS.fullmatch(address or ""), ADDRESS.fullmatch(our_base or "")
    return (
        bool(theirs and ours)
        and theirs["host"].lower() == ours["host"].lower()
        and (theirs["rest"] or "").replace(" ", "") in PATHS
    )


def is_target(address):
    """Whether people can be led to this address."""
    found = ADDRESS.fullmatch((address or "").strip())
    return bool(found) and "." in found["host"].split(":")[0]
