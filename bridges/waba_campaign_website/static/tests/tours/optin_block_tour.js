import { registry } from "@web/core/registry";
import {
    clickOnSave,
    insertSnippet,
    registerWebsitePreviewTour,
} from "@website/js/tours/tour_utils";

registerWebsitePreviewTour("waba_optin_block_edit", { url: "/", edition: true }, () => [
    ...insertSnippet({
        id: "s_waba_optin",
        name: "WhatsApp Opt-in",
        groupName: "Contact & Forms",
    }),
    {
        content: "The newest source is chosen",
        trigger: ":iframe .s_waba_optin form h3:contains('Second club')",
    },
    ...clickOnSave(),
    { trigger: ":iframe .s_waba_optin form h3:contains('Second club')" },
]);

registry.category("web_tour.tours").add("waba_optin_block_visit", {
    steps: () => [
        { trigger: ".s_waba_optin form h3:contains('Second club')" },
        { trigger: ".s_waba_optin form:contains('I agree to the second')" },
        { trigger: ".s_waba_optin input[name=number]", run: "edit 600 111 222" },
        { trigger: ".s_waba_optin button[type=submit]:contains('Agree and continue')" },
    ],
});
