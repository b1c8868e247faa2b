import { Component, useRef } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useSortable } from "@web/core/utils/sortable_owl";
import { BuilderButtons } from "./builder_buttons";
import { BuilderFindings } from "./builder_findings";
import { BuilderMedia } from "./builder_media";
import { BuilderText } from "./builder_text";
import { moved } from "./builder_words";

/** Meta, Media card carousel templates (2025-11). */
const MOST_CARDS = 10;
const MOST_BUTTONS = 2;

/** The cards of a carousel: all have the same parts, so a change of parts is one of all cards. */
export class BuilderCards extends Component {
    static template = "waba_campaign.BuilderCards";
    static components = { BuilderButtons, BuilderFindings, BuilderMedia, BuilderText };
    static props = {
        cards: Array,
        // Takes a function of the cards as they are then.
        change: Function,
        findingsAt: Function,
        originalAt: Function,
        linesOf: Function,
        sources: Array,
        pick: Function,
        ensureSaved: Function,
        limits: Object,
        language: String,
        dir: { type: String, optional: true },
        isReadonly: { type: Boolean, optional: true },
    };

    setup() {
        this.mostButtons = MOST_BUTTONS;
        this.list = useRef("list");
        useSortable({
            ref: this.list,
            elements: ".o_waba_builder_card",
            handle: ".o_waba_card_handle",
            cursor: "grabbing",
            onDrop: ({ element, previous }) => {
                const from = Number(element.dataset.index);
                const after = previous ? Number(previous.dataset.index) : -1;
                this.move(from, after < from ? after + 1 : after);
            },
        });
    }

    get kind() {
        return this.props.cards[0]?.header_type || "image";
    }

    get isFull() {
        return this.props.cards.length >= MOST_CARDS;
    }

    titleOf(index) {
        return _t("Card %s", index + 1);
    }

    set(index, values) {
        this.props.change((cards) =>
            cards.map((card, at) => (at === index ? { ...card, ...values } : card))
        );
    }

    setKind(kind) {
        this.props.change((cards) => cards.map((card) => ({ ...card, header_type: kind })));
    }

    /** A new card has the parts of the first. */
    add() {
        const [first] = this.props.cards;
        const buttons = (first?.buttons || []).map((button) => ({ ...button }));
        const card = { header_type: this.kind, body: "", buttons };
        this.props.change((cards) => [...cards, card]);
    }

    remove(index) {
        this.props.change((cards) => cards.filter((_card, at) => at !== index));
    }

    move(from, to) {
        if (to >= 0 && to < this.props.cards.length && from !== to) {
            this.props.change((cards) => moved(cards, from, to));
        }
    }

    setButtons(index, buttons, { added, removed, moved: move } = {}) {
        this.props.change((cards) =>
            cards.map((card, at) => {
                const own = card.buttons || [];
                if (at === index) {
                    return { ...card, buttons };
                }
                if (added) {
                    return { ...card, buttons: [...own, { ...added }] };
                }
                if (removed !== undefined) {
                    return { ...card, buttons: own.filter((_button, i) => i !== removed) };
                }
                return move ? { ...card, buttons: moved(own, ...move) } : card;
            })
        );
    }

    mediaOf(card) {
        return { id: card.media_id, name: card.media_name, handle: card.header_handle };
    }

    setMedia(index, { id, name }) {
        this.set(index, { media_id: id, media_name: name, header_handle: "" });
    }

    linesOf(index) {
        return this.props.linesOf(`card:${index}.body`);
    }

    setSample(index, name, sample) {
        const card = this.props.cards[index];
        const body = { ...card.variables?.body };
        body[name] = { ...body[name], sample };
        this.set(index, { variables: { ...card.variables, body } });
    }
}
