import { registry } from "@web/core/registry";
import { SelectionField, selectionField } from "@web/views/fields/selection/selection_field";

const MEDIA = ["image", "video", "document", "gif"];
// As SOURCE_KINDS of the model: what only these kinds can have.
const OF_KINDS = { file: MEDIA, date: ["expiry"], hours: ["expiry"], preferences: ["text", "url"] };

const TEMPLATE_VARIABLE = "waba.template.variable";

/** The source of a variable: those that can fill it; a tracked link only where a button carries one. */
export class VariableSourceField extends SelectionField {
    get options() {
        const { can_track, kind, source } = this.props.record.data;
        return super.options.filter(([key]) => {
            if (key === source) {
                return true;
            }
            if (key === "link") {
                return can_track;
            }
            // Only a template has a value for each quotation and invoice.
            if (key.startsWith("document") && this.props.record.resModel !== TEMPLATE_VARIABLE) {
                return false;
            }
            const kinds = OF_KINDS[key] || ["text"];
            return kind === "expiry" ? kinds.includes(kind) : !OF_KINDS[key] || kinds.includes(kind);
        });
    }
}

registry.category("fields").add("waba_variable_source", {
    ...selectionField,
    component: VariableSourceField,
    supportedTypes: ["selection"],
    fieldDependencies: [
        { name: "can_track", type: "boolean" },
        { name: "kind", type: "selection" },
    ],
});
