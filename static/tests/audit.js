/**
 * The code of tests/tours/test_accessibility.py: opens screens one after another in the web client
 * and collects what axe-core finds there, and texts that do not fit.
 *
 * In front of it stand axe-core, `SCREENS` = [{name, action, click}], `ODOOS_OWN`, patterns of
 * findings in what Odoo draws on every screen, and whether axe-core is to `READ` them.
 */
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const PATIENCE = 60_000;
// Texts that must be whole: what is cut there cannot be read anywhere else.
const WHOLE = ".btn, .nav-link, .o_form_label, .o_stat_text, .o_stat_value, h1, h2, h3, .badge, .alert";

async function until(what, condition) {
    for (let waited = 0; waited < PATIENCE; waited += 200) {
        if (condition()) {
            return;
        }
        await sleep(200);
    }
    throw new Error(`${what}: not within ${PATIENCE} ms`);
}

const isBusy = () =>
    // The reputation page spins as long as it counts, which takes a job.
    document.querySelector(".o_loading_indicator, .o_blockUI, .fa-spin:not(.o_waba_page *)") ||
    !document.querySelector(".o_action_manager > .o_action, .modal .o_form_view") ||
    [...document.images].some((image) => !image.complete);

async function atRest(name) {
    let seen = "";
    await until(`${name} at rest`, () => {
        const isStill = !isBusy() && seen === document.body.innerHTML;
        seen = document.body.innerHTML;
        return isStill;
    });
}

/** An element and what it is in, in the terms of a style sheet. */
function describe(element) {
    const path = [];
    for (let part = element; part && part !== document.body && path.length < 4; part = part.parentElement) {
        path.unshift(part.tagName.toLowerCase() + (part.className.baseVal ?? part.className ?? "").toString()
            .split(/\s+/).filter(Boolean).slice(0, 3).map((name) => `.${name}`).join(""));
    }
    const ours = element?.closest(".o_waba, .o_waba_page") ? " (ours)" : "";
    return path.join(" > ") + ours;
}

function isVisible(element) {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility !== "hidden";
}

/** Texts wider than their element, and a page wider than the screen. */
function misfits() {
    const found = [...document.querySelectorAll(`.o_action_manager :is(${WHOLE}), .modal :is(${WHOLE})`)]
        .filter((element) => isVisible(element) && element.textContent.trim())
        .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
        .filter((element) => getComputedStyle(element).overflowX !== "visible")
        .map((element) => `cut: ${element.textContent.trim()} (${describe(element)})`);
    if (document.scrollingElement.scrollWidth > window.innerWidth + 1) {
        found.push("the page is wider than the screen");
    }
    return found;
}

async function violations() {
    const found = await axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
        resultTypes: ["violations"],
    });
    return found.violations
        .filter((violation) => ["serious", "critical"].includes(violation.impact))
        .flatMap((violation) =>
            violation.nodes.map((node) => {
                const where = describe(document.querySelector(node.target.flat().at(-1)));
                const reason = [...node.any, ...node.all, ...node.none][0]?.message ?? "";
                return `${violation.id} at ${where}: ${reason}`;
            })
        )
        .filter((finding) => !ODOOS_OWN.some((own) => finding.match(own)));
}

(async () => {
    const { action: actions } = odoo.__WOWL_DEBUG__.root.env.services;
    const found = [];
    for (const screen of SCREENS) {
        await actions.doAction(screen.action, { clearBreadcrumbs: true });
        await atRest(screen.name);
        for (const selector of screen.click ?? []) {
            await until(selector, () => document.querySelector(selector));
            document.querySelector(selector).click();
            await sleep(300);
            await atRest(screen.name);
        }
        found.push(...[...(READ ? await violations() : []), ...misfits()].map((one) => `${screen.name}: ${one}`));
        document.querySelector(".modal .btn-close")?.click();
        await until("the dialog closed", () => !document.querySelector(".modal"));
    }
    if (found.length) {
        throw new Error(`${found.length} findings\n${found.join("\n")}`);
    }
    console.log("audit passed");
})().catch((error) => console.error(`audit: ${error.message}`));
