"""Tools: labels of selection fields in the user's language, and window actions.

Called by models, wizards and reports that show a label or open a view.
"""

import babel
from odoo.tools import LazyTranslate
from odoo.tools.misc import babel_locale_parse

_lt = LazyTranslate(__name__)

# Labels of groups without a value (`falsy_value_label`); Odoo's own is "None".
NO_AD = _lt("No ad")
NO_CAMPAIGN = _lt("No campaign")
NO_CATEGORY = _lt("No category")
NO_COMPANY = _lt("No company")
NO_COUNTRY = _lt("Unknown country")
NO_FOLLOW_UP = _lt("No follow-up")
NO_LEAD = _lt("No lead")
NO_MEDIUM = _lt("No medium")
NO_NUMBER = _lt("No number")
NO_OPTIN_SOURCE = _lt("No opt-in source")
NO_SALESPERSON = _lt("No salesperson")
NO_SOURCE = _lt("No source")
NO_TEAM = _lt("No sales team")
NO_TEMPLATE = _lt("No template")
NO_TOPIC = _lt("No topic")


def selection_labels(model, field):
    """{key: label}, in the language of the model's environment."""
    return dict(model._fields[field]._description_selection(model.env))


def selection_label(env, field, key, model="waba.sender"):
    """The translated label of a selection's key, or the key itself if it has none."""
    return selection_labels(env[model], field).get(key) or key


def same_selection(model, field):
    """The selection of another model's field, as a callable for a Selection field."""
    return lambda self: self.env[model]._fields[field]._description_selection(self.env)


def language_name(env, code):
    """'Spanish (Argentina)' for es_AR, in the user's language; the code if it has no name."""
    try:
        name = babel.Locale.parse(code or "", sep="_").get_display_name(
            babel_locale_parse(env.lang)
        )
    except (ValueError, babel.UnknownLocaleError):
        return code
    return name[:1].upper() + name[1:] if name else code


def with_language(whose, records):
    """`records` in the language of a company or user.

    :param whose: res.company or res.users; only the first record is used
    """
    return records.with_context(lang=whose[:1].partner_id.lang)


def form_action(record):
    """Action that opens the record's form."""
    return {
        "type": "ir.actions.act_window",
        "res_model": record._name,
        "res_id": record.id,
        "view_mode": "form",
    }


def dialog_action(model, name, /, **values):
    """Action that opens a wizard's form in a dialog.

    :param values: defaults of its fields
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
    """One of our window actions, limited to `domain` and without its default filters.

    :param xml_id: without the addon's name
    :param context: replaces the action's own
    """
    action = env["ir.actions.act_window"]._for_xml_id(f"waba_campaign.{xml_id}")
    return {**action, "domain": domain, "context": context or {}}


def has_orders(env):
    """Whether leads can have quotations and orders: sale_crm, which is not a dependency."""
    return "sale.order" in env and "opportunity_id" in env["sale.order"]._fields
