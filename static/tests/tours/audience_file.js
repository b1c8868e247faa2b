import { addTour, button, chooseTemplate, choose, click, edit, inDialog, see, uploadInDialog } from "./steps";

/** Two good rows, of which one is a known lead's, a row twice, and one without a valid number. */
const VISITORS = `Teléfono;Nombre;Empresa
611 00 00 01;Ana Prueba;Muebles Prueba
+34 611 000 002;Luis Prueba;
611000001;Ana again;
12;Nobody;`;

addTour("waba_audience_from_file", () => [
    click("audience from file", ".o_control_panel button:contains(/^Audience from file$/)"),
    see(".modal a:contains('CSV template')", "a file to begin with"),
    uploadInDialog("visitors.csv", VISITORS),
    edit("tag_name", "Madrid fair"),
    edit("source", "Fair 2026"),
    click("no opt-ins in it", ".modal [name=consent] label:contains(/^No opt-in on record$/)"),
    inDialog("Import"),
    see(".modal [name=summary]:contains('Rows imported: 2 of 4. New records: 1. Existing: 1.')"),
    see(".modal [name=rejected]:contains('rejected-')", "the rows with errors, as a file"),
    inDialog("Create campaign"),
    see(".oe_stat_button:contains('Audience') .o_stat_value:contains(/^2$/)", "their audience"),
    edit("name", "After the fair"),
    ...chooseTemplate("Welcome back · English"),
    ...choose("sender_id", "600 000 001"),
    button("Launch"),
    see(".modal .o_waba_preflight_summary:contains('2 of 2 will receive it')", "the sum"),
    inDialog("Launch"),
    see(".o_statusbar_status button.o_arrow_button_current:contains('Preparing')"),
]);
