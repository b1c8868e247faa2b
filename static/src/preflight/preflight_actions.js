import { registry } from "@web/core/registry";
import { FormViewDialog } from "@web/views/view_dialogs/form_view_dialog";
import { SelectCreateDialog } from "@web/views/view_dialogs/select_create_dialog";

/** Shows records over the pre-flight, which stays open behind them; a click opens one. */
function showRecords(env, action) {
    const { model, domain, context } = action.params;
    env.services.dialog.add(SelectCreateDialog, {
        title: action.name,
        resModel: model,
        domain,
        context,
        noCreate: true,
        multiSelect: false,
        onSelected: ([resId]) => {
            env.services.dialog.add(
                FormViewDialog,
                { resModel: model, resId, preventCreate: true },
                { onClose: () => showRecords(env, action) }
            );
        },
    });
}

/** Opens what has to be changed over the pre-flight, which runs again when it is saved. */
function fix(env, action) {
    const { campaign_id, model, id, view_id } = action.params;
    env.services.dialog.add(FormViewDialog, {
        title: action.name,
        resModel: model,
        resId: id,
        viewId: view_id,
        size: "md",
        canExpand: false,
        preventCreate: true,
        onRecordSaved: async () => {
            const again = await env.services.orm.call("waba.campaign", "action_preflight", [
                [campaign_id],
            ]);
            await env.services.action.doAction(again);
        },
    });
}

registry.category("actions").add("waba_preflight_show", showRecords);
registry.category("actions").add("waba_preflight_fix", fix);
