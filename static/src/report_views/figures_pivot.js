import { UNKNOWN, isUnknown } from "@waba_campaign/figures/unknown";
import { registry } from "@web/core/registry";
import { PivotModel } from "@web/views/pivot/pivot_model";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";

/** Odoo's pivot, where an unknown value is "–" on the screen and empty in the spreadsheet. */
export class FiguresPivotModel extends PivotModel {
    exportData() {
        const table = super.exportData();
        for (const cell of table.rows.flatMap((row) => row.values)) {
            cell.value = isUnknown(cell.value) ? "" : cell.value;
        }
        return table;
    }
}

export class FiguresPivotRenderer extends PivotRenderer {
    getFormattedValue(cell) {
        return isUnknown(cell.value) ? { value: UNKNOWN } : super.getFormattedValue(cell);
    }
}

registry.category("views").add("waba_pivot", {
    ...pivotView,
    Model: FiguresPivotModel,
    Renderer: FiguresPivotRenderer,
});
