import { keyDown } from "@odoo/hoot-dom";
import { stepUtils } from "@web_tour/tour_utils";
import { addTour, openMenu, see } from "./steps";

const TEXT = ".o_waba_composer textarea";

/** From the pipeline to the conversation on a lead's form. */
function openFromPipeline(lead) {
    return [
        ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
        {
            content: `the lead ${lead}`,
            trigger: `.o_kanban_record:contains('${lead}')`,
            run: "click",
        },
        {
            content: "its conversation",
            trigger: ".o_notebook_headers a:contains(/^WhatsApp$/)",
            run: "click",
        },
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
    { content: "choose a template", trigger: ".o_waba_choose", run: "click" },
    {
        content: "about the order",
        trigger: ".o_waba_chooser [role=option]:contains('Tu pedido')",
        run: "click",
    },
    {
        content: "fill it in",
        trigger: ".o_waba_chooser input[id^=waba_variable]",
        run: "edit 4711",
    },
    see(".o_waba_chooser .o_waba_phone:contains('4711')", "the words as they will be sent"),
    { content: "send", trigger: ".o_waba_chooser_send:enabled", run: "click" },
    seeMessage("4711", "queued"),
]);

addTour("waba_conversation_on_a_phone", () => [
    {
        content: "who waits",
        trigger: ".o_kanban_record:contains('Ana1 Prueba'):contains('¿Abren hoy?')",
        run: "click",
    },
    seeMessage("¿Abren hoy?"),
    write("¡Sí!"),
    { content: "send", trigger: ".o_waba_send:enabled", run: "click" },
    seeMessage("¡Sí!", "queued"),
]);

addTour("waba_conversations_list", () => [
    ...openMenu("Conversations"),
    see(".o_data_row:contains('Ana2 Prueba') .text-bg-danger:contains('1')", "one unread"),
    {
        content: "take it",
        trigger: ".o_data_row:contains('Ana2 Prueba') button[name=action_assign_to_me]",
        run: "click",
    },
    {
        content: "open it",
        trigger: ".o_data_row:contains('Ana2 Prueba'):not(:has(button[name=action_assign_to_me])) td[name=last_text]",
        run: "click",
    },
    see(".o_waba_responsible:contains('You')"),
    seeMessage("¿Precio?"),
    {
        content: "back to the list",
        trigger: ".o_breadcrumb a:contains('Conversations')",
        run: "click",
    },
    see(".o_data_row:contains('Ana2 Prueba'):not(:has(.text-bg-danger))", "read"),
]);
