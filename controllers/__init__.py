"""Routes: Meta's webhook, media of conversations, tracked links, export of recipients."""

from . import export, link, media, webhook
