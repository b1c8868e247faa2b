import { registry } from "@web/core/registry";
import { formView } from "@web/views/form/form_view";

/** The form of a draft: what is saved names the version it was based on, so nobody's is replaced. */
class TemplateBuilderController extends formView.Controller {
    async onWillSaveRecord(record, changes) {
        if (record.resId) {
            changes.edit_version = this.model.wabaDraftVersion ?? record.data.edit_version;
            delete this.model.wabaDraftVersion;
        }
        return super.onWillSaveRecord(...arguments);
    }

    async onSaveError(error, options, leaving) {
        if (error.data?.name?.endsWith("EditConflict")) {
            this.model.bus.trigger("WABA_DRAFT_CONFLICT", error.data.message);
            return false;
        }
        return super.onSaveError(error, options, leaving);
    }
}

/** The history stands below: the phone needs the room beside the editor. */
class TemplateBuilderRenderer extends formView.Renderer {
    mailLayout() {
        const layout = super.mailLayout(...arguments);
        return layout === "SIDE_CHATTER" ? "BOTTOM_CHATTER" : layout;
    }
}

registry.category("views").add("waba_template_builder", {
    ...formView,
    Controller: TemplateBuilderController,
    Renderer: TemplateBuilderRenderer,
});
