import { Component, useEffect, useRef, useState } from "@odoo/owl";
import { useAutofocus } from "@web/core/utils/hooks";

/** Templates to choose from: name, category and first line, with a search over all three. */
export class TemplateList extends Component {
    static template = "waba_campaign.TemplateList";
    static props = {
        // [{id, name, category, category_name, text}]
        templates: Array,
        chosen: { optional: true },
        choose: Function,
        // As `choose`, for a double click: it is taken at once.
        take: { type: Function, optional: true },
    };
    static defaultProps = { take: () => {} };

    setup() {
        this.state = useState({ search: "" });
        useAutofocus({ refName: "search" });
        // One that is proposed may be far down.
        const list = useRef("list");
        useEffect(
            () => {
                list.el?.querySelector(".active")?.scrollIntoView({ block: "nearest" });
            },
            () => [this.props.chosen]
        );
    }

    get found() {
        const words = this.state.search.toLowerCase().split(/[\s_]+/).filter(Boolean);
        return this.props.templates.filter((template) => {
            const text = [template.name, template.text, template.category_name].join(" ");
            return words.every((word) => text.toLowerCase().includes(word));
        });
    }
}
