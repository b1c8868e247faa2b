"""Routes: Meta's webhook, media, tracked links, preference page, export of recipients."""

from . import export, link, media, preferences, webhook
