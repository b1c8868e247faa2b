import { formatDate, deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatMonetary } from "@web/views/fields/formatters";
import { useService } from "@web/core/utils/hooks";
import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";

const NAME = { fields: { display_name: {} } };
const SHARED = {
    display_name: {}, user_id: NAME, city: {}, country_id: NAME, activity_summary: {},
    activity_date_deadline: {}, waba_promotion_why: {},
};
const FIELDS = {
    "crm.lead": {
        ...SHARED, type: {}, stage_id: NAME, expected_revenue: {}, company_currency: NAME,
        partner_id: NAME, partner_name: {}, phone: {}, email_from: {}, tag_ids: NAME,
    },
    "res.partner": { ...SHARED, parent_id: NAME, phone: {}, email: {}, category_id: NAME },
};

/** The lead or contact of a conversation, read with the user's own rights. */
export class RecordPane extends Component {
    static template = "waba_campaign.RecordPane";
    static props = { resModel: String, resId: Number };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ record: null });
        onWillStart(() => this.load(this.props));
        onWillUpdateProps((next) => this.load(next));
    }

    async load({ resModel, resId }) {
        const [record] = await this.orm.silent.webRead(resModel, [resId], {
            specification: FIELDS[resModel],
        });
        this.state.record = record || null;
    }

    get isLead() {
        return this.props.resModel === "crm.lead";
    }

    get kind() {
        if (!this.isLead) {
            return _t("Contact");
        }
        return this.state.record.type === "lead" ? _t("Lead") : _t("Opportunity");
    }

    get openLabel() {
        return this.isLead ? _t("Open lead") : _t("Open contact");
    }

    /** What is known of it: [{name, label, text, href}]. */
    get lines() {
        const record = this.state.record;
        const name = (field) => record[field]?.display_name;
        const names = (field) => (record[field] || []).map((tag) => tag.display_name).join(", ");
        const email = record.email_from || record.email;
        const deadline = record.activity_date_deadline;
        const lines = [
            { name: "stage", label: _t("Stage"), text: name("stage_id") },
            {
                name: "revenue",
                label: _t("Expected revenue"),
                text: record.expected_revenue &&
                    formatMonetary(record.expected_revenue, { currencyId: record.company_currency?.id }),
            },
            { name: "contact", label: _t("Contact"), text: name("partner_id") },
            { name: "company", label: _t("Company"), text: record.partner_name || name("parent_id") },
            { name: "phone", label: _t("Phone"), text: record.phone, href: `tel:${record.phone}` },
            { name: "email", label: _t("Email"), text: email, href: `mailto:${email}` },
            {
                name: "place",
                label: _t("Location"),
                text: [record.city, name("country_id")].filter(Boolean).join(", "),
            },
            { name: "user", label: _t("Salesperson"), text: name("user_id") },
            { name: "tags", label: _t("Tags"), text: names("tag_ids") || names("category_id") },
            {
                name: "activity",
                label: _t("Next activity"),
                text: deadline && [record.activity_summary, formatDate(deserializeDate(deadline))]
                    .filter(Boolean).join(", "),
            },
            { name: "promotions", label: _t("Promotions"), text: record.waba_promotion_why },
        ];
        return lines.filter(({ text }) => text);
    }

    open() {
        const { resModel, resId } = this.props;
        return this.action.doAction({
            type: "ir.actions.act_window", res_model: resModel, res_id: resId, views: [[false, "form"]],
        });
    }
}
