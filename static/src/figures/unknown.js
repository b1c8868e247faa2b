import { registry } from "@web/core/registry";
import { formatPercentage } from "@web/views/fields/formatters";
import { PercentageField, percentageField } from "@web/views/fields/percentage/percentage_field";

/** Unknown values: "–" in lists, pivots and graphs, where Odoo's percentages would say 0%. */
export const UNKNOWN = "–";

export function isUnknown(value) {
    return value === false || value === null || value === undefined;
}

/** At most two decimals: "2.1%", "0.42%". */
export function formatRate(value, options = {}) {
    return isUnknown(value) ? UNKNOWN : formatPercentage(value, { ...options, digits: [16, 2] });
}

export class RateField extends PercentageField {
    get formattedValue() {
        return formatRate(this.props.record.data[this.props.name], {
            field: this.props.record.fields[this.props.name],
        });
    }
}

registry.category("fields").add("waba_rate", { ...percentageField, component: RateField });
registry.category("formatters").add("waba_rate", formatRate);
