from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import links
from .job_marks import read_checkpoint, write_checkpoint

# Clicks are counted on their links by this much of a look back: numbers are given before commits.
CLICK_OVERLAP = 1000
CLICKS_COUNTED_PARAMETER = "waba_campaign.link_clicks_counted_until"


class WabaMessage(models.Model):
    """Who followed the link of a message.

    The address is `<link's code>-<message's token>` (policy/links.py). The code alone leads to the
    target, so that an address works as long as its link exists, whatever became of the message.
    """

    _inherit = "waba.message"

    link_token = fields.Char(
        readonly=True, copy=False, help="Its part of the tracked addresses in this message."
    )
    clicked_at = fields.Datetime("Clicked at", readonly=True, help="The first click on its link.")

    _link_token_uniq = models.UniqueIndex("(link_token) WHERE link_token IS NOT NULL")
    _clicked_idx = models.Index("(campaign_id, clicked_at) WHERE clicked_at IS NOT NULL")

    @api.model
    def _resolve_link(self, text, method, user_agent, purposes=(), country_code=None):
        """Where a tracked address leads, having noted the click if it is a person's.

        :param text: the end of the address
        :return: the target with its UTM parameters; None: not a link of ours
        """
        code, token = links.split_suffix(text)
        link = self.env["link.tracker.code"].search([("code", "=", code)]).link_id if code else None
        if not link:
            return None
        if links.is_click(method, user_agent, purposes):
            message = self.search([("link_token", "=", token)])
            message._record_click(link, country_code)
        return link.redirected_url

    def _record_click(self, link, country_code=None):
        """Keep a click on `link`; of this message if it is still known.

        Without the visitor's address: whose click it is, is known without it. By a statement, for
        the ORM would count the link's clicks in the same transaction, and every click of a campaign
        would wait for one row; `_count_link_clicks` counts them.
        """
        country = self.env["res.country"]
        if country_code:
            country = country.search([("code", "=", country_code.upper())], limit=1)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """INSERT INTO link_tracker_click
                          (link_id, campaign_id, country_id, waba_message_id, create_date,
                           write_date)
                   VALUES (%s, %s, %s, %s, %s, %s)""",
                link.id,
                link.campaign_id.id or None,
                country.id or None,
                self.id or None,
                self.env.cr.now(),
                self.env.cr.now(),
            )
        )
        if self and not self.clicked_at:
            self.clicked_at = fields.Datetime.now()

    @api.model
    def _count_link_clicks(self):
        """Bring the number of clicks of each link up to date."""
        until = int(read_checkpoint(self.env, CLICKS_COUNTED_PARAMETER) or 0)
        [[last]] = self.env.execute_query(SQL("SELECT max(id) FROM link_tracker_click"))
        if not last or last == until:
            return
        self.env.cr.execute(
            SQL(
                """WITH changed AS (SELECT DISTINCT link_id FROM link_tracker_click
                                     WHERE id > %s)
                   UPDATE link_tracker l SET count = counted.clicks
                     FROM (SELECT c.link_id, count(*) AS clicks FROM link_tracker_click c
                            WHERE c.link_id IN (SELECT link_id FROM changed)
                         GROUP BY c.link_id) AS counted
                    WHERE l.id = counted.link_id AND l.count IS DISTINCT FROM counted.clicks""",
                until - CLICK_OVERLAP,
            )
        )
        self.env["link.tracker"].invalidate_model(["count"])
        write_checkpoint(self.env, CLICKS_COUNTED_PARAMETER, last)


class LinkTrackerClick(models.Model):
    _name = "link.tracker.click"
    _inherit = ["link.tracker.click", "waba.system.fields.mixin"]

    waba_message_id = fields.Many2one(
        "waba.message", "WhatsApp message", readonly=True, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
