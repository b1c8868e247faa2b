import { Component } from "@odoo/owl";
import { FileInput } from "@web/core/file_input/file_input";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { BooleanField } from "@web/views/fields/boolean/boolean_field";
import { CharField, charField } from "@web/views/fields/char/char_field";
import { DateTimeField } from "@web/views/fields/datetime/datetime_field";
import { IntegerField } from "@web/views/fields/integer/integer_field";

// What WhatsApp accepts in headers, as policy/media.py; the server checks the content.
const ACCEPTED = {
    image: ".jpg,.jpeg,.png",
    video: ".mp4,.3gp",
    document: ".pdf,.txt,.doc,.docx,.xls,.xlsx,.ppt,.pptx",
};
const PLACEHOLDERS = {
    image: _t("https://… address of the image"),
    video: _t("https://… address of the video"),
    document: _t("https://… address of the document"),
    sections: _t("Sofas: SKU1, SKU2; Lamps: SKU3"),
    flow_data: _t('{"screen": "WELCOME"}'),
};

/** The value of a variable, entered as its source demands: a text, a file, a time or hours. */
export class VariableValueField extends Component {
    static template = "waba_campaign.VariableValueField";
    static components = { BooleanField, CharField, DateTimeField, FileInput, IntegerField };
    static props = CharField.props;
    static defaultProps = CharField.defaultProps;

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
    }

    get values() {
        return this.props.record.data;
    }

    get accepted() {
        return ACCEPTED[this.values.kind] || "*";
    }

    get textProps() {
        const placeholder = PLACEHOLDERS[this.values.kind] || this.props.placeholder;
        return { ...this.props, placeholder };
    }

    /** Props of a field of the same line. */
    propsOf(name) {
        const { record, readonly } = this.props;
        return { name, record, readonly, id: `${this.props.id || "waba_value"}_${name}` };
    }

    async keep([file]) {
        if (file.error) {
            this.notification.add(file.error, { type: "danger" });
            return;
        }
        const kept = await this.orm.call("waba.file", "keep_upload", [file.id, this.values.kind]);
        await this.props.record.update({ file_id: kept });
    }
}

registry.category("fields").add("waba_variable_value", {
    ...charField,
    component: VariableValueField,
    fieldDependencies: [
        { name: "kind", type: "selection" },
        { name: "source", type: "selection" },
        { name: "file_id", type: "many2one", relation: "waba.file", readonly: false },
        { name: "offer_ends_at", type: "datetime", readonly: false },
        { name: "in_recipient_zone", type: "boolean", readonly: false },
        { name: "hours", type: "integer", readonly: false },
    ],
});
