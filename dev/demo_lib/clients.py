"""HTTP clients of the two servers: Odoo by the web client's route, the simulator by its control
API."""

import requests

from .processes import DemoError

# Installing an app through the web client takes minutes.
TIMEOUT = 600
PAGE = 1000


class OdooUser:
    """A logged-in user, by the web client's route (`/web/dataset/call_kw`): the same rights as on
    screen, no private methods. Odoo 19 deprecates `/jsonrpc`.
    """

    def __init__(self, address, database, login, password):
        self._address = address
        self._session = requests.Session()
        credentials = {"db": database, "login": login, "password": password}
        self._post("/web/session/authenticate", credentials)

    def call(self, model, method, *args, **kwargs):
        """Call a public method; `args[0]` are the ids unless the method belongs to the model."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", params)

    def search(self, model, domain, fields, **kwargs):
        """Records as dicts, `id` included."""
        return self.call(model, "search_read", domain, fields, **kwargs)

    def _post(self, path, params):
        body = {"jsonrpc": "2.0", "method": "call", "params": params}
        reply = self._session.post(self._address + path, json=body, timeout=TIMEOUT)
        reply.raise_for_status()
        answer = reply.json()
        if error := answer.get("error"):
            data = error.get("data", {})
            raise DemoError(f"Odoo refused {path}: {data.get('message') or error['message']}")
        # A method that returns nothing has none.
        return answer.get("result")


class SimulatorControl:
    """The simulator's `/_control/…`: what a test can query and change."""

    def __init__(self, address):
        self.address = address

    def get(self, name, **query):
        reply = requests.get(f"{self.address}/_control/{name}", params=query, timeout=TIMEOUT)
        return self._value(reply, name)

    def post(self, name, /, **values):
        reply = requests.post(f"{self.address}/_control/{name}", json=values, timeout=TIMEOUT)
        return self._value(reply, name)

    def entries(self, name):
        """All entries of `log` or `webhooks`, page by page."""
        entries = []
        while page := self.get(name, since=len(entries), limit=PAGE)["entries"]:
            entries += page
        return entries

    @staticmethod
    def _value(reply, name):
        if reply.status_code != 200:
            raise DemoError(f"the simulator refused {name}: {reply.text}")
        return reply.json()


def is_up(address):
    """Whether Odoo answers there."""
    try:
        return requests.get(f"{address}/web/health", timeout=TIMEOUT).ok
    except requests.ConnectionError:
        return False
