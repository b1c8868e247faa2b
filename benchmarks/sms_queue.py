"""Odoo's own peer: its SMS queue with Twilio, pointed at the stub.

`python -m benchmarks.sms_queue DATABASE ADDONS_PATH STUB COUNT` queues COUNT messages and processes
the queue as Odoo's job does, one run after the other without the minute that Odoo's scheduler waits
between runs of a job with work left: what is measured is the queue, not the scheduler.
"""

import sys

import requests

TWILIO = "https://api.twilio.com"


class _Redirect(requests.adapters.HTTPAdapter):
    """Redirects requests for Twilio to the stub; the sending code is unchanged."""

    def __init__(self, stub):
        self._stub = stub
        super().__init__()

    def send(self, request, **kwargs):
        request.url = request.url.replace(TWILIO, self._stub, 1)
        return super().send(request, **kwargs)


def redirect_to_stub(stub):
    """Point every session opened from now on at the stub instead of Twilio."""
    new_session = requests.Session.__init__

    def initialise(session):
        new_session(session)
        session.mount(TWILIO, _Redirect(stub))

    requests.Session.__init__ = initialise


def queue(env, count):
    env.company.write(
        {
            "sms_provider": "twilio",
            "sms_twilio_account_sid": "AC" + "0" * 32,
            "sms_twilio_auth_token": "0" * 32,
        }
    )
    if not env.company.sms_twilio_number_ids:
        env["sms.twilio.number"].create(
            {
                "company_id": env.company.id,
                "number": "+34600000001",
                "country_id": env.ref("base.es").id,
            }
        )
    env["sms.sms"].create(
        [
            {"number": f"+34{610_000_000 + index}", "body": f"Hola Ana {index}, 20 % en sofás."}
            for index in range(count)
        ]
    )


def main():
    database, addons_path, stub, count = sys.argv[1:]
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(
        ["-d", database, "--addons-path", addons_path, "--log-level", "warn"],
        setup_logging=True,
    )
    redirect_to_stub(stub)
    with Registry(database).cursor() as cursor:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        queue(env, int(count))
        cursor.commit()
        while env["sms.sms"].search_count(
            [("state", "=", "outgoing"), ("to_delete", "!=", True)], limit=1
        ):
            env["sms.sms"]._process_queue()
            env.invalidate_all()


if __name__ == "__main__":
    main()
