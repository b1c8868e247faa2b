"""One HTTP exchange with Meta: request, reply, and the certainty about a failed one.

Nothing is retried here and no redirect is followed: whether sending again is safe is the caller's
decision, and a redirect would carry the token to another host.
"""

import logging
import os
import re
import socket
import ssl
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3 import exceptions as urllib3_errors

from .addresses import AddressRefused, check_url, guarded_pools
from .errors import NotSent, UnknownOutcome

# Meta's file hosts: lookaside.fbsbx.com in its own examples (Media page, 2026-03).
META_HOSTS = ("facebook.com", "fbsbx.com", "fbcdn.net", "whatsapp.net", "whatsapp.com")
# A page of 100 templates is some 300 kB; Meta caps its own webhook bodies at 3 MB.
MAX_REPLY_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
MASK = "***"

_SECRET_PARAMETER = re.compile(
    r"((?:access_token|input_token|verify_token|appsecret_proof|client_secret)"
    r"(?:=|%3D|[\"']?\s*:\s*[\"']?))[^&\s\"'<>)]+",
    re.IGNORECASE,
)
# Meta's tokens begin with EAA; "Malformed access token EAA…" echoes them.
_TOKEN = re.compile(r"\bEAA[0-9A-Za-z]{8,}")
_USER_INFO = re.compile(r"(://)[^/\s@]+@")
_BEARER = re.compile(r"(Bearer\s+)[^\s'\",]+", re.IGNORECASE)


def mask_secrets(text, *secrets):
    """Return the text without the given secrets and anything that looks like a token of Meta's."""
    text = str(text)
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK).replace(quote(secret, safe=""), MASK)
    text = _SECRET_PARAMETER.sub(rf"\1{MASK}", text)
    text = _USER_INFO.sub(rf"\1{MASK}@", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    return _TOKEN.sub(MASK, text)


def may_carry_token(url, base_url, allowed=()):
    """Return whether a URL from a reply leads to Meta, or to the account's own server.

    Anywhere else the token would leak.
    """
    try:
        target = check_url(url, allowed)
    except AddressRefused:
        return False
    try:
        base = check_url(base_url, allowed)
    except AddressRefused:
        base = None
    if base and (target.scheme, target.host, target.port) == (base.scheme, base.host, base.port):
        return True
    is_metas = any(
        target.host == known or target.host.endswith(f".{known}") for known in META_HOSTS
    )
    return target.scheme == "https" and target.port in (None, 443) and is_metas


class _MaskingFilter(logging.Filter):
    """Masks the URLs that urllib3 logs at DEBUG: `/debug_token` carries the token in its query."""

    def filter(self, record):
        message = record.getMessage()
        masked = mask_secrets(message)
        if masked != message:
            record.msg, record.args = masked, None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_MaskingFilter())


class _GuardedAdapter(HTTPAdapter):
    """Gives every request of a session its time-outs and checks the peer of each connection
    (addresses.py)."""

    def __init__(self, timeout, pool_size, allowed):
        self._timeout = timeout
        self._pools = guarded_pools(allowed)
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args, **kwargs):  # pylint: disable=missing-return
        # It returns None but sets `poolmanager`.
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def send(self, request, stream=False, timeout=None, **kwargs):
        return super().send(request, stream=stream, timeout=timeout or self._timeout, **kwargs)


def new_session(base_url, timeout, pool_size, allowed=()):
    """Return a session that keeps connections open, never retries and stores no cookies.

    :param allowed: non-public hosts and networks that may be called

    The environment (proxy, certificates) is read once, here: with `trust_env` each request would
    read it again, and a matching line of ~/.netrc would replace our Authorization header.
    """
    session = requests.Session()
    session.trust_env = False
    session.proxies = dict(get_environ_proxies(base_url))
    session.verify = (
        os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", _GuardedAdapter(timeout, pool_size, allowed))
    session.mount("https://", _GuardedAdapter(timeout, pool_size, allowed))
    return session


def prepare(method, url, headers, body):
    """Return a prepared request from parts that are already checked and encoded.

    `requests.Request.prepare` parses and encodes each part again, about a third of the cost of a
    request on a fast line.
    """
    request = requests.PreparedRequest()
    request.method = method
    request.url = url
    request.headers = CaseInsensitiveDict(headers)
    if body or method == "POST":
        request.headers["Content-Length"] = str(len(body or b""))
    request.body = body or None
    request.hooks = {}
    # Session.send reads the cookie jar, which stays empty.
    request._cookies = requests.cookies.RequestsCookieJar()
    return request


def exchange(session, request, timeout=None, mask=mask_secrets, max_bytes=None):
    """Send one prepared request; return (HTTP status, headers, body bytes).

    :param timeout: (connect, read) seconds; None when the session's adapter sets them.
    :param max_bytes: maximum body, MAX_REPLY_BYTES unless given
    :raise NotSent: the request provably never reached the server.
    :raise UnknownOutcome: it may have: time-out, broken connection, unreadable or oversized reply.
    """
    options = {"timeout": timeout} if timeout else {}
    max_bytes = max_bytes or MAX_REPLY_BYTES
    failure = None
    try:
        response = session.send(request, stream=True, allow_redirects=False, **options)
        try:
            body = _read(response, max_bytes)
        finally:
            response.close()
    # The transport's exceptions contain the request and so the token: the new exception is raised
    # outside this block so that it is not chained.
    except Exception as error:
        failure = _failure(error, mask)
    if failure:
        raise failure
    if body is None:
        raise UnknownOutcome(
            message=f"reply larger than {max_bytes} bytes", http_status=response.status_code
        )
    return response.status_code, response.headers, body


def _read(response, max_bytes):
    """The decoded body, None when it is too large."""
    parts, size = [], 0
    for part in response.iter_content(_CHUNK_BYTES):
        size += len(part)
        if size > max_bytes:
            return None
        parts.append(part)
    return b"".join(parts)


def _failure(error, mask):
    kind = NotSent if _provably_unsent(error) else UnknownOutcome
    text = mask(f"{type(error).__name__}: {error}")[:500]
    return kind(message=text, cause=network_cause(error))


# Why the network failed, as its exceptions name it; the first that fits.
NETWORK_CAUSES = (
    ("proxy", (urllib3_errors.ProxyError, requests.exceptions.ProxyError)),
    ("dns", (socket.gaierror,)),
    ("certificate", (ssl.SSLCertVerificationError,)),
    ("tls", (urllib3_errors.SSLError, ssl.SSLError, requests.exceptions.SSLError)),
    ("private", (AddressRefused,)),
    # Before time-outs, of which urllib3 makes it one.
    ("refused", (urllib3_errors.NewConnectionError, ConnectionRefusedError)),
    ("timeout", (urllib3_errors.TimeoutError, requests.Timeout, TimeoutError)),
)


def network_cause(error):
    """The cause of a failed exchange, as a key of NETWORK_CAUSES; 'broken' if it names none."""
    wrapped = []
    while isinstance(error, BaseException) and error not in wrapped:
        wrapped.append(error)
        inner = (getattr(error, name, None) for name in ("reason", "original_error"))
        error = next(
            (one for one in (*inner, *error.args, error.__cause__, error.__context__)
             if isinstance(one, BaseException)),
            None,
        )  # fmt: skip
    for cause, kinds in NETWORK_CAUSES:
        if any(isinstance(one, kinds) for one in wrapped):
            return cause
    return "broken"


_RAISED_BEFORE_CONNECTING = (
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    urllib3_errors.LocationValueError,
)


def _provably_unsent(error):
    """Whether the connection was never made, or the server's certificate was refused.

    Only causes that precede the first byte of the request count. A reset or a time-out while
    reading does not, not even on a kept-alive connection that the server had already closed: the
    request may have been read before.
    """
    if isinstance(error, _RAISED_BEFORE_CONNECTING):
        return True
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)
    # urllib3 wraps errors that occur before a proxy is reached.
    reason = getattr(reason, "original_error", reason)
    if isinstance(reason, (urllib3_errors.NewConnectionError, urllib3_errors.ConnectTimeoutError)):
        return True
    certificate = reason.args[0] if isinstance(reason, urllib3_errors.SSLError) else None
    return isinstance(certificate, ssl.SSLCertVerificationError)
