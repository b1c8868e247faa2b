from odoo import api, fields, models

from ..policy import limits
from ..policy import warm_up as warm_up_policy
from .hooks import implements
from .waba_reputation_words import format_number


class WabaSender(models.Model):
    """A warm-up: a new number, or one whose limit rose, writes to more people each healthy day.

    A number is new while Meta has not rated it and nothing left it from here: one that has been in
    use elsewhere has a rating when it is connected.
    """

    _inherit = "waba.sender"

    warm_up_limit_now = fields.Integer(
        "People a day while it warms up", compute="_compute_warm_up_limit_now"
    )

    @api.depends("warm_up_people", "warm_up_step", "warm_up_growth", "portfolio_id.messaging_limit",
                 "portfolio_id.daily_cap")  # fmt: skip
    def _compute_warm_up_limit_now(self):
        for sender in self:
            warm_up = sender._current_warm_up()
            sender.warm_up_limit_now = warm_up and warm_up_policy.warm_up_limit(
                warm_up, sender.portfolio_id._people_limit(), sender._response_settings()
            )

    def _store_warm_up(self, warm_up):
        self.write(
            {
                "warm_up_people": warm_up.first if warm_up else 0,
                "warm_up_step": warm_up.step if warm_up else 0,
                "warm_up_stepped_at": warm_up.stepped_at if warm_up else False,
            }
        )

    def _start_warm_up(self, previous_limit=None, is_new=False):
        """Begin small, where that is called for; a warm-up under way goes on with the new limit.

        :param previous_limit: people in 24 h before the limit rose, None: without limit
        """
        for sender in self.filtered(lambda sender: sender.warm_up and not sender.warm_up_people):
            warm_up = warm_up_policy.start_warm_up(
                sender.portfolio_id._people_limit(),
                previous_limit,
                fields.Datetime.now(),
                sender._response_settings(),
                is_new=is_new,
            )
            if warm_up:
                sender._store_warm_up(warm_up)
                sender._apply_current_response()

    def _start_warm_up_if_new(self):
        """At the first reading of a number."""
        is_used = self.env["waba.message"].search_count([("sender_id", "=", self.id)], limit=1)
        if self.quality_rating == "unknown" and not is_used:
            self._start_warm_up(is_new=True)

    def _advance_warm_up(self, judgement):
        """A step up, back, or out of a warm-up, as the number fares.

        :param judgement: policy.reputation.Judgement
        """
        before, now = self._current_warm_up(), fields.Datetime.now()
        if not before:
            return
        limit, settings = self.portfolio_id._people_limit(), self._response_settings()
        after = self.warm_up and warm_up_policy.advance_warm_up(
            before,
            limit,
            self._count_own_recipients(now),
            judgement.level,
            judgement.rating,
            now,
            settings,
        )
        if after == before:
            return
        people = warm_up_policy.warm_up_limit(before, limit, settings)
        self._store_warm_up(after or None)
        if not after:
            self._message_log(body=self.env._("The warm-up is over."))
        elif after.step != before.step:
            self._record_warm_up_step(people, self.warm_up_limit_now)

    def _record_warm_up_step(self, before, after):
        self._record_response(
            "response_warm_up",
            self.env._(
                "Warm-up: %(before)s → %(after)s people a day.",
                before=format_number(self.env, before),
                after=format_number(self.env, after),
            ),
            value_before=str(before),
            value_after=str(after),
        )
        self._trigger_dispatch()


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    @implements("_on_limit_change")
    def _grow_into_limit(self, before):
        """A limit that rose is not used at once: each number grows into it."""
        # The first reading of a limit is no rise.
        if before != "unknown":
            previous = limits.people_limit(before, self.daily_cap)
            self.sender_ids._start_warm_up(previous)
