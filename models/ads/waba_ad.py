"""Ads: the ads and posts that people came from, by the first message after their click.

Called by the hooks of inbound messages; the job ir_cron_ad_pictures loads the pictures.
"""

import base64
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import LazyTranslate
from odoo.tools.mimetypes import guess_mimetype

from ...cloud_api import AddressRefused, CloudApiError, fetch_picture
from ...policy import media as media_policy
from ..tools.hooks import implements
from ..tools.labels import NO_CAMPAIGN, list_action
from ..tools.transactions import commit_step

_lt = LazyTranslate(__name__)
_logger = logging.getLogger(__name__)

# Names of utm.source, by what Meta says of the click; without its word, that of the chat.
SOURCES = {"ad": "Facebook/Instagram ad", "post": "Facebook/Instagram post"}
# The address is valid for a while only, so later attempts are no use.
PICTURE_TRIES = 4


class WabaAd(models.Model):
    """One ad or post of an account, known since somebody wrote after clicking it.

    All but `utm_campaign_id` is what Meta says with a click; the latest word counts. Impressions
    and costs are not part of it. Entry point: `_find_or_create`.
    """

    _name = "waba.ad"
    _description = "WhatsApp Ad"
    _inherit = ["waba.system.fields.mixin"]
    _order = "last_message_at desc, id desc"
    _rec_name = "headline"

    account_id = fields.Many2one(
        "waba.account", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True)
    ad_uid = fields.Char("Meta ID", required=True, readonly=True)
    source_type = fields.Selection(
        [("ad", "Ad"), ("post", "Post")],
        "Type",
        readonly=True,
        falsy_value_label=_lt("Unknown type"),  # pylint: disable=translation-field
    )
    headline = fields.Char(readonly=True)
    body = fields.Text("Text", readonly=True)
    welcome_text = fields.Text("Greeting", readonly=True)
    source_url = fields.Char("Link", readonly=True)
    media_type = fields.Selection(
        [("image", "Picture"), ("video", "Video")], "Media", readonly=True
    )
    video_url = fields.Char("Video link", readonly=True)
    first_message_at = fields.Datetime("First message", readonly=True)
    last_message_at = fields.Datetime("Last message", readonly=True)
    utm_campaign_id = fields.Many2one(
        "utm.campaign",
        "UTM campaign",
        ondelete="set null",
        falsy_value_label=NO_CAMPAIGN,
        index="btree_not_null",
        help="New leads from this ad are assigned to it.",
    )
    # Picture
    picture = fields.Image(max_width=1024, max_height=1024, readonly=True)
    picture_url = fields.Char(readonly=True, help="Where Meta has the picture, for a while.")
    picture_state = fields.Selection(
        [("none", "No picture"), ("pending", "Loading"), ("done", "Available"),
         ("failed", "Not available")],
        default="none",
        required=True,
        readonly=True,
    )  # fmt: skip
    picture_reason = fields.Char(readonly=True)
    picture_attempts = fields.Integer(readonly=True, default=0, aggregator=None)
    picture_retry_at = fields.Datetime(readonly=True)
    # Results
    conversation_count = fields.Integer("Conversations", compute="_compute_counts")
    lead_count = fields.Integer("Leads", compute="_compute_counts")
    won_count = fields.Integer("Won leads", compute="_compute_counts")

    _ad_uniq = models.UniqueIndex("(account_id, ad_uid)")
    _picture_idx = models.Index("(picture_retry_at, id) WHERE picture_state = 'pending'")

    @api.depends("headline", "ad_uid")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for ad in self:
            ad.display_name = ad.headline or self.env._("Ad %s", ad.ad_uid or "")

    @api.depends_context("uid")
    def _compute_counts(self):
        """What the user may read of them."""
        leads = self.env["crm.lead"].with_context(active_test=False)
        by_status = leads._read_group(
            [("waba_ad_id", "in", self.ids)], ["waba_ad_id", "won_status"], ["__count"]
        )
        talks = self.env["waba.conversation"]._read_group(
            [("ad_id", "in", self.ids)], ["ad_id"], ["__count"]
        )
        talks = dict(talks)
        for ad in self:
            found = {status: count for one, status, count in by_status if one == ad}
            ad.conversation_count = talks.get(ad, 0)
            ad.lead_count = sum(found.values())
            ad.won_count = found.get("won", 0)

    def action_view_conversations(self):
        self.ensure_one()
        return list_action(self.env, "waba_conversation_action", [("ad_id", "=", self.id)])

    def action_view_leads(self):
        """Open the leads that came from this ad, won and lost ones too."""
        self.ensure_one()
        return self._leads_action([("waba_ad_id", "=", self.id)])

    def action_view_won(self):
        self.ensure_one()
        return self._leads_action([("waba_ad_id", "=", self.id), ("won_status", "=", "won")])

    def _leads_action(self, domain):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Leads"),
            "res_model": "crm.lead",
            "view_mode": "list,kanban,form",
            "domain": domain,
            "context": {"active_test": False},
        }

    # === Clicks ===

    @api.model
    def _find_or_create(self, account, referral, at):
        """The ad of a referral, with what Meta says of it now; empty if it names none.

        :param referral: cloud_api.Referral
        :param at: naive UTC datetime of the message
        """
        if not referral.source_uid:
            return self.browse()
        ad = self.search(
            [("account_id", "=", account.id), ("ad_uid", "=", referral.source_uid)], limit=1
        )
        told = {
            "source_type": referral.source_type,
            "headline": referral.headline,
            "body": referral.body,
            "welcome_text": referral.welcome_text,
            "source_url": referral.source_url,
            "media_type": referral.media_type,
            "video_url": referral.video_url,
        }
        values = {name: value for name, value in told.items() if value}
        if not ad:
            values |= {"account_id": account.id, "ad_uid": referral.source_uid}
            ad = self.create({**values, "first_message_at": at, "last_message_at": at})
        else:
            values["first_message_at"] = min(ad.first_message_at or at, at)
            values["last_message_at"] = max(ad.last_message_at or at, at)
            changed = {name: value for name, value in values.items() if ad[name] != value}
            if changed:
                ad.write(changed)
        if referral.picture_url and not ad.picture:
            ad._queue_picture(referral.picture_url)
        return ad

    def _lead_values(self, referral):
        """Values of `utm.mixin` by what Meta says of the click."""
        leads = self.env["crm.lead"]
        values = {"waba_ad_id": self.id, "waba_ctwa_clid": referral.click_uid or False}
        if name := SOURCES.get(referral.source_type):
            values["source_id"] = leads._find_or_create_record("utm.source", name).id
        if self.utm_campaign_id:
            values["campaign_id"] = self.utm_campaign_id.id
        return values

    # === Picture ===

    def _queue_picture(self, url):
        """Load the picture from `url`, unless that has already been tried in vain."""
        if self.picture_url == url and self.picture_state != "none":
            return
        self.write(
            {
                "picture_url": url,
                "picture_state": "pending",
                "picture_reason": False,
                "picture_attempts": 0,
                "picture_retry_at": fields.Datetime.now(),
            }
        )
        self._picture_cron()._trigger()

    @api.model
    def _picture_cron(self):
        return self.env.ref("waba_campaign.ir_cron_ad_pictures").sudo()

    @api.model
    def _cron_load_pictures(self):
        """Load the pictures that are due, one at a time; then schedule the next run."""
        pending = [("picture_state", "=", "pending")]
        due = self.search([*pending, ("picture_retry_at", "<=", fields.Datetime.now())], limit=50)
        for ad in due:
            commit_step(self.env, ad._start_picture)
            content, reason = ad._fetch_picture()
            commit_step(self.env, lambda ad=ad, c=content, r=reason: ad._end_picture(c, r), 1)
        waiting = self.search(pending, order="picture_retry_at, id", limit=1)
        if waiting:
            self._picture_cron()._trigger(at=max(waiting.picture_retry_at, fields.Datetime.now()))

    def _start_picture(self):
        """Count the attempt before it begins: a picture that kills the worker is given up too."""
        attempt, now = self.picture_attempts + 1, fields.Datetime.now()
        self.write(
            {
                "picture_attempts": attempt,
                "picture_retry_at": media_policy.next_attempt(attempt, now, None),
            }
        )

    def _fetch_picture(self):
        """(content, False) or (None, why not); writes nothing."""
        account = self.account_id
        try:
            content = fetch_picture(
                self.picture_url,
                media_policy.MAX_BYTES["image"],
                allowed=account._allowed_addresses(),
                may_be_local=account.is_simulated,
            )
        except (AddressRefused, CloudApiError) as error:
            return None, str(error)[:200]
        if guess_mimetype(content, default="") not in media_policy.INLINE_TYPES:
            return None, self.env._("The file is no picture.")
        return content, False

    def _end_picture(self, content, reason):
        if content is not None:
            try:
                with self.env.cr.savepoint():
                    self.write({"picture": base64.b64encode(content), "picture_state": "done",
                                "picture_reason": False})  # fmt: skip
                return
            except (UserError, ValueError) as error:
                _logger.info("waba.ad %s: picture refused: %s", self.id, error)
                reason = self.env._("The file is no picture.")
        is_over = self.picture_attempts >= PICTURE_TRIES
        self.write({"picture_reason": reason, "picture_state": "failed" if is_over else "pending"})


class WabaConversation(models.Model):
    _inherit = "waba.conversation"

    ad_id = fields.Many2one(
        "waba.ad", readonly=True, ondelete="set null", index="btree_not_null",
        help="The ad of their latest click.",
    )  # fmt: skip
    ctwa_clid = fields.Char(
        "Ad click ID",
        readonly=True,
        copy=False,
        groups="waba_campaign.waba_group_manager",
        help="Meta's ID of their latest click on an ad.",
    )
    ad_clicked_at = fields.Datetime("Ad clicked", readonly=True)

    @implements("_on_click")
    def _keep_click(self, message):
        """Keep the click here, and on an open lead that has none."""
        at = message.sent_at or fields.Datetime.now()
        if not self.ad_clicked_at or self.ad_clicked_at <= at:
            self.write(
                {"ad_id": message.ad_id.id, "ctwa_clid": message.ctwa_clid, "ad_clicked_at": at}
            )
        lead = message._get_record()
        if lead is None or lead._name != "crm.lead" or lead.won_status != "pending":
            return
        if message.ctwa_clid and not lead.waba_ctwa_clid:
            lead.write({"waba_ad_id": message.ad_id.id, "waba_ctwa_clid": message.ctwa_clid})
        # A new lead has it since before this message, by which its account is known.
        self.env["waba.conversion"]._record_changes(lead, ("waba_ctwa_clid",))


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @implements("_on_referral")
    def _ad_values(self, sender, item):
        at = item.at or fields.Datetime.now()
        ad = self.env["waba.ad"]._find_or_create(sender.account_id, item.referral, at)
        return {"ad_id": ad.id, "ctwa_clid": item.referral.click_uid or False}

    @implements("_on_referred_lead")
    def _ad_lead_values(self, sender, item):
        at = item.at or fields.Datetime.now()
        ad = self.env["waba.ad"]._find_or_create(sender.account_id, item.referral, at)
        return ad._lead_values(item.referral)


class CrmLead(models.Model):
    """The click that a lead came from; only webhooks write it."""

    _inherit = "crm.lead"

    waba_ad_id = fields.Many2one(
        "waba.ad", "WhatsApp ad", readonly=True, copy=False, ondelete="set null",
        index="btree_not_null",
    )  # fmt: skip
    waba_ctwa_clid = fields.Char(
        "Ad click ID",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="waba_campaign.waba_group_manager",
    )

    @implements("_on_waba_merge")
    def _keep_merged_click(self, opportunities):
        """The merged lead came from the first click of all."""
        lead = self.sudo()
        found = opportunities.sudo().filtered("waba_ctwa_clid").sorted("id")[:1]
        if found and not lead.waba_ctwa_clid:
            lead.write({"waba_ad_id": found.waba_ad_id.id, "waba_ctwa_clid": found.waba_ctwa_clid})
