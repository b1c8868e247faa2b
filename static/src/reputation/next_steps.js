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
            text: _t("Find out what went wrong before you release %s; it starts afresh then.", locked.name),
            action: locked.action,
        });
    }
    const suspect = data.suspects.find(({ kind }) => NAMEABLE.includes(kind));
    if (suspect) {
        steps.push({
            text: _t("Look at “%s” first, and send nothing more like it meanwhile.", suspect.name),
            action: suspect.action,
        });
    }
    if (has(({ rating }) => ["red", "yellow"].includes(rating.key))) {
        steps.push({
            text: _t("Write only to people who answered lately, and less often, until Meta's rating is High."),
            action: false,
        });
    } else if (has(({ level }) => ["watch", "at_risk"].includes(level.key))) {
        steps.push({
            text: _t("Make the next campaign smaller and more personal. Meta's rating may follow ours."),
            action: false,
        });
    }
    if (has(({ level }) => level.key === "unknown")) {
        steps.push({
            text: _t("Begin with small campaigns to people who know you; their reactions set the rating."),
            action: false,
        });
    }
    if (!steps.length) {
        steps.push({
            text: _t("Nothing needs doing. Grow gradually, and keep an easy way out in every promotion."),
            action: false,
        });
    }
    return steps.slice(0, MOST_STEPS);
}
