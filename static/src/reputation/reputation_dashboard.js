import { _t } from "@web/core/l10n/translation";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { Breakdowns } from "./breakdowns";
import { Funnel } from "./funnel";
import { HelpDialog } from "./help_dialog";
import { NumberCard } from "./number_card";
import { nextSteps } from "./next_steps";
import { CERTAINTY_ICONS, EFFECT_MARKS, agoText, momentText } from "./reputation_words";
import { Timeline } from "./timeline";

/** Formats how many times the usual: "6", "1.8". */
const RATIO = { digits: [false, 1], trailingZeros: false };
/** A number is chosen by its id, "worst" (the server knows which), or `false` for all of them. */
const FIRST_FILTERS = { companyId: false, senderId: "worst", days: 7, category: false };

/**
 * The reputation dashboard: state and trend of each number, causes, response, next steps.
 * All figures and sentences come from `waba.sender.reputation_dashboard_data`.
 */
export class ReputationDashboard extends Component {
    static template = "waba_campaign.ReputationDashboard";
    static components = { Breakdowns, ControlPanel, Dropdown, DropdownItem, Funnel, NumberCard, Timeline };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.keepLast = new KeepLast();
        Object.assign(this, { CERTAINTY_ICONS, EFFECT_MARKS, momentText });
        this.state = useState({
            filters: { ...FIRST_FILTERS, ...this.props.state?.filters },
            data: null,
            isLoading: false,
        });
        useSetupAction({
            rootRef: useRef("root"),
            getLocalState: () => ({ filters: { ...this.state.filters } }),
        });
        onWillStart(async () => {
            this.mayConnect = await user.hasGroup("base.group_system");
            await this.load();
        });
    }

    async load(changes = {}) {
        const filters = { ...this.state.filters, ...changes };
        this.state.filters = filters;
        this.state.isLoading = true;
        try {
            this.state.data = await this.keepLast.add(
                this.orm.call("waba.sender", "reputation_dashboard_data", [], {
                    company_id: filters.companyId,
                    sender_id: filters.senderId,
                    days: filters.days,
                    category: filters.category,
                })
            );
            this.state.filters.senderId = this.data.filters.sender_id;
        } finally {
            this.state.isLoading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    // -----------------------------------------------------------------------------------------
    // Filters
    // -----------------------------------------------------------------------------------------

    get companies() {
        return this.data.filters.companies;
    }

    get companyLabel() {
        const chosen = this.companies.find(({ id }) => id === this.data.filters.company_id);
        return chosen ? chosen.name : _t("All companies");
    }

    get numberLabel() {
        return this.card ? this.card.name : _t("All numbers");
    }

    /** Another company has other numbers. */
    chooseCompany(companyId) {
        return this.load({ companyId, senderId: "worst" });
    }

    get asOf() {
        const { as_of, polled_at } = this.data;
        const moment = momentText(as_of);
        return polled_at
            ? _t("as of %(moment)s (read from Meta %(ago)s)", { moment, ago: agoText(polled_at) })
            : _t("as of %s", moment);
    }

    // -----------------------------------------------------------------------------------------
    // The number chosen
    // -----------------------------------------------------------------------------------------

    get card() {
        const { cards, filters } = this.data;
        return cards.length === 1 ? cards[0] : cards.find(({ id }) => id === filters.sender_id);
    }

    /** A single number with messages: its card and next steps are beside its timeline. */
    get isSingle() {
        return this.data.cards.length === 1 && this.data.state !== "empty";
    }

    get timelines() {
        return this.card
            ? this.data.timelines.filter((timeline) => timeline.sender_id === this.card.id)
            : this.data.timelines;
    }

    get thresholds() {
        return this.data.timelines[0]?.thresholds.map(({ score }) => score) || [];
    }

    get nextSteps() {
        return nextSteps(this.data, this.card ? [this.card] : this.data.cards);
    }

    get timelineTitle() {
        return this.card
            ? _t("%s over time", this.card.name)
            : _t("Our reading of all numbers over time");
    }

    releaseLabel(card) {
        return _t("Release %s…", card.name);
    }

    effectLabel(item) {
        return { good: _t("Good sign"), bad: _t("Bad sign"), neutral: _t("Neither good nor bad") }[
            item.effect
        ];
    }

    get releasable() {
        const cards = this.card ? [this.card] : this.data.cards;
        return cards.filter(({ state }) => state.can_release);
    }

    suspectBadge(suspect) {
        return suspect.ratio
            ? _t("%s× the usual", formatFloat(suspect.ratio, RATIO))
            : false;
    }

    // -----------------------------------------------------------------------------------------
    // Navigation
    // -----------------------------------------------------------------------------------------

    open(action) {
        return this.action.doAction(action);
    }

    /** A manager's release, with a reason; then this page is reloaded. */
    release(card) {
        return this.action.doActionButton({
            type: "object",
            resModel: "waba.sender",
            resId: card.id,
            name: "action_release",
        });
    }

    openHelp() {
        this.dialog.add(HelpDialog);
    }

    connect() {
        return this.action.doAction("waba_campaign.waba_getting_started_action");
    }

    newCampaign() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "waba.campaign",
            views: [[false, "form"]],
        });
    }
}

registry.category("actions").add("waba_reputation_dashboard", ReputationDashboard);
