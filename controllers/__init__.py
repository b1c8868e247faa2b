from . import export, link, webhook
