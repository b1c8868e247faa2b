import { addTour, button, click, inDialog, see } from "./steps";

const LEVELS = { Blocking: "stop", "To review": "warn", Passed: "pass" };

/** A line of the pre-flight, by its group and part of its sentence. */
function line(group, text) {
    return `.modal [data-level=${LEVELS[group]}] .o_waba_check:contains('${text}')`;
}

/** At most one main button in the dialog. */
const oneMainButton = {
    content: "one main button at most",
    trigger: ".modal .o_waba_preflight",
    run() {
        const main = document.querySelectorAll(".modal .btn-primary:not(.d-none)");
        if (main.length > 1) {
            throw new Error(`${main.length} main buttons`);
        }
    },
};

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
    see(".modal .o_waba_preflight_summary:contains('3 of 4 will receive it')", "the headline"),
    click("open the excluded", `${line("To review", "1 of 4 excluded")} .o_waba_fold`),
    see(".modal .o_waba_check_parts [data-key=invalid_number]:contains('1')", "the reason"),
    click("open the passed", ".modal [data-level=pass] .o_waba_fold"),
    see(line("Passed", "3 of 4 will receive it"), "what passed"),
    see(".modal footer:not(:has(button:visible:contains(/^Launch$/)))", "it may not be launched"),
    oneMainButton,
    note("Agreed with Marta."),
    inDialog("Request approval"),
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
    see(line("Blocking", "is Low"), "the stop"),
    see(".modal footer:not(:has(button:visible:contains(/^Launch$/)))", "it may not be launched"),
    inDialog("Back"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Draft')"),
]);

addTour("waba_override", () => [
    button("Launch"),
    see(line("Blocking", "is Low"), "the stop"),
    note("The rating is being reviewed."),
    inDialog("Allow launch"),
    banner("overrode the blocking checks"),
]);

addTour("waba_launch_overridden", () => [
    banner("The rating is being reviewed."),
    button("Launch"),
    see(`${line("Blocking", "is Low")} .badge:contains('Overridden')`, "what a manager overrode"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_show_rows", () => [
    button("Launch"),
    click("open the excluded", `${line("To review", "1 of 4 excluded")} .o_waba_fold`),
    click("show them", ".modal .o_waba_check_parts [data-key=invalid_number] button:contains('Show')"),
    see(".o_select_create_dialog_content .o_data_row:contains('Sofa for room 4')", "the row"),
    see(
        ".o_select_create_dialog_content:not(:has(.o_data_row:contains('Sofa for room 1')))",
        "and no other"
    ),
    click("close", ".o_select_create_dialog_content .o_form_button_cancel"),
    see("body:not(:has(.o_select_create_dialog_content)) .modal .o_waba_preflight", "it is back"),
    inDialog("Back"),
]);

addTour("waba_fix_an_empty_variable", () => [
    button("Launch"),
    see(".modal .o_waba_preflight_summary:contains('3 in the audience')", "the headline"),
    see(line("Blocking", "of the button"), "the cause"),
    see(".modal [data-level=stop] .o_waba_check .btn-primary:contains('Set value')", "the main button"),
    oneMainButton,
    click("fix it", `${line("Blocking", "of the button")} button:contains('Set value')`),
    {
        content: "its text",
        trigger: ".modal .o_field_widget[name=text] input",
        run: "edit sofas",
    },
    click("save", ".modal .o_form_button_save"),
    see(".modal .o_waba_preflight_summary:contains('3 of 3 will receive it')", "it is counted"),
    see(".modal .o_waba_preflight:not(:has([data-level=stop]))", "nothing blocks it"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_stopped_on_a_phone", () => [
    {
        content: "the buttons of a narrow screen",
        trigger: ".o_cp_action_menus button:has(.fa-cog), .o_statusbar_buttons button",
    },
    click("launch", ".o_statusbar_buttons button:contains(/^Launch$/)"),
    see(line("Blocking", "is Low"), "the stop"),
]);
