"""Pre-flight: the lines about message, number and recipients, and the report of all lines.

Called by wizard/waba_preflight.py and by `_check_preflight`; policy/preflight*.py assesses.
"""

from collections import Counter
from dataclasses import dataclass, field

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import LazyTranslate

from ....policy import preflight
from ...base.waba_failure import EXCLUSION_REASONS
from ...tools.labels import selection_labels
from ...tools.reputation_texts import format_number

_lt = LazyTranslate(__name__)

# Exclusion reasons with a line of their own.
LINES_BY_REASON = {
    "missing_value": "personal",
    "country": "countries",
    "no_opt_in": "consent",
    "frequency": "frequency",
    "renumbered": "renumbered",
}

# Sentences by line and case of policy/preflight*.py; a test compares the two.
SENTENCES = {
    "reach": {
        "all": _lt("Everybody gets it: %(receiving)s of %(chosen)s people."),
        "most": _lt("%(receiving)s of %(chosen)s people get it."),
        "few": _lt(
            "Only %(receiving)s of %(chosen)s people get it. Look at why the others are left out."
        ),
        "nobody_left": _lt(
            "0 of %(chosen)s people would get it: all are left out. Look at why, and choose other "
            "people."
        ),
        "nobody_chosen": _lt(
            "Nobody matches this audience, or you may not see them. Change the filter, or choose "
            "records in the pipeline."
        ),
    },
    "left_out": {
        "nobody": _lt("Nobody is left out for another reason: 0 of %(chosen)s people."),
        "some": _lt("Left out: %(count)s of %(chosen)s people. %(reason)s."),
    },
    "template": {
        "none": _lt("Choose a template first: it is the message to send."),
        "not_sendable": _lt("%(why)s"),
        "yellow": _lt(
            "Meta's rating of the template %(template)s is Medium: people react to it less well "
            "than they might."
        ),
        "red": _lt(
            "Meta's rating of the template %(template)s is Low: Meta may pause it while people "
            "wait."
        ),
        "new": _lt("The template %(template)s is approved; Meta has not rated it yet."),
        "fine": _lt("The template %(template)s is approved, and Meta's rating is High."),
    },
    "category": {
        "marketing": _lt("It is a promotion, as Meta approved it."),
        "utility": _lt("It is a service message, as Meta approved it."),
        "authentication": _lt("It sends a code, as Meta approved it."),
        "unknown": _lt(
            "Meta has not said which category this template has, so neither its price "
            "nor the consent it needs is known. Read the templates again."
        ),
        "announced": _lt(
            "Meta says that this template is of the category %(announced)s, not %(current)s, and "
            "changes it. It then costs what that category costs, and needs that consent."
        ),
    },
    "way_out": {
        "not_needed": _lt("It is no promotion: it needs no way to opt out."),
        "button": _lt("It has a button to opt out."),
        "words": _lt("Its text says how to opt out."),
        "missing": _lt(
            "This promotion does not say how to get no more of them. Who finds no way out blocks "
            "or reports the number. Choose a template with a button to opt out."
        ),
    },
    "sender": {
        "none": _lt("Choose the number to send from first."),
        "other_account": _lt("%(why)s"),
        "not_connected": _lt("%(why)s"),
        "archived": _lt("%(why)s"),
        "restricted": _lt(
            "Meta restricts the account of %(number)s (%(restriction)s): nothing leaves until "
            "Meta lifts that."
        ),
        "locked": _lt("%(why)s"),
        "stopped_by_meta": _lt("%(why)s"),
        "held": _lt("%(why)s"),
        "waits": _lt("Nothing leaves %(number)s for now: people would wait. %(why)s"),
        "rating": _lt("Meta's rating of %(number)s is %(rating)s. %(why)s"),
        "reading": _lt("Our reading of %(number)s is %(level)s: %(reading)s"),
        "slowed": _lt("%(number)s is slowed. %(why)s"),
        "warm_up": _lt("%(number)s warms up: %(people)s people a day for now."),
        "new": _lt("%(number)s may send; Meta has not rated it yet."),
        "fine": _lt("%(number)s is healthy: Meta's rating is %(rating)s, our reading %(level)s."),
    },
    "personal": {
        "incomplete": _lt("%(why)s"),
        "mostly_missing": _lt(
            "%(count)s of %(chosen)s people are left out because a text would be empty, no fewer "
            "than get it (%(receiving)s). Give it a text for that case."
        ),
        "missing": _lt(
            "%(count)s of %(chosen)s people are left out because a text would be empty. Give it "
            "a text for that case to reach them."
        ),
        "mostly_fallback": _lt(
            "%(count)s of %(receiving)s people see the text for an empty value instead of their "
            "own."
        ),
        "some_fallback": _lt(
            "It speaks to each person; %(count)s of %(receiving)s see the text for an empty value."
        ),
        "same_for_all": _lt(
            "It is the same for everybody (%(receiving)s of %(receiving)s): no text is their own."
        ),
        "fine": _lt("It speaks to everybody in their own words (%(receiving)s of %(receiving)s)."),
    },
    "consent": {
        "everybody": _lt("Everybody has an opt-in on record (%(receiving)s of %(receiving)s)."),
        "not_needed": _lt("It is no promotion: it needs no opt-in to promotions."),
        "unknown": _lt(
            "%(count)s of %(receiving)s people have no opt-in on record. WhatsApp asks for one "
            "before anybody is written to."
        ),
        "left_out": _lt(
            "%(count)s of %(chosen)s people are left out: no opt-in on record, which your company "
            "asks for."
        ),
        "none": _lt(
            "0 of %(chosen)s people have an opt-in on record, which your company asks for: nobody "
            "may be written to."
        ),
    },
    "countries": {
        "served": _lt("WhatsApp serves everybody's country (%(chosen)s of %(chosen)s)."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: WhatsApp does not deliver this to their "
            "countries (%(countries)s)."
        ),
        "most": _lt(
            "%(count)s of %(chosen)s people are in countries that WhatsApp does not deliver this "
            "to (%(countries)s). That is no audience for WhatsApp."
        ),
        "sent_anyway": _lt(
            "%(count)s of %(chosen)s people have a number of the United States, to which WhatsApp "
            "delivers no promotions. They are written to because your settings say so."
        ),
    },
    "renumbered": {
        "nobody": _lt("0 of %(chosen)s people got another number after an opt-out."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: their number was changed after they had "
            "opted out. Open each one and confirm that it is another person, or note the opt-out "
            "for the new number."
        ),
    },
    "frequency": {
        "nobody": _lt("0 of %(chosen)s people were written to too often."),
        "some": _lt(
            "%(count)s of %(chosen)s people are left out: they got as many promotions lately as "
            "your rule allows (%(most)s in %(days)s days)."
        ),
    },
    "hours": {
        "nobody": _lt("It is a quiet hour for nobody: 0 of %(receiving)s people."),
        "some": _lt(
            "%(count)s of %(receiving)s people wait until their quiet hours are over, the last "
            "of them %(when)s."
        ),
    },
    "new_contacts": {
        "nobody": _lt("Everybody was written to before (%(receiving)s of %(receiving)s)."),
        "few": _lt("%(count)s of %(receiving)s people were never written to before."),
        "many": _lt(
            "%(count)s of %(receiving)s people were never written to before. Begin with those who "
            "know you best."
        ),
        "cold": _lt(
            "%(count)s of %(receiving)s people were never written to and have no opt-in on record. "
            "A list like that is what gets numbers blocked. Ask these people first, or begin with "
            "a few."
        ),
    },
    "inactive": {
        "nobody": _lt("Nobody was silent for %(days)s days: 0 of %(receiving)s people."),
        "few": _lt(
            "%(count)s of %(receiving)s people have neither read nor written anything for "
            "%(days)s days."
        ),
        "many": _lt(
            "%(count)s of %(receiving)s people have neither read nor written anything for "
            "%(days)s days. They are the likeliest to block the number."
        ),
    },
    "duration": {
        "short": _lt("The last message leaves %(when)s. To be written to: %(receiving)s."),
        "long": _lt(
            "At today's limit %(receiving)s people take %(days)s days (%(limits)s). It ends "
            "%(when)s."
        ),
        "too_long": _lt(
            "At today's limit %(receiving)s people take %(days)s days (%(limits)s), until %(when)s:"
            " by then the message is old. Write to fewer people."
        ),
        "never": _lt(
            "At today's limit the %(receiving)s people are never written to (%(limits)s): nothing "
            "of it is left for campaigns."
        ),
    },
    "cost": {
        "known": _lt("About %(amount)s by your rate card. Messages: %(count)s."),
        "free": _lt("%(count)s messages are free: these people wrote to you in the last 24 hours."),
        "part": _lt(
            "About %(amount)s for %(count)s of %(receiving)s messages; your rate card has no price "
            "for the others (%(countries)s)."
        ),
        "unknown": _lt(
            "What %(receiving)s messages cost is not known: the rate card of Meta's prices has "
            "none for them (%(countries)s). A manager imports it."
        ),
    },
    "risk": {
        "thin": _lt(
            "Too little was sent to people like these to foresee opt-outs: %(base)s of %(needed)s "
            "messages delivered."
        ),
        "usual": _lt(
            "%(least)s–%(most)s opt-outs are to be expected. Before: %(rate)s of %(base)s "
            "delivered (%(pool)s)."
        ),
        "raised": _lt(
            "Before, %(rate)s of %(base)s delivered opted out (%(pool)s), more than is good for "
            "the number: %(least)s–%(most)s opt-outs are to be expected."
        ),
        "high": _lt(
            "Before, %(rate)s of %(base)s delivered opted out (%(pool)s), which harms the number: "
            "%(least)s–%(most)s opt-outs are to be expected. Choose other people or another "
            "message."
        ),
    },
}

LIMITS = {
    "a_day": _lt("%s people a day"),
    "followups": _lt("%s kept for follow-ups"),
    "ahead": _lt("%s people of other campaigns go first"),
    "in_window": _lt("%s who wrote to you today need no place"),
}

POOLS = {
    "audience": _lt("campaigns to these people: %s"),
    "template": _lt("campaigns with this template: %s"),
    "category": _lt("campaigns of this kind: %s"),
}


@dataclass
class PreflightCheck:
    """One line of the pre-flight.

    line, case: as in policy/preflight*.py; level: 'pass', 'warn' or 'stop'
    key: distinguishes lines of one kind, such as the exclusion reasons
    records: recordset that [Show] opens; leaves_out: whether [Leave out] is offered for it
    mend: key of the fix that is offered, as in waba.preflight.line
    """

    line: str
    level: str
    case: str
    sentence: str
    key: str = ""
    records: models.BaseModel | None = None
    leaves_out: bool = False
    mend: str = ""

    @property
    def name(self):
        """How an override stores it."""
        return f"{self.line}.{self.case}"

    @property
    def can_be_overridden(self):
        """Whether a manager may override it, with a reason."""
        return self.level == "stop" and preflight.can_be_overridden(self.line, self.case)


@dataclass
class PreflightReport:
    """The lines, and the estimates that they are based on.

    audience: a `DryRun`, None if message or number are missing; forecast: policy.pacing.Forecast or
    None; costs: waba_campaign_outlook.Costs or None; expected: (least, most) opt-outs or None
    """

    now: object
    audience: object = None
    forecast: object = None
    costs: object = None
    expected: tuple | None = None
    checks: list = field(default_factory=list)

    @property
    def blockers(self):
        """The checks that block the launch."""
        return [check for check in self.checks if check.level == "stop"]

    @property
    def receiving(self):
        """Recipients of the whole audience, extrapolated if only a part was counted."""
        return self.audience.scale_count(len(self.audience.receiving)) if self.audience else 0


class WabaCampaign(models.Model):
    _inherit = "waba.campaign"

    # === Report ===
    # A line is one method `_preflight_<line>(report)` that returns its checks. Nothing is stored:
    # the launch runs it again.

    def _preflight_report(self):
        """`PreflightReport` of the campaign as it is now, worst lines first."""
        self.ensure_one()
        report = PreflightReport(fields.Datetime.now())
        messages = [template for template, _lines in self._variant_messages().values()]
        if self.sender_id and all(template.components for template in messages):
            report.audience = self._dry_run()
        for line in preflight.LINES:
            report.checks += getattr(self, f"_preflight_{line}")(report)
        report.checks.sort(key=lambda check: preflight.line_order(check.line, check.level))
        return report

    def _preflight_check(self, line, verdict, *, record_ids=(), records=None, **values):
        """A `PreflightCheck` with its sentence; integers are formatted for the reader.

        :param verdict: (level, case) of policy/preflight*.py
        :param record_ids: ids of the audience's model, which can also be excluded from it
        """
        options = {name: values.pop(name, "") for name in ("key", "mend")}
        texts = {
            name: format_number(self.env, value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        # A lazy text gets its values after the translation, not with it.
        pattern = self.env._(SENTENCES[line][verdict.case])
        if record_ids:
            records = self.env[self.res_model].browse(record_ids)
        return PreflightCheck(
            line,
            *verdict,
            pattern % texts,
            records=records,
            leaves_out=bool(record_ids) and self.state == "draft",
            **options,
        )

    # === Message and number ===

    def _preflight_template(self, report):
        checks = []
        for template in self._templates_in_use() or [self.env["waba.template"]]:
            why = template and template._not_sendable_reason()
            rating = template.quality_score or "unknown"
            verdict = preflight.assess_template(bool(template), not why, rating)
            texts = {"template": template.display_name, "why": why}
            checks.append(self._preflight_check("template", verdict, mend="template", **texts))
        return checks

    def _preflight_category(self, report):
        return [self._check_category(template) for template in self._templates_in_use()]

    def _check_category(self, template):
        announcement = self.env["waba.reputation.event"].search(
            [("template_id", "=", template.id), ("kind", "=", "template_category")],
            order="at desc, id desc",
            limit=1,
        )
        labels = selection_labels(template, "category")
        return self._preflight_check(
            "category",
            preflight.assess_category(template.category, announcement.value_after or ""),
            current=labels[template.category],
            announced=labels.get(announcement.value_after, announcement.value_after),
            mend="template",
        )

    def _preflight_way_out(self, report):
        checks = []
        for template, lines in self._variant_messages().values():
            if not template:
                continue
            preview = template._render_preview({})
            payloads = lines.filtered(lambda line: line.kind == "payload").mapped("text")
            verdict = preflight.assess_opt_out_hint(
                template.category,
                preflight.has_opt_out_button([text for _type, text in preview.buttons], payloads),
                preflight.mentions_opt_out(f"{preview.body}\n{preview.footer}"),
            )
            checks.append(self._preflight_check("way_out", verdict, mend="template"))
        return checks

    def _preflight_personal(self, report):
        audience = report.audience
        try:
            why = self._check_variables() if self.template_id else None
        except UserError as error:
            why = str(error)
        missing = audience.left_out.get("missing_value", []) if audience else []
        receiving = len(audience.receiving) if audience else 0
        fallback = [one.record_id for one in audience.receiving if one.shows_fallback] if (
            audience
        ) else []  # fmt: skip
        verdict = preflight.assess_personalization(
            not why, len(self._personal_variables()), len(missing), len(fallback), receiving
        )
        ids = missing or fallback
        return [
            self._preflight_check(
                "personal",
                verdict,
                record_ids=ids if not why else (),
                why=why,
                count=len(ids),
                receiving=receiving,
                chosen=audience.counted if audience else 0,
                mend="variables",
            )
        ]

    def _personal_variables(self):
        """Variables whose text may differ between recipients."""
        return (self.variable_ids | self.b_variable_ids).filtered(
            lambda line: line.kind == "text" and line.source not in ("text", "our_company")
        )

    def _preflight_sender(self, report):
        sender = self.sudo().sender_id
        account, marketing = sender.account_id, self.category == "marketing"
        wrong = self._sender_mismatch()
        until = account.restricted_until
        held = marketing and sender and sender._marketing_hold_reason()
        verdict = preflight.assess_sender(
            is_chosen=bool(sender),
            is_of_account=not wrong or wrong[0] != "other_account",
            is_connected=not wrong or wrong[0] != "not_connected",
            is_archived=not (sender.active and account.active),
            is_restricted=bool(account.restriction and (not until or until > report.now)),
            is_locked=sender.state == "locked",
            is_stopped_by_meta=sender.state == "paused" and sender.pause_cause == "platform",
            is_held=bool(held),
            waits=bool(sender and sender._not_sending_reason()),
            rating=sender.quality_rating or "unknown",
            level=sender.reputation_level or "unknown",
            is_warming_up=bool(sender.warm_up_people),
            is_slowed=sender.state == "slowed",
        )
        return [
            self._preflight_check(
                "sender", verdict, mend="sender", **self._sender_texts(wrong, held)
            )
        ]

    def _sender_texts(self, wrong, held):
        """Values for the sentences about the number."""
        sender = self.sudo().sender_id
        ratings = selection_labels(sender, "quality_rating")
        levels = selection_labels(sender, "reputation_level")
        not_sending = sender and sender._not_sending_reason()
        return {
            "number": sender.display_phone_number or sender.display_name,
            "why": (wrong and wrong[1]) or not_sending or held or sender.response_reason or "",
            "restriction": sender.account_id.restriction,
            "rating": ratings.get(sender.quality_rating, ""),
            "level": levels.get(sender.reputation_level, ""),
            "reading": sender.reputation_reason or sender.reputation_base_text or "",
            "people": sender.warm_up_limit_now or 0,
        }

    def _sender_mismatch(self):
        """(case, sentence) if the number does not fit the template or is not connected; or None."""
        template, sender = self.template_id, self.sudo().sender_id
        if template and sender and template.account_id != sender.account_id:
            return "other_account", self.env._(
                "The template %(template)s belongs to another WhatsApp account than the number "
                "%(number)s. Choose a number of %(account)s.",
                template=template.display_name,
                number=sender.display_name,
                account=template.sudo().account_id.name,
            )
        if sender and sender.account_id.state == "draft":
            return "not_connected", self.env._(
                "The account of %s is not connected yet. An administrator connects it under "
                "WhatsApp → Configuration → Accounts.",
                sender.display_name,
            )
        return None

    # === Recipients ===

    def _preflight_reach(self, report):
        audience = report.audience
        if not audience:
            return []
        receiving = len(audience.receiving)
        verdict = preflight.assess_reach(audience.counted, receiving)
        ids = [one.record_id for one in audience.receiving]
        records = self.env[self.res_model].browse(ids) if ids else None
        return [
            self._preflight_check(
                "reach", verdict, records=records, receiving=receiving, chosen=audience.counted
            )
        ]

    def _preflight_left_out(self, report):
        audience = report.audience
        if not audience:
            return []
        labels = selection_labels(self.env["waba.message"], "failure_type")
        reasons = [
            (reason, audience.left_out[reason])
            for reason, _label in EXCLUSION_REASONS
            if reason in audience.left_out and reason not in LINES_BY_REASON
        ]
        return [
            self._preflight_check(
                "left_out",
                preflight.assess_exclusion(len(ids)),
                key=reason or "",
                record_ids=ids,
                count=len(ids),
                chosen=audience.counted,
                reason=labels.get(reason, ""),
            )
            for reason, ids in reasons or [(None, [])]
        ]

    def _preflight_consent(self, report):
        audience = report.audience
        if not audience:
            return []
        without = audience.left_out.get("no_opt_in", [])
        unknown = audience.record_ids(lambda _one, history: not history.opted_in)
        verdict = preflight.assess_consent(
            self.category, len(audience.receiving), len(unknown), len(without)
        )
        ids = {"unknown": unknown, "left_out": without, "none": without}.get(verdict.case, [])
        return [
            self._preflight_check(
                "consent",
                verdict,
                record_ids=ids,
                count=len(ids),
                receiving=len(audience.receiving),
                chosen=audience.counted,
            )
        ]

    def _preflight_countries(self, report):
        audience = report.audience
        if not audience:
            return []
        unserved = audience.left_out.get("country", [])
        anyway = [
            one.record_id
            for one in audience.receiving
            if one.country_code == "US" and self.category == "marketing"
        ]
        verdict = preflight.assess_countries(audience.counted, len(unserved), len(anyway))
        ids = unserved or anyway
        return [
            self._preflight_check(
                "countries",
                verdict,
                record_ids=ids,
                count=len(ids),
                chosen=audience.counted,
                countries=self._country_names(self._number_countries(unserved)),
                mend="settings" if verdict.case == "sent_anyway" else "",
            )
        ]

    def _number_countries(self, record_ids):
        """Country codes of these records' numbers, most frequent first."""
        records = self.sudo()._audience_records().browse(record_ids)
        found = Counter(self._record_country_code(record) for record in records)
        return [code for code, _count in found.most_common() if code]

    def _country_names(self, codes, at_most=3):
        """'Cuba, Iran…', in the reader's language."""
        countries = self.env["res.country"].search([("code", "in", codes[:at_most])])
        names = {country.code: country.name for country in countries}
        text = ", ".join(names.get(code, code) for code in codes[:at_most])
        return f"{text}…" if len(codes) > at_most else text

    def _preflight_renumbered(self, report):
        audience = report.audience
        if not audience:
            return []
        people = audience.left_out.get("renumbered", [])
        return [
            self._preflight_check(
                "renumbered",
                preflight.assess_renumbered(len(people)),
                record_ids=people,
                count=len(people),
                chosen=audience.counted,
            )
        ]

    def _preflight_frequency(self, report):
        audience = report.audience
        if not audience:
            return []
        people, company = audience.left_out.get("frequency", []), self.sudo().company_id
        return [
            self._preflight_check(
                "frequency",
                preflight.assess_frequency(len(people)),
                record_ids=people,
                count=len(people),
                chosen=audience.counted,
                most=company.waba_frequency_count,
                days=company.waba_frequency_days,
                mend="settings",
            )
        ]

    def _preflight_hours(self, report):
        audience = report.audience
        if not audience:
            return []
        waiting = [one for one in audience.receiving if one.not_before]
        last = max((one.not_before for one in waiting), default=None)
        return [
            self._preflight_check(
                "hours",
                preflight.assess_quiet_hours(len(waiting)),
                record_ids=[one.record_id for one in waiting],
                count=len(waiting),
                receiving=len(audience.receiving),
                when=self._format_datetime(last) if last else "",
            )
        ]

    def _preflight_new_contacts(self, report):
        audience = report.audience
        if not audience:
            return []
        new = audience.record_ids(lambda _one, history: not history.written_at)
        cold = audience.record_ids(
            lambda _one, history: not (history.written_at or history.opted_in)
        )
        receiving = len(audience.receiving)
        verdict = preflight.assess_new_contacts(self.category, receiving, len(new), len(cold))
        ids = cold if verdict.case == "cold" else new
        return [
            self._preflight_check(
                "new_contacts", verdict, record_ids=ids, count=len(ids), receiving=receiving
            )
        ]

    def _preflight_inactive(self, report):
        audience = report.audience
        if not audience:
            return []
        silent = audience.record_ids(lambda _one, history: audience.is_silent(history))
        receiving = len(audience.receiving)
        return [
            self._preflight_check(
                "inactive",
                preflight.assess_inactive(receiving, len(silent)),
                record_ids=silent,
                count=len(silent),
                receiving=receiving,
                days=preflight.INACTIVITY_PERIOD.days,
            )
        ]
