import { registry } from "@web/core/registry";
import {
    FieldSelectorField,
    fieldSelectorField,
} from "@web/views/fields/field_selector/field_selector_field";

/** Odoo's field selector with field labels, also read-only: not "partner_id.city". */
export class FieldPathField extends FieldSelectorField {
    static template = "waba_campaign.FieldPathField";
}

registry.category("fields").add("waba_field_path", {
    ...fieldSelectorField,
    component: FieldPathField,
});
