import { addTour, click, openMenu, releaseNumber, see } from "./steps";

const CHOSEN = ".o_waba_card:has(.o_waba_card_select[aria-pressed=true])";
const SUSPECT = ".o_waba_suspect:contains('Last seats')";

addTour("waba_story_healthy", () => [
    ...openMenu("Reporting", "Reputation"),
    click("the number", ".o_waba_card_select:contains('+34')"),
    see(`${CHOSEN}:contains('+34'):contains('High'):contains('Healthy')`, "a healthy number"),
    see(".o_waba_page:not(:has(.o_waba_held)):not(:has(.o_waba_release))", "full speed"),
    see(".o_waba_page:not(:has(.o_waba_suspect))", "nobody is suspected"),
]);

addTour("waba_story_slowed", () => [
    ...openMenu("Reporting", "Reputation"),
    see(`${CHOSEN}:contains('+34'):contains('Medium'):contains('Watch')`, "the number in trouble"),
    see(`${CHOSEN} .o_waba_held:contains('Slowed')`, "what we did"),
    see(`${SUSPECT}:contains('Campaign')`, "the bad campaign is named"),
    see(".o_waba_response:contains('Review “Last seats” first')", "what to do next"),
    see("[data-certainty=aggregate]:contains('Template')", "the template fell too"),
]);

addTour("waba_story_released", () => [
    ...openMenu("Reporting", "Reputation"),
    see(`${CHOSEN}:contains('+34'):contains('Low')`, "the number is red"),
    see(`${CHOSEN} .o_waba_held:contains('Promotions on hold')`, "promotions wait"),
    see(SUSPECT, "the bad campaign is still named"),
    see(".o_waba_done:contains('Slowed'):contains('on hold')", "both answers are told"),
    ...releaseNumber(),
]);

addTour("waba_story_recovered", () => [
    ...openMenu("Reporting", "Reputation"),
    click("the number", ".o_waba_card_select:contains('+34')"),
    see(`${CHOSEN}:contains('+34'):contains('High'):contains('Not enough data')`, "a fresh start"),
    see(".o_waba_page:not(:has(.o_waba_held)):not(:has(.o_waba_release))", "full speed again"),
    see(".o_waba_done:contains('Resumed by a manager')", "how it came back"),
]);
