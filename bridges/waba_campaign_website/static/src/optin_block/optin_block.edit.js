import { registry } from "@web/core/registry";
import { OptinBlock } from "./optin_block";

/** In the builder the form is looked at: a click selects the block. */
const OptinBlockEdit = (I) =>
    class extends I {
        dynamicContent = {
            ".s_waba_optin_form": { "t-att-class": () => ({ "pe-none": true }) },
        };
    };

registry.category("public.interactions.edit").add("waba_campaign_website.optin_block", {
    Interaction: OptinBlock,
    mixin: OptinBlockEdit,
});
