"""Ninety days of five companies' reputation, created without a platform, for the dashboard.

Run by dev/reputation_pictures in a database of its own. One company for each state, and a manager
of each: `rich` (three numbers), `thin`, `paused`, `empty` (a number that sent nothing), `new`
(nothing connected). Messages are made by SQL as the tests make them; counting and scoring are the
addon's own.
"""

import math
import sys
from datetime import timedelta

from freezegun import freeze_time
from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tools import config

DAYS = 90
EVIDENCE_OF = {
    "opted_out_at": ("opt_out", "webhook"),
    "undeliverable": ("undeliverable", "status"),
    "marketing_limit": ("marketing_limit", "status"),
    "silent": ("possible_block", "silence"),
}
# Meta's rating of each, and the source of our evidence.
RATED = {
    "waba.sender": ("number_quality", "poll", "sender_id"),
    "waba.template": ("template_quality", "webhook", "template_id"),
}
RATINGS = {"unknown": "–", "green": "High", "yellow": "Medium", "red": "Low"}


def main(database, password):
    config.parse_config(["-d", database, "--log-level", "warn"], setup_logging=True)
    with Registry(database).cursor() as cursor:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        make(env, password)


def make(env, password):
    """Create the five companies, counted and scored as of now."""
    rich = Company(env, "Muebles Roble", "rich", password, "2000")
    _healthy(rich, rich.number("+34 600 000 001", "Muebles Roble", "green"))
    _fallen(rich, rich.number("+52 55 5000 0002", "Muebles Roble México", "yellow"))
    _thin(rich, rich.number("+57 601 500 0003", "Muebles Roble Colombia", "unknown"))
    thin = Company(env, "Cocinas Nuevas", "thin", password, "250")
    _thin(thin, thin.number("+34 600 000 011", "Cocinas Nuevas", "unknown"))
    paused = Company(env, "Sofás del Sur", "paused", password, "10000")
    _locked(paused, paused.number("+34 600 000 021", "Sofás del Sur", "red"))
    empty = Company(env, "Camas Blandas", "empty", password, "250")
    empty.number("+34 600 000 031", "Camas Blandas", "unknown")
    Company(env, "Lámparas Claras", "new", password)
    env["waba.message.daily"]._count_due_days()
    for sender in env["waba.sender"].search([]):
        _run_daily_jobs(sender)


def _run_daily_jobs(sender):
    """Run each day's judgement and response as the jobs do."""
    history = sender.env["waba.sender.reputation"]
    first = history.search([("sender_id", "=", sender.id)], order="day", limit=1).day
    if not first:
        return
    today = fields.Datetime.now()
    ratings = sender._rating_history(_days_ago(DAYS))
    with freeze_time(today) as clock:
        for days_ago in range((today.date() - first).days, -1, -1):
            moment = today if days_ago == 0 else _days_ago(days_ago, base=today)
            clock.move_to(moment)
            known = [rating for at, rating in ratings if at <= moment]
            sender.quality_rating = known[-1] if known else "unknown"
            sender._judge_reputation()


class Company:
    """A company, its manager `login`, and, with a limit, its account and template."""

    def __init__(self, env, name, login, password, limit=None):
        self.company = env["res.company"].create(
            {
                "name": name,
                "country_id": env.ref("base.es").id,
                "waba_quiet_hours": False,
                "waba_frequency_count": 0,
                "waba_same_template_hours": 0,
            }
        )
        self.manager = env["res.users"].create(
            {
                "name": f"Marta ({name})",
                "login": login,
                "password": password,
                "company_id": self.company.id,
                "company_ids": [(6, 0, self.company.ids)],
                "group_ids": [(4, env.ref("waba_campaign.waba_group_manager").id)]
                + ([] if limit else [(4, env.ref("base.group_system").id)]),
                "tz": "Europe/Madrid",
            }
        )
        self.env = env(context={"allowed_company_ids": self.company.ids})
        if limit:
            self._connect(name, limit)

    def _connect(self, name, limit):
        self.portfolio = self.env["waba.portfolio"].create(
            {"name": name, "portfolio_uid": f"1{self.company.id:014}", "messaging_limit": limit}
        )
        self.account = self.env["waba.account"].create(
            {
                "name": name,
                "company_id": self.company.id,
                "portfolio_id": self.portfolio.id,
                "waba_uid": f"2{self.company.id:014}",
            }
        )
        self.account.state = "connected"

    def number(self, number, name, rating):
        now = fields.Datetime.now()
        return self.env["waba.sender"].create(
            {
                "account_id": self.account.id,
                "phone_number_uid": "4" + "".join(filter(str.isdigit, number)),
                "display_phone_number": number,
                "number": "+" + "".join(filter(str.isdigit, number)),
                "verified_name": name,
                "quality_rating": rating,
                "rated_at": now - timedelta(minutes=2),
                "platform_status": "CONNECTED",
            }
        )

    def template(self, name):
        found = self.account.template_ids.filtered(lambda template: template.name == name)
        return found or self.env["waba.template"].create(
            {
                "account_id": self.account.id,
                "template_uid": f"{self.company.id}{name}",
                "name": name,
                "language": "es",
                "category": "marketing",
                "status": "approved",
            }
        )

    def campaign(self, sender, name, template="autumn_offer"):
        campaign = self.env["waba.campaign"].create(
            {
                "name": name,
                "template_id": self.template(template).id,
                "sender_id": sender.id,
                "user_id": self.manager.id,
                "company_id": self.company.id,
                "audience_domain": repr([("source_id.name", "=", name)]),
            }
        )
        campaign.sudo().state = "done"
        return campaign

    def rated(self, subject, *ratings, before="unknown"):
        """How Meta rated a number or a template: (days ago, rating) from the oldest on."""
        kind, source, field = RATED[subject._name]
        for days_ago, rating in ratings:
            self.env["waba.reputation.event"]._record_events(
                [
                    {
                        "kind": kind,
                        "source": source,
                        "at": _days_ago(days_ago),
                        field: subject.id,
                        "value_before": before,
                        "value_after": rating,
                        "effect": "good" if rating == "green" else "bad",
                        "detail": f"{RATINGS[before]} → {RATINGS[rating]}",
                        "event_key": f"picture:{kind}:{subject.id}:{days_ago}:{rating}",
                    }
                ]
            )
            before = rating

    def send(self, sender, campaign, days_ago, size, source=None, **rates):
        """`size` messages; rates of all for silent, undeliverable, limited; of the delivered for
        read, replied, opted_out."""
        counts = {name: round(size * rates.get(name, 0)) for name in LOST}
        counts["delivered"] = size - sum(counts.values())
        counts |= {
            name: round(counts["delivered"] * rates.get(name, 0))
            for name in ("read", "replied", "opted_out")
        }
        past = FixedClock(self, sender, campaign)
        past._sent(days_ago, campaign, sender, sender.number[:3], source, **counts)

    def add_evidence(self, sender):
        """Record the evidence of the created messages."""
        rows = self.env["waba.message"].search([("sender_id", "=", sender.id)])
        now = fields.Datetime.now()
        events = []
        for row in rows:
            silent = row.state == "sent" and row.sent_at < now - timedelta(days=3)
            key = "opted_out_at" if row.opted_out_at else "silent" if silent else row.failure_type
            if key not in EVIDENCE_OF:
                continue
            kind, source = EVIDENCE_OF[key]
            at = row.opted_out_at or row.failed_at or row.sent_at + timedelta(days=3)
            events.append({"kind": kind, "source": source, "at": at, "message_id": row.id,
                           "event_key": f"picture:{kind}:{row.id}"})  # fmt: skip
        self.env["waba.reputation.event"]._record_events(events)

    def use_slots(self, people):
        """Use `people` slots of the daily limit in the last hours."""
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE waba_recipient SET slot_at = (now() AT TIME ZONE 'UTC') - interval '20 hours'
                      + n * interval '20 seconds'
                 FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM waba_recipient
                        WHERE portfolio_id = %s) r
                WHERE waba_recipient.id = r.id AND n <= %s""",
            [self.portfolio.id, people],
        )
        self.env.invalidate_all()


LOST = ("silent", "undeliverable", "limited")


class FixedClock:
    """What the tests' builder of messages needs to know."""

    def __init__(self, company, sender, campaign):
        from odoo.addons.waba_campaign.tests.reputation_case import ReputationCase

        self.env = company.env
        self.portfolio = company.portfolio
        self.sender = sender
        self.template = campaign.template_id
        self._sent = ReputationCase._sent.__get__(self)


def _days_ago(days_ago, hour=9, minute=20, base=None):
    moment = (base or fields.Datetime.now()).replace(hour=hour, minute=minute, second=0)
    return moment.replace(microsecond=0) - timedelta(days=days_ago)


def _seasonal_value(days_ago, low, high):
    """Weekly and seasonal variation, deterministic."""
    wave = math.sin(days_ago * 0.9) * math.cos(days_ago / 17)
    return round(low + (high - low) * (0.5 + 0.5 * wave))


GOOD = dict(silent=0.012, undeliverable=0.018, limited=0.03, read=0.68, replied=0.09)


def _well_received(days_ago):
    """Campaigns vary slightly, so that the score moves."""
    return GOOD | {"opted_out": 0.004 + 0.004 * math.sin(days_ago / 5.5)}


def _steady(company, sender, names, first, last, low=90, high=210, every=9):
    """One campaign after another, well received; some days without any."""
    names = iter(names)
    campaign = None
    for days_ago in range(first, last - 1, -1):
        if campaign is None or (first - days_ago) % every == 0:
            campaign = company.campaign(sender, next(names))
        if days_ago % 7 not in (0, 6) or low > 100:
            size = _seasonal_value(days_ago, low, high)
            company.send(sender, campaign, days_ago, size, **_well_received(days_ago))


def _healthy(company, sender):
    company.rated(sender, (DAYS - 1, "green"))
    _steady(company, sender, ["Summer terrace", "Beds, second half", "Back to school",
            "Sofas in autumn", "Club: early access", "Mattress week", "Dining tables",
            "Thank you, customers", "Autumn lights", "November guide"], DAYS - 2, 0)  # fmt: skip
    company.add_evidence(sender)


def _fallen(company, sender):
    """Healthy for weeks; a campaign to a bought list; Meta's rating falls two days later."""
    company.rated(sender, (60, "green"), (2, "yellow"))
    _steady(company, sender, ["Salas de verano", "Regreso a clases", "Recámaras", "Comedores",
            "Buen Fin: aviso"], 58, 6, 150, 260, 12)  # fmt: skip
    bad = company.campaign(sender, "Últimas plazas", "last_seats")
    bought = company.env["utm.source"].create({"name": "Bought list"})
    for days_ago, size in ((5, 260), (4, 320), (3, 220)):
        company.send(sender, bad, days_ago, size, bought, silent=0.035, undeliverable=0.03,
                     limited=0.05, read=0.31, replied=0.02, opted_out=0.016)  # fmt: skip
    club = company.campaign(sender, "Club: preventa")
    for days_ago in (2, 1, 0):
        company.send(sender, club, days_ago, 110, **_well_received(days_ago))
    company.add_evidence(sender)
    company.use_slots(1430)


def _thin(company, sender):
    first = company.campaign(sender, "First steps")
    company.send(sender, first, 3, 21, silent=0.1, read=0.8, replied=0.3)
    company.send(sender, first, 1, 18, read=0.7, replied=0.2, opted_out=0.06)
    company.add_evidence(sender)


def _locked(company, sender):
    company.rated(sender, (40, "green"), (12, "yellow"), (8, "red"))
    _steady(company, sender, ["Chaise longues", "Rebajas de otoño", "Sofás cama"], 38, 16, 150,
            320, 10)  # fmt: skip
    bad = company.campaign(sender, "Liquidación total", "clearance")
    for days_ago, size in ((14, 700), (13, 900), (12, 650), (10, 400), (9, 350), (8, 200)):
        company.send(sender, bad, days_ago, size, silent=0.05, undeliverable=0.05, limited=0.06,
                     read=0.22, replied=0.01, opted_out=0.019)  # fmt: skip
    service = company.campaign(sender, "Entregas", "delivery_news")
    service.template_id.category = "utility"
    for days_ago in range(8, -1, -1):
        company.send(sender, service, days_ago, 60, silent=0.04, undeliverable=0.03, read=0.6,
                     replied=0.05, opted_out=0.012)  # fmt: skip
    company.add_evidence(sender)
    company.use_slots(240)


if __name__ == "__main__":
    main(*sys.argv[1:])
