"""The choices of selection fields, in the words and the language of whoever reads them."""


def selection_labels(model, field):
    """{key: label}"""
    return dict(model._fields[field]._description_selection(model.env))


def selection_label(env, field, key, model="waba.sender"):
    """The translated label of a selection's key; the key itself when it has none."""
    return selection_labels(env[model], field).get(key) or key


def same_selection(model, field):
    """For a Selection: the choices of another model's field."""
    return lambda self: self.env[model]._fields[field]._description_selection(self.env)


def with_language(whose, records):
    """`records` in an environment that speaks that company's or user's language.

    :param whose: res.company or res.users; of several, the first decides
    """
    return records.with_context(lang=whose[:1].partner_id.lang)


def form_action(record):
    """The record's form."""
    return {
        "type": "ir.actions.act_window",
        "res_model": record._name,
        "res_id": record.id,
        "view_mode": "form",
    }


def dialog_action(model, name, /, **values):
    """A wizard's form in a dialog.

    :param values: what its fields start with
    """
    return {
        "type": "ir.actions.act_window",
        "name": name,
        "res_model": model._name,
        "view_mode": "form",
        "target": "new",
        "context": {f"default_{field}": value for field, value in values.items()},
    }


def list_action(env, xml_id, domain, context=None):
    """One of the addon's own actions, of the rows in `domain` alone and without its usual filters.

    :param xml_id: without the addon's name
    :param context: instead of the action's own
    """
    action = env["ir.actions.act_window"]._for_xml_id(f"waba_campaign.{xml_id}")
    return {**action, "domain": domain, "context": context or {}}


def has_orders(env):
    """Whether leads can have quotations and sales orders: sale_crm, which we do not need."""
    return "sale.order" in env and "opportunity_id" in env["sale.order"]._fields
