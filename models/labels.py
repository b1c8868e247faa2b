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
