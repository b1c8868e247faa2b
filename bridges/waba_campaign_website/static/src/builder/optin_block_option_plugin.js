import { onWillStart } from "@odoo/owl";
import { BaseOptionComponent } from "@html_builder/core/utils";
import { SNIPPET_SPECIFIC } from "@html_builder/utils/option_sequence";
import { Plugin } from "@html_editor/plugin";
import { withSequence } from "@html_editor/utils/resource";
import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

export class OptinBlockOption extends BaseOptionComponent {
    static template = "waba_campaign_website.OptinBlockOption";
    static selector = ".s_waba_optin";
    static dependencies = ["optinBlockOption"];

    setup() {
        super.setup();
        this.sources = [];
        onWillStart(async () => {
            this.sources = await this.dependencies.optinBlockOption.fetchSources();
        });
    }
}

class OptinBlockOptionPlugin extends Plugin {
    static id = "optinBlockOption";
    static shared = ["fetchSources"];
    resources = {
        builder_options: [withSequence(SNIPPET_SPECIFIC, OptinBlockOption)],
        on_snippet_dropped_handlers: this.onSnippetDropped.bind(this),
    };

    fetchSources() {
        this.sources ??= rpc("/waba/website/sources");
        return this.sources;
    }

    async onSnippetDropped({ snippetEl }) {
        if (snippetEl.matches(OptinBlockOption.selector) && !snippetEl.dataset.source) {
            const [source] = await this.fetchSources();
            if (source) {
                snippetEl.dataset.source = source.key;
            }
        }
    }
}

registry.category("website-plugins").add(OptinBlockOptionPlugin.id, OptinBlockOptionPlugin);
