import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { localization } from "@web/core/l10n/localization";
import { Dialog } from "@web/core/dialog/dialog";
import { Component, useState } from "@odoo/owl";
import { tomorrowAtNine } from "./conversation_words";

const { DateTime } = luxon;

/** Asks until when a conversation is snoozed; the server accepts times within a year. */
export class SnoozeDialog extends Component {
    static template = "waba_campaign.SnoozeDialog";
    static components = { DateTimeInput, Dialog };
    static props = {
        // Called with the time, a luxon DateTime
        onChosen: { type: Function },
        close: { type: Function },
    };

    setup() {
        this.state = useState({ until: tomorrowAtNine() });
        this.now = DateTime.local();
        this.format = localization.dateTimeFormat.replace(":ss", "");
    }

    get isFuture() {
        return Boolean(this.state.until && this.state.until > DateTime.local());
    }

    choose(until) {
        this.state.until = until;
    }

    confirm() {
        this.props.close();
        return this.props.onChosen(this.state.until);
    }
}
