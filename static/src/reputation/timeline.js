import { _t } from "@web/core/l10n/translation";
import { loadBundle } from "@web/core/assets";
import { groupBy } from "@web/core/utils/arrays";
import { formatInteger } from "@web/views/fields/formatters";
import { Component, onWillStart, onWillUnmount, useEffect, useRef, useState } from "@odoo/owl";
import {
    LEVEL_LABELS,
    LEVEL_MARKS,
    RATING_LABELS,
    RATING_MARKS,
    dayText,
    letterOf,
} from "./reputation_words";
import { chartConfig, ratingRuns, readColours } from "./timeline_chart";

const CAMPAIGNS_AT_FIRST = 5;

/** The health score day by day over Meta's rating, with the campaigns on the same time axis. */
export class Timeline extends Component {
    static template = "waba_campaign.Timeline";
    static props = {
        timelines: Array,
        emptyText: String,
        onOpen: Function,
    };

    setup() {
        this.formatInteger = formatInteger;
        this.dayText = dayText;
        Object.assign(this, { LEVEL_MARKS, RATING_LABELS, RATING_MARKS });
        this.labels = { rating: _t("Quality rating"), reading: _t("Health score") };
        this.counts = [
            { key: "sent", label: _t("Sent") },
            { key: "delivered", label: _t("Delivered") },
            { key: "opted_out", label: _t("Opted out") },
        ];
        this.canvasRef = useRef("canvas");
        this.state = useState({ showsAllCampaigns: false });
        this.chart = null;
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.timelines]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    draw() {
        this.chart?.destroy();
        this.chart = null;
        if (this.canvasRef.el) {
            const marks = this.campaignsByDay;
            this.chart = new Chart(
                this.canvasRef.el,
                chartConfig(this.props.timelines, marks, readColours(this.canvasRef.el), (clicked) =>
                    this.onClick(clicked)
                )
            );
        }
    }

    get isOne() {
        return this.props.timelines.length === 1;
    }

    /** Without a day with a score there is a text instead of a line. */
    get isDrawn() {
        return this.props.timelines.some((timeline) =>
            timeline.days.some((day) => day.score !== false)
        );
    }

    get campaigns() {
        const campaigns = this.props.timelines.flatMap((timeline) => timeline.campaigns);
        campaigns.sort((one, other) => (one.day < other.day ? -1 : Number(one.day > other.day)));
        return campaigns.map((campaign, index) => ({ ...campaign, letter: letterOf(index) }));
    }

    get campaignsByDay() {
        return groupBy(this.campaigns, "day");
    }

    get shownCampaigns() {
        const newestFirst = this.campaigns.toReversed();
        return this.state.showsAllCampaigns
            ? newestFirst
            : newestFirst.slice(0, CAMPAIGNS_AT_FIRST);
    }

    get showMore() {
        const left = this.campaigns.length - this.shownCampaigns.length;
        return left > 0 && _t("Show %s more campaigns", left);
    }

    markLabel(campaign) {
        return _t("Mark %s", campaign.letter);
    }

    outcome(campaign) {
        return _t("%(accepted)s accepted · opted out: %(share)s", {
            accepted: formatInteger(campaign.accepted),
            share: campaign.text,
        });
    }

    get daysNewestFirst() {
        return this.props.timelines[0].days.toReversed();
    }

    /** "69 Watch" */
    reading(day) {
        const level = LEVEL_LABELS[day.level];
        return day.score === false ? level : `${day.score} ${level}`;
    }

    get description() {
        const parts = this.props.timelines.map((timeline) => {
            const known = timeline.days.filter((day) => day.score !== false);
            return known.length
                ? _t("%(number)s: from %(first)s of 100 to %(last)s", {
                      number: timeline.name,
                      first: known[0].score,
                      last: known.at(-1).score,
                  })
                : _t("%(number)s: not enough data", { number: timeline.name });
        });
        if (this.isOne) {
            parts.push(
                ...ratingRuns(this.props.timelines[0].days).map((run) =>
                    _t("Quality rating from %(day)s: %(rating)s", {
                        day: dayText(this.props.timelines[0].days[run.first].day),
                        rating: run.label,
                    })
                )
            );
        }
        return parts.join(". ");
    }

    onClick({ day, marks }) {
        if (day) {
            this.props.onOpen(day.action);
        } else if (marks.length === 1) {
            this.props.onOpen(marks[0].action);
        } else {
            this.props.onOpen({
                type: "ir.actions.act_window",
                name: _t("Campaigns"),
                res_model: "waba.campaign",
                views: [
                    [false, "list"],
                    [false, "form"],
                ],
                domain: [["id", "in", marks.map((mark) => mark.id)]],
            });
        }
    }
}
