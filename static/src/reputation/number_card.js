import { _t } from "@web/core/l10n/translation";
import { Component } from "@odoo/owl";
import { formatInteger } from "@web/views/fields/formatters";
import { LEVEL_MARKS, RATING_MARKS, TREND_MARKS, momentText } from "./reputation_words";
import { Sparkline } from "./sparkline";

const BAD_KEYS = ["red", "at_risk", "paused", "locked"];
const WATCH_KEYS = ["yellow", "watch", "slowed"];

/** One number at a glance: Meta's rating and ours, its allowance, what holds it. */
export class NumberCard extends Component {
    static template = "waba_campaign.NumberCard";
    static components = { Sparkline };
    static props = {
        card: Object,
        thresholds: Array,
        isSelected: Boolean,
        onSelect: Function,
        onOpen: Function,
    };

    /** The worst of Meta's rating, our level and our response: the colour of the card's edge. */
    get severity() {
        const { rating, level, state } = this.props.card;
        const found = [rating.key, level.key, state.key];
        if (state.marketing_held || found.some((key) => BAD_KEYS.includes(key))) {
            return "bad";
        }
        if (found.some((key) => WATCH_KEYS.includes(key))) {
            return "watch";
        }
        return level.key === "unknown" ? "unknown" : "good";
    }

    get rating() {
        return RATING_MARKS[this.props.card.rating.key];
    }

    get level() {
        return LEVEL_MARKS[this.props.card.level.key];
    }

    get trend() {
        return TREND_MARKS[this.props.card.trend.key];
    }

    /** Whether anything keeps this number from its full speed. */
    get isHeldBack() {
        const { state } = this.props.card;
        return state.key !== "active" || state.marketing_held;
    }

    get stateMark() {
        const { state } = this.props.card;
        return {
            active: { icon: "fa-pause-circle", className: "o_waba_watch" },
            slowed: { icon: "fa-tachometer", className: "o_waba_watch" },
            paused: { icon: "fa-pause-circle", className: "o_waba_bad" },
            locked: { icon: "fa-lock", className: "o_waba_bad" },
        }[state.key];
    }

    get usedPercent() {
        return Math.round(100 * Math.min(this.props.card.limit.rate, 1));
    }

    get basePercent() {
        const { base } = this.props.card;
        return Math.round((100 * Math.min(base.count, base.needed)) / base.needed);
    }

    get openLabel() {
        return _t("Open the number %s", this.props.card.name);
    }

    get stateWords() {
        const { state } = this.props.card;
        const words = state.key === "active" ? [] : [state.label];
        return [...words, ...(state.marketing_held ? [_t("Promotions held")] : [])].join(" · ");
    }

    get goesOn() {
        return _t("Goes on by itself: %s", momentText(this.props.card.state.resume_at));
    }

    /** When the next slot frees, and how many people wait for one. */
    get waiting() {
        const { limit, queued } = this.props.card;
        const parts = [];
        if (limit.frees_at) {
            parts.push(_t("Next place frees: %s", momentText(limit.frees_at)));
        }
        if (queued) {
            parts.push(_t("%s people wait", formatInteger(queued)));
        }
        return parts.join(" · ");
    }

    get usageClass() {
        return this.usedPercent >= 100 ? "o_waba_fill_watch" : "o_waba_fill_main";
    }
}
