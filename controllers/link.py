from odoo.addons.link_tracker.controller.main import LinkTracker
from odoo.http import request, route

from .checks import is_storable


class WabaLink(LinkTracker):
    """The door of tracked links: note the click, lead on. An address is `<code>-<token>`."""

    @route()
    def full_url_redirect(self, code, **post):
        if not is_storable(code):
            raise request.not_found()
        return self._lead_on(code) or super().full_url_redirect(code, **post)

    @route("/waba/r/<string:code>", type="http", auth="public", methods=["GET", "HEAD"])
    def waba_redirect(self, code, **post):
        return self.full_url_redirect(code, **post)

    def _lead_on(self, text):
        """A redirect to the target; None when the address is none of ours."""
        headers = request.httprequest.headers
        target = (
            request.env["waba.message"]
            .sudo()
            ._follow_link(
                text,
                method=request.httprequest.method,
                user_agent=headers.get("User-Agent", ""),
                purposes=[headers.get(name) for name in ("Purpose", "Sec-Purpose", "X-Moz")],
                country_code=request.geoip.country_code,
            )
        )
        # Not for ever, as link_tracker does: a browser would go there by itself the next time.
        return request.redirect(target, code=302, local=False) if target else None
