"""Tools: a point in time as people say it: "20:03" or "8:03 PM", "tomorrow 07:21".

Called by everything that writes a time into a sentence. The time of day is as in Odoo's own date
fields, which use the conventions of the user's language.
"""

from datetime import timedelta

from odoo import fields
from odoo.tools import format_datetime
from odoo.tools.misc import babel_locale_parse, get_lang

# Days in babel's notation: "30 Nov", "30 Nov 2026", "Mon 30 Nov", "Monday 30 Nov".
DAY, DAY_OF_YEAR, SHORT_WEEKDAY, WEEKDAY = "d MMM", "d MMM y", "EEE d MMM", "EEEE d MMM"


def format_moment(env, moment, day=DAY, *, tz=False, seconds=False):
    """'30 Nov, 20:03' or '30 Nov, 8:03 PM', by the user's language.

    :param moment: naive UTC datetime
    :param day: babel's notation of the day; '' for the time only
    :param tz: name of a time zone; the user's by default
    """
    patterns = babel_locale_parse(get_lang(env).code).time_formats
    # Babel's narrow space is missing in the fonts of some mail programs.
    clock = patterns["medium" if seconds else "short"].pattern.replace("\u202f", "\xa0")
    return format_datetime(env, moment, tz=tz, dt_format=f"{day}, {clock}" if day else clock)


def moment_text(env, moment):
    """'20:03' today, 'tomorrow 07:21', 'Mon 30 Nov, 20:03' later; in the user's time zone.

    :param moment: naive UTC datetime
    """

    def local_day(instant):
        return fields.Datetime.context_timestamp(env.user, instant).date()

    today = local_day(fields.Datetime.now())
    if local_day(moment) == today:
        return format_moment(env, moment, "")
    if local_day(moment) == today + timedelta(days=1):
        return env._("tomorrow %s", format_moment(env, moment, ""))
    return format_moment(env, moment, SHORT_WEEKDAY)
