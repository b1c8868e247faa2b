"""Which address leads to a tracked link, what its end looks like, and whose request is a click."""

import re

# A link's code and a message's token in one segment: Meta appends the variable to the address as
# it is, and what it does to a slash is written nowhere.
SUFFIX = re.compile(r"(?P<code>[A-Za-z0-9]{1,32})-(?P<token>[A-Za-z0-9_-]{16})")
# Odoo's own short address and ours; a template is approved for one of them.
PATHS = ("/r/{{1}}", "/waba/r/{{1}}")

# Whoever reads a page to show a preview of it. WhatsApp's fetcher calls itself "WhatsApp/2.…" at
# the start, while a person's browser inside WhatsApp only ends with such words; Meta's crawlers:
# developers.facebook.com/docs/sharing/webmasters/web-crawlers, 2026-09.
PREVIEW_AGENTS = re.compile(
    r"^(WhatsApp/|facebookexternalhit|facebookcatalog|meta-external|TelegramBot|Slackbot|Twitterbot"
    r"|LinkedInBot|Discordbot|SkypeUriPreview|Google-Read-Aloud|curl/|Wget/|python-|Go-http-client)"
    r"|facebookexternalhit|meta-externalagent|HeadlessChrome|(?<!cu)bot\b|\b(crawler|spider|preview)\b",
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
    return not PREVIEW_AGENTS.search(user_agent)


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
