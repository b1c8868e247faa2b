"""Meta's `health_status`: which of number, template, WABA, business, app can send."""

from dataclasses import dataclass, field

from .values import as_code, as_dict, as_list, as_text, as_uid, as_word


@dataclass(frozen=True, slots=True)
class HealthError:
    """Why something cannot send: Meta's code, what it is, what to do."""

    code: int | None
    description: str
    solution: str


@dataclass(frozen=True, slots=True)
class HealthEntity:
    """One of number, template, WABA, business, app."""

    type: str
    uid: str
    can_send: str
    additional_info: tuple[str, ...] = ()
    errors: tuple[HealthError, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Meta's `health_status`; `can_send` is 'available', 'limited', 'blocked' or 'unknown'.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/support/health-status
    """

    can_send: str = "unknown"
    entities: tuple[HealthEntity, ...] = ()
    raw: dict = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read a `health_status` object."""
        raw = as_dict(value)
        entities = tuple(
            _health_entity(entity)
            for entity in as_list(raw.get("entities"))
            if isinstance(entity, dict)
        )
        return cls(_can_send(raw), entities, raw)


def _can_send(value):
    return as_word(value.get("can_send_message"), ("available", "limited", "blocked"))


def _health_entity(value):
    errors = tuple(
        HealthError(
            as_code(error.get("error_code")),
            as_text(error.get("error_description")),
            as_text(error.get("possible_solution")),
        )
        for error in as_list(value.get("errors"))
        if isinstance(error, dict)
    )
    info = tuple(text for text in as_list(value.get("additional_info")) if isinstance(text, str))
    return HealthEntity(
        as_word(value.get("entity_type")), as_uid(value.get("id")), _can_send(value), info, errors
    )
