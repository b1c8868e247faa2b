import { Component, useRef } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { useSortable } from "@web/core/utils/sortable_owl";
import { BuilderFindings } from "./builder_findings";
import { BuilderText } from "./builder_text";
import { moved } from "./builder_words";

/** Kind of a button: [icon, label, its own fields as [name, label, placeholder]]. */
export const BUTTON_KINDS = {
    quick_reply: ["fa-reply", _t("Quick reply"), []],
    url: [
        "fa-external-link",
        _t("Website"),
        [
            ["url", _t("URL"), "https://www.example.com/offer"],
            ["example", _t("Sample URL"), "https://www.example.com/offer?id=17"],
        ],
    ],
    tracked: ["fa-line-chart", _t("Tracked link"), [["target", _t("Leads to"), "https://www.example.com/offer"]]],
    phone_number: ["fa-phone", _t("Call"), [["phone_number", _t("Phone number"), "+34600000000"]]],
    copy_code: ["fa-clone", _t("Copy code"), [["example", _t("Sample code"), "SPRING20"]]],
    request_contact_info: ["fa-address-card-o", _t("Request phone number"), []],
    flow: [
        "fa-list-alt",
        _t("Flow"),
        [
            ["flow_id", _t("Flow ID"), "1234567890"],
            ["navigate_screen", _t("First screen"), "WELCOME"],
        ],
    ],
    catalog: ["fa-th-large", _t("Catalog"), []],
    mpm: ["fa-shopping-basket", _t("Products"), []],
    spm: ["fa-shopping-bag", _t("Product"), []],
};
const CARD_KINDS = ["quick_reply", "url", "tracked", "phone_number"];
/** Labels that are usual, or that WhatsApp fixes. */
const FIRST_TEXTS = {
    request_contact_info: { en: "Share Contact Info", es: "Compartir información de contacto" },
    catalog: { en: "View catalog", es: "Ver catálogo" },
    mpm: { en: "View items", es: "Ver productos" },
    spm: { en: "View", es: "Ver" },
};

/** The buttons of a message or of a card, in their order. */
export class BuilderButtons extends Component {
    static template = "waba_campaign.BuilderButtons";
    static components = { BuilderFindings, BuilderText, Dropdown, DropdownItem };
    static props = {
        buttons: Array,
        change: Function,
        // Of the places 'button:0'…, of these buttons alone.
        findingsAt: Function,
        // {text, language} of the place that is translated.
        originalAt: Function,
        language: String,
        limit: Number,
        most: Number,
        isCard: { type: Boolean, optional: true },
        isReadonly: { type: Boolean, optional: true },
        // {text, index} of the opt-out button; not for cards.
        optOut: { type: Object, optional: true },
        dir: { type: String, optional: true },
    };

    setup() {
        this.kinds = BUTTON_KINDS;
        this.list = useRef("list");
        useSortable({
            ref: this.list,
            elements: ".o_waba_builder_button",
            handle: ".o_row_handle",
            cursor: "grabbing",
            onDrop: ({ element, previous }) => {
                const from = Number(element.dataset.index);
                const after = previous ? Number(previous.dataset.index) : -1;
                this.move(from, after < from ? after + 1 : after);
            },
        });
    }

    get offered() {
        return this.props.isCard ? CARD_KINDS : Object.keys(BUTTON_KINDS);
    }

    get isFull() {
        return this.props.buttons.length >= this.props.most;
    }

    kindOf(button) {
        return BUTTON_KINDS[button.kind] || ["fa-question-circle", button.kind, []];
    }

    fieldsOf(button) {
        // A fixed address needs no sample.
        return this.kindOf(button)[2].filter(
            ([name]) => button.kind !== "url" || name !== "example" || /\{\{/.test(button.url || "")
        );
    }

    hasText(button) {
        return button.kind !== "copy_code";
    }

    add(kind) {
        const texts = FIRST_TEXTS[kind] || {};
        const text = texts[this.props.language.split("_")[0]] || texts.en || "";
        const button = { kind, text };
        if (kind === "flow") {
            button.flow_action = "navigate";
        }
        this.insert(button);
    }

    /** Quick replies stand together, before the others or after them. */
    insert(button) {
        const buttons = [...this.props.buttons];
        const replies = buttons.map(({ kind }) => kind === "quick_reply");
        const last = replies.lastIndexOf(true);
        const isReply = button.kind === "quick_reply";
        buttons.splice(isReply && last >= 0 ? last + 1 : buttons.length, 0, button);
        this.props.change(buttons, { added: button });
    }

    set(index, values) {
        this.props.change(
            this.props.buttons.map((button, at) => (at === index ? { ...button, ...values } : button))
        );
    }

    setField(index, name, value) {
        const values = { [name]: value };
        const button = this.props.buttons[index];
        if (name === "url" && /\{\{/.test(value) && !button.example) {
            values.example = value.replace(/\{\{.*$/, "17");
        }
        this.set(index, values);
    }

    remove(index) {
        this.props.change(
            this.props.buttons.filter((_button, at) => at !== index),
            { removed: index }
        );
    }

    move(from, to) {
        if (to >= 0 && to < this.props.buttons.length && from !== to) {
            this.props.change(moved(this.props.buttons, from, to), { moved: [from, to] });
        }
    }

    toggleOptOut() {
        const { index, text } = this.props.optOut;
        if (index >= 0) {
            this.remove(index);
        } else {
            this.insert({ kind: "quick_reply", text, is_opt_out: true });
        }
    }
}
