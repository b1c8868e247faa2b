import { stepUtils } from "@web_tour/tour_utils";
import { addTour, button, choose, chooseTemplate, click, edit, see } from "./steps";

const openLead = (name) => [
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click(`open ${name}`, `.o_kanban_record:contains('${name}')`),
    click("its WhatsApp page", ".o_notebook a[name=waba]"),
];

const inDialog = (text) => ({
    content: `${text}, in the dialog`,
    trigger: `.modal footer button:enabled:contains(/^${text}$/)`,
    run: "click",
});

addTour("waba_follow_up_a_lead", () => [
    ...openLead("Sofa for room 1"),
    see("p:contains('Not enrolled in a follow-up')"),
    button("Follow up…"),
    see(".modal .o_waba_story:contains('Wait 2 days')", "what will happen"),
    see(".modal p:contains('Leads to enroll: 1 of 1')"),
    inDialog("Enroll"),
    see(".o_waba_lead_followups .o_kanban_record:contains('1 of 2: Send “Order update')"),
    see(".oe_stat_button:contains('Follow-ups') .o_stat_value:contains(/^1$/)"),
]);

addTour("waba_see_it_stopped", () => [
    ...openLead("Sofa for room 1"),
    see(".o_waba_lead_followups .o_kanban_record:contains('Stopped')"),
    see(".o_waba_lead_followups .o_kanban_record:contains('Replied on WhatsApp: Sí')"),
]);

addTour("waba_stop_a_follow_up", () => [
    ...openLead("Sofa for room 1"),
    click("stop it", ".o_waba_lead_followups .o_kanban_record a:contains('Stop…')"),
    {
        content: "why",
        trigger: ".modal .o_field_widget[name=reason] textarea",
        run: "edit We meet on Thursday",
    },
    inDialog("Stop follow-up"),
    see(".o_waba_lead_followups .o_kanban_record:contains('We meet on Thursday')"),
]);

addTour("waba_make_a_follow_up", () => [
    ...stepUtils.goToAppSteps("waba_campaign.waba_menu_root", "open WhatsApp"),
    see(".o_breadcrumb:contains('Campaigns'), .o_breadcrumb:contains('Getting started')"),
    click("follow-ups", ".o_menu_sections button:contains('Follow-ups')"),
    click("their list", ".o-dropdown--menu a:contains(/^Follow-ups$/)"),
    see(".o_view_nocontent:contains('Create your first follow-up')"),
    click("a new one", ".o_list_button_add"),
    edit("name", "Offers without an answer"),
    ...choose("stage_ids", "Offer sent"),
    ...choose("sender_id", "600 000 001"),
    click("the first step", ".o_waba_steps .o-kanban-button-new"),
    ...chooseTemplate("Order update · Spanish"),
    see(".modal .o_waba_bubble:contains('Tu pedido')", "the message"),
    click(
        "keep the step",
        ".modal .o_form_button_save:contains(/^Save & Close$/), .modal footer button:contains(/^Save & Close$/)"
    ),
    see(".o_waba_steps .o_waba_step:contains('Wait 2 working days')"),
    see(".o_waba_story:contains('A lead enters the stage Offer sent')"),
    button("Start…"),
    see(".modal p:contains('Matching leads: 1')"),
    click("these too", ".modal .o_field_widget[name=who] input[data-value=all]"),
    see(".modal p:contains('Leads enrolled now: 1')"),
    inDialog("Start"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Running')"),
    see(".oe_stat_button:contains('Active') .o_stat_value:contains(/^1$/)"),
]);

addTour("waba_follow_ups_on_a_phone", () => [
    see(".o_kanban_record:contains('Sofa for room 1'):contains('1 of 2: Send “Order update')"),
    click("open it", ".o_kanban_record:contains('Sofa for room 1')"),
    see(".o_form_view .o_field_widget[name=why_text]:contains('Wait 2 days')"),
]);
