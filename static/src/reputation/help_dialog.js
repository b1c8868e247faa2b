import { _t } from "@web/core/l10n/translation";
import { deserializeDate } from "@web/core/l10n/dates";
import { Dialog } from "@web/core/dialog/dialog";
import { Component } from "@odoo/owl";
import { SECTIONS } from "./help_rules";

const { DateTime } = luxon;

/** Meta's rules, each with its date. */
export class HelpDialog extends Component {
    static template = "waba_campaign.HelpDialog";
    static components = { Dialog };
    static props = { close: Function };

    setup() {
        this.sections = SECTIONS;
        this.title = _t("How Meta rates numbers");
    }

    /** When the rule began, or the date of its source; nothing for advice. */
    dateText({ since, date }) {
        const inWords = (day) => deserializeDate(day).toLocaleString(DateTime.DATE_MED);
        if (since) {
            return _t("Since %s", inWords(since));
        }
        return date ? _t("Meta, %s", inWords(date)) : "";
    }
}
