import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { Component, onWillDestroy, useEffect, xml } from "@odoo/owl";

const MODEL = "waba.campaign";
/** At most one reload in so many milliseconds, however often the server notifies. */
const RELOAD_INTERVAL = 3000;
/** Reload without a notification while something happens: one may have been lost. */
const POLL_INTERVAL = 30000;
const BUSY_STATES = ["scheduled", "preparing", "running"];

/** Keeps the form of a campaign up to date while it is prepared and sent. Shows nothing. */
export class CampaignLive extends Component {
    static template = xml`<span class="d-none"/>`;
    static props = { ...standardWidgetProps };

    setup() {
        this.bus = useService("bus_service");
        this.lastReload = 0;
        this.onNotified = ({ id }) => id === this.props.record.resId && this.planReload();
        this.bus.subscribe(MODEL, this.onNotified);
        useEffect(
            (id) => {
                const channel = id && `${MODEL}_${id}`;
                if (channel) {
                    this.bus.addChannel(channel);
                    return () => this.bus.deleteChannel(channel);
                }
            },
            () => [this.props.record.resId]
        );
        const poll = browser.setInterval(() => {
            if (BUSY_STATES.includes(this.props.record.data.state)) {
                this.planReload();
            }
        }, POLL_INTERVAL);
        onWillDestroy(() => {
            this.isGone = true;
            browser.clearInterval(poll);
            browser.clearTimeout(this.timer);
            this.bus.unsubscribe(MODEL, this.onNotified);
        });
    }

    planReload() {
        if (this.timer) {
            return;
        }
        const wait = Math.max(this.lastReload + RELOAD_INTERVAL - Date.now(), 0);
        this.timer = browser.setTimeout(() => this.reload(), wait);
    }

    /** What the user has changed is not replaced: the rest shows once it is saved. */
    async reload() {
        this.timer = undefined;
        const { record } = this.props;
        if (this.isGone || !record.resId || record.dirty) {
            return;
        }
        this.lastReload = Date.now();
        await record.load();
    }
}

registry.category("view_widgets").add("waba_campaign_live", { component: CampaignLive });
