from . import test_first_journey
from . import test_tours
from . import test_dispatch
from . import test_settle
from . import test_failures
from . import test_campaign, test_limits_orm
from . import test_audience, test_variables
from . import test_account
from . import test_sender
from . import test_template
from . import test_portfolio
from . import test_security
from . import test_layering
from . import test_neutralize
from . import test_vocabulary
from . import test_openapi
from . import test_webhook_door
from . import test_webhook_apply
from . import test_statuses
from . import test_inbound
from . import test_consent
from . import test_person_mixin
