"""Webhook controller: verify, store, answer 200. Nothing is applied here.

Called by Meta; the bodies are stored in waba.webhook.event and applied by its job.
"""

import logging
import re

from odoo.http import Controller, request, route

from ..cloud_api import answer_challenge, verify_signature

# Meta, Webhooks overview, 2026-09-11: a body has at most 3 MB.
MAX_BODY_BYTES = 4 * 1024 * 1024

# Format of `secrets.token_urlsafe`; nothing else is looked up.
WEBHOOK_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
# The web server logs whole addresses: mask the key of an account and the verify token.
# So is the token of a person's preference page.
ADDRESS_SECRETS = re.compile(r"(?:(?<=/waba/webhook/)|(?<=/waba/preferences/))[^\s\"]+")


class MaskedAddresses(logging.Filter):
    """Masks our secrets in the web server's access log."""

    def filter(self, record):
        """Mask the record's text and arguments."""
        record.msg = _masked(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_masked(value) for value in record.args)
        return True


def _masked(value):
    if not isinstance(value, str):
        return value
    return ADDRESS_SECRETS.sub("***", value)


logging.getLogger("werkzeug").addFilter(MaskedAddresses())


class WabaWebhook(Controller):
    @route(
        "/waba/webhook/<string:key>",
        type="http",
        auth="public",
        methods=["GET", "POST"],
        csrf=False,
        save_session=False,
        max_content_length=MAX_BODY_BYTES,
    )
    def webhook(self, key, **params):
        """The address of one account: Meta's challenge (GET) or events (POST)."""
        # An archived account sends nothing, but still receives statuses and opt-outs.
        is_key = WEBHOOK_KEY.fullmatch(key)
        keys = is_key and request.env["waba.account"].sudo()._find_webhook_keys(key)
        if not keys:
            return self._text_response(404, "unknown webhook address")
        account_id, app_secret, verify_token = keys
        if request.httprequest.method == "GET":
            return self._handshake(verify_token or "", params)
        return self._store_body(account_id, app_secret or "")

    def _handshake(self, verify_token, params):
        """Answer the challenge with which Meta checks the address."""
        challenge = answer_challenge(params, verify_token)
        if challenge is None:
            return self._text_response(403, "wrong verify token")
        return self._text_response(200, challenge)

    def _store_body(self, account_id, app_secret):
        """Store a signed body.

        Odoo commits before the response is sent: a 200 means that it is stored.
        """
        raw_body = request.httprequest.get_data(cache=False)
        signature = request.httprequest.headers.get("X-Hub-Signature-256")
        if not verify_signature(raw_body, signature, app_secret):
            request.env["waba.webhook.refusal"].sudo()._count_refusal(account_id)
            return self._text_response(403, "wrong signature")
        account = request.env["waba.account"].sudo().browse(account_id)
        request.env["waba.webhook.event"].sudo()._store_body(account, raw_body)
        return self._text_response(200, "")

    def _text_response(self, status, text):
        return request.make_response(text, [("Content-Type", "text/plain")], status=status)
