import { _t } from "@web/core/l10n/translation";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatInteger } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Component, onWillStart, onWillUnmount, useRef, useState } from "@odoo/owl";
import { Breakdowns } from "./breakdowns";
import { Funnel } from "./funnel";
import { HelpDialog } from "./help_dialog";
import { NumberCard } from "./number_card";
import { nextSteps } from "./next_steps";
import { CERTAINTY_ICONS, EFFECT_MARKS, agoText, momentText } from "./reputation_words";
import { Requirements } from "./requirements";
import { Timeline } from "./timeline";

/** Seconds after which figures that are being counted are read again, and how often. */
const RECOUNT_SECONDS = 10;
const MOST_RECOUNTS = 12;
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
    static components = { Breakdowns, ControlPanel, Dropdown, DropdownItem, Funnel, NumberCard, Requirements, Timeline };
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
        this.recounts = 0;
        onWillUnmount(() => clearTimeout(this.recount));
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
        this.awaitCount();
    }

    /** Reads the page again while messages are not in its figures yet. */
    awaitCount() {
        clearTimeout(this.recount);
        this.recounts = this.data.uncounted ? this.recounts + 1 : 0;
        if (this.recounts && this.recounts <= MOST_RECOUNTS) {
            this.recount = setTimeout(() => this.load(), RECOUNT_SECONDS * 1000);
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

    /** The time of the figures, which are counted every ten minutes, and of Meta's ratings. */
    get asOf() {
        const { counted_at, polled_at } = this.data;
        const parts = [
            counted_at ? _t("Figures as of %s", momentText(counted_at)) : _t("Not counted yet"),
            ...(polled_at ? [_t("synced with Meta %s", agoText(polled_at))] : []),
        ];
        return parts.join(" · ");
    }

    get counting() {
        const { counted_at, uncounted } = this.data;
        const count = formatInteger(uncounted);
        return counted_at
            ? _t("Counting %(count)s messages sent since %(moment)s", { count, moment: momentText(counted_at) })
            : _t("Counting %s messages", count);
    }

    // -----------------------------------------------------------------------------------------
    // The number chosen
    // -----------------------------------------------------------------------------------------

    get card() {
        const { cards, filters } = this.data;
        return cards.length === 1 ? cards[0] : cards.find(({ id }) => id === filters.sender_id);
    }

    get hasFigures() {
        return !["empty", "counting"].includes(this.data.state);
    }

    /** A single number with messages: its card and recommendations are beside its timeline. */
    get isSingle() {
        return this.data.cards.length === 1 && this.hasFigures;
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
        return this.card ? _t("Timeline: %s", this.card.name) : _t("Timeline: all numbers");
    }

    releaseLabel(card) {
        return _t("Resume %s…", card.name);
    }

    effectLabel(item) {
        return { good: _t("Good sign"), bad: _t("Bad sign"), neutral: _t("Neutral") }[
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

    /** Shows the section of this page in which the cause of a requirement is. */
    showSection(id) {
        const heading = document.getElementById(id);
        heading.scrollIntoView({ behavior: "smooth" });
        heading.focus({ preventScroll: true });
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
