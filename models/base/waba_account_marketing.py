"""Base: which of Meta's endpoints an account's promotions go by, and what that one is told.

Called by the sync and the webhooks (what Meta reports), by the reservation
(dispatch/waba_account_route.py), failures, numbers (why promotions wait), the diagnosis and the
account's form. policy/endpoint.py decides; docs/marketing-messages.md has Meta's facts.
"""

from odoo import api, fields, models

from ...policy import endpoint
from ..tools.moments import moment_text
from ..tools.platform_words import platform_word

ONBOARDED = "ONBOARDED"
# Values of `marketing_fallback` as Meta writes them.
PRODUCT_POLICIES = {"allowed": "CLOUD_API_FALLBACK", "strict": "STRICT"}


class WabaAccount(models.Model):
    _inherit = "waba.account"

    promotions_by = fields.Selection(
        [("cloud_api", "Cloud API"), ("marketing_api", "Marketing Messages API")],
        "Promotions go by",
        default="cloud_api",
        required=True,
        tracking=True,
    )
    marketing_fallback = fields.Selection(
        [("allowed", "Cloud API allowed"), ("strict", "Marketing API only")],
        "Fallback",
        help="Without a choice, Meta's default applies.",
    )
    activity_sharing = fields.Selection(
        [("yes", "Shared with Meta"), ("no", "Not shared")],
        "Activity sharing",
        help="Whether Meta learns who reads and clicks promotions; without a choice, as set at "
        "Meta.",
    )
    # Reported by Meta
    marketing_onboarding = fields.Char("Onboarding code", readonly=True, copy=False)
    onboarding_text = fields.Char("Marketing API", compute="_compute_onboarding_text")
    marketing_unavailable_until = fields.Datetime(
        "Refused until",
        readonly=True,
        copy=False,
        help="Meta refused the Marketing Messages API for this account (error 134102).",
    )
    currency_id = fields.Many2one(
        "res.currency", readonly=True, copy=False, help="In which Meta charges this account."
    )
    promotions_text = fields.Text("Promotions", compute="_compute_promotions_text")

    @api.depends("marketing_onboarding")
    def _compute_onboarding_text(self):
        for account in self:
            account.onboarding_text = platform_word(self.env, account.marketing_onboarding)

    @api.depends(
        "promotions_by",
        "marketing_fallback",
        "marketing_onboarding",
        "marketing_disabled",
        "marketing_unavailable_until",
    )
    def _compute_promotions_text(self):
        for account in self:
            account.promotions_text = account._promotions_problem_text()

    def action_retry_marketing_api(self):
        """Use the Marketing Messages API again before the account's time is over."""
        self._check_operator()
        for account in self.sudo().filtered("marketing_unavailable_until"):
            account.marketing_unavailable_until = False
            account._message_log(
                body=self.env._("Marketing Messages API used again: %s.", self.env.user.name)
            )
            account.sender_ids._trigger_dispatch()

    # === Route ===

    def _promotion_standing(self, now=None):
        """The account's `policy.endpoint.Standing`."""
        self.ensure_one()
        account, now = self.sudo(), now or fields.Datetime.now()
        until = account.marketing_unavailable_until
        return endpoint.Standing(
            prefers_marketing_api=account.promotions_by == "marketing_api",
            is_onboarded=account.marketing_onboarding == ONBOARDED,
            is_cloud_api_off=account.marketing_disabled,
            is_unavailable=bool(until and until > now),
            is_strict=account.marketing_fallback == "strict",
        )

    def _promotion_route(self, has_max_price=False):
        """The `policy.endpoint.Route` of this account's promotions now."""
        return endpoint.choose_endpoint("marketing", self._promotion_standing(), has_max_price)

    def _no_route_text(self, reason):
        """Why no endpoint takes promotions, as a sentence.

        :param reason: of a `policy.endpoint.Route`
        """
        account = self.sudo()
        if reason == "not_chosen":
            return self.env._(
                "A maximum price needs the Marketing Messages API, and promotions of %(account)s "
                "go by the Cloud API. An administrator can change that on the account.",
                account=account.name,
            )
        if reason == "unavailable":
            return self.env._(
                "Promotions are on hold: Meta refuses the Marketing Messages API for %(account)s. "
                "It is tried again %(when)s.",
                account=account.name,
                when=moment_text(self.env, account.marketing_unavailable_until),
            )
        if reason == "refused":
            return self.env._(
                "Meta does not count this template as a promotion, so it cannot have a maximum "
                "price. Sync the templates."
            )
        if account.marketing_disabled:
            return self.env._(
                "Promotions are on hold: Meta takes them only by the Marketing Messages API, whose "
                "terms %(account)s has not accepted. Accept them in WhatsApp Manager under "
                "Overview, then sync the account.",
                account=account.name,
            )
        return self.env._(
            "Promotions are on hold: %(account)s has not accepted the terms of the Marketing "
            "Messages API. Accept them in WhatsApp Manager under Overview, then sync the account.",
            account=account.name,
        )

    def _promotions_problem_text(self):
        """Why promotions do not go as chosen, as a sentence; False if they do."""
        standing = self._promotion_standing()
        route = endpoint.choose_endpoint("marketing", standing)
        if not route.endpoint:
            return self._no_route_text(route.reason)
        if not standing.goes_by_marketing_api or route.endpoint == endpoint.MARKETING_API:
            return False
        if standing.missing == "unavailable":
            return self.env._(
                "Promotions go by the Cloud API: Meta refuses the Marketing Messages API for this "
                "account. It is tried again %s.",
                moment_text(self.env, self.sudo().marketing_unavailable_until),
            )
        return self.env._(
            "Promotions go by the Cloud API: the terms of the Marketing Messages API are not "
            "accepted yet. Accept them in WhatsApp Manager under Overview, then sync the account."
        )

    def _marketing_options(self):
        """Options of each promotion: parameters of `cloud_api.with_marketing_options`."""
        account = self.sudo()
        sharing = {"yes": True, "no": False}.get(account.activity_sharing)
        policy = PRODUCT_POLICIES.get(account.marketing_fallback, "")
        return {"product_policy": policy, "activity_sharing": sharing}

    # === What Meta reports ===

    def _marketing_values(self, facts):
        """Field values from a `cloud_api.Account`."""
        currency = self.env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", facts.currency)], limit=1)
        values = {"marketing_disabled": facts.marketing_disabled}
        if facts.onboarding:
            values["marketing_onboarding"] = facts.onboarding
        if facts.onboarding == ONBOARDED != self.marketing_onboarding:
            values["marketing_unavailable_until"] = False
        return {**values, "currency_id": currency.id or self.currency_id.id}

    def _switch_if_cloud_api_off(self):
        """Let promotions go by the Marketing Messages API where Meta takes them by no other."""
        for account in self:
            is_onboarded = account.marketing_onboarding == ONBOARDED
            if account.marketing_disabled and is_onboarded and account.promotions_by == "cloud_api":
                account.promotions_by = "marketing_api"
                account._message_log(
                    body=self.env._(
                        "Promotions now go by the Marketing Messages API: Meta no longer takes "
                        "them by the Cloud API."
                    )
                )
                account.sender_ids._trigger_dispatch()

    def _disable_cloud_promotions(self):
        """Meta takes promotions by the Cloud API no longer (131063)."""
        self.filtered(lambda account: not account.marketing_disabled).marketing_disabled = True
        self._switch_if_cloud_api_off()

    def _set_marketing_unavailable(self, now):
        """Meta refused the Marketing Messages API for these accounts (134102).

        :param now: naive UTC datetime
        """
        for account in self:
            until = account.marketing_unavailable_until
            if until and until > now:
                continue
            account.marketing_unavailable_until = now + endpoint.UNAVAILABLE_PERIOD
            account._message_log(body=account._promotions_problem_text())

    def _sign_marketing_terms(self):
        """Meta reports that the terms of the Marketing Messages API were accepted."""
        self.write({"marketing_onboarding": ONBOARDED, "marketing_unavailable_until": False})
        self._switch_if_cloud_api_off()
        self.sender_ids._trigger_dispatch()
