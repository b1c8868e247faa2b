"""Dispatch: messages outside campaigns (`_queue_direct`), and the rules checked again later.

Called by follow-ups, automation rules, conversations, automatic replies and test messages. A
message that cannot be sent becomes a row with its reason. A queued row is subject to the same
slots, pace and checks as those of campaigns (waba_sender_reserve.py). Nothing here calls Meta.
"""

from functools import cached_property
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...cloud_api import file_ids
from ...policy import eligibility, frequency, hours, numbers, repeats
from ...policy import media as media_policy
from ...policy.numbers import forms_by_number, number_forms
from ..base.waba_failure import TEMPORARY_EXCLUSIONS, failure_text, not_sent_text
from ..base.waba_message import UUID_SQL
from ..base.waba_variable_mixin import VariableSet, find_link_token, new_link_token
from ..consent.consent_sql import PURPOSES
from ..consent.waba_recipient import recipients_with_numbers
from ..tools.hooks import hook
from ..tools.labels import selection_label, with_language
from ..tools.moments import format_moment
from ..tools.phone_countries import number_country
from .waba_budget import IS_UNCOUNTED
from .waba_sender_reserve import message_purpose

# Requested by a user; the other origins come from jobs and rules.
MANUAL_ORIGINS = ("manual", "test")

# System parameters and their defaults: test messages in one day (UTC).
TESTS_PER_USER_AND_DAY = ("waba_campaign.tests_a_day_per_user", 10)
TESTS_PER_COMPANY_AND_DAY = ("waba_campaign.tests_a_day_per_company", 50)


class TemplateUse(NamedTuple):
    """A template that is to be sent to a person, for the repeat guard (`policy.repeats`).

    :ivar people: keys of the person in the index of sent templates (`_person_keys`)
    :ivar name: the template's, the same in all languages
    :ivar compared_id: id of the message whose values must be the same too, None if any count
    """

    people: frozenset
    name: str
    compared_id: int | None = None


class Repeat(NamedTuple):
    """The last message with the same template to the same person; `is_queued`: not sent yet."""

    left_at: object
    message_id: int
    is_queued: bool = False


class Addressee(NamedTuple):
    """One person that a message is created for.

    :ivar record: res.partner or crm.lead; a waba.recipient if there is no record. Read with its
        environment's rights; fields that variables name with those of the `reader`
    :ivar user: res.users on whose behalf it is sent; by default the current user for
        MANUAL_ORIGINS, else the record's salesperson
    :ivar origin_key: names the occasion; a later call with the same key returns the first row
    :ivar values: further field values
    """

    record: object
    user: object = None
    origin_key: str | None = None
    values: dict | None = None


class DirectFacts:
    """What the rules ask about some people, each read once for all when it is first asked.

    :param messages: waba.message, in the caller's environment
    :param content: values of the messages, of which `category` and `topic_id` are read
    :param addresses: [(values of the address, the waba.recipient)]
    """

    def __init__(self, messages, sender, origin, content, addresses):
        self.env, self._sender, self._company = messages.env, sender, sender.company_id
        self._messages, self._origin = messages.sudo(), origin
        self._category, self._topic_id = content["category"], content.get("topic_id")
        self._addresses = addresses
        self._people = messages.env["waba.recipient"].sudo().union(*(one for _to, one in addresses))
        self._numbers = {to["number"] or "" for to, _person in addresses}
        self._filled, self._repeats = {}, {}

    def _record_ids(self):
        """{model: ids of the records of these messages}."""
        found = {}
        for to, _person in self._addresses:
            if to.get("res_id"):
                found.setdefault(to["res_model"], set()).add(to["res_id"])
        return found

    @cached_property
    def ours(self):
        return self.env["waba.sender"]._filter_own_numbers(self._numbers)

    @cached_property
    def blacklisted(self):
        return self.env["waba.recipient"]._filter_blacklisted(self._numbers)

    @cached_property
    def windows(self):
        """{recipient id: until when their service window is open}."""
        found = self.env["waba.conversation"].sudo().search_fetch(
            [("sender_id", "=", self._sender.id), ("recipient_id", "in", self._people.ids)],
            ["recipient_id", "window_expires_at"],
        )  # fmt: skip
        return {one.recipient_id.id: one.window_expires_at for one in found}

    @cached_property
    def consent(self):
        """{(company id, recipient id, purpose): state}."""
        return self._people._consent_states(self._company)

    @cached_property
    def topic(self):
        return self.env["waba.topic"].sudo().browse(self._topic_id or [])

    @cached_property
    def topic_states(self):
        """{(topic id, recipient id): state}, of those who said something about the topic."""
        return self._people._topic_states(self.topic)

    @cached_property
    def renumbered(self):
        """{(model, record id, purpose)} with a number that replaced one that had opted out."""
        held = self.env["waba.renumbered"]
        return {
            (model, id_, purpose)
            for model, ids in self._record_ids().items()
            for _company, id_, purpose in held._held_records(
                model, list(ids), self._company, self._topic_id
            )
        }

    @cached_property
    def traits(self):
        """{(model, record id): value of `record_traits`}."""
        return {
            (model, id_): traits
            for model, ids in self._record_ids().items()
            for id_, traits in self._messages._read_record_traits(
                model, ids, self._company
            ).items()
        }  # fmt: skip

    @cached_property
    def promotions(self):
        """{number or recipient id as text: send times of the promotions that the cap counts}."""
        if not frequency.is_counted(self._origin, self._category):
            return {}
        keys = {to["number"] or str(person.id) for to, person in self._addresses}
        return self._messages._recent_promotions(self._company, keys, fields.Datetime.now())

    def promoted_at(self, to, person):
        return self.promotions.get(to["number"] or str(person.id), [])

    def repeat(self, template, to, person):
        """`Repeat` of this template, or None; asked once for all people."""
        if template.id not in self._repeats:
            uses = {
                self._person_key(*one): TemplateUse(
                    self._messages._person_keys(
                        one[1].id, one[0]["number"], one[1].number, one[1].wa_number
                    ),
                    template.name,
                )
                for one in self._addresses
            }
            self._repeats[template.id] = self._messages._find_repeats(
                self._company, uses, fields.Datetime.now()
            )
        return self._repeats[template.id].get(self._person_key(to, person))

    @staticmethod
    def _person_key(to, person):
        return person.id, to["number"]

    def variables(self, template, lines, env):
        """The `VariableSet`, read once per language and user."""
        key = (template.id, tuple(lines.ids), env.lang, env.uid)
        if not lines.ids or key not in self._filled:
            self._filled[key] = VariableSet(template, lines, env)
        return self._filled[key]


class WabaMessage(models.Model):
    _inherit = "waba.message"

    # Record
    record_traits = fields.Char(
        readonly=True,
        help="State of the record when the message was created: open, won, lost, archived…",
    )

    # Rules checked again at reservation
    time_zone = fields.Char(
        "Time zone",
        readonly=True,
        help="The recipient's; several if the number does not tell which.",
    )
    not_before_at = fields.Datetime("Scheduled for", readonly=True)
    promoted_at = fields.Datetime(
        "Promotion counted on",
        readonly=True,
        help="The latest time at which it may have been sent.",
    )
    template_left_at = fields.Datetime(
        "Template counted on",
        readonly=True,
        help="The latest time at which it may have been sent; for templates only.",
    )
    may_repeat = fields.Boolean(
        "Repeat confirmed",
        readonly=True,
        help="The user knew of the earlier message with this template.",
    )

    request_digest = fields.Char(
        readonly=True, copy=False,
        help="What another system asked for with its key.",
    )  # fmt: skip

    # Charge: what its attempts may cost, in the company's currency (waba_budget.py)
    held_charge = fields.Float(
        digits=(16, 6), readonly=True, copy=False, aggregator=None,
        help="Held back for all attempts that may be charged.",
    )  # fmt: skip
    charge_bound = fields.Float(
        "Highest price", digits=(16, 6), readonly=True, copy=False, aggregator=None,
        help="What the last attempt can cost at most.",
    )  # fmt: skip
    charge_factor = fields.Float(
        "Exchange rate", digits=0, readonly=True, copy=False, aggregator=None
    )
    charge_month = fields.Date("Month of charge", readonly=True, copy=False)
    counted_charge = fields.Float(digits=(16, 6), readonly=True, copy=False, aggregator=None)
    counted_month = fields.Date(readonly=True, copy=False)

    _uncounted_idx = models.Index(f"(company_id, campaign_id) WHERE {IS_UNCOUNTED}")
    _open_charge_idx = models.Index("(accepted_at) WHERE charge_bound > 0 AND cost_state IS NULL")
    _template_left_idx = models.Index(
        "(company_id, (COALESCE(number, recipient_id::text)), template_left_at)"
        " WHERE template_left_at IS NOT NULL"
    )
    _promoted_idx = models.Index(
        "(company_id, (COALESCE(number, recipient_id::text)), promoted_at)"
        " WHERE promoted_at IS NOT NULL"
    )
    _uploading_idx = models.Index("(sender_id) WHERE state = 'queued' AND is_uploading")
    # Recipients that one number messaged in the last 24 hours.
    _own_slot_idx = models.Index("(sender_id, slot_at, recipient_id) WHERE slot_at IS NOT NULL")

    # === Queue ===

    @api.model
    def _queue_direct(
        self, sender, record, *, origin_key=None, key=None, user=None, values=None, **content
    ):
        """Create one message to one person: queued for `sender`, or excluded with its reason.

        :param record: see `Addressee`, as are `origin_key`, `user` and `values`
        :param key: like `origin_key`, chosen by another system, within the number's company
        :param content: see `_queue_many`
        :return: the row, `queued` or `skipped`
        """
        if key:
            origin_key = self._company_key(key, sender.sudo().company_id)
        to = Addressee(record, user, origin_key, values)
        return self._queue_many(sender, [to], **content)

    @api.model
    def _queue_many(
        self,
        sender,
        addressees,
        *,
        origin,
        template=None,
        variables=None,
        text=None,
        media=None,
        reader=None,
        not_before=None,
        may_repeat=False,
        topic=None,
    ):
        """Create one message to each of these people: queued for `sender`, or excluded with its
        reason. What the rules ask is read once for all of them.

        :param addressees: list of Addressee
        :param origin: a key of ORIGINS
        :param template: waba.template; without one `text` or `media` needs an open service window
        :param variables: waba.variable.mixin records that fill the template; its own by default
        :param media: {"attachment": ir.attachment} of the file to send, to one person
        :param reader: res.users responsible for what a job sends; fields show nothing if it is
            empty. By default the current user
        :param not_before: naive UTC datetime
        :param may_repeat: a user knows of the earlier message with this template; if 'manual'
        :param topic: waba.topic of a promotion; that of the template by default
        :return: the rows in the order of `addressees`, `queued` or `skipped`
        """
        sender = sender.sudo()
        known = self._find_by_origin_key([to.origin_key for to in addressees if to.origin_key])
        known = set(known.sudo().mapped("origin_key"))
        new = [to for to in addressees if to.origin_key not in known]
        content = self._direct_content(template, text, media, topic)
        content["may_repeat"] = may_repeat and origin == "manual"
        planned = self._plan_messages(
            sender, new, origin, content, not_before, template, variables, reader
        )
        inserted = self.sudo()._insert_direct(sender, origin, [to.origin_key for to in new])
        made = {id(to): row for to, row in zip(new, inserted, strict=True) if row}
        for to, (plan, user) in zip(new, planned, strict=True):
            if row := made.get(id(to)):
                row.write({**plan, "user_id": user.id, **(to.values or {})})
        queued = self.sudo().union(*made.values()).filtered(lambda row: row.state == "queued")
        if queued:
            sender._trigger_dispatch()
            queued.with_env(self.env)._on_queued(media)
        rows = (made.get(id(to)) or self._find_by_origin_key([to.origin_key]) for to in addressees)
        return self.browse().concat(*(row.with_env(self.env) for row in rows))

    @api.model
    def _company_key(self, key, company):
        return f"key/{company.id}/{key}"

    @api.model
    def _find_by_key(self, key, company):
        """The row of another system's key, with all rights; perhaps empty."""
        return self._find_by_origin_key([self._company_key(key, company)]).sudo()

    def _check_same_request(self, key, digest):
        """Return this message if it was requested with the same content.

        :raise UserError: the key was used for something else
        """
        if self.request_digest == digest:
            return self
        raise UserError(
            self.env._(
                "The key %s was already used for another message: other person, template or "
                "texts. Nothing was sent. Use a new key for a new message.",
                key,
            )
        )

    def _plan_messages(
        self, sender, addressees, origin, content, not_before, template, variables, reader
    ):
        """[(values of the row, its user)] of these people, in their order."""
        users = [to.user or self._message_user(to.record, origin) for to in addressees]
        records = [
            with_language(user or sender.company_id, to.record)
            for to, user in zip(addressees, users, strict=True)
        ]
        known = self._known_recipients(records, sender.portfolio_id)
        addresses = [self._address_values(one, sender.portfolio_id, known) for one in records]
        facts = DirectFacts(self, sender, origin, content, addresses)
        planned = []
        for record, user, (to, person) in zip(records, users, addresses, strict=True):
            to["record_traits"] = facts.traits.get((record._name, record.id), False)
            plan = self._departure_values(
                sender, record, person, to, origin, content, not_before, facts
            )
            reason, sentence = plan.pop("failure_type"), plan.pop("failure_reason")
            if template and reason in (False, *TEMPORARY_EXCLUSIONS):
                filled, unfit, detail = self._fill_template(
                    record, template, variables or template.sudo().variable_ids, sender, reader,
                    facts, person,
                )  # fmt: skip
                plan |= self._parameter_values(filled)
                reason, sentence = (unfit, detail) if unfit else (reason, sentence)
            planned.append(
                (
                    {
                        **content,
                        **to,
                        **plan,
                        "company_id": sender.company_id.id,
                        "recipient_id": person.id,
                        "not_before_at": not_before,
                        "state": "skipped" if reason else "queued",
                        "failure_type": reason,
                        "failure_reason": reason and not_sent_text(self.env, sentence),
                    },
                    user,
                )
            )
        return planned

    def _find_by_origin_key(self, keys):
        """The rows of these keys, with the caller's rights; perhaps empty."""
        return self.browse(self.sudo().search([("origin_key", "in", keys)]).ids if keys else [])

    def _insert_direct(self, sender, origin, keys):
        """Insert bare rows; empty for a key of which this transaction already has one.

        If two transactions use one key, the second waits for the first. When that commits, the
        second fails with a serialization error, since its snapshot does not show the other's row,
        and is repeated, as every request and job is.

        :param keys: origin keys, perhaps None
        :return: list of waba.message, one per key
        """
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_message
                          (uuid, direction, origin, origin_key, kind, state, attempt_count,
                           failed_attempt, failure_streak, account_id, sender_id,
                           create_uid, write_uid, create_date, write_date)
                   SELECT %(uuid)s, 'out', %(origin)s, given.key, 'template', 'queued', 0, 0, 0,
                          %(account)s, %(sender)s, %(uid)s, %(uid)s, %(now)s, %(now)s
                     FROM unnest(%(keys)s::varchar[]) WITH ORDINALITY AS given(key, place)
                 ORDER BY given.place
                   ON CONFLICT (origin_key) WHERE origin_key IS NOT NULL DO NOTHING
                   RETURNING id, origin_key""",
                uuid=UUID_SQL,
                origin=origin,
                keys=[key or None for key in keys],
                account=sender.account_id.id,
                sender=sender.id,
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        by_key = {key: id_ for id_, key in rows if key}
        without = iter([id_ for id_, key in rows if not key])
        ids = [by_key.pop(key, None) if key else next(without) for key in keys]
        return [self.browse(id_ and [id_]) for id_ in ids]

    # === Recipient ===

    def _message_user(self, record, origin):
        if origin in MANUAL_ORIGINS:
            return self.env.user
        return record.user_id if "user_id" in record._fields else self.env["res.users"]

    def _known_recipients(self, records, portfolio):
        """{E.164 number: waba.recipient} of these records, each created if new."""
        people = self.env["waba.recipient"].sudo()
        found = {people._number_of(one) for one in records if one._name != people._name}
        return people._find_or_create_by_number(portfolio, found - {""})

    def _address_values(self, record, portfolio, known=None):
        """Return (field values of the address, the waba.recipient, perhaps empty).

        :param known: `_known_recipients` of this record and others
        """
        if record._name == "waba.recipient":
            person = record.sudo()
            if person.portfolio_id != portfolio:
                person = self._recipient_behind(person.number, portfolio)
            return {"number": record.sudo().number, "person_name": record.sudo().name}, person
        people = self.env["waba.recipient"].sudo()
        number = people._number_of(record)
        if number:
            person = (known or {}).get(number) or self._recipient_behind(number, portfolio)
        else:
            person = record._waba_linked(portfolio)[record.id][:1]
        number = number or person.number
        to = {
            "number": number or (not person and people._raw_number(record)) or False,
            "person_name": record._waba_person_facts()["name"] or record.display_name,
            "res_model": record._name,
            "res_id": record.id,
        }
        return to, person

    def _recipient_behind(self, number, portfolio):
        """The waba.recipient of an E.164 number, created if new; none for our own numbers or ''."""
        people = self.env["waba.recipient"].sudo()
        if not number or self.env["waba.sender"]._filter_own_numbers([number]):
            return people
        return people._find_or_create_by_number(portfolio, [number])[number]

    # === Content ===

    def _direct_content(self, template, text, media, topic=None):
        """Field values of the content: template, text or file."""
        if template:
            values = self._template_values(template)
            has_topic = topic and values["category"] == "marketing"
            return {**values, "topic_id": topic.id} if has_topic else values
        media_values = self._media_values(media) if media else {"kind": "text"}
        return {"category": "service", "text": text, **media_values}

    def _template_values(self, template):
        return {
            "kind": "template",
            "template_id": template.id,
            "topic_id": template.sudo().category == "marketing" and template.sudo().topic_id.id,
            "category": template.sudo().category,
        }

    @api.model
    def _media_values(self, media):
        """Field values of a message with a file, which is uploaded before it can be sent.

        :raise UserError: WhatsApp does not accept the file
        """
        attachment = media["attachment"].sudo()
        if why := self._file_refusal_reason(
            attachment.name, attachment.mimetype, attachment.file_size
        ):
            raise UserError(why)
        return {"kind": media_policy.message_kind(attachment.mimetype), "is_uploading": True}

    @api.model
    def _file_refusal_reason(self, name, mimetype, size):
        """Reason why a file cannot be sent, as a sentence; False if none."""
        reason = media_policy.file_refusal(mimetype, size)
        if not reason:
            return False
        if reason == "empty":
            return self.env._("%s is empty.", name)
        if reason == "type":
            return self.env._(
                "%(name)s cannot be sent. WhatsApp accepts JPEG and PNG images, MP4 videos, audio, "
                "PDF, text and Office files.",
                name=name,
            )
        limit = media_policy.MAX_BYTES[media_policy.message_kind(mimetype)]
        return self.env._(
            "%(name)s is too large: %(size)s MB. WhatsApp accepts up to %(limit)s MB.",
            name=name,
            size=f"{size / media_policy.MIB:.1f}",
            limit=limit // media_policy.MIB,
        )

    def _fill_template(self, record, template, lines, sender, reader=None, known=None, person=None):
        """Fill a template for one record.

        :param reader: see `_queue_many`
        :param known: DirectFacts of this record and others
        :param person: waba.recipient, for the link to their preference page
        :return: (parameters, reason key or False, sentence or False)
        """
        template, lines = template.sudo(), lines.sudo()
        if why := self._unusable_template_reason(template, sender):
            return {}, "template_missing", why
        facts = (
            self._recipient_facts(record)
            if record._name == "waba.recipient"
            else record._waba_person_facts()
        )
        facts["link_token"] = new_link_token()
        if person and "preferences" in lines.mapped("source"):
            facts["preference_token"] = person._preference_token(sender.company_id)
        if any(lines.mapped("in_recipient_zone")):
            people = self.env["waba.recipient"].sudo()
            is_person = record._name == "waba.recipient"
            address = record.sudo()._address() if is_person else record._waba_address()
            facts["time_zone"] = people._recipient_time_zone(address, record, sender.company_id)
        variables = known and known.variables(template, lines, record.env)
        variables, source = variables or VariableSet(template, lines, record.env), record
        if reader is not None:
            source = self.env["waba.field.path"]._with_reader(record, reader, sender.company_id)
        mixin = self.env["waba.variable.mixin"]
        parameters, reason, detail = mixin._fill_parameters(source, facts, variables)
        if not reason:
            return parameters, False, False
        return parameters, reason, failure_text(self.env, reason, text=detail)

    def _parameter_values(self, parameters):
        """Field values of frozen parameters; files are uploaded first."""
        return {
            "parameters": parameters,
            "link_token": find_link_token(parameters),
            "is_uploading": bool(file_ids(parameters)),
        }

    def _unusable_template_reason(self, template, sender):
        """Reason why this number can never send this template; False if none.

        A template that is paused by Meta or on hold only waits in the queue, as in campaigns.
        """
        if template.account_id != sender.account_id:
            return self.env._(
                "The template %(template)s and the number %(number)s belong to different WhatsApp "
                "accounts. Choose a number of the template's account.",
                template=template.display_name,
                number=sender.display_name,
            )
        return False if template.hold_key else template._not_sendable_reason()

    def _recipient_facts(self, person):
        """As `_waba_person_facts`, of a waba.recipient."""
        partner = person.partner_id
        facts = partner._waba_person_facts() if partner else {}
        return {
            "name": person.name or "",
            "first_name": partner._waba_first_name(person.name),
            "company": "",
            "salesperson": "",
            "partner": partner,
            **facts,
        }

    # === Earliest send time and exclusion ===

    def _departure_values(self, sender, record, person, to, origin, content, not_before, facts):
        """Calculate when a message can be sent and why not before, or why never.

        :param facts: DirectFacts of this person and others
        :return: values of `time_zone`, `retry_at`, `wait_reason`, `failure_type`, `failure_reason`
        """
        now, company = fields.Datetime.now(), sender.company_id
        time_zone = person._recipient_time_zone(to["number"] or person._address(), record, company)
        promoted_at = facts.promoted_at(to, person)
        free_at = frequency.next_promotion_time(promoted_at, company._waba_frequency_cap())
        retry_at, wait_reason = hours.earliest_departure(
            max(now, not_before or now),
            origin,
            content["category"],
            time_zone,
            company._waba_quiet_period(),
            self._marketing_hold_end(person, content),
            free_at if origin in frequency.POSTPONED_ORIGINS else None,
        )
        repeat = self._find_repeat(sender, person, to, origin, content, facts)
        repeats_free_at = self._repeats_free_at(company, repeat)
        reason, sentence = self._exclusion_reason(
            sender, person, to, content, retry_at, free_at, repeats_free_at, facts
        )
        if reason == "may_opt_out" and origin not in MANUAL_ORIGINS:
            # No user to notify: it waits until the possible opt-out has been reviewed.
            reason = sentence = False
            retry_at, wait_reason = False, "may_opt_out"
        if reason == "frequency":
            retry_at = free_at
            detail = self._frequency_detail(promoted_at, company)
            sentence = failure_text(self.env, reason, text=detail)
        if reason == "repeated":
            retry_at = repeats_free_at
            detail = self._repeat_detail(repeat, company)
            sentence = failure_text(self.env, reason, text=detail)
        return {
            "time_zone": time_zone,
            "retry_at": retry_at,
            "wait_reason": False if reason else wait_reason,
            "failure_type": reason,
            "failure_reason": sentence,
        }

    def _recent_promotion_times(self, sender, person, to, origin, content):
        """Send times of the promotions that the frequency cap counts; [] if it does not apply."""
        facts = DirectFacts(self, sender, origin, content, [(to, person)])
        return facts.promoted_at(to, person)

    def _marketing_hold_end(self, person, content):
        """Until when WhatsApp holds promotions to this recipient, or None."""
        return person.marketing_held_until if content["category"] == "marketing" else None

    def _exclusion_reason(
        self, sender, person, to, content, moment, promotions_free_at, repeats_free_at=None,
        facts=None, by_whatsapp=True,
    ):  # fmt: skip
        """Return (reason key, sentence) why this message cannot be sent, or (False, False).

        :param moment: its earliest send time
        :param promotions_free_at: from when the frequency cap allows one more promotion, None if
            now
        :param repeats_free_at: from when the template may be sent again, None if now
        :param facts: DirectFacts of this person and others; read for this one by default
        :param by_whatsapp: False for another way: whether WhatsApp reaches them is no reason
        """
        number = to["number"] or ""
        facts = facts or DirectFacts(self, sender, None, content, [(to, person)])
        is_ours = number in facts.ours
        verdict = eligibility.check_eligibility(
            eligibility.Person(
                # Only a parsed number keeps its plus: "+346125550" is not valid.
                number=number if person or is_ours else number.lstrip("+"),
                user_uid=person.user_uid or "",
                is_ours=is_ours,
                **{
                    f"{purpose}_state": facts.consent.get(
                        (sender.company_id.id, person.id, purpose), "unknown"
                    )
                    for purpose in PURPOSES
                },
                topic_state=facts.topic_states.get((facts.topic.id, person.id)),
                renumbered=(
                    to.get("res_model"),
                    to.get("res_id"),
                    "marketing" if content["category"] == "marketing" else "utility",
                )
                in facts.renumbered,
                blacklisted=number in facts.blacklisted,
                unreachable_until=person.unreachable_until if by_whatsapp else None,
                blocked=person.is_blocked,
                country_code=number_country(number or person.user_uid),
                window_expires_at=facts.windows.get(person.id),
                promotions_free_at=promotions_free_at,
                repeats_free_at=repeats_free_at,
                may_opt_out=bool(person.may_opt_out_at),
            ),
            message_purpose(content["kind"], content["category"]),
            moment,
            us_marketing_blocked=sender.company_id.waba_us_marketing_left_out,
            blocked_countries=sender.account_id._blocked_countries(),
            opt_in_required=sender.company_id.waba_opt_in_required,
        )
        if verdict.allowed:
            return False, False
        reason = verdict.reason_key
        detail = number if reason == "invalid_number" else None
        details = person._opt_out_details(reason, sender.company_id, facts.topic)
        detail = detail or details.get(person.id)
        return reason, failure_text(self.env, reason, text=detail)

    # === Test messages ===

    @api.model
    def _queue_test(self, sender, person, template, lines):
        """Queue one test message. The caller has checked `_waba_test_refusals`.

        Its `origin_key` numbers the company's tests of the day: if two transactions use the same
        number, the second is repeated with the next, so that parallel requests cannot exceed the
        limit.

        :raise UserError: today's limit of the user or the company is reached
        """
        return self._queue_direct(
            sender,
            person,
            origin="test",
            template=template,
            variables=lines,
            origin_key=self._free_test_key(sender.sudo().company_id),
        )

    @api.model
    def _free_test_key(self, company):
        """The first unused `origin_key` of the company's tests of the day."""
        per_user, per_company = (
            self._check_test_limits(TESTS_PER_USER_AND_DAY),
            self._check_test_limits(TESTS_PER_COMPANY_AND_DAY),
        )
        day = fields.Datetime.now().date()
        keys = [f"test/{company.id}/{day}/{index}" for index in range(per_company)]
        taken = self.sudo().search([("origin_key", "in", keys)])
        if len(taken.filtered(lambda row: row.user_id == self.env.user)) >= per_user:
            raise UserError(
                self.env._(
                    "Your daily limit of %s test messages is reached. Send more tomorrow, or use "
                    "the preview.",
                    per_user,
                )
            )
        free = [key for key in keys if key not in set(taken.mapped("origin_key"))]
        if not free:
            raise UserError(
                self.env._(
                    "Your company's daily limit of %s test messages is reached. Send more "
                    "tomorrow, or use the preview.",
                    per_company,
                )
            )
        return free[0]

    @api.model
    def _check_test_limits(self, parameter):
        """Value of a system parameter, or its default.

        :param parameter: (key, default)
        """
        key, default = parameter
        written = self.env["ir.config_parameter"].sudo().get_param(key, "")
        return int(written) if written.isascii() and written.isdigit() else default

    # === Record traits ===
    # The lead or contact that a message was created for is checked again before the message is
    # sent.

    @api.model
    def _read_record_traits(self, model, ids, company):
        """{id: value of `record_traits`} of the records of one model.

        A record without traits has a blank, to distinguish it from no record.
        """
        found = self.env[model]._waba_current_records(ids, company)
        return {id_: " ".join(sorted(record.traits)) or " " for id_, record in found.items()}

    @api.model
    def _current_records(self, rows, sender):
        """{(model, id): policy.record_change.RecordState} of these candidates."""
        ids = {}
        for row in rows:
            if row["record_traits"] and row["res_model"] in self.env:
                ids.setdefault(row["res_model"], set()).add(row["res_id"])
        return {
            (model, id_): record
            for model, model_ids in ids.items()
            for id_, record in self.env[model]
            ._waba_parse_numbers(
                self.env[model]._waba_current_records(model_ids, sender.company_id),
                sender.portfolio_id,
            )
            .items()
        }

    # === Rules checked again at reservation ===
    # Quiet hours and the frequency cap (docs/sending-rules.md) are checked when a row is created
    # and again at reservation, for the time at which it would be sent. A row that must wait has
    # `retry_at` (until when) and `wait_reason` (why).

    @api.model
    @hook
    def _on_candidates(self, rows, now):
        """In the transaction that reserves, before messages are chosen from these rows.

        :param rows: dicts of `waba.sender._find_candidates`
        :param now: naive UTC datetime
        :return: ids of those that cannot be sent now: they are no longer queued, or postponed
        """

    @api.model
    def _recent_promotions(self, company, people, now):
        """{person: send times of the promotions that the frequency cap counts, latest first}.

        :param people: E.164 numbers, or the waba.recipient's id as text if the number is unknown:
            the company may know one person in several portfolios
        """
        cap = company._waba_frequency_cap()
        if not cap.applies or not people:
            return {}
        self.flush_model()
        forms = forms_by_number(people)
        rows = self.env.execute_query(
            SQL(
                """SELECT COALESCE(m.number, m.recipient_id::text),
                          array_agg(m.promoted_at ORDER BY m.promoted_at DESC)
                     FROM waba_message m
                    WHERE m.company_id = %s AND m.promoted_at > %s AND m.state = ANY(%s)
                      AND COALESCE(m.number, m.recipient_id::text) = ANY(%s)
                 GROUP BY 1""",
                company.id,
                now - cap.window,
                list(frequency.COUNTED_STATES),
                list(forms),
            )
        )
        promoted = {}
        for form, moments in rows:
            person = forms[form]
            promoted[person] = sorted([*promoted.get(person, ()), *moments], reverse=True)
        return promoted

    @api.model
    def _frequency_detail(self, promoted_at, company):
        """Text with the frequency cap, the last promotions and when the next one is possible."""
        cap = company._waba_frequency_cap()
        zone = company._waba_time_zone()

        def when(moment):
            return format_moment(self.env, moment, tz=zone)

        return self.env._(
            "at most %(count)s in %(days)s days; last sent %(dates)s. Next possible on %(next)s",
            count=cap.count,
            days=cap.days,
            dates="; ".join(map(when, sorted(promoted_at)[-cap.count :])),
            next=when(frequency.next_promotion_time(promoted_at, cap)),
        )

    # === Repeat guard ===
    # The same template to the same person (`policy.repeats`): checked when a message is created and
    # again at reservation, where the portfolio's lock decides which of two messages leaves.

    @api.model
    def _person_keys(self, recipient_id, *numbers):
        """Keys of a person in the index of sent templates: numbers in all spellings, and the id."""
        forms = {form for number in numbers if number for form in number_forms(number)}
        return frozenset(forms | {str(recipient_id)} if recipient_id else forms)

    @api.model
    def _find_repeats(self, company, uses, now):
        """{key: Repeat}: which of these templates left for these people within the company's hours.

        :param uses: {key: TemplateUse}
        """
        hours_again = company.waba_same_template_hours
        if hours_again <= 0 or not uses:
            return {}
        keys = list(uses)
        asked = [
            (index, person, use.name, use.compared_id)
            for index, use in enumerate(uses.values())
            for person in use.people
        ]
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (use.index) use.index, m.template_left_at, m.id
                     FROM unnest(%(index)s::int[], %(person)s::text[], %(name)s::text[],
                                 %(compared)s::int[]) AS use(index, person, name, compared_id)
                     JOIN waba_message m
                       ON m.company_id = %(company)s
                      AND COALESCE(m.number, m.recipient_id::text) = use.person
                      AND m.template_left_at > %(since)s
                     JOIN waba_template t ON t.id = m.template_id AND t.name = use.name
                LEFT JOIN waba_message compared ON compared.id = use.compared_id
                    WHERE m.state = ANY(%(states)s)
                      AND (use.compared_id IS NULL OR %(values)s = %(compared_values)s)
                 ORDER BY use.index, m.template_left_at DESC""",
                index=[index for index, *_rest in asked],
                person=[person for _index, person, *_rest in asked],
                name=[name for *_rest, name, _compared in asked],
                compared=[compared_id for *_rest, compared_id in asked],
                company=company.id,
                since=repeats.window_start(now, hours_again),
                states=list(frequency.COUNTED_STATES),
                values=_values_sql("m"),
                compared_values=_values_sql("compared"),
            )
        )
        return {keys[index]: Repeat(left_at, message_id) for index, left_at, message_id in rows}

    @api.model
    def _find_repeats_of_rows(self, company, rows, now):
        """{message id: Repeat} of these candidates, dicts of `waba.sender._find_candidates`."""
        templates = self.env["waba.template"].browse({row["template_id"] for row in rows})
        names = {template.id: template.name for template in templates}
        uses = {
            row["id"]: TemplateUse(
                self._person_keys(
                    row["recipient_id"], row["number"], row["person_number"], row["wa_number"]
                ),
                names[row["template_id"]],
                row["id"] if repeats.compares_values(row["origin"], row["category"]) else None,
            )
            for row in rows
        }
        return self._find_repeats(company, uses, now)

    def _find_repeat(self, sender, person, to, origin, content, facts=None):
        """`Repeat` of a message that is being created, or None.

        What a user sends by hand repeats a queued message too: both would leave. For the others the
        reservation decides, since the earlier one may never leave. So it does where values count,
        because they are not known yet.
        """
        company, category = sender.company_id, content["category"]
        if content.get("may_repeat") or not repeats.is_guarded(origin, content["kind"]):
            return None
        if company.waba_same_template_hours <= 0 or repeats.compares_values(origin, category):
            return None
        template = self.env["waba.template"].sudo().browse(content["template_id"])
        facts = facts or DirectFacts(self, sender, origin, content, [(to, person)])
        found = facts.repeat(template, to, person)
        if found or origin != "manual" or not person:
            return found
        queued = self.sudo().search(
            [
                ("recipient_id", "in", person._same_person().ids),
                ("company_id", "=", company.id),
                ("template_id.name", "=", template.name),
                ("state", "=", "queued"),
                ("origin", "!=", "test"),
            ],
            order="id desc",
            limit=1,
        )
        return Repeat(fields.Datetime.now(), queued.id, is_queued=True) if queued else None

    @api.model
    def _repeats_free_at(self, company, repeat):
        """From when the template of a `Repeat` may be sent again; None: at any time."""
        return repeat and repeats.next_send_time(repeat.left_at, company.waba_same_template_hours)

    @api.model
    def _repeat_detail(self, repeat, company):
        """Text with the earlier message and when the template may be sent again."""
        zone = company._waba_time_zone()
        message = self.sudo().browse(repeat.message_id)
        origin = selection_label(self.env, "origin", message.origin or "campaign", self._name)
        if repeat.is_queued:
            return self.env._("already queued (%s)", origin)

        def when(moment):
            return format_moment(self.env, moment, tz=zone)

        return self.env._(
            "%(date)s (%(origin)s). Next possible on %(next)s",
            date=when(repeat.left_at),
            origin=origin,
            next=when(self._repeats_free_at(company, repeat)),
        )

    @api.model
    def _recheck_rules(self, companies, reasons=("hours", "frequency")):
        """Apply the companies' changed rules to the messages that wait because of the old ones.

        :param reasons: keys of WAIT_REASONS
        """
        self.flush_model()
        self.env["waba.recipient"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE waba_message m
                      SET wait_reason = NULL,
                          retry_at = GREATEST(%(now)s, m.not_before_at,
                                              CASE WHEN m.category = 'marketing'
                                              THEN r.marketing_held_until END)
                     FROM waba_recipient r
                    WHERE r.id = m.recipient_id AND m.state = 'queued'
                      AND m.wait_reason = ANY(%(reasons)s) AND m.company_id = ANY(%(companies)s)
                RETURNING m.sender_id""",
                now=fields.Datetime.now(),
                reasons=list(reasons),
                companies=companies.ids,
            )
        )
        self.invalidate_model()
        self.env["waba.sender"].browse({sender_id for (sender_id,) in rows})._trigger_dispatch()


def _values_sql(alias):
    """SQL of a message's values as text; the token of a tracked link differs in each message."""
    message = SQL.identifier(alias)
    return SQL(
        """replace(COALESCE(%(message)s.parameters, '{}')::text,
                   COALESCE(%(message)s.link_token, ''), '')""",
        message=message,
    )


class ResCompany(models.Model):
    _inherit = "res.company"

    def _waba_test_refusals(self, people):
        """Sentences why no test can be sent to some of these people; [] if all can receive it.

        Only numbers that an administrator listed receive tests. A phone in a user's own contact is
        no proof: users can enter any number there, a customer's too. Listed numbers that are a
        customer's or have opted out receive none either.

        :param people: [(name, number or '', the user's res.users, perhaps empty)]
        """
        self.ensure_one()
        company = self.sudo()
        listed = set(map(numbers.canonical_number, company._waba_test_number_list()))
        found = {number for _name, number, _user in people if number}
        customers = company._waba_filter_customer_numbers(found)
        opted_out = company._waba_filter_opted_out_numbers(found)
        ours = self.env["waba.sender"]._filter_own_numbers(found)
        problems = []
        for name, number, user in people:
            if not number:
                problems.append(self.env._("%s has no valid phone number on their contact.", name))
                continue
            problem = False
            if number in ours:
                problem = self.env._(
                    "%s is one of your own WhatsApp numbers. Use another phone.", number
                )
            elif number not in listed and not self._waba_is_administrator_number(user):
                problem = self.env._(
                    "%s is not a test number. An administrator can add it under Configuration → "
                    "Settings → Test numbers.",
                    number,
                )
            elif number in customers:
                problem = self.env._(
                    "%s is also the number of a lead or contact. Use another number, or set the "
                    "colleague as the lead's contact.",
                    number,
                )
            elif number in opted_out:
                problem = self.env._("%s opted out or is on the phone blacklist.", number)
            if problem:
                # A typed number has no other name.
                problems.append(problem if name == number else f"{name}: {problem}")
        return problems

    def _waba_is_administrator_number(self, user):
        """Administrators edit the list, so their own number need not be on it."""
        return bool(user) and user == self.env.user and user._is_system()

    def _waba_filter_customer_numbers(self, found):
        """Those of the numbers that belong to a lead or contact who is no user or company of ours.

        In all companies and without access rights.
        """
        domain = Domain("phone_sanitized", "in", list(found))
        archived_too = {"active_test": False}
        own = self.env["res.users"].sudo().with_context(**archived_too).search(
            [("share", "=", False), ("partner_id.phone_sanitized", "in", list(found))]
        ).partner_id  # fmt: skip
        # Companies are few.
        own |= self.env["res.company"].sudo().search([]).partner_id  # pylint: disable=no-search-all
        contacts = self.env["res.partner"].sudo().with_context(**archived_too).search(domain)
        leads = self.env["crm.lead"].sudo().with_context(**archived_too).search(domain)
        customers = [
            *contacts.filtered(
                lambda one: not (one | one.commercial_partner_id) & own
            ),
            *leads.filtered(
                lambda lead: not (lead.partner_id | lead.partner_id.commercial_partner_id) & own
            ),
        ]  # fmt: skip
        return {numbers.canonical_number(one.phone_sanitized) for one in customers}

    def _waba_filter_opted_out_numbers(self, found):
        """Those of the numbers that opted out of any topic or are on the phone blacklist."""
        people = self.env["waba.recipient"].sudo().search(
            recipients_with_numbers(found)
            & (Domain("marketing_state", "=", "opted_out")
               | Domain("utility_state", "=", "opted_out"))
        )  # fmt: skip
        blacklisted = self.env["waba.recipient"]._filter_blacklisted(found)
        return set(people._number_forms()) | blacklisted
