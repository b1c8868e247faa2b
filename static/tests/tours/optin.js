import { addTour, click, edit, openMenu, see } from "./steps";

addTour("waba_create_optin_page", () => [
    ...openMenu("Consent", "Opt-in Sources"),
    click("new", ".o_list_button_add, .o-kanban-button-new"),
    edit("name", "Muebles club"),
    click("a page", ".o_field_widget[name=kind] .o_selection_badge:contains(/^Opt-in page$/)"),
    click("its texts", ".o_notebook .nav-link:contains(/^Page and poster$/)"),
    edit("headline", "Offers first"),
    edit("frequency", "About twice a month"),
    click("save", ".o_form_button_save"),
    see(".o_field_widget[name=page_url]:contains('/waba/optin/offers-first')"),
    see(".o_field_widget[name=qr_png_url] img", "its QR code"),
]);

addTour("waba_optin_results", () => [
    see("button[name=action_view_conversations] .o_stat_value:contains(/^1$/)", "a conversation"),
    click("the opt-ins", "button[name=action_view_opt_ins]:contains('1')"),
    see(".o_data_row:contains('Form'):contains('Muebles club')", "the entry with its evidence"),
]);
