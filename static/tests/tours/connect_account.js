import { addTour, button, edit, openMenu, see } from "./steps";

addTour("waba_connect_account", () => [
    ...openMenu("Configuration", "Accounts"),
    {
        content: "new account",
        trigger: ".o_list_button_add",
        run: "click",
    },
    edit("waba_uid", "200000000000002"),
    edit("app_uid", "300000000000001"),
    edit("access_token", "WRONG-TOKEN"),
    edit("app_secret", "tour-app-secret"),
    button("Connect"),
    see(".modal .alert-danger:contains('It does not work yet')", "the verdict on a wrong token"),
    see(".modal .o_data_row:contains('Stop'):contains('Access token'):contains('error 190')"),
    {
        content: "close the diagnosis",
        trigger: ".modal footer button:contains('Close')",
        run: "click",
    },
    see(".o_statusbar_status button.o_arrow_button_current:contains('Not connected')"),
    edit("access_token", "SIM-TOKEN"),
    button("Connect"),
    see(".modal .o_data_row:contains('Fine'):contains('Both WhatsApp permissions are there')"),
    see(".modal .o_data_row:contains('Fine'):contains('Demo Store Outlet')"),
    see(".modal .o_data_row:contains('Fine'):contains('+34 600 000 003')"),
    see(".modal .o_data_row:contains('Webhook subscription'):contains('this server')"),
    see(".modal:not(:has(.o_data_row:contains('Stop')))", "nothing marked Stop"),
    {
        content: "close the diagnosis",
        trigger: ".modal footer button:contains('Close')",
        run: "click",
    },
    see(".o_statusbar_status button.o_arrow_button_current:contains('Connected')"),
    {
        content: "the account's numbers",
        trigger: ".oe_stat_button:contains('Numbers')",
        run: "click",
    },
    see(".o_kanban_record:contains('+34 600 000 003'):contains('Active'):contains('High')"),
    ...openMenu("Templates"),
    see(".o_data_row:contains('autumn_offer'):contains('Approved')"),
]);
