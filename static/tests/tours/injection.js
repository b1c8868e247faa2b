import { addTour, see } from "./steps";

const services = () => odoo.__WOWL_DEBUG__.root.env.services;

/** What hostile texts do when they are run; see tests/tours/test_injection.py. */
function checkNothingRan(where) {
    if (window.waba_ran || document.querySelector("iframe[srcdoc], base[href*=evil], img[src=x]")) {
        throw new Error(`a hostile text was run or became a part of the page: ${where}`);
    }
}

/** An image that cannot be had has told so: those of the page before it have too. */
async function afterOtherImages() {
    await new Promise((resolve) => {
        const image = new Image();
        image.onerror = resolve;
        image.src = "data:image/png;base64,AAAA";
    });
}

function open(name, action, shown) {
    return [
        { content: `open ${name}`, trigger: "body", run: async () => services().action.doAction(await action(), { clearBreadcrumbs: true }) },
        see(shown, `${name} is shown`),
        {
            content: `nothing ran in ${name}`,
            trigger: shown,
            async run() {
                await afterOtherImages();
                checkNothingRan(name);
            },
        },
    ];
}

function view(model, type) {
    const shown = { list: ".o_list_view .o_data_row", kanban: ".o_kanban_view .o_kanban_record:not(.o_kanban_ghost)" }[type];
    return open(
        `${model} ${type}`,
        () => ({ type: "ir.actions.act_window", name: `${model} ${type}`, res_model: model, views: [[false, type]], context: { active_test: false } }),
        shown
    );
}

function form(model, domain = []) {
    return open(
        `${model} form`,
        async () => {
            const [id] = await services().orm.search(model, domain, { limit: 1, order: "id desc" });
            return { type: "ir.actions.act_window", name: model, res_model: model, res_id: id, views: [[false, "form"]] };
        },
        ".o_form_view"
    );
}

const HOSTILE = ["name", "ilike", "waba_ran"];

addTour("waba_hostile_texts", () => [
    see(".o_navbar, .o_main_navbar", "the web client is there"),
    ...view("crm.lead", "kanban"),
    ...view("crm.lead", "list"),
    ...form("crm.lead", [HOSTILE]),
    see(".o-mail-Message:contains('onerror')", "its chatter shows the words"),
    ...view("res.partner", "kanban"),
    ...form("res.partner", [HOSTILE]),
    ...["list", "kanban"].flatMap((type) => view("waba.campaign", type)),
    ...form("waba.campaign", [HOSTILE]),
    ...view("waba.message", "list"),
    ...form("waba.message", [["direction", "=", "in"]]),
    ...form("waba.message", [["direction", "=", "out"]]),
    ...["list", "kanban"].flatMap((type) => view("waba.conversation", type)),
    ...form("waba.conversation"),
    see(".o_waba_bubble:contains('onerror'), .o_waba_conversation:contains('onerror')", "the words are in its bubbles"),
    ...view("waba.template", "list"),
    ...form("waba.template", [["name", "=", "autumn_offer"], ["language", "=", "es"]]),
    ...view("waba.sender", "list"),
    ...form("waba.sender", [["verified_name", "ilike", "waba_ran"]]),
    ...form("waba.account"),
    ...view("waba.recipient", "list"),
    ...form("waba.recipient", [HOSTILE]),
    ...view("waba.consent", "list"),
    ...view("waba.sequence", "list"),
    ...form("waba.sequence", [HOSTILE]),
    ...view("waba.sequence.enrollment", "list"),
    ...view("waba.auto.reply", "list"),
    ...view("waba.reputation.event", "list"),
    ...open("reputation dashboard", () => "waba_campaign.waba_reputation_dashboard_action", ".o_waba_page:not(.o_waba_loading)"),
    see(".o_waba_page[data-state]", "all of it: nothing is on its way any more"),
    {
        content: "what is run would be noticed",
        trigger: "body",
        async run() {
            const probe = document.createElement("div");
            probe.innerHTML = '<img src="data:image/png;base64,AAAA" onerror="window.waba_ran=1">';
            document.body.append(probe);
            await afterOtherImages();
            await new Promise((resolve) => setTimeout(resolve));
            probe.remove();
            if (!window.waba_ran) {
                throw new Error("the check notices nothing");
            }
        },
    },
]);
