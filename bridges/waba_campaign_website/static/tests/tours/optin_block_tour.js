import { registry } from "@web/core/registry";
import {
    clickOnSave,
    clickOnSnippet,
    insertSnippet,
    registerWebsitePreviewTour,
} from "@website/js/tours/tour_utils";

/**
 * The list of blocks is an iframe, which closes at the click. A pointer of the tour that stayed in it
 * would stop Chromium at the next event, whose related target would be in a closed document.
 */
function withoutPointerInList(step) {
    const isInList = step.trigger.includes(".modal");
    return isInList ? { ...step, run: ({ anchor }) => anchor.click() } : step;
}

registerWebsitePreviewTour("waba_optin_block_edit", { url: "/", edition: true }, () => [
    ...insertSnippet({
        id: "s_waba_optin",
        name: "WhatsApp Opt-in",
        groupName: "Contact & Forms",
    }).map(withoutPointerInList),
    {
        content: "The newest source is chosen",
        trigger: ":iframe .s_waba_optin form h3:contains('Second club')",
    },
    ...clickOnSnippet({ id: "s_waba_optin", name: "WhatsApp Opt-in" }),
    { trigger: ".o_customize_tab [data-label='Opt-in Source'] button", run: "click" },
    { trigger: ".o-dropdown--menu .o-dropdown-item:contains('First page')", run: "click" },
    { trigger: ":iframe .s_waba_optin form h3:contains('First club')" },
    { trigger: ".o_customize_tab [data-label='Opt-in Source'] button", run: "click" },
    { trigger: ".o-dropdown--menu .o-dropdown-item:contains('Second page')", run: "click" },
    { trigger: ":iframe .s_waba_optin form h3:contains('Second club')" },
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
