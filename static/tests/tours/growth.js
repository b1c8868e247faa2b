import { addTour, click, openMenu, see } from "./steps";

addTour("waba_plan_growth", () => [
    ...openMenu("Reporting", "Growth Plan"),
    // State, why, what next.
    see(".o_waba_page[data-state=growing] .o_waba_headline:contains('people a day')"),
    see(".o_waba_target:contains('30 of 1,000 people delivered to, last 7 days')"),
    see(".o_waba_target:contains('Quality rating'):contains('High')"),
    see(".o_waba_ladder li[data-status=current]:contains('2,000 a day')", "today's level"),
    see(".o_waba_ladder li[data-status=next]:contains('Likely')", "the next level's dates"),
    see(".o_waba_growth_chart canvas[aria-label*='Delivered to 30']", "the days, in words too"),
    see(".o_waba_signal:contains('Sent a message'):contains('2')", "whom first"),

    click("the campaign for the warmest", ".o_waba_create:contains('warmest')"),
    see(".o_form_view .o_waba_options summary:contains('Warmest first')", "a new campaign"),
]);

const BLOCKED = [
    see(".o_waba_page[data-state=blocked] .o_waba_headline:contains('blocked by quality')"),
    see(".o_waba_page:not(:has(.o_waba_create))", "no campaign is proposed"),
    click("what to do", ".o_waba_improve"),
    see(".o_waba_reputation .o_waba_card", "the numbers"),
];

addTour("waba_growth_is_blocked", () => [...openMenu("Reporting", "Growth Plan"), ...BLOCKED]);

addTour("waba_growth_on_a_phone", () => BLOCKED);

addTour("waba_growth_without_portfolio", () => [
    see(".o_waba_page[data-state=no_portfolio] h2:contains('No daily limit yet')"),
    click("the way to one", ".o_waba_empty .btn-primary"),
    see(".o_breadcrumb:contains('Accounts')"),
]);
