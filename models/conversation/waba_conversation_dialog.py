"""Conversation: the dialog *Send WhatsApp*: one template to one person or a few, in two clicks.

Called by the dialog that `action_waba_send` of leads, contacts, quotations and invoices opens
(static/src/contact/send_dialog.js). Sending itself is that of the conversation's screen.
"""

from collections import Counter

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from .waba_conversation_send import MAX_KEY

# More people are a campaign, with its pre-flight.
MAX_PEOPLE = 20

# Earlier messages that are looked at for the template to propose.
LOOKED_AT = 100


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def send_options(self, shown, document=False):
        """What the dialog starts with.

        :param shown: [[model, id]] of leads or contacts
        :param document: [model, id] of the quotation or invoice that is sent, or False
        :return: {'people': [{'shown', 'name', 'number'}], 'senders': [{'id', 'name'}],
            'sender_id', 'template_id' (proposed, or False), 'document' (its name, or False),
            'problem' (sentence or False), 'fallbacks', 'mail_templates'}
        """
        if len(shown) > MAX_PEOPLE:
            raise UserError(
                self.env._("Select up to %s people here. For more, use a campaign.", MAX_PEOPLE)
            )
        records = [self._check_record(one) for one in shown]
        sent = self.env["waba.document"]._readable_document(document)
        earlier = self._find_by_record(records[0]) if records else self
        senders = self._available_senders(earlier)
        problem = False
        if not senders:
            problem = self.env._("No WhatsApp number is connected.")
        elif sent is not None:
            problem = self.env["waba.document"]._document_refusal(sent)
        return {
            "people": [
                {
                    "shown": [record._name, record.id],
                    "name": record._waba_person_facts()["name"] or record.display_name,
                    "number": self.env["waba.recipient"]._number_of(record)
                    or record.sudo().waba_identity
                    or "",
                }
                for record in records
            ],
            "senders": [{"id": one.id, "name": one.display_name} for one in senders],
            "sender_id": senders[:1].id,
            "template_id": self._proposed_template(senders[:1], records, sent).id,
            "document": sent.display_name if sent is not None else False,
            "problem": problem,
            "fallbacks": [
                {"kind": kind, "label": label}
                for kind, label in self.env["waba.fallback"]._kind_choices()
            ],
            "mail_templates": self.env["mail.template"].search_read(
                [("model", "=", records[0]._name)], ["name"], order="name"
            )
            if records
            else [],
        }

    @api.model
    def send_previews(self, requests):
        """The template as each person would get it, and why one cannot get it.

        :param requests: list of dict as for `conversation_template`, one per person
        :return: list of what `conversation_template` returns; only {'problem'} without a number
        """
        return [self._preview_or_problem(request) for request in requests[:MAX_PEOPLE]]

    def _preview_or_problem(self, request):
        try:
            with self.env.cr.savepoint():
                return self.conversation_template(request)
        except AccessError:
            raise
        except UserError as error:
            return {"problem": str(error)}

    @api.model
    def send_templates(self, requests):
        """Queue one template for each person; each `key` only once, however often it is sent.

        :param requests: list of dict as for `conversation_send`, with `template_id`
        :return: [{'refused': sentence or False}]
        """
        return [self._send_or_refuse(request) for request in requests[:MAX_PEOPLE]]

    def _send_or_refuse(self, request):
        key = str(request.get("key") or "")[:MAX_KEY]
        if not key or not request.get("template_id"):
            raise UserError(self.env._("The message was not sent. Reload the page and try again."))
        try:
            with self.env.cr.savepoint():
                conversation, record = self._find_or_create_conversation(
                    request, request.get("shown")
                )
                row = conversation._queue_answer(record, request, f"manual/{self.env.uid}/{key}")
        except AccessError:
            raise
        except UserError as error:
            return {"refused": str(error)}
        row = row.sudo()
        return {"refused": row.state == "skipped" and row.failure_reason}

    # === Proposal ===

    def _proposed_template(self, sender, records, document):
        """The template that users last sent to such records, in the language of this one.

        Such: in the same stage as the lead, or a document of the same kind and state. The first
        message with a document proposes one that shows it. Empty if there is none.
        """
        templates = self.env["waba.template"].sudo()
        if not sender or not records:
            return templates
        offered = self.conversation_templates(False, [records[0]._name, records[0].id], sender.id)
        offered_ids = [template["id"] for template in offered]
        subject = document if document is not None else records[0]
        languages = Counter(template["language"].split("_")[0] for template in offered[:1])
        used = [
            template
            for template in self._templates_used_for(subject, sender)
            if template.id in offered_ids
        ]
        spoken = [one for one in used if one.language.split("_")[0] in languages] or used
        if spoken or document is None:
            return spoken[0] if spoken else templates
        shows_it = templates.browse(offered_ids).filtered(
            lambda one: one.category == "utility" and _shows_document(one)
        )
        return shows_it[:1]

    def _templates_used_for(self, subject, sender):
        """Templates of the latest messages that users sent about such a record, latest first."""
        fields_ = ("document_model", "document_id")
        if subject._name in ("crm.lead", "res.partner"):
            fields_ = ("res_model", "res_id")
        rows = self.env["waba.message"].sudo().search(
            [
                ("campaign_id", "=", False),
                ("origin", "=", "manual"),
                ("kind", "=", "template"),
                ("account_id", "=", sender.account_id.id),
                (fields_[0], "=", subject._name),
            ],
            order="id desc",
            limit=LOOKED_AT,
        )  # fmt: skip
        stage = next((name for name in ("stage_id", "state") if name in subject._fields), None)
        ids = [row[fields_[1]] for row in rows]
        alike = {
            one.id
            for one in self.env[subject._name].sudo().browse(ids).exists()
            if not stage or one[stage] == subject[stage]
        }
        return [row.template_id for row in rows if row[fields_[1]] in alike]


def _shows_document(template):
    return any(
        line.component == "header" and line.kind == "document" and not line.card_number
        for line in template.variable_ids
    )
