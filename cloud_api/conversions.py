"""Meta's Conversions API for business messaging: what became of the people an ad sent.

Sources (consulted 2026-11-29): https://developers.facebook.com/docs/marketing-api/conversions-api/
business-messaging (`action_source` "business_messaging", `messaging_channel` "whatsapp",
`user_data` {whatsapp_business_account_id, ctwa_clid}, a dataset per account by `/{waba}/dataset`;
event names Purchase, LeadSubmitted, QualifiedLead, OrderCanceled and others), …/conversions-api/
parameters/server-event (`event_time` at most 7 days old, else the whole request is refused; equal
`event_name` and `event_id` within 48 hours count once), …/conversions-api/support (a request
without an answer should be sent again).

Integrators report that some accounts take fewer names than Meta lists (2804066; Zernio, 2026):
LeadSubmitted and Purchase are taken everywhere. Not documented: a way to take an event back, and
whether OrderCanceled lowers the value of an earlier Purchase. The token needs the permission
whatsapp_business_manage_events.
"""

from datetime import timezone

from .errors import UnknownOutcome
from .graph import GraphClient
from .values import as_code, as_dict, as_list, as_uid

QUALIFIED_NAMES = ("QualifiedLead", "LeadSubmitted")
WON_NAME, UNWON_NAME = "Purchase", "OrderCanceled"

# Subcodes of error 100, as integrators report them (2026); Meta has no table of them.
TOO_OLD, NAME_REFUSED, CLICK_REFUSED = 2804003, 2804066, 2804087


class ConversionCalls(GraphClient):
    """The part of `CloudApiClient` that is about conversions; the same errors."""

    def get_dataset(self, waba_uid):
        """Return the id of the account's dataset, '' if it has none."""
        reply = self._get((waba_uid, "dataset"), fields="id")
        found = as_dict(next(iter(as_list(reply.get("data"))), None))
        return as_uid(reply.get("id")) or as_uid(found.get("id"))

    def create_dataset(self, waba_uid):
        """Create the account's dataset, or return that it has: an account has one."""
        return self._reply_uid(self._request("POST", (waba_uid, "dataset"), {}))

    def send_conversion(self, dataset_uid, event, test_code=""):
        """Send one event, alone: Meta refuses all events of a request for one.

        :param event: see `conversion_event`
        :param test_code: shows the event under *Test events* in Meta's Events Manager
        :return: Meta's trace id
        :raise UnknownOutcome: it may have been received
        """
        body = {"data": [event]}
        if test_code:
            body["test_event_code"] = test_code
        reply = self._request("POST", (dataset_uid, "events"), body)
        if as_code(reply.get("events_received")) != 1:
            raise UnknownOutcome(message="the reply counts no event", http_status=200)
        return as_uid(reply.get("fbtrace_id"))


def conversion_event(name, at, uid, waba_uid, click_uid, value=None, currency="", order_uid=""):
    """Return one event. It names nobody: the click alone says whose it is.

    :param at: naive UTC datetime when it happened
    :param uid: equal for each attempt, so that Meta counts the event once
    :param value: in `currency` (ISO 4217), None without
    """
    event = {
        "event_name": name,
        "event_time": int(at.replace(tzinfo=timezone.utc).timestamp()),
        "event_id": uid,
        "action_source": "business_messaging",
        "messaging_channel": "whatsapp",
        "user_data": {"whatsapp_business_account_id": waba_uid, "ctwa_clid": click_uid},
    }
    custom = {}
    if value is not None:
        custom |= {"value": value, "currency": currency}
    if order_uid:
        custom["order_id"] = order_uid
    if custom:
        event["custom_data"] = custom
    return event
