import {
    Component,
    markup,
    onMounted,
    onWillDestroy,
    useEffect,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { deepCopy } from "@web/core/utils/objects";
import { useBus, useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { BuilderButtons } from "./builder_buttons";
import { BuilderCards } from "./builder_cards";
import { BuilderFindings } from "./builder_findings";
import { BuilderMedia } from "./builder_media";
import { BuilderText } from "./builder_text";
import { FieldDialog } from "./field_dialog";
import { HEADERS, LAYOUTS, SOURCES, direction, freeName } from "./builder_words";

const MODEL = "waba.template.draft";
/** What the builder itself edits; the other fields have widgets of Odoo's. */
const CONTENT = {
    layout: "selection",
    header_type: "selection",
    header_text: "char",
    header_media_id: "many2one",
    header_handle: "char",
    body: "text",
    footer: "char",
    buttons: "json",
    cards: "json",
    variables: "json",
    offer_text: "char",
    offer_expires: "boolean",
};
const BESIDE = ["title", "name", "language", "category", "parameter_format", "account_id"];
const TYPING_PAUSE = 250;
const AUTOSAVE_PAUSE = 2000;
const VARIABLE = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;

/** The editor of a template with the phone beside it. What is typed shows at once and is saved. */
export class TemplateBuilder extends Component {
    static template = "waba_campaign.TemplateBuilder";
    static components = {
        BuilderButtons,
        BuilderCards,
        BuilderFindings,
        BuilderMedia,
        BuilderText,
        Dropdown,
        DropdownItem,
    };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.bus = useService("bus_service");
        this.layouts = LAYOUTS;
        this.sources = SOURCES;
        this.keepLast = new KeepLast();
        this.pending = {};
        this.sampleId = 0;
        this.state = useState({
            content: {},
            html: "",
            findings: [],
            variables: {},
            limits: {},
            optOut: { text: "", index: -1 },
            origin: false,
            cost: "",
            sampleName: "",
            saving: "",
            conflict: "",
        });
        useRecordObserver((record) => void this.follow(record));
        this.followServer();
        this.languageMenu = useDropdownState();
        onMounted(() => this.props.record.context.show_language_menu && this.languageMenu.open());
        const { model } = this.props.record;
        useBus(model.bus, "NEED_LOCAL_CHANGES", ({ detail }) => detail.proms.push(this.flush()));
        useBus(model.bus, "WILL_SAVE_URGENTLY", () => this.flush());
        useBus(model.bus, "WABA_DRAFT_CONFLICT", ({ detail }) => this.showConflict(detail));
        onWillDestroy(() => {
            browser.clearTimeout(this.typing);
            browser.clearTimeout(this.autosave);
        });
    }

    // ---- values -------------------------------------------------------------------------------

    follow(record) {
        const names = [...Object.keys(CONTENT), ...BESIDE];
        const values = Object.fromEntries(names.map((name) => [name, record.data[name]]));
        const asked = JSON.stringify([record.resId, values]);
        if (asked === this.asked) {
            return;
        }
        this.asked = asked;
        const content = Object.fromEntries(
            Object.keys(CONTENT).map((name) => [name, values[name]])
        );
        Object.assign(this.state.content, deepCopy(content), this.pending);
        this.look();
        if (record.dirty) {
            this.planAutosave();
        }
    }

    get isReadonly() {
        return this.props.readonly;
    }

    get content() {
        return this.state.content;
    }

    /** Changes values at once here, and in the form as soon as the user pauses. */
    set(values) {
        Object.assign(this.state.content, values);
        Object.assign(this.pending, values);
        browser.clearTimeout(this.typing);
        this.typing = browser.setTimeout(() => this.flush(), TYPING_PAUSE);
    }

    async flush() {
        browser.clearTimeout(this.typing);
        const values = this.pending;
        if (Object.keys(values).length) {
            this.pending = {};
            await this.props.record.update(deepCopy(values));
        }
    }

    planAutosave() {
        browser.clearTimeout(this.autosave);
        if (!this.state.conflict && this.props.record.isInEdition) {
            this.autosave = browser.setTimeout(() => this.save(), AUTOSAVE_PAUSE);
        }
    }

    /** Saves; a refusal is shown here and never loses what was typed. */
    async save() {
        const { record } = this.props;
        await this.flush();
        if (this.state.conflict || (!record.dirty && record.resId)) {
            return Boolean(record.resId);
        }
        this.state.saving = _t("Saving…");
        const saved = await record.save({
            onError: (error) => {
                if (error.data?.name?.endsWith("EditConflict")) {
                    this.showConflict(error.data.message);
                } else {
                    this.state.saving = error.data?.message || _t("Not saved: no connection.");
                }
                return false;
            },
        });
        if (saved) {
            this.state.saving = _t("Saved");
        }
        return saved;
    }

    // ---- what the server says -----------------------------------------------------------------

    get formValues() {
        const { data } = this.props.record;
        const id = (value) => (value && typeof value === "object" ? value.id : value);
        return {
            ...Object.fromEntries(BESIDE.map((name) => [name, id(data[name])])),
            ...deepCopy({ ...this.state.content }),
            header_media_id: id(this.content.header_media_id),
        };
    }

    /** Preview and findings of what stands in the form; only the newest answer is shown. */
    async look() {
        const { resId } = this.props.record;
        const data = await this.keepLast.add(
            this.orm.silent.call(MODEL, "builder_data", [resId || false, this.formValues])
        );
        Object.assign(this.state, {
            html: markup(data.html),
            findings: data.findings,
            variables: data.variables,
            limits: data.limits,
            optOut: data.opt_out,
            origin: data.origin,
            cost: data.cost,
        });
    }

    followServer() {
        const onNotified = ({ id, version, user_id, user: name }) => {
            const { record } = this.props;
            if (id !== record.resId || user_id === user.userId) {
                return;
            }
            const isNewer = version > record.data.edit_version;
            if (!record.dirty && !Object.keys(this.pending).length) {
                record.load();
            } else if (isNewer) {
                this.showConflict(
                    _t("%s saved this template just now. Your text is still on this page.", name)
                );
            }
        };
        this.bus.subscribe(MODEL, onNotified);
        onWillDestroy(() => this.bus.unsubscribe(MODEL, onNotified));
        useEffect(
            (id) => {
                const channel = id && `${MODEL}_${id}`;
                if (channel) {
                    this.bus.addChannel(channel);
                    return () => this.bus.deleteChannel(channel);
                }
            },
            () => [this.props.record.resId]
        );
    }

    showConflict(message) {
        browser.clearTimeout(this.autosave);
        this.state.saving = "";
        this.state.conflict = message;
    }

    async showTheirs() {
        const { record } = this.props;
        this.pending = {};
        this.state.conflict = "";
        await record.discard();
        await record.load();
    }

    /** What the other person saved is kept in the chatter, then replaced. */
    async keepMine() {
        const { record } = this.props;
        const version = await this.orm.call(MODEL, "builder_overwrite", [record.resId]);
        record.model.wabaDraftVersion = version;
        this.state.conflict = "";
        await this.save();
    }

    // ---- findings and languages ---------------------------------------------------------------

    findingsAt(...places) {
        return this.state.findings.filter((finding) => places.includes(this.placeOf(finding)));
    }

    /** A missing way out is best said where the button for it is. */
    placeOf({ key, place }) {
        const isAboutButtons = key === "no_way_out" && this.content.layout !== "carousel";
        return isAboutButtons ? "buttons" : place;
    }

    originalAt(place) {
        const { origin } = this.state;
        const text = origin && origin.texts[place];
        return text ? { language: origin.language, text } : undefined;
    }

    get findingCounts() {
        const count = (wanted) =>
            this.state.findings.filter(
                ({ key, level }) => level === wanted && !/_(missing|few)$/.test(key)
            ).length;
        return { error: count("error"), warning: count("warning") };
    }

    get isComplete() {
        const { state, is_changed } = this.props.record.data;
        const isSubmitted = !["draft", "unconfirmed"].includes(state) && !is_changed;
        return this.state.html && !isSubmitted && !this.state.findings.some(({ level }) => level === "error");
    }

    get family() {
        const { record } = this.props;
        return (record.data.family || []).map((line) => ({
            ...line,
            isHere: line.model === MODEL && line.id === record.resId,
        }));
    }

    get otherLanguages() {
        const known = this.family.map(({ language }) => language);
        return this.props.record.fields.language.selection.filter(
            ([code]) => !known.includes(code) && code !== this.props.record.data.language
        );
    }

    get dir() {
        return direction(this.props.record.data.language || "en");
    }

    async open(action) {
        await this.action.doAction(
            { ...action, views: [[false, "form"]] },
            { stackPosition: "replaceCurrentAction" }
        );
    }

    async switchTo({ id, model, isHere }) {
        if (isHere || !(await this.save())) {
            return;
        }
        await this.open(
            model === MODEL
                ? { type: "ir.actions.act_window", res_model: MODEL, res_id: id }
                : await this.orm.call(model, "action_edit_draft", [[id]])
        );
    }

    async addLanguage(code) {
        if (await this.save()) {
            const { resId } = this.props.record;
            await this.open(await this.orm.call(MODEL, "action_add_language", [[resId], code]));
        }
    }

    // ---- parts --------------------------------------------------------------------------------

    get headers() {
        const media = ["none", "image", "video"];
        return this.content.layout === "offer"
            ? HEADERS.filter(([key]) => media.includes(key))
            : HEADERS;
    }

    get hasMedia() {
        return ["image", "video", "document"].includes(this.content.header_type);
    }

    get media() {
        const { header_media_id, header_handle } = this.content;
        return { id: header_media_id?.id, name: header_media_id?.display_name, handle: header_handle };
    }

    setMedia({ id, name }) {
        this.set({ header_media_id: id ? { id, display_name: name } : false, header_handle: false });
    }

    /** The id of the saved draft, which files belong to. */
    async ensureSaved() {
        await this.save();
        return this.props.record.resId;
    }

    setCards(change) {
        this.set({ cards: change([...(this.content.cards || [])]) });
    }

    // ---- variables ----------------------------------------------------------------------------

    linesOf(place) {
        return this.state.variables[place] || [];
    }

    get ownVariables() {
        return ["header", "body"].flatMap((place) =>
            this.linesOf(place).map((line) => ({ ...line, place }))
        );
    }

    sourceLabel({ source, field_path }) {
        const found = this.sources.find(({ key }) => key === source);
        return source === "field" ? field_path : found ? found.label : source;
    }

    setVariable(place, name, values) {
        const variables = deepCopy({ ...this.content.variables });
        variables[place] = { ...variables[place] };
        variables[place][name] = { ...variables[place][name], ...values };
        this.set({ variables });
    }

    /** The placeholder of a new variable, whose source campaigns will use. */
    async pickSource(place, source, text) {
        let { name } = source;
        const line = { source: source.key };
        if (source.key === "field") {
            const found = await this.askField();
            if (!found) {
                return "";
            }
            line.field_path = found.path;
            name = found.path.split(".").filter((part) => part !== "name").at(-1) || "name";
            name = name.replace(/_id$/, "").replace(/[^a-z0-9_]/g, "_");
        }
        const names = [...text.matchAll(VARIABLE)].map((match) => match[1]);
        const isNamed = this.props.record.data.parameter_format === "named";
        const numbers = names.map(Number).filter(Boolean);
        name = isNamed ? freeName(name, names) : String(Math.max(0, ...numbers) + 1);
        this.setVariable(place, name, line);
        return `{{${name}}}`;
    }

    async pickCardSource(index, source, text) {
        const names = [...text.matchAll(VARIABLE)].map((match) => match[1]);
        const before = { ...this.content.variables };
        const placeholder = await this.pickSource("body", source, text);
        const name = placeholder.replace(/[{}]/g, "");
        if (name && !names.includes(name)) {
            const card = this.content.cards[index];
            const line = this.content.variables.body[name];
            const body = { ...card.variables?.body, [name]: line };
            const cards = [...this.content.cards];
            cards[index] = { ...card, variables: { ...card.variables, body } };
            this.set({ cards, variables: before });
        }
        return placeholder;
    }

    askField() {
        return new Promise((resolve) => {
            this.dialog.add(
                FieldDialog,
                { resModel: "crm.lead", confirm: resolve },
                { onClose: () => resolve(false) }
            );
        });
    }

    /** Fills all samples from a lead, at each click from the next one. */
    async fillSamples() {
        const found = await this.orm.call(MODEL, "builder_samples", [
            this.props.record.resId || false,
            this.formValues,
            this.sampleId,
        ]);
        if (!found.record_id) {
            this.state.sampleName = _t("No lead with a name found.");
            return;
        }
        this.sampleId = found.record_id;
        this.state.sampleName = found.name;
        const variables = deepCopy({ ...this.content.variables });
        const cards = deepCopy([...(this.content.cards || [])]);
        for (const [place, samples] of Object.entries(found.samples)) {
            const [, index, part] = place.match(/^card:(\d+)\.(.*)$/) || [];
            const target = part ? (cards[index].variables ||= {}) : variables;
            const key = part || place;
            target[key] = { ...target[key] };
            for (const [name, sample] of Object.entries(samples)) {
                target[key][name] = { ...target[key][name], sample };
            }
        }
        this.set({ variables, ...(cards.length ? { cards } : {}) });
    }
}

registry.category("view_widgets").add("waba_template_builder", {
    component: TemplateBuilder,
    fieldDependencies: [
        ...Object.entries(CONTENT).map(([name, type]) => ({
            name,
            type,
            readonly: false,
            onChange: true,
        })),
        { name: "family", type: "json" },
        { name: "edit_version", type: "integer" },
    ],
});
