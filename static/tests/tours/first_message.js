import { rpc } from "@web/core/network/rpc";
import { stepUtils } from "@web_tour/tour_utils";
import {
    addTour, button, choose, chooseTemplate, click, edit, inDialog, see, upload, uploadInDialog,
} from "./steps";

const OPT_INS = `Phone,Topic,Action,Date,Evidence
+34611000001,Promotions,Opt-in,2026-11-03,Fair in Madrid
+34611000002,Promotions,Opt-in,2026-11-03,Fair in Madrid`;
const VISITORS = `Phone,Name
+34611000001,Ana Prueba
+34611000002,Luis Prueba`;

function step(key, state) {
    return `.o_waba_start_step[data-step=${key}][data-state=${state}]`;
}

function stepButton(key, text) {
    return click(text, `.o_waba_start_step[data-step=${key}] button:contains(/^${text}$/)`);
}

function menu(text) {
    return click(`menu ${text}`, `.o_menu_sections a:contains(/^${text}$/)`);
}

/**
 * A tour that stores how many clicks it took, for the test: every step that does something is one,
 * also the choice of a file and the click into a field that is then written into.
 */
function addCountedTour(name, steps) {
    addTour(name, () => {
        let clicks = 0;
        const counted = steps().map(({ run, ...rest }) => ({
            ...rest,
            ...(run && {
                async run(helpers) {
                    clicks += 1;
                    const [verb, ...words] = typeof run === "string" ? run.split(" ") : [];
                    await (verb ? helpers[verb](words.join(" ")) : run.call(this, helpers));
                },
            }),
        }));
        const store = {
            content: "store the count",
            trigger: "body",
            run: () =>
                rpc("/web/dataset/call_kw/ir.config_parameter/set_param", {
                    model: "ir.config_parameter",
                    method: "set_param",
                    args: [`clicks_of_${name}`, String(clicks)],
                    kwargs: {},
                }),
        };
        return [...counted, store];
    });
}

// From the empty database: a simulated account, opt-ins from a file, a test on its way.
addCountedTour("waba_first_hour", () => [
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
    upload(".o_control_panel .o_import_file", ".o_control_panel .o_input_file", "opt-ins.csv", OPT_INS),
    click("import", ".o_control_panel button:contains(/^Import$/)"),
    see(".o_notification:contains('records successfully imported')", "two opt-ins"),
    menu("Getting started"),
    see(step("opt_in", "done"), "opt-ins are on record"),
    stepButton("test", "Send test"),
    edit("phone", "+34 611 000 009"),
    inDialog("Send test"),
    see(".modal .o_waba_trip li[data-step=sent][data-state=waiting]", "it is queued"),
    inDialog("Close"),
]);

// The test has arrived: a list of visitors, and a campaign to them.
addCountedTour("waba_first_campaign", () => [
    see(step("test", "done"), "the test was delivered and reported"),
    menu("Campaigns"),
    click("audience from file", ".o_control_panel button:contains(/^Audience from file$/)"),
    uploadInDialog("visitors.csv", VISITORS),
    click("no opt-ins in it", ".modal [name=consent] label:contains(/^No opt-in on record$/)"),
    inDialog("Import"),
    see(".modal [name=summary]:contains('Rows imported: 2 of 2')", "two leads"),
    inDialog("Create campaign"),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^2$/)", "their audience"),
    ...chooseTemplate("Welcome back · English"),
    ...choose("sender_id", "600 000 001"),
    button("Launch"),
    see(".modal .o_waba_preflight_summary:contains('2 of 2 will receive it')", "the sum"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);

addCountedTour("waba_first_delivered", () => [
    see(".oe_stat_button:contains('Delivered') .o_stat_value:contains(/^2$/)", "they are delivered"),
]);
