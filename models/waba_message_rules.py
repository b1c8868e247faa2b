from odoo import api, fields, models
from odoo.tools import SQL, format_datetime

from ..policy import eligibility, frequency, hours
from ..policy.numbers import forms_by_number
from .hooks import hook, implements
from .phone_countries import number_country, number_time_zones
from .waba_sender_reserve import message_purpose

# Of a company: written, they change what waits.
RULES = frozenset(
    ("waba_quiet_hours", "waba_quiet_from", "waba_quiet_until", "waba_frequency_count",
     "waba_frequency_days")
)  # fmt: skip
# Rows of one closed time zone that one reservation puts off; those behind them follow with the
# next, so that no transaction holds the portfolio for long.
POSTPONE_CHUNK = 5000


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


class WabaMessage(models.Model):
    """The company's own rules for when a message may leave: quiet hours, and how many promotions
    one person gets (docs/sending-rules.md).

    They are asked when a row is made, and again by the reservation for the time in which it would
    leave. A row that may not leave waits: `retry_at` tells until when, `wait_reason` why.
    """

    _inherit = "waba.message"

    @api.model
    @hook
    def _on_candidates(self, rows, now):
        """In the transaction that reserves, when these rows are about to be chosen from.

        :param rows: dicts of CANDIDATE_COLUMNS
        :return: ids of those that may not leave now: they are no longer queued, or postponed
        """

    time_zone = fields.Char(
        "Person's time zone",
        readonly=True,
        help="Several when the number does not tell which: then what suits all of them.",
    )
    not_before_at = fields.Datetime(
        "Planned for", readonly=True, help="Whoever asked for it wanted it no sooner."
    )

    promoted_at = fields.Datetime(
        "Counted as a promotion at",
        readonly=True,
        help="The latest moment at which it may have left.",
    )

    _promoted_idx = models.Index(
        "(company_id, (COALESCE(number, recipient_id::text)), promoted_at)"
        " WHERE promoted_at IS NOT NULL"
    )

    @api.model
    def _recent_promotions(self, company, people, now):
        """{person: when their promotions of the rule's days left, latest first}.

        :param people: E.164 numbers, or the waba.recipient's id as text of who shows none: the
            company may know one person by several portfolios
        """
        cap = company._waba_frequency_cap()
        if not cap.applies or not people:
            return {}
        self.flush_model()
        forms = forms_by_number(people)
        rows = self.env.execute_query(
            SQL(
                """SELECT COALESCE(m.number, m.recipient_id::text),
                          array_agg(m.promoted_at ORDER BY m.promoted_at DESC)
                     FROM waba_message m
                    WHERE m.company_id = %s AND m.promoted_at > %s AND m.state = ANY(%s)
                      AND COALESCE(m.number, m.recipient_id::text) = ANY(%s)
                 GROUP BY 1""",
                company.id,
                now - cap.window,
                list(frequency.COUNTED_STATES),
                list(forms),
            )
        )
        promoted = {}
        for form, moments in rows:
            person = forms[form]
            promoted[person] = sorted([*promoted.get(person, ()), *moments], reverse=True)
        return promoted

    @api.model
    def _frequency_detail(self, promoted_at, company):
        """Which rule leaves a person out, when their last promotions went, when the next may go."""
        cap = company._waba_frequency_cap()
        zone = company._waba_time_zone()

        def when(moment):
            return format_datetime(self.env, moment, tz=zone, dt_format="d MMM, HH:mm")

        return self.env._(
            "your rule is at most %(count)s in %(days)s days, and the last ones went on %(dates)s. "
            "The next may go on %(next)s",
            count=cap.count,
            days=cap.days,
            dates="; ".join(map(when, sorted(promoted_at)[-cap.count :])),
            next=when(frequency.next_promotion_time(promoted_at, cap)),
        )

    @api.model
    def _recheck_rules(self, companies):
        """The rules have changed: what waits because of them is looked at by the new ones."""
        self.flush_model()
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE waba_message m
                      SET wait_reason = NULL,
                          retry_at = GREATEST(%(now)s, m.not_before_at,
                                              CASE WHEN m.category = 'marketing'
                                              THEN r.marketing_held_until END)
                     FROM waba_recipient r
                    WHERE r.id = m.recipient_id AND m.state = 'queued'
                      AND m.wait_reason = ANY(%(reasons)s) AND m.company_id = ANY(%(companies)s)
                RETURNING m.sender_id""",
                now=fields.Datetime.now(),
                reasons=["hours", "frequency"],
                companies=companies.ids,
            )
        )
        self.invalidate_model()
        self.env["waba.sender"].browse({sender_id for (sender_id,) in rows})._trigger_dispatch()


class ResCompany(models.Model):
    _inherit = "res.company"

    @implements("_on_waba_change")
    def _waba_recheck_rules(self, names):
        if not RULES.isdisjoint(names):
            self.env["waba.message"].sudo()._recheck_rules(self)


class WabaSender(models.Model):
    _inherit = "waba.sender"

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
