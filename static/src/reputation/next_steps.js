import { _t } from "@web/core/l10n/translation";

const MOST_STEPS = 3;
/** Causes that a manager can open and change. */
const NAMEABLE = ["campaign", "template"];

/**
 * Return what a manager should do next, most urgent first.
 *
 * @param {Object} data of the server
 * @param {Object[]} cards of the numbers looked at
 * @returns {{text: string, action: Object|false}[]} at most three
 */
export function nextSteps(data, cards) {
    const has = (condition) => cards.some(condition);
    const steps = [];
    const locked = cards.find(({ state }) => state.can_release);
    if (locked) {
        steps.push({
            text: _t("Fix the cause, then resume %s.", locked.name),
            action: locked.action,
        });
    }
    const suspect = data.suspects.find(({ kind }) => NAMEABLE.includes(kind));
    if (suspect) {
        steps.push({
            text: _t("Review “%s” first. Send nothing similar until then.", suspect.name),
            action: suspect.action,
        });
    }
    if (has(({ rating }) => ["red", "yellow"].includes(rating.key))) {
        steps.push({
            text: _t("Message only recent repliers, less often, until the quality rating is High."),
            action: false,
        });
    } else if (has(({ level }) => ["watch", "at_risk"].includes(level.key))) {
        steps.push({
            text: _t("Make the next campaign smaller and more personal: the quality rating may fall next."),
            action: false,
        });
    }
    if (has(({ level }) => level.key === "unknown")) {
        steps.push({
            text: _t("Start with small campaigns to known customers: their reactions set the rating."),
            action: false,
        });
    }
    if (!steps.length) {
        steps.push({
            text: _t("No action needed. Increase volume gradually."),
            action: false,
        });
    }
    return steps.slice(0, MOST_STEPS);
}
