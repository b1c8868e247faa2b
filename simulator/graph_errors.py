"""The Graph API's error envelope and the codes this simulator answers with.

Codes and meanings: Meta's "Error codes" page for the Cloud API (2026-09-11); the envelope, the
authentication codes and HTTP statuses: Meta's OpenAPI file v23.0 (2025-11-21). Meta dropped the
HTTP statuses from its tables in 2026; most sends are refused with 400 whatever the code.
"""

import secrets

ERROR_PAGE = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
)

# code: (HTTP status, title)
CATALOGUE = {
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (500, "API Service"),
    3: (403, "API Method"),
    4: (429, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    15: (400, "Application authorization needed"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    2200: (400, "Callback verification failed"),
    2500: (400, "Unknown path components"),
    80007: (429, "Rate limit issues"),
    80008: (429, "Too many calls to this WhatsApp Business account"),
    130403: (400, "Recipient blocked by the business"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval needed"),
    131042: (400, "Business eligibility payment issue"),
    131045: (400, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "Message not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped receiving marketing messages from the business"),
    131051: (400, "Unsupported message type"),
    131053: (400, "Media upload error"),
    131055: (400, "Only marketing templates are supported"),
    131056: (400, "Business account, consumer account pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131059: (400, "Invalid paging cursor"),
    131061: (400, "Marketing templates with a maximum price are not supported by the Cloud API"),
    131062: (400, "Recipient identifier not supported for this message"),
    131063: (400, "Marketing messages are disabled on Cloud API"),
    131064: (400, "Template sending limited after miscategorisation"),
    132000: (400, "Template param count mismatch"),
    132001: (400, "Template does not exist"),
    132005: (400, "Template hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Template parameter value invalid"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameter validation failed"),
    133010: (400, "Phone number not registered"),
    134100: (400, "Only marketing messages are supported"),
    134101: (400, "Template is being synced"),
    134102: (400, "Marketing Messages API unavailable"),
    135000: (400, "Generic user error"),
    137000: (400, "Recipient identity key hash mismatch"),
    139100: (400, "Failed to block/unblock some users"),
}

TRANSIENT = frozenset({1, 2, 4, 80007, 80008, 130429, 131000, 131016, 131056, 131057})


class GraphError(Exception):
    """A refusal. ``details`` is the sentence Meta puts in ``error_data.details``."""

    def __init__(self, code, details="", *, subcode=None, http_status=None, message=None,
                 kind="OAuthException"):
        super().__init__(code, details)
        self.code = code
        self.details = details
        self.subcode = subcode
        status, title = CATALOGUE.get(code, (400, "Unknown error"))
        self.http_status = http_status or status
        self.message = message or f"(#{code}) {title}"
        self.kind = kind

    def envelope(self):
        """The reply body: ``{"error": {...}}``."""
        error = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.code in TRANSIENT:
            error["is_transient"] = True
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return {"error": error}


def missing_object(method, object_id):
    """Error 100 / 33: the id is unknown, or the token may not see it."""
    return GraphError(
        100, subcode=33, kind="GraphMethodException",
        message=f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not "
                "exist, cannot be loaded due to missing permissions, or does not support this "
                "operation")


def missing_parameter(name):
    """Error 100: a required parameter is absent."""
    return GraphError(100, f"The parameter {name} is required.",
                      message=f"(#100) The parameter {name} is required.")


def status_error(code, details=""):
    """One element of ``errors[]`` in a failed status webhook."""
    title = CATALOGUE.get(code, (400, "Unknown error"))[1]
    return {"code": code, "title": title, "message": title,
            "error_data": {"details": details or title}, "href": ERROR_PAGE}
