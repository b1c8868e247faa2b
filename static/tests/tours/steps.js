import { registry } from "@web/core/registry";
import { keyDown, keyUp } from "@odoo/hoot-dom";
import { stepUtils } from "@web_tour/tour_utils";

/**
 * A slow machine is no failure: every step waits a minute, where Odoo gives it ten seconds; and a
 * tour ends when nothing is left unsaved, because what a dialog has saved may show before it closes.
 */
export function addTour(name, steps) {
    const atRest = see("body:not(:has(.o_form_dirty))", "nothing is left unsaved");
    registry.category("web_tour.tours").add(name, {
        steps: () => [...steps(), atRest].map((step) => ({ timeout: 60000, ...step })),
    });
}

/** From anywhere to a menu of the app; `path` holds the texts of the menu entries. */
export function openMenu(...path) {
    return [
        ...stepUtils.goToAppSteps("waba_campaign.waba_menu_root", "open WhatsApp"),
        // A menu opened while the app's first screen still loads is closed by it.
        see(".o_breadcrumb:contains('Campaigns'), .o_breadcrumb:contains('Getting started')"),
        // An entry may be called as the menu that it stands in.
        ...path.map((text, depth) => ({
            content: `menu ${text}`,
            trigger: depth
                ? `.o-dropdown--menu a:contains(/^${text}$/)`
                : `.o_menu_sections a:contains(/^${text}$/), .o_menu_sections button:contains(/^${text}$/)`,
            run: "click",
        })),
        see(`.o_breadcrumb:contains('${path.at(-1)}')`),
    ];
}

/** Marks a kanban card as Odoo's users do: a click with Alt held down. */
export function markCard(text) {
    return {
        content: `mark the card ${text}`,
        trigger: `.o_kanban_record:contains('${text}')`,
        async run({ click }) {
            await keyDown("Alt");
            await click();
            await keyUp("Alt");
        },
    };
}

/** Opens the pipeline and marks these leads. */
export function markLeads(...names) {
    return [
        ...stepUtils.goToAppSteps("crm.crm_menu_root", "open the pipeline"),
        ...names.map(markCard),
    ];
}

/** Begins a campaign for the marked records, from their Actions menu. */
export function campaignForMarked() {
    return [
        {
            content: "open the Actions menu",
            trigger: ".o_cp_action_menus button:contains('Actions')",
            run: "click",
        },
        {
            content: "WhatsApp campaign",
            trigger: ".o-dropdown--menu .o_menu_item:contains('WhatsApp campaign')",
            run: "click",
        },
    ];
}

export function edit(field, value) {
    return {
        content: `${field}: ${value}`,
        trigger: `.o_field_widget[name=${field}] input, .o_field_widget[name=${field}] textarea`,
        run: `edit ${value}`,
    };
}

/** Writes into a many2one field and takes the entry that shows `entry`. */
export function choose(field, value, entry = value) {
    return [
        edit(field, value),
        {
            content: `take ${entry}`,
            trigger: `.o-autocomplete--dropdown-item a:contains('${entry}')`,
            run: "click",
        },
    ];
}

/** Chooses a template in the chooser; `name` is its name in plain words. */
export function chooseTemplate(name, field = "template_id") {
    const offered = `.o_waba_chooser [role=option]:contains('${name}')`;
    return [
        click(`choose ${field}`, `.o_field_widget[name=${field}] .o_waba_template_field`),
        click(`preview ${name}`, offered),
        see(".o_waba_chooser_preview .o_waba_bubble", "its preview"),
        click(`take ${name}`, ".o_waba_chooser_take:enabled"),
        see(`.o_field_widget[name=${field}]:contains('${name}')`, "it is chosen"),
    ];
}

/** Writes into a cell of the variables' list; `row` counts from 1. */
export function editVariable(row, field, value) {
    return [
        {
            content: `open variable ${row}`,
            trigger: `.o_field_widget[name=variable_ids] .o_data_row:nth-child(${row}) td[name=${field}]`,
            run: "click",
        },
        {
            content: `variable ${row}: ${value}`,
            trigger: `.o_field_widget[name=variable_ids] .o_selected_row:nth-child(${row}) [name=${field}] input`,
            run: `edit ${value}`,
        },
    ];
}

export function button(text) {
    return {
        content: `press ${text}`,
        trigger: `.o_form_view button:enabled:contains(/^${text}$/)`,
        run: "click",
    };
}

/** A button at the foot of a dialog. */
export function inDialog(text) {
    return {
        content: `press ${text}`,
        trigger: `.modal footer button:enabled:contains(/^${text}$/)`,
        run: "click",
    };
}

export function see(trigger, content = trigger) {
    return { content: `see ${content}`, trigger };
}

export function click(content, trigger) {
    return { content, trigger, run: "click" };
}

/** Chooses a file where `trigger` shows that one can be; `input` is the element that takes it. */
export function upload(trigger, input, name, text) {
    return {
        content: `upload ${name}`,
        trigger,
        run() {
            const element = document.querySelector(input);
            const data = new DataTransfer();
            data.items.add(new File([text], name, { type: "text/csv" }));
            element.files = data.files;
            element.dispatchEvent(new Event("change", { bubbles: true }));
        },
    };
}

export function uploadInDialog(name, text) {
    const field = ".modal .o_field_widget[name=file]";
    return upload(`${field} .o_select_file_button`, `${field} input[type=file]`, name, text);
}

/** On the reputation dashboard: a manager lets the number go on, and says why. */
export function releaseNumber() {
    return [
        click("release", ".o_waba_release"),
        {
            content: "the reason",
            trigger: ".modal .o_field_widget[name=reason] textarea, .modal .o_field_widget[name=reason] input",
            run: "edit The bought list is deleted.",
        },
        click("confirm", ".modal footer button[name=action_confirm]"),
        see("body:not(:has(.modal))", "it is closed"),
        see(".o_waba_done:contains('Resumed by a manager')", "it is told at once"),
    ];
}
