"""What reading Meta's side proves: an event for each change."""

import uuid
from functools import partial

from odoo import api, fields, models

from ..cloud_api import Health
from .labels import selection_labels
from .waba_reputation_kinds import RANKS, change_effect


class WabaReputationEvent(models.Model):
    _inherit = "waba.reputation.event"

    @api.model
    def _record_changes(self, subject, before, after, words):
        """Note what a reading of Meta's side found changed.

        A first reading is noted where a history has to begin (ratings, limit) or when it is bad.

        :param subject: {field: id}
        :param before, after: {kind: value}, kinds of `RANKS`
        :param words: function of (kind, value before, value after) that says it to people
        """
        now = fields.Datetime.now()
        changes = []
        for kind, value in after.items():
            old = before.get(kind) or None
            effect = change_effect(kind, old, value)
            is_first = not old
            if (
                not value
                or value == old
                or (is_first and not _is_first_value_recorded(kind, value, effect))
            ):
                continue
            changes.append(
                {
                    "kind": kind,
                    "source": "poll",
                    "at": now,
                    "effect": effect,
                    "value_before": old,
                    "value_after": value,
                    "detail": words(kind, old, value),
                    "event_key": _reading_key(kind),
                    **subject,
                }
            )
        return self._record_events(changes)


def _reading_key(kind):
    """What was read is compared with what was known, so it cannot be noted twice; and one value may
    change twice within a second."""
    return f"poll:{kind}:{uuid.uuid4().hex}"


def _is_first_value_recorded(kind, value, effect):
    """Whether a first value is noted."""
    return effect == "bad" or (
        kind in ("number_quality", "template_quality", "messaging_limit") and value in RANKS[kind]
    )


class WabaPortfolio(models.Model):
    _inherit = "waba.portfolio"

    def _limit_text(self, before, after):
        labels = selection_labels(self, "messaging_limit")
        return self.env._(
            "Daily limit: %(before)s → %(after)s",
            before=labels.get(before or "unknown"),
            after=labels.get(after, after),
        )

    def _apply_polled_limit(self, messaging_limit, where, subject):
        """Take over a limit read from Meta, and note it when it is another one.

        :param subject: {field: id} of whom it was read from
        """
        before = self.messaging_limit
        self._set_messaging_limit(messaging_limit, where)
        self.env["waba.reputation.event"]._record_changes(
            {**subject, "portfolio_id": self.id},
            {"messaging_limit": before if before != "unknown" else None},
            {"messaging_limit": self.messaging_limit},
            lambda _kind, old, new: self._limit_text(old, new),
        )


class WabaSender(models.Model):
    _inherit = "waba.sender"

    def _platform_facts(self):
        """What Meta says of this number, by kind of evidence; empty before the first reading."""
        if not self.rated_at:
            return {}
        return {
            "number_quality": self.quality_rating,
            "number_status": (self.platform_status or "").upper(),
            "number_name": self.name_status,
            "throughput": str(self.throughput),
            "health": Health.from_reply(self.health_status).can_send,
        }

    def _record_platform_changes(self, before):
        """:param before: `_standing()` as it was"""
        self.env["waba.reputation.event"]._record_changes(
            {"sender_id": self.id}, before, self._platform_facts(), self._platform_facts_text
        )

    def _platform_facts_text(self, kind, before, after):
        field = {"number_quality": "quality_rating"}.get(kind)
        labels = selection_labels(self, field) if field else {}
        names = selection_labels(self.env["waba.reputation.event"], "kind")
        return f"{names[kind]}: {labels.get(before, before) or '–'} → {labels.get(after, after)}"


class WabaTemplate(models.Model):
    _inherit = "waba.template"

    def _platform_facts(self):
        return {"template_quality": self.quality_score}

    def _record_platform_changes(self, before, status_before=None, category_before=None):
        """What a reading of this template found changed.

        :param before: `_standing()` as it was, {} for a template that is new here
        """
        events = self.env["waba.reputation.event"]
        about = {"template_id": self.id}
        quality_words = partial(self._change_text, "quality_score")
        events._record_changes(
            about, before, self._platform_facts(), lambda _kind, old, new: quality_words(old, new)
        )
        now = fields.Datetime.now()
        shared = {"source": "poll", "at": now, **about}
        if kind := self._status_evidence_kind(status_before):
            events._record_events(
                [
                    {
                        **shared,
                        "kind": kind,
                        "value_before": status_before,
                        "value_after": self.status,
                        "detail": self._change_text("status", status_before, self.status),
                        "event_key": _reading_key(kind),
                    }
                ]
            )
        if category_before and category_before != self.category:
            events._record_events(
                [
                    {
                        **shared,
                        "kind": "template_category",
                        "effect": "bad" if self.category == "marketing" else "neutral",
                        "value_before": category_before,
                        "value_after": self.category,
                        "detail": self._change_text("category", category_before, self.category),
                        "event_key": _reading_key("template_category"),
                    }
                ]
            )

    def _status_evidence_kind(self, before):
        """The evidence in a status that no webhook had told, or None."""
        if before in (None, self.status):
            return None
        if self.status in ("paused", "disabled"):
            return f"template_{self.status}"
        was_stopped = before in ("paused", "disabled")
        return "template_reinstated" if was_stopped and self.status == "approved" else None

    @api.model
    def _change_text(self, field, before, after):
        labels = selection_labels(self, field)
        return f"{labels.get(before, before) or '–'} → {labels.get(after, after)}"


class WabaAccount(models.Model):
    _inherit = "waba.account"

    def _health_summary(self):
        return {"health": Health.from_reply(self.health_status).can_send}

    def _record_health_changes(self, before):
        self.env["waba.reputation.event"]._record_changes(
            {"account_id": self.id},
            before,
            self._health_summary(),
            lambda _kind, old, new: f"{old or '–'} → {new}",
        )
