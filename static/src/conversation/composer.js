import { useEmojiPicker } from "@web/core/emoji_picker/emoji_picker";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { getDataURLFromFile } from "@web/core/utils/urls";
import { Component, onMounted, onPatched, onWillUnmount, useRef, useState } from "@odoo/owl";
import { newKey, sizeText } from "./conversation_words";

const MAX_TEXT = 4096;
const MAX_SUGGESTIONS = 8;
/** "/pri" at the end of what stands before the cursor; not in "1/2". */
const SHORTCUT = /(?:^|\s)\/([^\s/]*)$/;

/** Texts that were not sent, by conversation: leaving one does not lose them. */
const drafts = new Map();

/** The composer of an answer: text, files and canned answers (`/`), sent with Enter. */
export class Composer extends Component {
    static template = "waba_campaign.Composer";
    static props = {
        conversationId: Number,
        shown: [Array, Boolean],
        accept: String,
        limits: Object,
        // The person's number is not known
        mayAskNumber: { type: Boolean, optional: true },
        // ({text, attachment_ids, key}) => whether it was sent
        send: Function,
        onTyping: Function,
        onTemplate: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.sizeText = sizeText;
        this.state = useState({
            text: drafts.get(this.props.conversationId) || "",
            files: [], isUploading: 0, isSending: false,
            // What follows the slash, or null; the marked suggestion
            shortcut: null, marked: 0, answers: [],
            // Options to choose from, one per line, or null
            options: null,
        });
        this.textRef = useRef("text");
        this.fileRef = useRef("file");
        useEmojiPicker(useRef("emoji"), { onSelect: (emoji) => this.insert(emoji) });
        this.key = newKey();
        onMounted(() => this.fit());
        onPatched(() => this.fit());
        onWillUnmount(() => drafts.set(this.props.conversationId, this.state.text));
    }

    get maxText() {
        return MAX_TEXT;
    }

    get maySend() {
        const { text, files, isUploading, isSending } = this.state;
        return !isSending && !isUploading && Boolean(text.trim() || files.length);
    }

    get options() {
        return (this.state.options || "").split("\n").map((line) => line.trim()).filter(Boolean);
    }

    toggleOptions() {
        this.state.options = this.state.options === null ? "" : null;
    }

    /** Grows with the text, up to a third of the screen. */
    fit() {
        const element = this.textRef.el;
        if (element) {
            element.style.height = "auto";
            element.style.height = `${Math.min(element.scrollHeight + 2, window.innerHeight / 3)}px`;
        }
    }

    onInput() {
        this.props.onTyping();
        return this.findShortcut();
    }

    // -----------------------------------------------------------------------------------------
    // Canned answers
    // -----------------------------------------------------------------------------------------

    get suggestions() {
        const { shortcut, answers } = this.state;
        if (shortcut === null) {
            return [];
        }
        const words = shortcut.toLowerCase();
        const rank = ({ source }) => (source.toLowerCase().startsWith(words) ? 0 : 1);
        return answers
            .filter(({ source, text }) => `${source} ${text}`.toLowerCase().includes(words))
            .sort((a, b) => rank(a) - rank(b))
            .slice(0, MAX_SUGGESTIONS);
    }

    get textBeforeCursor() {
        return this.state.text.slice(0, this.textRef.el.selectionStart);
    }

    async findShortcut() {
        const found = SHORTCUT.exec(this.textBeforeCursor);
        const isNew = this.state.shortcut === null;
        Object.assign(this.state, { shortcut: found ? found[1] : null, marked: 0 });
        if (found && isNew) {
            this.state.answers = await this.orm.silent.call(
                "waba.conversation", "conversation_canned_answers",
                [this.props.conversationId, this.props.shown]
            );
        }
    }

    /** The button: as if a slash had been typed. */
    openAnswers() {
        const isAfterWord = /\S$/.test(this.textBeforeCursor);
        this.insert(isAfterWord ? " /" : "/");
        return this.findShortcut();
    }

    closeAnswers() {
        this.state.shortcut = null;
    }

    async useAnswer(answer) {
        const length = this.state.shortcut.length + 1;
        this.closeAnswers();
        const text = await this.orm.call("waba.conversation", "conversation_canned_text", [
            this.props.conversationId, answer.id, this.props.shown,
        ]);
        this.insert(text, length);
    }

    editAnswers() {
        return this.action.doAction("waba_campaign.waba_canned_answer_action");
    }

    /** Write at the cursor, in place of the `replaced` characters before it. */
    insert(text, replaced = 0) {
        const element = this.textRef.el;
        const end = element.selectionEnd;
        const start = element.selectionStart - replaced;
        this.state.text = this.state.text.slice(0, start) + text + this.state.text.slice(end);
        // The model's value reaches the element with the next rendering.
        element.value = this.state.text;
        element.focus();
        element.setSelectionRange(start + text.length, start + text.length);
    }

    /** Return whether the key belongs to the list of suggestions. */
    onSuggestionKey(ev) {
        const { length } = this.suggestions;
        if (!length) {
            return false;
        }
        const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
        if (step) {
            this.state.marked = (this.state.marked + step + length) % length;
        } else if (ev.key === "Enter" || ev.key === "Tab") {
            this.useAnswer(this.suggestions[this.state.marked]);
        } else if (ev.key === "Escape") {
            this.closeAnswers();
        } else {
            return false;
        }
        ev.preventDefault();
        ev.stopPropagation();
        return true;
    }

    onKeydown(ev) {
        if (this.onSuggestionKey(ev)) {
            return;
        }
        // During input method composition (accents, other scripts), Enter belongs to it.
        if (ev.key === "Enter" && !ev.shiftKey && !ev.isComposing) {
            ev.preventDefault();
            return this.send();
        }
    }

    async onPaste(ev) {
        const files = [...(ev.clipboardData?.files || [])];
        if (files.length) {
            ev.preventDefault();
            await this.add(files);
        }
    }

    async onFilesChosen(ev) {
        const files = [...ev.target.files];
        ev.target.value = "";
        await this.add(files);
    }

    async add(files) {
        for (const file of files) {
            this.state.isUploading++;
            try {
                const data = await getDataURLFromFile(file);
                const kept = await this.orm.call("waba.conversation", "conversation_attach", [
                    this.props.conversationId,
                    file.name || _t("picture.png"),
                    file.type,
                    data.split(",")[1] || "",
                    this.props.shown,
                ]);
                this.state.files.push(kept);
            } catch (error) {
                const text = error.data?.message;
                if (!text) {
                    throw error;
                }
                this.notification.add(text, { type: "warning" });
            } finally {
                this.state.isUploading--;
            }
        }
        this.textRef.el?.focus();
    }

    remove(file) {
        this.state.files = this.state.files.filter(({ id }) => id !== file.id);
        return this.orm.call("waba.conversation", "conversation_detach", [
            this.props.conversationId, file.id, this.props.shown,
        ]);
    }

    /** Ask for the person's number: with the text, or with one of the server's. */
    askNumber() {
        return this.submit({ asks_number: true });
    }

    async send() {
        if (this.maySend) {
            await this.submit({
                attachment_ids: this.state.files.map(({ id }) => id),
                options: this.options,
            });
        }
    }

    /** The same answer, and the same key, until the server confirms it. */
    async submit(content) {
        this.state.isSending = true;
        try {
            const isSent = await this.props.send({
                text: this.state.text,
                key: this.key,
                ...content,
            });
            if (isSent) {
                this.key = newKey();
                Object.assign(this.state, { text: "", files: [], options: null });
            }
        } finally {
            this.state.isSending = false;
            this.textRef.el?.focus();
        }
    }
}
