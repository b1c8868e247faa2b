from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ...cloud_api import payloads
from ...policy import eligibility, frequency, hours, limits, numbers, pacing, record_change
from ...policy import warm_up as warm_up_policy
from ...policy.numbers import sending_number
from ..consent.consent_sql import consent_sql, renumbered_sql
from ..tools.hooks import hook, implements
from ..tools.phone_countries import number_country, number_time_zones

# Seconds to connect plus to read, and slack to get a job from the queue to the wire.
CONNECT_TIMEOUT, READ_TIMEOUT = 5, 20

LEASE_MARGIN = 10

# Kinds of message that carry a file uploaded before (waba_media.py).
FILE_KINDS = ("image", "video", "audio", "document")

# Groups of direct messages, false as no campaign is: those that a person waits for, and all.
AWAITED_GROUP, DIRECT_GROUP = None, False


class SlotAllowance:
    """People who may still be written to first: of the portfolio's limit and of the number's own.

    :param limit, own_limit: people in 24 h, None without limit
    :param used, own_used: people counted in the last 24 h, by all numbers and by this one
    """

    def __init__(self, limit, used, own_limit, own_used, followup_share):
        self.limit, self.used = limit, used
        self.own_limit, self.own_used = own_limit, own_used
        self.followup_share = followup_share

    def free_slots(self, kind):
        """(places free of the portfolio's limit, of the number's own); None without limit.

        :param kind: 'campaign' or 'followup'
        """
        return (
            limits.allowance(self.limit, self.used, 0, self.followup_share, kind),
            limits.allowance(self.own_limit, self.own_used, 0, self.followup_share, kind),
        )

    def use_slot(self, costs, own_costs):
        self.used += costs
        self.own_used += own_costs


# Of a company: written, they change what waits.
RULES = frozenset(
    ("waba_quiet_hours", "waba_quiet_from", "waba_quiet_until", "waba_frequency_count",
     "waba_frequency_days")
)  # fmt: skip

# Rows of one closed time zone that one reservation puts off; those behind them follow with the
# next, so that no transaction holds the portfolio for long.
POSTPONE_CHUNK = 5000


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

    # === Slot allowance ===
    # How many people a number may still write to, by the portfolio's limit and by its own.
    #
    # Its own is what share and warm-up leave it. It counts the people of its own messages, whoever
    # else wrote to them; the portfolio counts each person once.

    def _slot_allowance(self, now):
        """What is left of the limits. Without a limit nothing is counted: at a million people a day
        that would show."""
        portfolio = self.portfolio_id
        limit, own_limit = portfolio._people_limit(), self._own_daily_limit()
        used = own_used = 0
        if limit is not None:
            used = portfolio._count_slots_used().get(portfolio.id, (0, None))[0]
        if own_limit is not None:
            own_used = self._count_own_recipients(now)
        return SlotAllowance(limit, used, own_limit, own_used, portfolio.followup_share)

    def _own_daily_limit(self):
        """People this number alone may write to first in 24 h, after share and warm-up.

        :return: None when the portfolio's limit is all there is to keep
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
        """Times, oldest first, at which the people this number wrote to were last counted."""
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
        """People whom this number, whatever others did, wrote to first in the last 24 h."""
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

    # === Rules asked again when a row is reserved ===
    def _lock_limits(self):
        """Hold what this number shares with others until the transaction ends: the portfolio, and,
        for the rule on promotions, the company's other portfolios, always in the same order."""
        portfolios = self.portfolio_id
        if self.company_id._waba_frequency_cap().applies:
            portfolios |= (
                self.env["waba.account"]
                .search([("company_id", "=", self.company_id.id)])
                .portfolio_id
            )
        for portfolio in portfolios.sorted("id"):
            portfolio._lock_for_reservation()

    def _exclude_ineligible(self, rows, now, leaves_by):
        """Consent and reach once more, in the transaction that reserves: who may be written to."""
        gone = set().union(*self.env["waba.message"]._on_candidates(rows, now))
        rows = [row for row in rows if row["id"] not in gone]
        allowed = []
        blocked_countries = self.account_id._blocked_countries()
        self._load_promotion_times(rows, now)
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
        """Tell of each candidate from when its person may get one more promotion.

        :param rows: dicts of `_find_candidates`, extended
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

    def _exclude_or_postpone(self, row, verdict):
        """A candidate that may not leave: left out with its reason, or postponed if it has time."""
        message, company = self.env["waba.message"].browse(row["id"]), self.company_id
        if verdict.reason_key == "may_opt_out":
            message._hold_for_review()
        elif verdict.reason_key != "frequency":
            message._exclude_message(verdict.reason_key)
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
        """The rows that the company's rules let leave until `leaves_by`; the others wait.

        :param rows: dicts of `_find_candidates`
        :param campaign: the group they are of (`_sendable_groups`)
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
        """Nobody of that zone is written to before `until`: all who are due wait, not only those at
        the head of the queue, who would be followed by the next of them again and again."""
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message SET retry_at = %(until)s, wait_reason = 'hours'
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

    # === Record check ===
    def _exclude_changed(self, rows):
        """The candidates whose lead or contact is what it was when the message was made.

        The others are excluded for good, with what happened as their reason.

        :param rows: dicts of `_find_candidates`
        """
        messages = self.env["waba.message"]
        records = messages._current_records(rows, self.company_id)
        ends_with = self._sequence_end_traits(rows)
        unchanged, changed = [], {}
        for row in rows:
            reason = row["record_traits"] and record_change.change_reason(
                record_change.MessageOrigin(
                    number=row["number"] or "",
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


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    @api.model
    def _recipient_time_zone(self, number, record, company):
        """Where a person is: one time zone, or several divided by commas (`policy.hours`).

        What is noted on the contact comes first, then what the number tells, then the company's.
        Odoo gives a new contact the time zone of whoever creates it: that is nobody's word, and
        where the number's country has no such zone the number is believed.

        :param number: E.164, or ''
        :param record: the res.partner, crm.lead or waba.recipient written to; may be None
        """
        partner = record
        if record and record._name != "res.partner":
            partner = record.partner_id if "partner_id" in record._fields else None
        noted, told = partner and partner.tz, number_time_zones(number)
        if noted and told and noted not in told.split(","):
            is_anybodys_word = noted != partner.sudo().create_uid.tz
            noted = is_anybodys_word and noted
        return noted or told or company._waba_time_zone()


class ResCompany(models.Model):
    _inherit = "res.company"

    @implements("_on_waba_change")
    def _waba_recheck_rules(self, names):
        if not RULES.isdisjoint(names):
            self.env["waba.message"].sudo()._recheck_rules(self)


def message_purpose(kind, category):
    """What `policy.eligibility` asks about a message: only a template may begin a conversation."""
    if kind != "template":
        return "service"
    return "marketing" if category == "marketing" else "utility"


def datetime_to_epoch(moment):
    """Epoch seconds of a naive UTC datetime."""
    return moment.replace(tzinfo=timezone.utc).timestamp()


def _person_key(row):
    return row["number"] or str(row["recipient_id"])


def _eligibility_person(row):
    return eligibility.Person(
        number=row["number"] or "",
        user_uid=row["user_uid"] or "",
        is_ours=row["is_ours"],
        country_code=number_country(row["number"]),
        marketing_state=row["marketing_state"],
        utility_state=row["utility_state"],
        blacklisted=row["is_blacklisted"],
        renumbered=row["is_renumbered"],
        unreachable_until=row["unreachable_until"],
        blocked=row["is_blocked"],
        window_expires_at=row["window_expires_at"],
        promotions_free_at=row["promotions_free_at"],
        may_opt_out=bool(row["may_opt_out_at"]),
    )
