"""Our own webhooks to other systems: allowed addresses, signature, and one delivery.

The same guarded transport as to Meta: the address of the open socket is checked, no redirect is
followed. Unlike for a simulator, this machine itself must be allowed by an administrator.
"""

import hashlib
import hmac
from dataclasses import dataclass

from .addresses import AddressRefused, check_resolved, check_url, is_local
from .transport import network_cause, new_session, prepare

# Seconds to connect and of silence. Longer work belongs in the receiver's own queue.
TIMEOUT = (5, 10)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one attempt.

    :param status: the receiver's HTTP status, None without an answer
    :param cause: why there is none, as a key of `transport.NETWORK_CAUSES`, 'broken' or 'private'
    """

    status: int | None = None
    cause: str = ""


def check_receiver(url, allowed=()):
    """Check the address of a receiver: its text, and what its name resolves to.

    :param allowed: see `addresses.parse_allowed`
    :raise AddressRefused: nothing may be sent there
    """
    if is_local(url) and not _names_this_machine(allowed):
        raise AddressRefused("private", "this machine itself")
    return check_resolved(url, allowed, check=check_url)


def _names_this_machine(allowed):
    """Whether the administrator allowed localhost, or a network of its addresses."""
    return any(
        entry == "localhost" if isinstance(entry, str) else entry.is_loopback for entry in allowed
    )


def sign(secret, timestamp, body):
    """Return the value of the signature header: HMAC-SHA256 of 'timestamp.body'.

    :param timestamp: Unix seconds; the receiver refuses old ones, so that nobody replays an event
    :param body: bytes
    """
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def deliver(url, headers, body, allowed=()):
    """POST one event; never raises.

    :param body: bytes
    :return: Delivery
    """
    try:
        check_receiver(url, allowed)
        with new_session(url, TIMEOUT, 1, allowed) as session:
            request = prepare("POST", url, {"Content-Type": "application/json", **headers}, body)
            response = session.send(request, stream=True, allow_redirects=False)
            response.close()
            return Delivery(response.status_code)
    # Whatever a foreign server does must not stop the events of others.
    except Exception as error:
        return Delivery(None, network_cause(error))
