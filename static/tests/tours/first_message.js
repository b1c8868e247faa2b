import { stepUtils } from "@web_tour/tour_utils";
import { addTour, button, campaignForMarked, choose, click, edit, inDialog, markCard, see } from "./steps";

/** What Odoo's jobs do between two tours costs no click. */
const MOST_CLICKS = 25;
const NUMBER = "+34 611 000 001";
const OPT_INS = `person_id,purpose,action,said_at,evidence
${NUMBER.replaceAll(" ", "")},promotions,opt-in,2026-11-03,Fair in Madrid
+34611000002,promotions,opt-in,2026-11-03,Fair in Madrid`;

function step(key, state) {
    return `.o_waba_start_step[data-step=${key}][data-state=${state}]`;
}

function stepButton(key, text) {
    return click(text, `.o_waba_start_step[data-step=${key}] button:contains(/^${text}$/)`);
}

function uploadFile(name, text) {
    return {
        content: `upload ${name}`,
        trigger: ".o_control_panel .o_import_file",
        run() {
            const input = document.querySelector(".o_control_panel .o_input_file");
            const data = new DataTransfer();
            data.items.add(new File([text], name, { type: "text/csv" }));
            input.files = data.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        },
    };
}

/** From the empty database: a simulated account, opt-ins from a file, a test on its way. */
const prepare = () => [
    ...stepUtils.goToAppSteps("waba_campaign.waba_menu_root", "open WhatsApp"),
    see(".o_waba_start h1:contains('0 of 6')", "nothing is done yet"),
    see(step("campaign", "waiting"), "what comes later waits"),
    click("try without Meta", ".o_waba_try"),
    see(".modal:contains('Nothing is sent to anyone')", "what is simulated"),
    inDialog("Start simulation"),
    see(step("connect", "done"), "connected"),
    see(step("number", "done")),
    see(step("template", "done")),
    stepButton("opt_in", "Import a file"),
    uploadFile("opt-ins.csv", OPT_INS),
    click("import", ".o_control_panel button:contains(/^Import$/)"),
    see(".o_notification:contains('records successfully imported')", "two opt-ins"),
    click("back to getting started", ".o_menu_sections a:contains(/^Getting started$/)"),
    see(step("opt_in", "done"), "opt-ins are on record"),
    stepButton("test", "Send test"),
    edit("phone", "+34 611 000 009"),
    inDialog("Send test"),
    see(".modal .o_waba_trip li[data-step=sent][data-state=waiting]", "it is queued"),
];

/** The test has arrived; a lead, and a campaign to it. */
const launch = () => [
    see(step("test", "done"), "the test was delivered and reported"),
    ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
    click("new lead", ".o-kanban-button-new"),
    ...choose("partner_id", "Ana Prueba", "Create"),
    edit("phone", NUMBER),
    click("add it", ".o_kanban_quick_create .o_kanban_add"),
    markCard("Ana Prueba"),
    ...campaignForMarked(),
    ...choose("template_id", "welcome_back", "welcome_back (en)"),
    ...choose("sender_id", "600 000 001"),
    button("Launch"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
];

const follow = () => [
    see(".oe_stat_button:contains('Delivered') .o_stat_value:contains(/^1$/)", "it is delivered"),
];

function checkedClicks(steps) {
    const pressed = [...prepare(), ...launch(), ...follow()].filter(
        ({ run }) => run && !String(run).startsWith("edit")
    );
    if (pressed.length > MOST_CLICKS) {
        throw new Error(`${pressed.length} clicks to the first message, not ${MOST_CLICKS}`);
    }
    return steps();
}

addTour("waba_first_hour", () => checkedClicks(prepare));
addTour("waba_first_campaign", () => checkedClicks(launch));
addTour("waba_first_delivered", () => checkedClicks(follow));
