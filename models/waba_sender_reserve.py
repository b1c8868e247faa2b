from datetime import datetime, timedelta, timezone

from odoo import fields, models
from odoo.tools import SQL

from ..cloud_api import payloads
from ..policy import frequency, limits, pacing
from ..policy.numbers import sending_number
from .consent_sql import consent_sql, renumbered_sql
from .hooks import hook

# Seconds to connect plus to read, and slack to get a job from the queue to the wire.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
LEASE_MARGIN = 10
# Kinds of message that carry a file uploaded before (waba_media.py).
FILE_KINDS = ("image", "video", "audio", "document")

# Groups of direct messages, false as no campaign is: those that a person waits for, and all.
AWAITED_GROUP, DIRECT_GROUP = None, False


class WabaSender(models.Model):
    """Who is written to next: claimed, counted and marked in one short transaction."""

    _inherit = "waba.sender"

    def _sendable_groups(self):
        """Whose rows may leave now: direct messages that somebody waits for, the other direct ones,
        campaigns first come first."""
        campaigns = self.env["waba.campaign"].search(
            [("sender_id", "=", self.id), ("state", "=", "running")], order="priority desc, id"
        )
        if not self._marketing_allowed():
            campaigns = campaigns.filtered(lambda campaign: campaign.category != "marketing")
        return [AWAITED_GROUP, DIRECT_GROUP, *campaigns]

    def _group_condition(self, campaign):
        """SQL condition on the rows `m` of a group of `_sendable_groups` that nothing holds.

        A campaign waits as a whole while its template or its promotions are held; direct messages
        wait one by one.
        """
        if campaign:
            return SQL("m.campaign_id = %s", campaign.id)
        return SQL(
            """m.sender_id = %s AND m.campaign_id IS NULL %s %s
               AND NOT EXISTS (SELECT 1 FROM waba_template t
                                WHERE t.id = m.template_id AND t.hold_key IS NOT NULL)""",
            self.id,
            # As the index says it, or the index does not serve.
            SQL("AND m.origin IN ('manual', 'reply', 'test')")
            if campaign is AWAITED_GROUP
            else SQL(),
            SQL()
            if self._marketing_allowed()
            else SQL("AND m.category IS DISTINCT FROM 'marketing'"),
        )

    def _reserve_rows(self, room, run):
        """Claim up to `room` rows, use their slots, mark them reserved. The caller commits.

        Everything that decides is read in this transaction, after the portfolio's lock: limit,
        places taken, consent, pauses, the outcome of the records.

        :return: ([(message id, body for the wire, epoch seconds before which it must leave)],
            how many were excluded or postponed: others may stand behind them)
        """
        self._lock_limits()
        if self._not_sending_reason() or run.number != self.run_count:
            return [], 0
        now = fields.Datetime.now()
        leaves_by = pacing.send_before(now, run.pending + room, run.speed, LEASE_MARGIN)
        deadline = pacing.lease_end(
            now, run.pending + room, run.speed, CONNECT_TIMEOUT + READ_TIMEOUT, LEASE_MARGIN
        )
        places = self._slot_allowance(now)
        jobs, seen, left_out = [], set(), 0
        for campaign in self._sendable_groups():
            free, own_free = places.free_slots("campaign" if campaign else "followup")
            wanted = room - len(jobs)
            if campaign:
                wanted = min([wanted, *self._on_claim(campaign, wanted)])
            rows = self._find_candidates(campaign, wanted, now, leaves_by, free == 0, own_free)
            unchanged = self._exclude_changed(rows)
            allowed = self._exclude_ineligible(unchanged, now, leaves_by)
            ready = self._postpone(allowed, campaign, now, leaves_by)
            left_out += len(rows) - len(ready)
            taken, costs = self._choose_candidates(ready, (free, own_free), seen, now, leaves_by)
            places.use_slot(*costs)
            jobs += self._mark_reserved(taken, now, leaves_by, deadline)
            if campaign and taken:
                self._on_reserved(campaign, leaves_by)
            if len(jobs) >= room:
                break
        if jobs:
            self._advance_pace(len(jobs), run.rate)
        return [(key, body, datetime_to_epoch(leaves_by)) for key, body in jobs], left_out

    @hook
    def _on_claim(self, campaign, wanted):
        """Before rows of a campaign are claimed: each returns how many of `wanted` may go now."""

    @hook
    def _on_reserved(self, campaign, leaves_by):
        """After rows of a campaign were reserved.

        :param leaves_by: naive UTC datetime, the latest moment they may leave
        """

    def _find_candidates(self, campaign, count, now, leaves_by, only_free, own_free=None):
        """Head of one campaign's queue with all that decides over each row.

        :param only_free: take only people who cost no new place of the portfolio's
        :param own_free: places free of the number's own limit, None without one
        :return: list of dicts, a key per column of the query, `is_blacklisted` and `is_ours`
        """
        if count <= 0:
            return []
        self.env["waba.message"].flush_model()
        self.env["waba.recipient"].flush_model()
        self.env["waba.renumbered"].flush_model()
        since = now - limits.WINDOW
        free_people = SQL("AND (r.slot_at > %s OR c.window_expires_at > %s)", since, leaves_by)
        is_own = SQL(
            """EXISTS (SELECT 1 FROM waba_message o
                        WHERE o.sender_id = %s AND o.slot_at > %s
                          AND o.recipient_id = m.recipient_id)""",
            self.id,
            since,
        )
        own_people = SQL("AND (c.window_expires_at > %s OR %s)", leaves_by, is_own)
        found = self.env.execute_query_dict(
            SQL(
                """SELECT m.id, m.uuid, m.attempt_count, m.recipient_id, m.number, m.parameters,
                          m.template_id, m.kind, m.text, m.category, r.user_uid,
                          %(marketing)s AS marketing_state, %(utility)s AS utility_state,
                          r.is_blocked, r.unreachable_until, r.slot_at,
                          c.window_expires_at, m.origin, m.time_zone, r.wa_number,
                          %(is_own)s AS is_own, m.res_model, m.res_id, m.record_traits,
                          m.sequence_id, %(renumbered)s AS is_renumbered, r.may_opt_out_at
                     FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                LEFT JOIN waba_conversation c
                       ON c.sender_id = m.sender_id AND c.recipient_id = r.id
                    WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                      AND m.is_uploading IS NOT TRUE
                      AND (c.pair_free_at IS NULL OR c.pair_free_at <= %(now)s)
                      %(free_people)s %(own_people)s
                 ORDER BY m.retry_at, m.id LIMIT %(count)s
                      FOR NO KEY UPDATE OF m SKIP LOCKED""",
                now=now,
                marketing=consent_sql("marketing", self.company_id.id),
                utility=consent_sql("utility", self.company_id.id),
                group=self._group_condition(campaign),
                renumbered=renumbered_sql(self.company_id.id),
                is_own=SQL("FALSE") if own_free is None else is_own,
                free_people=free_people if only_free else SQL(),
                own_people=own_people if own_free == 0 else SQL(),
                count=count,
            )
        )
        # By one query each for all: there a number may be written in another way than here.
        asked = {row["number"] for row in found}
        listed = self.env["waba.recipient"]._filter_blacklisted(asked)
        ours = self._filter_own_numbers(asked)
        return [
            {**row, "is_blacklisted": row["number"] in listed, "is_ours": row["number"] in ours}
            for row in found
        ]

    def _choose_candidates(self, rows, free, seen, now, leaves_by):
        """Who of the candidates is reserved: one row per person, within the places.

        :param free: (places free of the portfolio's limit, of the number's own), None without limit
        :param seen: recipient ids already chosen in this reservation; extended
        :return: (rows chosen, (places they cost of the portfolio's limit, of the number's own))
        """
        chosen, costs = [], [0, 0]
        for row in rows:
            if row["recipient_id"] in seen:
                continue
            row["in_window"] = limits.in_service_window(row["window_expires_at"], leaves_by)
            cost = (
                limits.needs_slot(row["slot_at"], row["window_expires_at"], now, leaves_by),
                not row["in_window"] and not row["is_own"],
            )
            if any(
                needed and left is not None and taken >= left
                for needed, left, taken in zip(cost, free, costs, strict=True)
            ):
                continue
            costs = [taken + needed for taken, needed in zip(costs, cost, strict=True)]
            seen.add(row["recipient_id"])
            chosen.append(row)
        return chosen, costs

    def _mark_reserved(self, rows, now, leaves_by, deadline):
        """Write reservation, places and pair pace of the chosen rows in three statements.

        :return: [(message id, body for the wire)]
        """
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        slot_at = limits.reserved_slot_time(now, leaves_by)
        counted = [row["id"] for row in rows if not row["in_window"]]
        promoted = [
            row["id"] for row in rows if frequency.is_counted(row["origin"], row["category"])
        ]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET state = 'reserved', is_unsent = TRUE, attempt_count = attempt_count + 1,
                          reserved_until = %(deadline)s, write_date = %(now)s,
                          waited_for = COALESCE(wait_reason, waited_for), wait_reason = NULL,
                          slot_at = CASE WHEN m.id = ANY(%(counted)s) THEN %(slot)s END,
                          promoted_at = CASE WHEN m.id = ANY(%(promoted)s) THEN %(slot)s END
                    WHERE m.id = ANY(%(ids)s)""",
                deadline=deadline,
                now=now,
                counted=counted,
                promoted=promoted,
                slot=slot_at,
                ids=ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET slot_at = GREATEST(r.slot_at, m.slot_at),
                          last_marketing_at = CASE WHEN m.category = 'marketing'
                                              THEN %(now)s ELSE r.last_marketing_at END
                     FROM waba_message m
                    WHERE m.recipient_id = r.id AND m.id = ANY(%(ids)s)""",
                now=now,
                ids=ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_conversation
                          (sender_id, recipient_id, pair_free_at, create_date)
                   SELECT sender_id, recipient_id, %(pair_free)s, %(now)s
                     FROM waba_message WHERE id = ANY(%(ids)s)
                   ON CONFLICT (sender_id, recipient_id)
                   DO UPDATE SET pair_free_at = EXCLUDED.pair_free_at""",
                pair_free=pacing.next_pair_time(leaves_by),
                now=now,
                ids=ids,
            )
        )
        for model in ("waba.message", "waba.recipient", "waba.conversation"):
            self.env[model].invalidate_model()
        return [(row["id"], self._wire_body(row)) for row in rows]

    def _wire_body(self, row):
        """The request's body; its tag names row and attempt, so echoes settle the right one."""
        opaque = f"{row['uuid']}/{row['attempt_count'] + 1}"
        number = sending_number(row["number"] or "", row["wa_number"])
        address = {"to": number, "user_uid": "" if number else row["user_uid"]}
        if row["kind"] in FILE_KINDS:
            file = row["parameters"]["media"]
            return payloads.media_message(
                kind=row["kind"],
                media_uid=file["id"],
                filename=file.get("filename") or "",
                caption=row["text"] or "",
                opaque=opaque,
                **address,
            )
        if row["kind"] == "text":
            return payloads.text_message(body=row["text"], opaque=opaque, **address)
        template = self.env["waba.template"].browse(row["template_id"])
        return payloads.template_message(
            name=template.name,
            language=template.language,
            parameters=row["parameters"] or {},
            parameter_format=template.parameter_format,
            opaque=opaque,
            **address,
        )

    def _advance_pace(self, count, rate):
        """Keep the pace in the database: after a kill nobody sends before the last batch's time.

        The moment is exact: Odoo's own `now` drops the fraction, and with it up to a second.
        """
        self.env.cr.execute(
            SQL(
                """UPDATE waba_sender
                      SET next_dispatch_at = GREATEST(next_dispatch_at, %(now)s) + %(span)s
                    WHERE id = %(id)s""",
                now=datetime.now(timezone.utc).replace(tzinfo=None),
                span=timedelta(seconds=count * pacing.message_interval(rate)),
                id=self.id,
            )
        )
        self.invalidate_recordset(["next_dispatch_at"])


def message_purpose(kind, category):
    """What `policy.eligibility` asks about a message: only a template may begin a conversation."""
    if kind != "template":
        return "service"
    return "marketing" if category == "marketing" else "utility"


def datetime_to_epoch(moment):
    """Epoch seconds of a naive UTC datetime."""
    return moment.replace(tzinfo=timezone.utc).timestamp()
