import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { dayText, longDayText } from "./reputation_words";
import { readColours } from "./timeline_chart";

/** People a day: delivered to in the last days, and what the plan needs of the next ones. */
export class GrowthChart extends Component {
    static template = "waba_campaign.GrowthChart";
    static props = { days: Array };

    setup() {
        this.canvasRef = useRef("canvas");
        this.labels = { people: _t("Delivered to"), planned: _t("Planned, at least") };
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.days]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get hasSent() {
        return this.props.days.some((day) => day.people);
    }

    get description() {
        return this.props.days
            .map((day) => {
                const label = day.people === false ? this.labels.planned : this.labels.people;
                return `${dayText(day.day)}: ${label} ${formatInteger(day.people || day.planned || 0)}`;
            })
            .join(". ");
    }

    draw() {
        this.chart?.destroy();
        const colours = readColours(this.canvasRef.el);
        const { days } = this.props;
        const isPlanned = days.some((day) => day.planned !== false);
        this.chart = new Chart(this.canvasRef.el, {
            type: "bar",
            data: {
                labels: days.map((day) => day.day),
                datasets: [
                    {
                        label: this.labels.people,
                        data: days.map((day) => (day.people === false ? null : day.people)),
                        backgroundColor: colours.lines[0],
                    },
                    {
                        label: this.labels.planned,
                        data: days.map((day) => (day.planned === false ? null : day.planned)),
                        backgroundColor: "transparent",
                        borderColor: colours.lines[0],
                        borderWidth: 2,
                    },
                ].slice(0, isPlanned ? 2 : 1),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                scales: {
                    x: {
                        stacked: true,
                        grid: { display: false },
                        ticks: {
                            color: colours.muted,
                            maxRotation: 0,
                            autoSkipPadding: 12,
                            callback(value) {
                                return dayText(this.getLabelForValue(value));
                            },
                        },
                    },
                    y: {
                        beginAtZero: true,
                        suggestedMax: 10,
                        grid: { color: colours.grid },
                        ticks: { color: colours.muted, precision: 0 },
                    },
                },
                plugins: {
                    legend: { labels: { color: colours.text, boxWidth: 12 } },
                    tooltip: {
                        callbacks: {
                            title: ([item]) => longDayText(item.label),
                            label: (item) => `${item.dataset.label}: ${formatInteger(item.raw)}`,
                        },
                    },
                },
            },
        });
    }
}
