import { _t } from "@web/core/l10n/translation";
import { Component } from "@odoo/owl";
import { dayText } from "./reputation_words";

const WIDTH = 140;
const HEIGHT = 36;
const MARGIN = 4;

/** A score of 0 to 100 over the last days; days without enough data are gaps in the line. */
export class Sparkline extends Component {
    static template = "waba_campaign.Sparkline";
    static props = { days: Array, thresholds: Array };

    get box() {
        return `0 0 ${WIDTH} ${HEIGHT}`;
    }

    get width() {
        return WIDTH;
    }

    y(score) {
        return Math.round(MARGIN + (1 - score / 100) * (HEIGHT - 2 * MARGIN));
    }

    get points() {
        const step = (WIDTH - 2 * MARGIN) / Math.max(this.props.days.length - 1, 1);
        return this.props.days.map((day, index) => ({
            ...day,
            x: Math.round(MARGIN + index * step),
            y: day.score === false ? false : this.y(day.score),
        }));
    }

    /** Runs of days with a score, as the points of a polyline. */
    get runs() {
        const runs = [[]];
        for (const point of this.points) {
            if (point.score === false) {
                runs.push([]);
            } else {
                runs.at(-1).push(`${point.x},${point.y}`);
            }
        }
        return runs.filter((run) => run.length > 1).map((run) => run.join(" "));
    }

    get last() {
        return this.points.findLast((point) => point.score !== false);
    }

    get description() {
        const known = this.props.days.filter((day) => day.score !== false);
        if (!known.length) {
            return _t("Health score, last 14 days: not enough data");
        }
        return _t("Health score: %(first)s on %(first_day)s, %(last)s on %(last_day)s", {
            first: known[0].score,
            first_day: dayText(known[0].day),
            last: known.at(-1).score,
            last_day: dayText(known.at(-1).day),
        });
    }
}
