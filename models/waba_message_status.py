import re
from collections import Counter

from odoo import api, fields, models
from odoo.tools import SQL

from ..policy import second_sender
from ..policy import status as status_policy

# No message is tried as often; more digits would fit no column.
ATTEMPT = re.compile(r"[0-9]{1,4}")
ARRIVED = ("delivered", "read")
TIME_FIELDS = {
    "sent": "sent_at",
    "delivered": "delivered_at",
    "read": "read_at",
    "failed": "failed_at",
}


class WabaMessage(models.Model):
    """What the webhook's statuses tell of our messages: forward only, in any order."""

    _inherit = "waba.message"

    @api.model
    def _apply_statuses(self, told):
        """Apply a batch of statuses, forward only, in any order, any number of times.

        :param told: [(cloud_api.MessageStatus, ids of the accounts its signature vouches for)]
        :return: {place of a status that changed nothing: 'unknown' | 'foreign', a message of an
            account that the signature says nothing of}
        """
        rows_by_tag, rows_by_wamid = self._rows_for_statuses([event for event, _reach in told])
        changed, failures, released = {}, [], {}
        reported, arrived = [], set()
        strays, of_others = {}, []
        for place, (event, reach) in enumerate(told):
            tag, attempt = _split_tag(event.opaque)
            named = [*rows_by_tag.get(tag, ()), *rows_by_wamid.get(event.wamid, ())]
            row = next((row for row in named if row["account_id"] in reach), None)
            if not row:
                strays[place] = "foreign" if named else "unknown"
                if not named and second_sender.is_tag(event.opaque):
                    of_others.append((None, event))
                continue
            if row["uuid"] == tag and second_sender.is_foreign_status(row, attempt, event.wamid):
                of_others.append((row, event))
                continue
            before = row["state"]
            _apply_status(row, event, attempt or row["attempt_count"])
            if row["state"] == "failed" != before:
                failures.append((row["id"], event))
            if before == "held" and row["state"] not in ("held", "failed"):
                released[row["id"]] = event.at
            if event.status == "failed":
                reported.append((row["id"], event))
            if row["state"] in ARRIVED and (before not in ARRIVED or event.status == "failed"):
                arrived.add(row["id"])
            changed[row["id"]] = row
        self._record_second_sender(of_others)
        self._write_statuses(changed.values())
        self._restart_held_count(released)
        self._apply_reported_failures(changed, failures)
        self.browse(changed)._on_status(reported, arrived)
        return strays

    @api.model
    def _rows_for_statuses(self, events):
        """({uuid: [row]}, {wamid: [rows]}), each row one dict however it was found.

        Of any account: whether a signature vouches for it is asked of each status.
        """
        self.flush_model()
        columns = (
            "id", "account_id", "uuid", "wamid", "state", "attempt_count", "failed_attempt",
            "sent_at", "delivered_at", "read_at", "failed_at", "pricing_category", "pricing_type",
            "pricing_billable", "is_unsent",
        )  # fmt: skip
        tags = list({_split_tag(event.opaque)[0] for event in events} - {""})
        wamids = list({event.wamid for event in events if event.wamid})
        found = self.env.execute_query(
            SQL(
                """SELECT %(columns)s FROM waba_message
                    WHERE uuid = ANY(%(tags)s) AND direction = 'out'
                    UNION
                   SELECT %(columns)s FROM waba_message
                    WHERE wamid = ANY(%(wamids)s) AND direction = 'out'""",
                columns=SQL(", ").join(SQL.identifier(column) for column in columns),
                tags=tags,
                wamids=wamids,
            )
        )
        rows = [dict(zip(columns, values, strict=True)) for values in found]
        for row in rows:
            row["failed_attempt"] = row["failed_attempt"] or 0
            row["attempt_count"] = row["attempt_count"] or 0
            row["user_uid"] = ""
        by_tag, by_wamid = {}, {}
        for row in rows:
            by_tag[row["uuid"]] = [row]
            by_wamid.setdefault(row["wamid"], []).append(row)
        by_wamid.pop(None, None)
        return by_tag, by_wamid

    @api.model
    def _write_statuses(self, rows):
        """One statement for the messages, however many they are."""
        rows = sorted(rows, key=lambda row: row["id"])
        if not rows:
            return
        names = ("wamid", "state", "sent_at", "delivered_at", "read_at", "failed_at",
                 "failed_attempt", "pricing_category", "pricing_type",
                 "pricing_billable")  # fmt: skip
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET wamid = v.wamid, state = v.state, sent_at = v.sent_at,
                          delivered_at = v.delivered_at, read_at = v.read_at,
                          failed_at = v.failed_at, failed_attempt = v.failed_attempt,
                          pricing_category = v.pricing_category, pricing_type = v.pricing_type,
                          pricing_billable = v.pricing_billable,
                          cost_state = CASE WHEN (m.pricing_category, m.pricing_type,
                                                  m.pricing_billable)
                                                 IS NOT DISTINCT FROM
                                                 (v.pricing_category, v.pricing_type,
                                                  v.pricing_billable)
                                       THEN m.cost_state END,
                          reserved_until = CASE WHEN v.state = 'reserved' THEN m.reserved_until END,
                          failure_type = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                         THEN NULL ELSE m.failure_type END,
                          failure_reason = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                           THEN NULL ELSE m.failure_reason END,
                          error_code = CASE WHEN v.state IN ('sent', 'delivered', 'read')
                                       THEN NULL ELSE m.error_code END,
                          write_date = %(now)s
                     FROM unnest(%(ids)s, %(wamid)s::varchar[], %(state)s::varchar[],
                                 %(sent_at)s::timestamp[], %(delivered_at)s::timestamp[],
                                 %(read_at)s::timestamp[], %(failed_at)s::timestamp[],
                                 %(failed_attempt)s::int[], %(pricing_category)s::varchar[],
                                 %(pricing_type)s::varchar[],
                                 %(pricing_billable)s::varchar[])
                          AS v(id, wamid, state, sent_at, delivered_at, read_at, failed_at,
                               failed_attempt, pricing_category, pricing_type,
                               pricing_billable)
                    WHERE m.id = v.id""",
                now=fields.Datetime.now(),
                ids=[row["id"] for row in rows],
                **{name: [row[name] for row in rows] for name in names},
            )
        )
        self.invalidate_model()
        self._mark_reachable([row["id"] for row in rows if row["state"] in ("delivered", "read")])
        self.env["waba.recipient"]._store_user_uids(
            {row["id"]: row["user_uid"] for row in rows if row["user_uid"]}
        )

    @api.model
    def _mark_reachable(self, ids):
        """Who got a message is reachable: earlier undeliverable ones no longer count."""
        if not ids:
            return
        self.env.cr.execute(
            SQL(
                """UPDATE waba_recipient r
                      SET undeliverable_count = 0, unreachable_until = NULL
                     FROM waba_message m
                    WHERE m.id = ANY(%s) AND r.id = m.recipient_id AND r.undeliverable_count > 0""",
                ids,
            )
        )
        if self.env.cr.rowcount:
            self.env["waba.recipient"].invalidate_model()

    @api.model
    def _restart_held_count(self, released):
        """A message that WhatsApp held counts from when it was let go, not from when we sent it."""
        for row in self.browse(released).filtered("slot_at"):
            row.slot_at = max(row.slot_at, released[row.id] or row.slot_at)
            row.recipient_id.slot_at = max(row.recipient_id.slot_at or row.slot_at, row.slot_at)

    @api.model
    def _apply_reported_failures(self, changed, failures):
        """Follow what the platform reported as failed, unless a better status came with it."""
        in_a_row = Counter()
        for row_id, event in failures:
            if changed[row_id]["state"] != "failed":
                continue
            error = event.error
            failure_type = error.failure_type if error else "unknown_error"
            row = self.browse(row_id)
            blamed = row.template_id if failure_type == "bad_request" else row.account_id
            in_a_row[failure_type, blamed.id] += 1
            row._apply_failure(
                failure_type,
                code=error.code if error else None,
                text=(error.details or error.message or error.title) if error else None,
                refused_at_once=False,
                in_a_row=in_a_row[failure_type, blamed.id],
                at=changed[row_id]["failed_at"],
            )
            row.sender_id._trigger_dispatch()


def _apply_status(row, event, attempt):
    """Move one row forward by one status, in place; the order of statuses leaves no trace.

    :param row: dict as `_rows_for_statuses` makes them
    :param event: cloud_api.MessageStatus
    :param attempt: the attempt it is about, from 1
    """
    # Of an attempt that failed, or that another one followed, only an arrival is news.
    is_past = attempt <= row["failed_attempt"] or attempt < row["attempt_count"]
    row["state"] = status_policy.next_state(row["state"], event.status, is_past)
    column = TIME_FIELDS.get("read" if event.status == "played" else event.status)
    if column == "failed_at":
        _apply_failed_at(row, event.at, attempt)
    elif column and event.at:
        row[column] = min(row[column] or event.at, event.at)
    if event.wamid and (attempt >= row["attempt_count"] or not row["wamid"]):
        row["wamid"] = event.wamid
    for name in ("pricing_category", "pricing_type", "user_uid"):
        row[name] = getattr(event, name) or row[name]
    if event.billable is not None:
        row["pricing_billable"] = "yes" if event.billable else "no"


def _apply_failed_at(row, at, attempt):
    """The first report of the last attempt that failed."""
    if attempt > row["failed_attempt"]:
        row["failed_attempt"] = attempt
        row["failed_at"] = at
    elif attempt == row["failed_attempt"] and at:
        row["failed_at"] = min(row["failed_at"] or at, at)


def _split_tag(opaque):
    """('uuid', attempt) from our wire tag 'uuid/attempt'; ('', 0) when it is not ours."""
    tag, _, attempt = (opaque or "").partition("/")
    return tag, int(attempt) if ATTEMPT.fullmatch(attempt) else 0
