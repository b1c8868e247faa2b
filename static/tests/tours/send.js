import { addTour, click, see } from "./steps";

addTour("waba_send_a_quotation", () => [
    {
        isActive: ["mobile"],
        content: "the other buttons",
        trigger: ".o_statusbar_buttons button[title=More]",
        run: "click",
    },
    click("send it by WhatsApp", "button[name=action_waba_send]"),
    see(".o_waba_send .o_waba_phone:contains('.pdf')", "the quotation in the preview"),
    click("send", ".o_waba_send_button:enabled"),
    see(".o_notification:contains('1 WhatsApp message queued.')", "that it is on its way"),
    see(".o-mail-Message:contains('WhatsApp to')", "its note"),
]);

addTour("waba_send_from_the_pipeline", () => [
    click("send a template", ".o_kanban_record:contains('Sofa for room 1') .o_waba_card_button"),
    see(".o_waba_send .o_waba_phone", "the template that was sent last"),
    {
        content: "Enter sends",
        trigger: ".o_waba_send_button:enabled:focus",
        run: "press Enter",
    },
    see(".o_notification:contains('1 WhatsApp message queued.')", "that it is on its way"),
]);
