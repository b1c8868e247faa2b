"""Builders shared by the tests: a simulator process, a connected account, leads, a campaign.

Nothing of ours is replaced: the addon talks HTTP to a real simulator process, its jobs run as the
scheduler would run them, and webhooks are parsed from the bodies the simulator really posted.
"""

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import freezegun
import requests
from freezegun import freeze_time
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import SQL

ROOT = Path(__file__).resolve().parent.parent

WABA_UID = "200000000000001"
APP_UID = "300000000000001"
PORTFOLIO_UID = "100000000000001"
NUMBER_ES = "400000000000001"
NUMBER_MX = "400000000000002"
TOKEN = "SIM-TOKEN"
APP_SECRET = "test-app-secret"
VERIFY_TOKEN = "test-verify-token"
# Nobody listens there: webhooks are then taken from the simulator's log manually.
NO_WEBHOOK = "http://127.0.0.1:9/none"
# A new user is written an invitation, which takes as long as all else about the user.
UNINVITED = {"no_reset_password": True}


def epoch(moment):
    """A naive UTC datetime as Meta writes times."""
    return int(moment.replace(tzinfo=timezone.utc).timestamp())


def scheduler_has_run(env):
    """As where cron workers are up: every job ran a moment ago and is not due."""
    now = datetime.now().replace(microsecond=0)
    env["ir.cron"].flush_model()
    env.cr.execute(
        "UPDATE ir_cron SET lastcall = %s, nextcall = %s, failure_count = 0, active = TRUE",
        (now, now + timedelta(hours=1)),
    )
    env.cr.execute("DELETE FROM ir_cron_trigger")
    env["ir.cron"].invalidate_model()


class Simulator:
    """A simulator process and its control endpoints."""

    _shared = None

    @classmethod
    def shared(cls):
        """The one of this test run, as it was at its start: starting one takes half a second.

        Odoo ends the children of a test class with it; so this one is no child, and ends when its
        standard input does, with this process.
        """
        if not cls._shared:
            cls._shared = cls(apart=True)
        cls._shared.post("reset", settings=True)
        return cls._shared

    def __init__(self, webhook_url=NO_WEBHOOK, app_secret=APP_SECRET, apart=False):
        self.process = subprocess.Popen(
            [
                *(["setsid", "--fork"] if apart else []),
                sys.executable, "-m", "simulator", "--port", "0", "--until-eof",
                "--webhook-url", webhook_url, "--app-secret", app_secret,
            ],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.url = line.split()[-1]
        if apart:
            self.process.wait()
        self.session = requests.Session()

    def stop(self):
        self.session.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def get(self, name, **params):
        return self._answer(
            self.session.get(f"{self.url}/_control/{name}", params=params, timeout=60)
        )

    def post(self, name, **values):
        return self.call(name, values)

    def call(self, name, values):
        """Like `post`, for values of which one is called `name`."""
        return self._answer(
            self.session.post(f"{self.url}/_control/{name}", json=values, timeout=60)
        )

    def delete(self, name):
        return self._answer(self.session.delete(f"{self.url}/_control/{name}", timeout=60))

    def _answer(self, reply):
        reply.raise_for_status()
        return reply.json()

    def sends(self):
        """Every request to /messages or /marketing_messages so far, oldest first, as logged."""
        paths = ("/messages", "/marketing_messages")
        return [
            entry
            for entry in self.get("log")["entries"]
            if entry["method"] == "POST" and entry["path"].endswith(paths)
        ]


class PublicAddress:
    """A server that stands for our public address while ours cannot answer.

    Meta calls the webhook address while it still handles the subscription; the request that
    subscribes holds the test's only cursor meanwhile. It answers the handshake as our controller
    does, and 200 to everything else.

    :ivar answer: what to say to a challenge instead of the challenge itself
    :ivar handshakes: [(path, {parameter: value})] of the challenges that came
    """

    def __init__(self):
        self.answer = None
        self.handshakes = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def _handler(self):
        address = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                address.handshakes.append((url.path, query))
                challenge = query.get("hub.challenge", "")
                self._reply(challenge if address.answer is None else address.answer)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self._reply("")

            def _reply(self, text):
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format, *args):
                pass

        return Handler


def first_name_for(index):
    """A first name that tells people apart; with digits in it, it would be none."""
    return "Ana" + "".join("abcdefghij"[int(digit)] for digit in str(index))


class WabaCase(TransactionCase):
    """A company in Spain with one connected account; each test starts from a fresh world."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # All rights, as everywhere in tests, but a person's name: OdooBot launches nothing.
        cls.env = cls.env(user=cls.env.ref("base.user_admin"), su=True)
        cls.simulator = Simulator.shared()
        # Tests run at any time of day and write to the same people; those of rules set their own.
        rules = {
            "waba_quiet_hours": False,
            "waba_frequency_count": 0,
            "waba_same_template_hours": 0,
        }
        for name, value in rules.items():
            cls.env["ir.default"].set("res.company", name, value)
        cls.env.company.write({"country_id": cls.env.ref("base.es").id, **rules})
        cls.account = cls._create_account()
        cls.account._sync()
        cls.account.state = "connected"
        cls.portfolio = cls.account.portfolio_id
        cls.sender = cls.account.sender_ids.filtered(lambda s: s.phone_number_uid == NUMBER_ES)
        cls.sender_mx = cls.account.sender_ids - cls.sender
        cls.template = cls._template("autumn_offer", "es")
        cls.utility_template = cls._template("order_update", "es")
        cls.salesperson = new_test_user(
            cls.env,
            "waba_salesperson",
            groups="sales_team.group_sale_salesman_all_leads,waba_campaign.waba_group_user",
            context=UNINVITED,
        )
        cls.manager = new_test_user(
            cls.env,
            "waba_manager",
            groups="sales_team.group_sale_manager,waba_campaign.waba_group_manager",
            context=UNINVITED,
        )
        # As after a commit: changes of what is there are tracked from here on.
        cls.cr.flush()

    def setUp(self):
        super().setUp()
        self.simulator.post("reset")

    @classmethod
    def _create_account(cls, **values):
        return cls.env["waba.account"].create(
            {
                "name": "Test account",
                "waba_uid": WABA_UID,
                "app_uid": APP_UID,
                "access_token": TOKEN,
                "app_secret": APP_SECRET,
                "verify_token": VERIFY_TOKEN,
                "base_url": cls.simulator.url,
                **values,
            }
        )

    @classmethod
    def _salesperson_of_own(cls, login="waba_own_only", **values):
        """A user of WhatsApp who sees the own leads alone."""
        groups = "sales_team.group_sale_salesman,waba_campaign.waba_group_user"
        return new_test_user(cls.env, login, groups=groups, context=UNINVITED, **values)

    @classmethod
    def _portfolio_elsewhere(cls):
        """A portfolio of another company, which nothing of ours concerns."""
        portfolio = cls.env["waba.portfolio"].create({"name": "Theirs", "portfolio_uid": "778"})
        company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls._create_account(waba_uid="99", portfolio_id=portfolio.id, company_id=company.id)
        return portfolio

    @classmethod
    def _template(cls, name, language):
        return cls.account.template_ids.filtered(
            lambda template: (template.name, template.language) == (name, language)
        )

    # Builders

    @classmethod
    def _lead(cls, number, **values):
        return cls.env["crm.lead"].create(
            {
                "name": f"Lead {number}",
                "contact_name": values.pop("contact_name", "Ana Prueba"),
                "partner_name": "Muebles Prueba",
                "phone": number,
                "country_id": cls.env.ref("base.es").id,
                **values,
            }
        )

    @classmethod
    def _leads(cls, count, start=0):
        """`count` leads with different Spanish mobile numbers."""
        return cls.env["crm.lead"].create(
            [
                {
                    "name": f"Lead {index}",
                    "contact_name": f"{first_name_for(index)} Prueba",
                    "partner_name": "Muebles Prueba",
                    "phone": f"+34 6{index:08d}",
                    "country_id": cls.env.ref("base.es").id,
                }
                for index in range(start + 11_000_000, start + 11_000_000 + count)
            ]
        )

    @classmethod
    def _campaign(cls, records, **values):
        """A draft campaign to `records` with every variable mapped."""
        campaign = cls.env["waba.campaign"].create(
            {
                "name": "Test campaign",
                "template_id": cls.template.id,
                "sender_id": cls.sender.id,
                "res_model": records._name,
                "audience_domain": repr([("id", "in", records.ids)]),
                **values,
            }
        )
        for line in campaign.variable_ids:
            if not line._is_complete():
                line.text = "prueba"
        return campaign

    def _write_stale_path(self, line, path):
        """A path that was written before it was refused, or whose module is gone."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL("UPDATE %s SET source = 'field', field_path = %s WHERE id = %s",
                SQL.identifier(line._table), path, line.id)
        )  # fmt: skip
        line.invalidate_recordset()

    # Jobs, run as the scheduler runs them

    def _run_cron(self, cron):
        cron.ensure_one()
        with self.enter_registry_test_mode():
            answer = cron.with_user(self.env.ref("base.user_root")).method_direct_trigger()
        self.env.invalidate_all()
        self.assertIs(answer, True, f"the job {cron.name} failed: {answer}")

    def _prepare(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_prepare_audiences"))

    def _dispatch(self, sender=None):
        self._run_cron((sender or self.sender).cron_id)

    def _apply_webhooks(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_apply_webhooks"))

    def _launch(self, records, **values):
        """A campaign, launched, prepared and dispatched once.

        Without its pre-flight, which would stop some of those that the tests need; see
        test_preflight.py.
        """
        campaign = self._campaign(records, **values)
        campaign._start_launch()
        self._prepare()
        self._dispatch(campaign.sender_id)
        return campaign

    def _rows(self, campaign, state=None):
        domain = [("campaign_id", "=", campaign.id), ("direction", "=", "out")]
        return self.env["waba.message"].search(
            domain + ([("state", "=", state)] if state else []), order="id"
        )

    @contextmanager
    def _case(self, name):
        """A sub-test on a fresh platform, whose records are forgotten at its end."""
        self.simulator.post("reset")
        with self.subTest(name), self.cr.savepoint() as savepoint:
            try:
                yield
            finally:
                savepoint.rollback()

    def _message(self, number="+34611000001", state="accepted", **values):
        """An outgoing row made manually, accepted a minute ago if it was accepted."""
        person = self.env["waba.recipient"]._find_or_create_by_number(self.portfolio, [number])
        sent = state not in ("queued", "reserved", "uncertain", "skipped", "cancelled")
        return self.env["waba.message"].create(
            {
                "account_id": self.account.id,
                "sender_id": self.sender.id,
                "company_id": self.account.company_id.id,
                "recipient_id": person[number].id if number else False,
                "number": number,
                "template_id": self.template.id,
                "category": self.template.category,
                "state": state,
                "attempt_count": 0 if state in ("queued", "skipped", "cancelled") else 1,
                "accepted_at": datetime.now() - timedelta(minutes=1) if sent else False,
                **values,
            }
        )

    def _opened(self, action, user=None):
        """The wizard that a button's action opens, as its user has it before filling it in."""
        wizard = self.env[action["res_model"]].with_user(user or self.env.user)
        return wizard.with_context(**action["context"])

    def _chatter(self, record):
        """Everything said on a record, as one text."""
        return "\n".join(record.message_ids.mapped("body"))

    # The platform

    def _change_template(self, name, **values):
        """Change the simulator's templates of this name, see its README."""
        self.simulator.call("template", {"name": name, **values})

    # Time

    @contextmanager
    def _moving_clock(self):
        """Run with a clock that can be moved: `move(seconds)` moves ours and the simulator's.

        In the threads that send too, which freezegun would leave alone.
        """
        ignored = [name for name in freezegun.config.DEFAULT_IGNORE_LIST if name != "threading"]
        freezegun.configure(default_ignore_list=ignored)
        self.addCleanup(freezegun.config.reset_config)
        with freeze_time(datetime.now(timezone.utc), tick=True) as clock:

            def move(seconds):
                clock.move_to(datetime.now(timezone.utc) + timedelta(seconds=seconds))
                self.simulator.post("clock", advance=seconds)

            yield move

    def _record_preference(self, person, action, user=None):
        """What a colleague heard of a person on promotions, noted in the dialog for it."""
        wizards = self.env["waba.consent.note"].with_user(user or self.salesperson)
        wizards.create(
            {"recipient_id": person.id, "action": action, "note": "They said so today",
             "heard": "call"}
        ).action_confirm()  # fmt: skip

    def _alarms(self, sender=None):
        """When the number's job is to run again, ascending."""
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", (sender or self.sender).cron_id.id)]
        )
        return sorted(triggers.mapped("call_at"))

    # Webhooks

    def _store_event(self, body, account=None):
        """Keep a body as the controller would, and return the event."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.env["waba.webhook.event"]._store_body(account or self.account, raw)

    def _receive(self, body, account=None):
        """Store one body and apply it."""
        event = self._store_event(body, account)
        self._apply_webhooks()
        return event

    def _change(self, field, value, waba_uid=WABA_UID):
        """A webhook body with one change."""
        return {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": waba_uid, "time": 1790000000, "changes": [{"field": field, "value": value}]}
            ],
        }

    def _status(self, row, status, timestamp=None, attempt=None, **values):
        """A status body for one of our rows, as Meta posts it."""
        return self._change(
            "messages",
            {
                "messaging_product": "whatsapp",
                "metadata": {"phone_number_id": row.sender_id.phone_number_uid},
                "statuses": [
                    {
                        "id": row.wamid or f"wamid.{row.id}",
                        "status": status,
                        "timestamp": str(timestamp or 1790000000),
                        "recipient_id": (row.number or "").lstrip("+"),
                        "biz_opaque_callback_data": f"{row.uuid}/{attempt or row.attempt_count}",
                        **values,
                    }
                ],
            },
        )

    def _inbound(self, number, text, wamid="wamid.IN1", timestamp=None, **values):
        """A text message body from a person, written now unless `timestamp` says when."""
        return self._change(
            "messages",
            {
                "messaging_product": "whatsapp",
                "metadata": {"phone_number_id": NUMBER_ES},
                "contacts": [{"profile": {"name": "Ana"}, "wa_id": number.lstrip("+")}],
                "messages": [
                    {
                        "from": number.lstrip("+"),
                        "id": wamid,
                        "timestamp": str(timestamp or int(time.time())),
                        "type": "text",
                        "text": {"body": text},
                        **values,
                    }
                ],
            },
        )

    def _apply_posted(self):
        """Every webhook body the simulator tried to post so far, stored and applied."""
        self.simulator.post("flush", hurry=True)
        for attempt in self.simulator.get("webhooks")["entries"]:
            self._store_event(attempt["body"])
        self._apply_webhooks()

    @contextmanager
    def _fault(self, **rule):
        """A scripted fault at the simulator while the block runs."""
        self.simulator.post("faults", **rule)
        try:
            yield
        finally:
            self.simulator.delete("faults")
