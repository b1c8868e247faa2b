from datetime import datetime

from odoo import fields, models

from .waba_stop_causes import ACCOUNT_STOPS


class WabaAccount(models.Model):
    """When an account sends nothing, and when it goes on; where Meta does not let it send."""

    _inherit = "waba.account"

    stops = fields.Json(
        readonly=True,
        copy=False,
        help="Why it is stopped, each cause by itself: {cause of ACCOUNT_STOPS: {'reason': "
        "sentence, 'until': datetime as text or False}}.",
    )

    def _add_stop(self, reason, until=None, cause="refused"):
        """Nothing more is sent from this account's numbers; rows wait, none is lost.

        :param reason: sentence for people: what happened and what to do.
        :param until: naive UTC datetime when it lifts by itself, or None: its counterpart, or a
            person, must lift it.
        :param cause: a key of `ACCOUNT_STOPS`
        """
        for account in self.filtered(lambda account: account.state != "draft"):
            stops = account._active_stops()
            known = stops.get(cause)
            if known and known["reason"] != reason and _is_later_stop(known, until):
                continue
            stops[cause] = {"reason": reason, "until": fields.Datetime.to_string(until)}
            account._write_stops(stops)
            if not known or known["reason"] != reason:
                account._message_log(body=self.env._("Sending stopped: %s", reason))

    def _active_stops(self):
        """{cause: {'reason', 'until'}}; one of an earlier version has no cause."""
        self.ensure_one()
        if self.state != "stopped":
            return {}
        until = fields.Datetime.to_string(self.resume_at)
        return dict(self.stops or {"refused": {"reason": self.stop_reason, "until": until}})

    def _write_stops(self, stops):
        """Write the stops in force; the one that ends last is shown."""
        self.ensure_one()
        last = max(stops.values(), key=_stop_end, default=None)
        values = {
            "stops": stops or False,
            "state": "stopped" if stops else "connected",
            "stop_reason": last and last["reason"],
            "resume_at": last and last["until"],
        }
        if "restriction" not in stops:
            values.update(restriction=False, restricted_until=False)
        self.write(values)

    def _lift_stops(self, causes, reason):
        """Some causes are over. Sending continues if no other one stands; its numbers are woken.

        :param causes: keys of `ACCOUNT_STOPS`
        """
        for account in self.filtered(lambda account: account.state == "stopped"):
            before = account._active_stops()
            stops = {cause: stop for cause, stop in before.items() if cause not in causes}
            if len(stops) == len(before):
                continue
            account._write_stops(stops)
            if stops:
                account._message_log(
                    body=self.env._(
                        "%(reason)s Still stopped: %(other)s",
                        reason=reason,
                        other=account.stop_reason,
                    )
                )
                continue
            account._message_log(body=self.env._("Sending goes on: %s", reason))
            account.sender_ids._trigger_dispatch()

    def _resume(self, reason):
        """Lift whatever stops it, say why, and wake the numbers."""
        self._lift_stops(ACCOUNT_STOPS, reason)

    def _resume_if_due(self, now):
        """Lift the stops whose time has come."""
        for account in self.filtered(lambda account: account.state == "stopped"):
            due = [
                cause
                for cause, stop in account._active_stops().items()
                if stop["until"] and fields.Datetime.to_datetime(stop["until"]) <= now
            ]
            account._lift_stops(due, self.env._("the waiting time is over."))

    def _blocked_countries(self):
        """ISO codes of the countries Meta refused to this account."""
        return frozenset((self.blocked_country_codes or "").split())

    def _block_country(self, code):
        for account in self:
            if code and code not in account._blocked_countries():
                account.blocked_country_codes = " ".join(
                    sorted({*account._blocked_countries(), code})
                )

    def _check_operator(self):
        """A manager reads, checks and releases accounts that only an administrator may write."""
        self.check_access("read")
        if not self.env.user.has_group("waba_campaign.waba_group_manager"):
            self.check_access("write")

    def action_resume(self):
        self._check_operator()
        self.sudo()._resume(self.env._("released by %s.", self.env.user.name))


def _stop_end(stop):
    """When a stop ends; one without an end is the last."""
    return fields.Datetime.to_datetime(stop["until"]) if stop["until"] else datetime.max


def _is_later_stop(stop, until):
    """Whether a stop in force ends later than another of its cause would: a shorter one must not
    lift it."""
    return _stop_end(stop) > (until or datetime.max)
