from odoo import models


class WabaWebhookEvent(models.Model):
    """What people write to us, and what they want."""

    _inherit = "waba.webhook.event"

    def _apply_inbound(self, account, item):
        """Someone wrote: open the window, show it on their record, honour a wish to stop."""
        messages = self.env["waba.message"]
        if item.wamid and messages.search_count([("wamid", "=", item.wamid)], limit=1):
            return None
        # An archived number sends nothing, but what people write to it still counts.
        senders = self.env["waba.sender"].with_context(active_test=False)
        sender = senders.search(
            [("phone_number_uid", "=", item.phone_number_uid), ("account_id", "=", account.id)]
        )
        if not sender:
            self._poll_soon()
            return self.env._("The number with the ID %s is not known here.", item.phone_number_uid)
        if not (item.number or item.user_uid):
            return self.env._("The message does not say who wrote it.")
        messages._receive(sender, item, item.at or self.received_at)
        return None

    def _apply_preference(self, account, item):
        """WhatsApp's own control: stop or resume promotions."""
        target = {"stop": "opted_out", "resume": "opted_in"}.get(item.value)
        if not target or item.category not in ("marketing_messages", ""):
            return self.env._(
                "The preference %(category)s: %(value)s is not one that we follow.",
                category=item.category,
                value=item.value,
            )
        if not account.portfolio_id or not (item.number or item.user_uid):
            return self.env._("The preference does not say whose it is.")
        person = self.env["waba.recipient"]._find_or_create_person(
            account.portfolio_id, item.number, item.user_uid
        )
        company = account.company_id
        is_late = person._has_newer_consent(item.at, company=company)
        person._set_marketing_state(
            target, "whatsapp", item.detail or item.value, at=item.at, company=company
        )
        return self.env._("The person said something newer before.") if is_late else None

    def _apply_person_report(self, account, item):
        """A provider says that someone blocked or reported us: no promotions to them from now on.

        Unblocking is no consent to promotions: what they had said before is not brought back.
        """
        if item.action not in ("block", "report"):
            return None
        if not account.portfolio_id or not (item.number or item.user_uid):
            return self.env._("The report does not say whose it is.")
        person = self.env["waba.recipient"]._find_or_create_person(
            account.portfolio_id, item.number, item.user_uid
        )
        company = account.company_id
        is_late = person._has_newer_consent(item.at, company=company)
        evidence = self.env._("Their provider says: %s.", f"{item.action} {item.reason}".strip())
        person._set_marketing_state("opted_out", "provider", evidence, at=item.at, company=company)
        return self.env._("The person said something newer before.") if is_late else None
