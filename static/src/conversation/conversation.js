import { browser } from "@web/core/browser/browser";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { serializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import {
    Component, onMounted, onPatched, onWillDestroy, onWillStart, onWillUpdateProps, useRef, useState,
} from "@odoo/owl";
import { Bubble } from "./bubble";
import { Composer } from "./composer";
import { durationText, momentText, newKey, seenText, snoozeOptions, toMoment, withDays } from "./conversation_words";
import { SnoozeDialog } from "./snooze_dialog";
import { TemplateChooser } from "./template_chooser";

const MODEL = "waba.conversation";
/** Polling: without a bus, and less often with one, in case a notification was lost. */
const POLL_SECONDS = 10;
const CLOCK_SECONDS = 20;
const TYPING_SECONDS = 4;
/** WhatsApp shows the typing indicator for 25 seconds. */
const TYPING_SIGNAL_SECONDS = 20;
const TYPING_SHOWN_SECONDS = 9;
const CLOSING_MILLISECONDS = 4 * 3600 * 1000;
const NEAR_BOTTOM = 120;

/**
 * One conversation: messages, service window, responsible user. Everything comes from
 * `waba.conversation`'s `conversation_*` methods, which check access.
 */
export class Conversation extends Component {
    static template = "waba_campaign.Conversation";
    static components = { Bubble, Composer, Dropdown, DropdownItem };
    static props = {
        conversationId: { type: [Number, Boolean], optional: true },
        // [model, id] of the lead or contact whose form shows it
        shown: { type: [Array, Boolean], optional: true },
        isEmbedded: { type: Boolean, optional: true },
        onChanged: { type: Function, optional: true },
        // Called with the data of `conversation_data`
        onLoaded: { type: Function, optional: true },
    };
    static defaultProps = { conversationId: false, shown: false, isEmbedded: false };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.bus = useService("bus_service");
        this.keepLast = new KeepLast();
        this.scrollRef = useRef("scroll");
        this.state = useState({ data: null, error: false, now: Date.now(), typing: null, colleagues: null, isSettling: false });
        this.clockOffset = 0;
        this.stick = true;
        Object.assign(this, { momentText, seenText });

        this.onNotified = (payload) => this.hear(payload);
        this.bus.subscribe(MODEL, this.onNotified);
        onWillStart(() => this.load());
        onWillUpdateProps(async (next) => {
            const isOther =
                next.conversationId !== this.props.conversationId ||
                String(next.shown) !== String(this.props.shown);
            if (isOther) {
                this.stick = true;
                await this.load({}, next);
                await this.markSeen();
            }
        });
        onMounted(() => {
            this.isMounted = true;
            this.props.onLoaded?.(this.data);
            this.toBottom();
            this.markSeen();
        });
        onPatched(() => this.stick && this.toBottom());
        const clock = browser.setInterval(() => (this.state.now = Date.now()), CLOCK_SECONDS * 1000);
        const poll = browser.setInterval(() => this.poll(), POLL_SECONDS * 1000);
        onWillDestroy(() => {
            this.isGone = true;
            browser.clearInterval(clock);
            browser.clearInterval(poll);
            browser.clearTimeout(this.typingTimer);
            this.bus.unsubscribe(MODEL, this.onNotified);
            this.listenTo(null);
        });
    }

    // -----------------------------------------------------------------------------------------
    // Reading
    // -----------------------------------------------------------------------------------------

    get data() {
        return this.state.data;
    }

    get isEmpty() {
        return this.data && !this.data.locked && !this.data.messages.length;
    }

    get items() {
        return withDays(this.data.messages);
    }

    /** Arguments that identify this conversation to the server. */
    get place() {
        return { conversation_id: this.data?.id || this.props.conversationId, shown: this.props.shown };
    }

    async load(changes = {}, props = this.props) {
        const id = "id" in changes ? changes.id : props.conversationId;
        const data = await this.keepLast.add(
            this.orm.call(MODEL, "conversation_data", [id, props.shown, changes.senderId || false])
        );
        this.take(data);
    }

    /** Replace the newest page with the server's; older pages that are loaded stay. */
    take(data) {
        if (this.isGone) {
            return;
        }
        const before = this.state.data;
        if (before && before.id === data.id && data.messages?.length) {
            const firstNew = data.oldest_id;
            const kept = before.messages.filter(({ id }) => id < firstNew);
            if (kept.length) {
                data.messages = [...kept, ...data.messages];
                data.has_older = before.has_older;
                data.oldest_id = before.oldest_id;
            }
        }
        if (!before || before.id !== data.id) {
            this.stick = true;
        }
        this.state.data = data;
        if (!data.locked) {
            this.takeState(data);
            this.listenTo(data.id);
        }
        // A change of the parent's state would restart what is not mounted yet.
        if (this.isMounted) {
            this.props.onLoaded?.(data);
        }
    }

    takeState(state) {
        this.clockOffset = toMoment(state.now).toMillis() - Date.now();
        Object.assign(this.state.data, state);
        this.state.now = Date.now();
    }

    async loadOlder() {
        const element = this.scrollRef.el;
        const below = element.scrollHeight - element.scrollTop;
        const page = await this.orm.call(MODEL, "conversation_older", [
            this.data.id, this.data.oldest_id, this.props.shown,
        ]);
        this.stick = false;
        this.data.messages = [...page.messages, ...this.data.messages];
        this.data.has_older = page.has_older;
        this.data.oldest_id = page.oldest_id || this.data.oldest_id;
        // Keep the scroll position.
        await Promise.resolve();
        browser.setTimeout(() => (element.scrollTop = element.scrollHeight - below));
    }

    toBottom() {
        const element = this.scrollRef.el;
        if (element) {
            element.scrollTop = element.scrollHeight;
            this.lastTop = element.scrollTop;
        }
    }

    onMediaLoaded() {
        if (this.stick) {
            this.toBottom();
        }
    }

    onScroll() {
        const element = this.scrollRef.el;
        const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_BOTTOM;
        // Only scrolling up leaves the end; loading pictures also move it.
        if (isNear) {
            this.stick = true;
        } else if (element.scrollTop < this.lastTop) {
            this.stick = false;
        }
        this.lastTop = element.scrollTop;
    }

    /** Opening marks it as read. */
    async markSeen() {
        if (this.data?.id && this.data.unread && document.visibilityState === "visible") {
            const state = await this.orm.silent.call(MODEL, "conversation_seen", [
                this.data.id, this.props.shown,
            ]);
            if (!this.isGone && this.data) {
                this.takeState(state);
                this.props.onChanged?.();
                this.signal(false);
            }
        }
    }

    // -----------------------------------------------------------------------------------------
    // Live
    // -----------------------------------------------------------------------------------------

    listenTo(id) {
        const shown = this.props.shown;
        const channel = id && `${MODEL}_${id}${shown ? `_${shown[0]}_${shown[1]}` : ""}`;
        if (channel === this.channel) {
            return;
        }
        if (this.channel) {
            this.bus.deleteChannel(this.channel);
        }
        this.channel = channel;
        if (channel) {
            this.bus.addChannel(channel);
        }
    }

    hear(payload) {
        if (payload.id !== this.data?.id) {
            return;
        }
        if (payload.what === "typing") {
            return this.showTyping(payload);
        }
        return this.refresh();
    }

    showTyping({ uid, name }) {
        if (uid === this.data.uid) {
            return;
        }
        this.state.typing = name;
        browser.clearTimeout(this.typingTimer);
        this.typingTimer = browser.setTimeout(
            () => (this.state.typing = null), TYPING_SHOWN_SECONDS * 1000
        );
    }

    async refresh() {
        await this.load({ id: this.data.id });
        await this.markSeen();
    }

    async poll() {
        if (!this.data?.id || this.data.locked || document.visibilityState !== "visible") {
            return;
        }
        try {
            const known = await this.orm.silent.call(MODEL, "conversation_poll", [
                this.data.id, this.props.shown,
            ]);
            if (!this.isGone && known !== this.data.fingerprint) {
                await this.refresh();
            }
        } catch {
            // Offline or signed out: Odoo reports it; the next poll tries again.
        }
    }

    /** Read receipts and typing, shown to the customer as the company has set it. */
    signal(isTyping) {
        const { id, presence } = this.data;
        if (id && presence !== "none" && (!isTyping || presence === "typing")) {
            this.orm.silent.call(MODEL, "conversation_signal", [id, isTyping, this.props.shown]);
        }
    }

    onTyping() {
        const now = Date.now();
        if (now - (this.signalledAt || 0) > TYPING_SIGNAL_SECONDS * 1000) {
            this.signalledAt = now;
            this.signal(true);
        }
        if (this.data.id && now - (this.typedAt || 0) > TYPING_SECONDS * 1000) {
            this.typedAt = now;
            this.orm.silent.call(MODEL, "conversation_typing", [this.data.id, this.props.shown]);
        }
    }

    // -----------------------------------------------------------------------------------------
    // The window
    // -----------------------------------------------------------------------------------------

    get millisecondsLeft() {
        const until = toMoment(this.data.window_until);
        return until ? until.toMillis() - (this.state.now + this.clockOffset) : 0;
    }

    get isOpen() {
        return this.millisecondsLeft > 0;
    }

    get windowClass() {
        if (!this.isOpen) {
            return "o_waba_window_closed";
        }
        return this.millisecondsLeft < CLOSING_MILLISECONDS ? "o_waba_window_closing" : "o_waba_window_open";
    }

    get windowText() {
        return this.isOpen
            ? _t("Reply window closes in %s", durationText(this.millisecondsLeft))
            : _t("Reply window closed: send a template");
    }

    /** "Free until 14:20": the window after an ad; with the day when that is another one. */
    get freeText() {
        const until = toMoment(this.data.free_until);
        if (!until || until.toMillis() <= this.state.now + this.clockOffset) {
            return "";
        }
        return _t("Free until %s", momentText(this.data.free_until));
    }

    get freeHelp() {
        return _t("This person came from an ad: Meta charges no message until then.");
    }

    get windowHelp() {
        return _t(
            "WhatsApp allows any text for 24 hours after the person's last message. After that, send an approved template."
        );
    }

    // -----------------------------------------------------------------------------------------
    // Answering
    // -----------------------------------------------------------------------------------------

    /** Return whether it was sent; a colleague's answer in between is shown first. */
    get canReact() {
        return this.isOpen && !this.data.is_blocked;
    }

    async react(message, emoji) {
        const answer = await this.orm.call(MODEL, "conversation_react", [
            this.data.id, message.id, emoji, newKey(), this.props.shown,
        ]);
        this.take(answer.data);
        if (answer.refused) {
            this.notification.add(answer.refused, { type: "warning", title: _t("Not sent") });
        }
    }

    /** Link a number from a contact card to the record, after the server's question. */
    async linkNumber(message, number) {
        const link = (confirmed) =>
            this.orm.call(MODEL, "conversation_link_number", [
                this.data.id, message.id, number, this.props.shown, confirmed,
            ]);
        const { question } = await link(false);
        this.dialog.add(ConfirmationDialog, {
            title: _t("Link number"),
            body: question,
            confirmLabel: _t("Link"),
            confirm: async () => {
                this.take((await link(true)).data);
                this.props.onChanged?.();
            },
            cancelLabel: _t("Cancel"),
            cancel: () => {},
        });
    }

    async send(content, force = false) {
        const answer = await this.orm.call(MODEL, "conversation_send", [
            {
                ...this.place,
                sender_id: this.data.sender?.id,
                known_id: this.data.last_id,
                force,
                ...content,
            },
        ]);
        if (answer.conflict) {
            return this.confirmConflict(answer.conflict, content);
        }
        this.stick = true;
        this.take(answer.data);
        this.stick = true;
        this.props.onChanged?.();
        if (answer.refused) {
            this.notification.add(answer.refused, { type: "warning" });
        }
        return true;
    }

    async confirmConflict(conflict, content) {
        await this.refresh();
        return new Promise((resolve, reject) => {
            this.dialog.add(
                ConfirmationDialog,
                {
                    title: _t("Already answered"),
                    body: _t("%s\n\nSend your answer anyway?", conflict),
                    confirmLabel: _t("Send anyway"),
                    confirm: () => this.send(content, true).then(resolve, reject),
                    cancelLabel: _t("Cancel"),
                    cancel: () => resolve(false),
                },
                { onClose: () => resolve(false) }
            );
        });
    }

    /** Creates the quotation of an order, or opens it. */
    async quote(message) {
        this.action.doAction(
            await this.orm.call(MODEL, "conversation_quote", [
                this.data.id, message.id, this.props.shown || false,
            ])
        );
    }

    chooseTemplate() {
        this.dialog.add(TemplateChooser, {
            request: { ...this.place, sender_id: this.data.sender?.id },
            name: this.data.name,
            send: (template_id, values, key, may_repeat) =>
                this.send({ template_id, values, key, may_repeat }),
        });
    }

    // -----------------------------------------------------------------------------------------
    // Who is on it
    // -----------------------------------------------------------------------------------------

    chooseSender(sender) {
        this.stick = true;
        return this.load({ id: false, senderId: sender.id });
    }

    async loadColleagues() {
        this.state.colleagues = await this.orm.call(MODEL, "conversation_colleagues", [
            this.data.id, this.props.shown,
        ]);
    }

    async assign(userId) {
        const state = await this.orm.call(MODEL, "conversation_assign", [
            this.data.id, userId, this.props.shown,
        ]);
        this.takeState(state);
        this.props.onChanged?.();
    }

    // -----------------------------------------------------------------------------------------
    // Open, snoozed, closed
    // -----------------------------------------------------------------------------------------

    get snoozeOptions() {
        return snoozeOptions();
    }

    snooze(until) {
        return this.changeState("conversation_snooze", serializeDateTime(until));
    }

    pickSnoozeTime() {
        this.dialog.add(SnoozeDialog, { onChosen: (until) => this.snooze(until) });
    }

    close() {
        return this.changeState("conversation_close");
    }

    reopen() {
        return this.changeState("conversation_reopen");
    }

    block() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Block %s?", this.data.name),
            body: _t(
                "They can no longer message or call this number, and nothing is sent to them until you unblock them. WhatsApp does not notify them."
            ),
            confirmLabel: _t("Block"),
            confirm: () => this.changeState("conversation_block"),
            cancelLabel: _t("Cancel"),
            cancel: () => {},
        });
    }

    unblock() {
        return this.changeState("conversation_unblock");
    }

    async changeState(method, ...values) {
        const state = await this.orm.call(MODEL, method, [this.data.id, ...values, this.props.shown]);
        if (!this.isGone) {
            this.takeState(state);
            this.props.onChanged?.();
        }
    }

    // -----------------------------------------------------------------------------------------
    // Whether they want out
    // -----------------------------------------------------------------------------------------

    /** Record what a colleague read in their message. */
    async settleDoubt(optsOut) {
        this.state.isSettling = true;
        try {
            const state = await this.orm.call(MODEL, "conversation_review_opt_out", [
                this.data.id, optsOut, this.props.shown,
            ]);
            if (this.isGone) {
                return;
            }
            this.takeState(state);
            this.notification.add(
                optsOut
                    ? _t("Opted out. No more promotions will be sent.")
                    : _t("Kept subscribed. Promotions continue."),
                { type: "success" }
            );
            this.props.onChanged?.();
        } finally {
            this.state.isSettling = false;
        }
    }

    openRecord() {
        const { model, id } = this.data.record;
        return this.action.doAction({
            type: "ir.actions.act_window", res_model: model, res_id: id, views: [[false, "form"]],
        });
    }

    openWhole() {
        return this.action.doAction("waba_campaign.waba_conversation_action", {
            viewType: "form",
            props: { resId: this.data.id },
        });
    }
}
