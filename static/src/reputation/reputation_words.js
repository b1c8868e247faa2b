import { deserializeDate, deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

const { DateTime } = luxon;

const GOOD = { icon: "fa-check-circle", className: "o_waba_good" };
const WATCH = { icon: "fa-exclamation-triangle", className: "o_waba_watch" };
const BAD = { icon: "fa-times-circle", className: "o_waba_bad" };
const UNKNOWN = { icon: "fa-circle-o", className: "o_waba_unknown" };

export const RATING_LABELS = {
    green: _t("High"),
    yellow: _t("Medium"),
    red: _t("Low"),
    unknown: _t("Not rated"),
};
export const LEVEL_LABELS = {
    healthy: _t("Healthy"),
    watch: _t("Watch"),
    at_risk: _t("At risk"),
    unknown: _t("Not enough data"),
};

/** The look of a state. Never by colour alone: text and icon say the same. */
export const RATING_MARKS = { green: GOOD, yellow: WATCH, red: BAD, unknown: UNKNOWN };
export const LEVEL_MARKS = { healthy: GOOD, watch: WATCH, at_risk: BAD, unknown: UNKNOWN };
export const STATE_MARKS = {
    active: { icon: "fa-check-circle", className: "o_waba_good", severity: "good" },
    warm_up: { icon: "fa-line-chart", className: "o_waba_unknown", severity: "unknown" },
    slowed: { icon: "fa-tachometer", className: "o_waba_watch", severity: "watch" },
    held: { icon: "fa-pause-circle", className: "o_waba_bad", severity: "bad" },
    paused: { icon: "fa-pause-circle", className: "o_waba_bad", severity: "bad" },
    locked: { icon: "fa-lock", className: "o_waba_bad", severity: "bad" },
};
export const REQUIREMENT_MARKS = { compliant: GOOD, needs_work: WATCH, unknown: UNKNOWN };
export const TREND_MARKS = {
    rising: { icon: "fa-arrow-up", className: "o_waba_good" },
    steady: { icon: "fa-arrow-right", className: "o_waba_unknown" },
    falling: { icon: "fa-arrow-down", className: "o_waba_bad" },
    unknown: { icon: "fa-minus", className: "o_waba_unknown" },
};
export const EFFECT_MARKS = {
    good: { icon: "fa-plus-circle", className: "o_waba_good" },
    bad: { icon: "fa-minus-circle", className: "o_waba_bad" },
    neutral: { icon: "fa-circle", className: "o_waba_unknown" },
};
export const CERTAINTY_ICONS = {
    exact: "fa-check-square-o",
    inferred: "fa-question-circle-o",
    aggregate: "fa-users",
};

/** A moment in the user's time zone: recent ones short ("10:14", "Mon 09:20"), others in full. */
export function momentText(text) {
    const moment = deserializeDateTime(text);
    const days = Math.abs(DateTime.local().startOf("day").diff(moment.startOf("day"), "days").days);
    if (days === 0) {
        return moment.toLocaleString(DateTime.TIME_SIMPLE);
    }
    if (days < 7) {
        return moment.toLocaleString({ weekday: "short", hour: "numeric", minute: "2-digit" });
    }
    return toLocaleDateTimeString(moment);
}

/** "2 minutes ago" */
export function agoText(text) {
    return deserializeDateTime(text).toRelative();
}

/** "16 Nov" */
export function dayText(text) {
    return deserializeDate(text).toLocaleString({ day: "numeric", month: "short" });
}

/** "Monday, 16 November" */
export function longDayText(text) {
    return deserializeDate(text).toLocaleString({ weekday: "long", day: "numeric", month: "long" });
}

/** 0 → "A", 25 → "Z", 26 → "AA": the names of the campaigns' marks. */
export function letterOf(index) {
    const letter = String.fromCharCode(65 + (index % 26));
    return index < 26 ? letter : letterOf(Math.floor(index / 26) - 1) + letter;
}
