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
            content: `the source: ${text}`,
            trigger: ".modal .o_field_widget[name=note] textarea",
            run: `edit ${text}`,
        },
        ...last,
        click("save", ".modal footer button:contains(/^Save$/)"),
        see("body:not(:has(.modal))", "the dialog is gone"),
    ];
}

const tab = {
    content: "open the tab Consent",
    trigger: ".o_notebook .nav-link:contains(/^Consent$/)",
    run: "click",
};

addTour("waba_note_consent", () => [
    tab,
    see("[name=waba_promotion_why]:contains('No opt-in on record')"),
    press("marketing", "Opt out"),
    see(".modal [name=on_record]:contains('never asked')"),
    click("discard", ".modal footer button:contains(/^Discard$/)"),
    press("marketing", "Opt in"),
    ...note("At the fair, they asked for the catalogue", [
        click("the channel", ".modal .o_field_widget[name=heard] label:contains(/^In person$/)"),
    ]),
    tab,
    see("[name=waba_promotion_why]:contains('Opted in to promotions')"),
    press("marketing", "Opt out"),
    ...note("On the phone, they were annoyed"),
    tab,
    see("[name=waba_promotion_why]:contains('Opted out')"),
    see(".o-mail-Message:contains('On the phone, they were annoyed')", "the note in the chatter"),
    press("marketing", "Opt in"),
    see(".modal .alert:contains('Only a manager can record a new opt-in')"),
    click("discard", ".modal footer button:contains(/^Discard$/)"),
    press("utility", "Opt out"),
    ...note("No messages about the order either"),
    tab,
    see("[name=waba_service_why]:contains('Opted out of service messages')"),
    click("their consent, entry by entry", "button:contains(/^Consent log and messages$/)"),
    see(".o_breadcrumb:contains('34611000001')"),
    see(".o_field_widget[name=consent_ids] .o_data_row:nth-child(3)", "three entries"),
]);

addTour("waba_message_beside_the_phone", () => [
    click("WhatsApp beside the number", ".o_field_widget[name=phone] .o_waba_phone_button"),
    see(".modal .o_waba_conversation", "the conversation"),
    click("close it", ".modal .btn-close"),
    see("body:not(:has(.modal))", "the dialog is gone"),
    click("WhatsApp in the header", ".o_form_statusbar button[name=action_waba_message]"),
    see(".modal .o_waba_conversation:contains('34611000001')", "the same conversation"),
]);

addTour("waba_message_from_a_card", () => [
    click("WhatsApp on the card", ".o_kanban_record:contains('34611000001') .o_waba_card_button"),
    see(".modal .o_waba_chooser_columns", "templates to send"),
    see(".modal:contains('Send WhatsApp'):contains('34611000001')", "the person"),
]);
