from odoo import models

from ..policy import ab_test
from .waba_reputation_words import format_number, format_percent


class WabaCampaign(models.Model):
    """What is said of an A/B test: why this message won, how far it is, until when the rest waits."""

    _inherit = "waba.campaign"

    def _winner_explanation(self, verdict, parts):
        env, winner = self.env, verdict.winner.upper()
        sentences = {
            "stopped": env._("Message %s goes to the rest: the other one may not be sent any "
                             "more.", winner),
            "opt_outs": env._("Message %s goes to the rest: clearly more people asked to be left "
                              "alone after the other one.", winner),
            "better": env._("Message %s goes to the rest: it was clearly received better.", winner),
            "slightly": env._("Message %s goes to the rest: its figure is the better one, but the "
                              "difference is small enough to be chance.", winner),
            "equal": env._("Message %s goes to the rest: both were received alike.", winner),
            "thin": env._("Message %(winner)s goes to the rest, though too few people were "
                          "reached to tell (%(least)s of each are needed).",
                          winner=winner, least=ab_test.MIN_TEST_RECIPIENTS),
        }  # fmt: skip
        return f"{sentences[verdict.ground]} {self._ab_test_figures(parts)}"

    def _ab_test_figures(self, parts):
        """A: 41.0 % of 195 read it; B: 38.2 % of 199."""
        words = {
            "read": self.env._("Read: A %(a)s, B %(b)s."),
            "reply": self.env._("Answered: A %(a)s, B %(b)s."),
        }[self.ab_criterion]
        return words % {
            variant: self.env._(
                "%(rate)s of %(base)s",
                rate=format_percent(self.env, part.rate(self.ab_criterion) or 0),
                base=format_number(self.env, part.delivered),
            )
            for variant, part in parts.items()
        }

    def _ab_test_wait_reason(self):
        """The banner while only the rest is left, or False."""
        if self.state != "running" or self.trial_state not in ("sending", "waiting"):
            return False
        waiting = self.env["waba.message"].search_count(
            [("campaign_id", "=", self.id), ("state", "in", ("queued", "reserved")),
             ("retry_at", "!=", False)],
            limit=1,
        )  # fmt: skip
        return False if waiting else self._describe_running_ab_test()
