"""Every webhook field that Meta can send: its reader, or why it is ignored.

The value's structure does not decide: messages sent in the app (echoes) and old ones (history) look
like new inbound messages.
The fields: Meta, Webhooks overview, 2026-09-11, and the pages named with each.
"""

from . import webhook_coexistence, webhook_messages, webhook_people, webhook_platform

READERS = {
    **webhook_messages.READERS,
    **webhook_coexistence.READERS,
    **webhook_people.READERS,
    **webhook_platform.READERS,
}

NOT_FOLLOWED = {
    # Groups: campaigns and conversations are with one person.
    "groups": "groups are not used here",
    "group_lifecycle_update": "groups are not used here",
    "group_participants_update": "groups are not used here",
    "group_settings_update": "groups are not used here",
    "group_status_update": "groups are not used here",
    "calls": "calls are not taken here",
    "flows": "the state of a form at Meta; what people answer in it comes as a message",
    # Our own username; a person's comes with their messages.
    "business_username_update": "the business's own user name",
    # A person's new id comes as a system message in `messages`.
    "user_id_update": "a person's new ID, which also comes as a message",
    "automatic_events": "orders and leads that Meta guesses from conversations",
    "tracking_events": "clicks that Meta counts for advertising",
    "partner_solutions": "contracts between Meta's partners",
    "payment_configuration_update": "payments in WhatsApp are not used here",
    "account_settings_update": "settings that are read from Meta when they are needed",
}

# The quality page prints the field of the status page (2025-10-22).
_QUALITY_FIELDS = ("", "message_template_status_update", "message_template_quality_update")


def find_reader(field, value):
    """Return the function that reads a value of this field, None when there is none.

    A body without a field is read only where it is unambiguous: statuses of our own messages, and
    WhatsApp's own stop button.
    """
    if "new_quality_score" in value and field in _QUALITY_FIELDS:
        return READERS["message_template_quality_update"]
    if field:
        return READERS.get(field)
    if value.get("statuses"):
        return webhook_messages.statuses
    return READERS["user_preferences"] if value.get("user_preferences") else None
