from datetime import timedelta

from odoo import api, fields, models

from .hooks import implements
from .labels import selection_label
from .languages import with_language

# What is bad about a number, mildest first; whoever heard the worse heard the milder with it.
ALERT_LEVELS = ("watch", "at_risk")
ALERT_HOLDS = ("held", "locked")
# What moves a number from one of these to another.
WATCHED_FIELDS = frozenset(
    ("state", "marketing_held", "red_released_at", "reputation_level", "quality_rating", "active")
)
ALERT_INTERVAL = timedelta(days=1)


class WabaSender(models.Model):
    """The e-mail to the managers when a number is Watch or At risk, held or locked.

    A hold or a lock is told at once, the rest at most once a day for a company; each state once:
    what was told is kept in `alerted_states` for as long as it lasts. Nothing is sent when all is
    well. Entry point: `_cron_alert`.
    """

    _inherit = "waba.sender"

    alert_email = fields.Boolean(
        "E-mail the managers",
        default=True,
        help="When our reading is Watch or At risk, and at once when promotions are held or the "
        "number is locked.",
    )
    alerted_states = fields.Char(readonly=True, copy=False)

    @implements("_on_change")
    def _update_alerts_on_change(self, names):
        if not WATCHED_FIELDS.isdisjoint(names):
            self.sudo()._update_alerts()

    def _alert_states(self):
        """What is bad about this number now: a set of READINGS and HOLDS, each with the milder."""
        self.ensure_one()
        found = set()
        if self.reputation_level in ALERT_LEVELS:
            found.update(ALERT_LEVELS[: ALERT_LEVELS.index(self.reputation_level) + 1])
        if self.state == "locked":
            found.update(ALERT_HOLDS)
        elif self._is_marketing_held():
            found.add("held")
        return found

    def _alerted_states(self):
        return set(filter(None, (self.alerted_states or "").split(",")))

    def _unalerted_states(self):
        """What is bad and was not told; nothing when this number's e-mail is switched off."""
        self.ensure_one()
        if not (self.active and self.alert_email):
            return set()
        return self._alert_states() - self._alerted_states()

    def _store_alerted_states(self, states):
        told = ",".join(sorted(states)) or False
        if told != self.alerted_states:
            self.alerted_states = told

    def _update_alerts(self):
        """Forget what is over, and have a new hold told at once."""
        for sender in self:
            sender._store_alerted_states(sender._alerted_states() & sender._alert_states())
        if any(sender._unalerted_states().intersection(ALERT_HOLDS) for sender in self):
            self.env.ref("waba_campaign.ir_cron_alert")._trigger()

    @api.model
    def _cron_alert(self):
        """Tell the managers of each company what is new and bad about its numbers."""
        now = fields.Datetime.now()
        numbers = self.search([])  # pylint: disable=no-search-all
        for company, senders in numbers.grouped("company_id").items():
            untold = senders.filtered(lambda sender: sender._unalerted_states())
            is_urgent = any(
                sender._unalerted_states().intersection(ALERT_HOLDS) for sender in untold
            )
            last = company.waba_alerted_at
            if untold and (is_urgent or not last or last <= now - ALERT_INTERVAL):
                untold._alert_managers()
                company.waba_alerted_at = now

    def _alert_managers(self):
        """One e-mail to each manager of these numbers' company, in the manager's language."""
        template = self.env.ref("waba_campaign.mail_template_reputation_alert")
        company = self.company_id
        for manager in self[:1]._find_managers().filtered("email"):
            senders = with_language(manager, self)
            template.with_context(
                lang=manager.lang, waba_alerts=[sender._describe_alert() for sender in senders]
            ).send_mail(
                company.id,
                email_values={"recipient_ids": [fields.Command.link(manager.partner_id.id)]},
            )
        for sender in self:
            sender._store_alerted_states(sender._alert_states())
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _describe_alert(self):
        """What the e-mail says of this number, as dict of str."""
        self.ensure_one()
        if self.state == "locked":
            state = self.env._("Locked")
        elif self._is_marketing_held():
            state = self.env._("Promotions held")
        else:
            state = selection_label(self.env, "reputation_level", self.reputation_level)
        return {
            "name": self.display_phone_number or self.display_name,
            "state": state,
            "rating": selection_label(self.env, "quality_rating", self.quality_rating),
            "level": selection_label(self.env, "reputation_level", self.reputation_level),
            "reading": self.reputation_reason or self.reputation_base_text or "",
            "reason": self.pause_reason or self._marketing_hold_reason() or self.response_reason
            or "",
            "outlook": self.reputation_projection or "",
        }  # fmt: skip
