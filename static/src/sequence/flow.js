import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatInteger } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

// Pixels. Between the boxes there is room for the arrows, and for three texts on them.
const COLUMN = 216;
const ROW = 226;
const WIDTH = 196;
const HEIGHT = 142;
const MARGIN = 12;

const ICONS = {
    template: "fa-whatsapp",
    activity: "fa-phone",
    branch: "fa-code-fork",
    stage: "fa-columns",
    tags: "fa-tags",
    salesperson: "fa-user",
    field: "fa-pencil",
    action: "fa-cogs",
    webhook: "fa-share-square-o",
    stop: "fa-flag-checkered",
};

/**
 * The flow of a follow-up: a box per step and an arrow per way, with the leads on each. Where the
 * boxes stand is decided on the server (policy/followup.py); a click opens the step.
 */
export class SequenceFlow extends Component {
    static template = "waba_campaign.SequenceFlow";
    static props = { ...standardFieldProps };

    setup() {
        this.state = useState({ index: 0 });
    }

    get versions() {
        return this.props.record.data[this.props.name] || [];
    }

    get flow() {
        return this.versions[this.state.index] || this.versions[0];
    }

    get isCurrent() {
        return this.flow === this.versions[0];
    }

    get boxes() {
        const boxes = this.flow.boxes.map((box) => ({ ...box, ...this._place(box) }));
        const hasEnd = this.flow.arrows.some((arrow) => arrow.to === "end");
        if (hasEnd) {
            const row = Math.max(...boxes.map((box) => box.row)) + 1;
            boxes.push({ key: "end", kind: "end", ...this._place({ row, column: 0 }) });
        }
        return boxes;
    }

    get size() {
        const boxes = this.boxes;
        return {
            width: Math.max(...boxes.map((box) => box.x)) + WIDTH + 2 * MARGIN,
            height: Math.max(...boxes.map(({ key, y }) => y + (key === "end" ? 40 : HEIGHT))) + MARGIN,
        };
    }

    get arrows() {
        const byKey = Object.fromEntries(this.boxes.map((box) => [box.key, box]));
        const used = {};
        return this.flow.arrows
            .filter((arrow) => byKey[arrow.from] && byKey[arrow.to])
            .map((arrow) => {
                const place = (used[arrow.from] = (used[arrow.from] || 0) + 1) - 1;
                const siblings = this.flow.arrows.filter((one) => one.from === arrow.from).length;
                return this._line(arrow, byKey[arrow.from], byKey[arrow.to], place, siblings);
            });
    }

    _place({ row, column }) {
        return { row, x: MARGIN + column * COLUMN, y: MARGIN + row * ROW };
    }

    /** From the lower edge of a box to the upper edge of another; past boxes between them. */
    _line(arrow, from, to, place, siblings) {
        const startX = from.x + (WIDTH * (place + 1)) / (siblings + 1);
        const startY = from.y + HEIGHT;
        const endX = to.x + WIDTH / 2;
        const endY = to.y - 2;
        const isNear = to.row === from.row + 1;
        let path;
        if (isNear) {
            const middle = (startY + endY) / 2;
            path = `M ${startX} ${startY} C ${startX} ${middle}, ${endX} ${middle}, ${endX} ${endY}`;
        } else {
            // Beside the boxes, in the gap to the right of the column.
            const lane = Math.max(from.x, to.x === from.x ? to.x : from.x) + WIDTH + 6 + place * 4;
            const turn = startY + 24;
            const back = endY - 24;
            path =
                `M ${startX} ${startY} C ${startX} ${turn}, ${lane} ${startY}, ${lane} ${turn + 16}` +
                ` L ${lane} ${back - 16} C ${lane} ${endY}, ${endX} ${back}, ${endX} ${endY}`;
        }
        return {
            ...arrow,
            id: `${arrow.from}-${arrow.to}`,
            path,
            // One below the other, so that none covers another.
            labelX: startX - 12,
            labelY: startY + 4 + place * 22,
        };
    }

    icon(box) {
        return `fa ${ICONS[box.kind] || "fa-circle"}`;
    }

    /** [text]: only figures that there are; a message's also where they are 0. */
    figures(box) {
        const named = [
            [box.here, _t("waiting")],
            [box.reached, _t("reached")],
        ];
        if (box.kind === "template" && box.reached) {
            named.push([box.sent, _t("sent")], [box.read, _t("read")], [box.replied, _t("replied")]);
        }
        named.push([box.goal, _t("goal")]);
        const isShown = ([count], index) => count || (index > 1 && index < named.length - 1);
        return named.filter(isShown).map(([count, word]) => `${formatInteger(count)} ${word}`);
    }

    arrowLabel(arrow) {
        const count = arrow.count ? formatInteger(arrow.count) : "";
        return [count, arrow.text].filter(Boolean).join(" · ");
    }

    onSelectVersion(event) {
        this.state.index = Number(event.target.value);
    }

    /** Open the step, as a click on its card in the list does. */
    onOpen(box) {
        if (!this.isCurrent || box.key === "end") {
            return;
        }
        const steps = this.props.record.data.step_ids.records;
        const step = steps.find((record) => record.data.key === box.key);
        document.querySelector(`.o_waba_steps .o_kanban_record[data-id="${step?.id}"]`)?.click();
    }
}

registry.category("fields").add("waba_sequence_flow", {
    component: SequenceFlow,
    displayName: _t("Flow"),
    supportedTypes: ["json", "jsonb"],
});
