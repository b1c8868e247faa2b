import { addTour, click, openMenu, see } from "./steps";

function tab(text) {
    return {
        content: `tab ${text}`,
        trigger: `.o_notebook_headers a:contains(/^${text}$/)`,
        run: "click",
    };
}

function card(text) {
    return {
        content: `card ${text}`,
        trigger: `.o_waba_money_card:contains('${text}')`,
        run: "click",
    };
}

addTour("waba_money", () => [
    tab("Cost and revenue"),
    see(".o_waba_money_card:contains('Cost'):contains('6 delivered: 6 charged')", "cost, its base"),
    see(".o_waba_money_card:contains('Replies'):contains('of 6 delivered')", "replies of delivered"),
    see(".o_waba_money_card:contains('Won leads'):contains('expected')", "won and its revenue"),
    see("p:contains('last touch')", "the rule"),
    card("Won leads"),
    see(".o_searchview_facet:contains('Won')", "the won leads alone"),
    see(".o_data_row:contains('Won')", "one of them"),
    click("open the lead", ".o_data_row:first td[name=lead_id]"),
    see(".o_form_view .o_breadcrumb, .o_form_view .ribbon, .o_lead_opportunity_form", "the lead"),
    ...openMenu("Reporting", "Cost and revenue"),
    see(".o_pivot table th:contains('Cost per reply')", "what a reply cost"),
    see(".o_pivot table th:contains('Cost known for')", "of how many messages"),
    see(".o_pivot table td, .o_pivot table th:contains('Test campaign')", "the campaign"),
    click("as a list", ".o_switch_view.o_list"),
    see(".o_list_view .o_data_row", "days and events"),
]);
