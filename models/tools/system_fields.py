"""Tools: system fields, which only code with `sudo()` writes, never a user.

Odoo's ORM calls it on create, write, import, copy and forms of all our models.
"""

from odoo import api, models
from odoo.exceptions import AccessError

ADDON = "waba_campaign"
# Where Python limits a field or a method to a group.
USER_GROUP = f"{ADDON}.waba_group_user"


class WabaSystemFieldsMixin(models.AbstractModel):
    """Fields that no user writes: what Meta reports, and what our own steps store.

    In Odoo `readonly=True` protects only the screen, not `/json/2` and RPC. In this addon a
    `readonly=True` field is a *system* field: only code with `sudo()` (jobs, webhooks) writes it,
    whatever the user's role. So an action checks the user first, and then writes under `sudo()`.
    Two parameters of a field change that:

    - `system=False`: read-only on the screen alone. The form fills it in and sends it, such as
      the subject that a wizard is opened for.
    - `system=True`: protected even though the field is not read-only by definition.

    The ORM calls `_has_field_access` in `create` (also for the context's defaults), `write`,
    import, translations and `fields_get`, and for commands in a parent's one2many. What bypasses
    it is handled below: defaults, values of forms that are not saved, and copies.
    """

    _name = "waba.system.fields.mixin"
    _description = "Fields that only the system writes"

    @api.model
    def _valid_field_parameter(self, field, name):
        return name == "system" or super()._valid_field_parameter(field, name)

    @api.model
    def _is_system_field(self, field):
        if not field._modules or field._modules[0] != ADDON:
            return False
        return getattr(field, "system", field.readonly)

    @api.model
    def _has_field_access(self, field, operation):
        if operation == "write" and not self.env.su and self._is_system_field(field):
            return False
        return super()._has_field_access(field, operation)

    @api.model
    def _check_field_access(self, field, operation):
        if operation == "write" and not self.env.su and self._is_system_field(field):
            raise AccessError(
                self.env._(
                    "“%(field)s” of %(model)s cannot be entered, imported or changed by anybody: "
                    "it is read from Meta or kept by WhatsApp Campaigns itself. Leave it out.",
                    field=field._description_string(self.env),
                    model=self._description,
                )
            )
        return super()._check_field_access(field, operation)

    @api.model
    def _protected_field_names(self):
        """System fields are not set by `ir.default`, contexts or forms: see form_values.py."""
        # Computed fields are recalculated; a form needs the old value to detect a change.
        return frozenset(
            name
            for name, field in self._fields.items()
            if not field.compute and self._is_system_field(field)
        )

    def copy_data(self, default=None):
        """A user's copy has no system values; those in `default` are refused by `create`."""
        copies = super().copy_data(default)
        if self.env.su:
            return copies
        kept = {name for name, field in self._fields.items() if self._is_system_field(field)}
        kept -= set(default or ())
        return [
            {name: value for name, value in values.items() if name not in kept} for values in copies
        ]
