"""Names of the saved filters that came with the addon: an upgrade does not write them again.

A filter that a user renamed keeps its name.
"""

# {name as shipped before: name now}
RENAMED = {
    "Campaigns of the last 30 days": "Campaigns, last 30 days",
    "Why messages were not delivered": "Failure reasons",
    "When people read": "Reads by hour",
    "Opt-outs by source of the contact": "Opt-outs by source",
    "Salespeople of the last 30 days": "Salespeople, last 30 days",
    "Bad days of the last 90": "Days at risk, last 90 days",
    "Campaigns: cost and return": "Cost and return by campaign",
    "Salespeople: month by month": "Salespeople by month",
    "Countries: what a reply costs": "Cost per reply by country",
}


def migrate(cr, version):
    for old, new in RENAMED.items():
        cr.execute(
            """UPDATE ir_filters SET name = %s
                WHERE name = %s AND id IN (SELECT res_id FROM ir_model_data
                       WHERE module = 'waba_campaign' AND model = 'ir.filters')""",
            (new, old),
        )
