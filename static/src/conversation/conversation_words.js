import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

const { DateTime } = luxon;

/** The look of a message's state: Font Awesome icon, class, and whether it is doubled. */
export const TICKS = {
    queued: { icon: "fa-clock-o", class: "o_waba_tick_waiting" },
    reserved: { icon: "fa-clock-o", class: "o_waba_tick_waiting" },
    uncertain: { icon: "fa-question-circle", class: "o_waba_tick_unsure" },
    accepted: { icon: "fa-check", class: "o_waba_tick_accepted" },
    held: { icon: "fa-pause-circle-o", class: "o_waba_tick_waiting" },
    sent: { icon: "fa-check", class: "o_waba_tick_sent" },
    delivered: { icon: "fa-check", class: "o_waba_tick_delivered", isDouble: true },
    read: { icon: "fa-check", class: "o_waba_tick_read", isDouble: true },
    failed: { icon: "fa-exclamation-circle", class: "o_waba_tick_failed" },
    skipped: { icon: "fa-ban", class: "o_waba_tick_failed" },
};

export function toMoment(text) {
    return text ? deserializeDateTime(text) : null;
}

export function timeText(text) {
    return toMoment(text).toLocaleString(DateTime.TIME_SIMPLE);
}

/** "Today", "Yesterday", else the date. */
export function dayText(moment) {
    const days = Math.round(DateTime.local().startOf("day").diff(moment.startOf("day"), "days").days);
    if (days === 0) {
        return _t("Today");
    }
    if (days === 1) {
        return _t("Yesterday");
    }
    const isThisYear = moment.hasSame(DateTime.local(), "year");
    return moment.toLocaleString(
        isThisYear ? { weekday: "long", day: "numeric", month: "long" } : DateTime.DATE_FULL
    );
}

/** Messages and the days between them, in order: [{key, day} | {key, message}]. */
export function withDays(messages) {
    const items = [];
    let last = null;
    for (const message of messages) {
        const moment = toMoment(message.at);
        const day = moment.toISODate();
        if (day !== last) {
            items.push({ key: `day-${day}-${message.id}`, day: dayText(moment) });
            last = day;
        }
        items.push({ key: `message-${message.id}`, message });
    }
    return items;
}

/** "3 h 20 min" */
export function durationText(milliseconds) {
    const minutes = Math.floor(milliseconds / 60000);
    return minutes < 60
        ? _t("%s min", Math.max(minutes, 1))
        : _t("%(hours)s h %(minutes)s min", {
              hours: Math.floor(minutes / 60),
              minutes: minutes % 60,
          });
}

export function sizeText(bytes) {
    return bytes < 1024 * 1024
        ? _t("%s kB", Math.max(1, Math.round(bytes / 1024)))
        : _t("%s MB", (bytes / 1024 / 1024).toFixed(1));
}

export function seenText(seen) {
    return _t("Seen by %(name)s, %(time)s", {
        name: seen.by,
        time: toMoment(seen.at).toLocaleString(DateTime.DATETIME_MED),
    });
}

export function momentText(text) {
    return toMoment(text).toLocaleString({ ...DateTime.DATETIME_MED, weekday: "short", year: undefined });
}

const NINE = { hour: 9, minute: 0, second: 0, millisecond: 0 };

export function tomorrowAtNine() {
    return DateTime.local().plus({ days: 1 }).set(NINE);
}

/** Until when a conversation can be snoozed: [{label, until}], in the user's time zone. */
export function snoozeOptions() {
    const now = DateTime.local();
    const monday = now.plus({ weeks: 1 }).startOf("week").set(NINE);
    return [
        { label: _t("1 hour"), until: now.plus({ hours: 1 }) },
        { label: _t("3 hours"), until: now.plus({ hours: 3 }) },
        { label: _t("Tomorrow, 9:00"), until: tomorrowAtNine() },
        { label: _t("Monday, 9:00"), until: monday },
        { label: _t("1 month"), until: now.plus({ months: 1 }).set(NINE) },
    ];
}

/** A key for one answer: pressed twice, it is sent once. */
export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
