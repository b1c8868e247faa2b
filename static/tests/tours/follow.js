import { stepUtils } from "@web_tour/tour_utils";
import { addTour, click, openMenu, see } from "./steps";

/** A figure on the campaign's buttons. */
function seeFigure(label, value) {
    return see(
        `.oe_stat_button:contains('${label}') .o_stat_value:contains(/^${value}$/)`,
        `${label}: ${value}`
    );
}

addTour("waba_follow_running", () => [
    see(".o_statusbar_status button.o_arrow_button_current:contains('Running')"),
    seeFigure("Recipients", 3),
    seeFigure("Excluded", 1),
    seeFigure("Delivered", 0),
    see(".o_field_widget[name=progress_text]:contains('0 of 2 sent')", "how far it is"),
]);

addTour("waba_follow_to_the_end", () => [
    ...openMenu("Campaigns"),
    click(
        "the campaign, done",
        ".o_data_row:contains('Sofas in autumn'):contains('Done') td[name=name]"
    ),
    seeFigure("Delivered", 2),
    seeFigure("Read", 2),
    seeFigure("Replied", 1),
    click("who was excluded", ".oe_stat_button:contains('Excluded')"),
    see(".o_data_row:contains('Anad Prueba'):contains('Excluded'):contains('Invalid phone number')"),
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("the lead who replied", ".o_kanban_record:contains('Sofa for room 1')"),
    see(".o-mail-Message:contains('¿Abren hoy?')", "the reply in the chatter"),
    click("the lead's WhatsApp messages", ".oe_stat_button:contains('WhatsApp')"),
    see(".o_data_row:contains('Read')", "our message"),
    see(".o_data_row:contains('Received')", "the reply"),
]);

addTour("waba_read_on_a_phone", () => [
    see(".o_kanban_record:contains('Anab Prueba'):contains('Accepted')", "a card"),
    see(".o_kanban_record:contains('Excluded'):contains('Invalid phone number')", "and the reason"),
]);
