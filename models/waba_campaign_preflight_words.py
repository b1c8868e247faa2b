"""The sentences of the pre-flight: one for each case of policy/preflight*.py, with a base.

A test holds the two together.
"""

from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

SENTENCES = {
    "reach": {
        "all": _lt("Everybody gets it: %(receiving)s of %(chosen)s people."),
        "most": _lt("%(receiving)s of %(chosen)s people get it."),
        "few": _lt(
            "Only %(receiving)s of %(chosen)s people get it. Look at why the others are left out."
        ),
        "nobody_left": _lt(
            "0 of %(chosen)s people would get it: all are left out. Look at why, and choose other "
            "people."
        ),
        "nobody_chosen": _lt(
            "Nobody matches this audience, or you may not see them. Change the filter, or choose "
            "records in the pipeline."
        ),
    },
    "left_out": {
        "nobody": _lt("Nobody is left out for another reason: 0 of %(chosen)s people."),
        "some": _lt("Left out: %(count)s of %(chosen)s people. %(reason)s."),
    },
    "template": {
        "none": _lt("Choose a template first: it is the message to send."),
        "not_sendable": _lt("%(why)s"),
        "yellow": _lt(
            "Meta's rating of the template %(template)s is Medium: people react to it less well "
            "than they might."
        ),
        "red": _lt(
            "Meta's rating of the template %(template)s is Low: Meta may pause it while people "
            "wait."
        ),
        "new": _lt("The template %(template)s is approved; Meta has not rated it yet."),
        "fine": _lt("The template %(template)s is approved, and Meta's rating is High."),
    },
    "category": {
        "marketing": _lt("It is a promotion, as Meta approved it."),
        "utility": _lt("It is a service message, as Meta approved it."),
        "authentication": _lt("It sends a code, as Meta approved it."),
        "unknown": _lt(
            "Meta has not said which category this template has, so neither its price "
            "nor the consent it needs is known. Read the templates again."
        ),
        "announced": _lt(
            "Meta says that this template is of the category %(announced)s, not %(current)s, and "
            "changes it. It then costs what that category costs, and needs that consent."
        ),
    },
    "way_out": {
        "not_needed": _lt("It is no promotion: it needs no way to opt out."),
        "button": _lt("It has a button to opt out."),
        "words": _lt("Its text says how to opt out."),
        "missing": _lt(
            "This promotion does not say how to get no more of them. Who finds no way out blocks "
            "or reports the number. Choose a template with a button to opt out."
        ),
    },
    "sender": {
        "none": _lt("Choose the number to send from first."),
        "other_account": _lt("%(why)s"),
        "not_connected": _lt("%(why)s"),
        "archived": _lt("%(why)s"),
        "restricted": _lt(
            "Meta restricts the account of %(number)s (%(restriction)s): nothing leaves until "
            "Meta lifts that."
        ),
        "locked": _lt("%(why)s"),
        "stopped_by_meta": _lt("%(why)s"),
        "held": _lt("%(why)s"),
        "waits": _lt("Nothing leaves %(number)s for now: people would wait. %(why)s"),
        "rating": _lt("Meta's rating of %(number)s is %(rating)s. %(why)s"),
        "reading": _lt("Our reading of %(number)s is %(level)s: %(reading)s"),
        "slowed": _lt("%(number)s is slowed. %(why)s"),
        "warm_up": _lt("%(number)s warms up: %(people)s people a day for now."),
        "new": _lt("%(number)s may send; Meta has not rated it yet."),
        "fine": _lt("%(number)s is healthy: Meta's rating is %(rating)s, our reading %(level)s."),
    },
    "personal": {
        "incomplete": _lt("%(why)s"),
        "mostly_missing": _lt(
            "%(count)s of %(chosen)s people are left out because a text would be empty, no fewer "
            "than get it (%(receiving)s). Give it a text for that case."
        ),
        "missing": _lt(
            "%(count)s of %(chosen)s people are left out because a text would be empty. Give it "
            "a text for that case to reach them."
        ),
        "mostly_fallback": _lt(
            "%(count)s of %(receiving)s people see the text for an empty value instead of their "
            "own."
        ),
        "some_fallback": _lt(
            "It speaks to each person; %(count)s of %(receiving)s see the text for an empty value."
        ),
        "same_for_all": _lt(
            "It is the same for everybody (%(receiving)s of %(receiving)s): no text is their own."
        ),
        "fine": _lt("It speaks to everybody in their own words (%(receiving)s of %(receiving)s)."),
    },
    "consent": {
        "everybody": _lt("Everybody has an opt-in on record (%(receiving)s of %(receiving)s)."),
        "not_needed": _lt("It is no promotion: it needs no opt-in to promotions."),
        "unknown": _lt(
            "%(count)s of %(receiving)s people have no opt-in on record. WhatsApp asks for one "
            "before anybody is written to."
        ),
        "left_out": _lt(
            "%(count)s of %(chosen)s people are left out: no opt-in on record, which your company "
            "asks for."
        ),
        "none": _lt(
            "0 of %(chosen)s people have an opt-in on record, which your company asks for: nobody "
            "may be written to."
        ),
    },
    "countries": {
        "served": _lt("WhatsApp serves everybody's country (%(chosen)s of %(chosen)s)."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: WhatsApp does not deliver this to their "
            "countries (%(countries)s)."
        ),
        "most": _lt(
            "%(count)s of %(chosen)s people are in countries that WhatsApp does not deliver this "
            "to (%(countries)s). That is no audience for WhatsApp."
        ),
        "sent_anyway": _lt(
            "%(count)s of %(chosen)s people have a number of the United States, to which WhatsApp "
            "delivers no promotions. They are written to because your settings say so."
        ),
    },
    "renumbered": {
        "nobody": _lt("0 of %(chosen)s people got another number after an opt-out."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: their number was changed after they had "
            "opted out. Open each one and confirm that it is another person, or note the opt-out "
            "for the new number."
        ),
    },
    "frequency": {
        "nobody": _lt("0 of %(chosen)s people were written to too often."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: they got as many promotions lately as "
            "your rule allows (%(most)s in %(days)s days)."
        ),
    },
    "hours": {
        "nobody": _lt("It is a quiet hour for nobody: 0 of %(receiving)s people."),
        "some": _lt(
            "%(count)s of %(receiving)s people wait until their quiet hours are over, the last "
            "of them %(when)s."
        ),
    },
    "new_contacts": {
        "nobody": _lt("Everybody was written to before (%(receiving)s of %(receiving)s)."),
        "few": _lt("%(count)s of %(receiving)s people were never written to before."),
        "many": _lt(
            "%(count)s of %(receiving)s people were never written to before. Begin with those who "
            "know you best."
        ),
        "cold": _lt(
            "%(count)s of %(receiving)s people were never written to and have no opt-in on record. "
            "A list like that is what gets numbers blocked. Ask these people first, or begin with "
            "a few."
        ),
    },
    "inactive": {
        "nobody": _lt("Nobody was silent for %(days)s days: 0 of %(receiving)s people."),
        "few": _lt(
            "%(count)s of %(receiving)s people have neither read nor written anything for "
            "%(days)s days."
        ),
        "many": _lt(
            "%(count)s of %(receiving)s people have neither read nor written anything for "
            "%(days)s days. They are the likeliest to block the number."
        ),
    },
    "duration": {
        "short": _lt("The last message leaves %(when)s. To be written to: %(receiving)s."),
        "long": _lt(
            "At today's limit %(receiving)s people take %(days)s days (%(limits)s). It ends "
            "%(when)s."
        ),
        "too_long": _lt(
            "At today's limit %(receiving)s people take %(days)s days (%(limits)s), until %(when)s:"
            " by then the message is old. Write to fewer people."
        ),
        "never": _lt(
            "At today's limit the %(receiving)s people are never written to (%(limits)s): nothing "
            "of it is left for campaigns."
        ),
    },
    "cost": {
        "known": _lt("About %(amount)s by your rate card. Messages: %(count)s."),
        "free": _lt("%(count)s messages are free: these people wrote to you in the last 24 hours."),
        "part": _lt(
            "About %(amount)s for %(count)s of %(receiving)s messages; your rate card has no price "
            "for the others (%(countries)s)."
        ),
        "unknown": _lt(
            "What %(receiving)s messages cost is not known: the rate card of Meta's prices has "
            "none for them (%(countries)s). A manager imports it."
        ),
    },
    "risk": {
        "thin": _lt(
            "Too little was sent to people like these to foresee opt-outs: %(base)s of %(needed)s "
            "messages delivered."
        ),
        "usual": _lt(
            "%(least)s–%(most)s opt-outs are to be expected. Before: %(rate)s of %(base)s "
            "delivered (%(pool)s)."
        ),
        "raised": _lt(
            "Before, %(rate)s of %(base)s delivered opted out (%(pool)s), more than is good for "
            "the number: %(least)s–%(most)s opt-outs are to be expected."
        ),
        "high": _lt(
            "Before, %(rate)s of %(base)s delivered opted out (%(pool)s), which harms the number: "
            "%(least)s–%(most)s opt-outs are to be expected. Choose other people or another "
            "message."
        ),
    },
}
LIMITS = {
    "a_day": _lt("%s people a day"),
    "followups": _lt("%s kept for follow-ups"),
    "ahead": _lt("%s people of other campaigns go first"),
    "in_window": _lt("%s who wrote to you today need no place"),
}
POOLS = {
    "audience": _lt("campaigns to these people: %s"),
    "template": _lt("campaigns with this template: %s"),
    "category": _lt("campaigns of this kind: %s"),
}
