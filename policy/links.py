"""Tracked links: their address, its suffix, and which requests are clicks."""

import re
from functools import lru_cache

from crawleruseragents import is_crawler

# A link's code and a message's token in one segment: Meta appends the variable to the address as it
# is, and what it does with a slash is not documented.
SUFFIX = re.compile(r"(?P<code>[A-Za-z0-9]{1,32})-(?P<token>[A-Za-z0-9_-]{16})")
# Odoo's own short address and ours; a template is approved for one of them.
PATHS = ("/r/{{1}}", "/waba/r/{{1}}")
PREFERENCE_PATHS = ("/waba/preferences/{{1}}",)

# User agents of browsers since 1994, and of the few phones that differ: Opera Mini, UC Browser, the
# browsers of feature phones. HTTP libraries use their own name.
_BROWSER = re.compile(
    r"Mozilla/\d\.\d \((?!compatible\))[^)]{3,}|Opera/\d|UCWEB/|(?:BlackBerry|Nokia|SonyEricsson"
    r"|SAMSUNG-|LG-|LGE-|MOT-|Alcatel|ZTE|HUAWEI|JUC)[\w-]*[ /]"
)
# Suffix of WhatsApp's own browser; its preview fetcher begins with it and has nothing else
# (crawler-user-agents takes both for the fetcher).
_INSIDE_WHATSAPP = re.compile(r"(?<=.)[ \[;](?:FBAN/)?WhatsApp\b[^ \]]*")
# Not in crawler-user-agents 1.67: agents that claim to be a browser and say further on what they
# are. Mail and address scanners (Proofpoint, Barracuda, VirusTotal, urlscan), Windows' HTTP
# library, Meta's agents (developers.facebook.com/docs/sharing/webmasters/web-crawlers, 2026-09),
# and the words by which most others go. "Cubot" makes phones.
_OTHER_MACHINES = re.compile(
    r"proofpoint|barracuda|mimecast|virustotal|urlscan|safelinks|trendmicro|sophos|fortinet"
    r"|WinHttpRequest|meta-external|facebookcatalog|Lighthouse"
    r"|(?<!cu)bot\b|\b(?:crawler|spider|preview|scanner)\b",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#\s]+)(?P<rest>[/?#]\S*(?: \S+)*)?", re.I)
PREFETCH_WORDS = ("prefetch", "preview", "prerender")


def link_suffix(code, token):
    """Return the suffix of a tracked address: which link, and for which message."""
    text = f"{code}-{token}"
    if not SUFFIX.fullmatch(text):
        raise ValueError(f"not the parts of a tracked address: {text!r}")
    return text


def split_suffix(text):
    """Return (code, token) of the suffix of a tracked address; ('', '') when it is not ours."""
    found = SUFFIX.fullmatch(text or "")
    return (found["code"], found["token"]) if found else ("", "")


def is_click(method, user_agent, purposes=()):
    """Return whether a request for a tracked address is a person's click.

    :param purposes: values of the headers Purpose, Sec-Purpose and X-Moz, if given
    """
    if method != "GET" or not user_agent:
        return False
    if any(word in (purpose or "").lower() for purpose in purposes for word in PREFETCH_WORDS):
        return False
    return is_browser(user_agent)


@lru_cache(maxsize=1024)
def is_browser(user_agent):
    """Return whether it is a person's browser: no HTTP library, link preview, crawler or
    scanner."""
    if not _BROWSER.match(user_agent):
        return False
    known_as = _INSIDE_WHATSAPP.sub("", user_agent)
    return not is_crawler(known_as) and not _OTHER_MACHINES.search(known_as)


def is_own_address(address, our_base, paths=PATHS):
    """Return whether a button's address in the template is our own short address.

    :param address: such as 'https://shop.example/r/{{1}}'
    :param our_base: such as 'https://shop.example'; the scheme is not compared
    :param paths: PATHS of tracked links, or PREFERENCE_PATHS
    """
    theirs, ours = ADDRESS.fullmatch(address or ""), ADDRESS.fullmatch(our_base or "")
    return (
        bool(theirs and ours)
        and theirs["host"].lower() == ours["host"].lower()
        and (theirs["rest"] or "").replace(" ", "") in paths
    )


def is_allowed_target(address):
    """Return whether this address is a valid target of a redirect."""
    found = ADDRESS.fullmatch((address or "").strip())
    return bool(found) and "." in found["host"].split(":")[0]
