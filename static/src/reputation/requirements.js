import { _t } from "@web/core/l10n/translation";
import { Component } from "@odoo/owl";
import { REQUIREMENT_MARKS } from "./reputation_words";

/** What good sending requires, as it stands: what needs work first, each with its fix. */
export class Requirements extends Component {
    static template = "waba_campaign.Requirements";
    static props = { requirements: Array, onOpen: Function, onShow: Function };

    setup() {
        this.marks = REQUIREMENT_MARKS;
    }

    get summary() {
        const { requirements } = this.props;
        const met = requirements.filter(({ status }) => status === "compliant").length;
        return _t("%(met)s of %(all)s compliant", { met, all: requirements.length });
    }

    get open() {
        return this.props.requirements.filter(({ status }) => status === "needs_work");
    }

    /** What needs no work is folded, by its status. */
    get folded() {
        return ["unknown", "compliant"]
            .map((status) => this.props.requirements.filter((each) => each.status === status))
            .filter((found) => found.length)
            .map((found) => ({
                key: found[0].status,
                label: `${found[0].status_label} (${found.length})`,
                requirements: found,
            }));
    }

    fix({ fix }) {
        return fix.anchor ? this.props.onShow(fix.anchor) : this.props.onOpen(fix.action);
    }
}
