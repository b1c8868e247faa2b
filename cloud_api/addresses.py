"""Which addresses this server may call: checked as text when saved, and as a socket when called.

An address that a user typed, or that a reply contains, must not lead into the server's own network
(its database, a cloud's metadata service), nor carry the access token unencrypted. So: https to a
public host on the usual port; this host itself (`localhost`, 127.0.0.1, ::1) also over http, for
a local simulator; anything else only when the administrator names the host or its network.

A name can resolve to one address when checked and to another one when called. So the address of the
open socket is checked before the first byte is sent.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

# Strict on purpose: an address that two parsers might read as different hosts is refused.
_URL = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(/[!-~]*)?", re.I)
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]{0,62}", re.I)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(ValueError):
    """An address that may not be called.

    :param reason: 'malformed', 'not_https', 'port' or 'private'
    """

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address in its parts.

    :param host: in lower case, without a trailing dot or the brackets of IPv6
    :param port: as given, None when the scheme's own
    """

    scheme: str
    host: str
    port: int | None


def parse_allowed(text):
    """Return the hosts and networks that an administrator allows, from a list with commas or
    blanks.

    :return: tuple of host names (str) and ipaddress networks
    :raise ValueError: an entry is neither
    """
    allowed = []
    for entry in re.split(r"[\s,;]+", (text or "").strip()):
        if not entry:
            continue
        try:
            allowed.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            if not _NAME.fullmatch(entry.rstrip(".")):
                raise ValueError(f"neither a host nor a network: {entry}") from None
            allowed.append(entry.rstrip(".").lower())
    return tuple(allowed)


def check_url(url, allowed=()):
    """Check an address by its text.

    :param allowed: see `parse_allowed`
    :return: Address
    :raise AddressRefused: it may not be called
    """
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if not match:
        raise AddressRefused("malformed", "not an address like https://host")
    scheme, host = match[1].lower(), match[2].lower().strip("[]").rstrip(".")
    port = int(match[3]) if match[3] else None
    ip = _literal(host, is_bracketed=match[2].startswith("["))
    if ip is not None and match[2].endswith("."):
        raise AddressRefused("malformed", "an IP address with a dot at its end")
    if port is not None and not 0 < port < 65536:
        raise AddressRefused("malformed", f"no port: {port}")
    if _is_this_machine(host, ip) or _is_allowed(host, ip, allowed):
        return Address(scheme, host, port)
    if scheme != "https":
        raise AddressRefused("not_https", f"not https: {host}")
    if ip is not None and not is_public(ip):
        raise AddressRefused("private", f"not a public address: {host}")
    if port not in (None, 443):
        raise AddressRefused("port", f"not the usual port: {host}:{port}")
    return Address(scheme, host, port)


def check_base_url(url, allowed=()):
    """Like `check_url`, for a base URL: no query or fragment."""
    address = check_url(url, allowed)
    if re.search(r"[?#]", url):
        raise AddressRefused("malformed", "a query or fragment in the address")
    return address


def is_local(url):
    """Return whether an address is this machine's own, as a local simulator's is."""
    try:
        address = check_url(url)
        return _is_this_machine(address.host, _literal(address.host, ":" in address.host))
    except AddressRefused:
        return False


def check_resolved(url, allowed=(), resolve=socket.getaddrinfo, check=check_base_url):
    """Like `check`, and every address that the host's name resolves to now.

    A name that does not resolve is not refused: the call itself will fail.
    """
    address = check(url, allowed)
    try:
        found = resolve(address.host, address.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return address
    for entry in found:
        check_peer(address.host, entry[4][0], allowed)
    return address


def check_peer(host, peer, allowed=()):
    """Check a socket to `host` that is connected to the address `peer`.

    :raise AddressRefused: `peer` is not public
    """
    ip = ipaddress.ip_address(peer.partition("%")[0])
    known = None if _NAME.fullmatch(host) else _literal(host, ":" in host)
    if is_public(ip) or _is_allowed(host, ip, allowed):
        return
    if _is_this_machine(host, known) and _unwrapped(ip).is_loopback:
        return
    raise AddressRefused("private", f"{host} leads to an address that is not public")


def is_public(ip):
    """Return whether an IP address is public, with any address wrapped in it."""
    ip = _unwrapped(ip)
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _unwrapped(ip):
    """The IPv4 address in an IPv6 one (mapped, 6to4, Teredo, NAT64), else itself."""
    if ip.version == 4:
        return ip
    if ip in _NAT64:
        return ipaddress.ip_address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo
    return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else ip)


def _literal(host, is_bracketed):
    """The IP address that `host` is, None for a name.

    :raise AddressRefused: it is neither, or one of the old spellings of IPv4 (2130706433, 0x7f.1,
        0177.0.0.1), which some parsers accept
    """
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        ip = None
    if ip is not None and is_bracketed == (ip.version == 6):
        return ip
    # The last label of a name begins with a letter, so 0x… is not a name.
    if is_bracketed or not _NAME.fullmatch(host):
        raise AddressRefused("malformed", "neither a host's name nor a plain IP address")
    return None


def _is_this_machine(host, ip):
    return host == "localhost" or (ip is not None and ip.is_loopback)


def _is_allowed(host, ip, allowed):
    """Whether an administrator named this host, or a network that the address is in."""
    for entry in allowed:
        if isinstance(entry, str):
            if entry == host:
                return True
        elif ip is not None and entry.version == ip.version and ip in entry:
            return True
    return False


def guarded_pools(allowed):
    """Return {scheme: urllib3 pool class} whose connections check their peer before use.

    Not for connections through a proxy, which resolves names itself.
    """

    def looked_at(connection, connect):
        opened = connect()
        try:
            check_peer(connection.host.strip("[]").rstrip("."), opened.getpeername()[0], allowed)
        except AddressRefused as refused:
            opened.close()
            # An error by which the caller knows that no request was sent.
            raise NewConnectionError(connection, str(refused)) from None
        return opened

    class GuardedHTTPConnection(HTTPConnection):
        def _new_conn(self):
            return looked_at(self, super()._new_conn)

    class GuardedHTTPSConnection(HTTPSConnection):
        def _new_conn(self):
            return looked_at(self, super()._new_conn)

    class GuardedHTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class GuardedHTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    return {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}
