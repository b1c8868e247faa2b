from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ...policy import eligibility, frequency, hours, numbers, record_change
from ...policy import media as media_policy
from ...policy.numbers import forms_by_number
from ..base.waba_failure import failure_text
from ..base.waba_message import UUID_SQL
from ..base.waba_variable_mixin import VariableSet, find_link_token, new_link_token
from ..consent.consent_sql import PURPOSES
from ..consent.waba_recipient import recipients_with_numbers
from ..tools.hooks import hook
from ..tools.labels import with_language
from ..tools.phone_countries import number_country
from .waba_sender_reserve import message_purpose

# A colleague asks for these in person; the others are asked for by jobs and rules.
MANUAL_ORIGINS = ("manual", "test")

# System parameters, with what holds where they are not set: tests that leave in one day (UTC).
TESTS_PER_USER_AND_DAY = ("waba_campaign.tests_a_day_per_user", 10)

TESTS_PER_COMPANY_AND_DAY = ("waba_campaign.tests_a_day_per_company", 50)


class WabaMessage(models.Model):
    """Messages outside campaigns: follow-ups, automation, a colleague's own, replies, tests.

    `_queue_direct` is their one entry point. It decides what can be decided now and leaves a row with its
    reason when nothing may be sent; the row then takes the same places, pace and checks as those of
    campaigns, in the queue of its number (waba_sender_reserve.py). It never talks to Meta.
    """

    _inherit = "waba.message"

    # Record check
    record_traits = fields.Char(
        readonly=True,
        help="What the record was when the message was made: open, won, lost, archived… Empty for "
        "messages to a person without a record.",
    )

    # Rules asked again when a row is reserved
    time_zone = fields.Char(
        "Person's time zone",
        readonly=True,
        help="Several when the number does not tell which: then what suits all of them.",
    )
    not_before_at = fields.Datetime(
        "Planned for", readonly=True, help="Whoever asked for it wanted it no sooner."
    )
    promoted_at = fields.Datetime(
        "Counted as a promotion at",
        readonly=True,
        help="The latest moment at which it may have left.",
    )

    _promoted_idx = models.Index(
        "(company_id, (COALESCE(number, recipient_id::text)), promoted_at)"
        " WHERE promoted_at IS NOT NULL"
    )
    # Whom a number alone wrote to in the last 24 hours.
    _own_slot_idx = models.Index("(sender_id, slot_at, recipient_id) WHERE slot_at IS NOT NULL")

    @api.model
    def _queue_direct(
        self,
        sender,
        record,
        *,
        origin,
        template=None,
        variables=None,
        text=None,
        media=None,
        user=None,
        reader=None,
        not_before=None,
        origin_key=None,
        values=None,
    ):
        """One message to one person, in the queue of `sender` or left out with its reason.

        :param record: res.partner or crm.lead; a waba.recipient for someone without a record.
            Read with the rights of its environment; the fields that `variables` name with those of
            `reader`, never with all rights
        :param origin: a key of ORIGINS
        :param template: waba.template; without one `text` or `media` is sent freely, which only an
            open service window allows
        :param variables: waba.variable.mixin records that fill the template, its own by default
        :param media: {"attachment": ir.attachment} of the file to send
        :param user: res.users for whom it is sent; the current user, else the record's salesperson
        :param reader: res.users with whose rights fields are read for the text: whoever stands for
            what a job sends; empty when there is nobody left, and they show nothing. Whoever asks
            by default
        :param not_before: naive UTC datetime
        :param origin_key: names the occasion; a second call with the same one returns the row of
            the first and queues nothing, whoever makes it, when and in whatever transaction
        :param values: further field values
        :return: the row, `queued` or `skipped`
        """
        if origin_key and (known := self._find_by_origin_key(origin_key)):
            return known
        sender = sender.sudo()
        user = user or self._message_user(record, origin)
        record = with_language(user or sender.company_id, record)
        to, person = self._address_values(record, sender.portfolio_id)
        to["record_traits"] = self._message_record_traits(record, sender.company_id)
        content = self._direct_content(template, text, media)
        plan = self._departure_values(sender, record, person, to, origin, content, not_before)
        reason, sentence = plan.pop("failure_type"), plan.pop("failure_reason")
        if template and reason in (False, "frequency"):
            content["parameters"], unfit, words = self._fill_template(
                record, template, variables or template.sudo().variable_ids, sender, reader
            )
            reason, sentence = (unfit, words) if unfit else (reason, sentence)
            content["link_token"] = find_link_token(content["parameters"])
        row = self.sudo()._insert_direct(sender, origin, origin_key)
        if not row:
            return self._find_by_origin_key(origin_key)
        row.write(
            {
                **content,
                **to,
                **plan,
                "company_id": sender.company_id.id,
                "user_id": user.id,
                "recipient_id": person.id,
                "not_before_at": not_before,
                "state": "skipped" if reason else "queued",
                "failure_type": reason,
                "failure_reason": sentence,
                **(values or {}),
            }
        )
        row = row.with_env(self.env)
        if not reason:
            sender._trigger_dispatch()
            row._on_queued(media)
        return row

    def _direct_content(self, template, text, media):
        if template:
            return self._template_values(template)
        of_media = self._media_values(media) if media else {"kind": "text"}
        return {"category": "service", "text": text, **of_media}

    def _departure_values(self, sender, record, person, to, origin, content, not_before):
        """Field values that tell when a message may leave and why not before, or why never."""
        now, company = fields.Datetime.now(), sender.company_id
        time_zone = person._recipient_time_zone(to["number"], record, company)
        promoted_at = self._recent_promotion_times(sender, person, to, origin, content)
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
        reason, sentence = self._exclusion_reason(sender, person, to, content, retry_at, free_at)
        if reason == "may_opt_out" and origin not in MANUAL_ORIGINS:
            # Nobody is there to be told: it waits for the answer.
            reason = sentence = False
            retry_at, wait_reason = False, "may_opt_out"
        if reason == "frequency":
            retry_at = free_at
            detail = self._frequency_detail(promoted_at, company)
            sentence = failure_text(self.env, reason, text=detail)
        return {
            "time_zone": time_zone,
            "retry_at": retry_at,
            "wait_reason": False if reason else wait_reason,
            "failure_type": reason,
            "failure_reason": sentence,
        }

    def _find_by_origin_key(self, origin_key):
        return self.browse(self.sudo().search([("origin_key", "=", origin_key)]).ids)

    def _insert_direct(self, sender, origin, origin_key):
        """The bare row; empty when this transaction has one of that key.

        Of two transactions with one key the second waits for the first; when that commits, the
        second fails as one to be repeated (a snapshot does not show the other's row), as every
        request and job of ours is.
        """
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO waba_message
                          (uuid, direction, origin, origin_key, kind, state, attempt_count,
                           failed_attempt, failure_streak, account_id, sender_id,
                           create_uid, write_uid, create_date, write_date)
                   VALUES (%(uuid)s, 'out', %(origin)s, %(key)s, 'template', 'queued', 0, 0, 0,
                           %(account)s, %(sender)s, %(uid)s, %(uid)s, %(now)s, %(now)s)
                   ON CONFLICT (origin_key) WHERE origin_key IS NOT NULL DO NOTHING
                   RETURNING id""",
                uuid=UUID_SQL,
                origin=origin,
                key=origin_key or None,
                account=sender.account_id.id,
                sender=sender.id,
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        return self.browse([row_id for (row_id,) in rows])

    # ------------------------------------------------------------------
    # To whom
    # ------------------------------------------------------------------
    def _message_user(self, record, origin):
        if origin in MANUAL_ORIGINS:
            return self.env.user
        return record.user_id if "user_id" in record._fields else self.env["res.users"]

    def _address_values(self, record, portfolio):
        """(field values that tell to whom, the waba.recipient, perhaps empty)."""
        if record._name == "waba.recipient":
            person = record.sudo()
            if person.portfolio_id != portfolio:
                person = self._recipient_behind(person.number, portfolio)
            return {"number": record.sudo().number, "person_name": record.sudo().name}, person
        people = self.env["waba.recipient"].sudo()
        number = people._number_of(record)
        to = {
            "number": number or people._raw_number(record) or False,
            "person_name": record._waba_person_facts()["name"] or record.display_name,
            "res_model": record._name,
            "res_id": record.id,
        }
        return to, self._recipient_behind(number, portfolio)

    def _recipient_behind(self, number, portfolio):
        """The waba.recipient of an E.164 number, known from now on; empty of none and of one of
        ours, which is nobody's."""
        people = self.env["waba.recipient"].sudo()
        if not number or self.env["waba.sender"]._filter_own_numbers([number]):
            return people
        return people._find_or_create_by_number(portfolio, [number])[number]

    def _marketing_hold_end(self, person, content):
        """WhatsApp holds promotions to this person back until then, or None."""
        return person.marketing_held_until if content["category"] == "marketing" else None

    def _recent_promotion_times(self, sender, person, to, origin, content):
        """When the promotions left that count against this message's going; [] when none do."""
        if not frequency.is_counted(origin, content["category"]):
            return []
        key = to["number"] or str(person.id)
        recent = self.sudo()._recent_promotions(sender.company_id, {key}, fields.Datetime.now())
        return recent.get(key, [])

    def _exclusion_reason(self, sender, person, to, content, moment, promotions_free_at):
        """(reason key, sentence) why this message may not go to this person, or (False, False).

        :param moment: when it leaves at the earliest
        """
        number = to["number"] or ""
        is_ours = bool(self.env["waba.sender"]._filter_own_numbers([number]))
        window = (
            self.env["waba.conversation"]
            .sudo()
            .search_fetch(
                [("sender_id", "=", sender.id), ("recipient_id", "=", person.id)],
                ["window_expires_at"],
            )
        )
        states = person._consent_states(sender.company_id)
        verdict = eligibility.check_eligibility(
            eligibility.Person(
                # Only what was formatted may look like a number: "+346125550" is none.
                number=number if person or is_ours else number.lstrip("+"),
                user_uid=person.user_uid or "",
                is_ours=is_ours,
                **{
                    f"{purpose}_state": states.get(
                        (sender.company_id.id, person.id, purpose), "unknown"
                    )
                    for purpose in PURPOSES
                },
                renumbered=self._is_renumbered(sender, to, content),
                blacklisted=number in self.env["waba.recipient"]._filter_blacklisted([number]),
                unreachable_until=person.unreachable_until,
                blocked=person.is_blocked,
                country_code=number_country(number),
                window_expires_at=window.window_expires_at,
                promotions_free_at=promotions_free_at,
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
        detail = number if verdict.reason_key == "invalid_number" else None
        return verdict.reason_key, failure_text(self.env, verdict.reason_key, text=detail)

    def _is_renumbered(self, sender, to, content):
        """Whether the number took the place of one that had opted out of this (waba_renumbered)."""
        purpose = "marketing" if content["category"] == "marketing" else "utility"
        key = (sender.company_id.id, to.get("res_id"), purpose)
        held = self.env["waba.renumbered"]._held_records(
            to.get("res_model"), [to["res_id"]] if to.get("res_id") else [], sender.company_id
        )
        return key in held

    # ------------------------------------------------------------------
    # With which words
    # ------------------------------------------------------------------
    def _template_values(self, template):
        return {
            "kind": "template",
            "template_id": template.id,
            "category": template.sudo().category,
        }

    @api.model
    def _media_values(self, media):
        """Field values of a message with a file, which is uploaded before it may leave.

        :raise UserError: WhatsApp takes no such file
        """
        attachment = media["attachment"].sudo()
        if why := self._file_refusal_reason(
            attachment.name, attachment.mimetype, attachment.file_size
        ):
            raise UserError(why)
        return {"kind": media_policy.message_kind(attachment.mimetype), "is_uploading": True}

    @api.model
    def _file_refusal_reason(self, name, mimetype, size):
        """Sentence that says why a file cannot be sent, or False."""
        reason = media_policy.file_refusal(mimetype, size)
        if not reason:
            return False
        if reason == "empty":
            return self.env._("%s is empty.", name)
        if reason == "type":
            return self.env._(
                "%(name)s cannot be sent on WhatsApp: it takes JPEG and PNG pictures, MP4 videos, "
                "sound, PDF, text and Office documents.",
                name=name,
            )
        limit = media_policy.MAX_BYTES[media_policy.message_kind(mimetype)]
        return self.env._(
            "%(name)s has %(size)s MB; WhatsApp takes at most %(limit)s MB of this kind.",
            name=name,
            size=f"{size / media_policy.MIB:.1f}",
            limit=limit // media_policy.MIB,
        )

    def _fill_template(self, record, template, lines, sender, reader=None):
        """(parameters, reason key or False, sentence or False) of a template for one record.

        :param reader: as `_queue_direct`'s
        """
        template, lines = template.sudo(), lines.sudo()
        if why_not := self._unusable_template_reason(template, sender):
            return {}, "template_missing", why_not
        facts = (
            self._recipient_facts(record)
            if record._name == "waba.recipient"
            else record._waba_person_facts()
        )
        facts["link_token"] = new_link_token()
        words, read = VariableSet(template, lines, record.env), record
        if reader is not None:
            read = self.env["waba.field.path"]._with_reader(record, reader, sender.company_id)
        mixin = self.env["waba.variable.mixin"]
        parameters, reason, detail = mixin._fill_parameters(read, facts, words)
        if not reason:
            return parameters, False, False
        return parameters, reason, failure_text(self.env, reason, text=detail)

    def _unusable_template_reason(self, template, sender):
        """Why this template can never be sent from this number, or False.

        What Meta paused and what is held waits in the queue instead, as campaigns do.
        """
        if template.account_id != sender.account_id:
            return self.env._(
                "The template %(template)s belongs to another WhatsApp account than the number "
                "%(number)s. Choose a number of the template's account.",
                template=template.display_name,
                number=sender.display_name,
            )
        return False if template.hold_key else template._not_sendable_reason()

    def _recipient_facts(self, person):
        """As `_waba_person_facts`, of someone known by number alone."""
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

    # === Record check ===
    # The lead or contact that a message was made for, looked at again before it leaves.

    @api.model
    def _read_record_traits(self, model, ids, company):
        """{id: value of `record_traits`} for the records of one model.

        A record without any trait has a blank: it is one nevertheless.
        """
        found = self.env[model]._waba_current_records(ids, company)
        return {id_: " ".join(sorted(record.traits)) or " " for id_, record in found.items()}

    @api.model
    def _message_record_traits(self, record, company):
        """Value of `record_traits` of a message to this record; False for a waba.recipient."""
        if record._name == "waba.recipient":
            return False
        return self._read_record_traits(record._name, record.ids, company).get(record.id, False)

    @api.model
    def _current_records(self, rows, company):
        """{(model, id): policy.record_change.Record} behind these candidates: a query per model."""
        ids = {}
        for row in rows:
            if row["record_traits"] and row["res_model"] in self.env:
                ids.setdefault(row["res_model"], set()).add(row["res_id"])
        return {
            (model, id_): record
            for model, of_model in ids.items()
            for id_, record in self.env[model]
            ._waba_parse_numbers(self.env[model]._waba_current_records(of_model, company))
            .items()
        }

    # === Test ===
    @api.model
    def _queue_test(self, sender, person, template, lines):
        """One test message. The caller has asked `_waba_test_refusals`.

        Its `origin_key` is one of the day's places of the company: of two that take the same place
        at once the second is repeated with the next, so that no number of windows gives more.

        :raise UserError: when today's places are taken
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
        per_user, per_company = (
            self._check_test_limits(TESTS_PER_USER_AND_DAY),
            self._check_test_limits(TESTS_PER_COMPANY_AND_DAY),
        )
        day = fields.Datetime.now().date()
        keys = [f"test/{company.id}/{day}/{place}" for place in range(per_company)]
        taken = self.sudo().search([("origin_key", "in", keys)])
        if len(taken.filtered(lambda row: row.user_id == self.env.user)) >= per_user:
            raise UserError(
                self.env._(
                    "You have sent %s test messages today, as many as one person may. Send more "
                    "tomorrow, or look at the preview instead.",
                    per_user,
                )
            )
        free = [key for key in keys if key not in set(taken.mapped("origin_key"))]
        if not free:
            raise UserError(
                self.env._(
                    "Your company has sent %s test messages today, as many as it may. Send more "
                    "tomorrow, or look at the preview instead.",
                    per_company,
                )
            )
        return free[0]

    @api.model
    def _check_test_limits(self, parameter):
        key, default = parameter
        written = self.env["ir.config_parameter"].sudo().get_param(key, "")
        return int(written) if written.isascii() and written.isdigit() else default

    # === Rules asked again when a row is reserved ===
    # The company's own rules for when a message may leave: quiet hours, and how many promotions
    # one person gets (docs/sending-rules.md).
    #
    # They are asked when a row is made, and again by the reservation for the time in which it would
    # leave. A row that may not leave waits: `retry_at` tells until when, `wait_reason` why.

    @api.model
    @hook
    def _on_candidates(self, rows, now):
        """In the transaction that reserves, when these rows are about to be chosen from.

        :param rows: dicts by the columns of `_find_candidates`
        :return: ids of those that may not leave now: they are no longer queued, or postponed
        """

    @api.model
    def _recent_promotions(self, company, people, now):
        """{person: when their promotions of the rule's days left, latest first}.

        :param people: E.164 numbers, or the waba.recipient's id as text of who shows none: the
            company may know one person by several portfolios
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
        """Which rule leaves a person out, when their last promotions went, when the next may go."""
        cap = company._waba_frequency_cap()
        zone = company._waba_time_zone()

        def when(moment):
            return format_datetime(self.env, moment, tz=zone, dt_format="d MMM, HH:mm")

        return self.env._(
            "your rule is at most %(count)s in %(days)s days, and the last ones went on %(dates)s. "
            "The next may go on %(next)s",
            count=cap.count,
            days=cap.days,
            dates="; ".join(map(when, sorted(promoted_at)[-cap.count :])),
            next=when(frequency.next_promotion_time(promoted_at, cap)),
        )

    @api.model
    def _recheck_rules(self, companies):
        """The rules have changed: what waits because of them is looked at by the new ones."""
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
                reasons=["hours", "frequency"],
                companies=companies.ids,
            )
        )
        self.invalidate_model()
        self.env["waba.sender"].browse({sender_id for (sender_id,) in rows})._trigger_dispatch()


class WabaPersonMixin(models.AbstractModel):
    _inherit = "waba.person.mixin"

    @api.model
    def _waba_traits_sql(self, company_id):
        """SQL text: the traits of the record `r` as `policy.record_change` names them, by blanks.

        Asked in the transaction that reserves, for a whole batch at once: only what the record's
        table and its contact's tell. Override it with more traits of your model.
        """
        return SQL(
            "concat_ws(' ', %s, %s)",
            self._waba_company_trait_sql(company_id),
            SQL("CASE WHEN r.active IS FALSE THEN 'archived' END")
            if self._waba_has_column("active")
            else SQL("NULL"),
        )

    @api.model
    def _waba_company_trait_sql(self, company_id):
        if not self._waba_has_column("company_id"):
            return SQL("NULL")
        return SQL("CASE WHEN r.company_id <> %s THEN 'elsewhere' END", company_id)

    @api.model
    def _waba_has_column(self, name):
        field = self._fields.get(name)
        return bool(field and field.store)

    @api.model
    def _waba_current_records(self, ids, company):
        """{id: policy.record_change.Record} of those of `ids` that exist, archived ones too.

        By SQL, anyone who may read them: nothing of it is shown to anybody. The number is Odoo's.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT r.id, r.phone_sanitized, %s FROM %s r WHERE r.id = ANY(%s)",
                self._waba_traits_sql(company.id),
                SQL.identifier(self._table),
                list(ids),
            )
        )
        return {
            id_: record_change.RecordState(number or "", frozenset(traits.split()))
            for id_, number, traits in rows
        }

    @api.model
    def _waba_parse_numbers(self, found):
        """`found` with the numbers that Odoo did not keep and that can be read by now, as
        `waba.recipient._number_of` does when the message is made.

        :param found: what `_waba_current_records` gives
        """
        without = self.sudo().browse(id_ for id_, record in found.items() if not record.number)
        number_of = self.env["waba.recipient"]._number_of
        return found | {one.id: found[one.id]._replace(number=number_of(one)) for one in without}


class CrmLead(models.Model):
    _inherit = "crm.lead"

    @api.model
    def _waba_traits_sql(self, company_id):
        return SQL(
            """concat_ws(' ', %s,
                   CASE WHEN r.won_status = 'lost' THEN 'lost'
                        WHEN r.active IS FALSE THEN 'archived'
                        WHEN r.won_status = 'won' THEN NULL ELSE 'open' END,
                   CASE WHEN r.won_status = 'won' THEN 'won' END,
                   CASE WHEN EXISTS (SELECT 1 FROM res_partner p
                                      WHERE p.id = r.partner_id AND NOT p.active)
                        THEN 'contact_archived' END)""",
            self._waba_company_trait_sql(company_id),
        )


class ResCompany(models.Model):
    """Whom test messages may go to.

    Only to numbers that an administrator listed. A phone in a colleague's own contact is no proof:
    everybody may write any number there, a customer's too. Nor to a listed number that turns out to
    be a customer's, or whose owner wants no messages.
    """

    _inherit = "res.company"

    def _waba_test_refusals(self, people):
        """[sentence] for each of these whom no test may go to.

        :param people: [(name, number or '', the colleague's res.users, perhaps empty)]
        """
        self.ensure_one()
        company = self.sudo()
        listed = set(map(numbers.canonical_number, company._waba_test_number_list()))
        found = {number for _name, number, _user in people if number}
        customers = company._waba_filter_customer_numbers(found)
        unwilling = company._waba_filter_opted_out_numbers(found)
        ours = self.env["waba.sender"]._filter_own_numbers(found)
        problems = []
        for name, number, user in people:
            who = {"name": name, "number": number}
            if not number:
                problems.append(
                    self.env._("%s has no valid phone number in the own contact.", name)
                )
            elif number in ours:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is one of your own WhatsApp numbers. Choose a phone "
                        "that somebody reads.",
                        **who,
                    )
                )
            elif number not in listed and not self._waba_is_administrator_number(user):
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is not on the list of test numbers. Ask an "
                        "administrator to add it under WhatsApp → Configuration → Settings → "
                        "Tests.",
                        **who,
                    )
                )
            elif number in customers:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s is also the number of a lead or contact. Tests go to "
                        "colleagues only; choose another number, or set the colleague as the "
                        "lead's contact.",
                        **who,
                    )
                )
            elif number in unwilling:
                problems.append(
                    self.env._(
                        "%(name)s: %(number)s opted out or is on the phone blacklist, so it gets "
                        "no tests either.",
                        **who,
                    )
                )
        return problems

    def _waba_is_administrator_number(self, user):
        """Whoever may write the list need not write themselves into it."""
        return bool(user) and user == self.env.user and user._is_system()

    def _waba_filter_customer_numbers(self, found):
        """Those of the numbers that a lead or contact has who is not of the house, whoever may
        see it, in whatever company."""
        having = Domain("phone_sanitized", "in", list(found))
        everybody = {"active_test": False}
        house = self.env["res.users"].sudo().with_context(**everybody).search(
            [("share", "=", False), ("partner_id.phone_sanitized", "in", list(found))]
        ).partner_id  # fmt: skip
        # Companies are few.
        house |= self.env["res.company"].sudo().search([]).partner_id  # pylint: disable=no-search-all
        contacts = self.env["res.partner"].sudo().with_context(**everybody).search(having)
        leads = self.env["crm.lead"].sudo().with_context(**everybody).search(having)
        strangers = [
            *contacts.filtered(
                lambda one: not (one | one.commercial_partner_id) & house
            ),
            *leads.filtered(
                lambda lead: not (lead.partner_id | lead.partner_id.commercial_partner_id) & house
            ),
        ]  # fmt: skip
        return {numbers.canonical_number(one.phone_sanitized) for one in strangers}

    def _waba_filter_opted_out_numbers(self, found):
        people = self.env["waba.recipient"].sudo().search(
            recipients_with_numbers(found)
            & (Domain("marketing_state", "=", "opted_out")
               | Domain("utility_state", "=", "opted_out"))
        )  # fmt: skip
        blacklisted = self.env["waba.recipient"]._filter_blacklisted(found)
        return set(people._number_forms()) | blacklisted
