import { addTour, click, see } from "./steps";

/** The buttons below one of the two answers on a lead. */
function press(purpose, text) {
    return {
        content: `${text}: ${purpose}`,
        trigger: `.o_waba_${purpose}_buttons button:contains(/^${text}$/)`,
        run: "click",
    };
}

function note(text, last = []) {
    return [
        {
            content: `how one knows: ${text}`,
            trigger: ".modal .o_field_widget[name=note] textarea",
            run: `edit ${text}`,
        },
        ...last,
        click("note it", ".modal footer button:contains(/^Note it$/)"),
        see("body:not(:has(.modal))", "the dialog is gone"),
    ];
}

const tab = {
    content: "open the tab WhatsApp: may I?",
    trigger: ".o_notebook .nav-link:contains(/may I/)",
    run: "click",
};

addTour("waba_note_consent", () => [
    tab,
    see("[name=waba_promotion_why]:contains('not been asked yet')"),
    press("marketing", "Opt out"),
    see(".modal [name=on_record]:contains('never asked')"),
    click("discard", ".modal footer button:contains(/^Discard$/)"),
    press("marketing", "Opt in"),
    ...note("At the fair, they asked for the catalogue", [
        click("how they said it", ".modal .o_field_widget[name=heard] label:contains(/^In person$/)"),
    ]),
    tab,
    see("[name=waba_promotion_why]:contains('agreed to promotions')"),
    press("marketing", "Opt out"),
    ...note("On the phone, they were annoyed"),
    tab,
    see("[name=waba_promotion_why]:contains('Opted out')"),
    see(".o-mail-Message:contains('On the phone, they were annoyed')", "the note in the chatter"),
    press("marketing", "Opt in"),
    see(".modal .alert:contains('Only a manager can note that they agreed again')"),
    click("discard", ".modal footer button:contains(/^Discard$/)"),
    press("utility", "Opt out"),
    ...note("No messages about the order either"),
    tab,
    see("[name=waba_service_why]:contains('Opted out of service messages')"),
    click("their consent, entry by entry", "button:contains(/^Consent and messages$/)"),
    see(".o_breadcrumb:contains('34611000001')"),
    see(".o_field_widget[name=consent_ids] .o_data_row:nth-child(3)", "three entries"),
]);
