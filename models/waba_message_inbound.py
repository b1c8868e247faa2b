from odoo import api, models
from odoo.fields import Domain

from ..policy import landing
from .waba_message import (
    ACCEPTED_STATES,
    CLOCK_TOLERANCE,
    POSSIBLE_OPT_OUT,
    REPLY_PERIOD,
    REPORTED_KINDS,
)


class WabaMessage(models.Model):
    """What people write to us."""

    _inherit = "waba.message"

    @api.model
    def _receive_inbound(self, sender, item, at):
        """Keep an inbound message, show it on the person's record, apply an opt-out request.

        :param item: cloud_api.InboundMessage
        :param at: naive UTC datetime when it was written
        """
        people = self.env["waba.recipient"]
        if item.kind == "system":
            person = people._apply_identity_change(sender.portfolio_id, item)
        else:
            person = people._find_or_create_person(
                sender.portfolio_id, item.number, item.user_uid, item.profile_name
            )
        answered = self._find_answered_message(sender, person, item, at)
        is_written = item.kind not in REPORTED_KINDS
        if is_written:
            answered._record_reply(at)
        rung, record = person._route_inbound(sender, item, answered)
        message = self._create_inbound(sender, person, item, at, answered, record)
        if is_written:
            conversation = self.env["waba.conversation"]._register_inbound(
                sender, person, at, message
            )
        message._create_inbound_media(item)
        message._post_inbound_note(is_new=rung == landing.NEW_LEAD)
        message._apply_inbound_preference(at)
        if is_written:
            message._answer_automatically(conversation, at)
            conversation._notify_viewers()
            message._on_inbound()
        return message

    @api.model
    def _create_inbound(self, sender, person, item, at, answered, record):
        return self.create(
            {
                "direction": "in",
                "state": "received",
                "wamid": item.wamid or False,
                "account_id": sender.account_id.id,
                "sender_id": sender.id,
                "recipient_id": person.id,
                "company_id": sender.company_id.id,
                "user_id": self._responsible_user(record, answered),
                "number": person.number,
                "person_name": person.name or (record.display_name if record else False),
                "res_model": record._name if record else False,
                "res_id": record.id if record else False,
                "kind": item.kind,
                "category": "service",
                "text": item.text or f"[{item.kind}]",
                "payload": item.payload or False,
                "about_wamid": item.context_wamid or False,
                "details": item.details or False,
                "reply_to_id": answered.id,
                "sent_at": at,
            }
        )

    @api.model
    def _find_answered_message(self, sender, person, item, at):
        """Our message that this one answers: the quoted one, else the last of the days before."""
        ours = Domain("recipient_id", "=", person.id) & Domain("direction", "=", "out")
        if item.context_wamid:
            # Of an account that the same signature vouches for.
            reach = Domain("account_id", "in", sender.account_id._same_app_accounts().ids)
            quoted = self.search(ours & reach & Domain("wamid", "=", item.context_wamid), limit=1)
            if quoted:
                return quoted
        # A message settled by its statuses alone has no time of acceptance.
        on_its_way = Domain.OR(
            Domain(name, ">=", at - REPLY_PERIOD) & Domain(name, "<=", at + CLOCK_TOLERANCE)
            for name in ("accepted_at", "sent_at", "delivered_at", "read_at")
        )
        return self.search(
            ours
            & Domain("sender_id", "=", sender.id)
            & Domain("state", "in", ACCEPTED_STATES)
            & on_its_way,
            order="id desc",
            limit=1,
        )

    def _record_reply(self, at):
        for message in self:
            message.replied_at = min(message.replied_at or at, at)

    @api.model
    def _responsible_user(self, record, answered):
        if record is not None and record.user_id:
            return record.user_id.id
        return answered.user_id.id

    def _apply_inbound_preference(self, at):
        """STOP, BAJA, our own button… : no more promotions, from this moment. What may mean it is
        asked about."""
        self.ensure_one()
        person, self.wish = self.recipient_id, self._detect_preference()
        source = "button" if self.payload else "reply"
        evidence = self.env._('They wrote "%s".', self.text)
        if self.wish == "opt_out":
            person._set_marketing_state("opted_out", source, evidence, at=at, message=self)
        elif self.wish == POSSIBLE_OPT_OUT:
            person._flag_possible_opt_out(self, at)
        elif (
            self.wish == "opt_in"
            and person._consent_state("marketing", self.company_id) == "opted_out"
        ):
            person._set_marketing_state("opted_in", source, evidence, at=at, message=self)
