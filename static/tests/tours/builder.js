import { addTour, button, click, inDialog, openMenu, see } from "./steps";

/** A picture of one pixel, which is enough for a sample. */
const PIXEL =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function write(name, text, within = "") {
    return {
        content: `${name}: ${text}`,
        trigger: `${within} .o_waba_builder_text[data-name='${name}'] :is(textarea, input)`,
        run: `edit ${text}`,
    };
}

function pick(what, opener, entry, within = "") {
    return [
        click(`open ${opener}`, `${within} ${opener}`),
        click(what, `.o-dropdown--menu ${entry}`),
    ];
}

const addButton = (kind, within) => pick(kind, ".o_waba_add_button", `[data-kind=${kind}]`, within);

function upload(within, name = "sofa.png", type = "image/png") {
    return {
        content: `upload ${name}`,
        trigger: `${within} .o_waba_upload`,
        run() {
            const input = this.anchor.querySelector("input[type=file]");
            const bytes = Uint8Array.from(atob(PIXEL), (one) => one.charCodeAt(0));
            const files = new DataTransfer();
            files.items.add(new File([bytes], name, { type }));
            input.files = files.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        },
    };
}

const phone = (text) => see(`.o_waba_builder_phone .o_waba_phone:contains('${text}')`, text);

const newTemplate = (title) => [
    ...openMenu("Templates", "Templates"),
    click("new template", ".o_control_panel button:contains(/^New template$/)"),
    {
        content: "the title",
        trigger: ".o_field_widget[name=title] input",
        run: `edit ${title}`,
    },
];


const submit = (state) => [
    button("Submit…"),
    see(".modal .o_waba_bubble", "what is submitted"),
    see(".modal li:contains('once in 24 hours')", "how often it can be edited"),
    inDialog("Submit"),
    see("body:not(:has(.modal))", "it is closed"),
    see(`.o_field_widget[name=state]:contains('${state}')`, state),
];

addTour("waba_builder_image_and_buttons", () => [
    ...newTemplate("Sofas in winter"),
    click("image", "[data-header=image]"),
    see("[data-key=header_sample]", "a sample is missing"),
    upload(".o_waba_builder_header", "sofa.gif", "image/gif"),
    see(".o_waba_upload_problem:contains('sofa.gif was not uploaded')", "the wrong kind of file"),
    upload(".o_waba_builder_header"),
    see(".o_waba_builder_header .o_waba_media_file:contains('sofa.png')", "the file"),
    see(".o_waba_builder_header:not(:has([data-key=header_sample]))", "nothing is missing"),
    see(".o_waba_builder_phone .o_waba_picture", "the picture on the phone"),
    write("body", "Hola "),
    ...pick("first name", ".o_waba_add_variable", ".dropdown-item:contains('First name')", ".o_waba_builder_body"),
    see("[data-key=variable_edge]", "a variable at the end is an error while typing"),
    write("body", "Hola {{first_name}}, esta semana todos los sofás tienen un 20 % menos en la tienda."),
    see(".o_waba_builder_body:not(:has([data-key=variable_edge]))", "and goes as it is repaired"),
    see("[data-key=sample_missing]", "a sample is missing"),
    click("from a lead", ".o_waba_fill_samples"),
    phone("Hola Anab, esta semana"),
    see(".o_waba_builder_body .o_waba_counter:contains('/ 1,024')", "the counter"),
    write("footer", "Muebles Roble"),
    phone("Muebles Roble"),
    ...addButton("url"),
    write("label0", "Ver sofás"),
    write("url0", "https://demo-store.example/sofas"),
    phone("Ver sofás"),
    ...addButton("phone_number"),
    write("label1", "Llamar"),
    write("phone_number1", "+34600000001"),
    click("opt-out", ".o_waba_opt_out"),
    see(".o_waba_builder_button[data-index='2'][data-kind=quick_reply]", "the opt-out button"),
    click("the opt-out button is moved up", "[data-index='2'] .o_waba_up"),
    see("[data-index='1'][data-kind=quick_reply]", "it is the second"),
    click("and down", "[data-index='1'] .o_waba_down"),
    see(".o_waba_ready", "nothing to fix"),
    ...submit("In review"),
    see(".alert:contains('is reviewing this template')"),
]);

addTour("waba_builder_carousel", () => [
    ...newTemplate("Three rooms"),
    click("carousel", "[data-layout=carousel]"),
    write("body", "Estas son las ofertas de la semana en nuestra tienda."),
    click("a card", ".o_waba_add_card"),
    ...addButton("url", "[data-index='0'].o_waba_builder_card"),
    write("label0", "Ver", ".o_waba_builder_card[data-index='0']"),
    write("url0", "https://demo-store.example/salon", ".o_waba_builder_card[data-index='0']"),
    write("card0", "El salón con un 20 % menos.", ".o_waba_builder_card[data-index='0']"),
    upload(".o_waba_builder_card[data-index='0']"),
    see(".o_waba_builder_card[data-index='0'] .o_waba_media_file:contains('sofa.png')"),
    see("[data-key=cards_few]", "one card is too few"),
    click("another card", ".o_waba_add_card"),
    see(".o_waba_builder_card[data-index='1'] [data-kind=url]", "it has the button of the first"),
    write("card1", "El comedor con un 10 % menos.", ".o_waba_builder_card[data-index='1']"),
    upload(".o_waba_builder_card[data-index='1']"),
    see(".o_waba_builder_card[data-index='1'] .o_waba_media_file:contains('sofa.png')"),
    see(".o_waba_ready", "nothing to fix"),
    ...submit("In review"),
]);

addTour("waba_builder_offer", () => [
    ...newTemplate("Two days only"),
    click("offer", "[data-layout=offer]"),
    write("offer", "¡Solo dos días!"),
    write("body", "Con este código tienes un 20 % menos en toda la tienda."),
    ...addButton("copy_code"),
    write("example0", "INVIERNO20"),
    ...addButton("url"),
    write("label1", "Comprar"),
    write("url1", "https://demo-store.example/oferta"),
    see(".o_waba_ready", "nothing to fix"),
    ...submit("In review"),
]);

addTour("waba_builder_right_to_left", () => [
    ...newTemplate("Winter in Hebrew"),
    write("body", "שלום {{first_name}}, השבוע יש הנחה בכל החנות."),
    see(".o_waba_builder_text[data-name=body] textarea[dir=rtl]", "written from the right"),
    see(".o_waba_builder_phone [dir=rtl] .o_waba_phone:contains('שלום')", "and shown so"),
    click("save", ".o_form_button_save"),
]);

addTour("waba_builder_repair", () => [
    ...openMenu("Templates", "Drafts"),
    click("the rejected one", ".o_data_row:contains('Winter offer') td[name=title]"),
    see(".o_waba_rejected:contains('Rejected: ')", "what happened"),
    write("body", "Hola, esta semana hay un descuento en toda la tienda de muebles."),
    see(".alert:contains('not submitted yet')", "it is not submitted"),
    ...submit("In review"),
]);

addTour("waba_builder_languages", () => [
    ...openMenu("Templates", "Drafts"),
    click("the Spanish one", ".o_data_row:contains('Winter offer') td[name=title]"),
    click("add", ".o_waba_add_language"),
    click("English", ".o_waba_language_menu [data-language=en]"),
    see(".o_waba_language.btn-primary[data-language=en]", "the new language"),
    see("[data-language=en]:contains('2 to translate')", "what is missing"),
    see("[data-name=body] .o_waba_original_text:contains('Hola')", "the Spanish text beside it"),
    write("body", "Hello, there is a discount in the whole shop this week."),
    click("the same word", "[data-name=label0] .o_waba_original button"),
    see(".o_waba_language.btn-primary:not(:has(.badge))", "all is translated"),
    click("back to Spanish", ".o_waba_language[data-language=es]"),
    see(".o_waba_language.btn-primary[data-language=es]", "the other language"),
    see(".o_waba_builder_text[data-name=body] textarea:value('Hola')", "its text"),
]);

addTour("waba_builder_untouched", () => [
    ...openMenu("Templates", "Templates"),
    click("new template", ".o_control_panel button:contains(/^New template$/)"),
    {
        content: "the tab is left",
        trigger: ".o_waba_builder_phone .o_waba_phone",
        run() {
            Object.defineProperty(document, "visibilityState", {
                value: "hidden",
                configurable: true,
            });
            document.dispatchEvent(new Event("visibilitychange"));
            delete document.visibilityState;
        },
    },
    click("menu", ".o_menu_sections button:contains(/^Templates$/)"),
    click("drafts", ".o-dropdown--menu a:contains(/^Drafts$/)"),
    see(".o_view_nocontent:contains('Write your first template')", "what an empty list says"),
]);

addTour("waba_builder_two_editors", () => [
    ...openMenu("Templates", "Drafts"),
    click("the draft", ".o_data_row:contains('Winter offer') td[name=title]"),
    write("body", "Hola, mi texto."),
    {
        content: "someone else saves",
        trigger: ".o_waba_builder",
        async run() {
            const id = Number(location.pathname.match(/(\d+)$/)[1]);
            const params = {
                model: "waba.template.draft",
                method: "write",
                args: [[id], { footer: "De otra persona" }],
                kwargs: {},
            };
            await fetch("/web/dataset/call_kw/waba.template.draft/write", {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ jsonrpc: "2.0", method: "call", params }),
            });
        },
    },
    write("body", "Hola, mi otro texto."),
    see(".o_waba_conflict:contains('saved this template')", "the second is told"),
    see(".o_waba_builder_text[data-name=body] textarea:value('mi otro texto')", "nothing is lost"),
    click("keep mine", ".o_waba_mine"),
    see("body:not(:has(.o_waba_conflict))", "it is saved"),
    see(".o-mail-Message:contains('De otra persona')", "and theirs is in the chatter"),
]);
