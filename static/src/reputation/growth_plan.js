import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatInteger } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { GrowthChart } from "./growth_chart";
import { RATING_MARKS } from "./reputation_words";

const { DateTime } = luxon;

/** Status of a level -> icon and class; the text beside it says the same. */
const LEVEL_ICONS = {
    reached: "fa-check-circle o_waba_good",
    current: "fa-map-marker o_waba_main",
    next: "fa-circle-o o_waba_main",
    later: "fa-circle-o o_waba_unknown",
};

/**
 * The growth plan of a portfolio: what Meta's next daily limit needs, when each level can be reached,
 * and whom to write to first. All figures and sentences come from `waba.portfolio.growth_plan_data`.
 */
export class GrowthPlan extends Component {
    static template = "waba_campaign.GrowthPlan";
    static components = { ControlPanel, Dropdown, DropdownItem, GrowthChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ data: null, size: 0 });
        Object.assign(this, { LEVEL_ICONS, RATING_MARKS, formatInteger });
        useSetupAction({
            rootRef: useRef("root"),
            getLocalState: () => ({ portfolioId: this.plan.id }),
        });
        const { state, action } = this.props;
        onWillStart(() => this.load(state?.portfolioId || action.params?.portfolio_id || false));
    }

    async load(portfolioId) {
        this.state.data = await this.orm.call("waba.portfolio", "growth_plan_data", [], {
            portfolio_id: portfolioId,
        });
        this.state.size = this.proposedSize;
    }

    get plan() {
        return this.state.data.plan;
    }

    /** People of the next campaign: what the plan needs a day, within who can be written to. */
    get proposedSize() {
        if (!this.plan.progress) {
            return 0;
        }
        const { state, least, progress, campaign_size } = this.plan;
        const wanted = {
            reached: progress.needed,
            growing: least,
            audience: campaign_size,
            capped: campaign_size,
        };
        return Math.min(wanted[state] || 0, campaign_size);
    }

    get sharing() {
        const { sharing } = this.plan;
        return sharing > 1 && _t("shared by %s numbers", formatInteger(sharing));
    }

    get missing() {
        const { used, needed } = this.plan.progress;
        return used < needed && _t("%s more people needed", formatInteger(needed - used));
    }

    get createLabel() {
        return _t("Create campaign for the warmest %s", formatInteger(this.state.size));
    }

    setSize(event) {
        const size = Math.round(Number(event.target.value)) || 1;
        this.state.size = Math.max(1, Math.min(size, this.plan.campaign_size));
        event.target.value = this.state.size;
    }

    // -----------------------------------------------------------------------------------------
    // Ladder and audience
    // -----------------------------------------------------------------------------------------

    levelLabel(level) {
        return level.limit ? _t("%s a day", level.label) : level.label;
    }

    statusLabel(level) {
        return {
            reached: _t("Reached"),
            current: _t("Today's level"),
            next: _t("Next level"),
            later: "",
        }[level.status];
    }

    earliest(level) {
        return level.earliest && _t("Earliest %s", this.dateText(level.earliest));
    }

    likely(level) {
        if (!level.likely_from) {
            return false;
        }
        const from = this.dateText(level.likely_from);
        if (!level.likely_until) {
            return _t("Likely from %s", from);
        }
        const until = this.dateText(level.likely_until);
        return from === until ? _t("Likely %s", from) : _t("Likely %(from)s – %(until)s", { from, until });
    }

    /** "27 Nov"; with the year when it is another one. */
    dateText(text) {
        const moment = deserializeDateTime(text);
        const year = moment.year === DateTime.local().year ? {} : { year: "numeric" };
        return moment.toLocaleString({ day: "numeric", month: "short", ...year });
    }

    share(count) {
        const { scored } = this.plan.audience;
        return scored ? Math.round((100 * count) / scored) : 0;
    }

    // -----------------------------------------------------------------------------------------
    // Navigation
    // -----------------------------------------------------------------------------------------

    async createCampaign() {
        const action = await this.orm.call("waba.portfolio", "action_create_warmest_campaign", [
            [this.plan.id],
            this.state.size,
        ]);
        return this.action.doAction(action);
    }

    openReputation() {
        return this.action.doAction("waba_campaign.waba_reputation_dashboard_action");
    }

    openAccounts() {
        return this.action.doAction("waba_campaign.waba_account_action");
    }

    openOptIns() {
        return this.action.doAction("waba_campaign.waba_consent_action_import");
    }

    openPortfolio() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "waba.portfolio",
            res_id: this.plan.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("actions").add("waba_growth_plan", GrowthPlan);
