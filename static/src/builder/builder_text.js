import { Component, onWillUpdateProps, useRef, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { useEmojiPicker } from "@web/core/emoji_picker/emoji_picker";
import { BuilderFindings } from "./builder_findings";

/** A text with its counter, pickers and findings. What is typed stays, whatever the server answers. */
export class BuilderText extends Component {
    static template = "waba_campaign.BuilderText";
    static components = { BuilderFindings, Dropdown, DropdownItem };
    static props = {
        name: String,
        label: String,
        value: String,
        change: Function,
        limit: { type: Number, optional: true },
        rows: { type: Number, optional: true },
        placeholder: { type: String, optional: true },
        findings: Array,
        // [{key, label}] that the variable picker offers; none without them.
        sources: { type: Array, optional: true },
        // Returns the text to insert for a source, perhaps later; nothing when it was cancelled.
        pick: { type: Function, optional: true },
        // The text that is translated here: {language, text}.
        original: { optional: true },
        emoji: { type: Boolean, optional: true },
        hideLabel: { type: Boolean, optional: true },
        dir: { type: String, optional: true },
    };
    static defaultProps = { rows: 1, placeholder: "", sources: [], emoji: false, hideLabel: false };

    setup() {
        this.input = useRef("input");
        this.state = useState({ text: this.props.value });
        this.sent = this.props.value;
        onWillUpdateProps(({ value }) => {
            if (value !== this.sent) {
                this.sent = this.state.text = value;
            }
        });
        if (this.props.emoji) {
            useEmojiPicker(useRef("emoji"), { onSelect: (emoji) => this.insert(emoji) });
        }
    }

    set(text) {
        this.sent = this.state.text = text;
        this.props.change(text);
    }

    /** Puts a text where the cursor is, or was. */
    insert(text) {
        const { el } = this.input;
        const start = el.selectionStart ?? this.state.text.length;
        const end = el.selectionEnd ?? start;
        this.set(this.state.text.slice(0, start) + text + this.state.text.slice(end));
        el.value = this.state.text;
        el.focus();
        el.setSelectionRange(start + text.length, start + text.length);
    }

    async pick(source) {
        const text = await this.props.pick(source);
        if (text) {
            this.insert(text);
        }
    }

    get isOver() {
        return this.props.limit && this.state.text.length > this.props.limit;
    }

    get counter() {
        return `${this.state.text.length.toLocaleString()} / ${this.props.limit.toLocaleString()}`;
    }

    get id() {
        return `o_waba_builder_${this.props.name.replace(/\W/g, "_")}`;
    }
}
