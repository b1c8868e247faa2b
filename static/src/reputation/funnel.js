import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { Component } from "@odoo/owl";

/** The funnel of the messages sent: how far they got, and where the others stopped. */
export class Funnel extends Component {
    static template = "waba_campaign.Funnel";
    static props = { funnel: Array, losses: Array, onOpen: Function };

    setup() {
        this.formatInteger = formatInteger;
    }

    /** Bars are shares of all messages sent, whatever the base of the rate beside them. */
    width(step) {
        const [sent] = this.props.funnel;
        return sent.count ? Math.min((100 * step.count) / sent.count, 100).toFixed(2) : 0;
    }

    get losses() {
        return this.props.losses.filter(({ count }) => count);
    }

    openLabel(step) {
        return _t("%(label)s: %(count)s. Show messages", {
            label: step.label,
            count: formatInteger(step.count),
        });
    }
}
