"""Rows: one message per record, filled or excluded; also preview, test and launcher's rights.

Called by `_prepare_chunk`, by the dry run of the pre-flight, and by the form.
"""

import json

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL

from ...cloud_api import is_optional
from ...policy import eligibility, hours, warmth
from ..base.waba_failure import DATED_REASONS, TEMPORARY_EXCLUSIONS, exclusion_text
from ..base.waba_message import UUID_SQL
from ..base.waba_variable_mixin import COPIED_FIELDS, VariableSet, new_link_token
from ..dispatch.waba_message_queue import TemplateUse
from ..tools.labels import language_name, selection_labels
from .waba_campaign import LAUNCH_RESET_VALUES
from .waba_campaign_audience import UNKNOWN_RECIPIENT
from .waba_campaign_language import LanguageChoice

# Columns of a new row that differ between recipients, with their types (`_insert_rows`).
ROW_COLUMNS = {
    "recipient_id": "integer",
    "number": "varchar",
    "person_name": "varchar",
    "res_id": "integer",
    "record_traits": "varchar",
    "parameters": "jsonb",
    "link_token": "varchar",
    "retry_at": "timestamp",
    "wait_reason": "varchar",
    "time_zone": "varchar",
    "state": "varchar",
    "failure_type": "varchar",
    "failure_reason": "text",
    "variant": "varchar",
    "is_ab_test": "boolean",
    "variant_parameters": "jsonb",
    "template_id": "integer",
    "category": "varchar",
}

# Values of an unsaved form that the preview accepts; no others reach the record made of them.
FORM_FIELDS = (
    "template_id", "company_id", "res_model", "audience_domain", "audience_excluded_ids",
)  # fmt: skip


class Preparation:
    """Data shared by all records of a chunk, read once.

    A person's key is their E.164 number; without one, the recipient's id as text.

    :ivar ours: E.164 numbers that we send from
    :ivar people: {key: KnownRecipient} of the others
    :ivar renumbered: ids of records whose number changed after an opt-out, not yet reviewed
    :ivar blacklisted: E.164 numbers on Odoo's phone blacklist
    :ivar seen: ids of recipients with a row in the campaign; extended as rows are made
    :ivar words: {key: VariableSet} of the messages in use
    :ivar templates: {key: (id, category) of the template}, of the same
    :ivar languages: LanguageChoice, or None if everyone gets the same language
    :ivar warmth: {recipient id: policy.warmth.Warmth} if the warmest are sent to first
    """

    def __init__(self, campaign, records, keys, dry_run=None):
        self.env = campaign.env
        numbers = {key for key in keys if key[0] == "+"}
        self.now = dry_run.at if dry_run else fields.Datetime.now()
        self.purpose = "marketing" if campaign.category == "marketing" else "utility"
        self.blocked_countries = campaign.sender_id.account_id._blocked_countries()
        self.company = campaign.company_id.sudo()
        self.quiet = self.company._waba_quiet_period()
        self.us_marketing_blocked = self.company.waba_us_marketing_left_out
        self.category = campaign.category
        self.opt_in_required = self.company.waba_opt_in_required
        self.cap = self.company._waba_frequency_cap()
        self.promotions = (
            self.env["waba.message"]._recent_promotions(self.company, keys, self.now)
            if self.purpose == "marketing"
            else {}
        )
        self.ours = self.env["waba.sender"]._filter_own_numbers(numbers)
        self.people = (dry_run or campaign)._recipients_by_number(numbers - self.ours)
        self.people |= campaign._read_linked_recipients(keys - numbers)
        held = self.env["waba.renumbered"]._held_records(
            records._name, records.ids, self.company, campaign.topic_id.id
        )
        self.renumbered = {id_ for _company, id_, purpose in held if purpose == self.purpose}
        self.blacklisted = self.env["waba.recipient"]._filter_blacklisted(numbers)
        self.seen = (dry_run or campaign)._recipient_ids_with_row(
            [known.id for known in self.people.values()]
        )
        messages = campaign._variant_messages()
        self.words = {
            key: VariableSet(template, lines, records.env, is_found=True)
            for key, (template, lines) in messages.items()
        }
        self.templates = {
            key: (template.id, template.category or None)
            for key, (template, _lines) in messages.items()
        }
        self.languages = LanguageChoice(campaign) if campaign.by_language else None
        self.traits = (
            {}
            if dry_run
            else self.env["waba.message"]._read_record_traits(
                records._name, records.ids, self.company
            )
        )
        opted_out = self.env["waba.recipient"].browse(
            known.id
            for known in self.people.values()
            if "opted_out" in (known.marketing_state, known.utility_state, known.topic_state)
        )
        self.opt_outs = {
            reason: opted_out._opt_out_details(reason, self.company, campaign.topic_id)
            for reason in DATED_REASONS
        }
        self.repeats = self._find_repeats(campaign, keys)
        self.warmth = (
            self.env["waba.recipient"]._read_warmth(
                [known.id for known in self.people.values()], self.company, self.now
            )
            if campaign._sends_warmest_first() and not dry_run
            else {}
        )
        # A tracked address is created when it is first needed, so not by a dry run.
        self.has_links = not dry_run and any(
            variable.is_link for words in self.words.values() for variable in words.variables
        )
        self.has_preferences = not dry_run and any(
            variable.is_preferences for words in self.words.values() for variable in words.variables
        )
        self._sentences, self._times = {}, {}

    def words_for(self, record, facts, address):
        """As `words`, for one recipient: the variants, or the message in their language."""
        if not self.languages:
            return self.words
        key = self.languages.key(address, record, facts)
        return {key: self.words[key]}

    def due_text(self, recipient_id, retry_at):
        """When a row is due: the warmer its recipient, the earlier within that second; or None."""
        if found := retry_at and self.warmth.get(recipient_id):
            retry_at -= warmth.queue_lead(found.score)
        return retry_at and str(retry_at)

    def sentence(self, reason, detail):
        """As `exclusion_text`, composed once per reason: its labels are translated every time."""
        if (reason, detail) not in self._sentences:
            self._sentences[reason, detail] = exclusion_text(self.env, reason, text=detail)
        return self._sentences[reason, detail]

    def temporary_detail(self, reason, person):
        """Details of the messages because of which a recipient is excluded for a time."""
        messages = self.env["waba.message"]
        if reason == "repeated":
            return messages._repeat_detail(self.repeats[person], self.company)
        return messages._frequency_detail(self.promotions[person], self.company)

    def _find_repeats(self, campaign, keys):
        """{key: Repeat} of those who got a template of the campaign lately, A's or B's."""
        messages = self.env["waba.message"]
        names = {template.name for template, _lines in campaign._variant_messages().values()}
        uses = {
            (key, name): TemplateUse(
                messages._person_keys(self.people.get(key, UNKNOWN_RECIPIENT).id, key), name
            )
            for key in keys
            for name in names
            if name
        }
        found = {}
        for (key, _name), repeat in messages._find_repeats(self.company, uses, self.now).items():
            found[key] = max(repeat, found.get(key, repeat))
        return found

    def opt_out_details(self, recipient_id):
        """{reason: when and how the recipient opted out}."""
        return {
            reason: details[recipient_id]
            for reason, details in self.opt_outs.items()
            if recipient_id in details
        }

    def earliest_departure(self, time_zone, held_until):
        """(earliest send time, wait reason or None), each calculated once."""
        key = time_zone, held_until
        if key not in self._times:
            self._times[key] = hours.earliest_departure(
                self.now, "campaign", self.category, time_zone, self.quiet, held_until
            )
        return self._times[key]


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    launched_mark = fields.Char(
        readonly=True, copy=False, help="Fingerprint of the content that was launched."
    )

    warmest_first = fields.Boolean(
        "Warmest first",
        help="Recipients who wrote, clicked or read most recently get their message first.",
    )

    def _sends_warmest_first(self):
        """An A/B test compares random halves of its audience, so it keeps the audience's order."""
        return self.warmest_first and not self.ab_test

    def action_send_test(self):
        """Open the test dialog, filled as for the previewed record, or for the first one."""
        self.ensure_one()
        self.check_access("write")
        self._check_test_ready()
        shown = self.env.context.get("waba_preview_record_id")
        records = self._audience_records()
        record = (shown and records.search([("id", "=", shown)])) or self._first_record()
        wizard = (
            self.env["waba.test.send"]
            .sudo()
            .create(
                {
                    "campaign_id": self.id,
                    "res_id": record.id,
                    "person_name": record
                    and (record._waba_person_facts()["name"] or record.display_name),
                    "variant": self._test_variant(),
                }
            )
        )
        return wizard.sudo(False)._reopen()

    def _test_variant(self):
        if not self.ab_test:
            return "a"
        return self.winner or self.env.context.get("waba_preview_variant") or "both"

    def _check_test_ready(self):
        if not self.template_id or not self.sender_id:
            raise ValidationError(
                self.env._("Choose a template and a number first.")
            )  # fmt: skip

    # === Rows ===
    # A hundred thousand records pass here: data shared by all is calculated once per chunk
    # (`Preparation`). Our own tables are read and written by SQL, the records by the ORM, whose
    # rules and rights decide what the launcher may read.

    def _row_values(self, records, dry_run=None):
        """Values of ROW_COLUMNS, one dict per record, exclusions included.

        :param dry_run: a `DryRun` (waba_campaign_outlook.py): no recipient is created, nothing
            written
        """
        keys = self._person_keys_of_records(records)
        preparation = Preparation(self, records, set(keys) - {""}, dry_run)
        return [
            self._row_values_for_record(record, key, preparation)
            for record, key in zip(records, keys, strict=True)
        ]

    def _person_keys_of_records(self, records):
        """[key of `Preparation`] of the person of each record, '' for none.

        A linked person whose number is known is written to at that number.
        """
        number_of = self.env["waba.recipient"]._number_of
        keys = [number_of(record) for record in records]
        without = records.browse(
            record.id for record, key in zip(records, keys, strict=True) if not key
        )
        linked = without._waba_linked(self.sender_id.sudo().portfolio_id) if without else {}
        return [
            key or (one := linked[record.id]).number or (str(one.id) if one else "")
            for record, key in zip(records, keys, strict=True)
        ]

    def _row_values_for_record(self, record, key, preparation):
        """Values of ROW_COLUMNS for one record, whose person has this key of `Preparation`."""
        known = preparation.people.get(key, UNKNOWN_RECIPIENT)
        address = (known.user_uid or "") if known.id and key[0] != "+" else key
        held_until = known.marketing_held_until if preparation.purpose == "marketing" else None
        time_zone = self.env["waba.recipient"]._recipient_time_zone(
            address, record, preparation.company
        )
        retry_at, wait_reason = preparation.earliest_departure(time_zone, held_until)
        typed = "" if address != key else key or self.env["waba.recipient"]._raw_number(record)
        verdict = eligibility.check_eligibility(
            self._eligibility_person(record, key, typed, known, preparation),
            preparation.purpose,
            retry_at,
            us_marketing_blocked=preparation.us_marketing_blocked,
            blocked_countries=preparation.blocked_countries,
            opt_in_required=preparation.opt_in_required,
        )
        reason, waits, facts = verdict.reason_key, False, record._waba_person_facts()
        words = preparation.words_for(record, facts, address)
        facts["time_zone"] = time_zone
        # A possible opt-out: the row is created, and waits until a user has reviewed it.
        needs_review = reason == "may_opt_out"
        reason = None if needs_review else reason
        if reason in (None, *TEMPORARY_EXCLUSIONS):
            if preparation.has_links:
                facts["link_token"] = new_link_token()
            if preparation.has_preferences:
                person = self.env["waba.recipient"].browse(known.id)
                facts["preference_token"] = person._preference_token(preparation.company)
            values, waits = self._assign_variant(
                key,
                {
                    key: self._variant_values(record, facts, set_, preparation)
                    for key, set_ in words.items()
                },
                is_later=bool(reason),
            )
            if not values.get("failure_type") and self._is_in_holdout(key):
                values, waits = _exclusion_values("holdout", preparation), False
            elif reason and not values.get("failure_type"):
                # With its texts: it can be queued again when the rule allows it.
                retry_at = verdict.retry_at
                values |= {
                    "state": "skipped",
                    "failure_type": reason,
                    "failure_reason": preparation.sentence(
                        reason, preparation.temporary_detail(reason, key)
                    ),
                }
        else:
            details = {"invalid_number": typed} | preparation.opt_out_details(known.id)
            values = _exclusion_values(reason, preparation, detail=details.get(reason))
        if values.get("failure_type"):
            wait_reason, needs_review = None, False
        preparation.seen.update(filter(None, [known.id]))
        message = values.get("variant") or next(iter(words))
        template_id, category = preparation.templates[message]
        return {
            "message": message,
            "address": address,
            "template_id": template_id,
            "category": category,
            "recipient_id": known.id,
            "number": typed or None,
            "person_name": facts["name"] or record.display_name,
            "res_id": record.id,
            "record_traits": preparation.traits.get(record.id),
            "link_token": facts.get("link_token"),
            "retry_at": preparation.due_text(known.id, None if waits or needs_review else retry_at),
            "wait_reason": "trial" if waits else "may_opt_out" if needs_review else wait_reason,
            "time_zone": time_zone,
            "state": "queued",
            **values,
        }

    def _variant_values(self, record, facts, words, preparation):
        """One message to one recipient: {'parameters'}, or {'reason', 'sentence'} why not."""
        parameters, reason, detail = self.env["waba.variable.mixin"]._fill_parameters(
            record, facts, words
        )
        if reason:
            return {"reason": reason, "sentence": preparation.sentence(reason, detail)}
        return {"parameters": parameters}

    def _insert_rows(self, rows):
        """Create rows of waba.message in one statement: a third of the cost of the ORM's `create`.

        Only jobs call it, so `create_uid` and `write_uid` stay empty: PostgreSQL checks every
        reference of every row, which is half the cost of this statement.

        :param rows: dicts with ROW_COLUMNS
        """
        self.env["waba.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """INSERT INTO waba_message
                          (uuid, direction, origin, kind, attempt_count, failed_attempt,
                           failure_streak, campaign_id, topic_id, account_id, sender_id, company_id,
                           user_id, res_model, create_date, write_date,
                           %(columns)s)
                   SELECT %(uuid)s, 'out', 'campaign', 'template', 0, 0, 0,
                          %(campaign)s, %(topic)s, %(account)s, %(sender)s, %(company)s, %(user)s,
                          %(res_model)s, %(now)s, %(now)s,
                          %(columns)s
                     FROM jsonb_to_recordset(%(rows)s) AS v(%(typed_columns)s)""",
                columns=SQL(", ").join(map(SQL.identifier, ROW_COLUMNS)),
                typed_columns=SQL(", ").join(
                    SQL("%s %s", SQL.identifier(name), SQL(type_))
                    for name, type_ in ROW_COLUMNS.items()
                ),
                campaign=self.id,
                topic=self.topic_id.id or None,
                account=self.sender_id.account_id.id,
                sender=self.sender_id.id,
                company=self.company_id.id,
                user=self.user_id.id,
                res_model=self.res_model,
                uuid=UUID_SQL,
                now=self.env.cr.now(),
                rows=json.dumps(rows),
            )
        )
        self.env["waba.message"].invalidate_model()
        self.invalidate_recordset(["waba_message_ids"])

    # === Preview ===
    # Steps go by the records' ids, before or after the one that is shown, so the hundred thousandth
    # costs as little as the first. Once rows exist, their frozen texts are shown.

    @api.model
    def campaign_preview_data(self, campaign_id, values, step="same", record_id=0):
        """One recipient's message for the form, saved or not; read with the user's own rights.

        :param campaign_id: the saved campaign, or False
        :param values: of the form: FORM_FIELDS, and `variables`, a list of dicts
        :param step: 'first', 'previous', 'same', 'next' or 'last', relative to `record_id`
        :return: {'html', 'name', 'record_id', 'notes', 'count', 'position'}; the last two are None
            after a step: the client then counts itself
        """
        self.check_access("read")
        saved = self.browse(campaign_id or [])
        domain = saved._preview_rows_domain() if saved else None
        if saved and saved.ab_test and values.get("variant"):
            domain &= Domain("variant", "=", values["variant"])
        if saved and (row := saved._find_preview_row(domain, step, record_id)):
            return saved._row_preview(row, domain, step, record_id)
        campaign = self.new(
            {
                **{name: values.get(name) for name in FORM_FIELDS},
                "variable_ids": [
                    Command.create({name: line.get(name) for name in COPIED_FIELDS})
                    for line in values.get("variables", [])
                ],
            }
        )
        return campaign._record_preview(step, record_id, saved.filtered("by_language"))

    def _record_preview(self, step, record_id, multilingual):
        """The message to one record of the form's audience.

        :param multilingual: the saved campaign if it has several languages, else none
        """
        try:
            domain = Domain(self._audience_domain_list())
        except UserError as error:
            return self._preview_with_examples(str(error))
        records = self._audience_records()
        record = _find_record_at_step(records, domain, "id", step, record_id)
        if not record:
            return self._preview_with_examples()
        facts = record._waba_person_facts()
        template, lines = self.template_id, self.variable_ids
        if multilingual.template_id == template:
            template, lines = multilingual._message_for(record, facts)
        return {
            "html": template._render_phone(self._preview_parameters(record, facts, lines)),
            "name": facts["name"] or record.display_name,
            "record_id": record.id,
            **_position_values(records, domain, "id", step, record_id, record.id),
            "notes": self._preview_notes(record, facts, lines, multilingual and template),
        }

    def _preview_with_examples(self, problem=None):
        return {
            "html": self.template_id.preview_html or "",
            "name": "",
            "record_id": 0,
            "count": 0,
            "position": 0,
            "notes": [{"kind": "left_out", "text": problem}] if problem else [],
        }

    def _preview_notes(self, record, facts, lines, template=None):
        """Problems of this recipient's message, empty values and numbers: [{'kind', 'text'}].

        :param lines: the variables of the message
        :param template: where languages differ, the one whose language is named
        """
        notes = []
        if template:
            text = self.env._("Language: %s", language_name(self.env, template.language))
            notes.append({"kind": "language", "text": text})
        if not record._waba_has_person():
            typed = self.env["waba.recipient"]._raw_number(record)
            text = (
                self.env._("Excluded: the number %s is not valid.", typed)
                if typed
                else self.env._("Excluded: no phone number.")
            )
            notes.append({"kind": "left_out", "text": text})
        for line in lines.sorted("sequence"):
            if is_optional(line.kind, line.name) or line._value_without_fallback(record, facts):
                continue
            names = {"variable": line._placeholder_label(), "what": line._source_label(record)}
            if line.fallback:
                text = self.env._("%(what)s is empty: %(variable)s shows “%(fallback)s”.",
                                  **names, fallback=line.fallback)  # fmt: skip
                notes.append({"kind": "fallback", "text": text})
            elif not line._is_complete():
                text = self.env._("Set a value for %(variable)s.", variable=names["variable"])
                notes.append({"kind": "to_do", "text": text})
            else:
                text = self.env._("Excluded: %(what)s is empty (%(variable)s).", **names)
                notes.append({"kind": "left_out", "text": text})
        return notes

    def _find_preview_row(self, domain, step, record_id):
        self.check_access("read")
        return _find_record_at_step(self.env["waba.message"], domain, "res_id", step, record_id)

    def _preview_rows_domain(self):
        return Domain("campaign_id", "=", self.id) & Domain("direction", "=", "out")

    def _row_preview(self, row, domain, step, record_id):
        states = selection_labels(row, "state")
        has_words = bool(row.parameters) or not row.template_id.variable_ids
        text = row.failure_reason or states[row.state]
        is_bad = row.state in ("skipped", "failed", "cancelled")
        return {
            "html": row.preview_html if has_words else "",
            "name": row.person_name or row.number or "",
            "record_id": row.res_id,
            **_position_values(row, domain, "res_id", step, record_id, row.res_id),
            "notes": [{"kind": "left_out" if is_bad else "state", "text": text}],
        }

    # === Launcher's rights ===
    # On screen the audience is read with the current user's rights (`_audience_records`), whoever
    # launched it: an unsaved form contains whatever its browser sent. Jobs use the rights of the
    # user who launched it (`_launcher_records`), as stored and while that user has them; otherwise
    # the campaign waits until a user with access resumes it. The rights are lent for the content
    # that was launched: a scheduled campaign whose content changes is a draft again
    # (`_revert_launch`). Time, name, priority, responsible and UTM values are not part of that
    # content.

    def _audience_records(self):
        """The target model with the current user's rights, in the campaign's company."""
        self.ensure_one()
        return self._records_for_user(self.env.user)

    def _launcher_records(self):
        """The target model with the rights of the user who launched the campaign; for jobs alone.

        Call `_launcher_refusal_reason` first.
        """
        self.ensure_one()
        return self._records_for_user(self._stored_launcher().ensure_one())

    def _records_for_user(self, user):
        return (
            self._target_model()
            .with_user(user)
            .with_context(allowed_company_ids=self.company_id.ids, lang=user.lang)
        )

    def _target_model(self):
        """The model of the audience.

        :raise UserError: it is none that campaigns support; an unsaved form may name any
        """
        if self.res_model not in dict(self.env["waba.person.mixin"]._waba_target_models()):
            raise UserError(self.env._("Choose leads or contacts as the audience."))
        return self.env[self.res_model]

    def _launching_user(self):
        """The user whose rights a launch lends to the campaign.

        :raise UserError: OdooBot, which reads all records of every company
        """
        if self.env.uid == SUPERUSER_ID:
            raise UserError(
                self.env._(
                    "A campaign must be launched by a user: their access rights decide which "
                    "records are read."
                )
            )
        return self.env.user

    def _stored_launcher(self):
        return self._origin.sudo().launched_by_id

    def _with_launcher(self):
        """This campaign in the environment of the user who launched it."""
        user = self._stored_launcher().ensure_one()
        return self.with_user(user).with_context(allowed_company_ids=self.company_id.ids)

    def _launcher_refusal_reason(self):
        """Reason why the launcher's rights can no longer be used, as a sentence; False if none."""
        self.ensure_one()
        user = self._stored_launcher()
        way_on = self.env._("Resume to continue with your access rights.")
        if not user or user.id == SUPERUSER_ID:
            return self.env._(
                "The user who launched this campaign is unknown. %s",
                way_on,
            )
        names = {"user": user.name, "way_on": way_on}
        if not user.active:
            return self.env._(
                "%(user)s, who launched this campaign, is no longer active. %(way_on)s", **names
            )
        if self.company_id not in user.company_ids:
            return self.env._(
                "%(user)s, who launched this campaign, no longer belongs to its company. "
                "%(way_on)s",
                **names,
            )
        if not self._target_model().with_user(user).has_access("read"):
            return self.env._(
                "%(user)s, who launched this campaign, can no longer read its records. %(way_on)s",
                **names,
            )
        return False

    def _launch_refusal_reason(self):
        """As `_launcher_refusal_reason`; the launcher must also still have write access."""
        if reason := self._launcher_refusal_reason():
            return reason
        if self._with_launcher().has_access("write"):
            return False
        return self.env._(
            "%s, who scheduled this campaign, can no longer edit it: it has another responsible. "
            "Resume to continue with your access rights.",
            self._stored_launcher().name,
        )

    def _needs_launcher(self):
        """Whether it waits for a launcher, or would as soon as it is resumed."""
        if self.state != "paused" or self.pause_cause == "launcher":
            return self.state == "paused"
        if self.prepared_count and self.prepared_count >= self.to_prepare_count:
            return False
        begins = self.scheduled_at and not self.prepared_count
        return bool(self._launch_refusal_reason() if begins else self._launcher_refusal_reason())

    def _assume_launch(self):
        """Make the current user the launcher, after all checks of a launch."""
        self.ensure_one()
        user = self._launching_user()
        self._check_launch()
        self.sudo().write(
            {
                "launched_by_id": user.id,
                "launched_mark": self._content_fingerprint(),
                "to_prepare_count": max(self.audience_count, self.prepared_count),
            }
        )
        self._message_log(
            body=self.env._("Records are now read with the access rights of %s.", user.name)
        )

    def _revert_changed_launches(self):
        """Make scheduled campaigns drafts again whose content has changed since the launch."""
        for campaign in self.sudo().filtered("launched_mark"):
            if campaign.state == "scheduled" and (
                campaign.launched_mark != campaign._content_fingerprint()
            ):
                campaign._revert_launch()

    def _revert_launch(self):
        self._update_state(("scheduled",), "draft", LAUNCH_RESET_VALUES)
        self._message_log(
            body=self.env._(
                "Back to draft: %s changed the message, audience or number after scheduling. "
                "Launch it again.",
                self.env.user.name,
            )
        )


def _exclusion_values(reason, preparation, detail=None):
    """Values of an excluded row."""
    return {
        "parameters": {},
        "state": "skipped",
        "failure_type": reason,
        "failure_reason": preparation.sentence(reason, detail),
    }


def _find_record_at_step(records, domain, field, step, from_id):
    """The record of `domain` reached by `step` from `from_id`, in the order of `field`.

    A step past an end stays at the end; 'same' returns the next record if that one is gone.
    """
    way = {"previous": ("<", "desc"), "last": (None, "desc"), "next": (">", "asc"),
           "same": (">=", "asc"), "first": (None, "asc")}  # fmt: skip
    operator, order = way[step]
    wanted = domain & Domain(field, operator, from_id) if operator and from_id else domain
    found = records.search(wanted, order=f"{field} {order}", limit=1)
    if found or not from_id:
        return found
    end = "desc" if step in ("next", "last") else "asc"
    return records.search(domain, order=f"{field} {end}", limit=1)


def _position_values(records, domain, field, step, from_id, id_):
    """Number of records and position among them: only when the form opens or changes."""
    if step not in ("same", "first"):
        return {"count": None, "position": None}
    before = records.search_count(domain & Domain(field, "<", id_)) if from_id else 0
    return {"count": records.search_count(domain), "position": before + 1}
