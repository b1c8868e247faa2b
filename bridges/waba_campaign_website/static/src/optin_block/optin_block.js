import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { Interaction } from "@web/public/interaction";

/** The form of the chosen source. It is fetched for each visitor, and never saved with the page. */
export class OptinBlock extends Interaction {
    static selector = ".s_waba_optin";

    async willStart() {
        const key = this.el.dataset.source || "";
        this.form = await this.waitFor(rpc("/waba/website/form", { key }));
    }

    start() {
        // HTML of our own controller, escaped there.
        const form = new DOMParser().parseFromString(this.form, "text/html").body;
        this.formEl.replaceChildren(...form.childNodes);
    }

    destroy() {
        this.formEl.replaceChildren();
    }

    get formEl() {
        return this.el.querySelector(".s_waba_optin_form");
    }
}

registry.category("public.interactions").add("waba_campaign_website.optin_block", OptinBlock);
