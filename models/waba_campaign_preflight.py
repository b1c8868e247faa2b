from dataclasses import dataclass, field

from odoo import fields, models
from odoo.exceptions import UserError

from ..policy import preflight
from .labels import selection_labels
from .waba_campaign_preflight_words import SENTENCES
from .waba_failure import EXCLUSION_REASONS
from .waba_reputation_words import format_number

# Reasons to leave people out that have a line of their own.
LINES_BY_REASON = {
    "missing_value": "personal",
    "country": "countries",
    "no_opt_in": "consent",
    "frequency": "frequency",
    "renumbered": "renumbered",
}


@dataclass
class PreflightCheck:
    """One line of the pre-flight.

    line, case: as in policy/preflight*.py; level: 'pass', 'warn' or 'stop'
    key: tells lines of one kind apart, such as the reasons to be excluded
    records: what [Show] opens, a recordset; leaves_out: whether [Leave out] takes them off the
        audience
    mend: another way to fix it, a key of waba.preflight.line's `mend`
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
        """As a manager's reason names it."""
        return f"{self.line}.{self.case}"

    @property
    def can_be_overridden(self):
        return self.level == "stop" and preflight.can_be_overridden(self.line, self.case)


@dataclass
class PreflightReport:
    """What the lines are judged by, and the lines.

    audience: a DryRun, None while it cannot be known; forecast: policy.pacing.Forecast or None;
    costs: waba_campaign_outlook.Costs or None; expected: (least, most) opt-outs or None
    """

    now: object
    audience: object = None
    forecast: object = None
    costs: object = None
    expected: tuple | None = None
    checks: list = field(default_factory=list)

    @property
    def blockers(self):
        return [check for check in self.checks if check.level == "stop"]

    @property
    def receiving(self):
        return self.audience.scale_count(len(self.audience.receiving)) if self.audience else 0


class WabaCampaign(models.Model):
    """What is checked before a launch: each line says pass, warn or stop, with the rows behind it.

    A line is one small method `_preflight_<line>`; policy/preflight*.py judges it.
    `_preflight_report()` is all of them, worst first. Nothing is kept: the launch asks again
    (waba_campaign_approval.py).
    """

    _inherit = "waba.campaign"

    def _preflight_report(self):
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
        """A Check with its sentence; integers are written in the reader's format.

        :param record_ids: ids of the audience's model, which can be excluded of it too
        """
        options = {name: values.pop(name, "") for name in ("key", "mend")}
        words = {
            name: format_number(self.env, value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        # A lazy text takes its values when it is written, not when it is translated.
        pattern = self.env._(SENTENCES[line][verdict.case])
        if record_ids:
            records = self.env[self.res_model].browse(record_ids)
        return PreflightCheck(
            line,
            *verdict,
            pattern % words,
            records=records,
            leaves_out=bool(record_ids) and self.state == "draft",
            **options,
        )

    # ------------------------------------------------------------------
    # The message and the number
    # ------------------------------------------------------------------

    def _preflight_template(self, report):
        checks = []
        for template in self._templates_in_use() or [self.env["waba.template"]]:
            why = template and template._not_sendable_reason()
            rating = template.quality_score or "unknown"
            verdict = preflight.assess_template(bool(template), not why, rating)
            words = {"template": template.display_name, "why": why}
            checks.append(self._preflight_check("template", verdict, mend="template", **words))
        return checks

    def _preflight_category(self, report):
        return [self._check_category(template) for template in self._templates_in_use()]

    def _check_category(self, template):
        told = self.env["waba.reputation.event"].search(
            [("template_id", "=", template.id), ("kind", "=", "template_category")],
            order="at desc, id desc",
            limit=1,
        )
        labels = selection_labels(template, "category")
        return self._preflight_check(
            "category",
            preflight.assess_category(template.category, told.value_after or ""),
            current=labels[template.category],
            announced=labels.get(told.value_after, told.value_after),
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
        """What the sentences of the number may say."""
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

    # ------------------------------------------------------------------
    # The people
    # ------------------------------------------------------------------

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
        """Variables whose text may differ from person to person."""
        return (self.variable_ids | self.b_variable_ids).filtered(
            lambda line: line.kind == "text" and line.source not in ("text", "our_company")
        )

    def _sender_mismatch(self):
        """(case, sentence) when the number does not fit the template or is not connected."""
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
