"""Which of Meta's two endpoints takes a message: the Cloud API or the Marketing Messages API.

Meta routes by the template's latest category: promotions by the one that the account chose, all
else by the Cloud API (Meta, Route template messages by category, 2026-09-24). Only a refusal with
an error code proves that a message was not sent, so only such a message changes its endpoint.
"""

from datetime import timedelta
from typing import NamedTuple

CLOUD_API = "messages"
MARKETING_API = "marketing_messages"

# After 134102 the account's promotions go by the Cloud API, and one tries again after this time.
# Meta states none; a refusal costs nothing.
UNAVAILABLE_PERIOD = timedelta(hours=24)

# "Ad sync incomplete" (Meta, Error codes: Marketing Messages API, 2026-09-11), like 134101.
AD_SYNC_CODE = 131009


class Standing(NamedTuple):
    """What decides about an account's promotions.

    prefers_marketing_api: the account's setting
    is_onboarded: Meta's terms of the Marketing Messages API are signed
    is_cloud_api_off: Meta takes no promotions by the Cloud API (flag, or 131063)
    is_unavailable: the Marketing Messages API refused the account (134102)
    is_strict: the product policy allows no other endpoint
    """

    prefers_marketing_api: bool = False
    is_onboarded: bool = False
    is_cloud_api_off: bool = False
    is_unavailable: bool = False
    is_strict: bool = False

    @property
    def goes_by_marketing_api(self):
        """Whether promotions go by the Marketing Messages API if that takes them."""
        return self.prefers_marketing_api or self.is_cloud_api_off

    @property
    def missing(self):
        """Why the Marketing Messages API does not take promotions; '' if it does."""
        if not self.is_onboarded:
            return "not_onboarded"
        return "unavailable" if self.is_unavailable else ""


class Route(NamedTuple):
    """`endpoint` is None if no endpoint takes the message, for `reason`.

    reason: 'not_onboarded', 'unavailable', 'not_chosen' (it has a maximum price, and promotions go
    by the Cloud API) or 'refused' (by both endpoints)
    """

    endpoint: str | None
    reason: str = ""


def choose_endpoint(
    category: str, standing: Standing, has_max_price: bool = False, refused: str = ""
) -> Route:
    """Return the `Route` of one message.

    :param category: the template's current category
    :param has_max_price: the template or the campaign has a maximum price, which only the
        Marketing Messages API knows
    :param refused: the endpoint that refused this message as the wrong one, '' if none did
    """
    is_promotion = category == "marketing"
    if refused == CLOUD_API:
        is_promotion = True
    elif refused == MARKETING_API:
        # Meta says that it is no promotion, whatever we have stored.
        return Route(None, "refused") if has_max_price else Route(CLOUD_API)
    if not is_promotion:
        return Route(CLOUD_API)
    if has_max_price and not standing.goes_by_marketing_api:
        return Route(None, "not_chosen")
    if not (standing.goes_by_marketing_api or refused):
        return Route(CLOUD_API)
    if not standing.missing:
        return Route(MARKETING_API)
    if has_max_price or standing.is_cloud_api_off or standing.is_strict or refused:
        return Route(None, standing.missing)
    return Route(CLOUD_API)


def refusal_type(failure_type: str, code: int | None, endpoint: str, was_syncing: bool) -> str:
    """Return the failure type of a refusal by one endpoint.

    :param failure_type: of the code alone
    :param was_syncing: the attempt before failed because the template was being synced
    """
    if code == AD_SYNC_CODE and endpoint == MARKETING_API and not was_syncing:
        return "sync_pending"
    return failure_type


def is_final_refusal(endpoint: str, refused: str) -> bool:
    """Return whether a 'wrong endpoint' refusal ends the message: the other one refused it too."""
    return bool(refused) and refused != endpoint
