"""Graph's endpoints other than sending: nodes, lists, templates, media, subscriptions, tokens."""

from . import qr_codes
from .conversions import Dataset
from .graph_errors import GraphError, missing_parameter
from .nodes import NUMBER_LIST
from .paging import page
from .state import Account, Business, MediaFile, Number, Template, whatsapp_id

# Meta, "Media" page (2026): the types a business may upload, with their size in MiB.
MEDIA_MAX = {
    "image/jpeg": 5, "image/png": 5, "image/webp": 0.5, "video/mp4": 16, "video/3gpp": 16,
    "audio/aac": 16, "audio/amr": 16, "audio/mpeg": 16, "audio/mp4": 16, "audio/ogg": 16,
    "application/pdf": 100, "text/plain": 100, "application/msword": 100,
    "application/vnd.ms-excel": 100, "application/vnd.ms-powerpoint": 100,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100}
# Days for which a file can be used (same page); its address ends after 5 minutes.
UPLOADED_DAYS, RECEIVED_DAYS = 30, 7
ADDRESS_SECONDS = 300
CALLBACK_MAX = 200


class Endpoints:
    """Each method takes (call, node) and returns the reply, or raises GraphError."""

    def __init__(self, simulator):
        self.sim = simulator
        self.world = simulator.world

    def table(self):
        """{(HTTP method, node class, edge): method}."""
        table = {
            ("POST", Number, "media"): self._media,
            # Not a path of Meta's: how `GraphApp` names a report that we read a message.
            ("POST", Number, "read"): self._report_read,
            ("POST", Number, "smb_app_data"): self._app_data,
            ("GET", Number, "block_users"): self._blocked,
            ("POST", Number, "block_users"): self._block,
            ("DELETE", Number, "block_users"): self._block,
            ("GET", Number, "message_qrdls"): qr_codes.list_codes,
            ("POST", Number, "message_qrdls"): qr_codes.save_code,
            # With the code behind it, see `GraphApp`.
            ("GET", Number, "message_qrdls/code"): qr_codes.read_code,
            ("DELETE", Number, "message_qrdls/code"): qr_codes.delete_code,
            ("GET", MediaFile, ""): self._read_file,
            ("DELETE", MediaFile, ""): self._delete_file,
            ("GET", Account, "phone_numbers"): self._phone_numbers,
            ("GET", Account, "reachestimate"): self._estimate_reach,
            ("GET", Account, "message_templates"): self._list_templates,
            ("POST", Account, "message_templates"): self._create_template,
            ("DELETE", Account, "message_templates"): self._delete_template,
            ("GET", Account, "pricing_analytics"): self._analyze_prices,
            ("GET", Account, "subscribed_apps"): self._subscriptions,
            ("POST", Account, "subscribed_apps"): self._subscribe,
            ("DELETE", Account, "subscribed_apps"): self._unsubscribe,
            ("POST", Template, ""): self._edit_template,
            ("POST", Template, "unpause"): self._unpause,
            ("GET", Template, "compare"): self._compare,
            ("POST", Account, ""): self._change_account,
            ("POST", Account, "message_templates/archive"): self._archive,
            ("POST", Account, "message_templates/unarchive"): self._unarchive,
            ("GET", Account, "template_analytics"): self._template_analytics,
            ("GET", Account, "dataset"): self.sim.conversions.dataset,
            ("POST", Account, "dataset"): self.sim.conversions.dataset,
            ("POST", Dataset, "events"): self.sim.conversions.receive,
        }
        for kind in (Number, Account, Business, Template):
            table["GET", kind, ""] = self._read_node
        return table

    async def _media(self, call, number):
        if not call.request.content_type.startswith("multipart/"):
            raise missing_parameter("file")
        form = {}
        async for part in await call.request.multipart():
            form[part.name] = (bytes(await part.read()), part.headers.get("Content-Type", ""))
        if form.get("messaging_product", (b"",))[0] != b"whatsapp":
            raise missing_parameter("messaging_product")
        if "file" not in form:
            raise missing_parameter("file")
        content, mimetype = form["file"]
        mimetype = form["type"][0].decode() if "type" in form else mimetype.split(";")[0]
        if mimetype not in MEDIA_MAX:
            raise GraphError(131053, f"Unsupported file type {mimetype!r}")
        if not content or len(content) > MEDIA_MAX[mimetype] * 2**20:
            raise GraphError(131053, f"A file of this type has 1 byte to {MEDIA_MAX[mimetype]} MiB")
        return {"id": self.world.keep_file(number, mimetype, content, UPLOADED_DAYS).id}

    @staticmethod
    def _app_data(call, number):
        """Once per kind, of a number that is also used in the app (Onboarding WhatsApp Business
        app users, 2026-03-20); the webhooks are posted by `POST /_control/rare`."""
        kind = call.body.get("sync_type")
        if kind not in ("history", "smb_app_state_sync"):
            raise missing_parameter("sync_type")
        if not number.is_on_biz_app or kind in number.app_data_asked:
            raise GraphError(100, "The number is not on the app, or its data was synced before.")
        number.app_data_asked.append(kind)
        return {"messaging_product": "whatsapp", "request_id": f"{kind}-1"}

    @staticmethod
    def _report_read(call, _number):
        body = call.body
        if body.get("messaging_product") != "whatsapp":
            raise missing_parameter("messaging_product")
        if body["status"] != "read" or not str(body.get("message_id", "")).startswith("wamid."):
            raise GraphError(131009, "Only an inbound message can be marked as read.")
        if body.get("typing_indicator", {"type": "text"}) != {"type": "text"}:
            raise GraphError(131009, "typing_indicator['type'] must be text.")
        return {"success": True}

    @staticmethod
    def _blocked(_call, number):
        users = [{"wa_id": wa_id} for wa_id in sorted(number.blocked)]
        return {"data": [{"messaging_product": "whatsapp", "block_users": users}]}

    def _block(self, call, number):
        """Block or unblock; only people who wrote within 24 hours can be blocked."""
        body = _object(call)
        if body.get("messaging_product") != "whatsapp":
            raise missing_parameter("messaging_product")
        users = body.get("block_users")
        if not isinstance(users, list) or not users:
            raise missing_parameter("block_users")
        people = [self._user(number, user) for user in users]
        is_block = call.method == "POST"
        if not all(person and (not is_block or self.world.window_open(number, person))
                   for person in people):
            raise GraphError(139100, "A user can be blocked who wrote in the last 24 hours.")
        change = number.blocked.add if is_block else number.blocked.discard
        for person in people:
            change(person.wa_id)
        changed = [{"input": user.get("user") or user.get("user_id"), "wa_id": person.wa_id}
                   for user, person in zip(users, people, strict=True)]
        return {"messaging_product": "whatsapp",
                "block_users": {"added_users" if is_block else "removed_users": changed}}

    def _user(self, number, user):
        if user.get("user"):
            digits = self.sim.sender.parse_digits(number, user["user"])
            return self.world.person(whatsapp_id(digits)) if digits else None
        return self.world.people_by_bsuid.get(user.get("user_id"))

    def _read_file(self, call, file):
        self._check_owner(call, file)
        until = int(self.world.clock.now()) + ADDRESS_SECONDS
        origin = self._origin(call)
        return {"messaging_product": "whatsapp", "id": file.id, "mime_type": file.type,
                "sha256": file.sha256, "file_size": str(file.size),
                "url": f"{origin}/whatsapp_business/attachments/?mid={file.id}&ext={until}"}

    def _origin(self, call):
        """Scheme and host of the addresses of files."""
        return self.world.settings.media_origin or call.base_url.split("/v", 1)[0]

    def _delete_file(self, call, file):
        self._check_owner(call, file)
        del self.world.media[file.id]
        return {"success": True}

    @staticmethod
    def _check_owner(call, file):
        if call.query.get("phone_number_id", file.phone_id) != file.phone_id:
            raise GraphError(100, "The file does not belong to this phone number.", subcode=33)

    def _read_node(self, call, node):
        return self.sim.nodes.read(node, call.query.get("fields"), call.version)

    def _phone_numbers(self, call, account):
        from_account = [n for n in self.world.numbers.values() if n.account_id == account.id]
        found = page(from_account, call.query, call.base_url, 100)
        found["data"] = [self.sim.nodes.read(n, call.query.get("fields"), call.version,
                                             NUMBER_LIST) for n in found["data"]]
        return found

    def _analyze_prices(self, call, account):
        return self.sim.ledger.analytics(account, call.query)

    def _estimate_reach(self, call, account):
        return self.sim.marketing.estimate(account, call.query)

    def _list_templates(self, call, account):
        return self.sim.templates.list(account, call.query, call.version, call.base_url)

    def _create_template(self, call, account):
        return self.sim.templates.create(account, _object(call), self._origin(call))

    def _delete_template(self, call, account):
        body = call.body if isinstance(call.body, dict) else {}
        return self.sim.templates.delete(account, {**call.query, **body})

    def _edit_template(self, call, template):
        return self.sim.templates.edit(template, _object(call), self._origin(call))

    def _archive(self, call, account):
        return self.sim.templates.archive(account, call.body)

    def _unarchive(self, call, account):
        return self.sim.templates.unarchive(account, call.body)

    def _template_analytics(self, call, account):
        return self.sim.analytics.read(account, call.query, call.base_url)

    @staticmethod
    def _change_account(call, account):
        """Only `is_enabled_for_insights`, which cannot be switched off again."""
        values = {**call.query, **(call.body if isinstance(call.body, dict) else {})}
        if str(values.get("is_enabled_for_insights", "")).lower() != "true":
            raise missing_parameter("is_enabled_for_insights")
        account.is_enabled_for_insights = True
        return {"id": account.id}

    def _unpause(self, _call, template):
        return self.sim.templates.unpause(template)

    def _compare(self, call, template):
        return self.sim.templates.compare(template, call.query)

    def _subscriptions(self, _call, account):
        return {"data": [self._subscription(account)] if account.subscribed else []}

    def _subscription(self, account):
        app = {"id": self.world.app_id, "name": self.world.app_name,
               "link": f"https://www.facebook.com/games/?app_id={self.world.app_id}"}
        entry = {"whatsapp_business_api_data": app}
        if account.override_callback_uri:
            entry["override_callback_uri"] = account.override_callback_uri
        return entry

    async def _subscribe(self, call, account):
        body = {**call.query, **(call.body if isinstance(call.body, dict) else {})}
        url = body.get("override_callback_uri", "")
        if not url:
            account.subscribed, account.override_callback_uri = True, ""
            return {"success": True}
        if len(url) > CALLBACK_MAX or not url.startswith(("http://", "https://")):
            raise GraphError(100, f"override_callback_uri: a url of at most {CALLBACK_MAX} "
                                  "characters")
        if not body.get("verify_token"):
            raise missing_parameter("verify_token")
        problem = await self.sim.delivery.handshake(url, body["verify_token"])
        if problem:
            raise GraphError(2200, message="(#2200) Callback verification failed with the "
                                           f"following errors: {problem}")
        account.subscribed, account.override_callback_uri = True, url
        return {"success": True, "data": [self._subscription(account)]}

    def _unsubscribe(self, _call, account):
        account.subscribed, account.override_callback_uri = False, ""
        return {"success": True}


def debug_token(world, call):
    """GET /debug_token: what a token may do; an unknown one is reported, not refused."""
    token = world.tokens.get(call.query.get("input_token", ""))
    if token is None:
        return {"data": {"is_valid": False, "scopes": [], "error": {
            "code": 190, "message": "The access token could not be decrypted"}}}
    account_ids = token.account_ids or list(world.accounts)
    return {"data": {
        "app_id": token.app_id, "type": "SYSTEM_USER", "application": world.app_name,
        "expires_at": token.expires_at, "is_valid": token.usable(world.clock.now()),
        "scopes": token.scopes,
        "granular_scopes": [{"scope": scope, "target_ids": account_ids}
                            for scope in token.scopes]}}


def app_subscriptions(world, url, token):
    """GET /{app}/subscriptions: what the app's dashboard subscribes; for the app's own token."""
    if not token.is_app:
        raise GraphError(15, message="(#15) This method must be called with an app access_token.")
    fields = world.settings.app_fields
    if not fields:
        return {"data": []}
    return {"data": [{
        "object": "whatsapp_business_account", "callback_url": url, "active": True,
        "fields": [{"name": name, "version": "v25.0"} for name in fields]}]}


def _object(call):
    if not isinstance(call.body, dict):
        raise GraphError(100, "The request body must be a JSON object.")
    return call.body
