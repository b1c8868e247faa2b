"""Webhook bodies as the simulator builds them, for rows of the database."""

import json
from types import SimpleNamespace

from simulator.delivery import sign
from simulator.webhook_bodies import merge, status_update

from .common import APP_SECRET
from .world import WABA_UID

_PRICING = {
    "billable": True,
    "pricing_model": "PMP",
    "category": "marketing",
    "type": "regular",
}


def sender_values(phone_number_uid):
    """The data of one of our numbers that the body builders need."""
    return SimpleNamespace(id=phone_number_uid, account_id=WABA_UID, digits="34600000100")


def recipient_values(digits):
    return SimpleNamespace(
        wa_id=digits, name="Ana Prueba", username="", hide_number=False, free_until={}
    )


def status_body(number, row, status, at):
    """One status of a sent row.

    :param row: (wamid, wire tag, E.164 number)
    """
    wamid, tag, digits = row[0], row[1], row[2].lstrip("+")
    message = SimpleNamespace(
        person=recipient_values(digits), wamid=wamid, user_id=f"ES.{digits}", opaque=tag,
        number=number, priced_status="delivered", pricing=_PRICING, cost=None,
    )  # fmt: skip
    return status_update(message, status, at)


def webhook_body(updates):
    """bytes of one webhook body"""
    return json.dumps(merge(updates)).encode()


def signature(raw):
    """The X-Hub-Signature-256 header's value."""
    return sign(raw, APP_SECRET)
