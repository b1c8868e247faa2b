import { keyDown } from "@odoo/hoot-dom";
import { stepUtils } from "@web_tour/tour_utils";
import { addTour, click, openMenu, see } from "./steps";

const TEXT = ".o_waba_composer textarea";

/** From the pipeline to the conversation on a lead's form. */
function openFromPipeline(lead) {
    return [
        ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
        click(`the lead ${lead}`, `.o_kanban_record:contains('${lead}')`),
        click("its conversation", ".o_notebook_headers a:contains(/^WhatsApp$/)"),
    ];
}

function write(text) {
    return { content: `write ${text}`, trigger: TEXT, run: `edit ${text}` };
}

function seeMessage(text, state = "") {
    const attribute = state ? `[data-state=${state}]` : "";
    return see(`.o_waba_message${attribute}:contains('${text}')`, text);
}

addTour("waba_answer_in_the_window", () => [
    see(".o-mail-MessagingMenu-counter", "that somebody wrote"),
    ...openFromPipeline("Sofa for room 1"),
    seeMessage("¿Abren hoy?"),
    see(".o_waba_window_open:contains('You can write freely for 23 h')"),
    see(".o_waba_responsible:contains('You')", "whose turn it is"),
    write("Sí, hasta las 20 h"),
    {
        content: "Enter, pressed three times at once",
        trigger: TEXT,
        async run() {
            keyDown("Enter");
            keyDown("Enter");
            await keyDown("Enter");
        },
    },
    seeMessage("Sí, hasta las 20 h", "queued"),
    see(".o_waba_send:disabled", "an empty box"),
]);

addTour("waba_ticks_arrive", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_ours[data-state=read]:contains('Sí, hasta las 20 h') .o_waba_tick_read", "read"),
]);

addTour("waba_template_outside_the_window", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_window_closed:contains('Window closed: choose a template')"),
    click("choose a template", ".o_waba_choose"),
    click("about the order", ".o_waba_chooser [role=option]:contains('Tu pedido')"),
    {
        content: "fill it in",
        trigger: ".o_waba_chooser input[id^=waba_variable]",
        run: "edit 4711",
    },
    see(".o_waba_chooser .o_waba_phone:contains('4711')", "the words as they will be sent"),
    click("send", ".o_waba_chooser_send:enabled"),
    seeMessage("4711", "queued"),
]);

addTour("waba_conversation_on_a_phone", () => [
    click("who waits", ".o_kanban_record:contains('Anab Prueba'):contains('¿Abren hoy?')"),
    seeMessage("¿Abren hoy?"),
    write("¡Sí!"),
    click("send", ".o_waba_send:enabled"),
    seeMessage("¡Sí!", "queued"),
]);

addTour("waba_conversations_list", () => [
    ...openMenu("Conversations"),
    see(".o_data_row:contains('Anac Prueba') .text-bg-danger:contains('1')", "one unread"),
    click("take it", ".o_data_row:contains('Anac Prueba') button[name=action_assign_to_me]"),
    click(
        "open it",
        ".o_data_row:contains('Anac Prueba'):not(:has(button[name=action_assign_to_me])) td[name=last_text]"
    ),
    see(".o_waba_responsible:contains('You')"),
    seeMessage("¿Precio?"),
    click("back to the list", ".o_breadcrumb a:contains('Conversations')"),
    see(".o_data_row:contains('Anac Prueba'):not(:has(.text-bg-danger))", "read"),
]);

addTour("waba_doubt_on_the_conversation", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_doubt:contains('May want to opt out'):contains('No me interesa')", "the question"),
    click("Opt out", ".o_waba_doubt .o_waba_opt_out"),
    see(".o_waba_conversation:not(:has(.o_waba_doubt))", "it is answered"),
    see(".o_notification:contains('Opted out')"),
]);

addTour("waba_doubt_on_the_record", () => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("the lead", ".o_kanban_record:contains('Sofa for room 1')"),
    click("consent", ".o_notebook_headers a:contains(/^Consent$/)"),
    see(".o_form_view div.o_waba_doubt:contains('No me interesa')", "the question"),
    see("[name=waba_promotion_why]:contains('They may want to opt out')"),
    click("Keep subscribed", "button[name=action_waba_keep_subscribed]"),
    see("[name=waba_promotion_answer]:contains('Not asked')", "promotions go on"),
]);

addTour("waba_doubt_in_the_list", () => [
    ...openMenu("Conversations"),
    click("the search's menu", ".o_searchview_dropdown_toggler"),
    click("its filter", ".o-dropdown--menu .o_menu_item:contains('Opt-out to confirm')"),
    see(".o_data_row:contains('No me interesa')"),
    see(".o_list_view:not(:has(.o_data_row:contains('¿Abren hoy?')))", "nobody else"),
    click("Keep subscribed", ".o_data_row button[name=action_keep_subscribed]"),
    see(".o_list_view:not(:has(.o_data_row)), .o_view_nocontent", "nothing is left to confirm"),
]);

addTour("waba_doubt_on_a_phone", () => [
    click("who wrote", ".o_kanban_record:contains('No me interesa')"),
    see(".o_waba_doubt:contains('No me interesa')", "the question"),
    {
        content: "nothing is wider than the screen",
        trigger: ".o_waba_doubt",
        run() {
            const { scrollWidth, clientWidth } = this.anchor;
            if (scrollWidth > clientWidth) {
                throw new Error(`${scrollWidth} px in ${clientWidth} px`);
            }
        },
    },
    click("Keep subscribed", ".o_waba_doubt .o_waba_keep"),
    see(".o_waba_conversation:not(:has(.o_waba_doubt))", "it is answered"),
]);
