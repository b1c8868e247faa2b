import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { Dialog } from "@web/core/dialog/dialog";
import { Component } from "@odoo/owl";
import { Conversation } from "../conversation/conversation";

/** The conversation with the person of a lead or contact, over whatever screen one is on. */
export class MessageDialog extends Component {
    static template = "waba_campaign.MessageDialog";
    static components = { Dialog, Conversation };
    static props = {
        // [model, id] of the lead or contact
        shown: { type: Array },
        close: { type: Function },
    };

    get title() {
        return _t("WhatsApp");
    }
}

/** The action that `action_waba_message` of leads and contacts returns. */
function openMessageDialog(env, action, { onClose }) {
    const { model, id } = action.params;
    // The view behind it shows the notes of what was written.
    env.services.dialog.add(MessageDialog, { shown: [model, id] }, { onClose });
}

registry.category("actions").add("waba_message", openMessageDialog);
