import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { RATING_LABELS, dayText, longDayText } from "./reputation_words";

/** Space below the axis of the scores for the campaigns' marks. */
const FLOOR = -16;
/** Space above a score of 100 for half a point, below Meta's strip. */
const CEILING = 105;
const MARK_HEIGHT = -7;
const STRIP_HEIGHT = 16;
/** Pixels for each day, above which its point is drawn large. */
const ROOM_FOR_POINTS = 24;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
/** Lines of several numbers differ by colour and by dash. */
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 6]];

/**
 * The Chart.js configuration of the timelines.
 *
 * @param {Object[]} timelines one number's, or several to compare; the server's `timelines`
 * @param {Object} marks {day: the campaigns that began on it, each with its letter}
 * @param {Object} colours of `readColours`
 * @param {Function} onClick called with {marks} or {day}, whichever was clicked
 * @returns {Object} a Chart.js configuration
 */
export function chartConfig(timelines, marks, colours, onClick) {
    const days = timelines[0].days;
    return {
        type: "line",
        data: {
            labels: days.map((day) => day.day),
            datasets: [
                hoverDataset(days),
                marksDataset(days, marks, colours),
                ...timelines.map((timeline, index) => scoreDataset(timeline, index, colours)),
            ],
        },
        options: {
            animation: false,
            maintainAspectRatio: false,
            layout: { padding: { top: STRIP_HEIGHT + 4 } },
            interaction: { mode: "index", intersect: false },
            scales: scales(colours),
            plugins: { legend: { display: false }, tooltip: tooltip(timelines, marks) },
            onHover: (event, found, chart) => {
                const clicked = clickedAt(chart, event, days, marks);
                event.native.target.style.cursor = clicked ? "pointer" : "default";
            },
            onClick: (event, found, chart) => {
                const clicked = clickedAt(chart, event, days, marks);
                if (clicked) {
                    onClick(clicked);
                }
            },
        },
        plugins: [
            ...(timelines.length === 1 ? [ratingBand(timelines[0], colours)] : []),
            thresholdLines(timelines[0].thresholds, colours),
            markLetters(days, marks, colours),
        ],
    };
}

/** The colours of the style sheet, for the canvas. */
export function readColours(element) {
    const style = getComputedStyle(element);
    const read = (name) => style.getPropertyValue(`--waba-${name}`).trim();
    return {
        rating: { green: read("good"), yellow: read("watch"), red: read("bad") },
        band: { green: read("good-band"), yellow: read("watch-band"), red: read("bad-band") },
        level: {
            healthy: read("good"),
            watch: read("watch"),
            at_risk: read("bad"),
            unknown: read("unknown"),
        },
        lines: [1, 2, 3, 4, 5, 6].map((index) => read(`line-${index}`)),
        text: read("text"),
        muted: read("muted"),
        grid: read("grid"),
        panel: read("panel"),
    };
}

/** Carries the tooltip: the day's figures are shown on days without a score too. */
function hoverDataset(days) {
    return { data: days.map(() => 50), showLine: false, pointRadius: 0, pointHoverRadius: 0 };
}

function marksDataset(days, marks, colours) {
    return {
        data: days.map((day) => (marks[day.day] ? MARK_HEIGHT : null)),
        showLine: false,
        pointStyle: "triangle",
        pointRotation: 180,
        pointRadius: 6,
        pointHoverRadius: 8,
        pointBackgroundColor: colours.text,
        pointBorderColor: colours.text,
        clip: false,
    };
}

function scoreDataset(timeline, index, colours) {
    const days = timeline.days;
    const colour = colours.lines[index % colours.lines.length];
    const isAlone = (at) => !hasScore(days[at - 1]) && !hasScore(days[at + 1]);
    const radius = ({ chart, dataIndex }) => {
        const room = chart.width / days.length;
        return room > ROOM_FOR_POINTS ? 4 : room > ROOM_FOR_POINTS / 3 || isAlone(dataIndex) ? 2 : 0;
    };
    return {
        label: timeline.name,
        data: days.map((day) => (hasScore(day) ? day.score : null)),
        borderColor: colour,
        borderDash: DASHES[index % DASHES.length],
        borderWidth: 2.5,
        spanGaps: false,
        pointBackgroundColor: days.map((day) => colours.level[day.level]),
        pointBorderColor: days.map((day) => colours.level[day.level]),
        pointRadius: radius,
        pointHoverRadius: 6,
        clip: false,
    };
}

function hasScore(day) {
    return Boolean(day) && day.score !== false;
}

function scales(colours) {
    return {
        x: {
            offset: true,
            grid: { display: false },
            border: { color: colours.grid },
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
            min: FLOOR,
            max: CEILING,
            border: { display: false },
            grid: { color: (context) => (context.tick.value < 0 ? "transparent" : colours.grid) },
            title: { display: true, text: _t("Health score, 0 to 100"), color: colours.muted },
            ticks: { color: colours.muted },
            afterBuildTicks: (axis) => {
                axis.ticks = [0, 20, 40, 60, 80, 100].map((value) => ({ value }));
            },
        },
    };
}

function tooltip(timelines, marks) {
    return {
        displayColors: false,
        filter: (item) => item.datasetIndex === 0,
        callbacks: {
            title: ([item]) => longDayText(item.label),
            label: (item) => [
                ...timelines.flatMap((timeline) =>
                    dayLines(timeline, timeline.days[item.dataIndex], timelines.length > 1)
                ),
                ...(marks[item.label] || []).map(
                    (mark) => `▼ ${mark.letter}  ${mark.name}: ${mark.text}`
                ),
            ],
        },
    };
}

function dayLines(timeline, day, isOneOfMany) {
    const reading = hasScore(day)
        ? _t("Health score: %(score)s of 100, %(base)s delivered", {
              score: day.score,
              base: formatInteger(day.base),
          })
        : _t("Health score: not enough data (%(base)s delivered)", { base: formatInteger(day.base) });
    if (isOneOfMany) {
        return [timeline.name, reading];
    }
    const figures = [reading];
    if (day.rating) {
        figures.push(_t("Quality rating: %(rating)s", { rating: RATING_LABELS[day.rating] }));
    }
    figures.push(
        _t("%(sent)s sent, %(delivered)s delivered, %(opted_out)s opted out", {
            sent: formatInteger(day.sent),
            delivered: formatInteger(day.delivered),
            opted_out: formatInteger(day.opted_out),
        })
    );
    return figures;
}

/** What is under the pointer: a campaign's mark, a day with messages, or nothing. */
function clickedAt(chart, event, days, marks) {
    const [found] = chart.getElementsAtEventForMode(event, "index", { intersect: false }, false);
    if (!found || event.y < chart.chartArea.top || event.y > chart.chartArea.bottom) {
        return null;
    }
    const day = days[found.index];
    const mark = marks[day.day];
    if (mark && event.y > chart.scales.y.getPixelForValue(0)) {
        return { marks: mark };
    }
    return day.action ? { day } : null;
}

// ---------------------------------------------------------------------------------------------
// Additions to Chart.js
// ---------------------------------------------------------------------------------------------

/** Meta's rating of each day: a tint behind the line, and a strip above it with the word. */
function ratingBand(timeline, colours) {
    return {
        id: "ratingBand",
        beforeDatasetsDraw(chart) {
            const { ctx, chartArea, scales } = chart;
            const half = scales.x.getPixelForValue(0) - chartArea.left;
            const top = chartArea.top - STRIP_HEIGHT - 2;
            const bottom = scales.y.getPixelForValue(0);
            ctx.save();
            for (const run of ratingRuns(timeline.days)) {
                const left = scales.x.getPixelForValue(run.first) - half;
                const width = scales.x.getPixelForValue(run.last) + half - left;
                ctx.fillStyle = colours.band[run.rating];
                ctx.fillRect(left, chartArea.top, width, bottom - chartArea.top);
                ctx.fillStyle = colours.rating[run.rating];
                ctx.fillRect(left, top, width, STRIP_HEIGHT);
                drawWord(ctx, run.label, left, top, width, colours.panel);
            }
            ctx.restore();
        },
    };
}

function drawWord(ctx, word, left, top, width, colour) {
    ctx.font = `600 ${FONT}`;
    if (ctx.measureText(word).width + 8 > width) {
        return;
    }
    ctx.fillStyle = colour;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillText(word, left + 5, top + STRIP_HEIGHT / 2 + 1);
}

/** Days in a row with the same colour by Meta; those without a colour belong to no run. */
export function ratingRuns(days) {
    const runs = [];
    days.forEach((day, index) => {
        const run = runs.at(-1);
        if (!day.rating || day.rating === "unknown") {
            return;
        }
        if (run && run.rating === day.rating && run.last === index - 1) {
            run.last = index;
        } else {
            runs.push({ rating: day.rating, label: RATING_LABELS[day.rating], first: index, last: index });
        }
    });
    return runs;
}

function thresholdLines(thresholds, colours) {
    return {
        id: "thresholdLines",
        beforeDatasetsDraw(chart) {
            const { ctx, chartArea, scales } = chart;
            ctx.save();
            ctx.font = FONT;
            ctx.textAlign = "left";
            ctx.textBaseline = "top";
            for (const { level, label, score } of thresholds) {
                const y = scales.y.getPixelForValue(score);
                ctx.strokeStyle = colours.level[level];
                ctx.fillStyle = colours.level[level];
                ctx.lineWidth = 1.5;
                ctx.setLineDash([5, 4]);
                ctx.beginPath();
                ctx.moveTo(chartArea.left, y);
                ctx.lineTo(chartArea.right, y);
                ctx.stroke();
                ctx.fillText(
                    _t("%(level)s below %(score)s", { level: label, score }),
                    chartArea.left + 4,
                    y + 3
                );
            }
            ctx.restore();
        },
    };
}

/** The letter of each campaign beside its mark, if it fits. */
function markLetters(days, marks, colours) {
    return {
        id: "markLetters",
        afterDatasetsDraw(chart) {
            const { ctx, scales } = chart;
            const y = scales.y.getPixelForValue(MARK_HEIGHT);
            const marked = days.map((day, index) => index).filter((index) => marks[days[index].day]);
            ctx.save();
            ctx.font = `600 ${FONT}`;
            ctx.fillStyle = colours.text;
            ctx.textBaseline = "middle";
            marked.forEach((index, at) => {
                const letters = marks[days[index].day].map((mark) => mark.letter).join(" ");
                const left = scales.x.getPixelForValue(index) + 9;
                const next = scales.x.getPixelForValue(marked[at + 1] ?? days.length) - 8;
                if (left + ctx.measureText(letters).width < next) {
                    ctx.fillText(letters, left, y);
                }
            });
            ctx.restore();
        },
    };
}
