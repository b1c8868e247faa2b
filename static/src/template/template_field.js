import { Component, markup, onWillStart, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { getFieldDomain } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { user } from "@web/core/user";
import { TemplateList } from "./template_list";

const language = (code) => (code || "").replace("-", "_").split("_")[0].toLowerCase();

/** All templates that a field accepts, those in the customer's language first, with a preview. */
export class TemplateFieldDialog extends Component {
    static template = "waba_campaign.TemplateFieldDialog";
    static components = { Dialog, TemplateList };
    static props = {
        close: Function,
        domain: Array,
        // Language of the customers, such as "es"; else the user's is first.
        language: { type: String, optional: true },
        chosen: { optional: true },
        take: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.state = useState({ templates: [], chosen: null, html: "" });
        onWillStart(() => this.load());
    }

    async load() {
        const [labels, found] = await Promise.all([
            this.orm.call("waba.template", "fields_get", [["category"], ["selection"]]),
            this.orm.searchRead(
                "waba.template", this.props.domain, ["display_name", "language", "category", "body"]
            ),
        ]);
        const names = Object.fromEntries(labels.category.selection);
        const first = language(this.props.language) || language(user.lang);
        const isOther = (template) => Number(language(template.language) !== first);
        this.state.templates = found
            .sort((a, b) => isOther(a) - isOther(b) || a.display_name.localeCompare(b.display_name))
            .map((template) => ({
                ...template,
                name: template.display_name,
                category_name: names[template.category],
                text: (template.body || "").replace(/\s+/g, " ").slice(0, 160),
            }));
        const chosen = this.state.templates.find(({ id }) => id === this.props.chosen);
        if (chosen) {
            await this.choose(chosen);
        }
    }

    async choose(template) {
        Object.assign(this.state, { chosen: template, html: "" });
        const [{ preview_html }] = await this.keepLast.add(
            this.orm.read("waba.template", [template.id], ["preview_html"])
        );
        // Rendered by the server from the template's texts, all escaped.
        this.state.html = markup(preview_html || "");
    }

    back() {
        this.state.chosen = null;
    }

    async take(template) {
        await this.props.take(template);
        this.props.close();
    }

    /** Write a new one: the form below is saved as a draft when it is left. */
    async create() {
        this.props.close();
        await this.action.doAction("waba_campaign.waba_template_draft_action_new");
    }
}

/** A template, by its name in plain words; a click opens the chooser. */
export class TemplateField extends Component {
    static template = "waba_campaign.TemplateField";
    static props = {
        ...standardFieldProps,
        domain: { type: [Array, Function], optional: true },
        languageField: { type: String, optional: true },
        placeholder: { type: String, optional: true },
    };

    setup() {
        this.action = useService("action");
        this.dialog = useService("dialog");
    }

    get value() {
        return this.props.record.data[this.props.name];
    }

    open() {
        const { record, name, domain, languageField } = this.props;
        this.dialog.add(TemplateFieldDialog, {
            domain: getFieldDomain(record, name, domain),
            language: (languageField && record.data[languageField]) || "",
            chosen: this.value && this.value.id,
            take: (template) => this.take(template),
        });
    }

    async take({ id, display_name }) {
        const { record, name } = this.props;
        if (this.value && this.value.id === id) {
            // Chosen again: its variables are read anew.
            await record.update({ [name]: false });
        }
        await record.update({ [name]: { id, display_name } });
    }

    show() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "waba.template",
            res_id: this.value.id,
            views: [[false, "form"]],
        });
    }
}

registry.category("fields").add("waba_template", {
    component: TemplateField,
    supportedTypes: ["many2one"],
    extractProps: ({ options, placeholder }, dynamicInfo) => ({
        domain: dynamicInfo.domain,
        languageField: options.language,
        placeholder,
    }),
    fieldDependencies: ({ options }) =>
        options.language ? [{ name: options.language, type: "char" }] : [],
});
