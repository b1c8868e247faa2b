"""Figures in docs/*.md are those of the code, and each names its constant."""

import re
from datetime import timedelta
from pathlib import Path

from odoo.addons.waba_campaign.cloud_api.outgoing import TIMEOUT as OUTGOING_TIMEOUT
from odoo.addons.waba_campaign.models.analytics import (
    waba_attribution_due,
    waba_message_cost,
    waba_message_daily,
)
from odoo.addons.waba_campaign.models.base import waba_account_sync, waba_reputation_event
from odoo.addons.waba_campaign.models.campaign import (
    waba_campaign as waba_campaign_state,
)
from odoo.addons.waba_campaign.models.campaign import (
    waba_campaign_audience,
)
from odoo.addons.waba_campaign.models.campaign.preflight import (
    waba_campaign_outlook as waba_campaign_dry_run,
)
from odoo.addons.waba_campaign.models.campaign.preflight import (
    waba_campaign_outlook as waba_campaign_preflight_outlook,
)
from odoo.addons.waba_campaign.models.consent import waba_preference
from odoo.addons.waba_campaign.models.conversation import (
    waba_conversation_dialog,
    waba_message_inbound,
    waba_public_api,
)
from odoo.addons.waba_campaign.models.conversation import (
    waba_conversation_thread as waba_conversation_view,
)
from odoo.addons.waba_campaign.models.dispatch import (
    waba_budget,
    waba_document,
    waba_sender_dispatch,
    waba_sender_reserve,
)
from odoo.addons.waba_campaign.models.dispatch import (
    waba_message_queue as waba_message_test,
)
from odoo.addons.waba_campaign.models.integration import waba_outgoing_event
from odoo.addons.waba_campaign.models.optin import waba_optin_visit
from odoo.addons.waba_campaign.models.privacy import (
    waba_message_privacy as waba_message_retention,
)
from odoo.addons.waba_campaign.models.reputation import waba_template_comparison
from odoo.addons.waba_campaign.models.sequence import (
    waba_sequence_enroll as waba_sequence_trigger,
)
from odoo.addons.waba_campaign.models.sequence import (
    waba_sequence_run,
    waba_sequence_step,
)
from odoo.addons.waba_campaign.models.tools import job_turns as job_marks
from odoo.addons.waba_campaign.models.webhook import waba_webhook_apply
from odoo.addons.waba_campaign.policy import (
    ab_test,
    attribution,
    auto_reply,
    canary,
    cost,
    fallback,
    media,
    optin,
    outgoing,
    pacing,
    preflight,
    preflight_outlook,
    reputation_rates,
    reputation_score,
    reputation_trend,
    requirements,
    response,
    standby,
)
from odoo.addons.waba_campaign.wizard import waba_reconfirm
from odoo.tests import TransactionCase

DOCS = Path(__file__).parents[2] / "docs"
CONSTANT = re.compile(r"`([A-Z][A-Z_]+)`")
# Written alike: what people send, payloads, an HTTP method, a variable of glibc's, Meta's values.
NO_CONSTANTS = {
    "BAJA", "END", "HEAD", "MALLOC_ARENA_MAX", "STOOOP", "WABA_RESUME", "WABA_STOP",
    "CLOUD_API_FALLBACK", "ELIGIBLE", "MM_LITE_TERMS_SIGNED", "ONBOARDED", "OPT_IN", "OPT_OUT",
    "STRICT",
}  # fmt: skip
SETTINGS = response.DEFAULTS
REQUIREMENTS = requirements.REQUIREMENTS


def days(duration):
    return duration.days


def hours(duration):
    return int(duration.total_seconds() // 3600)


def percent(share):
    return f"{share * 100:g} %"


# file: sentences, each with the figures of the code in it.
SENTENCES = {
    "conversations.md": [
        ("within {} days, `REPLY_PERIOD`", days(waba_message_inbound.REPLY_PERIOD)),
        ("within the next {} hour (`GATHER_PERIOD`)", hours(waba_message_inbound.GATHER_PERIOD)),
        ("{} at a time (`PAGE`)", waba_conversation_view.PAGE),
        ("after {} days (`INBOUND_LIFE`)", days(media.INBOUND_LIFE)),
        ("at most {} in 24 hours (`MAX_PER_DAY`)", auto_reply.MAX_PER_DAY),
        ("within {} hour of the message (`ANSWER_PERIOD`)", hours(auto_reply.ANSWER_PERIOD)),
    ],
    "coexistence.md": [
        ("at the latest {} hours after the last report (`HOLD_PERIOD`)",
         hours(standby.HOLD_PERIOD)),
    ],
    "api.md": [
        ("up to {} characters", waba_public_api.MAX_API_KEY),
        ("for about {} days", days(sum(outgoing.RETRY_DELAYS, timedelta()) + timedelta(hours=2))),
        ("`RETRY_DELAYS`",),
        ("for {} hours (`PAUSE_AFTER`)", hours(outgoing.PAUSE_AFTER)),
        ("after {} days (`KEEP`)", days(waba_outgoing_event.KEEP)),
        ("within {} seconds", OUTGOING_TIMEOUT[1]),
    ],
    "followups.md": [
        ("the last {} days (`QUOTATION_PERIOD`)", days(waba_sequence_trigger.QUOTATION_PERIOD)),
        ("chunks of {} (`CHUNK`)", waba_sequence_run.CHUNK),
        ("after {} attempts (`MAX_ERRORS`)", waba_sequence_run.MAX_ERRORS),
        ("every {} hours (`DATE_RECHECK`)", hours(waba_sequence_step.DATE_RECHECK)),
    ],
    "sending.md": [
        ("up to {} marked records (`MAX_PEOPLE`)", waba_conversation_dialog.MAX_PEOPLE),
        ("deleted {} days later (`FILE_LIFE`)", days(waba_document.FILE_LIFE)),
        ("at most {} days", fallback.MAX_HOURS // 24),
    ],
    "money.md": [
        ("within {} day of delivery (`WAIT_FOR_PRICE`)", days(waba_message_cost.WAIT_FOR_PRICE)),
        ("fewer than {} (`MIN_PRICED`)", attribution.MIN_PRICED),
        ("{}, `DEFAULT_DAYS`", attribution.DEFAULT_DAYS),
        ("up to {} %, `MAX_HOLDOUT_PERCENT`", waba_campaign_audience.MAX_HOLDOUT_PERCENT),
        ("below {} leads in either group (`MIN_COMPARED`)", attribution.MIN_COMPARED),
        ("final after {} days (`OPEN_DAYS`)", waba_message_daily.OPEN_DAYS),
        ("in the last {} days (`LONG_LOOKBACK`)", days(waba_attribution_due.LONG_LOOKBACK)),
        ("the first {:,} (`FREE_SERVICE_MESSAGES`)", cost.FREE_SERVICE_MESSAGES),
        ("within the next {} days (`MAX_DELIVERY_TIME`)", days(waba_budget.MAX_DELIVERY_TIME)),
        ("held back, for {} days", days(waba_budget.MAX_DELIVERY_TIME)),
        ("`MONTHS`",),
    ],
    "consent.md": [
        ("After {} changes in an hour (`MAX_CHANGES`)", waba_preference.MAX_CHANGES),
        ("at most {} (`MAX_PEOPLE`)", waba_reconfirm.MAX_PEOPLE),
    ],
    "optin.md": [
        ("At most {} other words (`MAX_OTHER_WORDS`)", optin.MAX_OTHER_WORDS),
        ("for {} hours (`FORM_LIFE`)", hours(waba_optin_visit.FORM_LIFE)),
        ("cleared after those {} hours", hours(waba_optin_visit.FORM_LIFE)),
        ("{} forms an hour (`FORMS_PER_HOUR`)", waba_optin_visit.FORMS_PER_HOUR),
        ("{} characters (`MAX_TEXT`)", optin.MAX_TEXT),
    ],
    "preflight.md": [
        ("the first {:,} records (`DRY_RUN_RECORDS`)", waba_campaign_dry_run.DRY_RUN_RECORDS),
        ("fewer than {} records (`MIN_CHECKED`)", preflight.MIN_CHECKED),
        ("by more than {} minutes (`START_TOLERANCE`)",
         int(preflight_outlook.START_TOLERANCE.total_seconds() // 60)),
        ("the last {} days (`PAST_PERIOD`)", days(waba_campaign_preflight_outlook.PAST_PERIOD)),
        ("fewer than {} messages of them were delivered (`MIN_VOLUME`)",
         reputation_rates.MIN_VOLUME),
        ("`NOTICEABLE_SHARE`",),
        ("{:,} or more, half of all, never contacted", preflight.MANY_NEW_CONTACTS),
        ("`MANY_NEW_CONTACTS`",),
        ("neither read nor wrote for {} days", days(preflight.INACTIVITY_PERIOD)),
        ("`INACTIVITY_PERIOD`",),
        ("{} to {} days | more than {} days; never", preflight_outlook.LONG_DAYS,
         *[preflight_outlook.TOO_LONG_DAYS] * 2),
        ("`LONG_DAYS`, `TOO_LONG_DAYS`",),
        ("below {} before", percent(preflight_outlook.OPT_OUT_WARN)),
        ("certainly {} or more (Wilson, 90 %)", percent(preflight_outlook.OPT_OUT_STOP)),
        ("`OPT_OUT_WARN`, `OPT_OUT_STOP`",),
    ],
    "reliability.md": [
        ("up to {:,} records (`CHUNK`)", waba_campaign_audience.CHUNK),
        ("{} seconds of sending at a time (`SUBMITTED_SECONDS`)",
         waba_sender_dispatch.SUBMITTED_SECONDS),
        ("{} seconds of sending, the requests under way", waba_sender_dispatch.SUBMITTED_SECONDS),
        ("({} seconds of sending) may leave", waba_sender_dispatch.SUBMITTED_SECONDS),
        ("up to {} (`RESULTS_PER_COMMIT`)", waba_sender_dispatch.RESULTS_PER_COMMIT),
        ("up to {:,} bodies in one transaction (`BATCH`)", waba_webhook_apply.BATCH),
        ("at most {:g} seconds after the reservation (`AHEAD_SECONDS`, `CONNECT_TIMEOUT`, "
         "`READ_TIMEOUT`, twice `LEASE_MARGIN`)",
         waba_sender_dispatch.AHEAD_SECONDS + waba_sender_reserve.CONNECT_TIMEOUT
         + waba_sender_reserve.READ_TIMEOUT + 2 * waba_sender_reserve.LEASE_MARGIN),
        ("half speed for {:g} seconds (`SLOWED_PERIOD`)", pacing.SLOWED_PERIOD.total_seconds()),
    ],
    "reputation.md": [
        ("not delivered for {} days (`SILENCE_DELAY`)", days(waba_reputation_event.SILENCE_DELAY)),
        ("every {} minutes (`BUSY_INTERVAL`)", waba_account_sync.BUSY_INTERVAL.seconds // 60),
        ("for {} hours after it (`BUSY_PERIOD`)", hours(waba_campaign_state.BUSY_PERIOD)),
        ("{:,} messages (`COMPARED_SENDS`) in {} days (`COMPARED_DAYS`)",
         waba_template_comparison.COMPARED_SENDS, waba_template_comparison.COMPARED_DAYS),
        ("last {} days (`WEEK`)", reputation_rates.WEEK),
        ("last {} days (`MONTH`)", reputation_rates.MONTH),
        ("**{} delivered** messages (`MIN_VOLUME`)", reputation_rates.MIN_VOLUME),
        *[
            ("| {} | {} | {} |", *[
                percent(reputation_score.RISK_THRESHOLDS[measure] * part)
                for part in (reputation_score.NORMAL_SHARE, 0.5, 1)
            ])
            for measure in ("opt_out", "possible_block", "undeliverable")
        ],
        ("| {} | {} | 20 points at most |",
         percent(reputation_score.RISK_THRESHOLDS["limited"] * reputation_score.NORMAL_SHARE),
         percent(reputation_score.RISK_THRESHOLDS["limited"] / 2)),
        ("{} points at |", reputation_score.POINTS_AT_RISK),
        ("(`RISK_THRESHOLDS`, `NORMAL_SHARE`)",),
        (
            "{0} and more (`HEALTHY_THRESHOLD`), **Watch** below {0}",
            reputation_score.HEALTHY_THRESHOLD,
        ),
        ("below {} (`WATCH_THRESHOLD`)", reputation_score.WATCH_THRESHOLD),
        ("{} points (`MARGIN`)", reputation_score.MARGIN),
        ("last {} days (`TREND_DAYS`)", reputation_trend.TREND_DAYS),
        ("Low for {} days (`lock_red_days`)", SETTINGS.lock_red_days),
        ("for another {} days", SETTINGS.lock_red_days),
        ("{} people on the first day", SETTINGS.warm_up_first),
        ("More than {} of a campaign's", percent(SETTINGS.failure_limit)),
        ("more than {} of those who got it opt out (from {} messages on)",
         percent(SETTINGS.opt_out_limit), SETTINGS.threshold_volume),
        ("is {} of a campaign, {} people at least and {:,} at most",
         percent(SETTINGS.canary_share), SETTINGS.canary_minimum, SETTINGS.canary_maximum),
        ("{} of it (`ANSWERED`)", percent(canary.KNOWN_OUTCOME_SHARE)),
        ("and {} hours have passed", hours(SETTINGS.canary_wait)),
        ("after {} hours too few", hours(SETTINGS.canary_longest_wait)),
        ("{:,} people or more", SETTINGS.large_campaign),
        ("{:,} template messages (`PACED_BELOW_LIMIT`)", canary.PACED_BELOW_LIMIT),
        ("while slowed | {} |", percent(SETTINGS.yellow_share)),
        ("(0: never) | {} |", SETTINGS.lock_red_days),
        ("| yes; {}; {} |", SETTINGS.warm_up_first, SETTINGS.warm_up_growth),
        ("| yes; {}, {}, {:,} |", percent(SETTINGS.canary_share), SETTINGS.canary_minimum,
         SETTINGS.canary_maximum),
        ("| {} h; {} h |", hours(SETTINGS.canary_wait), hours(SETTINGS.canary_longest_wait)),
        ("| {:,} people |", SETTINGS.large_campaign),
        ("| {}; {} |", percent(SETTINGS.failure_limit), percent(SETTINGS.opt_out_limit)),
        ("| {} messages |", SETTINGS.threshold_volume),
        ("after {} days (`OPEN_DAYS`)", waba_message_daily.OPEN_DAYS),
        ("fewer than {} messages is shown", reputation_rates.MIN_VOLUME),
        ("at most {} of those delivered in {} days, from {} messages on",
         percent(REQUIREMENTS["opt_out_rate"].limit), requirements.PERIOD_DAYS,
         reputation_rates.MIN_VOLUME),
        ("at most {} undeliverable", percent(REQUIREMENTS["invalid_numbers"].limit)),
        ("at most {} never delivered", percent(REQUIREMENTS["undelivered"].limit)),
    ],
    "scaling.md": [
        ("turns of {} s (`RUN_SECONDS`)", waba_sender_dispatch.RUN_SECONDS),
        ("up to {:,} people (`CHUNK`)", waba_campaign_audience.CHUNK),
        ("up to {} connections (`MAX_CONNECTIONS`)", waba_sender_dispatch.MAX_CONNECTIONS),
        ("up to {} messages (`MAX_RESERVATION`)", waba_sender_dispatch.MAX_RESERVATION),
        ("`{}` | {} |", *waba_message_retention.WEBHOOK_KEEP_DAYS),
        ("`{}` | {}: never |", *job_marks.MESSAGE_KEEP_DAYS),
        ("{:,} rows at a time (`LIMIT`)", waba_message_retention.LIMIT),
    ],
    "security.md": [
        (
            "{} a day for each user (`TESTS_PER_USER_AND_DAY`)",
            waba_message_test.TESTS_PER_USER_AND_DAY[1],
        ),
        (
            "{} for a company (`TESTS_PER_COMPANY_AND_DAY`)",
            waba_message_test.TESTS_PER_COMPANY_AND_DAY[1],
        ),
    ],
    "sending-rules.md": [
        ("{} per user (`TESTS_PER_USER_AND_DAY`)", waba_message_test.TESTS_PER_USER_AND_DAY[1]),
        (
            "{} per company (`TESTS_PER_COMPANY_AND_DAY`)",
            waba_message_test.TESTS_PER_COMPANY_AND_DAY[1],
        ),
    ],
    "ab-tests.md": [
        ("at least {:g} recipients (twice `MIN_TEST_RECIPIENTS` times `HEADROOM`)",
         2 * ab_test.MIN_TEST_RECIPIENTS * ab_test.HEADROOM),
        ("{} of each variant (`COMPLETE_SHARE`)", percent(ab_test.COMPLETE_SHARE)),
        ("Fewer than {} (`MIN_TEST_RECIPIENTS`)", ab_test.MIN_TEST_RECIPIENTS),
        ("at least {} (`MIN_OPT_OUTS`)", ab_test.MIN_OPT_OUTS),
    ],
}  # fmt: skip


def read(name):
    return " ".join((DOCS / name).read_text().split())


class TestDocsFigures(TransactionCase):
    def test_each_figure_is_that_of_the_code(self):
        for name, sentences in SENTENCES.items():
            text = read(name)
            for sentence, *figures in sentences:
                with self.subTest(name, sentence=sentence):
                    self.assertIn(sentence.format(*figures), text)

    def test_each_constant_that_a_page_names_is_compared(self):
        for path in sorted(DOCS.glob("*.md")):
            with self.subTest(path.name):
                compared = " ".join(sentence[0] for sentence in SENTENCES.get(path.name, ()))
                named = set(CONSTANT.findall(path.read_text()))
                named -= NO_CONSTANTS
                self.assertLessEqual(named, set(CONSTANT.findall(compared)))

    def test_a_companys_defaults(self):
        company = self.env["res.company"].default_get(
            ["waba_quiet_from", "waba_quiet_until", "waba_frequency_count", "waba_frequency_days",
             "waba_same_template_hours", "waba_hand_over_hours"]
        )  # fmt: skip
        quiet = "{:.0f}:00 and {:.0f}:00 unless set otherwise"
        for name, sentence in (
            ("sending-rules.md",
             quiet.format(company["waba_quiet_from"], company["waba_quiet_until"])),
            ("sending-rules.md", "{waba_frequency_count} in {waba_frequency_days} unless set "
             "otherwise".format(**company)),
            ("sending-rules.md", "twice within {waba_same_template_hours} hours".format(**company)),
            ("conversations.md", "(Settings, {waba_hand_over_hours})".format(**company)),
        ):  # fmt: skip
            with self.subTest(sentence):
                self.assertIn(sentence, read(name))
