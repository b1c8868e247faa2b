"""Dispatch: which messages are sent next, reserved and counted in one short transaction.

Called by the number's job (waba_sender_dispatch.py). The campaign's progress and its estimate
before the launch read `_own_daily_limit`; waba_message_queue.py reads the traits of leads and
contacts (`_waba_current_records`), which are checked again here.
"""

from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ...cloud_api import file_ids, payloads, ready_parameters, with_marketing_options
from ...policy import (
    eligibility,
    frequency,
    hours,
    limits,
    numbers,
    pacing,
    record_change,
    repeats,
)
from ...policy import warm_up as warm_up_policy
from ...policy.endpoint import MARKETING_API
from ...policy.numbers import sending_number
from ..consent.consent_sql import consent_sql, renumbered_sql, topic_sql
from ..tools.hooks import hook, implements
from ..tools.phone_countries import number_country, number_time_zones
from .waba_budget import Purse

# Seconds to connect and to read, and a margin for the way from the pool's queue to the request.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20
LEASE_MARGIN = 10

# Message kinds with a file that was uploaded before (conversation/waba_media.py).
FILE_KINDS = ("image", "video", "audio", "document")

# Groups of direct messages: those that a person waits for, and all. Falsy, unlike a campaign.
AWAITED_GROUP, DIRECT_GROUP = None, False

# Fields of a company that decide when messages can be sent: a change affects those waiting.
RULES = frozenset(
    ("waba_quiet_hours", "waba_quiet_from", "waba_quiet_until", "waba_frequency_count",
     "waba_frequency_days")
)  # fmt: skip

# Rows of one closed time zone that one reservation postpones. The next one postpones those behind
# them, so that no transaction holds the portfolio's lock for long.
POSTPONE_CHUNK = 5000


class SlotAllowance:
    """Recipients that can still be messaged first, by the portfolio's limit and the number's own.

    :param limit, own_limit: recipients in 24 h, None without limit
    :param used, own_used: slots used in the last 24 h, by all numbers and by this one
    :param followup_share: part of the limits kept for follow-ups, 0 to 1
    """

    def __init__(self, limit, used, own_limit, own_used, followup_share):
        self.limit, self.used = limit, used
        self.own_limit, self.own_used = own_limit, own_used
        self.followup_share = followup_share

    def free_slots(self, kind):
        """(slots free within the portfolio's limit, within the number's own); None without limit.

        :param kind: 'campaign' or 'followup'
        """
        return (
            limits.allowance(self.limit, self.used, 0, self.followup_share, kind),
            limits.allowance(self.own_limit, self.own_used, 0, self.followup_share, kind),
        )

    def use_slot(self, costs, own_costs):
        """Count used slots: of the portfolio's limit, and of the number's own."""
        self.used += costs
        self.own_used += own_costs


class WabaSender(models.Model):
    _inherit = "waba.sender"

    # === Reservation ===

    def _reserve_rows(self, room, run):
        """Reserve up to `room` rows and use their slots. The caller commits.

        Everything that decides is read in this transaction, after the portfolio's lock: limit,
        slots used, consent, pauses, the state of the records.

        :param run: the DispatchRun
        :return: ([(message id, request body, epoch seconds of the latest send time, endpoint)], how
            many rows were excluded or postponed: others may be behind them)
        """
        self._lock_limits()
        if self._not_sending_reason() or run.number != self.run_count:
            return [], 0
        now = fields.Datetime.now()
        leaves_by = pacing.send_before(now, run.pending + room, run.speed, LEASE_MARGIN)
        deadline = pacing.lease_end(
            now, run.pending + room, run.speed, CONNECT_TIMEOUT + READ_TIMEOUT, LEASE_MARGIN
        )
        allowance, groups = self._slot_allowance(now), self._sendable_groups()
        purse = Purse(self.account_id, now, list(filter(None, groups)))
        jobs, seen, dropped = [], set(), 0
        for campaign in groups:
            free, own_free = allowance.free_slots("campaign" if campaign else "followup")
            wanted = room - len(jobs)
            if campaign:
                wanted = min([wanted, *self._on_claim(campaign, wanted)])
            rows = self._find_candidates(campaign, wanted, now, leaves_by, free == 0, own_free)
            unchanged = self._exclude_changed(self._with_content(rows, leaves_by))
            allowed = self._exclude_ineligible(unchanged, now, leaves_by)
            ready = self._postpone(allowed, campaign, now, leaves_by)
            ready = self._route_candidates(ready, campaign, now)
            dropped += len(rows) - len(ready)
            chosen, costs = self._choose_candidates(
                ready, (free, own_free), seen, now, leaves_by, purse, campaign
            )
            dropped += self._apply_refusals(purse, campaign, now)
            allowance.use_slot(*costs)
            jobs += self._mark_reserved(chosen, now, leaves_by, deadline)
            if campaign and chosen:
                self._on_reserved(campaign, leaves_by)
            if len(jobs) >= room:
                break
        if jobs:
            self._advance_pace(len(jobs), run.rate)
        before = datetime_to_epoch(leaves_by)
        return [(key, body, before, endpoint) for key, body, endpoint in jobs], dropped

    def _lock_limits(self):
        """Lock what this number shares with others until the transaction ends.

        That is the portfolio and, for the frequency cap, the repeat guard and the month's budget,
        the company's other portfolios, always in the same order. A campaign has one number, so that
        the portfolio's lock is enough for its budget.
        """
        company = self.company_id
        if (
            company._waba_frequency_cap().applies
            or company.waba_same_template_hours
            or company.waba_month_budget
        ):
            company._waba_lock_portfolios(self.portfolio_id)
        else:
            self.portfolio_id._lock_for_reservation()

    def _sendable_groups(self):
        """Groups whose messages can be sent now, in their order.

        Direct messages that a person waits for, the other direct messages, then running campaigns
        by priority and age.
        """
        campaigns = self.env["waba.campaign"].search(
            [("sender_id", "=", self.id), ("state", "=", "running")], order="priority desc, id"
        )
        if not self._marketing_allowed():
            campaigns = campaigns.filtered(lambda campaign: campaign.category != "marketing")
        return [AWAITED_GROUP, DIRECT_GROUP, *campaigns]

    def _group_condition(self, campaign):
        """SQL condition for the rows `m` of a group of `_sendable_groups` that are not on hold.

        A campaign waits as a whole while its template or its promotions are on hold; direct
        messages, and the languages of a campaign, wait one by one.
        """
        if campaign:
            return SQL(
                "m.campaign_id = %s %s",
                campaign.id,
                SQL(
                    """AND EXISTS (SELECT 1 FROM waba_template t WHERE t.id = m.template_id
                                      AND t.status = 'approved' AND t.hold_key IS NULL)"""
                )
                if campaign.by_language
                else SQL(),
            )
        return SQL(
            """m.sender_id = %s AND m.campaign_id IS NULL %s %s
               AND NOT EXISTS (SELECT 1 FROM waba_template t
                                WHERE t.id = m.template_id AND t.hold_key IS NOT NULL)""",
            self.id,
            # Written as in the index, or the index is not used.
            SQL("AND m.origin IN ('manual', 'reply', 'test')")
            if campaign is AWAITED_GROUP
            else SQL(),
            SQL()
            if self._marketing_allowed()
            else SQL("AND m.category IS DISTINCT FROM 'marketing'"),
        )

    @hook
    def _on_claim(self, campaign, wanted):
        """Before rows of a campaign are reserved.

        :param wanted: how many rows are to be reserved
        :return: how many of them can be sent now
        """

    # === Slot allowance ===
    # How many recipients a number can still message first, by the portfolio's limit and by its own.
    # Its own is what share and warm-up leave of the portfolio's. It counts the recipients of its
    # own messages, even if other numbers messaged them too; the portfolio counts each recipient
    # once.

    def _slot_allowance(self, now):
        """The slots free now. Without a limit none is counted: at a million a day, that is slow."""
        portfolio = self.portfolio_id
        limit, own_limit = portfolio._people_limit(), self._own_daily_limit()
        used = own_used = 0
        if limit is not None:
            used = portfolio._count_slots_used().get(portfolio.id, (0, None))[0]
        if own_limit is not None:
            own_used = self._count_own_recipients(now)
        return SlotAllowance(limit, used, own_limit, own_used, portfolio.followup_share)

    def _own_daily_limit(self):
        """Recipients that this number can message first in 24 h, after response share and warm-up.

        :return: None if the portfolio's limit alone applies
        """
        self.ensure_one()
        if self.response_share >= 1 and not self.warm_up_people:
            return None
        limit = self.portfolio_id._people_limit()
        own = warm_up_policy.daily_limit(
            self._response_in_force(),
            limit,
            self._current_warm_up(),
            self.busiest_day,
            self._response_settings(),
        )
        return None if own is None or (limit is not None and own >= limit) else own

    def _own_slot_times(self, now):
        """When each recipient of this number was last counted in the last 24 h, oldest first."""
        self.env["waba.message"].flush_model(["sender_id", "slot_at", "recipient_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT max(slot_at) FROM waba_message
                    WHERE sender_id = %s AND slot_at > %s GROUP BY recipient_id ORDER BY 1""",
                self.id,
                now - limits.WINDOW,
            )
        )
        return [slot_at for (slot_at,) in rows]

    def _count_own_recipients(self, now):
        """Recipients counted in the last 24 h for this number's own messages."""
        self.env["waba.message"].flush_model(["sender_id", "slot_at", "recipient_id"])
        [[count]] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT recipient_id) FROM waba_message
                    WHERE sender_id = %s AND slot_at > %s""",
                self.id,
                now - limits.WINDOW,
            )
        )
        return count

    # === Candidates and their checks ===

    def _find_candidates(self, campaign, count, now, leaves_by, only_free, own_free=None):
        """Lock the head of one group's queue, with everything that decides about each row.

        :param campaign: a group of `_sendable_groups`
        :param only_free: only recipients who need no new slot of the portfolio's limit
        :param own_free: slots free within the number's own limit, None without one
        :return: [dict] with a key per column of the query, `is_blacklisted` and `is_ours`
        """
        if count <= 0:
            return []
        self.env["waba.message"].flush_model()
        self.env["waba.recipient"].flush_model()
        self.env["waba.renumbered"].flush_model()
        self.env["waba.topic.state"].flush_model()
        self.env["waba.template"].flush_model()
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
                          m.template_id, m.kind, m.text, m.about_wamid, m.category, r.user_uid,
                          %(marketing)s AS marketing_state, %(utility)s AS utility_state,
                          m.topic_id, %(topic)s AS topic_state,
                          r.is_blocked, r.unreachable_until, r.slot_at,
                          c.window_expires_at, c.free_until_at, m.origin, m.time_zone, r.wa_number,
                          %(is_own)s AS is_own, m.res_model, m.res_id, m.record_traits,
                          m.sequence_id, %(renumbered)s AS is_renumbered, r.may_opt_out_at,
                          m.may_repeat, r.number AS person_number,
                          t.category AS template_category, t.max_price_bid AS template_bid,
                          t.is_price_clear, t.refused_endpoint
                     FROM waba_message m
                     JOIN waba_recipient r ON r.id = m.recipient_id
                LEFT JOIN waba_template t ON t.id = m.template_id
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
                topic=topic_sql(SQL("m.topic_id")),
                group=self._group_condition(campaign),
                renumbered=renumbered_sql(self.company_id.id),
                is_own=SQL("FALSE") if own_free is None else is_own,
                free_people=free_people if only_free else SQL(),
                own_people=own_people if own_free == 0 else SQL(),
                count=count,
            )
        )
        # One query each for all rows: numbers may be spelled differently there.
        row_numbers = {row["number"] for row in found}
        listed = self.env["waba.recipient"]._filter_blacklisted(row_numbers)
        ours = self._filter_own_numbers(row_numbers)
        return [
            {**row, "is_blacklisted": row["number"] in listed, "is_ours": row["number"] in ours}
            for row in found
        ]

    def _with_content(self, rows, leaves_by):
        """Return the candidates whose content can still be sent.

        An offer that is over is excluded. A row whose upload has ended in the queue waits for the
        next one, which the next run of the job begins.

        :param rows: dicts of `_find_candidates`
        """
        messages = self.env["waba.message"]
        over = [row["id"] for row in rows if _offer_end(row) <= datetime_to_epoch(leaves_by)]
        messages.browse(over)._exclude_message("offer_over")
        wanted = {row["id"]: file_ids(row["parameters"] or {}) for row in rows}
        ids = set().union(*wanted.values())
        live = self.env["waba.file.upload"]._live_media(self, list(ids)) if ids else {}
        waiting = [row_id for row_id, files in wanted.items() if not files <= live.keys()]
        if waiting:
            messages.browse(waiting).write({"is_uploading": True})
            self._trigger_dispatch()
        dropped = {*over, *waiting}
        return [row for row in rows if row["id"] not in dropped]

    def _exclude_changed(self, rows):
        """Return the candidates whose lead or contact is unchanged since the message was created.

        The others are excluded permanently, with the change as their reason.

        :param rows: dicts of `_find_candidates`
        """
        messages = self.env["waba.message"]
        records = messages._current_records(rows, self)
        ends_with = self._sequence_end_traits(rows)
        unchanged, changed = [], {}
        for row in rows:
            reason = row["record_traits"] and record_change.change_reason(
                record_change.MessageOrigin(
                    number=row["number"] or row["person_number"] or str(row["recipient_id"]),
                    traits=frozenset(row["record_traits"].split()),
                    origin=row["origin"] or "campaign",
                    category=row["category"],
                    ends_with=ends_with.get(row["sequence_id"], record_change.NO_TRAITS),
                ),
                records.get((row["res_model"], row["res_id"])),
                numbers.canonical_number,
            )
            if reason:
                changed.setdefault(reason, []).append(row["id"])
            else:
                unchanged.append(row)
        for reason, ids in changed.items():
            messages.browse(ids)._exclude_message(reason)
        return unchanged

    def _sequence_end_traits(self, rows):
        """{waba.sequence id: traits of a lead that end this follow-up}."""
        ids = {row["sequence_id"] for row in rows if row["sequence_id"]}
        return {
            sequence.id: frozenset(
                (["won"] if sequence.stop_on_won else [])
                + (["lost", "archived"] if sequence.stop_on_lost else [])
            )
            for sequence in self.env["waba.sequence"].browse(ids)
        }

    def _exclude_ineligible(self, rows, now, leaves_by):
        """Check consent and reachability again; exclude or postpone what they no longer allow.

        :param rows: dicts of `_find_candidates`
        :return: the others
        """
        removed = set().union(*self.env["waba.message"]._on_candidates(rows, now))
        rows = [row for row in rows if row["id"] not in removed]
        allowed = []
        blocked_countries = self.account_id._blocked_countries()
        self._load_promotion_times(rows, now)
        self._load_repeat_times(rows, now)
        for row in rows:
            verdict = eligibility.check_eligibility(
                _eligibility_person(row),
                message_purpose(row["kind"], row["category"]),
                now,
                us_marketing_blocked=self.company_id.waba_us_marketing_left_out,
                blocked_countries=blocked_countries,
                opt_in_required=self.company_id.waba_opt_in_required,
                leaves_by=leaves_by,
            )
            if verdict.allowed:
                allowed.append(row)
            else:
                self._exclude_or_postpone(row, verdict)
        return allowed

    def _load_promotion_times(self, rows, now):
        """Add to each candidate from when its recipient can get one more promotion.

        :param rows: dicts of `_find_candidates`; gain `promoted_at` and `promotions_free_at`
        """
        counted = [row for row in rows if frequency.is_counted(row["origin"], row["category"])]
        recent = self.env["waba.message"]._recent_promotions(
            self.company_id, {_person_key(row) for row in counted}, now
        )
        cap = self.company_id._waba_frequency_cap()
        for row in rows:
            row["promoted_at"], row["promotions_free_at"] = [], None
        for row in counted:
            row["promoted_at"] = recent.get(_person_key(row), [])
            row["promotions_free_at"] = frequency.next_promotion_time(row["promoted_at"], cap)

    def _load_repeat_times(self, rows, now):
        """Add to each candidate from when its recipient can get its template again.

        :param rows: dicts of `_find_candidates`; gain `repeats` and `repeats_free_at`
        """
        messages, company = self.env["waba.message"], self.company_id
        guarded = [
            row
            for row in rows
            if repeats.is_guarded(row["origin"], row["kind"]) and not row["may_repeat"]
        ]
        found = messages._find_repeats_of_rows(company, guarded, now)
        for row in rows:
            row["repeats"] = found.get(row["id"])
            row["repeats_free_at"] = messages._repeats_free_at(company, row["repeats"])

    def _exclude_or_postpone(self, row, verdict):
        """Exclude a candidate with its reason, or postpone it if the reason ends."""
        message, company = self.env["waba.message"].browse(row["id"]), self.company_id
        if verdict.reason_key == "may_opt_out":
            message._hold_for_review()
        elif verdict.reason_key == "repeated":
            message._exclude_message(
                "repeated", message._repeat_detail(row["repeats"], company)
            ).write({"retry_at": verdict.retry_at})
        elif verdict.reason_key != "frequency":
            details = message.recipient_id._opt_out_details(
                verdict.reason_key, company, message.topic_id
            )
            message._exclude_message(verdict.reason_key, details.get(row["recipient_id"]))
        elif row["origin"] in frequency.POSTPONED_ORIGINS:
            retry_at, _reason = hours.earliest_departure(
                verdict.retry_at,
                row["origin"],
                row["category"],
                row["time_zone"] or company._waba_time_zone(),
                company._waba_quiet_period(),
            )
            message.write({"retry_at": retry_at, "wait_reason": "frequency"})
        else:
            message._exclude_message(
                "frequency", message._frequency_detail(row["promoted_at"], company)
            ).write({"retry_at": verdict.retry_at})

    def _postpone(self, rows, campaign, now, leaves_by):
        """Return the rows that quiet hours allow until `leaves_by`; postpone the others.

        :param rows: dicts of `_find_candidates`
        :param campaign: their group (`_sendable_groups`)
        """
        quiet = self.company_id._waba_quiet_period()
        home = self.company_id._waba_time_zone()
        waits_until, ready = {}, []
        for row in rows:
            zone = row["time_zone"]
            if not hours.respects_quiet_hours(row["origin"] or "campaign", row["category"]):
                ready.append(row)
                continue
            if zone not in waits_until:
                waits_until[zone] = hours.wait_until_allowed(now, leaves_by, zone or home, *quiet)
            if not waits_until[zone]:
                ready.append(row)
        for zone, until in waits_until.items():
            if until:
                self._postpone_time_zone(campaign, zone, now, until)
        return ready

    def _postpone_time_zone(self, campaign, zone, now, until):
        """Postpone all due rows of this time zone until `until`.

        If only the head of the queue were postponed, the next rows would take its place again and
        again. The fraction of a second is their order (`policy.warmth.queue_lead`) and stays.
        """
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message
                      SET retry_at = %(until)s + (retry_at - date_trunc(
                              'second', retry_at + interval '999999 microseconds')),
                          wait_reason = 'hours'
                    WHERE id IN (
                          SELECT m.id FROM waba_message m
                           WHERE m.state = 'queued' AND m.retry_at <= %(now)s AND %(group)s
                             AND m.time_zone IS NOT DISTINCT FROM %(zone)s
                             AND (COALESCE(m.origin, 'campaign') = ANY(%(automated)s)
                                  OR m.category = 'marketing' AND m.origin <> 'test')
                        ORDER BY m.retry_at, m.id LIMIT %(limit)s
                             FOR NO KEY UPDATE SKIP LOCKED)""",
                until=until,
                now=now,
                group=self._group_condition(campaign),
                zone=zone,
                automated=list(hours.AUTOMATED),
                limit=POSTPONE_CHUNK,
            )
        )
        self.env["waba.message"].invalidate_model(["retry_at", "wait_reason"])

    def _route_candidates(self, rows, campaign, now):
        """Return the candidates that an endpoint takes, each with its endpoint and price.

        Of the others the campaign pauses, and a direct message fails, with the reason.

        :param rows: dicts of `_find_candidates`
        :param campaign: their group (`_sendable_groups`)
        """
        account, messages = self.account_id, self.env["waba.message"]
        routed, stuck = account._route_rows(rows, campaign, now)
        for reason, found in stuck.items():
            template = self.env["waba.template"].browse(found[0]["template_id"])
            text = account._stuck_text(reason, template)
            unsent = messages.browse(row["id"] for row in found)
            if campaign:
                self._on_campaign_failure(unsent, text)
            else:
                unsent._fail_without_route(text)
        return [] if campaign and stuck else routed

    # === Choice and claim ===

    def _choose_candidates(self, rows, free, seen, now, leaves_by, purse, campaign):
        """Choose the candidates to reserve: one row per person, within slots and budgets.

        The checks of a second row do not know the first yet, so it waits for the next reservation.
        A campaign stops at the first message that its budgets do not cover: a cheaper one behind it
        does not overtake.

        :param free: (slots free within the portfolio's limit, within the number's), None without
            limit
        :param seen: keys of the people chosen before in this reservation (`_person_keys`); extended
        :param purse: waba_budget.Purse, which holds back what the chosen rows may cost
        :return: (rows chosen, (slots they use of the portfolio's limit, of the number's))
        """
        chosen, costs, messages = [], [0, 0], self.env["waba.message"]
        for row in rows:
            people = messages._person_keys(
                row["recipient_id"], row["number"], row["person_number"], row["wa_number"]
            )
            if not seen.isdisjoint(people):
                continue
            row["in_window"] = limits.in_service_window(row["window_expires_at"], leaves_by)
            row["in_free_window"] = limits.in_service_window(row["free_until_at"], leaves_by)
            cost = (
                limits.needs_slot(row["slot_at"], row["window_expires_at"], now, leaves_by),
                not row["in_window"] and not row["is_own"],
            )
            if any(
                needed and left is not None and taken >= left
                for needed, left, taken in zip(cost, free, costs, strict=True)
            ):
                continue
            if not purse.take(row, campaign):
                if campaign:
                    break
                continue
            costs = [taken + needed for taken, needed in zip(costs, cost, strict=True)]
            seen |= people
            chosen.append(row)
        return chosen, costs

    def _apply_refusals(self, purse, campaign, now):
        """Pause a campaign that a budget stops, let other messages wait.

        :return: how many rows wait from now on
        """
        refusal, ids = purse.refusal, purse.refused_ids
        purse.refusal, purse.refused_ids = None, []
        if not refusal:
            return 0
        if campaign:
            self._on_budget_used(campaign, refusal, now)
            return 0
        self.env["waba.message"].browse(ids).write(
            {"retry_at": self.company_id._waba_next_month(now), "wait_reason": "budget"}
        )
        return len(ids)

    @hook
    def _on_budget_used(self, campaign, refusal, now):
        """In the transaction that reserves, when a budget stops a campaign.

        :param refusal: waba_budget.Refusal
        :param now: naive UTC datetime
        """

    def _mark_reserved(self, rows, now, leaves_by, deadline):
        """Write reservation, slots, held charges and pair pace of the rows in three statements.

        :return: [(message id, request body, endpoint)]
        """
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        slot_at = limits.reserved_slot_time(now, leaves_by)
        counted = [row["id"] for row in rows if not row["in_window"]]
        promoted = [
            row["id"] for row in rows if frequency.is_counted(row["origin"], row["category"])
        ]
        templates = [row["id"] for row in rows if repeats.is_guarded(row["origin"], row["kind"])]
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message m
                      SET state = 'reserved', is_unsent = TRUE, attempt_count = attempt_count + 1,
                          reserved_until = %(deadline)s, write_date = %(now)s,
                          waited_for = COALESCE(wait_reason, waited_for), wait_reason = NULL,
                          slot_at = CASE WHEN m.id = ANY(%(counted)s) THEN %(slot)s END,
                          promoted_at = CASE WHEN m.id = ANY(%(promoted)s) THEN %(slot)s END,
                          template_left_at = CASE WHEN m.id = ANY(%(templates)s) THEN %(slot)s END,
                          endpoint = v.endpoint, max_price = v.max_price,
                          held_charge = COALESCE(m.held_charge, 0) + v.bound,
                          charge_bound = v.bound, charge_factor = v.factor,
                          cost_currency_id = v.currency
                     FROM unnest(%(ids)s, %(endpoints)s, %(prices)s::numeric[],
                                 %(bounds)s::numeric[], %(factors)s::float8[],
                                 %(currencies)s::int[])
                          AS v(id, endpoint, max_price, bound, factor, currency)
                    WHERE m.id = v.id""",
                endpoints=[row["endpoint"] for row in rows],
                prices=[row["max_price"] for row in rows],
                bounds=[row["bound"].amount or 0 for row in rows],
                factors=[row["bound"].factor for row in rows],
                currencies=[row["bound"].currency_id for row in rows],
                deadline=deadline,
                now=now,
                counted=counted,
                promoted=promoted,
                templates=templates,
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
        return self._wire_bodies(rows, leaves_by)

    def _wire_bodies(self, rows, leaves_by):
        """[(message id, request body, endpoint)] of reserved rows."""
        shown = set().union(*(file_ids(row["parameters"] or {}) for row in rows))
        media = self.env["waba.file.upload"]._live_media(self, list(shown)) if shown else {}
        return [
            (row["id"], self._wire_body(row, media, leaves_by), row["endpoint"]) for row in rows
        ]

    def _wire_body(self, row, media=None, leaves_by=None):
        """Body of the request; its tag names row and attempt, so that statuses match exactly.

        :param media: {waba.file id: media id} of the files that templates show
        :param leaves_by: naive UTC datetime from which the hours of an offer count
        """
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
        if row["kind"] == "interactive" and row["parameters"].get("asks_number"):
            return payloads.contact_request_message(body=row["text"], opaque=opaque, **address)
        if row["kind"] == "interactive":
            return payloads.options_message(
                body=row["text"], opaque=opaque, **row["parameters"], **address
            )
        if row["kind"] == "reaction":
            return payloads.reaction_message(
                wamid=row["about_wamid"], emoji=row["text"] or "", opaque=opaque, **address
            )
        if row["kind"] == "text":
            return payloads.text_message(body=row["text"], opaque=opaque, **address)
        template = self.env["waba.template"].browse(row["template_id"])
        body = payloads.template_message(
            name=template.name,
            language=template.language,
            parameters=ready_parameters(
                row["parameters"] or {},
                media or {},
                int(datetime_to_epoch(leaves_by or fields.Datetime.now())) * 1000,
            ),
            parameter_format=template.parameter_format,
            opaque=opaque,
            **address,
        )
        if row.get("endpoint") != MARKETING_API:
            return body
        options = self.account_id._marketing_options()
        return with_marketing_options(body, **options, multiplier=row["multiplier"])

    @hook
    def _on_reserved(self, campaign, leaves_by):
        """After rows of a campaign were reserved.

        :param leaves_by: naive UTC datetime of the latest send time
        """

    def _advance_pace(self, count, rate):
        """Store the pace: after a kill, no message is sent before the last batch's time.

        The time is exact: Odoo's own `now` drops the fraction, up to a second.
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


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @api.model
    def _recipient_time_zone(self, number, record, company):
        """Time zone of a person, or several separated by commas (`policy.hours`).

        The contact's comes first, then the number's, then the company's. Odoo gives a new contact
        the time zone of the user who creates it: such a one is ignored if the number's country does
        not have it.

        :param number: E.164, Meta's user id, or ''
        :param record: the recipient's res.partner, crm.lead or waba.recipient; may be None
        """
        partner = record
        if record and record._name != "res.partner":
            partner = record.partner_id if "partner_id" in record._fields else None
        contact_zone, number_zones = partner and partner.tz, number_time_zones(number)
        if contact_zone and number_zones and contact_zone not in number_zones.split(","):
            is_chosen = contact_zone != partner.sudo().create_uid.tz
            contact_zone = is_chosen and contact_zone
        return contact_zone or number_zones or company._waba_time_zone()


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    @api.model
    def _waba_traits_sql(self, company_id):
        """SQL of the traits of the record `r`, separated by blanks (`policy.record_change`).

        Evaluated in the transaction that reserves, for a whole batch: use only the tables of the
        record and its contact. Override it to add traits of your model.
        """
        return SQL(
            "concat_ws(' ', %s, %s)",
            self._waba_company_trait_sql(company_id),
            SQL("CASE WHEN r.active IS FALSE THEN 'archived' END")
            if self._waba_has_column("active")
            else SQL("NULL"),
        )

    @api.model
    def _waba_company_trait_sql(self, company_id):
        if not self._waba_has_column("company_id"):
            return SQL("NULL")
        return SQL("CASE WHEN r.company_id <> %s THEN 'elsewhere' END", company_id)

    @api.model
    def _waba_has_column(self, name):
        field = self._fields.get(name)
        return bool(field and field.store)

    @api.model
    def _waba_current_records(self, ids, company):
        """{id: policy.record_change.RecordState} of those of `ids` that exist, archived ones too.

        By SQL, without access rights: nothing of it is shown to users. The number is Odoo's.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id, r.phone_sanitized, %s FROM %s r WHERE r.id = ANY(%s)",
                self._waba_traits_sql(company.id),
                SQL.identifier(self._table),
                list(ids),
            )
        )
        return {
            id_: record_change.RecordState(number or "", frozenset(traits.split()))
            for id_, number, traits in rows
        }

    @api.model
    def _waba_parse_numbers(self, found, portfolio):
        """Return `found` with the people whose number Odoo did not store.

        As when the message is created: a number that can be parsed by now, else the linked person,
        by their number or the recipient's id as text.

        :param found: see `_waba_current_records`
        """
        without = self.sudo().browse(id_ for id_, record in found.items() if not record.number)
        number_of = self.env["waba.recipient"]._number_of
        linked = without._waba_linked(portfolio) if without else {}

        def key(one):
            person = linked[one.id][:1]
            return number_of(one) or person.number or (str(person.id) if person else "")

        return found | {one.id: found[one.id]._replace(number=key(one)) for one in without}


class CrmLead(models.Model):
    _inherit = "crm.lead"

    @api.model
    def _waba_traits_sql(self, company_id):
        return SQL(
            """concat_ws(' ', %s,
                   CASE WHEN r.won_status = 'lost' THEN 'lost'
                        WHEN r.active IS FALSE THEN 'archived'
                        WHEN r.won_status = 'won' THEN NULL ELSE 'open' END,
                   CASE WHEN r.won_status = 'won' THEN 'won' END,
                   CASE WHEN EXISTS (SELECT 1 FROM res_partner p
                                      WHERE p.id = r.partner_id AND NOT p.active)
                        THEN 'contact_archived' END)""",
            self._waba_company_trait_sql(company_id),
        )


class ResCompany(models.Model):
    _inherit = "res.company"

    @implements("_on_waba_change")
    def _waba_recheck_rules(self, names):
        if not RULES.isdisjoint(names):
            self.env["waba.message"].sudo()._recheck_rules(self)


def message_purpose(kind, category):
    """Purpose for `policy.eligibility`: only a template may begin a conversation."""
    if kind != "template":
        return "service"
    return "marketing" if category == "marketing" else "utility"


def datetime_to_epoch(moment):
    """Epoch seconds of a naive UTC datetime."""
    return moment.replace(tzinfo=timezone.utc).timestamp()


def _offer_end(row):
    """When the offer of a row's template ends, in epoch seconds; never without one."""
    offer = (row["parameters"] or {}).get("offer") or {}
    return offer.get("expires_at_ms", float("inf")) / 1000


def _person_key(row):
    return row["number"] or str(row["recipient_id"])


def _eligibility_person(row):
    return eligibility.Person(
        number=row["number"] or "",
        user_uid=row["user_uid"] or "",
        is_ours=row["is_ours"],
        country_code=number_country(row["number"] or row["user_uid"]),
        marketing_state=row["marketing_state"],
        utility_state=row["utility_state"],
        topic_state=row["topic_state"],
        blacklisted=row["is_blacklisted"],
        renumbered=row["is_renumbered"],
        unreachable_until=row["unreachable_until"],
        blocked=row["is_blocked"],
        window_expires_at=row["window_expires_at"],
        promotions_free_at=row["promotions_free_at"],
        repeats_free_at=row["repeats_free_at"],
        may_opt_out=bool(row["may_opt_out_at"]),
    )
