import { Component } from "@odoo/owl";
import { Domain } from "@web/core/domain";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useOwnedDialogs } from "@web/core/utils/hooks";
import { SelectCreateDialog } from "@web/views/view_dialogs/select_create_dialog";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const NOBODY = "[(0, '=', 1)]";

/**
 * Add and remove selected records; of any other source, exclude single records and include them
 * again. Both are lists of ids in the form, saved with it.
 */
export class AudienceRecords extends Component {
    static template = "waba_campaign.AudienceRecords";
    static props = { ...standardWidgetProps };

    setup() {
        this.addDialog = useOwnedDialogs();
    }

    get data() {
        return this.props.record.data;
    }

    get isSelection() {
        return this.data.audience_source === "records";
    }

    get isOpen() {
        return ["draft", "scheduled"].includes(this.data.state);
    }

    get hasRecords() {
        return this.data.audience_domain !== NOBODY;
    }

    get selectedIds() {
        const [leaf] = this.hasRecords ? new Domain(this.data.audience_domain).toList({}) : [];
        return leaf ? leaf[2] : [];
    }

    get excludedIds() {
        return this.data.audience_excluded_ids || [];
    }

    get excludedText() {
        return _t("%s excluded", this.excludedIds.length);
    }

    pick(title, domain, onSelected) {
        this.addDialog(SelectCreateDialog, {
            title,
            resModel: this.data.res_model,
            domain,
            noCreate: true,
            onSelected: (ids) => onSelected(ids),
        });
    }

    select(ids) {
        const domain = ids.length ? `[('id', 'in', [${ids.join(", ")}])]` : NOBODY;
        return this.props.record.update({ audience_domain: domain });
    }

    exclude(ids) {
        return this.props.record.update({ audience_excluded_ids: ids.length ? ids : false });
    }

    add() {
        const selected = this.selectedIds;
        this.pick(_t("Add to audience"), [["id", "not in", selected]], (ids) =>
            this.select([...selected, ...ids])
        );
    }

    remove() {
        const selected = this.selectedIds;
        this.pick(_t("Remove from audience"), [["id", "in", selected]], (ids) =>
            this.select(selected.filter((id) => !ids.includes(id)))
        );
    }

    excludeMore() {
        const excluded = this.excludedIds;
        const domain = Domain.and([
            new Domain(this.data.audience_domain),
            [["id", "not in", excluded]],
        ]).toList({});
        this.pick(_t("Exclude from audience"), domain, (ids) =>
            this.exclude([...excluded, ...ids])
        );
    }

    include() {
        const excluded = this.excludedIds;
        this.pick(_t("Include again"), [["id", "in", excluded]], (ids) =>
            this.exclude(excluded.filter((id) => !ids.includes(id)))
        );
    }
}

registry.category("view_widgets").add("waba_audience_records", {
    component: AudienceRecords,
    fieldDependencies: [
        { name: "audience_domain", type: "char", readonly: false, onChange: true },
        { name: "audience_excluded_ids", type: "json", readonly: false, onChange: true },
    ],
});
