import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { SelectMenu } from "@web/core/select_menu/select_menu";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

// A menu's choice has a value; the field is empty.
const NEXT = "next";

/**
 * Where a step or a branch leads: the next step, a step of the same follow-up, or the end. Steps are
 * named by their key, so that one that is not saved yet can be chosen too.
 */
export class StepTargetField extends Component {
    static template = "waba_campaign.StepTargetField";
    static components = { SelectMenu };
    static props = { ...standardFieldProps };

    /** The record of the step itself, and that of its follow-up. */
    get step() {
        const { record } = this.props;
        return record.resModel === "waba.sequence.step" ? record : record._parentRecord;
    }

    get targets() {
        const step = this.step;
        const sequence = step?._parentRecord;
        const steps = sequence?.data.step_ids?.records || [];
        const numbered = steps
            .toSorted((one, other) => one.data.sequence - other.data.sequence)
            .map((record, index) => ({
                value: record.data.key,
                label: `${index + 1}. ${record.data.what_text || _t("New step")}`,
            }));
        return [
            { value: NEXT, label: _t("Next step") },
            ...numbered.filter(({ value }) => value && value !== step.data.key),
            { value: "end", label: _t("End") },
        ];
    }

    get value() {
        return this.props.record.data[this.props.name] || NEXT;
    }

    get label() {
        return this.targets.find(({ value }) => value === this.value)?.label || _t("Deleted step");
    }

    onSelect(value) {
        this.props.record.update({ [this.props.name]: value === NEXT ? "" : value });
    }
}

registry.category("fields").add("waba_step_target", {
    component: StepTargetField,
    displayName: _t("Step"),
    supportedTypes: ["char"],
});
