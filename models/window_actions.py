"""The windows that buttons open, as the web client reads them."""


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
