"""The only path to Meta's Graph API: address, request, reply or error, and paging."""

import json
import logging
import re
from time import monotonic
from urllib.parse import urlencode

from .addresses import check_base_url
from .errors import CloudApiError, RequestRefused, RetryLater, UnknownOutcome, graph_error
from .transport import exchange, mask_secrets, may_carry_token, new_session, prepare
from .values import as_dict, as_uid

_logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = (5, 20)
PAGE_SIZE = 100
# Meta allows at most 6,000 templates per account (Templates overview, 2025-12-05).
MAX_PAGES = 500

_BAD_CURSOR = 131059
_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_API_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")


class GraphClient:
    """Calls the Graph API with one access token. Safe to share between threads.

    :param base_url: `https://graph.facebook.com`, or another address that speaks the same API.
    :param api_version: Meta's `vNN.N`.
    :param access_token: bearer token; never shown by `repr`, exceptions or logs of this package.
    :param session: a `requests.Session` to use unchanged; by default a new one.
    :param timeout: (connect, read) in seconds; read is the longest silence, not the whole reply.
    :param pool_size: connections kept open for threads that share this client.
    :param allowed: non-public hosts and networks that may be called, see `addresses`.
    :raise ValueError: one of the first three is malformed; `AddressRefused` for the address.

    Every method raises only subclasses of `CloudApiError`: a refusal with Meta's code,
    `NotSent` (provably never reached Meta) or `UnknownOutcome`.
    """

    def __init__(
        self,
        base_url,
        api_version,
        access_token,
        session=None,
        timeout=DEFAULT_TIMEOUT,
        pool_size=10,
        allowed=(),
    ):
        check_base_url(base_url, allowed)
        self.base_url = base_url.rstrip("/")
        self._allowed = allowed
        self.api_version = _checked_api_version(api_version)
        self._access_token = _checked_token(access_token)
        self._timeout = timeout
        self._pool_size = pool_size
        self._given_session = session
        self._session = session or new_session(self.base_url, timeout, pool_size, allowed)
        self._root = f"{self.base_url}/{self.api_version}/"
        self._headers = {
            "Authorization": f"Bearer {self._access_token}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "waba_campaign",
        }
        self._json_headers = {**self._headers, "Content-Type": "application/json"}

    def __repr__(self):
        return f"<{type(self).__name__} {self._root}>"

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """Close the connections, unless the session was given by the caller."""
        if self._given_session is None:
            self._session.close()

    def for_thread(self):
        """Return a copy of this client with its own connection, for one thread: no shared lock."""
        return type(self)(
            self.base_url,
            self.api_version,
            self._access_token,
            session=self._given_session,
            timeout=self._timeout,
            pool_size=1,
            allowed=self._allowed,
        )

    def _request(
        self,
        method,
        path,
        body=None,
        params=None,
        data=None,
        content_type=None,
        headers=None,
        root=None,
    ):
        """Make one call and return the JSON object of the reply.

        :param path: segments below the version, each an id or a constant; a text is one that the
            caller has checked.
        :param body: JSON body; or `data` (bytes) with its `content_type`.
        :param headers: further headers.
        :param root: Meta's address when it is not that of the other calls.
        """
        segments = path if isinstance(path, str) else "/".join(map(checked_uid, path))
        url = f"{root or self._root}{segments}"
        extra = headers
        if params:
            url = f"{url}?{urlencode(params)}"
        headers = self._headers
        if body is not None:
            headers, data = self._json_headers, _encoded(body)
        elif content_type:
            headers = {**headers, "Content-Type": content_type}
        if extra:
            headers = {**headers, **extra}
        started = monotonic()
        status, reply_headers, content = exchange(
            self._session,
            prepare(method, url, headers, data),
            timeout=self._timeout if self._given_session is not None else None,
            mask=self._mask,
        )
        if _logger.isEnabledFor(logging.DEBUG):
            elapsed = (monotonic() - started) * 1000
            _logger.debug("%s %s: HTTP %s in %.0f ms", method, segments, status, elapsed)
        return self._read_reply(status, reply_headers, content)

    def _read_reply(self, status, headers, content):
        """Return the reply's JSON object, or raise the exception for its status and body."""
        try:
            reply = json.loads(content)
        except (ValueError, RecursionError):
            reply = None
        error = reply.get("error") if isinstance(reply, dict) else None
        if isinstance(error, dict):
            failure = graph_error(error, status, self._mask)
            failure.fbtrace_id = failure.fbtrace_id or _fbtrace_id(headers)
            raise failure
        if status == 200 and isinstance(reply, dict):
            return reply
        raise self._unreadable(status, headers, content)

    def _unreadable(self, status, headers, content):
        """Return the exception for a reply without a Graph object: refused by its status, else
        unknown.

        Only a client-error status means that nothing was done; 408 may be a time-out of the
        server's own back end.
        """
        kind, failure_type = UnknownOutcome, None
        if status == 429:
            kind = RetryLater
        elif 400 <= status < 500 and status != 408:
            kind, failure_type = RequestRefused, "unknown_error"
        excerpt = " ".join(content[:200].decode("utf-8", "replace").split())
        return kind(
            message=self._mask(f"HTTP {status} without a Graph API answer: {excerpt}"),
            http_status=status,
            fbtrace_id=_fbtrace_id(headers),
            failure_type=failure_type,
        )

    def _fetch(self, url, max_bytes):
        """Return the bytes at an address from a reply, if it may get the token."""
        if not may_carry_token(url, self.base_url, self._allowed):
            raise RequestRefused(
                message="the file is at an address that is neither Meta's nor the account's"
            )
        status, headers, content = exchange(
            self._session,
            prepare("GET", url, {**self._headers, "Accept": "*/*"}, None),
            timeout=self._timeout if self._given_session is not None else None,
            mask=self._mask,
            max_bytes=max_bytes,
        )
        if status != 200:
            self._read_reply(status, headers, content)
        return content

    def _mask(self, text):
        return mask_secrets(text, self._access_token)

    def _get(self, path, **params):
        return self._request("GET", path, params=params)

    def _list(self, path, page_size=PAGE_SIZE, **params):
        """Yield the objects of an edge, following cursors; each id once.

        `paging.next` is not followed: Meta writes the token into it. On 131059 (bad cursor, v24+)
        the listing restarts once without cursor, as Meta's changelog of 2025-10-08 asks.

        :raise UnknownOutcome: the listing does not end or has no `data`; a short list would make
            the missing objects would seem deleted.
        """
        if page_size:
            params["limit"] = page_size
        seen, cursors, may_restart = set(), set(), True
        for _page in range(MAX_PAGES):
            try:
                reply = self._get(path, **params)
            except CloudApiError as error:
                if error.code != _BAD_CURSOR or not may_restart:
                    raise
                may_restart = False
                cursors.clear()
                params.pop("after", None)
                continue
            yield from _unseen(reply, seen)
            cursor = _next_cursor(reply)
            if not cursor:
                return
            if cursor in cursors:
                break
            cursors.add(cursor)
            params["after"] = cursor
        raise UnknownOutcome(message="the listing does not end", http_status=200)

    def _reply_uid(self, reply):
        uid = as_uid(reply.get("id"))
        if not uid:
            raise UnknownOutcome(message="the reply names no id", http_status=200)
        return uid


def _unseen(reply, seen):
    """Yield the objects of one page with a new id or without an id."""
    data = reply.get("data")
    if not isinstance(data, list):
        raise UnknownOutcome(message="the listing has no data", http_status=200)
    for item in data:
        uid = as_uid(as_dict(item).get("id"))
        if uid and uid in seen:
            continue
        seen.add(uid)
        if isinstance(item, dict):
            yield item


def _next_cursor(reply):
    """Return the cursor of the next page; on the last page Meta omits `next` but not the
    cursors."""
    paging = as_dict(reply.get("paging"))
    if not paging.get("next"):
        return ""
    return as_uid(as_dict(paging.get("cursors")).get("after"))


def _fbtrace_id(headers):
    return headers.get("x-fb-trace-id") or ""


def _encoded(body):
    """Return the JSON bytes of a body; refused before sending if it cannot be encoded."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestRefused(message=f"the body is not JSON: {error}") from None


def checked_uid(value):
    """Return an id as a path segment that cannot change the path."""
    text = value if isinstance(value, str) else as_uid(value)
    if not _UID.fullmatch(text):
        raise RequestRefused(message=f"not an id of Meta's: {str(value)[:64]!r}")
    return text


def _checked_api_version(value):
    if not isinstance(value, str) or not _API_VERSION.fullmatch(value):
        raise ValueError("api_version must look like v25.0")
    return value


def _checked_token(value):
    """Check that a token fits in a header line; the error never shows it."""
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError("access_token must be printable ASCII without blanks")
    return value
