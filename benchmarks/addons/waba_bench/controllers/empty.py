from odoo.http import Controller, request, route


class Empty(Controller):
    """What a POST costs in Odoo when nothing is done with it."""

    @route(
        "/waba_bench/empty",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def empty(self):
        return request.make_response("", [("Content-Type", "text/plain")])
