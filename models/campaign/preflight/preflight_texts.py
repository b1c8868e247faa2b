"""Pre-flight: the sentence of each line and case, two at most: the result, then why or what to do.

Called by waba_campaign_preflight.py and waba_campaign_outlook.py.
"""

from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

# By line and case of policy/preflight*.py; a test compares the two.
SENTENCES = {
    "template": {
        "none": _lt("No template chosen."),
        "not_sendable": _lt("%(why)s"),
        "yellow": _lt(
            "%(template)s has a Medium quality rating. Meta lowers it when people block or report."
        ),
        "red": _lt("%(template)s has a Low quality rating. Meta may pause it during the campaign."),
        "new": _lt("%(template)s is approved and not rated yet."),
        "fine": _lt("%(template)s is approved, with a High quality rating."),
    },
    "sender": {
        "none": _lt("No number chosen."),
        "other_account": _lt("%(why)s"),
        "not_connected": _lt("%(why)s"),
        "archived": _lt("%(why)s"),
        "restricted": _lt(
            "Meta restricts the account of %(number)s (%(restriction)s). Nothing is sent until "
            "Meta lifts this."
        ),
        "locked": _lt("%(why)s"),
        "stopped_by_meta": _lt("%(why)s"),
        "held": _lt("%(why)s"),
        "waits": _lt("%(number)s is not sending, so messages stay queued. %(why)s"),
        "rating": _lt("%(number)s has a %(rating)s quality rating. %(why)s"),
        "reading": _lt("Health score of %(number)s: %(level)s. %(reading)s"),
        "slowed": _lt("%(number)s is slowed. %(why)s"),
        "warm_up": _lt("%(number)s is warming up: up to %(people)s recipients a day for now."),
        "new": _lt("%(number)s can send and is not rated yet."),
        "fine": _lt("%(number)s can send: quality rating %(rating)s, health %(level)s."),
    },
    "personal": {
        "incomplete": _lt("%(why)s"),
        "mostly_missing": _lt(
            "%(count)s of %(chosen)s are excluded because %(variable)s is empty for them, and only "
            "%(receiving)s remain. Set a fallback text."
        ),
        "mostly_fallback": _lt(
            "%(count)s of %(receiving)s recipients see a fallback text instead of their own value."
        ),
        "some_fallback": _lt("Personalised; %(count)s of %(receiving)s see a fallback text."),
        "same_for_all": _lt("Same text for all %(receiving)s recipients."),
        "fine": _lt("Personalised for all %(receiving)s recipients."),
    },
    "languages": {
        "none": _lt(
            "Everyone gets %(default)s: the template has no other approved language with the same "
            "variables."
        ),
        "repeated": _lt(
            "%(variable)s shows the same text in several languages (%(counts)s). Translate it "
            "under Languages."
        ),
        "fine": _lt("Recipients by language: %(counts)s."),
    },
    "reach": {
        "all": _lt("%(receiving)s of %(chosen)s will receive it."),
        "most": _lt("%(receiving)s of %(chosen)s will receive it."),
        "nobody_left": _lt(
            "0 of %(chosen)s will receive it. Main reason for %(count)s: %(reason)s."
        ),
        "nobody_chosen": _lt(
            "The audience is empty, or you do not have access to its records. Change the audience."
        ),
    },
    "left_out": {
        "nobody": _lt("No one is excluded (0 of %(chosen)s)."),
        "some": _lt("%(count)s of %(chosen)s excluded"),
    },
    "consent": {
        "everybody": _lt("All %(receiving)s recipients have an opt-in on record."),
        "not_needed": _lt("No opt-in to promotions required: this is not a promotion."),
        "unknown": _lt(
            "%(count)s of %(receiving)s recipients have no opt-in on record. Meta's policy "
            "requires one: exclude them unless you have it elsewhere."
        ),
        "none": _lt("0 of %(chosen)s have an opt-in on record, which your company requires."),
    },
    "topic": {
        "chosen": _lt(
            "%(opted_in)s of %(receiving)s recipients opted in to %(topic)s or to all promotions, "
            "%(unknown)s did not. %(count)s of %(chosen)s opted out of it and are excluded."
        ),
        "missing": _lt(
            "%(count)s of %(receiving)s recipients have opted out of a topic and still get this "
            "message, because it has none. Choose its topic."
        ),
        "general": _lt("No topic chosen: a general promotion."),
    },
    "countries": {
        "served": _lt("WhatsApp delivers to the countries of all %(receiving)s recipients."),
        "most": _lt(
            "%(count)s of %(chosen)s are in countries where WhatsApp does not deliver this message "
            "(%(countries)s)."
        ),
        "sent_anyway": _lt(
            "%(count)s of %(chosen)s have a US number, where WhatsApp delivers no promotions. They "
            "are included by your settings."
        ),
    },
    "risk": {
        "thin": _lt(
            "Not enough data to estimate opt-outs: %(base)s of %(needed)s messages delivered in "
            "similar campaigns."
        ),
        "usual": _lt(
            "%(least)s–%(most)s opt-outs expected, based on %(rate)s of %(base)s delivered "
            "(%(pool)s)."
        ),
        "raised": _lt(
            "%(least)s–%(most)s opt-outs expected, above the safe level of %(safe)s. Based on "
            "%(rate)s of %(base)s delivered (%(pool)s)."
        ),
        "high": _lt(
            "%(least)s–%(most)s opt-outs expected, which harms the number. Based on %(rate)s of "
            "%(base)s delivered (%(pool)s); choose another audience or message."
        ),
    },
    "start": {
        "now": _lt("Sending starts right away."),
        "planned": _lt("Sending starts as scheduled: %(when)s."),
        "later": _lt("%(why)s"),
    },
    "duration": {
        "short": _lt("All %(receiving)s messages are sent by %(when)s (%(limits)s)."),
        "long": _lt("Sending takes %(days)s days, until %(when)s (%(limits)s)."),
        "too_long": _lt(
            "Sending takes %(days)s days, until %(when)s (%(limits)s). Choose fewer recipients."
        ),
        "never": _lt(
            "The %(receiving)s recipients are never messaged: campaigns get no part of the daily "
            "limit (%(limits)s)."
        ),
    },
    "new_contacts": {
        "nobody": _lt("All %(receiving)s recipients have been contacted before."),
        "few": _lt("%(count)s of %(receiving)s recipients were never contacted before."),
        "many": _lt(
            "%(count)s of %(receiving)s recipients were never contacted before. Start with those "
            "who know you best."
        ),
        "cold": _lt(
            "%(count)s of %(receiving)s recipients were never contacted and have no opt-in on "
            "record. Lists like this get numbers blocked."
        ),
    },
    "hours": {
        "nobody": _lt("No one is in quiet hours at the start (0 of %(receiving)s)."),
        "some": _lt(
            "%(count)s of %(receiving)s recipients are in quiet hours at the start. The last of "
            "them can be messaged from %(when)s."
        ),
    },
    "inactive": {
        "nobody": _lt("No recipients inactive for %(days)s+ days (0 of %(receiving)s)."),
        "few": _lt("%(count)s of %(receiving)s recipients inactive for %(days)s+ days."),
        "many": _lt(
            "%(count)s of %(receiving)s recipients inactive for %(days)s+ days. They are the most "
            "likely to block the number."
        ),
    },
    "way_out": {
        "not_needed": _lt("No opt-out option required: this is not a promotion."),
        "button": _lt("Has an opt-out button."),
        "words": _lt("The text says how to opt out."),
        "missing": _lt(
            "This promotion has no opt-out option. Without one, people block or report the number."
        ),
    },
    "category": {
        "marketing": _lt("Approved as a promotion."),
        "utility": _lt("Approved as a service message."),
        "authentication": _lt("Approved as a code."),
        "unknown": _lt(
            "The category of the template is unknown, so its price and the consent it needs are "
            "too. Sync the templates, or choose another."
        ),
        "announced": _lt(
            "Meta will change the category from %(current)s to %(announced)s. Price and required "
            "consent change with it."
        ),
    },
    "price": {
        "blocked": _lt("%(why)s"),
        "above": _lt(
            "At most %(template_price)s per message: the template's maximum price is below the "
            "campaign's (%(prices)s)."
        ),
        "capped": _lt("At most %(prices)s per message. Meta gave no estimate of the reach."),
        "estimated": _lt("At most %(prices)s per message. Meta's estimate: %(estimate)s"),
    },
    "cost": {
        "capped": _lt("At most %(amount)s for %(count)s messages, by their maximum prices."),
        "known": _lt("About %(amount)s for %(count)s messages, by your rate card."),
        "free": _lt("%(count)s messages are free: these people wrote in the last 24 hours."),
        "part": _lt(
            "About %(amount)s for %(count)s of %(receiving)s messages. Your rate card has no price "
            "for the others (%(countries)s)."
        ),
        "unknown": _lt(
            "Cost unknown: your rate card has no price for the %(receiving)s messages "
            "(%(countries)s)."
        ),
    },
    "budget": {
        "covered": _lt(
            "The budget covers all %(receiving)s messages: at most %(amount)s of %(left)s left."
        ),
        "part": _lt(
            "The budget covers about %(count)s of %(receiving)s messages: %(left)s left. The "
            "campaign pauses then, until the budget is raised."
        ),
        "used": _lt(
            "The budget covers none of the %(receiving)s messages: %(left)s left. Raise it, or the "
            "campaign pauses at once."
        ),
        "unpriced": _lt(
            "The campaign pauses at recipients without a price: your rate card has none for "
            "%(countries)s. Import rates, or set what unknown prices count as."
        ),
    },
}

# Parts of `limits` in the sentences about duration.
LIMITS = {
    "a_day": _lt("daily limit %s"),
    "followups": _lt("%s kept for follow-ups"),
    "ahead": _lt("%s messages of other campaigns first"),
    "in_window": _lt("%s in an open reply window need no slot"),
    "pilot": _lt("pilot batch of %s first"),
}

# Past campaigns that the expected opt-outs are based on.
POOLS = {
    "audience": _lt("campaigns to these recipients: %s"),
    "template": _lt("campaigns with this template: %s"),
    "category": _lt("campaigns of this category: %s"),
}
