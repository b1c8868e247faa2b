import { _t } from "@web/core/l10n/translation";

const RIGHT_TO_LEFT = ["ar", "fa", "he", "ps", "prs", "ur"];

export const LAYOUTS = [
    ["standard", _t("Message")],
    ["carousel", _t("Carousel")],
    ["offer", _t("Limited-time offer")],
];
export const HEADERS = [
    ["none", _t("None")],
    ["text", _t("Text")],
    ["image", _t("Image")],
    ["video", _t("Video")],
    ["document", _t("Document")],
    ["location", _t("Location")],
];
/** What WhatsApp's review takes as a sample. */
export const ACCEPTED = {
    image: "image/jpeg,image/png",
    video: "video/mp4",
    document: "application/pdf",
};
/** Where campaigns take the value of a variable from, and the name it gets here. */
export const SOURCES = [
    { key: "first_name", label: _t("First name"), name: "first_name" },
    { key: "name", label: _t("Full name"), name: "full_name" },
    { key: "company", label: _t("Customer's company"), name: "company" },
    { key: "salesperson", label: _t("Salesperson"), name: "salesperson" },
    { key: "our_company", label: _t("Our company"), name: "our_company" },
    { key: "field", label: _t("Field…"), name: "" },
    { key: "text", label: _t("Fixed text"), name: "text" },
];

export const direction = (language) =>
    RIGHT_TO_LEFT.includes(language.split("_")[0]) ? "rtl" : "auto";

export function moved(list, from, to) {
    const rest = list.filter((_item, index) => index !== from);
    rest.splice(to, 0, list[from]);
    return rest;
}

/** `name`, or with a number behind it where it is taken. */
export function freeName(name, taken) {
    let free = name;
    for (let number = 2; taken.includes(free); number++) {
        free = `${name}_${number}`;
    }
    return free;
}
