import { _t } from "@web/core/l10n/translation";

/**
 * Meta's rules in plain words. `since`: when the rule began; `date`: when Meta's page about it was
 * last changed, or read; without both it is our advice.
 * Pages: developers.facebook.com/documentation/business-messaging/whatsapp/ + messaging-limits,
 * upcoming-messaging-limits-changes, messages/send-messages, templates/template-pausing,
 * templates/template-pacing, templates/portfolio-pacing, templates/template-quality,
 * templates/marketing-templates/per-user-limits, policy-enforcement, support, getting-opt-in.
 */
export const SECTIONS = [
    {
        key: "colours",
        title: _t("The three colours"),
        rules: [
            {
                date: "2025-11-04",
                text: _t(
                    "Meta rates each number High (green), Medium (yellow) or Low (red); a new one is Not rated. The rating is of the last 7 days, and the latest days weigh most. A busy number can change within minutes."
                ),
            },
            {
                date: "2025-11-04",
                text: _t(
                    "What counts: how many people block the number, report it, mute or archive the chat, and the reason they choose when they block."
                ),
            },
            {
                date: "2025-11-19",
                text: _t(
                    "Meta tells nobody who blocked or reported a number, nor how many did. A message that stays “sent” may be a block, or a phone that is off: nothing tells them apart."
                ),
            },
            {
                date: "2026-06-17",
                text: _t(
                    "Templates have a colour of their own, from people's reactions and from how many read the messages."
                ),
            },
        ],
    },
    {
        key: "limits",
        title: _t("The five daily limits"),
        rules: [
            {
                date: "2026-09-11",
                text: _t(
                    "250, 2,000, 10,000, 100,000 or unlimited: so many different people may be written to first in any 24 hours. Answers to somebody who wrote in the last 24 hours do not count, and several messages to one person count once."
                ),
            },
            {
                since: "2025-10-07",
                text: _t("All numbers of a company's portfolio share one limit. Adding a number adds no places."),
            },
            {
                date: "2026-09-11",
                text: _t(
                    "From 250 to 2,000: verify the business, or deliver 2,000 messages to different people in 30 days with well-rated templates."
                ),
            },
            {
                date: "2026-09-11",
                text: _t(
                    "Above 2,000 it rises by itself, one level within 6 hours, when half of the limit was used in the last 7 days and all numbers and templates are well received."
                ),
            },
        ],
    },
    {
        key: "consequences",
        title: _t("What a low rating can lead to"),
        rules: [
            {
                since: "2025-10-07",
                text: _t(
                    "A low rating no longer lowers the daily limit, as it did before. It does keep the limit from rising."
                ),
            },
            {
                date: "2025-10-22",
                text: _t(
                    "A template that turns red is paused: 3 hours the first time, 6 hours the second, for good the third."
                ),
            },
            {
                date: "2026-09-11",
                text: _t(
                    "Sending from the number is restricted when too many people blocked it or called it spam (error 131048)."
                ),
            },
            {
                since: "2025-12-08",
                text: _t(
                    "Companies with fewer than 500,000 template messages in a year have large campaigns sent in waves. If the first people react badly, the rest is dropped and the company may send no templates until Meta has looked at it."
                ),
            },
            {
                date: "2025-11-04",
                text: _t(
                    "Breaking the rules, or many bad reactions alone: warnings, then no templates for 1 or 3 days, then 5, 7 or 30 days, then the account is locked or closed."
                ),
            },
            {
                date: "2026-04-29",
                text: _t(
                    "WhatsApp shows each person only so many promotions, of all companies together. Those held back for it are not lost reputation; trying again within 24 hours makes it worse. Not in the European Economic Area, the United Kingdom, Japan and South Korea."
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
                text: _t("Opt-in: write only to people who agreed to hear from your company, by name."),
            },
            {
                date: "2025-11-11",
                text: _t("An approved template in the right category: a promotion is never a service message."),
            },
            {
                text: _t(
                    "Personal and relevant: say who you are, why you write to this person, and one thing they want."
                ),
            },
            { text: _t("Moderate frequency and hours: one promotion a week at most, none at night.") },
            {
                text: _t(
                    "An easy way out: a button “No more promotions” in every one. Who can leave does not block."
                ),
            },
            { text: _t("A complete profile: name, picture, address, a person to call.") },
            { text: _t("Gradual growth: a little more each day, while people react well.") },
            {
                text: _t(
                    "A clean list: leave out numbers that cannot be reached and people who never answer; buy no lists."
                ),
            },
            { text: _t("Watch and slow down: at the first bad sign send less, and find out why.") },
        ],
    },
    {
        key: "reading",
        title: _t("Our own reading"),
        rules: [
            {
                text: _t(
                    "Our score of 0 to 100 sees trouble before Meta's colour changes. Opt-outs, messages that never arrive, numbers that cannot be reached and promotions held back take points; recent days weigh most."
                ),
            },
            {
                text: _t(
                    "Healthy from 80, Watch below it, At risk below 40. With fewer than 200 messages delivered there is no score: a few people would decide it."
                ),
            },
        ],
    },
];
