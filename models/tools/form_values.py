"""Tools: forms that are not saved yet may name only records that their user may read.

Odoo calls it for every form of our models (`onchange`, `default_get`).
"""

from odoo import api, models
from odoo.fields import Command

# Commands whose second or third part names records that exist.
SINGLE_RECORD_COMMANDS = (Command.UPDATE, Command.DELETE, Command.UNLINK, Command.LINK)


class Base(models.AbstractModel):
    """`onchange` and the defaults of a context build a record from whatever a browser sends, and
    return what is computed from it: the name, state or texts of a number, campaign or recipient
    that the user may not read would be disclosed. System fields (who launched or approved a
    campaign) keep their stored value, whatever a form sends.
    """

    _inherit = "base"

    def onchange(self, values, field_names, fields_spec):
        if self._is_waba_form():
            kept = self._protected_field_names()
            values = self._clean_form_values(values)
            field_names = [name for name in field_names if name not in kept]
        return super().onchange(values, field_names, fields_spec)

    @api.model
    def default_get(self, fields_list):
        if not self._is_waba_form():
            return super().default_get(fields_list)
        kept = self._protected_field_names().intersection(fields_list)
        values = super().default_get([name for name in fields_list if name not in kept])
        # Neither a context nor an ir.default, which any user may create, sets these.
        values |= {name: self._field_default(name) for name in kept if self._fields[name].default}
        return self._filter_readable_values(values)

    @api.model
    def _field_default(self, name):
        """The default that the field itself defines, in the format of a form."""
        field = self._fields[name]
        value = field.convert_to_cache(field.default(self), self, validate=False)
        return field.convert_to_write(value, self)

    @api.model
    def _is_waba_form(self):
        return self._name.startswith("waba.") and not self.env.su

    @api.model
    def _protected_field_names(self):
        """Names of fields that a form cannot set."""
        return frozenset()

    @api.model
    def _clean_form_values(self, values):
        """The values that a form may set on a record of this model: no protected fields."""
        kept = self._protected_field_names()
        return self._filter_readable_values(
            {name: value for name, value in values.items() if name not in kept}
        )

    @api.model
    def _filter_readable_values(self, values):
        """These values of a form without the records that the user may not read."""
        return {name: self._readable_value(name, value) for name, value in values.items()}

    @api.model
    def _readable_value(self, name, value):
        field = self._fields.get(name)
        if not value or field is None or not field.relational or not field.comodel_name:
            return value
        if isinstance(value, dict):
            # The form of a line also sends the values of its parent record, with its id.
            if value.get("id") and not self._readable_ids(field, [value["id"]]):
                return False
            return self.env[field.comodel_name]._clean_form_values(value)
        if field.type == "many2one":
            return value if self._readable_ids(field, [value]) else False
        if isinstance(value, list):
            commands = (self._readable_command(field, command) for command in value)
            return [command for command in commands if command]
        return value

    @api.model
    def _readable_command(self, field, command):
        """The command without records that may not be read; None if none is left."""
        if isinstance(command, int):
            return command if self._readable_ids(field, [command]) else None
        kind, *rest = command
        if kind == Command.SET:
            return (kind, 0, self._readable_ids(field, rest[1]))
        if kind in SINGLE_RECORD_COMMANDS and not self._readable_ids(field, rest[:1]):
            return None
        if kind in (Command.CREATE, Command.UPDATE) and rest[1:]:
            return (kind, rest[0], self.env[field.comodel_name]._clean_form_values(rest[1]))
        return command

    @api.model
    def _readable_ids(self, field, ids):
        """The `ids` that may be read, and all that are no ids, such as those of new lines."""
        records = self.env[field.comodel_name].browse(id_ for id_ in ids if _is_id(id_))
        readable = set(records.exists()._filtered_access("read")._ids)
        return [id_ for id_ in ids if not _is_id(id_) or id_ in readable]


def _is_id(value):
    return isinstance(value, int) and not isinstance(value, bool)
