"""Events about our own limits, numbers, account and templates."""

import re

from .events import (
    AccountAlert,
    AccountReview,
    AccountUpdate,
    CapabilityChange,
    NumberName,
    NumberUpdate,
    Restriction,
    SecurityEvent,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
    VolumeTier,
)
from .values import (
    as_datetime,
    as_dict,
    as_list,
    as_quality,
    as_text,
    as_uid,
    as_word,
    digits,
    normalise_limit,
)

TIER = re.compile(r"(\d{1,15}):(\d{1,15})?")
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def _upper(value):
    return as_text(value).strip().upper()


# Limits, numbers, account


def _limit(value, *names):
    given = next((value[name] for name in names if value.get(name) is not None), None)
    return None if given is None else normalise_limit(given)


def _capability(scope, value):
    # The older key (`_per_phone`) was announced for removal in 2026-02 and is still printed.
    return CapabilityChange(
        **scope.shared(value),
        messaging_limit=_limit(
            value, "max_daily_conversations_per_business", "max_daily_conversation_per_phone"
        ),
    )


def _number_update(scope, value):
    return NumberUpdate(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        event=_upper(value.get("event")),
        messaging_limit=_limit(value, "max_daily_conversations_per_business", "current_limit"),
        old_limit=_limit(value, "old_limit"),
    )


def _number_name(scope, value):
    return NumberName(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        decision=as_word(value.get("decision")),
        requested_name=as_text(value.get("requested_verified_name")),
        rejection_reason=as_text(value.get("rejection_reason")),
    )


def _account_alert(scope, value):
    info = as_dict(value.get("alert_info")) or value
    return AccountAlert(
        **scope.shared(value),
        status=_upper(info.get("alert_status")),
        alert_type=_upper(info.get("alert_type")),
        description=as_text(info.get("alert_description")),
    )


def _account_update(scope, value):
    ban = as_dict(value.get("ban_info"))
    shared, event = scope.shared(value, value.get("timestamp")), _upper(value.get("event"))
    if event == "MM_LITE_TERMS_SIGNED":
        # The entry is of the portfolio that signed (Onboard, 2026-06-30).
        signed = as_uid(as_dict(value.get("waba_info")).get("waba_id"))
        shared["waba_uid"] = signed or shared["waba_uid"]
    return AccountUpdate(
        **shared,
        event=event,
        violation_type=_upper(as_dict(value.get("violation_info")).get("violation_type")),
        restrictions=tuple(
            _restriction(restriction)
            for restriction in as_list(value.get("restriction_info"))
            if isinstance(restriction, dict)
        ),
        ban_state=_upper(ban.get("waba_ban_state")),
        ban_date=as_text(ban.get("waba_ban_date")),
        volume_tier=_volume_tier(as_dict(value.get("volume_tier_info"))),
    )


def _volume_tier(value):
    """The tier '25000001:50000000' of a market; None without one."""
    found = TIER.fullmatch(as_text(value.get("tier")).strip())
    month = as_text(value.get("effective_month")).strip()
    if not found or not MONTH.fullmatch(month):
        return None
    return VolumeTier(
        _upper(value.get("region")),
        as_word(value.get("pricing_category")),
        int(found[1]),
        int(found[2]) if found[2] else None,
        month,
    )


def _restriction(value):
    kind = _upper(value.get("restriction_type"))
    # An older spelling, RESTRICTION_ADD_PHONE_NUMBER_ACTION, is still in use.
    if kind.startswith("RESTRICTION_"):
        kind = kind.replace("RESTRICTION_", "RESTRICTED_", 1)
    return Restriction(
        kind, as_datetime(value.get("expiration")), as_text(value.get("remediation"))
    )


def _account_review(scope, value):
    return AccountReview(**scope.shared(value), decision=as_word(value.get("decision")))


def _security(scope, value):
    return SecurityEvent(
        **scope.shared(value),
        display_number=digits(value.get("display_phone_number")),
        event=_upper(value.get("event")),
    )


# Templates


def _template(value):
    """Id (a JSON number that exceeds a float), name and language of the template."""
    return {
        "template_uid": as_uid(value.get("message_template_id")),
        "name": as_text(value.get("message_template_name")),
        "language": as_text(value.get("message_template_language")),
    }


def _template_status(scope, value):
    info, rejection = as_dict(value.get("other_info")), as_dict(value.get("rejection_info"))
    return TemplateStatus(
        **scope.shared(value),
        **_template(value),
        event=_upper(value.get("event")),
        reason=_upper(value.get("reason")),
        title=_upper(info.get("title")),
        description=as_text(info.get("description")),
        rejection=_rejection(rejection),
        category=as_text(value.get("message_template_category")).lower(),
    )


def _rejection(value):
    """Meta's explanation and recommendation, each a sentence; a bare key explains nothing."""
    texts = (as_text(value.get("reason")).strip(), as_text(value.get("recommendation")).strip())
    return " ".join(
        text if text.endswith((".", "!", "?")) else f"{text}."
        for text in texts
        if text and not text.isupper()
    )


def _template_quality(scope, value):
    return TemplateQuality(
        **scope.shared(value),
        **_template(value),
        previous=as_quality(value.get("previous_quality_score")),
        new=as_quality(value.get("new_quality_score")),
    )


def _template_category(scope, value):
    return TemplateCategory(
        **scope.shared(value),
        **_template(value),
        previous=as_text(value.get("previous_category")).lower(),
        new=as_text(value.get("new_category")).lower(),
        correct=as_text(value.get("correct_category")).lower(),
        changes_at=as_datetime(value.get("category_update_timestamp")),
    )


def _template_components(scope, value):
    return TemplateComponents(**scope.shared(value), **_template(value))


READERS = {
    "business_capability_update": _capability,
    "phone_number_quality_update": _number_update,
    "phone_number_name_update": _number_name,
    "account_alerts": _account_alert,
    "account_update": _account_update,
    "account_review_update": _account_review,
    "security": _security,
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "template_category_update": _template_category,
    "message_template_components_update": _template_components,
}
