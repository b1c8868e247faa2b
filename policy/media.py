"""Files in messages: types and sizes that Meta accepts, and when a download is retried."""

from datetime import datetime, timedelta

MIB = 2**20
# Meta, Media page (developers.facebook.com/documentation/business-messaging/whatsapp/
# business-phone-numbers/media, 2026-03): types and sizes by kind of message.
TYPES = {
    "image": frozenset(("image/jpeg", "image/png")),
    "video": frozenset(("video/mp4", "video/3gpp")),
    "audio": frozenset(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg")),
    "sticker": frozenset(("image/webp",)),
    "document": frozenset(
        (
            "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        )
    ),
}  # fmt: skip
MAX_BYTES = {
    "image": 5 * MIB,
    "video": 16 * MIB,
    "audio": 16 * MIB,
    "sticker": MIB // 2,
    "document": 100 * MIB,
}
KINDS = tuple(TYPES)
CAPTION_KINDS = frozenset(("image", "video", "document"))
CAPTION_LENGTH = 1024

# An id of a webhook is valid for 7 days, one of an upload for 30 (Media page, 2026-03). A day less,
# so that no message is sent with an id that expires before it arrives.
INBOUND_LIFE = timedelta(days=7)
UPLOAD_LIFE = timedelta(days=29)
# The first retries are quick, because a user may be waiting.
RETRY_DELAYS = (
    timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1),
    timedelta(hours=4), timedelta(hours=12), timedelta(hours=24),
)  # fmt: skip
# An upload is given up sooner: the service window closes after 24 hours.
UPLOAD_TRIES = 5

# Shown in the page or played by the browser; everything else is a file to save. No SVG: it can
# carry a script.
INLINE_TYPES = frozenset(("image/jpeg", "image/png", "image/webp", "image/gif"))
PLAYER_TYPES = TYPES["video"] | TYPES["audio"]
DOWNLOAD_TYPE = "application/octet-stream"


def base_type(mimetype: str) -> str:
    """'audio/ogg; codecs=opus' -> 'audio/ogg'"""
    return (mimetype or "").split(";")[0].strip().lower()


def message_kind(mimetype: str) -> str | None:
    """Return the kind of message that carries a file of this type; None when there is none."""
    wanted = base_type(mimetype)
    return next((kind for kind in KINDS if kind != "sticker" and wanted in TYPES[kind]), None)


def file_refusal(mimetype: str, size: int) -> str | None:
    """Return why a file cannot be sent: 'empty', 'type', 'size', or None."""
    kind = message_kind(mimetype)
    if not size:
        return "empty"
    if not kind:
        return "type"
    return "size" if size > MAX_BYTES[kind] else None


def header_refusal(kind: str, mimetype: str, size: int) -> str | None:
    """Return why a template's header of this kind cannot show a file: 'empty', 'type', 'size'."""
    if not size:
        return "empty"
    if base_type(mimetype) not in TYPES.get(kind, ()):
        return "type"
    return "size" if size > MAX_BYTES[kind] else None


def known_type(declared: str, sniffed: str) -> str:
    """Return what a file is: by its first bytes, and by its name where those say too little.

    Office files are archives; a plain text and some videos have no mark of their own.
    """
    sniffed, declared = base_type(sniffed), base_type(declared)
    says_little = sniffed in ("", DOWNLOAD_TYPE, "application/zip", "text/plain")
    is_image = declared in INLINE_TYPES or declared == "application/pdf"
    return declared if says_little and not is_image else sniffed


def stored_type(kind: str, declared: str, sniffed: str) -> str:
    """Return the MIME type that a received file is stored and shown as.

    A false image, or anything that a browser would run, is stored as a plain download.

    :param declared: MIME type declared by the platform
    :param sniffed: MIME type by the first bytes, '' when unknown
    """
    declared, sniffed = base_type(declared), base_type(sniffed)
    family = "image" if kind in ("image", "sticker") else kind
    if kind in ("image", "sticker"):
        return declared if declared in INLINE_TYPES and sniffed in INLINE_TYPES else DOWNLOAD_TYPE
    if kind in ("video", "audio"):
        known = declared.startswith(f"{family}/") and not sniffed.startswith(("text/", "image/svg"))
        return declared if known else DOWNLOAD_TYPE
    if declared in INLINE_TYPES:
        return declared if sniffed in INLINE_TYPES else DOWNLOAD_TYPE
    if declared == "application/pdf":
        return declared if sniffed == declared else DOWNLOAD_TYPE
    return declared if declared in TYPES["document"] else DOWNLOAD_TYPE


def next_attempt(attempt: int, now: datetime, expires_at: datetime | None) -> datetime | None:
    """Return when to retry after `attempt` (from 1) failed; None to give up.

    :param expires_at: when Meta deletes the file
    """
    at = now + RETRY_DELAYS[min(attempt, len(RETRY_DELAYS)) - 1]
    return None if expires_at and at >= expires_at else at


def is_file_gone(code: int | None, subcode: int | None, http_status: int | None) -> bool:
    """Return whether a refusal means that the platform has no such file: a retry is useless.

    100/33 is Graph's error for an unknown id; 131052 means that the file cannot be downloaded.
    """
    return (code == 100 and subcode == 33) or code == 131052 or http_status == 410
