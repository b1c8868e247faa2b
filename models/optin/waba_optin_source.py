"""Opt-in: the sources of opt-ins: their texts and codes, links and QR codes, and their figures.

Edited by managers; read by the webhook (waba_optin_inbound.py) and by the public opt-in page.
"""

import base64
import secrets
from collections import defaultdict
from urllib.parse import quote

from markupsafe import Markup
from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ...policy import optin
from ...policy.plain_text import normalize_text
from ..tools.labels import NO_CAMPAIGN, NO_NUMBER, NO_TOPIC, list_action
from .qr_code import qr_image

# Those whose people begin by writing to a number of ours.
CHAT_KINDS = ("qr", "link", "page", "snippet")
# Those with a page of ours.
PAGE_KINDS = ("page", "snippet")
# What an entry of the consent log is said to come from.
CONSENT_SOURCES = {
    "qr": "reply", "link": "reply", "page": "form", "snippet": "form", "signup": "whatsapp",
    "file": "import",
}  # fmt: skip

MANAGER = "waba_campaign.waba_group_manager"

# The report's measures, shown on the source's form and list.
COUNTS = ("view_count", "form_count", "conversation_count", "opt_in_count", "opt_out_count",
          "lead_count", "won_count")  # fmt: skip


class WabaOptinSource(models.Model):
    """A way by which people opt in: a QR code, a link, an opt-in page, a list.

    People are recognized by the code at the end of the prefilled text, which opens in WhatsApp and
    which they may edit (policy/optin.py). An archived source is still recognized: its poster may
    still hang. Whether a message counts as an opt-in: `is_opt_in`, and the text as they left it.
    Entry points: `_find_named`, `_record_opt_in` (waba_optin_inbound.py).
    """

    _name = "waba.optin.source"
    _description = "WhatsApp Opt-in Source"
    _inherit = ["mail.thread", "utm.mixin", "waba.system.fields.mixin"]
    _order = "active desc, id desc"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    kind = fields.Selection(
        [
            ("qr", "QR code"),
            ("link", "Link"),
            ("page", "Opt-in page"),
            ("snippet", "Website button"),
            ("signup", "In-app signup"),
            ("file", "Imported list"),
        ],
        required=True,
        default="qr",
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    campaign_id = fields.Many2one(falsy_value_label=NO_CAMPAIGN)
    sender_id = fields.Many2one(
        "waba.sender",
        "Number",
        falsy_value_label=NO_NUMBER,
        check_company=True,
        index="btree_not_null",
        default=lambda self: self._default_sender_id(),
    )
    topic_id = fields.Many2one(
        "waba.topic",
        falsy_value_label=NO_TOPIC,
        check_company=True,
        ondelete="restrict",
        help="What people opt in to; empty: promotions in general.",
    )
    code = fields.Char(readonly=True, copy=False, help="Identifies the source in a message.")
    # Message
    text = fields.Char(
        "Prefilled text",
        translate=True,
        default=lambda self: self.env._("Yes, send me your offers"),
        help="Opens in WhatsApp, ready to send; the code is added.",
    )
    is_opt_in = fields.Boolean(
        "Counts as opt-in",
        default=True,
        help="Off: messages are only counted as conversations.",
    )
    message_text = fields.Char("Message", compute="_compute_addresses")
    # Evidence
    consent_text = fields.Text(
        "Consent wording",
        translate=True,
        tracking=True,
        default=lambda self: self._default_consent_text(),
        help="Shown next to the code or button, and kept as evidence with each opt-in.",
    )
    # Page and poster
    headline = fields.Char(
        translate=True,
        required=True,
        default=lambda self: self.env._("Our offers on WhatsApp"),
        help="Title of page and poster.",
    )
    intro = fields.Text("What they get", translate=True)
    frequency = fields.Char("How often", translate=True)
    is_indexed = fields.Boolean("Search engines", help="Let search engines list the page.")
    page_key = fields.Char(readonly=True, copy=False)
    # Signup
    signup_uid = fields.Char(
        "Signup ID", copy=False, help="Meta's ID of the signup; empty for all other signups."
    )
    # Addresses
    chat_url = fields.Char("WhatsApp link", compute="_compute_addresses")
    page_url = fields.Char("Page address", compute="_compute_addresses")
    qr_png_url = fields.Char(compute="_compute_addresses")
    embed_code = fields.Char("Embed code", compute="_compute_addresses")
    # Results
    view_count = fields.Integer("Page views", compute="_compute_counts")
    form_count = fields.Integer("Forms sent", compute="_compute_counts")
    conversation_count = fields.Integer("Conversations", compute="_compute_counts")
    opt_in_count = fields.Integer("Opt-ins", compute="_compute_counts")
    opt_out_count = fields.Integer(
        "Opted out later", compute="_compute_counts", help="Of those who opted in here."
    )
    lead_count = fields.Integer("Leads", compute="_compute_counts")
    won_count = fields.Integer("Won", compute="_compute_counts")
    revenue = fields.Monetary("Revenue won", compute="_compute_counts", groups=MANAGER)
    currency_id = fields.Many2one(related="company_id.currency_id")

    _code_uniq = models.UniqueIndex("(code) WHERE code IS NOT NULL")
    _page_key_uniq = models.UniqueIndex("(page_key) WHERE page_key IS NOT NULL")
    _signup_uniq = models.UniqueIndex(
        "(company_id, signup_uid) WHERE kind = 'signup' AND signup_uid IS NOT NULL",
        "Another source has this signup ID.",
    )

    @api.model
    def _default_sender_id(self):
        return self.env["waba.sender"].search([("company_id", "=", self.env.company.id)], limit=1)

    @api.model
    def _default_consent_text(self):
        return self.env._(
            "I agree to receive offers from %s on WhatsApp. I can opt out at any time by replying "
            "STOP.",
            self.env.company.name,
        )

    @api.depends("kind", "name", "code", "page_key", "text", "sender_id.number", "meta_url")
    def _compute_addresses(self):
        base = self.get_base_url()
        for source in self:
            is_chat = source.kind in CHAT_KINDS and source.code
            message = source._message_text() if is_chat else False
            page = f"{base}{source._page_path()}" if source._has_page() else False
            chat = source._chat_url(message) if message else False
            source.message_text = message
            source.page_url = page
            source.chat_url = (source.meta_url or chat) if not page else False
            source.qr_png_url = source._page_path("/qr/png") if is_chat else False
            source.embed_code = source._embed_code(page or source.chat_url) if is_chat else False

    def _compute_counts(self):
        report = self.env["waba.optin.report"].sudo()
        groups = report._read_group(
            [("optin_source_id", "in", self.ids)],
            ["optin_source_id"],
            [f"{name}:sum" for name in (*COUNTS, "revenue")],
        )
        found = {source.id: values for source, *values in groups}
        for source in self:
            values = found.get(source.id, [0] * (len(COUNTS) + 1))
            source.update(dict(zip((*COUNTS, "revenue"), values, strict=True)))

    @api.constrains("kind", "sender_id", "text", "is_opt_in", "consent_text")
    def _check_complete(self):
        for source in self:
            if why := source._incomplete_reason():
                raise ValidationError(why)

    def _incomplete_reason(self):
        """Why the source cannot work, as a sentence; False if it can."""
        self.ensure_one()
        if self.kind not in CHAT_KINDS:
            return False
        if not self.sender_id.number:
            return self.env._("Choose the number that people write to.")
        if not (self.consent_text or "").strip() and self.is_opt_in:
            return self.env._("Enter the consent wording that people see before they agree.")
        for text in self._texts()[self.id] or ("",):
            if not normalize_text(text):
                return self.env._("Enter the text that opens in WhatsApp.")
            if len(text) + len(self.code or "") + 3 > optin.MAX_TEXT:
                return self.env._(
                    "The prefilled text is too long. Shorten it to %s characters.",
                    optin.MAX_TEXT - optin.ONE_TIME_CODE - 3,
                )
            if self.is_opt_in and not optin.states_agreement(text):
                return self.env._(
                    "“%s” does not say that the person agrees. Begin it with “Yes, send me…”, or "
                    "turn off “Counts as opt-in”.",
                    text,
                )
        return False

    @api.model_create_multi
    def create(self, vals_list):
        sources = super().create(vals_list)
        for source in sources.sudo():
            source.write(
                {"code": new_code(optin.SOURCE_CODE), "page_key": secrets.token_urlsafe(9)}
            )
        return sources

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_unused(self):
        if self.env["waba.consent"].sudo().search_count(
            [("optin_source_id", "in", self.ids)], limit=1
        ):  # fmt: skip
            raise ValidationError(
                self.env._("This source is evidence of opt-ins. Archive it instead.")
            )

    # === Actions ===

    def action_open_page(self):
        """Open the public page, as people see it."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self.page_url, "target": "new"}

    def action_download_png(self):
        """Download the QR code for screens."""
        return self._download_qr("png")

    def action_download_svg(self):
        """Download the QR code for print."""
        return self._download_qr("svg")

    def _download_qr(self, kind):
        self.ensure_one()
        url = self._page_path(f"/qr/{kind}?download=1")
        return {"type": "ir.actions.act_url", "url": url, "target": "self"}

    def action_view_opt_ins(self):
        self.ensure_one()
        return list_action(self.env, "waba_consent_action", [("optin_source_id", "=", self.id)])

    def action_view_conversations(self):
        self.ensure_one()
        return list_action(self.env, "waba_message_action", [("optin_source_id", "=", self.id)])

    def action_view_leads(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_all_leads")
        domain = [("waba_optin_source_id", "=", self.id)]
        return {**action, "domain": domain, "context": {"active_test": False}}

    # === Texts, codes and addresses ===

    def _texts(self):
        """{id: its prefilled texts in all languages}."""
        self.flush_model(["text"])
        rows = self.env.execute_query(
            SQL("SELECT id, text FROM waba_optin_source WHERE id = ANY(%s)", self.ids)
        )
        return {id_: tuple(dict.fromkeys((texts or {}).values())) for id_, texts in rows}

    def _message_text(self, code=None):
        """The text that opens in WhatsApp, with its code or a one-time code."""
        return f"{(self.text or '').strip()} ({code or self.code})"

    def _chat_url(self, message):
        """The wa.me link that opens a chat with this message."""
        digits = (self.sender_id.sudo().number or "").lstrip("+")
        return f"https://wa.me/{digits}?text={quote(message)}"

    def _has_page(self):
        return self.kind in PAGE_KINDS and bool(self.page_key)

    def _page_path(self, suffix=""):
        slug = self.env["ir.http"]._slugify(self.headline or "") or "optin"
        return f"/waba/optin/{slug[:60]}.{self.page_key}{suffix}"

    def _embed_code(self, address):
        """HTML for any other site: a button that leads to the page or the chat."""
        style = (
            "display:inline-block;padding:12px 20px;border-radius:6px;background:#0b7a4b;"
            "color:#fff;font:600 16px sans-serif;text-decoration:none"
        )
        return str(
            Markup('<a href="%s" target="_blank" rel="noopener" style="%s">%s</a>')
            % (address, style, self.env._("Get offers on WhatsApp"))
        )

    @api.model
    @api.private
    def _find_by_slug(self, slug):
        """The active source of a public address; empty if there is none."""
        key = (slug or "").rpartition(".")[2]
        return self.search([("page_key", "=", key)], limit=1) if key else self.browse()

    @api.private
    def _qr_image(self, kind, value=None):
        """The QR code as bytes.

        :param kind: 'png' | 'svg'
        :param value: what it holds; by default the source's address
        """
        return qr_image(value or self.page_url or self.chat_url, kind)

    def _qr_data_uri(self):
        """The QR code for a printed page, which loads nothing."""
        return f"data:image/png;base64,{base64.b64encode(self._qr_image('png')).decode()}"

    # === Which source a message names ===

    @api.model
    @tools.ormcache("company_id")
    def _directory(self, company_id):
        """({code: source id}, {(number's id, normalized text): source ids}) of a company.

        Archived ones too: their posters may still hang.
        """
        sources = self.sudo().with_context(active_test=False).search(
            [("company_id", "=", company_id), ("kind", "in", CHAT_KINDS)]
        )  # fmt: skip
        by_text = defaultdict(tuple)
        texts = sources._texts()
        for source in sources:
            for text in {normalize_text(text) for text in texts[source.id]}:
                by_text[source.sender_id.id, text] += (source.id,)
        return {source.code: source.id for source in sources}, dict(by_text)

    @api.model
    def _find_named(self, sender, text):
        """The source that a message names, and the sent form of a one-time code in it.

        :param sender: waba.sender it was written to
        :return: (waba.optin.source, waba.optin.visit), each possibly empty
        """
        visits = self.env["waba.optin.visit"]
        codes, texts = self._directory(sender.company_id.id)
        if not codes:
            return self.browse(), visits
        found = optin.find_codes(text)
        once = [code for code in found if len(code) == optin.ONE_TIME_CODE]
        visit = visits._find_forms(once, sender.company_id) if once else visits
        by_code = {codes[code] for code in found if code in codes} | set(visit.optin_source_id.ids)
        by_text = set(texts.get((sender.id, normalize_text(text or "")), ()))
        chosen = optin.choose_source(by_code, by_text)
        return self.browse(chosen), visit if chosen and len(visit) == 1 else visits


def new_code(length):
    """A random code, of letters and digits both."""
    while True:
        code = "".join(secrets.choice(optin.ALPHABET) for _ in range(length))
        if optin.is_code(code):
            return code
