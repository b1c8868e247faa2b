"""Saved filters with a cost show the number of messages whose cost is known; see docs/money.md.

A filter whose measures a user changed keeps them.
"""

# {measures as shipped before: measures now}
MEASURES = {
    "['delivered_count', 'cost', 'replied_count', 'cost_per_reply', 'won_count', 'won_amount',"
    " 'return_rate']": "['delivered_count', 'cost', 'priced_count', 'replied_count',"
    " 'cost_per_reply', 'won_count', 'won_amount', 'return_rate']",
    "['delivered_count', 'replied_count', 'won_count', 'won_amount', 'cost']": "['delivered_count',"
    " 'replied_count', 'won_count', 'won_amount', 'cost', 'priced_count']",
    "['delivered_count', 'cost', 'replied_count', 'cost_per_reply', 'unpriced_count']": (
        "['delivered_count', 'cost', 'priced_count', 'replied_count', 'cost_per_reply']"
    ),
}


def migrate(cr, version):
    for old, new in MEASURES.items():
        cr.execute(
            """UPDATE ir_filters SET context = replace(context, %s, %s)
                WHERE model_id = 'waba.money.report' AND position(%s IN context) > 0
                  AND id IN (SELECT res_id FROM ir_model_data
                              WHERE module = 'waba_campaign' AND model = 'ir.filters')""",
            (old, new, old),
        )
