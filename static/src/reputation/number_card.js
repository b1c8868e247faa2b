import { _t } from "@web/core/l10n/translation";
import { Component } from "@odoo/owl";
import { formatInteger } from "@web/views/fields/formatters";
import { LEVEL_MARKS, RATING_MARKS, STATE_MARKS, TREND_MARKS, momentText } from "./reputation_words";
import { Sparkline } from "./sparkline";

const BAD_KEYS = ["red", "at_risk", "held", "paused", "locked"];
const WATCH_KEYS = ["yellow", "watch", "slowed"];

/** One number at a glance: quality rating, health score, daily limit, sending state. */
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
        if (found.some((key) => BAD_KEYS.includes(key))) {
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

    /** Whether anything limits this number. */
    get isHeldBack() {
        return this.props.card.state.key !== "active";
    }

    get stateMark() {
        return STATE_MARKS[this.props.card.state.key];
    }

    get usedPercent() {
        return Math.round(100 * Math.min(this.props.card.limit.rate, 1));
    }

    get basePercent() {
        const { base } = this.props.card;
        return Math.round((100 * Math.min(base.count, base.needed)) / base.needed);
    }

    get openLabel() {
        return _t("Open number %s", this.props.card.name);
    }

    get resumes() {
        return _t("Resumes: %s", momentText(this.props.card.state.resume_at));
    }

    /** When the next slot frees, and how many messages wait for one. */
    get waiting() {
        const { limit, queued } = this.props.card;
        const parts = [];
        if (limit.frees_at) {
            parts.push(_t("Next slot: %s", momentText(limit.frees_at)));
        }
        if (queued) {
            parts.push(_t("%s queued", formatInteger(queued)));
        }
        return parts.join(" · ");
    }

    get usageClass() {
        return this.usedPercent >= 100 ? "o_waba_fill_watch" : "o_waba_fill_main";
    }
}
