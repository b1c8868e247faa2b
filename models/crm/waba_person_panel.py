"""CRM: the WhatsApp panel of leads and contacts: whether they can be messaged, and last contacts.

Called by their forms; shows consent, service window and a possible opt-out to review.
"""

from dataclasses import replace
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ...policy import eligibility, frequency
from ..base.waba_failure import failure_text
from ..consent.consent_sql import strictest_consent
from ..tools.labels import selection_label
from ..tools.moments import format_moment, moment_text
from ..tools.phone_countries import number_country
from ..tools.system_fields import USER_GROUP

# "unasked": allowed, but nobody asked the person.
ANSWERS = [("yes", "Yes"), ("unasked", "Not asked"), ("later", "Not now"), ("no", "No")]

# {exclusion reason that is an opt-out: its purpose}
PURPOSE_BY_REASON = {"opted_out": "marketing", "opted_out_utility": "utility"}

NOT_CONTACT_STATES = ("skipped", "cancelled")


class PanelAnswer(NamedTuple):
    """Whether a person can be messaged: a key of ANSWERS, and the reason as a sentence."""

    key: str
    why: str


class WabaPersonMixin(models.AbstractModel):
    """Whether and how the person of a record can be messaged, in all portfolios of the chosen
    companies: for the number of ours that messaged them last, else the first one."""

    _inherit = "waba.person.mixin"

    waba_promotion_answer = fields.Selection(
        ANSWERS, "Promotions", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_promotion_why = fields.Char(
        "Promotions: reason", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_service_answer = fields.Selection(
        ANSWERS, "Service messages", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_service_why = fields.Char(
        "Service messages: reason", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_marketing_state = fields.Selection(
        selection=lambda self: self._waba_consent_states("marketing_state"),
        string="Consent to promotions",
        compute="_compute_waba_panel",
        groups=USER_GROUP,
    )
    waba_utility_state = fields.Selection(
        selection=lambda self: self._waba_consent_states("utility_state"),
        string="Service message consent",
        compute="_compute_waba_panel",
        groups=USER_GROUP,
    )
    waba_last_out_at = fields.Datetime(
        "Last sent", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_last_out_state = fields.Char(
        "Last sent: status", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_last_in_at = fields.Datetime(
        "Last received", compute="_compute_waba_panel", groups=USER_GROUP
    )
    waba_window_text = fields.Char("Reply window", compute="_compute_waba_panel", groups=USER_GROUP)

    # Possible opt-out
    waba_may_opt_out_text = fields.Char(
        "Possible opt-out", compute="_compute_waba_possible_opt_out_text", groups=USER_GROUP
    )

    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_waba_panel(self):
        panel = PersonPanel(self.env, self)
        for record in self:
            record.update(panel.panel_values(record))

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_waba_possible_opt_out_text(self):
        people = self._waba_recipients_to_review()
        for record in self:
            readable = record._waba_filter_reviewable(people[record.id])
            record.waba_may_opt_out_text = bool(readable) and (
                readable[0].may_opt_out_text or self.env._("no text")
            )

    def action_waba_record_consent(self):
        """Open the form by which the user records an opt-in or opt-out of this person."""
        self.ensure_one()
        return self.env["waba.consent.note"]._open(res_model=self._name, res_id=self.id)

    def action_waba_open_recipient(self):
        """Open the recipients behind this record: consent entries and messages."""
        self.ensure_one()
        portfolios = self.env["waba.portfolio"].sudo().search([])  # pylint: disable=no-search-all
        known = self._waba_people(portfolios)[self.id]
        people = self.env["waba.recipient"].search([("id", "in", known.ids)])
        actions = self.env["ir.actions.act_window"]
        action = actions._for_xml_id("waba_campaign.waba_recipient_action")
        action["domain"] = [("id", "in", people.ids)]
        if len(people) == 1:
            action |= {"views": [(False, "form")], "res_id": people.id}
        return action

    def action_waba_confirm_opt_out(self):
        self._waba_review_opt_out(True)

    def action_waba_keep_subscribed(self):
        self._waba_review_opt_out(False)

    @api.model
    def _waba_consent_states(self, name):
        return self.env["waba.recipient"]._fields[name]._description_selection(self.env)

    # === Review of a possible opt-out, by anyone with read access to the record ===

    def _waba_recipients_to_review(self):
        """{record's id: recipients to review}, in portfolios of the chosen companies."""
        senders = self.env["waba.sender"].sudo()
        portfolios = senders.search([("company_id", "in", self.env.companies.ids)]).portfolio_id
        people = self._waba_people(portfolios)
        return {id_: found.filtered("may_opt_out_at") for id_, found in people.items()}

    def _waba_filter_reviewable(self, people):
        """Those whose message the current user may read: typing a number on one's own record gives
        no access to another person's messages."""
        self.ensure_one()
        shown = (self._name, self.id)
        return people.filtered(
            lambda person: (
                (conversation := person.with_env(self.env)._review_conversation())
                and conversation._is_readable(shown)
            )
        )

    def _waba_review_opt_out(self, opts_out):
        """Record what the current user read in the person's message."""
        self.ensure_one()
        self.check_access("read")
        self.env["waba.conversation"]._check_user()
        people = self._waba_recipients_to_review()[self.id]
        self._waba_filter_reviewable(people)[:1]._apply_review(opts_out)


class PersonPanel:
    """The panel's values for many records, from a few queries whatever their number."""

    def __init__(self, env, records):
        """Read the data of these records and of the people behind them.

        :param records: crm.lead or res.partner
        """
        self.env = env
        self.model = records._name
        self.now = fields.Datetime.now()
        # A user who sees the record may know when the company messaged them, but not the text.
        sudo = env(su=True)
        of_company = Domain("company_id", "in", env.companies.ids)
        self.senders = sudo["waba.sender"].search(of_company)
        self.people = records._waba_people(self.senders.portfolio_id)
        self.numbers = {
            record.id: sudo["waba.recipient"]._number_of(record)
            or next(filter(None, self.people[record.id].mapped("number")), "")
            for record in records
        }
        numbers = {number for number in self.numbers.values() if number}
        self.ours = sudo["waba.sender"]._filter_own_numbers(numbers)
        ids = [person.id for people in self.people.values() for person in people]
        self.last = self._last_messages(sudo, ids)
        self.windows = self._windows(sudo, ids, "window_expires_at")
        self.free = self._windows(sudo, ids, "free_until_at")
        self.held = self._held_conversations(sudo, ids)
        self.blacklisted = sudo["waba.recipient"]._filter_blacklisted(numbers)
        everyone = sudo["waba.recipient"].browse(ids)
        self.consent = everyone._consent_states(self.senders.company_id)
        self.topics = sudo["waba.topic"].search([("company_id", "in", self.senders.company_id.ids)])
        self.said = everyone._topic_states(self.topics)
        self.opt_outs = self._opt_outs(sudo, ids)
        self.renumbered = sudo["waba.renumbered"]._held_records(
            records._name, records.ids, self.senders.company_id
        )
        self.promotions = {
            company: sudo["waba.message"]._recent_promotions(
                company, numbers.union(map(str, ids)), self.now
            )
            for company in self.senders.company_id
        }

    def panel_values(self, record):
        """Values of the panel's fields.

        :param record: one of the records
        :return: {field: value}
        """
        people, number = self.people[record.id], self.numbers[record.id]
        typed = "" if people else self.env["waba.recipient"]._raw_number(record)
        record_id = record._origin.id
        out = self._latest(people, "out")
        sender = out.sender_id if out and out.sender_id in self.senders else self.senders[:1]
        about = (number, typed, people, sender, record_id)
        promotion = self._purpose_answer("marketing", *about)
        service = self._purpose_answer("utility", *about)
        until, free = (
            max((ends[p.id] for p in people if p.id in ends), default=False)
            for ends in (self.windows, self.free)
        )
        return {
            "waba_marketing_state": self._company_consent(people, "marketing", sender.company_id),
            "waba_utility_state": self._company_consent(people, "utility", sender.company_id),
            "waba_promotion_answer": promotion.key,
            "waba_promotion_why": " ".join(
                [promotion.why, *self._topic_sentences(people, sender.company_id)]
            ),
            "waba_service_answer": service.key,
            "waba_service_why": service.why,
            "waba_last_out_at": self._message_time(out),
            "waba_last_out_state": out and self._state_text(out, record_id),
            "waba_last_in_at": self._message_time(self._latest(people, "in")),
            "waba_window_text": self._held_text(people) or self._window_text(until, free),
        }

    # === Reading ===

    def _last_messages(self, sudo, recipient_ids):
        """{(recipient id, direction): latest waba.message that was not excluded or cancelled}."""
        sudo["waba.message"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM unnest(%s::int[]) AS r(id)
                    CROSS JOIN unnest(ARRAY['out', 'in']) AS d(direction)
                    CROSS JOIN LATERAL (
                          SELECT id FROM waba_message
                           WHERE recipient_id = r.id
                             AND (direction = d.direction
                                  OR d.direction = 'out' AND direction = 'app_out')
                             AND state <> ALL(%s) AND company_id = ANY(%s)
                           ORDER BY id DESC LIMIT 1) m""",
                recipient_ids,
                list(NOT_CONTACT_STATES),
                self.env.companies.ids,
            )
        )
        messages = sudo["waba.message"].browse([id_ for (id_,) in rows])
        return {
            (message.recipient_id.id, "in" if message.direction == "in" else "out"): message
            for message in messages
        }

    def _windows(self, sudo, recipient_ids, name):
        """{recipient id: naive UTC datetime when the last open window ends}.

        :param name: the field of the conversation with the window's end
        """
        groups = sudo["waba.conversation"]._read_group(
            [
                ("recipient_id", "in", recipient_ids),
                ("sender_id", "in", self.senders.ids),
                (name, ">", self.now),
            ],
            ["recipient_id"],
            [f"{name}:max"],
        )
        return {person.id: until for person, until in groups}

    def _held_conversations(self, sudo, recipient_ids):
        """{recipient id: a waba.conversation in which another app answers}."""
        found = sudo["waba.conversation"].search(
            [
                ("recipient_id", "in", recipient_ids),
                ("sender_id", "in", self.senders.ids),
                ("standby_at", "!=", False),
            ]
        )
        return {one.recipient_id.id: one for one in found if one._held_until()}

    def _opt_outs(self, sudo, recipient_ids):
        """{(recipient id, purpose): the latest opt-out, a waba.consent}."""
        entries = sudo["waba.consent"].search(
            [
                ("recipient_id", "in", recipient_ids),
                ("action", "=", "opt_out"),
                ("topic_id", "=", False),
            ],
            order="at, id",
        )
        return {(entry.recipient_id.id, entry.purpose): entry for entry in entries}

    def _latest(self, people, direction):
        found = [self.last[p.id, direction] for p in people if (p.id, direction) in self.last]
        return max(found, key=lambda message: message.id, default=False)

    def _message_time(self, message):
        """When it was sent; False while it is queued, so that nothing looks sent before it is."""
        return message and (message.accepted_at or message.sent_at or message.delivered_at)

    def _state_text(self, message, record_id):
        """'Delivered', or 'Delivered, for another record' if the form's own list lacks it."""
        state = selection_label(self.env, "state", message.state, "waba.message")
        if (message.res_model, message.res_id) == (self.model, record_id):
            return state
        return self.env._("%s, for another record", state)

    # === Answers ===

    def _purpose_answer(self, purpose, number, typed, people, sender, record_id):
        """PanelAnswer for messages of this purpose from `sender`."""
        if not sender:
            return PanelAnswer("no", self.env._("No WhatsApp number is connected."))
        person = self._eligibility_person(number, typed, people, sender.company_id)
        held = (sender.company_id.id, record_id, purpose) in self.renumbered
        verdict = eligibility.check_eligibility(
            replace(person, renumbered=held),
            purpose,
            self.now,
            us_marketing_blocked=sender.company_id.waba_us_marketing_left_out,
            blocked_countries=sender.account_id._blocked_countries(),
            opt_in_required=sender.company_id.waba_opt_in_required,
        )
        if not verdict.allowed:
            waits = verdict.retry_at or verdict.reason_key == "may_opt_out"
            key = "later" if waits else "no"
            return PanelAnswer(key, self._refusal_answer(verdict, typed, people))
        if why := self._postponed_reason(purpose, people, sender):
            return PanelAnswer("later", why)
        agreed = self._company_consent(people, purpose, sender.company_id) == "opted_in"
        return PanelAnswer("yes" if agreed else "unasked", self._allowed_reason(purpose, agreed))

    def _eligibility_person(self, number, typed, people, company):
        return eligibility.Person(
            number=number or typed.lstrip("+"),
            user_uid=people[:1].user_uid or "",
            is_ours=number in self.ours,
            marketing_state=self._company_consent(people, "marketing", company),
            utility_state=self._company_consent(people, "utility", company),
            blacklisted=number in self.blacklisted,
            unreachable_until=self._latest_value(people, "unreachable_until"),
            blocked=any(person.is_blocked for person in people),
            country_code=number_country(number or people[:1].user_uid),
            promotions_free_at=frequency.next_promotion_time(
                self.promotions[company].get(number or str(people[:1].id), ()),
                company._waba_frequency_cap(),
            ),
            may_opt_out=any(person.may_opt_out_at for person in people),
        )

    def _company_consent(self, people, purpose, company):
        """The consent for the company; the strictest of several rows."""
        return strictest_consent(
            {self.consent[company.id, person.id, purpose] for person in people}
        )

    def _topic_sentences(self, people, company):
        """['Opted out of: Offers.', 'Opted in to: Events.'], of the company's topics."""
        names = {"opted_out": [], "opted_in": []}
        for topic in self.topics.filtered(lambda topic: topic.company_id == company):
            states = {self.said.get((topic.id, person.id)) for person in people} - {None}
            if states:
                names[strictest_consent(states)].append(topic.with_env(self.env).name)
        sentences = {
            "opted_out": self.env._("Opted out of: %s."),
            "opted_in": self.env._("Opted in to: %s."),
        }
        return [sentences[state] % ", ".join(found) for state, found in names.items() if found]

    def _latest_value(self, people, name):
        return max((person[name] for person in people if person[name]), default=None)

    def _refusal_answer(self, verdict, typed, people):
        reason = verdict.reason_key
        if reason in PURPOSE_BY_REASON:
            return self._opt_out_sentence(reason, people)
        if reason == "renumbered":
            return self.env._(
                "On hold: this number replaced one that had opted out. Confirm that it belongs to "
                "someone else."
            )
        if verdict.retry_at:
            return self._until_sentence(failure_text(self.env, reason), verdict.retry_at)
        return failure_text(self.env, reason, text=typed if reason == "invalid_number" else None)

    def _opt_out_sentence(self, reason, people):
        """'The person asked not to receive promotions (12 Nov 2026, their message).'"""
        sentence, purpose = failure_text(self.env, reason), PURPOSE_BY_REASON[reason]
        keys = [(person.id, purpose) for person in people]
        entries = [self.opt_outs[key] for key in keys if key in self.opt_outs]
        if not entries:
            return sentence
        entry = max(entries, key=lambda entry: entry.at)
        source = selection_label(self.env, "source", entry.source, "waba.consent")
        return f"{sentence.rstrip('.')} ({format_date(self.env, entry.at)}, {source})."

    def _postponed_reason(self, purpose, people, sender):
        """Why a message that may be sent would wait, as a sentence; False if it would not."""
        held_until = self._latest_value(people, "marketing_held_until")
        if purpose == "marketing" and held_until and held_until > self.now:
            return self._until_sentence(
                self.env._("On hold: WhatsApp limits promotions to this person."), held_until
            )
        if why := sender._not_sending_reason():
            return why
        return purpose == "marketing" and sender._marketing_hold_reason()

    def _until_sentence(self, sentence, until):
        when = fields.Datetime.context_timestamp(self.env.user, until)
        return self.env._(
            "%(reason)s Not before %(date)s %(time)s.",
            reason=sentence,
            date=format_date(self.env, when.date()),
            time=format_moment(self.env, until, ""),
        )

    def _allowed_reason(self, purpose, agreed):
        if purpose == "utility" and agreed:
            return self.env._("Opted in to service messages.")
        if purpose == "utility":
            return self.env._("No opt-in on record. Service messages do not require one.")
        if agreed:
            return self.env._("Opted in to promotions.")
        return self.env._("No opt-in on record. Your settings do not require one.")

    def _held_text(self, people):
        """Why automatic messages to the person wait, while another app answers; or False."""
        held = [self.held[person.id] for person in people if person.id in self.held]
        return bool(held) and held[0]._held_text()

    def _window_text(self, until, free=False):
        """'Reply window closes in 3 h 20 min. Free until 14:20.', or what to do instead."""
        if free:
            when = moment_text(self.env, free)
            return " ".join((self._window_text(until), self.env._("Free until %s.", when)))
        if not until:
            return self.env._("Reply window closed. Choose a template.")
        minutes = int((until - self.now).total_seconds() // 60)
        return self.env._(
            "Reply window closes in %(hours)s h %(minutes)s min.",
            hours=minutes // 60,
            minutes=minutes % 60,
        )
