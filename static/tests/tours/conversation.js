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
