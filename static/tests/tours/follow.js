import { stepUtils } from "@web_tour/tour_utils";
import { addTour, openMenu, see } from "./steps";

/** A figure on the campaign's buttons. */
function seeFigure(label, value) {
    return see(
        `.oe_stat_button:contains('${label}') .o_stat_value:contains(/^${value}$/)`,
        `${label}: ${value}`
    );
}

addTour("waba_follow_running", () => [
    see(".o_statusbar_status button.o_arrow_button_current:contains('Running')"),
    seeFigure("People", 3),
    seeFigure("People left out", 1),
    seeFigure("Delivered", 0),
    see(".o_field_widget[name=progress_text]:contains('0 of 2')", "how far it is"),
]);

addTour("waba_follow_to_the_end", () => [
    ...openMenu("Campaigns"),
    {
        content: "the campaign, done",
        trigger: ".o_data_row:contains('Sofas in autumn'):contains('Done') td[name=name]",
        run: "click",
    },
    seeFigure("Delivered", 2),
    seeFigure("Read", 2),
    seeFigure("Replied", 1),
    {
        content: "who was left out",
        trigger: ".oe_stat_button:contains('People left out')",
        run: "click",
    },
    see(".o_data_row:contains('Ana3 Prueba'):contains('Left out'):contains('number is not valid')"),
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    {
        content: "the lead who replied",
        trigger: ".o_kanban_record:contains('Sofa for room 1')",
        run: "click",
    },
    see(".o-mail-Message:contains('¿Abren hoy?')", "the reply in the chatter"),
    {
        content: "the lead's WhatsApp messages",
        trigger: ".oe_stat_button:contains('WhatsApp')",
        run: "click",
    },
    see(".o_data_row:contains('Read')", "our message"),
    see(".o_data_row:contains('Received')", "the reply"),
]);

addTour("waba_read_on_a_phone", () => [
    see(".o_kanban_record:contains('Ana1 Prueba'):contains('Accepted by WhatsApp')", "a card"),
    see(".o_kanban_record:contains('Left out'):contains('number is not valid')", "and the reason"),
]);
