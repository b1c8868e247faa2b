import { Component, markup, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { formatFloat } from "@web/views/fields/formatters";
import { TICKS, sizeText, timeText } from "./conversation_words";

const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** One message, theirs on the left, ours on the right. */
export class Bubble extends Component {
    static template = "waba_campaign.Bubble";
    static components = { Dropdown, DropdownItem };
    static props = {
        message: Object,
        onMediaLoaded: { type: Function, optional: true },
        // (message, emoji): given while the reply window is open
        onReact: { type: Function, optional: true },
        // (message, number of a contact card)
        onLink: { type: Function, optional: true },
        // (message): creates or opens the quotation of an order
        onQuote: { type: Function, optional: true },
    };

    setup() {
        this.state = useState({ isWhole: false });
        Object.assign(this, { REACTIONS, sizeText, timeText });
    }

    get message() {
        return this.props.message;
    }

    get tick() {
        return this.message.is_ours ? TICKS[this.message.state] : undefined;
    }

    /** A system message of WhatsApp's. */
    get isNotice() {
        return ["system", "edit", "revoke"].includes(this.message.kind);
    }

    get noticeText() {
        return [this.message.word, this.message.text].filter(Boolean).join(": ");
    }

    get isFailed() {
        return ["failed", "skipped"].includes(this.message.state);
    }

    /** The price of an ordered product, a text as Meta sent it; it may have sent none. */
    priceText(price) {
        return price && Number.isFinite(Number(price)) ? formatFloat(Number(price)) : price;
    }

    get html() {
        // Rendered by the server from the template's texts, all escaped.
        return markup(this.message.html);
    }

    get text() {
        return this.message.edited || this.message.text;
    }

    /** A message of only a few emoji is shown large, as in WhatsApp. */
    get isEmoji() {
        return /^(\p{Extended_Pictographic}|\p{Emoji_Component}){1,6}$/u.test(this.text || "") &&
            !/^[0-9#*]+$/.test(this.text);
    }

    /** A kind without text: the name of the kind. */
    get word() {
        const { text, html, files, place, contacts, order, word } = this.message;
        const isSaid = text || html || files.length || place || contacts.length || order.length;
        return isSaid ? "" : word || this.message.kind;
    }
}
