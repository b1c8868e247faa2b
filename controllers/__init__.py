from . import export, link, media, webhook
