import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { Component, useState } from "@odoo/owl";
import { LEVEL_MARKS } from "./reputation_words";

/** Templates, campaigns, salespeople and countries, each judged like a number; worst first. */
export class Breakdowns extends Component {
    static template = "waba_campaign.Breakdowns";
    static props = { breakdowns: Array, onOpen: Function };

    setup() {
        Object.assign(this, { LEVEL_MARKS, formatInteger });
        this.state = useState({ kind: false });
        this.sentLabel = _t("Sent");
        this.measures = [
            { key: "opt_out", label: _t("Opted out") },
            { key: "possible_block", label: _t("Never delivered") },
            { key: "undeliverable", label: _t("Undeliverable") },
            { key: "limited", label: _t("Limited") },
            { key: "read", label: _t("Read") },
            { key: "reply", label: _t("Replied") },
        ];
    }

    get filled() {
        return this.props.breakdowns.filter(({ rows }) => rows.length);
    }

    get chosen() {
        return this.filled.find(({ kind }) => kind === this.state.kind) || this.filled[0];
    }
}
