from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..policy import eligibility, frequency, hours
from ..policy import media as media_policy
from .consent_sql import PURPOSES
from .languages import with_language
from .phone_countries import number_country
from .waba_failure import failure_text
from .waba_message import UUID_SQL
from .waba_sender_reserve import message_purpose
from .waba_variable_mixin import VariableSet, find_link_token, new_link_token

# A colleague asks for these in person; the others are asked for by jobs and rules.
MANUAL_ORIGINS = ("manual", "test")


class WabaMessage(models.Model):
    """Messages outside campaigns: follow-ups, automation, a colleague's own, replies, tests.

    `_queue_direct` is their one entry point. It decides what can be decided now and leaves a row with its
    reason when nothing may be sent; the row then takes the same places, pace and checks as those of
    campaigns, in the queue of its number (waba_sender_reserve.py). It never talks to Meta.
    """

    _inherit = "waba.message"

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
