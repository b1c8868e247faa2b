"""Verification that a webhook is Meta's: signature of a body, handshake of a callback URL."""

import hashlib
import hmac
import re

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})")
# Meta's challenge is a number; what we echo to a browser must not be able to carry markup.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.=-]{1,256}")


def verify_signature(raw_body, header, app_secret):
    """Return whether `X-Hub-Signature-256` signs these bytes with the app secret; False in any
    doubt.

    :param raw_body: bytes as received, before any parsing.
    :param header: 'sha256=<hex>' or None.
    :param app_secret: text; with an empty one no signature is valid.
    """
    if not isinstance(raw_body, bytes) or not isinstance(app_secret, str) or not app_secret:
        return False
    match = _SIGNATURE.fullmatch(header) if isinstance(header, str) else None
    if not match:
        return False
    expected = hmac.new(_utf8(app_secret), raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, match[1].lower())


def answer_challenge(params, verify_token):
    """Return the text that answers Meta's handshake (200, text/plain), None to refuse it (403).

    :param params: query parameters `hub.mode`, `hub.verify_token`, `hub.challenge`.
    """
    given, challenge = params.get("hub.verify_token"), params.get("hub.challenge")
    if params.get("hub.mode") != "subscribe":
        return None
    if not all(isinstance(text, str) and text for text in (given, challenge, verify_token)):
        return None
    if not hmac.compare_digest(_utf8(given), _utf8(verify_token)):
        return None
    return challenge if _CHALLENGE.fullmatch(challenge) else None


def _utf8(text):
    # A query string may contain lone surrogates, which plain UTF-8 refuses.
    return text.encode("utf-8", "surrogatepass")
