import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** A campaign's figures, each a link to its recipients; or the reasons of exclusions and failures. */
export class CampaignResults extends Component {
    static template = "waba_campaign.CampaignResults";
    static props = { ...standardWidgetProps, show: { type: String, optional: true } };
    static defaultProps = { show: "steps" };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.formatInteger = formatInteger;
    }

    get data() {
        return this.props.record.data.results_data || {};
    }

    get reasons() {
        return this.data[this.props.show] || [];
    }

    /** Who failed for a permanent reason cannot be reached by another campaign either. */
    get canWriteAgain() {
        return this.reasons.some((reason) => this.props.show === "skipped" || reason.passing);
    }

    /** The progress bar of the whole campaign; hidden beside an A/B test. */
    get hasBars() {
        return this.data.columns.length === 1;
    }

    openLabel(label, count) {
        return _t("%(label)s: %(count)s. Show recipients", {
            label,
            count: formatInteger(count),
        });
    }

    open(label, domain) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: label,
            res_model: "waba.message",
            views: [
                [false, "list"],
                [false, "kanban"],
                [false, "form"],
            ],
            domain,
            context: { show_one_campaign: true },
        });
    }

    async call(method, context) {
        const { record } = this.props;
        const action = await this.orm.call("waba.campaign", method, [[record.resId]], { context });
        await this.action.doAction(action);
    }
}

registry.category("view_widgets").add("waba_campaign_results", {
    component: CampaignResults,
    fieldDependencies: [{ name: "results_data", type: "json" }],
    extractProps: ({ attrs }) => ({ show: attrs.show || "steps" }),
});
