from . import link, webhook
from . import media
