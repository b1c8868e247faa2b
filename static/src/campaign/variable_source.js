import { registry } from "@web/core/registry";
import { SelectionField, selectionField } from "@web/views/fields/selection/selection_field";

/** The source of a variable: a tracked link only where the template's button can carry one. */
export class VariableSourceField extends SelectionField {
    get options() {
        const { can_track, source } = this.props.record.data;
        return super.options.filter(([key]) => key !== "link" || can_track || source === "link");
    }
}

registry.category("fields").add("waba_variable_source", {
    ...selectionField,
    component: VariableSourceField,
    supportedTypes: ["selection"],
    fieldDependencies: [{ name: "can_track", type: "boolean" }],
});
