"""Every number of our graphs, pivots, lists and cards: whether it may be added, from what it is
computed, and how an unknown one is shown. Each is compared with plain SQL, on data where adding,
averaging or 0 would be wrong: two numbers, a day without messages, partly known costs, a campaign
that sent nothing.
"""

from datetime import timedelta
from typing import NamedTuple

from lxml import etree
from odoo import fields
from odoo.addons.waba_campaign.models.tools.figures import UnknownMixin
from odoo.tests import tagged
from odoo.tools import SQL

from ..reputation_case import ReputationCase

NUMERIC = ("integer", "float", "monetary")

# What one row of a table counts, in plain SQL: {fact: (table, aggregate)}.
DEPARTURE = "COALESCE(r.accepted_at, r.sent_at, r.failed_at)"
TABLES = {
    "message": f"""(SELECT r.*, {DEPARTURE}::date AS day, {DEPARTURE} IS NOT NULL AS has_left
                      FROM waba_message r WHERE r.direction = 'out')""",
    "event": "(SELECT *, TRUE AS has_left FROM waba_attribution)",
    "row": "(SELECT *, TRUE AS has_left FROM waba_message)",
    "enrollment": """(SELECT e.*, l.won_status = 'won' AS is_won, TRUE AS has_left
                        FROM waba_sequence_enrollment e
                   LEFT JOIN crm_lead l ON l.id = e.lead_id)""",
    "step": """(SELECT r.*, e.sequence_id AS of_sequence, e.user_id AS of_user, TRUE AS has_left
                  FROM waba_message r JOIN waba_sequence_enrollment e ON e.id = r.enrollment_id)""",
    # In this data everybody writes once, and is answered by a user at most once.
    "turn": """(SELECT i.sender_id, o.create_date - i.sent_at AS wait, TRUE AS has_left,
                       i.sent_at + interval '24 hours' < now() AT TIME ZONE 'UTC' AS is_over,
                       COALESCE(o.user_id, i.user_id) AS user_id
                  FROM waba_message i
             LEFT JOIN waba_message o ON o.recipient_id = i.recipient_id AND o.origin = 'manual'
                 WHERE i.direction = 'in')""",
}
FACTS = {
    "messages": ("message", "count(*)"),
    "sent": ("message", "count(r.accepted_at)"),
    "delivered": ("message", "count(r.delivered_at)"),
    "read": ("message", "count(r.read_at)"),
    "replied": ("message", "count(r.replied_at)"),
    "opted_out": ("message", "count(r.opted_out_at)"),
    "silent": ("message", "count(*) FILTER (WHERE r.state = 'sent')"),
    "undeliverable": ("message", "count(*) FILTER (WHERE r.failure_type = 'undeliverable')"),
    "limited": ("message", "count(*) FILTER (WHERE r.failure_type = 'marketing_limit')"),
    "spam_limited": ("message", "count(*) FILTER (WHERE r.failure_type = 'spam_rate')"),
    "failed": ("message", "count(*) FILTER (WHERE r.state = 'failed')"),
    "excluded": ("message", "count(*) FILTER (WHERE r.state = 'skipped')"),
    "linked": ("message", "count(r.link_token)"),
    "clicked": ("message", "count(r.clicked_at)"),
    "charged": ("message", "count(*) FILTER (WHERE r.cost_state = 'charged')"),
    "free": ("message", "count(*) FILTER (WHERE r.cost_state LIKE 'free%%')"),
    "priced": ("message", "count(r.company_cost)"),
    "unpriced": ("message", "count(r.delivered_at) - count(r.company_cost)"),
    "cost": ("message", "sum(r.company_cost)"),
    "attempts": ("row", "sum(r.attempt_count)"),
    "enrolled": ("enrollment", "count(*)"),
    "reached": ("enrollment", "COALESCE(sum(r.steps_done), 0)"),
    "won_leads": ("enrollment", "count(*) FILTER (WHERE r.is_won)"),
    "step_sent": ("step", "count(r.accepted_at)"),
    "step_delivered": ("step", "count(r.delivered_at)"),
    "step_read": ("step", "count(r.read_at)"),
    "step_replied": ("step", "count(r.replied_at)"),
    "turns": ("turn", "count(*)"),
    "answered": ("turn", "count(r.wait)"),
    "missed": (
        "turn",
        """count(*) FILTER (WHERE r.wait > interval '24 hours'
                                              OR r.wait IS NULL AND r.is_over)""",
    ),
    "in_time": ("turn", "count(*) FILTER (WHERE r.wait <= interval '24 hours')"),
    "minutes": ("turn", "sum(extract(epoch FROM r.wait) / 60)"),
    "median": (
        "turn",
        """percentile_cont(0.5) WITHIN GROUP (
                              ORDER BY extract(epoch FROM r.wait)::float8 / 60)""",
    ),
    "stages": ("event", "count(*) FILTER (WHERE r.kind = 'stage')"),
    "activities": ("event", "count(*) FILTER (WHERE r.kind = 'activity')"),
    "won": ("event", "count(*) FILTER (WHERE r.kind = 'won')"),
    "lost": ("event", "count(*) FILTER (WHERE r.kind = 'lost')"),
    "won_amount": ("event", "COALESCE(sum(r.amount) FILTER (WHERE r.kind = 'won'), 0)"),
    "invoiced_amount": ("event", "COALESCE(sum(r.amount) FILTER (WHERE r.kind = 'revenue'), 0)"),
}


class Figure(NamedTuple):
    """How a number behaves in a group.

    :ivar kind: 'sum': may be added. 'ratio': a sum over a sum. 'median': the middle of all rows.
        'last': the last known value of one number. 'row': a fact of one row, never summarized
    :ivar part: key of FACTS
    :ivar bases: keys of FACTS whose sum is the denominator
    :ivar unless: key of FACTS; the ratio is unknown while that is not 0
    :ivar unknown: what stands where the value is not known: '–', or an empty cell
    """

    kind: str
    part: str = ""
    bases: tuple = ()
    unless: str = ""
    unknown: str = ""


def total(part):
    return Figure("sum", part)


def ratio(part, *bases, unless="", unknown="–"):
    return Figure("ratio", part, bases, unless, unknown)


ROW = Figure("row")
OUTCOMES = {
    f"{name}_count": total(name)
    for name in (
        "sent", "delivered", "read", "replied", "opted_out", "silent", "undeliverable", "limited",
        "spam_limited", "failed",
    )
}  # fmt: skip
SHARES = {
    "delivery_share": ratio("delivered", "sent"),
    "read_share": ratio("read", "delivered"),
    "reply_share": ratio("replied", "delivered"),
    "opt_out_share": ratio("opted_out", "delivered"),
    "failure_share": ratio("failed", "delivered", "failed"),
    "possible_block_share": ratio("silent", "delivered", "silent"),
    "undeliverable_share": ratio("undeliverable", "delivered", "undeliverable"),
    "limited_share": ratio("limited", "delivered", "limited"),
}
FIGURES = {
    "waba.message.report": {
        **OUTCOMES,
        "message_count": total("messages"),
        "skipped_count": total("excluded"),
        "delivery_rate": ratio("delivered", "sent"),
        "read_rate": ratio("read", "delivered"),
        "reply_rate": ratio("replied", "delivered"),
        "opt_out_rate": ratio("opted_out", "delivered"),
        "failure_rate": ratio("failed", "delivered", "failed"),
    },
    "waba.message.daily": {**OUTCOMES, **SHARES},
    "waba.audience.daily": {**OUTCOMES, **SHARES},
    "waba.sender.reputation": {
        **OUTCOMES,
        **SHARES,
        "score": Figure("last", unknown="–"),
        # Of the seven days before: they overlap from row to row.
        "opt_out_rate": ROW, "possible_block_rate": ROW, "undeliverable_rate": ROW,
        "limited_rate": ROW, "delivery_rate": ROW, "read_rate": ROW, "reply_rate": ROW,
        "base": ROW, "window": ROW,
    },
    "waba.money.report": {
        "sent_count": total("sent"),
        "delivered_count": total("delivered"),
        "replied_count": total("replied"),
        "linked_count": total("linked"),
        "clicked_count": total("clicked"),
        "charged_count": total("charged"),
        "free_count": total("free"),
        "priced_count": total("priced"),
        "unpriced_count": total("unpriced"),
        "stage_count": total("stages"),
        "activity_count": total("activities"),
        "won_count": total("won"),
        "lost_count": total("lost"),
        "cost": total("cost"),
        "won_amount": total("won_amount"),
        "invoiced_amount": total("invoiced_amount"),
        "reply_rate": ratio("replied", "delivered"),
        "click_rate": ratio("clicked", "linked"),
        "cost_per_reply": ratio("cost", "replied", unless="unpriced"),
        "cost_per_click": ratio("cost", "clicked", unless="unpriced"),
        "cost_per_won": ratio("cost", "won", unless="unpriced"),
        "return_rate": ratio("won_amount", "cost", unless="unpriced"),
    },
    "waba.attribution": {
        "won_amount": total("won_amount"),
        "invoiced_amount": total("invoiced_amount"),
        # What a won lead promised and what its invoices brought are no parts of one sum.
        "amount": ROW,
    },
    "waba.sequence.report": {
        "entered_count": total("enrolled"),
        "reached_count": total("reached"),
        "sent_count": total("step_sent"),
        "delivered_count": total("step_delivered"),
        "read_count": total("step_read"),
        "answered_count": total("step_replied"),
        "won_count": total("won_leads"),
        "answer_rate": ratio("step_replied", "step_sent"),
        "won_rate": ratio("won_leads", "enrolled"),
        "position": ROW,
    },
    "waba.ad.report": {
        "conversation_count": total(""), "lead_count": total(""), "qualified_count": total(""),
        "won_count": total(""), "revenue": total(""), "lead_rate": ratio("", ""),
        "won_rate": ratio("", ""),
    },
    "waba.optin.report": {
        "view_count": total(""), "form_count": total(""), "conversation_count": total(""),
        "opt_in_count": total(""), "opt_out_count": total(""), "lead_count": total(""),
        "won_count": total(""), "revenue": total(""),
    },
    "waba.answer.report": {
        "message_count": total("turns"),
        "missed_count": total("missed"),
        "missed_rate": ratio("missed", "missed", "in_time"),
        "answer_minutes": ratio("minutes", "answered"),
        "answer_median": Figure("median", "median", unknown="–"),
    },
    "waba.message": {"attempt_count": total("attempts")},
    "waba.price.check": {
        "our_count": total(""), "meta_count": total(""), "our_cost": total(""),
        "meta_cost": total(""), "cost_difference": total(""), "differing_count": total(""),
    },
    "waba.price.check.line": {
        "our_count": total(""), "meta_count": total(""), "our_cost": total(""),
        "meta_cost": total(""), "unpriced_count": total(""), "differing_count": total(""),
    },
}  # fmt: skip

# Groups by which each model is compared: {spec: {table: SQL}}.
DAY = dict.fromkeys(("message", "event"), "r.day")
SENDER = dict.fromkeys(("message", "event", "row", "turn"), "r.sender_id")
CAMPAIGN = dict.fromkeys(("message", "event", "row"), "r.campaign_id")
USER = {**dict.fromkeys(("message", "enrollment", "turn"), "r.user_id"), "step": "r.of_user"}
TEMPLATE = {"message": "r.template_id"}
STATE = dict.fromkeys(("message", "row"), "r.state")
SEQUENCE = {"enrollment": "r.sequence_id", "step": "r.of_sequence"}
NO_GROUP = {}
COUNTED = {
    "waba.message.daily": {
        "": NO_GROUP,
        "day:day": DAY,
        "sender_id": SENDER,
        "campaign_id": CAMPAIGN,
    },
    "waba.audience.daily": {"": NO_GROUP, "day:day": DAY, "sender_id": SENDER},
    "waba.sender.reputation": {"": NO_GROUP, "day:day": DAY, "sender_id": SENDER},
    "waba.money.report": {
        "": NO_GROUP,
        "day:day": DAY,
        "sender_id": SENDER,
        "campaign_id": CAMPAIGN,
    },
    "waba.attribution": {"": NO_GROUP, "day:day": DAY, "campaign_id": CAMPAIGN},
}
# Those that read the messages themselves, not counts of a day.
READ_LIVE = {
    "waba.message.report": {"": NO_GROUP, "sender_id": SENDER, "campaign_id": CAMPAIGN,
                            "user_id": USER, "template_id": TEMPLATE, "state": STATE},
    "waba.sequence.report": {"": NO_GROUP, "sequence_id": SEQUENCE, "user_id": USER},
    "waba.answer.report": {"": NO_GROUP, "sender_id": SENDER, "user_id": USER},
    "waba.message": {"": NO_GROUP, "sender_id": SENDER, "campaign_id": CAMPAIGN, "state": STATE},
}  # fmt: skip

# Compared with the messages and with Meta's own figures by tests/analytics/test_price_check.py, and
# with what people did by tests/ads and tests/optin.
ELSEWHERE = {"waba.price.check", "waba.price.check.line", "waba.ad.report", "waba.optin.report"}


# Floats that are no part of a whole: a multiple, minutes.
NO_PERCENTAGES = {"return_rate", "answer_minutes", "answer_median"}
# Never empty, although the database does not require it.
ALWAYS_SET = {
    "waba.ad.report": {"account_id", "ad_id"},
    "waba.optin.report": {"kind", "optin_source_id"},
    "waba.recipient": {"marketing_state", "utility_state"},
    "waba.answer.report": {"sender_id", "state"},
    "waba.attribution": {"kind"},
    "waba.message.report": {"state"},
    "waba.sender": {"quality_rating"},
    "waba.sender.reputation": {"account_id", "sender_id"},
    "waba.sequence.report": {"sequence_id"},
    "waba.template.draft": {"state"},
}


class FiguresCase(ReputationCase):
    """Two numbers, of which one sent a little, three days ago, and one much, yesterday."""

    def setUp(self):
        super().setUp()
        self.small, self.silent = self._bare_campaign("Small"), self._bare_campaign("Nothing sent")
        self._sent(3, self.small, delivered=40, read=30, replied=10, opted_out=2, silent=5,
                   undeliverable=3, limited=2, accepted=5)  # fmt: skip
        self._sent(1, sender=self.sender_mx, delivered=400, read=100, replied=4, opted_out=1,
                   spam_limited=2)  # fmt: skip
        self._message(state="skipped", campaign_id=self.silent.id, failure_type="opted_out")
        self.env.flush_all()
        # Of the small campaign 30 of 40 have a price; the other number's all have.
        self.env.cr.execute(
            """UPDATE waba_message SET cost_state = 'charged', company_cost = 0.05
                WHERE id IN (SELECT id FROM waba_message WHERE campaign_id = %s
                                AND delivered_at IS NOT NULL ORDER BY id LIMIT 30);
               UPDATE waba_message SET cost_state = 'charged', company_cost = 0.02,
                      link_token = uuid, clicked_at = replied_at
                WHERE sender_id = %s AND delivered_at IS NOT NULL;
               UPDATE waba_message SET cost_state = 'no_rate'
                WHERE delivered_at IS NOT NULL AND cost_state IS NULL""",
            (self.small.id, self.sender_mx.id),
        )
        self.env.invalidate_all()
        events = [("won", 100, self.small), ("revenue", 90, self.small), ("lost", 0, self.small),
                  ("won", 50, None), ("stage", 0, None), ("activity", 0, None)]  # fmt: skip
        today = fields.Date.today()
        self.env["waba.attribution"].create(
            [
                {
                    "event_key": f"test:{number}",
                    "kind": kind,
                    "at": fields.Datetime.now(),
                    "amount": amount,
                    "currency_id": self.env.company.currency_id.id,
                    "company_id": self.env.company.id,
                    "day": today - timedelta(days=3 if campaign else 1),
                    "campaign_id": campaign.id if campaign else False,
                    "sender_id": (self.sender if campaign else self.sender_mx).id,
                }
                for number, (kind, amount, campaign) in enumerate(events)
            ]
        )
        self._run_judge()
        self.env["waba.money.daily"]._count_due_days()
        self.env.flush_all()
        self.env.invalidate_all()

    def _follow_up(self):
        """Two follow-ups of two steps; of four leads one got both messages, one none."""
        leads = self._leads(4, start=800)
        leads[0].stage_id = self.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        now = fields.Datetime.now()
        for name, mine, sent in (("Offers", leads[:3], (2, 1, 1)), ("Visits", leads[3:], (0,))):
            sequence = self.env["waba.sequence"].create(
                {
                    "name": name,
                    "trigger": "manual",
                    "sender_id": self.sender.id,
                    "step_ids": [
                        (0, 0, {"kind": "template", "template_id": self.template.id})
                        for _step in range(2)
                    ],
                }
            )
            for lead, count in zip(mine, sent, strict=True):
                one = self.env["waba.sequence.enrollment"].create(
                    {
                        "sequence_id": sequence.id, "lead_id": lead.id, "steps_done": count,
                        "version": sequence.step_ids[0].version, "entered_at": now,
                        "user_id": self.salesperson.id if lead != leads[0] else False,
                        "company_id": self.env.company.id,
                    }
                )  # fmt: skip
                for index, step in enumerate(sequence.step_ids[:count]):
                    self._message(
                        lead.phone_sanitized, "read" if index else "accepted",
                        origin="sequence", enrollment_id=one.id, sequence_step_id=step.id,
                        delivered_at=now if index else False, read_at=now if index else False,
                        replied_at=now if index else False,
                    )  # fmt: skip

    def _answer(self):
        """Answered after 10 and 50 minutes, and after 30 hours; missed; still in the window."""
        now = fields.Datetime.now()
        for index, (hours, minutes) in enumerate(
            ((5, 10), (4, 50), (60, 30 * 60), (30, None), (2, None))
        ):
            number, at = f"+3461199900{index}", now - timedelta(hours=hours)
            said = self._message(number, "received", direction="in", kind="text", text="Hola",
                                 template_id=False, sent_at=at)  # fmt: skip
            pair = (said.sender_id, said.recipient_id)
            self.env["waba.conversation"]._find_or_create_pair(*pair)
            if minutes:
                row = self._message(
                    number, "read", kind="text", text="Sí", template_id=False, origin="manual",
                    category="service", user_id=(self.salesperson if index else self.manager).id,
                )  # fmt: skip
                row.flush_recordset()
                self.env.cr.execute(
                    "UPDATE waba_message SET create_date = %s WHERE id = %s",
                    (at + timedelta(minutes=minutes), row.id),
                )


@tagged("post_install", "-at_install")
class TestFigures(FiguresCase):
    def test_each_figure_of_each_group_is_what_sql_says(self):
        self._compare_groups(COUNTED)

    def test_of_follow_ups_answers_and_messages_too(self):
        self._follow_up()
        self._answer()
        self.env.flush_all()
        self.env.invalidate_all()
        self._compare_groups(READ_LIVE)

    def test_each_report_is_compared(self):
        compared = {model for model in FIGURES if self._computed(model)}
        self.assertEqual(compared - ELSEWHERE, COUNTED.keys() | READ_LIVE.keys())

    def _compare_groups(self, counted):
        for model, groups in counted.items():
            for spec, by_table in groups.items():
                found = self._found(model, spec)
                self.assertTrue(found)
                for key, values in found.items():
                    facts = self._facts(model, by_table, key)
                    for name, figure in self._computed(model).items():
                        with self.subTest(model=model, group=f"{spec} = {key}", figure=name):
                            self._compare(values[name], self._expected(figure, facts))

    def _computed(self, model):
        return {
            name: figure
            for name, figure in FIGURES[model].items()
            if figure.kind in ("sum", "ratio", "median")
        }

    def _found(self, model, spec, domain=()):
        """{group's key: {field: value}}, as a graph, a pivot or a list's group reads it."""
        records = self.env[model].with_user(self.manager)
        figures = self._computed(model)
        asked = {name: f"{name}:{records._fields[name].aggregator}" for name in figures}
        rows = records.formatted_read_group(
            list(domain), [spec] if spec else [], list(asked.values())
        )
        found = {}
        for row in rows:
            key = row[spec] if spec else None
            key = key[0] if isinstance(key, (list, tuple)) else key or None
            found[key] = {name: row[column] for name, column in asked.items()}
        return found

    def _facts(self, model, by_table, key):
        """{fact: value} of one group."""
        facts = {}
        for table, source in TABLES.items():
            names = [name for name, (of, _sql) in FACTS.items() if of == table]
            group = "TRUE"
            if table in by_table:
                group = f"{by_table[table]} IS NOT DISTINCT FROM %(key)s"
            # Only the analysis of messages has those that never left.
            left = "TRUE" if model == "waba.message.report" else "r.has_left"
            self.env.cr.execute(
                f"""SELECT {", ".join(FACTS[name][1] for name in names)} FROM {source} r
                     WHERE {left} AND {group}""",
                {"key": key},
            )
            facts |= dict(zip(names, self.env.cr.fetchone(), strict=True))
        return facts

    def _expected(self, figure, facts):
        if figure.kind in ("sum", "median"):
            return facts[figure.part]
        base = sum(facts[name] or 0 for name in figure.bases)
        if not base or facts[figure.part] is None or (figure.unless and facts[figure.unless]):
            return None
        return float(facts[figure.part]) / float(base)

    def _compare(self, found, expected):
        if expected is None:
            self.assertIs(found, False)
        else:
            self.assertIsNot(found, None)
            self.assertAlmostEqual(float(found), float(expected), places=6)

    def test_the_rates_of_two_days_are_not_averaged(self):
        # 2 of 40 and 1 of 400: 0.68 % of all, not 2.6 %.
        [values] = self._found("waba.sender.reputation", "").values()
        self.assertAlmostEqual(values["opt_out_share"], 3 / 440)

    def test_a_score_is_that_of_one_number_at_the_end(self):
        records = self.env["waba.sender.reputation"].with_user(self.manager)
        of_mx = [("sender_id", "=", self.sender_mx.id)]
        self.env.cr.execute(
            """SELECT score FROM waba_sender_reputation WHERE sender_id = %s AND score IS NOT NULL
                ORDER BY day DESC LIMIT 1""",
            (self.sender_mx.id,),
        )
        [[last]] = self.env.cr.fetchall()
        [row] = records.formatted_read_group(of_mx, [], ["score:avg"])
        self.assertEqual(row["score:avg"], last)
        # 45 and 90 of two numbers are neither 135 nor 68 of 100.
        [row] = records.formatted_read_group([], [], ["score:avg"])
        self.assertIs(row["score:avg"], False)
        # Too few messages: no score, and not 0.
        of_es = [("sender_id", "=", self.sender.id)]
        [row] = records.formatted_read_group(of_es, [], ["score:avg"])
        self.assertIs(row["score:avg"], False)

    def test_a_list_reads_null_as_unknown(self):
        for model, figures in FIGURES.items():
            records = self.env[model].search([])
            for name in figures:
                field = records._fields[name]
                if not isinstance(field, UnknownMixin) or not (field.store or not records._auto):
                    continue
                with self.subTest(model=model, field=name):
                    source = records._table_query or SQL.identifier(records._table)
                    if records._table_query:
                        source = SQL("(%s)", source)
                    rows = self.env.execute_query(
                        SQL("SELECT id, %s FROM %s AS r", SQL.identifier(name), source)
                    )
                    found = {row["id"]: row[name] for row in records.read([name])}
                    self.assertEqual(
                        {key for key, value in rows if value is None and key in found},
                        {key for key, value in found.items() if value is False},
                    )

    def test_amounts_of_two_currencies_are_converted_before_they_are_divided(self):
        other = self.env["res.company"].create(
            {"name": "Mexico", "currency_id": self._currency_of_half().id}
        )
        self.manager.company_ids |= other
        self.env.cr.execute(
            """INSERT INTO waba_money_daily
                      (day, company_id, sender_id, sent_count, delivered_count, replied_count,
                       linked_count, clicked_count, charged_count, free_count, unpriced_count,
                       unrated_count, cost)
               VALUES (now()::date, %(here)s, %(sender)s, 10, 10, 5, 0, 0, 10, 0, 0, 0, 10),
                      (now()::date, %(other)s, %(sender)s, 10, 10, 5, 0, 0, 10, 0, 0, 0, 40);
               INSERT INTO waba_attribution
                      (event_key, kind, at, amount, currency_id, company_id, day)
               VALUES ('two:1', 'won', now(), 60, %(currency)s, %(here)s, now()::date),
                      ('two:2', 'won', now(), 120, %(half)s, %(other)s, now()::date)""",
            {"here": self.env.company.id, "other": other.id, "sender": self.sender.id,
             "currency": self.env.company.currency_id.id, "half": other.currency_id.id},
        )  # fmt: skip
        report = self.env["waba.money.report"].with_user(self.manager)
        report = report.with_context(allowed_company_ids=(self.env.company | other).ids)
        [row] = report.formatted_read_group(
            [("day", "=", fields.Date.today())],
            [],
            ["cost:sum_currency", "cost_per_reply:sum_currency", "cost_per_won:sum_currency",
             "return_rate:avg", "currency_id:array_agg_distinct"],
        )  # fmt: skip
        self.assertEqual(len(row["currency_id:array_agg_distinct"]), 2)
        self.assertAlmostEqual(row["cost:sum_currency"], 10 + 40 / 2)
        self.assertAlmostEqual(row["cost_per_reply:sum_currency"], 30 / 10)
        self.assertAlmostEqual(row["cost_per_won:sum_currency"], 30 / 2)
        self.assertAlmostEqual(row["return_rate:avg"], (60 + 120 / 2) / 30)

    def _currency_of_half(self):
        """A currency of which two are worth one of the company's."""
        other = self.env["res.currency"].with_context(active_test=False).search(
            [("id", "!=", self.env.company.currency_id.id)], limit=1
        )  # fmt: skip
        other.active = True
        other.rate_ids.unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": other.id, "name": "2020-01-01", "rate": 2,
             "company_id": self.env.company.id}
        )  # fmt: skip
        return other


@tagged("post_install", "-at_install")
class TestAxis(FiguresCase):
    def _axis(self, model, domain, spec, **context):
        records = self.env[model].with_user(self.manager)
        rows = records.with_context(fill_temporal=True, tz="UTC", **context).formatted_read_group(
            domain, [spec], ["__count"]
        )
        return [(row[spec][0], row["__count"]) for row in rows]

    def test_days_without_messages_stay_on_the_axis(self):
        today = fields.Date.today()
        for model, name in [
            ("waba.message.daily", "day"), ("waba.sender.reputation", "day"),
            ("waba.message.report", "date"), ("waba.money.report", "day"),
        ]:  # fmt: skip
            with self.subTest(model=model):
                axis = self._axis(
                    model, [(name, ">=", "today -6d"), ("sender_id", "=", self.sender_mx.id)],
                    f"{name}:day",
                )  # fmt: skip
                days = [str(today - timedelta(days=back)) for back in range(6, -1, -1)]
                self.assertEqual([str(day)[:10] for day, _count in axis], days)
                self.assertFalse(axis[0][1])
                self.assertTrue(axis[5][1])

    def test_days_without_messages_have_the_currency_of_the_others(self):
        """Odoo's graph would take "none" for another currency, and convert all amounts."""
        report = self.env["waba.money.report"].with_user(self.manager)
        rows = report.with_context(fill_temporal=True).formatted_read_group(
            [("day", ">=", "today -6d")], ["day:day"],
            ["currency_id:array_agg_distinct", "cost:sum"],
        )  # fmt: skip
        self.assertEqual(len(rows), 7)
        currencies = {tuple(row["currency_id:array_agg_distinct"]) for row in rows}
        self.assertEqual(currencies, {(self.env.company.currency_id.id,)})

    def test_the_axis_ends_where_the_filter_does(self):
        today = fields.Date.today()
        first, last = today - timedelta(days=9), today - timedelta(days=2)
        axis = self._axis(
            "waba.message.daily", [("day", ">", str(first)), ("day", "<", str(last))], "day:day"
        )
        self.assertEqual(len(axis), 6)
        self.assertEqual(axis[0][0], str(first + timedelta(days=1)))

    def test_an_empty_report_stays_empty(self):
        axis = self._axis(
            "waba.message.daily", [("day", ">=", "today -6d"), ("id", "=", 0)], "day:day"
        )
        self.assertEqual(axis, [])

    def test_ten_years_by_day_are_not_filled(self):
        axis = self._axis("waba.message.daily", [("day", ">=", "2016-01-01")], "day:day")
        self.assertLess(len(axis), 10)


@tagged("post_install", "-at_install")
class TestViews(ReputationCase):
    def _views(self, *kinds):
        """Yield (model, kind, arch) of each of our own views."""
        data = self.env["ir.model.data"].search(
            [("module", "=", "waba_campaign"), ("model", "=", "ir.ui.view")]
        )
        views = self.env["ir.ui.view"].browse(data.mapped("res_id")).exists()
        for view in views.filtered(lambda v: v.type in kinds and v.mode == "primary"):
            if view.model.startswith("waba."):
                arch = self.env[view.model].get_view(view.id, view.type)["arch"]
                yield view.model, view.type, etree.fromstring(arch)

    def _numbers(self, model, names):
        described = self.env[model].fields_get(attributes=["type", "aggregator"])
        return {
            name: described[name].get("aggregator")
            for name in names
            if described.get(name, {}).get("type") in NUMERIC and name not in ("id", "sequence")
        }

    def test_each_measure_is_in_the_table(self):
        """A graph and a pivot offer every field that has an aggregator."""
        for model in sorted({model for model, *_rest in self._views("graph", "pivot")}):
            offered = {
                name: aggregator
                for name, aggregator in self._numbers(model, self.env[model]._fields).items()
                if aggregator
            }
            with self.subTest(model=model):
                table = FIGURES.get(model, {})
                self.assertLessEqual(set(offered), set(table))
                for name, aggregator in offered.items():
                    self.assertEqual(aggregator, {"sum": "sum"}.get(table[name].kind, "avg"), name)
                for name, figure in table.items():
                    if figure.kind == "row":
                        self.assertFalse(self.env[model]._fields[name].aggregator, name)

    def test_each_number_of_a_report_s_list_is_in_the_table(self):
        for model, _kind, arch in self._views("list", "kanban"):
            if model not in FIGURES or model == "waba.message":
                continue
            names = {node.get("name") for node in arch.iter("field")}
            with self.subTest(model=model):
                self.assertLessEqual(set(self._numbers(model, names)), set(FIGURES[model]))

    def test_only_what_may_be_added_has_a_sum_under_its_list(self):
        for model, _kind, arch in self._views("list"):
            for node in arch.iter("field"):
                if node.get("sum") or node.get("avg"):
                    with self.subTest(model=model, field=node.get("name")):
                        self.assertFalse(node.get("avg"))
                        self.assertEqual(
                            self.env[model]._fields[node.get("name")].aggregator, "sum"
                        )

    def test_graphs_and_pivots_are_ours_and_rates_are_shown_as_such(self):
        for model, kind, arch in self._views("graph", "pivot", "list"):
            with self.subTest(model=model, kind=kind):
                if kind != "list":
                    self.assertEqual(arch.get("js_class"), f"waba_{kind}")
                known = FIGURES.get(model, {})
                shown = {node.get("name"): node.get("widget") for node in arch.iter("field")}
                for name, field in self.env[model]._fields.items():
                    if field.type != "float" or name not in known:
                        continue
                    is_offered = kind != "list" and field.aggregator
                    if name in shown or is_offered:
                        expected = None if name in NO_PERCENTAGES else "waba_rate"
                        self.assertEqual(shown.get(name), expected, name)

    def test_each_card_of_a_campaign_shows_the_base_of_its_figure(self):
        """Their texts are in test_money_tab.py."""
        arch = etree.fromstring(self.env["waba.campaign"].get_view(view_type="form")["arch"])
        cards = arch.xpath("//button[contains(@class, 'o_waba_money_card')]")
        self.assertEqual(len(cards), 6)
        for card in cards:
            figure, base = (node.get("name") for node in card.iter("field"))
            with self.subTest(figure):
                self.assertEqual(base, f"{figure}_base")

    def test_no_group_is_called_none(self):
        """Rows of a group without a value say what is missing."""
        missing = set()
        for model, kind, arch in self._views("graph", "pivot", "search"):
            for name in self._group_fields(model, kind, arch):
                field = self.env[model]._fields[name]
                if field.required or field.type in ("date", "datetime", "integer", "boolean"):
                    continue
                if name in ALWAYS_SET.get(model, ()):
                    continue
                if not field.falsy_value_label:
                    missing.add(f"{model}.{name}")
        self.assertEqual(missing, set())

    def _group_fields(self, model, kind, arch):
        if kind == "search":
            groups = [
                node.get("context").split("'group_by': '")[1].split("'")[0]
                for node in arch.iter("filter")
                if "group_by" in (node.get("context") or "")
            ]
            return {group.split(":")[0] for group in groups}
        numbers = self._numbers(model, self.env[model]._fields)
        return {node.get("name") for node in arch.iter("field")} - set(numbers)
