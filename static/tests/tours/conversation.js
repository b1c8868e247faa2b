import { keyDown, waitUntil } from "@odoo/hoot-dom";
import { stepUtils } from "@web_tour/tour_utils";
import { addTour, click, openMenu, see } from "./steps";

const TEXT = ".o_waba_composer_line textarea";

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
    see(".o_waba_window_open:contains('Reply window closes in 23 h')"),
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

addTour("waba_canned_answer_and_snooze", () => [
    ...openFromPipeline("Sofa for room 1"),
    seeMessage("¿Abren hoy?"),
    write("/hor"),
    see(".o_waba_canned .active:contains('/horario')", "the only answer that fits"),
    {
        content: "Enter takes it",
        trigger: TEXT,
        run: () => keyDown("Enter"),
    },
    {
        content: "it is filled for the person, and nothing is sent yet",
        trigger: ".o_waba_composer:not(:has(.o_waba_canned)) textarea",
        async run() {
            await waitUntil(() => this.anchor.value === "Hola Anab, hasta las 20 h", {
                timeout: 30000,
            });
        },
    },
    click("send", ".o_waba_send:enabled"),
    seeMessage("Hola Anab, hasta las 20 h", "queued"),
    click("snooze", ".o_waba_snooze"),
    click("until tomorrow", ".o-dropdown--menu .o-dropdown-item:contains('Tomorrow, 9:00')"),
    see(".o_waba_parked:contains('Snoozed until'):contains('9:00')"),
]);

addTour("waba_snooze_until_a_chosen_time", () => [
    ...openFromPipeline("Sofa for room 1"),
    seeMessage("¿Abren hoy?"),
    click("snooze", ".o_waba_snooze"),
    click("a time of one's own", ".o-dropdown--menu .o_waba_snooze_pick"),
    {
        content: "tomorrow at nine is offered; a quarter past it is chosen",
        trigger: ".modal #o_waba_snooze_until",
        async run(helpers) {
            await helpers.edit(this.anchor.value.replace(":00", ":15"));
        },
    },
    click("confirm", ".modal .o_waba_snooze_confirm:enabled"),
    see(".o_waba_parked:contains('Snoozed until'):contains('9:15')"),
]);

addTour("waba_reaction_options_and_block", () => [
    ...openFromPipeline("Sofa for room 1"),
    click("react", ".o_waba_theirs:contains('¿Abren hoy?') .o_waba_react"),
    click("thumbs up", ".o_waba_react_menu .o-dropdown-item:contains('👍')"),
    see(".o_waba_theirs .o_waba_reactions:contains('👍')"),
    click("reply options", ".o_waba_options_button"),
    { content: "an option", trigger: ".o_waba_composer_options textarea", run: "edit Por la tarde" },
    write("¿Le viene bien mañana?"),
    click("send", ".o_waba_send:enabled"),
    see(".o_waba_ours:contains('mañana') .o_waba_options:contains('Por la tarde')"),
    click("more", ".o_waba_on_it button[title=More]"),
    click("block", ".o-dropdown--menu .o_waba_block"),
    see(".modal:contains('WhatsApp does not notify them')", "what it means"),
    click("confirm", ".modal footer .btn-primary"),
    see(".o_waba_blocked:contains('Blocked')"),
    see(".o_waba_answer:not(:has(.o_waba_composer))", "nothing can be written"),
    click("unblock", ".o_waba_unblock"),
    see(".o_waba_conversation:not(:has(.o_waba_blocked)) .o_waba_composer"),
]);

addTour("waba_close_and_reopen", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_parked:contains('Snoozed until')"),
    click("reopen", ".o_waba_reopen"),
    see(".o_waba_conversation:not(:has(.o_waba_parked))", "it is open"),
    click("close", ".o_waba_close"),
    see(".o_waba_parked:contains('Closed')"),
]);

addTour("waba_ticks_arrive", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_ours[data-state=read]:contains('Sí, hasta las 20 h') .o_waba_tick_read", "read"),
]);

addTour("waba_template_outside_the_window", () => [
    ...openFromPipeline("Sofa for room 1"),
    see(".o_waba_window_closed:contains('Reply window closed: send a template')"),
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

addTour("waba_inbox_side_by_side", () => [
    ...openMenu("Conversations"),
    see(".o_waba_inbox_nothing:contains('Select a conversation')"),
    see(".o_kanban_record:contains('Anab Prueba') .text-bg-danger", "unread until it is opened"),
    click("the other one", ".o_kanban_record:contains('Anac Prueba')"),
    see(".o_waba_inbox_thread .o_waba_message:contains('¿Precio?')"),
    see(".o_waba_inbox_record:contains('Sofa for room 2'):contains('Stage')", "the lead beside it"),
    see(".o_waba_inbox_open:contains('Anac Prueba'):not(:has(.text-bg-danger))", "it is read"),
    write("120 €"),
    click("send", ".o_waba_inbox_thread .o_waba_send:enabled"),
    see(".o_waba_inbox_thread .o_waba_message[data-state=queued]:contains('120 €')"),
    click("close", ".o_waba_inbox_thread .o_waba_close"),
    see(".o_waba_inbox_list:not(:has(.o_kanban_record:contains('Anac Prueba')))", "it is gone"),
    see(".o_kanban_record:contains('Anab Prueba') .text-bg-danger", "the other one is unread"),
]);

addTour("waba_conversations_list", () => [
    ...openMenu("Conversations"),
    click("as a list", ".o_switch_view.o_list"),
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
    see(".o_waba_doubt:contains('Possible opt-out'):contains('No me interesa')", "the question"),
    click("Opt out", ".o_waba_doubt .o_waba_opt_out"),
    see(".o_waba_conversation:not(:has(.o_waba_doubt))", "it is answered"),
    see(".o_notification:contains('Opted out')"),
]);

addTour("waba_doubt_on_the_record", () => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("the lead", ".o_kanban_record:contains('Sofa for room 1')"),
    click("consent", ".o_notebook_headers a:contains(/^Consent$/)"),
    see(".o_form_view div.o_waba_doubt:contains('No me interesa')", "the question"),
    see("[name=waba_promotion_why]:contains('Possible opt-out')"),
    click("Keep subscribed", "button[name=action_waba_keep_subscribed]"),
    see("[name=waba_promotion_answer]:contains('Not asked')", "promotions go on"),
]);

addTour("waba_doubt_in_the_list", () => [
    ...openMenu("Conversations"),
    click("as a list", ".o_switch_view.o_list"),
    click("the search's menu", ".o_searchview_dropdown_toggler"),
    click("its filter", ".o-dropdown--menu .o_menu_item:contains('Possible opt-out')"),
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
