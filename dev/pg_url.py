"""Turn a postgresql:// address into shell exports of libpq's PG* variables.

Usage: ``pg_url.py postgresql://user:password@host:port``. A unix socket's directory may stand as
``postgresql://user@/?host=/var/run/postgresql``. Exits 1 when the address has another form.
"""

import shlex
import sys
from urllib.parse import parse_qs, unquote, urlsplit


def variables(address):
    """Return ``{"PGHOST": ..., ...}`` (strings) for ``address``; parts it lacks are left out."""
    url = urlsplit(address)
    if url.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"not a postgresql:// address: {address!r}")
    query = parse_qs(url.query)
    found = {
        "PGHOST": unquote(url.hostname or query.get("host", [""])[0]),
        "PGPORT": str(url.port or query.get("port", ["5432"])[0]),
        "PGUSER": unquote(url.username or query.get("user", [""])[0]),
        "PGPASSWORD": unquote(url.password or ""),
    }
    return {name: value for name, value in found.items() if value}


if __name__ == "__main__":
    try:
        exports = variables(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
