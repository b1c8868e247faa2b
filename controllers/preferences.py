"""Preference page: what a person wants to receive, behind the signed link in a message.

Called by recipients' browsers, without login. Reading changes nothing: link previews read it too.
"""

from odoo.http import Controller, request, route

from ..models.consent.waba_preference import form_token, is_form_token
from .checks import as_row_id, is_storable

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
}
ACTS = ("save", "stop", "start")
# Much longer than any token of ours.
MAX_TOKEN = 512


class WabaPreferences(Controller):
    @route(
        "/waba/preferences/<string:token>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        # The form has a token of its own, which needs no cookie: a person without one can stop too.
        csrf=False,
        save_session=False,
        sitemap=False,
    )
    def preferences(self, token, **post):
        """Show (GET) or change (POST) the preferences of the person of this link."""
        people = request.env["waba.recipient"].sudo()
        is_token = len(token) <= MAX_TOKEN and is_storable(token)
        person, company = people._read_preference_token(token) if is_token else (people, None)
        language = person._preference_language(self._accepted_languages())
        request.update_context(lang=language)
        if not person:
            return self._page("waba_campaign.preferences_gone", {}, language, status=404)
        person = person.with_context(lang=language).with_company(company)
        notice, status = post.get("done") in ACTS and post["done"], 200
        if request.httprequest.method == "POST":
            notice, status = self._change(person, company, token, post)
            if status == 303:
                address = f"/waba/preferences/{token}?done={notice}"
                return request.redirect(address, code=303)
        values = {
            **person._preference_values(company),
            "form_token": form_token(request.env(su=True), token),
            "notice": notice,
        }
        return self._page("waba_campaign.preferences_page", values, language, status)

    def _change(self, person, company, token, post):
        """Apply a form: (notice, HTTP status)."""
        headers = request.httprequest.headers
        is_ours = headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
        given = post.get("form_token") or ""
        if not is_ours or not is_form_token(request.env(su=True), token, given):
            return "old", 400
        act = post.get("act")
        if act not in ACTS:
            return "old", 400
        changes = {
            topic_id: f"topic_{topic_id}" in post
            for name, was in post.items()
            if name.startswith("was_")
            and (topic_id := as_row_id(name[4:]))
            # What was not moved says nothing, also when the page is older than another change.
            and (f"topic_{topic_id}" in post) != (was == "1")
        }
        address = request.httprequest.remote_addr
        if person._apply_preferences(company, act, changes, address):
            return act, 303
        return "many", 429

    def _accepted_languages(self):
        return [code.replace("-", "_") for code, _q in request.httprequest.accept_languages]

    def _page(self, template, values, language, status=200):
        response = request.render(template, {**values, "language": language.replace("_", "-")})
        response.status_code = status
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response
