import { _t } from "@web/core/l10n/translation";

/**
 * Meta's rules and our advice. `since`: when the rule began; `date`: when Meta's page about it was
 * last changed, or read; without both it is our advice.
 * Pages: developers.facebook.com/documentation/business-messaging/whatsapp/ + messaging-limits,
 * upcoming-messaging-limits-changes, messages/send-messages, templates/template-pausing,
 * templates/template-pacing, templates/portfolio-pacing, templates/template-quality,
 * templates/marketing-templates/per-user-limits, policy-enforcement, support, getting-opt-in.
 */
export const SECTIONS = [
    {
        key: "colours",
        title: _t("Quality ratings"),
        rules: [
            {
                date: "2025-11-04",
                text: _t(
                    "Meta rates each number High (green), Medium (yellow) or Low (red); a new number is Not rated. The rating covers the last 7 days, recent days weigh most, and it can change within minutes."
                ),
            },
            {
                date: "2025-11-04",
                text: _t("It counts blocks, reports, mutes, archived chats and the reasons chosen when blocking."),
            },
            {
                date: "2025-11-19",
                text: _t(
                    "Meta does not disclose who blocks or reports a business, nor how many do. An undelivered message may be a block or a phone that is off."
                ),
            },
            {
                date: "2026-06-17",
                text: _t("Templates have their own rating, based on reactions and read rates."),
            },
        ],
    },
    {
        key: "limits",
        title: _t("Daily limits"),
        rules: [
            {
                date: "2026-09-11",
                text: _t(
                    "250, 2,000, 10,000, 100,000 or unlimited recipients may be contacted first in any 24 hours. Replies within 24 hours do not count, and each recipient counts once."
                ),
            },
            {
                since: "2025-10-07",
                text: _t("All numbers of a business portfolio share one limit. Adding a number does not raise it."),
            },
            {
                date: "2026-09-11",
                text: _t(
                    "From 250 to 2,000: verify the business, or deliver 2,000 messages to different recipients in 30 days with well-rated templates."
                ),
            },
            {
                date: "2026-09-11",
                text: _t(
                    "Above 2,000 it rises one level within 6 hours when half of the limit was used in the last 7 days and all ratings are good."
                ),
            },
        ],
    },
    {
        key: "consequences",
        title: _t("Effects of a low rating"),
        rules: [
            {
                since: "2025-10-07",
                text: _t("A low rating no longer lowers the daily limit, but keeps it from rising."),
            },
            {
                date: "2025-10-22",
                text: _t(
                    "A template rated Low is paused for 3 hours, the second time for 6 hours, and disabled the third time."
                ),
            },
            {
                date: "2026-09-11",
                text: _t("A number is restricted when too many recipients block or report it (error 131048)."),
            },
            {
                since: "2025-12-08",
                text: _t(
                    "Below 500,000 template messages a year, large campaigns are sent in batches. If the first recipients react badly, the rest is dropped and templates stop until Meta has reviewed the account."
                ),
            },
            {
                date: "2025-11-04",
                text: _t(
                    "Policy violations or many bad reactions: warnings, then no templates for 1 or 3 days, then 5, 7 or 30 days, then the account is locked or closed."
                ),
            },
            {
                date: "2026-04-29",
                text: _t(
                    "WhatsApp limits promotions per person across all businesses. Limited messages do not lower the rating; retrying within 24 hours does not help. Not in the European Economic Area, the United Kingdom, Japan and South Korea."
                ),
            },
        ],
    },
    {
        key: "practices",
        title: _t("Good practices"),
        rules: [
            {
                date: "2025-11-03",
                text: _t("Opt-in: message only people who agreed to hear from your company, by name."),
            },
            {
                date: "2025-11-11",
                text: _t("Category: an approved template in the right category; a promotion is never a service message."),
            },
            { text: _t("Relevance: say who you are, why you write, and make one offer.") },
            { text: _t("Frequency: at most one promotion a week, none at night.") },
            { text: _t("Opt-out: a button in every promotion.") },
            { text: _t("Profile: name, picture, address and a contact person.") },
            { text: _t("Growth: a little more each day while reactions are good.") },
            { text: _t("Clean lists: exclude invalid numbers and inactive recipients; buy no lists.") },
            { text: _t("Monitoring: at the first warning sign, send less and find the cause.") },
        ],
    },
    {
        key: "reading",
        title: _t("Health score"),
        rules: [
            {
                text: _t(
                    "Our score from 0 to 100 falls before Meta's rating does. Opt-outs, messages never delivered, undeliverable or limited cost points; recent days weigh most."
                ),
            },
            {
                text: _t("Healthy from 80, Watch below 80, At risk below 40. Needs 200 delivered messages."),
            },
        ],
    },
];
