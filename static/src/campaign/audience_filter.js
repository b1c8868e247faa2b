import { registry } from "@web/core/registry";
import { DomainField, domainField } from "@web/views/fields/domain/domain_field";

/** As the server writes it (waba_campaign_audience.py): matches no record. */
const NOBODY = "[(0, '=', 1)]";

/** Odoo's domain field, but a filter without a rule matches nobody instead of everybody. */
export class AudienceFilterField extends DomainField {
    static template = "waba_campaign.AudienceFilterField";

    get isEmpty() {
        return this.props.record.data[this.props.name] === NOBODY;
    }

    getDomain(props = this.props) {
        const domain = super.getDomain(props);
        return domain === NOBODY ? "[]" : domain;
    }

    checkProps(props = this.props) {
        if (props.record.data[props.name] === NOBODY) {
            return this.updateState({ isValid: true, recordCount: 0, hasLimitedCount: false });
        }
        return super.checkProps(props);
    }

    update(domain, isDebugEdited = false) {
        return super.update(domain === "[]" ? NOBODY : domain, isDebugEdited);
    }
}

registry.category("fields").add("waba_audience_filter", {
    ...domainField,
    component: AudienceFilterField,
    supportedTypes: ["char"],
});
