import { Component, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";

/** Chooses the field that a variable shows. */
export class FieldDialog extends Component {
    static template = "waba_campaign.FieldDialog";
    static components = { Dialog, ModelFieldSelector };
    static props = { resModel: String, confirm: Function, close: Function };

    setup() {
        this.state = useState({ path: "" });
    }

    confirm() {
        this.props.confirm({ path: this.state.path });
        this.props.close();
    }
}
