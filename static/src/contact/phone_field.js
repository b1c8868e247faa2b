import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { PhoneField } from "@web/views/fields/phone/phone_field";
import { Component, onWillStart } from "@odoo/owl";

const MODELS = ["crm.lead", "res.partner"];

/** WhatsApp beside a phone number, next to Odoo's call and SMS. */
export class WhatsAppButton extends Component {
    static template = "waba_campaign.WhatsAppButton";
    static props = { record: Object, name: String };

    setup() {
        this.action = useService("action");
        this.title = _t("Send WhatsApp message");
        onWillStart(async () => {
            this.isShown =
                MODELS.includes(this.props.record.resModel) &&
                (await user.hasGroup("waba_campaign.waba_group_user"));
        });
    }

    get hasNumber() {
        return Boolean(this.props.record.data[this.props.name]);
    }

    async onClick() {
        if (await this.props.record.save()) {
            const { resModel, resId } = this.props.record;
            this.action.doAction({
                type: "ir.actions.client",
                tag: "waba_message",
                params: { model: resModel, id: resId },
            });
        }
    }
}

patch(PhoneField, { components: { ...PhoneField.components, WhatsAppButton } });
