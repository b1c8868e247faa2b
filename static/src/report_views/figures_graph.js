import { isUnknown } from "@waba_campaign/figures/unknown";
import { registry } from "@web/core/registry";
import { GraphModel, SEQUENTIAL_TYPES } from "@web/views/graph/graph_model";
import { graphView } from "@web/views/graph/graph_view";

/**
 * Odoo's graph with three corrections. An unknown value is a gap, not 0. Days without messages stay
 * on the axis: a count is 0 there, a rate is unknown. What cannot be added (rates, scores, costs per
 * reply) is never stacked, accumulated or cut into a pie.
 */
export class FiguresGraphModel extends GraphModel {
    get isAdditive() {
        const { fields, measure } = this.metaData;
        return measure === "__count" || fields[measure].aggregator === "sum";
    }

    get hasDateAxis() {
        const [axis] = this.metaData.groupBy;
        return Boolean(axis) && SEQUENTIAL_TYPES.includes(this.metaData.fields[axis.fieldName].type);
    }

    _prepareData() {
        if (!this.isAdditive) {
            const mode = this.metaData.mode === "pie" ? "bar" : this.metaData.mode;
            Object.assign(this.metaData, { mode, stacked: false, cumulated: false });
        }
        for (const point of this.dataPoints) {
            if (isUnknown(point.value)) {
                point.value = this.isAdditive && !point.count ? 0 : null;
            }
        }
        super._prepareData(...arguments);
    }

    _getProcessedDataPoints() {
        const { mode, order } = this.metaData;
        // Bars of days without messages are left out by Odoo.
        if (mode !== "bar" || order !== null || !this.hasDateAxis) {
            return super._getProcessedDataPoints();
        }
        const none = this._getDefaultFilterLabel(this.metaData.groupBy[0]);
        return this.dataPoints.filter((point) => point.count || point.labels[0] !== none);
    }

    _getData(dataPoints, forceUseAllDataPoints) {
        // A day added by Odoo has no second group: it belongs to the first series, not to "None".
        const first = dataPoints.find((point) => point.count);
        for (const point of dataPoints) {
            if (!point.count && first && this.metaData.mode !== "pie") {
                point.labels = [point.labels[0], ...first.labels.slice(1)];
            }
        }
        const data = super._getData(dataPoints, forceUseAllDataPoints);
        if (!this.isAdditive) {
            const known = new Map(data.datasets.map((dataset) => [dataset.label, new Set()]));
            for (const point of dataPoints) {
                known.get(this._getDatasetLabel(point))?.add(point.labelIndex);
            }
            for (const { data: values, label } of data.datasets) {
                values.forEach((_value, index) => {
                    if (!known.get(label).has(index)) {
                        values[index] = null;
                    }
                });
            }
        }
        return data;
    }
}

registry.category("views").add("waba_graph", {
    ...graphView,
    Model: FiguresGraphModel,
    buttonTemplate: "waba_campaign.FiguresGraphButtons",
});
