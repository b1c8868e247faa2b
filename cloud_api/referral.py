"""The ad or post that a person came from, as the first message after the click names it.

Source: Meta, Messages webhooks (developers.facebook.com/documentation/business-messaging/whatsapp/
webhooks/reference/messages/text, 2026-03): `referral` {source_url, source_id, source_type,
headline, body, media_type, image_url, video_url, thumbnail_url, ctwa_clid, welcome_message {text}}.
`ctwa_clid` is omitted for ads in WhatsApp Status. Not documented: any other `source_type` than
"ad" and "post", and how long the addresses of pictures are valid.
"""

import re
from dataclasses import dataclass

from .addresses import check_url, is_local
from .errors import RequestRefused
from .transport import exchange, new_session, prepare
from .values import as_dict, as_name, as_text, as_uid

MAX_TEXT, MAX_URL = 2000, 2048
PICTURE_TIMEOUT = (5, 20)
_URL = re.compile(r"https?://[!-~]+", re.I)


@dataclass(frozen=True, slots=True)
class Referral:
    """Where a person came from; what Meta did not say is ''.

    :param source_type: 'ad', 'post' or ''
    :param source_uid: Meta's id of the ad or post, never that of the click
    :param media_type: 'image', 'video' or ''
    :param picture_url: of the image, or of the still of a video; valid for a while only
    :param click_uid: Meta's `ctwa_clid`
    """

    source_type: str = ""
    source_uid: str = ""
    source_url: str = ""
    headline: str = ""
    body: str = ""
    media_type: str = ""
    picture_url: str = ""
    video_url: str = ""
    click_uid: str = ""
    welcome_text: str = ""


def read_referral(value):
    """Return the `Referral` in a message, None if it names neither ad nor click."""
    if not isinstance(value, dict):
        return None
    uid, click = as_uid(value.get("source_id")), as_uid(value.get("ctwa_clid"))
    # An ad's id in place of the click's would credit another click.
    click = "" if click == uid else click
    if not (uid or click):
        return None
    return Referral(
        source_type=_known(value.get("source_type"), ("ad", "post")),
        source_uid=uid,
        source_url=_url(value.get("source_url")),
        headline=as_name(value.get("headline")),
        body=as_text(value.get("body"))[:MAX_TEXT].strip(),
        media_type=_known(value.get("media_type"), ("image", "video")),
        picture_url=_url(value.get("image_url")) or _url(value.get("thumbnail_url")),
        video_url=_url(value.get("video_url")),
        click_uid=click,
        welcome_text=as_text(as_dict(value.get("welcome_message")).get("text"))[:MAX_TEXT].strip(),
    )


def fetch_picture(url, max_bytes, allowed=(), may_be_local=False):
    """Return the bytes of an ad's picture, fetched without our token and without redirects.

    :param allowed: see `addresses.parse_allowed`
    :param may_be_local: this machine may be called: the account's server is a simulator here
    :raise AddressRefused: the address leads into this server's own network
    :raise CloudApiError: it could not be fetched
    """
    check_url(url, allowed)
    if is_local(url) and not may_be_local:
        raise RequestRefused(message="the picture is at an address of this server")
    headers = {"Accept": "image/*", "Accept-Encoding": "gzip", "User-Agent": "waba_campaign"}
    with new_session(url, PICTURE_TIMEOUT, 1, allowed) as session:
        status, _headers, content = exchange(
            session, prepare("GET", url, headers, None), max_bytes=max_bytes
        )
    if status != 200:
        raise RequestRefused(message=f"HTTP {status}", http_status=status)
    return content


def _known(value, words):
    word = as_text(value).strip().lower()
    return word if word in words else ""


def _url(value):
    text = as_text(value).strip()
    return text if len(text) <= MAX_URL and _URL.fullmatch(text) else ""
