import { SIZES } from "@web/core/ui/ui_service";
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

    /** A form that was opened and left as it was makes no draft, even though nothing is required. */
    get isUntouched() {
        const { resId, dirty } = this.model.root;
        return !resId && !dirty;
    }

    beforeVisibilityChange() {
        return this.isUntouched ? undefined : super.beforeVisibilityChange();
    }

    async beforeUnload(ev) {
        return this.isUntouched ? undefined : super.beforeUnload(ev);
    }

    /** Without the class by which wide forms scroll apart from the history beside them. */
    get className() {
        return Object.fromEntries(
            Object.entries(super.className).filter(([name]) => !name.includes("o_xxl_form_view"))
        );
    }

    async onSaveError(error, options, leaving) {
        if (error.data?.name?.endsWith("EditConflict")) {
            this.model.bus.trigger("WABA_DRAFT_CONFLICT", error.data.message);
            return false;
        }
        return super.onSaveError(error, options, leaving);
    }
}

/** The history stands below on wide screens too: the phone needs the room beside the editor. */
class TemplateBuilderRenderer extends formView.Renderer {
    setup() {
        super.setup();
        const ui = this.uiService;
        this.uiService = Object.create(ui, {
            size: { get: () => Math.min(ui.size, SIZES.XL) },
        });
    }
}

registry.category("views").add("waba_template_builder", {
    ...formView,
    Controller: TemplateBuilderController,
    Renderer: TemplateBuilderRenderer,
});
