import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { Component } from "@odoo/owl";
import { Conversation } from "./conversation";

/** <widget name="waba_conversation"/>: of a conversation, or of a lead's or contact's person. */
export class ConversationWidget extends Component {
    static template = "waba_campaign.ConversationWidget";
    static components = { Conversation };
    static props = { ...standardWidgetProps };

    get record() {
        return this.props.record;
    }

    get isSaved() {
        return Boolean(this.record.resId);
    }

    get isEmbedded() {
        return this.record.resModel !== "waba.conversation";
    }

    get conversationId() {
        return this.isEmbedded ? false : this.record.resId;
    }

    get shown() {
        return this.isEmbedded ? [this.record.resModel, this.record.resId] : false;
    }

    /** The form around a conversation shows the responsible user too. */
    onChanged() {
        if (!this.isEmbedded) {
            return this.record.load();
        }
    }
}

registry.category("view_widgets").add("waba_conversation", { component: ConversationWidget });
