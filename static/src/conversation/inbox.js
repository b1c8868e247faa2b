import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useSetupAction } from "@web/search/action_hook";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { KanbanRecord } from "@web/views/kanban/kanban_record";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { onWillDestroy, useState, useSubEnv } from "@odoo/owl";
import { Conversation } from "./conversation";
import { RecordPane } from "./record_pane";

const REFRESH_SECONDS = 20;

class InboxRecord extends KanbanRecord {
    setup() {
        super.setup();
        this.inbox = useState(this.env.inbox);
    }

    getRecordClasses() {
        const isOpen = this.inbox.id === this.props.record.resId;
        return `${super.getRecordClasses()} ${isOpen ? "o_waba_inbox_open" : ""}`;
    }
}

class InboxRenderer extends KanbanRenderer {
    static components = { ...KanbanRenderer.components, KanbanRecord: InboxRecord };
}

/** Conversations as cards; on a wide screen the chosen one and its lead or contact stand beside. */
class InboxController extends KanbanController {
    static template = "waba_campaign.Inbox";
    static components = { ...KanbanController.components, Conversation, RecordPane };

    setup() {
        super.setup();
        this.inbox = useState({ id: this.props.state?.inboxId || false, record: false });
        useSubEnv({ inbox: this.inbox });
        useSetupAction({ getLocalState: () => ({ inboxId: this.inbox.id }) });
        const refresh = browser.setInterval(() => this.refresh(), REFRESH_SECONDS * 1000);
        onWillDestroy(() => browser.clearInterval(refresh));
    }

    get className() {
        return `${super.className} ${this.isSideBySide ? "o_waba_inbox_view" : ""}`;
    }

    get isSideBySide() {
        return !this.env.isSmall && !this.model.root?.isGrouped;
    }

    async openRecord(record, options = {}) {
        if (!this.isSideBySide || options.newWindow) {
            return super.openRecord(record, options);
        }
        Object.assign(this.inbox, { id: record.resId, record: false });
    }

    onLoaded(data) {
        this.inbox.record = data.record || false;
    }

    onChanged() {
        return this.model.load();
    }

    async refresh() {
        if (document.visibilityState === "visible" && !this.hasSelectedRecords) {
            await this.model.load();
        }
    }
}

registry.category("views").add("waba_inbox", {
    ...kanbanView,
    Controller: InboxController,
    Renderer: InboxRenderer,
});
