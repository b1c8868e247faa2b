"""Routes: Meta's webhook, media of conversations, tracked links, export of recipients,
opt-in pages."""

from . import export, link, media, optin, webhook
