"""Consent: what each person said about each topic, in SQL; derived from the consent log.

Written by `_set_consent` and by merges of recipients, read by everything that sends (`topic_sql`).
"""

from odoo import api, fields, models
from odoo.tools import SQL

from .consent_sql import topic_sql


class WabaTopicState(models.Model):
    """One person and one topic: opted in, or closed.

    `in_at` is an opt-in to this topic without a later opt-out, of the topic or of all promotions.
    `out_at` is when the topic was last closed: it stays, because an opt-in that ends must not open
    what the person had closed. There is one row for each row of the person.
    """

    _name = "waba.topic.state"
    _description = "WhatsApp Consent to a Topic"
    _inherit = ["waba.system.fields.mixin"]
    _order = "topic_id, id"
    _rec_name = "topic_id"
    _log_access = False

    recipient_id = fields.Many2one(
        "waba.recipient", "Person", required=True, readonly=True, ondelete="cascade"
    )
    topic_id = fields.Many2one(
        "waba.topic", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="topic_id.company_id")
    in_at = fields.Datetime("Opt-in", readonly=True)
    valid_until = fields.Date(readonly=True)
    out_at = fields.Datetime("Opt-out", readonly=True)

    # Checked for every promotion with a topic before it is sent: one probe of this index.
    _topic_uniq = models.UniqueIndex("(recipient_id, topic_id)")

    state = fields.Selection(
        [("opted_in", "Opted in"), ("opted_out", "Opted out"), ("unknown", "Not asked")],
        compute="_compute_state",
    )

    @api.depends("in_at", "valid_until", "out_at")
    def _compute_state(self):
        for said in self:
            if said.in_at and (not said.valid_until or said.valid_until >= fields.Date.today()):
                said.state = "opted_in"
            else:
                said.state = "opted_out" if said.out_at else "unknown"

    def _clear_opt_ins(self):
        """Delete the opt-ins, whose evidence is erased; what was closed stays closed."""
        self.filtered(lambda said: not said.out_at).unlink()
        self.exists().write({"in_at": False, "valid_until": False})


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    topic_state_ids = fields.One2many("waba.topic.state", "recipient_id", readonly=True)
    topics_in_ids = fields.Many2many(
        "waba.topic", string="Topics opted in", compute="_compute_topics"
    )
    topics_out_ids = fields.Many2many(
        "waba.topic", string="Topics opted out", compute="_compute_topics"
    )

    @api.depends("topic_state_ids.in_at", "topic_state_ids.out_at")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_topics(self):
        """The topics of the user's companies that these people chose or closed by themselves."""
        said = self.sudo().topic_state_ids.filtered(
            lambda said: said.topic_id.company_id in self.env.companies
        )
        for person in self:
            own = said.filtered(lambda said, person=person: said.recipient_id == person._origin)
            for name, state in (("topics_in_ids", "opted_in"), ("topics_out_ids", "opted_out")):
                of_state = own.filtered(lambda said, state=state: said.state == state)
                person[name] = of_state.topic_id.with_env(self.env)

    def _topic_states(self, topics):
        """What these people said about these topics.

        :return: {(topic id, recipient id): 'opted_in' | 'opted_out'}, of those who said something
        """
        if not self.ids or not topics:
            return {}
        self.env["waba.topic.state"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT topic.id, r.id, %s FROM waba_recipient r
               CROSS JOIN unnest(%s::int[]) AS topic(id) WHERE r.id = ANY(%s)""",
                topic_sql(SQL("topic.id")),
                topics.ids,
                self.ids,
            )
        )
        return {(topic_id, id_): state for topic_id, id_, state in rows if state}

    def _lock_consent(self):
        """Make changes of one person's consent one after the other.

        A topic opened while everything is closed elsewhere would otherwise miss the other change.
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                "SELECT id FROM waba_recipient WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                self.ids,
            )
        )

    def _close_topic(self, topic, at):
        """Close a topic for these people at `at` (naive UTC), unless they opted in to it later.

        :return: the rows
        """
        self._lock_consent()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_topic_state AS known (recipient_id, topic_id, out_at)
                   SELECT unnest(%(ids)s::int[]), %(topic)s, %(at)s
                       ON CONFLICT (recipient_id, topic_id) DO UPDATE
                      SET out_at = GREATEST(known.out_at, EXCLUDED.out_at),
                          in_at = CASE WHEN known.in_at > EXCLUDED.out_at THEN known.in_at END""",
                ids=self.ids,
                topic=topic.id,
                at=at,
            )
        )
        self.env["waba.topic.state"].invalidate_model()
        return self

    def _open_topic(self, topic, at, valid_until):
        """Record an opt-in to a topic at `at` (naive UTC), unless an opt-out is later.

        `self` is every row of one person.

        :param valid_until: date on which it ends, or False
        :return: the rows
        """
        self._lock_consent()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_topic_state AS known
                          (recipient_id, topic_id, in_at, valid_until)
                   SELECT r.id, %(topic)s, %(at)s, %(valid_until)s::date
                     FROM waba_recipient r
                    WHERE r.id = ANY(%(ids)s)
                      AND NOT EXISTS (SELECT 1 FROM waba_recipient o
                                       WHERE o.id = ANY(%(ids)s) AND o.marketing_out_at > %(at)s)
                       ON CONFLICT (recipient_id, topic_id) DO UPDATE
                      SET in_at = EXCLUDED.in_at, valid_until = EXCLUDED.valid_until
                    WHERE COALESCE(known.in_at, '-infinity') <= EXCLUDED.in_at
                      AND COALESCE(known.out_at, '-infinity') <= EXCLUDED.in_at""",
                ids=self.ids,
                topic=topic.id,
                at=at,
                valid_until=valid_until or None,
            )
        )
        self.env["waba.topic.state"].invalidate_model()
        return self

    def _void_topic_opt_ins(self, until=None):
        """Delete the opt-ins to topics that are older than an opt-out of the same person.

        :param until: naive UTC datetime of an opt-out recorded now: it closes those of its own
            second too
        """
        self.env.cr.execute(
            SQL(
                """UPDATE waba_topic_state known SET in_at = NULL
                     FROM waba_recipient r
                    WHERE r.id = known.recipient_id AND r.id = ANY(%s)
                      AND (known.in_at <= %s OR known.in_at < r.marketing_out_at
                           OR known.in_at < known.out_at)""",
                self.ids,
                until,
            )
        )
        self.env["waba.topic.state"].invalidate_model()

    @api.model
    def _copy_topic_states(self, pairs):
        """Copy what is known about topics between rows of the same people.

        :param pairs: SELECT of (from_id, to_id), ids of waba_recipient
        """
        if not self.env.execute_query(SQL("SELECT 1 FROM waba_topic_state LIMIT 1")):
            return
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_topic_state AS known
                          (recipient_id, topic_id, in_at, valid_until, out_at)
                   SELECT pair.to_id, other.topic_id, max(other.in_at),
                          (array_agg(other.valid_until ORDER BY other.in_at DESC NULLS LAST))[1],
                          max(other.out_at)
                     FROM (%s) pair
                     JOIN waba_topic_state other ON other.recipient_id = pair.from_id
                    WHERE pair.from_id <> pair.to_id
                 GROUP BY 1, 2
                       ON CONFLICT (recipient_id, topic_id) DO UPDATE
                      SET valid_until = CASE WHEN known.in_at > EXCLUDED.in_at
                                               OR EXCLUDED.in_at IS NULL
                                        THEN known.valid_until ELSE EXCLUDED.valid_until END,
                          in_at = GREATEST(known.in_at, EXCLUDED.in_at),
                          out_at = GREATEST(known.out_at, EXCLUDED.out_at)
                RETURNING known.recipient_id""",
                pairs,
            )
        )
        self.browse({id_ for (id_,) in rows})._void_topic_opt_ins()

    def _closed_topics(self):
        """waba.topic: those that one of these people has closed and not opened again."""
        return self.topic_state_ids.filtered(lambda said: said.state == "opted_out").topic_id
