"""Routes: Meta's webhook, media, tracked links, preference and opt-in pages, export of
recipients."""

from . import export, link, media, optin, preferences, webhook
