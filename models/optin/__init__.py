"""Where opt-ins come from: QR codes, links, opt-in pages, signups; and what they brought."""

from . import waba_optin_source
from . import waba_optin_meta
from . import waba_optin_visit
from . import waba_optin_inbound
