import { registry } from "@web/core/registry";
import { BadgeField, badgeField } from "@web/views/fields/badge/badge_field";

/** A count as a badge, for integers, which Odoo's badge does not support; nothing for 0. */
export class CountBadge extends BadgeField {
    static template = "waba_campaign.CountBadge";
}

registry.category("fields").add("waba_count_badge", {
    ...badgeField,
    component: CountBadge,
    supportedTypes: ["integer"],
});
