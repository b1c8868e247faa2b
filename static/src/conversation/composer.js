import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { getDataURLFromFile } from "@web/core/utils/urls";
import { Component, onMounted, onPatched, useRef, useState } from "@odoo/owl";
import { newKey, sizeText } from "./conversation_words";

const MAX_TEXT = 4096;

/** The composer of an answer: text and files, sent with Enter. */
export class Composer extends Component {
    static template = "waba_campaign.Composer";
    static props = {
        conversationId: Number,
        shown: [Array, Boolean],
        accept: String,
        limits: Object,
        // ({text, attachment_ids, key}) => whether it was sent
        send: Function,
        onTyping: Function,
        onTemplate: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.sizeText = sizeText;
        this.state = useState({ text: "", files: [], isUploading: 0, isSending: false });
        this.textRef = useRef("text");
        this.fileRef = useRef("file");
        this.key = newKey();
        onMounted(() => this.fit());
        onPatched(() => this.fit());
    }

    get maxText() {
        return MAX_TEXT;
    }

    get maySend() {
        const { text, files, isUploading, isSending } = this.state;
        return !isSending && !isUploading && Boolean(text.trim() || files.length);
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
    }

    onKeydown(ev) {
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

    /** The same answer, and the same key, until the server confirms it. */
    async send() {
        if (!this.maySend) {
            return;
        }
        this.state.isSending = true;
        try {
            const isSent = await this.props.send({
                text: this.state.text,
                attachment_ids: this.state.files.map(({ id }) => id),
                key: this.key,
            });
            if (isSent) {
                this.key = newKey();
                Object.assign(this.state, { text: "", files: [] });
            }
        } finally {
            this.state.isSending = false;
            this.textRef.el?.focus();
        }
    }
}
