import {
    addTour, button, campaignForMarked, choose, chooseTemplate, click, edit, editVariable, markLeads,
    see,
} from "./steps";

const FIRST_COPY = ".o_waba_bubble:contains('Hola Anab')";

function seePlace(place, name) {
    return see(
        `.o_waba_preview:has(.o_waba_preview_place:contains('(${place})')) .o_waba_preview_name:contains('${name}')`,
        `${name} is ${place}`
    );
}

function pick(field, value) {
    return [
        click(`open ${field}`, `.o_field_widget[name=${field}] input`),
        click(`${field}: ${value}`, `.o_select_menu_item:contains('${value}')`),
    ];
}

function source(name) {
    return click(`source: ${name}`, `.o_field_widget[name=audience_source] .o_selection_badge:contains(/^${name}$/)`);
}

function text(words) {
    return see(`.o_field_widget[name=audience_text]:contains('${words}')`);
}

/** Chooses these records in the dialog that is open. */
function chooseRecords(...names) {
    return [
        ...names.map((name) =>
            click(name, `.modal .o_data_row:contains('${name}') .o_list_record_selector input`)
        ),
        click("choose them", ".modal .o_select_button:enabled"),
        see("body:not(:has(.modal))", "the dialog is closed"),
    ];
}

addTour("waba_preview_arrows", () => [
    ...markLeads("Sofa for room 1", "Sofa for room 2", "Sofa for room 3"),
    ...campaignForMarked(),
    text("3 leads and opportunities selected"),
    see(".o_field_widget[name=audience_note]:contains('fixed list')", "it is fixed"),
    ...chooseTemplate("Autumn offer · Spanish"),
    see(FIRST_COPY, "the first person's message"),
    seePlace("1/3", "Anab Prueba"),
    click("the next person", ".o_waba_next:enabled"),
    seePlace("2/3", "Anac Prueba"),
    see(".o_waba_bubble:contains('Hola Anac')", "with the own name"),
    { content: "by keyboard", trigger: ".o_waba_next:enabled", run: "press ArrowRight" },
    seePlace("3/3", "Anad Prueba"),
    see(".o_waba_next:disabled", "there is nobody behind"),
    see(".o_waba_preview_note:contains('Excluded')", "who would be excluded, and why"),
    ...editVariable(2, "text", "Muebles Roble"),
    ...editVariable(4, "text", "sofas"),
    see(".o_waba_bubble:contains('Hola Anad, en Muebles Roble')", "it stays where it was"),
    seePlace("3/3", "Anad Prueba"),
    click("back", ".o_waba_previous:enabled"),
    seePlace("2/3", "Anac Prueba"),
    click("give it up", ".o_form_button_cancel"),
]);

addTour("waba_audience_from_a_campaign", () => [
    click("a new campaign", ".o_list_button_add"),
    edit("name", "Once more"),
    text("Choose an audience"),
    source("Earlier campaign"),
    text("Choose an earlier campaign"),
    ...choose("audience_campaign_id", "Sofas in autumn"),
    text("1 lead or opportunity from “Sofas in autumn” (read, no reply)"),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^1$/)", "counted"),
    ...pick("audience_outcome", "Delivered"),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^2$/)", "counted anew"),
    click("save", ".o_form_button_save"),
    see(".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))", "it is saved"),
]);

addTour("waba_pick_records", () => [
    click("a new campaign", ".o_list_button_add"),
    text("Choose an audience"),
    see("body:not(:has(.oe_stat_button:contains('Audience')))", "no one is chosen"),
    see(".o_field_widget[name=sender_id] input:value(600 000 001)", "the number of the last one"),
    edit("name", "Picked by hand"),
    source("Filter"),
    text("Add a rule"),
    source("Selected records"),
    text("Add the records"),
    click("add", ".o_waba_add"),
    ...chooseRecords("Sofa for room 1", "Sofa for room 2", "Sofa for room 3"),
    text("3 leads and opportunities selected"),
    click("remove", ".o_waba_remove"),
    ...chooseRecords("Sofa for room 2"),
    text("2 leads and opportunities selected"),
    source("Sales team"),
    ...choose("audience_team_id", "Europe"),
    text("3 leads and opportunities of the team “Europe”"),
    click("exclude", ".o_waba_exclude"),
    ...chooseRecords("Sofa for room 1", "Sofa for room 3"),
    text("1 lead or opportunity of the team “Europe”"),
    click("include again", ".o_waba_include:contains('2 excluded')"),
    ...chooseRecords("Sofa for room 3"),
    text("2 leads and opportunities of the team “Europe”"),
    click("save", ".o_form_button_save"),
    see(".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))", "it is saved"),
]);

// From three selected cards to the launch, counting every press of a button of the mouse.
let clicks;
const count = () => clicks++;

addTour("waba_launch_in_few_clicks", () => [
    ...markLeads("Sofa for room 1", "Sofa for room 2", "Sofa for room 3"),
    {
        content: "count from here",
        trigger: ".o_selection_box:contains('3')",
        run() {
            clicks = 0;
            document.addEventListener("pointerdown", count, true);
        },
    },
    ...campaignForMarked(),
    ...chooseTemplate("Welcome back · Spanish"),
    ...choose("sender_id", "600 000 001"),
    see(".o_waba_bubble:contains('Hola Anab')", "the message as it leaves"),
    button("Launch"),
    click("launch", ".modal footer button:contains(/^Launch$/)"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
    {
        content: "launched, in fewer than ten clicks",
        trigger: ".o_form_view",
        run() {
            document.removeEventListener("pointerdown", count, true);
            if (!clicks || clicks >= 10) {
                throw new Error(`${clicks} clicks from the selected cards to the launch`);
            }
        },
    },
]);

function tab(name) {
    return {
        content: `tab ${name}`,
        trigger: `.o_notebook .nav-link:contains(/^${name}$/)`,
        run: "click",
    };
}

addTour("waba_try_two_messages", () => [
    click("open the options", ".o_waba_options summary"),
    click("A/B test", ".o_field_widget[name=ab_test] input"),
    see(".o_field_widget[name=ab_text]:contains('get A,')", "what it means"),
    see(".o_waba_options summary:contains('A/B test')", "said while they are folded"),
    tab("Variant B"),
    // The server's answer to the tick; it would replace what is typed before it.
    see(".o_field_widget[name=b_template_id]:contains('Autumn offer')", "at first it is variant A"),
    ...chooseTemplate("Welcome back · Spanish", "b_template_id"),
    see(".o_notebook .o_waba_bubble:contains('Hola Anabbaaaaaa, soy')", "variant B for the first person"),
    button("Launch"),
    click("launch", ".modal footer button:contains(/^Launch$/)"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_choose_the_better_message", () => [
    see(".alert:contains('waiting for results')", "why the rest waits"),
    tab("Results"),
    see(".o_waba_results th:contains('Variant A')", "a column for each message"),
    click("who got message B", ".o_waba_result_sent td:nth-child(4) .o_waba_result_count"),
    see(".o_list_view .o_data_row:contains('Accepted')", "its recipients"),
    click("back to the campaign", ".breadcrumb-item a:contains('Test campaign'), .o_back_button"),
    tab("Results"),
    button("Send B to the rest"),
    click("yes, B", ".modal footer button:contains('Send B to the rest')"),
    see(".o_notebook .alert:contains('Variant B goes to the rest')", "it is decided, and why"),
]);

addTour("waba_send_a_test", () => [
    click("to the own phone", ".o_waba_send_test"),
    see(".modal .o_field_widget[name=person_name]:contains('Ana')", "as for the person shown"),
    click("send", ".modal footer button:contains(/^Send test$/)"),
    see(".modal .o_data_row:contains('+34611777001')", "it is on its way"),
    click("close", ".modal footer button:contains(/^Close$/)"),
]);
