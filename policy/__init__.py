"""Decisions: pure functions over plain values.

No Odoo, no network and no clock: a function that depends on the current time takes it as `now`. All
datetimes are naive and in UTC, as Odoo stores them; a missing one may be None or, as Odoo's records
read it, False.
"""
