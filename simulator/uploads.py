"""Resumable upload of a template's samples: a session, its bytes from an offset on, a handle.

Source: Meta's "Resumable Upload API" guide (https://developers.facebook.com/docs/graph-api/guides/
upload): the file types, ``Authorization: OAuth``, the header ``file_offset`` and that GET on the
session tells where to go on. That a session's address carries a signature: Meta's own examples.
"""

import base64
import secrets

from .graph_errors import GraphError, missing_parameter
from .state import Upload

# The types the guide names, with the size a header of that kind may have ("Media" page), MiB.
TYPES = {"image/jpeg": 5, "image/jpg": 5, "image/png": 5, "video/mp4": 16, "application/pdf": 100}
SAMPLE_PATH = "/whatsapp_business/samples/"


class Uploads:
    """Keeps sessions and finished samples in the world."""

    def __init__(self, world):
        self.world = world

    def start(self, call):
        """POST /{app}/uploads: the session's id."""
        values = {**call.query, **(call.body if isinstance(call.body, dict) else {})}
        for key in ("file_length", "file_type"):
            if not values.get(key):
                raise missing_parameter(key)
        size, kind = values["file_length"], values["file_type"]
        if not str(size).isdigit() or kind not in TYPES:
            raise GraphError(100, f"file_length or file_type {kind!r} is not valid.")
        if int(size) > TYPES[kind] * 2**20:
            raise GraphError(100, f"A file of this type has at most {TYPES[kind]} MiB.")
        kind = "image/jpeg" if kind == "image/jpg" else kind
        ticket = base64.urlsafe_b64encode(f"attachment:{secrets.token_hex(8)}".encode()).decode()
        upload = Upload(f"upload:{ticket}", str(values.get("file_name", "")), kind, int(size))
        self.world.uploads[upload.id] = upload
        return {"id": f"{upload.id}?sig={secrets.token_urlsafe(12)}"}

    def receive(self, call, content):
        """POST /upload:…: bytes from ``file_offset`` on; the handle once all have arrived."""
        upload = self._session(call)
        offset = call.request.headers.get("file_offset", "")
        if not offset.isdigit() or int(offset) != len(upload.received):
            raise GraphError(100, f"file_offset must be {len(upload.received)}.")
        if len(upload.received) + len(content) > upload.size:
            raise GraphError(100, "More bytes than file_length announced.")
        upload.received += content
        if len(upload.received) < upload.size:
            return self.read(call)
        kind = base64.b64encode(upload.type.encode()).decode()
        handle = f"4::{kind}:{secrets.token_urlsafe(24)}:e:{int(self.world.clock.now())}"
        self.world.samples[handle] = (upload.type, upload.received)
        return {"h": handle}

    def read(self, call):
        """GET /upload:…: how much has arrived."""
        upload = self._session(call)
        return {"id": upload.id, "file_offset": len(upload.received)}

    def _session(self, call):
        upload = self.world.uploads.get(call.node_id)
        if upload is None:
            raise GraphError(100, "The upload session does not exist or has ended.", subcode=33)
        return upload

    # ---- samples ------------------------------------------------------------------------------

    def handles(self, template=None):
        """What may be an example: finished uploads, and for an edit the addresses that the listing
        of ``template`` shows."""
        return Handles(self.world, shown_addresses(template.components) if template else ())

    def address(self, origin):
        """A function that makes the listing's address of a handle."""
        numbers = list(self.world.samples)

        def shown(handle):
            if handle in self.world.samples:
                return f"{origin}{SAMPLE_PATH}?n={numbers.index(handle)}"
            return handle

        return shown

    def sample(self, number):
        """(media type, bytes) behind such an address, or None."""
        found = list(self.world.samples.values())
        return found[int(number)] if number.isdigit() and int(number) < len(found) else None


class Handles:
    """The samples a template may name; any without the setting ``check_samples``."""

    def __init__(self, world, kept):
        self._world = world
        self._kept = kept

    def suits(self, handle, types):
        if not self._world.settings.check_samples or handle in self._kept:
            return True
        kind, _content = self._world.samples.get(handle, ("", b""))
        return kind in types


def shown_addresses(components):
    """The sample addresses of components and their cards."""
    found = []
    for component in components:
        example = component.get("example")
        if isinstance(example, dict):
            found += example.get("header_handle", [])
        for card in component.get("cards", []):
            found += shown_addresses(card["components"])
    return found
