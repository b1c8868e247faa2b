"""Public opt-in page of a source, its next step, and QR codes.

Called by visitors' browsers; works without JavaScript. A form is not an opt-in: it gives a one-time
code, and the person's own WhatsApp message with that code is (models/optin/). So nothing is ever
sent to a number that was typed here, and the answer is the same for every number.
"""

from odoo.http import Controller, request, route

from ..models.optin.waba_optin_source import new_code
from ..policy import links, numbers, optin
from .checks import is_storable

SLUG = "/waba/optin/<string:slug>"
# A field that people do not see; programs fill it in.
HONEYPOT = "website"
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'",
    ),
]
IMAGE_TYPES = {"png": "image/png", "svg": "image/svg+xml"}


class WabaOptin(Controller):
    @route(SLUG, type="http", auth="public", methods=["GET", "HEAD"], sitemap=False)
    def page(self, slug, **_post):
        """Show the opt-in page."""
        source = self._find_source(slug)
        if not source:
            raise request.not_found()
        headers = request.httprequest.headers
        if links.is_click(
            request.httprequest.method,
            headers.get("User-Agent", ""),
            [headers.get(name) for name in ("Purpose", "Sec-Purpose", "X-Moz")],
        ):
            request.env["waba.optin.visit"].sudo()._record_view(source)
        return self._render("optin_page", source)

    @route(SLUG, type="http", auth="public", methods=["POST"], sitemap=False)
    def submit(self, slug, number="", **post):
        """Take the form, and lead to the next step."""
        source = self._find_source(slug)
        if not source:
            raise request.not_found()
        if post.get(HONEYPOT):
            return request.redirect(source._page_path(f"/{new_code(optin.ONE_TIME_CODE)}"))
        e164 = self._parse_number(source, number)
        if not e164:
            return self._render(
                "optin_page", source, status=422, number=number[:40], error="number"
            )
        form = request.env["waba.optin.visit"].sudo()._record_form(
            source, e164, request.httprequest.remote_addr
        )  # fmt: skip
        if form is None:
            return self._render("optin_page", source, status=429, number=number[:40], error="many")
        return request.redirect(source._page_path(f"/{form.code}"), code=303)

    @route(f"{SLUG}/<string:code>", type="http", auth="public", methods=["GET"], sitemap=False)
    def next_step(self, slug, code, **_post):
        """Show how to confirm in WhatsApp; the same for any code that looks like one."""
        source = self._find_source(slug)
        if not source or len(code) != optin.ONE_TIME_CODE or not optin.is_code(code):
            raise request.not_found()
        message = source._message_text(code)
        return self._render(
            "optin_next", source, code=code, message=message, chat_url=source._chat_url(message)
        )

    @route(f"{SLUG}/qr/<string:kind>", type="http", auth="public", methods=["GET"], sitemap=False)
    def qr(self, slug, kind, code="", download="", **_post):
        """The QR code of the source, or of a one-time code on its page."""
        source = self._find_source(slug, for_page=False)
        if not source or kind not in IMAGE_TYPES:
            raise request.not_found()
        value = None
        if code:
            if len(code) != optin.ONE_TIME_CODE or not optin.is_code(code):
                raise request.not_found()
            value = source._chat_url(source._message_text(code))
        headers = [("Content-Type", IMAGE_TYPES[kind]), ("Cache-Control", "no-cache")]
        if download:
            headers.append(("Content-Disposition", f'attachment; filename="qr-{source.id}.{kind}"'))
        return request.make_response(source._qr_image(kind, value), headers)

    # === Parts ===

    def _find_source(self, slug, for_page=True):
        """The source of this address in the visitor's language; empty if there is none."""
        sources = request.env["waba.optin.source"].sudo()
        if not is_storable(slug):
            return sources
        source = sources.with_context(lang=self._language())._find_by_slug(slug)
        return source if not for_page or source._has_page() else sources

    def _language(self):
        """The visitor's first language that is installed; the company's else."""
        installed = dict(request.env["res.lang"].sudo().get_installed())
        by_short = {code.split("_")[0]: code for code in reversed(installed)}
        for wanted in request.httprequest.accept_languages.values():
            code = wanted.replace("-", "_")
            if code in installed or code.split("_")[0] in by_short:
                return code if code in installed else by_short[code.split("_")[0]]
        return request.env.company.partner_id.sudo().lang or "en_US"

    def _parse_number(self, source, number):
        """E.164 of a number as typed, of the company's country without a country code."""
        if not is_storable(number) or len(number) > 40:
            return ""
        found = request.env.user.sudo()._phone_format(
            number=number, country=source.company_id.country_id
        )
        return numbers.canonical_number(found or "")

    def _render(self, template, source, status=200, **values):
        html = request.env(context=source.env.context, su=True)["ir.qweb"]._render(
            f"waba_campaign.{template}",
            {
                "source": source,
                "company": source.company_id,
                "page_lang": (source.env.lang or "en_US").replace("_", "-"),
                "csrf_token": request.csrf_token(),
                "honeypot": HONEYPOT,
                "number": "",
                "error": "",
                "path": source._page_path(),
                **values,
            },
        )
        response = request.make_response(f"<!DOCTYPE html>\n{html.strip()}", HEADERS)
        response.status_code = status
        if not source.is_indexed or template != "optin_page":
            response.headers["X-Robots-Tag"] = "noindex"
        return response
