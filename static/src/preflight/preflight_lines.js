import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const ICONS = {
    stop: "fa-times-circle text-danger-emphasis",
    warn: "fa-exclamation-triangle text-warning-emphasis",
    pass: "fa-check-circle text-success-emphasis",
};

/** The lines in three groups, the passed ones folded; a line of several reasons opens into them. */
export class PreflightLines extends Component {
    static template = "waba_campaign.PreflightLines";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.icons = ICONS;
        // Keys of what is unfolded: "pass", or the id of a line.
        this.state = useState({ open: {}, isBusy: false });
    }

    get groups() {
        return (this.props.record.data.content || []).filter(({ lines }) => lines.length);
    }

    /** Without a button of its own at the foot, the dialog's main button is the first fix. */
    isPrimary(group, line) {
        const { can_launch, can_override, can_ask, can_approve } = this.props.record.data;
        const hasMain = can_launch || can_override || can_ask || can_approve;
        return !hasMain && group.level === "stop" && line === group.lines.find(({ fix }) => fix);
    }

    toggle(key) {
        this.state.open[key] = !this.state.open[key];
    }

    async call(method, line) {
        if (this.state.isBusy) {
            return;
        }
        this.state.isBusy = true;
        try {
            const found = await this.orm.call("waba.preflight.line", method, [[line.id]]);
            await this.action.doAction(found);
        } finally {
            this.state.isBusy = false;
        }
    }
}

registry.category("view_widgets").add("waba_preflight_lines", {
    component: PreflightLines,
    fieldDependencies: [{ name: "content", type: "json" }],
});
