import { stepUtils } from "@web_tour/tour_utils";
import { addTour, click, see } from "./steps";

addTour("waba_repeat_a_template_knowingly", () => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("the lead", ".o_kanban_record:contains('Sofa for room 1')"),
    click("its conversation", ".o_notebook_headers a:contains(/^WhatsApp$/)"),
    click("choose a template", ".o_waba_choose"),
    click("the one that was just sent", ".o_waba_chooser [role=option]:contains('Tu pedido')"),
    see(".o_waba_chooser .alert:contains('Same template sent recently')", "that it was sent"),
    see(".o_waba_chooser_send:disabled", "that it is not sent again by mistake"),
    click("send it again on purpose", ".o_waba_chooser_repeat"),
    click("send", ".o_waba_chooser_send:enabled"),
    see(".o_waba_message[data-state=queued]", "the message"),
]);
