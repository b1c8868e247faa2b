import { stepUtils } from "@web_tour/tour_utils";
import {
    addTour, button, campaignForMarked, choose, chooseTemplate, click, edit, editVariable, inDialog,
    markLeads, see,
} from "./steps";

addTour("waba_launch_from_pipeline", () => [
    ...markLeads("Sofa for room 1", "Sofa for room 2", "Sofa for room 3"),
    see(".o_selection_box:contains('3')", "three cards marked"),
    ...campaignForMarked(),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^3$/)", "three records"),
    edit("name", "Sofas in autumn"),
    ...chooseTemplate("Autumn offer · Spanish"),
    see(".o_waba_bubble:contains('Hola Anab, en {{2}} tienes')", "what is known, what is missing"),
    ...choose("sender_id", "600 000 001"),
    ...editVariable(2, "text", "Muebles Roble"),
    ...editVariable(4, "text", "sofas"),
    see(".o_waba_bubble:contains('Hola Anab, en Muebles Roble tienes')", "the message as it leaves"),
    button("Launch"),
    see(".modal .o_waba_check:contains('have no opt-in on record')", "a line"),
    see(".modal .o_waba_preflight_summary:contains('2 of 3 will receive it')", "the sum"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addTour("waba_launch_from_list", () => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("as a list", ".o_switch_view.o_list"),
    click("mark all", ".o_list_view thead .o_list_record_selector input"),
    click("WhatsApp", ".o_control_panel button:contains(/^WhatsApp$/)"),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^2$/)", "two records"),
    click("save the draft", ".o_form_button_save"),
    see(".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))", "it is saved"),
]);
