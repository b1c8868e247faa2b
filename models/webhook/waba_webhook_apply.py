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

# Bodies of one transaction: enough to spread its cost, few enough that what it has read is on
# screen at once. Up to 1,000 updates come in one body of some 400 kB.
BATCH = 1000

BATCH_BYTES = 1_000_000

REPETITION_PERIOD = timedelta(days=7)

RUN_SECONDS = 45

# Bodies of a run's first transaction, and the seconds one may take: a thousand statuses are applied
# in less, a thousand messages of people take twenty times that, and nobody else gets the worker.
FIRST_BATCH, BATCH_SECONDS = 100, 1.5

COLLECT_SECONDS = 0.3

# Bodies committed in another order than they were numbered: as many may still be behind. What is
# further behind is applied by the next run, at the latest after RUN_SECONDS.
EVENTS_COMPARED = 1000

# How far our clock may be behind Meta's when we look for events received after one happened.
CLOCK_SKEW = timedelta(hours=1)

# Events that set a state, so that only the newest on its subject counts (`_event_subject`).
STATE_EVENTS = (
    webhook_events.CapabilityChange,
    webhook_events.NumberUpdate,
    webhook_events.AccountUpdate,
    webhook_events.AccountReview,
    webhook_events.TemplateStatus,
    webhook_events.TemplateQuality,
    webhook_events.TemplateCategory,
)

PREFERENCES = {"stop": "opted_out", "resume": "opted_in"}


class WabaWebhookEvent(models.Model):
    """From stored bodies to events, each handed to the method that knows it.

    Late, twice or out of order, the rows come out the same. What people write and want is applied
    in waba_webhook_people.py, what Meta says of limits, numbers, account and templates in
    waba_webhook_platform.py, statuses in waba_message_status.py.
    """

    _inherit = "waba.webhook.event"

    @api.model
    def _cron_apply(self):
        """Apply what came in, oldest first, in committed batches.

        While more keeps coming in, it is gathered a moment: twenty runs a second, each for three
        statuses, would spend all their time on being runs.
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
        """The oldest bodies to apply; one at least, however long it is.

        :param after: id below which this run has applied all; what it has applied stays in the
            index until the run ends, and reading past it would cost more with every batch
        :param count: most bodies to take
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
        """One transaction for the whole batch; when it breaks, one per event, so that a broken
        event is named and kept and does not stop the others."""
        try:
            commit_step(self.env, self._apply_bodies, processed=len(self))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event: a batch could not be applied; one by one now")
            for event in self:
                event._apply_body()

    def _apply_body(self):
        try:
            commit_step(self.env, self._apply_bodies, processed=1)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("waba.webhook.event %s: its events one by one now", self.id)
            commit_step(self.env, self._apply_items_separately)

    def _apply_bodies(self):
        """Apply these bodies: statuses in bulk first, the rest one by one. The caller commits."""
        parsed = [(event, event._parse_bodies()) for event in self]
        notes = self._apply_statuses(parsed)
        through = self._close_status_bodies(parsed, notes)
        for event, items in parsed:
            if event.id not in through:
                event._apply_items(items, notes.get(event.id, {}))

    def _parse_bodies(self):
        return parse_events((self.body or "").encode())

    def _apply_statuses(self, parsed):
        """The statuses of these bodies, each within what its signature vouches for.

        :param parsed: [(event, its items)]
        :return: {event's id: {place of an item in the body: Wait, or why it was not applied}}
        """
        told, places = [], []
        reach, notes, refused = self._vouched_accounts(), {}, {}
        for event, items in parsed:
            accounts, uids = reach[event.account_id.id]
            for place, item in enumerate(items):
                if not isinstance(item, webhook_events.MessageStatus):
                    continue
                if item.waba_uid not in uids:
                    # Of an account that is not known here it may still be our message: a number
                    # moves to another account, and what it sent before is told under the new one.
                    key = event.account_id, item.waba_uid
                    if key not in refused:
                        note = event._missing_account_reason(item)
                        refused[key] = not isinstance(note, PendingSubject) and note
                    if refused[key]:
                        notes.setdefault(event.id, {})[place] = refused[key]
                        continue
                told.append((item, accounts))
                places.append((event, place))
        strays = self.env["waba.message"]._apply_statuses(told) if told else {}
        for index, stray in strays.items():
            event, place = places[index]
            notes.setdefault(event.id, {})[place] = event._record_stray_status(
                told[index][0], stray
            )
        return notes

    def _close_status_bodies(self, parsed, notes):
        """Bodies of statuses alone, nearly all there are, need nothing more: one write for them.

        :param parsed: [(event, its items)]
        :param notes: as `_apply_statuses` returns them
        :return: set of those events' ids
        """
        through, applied = set(), []
        for event, items in parsed:
            if all(isinstance(item, webhook_events.MessageStatus) for item in items):
                through.add(event.id)
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
        return through

    def _apply_items(self, items, notes):
        """Apply the events of one body, statuses apart, and note its outcome.

        :param items: list of cloud_api events, in the body's order
        :param notes: {place of a status in it: Wait, or why it was not applied}
        """
        self.ensure_one()
        if self._is_repeated():
            self._close_body(items, {})
            self._on_items(items)
            return
        notes, taken, waited = {**self._earlier_notes(items), **notes}, [], []
        for place, item in self._items_to_apply(items).items():
            if not isinstance(item, webhook_events.MessageStatus):
                notes[place] = self._route_event(item)
            (waited if isinstance(notes.get(place), PendingSubject) else taken).append(item)
        self._close_body(items, notes)
        self._on_items(taken)
        if self.state != "waiting":
            # What it is about never became known: told all the same, of the account.
            self._on_items(waited, applied=False)

    @hook
    def _on_items(self, items, applied=True):
        """After items of this body, statuses apart, are through with; in the same transaction.

        :param items: cloud_api events
        :param applied: False when what they are about did not become known in time
        """

    def _apply_items_separately(self):
        """A body of which something breaks: each of its events in a savepoint of its own, so that
        the broken one is named and its neighbours are applied."""
        items, notes, broken = self._parse_bodies(), {}, []
        for place, item in enumerate(items):
            try:
                with self.env.cr.savepoint():
                    notes[place] = self._apply_event(item)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                broken.append(f"{type(error).__name__}: {error}")
        if broken:
            told = [
                note.why if isinstance(note, PendingSubject) else note
                for note in notes.values()
                if note
            ]
            self._record_apply_error(items, [*broken, *told])
        else:
            self._close_body(items, notes)

    def _apply_event(self, item):
        """:return: None, a Wait, or why it was not applied"""
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

    @staticmethod
    def _items_summary(items):
        return ", ".join(sorted({type(item).__name__ for item in items}))

    @staticmethod
    def _join_sentences(sentences):
        # A body may say the same a thousand times.
        return "; ".join(dict.fromkeys(sentences))[:1000] or False

    def _close_body(self, items, notes):
        """Write down the outcome of a body.

        :param notes: {place of an item in it: None, a Wait, or why it was not applied}
        """
        notes = {place: note for place, note in sorted(notes.items()) if note}
        waits = {place: note for place, note in notes.items() if isinstance(note, PendingSubject)}
        sentences = {place: note for place, note in notes.items() if place not in waits}
        waiting = self._wait_values(waits, sentences, len(items))
        for place, wait in waits.items():
            is_over = place not in (waiting["waiting_items"] or {"at": ()})["at"]
            sentences[place] = self._wait_expired_reason(wait) if is_over else wait.why
        is_applied = any(
            place not in notes and not isinstance(item, webhook_events.UnknownEvent)
            for place, item in enumerate(items)
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

    def _is_repeated(self):
        """Meta delivers a body again for up to 7 days: what it says was applied the first time.

        Statuses are applied all the same (they only move forward); this spares the chatter.
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

    def _route_event(self, item):
        """One typed event to the method that knows it; statuses are applied already.

        :return: None, or a sentence that says why nothing was done
        """
        if isinstance(item, webhook_events.UnknownEvent):
            return f"{item.field}: {item.why}"
        account = self._event_account(item)
        if not account:
            return self._missing_account_reason(item)
        if why := self._own_number_reason(item):
            return why
        if self._is_outdated(item):
            return self.env._("Something newer on the same subject was applied before.")
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
        }[type(item)]
        return handler(account, item)

    @staticmethod
    def _clock_skew():
        return CLOCK_SKEW

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
        """What an event sets the state of; None when its order among others does not matter.

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

    # === Person events ===
    # What people write to us, and what they want.
    #
    # An opt-out request counts from the moment it comes in, by the account alone: whether its number
    # is known already, whoever answers the conversation, and in a group too.

    def _apply_inbound(self, account, item):
        """Someone wrote: open the window, show it on their record, apply an opt-out request."""
        if not (item.number or item.user_uid or item.previous_user_uid):
            return self.env._("The message does not say who wrote it.")
        if why := self._not_conversation_reason(item):
            self._apply_stray_opt_out(account, item)
            return why
        messages = self.env["waba.message"]
        reach = account._same_app_accounts().ids
        if item.wamid and messages.search_count(
            [("wamid", "=", item.wamid), ("account_id", "in", reach)], limit=1
        ):
            return None
        # An archived number sends nothing, but what people write to it still counts.
        senders = self.env["waba.sender"].with_context(active_test=False)
        sender = senders.search(
            [("phone_number_uid", "=", item.phone_number_uid), ("account_id", "=", account.id)]
        )
        if not sender:
            self._poll_soon()
            self._apply_stray_opt_out(account, item)
            return PendingSubject(
                "number",
                self.env._("The number with the ID %s is not known here.", item.phone_number_uid),
            )
        self.env["waba.message"]._receive_inbound(sender, item, self._event_time(item))
        return None

    def _event_time(self, item):
        """When it happened; nobody can have said something after it came in."""
        return min(item.at or self.received_at, self.received_at + self._clock_skew())

    def _not_conversation_reason(self, item):
        """Why a message is none of a conversation between one person and us, or None.

        It opens no service window, makes no lead and is answered by no rule. Only a request to
        stop is heeded: who asks for that means all we send, wherever it is said, and who is left
        alone by mistake can ask again. A wish to go on is heard only where it was said to us.
        """
        if item.group_uid:
            return self.env._(
                "A message in a group: not kept; of those only a request to stop counts."
            )
        if item.field == "standby":
            return self.env._(
                "Another sender on this number answers them: not kept; of those only a request to "
                "stop counts."
            )
        return None

    def _apply_stray_opt_out(self, account, item):
        """An opt-out request in a message that is not kept, or not yet."""
        words = self.env["waba.consent.word"]._company_keywords(account.company_id.id)
        if item.kind in REPORTED_KINDS or not intent.opt_out_intent(
            item.text, item.payload or None, words
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
        """The person an event is about, perhaps none.

        Of an account that was never read, and has no portfolio yet, by its company's others.
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

    def _own_number_reason(self, item):
        """Why nothing follows from an event about one of our own numbers, or None.

        Echoes, tests from phone to phone and odd bodies name them; nobody is a person with our
        number, in whichever account of this database it is and however it is written.
        """
        named = [getattr(item, "number", "")]
        if isinstance(item, InboundMessage):
            named.append(item.new_number)
        ours = self.env["waba.sender"]._filter_own_numbers(named)
        if not ours:
            return None
        return self.env._("%s is a number of ours, and no person's.", ", ".join(sorted(ours)))

    def _apply_preference(self, account, item):
        """WhatsApp's own control: stop or resume promotions."""
        target = PREFERENCES.get(item.value)
        if not target or item.category not in ("marketing_messages", ""):
            return self.env._(
                "The preference %(category)s: %(value)s is not one that we follow.",
                category=item.category,
                value=item.value,
            )
        if not (item.number or item.user_uid):
            return self.env._("The preference does not say whose it is.")
        company = account.company_id
        if target == "opted_in" and not account.portfolio_id:
            # A yes is given to this account alone.
            return self._wait_for_sync(account)
        person = self._find_stray_recipient(account, item)
        if not person:
            return self._wait_for_sync(account)
        at = self._event_time(item)
        is_late = person._has_newer_consent(at, company=company)
        person._set_marketing_state(
            target, "whatsapp", item.detail or item.value, at=at, company=company
        )
        return self.env._("The person said something newer before.") if is_late else None

    def _wait_for_sync(self, account):
        return PendingSubject(
            "account", self.env._("The account %s has not been read from Meta yet.", account.name)
        )

    def _record_stray_status(self, item, stray):
        """A status that changed none of our messages.

        Where Meta refused a promotion because the person wants none, that counts whoever sent it.

        :param item: cloud_api.MessageStatus
        :param stray: as `waba.message._apply_statuses` tells it
        :return: Wait, or why it was not applied
        """
        self.ensure_one()
        if stray == "foreign":
            return self.env._(
                "The message %s is of an account that the app of this address does not speak for.",
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
            self.env._("The message %s is not known here.", item.wamid or item.opaque),
        )


def _next_count(count, seconds):
    """Bodies of the next transaction, after one of `count` took `seconds`."""
    if seconds > BATCH_SECONDS:
        return max(FIRST_BATCH // 10, count // 2)
    return min(BATCH, count * 2) if seconds < BATCH_SECONDS / 2 else count
