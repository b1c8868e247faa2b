import { _t } from "@web/core/l10n/translation";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Component, onWillStart, useRef, useState } from "@odoo/owl";

const ICONS = {
    done: "fa-check-circle text-success",
    attention: "fa-exclamation-triangle text-warning-emphasis",
    open: "fa-circle-o text-primary",
    waiting: "fa-circle-o text-muted",
    unknown: "fa-question-circle-o text-muted",
};

/**
 * Getting started: the steps from nothing to the first campaign. All states and texts come from
 * `waba.getting.started.getting_started_data`, anew whenever the page opens.
 */
export class GettingStarted extends Component {
    static template = "waba_campaign.GettingStarted";
    static components = { ControlPanel, CopyButton };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.icons = ICONS;
        this.state = useState({ data: null, isBusy: false });
        useSetupAction({ rootRef: useRef("root") });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.data = await this.orm.call("waba.getting.started", "getting_started_data", []);
    }

    get data() {
        return this.state.data;
    }

    /** The first step that can be done now; its button is the only primary one. */
    get current() {
        return this.data.steps.find(({ state }) => state === "open");
    }

    get progress() {
        return Math.round((100 * this.data.done) / this.data.steps.length);
    }

    get stateLabels() {
        return {
            done: _t("Done"),
            attention: _t("To review"),
            open: _t("To do"),
            waiting: _t("Later"),
            unknown: _t("Not verified"),
        };
    }

    press(button) {
        if (button.method === "test") {
            return this.test();
        }
        if (button.method === "simulate") {
            return this.simulate();
        }
        if (button.method) {
            const [resModel, resId, name] = button.method;
            return this.action.doActionButton({
                type: "object",
                resModel,
                resId,
                name,
                onClose: () => this.load(),
            });
        }
        return this.action.doAction(button.action, { onClose: () => this.load() });
    }

    async test() {
        const action = await this.orm.call("waba.getting.started", "open_round_trip", []);
        return this.action.doAction(action, { onClose: () => this.load() });
    }

    askToSimulate() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Try with a simulated account?"),
            body: _t(
                "A simulated WhatsApp account is connected to the database %s. Nothing is sent to anyone. Use a test database: simulated messages stay in its reports.",
                this.data.database
            ),
            confirmLabel: _t("Start simulation"),
            confirm: () => this.simulate(),
            cancel: () => {},
        });
    }

    async simulate() {
        this.state.isBusy = true;
        try {
            const id = await this.orm.call("waba.getting.started", "start_simulation", []);
            const diagnosis = await this.orm.call("waba.account", "action_connect", [[id]]);
            await this.load();
            if (this.data.steps[0].state === "open") {
                this.action.doAction(diagnosis, { onClose: () => this.load() });
            }
        } finally {
            this.state.isBusy = false;
        }
    }
}

registry.category("actions").add("waba_getting_started", GettingStarted);
