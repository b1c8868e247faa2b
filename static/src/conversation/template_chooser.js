import { Dialog } from "@web/core/dialog/dialog";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { Component, markup, onWillStart, useState } from "@odoo/owl";
import { TemplateList } from "../template/template_list";
import { newKey } from "./conversation_words";

/** A template, filled for the person, before it is sent from the conversation. */
export class TemplateChooser extends Component {
    static template = "waba_campaign.TemplateChooser";
    static components = { Dialog, TemplateList };
    static props = {
        close: Function,
        // {conversation_id, shown, sender_id}: the conversation
        request: Object,
        name: String,
        // (templateId, values, key, mayRepeat) => whether it was sent
        send: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.key = newKey();
        this.state = useState({
            templates: null, chosen: null, preview: null, values: {}, isSending: false,
            mayRepeat: false,
        });
        this.refresh = useDebounced(() => this.load(), 300);
        onWillStart(() => this.start());
    }

    /** {conversation_id, shown, sender_id}: whom it is for, and from which number. */
    get request() {
        return this.props.request;
    }

    start() {
        return this.loadTemplates();
    }

    async loadTemplates() {
        const { conversation_id, shown, sender_id } = this.request;
        this.state.templates = await this.orm.call(
            "waba.conversation", "conversation_templates", [conversation_id, shown, sender_id]
        );
    }

    get recipient() {
        return this.props.name;
    }

    get html() {
        // Rendered by the server from the template's texts, all escaped.
        return markup(this.state.preview.html);
    }

    choose(template) {
        Object.assign(this.state, {
            chosen: template, preview: null, values: {}, mayRepeat: false,
        });
        return this.load();
    }

    back() {
        Object.assign(this.state, { chosen: null, preview: null });
    }

    async load() {
        const preview = await this.keepLast.add(
            this.orm.call("waba.conversation", "conversation_template", [
                {
                    ...this.request,
                    template_id: this.state.chosen.id,
                    values: { ...this.state.values },
                },
            ])
        );
        this.state.preview = preview;
    }

    change(variable, value) {
        this.state.values[variable.id] = value;
        this.state.preview.variables.find(({ id }) => id === variable.id).value = value;
        this.refresh();
    }

    get maySend() {
        const { preview, isSending, mayRepeat } = this.state;
        return preview && !preview.problem && !isSending && (!preview.repeat || mayRepeat);
    }

    async send() {
        if (!this.maySend) {
            return;
        }
        this.state.isSending = true;
        try {
            const { chosen, values, mayRepeat } = this.state;
            if (await this.props.send(chosen.id, { ...values }, this.key, mayRepeat)) {
                this.props.close();
            }
        } finally {
            this.state.isSending = false;
        }
    }
}
