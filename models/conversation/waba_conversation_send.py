"""Conversation: sending from its screen: text, files or a template, each answer only once.

Called by the conversation's screen; `_target_values` also by waba_message_inbound.py.
"""

import base64
import binascii

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.mimetypes import guess_mimetype

from ...cloud_api import payloads
from ...policy import frequency
from ...policy import media as media_policy
from ..base.waba_failure import failure_text
from ..tools.labels import selection_labels
from ..tools.moments import format_moment
from ..tools.phone_countries import number_language

MAX_KEY = 64

MAX_FILES = 10

# The longest emoji, a family with skin tones, has 11 code points.
MAX_EMOJI = 16


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    # === Send ===

    @api.model
    def conversation_send(self, request):
        """Queue what a salesperson wrote.

        :param request: dict of `conversation_id`, or `shown` and `sender_id`; `key`, which names
            this answer: pressed twice or repeated by the browser, it is queued once; `text`,
            `attachment_ids`, `options` (titles to choose from) or `asks_number`, for a message with
            WhatsApp's button to share the number, or `template_id` with `values`;
            `known_id`, the last message that the salesperson has seen; `force` to send even though
            another user has answered since; `may_repeat` to send a template again that the person
            has just received
        :return: {'conflict': sentence}, or {'refused': sentence or False, 'data'} with `data` of
            `conversation_data`
        :raise UserError: there is nothing to send, or no number to send from or to
        """
        shown = request.get("shown")
        key = str(request.get("key") or "")[:MAX_KEY]
        if not key:
            raise UserError(self.env._("The message was not sent. Reload the page and try again."))
        conversation, record = self._find_or_create_conversation(request, shown)
        if not request.get("force") and (conflict := conversation._answer_conflict(request)):
            return {"conflict": conflict}
        rows = conversation._queue_answer(record, request, f"manual/{self.env.uid}/{key}")
        refused = rows.sudo().filtered(lambda row: row.state == "skipped")[:1].failure_reason
        data = self.conversation_data(conversation.id, shown)
        return {"refused": refused or False, "data": data}

    def _find_or_create_conversation(self, request, shown):
        """(conversation with all rights, record or None); created for the first message."""
        if request.get("conversation_id"):
            conversation = self.browse(request["conversation_id"])._check_reader(shown)
            return conversation, self._shown_record(conversation, shown)
        record = self._check_record(shown)
        sender = self._available_senders(self).filtered(lambda s: s.id == request.get("sender_id"))
        if not sender:
            raise UserError(self.env._("Choose a number to send from."))
        to, person = self.env["waba.message"]._address_values(record, sender.portfolio_id)
        if not person and self.env["waba.sender"]._filter_own_numbers([to["number"]]):
            raise UserError(
                self.env._(
                    "%s is one of your own WhatsApp numbers. Enter the customer's number.",
                    to["number"],
                )
            )
        if not person:
            raise UserError(self.env._("%s has no valid phone number.", record.display_name))
        conversation = self.sudo()._find_or_create_pair(sender, person)
        mine = conversation.with_env(self.env)
        # A record with this number must not make another user's conversation readable.
        if not conversation.res_id and (
            not conversation.last_inbound_at or mine.has_access("read")
        ):
            conversation.write({"res_model": record._name, "res_id": record.id})
        return mine._check_reader(shown), record

    def _answer_conflict(self, request):
        """Another user's answer since `known_id`, or one in the app, as a sentence, or False."""
        by_user = (
            Domain("direction", "=", "out")
            & Domain("origin", "=", "manual")
            & Domain("user_id", "not in", (False, self.env.uid))
            & Domain("state", "not in", ("skipped", "cancelled"))
        )
        in_app = Domain("direction", "=", "app_out") & Domain("origin", "=", "app")
        since = self.env["waba.message"].sudo().search(
            Domain("recipient_id", "=", self.recipient_id.id)
            & Domain("sender_id", "=", self.sender_id.id)
            & Domain("id", ">", request.get("known_id") or 0)
            & Domain("kind", "!=", "reaction")
            & (by_user | in_app),
            order="id desc",
            limit=1,
        )  # fmt: skip
        if not since or not request.get("known_id"):
            return False
        return self.env._(
            '%(name)s answered at %(time)s: "%(text)s"',
            name=since.user_id.name or selection_labels(since, "origin")["app"],
            time=format_moment(self.env, since.sent_at or since.create_date, ""),
            text=since._summary(),
        )

    def _queue_answer(self, record, request, key):
        """Queue files, then text; the first file that can carry the text has it as its caption."""
        target, values = self._target_values(record)
        queue = self.env["waba.message"]._queue_direct
        common = {"origin": "manual", "user": self.env.user, "values": values}
        if template_id := request.get("template_id"):
            if known := self.env["waba.message"]._find_by_origin_key([key]):
                return known
            template = self._find_template(template_id)
            lines = self._filled_lines(template, request, is_sent=True)
            values.update(self._document_values(request))
            if chosen := request.get("fallback"):
                fallbacks = self.env(su=False)["waba.fallback"]
                values["fallback"] = fallbacks._checked_values(chosen, record)
            return queue(
                self.sender_id,
                target,
                template=template,
                variables=lines,
                origin_key=key,
                may_repeat=bool(request.get("may_repeat")),
                **common,
            )
        text = (request.get("text") or "").strip()
        if request.get("asks_number"):
            text = text or self.env._("May we have your phone number?")
            asked = {"kind": "interactive", "parameters": {"asks_number": True}}
            common["values"] = {**values, **asked}
        self._check_placeholders(text)
        if len(text) > payloads.TEXT_LENGTH:
            raise UserError(
                self.env._(
                    "The text is too long: WhatsApp accepts %s characters.", payloads.TEXT_LENGTH
                )
            )
        if request.get("asks_number"):
            return queue(self.sender_id, target, text=text, origin_key=key, **common)
        if options := request.get("options"):
            if request.get("attachment_ids"):
                raise UserError(self.env._("Send files and reply options separately."))
            common["values"] = {**values, **self._option_values(text, options)}
            return queue(self.sender_id, target, text=text, origin_key=key, **common)
        attachments = self._find_attachments(request.get("attachment_ids") or [], record)
        if not text and not attachments:
            raise UserError(self.env._("Nothing to send. Enter a text or add a file."))
        rows = self.env["waba.message"]
        for index, attachment in enumerate(attachments):
            takes_text = (
                media_policy.message_kind(attachment.mimetype) in media_policy.CAPTION_KINDS
            )
            fits = takes_text and len(text) <= media_policy.CAPTION_LENGTH
            rows |= queue(
                self.sender_id,
                target,
                media={"attachment": attachment},
                text=text if fits else False,
                origin_key=f"{key}/{index}",
                **common,
            )
            text = "" if fits else text
        if text:
            rows |= queue(self.sender_id, target, text=text, origin_key=key, **common)
        return rows

    def _option_values(self, text, options):
        """Field values of a text with options to choose from.

        :raise UserError: WhatsApp does not accept them
        """
        titles = [" ".join(str(title).split()) for title in options]
        problem = payloads.option_problem(titles)
        if problem == "count":
            raise UserError(self.env._("Enter 1 to %s options.", payloads.ROW_COUNT))
        if problem == "length":
            raise UserError(self.env._("An option has at most %s characters.", payloads.ROW_LENGTH))
        if problem:
            raise UserError(self.env._("Two options are the same."))
        if not text or len(text) > payloads.OPTION_BODY_LENGTH:
            raise UserError(
                self.env._(
                    "A message with options needs a text of at most %s characters.",
                    payloads.OPTION_BODY_LENGTH,
                )
            )
        label = self.env._("Choose")
        return {"kind": "interactive", "parameters": {"options": titles, "list_label": label}}

    def _target_values(self, record):
        """(target, further values of the message): the recipient of this conversation.

        The record is the target only while it is still the recipient's: by number or by link.
        """
        person = self.recipient_id
        if record is not None and person in record._waba_people(person.portfolio_id)[record.id]:
            return record, {}
        values = {"person_name": self._display_person_name()}
        if record is not None:
            values.update(res_model=record._name, res_id=record.id)
        return person, values

    # === Reactions ===

    @api.model
    def conversation_react(self, conversation_id, message_id, emoji, key, shown=False):
        """Queue a reaction to a message of the person.

        :param emoji: one emoji; '' removes ours
        :param key: names this click, as in `conversation_send`
        :return: {'refused': sentence or False, 'data'} as `conversation_send`
        :raise UserError: there is no such message, or it is no emoji
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        emoji = str(emoji or "")
        is_text = (emoji and emoji.isascii()) or any(letter.isalpha() for letter in emoji)
        if len(emoji) > MAX_EMOJI or is_text:
            raise UserError(self.env._("A reaction is one emoji."))
        message = self.env["waba.message"].sudo().search(
            [
                ("id", "=", message_id),
                ("recipient_id", "=", conversation.recipient_id.id),
                ("sender_id", "=", conversation.sender_id.id),
                ("direction", "=", "in"),
                ("wamid", "!=", False),
            ]
        )  # fmt: skip
        if not message or not key:
            raise UserError(self.env._("This message is no longer available."))
        target, values = conversation._target_values(self._shown_record(conversation, shown))
        row = self.env["waba.message"]._queue_direct(
            conversation.sender_id,
            target,
            text=emoji,
            origin="manual",
            user=self.env.user,
            origin_key=f"manual/{self.env.uid}/{str(key)[:MAX_KEY]}",
            values={**values, "kind": "reaction", "about_wamid": message.wamid},
        )
        refused = row.sudo().state == "skipped" and row.sudo().failure_reason
        data = self.conversation_data(conversation.id, shown)
        return {"refused": refused or False, "data": data}

    # === Files ===

    @api.model
    def conversation_attach(self, conversation_id, name, mimetype, data, shown=False):
        """Store a file that is to be sent.

        :param data: base64
        :return: {'id', 'name', 'size', 'kind'}
        :raise UserError: the file cannot be read, or WhatsApp does not accept it
        """
        conversation = self.browse(conversation_id)._check_reader(shown)
        try:
            content = base64.b64decode(data or "", validate=True)
        except (binascii.Error, ValueError):
            raise UserError(self.env._("%s could not be uploaded. Try again.", name)) from None
        mimetype = media_policy.base_type(mimetype) or guess_mimetype(content, default="")
        if why := self.env["waba.message"]._file_refusal_reason(name, mimetype, len(content)):
            raise UserError(why)
        attachment = self.env["ir.attachment"].sudo().create(
            {
                "name": name,
                "raw": content,
                "mimetype": mimetype,
                "res_model": self._name,
                "res_id": conversation.id,
            }
        )  # fmt: skip
        return {
            "id": attachment.id,
            "name": name,
            "size": len(content),
            "kind": media_policy.message_kind(mimetype),
        }

    @api.model
    def conversation_detach(self, conversation_id, attachment_id, shown=False):
        """Delete a file that the salesperson removed before sending."""
        conversation = self.browse(conversation_id)._check_reader(shown)
        own = conversation.with_env(self.env)._own_attachments([attachment_id])
        used = self.env["waba.media"].sudo().search([("attachment_id", "in", own.ids)])
        (own - used.attachment_id).unlink()
        return True

    def _own_attachments(self, ids):
        """Those of these files that the user added to this conversation. All rights."""
        files = self.env["ir.attachment"].sudo().browse(ids[:MAX_FILES]).exists()
        return files.filtered(
            lambda file: (
                file.create_uid.id == self.env.uid
                and (file.res_model, file.res_id) == (self._name, self.id)
            )
        )

    def _find_attachments(self, ids, record):
        if len(ids) > MAX_FILES:
            raise UserError(self.env._("You can send up to %s files at once.", MAX_FILES))
        return self._own_attachments(ids)

    # === Templates ===

    @api.model
    def conversation_templates(self, conversation_id=False, shown=False, sender_id=False):
        """Templates that can be sent now, those in the person's language first.

        :return: [{'id', 'name', 'language', 'category', 'category_name', 'text'}]
        """
        if conversation_id:
            conversation = self.browse(conversation_id)._check_reader(shown)
            sender, address = conversation.sender_id, conversation.recipient_id._address()
            record = self._shown_record(conversation, shown)
        else:
            record, address = self._check_record(shown), False
            sender = self._available_senders(self).filtered(lambda s: s.id == sender_id)
        templates = self.env["waba.template"].sudo().search(
            [
                ("account_id", "=", sender.account_id.id),
                ("status", "=", "approved"),
                ("unsupported", "=", False),
            ]
        )  # fmt: skip
        categories = selection_labels(templates, "category")
        language = record._waba_language() if record else number_language(address)
        language = language or (self.env.user.lang or "").split("_")[0]
        ordered = templates.sorted(lambda t: (t.language.split("_")[0] != language, t.display_name))
        return [
            {
                "id": template.id,
                "name": template.display_name,
                "language": template.language,
                "category": template.category,
                "category_name": categories[template.category],
                "text": " ".join((template.body or "").split())[:160],
            }
            for template in ordered
        ]

    @api.model
    def conversation_template(self, request):
        """A template filled for the recipient, and the reason why it cannot be sent.

        :param request: as for `conversation_send`
        :return: {'html', 'variables': [{'id', 'label', 'value', 'is_fixed'}], 'problem', 'repeat',
            'delay'}; the last three are sentences or False: why it cannot be sent, the earlier
            message that it would repeat, which a user may do knowingly (`may_repeat`), and when it
            leaves if that is not now
        """
        conversation, record = self._find_or_create_conversation(request, request.get("shown"))
        template = conversation._find_template(request.get("template_id"))
        lines = conversation._filled_lines(template, request)
        target, _values = conversation._target_values(record)
        messages = self.env["waba.message"]
        facts = (
            messages._recipient_facts(target)
            if target._name == "waba.recipient"
            else target._waba_person_facts()
        )
        variables = lines._read_variables(target.env)
        values = {variable.id: variable.record_value(target, facts) for variable in variables}
        parameters = lines._freeze_texts(values)
        document = self.env["waba.document"]._readable_document(request.get("document"))
        if document is not None:
            self.env["waba.document"]._show_document(parameters, document)
        problem, repeat = conversation._template_problem(target, template, lines)
        return {
            "html": str(template._render_phone(parameters)),
            "variables": [
                {
                    "id": line._origin.id,
                    "label": line._placeholder_hint(),
                    "value": line._fixed_text() or values[line.id],
                    "is_fixed": line._is_fixed(),
                    "is_hidden": line.source == "link"
                    or line.kind == "payload"
                    or (line.kind == "document" and document is not None),
                }
                for line in lines.sorted("sequence")
            ],
            "problem": problem,
            "repeat": repeat,
            "delay": conversation._template_delay(template),
        }

    def _template_delay(self, template):
        """When a template sent now leaves, and why later, as a text; False if it leaves at once."""
        delay = self.sudo().sender_id._direct_delay(template.sudo(), self.sudo().recipient_id)
        return delay and self.env["waba.message"]._format_delay(delay)

    def _template_problem(self, target, template, lines):
        """(why this template cannot be sent to this recipient, which message it would repeat).

        Each is a sentence or False.
        """
        messages = self.env["waba.message"]
        _parameters, reason, sentence = messages._fill_template(
            target, template, lines, self.sender_id
        )
        if reason:
            return sentence, False
        to, person = messages._address_values(target, self.sender_id.portfolio_id)
        content = messages._template_values(template)
        sender = self.sender_id
        promoted_at = messages._recent_promotion_times(sender, person, to, "manual", content)
        free_at = frequency.next_promotion_time(
            promoted_at, sender.company_id._waba_frequency_cap()
        )
        now = fields.Datetime.now()
        problem = messages._exclusion_reason(sender, person, to, content, now, free_at)[1]
        repeat = messages._find_repeat(sender, person, to, "manual", content)
        return problem, bool(repeat) and failure_text(
            self.env, "repeated", text=messages._repeat_detail(repeat, sender.company_id)
        )

    def _find_template(self, template_id):
        template = self.env["waba.template"].sudo().browse(template_id).exists()
        if not template or template.account_id != self.sender_id.account_id:
            raise UserError(self.env._("This template belongs to another WhatsApp account."))
        return template

    def _filled_lines(self, template, request, is_sent=False):
        """The template's variables with the salesperson's texts, and those of a document.

        :param request: dict, perhaps with `values`, {id of the variable, as text: its text}, and
            `document`, [model, id] of a quotation or invoice
        :param is_sent: make the document's PDF, for the header
        """
        lines, values = template.variable_ids, request.get("values") or {}
        documents = self.env["waba.document"]
        document = documents._readable_document(request.get("document"))
        shown = lines.filtered(lambda line: line.component == "header" and line.kind == "document")
        file = None
        if is_sent and document is not None and shown:
            file = documents._document_file(document, self.sudo().sender_id.company_id)
        lines = documents._fill_lines(lines, document, file)
        typed = lines.filtered(lambda line: str(line._origin.id) in values and not line._is_fixed())
        return (lines - typed).concat(
            *(
                line.new({"source": "text", "text": str(values[str(line._origin.id)])},
                         origin=line._origin)
                for line in typed
            )
        )  # fmt: skip

    def _document_values(self, request):
        """Field values of a message about a quotation or invoice."""
        if not request.get("document"):
            return {}
        model, id_ = request["document"]
        return {"document_model": model, "document_id": id_}


class WabaVariableMixin(models.AbstractModel):
    _inherit = "waba.variable.mixin"

    def _placeholder_hint(self):
        """'Text {{1}}', '{{1}} of the button “See offer”': the label of its input."""
        self.ensure_one()
        if self.component == "button" or self.card_number:
            return self._placeholder_label()
        if self.source == "hours":
            return f"{self.part_name} › {selection_labels(self, 'source')['hours']}"
        return (
            f"{self.part_name} › {self.label}"
            if self.kind != "text"
            else (f"{self.part_name} {self.label}")
        )

    def _is_fixed(self):
        """Whether a salesperson cannot type another value into the conversation."""
        if self.source in ("file", "date"):
            return self._is_complete()
        return self.source == "link" or self.kind == "payload"

    def _fixed_text(self):
        """What is shown of a file or a date; '' for the others."""
        if self.source == "file":
            return self.sudo().file_id.name or ""
        if self.source == "date" and self.offer_ends_at:
            return self._filled_template()._moment_text(self.offer_ends_at)
        return ""
