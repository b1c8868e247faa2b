"""Weeks of sending, made by SQL: messages with a day and an outcome, as the engine leaves them."""

from datetime import timedelta
from itertools import count

from odoo import fields

from .common import WabaCase

_numbers = count(620_000_000, 10_000)


class ReputationCase(WabaCase):
    """A connected number and a builder of what it sent."""

    def _count(self):
        self.env["waba.message.daily"]._count_due_days()
        self.env.invalidate_all()

    def _run_judge(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_judge"))

    def _bare_campaign(self, name="Offer", **values):
        """A campaign as it is when it is over, without its messages."""
        campaign = self.env["waba.campaign"].create(
            {
                "name": name,
                "template_id": self.template.id,
                "sender_id": self.sender.id,
                "user_id": self.salesperson.id,
                **values,
            }
        )
        campaign.sudo().state = "done"
        return campaign

    def _sent(self, days_ago=0, campaign=None, sender=None, prefix="+34", source=None, **outcomes):
        """Messages that left `days_ago` days before today, at 00:30 UTC.

        :param source: utm.source of the leads they went to
        :param outcomes: how many of each: delivered (of which read, replied, opted_out), silent,
            undeliverable, limited, spam_limited, accepted (no news yet)
        """
        sender = sender or self.sender
        at = fields.Datetime.now().replace(hour=0, minute=30, second=0, microsecond=0)
        at -= timedelta(days=days_ago)
        order = ("delivered", "silent", "undeliverable", "limited", "spam_limited", "accepted")
        ends, total = {}, 0
        for name in order:
            total += outcomes.get(name, 0)
            ends[name] = total
        first = next(_numbers)
        self.env.flush_all()
        self.env.cr.execute(
            """INSERT INTO waba_recipient (portfolio_id, number, marketing_state)
               SELECT %s, %s || n, 'opted_in' FROM generate_series(%s, %s) AS n""",
            (self.portfolio.id, prefix, first, first + total - 1),
        )
        if source:
            self.env.cr.execute(
                """INSERT INTO crm_lead (name, type, active, phone, source_id)
                   SELECT 'Lead', 'lead', TRUE, %s || n, %s FROM generate_series(%s, %s) AS n""",
                (prefix, source.id, first, first + total - 1),
            )
        self.env.cr.execute(
            MESSAGES,
            {
                **ends,
                "read_to": outcomes.get("read", 0),
                "replied_to": outcomes.get("replied", 0),
                "opted_out_to": outcomes.get("opted_out", 0),
                "first": first,
                "last": first + total - 1,
                "prefix": prefix,
                "at": at,
                "account": sender.account_id.id,
                "sender": sender.id,
                "company": sender.company_id.id,
                "campaign": campaign.id if campaign else None,
                "user": campaign.user_id.id if campaign else None,
                "template": (campaign.template_id if campaign else self.template).id,
                "category": (campaign.template_id if campaign else self.template).category,
                "portfolio": self.portfolio.id,
            },
        )
        self.env.invalidate_all()

    def _daily(self, **values):
        """The rows of waba.message.daily with these values."""
        return self.env["waba.message.daily"].search(
            [(name, "=", value) for name, value in values.items()]
        )


MESSAGES = """
INSERT INTO waba_message
       (uuid, wamid, direction, kind, campaign_id, account_id, sender_id, company_id, user_id,
        template_id, category, recipient_id, number, res_model, res_id, attempt_count,
        failed_attempt, failure_streak, retry_at, create_date, write_date, accepted_at,
        state, sent_at, delivered_at, read_at, replied_at, opted_out_at, failed_at, failure_type)
SELECT md5('sent' || r.id), 'sent.' || r.id, 'out', 'template', %(campaign)s, %(account)s,
       %(sender)s, %(company)s, %(user)s, %(template)s, %(category)s, r.id, r.number, 'crm.lead',
       COALESCE((SELECT max(l.id) FROM crm_lead l WHERE l.phone = r.number), -r.id), 1, 0, 0,
       %(at)s, %(at)s, %(at)s,
       CASE WHEN i <= %(limited)s OR i > %(spam_limited)s THEN %(at)s::timestamp END,
       CASE WHEN i <= %(read_to)s THEN 'read' WHEN i <= %(delivered)s THEN 'delivered'
            WHEN i <= %(silent)s THEN 'sent' WHEN i <= %(spam_limited)s THEN 'failed'
            ELSE 'accepted' END,
       CASE WHEN i <= %(silent)s THEN %(at)s::timestamp END,
       CASE WHEN i <= %(delivered)s THEN %(at)s::timestamp + interval '1 minute' END,
       CASE WHEN i <= %(read_to)s THEN %(at)s::timestamp + interval '1 hour' END,
       CASE WHEN i <= %(replied_to)s THEN %(at)s::timestamp + interval '2 hours' END,
       CASE WHEN i <= %(opted_out_to)s THEN %(at)s::timestamp + interval '3 hours' END,
       CASE WHEN i > %(silent)s AND i <= %(spam_limited)s
            THEN %(at)s::timestamp + interval '4 hours' END,
       CASE WHEN i <= %(silent)s THEN NULL WHEN i <= %(undeliverable)s THEN 'undeliverable'
            WHEN i <= %(limited)s THEN 'marketing_limit'
            WHEN i <= %(spam_limited)s THEN 'spam_rate' END
  FROM (SELECT id, number, row_number() OVER (ORDER BY id) AS i FROM waba_recipient
         WHERE portfolio_id = %(portfolio)s
           AND number IN (SELECT %(prefix)s || n FROM generate_series(%(first)s, %(last)s) n)) r"""
