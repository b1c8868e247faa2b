"""Conversation: what was said before the number was connected, from the WhatsApp Business app.

Called by the webhook job for each chunk (waba_webhook_coexistence.py). The past is only shown: it
opens no reply window, opts nobody out, makes no lead, notifies nobody and counts in no figure.
"""

from odoo import api, fields, models
from odoo.fields import Domain

from ...policy import media as media_policy
from ...policy import numbers as number_policy
from ..consent.waba_recipient import recipients_with_numbers


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    @api.model
    def _import_history(self, sender, past):
        """Store old messages that are not known yet; add files that are described later.

        :param past: cloud_api.PastMessage objects, in any order
        :return: those that belong to no known person or message
        """
        known = self._known_messages(sender, past)
        people = self._find_past_people(sender, {m.number for m in past if m.number})
        rows, media, left, seen = [], [], [], set()
        for message in past:
            if message.wamid in seen:
                continue
            seen.add(message.wamid)
            if row := known.get(message.wamid):
                row._describe_past(message)
            elif person := people.get(message.number):
                rows.append(self._past_values(sender, person, message))
                media.append(message)
            else:
                left.append(message)
        for row, message in zip(self.env["waba.message"].create(rows), media, strict=True):
            row._create_past_media(message)
        self._create_pairs(sender, {values["recipient_id"] for values in rows})
        return left

    @api.model
    def _known_messages(self, sender, past):
        found = self.env["waba.message"].search(
            [
                ("wamid", "in", [message.wamid for message in past]),
                ("account_id", "in", sender.account_id._same_app_accounts().ids),
            ]
        )
        return {message.wamid: message for message in found}

    @api.model
    def _find_past_people(self, sender, given):
        """{number as given: waba.recipient} of those that Odoo knows; of all, by the setting.

        :param given: numbers as WhatsApp writes them
        """
        people, portfolio = self.env["waba.recipient"], sender.portfolio_id
        ours = self.env["waba.sender"]._filter_own_numbers(given)
        canonical = {
            number: canonical
            for number in given - set(ours)
            if (canonical := number_policy.canonical_number(number))
        }
        if sender.company_id.waba_app_people:
            wanted = set(canonical.values())
        else:
            wanted = self._known_numbers(sender, set(canonical.values()) | set(canonical))
        found = people._find_or_create_by_number(portfolio, list(wanted))
        return {
            number: found[one] for number, one in canonical.items() if found.get(one)
        }  # fmt: skip

    @api.model
    def _known_numbers(self, sender, given):
        """Those of these E.164 numbers that a recipient, lead or contact of the company has."""
        people = self.env["waba.recipient"].search(
            recipients_with_numbers(given) & Domain("portfolio_id", "=", sender.portfolio_id.id)
        )
        known = {form for person in people for form in person._number_forms()}
        for model in ("crm.lead", "res.partner"):
            records = self.env[model].search_fetch(
                [
                    ("phone_sanitized", "in", list(given)),
                    ("company_id", "in", (False, sender.company_id.id)),
                ],
                ["phone_sanitized"],
            )
            known |= set(records.mapped("phone_sanitized"))
        return {
            number_policy.canonical_number(number) for number in known & given
        } - {""}  # fmt: skip

    @api.model
    def _past_values(self, sender, person, message):
        return {
            "direction": "past_out" if message.is_ours else "past_in",
            "origin": "app" if message.is_ours else False,
            "state": "received",
            "wamid": message.wamid,
            "account_id": sender.account_id.id,
            "sender_id": sender.id,
            "recipient_id": person.id,
            "company_id": sender.company_id.id,
            "number": person.number,
            "person_name": person.name,
            "kind": message.kind,
            "category": "service",
            "text": message.text or f"[{message.kind}]",
            "about_wamid": message.context_wamid or False,
            "details": message.details or False,
            "sent_at": message.at,
        }

    @api.model
    def _create_pairs(self, sender, person_ids):
        """A conversation for each of these people, without reply window, if there is none."""
        there = self.search(
            [("sender_id", "=", sender.id), ("recipient_id", "in", list(person_ids))]
        )
        self.create(
            [
                {"sender_id": sender.id, "recipient_id": id_}
                for id_ in sorted(person_ids - set(there.recipient_id.ids))
            ]
        )


class WabaMedia(models.Model):
    _inherit = "waba.media"

    @api.model
    def _create_past(self, message, file):
        """The row of a file that WhatsApp still has, about 14 days back; the job downloads it."""
        self.create(
            {
                "message_id": message.id,
                "media_uid": file.uid,
                "name": file.filename or message._file_name(file.mimetype),
                "mimetype": media_policy.base_type(file.mimetype),
                "sha256": file.sha256,
                "expires_at": fields.Datetime.now() + media_policy.INBOUND_LIFE,
            }
        )
        self._transfer_cron()._trigger()
