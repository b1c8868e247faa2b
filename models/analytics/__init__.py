"""Results: clicks, cost, attribution, daily counts."""

from . import empty_groups
from . import waba_message_cost
from . import waba_message_daily
from . import waba_attribution
from . import waba_attribution_due
from . import waba_money_daily
from . import waba_campaign_cost
from . import waba_price_check
