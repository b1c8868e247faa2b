import { addTour, button, click, inDialog, see } from "./steps";

/** A line of the pre-flight, by its word and part of its sentence. */
function line(word, text) {
    return `.modal .o_kanban_record:contains('${word}'):contains('${text}')`;
}

function note(text) {
    return {
        content: "say why",
        trigger: ".modal .o_field_widget[name=reason] textarea",
        run: `edit ${text}`,
    };
}

function banner(text) {
    return see(`.o_action_manager .alert .o_field_widget[name=approval_text]:contains('${text}')`, text);
}

addTour("waba_ask_for_approval", () => [
    banner("manager's approval is needed"),
    button("Launch"),
    see(line("Check", "Left out: 1 of 4 people"), "who is left out"),
    click(
        "leave them out",
        `${line("Check", "Left out: 1 of 4 people")} button:contains('Leave out')`
    ),
    see(line("Fine", "Everybody gets it: 3 of 3"), "they are gone"),
    see(".modal footer:not(:has(button:visible:contains(/^Launch$/)))", "it may not be launched"),
    note("Agreed with Marta."),
    inDialog("Ask for approval"),
    banner("Waiting for a manager's approval"),
]);

addTour("waba_approve", () => [
    banner("requested your approval"),
    button("Pre-flight check"),
    inDialog("Approve"),
    banner("Approved by"),
]);

addTour("waba_launch_approved", () => [
    banner("Approved by"),
    button("Launch"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_stopped", () => [
    button("Launch"),
    see(line("Stop", "is Low"), "the stop"),
    see(".modal footer:not(:has(button:visible:contains(/^Launch$/)))", "it may not be launched"),
    inDialog("Back"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Draft')"),
]);

addTour("waba_override", () => [
    button("Launch"),
    see(line("Stop", "is Low"), "the stop"),
    note("The rating is being reviewed."),
    inDialog("Allow with this reason"),
    banner("overrode the blocking checks"),
]);

addTour("waba_launch_overridden", () => [
    banner("The rating is being reviewed."),
    button("Launch"),
    see(`${line("Stop", "is Low")} .badge:contains('Overridden')`, "what a manager overrode"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_show_rows", () => [
    button("Launch"),
    click(
        "show who is left out",
        `${line("Check", "Left out: 1 of 4 people")} button:contains('Show')`
    ),
    see(".o_list_view .o_data_row:contains('Sofa for room 4')", "the row"),
    see(".o_list_view:not(:has(.o_data_row:contains('Sofa for room 1')))", "and no other"),
]);

addTour("waba_stopped_on_a_phone", () => [
    {
        content: "the buttons of a narrow screen",
        trigger: ".o_cp_action_menus button:has(.fa-cog), .o_statusbar_buttons button",
    },
    click("launch", ".o_statusbar_buttons button:contains(/^Launch$/)"),
    see(line("Stop", "is Low"), "the stop"),
]);
