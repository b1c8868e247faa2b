import { addTour, click, openMenu, see } from "./steps";

/** A step that waits for a graph of `label` on the screen and checks its values. */
function graph(label, content, check) {
    return {
        content,
        trigger: ".o_graph_renderer canvas",
        async run() {
            for (let attempt = 0; attempt < 100; attempt++) {
                const canvas = document.querySelector(".o_graph_renderer canvas");
                const { data, options } = (canvas && window.Chart.getChart(canvas)) || {};
                const values = data?.datasets.flatMap((dataset) => dataset.data) || [];
                if (options?.scales.y.title.text === label && check(values, data, options)) {
                    return;
                }
                await new Promise((resolve) => setTimeout(resolve, 100));
            }
            throw new Error(`${label}: not ${content}`);
        },
    };
}

function measure(label) {
    return [
        click("the measures", "button:contains(Measures)"),
        click(label, `.o-dropdown--menu .o_menu_item:contains(/^${label}$/)`),
    ];
}

addTour("waba_figures", () => [
    graph("Health score", "scores are not added, and days without one are gaps", (values, data, options) => {
        const known = values.filter((value) => value !== null && value !== undefined);
        return (
            data.labels.length >= 30 &&
            values.includes(null) &&
            known.every((score) => score > 0 && score <= 100) &&
            !options.scales.y.stacked
        );
    }),
    see(".o_graph_button[data-mode=bar]", "bars may be chosen"),
    see(".o_control_panel:not(:has(.o_graph_button[data-mode=pie]))", "a pie of scores may not"),
    ...measure("Sent"),
    graph("Sent", "days without messages sent none", (values) => values.includes(0)),
    see(".o_graph_button[data-mode=pie]", "a pie of messages may"),
    click("bars", ".o_graph_button[data-mode=bar]"),
    graph("Sent", "bars keep the days without messages", (_values, data) => data.labels.length >= 30),
    click("as a pivot", ".o_switch_view.o_pivot"),
    see(".o_pivot td:contains(/^–$/)", "no score"),
    see(".o_pivot td:contains('0.68%')", "of both numbers together"),
    ...openMenu("Reporting", "Message Analysis"),
    see(".o_pivot tr:contains('Nothing sent') td:contains(/^–$/)", "a rate of nothing"),
    see(".o_pivot tr:contains('No campaign')", "not None"),
]);
