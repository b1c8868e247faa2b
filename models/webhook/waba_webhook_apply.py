"""Webhook: the job that parses stored bodies and applies each event by its type.

Called by the scheduled action (`_cron_apply`). Events that come late, twice or out of order give
the same rows. Inbound messages and preferences are applied here; limits, numbers, accounts and
templates in waba_webhook_platform.py; statuses in dispatch/waba_message_status.py.
"""

import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ...cloud_api import InboundMessage, parse_events
from ...cloud_api import events as webhook_events
from ...policy import intent, numbers, second_sender
from ..base.waba_message import REPORTED_KINDS
from ..tools.hooks import hook
from ..tools.job_turns import TimeSlice
from ..tools.labels import with_language
from ..tools.transactions import commit_step
from .waba_webhook_event import PendingSubject

_logger = logging.getLogger(__name__)

RUN_SECONDS = 45
COLLECT_SECONDS = 0.3

# Bodies of one transaction: enough to spread its cost, few enough that results are on screen soon.
# One body has up to 1,000 updates in some 400 kB.
BATCH = 1000
BATCH_BYTES = 1_000_000

# Bodies of a run's first transaction, and the seconds one may take: a thousand statuses take less,
# a thousand inbound messages twenty times that, and the worker is occupied as long.
FIRST_BATCH, BATCH_SECONDS = 100, 1.5

# Bodies may be committed in another order than they were numbered: how many ids to look back. Those
# further back are applied by the next run, at the latest after RUN_SECONDS.
EVENTS_COMPARED = 1000

# How long Meta repeats a body (Webhooks overview, 2026-09-11).
REPETITION_PERIOD = timedelta(days=7)

# How far our clock may be behind Meta's, when events received after another one are searched.
CLOCK_SKEW = timedelta(hours=1)

# Events that set a state, so that only the newest on its subject is valid (`_event_subject`).
STATE_EVENTS = (
    webhook_events.CapabilityChange,
    webhook_events.NumberUpdate,
    webhook_events.AccountUpdate,
    webhook_events.AccountReview,
    webhook_events.TemplateStatus,
    webhook_events.TemplateQuality,
    webhook_events.TemplateCategory,
)

PREFERENCES = {"stop": "opted_out", "resume": "opted_in", "signup": "opted_in"}


class WabaWebhookEvent(models.Model):
    _inherit = "waba.webhook.event"

    # === Job ===

    @api.model
    def _cron_apply(self):
        """Apply stored bodies, oldest first, in committed batches.

        While more are being received, they are collected for a short time: twenty runs a second
        with three statuses each would spend all their time on starting.
        """
        cron = self.env["ir.cron"].browse(self._apply_cron_id())
        turn = TimeSlice(cron, RUN_SECONDS)
        after, count = 0, FIRST_BATCH
        commit_step(self.env, self._retry_due_events)
        while True:
            events = self._next_batch(after, count)
            if not events and self._is_apply_pending():
                time.sleep(COLLECT_SECONDS)
                events = self._next_batch(after, count)
            if not events:
                commit_step(self.env, self._schedule_next_retry)
                return
            after = events[-1].id - EVENTS_COMPARED
            if turn.is_used_up:
                cron._trigger()
                return
            started = time.monotonic()
            with_language(events.account_id.company_id, events)._apply_batch()
            count = _next_count(count, time.monotonic() - started)

    @api.model
    def _next_batch(self, after, count=BATCH):
        """The oldest bodies to apply; at least one, however long it is.

        :param after: id below which this run has applied all; applied rows stay in the index until
            the run ends, and reading past them would cost more with every batch
        :param count: maximum number of bodies
        """
        self.flush_model(["state"])
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM (
                      SELECT id, sum(octet_length(body)) OVER (ORDER BY id)
                                 - octet_length(body) AS bytes_before
                        FROM waba_webhook_event WHERE state = 'new' AND id > %s
                       ORDER BY id LIMIT %s
                   ) AS head WHERE bytes_before < %s""",
                after,
                count,
                BATCH_BYTES,
            )
        )
        return self.browse([event_id for (event_id,) in rows])

    def _apply_batch(self):
        """Apply all bodies in one transaction; on an error, one by one.

        A broken body is then recorded and does not stop the others.
        """
        try:
            commit_step(self.env, self._apply_bodies, processed=len(self))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event: a batch could not be applied; one by one now")
            for event in self:
                event._apply_body()

    def _apply_body(self):
        """Apply one body; on an error, its events one by one."""
        try:
            commit_step(self.env, self._apply_bodies, processed=1)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event %s: its events one by one now", self.id)
            commit_step(self.env, self._apply_items_separately)

    def _apply_bodies(self):
        """Apply these bodies: statuses in bulk first, then the rest. The caller commits."""
        parsed = [(event, event._parse_bodies()) for event in self]
        notes = self._apply_statuses(parsed)
        closed = self._close_status_bodies(parsed, notes)
        for event, items in parsed:
            if event.id not in closed:
                event._apply_items(items, notes.get(event.id, {}))

    def _parse_bodies(self):
        """cloud_api events of this body, in its order."""
        return parse_events((self.body or "").encode())

    # === Statuses ===

    def _apply_statuses(self, parsed):
        """Apply the statuses of these bodies, each within the scope of its signature.

        :param parsed: [(event, its items)]
        :return: {event's id: {position of an item in the body: PendingSubject, or why it was not
            applied}}
        """
        statuses, origins = [], []
        reach, notes, refused = self._vouched_accounts(), {}, {}
        for event, items in parsed:
            accounts, uids = reach[event.account_id.id]
            for position, item in enumerate(items):
                if not isinstance(item, webhook_events.MessageStatus):
                    continue
                if item.waba_uid not in uids:
                    # The account may be unknown and the message still ours: after a number moved
                    # to another account, its earlier messages are reported under the new one.
                    key = event.account_id, item.waba_uid
                    if key not in refused:
                        note = event._missing_account_reason(item)
                        refused[key] = not isinstance(note, PendingSubject) and note
                    if refused[key]:
                        notes.setdefault(event.id, {})[position] = refused[key]
                        continue
                statuses.append((item, accounts))
                origins.append((event, position))
        strays = self.env["waba.message"]._apply_statuses(statuses) if statuses else {}
        for index, stray in strays.items():
            event, position = origins[index]
            notes.setdefault(event.id, {})[position] = event._record_stray_status(
                statuses[index][0], stray
            )
        return notes

    def _record_stray_status(self, item, stray):
        """Handle a status that changed none of our messages.

        If Meta refused a promotion because the person opted out, that is valid whoever sent it.

        :param item: cloud_api.MessageStatus
        :param stray: 'unknown' or 'foreign', from `waba.message._apply_statuses`
        :return: PendingSubject, or why it was not applied
        """
        self.ensure_one()
        if stray == "foreign":
            return self.env._(
                "Not applied: the message %s belongs to an account of another app.",
                item.wamid or item.opaque,
            )
        is_refused = item.error and item.error.failure_type == "opted_out"
        if is_refused and not item.is_group and not self._own_number_reason(item):
            account = self._event_account(item)
            person = account and self._find_stray_recipient(account, item)
            if person:
                evidence = item.error.details or item.error.message or item.error.title
                account = self._event_account(item)
                person._set_marketing_state(
                    "opted_out", "refused", evidence, at=self._event_time(item),
                    company=account.company_id,
                )  # fmt: skip
        return PendingSubject(
            "message" if second_sender.is_tag(item.opaque) else "untagged",
            self.env._("The message %s was not sent from here.", item.wamid or item.opaque),
        )

    def _close_status_bodies(self, parsed, notes):
        """Close bodies of statuses alone, nearly all there are, in one write.

        :param parsed: [(event, its items)]
        :param notes: as `_apply_statuses` returns them
        :return: set of those events' ids
        """
        closed, applied = set(), []
        for event, items in parsed:
            if all(isinstance(item, webhook_events.MessageStatus) for item in items):
                closed.add(event.id)
                if event.id in notes:
                    event._close_body(items, notes[event.id])
                else:
                    applied.append(event.id)
        self.browse(applied).write(
            {
                "state": "applied",
                "applied_at": fields.Datetime.now(),
                "summary": webhook_events.MessageStatus.__name__,
                "error": False,
                "wait_kind": False,
                "look_at": False,
                "waiting_items": False,
            }
        )
        return closed

    # === Other events ===

    def _apply_items(self, items, notes):
        """Apply the events of one body, except statuses, and record the result.

        :param items: cloud_api events, in the body's order
        :param notes: {position of a status: PendingSubject, or why it was not applied}
        """
        self.ensure_one()
        if self._is_repeated():
            self._close_body(items, {})
            self._on_items(items)
            return
        notes, done, pending = {**self._earlier_notes(items), **notes}, [], []
        for position, item in self._items_to_apply(items).items():
            if not isinstance(item, webhook_events.MessageStatus):
                notes[position] = self._route_event(item)
            (pending if isinstance(notes.get(position), PendingSubject) else done).append(item)
        self._close_body(items, notes)
        self._on_items(done)
        if self.state != "waiting":
            # Their subject did not become known in time: they are evidence only.
            self._on_items(pending, applied=False)

    @hook
    def _on_items(self, items, applied=True):
        """After items of this body, except statuses, were handled; in the same transaction.

        :param items: cloud_api events
        :param applied: False if their subject did not become known in time
        """

    def _is_repeated(self):
        """Whether this body was applied before: Meta delivers one again for up to 7 days.

        Statuses are applied nevertheless, as they only move forward; this avoids repeated chatter.
        """
        self.flush_model(["state", "summary"])
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT 1 FROM waba_webhook_event
                        WHERE body_hash = %s AND account_id = %s AND id <> %s
                          AND state = 'applied' AND summary <> 'MessageStatus'
                          AND received_at >= %s
                        LIMIT 1""",
                    self.body_hash,
                    self.account_id.id,
                    self.id,
                    self.received_at - REPETITION_PERIOD,
                )
            )
        )

    def _apply_items_separately(self):
        """Apply each event of a body that raised an error in its own savepoint.

        The broken one is then recorded and the others are applied.
        """
        items, notes, broken = self._parse_bodies(), {}, []
        for position, item in enumerate(items):
            try:
                with self.env.cr.savepoint():
                    notes[position] = self._apply_event(item)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                broken.append(f"{type(error).__name__}: {error}")
        if broken:
            others = [
                note.why if isinstance(note, PendingSubject) else note
                for note in notes.values()
                if note
            ]
            self._record_apply_error(items, [*broken, *others])
        else:
            self._close_body(items, notes)

    def _apply_event(self, item):
        """Apply one event of any type.

        :return: None, a PendingSubject, or why it was not applied
        """
        if isinstance(item, webhook_events.MessageStatus):
            return self._apply_statuses([(self, [item])]).get(self.id, {}).get(0)
        note = self._route_event(item)
        if not isinstance(note, PendingSubject):
            self._on_items([item])
        return note

    def _record_apply_error(self, items, sentences):
        self.write(
            {
                "state": "failed",
                "applied_at": fields.Datetime.now(),
                "summary": self._items_summary(items),
                "error": self._join_sentences(sentences),
            }
        )

    def _close_body(self, items, notes):
        """Record the result of a body.

        :param notes: {position of an item: None, a PendingSubject, or why it was not applied}
        """
        notes = {position: note for position, note in sorted(notes.items()) if note}
        waits = {
            position: note for position, note in notes.items() if isinstance(note, PendingSubject)
        }
        sentences = {position: note for position, note in notes.items() if position not in waits}
        waiting = self._wait_values(waits, sentences, len(items))
        for position, wait in waits.items():
            is_over = position not in (waiting["waiting_items"] or {"at": ()})["at"]
            sentences[position] = self._wait_expired_reason(wait) if is_over else wait.why
        is_applied = any(
            position not in notes and not isinstance(item, webhook_events.UnknownEvent)
            for position, item in enumerate(items)
        )
        self.write(
            {
                "state": "applied" if is_applied else "ignored",
                "applied_at": fields.Datetime.now(),
                "summary": self._items_summary(items),
                "error": self._join_sentences(sentences.values()),
                **waiting,
            }
        )

    @staticmethod
    def _items_summary(items):
        return ", ".join(sorted({type(item).__name__ for item in items}))

    @staticmethod
    def _join_sentences(sentences):
        # A body may repeat one sentence a thousand times.
        return "; ".join(dict.fromkeys(sentences))[:1000] or False

    # === Routing ===

    def _route_event(self, item):
        """Pass one event to the method for its type; statuses are applied already.

        :return: None, a PendingSubject, or a sentence why it was not applied
        """
        if isinstance(item, webhook_events.UnknownEvent):
            return f"{item.field}: {item.why}"
        account = self._event_account(item)
        if not account:
            return self._missing_account_reason(item)
        if why := self._own_number_reason(item):
            return why
        if self._is_outdated(item):
            return self.env._("Not applied: a newer event on the same subject came first.")
        handler = {
            webhook_events.InboundMessage: self._apply_inbound,
            webhook_events.PreferenceChange: self._apply_preference,
            webhook_events.CapabilityChange: self._apply_capability,
            webhook_events.NumberUpdate: self._apply_number_update,
            webhook_events.NumberName: self._apply_number_name,
            webhook_events.SecurityEvent: self._apply_security,
            webhook_events.PlatformError: self._apply_platform_error,
            webhook_events.AccountUpdate: self._apply_account_update,
            webhook_events.AccountReview: self._apply_account_review,
            webhook_events.AccountAlert: self._apply_account_alert,
            webhook_events.TemplateStatus: self._apply_template_status,
            webhook_events.TemplateQuality: self._apply_template_quality,
            webhook_events.TemplateCategory: self._apply_template_category,
            webhook_events.TemplateComponents: self._apply_template_components,
            webhook_events.EchoMessage: self._apply_echo,
            webhook_events.Handover: self._apply_handover,
            webhook_events.HistoryChunk: self._apply_history,
            webhook_events.AppContact: self._apply_app_contact,
        }[type(item)]
        return handler(account, item)

    def _own_number_reason(self, item):
        """Reason why an event about one of our own numbers is not applied; None for others.

        Echoes, tests from phone to phone and malformed bodies contain them. No person has one of
        our numbers, in whichever account of this database and however it is spelled.
        """
        given = [getattr(item, "number", "")]
        if isinstance(item, InboundMessage):
            given.append(item.new_number)
        ours = self.env["waba.sender"]._filter_own_numbers(given)
        if not ours:
            return None
        return self.env._("Not applied: %s is one of your own numbers.", ", ".join(sorted(ours)))

    def _is_outdated(self, item):
        """Whether a newer event on the same subject was applied before this one."""
        subject = self._event_subject(item)
        if not subject or not item.at:
            return False
        later = self.search(
            Domain("state", "in", ("applied", "waiting"))
            & Domain("received_at", ">=", item.at - CLOCK_SKEW)
            & Domain("id", "!=", self.id)
            & Domain("account_id", "in", self.account_id._same_app_accounts().ids)
            & Domain.OR([("summary", "like", kind.__name__)] for kind in STATE_EVENTS)
        )
        return any(
            other.at and other.at > item.at and event._event_subject(other) == subject
            for event in later
            for other in event._parse_bodies()
        )

    def _event_subject(self, item):
        """What an event sets the state of; None if its order among others does not matter.

        :return: (the account's id at Meta, subject)
        """
        match item:
            case webhook_events.CapabilityChange() | webhook_events.NumberUpdate():
                subject = "limit" if item.messaging_limit else None
            case webhook_events.AccountReview():
                subject = "review"
            case webhook_events.AccountUpdate():
                subject = self._account_standing(item)
            case webhook_events.TemplateStatus() if not self._template_state(item):
                subject = None
            case webhook_events.TemplateCategory() if not item.previous:
                subject = None
            case (
                webhook_events.TemplateStatus()
                | webhook_events.TemplateQuality()
                | webhook_events.TemplateCategory()
            ):
                template = item.template_uid or f"{item.name}/{item.language}"
                subject = f"{type(item).__name__} {template}"
            case _:
                subject = None
        return (item.waba_uid or self.account_id.waba_uid, subject) if subject else None

    # === Inbound messages and preferences ===
    # An opt-out request is valid from the time it is received, by the account alone: even if the
    # number is not known yet, another sender answers the conversation, or it is made in a group.

    def _apply_inbound(self, account, item):
        """Open the service window, show the message on its record, apply an opt-out request."""
        if not (item.number or item.user_uid or item.previous_user_uid):
            return self.env._("Not applied: the message names no sender.")
        if why := self._not_conversation_reason(item):
            self._apply_stray_opt_out(account, item)
            return why
        if self._is_known_message(account, item.wamid):
            return None
        # An archived number sends nothing, but can still be written to.
        sender = self._event_sender(account, item)
        if not sender:
            self._apply_stray_opt_out(account, item)
            return self._wait_for_number(item)
        messages = self.env["waba.message"]
        receive = messages._receive_inbound
        if item.field == "standby" and item.kind != "system":
            receive = messages._receive_standby
        receive(sender, item, self._event_time(item))
        return None

    def _not_conversation_reason(self, item):
        """Reason why a message is not part of a conversation between one person and us, or None.

        Such a message opens no service window, creates no lead and gets no automatic reply. Only an
        opt-out request in it is applied: it means all our messages, wherever it is made, and a
        person opted out by mistake can opt in again. An opt-in is valid only if it was given to us.
        """
        if item.group_uid:
            return self.env._("Not stored: a group message. Only opt-outs in groups are applied.")
        return None

    def _apply_stray_opt_out(self, account, item):
        """Apply an opt-out request in a message that is not stored, or not yet."""
        keywords = self.env["waba.consent.word"]._company_keywords(account.company_id.id)
        if item.kind in REPORTED_KINDS or not intent.opt_out_intent(
            item.text, item.payload or None, keywords
        ):
            return
        person = self._find_stray_recipient(account, item)
        if person:
            person._set_marketing_state(
                "opted_out",
                "button" if item.payload else "reply",
                self.env._('They wrote "%s".', item.text),
                at=self._event_time(item),
                company=account.company_id,
            )

    def _find_stray_recipient(self, account, item):
        """The recipient an event is about, perhaps none.

        For an account without portfolio, as it was never read from Meta, one of its company's.
        """
        people = self.env["waba.recipient"]
        if not (item.number or item.user_uid):
            return people
        if account.portfolio_id:
            return people._find_or_create_person(account.portfolio_id, item.number, item.user_uid)
        try:
            number = numbers.canonical_number(item.number)
            return people._company_recipient(number, account.company_id) if number else people
        except UserError:
            return people

    def _apply_preference(self, account, item):
        """Apply WhatsApp's own controls: stop or resume promotions, or sign up for them."""
        target = PREFERENCES.get(item.value)
        if not target or item.category not in ("marketing_messages", ""):
            return self.env._(
                "Not applied: unknown preference %(category)s: %(value)s.",
                category=item.category,
                value=item.value,
            )
        if not (item.number or item.user_uid):
            return self.env._("Not applied: the preference names no person.")
        company = account.company_id
        if target == "opted_in" and not account.portfolio_id:
            # An opt-in is given to this account only.
            return self._wait_for_sync(account)
        person = self._find_stray_recipient(account, item)
        if not person:
            return self._wait_for_sync(account)
        at = self._event_time(item)
        is_late = person._has_newer_consent(at, company=company)
        if item.value == "signup":
            self._on_signup(account, person, item, at)
        else:
            person._set_marketing_state(
                target, "whatsapp", item.detail or item.value, at=at, company=company
            )
        return self.env._("Not applied: the person's newer choice came first.") if is_late else None

    @hook
    def _on_signup(self, account, person, item, at):
        """A person subscribed by an In-App Signup: record the opt-in.

        :param item: cloud_api.PreferenceChange
        :param at: naive UTC datetime
        """

    def _wait_for_sync(self, account):
        return PendingSubject(
            "account", self.env._("The account %s is not synced yet.", account.name)
        )

    def _event_time(self, item):
        """When it happened: at the latest CLOCK_SKEW after it was received."""
        return min(item.at or self.received_at, self.received_at + self._clock_skew())

    @staticmethod
    def _clock_skew():
        return CLOCK_SKEW


def _next_count(count, seconds):
    """Bodies of the next transaction, after one of `count` took `seconds`."""
    if seconds > BATCH_SECONDS:
        return max(FIRST_BATCH // 10, count // 2)
    return min(BATCH, count * 2) if seconds < BATCH_SECONDS / 2 else count
