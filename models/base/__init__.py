"""Base: the core records: portfolio, account, number, template, message, evidence."""

from . import res_company
from . import res_config_settings
from . import waba_portfolio
from . import waba_account
from . import waba_account_marketing
from . import waba_account_sync
from . import waba_account_database
from . import waba_reputation_event
from . import waba_sender
from . import waba_file
from . import waba_variable_mixin
from . import waba_response_mixin
from . import waba_template
from . import waba_conversation
from . import waba_message
from . import template
from . import waba_phone_prefix
from . import waba_person_mixin
