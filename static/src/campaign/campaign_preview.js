import { Component, markup, useState } from "@odoo/owl";
import { Mutex } from "@web/core/utils/concurrency";
import { serializeDateTime } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const OF_A_VARIABLE = [
    "sequence",
    "component",
    "button_index",
    "card_number",
    "name",
    "kind",
    "example",
    "source",
    "field_path",
    "text",
    "file_id",
    "offer_ends_at",
    "hours",
    "in_recipient_zone",
    "fallback",
];
const { DateTime } = luxon;
const KEYS = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last" };
const ICONS = {
    fallback: "fa-info-circle",
    language: "fa-language",
    to_do: "fa-pencil",
    state: "fa-check",
};

/** A value of a form's record as the server reads it. */
function asSent(value) {
    return DateTime.isDateTime(value) ? serializeDateTime(value) : (value?.id ?? value ?? false);
}

/** The message as each person of the audience will see it, saved or not; arrows page through them. */
export class CampaignPreview extends Component {
    static template = "waba_campaign.CampaignPreview";
    static props = { ...standardWidgetProps, variant: { type: String, optional: true } };
    static defaultProps = { variant: "a" };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        // A click on an arrow also commits the edit of a field: both call the server, each from the
        // result of the one before.
        this.mutex = new Mutex();
        this.state = useState({ html: false, name: "", count: 0, position: 0, notes: [] });
        this.recordId = 0;
        this.asked = "";
        // Not awaited: the form would freeze until the server has answered.
        useRecordObserver((record) => void this.follow(record));
    }

    /** The form's values that the message depends on, as the server reads them. */
    valuesOf(record) {
        const { company_id, res_model, audience_domain, audience_excluded_ids } = record.data;
        const isB = this.props.variant === "b";
        const template = isB ? record.data.b_template_id : record.data.template_id;
        const lines = isB ? record.data.b_variable_ids : record.data.variable_ids;
        return {
            variant: this.props.variant,
            template_id: template && template.id,
            company_id: company_id && company_id.id,
            res_model,
            audience_domain,
            audience_excluded_ids,
            variables: lines.records.map((line) =>
                Object.fromEntries(OF_A_VARIABLE.map((name) => [name, asSent(line.data[name])]))
            ),
        };
    }

    async follow(record) {
        const values = this.valuesOf(record);
        // What a row says of itself changes with the campaign's state and progress.
        const { state, people_count, progress_text } = record.data;
        const asked = JSON.stringify([record.resId, state, people_count, progress_text, values]);
        if (asked !== this.asked) {
            this.asked = asked;
            await this.load("same", values);
        }
    }

    load(step, values) {
        return this.mutex.exec(() => this.loadNow(step, values));
    }

    async loadNow(step, values = this.valuesOf(this.props.record)) {
        if (!values.template_id) {
            return;
        }
        const answer = await this.orm.call("waba.campaign", "campaign_preview_data", [
            this.props.record.resId,
            values,
            step,
            this.recordId,
        ]);
        const { count } = this.state;
        const moved = { previous: this.state.position - 1, next: this.state.position + 1 };
        this.recordId = answer.record_id;
        Object.assign(this.state, {
            html: markup(answer.html),
            name: answer.name,
            notes: answer.notes,
            count: answer.count ?? count,
            position: answer.position ?? moved[step] ?? count,
        });
    }

    get isFirst() {
        return this.state.position <= 1;
    }

    get isLast() {
        return this.state.position >= this.state.count;
    }

    async go(step) {
        const isOut = ["previous", "first"].includes(step) ? this.isFirst : this.isLast;
        if (!isOut) {
            await this.load(step);
        }
    }

    onKeydown(ev) {
        if (KEYS[ev.key]) {
            ev.preventDefault();
            ev.stopPropagation();
            this.go(KEYS[ev.key]);
        }
    }

    /** Send a test, filled as for the previewed person. */
    async sendTest() {
        const { record } = this.props;
        if (await record.save()) {
            const action = await this.orm.call("waba.campaign", "action_send_test", [[record.resId]], {
                context: {
                    waba_preview_record_id: this.recordId,
                    waba_preview_variant: this.props.variant,
                },
            });
            await this.action.doAction(action);
        }
    }

    get maySendTest() {
        return ["draft", "scheduled"].includes(this.props.record.data.state);
    }

    iconOf(note) {
        return ICONS[note.kind];
    }
}

registry.category("view_widgets").add("waba_campaign_preview", {
    component: CampaignPreview,
    fieldDependencies: [
        { name: "audience_excluded_ids", type: "json", readonly: false, onChange: true },
        { name: "progress_text", type: "char" },
    ],
    extractProps: ({ attrs }) => ({ variant: attrs.variant || "a" }),
});
