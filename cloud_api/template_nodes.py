"""What Meta's template endpoints answer besides templates: library, archive, figures per day.

As in `nodes`, every reader accepts any JSON value.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from .values import as_datetime, as_dict, as_list, as_text, as_uid, as_word


@dataclass(frozen=True, slots=True)
class LibraryTemplate:
    """A ready-made template of Meta's, in one language. `components` are written as a template
    created from it will list them.

    :param parameter_types: Meta's type of each body variable (TEXT, DATE, AMOUNT…); a value of
        another type is refused when it is sent
    :param inputs: the buttons that need an address or a number: 'url' or 'phone_number' each
    """

    name: str
    language: str
    category: str
    topic: str
    usecase: str
    industries: tuple[str, ...]
    parameter_types: tuple[str, ...]
    inputs: tuple[str, ...]
    components: list = field(hash=False)
    raw: dict = field(repr=False, hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read one element of `/message_template_library`."""
        raw = as_dict(value)
        buttons = [as_dict(button) for button in as_list(raw.get("buttons"))]
        kinds = [as_word(button.get("type")) for button in buttons]
        return cls(
            name=as_text(raw.get("name")),
            language=as_text(raw.get("language")),
            category=as_word(raw.get("category")),
            topic=as_text(raw.get("topic")),
            usecase=as_text(raw.get("usecase")),
            industries=tuple(map(as_text, as_list(raw.get("industry")))),
            parameter_types=tuple(map(as_text, as_list(raw.get("body_param_types")))),
            inputs=tuple(kind for kind in kinds if kind in ("url", "phone_number")),
            components=_library_components(raw, buttons),
            raw=raw,
        )


def _library_components(raw, buttons):
    components = []
    if header := as_text(raw.get("header")):
        components.append({"type": "HEADER", "format": "TEXT", "text": header})
    body = {"type": "BODY", "text": as_text(raw.get("body"))}
    if samples := [as_text(sample) for sample in as_list(raw.get("body_params"))]:
        body["example"] = {"body_text": [samples]}
    components.append(body)
    if footer := as_text(raw.get("footer")):
        components.append({"type": "FOOTER", "text": footer})
    if buttons:
        components.append({"type": "BUTTONS", "buttons": buttons})
    return components


@dataclass(frozen=True, slots=True)
class ArchiveReply:
    """Which templates were archived or unarchived, and why the others were not.

    :param done: template ids
    :param failed: {template id: Meta's sentence}
    """

    done: tuple[str, ...]
    failed: dict = field(hash=False)

    @classmethod
    def from_reply(cls, value):
        """Read the reply of `message_templates/archive` and `…/unarchive`."""
        raw = as_dict(value)
        done = as_list(raw.get("archived_templates")) + as_list(raw.get("unarchived_templates"))
        failed = as_dict(raw.get("failed_templates"))
        return cls(
            tuple(uid for uid in map(as_uid, done) if uid),
            {as_uid(uid): as_text(reason) for uid, reason in failed.items()},
        )


@dataclass(frozen=True, slots=True)
class TemplateDay:
    """Meta's figures of one template and day; reads and clicks are counted for 7 days.

    :param clicks: {button text: count}, quick replies and links
    :param spent: in the account's currency, None when Meta tells no cost
    """

    template_uid: str
    start: datetime | None
    end: datetime | None
    sent: int
    delivered: int
    read: int
    clicks: dict = field(hash=False)
    spent: Decimal | None

    @classmethod
    def all_from_reply(cls, value):
        """Yield the days of one element of `template_analytics`."""
        for point in map(as_dict, as_list(as_dict(value).get("data_points"))):
            costs = map(as_dict, as_list(point.get("cost")))
            spent = [c.get("value") for c in costs if c.get("type") == "amount_spent"]
            yield cls(
                template_uid=as_uid(point.get("template_id")),
                start=as_datetime(point.get("start")),
                end=as_datetime(point.get("end")),
                sent=_count(point.get("sent")),
                delivered=_count(point.get("delivered")),
                read=_count(point.get("read")),
                clicks=_clicks(point.get("clicked")),
                spent=_amount(spent[0]) if spent else None,
            )


def _clicks(value):
    """Clicks per button; `unique_url_button` counts people again who are in `url_button`."""
    clicks = {}
    for click in map(as_dict, as_list(value)):
        text = as_text(click.get("button_content"))
        if text and not as_word(click.get("type")).startswith("unique"):
            clicks[text] = clicks.get(text, 0) + _count(click.get("count"))
    return clicks


def _count(value):
    return value if type(value) is int and 0 <= value < 2**31 else 0


def _amount(value):
    if type(value) not in (int, float) or not 0 <= value < 1e12:
        return None
    return Decimal(str(value))
