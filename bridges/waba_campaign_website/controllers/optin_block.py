"""The opt-in form inside a page of a website: which sources it may show, and the form of one.

The form is sent to the source's own page, which leads to the confirmation in WhatsApp.
"""

from odoo.addons.waba_campaign.controllers.optin import HONEYPOT, WabaOptin
from odoo.addons.waba_campaign.models.optin.waba_optin_source import PAGE_KINDS
from odoo.http import request, route


class WebsiteOptin(WabaOptin):
    @route("/waba/website/sources", type="jsonrpc", auth="user", website=True, readonly=True)
    def sources(self):
        """The sources that this website may show, as [{"key", "name"}], for those who edit it."""
        if not self._is_editor():
            raise request.not_found()
        domain = [("company_id", "=", self._company().id), ("kind", "in", PAGE_KINDS)]
        sources = request.env["waba.optin.source"].sudo().search(domain)
        return [{"key": source.page_key, "name": source.name} for source in sources]

    @route("/waba/website/form", type="jsonrpc", auth="public", website=True, readonly=True)
    def form(self, key=""):
        """The form of a source as HTML; without one, a note to those who edit the website."""
        source = self._find_source(f".{key}")
        if source.company_id != self._company():
            source = source.browse()
        if not source and not self._is_editor():
            return ""
        return request.env(context=source.env.context, su=True)["ir.qweb"]._render(
            "waba_campaign_website.optin_form",
            {
                "source": source,
                "path": source and source._page_path(),
                "csrf_token": request.csrf_token(),
                "honeypot": HONEYPOT,
            },
        )

    def _company(self):
        return request.website.sudo().company_id

    def _is_editor(self):
        user = request.env.user
        return (
            user.has_group("website.group_website_restricted_editor")
            and self._company() in user.company_ids
        )

    def _language(self):
        """The language of the website as the visitor sees it.

        Also for what follows the form: the wording that is kept is the one that was shown.
        """
        code = request.cookies.get("frontend_lang")
        installed = dict(request.env["res.lang"].sudo().get_installed())
        return code if code in installed else super()._language()
