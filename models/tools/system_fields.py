from odoo import api, models
from odoo.exceptions import AccessError

ADDON = "waba_campaign"


class WabaSystemFieldsMixin(models.AbstractModel):
    """Fields that no person writes: what Meta reports, and what our own steps keep.

    In Odoo `readonly=True` protects the screen alone; every door of `/json/2` and RPC stays open.
    Here it is meant: a `readonly=True` field of this addon is a *system* field, and only code that
    runs with all rights (`sudo()`, jobs) writes it, whatever the person's role. So a step that a
    person may take checks the person first, and writes under `sudo()` then. Two words on a field
    change that:

    - `system=False`: closed on the screen only. The form itself fills it in and sends it, such as
      the subject that a wizard is opened for.
    - `system=True`: closed although the field is not read-only by definition.

    The ORM asks `_has_field_access` in `create` (for the context's defaults too), `write`, import,
    translations and `fields_get`; commands in a parent's one2many come through the same doors.
    What goes round it is closed below: defaults, values of forms that are not saved, and copies.
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
        """Nor does a person's own `ir.default` or a context say them, see form_values.py."""
        # What is computed is recalculated; a form needs its old value to see that it changed.
        return frozenset(
            name
            for name, field in self._fields.items()
            if not field.compute and self._is_system_field(field)
        )

    def copy_data(self, default=None):
        """A person's copy starts anew; what the caller asks for is refused by `create`."""
        copies = super().copy_data(default)
        if self.env.su:
            return copies
        kept = {name for name, field in self._fields.items() if self._is_system_field(field)}
        kept -= set(default or ())
        return [
            {name: value for name, value in values.items() if name not in kept} for values in copies
        ]
