import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component, onMounted, onWillUnmount } from "@odoo/owl";

const EVERY = 2000;
/** Ten minutes; a phone that is off for longer is no answer of the connection. */
const MOST_LOADS = 300;

export const STEP_ICONS = {
    done: "fa-check-circle text-success",
    failed: "fa-times-circle text-danger",
    late: "fa-exclamation-triangle text-warning-emphasis",
    waiting: "fa-circle-o text-muted",
    // The one step that something happens in.
    current: "fa-spinner fa-spin text-primary",
};

/** The steps of a round trip test, reloaded until the last one is done or one has failed. */
export class RoundTripSteps extends Component {
    static template = "waba_campaign.RoundTripSteps";
    static props = { ...standardFieldProps };

    setup() {
        this.icons = STEP_ICONS;
        this.loads = 0;
        onMounted(() => {
            this.timer = setInterval(() => this.reload(), EVERY);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    get steps() {
        return this.props.record.data[this.props.name] || [];
    }

    iconOf(step) {
        const current = this.steps.find(({ state }) => state !== "done");
        const isRunning = step.state === "waiting" && step.key === current.key;
        return this.icons[isRunning ? "current" : step.state];
    }

    async reload() {
        const { record } = this.props;
        if (!record.data.message_id || record.data.is_finished || this.isLoading) {
            return;
        }
        if (++this.loads > MOST_LOADS) {
            clearInterval(this.timer);
            return;
        }
        this.isLoading = true;
        try {
            await record.load();
        } finally {
            this.isLoading = false;
        }
    }
}

registry.category("fields").add("waba_round_trip_steps", {
    component: RoundTripSteps,
    supportedTypes: ["json"],
});
