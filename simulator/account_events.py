"""Changes of numbers, limits and accounts, with the webhooks Meta sends for them.

Sources: Meta's webhook reference pages business_capability_update (2026-05-21),
phone_number_quality_update (2026-09), account_update (2026-09), account_alerts (2025-10-22).
A change of a number's quality rating has no webhook since October 2025: it must be polled.
"""

from .webhook_bodies import Update

TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1000, "TIER_2K": 2000, "TIER_10K": 10000,
         "TIER_100K": 100000, "TIER_UNLIMITED": -1}
NUMBER_FIELDS = ("quality_rating", "status", "name_status", "code_verification_status",
                 "is_on_biz_app", "registered", "maintenance", "messages_per_second",
                 "account_mode", "platform_type")
ACCOUNT_FIELDS = ("account_review_status", "disable_marketing_messages_on_cloud_api",
                  "marketing_messages_onboarding_status", "marketing_unavailable",
                  "max_price_agreement", "currency", "billing_problem", "misclassified")


class AccountEvents:
    """What the control paths number, limit and account do."""

    def __init__(self, world, delivery):
        self.world = world
        self.delivery = delivery

    def number(self, values):
        """``id`` and any of NUMBER_FIELDS (silent); ``throughput_level``, ``verified_name`` (with
        ``decision``), ``security_event`` (with ``requester``) send their webhook."""
        values = dict(values)
        number = self.world.numbers[values.pop("id")]
        level, name = values.pop("throughput_level", None), values.pop("verified_name", None)
        event, requester = values.pop("security_event", None), values.pop("requester", "")
        decision = values.pop("decision", "APPROVED")
        _set(number, values, NUMBER_FIELDS)
        if level:
            upgraded = level == "HIGH" and number.throughput_level != "HIGH"
            number.throughput_level = level
            if upgraded:
                self._throughput_upgrade(number)
        if name:
            self._name_decided(number, name, decision)
        if event:
            value = {"display_phone_number": number.digits, "event": event}
            self._send(number.account_id, "security",
                       {**value, "requester": requester} if requester else value)
        return {"ok": True}

    def limit(self, values):
        """``limit`` (TIER_…) of ``business_id`` (default: the first). ``shape`` of the figure in
        the webhook: int, string, tier; ``webhook`` false keeps it silent."""
        business = (self.world.businesses[values["business_id"]] if "business_id" in values
                    else next(iter(self.world.businesses.values())))
        business.messaging_limit = values["limit"]
        if not values.get("webhook", True):
            return {"ok": True}
        amount = TIERS[values["limit"]]
        shapes = {"int": amount, "string": "UNLIMITED" if amount < 0 else str(amount),
                  "tier": values["limit"]}
        value = {"max_daily_conversations_per_business": shapes[values.get("shape", "int")]}
        # Meta names the per-business cap only while the limit is 250.
        if amount == 250:
            value["max_phone_numbers_per_business"] = 2
        else:
            value["max_phone_numbers_per_waba"] = 20
        for account in self.world.accounts.values():
            if account.business_id == business.id:
                self._send(account.id, "business_capability_update", value)
        return {"ok": True}

    def account(self, values):
        """``id`` and any of: ``restriction`` {type, seconds}, ``lift``, ``violation``, ``ban``
        (SCHEDULE_FOR_DISABLE, DISABLE, REINSTATE), ``review`` (decision), ``alert`` {alert_type,
        …}, ``event`` (a bare account_update), ``tier`` {tier, region, month}, ACCOUNT_FIELDS
        (silent)."""
        values = dict(values)
        account = self.world.accounts[values.pop("id")]
        steps = {"restriction": self._restrict, "violation": self._violation, "ban": self._ban,
                 "review": self._review, "alert": self._alert, "event": self._simple_event,
                 "lift": self._lift, "tier": self._tier}
        chosen = {name: values.pop(name) for name in steps if name in values}
        _set(account, values, ACCOUNT_FIELDS)
        for name, value in chosen.items():
            steps[name](account, value)
        return {"ok": True}

    # ---- numbers ------------------------------------------------------------------------------

    def _throughput_upgrade(self, number):
        business = self.world.businesses[self.world.find_account(number).business_id]
        self._send(number.account_id, "phone_number_quality_update", {
            "display_phone_number": number.digits, "event": "THROUGHPUT_UPGRADE",
            "current_limit": business.messaging_limit,
            "max_daily_conversations_per_business": business.messaging_limit})

    def _name_decided(self, number, name, decision):
        number.name_status = decision
        if decision == "APPROVED":
            number.verified_name = name
        reason = "NONE" if decision == "APPROVED" else "NAME_EMPLOYEE_OR_PERSON"
        self._send(number.account_id, "phone_number_name_update", {
            "display_phone_number": number.digits, "decision": decision,
            "requested_verified_name": name, "rejection_reason": reason})

    # ---- accounts -----------------------------------------------------------------------------

    def _restrict(self, account, value):
        restriction = {"restriction_type": value["type"]}
        if value.get("seconds") is not None:
            restriction["expiration"] = int(self.world.clock.now() + value["seconds"])
        account.restrictions.append(restriction)
        self._send(account.id, "account_update", {
            "event": "ACCOUNT_RESTRICTION", "restriction_info": [dict(restriction)]})

    def _lift(self, account, _value):
        """Restrictions end without a webhook."""
        account.restrictions.clear()

    def _violation(self, account, kind):
        self._send(account.id, "account_update", {
            "event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": kind}})

    def _ban(self, account, state):
        account.ban_state = "" if state == "REINSTATE" else state
        self._send(account.id, "account_update", {
            "event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": state, "waba_ban_date": "October 17, 2026"}})

    def _review(self, account, decision):
        account.account_review_status = decision
        self._send(account.id, "account_review_update", {"decision": decision})

    def _alert(self, account, value):
        info = {"alert_severity": "WARNING", "alert_status": "ACTIVE",
                "alert_description": "Your business is not eligible for more messages yet.",
                **value}
        self._send(account.id, "account_alerts", {
            "entity_type": "BUSINESS", "entity_id": account.business_id, "alert_info": info})

    def _tier(self, account, value):
        """A volume tier is reached: ``tier``, ``region``, ``pricing_category``, ``month``."""
        self._send(account.id, "account_update", {
            "event": "VOLUME_BASED_PRICING_TIER_UPDATE", "volume_tier_info": {
                "tier_update_time": int(self.world.clock.now()), "region": value["region"],
                "pricing_category": value.get("pricing_category", "UTILITY"),
                "tier": value["tier"], "effective_month": value["month"]}})

    def _simple_event(self, account, event):
        self._send(account.id, "account_update", {"event": event})

    def _send(self, account_id, field, value):
        self.delivery.enqueue_update(Update(account_id, field, value, self.world.clock.now()))


def _set(target, values, allowed):
    for name, value in values.items():
        if name not in allowed:
            raise KeyError(name)
        setattr(target, name, value)
