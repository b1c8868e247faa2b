"""Tools: `moment_text`, a point in time as people say it: "20:03", "tomorrow 07:21".

Called by what tells when a message leaves.
"""

from datetime import timedelta

from odoo import fields
from odoo.tools import format_datetime


def moment_text(env, moment):
    """'20:03' today, 'tomorrow 07:21', 'Mon 30 Nov, 20:03' later; in the user's time zone.

    :param moment: naive UTC datetime
    """

    def day(instant):
        return fields.Datetime.context_timestamp(env.user, instant).date()

    today = day(fields.Datetime.now())
    if day(moment) == today:
        return format_datetime(env, moment, dt_format="HH:mm")
    if day(moment) == today + timedelta(days=1):
        return env._("tomorrow %s", format_datetime(env, moment, dt_format="HH:mm"))
    return format_datetime(env, moment, dt_format="EEE d MMM, HH:mm")
