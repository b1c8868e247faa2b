"""Reputation: comparison of templates by block rate, the only data on blocks that Meta gives.

Called by the daily job `_cron_compare`. Meta gives an order without rates; see
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-comparison
"""

import itertools
import logging
import time
import uuid
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.tools import SQL

from ...cloud_api import CloudApiError
from ..tools.transactions import commit_step

_logger = logging.getLogger(__name__)

# Meta compares templates with at least 1,000 sends in the window, which is 7, 30, 60 or 90 days
# (Template comparison, 2026-06-24).
COMPARED_SENDS = 1000
COMPARED_DAYS = 30
# All pairs of ten templates.
MAX_PAIRS = 45


class WabaAccount(models.Model):
    _inherit = "waba.account"

    @api.model
    def _cron_compare(self):
        """Compare the templates of each connected account."""
        accounts = self.search([("state", "=", "connected"), ("access_token", "!=", False)])
        for account in accounts._iterate_committed():
            account._compare_templates()

    def _compare_templates(self):
        """Query the order of each pair of frequently sent templates, the most sent ones first."""
        self.ensure_one()
        end = int(time.time())
        start = end - int(timedelta(days=COMPARED_DAYS).total_seconds())
        pairs = itertools.islice(itertools.combinations(self._most_sent_templates(), 2), MAX_PAIRS)
        client = self._client()
        for one, other in pairs:
            try:
                found = client.compare_templates(one.template_uid, other.template_uid, start, end)
            except CloudApiError as error:
                # Meta counts sends differently, so a pair may have too few of them there.
                _logger.info("waba.account %s: %s / %s: %s", self.id, one.name, other.name, error)
                continue
            commit_step(self.env, partial(self._record_comparison, one, other, found), processed=0)

    def _most_sent_templates(self):
        """Return the templates with enough sends in the window, the most sent ones first."""
        self.env["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT template_id FROM waba_message
                    WHERE account_id = %s AND direction = 'out' AND accepted_at > %s
                      AND template_id IS NOT NULL
                 GROUP BY template_id HAVING count(*) >= %s ORDER BY count(*) DESC, template_id""",
                self.id,
                fields.Datetime.now() - timedelta(days=COMPARED_DAYS),
                COMPARED_SENDS,
            )
        )
        return self.env["waba.template"].browse([id_ for (id_,) in rows])

    def _record_comparison(self, one, other, found):
        """Record the order of two templates if it changed.

        One of two templates always comes second, so the order alone is no bad sign for either.

        :param found: cloud_api.TemplateComparison
        """
        known = {template.template_uid: template for template in (one, other)}
        order = [known[uid] for uid in found.block_rate_order if uid in known]
        if len(order) != 2:
            return
        less, more = order
        reasons = found.top_block_reason
        result = (
            f"{less.template_uid} {reasons.get(less.template_uid, '')} < "
            f"{more.template_uid} {reasons.get(more.template_uid, '')}"
        )
        events = self.env["waba.reputation.event"]
        pair = "/".join(sorted(known))
        last = events.search(
            [("kind", "=", "block_order"), ("event_key", "=like", f"compare:{pair}:%")],
            order="at desc, id desc",
            limit=1,
        )
        if last.value_after == result:
            return
        events._record_events(
            [
                {
                    "kind": "block_order",
                    "source": "poll",
                    "template_id": more.id,
                    "value_before": last.value_after,
                    "value_after": result,
                    "raw": found.raw,
                    "detail": self.env._(
                        "%(more)s was blocked more often than %(less)s, last %(days)s days (Meta "
                        "gives no rates). Top block reason: %(reason)s (%(less)s: "
                        "%(other_reason)s).",
                        days=COMPARED_DAYS,
                        more=more.display_name,
                        less=less.display_name,
                        reason=reasons.get(more.template_uid) or "–",
                        other_reason=reasons.get(less.template_uid) or "–",
                    ),
                    "event_key": f"compare:{pair}:{uuid.uuid4().hex}",
                }
            ]
        )
