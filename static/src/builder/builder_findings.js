import { Component } from "@odoo/owl";

const ICONS = {
    error: "fa-times-circle text-danger",
    warning: "fa-exclamation-triangle text-warning-emphasis",
    advice: "fa-lightbulb-o text-info",
    missing: "fa-circle-o text-muted",
};

/** What the rules say about one place. What is merely not written yet is a to-do, not an error. */
export class BuilderFindings extends Component {
    static template = "waba_campaign.BuilderFindings";
    static props = { findings: Array };

    levelOf({ key, level }) {
        return /_(missing|few)$/.test(key) ? "missing" : level;
    }

    iconOf(finding) {
        return ICONS[this.levelOf(finding)];
    }
}
