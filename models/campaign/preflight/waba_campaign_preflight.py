"""Pre-flight: the lines about message, number and recipients, and the report of all lines.

Called by wizard/waba_preflight.py and by `_check_preflight`; policy/preflight*.py assesses.
"""

from collections import Counter
from dataclasses import dataclass, field

from odoo import fields, models
from odoo.exceptions import UserError

from ....policy import preflight
from ...base.waba_failure import EXCLUSION_REASONS
from ...tools.labels import language_name, selection_labels
from ...tools.moments import moment_text
from ...tools.reputation_texts import format_number
from ..waba_campaign_language import count_languages
from .preflight_texts import SENTENCES

# Fixes of exclusion reasons: what to change so that these people are not excluded.
FIXES_BY_REASON = {"missing_value": "variables", "bad_value": "variables", "frequency": "settings"}


@dataclass
class PreflightCheck:
    """One line of the pre-flight.

    line, case: as in policy/preflight*.py; level: 'pass', 'warn' or 'stop'
    key: distinguishes lines of one kind, such as the exclusion reasons
    records: recordset that [Show] opens; leaves_out: whether [Exclude] is offered for it
    mend: key of the fix that is offered, as in waba.preflight.line; mend_id: id of what it opens
    count: records of a part; parts: PreflightChecks that the line opens into
    """

    line: str
    level: str
    case: str
    sentence: str
    key: str = ""
    records: models.BaseModel | None = None
    leaves_out: bool = False
    mend: str = ""
    mend_id: int = 0
    count: int = 0
    parts: list = field(default_factory=list)

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

    audience: a `DryRun`, None while message or number are missing or unfinished: what is counted
    then would be wrong; forecast: policy.pacing.Forecast or None; delay: Delay of the first message
    or None; leaving_now: messages that need no slot; costs: waba_campaign_outlook.Costs or None;
    expected: (least, most) opt-outs or None
    """

    now: object
    audience: object = None
    forecast: object = None
    delay: object = None
    leaving_now: int = 0
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
        is_complete = all(template.components for template in messages)
        if self.sender_id and is_complete and not self._unfinished_reason():
            report.audience = self._dry_run()
        for line in preflight.LINES:
            for check in getattr(self, f"_preflight_{line}")(report):
                # Variants that say the same say it once.
                if check not in report.checks:
                    report.checks.append(check)
        report.checks.sort(key=lambda check: preflight.line_order(check.line, check.level))
        return report

    def _preflight_check(self, line, verdict, *, record_ids=(), records=None, among=0, **values):
        """A `PreflightCheck` with its sentence; integers are formatted for the reader.

        :param verdict: (level, case) of policy/preflight*.py
        :param record_ids: ids of the audience's model
        :param among: recipients; if these records are fewer, they can also be excluded
        """
        options = {name: values.pop(name) for name in ("key", "mend", "mend_id") if name in values}
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
            (pattern % texts).strip(),
            records=records,
            leaves_out=0 < len(record_ids) < among and self.state == "draft",
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
        if why := self._unfinished_reason():
            fix = {"mend": "variables", "mend_id": self._unfinished_variable().id}
            if not fix["mend_id"]:
                fix = {"mend": "template"}
            verdict = preflight.assess_personalization(False, 0, 0, 0, 0)
            return [self._preflight_check("personal", verdict, why=why, **fix)]
        if not audience:
            return []
        missing, receiving = audience.left_out.get("missing_value", []), len(audience.receiving)
        fallback = [one.record_id for one in audience.receiving if one.shows_fallback]
        verdict = preflight.assess_personalization(
            True, len(self._personal_variables()), len(missing), len(fallback), receiving
        )
        if not receiving and verdict.level == "pass":
            return []
        is_missing = verdict.case == "mostly_missing"
        ids = missing if is_missing else fallback
        variable = self._empty_variable(missing if is_missing else [])
        return [
            self._preflight_check(
                "personal",
                verdict,
                record_ids=ids,
                among=len(ids) + 1 if is_missing and receiving else receiving,
                count=len(ids),
                receiving=receiving,
                chosen=audience.counted,
                variable=variable._placeholder_label() if variable else "",
                mend="variables" if variable else "",
                mend_id=variable.id,
            )
        ]

    def _preflight_languages(self, report):
        if not self.by_language or not report.audience:
            return []
        keys = [one.message for one in report.audience.receiving]
        repeated = self.language_ids._repeated_texts()
        default = self.template_id.language
        return [
            self._preflight_check(
                "languages",
                preflight.assess_languages(len(self.language_ids), len(repeated)),
                counts=self._describe_languages(keys),
                default=language_name(self.env, default),
                variable=repeated[:1]._placeholder_label() if repeated else "",
                mend="variables" if repeated else "",
                mend_id=repeated[:1].id,
            )
        ]

    def _describe_languages(self, keys):
        """'Spanish 412, English 96' of these keys of `_variant_messages`."""
        return ", ".join(
            f"{name} {format_number(self.env, count)}"
            for name, count in count_languages(self, keys)
        )

    def _unfinished_reason(self):
        """What is missing in the variables, as a sentence; False if nothing is."""
        if not self.template_id:
            return False
        try:
            self._check_variables()
        except UserError as error:
            return str(error)
        return False

    def _filled_variables(self):
        """The variables of the messages in use."""
        lines = self.variable_ids | self._languages_in_use().variable_ids
        return lines | self.b_variable_ids.filtered(lambda _line: self.ab_test)

    def _unfinished_variable(self):
        """The first variable that makes the message unfinished; none if the template changed."""
        lines = self._filled_variables()
        return (
            lines.filtered(lambda line: not line._is_complete())[:1]
            or lines.filtered(lambda line: line.source == "link")[:1]
            or lines.filtered(lambda line: line.source == "field")[:1]
        )

    def _empty_variable(self, record_ids):
        """The first variable that is empty for the first of these records."""
        record = self.env[self.res_model].browse(record_ids[:1])
        facts = record and record._waba_person_facts()
        return self._filled_variables().filtered(
            lambda line: record and line.kind != "payload" and not line._record_value(record, facts)
        )[:1]

    def _personal_variables(self):
        """Variables whose text may differ between recipients."""
        return self._filled_variables().filtered(
            lambda line: (
                line.kind == "text" and line.source not in ("text", "our_company", "preferences")
            )
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
                "sender",
                verdict,
                mend=self._sender_fix(verdict.level),
                mend_id=sender.id,
                **self._sender_texts(wrong, held),
            )
        ]

    def _sender_fix(self, level):
        """Key of the fix: another number that would be better; or this one, to release it.

        :param level: of the line about the number
        """
        sender = self.sudo().sender_id
        others = self.env["waba.sender"].sudo().search(
            [("company_id", "=", self.company_id.id), ("id", "!=", sender.id)]
        )  # fmt: skip
        account = self.template_id.sudo().account_id
        if others.filtered(
            lambda one: (
                not one._not_sending_reason()
                and (not account or one.account_id == account)
                and (level == "stop" or _is_unimpaired(one))
            )
        ):
            return "sender"
        return "number" if sender and sender._can_be_released() else ""

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
                "%(template)s belongs to another WhatsApp account than %(number)s. Choose a number "
                "of %(account)s.",
                template=template.display_name,
                number=sender.display_name,
                account=template.sudo().account_id.name,
            )
        if sender and sender.account_id.state == "draft":
            return "not_connected", self.env._(
                "The account of %s is not connected yet. An administrator connects it under "
                "Configuration → Accounts.",
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
        excluded = _by_size(audience.left_out)
        labels = self._exclusion_labels()
        return [
            self._preflight_check(
                "reach",
                verdict,
                records=records,
                receiving=receiving,
                chosen=audience.counted,
                count=len(excluded[0][1]) if excluded else 0,
                reason=labels.get(excluded[0][0], "") if excluded else "",
            )
        ]

    def _exclusion_labels(self):
        return selection_labels(self.env["waba.message"], "failure_type")

    def _preflight_left_out(self, report):
        audience = report.audience
        if not audience or not audience.counted:
            return []
        ids = [id_ for found in audience.left_out.values() for id_ in found]
        check = self._preflight_check(
            "left_out",
            preflight.assess_exclusion(len(ids)),
            record_ids=ids,
            count=len(ids),
            chosen=audience.counted,
        )
        labels = self._exclusion_labels()
        check.parts = [
            self._exclusion_part(reason, found, labels.get(reason, reason))
            for reason, found in _by_size(audience.left_out)
        ]
        return [check]

    def _exclusion_part(self, reason, record_ids, label):
        """The part of the line about exclusions that is about one reason."""
        mend = FIXES_BY_REASON.get(reason, "")
        variable = self._empty_variable(record_ids) if reason == "missing_value" else None
        if mend == "variables":
            variable = variable or self._personal_variables()[:1]
        return PreflightCheck(
            "left_out",
            "warn",
            "some",
            f"{label}: {variable._placeholder_label()}" if reason == "missing_value" and variable
            else label,
            key=reason,
            records=self.env[self.res_model].browse(record_ids),
            mend=mend if mend != "variables" or variable else "",
            mend_id=variable.id if variable else 0,
            count=len(record_ids),
        )  # fmt: skip

    def _preflight_consent(self, report):
        audience = report.audience
        if not audience:
            return []
        receiving = len(audience.receiving)
        without = audience.left_out.get("no_opt_in", [])
        unknown = audience.record_ids(lambda _one, history: not history.opted_in)
        verdict = preflight.assess_consent(self.category, receiving, len(unknown), len(without))
        if not receiving and verdict.case == "everybody":
            return []
        ids = {"unknown": unknown, "none": without}.get(verdict.case, [])
        return [
            self._preflight_check(
                "consent",
                verdict,
                record_ids=ids,
                among=receiving,
                count=len(ids),
                receiving=receiving,
                chosen=audience.counted,
            )
        ]

    def _preflight_topic(self, report):
        audience = report.audience
        topics = self.env["waba.topic"].search_count(
            [("company_id", "=", self.company_id.id)], limit=1
        )
        if not audience or not topics or self.category != "marketing":
            return []
        closed_one = audience.record_ids(lambda _one, past: past.closed_a_topic)
        verdict = preflight.assess_topic(bool(self.topic_id), len(closed_one))
        excluded = audience.left_out.get("topic_closed", [])
        opted_in = len(audience.record_ids(lambda _one, past: past.opted_in))
        receiving = len(audience.receiving)
        is_missing = verdict.case == "missing"
        return [
            self._preflight_check(
                "topic",
                verdict,
                record_ids=closed_one if is_missing else [],
                among=receiving if is_missing else 0,
                topic=self.topic_id.name or "",
                opted_in=opted_in,
                unknown=receiving - opted_in,
                count=len(closed_one) if is_missing else len(excluded),
                receiving=receiving,
                chosen=audience.counted,
                mend="topic" if is_missing else "",
            )
        ]

    def _preflight_countries(self, report):
        audience = report.audience
        if not audience:
            return []
        receiving, unserved = len(audience.receiving), audience.left_out.get("country", [])
        anyway = [
            one.record_id
            for one in audience.receiving
            if one.country_code == "US" and self.category == "marketing"
        ]
        verdict = preflight.assess_countries(audience.counted, len(unserved), len(anyway))
        if not receiving and verdict.level == "pass":
            return []
        ids = unserved if verdict.case == "most" else anyway
        return [
            self._preflight_check(
                "countries",
                verdict,
                record_ids=ids,
                among=len(ids) + receiving if verdict.case == "most" else receiving,
                count=len(ids),
                receiving=receiving,
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

    def _preflight_hours(self, report):
        audience = report.audience
        if not audience or not audience.receiving:
            return []
        waiting = [one for one in audience.receiving if one.not_before]
        last = max((one.not_before for one in waiting), default=None)
        return [
            self._preflight_check(
                "hours",
                preflight.assess_quiet_hours(len(waiting)),
                record_ids=[one.record_id for one in waiting],
                among=len(audience.receiving),
                count=len(waiting),
                receiving=len(audience.receiving),
                when=moment_text(self.env, last) if last else "",
            )
        ]

    def _preflight_new_contacts(self, report):
        audience = report.audience
        if not audience or not audience.receiving:
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
                "new_contacts",
                verdict,
                record_ids=ids,
                among=receiving,
                count=len(ids),
                receiving=receiving,
            )
        ]

    def _preflight_inactive(self, report):
        audience = report.audience
        if not audience or not audience.receiving:
            return []
        silent = audience.record_ids(lambda _one, history: audience.is_silent(history))
        receiving = len(audience.receiving)
        return [
            self._preflight_check(
                "inactive",
                preflight.assess_inactive(receiving, len(silent)),
                record_ids=silent,
                among=receiving,
                count=len(silent),
                receiving=receiving,
                days=preflight.INACTIVITY_PERIOD.days,
            )
        ]


def _by_size(excluded):
    """[(reason, record ids)], the most frequent reason first.

    :param excluded: {reason: [record ids]}
    """
    order = [reason for reason, _label in EXCLUSION_REASONS]
    return sorted(excluded.items(), key=lambda one: (-len(one[1]), order.index(one[0])))


def _is_unimpaired(sender):
    """Whether the pre-flight would have nothing to say about this number."""
    return (
        sender.state not in ("slowed", "paused", "locked")
        and not sender.warm_up_people
        and sender.quality_rating not in ("yellow", "red")
        and sender.reputation_level not in ("watch", "at_risk")
    )
