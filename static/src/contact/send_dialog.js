import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { Dialog } from "@web/core/dialog/dialog";
import { useService } from "@web/core/utils/hooks";
import { useEffect, useRef } from "@odoo/owl";
import { TemplateChooser } from "../conversation/template_chooser";
import { TemplateList } from "../template/template_list";

const MODEL = "waba.conversation";

/** One template to one person or a few: opened with one click, sent with the second, or Enter. */
export class SendDialog extends TemplateChooser {
    static template = "waba_campaign.SendDialog";
    static components = { Dialog, TemplateList };
    static props = {
        close: Function,
        // [[model, id]] of leads or contacts
        shown: Array,
        // [model, id] of the quotation or invoice that is sent
        document: { type: Array, optional: true },
    };

    setup() {
        super.setup();
        this.notification = useService("notification");
        Object.assign(this.state, { people: [], senders: [], senderId: false, problem: false,
            fallbacks: [], mailTemplates: [], fallback: "", mailTemplate: false,
        });
        this.sendButton = useRef("send");
        // Ready to send: Enter does it, as it does in a value that is being typed.
        useEffect(
            (isReady) => {
                const isTyping = document.activeElement?.id.startsWith("waba_variable_");
                if (isReady && !isTyping) {
                    this.sendButton.el?.focus();
                }
            },
            () => [Boolean(this.maySend) && this.state.chosen?.id]
        );
    }

    get title() {
        return this.documentName
            ? _t("Send %s by WhatsApp", this.documentName)
            : _t("Send WhatsApp");
    }

    get recipient() {
        const [person, ...others] = this.state.people;
        return others.length ? _t("%s people", others.length + 1) : person?.name;
    }

    get isForSeveral() {
        return this.state.people.length > 1;
    }

    get request() {
        return this.requestFor(this.state.people[0]);
    }

    requestFor(person) {
        return {
            conversation_id: false,
            shown: person.shown,
            sender_id: this.state.senderId,
            document: this.props.document || false,
        };
    }

    async start() {
        const options = await this.orm.call(MODEL, "send_options", [
            this.props.shown, this.props.document || false,
        ]);
        this.documentName = options.document;
        Object.assign(this.state, {
            people: options.people, senders: options.senders, senderId: options.sender_id,
            problem: options.problem, templates: [], fallbacks: options.fallbacks,
            mailTemplates: options.mail_templates,
        });
        if (options.sender_id) {
            await this.loadTemplates();
        }
        const proposed = this.state.templates.find(({ id }) => id === options.template_id);
        if (proposed) {
            this.state.chosen = proposed;
            await this.load();
        }
    }

    chooseFallback(kind) {
        this.state.fallback = kind;
    }

    chooseMailTemplate(id) {
        this.state.mailTemplate = Number(id);
    }

    async chooseSender(id) {
        Object.assign(this.state, { senderId: Number(id), chosen: null, preview: null, values: {} });
        await this.loadTemplates();
    }

    async load() {
        const { people, chosen, values } = this.state;
        const requests = people.map((person) => ({
            ...this.requestFor(person), template_id: chosen.id, values: { ...values },
        }));
        const previews = await this.keepLast.add(
            this.orm.call(MODEL, "send_previews", [requests])
        );
        previews.forEach((preview, index) => Object.assign(people[index], {
            problem: preview.problem, repeat: preview.repeat,
        }));
        // The first who can get it is shown; the list names the others.
        const shown = previews.find((preview) => preview.html && !preview.problem);
        const first = shown || previews.find((preview) => preview.html) || previews[0];
        const repeat = previews.map((preview) => preview.repeat).find(Boolean) || false;
        this.state.preview = {
            html: "", variables: [], delay: false, ...first, repeat,
            problem: this.state.problem || (this.isForSeveral && shown ? false : first.problem),
        };
    }

    get receiving() {
        return this.state.people.filter((person) => !person.problem);
    }

    get maySend() {
        const { problem, fallback, mailTemplate } = this.state;
        const isChosen = fallback !== "email" || mailTemplate;
        return !problem && isChosen && this.receiving.length && super.maySend;
    }

    onKeydown(ev) {
        if (ev.key === "Enter" && ev.target.tagName === "INPUT" && ev.target.type === "text") {
            ev.preventDefault();
            this.send();
        }
    }

    async send() {
        if (!this.maySend) {
            return;
        }
        this.state.isSending = true;
        const { chosen, values, mayRepeat } = this.state;
        const people = this.receiving;
        try {
            const results = await this.orm.call(MODEL, "send_templates", [
                people.map((person) => ({
                    ...this.requestFor(person), template_id: chosen.id, values: { ...values },
                    may_repeat: mayRepeat, key: `${this.key}-${person.shown[1]}`,
                    fallback: this.state.fallback && {
                        kind: this.state.fallback, template: this.state.mailTemplate,
                    },
                })),
            ]);
            results.forEach((result, index) => {
                people[index].problem = result.refused;
            });
            const queued = results.filter((result) => !result.refused).length;
            if (queued) {
                this.notification.add(
                    queued === 1 ? _t("1 WhatsApp message queued.") : _t("%s WhatsApp messages queued.", queued),
                    { type: "success" }
                );
            }
            if (queued === results.length) {
                this.props.close();
            } else if (!this.isForSeveral) {
                this.state.preview.problem = results[0].refused;
            }
        } finally {
            this.state.isSending = false;
        }
    }
}

/** The action that `action_waba_send` of leads, contacts, quotations and invoices returns. */
function openSendDialog(env, action, { onClose }) {
    const { shown, document } = action.params;
    // The view behind it shows the message's note.
    env.services.dialog.add(SendDialog, document ? { shown, document } : { shown }, { onClose });
}

registry.category("actions").add("waba_send", openSendDialog);
