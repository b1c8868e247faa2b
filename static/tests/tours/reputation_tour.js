import { addTour, click, openMenu, releaseNumber, see } from "./steps";

/** The way back by the breadcrumb, with the filters as they were left. */
function back() {
    return [
        click("back to the dashboard", ".o_breadcrumb a:contains('Reputation'), .o_back_button"),
        see(".o_waba_page:not(.o_waba_loading)", "the dashboard"),
    ];
}

const CHOSEN = ".o_waba_card:has(.o_waba_card_select[aria-pressed=true])";

addTour("waba_read_reputation", () => [
    ...openMenu("Reporting", "Reputation"),
    // The number in trouble is looked at first: its state, both judgements, what was done.
    see(`${CHOSEN}:contains('+34 600 000 001'):contains('Medium'):contains('Watch')`, "the worst"),
    see(`${CHOSEN} .o_waba_held:contains('Slowed'):contains('Full speed returns')`),
    see(".o_waba_card:contains('Not enough data'):contains('37 of 200 messages')", "a thin one"),
    see(".o_waba_timeline canvas[aria-label*='Medium']", "the time, in words too"),
    see(".o_waba_suspect:first-child:contains('Last seats'):contains('opt-outs 1.7% of 700')"),
    see(".o_waba_response:contains('Review “Last seats” first'):contains('Slowed')"),
    see("[data-certainty=exact]:contains('12 × Opted out')", "what is sure"),
    see("[data-certainty=aggregate]:contains('Number quality rating')", "what is told in aggregate"),

    // Every figure leads to its rows.
    click("the people who opted out", ".o_waba_step_opted_out button:contains(/^12$/)"),
    see(".o_data_row:nth-child(12)", "12 messages"),
    ...back(),
    click("the campaign at its mark", ".o_waba_campaign_mark button:contains('Last seats')"),
    see(".o_form_view .o_breadcrumb:contains('Last seats')", "the campaign"),
    ...back(),

    // The month, kept over the way to the evidence and back.
    click("30 days", ".o_waba_filters button:contains('30 days')"),
    see(".o_waba_filters button[aria-pressed=true]:contains('30 days')"),
    see(".o_waba_campaign_mark:contains('Good offer')", "the older campaign's mark"),
    click("the evidence", "[data-certainty=exact] button:contains('Opted out')"),
    see(".o_list_view .o_data_row", "the evidence's list"),
    ...back(),
    see(".o_waba_filters button[aria-pressed=true]:contains('30 days')", "the period is kept"),

    // Another number, then all of them.
    click("the other number", ".o_waba_card_select:contains('+52')"),
    see(`${CHOSEN}:contains('+52')`),
    see(".o_waba_timeline:contains('Not enough data'):not(:has(canvas))", "said, not drawn"),
    click("the numbers", ".o_waba_number"),
    click("all numbers", ".o-dropdown-item:contains('All numbers')"),
    see(".o_waba_cards:not(:has([aria-pressed=true]))", "none chosen"),
    see(".o_waba_legend:contains('+52'):contains('+34')", "a line for each"),

    click("help", ".o_waba_help"),
    see(".modal:contains('Daily limits'):contains('Since')", "Meta's rules"),
    click("close the help", ".modal footer button:contains('Close')"),
    see("body:not(:has(.modal))", "it is closed"),
]);

addTour("waba_release_from_dashboard", () => [
    ...openMenu("Reporting", "Reputation"),
    see(`${CHOSEN} .o_waba_held:contains('Promotions on hold')`),
    ...releaseNumber(),
    see(".o_waba_page:not(:has(.o_waba_release))", "nothing left to release"),
]);

addTour("waba_fix_requirement", () => [
    ...openMenu("Reporting", "Reputation"),
    see("[data-key=email_alerts]:contains('Needs work'):contains('Off')"),
    click("its fix", "[data-key=email_alerts] .o_waba_fix"),
    click("the number's settings", ".o_notebook_headers a[name=response]"),
    click("switch the alerts on", ".o_field_widget[name=alert_email] input"),
    click("save", ".o_form_button_save:enabled"),
    see("body:not(:has(.o_form_dirty))", "it is saved"),
    ...back(),
    see(".o_waba_requirements:not(:has([data-key=email_alerts][data-status=needs_work]))"),
    click("what is compliant", ".o_waba_folded:has([data-status=compliant]) summary"),
    see("[data-key=email_alerts]:contains('Compliant'):contains('On')"),
]);

addTour("waba_print_reputation", () => [
    ...openMenu("Numbers"),
    click("the number", ".o_kanban_record:contains('+34')"),
    see(".o_form_view"),
    {
        content: "print it",
        trigger: ".o_form_view",
        async run() {
            const { action } = odoo.__WOWL_DEBUG__.root.env.services;
            const id = action.currentController.state?.resId || action.currentController.props.resId;
            await action.doAction("waba_campaign.action_report_reputation", {
                additionalContext: { active_id: id, active_ids: [id], active_model: "waba.sender" },
            });
        },
    },
    see(".o_notification:contains('wkhtmltopdf is missing')", "why it is no PDF"),
    see("iframe[src*='/report/html/waba_campaign.reputation_report']", "the report as a page"),
    see(":iframe body:contains('Day by day')", "its text"),
]);

addTour("waba_first_reputation", () => [
    ...openMenu("Reporting", "Reputation"),
    see(".o_waba_empty:contains('No messages in this period')"),
    click("a first campaign", ".o_waba_first_campaign"),
    see(".o_form_view .o_statusbar_status button.o_arrow_button_current:contains('Draft')"),
    ...back(),
]);

addTour("waba_connect_from_reputation", () => [
    ...openMenu("Reporting", "Reputation"),
    see(".o_waba_empty:contains('No number connected')"),
    click("connect", ".o_waba_connect"),
    see(".o_breadcrumb:contains('Getting started')", "the steps to connect"),
]);

addTour("waba_reputation_on_a_phone", () => [
    see(`${CHOSEN}:contains('Medium'):contains('Watch')`, "the card"),
    see(".o_waba_timeline canvas", "the chart"),
    {
        content: "nothing hangs over the edge",
        trigger: ".o_waba_page",
        run() {
            const screen = document.documentElement.clientWidth;
            const help = document.querySelector(".o_waba_help").getBoundingClientRect();
            const width = Math.max(this.anchor.scrollWidth, Math.ceil(help.right));
            if (width > screen) {
                throw new Error(`${width} pixels on a screen of ${screen}`);
            }
        },
    },
    click("day by day", ".o_waba_timeline summary"),
    see(".o_waba_timeline td[data-label]", "its rows"),
]);

addTour("waba_no_reputation_for_salespeople", () => [
    ...openMenu("Numbers"),
    click("what is theirs", ".o_menu_sections button:contains(/^Reporting$/)"),
    see(
        ".o-dropdown--menu:has([data-menu-xmlid$='.waba_menu_sender_reputation']):not(:has([data-menu-xmlid$='.waba_menu_reputation']))",
        "no such menu"
    ),
]);
