"""Tools: whether sales orders of leads are installed. Asked by follow-ups and attribution."""


def has_orders(env):
    """Whether leads can have quotations and sales orders: sale_crm, which we do not need."""
    return "sale.order" in env and "opportunity_id" in env["sale.order"]._fields
