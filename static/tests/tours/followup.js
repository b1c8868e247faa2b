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

const select = (field, value, within = ".modal") => [
    click(`open ${field}`, `${within} .o_field_widget[name=${field}] input`),
    click(`${field}: ${value}`, `.o_select_menu_item:contains('${value}')`),
];

const keepStep = click("keep the step", ".modal footer button:contains(/^Save & Close$/)");
const newStep = click("another step", ".o_waba_steps .o-kanban-button-new");
const closed = see("body:not(:has(.modal))", "the dialog closes");

addTour("waba_make_a_branching_follow_up", () => [
    ...stepUtils.goToAppSteps("waba_campaign.waba_menu_root", "open WhatsApp"),
    see(".o_breadcrumb:contains('Campaigns'), .o_breadcrumb:contains('Getting started')"),
    click("follow-ups", ".o_menu_sections button:contains('Follow-ups')"),
    click("their list", ".o-dropdown--menu a:contains(/^Follow-ups$/)"),
    click("a new one", ".o_list_button_add"),
    edit("name", "Ask, then branch"),
    ...choose("stage_ids", "Offer sent"),
    ...choose("sender_id", "600 000 001"),
    newStep,
    ...chooseTemplate("Order update · Spanish"),
    keepStep,
    closed,
    see(".o_waba_steps .o_waba_step:contains('Order update')"),
    newStep,
    ...select("kind", "Create an activity"),
    edit("summary", "Call them"),
    keepStep,
    closed,
    see(".o_waba_steps .o_waba_step:contains('Call them')"),
    click("the first step", ".o_waba_flow_box:contains('1. Send')"),
    click("a branch", ".modal .o_field_widget[name=branch_ids] .o_field_x2many_list_row_add a"),
    ...select("kind", "Reply contains", ".modal .o_selected_row"),
    {
        content: "the word",
        trigger: ".modal .o_selected_row [name=words] input",
        run: "edit quiero",
    },
    ...select("goes_to", "2. Activity: Call them", ".modal .o_selected_row"),
    click("outside of the list", ".modal .modal-title"),
    see(".modal p:contains('A reply that meets one does not stop the follow-up')"),
    ...select("goes_to", "End", ".modal .o_inner_group"),
    keepStep,
    closed,
    see(".o_waba_step_ways:contains('Reply contains: “quiero” → 2. Activity: Call them')"),
    see(".o_waba_flow_way:contains('Otherwise')"),
    button("Start…"),
    click("these too", ".modal .o_field_widget[name=who] input[data-value=all]"),
    see(".modal p:contains('Leads enrolled now: 1')"),
    inDialog("Start"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Running')"),
    see(".o_waba_flow_box:contains('1. Send'):contains('1 waiting')"),
]);

addTour("waba_see_which_way_it_went", () => [
    see(".o_waba_flow_box:contains('1. Send'):contains('1 reached'):contains('1 replied')"),
    see(".o_waba_flow_box:contains('2. Activity'):contains('1 reached')"),
    see(".o_waba_flow_way:contains('1 · Reply contains')"),
]);

addTour("waba_follow_ups_on_a_phone", () => [
    see(".o_kanban_record:contains('Sofa for room 1'):contains('1 of 2: Send “Order update')"),
    click("open it", ".o_kanban_record:contains('Sofa for room 1')"),
    see(".o_form_view .o_field_widget[name=why_text]:contains('Wait 2 days')"),
]);
