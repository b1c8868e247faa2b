import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { getDataURLFromFile } from "@web/core/utils/urls";
import { ACCEPTED } from "./builder_words";

/** Meta, media (2025-11): the largest file of each kind, in megabytes. */
const LARGEST = { image: 5, video: 16, document: 100 };

/** The sample file of a header: Meta reviews the template with it, and it is the default file. */
export class BuilderMedia extends Component {
    static template = "waba_campaign.BuilderMedia";
    static props = {
        kind: String,
        // {id, name, handle}
        media: Object,
        change: Function,
        ensureSaved: Function,
        isReadonly: { type: Boolean, optional: true },
    };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ problem: "", isBusy: false });
    }

    get accepted() {
        return ACCEPTED[this.props.kind];
    }

    get url() {
        return `/web/image/${this.props.media.id}`;
    }

    problemOf(file) {
        const kinds = this.accepted.split(",");
        if (!kinds.includes(file.type)) {
            const names = kinds.map((kind) => kind.split("/")[1].toUpperCase()).join(", ");
            return _t("%(file)s was not uploaded. WhatsApp accepts %(kinds)s here.", {
                file: file.name,
                kinds: names,
            });
        }
        const most = LARGEST[this.props.kind];
        if (file.size > most * 1024 * 1024) {
            return _t("%(file)s was not uploaded: it is larger than %(most)s MB.", {
                file: file.name,
                most,
            });
        }
        return file.size ? "" : _t("%s was not uploaded: the file is empty.", file.name);
    }

    async onFile(ev) {
        const [file] = ev.target.files;
        ev.target.value = "";
        if (!file) {
            return;
        }
        this.state.problem = this.problemOf(file);
        if (this.state.problem) {
            return;
        }
        this.state.isBusy = true;
        try {
            const resId = await this.props.ensureSaved();
            if (!resId) {
                return;
            }
            const url = await getDataURLFromFile(file);
            const [id] = await this.orm.create("ir.attachment", [
                {
                    name: file.name,
                    datas: url.split(",")[1],
                    mimetype: file.type,
                    res_model: "waba.template.draft",
                    res_id: resId,
                },
            ]);
            this.props.change({ id, name: file.name });
        } finally {
            this.state.isBusy = false;
        }
    }

    remove() {
        this.props.change({ id: false, name: "" });
    }
}
