"""Tracked links: record the click and redirect.

Called by recipients' browsers, under Odoo's own address (/r/) and ours (/waba/r/).
"""

from odoo.addons.link_tracker.controller.main import LinkTracker
from odoo.http import request, route

from .checks import is_storable


class WabaLink(LinkTracker):
    """An address is `<code>-<token>`."""

    @route()
    def full_url_redirect(self, code, **post):
        """Redirect a tracked link of ours; Odoo handles the others."""
        if not is_storable(code):
            raise request.not_found()
        return self._redirect_to_target(code) or super().full_url_redirect(code, **post)

    @route("/waba/r/<string:code>", type="http", auth="public", methods=["GET", "HEAD"])
    def waba_redirect(self, code, **post):
        """The same, under our own address."""
        return self.full_url_redirect(code, **post)

    def _redirect_to_target(self, text):
        """Return a redirect to the target; None if the address is not ours."""
        headers = request.httprequest.headers
        target = (
            request.env["waba.message"]
            .sudo()
            ._resolve_link(
                text,
                method=request.httprequest.method,
                user_agent=headers.get("User-Agent", ""),
                purposes=[headers.get(name) for name in ("Purpose", "Sec-Purpose", "X-Moz")],
                country_code=request.geoip.country_code,
            )
        )
        # Not permanent, as link_tracker's: a browser would skip us the next time.
        return request.redirect(target, code=302, local=False) if target else None
