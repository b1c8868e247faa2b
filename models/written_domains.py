"""Domains that people write, kept as text."""

from ast import literal_eval

from odoo.fields import Domain


def parse_domain(text, model):
    """The Domain, checked against the fields of `model`; of everything where nothing is written.

    :raise ValueError: it cannot be read, or names what the model does not have
    """
    try:
        domain = Domain(literal_eval(text or "[]"))
        domain.validate(model)
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from error
    return domain
