"""Meta's calls about templates: list, create, edit, review aids, library, archive, analytics.

Sources, below https://developers.facebook.com/documentation/business-messaging/whatsapp/:
templates/template-management (2026-05-21), templates/template-archival (2026-06-02),
templates/template-library (2026-04-09), templates/template-pausing (2025-10-22), analytics
(2026-02-12); https://developers.facebook.com/docs/graph-api/guides/upload. There is no call to
appeal a rejection: Meta takes appeals in WhatsApp Manager only.
"""

import json
import re

from .errors import NotSent, RequestRefused, UnknownOutcome
from .graph import GraphClient, checked_uid
from .nodes import Template, TemplateComparison, TemplateDelivery
from .template_nodes import ArchiveReply, LibraryTemplate, TemplateDay
from .values import as_text, succeeded

TEMPLATE_MINIMAL_FIELDS = (
    "id,name,status,category,language,components,parameter_format,quality_score,rejected_reason"
)
TEMPLATE_FIELDS = f"{TEMPLATE_MINIMAL_FIELDS},previous_category,library_template_name"
# Not known to older versions, nor to accounts outside the beta of the maximum price.
TEMPLATE_DELIVERY_FIELDS = "message_send_ttl_seconds,degrees_of_freedom_spec,optimization_spec"
META_GRAPH = "https://graph.facebook.com"
# Meta documents archiving at this host, without a version.
META_ARCHIVE = "https://api.facebook.com/"
MAX_IDS = 100
MAX_ANALYTICS_IDS = 10

_UPLOAD = re.compile(r"upload:[A-Za-z0-9+/=_-]{1,1024}(\?sig=[A-Za-z0-9_=-]{1,512})?")


class TemplateCalls(GraphClient):
    """The part of `CloudApiClient` that is about templates; the same errors."""

    # List, create, edit

    def list_templates(self, waba_uid):
        """Yield each `Template` of the account once, also when Meta's cursors break on the way.

        With fewer fields when Meta refuses some.
        """
        path = (waba_uid, "message_templates")
        # With fewer fields each time, for what an older version or account does not know.
        attempts = (f"{TEMPLATE_FIELDS},{TEMPLATE_DELIVERY_FIELDS}", TEMPLATE_FIELDS)
        for fields in (*attempts, TEMPLATE_MINIMAL_FIELDS):
            try:
                templates = list(self._list(path, fields=fields))
                break
            except RequestRefused as error:
                if error.code != 100 or fields == TEMPLATE_MINIMAL_FIELDS:
                    raise
        for template in templates:
            yield Template.from_reply(template, has_delivery=fields == attempts[0])

    def get_template(self, template_uid):
        """Return one `Template`."""
        try:
            reply = self._get((template_uid,), fields=TEMPLATE_FIELDS)
        except RequestRefused as error:
            if error.code != 100:
                raise
            reply = self._get((template_uid,), fields=TEMPLATE_MINIMAL_FIELDS)
        return Template.from_reply(reply)

    def find_template(self, waba_uid, name, language):
        """Return the `Template` of this name and language, or None: after a call without an
        answer, it tells whether the template was created."""
        path = (waba_uid, "message_templates")
        for found in self._list(path, fields=TEMPLATE_MINIMAL_FIELDS, name=name):
            if (found.get("name"), found.get("language")) == (name, language):
                return Template.from_reply(found)
        return None

    def get_template_delivery(self, template_uid):
        """Return `TemplateDelivery`: time to live, maximum price and creative optimizations."""
        reply = self._get((template_uid,), fields=f"id,{TEMPLATE_DELIVERY_FIELDS}")
        return TemplateDelivery.from_reply(reply)

    def create_template(self, waba_uid, body):
        """Submit a template for review.

        :param body: `name`, `language`, `category`, `parameter_format`, `components`…
        :return: Template with the id, status and category of Meta's reply
        :raise RequestRefused: code 100; `error.subcode` and `error.details` name the broken rule
        :raise RetryLater: 100 templates were created in the last hour (80008)
        :raise UnknownOutcome: see `find_template`
        """
        reply = self._request("POST", (waba_uid, "message_templates"), body)
        self._reply_uid(reply)
        return Template.from_reply({**body, **reply})

    def edit_template(self, template_uid, body):
        """Change `components` or `category`; True when Meta accepted the change.

        An approved template once in 24 hours, 10 times in 30 days, never its category.
        """
        return succeeded(self._request("POST", (template_uid,), body))

    def delete_template(self, waba_uid, name, template_uid=None):
        """Delete every language of a name, or one template when its id is given too.

        The name of an approved template cannot be used again for 30 days.
        """
        params = {"name": name}
        if template_uid:
            params["hsm_id"] = template_uid
        return succeeded(self._request("DELETE", (waba_uid, "message_templates"), params=params))

    def unpause_template(self, template_uid):
        """Lift a pause; Meta does so only for one that came from pacing.

        :raise RequestRefused: code 100: it is not paused, or for its quality (then the pause ends
            by itself after 3 or 6 hours)
        """
        return succeeded(self._request("POST", (template_uid, "unpause"), {}))

    def archive_templates(self, waba_uid, template_uids):
        """Archive approved or rejected templates; Meta deletes them after 28 days.

        :param template_uids: at most MAX_IDS
        :return: ArchiveReply
        """
        return self._archive("archive", waba_uid, template_uids)

    def unarchive_templates(self, waba_uid, template_uids):
        """Give archived templates back the status they had; see `archive_templates`."""
        return self._archive("unarchive", waba_uid, template_uids)

    def _archive(self, act, waba_uid, template_uids):
        body = {"hsm_ids": [checked_uid(uid) for uid in template_uids]}
        root = META_ARCHIVE if self.base_url == META_GRAPH else None
        path = (waba_uid, "message_templates", act)
        return ArchiveReply.from_reply(self._request("POST", path, body, root=root))

    # Samples

    def upload_sample(self, app_uid, filename, mimetype, content):
        """Upload a template's sample of a header; its handle goes into `example.header_handle`.

        A broken connection is resumed once, where Meta says it stopped.

        :param mimetype: image/jpeg, image/png, video/mp4 or application/pdf
        :param content: bytes
        :return: handle, such as `4::aW1hZ2UvanBlZw==:ARb…`
        :raise RequestRefused: code 100 for another type or too many bytes
        """
        session = as_text(
            self._request(
                "POST",
                (app_uid, "uploads"),
                params={
                    "file_name": filename,
                    "file_length": len(content),
                    "file_type": mimetype,
                },
            ).get("id")
        )
        if not _UPLOAD.fullmatch(session):
            raise UnknownOutcome(message="the reply names no upload session", http_status=200)
        try:
            reply = self._upload(session, 0, content)
        except (NotSent, UnknownOutcome):
            done = self._request("GET", session, headers=self._upload_headers).get("file_offset")
            done = done if isinstance(done, int) and 0 <= done < len(content) else 0
            reply = self._upload(session, done, content[done:])
        handle = as_text(reply.get("h"))
        if not handle:
            raise UnknownOutcome(message="the reply names no handle", http_status=200)
        return handle

    def _upload(self, session, offset, content):
        return self._request(
            "POST",
            session,
            data=content,
            content_type="application/octet-stream",
            headers={**self._upload_headers, "file_offset": str(offset)},
        )

    @property
    def _upload_headers(self):
        # The guide writes OAuth where the rest of the API writes Bearer.
        return {"Authorization": f"OAuth {self._access_token}"}

    # Library

    def list_library(self, **filters):
        """Yield each `LibraryTemplate` that Meta offers ready-made.

        :param filters: `search` (text), `topic`, `usecase`, `industry`, `language`, `name`
        """
        filters = {key: value for key, value in filters.items() if value}
        for template in self._list(("message_template_library",), **filters):
            yield LibraryTemplate.from_reply(template)

    def create_from_library(self, waba_uid, body):
        """Create a template from Meta's library; it is approved at once.

        :param body: `name`, `language`, `category`, `library_template_name` and, as a list,
            `library_template_button_inputs`: {'type': 'URL', 'url': {'base_url',
            'url_suffix_example'}} or {'type': 'PHONE_NUMBER', 'phone_number'}
        :return: Template with the id, status and category of Meta's reply
        """
        body = dict(body)
        inputs = body.pop("library_template_button_inputs", None)
        if inputs:
            # Meta's page shows JSON in a text here.
            body["library_template_button_inputs"] = json.dumps(inputs)
        reply = self._request("POST", (waba_uid, "message_templates"), body)
        self._reply_uid(reply)
        return Template.from_reply({**body, **reply})

    # Figures

    def compare_templates(self, template_uid, other_uid, start, end):
        """Return block order and sends of two templates of one account.

        :param start, end: Unix seconds; Meta accepts windows of 7, 30, 60 or 90 days back from now.
        :return: TemplateComparison
        """
        reply = self._get(
            (template_uid, "compare"),
            template_ids=f"[{checked_uid(other_uid)}]",
            start=int(start),
            end=int(end),
        )
        return TemplateComparison.from_reply(reply)

    def template_analytics(self, waba_uid, template_uids, start, end, product="CLOUD_API"):
        """Yield a `TemplateDay` per template and day that Meta counted anything for.

        :param template_uids: at most MAX_ANALYTICS_IDS
        :param start, end: Unix seconds within the last 90 days
        :param product: 'CLOUD_API' or 'MARKETING_MESSAGES_LITE_API'
        :raise RequestRefused: code 100: not confirmed for the account, see `enable_insights`
        """
        ids = ",".join(checked_uid(uid) for uid in template_uids)
        parts = self._list(
            (waba_uid, "template_analytics"),
            start=int(start),
            end=int(end),
            granularity="DAILY",
            metric_types="SENT,DELIVERED,READ,CLICKED,COST",
            template_ids=f"[{ids}]",
            product_type=product,
        )
        for part in parts:
            yield from TemplateDay.all_from_reply(part)

    def enable_insights(self, waba_uid):
        """Confirm template analytics for an account; Meta lets nobody switch them off again."""
        reply = self._request("POST", (waba_uid,), params={"is_enabled_for_insights": "true"})
        return succeeded(reply) or bool(self._reply_uid(reply))
