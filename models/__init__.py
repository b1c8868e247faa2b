"""All models, in packages by step, lower ones first.

A package calls only itself and those above it in this list; see docs/architecture.md.
"""

from . import tools
from . import base
from . import consent
from . import dispatch
from . import conversation
from . import webhook
from . import optin
from . import integration
from . import campaign
from . import sequence
from . import analytics
from . import reputation
from . import ads
from . import crm
from . import privacy
