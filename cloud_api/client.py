"""Meta's Cloud API, a method per endpoint, all through `GraphClient._request`.

Those about templates are in `template_calls`, those about ads in `conversions`.
"""

import hashlib
import hmac
import json

from urllib3.filepost import encode_multipart_formdata

from .conversions import ConversionCalls
from .errors import RequestRefused, UnknownOutcome
from .nodes import (
    Account,
    MediaInfo,
    PhoneNumber,
    PricePoint,
    QrCode,
    SendReply,
    SubscribedApp,
    SubscribedFields,
    TokenInfo,
)
from .template_calls import TemplateCalls
from .values import storable, succeeded

PHONE_NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,quality_rating,status,throughput,name_status,"
    "code_verification_status,platform_type,account_mode,is_on_biz_app,"
    "whatsapp_business_manager_messaging_limit,health_status"
)
# The most that Meta lists at a time (OpenAPI v23.0).
QR_CODES_PER_PAGE = 25
PHONE_NUMBER_MINIMAL_FIELDS = "id,display_phone_number,verified_name,quality_rating,status"
ACCOUNT_FIELDS = (
    "id,name,currency,timezone_id,account_review_status,owner_business_info,"
    "disable_marketing_messages_on_cloud_api,whatsapp_business_manager_messaging_limit,"
    "health_status,business_verification_status,marketing_messages_onboarding_status"
)
ACCOUNT_MINIMAL_FIELDS = "id,name,currency,timezone_id,account_review_status,owner_business_info"


class CloudApiClient(TemplateCalls, ConversionCalls):
    """Calls the Cloud API with one access token, as `GraphClient` takes it.

    Every method raises only subclasses of `CloudApiError`: a refusal with Meta's code,
    `NotSent` (provably never reached Meta) or `UnknownOutcome`.
    """

    # Messages

    def send_message(self, phone_number_uid, body, endpoint="messages"):
        """Send one message.

        :param body: request body, see `payloads.template_message` and `payloads.text_message`.
        :param endpoint: 'messages', or 'marketing_messages' for a marketing template.
        :return: SendReply
        :raise UnknownOutcome: the message may have been accepted: never send it again blindly.
        """
        reply = SendReply.from_reply(self._request("POST", (phone_number_uid, endpoint), body))
        if reply is None:
            raise UnknownOutcome(message="the reply names no message", http_status=200)
        return reply

    def upload_media(self, phone_number_uid, filename, mimetype, content):
        """Upload a file for a message or a template's header; the id is valid for 30 days.

        :param content: bytes
        :return: media id
        """
        data, content_type = encode_multipart_formdata(
            {
                "messaging_product": "whatsapp",
                "type": mimetype,
                "file": (filename, content, mimetype),
            }
        )
        reply = self._request(
            "POST", (phone_number_uid, "media"), data=data, content_type=content_type
        )
        return self._reply_uid(reply)

    def get_media(self, media_uid, phone_number_uid=None):
        """Return where a received file can be downloaded: a URL that is valid for 5 minutes.

        :param phone_number_uid: have Meta check that the file belongs to this number
        :return: MediaInfo
        """
        params = {"phone_number_id": phone_number_uid} if phone_number_uid else {}
        info = MediaInfo.from_reply(self._get((media_uid,), **params))
        if not info.url:
            raise UnknownOutcome(message="the reply names no address", http_status=200)
        return info

    def download_media(self, url, max_bytes):
        """Return the bytes at a URL of `get_media`.

        The token is sent to Meta's hosts and the account's own server only; no redirect is
        followed.

        :raise RequestRefused: the URL leads elsewhere, or the server refuses
        """
        return self._fetch(url, max_bytes)

    def report_read(self, phone_number_uid, report):
        """Mark an inbound message as read, perhaps with the typing indicator.

        :param report: see `payloads.read_report`
        """
        return succeeded(self._request("POST", (phone_number_uid, "messages"), report))

    def block_user(self, phone_number_uid, body):
        """Add a person who wrote in the last 24 hours to the number's block list.

        :param body: see `payloads.block_list`
        :raise RequestRefused: Meta blocked nobody
        """
        self._request("POST", (phone_number_uid, "block_users"), body)

    def unblock_user(self, phone_number_uid, body):
        """Remove a person from the number's block list; see `block_user`."""
        self._request("DELETE", (phone_number_uid, "block_users"), body)

    # Meta's QR codes and short links

    def list_qr_codes(self, phone_number_uid):
        """Yield a QrCode for each of the number's."""
        path = (phone_number_uid, "message_qrdls")
        for code in self._list(path, page_size=QR_CODES_PER_PAGE):
            yield QrCode.from_reply(code)

    def save_qr_code(self, phone_number_uid, text, code_uid=None):
        """Create a QR code whose message begins with `text`, or change the text of one.

        :return: QrCode
        :raise UnknownOutcome: the reply names no code
        """
        body = {"prefilled_message": text, **({"code": code_uid} if code_uid else {})}
        found = QrCode.from_reply(self._request("POST", (phone_number_uid, "message_qrdls"), body))
        if not found.code_uid or not found.url:
            raise UnknownOutcome(message="the reply names no QR code", http_status=200)
        return found

    def delete_qr_code(self, phone_number_uid, code_uid):
        """Delete a QR code: printed ones stop working."""
        return succeeded(self._request("DELETE", (phone_number_uid, "message_qrdls", code_uid)))

    def request_app_data(self, phone_number_uid, sync_type):
        """Have Meta send what the WhatsApp Business app knows, as webhooks; once per onboarding,
        within 24 hours of it (Onboarding WhatsApp Business app users, 2026-03-20).

        :param sync_type: 'history' or 'smb_app_state_sync'
        :raise RequestRefused: too late, done before, or no such number
        """
        body = {"messaging_product": "whatsapp", "sync_type": sync_type}
        self._request("POST", (phone_number_uid, "smb_app_data"), body)

    # Numbers, account, token

    def list_phone_numbers(self, waba_uid):
        """Yield a PhoneNumber for each number of the account."""
        path = (waba_uid, "phone_numbers")
        try:
            numbers = list(self._list(path, fields=PHONE_NUMBER_FIELDS))
        except RequestRefused as error:
            if error.code != 100:
                raise
            numbers = self._list(path, fields=PHONE_NUMBER_MINIMAL_FIELDS)
        for number in numbers:
            yield PhoneNumber.from_reply(number)

    def get_account(self, waba_uid):
        """Return the WhatsApp Business Account as an `Account`, with few fields when Meta refuses
        some."""
        try:
            reply = self._get((waba_uid,), fields=ACCOUNT_FIELDS)
        except RequestRefused as error:
            if error.code != 100:
                raise
            reply = self._get((waba_uid,), fields=ACCOUNT_MINIMAL_FIELDS)
        return Account.from_reply(reply)

    def pricing_analytics(self, waba_uid, start, end):
        """Return what the account's messages delivered from `start` to `end` cost by Meta.

        :param start, end: Unix seconds; Meta keeps a year
        :return: [PricePoint], a row per day, number, country, category and type
        :raise UnknownOutcome: the reply has no `data`
        """
        reply = self._get(
            (waba_uid, "pricing_analytics"),
            start=int(start),
            end=int(end),
            granularity="DAILY",
            metric_types='["COST","VOLUME"]',
            dimensions='["COUNTRY","PHONE","PRICING_CATEGORY","PRICING_TYPE"]',
        )
        if not isinstance(reply.get("data"), list):
            raise UnknownOutcome(message="the reply has no data", http_status=200)
        return PricePoint.list_from_reply(reply)

    def debug_token(self):
        """Return `TokenInfo` of our own access token."""
        return TokenInfo.from_reply(self._get(("debug_token",), input_token=self._access_token))

    def check_app_secret(self, app_secret):
        """Return whether a secret is that of the app of our access token.

        The secret itself is not sent, only an HMAC of the token with it, which Meta checks on any
        call (Secure Graph API Calls, 2026).

        :raise CloudApiError: Meta did not answer
        """
        proof = hmac.new(app_secret.encode(), self._access_token.encode(), hashlib.sha256)
        try:
            self._get(
                ("debug_token",),
                input_token=self._access_token,
                appsecret_proof=proof.hexdigest(),
            )
        except RequestRefused as error:
            if error.code != 100 or "appsecret_proof" not in (error.message or ""):
                raise
            return False
        return True

    # Marketing Messages API

    def fetch_reach(self, waba_uid, country_code, interval="L7D"):
        """Return Meta's estimate of deliveries and cost at several maximum prices, as it replies;
        `ReachEstimate` reads it.

        :param country_code: ISO 3166-1 alpha-2
        :param interval: the days behind it: 'L1D', 'L7D', 'L14D' or 'L28D'
        """
        targeting = {"geo_locations": {"countries": [country_code]}}
        reply = self._get(
            (waba_uid, "reachestimate"),
            targeting_spec=json.dumps(targeting, separators=(",", ":")),
            date_interval=interval,
        )
        return storable(reply)

    # Webhook subscription

    def get_subscribed_apps(self, waba_uid):
        """Return the list of `SubscribedApp` that receive the account's webhooks."""
        return [
            SubscribedApp.from_reply(app)
            for app in self._list((waba_uid, "subscribed_apps"), page_size=None)
        ]

    def get_subscribed_fields(self, app_uid):
        """Return `SubscribedFields` of an app. Needs a client whose token is
        `app_id|app_secret`."""
        return SubscribedFields.from_reply(self._get((app_uid, "subscriptions")))

    def subscribe_app(self, waba_uid, callback_url=None, verify_token=None):
        """Subscribe our app to the account's webhooks, sent to its own address, or to
        `callback_url` (200 characters).

        With a callback URL Meta calls it immediately with `verify_token`, see `answer_challenge`.
        """
        body = {}
        if callback_url:
            body = {"override_callback_uri": callback_url, "verify_token": verify_token}
        return succeeded(self._request("POST", (waba_uid, "subscribed_apps"), body))
